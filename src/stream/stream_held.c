/* stream_held.c - bytes that were read and not yet delivered. */
/* SPDX-License-Identifier: MIT */
#include "stream/stream.h"

#include <string.h>

/* Room for so many bytes behind those that it has; NULL: out of memory. */
static struct held *stream_hold_room(rondo_transport *t, size_t size)
{
    struct stream_extra *extra = stream_extra(t);
    struct held *held = extra ? extra->held : NULL;
    if (!extra)
        return NULL;
    if (!held || held->room - held->size < size) {
        /* twice as much each time, so that many small pieces cost no more
         * than a large one */
        size_t has = held ? held->size : 0;
        size_t room = has + (size > has ? size : has);
        held = loop_realloc(t->loop, held, sizeof *held + room);
        if (!held)
            return NULL;
        held->size = has;
        held->room = room;
        extra->held = held;
    }
    return held;
}

static void stream_hold_more(rondo_transport *t, size_t size)
{
    t->extra->held->size += size;
    t->held = true;
    stream_leave_fast(t);
}

bool stream_hold(rondo_transport *t, const void *data, size_t size)
{
    struct held *held = stream_hold_room(t, size);
    if (!held)
        return false;
    memcpy(held->bytes + held->size, data, size);
    stream_hold_more(t, size);
    return true;
}

bool stream_hold_ahead(rondo_transport *t)
{
    size_t size = io_take_rest(t->loop, &t->io, NULL, 0);
    struct held *held = size ? stream_hold_room(t, size) : NULL;
    if (!held)
        return !size;
    (void)io_take_rest(t->loop, &t->io, held->bytes + held->size, size);
    stream_hold_more(t, size);
    return true;
}

bool stream_hold_before(rondo_transport *t, const void *data, size_t size)
{
    struct held *later = t->held ? stream_take_held(t) : NULL;
    bool kept = stream_hold(t, data, size) &&
                (!later || stream_hold(t, later->bytes, later->size));
    loop_free(t->loop, later);
    return kept;
}

struct held *stream_take_held(rondo_transport *t)
{
    struct held *held = t->extra->held;
    t->extra->held = NULL;
    t->held = t->refused = false;
    return held;
}
