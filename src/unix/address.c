/* address.c - reads and fills the sockaddr in a rondo_address: POSIX. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_POSIX
#define _GNU_SOURCE
#include "sys.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The native bytes hold a sockaddr. They are copied into a struct of its type
 * and back, because reading them through a pointer of another type is undefined
 * behaviour. */

static sa_family_t unix_address_native_family(const rondo_address *a)
{
    struct sockaddr any;
    memcpy(&any, &a->native, sizeof any);
    return a->native_size ? any.sa_family : (sa_family_t)AF_UNSPEC;
}

static void unix_address_put(rondo_address *a, const void *native, size_t size)
{
    memset(a, 0, sizeof *a);
    memcpy(&a->native, native, size);
    a->native_size = (uint32_t)size;
}

static struct sockaddr_in unix_address_inet_of(const rondo_address *a)
{
    struct sockaddr_in in;
    memcpy(&in, &a->native, sizeof in);
    return in;
}

static struct sockaddr_in6 unix_address_inet6_of(const rondo_address *a)
{
    struct sockaddr_in6 in6;
    memcpy(&in6, &a->native, sizeof in6);
    return in6;
}

static void unix_address_put_inet(rondo_address *a, struct in_addr ip,
                                  uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = ip};
    in.sin_port = htons(port);
#ifdef SIN6_LEN
    in.sin_len = sizeof in;
#endif
    unix_address_put(a, &in, sizeof in);
}

static void unix_address_put_inet6(rondo_address *a, struct in6_addr ip,
                                   uint16_t port, uint32_t scope)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = ip};
    in6.sin6_port = htons(port);
    in6.sin6_scope_id = scope;
#ifdef SIN6_LEN
    in6.sin6_len = sizeof in6;
#endif
    unix_address_put(a, &in6, sizeof in6);
}

int sys_address_ip(rondo_address *a, const char *ip, uint16_t port,
                   uint32_t scope)
{
    struct in_addr in;
    struct in6_addr in6;
    if (!scope && inet_pton(AF_INET, ip, &in) == 1)
        unix_address_put_inet(a, in, port);
    else if (inet_pton(AF_INET6, ip, &in6) == 1)
        unix_address_put_inet6(a, in6, port, scope);
    else
        return RONDO_EINVAL;
    return 0;
}

int sys_address_any(rondo_address *a, rondo_family family, uint16_t port)
{
    if (family == RONDO_FAMILY_INET6)
        unix_address_put_inet6(a, in6addr_any, port, 0);
    else
        unix_address_put_inet(a, (struct in_addr){.s_addr = htonl(INADDR_ANY)},
                              port);
    return 0;
}

int sys_address_unix(rondo_address *a, const char *path, size_t size)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t start = offsetof(struct sockaddr_un, sun_path);
    if (size == 0)
        return RONDO_EINVAL;
    if (size > sizeof un.sun_path - 1)
        return RONDO_ENAMETOOLONG;
#ifdef __linux__
    bool abstract = !path[0];
#else
    bool abstract = false;
#endif
    if (!abstract && memchr(path, '\0', size))
        return RONDO_EINVAL;
    memcpy(un.sun_path, path, size);
    /* an abstract name may hold NUL bytes, so its size ends it */
    unix_address_put(a, &un, start + size + (abstract ? 0 : 1));
    return 0;
}

static int unix_address_fit(size_t size, size_t needed)
{
    return size < needed ? RONDO_EINVAL : (int)needed;
}

int sys_address_size(const void *native, size_t size)
{
    struct sockaddr any;
    memset(&any, 0, sizeof any);
    memcpy(&any, native, size < sizeof any ? size : sizeof any);
    if (size < offsetof(struct sockaddr, sa_data))
        return RONDO_EINVAL;
    switch (any.sa_family) {
    case AF_INET:
        return unix_address_fit(size, sizeof(struct sockaddr_in));
    case AF_INET6:
        return unix_address_fit(size, sizeof(struct sockaddr_in6));
    case AF_UNIX:
        return size > sizeof(struct sockaddr_un) ? RONDO_EINVAL : (int)size;
    default:
        return RONDO_EAFNOSUPPORT;
    }
}

rondo_family sys_address_family(const rondo_address *a)
{
    switch (unix_address_native_family(a)) {
    case AF_INET:
        return RONDO_FAMILY_INET;
    case AF_INET6:
        return RONDO_FAMILY_INET6;
    case AF_UNIX:
        return RONDO_FAMILY_UNIX;
    default:
        return RONDO_FAMILY_ANY;
    }
}

uint16_t sys_address_port(const rondo_address *a)
{
    switch (unix_address_native_family(a)) {
    case AF_INET:
        return ntohs(unix_address_inet_of(a).sin_port);
    case AF_INET6:
        return ntohs(unix_address_inet6_of(a).sin6_port);
    default:
        return 0;
    }
}

void sys_address_set_port(rondo_address *a, uint16_t port)
{
    if (unix_address_native_family(a) == AF_INET) {
        unix_address_put_inet(a, unix_address_inet_of(a).sin_addr, port);
    } else if (unix_address_native_family(a) == AF_INET6) {
        struct sockaddr_in6 in6 = unix_address_inet6_of(a);
        in6.sin6_port = htons(port);
        unix_address_put(a, &in6, sizeof in6);
    }
}

size_t sys_address_bytes(const rondo_address *a, void *bytes16)
{
    if (unix_address_native_family(a) == AF_INET) {
        struct in_addr ip = unix_address_inet_of(a).sin_addr;
        memcpy(bytes16, &ip, sizeof ip);
        return sizeof ip;
    }
    if (unix_address_native_family(a) == AF_INET6) {
        struct in6_addr ip = unix_address_inet6_of(a).sin6_addr;
        memcpy(bytes16, &ip, sizeof ip);
        return sizeof ip;
    }
    return 0;
}

uint32_t sys_address_scope(const rondo_address *a)
{
    return unix_address_native_family(a) == AF_INET6
               ? unix_address_inet6_of(a).sin6_scope_id
               : 0;
}

uint32_t sys_address_flow(const rondo_address *a)
{
    return unix_address_native_family(a) == AF_INET6
               ? ntohl(unix_address_inet6_of(a).sin6_flowinfo)
               : 0;
}

void sys_address_set_flow(rondo_address *a, uint32_t flow)
{
    if (unix_address_native_family(a) != AF_INET6)
        return;
    struct sockaddr_in6 in6 = unix_address_inet6_of(a);
    in6.sin6_flowinfo = htonl(flow);
    unix_address_put(a, &in6, sizeof in6);
}

void sys_address_ip_text(const rondo_address *a, char *text, size_t size)
{
    unsigned char bytes[16];
    size_t count = sys_address_bytes(a, bytes);
    text[0] = '\0';
    if (count)
        (void)inet_ntop(unix_address_native_family(a), bytes, text,
                        (socklen_t)size);
}

size_t sys_address_path(const rondo_address *a, const char **path)
{
    size_t start = offsetof(struct sockaddr_un, sun_path);
    *path = (const char *)a->native.bytes + start;
    if (unix_address_native_family(a) != AF_UNIX || a->native_size <= start)
        return 0;
    size_t size = a->native_size - start;
#ifdef __linux__
    if (!**path) /* an abstract name may hold NUL bytes: its size ends it */
        return size > 1 ? size : 0;
#endif
    /* Linux may or may not count the NUL byte; macOS pads with NUL bytes */
    return strnlen(*path, size);
}
#endif
