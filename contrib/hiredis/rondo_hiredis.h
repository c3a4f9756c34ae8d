/* rondo_hiredis.h - hiredis' asynchronous connections on a Rondo loop. */
/* SPDX-License-Identifier: MIT */
/**
 * One function, redisRondoAttach, in the shape of hiredis' own adapters; all
 * else here is its implementation.
 *
 * Stability: may change; since 0.1.
 */
#ifndef RONDO_HIREDIS_H
#define RONDO_HIREDIS_H

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <rondo.h>
#include <stdlib.h>

/* What a connection has beside hiredis' own. */
struct rondo_hiredis {
    redisAsyncContext *context;
    rondo_loop *loop;
    rondo_fd fd;
    unsigned events;  /* what hiredis waits for: RONDO_READABLE, _WRITABLE */
    rondo_id failing; /* a callback that ends the connection, or 0 */
    rondo_id timer;   /* of scheduleTimer, or 0 */
    bool busy;        /* hiredis is being called: */
    bool ended;       /* it has ended meanwhile, and is freed after that */
};

/* Ends a connection that cannot be watched: all that waits is told. */
static inline void rondo_hiredis_fail(rondo_loop *loop, void *arg)
{
    struct rondo_hiredis *r = (struct rondo_hiredis *)arg;
    (void)loop;
    r->failing = 0;
    redisAsyncFree(r->context);
}

static inline void rondo_hiredis_event(rondo_loop *loop, rondo_fd fd,
                                       unsigned events, void *arg)
{
    struct rondo_hiredis *r = (struct rondo_hiredis *)arg;
    (void)loop, (void)fd;
    r->busy = true;
    if (events & RONDO_READABLE)
        redisAsyncHandleRead(r->context);
    if (!r->ended && events & RONDO_WRITABLE & r->events)
        redisAsyncHandleWrite(r->context);
    r->busy = false;
    if (r->ended)
        free(r);
}

/* hiredis calls the functions below from any place of its own, and cannot be
 * told that one has failed: the connection ends from the loop then. */
static inline void rondo_hiredis_want(struct rondo_hiredis *r, unsigned events)
{
    int error = 0;
    if (events == r->events)
        return;
    r->events = events;
    if (events)
        error =
            rondo_watch(r->loop, r->fd, events, rondo_hiredis_event, (void *)r);
    else
        (void)rondo_unwatch(r->loop, r->fd);
    if (error < 0 && r->failing <= 0)
        r->failing = rondo_call_soon(r->loop, rondo_hiredis_fail, r);
}

static inline void rondo_hiredis_add_read(void *arg)
{
    struct rondo_hiredis *r = (struct rondo_hiredis *)arg;
    rondo_hiredis_want(r, r->events | RONDO_READABLE);
}

static inline void rondo_hiredis_del_read(void *arg)
{
    struct rondo_hiredis *r = (struct rondo_hiredis *)arg;
    rondo_hiredis_want(r, r->events & ~(unsigned)RONDO_READABLE);
}

static inline void rondo_hiredis_add_write(void *arg)
{
    struct rondo_hiredis *r = (struct rondo_hiredis *)arg;
    rondo_hiredis_want(r, r->events | RONDO_WRITABLE);
}

static inline void rondo_hiredis_del_write(void *arg)
{
    struct rondo_hiredis *r = (struct rondo_hiredis *)arg;
    rondo_hiredis_want(r, r->events & ~(unsigned)RONDO_WRITABLE);
}

static inline void rondo_hiredis_cleanup(void *arg)
{
    struct rondo_hiredis *r = (struct rondo_hiredis *)arg;
    rondo_hiredis_want(r, 0);
    if (r->failing > 0)
        (void)rondo_cancel(r->loop, r->failing);
    if (r->timer > 0)
        (void)rondo_cancel(r->loop, r->timer);
    r->ended = true;
    if (!r->busy)
        free(r);
}

#if HIREDIS_MAJOR >= 1
static inline void rondo_hiredis_time(rondo_loop *loop, void *arg)
{
    struct rondo_hiredis *r = (struct rondo_hiredis *)arg;
    (void)loop;
    r->timer = 0;
    redisAsyncHandleTimeout(r->context);
}

static inline void rondo_hiredis_schedule(void *arg, struct timeval after)
{
    struct rondo_hiredis *r = (struct rondo_hiredis *)arg;
    int64_t delay = RONDO_SEC(after.tv_sec) + RONDO_US(after.tv_usec);
    if (r->timer > 0)
        (void)rondo_cancel(r->loop, r->timer);
    r->timer = rondo_call_later(r->loop, delay, rondo_hiredis_time, r);
    if (r->timer < 0 && r->failing <= 0)
        r->failing = rondo_call_soon(r->loop, rondo_hiredis_fail, r);
}
#endif

/**
 * Attaches a connection to a loop. Call it directly after redisAsyncConnect. The
 * loop calls all callbacks of the connection on the loop's thread, and only that
 * thread may use the connection. The connection keeps rondo_loop_run going while
 * hiredis waits for something.
 *
 * The connection must have ended before the loop is closed: its disconnect
 * callback has run, or redisAsyncFree was called. If the loop has no memory to
 * watch it later, the connection ends. hiredis writes without MSG_NOSIGNAL, so
 * the program ignores SIGPIPE.
 *
 * Returns REDIS_OK; REDIS_ERR: the connection is attached already or has no
 * socket, there is no loop, or there is no memory.
 */
static inline int redisRondoAttach(redisAsyncContext *context, rondo_loop *loop)
{
    if (!loop || !context || context->ev.data || context->c.fd < 0)
        return REDIS_ERR;
    struct rondo_hiredis *r = (struct rondo_hiredis *)calloc(1, sizeof *r);
    if (!r)
        return REDIS_ERR;
    r->context = context;
    r->loop = loop;
    r->fd = context->c.fd;
    context->ev.data = r;
    context->ev.addRead = rondo_hiredis_add_read;
    context->ev.delRead = rondo_hiredis_del_read;
    context->ev.addWrite = rondo_hiredis_add_write;
    context->ev.delWrite = rondo_hiredis_del_write;
    context->ev.cleanup = rondo_hiredis_cleanup;
#if HIREDIS_MAJOR >= 1
    context->ev.scheduleTimer = rondo_hiredis_schedule;
#endif
    return REDIS_OK;
}

#endif
