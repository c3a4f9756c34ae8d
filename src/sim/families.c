/* families.c - IPv4 and IPv6, and sockets that take both: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/net.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* An IPv6 socket has an IPv4 address as "::ffff:1.2.3.4" (RFC 4291, 2.5.5.2). */
static const unsigned char families_mapped[12] = {[10] = 255, [11] = 255};

/* The bytes of the address; of an IPv4 one in IPv6 its four. */
static size_t families_ip(const rondo_address *a, unsigned char bytes[16])
{
    size_t size = sys_address_bytes(a, bytes);
    if (size != 16 ||
        memcmp(bytes, families_mapped, sizeof families_mapped) != 0)
        return size;
    memmove(bytes, bytes + sizeof families_mapped, 4);
    return 4;
}

bool net_is_mapped(const rondo_address *a)
{
    unsigned char bytes[16];
    return sys_address_family(a) == RONDO_FAMILY_INET6 &&
           families_ip(a, bytes) == 4;
}

bool net_is_any(const rondo_address *a)
{
    static const unsigned char zero[16];
    unsigned char bytes[16];
    size_t size = families_ip(a, bytes);
    return size && memcmp(bytes, zero, size) == 0;
}

bool net_same_ip(const rondo_address *a, const rondo_address *b)
{
    unsigned char one[16], two[16];
    size_t size = families_ip(a, one);
    return size && families_ip(b, two) == size && memcmp(one, two, size) == 0;
}

bool net_is_multicast(const rondo_address *a)
{
    unsigned char bytes[16];
    size_t size = families_ip(a, bytes);
    return size == 4 ? bytes[0] >> 4 == 14 : size == 16 && bytes[0] == 255;
}

bool net_is_for_all(const rondo_address *a)
{
    unsigned char bytes[16];
    return families_ip(a, bytes) == 4 && bytes[0] == 255 && bytes[3] == 255;
}

bool net_is_loopback(const rondo_address *a)
{
    static const unsigned char one[16] = {[15] = 1};
    unsigned char bytes[16];
    size_t size = families_ip(a, bytes);
    return size == 4 ? bytes[0] == 127
                     : size == 16 && memcmp(bytes, one, size) == 0;
}

/* As a socket of that family has it. */
void net_show(rondo_family family, rondo_address *a)
{
    unsigned char b[16];
    char text[64];
    bool six = family == RONDO_FAMILY_INET6;
    if (sys_address_family(a) == family || families_ip(a, b) != 4 ||
        (!six && family != RONDO_FAMILY_INET))
        return;
    snprintf(text, sizeof text, "%s%u.%u.%u.%u", six ? "::ffff:" : "", b[0],
             b[1], b[2], b[3]);
    (void)sys_address_ip(a, text, sys_address_port(a), 0);
}

/* Does what is bound to `local` get what is for `to`? */
static bool families_cover(const rondo_address *local, bool v6only,
                           const rondo_address *to)
{
    unsigned char bytes[16];
    size_t size = families_ip(to, bytes);
    if (!net_is_any(local))
        return net_same_ip(local, to);
    return families_ip(local, bytes) == 4 ? size == 4 : size == 16 || !v6only;
}

bool net_covers(const struct sim_socket *s, const rondo_address *to)
{
    return s->family != RONDO_FAMILY_UNIX &&
           sys_address_port(to) == sys_address_port(&s->local) &&
           families_cover(&s->local, s->v6only, to);
}

bool net_overlaps(const struct sim_socket *s, const rondo_address *a,
                  bool v6only)
{
    return s->family != RONDO_FAMILY_UNIX &&
           sys_address_port(a) == sys_address_port(&s->local) &&
           (families_cover(&s->local, s->v6only, a) ||
            families_cover(a, v6only, &s->local));
}

/* The address from which a host reaches another one; false: it has none of that
 * family, so there is no route. */
static bool families_choose_ip(const struct sim_socket *s,
                               const rondo_address *towards, rondo_address *a)
{
    unsigned char bytes[16];
    size_t size = families_ip(towards, bytes);
    *a = s->host->ip[size == 4 ? 0 : 1];
    if (net_is_loopback(towards))
        return true;
    for (unsigned i = 2; i < s->host->ips; i++)
        if (families_ip(&s->host->ip[i], bytes) == size) {
            *a = s->host->ip[i];
            return true;
        }
    return net_is_any(towards) || sim_host_has(s->host, towards) ||
           net_is_multicast(towards);
}

int net_bind_any(struct sim_socket *s, const rondo_address *towards)
{
    rondo_address a;
    bool routed = families_choose_ip(s, towards, &a);
    if (!routed || (s->v6only && net_is_mapped(towards)))
        return sim_fail(ENETUNREACH);
    if (s->bound && !net_is_any(&s->local))
        return 0;
    net_show(s->family, &a);
    sys_address_set_port(&a, sys_address_port(&s->local));
    int error = s->bound ? 0 : net_choose_port(s, &a);
    if (!error && s->kind == SIM_STREAM) {
        s->local = a;
        s->bound = true;
    } else if (!error && !s->bound) {
        (void)sys_address_any(&s->local, s->family, sys_address_port(&a));
        s->bound = true;
    }
    return error;
}
#endif
