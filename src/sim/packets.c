/* packets.c - datagrams, which may be lost, come twice, or late: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/net.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PACKET_COST = 64, REORDER_MS = 100 };

/* A datagram on its way. */
struct datagram {
    struct sim_event event;
    struct sim_host *from, *host;
    struct sim_socket *sender; /* hears of a port that is closed; or NULL */
    rondo_address to;
    struct sim_packet *packet;
};

static void packets_end(struct sim_event *event)
{
    struct datagram *d = (void *)event;
    if (d->sender)
        net_unuse(d->sender);
    free(d->packet);
    free(d);
}

void packets_drop_all(struct sim_socket *s)
{
    while (s->packet_first) {
        struct sim_packet *p = s->packet_first;
        s->packet_first = p->next;
        free(p);
    }
    while (s->groups) {
        struct sim_group *g = s->groups;
        s->groups = g->next;
        free(g);
    }
}

/* ---- arriving ---- */

static struct sim_packet *packets_copy(const struct sim_packet *p)
{
    struct sim_packet *copy = malloc(sizeof *copy + p->size);
    if (!copy)
        sim_die("out of memory for packets");
    memcpy(copy, p, sizeof *copy);
    memcpy(copy->bytes, p->bytes, p->size);
    return copy;
}

static void packets_put(struct sim_socket *s, const struct sim_packet *packet)
{
    size_t cost = packet->size + PACKET_COST;
    if (s->packet_bytes + cost > s->receive_window) {
        s->drops++;
        sim_note(s->host, NOTE_DATAGRAM_LOST, s->number, (int64_t)packet->size);
        return;
    }
    struct sim_packet *p = packets_copy(packet);
    net_show(s->family, &p->from);
    p->next = NULL;
    if (s->packet_first)
        s->packet_last->next = p;
    else
        s->packet_first = p;
    s->packet_last = p;
    s->packet_bytes += cost;
    sim_note(s->host, NOTE_DATAGRAM, s->number, (int64_t)packet->size);
    net_changed(s);
}

static bool packets_joined(const struct sim_socket *s, const rondo_address *a)
{
    for (const struct sim_group *g = s->groups; g; g = g->next)
        if (net_same_ip(&g->ip, a))
            return true;
    return false;
}

/* A connected socket hears its peer only. */
static bool packets_hears(const struct sim_socket *s, const struct datagram *d,
                          bool group)
{
    const rondo_address *from = &d->packet->from;
    if (s->kind != SIM_DATAGRAM || !s->bound ||
        sys_address_port(&s->local) != sys_address_port(&d->to))
        return false;
    if (s->connected && (!net_same_ip(&s->peer, from) ||
                         sys_address_port(&s->peer) != sys_address_port(from)))
        return false;
    if (!group)
        return net_covers(s, &d->to);
    return s->family == sys_address_family(&d->to) &&
           (net_is_for_all(&d->to) || packets_joined(s, &d->to));
}

static bool packets_is_group(const rondo_address *a)
{
    return net_is_multicast(a) || net_is_for_all(a);
}

/* One socket gets it; of a group each. */
static bool packets_deliver(const struct datagram *d)
{
    bool group = packets_is_group(&d->to), any = false;
    struct sim_socket *best = NULL, *next;
    for (struct sim_socket *s = d->host->sockets; s; s = next) {
        next = s->next;
        if (!packets_hears(s, d, group))
            continue;
        if (group)
            packets_put(s, d->packet);
        else if (!best || s->connected)
            best = s;
        any = true;
    }
    if (best)
        packets_put(best, d->packet);
    return any;
}

static void packets_refused(struct sim_socket *s)
{
    if (!s->connected || !s->descriptors)
        return;
    s->error = ECONNREFUSED;
    sim_note(s->host, NOTE_REFUSED, s->number, ECONNREFUSED);
    net_changed(s);
}

static bool packets_is_lost(const struct datagram *d)
{
    if (!d->host->up || !d->from->up || sim_is_cut(d->from, d->host))
        return true;
    return d->from != d->host &&
           sim_fault_at(SIM_FAULT_loss, sim_link(d->from, d->host)->is.loss);
}

static void packets_arrives(struct sim_event *event)
{
    struct datagram *d = (void *)event;
    if (packets_is_lost(d))
        sim_note(d->host, NOTE_DATAGRAM_LOST, 0, (int64_t)d->packet->size);
    else if (!packets_deliver(d) && d->sender && d->sender->connected &&
             !packets_is_group(&d->to) && !sim_is_cut(d->host, d->from))
        net_later(d->sender, sim_latency(d->host, d->from, 0), packets_refused);
    packets_end(event);
}

/* ---- sending ---- */

static void packets_launch(struct sim_socket *s, struct sim_host *host,
                           const rondo_address *to,
                           const struct sim_packet *packet)
{
    int times = 1 + sim_fault(SIM_FAULT_duplicate);
    for (int i = 0; i < times; i++) {
        struct datagram *d = calloc(1, sizeof *d);
        if (!d)
            sim_die("out of memory for packets");
        d->event.run = packets_arrives;
        d->event.end = packets_end;
        d->event.place = SIM_NOWHERE;
        d->from = s->host;
        d->host = host;
        d->sender = s;
        s->uses++;
        d->to = *to;
        net_show(RONDO_FAMILY_INET, &d->to);
        d->packet = packets_copy(packet);
        int64_t late = sim_latency(s->host, host, packet->size);
        if (sim_fault(SIM_FAULT_reorder))
            late += (int64_t)sim_below(RONDO_MS(REORDER_MS));
        sim_at(&d->event, sim.now + late);
    }
}

static void packets_launch_all(struct sim_socket *s, const rondo_address *to,
                               const struct sim_packet *packet)
{
    struct sim_host *host = net_is_any(to) || sim_host_has(s->host, to)
                                ? s->host
                                : sim_host_of_ip(to);
    if (!packets_is_group(to)) {
        if (host)
            packets_launch(s, host, to, packet);
        return;
    }
    for (int i = 0; i < sim.host_count; i++)
        if (sim.hosts[i] != s->host || s->loops_back)
            packets_launch(s, sim.hosts[i], to, packet);
}

/* Unix sockets: there at once, or not at all. */
static int packets_send_local(struct sim_socket *s, const rondo_address *to,
                              const struct sim_packet *packet)
{
    struct sim_socket *target = local_find(s->host, SIM_DATAGRAM, to);
    if (!target)
        return sim_fail(ECONNREFUSED);
    if (target->packet_bytes + packet->size + PACKET_COST >
        target->receive_window)
        return sim_fail(EAGAIN);
    packets_put(target, packet);
    return 1;
}

static void packets_set_from(struct sim_socket *s, const rondo_address *to,
                             struct sim_packet *packet)
{
    packet->from = s->local;
    if (s->family == RONDO_FAMILY_UNIX || !net_is_any(&s->local))
        return;
    struct sim_socket as = {.host = s->host,
                            .family = s->family,
                            .kind = SIM_STREAM,
                            .bound = true};
    as.local = s->local;
    (void)net_bind_any(&as, to);
    packet->from = as.local;
}

static int packets_check(struct sim_socket *s, size_t size)
{
    if (s->kind != SIM_DATAGRAM)
        return sim_fail(ENOTSOCK);
    if (s->error)
        return net_take_error(s);
    if (size > sys_datagram_most(s->family))
        return sim_fail(EMSGSIZE);
    if (sim_fault(SIM_FAULT_no_buffers))
        return sim_fail(ENOBUFS);
    return sim_fault(SIM_FAULT_again) ? sim_fail(EAGAIN) : 0;
}

static int packets_send(struct sim_socket *s, const rondo_address *to,
                        const rondo_buffer *pieces, size_t count)
{
    size_t size = 0, used = 0;
    for (size_t i = 0; i < count; i++)
        size += pieces[i].size;
    int error = packets_check(s, size);
    if (error)
        return error;
    if (sys_address_family(to) != s->family)
        return sim_fail(EAFNOSUPPORT);
    if (net_is_for_all(to) && !s->broadcasts)
        return sim_fail(EACCES);
    error = s->family == RONDO_FAMILY_UNIX ? 0 : net_bind_any(s, to);
    if (error)
        return error;
    struct sim_packet *packet = malloc(sizeof *packet + size);
    if (!packet)
        sim_die("out of memory for packets");
    packet->size = size;
    for (size_t i = 0; i < count; i++)
        if (pieces[i].size) {
            memcpy(packet->bytes + used, pieces[i].data, pieces[i].size);
            used += pieces[i].size;
        }
    packets_set_from(s, to, packet);
    sim_note(s->host, NOTE_SEND_DATAGRAM, s->number, (int64_t)size);
    int result = 1;
    if (s->family == RONDO_FAMILY_UNIX)
        result = packets_send_local(s, to, packet);
    else
        packets_launch_all(s, to, packet);
    free(packet);
    return result;
}

static int packets_send_to(struct sim_socket *s, const void *to, size_t to_size,
                           const rondo_buffer *pieces, size_t count)
{
    rondo_address a;
    if (!to && !s->connected)
        return sim_fail(EDESTADDRREQ);
    memset(&a, 0, sizeof a);
    if (to) {
        memcpy(&a.native, to, to_size);
        a.native_size = (uint32_t)to_size;
    }
    return packets_send(s, to ? &a : &s->peer, pieces, count);
}

int packets_send_out(struct sim_socket *s, const struct sys_outgoing *o)
{
    rondo_buffer whole = {o->data, o->size};
    return packets_send_to(s, o->to, o->to_size, &whole, 1);
}

int sys_send_batch(sys_fd fd, const struct sys_outgoing *list, unsigned count)
{
    struct sim_socket *s = net_get(fd);
    int sent = 0;
    if (!s)
        return RONDO_EBADF;
    while ((unsigned)sent < count) {
        int result = packets_send_out(s, &list[sent]);
        if (result < 0)
            return sent ? sent : result;
        sent++;
    }
    return sent;
}

int sys_send_message(sys_fd fd, const struct sys_message *m)
{
    struct sim_socket *s = net_get(fd);
    if (!s)
        return RONDO_EBADF;
    if (m->info && m->info->known)
        return sim_fail(EOPNOTSUPP);
    return packets_send_to(s, m->to, m->to_size, m->pieces, m->count);
}

/* ---- receiving ---- */

static void packets_take(struct sim_socket *s, struct sys_received *r,
                         size_t room)
{
    struct sim_packet *p = s->packet_first;
    s->packet_first = p->next;
    s->packet_bytes -= p->size + PACKET_COST;
    r->truncated = p->size > room;
    r->size = r->truncated ? room : p->size;
    memcpy(r->data, p->bytes, r->size);
    r->from = p->from;
    sim_note(s->host, NOTE_RECEIVE, s->number, (int64_t)r->size);
    free(p);
}

static int packets_check_receive(struct sim_socket *s)
{
    if (s->error)
        return net_take_error(s);
    if (!s->packet_first || sim_fault(SIM_FAULT_again))
        return sim_fail(EAGAIN);
    return 0;
}

int64_t packets_receive_one(struct sim_socket *s, void *data, size_t size)
{
    struct sys_received one = {.data = data};
    int error = packets_check_receive(s);
    if (error)
        return error;
    packets_take(s, &one, size);
    return (int64_t)one.size;
}

int64_t packets_send_parts(struct sim_socket *s, const rondo_buffer *parts,
                           size_t count)
{
    int64_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += (int64_t)parts[i].size;
    int result = packets_send_to(s, NULL, 0, parts, count);
    return result < 0 ? result : size;
}

int sys_receive_batch(sys_fd fd, struct sys_received *list, unsigned count,
                      size_t room)
{
    struct sim_socket *s = net_get(fd);
    int got = 0;
    if (!s)
        return RONDO_EBADF;
    if (s->kind != SIM_DATAGRAM)
        return sim_fail(ENOTSOCK);
    int error = packets_check_receive(s);
    if (error)
        return error;
    while ((unsigned)got < count && s->packet_first)
        packets_take(s, &list[got++], room);
    return got;
}

int sys_receive_messages(sys_fd fd, struct sys_received *list,
                         rondo_datagram_info *infos, unsigned count,
                         size_t room)
{
    memset(infos, 0, count * sizeof *infos);
    return sys_receive_batch(fd, list, count, room);
}

/* ---- the rest ---- */

int packets_connect(struct sim_socket *s, const rondo_address *address)
{
    int error = s->family == RONDO_FAMILY_UNIX ? 0 : net_bind_any(s, address);
    if (error)
        return error;
    if (s->family == RONDO_FAMILY_UNIX &&
        !local_find(s->host, SIM_DATAGRAM, address))
        return sim_fail(ECONNREFUSED);
    if (s->family != RONDO_FAMILY_UNIX && net_is_any(&s->local)) {
        struct sim_packet from;
        packets_set_from(s, address, &from);
        s->local = from.from;
        net_show(s->family, &s->local);
    }
    s->peer = *address;
    s->connected = true;
    return 0;
}

bool sys_is_shut_for_reading(sys_fd fd)
{
    (void)fd;
    return false;
}

int sys_only_own_groups(sys_fd fd, rondo_family family)
{
    (void)family;
    return net_get(fd) ? 0 : RONDO_EBADF;
}

int64_t sys_datagram_drops(sys_fd fd)
{
    const struct sim_socket *s = net_get(fd);
    return s ? s->drops : -1;
}

/* A simulated host has one network, and all of its groups are there. */
int sys_multicast_from(sys_fd fd, rondo_family family, uint32_t interface)
{
    (void)family;
    (void)interface;
    return net_get(fd) ? 0 : RONDO_EBADF;
}

int sys_multicast(sys_fd fd, const rondo_address *group, uint32_t interface,
                  bool join)
{
    struct sim_socket *s = net_get(fd);
    (void)interface;
    if (!s)
        return RONDO_EBADF;
    struct sim_group **link = &s->groups;
    while (*link && !net_same_ip(&(*link)->ip, group))
        link = &(*link)->next;
    struct sim_group *g = *link;
    if (join == (g != NULL))
        return sim_fail(join ? EADDRINUSE : EADDRNOTAVAIL);
    if (join) {
        g = calloc(1, sizeof *g);
        if (!g)
            sim_die("out of memory for groups");
        g->ip = *group;
        *link = g;
    } else {
        *link = g->next;
        free(g);
    }
    return 0;
}

size_t sys_datagram_most(rondo_family family)
{
    switch (family) {
    case RONDO_FAMILY_INET:
        return 65535 - 20 - 8; /* minus the headers of IPv4 and UDP */
    case RONDO_FAMILY_INET6:
        return 65535 - 8;
    default:
        return INT32_MAX; /* unix sockets: the buffer size decides */
    }
}
#endif
