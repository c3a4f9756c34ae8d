/* model_raw.c - a side whose descriptor is the program's. */
/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stdlib.h>

/* It receives, sends and watches by itself, then gives the descriptor to a
 * transport again, which goes on or ends it. */
struct raw {
    struct side *side;
    struct place *place;
    rondo_fd fd;
    unsigned left;
    struct timer *timer; /* calls raw_next, or cancels */
    rondo_id id;
    bool watching, reading, writing, eof, broken;
    char bytes[3000];
};

static void raw_next(struct raw *r);

static void raw_later(struct timer *t)
{
    struct raw *r = t->arg;
    r->timer = NULL;
    raw_next(r);
}

static void raw_again(struct raw *r)
{
    if (!r->timer)
        r->timer = timer_start(r->place, RONDO_US(100), raw_later, r);
}

/* Nobody answers: the operation is cancelled. */
static void raw_gives_up(struct timer *t)
{
    struct raw *r = t->arg;
    r->timer = NULL;
    must(rondo_cancel(r->place->loop, r->id) == 0, "cancel: %s",
         rondo_last_error());
}

static void raw_waits(struct raw *r, rondo_id id)
{
    r->id = id;
    if (!r->timer)
        r->timer = timer_start(r->place, RONDO_MS(5), raw_gives_up, r);
}

/* ---- a transport of it ---- */

static void raw_adopt(struct raw *r, struct step *step)
{
    struct side *s = r->side;
    s->raw = s->detached = false;
    s->made = s->leaves = s->lost = false;
    s->adopted = true;
    s->paused = false;
    side_has(s, TRAIT_ADOPTED);
    s->writing_paused = s->pause_inside = s->filtered = false;
    if (r->eof && s->steps_left)
        s->steps_left = 1;
    if (s->wrote_end) /* which the transport does not know */
        s->steps_left = 0;
    s->eof = s->heard_end = false; /* it hears the end once more */
    s->place->open--;              /* made counts it again */
    int error = step_below(step, 2)
                    ? rondo_adopt(r->place->loop, r->fd, RONDO_PIPE_OWN,
                                  side_protocol(s), s, NULL)
                    : rondo_connect_accepted_socket(r->place->loop, r->fd,
                                                    side_protocol(s), s, NULL);
    step_did(step, "adopt", error);
    if (error == 0)
        return;
    s->place->open++;
    s->raw = s->detached = true;
    must(model.faults || r->broken || r->place->closing || r->eof ||
             error == RONDO_EINVAL,
         "adopt: %s", rondo_last_error());
    s->lost = true; /* its descriptor is left open */
    s->place->open--;
    rondo_sim_log("%s %u keeps its descriptor", s->actor.kind, s->actor.number);
}

/* ---- operations on the descriptor ---- */

static void raw_received(rondo_loop *loop, void *arg, int64_t result)
{
    struct op *op = arg;
    struct raw *r = op->raw;
    (void)op_ended(op, loop, result);
    r->reading = false;
    if (result > 0)
        side_received(r->side, r->bytes, (size_t)result);
    else if (result == 0)
        r->eof = true;
    else if (result != RONDO_ECANCELED)
        r->side->resets = r->broken = true;
    raw_next(r);
}

static void raw_sent(rondo_loop *loop, void *arg, int64_t result)
{
    struct op *op = arg;
    struct raw *r = op->raw;
    struct side *s = r->side;
    r->writing = false;
    if (result >= 0)
        must(result == op->expects, "sock_sendall: too few");
    else
        s->resets = r->broken = true; /* some may have left */
    if (result < 0)
        s->steps_left = 0;
    op->expects = -1;
    (void)op_ended(op, loop, result);
    raw_next(r);
}

static struct op *raw_op(struct raw *r, const char *what, int64_t expects)
{
    struct op *op = op_new(what, r->place, NULL, expects);
    op->raw = r;
    return op;
}

static void raw_receive(struct raw *r, struct step *step)
{
    struct op *op = raw_op(r, "sock_recv", -1);
    size_t size = 1 + step_below(step, sizeof r->bytes - 1);
    r->reading = true;
    rondo_id id = op_called(op, rondo_sock_recv(r->place->loop, r->fd, r->bytes,
                                                size, raw_received, op));
    step_did(step, "sock_recv", id);
    if (id < 0) {
        must(model.faults || r->place->closing, "sock_recv: %s",
             rondo_last_error());
        r->reading = false;
        raw_again(r);
    } else if (step_below(step, 2)) {
        must(rondo_cancel(r->place->loop, id) == 0, "cancel: %s",
             rondo_last_error());
    } else {
        raw_waits(r, id);
    }
}

static void raw_send(struct raw *r, struct step *step)
{
    struct side *s = r->side;
    size_t size = 1 + step_below(step, 300);
    struct op *op = raw_op(r, "sock_sendall", (int64_t)size);
    op->bytes = host_alloc(size);
    side_fill(s, op->bytes, size);
    r->writing = true;
    s->sent += size;
    rondo_id id =
        op_called(op, rondo_sock_sendall(r->place->loop, r->fd, op->bytes, size,
                                         raw_sent, op));
    step_did(step, "sock_sendall", id);
    if (id < 0) {
        s->sent -= size;
        r->writing = false;
        raw_again(r);
    } else {
        raw_waits(r, id);
    }
}

/* ---- watching it ---- */

static void raw_ready(rondo_loop *loop, rondo_fd fd, unsigned events, void *arg)
{
    struct raw *r = arg;
    must(loop == r->place->loop && fd == r->fd && r->watching,
         "a watcher is called after its end");
    must(events != 0, "a watcher is called for nothing");
    r->watching = false;
    must(rondo_unwatch(loop, fd) == 1, "unwatch: %s", rondo_last_error());
    raw_next(r);
}

static void raw_writable(rondo_loop *loop, rondo_fd fd, void *arg)
{
    struct raw *r = arg;
    must(r->watching, "a writer is called after its end");
    r->watching = false;
    must(rondo_remove_writer(loop, fd) == 1, "remove_writer: %s",
         rondo_last_error());
    raw_next(r);
}

static void raw_watch(struct raw *r, struct step *step)
{
    int error;
    r->watching = true;
    if (step_below(step, 2))
        error = rondo_watch(r->place->loop, r->fd,
                            RONDO_READABLE | RONDO_WRITABLE, raw_ready, r);
    else
        error = rondo_add_writer(r->place->loop, r->fd, raw_writable, r);
    step_did(step, "watch", error);
    if (error < 0) {
        must(model.faults || r->place->closing, "watch: %s",
             rondo_last_error());
        r->watching = false;
    }
    raw_again(r);
}

/* ---- the choice ---- */

static void raw_unwatch(struct raw *r)
{
    if (!r->watching)
        return;
    r->watching = false;
    must(rondo_unwatch(r->place->loop, r->fd) == 1 ||
             rondo_remove_writer(r->place->loop, r->fd) == 1,
         "unwatch: %s", rondo_last_error());
}

static void raw_next(struct raw *r)
{
    struct step step;
    if (r->reading || r->writing)
        return;
    timer_cancel(r->timer);
    r->timer = NULL;
    if (r->side->t) { /* connection_lost is still to come */
        raw_again(r);
        return;
    }
    raw_unwatch(r);
    bool acts = step_begin(&step, &r->side->actor, "raw");
    if (!acts || !r->left || r->broken || r->eof || r->place->ending ||
        r->place->closing) {
        raw_adopt(r, &step);
        return;
    }
    r->left--;
    switch (step_below(&step, 4)) {
    case 0:
        raw_receive(r, &step);
        break;
    case 1:
        raw_send(r, &step);
        break;
    case 2:
        raw_watch(r, &step);
        break;
    default:
        raw_adopt(r, &step);
        break;
    }
}

void raw_begin(struct side *s, rondo_fd fd)
{
    struct raw *r = model_alloc(sizeof *r);
    side_has(s, TRAIT_RAW);
    r->side = s;
    r->place = s->place;
    r->fd = fd;
    r->left = 5;
    raw_again(r);
}
