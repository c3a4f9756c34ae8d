/* timers.h - what timers.c measures, and each library provides. */
/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TIMERS_H
#define BENCH_TIMERS_H

#include <stddef.h>
#include <stdint.h>

/* Timers are numbered from 0. A time is in ns after open. */
struct timers {
    const char *name;
    /* A new loop, with room for that many timers where the caller keeps it. */
    void (*open)(size_t count);
    void (*close)(void);
    /* Starts timer i at times[i]. */
    void (*start)(const int64_t *times, size_t count);
    /* Cancels the timers, in that order. */
    void (*cancel)(const uint32_t *order, size_t count);
    /* Moves timer i, which runs, to times[i], which is later. */
    void (*later)(const int64_t *times, size_t count);
    /* Moves timer 0 to times[i], for one i after the other. */
    void (*later_one)(const int64_t *times, size_t count);
    /* Runs the loop, without waiting, until that many timers have fired. */
    void (*expire)(size_t count);
};

extern const struct timers timers_rondo, timers_uv, timers_ev;

#endif
