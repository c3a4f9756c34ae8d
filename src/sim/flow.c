/* flow.c - bytes between the two ends of a stream: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/net.h"

#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* When packets are sent again, the first time and at the most. */
enum { AGAIN_MS = 200, AGAIN_MOST_S = 60 };

void flow_free(struct sim_segment *segment)
{
    passing_drop(segment->parcel);
    free(segment);
}

static struct sim_socket *flow_of_event(struct sim_event *event)
{
    return (void *)((char *)event - offsetof(struct sim_socket, way));
}

/* ---- the way ---- */

static void flow_append(struct sim_socket *s, struct sim_segment *segment)
{
    size_t size = segment->end - segment->start;
    int64_t arrives =
        sim.now + (s->far ? sim_latency(s->host, s->far, size) : 0);
    if (arrives < s->way_arrives)
        arrives = s->way_arrives; /* in order */
    s->way_arrives = segment->arrives = arrives;
    segment->next = NULL;
    if (s->way_first) {
        s->way_last->next = segment;
    } else {
        s->way_first = segment;
        s->uses++; /* what is on its way keeps its sender */
        sim_at(&s->way, arrives);
    }
    s->way_last = segment;
}

static void flow_push(struct sim_socket *s, const void *bytes, size_t size,
                      enum sim_carries carries)
{
    struct sim_segment *segment = malloc(sizeof *segment + size);
    if (!segment)
        sim_die("out of memory for packets");
    segment->start = 0;
    segment->end = size;
    segment->carries = carries;
    segment->parcel = NULL;
    if (size)
        memcpy(segment->bytes, bytes, size);
    flow_append(s, segment);
}

void flow_drop_way(struct sim_socket *s)
{
    acks_stop(s);
    if (!s->way_first)
        return;
    while (s->way_first) {
        struct sim_segment *segment = s->way_first;
        s->way_first = segment->next;
        flow_free(segment);
    }
    sim_drop(&s->way);
    s->stalled_since = 0;
    s->tries = 0;
    net_unuse(s);
}

void flow_link(struct sim_socket *a, struct sim_socket *b)
{
    a->other = b;
    b->other = a;
    a->uses++;
    b->uses++;
    a->far = b->host;
    b->far = a->host;
    a->window = a->window < b->receive_window ? a->window : b->receive_window;
    b->window = b->window < a->receive_window ? b->window : a->receive_window;
}

/* Both ends are closed, and all has arrived. */
static void flow_part_if_over(struct sim_socket *s)
{
    const struct sim_socket *o = s->other;
    if (o && !s->descriptors && !o->descriptors && !s->server && !o->server &&
        !s->way_first && !o->way_first)
        net_part(s);
}

void flow_broke(struct sim_socket *s, int os_error)
{
    s->uses++;
    flow_drop_way(s);
    net_part(s);
    if (!s->was_reset && s->connected)
        s->error = os_error;
    s->was_reset = true;
    net_changed(s);
    net_unuse(s);
}

/* Linux's tcp_reset: after the peer's end the error is EPIPE. The BSDs have
 * ECONNRESET there, too. */
void flow_reset_comes(struct sim_socket *s)
{
    bool close_wait = s->eof && !s->fin_sent;
    sim_note(s->host, NOTE_RESET, s->number, 0);
    flow_broke(s, close_wait ? EPIPE : ECONNRESET);
}

void flow_way_ends(struct sim_event *event)
{
    struct sim_socket *s = flow_of_event(event);
    net_part(s); /* what is on its way keeps it until the next line */
    flow_drop_way(s);
}

/* ---- arriving ---- */

int64_t flow_again_ns(int tries)
{
    int64_t wait = RONDO_MS(AGAIN_MS) << (tries < 10 ? tries : 10);
    return wait < RONDO_SEC(AGAIN_MOST_S) ? wait : RONDO_SEC(AGAIN_MOST_S);
}

/* The packet is lost, and is sent again later. */
static void flow_stalls(struct sim_socket *s)
{
    int64_t wait = flow_again_ns(s->tries);
    if (!s->tries++)
        s->stalled_since = sim.now;
    if (sim.now - s->stalled_since >= sim.options.give_up_ns)
        flow_broke(s, ETIMEDOUT);
    else
        sim_at(&s->way, sim.now + wait);
}

static bool flow_is_lost(const struct sim_socket *s)
{
    if (s->host == s->far)
        return false;
    const struct sim_link *link = sim_link(s->host, s->far);
    return link->cut || !s->far->up || !s->host->up ||
           sim_fault_at(SIM_FAULT_loss, link->is.loss);
}

/* Takes the first packet off the way. */
static struct sim_segment *flow_pop(struct sim_socket *s)
{
    struct sim_segment *segment = s->way_first;
    s->way_first = segment->next;
    s->tries = 0;
    if (s->way_first)
        sim_at(&s->way, s->way_first->arrives);
    return segment;
}

static void flow_put_bytes(struct sim_socket *o, struct sim_segment *segment)
{
    segment->next = NULL;
    if (o->in_first)
        o->in_last->next = segment;
    else
        o->in_first = segment;
    o->in_last = segment;
    o->in_bytes += segment->end - segment->start;
    sim_note(o->host, NOTE_ARRIVE, o->number,
             (int64_t)(segment->end - segment->start));
    net_changed(o);
}

/* What `s` has sent is answered by a reset. If that is lost, it sends again. */
static void flow_refuse(struct sim_socket *s)
{
    if (acks_arrive(s)) {
        net_later(s, sim_latency(s->far, s->host, 0), flow_reset_comes);
    } else {
        net_part(s);
        acks_miss(s);
    }
}

/* Linux's tcp_ack: what has arrived is acknowledged, unless that is lost. */
static void flow_acknowledge(struct sim_socket *s)
{
    if (s->host == s->far)
        return;
    if (!acks_arrive(s)) {
        acks_miss(s);
        return;
    }
    s->acks_until = s->heard =
        sim.now + sim_link(s->far, s->host)->is.latency_ns;
    if (s->unheard)
        acks_come(s, 0);
}

/* `o` has it. Bytes for an end that is closed are answered by a reset. */
static void flow_deliver(struct sim_socket *s, struct sim_socket *o,
                         struct sim_segment *segment)
{
    o->heard = sim.now;
    flow_acknowledge(s);
    if (segment->carries == SIM_BYTES && !o->was_reset &&
        (o->descriptors || o->server) && !sim_fault(SIM_FAULT_reset)) {
        flow_put_bytes(o, segment);
        return;
    }
    enum sim_carries carries = segment->carries;
    flow_free(segment);
    if (carries == SIM_RESET) {
        flow_reset_comes(o);
    } else if (carries == SIM_FIN) {
        sim_note(o->host, NOTE_END, o->number, 0);
        o->eof = true;
        net_changed(o);
    } else if (carries != SIM_OPEN || !dial_queue(o)) {
        flow_refuse(s);
        if (o->descriptors || o->server)
            flow_reset_comes(o);
    }
}

void flow_arrive(struct sim_event *event)
{
    struct sim_socket *s = flow_of_event(event);
    if (flow_is_lost(s) || dial_has_no_room(s)) {
        if (s->way_first->carries == SIM_RESET)
            flow_broke(s, ECONNRESET); /* it is not sent again */
        else
            flow_stalls(s);
        return;
    }
    struct sim_socket *o = s->other;
    struct sim_segment *segment = flow_pop(s);
    s->uses++;
    if (!s->way_first)
        net_unuse(s);
    if (o) {
        o->uses++;
        flow_deliver(s, o, segment);
        net_unuse(o);
    } else { /* nobody knows the connection there */
        flow_free(segment);
        flow_refuse(s);
    }
    flow_part_if_over(s);
    net_unuse(s);
}

/* ---- reading ---- */

static void flow_window_opens(struct sim_socket *s)
{
    if (acks_arrive(s) || s->was_reset) {
        net_changed(s); /* it may be full again, and blocked */
        return;
    }
    s->blocked = true;
    acks_miss(s);
}

static void flow_took(struct sim_socket *s, size_t size)
{
    struct sim_socket *o = s->other;
    s->in_bytes -= size;
    if (!o)
        return;
    if (!acks_arrive(o)) {
        o->unheard += size;
        if (o->blocked)
            acks_miss(o);
        return;
    }
    o->used -= size + o->unheard;
    o->unheard = 0;
    if (!o->blocked || o->used >= o->window)
        return;
    o->blocked = false;
    net_later(o, sim_latency(s->host, o->host, 0), flow_window_opens);
}

/* Returns how many bytes; with *parcel it ends behind the bytes that have one. */
static size_t flow_copy(struct sim_socket *s, char *to, size_t size,
                        struct sim_parcel **parcel)
{
    size_t count = 0;
    while (s->in_first && count < size && !*parcel) {
        struct sim_segment *segment = s->in_first;
        size_t part = segment->end - segment->start;
        if (part > size - count)
            part = size - count;
        memcpy(to + count, segment->bytes + segment->start, part);
        count += part;
        segment->start += part;
        *parcel = segment->parcel;
        segment->parcel = NULL;
        if (segment->start == segment->end) {
            s->in_first = segment->next;
            flow_free(segment);
        }
    }
    return count;
}

int64_t flow_take_with(struct sim_socket *s, void *data, size_t size,
                       struct sim_parcel **parcel)
{
    if (s->in_bytes) {
        if (sim_fault(SIM_FAULT_short_read))
            size =
                1 + (size_t)sim_below(size < s->in_bytes ? size : s->in_bytes);
        size_t count = flow_copy(s, data, size, parcel);
        sim_note(s->host, NOTE_RECEIVE, s->number, (int64_t)count);
        flow_took(s, count);
        return (int64_t)count;
    }
    if (s->error && !s->eof) /* Linux: SOCK_DONE is asked before sk_err */
        return net_take_error(s);
    if (s->eof || s->was_reset)
        return 0;
    return sim_fail(s->connected ? EAGAIN : ENOTCONN);
}

/* Descriptors that nobody asks for are closed. */
int64_t flow_take(struct sim_socket *s, void *data, size_t size)
{
    struct sim_parcel *parcel = NULL;
    int64_t count = flow_take_with(s, data, size, &parcel);
    passing_drop(parcel);
    return count;
}

int64_t sys_recv(sys_fd fd, void *data, size_t size)
{
    struct sim_socket *s = net_get(fd);
    if (!s)
        return RONDO_EBADF;
    if (s->kind == SIM_DATAGRAM)
        return packets_receive_one(s, data, size);
    if (s->kind != SIM_STREAM)
        return sim_fail(ENOTSOCK);
    if (sim_fault(SIM_FAULT_again))
        return sim_fail(EAGAIN);
    return flow_take(s, data, size);
}

int64_t sys_recvv(sys_fd fd, const rondo_room *rooms, size_t count)
{
    int64_t whole = 0;
    for (size_t i = 0; i < count && i < SYS_ROOMS; i++) {
        struct sim_socket *s = net_get(fd);
        if (whole && (!s || !s->in_bytes))
            break;
        int64_t got = sys_recv(fd, rooms[i].data, rooms[i].size);
        if (got < 0)
            return whole ? whole : got;
        whole += got;
        if ((size_t)got < rooms[i].size)
            break;
    }
    return whole;
}

/* ---- writing ---- */

/* Linux sends probes of a window that is full. */
static void flow_is_full(struct sim_socket *s)
{
    s->blocked = true;
    if (s->unheard)
        acks_miss(s);
}

/* 0, or why nothing can be sent. */
static int flow_check_send(struct sim_socket *s)
{
    if (s->kind != SIM_STREAM)
        return sim_fail(ENOTSOCK);
    if (s->error)
        return net_take_error(s);
    if (s->write_ended || s->was_reset)
        return sim_fail(EPIPE);
    if (!s->connected)
        return sim_fail(ENOTCONN);
    if (net_peer_is_closed(s))
        return sim_fail(EPIPE);
    if (sim_fault(SIM_FAULT_no_buffers))
        return sim_fail(ENOBUFS);
    if (sim_fault(SIM_FAULT_again))
        return sim_fail(EAGAIN);
    if (s->used < s->window)
        return 0;
    flow_is_full(s);
    return sim_fail(EAGAIN);
}

static void flow_send_part(struct sim_socket *s, const char *bytes, size_t size)
{
    while (size) {
        size_t part = size < sim.options.segment ? size : sim.options.segment;
        size_t first = 0;
        if (part > 1 && sim_fault(SIM_FAULT_split)) {
            first = 1 + (size_t)sim_below(part - 1);
            flow_push(s, bytes, first, SIM_BYTES);
        }
        flow_push(s, bytes + first, part - first, SIM_BYTES);
        bytes += part;
        size -= part;
    }
}

int64_t flow_send(struct sim_socket *s, const rondo_buffer *buffers,
                  size_t count)
{
    size_t whole = 0, sent = 0;
    if (s->kind == SIM_DATAGRAM)
        return packets_send_parts(s, buffers, count);
    if (s->is)
        return s->is->write(s, buffers, count);
    int error = flow_check_send(s);
    if (error)
        return error;
    for (size_t i = 0; i < count; i++)
        whole += buffers[i].size;
    size_t room = s->window - s->used;
    if (whole > room)
        whole = room;
    if (whole > 1 && sim_fault(SIM_FAULT_short_write))
        whole = 1 + (size_t)sim_below(whole - 1);
    for (size_t i = 0; i < count && sent < whole; i++) {
        size_t size = buffers[i].size;
        if (size > whole - sent)
            size = whole - sent;
        flow_send_part(s, buffers[i].data, size);
        sent += size;
    }
    s->used += sent;
    if (s->used >= s->window)
        flow_is_full(s);
    sim_note(s->host, NOTE_SEND, s->number, (int64_t)sent);
    return (int64_t)sent;
}

int64_t sys_sendv(sys_fd fd, const rondo_buffer *buffers, size_t count)
{
    struct sim_socket *s = net_get(fd);
    if (!s)
        return RONDO_EBADF;
    return s->is ? sim_fail(ENOTSOCK) : flow_send(s, buffers, count);
}

int64_t sys_send(sys_fd fd, const void *data, size_t size)
{
    rondo_buffer one = {data, size};
    return sys_sendv(fd, &one, 1);
}

/* ---- ending ---- */

int sys_shutdown_write(sys_fd fd)
{
    struct sim_socket *s = net_get(fd);
    if (!s)
        return RONDO_EBADF;
    if (!s->connected || s->was_reset)
        return sim_fail(ENOTCONN);
    s->write_ended = true;
    if (!s->fin_sent) {
        s->fin_sent = true;
        flow_push(s, NULL, 0, SIM_FIN);
    }
    net_changed(s);
    return 0;
}

void sys_reset_on_close(sys_fd fd)
{
    struct sim_socket *s = net_get(fd);
    if (s)
        s->resets = true;
}

void flow_open(struct sim_socket *s)
{
    flow_push(s, NULL, 0, SIM_OPEN);
}

void flow_stop(struct sim_socket *s, bool resets)
{
    s->connecting = false;
    acks_stop(s);
    if (!s->other) {
        flow_drop_way(s);
    } else if (resets) {
        flow_drop_way(s);
        s->way_arrives = 0;
        flow_push(s, NULL, 0, SIM_RESET);
    } else if (!s->fin_sent) {
        s->fin_sent = s->write_ended = true;
        flow_push(s, NULL, 0, SIM_FIN);
    } else {
        flow_part_if_over(s);
    }
}
#endif
