/* stream_read.c - a transport's reading side. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/observe.h"
#include "stream/filter.h"
#include "stream/stream.h"

#include <string.h>

enum {
    /* How much one dispatch reads while the buffer comes back full. */
    READ_MOST = 2 * LOOP_SCRATCH,
    /* How often what a broken connection still has is read in one. */
    READ_OUT_ROUNDS = 16,
    /* A smaller buffer of the program's is not read into: that would be a
     * system call for a few bytes. */
    READ_INTO_LEAST = 4096
};

static rondo_transport *stream_read_of_task(struct task *task)
{
    return (rondo_transport *)(void *)((char *)task -
                                       offsetof(rondo_transport, read.task));
}

/* ---- delivering ---- */

/* What a buffered protocol has lent: where to read to, in order. */
struct lent {
    size_t count, size; /* size: of all rooms */
    rondo_room rooms[RONDO_ROOMS];
};

/* Leaves out what has no room. */
static void stream_read_add_room(struct lent *lent, rondo_room room)
{
    if (!room.data || !room.size || room.size > SIZE_MAX - lent->size)
        return;
    lent->rooms[lent->count++] = room;
    lent->size += room.size;
}

/* `protocol` has lent `room` bytes. false: nothing can be put there now. A
 * protocol that has no room waits until it resumes reading. */
static bool stream_read_may_fill(rondo_transport *t,
                                 const rondo_protocol *protocol, size_t room)
{
    /* a protocol set meanwhile has another buffer */
    if (stream_is_closing(t) || t->protocol != protocol)
        return false;
    if (room)
        return true;
    if (t->reading == READ_ON)
        t->reading = READ_PAUSED;
    stream_leave_fast(t);
    return false;
}

/* Asks for buffers. false: nothing can be put into one now. */
static bool stream_read_ask(rondo_transport *t, size_t hint, struct lent *lent)
{
    const rondo_protocol *protocol = t->protocol;
    rondo_room rooms[RONDO_ROOMS] = {{NULL, 0}};
    lent->count = lent->size = 0;
    size_t count = stream_ask_rooms(t, hint, rooms);
    for (size_t i = 0; i < count && i < RONDO_ROOMS; i++)
        stream_read_add_room(lent, rooms[i]);
    return stream_read_may_fill(t, protocol, lent->size);
}

static void stream_read_updated(rondo_transport *t, size_t size)
{
    if (t->protocol->buffer_updated)
        OBSERVE_MEMBER(t->loop, t, t->protocol, buffer_updated, t, t->self,
                       size);
}

/* Notes what the protocol will be given next, for detach. Returns the state. */
static struct stream_state stream_read_keep_rest(rondo_transport *t,
                                                 const char *data, size_t size)
{
    struct stream_state *state = stream_state(t->loop), outer = *state;
    *state =
        (struct stream_state){.rest_of = t, .rest = data, .rest_size = size};
    return outer;
}

/* How many bytes went into the rooms. */
static size_t stream_read_put(rondo_transport *t, const struct lent *lent,
                              const char *data, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < lent->count && count < size; i++) {
        rondo_room room = lent->rooms[i];
        size_t part = size - count < room.size ? size - count : room.size;
        memcpy(room.data, data + count, part);
        count += part;
    }
    struct stream_state outer =
        stream_read_keep_rest(t, data + count, size - count);
    stream_read_updated(t, count);
    *stream_state(t->loop) = outer;
    return count;
}

/* How many bytes went in; 0: it ended, or has no buffer now. */
static size_t stream_read_deliver_buffered(rondo_transport *t, const char *data,
                                           size_t size)
{
    struct lent lent;
    struct stream_state outer = stream_read_keep_rest(t, data, size);
    bool fill = stream_read_ask(t, size, &lent);
    *stream_state(t->loop) = outer;
    return fill ? stream_read_put(t, &lent, data, size) : 0;
}

/* One data_received. true: it has given bytes back with unread. */
static INLINED bool stream_read_lend(rondo_loop *loop, rondo_transport *t,
                                     const char *data, size_t size,
                                     bool observed)
{
    struct stream_state *state = stream_state(loop);
    assert(!state->lent_to && !state->lent_back);
    state->lent_to = t;
    state->lent = data;
    state->lent_size = size;
    if (observed)
        stream_tell_data(t, data, size);
    else
        t->protocol->data_received(t, t->self, data, size);
    state = stream_state(loop); /* again: no register is kept for it */
    state->lent_to = NULL;
    return state->lent_back;
}

/* How many bytes were taken. refused: none, and it would be given them again. */
static size_t stream_read_took(struct stream_state *state, bool *refused)
{
    size_t took = state->lent_size - state->lent_back;
    *refused = !took && !state->lent_anew;
    state->lent_back = 0;
    state->lent_anew = false;
    return took;
}

static size_t stream_read_deliver_plain(rondo_transport *t, const char *data,
                                        size_t size)
{
    bool refused;
    (void)stream_read_lend(t->loop, t, data, size, t->loop->observed);
    return stream_read_took(stream_state(t->loop), &refused);
}

static void stream_read_hold(rondo_transport *t, const char *data, size_t size)
{
    if (stream_hold(t, data, size))
        return;
    error_no_os();
    stream_fail(t, RONDO_ENOMEM, STREAM_BY_RESET);
}

/* A detach in a callback that is owed takes what is left, too. */
static void stream_read_tell_flow(rondo_transport *t, const char *rest,
                                  size_t size)
{
    struct stream_state outer = stream_read_keep_rest(t, rest, size);
    stream_tell_flow(t);
    *stream_state(t->loop) = outer;
}

/* Holds what cannot be delivered now: paused, or everything was given back. */
static void stream_read_deliver(rondo_transport *t, const char *data,
                                size_t size, bool refused)
{
    for (;;) {
        if (t->flow != FLOW_ON || dispatch_owed(&t->dispatch))
            stream_read_tell_flow(t, data, size);
        if (!size || refused || !stream_delivers(t))
            break;
        const rondo_protocol *protocol = t->protocol;
        size_t took = size;
        if (t->pumped)
            took = pump_take(t, data, size);
        else if (stream_is_buffered(protocol))
            took = stream_read_deliver_buffered(t, data, size);
        else if (protocol->data_received)
            took = stream_read_deliver_plain(t, data, size);
        data += took;
        size -= took;
        refused = !took && t->protocol == protocol;
    }
    if (size && !stream_is_closing(t)) {
        stream_read_hold(t, data, size);
        t->refused = refused && t->reading == READ_ON && t->held;
    }
}

static void stream_read_deliver_held(rondo_transport *t)
{
    struct held *held = stream_take_held(t);
    if (held)
        stream_read_deliver(t, held->bytes, held->size, false);
    loop_free(t->loop, held);
}

/* Appends the bytes to those that the protocol gave back, and delivers all. */
static void stream_read_deliver_behind(rondo_transport *t, const char *data,
                                       size_t size, bool refused)
{
    bool again = t->refused;
    if (!t->held) {
        stream_read_deliver(t, data, size, refused);
        return;
    }
    if (!stream_is_closing(t))
        stream_read_hold(t, data, size);
    if (again && stream_delivers(t))
        stream_read_deliver_held(t);
}

/* Who gave bytes back sees them again before the end; true: the end waits. */
static bool stream_read_held_before_eof(rondo_transport *t)
{
    if (t->refused && stream_delivers(t))
        stream_read_deliver_held(t);
    return t->held && !t->refused;
}

static void stream_read_deliver_eof(rondo_transport *t)
{
    t->reading = READ_ENDED;
    stream_leave_fast(t);
    if (t->pumped) { /* the other direction may go on */
        pump_eof(t);
        return;
    }
    if (!stream_tell_eof(t))
        stream_set_phase(t, PHASE_CLOSING);
}

/* ---- for filters ---- */

/* A callback has to come first, held bytes come before these, or these come
 * inside a data_received, whose lent bytes must stay. */
static COLD int stream_read_deliver_slow(rondo_transport *t, const char *data,
                                         size_t size, bool refused)
{
    struct stream_state *state = stream_state(t->loop), outer = *state;
    bool runs = stream_is_running(t);
    state->lent_to = NULL;
    state->lent_back = 0;
    if (!runs)
        dispatch_begin(&t->dispatch);
    stream_read_deliver_behind(t, data, size, refused);
    *state = outer;
    stream_fds_note_delivered(t);
    if (!runs) {
        dispatch_leave(&t->dispatch);
        stream_settle(t);
    }
    return 0;
}

int stream_deliver(rondo_transport *t, const char *data, size_t size)
{
    struct stream_state *state = stream_state(t->loop);
    bool refused;
    if (!t->fast_deliver || !stream_is_running(t) || state->lent_to)
        return stream_read_deliver_slow(t, data, size, false);
    if (!stream_read_lend(t->loop, t, data, size, false) && t->fast_deliver)
        return 0;
    size_t took = stream_read_took(state, &refused);
    return took == size
               ? 0
               : stream_read_deliver_slow(t, data + took, size - took, refused);
}

void stream_deliver_eof(rondo_transport *t)
{
    if (stream_read_held_before_eof(t) || !stream_delivers(t))
        filters_hold_eof(t);
    else
        stream_read_deliver_eof(t);
}

/* ---- reading ---- */

static void stream_read_end(rondo_transport *t)
{
    if (t->filtered)
        filters_eof_received(t);
    else if (!stream_read_held_before_eof(t) && stream_delivers(t))
        stream_read_deliver_eof(t);
}

/* The kernel tells a reset once: after a write has heard of it, a read returns
 * 0. After an orderly end the write fails with EPIPE. */
static bool stream_read_ended_in_order(const rondo_transport *t)
{
    return !t->reading_out || sys_error_code(t->os_error) == RONDO_EPIPE;
}

/* A named pipe or a terminal ends both ways at once. Not each backend reports
 * that to a write that waits: select(2) calls no terminal writable. */
static void stream_read_end_writing(rondo_transport *t)
{
    if (t->kind == STREAM_NAMED_PIPE && t->reading == READ_ENDED && t->queued &&
        !stream_is_over(t)) {
        error_no_os();
        stream_break_off(t, RONDO_EPIPE);
    }
}

/* A read has brought no bytes: the end, an error, or nothing yet. */
static void stream_read_nothing(rondo_transport *t, int result)
{
    if (result == 0) {
        if (stream_read_ended_in_order(t))
            stream_read_end(t);
        stream_read_end_writing(t);
    } else if (result != RONDO_EAGAIN) {
        /* a reset between two writes of ours may answer the reading side */
        result = result == RONDO_EPIPE ? RONDO_ECONNRESET : result;
        stream_fail(t, result, stream_cut_off(t, result));
    }
}

/* After the protocol was given what came: `count` bytes. */
static size_t stream_read_gave(rondo_transport *t, int64_t count)
{
    if (!t->held && t->filtered)
        stream_fds_drop_delivered(t);
    else if (!t->held && !t->detached)
        stream_fds_drop_arrived(t);
    return (size_t)count;
}

/* One try, by the loop's own buffer; what was read, 0: no more for now. */
static size_t stream_read_once(rondo_transport *t)
{
    char *scratch = t->loop->scratch;
    int64_t count = stream_kind(t)->recv(t, scratch, LOOP_SCRATCH);
    observe_received(t->loop, count);
    if (t->filtered && filters_of(t)->lingers) {
        filters_linger_read(t, count);
        return count > 0 ? (size_t)count : 0;
    }
    if (count <= 0) {
        stream_read_nothing(t, (int)count);
        return 0;
    }
    if (t->timed)
        stream_note_read(t);
    if (t->filtered)
        (void)layer_received(filters_bottom(t), scratch, (size_t)count);
    else
        stream_read_deliver_behind(t, scratch, (size_t)count, false);
    return stream_read_gave(t, count);
}

/* Into the program's own buffer: nothing is delivered before, nor between.
 * During a handshake there may be no protocol yet. */
static bool stream_read_goes_into(const rondo_transport *t)
{
    return !t->filtered && !t->held && !t->pumped &&
           stream_is_buffered(t->protocol);
}

/* Through the loop's own buffer: a thread has no other, and a small room is not
 * worth a system call. */
static bool stream_read_copies(const rondo_transport *t,
                               const struct lent *lent)
{
    return lent->size < READ_INTO_LEAST || t->kind == STREAM_BY_THREAD ||
           (lent->count > 1 &&
            (!stream_kind(t)->recvv || io_reads_ahead(t->loop)));
}

/* The same, into the program's rooms. *room: how much it could have read. */
static size_t stream_read_fill(rondo_transport *t, const struct lent *lent,
                               size_t *room)
{
    const struct stream_kind *kind = stream_kind(t);
    char *scratch = t->loop->scratch;
    bool copy = stream_read_copies(t, lent);
    *room = copy ? LOOP_SCRATCH : lent->size;
    int64_t count = copy ? kind->recv(t, scratch, LOOP_SCRATCH)
                    : lent->count > 1
                        ? kind->recvv(t, lent->rooms, lent->count)
                        : kind->recv(t, lent->rooms[0].data, lent->size);
    observe_received(t->loop, count);
    if (count <= 0) {
        stream_read_nothing(t, (int)count);
        return 0;
    }
    if (t->timed)
        stream_note_read(t);
    if (copy) {
        size_t took = stream_read_put(t, lent, scratch, (size_t)count);
        stream_read_deliver(t, scratch + took, (size_t)count - took, false);
    } else {
        stream_read_updated(t, (size_t)count);
    }
    return stream_read_gave(t, count);
}

/* Asks for buffers and reads into them. */
static size_t stream_read_into_lent(rondo_transport *t, size_t *room)
{
    struct lent lent;
    if (t->flow != FLOW_ON || dispatch_owed(&t->dispatch))
        stream_tell_flow(t);
    if (!stream_read_goes_into(t) || !stream_delivers(t))
        return 0;
    bool fill = stream_read_ask(t, LOOP_SCRATCH, &lent);
    return fill && !t->filtered ? stream_read_fill(t, &lent, room) : 0;
}

/* A pump's bytes do not come into the process; false: they do. */
static bool stream_read_pumped(rondo_transport *t)
{
    if (!t->pumped || !stream_reads(t) || stream_is_full(t) || !pump_reads(t))
        return false;
    int64_t count = pump_read(t);
    observe_received(t->loop, count);
    if (count <= 0)
        stream_read_nothing(t, (int)count);
    return true;
}

static void stream_read_more(rondo_transport *t)
{
    size_t left = READ_MOST, count, room;
    if (stream_read_pumped(t))
        return;
    while (left && stream_reads(t) && !stream_is_full(t)) {
        room = LOOP_SCRATCH;
        count = stream_read_goes_into(t) ? stream_read_into_lent(t, &room)
                                         : stream_read_once(t);
        if (!count || count < room)
            break;
        left -= count < left ? count : left;
    }
}

static COLD void stream_read_slow(rondo_transport *t)
{
    int error = t->read.task.error;
    dispatch_begin(&t->dispatch);
    if (error)
        error = stream_kind(t)->refused(t, error);
    if (!error)
        stream_read_more(t);
    else if (t->filtered && filters_of(t)->lingers)
        filters_linger_read(t, error);
    else if (error != RONDO_ECANCELED) {
        error_keep_os(t->read.os_error);
        stream_fail(t, error, stream_cut_off(t, error));
    }
    stream_finish(t);
}

/* ---- the fast paths: a read is done, and read.task.done says how ---- */

/* Each begins and ends with a look at fast_read: at its end it is set where
 * nothing has happened but that the bytes were taken. They read from a
 * receive_fn, to *data, or to where the bytes lie: *data then. */
typedef int64_t receive_fn(rondo_transport *t, char **data, size_t size);

static inline int64_t stream_receive_kernel(rondo_transport *t, char **data,
                                            size_t size)
{
    return sys_recv(t->io.fd, *data, size);
}

static inline int64_t stream_receive_ahead(rondo_transport *t, char **data,
                                           size_t size)
{
    return io_receive(t->loop, &t->io, *data, size);
}

static inline int64_t stream_lend_ahead(rondo_transport *t, char **data,
                                        size_t size)
{
    (void)size; /* LOOP_SCRATCH */
    return io_lend(t->loop, &t->io, data);
}

static inline int64_t stream_receive_timed(rondo_transport *t, char **data,
                                           size_t size)
{
    int64_t count = io_receive(t->loop, &t->io, *data, size);
    if (count > 0)
        stream_note_read(t);
    return count;
}

static inline int64_t stream_receive_unix(rondo_transport *t, char **data,
                                          size_t size)
{
    int64_t count = stream_fds_recv(t, *data, size);
    if (t->timed && count > 0)
        stream_note_read(t);
    return count;
}

static COLD void stream_read_leave(rondo_transport *t, int64_t count)
{
    if (count <= 0)
        stream_read_nothing(t, (int)count);
    else if (stream_read_gave(t, count) == LOOP_SCRATCH && stream_reads(t) &&
             !stream_is_full(t))
        (void)stream_read_once(t);
    stream_finish(t);
}

static COLD void stream_read_leave_plain(rondo_transport *t)
{
    struct stream_state *state = stream_state(t->loop);
    size_t count = state->lent_size;
    bool refused;
    size_t took = stream_read_took(state, &refused);
    if (took < count)
        stream_read_deliver(t, state->lent + took, count - took, refused);
    (void)stream_read_gave(t, (int64_t)count);
    if (count == LOOP_SCRATCH && t->fast_read)
        (void)stream_read_once(t);
    stream_finish(t);
}

/* To data_received. */
static INLINED void stream_read_plain(rondo_loop *loop, struct task *task,
                                      receive_fn *receive)
{
    rondo_transport *t = stream_read_of_task(task);
    if (!t->fast_read || task->error) {
        stream_read_slow(t);
        return;
    }
    char *data = loop->scratch;
    int64_t count = receive(t, &data, LOOP_SCRATCH);
    dispatch_begin(&t->dispatch);
    if (count <= 0) {
        stream_read_leave(t, count);
        return;
    }
    if (stream_read_lend(loop, t, data, (size_t)count, false) ||
        stream_state(loop)->lent_size == LOOP_SCRATCH || !t->fast_read) {
        stream_read_leave_plain(t);
        return;
    }
    dispatch_end_quietly(&t->dispatch);
    op_read_again(loop, &t->read, &t->io);
}

/* get_buffer has changed something, or lent a buffer that is not read into. */
static COLD void stream_read_leave_lent(rondo_transport *t,
                                        const rondo_protocol *protocol,
                                        void *to, size_t room)
{
    struct lent lent = {.count = 0, .size = 0};
    stream_read_add_room(&lent, (rondo_room){to, room});
    if (stream_read_may_fill(t, protocol, lent.size) && !t->filtered) {
        size_t count = stream_read_fill(t, &lent, &room);
        if (count && count >= room)
            stream_read_more(t);
    }
    stream_finish(t);
}

static COLD void stream_read_leave_into(rondo_transport *t, int64_t count,
                                        size_t room)
{
    if (count <= 0)
        stream_read_nothing(t, (int)count);
    else if (stream_read_gave(t, count) == room)
        stream_read_more(t);
    stream_finish(t);
}

/* Into get_buffer's buffer. */
static INLINED void stream_read_into(rondo_loop *loop, struct task *task,
                                     receive_fn *receive)
{
    rondo_transport *t = stream_read_of_task(task);
    const rondo_protocol *protocol = t->protocol;
    if (!t->fast_read || task->error) {
        stream_read_slow(t);
        return;
    }
    size_t room = 0;
    dispatch_begin(&t->dispatch);
    char *to = protocol->get_buffer(t, t->self, LOOP_SCRATCH, &room);
    if (!to || room < READ_INTO_LEAST || !t->fast_read) {
        stream_read_leave_lent(t, protocol, to, room);
        return;
    }
    int64_t count = receive(t, &to, room);
    if (count > 0 && protocol->buffer_updated)
        protocol->buffer_updated(t, t->self, (size_t)count);
    if (count <= 0 || (size_t)count == room || !t->fast_read) {
        stream_read_leave_into(t, count, room);
        return;
    }
    dispatch_end_quietly(&t->dispatch);
    op_read_again(loop, &t->read, &t->io);
}

/* To the filters. */
static INLINED void stream_read_filtered(rondo_loop *loop, struct task *task,
                                         receive_fn *receive)
{
    rondo_transport *t = stream_read_of_task(task);
    if (!t->fast_read || task->error) {
        stream_read_slow(t);
        return;
    }
    char *data = loop->scratch;
    int64_t count = receive(t, &data, LOOP_SCRATCH);
    dispatch_begin(&t->dispatch);
    if (count > 0)
        (void)layer_received(filters_bottom(t), data, (size_t)count);
    if (count <= 0 || count == LOOP_SCRATCH || !t->fast_read) {
        stream_read_leave(t, count);
        return;
    }
    dispatch_end_quietly(&t->dispatch);
    op_read_again(loop, &t->read, &t->io);
}

#define STREAM_READ(way, from, receive)                                        \
    static void stream_read_##way##_##from(rondo_loop *loop,                   \
                                           struct task *task)                  \
    {                                                                          \
        stream_read_##way(loop, task, receive);                                \
    }
#define STREAM_READS(way, receive_ahead)                                       \
    STREAM_READ(way, kernel, stream_receive_kernel)                            \
    STREAM_READ(way, ahead, receive_ahead)                                     \
    STREAM_READ(way, timed, stream_receive_timed)                              \
    STREAM_READ(way, unix_socket, stream_receive_unix)                         \
    static void (*const stream_reads_##way[])(rondo_loop *, struct task *) = { \
        stream_read_##way##_kernel, stream_read_##way##_ahead,                 \
        stream_read_##way##_timed, stream_read_##way##_unix_socket};
STREAM_READS(plain, stream_lend_ahead)
STREAM_READS(into, stream_receive_ahead)
STREAM_READS(filtered, stream_lend_ahead)

void stream_read_choose(rondo_transport *t)
{
    enum { KERNEL, AHEAD, TIMED, UNIX_SOCKET };
    int from = t->kind == STREAM_UNIX_SOCKET ? UNIX_SOCKET
               : t->timed                    ? TIMED
               : io_reads_ahead(t->loop)     ? AHEAD
                                             : KERNEL;
    t->read.task.done = t->filtered               ? stream_reads_filtered[from]
                        : t->protocol->get_buffer ? stream_reads_into[from]
                                                  : stream_reads_plain[from];
}

/* ---- what is owed ---- */

/* A write has failed, or the stream is cut: delivers what the peer sent before.
 * A cut reads a bounded number of times, since a peer may never stop. */
static void stream_read_out(rondo_transport *t)
{
    int rounds = READ_OUT_ROUNDS;
    while (t->reading_out && stream_reads(t) && !stream_is_full(t)) {
        if (!rounds-- && t->write_failed)
            return;
        if (rounds < 0 || !stream_read_once(t))
            break;
    }
    if (stream_read_held_before_eof(t) && stream_holds_for_now(t))
        return;
    stream_fail(t, t->error, 0);
}

void stream_read_owed(rondo_transport *t)
{
    if (stream_holds_for_now(t)) {
        stream_read_deliver_held(t);
        if (!t->held && !t->detached)
            stream_fds_drop_arrived(t);
        if (t->filtered)
            filters_deliver_eof(t);
    }
    if (t->reading_out)
        stream_read_out(t);
}

void stream_read_init(rondo_transport *t)
{
    op_init(&t->read, &t->io, OP_READ, stream_read_plain_kernel);
}

const struct loop_part stream_part = {.size = sizeof(struct stream_state),
                                      .after_fork = pump_after_fork,
                                      .observed = stream_observed,
                                      .unsent = stream_unsent_later};
