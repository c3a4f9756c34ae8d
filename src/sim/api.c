/* api.c - a world begins, runs and ends. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/try.h"

#include "base/error.h"
#include "core/loop.h"
#include "sim/net.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { FAILURE_ROOM = 512 };

static char api_failure[FAILURE_ROOM];     /* "": none */
static char api_deadlock[TRY_REPORT_ROOM]; /* "": none */
static cpu_set_t api_cpus;                 /* before a world began */

/* ---- beginning ---- */

static int api_check(const rondo_sim_options *o)
{
    if (o->size < sizeof *o)
        return sim_wrong(RONDO_EINVAL,
                         "sim_begin: no size; use RONDO_SIM(...)");
    if (o->give_up_ns < 0)
        return sim_wrong(RONDO_EINVAL, "sim_begin: give_up_ns is negative");
    if (!(o->switches >= 0 && o->switches <= 1))
        return sim_wrong(RONDO_EINVAL,
                         "sim_begin: switches is %g, not from 0 to 1",
                         o->switches);
    if (o->backend && strcmp(o->backend, "ready") != 0 &&
        strcmp(o->backend, "done") != 0)
        return sim_wrong(RONDO_ENOTSUP,
                         "sim_begin: no backend \"%s\"; there is: ready, done",
                         o->backend);
    int error = hosts_check_link(&o->link, "sim_begin");
    return error ? error : hosts_check_faults(&o->faults, "sim_begin");
}

static void api_fill_defaults(rondo_sim_options *o)
{
    const rondo_sim_link *l = &o->link;
    if (!l->latency_ns && !l->jitter_ns && !l->bytes_per_second && l->loss == 0)
        o->link = (rondo_sim_link){.latency_ns = RONDO_MS(1),
                                   .jitter_ns = RONDO_MS(1)};
    if (!o->give_up_ns)
        o->give_up_ns = RONDO_SEC(120);
    if (!o->segment)
        o->segment = 16384;
    if (!o->window)
        o->window = 131072;
    if (!o->descriptors)
        o->descriptors = 1024;
    if (o->switches == 0)
        o->switches = 0.1;
}

/* One core: a hand-over between two cores takes four times as long. */
static void api_pin(void)
{
    cpu_set_t one;
    int cpu = sched_getcpu();
    CPU_ZERO(&one);
    if (cpu < 0 || sched_getaffinity(0, sizeof api_cpus, &api_cpus) != 0)
        return;
    CPU_SET((unsigned)cpu, &one);
    (void)sched_setaffinity(0, sizeof one, &one);
}

static void api_seed(uint64_t seed)
{
    uint64_t x = seed;
    for (int i = 0; i < 4; i++) { /* splitmix64, by Steele and others */
        uint64_t z = x += UINT64_C(0x9E3779B97F4A7C15);
        z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
        sim.chance[i] = z ^ z >> 31;
    }
}

static void api_chaos(struct sim_event *event)
{
    (void)event;
    sim.chaos_is_due = sim.called = true;
}

int rondo_sim_begin(const rondo_sim_options *options)
{
    static const rondo_sim_options none = {.size = sizeof none};
    rondo_sim_options o = options ? *options : none;
    if (sim.begun)
        return sim_wrong(RONDO_EBUSY,
                         "sim_begin: there is a world already: end it first");
    int error = api_check(&o);
    if (error)
        return error;
    api_fill_defaults(&o);
    memset(&sim, 0, sizeof sim);
    try_world_begins(&o);
    sim.options = o;
    sim.seed = o.seed;
    api_seed(o.seed);
    api_pin();
    sim_threads_begin();
    sim.begun = true;
    api_failure[0] = api_deadlock[0] = '\0';
    loops_made = 0;
    (void)rondo_set_default_backend(NULL);
    sim_fault_begin(&o.faults);
    chaos_forget();
    sim.chaos.place = SIM_NOWHERE;
    sim.chaos.run = api_chaos;
    return 0;
}

static void api_free(void)
{
    /* the events that are left hold sockets, and those hold each other */
    while (sim.heap_used) {
        struct sim_event *event = sim.heap[0];
        sim_drop(event);
        if (event->end)
            event->end(event);
    }
    free(sim.heap);
    free(sim.files);
    sim_names_end();
    sim_programs_end();
}

/* A host calls, or a condition of rondo_sim_run_until. */
static int api_inside_a_run(const char *what)
{
    const struct sim_host *host = sim_host();
    return sim_wrong(RONDO_EBUSY, "%s: called inside a run, by %s%s%s", what,
                     host ? "host \"" : "a condition", host ? host->name : "",
                     host ? "\"" : "");
}

int rondo_sim_end(void)
{
    if (!sim.begun)
        return sim_wrong(RONDO_EINVAL, "sim_end: there is no world");
    if (sim.running)
        return api_inside_a_run("sim_end");
    try_world_ends();
    chaos_forget();
    sim_hosts_end();
    api_free();
    sim_threads_end();
    sim_free_blocks(&sim.memory);
    (void)sched_setaffinity(0, sizeof api_cpus, &api_cpus);
    sim.begun = false;
    return api_failure[0] ? 1 : 0;
}

bool rondo_sim_exists(void)
{
    return sim.begun;
}

int rondo_sim_set_faults(const rondo_sim_faults *faults)
{
    if (!sim.begun)
        return sim_wrong(RONDO_EINVAL, "sim_set_faults: there is no world");
    int error = hosts_check_faults(faults, "sim_set_faults");
    if (!error)
        sim_fault_begin(faults);
    return error;
}

/* ---- running ---- */

static int api_check_run(const char *what)
{
    if (!sim.begun)
        return sim_wrong(RONDO_EINVAL,
                         "%s: there is no world; call rondo_sim_begin first",
                         what);
    return sim.running ? api_inside_a_run(what) : 0;
}

static void api_time_is_over(struct sim_event *event)
{
    (void)event;
    sim.called = true;
    sim.result = RONDO_ETIMEDOUT;
}

static bool api_wants_chaos(void)
{
    return sim.rate[SIM_FAULT_crash] > 0 || sim.rate[SIM_FAULT_partition] > 0;
}

enum { GOES_ON = 2 };

/* Runs until the time is over, nothing can happen, or the condition holds. */
static int api_run(int64_t most_ns)
{
    struct sim_event over = {.run = api_time_is_over, .place = SIM_NOWHERE};
    int64_t until =
        most_ns >= RONDO_NEVER - sim.now ? RONDO_NEVER : sim.now + most_ns;
    if (until != RONDO_NEVER)
        sim_at(&over, until);
    if (api_wants_chaos() && sim.chaos.place == SIM_NOWHERE)
        sim_at(&sim.chaos, sim.now + RONDO_SEC(1));
    sim.running = true;
    sim.only_over = until != RONDO_NEVER ? &over : NULL;
    do {
        sim.result = GOES_ON;
        sim_driver_waits();
        if (sim.chaos_is_due) {
            sim.chaos_is_due = false;
            chaos_act();
            if (api_wants_chaos() || chaos_goes_on())
                sim_at(&sim.chaos, sim.now + RONDO_SEC(1));
        }
    } while (sim.result == GOES_ON);
    sim.running = false;
    sim_drop(&over);
    return sim.result;
}

int rondo_sim_run_for(int64_t ns)
{
    int error = api_check_run("sim_run_for");
    if (error)
        return error;
    if (ns < 0)
        return sim_wrong(RONDO_EINVAL, "sim_run_for: a negative time");
    sim.quiet_counts = false;
    error = api_run(ns);
    return error == RONDO_ETIMEDOUT ? RONDO_SIM_DONE : error;
}

/* What all wait for, while they still do. */
static void api_keep_deadlock(void)
{
    FILE *file = fmemopen(api_deadlock, sizeof api_deadlock, "w");
    if (!file)
        return;
    (void)rondo_sim_report(file);
    fclose(file);
}

const char *try_deadlock(void)
{
    return api_deadlock;
}

static int api_timed_out(const char *what)
{
    return error_set(RONDO_ETIMEDOUT, "%s: the time is over", what);
}

int rondo_sim_run_until(bool (*holds)(void *arg), void *arg, int64_t most_ns)
{
    int error = api_check_run("sim_run_until");
    if (error)
        return error;
    if (!holds || most_ns < 0)
        return sim_wrong(RONDO_EINVAL, "sim_run_until: %s",
                         holds ? "a negative time" : "no condition");
    if (holds(arg))
        return RONDO_SIM_DONE;
    sim.quiet_counts = true;
    sim.until = holds;
    sim.until_arg = arg;
    int result = api_run(most_ns);
    sim.until = NULL;
    if (result == RONDO_SIM_QUIET)
        api_keep_deadlock();
    return result == RONDO_ETIMEDOUT ? api_timed_out("sim_run_until") : result;
}

int rondo_sim_run_quiet(int64_t most_ns)
{
    int error = api_check_run("sim_run_quiet");
    if (error)
        return error;
    if (most_ns < 0)
        return sim_wrong(RONDO_EINVAL, "sim_run_quiet: a negative time");
    sim.quiet_counts = true;
    int result = api_run(most_ns);
    return result == RONDO_ETIMEDOUT ? api_timed_out("sim_run_quiet") : result;
}

int64_t rondo_sim_now(void)
{
    return sim.now;
}

uint64_t rondo_sim_events(void)
{
    return sim.events;
}

uint64_t rondo_sim_switches(void)
{
    return sim.switches;
}

uint64_t rondo_sim_hash(void)
{
    return sim.hash;
}

/* ---- reports ---- */

static void api_report_thread(FILE *to, const struct sim_thread *t)
{
    fprintf(to, "%s: thread %u (%s) ", t->host->name, t->number, t->role);
    if (!t->waits_for)
        fputs("can run", to);
    else if (t->waits_until == RONDO_NEVER)
        fprintf(to, "waits for %s", t->waits_for);
    else
        fprintf(to, "waits for %s until %.6f s", t->waits_for,
                (double)t->waits_until / 1e9);
    fputs(t->process->paused ? "; the host is paused\n" : "\n", to);
}

int rondo_sim_report(FILE *to)
{
    if (!sim.begun || !to)
        return sim_wrong(RONDO_EINVAL, "sim_report: %s",
                         to ? "there is no world" : "no file");
    fprintf(to, "at %.6f s:\n", (double)sim.now / 1e9);
    for (int i = 0; i < sim.host_count; i++) {
        const struct sim_host *host = sim.hosts[i];
        for (const struct sim_process *p = &host->process; p; p = p->next)
            for (const struct sim_thread *t = p->threads; t; t = t->next)
                api_report_thread(to, t);
        if (!host->process.threads)
            fprintf(to, "%s: %s\n", host->name,
                    host->up ? "no thread runs" : "is down");
        for (const struct sim_socket *s = host->sockets; s; s = s->next)
            net_report(to, s);
    }
    return 0;
}

/* ---- for hosts ---- */

uint64_t rondo_sim_random(uint64_t n)
{
    return n ? sim_below(n) : sim_random();
}

static void api_print(char text[FAILURE_ROOM], const char *format,
                      va_list arguments)
{
    (void)vsnprintf(text, FAILURE_ROOM, format, arguments);
}

void rondo_sim_log(const char *format, ...)
{
    char text[FAILURE_ROOM];
    va_list arguments;
    va_start(arguments, format);
    api_print(text, format, arguments);
    va_end(arguments);
    if (sim.begun)
        sim_note_text(sim_host(), text);
}

bool rondo_sim_check(bool holds, const char *format, ...)
{
    if (holds || api_failure[0])
        return holds;
    va_list arguments;
    va_start(arguments, format);
    api_print(api_failure, format, arguments);
    va_end(arguments);
    if (!api_failure[0])
        snprintf(api_failure, sizeof api_failure, "a check did not hold");
    if (sim.begun)
        sim_note_text(sim_host(), api_failure);
    return false;
}

const char *rondo_sim_failure(void)
{
    return api_failure[0] ? api_failure : NULL;
}

static int api_check_host(const char *what)
{
    if (sim_host())
        return 0;
    return sim_wrong(RONDO_EINVAL, "%s: called by the driver, not by a host",
                     what);
}

int rondo_sim_sleep(int64_t ns)
{
    int error = api_check_host("sim_sleep");
    if (error)
        return error;
    if (ns < 0)
        return sim_wrong(RONDO_EINVAL, "sim_sleep: a negative time");
    sys_sleep(ns);
    return 0;
}

int rondo_sim_thread(void (*run)(void *arg), void *arg)
{
    int error = api_check_host("sim_thread");
    if (error)
        return error;
    if (!run)
        return sim_wrong(RONDO_EINVAL, "sim_thread: no function");
    error = sys_thread_start(run, arg);
    return error ? error_os(error, "sim_thread") : 0;
}

void *rondo_sim_alloc(size_t size)
{
    return sim_alloc_zeroed(1, size);
}

void rondo_sim_free(void *p)
{
    sim_free(p);
}
#endif
