/* stream_observe.c - what an observed loop sees of a transport's protocol. */
/* SPDX-License-Identifier: MIT */
#include "core/observe.h"
#include "stream/reader.h"
#include "stream/stream.h"

void stream_tell_data(rondo_transport *t, const char *data, size_t size)
{
    const rondo_protocol *protocol = t->protocol;
    if (protocol == rondo_reader_protocol())
        reader_on_data_observed(t, t->self, data, size); /* what it tells is */
    else
        OBSERVE_MEMBER(t->loop, t, protocol, data_received, t, t->self, data,
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

bool stream_tell_eof(rondo_transport *t)
{
    const rondo_protocol *protocol = t->protocol;
    bool keep = false;
    if (protocol->eof_received)
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

/* What is observed comes the slow way. Once it is no more, the next event
 * finds the fast paths again. */
void stream_observed(rondo_loop *loop)
{
    for (struct handle *h = loop->handles[HANDLE_TRANSPORT]; h; h = h->next)
        stream_leave_fast((rondo_transport *)(void *)h);
}
