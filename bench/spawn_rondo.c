/* spawn_rondo.c - rondo_subprocess_exec. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"
#include "rondo.h"
#include "spawn.h"

static rondo_loop *loop;
static size_t ended;

static void exited(rondo_process *p, void *self, rondo_exit status)
{
    (void)p;
    (void)self;
    if (!status.known || status.code) {
        measure_die("subprocess_exec");
    }
    ended++;
}

static const rondo_process_protocol watch = {.process_exited = exited};

static void open_loop(void)
{
    if (rondo_loop_new(&loop, NULL) < 0) {
        measure_die("loop_new");
    }
}

static void close_loop(void)
{
    (void)rondo_loop_close(loop);
}

static void run(char **argv, size_t times)
{
    rondo_process_options o = RONDO_PROCESS_OPTIONS_INIT;
    o.program = argv[0];
    ended = 0;
    for (size_t i = 0; i < times; i++) {
        if (rondo_subprocess_exec(loop, &o, &watch, NULL, NULL) < 0 ||
            rondo_loop_run(loop) < 0 || ended != i + 1) {
            measure_die("subprocess_exec");
        }
    }
}

const struct spawn spawn_rondo = {
    .name = "rondo", .open = open_loop, .close = close_loop, .run = run};
