/* interfaces.c - network interfaces, addresses, changes of them: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/win.h"

#include <iphlpapi.h>
#include <netioapi.h>

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_ROOM = 16384, /* what Microsoft's manual begins with */
    TRIES = 5,          /* it may grow between two calls */
    NAME_ROOM = 3 * 257
};

static unsigned interfaces_flags(const IP_ADAPTER_ADDRESSES *of)
{
    bool up = of->OperStatus == IfOperStatusUp;
    bool loopback = of->IfType == IF_TYPE_SOFTWARE_LOOPBACK;
    bool point = of->IfType == IF_TYPE_PPP || of->IfType == IF_TYPE_TUNNEL;
    return (up ? RONDO_INTERFACE_UP | RONDO_INTERFACE_RUNNING : 0U) |
           (loopback ? RONDO_INTERFACE_LOOPBACK : 0U) |
           (point ? RONDO_INTERFACE_POINT_TO_POINT : 0U) |
           (!loopback && !point ? RONDO_INTERFACE_BROADCAST : 0U) |
           (of->Flags & IP_ADAPTER_NO_MULTICAST ? 0U
                                                : RONDO_INTERFACE_MULTICAST);
}

static int interfaces_tell(const IP_ADAPTER_ADDRESSES *of,
                           int (*fn)(void *arg, const rondo_interface *one),
                           void *arg)
{
    char name[NAME_ROOM] = "";
    rondo_interface one = {.size = sizeof one, .name = name};
    bool any = false;
    (void)WideCharToMultiByte(CP_UTF8, 0, of->FriendlyName, -1, name,
                              NAME_ROOM - 1, NULL, NULL);
    one.index = of->IfIndex ? of->IfIndex : of->Ipv6IfIndex;
    one.flags = interfaces_flags(of);
    if (of->PhysicalAddressLength <= sizeof one.hardware) {
        one.hardware_size = of->PhysicalAddressLength;
        memcpy(one.hardware, of->PhysicalAddress, one.hardware_size);
    }
    for (const IP_ADAPTER_UNICAST_ADDRESS *a = of->FirstUnicastAddress; a;
         a = a->Next) {
        if (rondo_address_from_native(&one.address, a->Address.lpSockaddr,
                                      (size_t)a->Address.iSockaddrLength) < 0)
            continue;
        any = true;
        one.prefix = a->OnLinkPrefixLength;
        int error = fn(arg, &one);
        if (error)
            return error;
    }
    return any ? 0 : fn(arg, &one);
}

/* The caller frees it. NULL and no error: there is none. */
static int interfaces_read(IP_ADAPTER_ADDRESSES **all)
{
    const ULONG flags = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST |
                        GAA_FLAG_SKIP_DNS_SERVER;
    ULONG room = FIRST_ROOM, result = ERROR_BUFFER_OVERFLOW;
    *all = NULL;
    for (int i = 0; i < TRIES && result == ERROR_BUFFER_OVERFLOW; i++) {
        free(*all);
        *all = malloc(room);
        if (!*all) {
            error_no_os();
            return RONDO_ENOMEM;
        }
        result = GetAdaptersAddresses(AF_UNSPEC, flags, NULL, *all, &room);
    }
    if (result == ERROR_SUCCESS)
        return 0;
    free(*all);
    *all = NULL;
    return result == ERROR_NO_DATA ? 0 : error_from_os(result);
}

int sys_interfaces(int (*fn)(void *arg, const rondo_interface *one), void *arg)
{
    IP_ADAPTER_ADDRESSES *all;
    int error = interfaces_read(&all);
    for (const IP_ADAPTER_ADDRESSES *of = all; of && !error; of = of->Next)
        error = interfaces_tell(of, fn, arg);
    free(all);
    return error;
}

/* ---- changes ---- */

struct sys_network {
    HANDLE links, addresses;
    void (*changed)(void *arg);
    void *arg;
};

/* Windows calls these two on threads of its own, several at a time. */
static void WINAPI network_link(void *context, MIB_IPINTERFACE_ROW *row,
                                MIB_NOTIFICATION_TYPE type)
{
    const struct sys_network *n = context;
    (void)row;
    (void)type;
    n->changed(n->arg);
}

static void WINAPI network_address(void *context, MIB_UNICASTIPADDRESS_ROW *row,
                                   MIB_NOTIFICATION_TYPE type)
{
    const struct sys_network *n = context;
    (void)row;
    (void)type;
    n->changed(n->arg);
}

/* Waits until no callback runs. */
static void network_stop(const struct sys_network *n)
{
    if (n->links)
        (void)CancelMibChangeNotify2(n->links);
    if (n->addresses)
        (void)CancelMibChangeNotify2(n->addresses);
}

/* Wine 8 says yes, and gives no handle. */
static DWORD network_start(struct sys_network *n)
{
    DWORD error =
        NotifyIpInterfaceChange(AF_UNSPEC, network_link, n, FALSE, &n->links);
    if (!error && !n->links)
        error = ERROR_NOT_SUPPORTED;
    if (!error)
        error = NotifyUnicastIpAddressChange(AF_UNSPEC, network_address, n,
                                             FALSE, &n->addresses);
    if (!error && !n->addresses)
        error = ERROR_NOT_SUPPORTED;
    if (error)
        network_stop(n);
    return error;
}

int sys_network_open(void (*changed)(void *arg), void *arg, sys_fd *fd,
                     struct sys_network **network)
{
    struct sys_network *n = malloc(sizeof *n);
    *fd = SYS_NO_FD;
    *network = NULL;
    if (!n) {
        error_no_os();
        return RONDO_ENOMEM;
    }
    *n = (struct sys_network){.changed = changed, .arg = arg};
    DWORD error = network_start(n);
    if (error) {
        free(n);
        return error_from_os(error);
    }
    *network = n;
    return 0;
}

bool sys_network_read(sys_fd fd)
{
    (void)fd;
    return false;
}

void sys_network_close(sys_fd fd, struct sys_network *network)
{
    (void)fd;
    if (!network)
        return;
    network_stop(network);
    free(network);
}

static void network_ignore(void *arg)
{
    (void)arg;
}

bool win_network_tells(void)
{
    struct sys_network *network;
    sys_fd fd;
    if (sys_network_open(network_ignore, NULL, &fd, &network) < 0)
        return false;
    sys_network_close(fd, network);
    return true;
}
#endif
