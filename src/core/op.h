/* op.h - the operation: one submit, exactly one done. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_OP_H
#define RONDO_CORE_OP_H

#include "core/loop.h"

/* Even kinds use a descriptor's reading side, odd ones its writing side; a
 * side has one operation at a time. */
enum op_kind {
    OP_READ,    /* done: try to read now */
    OP_WRITE,   /* done: try to write now, or `count` bytes of buffer are out */
    OP_ACCEPT,  /* done: try to accept now, or `accepted` is one */
    OP_CONNECT, /* done: connected to the address at buffer */
    OP_WAIT_READ, /* done: readable; nothing is tried, nothing consumed */
    OP_WAIT_WRITE,
    OP_RECEIVE, /* done: try to receive datagrams now */
    OP_SEND,    /* done: try to send them now, or count 1: the one at buffer, a
                   struct sys_outgoing, is out */
    OP_SENDFILE = 9 /* for op_sends_files alone. done: `count` bytes of the
                       file at buffer, a struct sys_part, are out */
};

static inline unsigned op_index(enum op_kind kind)
{
    return (unsigned)kind & 1;
}

enum io_owner {
    IO_TRANSPORT, /* its own socket */
    IO_SERVER,
    IO_DATAGRAM,
    IO_WATCHER, /* the program's descriptor, as the next */
    IO_SOCK,
    IO_PIPE,   /* a transport's; the program's socket or something else */
    IO_THREAD, /* a transport's, woken by a thread that a fork leaves behind */
    IO_CLAIM,  /* only so that nobody else takes the number */
    IO_CHILD,  /* ready when a child has ended */
    IO_INTERNAL
};

/* A descriptor as a backend sees it; never moves while attached. */
struct io {
    sys_fd fd;
    unsigned char armed; /* sides the kernel watches now */
    unsigned char owner; /* enum io_owner */
    bool attached;
    unsigned char registered; /* sides the kernel knows of: the poller's own */
    unsigned char mode;       /* how the completion port has it: its own */
    int slot;                 /* place among the poller's descriptors; -1 */
    struct op *op[2];         /* pending, by side */
};

/* task.error and count are the result; error 0 and count 0 of a read, write
 * or accept mean "try now": a readiness backend cannot say more. */
struct op {
    struct task task;
    struct io *io;
    const void *buffer; /* what to write, send or connect to */
    size_t size;
    union {
        size_t count;     /* of a success */
        int64_t os_error; /* of a failure: the system's own code */
    };
    SYS_OP_MEMBERS
};

/* OP_ACCEPT's: where a backend that accepts by itself puts the result, with
 * count 1. */
struct accept_op {
    struct op op;
    sys_fd accepted;
    rondo_address peer;
};

/* How many accepts a server keeps outstanding on each listening socket. */
int op_accepts(const rondo_loop *loop);
/* Whether the backend carries out OP_SENDFILE. */
bool op_sends_files(const rondo_loop *loop);

void op_init(struct op *op, struct io *io, enum op_kind kind,
             void (*done)(rondo_loop *loop, struct task *task));

/* Never fails and never calls done: done comes from the loop, exactly once. */
void op_submit(rondo_loop *loop, struct op *op);
/* done still comes: RONDO_ECANCELED, or the result if it was quicker. */
void op_cancel(rondo_loop *loop, struct op *op);

static inline bool op_is_idle(const struct op *op)
{
    return op->task.state == TASK_IDLE;
}

/* For backends: the operation has ended; its done runs from the loop, when the
 * thread's last OS error may be of something else. */
static inline void op_finish(rondo_loop *loop, struct op *op, int error)
{
    op->task.error = error;
    if (error)
        op->os_error = rondo_last_os_error();
    loop_push(loop, &op->task);
}

/* The table of descriptors in use: which handle has this number? */
void io_init(struct io *io, sys_fd fd, enum io_owner owner);
/* RONDO_EBUSY: some handle has it; RONDO_EMFILE: past the backend's limit. */
int io_attach(rondo_loop *loop, struct io *io);
/* Nothing may be pending. The descriptor may be closed afterwards. */
void io_detach(rondo_loop *loop, struct io *io);
/* Forgets what the kernel was told of it. Nothing may be pending. */
void io_renew(rondo_loop *loop, struct io *io);
struct io *io_find(const rondo_loop *loop, sys_fd fd);
/* The program's, who may close it, by mistake, behind the loop's back. */
static inline bool io_is_lent(const struct io *io)
{
    return io->owner == IO_WATCHER || io->owner == IO_SOCK;
}

#endif
