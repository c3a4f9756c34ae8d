/* replace_unix_notify.c - a kernel that has no more watches, or is slow. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_change.h"

#ifdef __linux__
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/inotify.h>

static atomic_uint refusals, held;
static atomic_bool holding;

bool raw_notify_refuse(unsigned times)
{
    atomic_store(&refusals, times);
    return true;
}

bool raw_notify_hold(bool on)
{
    atomic_store(&holding, on);
    return true;
}

unsigned raw_notify_held(void)
{
    return atomic_load(&held);
}

static bool is_refused(void)
{
    unsigned left = atomic_load(&refusals);

    while (left && !atomic_compare_exchange_weak(&refusals, &left, left - 1))
        ;
    return left;
}

int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    void *found = dlsym(RTLD_NEXT, "inotify_add_watch");
    int (*next)(int, const char *, uint32_t);

    memcpy(&next, &found, sizeof next);
    if (is_refused()) {
        errno = ENOSPC;
        return -1;
    }
    if (atomic_load(&holding)) {
        atomic_fetch_add(&held, 1);
        while (atomic_load(&holding))
            raw_sleep_ms(1);
        atomic_fetch_sub(&held, 1);
    }
    return next(fd, path, mask);
}
#else
bool raw_notify_refuse(unsigned times)
{
    (void)times;
    return false;
}

bool raw_notify_hold(bool on)
{
    (void)on;
    return false;
}

unsigned raw_notify_held(void)
{
    return 0;
}
#endif
