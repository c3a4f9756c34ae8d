/* replace_unix_wait.c - waits of the kernel that fail. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_wait.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/select.h>

/* Loops wait on several threads. */
static atomic_uint to_fail, failed;
static atomic_int error;

bool raw_wait_fails(unsigned times, enum raw_wait_error what)
{
    to_fail = times;
    failed = 0;
    error = what == RAW_NO_MEMORY ? ENOMEM : EBADF;
    return true;
}

unsigned raw_waits_failed(void)
{
    return failed;
}

static bool fails(void)
{
    unsigned left = atomic_load(&to_fail);

    do {
        if (!left)
            return false;
    } while (!atomic_compare_exchange_weak(&to_fail, &left, left - 1));
    failed++;
    errno = error;
    return true;
}

/* The next definition of that name. */
static void *find_next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    union {
        void *found;
        int (*call)(struct pollfd *, nfds_t, int);
    } next;

    next.found = find_next("poll");
    return fails() ? -1 : next.call(fds, count, timeout_ms);
}

int pselect(int count, fd_set *readable, fd_set *writable, fd_set *odd,
            const struct timespec *timeout, const sigset_t *mask)
{
    union {
        void *found;
        int (*call)(int, fd_set *, fd_set *, fd_set *, const struct timespec *,
                    const sigset_t *);
    } next;

    next.found = find_next("pselect");
    return fails() ? -1
                   : next.call(count, readable, writable, odd, timeout, mask);
}

#ifdef __linux__
#include <sys/epoll.h>

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
          const sigset_t *mask)
{
    union {
        void *found;
        int (*call)(struct pollfd *, nfds_t, const struct timespec *,
                    const sigset_t *);
    } next;

    next.found = find_next("ppoll");
    return fails() ? -1 : next.call(fds, count, timeout, mask);
}

int epoll_wait(int fd, struct epoll_event *events, int most, int timeout_ms)
{
    union {
        void *found;
        int (*call)(int, struct epoll_event *, int, int);
    } next;

    next.found = find_next("epoll_wait");
    return fails() ? -1 : next.call(fd, events, most, timeout_ms);
}
#endif
