/* raw_win.c - the sockets of raw.h on Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_win.h"

#include <string.h>

/* Winsock opens handles of its own at first use, which must not look as if a
 * test had leaked them: everything is used once, before the first snapshot. */
static void use_once(void)
{
    ADDRINFOW *list = NULL;
    raw_fd pair[2];
    char byte = 0;

    if (raw_pair(pair) == 0) {
        (void)raw_send(pair[0], &byte, 1);
        (void)raw_recv(pair[1], &byte, 1, 1000);
        raw_close(pair[0]);
        raw_close(pair[1]);
    }
    if (GetAddrInfoW(L"127.0.0.1", NULL, NULL, &list) == 0)
        FreeAddrInfoW(list);
}

void win_begin(void)
{
    static volatile LONG begun; /* the first test's thread is alone */
    WSADATA data;

    if (begun)
        return;
    begun = 1;
    win_keep_spare();
    (void)WSAStartup(MAKEWORD(2, 2), &data);
    use_once();
}

raw_fd win_new_socket(int family, int type)
{
    SOCKET s;

    win_begin();
    s = socket(family, type, 0);
    if (s != INVALID_SOCKET)
        (void)SetHandleInformation((HANDLE)s, HANDLE_FLAG_INHERIT, 0);
    return (raw_fd)s;
}

bool win_is_socket(raw_fd fd)
{
    int type = 0, size = sizeof type;

    win_begin();
    return getsockopt(win_socket_of(fd), SOL_SOCKET, SO_TYPE, (char *)&type,
                      &size) == 0;
}

struct sockaddr_in win_loopback(uint16_t port)
{
    struct sockaddr_in a;

    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static bool bind_loopback(raw_fd fd)
{
    struct sockaddr_in a = win_loopback(0);

    return bind(win_socket_of(fd), (struct sockaddr *)&a, sizeof a) == 0;
}

raw_fd raw_listen(uint16_t *port, int backlog)
{
    raw_fd fd = win_new_socket(AF_INET, SOCK_STREAM);

    if (fd == RONDO_NO_FD)
        return RONDO_NO_FD;
    if (!bind_loopback(fd) || listen(win_socket_of(fd), backlog) != 0) {
        raw_close(fd);
        return RONDO_NO_FD;
    }
    *port = raw_local_port(fd);
    return fd;
}

bool win_wait_for(raw_fd fd, bool reading, int timeout_ms)
{
    struct timeval t = {.tv_sec = timeout_ms / 1000,
                        .tv_usec = timeout_ms % 1000 * 1000};
    fd_set ready = {.fd_count = 1, .fd_array = {win_socket_of(fd)}};
    fd_set failed = ready;

    return select(0, reading ? &ready : NULL, reading ? NULL : &ready, &failed,
                  &t) > 0;
}

raw_fd raw_accept(raw_fd listener, int timeout_ms)
{
    SOCKET s;

    if (!win_wait_for(listener, true, timeout_ms))
        return RONDO_NO_FD;
    s = accept(win_socket_of(listener), NULL, NULL);
    if (s != INVALID_SOCKET)
        (void)SetHandleInformation((HANDLE)s, HANDLE_FLAG_INHERIT, 0);
    return (raw_fd)s;
}

static bool connect_to(raw_fd fd, uint16_t port)
{
    struct sockaddr_in a = win_loopback(port);

    return connect(win_socket_of(fd), (struct sockaddr *)&a, sizeof a) == 0;
}

raw_fd raw_connect(uint16_t port)
{
    raw_fd fd = win_new_socket(AF_INET, SOCK_STREAM);

    if (fd != RONDO_NO_FD && !connect_to(fd, port)) {
        raw_close(fd);
        return RONDO_NO_FD;
    }
    return fd;
}

int raw_pair_small(raw_fd pair[2], int bytes)
{
    uint16_t port = 0;
    raw_fd listener = raw_listen(&port, 1);

    pair[0] = win_new_socket(AF_INET, SOCK_STREAM);
    pair[1] = RONDO_NO_FD;
    if (bytes > 0) { /* the accepted socket inherits the listener's */
        raw_set_buffers(listener, bytes);
        raw_set_buffers(pair[0], bytes);
    }
    if (listener != RONDO_NO_FD && pair[0] != RONDO_NO_FD &&
        connect_to(pair[0], port))
        pair[1] = raw_accept(listener, 10000);
    raw_close(listener);
    if (pair[1] != RONDO_NO_FD)
        return 0;
    raw_close(pair[0]);
    return -1;
}

int raw_pair(raw_fd pair[2])
{
    return raw_pair_small(pair, 0);
}

raw_fd raw_udp(void)
{
    raw_fd fd = win_new_socket(AF_INET, SOCK_DGRAM);

    if (fd != RONDO_NO_FD && !bind_loopback(fd)) {
        raw_close(fd);
        return RONDO_NO_FD;
    }
    return fd;
}

static ptrdiff_t failure(void)
{
    switch (WSAGetLastError()) {
    case WSAEWOULDBLOCK:
        return RAW_AGAIN;
    case WSAECONNRESET:
    case WSAECONNABORTED:
    case WSAENETRESET:
    case WSAESHUTDOWN:
        return RAW_RESET;
    default:
        return RAW_FAILED;
    }
}

/* There is no MSG_DONTWAIT: the socket itself stops blocking, for good. */
ptrdiff_t raw_send(raw_fd fd, const void *data, size_t size)
{
    int n;

    raw_set_nonblocking(fd);
    n = send(win_socket_of(fd), data, (int)size, 0);
    return n < 0 ? failure() : n;
}

bool raw_send_all(raw_fd fd, const void *data, size_t size, int timeout_ms)
{
    const char *p = data;

    while (size > 0) {
        ptrdiff_t n = raw_send(fd, p, size);

        if (n == RAW_AGAIN && win_wait_for(fd, false, timeout_ms))
            continue;
        if (n < 0)
            return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

/* Wine shows a reset as an end; polling knows better. */
static bool is_reset(raw_fd fd)
{
    WSAPOLLFD p = {.fd = win_socket_of(fd), .events = POLLRDNORM};

    return WSAPoll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

ptrdiff_t raw_recv(raw_fd fd, void *data, size_t size, int timeout_ms)
{
    int n;

    if (!win_wait_for(fd, true, timeout_ms))
        return RAW_AGAIN;
    raw_set_nonblocking(fd);
    n = recv(win_socket_of(fd), data, (int)size, 0);
    if (n == 0 && is_reset(fd))
        return RAW_RESET;
    return n < 0 ? failure() : n;
}

bool raw_recv_exact(raw_fd fd, void *data, size_t size, int timeout_ms)
{
    char *p = data;

    while (size > 0) {
        ptrdiff_t n = raw_recv(fd, p, size, timeout_ms);

        if (n <= 0)
            return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

void raw_shutdown_write(raw_fd fd)
{
    (void)shutdown(win_socket_of(fd), SD_SEND);
}

void raw_reset(raw_fd fd)
{
    struct linger l = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(win_socket_of(fd), SOL_SOCKET, SO_LINGER, (const char *)&l,
                     sizeof l);
    raw_close(fd);
}

void raw_close(raw_fd fd)
{
    if (fd == RONDO_NO_FD)
        return;
    if (win_is_socket(fd))
        (void)closesocket(win_socket_of(fd));
    else
        (void)CloseHandle(win_handle_of(fd));
}

void raw_set_buffers(raw_fd fd, int bytes)
{
    (void)setsockopt(win_socket_of(fd), SOL_SOCKET, SO_SNDBUF,
                     (const char *)&bytes, sizeof bytes);
    (void)setsockopt(win_socket_of(fd), SOL_SOCKET, SO_RCVBUF,
                     (const char *)&bytes, sizeof bytes);
}

typedef int(WSAAPI *name_fn)(SOCKET, struct sockaddr *, int *);

/* IPv6 addresses have it at the same place. */
static uint16_t port_of(raw_fd fd, name_fn ask)
{
    struct sockaddr_storage a;
    struct sockaddr_in in;
    int size = sizeof a;

    memset(&a, 0, sizeof a);
    (void)ask(win_socket_of(fd), (struct sockaddr *)&a, &size);
    memcpy(&in, &a, sizeof in);
    return ntohs(in.sin_port);
}

uint16_t raw_local_port(raw_fd fd)
{
    return port_of(fd, getsockname);
}

uint16_t raw_peer_port(raw_fd fd)
{
    return port_of(fd, getpeername);
}
