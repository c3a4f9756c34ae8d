/* op.h - the operation: one submit, exactly one done. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_OP_H
#define RONDO_CORE_OP_H

#include "core/loop.h"

/* What the kernel is asked to do. Even kinds use the reading side of a
 * descriptor, odd ones its writing side; a side has one operation at a time.
 *
 * When done is called with error 0, count tells what has happened. "Try now"
 * (count 0) is all that a readiness backend can report: the handle makes the
 * call itself, without blocking, and submits again if the kernel has nothing
 * yet. A backend may report it at any time. */
enum op_kind {
    OP_READ,    /* try to read now */
    OP_WRITE,   /* try to write now; or `count` bytes of buffer are sent */
    OP_ACCEPT,  /* try to accept now; or count 1: the client is in `accepted` */
    OP_CONNECT, /* connected to the rondo_address at buffer */
    OP_WAIT_READ,  /* readable; the backend has tried and consumed nothing */
    OP_WAIT_WRITE, /* writable; the same */
    OP_RECEIVE,    /* try to receive datagrams now */
    OP_SEND, /* try to send datagrams now; or count 1: the one at buffer, a
                      struct sys_outgoing, is sent */
    OP_SENDFILE = 9, /* only if op_sends_files: `count` bytes of the file part
                        at buffer, a struct sys_part, are sent */
    OP_WATCH = 11    /* one of the events at size, bits of enum rondo_event, is
                        there; the backend has added them to io->seen. It uses
                        both sides */
};

/* The index of a kind's side: 0 reading, 1 writing. */
static inline unsigned op_index(enum op_kind kind)
{
    return (unsigned)kind & 1;
}

/* What a watch is told without asking for it. Its io alone has these armed. */
enum { WATCH_ALWAYS = RONDO_ERROR | RONDO_HANG_UP };

_Static_assert((int)RONDO_READABLE == (int)SIDE_READ &&
                   (int)RONDO_WRITABLE == (int)SIDE_WRITE,
               "an event that is a side has its number");

/* Whose descriptor it is. */
enum io_owner {
    IO_TRANSPORT, /* a transport's socket */
    IO_SERVER,    /* a listener */
    IO_DATAGRAM,  /* an endpoint's socket */
    IO_WATCHER,   /* the program's: it may close the descriptor at any time */
    IO_SOCK,      /* the same; a socket with operations of the program on it */
    IO_UNUSED,    /* an IO_SOCK's that no operation uses now, while the program
                     is called: gives way to any other */
    IO_PIPE,      /* a transport's pipe, terminal, device or named pipe */
    IO_THREAD,    /* a transport's: readable when its thread has done its part.
                     That thread does not exist in a forked child */
    IO_CLAIM,     /* never waited for: keeps the number from other handles */
    IO_CHILD,     /* readable when a child process has ended */
    IO_INTERNAL   /* the loop's: its wake-up, what tells of interfaces */
};

/* A descriptor that operations use. Its handle owns it; the loop's table and
 * the backend point at it while it is attached, so it must not move then. */
struct io {
    sys_fd fd;
    unsigned char armed;      /* the interest: sides the kernel watches now; for
                                 an OP_WATCH its events and WATCH_ALWAYS */
    unsigned char owner;      /* enum io_owner */
    bool entered : 1;         /* in the loop's table */
    bool attached : 1;        /* ... and with the backend */
    unsigned char registered; /* sides the kernel knows of: for the poller */
    unsigned char mode; /* the backend's: how it is bound, or registered */
    unsigned char seen; /* what was seen of an OP_WATCH's events */
    unsigned char
        kept; /* the backend's: bytes wait there to be sent; 0: none */
    unsigned char sends_later; /* its owner's: may io_send_later be asked? */
    int slot;                  /* its place in an array of the poller, or -1 */
    struct op *op[2];          /* the pending operation of each side: for the
                                 reactor */
};

/* One operation. Its handle owns the memory and keeps it, with what buffer
 * points at, from op_submit until done is called. */
struct op {
    struct task task; /* task.done, task.kind; task.error is the result */
    struct io *io;
    const void *buffer; /* what to write or send, or whereto to connect */
    size_t size;
    union {
        size_t count;     /* of a success */
        int64_t os_error; /* of a failure: the system's code, or 0 */
    };
    SYS_OP_MEMBERS /* the backend's */
};

/* An OP_ACCEPT. A backend that accepts by itself leaves the client here. */
struct accept_op {
    struct op op;
    sys_fd accepted; /* the handle's from done on */
    rondo_address peer;
};

/* How many accepts a server keeps outstanding on each listener. */
int op_accepts(const rondo_loop *loop);
/* Tells whether the backend carries out OP_SENDFILE on that descriptor. */
bool op_sends_files(const rondo_loop *loop, const struct io *io);
/* May it be cancelled, so that its descriptor goes to another loop? */
bool op_may_leave(const rondo_loop *loop, const struct op *op);

/* Prepares an operation, which is idle then. io may be attached later; it may
 * be NULL if the operation is never submitted. */
void op_init(struct op *op, struct io *io, enum op_kind kind,
             void (*done)(rondo_loop *loop, struct task *task));

/* Starts an idle operation on an attached descriptor. Never fails and never
 * calls done: the ready list does that, exactly once, also if the operation
 * could not begin. An operation that has ended at once is READY on return. */
void op_submit(rondo_loop *loop, struct op *op);

static inline bool op_is_idle(const struct op *op)
{
    return op->task.state == TASK_IDLE;
}

/* op_submit of a read whose done is on the fast path: it has just succeeded. A
 * reactor that watches the descriptor has nothing else to do. */
static inline void op_read_again(rondo_loop *loop, struct op *op, struct io *io)
{
    assert(op_is_idle(op) && op->io == io && !io->op[0] && !op->count);
    if (!(io->armed & SIDE_READ)) {
        op_submit(loop, op);
        return;
    }
    op->task.state = TASK_PENDING;
    io->op[0] = op;
}

/* Asks for an early end, if the operation is pending; never calls done. done
 * comes with RONDO_ECANCELED, or with the result if that was quicker. */
void op_cancel(rondo_loop *loop, struct op *op);

/* The sides, and for a watch the events, that somebody waits for. */
static inline unsigned io_wanted(const struct io *io)
{
    const struct op *writing = io->op[1];
    if (writing && writing->task.kind == OP_WATCH)
        return (unsigned)writing->size | WATCH_ALWAYS;
    return (io->op[0] ? SIDE_READ : 0U) | (writing ? SIDE_WRITE : 0U);
}

/* For backends: the operation has ended. The ready list calls its done. With an
 * error, the thread's system code must be that of this failure: it is kept
 * here, since the thread's code is another's when done is called. */
static inline void op_finish(rondo_loop *loop, struct op *op, int error)
{
    op->task.error = error;
    if (error)
        op->os_error = rondo_last_os_error();
    loop_push(loop, &op->task);
}

/* ---- the table of descriptors ---- */

/* Prepares the io of a descriptor, which is not attached then. */
void io_init(struct io *io, sys_fd fd, enum io_owner owner);

/* Enters a descriptor in the loop's table, unless it is there, and with the
 * backend. Returns 0, or an error with a sentence, and then nothing has
 * changed:
 * RONDO_EBUSY: another handle has this number;
 * RONDO_EMFILE: the number is beyond the limit of the backend;
 * RONDO_ENOMEM; else what the backend says.
 * If the other handle is a watcher or an operation on a socket, and this one is
 * not, the program has closed the old descriptor behind the loop's back and the
 * number has come back as a new file: the other one is detached and its
 * operations are cancelled. */
int io_attach(rondo_loop *loop, struct io *io);
/* Enters it in the table alone, for as long as nothing has to be waited for:
 * io_attach may follow. Returns 0, RONDO_EBUSY or RONDO_ENOMEM. */
int io_enter(rondo_loop *loop, struct io *io);
/* Would the backend wait for that descriptor, which is no socket? 0, or the
 * error of io_attach or of the wait. */
int io_try(rondo_loop *loop, sys_fd fd);

/* Removes it from both, so that the caller may close the descriptor. Each
 * operation on it has ended or was cancelled; a completion backend may still
 * owe the done of a cancelled one, which keeps the io's memory in use. Does
 * nothing if it is not entered. */
void io_detach(rondo_loop *loop, struct io *io);
/* The same, of one that goes to another loop with this backend: all that this
 * one has noted of it is forgotten. */
void io_leave(rondo_loop *loop, struct io *io);

/* Does the backend read before it is asked? Then an OP_READ may have consumed
 * bytes; a handle that cannot have that waits by OP_WAIT_READ. */
bool io_reads_ahead(const rondo_loop *loop);
/* As sys_recv of an OP_READ's descriptor: first what the backend has read. */
int64_t io_receive(rondo_loop *loop, struct io *io, void *data, size_t size);
/* The same, where the backend reads ahead: *data is where to put LOOP_SCRATCH
 * bytes, or on return where they lie during this dispatch. */
int64_t io_lend(rondo_loop *loop, struct io *io, char **data);
/* Takes what was read ahead; its size. Data NULL: stops reading ahead for now,
 * and tells what there is to take. */
size_t io_take_rest(rondo_loop *loop, struct io *io, void *data, size_t size);

/* The same of an OP_RECEIVE's descriptor, for datagrams: as the backend's
 * lend_datagrams. */
bool io_reads_datagrams(const rondo_loop *loop);
int io_lend_datagrams(rondo_loop *loop, struct io *io,
                      struct sys_received *list, unsigned count, size_t room);

/* Does the backend send later what it is given now? */
bool io_sends_later(const rondo_loop *loop);
/* Where no bytes wait before them: the backend keeps a copy and sends it before
 * the next wait. false: it does not; what it kept before may be in a queue by
 * now (io_unsent). */
bool io_send_later(rondo_loop *loop, struct io *io, const void *data,
                   size_t size);
/* The same of a datagram: nothing is kept of that descriptor, and none waits. */
bool io_sends_datagrams_later(const rondo_loop *loop);
bool io_send_datagram_later(rondo_loop *loop, struct io *io,
                            const struct sys_outgoing *out);
/* Sends what it keeps of that descriptor. What the kernel does not take has come
 * to io_unsent on return. */
COLD void io_send_kept(rondo_loop *loop, const struct io *io);
static inline void io_send_now(rondo_loop *loop, const struct io *io)
{
    if (io->kept)
        io_send_kept(loop, io);
}
/* For backends: of what was kept these bytes have not left. RONDO_EAGAIN: they
 * can wait; else why they never will. Outside of a wait the descriptor's owner
 * has asked for it by io_send_now. */
void io_unsent(rondo_loop *loop, struct io *io, const struct sys_outgoing *rest,
               int error);

/* Makes the backend forget what the kernel knows of an attached descriptor: its
 * number may name another file by now. As with io_detach, nothing goes on. */
void io_reattach(rondo_loop *loop, struct io *io);

/* The table: open addressing, linear probing, at most three quarters full. The
 * hash keeps runs short, which a removal looks through. */
static inline size_t io_home(const rondo_loop *loop, sys_fd fd)
{
    uint64_t hash = (uint64_t)fd * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash >> 32) & (loop->table_room - 1);
}

static inline size_t io_probe(const rondo_loop *loop, sys_fd fd)
{
    size_t i = io_home(loop, fd);
    while (loop->table[i] && loop->table[i]->fd != fd)
        i = (i + 1) & (loop->table_room - 1);
    return i;
}

/* Returns the io that is entered with this number, or NULL. */
static inline struct io *io_find(const rondo_loop *loop, sys_fd fd)
{
    return loop->table[io_probe(loop, fd)];
}
/* The same, but an IO_UNUSED is NULL. */
struct io *io_find_used(const rondo_loop *loop, sys_fd fd);

/* Tells whether the descriptor is the program's, who may close it by mistake
 * while it is attached. */
static inline bool io_is_of_program(const struct io *io)
{
    return io->owner == IO_WATCHER || io->owner == IO_SOCK ||
           io->owner == IO_UNUSED;
}

#endif
