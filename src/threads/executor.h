/* executor.h - jobs on threads, as the loop sees them. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_THREADS_EXECUTOR_H
#define RONDO_THREADS_EXECUTOR_H

#include "core/loop.h"

/* Whether there can be so many threads: 0 or RONDO_EINVAL. */
int executor_check(unsigned threads, const char *what);
/* Jobs that still run are reported, their threads left to end alone: the loop
 * has waited for them as long as it may. */
void executor_abandon(rondo_loop *loop);
/* Gives back the loop's executors. */
void executor_close(rondo_loop *loop);
/* In a forked child the threads are gone: every job ends with
 * RONDO_EFORKED. */
void executor_after_fork(rondo_loop *loop);

#endif
