/* stream_detach.c - a transport's descriptor becomes the program's again. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "stream/stream.h"

static const char detach_name[] = "transport_detach";

/* Of this kind, in this loop. */
static int detach_check_kind(const rondo_transport *t)
{
    if (!rondo_loop_supports(t->loop, RONDO_CAN_DETACH))
        return error_set(RONDO_ENOTSUP,
                         "%s: Windows ties a handle to one completion port; "
                         "backend \"select\" does not use one",
                         detach_name);
    if (t->filtered)
        return error_set(RONDO_ENOTSUP, "%s: filters are under the protocol",
                         detach_name);
    if (t->kind == STREAM_BY_THREAD)
        return error_set(RONDO_ENOTSUP, "%s: a thread reads or writes it",
                         detach_name);
    return 0;
}

/* At this time. */
static int detach_check_state(const rondo_transport *t)
{
    if (stream_is_closing(t))
        return error_set(RONDO_ECLOSED, "%s: the transport is closed",
                         detach_name);
    if (t->made != MADE_TOLD)
        return error_set(RONDO_ENOTCONN, "%s: before connection_made",
                         detach_name);
    if (t->reading_out)
        return error_set(t->error, "%s: an earlier write has failed: %s",
                         detach_name, rondo_strerror(t->error));
    if (stream_has_pump(t))
        return error_set(RONDO_EBUSY, "%s: a pump is under way", detach_name);
    if (t->queued || stream_fds_wait(t) || (t->out && !op_is_idle(&t->out->op)))
        return error_set(RONDO_EBUSY, "%s: something waits to be sent",
                         detach_name);
    return 0;
}

static int detach_check(const rondo_transport *t, const rondo_detached *out)
{
    int error = loop_check(t ? t->loop : NULL, detach_name);
    rondo_detached nothing = {.size = sizeof nothing, .fd = RONDO_NO_FD};
    if (!error)
        error = loop_give((void *)(uintptr_t)out, &nothing, sizeof nothing,
                          detach_name);
    if (!error)
        error = detach_check_kind(t);
    if (error)
        return error;
    io_send_now(t->loop, &t->io);
    return detach_check_state(t);
}

/* The held bytes stay where they are until the transport is freed. An operation
 * that the loop still has of it ends as cancelled. */
static void detach_leave_loop(rondo_transport *t)
{
    const struct stream_kind *kind = stream_kind(t);
    kind->cancel(t, &t->read);
    io_detach(t->loop, &t->io);
    kind->close(t, false);
    t->io.fd = SYS_NO_FD;
    t->detached = true;
    stream_set_phase(t, PHASE_ENDING);
}

int rondo_transport_detach(rondo_transport *t, rondo_detached *out)
{
    int error = detach_check(t, out);
    if (error)
        return error;
    if (!stream_hold_rest(t) || !stream_hold_ahead(t))
        return error_set(RONDO_ENOMEM, "%s: out of memory", detach_name);
    const struct held *held = t->extra ? t->extra->held : NULL;
    rondo_detached gone = {.size = sizeof gone,
                           .fd = stream_fd(t),
                           .unread = held ? held->bytes : NULL,
                           .unread_size = held ? held->size : 0};
    detach_leave_loop(t);
    stream_settle(t);
    loop_nudge(t->loop);
    return loop_give(out, &gone, sizeof gone, detach_name);
}
