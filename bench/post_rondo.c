/* post_rondo.c - rondo_call_soon and rondo_call_soon_threadsafe. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"
#include "post.h"

#include <rondo.h>

static rondo_loop *loop;
static size_t called, awaited;

static void count(rondo_loop *from, void *arg)
{
    (void)arg;
    if (++called == awaited) {
        rondo_loop_stop(from);
    }
}

static void open_loop(void)
{
    if (rondo_loop_new(&loop, NULL) < 0) {
        measure_die("rondo_loop_new");
    }
}

static void close_loop(void)
{
    if (rondo_loop_close(loop) < 0) {
        measure_die("rondo_loop_close");
    }
}

static void soon(size_t batches, size_t batch)
{
    called = 0;
    awaited = 0;
    for (size_t i = 0; i < batches; i++) {
        for (size_t j = 0; j < batch; j++) {
            if (rondo_call_soon(loop, count, NULL) < 0) {
                measure_die("rondo_call_soon");
            }
        }
        if (rondo_loop_run_once(loop, 0) < 0) {
            measure_die("rondo_loop_run_once");
        }
    }
    if (called != batches * batch) {
        measure_die("rondo_call_soon: not one callback each; this");
    }
}

static void post(void)
{
    if (rondo_call_soon_threadsafe(loop, count, NULL) < 0) {
        measure_die("rondo_call_soon_threadsafe");
    }
}

static void run(size_t expected)
{
    called = 0;
    awaited = expected;
    if (rondo_loop_run_forever(loop) != 1) {
        measure_die("rondo_loop_run_forever");
    }
}

const struct post post_rondo = {.name = "rondo",
                                .open = open_loop,
                                .close = close_loop,
                                .soon = soon,
                                .post = post,
                                .run = run};
