/* iocp_child.c - the end of a process comes through the completion port. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "win/iocp.h"

/* One packet, whoever is first: the process's end or whoever cancels. */
static void iocp_child_post(struct op *op)
{
    if (InterlockedExchange(&op->sys.u.child.posted, 1))
        return;
    /* it fails for want of memory alone, and nothing else would tell */
    while (!PostQueuedCompletionStatus(op->sys.u.child.port, 0, 0,
                                       iocp_overlapped(op)))
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
    op->sys.flags |= IOCP_CHILD;
    op->sys.u.child.wait = NULL;
    op->sys.u.child.port = iocp_of(loop)->port;
    op->sys.u.child.posted = 0;
    if (!RegisterWaitForSingleObject(
            &op->sys.u.child.wait, (HANDLE)op->io->fd, iocp_child_has_ended, op,
            INFINITE, WT_EXECUTEINWAITTHREAD | WT_EXECUTEONLYONCE))
        iocp_fail(loop, op, error_from_os(GetLastError()));
}

void iocp_child_cancel(struct op *op)
{
    iocp_child_post(op);
}

/* Afterwards no thread looks at the room any more. */
int iocp_child_result(struct op *op)
{
    (void)UnregisterWaitEx(op->sys.u.child.wait, INVALID_HANDLE_VALUE);
    return op->sys.flags & IOCP_CANCELLED ? RONDO_ECANCELED : 0;
}
