/* model_verbs.c - what a program does to a transport, in any callback. */
/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading, limits, times ---- */

static int64_t v_pause(struct side *s, struct step *step)
{
    (void)step;
    int error = rondo_transport_pause_reading(s->t);
    s->paused |= error == 0 && !s->reader;
    return error;
}

static int64_t v_resume(struct side *s, struct step *step)
{
    (void)step;
    int error = rondo_transport_resume_reading(s->t);
    if (error == 0)
        s->paused = false;
    return error;
}

static int64_t v_limits(struct side *s, struct step *step)
{
    size_t high =
        step_below(step, 3) ? step_below(step, 5000) : RONDO_NO_BUFFER;
    return rondo_transport_set_write_buffer_limits(s->t, high, 0);
}

static int64_t v_pause_inside(struct side *s, struct step *step)
{
    s->pause_inside = true;
    rondo_transport_set_pause_inside(s->t, step_below(step, 2));
    return 0;
}

static int64_t v_protocol(struct side *s, struct step *step)
{
    if (s->reader)
        return RONDO_EBUSY;
    unsigned before = s->protocol;
    s->protocol = step_below(step, 3);
    bool paused = s->writing_paused;
    if (before % 3 != s->protocol)
        s->writing_paused = false; /* the new one hears pause_writing first */
    int error = rondo_transport_set_protocol(s->t, side_protocol(s), s);
    if (error < 0) {
        s->protocol = before;
        s->writing_paused = paused;
    }
    return error;
}

static int64_t v_timeouts(struct side *s, struct step *step)
{
    s->timeouts = true;
    return rondo_transport_set_timeouts(s->t, RONDO_US(step_below(step, 30000)),
                                        RONDO_US(step_below(step, 30000)));
}

static int64_t v_background(struct side *s, struct step *step)
{
    (void)step;
    rondo_transport_set_background(s->t, true);
    rondo_transport_set_background(s->t, false);
    return 0;
}

static int64_t v_sleep(struct side *s, struct step *step)
{
    place_sleep(s->place, RONDO_US(step_below(step, 300)));
    return 0;
}

/* ---- filters ---- */

static void filter_is_ready(rondo_loop *loop, void *arg, int64_t result)
{
    struct op *op = arg;
    (void)op_ended(op, loop, result);
    must(result == 0 || result < 0, "push_filter: %d", (int)result);
    if (result == 0)
        side_act(op->side, "push_filter's done");
}

static int64_t push(struct side *s, struct step *step, bool holds)
{
    struct op *op = op_new("push_filter", s->place, s, 0);
    if (s->reader && s->sent == 0)
        return RONDO_EBUSY;
    bool was = s->filtered;
    s->filtered = true;
    int64_t error =
        op_called(op, filter_push(s->t, s, step, holds, filter_is_ready, op));
    if (error < 0)
        s->filtered = was;
    return error;
}

static int64_t v_pass(struct side *s, struct step *step)
{
    return push(s, step, false);
}

static int64_t v_hold(struct side *s, struct step *step)
{
    return push(s, step, true);
}

/* ---- ends ---- */

/* That it wrote its end is noted before the call, since the peer may hear of it
 * on its own thread before the call has returned. */
static int64_t ended_as(struct side *s, bool before, int64_t result)
{
    s->wrote_end = before || result >= 0;
    return result;
}

static int64_t v_write_eof(struct side *s, struct step *step)
{
    (void)step;
    bool before = s->wrote_end;
    s->wrote_end = true;
    return ended_as(s, before, rondo_transport_write_eof(s->t));
}

static void shut(rondo_loop *loop, void *arg, int64_t result)
{
    (void)op_ended(arg, loop, result);
    side_act(((struct op *)arg)->side, "shutdown's done");
}

static int64_t v_shutdown(struct side *s, struct step *step)
{
    (void)step;
    struct op *op = op_new("shutdown", s->place, s, 0);
    bool before = s->wrote_end;
    s->wrote_end = true;
    return ended_as(s, before,
                    op_called(op, rondo_transport_shutdown(s->t, shut, op)));
}

/* connection_lost comes in so many ns at the latest. */
static void over_by(struct side *s, int64_t ns)
{
    int64_t by = rondo_sim_now() + ns;
    if (!s->over_by || by > s->over_by || ns)
        s->over_by = by + 1;
}

static int64_t v_close(struct side *s, struct step *step)
{
    (void)step;
    s->closed = true;
    rondo_transport_close(s->t);
    must(rondo_transport_is_closing(s->t), "closed, and not closing");
    return 0;
}

static int64_t v_close_within(struct side *s, struct step *step)
{
    int64_t within = RONDO_US(step_below(step, 20000));
    int error = rondo_transport_close_within(s->t, within);
    if (error)
        return error;
    s->closed = s->within = true;
    over_by(s, within);
    return 0;
}

static int64_t v_close_now(struct side *s, struct step *step)
{
    (void)step;
    s->cut = true;
    over_by(s, 0);
    rondo_transport_close_now(s->t);
    return 0;
}

static int64_t v_abort(struct side *s, struct step *step)
{
    (void)step;
    s->aborted = true;
    over_by(s, 0);
    rondo_transport_abort(s->t);
    return 0;
}

static int64_t v_abort_with(struct side *s, struct step *step)
{
    static const int errors[] = {RONDO_EPROTO, RONDO_EIO, RONDO_ENOSPC};
    int error = errors[step_below(step, 3)];
    if (!s->aborted && !s->cut)
        s->abort_error = error;
    s->aborted = true;
    over_by(s, 0);
    rondo_transport_abort_with(s->t, error);
    return 0;
}

/* ---- leaving the loop ---- */

static int64_t v_detach(struct side *s, struct step *step)
{
    rondo_detached out = {.size = sizeof out};
    (void)step;
    if (s->reader || s->kind >= SIDE_PIPE_READER)
        return RONDO_EBUSY; /* a side goes on with a socket alone */
    int error = rondo_transport_detach(s->t, &out);
    if (error)
        return error;
    must(!s->closed && !s->aborted && !s->cut, "detached while it closes");
    s->detached = s->raw = true;
    if (out.unread_size)
        side_received(s, out.unread, out.unread_size);
    timer_cancel(s->tick);
    s->tick = NULL;
    raw_begin(s, out.fd);
    return 0;
}

static void moved(rondo_loop *loop, void *arg, int64_t result)
{
    struct op *op = arg;
    struct side *s = op->side;
    s->moving = false;
    s->place->open--;
    s->place = place_of(loop);
    s->place->open++;
    (void)op_ended(op, loop, result);
    if (result >= 0 || result == RONDO_ECLOSED) {
        side_tick(s);
        side_act(s, "move's done");
    }
}

static int64_t v_move(struct side *s, struct step *step)
{
    rondo_group *group = s->place->group;
    if (!group || s->kind != SIDE_GROUP || !s->made)
        return RONDO_EINVAL;
    struct op *op = op_new("move", s->place, s, 0);
    int64_t error = op_called(
        op, rondo_group_move(group, s->t, step_below(step, 2), moved, op));
    if (error == 0) {
        s->moving = true;
        timer_cancel(s->tick);
        s->tick = NULL;
    }
    return error;
}

/* ---- the choice ---- */

static const struct verb {
    const char *name;
    int64_t (*run)(struct side *s, struct step *step);
    unsigned weight;
} verbs[] = {
    {"write", v_write, 8},
    {"writev", v_writev, 4},
    {"write_owned", v_write_owned, 4},
    {"write_then", v_write_then, 4},
    {"try_write", v_try_write, 3},
    {"drain", v_drain, 3},
    {"pause_reading", v_pause, 3},
    {"resume_reading", v_resume, 5},
    {"limits", v_limits, 2},
    {"pause_inside", v_pause_inside, 1},
    {"set_protocol", v_protocol, 2},
    {"timeouts", v_timeouts, 1},
    {"background", v_background, 1},
    {"sleep", v_sleep, 1},
    {"pass_filter", v_pass, 1},
    {"hold_filter", v_hold, 1},
    {"reader_free", v_reader_free, 1},
    {"reader_drain", v_reader_drain, 1},
    {"send_fd", v_send_fd, 2},
    {"sendfile", v_sendfile, 2},
    {"write_eof", v_write_eof, 1},
    {"shutdown", v_shutdown, 1},
    {"detach", v_detach, 1},
    {"move", v_move, 1},
    {"close", v_close, 1},
    {"close_within", v_close_within, 1},
    {"close_now", v_close_now, 1},
    {"abort", v_abort, 1},
    {"abort_with", v_abort_with, 1},
    /* traits */
    {"adopted", NULL, 0},
    {"reader", NULL, 0},
    {"get_buffer", NULL, 0},
    {"get_buffers", NULL, 0},
    {"unread", NULL, 0},
    {"raw", NULL, 0},
    {"relayed", NULL, 0},
    {"take_fd", NULL, 0},
};

enum {
    VERBS = sizeof verbs / sizeof *verbs,
    FIRST_END = 24,
    FIRST_TRAIT = 29,
    FOCUS = 30
};

void side_has(struct side *s, enum side_trait trait)
{
    s->used |= UINT64_C(1) << (FIRST_TRAIT + trait);
}

unsigned side_verbs(void)
{
    return VERBS;
}

const char *side_verb_name(unsigned i)
{
    return verbs[i].name;
}

typedef int64_t (*verb_fn)(struct side *s, struct step *step);

/* Is one of these what the program tries? */
static bool side_wants(verb_fn one, verb_fn other, enum side_trait trait)
{
    for (int k = 0; k < 2; k++) {
        unsigned i = model.focus[k] - 1;
        if (i < VERBS &&
            (i == FIRST_TRAIT + trait ||
             (verbs[i].run && (verbs[i].run == one || verbs[i].run == other))))
            return true;
    }
    return false;
}

bool side_wants_reader(void)
{
    return side_wants(v_reader_free, v_reader_drain, TRAIT_READER);
}

bool side_wants_fds(void)
{
    return side_wants(v_send_fd, v_send_fd, TRAIT_TAKES_FDS);
}

static unsigned weight(unsigned i)
{
    if (!verbs[i].run)
        return 0;
    /* what a reader's side does before it, and then without it */
    if (verbs[i].run == v_reader_free && side_wants_reader())
        return 10;
    unsigned of = verbs[i].run == v_send_fd ? FIRST_TRAIT + TRAIT_TAKES_FDS : i;
    bool focus = model.focus[0] == i + 1 || model.focus[1] == i + 1 ||
                 model.focus[0] == of + 1 || model.focus[1] == of + 1;
    return focus ? i >= FIRST_END ? 3 : FOCUS : verbs[i].weight;
}

static unsigned choose(struct side *s, struct step *step)
{
    unsigned sum = 0, i = 0;
    if (!s->steps_left || s->place->ending)
        return FIRST_END + step_below(step, 3) * step_below(step, 2);
    for (unsigned k = 0; k < VERBS; k++)
        sum += weight(k);
    unsigned at = step_below(step, sum);
    while (at >= weight(i))
        at -= weight(i++);
    return i;
}

static void side_verb(struct side *s, struct step *step)
{
    unsigned i = choose(s, step);
    char name[40];
    step->after_end = s->wrote_end || s->closed || s->cut || s->aborted;
    int64_t result = verbs[i].run(s, step);
    if (result >= 0)
        s->used |= UINT64_C(1) << i;
    if (step->actor == &s->actor) {
        step_did(step, verbs[i].name, result);
        return;
    }
    snprintf(name, sizeof name, "%s of %u", verbs[i].name, s->actor.number);
    step_did(step, name, result);
}

static bool side_is_usable(const struct side *s)
{
    return s->t && !s->moving && !(s->detached && s->raw) && !s->lost;
}

/* Any side of that loop, or NULL. */
static struct side *side_any(const struct place *p, struct step *step)
{
    for (int i = 0; i < 8 && model.sides; i++) {
        unsigned back = step_below(step, model.sides < 30 ? model.sides : 30);
        struct side *s = model.all_sides[model.sides - 1 - back];
        if (s->place == p && side_is_usable(s))
            return s;
    }
    return NULL;
}

int64_t side_act_any(struct place *p, struct step *step)
{
    struct side *s = side_any(p, step);
    if (!s)
        return RONDO_ENOENT;
    side_verb(s, step);
    return 0;
}

void side_act(struct side *s, const char *where)
{
    struct step step;
    if (!side_is_usable(s))
        return;
    bool ends = !s->steps_left || s->place->ending;
    if (!step_begin(&step, &s->actor, where) && !ends)
        return;
    if (s->steps_left)
        s->steps_left--;
    unsigned what = ends ? 0 : step_below(&step, 18);
    if (what > 12)
        return;
    if (what > 10)
        (void)side_act_any(s->place, &step);
    else if (what == 10 && s->place->main)
        loop_act(s->place, &step);
    else
        side_verb(s, &step);
}
