/* replace_unix_clock.c - clocks that step, for this process alone. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_net.h"

#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

#if defined(__linux__) && defined(SYS_clock_gettime)
static atomic_llong step;
static atomic_llong ahead; /* of the monotonic clock, in seconds */

bool raw_step_wall_clock(int64_t seconds)
{
    atomic_store(&step, seconds);
    return true;
}

bool raw_advance_clock(int64_t seconds)
{
    atomic_fetch_add(&ahead, seconds);
    return true;
}

/* dlsym would ask for the time itself under some sanitizers */
int clock_gettime(clockid_t clock, struct timespec *t)
{
    int result = (int)syscall(SYS_clock_gettime, clock, t);

    if (result == 0 &&
        (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        t->tv_sec += (time_t)atomic_load(&step);
    if (result == 0 &&
        (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE))
        t->tv_sec += (time_t)atomic_load(&ahead);
    return result;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) < 0)
        return -1;
    t->tv_sec = now.tv_sec;
    t->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *t)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (t)
        *t = now.tv_sec;
    return now.tv_sec;
}
#else
bool raw_step_wall_clock(int64_t seconds)
{
    (void)seconds;
    return false;
}

bool raw_advance_clock(int64_t seconds)
{
    (void)seconds;
    return false;
}
#endif
