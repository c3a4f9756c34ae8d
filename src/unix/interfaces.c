/* interfaces.c - network interfaces and their addresses: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#endif
#include "base/error.h"
#include "unix/unix.h"

#include <errno.h>
#include <sys/types.h>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#ifdef __linux__
#include <linux/if_packet.h>
#else
#include <net/if_dl.h>
#endif

/* What getifaddrs(3) tells, in an order of our own. */
struct entry {
    const struct ifaddrs *of;
    size_t place; /* in its list */
    size_t name_size;
};

/* Linux calls a second address "eth0:1", which is an address of eth0. */
static size_t interfaces_name_size(const char *name)
{
#ifdef __linux__
    return strcspn(name, ":");
#else
    return strlen(name);
#endif
}

static int interfaces_compare_names(const struct entry *a,
                                    const struct entry *b)
{
    size_t size = a->name_size < b->name_size ? a->name_size : b->name_size;
    int order = memcmp(a->of->ifa_name, b->of->ifa_name, size);
    return order
               ? order
               : (a->name_size > b->name_size) - (a->name_size < b->name_size);
}

static int interfaces_compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = interfaces_compare_names(a, b);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

static unsigned interfaces_flags(unsigned flags)
{
    return (flags & IFF_UP ? RONDO_INTERFACE_UP : 0U) |
           (flags & IFF_RUNNING ? RONDO_INTERFACE_RUNNING : 0U) |
           (flags & IFF_LOOPBACK ? RONDO_INTERFACE_LOOPBACK : 0U) |
           (flags & IFF_POINTOPOINT ? RONDO_INTERFACE_POINT_TO_POINT : 0U) |
           (flags & IFF_BROADCAST ? RONDO_INTERFACE_BROADCAST : 0U) |
           (flags & IFF_MULTICAST ? RONDO_INTERFACE_MULTICAST : 0U);
}

/* ---- one entry ---- */

static int interfaces_family(const struct ifaddrs *of)
{
    return of->ifa_addr ? of->ifa_addr->sa_family : AF_UNSPEC;
}

/* How many bits of a mask are set from its start. Some systems leave the family
 * of a mask out. */
static unsigned interfaces_prefix(const struct sockaddr *mask, int family)
{
    size_t at = family == AF_INET ? offsetof(struct sockaddr_in, sin_addr)
                                  : offsetof(struct sockaddr_in6, sin6_addr);
    size_t size = family == AF_INET ? 4 : 16;
    const unsigned char *byte = (const unsigned char *)mask + at;
    unsigned bits = 0;
    for (size_t i = 0; mask && i < size; i++)
        for (unsigned bit = 0x80; bit; bit >>= 1) {
            if (!(byte[i] & bit))
                return bits;
            bits++;
        }
    return bits;
}

static void interfaces_put_hardware(rondo_interface *one, const void *bytes,
                                    size_t size)
{
    if (size > sizeof one->hardware)
        return;
    memcpy(one->hardware, bytes, size);
    one->hardware_size = size;
}

/* Takes the number and the hardware's address from an entry of its link. */
#ifdef __linux__
static void interfaces_put_link(rondo_interface *one, const struct ifaddrs *of)
{
    struct sockaddr_ll link;
    if (interfaces_family(of) != AF_PACKET)
        return;
    memcpy(&link, of->ifa_addr, sizeof link);
    one->index = (uint32_t)link.sll_ifindex;
    interfaces_put_hardware(one, link.sll_addr, link.sll_halen);
}
#else
static void interfaces_put_link(rondo_interface *one, const struct ifaddrs *of)
{
    if (interfaces_family(of) != AF_LINK)
        return;
    const struct sockaddr_dl *link =
        (const struct sockaddr_dl *)(const void *)of->ifa_addr;
    one->index = link->sdl_index;
    interfaces_put_hardware(one, LLADDR(link), link->sdl_alen);
}
#endif

static bool interfaces_put_address(rondo_interface *one,
                                   const struct ifaddrs *of)
{
    int family = interfaces_family(of);
    if (family != AF_INET && family != AF_INET6)
        return false;
    size_t size = family == AF_INET ? sizeof(struct sockaddr_in)
                                    : sizeof(struct sockaddr_in6);
    one->prefix = interfaces_prefix(of->ifa_netmask, family);
    return rondo_address_from_native(&one->address, of->ifa_addr, size) == 0;
}

/* ---- one interface ---- */

/* Its entries, all of one name. */
static int interfaces_tell(const struct entry *entries, size_t count,
                           int (*fn)(void *arg, const rondo_interface *one),
                           void *arg)
{
    char name[IF_NAMESIZE] = "";
    rondo_interface one = {.size = sizeof one, .name = name};
    size_t size = entries->name_size;
    memcpy(name, entries->of->ifa_name, size < sizeof name ? size : 0);
    one.flags = interfaces_flags(entries->of->ifa_flags);
    for (size_t i = 0; i < count; i++)
        interfaces_put_link(&one, entries[i].of);
    if (!one.index)
        one.index = if_nametoindex(name);
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (!interfaces_put_address(&one, entries[i].of))
            continue;
        any = true;
        int error = fn(arg, &one);
        if (error)
            return error;
    }
    return any ? 0 : fn(arg, &one);
}

static int interfaces_tell_all(struct entry *entries, size_t count,
                               int (*fn)(void *arg, const rondo_interface *one),
                               void *arg)
{
    int error = 0;
    qsort(entries, count, sizeof *entries, interfaces_compare);
    for (size_t i = 0; i < count && !error;) {
        size_t end = i + 1;
        while (end < count &&
               interfaces_compare_names(&entries[i], &entries[end]) == 0)
            end++;
        error = interfaces_tell(entries + i, end - i, fn, arg);
        i = end;
    }
    return error;
}

int sys_interfaces(int (*fn)(void *arg, const rondo_interface *one), void *arg)
{
    struct ifaddrs *all;
    size_t count = 0, used = 0;
    if (getifaddrs(&all) < 0)
        return unix_fail();
    for (const struct ifaddrs *of = all; of; of = of->ifa_next)
        count++;
    struct entry *entries = malloc((count ? count : 1) * sizeof *entries);
    for (const struct ifaddrs *of = entries ? all : NULL; of;
         of = of->ifa_next) {
        entries[used] =
            (struct entry){of, used, interfaces_name_size(of->ifa_name)};
        used++;
    }
    int error = RONDO_ENOMEM;
    if (entries)
        error = interfaces_tell_all(entries, count, fn, arg);
    else
        error_no_os();
    free(entries);
    freeifaddrs(all);
    return error;
}
#endif
