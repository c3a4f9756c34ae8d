/* unix.h - what the files of src/unix share. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_UNIX_H
#define RONDO_UNIX_H

#include "sys.h"

#include <time.h>

/* A new descriptor moved off 0, 1 and 2, where a program that closed them
 * would print into it; -1 and errno stay -1 and errno. Close-on-exec. */
int unix_keep(int fd);
/* A pipe: reading end, writing end; blocking, close-on-exec. */
int unix_pipe(int fds[2]);
int unix_nonblocking(int fd, bool on);

/* Timeouts as the waits take them, rounded up, so that no timer is early. */
int unix_timeout_ms(int64_t timeout_ns);
struct timespec unix_timespec(int64_t timeout_ns);

#endif
