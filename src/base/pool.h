/* pool.h - a limited number of threads with one queue. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_BASE_POOL_H
#define RONDO_BASE_POOL_H

#include "sys.h"

/* What a thread is to do; it lies inside something of the caller's, who sets
 * run and end. The pool owns it from pool_submit until it has called end, or
 * until pool_withdraw or pool_clear has returned it. A thread calls run, which
 * may block for as long as it likes, and then end, which must not block. end is
 * the pool's last use of the work: it may free it, or submit it again. */
struct work {
    struct work *next, **link; /* link NULL: not in the queue */
    uint64_t number; /* among all works that the pool was given, from 1 */
    void (*run)(struct work *work);
    void (*end)(struct work *work);
};

/* Any thread may call any function here, unless its comment says otherwise. A
 * pool is a counted object from malloc: its maker has a reference, each of its
 * threads has one, and so has each caller of pool_ref. So executors, loops and
 * jobs may end in any order.
 *
 * In the child of a fork the pool's threads do not exist, and one of them may
 * have held its lock when the process forked. The functions see that by the
 * fork's number and then touch neither lock nor memory: the child leaks the
 * pool. */

/* Makes a pool that starts threads as work comes, up to `limit` of them. An
 * idle thread waits for more until the pool is closed. Returns NULL without a
 * sentence if there is no memory. */
struct pool *pool_new(unsigned limit);
void pool_ref(struct pool *pool);
void pool_unref(struct pool *pool);

/* Puts work at the end of the queue. Returns 0, or an error without a sentence,
 * and then the work stays the caller's:
 * RONDO_ECLOSED: the pool is closed;
 * RONDO_EFORKED: its threads are the parent process's;
 * else the system's error: no thread can be started and the pool has none. */
int pool_submit(struct pool *pool, struct work *work);

/* Takes work out of the queue. Returns true if that makes it the caller's
 * again; its end is not called. Returns false if a thread has begun it, or if
 * pool_clear took it out. Only for work that is not freed yet. */
bool pool_withdraw(struct pool *pool, struct work *work);

/* The caller no longer waits for work that pool_withdraw did not return, and
 * which is not freed yet. Until its thread is done with it the pool may have
 * one thread more, for at most 28 works at a time: a name server that does not
 * answer would else hold up all other look-ups. end is called as always. */
void pool_give_up(struct pool *pool, const struct work *work);

/* Empties the queue and returns what was in it, a list by `next`. The works are
 * the caller's again; their end is not called. */
struct work *pool_clear(struct pool *pool);

/* From now on pool_submit refuses. The threads run what is queued and end. */
void pool_close(struct pool *pool);

/* pool_close and pool_unref: what the maker calls when it is through. */
void pool_release(struct pool *pool);

/* Blocks until all threads of a closed pool have ended. Never called on one of
 * these threads. */
void pool_join(struct pool *pool);

/* Tells whether the calling thread is one of the pool's. */
bool pool_is_own_thread(struct pool *pool);

/* Tells whether this process is a child of the one that made the pool. */
bool pool_is_forked(const struct pool *pool);

#endif
