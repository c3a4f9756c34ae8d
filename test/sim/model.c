/* model.c - what a random program is held against, and how it is played. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const model_hosts[MODEL_HOSTS] = {"one", "two"};
static const struct model_options *options;

/* ---- places ---- */

struct place *place_of(rondo_loop *loop)
{
    return rondo_loop_data(loop);
}

void place_calls(struct place *p, const char *what, int64_t due)
{
    int64_t now = rondo_sim_now();
    must(!p->finished, "%s after the loop's end", what);
    p->called_at = rondo_sim_now();
    if (due < 0 || p->closing)
        return;
    must(now >= due, "%s is %lld ns early", what, (long long)(due - now));
    int64_t latest = due > p->awake_at ? due : p->awake_at;
    must(!model.exact || now <= latest, "%s is %lld ns late", what,
         (long long)(now - latest));
}

void place_sleep(struct place *p, int64_t ns)
{
    (void)rondo_sim_sleep(ns);
    p->awake_at = rondo_sim_now();
}

/* A loop's memory, which is counted. */
static void *place_malloc(size_t size, void *context)
{
    struct place *p = context;
    size_t *made = rondo_sim_alloc(size + 16);
    if (!made)
        return NULL;
    p->blocks++;
    p->allocations++;
    *made = size;
    memset(made + 2, 0xA5, size);
    return made + 2;
}

static void place_free(void *block, void *context)
{
    struct place *p = context;
    if (!block)
        return;
    p->blocks--;
    rondo_sim_free((size_t *)block - 2);
}

static void *place_realloc(void *block, size_t size, void *context)
{
    void *made = place_malloc(size, context);
    if (!made || !block)
        return made;
    size_t before = ((size_t *)block)[-2];
    memcpy(made, block, before < size ? before : size);
    place_free(block, context);
    return made;
}

/* ---- a host ---- */

static void quiet(rondo_loop *loop, void *arg, const rondo_exception *e)
{
    (void)loop;
    (void)arg;
    rondo_sim_log("exception: %s", e->message);
}

static void host_ends(struct timer *timer)
{
    struct place *p = timer->arg;
    struct step step;
    if (!p->ending) {
        p->ending = true;
        loop_end_all(p);
    }
    if (!step_begin(&step, &p->actor, "end"))
        return;
    if (step_below(&step, 3) == 0 || side_wants_ending(ENDED_loop_closed)) {
        step_did(&step, "loop_stop", 0);
        p->stopped = true;
        rondo_loop_stop(p->loop);
    }
}

static void host_tick(struct timer *timer)
{
    struct place *p = timer->arg;
    struct step step;
    if (p->ending)
        return;
    if (step_begin(&step, &p->actor, "tick"))
        loop_act(p, &step);
    if (!p->ending)
        (void)timer_start(p, RONDO_US(step_below(&step, 20000)), host_tick, p);
}

/* What run has left, and what close leaves. */
static void host_check_left(const struct place *p, int result)
{
    rondo_loop_metrics m = {.size = sizeof m};
    if (rondo_loop_get_metrics(p->loop, &m) != 0 || result != 0)
        return;
    must(!p->open, "run returns 0 with %u connections", p->open);
    must(!m.live_transports && !m.live_operations && !m.live_jobs &&
             !m.live_datagrams && !m.live_servers && !m.live_timers &&
             !m.live_processes,
         "run returns 0 with %zu transports, %zu operations, %zu jobs, %zu "
         "datagrams, %zu servers, %zu timers, %zu processes",
         m.live_transports, m.live_operations, m.live_jobs, m.live_datagrams,
         m.live_servers, m.live_timers, m.live_processes);
}

/* By one of the functions that run a loop. */
static int host_run(struct place *p)
{
    struct step step;
    bool acts = step_begin(&step, &p->actor, "run");
    unsigned how = acts ? step_below(&step, 4) : 0;
    int result;
    if (how == 0) {
        result = rondo_loop_run(p->loop);
        must(result < 0 || (result == 1) == p->stopped,
             "run returns %d, stopped %d", result, p->stopped);
        if (result != 1 || !step_below(&step, 2))
            return result;
        result = rondo_loop_run(p->loop); /* it is not stopped any more */
        must(result <= 0, "run is stopped once more");
        return result;
    }
    do
        result = rondo_loop_run_once(
            p->loop,
            how == 1 ? RONDO_NEVER : RONDO_US(how == 2 ? 100000 : 500));
    while (result > 0 && !p->stopped);
    return result;
}

static void host_main(void *arg)
{
    struct place *p = arg;
    rondo_loop_options o = {.size = sizeof o, .allocator = &p->allocator};
    p->allocator =
        (rondo_allocator){place_malloc, place_realloc, place_free, p};
    if (rondo_loop_new(&p->loop, &o) != 0) {
        must(model.faults, "loop_new: %s", rondo_last_error());
        must(!p->blocks, "loop_new fails and leaves memory");
        p->finished = true;
        return;
    }
    rondo_loop_set_data(p->loop, p);
    rondo_loop_set_exception_handler(p->loop, quiet, NULL);
    net_begin(p);
    (void)timer_start(p, 0, host_tick, p);
    struct timer *end = timer_start(p, RONDO_MS(300), host_ends, p);
    int result = end ? host_run(p) : 1;
    must(result || !model.exact || rondo_sim_now() == p->called_at ||
             rondo_sim_now() == p->awake_at,
         "run returns late");
    must(result >= 0 || model.faults, "run: %s", rondo_last_error());
    must(result != 0 || p->ending, "run returns before the end");
    host_check_left(p, result);
    p->closing = true;
    rondo_executor_free(p->executor);
    must(rondo_loop_close(p->loop) == 0, "close: %s", rondo_last_error());
    p->finished = true;
    for (unsigned i = 0; i < model.sides; i++) {
        struct side *s = model.all_sides[i];
        if (s->place == p) {
            rondo_reader_free(s->reader);
            s->reader = NULL;
        }
        p->open -= s->place == p && s->made && s->raw && !s->lost;
    }
    must(!p->open, "close leaves %u connections", p->open);
    must(!p->kids, "close leaves %u processes", p->kids);
    must(!p->blocks, "close leaves %zu pieces of memory", p->blocks);
}

/* ---- the world ---- */

static rondo_sim_faults model_faults(bool harsh, unsigned kind)
{
    rondo_sim_faults f = {0};
    if (options->tortures)
        return (rondo_sim_faults){.no_memory = 1,
                                  .no_descriptor = 1,
                                  .no_file = 1,
                                  .no_buffers = 1,
                                  .no_thread = 1,
                                  .no_process = 1,
                                  .lost_change = 1,
                                  .refuse = 1,
                                  .no_name = 1,
                                  .reset = 1,
                                  .again = 1,
                                  .short_read = 1,
                                  .short_write = 1,
                                  .spurious = 1,
                                  .disk_full = 1,
                                  .disk_error = 1,
                                  .slow_disk = 1,
                                  .accept_error = 1};
    if (kind & 1) {
        f.short_read = f.short_write = 0.1;
        f.again = f.spurious = 0.05;
        f.split = 0.2;
    }
    if (kind & 2)
        f.late = f.slow_disk = 0.05;
    if (!harsh)
        return f;
    f.no_descriptor = f.no_file = f.no_buffers = 0.01;
    f.no_memory = 0.003;
    f.no_process = f.no_thread = f.accept_error = f.refuse = f.no_name = 0.03;
    f.reset = 0.005;
    if (side_wants_ending(ENDED_reset))
        f.no_memory = f.reset = 0.02;
    f.disk_full = f.disk_error = f.lost_change = 0.03;
    return f;
}

/* Is what is owed by that place owed no more? */
static bool has_crashed(const struct place *p)
{
    return p && p->host == model.crashed;
}

static void check_end(void)
{
    char *text = NULL;
    size_t size = 0;
    bool kept = child_may_stay();
    for (struct op *op = model.ops; op; op = op->next)
        must(!op->accepted || op->dones == 1 || has_crashed(op->place),
             "%s: %u dones", op->what, op->dones);
    for (unsigned i = 0; i < model.sides; i++) {
        const struct side *s = model.all_sides[i];
        kept |= s->raw; /* the loop has ended before it */
        must(!s->made || s->lost || s->raw || has_crashed(s->place),
             "%s %u: no connection_lost", s->actor.kind, s->actor.number);
    }
    loop_check_end();
    FILE *to = open_memstream(&text, &size);
    (void)rondo_sim_report(to);
    fclose(to);
    const char *leak = strstr(text, "  socket ");
    must(!leak || kept, "at the end there is%.100s", leak ? leak + 1 : "");
    free(text);
}

static void tell_pairs(void)
{
    unsigned verbs = side_verbs();
    for (unsigned i = 0; i < model.sides && options->met; i++) {
        const struct side *s = model.all_sides[i];
        for (unsigned a = 0; s->made && s->lost && a < verbs; a++)
            for (unsigned b = a; b < verbs && s->used >> a & 1; b++)
                if (s->used >> b & 1)
                    options->met(a, b, s->kind, s->ending);
    }
}

static int model_begin(const struct model_options *o, FILE *trace)
{
    static const size_t windows[] = {2000, 20000, 131072};
    struct actor world = {.key = 1, .kind = "world"};
    struct step step;
    (void)step_begin(&step, &world, "begin");
    unsigned kind = step_below(&step, 4);
    model.relays_break = step_below(&step, 2);
    size_t window = windows[step_below(&step, 3)];
    model.exact = !(kind & 2) && !o->faults;
    return rondo_sim_begin(
        RONDO_SIM(.seed = model.seed, .backend = o->backend, .trace = trace,
                  .faults = model_faults(o->faults, kind), .window = window,
                  .segment = 1 + step_below(&step, 5000),
                  .give_up_ns = RONDO_SEC(20),
                  .link = {.latency_ns = RONDO_MS(1),
                           .jitter_ns = RONDO_MS(step_below(&step, 4)),
                           .loss = step_below(&step, 3) ? 0 : 0.02},
                  .switches = step_below(&step, 2) ? 0.5 : 0.02));
}

static void model_hosts_begin(void)
{
    child_programs();
    model.place_count = MODEL_HOSTS;
    model.places = model_alloc(MODEL_HOSTS * sizeof *model.places);
    for (int i = 0; i < MODEL_HOSTS; i++) {
        char ip[32];
        struct place *p = &model.places[i];
        snprintf(ip, sizeof ip, "10.0.0.%d", i + 1);
        p->actor = (struct actor){
            .key = (uint64_t)i + 10, .number = (unsigned)i, .kind = "host"};
        p->host = i;
        p->main = true;
        p->steps_left = options->tortures ? 8 : 40;
        (void)rondo_sim_add_host(model_hosts[i], ip, host_main, p);
    }
}

/* Nothing may be left to wait for. */
static void model_run(void)
{
    struct actor world = {.key = 2, .kind = "world"};
    struct step step;
    bool acts = step_begin(&step, &world, "run");
    model.crashed = -1;
    if (model.faults && acts && step_below(&step, 3) == 0) {
        (void)rondo_sim_run_for(RONDO_US(step_below(&step, 330000)));
        model.crashed = (int)step_below(&step, MODEL_HOSTS);
        model.relays_break = true;
        step_did(&step, "a host crashes or is killed", model.crashed);
        if (step_below(&step, 2))
            (void)rondo_sim_crash(model.crashed);
        else
            (void)rondo_sim_kill(model.crashed);
    }
    int result = rondo_sim_run_quiet(RONDO_SEC(600));
    must(result == RONDO_SIM_QUIET, "ten minutes are not enough");
    for (int i = 0; i < MODEL_HOSTS; i++)
        if (!must(model.places[i].finished || i == model.crashed,
                  "host %s waits for ever", model_hosts[i]) &&
            getenv("RONDO_SIM_TRACE"))
            (void)rondo_sim_report(stderr);
    if (!rondo_sim_failure())
        check_end();
}

struct model_options model_options_of(uint64_t seed, const char *backend)
{
    return (struct model_options){.backend = backend,
                                  .faults = (seed & 3) == 3,
                                  .focus = {(unsigned)(seed >> 40) & 0xff,
                                            (unsigned)(seed >> 48) & 0xff}};
}

int model_play(uint64_t seed, const struct model_options *o,
               struct model_result *result)
{
    FILE *trace = o->trace ? fopen(o->trace, "w") : NULL;
    memset(&model, 0, sizeof model);
    options = o;
    model.seed = seed;
    model.faults = o->faults;
    model.backend_sends_files = strcmp(o->backend, "done") == 0;
    model.skipped = o->skipped;
    model.skip_count = o->skip_count;
    model.kept = o->kept;
    model.kept_count = o->kept_count;
    model.did = o->did;
    model.focus[0] = o->focus[0];
    model.focus[1] = o->focus[1];
    model.bytes = o->bytes;
    model.byte_count = o->byte_count;
    if (model_begin(o, trace) != 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 2;
    }
    model_hosts_begin();
    model_run();
    tell_pairs();
    *result = (struct model_result){.events = rondo_sim_events(),
                                    .hash = rondo_sim_hash(),
                                    .steps = model.steps,
                                    .connections = model.sides};
    for (unsigned i = 0; i < model.sides; i++)
        result->bytes += model.all_sides[i]->received;
    int failed = rondo_sim_end();
    model_free_all();
    if (trace)
        fclose(trace);
    return failed;
}
