/* pool.c - a bounded pool of threads with a queue. */
/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { GIVEN_UP_MOST = 28 };

struct pool {
    sys_mutex lock;
    sys_cond wanted; /* there is work, or the pool has been closed */
    sys_cond ended;  /* the last thread of a closed pool has */
    struct work *first, **last;
    struct worker *workers;
    unsigned most, threads, idle, queued;
    uint64_t submitted;
    unsigned given_up;  /* threads that are not counted as such */
    atomic_uint ending; /* threads that will look at the queue in a moment */
    bool waking; /* an idle thread has been woken, and is not there yet */
    bool closed;
    uint32_t generation; /* of the process: a forked child has no threads */
    atomic_uint refs;
};

/* A thread that runs; on its own stack. */
struct worker {
    struct worker *next;
    sys_thread_id id;
    uint64_t at; /* the number of its work, which may be over; 0: none */
    bool given_up;
};

/* ---- its life ---- */

bool pool_is_forked(const struct pool *pool)
{
    return pool->generation != sys_fork_generation;
}

void pool_take(struct pool *pool)
{
    atomic_fetch_add_explicit(&pool->refs, 1, memory_order_relaxed);
}

void pool_give_back(struct pool *pool)
{
    /* In a forked child its lock may be held for ever: the memory stays. */
    if (pool_is_forked(pool) || atomic_fetch_sub(&pool->refs, 1) != 1)
        return;
    sys_cond_destroy(&pool->ended);
    sys_cond_destroy(&pool->wanted);
    sys_mutex_destroy(&pool->lock);
    free(pool);
}

static int pool_init_locks(struct pool *pool)
{
    int error = sys_mutex_init(&pool->lock);
    if (error)
        return error;
    error = sys_cond_init(&pool->wanted);
    if (error)
        goto no_wanted;
    error = sys_cond_init(&pool->ended);
    if (!error)
        return 0;
    sys_cond_destroy(&pool->wanted);
no_wanted:
    sys_mutex_destroy(&pool->lock);
    return error;
}

struct pool *pool_new(unsigned most)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool || pool_init_locks(pool) < 0) {
        free(pool);
        return NULL;
    }
    sys_fork_watch();
    pool->last = &pool->first;
    pool->most = most;
    pool->generation = sys_fork_generation;
    atomic_init(&pool->ending, 0);
    atomic_init(&pool->refs, 1);
    return pool;
}

/* ---- the queue; with the lock held ---- */

static void pool_append(struct pool *pool, struct work *work)
{
    work->next = NULL;
    work->number = ++pool->submitted;
    work->link = pool->last;
    *pool->last = work;
    pool->last = &work->next;
    pool->queued++;
}

static void pool_take_out(struct pool *pool, struct work *work)
{
    *work->link = work->next;
    if (work->next)
        work->next->link = work->link;
    else
        pool->last = work->link;
    work->link = NULL;
    pool->queued--;
}

/* More than the threads will take that are about to look at the queue: they
 * stop being counted with the lock held, so they see what is there now. */
static bool pool_has_more(struct pool *pool, unsigned threads)
{
    return pool->queued > threads + atomic_load(&pool->ending);
}

/* Whether the caller must signal `wanted` when it has let the lock go. One
 * thread is woken at a time, and wakes the next if there is more work than it
 * takes: a thread that is at short jobs needs no others, and waking is what
 * costs most. */
static bool pool_must_wake(struct pool *pool)
{
    if (!pool->idle || pool->waking || !pool_has_more(pool, 0))
        return false;
    pool->waking = true;
    return true;
}

static bool pool_has_room(const struct pool *pool)
{
    return pool->threads < pool->most + pool->given_up;
}

/* NULL: the pool is closed and its queue empty, or another thread has taken
 * the caller's place. */
static struct work *pool_next_work(struct pool *pool)
{
    if (pool->threads > pool->most + pool->given_up)
        return NULL;
    pool->idle++;
    while (!pool->first && !pool->closed) {
        sys_cond_wait(&pool->wanted, &pool->lock);
        pool->waking = false;
    }
    pool->idle--;
    struct work *work = pool->first;
    if (work)
        pool_take_out(pool, work);
    return work;
}

/* ---- threads ---- */

static void pool_sign_off(struct pool *pool, struct worker *self)
{
    struct worker **link = &pool->workers;
    while (*link != self)
        link = &(*link)->next;
    *link = self->next;
    if (--pool->threads == 0)
        sys_cond_broadcast(&pool->ended);
}

static void pool_thread_main(void *arg)
{
    struct pool *pool = arg;
    struct worker self = {.id = sys_thread_self()};
    sys_mutex_lock(&pool->lock);
    self.next = pool->workers;
    pool->workers = &self;
    struct work *work;
    while ((work = pool_next_work(pool))) {
        bool wake = pool_must_wake(pool);
        self.at = work->number;
        sys_mutex_unlock(&pool->lock);
        if (wake)
            sys_cond_signal(&pool->wanted);
        work->run(work);
        atomic_fetch_add(&pool->ending, 1);
        work->end(work);
        sys_mutex_lock(&pool->lock);
        atomic_fetch_sub(&pool->ending, 1);
        self.at = 0;
        pool->given_up -= self.given_up;
        self.given_up = false;
    }
    pool_sign_off(pool, &self);
    bool wake = pool_must_wake(pool); /* it may have been counted on */
    sys_mutex_unlock(&pool->lock);
    if (wake)
        sys_cond_signal(&pool->wanted);
    pool_give_back(pool);
}

/* With the lock held. */
static int pool_start_thread(struct pool *pool)
{
    pool->threads++;
    pool_take(pool);
    int error = sys_thread_start(pool_thread_main, pool);
    if (error) {
        pool->threads--;
        atomic_fetch_sub(&pool->refs, 1); /* not the last: it is in use */
    }
    /* the threads that there are will come to it */
    return pool->threads ? 0 : error;
}

/* ---- work ---- */

int pool_submit(struct pool *pool, struct work *work)
{
    if (pool_is_forked(pool))
        return RONDO_EFORKED;
    sys_mutex_lock(&pool->lock);
    int error = pool->closed ? RONDO_ECLOSED : 0;
    if (!error) {
        pool_append(pool, work);
        /* those that are idle may each have been given something already */
        if (pool_has_more(pool, pool->idle) && pool_has_room(pool))
            error = pool_start_thread(pool);
        if (error)
            pool_take_out(pool, work);
    }
    bool wake = pool_must_wake(pool);
    sys_mutex_unlock(&pool->lock);
    if (wake)
        sys_cond_signal(&pool->wanted);
    return error;
}

bool pool_withdraw(struct pool *pool, struct work *work)
{
    if (pool_is_forked(pool))
        return false;
    sys_mutex_lock(&pool->lock);
    bool waits = work->link;
    if (waits)
        pool_take_out(pool, work);
    sys_mutex_unlock(&pool->lock);
    return waits;
}

void pool_give_up(struct pool *pool, const struct work *work)
{
    if (pool_is_forked(pool))
        return;
    sys_mutex_lock(&pool->lock);
    struct worker *w = pool->workers;
    while (w && w->at != work->number)
        w = w->next;
    if (w && !w->given_up && pool->given_up < GIVEN_UP_MOST) {
        w->given_up = true;
        pool->given_up++;
        if (pool_has_more(pool, pool->idle) && pool_has_room(pool))
            (void)pool_start_thread(
                pool); /* without one they wait for others */
    }
    sys_mutex_unlock(&pool->lock);
}

struct work *pool_clear(struct pool *pool)
{
    sys_mutex_lock(&pool->lock);
    struct work *list = pool->first;
    for (struct work *work = list; work; work = work->next)
        work->link = NULL;
    pool->first = NULL;
    pool->last = &pool->first;
    pool->queued = 0;
    sys_mutex_unlock(&pool->lock);
    return list;
}

/* ---- the end ---- */

void pool_close(struct pool *pool)
{
    if (pool_is_forked(pool))
        return;
    sys_mutex_lock(&pool->lock);
    pool->closed = true;
    sys_cond_broadcast(&pool->wanted);
    sys_mutex_unlock(&pool->lock);
}

void pool_release(struct pool *pool)
{
    pool_close(pool);
    pool_give_back(pool);
}

void pool_join(struct pool *pool)
{
    sys_mutex_lock(&pool->lock);
    while (pool->threads)
        sys_cond_wait(&pool->ended, &pool->lock);
    sys_mutex_unlock(&pool->lock);
}

bool pool_is_own_thread(struct pool *pool)
{
    sys_mutex_lock(&pool->lock);
    const struct worker *worker = pool->workers;
    while (worker && !sys_thread_is_self(worker->id))
        worker = worker->next;
    sys_mutex_unlock(&pool->lock);
    return worker;
}
