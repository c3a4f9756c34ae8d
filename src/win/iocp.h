/* iocp.h - the completion port's parts, shared by iocp*.c and afd.c. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_WIN_IOCP_H
#define RONDO_WIN_IOCP_H

#include "core/backend.h"
#include "win/win.h"

#include <mswsock.h>

enum { IOCP_BATCH = 256, IOCP_ADDRESS = sizeof(SOCKADDR_STORAGE) + 16 };

/* In op->sys.flags. */
enum { IOCP_CANCELLED = 1, IOCP_AFD = 2, IOCP_PIPE = 4, IOCP_CHILD = 8 };

/* What the kernel writes into while an operation is pending: kept for the
 * next one, and apart, so that an operation at rest stays small. */
struct iocp_room {
    OVERLAPPED overlapped; /* first: a packet names the room by it */
    struct op *op;         /* NULL: it has ended */
    struct iocp_room *next_free, *next;
    sys_fd accepted, file; /* of an accept, of a sendfile */
    union {
        char addresses[2 * IOCP_ADDRESS]; /* AcceptEx: ours, the peer's */
        uint64_t poll[6];                 /* AFD_POLL_INFO of one handle */
        struct {
            HANDLE wait, port;
            LONG posted;
        } child;
    } u;
};

struct iocp {
    HANDLE port;
    HANDLE afd;   /* NULL: not opened yet */
    HANDLE timer; /* of high resolution; NULL: this system has none */
    struct iocp_room *free, *rooms; /* all of them: rooms */
    OVERLAPPED_ENTRY entries[IOCP_BATCH];
};

static inline struct iocp *iocp_of(const rondo_loop *loop)
{
    return loop->backend_data;
}

static inline struct iocp_room *iocp_room(struct op *op)
{
    return op->sys.room;
}

static inline OVERLAPPED *iocp_overlapped(struct op *op)
{
    return &iocp_room(op)->overlapped;
}

/* It could not begin. */
void iocp_fail(rondo_loop *loop, struct op *op, int error);
/* What an overlapped call answered: 0 or the system's error. */
void iocp_begun(rondo_loop *loop, struct op *op, DWORD os_error);

/* The socket operations. */
void iocp_start(rondo_loop *loop, struct op *op);
/* It has ended: how, and with what. Gives the op's error. */
int iocp_result(rondo_loop *loop, struct op *op);

/* The same for pipes. */
void iocp_pipe_start(rondo_loop *loop, struct op *op);
int iocp_pipe_result(struct op *op);

/* The same for the ends of children. */
void iocp_child_start(rondo_loop *loop, struct op *op);
void iocp_child_cancel(struct op *op);
int iocp_child_result(struct op *op);

/* Waiting for readiness, by the driver that select itself uses. */
void afd_start(rondo_loop *loop, struct op *op);
int afd_result(rondo_loop *loop, struct op *op);

#endif
