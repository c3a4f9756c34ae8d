/* timers_ev.c - libev's timers. Its times are seconds, in a double. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"
#include "timers.h"

#include <ev.h>

static struct ev_loop *loop;
static ev_timer *watchers;
static size_t fired;

static void fire(struct ev_loop *from, ev_timer *watcher, int events)
{
    (void)from;
    (void)watcher;
    (void)events;
    fired++;
}

static void open_loop(size_t count)
{
    static size_t room;
    if (count > room) {
        watchers = measure_allocate(count, sizeof *watchers);
        room = count;
    }
    loop = ev_loop_new(EVBACKEND_EPOLL);
    if (!loop) {
        measure_die("ev_loop_new");
    }
    for (size_t i = 0; i < count; i++) {
        ev_init(&watchers[i], fire);
    }
    fired = 0;
}

static void close_loop(void)
{
    ev_loop_destroy(loop);
}

static void start(const int64_t *times, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ev_timer_set(&watchers[i], (double)times[i] * 1e-9, 0.);
        ev_timer_start(loop, &watchers[i]);
    }
}

static void cancel(const uint32_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ev_timer_stop(loop, &watchers[order[i]]);
    }
}

/* ev_timer_again moves one that runs to its repeat time from now. */
static void move(size_t i, int64_t time)
{
    watchers[i].repeat = (double)time * 1e-9;
    ev_timer_again(loop, &watchers[i]);
}

static void later(const int64_t *times, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        move(i, times[i]);
    }
}

static void later_one(const int64_t *times, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        move(0, times[i]);
    }
}

static void expire(size_t count)
{
    ev_now_update(loop);
    while (fired < count) {
        ev_run(loop, EVRUN_NOWAIT);
    }
}

const struct timers timers_ev = {
    .name = "libev",
    .open = open_loop,
    .close = close_loop,
    .start = start,
    .cancel = cancel,
    .later = later,
    .later_one = later_one,
    .expire = expire,
};
