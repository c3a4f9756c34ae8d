/* stream.h - a transport: its parts, and what makes one. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_STREAM_STREAM_H
#define RONDO_STREAM_STREAM_H

#include "base/address.h"
#include "core/buf.h"
#include "core/dispatch.h"
#include "core/op.h"
#include "core/part.h"

/* What it is over; stream_kinds has what each kind does its own way. */
enum stream_kind_id {
    STREAM_SOCKET,
    STREAM_UNIX_SOCKET, /* descriptors may come and go with its bytes */
    STREAM_HALF_PIPE,   /* a pipe, FIFO, terminal, device or file: one side */
    STREAM_NAMED_PIPE,  /* both sides: Windows' instance, Unix' terminal */
    STREAM_LENT_SOCKET, /* both sides of a borrowed one */
    STREAM_LENT_UNIX_SOCKET,
    STREAM_BY_THREAD, /* a half pipe that only a thread can wait for */
    STREAM_KINDS
};

/* What the protocol may be given. */
enum stream_reading { READ_ON, READ_PAUSED, READ_ENDED };

enum stream_writing {
    WRITE_ON,
    WRITE_ENDING, /* write_eof: what waits is sent, then the end */
    WRITE_ENDED   /* ... and the kernel knows */
};

/* The callbacks that are due, in the order in which they are told. */
enum stream_owed {
    OWED_RELEASE, /* lent bytes are given back */
    OWED_FILE,    /* sendfile's done */
    OWED_MADE,
    OWED_FILTER, /* a filter has to be started, or to end its side */
    OWED_PAUSE,
    OWED_RESUME,
    OWED_THEN, /* a write_then, shutdown or drain is over */
    OWED_READ, /* held bytes; or what a broken connection still has */
    OWED_STAY, /* a move to another loop has failed */
    OWED_MOVE, /* it leaves for another loop */
    OWED_LOST,
    STREAM_OWED
};

#define STREAM_BIT(owed) (1U << (owed))

/* io.sends_later: whose bytes the backend may be given. */
enum { SENDS_AT_ONCE, SENDS_LATER, SENDS_FILTERED_LATER };

/* Made when the first byte has to wait, or the limits are set. */
struct outgoing {
    struct op op;
    rondo_transport *t;
    struct buf buf;
    struct stream_file *file; /* goes when buf is out; NULL: none */
    size_t high, low;
    rondo_id retry;             /* a timer that sending waits for; 0: none */
    struct stream_waits *waits; /* stream_then.c; NULL: none */
    struct pump *pump;          /* that writes here; NULL: none */
    bool dropped;               /* bytes that will never leave */
};

/* Bytes that were read and not yet delivered. */
struct held {
    size_t size, room;
    char bytes[];
};

struct filters; /* filter.h */

/* What few streams have; made when it is needed. Times are the loop's; a
 * deadline is a start and a length, so that starting again is one store. One
 * timer serves both and finds out late. */
struct stream_extra {
    int64_t read_ns, write_ns; /* 0: no limit */
    int64_t read_start, write_start;
    rondo_id timer;
    int64_t timer_when;
    rondo_id close_timer; /* of close_within; 0: none */
    struct held *held;
    struct filters *filters;
    struct pump *pump;           /* that reads here; NULL: none */
    rondo_address *peer, *local; /* those that are long */
    struct fd_queue *fd_queue;   /* descriptors to go */
    struct arrived *arrived;     /* descriptors that came */
    struct stream_move *move;    /* under way; NULL: none */
};

/* Where a stream belongs: a server, or a process. */
struct stream_owner {
    rondo_transport *first;
    int64_t handshake_ns; /* for filters; 0: 60 s; RONDO_NEVER: no limit */
    void (*gone)(rondo_loop *loop, struct stream_owner *owner);
};

struct rondo_transport {
    struct handle handle;
    struct io io;
    struct op read;
    struct dispatch dispatch;
    rondo_loop *loop;
    const rondo_protocol *protocol;
    void *self;
    struct outgoing *out;
    struct stream_extra *extra;
    struct stream_owner *owner;
    rondo_transport *next, **link; /* among the owner's */
    unsigned kind : 3;             /* enum stream_kind_id */
    unsigned phase : 2;            /* enum phase */
    unsigned made : 2;             /* enum made */
    unsigned reading : 2;          /* enum stream_reading */
    unsigned writing : 2;          /* enum stream_writing */
    unsigned flow : 2;             /* enum flow */
    /* Derived by settle: the fast path may be taken. */
    unsigned fast_read : 1;    /* of what comes, by read.task.done */
    unsigned fast_deliver : 1; /* to data_received */
    unsigned fast_write : 1;   /* to the kernel, by the program */
    unsigned fast_filter : 1;  /* ... to the filters */
    unsigned fast_send : 1;    /* to the kernel, by the lowest filter */
    unsigned held : 1;         /* bytes were read that were not delivered */
    unsigned refused : 1;     /* ... since the protocol gave all of them back */
    unsigned queued : 1;      /* bytes wait to be sent, or a file */
    unsigned timed : 1;       /* it has timeouts */
    unsigned filtered : 1;    /* filters are under the protocol */
    unsigned handshaking : 1; /* ... and not all of them are ready */
    unsigned reading_out : 1; /* a write failed; what can be read is read */
    unsigned reset : 1;       /* the peer must not take this for an end */
    unsigned write_failed : 1; /* `error` was met writing */
    unsigned pause_inside : 1; /* pause_writing comes inside the write */
    unsigned detached : 1;     /* the descriptor is the program's again */
    unsigned leaving : 1;      /* for another loop: see stream_move.c */
    unsigned pumped : 1;       /* a pump gets what is read */
    unsigned pump_full : 1;    /* ... and takes nothing now */
    int error;
    int64_t os_error;
    struct small_address peer, local;
};

/* What a kind does its own way. */
struct stream_kind {
    const char *name; /* in sentences */
    /* As sys_recv and sys_sendv. */
    int64_t (*recv)(rondo_transport *t, void *data, size_t size);
    int64_t (*sendv)(rondo_transport *t, const rondo_buffer *buffers,
                     size_t count);
    /* As sys_recvv. NULL: it reads into one room at a time. */
    int64_t (*recvv)(rondo_transport *t, const rondo_room *rooms, size_t count);
    /* op_submit and op_cancel; a thread may be what carries it out. */
    void (*submit)(rondo_transport *t, struct op *op);
    void (*cancel)(rondo_transport *t, struct op *op);
    /* The backend has refused to wait. 0: something else waits from now on. */
    int (*refused)(rondo_transport *t, int error);
    /* The writing operation has ended: its error; op.count is what left. */
    int (*written)(rondo_transport *t);
    /* Its last: lets the descriptor go, and closes it if it is to be. */
    void (*close)(rondo_transport *t, bool close);
    rondo_fd (*fd)(const rondo_transport *t);
    bool half;       /* it reads or it writes, not both */
    bool shuts_down; /* its writing side can end alone */
    bool plain;      /* bytes go by send(2): the fast path, sendfile(2) */
};

extern const struct stream_kind stream_kinds[STREAM_KINDS];

static inline const struct stream_kind *stream_kind(const rondo_transport *t)
{
    return &stream_kinds[t->kind];
}

/* A stream over a socket that will be connected: stream_remember follows then.
 * RONDO_ENOMEM, or io_attach's errors; the socket is the caller's then. */
int stream_new(rondo_loop *loop, sys_fd fd, rondo_transport **made);
/* A stream over a connected socket; `peer` and `local` as for stream_remember.
 * The same errors. */
int stream_new_connected(rondo_loop *loop, sys_fd fd, const rondo_address *peer,
                         const rondo_address *local, rondo_transport **made);
/* It never was a connection: frees it and closes its socket. No operation of
 * it may be pending. */
void stream_discard(rondo_transport *t);
/* The same, but the socket stays open. */
void stream_give_back(rondo_transport *t);
/* Half a stream, over a pipe, FIFO, terminal, device or connected socket: it
 * reads (SIDE_READ) and cannot write, or the other way round. With both sides
 * a whole one, over a pipe that has a name, or over the master of a pseudo
 * terminal. The descriptor
 * is the stream's and closed with it, or with RONDO_PIPE_BORROW the caller's
 * and left as it was found. With an error it is the caller's, as it was. */
int stream_new_pipe(rondo_loop *loop, sys_fd fd, unsigned side, unsigned flags,
                    rondo_transport **made);
/* The same over our ends of a child's terminal, which may be one descriptor. */
int stream_new_terminal(rondo_loop *loop, sys_fd reads, sys_fd writes,
                        rondo_transport **made);
/* Can the loop use a pipe of that name? Says why not. */
int stream_pipe_name(const rondo_loop *loop, const char *name,
                     const char *what);
/* From now on it is a live handle and connection_lost is owed. */
void stream_open(rondo_transport *t, const rondo_protocol *protocol,
                 void *self);
/* From the loop, before it is sure that it will be: the program may already
 * call it, but nothing is put off. */
void stream_prepare(rondo_transport *t);
/* From the loop: connection_made, and then, after whatever else belongs into
 * the same dispatch, stream_end. */
void stream_begin(rondo_transport *t);
void stream_end(rondo_transport *t);
/* connection_made alone; where a filter has to get ready first, then later. */
void stream_make(rondo_transport *t);
/* connection_made comes from the loop, later. */
void stream_begin_later(rondo_transport *t);
void stream_own(rondo_transport *t, struct stream_owner *owner);
/* Keeps the addresses, which tell whether it is a unix socket; the kernel is
 * asked for one that is NULL. RONDO_ENOMEM: a long one could not be kept. */
int stream_remember(rondo_transport *t, const rondo_address *peer,
                    const rondo_address *local);
enum {
    STREAM_BY_WRITING = 1, /* the error was met writing */
    STREAM_BY_RESET = 2    /* the peer must not take this for an end */
};
/* Ends it with an error and drops what waits; stream_settle is to follow.
 * `how`: STREAM_BY_... */
void stream_fail(rondo_transport *t, int error, unsigned how);
/* Closes a pipe's descriptor before a cancelled operation is done;
 * stream_discard is still to follow. */
void stream_pipe_shut(rondo_transport *t);
/* What has arrived is delivered without waiting for more; then it ends. What
 * has not left is dropped. */
void stream_cut(rondo_transport *t);
/* A transport on its way to another loop; it lies in something of the caller's,
 * whose functions these are. */
struct stream_move {
    /* On the old loop's thread, when nothing is pending any more. 0: it goes,
     * and send follows; or why it stays. */
    int (*begin)(struct stream_move *m);
    /* It has left the old loop: hands it to the new one's thread, which calls
     * stream_arrive. It is not touched here any more. */
    void (*send)(struct stream_move *m, rondo_transport *t);
    /* It stays in the old loop, for that reason. Runs the program's code. */
    void (*stays)(struct stream_move *m, rondo_loop *loop, int error);
    int error;
};
/* Begins a move; exactly one of send and stays follows, from the loop. Or says,
 * under the name `what`, why it cannot. */
int stream_move_begin(rondo_transport *t, struct stream_move *m,
                      const char *what);
/* On the new loop's thread. 0, or the error that ends it from now on. The
 * caller may call the program then, and ends with stream_end. owner may be
 * NULL. */
int stream_arrive(rondo_transport *t, rondo_loop *loop,
                  struct stream_owner *owner);
/* Can this socket of the program's become a stream? Makes it fit. */
int stream_adopt(rondo_loop *loop, rondo_fd fd, const char *what,
                 rondo_transport **t);

/* ---- for the files of src/stream alone ---- */

/* The kernel may have operations of it: before connection_made only while
 * filters shake hands, since without them it may still be refused. */
static inline bool stream_is_under_way(const rondo_transport *t)
{
    return t->made == MADE_TOLD || t->handshaking;
}

static inline bool stream_is_closing(const rondo_transport *t)
{
    return t->phase >= PHASE_CLOSING;
}

static inline bool stream_is_ending(const rondo_transport *t)
{
    return t->phase >= PHASE_ENDING;
}

/* Nothing is sent any more, and reading comes to its end. */
static inline bool stream_is_over(const rondo_transport *t)
{
    return t->phase >= PHASE_ENDING || t->reading_out;
}

static inline bool stream_is_running(const rondo_transport *t)
{
    return dispatch_runs(&t->dispatch);
}

/* Until stream_settle has looked, no fast path is taken. */
static inline void stream_leave_fast(rondo_transport *t)
{
    t->fast_read = t->fast_deliver = 0;
    t->fast_write = t->fast_filter = t->fast_send = 0;
    t->io.sends_later = SENDS_AT_ONCE;
}

static inline void stream_set_phase(rondo_transport *t, enum phase phase)
{
    if (t->phase < (unsigned)phase)
        t->phase = phase;
    stream_leave_fast(t);
}

static inline void stream_set_flow(rondo_transport *t, enum flow flow)
{
    t->flow = flow;
    stream_leave_fast(t);
}

/* Lent bytes can be given back. */
static inline void stream_owe_release(rondo_transport *t)
{
    dispatch_owe(&t->dispatch, STREAM_BIT(OWED_RELEASE));
    stream_leave_fast(t);
}

/* May the protocol be given bytes? */
static inline bool stream_delivers(const rondo_transport *t)
{
    return t->made == MADE_TOLD && t->reading == READ_ON &&
           t->phase == PHASE_OPEN && !t->handshaking && !t->leaving &&
           !t->pump_full;
}

/* It lends buffers to read into, and has no data_received. */
static inline bool stream_is_buffered(const rondo_protocol *protocol)
{
    return protocol->get_buffer || protocol->get_buffers;
}

/* What was read before has to be taken first; but a handshake goes on, and a
 * protocol that gave everything back waits for more. */
static inline bool stream_is_full(const rondo_transport *t)
{
    return t->held && !t->refused && !t->handshaking;
}

/* Held bytes can be delivered. */
static inline bool stream_holds_for_now(const rondo_transport *t)
{
    return t->held && !t->refused && stream_delivers(t);
}

/* ---- life: stream.c ---- */

void stream_init(rondo_loop *loop, rondo_transport *t, sys_fd fd);
/* Decides what is outstanding; runs no code of the program's. Every public
 * call ends with it. */
void stream_settle(rondo_transport *t);
/* The done of an operation begins with dispatch_begin and ends with this: runs
 * the callbacks that are owed, may free t. */
void stream_finish(rondo_transport *t);
/* Runs release, pause_writing and resume_writing where they are owed. */
void stream_tell_flow(rondo_transport *t);
/* A call of the program's that has written ends with this: answers `result`.
 * Where the program wants pause_writing inside the call, it comes here. */
int stream_pause_inside(rondo_transport *t, int result);
/* The last byte has left: ends the writing side. */
void stream_shut_down(rondo_transport *t);
/* The connection, or the pipe's reader, is gone: what can be read is read. */
void stream_break_off(rondo_transport *t, int error);
/* How a local error ends it: the peer must not take a cut for an end, so that
 * this is STREAM_BY_RESET unless the peer has left. */
unsigned stream_cut_off(const rondo_transport *t, int error);
/* What the program is told for a send that failed so. */
int stream_loss(const rondo_transport *t, int error);
/* Sets the last error to what ended it. */
void stream_describe_loss(const rondo_transport *t);
/* Does it want bytes of the kernel? Without filters as stream_delivers. */
bool stream_reads(const rondo_transport *t);
/* Made when it is needed; NULL: out of memory. */
struct stream_extra *stream_extra(rondo_transport *t);
/* What stream_remember kept as t->peer or t->local. RONDO_ENOTCONN: nothing. */
int stream_address(const rondo_transport *t, const struct small_address *which,
                   rondo_address *a);

/* ---- debug builds: stream_check.c ---- */

/* Asserts what holds of every transport that has settled. */
#ifdef NDEBUG
static inline void stream_check(const rondo_transport *t)
{
    (void)t;
}
#else
void stream_check(const rondo_transport *t);
#endif

/* ---- reading: stream_read.c ---- */

/* PART_STREAM's state: what data_received is lent now, for unread; and what
 * get_buffer or buffer_updated will be given next, for detach. */
struct stream_state {
    rondo_transport *lent_to; /* NULL: no data_received runs */
    size_t lent_back;         /* given back; 0 while none runs */
    const char *lent;
    bool lent_anew; /* the protocol was replaced; false while none runs */
    size_t lent_size;
    const rondo_transport *rest_of; /* NULL: none of these runs */
    const char *rest;
    size_t rest_size;
};

static inline struct stream_state *stream_state(const rondo_loop *loop)
{
    return loop->part[PART_STREAM];
}

void stream_read_init(rondo_transport *t);
/* The fast path that fast_read is about: filtered, or the protocol's. */
void stream_read_choose(rondo_transport *t);
/* For filters: bytes, or the end, for the protocol: now, or as soon as it can
 * be. 0. */
int stream_deliver(rondo_transport *t, const char *data, size_t size);
void stream_deliver_eof(rondo_transport *t);
/* OWED_READ: delivers held bytes, reads what a broken connection still has. */
void stream_read_owed(rondo_transport *t);
/* Holds what a callback that runs has not been given, or has given back; false:
 * out of memory, and nothing has changed. */
bool stream_hold_rest(rondo_transport *t);

/* ---- held bytes: stream_extra.c ---- */

/* Keeps bytes that were read, behind those that it has; false: out of memory.
 */
bool stream_hold(rondo_transport *t, const void *data, size_t size);
/* The same of what the backend has read ahead. */
bool stream_hold_ahead(rondo_transport *t);
/* The same, before those that it has. */
bool stream_hold_before(rondo_transport *t, const void *data, size_t size);
/* The held bytes, to be freed with loop_free; NULL: only an end was held. */
struct held *stream_take_held(rondo_transport *t);

/* ---- writing: stream_write.c ---- */

/* Made when it is needed; NULL: out of memory. */
struct outgoing *stream_out(rondo_transport *t);
void stream_drop_out(rondo_transport *t);
/* For filters: sends, whatever the program may still write. As
 * rondo_transport_write. */
int stream_send(rondo_transport *t, const void *data, size_t size);
/* Something was put into a queue: 0, or 1 past the high limit. */
int stream_queued(rondo_transport *t);
/* Bytes cannot be kept: RONDO_ENOMEM. Where some of the same call were taken,
 * the stream has a hole, and ends. */
int stream_lose_rest(rondo_transport *t, bool some_left);
/* The same for bytes that are in its queue now. */
int stream_write_queued(rondo_transport *t);
/* Why it may not write, with a sentence. */
int stream_write_refuse(const rondo_transport *t, const char *what);
/* The pieces' size in all; or RONDO_EINVAL. */
int stream_write_check(const rondo_buffer *buffers, size_t count, size_t *size,
                       const char *what);
/* Where nothing waits before them: how many bytes the kernel takes now; or the
 * error, which has ended the stream. */
int64_t stream_write_offer(rondo_transport *t, const rondo_buffer *buffers,
                           size_t count, const char *what);
/* Of what the backend kept to be sent these bytes have not left. */
void stream_unsent_later(rondo_loop *loop, struct io *io,
                         const struct sys_outgoing *rest, int error);
/* Whether write_eof may be called; else why not. */
int stream_may_end(const rondo_transport *t, const char *what);
/* Bytes that wait, above the filters too. */
size_t stream_unsent(const rondo_transport *t);
/* Whether bytes may be written; else why not. What the backend keeps is sent
 * before. */
int stream_may_write(const rondo_transport *t, const char *what);
/* The same, before a rondo_transport_write: what is kept may stay there. */
int stream_may_write_more(const rondo_transport *t, const char *what);
/* Some bytes have left, or all that waited has been dropped. */
void stream_note_progress(rondo_transport *t);

/* ---- done by what has left: stream_then.c ---- */

/* OWED_THEN: a done is due; any waits. */
bool stream_then_is_due(const rondo_transport *t);
bool stream_then_waits(const rondo_transport *t);
/* Calls each done that is due. */
void stream_then_tell(rondo_transport *t);
/* What has not left until now never will. */
void stream_then_drop(rondo_transport *t);
/* The writing side could not be ended. */
void stream_then_end(rondo_transport *t, int error);
/* Filters have taken bytes that waited for them. */
void stream_then_came_down(rondo_transport *t);
/* The last: whoever still waits is told. */
void stream_then_free(rondo_transport *t);

/* Drains leave one loop, and are entered in another; their ids end. */
void stream_then_leave(rondo_transport *t);
void stream_then_arrive(rondo_transport *t);

/* ---- to another loop: stream_move.c ---- */

/* While t->leaving: OWED_STAY or OWED_MOVE, or 0. `owed`: what else is. */
unsigned stream_move_owes(const rondo_transport *t, unsigned owed);
void stream_move_cancel_ops(rondo_transport *t);
void stream_move_tell_stay(rondo_transport *t);
void stream_move_tell_move(rondo_transport *t);
/* Takes it out of its owner's list. */
void stream_leave_owner(rondo_transport *t);
void stream_write_stop_retry(rondo_transport *t);

/* ---- a file, out->file: stream_file.c ---- */

/* It waits until the stream can be written to. */
bool stream_file_waits(const rondo_transport *t);
void stream_file_prepare(rondo_transport *t, struct op *op);
/* The backend has sent a part of it, or has failed to. */
void stream_file_sent(rondo_transport *t, int error, size_t count);
/* What was before it has left: it may go on. */
void stream_file_go_on(rondo_transport *t);
/* What waits is dropped. */
void stream_file_drop(rondo_transport *t);
/* OWED_FILE: calls its done. */
void stream_file_tell(rondo_transport *t);
/* Its own bytes are the ones that are written now. */
bool stream_file_writes(const rondo_transport *t);
/* Only its thread is waited for: nothing is there to be sent. */
bool stream_file_is_slow(const rondo_transport *t);

void stream_end_again(rondo_transport *t);
/* has_heard: the new protocol knows already whether writing is paused. */
void stream_set_protocol(rondo_transport *t, const rondo_protocol *protocol,
                         void *self, bool has_heard);

/* ---- what an observed loop sees: stream_observe.c ---- */

COLD void stream_tell_member_observed(rondo_transport *t, const char *what,
                                      void (*fn)(rondo_transport *t,
                                                 void *self));
COLD void stream_tell_end_observed(rondo_transport *t);
/* A member of its protocol. fn may be NULL. */
static inline void stream_tell_member(rondo_transport *t, const char *what,
                                      void (*fn)(rondo_transport *t,
                                                 void *self))
{
    if (!fn)
        return;
    if (t->loop->observed)
        stream_tell_member_observed(t, what, fn);
    else
        fn(t, t->self);
}
/* connection_lost, which it has. */
static inline void stream_tell_end(rondo_transport *t)
{
    if (t->loop->observed)
        stream_tell_end_observed(t);
    else
        t->protocol->connection_lost(t, t->self, t->error);
}
/* In debug mode: who uses it from now on is told what it was. NULL: it is to be
 * freed. */
COLD struct ended *stream_end_in_quarantine(const rondo_transport *t);
/* All of it is freed but its own memory, which stays. */
void stream_keep(rondo_transport *t, struct ended *ended);
/* Of data_received; else the fast path calls it. */
COLD void stream_tell_data(rondo_transport *t, const char *data, size_t size);
/* get_buffers' answer, or get_buffer's: 1. */
size_t stream_ask_rooms(rondo_transport *t, size_t hint, rondo_room *rooms);
COLD bool stream_tell_eof_observed(rondo_transport *t);
static inline bool stream_tell_eof(rondo_transport *t)
{
    if (!t->protocol->eof_received)
        return false;
    return t->loop->observed ? stream_tell_eof_observed(t)
                             : t->protocol->eof_received(t, t->self);
}
bool stream_tell_time(rondo_transport *t, rondo_direction direction);
/* The part's hook: the loop is observed from now on, or no more. */
void stream_observed(rondo_loop *loop);

/* ---- pumps: pump.c ---- */

/* A pump reads from it, or its done has not been told. */
static inline bool stream_is_pumped(const rondo_transport *t)
{
    return t->pumped || t->pump_full;
}

static inline bool stream_has_pump(const rondo_transport *t)
{
    return stream_is_pumped(t) || (t->out && t->out->pump);
}
/* t->pumped is set. The pump may end in each of these. Does the kernel move the
 * bytes now? */
bool pump_reads(const rondo_transport *from);
/* Moves what has come; as sys_recv. */
int64_t pump_read(rondo_transport *from);
/* Takes bytes that were read; how many. */
size_t pump_take(rondo_transport *from, const char *data, size_t size);
void pump_eof(rondo_transport *from);
void pump_lost(rondo_transport *from);

/* t->out->pump is set. Its own bytes are the ones that are written now. */
bool pump_writes(const rondo_transport *to);
/* The kernel has bytes for it. */
bool pump_waits(const rondo_transport *to);
void pump_go_on(rondo_transport *to);
/* There may be room again. */
void pump_note_room(rondo_transport *to);
/* What waits is dropped. */
void pump_drop(rondo_transport *to);
void pump_after_fork(rondo_loop *loop);

/* ---- unix sockets, one's own and lent ones: stream_fds.c ---- */

int64_t stream_fds_recv(rondo_transport *t, void *data, size_t size);
int64_t stream_fds_sendv(rondo_transport *t, const rondo_buffer *pieces,
                         size_t count);
static inline bool stream_is_unix(const rondo_transport *t)
{
    return t->kind == STREAM_UNIX_SOCKET || t->kind == STREAM_LENT_UNIX_SOCKET;
}
/* Descriptors wait for the byte that they go with. */
bool stream_fds_are_queued(const rondo_transport *t);
static inline bool stream_fds_wait(const rondo_transport *t)
{
    return stream_is_unix(t) && stream_fds_are_queued(t);
}
/* ... which has not been written yet. */
bool stream_fds_lack_byte(const rondo_transport *t);
/* These bytes have left by other ways than the kind's sendv. */
void stream_fds_passed(rondo_transport *t, size_t count);
void stream_fds_drop_queued(rondo_transport *t);
/* What has arrived is the program's to take until this, after the bytes. A
 * filter may keep the bytes for more to come: then it is after the first read
 * that has brought the protocol some. */
static inline bool stream_fds_arrived(const rondo_transport *t)
{
    return t->extra && t->extra->arrived;
}
void stream_fds_drop_arrived(rondo_transport *t);
void stream_fds_drop_delivered(rondo_transport *t);
void stream_fds_note_delivered(rondo_transport *t);
void stream_fds_free(rondo_transport *t);

/* ---- pipes: stream_pipe.c; members of stream_kinds first ---- */

int64_t stream_pipe_recv(rondo_transport *t, void *data, size_t size);
int64_t stream_pipe_sendv(rondo_transport *t, const rondo_buffer *buffers,
                          size_t count);
int stream_pipe_refused(rondo_transport *t, int error);
int stream_pipe_written(rondo_transport *t);
void stream_pipe_close(rondo_transport *t, bool close);
rondo_fd stream_pipe_fd(const rondo_transport *t);
int64_t stream_thread_recv(rondo_transport *t, void *data, size_t size);
int64_t stream_thread_sendv(rondo_transport *t, const rondo_buffer *buffers,
                            size_t count);
void stream_thread_submit(rondo_transport *t, struct op *op);
void stream_thread_cancel(rondo_transport *t, struct op *op);
int stream_thread_written(rondo_transport *t);

/* What a writing operation is for: t->io, unless another pipe is written. */
struct io *stream_writing_io(rondo_transport *t);
/* The kernel may be offered bytes outside an operation. */
bool stream_pipe_tries(const rondo_transport *t);
/* A half pipe that reads, and so cannot write. */
bool stream_only_reads(const rondo_transport *t);
/* Its writing side can end alone. */
static inline bool stream_can_end(const rondo_transport *t)
{
    return !stream_only_reads(t) && t->kind != STREAM_NAMED_PIPE;
}
/* RONDO_NO_FD: it has none any more. */
static inline rondo_fd stream_fd(const rondo_transport *t)
{
    return t->io.fd == SYS_NO_FD ? RONDO_NO_FD : stream_kind(t)->fd(t);
}
/* A half pipe that writes, whose reading side waits for its reader to leave. */
bool stream_awaits_hang_up(const rondo_transport *t);
/* ---- timeouts: stream_timeout.c ---- */

static inline void stream_note_read(rondo_transport *t)
{
    t->extra->read_start = t->loop->now;
}

static inline void stream_note_write(rondo_transport *t)
{
    t->extra->write_start = t->loop->now;
}
/* connection_made: both times begin. */
void stream_start_time(rondo_transport *t);
/* Something starts or stops being timed. */
void stream_watch_time(rondo_transport *t);
void stream_stop_time(rondo_transport *t);
/* close_within's time. */
void stream_stop_closing_time(rondo_transport *t);

#endif
