/* datagram.c - datagrams and multicast groups: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/unix.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE is set on every socket instead */
#endif

int unix_datagram_receive_failed(void)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return RONDO_EAGAIN;
    return error_from_os(errno);
}

/* macOS and the BSDs: ENOBUFS means that the queue of the interface is full. */
int unix_datagram_send_failed(void)
{
    return errno == ENOBUFS ? RONDO_EAGAIN : unix_datagram_receive_failed();
}

void unix_datagram_prepare(struct sys_received *r, size_t room,
                           struct msghdr *head, struct iovec *part)
{
    *part = (struct iovec){.iov_base = r->data, .iov_len = room};
    *head = (struct msghdr){.msg_name = &r->from.native,
                            .msg_namelen = sizeof r->from.native,
                            .msg_iov = part,
                            .msg_iovlen = 1};
}

void unix_datagram_take(struct sys_received *r, const struct msghdr *head,
                        size_t size)
{
    const size_t least = offsetof(struct sockaddr, sa_data);
    size_t used = head->msg_namelen;
    r->size = size;
    r->truncated = head->msg_flags & MSG_TRUNC;
    /* an unnamed unix socket: no address, or the family alone */
    r->from.native_size =
        used > least && used <= sizeof r->from.native ? (uint32_t)used : 0;
    r->from.reserved = 0;
}

bool sys_is_shut_for_reading(sys_fd fd)
{
#ifdef POLLRDHUP
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    return poll(&p, 1, 0) == 1 && p.revents & POLLRDHUP;
#else
    (void)fd;
    return false;
#endif
}

static int unix_datagram_send_one(sys_fd fd, const struct sys_outgoing *o)
{
    if (!unix_may_send(fd) || sendto(fd, o->data, o->size, MSG_NOSIGNAL, o->to,
                                     (socklen_t)o->to_size) < 0)
        return unix_datagram_send_failed();
    return 1;
}

#if SYS_BATCH > 1

int sys_receive_batch(sys_fd fd, struct sys_received *list, unsigned count,
                      size_t room)
{
    struct mmsghdr heads[SYS_BATCH];
    struct iovec parts[SYS_BATCH];
    for (unsigned i = 0; i < count; i++)
        unix_datagram_prepare(&list[i], room, &heads[i].msg_hdr, &parts[i]);
    int got = recvmmsg(fd, heads, count, 0, NULL);
    if (got < 0)
        return unix_datagram_receive_failed();
    for (int i = 0; i < got; i++)
        unix_datagram_take(&list[i], &heads[i].msg_hdr, heads[i].msg_len);
    return got;
}

int sys_send_batch(sys_fd fd, const struct sys_outgoing *list, unsigned count)
{
    struct mmsghdr heads[SYS_BATCH];
    struct iovec parts[SYS_BATCH];
    if (count == 1)
        return unix_datagram_send_one(fd, list);
    for (unsigned i = 0; i < count; i++) {
        const struct sys_outgoing *o = &list[i];
        parts[i] = (struct iovec){.iov_base = (void *)(uintptr_t)o->data,
                                  .iov_len = o->size};
        heads[i].msg_hdr = (struct msghdr){.msg_name = (void *)(uintptr_t)o->to,
                                           .msg_namelen = (socklen_t)o->to_size,
                                           .msg_iov = &parts[i],
                                           .msg_iovlen = 1};
    }
    int sent = sendmmsg(fd, heads, count, MSG_NOSIGNAL);
    return sent < 0 ? unix_datagram_send_failed() : sent;
}

#else /* one datagram a call */

/* The BSDs give a socket that was shut down a datagram of no bytes and no
 * address at each look. Only a unix socket without a name can send such a one. */
bool unix_datagram_is_end(sys_fd fd, const struct sys_received *r)
{
    struct sockaddr_storage own = {.ss_family = AF_UNIX};
    socklen_t size = sizeof own;
    return !r->size && !r->from.native_size &&
           getsockname(fd, (void *)&own, &size) == 0 &&
           own.ss_family != AF_UNIX;
}

int sys_receive_batch(sys_fd fd, struct sys_received *list, unsigned count,
                      size_t room)
{
    struct iovec part;
    struct msghdr head;
    unix_datagram_prepare(list, room, &head, &part);
    ssize_t got = recvmsg(fd, &head, 0);
    (void)count;
    if (got < 0)
        return unix_datagram_receive_failed();
    unix_datagram_take(list, &head, (size_t)got);
    return unix_datagram_is_end(fd, list) ? error_from_os(EPIPE) : 1;
}

int sys_send_batch(sys_fd fd, const struct sys_outgoing *list, unsigned count)
{
    (void)count;
    return unix_datagram_send_one(fd, list);
}

#endif

size_t sys_datagram_most(rondo_family family)
{
    switch (family) {
    case RONDO_FAMILY_INET:
        return 65535 - 20 - 8; /* minus the headers of IPv4 and UDP */
    case RONDO_FAMILY_INET6:
        return 65535 - 8;
    default:
        return INT32_MAX; /* unix sockets: the buffer size decides */
    }
}

int64_t sys_datagram_drops(sys_fd fd)
{
#ifdef SO_MEMINFO                   /* Linux 4.12 */
    enum { DROPS = 8, COUNTS = 9 }; /* SK_MEMINFO_DROPS, SK_MEMINFO_VARS */
    uint32_t counts[COUNTS];
    socklen_t size = sizeof counts;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, counts, &size) == 0 &&
        size > DROPS * sizeof *counts)
        return counts[DROPS];
#endif
    (void)fd;
    return -1;
}

/* ---- multicast ---- */

int sys_only_own_groups(sys_fd fd, rondo_family family)
{
    const int off = 0;
    int result = 0;
#ifdef IP_MULTICAST_ALL
    if (family == RONDO_FAMILY_INET)
        result = setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off);
#endif
#ifdef IPV6_MULTICAST_ALL /* Linux 4.20: an older kernel refuses it */
    if (family == RONDO_FAMILY_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off,
                         sizeof off);
#endif
    (void)fd;
    (void)family;
    (void)off;
    return result != 0 ? error_from_os(errno) : 0;
}

/* IPv4 names an interface by its address. */
static int unix_datagram_interface_address(uint32_t interface,
                                           struct in_addr *address)
{
    char name[IF_NAMESIZE];
    struct ifaddrs *all, *one;
    if (!if_indextoname(interface, name) || getifaddrs(&all) != 0)
        return error_from_os(errno);
    for (one = all; one; one = one->ifa_next)
        if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET &&
            strcmp(one->ifa_name, name) == 0)
            break;
    if (one) {
        struct sockaddr_in in;
        memcpy(&in, one->ifa_addr, sizeof in);
        *address = in.sin_addr;
    }
    freeifaddrs(all);
    return one ? 0 : error_from_os(EADDRNOTAVAIL);
}

int sys_multicast(sys_fd fd, const rondo_address *group, uint32_t interface,
                  bool join)
{
    int result;
    if (sys_address_family(group) == RONDO_FAMILY_INET6) {
        struct ipv6_mreq request = {.ipv6mr_interface = interface};
        (void)sys_address_bytes(group, &request.ipv6mr_multiaddr);
        result = setsockopt(fd, IPPROTO_IPV6,
                            join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &request,
                            sizeof request);
    } else {
        struct ip_mreq request = {.imr_interface.s_addr = htonl(INADDR_ANY)};
        (void)sys_address_bytes(group, &request.imr_multiaddr);
        int error = interface ? unix_datagram_interface_address(
                                    interface, &request.imr_interface)
                              : 0;
        if (error)
            return error;
        result = setsockopt(fd, IPPROTO_IP,
                            join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP,
                            &request, sizeof request);
    }
    return result != 0 ? error_from_os(errno) : 0;
}

int sys_multicast_from(sys_fd fd, rondo_family family, uint32_t interface)
{
    struct in_addr address = {.s_addr = htonl(INADDR_ANY)};
    int error = 0, result;
    if (family == RONDO_FAMILY_INET6) {
        result = setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &interface,
                            sizeof interface);
    } else {
        if (interface)
            error = unix_datagram_interface_address(interface, &address);
        if (error)
            return error;
        result = setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &address,
                            sizeof address);
    }
    return result != 0 ? error_from_os(errno) : 0;
}
#endif
