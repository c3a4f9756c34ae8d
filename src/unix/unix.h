/* unix.h - what the files of src/unix share. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_UNIX_UNIX_H
#define RONDO_UNIX_UNIX_H

#include "sys.h"

#include <signal.h>
#include <time.h>

/* accept4, pipe2 and their like are there; macOS has none of them. */
#if defined(__linux__) || defined(__FreeBSD__) || defined(__NetBSD__) ||       \
    defined(__OpenBSD__) || defined(__DragonFly__)
#define UNIX_TAKES_FLAGS
#endif

/* A new descriptor moved off 0, 1 and 2, where a program that closed them
 * would print into it; -1 and errno stay -1 and errno. Close-on-exec. */
int unix_keep(int fd);
/* A pipe: reading end, writing end; blocking, close-on-exec. */
int unix_pipe(int fds[2]);
int unix_nonblocking(int fd, bool on);

/* The error of the call just made; RONDO_EAGAIN: it would block. */
int unix_fail(void);

/* The pieces as the system takes them, at most `room`; their number, in a type
 * that fits whatever a system counts them with. */
struct iovec;
unsigned char unix_parts(struct iovec *parts, unsigned char room,
                         const rondo_buffer *buffers, size_t count);

/* Around a call without MSG_NOSIGNAL or its like: a SIGPIPE that it raises is
 * taken, one of the program's own that waited before stays. whole: it did all
 * that was asked; one that did a part may have raised it, too. errno is kept. */
struct unix_quiet {
    sigset_t before;
    bool waited;
};
void unix_quiet_begin(struct unix_quiet *q);
void unix_quiet_end(const struct unix_quiet *q, bool whole);

/* Timeouts as the waits take them, rounded up, so that no timer is early. */
int unix_timeout_ms(int64_t timeout_ns);
struct timespec unix_timespec(int64_t timeout_ns);

#endif
