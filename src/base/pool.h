/* pool.h - a bounded pool of threads with a queue. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_BASE_POOL_H
#define RONDO_BASE_POOL_H

#include "sys.h"

/* Work for a thread: run takes as long as it takes, then end, which does not
 * block, is its last user and hands it back. */
struct work {
    struct work *next, **link; /* link NULL: not in a queue */
    uint64_t number;           /* of all that its pool was ever given */
    void (*run)(struct work *work);
    void (*end)(struct work *work);
};

/* Threads are started as needed, up to `most`, and wait for more work until
 * the pool is closed. A pool is malloc'ed and counted: whoever made it, each
 * thread, and each who has taken it. NULL: out of memory. */
struct pool *pool_new(unsigned most);
void pool_take(struct pool *pool);
void pool_give_back(struct pool *pool);

/* RONDO_ECLOSED; RONDO_EFORKED: its threads are the parent process's;
 * RONDO_ENOMEM, or the system's error: no thread, and there is none yet. */
int pool_submit(struct pool *pool, struct work *work);
/* Takes out what has not begun; false: it has, or another took it out. */
bool pool_withdraw(struct pool *pool, struct work *work);
/* Nobody waits for this work any more, which a thread is at: until it returns
 * another thread may run in that one's place. */
void pool_give_up(struct pool *pool, const struct work *work);
/* Takes out all that has not begun: a list. */
struct work *pool_clear(struct pool *pool);
/* Nothing more is accepted; threads end when the queue is empty. */
void pool_close(struct pool *pool);
/* The end for its maker: closed and given back. */
void pool_release(struct pool *pool);
/* Of a closed pool: returns when its threads have ended. */
void pool_join(struct pool *pool);
/* Is the calling thread one of the pool's? */
bool pool_is_own_thread(struct pool *pool);
bool pool_is_forked(const struct pool *pool);

#endif
