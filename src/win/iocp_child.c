/* iocp_child.c - the end of a process comes through the completion port. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/iocp.h"

/* On a thread of the system's. From the packet on the loop may end the
 * operation: iocp_child_stop then waits until this has returned. */
static void CALLBACK iocp_child_has_ended(void *arg, BOOLEAN timed_out)
{
    struct op *op = arg;
    (void)timed_out;
    assert(op->sys.u.child.port);
    assert(!op->sys.u.child.posted);
    op->sys.u.child.posted = true;
    iocp_post(op->sys.u.child.port, iocp_overlapped(op));
}

/* Threads of the system's pool wait, each for up to 63 processes. */
void iocp_child_start(rondo_loop *loop, struct op *op)
{
    assert(iocp_is_pending(op));
    assert(op->io->owner == IO_CHILD && op->task.kind == OP_WAIT_READ);
    op->sys.flags |= IOCP_CHILD;
    op->sys.u.child.wait = NULL;
    op->sys.u.child.port = iocp_of(loop)->port;
    op->sys.u.child.posted = false;
    if (!RegisterWaitForSingleObject(
            &op->sys.u.child.wait, (HANDLE)op->io->fd, iocp_child_has_ended, op,
            INFINITE, WT_EXECUTEINWAITTHREAD | WT_EXECUTEONLYONCE))
        iocp_fail(loop, op, error_from_os(GetLastError()));
}

/* Afterwards no thread touches the operation any more. */
static void iocp_child_stop(struct op *op)
{
    assert(op->sys.flags & IOCP_CHILD);
    if (op->sys.u.child.wait)
        (void)UnregisterWaitEx(op->sys.u.child.wait, INVALID_HANDLE_VALUE);
    op->sys.u.child.wait = NULL;
}

/* The operation ends at once, unless its packet is in the port already: a
 * closing loop waits for handles and not for the packet of a child that it has
 * let go. */
void iocp_child_cancel(rondo_loop *loop, struct op *op)
{
    assert(iocp_is_pending(op));
    assert(op->sys.flags & IOCP_CANCELLED);
    iocp_child_stop(op);
    error_no_os();
    if (!op->sys.u.child.posted)
        iocp_fail(loop, op, RONDO_ECANCELED);
}

int iocp_child_result(struct op *op)
{
    assert(op->sys.flags & IOCP_CHILD);
    assert(op->sys.u.child.posted);
    iocp_child_stop(op);
    error_no_os();
    return op->sys.flags & IOCP_CANCELLED ? RONDO_ECANCELED : 0;
}
#endif
