/* schedule.c - the ring of callbacks, and what programs call to schedule. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/id.h"
#include "core/loop.h"
#include "core/release.h"
#include "core/remote.h"

/* ---- the ring of callbacks ---- */

static COLD bool schedule_grow(rondo_loop *loop)
{
    size_t room = loop->ring ? (loop->ring_mask + 1) * 2 : 64;
    assert((room & (room - 1)) == 0); /* indices are masked */
    struct soon *ring = loop_alloc(loop, room * sizeof *ring);
    if (!ring)
        return false;
    for (uint64_t i = loop->ring_head; i != loop->ring_tail; i++)
        ring[i & (room - 1)] = loop->ring[i & loop->ring_mask];
    loop_free(loop, loop->ring);
    loop->ring = ring;
    loop->ring_mask = room - 1;
    loop->ring_full = loop->ring_head + room;
    return true;
}

/* It is off the ring, so the head is its place plus one. false: it was
 * cancelled. */
COLD bool loop_run_marked(rondo_loop *loop, unsigned flags)
{
    if (flags & (SOON_BACKGROUND | SOON_CANCELLED)) {
        assert(loop->ring_background > 0);
        loop->ring_background--;
    }
    if (flags & SOON_RELEASE)
        release_forget(loop, (rondo_id)loop->ring_head);
    return !(flags & SOON_CANCELLED);
}

void loop_run_ring(rondo_loop *loop, uint64_t end)
{
    loop_run_ring_here(loop, end);
}

static NOINLINE rondo_id schedule_nudge(rondo_loop *loop, rondo_id id)
{
    loop_nudge(loop);
    return id;
}

/* The ring has room. */
static inline rondo_id schedule_put(rondo_loop *loop, rondo_fn fn, void *arg)
{
    uint64_t place = loop->ring_tail;
    struct soon *soon = &loop->ring[place & loop->ring_mask];
    assert(fn && place - loop->ring_head <= loop->ring_mask);
    soon->fn = fn;
    soon->arg = arg;
    soon->flags = 0;
    loop->ring_tail = ++place;
    atomic_store_explicit(&loop->ring_seen, (uint32_t)place,
                          memory_order_relaxed);
    rondo_id id = (rondo_id)place;
    assert(id_is(loop, id, ID_SOON));
    return loop->prepared ? schedule_nudge(loop, id) : id;
}

/* Of callbacks that have run since, ring_full does not know. */
static bool schedule_make_room(rondo_loop *loop)
{
    if (loop->ring)
        loop->ring_full = loop->ring_head + loop->ring_mask + 1;
    return loop->ring_tail != loop->ring_full || schedule_grow(loop);
}

static COLD rondo_id schedule_soon_slow(rondo_loop *loop, rondo_fn fn,
                                        void *arg)
{
    int error = loop_check_create(loop, "call_soon");
    if (error)
        return error;
    if (!fn)
        return error_set(RONDO_EINVAL, "call_soon: no function");
    if (!schedule_make_room(loop))
        return error_set(RONDO_ENOMEM, "call_soon: out of memory");
    return schedule_put(loop, fn, arg);
}

rondo_id rondo_call_soon(rondo_loop *loop, rondo_fn fn, void *arg)
{
    if (!loop || !loop_is_plain(loop) || !fn ||
        loop->ring_tail == loop->ring_full)
        return schedule_soon_slow(loop, fn, arg);
    return schedule_put(loop, fn, arg);
}

/* The id is the place plus one, so that no id is 0. Between head and tail the
 * ring itself tells whether the callback still waits. */
static struct soon *schedule_find_soon(const rondo_loop *loop, rondo_id id)
{
    uint64_t place = (uint64_t)id - 1;
    if (place < loop->ring_head || place >= loop->ring_tail)
        return NULL;
    struct soon *soon = &loop->ring[place & loop->ring_mask];
    return soon->flags & SOON_CANCELLED ? NULL : soon;
}

static int schedule_cancel_soon(rondo_loop *loop, rondo_id id)
{
    struct soon *soon = schedule_find_soon(loop, id);
    if (!soon)
        return RONDO_ENOENT;
    if (!(soon->flags & SOON_BACKGROUND))
        loop->ring_background++;
    if (soon->flags & SOON_RELEASE)
        release_due(loop, id);
    soon->flags = SOON_CANCELLED;
    assert(loop->ring_background <= loop->ring_tail - loop->ring_head);
    return 0;
}

static int schedule_soon_set_background(rondo_loop *loop, rondo_id id,
                                        bool background)
{
    struct soon *soon = schedule_find_soon(loop, id);
    if (!soon)
        return RONDO_ENOENT;
    if (!(soon->flags & SOON_BACKGROUND) == background) {
        loop->ring_background += background ? 1 : (size_t)-1;
        soon->flags ^= SOON_BACKGROUND;
    }
    assert(loop->ring_background <= loop->ring_tail - loop->ring_head);
    return 0;
}

/* ---- timers ---- */

static int64_t schedule_from_now(int64_t delay_ns)
{
    int64_t now = sys_clock();
    if (delay_ns <= 0)
        return now;
    return delay_ns > RONDO_NEVER - now ? RONDO_NEVER : now + delay_ns;
}

rondo_id rondo_call_at(rondo_loop *loop, int64_t when_ns, rondo_fn fn,
                       void *arg)
{
    int error = loop_check_create(loop, "call_at");
    if (error)
        return error;
    if (!fn)
        return error_set(RONDO_EINVAL, "call_at: no function");
    return timers_start(loop, when_ns, fn, arg);
}

rondo_id rondo_call_later(rondo_loop *loop, int64_t delay_ns, rondo_fn fn,
                          void *arg)
{
    int error = loop_check_create(loop, "call_later");
    if (error)
        return error;
    if (!fn)
        return error_set(RONDO_EINVAL, "call_later: no function");
    return timers_start(loop, schedule_from_now(delay_ns), fn, arg);
}

rondo_id rondo_call_every(rondo_loop *loop, int64_t period_ns, rondo_fn fn,
                          void *arg)
{
    int error = loop_check_create(loop, "call_every");
    if (error)
        return error;
    if (!fn)
        return error_set(RONDO_EINVAL, "call_every: no function");
    if (period_ns <= 0)
        return error_set(RONDO_EINVAL,
                         "call_every: a period of %lld ns is not above 0",
                         (long long)period_ns);
    return timers_start_every(loop, schedule_from_now(period_ns), period_ns, fn,
                              arg);
}

/* ---- ids of any kind ---- */

int rondo_cancel(rondo_loop *loop, rondo_id id)
{
    int error = loop_check(loop, "cancel");
    if (error)
        return error;
    if (!timers_cancel(loop, id))
        return 0;
    if (id_is(loop, id, ID_SOON))
        error = schedule_cancel_soon(loop, id);
    else if (id_is(loop, id, ID_POST))
        error = remote_cancel_own(loop, id);
    else
        error = id_cancel(loop, id);
    if (error)
        return error_set(error, "cancel: no such id: it has run, was "
                                "cancelled, or is another loop's");
    return 0;
}

int rondo_set_background(rondo_loop *loop, rondo_id id, bool background)
{
    int error = loop_check(loop, "set_background");
    if (error)
        return error;
    if (id_is(loop, id, ID_POST))
        return error_set(RONDO_EINVAL,
                         "set_background: a post runs in the next "
                         "iteration, whatever its mark");
    if (id_is(loop, id, ID_TIMER))
        error = timers_set_background(loop, id, background);
    else if (id_is(loop, id, ID_SOON))
        error = schedule_soon_set_background(loop, id, background);
    else
        error = id_set_background(loop, id, background);
    if (error)
        return error_set(error, "set_background: no such id: it has run, was "
                                "cancelled, or is another loop's");
    return 0;
}

/* ---- release ---- */

static int schedule_release_soon(rondo_loop *loop, rondo_id id, rondo_fn fn)
{
    struct soon *soon = schedule_find_soon(loop, id);
    if (!soon)
        return RONDO_ENOENT;
    int error = release_set(loop, id, fn, soon->arg);
    if (!error && fn)
        soon->flags |= SOON_RELEASE;
    else if (!error)
        soon->flags &= ~(unsigned)SOON_RELEASE;
    return error;
}

/* RONDO_EINVAL: its callback is called in any case. */
static int schedule_release_handle(rondo_loop *loop, rondo_id id, rondo_fn fn)
{
    const struct handle *handle = id_object(loop, id);
    if (!handle)
        return RONDO_ENOENT;
    handle_arg_fn arg = handle_args[handle->kind];
    if (arg)
        return release_set(loop, id, fn, arg(handle));
    return error_set(RONDO_EINVAL, "set_release: the callback of this "
                                   "operation is called in any case");
}

int rondo_set_release(rondo_loop *loop, rondo_id id, rondo_fn release)
{
    int error = loop_check_create(loop, "set_release");
    if (error)
        return error;
    if (id_is(loop, id, ID_TIMER))
        error = timers_set_release(loop, id, release);
    else if (id_is(loop, id, ID_SOON))
        error = schedule_release_soon(loop, id, release);
    else if (id_is(loop, id, ID_POST))
        return error_set(RONDO_EINVAL, "set_release: a post runs in any case, "
                                       "unless it is cancelled");
    else
        error = schedule_release_handle(loop, id, release);
    if (error == RONDO_ENOENT)
        return error_set(error, "set_release: no such id: it has run, was "
                                "cancelled, or is another loop's");
    return error;
}
