/* datagram_info.c - what goes beside a datagram, as control messages: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#ifdef __APPLE__
#define __APPLE_USE_RFC_3542
#endif
#include "base/error.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE is set on every socket instead */
#endif

#ifdef __linux__
/* <netinet/udp.h> of an older C library lacks them: Linux 4.18, Linux 5.0. */
enum { UNIX_UDP_SEGMENT = 103, UNIX_UDP_GRO = 104 };
#endif

/* NetBSD and macOS ask by a name of its own for what Linux calls IP_PKTINFO. */
#if defined(IP_RECVPKTINFO)
#define UNIX_ASK_PKTINFO IP_RECVPKTINFO
#elif defined(IP_PKTINFO)
#define UNIX_ASK_PKTINFO IP_PKTINFO
#elif defined(IP_SENDSRCADDR)
#include <net/if_dl.h>
#endif

/* NetBSD and OpenBSD do not take IP_TOS with a datagram. */
#if defined(IP_RECVTOS) && !defined(__NetBSD__) && !defined(__OpenBSD__)
#define UNIX_TAKES_TOS
#endif
#if defined(__FreeBSD__) || defined(__DragonFly__)
typedef unsigned char unix_tos; /* another size is EINVAL there */
#else
typedef int unix_tos;
#endif

enum { CONTROL_ROOM = 320 };

/* The control messages of one datagram. */
struct unix_control {
    _Alignas(max_align_t) char bytes[CONTROL_ROOM];
};

/* Said by us and not by the kernel. */
static int unix_datagram_cannot(void)
{
    error_no_os();
    return RONDO_ENOTSUP;
}

/* ---- what there is ---- */

#ifdef __linux__
static bool unix_datagram_try_offloads(void)
{
    int fd = unix_socket(AF_INET, SOCK_DGRAM), value;
    socklen_t size = sizeof value, again = sizeof value;
    bool can =
        fd >= 0 &&
        getsockopt(fd, IPPROTO_UDP, UNIX_UDP_SEGMENT, &value, &size) == 0 &&
        getsockopt(fd, IPPROTO_UDP, UNIX_UDP_GRO, &value, &again) == 0;
    if (fd >= 0)
        close(fd);
    return can;
}

/* Asked for with each message, so the answer is kept. */
static bool unix_datagram_offloads(void)
{
    static atomic_int known; /* 0: not yet; 1: no; 2: yes */
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (!answer) {
        answer = unix_datagram_try_offloads() ? 2 : 1;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == 2;
}
#endif

unsigned sys_datagram_infos(void)
{
    unsigned infos = RONDO_INFO_TIME;
#if defined(UNIX_ASK_PKTINFO) || defined(IP_SENDSRCADDR)
    infos |= RONDO_INFO_LOCAL | RONDO_INFO_INTERFACE;
#endif
#ifdef UNIX_TAKES_TOS
    infos |= RONDO_INFO_ECN;
#endif
#ifdef __linux__
    infos |= RONDO_INFO_TTL;
    if (unix_datagram_offloads())
        infos |= RONDO_INFO_SEGMENTS;
#endif
    return infos;
}

bool unix_datagram_can_refuse_fragments(void)
{
#if defined(IP_MTU_DISCOVER) || defined(IP_DONTFRAG)
    return true;
#else
    return false;
#endif
}

/* ---- asking ---- */

static int unix_datagram_set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) ? unix_fail() : 0;
}

static int unix_datagram_ask4(int fd, unsigned info)
{
    int error = 0;
    if (info & (RONDO_INFO_LOCAL | RONDO_INFO_INTERFACE)) {
#if defined(UNIX_ASK_PKTINFO)
        error = unix_datagram_set(fd, IPPROTO_IP, UNIX_ASK_PKTINFO, 1);
#elif defined(IP_SENDSRCADDR)
        error = unix_datagram_set(fd, IPPROTO_IP, IP_RECVDSTADDR, 1);
        if (!error)
            error = unix_datagram_set(fd, IPPROTO_IP, IP_RECVIF, 1);
#endif
    }
#ifdef UNIX_TAKES_TOS
    if (!error && info & RONDO_INFO_ECN)
        error = unix_datagram_set(fd, IPPROTO_IP, IP_RECVTOS, 1);
#endif
    if (!error && info & RONDO_INFO_TTL)
        error = unix_datagram_set(fd, IPPROTO_IP, IP_RECVTTL, 1);
    return error;
}

static int unix_datagram_ask6(int fd, unsigned info)
{
    int error = 0;
    if (info & (RONDO_INFO_LOCAL | RONDO_INFO_INTERFACE))
        error = unix_datagram_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    if (!error && info & RONDO_INFO_ECN)
        error = unix_datagram_set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    if (!error && info & RONDO_INFO_TTL)
        error = unix_datagram_set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    /* Linux: what comes by IPv4 to a socket for both has the messages of IPv4.
     * Its address is in IPV6_PKTINFO all the same. */
    if (!error)
        (void)unix_datagram_ask4(fd, info & (RONDO_INFO_ECN | RONDO_INFO_TTL));
    return error;
}

int sys_datagram_ask(sys_fd fd, rondo_family family, unsigned info)
{
    if (info & ~sys_datagram_infos())
        return unix_datagram_cannot();
    int error = family == RONDO_FAMILY_INET6 ? unix_datagram_ask6(fd, info)
                                             : unix_datagram_ask4(fd, info);
#ifdef __linux__
    if (!error && info & RONDO_INFO_SEGMENTS)
        error = unix_datagram_set(fd, IPPROTO_UDP, UNIX_UDP_GRO, 1);
#endif
    if (error || !(info & RONDO_INFO_TIME))
        return error;
#ifdef SO_TIMESTAMPNS
    return unix_datagram_set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
#else
    return unix_datagram_set(fd, SOL_SOCKET, SO_TIMESTAMP, 1);
#endif
}

#ifdef IP_MTU_DISCOVER
int sys_datagram_fragments(sys_fd fd, rondo_family family,
                           rondo_fragments fragments)
{
    static const int natives[][2] = {
        [RONDO_FRAGMENTS_ALLOW] = {IP_PMTUDISC_DONT, IPV6_PMTUDISC_DONT},
        [RONDO_FRAGMENTS_NEVER] = {IP_PMTUDISC_DO, IPV6_PMTUDISC_DO},
        [RONDO_FRAGMENTS_PROBE] = {IP_PMTUDISC_PROBE, IPV6_PMTUDISC_PROBE}};
    const int *native = natives[fragments];
    int error = unix_datagram_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, native[0]);
    /* also of a socket for both */
    return family == RONDO_FAMILY_INET6
               ? unix_datagram_set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
                                   native[1])
               : error;
}
#elif defined(IP_DONTFRAG)
int sys_datagram_fragments(sys_fd fd, rondo_family family,
                           rondo_fragments fragments)
{
    int value = fragments != RONDO_FRAGMENTS_ALLOW;
    return family == RONDO_FAMILY_INET6
               ? unix_datagram_set(fd, IPPROTO_IPV6, IPV6_DONTFRAG, value)
               : unix_datagram_set(fd, IPPROTO_IP, IP_DONTFRAG, value);
}
#else
int sys_datagram_fragments(sys_fd fd, rondo_family family,
                           rondo_fragments fragments)
{
    (void)fd;
    (void)family;
    (void)fragments;
    return unix_datagram_cannot();
}
#endif

int64_t sys_datagram_path_mtu(sys_fd fd, rondo_family family)
{
#ifdef __linux__
    bool six = family == RONDO_FAMILY_INET6;
    int value = 0;
    socklen_t size = sizeof value;
    if (getsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MTU : IP_MTU,
                   &value, &size) != 0)
        return unix_fail();
    return value;
#else
    (void)fd;
    (void)family;
    return unix_datagram_cannot();
#endif
}

/* ---- receiving ---- */

static void unix_datagram_set_local4(rondo_datagram_info *info,
                                     struct in_addr ip)
{
    (void)sys_address_any(&info->local, RONDO_FAMILY_INET, 0);
    memcpy(info->local.native.bytes + offsetof(struct sockaddr_in, sin_addr),
           &ip, sizeof ip);
    info->known |= RONDO_INFO_LOCAL;
}

static void unix_datagram_set_local6(rondo_datagram_info *info,
                                     const struct in6_pktinfo *got)
{
    struct sockaddr_in6 in6;
    (void)sys_address_any(&info->local, RONDO_FAMILY_INET6, 0);
    memcpy(&in6, &info->local.native, sizeof in6);
    in6.sin6_addr = got->ipi6_addr;
    if (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr))
        in6.sin6_scope_id = (uint32_t)got->ipi6_ifindex;
    memcpy(&info->local.native, &in6, sizeof in6);
    info->interface_index = (uint32_t)got->ipi6_ifindex;
    info->known |= RONDO_INFO_LOCAL | RONDO_INFO_INTERFACE;
}

/* A number that is a byte on some systems and an int on others. */
static int unix_datagram_number(const struct cmsghdr *c)
{
    int value = 0;
    unsigned char byte;
    if (c->cmsg_len >= CMSG_LEN(sizeof value)) {
        memcpy(&value, CMSG_DATA(c), sizeof value);
        return value;
    }
    memcpy(&byte, CMSG_DATA(c), sizeof byte);
    return byte;
}

static void unix_datagram_set_ecn(rondo_datagram_info *info,
                                  const struct cmsghdr *c)
{
    info->ecn = unix_datagram_number(c) & 3;
    info->known |= RONDO_INFO_ECN;
}

static void unix_datagram_set_ttl(rondo_datagram_info *info,
                                  const struct cmsghdr *c)
{
    info->ttl = unix_datagram_number(c);
    info->known |= RONDO_INFO_TTL;
}

static void unix_datagram_take4(rondo_datagram_info *info,
                                const struct cmsghdr *c)
{
    switch (c->cmsg_type) {
#ifdef UNIX_ASK_PKTINFO
    case IP_PKTINFO: {
        struct in_pktinfo got;
        memcpy(&got, CMSG_DATA(c), sizeof got);
        unix_datagram_set_local4(info, got.ipi_addr);
        info->interface_index = (uint32_t)got.ipi_ifindex;
        info->known |= RONDO_INFO_INTERFACE;
        break;
    }
#elif defined(IP_SENDSRCADDR)
    case IP_RECVDSTADDR: {
        struct in_addr got;
        memcpy(&got, CMSG_DATA(c), sizeof got);
        unix_datagram_set_local4(info, got);
        break;
    }
    case IP_RECVIF: {
        struct sockaddr_dl got;
        memset(&got, 0, sizeof got);
        size_t size = c->cmsg_len - CMSG_LEN(0);
        memcpy(&got, CMSG_DATA(c), size < sizeof got ? size : sizeof got);
        info->interface_index = got.sdl_index;
        info->known |= RONDO_INFO_INTERFACE;
        break;
    }
#endif
    case IP_TOS:
#if defined(IP_RECVTOS)
    case IP_RECVTOS: /* FreeBSD and macOS name it like the option */
#endif
        unix_datagram_set_ecn(info, c);
        break;
    case IP_TTL:
        unix_datagram_set_ttl(info, c);
        break;
    default:
        break;
    }
}

static void unix_datagram_take6(rondo_datagram_info *info,
                                const struct cmsghdr *c)
{
    if (c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo got;
        memcpy(&got, CMSG_DATA(c), sizeof got);
        unix_datagram_set_local6(info, &got);
    } else if (c->cmsg_type == IPV6_TCLASS) {
        unix_datagram_set_ecn(info, c);
    } else if (c->cmsg_type == IPV6_HOPLIMIT) {
        unix_datagram_set_ttl(info, c);
    }
}

static void unix_datagram_take_time(rondo_datagram_info *info,
                                    const struct cmsghdr *c)
{
#ifdef SO_TIMESTAMPNS
    struct timespec at;
    if (c->cmsg_type != SCM_TIMESTAMPNS)
        return;
    memcpy(&at, CMSG_DATA(c), sizeof at);
    info->time_ns = (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
#else
    struct timeval at;
    if (c->cmsg_type != SCM_TIMESTAMP)
        return;
    memcpy(&at, CMSG_DATA(c), sizeof at);
    info->time_ns =
        (int64_t)at.tv_sec * 1000000000 + (int64_t)at.tv_usec * 1000;
#endif
    info->known |= RONDO_INFO_TIME;
}

static void unix_datagram_take_control(rondo_datagram_info *info,
                                       struct msghdr *head, bool truncated)
{
    *info = (rondo_datagram_info){.size = sizeof *info};
    if (truncated)
        info->known = RONDO_INFO_TRUNCATED;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c;
         c = unix_next_control(head, c)) {
        if (c->cmsg_level == IPPROTO_IP)
            unix_datagram_take4(info, c);
        else if (c->cmsg_level == IPPROTO_IPV6)
            unix_datagram_take6(info, c);
        else if (c->cmsg_level == SOL_SOCKET)
            unix_datagram_take_time(info, c);
#ifdef __linux__
        else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UNIX_UDP_GRO) {
            info->segment_size = (size_t)unix_datagram_number(c);
            info->known |= RONDO_INFO_SEGMENTS;
        }
#endif
    }
}

static struct msghdr unix_datagram_head_with(struct sys_received *r,
                                             struct iovec *part, size_t room,
                                             struct unix_control *control)
{
    struct msghdr head;
    unix_datagram_prepare(r, room, &head, part);
    head.msg_control = control->bytes;
    head.msg_controllen = sizeof control->bytes;
    return head;
}

#if SYS_BATCH > 1

int sys_receive_messages(sys_fd fd, struct sys_received *list,
                         rondo_datagram_info *infos, unsigned count,
                         size_t room)
{
    struct mmsghdr heads[SYS_BATCH];
    struct iovec parts[SYS_BATCH];
    struct unix_control controls[SYS_BATCH];
    for (unsigned i = 0; i < count; i++)
        heads[i].msg_hdr =
            unix_datagram_head_with(&list[i], &parts[i], room, &controls[i]);
    int got = recvmmsg(fd, heads, count, 0, NULL);
    if (got < 0)
        return unix_datagram_receive_failed();
    for (int i = 0; i < got; i++) {
        unix_datagram_take(&list[i], &heads[i].msg_hdr, heads[i].msg_len);
        unix_datagram_take_control(&infos[i], &heads[i].msg_hdr,
                                   list[i].truncated);
    }
    return got;
}

#else

int sys_receive_messages(sys_fd fd, struct sys_received *list,
                         rondo_datagram_info *infos, unsigned count,
                         size_t room)
{
    struct iovec part;
    struct unix_control control;
    struct msghdr head = unix_datagram_head_with(list, &part, room, &control);
    ssize_t got = recvmsg(fd, &head, 0);
    (void)count;
    if (got < 0)
        return unix_datagram_receive_failed();
    unix_datagram_take(list, &head, (size_t)got);
    unix_datagram_take_control(infos, &head, list->truncated);
    return unix_datagram_is_end(fd, list) ? error_from_os(EPIPE) : 1;
}

#endif

/* ---- sending ---- */

static void unix_datagram_put(struct msghdr *head, int level, int type,
                              const void *data, size_t size)
{
    char *at = (char *)head->msg_control + head->msg_controllen;
    struct cmsghdr *c = (struct cmsghdr *)(void *)at;
    assert(head->msg_controllen + CMSG_SPACE(size) <= CONTROL_ROOM);
    memset(at, 0, CMSG_SPACE(size));
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = (__typeof__(c->cmsg_len))CMSG_LEN(size);
    memcpy(CMSG_DATA(c), data, size);
    head->msg_controllen += CMSG_SPACE(size);
}

static int unix_datagram_put_local4(struct msghdr *head,
                                    const rondo_datagram_info *info)
{
    struct in_addr ip = {.s_addr = INADDR_ANY};
    bool leaves_by =
        info->known & RONDO_INFO_INTERFACE && info->interface_index;
    if (info->known & RONDO_INFO_LOCAL)
        (void)sys_address_bytes(&info->local, &ip);
#if defined(UNIX_ASK_PKTINFO)
    struct in_pktinfo from = {.ipi_spec_dst = ip};
    if (leaves_by)
        from.ipi_ifindex = (__typeof__(from.ipi_ifindex))info->interface_index;
    unix_datagram_put(head, IPPROTO_IP, IP_PKTINFO, &from, sizeof from);
    return 0;
#elif defined(IP_SENDSRCADDR)
    if (leaves_by)
        return unix_datagram_cannot();
    if (info->known & RONDO_INFO_LOCAL)
        unix_datagram_put(head, IPPROTO_IP, IP_SENDSRCADDR, &ip, sizeof ip);
    return 0;
#else
    (void)head;
    (void)leaves_by;
    return unix_datagram_cannot();
#endif
}

static void unix_datagram_put_local6(struct msghdr *head,
                                     const rondo_datagram_info *info)
{
    struct in6_pktinfo from;
    memset(&from, 0, sizeof from);
    if (info->known & RONDO_INFO_LOCAL) {
        (void)sys_address_bytes(&info->local, &from.ipi6_addr);
        from.ipi6_ifindex =
            (__typeof__(from.ipi6_ifindex))sys_address_scope(&info->local);
    }
    if (info->known & RONDO_INFO_INTERFACE && info->interface_index)
        from.ipi6_ifindex =
            (__typeof__(from.ipi6_ifindex))info->interface_index;
    unix_datagram_put(head, IPPROTO_IPV6, IPV6_PKTINFO, &from, sizeof from);
}

/* IPv4, also to a mapped address of a socket for both. */
static bool unix_datagram_goes_by4(const rondo_address *target)
{
    struct in6_addr ip;
    if (sys_address_family(target) != RONDO_FAMILY_INET6)
        return true;
    (void)sys_address_bytes(target, &ip);
    return IN6_IS_ADDR_V4MAPPED(&ip);
}

static void unix_datagram_put_numbers(struct msghdr *head,
                                      const rondo_datagram_info *info, bool by4)
{
    int level = by4 ? IPPROTO_IP : IPPROTO_IPV6;
    if (info->known & RONDO_INFO_ECN && by4) {
        unix_tos tos = (unix_tos)info->ecn;
        unix_datagram_put(head, level, IP_TOS, &tos, sizeof tos);
    } else if (info->known & RONDO_INFO_ECN) {
        unix_datagram_put(head, level, IPV6_TCLASS, &info->ecn,
                          sizeof info->ecn);
    }
    if (info->known & RONDO_INFO_TTL)
        unix_datagram_put(head, level, by4 ? IP_TTL : IPV6_HOPLIMIT, &info->ttl,
                          sizeof info->ttl);
}

static int unix_datagram_put_info(struct msghdr *head,
                                  const struct sys_message *m)
{
    const rondo_datagram_info *info = m->info;
    int error = 0;
    if (info->known & (RONDO_INFO_LOCAL | RONDO_INFO_INTERFACE)) {
        if (sys_address_family(m->target) == RONDO_FAMILY_INET6)
            unix_datagram_put_local6(head, info);
        else
            error = unix_datagram_put_local4(head, info);
    }
    unix_datagram_put_numbers(head, info, unix_datagram_goes_by4(m->target));
#ifdef __linux__
    uint16_t segment = (uint16_t)info->segment_size;
    if (info->known & RONDO_INFO_SEGMENTS)
        unix_datagram_put(head, IPPROTO_UDP, UNIX_UDP_SEGMENT, &segment,
                          sizeof segment);
#endif
    return error;
}

static int64_t unix_datagram_send_head(int fd, const struct msghdr *head)
{
#if SYS_BATCH > 1 /* as all other sends of datagrams */
    struct mmsghdr one = {.msg_hdr = *head};
    return sendmmsg(fd, &one, 1, MSG_NOSIGNAL);
#else
    return sendmsg(fd, head, MSG_NOSIGNAL);
#endif
}

int sys_send_message(sys_fd fd, const struct sys_message *m)
{
    struct iovec parts[RONDO_DATAGRAM_PIECES];
    struct unix_control control;
    struct msghdr head = {.msg_name = (void *)(uintptr_t)m->to,
                          .msg_namelen = (socklen_t)m->to_size,
                          .msg_iov = parts};
    head.msg_iovlen =
        unix_parts(parts, RONDO_DATAGRAM_PIECES, m->pieces, m->count);
    head.msg_control = control.bytes;
    int error = m->info ? unix_datagram_put_info(&head, m) : 0;
    if (error)
        return error;
    if (!head.msg_controllen)
        head.msg_control = NULL;
    if (!unix_may_send(fd) || unix_datagram_send_head(fd, &head) < 0)
        return unix_datagram_send_failed();
    return 1;
}
#endif
