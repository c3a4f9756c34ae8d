/* model_filter.c - filters that change no byte: some pass, some hold. */
/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stdlib.h>
#include <string.h>

/* What a filter keeps until the loop's next iteration. */
struct held {
    char *bytes;
    size_t size, room;
};

struct filter {
    struct side *side; /* NULL: pushed before there was one */
    rondo_layer *layer;
    rondo_loop *loop;
    rondo_id soon, ready;
    struct held up, down;
    bool holds, ended_up, ended_down, lost, is_ready;
};

static void held_add(struct held *h, const void *data, size_t size)
{
    if (h->size + size > h->room) {
        h->room = (h->size + size) * 2;
        char *more = host_alloc(h->room);
        if (h->size)
            memcpy(more, h->bytes, h->size);
        rondo_sim_free(h->bytes);
        h->bytes = more;
    }
    memcpy(h->bytes + h->size, data, size);
    h->size += size;
}

/* Takes what is held; the caller frees it. */
static struct held held_take(struct held *h)
{
    struct held taken = *h;
    *h = (struct held){0};
    return taken;
}

static int filter_send(struct filter *f)
{
    struct held down = held_take(&f->down);
    int error = 0;
    if (down.size)
        error = rondo_layer_send(f->layer, down.bytes, down.size);
    rondo_sim_free(down.bytes);
    return error < 0 ? error : 0;
}

static int filter_deliver(struct filter *f)
{
    struct held up = held_take(&f->up);
    int error = 0;
    if (up.size)
        error = rondo_layer_deliver(f->layer, up.bytes, up.size);
    rondo_sim_free(up.bytes);
    if (error == 0 && f->ended_up && !f->lost)
        error = rondo_layer_deliver_eof(f->layer);
    return error;
}

static void filter_flushes(rondo_loop *loop, void *arg)
{
    struct filter *f = arg;
    (void)loop;
    f->soon = 0;
    must(!f->lost, "a cancelled callback runs");
    (void)filter_send(f);
    if (!f->lost)
        (void)filter_deliver(f);
}

static int filter_plan(struct filter *f)
{
    if (f->soon > 0)
        return 0;
    f->soon = rondo_call_soon(f->loop, filter_flushes, f);
    if (f->soon < 0) /* no memory, or the loop closes: at once */
        return filter_send(f) < 0 ? RONDO_ECONNRESET : filter_deliver(f);
    return 0;
}

static void filter_gets_ready(rondo_loop *loop, void *arg)
{
    struct filter *f = arg;
    (void)loop;
    f->ready = 0;
    f->is_ready = true;
    must(!f->lost, "a cancelled timer fires");
    (void)rondo_layer_ready(f->layer);
}

static int filter_start(rondo_layer *layer, void *self)
{
    struct filter *f = self;
    must(!f->layer, "a filter starts twice");
    f->layer = layer;
    f->loop = rondo_transport_loop(rondo_layer_transport(layer));
    if (f->holds) {
        f->ready =
            rondo_call_later(f->loop, RONDO_US(50), filter_gets_ready, f);
        if (f->ready > 0)
            return 0;
    }
    f->is_ready = true;
    return rondo_layer_ready(layer);
}

static int filter_received(rondo_layer *layer, void *self, const void *data,
                           size_t size)
{
    struct filter *f = self;
    must(size > 0 && !f->ended_up && !f->lost, "bytes after the end");
    if (!f->holds)
        return rondo_layer_deliver(layer, data, size);
    held_add(&f->up, data, size);
    return filter_plan(f);
}

static int filter_eof(rondo_layer *layer, void *self)
{
    struct filter *f = self;
    must(!f->ended_up && !f->lost, "two ends");
    f->ended_up = true;
    return f->holds ? filter_deliver(f) : rondo_layer_deliver_eof(layer);
}

static int filter_write(rondo_layer *layer, void *self, const void *data,
                        size_t size)
{
    struct filter *f = self;
    must(f->is_ready, "a filter that is not ready gets a write");
    must(size > 0 && !f->ended_down && !f->lost, "a write after the end");
    if (!f->holds) {
        int result = rondo_layer_send(layer, data, size);
        return result < 0 ? result : 0;
    }
    held_add(&f->down, data, size);
    return filter_plan(f);
}

static int filter_write_eof(rondo_layer *layer, void *self)
{
    struct filter *f = self;
    (void)layer;
    must(f->is_ready && !f->ended_down, "two ends of writing");
    f->ended_down = true;
    return filter_send(f);
}

static void filter_lost(rondo_layer *layer, void *self, int error)
{
    struct filter *f = self;
    (void)layer;
    (void)error;
    must(!f->lost, "a filter is lost twice");
    f->lost = true;
    if (f->soon > 0)
        (void)rondo_cancel(f->loop, f->soon);
    if (f->ready > 0)
        (void)rondo_cancel(f->loop, f->ready);
    rondo_sim_free(f->up.bytes);
    rondo_sim_free(f->down.bytes);
    f->up = f->down = (struct held){0};
}

static const rondo_filter filters = {.start = filter_start,
                                     .received = filter_received,
                                     .eof_received = filter_eof,
                                     .write = filter_write,
                                     .write_eof = filter_write_eof,
                                     .lost = filter_lost};
static const rondo_filter passes = {.lost = filter_lost};

int filter_push(rondo_transport *t, struct side *s, struct step *step,
                bool holds, rondo_done_fn done, void *arg)
{
    struct filter *f = model_alloc(sizeof *f);
    bool bare = !holds && step_below(step, 2);
    f->side = s;
    f->holds = holds;
    return rondo_transport_push_filter(t, bare ? &passes : &filters, f, done,
                                       arg);
}

int filter_setup(rondo_transport *t, void *arg)
{
    struct step step;
    struct actor *actor = arg;
    if (!step_begin(&step, actor, "setup"))
        return 0;
    if (step_below(&step, 12) == 0)
        return RONDO_ECANCELED;
    unsigned count = step_below(&step, 3);
    for (unsigned i = 0; i < count; i++) {
        int error =
            filter_push(t, NULL, &step, step_below(&step, 2), NULL, NULL);
        if (error)
            return error;
    }
    step_did(&step, "push filters", count);
    return 0;
}
