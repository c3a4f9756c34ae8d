/* stream_move.c - a transport leaves its loop for another one. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "stream/stream.h"

/* It moves as it is: the object, its queue, its held bytes and its addresses
 * stay where they are, so both loops have the same allocator. While it is
 * leaving, nothing is delivered and nothing submitted; the operations that pend
 * are cancelled. When they are idle, and all other callbacks have been called,
 * the loop forgets it. */

/* Of this kind, in this loop. */
void stream_leave_owner(rondo_transport *t)
{
    if (!t->owner)
        return;
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
}

static int move_check_kind(const rondo_transport *t, const char *what)
{
    if (t->kind != STREAM_SOCKET && t->kind != STREAM_UNIX_SOCKET)
        return error_set(RONDO_ENOTSUP, "%s: a %s stays with its loop", what,
                         stream_kind(t)->name);
    if (t->filtered)
        return error_set(RONDO_ENOTSUP,
                         "%s: filters are under the protocol, and may use "
                         "their loop",
                         what);
    return 0;
}

/* At this time. */
static int move_check_state(const rondo_transport *t, const char *what)
{
    if (stream_is_closing(t))
        return error_set(RONDO_ECLOSED, "%s: the transport is closed", what);
    if (t->made != MADE_TOLD)
        return error_set(RONDO_ENOTCONN, "%s: before connection_made", what);
    if (t->reading_out)
        return error_set(t->error, "%s: an earlier write has failed: %s", what,
                         rondo_strerror(t->error));
    if (t->leaving)
        return error_set(RONDO_EBUSY, "%s: it moves already", what);
    if (t->handle.inherited)
        return error_set(RONDO_EFORKED,
                         "%s: it came through a fork, and is the parent "
                         "process's, too",
                         what);
    if (t->out && (t->out->file || t->out->op.task.kind == OP_SENDFILE))
        return error_set(RONDO_EBUSY, "%s: a file is under way", what);
    if (stream_has_pump(t)) /* whose other end stays here */
        return error_set(RONDO_EBUSY, "%s: a pump is under way", what);
    return 0;
}

int stream_move_begin(rondo_transport *t, struct stream_move *m,
                      const char *what)
{
    int error = move_check_kind(t, what);
    if (error)
        return error;
    io_send_now(t->loop, &t->io);
    error = move_check_state(t, what);
    if (error)
        return error;
    if (!stream_extra(t))
        return error_set(RONDO_ENOMEM, "%s: out of memory", what);
    m->error = 0;
    t->extra->move = m;
    t->leaving = true;
    stream_leave_fast(t);
    stream_settle(t);
    loop_nudge(t->loop);
    return 0;
}

void stream_move_cancel_ops(rondo_transport *t)
{
    const struct stream_kind *kind = stream_kind(t);
    kind->cancel(t, &t->read);
    if (t->out && op_may_leave(t->loop, &t->out->op))
        kind->cancel(t, &t->out->op);
}

static bool move_is_quiet(const rondo_transport *t)
{
    return op_is_idle(&t->read) && (!t->out || op_is_idle(&t->out->op));
}

unsigned stream_move_owes(const rondo_transport *t, unsigned owed)
{
    if (t->extra->move->error || stream_is_closing(t) || t->reading_out)
        return STREAM_BIT(OWED_STAY);
    return !owed && move_is_quiet(t) ? STREAM_BIT(OWED_MOVE) : 0;
}

void stream_move_tell_stay(rondo_transport *t)
{
    struct stream_move *m = t->extra->move;
    int error = m->error ? m->error : t->error ? t->error : RONDO_ECLOSED;
    t->extra->move = NULL;
    t->leaving = false;
    stream_leave_fast(t);
    m->stays(m, t->loop, error);
}

/* The number of its descriptor stays; all that the backend has noted of it is
 * forgotten. */
static void move_leave_loop(rondo_transport *t)
{
    rondo_loop *loop = t->loop;
    stream_stop_time(t);
    stream_stop_closing_time(t);
    if (t->out) {
        stream_write_stop_retry(t);
        stream_then_leave(t);
    }
    io_leave(loop, &t->io);
    handle_close(loop, &t->handle);
    stream_leave_owner(t);
    t->owner = NULL;
    t->extra->move = NULL;
    t->leaving = false;
    t->loop = NULL;
}

/* What the old loop's backend has read before it was asked. A protocol that gave
 * all back gets it together with these. */
static bool move_take_ahead(rondo_transport *t)
{
    size_t had = t->held ? t->extra->held->size : 0;
    if (!stream_hold_ahead(t))
        return false;
    if (t->held && t->extra->held->size > had)
        t->refused = false;
    return true;
}

void stream_move_tell_move(rondo_transport *t)
{
    struct stream_move *m = t->extra->move;
    rondo_loop *loop = t->loop;
    struct stream_owner *owner = t->owner;
    int error = move_take_ahead(t) ? m->begin(m) : RONDO_ENOMEM;
    dispatch_leave(&t->dispatch);
    if (error) {
        m->error = error;
        stream_settle(t);
        return;
    }
    move_leave_loop(t);
    m->send(m, t);
    if (owner)
        owner->gone(loop, owner);
}

int stream_arrive(rondo_transport *t, rondo_loop *loop,
                  struct stream_owner *owner)
{
    bool background = t->handle.background;
    assert(!t->loop && !t->owner && !t->dispatch.task.owed);
    t->loop = loop;
    handle_open(loop, &t->handle, HANDLE_TRANSPORT);
    handle_set_background(loop, &t->handle, background);
    dispatch_begin(&t->dispatch);
    if (owner)
        stream_own(t, owner);
    stream_then_arrive(t);
    int error = io_attach(loop, &t->io);
    if (error)
        stream_fail(t, error, STREAM_BY_RESET);
    return error;
}
