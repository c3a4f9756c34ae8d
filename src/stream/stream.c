/* stream.c - a transport's life: from connection_made to connection_lost. */
/* SPDX-License-Identifier: MIT */
#include "stream/stream.h"

#include "base/error.h"
#include "core/observe.h"
#include "core/probe.h"
#include "stream/filter.h"

#include <stdio.h>

bool stream_reads(const rondo_transport *t)
{
    return t->filtered ? filters_read(t) : stream_delivers(t);
}

/* ---- ending ---- */

void stream_fail(rondo_transport *t, int error, unsigned how)
{
    if (stream_is_ending(t))
        return;
    if (!t->error) {
        t->error = error;
        t->os_error = rondo_last_os_error();
        t->write_failed = (how & STREAM_BY_WRITING) != 0;
    }
    if (how & STREAM_BY_RESET)
        t->reset = true;
    stream_set_phase(t, PHASE_ENDING);
    stream_drop_out(t);
}

/* A connection whose peer has left is told ECONNRESET, whatever the kernel calls
 * it. Half a pipe has no resets: its error stays. */
int stream_loss(const rondo_transport *t, int error)
{
    return error == RONDO_EPIPE && !stream_kind(t)->half ? RONDO_ECONNRESET
                                                         : error;
}

/* The error is the peer's, or the network's: the connection has ended. Any
 * other one is of this side, and the peer still listens. */
static bool stream_peer_has_left(const rondo_transport *t, int error)
{
    switch (error) {
    case RONDO_EPIPE:
    case RONDO_ECONNRESET:
        return true;
    case RONDO_ECONNABORTED:
    case RONDO_ETIMEDOUT:
    case RONDO_ENOTCONN:
    case RONDO_EHOSTUNREACH:
    case RONDO_ENETUNREACH:
    case RONDO_ENETDOWN:
        return !stream_kind(t)->half;
    default:
        return false;
    }
}

unsigned stream_cut_off(const rondo_transport *t, int error)
{
    return stream_peer_has_left(t, error) ? 0 : STREAM_BY_RESET;
}

/* Writing is over, but the program still gets what the peer sent before. A
 * transport without connection_made yet reads it after that. */
static void stream_stop_writing(rondo_transport *t)
{
    stream_drop_out(t);
    stream_leave_fast(t);
    if (stream_reads(t) || t->made != MADE_TOLD)
        t->reading_out = true;
    else
        stream_set_phase(t, PHASE_ENDING);
}

void stream_break_off(rondo_transport *t, int error)
{
    if (stream_is_closing(t) && stream_peer_has_left(t, error)) {
        /* a closing transport wants nothing of its peer but that it takes what
         * is queued: its leaving is no error */
        stream_set_phase(t, PHASE_ENDING);
        stream_drop_out(t);
        return;
    }
    if (!t->error) {
        t->error = stream_loss(t, error);
        t->os_error = rondo_last_os_error();
        t->write_failed = true;
    }
    if (stream_cut_off(t, error))
        t->reset = true;
    stream_stop_writing(t);
}

void stream_cut(rondo_transport *t)
{
    if (stream_is_ending(t))
        return;
    if ((t->queued || stream_unsent(t)) && !t->error)
        t->error = RONDO_ECANCELED;
    stream_stop_writing(t);
    stream_settle(t);
    loop_nudge(t->loop);
}

static bool stream_is_quiet(const rondo_transport *t)
{
    return op_is_idle(&t->read) && (!t->out || op_is_idle(&t->out->op));
}

/* Cancels the operations. When none is pending any more it closes the
 * descriptor; after that only callbacks are left to be called. */
static void stream_wind_down(rondo_transport *t)
{
    const struct stream_kind *kind = stream_kind(t);
    t->reading_out = t->held = t->refused = false;
    kind->cancel(t, &t->read);
    if (t->out)
        kind->cancel(t, &t->out->op);
    if (!stream_is_quiet(t))
        return;
    io_detach(t->loop, &t->io);
    if (!t->detached)
        kind->close(t, true);
    t->io.fd = SYS_NO_FD;
    stream_then_drop(t);
    stream_set_phase(t, PHASE_GONE);
}

/* ---- settling ---- */

/* A reset connection cannot end: reading will tell. A half pipe ends with its
 * descriptor. */
void stream_shut_down(rondo_transport *t)
{
    int error = 0;
    if (stream_kind(t)->shuts_down)
        error = sys_shutdown_write(t->io.fd);
    stream_then_end(t, error);
    t->writing = WRITE_ENDED;
    stream_leave_fast(t);
}

/* More may follow what it has sent. */
static bool stream_sends_on(const rondo_transport *t)
{
    return t->phase == PHASE_OPEN && t->writing == WRITE_ON && !t->reading_out;
}

static void stream_end_writing_if_due(rondo_transport *t)
{
    if (t->io.kept && !stream_sends_on(t)) {
        io_send_now(t->loop, &t->io);
        if (stream_is_ending(t))
            return;
    }
    if (t->queued || (t->filtered && filters_delay_end(t)))
        return;
    if (t->writing == WRITE_ENDING)
        stream_shut_down(t);
    if (t->phase == PHASE_CLOSING && t->filtered && filters_linger(t))
        return;
    if (t->phase == PHASE_CLOSING ||
        (t->reading == READ_ENDED && t->writing == WRITE_ENDED))
        stream_set_phase(t, PHASE_ENDING);
}

static void stream_submit_write(rondo_transport *t)
{
    struct outgoing *out = t->out;
    if (out->buf.size) {
        out->op.task.kind = stream_fds_wait(t) ? OP_WAIT_WRITE : OP_WRITE;
        out->op.buffer = out->buf.first->data;
        out->op.size = out->buf.first->size;
    } else if (stream_file_waits(t)) {
        stream_file_prepare(t, &out->op);
    } else if (out->pump && pump_waits(t)) {
        out->op.task.kind = OP_WAIT_WRITE;
    } else {
        return; /* a thread reads */
    }
    stream_kind(t)->submit(t, &out->op);
}

static bool stream_waits_for_input(const rondo_transport *t)
{
    if (t->reading_out || stream_is_full(t))
        return false;
    return stream_reads(t) || stream_awaits_hang_up(t);
}

static void stream_settle_ops(rondo_transport *t)
{
    if (!stream_is_under_way(t) || t->leaving)
        return;
    if (t->queued && op_is_idle(&t->out->op) && !t->out->retry &&
        !t->reading_out)
        stream_submit_write(t);
    if (op_is_idle(&t->read) && stream_waits_for_input(t))
        stream_kind(t)->submit(t, &t->read);
}

static bool stream_resume_is_due(const rondo_transport *t)
{
    return t->flow == FLOW_PAUSED && !t->out->dropped &&
           stream_unsent(t) <= t->out->low;
}

/* connection_made waits until the filters are ready. If they fail it is called
 * all the same, since the program has the transport already. */
static unsigned stream_what_is_owed(const rondo_transport *t)
{
    unsigned owed = 0;
    bool gone = t->phase == PHASE_GONE;
    if (t->made == MADE_DUE && (!t->handshaking || gone))
        owed |= STREAM_BIT(OWED_MADE);
    if (t->filtered && filters_owe(t))
        owed |= STREAM_BIT(OWED_FILTER);
    if (t->made == MADE_TOLD && t->flow == FLOW_PAUSE_DUE && !gone)
        owed |= STREAM_BIT(OWED_PAUSE);
    if (t->made == MADE_TOLD && stream_resume_is_due(t))
        owed |= STREAM_BIT(OWED_RESUME);
    if ((t->made == MADE_TOLD || (gone && t->made == MADE_NOT)) &&
        stream_then_is_due(t))
        owed |= STREAM_BIT(OWED_THEN);
    if ((t->reading_out && stream_is_under_way(t)) || stream_holds_for_now(t))
        owed |= STREAM_BIT(OWED_READ);
    if (gone && !stream_then_waits(t))
        owed |= STREAM_BIT(OWED_LOST);
    if (t->leaving)
        owed |= stream_move_owes(t, owed);
    return owed;
}

/* A read has nothing else to do than to deliver its bytes and to be submitted
 * again. */
static bool stream_reads_fast(const rondo_transport *t)
{
    bool socket = t->kind == STREAM_SOCKET || t->kind == STREAM_UNIX_SOCKET;
    return socket && stream_delivers(t) && !t->held && !t->pumped &&
           !t->reading_out && t->flow == FLOW_ON && !stream_fds_arrived(t) &&
           !dispatch_owed(&t->dispatch) &&
           (!t->queued || !op_is_idle(&t->out->op));
}

/* A send whose bytes the kernel takes has nothing else to do. */
static bool stream_sends_fast(const rondo_transport *t)
{
    return stream_kind(t)->plain && !stream_is_over(t) && !t->leaving &&
           t->writing != WRITE_ENDED && !t->queued && !stream_fds_wait(t);
}

/* What it sends may leave together with what others send: nobody waits for the
 * moment in which it does. */
static bool stream_sends_later(const rondo_transport *t)
{
    const struct outgoing *out = t->out;
    return t->kind == STREAM_SOCKET && io_sends_later(t->loop) &&
           stream_sends_on(t) && !t->pause_inside && !t->handle.inherited &&
           (!out || (out->high >= BUF_HIGH && !out->file && !out->pump));
}

/* Chosen when something changes, so that a call tests one bit. */
static void stream_choose_fast(rondo_transport *t)
{
    const rondo_protocol *protocol = t->protocol;
    if (t->loop->observed)
        return; /* stream_decide has left them all */
    bool reads = stream_reads_fast(t);
    bool into = reads && protocol->get_buffer && !protocol->get_buffers;
    bool plain =
        reads && protocol->data_received && !stream_is_buffered(protocol);
    bool writes = stream_sends_on(t), sends = stream_sends_fast(t);
    t->fast_deliver = plain;
    t->fast_read = plain || into || (reads && t->filtered);
    if (t->fast_read)
        stream_read_choose(t);
    t->io.sends_later = !sends || !stream_sends_later(t) ? SENDS_AT_ONCE
                        : t->filtered                    ? SENDS_FILTERED_LATER
                                                         : SENDS_LATER;
    t->fast_send = sends && !t->io.sends_later && !t->io.kept;
    writes = writes && !t->pause_inside && !(t->out && t->out->pump);
    t->fast_write = writes && t->fast_send && !t->filtered;
    t->fast_filter =
        writes && t->filtered && !t->handshaking && !(t->out && t->out->file);
}

static void stream_submit(void *handle)
{
    rondo_transport *t = handle;
    if (t->phase < PHASE_ENDING)
        stream_settle_ops(t);
    stream_choose_fast(t);
    stream_check(t);
}

static void stream_decide(void *handle)
{
    const unsigned kept = STREAM_BIT(OWED_RELEASE) | STREAM_BIT(OWED_FILE);
    rondo_transport *t = handle;
    if (t->phase < PHASE_ENDING)
        stream_end_writing_if_due(t);
    if (t->phase == PHASE_ENDING)
        stream_wind_down(t);
    if (t->timed)
        stream_watch_time(t);
    if (t->leaving)
        stream_move_cancel_ops(t);
    stream_leave_fast(t);
    dispatch_set(&t->dispatch, (STREAM_BIT(STREAM_OWED) - 1) & ~kept,
                 stream_what_is_owed(t));
}

/* ---- telling ---- */

static void stream_tell_release(void *handle)
{
    rondo_transport *t = handle;
    buf_release(t->loop, &t->out->buf);
    if (t->filtered)
        filters_release(t);
}

/* What was written before the file has left before it. */
static void stream_tell_file(void *handle)
{
    stream_then_tell(handle);
    stream_file_tell(handle);
}

static void stream_tell_made(void *handle)
{
    rondo_transport *t = handle;
    t->made = MADE_TOLD;
    PROBE2(transport_made, t, t->io.fd);
    if (t->timed)
        stream_start_time(t);
    stream_tell_member(t, "connection_made", t->protocol->connection_made);
}

static void stream_tell_filter(void *handle)
{
    filters_deliver_owed(handle);
}

static void stream_tell_pause(void *handle)
{
    rondo_transport *t = handle;
    stream_set_flow(t, FLOW_PAUSED);
    stream_tell_member(t, "pause_writing", t->protocol->pause_writing);
}

static void stream_tell_resume(void *handle)
{
    rondo_transport *t = handle;
    stream_set_flow(t, FLOW_ON);
    stream_tell_member(t, "resume_writing", t->protocol->resume_writing);
}

static void stream_tell_then(void *handle)
{
    stream_then_tell(handle);
}

static void stream_tell_read(void *handle)
{
    stream_read_owed(handle);
}

static void stream_tell_stay(void *handle)
{
    stream_move_tell_stay(handle);
}

static void stream_tell_move(void *handle)
{
    stream_move_tell_move(handle);
}

/* All but its own memory. */
static INLINED void stream_free_parts(rondo_transport *t, rondo_loop *loop)
{
    struct stream_extra *x = t->extra;
    if (t->out)
        buf_release(loop, &t->out->buf);
    stream_then_free(t);
    if (x) {
        stream_stop_time(t);
        stream_stop_closing_time(t);
        stream_fds_free(t);
        loop_free(loop, x->held);
        loop_free(loop, x->peer);
        loop_free(loop, x->local);
        loop_free(loop, x);
    }
    loop_free(loop, t->out);
}

static COLD void stream_free_in_debug(rondo_transport *t, rondo_loop *loop)
{
    struct ended *ended = stream_end_in_quarantine(t);
    stream_free_parts(t, loop);
    if (ended)
        stream_keep(t, ended);
    else
        loop_free(loop, t);
}

static void stream_free_all(rondo_transport *t)
{
    rondo_loop *loop = t->loop;
    if (loop->debug) {
        stream_free_in_debug(t, loop);
        return;
    }
    stream_free_parts(t, loop);
    loop_free(loop, t);
}

/* Before connection_made only filters, and who waits for them, are told. */
static void stream_tell_lost(void *handle)
{
    rondo_transport *t = handle;
    rondo_loop *loop = t->loop;
    struct stream_owner *owner = t->owner;
    if (t->filtered)
        filters_fail(t);
    if (stream_is_pumped(t))
        pump_lost(t);
    if (t->out && t->out->pump)
        pump_drop(t);
    PROBE2(transport_lost, t, t->error);
    if (t->error)
        stream_describe_loss(t);
    if (t->made == MADE_TOLD && t->protocol->connection_lost)
        stream_tell_end(t);
    if (t->filtered)
        filters_free(t);
    handle_close(loop, &t->handle);
    stream_leave_owner(t);
    stream_free_all(t);
    if (owner)
        owner->gone(loop, owner);
}

static void (*const stream_tell[STREAM_OWED])(void *handle) = {
    [OWED_RELEASE] = stream_tell_release, [OWED_FILE] = stream_tell_file,
    [OWED_MADE] = stream_tell_made,       [OWED_FILTER] = stream_tell_filter,
    [OWED_PAUSE] = stream_tell_pause,     [OWED_RESUME] = stream_tell_resume,
    [OWED_THEN] = stream_tell_then,       [OWED_READ] = stream_tell_read,
    [OWED_STAY] = stream_tell_stay,       [OWED_MOVE] = stream_tell_move,
    [OWED_LOST] = stream_tell_lost};

static const struct dispatch_class stream_dispatch = {
    .place = offsetof(rondo_transport, dispatch),
    .settle = stream_decide,
    .submit = stream_submit,
    .tell = stream_tell,
    /* a peer may never stop sending, a done never stop writing */
    .bounded = 1U << OWED_READ | 1U << OWED_THEN,
    .last = 1U << OWED_LOST | 1U << OWED_MOVE};

void stream_settle(rondo_transport *t)
{
    dispatch_settle(&stream_dispatch, t->loop, t);
}

void stream_finish(rondo_transport *t)
{
    dispatch_end(&stream_dispatch, t->loop, t);
}

void stream_tell_flow(rondo_transport *t)
{
    dispatch_some(&stream_dispatch, t,
                  STREAM_BIT(OWED_RELEASE) | STREAM_BIT(OWED_FILE) |
                      STREAM_BIT(OWED_PAUSE) | STREAM_BIT(OWED_RESUME));
}

/* Not inside a file's own write: what the program writes goes behind the
 * file. */
int stream_pause_inside(rondo_transport *t, int result)
{
    if (result != 1 || !t->pause_inside || t->flow != FLOW_PAUSE_DUE ||
        t->made != MADE_TOLD || stream_is_over(t) || t->out->file)
        return result;
    stream_tell_pause(t);
    stream_settle(t);
    return result;
}

static void stream_turn(rondo_loop *loop, struct task *task)
{
    dispatch_turn(&stream_dispatch, loop, task);
}

/* ---- beginning ---- */

void stream_init(rondo_loop *loop, rondo_transport *t, sys_fd fd)
{
    *t = (rondo_transport){.loop = loop};
    io_init(&t->io, fd, IO_TRANSPORT);
    stream_read_init(t);
    dispatch_init(&t->dispatch, stream_turn);
}

static int stream_new_apart(rondo_loop *loop, sys_fd fd, rondo_transport **made)
{
    rondo_transport *t = loop_alloc(loop, sizeof *t);
    if (!t)
        return error_set(RONDO_ENOMEM, "out of memory for a transport");
    stream_init(loop, t, fd);
    *made = t;
    return 0;
}

int stream_new(rondo_loop *loop, sys_fd fd, rondo_transport **made)
{
    rondo_transport *t = NULL;
    int error = stream_new_apart(loop, fd, &t);
    if (error)
        return error;
    error = io_attach(loop, &t->io);
    if (error)
        loop_free(loop, t);
    else
        *made = t;
    return error;
}

static void stream_undo(rondo_transport *t, bool close)
{
    if (t->filtered) {
        filters_fail(t);
        filters_free(t);
    }
    io_detach(t->loop, &t->io);
    stream_kind(t)->close(t, close);
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
    dispatch_begin(&t->dispatch);
}

void stream_make(rondo_transport *t)
{
    if (t->handshaking)
        t->made = MADE_DUE;
    else
        stream_tell_made(t);
}

void stream_begin(rondo_transport *t)
{
    dispatch_begin(&t->dispatch);
    stream_make(t);
}

void stream_end(rondo_transport *t)
{
    stream_finish(t);
}

void stream_begin_later(rondo_transport *t)
{
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

/* ---- its addresses ---- */

static int stream_keep_address(rondo_transport *t, struct small_address *which,
                               const rondo_address *a)
{
    if (address_keep(which, a))
        return 0;
    struct stream_extra *x = stream_extra(t);
    rondo_address *copy = x ? loop_alloc(t->loop, sizeof *copy) : NULL;
    if (!copy)
        return error_set(RONDO_ENOMEM, "out of memory for an address");
    *copy = *a;
    *(which == &t->peer ? &x->peer : &x->local) = copy;
    return 0;
}

int stream_remember(rondo_transport *t, const rondo_address *peer,
                    const rondo_address *local)
{
    rondo_address address;
    /* a pipe may be waited for by another descriptor */
    sys_fd fd = (sys_fd)stream_kind(t)->fd(t);
    int error = 0;
    if (!peer && sys_peer_address(fd, &address) == 0)
        peer = &address;
    if (peer)
        error = stream_keep_address(t, &t->peer, peer);
    if (!local && !error && sys_local_address(fd, &address) == 0)
        local = &address;
    if (error || !local)
        return error;
    if ((t->kind == STREAM_SOCKET || t->kind == STREAM_LENT_SOCKET) &&
        rondo_address_family(local) == RONDO_FAMILY_UNIX) {
        t->kind = t->kind == STREAM_SOCKET ? STREAM_UNIX_SOCKET
                                           : STREAM_LENT_UNIX_SOCKET;
        /* a backend that reads by itself would lose descriptors */
        t->read.task.kind = OP_WAIT_READ;
    }
    return stream_keep_address(t, &t->local, local);
}

int stream_new_connected(rondo_loop *loop, sys_fd fd, const rondo_address *peer,
                         const rondo_address *local, rondo_transport **made)
{
    rondo_transport *t = NULL;
    int error = stream_new_apart(loop, fd, &t);
    if (error)
        return error;
    assert(t);
    error = stream_remember(t, peer, local);
    /* Last: a socket that a completion port once had, no other one takes. */
    if (!error)
        error = io_attach(loop, &t->io);
    if (error)
        stream_give_back(t);
    else
        *made = t;
    return error;
}

/* ---- in words ---- */

void stream_describe_loss(const rondo_transport *t)
{
    char peer[RONDO_ADDRESS_TEXT] = "";
    rondo_address address;
    if (stream_address(t, &t->peer, &address) == 0)
        (void)rondo_address_text(&address, peer, sizeof peer);
    const char *where = *peer ? " with " : "";
    const char *what = t->write_failed ? ": write" : "";
    const char *kind = stream_kind(t)->name;
    const char *why = t->filtered ? filters_why(t) : "";
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
