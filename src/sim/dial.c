/* dial.c - servers with a backlog, and clients that reach them. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/net.h"

#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BACKLOG_MOST = 4096, UNREACHABLE_S = 3 };

/* ---- servers ---- */

int sys_listen(sys_fd fd, int backlog)
{
    struct sim_socket *s = net_get(fd);
    if (!s)
        return RONDO_EBADF;
    if (s->kind != SIM_STREAM || s->connected || s->connecting)
        return sim_fail(EINVAL);
    if (!s->bound) {
        rondo_address any;
        (void)sys_address_any(&any, s->family, 0);
        int error = s->family == RONDO_FAMILY_UNIX ? sim_fail(EINVAL)
                                                   : sys_bind(fd, &any);
        if (error)
            return error;
    }
    s->listening = true;
    s->backlog = backlog > 0 && backlog < BACKLOG_MOST ? (unsigned)backlog
                                                       : BACKLOG_MOST;
    sim_note(s->host, NOTE_LISTEN, s->number, sys_address_port(&s->local));
    return 0;
}

struct sim_socket *dial_arrive(struct sim_socket *server,
                               struct sim_socket *client)
{
    struct sim_socket *s = net_new(server->host, SIM_STREAM, server->family);
    s->receive_window = server->receive_window;
    s->connected = true;
    s->local = client->peer;
    s->peer = client->local;
    net_show(s->family, &s->local);
    net_show(s->family, &s->peer);
    s->server = server;
    s->half_open = true;
    server->uses++;
    s->keeps_alive = server->keeps_alive;
    flow_link(client, s);
    return s;
}

/* Linux does not take the end of a handshake while the backlog is full, and the
 * client, which is connected, sends it again. */
bool dial_has_no_room(const struct sim_socket *s)
{
    const struct sim_socket *server = s->other ? s->other->server : NULL;
    return s->way_first->carries == SIM_OPEN && server && server->listening &&
           server->queued >= server->backlog;
}

bool dial_queue(struct sim_socket *s)
{
    struct sim_socket *server = s->server;
    s->half_open = false;
    if (server->listening) {
        s->uses++; /* the backlog's */
        if (server->queue_last)
            server->queue_last->queue_next = s;
        else
            server->queue_first = s;
        server->queue_last = s;
        server->queued++;
        net_changed(server);
    } else {
        s->server = NULL;
    }
    net_unuse(server);
    return s->server;
}

static struct sim_socket *dial_pop(struct sim_socket *server)
{
    struct sim_socket *s = server->queue_first;
    server->queue_first = s->queue_next;
    if (!server->queue_first)
        server->queue_last = NULL;
    server->queued--;
    s->queue_next = NULL;
    return s;
}

int dial_accept(struct sim_process *process, struct sim_socket *server,
                sys_fd *accepted, rondo_address *peer)
{
    if (!server->listening)
        return sim_fail(EINVAL);
    if (!server->queue_first || sim_fault(SIM_FAULT_again))
        return sim_fail(EAGAIN);
    struct sim_socket *s = server->queue_first;
    if (sim_fault(SIM_FAULT_accept_error)) {
        (void)dial_pop(server);
        s->server = NULL;
        flow_stop(s, true);
        net_unuse(s);
        return sim_fail(ECONNABORTED);
    }
    int error = net_add_descriptor(process, s, accepted);
    if (error)
        return error;
    (void)dial_pop(server);
    s->server = NULL;
    *peer = s->peer;
    sim_note(s->host, NOTE_ACCEPT, s->number, 0);
    net_unuse(s);
    return 0;
}

int sys_accept(sys_fd fd, sys_fd *accepted, rondo_address *peer)
{
    struct sim_socket *server = net_get(fd);
    *accepted = SYS_NO_FD;
    return server ? dial_accept(sim_process(), server, accepted, peer)
                  : RONDO_EBADF;
}

/* ---- clients ---- */

struct dial {
    struct sim_event event;
    struct sim_socket *socket;
    struct sim_host *host;     /* NULL: no host has that address */
    struct sim_socket *server; /* has answered; or NULL */
    int64_t since;
    int tries;
    enum { DIAL_GOES, DIAL_IS_MADE, DIAL_IS_REFUSED } stage;
};

static void dial_free(struct dial *c)
{
    if (c->server)
        net_unuse(c->server);
    net_unuse(c->socket);
    free(c);
}

static void dial_ends(struct sim_event *event)
{
    dial_free((void *)event);
}

static void dial_failed(struct dial *c, int os_error)
{
    struct sim_socket *s = c->socket;
    s->connecting = false;
    s->error = os_error;
    sim_note(s->host, NOTE_REFUSED, s->number, os_error);
    net_changed(s);
    dial_free(c);
}

static void dial_again(struct dial *c)
{
    if (sim.now - c->since >= sim.options.give_up_ns)
        dial_failed(c, ETIMEDOUT);
    else
        sim_at(&c->event,
               sim.now + (RONDO_SEC(1) << (c->tries < 5 ? c->tries++ : 5)));
}

static void dial_made(struct dial *c)
{
    struct sim_socket *s = c->socket;
    s->connecting = false;
    s->connected = true;
    sim_note(s->host, NOTE_CONNECTED, s->number, 0);
    (void)dial_arrive(c->server, s);
    flow_open(s);
    net_changed(s);
    dial_free(c);
}

/* No packet comes; the server may have forgotten it. */
static void dial_lost(struct dial *c)
{
    if (c->server && !c->server->listening) {
        c->stage = DIAL_GOES;
        net_unuse(c->server);
        c->server = NULL;
    }
    dial_again(c);
}

/* The client's packet is there. */
static void dial_at_server(struct dial *c)
{
    struct sim_socket *s = c->socket, *server;
    server = net_find_bound(c->host, SIM_STREAM, &s->peer);
    if (server && server->queued >= server->backlog) {
        dial_again(c);
        return;
    }
    int64_t back = sim_latency(c->host, s->host, 0);
    if (!server || sim_fault(SIM_FAULT_refuse)) {
        c->stage = DIAL_IS_REFUSED;
    } else {
        c->stage = DIAL_IS_MADE;
        c->server = server;
        server->uses++;
    }
    sim_at(&c->event, sim.now + back);
}

static void dial_goes_on(struct sim_event *event)
{
    struct dial *c = (void *)event;
    struct sim_socket *s = c->socket;
    if (!s->connecting) { /* it was closed */
        dial_free(c);
        return;
    }
    if (!c->host) {
        dial_failed(c, EHOSTUNREACH);
        return;
    }
    bool goes = c->stage == DIAL_GOES;
    if (!c->host->up ||
        sim_is_cut(goes ? s->host : c->host, goes ? c->host : s->host)) {
        dial_lost(c);
        return;
    }
    if (goes)
        dial_at_server(c);
    else if (c->stage == DIAL_IS_REFUSED)
        dial_failed(c, ECONNREFUSED);
    else
        dial_made(c);
}

/* The host itself, for 127.0.0.1, ::1, 0.0.0.0 and its own addresses. */
static struct sim_host *dial_host(const struct sim_socket *s,
                                  const rondo_address *a)
{
    if (net_is_any(a) || sim_host_has(s->host, a))
        return s->host;
    return sim_host_of_ip(a);
}

int dial_begin(struct sim_socket *s, const rondo_address *address)
{
    int error = net_bind_any(s, address);
    if (error)
        return error;
    struct dial *c = calloc(1, sizeof *c);
    if (!c)
        sim_die("out of memory for connects");
    s->uses++;
    s->peer = *address;
    s->connecting = true;
    c->socket = s;
    c->since = sim.now;
    c->host = dial_host(s, address);
    c->event.run = dial_goes_on;
    c->event.end = dial_ends;
    c->event.place = SIM_NOWHERE;
    sim_note(s->host, NOTE_CONNECT, s->number, sys_address_port(address));
    sim_at(&c->event, sim.now + (c->host ? sim_latency(s->host, c->host, 0)
                                         : RONDO_SEC(UNREACHABLE_S)));
    return sim_fail(EINPROGRESS);
}

int sys_connect(sys_fd fd, const rondo_address *address)
{
    struct sim_socket *s = net_get(fd);
    if (!s)
        return RONDO_EBADF;
    if (s->kind == SIM_WAKE)
        return sim_fail(ENOTSOCK);
    if (sys_address_family(address) != s->family)
        return sim_fail(EAFNOSUPPORT);
    if (s->kind == SIM_DATAGRAM)
        return packets_connect(s, address);
    if (s->listening)
        return sim_fail(EINVAL);
    if (s->connecting || s->connected)
        return sim_fail(s->connecting ? EALREADY : EISCONN);
    if (sim_fault(SIM_FAULT_no_buffers))
        return sim_fail(ENOBUFS);
    return s->family == RONDO_FAMILY_UNIX ? local_connect(s, address)
                                          : dial_begin(s, address);
}

int dial_result(struct sim_socket *s)
{
    if (s->connecting)
        return RONDO_EAGAIN;
    if (s->error) {
        int os_error = s->error;
        s->error = 0;
        return sim_fail(os_error);
    }
    return s->connected ? 0 : RONDO_EAGAIN;
}

int sys_connect_result(sys_fd fd)
{
    struct sim_socket *s = net_get(fd);
    return s ? dial_result(s) : RONDO_EBADF;
}
#endif
