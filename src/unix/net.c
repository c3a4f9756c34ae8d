/* net.c - sockets and look-ups: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE is set on every socket instead */
#endif

int unix_fail(void)
{
    /* EINTR: the call has done nothing, so it can be repeated later. */
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return RONDO_EAGAIN;
    return error_from_os(errno);
}

/* macOS: EPROTOTYPE of a send means that the connection is being torn down by a
 * reset; the next send would be EPIPE. */
int unix_send_fail(void)
{
    if (errno == EPROTOTYPE)
        errno = ECONNRESET;
    return unix_fail();
}

/* ---- kinds of descriptors ---- */

static int unix_net_int_option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

enum sys_kind sys_kind(sys_fd fd)
{
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return SYS_KIND_BAD;
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ||
        S_ISBLK(status.st_mode))
        return SYS_KIND_FILE;
    if (!S_ISSOCK(status.st_mode))
        return SYS_KIND_OTHER;
    int type = unix_net_int_option(fd, SOL_SOCKET, SO_TYPE);
    if (type != SOCK_STREAM)
        return type == SOCK_DGRAM ? SYS_KIND_DATAGRAM : SYS_KIND_SOCKET;
    return unix_net_int_option(fd, SOL_SOCKET, SO_ACCEPTCONN) > 0
               ? SYS_KIND_LISTENER
               : SYS_KIND_STREAM;
}

bool sys_is_directory(sys_fd fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

sys_fd sys_stdio(int which)
{
    return which;
}

/* ---- making ---- */

static int unix_net_native_family(rondo_family family)
{
    switch (family) {
    case RONDO_FAMILY_INET:
        return AF_INET;
    case RONDO_FAMILY_INET6:
        return AF_INET6;
    case RONDO_FAMILY_UNIX:
        return AF_UNIX;
    case RONDO_FAMILY_ANY:
        break;
    }
    return AF_UNSPEC;
}

int sys_adopt(sys_fd fd)
{
    unix_protect(fd);
    return unix_nonblocking(fd, true) < 0 ? unix_fail() : 0;
}

int sys_check_nonblocking(sys_fd fd)
{
    int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);
    if (flags < 0)
        return error_from_os(EBADF);
    error_no_os();
    unix_protect(fd);
    return flags & O_NONBLOCK ? 0 : RONDO_EINVAL;
}

/* Prepares what accept returned: not every Unix takes flags there. */
static int unix_net_keep_plain(int made, sys_fd *fd)
{
    *fd = unix_keep(made);
    if (*fd < 0)
        return unix_fail();
    unix_protect(*fd);
    if (unix_nonblocking(*fd, true) == 0)
        return 0;
    int error = unix_fail();
    sys_close(*fd);
    *fd = SYS_NO_FD;
    return error;
}

/* With the flags no moment is left in which a child that another thread starts
 * could inherit it. */
int unix_socket(int family, int type)
{
    sys_fd fd;
#ifdef UNIX_TAKES_FLAGS
    type |= SOCK_CLOEXEC | SOCK_NONBLOCK;
#endif
    return unix_net_keep_plain(socket(family, type, 0), &fd) ? -1 : fd;
}

static int unix_net_make(rondo_family family, int type, sys_fd *fd)
{
    *fd = unix_socket(unix_net_native_family(family), type);
    return *fd < 0 ? unix_fail() : 0;
}

int sys_socket_stream(rondo_family family, sys_fd *fd)
{
    return unix_net_make(family, SOCK_STREAM, fd);
}

int sys_socket_datagram(rondo_family family, sys_fd *fd)
{
    return unix_net_make(family, SOCK_DGRAM, fd);
}

/* macOS and the BSDs: datagram sockets share a port only if all of them have
 * SO_REUSEPORT (in_pcbbind), unless they are bound to a multicast address.
 * Linux: SO_REUSEADDR is enough, and SO_REUSEPORT would spread the load. */
static int unix_net_share_address(int fd, int value)
{
    const size_t size = sizeof value;
    int failed =
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, (socklen_t)size);
#ifndef __linux__
    if (!failed)
        failed =
            setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, (socklen_t)size);
#endif
    return failed ? unix_fail() : 0;
}

int sys_option(sys_fd fd, enum sys_option option, int value)
{
    static const struct {
        int level, name;
    } natives[] = {
        [SYS_REUSE_ADDRESS] = {SOL_SOCKET, SO_REUSEADDR},
        [SYS_REUSE_PORT] = {SOL_SOCKET, SO_REUSEPORT},
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
    int level = natives[option].level;
    unsigned char byte = (unsigned char)value;
    /* OpenBSD takes the options of IPv4 as a byte only; the others do so too */
    bool as_byte = level == IPPROTO_IP;
    if (option == SYS_EXCLUSIVE || option == SYS_UNREACHABLE)
        return 0; /* options of Windows; a Unix always behaves like that */
    if (option == SYS_SHARE_ADDRESS)
        return unix_net_share_address(fd, value);
    if (setsockopt(fd, level, natives[option].name,
                   as_byte ? (void *)&byte : (void *)&value,
                   as_byte ? sizeof byte : sizeof value) != 0)
        return unix_fail();
    return 0;
}

int sys_bind(sys_fd fd, const rondo_address *address)
{
    if (bind(fd, (const void *)&address->native,
             (socklen_t)address->native_size) != 0)
        return unix_fail();
    return 0;
}

int sys_listen(sys_fd fd, int backlog)
{
    return listen(fd, backlog > 0 ? backlog : SOMAXCONN) != 0 ? unix_fail() : 0;
}

int sys_accept(sys_fd fd, sys_fd *accepted, rondo_address *peer)
{
    socklen_t size = sizeof peer->native;
    struct sockaddr *to = (void *)&peer->native;
    int made;
    do {
#ifdef UNIX_TAKES_FLAGS
        made = accept4(fd, to, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
        made = accept(fd, to, &size);
#endif
    } while (made < 0 && errno == EINTR);
    peer->native_size = size <= sizeof peer->native ? size : 0;
    peer->reserved = 0;
#ifdef UNIX_TAKES_FLAGS
    if (made > 2) {
        *accepted = made;
        return 0;
    }
#endif
    return unix_net_keep_plain(made, accepted);
}

/* ---- connecting ---- */

int sys_connect(sys_fd fd, const rondo_address *address)
{
    if (connect(fd, (const void *)&address->native,
                (socklen_t)address->native_size) == 0)
        return 0;
    /* EINTR: the connect continues in the kernel (POSIX) */
    if (errno == EINTR)
        errno = EINPROGRESS;
    /* EAGAIN on Linux. Unix socket: the backlog is full, and no event says when
     * it has room. Others: no port is free. */
    if (errno == EAGAIN) {
        (void)error_from_os(errno);
        return rondo_address_family(address) == RONDO_FAMILY_UNIX
                   ? RONDO_EBUSY
                   : RONDO_EADDRNOTAVAIL;
    }
    return unix_fail();
}

int sys_connect_result(sys_fd fd)
{
    int os_error = unix_net_int_option(fd, SOL_SOCKET, SO_ERROR);
    if (os_error > 0)
        return error_from_os(os_error);
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    if (os_error < 0 || getpeername(fd, (void *)&peer, &size) == 0)
        return os_error < 0 ? unix_fail() : 0;
    /* ENOTCONN: still under way. Else: the error that other code has taken. */
    return errno == ENOTCONN ? RONDO_EAGAIN : unix_fail();
}

/* ---- bytes ---- */

#ifndef __linux__
int64_t sys_recv(sys_fd fd, void *data, size_t size)
{
    ssize_t count = recv(fd, data, size, MSG_DONTWAIT);
    return count < 0 ? unix_fail() : count;
}

int64_t sys_send(sys_fd fd, const void *data, size_t size)
{
    ssize_t count = -1;
    if (unix_may_send(fd))
        count = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return count < 0 ? unix_send_fail() : count;
}
#endif

int64_t sys_recvv(sys_fd fd, const rondo_room *rooms, size_t count)
{
    struct iovec parts[SYS_ROOMS];
    struct msghdr message = {.msg_iov = parts};
    for (size_t i = 0; i < count && i < SYS_ROOMS; i++)
        parts[message.msg_iovlen++] =
            (struct iovec){rooms[i].data, rooms[i].size};
    ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);
    return got < 0 ? unix_fail() : got;
}

unsigned char unix_parts(struct iovec *parts, unsigned char room,
                         const rondo_buffer *buffers, size_t count)
{
    unsigned char used = 0;
    for (; used < room && used < count; used++) {
        parts[used].iov_base = (void *)(uintptr_t)buffers[used].data;
        parts[used].iov_len = buffers[used].size;
    }
    return used;
}

int64_t sys_sendv(sys_fd fd, const rondo_buffer *buffers, size_t count)
{
    struct iovec parts[64];
    struct msghdr message = {.msg_iov = parts};
    message.msg_iovlen = unix_parts(parts, 64, buffers, count);
    ssize_t sent = -1;
    if (unix_may_send(fd))
        sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? unix_send_fail() : sent;
}

/* ---- ending ---- */

int sys_shutdown_write(sys_fd fd)
{
    return shutdown(fd, SHUT_WR) != 0 ? unix_fail() : 0;
}

void sys_reset_on_close(sys_fd fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void sys_close(sys_fd fd)
{
    int before = errno;
    /* no second call after EINTR: Linux and the BSDs have closed it */
    if (fd >= 0)
        (void)close(fd);
    errno = before;
}

/* ---- addresses of a socket ---- */

static int unix_net_name_of(sys_fd fd, rondo_address *address,
                            int (*ask)(int, struct sockaddr *, socklen_t *))
{
    socklen_t size = sizeof address->native;
    memset(address, 0, sizeof *address);
    if (ask(fd, (void *)&address->native, &size) != 0)
        return unix_fail();
    address->native_size = size <= sizeof address->native ? size : 0;
    return 0;
}

int sys_local_address(sys_fd fd, rondo_address *address)
{
    return unix_net_name_of(fd, address, getsockname);
}

int sys_peer_address(sys_fd fd, rondo_address *address)
{
    return unix_net_name_of(fd, address, getpeername);
}

/* ---- names ---- */

static int unix_net_resolve_error(int code)
{
    switch (code) {
    case EAI_MEMORY:
        return RONDO_ENOMEM;
    case EAI_AGAIN:
        return RONDO_EAGAIN;
    case EAI_SYSTEM:
        return unix_fail();
    case EAI_FAMILY:
        return RONDO_EAFNOSUPPORT;
    case EAI_SOCKTYPE:
        return RONDO_ENOTSUP;
    default:
        return RONDO_ENONAME;
    }
}

static char *unix_net_copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = sys_alloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static int unix_net_copy_answer(const struct addrinfo *list, bool wants_name,
                                bool once, struct sys_names *names)
{
    size_t room = 0;
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        room++;
    names->addresses =
        sys_alloc_zeroed(room ? room : 1, sizeof *names->addresses);
    if (!names->addresses)
        return RONDO_ENOMEM;
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        if (rondo_address_from_native(&names->addresses[names->count],
                                      a->ai_addr, a->ai_addrlen) == 0 &&
            !(once && sys_names_has_last(names)))
            names->count++;
    if (wants_name && list && list->ai_canonname) {
        names->host = unix_net_copy_text(list->ai_canonname);
        return names->host ? 0 : RONDO_ENOMEM;
    }
    return 0;
}

#ifdef AI_V4MAPPED
#define V4_MAPPED  AI_V4MAPPED
#define ALL_MAPPED AI_ALL
#else /* OpenBSD */
#define V4_MAPPED  0
#define ALL_MAPPED 0
#endif

static int unix_net_socket_type(const rondo_lookup_hints *h)
{
    if (h->socket_type)
        return h->socket_type == RONDO_ANY_SOCKET ? 0 : h->socket_type;
    return h->datagram ? SOCK_DGRAM : SOCK_STREAM;
}

int sys_resolve(const char *host, const char *service,
                const rondo_lookup_hints *h, struct sys_names *names)
{
    struct addrinfo hints = {
        .ai_family = unix_net_native_family(h->family),
        .ai_socktype = unix_net_socket_type(h),
        .ai_protocol = h->protocol,
        .ai_flags = (h->passive ? AI_PASSIVE : 0) |
                    (h->configured ? AI_ADDRCONFIG : 0) |
                    (h->v4_mapped ? V4_MAPPED : 0) |
                    (h->v4_mapped && h->all_mapped ? ALL_MAPPED : 0) |
                    (h->numeric_host ? AI_NUMERICHOST : 0) |
                    (h->numeric_service ? AI_NUMERICSERV : 0) |
                    (h->canonical_name && host ? AI_CANONNAME : 0)};
    struct addrinfo *list = NULL;
    error_no_os();
    if (h->v4_mapped && !V4_MAPPED)
        return RONDO_ENOTSUP;
    if (h->socket_type && host && sys_is_port(service))
        service = NULL; /* a raw socket has none; the caller sets it */
    int code = getaddrinfo(host, service, &hints, &list);
    if (code)
        return unix_net_resolve_error(code);
    int error = unix_net_copy_answer(list, h->canonical_name,
                                     h->socket_type == RONDO_ANY_SOCKET, names);
    freeaddrinfo(list);
    return error;
}

int sys_resolve_back(const rondo_address *address, unsigned flags,
                     struct sys_names *names)
{
    char host[NI_MAXHOST], service[NI_MAXSERV];
    int native = (flags & RONDO_NAMEINFO_NUMERIC_HOST ? NI_NUMERICHOST : 0) |
                 (flags & RONDO_NAMEINFO_NUMERIC_SERVICE ? NI_NUMERICSERV : 0) |
                 (flags & RONDO_NAMEINFO_REQUIRED ? NI_NAMEREQD : 0) |
                 (flags & RONDO_NAMEINFO_DATAGRAM ? NI_DGRAM : 0);
    error_no_os();
    int code =
        getnameinfo((const struct sockaddr *)(const void *)&address->native,
                    address->native_size, host, sizeof host, service,
                    sizeof service, native);
    if (code)
        return unix_net_resolve_error(code);
    names->host = unix_net_copy_text(host);
    names->service = unix_net_copy_text(service);
    return names->host && names->service ? 0 : RONDO_ENOMEM;
}

uint32_t sys_interface_index(const char *name)
{
    return if_nametoindex(name);
}
#endif
