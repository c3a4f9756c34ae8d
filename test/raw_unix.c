/* raw_unix.c - the sockets of raw.h on Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static raw_fd new_socket(int type)
{
    int fd = socket(AF_INET, type, 0);

    if (fd >= 0)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

static struct sockaddr_in loopback(uint16_t port)
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
    struct sockaddr_in a = loopback(0);

    return bind((int)fd, (struct sockaddr *)&a, sizeof a) == 0;
}

raw_fd raw_listen(uint16_t *port, int backlog)
{
    raw_fd fd = new_socket(SOCK_STREAM);

    if (fd < 0)
        return RONDO_NO_FD;
    if (!bind_loopback(fd) || listen((int)fd, backlog) < 0) {
        raw_close(fd);
        return RONDO_NO_FD;
    }
    *port = raw_local_port(fd);
    return fd;
}

/* true when fd is ready for `events`, in hang-up and error too */
static bool wait_for(raw_fd fd, short events, int timeout_ms)
{
    struct pollfd p = {.fd = (int)fd, .events = events, .revents = 0};
    int64_t end = raw_now_ns() + (int64_t)timeout_ms * 1000000;
    int left = timeout_ms;
    int n;

    while ((n = poll(&p, 1, left)) < 0 && errno == EINTR) {
        int64_t ns = end - raw_now_ns();

        left = ns > 0 ? (int)(ns / 1000000) : 0;
    }
    return n > 0;
}

raw_fd raw_accept(raw_fd listener, int timeout_ms)
{
    int fd;

    if (!wait_for(listener, POLLIN, timeout_ms))
        return RONDO_NO_FD;
    fd = accept((int)listener, NULL, NULL);
    if (fd >= 0)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

static bool connect_to(raw_fd fd, uint16_t port)
{
    struct sockaddr_in a = loopback(port);

    return connect((int)fd, (struct sockaddr *)&a, sizeof a) == 0;
}

raw_fd raw_connect(uint16_t port)
{
    raw_fd fd = new_socket(SOCK_STREAM);

    if (fd >= 0 && !connect_to(fd, port)) {
        raw_close(fd);
        return RONDO_NO_FD;
    }
    return fd;
}

int raw_pair_small(raw_fd pair[2], int bytes)
{
    uint16_t port = 0;
    raw_fd listener = raw_listen(&port, 1);

    pair[0] = new_socket(SOCK_STREAM);
    pair[1] = RONDO_NO_FD;
    if (bytes > 0) { /* the accepted socket inherits the listener's */
        raw_set_buffers(listener, bytes);
        raw_set_buffers(pair[0], bytes);
    }
    if (listener >= 0 && pair[0] >= 0 && connect_to(pair[0], port))
        pair[1] = raw_accept(listener, 10000);
    raw_close(listener);
    if (pair[1] >= 0)
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
    raw_fd fd = new_socket(SOCK_DGRAM);

    if (fd >= 0 && !bind_loopback(fd)) {
        raw_close(fd);
        return RONDO_NO_FD;
    }
    return fd;
}

static ptrdiff_t failure(void)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return RAW_AGAIN;
    if (errno == ECONNRESET || errno == EPIPE)
        return RAW_RESET;
    return RAW_FAILED;
}

ptrdiff_t raw_send(raw_fd fd, const void *data, size_t size)
{
    ssize_t n = send((int)fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);

    return n < 0 ? failure() : n;
}

bool raw_send_all(raw_fd fd, const void *data, size_t size, int timeout_ms)
{
    const char *p = data;

    while (size > 0) {
        ptrdiff_t n = raw_send(fd, p, size);

        if (n == RAW_AGAIN && wait_for(fd, POLLOUT, timeout_ms))
            continue;
        if (n < 0)
            return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

ptrdiff_t raw_recv(raw_fd fd, void *data, size_t size, int timeout_ms)
{
    ssize_t n;

    if (!wait_for(fd, POLLIN, timeout_ms))
        return RAW_AGAIN;
    n = recv((int)fd, data, size, MSG_DONTWAIT);
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
    (void)shutdown((int)fd, SHUT_WR);
}

void raw_reset(raw_fd fd)
{
    struct linger l = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt((int)fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    raw_close(fd);
}

void raw_close(raw_fd fd)
{
    if (fd != RONDO_NO_FD)
        (void)close((int)fd);
}

void raw_set_buffers(raw_fd fd, int bytes)
{
    (void)setsockopt((int)fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    (void)setsockopt((int)fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

uint16_t raw_local_port(raw_fd fd)
{
    struct sockaddr_in a;
    socklen_t size = sizeof a;

    memset(&a, 0, sizeof a);
    (void)getsockname((int)fd, (struct sockaddr *)&a, &size);
    return ntohs(a.sin_port);
}

uint16_t raw_peer_port(raw_fd fd)
{
    struct sockaddr_in a;
    socklen_t size = sizeof a;

    memset(&a, 0, sizeof a);
    (void)getpeername((int)fd, (struct sockaddr *)&a, &size);
    return ntohs(a.sin_port);
}
