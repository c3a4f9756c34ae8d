/* lookup.h - looking up names off the loop's thread. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_THREADS_LOOKUP_H
#define RONDO_THREADS_LOOKUP_H

#include "core/loop.h"

/* The answer, from the loop; what was found is lent for the call. */
typedef void (*lookup_fn)(rondo_loop *loop, void *arg,
                          const struct sys_names *found, int error);

enum { LOOKUP_HOST_MAX = 255 };

/* Can it be a host? Else RONDO_EINVAL, with a sentence of the call `what`. */
int lookup_check_host(const char *host, const char *what);
/* Asks the loop's resolver, which may be the program's, for a host's
 * addresses; a host of NULL is the system's matter. done is called once,
 * unless it is cancelled before. */
int lookup_start(rondo_loop *loop, const char *host, const char *service,
                 const rondo_lookup_hints *hints, lookup_fn done, void *arg,
                 rondo_lookup **lookup);
/* Asks the system for the names of an address. */
int lookup_start_back(rondo_loop *loop, const rondo_address *address,
                      unsigned flags, lookup_fn done, void *arg,
                      rondo_lookup **lookup);
/* At once, whatever the thread is at. */
void lookup_cancel(rondo_loop *loop, rondo_lookup *lookup);

#endif
