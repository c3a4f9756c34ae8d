/* layer.c - bytes on their way through the filters, up and down. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "stream/filter.h"

static struct filters *filters_of(const rondo_transport *t)
{
    return t->extra->filters;
}

/* ---- up ---- */

int layer_eof_received(rondo_layer *layer)
{
    if (!layer->filter->eof_received)
        return rondo_layer_deliver_eof(layer);
    int result = layer->filter->eof_received(layer, layer->self);
    if (result < 0)
        filters_answer(layer->t, result);
    return result;
}

/* Once it is over nobody wants them, and that is no error of a filter's. */
static int deliver_up(const rondo_layer *layer, const void *data, size_t size)
{
    rondo_transport *t = layer->t;
    if (t->flags & STREAM_ENDING)
        return 0;
    int result = layer_received(layer->above, data, size);
    if (!(t->flags & STREAM_RUNNING))
        stream_settle(t);
    return result;
}

static COLD int deliver_oddly(const rondo_layer *layer, const void *data,
                              size_t size)
{
    int error = loop_check(layer ? layer->t->loop : NULL, "layer_deliver");
    if (error || !size)
        return error;
    if (!data)
        return error_set(RONDO_EINVAL, "layer_deliver: bytes at NULL");
    if (layer->ended)
        return error_set(RONDO_EINVAL, "layer_deliver: after the end");
    return layer->above ? deliver_up(layer, data, size)
                        : stream_deliver(layer->t, data, size);
}

int rondo_layer_deliver(rondo_layer *layer, const void *data, size_t size)
{
    if (!layer || layer->t->loop->guard != sys_fork_generation || !data ||
        !size || layer->ended || layer->above)
        return deliver_oddly(layer, data, size);
    return stream_deliver(layer->t, data, size);
}

int rondo_layer_deliver_eof(rondo_layer *layer)
{
    int result = loop_check(layer ? layer->t->loop : NULL, "layer_deliver_eof");
    if (result || layer->ended)
        return result;
    rondo_transport *t = layer->t;
    layer->ended = true;
    if (t->flags & STREAM_ENDING)
        return 0;
    if (layer->above)
        result = layer_eof_received(layer->above);
    else
        stream_deliver_eof(t);
    if (!(t->flags & STREAM_RUNNING))
        stream_settle(t);
    return result;
}

void filters_hold_eof(rondo_transport *t)
{
    filters_of(t)->holds_eof = true;
    t->flags |= STREAM_HELD;
}

void filters_deliver_eof(rondo_transport *t)
{
    struct filters *f = filters_of(t);
    if (!f->holds_eof || t->flags & STREAM_HELD)
        return;
    f->holds_eof = false;
    stream_deliver_eof(t);
}

/* ---- down ---- */

static COLD int send_oddly(const rondo_layer *layer, const void *data,
                           size_t size)
{
    int error = loop_check(layer ? layer->t->loop : NULL, "layer_send");
    if (error || !size)
        return error;
    if (!data)
        return error_set(RONDO_EINVAL, "layer_send: bytes at NULL");
    return layer->below ? layer_write(layer->below, data, size)
                        : stream_send(layer->t, data, size);
}

int rondo_layer_send(rondo_layer *layer, const void *data, size_t size)
{
    if (!layer || layer->t->loop->guard != sys_fork_generation || !data ||
        !size || layer->below)
        return send_oddly(layer, data, size);
    return stream_send(layer->t, data, size);
}

void *rondo_transport_filter(const rondo_transport *t,
                             const rondo_filter *filter)
{
    if (!t || !(t->flags & STREAM_FILTERED))
        return NULL;
    const rondo_layer *layer = filters_of(t)->top;
    while (layer && layer->filter != filter)
        layer = layer->below;
    return layer ? layer->self : NULL;
}

rondo_transport *rondo_layer_transport(const rondo_layer *layer)
{
    return layer ? layer->t : NULL;
}

/* ---- what the program writes ---- */

static int pend(rondo_transport *t, const void *data, size_t size)
{
    struct outgoing *out = stream_out(t);
    if (!out || !buf_append(t->loop, &filters_of(t)->pending, data, size))
        return error_set(RONDO_ENOMEM, "transport_write: out of memory");
    return stream_queued(t);
}

/* The filter's words, if it had any, else the number's. */
static COLD int refused(const rondo_transport *t, int error)
{
    const char *why = filters_why(t);
    if (error == t->error && *why)
        return error_set(error, "transport_write: %s", why);
    return error_set(error, "transport_write: %s (%s)", rondo_strerror(error),
                     rondo_error_name(error));
}

int filters_write(rondo_transport *t, const void *data, size_t size)
{
    int result = layer_write(filters_of(t)->top, data, size);
    if (result < 0)
        return refused(t, result);
    return t->flags & STREAM_QUEUED && t->out->buf.size > t->out->high;
}

int filters_take(rondo_transport *t, const void *data, size_t size)
{
    return t->flags & STREAM_SHAKING ? pend(t, data, size)
                                     : filters_write(t, data, size);
}

int filters_writev(rondo_transport *t, const rondo_buffer *buffers,
                   size_t count)
{
    int result = 0;
    for (size_t i = 0; i < count && result >= 0; i++)
        if (buffers[i].size)
            result = filters_take(t, buffers[i].data, buffers[i].size);
    return result;
}

int filters_write_owned(rondo_transport *t, struct chunk *chunk)
{
    int result = 0;
    if (chunk->size && t->flags & STREAM_SHAKING) {
        buf_append_lent(&filters_of(t)->pending, chunk);
        return stream_queued(t);
    }
    if (chunk->size)
        result = filters_write(t, chunk->data, chunk->size);
    if (result < 0) {
        loop_free(t->loop, chunk);
        return result;
    }
    buf_spend(&t->out->buf, chunk);
    t->flags |= STREAM_SPENT;
    stream_settle(t);
    return result;
}

/* ---- what was written before the filters were ready ---- */

size_t filters_pending(const rondo_transport *t)
{
    return filters_of(t)->pending.size;
}

static void note_spent(rondo_transport *t)
{
    if (filters_of(t)->pending.spent)
        t->flags |= STREAM_SPENT;
}

void filters_drop_pending(rondo_transport *t)
{
    struct filters *f = filters_of(t);
    buf_drop(t->loop, &f->pending, f->writing);
    note_spent(t);
}

void filters_release(rondo_transport *t)
{
    buf_release(t->loop, &filters_of(t)->pending);
}

/* A write that fails drops the queue, but not what the filter is looking at.
 */
void filters_write_pending(rondo_transport *t)
{
    struct filters *f = filters_of(t);
    f->writing = true;
    while (f->pending.size) {
        size_t size = f->pending.first->size;
        if (layer_write(f->top, f->pending.first->data, size) < 0 ||
            !f->pending.size)
            break;
        buf_consume(t->loop, &f->pending, size);
    }
    f->writing = false;
    if (t->flags & (STREAM_ENDING | STREAM_BROKEN))
        filters_drop_pending(t);
    note_spent(t);
}
