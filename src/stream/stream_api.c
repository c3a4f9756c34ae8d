/* stream_api.c - closing a transport, its limits, and what it is asked. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/quarantine.h"
#include "stream/filter.h"
#include "stream/stream.h"

#include <stdarg.h>
#include <stdio.h>

void rondo_transport_close(rondo_transport *t)
{
    if (loop_check(t ? t->loop : NULL, "transport_close"))
        return;
    stream_set_phase(t, PHASE_CLOSING);
    stream_settle(t);
}

static void stream_api_end(rondo_transport *t, int error, unsigned how)
{
    error_no_os();
    stream_fail(t, error, how);
    stream_settle(t);
}

void rondo_transport_close_now(rondo_transport *t)
{
    if (!loop_check(t ? t->loop : NULL, "transport_close_now"))
        stream_api_end(t, RONDO_ECANCELED, 0);
}

void rondo_transport_abort(rondo_transport *t)
{
    if (!loop_check(t ? t->loop : NULL, "transport_abort"))
        stream_api_end(t, RONDO_ECANCELED, STREAM_BY_RESET);
}

void rondo_transport_abort_with(rondo_transport *t, int error)
{
    if (loop_check(t ? t->loop : NULL, "transport_abort_with"))
        return;
    stream_api_end(t, error < 0 ? error : RONDO_ECANCELED, STREAM_BY_RESET);
}

bool rondo_transport_is_closing(const rondo_transport *t)
{
    return !t || stream_is_closing(t) || t->reading_out;
}

bool rondo_transport_can_write_eof(const rondo_transport *t)
{
    return t && stream_can_end(t);
}

void stream_set_protocol(rondo_transport *t, const rondo_protocol *protocol,
                         void *self, bool has_heard)
{
    if (protocol != t->protocol || self != t->self) {
        t->protocol = protocol;
        t->self = self;
        t->refused = false;
        if (stream_state(t->loop)->lent_to == t)
            stream_state(t->loop)->lent_anew = true;
        if (t->flow == FLOW_PAUSED && !has_heard)
            stream_set_flow(t, FLOW_PAUSE_DUE);
    }
    stream_settle(t);
}

/* The protocol has not heard of the end: it comes once more, behind what is
 * held. A kernel tells it as often as it is asked. */
void stream_end_again(rondo_transport *t)
{
    if (t->reading != READ_ENDED || stream_is_closing(t))
        return;
    t->reading = READ_ON;
    stream_leave_fast(t);
    if (t->filtered)
        filters_hold_eof(t);
}

int rondo_transport_set_protocol(rondo_transport *t,
                                 const rondo_protocol *protocol, void *self)
{
    const char *what = "transport_set_protocol";
    int error = loop_check(t ? t->loop : NULL, what);
    if (!error)
        error = LOOP_CHECK_TABLE(protocol, what, "protocol");
    if (!error)
        stream_set_protocol(t, protocol, self, false);
    return error;
}

void rondo_transport_set_self(rondo_transport *t, void *self)
{
    if (!loop_check(t ? t->loop : NULL, "transport_set_self"))
        t->self = self;
}

void *rondo_transport_self(const rondo_transport *t)
{
    return t ? t->self : NULL;
}

static int stream_api_recall(const rondo_transport *t,
                             const struct small_address *which,
                             rondo_address *address, const char *what)
{
    if (!address)
        return error_set(RONDO_EINVAL, "%s: nowhere to put the address", what);
    int error = stream_address(t, which, address);
    return error ? error_set(error, "%s: not known", what) : 0;
}

int rondo_transport_peer_address(const rondo_transport *t,
                                 rondo_address *address)
{
    int error = loop_check(t ? t->loop : NULL, "transport_peer_address");
    return error ? error
                 : stream_api_recall(t, &t->peer, address,
                                     "transport_peer_address");
}

int rondo_transport_local_address(const rondo_transport *t,
                                  rondo_address *address)
{
    int error = loop_check(t ? t->loop : NULL, "transport_local_address");
    return error ? error
                 : stream_api_recall(t, &t->local, address,
                                     "transport_local_address");
}

int rondo_transport_peer_credentials(const rondo_transport *t,
                                     rondo_credentials *peer)
{
    const char *what = "transport_peer_credentials";
    rondo_credentials who = {.size = sizeof who};
    int error = loop_check(t ? t->loop : NULL, what);
    if (error)
        return error;
    if (!stream_is_unix(t))
        return error_set(RONDO_ENOTSUP, "%s: only unix sockets know them",
                         what);
    if (t->io.fd == SYS_NO_FD)
        return error_set(RONDO_ENOTCONN, "%s: the descriptor is gone", what);
    error = sys_peer_credentials(t->io.fd, &who.pid, &who.uid, &who.gid);
    return error ? error_os(error, "%s", what)
                 : loop_give(peer, &who, sizeof who, what);
}

rondo_fd rondo_transport_fd(const rondo_transport *t)
{
    return t ? stream_fd(t) : RONDO_NO_FD;
}

rondo_loop *rondo_transport_loop(const rondo_transport *t)
{
    return t ? quarantine_loop_of(t->loop, "transport_loop") : NULL;
}

void rondo_transport_set_background(rondo_transport *t, bool background)
{
    if (!loop_check(t ? t->loop : NULL, "transport_set_background"))
        handle_set_background(t->loop, &t->handle, background);
}

/* ---- formatted ---- */

int rondo_transport_printf(rondo_transport *t, const char *format, ...)
{
    char small[512], *text = small;
    va_list arguments, again;
    int error = stream_may_write_more(t, "transport_printf");
    if (error)
        return error;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(small, sizeof small, format, arguments);
    if (size >= (int)sizeof small) {
        text = loop_alloc(t->loop, (size_t)size + 1);
        if (text)
            vsnprintf(text, (size_t)size + 1, format, again);
    }
    va_end(again);
    va_end(arguments);
    if (size < 0)
        return error_set(RONDO_EINVAL, "transport_printf: bad format");
    if (!text)
        return error_set(RONDO_ENOMEM, "transport_printf: out of memory");
    error = rondo_transport_write(t, text, (size_t)size);
    if (text != small)
        loop_free(t->loop, text);
    return error;
}

/* ---- flow control ---- */

int rondo_transport_set_write_buffer_limits(rondo_transport *t, size_t high,
                                            size_t low)
{
    const char *what = "transport_set_write_buffer_limits";
    int error = loop_check(t ? t->loop : NULL, what);
    if (!error)
        error = buf_limits(&high, &low, what);
    if (error)
        return error;
    io_send_now(t->loop, &t->io);
    struct outgoing *out = stream_out(t);
    if (!out)
        return error_set(RONDO_ENOMEM, "%s: out of memory", what);
    out->high = high;
    out->low = low;
    bool over = stream_unsent(t) > high;
    if (over && t->flow == FLOW_ON)
        stream_set_flow(t, FLOW_PAUSE_DUE);
    stream_settle(t);
    (void)stream_pause_inside(t, over);
    return 0;
}

void rondo_transport_set_pause_inside(rondo_transport *t, bool inside)
{
    if (loop_check(t ? t->loop : NULL, "transport_set_pause_inside"))
        return;
    t->pause_inside = inside;
    stream_settle(t);
}

void rondo_transport_get_write_buffer_limits(const rondo_transport *t,
                                             size_t *high, size_t *low)
{
    const struct outgoing *out = t ? t->out : NULL;
    if (high)
        *high = out ? out->high : (size_t)BUF_HIGH;
    if (low)
        *low = out ? out->low : (size_t)BUF_LOW;
}

size_t rondo_transport_get_write_buffer_size(const rondo_transport *t)
{
    if (!t)
        return 0;
    if (t->io.kept && t->loop->generation == sys_fork_generation)
        io_send_now(t->loop, &t->io);
    return stream_unsent(t);
}

bool rondo_transport_is_writing_paused(const rondo_transport *t)
{
    return t && t->flow != FLOW_ON;
}

/* ---- reading ---- */

int rondo_transport_pause_reading(rondo_transport *t)
{
    int error = loop_check(t ? t->loop : NULL, "transport_pause_reading");
    if (error || t->reading != READ_ON || stream_is_ending(t))
        return error;
    t->reading = READ_PAUSED;
    stream_settle(t);
    return 0;
}

int rondo_transport_resume_reading(rondo_transport *t)
{
    int error = loop_check(t ? t->loop : NULL, "transport_resume_reading");
    if (error || t->reading != READ_PAUSED || stream_is_ending(t))
        return error;
    t->reading = READ_ON;
    t->refused = false;
    if (t->timed)
        stream_note_read(t);
    stream_settle(t);
    loop_nudge(t->loop);
    return 0;
}

bool rondo_transport_is_reading(const rondo_transport *t)
{
    return t && t->reading == READ_ON && !stream_is_closing(t);
}

/* ---- the kind of handle ---- */

static bool stream_describe(const struct handle *handle, char *text,
                            size_t size)
{
    const rondo_transport *t = (const rondo_transport *)(const void *)handle;
    char peer[RONDO_ADDRESS_TEXT] = "-";
    rondo_address address;
    if (stream_address(t, &t->peer, &address) == 0)
        (void)rondo_address_text(&address, peer, sizeof peer);
    if (!*peer)
        snprintf(peer, sizeof peer, "unnamed"); /* most clients of a path */
    const char *state = stream_is_closing(t)        ? "closing"
                        : t->handshaking            ? "handshake"
                        : t->reading == READ_ENDED  ? "half-open"
                        : t->reading == READ_PAUSED ? "paused"
                                                    : "open";
    snprintf(text, size, "fd %lld, peer %s, %s, %zu bytes to send",
             (long long)stream_fd(t), peer, state, stream_unsent(t));
    return true;
}

static void stream_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    (void)loop;
    stream_api_end((rondo_transport *)(void *)handle, RONDO_ECLOSED,
                   STREAM_BY_RESET);
}

const struct handle_class stream_class = {
    "transport", stream_close_at_loop_close, stream_describe};
