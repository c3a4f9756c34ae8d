/* executor_rondo.c - rondo_run_in_executor. */
/* SPDX-License-Identifier: MIT */
#include "executors.h"

#include "measure.h"

#include <rondo.h>

static rondo_loop *loop;
static size_t wanted, ended;

static int64_t work(rondo_job *job, void *arg)
{
    (void)job;
    (void)arg;
    return 0;
}

static void ask(void);

static void done(rondo_loop *from, void *arg, int64_t result)
{
    (void)from;
    (void)arg;
    if (result != 0) {
        measure_die("a job of rondo_run_in_executor");
    }
    ended++;
    ask();
}

static void ask(void)
{
    if (wanted == 0) {
        return;
    }
    wanted--;
    if (rondo_run_in_executor(loop, NULL, work, done, NULL) < 0) {
        measure_die("rondo_run_in_executor");
    }
}

/* As many threads as libuv has. */
static void open_loop(void)
{
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    options.executor_threads = 4;
    if (rondo_loop_new(&loop, &options) < 0) {
        measure_die("rondo_loop_new");
    }
}

static void close_loop(void)
{
    if (rondo_loop_close(loop) < 0) {
        measure_die("rondo_loop_close");
    }
}

static void run(size_t jobs, size_t at_a_time)
{
    wanted = jobs;
    ended = 0;
    for (size_t i = 0; i < at_a_time; i++) {
        ask();
    }
    if (rondo_loop_run(loop) != 0 || ended != jobs) {
        measure_die("rondo_loop_run");
    }
}

const struct executor executor_rondo = {
    .name = "rondo", .open = open_loop, .close = close_loop, .run = run};
