/* stream_extra.c - what few streams have; of that, the held bytes. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "stream/stream.h"

#include <string.h>

struct stream_extra *stream_extra(rondo_transport *t)
{
    if (!t->extra) {
        t->extra = loop_alloc(t->loop, sizeof *t->extra);
        if (t->extra)
            *t->extra = (struct stream_extra){0};
    }
    return t->extra;
}

/* ---- held bytes ---- */

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

bool stream_hold_rest(rondo_transport *t)
{
    struct stream_state *state = stream_state(t->loop);
    const char *rest = NULL;
    size_t size = 0;
    if (state->lent_to == t) {
        size = state->lent_back;
        rest = state->lent + state->lent_size - size;
    } else if (state->rest_of == t) {
        size = state->rest_size;
        rest = state->rest;
    }
    if (size && !stream_hold(t, rest, size))
        return false;
    if (state->lent_to == t)
        state->lent_to = NULL; /* for unread it would be too late */
    return true;
}

int rondo_transport_unread(rondo_transport *t, const void *data, size_t size)
{
    int error = loop_check(t ? t->loop : NULL, "transport_unread");
    if (error)
        return error;
    struct stream_state *state = stream_state(t->loop);
    if (state->lent_to != t)
        return error_set(RONDO_EINVAL,
                         "transport_unread: only inside data_received");
    if (size > state->lent_size ||
        (size && (const char *)data != state->lent + state->lent_size - size))
        return error_set(RONDO_EINVAL,
                         "transport_unread: not the tail of the data");
    state->lent_back = size;
    return 0;
}
