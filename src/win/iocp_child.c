/* iocp_child.c - the end of a process comes through the completion port. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "win/iocp.h"

/* One packet, whoever is first: the process's end or whoever cancels. */
static void iocp_child_post(struct iocp_room *room)
{
    if (InterlockedExchange(&room->u.child.posted, 1))
        return;
    /* it fails for want of memory alone, and nothing else would tell */
    while (!PostQueuedCompletionStatus(room->u.child.port, 0, 0,
                                       &room->overlapped))
        Sleep(1);
}

static void CALLBACK iocp_child_has_ended(void *arg, BOOLEAN timed_out)
{
    (void)timed_out;
    iocp_child_post(arg);
}

/* The system's own threads wait, for up to 63 each. */
void iocp_child_start(rondo_loop *loop, struct op *op)
{
    struct iocp_room *room = iocp_room(op);
    op->sys.flags |= IOCP_CHILD;
    room->u.child.wait = NULL;
    room->u.child.port = iocp_of(loop)->port;
    room->u.child.posted = 0;
    if (!RegisterWaitForSingleObject(
            &room->u.child.wait, (HANDLE)op->io->fd, iocp_child_has_ended, room,
            INFINITE, WT_EXECUTEINWAITTHREAD | WT_EXECUTEONLYONCE))
        iocp_fail(loop, op, error_from_os(GetLastError()));
}

void iocp_child_cancel(struct op *op)
{
    iocp_child_post(iocp_room(op));
}

/* Afterwards no thread looks at the room any more. */
int iocp_child_result(struct op *op)
{
    (void)UnregisterWaitEx(iocp_room(op)->u.child.wait, INVALID_HANDLE_VALUE);
    return op->sys.flags & IOCP_CANCELLED ? RONDO_ECANCELED : 0;
}
