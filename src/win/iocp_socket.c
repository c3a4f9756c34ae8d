/* iocp_socket.c - the socket operations of the completion port. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/iocp.h"

#include <limits.h>

static DWORD iocp_socket_answer(int result)
{
    return result == 0 ? 0 : (DWORD)WSAGetLastError();
}

/* What the system's error means to this kind of operation. */
static int iocp_socket_error(const struct op *op, DWORD os_error)
{
    assert(os_error && os_error != ERROR_IO_PENDING);
    int error = error_from_os(os_error);
    switch (op->task.kind) {
    case OP_READ:
    case OP_WRITE:
    case OP_SENDFILE:
        return win_stream_error((int)os_error);
    case OP_RECEIVE:
    case OP_SEND:
        return win_datagram_error(error);
    default:
        return error;
    }
}

static void iocp_socket_begun(rondo_loop *loop, struct op *op, DWORD os_error)
{
    assert(!(op->sys.flags & (IOCP_PIPE | IOCP_CHILD)));
    if (!os_error || os_error == ERROR_IO_PENDING)
        iocp_begun(loop, op, os_error);
    else
        iocp_fail(loop, op, iocp_socket_error(op, os_error));
}

/* ---- starting ---- */

/* A receive of no bytes ends when there is something to read, and holds no
 * buffer until then. The handle then reads. */
static void iocp_socket_start_read(rondo_loop *loop, struct op *op)
{
    WSABUF nothing = {0, NULL};
    DWORD flags = 0;
    assert(op->task.kind == OP_READ);
    assert(op->io->owner == IO_TRANSPORT);
    iocp_socket_begun(
        loop, op,
        iocp_socket_answer(WSARecv(op->io->fd, &nothing, 1, NULL, &flags,
                                   iocp_overlapped(op), NULL)));
}

/* The same with MSG_PEEK: a receive of no bytes would take the datagram out of
 * the socket and lose it. WSAEMSGSIZE is an error to Winsock but a warning to
 * the kernel, and after a warning Windows sends a packet. */
static void iocp_socket_start_receive(rondo_loop *loop, struct op *op)
{
    WSABUF nothing = {0, NULL};
    DWORD flags = MSG_PEEK;
    assert(op->task.kind == OP_RECEIVE);
    assert(op->io->owner == IO_DATAGRAM);
    DWORD os_error = iocp_socket_answer(WSARecv(
        op->io->fd, &nothing, 1, NULL, &flags, iocp_overlapped(op), NULL));
    iocp_socket_begun(loop, op, os_error == WSAEMSGSIZE ? 0 : os_error);
}

/* An overlapped send locks its bytes in memory, and Windows may have no room
 * for that (WSAENOBUFS). A send without OVERLAPPED copies them: the operation
 * then waits for readiness, and the handle tries that send. */
static void iocp_socket_start_write(rondo_loop *loop, struct op *op)
{
    const size_t most = 1U << 30;
    assert(op->task.kind == OP_WRITE);
    assert(op->buffer && op->size);
    WSABUF bytes = {(ULONG)(op->size < most ? op->size : most),
                    (CHAR *)(uintptr_t)op->buffer};
    DWORD os_error = iocp_socket_answer(
        WSASend(op->io->fd, &bytes, 1, NULL, 0, iocp_overlapped(op), NULL));
    if (win_lacks_room(os_error))
        afd_start(loop, op);
    else
        iocp_socket_begun(loop, op, os_error);
}

static void iocp_socket_start_send(rondo_loop *loop, struct op *op)
{
    const struct sys_outgoing *o = op->buffer;
    assert(op->io->owner == IO_DATAGRAM);
    if (!o) { /* the handle will send: it waits until the socket is writable */
        afd_start(loop, op);
        return;
    }
    assert(o->size <= UINT16_MAX); /* what UDP can carry */
    WSABUF bytes = {(ULONG)o->size, (CHAR *)(uintptr_t)o->data};
    iocp_socket_begun(loop, op,
                      iocp_socket_answer(WSASendTo(op->io->fd, &bytes, 1, NULL,
                                                   0, o->to, (int)o->to_size,
                                                   iocp_overlapped(op), NULL)));
}

static rondo_family iocp_socket_family_of(sys_fd fd)
{
    rondo_address address;
    if (sys_local_address(fd, &address) != 0)
        return RONDO_FAMILY_ANY;
    return rondo_address_family(&address);
}

_Static_assert(2 * IOCP_ADDRESS <= sizeof(((struct accept_op *)0)->peer.native),
               "the peer's place holds both addresses of AcceptEx");

static struct accept_op *iocp_socket_accept_of(struct op *op)
{
    assert(op->task.kind == OP_ACCEPT);
    assert(op->io->owner == IO_SERVER);
    return (struct accept_op *)(void *)op;
}

/* AcceptEx writes both addresses to the place of the peer's. Nobody reads that
 * before the operation is done, and iocp_socket_finish_accept then asks for the
 * peer's address. */
static void iocp_socket_start_accept(rondo_loop *loop, struct op *op)
{
    struct accept_op *a = iocp_socket_accept_of(op);
    int error =
        sys_socket_stream(iocp_socket_family_of(op->io->fd), &a->accepted);
    if (error) {
        iocp_fail(loop, op, error);
        return;
    }
    assert(a->accepted != SYS_NO_FD);
    DWORD count = 0;
    BOOL done =
        AcceptEx(op->io->fd, a->accepted, a->peer.native.bytes, 0, IOCP_ADDRESS,
                 IOCP_ADDRESS, &count, iocp_overlapped(op));
    DWORD os_error = done ? 0 : (DWORD)WSAGetLastError();
    if (os_error && os_error != ERROR_IO_PENDING)
        sys_close(a->accepted);
    iocp_socket_begun(loop, op, os_error);
}

/* Asked for at each connect: the answer may differ from provider to provider,
 * and a connect takes far longer. */
static LPFN_CONNECTEX iocp_socket_connect_function(sys_fd fd)
{
    GUID id = WSAID_CONNECTEX;
    assert(fd != SYS_NO_FD);
    LPFN_CONNECTEX function = NULL;
    DWORD count = 0;
    if (WSAIoctl(fd, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id,
                 &function, sizeof function, &count, NULL, NULL) != 0)
        return NULL;
    return function;
}

/* ConnectEx refuses a socket that is not bound (WSAEINVAL). */
static int iocp_socket_bind_if_not(sys_fd fd, rondo_family family)
{
    rondo_address address;
    if (sys_local_address(fd, &address) == 0 && rondo_address_port(&address))
        return 0;
    (void)sys_address_any(&address, family, 0);
    return sys_bind(fd, &address);
}

static void iocp_socket_start_connect(rondo_loop *loop, struct op *op)
{
    const rondo_address *to = op->buffer;
    assert(op->task.kind == OP_CONNECT);
    assert(to && to->native_size);
    LPFN_CONNECTEX connect_ex = iocp_socket_connect_function(op->io->fd);
    int error = connect_ex ? iocp_socket_bind_if_not(op->io->fd,
                                                     rondo_address_family(to))
                           : error_from_os(WSAGetLastError());
    if (error) {
        iocp_fail(loop, op, error);
        return;
    }
    BOOL done =
        connect_ex(op->io->fd, (const struct sockaddr *)&to->native,
                   (int)to->native_size, NULL, 0, NULL, iocp_overlapped(op));
    iocp_socket_begun(loop, op, done ? 0 : (DWORD)WSAGetLastError());
}

/* Through a handle of the operation's own: TransmitFile may still run when the
 * program has closed its handle. */
static void iocp_socket_start_sendfile(rondo_loop *loop, struct op *op)
{
    const struct sys_part *part = op->buffer;
    assert(op->io->owner == IO_TRANSPORT);
    assert(part->offset >= 0);
    assert(part->size && part->size < INT_MAX); /* 0 is the whole file to it */
    OVERLAPPED *o = iocp_overlapped(op);
    sys_fd file;
    int error = sys_file_copy(part->file, &file);
    if (error) {
        iocp_fail(loop, op, error);
        return;
    }
    op->sys.u.file = (HANDLE)file;
    o->Offset = (DWORD)(uint64_t)part->offset;
    o->OffsetHigh = (DWORD)((uint64_t)part->offset >> 32);
    BOOL done = TransmitFile(op->io->fd, (HANDLE)file, (DWORD)part->size, 0, o,
                             NULL, 0);
    DWORD os_error = done ? 0 : (DWORD)WSAGetLastError();
    if (os_error && os_error != ERROR_IO_PENDING)
        sys_file_close(file);
    /* Wine says WSAENOTCONN of a connection that was reset */
    iocp_socket_begun(loop, op,
                      os_error == WSAENOTCONN ? WSAECONNRESET : os_error);
}

void iocp_start(rondo_loop *loop, struct op *op)
{
    assert(iocp_is_pending(op));
    assert(op->io->owner != IO_PIPE && op->io->owner != IO_CHILD);
    switch (op->task.kind) {
    case OP_READ:
        iocp_socket_start_read(loop, op);
        break;
    case OP_RECEIVE:
        iocp_socket_start_receive(loop, op);
        break;
    case OP_SEND:
        iocp_socket_start_send(loop, op);
        break;
    case OP_WRITE:
        iocp_socket_start_write(loop, op);
        break;
    case OP_SENDFILE:
        iocp_socket_start_sendfile(loop, op);
        break;
    case OP_ACCEPT:
        iocp_socket_start_accept(loop, op);
        break;
    default:
        iocp_socket_start_connect(loop, op);
        break;
    }
}

/* ---- ending ---- */

/* A socket that AcceptEx has accepted knows neither its options nor its
 * addresses before SO_UPDATE_ACCEPT_CONTEXT. */
static int iocp_socket_finish_accept(struct op *op, int error)
{
    struct accept_op *a = iocp_socket_accept_of(op);
    assert(a->accepted != SYS_NO_FD);
    SOCKET listener = op->io->fd;
    if (!error && setsockopt(a->accepted, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                             (const char *)&listener, sizeof listener) != 0)
        error = error_from_os(WSAGetLastError());
    if (!error)
        error = sys_peer_address(a->accepted, &a->peer);
    if (error) {
        sys_close(a->accepted);
        a->accepted = SYS_NO_FD;
        /* the client has come and has left again */
        return error == RONDO_ENOTCONN ? RONDO_ECONNABORTED : error;
    }
    op->count = 1;
    return 0;
}

static int iocp_socket_finish_connect(struct op *op, int error)
{
    assert(op->task.kind == OP_CONNECT);
    if (error)
        return error;
    if (setsockopt(op->io->fd, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL,
                   0) != 0)
        return error_from_os(WSAGetLastError());
    return 0;
}

/* The error that an operation of any kind has ended with. */
static int iocp_socket_outcome(const struct op *op, DWORD os_error)
{
    if (!os_error)
        return 0;
    int error = iocp_socket_error(op, os_error);
    assert(error < 0);
    if (error != RONDO_ECANCELED || op->sys.flags & IOCP_CANCELLED)
        return error;
    return RONDO_ECONNRESET; /* not the loop, but the peer has aborted it */
}

/* A TransmitFile that fails may have sent a part. The operation succeeds with
 * that part, or it would be sent once more; the next one meets the error. */
static int iocp_socket_finish_sendfile(struct op *op, int error, DWORD count)
{
    assert(op->task.kind == OP_SENDFILE);
    assert(op->sys.u.file);
    sys_file_close((sys_fd)op->sys.u.file);
    op->sys.u.file = NULL;
    op->count = count;
    return count ? 0 : error;
}

int iocp_result(rondo_loop *loop, struct op *op)
{
    DWORD count = 0, flags = 0, os_error = 0;
    (void)loop;
    assert(!(op->sys.flags & (IOCP_AFD | IOCP_PIPE | IOCP_CHILD)));
    assert(op->io->fd != SYS_NO_FD || op->io->owner == IO_SERVER);
    if (op->io->fd == SYS_NO_FD) /* the server has closed its listener */
        os_error = ERROR_OPERATION_ABORTED;
    else if (!WSAGetOverlappedResult(op->io->fd, iocp_overlapped(op), &count,
                                     FALSE, &flags))
        os_error = (DWORD)WSAGetLastError();
    int error = iocp_socket_outcome(op, os_error);
    switch (op->task.kind) {
    case OP_ACCEPT:
        return iocp_socket_finish_accept(op, error);
    case OP_CONNECT:
        return iocp_socket_finish_connect(op, error);
    case OP_SENDFILE:
        return iocp_socket_finish_sendfile(op, error, count);
    case OP_WRITE:
        assert(count <= op->size);
        op->count = count;
        return error;
    case OP_RECEIVE:
        /* the receive of no bytes had no room: so there is a datagram */
        return error == RONDO_EMSGSIZE ? 0 : error;
    case OP_SEND:
        op->count = !error;
        return error;
    default:
        /* the handle reads all bytes that came first, and then the error */
        return error == RONDO_ECANCELED ? error : 0;
    }
}
#endif
