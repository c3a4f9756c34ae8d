/* stream.c - a transport's life: from connection_made to connection_lost. */
/* SPDX-License-Identifier: MIT */
#include "stream/stream.h"

#include "base/error.h"
#include "stream/filter.h"

enum { DRAIN_ROUNDS = 64 };

/* Both representations agree. */
void stream_check(const rondo_transport *t)
{
    const struct filters *f = t->filtered ? t->extra->filters : NULL;
    uint32_t flags = 0, ignored = STREAM_PIPE | STREAM_UNIX | STREAM_FDS_QUEUED;
    flags |= t->made == MADE_TOLD ? STREAM_MADE : 0U;
    flags |= t->made == MADE_DUE ? STREAM_OWES_MADE : 0U;
    flags |= t->phase == STREAM_PHASE_CLOSING ? STREAM_CLOSING : 0U;
    flags |= t->phase >= STREAM_PHASE_ENDING ? STREAM_ENDING : 0U;
    flags |= t->phase == STREAM_PHASE_GONE ? STREAM_OWES_LOST : 0U;
    if (t->phase >= STREAM_PHASE_ENDING)
        ignored |= STREAM_CLOSING;
    flags |= t->reading == READ_PAUSED ? STREAM_PAUSED : 0U;
    flags |= t->reading == READ_ENDED ? STREAM_EOF : 0U;
    if (t->reading == READ_ENDED)
        ignored |= STREAM_PAUSED;
    flags |= t->writing >= WRITE_ENDING ? STREAM_WRITE_EOF : 0U;
    flags |= t->writing == WRITE_ENDED ? STREAM_EOF_SENT : 0U;
    flags |= t->flow == FLOW_PAUSE_DUE ? STREAM_OWES_PAUSE : 0U;
    flags |= t->flow == FLOW_PAUSED ? STREAM_TOLD_PAUSE : 0U;
    flags |= t->held ? STREAM_HELD : 0U;
    flags |= t->queued ? STREAM_QUEUED : 0U;
    flags |= t->timed ? STREAM_TIMED : 0U;
    flags |= t->filtered ? STREAM_FILTERED : 0U;
    flags |= t->handshaking ? STREAM_HANDSHAKING : 0U;
    flags |= t->reading_out ? STREAM_READING_OUT : 0U;
    flags |= t->running ? STREAM_RUNNING : 0U;
    flags |= t->reset ? STREAM_RESET : 0U;
    flags |= t->write_failed ? STREAM_WRITE_FAILED : 0U;
    flags |= t->owed & OWED_RELEASE ? STREAM_RELEASE_DUE : 0U;
    flags |= t->owed & OWED_FILE ? STREAM_FILE_OVER : 0U;
    flags |= f && f->start_due ? STREAM_OWES_START : 0U;
    flags |= f && f->eof_below ? STREAM_EOF_BELOW : 0U;
    flags |= f && f->shutdown_sent ? STREAM_SHUTDOWN_SENT : 0U;
    if (!f)
        ignored |= STREAM_OWES_START | STREAM_EOF_BELOW | STREAM_SHUTDOWN_SENT;
    assert((flags | ignored) == (t->flags | ignored));
    (void)flags;
    (void)ignored;
}

static rondo_transport *stream_of_deferred(struct task *task)
{
    return (rondo_transport *)(void *)((char *)task -
                                       offsetof(rondo_transport, deferred));
}

bool stream_delivers(const rondo_transport *t)
{
    const uint32_t stopped = STREAM_PAUSED | STREAM_EOF | STREAM_CLOSING |
                             STREAM_ENDING | STREAM_HANDSHAKING;
    return (t->flags & (STREAM_MADE | stopped)) == STREAM_MADE;
}

bool stream_reads(const rondo_transport *t)
{
    return t->flags & STREAM_FILTERED ? filters_read(t) : stream_delivers(t);
}

/* The kernel may have operations of it: before connection_made only while
 * filters get ready, since without them it may still be refused. */
static bool stream_is_under_way(const rondo_transport *t)
{
    return t->flags & (STREAM_MADE | STREAM_HANDSHAKING);
}

/* ---- ending ---- */

void stream_fail(rondo_transport *t, int error, unsigned flags)
{
    if (t->flags & STREAM_ENDING)
        return;
    if (!t->error) {
        t->error = error;
        t->os_error = rondo_last_os_error();
        t->flags |= flags & STREAM_WRITE_FAILED;
        if (flags & STREAM_WRITE_FAILED)
            t->write_failed = true;
    }
    t->flags |= STREAM_ENDING | (flags & STREAM_RESET);
    stream_set_phase(t, STREAM_PHASE_ENDING);
    if (flags & STREAM_RESET)
        t->reset = true;
    stream_drop_out(t);
}

static bool stream_is_quiet(const rondo_transport *t)
{
    return op_is_idle(&t->read) && (!t->out || op_is_idle(&t->out->op));
}

/* A close with bytes unread is a reset to most kernels, and what was sent may
 * be lost with it. It costs a call; a peer that goes on sending has to be
 * reset in the end. Not into the scratch buffer: the program may be looking at
 * what it has there. */
static void stream_drain(rondo_transport *t)
{
    char bytes[4096];
    for (int i = 0; i < DRAIN_ROUNDS && !t->handle.inherited; i++)
        if (sys_recv(t->io.fd, bytes, sizeof bytes) <= 0)
            break;
}

static bool stream_may_have_unread(const rondo_transport *t)
{
    const uint32_t end =
        t->flags & STREAM_FILTERED ? STREAM_EOF_BELOW : STREAM_EOF;
    /* a filter that fails to get ready may have told the peer why */
    return !(t->flags & end) && (!t->error || t->flags & STREAM_HANDSHAKING);
}

static void stream_submit(rondo_transport *t, struct op *op)
{
    if (t->flags & STREAM_PIPE)
        stream_pipe_submit(t, op);
    else
        op_submit(t->loop, op);
}

static void stream_cancel(rondo_transport *t, struct op *op)
{
    if (t->flags & STREAM_PIPE)
        stream_pipe_cancel(t, op);
    else
        op_cancel(t->loop, op);
}

static void stream_close_socket(rondo_transport *t)
{
    /* the option would be the parent process's, too */
    if (t->flags & STREAM_RESET && !t->handle.inherited)
        sys_reset_on_close(t->io.fd);
    else if (stream_may_have_unread(t))
        stream_drain(t);
    sys_close(t->io.fd);
}

/* Everything the kernel had of it is done: the descriptor goes, and what is
 * left is to tell. */
static void stream_wind_down(rondo_transport *t)
{
    rondo_loop *loop = t->loop;
    t->flags &= ~(uint32_t)(STREAM_READING_OUT | STREAM_HELD);
    t->reading_out = t->held = false;
    stream_cancel(t, &t->read);
    if (t->out)
        stream_cancel(t, &t->out->op);
    if (!stream_is_quiet(t) || t->flags & STREAM_OWES_LOST)
        return;
    io_detach(loop, &t->io);
    if (t->flags & STREAM_PIPE)
        stream_pipe_close(t, true);
    else
        stream_close_socket(t);
    t->io.fd = SYS_NO_FD;
    t->flags |= STREAM_OWES_LOST;
    stream_set_phase(t, STREAM_PHASE_GONE);
}

/* ---- settling ---- */

static bool stream_resume_is_due(const rondo_transport *t)
{
    const uint32_t mask = STREAM_TOLD_PAUSE | STREAM_OWES_PAUSE |
                          STREAM_ENDING | STREAM_READING_OUT;
    return (t->flags & mask) == STREAM_TOLD_PAUSE &&
           stream_unsent(t) <= t->out->low;
}

/* It waits until the filters are ready; where they fail it comes all the same,
 * since the program has the transport already. */
static bool stream_owes_made(const rondo_transport *t)
{
    return t->flags & STREAM_OWES_MADE &&
           (!(t->flags & STREAM_HANDSHAKING) || t->flags & STREAM_OWES_LOST);
}

static bool stream_owes_telling(const rondo_transport *t)
{
    const uint32_t any =
        STREAM_OWES_LOST | STREAM_RELEASE_DUE | STREAM_FILE_OVER;
    if (t->flags & any || stream_owes_made(t))
        return true;
    if (t->flags & STREAM_FILTERED && filters_owe(t))
        return true;
    return t->flags & STREAM_MADE &&
           (t->flags & STREAM_OWES_PAUSE || stream_resume_is_due(t));
}

static bool stream_owes_reading(const rondo_transport *t)
{
    return (t->flags & STREAM_READING_OUT && stream_is_under_way(t)) ||
           (t->flags & STREAM_HELD && stream_delivers(t));
}

static void stream_end_writing_if_due(rondo_transport *t)
{
    const uint32_t filtered = STREAM_FILTERED | STREAM_SHUTDOWN_SENT;
    if (t->flags & STREAM_QUEUED || (t->flags & filtered) == STREAM_FILTERED)
        return;
    if ((t->flags & (STREAM_WRITE_EOF | STREAM_EOF_SENT)) == STREAM_WRITE_EOF) {
        /* a reset connection cannot: reading will tell; half a stream ends
         * with this */
        if (!(t->flags & STREAM_PIPE))
            (void)sys_shutdown_write(t->io.fd);
        t->flags |= STREAM_EOF_SENT;
        t->writing = WRITE_ENDED;
    }
    const uint32_t both = STREAM_EOF | STREAM_EOF_SENT;
    if (t->flags & STREAM_CLOSING || (t->flags & both) == both) {
        t->flags |= STREAM_ENDING | STREAM_CLOSING;
        stream_set_phase(t, STREAM_PHASE_ENDING);
    }
}

static void stream_submit_write(rondo_transport *t)
{
    struct outgoing *out = t->out;
    if (out->buf.size) {
        out->op.task.kind =
            t->flags & STREAM_FDS_QUEUED ? OP_WAIT_WRITE : OP_WRITE;
        out->op.buffer = out->buf.first->data;
        out->op.size = out->buf.first->size;
    } else if (stream_file_waits(t)) {
        stream_file_prepare(t, &out->op);
    } else {
        return; /* a thread reads */
    }
    stream_submit(t, &out->op);
}

static bool stream_waits_for_input(const rondo_transport *t)
{
    if (t->flags & STREAM_READING_OUT || stream_is_full(t))
        return false;
    return stream_reads(t) || stream_awaits_hang_up(t);
}

static void stream_settle_ops(rondo_transport *t)
{
    if (!stream_is_under_way(t))
        return;
    if (t->flags & STREAM_QUEUED && op_is_idle(&t->out->op) &&
        !(t->flags & STREAM_READING_OUT))
        stream_submit_write(t);
    if (op_is_idle(&t->read) && stream_waits_for_input(t))
        stream_submit(t, &t->read);
}

void stream_settle(rondo_transport *t)
{
    if (!(t->flags & STREAM_ENDING))
        stream_end_writing_if_due(t);
    if (t->flags & STREAM_ENDING)
        stream_wind_down(t);
    else if (!(t->flags & STREAM_RUNNING))
        stream_settle_ops(t); /* else at the end of the dispatch, once */
    if (t->flags & STREAM_TIMED)
        stream_watch_time(t);
    stream_check(t);
    if (t->flags & STREAM_RUNNING || t->deferred.state != TASK_IDLE)
        return;
    if (stream_owes_telling(t) || stream_owes_reading(t)) {
        loop_push(t->loop, &t->deferred);
        loop_nudge(t->loop);
    }
}

/* ---- telling ---- */

void stream_deliver_owed(rondo_transport *t)
{
    if (t->flags & STREAM_RELEASE_DUE) {
        t->flags &= ~(uint32_t)STREAM_RELEASE_DUE;
        t->owed &= (uint16_t)~OWED_RELEASE;
        buf_release(t->loop, &t->out->buf);
        if (t->flags & STREAM_FILTERED)
            filters_release(t);
    }
    if (t->flags & STREAM_FILE_OVER)
        stream_file_tell(t);
    if (!(t->flags & STREAM_MADE) || t->flags & STREAM_OWES_LOST)
        return;
    if (t->flags & STREAM_OWES_PAUSE) {
        t->flags &= ~(uint32_t)STREAM_OWES_PAUSE;
        t->flags |= STREAM_TOLD_PAUSE;
        t->flow = FLOW_PAUSED;
        if (t->protocol->pause_writing)
            t->protocol->pause_writing(t, t->self);
    }
    if (stream_resume_is_due(t)) {
        t->flags &= ~(uint32_t)STREAM_TOLD_PAUSE;
        t->flow = FLOW_OPEN;
        if (t->protocol->resume_writing)
            t->protocol->resume_writing(t, t->self);
    }
}

static void stream_free_all(rondo_transport *t)
{
    rondo_loop *loop = t->loop;
    if (t->out)
        buf_release(loop, &t->out->buf);
    stream_extra_free(t);
    loop_free(loop, t->out);
    loop_free(loop, t);
}

static void stream_leave_owner(rondo_transport *t)
{
    if (!t->owner)
        return;
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
}

/* Before connection_made only filters, and who waits for them, are told. */
static void stream_tell_lost(rondo_transport *t)
{
    if (t->flags & STREAM_FILTERED)
        filters_fail(t);
    if (t->error)
        stream_describe_loss(t);
    if (t->flags & STREAM_MADE && t->protocol->connection_lost)
        t->protocol->connection_lost(t, t->self, t->error);
    if (t->flags & STREAM_FILTERED)
        filters_free(t);
}

static void stream_deliver_lost(rondo_transport *t)
{
    rondo_loop *loop = t->loop;
    struct stream_owner *owner = t->owner;
    stream_tell_lost(t);
    handle_close(loop, &t->handle);
    stream_leave_owner(t);
    stream_free_all(t);
    if (owner)
        owner->gone(loop, owner);
}

static void stream_deliver_made(rondo_transport *t)
{
    t->flags &= ~(uint32_t)STREAM_OWES_MADE;
    t->flags |= STREAM_MADE;
    t->made = MADE_TOLD;
    if (t->protocol->connection_made)
        t->protocol->connection_made(t, t->self);
}

void stream_finish(rondo_transport *t)
{
    /* Settling may owe more, and so may what is called. Reading is the one
     * thing that could go on for ever: it has its own bounds and waits for
     * the next iteration. */
    stream_settle(t);
    while (stream_owes_telling(t)) {
        if (stream_owes_made(t))
            stream_deliver_made(t);
        else if (t->flags & STREAM_FILTERED && filters_owe(t))
            filters_deliver_owed(t);
        else
            stream_deliver_owed(t);
        if ((t->flags & (STREAM_OWES_LOST | STREAM_OWES_MADE)) ==
            STREAM_OWES_LOST) {
            if (t->deferred.state != TASK_IDLE)
                break; /* it is on the ready list, and will come back here */
            stream_deliver_lost(t);
            return;
        }
        stream_settle(t);
    }
    t->flags &= ~(uint32_t)STREAM_RUNNING;
    t->running = false;
    stream_settle(t);
}

static void stream_run_deferred(rondo_loop *loop, struct task *task)
{
    rondo_transport *t = stream_of_deferred(task);
    (void)loop;
    t->flags |= STREAM_RUNNING;
    t->running = true;
    if (stream_owes_made(t))
        stream_deliver_made(t);
    if (stream_is_under_way(t))
        stream_read_deferred(t);
    stream_finish(t);
}

/* ---- beginning ---- */

void stream_init(rondo_loop *loop, rondo_transport *t, sys_fd fd)
{
    *t = (rondo_transport){.loop = loop};
    io_init(&t->io, fd, IO_TRANSPORT);
    stream_read_init(t);
    t->deferred.done = stream_run_deferred;
}

int stream_new(rondo_loop *loop, sys_fd fd, rondo_transport **made)
{
    rondo_transport *t = loop_alloc(loop, sizeof *t);
    if (!t)
        return error_set(RONDO_ENOMEM, "out of memory for a transport");
    stream_init(loop, t, fd);
    int error = io_attach(loop, &t->io);
    if (error)
        loop_free(loop, t);
    else
        *made = t;
    return error;
}

static void stream_undo(rondo_transport *t, bool close)
{
    if (t->flags & STREAM_FILTERED) {
        filters_fail(t);
        filters_free(t);
    }
    io_detach(t->loop, &t->io);
    if (t->flags & STREAM_PIPE)
        stream_pipe_close(t, close);
    else if (close)
        sys_close(t->io.fd);
    if (t->handle.link)
        handle_close(t->loop, &t->handle);
    stream_leave_owner(t);
    stream_drop_out(t);
    stream_free_all(t);
}

void stream_give_back(rondo_transport *t)
{
    stream_undo(t, false);
}

void stream_discard(rondo_transport *t)
{
    stream_undo(t, true);
}

void stream_open(rondo_transport *t, const rondo_protocol *protocol, void *self)
{
    t->protocol = protocol;
    t->self = self;
    handle_open(t->loop, &t->handle, HANDLE_TRANSPORT);
}

void stream_prepare(rondo_transport *t)
{
    t->flags |= STREAM_RUNNING;
    t->running = true;
}

void stream_make(rondo_transport *t)
{
    if (t->flags & STREAM_HANDSHAKING) {
        t->flags |= STREAM_OWES_MADE;
        t->made = MADE_DUE;
    } else
        stream_deliver_made(t);
}

void stream_begin(rondo_transport *t)
{
    t->flags |= STREAM_RUNNING;
    t->running = true;
    stream_make(t);
}

void stream_end(rondo_transport *t)
{
    stream_finish(t);
}

void stream_begin_later(rondo_transport *t)
{
    t->flags |= STREAM_OWES_MADE;
    t->made = MADE_DUE;
    stream_settle(t);
}

void stream_own(rondo_transport *t, struct stream_owner *owner)
{
    t->owner = owner;
    t->next = owner->first;
    t->link = &owner->first;
    if (t->next)
        t->next->link = &t->next;
    owner->first = t;
}

/* ---- for the loop ---- */

static void stream_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    (void)loop;
    rondo_transport_abort((rondo_transport *)(void *)handle);
}

const struct handle_class stream_class = {
    "transport", stream_close_at_loop_close, stream_describe};

const struct loop_part stream_part = {.size = sizeof(struct stream_state)};
