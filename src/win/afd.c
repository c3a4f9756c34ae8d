/* afd.c - readiness of the program's own sockets, on a completion port. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/iocp.h"

#include <string.h>
#include <winternl.h>

/* afd.sys, the driver under Winsock, answers this request when a socket is
 * ready; select itself sends it. The headers do not have its structures. */
#define IOCTL_AFD_POLL 0x00012024UL

enum {
    AFD_RECEIVE = 0x0001,
    AFD_RECEIVE_EXPEDITED = 0x0002,
    AFD_SEND = 0x0004,
    AFD_DISCONNECT = 0x0008,
    AFD_ABORT = 0x0010,
    AFD_LOCAL_CLOSE = 0x0020,
    AFD_ACCEPT = 0x0080,
    AFD_CONNECT_FAIL = 0x0100
};

struct afd_poll {
    LARGE_INTEGER timeout;
    ULONG handles;
    ULONG exclusive;
    HANDLE handle;
    ULONG events;
    NTSTATUS status;
};

_Static_assert(sizeof(struct afd_poll) <= sizeof(((struct op *)0)->sys.u.poll),
               "an operation holds a poll");

static int afd_open_afd(struct iocp *p)
{
    assert(!p->afd);
    assert(p->port);
    static const WCHAR name[] = L"\\Device\\Afd\\Rondo";
    UNICODE_STRING path = {sizeof name - sizeof *name, sizeof name,
                           (WCHAR *)(uintptr_t)name};
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    HANDLE afd;
    InitializeObjectAttributes(&attributes, &path, 0, NULL, NULL);
    NTSTATUS status =
        NtCreateFile(&afd, SYNCHRONIZE, &attributes, &block, NULL, 0,
                     FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, 0, NULL, 0);
    if (status < 0)
        return error_os(error_from_os(RtlNtStatusToDosError(status)),
                        "watching sockets needs the AFD driver (backend "
                        "\"select\" does not)");
    if (!CreateIoCompletionPort(afd, p->port, 0, 0)) {
        int error = error_from_os(GetLastError());
        CloseHandle(afd);
        return error;
    }
    p->afd = afd;
    return 0;
}

/* The driver knows only the system's own socket, which a layered provider may
 * have wrapped. */
static SOCKET afd_base_socket(SOCKET socket)
{
    assert(socket != SYS_NO_FD);
    const DWORD base_handle = 0x48000022; /* SIO_BASE_HANDLE */
    SOCKET base = INVALID_SOCKET;
    DWORD count = 0;
    if (WSAIoctl(socket, base_handle, NULL, 0, &base, sizeof base, &count, NULL,
                 NULL) != 0)
        return socket;
    return base;
}

static ULONG afd_watched(const struct op *op)
{
    ULONG wanted = AFD_ABORT | AFD_CONNECT_FAIL | AFD_LOCAL_CLOSE;
    if (op->size & RONDO_READABLE)
        wanted |= AFD_RECEIVE | AFD_DISCONNECT | AFD_ACCEPT;
    if (op->size & RONDO_WRITABLE)
        wanted |= AFD_SEND;
    if (op->size & RONDO_PRIORITY)
        wanted |= AFD_RECEIVE_EXPEDITED;
    if (op->size & RONDO_HALF_CLOSED)
        wanted |= AFD_DISCONNECT;
    return wanted;
}

static unsigned afd_events_of(ULONG got)
{
    const ULONG wrong = AFD_ABORT | AFD_CONNECT_FAIL;
    const ULONG reads = AFD_RECEIVE | AFD_DISCONNECT | AFD_ACCEPT;
    return (got & (reads | wrong) ? RONDO_READABLE : 0U) |
           (got & (AFD_SEND | wrong) ? RONDO_WRITABLE : 0U) |
           (got & AFD_RECEIVE_EXPEDITED ? RONDO_PRIORITY : 0U) |
           (got & AFD_DISCONNECT ? RONDO_HALF_CLOSED : 0U) |
           (got & wrong ? RONDO_ERROR : 0U);
}

static ULONG afd_wanted(const struct op *op)
{
    assert(op->task.kind != OP_ACCEPT && op->task.kind != OP_CONNECT);
    if (op->task.kind == OP_WATCH)
        return afd_watched(op);
    if (op_index(op->task.kind) == 0)
        return AFD_RECEIVE | AFD_DISCONNECT | AFD_ABORT | AFD_ACCEPT |
               AFD_CONNECT_FAIL | AFD_LOCAL_CLOSE;
    return AFD_SEND | AFD_ABORT | AFD_CONNECT_FAIL | AFD_LOCAL_CLOSE;
}

static int afd_start_poll(rondo_loop *loop, struct op *op)
{
    assert(op->io->owner != IO_CHILD);
    struct iocp *p = iocp_of(loop);
    int error = p->afd ? 0 : afd_open_afd(p);
    if (error)
        return error;
    assert(p->afd);
    struct afd_poll poll = {.timeout.QuadPart = INT64_MAX,
                            .handles = 1,
                            .handle = (HANDLE)afd_base_socket(op->io->fd),
                            .events = afd_wanted(op)};
    memcpy(op->sys.u.poll, &poll, sizeof poll);
    OVERLAPPED *o = iocp_overlapped(op);
    NTSTATUS status = NtDeviceIoControlFile(
        p->afd, NULL, NULL, o, (IO_STATUS_BLOCK *)(void *)o, IOCTL_AFD_POLL,
        op->sys.u.poll, sizeof poll, op->sys.u.poll, sizeof poll);
    if (status >= 0) /* ended or pending: a packet comes in either case */
        return 0;
    return error_os(error_from_os(RtlNtStatusToDosError(status)), "socket %lld",
                    (long long)op->io->fd);
}

void afd_start(rondo_loop *loop, struct op *op)
{
    assert(iocp_is_pending(op));
    assert(!(op->sys.flags & (IOCP_AFD | IOCP_PIPE | IOCP_CHILD)));
    op->sys.flags |= IOCP_AFD;
    int error = afd_start_poll(loop, op);
    if (error)
        iocp_fail(loop, op, error);
}

int afd_result(rondo_loop *loop, struct op *op)
{
    const IO_STATUS_BLOCK *block = (const void *)iocp_overlapped(op);
    struct afd_poll poll;
    (void)loop;
    assert(iocp_of(loop)->afd);
    assert(op->sys.flags & IOCP_AFD);
    error_no_os(); /* the refusals below are no system call's */
    if (op->sys.flags & IOCP_CANCELLED)
        return RONDO_ECANCELED;
    if (block->Status < 0)
        return error_from_os(RtlNtStatusToDosError(block->Status));
    memcpy(&poll, op->sys.u.poll, sizeof poll);
    if (poll.handles && poll.events & AFD_LOCAL_CLOSE)
        return RONDO_EBADF; /* the program has closed it */
    if (op->task.kind == OP_WATCH && poll.handles)
        op->io->seen |= (unsigned char)(afd_events_of(poll.events) &
                                        (op->size | WATCH_ALWAYS));
    return 0;
}
#endif
