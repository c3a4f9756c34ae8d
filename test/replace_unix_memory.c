/* replace_unix_memory.c - sends of a stream socket that find no memory. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_memory.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>

/* of the test's own thread, as the loop that sends */
static int target = -1;
static unsigned left, failed;

bool raw_sends_lack_memory(raw_fd fd, unsigned times)
{
    target = (int)fd;
    left = times;
    failed = 0;
    return true;
}

unsigned raw_sends_lacked_memory(void)
{
    return failed;
}

static bool must_fail(int fd)
{
    if (!left || fd != target)
        return false;
    left--;
    failed++;
    errno = ENOBUFS;
    return true;
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    union {
        void *pointer;
        ssize_t (*fn)(int, const void *, size_t, int);
    } next;

    if (must_fail(fd))
        return -1;
    next.pointer = dlsym(RTLD_NEXT, "send");
    return next.fn(fd, data, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    union {
        void *pointer;
        ssize_t (*fn)(int, const struct msghdr *, int);
    } next;

    if (must_fail(fd))
        return -1;
    next.pointer = dlsym(RTLD_NEXT, "sendmsg");
    return next.fn(fd, message, flags);
}
