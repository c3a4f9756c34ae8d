/* backoff.h - trying again after a delay, which grows or stays. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_BACKOFF_H
#define RONDO_CORE_BACKOFF_H

#include "base/error.h"
#include "core/loop.h"

/* For what is busy and reports no readiness: a unix socket or a named pipe that
 * has no room for one more client. 1 ms, 2 ms, ... 16 ms, 16 ms, ... */
enum { BACKOFF_FIRST_MS = 1, BACKOFF_LAST_MS = 16 };

/* All zero: not begun. */
struct backoff {
    rondo_id timer; /* > 0: a hidden timer waits; fn sets it to 0 */
    int wait_ms;    /* the last delay */
};

/* Has fn called after the next delay. fn must set b->timer to 0. Returns 0, or
 * RONDO_ENOMEM without a sentence. */
static inline int backoff_begin(rondo_loop *loop, struct backoff *b,
                                rondo_fn fn, void *arg)
{
    assert(b->timer <= 0);
    b->wait_ms = !b->wait_ms                    ? BACKOFF_FIRST_MS
                 : b->wait_ms < BACKOFF_LAST_MS ? b->wait_ms * 2
                                                : BACKOFF_LAST_MS;
    int64_t when = sys_clock() + RONDO_MS(b->wait_ms);
    b->timer = timers_start_hidden(loop, when, fn, arg);
    if (b->timer > 0)
        return 0;
    error_no_os();
    return RONDO_ENOMEM;
}

/* Cancels the timer: fn is not called. Returns false if none was waiting. */
static inline bool backoff_end(rondo_loop *loop, struct backoff *b)
{
    if (b->timer <= 0)
        return false;
    (void)timers_cancel(loop, b->timer);
    b->timer = 0;
    return true;
}

/* For what no event tells either: a kernel that is short of memory (ENOBUFS), or
 * a socket that is writable although its destination is full. */
enum {
    RETRY_MS = 2,
    RETRY_PIECE = 4096 /* bytes for which such a kernel may still have memory */
};

/* A send of so many bytes has had that result: how many to send instead at
 * once, since Windows may never have memory for a large piece (WSAENOBUFS). 0:
 * the result stands. */
static inline size_t retry_smaller(int64_t sent, size_t offered)
{
    return sent == RONDO_ENOBUFS && offered > RETRY_PIECE ? RETRY_PIECE : 0;
}

/* Has fn called after RETRY_MS. Returns the id of the hidden timer; 0: out of
 * memory. */
static inline rondo_id retry_begin(rondo_loop *loop, rondo_fn fn, void *arg)
{
    int64_t when = sys_clock() + RONDO_MS(RETRY_MS);
    rondo_id timer = timers_start_hidden(loop, when, fn, arg);
    return timer > 0 ? timer : 0;
}

#endif
