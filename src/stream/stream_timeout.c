/* stream_timeout.c - a transport's timeouts, and the timer that serves both. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "stream/filter.h"
#include "stream/stream.h"

void stream_stop_time(rondo_transport *t)
{
    if (t->extra->timer > 0)
        (void)timers_cancel(t->loop, t->extra->timer);
    t->extra->timer = 0;
}

void stream_start_time(rondo_transport *t)
{
    stream_note_read(t);
    stream_note_write(t);
}

static int64_t stream_timeout_after(int64_t start, int64_t length)
{
    return length > RONDO_NEVER - start ? RONDO_NEVER : start + length;
}

/* Before connection_made there is nobody to ask: a handshake has a time of its
 * own. */
static bool stream_timeout_runs(const rondo_transport *t)
{
    return t->made == MADE_TOLD && !stream_is_ending(t) && !t->leaving;
}

static int64_t stream_timeout_read_deadline(const rondo_transport *t)
{
    const struct stream_extra *x = t->extra;
    bool reads = t->phase == PHASE_OPEN && stream_reads(t);
    return x->read_ns && reads ? stream_timeout_after(x->read_start, x->read_ns)
                               : RONDO_NEVER;
}

static int64_t stream_timeout_write_deadline(const rondo_transport *t)
{
    const struct stream_extra *x = t->extra;
    bool waits = t->queued && !stream_file_is_slow(t);
    return x->write_ns && waits
               ? stream_timeout_after(x->write_start, x->write_ns)
               : RONDO_NEVER;
}

/* The program may end the connection, or change its times, in timed_out. */
static void stream_timeout_ran_out(rondo_transport *t,
                                   rondo_direction direction)
{
    if (direction == RONDO_READING)
        stream_note_read(t);
    else
        stream_note_write(t);
    bool go_on = stream_tell_time(t, direction);
    if (go_on || stream_is_ending(t))
        return;
    error_no_os();
    stream_fail(t, RONDO_ETIMEDOUT,
                STREAM_BY_RESET |
                    (direction == RONDO_WRITING ? STREAM_BY_WRITING : 0U));
}

static void stream_timeout_on_timer(rondo_loop *loop, void *arg)
{
    rondo_transport *t = arg;
    t->extra->timer = 0;
    dispatch_begin(&t->dispatch);
    if (stream_timeout_runs(t)) {
        if (stream_timeout_read_deadline(t) <= loop->now)
            stream_timeout_ran_out(t, RONDO_READING);
        if (!stream_is_ending(t) &&
            stream_timeout_write_deadline(t) <= loop->now)
            stream_timeout_ran_out(t, RONDO_WRITING);
    }
    stream_finish(t);
}

void stream_watch_time(rondo_transport *t)
{
    struct stream_extra *x = t->extra;
    if (!stream_timeout_runs(t)) {
        stream_stop_time(t);
        return;
    }
    int64_t reading = stream_timeout_read_deadline(t),
            writing = stream_timeout_write_deadline(t);
    int64_t next = reading < writing ? reading : writing;
    /* a timer that fires too early finds out and starts again */
    if (next == RONDO_NEVER || (x->timer > 0 && x->timer_when <= next))
        return;
    stream_stop_time(t);
    x->timer_when = next;
    x->timer = timers_start_hidden(t->loop, next, stream_timeout_on_timer, t);
    if (x->timer < 0) {
        error_no_os();
        stream_fail(t, RONDO_ENOMEM, STREAM_BY_RESET);
        stream_settle(t);
    }
}

/* ---- closing within a time ---- */

void stream_stop_closing_time(rondo_transport *t)
{
    if (t->extra->close_timer > 0)
        (void)timers_cancel(t->loop, t->extra->close_timer);
    t->extra->close_timer = 0;
}

/* If all bytes have left, the close only waits for the peer's end: that is no
 * failure. */
static void stream_timeout_on_close(rondo_loop *loop, void *arg)
{
    rondo_transport *t = arg;
    (void)loop;
    t->extra->close_timer = 0;
    dispatch_begin(&t->dispatch);
    error_no_os();
    if (!t->filtered || !filters_stop_lingering(t))
        stream_fail(t, RONDO_ETIMEDOUT, STREAM_BY_RESET);
    stream_finish(t);
}

static int stream_timeout_start_closing(rondo_transport *t, int64_t timeout_ns)
{
    int64_t when = stream_timeout_after(sys_clock(), timeout_ns);
    rondo_id timer = 0;
    if (!stream_extra(t))
        return RONDO_ENOMEM;
    if (when != RONDO_NEVER)
        timer = timers_start_hidden(t->loop, when, stream_timeout_on_close, t);
    if (timer < 0)
        return (int)timer;
    stream_stop_closing_time(t);
    t->extra->close_timer = timer;
    return 0;
}

int rondo_transport_close_within(rondo_transport *t, int64_t timeout_ns)
{
    const char *what = "transport_close_within";
    int error = loop_check(t ? t->loop : NULL, what);
    if (error)
        return error;
    if (timeout_ns < 0)
        return error_set(RONDO_EINVAL, "%s: a negative time", what);
    if (stream_is_ending(t))
        return 0;
    error = stream_timeout_start_closing(t, timeout_ns);
    if (error)
        return error_set(error, "%s: out of memory", what);
    stream_set_phase(t, PHASE_CLOSING);
    stream_settle(t);
    return 0;
}

/* ---- the program's times ---- */

int rondo_transport_set_timeouts(rondo_transport *t, int64_t read_ns,
                                 int64_t write_ns)
{
    int error = loop_check(t ? t->loop : NULL, "transport_set_timeouts");
    if (error)
        return error;
    if (read_ns < 0 || write_ns < 0)
        return error_set(RONDO_EINVAL,
                         "transport_set_timeouts: a negative time");
    if (stream_is_ending(t))
        return 0;
    struct stream_extra *x = stream_extra(t);
    if (!x)
        return error_set(RONDO_ENOMEM, "transport_set_timeouts: out of memory");
    x->read_ns = read_ns == RONDO_NEVER ? 0 : read_ns;
    x->write_ns = write_ns == RONDO_NEVER ? 0 : write_ns;
    x->read_start = x->write_start = sys_clock();
    t->timed = true;
    stream_settle(t);
    return 0;
}
