/* address.c - addresses as values: parsing, printing, comparing. */
/* SPDX-License-Identifier: MIT */
#include "base/address.h"

#include "base/error.h"
#include "sys.h"

#include <stdio.h>
#include <string.h>

enum { FLOW_BITS = 0xfffff }; /* of sin6_flowinfo, RFC 3493 and RFC 6437 */

uint32_t address_scope(const char *name)
{
    uint32_t index = sys_interface_index(name);
    if (index)
        return index;
    uint64_t number = 0;
    for (const char *p = name; *p; p++) {
        if (*p < '0' || *p > '9' || number > UINT32_MAX)
            return 0;
        number = number * 10 + (uint64_t)(*p - '0');
    }
    return number > UINT32_MAX ? 0 : (uint32_t)number;
}

int rondo_address_parse(rondo_address *a, const char *ip, uint16_t port)
{
    char text[64];
    if (!a || !ip)
        return error_set(RONDO_EINVAL, "address_parse: no %s",
                         a ? "text" : "address");
    const char *percent = strchr(ip, '%');
    size_t size = percent ? (size_t)(percent - ip) : strlen(ip);
    memset(a, 0, sizeof *a);
    if (size < sizeof text) {
        memcpy(text, ip, size);
        text[size] = '\0';
        uint32_t scope = percent ? address_scope(percent + 1) : 0;
        if (percent && !scope)
            return error_set(RONDO_EINVAL,
                             "address_parse: \"%.100s\" has no scope of this "
                             "system",
                             ip);
        if (sys_address_ip(a, text, port, scope) == 0)
            return 0;
    }
    return error_set(RONDO_EINVAL,
                     "address_parse: \"%.100s\" is not a numeric address", ip);
}

int rondo_address_unix(rondo_address *a, const char *path, size_t size)
{
    if (!a || !path)
        return error_set(RONDO_EINVAL, "address_unix: no %s",
                         a ? "path" : "address");
    memset(a, 0, sizeof *a);
    int error = sys_address_unix(a, path, size);
    if (error == RONDO_ENAMETOOLONG)
        return error_set(error,
                         "address_unix: a path of %zu bytes, the limit is %lld",
                         size, (long long)sys_unix_path_limit());
    if (error == RONDO_ENOTSUP)
        return error_set(error, "address_unix: no unix sockets here");
    return error
               ? error_set(error,
                           "address_unix: the path is empty or has a NUL byte")
               : 0;
}

int rondo_address_from_native(rondo_address *a, const void *sockaddr,
                              size_t size)
{
    if (!a || !sockaddr)
        return error_set(RONDO_EINVAL, "address_from_native: no %s",
                         a ? "sockaddr" : "address");
    memset(a, 0, sizeof *a);
    int used = size > sizeof a->native ? RONDO_EINVAL
                                       : sys_address_size(sockaddr, size);
    if (used < 0)
        return error_set(used, "address_from_native: %zu bytes of an %s", size,
                         used == RONDO_EINVAL ? "address of another size"
                                              : "unknown family");
    memcpy(&a->native, sockaddr, (size_t)used);
    a->native_size = (uint32_t)used;
    return 0;
}

const void *rondo_address_native(const rondo_address *a, size_t *size)
{
    if (size)
        *size = a ? a->native_size : 0;
    return a ? &a->native : NULL;
}

rondo_family rondo_address_family(const rondo_address *a)
{
    return a ? sys_address_family(a) : RONDO_FAMILY_ANY;
}

uint16_t rondo_address_port(const rondo_address *a)
{
    return a ? sys_address_port(a) : 0;
}

void rondo_address_set_port(rondo_address *a, uint16_t port)
{
    if (a)
        sys_address_set_port(a, port);
}

size_t rondo_address_ip(const rondo_address *a, void *bytes16)
{
    return a && bytes16 ? sys_address_bytes(a, bytes16) : 0;
}

uint32_t rondo_address_scope(const rondo_address *a)
{
    return a ? sys_address_scope(a) : 0;
}

uint32_t rondo_address_flow(const rondo_address *a)
{
    return a ? sys_address_flow(a) & FLOW_BITS : 0;
}

void rondo_address_set_flow(rondo_address *a, uint32_t flow)
{
    if (a)
        sys_address_set_flow(a, (sys_address_flow(a) & ~(uint32_t)FLOW_BITS) |
                                    (flow & FLOW_BITS));
}

static int address_path_text(const rondo_address *a, char *text, size_t size)
{
    const char *path;
    size_t length = sys_address_path(a, &path);
    if (length >= size)
        return RONDO_ETOOMUCH;
    memcpy(text, path, length);
    text[length] = '\0';
    /* Linux: an abstract name begins with a NUL byte and may have more. */
    for (size_t i = 0; i < length; i++)
        if (!text[i])
            text[i] = '@';
    return (int)length;
}

static int address_ip_text(const rondo_address *a, char *text, size_t size)
{
    char ip[64], scope[16] = "";
    sys_address_ip_text(a, ip, sizeof ip);
    if (sys_address_scope(a))
        snprintf(scope, sizeof scope, "%%%lu",
                 (unsigned long)sys_address_scope(a));
    bool v6 = sys_address_family(a) == RONDO_FAMILY_INET6;
    int used = snprintf(text, size, v6 ? "[%s%s]:%u" : "%s%s:%u", ip, scope,
                        (unsigned)sys_address_port(a));
    return used < 0 || (size_t)used >= size ? RONDO_ETOOMUCH : used;
}

int rondo_address_text(const rondo_address *a, char *text, size_t size)
{
    if (!a || !text || !size)
        return error_set(RONDO_EINVAL, "address_text: no %s",
                         a ? "room" : "address");
    text[0] = '\0';
    int used = 0;
    switch (sys_address_family(a)) {
    case RONDO_FAMILY_INET:
    case RONDO_FAMILY_INET6:
        used = address_ip_text(a, text, size);
        break;
    case RONDO_FAMILY_UNIX:
        used = address_path_text(a, text, size);
        break;
    case RONDO_FAMILY_ANY:
        break;
    }
    if (used >= 0)
        return used;
    text[0] = '\0';
    return error_set(used, "address_text: %zu bytes are not enough", size);
}

bool rondo_address_equal(const rondo_address *a, const rondo_address *b)
{
    unsigned char one[16], two[16];
    const char *path, *other;
    if (!a || !b || sys_address_family(a) != sys_address_family(b))
        return false;
    size_t size = sys_address_bytes(a, one);
    if (size)
        return sys_address_bytes(b, two) && memcmp(one, two, size) == 0 &&
               sys_address_port(a) == sys_address_port(b) &&
               sys_address_scope(a) == sys_address_scope(b);
    size = sys_address_path(a, &path);
    return size == sys_address_path(b, &other) &&
           (size == 0 || memcmp(path, other, size) == 0);
}

bool address_keep(struct small_address *small, const rondo_address *a)
{
    small->size = 0;
    if (a->native_size > sizeof small->bytes)
        return false;
    small->size = (unsigned char)a->native_size;
    /* a known number of bytes is a few instructions; those behind do no harm */
    memcpy(small->bytes, &a->native, sizeof small->bytes);
    return true;
}

int address_recall(const struct small_address *small, rondo_address *a)
{
    memset(a, 0, sizeof *a);
    if (!small->size)
        return RONDO_ENOTCONN;
    memcpy(&a->native, small->bytes, small->size);
    a->native_size = small->size;
    return 0;
}

int address_of_path(rondo_address *a, const char *path, const char *what)
{
    int error = sys_path_address(a, path);
    switch (error) {
    case 0:
        return 0;
    case RONDO_ENAMETOOLONG:
        return error_set(error,
                         "%s: a path of %zu bytes, the limit of a unix socket "
                         "is %lld",
                         what, strlen(path), (long long)sys_unix_path_limit());
    case RONDO_ENOTSUP:
        return error_set(error, "%s: path \"%.100s\": no unix sockets here",
                         what, path);
    default:
        return error_set(error, "%s: path \"%s\" names nothing", what, path);
    }
}
