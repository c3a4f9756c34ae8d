/* model_loop.c - what a random program does with a loop itself. */
/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <string.h>

/* ---- timers ---- */

static int64_t loop_when(const struct place *p, int64_t at)
{
    return at - rondo_loop_time(p->loop) + rondo_sim_now();
}

static void timer_fired(rondo_loop *loop, void *arg)
{
    struct timer *t = arg;
    struct place *p = t->place;
    must(loop == p->loop && t->pending, "a timer fires that is not pending");
    place_calls(p, "a timer", t->when);
    must(!p->closing || !p->main, "a timer fires in loop_close");
    must(t->when > p->timer_ran_when ||
             (t->when == p->timer_ran_when && t->order > p->timer_ran_order),
         "timers fire out of order");
    p->timer_ran_when = t->when;
    p->timer_ran_order = t->order;
    if (t->period) {
        int64_t next = loop_when(p, rondo_when(loop, t->id));
        must(next > t->when && (next - t->when) % t->period == 0,
             "a repeated timer loses its phase");
        t->when = next;
        t->order = ++p->timer_order;
    } else {
        t->pending = false;
    }
    t->firing = true;
    t->fn(t);
    t->firing = false;
}

static struct timer *timer_keep(struct timer *t, rondo_id id)
{
    if (id < 0) {
        must(model.faults || t->place->closing, "timer: %s",
             rondo_last_error());
        return NULL;
    }
    t->id = id;
    t->pending = true;
    t->order = ++t->place->timer_order;
    return t;
}

static struct timer *timer_new(struct place *p, void (*fn)(struct timer *),
                               void *arg)
{
    struct timer *t = model_alloc(sizeof *t);
    t->place = p;
    t->fn = fn;
    t->arg = arg;
    t->next = model.timers;
    model.timers = t;
    return t;
}

struct timer *timer_start(struct place *p, int64_t delay_ns,
                          void (*fn)(struct timer *timer), void *arg)
{
    struct timer *t = timer_new(p, fn, arg);
    t->when = rondo_sim_now() + (delay_ns > 0 ? delay_ns : 0);
    return timer_keep(t, rondo_call_later(p->loop, delay_ns, timer_fired, t));
}

void timer_cancel(struct timer *t)
{
    if (!t)
        return;
    int error = rondo_cancel(t->place->loop, t->id);
    if (t->place->closing)
        return;
    must((error == 0) == t->pending || t->firing,
         "cancel of a timer: %d, pending %d", error, t->pending);
    t->pending = false;
}

static void timer_nothing(struct timer *t)
{
    struct step step;
    struct place *p = t->place;
    if (step_begin(&step, &p->actor, "timer"))
        loop_act(p, &step);
}

/* Moves a timer, also one that has fired. */
static int timer_move(struct timer *t, struct step *step)
{
    struct place *p = t->place;
    int64_t in = (int64_t)step_below(step, 3000000) - 100000;
    int64_t earliest = loop_when(p, rondo_loop_iteration_time(p->loop));
    int64_t when = rondo_sim_now() + in;
    size_t before = p->allocations;
    int error = rondo_reschedule(
        p->loop, t->id, when - rondo_sim_now() + rondo_loop_time(p->loop));
    must((error == 0) == (t->pending || t->firing),
         "reschedule: %s, pending %d", rondo_error_name(error), t->pending);
    must(!t->pending || p->allocations == before, "a timer's move allocates");
    if (error == 0) {
        t->pending = true;
        t->when = when < earliest ? earliest : when;
        t->order = ++p->timer_order;
    }
    return error;
}

static struct timer *timer_every(struct place *p, struct step *step)
{
    struct timer *t = timer_new(p, timer_nothing, NULL);
    t->period = RONDO_US(200 + step_below(step, 20000));
    t->when = rondo_sim_now() + t->period;
    return timer_keep(t, rondo_call_every(p->loop, t->period, timer_fired, t));
}

static int64_t act_timer(struct place *p, struct step *step)
{
    struct timer **slot = &p->timers[step_below(step, 16)];
    if (*slot && step_below(step, 3) == 0) {
        timer_cancel(*slot);
        *slot = NULL;
        return 0;
    }
    if (*slot && step_below(step, 2) == 0)
        return timer_move(*slot, step);
    if (*slot && (*slot)->period)
        timer_cancel(*slot);
    if (step_below(step, 4) == 0)
        *slot = timer_every(p, step);
    else
        *slot = timer_start(p, RONDO_US(step_below(step, 5000)) - 1000,
                            timer_nothing, NULL);
    return 1;
}

/* ---- callbacks and posts: in order, and in no time ---- */

static void soon_runs(rondo_loop *loop, void *arg)
{
    struct soon *s = arg;
    struct place *p = s->place;
    must(loop == p->loop && s->pending, "a callback runs that is not pending");
    s->pending = false;
    place_calls(p, "a callback", s->when);
    if (s->order) {
        must(s->order > p->soon_ran, "callbacks run out of order");
        p->soon_ran = s->order;
    }
    if (s->fn)
        s->fn(s);
}

static struct soon *soon_new(struct place *p, void (*fn)(struct soon *),
                             void *arg)
{
    struct soon *s = model_alloc(sizeof *s);
    s->place = p;
    s->when = rondo_sim_now();
    s->fn = fn;
    s->arg = arg;
    s->next = model.soons;
    model.soons = s;
    return s;
}

static struct soon *soon_begin(struct place *p, void (*fn)(struct soon *soon),
                               void *arg)
{
    struct soon *s = soon_new(p, fn, arg);
    s->order = ++p->soon_order;
    s->id = rondo_call_soon(p->loop, soon_runs, s);
    s->pending = s->id > 0;
    must(s->pending || model.faults || p->closing, "call_soon: %s",
         rondo_last_error());
    return s;
}

static void soon_acts(struct soon *s)
{
    struct step step;
    if (step_begin(&step, &s->place->actor, "callback"))
        loop_act(s->place, &step);
}

static int64_t act_soon(struct place *p, struct step *step)
{
    if (step_below(step, 2)) {
        struct soon *made = soon_begin(p, soon_acts, NULL);
        bool started = made->pending;
        if (started && step_below(step, 4) == 0) {
            must(rondo_cancel(p->loop, made->id) == 0, "cancel: %s",
                 rondo_last_error());
            made->pending = false;
        }
        return started;
    }
    struct soon *s = soon_new(p, soon_acts, NULL);
    s->order = ++p->soon_order;
    s->pending = true; /* it may run before the call returns, elsewhere */
    int error = rondo_call_soon_threadsafe(p->loop, soon_runs, s);
    if (error < 0)
        s->pending = false;
    return error;
}

/* ---- posts of other threads ---- */

struct poster {
    struct actor actor;
    struct place *place;
    rondo_remote *remote;
};

static void poster_posts(struct poster *q, struct step *step)
{
    struct soon *s = soon_new(q->place, NULL, NULL);
    s->pending = true;
    if (step_below(step, 2)) {
        if (rondo_remote_call(q->remote, soon_runs, s) != 0)
            s->pending = false;
        return;
    }
    rondo_id id = rondo_remote_post(q->remote, soon_runs, s);
    if (id < 0)
        s->pending = false;
    else if (step_below(step, 2) && rondo_remote_cancel(q->remote, id) == 0) {
        must(s->pending, "cancel of a post that has run: 0");
        s->pending = false;
    }
}

static void poster_main(void *arg)
{
    struct poster *q = arg;
    struct step step;
    while (q->actor.count < 6 && step_begin(&step, &q->actor, "thread")) {
        step_did(&step, "post", 0);
        if (step_below(&step, 2))
            (void)rondo_sim_sleep(RONDO_US(step_below(&step, 3000)));
        poster_posts(q, &step);
    }
    rondo_remote_release(q->remote);
}

static int64_t act_thread(struct place *p, struct step *step)
{
    struct poster *q = model_alloc(sizeof *q);
    q->actor = actor_child(step, "thread");
    q->place = p;
    q->remote = rondo_loop_remote(p->loop);
    if (!q->remote)
        return RONDO_ENOMEM;
    int error = rondo_sim_thread(poster_main, q);
    if (error < 0)
        rondo_remote_release(q->remote);
    return error;
}

/* ---- jobs ---- */

static int64_t job_works(rondo_job *job, void *arg)
{
    struct op *op = arg;
    must(!op->dones, "a job works after its done");
    op->order++;
    if (step_below(&op->step, 2))
        (void)rondo_sim_sleep(RONDO_US(step_below(&op->step, 5000)));
    (void)rondo_job_canceled(job);
    return 7;
}

static void job_done(rondo_loop *loop, void *arg, int64_t result)
{
    struct op *op = arg;
    (void)op_ended(op, loop, result);
    must(result < 0 || op->order == 1, "a job has run %d times",
         (int)op->order);
    must(result >= 0 || result == RONDO_ECANCELED || result == RONDO_ECLOSED ||
             model.faults,
         "job: %s", rondo_error_name((int)result));
    must(op->order == rondo_job_begun(loop) || result >= 0,
         "job_begun does not tell whether it has");
    loop_act_some(op->place, "job's done");
}

static int64_t act_job(struct place *p, struct step *step)
{
    struct op *op = op_new("job", p, NULL, 7);
    op->step = *step;
    if (!p->executor && step_below(step, 4) == 0 &&
        rondo_executor_new(&p->executor, 1 + step_below(step, 3)) != 0)
        p->executor = NULL;
    rondo_id id = op_called(
        op,
        rondo_run_in_executor(p->loop, step_below(step, 2) ? p->executor : NULL,
                              job_works, job_done, op));
    if (id > 0 && step_below(step, 3) == 0)
        (void)rondo_cancel(p->loop, id);
    op_may_be_cancelled(p, id);
    return id;
}

/* ---- hooks, look-ups, metrics ---- */

static void hook(rondo_loop *loop, void *arg)
{
    struct place *p = arg;
    must(loop == p->loop && !p->closing, "a hook is called in close");
    place_calls(p, "a hook", -1);
    if (p->actor.count % 8 == 0)
        loop_act_some(p, "hook");
}

static int64_t act_hook(struct place *p, struct step *step)
{
    rondo_id *slot = &p->hooks[step_below(step, 8)];
    if (*slot > 0) {
        int error = rondo_cancel(p->loop, *slot);
        *slot = 0;
        return error;
    }
    *slot = rondo_add_hook(p->loop, 1 + step_below(step, 3), hook, p);
    return *slot;
}

static void found(rondo_loop *loop, void *arg, const rondo_address *addresses,
                  size_t count, const char *name, int error)
{
    (void)addresses;
    (void)name;
    (void)op_ended(arg, loop, error ? error : (int64_t)count);
}

static int64_t act_lookup(struct place *p, struct step *step)
{
    struct op *op = op_new("look-up", p, NULL, -1);
    const char *host = step_below(step, 3) == 0 ? "nobody" : "two";
    rondo_id id =
        op_called(op, rondo_getaddrinfo(p->loop, host, "7", NULL, found, op));
    if (id > 0 && step_below(step, 3) == 0)
        (void)rondo_cancel(p->loop, id);
    return id;
}

static int64_t act_sleep(struct place *p, struct step *step)
{
    place_sleep(p, RONDO_US(step_below(step, 3000)));
    return 0;
}

static int64_t act_wake(struct place *p, struct step *step)
{
    (void)step;
    rondo_loop_wake(p->loop);
    return 0;
}

/* ---- any operation ---- */

static int64_t act_cancel(struct place *p, struct step *step)
{
    rondo_id id = p->ids[step_below(step, 16)];
    if (!id && p->main)
        return step_below(step, 4) ? child_act(p, step) : watch_act(p, step);
    int error = rondo_cancel(p->loop, id);
    must(error == 0 || error == RONDO_ENOENT || (!id && error == RONDO_EINVAL),
         "cancel: %s", rondo_last_error());
    if (error == 0)
        must(rondo_cancel(p->loop, id) == RONDO_ENOENT, "cancelled twice");
    return error;
}

/* ---- the choice ---- */

static const struct {
    const char *name;
    int64_t (*act)(struct place *p, struct step *step);
    unsigned weight;
} acts[] = {{"connect", net_connect, 12},  {"serve", net_serve, 3},
            {"timer", act_timer, 4},       {"call_soon", act_soon, 3},
            {"thread", act_thread, 1},     {"job", act_job, 2},
            {"hook", act_hook, 1},         {"getaddrinfo", act_lookup, 1},
            {"sleep", act_sleep, 1},       {"wake", act_wake, 1},
            {"datagram", datagram_act, 3}, {"any side", side_act_any, 6},
            {"cancel", act_cancel, 4},     {"pipe", pipe_act, 4},
            {"file", file_act, 2},         {"signal", signal_act, 2}};

/* In a callback of the loop's. */
void loop_act_some(struct place *p, const char *where)
{
    struct step step;
    if (!p->closing && step_begin(&step, &p->actor, where) &&
        step_below(&step, 2))
        (void)side_act_any(p, &step);
}

static unsigned act_weight(size_t i)
{
    if (acts[i].act == net_serve && side_wants_ending(ENDED_by_server))
        return 20;
    if (acts[i].act == pipe_act && (side_wants_kind(SIDE_PIPE_READER) ||
                                    side_wants_kind(SIDE_PIPE_WRITER)))
        return 20;
    return acts[i].weight;
}

void loop_act(struct place *p, struct step *step)
{
    unsigned sum = 0, i = 0;
    if (p->ending || !p->steps_left)
        return;
    p->steps_left--;
    for (size_t k = 0; k < sizeof acts / sizeof *acts; k++)
        sum += act_weight(k);
    unsigned at = step_below(step, sum);
    while (at >= act_weight(i))
        at -= act_weight(i++);
    step_did(step, acts[i].name, acts[i].act(p, step));
}

void loop_end_all(struct place *p)
{
    for (unsigned i = 0; i < 16; i++)
        if (p->timers[i] && p->timers[i]->period) {
            timer_cancel(p->timers[i]);
            p->timers[i] = NULL;
        }
    for (unsigned i = 0; i < 8; i++)
        if (p->hooks[i] > 0)
            must(rondo_cancel(p->loop, p->hooks[i]) == 0, "hook: %s",
                 rondo_last_error());
    if (p->datagram)
        rondo_datagram_close(p->datagram);
    net_end(p);
    child_end_all(p);
}

void loop_check_end(void)
{
    for (const struct soon *s = model.soons; s; s = s->next)
        must(!s->pending || s->order || s->place->host == model.crashed,
             "a post that was taken has not run");
    child_check_end();
}
