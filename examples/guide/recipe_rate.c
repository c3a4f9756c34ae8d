/* recipe_rate.c - a token bucket for each client: a burst, then a steady rate. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>

#define BURST     3
#define PERIOD_NS RONDO_MS(10) /* a request each */
#define REQUESTS  8

struct client {
    rondo_transport *t;
    rondo_id timer;
    int slowed;   /* how often */
    int64_t full; /* when the bucket is full again; before that it is not */
};

/* The whole state of a bucket is one time, so nothing has to fill it up. Returns
 * 0 and takes a token, or says how long to wait for one. */
static int64_t take_token(struct client *c, int64_t now)
{
    if (c->full < now)
        c->full = now;
    int64_t wait = c->full + PERIOD_NS - now - BURST * PERIOD_NS;
    if (wait > 0)
        return wait;
    c->full += PERIOD_NS;
    return 0;
}

static void go_on(rondo_loop *loop, void *arg)
{
    struct client *c = arg;
    (void)loop;
    c->timer = 0;
    rondo_transport_resume_reading(c->t); /* data_received gets the rest */
}

/* A request is one byte. */
static void received(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct client *c = self;
    rondo_loop *loop = rondo_transport_loop(t);
    for (size_t i = 0; i < size; i++) {
        int64_t wait = take_token(c, rondo_loop_iteration_time(loop));
        if (wait > 0) {
            if (!c->slowed++)
                printf("%d requests at once\n", (int)i);
            rondo_transport_unread(t, (const char *)data + i, size - i);
            rondo_transport_pause_reading(t); /* in the end the peer waits */
            c->timer = rondo_call_later(loop, wait, go_on, c);
            return;
        }
        rondo_transport_write(t, "+", 1);
    }
}

static int accepted(rondo_server *server, void *arg, rondo_transport *t,
                    const rondo_protocol **protocol, void **self)
{
    struct client *c = calloc(1, sizeof *c);
    (void)server, (void)arg, (void)protocol;
    if (!c)
        return RONDO_ENOMEM;
    c->t = t;
    *self = c;
    return 0;
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct client *c = self;
    (void)error;
    rondo_cancel(rondo_transport_loop(t), c->timer);
    free(c);
}

static const rondo_protocol serving = {.data_received = received,
                                       .connection_lost = lost};

/* ---- a client that sends all requests at once ---- */

struct asker {
    rondo_server *server;
    int64_t began;
    size_t answers;
};

static void ask(rondo_transport *t, void *self)
{
    struct asker *a = self;
    a->began = rondo_loop_time(rondo_transport_loop(t));
    rondo_transport_write(t, "????????", REQUESTS);
}

static void count(rondo_transport *t, void *self, const void *data, size_t size)
{
    struct asker *a = self;
    (void)data;
    a->answers += size;
    if (a->answers < REQUESTS)
        return;
    int64_t took = rondo_loop_time(rondo_transport_loop(t)) - a->began;
    printf("%d answers; the last %d took %d ms or more: %s\n", REQUESTS,
           REQUESTS - BURST,
           (int)((REQUESTS - BURST) * PERIOD_NS / RONDO_MS(1)),
           took >= (REQUESTS - BURST) * PERIOD_NS ? "yes" : "no");
    rondo_transport_close(t);
    rondo_server_close(a->server);
}

static const rondo_protocol asking = {.connection_made = ask,
                                      .data_received = count};

int main(void)
{
    struct asker a = {0};
    rondo_loop *loop = NULL;
    rondo_address at;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_create_server(
            loop,
            RONDO_SERVE(.host = "127.0.0.1", .protocol_factory = accepted),
            &serving, NULL, &a.server) < 0 ||
        rondo_server_address(a.server, 0, &at) < 0 ||
        rondo_create_connection(loop, RONDO_CONNECT(.address = &at), &asking,
                                &a, NULL, NULL) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "recipe_rate: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
