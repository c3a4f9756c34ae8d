/* backoff.h - asking again what was busy, less and less often. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_BACKOFF_H
#define RONDO_CORE_BACKOFF_H

#include "base/error.h"
#include "core/loop.h"

enum { BACKOFF_FIRST_MS = 1, BACKOFF_LAST_MS = 16 }; /* doubled until */

struct backoff {
    rondo_id timer; /* > 0: waits; fn sets it to 0 */
    int wait_ms;
};

/* Calls fn from the loop. 0 or RONDO_ENOMEM. */
static inline int backoff_begin(rondo_loop *loop, struct backoff *b,
                                rondo_fn fn, void *arg)
{
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

/* fn is not called any more; false: it was not waiting. */
static inline bool backoff_end(rondo_loop *loop, struct backoff *b)
{
    if (b->timer <= 0)
        return false;
    (void)timers_cancel(loop, b->timer);
    b->timer = 0;
    return true;
}

#endif
