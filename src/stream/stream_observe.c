/* stream_observe.c - what an observed loop sees of a transport's protocol. */
/* SPDX-License-Identifier: MIT */
#include "core/observe.h"
#include "core/quarantine.h"
#include "stream/stream.h"

#include <string.h>

void stream_tell_data(rondo_transport *t, const char *data, size_t size)
{
    OBSERVE_MEMBER(t->loop, t, t->protocol, data_received, t, t->self, data,
                   size);
}

size_t stream_ask_rooms(rondo_transport *t, size_t hint, rondo_room *rooms)
{
    const rondo_protocol *protocol = t->protocol;
    size_t count = 1;
    if (protocol->get_buffers)
        OBSERVE(t->loop, RONDO_DOES_PROTOCOL, "get_buffers",
                protocol->get_buffers, t,
                count = protocol->get_buffers(t, t->self, hint, rooms,
                                              RONDO_ROOMS));
    else
        OBSERVE(
            t->loop, RONDO_DOES_PROTOCOL, "get_buffer", protocol->get_buffer, t,
            rooms->data = protocol->get_buffer(t, t->self, hint, &rooms->size));
    return count;
}

bool stream_tell_eof_observed(rondo_transport *t)
{
    const rondo_protocol *protocol = t->protocol;
    bool keep;
    OBSERVE(t->loop, RONDO_DOES_PROTOCOL, "eof_received",
            protocol->eof_received, t,
            keep = protocol->eof_received(t, t->self));
    return keep;
}

bool stream_tell_time(rondo_transport *t, rondo_direction direction)
{
    const rondo_protocol *protocol = t->protocol;
    bool go_on = false;
    if (protocol->timed_out)
        OBSERVE(t->loop, RONDO_DOES_PROTOCOL, "timed_out", protocol->timed_out,
                t, go_on = protocol->timed_out(t, t->self, direction));
    return go_on;
}

void stream_tell_member_observed(rondo_transport *t, const char *what,
                                 void (*fn)(rondo_transport *t, void *self))
{
    OBSERVE(t->loop, RONDO_DOES_PROTOCOL, what, fn, t, fn(t, t->self));
}

void stream_tell_end_observed(rondo_transport *t)
{
    OBSERVE_MEMBER(t->loop, t, t->protocol, connection_lost, t, t->self,
                   t->error);
}

struct ended *stream_end_in_quarantine(const rondo_transport *t)
{
    char about[RONDO_ADDRESS_TEXT + 8] = "";
    rondo_address peer;
    if (t->made != MADE_TOLD)
        return NULL; /* the program has not had it */
    if (stream_address(t, &t->peer, &peer) == 0) {
        memcpy(about, "to ", 4);
        (void)rondo_address_text(&peer, about + 3, sizeof about - 3);
    }
    struct ended *e = quarantine_begin(t->loop, "transport", about);
    if (e && t->protocol->connection_lost) {
        e->member = "connection_lost";
        e->last = OBSERVE_PLAIN(t->protocol->connection_lost);
    }
    return e;
}

void stream_keep(rondo_transport *t, struct ended *ended)
{
    t->out = NULL;
    t->extra = NULL;
    t->owner = NULL;
    quarantine_keep(ended, t, &t->loop);
}

/* What is observed comes the slow way. Once it is no more, the next event
 * finds the fast paths again. */
void stream_observed(rondo_loop *loop)
{
    for (struct handle *h = loop->handles[HANDLE_TRANSPORT]; h; h = h->next)
        stream_leave_fast((rondo_transport *)(void *)h);
}
