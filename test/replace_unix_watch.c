/* replace_unix_watch.c - a kernel that has no room to watch one descriptor more.
 */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_watch.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

static bool refuses;
static unsigned refused;

unsigned raw_watches_refused(void)
{
    return refused;
}

#ifdef __linux__
#include <sys/epoll.h>

bool raw_watches_no_writers(bool on)
{
    refuses = on;
    return true;
}

int epoll_ctl(int epoll, int how, int fd, struct epoll_event *event)
{
    static int (*next)(int, int, int, struct epoll_event *);

    if (!next) {
        void *found = dlsym(RTLD_NEXT, "epoll_ctl");
        memcpy(&next, &found, sizeof next);
    }
    if (refuses && how != EPOLL_CTL_DEL && event->events & EPOLLOUT) {
        refused++;
        errno = ENOSPC;
        return -1;
    }
    return next(epoll, how, fd, event);
}
#else
bool raw_watches_no_writers(bool on)
{
    refuses = on;
    return false;
}
#endif
