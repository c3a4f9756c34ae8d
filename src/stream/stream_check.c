/* stream_check.c - what holds of every transport, asserted in debug builds. */
/* SPDX-License-Identifier: MIT */
#include "stream/filter.h"
#include "stream/stream.h"

#ifndef NDEBUG

static void stream_check_phase(const rondo_transport *t)
{
    assert(t->kind < STREAM_KINDS);
    assert(t->made <= MADE_TOLD);
    if (t->phase == PHASE_GONE)
        assert(t->io.fd == SYS_NO_FD && op_is_idle(&t->read));
    if (stream_is_ending(t))
        assert(!t->reading_out && !t->held);
    if (t->reset || t->write_failed)
        assert(stream_is_ending(t) || t->reading_out);
    /* before connection_made the protocol was given nothing */
    if (t->made != MADE_TOLD)
        assert(t->flow != FLOW_PAUSED);
}

static void stream_check_sides(const rondo_transport *t)
{
    const struct outgoing *out = t->out;
    assert(t->reading <= READ_ENDED && t->writing <= WRITE_ENDED);
    assert(t->flow <= FLOW_PAUSED);
    if (t->queued)
        assert(out && (out->buf.size || out->file || !op_is_idle(&out->op)));
    if (t->writing == WRITE_ENDED)
        assert(!t->queued || stream_is_over(t));
    if (t->flow != FLOW_ON)
        assert(out);
    if (t->held)
        assert(t->extra && (t->extra->held || t->filtered));
    if (stream_fds_wait(t))
        assert(t->kind == STREAM_UNIX_SOCKET);
}

static void stream_check_filters(const rondo_transport *t)
{
    assert(t->filtered == (t->extra && t->extra->filters));
    if (t->handshaking)
        assert(t->filtered);
    if (!t->filtered)
        return;
    const struct filters *f = filters_of(t);
    assert(!stream_kind(t)->half);
    if (f->start_due)
        assert(t->handshaking);
    if (f->pending.size)
        assert(t->handshaking || f->writing || stream_is_over(t));
}

/* A fast path is taken only where there is nothing else to do. */
static void stream_check_fast(const rondo_transport *t)
{
    if (t->fast_read)
        assert(t->kind == STREAM_SOCKET && t->phase == PHASE_OPEN &&
               t->reading == READ_ON && !t->held && !t->handshaking);
    if (t->fast_write)
        assert(t->fast_send && !t->filtered && t->writing == WRITE_ON);
    if (t->fast_send)
        assert(stream_kind(t)->plain && !t->queued && !stream_is_over(t));
}

void stream_check(const rondo_transport *t)
{
    stream_check_phase(t);
    stream_check_sides(t);
    stream_check_filters(t);
    stream_check_fast(t);
}

#endif
