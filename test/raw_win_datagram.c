/* raw_win_datagram.c - raw_datagram.h on Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_datagram.h"
#include "raw_win.h"

#include <string.h>

/* ---- sockets ------------------------------------------------------------ */

static const struct sockaddr *native_of(const rondo_address *address, int *size)
{
    size_t n = 0;
    const struct sockaddr *native = rondo_address_native(address, &n);

    *size = (int)n;
    return native;
}

raw_fd raw_datagram_at(const rondo_address *address, bool shared)
{
    int size;
    const struct sockaddr *native = native_of(address, &size);
    raw_fd fd = win_new_socket(native->sa_family, SOCK_DGRAM);
    DWORD on = 1;

    if (shared)
        (void)setsockopt(win_socket_of(fd), SOL_SOCKET, SO_REUSEADDR,
                         (const char *)&on, sizeof on);
    if (native->sa_family == AF_INET6)
        (void)setsockopt(win_socket_of(fd), IPPROTO_IPV6, IPV6_V6ONLY,
                         (const char *)&on, sizeof on);
    if (bind(win_socket_of(fd), native, size) == 0)
        return fd;
    raw_close(fd);
    return RONDO_NO_FD;
}

raw_fd raw_datagram_path(const char *path)
{
    (void)path;
    return RONDO_NO_FD;
}

bool raw_datagram_connect(raw_fd fd, const rondo_address *to)
{
    int size;
    const struct sockaddr *native = native_of(to, &size);

    return connect(win_socket_of(fd), native, size) == 0;
}

void raw_datagram_address(raw_fd fd, rondo_address *address)
{
    struct sockaddr_storage native;
    int size = sizeof native;

    memset(&native, 0, sizeof native);
    (void)getsockname(win_socket_of(fd), (struct sockaddr *)&native, &size);
    (void)rondo_address_from_native(address, &native, (size_t)size);
}

static ptrdiff_t failure(void)
{
    return WSAGetLastError() == WSAEWOULDBLOCK ? RAW_AGAIN : RAW_FAILED;
}

ptrdiff_t raw_send_to(raw_fd fd, const void *data, size_t size,
                      const rondo_address *to)
{
    WSABUF part = {(ULONG)size, (CHAR *)(uintptr_t)data};
    const struct sockaddr *native = NULL;
    int native_size = 0;
    DWORD sent = 0;

    if (to)
        native = native_of(to, &native_size);
    /* not sendto, which may have been told to fail */
    if (WSASendTo(win_socket_of(fd), &part, 1, &sent, 0, native, native_size,
                  NULL, NULL) != 0)
        return failure();
    return (ptrdiff_t)sent;
}

ptrdiff_t raw_recv_from(raw_fd fd, void *data, size_t size, rondo_address *from,
                        int timeout_ms)
{
    struct sockaddr_storage native;
    int native_size = sizeof native, n;

    if (!win_wait_for(fd, true, timeout_ms))
        return RAW_AGAIN;
    memset(&native, 0, sizeof native);
    n = recvfrom(win_socket_of(fd), data, (int)size, 0,
                 (struct sockaddr *)&native, &native_size);
    if (n >= 0 && from)
        (void)rondo_address_from_native(from, &native, (size_t)native_size);
    return n < 0 ? failure() : n;
}

static int read_option(raw_fd fd, int name, int name6)
{
    struct sockaddr_storage a;
    int size = sizeof a;
    DWORD value = 0;
    int value_size = sizeof value;

    memset(&a, 0, sizeof a);
    if (getsockname(win_socket_of(fd), (struct sockaddr *)&a, &size) != 0)
        return -1;
    if (getsockopt(win_socket_of(fd),
                   a.ss_family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
                   a.ss_family == AF_INET6 ? name6 : name, (char *)&value,
                   &value_size) != 0)
        return -1;
    return (int)value;
}

int raw_multicast_ttl(raw_fd fd)
{
    return read_option(fd, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS);
}

int raw_multicast_loop(raw_fd fd)
{
    return read_option(fd, IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP);
}

/* An overlapped receive, and whether it ends in time. */
static bool receive_ends(raw_fd fd, raw_fd from, const rondo_address *to)
{
    OVERLAPPED o;
    char byte;
    WSABUF room = {1, &byte};
    DWORD flags = 0;
    bool ends;

    memset(&o, 0, sizeof o);
    o.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    (void)WSARecv(win_socket_of(fd), &room, 1, NULL, &flags, &o, NULL);
    (void)raw_send_to(from, "x", 1, to);
    ends = WaitForSingleObject(o.hEvent, 1000) == WAIT_OBJECT_0;
    if (!ends && CancelIoEx(win_handle_of(fd), &o))
        (void)WaitForSingleObject(o.hEvent, 1000);
    (void)CloseHandle(o.hEvent);
    return ends;
}

bool raw_waits_after_unreachable(void)
{
    raw_fd here = raw_udp(), there = raw_udp();
    rondo_address a, b;
    bool ends;

    raw_datagram_address(there, &a);
    raw_datagram_address(here, &b);
    raw_close(there);
    ends = raw_datagram_connect(here, &a) && receive_ends(here, here, NULL);
    there = raw_datagram_at(&a, false);
    ends = ends && receive_ends(here, there, &b);
    raw_close(there);
    raw_close(here);
    return ends;
}

/* ---- paths -------------------------------------------------------------- */

bool raw_path_new(char *path, size_t size)
{
    (void)path;
    (void)size;
    return false;
}

void raw_path_drop(const char *path)
{
    (void)path;
}

bool raw_path_forget(const char *path)
{
    (void)path;
    return false;
}

bool raw_path_is_there(const char *path)
{
    (void)path;
    return false;
}

bool raw_path_put_file(const char *path)
{
    (void)path;
    return false;
}
