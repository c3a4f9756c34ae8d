/* post_uv.c - uv_async_send, with the queue that its users add: it wakes the
 * loop, and carries nothing. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"
#include "post.h"

#include <stdlib.h>
#include <uv.h>

struct call {
    void (*fn)(void *arg);
    void *arg;
};

struct queue {
    struct call *calls;
    size_t count, room;
};

static uv_loop_t loop;
static uv_async_t async;
static uv_mutex_t mutex;
static struct queue inbox;  /* the mutex's */
static struct queue outbox; /* the loop's */
static size_t called, awaited;

static void count(void *arg)
{
    (void)arg;
    if (++called == awaited) {
        uv_stop(&loop);
    }
}

static void run_posts(uv_async_t *handle)
{
    (void)handle;
    uv_mutex_lock(&mutex);
    struct queue full = inbox;
    inbox = outbox;
    inbox.count = 0;
    uv_mutex_unlock(&mutex);
    outbox = full;
    for (size_t i = 0; i < full.count; i++) {
        full.calls[i].fn(full.calls[i].arg);
    }
}

static void open_loop(void)
{
    if (uv_loop_init(&loop) < 0 || uv_mutex_init(&mutex) < 0 ||
        uv_async_init(&loop, &async, run_posts) < 0) {
        measure_die("uv_loop_init");
    }
}

static void close_loop(void)
{
    uv_close((uv_handle_t *)&async, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop) < 0) {
        measure_die("uv_loop_close");
    }
    uv_mutex_destroy(&mutex);
    free(inbox.calls);
    free(outbox.calls);
    inbox = outbox = (struct queue){0};
}

static void post(void)
{
    uv_mutex_lock(&mutex);
    if (inbox.count == inbox.room) {
        inbox.room = inbox.room ? inbox.room * 2 : 64;
        inbox.calls = realloc(inbox.calls, inbox.room * sizeof inbox.calls[0]);
        if (!inbox.calls) {
            measure_die("realloc");
        }
    }
    inbox.calls[inbox.count++] = (struct call){.fn = count};
    uv_mutex_unlock(&mutex);
    uv_async_send(&async);
}

static void run(size_t expected)
{
    called = 0;
    awaited = expected;
    uv_run(&loop, UV_RUN_DEFAULT);
}

const struct post post_uv = {.name = "libuv",
                             .open = open_loop,
                             .close = close_loop,
                             .post = post,
                             .run = run};
