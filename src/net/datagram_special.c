/* datagram_special.c - receives with more than bytes and an address; pauses. */
/* SPDX-License-Identifier: MIT */
#include "net/datagram.h"

#include "base/error.h"
#include "core/observe.h"

#include <string.h>

/* ---- delivering ---- */

static void datagram_special_tell(rondo_datagram *d,
                                  const struct sys_received *r,
                                  const rondo_datagram_info *info)
{
    const rondo_datagram_protocol *p = d->protocol;
    if (p->datagram_received_with)
        OBSERVE_MEMBER(d->loop, d, p, datagram_received_with, d, d->self,
                       r->data, r->size, &r->from, info);
    else if (p->datagram_received)
        OBSERVE_MEMBER(d->loop, d, p, datagram_received, d, d->self, r->data,
                       r->size, &r->from, r->truncated);
}

/* What is known without asking. */
static rondo_datagram_info datagram_special_plain(const struct sys_received *r)
{
    return (rondo_datagram_info){.size = sizeof(rondo_datagram_info),
                                 .known =
                                     r->truncated ? RONDO_INFO_TRUNCATED : 0};
}

/* ---- receiving ---- */

struct special {
    struct sys_received list[SYS_BATCH];
    rondo_datagram_info infos[SYS_BATCH];
    unsigned count;
    size_t room; /* of each */
};

/* Asks the program for room, and cuts it. false: there is none. */
static bool datagram_special_ask(rondo_datagram *d, struct special *s)
{
    size_t size = 0;
    char *memory;
    OBSERVE(
        d->loop, RONDO_DOES_PROTOCOL, "get_buffer", d->protocol->get_buffer, d,
        memory = d->protocol->get_buffer(d, d->self, d->receive_size, &size));
    if (!datagram_receives(d))
        return false;
    if (!memory || !size) {
        d->deaf |= DEAF_PAUSED;
        return false;
    }
    s->room = size < d->receive_size ? size : d->receive_size;
    if (size / s->room < s->count)
        s->count = (unsigned)(size / s->room);
    for (unsigned i = 0; i < s->count; i++)
        s->list[i].data = memory + i * s->room;
    return true;
}

static bool datagram_special_slots(rondo_datagram *d, struct special *s)
{
    s->count = d->batch;
    if (d->protocol->get_buffer)
        return datagram_special_ask(d, s);
    s->room = d->receive_size;
    if (d->room) {
        s->count = 1;
        s->list[0].data = d->room->slot[0].data;
        return true;
    }
    const struct sys_received *slots =
        datagram_receive_slots(d, &s->list[0], &s->count);
    for (unsigned i = 0; i < s->count; i++)
        s->list[i].data = slots[i].data;
    return true;
}

static int datagram_special_take(rondo_datagram *d, struct special *s)
{
    uint16_t port = rondo_address_port(&d->local);
    if (d->wants) {
        int got = sys_receive_messages(d->io.fd, s->list, s->infos, s->count,
                                       s->room);
        for (int i = 0; i < got; i++)
            if (s->infos[i].known & RONDO_INFO_LOCAL)
                sys_address_set_port(&s->infos[i].local, port);
        return got;
    }
    int got = sys_receive_batch(d->io.fd, s->list, s->count, s->room);
    for (int i = 0; i < got; i++)
        s->infos[i] = datagram_special_plain(&s->list[i]);
    return got;
}

/* As datagram_receive_deliver. */
static void datagram_special_deliver(rondo_datagram *d, const struct special *s,
                                     int count)
{
    int i = 0;
    assert(dispatch_runs(&d->dispatch) && !d->gathers);
    d->gathers = true;
    for (; i < count && datagram_receives(d); i++) {
        if (i + 1 == count)
            d->gathers = false;
        datagram_special_tell(d, &s->list[i], &s->infos[i]);
    }
    d->gathers = false;
    if (i < count && d->deaf & DEAF_PAUSED)
        datagram_keep(d, s->list + i, s->infos + i, count - i,
                      d->protocol->get_buffer != NULL);
    if (d->queue.count && datagram_may_flush(d))
        (void)datagram_flush(d, true);
}

int datagram_special_receive(rondo_datagram *d, int left)
{
    struct special s;
    if (!datagram_special_slots(d, &s))
        return 0;
    if (s.count > (unsigned)left)
        s.count = (unsigned)left;
    assert(s.count >= 1 && s.count <= SYS_BATCH);
    int got = datagram_special_take(d, &s);
    if (got < 0) {
        datagram_receive_failed(d, got, left == DATAGRAM_RECEIVE_MOST);
        return 0;
    }
    bool more = datagram_receive_adapt(d, got, s.count);
    datagram_note_received(d, s.list, got);
    datagram_special_deliver(d, &s, got);
    return more ? left - got : 0;
}

/* ---- what a pause keeps ---- */

static struct datagram_kept *datagram_special_copy(
    rondo_datagram *d, const struct sys_received *r,
    const rondo_datagram_info *info, bool lent)
{
    struct datagram_kept *k =
        loop_alloc(d->loop, sizeof *k + (lent ? 0 : r->size));
    if (!k)
        return NULL;
    *k = (struct datagram_kept){
        .received = *r, .info = info ? *info : datagram_special_plain(r)};
    if (lent)
        return k;
    k->received.data = k + 1;
    if (r->size)
        memcpy(k->received.data, r->data, r->size);
    return k;
}

void datagram_keep(rondo_datagram *d, const struct sys_received *list,
                   const rondo_datagram_info *infos, int count, bool lent)
{
    for (int i = 0; i < count; i++) {
        struct datagram_kept *k =
            datagram_special_copy(d, &list[i], infos ? &infos[i] : NULL, lent);
        if (!k) { /* the rest is lost, as in a full receive buffer */
            error_no_os();
            datagram_tell(d, RONDO_ENOMEM, true);
            return;
        }
        *d->kept_last = k;
        d->kept_last = &k->next;
        d->deaf |= DEAF_KEPT;
    }
}

static struct datagram_kept *datagram_special_pop(rondo_datagram *d)
{
    struct datagram_kept *k = d->kept;
    d->kept = k->next;
    if (!d->kept) {
        d->kept_last = &d->kept;
        d->deaf &= (unsigned char)~DEAF_KEPT;
    }
    return k;
}

void datagram_deliver_kept(rondo_datagram *d)
{
    while (d->kept && d->phase == PHASE_OPEN && !(d->deaf & DEAF_PAUSED)) {
        struct datagram_kept *k = datagram_special_pop(d);
        datagram_special_tell(d, &k->received, &k->info);
        loop_free(d->loop, k);
    }
}

void datagram_free_kept(rondo_datagram *d)
{
    while (d->kept)
        loop_free(d->loop, datagram_special_pop(d));
}

/* ---- the program's calls ---- */

static int datagram_special_check(rondo_datagram *d, const char *what)
{
    int error = loop_check(d ? d->loop : NULL, what);
    if (!error && d->phase >= PHASE_CLOSING)
        error = error_set(RONDO_ECLOSED, "%s: the endpoint is closed", what);
    return error;
}

int rondo_datagram_pause_reading(rondo_datagram *d)
{
    int error = datagram_special_check(d, "datagram_pause_reading");
    if (!error)
        d->deaf |= DEAF_PAUSED;
    return error;
}

int rondo_datagram_resume_reading(rondo_datagram *d)
{
    int error = datagram_special_check(d, "datagram_resume_reading");
    if (error)
        return error;
    d->deaf &= (unsigned char)~DEAF_PAUSED;
    if (d->kept)
        dispatch_owe(&d->dispatch, 1U << DATAGRAM_OWED_KEPT);
    datagram_settle(d);
    return 0;
}
