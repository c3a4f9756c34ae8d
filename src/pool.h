/* pool.h - a small bounded pool of threads. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_POOL_H
#define RONDO_POOL_H

#include "sys.h"

/* Work for a thread; run is its last user, and frees it if need be. */
struct work {
    struct work *next;
    void (*run)(struct work *work);
};

/* Threads are started as needed, up to `most`. A pool is malloc'ed: it may
 * have to outlive whoever made it. NULL: out of memory. */
struct pool *pool_new(unsigned most);
/* RONDO_ENOMEM, or the system's error: no thread, and there is none yet. */
int pool_submit(struct pool *pool, struct work *work);
/* Takes out what has not begun; false: it has. */
bool pool_withdraw(struct pool *pool, struct work *work);
/* Threads end when what they are at is over; what has not begun must have
 * been withdrawn. */
void pool_release(struct pool *pool);

#endif
