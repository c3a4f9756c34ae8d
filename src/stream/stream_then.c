/* stream_then.c - who wants to know when bytes, or the end, have left. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/id.h"
#include "core/observe.h"
#include "stream/filter.h"
#include "stream/stream.h"

#include <stdio.h>

/* One call that ends with a done: a write_then, or with `ends` a shutdown. */
struct then {
    struct then *next;
    rondo_done_fn done;
    void *arg;
    uint64_t at;    /* the bytes before this place of the queue are its */
    int64_t result; /* < 0: what dropped them */
    bool above;     /* the queue is that of bytes that filters wait for */
    bool ends;
    struct chunk chunks[]; /* of the lent bytes; the queue has them */
};

/* One rondo_transport_drain. */
struct drain {
    struct handle handle;
    struct drain *next, **link;
    rondo_transport *t;
    rondo_id id;
    rondo_done_fn done;
    void *arg;
    size_t mark;
    int64_t result;
    bool over; /* it has its result */
};

/* Made for the first of them. */
struct stream_waits {
    struct then *first, **last;
    struct drain *drains, **last_drain; /* in the order of the calls */
    size_t mark;                        /* the highest of theirs, or more */
    struct drain *over, **over_last;
};

static struct stream_waits *then_waits(const rondo_transport *t)
{
    return t->out ? t->out->waits : NULL;
}

static struct stream_waits *then_make_waits(rondo_transport *t)
{
    struct outgoing *out = stream_out(t);
    if (!out || out->waits)
        return out ? out->waits : NULL;
    struct stream_waits *w = loop_alloc(t->loop, sizeof *w);
    if (!w)
        return NULL;
    *w = (struct stream_waits){0};
    w->last = &w->first;
    w->last_drain = &w->drains;
    w->over_last = &w->over;
    out->waits = w;
    return w;
}

/* ---- what is due -------------------------------------------------------- */

/* The bytes, or the end, have left, or are dropped and the kernel is done with
 * them. */
static bool then_is_over(const rondo_transport *t, const struct then *n)
{
    if (n->result < 0)
        return op_is_idle(&t->out->op);
    if (n->ends)
        return t->writing == WRITE_ENDED && !t->out->file;
    return !n->above && n->at <= t->out->buf.front;
}

bool stream_then_is_due(const rondo_transport *t)
{
    const struct stream_waits *w = then_waits(t);
    if (!w)
        return false;
    return w->over || (w->first && then_is_over(t, w->first)) ||
           (w->drains && stream_unsent(t) <= w->mark);
}

bool stream_then_waits(const rondo_transport *t)
{
    const struct stream_waits *w = then_waits(t);
    return w && (w->first || w->drains || w->over);
}

/* ---- results ------------------------------------------------------------ */

static void drain_finish(struct drain *d, int64_t result)
{
    struct stream_waits *w = then_waits(d->t);
    *d->link = d->next;
    if (d->next)
        d->next->link = d->link;
    else
        w->last_drain = d->link;
    d->over = true;
    d->result = result;
    d->next = NULL;
    *w->over_last = d;
    w->over_last = &d->next;
}

static void then_finish_drains(rondo_transport *t)
{
    struct stream_waits *w = then_waits(t);
    struct drain *next;
    size_t unsent = stream_unsent(t), highest = 0;
    for (struct drain *d = w->drains; d; d = next) {
        next = d->next;
        if (unsent <= d->mark)
            drain_finish(d, 0);
        else if (d->mark > highest)
            highest = d->mark;
    }
    w->mark = highest;
}

/* An orderly end of this side that lost bytes: the peer had left before. */
static int then_why(const rondo_transport *t)
{
    return t->error ? t->error : RONDO_ECONNRESET;
}

void stream_then_drop(rondo_transport *t)
{
    struct stream_waits *w = then_waits(t);
    if (!w)
        return;
    for (struct then *n = w->first; n; n = n->next)
        if (n->result >= 0 && !then_is_over(t, n))
            n->result = then_why(t);
    then_finish_drains(t);
    while (w->drains)
        drain_finish(w->drains, then_why(t));
}

void stream_then_end(rondo_transport *t, int error)
{
    struct stream_waits *w = then_waits(t);
    for (struct then *n = w && error ? w->first : NULL; n; n = n->next)
        if (n->ends && n->result >= 0)
            n->result = stream_loss(t, error);
}

void stream_then_came_down(rondo_transport *t)
{
    const struct stream_waits *w = then_waits(t);
    uint64_t left = filters_of(t)->pending.front;
    for (struct then *n = w ? w->first : NULL; n; n = n->next) {
        if (n->above && n->at > left)
            return;
        if (n->above)
            n->at = buf_end(&t->out->buf);
        n->above = false;
    }
}

/* ---- telling ------------------------------------------------------------ */

static void then_tell(rondo_transport *t, rondo_done_fn done, void *arg,
                      int64_t result, const char *what)
{
    if (result < 0) {
        error_keep_os(result == t->error ? t->os_error : 0);
        error_os((int)result, "%s", what);
    }
    OBSERVE_DONE(t->loop, what, done, t->loop, arg, result);
}

/* Those that are over now: done may add others, whose turn comes later. */
static struct then *then_take_over(rondo_transport *t)
{
    struct stream_waits *w = then_waits(t);
    struct then *taken = w->first, **end = &taken;
    while (*end && then_is_over(t, *end))
        end = &(*end)->next;
    w->first = *end;
    *end = NULL;
    if (!w->first)
        w->last = &w->first;
    return taken;
}

static struct drain *then_take_drains(rondo_transport *t)
{
    struct stream_waits *w = then_waits(t);
    if (w->drains && stream_unsent(t) <= w->mark)
        then_finish_drains(t);
    struct drain *taken = w->over;
    w->over = NULL;
    w->over_last = &w->over;
    return taken;
}

void stream_then_tell(rondo_transport *t)
{
    if (!then_waits(t))
        return;
    struct then *n = then_take_over(t);
    struct drain *d = then_take_drains(t);
    while (n) {
        struct then *gone = n;
        n = n->next;
        then_tell(t, gone->done, gone->arg, gone->result,
                  gone->ends ? "transport_shutdown" : "transport_write_then");
        loop_free(t->loop, gone);
    }
    while (d) {
        struct drain *gone = d;
        d = d->next;
        id_free(t->loop, gone->id);
        handle_close(t->loop, &gone->handle);
        then_tell(t, gone->done, gone->arg, gone->result, "transport_drain");
        loop_free(t->loop, gone);
    }
}

void stream_then_free(rondo_transport *t)
{
    if (!then_waits(t))
        return;
    stream_then_drop(t);
    stream_then_tell(t);
    assert(!stream_then_waits(t));
    loop_free(t->loop, t->out->waits);
    t->out->waits = NULL;
}

/* ---- the program's calls ------------------------------------------------ */

static int then_no_function(const char *what)
{
    return error_set(RONDO_EINVAL, "%s: no function", what);
}

static struct then *then_new(rondo_transport *t, size_t pieces,
                             rondo_done_fn done, void *arg)
{
    struct then *n = NULL;
    if (then_make_waits(t))
        n = loop_alloc(t->loop, sizeof *n + pieces * sizeof *n->chunks);
    if (n)
        *n = (struct then){.done = done, .arg = arg};
    return n;
}

/* Behind all that waits. What was dropped inside the same call fails. */
static void then_add(rondo_transport *t, struct then *n, int64_t result)
{
    struct stream_waits *w = then_waits(t);
    n->above = t->filtered && t->handshaking;
    n->at = buf_end(n->above ? &filters_of(t)->pending : &t->out->buf);
    n->result = stream_is_over(t) ? then_why(t) : result;
    *w->last = n;
    w->last = &n->next;
    stream_leave_fast(t);
}

/* The pieces behind the first `sent` bytes wait in the queue as they are. */
static void then_queue(struct buf *buf, struct then *n,
                       const rondo_buffer *buffers, size_t count, size_t sent)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t here = sent < buffers[i].size ? sent : buffers[i].size;
        sent -= here;
        if (here == buffers[i].size)
            continue;
        struct chunk *chunk = &n->chunks[used++];
        *chunk = (struct chunk){.data = (const char *)buffers[i].data + here,
                                .size = buffers[i].size - here,
                                .lent = true};
        buf_append_chunk(buf, chunk);
    }
}

static int then_write(rondo_transport *t, struct then *n,
                      const rondo_buffer *buffers, size_t count, size_t size)
{
    int64_t sent = 0;
    int result = 0;
    if (t->handshaking) {
        then_queue(&filters_of(t)->pending, n, buffers, count, 0);
        then_add(t, n, (int64_t)size);
        return stream_queued(t);
    }
    if (t->filtered)
        result = filters_writev(t, buffers, count);
    else if (!t->queued)
        sent = stream_write_offer(t, buffers, count, "transport_write_then");
    io_send_now(t->loop, &t->io); /* what filters have just sent */
    if (result < 0 || sent < 0) {
        loop_free(t->loop, n);
        return result < 0 ? result : (int)sent;
    }
    bool waits = !t->filtered && (size_t)sent < size;
    if (waits)
        then_queue(&t->out->buf, n, buffers, count, (size_t)sent);
    then_add(t, n, (int64_t)size);
    if (waits)
        return stream_write_queued(t);
    stream_settle(t);
    return result;
}

int rondo_transport_write_then(rondo_transport *t, const rondo_buffer *buffers,
                               size_t count, rondo_done_fn done, void *arg)
{
    const char *what = "transport_write_then";
    size_t size = 0;
    int error = stream_may_write(t, what);
    if (!error)
        error = stream_write_check(buffers, count, &size, what);
    if (!error && !done)
        error = then_no_function(what);
    if (error)
        return error;
    struct then *n = then_new(t, count, done, arg);
    if (!n)
        return error_set(RONDO_ENOMEM, "%s: out of memory", what);
    return stream_pause_inside(t, then_write(t, n, buffers, count, size));
}

int rondo_transport_shutdown(rondo_transport *t, rondo_done_fn done, void *arg)
{
    const char *what = "transport_shutdown";
    int error = stream_may_end(t, what);
    if (!error && !done)
        error = then_no_function(what);
    if (error)
        return error;
    struct then *n = then_new(t, 0, done, arg);
    if (!n)
        return error_set(RONDO_ENOMEM, "%s: out of memory", what);
    n->ends = true;
    then_add(t, n, 0);
    if (t->writing == WRITE_ON)
        t->writing = WRITE_ENDING;
    stream_settle(t);
    return 0;
}

/* ---- drain -------------------------------------------------------------- */

static void drain_cancel(rondo_loop *loop, struct handle *handle)
{
    struct drain *d = (struct drain *)(void *)handle;
    (void)loop;
    if (d->over)
        return; /* its result is on the way */
    drain_finish(d, RONDO_ECANCELED);
    stream_leave_fast(d->t);
    stream_settle(d->t);
}

static int drain_open(struct drain *d)
{
    rondo_transport *t = d->t;
    struct stream_waits *w = then_waits(t);
    d->id = id_new(t->loop, &d->handle, drain_cancel);
    if (d->id < 0)
        return (int)d->id;
    handle_open(t->loop, &d->handle, HANDLE_DRAIN);
    d->link = w->last_drain;
    *d->link = d;
    w->last_drain = &d->next;
    if (d->mark > w->mark)
        w->mark = d->mark;
    stream_leave_fast(t);
    return 0;
}

rondo_id rondo_transport_drain(rondo_transport *t, size_t mark,
                               rondo_done_fn done, void *arg)
{
    const char *what = "transport_drain";
    int error = loop_check(t ? t->loop : NULL, what);
    if (error)
        return error;
    io_send_now(t->loop, &t->io);
    if (stream_is_over(t) || stream_only_reads(t))
        return stream_write_refuse(t, what);
    if (!done)
        return then_no_function(what);
    struct drain *d = NULL;
    if (then_make_waits(t))
        d = loop_alloc(t->loop, sizeof *d);
    if (!d)
        return error_set(RONDO_ENOMEM, "%s: out of memory", what);
    *d = (struct drain){.t = t, .done = done, .arg = arg, .mark = mark};
    error = drain_open(d);
    if (error) {
        loop_free(t->loop, d);
        return error;
    }
    rondo_id id = d->id;
    stream_settle(t);
    return id;
}

/* ---- to another loop ---- */

void stream_then_leave(rondo_transport *t)
{
    const struct stream_waits *w = then_waits(t);
    for (struct drain *d = w ? w->drains : NULL; d; d = d->next) {
        id_free(t->loop, d->id);
        handle_close(t->loop, &d->handle);
    }
}

/* Without memory for its id a drain cannot be cancelled. */
void stream_then_arrive(rondo_transport *t)
{
    const struct stream_waits *w = then_waits(t);
    for (struct drain *d = w ? w->drains : NULL; d; d = d->next) {
        bool background = d->handle.background;
        d->id = id_new(t->loop, &d->handle, drain_cancel);
        handle_open(t->loop, &d->handle, HANDLE_DRAIN);
        handle_set_background(t->loop, &d->handle, background);
    }
}

/* ---- for the loop ------------------------------------------------------- */

static void drain_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    drain_cancel(loop, handle);
}

static bool drain_describe(const struct handle *handle, char *text, size_t size)
{
    const struct drain *d = (const struct drain *)(const void *)handle;
    snprintf(text, size, "fd %lld, %zu bytes to send, waits for %zu",
             (long long)stream_fd(d->t), stream_unsent(d->t), d->mark);
    return true;
}

const struct handle_class drain_class = {"drain", drain_close_at_loop_close,
                                         drain_describe};
