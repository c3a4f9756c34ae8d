/* names.c - look-ups of the names of hosts: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/net.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKUP_MS = 1, SLOW_MS = 10000, FOUND_MOST = 32, NAME_MOST = 255 };

static const struct {
    const char *name;
    uint16_t port;
} names_services[] = {{"http", 80},  {"https", 443}, {"domain", 53},
                      {"smtp", 25},  {"ssh", 22},    {"ftp", 21},
                      {"imap", 143}, {"ntp", 123},   {"echo", 7}};

/* A numeric address costs no time; a name does, and may fail. */
static int names_wait(void)
{
    if (!sim_host())
        return 0;
    int64_t ns = RONDO_MS(LOOKUP_MS) + (int64_t)sim_below(RONDO_MS(LOOKUP_MS));
    if (sim_fault(SIM_FAULT_slow_name))
        ns += (int64_t)sim_below(RONDO_MS(SLOW_MS));
    (void)sim_block("the answer of a look-up", sim.now + ns);
    if (sim_fault(SIM_FAULT_no_name))
        return sim_below(2) ? RONDO_EAGAIN : RONDO_ENONAME;
    return 0;
}

static int names_port(const char *service, const rondo_lookup_hints *h,
                      uint16_t *port)
{
    *port = 0;
    if (!service)
        return 0;
    if (sys_is_port(service)) {
        unsigned long number = strtoul(service, NULL, 10);
        *port = (uint16_t)number;
        return number <= UINT16_MAX ? 0 : RONDO_ENONAME;
    }
    for (size_t i = 0; i < sizeof names_services / sizeof *names_services; i++)
        if (!h->numeric_service &&
            strcmp(names_services[i].name, service) == 0) {
            *port = names_services[i].port;
            return 0;
        }
    return RONDO_ENONAME;
}

/* AI_ADDRCONFIG: loopback does not count. */
static bool names_has_family(rondo_family family)
{
    const struct sim_host *host = sim_host();
    for (unsigned i = 2; host && i < host->ips; i++)
        if (sys_address_family(&host->ip[i]) == family)
            return true;
    return !host;
}

/* Appends an address of a family that is asked for. */
static void names_put(struct sys_names *names, const rondo_lookup_hints *h,
                      const rondo_address *ip, uint16_t port)
{
    if ((h->family != RONDO_FAMILY_ANY &&
         sys_address_family(ip) != h->family) ||
        (h->configured && !names_has_family(sys_address_family(ip))) ||
        names->count == FOUND_MOST)
        return;
    names->addresses[names->count] = *ip;
    sys_address_set_port(&names->addresses[names->count++], port);
}

static void names_put_text(struct sys_names *names, const rondo_lookup_hints *h,
                           const char *ip, uint16_t port)
{
    rondo_address a;
    if (sys_address_ip(&a, ip, 0, 0) == 0)
        names_put(names, h, &a, port);
}

static void names_find(struct sys_names *names, const rondo_lookup_hints *h,
                       const char *host, uint16_t port)
{
    const struct sim_host *found = sim_host_named(host);
    if (strcmp(host, "localhost") == 0) {
        names_put_text(names, h, "127.0.0.1", port);
        names_put_text(names, h, "::1", port);
    }
    for (unsigned i = 2; found && i < found->ips; i++)
        names_put(names, h, &found->ip[i], port);
    for (const struct sim_named *n = sim.names; n; n = n->next)
        if (strcmp(n->name, host) == 0)
            names_put(names, h, &n->ip, port);
}

/* AI_V4MAPPED and AI_ALL: IPv4 addresses as IPv6. */
static void names_find_mapped(struct sys_names *names,
                              const rondo_lookup_hints *h, const char *host,
                              uint16_t port)
{
    rondo_lookup_hints four = *h;
    size_t first = names->count;
    if (h->family != RONDO_FAMILY_INET6 || !h->v4_mapped ||
        (first && !h->all_mapped))
        return;
    four.family = RONDO_FAMILY_INET;
    names_find(names, &four, host, port);
    for (size_t i = first; i < names->count; i++)
        net_show(RONDO_FAMILY_INET6, &names->addresses[i]);
}

static char *names_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = sim_alloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

int sys_resolve(const char *host, const char *service,
                const rondo_lookup_hints *h, struct sys_names *names)
{
    rondo_address ip;
    uint16_t port;
    error_no_os();
    int error = names_port(service, h, &port);
    if (error)
        return error;
    names->addresses = sim_alloc_zeroed(FOUND_MOST, sizeof *names->addresses);
    if (!names->addresses)
        return RONDO_ENOMEM;
    if (!host) {
        names_put_text(names, h, h->passive ? "0.0.0.0" : "127.0.0.1", port);
        names_put_text(names, h, h->passive ? "::" : "::1", port);
    } else if (sys_address_ip(&ip, host, 0, 0) == 0) {
        rondo_lookup_hints numeric = *h;
        numeric.configured = false;
        names_put(names, &numeric, &ip, port);
    } else {
        error = h->numeric_host ? RONDO_ENONAME : names_wait();
        if (error)
            return error;
        names_find(names, h, host, port);
        names_find_mapped(names, h, host, port);
    }
    sim_note(sim_host(), NOTE_LOOKUP, (int64_t)names->count, 0);
    if (!names->count)
        return RONDO_ENONAME;
    if (h->canonical_name && host) {
        names->host = names_copy(host);
        return names->host ? 0 : RONDO_ENOMEM;
    }
    return 0;
}

int sys_resolve_back(const rondo_address *address, unsigned flags,
                     struct sys_names *names)
{
    char ip[64], port[16];
    const struct sim_host *host = sim_host_of_ip(address);
    const char *service = NULL;
    error_no_os();
    sys_address_ip_text(address, ip, sizeof ip);
    uint16_t number = sys_address_port(address);
    snprintf(port, sizeof port, "%u", (unsigned)number);
    if (flags & RONDO_NAMEINFO_NUMERIC_HOST)
        host = NULL;
    else if (flags & RONDO_NAMEINFO_REQUIRED && !host)
        return RONDO_ENONAME;
    int error = host ? names_wait() : 0;
    if (error)
        return error;
    for (size_t i = 0; i < sizeof names_services / sizeof *names_services; i++)
        if (!(flags & RONDO_NAMEINFO_NUMERIC_SERVICE) &&
            names_services[i].port == number)
            service = names_services[i].name;
    names->host = names_copy(host ? host->name : ip);
    names->service = names_copy(service ? service : port);
    return names->host && names->service ? 0 : RONDO_ENOMEM;
}

uint32_t sys_interface_index(const char *name)
{
    (void)name;
    return 0;
}

int rondo_sim_add_name(const char *name, const char *ip)
{
    rondo_address a;
    if (!sim.begun)
        return sim_wrong(RONDO_EINVAL, "sim_add_name: there is no world");
    if (!name || !*name || strlen(name) > NAME_MOST)
        return sim_wrong(RONDO_EINVAL,
                         "sim_add_name: a name has 1 to %d bytes, not %zu",
                         NAME_MOST, name ? strlen(name) : 0);
    if (strcmp(name, "localhost") == 0 || sys_address_ip(&a, name, 0, 0) == 0)
        return sim_wrong(RONDO_EINVAL,
                         "sim_add_name: \"%s\" is never looked up", name);
    if (!ip || sys_address_ip(&a, ip, 0, 0) != 0)
        return sim_wrong(RONDO_EINVAL,
                         "sim_add_name: \"%s\" is not a numeric address",
                         ip ? ip : "NULL");
    size_t size = strlen(name) + 1;
    struct sim_named *n = calloc(1, sizeof *n + size), **link = &sim.names;
    if (!n)
        return error_set(RONDO_ENOMEM, "sim_add_name: out of memory");
    n->ip = a;
    memcpy(n->name, name, size);
    while (*link)
        link = &(*link)->next;
    *link = n;
    return 0;
}

void sim_names_end(void)
{
    while (sim.names) {
        struct sim_named *n = sim.names;
        sim.names = n->next;
        free(n);
    }
}
#endif
