/* stream_check.c - what holds of every transport, asserted in debug builds. */
/* SPDX-License-Identifier: MIT */
#include "stream/filter.h"
#include "stream/stream.h"

#ifndef NDEBUG

#include <stdio.h>

/* ---- invariants ---- */

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
        assert(out && (out->buf.size || out->file || !op_is_idle(&out->op) ||
                       (out->pump && pump_waits(t))));
    if (t->writing == WRITE_ENDED)
        assert(!t->queued || stream_is_over(t));
    if (out && out->retry)
        assert(t->queued && op_is_idle(&out->op) && !stream_is_over(t));
    if (t->flow != FLOW_ON)
        assert(out);
    if (t->held)
        assert(t->extra && (t->extra->held || t->filtered));
    if (stream_fds_wait(t))
        assert(stream_is_unix(t));
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
        assert(stream_delivers(t) && !t->held && !t->pumped);
    if (t->fast_deliver)
        assert(t->fast_read && t->protocol->data_received);
    if (t->fast_write)
        assert(t->fast_send && !t->filtered && t->writing == WRITE_ON);
    if (t->fast_filter)
        assert(t->filtered && !t->handshaking && t->writing == WRITE_ON);
    if (t->io.kept)
        assert(!t->fast_send && !t->queued);
    if (t->io.sends_later)
        assert(!t->fast_send && !t->queued && stream_kind(t)->plain);
    if (t->fast_send)
        assert(stream_kind(t)->plain && !t->queued && !stream_is_over(t));
}

/* ---- the census: which states were met at rest ---- */

enum {
    LIVES = 3 * 4 * 2,       /* made, phase, handshaking */
    READINGS = 3 * 2 * 2,    /* reading, held, eof_below */
    WRITINGS = 3 * 3 * 2 * 2 /* writing, flow, queued, shutdown_sent */
};

static atomic_bool lives_met[LIVES], readings_met[READINGS],
    writings_met[WRITINGS];

static void stream_census_note(const rondo_transport *t)
{
    const struct filters *f = t->filtered ? filters_of(t) : NULL;
    unsigned below = f && f->eof_below, sent = f && f->shutdown_sent;
    unsigned life = (t->made * 4U + t->phase) * 2U + t->handshaking;
    unsigned reading = (t->reading * 2U + t->held) * 2U + below;
    unsigned writing =
        ((t->writing * 3U + t->flow) * 2U + t->queued) * 2U + sent;
    atomic_store_explicit(&lives_met[life], true, memory_order_relaxed);
    atomic_store_explicit(&readings_met[reading], true, memory_order_relaxed);
    atomic_store_explicit(&writings_met[writing], true, memory_order_relaxed);
}

static void stream_census_life(unsigned n, char *text, size_t size)
{
    static const char *const made[] = {"new", "due", "made"};
    static const char *const phase[] = {"open", "closing", "ending", "gone"};
    snprintf(text, size, "life: %s %s%s", made[n / 8], phase[n / 2 % 4],
             n % 2 ? " handshaking" : "");
}

static void stream_census_reading(unsigned n, char *text, size_t size)
{
    static const char *const reading[] = {"on", "paused", "ended"};
    snprintf(text, size, "reading: %s%s%s", reading[n / 4],
             n / 2 % 2 ? " held" : "", n % 2 ? " eof_below" : "");
}

static void stream_census_writing(unsigned n, char *text, size_t size)
{
    static const char *const writing[] = {"on", "ending", "ended"};
    static const char *const flow[] = {"", " pause_due", " paused"};
    snprintf(text, size, "writing: %s%s%s%s", writing[n / 12], flow[n / 4 % 3],
             n / 2 % 2 ? " queued" : "", n % 2 ? " shutdown_sent" : "");
}

/* For the tests, which link with it: the next state from number *at on that was
 * met, in words; false: no more. */
bool stream_census(unsigned *at, char *text, size_t size);

bool stream_census(unsigned *at, char *text, size_t size)
{
    for (unsigned n = (*at)++; n < LIVES + READINGS + WRITINGS; n = (*at)++) {
        unsigned reading = n - LIVES, writing = reading - READINGS;
        if (n < LIVES && atomic_load(&lives_met[n]))
            stream_census_life(n, text, size);
        else if (n >= LIVES && reading < READINGS &&
                 atomic_load(&readings_met[reading]))
            stream_census_reading(reading, text, size);
        else if (n >= LIVES + READINGS && atomic_load(&writings_met[writing]))
            stream_census_writing(writing, text, size);
        else
            continue;
        return true;
    }
    return false;
}

void stream_check(const rondo_transport *t)
{
    stream_check_phase(t);
    stream_check_sides(t);
    stream_check_filters(t);
    stream_check_fast(t);
    if (!t->dispatch.task.owed && t->dispatch.task.state == TASK_IDLE)
        stream_census_note(t);
}

#endif
