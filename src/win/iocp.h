/* iocp.h - the completion port's parts, shared by iocp*.c and afd.c. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_WIN_IOCP_H
#define RONDO_WIN_IOCP_H

#include "core/backend.h"
#include "win/win.h"

#include <assert.h>

#include <mswsock.h>

enum {
    IOCP_BATCH = 256, /* packets that one call collects at most */
    /* What AcceptEx writes of one address. It asks for 16 bytes more than the
     * largest address, which is an IPv6 one: unix sockets are not used. */
    IOCP_ADDRESS = sizeof(struct sockaddr_in6) + 16
};

/* In op->sys.flags. AFD, PIPE and CHILD say who carries the operation out;
 * without them it is a socket's. */
enum iocp_flag {
    IOCP_PENDING = 1, /* a packet will come, and names the operation */
    IOCP_CANCELLED = 2,
    IOCP_AFD = 4,
    IOCP_PIPE = 8,
    IOCP_CHILD = 16
};

struct iocp {
    HANDLE port;
    HANDLE afd;   /* NULL: not opened yet */
    HANDLE timer; /* of high resolution; NULL: this system has none */
    OVERLAPPED_ENTRY entries[IOCP_BATCH];
};

_Static_assert(sizeof(((struct op *)0)->sys.overlapped) == sizeof(OVERLAPPED) &&
                   offsetof(struct op, sys.overlapped) % _Alignof(OVERLAPPED) ==
                       0,
               "an operation holds an OVERLAPPED");

static inline struct iocp *iocp_of(const rondo_loop *loop)
{
    assert(loop->backend_data);
    return loop->backend_data;
}

static inline OVERLAPPED *iocp_overlapped(struct op *op)
{
    return (OVERLAPPED *)(void *)&op->sys.overlapped;
}

static inline struct op *iocp_op_of(OVERLAPPED *overlapped)
{
    return (struct op *)(void *)((char *)overlapped -
                                 offsetof(struct op, sys.overlapped));
}

/* The kernel, or a thread of the system's, has the operation. */
static inline bool iocp_is_pending(const struct op *op)
{
    bool pending = op->sys.flags & IOCP_PENDING;
    assert(pending == (op->task.state == TASK_PENDING));
    return pending;
}

/* The operation could not begin: no packet will come. Error 0: its handle is
 * to try now. */
void iocp_fail(rondo_loop *loop, struct op *op, int error);
/* What an overlapped call answered: 0 or the system's error. */
void iocp_begun(rondo_loop *loop, struct op *op, DWORD os_error);

/* Sends a packet to the port; without an OVERLAPPED it is a wake-up. Tries
 * until there is room for it, since nothing else would wake the loop. Any
 * thread. */
void iocp_post(HANDLE port, OVERLAPPED *overlapped);

/* Starts an operation of a socket. */
void iocp_start(rondo_loop *loop, struct op *op);
/* Its packet has come: sets the result and returns the operation's error. */
int iocp_result(rondo_loop *loop, struct op *op);

/* The same for pipes. */
void iocp_pipe_start(rondo_loop *loop, struct op *op);
int iocp_pipe_result(struct op *op);

/* The same for the ends of processes. */
void iocp_child_start(rondo_loop *loop, struct op *op);
void iocp_child_cancel(rondo_loop *loop, struct op *op);
int iocp_child_result(struct op *op);

/* The same for readiness, by the driver that select itself uses. */
void afd_start(rondo_loop *loop, struct op *op);
int afd_result(rondo_loop *loop, struct op *op);

#endif
