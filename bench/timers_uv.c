/* timers_uv.c - libuv's timers. Its times are whole milliseconds. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"
#include "timers.h"

#include <uv.h>

static uv_loop_t loop;
static uv_timer_t *handles;
static size_t handle_count;
static size_t fired;

static void fire(uv_timer_t *handle)
{
    (void)handle;
    fired++;
}

static void open_loop(size_t count)
{
    static size_t room;
    if (count > room) {
        handles = measure_allocate(count, sizeof *handles);
        room = count;
    }
    if (uv_loop_init(&loop) < 0) {
        measure_die("uv_loop_init");
    }
    for (size_t i = 0; i < count; i++) {
        uv_timer_init(&loop, &handles[i]);
    }
    handle_count = count;
    fired = 0;
}

static void close_loop(void)
{
    for (size_t i = 0; i < handle_count; i++) {
        uv_close((uv_handle_t *)&handles[i], NULL);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop) < 0) {
        measure_die("uv_loop_close");
    }
}

static void start_one(size_t i, int64_t time)
{
    uint64_t ms = (uint64_t)time / 1000000;
    if (uv_timer_start(&handles[i], fire, ms, 0) < 0) {
        measure_die("uv_timer_start");
    }
}

static void start(const int64_t *times, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        start_one(i, times[i]);
    }
}

static void cancel(const uint32_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uv_timer_stop(&handles[order[i]]);
    }
}

static void later_one(const int64_t *times, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        start_one(0, times[i]);
    }
}

static void expire(size_t count)
{
    while (fired < count) {
        uv_run(&loop, UV_RUN_NOWAIT);
    }
}

const struct timers timers_uv = {
    .name = "libuv",
    .open = open_loop,
    .close = close_loop,
    .start = start,
    .cancel = cancel,
    .later = start, /* starting one that runs moves it */
    .later_one = later_one,
    .expire = expire,
};
