/* filter.c - the filters under a protocol: how they begin, carry and end. */
/* SPDX-License-Identifier: MIT */
#include "stream/filter.h"
#include "base/error.h"

#include <stdio.h>

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
static int layer_deliver_up(const rondo_layer *layer, const void *data,
                            size_t size)
{
    rondo_transport *t = layer->t;
    if (stream_is_ending(t))
        return 0;
    int result = layer_received(layer->above, data, size);
    if (!stream_is_running(t))
        stream_settle(t);
    return result;
}

static COLD int layer_deliver_slow(const rondo_layer *layer, const void *data,
                                   size_t size)
{
    int error = loop_check(layer ? layer->t->loop : NULL, "layer_deliver");
    if (error || !size)
        return error;
    if (!data)
        return error_set(RONDO_EINVAL, "layer_deliver: bytes at NULL");
    if (layer->ended)
        return error_set(RONDO_EINVAL, "layer_deliver: after the end");
    return layer->above ? layer_deliver_up(layer, data, size)
                        : stream_deliver(layer->t, data, size);
}

int rondo_layer_deliver(rondo_layer *layer, const void *data, size_t size)
{
    if (!layer || !loop_is_plain(layer->t->loop) || !data || !size ||
        layer->ended || layer->above)
        return layer_deliver_slow(layer, data, size);
    return stream_deliver(layer->t, data, size);
}

int rondo_layer_deliver_eof(rondo_layer *layer)
{
    int result = loop_check(layer ? layer->t->loop : NULL, "layer_deliver_eof");
    if (result || layer->ended)
        return result;
    rondo_transport *t = layer->t;
    layer->ended = true;
    if (stream_is_ending(t))
        return 0;
    if (layer->above)
        result = layer_eof_received(layer->above);
    else
        stream_deliver_eof(t);
    if (!stream_is_running(t))
        stream_settle(t);
    return result;
}

void filters_hold_eof(rondo_transport *t)
{
    filters_of(t)->holds_eof = true;
    t->held = true;
    stream_leave_fast(t);
}

void filters_deliver_eof(rondo_transport *t)
{
    struct filters *f = filters_of(t);
    if (!f->holds_eof || t->held)
        return;
    f->holds_eof = false;
    stream_deliver_eof(t);
}

/* ---- down ---- */

static COLD int layer_send_slow(const rondo_layer *layer, const void *data,
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
    if (!layer || !loop_is_plain(layer->t->loop) || !data || !size ||
        layer->below)
        return layer_send_slow(layer, data, size);
    return stream_send(layer->t, data, size);
}

void *rondo_transport_filter(const rondo_transport *t,
                             const rondo_filter *filter)
{
    if (!t || !t->filtered)
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

static int filter_keep_pending(rondo_transport *t, const void *data,
                               size_t size, bool some_kept)
{
    struct outgoing *out = stream_out(t);
    if (!out || !buf_append(t->loop, &filters_of(t)->pending, data, size))
        return stream_lose_rest(t, some_kept);
    return stream_queued(t);
}

/* The filter's words, if it had any, else the number's. */
static COLD int filter_write_refused(const rondo_transport *t, int error)
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
        return filter_write_refused(t, result);
    return t->queued && t->out->buf.size > t->out->high;
}

static int filter_take(rondo_transport *t, const void *data, size_t size,
                       bool some_taken)
{
    return t->handshaking ? filter_keep_pending(t, data, size, some_taken)
                          : filters_write(t, data, size);
}

int filters_take(rondo_transport *t, const void *data, size_t size)
{
    return filter_take(t, data, size, false);
}

int filters_writev(rondo_transport *t, const rondo_buffer *buffers,
                   size_t count)
{
    int result = 0;
    bool some_taken = false;
    for (size_t i = 0; i < count && result >= 0; i++) {
        if (!buffers[i].size)
            continue;
        result = filter_take(t, buffers[i].data, buffers[i].size, some_taken);
        some_taken = true;
    }
    return result;
}

int filters_write_owned(rondo_transport *t, struct chunk *chunk)
{
    int result = 0;
    if (chunk->size && t->handshaking) {
        buf_append_chunk(&filters_of(t)->pending, chunk);
        return stream_queued(t);
    }
    if (chunk->size)
        result = filters_write(t, chunk->data, chunk->size);
    if (result < 0) {
        loop_free(t->loop, chunk);
        return result;
    }
    buf_release_later(&t->out->buf, chunk);
    stream_owe_release(t);
    stream_settle(t);
    return result;
}

/* ---- what was written before the filters were ready ---- */

size_t filters_pending(const rondo_transport *t)
{
    return filters_of(t)->pending.size;
}

static void filter_note_spent(rondo_transport *t)
{
    if (filters_of(t)->pending.release_due)
        stream_owe_release(t);
}

void filters_drop_pending(rondo_transport *t)
{
    struct filters *f = filters_of(t);
    buf_drop(t->loop, &f->pending, f->writing);
    filter_note_spent(t);
}

void filters_release(rondo_transport *t)
{
    buf_release(t->loop, &filters_of(t)->pending);
}

/* A write that fails drops the queue, but not what a filter is looking at. */
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
        stream_then_came_down(t);
    }
    f->writing = false;
    if (stream_is_over(t))
        filters_drop_pending(t);
    filter_note_spent(t);
}

enum {
    SHUTDOWN_S = 30, /* how long no byte of it may leave */
    LINGER_S = 2,    /* that a closed connection waits for the peer's end */
    LINGER_MOST = 262144, /* bytes that it takes meanwhile */
    EARLY_MOST = 65536    /* delivered before all are ready */
};

/* ---- errors ---- */

void filters_answer(rondo_transport *t, int result)
{
    struct filters *f = filters_of(t);
    const char *words = error_given(result);
    /* a send that failed has its own way of ending: what came is read first */
    if (result >= 0 || (t->reading_out && result == t->error))
        return;
    if (words) {
        snprintf(f->why, sizeof f->why, "%s", words);
        f->why_error = result;
    }
    error_no_os();
    /* what a filter says of a handshake that fails should reach the peer */
    stream_fail(t, result, t->handshaking ? 0 : STREAM_BY_RESET);
    stream_settle(t);
}

const char *filters_why(const rondo_transport *t)
{
    const struct filters *f = filters_of(t);
    return f->why_error == t->error ? f->why : "";
}

/* ---- deadlines ---- */

static void filter_stop_timer(rondo_transport *t)
{
    struct filters *f = filters_of(t);
    if (f->timer > 0)
        (void)timers_cancel(t->loop, f->timer);
    f->timer = 0;
}

static void filter_start_timer(rondo_transport *t, int64_t length_ns,
                               rondo_fn fn)
{
    struct filters *f = filters_of(t);
    int64_t now = sys_clock();
    filter_stop_timer(t);
    if (length_ns > RONDO_NEVER - now || t->loop->closing)
        return;
    f->timer = timers_start_hidden(t->loop, now + length_ns, fn, t);
    if (f->timer < 0)
        filters_answer(
            t, rondo_set_error(RONDO_ENOMEM, "out of memory for a deadline"));
}

static void filter_on_handshake_time(rondo_loop *loop, void *arg)
{
    rondo_transport *t = arg;
    struct filters *f = filters_of(t);
    (void)loop;
    f->timer = 0;
    filters_answer(t, rondo_set_error(RONDO_ETIMEDOUT,
                                      "no handshake within %.3f s",
                                      (double)f->handshake_ns / 1e9));
}

static void filter_watch_shutdown(rondo_transport *t);

/* As long as bytes leave, the peer is taking what the filters send last. */
static void filter_on_shutdown_time(rondo_loop *loop, void *arg)
{
    rondo_transport *t = arg;
    struct filters *f = filters_of(t);
    (void)loop;
    f->timer = 0;
    if (stream_unsent(t) < f->unsent)
        filter_watch_shutdown(t);
    else
        filters_answer(t,
                       rondo_set_error(RONDO_ETIMEDOUT,
                                       "closed, but nothing was taken for %d s",
                                       SHUTDOWN_S));
}

static void filter_watch_shutdown(rondo_transport *t)
{
    filters_of(t)->unsent = stream_unsent(t);
    filter_start_timer(t, RONDO_SEC(SHUTDOWN_S), filter_on_shutdown_time);
}

/* ---- getting ready ---- */

bool filters_read(const rondo_transport *t)
{
    const struct filters *f = filters_of(t);
    const struct held *held = t->extra->held;
    if (f->eof_below || f->start_due || stream_is_ending(t))
        return false;
    if (f->lingers)
        return true;
    if (!t->handshaking)
        return stream_delivers(t);
    /* a handshake needs bytes even where the program wants none; a close goes
     * on with it only for what waits to be sent */
    if (t->phase == PHASE_CLOSING && !f->pending.size)
        return false;
    return !held || held->size <= EARLY_MOST;
}

static void filter_tell_done(rondo_layer *layer, int result)
{
    rondo_done_fn done = layer->done;
    layer->done = NULL;
    if (done)
        done(layer->t->loop, layer->arg, result);
}

/* Whatever was written before goes first. What the program writes meanwhile
 * is put behind it, since the flag is still there. */
static void filter_all_ready(rondo_transport *t)
{
    struct filters *f = filters_of(t);
    filters_write_pending(t);
    if (stream_is_ending(t))
        return;
    filter_stop_timer(t);
    t->handshaking = false;
    filters_done_fn done = f->done;
    f->done = NULL;
    if (done)
        done(t, f->arg, 0);
    else if (t->made == MADE_DUE)
        stream_make(t);
}

int rondo_layer_ready(rondo_layer *layer)
{
    int error = loop_check(layer ? layer->t->loop : NULL, "layer_ready");
    if (error)
        return error;
    rondo_transport *t = layer->t;
    if (layer->ready)
        return 0;
    if (stream_is_ending(t))
        return error_set(RONDO_ECLOSED, "layer_ready: the connection is over");
    layer->ready = true;
    filter_tell_done(layer, 0);
    if (layer == filters_of(t)->top)
        filter_all_ready(t);
    else
        filters_of(t)->start_due = true;
    if (!stream_is_running(t))
        stream_settle(t);
    return 0;
}

/* Nothing more can come that a handshake could go on with. */
static void filter_check_end(rondo_transport *t)
{
    const struct filters *f = filters_of(t);
    if (!t->handshaking || f->start_due || stream_is_ending(t))
        return;
    if (t->reading == READ_ENDED || f->eof_below)
        filters_answer(
            t, rondo_set_error(RONDO_ECONNRESET,
                               "the peer left before the handshake's end"));
}

static rondo_layer *filter_next_to_start(const struct filters *f)
{
    rondo_layer *layer = f->top;
    while (layer->below && !layer->below->started)
        layer = layer->below;
    return layer;
}

/* What was read and not delivered before is for the new layer. */
static void filter_start(rondo_transport *t)
{
    struct filters *f = filters_of(t);
    rondo_layer *layer = filter_next_to_start(f);
    struct held *held = t->held ? stream_take_held(t) : NULL;
    bool eof = f->holds_eof;
    f->holds_eof = f->start_due = false;
    layer->started = true;
    if (layer->below)
        layer->below->above = layer;
    else
        f->bottom = layer;
    if (!f->timer)
        filter_start_timer(t, f->handshake_ns, filter_on_handshake_time);
    if (layer->filter->start)
        filters_answer(t, layer->filter->start(layer, layer->self));
    else
        (void)rondo_layer_ready(layer);
    if (held && !stream_is_ending(t))
        (void)layer_received(layer, held->bytes, held->size);
    loop_free(t->loop, held);
    if (eof && !stream_is_ending(t))
        (void)layer_eof_received(layer);
    filter_check_end(t);
}

void filters_eof_received(rondo_transport *t)
{
    filters_of(t)->eof_below = true;
    (void)layer_eof_received(filters_of(t)->bottom);
    filter_check_end(t);
}

void filters_wait(rondo_transport *t, int64_t handshake_ns,
                  filters_done_fn done, void *arg)
{
    struct filters *f = filters_of(t);
    f->handshake_ns = handshake_ns;
    f->done = done;
    f->arg = arg;
}

/* ---- ending the sending side ---- */

/* A forked child that closes its copy sends no shutdown: the connection is still
 * its parent's. */
static bool filter_closes_copy(const rondo_transport *t)
{
    return t->handle.inherited && t->writing == WRITE_ON;
}

bool filters_delay_end(const rondo_transport *t)
{
    const struct filters *f = filters_of(t);
    return !f->shutdown_sent && (!filter_closes_copy(t) || f->pending.size);
}

static bool filter_owes_shutdown(const rondo_transport *t)
{
    const struct filters *f = filters_of(t);
    bool wanted = t->writing != WRITE_ON || t->phase == PHASE_CLOSING;
    if (f->shutdown_sent || !wanted || (t->out && t->out->file) ||
        filter_closes_copy(t))
        return false;
    /* what was written before the filters were ready goes first */
    return !t->handshaking || (t->phase == PHASE_CLOSING && !f->pending.size);
}

bool filters_owe(const rondo_transport *t)
{
    const struct filters *f = filters_of(t);
    if (stream_is_ending(t))
        return false;
    return filter_owes_shutdown(t) || (f->start_due && !f->shutdown_sent);
}

static void filter_shut_down(rondo_transport *t)
{
    filters_of(t)->shutdown_sent = true;
    for (rondo_layer *layer = filters_of(t)->top; layer; layer = layer->below)
        if (layer->ready && layer->filter->write_eof && !stream_is_over(t))
            filters_answer(t, layer->filter->write_eof(layer, layer->self));
    if (t->phase == PHASE_CLOSING && !t->reading_out)
        filter_watch_shutdown(t);
}

/* ---- closing in order ---- */

static void filter_on_linger_time(rondo_loop *loop, void *arg)
{
    rondo_transport *t = arg;
    (void)loop;
    filters_of(t)->timer = 0;
    filters_of(t)->linger_over = true;
    stream_settle(t);
}

static void filter_begin_linger(rondo_transport *t)
{
    struct filters *f = filters_of(t);
    f->lingers = true;
    if (t->writing != WRITE_ENDED)
        stream_shut_down(t);
    if (t->held)
        loop_free(t->loop, stream_take_held(t));
    filter_stop_timer(t);
    f->timer = timers_start_hidden(t->loop, sys_clock() + RONDO_SEC(LINGER_S),
                                   filter_on_linger_time, t);
    if (f->timer < 0) {
        f->timer = 0;
        f->linger_over = true;
    }
}

bool filters_linger(rondo_transport *t)
{
    const struct filters *f = filters_of(t);
    assert(t->phase == PHASE_CLOSING);
    if (!f->shutdown_sent || t->handle.inherited ||
        !stream_kind(t)->shuts_down || f->eof_below || f->linger_over ||
        t->handshaking || t->error || t->reading_out || t->loop->closing)
        return false;
    if (!f->lingers)
        filter_begin_linger(t);
    return !f->linger_over;
}

bool filters_stop_lingering(rondo_transport *t)
{
    struct filters *f = filters_of(t);
    f->linger_over = f->lingers;
    return f->lingers;
}

void filters_linger_read(rondo_transport *t, int64_t count)
{
    struct filters *f = filters_of(t);
    assert(f->lingers);
    if (count > 0)
        f->lingered += (size_t)count;
    if (count == 0)
        f->eof_below = true;
    else if ((count < 0 && count != RONDO_EAGAIN) || f->lingered > LINGER_MOST)
        f->linger_over = true;
}

void filters_deliver_owed(rondo_transport *t)
{
    if (filter_owes_shutdown(t))
        filter_shut_down(t);
    else
        filter_start(t);
}

/* ---- the end ---- */

static void filter_describe(const rondo_transport *t, int error)
{
    if (t->error)
        stream_describe_loss(t);
    else
        error_set(error, "closed before the filters were ready");
}

void filters_fail(rondo_transport *t)
{
    struct filters *f = filters_of(t);
    int error = t->error ? t->error : RONDO_ECANCELED;
    for (rondo_layer *layer = f->top; layer; layer = layer->below) {
        filter_describe(t, error);
        filter_tell_done(layer, error);
    }
    filters_done_fn done = f->done;
    f->done = NULL;
    filter_describe(t, error);
    if (done)
        done(t, f->arg, error);
}

void filters_free(rondo_transport *t)
{
    rondo_loop *loop = t->loop;
    struct filters *f = filters_of(t);
    filter_stop_timer(t);
    stream_set_phase(t, PHASE_ENDING);
    filters_drop_pending(t);
    buf_release(loop, &f->pending);
    while (f->top) {
        rondo_layer *layer = f->top;
        if (t->error)
            stream_describe_loss(t);
        if (layer->filter->lost)
            layer->filter->lost(layer, layer->self, t->error);
        f->top = layer->below;
        loop_free(loop, layer);
    }
    t->extra->filters = NULL;
    t->filtered = false;
    loop_free(loop, f);
}

/* ---- the program's call ---- */

static int64_t filter_handshake_ns(const rondo_transport *t)
{
    int64_t given = t->owner ? t->owner->handshake_ns : 0;
    return given ? given : RONDO_SEC(FILTER_HANDSHAKE_S);
}

static struct filters *filter_make_stack(rondo_transport *t)
{
    struct stream_extra *extra = stream_extra(t);
    if (!extra || extra->filters)
        return extra ? extra->filters : NULL;
    struct filters *f = loop_alloc(t->loop, sizeof *f);
    if (!f)
        return NULL;
    *f = (struct filters){.handshake_ns = filter_handshake_ns(t)};
    buf_init(&f->pending);
    extra->filters = f;
    t->filtered = true;
    if (t->reading == READ_ENDED)
        f->eof_below = true;
    return f;
}

static int filter_check(rondo_transport *t, const rondo_filter *filter)
{
    const char *what = "transport_push_filter";
    int error = loop_check_create(t ? t->loop : NULL, what);
    if (!error)
        error = LOOP_CHECK_TABLE(filter, what, "filter");
    if (error)
        return error;
    if (stream_is_closing(t) || t->reading_out)
        return error_set(RONDO_ECLOSED, "%s: the transport is closed", what);
    if (stream_kind(t)->half)
        return error_set(RONDO_ENOTSUP, "%s: a pipe of one direction", what);
    if (t->writing != WRITE_ON)
        return error_set(RONDO_EPIPE, "%s: after write_eof", what);
    if ((t->out && t->out->file) || stream_has_pump(t))
        return error_set(RONDO_EBUSY, "%s: a sendfile or a pump is under way",
                         what);
    if (stream_fds_lack_byte(t))
        return error_set(RONDO_EBUSY, "%s: a descriptor waits for its byte",
                         what);
    return 0;
}

int rondo_transport_push_filter(rondo_transport *t, const rondo_filter *filter,
                                void *self, rondo_done_fn done, void *arg)
{
    int error = filter_check(t, filter);
    if (error)
        return error;
    rondo_layer *layer = loop_alloc(t->loop, sizeof *layer);
    struct filters *f = layer ? filter_make_stack(t) : NULL;
    if (!f) {
        loop_free(t->loop, layer);
        return error_set(RONDO_ENOMEM, "transport_push_filter: out of memory");
    }
    *layer = (rondo_layer){
        .t = t,
        .filter = filter,
        .self = self,
        .received = filter->received ? filter->received : layer_pass_up,
        .write = filter->write ? filter->write : layer_pass_down,
        .below = f->top,
        .done = done,
        .arg = arg};
    f->top = layer;
    t->handshaking = true;
    stream_leave_fast(t);
    if (!layer->below || layer->below->ready)
        filters_of(t)->start_due = true;
    stream_settle(t);
    return 0;
}
