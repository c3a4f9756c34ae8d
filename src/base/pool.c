/* pool.c - a limited number of threads with one queue. */
/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <assert.h>

#include <stdatomic.h>

/* How many works may be given up at a time: each may cost a thread, and a
 * program that cancels look-ups in a loop would else start one for each. */
enum { GIVEN_UP_LIMIT = 28 };

/* The lock guards all fields but the two atomic ones, `limit` and
 * `generation`. */
struct pool {
    sys_mutex lock;
    sys_cond wanted; /* signalled: there is work, or the pool is closed */
    sys_cond ended;  /* signalled: the last thread has ended */
    struct work *first, **last; /* the queue, first in first out */
    struct worker *workers;     /* all threads that have begun to run */
    unsigned limit;
    unsigned threads;  /* started and not ended */
    unsigned idle;     /* of these, those that wait for `wanted` */
    unsigned queued;   /* works in the queue */
    unsigned given_up; /* threads with such work: `limit` counts without them */
    atomic_uint ending; /* threads in end(): they look at the queue next */
    bool waking;        /* an idle thread was signalled and does not run yet */
    bool closed;
    uint64_t submitted;  /* works so far: the next one's number, less one */
    uint32_t generation; /* sys_fork_generation of the process that made it */
    atomic_uint refs;
};

/* One thread, as the pool sees it; it lies on the thread's own stack. */
struct worker {
    struct worker *next;
    sys_thread_id id;
    uint64_t number; /* of the work that it runs or has just ended; 0: none */
    bool given_up;
};

/* ---- references ---- */

bool pool_is_forked(const struct pool *pool)
{
    return pool->generation != sys_fork_generation;
}

void pool_ref(struct pool *pool)
{
    atomic_fetch_add_explicit(&pool->refs, 1, memory_order_relaxed);
}

void pool_unref(struct pool *pool)
{
    if (pool_is_forked(pool))
        return;
    unsigned before = atomic_fetch_sub(&pool->refs, 1);
    assert(before > 0);
    if (before != 1)
        return;
    assert(!pool->threads && !pool->first);
    sys_cond_destroy(&pool->ended);
    sys_cond_destroy(&pool->wanted);
    sys_mutex_destroy(&pool->lock);
    sys_free(pool);
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

struct pool *pool_new(unsigned limit)
{
    struct pool *pool = sys_alloc_zeroed(1, sizeof *pool);
    if (!pool || pool_init_locks(pool) < 0) {
        sys_free(pool);
        return NULL;
    }
    sys_fork_watch();
    assert(limit > 0);
    pool->last = &pool->first;
    pool->limit = limit;
    pool->generation = sys_fork_generation;
    atomic_init(&pool->ending, 0);
    atomic_init(&pool->refs, 1);
    return pool;
}

/* ---- the queue: the caller holds the lock ---- */

#ifndef NDEBUG
static bool pool_is_sound(const struct pool *pool)
{
    bool queue = pool->first ? pool->queued > 0 && !*pool->last &&
                                   pool->first->link == &pool->first
                             : !pool->queued && pool->last == &pool->first;
    return queue && pool->idle <= pool->threads &&
           pool->given_up <= pool->threads && pool->given_up <= GIVEN_UP_LIMIT;
}
#endif

static void pool_append(struct pool *pool, struct work *work)
{
    assert(!work->link && work->run && work->end);
    work->next = NULL;
    work->number = ++pool->submitted;
    work->link = pool->last;
    *pool->last = work;
    pool->last = &work->next;
    pool->queued++;
    assert(pool_is_sound(pool));
}

static void pool_unlink(struct pool *pool, struct work *work)
{
    assert(*work->link == work && pool->queued > 0);
    *work->link = work->next;
    if (work->next)
        work->next->link = work->link;
    else
        pool->last = work->link;
    work->link = NULL;
    pool->queued--;
    assert(pool_is_sound(pool));
}

/* Tells whether more is queued than these threads, and those that are about to
 * look at the queue, will take. The latter leave `ending` with the lock held,
 * so each of them still sees all that is queued now. */
static bool pool_has_more(struct pool *pool, unsigned threads)
{
    return pool->queued > threads + atomic_load(&pool->ending);
}

/* Returns true if the caller must signal `wanted` after it has unlocked. The
 * pool wakes one thread at a time, which wakes the next if more is queued than
 * it takes: waking a thread costs more than a short job does. */
static bool pool_must_wake(struct pool *pool)
{
    if (!pool->idle || pool->waking || !pool_has_more(pool, 0))
        return false;
    pool->waking = true;
    return true;
}

static bool pool_has_room(const struct pool *pool)
{
    return pool->threads < pool->limit + pool->given_up;
}

/* Returns the work that the calling thread runs next. Returns NULL if the
 * thread must end: the pool is closed and its queue empty, or another thread
 * was started in its place while its work was given up. */
static struct work *pool_next_work(struct pool *pool)
{
    if (pool->threads > pool->limit + pool->given_up)
        return NULL;
    pool->idle++;
    while (!pool->first && !pool->closed) {
        sys_cond_wait(&pool->wanted, &pool->lock);
        pool->waking = false;
    }
    assert(pool->idle > 0);
    pool->idle--;
    struct work *work = pool->first;
    if (work)
        pool_unlink(pool, work);
    return work;
}

/* ---- threads ---- */

static void pool_sign_off(struct pool *pool, struct worker *self)
{
    struct worker **link = &pool->workers;
    while (*link != self) {
        assert(*link);
        link = &(*link)->next;
    }
    assert(!self->given_up && pool->threads > 0);
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
        self.number = work->number;
        sys_mutex_unlock(&pool->lock);
        if (wake)
            sys_cond_signal(&pool->wanted);
        work->run(work);
        atomic_fetch_add(&pool->ending, 1);
        work->end(work);
        sys_mutex_lock(&pool->lock);
        atomic_fetch_sub(&pool->ending, 1);
        self.number = 0;
        assert(pool->given_up >= self.given_up);
        pool->given_up -= self.given_up;
        self.given_up = false;
    }
    pool_sign_off(pool, &self);
    /* Another caller may have counted on this thread to look once more. */
    bool wake = pool_must_wake(pool);
    sys_mutex_unlock(&pool->lock);
    if (wake)
        sys_cond_signal(&pool->wanted);
    pool_unref(pool);
}

/* The caller holds the lock. Returns 0 also where the system refuses a thread
 * and the pool has others, which will run what is queued. */
static int pool_start_thread(struct pool *pool)
{
    pool->threads++;
    pool_ref(pool);
    int error = sys_thread_start(pool_thread_main, pool);
    if (error) {
        pool->threads--;
        atomic_fetch_sub(&pool->refs, 1); /* not the last: ours stays */
    }
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
        /* An idle thread counts for one work, although it may have been
         * signalled for one before. */
        if (pool_has_more(pool, pool->idle) && pool_has_room(pool))
            error = pool_start_thread(pool);
        if (error)
            pool_unlink(pool, work);
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
        pool_unlink(pool, work);
    sys_mutex_unlock(&pool->lock);
    return waits;
}

void pool_give_up(struct pool *pool, const struct work *work)
{
    if (pool_is_forked(pool))
        return;
    sys_mutex_lock(&pool->lock);
    struct worker *w = pool->workers;
    while (w && w->number != work->number)
        w = w->next;
    if (w && !w->given_up && pool->given_up < GIVEN_UP_LIMIT) {
        w->given_up = true;
        pool->given_up++;
        /* Where no thread can be started the works wait, as without this. */
        if (pool_has_more(pool, pool->idle) && pool_has_room(pool))
            (void)pool_start_thread(pool);
    }
    assert(pool_is_sound(pool));
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
    assert(pool_is_sound(pool));
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
    pool_unref(pool);
}

void pool_join(struct pool *pool)
{
    sys_mutex_lock(&pool->lock);
    assert(pool->closed);
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
