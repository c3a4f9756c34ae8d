/* timers_rondo.c - Rondo's timers. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"
#include "timers.h"

#include <rondo.h>

static rondo_loop *loop;
static rondo_id *ids;
static int64_t opened;
static size_t fired;

static void fire(rondo_loop *from, void *arg)
{
    (void)from;
    (void)arg;
    fired++;
}

static void open_loop(size_t count)
{
    static size_t room;
    if (count > room) {
        ids = measure_allocate(count, sizeof *ids);
        room = count;
    }
    if (rondo_loop_new(&loop, NULL) < 0) {
        measure_die("rondo_loop_new");
    }
    opened = rondo_loop_time(loop);
    fired = 0;
}

static void close_loop(void)
{
    if (rondo_loop_close(loop) < 0) {
        measure_die("rondo_loop_close");
    }
}

static void start(const int64_t *times, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ids[i] = rondo_call_at(loop, opened + times[i], fire, NULL);
        if (ids[i] < 0) {
            measure_die("rondo_call_at");
        }
    }
}

static void cancel(const uint32_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rondo_cancel(loop, ids[order[i]]) < 0) {
            measure_die("rondo_cancel");
        }
    }
}

static void later(const int64_t *times, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rondo_reschedule(loop, ids[i], opened + times[i]) < 0) {
            measure_die("rondo_reschedule");
        }
    }
}

static void later_one(const int64_t *times, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rondo_reschedule(loop, ids[0], opened + times[i]) < 0) {
            measure_die("rondo_reschedule");
        }
    }
}

static void expire(size_t count)
{
    while (fired < count) {
        if (rondo_loop_run_once(loop, 0) < 0) {
            measure_die("rondo_loop_run_once");
        }
    }
}

const struct timers timers_rondo = {
    .name = "rondo",
    .open = open_loop,
    .close = close_loop,
    .start = start,
    .cancel = cancel,
    .later = later,
    .later_one = later_one,
    .expire = expire,
};
