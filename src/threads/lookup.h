/* lookup.h - looking up names, on threads or by the program's resolver. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_THREADS_LOOKUP_H
#define RONDO_THREADS_LOOKUP_H

#include "core/loop.h"

/* All functions are for the loop's thread. */

/* Gets the answer, from the loop, once. `found` is valid during the call. With
 * an error the thread's system code is the look-up's; there is no sentence. */
typedef void (*lookup_fn)(rondo_loop *loop, void *arg,
                          const struct sys_names *found, int error);

enum { LOOKUP_HOST_MAX = 255 };

/* Returns 0 if it has the length of a host's name, else RONDO_EINVAL with a
 * sentence that begins with `what`. */
int lookup_check_host(const char *host, const char *what);

/* Looks up the addresses of a host, or of this machine if host is NULL, and the
 * port of a service. The program's resolver answers if it has set one, except
 * for NULL; else a thread calls getaddrinfo. Copies host and service. Returns 0
 * and the look-up, which is valid until `done` is called or lookup_cancel
 * returns. An error comes without a sentence, and `done` is not called:
 * RONDO_ENOMEM, no thread can be started, or what the resolver says. The
 * resolver may cancel the look-up inside its start, since *lookup is set by
 * then: 0 is returned, and *lookup is as the canceller left it. */
int lookup_start(rondo_loop *loop, const char *host, const char *service,
                 const rondo_lookup_hints *hints, lookup_fn done, void *arg,
                 rondo_lookup **lookup);

/* Looks up the names of an address: a thread calls getnameinfo. As
 * lookup_start. */
int lookup_start_back(rondo_loop *loop, const rondo_address *address,
                      unsigned flags, lookup_fn done, void *arg,
                      rondo_lookup **lookup);

/* Ends a look-up: `done` is not called. Never waits; a thread that is inside
 * getaddrinfo goes on, and frees the look-up when it returns. Calls the cancel
 * function of the program's resolver. */
void lookup_cancel(rondo_loop *loop, rondo_lookup *lookup);

#endif
