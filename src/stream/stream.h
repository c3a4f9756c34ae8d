/* stream.h - a transport: its parts, and what makes one. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_STREAM_STREAM_H
#define RONDO_STREAM_STREAM_H

#include "base/address.h"
#include "core/buf.h"
#include "core/op.h"
#include "core/part.h"

enum stream_flag {
    STREAM_MADE = 1 << 0,        /* connection_made has been called */
    STREAM_OWES_MADE = 1 << 1,   /* ... is due */
    STREAM_PAUSED = 1 << 2,      /* pause_reading */
    STREAM_EOF = 1 << 3,         /* the peer has ended its side */
    STREAM_WRITE_EOF = 1 << 4,   /* write_eof */
    STREAM_EOF_SENT = 1 << 5,    /* ... and the kernel knows */
    STREAM_CLOSING = 1 << 6,     /* close: send what waits, then end */
    STREAM_ENDING = 1 << 7,      /* nothing more is read or sent */
    STREAM_RESET = 1 << 8,       /* the peer must not take this for an end */
    STREAM_READING_OUT = 1 << 9, /* a write failed; what can be read is read */
    STREAM_QUEUED = 1 << 10,     /* bytes wait, or a file */
    STREAM_OWES_PAUSE = 1 << 11,
    STREAM_TOLD_PAUSE = 1 << 12,   /* pause_writing called, resume is owed */
    STREAM_OWES_LOST = 1 << 13,    /* the descriptor is gone */
    STREAM_RUNNING = 1 << 14,      /* the loop is in this stream's dispatch */
    STREAM_RELEASE_DUE = 1 << 15,  /* lent bytes can be given back */
    STREAM_HELD = 1 << 16,         /* bytes were read that were not delivered */
    STREAM_TIMED = 1 << 17,        /* it has timeouts */
    STREAM_WRITE_FAILED = 1 << 18, /* `error` was met writing */
    STREAM_PIPE = 1 << 19, /* half a stream: stream_pipe.c reads and writes */
    STREAM_FILTERED = 1 << 20,      /* filters are under the protocol */
    STREAM_HANDSHAKING = 1 << 21,   /* ... and not all of them are ready */
    STREAM_OWES_START = 1 << 22,    /* the topmost has to be started */
    STREAM_EOF_BELOW = 1 << 23,     /* the kernel's end; STREAM_EOF is theirs */
    STREAM_SHUTDOWN_SENT = 1 << 24, /* they have said goodbye */
    STREAM_UNIX = 1 << 25,          /* a unix socket: descriptors may come */
    STREAM_FDS_QUEUED = 1 << 26,    /* some wait for the byte they go with */
    STREAM_FILE_OVER = 1 << 27      /* a sendfile's result is to be told */
};

/* How far it has come. Only ever grows. */
enum stream_phase {
    STREAM_PHASE_OPEN,
    STREAM_PHASE_CLOSING, /* what waits is sent, then it ends */
    STREAM_PHASE_ENDING,  /* nothing more is read or sent */
    STREAM_PHASE_GONE     /* the descriptor is closed; connection_lost is due */
};

enum stream_made { MADE_NOT, MADE_DUE, MADE_TOLD };

enum stream_reading { READ_ON, READ_PAUSED, READ_ENDED };

enum stream_writing {
    WRITE_ON,
    WRITE_ENDING, /* write_eof: what waits is sent, then the end */
    WRITE_ENDED
};

enum stream_flow { FLOW_OPEN, FLOW_PAUSE_DUE, FLOW_PAUSED };

enum stream_owed { OWED_RELEASE = 1 << 0, OWED_FILE = 1 << 1 };

/* Made when the first byte has to wait, or the limits are set. */
struct outgoing {
    struct op op;
    struct buf buf;
    struct stream_file *file; /* goes when buf is out; NULL: none */
    size_t high, low;
};

/* Bytes that were read and not yet delivered. */
struct held {
    size_t size, room;
    char bytes[];
};

/* PART_STREAM's state: what data_received is lent now, for unread. */
struct stream_state {
    rondo_transport *lent_to; /* NULL: no data_received runs */
    const char *lent_end;
    size_t lent_size, lent_back;
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
    struct held *held;
    struct filters *filters;
    rondo_address *peer, *local; /* those that are long */
    struct fd_queue *fd_queue;   /* descriptors to go */
    struct arrived *arrived;     /* descriptors that came */
};

/* Where a stream belongs: a server, or a process. */
struct stream_owner {
    rondo_transport *first;
    int64_t handshake_ns; /* for filters; RONDO_NEVER: no limit */
    void (*gone)(rondo_loop *loop, struct stream_owner *owner);
};

struct rondo_transport {
    struct handle handle;
    struct io io;
    struct op read;
    struct task deferred;
    rondo_loop *loop;
    const rondo_protocol *protocol;
    void *self;
    struct outgoing *out;
    struct stream_extra *extra;
    struct stream_owner *owner;
    rondo_transport *next, **link; /* among the owner's */
    uint32_t flags;
    uint16_t owed;
    unsigned char phase, made, reading, writing, flow;
    bool held, queued, timed, filtered, handshaking, reading_out, running;
    bool reset, write_failed;
    int error;
    int64_t os_error;
    struct small_address peer, local;
};

static inline struct stream_state *stream_state(const rondo_loop *loop)
{
    return loop_part_state(loop, PART_STREAM);
}

/* A stream over a connected, or soon to be connected, socket of the loop's.
 * RONDO_ENOMEM, or io_attach's errors; the socket is the caller's then. */
int stream_new(rondo_loop *loop, sys_fd fd, rondo_transport **made);
/* It never was a connection: frees it and closes its socket. No operation of
 * it may be pending. */
void stream_discard(rondo_transport *t);
/* The same, but the socket stays open. */
void stream_give_back(rondo_transport *t);
/* Half a stream, over a pipe, FIFO, terminal, device or connected socket: it
 * reads (SIDE_READ) and cannot write, or the other way round. With both sides
 * a whole one, over a pipe that has a name. The descriptor
 * is the stream's and closed with it, or with RONDO_PIPE_BORROW the caller's
 * and left as it was found. With an error it is the caller's, as it was. */
int stream_new_pipe(rondo_loop *loop, sys_fd fd, unsigned side, unsigned flags,
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
/* Keeps the addresses; the peer's is asked for where it is NULL. RONDO_ENOMEM:
 * a long one could not be kept. */
int stream_remember(rondo_transport *t, const rondo_address *peer);
/* What has arrived is delivered without waiting for more; then it ends. What
 * has not left is dropped. */
void stream_cut(rondo_transport *t);
/* Can this socket of the program's become a stream? Makes it fit. */
int stream_adopt(rondo_loop *loop, rondo_fd fd, const char *what,
                 rondo_transport **t);

/* ---- for stream_*.c alone ---- */

static inline void stream_set_phase(rondo_transport *t, enum stream_phase phase)
{
    if (t->phase < phase)
        t->phase = (unsigned char)phase;
}

void stream_check(const rondo_transport *t);

/* Decides what is outstanding; runs no code of the program's. Every public
 * call ends with it. */
void stream_settle(rondo_transport *t);
/* The dispatch is over: runs the callbacks that are owed, may free t. */
void stream_finish(rondo_transport *t);
/* Runs pause_writing, resume_writing and release where they are owed. */
void stream_deliver_owed(rondo_transport *t);
/* Sets the last error to what ended it. */
void stream_describe_loss(const rondo_transport *t);
/* For rondo_loop_dump. */
bool stream_describe(const struct handle *handle, char *text, size_t size);
/* Ends it with an error; drops what waits. */
void stream_fail(rondo_transport *t, int error, unsigned flags);
/* Does it want bytes of the kernel; may the protocol be given some? Without
 * filters these are one. */
bool stream_reads(const rondo_transport *t);
bool stream_delivers(const rondo_transport *t);

/* What was read before has to be taken first; but a handshake goes on. */
static inline bool stream_is_full(const rondo_transport *t)
{
    return (t->flags & (STREAM_HELD | STREAM_HANDSHAKING)) == STREAM_HELD;
}

/* Half a stream that reads. */
bool stream_only_reads(const rondo_transport *t);
/* Half a stream that writes, whose reading side waits for its reader to leave. */
bool stream_awaits_hang_up(const rondo_transport *t);
void stream_init(rondo_loop *loop, rondo_transport *t, sys_fd fd);
/* The connection, or the pipe's reader, is gone: what can be read is read. */
void stream_break_off(rondo_transport *t, int error);
/* What the program is told for a send that failed so. */
int stream_loss(const rondo_transport *t, int error);

/* ---- STREAM_PIPE's own ways ---- */

/* op_submit and op_cancel; a thread may be what carries it out. */
void stream_pipe_submit(rondo_transport *t, struct op *op);
void stream_pipe_cancel(rondo_transport *t, struct op *op);
/* An operation has ended with this error. 0: the backend has refused the
 * descriptor, and from now on a thread does what it would have waited for. */
int stream_pipe_refused(rondo_transport *t, int error);
/* The same for the writing side; what a thread has written is in op.count. */
int stream_pipe_written(rondo_transport *t);
/* As sys_recv and sys_sendv. */
int64_t stream_pipe_read(rondo_transport *t, void *data, size_t size);
int64_t stream_pipe_write(rondo_transport *t, const rondo_buffer *buffers,
                          size_t count);
/* Its last: the descriptor is let go, and closed if it is to be and the
 * stream's own. */
void stream_pipe_close(rondo_transport *t, bool close);
rondo_fd stream_pipe_fd(const rondo_transport *t);
/* A pipe both ways, which ends as sockets do; false for other streams. */
bool stream_is_whole_pipe(const rondo_transport *t);
/* Closes the descriptor before an operation is done that has been cancelled;
 * stream_discard is still to follow. */
void stream_pipe_shut(rondo_transport *t);

void stream_read_init(rondo_transport *t);
/* From now on: it has its first filter. */
void stream_read_through_filters(rondo_transport *t);
/* For filters: bytes, or the end, for the protocol: now, or as soon as it can
 * be. 0. */
int stream_deliver(rondo_transport *t, const char *data, size_t size);
void stream_deliver_eof(rondo_transport *t);
/* Delivers held bytes; reads what a broken connection still has. */
void stream_read_deferred(rondo_transport *t);

struct outgoing *stream_out(rondo_transport *t);
void stream_drop_out(rondo_transport *t);
/* For filters: sends, whatever the program may still write. As
 * rondo_transport_write. */
int stream_send(rondo_transport *t, const void *data, size_t size);
/* Something was put into a queue: 0, or 1 past the high limit. */
int stream_queued(rondo_transport *t);
/* Bytes that wait, above the filters too. */
size_t stream_unsent(const rondo_transport *t);
size_t stream_high(const rondo_transport *t);
size_t stream_low(const rondo_transport *t);

/* Whether bytes may be written; else why not. */
int stream_may_write(const rondo_transport *t, const char *what);
/* Some bytes have left, or all that waited has been dropped. */
void stream_note_progress(rondo_transport *t);

/* ---- out->file: sendfile.c ---- */

/* It waits until the stream can be written to. */
bool stream_file_waits(const rondo_transport *t);
void stream_file_prepare(rondo_transport *t, struct op *op);
/* The backend has sent a part of it, or has failed to. */
void stream_file_sent(rondo_transport *t, int error, size_t count);
/* What was before it has left: it may go on. */
void stream_file_go_on(rondo_transport *t);
/* What waits is dropped. */
void stream_file_drop(rondo_transport *t);
/* Calls its done. */
void stream_file_tell(rondo_transport *t);
/* Its own bytes are the ones that are written now. */
bool stream_file_writes(const rondo_transport *t);
/* Only its thread is waited for: nothing is there to be sent. */
bool stream_file_is_slow(const rondo_transport *t);

struct stream_extra *stream_extra(rondo_transport *t);
void stream_extra_free(rondo_transport *t);
/* What stream_remember kept as t->peer or t->local. RONDO_ENOTCONN: nothing. */
int stream_address(const rondo_transport *t, const struct small_address *which,
                   rondo_address *a);
/* Keeps bytes that were read, behind those that it has; false: out of memory.
 */
bool stream_hold(rondo_transport *t, const void *data, size_t size);
/* The same, before those that it has. */
bool stream_hold_before(rondo_transport *t, const void *data, size_t size);
/* The held bytes, to be freed with loop_free; NULL: only an end was held. */
struct held *stream_take_held(rondo_transport *t);
/* STREAM_FDS_QUEUED's sys_sendv, which may send less without need. */
int64_t stream_pass(rondo_transport *t, const rondo_buffer *pieces,
                    size_t count);
/* These bytes have left by other ways. */
void stream_passed(rondo_transport *t, size_t count);
void stream_drop_fds(rondo_transport *t);
/* STREAM_UNIX's sys_recv. What has arrived is the program's to take until
 * stream_drop_arrived, after the bytes. */
int64_t stream_receive(rondo_transport *t, void *data, size_t size);
void stream_drop_arrived(rondo_transport *t);
void stream_note_read(rondo_transport *t);
void stream_note_write(rondo_transport *t);
/* Something starts or stops being timed. */
void stream_watch_time(rondo_transport *t);

#endif
