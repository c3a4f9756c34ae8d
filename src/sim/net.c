/* net.c - descriptors, sockets and their addresses: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/net.h"

#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- descriptors ---- */

/* The number of the world, of one that a process was given. */
static sys_fd net_real(sys_fd fd)
{
    const struct sim_process *p = sim_process();
    sys_fd real = fd;
    for (size_t i = 0; p && i < p->low_count; i++)
        if (p->low[i].given == fd)
            return p->low[i].real;
        else if (p->low[i].real == fd)
            real = SYS_NO_FD; /* it has another number there */
    return real;
}

static void net_forget_given(struct sim_process *p, sys_fd real)
{
    for (size_t i = 0; i < p->low_count; i++)
        if (p->low[i].real == real) {
            p->low[i] = p->low[--p->low_count];
            return;
        }
}

static struct sim_file *net_file(sys_fd fd)
{
    int index = fd - SIM_FIRST_FD;
    if (fd < SIM_FIRST_FD || index >= sim.files_used ||
        !sim.files[index].socket)
        return NULL;
    return &sim.files[index];
}

struct sim_socket *net_get(sys_fd fd)
{
    const struct sim_file *file = net_file(net_real(fd));
    if (file && file->process == sim_process())
        return file->socket;
    (void)error_from_os(EBADF);
    return NULL;
}

static int net_grow(void)
{
    int room = sim.files_room ? sim.files_room * 2 : 64;
    struct sim_file *files =
        realloc(sim.files, (size_t)room * sizeof *sim.files);
    if (!files)
        sim_die("out of memory for descriptors");
    sim.files = files;
    sim.files_room = room;
    return 0;
}

/* The lowest number that is free, as POSIX has it. */
static int net_number(void)
{
    int index = sim.files_lowest;
    while (index < sim.files_used &&
           (sim.files[index].socket ||
            net_real(SIM_FIRST_FD + index) != SIM_FIRST_FD + index))
        index++;
    if (index == sim.files_used) {
        if (sim.files_used == sim.files_room)
            net_grow();
        sim.files_used++;
    }
    sim.files_lowest = index + 1;
    return index;
}

static int net_check_room(const struct sim_process *process)
{
    if (!process)
        return sim_fail(EPERM); /* the driver has no network */
    if (process->descriptors >= process->descriptors_most ||
        sim_fault(SIM_FAULT_no_descriptor))
        return sim_fail(EMFILE);
    return sim_fault(SIM_FAULT_no_file) ? sim_fail(ENFILE) : 0;
}

static void net_enter(struct sim_socket *s)
{
    s->next = s->host->sockets;
    s->link = &s->host->sockets;
    if (s->next)
        s->next->link = &s->next;
    s->host->sockets = s;
}

static void net_leave(struct sim_socket *s)
{
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    s->link = NULL;
}

static sys_fd net_give(struct sim_process *process, struct sim_socket *s)
{
    int index = net_number();
    sim.files[index] = (struct sim_file){s, process};
    if (s->descriptors++ == 0)
        net_enter(s);
    process->descriptors++;
    s->uses++;
    return SIM_FIRST_FD + index;
}

int net_add_descriptor(struct sim_process *process, struct sim_socket *s,
                       sys_fd *fd)
{
    *fd = SYS_NO_FD;
    int error = net_check_room(process);
    if (!error)
        *fd = net_give(process, s);
    return error;
}

void net_give_number(struct sim_process *process, struct sim_socket *s,
                     sys_fd number)
{
    struct sim_low *low =
        realloc(process->low, (process->low_count + 1) * sizeof *process->low);
    if (!low)
        sim_die("out of memory for descriptors");
    process->low = low;
    low[process->low_count++] = (struct sim_low){number, net_give(process, s)};
}

struct sim_socket *net_new(struct sim_host *host, enum sim_socket_kind kind,
                           rondo_family family)
{
    struct sim_socket *s = calloc(1, sizeof *s);
    if (!s)
        sim_die("out of memory for sockets");
    s->host = host;
    s->kind = kind;
    s->family = family;
    s->number = ++sim.sockets;
    s->window = s->receive_window = sim.options.window;
    s->way.place = SIM_NOWHERE;
    s->way.run = flow_arrive;
    s->way.end = flow_way_ends;
    s->acks.place = SIM_NOWHERE;
    s->acks.run = acks_look;
    s->acks.end = acks_end;
    s->loops_back = true;
    if (family == RONDO_FAMILY_UNIX)
        local_unnamed(&s->local);
    return s;
}

void net_unuse(struct sim_socket *s)
{
    assert(s->uses);
    if (--s->uses)
        return;
    assert(!s->watches && !s->way_first && s->way.place == SIM_NOWHERE &&
           s->acks.place == SIM_NOWHERE);
    if (s->half_open)
        net_unuse(s->server);
    packets_drop_all(s);
    while (s->in_first) {
        struct sim_segment *segment = s->in_first;
        s->in_first = segment->next;
        flow_free(segment);
    }
    free(s);
}

int net_make(enum sim_socket_kind kind, rondo_family family, sys_fd *fd)
{
    struct sim_host *host = sim_host();
    *fd = SYS_NO_FD;
    int error = net_check_room(sim_process());
    if (error)
        return error;
    struct sim_socket *s = net_new(host, kind, family);
    s->uses = 1;
    error = net_add_descriptor(sim_process(), s, fd);
    if (!error)
        sim_note(host, NOTE_SOCKET, s->number, kind);
    net_unuse(s);
    return error;
}

/* ---- readiness ---- */

bool net_peer_is_closed(const struct sim_socket *s)
{
    return s->eof && s->family == RONDO_FAMILY_UNIX &&
           !(s->other && (s->other->descriptors || s->other->server));
}

static unsigned net_stream_events(const struct sim_socket *s)
{
    if (s->listening)
        return s->queue_first ? RONDO_READABLE : 0;
    if (s->connecting)
        return 0;
    unsigned events = 0;
    if (!s->connected && !s->error && !s->was_reset)
        return RONDO_WRITABLE | RONDO_HANG_UP;
    if (s->in_bytes || s->eof || s->error || s->was_reset)
        events |= RONDO_READABLE;
    if (s->error || s->was_reset || s->write_ended || s->used < s->window)
        events |= RONDO_WRITABLE;
    if (s->eof)
        events |= RONDO_HALF_CLOSED;
    if (s->error)
        events |= RONDO_ERROR;
    if ((s->eof && s->write_ended) || s->was_reset || net_peer_is_closed(s))
        events |= RONDO_HANG_UP;
    return events;
}

unsigned net_events(const struct sim_socket *s)
{
    if (s->kind == SIM_STREAM)
        return net_stream_events(s);
    if (s->kind == SIM_WAKE)
        return s->awake ? RONDO_READABLE : 0;
    if (s->is)
        return s->is->events(s);
    unsigned events = RONDO_WRITABLE;
    if (s->packet_first || s->error)
        events |= RONDO_READABLE;
    return s->error ? events | RONDO_ERROR : events;
}

void net_changed(struct sim_socket *s)
{
    struct sim_watch *next;
    for (struct sim_watch *w = s->watches; w; w = next) {
        next = w->next;
        w->changed(w);
    }
}

void net_watch(struct sim_watch *w, struct sim_socket *s)
{
    w->socket = s;
    w->fd = net_real(w->fd);
    w->next = s->watches;
    w->link = &s->watches;
    if (w->next)
        w->next->link = &w->next;
    s->watches = w;
}

void net_unwatch(struct sim_watch *w)
{
    if (!w->socket)
        return;
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    w->socket = NULL;
}

static void net_lose_watches(struct sim_socket *s, sys_fd fd, bool quietly)
{
    struct sim_watch *next;
    for (struct sim_watch *w = s->watches; w; w = next) {
        next = w->next;
        if (w->fd != fd)
            continue;
        net_unwatch(w);
        if (!quietly)
            w->lost(w);
    }
}

int net_take_error(struct sim_socket *s)
{
    int os_error = s->error;
    if (os_error && !s->sticky)
        s->error = 0;
    return os_error ? sim_fail(os_error) : 0;
}

/* ---- closing ---- */

static void net_refuse_backlog(struct sim_socket *s)
{
    while (s->queue_first) {
        struct sim_socket *client = s->queue_first;
        s->queue_first = client->queue_next;
        client->server = NULL;
        flow_stop(client, true);
        net_unuse(client);
    }
    s->queue_last = NULL;
    s->queued = 0;
}

static void net_close_last(struct sim_socket *s, bool resets)
{
    net_leave(s);
    if (s->is)
        s->is->close(s);
    if (s->kind != SIM_STREAM)
        return;
    net_refuse_backlog(s);
    s->listening = false;
    flow_stop(s, resets || s->resets || s->in_bytes);
}

void net_hold(struct sim_socket *s)
{
    assert(s->descriptors);
    s->descriptors++;
    s->uses++;
}

void net_release(struct sim_socket *s)
{
    if (--s->descriptors == 0)
        net_close_last(s, false);
    net_unuse(s);
}

static void net_close(sys_fd fd, bool resets, bool quietly)
{
    struct sim_file *file = net_file(fd);
    struct sim_socket *s = file->socket;
    sim_note(file->process->host, NOTE_CLOSE, s->number, 0);
    file->process->descriptors--;
    net_lose_watches(s, fd, quietly);
    net_forget_given(file->process, fd);
    file->socket = NULL;
    if (fd - SIM_FIRST_FD < sim.files_lowest)
        sim.files_lowest = fd - SIM_FIRST_FD;
    if (--s->descriptors == 0)
        net_close_last(s, resets);
    net_unuse(s);
}

void sys_close(sys_fd fd)
{
    int64_t before = rondo_last_os_error();
    if (net_get(fd))
        net_close(net_real(fd), false, false);
    error_keep_os(before);
}

void net_part(struct sim_socket *s)
{
    struct sim_socket *other = s->other;
    if (!other)
        return;
    other->other = s->other = NULL;
    net_unuse(other);
    net_unuse(s);
}

struct net_call {
    struct sim_event event;
    struct sim_socket *socket;
    void (*fn)(struct sim_socket *s);
};

static void net_call_ends(struct sim_event *event)
{
    struct net_call *call = (void *)event;
    net_unuse(call->socket);
    free(call);
}

static void net_call_now(struct sim_event *event)
{
    struct net_call *call = (void *)event;
    call->fn(call->socket);
    net_call_ends(event);
}

void net_later(struct sim_socket *s, int64_t ns,
               void (*fn)(struct sim_socket *s))
{
    struct net_call *call = calloc(1, sizeof *call);
    if (!call)
        sim_die("out of memory for events");
    s->uses++;
    call->socket = s;
    call->fn = fn;
    call->event.run = net_call_now;
    call->event.end = net_call_ends;
    call->event.place = SIM_NOWHERE;
    sim_at(&call->event, sim.now + ns);
}

/* After a crash nobody is told: the other end finds out by itself. */
static void net_vanish(struct sim_socket *s)
{
    flow_drop_way(s);
    net_part(s);
}

void net_path_lost(struct sim_host *host, const struct sim_host *far)
{
    for (struct sim_socket *s = host->sockets; s; s = s->next)
        if (s->far == far)
            acks_path_lost(s);
}

void net_process_stops(struct sim_process *process, bool system_goes_on)
{
    for (int i = 0; i < sim.files_used; i++) {
        struct sim_socket *s = sim.files[i].socket;
        if (!s || sim.files[i].process != process)
            continue;
        s->uses++;
        while (!system_goes_on && s->queue_first) {
            struct sim_socket *client = s->queue_first;
            s->queue_first = client->queue_next;
            net_vanish(client);
            net_unuse(client);
        }
        if (!system_goes_on)
            net_vanish(s);
        net_close(SIM_FIRST_FD + i, false, true);
        net_unuse(s);
    }
    changes_forget(process);
    done_forget(process);
    signals_forget(process);
    sim_forget_own(process);
}

void net_host_stops(struct sim_host *host, bool system_goes_on)
{
    bool alone = !host->process.next; /* no child of it goes on */
    if (alone)
        passing_forget(host);
    net_process_stops(&host->process, system_goes_on);
    for (int i = 0; i < sim.host_count && !system_goes_on; i++)
        net_path_lost(sim.hosts[i], host);
    if (alone) {
        local_forget(host);
        host->next_port = 49152;
    }
    if (!system_goes_on)
        disk_crash(host);
}

/* ---- addresses ---- */

struct sim_socket *net_find_bound(struct sim_host *host,
                                  enum sim_socket_kind kind,
                                  const rondo_address *to)
{
    for (struct sim_socket *s = host->sockets; s; s = s->next)
        if (s->bound && s->kind == kind && !s->other &&
            net_overlaps(s, to, true) && (kind == SIM_DATAGRAM || s->listening))
            return s;
    return NULL;
}

static bool net_is_taken(const struct sim_socket *self, const rondo_address *a)
{
    for (struct sim_socket *s = self->host->sockets; s; s = s->next)
        if (s != self && s->bound && s->kind == self->kind && !s->other &&
            !(s->shares && self->shares) && net_overlaps(s, a, self->v6only))
            return true;
    return false;
}

int net_choose_port(struct sim_socket *s, rondo_address *a)
{
    for (int tries = 0; tries < 16384; tries++) {
        uint16_t port = s->host->next_port;
        s->host->next_port = port == UINT16_MAX ? 49152 : port + 1;
        sys_address_set_port(a, port);
        if (!net_is_taken(s, a))
            return 0;
    }
    return sim_fail(EADDRINUSE);
}

int sys_bind(sys_fd fd, const rondo_address *address)
{
    struct sim_socket *s = net_get(fd);
    rondo_address a = *address;
    if (!s)
        return RONDO_EBADF;
    if (s->is)
        return sim_fail(ENOTSOCK);
    if (s->bound || s->kind == SIM_WAKE)
        return sim_fail(EINVAL);
    if (sys_address_family(&a) != s->family)
        return sim_fail(EAFNOSUPPORT);
    if (s->v6only && net_is_mapped(&a))
        return sim_fail(EINVAL);
    if (s->family != RONDO_FAMILY_UNIX) {
        if (!net_is_any(&a) && !net_is_multicast(&a) &&
            !sim_host_has(s->host, &a))
            return sim_fail(EADDRNOTAVAIL);
        int error = 0;
        if (!sys_address_port(&a))
            error = net_choose_port(s, &a);
        else if (net_is_taken(s, &a))
            error = sim_fail(EADDRINUSE);
        if (error)
            return error;
    } else if (local_find(s->host, s->kind, &a)) {
        return sim_fail(EADDRINUSE);
    }
    s->local = a;
    s->bound = true;
    return 0;
}

int sys_local_address(sys_fd fd, rondo_address *address)
{
    const struct sim_socket *s = net_get(fd);
    memset(address, 0, sizeof *address);
    if (!s)
        return RONDO_EBADF;
    if (s->is)
        return sim_fail(ENOTSOCK);
    if (s->bound || s->connected || s->family == RONDO_FAMILY_UNIX)
        *address = s->local;
    else
        (void)sys_address_any(address, s->family, 0);
    return 0;
}

int sys_peer_address(sys_fd fd, rondo_address *address)
{
    const struct sim_socket *s = net_get(fd);
    memset(address, 0, sizeof *address);
    if (!s)
        return RONDO_EBADF;
    if (!s->connected)
        return sim_fail(s->is ? ENOTSOCK : ENOTCONN);
    *address = s->peer;
    return 0;
}

/* ---- what a socket is ---- */

enum sys_kind sys_kind(sys_fd fd)
{
    const struct sim_socket *s = net_get(fd);
    if (!s)
        return SYS_KIND_BAD;
    if (s->kind == SIM_DATAGRAM)
        return SYS_KIND_DATAGRAM;
    if (s->kind == SIM_WAKE)
        return SYS_KIND_OTHER;
    if (s->is)
        return s->is->kind;
    return s->listening ? SYS_KIND_LISTENER : SYS_KIND_STREAM;
}

int sys_socket_stream(rondo_family family, sys_fd *fd)
{
    return net_make(SIM_STREAM, family, fd);
}

int sys_socket_datagram(rondo_family family, sys_fd *fd)
{
    return net_make(SIM_DATAGRAM, family, fd);
}

int sys_adopt(sys_fd fd)
{
    struct sim_socket *s = net_get(fd);
    if (!s)
        return RONDO_EBADF;
    s->blocking = false;
    return 0;
}

int sys_check_nonblocking(sys_fd fd)
{
    const struct sim_socket *s = net_get(fd);
    if (!s)
        return RONDO_EBADF;
    if (s->is)
        return RONDO_ENOTSOCK;
    return s->blocking ? RONDO_EINVAL : 0;
}

int sys_option(sys_fd fd, enum sys_option option, int value)
{
    struct sim_socket *s = net_get(fd);
    if (!s)
        return RONDO_EBADF;
    switch (option) {
    case SYS_SHARE_ADDRESS:
        s->shares = value;
        break;
    case SYS_V6ONLY:
        s->v6only = value;
        break;
    case SYS_KEEP_ALIVE:
        s->keeps_alive = value;
        break;
    case SYS_BROADCAST:
        s->broadcasts = value;
        break;
    case SYS_MULTICAST_LOOP:
    case SYS_MULTICAST_LOOP6:
        s->loops_back = value;
        break;
    case SYS_RECEIVE_BUFFER:
        s->receive_window = (size_t)(value > 0 ? value : 1);
        if (s->other)
            s->other->window = s->receive_window;
        break;
    case SYS_SEND_BUFFER:
        s->window = (size_t)(value > 0 ? value : 1);
        net_changed(s);
        break;
    default:
        break;
    }
    return 0;
}

int sys_duplicate(sys_fd fd, sys_fd *copy)
{
    struct sim_socket *s = net_get(fd);
    *copy = SYS_NO_FD;
    return s ? net_add_descriptor(sim_process(), s, copy) : RONDO_EBADF;
}

/* ---- for a report ---- */

void net_report(FILE *to, const struct sim_socket *s)
{
    char local[160] = "", peer[160] = "";
    if (s->bound || s->connected)
        (void)rondo_address_text(&s->local, local, sizeof local);
    if (s->connected || s->connecting)
        (void)rondo_address_text(&s->peer, peer, sizeof peer);
    if (s->is)
        s->is->report(to, s);
    if (s->is || s->kind == SIM_WAKE)
        return;
    fprintf(to, "%s:   socket %u %s%s%s%s%s", s->host->name, s->number, local,
            *peer ? " - " : "", peer,
            s->listening    ? " listens"
            : s->connecting ? " connects"
            : s->was_reset  ? " was reset"
                            : "",
            s->kind == SIM_DATAGRAM ? " (datagrams)" : "");
    fprintf(to, ", unread %zu, outstanding %zu%s%s\n", s->in_bytes, s->used,
            s->eof ? ", the peer has ended" : "",
            s->tries ? ", its packets do not arrive" : "");
}
#endif
