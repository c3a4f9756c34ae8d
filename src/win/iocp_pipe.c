/* iocp_pipe.c - the operations of pipes on the completion port. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/iocp.h"

enum { PIPE_WRITE_MOST = 1 << 20 };

static DWORD iocp_pipe_answer(BOOL begun)
{
    return begun ? 0 : GetLastError();
}

/* A read of no bytes ends when there is something to read, or when nobody
 * writes any more; the handle then reads and learns which. Of a pipe that keeps
 * messages apart it ends with ERROR_MORE_DATA: that is an error to ReadFile but
 * a warning to the kernel, and after a warning Windows sends a packet. */
static void iocp_pipe_start_read(rondo_loop *loop, struct op *op)
{
    static char nothing;
    assert(op_index(op->task.kind) == 0);
    DWORD os_error = iocp_pipe_answer(
        ReadFile((HANDLE)op->io->fd, &nothing, 0, NULL, iocp_overlapped(op)));
    if (os_error == ERROR_BROKEN_PIPE || os_error == ERROR_PIPE_NOT_CONNECTED)
        iocp_fail(loop, op, 0);
    else
        iocp_begun(loop, op, os_error == ERROR_MORE_DATA ? 0 : os_error);
}

/* The kernel copies what is written into memory of its own, all of it at once,
 * and refuses what is too much (ERROR_NO_SYSTEM_RESOURCES). */
static void iocp_pipe_start_write(rondo_loop *loop, struct op *op)
{
    DWORD size = op->size < PIPE_WRITE_MOST ? (DWORD)op->size : PIPE_WRITE_MOST;
    assert(op->task.kind == OP_WRITE);
    assert(op->buffer && size); /* a write of nothing would wake the reader */
    iocp_begun(loop, op,
               iocp_pipe_answer(WriteFile((HANDLE)op->io->fd, op->buffer, size,
                                          NULL, iocp_overlapped(op))));
}

/* ConnectNamedPipe fails without a packet where a client has come before it:
 * ERROR_PIPE_CONNECTED. One that has left again (ERROR_NO_DATA) is taken, too:
 * what it has written is there to be read. */
static void iocp_pipe_start_accept(rondo_loop *loop, struct op *op)
{
    assert(op->io->owner == IO_PIPE);
    DWORD os_error = iocp_pipe_answer(
        ConnectNamedPipe((HANDLE)op->io->fd, iocp_overlapped(op)));
    if (os_error == ERROR_PIPE_CONNECTED || os_error == ERROR_NO_DATA)
        iocp_fail(loop, op, 0);
    else
        iocp_begun(loop, op, os_error);
}

void iocp_pipe_start(rondo_loop *loop, struct op *op)
{
    assert(iocp_is_pending(op));
    op->sys.flags |= IOCP_PIPE;
    if (op->task.kind == OP_ACCEPT)
        iocp_pipe_start_accept(loop, op);
    else if (op_index(op->task.kind) == 0)
        iocp_pipe_start_read(loop, op);
    else
        iocp_pipe_start_write(loop, op);
}

int iocp_pipe_result(struct op *op)
{
    DWORD count = 0;
    int error = 0;
    assert(op->sys.flags & IOCP_PIPE);
    if (op->io->fd == SYS_NO_FD)
        return RONDO_ECANCELED; /* an instance, which the server has closed */
    if (!GetOverlappedResult((HANDLE)op->io->fd, iocp_overlapped(op), &count,
                             FALSE))
        error = error_from_os(GetLastError());
    if (error == RONDO_ECANCELED && !(op->sys.flags & IOCP_CANCELLED))
        error = RONDO_EPIPE; /* the thread that had begun it has ended */
    if (op_index(op->task.kind) == 0)
        return error == RONDO_ECANCELED ? error : 0;
    assert(count <= op->size);
    op->count = count;
    return error;
}
#endif
