/* lock.h - a lock for a few instructions, which a fork takes first. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_BASE_LOCK_H
#define RONDO_BASE_LOCK_H

#include "sys.h"

/* In a forked child the lock is free, and what it guards is whole. (A fork
 * copies memory while other threads go on.) Whoever holds it calls nothing that
 * forks. To take it and to give it back is one access each, unless two threads
 * want it at once: then one sleeps. */

/* 0, or an error of sys_mutex_init. */
int lock_init(struct sys_fork_lock *lock);
void lock_destroy(struct sys_fork_lock *lock);
/* Takes it when it is free. */
void lock_wait(struct sys_fork_lock *lock);
/* Gives it back, and wakes one that waits. */
void lock_pass(struct sys_fork_lock *lock);
/* In a forked child, whose parent's threads may be in the middle of the two
 * above: it is free. */
void lock_reset(struct sys_fork_lock *lock);

/* Takes it, unless somebody has it: false, and lock_wait must follow, since this
 * may have overwritten SYS_LOCK_AWAITED. */
static inline bool lock_try(struct sys_fork_lock *lock)
{
    return atomic_exchange(&lock->state, SYS_LOCK_TAKEN) == SYS_LOCK_FREE;
}

/* Gives it back, and does not touch it any more: another thread may take it,
 * and then destroy it. false: it is AWAITED, and lock_pass must follow. */
static inline bool lock_drop(struct sys_fork_lock *lock)
{
    unsigned taken = SYS_LOCK_TAKEN;
    return atomic_compare_exchange_strong(&lock->state, &taken, SYS_LOCK_FREE);
}

static inline void lock_take(struct sys_fork_lock *lock)
{
    if (!lock_try(lock))
        lock_wait(lock);
}

static inline void lock_give(struct sys_fork_lock *lock)
{
    if (!lock_drop(lock))
        lock_pass(lock);
}

#endif
