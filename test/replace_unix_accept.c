/* replace_unix_accept.c - an accept that fails as told. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_net.h"

#include <dlfcn.h>
#include <errno.h>

/* <sys/socket.h> is left out on purpose: glibc declares these with a type of
 * its own, which a definition cannot repeat. */
int accept(int fd, void *address, void *size);
int accept4(int fd, void *address, void *size, int flags);

/* of the test's own thread, as the loops that accept */
static int target = -1;
static int failure;
static unsigned left, failed;

bool raw_accept_fails(raw_fd listener, enum raw_accept_failure how,
                      unsigned times)
{
    static const int codes[] = {
        [RAW_ACCEPT_ABORTED] = ECONNABORTED,
        [RAW_ACCEPT_NO_FILES] = EMFILE,
        [RAW_ACCEPT_NO_SYSTEM_FILES] = ENFILE,
        [RAW_ACCEPT_NO_BUFFERS] = ENOBUFS,
        [RAW_ACCEPT_NO_MEMORY] = ENOMEM,
        [RAW_ACCEPT_INTERRUPTED] = EINTR,
    };

    target = (int)listener;
    failure = codes[how];
    left = times;
    failed = 0;
    return true;
}

unsigned raw_accept_failed(void)
{
    return failed;
}

static bool must_fail(int fd)
{
    if (left == 0 || fd != target)
        return false;
    left--;
    failed++;
    errno = failure;
    return true;
}

int accept(int fd, void *address, void *size)
{
    union {
        void *pointer;
        int (*fn)(int, void *, void *);
    } next;

    if (must_fail(fd))
        return -1;
    next.pointer = dlsym(RTLD_NEXT, "accept");
    return next.fn(fd, address, size);
}

int accept4(int fd, void *address, void *size, int flags)
{
    union {
        void *pointer;
        int (*fn)(int, void *, void *, int);
    } next;

    if (must_fail(fd))
        return -1;
    next.pointer = dlsym(RTLD_NEXT, "accept4");
    return next.fn(fd, address, size, flags);
}
