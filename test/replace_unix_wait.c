/* replace_unix_wait.c - waits of the kernel that fail. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_wait.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>

static unsigned to_fail, failed;
static int error;

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
    if (!to_fail)
        return false;
    to_fail--;
    failed++;
    errno = error;
    return true;
}

/* Puts the next definition of that name where `fn` points. */
static void find_next(const char *name, void *fn, size_t size)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(fn, &found, size);
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    static int (*next)(struct pollfd *, nfds_t, int);

    if (!next)
        find_next("poll", &next, sizeof next);
    return fails() ? -1 : next(fds, count, timeout_ms);
}

int pselect(int count, fd_set *readable, fd_set *writable, fd_set *odd,
            const struct timespec *timeout, const sigset_t *mask)
{
    static int (*next)(int, fd_set *, fd_set *, fd_set *,
                       const struct timespec *, const sigset_t *);

    if (!next)
        find_next("pselect", &next, sizeof next);
    return fails() ? -1 : next(count, readable, writable, odd, timeout, mask);
}

#ifdef __linux__
#include <sys/epoll.h>

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
          const sigset_t *mask)
{
    static int (*next)(struct pollfd *, nfds_t, const struct timespec *,
                       const sigset_t *);

    if (!next)
        find_next("ppoll", &next, sizeof next);
    return fails() ? -1 : next(fds, count, timeout, mask);
}

int epoll_wait(int fd, struct epoll_event *events, int most, int timeout_ms)
{
    static int (*next)(int, struct epoll_event *, int, int);

    if (!next)
        find_next("epoll_wait", &next, sizeof next);
    return fails() ? -1 : next(fd, events, most, timeout_ms);
}
#endif
