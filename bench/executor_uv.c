/* executor_uv.c - uv_queue_work. */
/* SPDX-License-Identifier: MIT */
#include "executors.h"

#include "measure.h"

#include <stdlib.h>
#include <uv.h>

static uv_loop_t loop;
static size_t wanted, ended;

static void work(uv_work_t *request)
{
    (void)request;
}

static void ask(uv_work_t *request);

static void done(uv_work_t *request, int status)
{
    if (status != 0) {
        measure_die("a job of uv_queue_work");
    }
    ended++;
    ask(request);
}

/* The request is its user's, who has one for each job at a time. */
static void ask(uv_work_t *request)
{
    if (wanted == 0) {
        free(request);
        return;
    }
    wanted--;
    if (uv_queue_work(&loop, request, work, done) < 0) {
        measure_die("uv_queue_work");
    }
}

static void open_loop(void)
{
    if (uv_loop_init(&loop) < 0) {
        measure_die("uv_loop_init");
    }
}

static void close_loop(void)
{
    if (uv_loop_close(&loop) < 0) {
        measure_die("uv_loop_close");
    }
}

static void run(size_t jobs, size_t at_a_time)
{
    wanted = jobs;
    ended = 0;
    for (size_t i = 0; i < at_a_time; i++) {
        uv_work_t *request = malloc(sizeof *request);
        if (!request) {
            measure_die("malloc");
        }
        ask(request);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    if (ended != jobs) {
        measure_die("uv_run");
    }
}

const struct executor executor_uv = {
    .name = "libuv", .open = open_loop, .close = close_loop, .run = run};
