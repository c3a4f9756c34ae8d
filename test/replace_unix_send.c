/* replace_unix_send.c - sends of datagrams that fail as told, and a count. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_datagram.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/types.h>

/* <sys/socket.h> is left out on purpose: glibc declares these with a type of
 * its own, which a definition cannot repeat. */
ssize_t sendto(int fd, const void *data, size_t size, int flags, const void *to,
               unsigned to_size);
int sendmmsg(int fd, void *heads, unsigned count, int flags);
int recvmmsg(int fd, void *heads, unsigned count, int flags, void *timeout);

/* of the test's own thread, as the loop that sends */
static int failure;
static unsigned before, left, failed, calls;

bool raw_sends_fail(enum raw_send_failure how, unsigned after, unsigned times)
{
    static const int codes[] = {
        [RAW_SEND_BLOCKED] = EAGAIN,
        [RAW_SEND_UNREACHABLE] = ENETUNREACH,
        [RAW_SEND_NO_BUFFERS] = ENOBUFS,
    };

    failure = codes[how];
    before = after;
    left = times;
    failed = 0;
    return true;
}

unsigned raw_sends_failed(void)
{
    return failed;
}

unsigned raw_datagram_calls(void)
{
    return calls;
}

/* How many of these may be tried; 0: the first has to fail. */
static unsigned allowed(unsigned count)
{
    calls++;
    if (left == 0)
        return count;
    if (before == 0) {
        left--;
        failed++;
        errno = failure;
        return 0;
    }
    if (count > before)
        count = before;
    before -= count;
    return count;
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const void *to,
               unsigned to_size)
{
    union {
        void *pointer;
        ssize_t (*fn)(int, const void *, size_t, int, const void *, unsigned);
    } next;

    if (!allowed(1))
        return -1;
    next.pointer = dlsym(RTLD_NEXT, "sendto");
    return next.fn(fd, data, size, flags, to, to_size);
}

int sendmmsg(int fd, void *heads, unsigned count, int flags)
{
    union {
        void *pointer;
        int (*fn)(int, void *, unsigned, int);
    } next;
    unsigned some = allowed(count);

    if (!some)
        return -1;
    next.pointer = dlsym(RTLD_NEXT, "sendmmsg");
    return next.fn(fd, heads, some, flags);
}

int recvmmsg(int fd, void *heads, unsigned count, int flags, void *timeout)
{
    union {
        void *pointer;
        int (*fn)(int, void *, unsigned, int, void *);
    } next;

    calls++;
    next.pointer = dlsym(RTLD_NEXT, "recvmmsg");
    return next.fn(fd, heads, count, flags, timeout);
}
