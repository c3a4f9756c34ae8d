/* raw_unix_net.c - the sockets of raw_net.h on Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_net.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static raw_fd new_stream(int family)
{
    int fd = socket(family, SOCK_STREAM, 0);

    if (fd >= 0)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

raw_fd raw_tcp(void)
{
    return new_stream(AF_INET);
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

raw_fd raw_reserve_port(uint16_t *port)
{
    struct sockaddr_in a = loopback(0);
    raw_fd fd = raw_tcp();

    if (bind((int)fd, (struct sockaddr *)&a, sizeof a) < 0) {
        raw_close(fd);
        return RONDO_NO_FD;
    }
    *port = raw_local_port(fd);
    return fd;
}

/* a socket of the address's family */
static raw_fd stream_for(const rondo_address *address, socklen_t *size,
                         const struct sockaddr **native)
{
    size_t n = 0;
    raw_fd fd;

    *native = rondo_address_native(address, &n);
    *size = (socklen_t)n;
    fd = new_stream((*native)->sa_family);
    if (fd >= 0 && (*native)->sa_family == AF_INET6) {
        int on = 1;

        (void)setsockopt((int)fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    return fd;
}

raw_fd raw_listen_at(const rondo_address *address)
{
    const struct sockaddr *native;
    socklen_t size;
    raw_fd fd = stream_for(address, &size, &native);

    if (fd >= 0 && bind((int)fd, native, size) == 0 && listen((int)fd, 16) == 0)
        return fd;
    raw_close(fd);
    return RONDO_NO_FD;
}

raw_fd raw_connect_at(const rondo_address *address)
{
    const struct sockaddr *native;
    socklen_t size;
    raw_fd fd = stream_for(address, &size, &native);

    if (fd >= 0 && connect((int)fd, native, size) == 0)
        return fd;
    raw_close(fd);
    return RONDO_NO_FD;
}

bool raw_has_inet6(void)
{
    rondo_address a;
    raw_fd fd;

    if (rondo_address_parse(&a, "::1", 0) < 0)
        return false;
    fd = raw_listen_at(&a);
    raw_close(fd);
    return fd != RONDO_NO_FD;
}

void raw_set_nonblocking(raw_fd fd)
{
    (void)fcntl((int)fd, F_SETFL, fcntl((int)fd, F_GETFL) | O_NONBLOCK);
}

bool raw_is_blocking(raw_fd fd)
{
    return (fcntl((int)fd, F_GETFL) & O_NONBLOCK) == 0;
}

static raw_fd connect_start_at(const rondo_address *address)
{
    const struct sockaddr *native;
    socklen_t size;
    raw_fd fd = stream_for(address, &size, &native);

    if (fd < 0)
        return RONDO_NO_FD;
    raw_set_nonblocking(fd);
    if (connect((int)fd, native, size) == 0 || errno == EINPROGRESS)
        return fd;
    raw_close(fd);
    return RONDO_NO_FD;
}

raw_fd raw_connect_start(uint16_t port)
{
    rondo_address a;

    (void)rondo_address_parse(&a, "127.0.0.1", port);
    return connect_start_at(&a);
}

static int read_option(raw_fd fd, int level, int name)
{
    int value = 0;
    socklen_t size = sizeof value;

    if (getsockopt((int)fd, level, name, &value, &size) < 0)
        return -1;
    return value != 0;
}

int raw_no_delay(raw_fd fd)
{
    return read_option(fd, IPPROTO_TCP, TCP_NODELAY);
}

int raw_keep_alive(raw_fd fd)
{
    return read_option(fd, SOL_SOCKET, SO_KEEPALIVE);
}

/* Whether the connect has an outcome within a time that a handshake over
 * loopback needs a thousandth of. */
static bool is_decided(raw_fd fd)
{
    struct pollfd p = {.fd = (int)fd, .events = POLLOUT, .revents = 0};

    return poll(&p, 1, 300) != 0;
}

bool raw_give_to_a_port(raw_fd fd)
{
    (void)fd;
    return false;
}

bool raw_black_hole_open_at(struct raw_black_hole *hole,
                            const rondo_address *address)
{
    size_t count = sizeof hole->fillers / sizeof hole->fillers[0];
    rondo_address a = *address;

    for (size_t i = 0; i < count; i++)
        hole->fillers[i] = RONDO_NO_FD;
    hole->listener = raw_listen_at(&a);
    if (hole->listener >= 0 && listen((int)hole->listener, 0) == 0) {
        hole->port = raw_local_port(hole->listener);
        rondo_address_set_port(&a, hole->port);
        for (size_t i = 0; i < count; i++) {
            hole->fillers[i] = connect_start_at(&a);
            if (hole->fillers[i] == RONDO_NO_FD)
                break;
            if (!is_decided(hole->fillers[i]))
                return true;
        }
    }
    raw_black_hole_close(hole);
    return false;
}

bool raw_black_hole_open(struct raw_black_hole *hole)
{
    rondo_address a;

    (void)rondo_address_parse(&a, "127.0.0.1", 0);
    return raw_black_hole_open_at(hole, &a);
}

void raw_black_hole_close(struct raw_black_hole *hole)
{
    size_t count = sizeof hole->fillers / sizeof hole->fillers[0];

    for (size_t i = 0; i < count; i++)
        raw_close(hole->fillers[i]);
    raw_close(hole->listener);
}

size_t raw_native_inet(void *room128, const unsigned char ip[4], uint16_t port,
                       int filler)
{
    struct sockaddr_in a;

    memset(&a, filler, sizeof a);
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) ||       \
    defined(__OpenBSD__) || defined(__DragonFly__)
    a.sin_len = sizeof a;
#endif
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    memcpy(&a.sin_addr, ip, 4);
    memcpy(room128, &a, sizeof a);
    return sizeof a;
}

size_t raw_native_unknown(void *room128)
{
    struct sockaddr a;

    memset(&a, 0, sizeof a);
    a.sa_family = 200;
    memcpy(room128, &a, sizeof a);
    return sizeof a;
}

bool raw_interface_name(uint32_t index, char *name, size_t size)
{
    char text[IF_NAMESIZE];

    if (!if_indextoname(index, text) || strlen(text) >= size)
        return false;
    memcpy(name, text, strlen(text) + 1);
    return true;
}
