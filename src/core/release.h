/* release.h - what becomes of an arg whose callback never runs. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_RELEASE_H
#define RONDO_CORE_RELEASE_H

#include "core/loop.h"

struct release;

/* All functions are for the loop's thread. Whoever keeps the thing that an id
 * names keeps a bit that tells whether it has a release, too. */

/* Sets, replaces or (NULL) removes the release of an id. Returns 0, or
 * RONDO_ENOMEM with a sentence. */
int release_set(rondo_loop *loop, rondo_id id, rondo_fn fn, void *arg);
/* The callback has run for the last time: nothing is released. */
void release_forget(rondo_loop *loop, rondo_id id);
/* It will not run any more: the release comes from the loop. Needs no memory.
 * These two do nothing if the id has none. */
void release_due(rondo_loop *loop, rondo_id id);
/* For what has no id: who makes one keeps it, until release_send, or until it is
 * freed by loop_free. NULL: out of memory. */
struct release *release_make(rondo_loop *loop, rondo_fn fn, void *arg);
/* fn is called from the loop. Needs no memory. */
void release_send(rondo_loop *loop, struct release *r);
/* rondo_loop_close has dropped callbacks and timers: calls all releases. */
void release_all(rondo_loop *loop);
void release_free(rondo_loop *loop);

#endif
