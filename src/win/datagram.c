/* datagram.c - datagrams, as sys.h asks for them: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/win.h"

#include <iphlpapi.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#ifndef SIO_UDP_CONNRESET
#define SIO_UDP_CONNRESET _WSAIOW(IOC_VENDOR, 12)
#endif

int sys_socket_datagram(rondo_family family, sys_fd *fd)
{
    int native = win_family(family);
    if (native == AF_UNSPEC) {
        *fd = SYS_NO_FD;
        return error_from_os(WSAEAFNOSUPPORT);
    }
    return win_socket(native, SOCK_DGRAM, IPPROTO_UDP, fd);
}

void win_tell_unreachable(sys_fd fd, bool tell)
{
    BOOL value = tell;
    DWORD count = 0;
    (void)WSAIoctl(fd, SIO_UDP_CONNRESET, &value, sizeof value, NULL, 0, &count,
                   NULL, NULL);
}

int win_datagram_error(int error)
{
    /* Windows says WSAECONNRESET of a port that nobody has */
    return error == RONDO_ECONNRESET ? RONDO_ECONNREFUSED : error;
}

static int win_datagram_fail(void)
{
    return win_datagram_error(win_fail());
}

/* Winsock has no call for several datagrams: SYS_BATCH is 1. */
int sys_receive_batch(sys_fd fd, struct sys_received *list, unsigned count,
                      size_t room)
{
    int from_size = sizeof list->from.native;
    int most = room < INT_MAX ? (int)room : INT_MAX;
    int got =
        recvfrom(fd, list->data, most, 0,
                 (struct sockaddr *)(void *)&list->from.native, &from_size);
    (void)count;
    list->truncated = got < 0 && WSAGetLastError() == WSAEMSGSIZE;
    if (got < 0 && !list->truncated)
        return win_datagram_fail();
    list->size = (size_t)(list->truncated ? most : got);
    list->from.native_size = (uint32_t)from_size;
    list->from.reserved = 0;
    return 1;
}

int sys_send_batch(sys_fd fd, const struct sys_outgoing *list, unsigned count)
{
    int sent = sendto(fd, list->data, (int)list->size, 0, list->to,
                      (int)list->to_size);
    (void)count;
    return sent == SOCKET_ERROR ? win_datagram_fail() : 1;
}

/* Windows delivers what each socket has joined. */
int sys_only_own_groups(sys_fd fd, rondo_family family)
{
    (void)fd;
    (void)family;
    return 0;
}

/* Windows refuses to receive then (WSAESHUTDOWN, RONDO_EPIPE). */
bool sys_is_shut_for_reading(sys_fd fd)
{
    (void)fd;
    return false;
}

int64_t sys_datagram_drops(sys_fd fd)
{
    (void)fd;
    return -1;
}

size_t sys_datagram_most(rondo_family family)
{
    /* the header of UDP counts, and that of IPv4 */
    return family == RONDO_FAMILY_INET ? 65535 - 20 - 8 : 65535 - 8;
}

/* ---- multicast ---- */

static DWORD win_datagram_find_address(const MIB_IPADDRTABLE *table,
                                       uint32_t index)
{
    for (DWORD i = 0; i < table->dwNumEntries; i++)
        if (table->table[i].dwIndex == index)
            return table->table[i].dwAddr;
    return INADDR_NONE;
}

/* The multicast options of IPv4 name an interface by its address. */
static int win_datagram_interface_address(uint32_t index, DWORD *address)
{
    ULONG size = 0;
    (void)GetIpAddrTable(NULL, &size, FALSE);
    MIB_IPADDRTABLE *table = malloc(size);
    if (!table)
        return error_from_os(ERROR_NOT_ENOUGH_MEMORY);
    DWORD os_error = GetIpAddrTable(table, &size, FALSE);
    *address = os_error ? INADDR_NONE : win_datagram_find_address(table, index);
    free(table);
    if (os_error)
        return error_from_os(os_error);
    return *address == INADDR_NONE ? error_from_os(WSAEADDRNOTAVAIL) : 0;
}

static int win_datagram_set(sys_fd fd, int level, int name, const void *value,
                            int size)
{
    return setsockopt(fd, level, name, value, size) != 0 ? win_fail() : 0;
}

int sys_multicast(sys_fd fd, const rondo_address *group, uint32_t index,
                  bool join)
{
    if (sys_address_family(group) == RONDO_FAMILY_INET6) {
        struct ipv6_mreq request = {.ipv6mr_interface = index};
        (void)sys_address_bytes(group, &request.ipv6mr_multiaddr);
        return win_datagram_set(
            fd, IPPROTO_IPV6, join ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP,
            &request, sizeof request);
    }
    struct ip_mreq request = {0};
    DWORD address = INADDR_ANY;
    int error = index ? win_datagram_interface_address(index, &address) : 0;
    if (error)
        return error;
    request.imr_interface.s_addr = address;
    (void)sys_address_bytes(group, &request.imr_multiaddr);
    return win_datagram_set(fd, IPPROTO_IP,
                            join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP,
                            &request, sizeof request);
}

int sys_multicast_from(sys_fd fd, rondo_family family, uint32_t index)
{
    DWORD value = index;
    if (family == RONDO_FAMILY_INET6)
        return win_datagram_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &value,
                                sizeof value);
    int error = index ? win_datagram_interface_address(index, &value) : 0;
    return error ? error
                 : win_datagram_set(fd, IPPROTO_IP, IP_MULTICAST_IF, &value,
                                    sizeof value);
}
#endif
