/* net.c - sockets, as sys.h asks for them: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/win.h"

#include <limits.h>
#include <string.h>

/* Windows 7 has it since its first service pack. */
#ifndef WSA_FLAG_NO_HANDLE_INHERIT
#define WSA_FLAG_NO_HANDLE_INHERIT 0x80
#endif

static BOOL CALLBACK win_net_start_winsock(INIT_ONCE *once, void *arg,
                                           void **context)
{
    WSADATA data;
    (void)once;
    (void)arg;
    (void)context;
    /* without a WSACleanup: a socket may live as long as the process does */
    return WSAStartup(MAKEWORD(2, 2), &data) == 0;
}

void win_start(void)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    /* where it fails, the calls that follow fail with WSANOTINITIALISED, and
     * the next win_start tries again */
    (void)InitOnceExecuteOnce(&once, win_net_start_winsock, NULL, NULL);
}

int win_fail(void)
{
    int os_error = WSAGetLastError();
    return os_error == WSAEWOULDBLOCK ? RONDO_EAGAIN : error_from_os(os_error);
}

/* The error of a receive or a send that has just failed. */
static int win_net_fail_stream(void)
{
    int os_error = WSAGetLastError();
    if (os_error == WSAEWOULDBLOCK)
        return RONDO_EAGAIN;
    (void)error_from_os(os_error);
    return win_stream_error(os_error);
}

/* ---- what is it? ---- */

static int win_net_int_option(sys_fd fd, int level, int name)
{
    int value = -1, size = sizeof value;
    return getsockopt(fd, level, name, (char *)&value, &size) == 0 ? value : -1;
}

static enum sys_kind win_net_handle_kind(HANDLE handle)
{
    DWORD flags;
    if (!GetHandleInformation(handle, &flags))
        return SYS_KIND_BAD;
    return GetFileType(handle) == FILE_TYPE_DISK ? SYS_KIND_FILE
                                                 : SYS_KIND_OTHER;
}

bool win_knows_socket(sys_fd fd)
{
    win_start();
    return win_net_int_option(fd, SOL_SOCKET, SO_TYPE) >= 0;
}

enum sys_kind sys_kind(sys_fd fd)
{
    /* the kernel ignores the lowest two bits: two numbers, one handle */
    if (!fd || fd == SYS_NO_FD || fd & 3)
        return SYS_KIND_BAD;
    win_start();
    int type = win_net_int_option(fd, SOL_SOCKET, SO_TYPE);
    if (type < 0)
        return win_net_handle_kind((HANDLE)fd);
    if (type != SOCK_STREAM)
        return type == SOCK_DGRAM ? SYS_KIND_DATAGRAM : SYS_KIND_SOCKET;
    return win_net_int_option(fd, SOL_SOCKET, SO_ACCEPTCONN) > 0
               ? SYS_KIND_LISTENER
               : SYS_KIND_STREAM;
}

bool sys_is_directory(sys_fd fd)
{
    BY_HANDLE_FILE_INFORMATION facts;
    return GetFileInformationByHandle((HANDLE)fd, &facts) &&
           facts.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY;
}

sys_fd sys_stdio(int which)
{
    static const DWORD names[] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE,
                                  STD_ERROR_HANDLE};
    HANDLE handle = GetStdHandle(names[which]);
    return handle ? (sys_fd)handle : SYS_NO_FD;
}

/* ---- making ---- */

int win_family(rondo_family family)
{
    switch (family) {
    case RONDO_FAMILY_INET:
        return AF_INET;
    case RONDO_FAMILY_INET6:
        return AF_INET6;
    case RONDO_FAMILY_UNIX:
    case RONDO_FAMILY_ANY:
        break;
    }
    return AF_UNSPEC;
}

int sys_adopt(sys_fd fd)
{
    u_long on = 1;
    return ioctlsocket(fd, (long)FIONBIO, &on) != 0 ? win_fail() : 0;
}

/* Winsock does not tell: the socket is made non-blocking. */
int sys_check_nonblocking(sys_fd fd)
{
    switch (sys_kind(fd)) {
    case SYS_KIND_BAD:
        return error_from_os(ERROR_INVALID_HANDLE);
    case SYS_KIND_FILE:
    case SYS_KIND_OTHER:
        return error_from_os(WSAENOTSOCK);
    default:
        return sys_adopt(fd);
    }
}

/* Closes a socket that cannot be made non-blocking. */
static int win_net_keep(SOCKET made, sys_fd *fd)
{
    *fd = SYS_NO_FD;
    if (made == INVALID_SOCKET)
        return win_fail();
    int error = sys_adopt(made);
    if (error)
        sys_close(made);
    else
        *fd = made;
    return error;
}

int win_socket(int family, int type, int protocol, sys_fd *fd)
{
    win_start();
    return win_net_keep(
        WSASocketW(family, type, protocol, NULL, 0,
                   WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT),
        fd);
}

int sys_socket_stream(rondo_family family, sys_fd *fd)
{
    int native = win_family(family);
    if (native == AF_UNSPEC) {
        *fd = SYS_NO_FD;
        return error_from_os(WSAEAFNOSUPPORT);
    }
    return win_socket(native, SOCK_STREAM, IPPROTO_TCP, fd);
}

int sys_option(sys_fd fd, enum sys_option option, int value)
{
    static const struct {
        int level, name;
    } natives[] = {
        [SYS_SHARE_ADDRESS] = {SOL_SOCKET, SO_REUSEADDR},
        [SYS_EXCLUSIVE] = {SOL_SOCKET, SO_EXCLUSIVEADDRUSE},
        [SYS_V6ONLY] = {IPPROTO_IPV6, IPV6_V6ONLY},
        [SYS_NO_DELAY] = {IPPROTO_TCP, TCP_NODELAY},
        [SYS_KEEP_ALIVE] = {SOL_SOCKET, SO_KEEPALIVE},
        [SYS_BROADCAST] = {SOL_SOCKET, SO_BROADCAST},
        [SYS_MULTICAST_TTL] = {IPPROTO_IP, IP_MULTICAST_TTL},
        [SYS_MULTICAST_LOOP] = {IPPROTO_IP, IP_MULTICAST_LOOP},
        [SYS_MULTICAST_TTL6] = {IPPROTO_IPV6, IPV6_MULTICAST_HOPS},
        [SYS_MULTICAST_LOOP6] = {IPPROTO_IPV6, IPV6_MULTICAST_LOOP},
        [SYS_RECEIVE_BUFFER] = {SOL_SOCKET, SO_RCVBUF},
        [SYS_SEND_BUFFER] = {SOL_SOCKET, SO_SNDBUF},
    };
    switch (option) {
    case SYS_REUSE_ADDRESS:
        return 0; /* SO_REUSEADDR lets anybody share the port on Windows */
    case SYS_REUSE_PORT:
        error_no_os();
        return RONDO_ENOTSUP;
    case SYS_UNREACHABLE:
        win_tell_unreachable(fd, value);
        return 0;
    default:
        break;
    }
    DWORD native = (DWORD)value;
    if (setsockopt(fd, natives[option].level, natives[option].name,
                   (const char *)&native, sizeof native) != 0)
        return win_fail();
    return 0;
}

static const struct sockaddr *win_net_native_of(const rondo_address *address)
{
    return (const struct sockaddr *)(const void *)&address->native;
}

int sys_bind(sys_fd fd, const rondo_address *address)
{
    if (bind(fd, win_net_native_of(address), (int)address->native_size) == 0)
        return 0;
    int error = win_fail();
    /* WSAEACCES: a socket with SO_EXCLUSIVEADDRUSE has the port */
    return error == RONDO_EACCES ? RONDO_EADDRINUSE : error;
}

int sys_listen(sys_fd fd, int backlog)
{
    return listen(fd, backlog > 0 ? backlog : SOMAXCONN) != 0 ? win_fail() : 0;
}

int sys_accept(sys_fd fd, sys_fd *accepted, rondo_address *peer)
{
    int size = sizeof peer->native;
    SOCKET made = accept(fd, (struct sockaddr *)(void *)&peer->native, &size);
    peer->native_size = (uint32_t)size;
    peer->reserved = 0;
    int error = win_net_keep(made, accepted);
    if (!error)
        (void)SetHandleInformation((HANDLE)made, HANDLE_FLAG_INHERIT, 0);
    /* Wine says WSAENOTCONN of a client that has left already */
    return error == RONDO_ENOTCONN ? RONDO_ECONNABORTED : error;
}

/* ---- connecting ---- */

/* Wine reports some resets as an end; WSAPoll still reports an error. It is
 * asked once for each connection, when that ends or did not begin. */
static bool win_net_was_reset(sys_fd fd)
{
    WSAPOLLFD asked = {.fd = fd, .events = POLLRDNORM};
    return WSAPoll(&asked, 1, 0) == 1 && asked.revents & POLLERR;
}

int sys_connect(sys_fd fd, const rondo_address *address)
{
    if (connect(fd, win_net_native_of(address), (int)address->native_size) != 0)
        return win_fail();
    return 0;
}

int sys_connect_result(sys_fd fd)
{
    int os_error = win_net_int_option(fd, SOL_SOCKET, SO_ERROR);
    if (os_error > 0)
        return error_from_os(os_error);
    struct sockaddr_storage peer;
    int size = sizeof peer;
    if (os_error < 0)
        return win_fail();
    if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0)
        return 0;
    if (WSAGetLastError() != WSAENOTCONN)
        return win_fail();
    return win_net_was_reset(fd) ? error_from_os(WSAECONNRESET) : RONDO_EAGAIN;
}

/* ---- bytes ---- */

static int win_net_int_size(size_t size)
{
    return size < INT_MAX ? (int)size : INT_MAX;
}

static int64_t win_net_end_or_reset(sys_fd fd)
{
    return win_net_was_reset(fd) ? error_from_os(WSAECONNRESET) : 0;
}

int64_t sys_recv(sys_fd fd, void *data, size_t size)
{
    int count = recv(fd, data, win_net_int_size(size), 0);
    if (count > 0)
        return count;
    if (count < 0 && WSAGetLastError() == WSAEMSGSIZE)
        return win_net_int_size(size); /* Winsock has dropped the rest */
    return count < 0 ? win_net_fail_stream()
           : size    ? win_net_end_or_reset(fd)
                     : 0;
}

int64_t sys_recvv(sys_fd fd, const rondo_room *rooms, size_t count)
{
    WSABUF parts[SYS_ROOMS];
    DWORD used = 0, got = 0, flags = 0;
    size_t left = INT_MAX;
    for (size_t i = 0; i < count && used < SYS_ROOMS && left; i++) {
        size_t size = rooms[i].size < left ? rooms[i].size : left;
        parts[used].buf = rooms[i].data;
        parts[used++].len = (ULONG)size;
        left -= size;
    }
    if (WSARecv(fd, parts, used, &got, &flags, NULL, NULL) != 0)
        return win_net_fail_stream();
    return got ? (int64_t)got : win_net_end_or_reset(fd);
}

int64_t sys_send(sys_fd fd, const void *data, size_t size)
{
    int count = send(fd, data, win_net_int_size(size), 0);
    return count < 0 ? win_net_fail_stream() : count;
}

int64_t sys_sendv(sys_fd fd, const rondo_buffer *buffers, size_t count)
{
    WSABUF parts[64];
    DWORD used = 0, sent = 0;
    size_t left = INT_MAX;
    for (size_t i = 0; i < count && used < 64 && left; i++) {
        size_t size = buffers[i].size < left ? buffers[i].size : left;
        parts[used].buf = (CHAR *)(uintptr_t)buffers[i].data;
        parts[used++].len = (ULONG)size;
        left -= size;
    }
    if (WSASend(fd, parts, used, &sent, 0, NULL, NULL) != 0)
        return win_net_fail_stream();
    return sent;
}

/* ---- ending ---- */

int sys_shutdown_write(sys_fd fd)
{
    return shutdown(fd, SD_SEND) != 0 ? win_fail() : 0;
}

void sys_reset_on_close(sys_fd fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, (const char *)&now, sizeof now);
}

void sys_close(sys_fd fd)
{
    DWORD before = GetLastError();
    if (fd != SYS_NO_FD)
        (void)closesocket(fd);
    SetLastError(before);
}

/* ---- addresses ---- */

static int win_net_name_of(sys_fd fd, rondo_address *address,
                           int(WSAAPI *ask)(SOCKET, struct sockaddr *, int *))
{
    int size = sizeof address->native;
    memset(address, 0, sizeof *address);
    if (ask(fd, (struct sockaddr *)(void *)&address->native, &size) != 0)
        return win_fail();
    address->native_size = (uint32_t)size;
    return 0;
}

int sys_local_address(sys_fd fd, rondo_address *address)
{
    return win_net_name_of(fd, address, getsockname);
}

int sys_peer_address(sys_fd fd, rondo_address *address)
{
    return win_net_name_of(fd, address, getpeername);
}
#endif
