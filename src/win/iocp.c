/* iocp.c - the Windows backend: a completion port. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "win/iocp.h"

#include "base/error.h"

#include <string.h>

/* Windows 10 1803 has it; the headers of mingw-w64 may not. */
#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 0x00000002
#endif

enum { TIMED_FINELY_MS = 32 }; /* the longest wait that the timer ends */

/* io->mode. */
enum {
    MODE_POSTS,    /* an operation sends a packet whenever it ends */
    MODE_SKIPS,    /* a socket's operation that ends at once sends no packet */
    MODE_HAS_PIPE, /* iocp_pipe.c carries its operations out; it posts */
    MODE_MOVED     /* bound to another loop's port: afd.c waits for it, and the
                      transport makes calls that send no packet */
};

/* ---- one operation ---- */

/* The kernel is done with it. */
static void iocp_end(rondo_loop *loop, struct op *op)
{
    assert(iocp_is_pending(op));
    uint32_t carrier = op->sys.flags & (IOCP_AFD | IOCP_PIPE | IOCP_CHILD);
    assert(!(carrier & (carrier - 1))); /* one of them at most */
    int error = carrier == IOCP_AFD     ? afd_result(loop, op)
                : carrier == IOCP_PIPE  ? iocp_pipe_result(op)
                : carrier == IOCP_CHILD ? iocp_child_result(op)
                                        : iocp_result(loop, op);
    assert(error <= 0);
    assert(iocp_is_pending(op));
    loop->metrics.events++;
    op->sys.flags &= ~(uint32_t)IOCP_PENDING;
    op_finish(loop, op, error);
    assert(!iocp_is_pending(op));
}

void iocp_fail(rondo_loop *loop, struct op *op, int error)
{
    assert(iocp_is_pending(op));
    assert(error <= 0);
    op->sys.flags &= ~(uint32_t)IOCP_PENDING;
    op_finish(loop, op, error);
    assert(!iocp_is_pending(op));
}

void iocp_begun(rondo_loop *loop, struct op *op, DWORD os_error)
{
    assert(iocp_is_pending(op));
    assert(!(op->sys.flags & (IOCP_AFD | IOCP_CHILD)));
    if (!os_error && op->io->mode == MODE_SKIPS)
        iocp_end(loop, op); /* no packet comes */
    else if (os_error && os_error != ERROR_IO_PENDING)
        iocp_fail(loop, op, error_from_os(os_error));
}

static void iocp_submit(rondo_loop *loop, struct op *op)
{
    assert(!iocp_is_pending(op));
    assert(op->io->fd != SYS_NO_FD);
    op->task.state = TASK_PENDING;
    op->sys.flags = IOCP_PENDING;
    memset(&op->sys.overlapped, 0, sizeof op->sys.overlapped);
    if (op->io->mode == MODE_HAS_PIPE)
        iocp_pipe_start(loop, op);
    else if (op->io->owner == IO_CHILD)
        iocp_child_start(loop, op);
    else if (op->task.kind == OP_WAIT_READ || op->task.kind == OP_WAIT_WRITE ||
             op->task.kind == OP_WATCH || op->io->owner == IO_PIPE ||
             op->io->mode == MODE_MOVED)
        afd_start(loop, op);
    else
        iocp_start(loop, op);
    assert(iocp_is_pending(op) || op->task.state == TASK_READY);
}

/* The packet of an operation that has ended meanwhile is in the port: its
 * result stands. The descriptor may be closed already; CancelIoEx then fails,
 * and the close has ended the operation. */
static void iocp_cancel(rondo_loop *loop, struct op *op)
{
    assert(iocp_is_pending(op));
    assert(!(op->sys.flags & IOCP_AFD) || iocp_of(loop)->afd);
    HANDLE handle =
        op->sys.flags & IOCP_AFD ? iocp_of(loop)->afd : (HANDLE)op->io->fd;
    op->sys.flags |= IOCP_CANCELLED;
    if (op->sys.flags & IOCP_CHILD) {
        iocp_child_cancel(loop, op);
        return;
    }
    (void)CancelIoEx(handle, iocp_overlapped(op));
}

/* ---- descriptors ---- */

/* Windows binds no descriptor of these to the port: the program may have bound
 * it to another port, or may want to. afd.c waits for its sockets through a
 * handle of the loop's. */
static bool iocp_stays_outside(const struct io *io)
{
    if (io->mode == MODE_MOVED)
        return true;
    switch (io->owner) {
    case IO_WATCHER:
    case IO_SOCK:
    case IO_THREAD:
    case IO_CLAIM:
    case IO_CHILD:
        return true;
    case IO_PIPE:
        return io->mode != MODE_HAS_PIPE;
    default:
        return false;
    }
}

/* What ends at once need not come through the port. Two kinds of socket send
 * their packet all the same: those of a provider that wraps the system's
 * sockets (no XP1_IFS_HANDLES), and on Windows 7 those for datagrams. */
static void iocp_set_modes(struct io *io)
{
    assert(io->mode == MODE_POSTS);
    assert(!iocp_stays_outside(io));
    WSAPROTOCOL_INFOW info = {0};
    int size = sizeof info;
    UCHAR modes = FILE_SKIP_SET_EVENT_ON_HANDLE;
    (void)getsockopt(io->fd, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info,
                     &size);
    bool skips = info.dwServiceFlags1 & XP1_IFS_HANDLES &&
                 info.iSocketType == SOCK_STREAM;
    if (skips)
        modes |= FILE_SKIP_COMPLETION_PORT_ON_SUCCESS;
    if (SetFileCompletionNotificationModes((HANDLE)io->fd, modes) && skips)
        io->mode = MODE_SKIPS;
    assert(io->mode != MODE_HAS_PIPE);
}

/* Windows binds a handle to one port for as long as the handle is open. */
static int iocp_attach(rondo_loop *loop, struct io *io)
{
    HANDLE socket = (HANDLE)io->fd;
    assert(io->fd != SYS_NO_FD);
    assert(io->owner != IO_INTERNAL); /* the port needs no wake-up socket */
    if (io->owner == IO_PIPE && !win_knows_socket(io->fd))
        io->mode = MODE_HAS_PIPE;
    if (iocp_stays_outside(io))
        return 0;
    if (!CreateIoCompletionPort(socket, iocp_of(loop)->port, 0, 0)) {
        DWORD os_error = GetLastError();
        if (os_error == ERROR_INVALID_PARAMETER)
            return error_set(RONDO_EBUSY,
                             "socket %lld is bound to a completion port "
                             "already",
                             (long long)io->fd);
        return error_os(error_from_os(os_error), "socket %lld",
                        (long long)io->fd);
    }
    if (io->mode != MODE_HAS_PIPE)
        iocp_set_modes(io);
    return 0;
}

static void iocp_detach(rondo_loop *loop, struct io *io)
{
    (void)loop;
    (void)io;
    assert(io->attached);
}

/* ---- waiting ---- */

/* It has nothing to do: that it is called ends the alertable wait. */
static void CALLBACK iocp_timer_rang(LPVOID arg, DWORD low, DWORD high)
{
    (void)arg;
    (void)low;
    (void)high;
}

/* The port's own timeout ends at a tick of the system's timer: every 15.6 ms as
 * a rule. A high-resolution timer ends a short wait. */
static bool iocp_set_timer(const struct iocp *p, int64_t timeout_ns)
{
    LARGE_INTEGER due;
    assert(timeout_ns >= 0);
    if (!p->timer || !timeout_ns || timeout_ns > RONDO_MS(TIMED_FINELY_MS))
        return false;
    due.QuadPart = -((timeout_ns + 99) / 100);
    assert(due.QuadPart < 0); /* from now on; above 0 it is a date */
    return SetWaitableTimer(p->timer, &due, 0, iocp_timer_rang, NULL, FALSE);
}

static BOOL iocp_get_entries(struct iocp *p, int64_t timeout_ns, ULONG *count)
{
    assert(p->port);
    bool timed = iocp_set_timer(p, timeout_ns);
    DWORD ms = timed ? 2 * TIMED_FINELY_MS : win_timeout_ms(timeout_ns);
    assert(!timed || ms != INFINITE); /* should the timer fail */
    BOOL done = GetQueuedCompletionStatusEx(p->port, p->entries, IOCP_BATCH,
                                            count, ms, timed);
    DWORD os_error = GetLastError();
    if (timed)
        (void)CancelWaitableTimer(p->timer);
    SetLastError(os_error);
    return done;
}

/* *more: as many packets have come as there was room for. */
static int iocp_collect(rondo_loop *loop, int64_t timeout_ns, bool *more)
{
    struct iocp *p = iocp_of(loop);
    ULONG count = 0, ended = 0;
    *more = false;
    if (!iocp_get_entries(p, timeout_ns, &count)) {
        DWORD os_error = GetLastError();
        if (os_error == WAIT_TIMEOUT || os_error == WAIT_IO_COMPLETION)
            return 0;
        return error_os(error_from_os(os_error), "GetQueuedCompletionStatusEx");
    }
    assert(count <= IOCP_BATCH);
    for (ULONG i = 0; i < count; i++) {
        OVERLAPPED *o = p->entries[i].lpOverlapped;
        if (!o)
            continue; /* a wake-up */
        iocp_end(loop, iocp_op_of(o));
        ended++;
    }
    *more = count == IOCP_BATCH && (ended || loop->closing);
    return 0;
}

/* Collects all packets that there are. That has an end: no operation begins
 * meanwhile, and wake-ups alone do not prolong it. A closing loop gets none of
 * these, but one packet that stands behind others: that of a child that it has
 * let go and does not wait for. */
static int iocp_wait(rondo_loop *loop, int64_t timeout_ns)
{
    bool more;
    assert(timeout_ns >= 0);
    int error = iocp_collect(loop, timeout_ns, &more);
    while (!error && more)
        error = iocp_collect(loop, 0, &more);
    return error;
}

void iocp_post(HANDLE port, OVERLAPPED *overlapped)
{
    assert(port);
    DWORD before = GetLastError();
    while (!PostQueuedCompletionStatus(port, 0, 0, overlapped) &&
           win_lacks_room(GetLastError()))
        Sleep(1);
    SetLastError(before);
}

static void iocp_wake(rondo_loop *loop)
{
    iocp_post(iocp_of(loop)->port, NULL);
}

static int64_t iocp_resolution(const rondo_loop *loop)
{
    const int64_t finest = 500000; /* of the high-resolution timer */
    int64_t system = win_wait_resolution();
    assert(system > 0);
    return iocp_of(loop)->timer && finest < system ? finest : system;
}

/* Windows signals a port's handle while a packet waits in the port. */
static int iocp_embed(rondo_loop *loop, rondo_fd *fd, int64_t *timeout_ns)
{
    assert(fd && timeout_ns);
    *timeout_ns = RONDO_NEVER;
    *fd = (rondo_fd)iocp_of(loop)->port;
    return 0;
}

/* ---- opening and closing ---- */

static int iocp_open_port(rondo_loop *loop)
{
    assert(!loop->backend_data);
    struct iocp *p = loop_alloc(loop, sizeof *p);
    if (!p)
        return error_set(RONDO_ENOMEM, "loop_new: out of memory");
    memset(p, 0, sizeof *p);
    p->port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    if (!p->port) {
        int error = error_os(error_from_os(GetLastError()),
                             "loop_new: CreateIoCompletionPort");
        loop_free(loop, p);
        return error;
    }
    p->timer = CreateWaitableTimerExW(
        NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, TIMER_ALL_ACCESS);
    loop->backend_data = p;
    return 0;
}

static void iocp_close_port(rondo_loop *loop)
{
    struct iocp *p = iocp_of(loop);
    assert(p->port);
    if (p->afd)
        CloseHandle(p->afd);
    if (p->timer)
        CloseHandle(p->timer);
    CloseHandle(p->port);
    loop_free(loop, p);
    loop->backend_data = NULL;
}

static int iocp_reopen(rondo_loop *loop)
{
    (void)loop;
    return 0; /* Windows has no fork */
}

const struct backend backend_iocp = {
    .name = "iocp",
    .accepts = 4,
    .sends_files = true,
    .moved_mode = MODE_MOVED,
    .cannot = UINT64_C(1) << RONDO_CAN_DETACH,
    .open = iocp_open_port,
    .close = iocp_close_port,
    .reopen = iocp_reopen,
    .attach = iocp_attach,
    .detach = iocp_detach,
    .submit = iocp_submit,
    .cancel = iocp_cancel,
    .wait = iocp_wait,
    .wake = iocp_wake,
    .resolution = iocp_resolution,
    .embed = iocp_embed,
};
#endif
