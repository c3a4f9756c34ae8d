/* datagram.c - an endpoint's life: from connection_made to connection_lost. */
/* SPDX-License-Identifier: MIT */
#include "net/datagram.h"

#include "base/error.h"
#include "core/buf.h"
#include "core/observe.h"
#include "core/quarantine.h"

#include <stdio.h>

/* ---- ending ---- */

bool datagram_is_fatal(int error)
{
    switch (error) {
    case RONDO_EBADF:
    case RONDO_ENOTSOCK:
    case RONDO_ENOMEM:
    case RONDO_EMFILE:
    case RONDO_ENFILE:
    case RONDO_ENOSPC: /* epoll: too many are watched */
        return true;
    default:
        return false;
    }
}

void datagram_fail(rondo_datagram *d, int error)
{
    assert(error < 0);
    if (d->phase >= PHASE_ENDING)
        return;
    d->error = error;
    d->os_error = rondo_last_os_error();
    d->phase = PHASE_ENDING;
}

/* Closes the descriptor once both operations are idle. Until then the kernel
 * may read the queue, so it is freed with the endpoint. */
static void datagram_wind_down(rondo_datagram *d)
{
    rondo_loop *loop = d->loop;
    assert(d->phase == PHASE_ENDING);
    if (d->retry > 0)
        (void)timers_cancel(loop, d->retry);
    d->retry = 0;
    op_cancel(loop, &d->receive);
    op_cancel(loop, &d->send);
    if (!op_is_idle(&d->receive) || !op_is_idle(&d->send))
        return;
    io_detach(loop, &d->io);
    if (!d->handle.inherited)
        sys_path_remove(&d->local, &d->file);
    sys_close(d->io.fd);
    d->io.fd = SYS_NO_FD;
    d->phase = PHASE_GONE;
    queue_end(&d->queue, d->error);
}

/* ---- settling ---- */

static void datagram_settle_ops(rondo_datagram *d)
{
    if (datagram_receives(d) && op_is_idle(&d->receive))
        op_submit(d->loop, &d->receive);
    if (!d->queue.count || !op_is_idle(&d->send) || d->retry)
        return;
    unsigned first = queue_peek(&d->queue, &d->under_way, 1);
    assert(first == 1);
    (void)first;
    /* One with an extra is sent when the socket is writable. */
    d->send.buffer = queue_extra(&d->queue) ? NULL : &d->under_way;
    op_submit(d->loop, &d->send);
}

static unsigned datagram_what_is_owed(const rondo_datagram *d)
{
    if (d->phase == PHASE_GONE) /* what is over is told before */
        return d->over ? 0 : 1U << DATAGRAM_OWED_LOST;
    if (d->flow == FLOW_PAUSE_DUE)
        return 1U << DATAGRAM_OWED_PAUSE;
    if (d->flow == FLOW_PAUSED && d->phase < PHASE_ENDING &&
        d->queue.size <= d->low)
        return 1U << DATAGRAM_OWED_RESUME;
    return 0;
}

static void datagram_check(const rondo_datagram *d)
{
    assert(d->phase <= PHASE_GONE && d->made <= MADE_TOLD);
    assert(d->flow <= FLOW_PAUSED);
    assert((d->phase == PHASE_GONE) == (d->io.fd == SYS_NO_FD));
    if (d->gathers)
        assert(dispatch_runs(&d->dispatch));
    if (d->flow == FLOW_PAUSED)
        assert(d->made == MADE_TOLD);
    assert(d->queue.size >= d->queue.count * DATAGRAM_OVERHEAD);
    assert(d->queue.count || !d->queue.size);
    assert(d->batch >= 1 && d->batch <= SYS_BATCH);
    assert(!d->kept == !(d->deaf & DEAF_KEPT));
    (void)d;
}

static void datagram_submit(void *handle)
{
    rondo_datagram *d = handle;
    if (d->phase < PHASE_ENDING)
        datagram_settle_ops(d);
}

static void datagram_decide(void *handle)
{
    const unsigned derived = 1U << DATAGRAM_OWED_PAUSE |
                             1U << DATAGRAM_OWED_RESUME |
                             1U << DATAGRAM_OWED_LOST;
    rondo_datagram *d = handle;
    if (d->phase == PHASE_CLOSING && !d->queue.count)
        d->phase = PHASE_ENDING;
    if (d->phase == PHASE_ENDING)
        datagram_wind_down(d);
    dispatch_set(&d->dispatch, derived, datagram_what_is_owed(d));
    datagram_check(d);
}

/* ---- telling ---- */

static void datagram_describe_addresses(const rondo_datagram *d, char *text,
                                        size_t size)
{
    char local[RONDO_ADDRESS_TEXT] = "", peer[RONDO_ADDRESS_TEXT] = "";
    (void)rondo_address_text(&d->local, local, sizeof local);
    (void)rondo_address_text(&d->peer, peer, sizeof peer);
    snprintf(text, size, "%s%s%s", *local ? local : "-", *peer ? " with " : "",
             peer);
}

/* Sets the last error just before the callback that carries it. */
static void datagram_describe_error(const rondo_datagram *d, int error,
                                    int64_t os_error)
{
    char where[2 * RONDO_ADDRESS_TEXT + 8];
    datagram_describe_addresses(d, where, sizeof where);
    error_keep_os(os_error);
    error_os(error, "datagram endpoint %s", where);
}

static void datagram_deliver_error(rondo_datagram *d, int error,
                                   int64_t os_error)
{
    datagram_describe_error(d, error, os_error);
    if (d->protocol->error_received)
        OBSERVE_MEMBER(d->loop, d, d->protocol, error_received, d, d->self,
                       error);
}

void datagram_tell(rondo_datagram *d, int error, bool now)
{
    if (now && d->made == MADE_TOLD) {
        datagram_deliver_error(d, error, rondo_last_os_error());
        return;
    }
    d->owed_error = error;
    d->owed_os_error = rondo_last_os_error();
    dispatch_owe(&d->dispatch, 1U << DATAGRAM_OWED_ERROR);
}

static void datagram_tell_made(void *handle)
{
    rondo_datagram *d = handle;
    assert(d->made == MADE_DUE);
    d->made = MADE_TOLD;
    if (d->protocol->connection_made)
        OBSERVE_MEMBER(d->loop, d, d->protocol, connection_made, d, d->self);
}

static void datagram_tell_kept(void *handle)
{
    datagram_deliver_kept(handle);
}

static void datagram_tell_sent(void *handle)
{
    datagram_tell_done(handle);
}

static void datagram_tell_error(void *handle)
{
    rondo_datagram *d = handle;
    datagram_deliver_error(d, d->owed_error, d->owed_os_error);
}

static void datagram_tell_pause(void *handle)
{
    rondo_datagram *d = handle;
    assert(d->flow == FLOW_PAUSE_DUE && d->made == MADE_TOLD);
    d->flow = FLOW_PAUSED;
    if (d->protocol->pause_writing)
        OBSERVE_MEMBER(d->loop, d, d->protocol, pause_writing, d, d->self);
}

static void datagram_tell_resume(void *handle)
{
    rondo_datagram *d = handle;
    assert(d->flow == FLOW_PAUSED && d->phase < PHASE_ENDING);
    d->flow = FLOW_ON;
    if (d->protocol->resume_writing)
        OBSERVE_MEMBER(d->loop, d, d->protocol, resume_writing, d, d->self);
}

static void datagram_free_all(rondo_datagram *d)
{
    queue_free(d->loop, &d->queue);
    datagram_free_kept(d);
    loop_free(d->loop, d->room);
    d->room = NULL;
    struct ended *e = d->loop->debug && d->made == MADE_TOLD
                          ? quarantine_begin(d->loop, "datagram endpoint", "")
                          : NULL;
    if (!e) {
        loop_free(d->loop, d);
        return;
    }
    if (d->protocol->connection_lost) {
        e->member = "connection_lost";
        e->last = OBSERVE_PLAIN(d->protocol->connection_lost);
    }
    quarantine_keep(e, d, &d->loop);
}

static void datagram_tell_lost(void *handle)
{
    rondo_datagram *d = handle;
    assert(d->phase == PHASE_GONE && d->made == MADE_TOLD);
    assert(op_is_idle(&d->receive) && op_is_idle(&d->send) && !d->retry);
    if (d->error)
        datagram_describe_error(d, d->error, d->os_error);
    if (d->protocol->connection_lost)
        OBSERVE_MEMBER(d->loop, d, d->protocol, connection_lost, d, d->self,
                       d->error);
    handle_close(d->loop, &d->handle);
    datagram_free_all(d);
}

static void (*const datagram_tell_owed[DATAGRAM_OWED])(void *handle) = {
    [DATAGRAM_OWED_MADE] = datagram_tell_made,
    [DATAGRAM_OWED_KEPT] = datagram_tell_kept,
    [DATAGRAM_OWED_ERROR] = datagram_tell_error,
    [DATAGRAM_OWED_DONE] = datagram_tell_sent,
    [DATAGRAM_OWED_PAUSE] = datagram_tell_pause,
    [DATAGRAM_OWED_RESUME] = datagram_tell_resume,
    [DATAGRAM_OWED_LOST] = datagram_tell_lost};

static const struct dispatch_class datagram_dispatch = {
    .place = offsetof(rondo_datagram, dispatch),
    .settle = datagram_decide,
    .submit = datagram_submit,
    .tell = datagram_tell_owed,
    /* The program may answer an error with a datagram that fails at once, and
     * the end of a send with the next one. */
    .bounded = 1U << DATAGRAM_OWED_ERROR | 1U << DATAGRAM_OWED_DONE,
    .last = 1U << DATAGRAM_OWED_LOST};

void datagram_settle(rondo_datagram *d)
{
    dispatch_settle(&datagram_dispatch, d->loop, d);
}

void datagram_finish(rondo_datagram *d)
{
    dispatch_end(&datagram_dispatch, d->loop, d);
}

static void datagram_turn(rondo_loop *loop, struct task *task)
{
    dispatch_turn(&datagram_dispatch, loop, task);
}

/* ---- beginning ---- */

rondo_datagram *datagram_new(rondo_loop *loop,
                             const rondo_datagram_protocol *protocol,
                             void *self)
{
    rondo_datagram *d = loop_alloc(loop, sizeof *d);
    if (!d)
        return NULL;
    *d = (rondo_datagram){.loop = loop,
                          .protocol = protocol,
                          .self = self,
                          .high = BUF_HIGH,
                          .low = BUF_LOW,
                          .batch = 1};
    d->kept_last = &d->kept;
    d->over_last = &d->over;
    dispatch_init(&d->dispatch, datagram_turn);
    queue_init(&d->queue);
    io_init(&d->io, SYS_NO_FD, IO_DATAGRAM);
    op_init(&d->receive, &d->io, OP_RECEIVE, datagram_receive_done);
    op_init(&d->send, &d->io, OP_SEND, datagram_send_done);
    return d;
}

void datagram_discard(rondo_datagram *d)
{
    assert(d->made == MADE_NOT && op_is_idle(&d->receive));
    io_detach(d->loop, &d->io);
    datagram_free_all(d);
}

void datagram_begin(rondo_datagram *d)
{
    assert(d->io.attached && d->made == MADE_NOT && d->phase == PHASE_OPEN);
    handle_open(d->loop, &d->handle, HANDLE_DATAGRAM);
    d->made = MADE_DUE;
    dispatch_owe(&d->dispatch, 1U << DATAGRAM_OWED_MADE);
    datagram_settle(d);
}

/* ---- for the loop ---- */

static void datagram_close_at_loop_close(rondo_loop *loop,
                                         struct handle *handle)
{
    (void)loop;
    datagram_abort_with((rondo_datagram *)(void *)handle, RONDO_ECLOSED);
}

static bool datagram_describe(const struct handle *handle, char *text,
                              size_t size)
{
    const rondo_datagram *d = (const rondo_datagram *)(const void *)handle;
    char where[2 * RONDO_ADDRESS_TEXT + 8];
    datagram_describe_addresses(d, where, sizeof where);
    snprintf(text, size, "fd %lld, %.100s, %s, %zu bytes to send",
             (long long)d->io.fd, where,
             d->phase >= PHASE_CLOSING ? "closing" : "open", d->queue.size);
    return true;
}

const struct handle_class datagram_class = {
    "datagram", datagram_close_at_loop_close, datagram_describe};

static void datagram_free_room(rondo_loop *loop)
{
    struct datagram_state *state = loop_part_state(loop, PART_DATAGRAM);
    loop_free(loop, state->room);
}

const struct loop_part datagram_part = {.size = sizeof(struct datagram_state),
                                        .close = datagram_free_room,
                                        .unsent = datagram_send_unsent};
