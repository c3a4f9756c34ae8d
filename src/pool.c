/* pool.c - a small bounded pool of threads. */
/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <stdlib.h>

struct pool {
    sys_mutex lock;
    sys_cond wanted;
    struct work *first, **last;
    unsigned most, threads, idle, queued;
    unsigned refs; /* the owner and every thread */
};

static void unref(struct pool *pool)
{
    sys_mutex_lock(&pool->lock);
    bool last = --pool->refs == 0;
    sys_mutex_unlock(&pool->lock);
    if (!last)
        return;
    sys_cond_destroy(&pool->wanted);
    sys_mutex_destroy(&pool->lock);
    free(pool);
}

struct pool *pool_new(unsigned most)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    if (sys_mutex_init(&pool->lock) < 0) {
        free(pool);
        return NULL;
    }
    if (sys_cond_init(&pool->wanted) < 0) {
        sys_mutex_destroy(&pool->lock);
        free(pool);
        return NULL;
    }
    pool->last = &pool->first;
    pool->most = most;
    pool->refs = 1;
    return pool;
}

/* With the lock held. NULL: the pool has been released. */
static struct work *next_work(struct pool *pool)
{
    pool->idle++;
    while (!pool->first && pool->most)
        sys_cond_wait(&pool->wanted, &pool->lock);
    pool->idle--;
    struct work *work = pool->first;
    if (work) {
        pool->first = work->next;
        if (!pool->first)
            pool->last = &pool->first;
        pool->queued--;
    }
    return work;
}

static void thread_main(void *arg)
{
    struct pool *pool = arg;
    sys_mutex_lock(&pool->lock);
    for (;;) {
        struct work *work = next_work(pool);
        if (!work)
            break;
        sys_mutex_unlock(&pool->lock);
        work->run(work);
        sys_mutex_lock(&pool->lock);
    }
    pool->threads--;
    sys_mutex_unlock(&pool->lock);
    unref(pool);
}

static void append(struct pool *pool, struct work *work)
{
    work->next = NULL;
    *pool->last = work;
    pool->last = &work->next;
    pool->queued++;
}

int pool_submit(struct pool *pool, struct work *work)
{
    int error = 0;
    sys_mutex_lock(&pool->lock);
    append(pool, work);
    /* those that are idle may each have been given something already */
    if (pool->queued > pool->idle && pool->threads < pool->most) {
        pool->threads++;
        pool->refs++;
        error = sys_thread_start(thread_main, pool);
        if (error) {
            pool->threads--;
            pool->refs--;
        }
    }
    /* the threads that there are will come to it */
    if (error && pool->threads)
        error = 0;
    sys_cond_signal(&pool->wanted);
    sys_mutex_unlock(&pool->lock);
    if (error)
        (void)pool_withdraw(pool, work);
    return error;
}

bool pool_withdraw(struct pool *pool, struct work *work)
{
    sys_mutex_lock(&pool->lock);
    struct work **link = &pool->first;
    while (*link && *link != work)
        link = &(*link)->next;
    bool found = *link;
    if (found) {
        *link = work->next;
        if (!*link)
            pool->last = link;
        pool->queued--;
    }
    sys_mutex_unlock(&pool->lock);
    return found;
}

void pool_release(struct pool *pool)
{
    sys_mutex_lock(&pool->lock);
    pool->most = 0;
    sys_cond_broadcast(&pool->wanted);
    sys_mutex_unlock(&pool->lock);
    unref(pool);
}
