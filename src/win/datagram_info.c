/* datagram_info.c - what goes beside a datagram, as control messages: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/win.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include <mswsock.h>

/* Some headers lack them. */
#ifndef IP_ECN
#define IP_ECN 50 /* Windows 10 */
#endif
#ifndef IPV6_ECN
#define IPV6_ECN 50
#endif
#ifndef IP_HOPLIMIT
#define IP_HOPLIMIT 21 /* Windows Vista; today's headers say IP_RECVTTL, too */
#endif
#ifndef IPV6_HOPLIMIT
#define IPV6_HOPLIMIT 21
#endif
#ifndef IP_MTU
#define IP_MTU 73
#endif
#ifndef IPV6_MTU
#define IPV6_MTU 72
#endif
enum { /* Windows 10, version 2004 */
       WIN_UDP_SEND_MSG_SIZE = 2,
       WIN_UDP_RECV_MAX_COALESCED_SIZE = 3 /* a message of this type, too */
};

enum { CONTROL_ROOM = 256, LOCAL = RONDO_INFO_LOCAL | RONDO_INFO_INTERFACE };
enum { WIN_TRIED_TTL = 77 };

/* The control messages of one datagram. */
struct win_control {
    _Alignas(max_align_t) char bytes[CONTROL_ROOM];
};

/* Said by us and not by the system. */
static int win_datagram_cannot(void)
{
    error_no_os();
    return RONDO_ENOTSUP;
}

static int win_datagram_set(sys_fd fd, int level, int name, DWORD value)
{
    return setsockopt(fd, level, name, (const char *)&value, sizeof value) != 0
               ? win_fail()
               : 0;
}

static LPFN_WSARECVMSG win_datagram_receiver(sys_fd fd)
{
    static volatile LONG_PTR kept; /* of Microsoft's provider: one for all */
    LPFN_WSARECVMSG function;
    GUID id = WSAID_WSARECVMSG;
    DWORD count = 0;
    LONG_PTR known = kept;
    if (!known &&
        WSAIoctl(fd, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &known,
                 sizeof known, &count, NULL, NULL) != 0)
        return NULL;
    kept = known;
    memcpy(&function, &known, sizeof function);
    return function;
}

/* ---- control messages ---- */

/* WSA_CMSG_SPACE and its relatives, which mix signed and unsigned sizes in some
 * headers: a head, the data, and padding up to a word. */
static size_t win_control_space(size_t size)
{
    const size_t word = sizeof(SIZE_T);
    return (sizeof(WSACMSGHDR) + size + word - 1) & ~(word - 1);
}

_Static_assert(sizeof(WSACMSGHDR) % sizeof(SIZE_T) == 0,
               "the data follows the head");

static const void *win_control_data(const WSACMSGHDR *c)
{
    return c + 1;
}

/* The message at that place; NULL: there are no more. */
static const WSACMSGHDR *win_control_at(const WSAMSG *m, size_t at)
{
    if (at + sizeof(WSACMSGHDR) > m->Control.len)
        return NULL;
    const WSACMSGHDR *c =
        (const WSACMSGHDR *)(const void *)(m->Control.buf + at);
    bool whole = c->cmsg_len >= sizeof *c && c->cmsg_len <= m->Control.len - at;
    return whole ? c : NULL;
}

/* ---- sending ---- */

static void win_datagram_put(WSAMSG *m, INT level, INT type, const void *data,
                             size_t size)
{
    char *at = m->Control.buf + m->Control.len;
    WSACMSGHDR *c = (WSACMSGHDR *)(void *)at;
    assert(m->Control.len + win_control_space(size) <= CONTROL_ROOM);
    memset(at, 0, win_control_space(size));
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = sizeof *c + size;
    memcpy(c + 1, data, size);
    m->Control.len += (ULONG)win_control_space(size);
}

static void win_datagram_put_local(WSAMSG *m, const rondo_datagram_info *info,
                                   bool six)
{
    IN6_PKTINFO from6 = {0};
    IN_PKTINFO from = {0};
    ULONG interface_index =
        info->known & RONDO_INFO_INTERFACE ? info->interface_index : 0;
    bool named = info->known & RONDO_INFO_LOCAL;
    if (six) {
        if (named)
            (void)sys_address_bytes(&info->local, &from6.ipi6_addr);
        if (named && !interface_index)
            interface_index = sys_address_scope(&info->local);
        from6.ipi6_ifindex = interface_index;
        win_datagram_put(m, IPPROTO_IPV6, IPV6_PKTINFO, &from6, sizeof from6);
        return;
    }
    if (named)
        (void)sys_address_bytes(&info->local, &from.ipi_addr);
    from.ipi_ifindex = interface_index;
    win_datagram_put(m, IPPROTO_IP, IP_PKTINFO, &from, sizeof from);
}

static void win_datagram_put_info(WSAMSG *m, const rondo_datagram_info *info,
                                  bool six)
{
    INT ecn = info->ecn;
    DWORD segment = (DWORD)info->segment_size;
    if (info->known & LOCAL)
        win_datagram_put_local(m, info, six);
    if (info->known & RONDO_INFO_ECN)
        win_datagram_put(m, six ? IPPROTO_IPV6 : IPPROTO_IP,
                         six ? IPV6_ECN : IP_ECN, &ecn, sizeof ecn);
    if (info->known & RONDO_INFO_SEGMENTS)
        win_datagram_put(m, IPPROTO_UDP, WIN_UDP_SEND_MSG_SIZE, &segment,
                         sizeof segment);
}

/* ---- sending with a TTL ---- */

/* No control message of Winsock's sets it: it is an option of the socket, of the
 * protocol that the datagram leaves by. */
struct win_ttl {
    int level, name;
    DWORD before;
};

static struct win_ttl win_datagram_ttl_of(const rondo_address *target)
{
    IN6_ADDR ip = {0};
    const UCHAR *bytes = ip.u.Byte;
    bool six = sys_address_family(target) == RONDO_FAMILY_INET6;
    (void)sys_address_bytes(target, &ip);
    if (six && IN6_IS_ADDR_V4MAPPED(&ip)) {
        bytes += 12;
        six = false;
    }
    bool many = six ? bytes[0] == 0xff : (bytes[0] & 0xf0) == 0xe0;
    if (six)
        return (struct win_ttl){.level = IPPROTO_IPV6,
                                .name = many ? IPV6_MULTICAST_HOPS
                                             : IPV6_UNICAST_HOPS};
    return (struct win_ttl){.level = IPPROTO_IP,
                            .name = many ? IP_MULTICAST_TTL : IP_TTL};
}

/* Until win_datagram_restore_ttl: the kernel takes it with the send. */
static int win_datagram_set_ttl(sys_fd fd, struct win_ttl *ttl, int value)
{
    int size = sizeof ttl->before;
    if (getsockopt(fd, ttl->level, ttl->name, (char *)&ttl->before, &size) != 0)
        return win_fail();
    return win_datagram_set(fd, ttl->level, ttl->name, (DWORD)value);
}

static void win_datagram_restore_ttl(sys_fd fd, const struct win_ttl *ttl)
{
    (void)setsockopt(fd, ttl->level, ttl->name, (const char *)&ttl->before,
                     sizeof ttl->before);
}

/* ---- a whole datagram ---- */

static DWORD win_datagram_parts(WSABUF *parts, const struct sys_message *m)
{
    DWORD used = 0;
    for (; used < m->count; used++)
        parts[used] = (WSABUF){(ULONG)m->pieces[used].size,
                               (CHAR *)(uintptr_t)m->pieces[used].data};
    if (!used) /* Winsock wants one */
        parts[used++] = (WSABUF){0, NULL};
    return used;
}

int sys_send_message(sys_fd fd, const struct sys_message *m)
{
    WSABUF parts[RONDO_DATAGRAM_PIECES];
    struct win_control control;
    DWORD count = win_datagram_parts(parts, m), sent = 0;
    const struct sockaddr *to = m->to;
    int result;
    bool hops = m->info && m->info->known & RONDO_INFO_TTL;
    struct win_ttl ttl = {0};
    if (!m->info && count == 1) {
        const struct sys_outgoing one = {parts->buf, parts->len, m->to,
                                         m->to_size};
        return sys_send_batch(fd, &one, 1);
    }
    if (hops) {
        ttl = win_datagram_ttl_of(m->target);
        int error = win_datagram_set_ttl(fd, &ttl, m->info->ttl);
        if (error)
            return error;
    }
    if (m->info) {
        WSAMSG head = {.name = (LPSOCKADDR)(uintptr_t)to,
                       .namelen = (INT)m->to_size,
                       .lpBuffers = parts,
                       .dwBufferCount = count,
                       .Control = {0, control.bytes}};
        win_datagram_put_info(&head, m->info,
                              sys_address_family(m->target) ==
                                  RONDO_FAMILY_INET6);
        result = WSASendMsg(fd, &head, 0, &sent, NULL, NULL);
    } else {
        result = WSASendTo(fd, parts, count, &sent, 0, to, (int)m->to_size,
                           NULL, NULL);
    }
    result = result == SOCKET_ERROR ? win_datagram_error(win_fail()) : 1;
    if (hops)
        win_datagram_restore_ttl(fd, &ttl);
    return result;
}

/* ---- what there is ---- */

/* Wine takes a send with control messages and does not look at them: it sends
 * from an address that this machine cannot have (RFC 5737). */
static bool win_datagram_looks_at_control(sys_fd fd)
{
    rondo_address to, from;
    rondo_datagram_info info = {.size = sizeof info, .known = RONDO_INFO_LOCAL};
    if (sys_local_address(fd, &to) != 0 ||
        rondo_address_parse(&from, "192.0.2.1", 0) != 0)
        return false;
    info.local = from;
    const struct sys_message m = {.to = &to.native,
                                  .to_size = to.native_size,
                                  .target = &to,
                                  .info = &info};
    return sys_send_message(fd, &m) < 0;
}

static bool win_datagram_arrives(sys_fd fd)
{
    struct timeval most = {.tv_usec = 100000}; /* it is there already */
    fd_set fds;
    FD_ZERO(&fds);
    FD_SET(fd, &fds);
    return select(0, &fds, NULL, NULL, &most) == 1;
}

/* A datagram to oneself says whether the TTL is set and told: a socket takes
 * IP_HOPLIMIT also where no message with it comes. */
static bool win_datagram_tells_ttl(sys_fd fd)
{
    rondo_address to;
    rondo_datagram_info info = {
        .size = sizeof info, .known = RONDO_INFO_TTL, .ttl = WIN_TRIED_TTL};
    char byte;
    struct sys_received got = {.data = &byte};
    if (win_datagram_set(fd, IPPROTO_IP, IP_HOPLIMIT, 1) != 0 ||
        sys_local_address(fd, &to) != 0)
        return false;
    const struct sys_message m = {.to = &to.native,
                                  .to_size = to.native_size,
                                  .target = &to,
                                  .info = &info};
    if (sys_send_message(fd, &m) < 0 || !win_datagram_arrives(fd) ||
        sys_receive_messages(fd, &got, &info, 1, 1) != 1)
        return false;
    return info.known & RONDO_INFO_TTL && info.ttl == WIN_TRIED_TTL;
}

static unsigned win_datagram_try_infos(void)
{
    rondo_address here;
    sys_fd fd;
    unsigned infos = 0;
    if (sys_socket_datagram(RONDO_FAMILY_INET, &fd) != 0)
        return 0;
    bool bound = rondo_address_parse(&here, "127.0.0.1", 0) == 0 &&
                 sys_bind(fd, &here) == 0 && win_datagram_receiver(fd);
    if (bound && win_datagram_tells_ttl(fd))
        infos = RONDO_INFO_TTL;
    if (bound && win_datagram_set(fd, IPPROTO_IP, IP_PKTINFO, 1) == 0 &&
        win_datagram_looks_at_control(fd)) {
        infos |= LOCAL;
        if (win_datagram_set(fd, IPPROTO_IP, IP_ECN, 1) == 0)
            infos |= RONDO_INFO_ECN;
        if (win_datagram_set(fd, IPPROTO_UDP, WIN_UDP_RECV_MAX_COALESCED_SIZE,
                             65535) == 0 &&
            win_datagram_set(fd, IPPROTO_UDP, WIN_UDP_SEND_MSG_SIZE, 0) == 0)
            infos |= RONDO_INFO_SEGMENTS;
    }
    sys_close(fd);
    return infos;
}

/* Asked for with each message, so the answer is kept. */
unsigned sys_datagram_infos(void)
{
    static volatile LONG kept; /* the infos and 1 << 16: they are known */
    LONG known = kept;
    if (!known) {
        known = (LONG)(win_datagram_try_infos() | 1U << 16);
        kept = known;
    }
    return (unsigned)known & 0xffff;
}

/* ---- asking ---- */

static int win_datagram_ask_numbers(sys_fd fd, bool six, unsigned info)
{
    int level = six ? IPPROTO_IPV6 : IPPROTO_IP, error = 0;
    if (info & RONDO_INFO_ECN)
        error = win_datagram_set(fd, level, six ? IPV6_ECN : IP_ECN, 1);
    if (!error && info & RONDO_INFO_TTL)
        error =
            win_datagram_set(fd, level, six ? IPV6_HOPLIMIT : IP_HOPLIMIT, 1);
    /* a socket for both gets the messages of IPv4, too */
    if (!error && six)
        (void)win_datagram_ask_numbers(fd, false, info);
    return error;
}

int sys_datagram_ask(sys_fd fd, rondo_family family, unsigned info)
{
    bool six = family == RONDO_FAMILY_INET6;
    int level = six ? IPPROTO_IPV6 : IPPROTO_IP, error = 0;
    if (info & ~sys_datagram_infos())
        return win_datagram_cannot();
    if (info & LOCAL)
        error = win_datagram_set(fd, level, six ? IPV6_PKTINFO : IP_PKTINFO, 1);
    if (!error)
        error = win_datagram_ask_numbers(fd, six, info);
    if (!error && info & RONDO_INFO_SEGMENTS)
        error = win_datagram_set(fd, IPPROTO_UDP,
                                 WIN_UDP_RECV_MAX_COALESCED_SIZE, 65535);
    return error;
}

int sys_datagram_fragments(sys_fd fd, rondo_family family,
                           rondo_fragments fragments)
{
    bool six = family == RONDO_FAMILY_INET6;
    return win_datagram_set(fd, six ? IPPROTO_IPV6 : IPPROTO_IP,
                            six ? IPV6_DONTFRAG : IP_DONTFRAGMENT,
                            fragments != RONDO_FRAGMENTS_ALLOW);
}

/* Windows 10, version 1607. */
int64_t sys_datagram_path_mtu(sys_fd fd, rondo_family family)
{
    bool six = family == RONDO_FAMILY_INET6;
    DWORD value = 0;
    int size = sizeof value;
    if (getsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MTU : IP_MTU,
                   (char *)&value, &size) != 0)
        return WSAGetLastError() == WSAENOPROTOOPT ? win_datagram_cannot()
                                                   : win_fail();
    return (int64_t)value;
}

/* ---- receiving ---- */

static void win_datagram_take_local(rondo_datagram_info *info,
                                    const WSACMSGHDR *c)
{
    IN_PKTINFO got;
    memcpy(&got, win_control_data(c), sizeof got);
    (void)sys_address_any(&info->local, RONDO_FAMILY_INET, 0);
    memcpy(info->local.native.bytes + offsetof(struct sockaddr_in, sin_addr),
           &got.ipi_addr, sizeof got.ipi_addr);
    info->interface_index = got.ipi_ifindex;
    info->known |= LOCAL;
}

static void win_datagram_take_local6(rondo_datagram_info *info,
                                     const WSACMSGHDR *c)
{
    IN6_PKTINFO got;
    struct sockaddr_in6 in6;
    memcpy(&got, win_control_data(c), sizeof got);
    (void)sys_address_any(&info->local, RONDO_FAMILY_INET6, 0);
    memcpy(&in6, &info->local.native, sizeof in6);
    in6.sin6_addr = got.ipi6_addr;
    if (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr))
        in6.sin6_scope_id = got.ipi6_ifindex;
    memcpy(&info->local.native, &in6, sizeof in6);
    info->interface_index = got.ipi6_ifindex;
    info->known |= LOCAL;
}

static void win_datagram_take_one(rondo_datagram_info *info,
                                  const WSACMSGHDR *c)
{
    DWORD number = 0;
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        win_datagram_take_local(info, c);
        return;
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        win_datagram_take_local6(info, c);
        return;
    }
    if (c->cmsg_len < sizeof *c + sizeof number)
        return;
    memcpy(&number, win_control_data(c), sizeof number);
    if (c->cmsg_level == IPPROTO_UDP &&
        c->cmsg_type == WIN_UDP_RECV_MAX_COALESCED_SIZE) {
        info->segment_size = number;
        info->known |= RONDO_INFO_SEGMENTS;
    } else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_ECN) ||
               (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_ECN)) {
        info->ecn = (int)(number & 3);
        info->known |= RONDO_INFO_ECN;
    } else if ((c->cmsg_level == IPPROTO_IP &&
                (c->cmsg_type == IP_TTL || c->cmsg_type == IP_HOPLIMIT)) ||
               (c->cmsg_level == IPPROTO_IPV6 &&
                c->cmsg_type == IPV6_HOPLIMIT)) {
        info->ttl = (int)(number & 255);
        info->known |= RONDO_INFO_TTL;
    }
}

static void win_datagram_take_control(rondo_datagram_info *info,
                                      const WSAMSG *m, bool truncated)
{
    *info = (rondo_datagram_info){.size = sizeof *info};
    if (truncated)
        info->known = RONDO_INFO_TRUNCATED;
    const WSACMSGHDR *c;
    for (size_t at = 0; (c = win_control_at(m, at));
         at += win_control_space(c->cmsg_len - sizeof *c))
        win_datagram_take_one(info, c);
}

int sys_receive_messages(sys_fd fd, struct sys_received *list,
                         rondo_datagram_info *infos, unsigned count,
                         size_t room)
{
    struct win_control control;
    WSABUF part = {room < INT_MAX ? (ULONG)room : INT_MAX, list->data};
    WSAMSG head = {.name = (LPSOCKADDR)(void *)&list->from.native,
                   .namelen = sizeof list->from.native,
                   .lpBuffers = &part,
                   .dwBufferCount = 1,
                   .Control = {sizeof control.bytes, control.bytes}};
    LPFN_WSARECVMSG receive = win_datagram_receiver(fd);
    DWORD got = 0;
    (void)count;
    if (!receive)
        return win_datagram_cannot();
    int result = receive(fd, &head, &got, NULL, NULL);
    list->truncated = result != 0 && WSAGetLastError() == WSAEMSGSIZE;
    if (result != 0 && !list->truncated)
        return win_datagram_error(win_fail());
    list->size = list->truncated ? part.len : got;
    list->from.native_size = (uint32_t)head.namelen;
    list->from.reserved = 0;
    win_datagram_take_control(infos, &head, list->truncated);
    return 1;
}
#endif
