/* stream_error.c - how a transport breaks, and all of it in words. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "stream/filter.h"
#include "stream/stream.h"

#include <stdio.h>

/* To a connection an end is as good as a reset; half a pipe has no resets. */
int stream_loss(const rondo_transport *t, int error)
{
    bool half = t->flags & STREAM_PIPE && !stream_is_whole_pipe(t);
    return error == RONDO_EPIPE && !half ? RONDO_ECONNRESET : error;
}

/* A file that is full is no peer that has left. */
static bool stream_error_has_left(const rondo_transport *t, int error)
{
    return !(t->flags & STREAM_PIPE) || error == RONDO_EPIPE ||
           error == RONDO_ECONNRESET;
}

void stream_break_off(rondo_transport *t, int error)
{
    if (t->flags & STREAM_CLOSING && stream_error_has_left(t, error)) {
        /* all that was wanted of the peer was to take it; its leaving is no
         * error any more */
        t->flags |= STREAM_ENDING;
        stream_set_phase(t, STREAM_PHASE_ENDING);
        stream_drop_out(t);
        return;
    }
    if (!t->error) {
        t->error = stream_loss(t, error);
        t->os_error = rondo_last_os_error();
        t->flags |= STREAM_WRITE_FAILED;
        t->write_failed = true;
    }
    stream_drop_out(t);
    if (stream_reads(t) || !(t->flags & STREAM_MADE)) {
        t->flags |= STREAM_READING_OUT;
        t->reading_out = true;
    } else {
        t->flags |= STREAM_ENDING;
        stream_set_phase(t, STREAM_PHASE_ENDING);
    }
}

void stream_describe_loss(const rondo_transport *t)
{
    char peer[RONDO_ADDRESS_TEXT] = "";
    rondo_address address;
    if (stream_address(t, &t->peer, &address) == 0)
        (void)rondo_address_text(&address, peer, sizeof peer);
    const char *where = *peer ? " with " : "";
    const char *what = t->flags & STREAM_WRITE_FAILED ? ": write" : "";
    const char *kind = t->flags & STREAM_PIPE ? "pipe" : "connection";
    const char *why = t->flags & STREAM_FILTERED ? filters_why(t) : "";
    if (*why) {
        error_set(t->error, "%s%s%s: %s", kind, where, peer, why);
    } else if (t->os_error) {
        (void)error_from_os(t->os_error);
        error_os(t->error, "%s%s%s%s", kind, where, peer, what);
    } else {
        error_set(t->error, "%s%s%s%s: %s (%s)", kind, where, peer, what,
                  rondo_strerror(t->error), rondo_error_name(t->error));
    }
}

bool stream_describe(const struct handle *handle, char *text, size_t size)
{
    const rondo_transport *t = (const rondo_transport *)(const void *)handle;
    char peer[RONDO_ADDRESS_TEXT] = "-";
    rondo_address address;
    if (stream_address(t, &t->peer, &address) == 0)
        (void)rondo_address_text(&address, peer, sizeof peer);
    if (!*peer)
        snprintf(peer, sizeof peer, "unnamed"); /* most clients of a path */
    const char *state = t->flags & (STREAM_CLOSING | STREAM_ENDING) ? "closing"
                        : t->flags & STREAM_HANDSHAKING ? "handshake"
                        : t->flags & STREAM_EOF         ? "half-open"
                        : t->flags & STREAM_PAUSED      ? "paused"
                                                        : "open";
    snprintf(text, size, "fd %lld, peer %s, %s, %zu bytes to send",
             (long long)rondo_transport_fd(t), peer, state, stream_unsent(t));
    return true;
}
