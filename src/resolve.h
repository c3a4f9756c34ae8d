/* resolve.h - looking up names off the loop's thread. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_RESOLVE_H
#define RONDO_RESOLVE_H

#include "loop.h"

struct lookup;

/* The answer, from the loop; addresses are lent for the call. */
typedef void (*lookup_fn)(rondo_loop *loop, void *arg,
                          const rondo_address *addresses, size_t count,
                          int error);

/* done is called once, unless it is cancelled before. */
int resolve_start(rondo_loop *loop, const char *host, rondo_family family,
                  lookup_fn done, void *arg, struct lookup **lookup);
/* At once, whatever the thread is at. */
void resolve_cancel(rondo_loop *loop, struct lookup *lookup);
size_t resolve_live(const rondo_loop *loop);
/* All must have been cancelled; threads that are at it end by themselves. */
void resolve_close(rondo_loop *loop);
/* In a forked child the threads are gone: every look-up ends with
 * RONDO_EFORKED. */
void resolve_after_fork(rondo_loop *loop);

#endif
