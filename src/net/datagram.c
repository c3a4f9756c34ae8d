/* datagram.c - an endpoint's life: from connection_made to connection_lost. */
/* SPDX-License-Identifier: MIT */
#include "net/datagram.h"

#include "base/error.h"
#include "core/buf.h"

#include <stdio.h>

static rondo_datagram *datagram_of_deferred(struct task *task)
{
    return (rondo_datagram *)(void *)((char *)task -
                                      offsetof(rondo_datagram, deferred));
}

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
    if (d->flags & DATAGRAM_ENDING)
        return;
    d->error = error;
    d->os_error = rondo_last_os_error();
    d->flags |= DATAGRAM_ENDING;
}

/* Everything the kernel had of it is done: the descriptor goes, and what is
 * left is to tell. What the kernel still has of the queue stays until then. */
static void datagram_wind_down(rondo_datagram *d)
{
    rondo_loop *loop = d->loop;
    if (d->retry > 0)
        (void)timers_cancel(loop, d->retry);
    d->retry = 0;
    op_cancel(loop, &d->receive);
    op_cancel(loop, &d->send);
    if (!op_is_idle(&d->receive) || !op_is_idle(&d->send) ||
        d->flags & DATAGRAM_OWES_LOST)
        return;
    io_detach(loop, &d->io);
    if (!d->handle.inherited)
        sys_path_remove(&d->local, &d->file);
    sys_close(d->io.fd);
    d->io.fd = SYS_NO_FD;
    d->flags |= DATAGRAM_OWES_LOST;
}

/* ---- settling ---- */

static bool datagram_resume_is_due(const rondo_datagram *d)
{
    const uint32_t mask =
        DATAGRAM_TOLD_PAUSE | DATAGRAM_OWES_PAUSE | DATAGRAM_ENDING;
    return (d->flags & mask) == DATAGRAM_TOLD_PAUSE && d->queue.size <= d->low;
}

static bool datagram_owes_telling(const rondo_datagram *d)
{
    if (d->flags & (DATAGRAM_OWES_MADE | DATAGRAM_OWES_LOST))
        return true;
    return d->flags & DATAGRAM_OWES_PAUSE || datagram_resume_is_due(d);
}

static void datagram_settle_ops(rondo_datagram *d)
{
    if (datagram_receives(d) && op_is_idle(&d->receive))
        op_submit(d->loop, &d->receive);
    if (!d->queue.count || !op_is_idle(&d->send) || d->retry)
        return;
    (void)queue_peek(&d->queue, &d->under_way, 1);
    d->send.buffer = &d->under_way;
    op_submit(d->loop, &d->send);
}

void datagram_settle(rondo_datagram *d)
{
    if (d->flags & DATAGRAM_CLOSING && !d->queue.count)
        d->flags |= DATAGRAM_ENDING;
    if (d->flags & DATAGRAM_ENDING)
        datagram_wind_down(d);
    else if (!(d->flags & DATAGRAM_RUNNING))
        datagram_settle_ops(d); /* else at the end of the dispatch, once */
    if (d->flags & DATAGRAM_RUNNING || d->deferred.state != TASK_IDLE)
        return;
    if (datagram_owes_telling(d) || d->flags & DATAGRAM_OWES_ERROR) {
        loop_push(d->loop, &d->deferred);
        loop_nudge(d->loop);
    }
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

/* Writes the sentence anew, just before the callback that carries the error. */
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
        d->protocol->error_received(d, d->self, error);
}

void datagram_tell(rondo_datagram *d, int error, bool now)
{
    if (now && d->flags & DATAGRAM_MADE) {
        datagram_deliver_error(d, error, rondo_last_os_error());
        return;
    }
    d->owed = error;
    d->owed_os = rondo_last_os_error();
    d->flags |= DATAGRAM_OWES_ERROR;
}

static void datagram_deliver_made(rondo_datagram *d)
{
    d->flags &= ~(uint32_t)DATAGRAM_OWES_MADE;
    d->flags |= DATAGRAM_MADE;
    if (d->protocol->connection_made)
        d->protocol->connection_made(d, d->self);
}

static void datagram_deliver_owed(rondo_datagram *d)
{
    if (d->flags & DATAGRAM_OWES_LOST)
        return;
    if (d->flags & DATAGRAM_OWES_PAUSE) {
        d->flags &= ~(uint32_t)DATAGRAM_OWES_PAUSE;
        d->flags |= DATAGRAM_TOLD_PAUSE;
        if (d->protocol->pause_writing)
            d->protocol->pause_writing(d, d->self);
    }
    if (datagram_resume_is_due(d)) {
        d->flags &= ~(uint32_t)DATAGRAM_TOLD_PAUSE;
        if (d->protocol->resume_writing)
            d->protocol->resume_writing(d, d->self);
    }
}

static void datagram_free_all(rondo_datagram *d)
{
    queue_free(d->loop, &d->queue);
    loop_free(d->loop, d->room);
    loop_free(d->loop, d);
}

static void datagram_deliver_lost(rondo_datagram *d)
{
    if (d->error)
        datagram_describe_error(d, d->error, d->os_error);
    if (d->protocol->connection_lost)
        d->protocol->connection_lost(d, d->self, d->error);
    handle_close(d->loop, &d->handle);
    datagram_free_all(d);
}

void datagram_finish(rondo_datagram *d)
{
    datagram_settle(d);
    while (datagram_owes_telling(d)) {
        if (d->flags & DATAGRAM_OWES_MADE)
            datagram_deliver_made(d);
        else
            datagram_deliver_owed(d);
        if (d->flags & DATAGRAM_OWES_LOST) {
            if (d->deferred.state != TASK_IDLE)
                break; /* it is on the ready list, and will come back here */
            datagram_deliver_lost(d);
            return;
        }
        datagram_settle(d);
    }
    d->flags &= ~(uint32_t)DATAGRAM_RUNNING;
    datagram_settle(d);
}

/* An owed error is told here alone, one in an iteration: what is sent in
 * answer to it may fail at once, too, and so on for ever. */
static void datagram_run_deferred(rondo_loop *loop, struct task *task)
{
    rondo_datagram *d = datagram_of_deferred(task);
    (void)loop;
    d->flags |= DATAGRAM_RUNNING;
    if (d->flags & DATAGRAM_OWES_MADE)
        datagram_deliver_made(d);
    if (d->flags & DATAGRAM_OWES_ERROR) {
        d->flags &= ~(uint32_t)DATAGRAM_OWES_ERROR;
        datagram_deliver_error(d, d->owed, d->owed_os);
    }
    datagram_finish(d);
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
    d->deferred.done = datagram_run_deferred;
    queue_init(&d->queue);
    io_init(&d->io, SYS_NO_FD, IO_DATAGRAM);
    op_init(&d->receive, &d->io, OP_RECEIVE, datagram_receive_done);
    op_init(&d->send, &d->io, OP_SEND, datagram_send_done);
    return d;
}

void datagram_discard(rondo_datagram *d)
{
    io_detach(d->loop, &d->io);
    datagram_free_all(d);
}

void datagram_begin(rondo_datagram *d)
{
    handle_open(d->loop, &d->handle, HANDLE_DATAGRAM);
    d->flags |= DATAGRAM_OWES_MADE;
    datagram_settle(d);
}

/* ---- for the loop ---- */

static void datagram_close_at_loop_close(rondo_loop *loop,
                                         struct handle *handle)
{
    (void)loop;
    rondo_datagram_abort((rondo_datagram *)(void *)handle);
}

static bool datagram_describe(const struct handle *handle, char *text,
                              size_t size)
{
    const rondo_datagram *d = (const rondo_datagram *)(const void *)handle;
    char where[2 * RONDO_ADDRESS_TEXT + 8];
    datagram_describe_addresses(d, where, sizeof where);
    snprintf(text, size, "fd %lld, %.100s, %s, %zu bytes to send",
             (long long)d->io.fd, where,
             d->flags & (DATAGRAM_CLOSING | DATAGRAM_ENDING) ? "closing"
                                                             : "open",
             d->queue.size);
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
                                        .close = datagram_free_room};
