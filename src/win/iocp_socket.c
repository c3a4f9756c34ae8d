/* iocp_socket.c - the socket operations of the completion port. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "win/iocp.h"

#include <string.h>

static DWORD iocp_socket_answer(int result)
{
    return result == 0 ? 0 : (DWORD)WSAGetLastError();
}

/* What the system's error means to this kind of operation. */
static int iocp_socket_error(const struct op *op, DWORD os_error)
{
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
    if (!os_error || os_error == ERROR_IO_PENDING)
        iocp_begun(loop, op, os_error);
    else
        iocp_fail(loop, op, iocp_socket_error(op, os_error));
}

/* ---- starting ---- */

/* Of no bytes: it ends when there is something to read, and holds no buffer
 * until then. The handle reads it itself. */
static void iocp_socket_start_read(rondo_loop *loop, struct op *op)
{
    WSABUF nothing = {0, NULL};
    DWORD flags = 0;
    iocp_socket_begun(
        loop, op,
        iocp_socket_answer(WSARecv(op->io->fd, &nothing, 1, NULL, &flags,
                                   iocp_overlapped(op), NULL)));
}

/* The same, as a look: taken without room, a datagram would be gone. That it
 * had no room is an error to Winsock, but a warning to the kernel, after which
 * a packet comes as after success. */
static void iocp_socket_start_receive(rondo_loop *loop, struct op *op)
{
    WSABUF nothing = {0, NULL};
    DWORD flags = MSG_PEEK;
    DWORD os_error = iocp_socket_answer(WSARecv(
        op->io->fd, &nothing, 1, NULL, &flags, iocp_overlapped(op), NULL));
    iocp_socket_begun(loop, op, os_error == WSAEMSGSIZE ? 0 : os_error);
}

/* An overlapped send locks the bytes in memory, which the system may refuse. A
 * send that does not wait copies them: so that one is tried when the socket is
 * ready. */
static void iocp_socket_start_write(rondo_loop *loop, struct op *op)
{
    const size_t most = 1U << 30;
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
    return (struct accept_op *)(void *)op;
}

/* AcceptEx writes both addresses where the peer's belongs: nobody reads it
 * before the operation is done, and then it is asked for again. */
static void iocp_socket_start_accept(rondo_loop *loop, struct op *op)
{
    struct accept_op *a = iocp_socket_accept_of(op);
    int error =
        sys_socket_stream(iocp_socket_family_of(op->io->fd), &a->accepted);
    if (error) {
        iocp_fail(loop, op, error);
        return;
    }
    DWORD count = 0;
    BOOL done =
        AcceptEx(op->io->fd, a->accepted, a->peer.native.bytes, 0, IOCP_ADDRESS,
                 IOCP_ADDRESS, &count, iocp_overlapped(op));
    DWORD os_error = done ? 0 : (DWORD)WSAGetLastError();
    if (os_error && os_error != ERROR_IO_PENDING)
        sys_close(a->accepted);
    iocp_socket_begun(loop, op, os_error);
}

/* Found once for each call: it is not where a program's time goes. */
static LPFN_CONNECTEX iocp_socket_connect_function(sys_fd fd)
{
    GUID id = WSAID_CONNECTEX;
    LPFN_CONNECTEX function = NULL;
    DWORD count = 0;
    if (WSAIoctl(fd, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id,
                 &function, sizeof function, &count, NULL, NULL) != 0)
        return NULL;
    return function;
}

/* ConnectEx wants a socket that is bound. */
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

/* Of a copy of the file: it may go on when the program has closed its own. */
static void iocp_socket_start_sendfile(rondo_loop *loop, struct op *op)
{
    const struct sys_part *part = op->buffer;
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
    /* Wine's words for a connection that was reset */
    iocp_socket_begun(loop, op,
                      os_error == WSAENOTCONN ? WSAECONNRESET : os_error);
}

void iocp_start(rondo_loop *loop, struct op *op)
{
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

/* Until told whose child it is, an accepted socket answers no question. */
static int iocp_socket_finish_accept(struct op *op, int error)
{
    struct accept_op *a = iocp_socket_accept_of(op);
    SOCKET listener = op->io->fd;
    if (!error && setsockopt(a->accepted, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                             (const char *)&listener, sizeof listener) != 0)
        error = error_from_os(WSAGetLastError());
    if (!error)
        error = sys_peer_address(a->accepted, &a->peer);
    if (error) {
        sys_close(a->accepted);
        /* it came and has gone */
        return error == RONDO_ENOTCONN ? RONDO_ECONNABORTED : error;
    }
    op->count = 1;
    return 0;
}

static int iocp_socket_finish_connect(struct op *op, int error)
{
    if (error)
        return error;
    if (setsockopt(op->io->fd, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL,
                   0) != 0)
        return error_from_os(WSAGetLastError());
    return 0;
}

/* How it ended, before its kind is asked. */
static int iocp_socket_outcome(const struct op *op, DWORD os_error)
{
    if (!os_error)
        return 0;
    int error = iocp_socket_error(op, os_error);
    if (error != RONDO_ECANCELED || op->sys.flags & IOCP_CANCELLED)
        return error;
    return RONDO_ECONNRESET; /* the peer has aborted it, and not the loop */
}

/* A TransmitFile that fails may have sent a part. That part counts, or it would
 * be sent once more; the next one meets the error. */
static int iocp_socket_finish_sendfile(struct op *op, int error, DWORD count)
{
    sys_file_close((sys_fd)op->sys.u.file);
    op->count = count;
    return count ? 0 : error;
}

int iocp_result(rondo_loop *loop, struct op *op)
{
    DWORD count = 0, flags = 0, os_error = 0;
    (void)loop;
    if (op->io->fd == SYS_NO_FD)
        os_error = ERROR_OPERATION_ABORTED; /* a listener, closed before */
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
        op->count = count;
        return error;
    case OP_RECEIVE:
        /* the look had no room for a datagram: there is one */
        return error == RONDO_EMSGSIZE ? 0 : error;
    case OP_SEND:
        op->count = !error;
        return error;
    default:
        /* reading meets the error, after all bytes that came before it */
        return error == RONDO_ECANCELED ? error : 0;
    }
}
