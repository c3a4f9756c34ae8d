/* raw_unix_datagram.c - raw_datagram.h on Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_datagram.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- sockets ------------------------------------------------------------ */

static raw_fd new_socket(int family)
{
    int fd = socket(family, SOCK_DGRAM, 0);

    if (fd >= 0)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

static const struct sockaddr *native_of(const rondo_address *address,
                                        socklen_t *size)
{
    size_t n = 0;
    const struct sockaddr *native = rondo_address_native(address, &n);

    *size = (socklen_t)n;
    return native;
}

static bool bind_at(raw_fd fd, const rondo_address *address)
{
    socklen_t size;
    const struct sockaddr *native = native_of(address, &size);

    return bind((int)fd, native, size) == 0;
}

raw_fd raw_datagram_at(const rondo_address *address, bool shared)
{
    socklen_t size;
    raw_fd fd = new_socket(native_of(address, &size)->sa_family);
    int on = 1;

    if (fd >= 0 && shared)
        (void)setsockopt((int)fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd >= 0 && native_of(address, &size)->sa_family == AF_INET6)
        (void)setsockopt((int)fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (fd >= 0 && bind_at(fd, address))
        return fd;
    raw_close(fd);
    return RONDO_NO_FD;
}

raw_fd raw_datagram_path(const char *path)
{
    raw_fd fd = new_socket(AF_UNIX);
    rondo_address a;

    if (fd < 0 || !path)
        return fd;
    if (rondo_address_unix(&a, path, strlen(path)) == 0 && bind_at(fd, &a))
        return fd;
    raw_close(fd);
    return RONDO_NO_FD;
}

bool raw_datagram_connect(raw_fd fd, const rondo_address *to)
{
    socklen_t size;
    const struct sockaddr *native = native_of(to, &size);

    return connect((int)fd, native, size) == 0;
}

void raw_datagram_address(raw_fd fd, rondo_address *address)
{
    struct sockaddr_storage native;
    socklen_t size = sizeof native;

    memset(&native, 0, sizeof native);
    (void)getsockname((int)fd, (struct sockaddr *)&native, &size);
    (void)rondo_address_from_native(address, &native, size);
}

static ptrdiff_t failure(void)
{
    return errno == EAGAIN || errno == EINTR ? RAW_AGAIN : RAW_FAILED;
}

ptrdiff_t raw_send_to(raw_fd fd, const void *data, size_t size,
                      const rondo_address *to)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
    struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1};

    if (to)
        head.msg_name = (void *)(uintptr_t)native_of(to, &head.msg_namelen);
    /* not sendto, which may have been told to fail */
    ssize_t n = sendmsg((int)fd, &head, MSG_DONTWAIT | MSG_NOSIGNAL);

    return n < 0 ? failure() : n;
}

ptrdiff_t raw_recv_from(raw_fd fd, void *data, size_t size, rondo_address *from,
                        int timeout_ms)
{
    struct pollfd p = {.fd = (int)fd, .events = POLLIN, .revents = 0};
    struct sockaddr_storage native;
    socklen_t native_size = sizeof native;
    ssize_t n;

    if (poll(&p, 1, timeout_ms) <= 0)
        return RAW_AGAIN;
    memset(&native, 0, sizeof native);
    n = recvfrom((int)fd, data, size, MSG_DONTWAIT, (struct sockaddr *)&native,
                 &native_size);
    if (n >= 0 && from)
        (void)rondo_address_from_native(from, &native, native_size);
    return n < 0 ? failure() : n;
}

static int read_option(raw_fd fd, int name, int name6)
{
    struct sockaddr_storage a;
    socklen_t size = sizeof a;
    int value = -1;
    socklen_t value_size = sizeof value;

    memset(&a, 0, sizeof a);
    if (getsockname((int)fd, (struct sockaddr *)&a, &size) < 0)
        return -1;
    if (getsockopt((int)fd, a.ss_family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
                   a.ss_family == AF_INET6 ? name6 : name, &value,
                   &value_size) < 0)
        return -1;
    return value;
}

int raw_multicast_ttl(raw_fd fd)
{
    return read_option(fd, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS);
}

int raw_multicast_loop(raw_fd fd)
{
    return read_option(fd, IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP);
}

bool raw_waits_after_unreachable(void)
{
    return true;
}

/* ---- paths -------------------------------------------------------------- */

bool raw_path_new(char *path, size_t size)
{
    const char *tmp = getenv("TMPDIR");
    int used = snprintf(path, size, "%s/rondo-XXXXXX",
                        tmp && *tmp && strlen(tmp) < 60 ? tmp : "/tmp");

    if (used < 0 || (size_t)used + 3 > size || !mkdtemp(path))
        return false;
    (void)snprintf(path + used, size - (size_t)used, "/s");
    return true;
}

void raw_path_drop(const char *path)
{
    char folder[128];

    (void)unlink(path);
    (void)snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    (void)rmdir(folder);
}

bool raw_path_forget(const char *path)
{
    return unlink(path) == 0;
}

bool raw_path_is_there(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

bool raw_path_put_file(const char *path)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}
