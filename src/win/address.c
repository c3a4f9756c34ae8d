/* address.c - what is inside a rondo_address: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "win/win.h"

#include <iphlpapi.h>
#include <stddef.h>
#include <string.h>

/* The native bytes are a sockaddr. They are copied into a struct of the right
 * type and back, since C forbids to read one type through a pointer to another.
 */

static ADDRESS_FAMILY win_address_native_family(const rondo_address *a)
{
    ADDRESS_FAMILY family = AF_UNSPEC;
    if (a->native_size)
        memcpy(&family, &a->native, sizeof family);
    return family;
}

static void win_address_put(rondo_address *a, const void *native, size_t size)
{
    memset(a, 0, sizeof *a);
    memcpy(&a->native, native, size);
    a->native_size = (uint32_t)size;
}

static struct sockaddr_in win_address_inet_of(const rondo_address *a)
{
    struct sockaddr_in in;
    memcpy(&in, &a->native, sizeof in);
    return in;
}

static struct sockaddr_in6 win_address_inet6_of(const rondo_address *a)
{
    struct sockaddr_in6 in6;
    memcpy(&in6, &a->native, sizeof in6);
    return in6;
}

static void win_address_put_inet(rondo_address *a, const void *ip,
                                 uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    memcpy(&in.sin_addr, ip, sizeof in.sin_addr);
    in.sin_port = htons(port);
    win_address_put(a, &in, sizeof in);
}

static void win_address_put_inet6(rondo_address *a, const void *ip,
                                  uint16_t port, uint32_t scope)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    memcpy(&in6.sin6_addr, ip, sizeof in6.sin6_addr);
    in6.sin6_port = htons(port);
    in6.sin6_scope_id = scope;
    win_address_put(a, &in6, sizeof in6);
}

int sys_address_ip(rondo_address *a, const char *ip, uint16_t port,
                   uint32_t scope)
{
    unsigned char bytes[16];
    if (!scope && ip_parse_inet(ip, bytes))
        win_address_put_inet(a, bytes, port);
    else if (ip_parse_inet6(ip, bytes))
        win_address_put_inet6(a, bytes, port, scope);
    else
        return RONDO_EINVAL;
    return 0;
}

int sys_address_any(rondo_address *a, rondo_family family, uint16_t port)
{
    static const unsigned char zeros[16];
    if (family == RONDO_FAMILY_INET6)
        win_address_put_inet6(a, zeros, port, 0);
    else
        win_address_put_inet(a, zeros, port);
    return 0;
}

int sys_address_unix(rondo_address *a, const char *path, size_t size)
{
    (void)a;
    (void)path;
    (void)size;
    return RONDO_ENOTSUP;
}

static int win_address_fit(size_t size, size_t needed)
{
    return size < needed ? RONDO_EINVAL : (int)needed;
}

int sys_address_size(const void *native, size_t size)
{
    ADDRESS_FAMILY family;
    if (size < sizeof family)
        return RONDO_EINVAL;
    memcpy(&family, native, sizeof family);
    switch (family) {
    case AF_INET:
        return win_address_fit(size, sizeof(struct sockaddr_in));
    case AF_INET6:
        return win_address_fit(size, sizeof(struct sockaddr_in6));
    default:
        return RONDO_EAFNOSUPPORT;
    }
}

rondo_family sys_address_family(const rondo_address *a)
{
    switch (win_address_native_family(a)) {
    case AF_INET:
        return RONDO_FAMILY_INET;
    case AF_INET6:
        return RONDO_FAMILY_INET6;
    default:
        return RONDO_FAMILY_ANY;
    }
}

uint16_t sys_address_port(const rondo_address *a)
{
    switch (win_address_native_family(a)) {
    case AF_INET:
        return ntohs(win_address_inet_of(a).sin_port);
    case AF_INET6:
        return ntohs(win_address_inet6_of(a).sin6_port);
    default:
        return 0;
    }
}

void sys_address_set_port(rondo_address *a, uint16_t port)
{
    if (win_address_native_family(a) == AF_INET) {
        struct in_addr ip = win_address_inet_of(a).sin_addr;
        win_address_put_inet(a, &ip, port);
    } else if (win_address_native_family(a) == AF_INET6) {
        struct sockaddr_in6 in6 = win_address_inet6_of(a);
        in6.sin6_port = htons(port);
        win_address_put(a, &in6, sizeof in6);
    }
}

size_t sys_address_bytes(const rondo_address *a, void *bytes16)
{
    if (win_address_native_family(a) == AF_INET) {
        struct in_addr ip = win_address_inet_of(a).sin_addr;
        memcpy(bytes16, &ip, sizeof ip);
        return sizeof ip;
    }
    if (win_address_native_family(a) == AF_INET6) {
        struct in6_addr ip = win_address_inet6_of(a).sin6_addr;
        memcpy(bytes16, &ip, sizeof ip);
        return sizeof ip;
    }
    return 0;
}

uint32_t sys_address_scope(const rondo_address *a)
{
    return win_address_native_family(a) == AF_INET6
               ? win_address_inet6_of(a).sin6_scope_id
               : 0;
}

uint32_t sys_address_flow(const rondo_address *a)
{
    return win_address_native_family(a) == AF_INET6
               ? ntohl(win_address_inet6_of(a).sin6_flowinfo)
               : 0;
}

void sys_address_set_flow(rondo_address *a, uint32_t flow)
{
    if (win_address_native_family(a) != AF_INET6)
        return;
    struct sockaddr_in6 in6 = win_address_inet6_of(a);
    in6.sin6_flowinfo = htonl(flow);
    win_address_put(a, &in6, sizeof in6);
}

void sys_address_ip_text(const rondo_address *a, char *text, size_t size)
{
    unsigned char bytes[16];
    size_t count = sys_address_bytes(a, bytes);
    text[0] = '\0';
    if (count == 4)
        ip_print_inet(bytes, text, size);
    else if (count == 16)
        ip_print_inet6(bytes, text, size);
}

size_t sys_address_path(const rondo_address *a, const char **path)
{
    *path = (const char *)a->native.bytes;
    return 0;
}

uint32_t sys_interface_index(const char *name)
{
    win_start();
    return if_nametoindex(name);
}
#endif
