/* lock.c - a lock for a few instructions, when two threads want it. */
/* SPDX-License-Identifier: MIT */
#include "base/lock.h"

#include <assert.h>

static int lock_make(struct sys_fork_lock *lock)
{
    int error = sys_mutex_init(&lock->mutex);
    if (error)
        return error;
    error = sys_cond_init(&lock->cond);
    if (error)
        sys_mutex_destroy(&lock->mutex);
    return error;
}

int lock_init(struct sys_fork_lock *lock)
{
    int error = lock_make(lock);
    if (error)
        return error;
    atomic_init(&lock->state, SYS_LOCK_FREE);
    sys_fork_lock_enter(lock);
    return 0;
}

void lock_destroy(struct sys_fork_lock *lock)
{
    assert(atomic_load(&lock->state) == SYS_LOCK_FREE);
    sys_fork_lock_leave(lock);
    sys_mutex_lock(&lock->mutex); /* the last lock_pass has come to its end */
    sys_mutex_unlock(&lock->mutex);
    sys_cond_destroy(&lock->cond);
    sys_mutex_destroy(&lock->mutex);
}

void lock_reset(struct sys_fork_lock *lock)
{
    (void)lock_make(lock); /* the parent's are left as they are */
    atomic_store(&lock->state, SYS_LOCK_FREE);
}

/* Whoever gives the lock back and finds it AWAITED does so with the mutex held,
 * and signals. So the signal comes after this thread has gone to sleep, or this
 * thread sees that the lock is FREE. One that has slept takes the lock as
 * AWAITED, since others may sleep still. */
void lock_wait(struct sys_fork_lock *lock)
{
    sys_mutex_lock(&lock->mutex);
    while (atomic_exchange(&lock->state, SYS_LOCK_AWAITED) != SYS_LOCK_FREE)
        sys_cond_wait(&lock->cond, &lock->mutex);
    sys_mutex_unlock(&lock->mutex);
}

void lock_pass(struct sys_fork_lock *lock)
{
    sys_mutex_lock(&lock->mutex);
    atomic_store(&lock->state, SYS_LOCK_FREE);
    sys_cond_signal(&lock->cond);
    sys_mutex_unlock(&lock->mutex);
}
