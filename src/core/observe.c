/* observe.c - what a loop does, for debug mode, a tracer and a meter. */
/* SPDX-License-Identifier: MIT */
#include "core/observe.h"

#include "base/error.h"
#include "core/bits.h"
#include "core/op.h"
#include "core/part.h"
#include "core/probe.h"

/* ---- what is switched on ---- */

void observe_update(rondo_loop *loop)
{
    bool before = loop->observed;
    loop->observed = loop->debug || loop->tracer || loop->metering;
    for (int i = 0; i < LOOP_PARTS && loop->observed != before; i++)
        if (loop_parts[i]->observed)
            loop_parts[i]->observed(loop);
}

int rondo_loop_set_debug(rondo_loop *loop, bool debug, int64_t slow_callback_ns)
{
    int error = loop_check(loop, "loop_set_debug");
    if (error)
        return error;
    if (slow_callback_ns < 0)
        return error_set(RONDO_EINVAL, "loop_set_debug: a negative time");
    if (slow_callback_ns)
        loop->slow_ns = slow_callback_ns;
    loop->debug = debug;
    loop_set_guard(loop);
    observe_update(loop);
    return 0;
}

int rondo_loop_set_tracer(rondo_loop *loop, rondo_tracer_fn fn, void *arg)
{
    int error = loop_check(loop, "loop_set_tracer");
    if (error)
        return error;
    loop->tracer = fn;
    loop->tracer_arg = arg;
    observe_update(loop);
    return 0;
}

int rondo_loop_set_metering(rondo_loop *loop, bool on)
{
    int error = loop_check(loop, "loop_set_metering");
    if (error)
        return error;
    if (on && !loop->meter) {
        loop->meter = loop_alloc(loop, sizeof *loop->meter);
        if (!loop->meter)
            return error_set(RONDO_ENOMEM, "loop_set_metering: out of memory");
        *loop->meter = (struct meter){0};
    }
    loop->metering = on;
    observe_update(loop);
    return 0;
}

void observe_close(rondo_loop *loop)
{
    loop_free(loop, loop->meter);
    loop->meter = NULL;
}

/* ---- before and after ---- */

static NOINLINE void observe_trace(rondo_loop *loop, const rondo_trace *trace)
{
    SYS_STOP_EXCEPTIONS();
    loop_hold(loop);
    loop->tracer(loop, loop->tracer_arg, trace);
    loop_let_go(loop);
}

static void observe_start(struct doing *d)
{
    rondo_loop *loop = d->loop;
    d->outer = loop->doing;
    d->inner_ns = 0;
    loop->doing = d;
    d->trace.size = sizeof d->trace;
    d->trace.begins = true;
    d->trace.time_ns = sys_clock();
    if (loop->tracer)
        observe_trace(loop, &d->trace);
}

void observe_begin(rondo_loop *loop, struct doing *d, rondo_activity activity,
                   const char *what, rondo_fn fn, const void *object)
{
    d->loop = loop;
    d->trace = (rondo_trace){
        .activity = activity, .what = what, .fn = fn, .object = object};
    observe_start(d);
}

void observe_wait(rondo_loop *loop, struct doing *d, int64_t timeout_ns)
{
    d->loop = loop;
    d->trace = (rondo_trace){
        .activity = RONDO_DOES_WAIT, .what = "wait", .value = timeout_ns};
    observe_start(d);
}

static void observe_slow(rondo_loop *loop, const rondo_trace *trace,
                         int64_t own_ns)
{
    bool plain = trace->activity < RONDO_DOES_PROTOCOL;
    char name[128];
    PROBE3(slow_callback, loop, trace->fn, own_ns);
    sys_function_name(trace->fn, name, sizeof name);
    error_set(RONDO_OK, "%s %s took %lld.%03lld ms",
              plain ? "callback" : trace->what, name,
              (long long)(own_ns / 1000000), (long long)(own_ns / 1000 % 1000));
    rondo_exception e = loop_exception(RONDO_OK);
    rondo_loop_call_exception_handler(loop, &e);
}

void observe_end(struct doing *d, int64_t result)
{
    rondo_loop *loop = d->loop;
    int64_t now = sys_clock(), took = now - d->trace.time_ns;
    int64_t own_ns = took - d->inner_ns;
    assert(loop->doing == d && took >= 0);
    loop->doing = d->outer;
    if (d->outer)
        d->outer->inner_ns += took;
    d->trace.begins = false;
    d->trace.time_ns = now;
    d->trace.value = result;
    if (loop->metering)
        loop->meter->time_ns[d->trace.activity] += own_ns;
    if (loop->tracer)
        observe_trace(loop, &d->trace);
    if (loop->debug && d->trace.fn && own_ns > loop->slow_ns)
        observe_slow(loop, &d->trace, own_ns);
}

void loop_call_observed(rondo_loop *loop, rondo_activity activity, rondo_fn fn,
                        void *arg)
{
    static const char *const names[] = {[RONDO_DOES_CALLBACK] = "callback",
                                        [RONDO_DOES_TIMER] = "timer",
                                        [RONDO_DOES_POST] = "post",
                                        [RONDO_DOES_HOOK] = "hook"};
    struct doing d;
    observe_begin(loop, &d, activity, names[activity], fn, NULL);
    fn(loop, arg);
    observe_end(&d, 0);
}

/* ---- the loop's own ---- */

/* The bucket of a lag: 0 below 1 us, 1 below 2 us, 2 below 4 us, ... */
static unsigned observe_bucket(int64_t lag_ns)
{
    unsigned bucket = 0;
    for (int64_t us = lag_ns / 1000; us && bucket < RONDO_LAG_BUCKETS - 1;
         us >>= 1)
        bucket++;
    return bucket;
}

void observe_iteration(rondo_loop *loop)
{
    int64_t lag = sys_clock() - loop->now;
    if (!loop->metering)
        return;
    loop->meter->lag[observe_bucket(lag)]++;
    if (lag > loop->meter->lag_most_ns)
        loop->meter->lag_most_ns = lag;
}

static const char *observe_name(const struct task *task)
{
    static const char *const names[] = {
        [OP_READ] = "ready",        [OP_WRITE] = "write",
        [OP_ACCEPT] = "accept",     [OP_CONNECT] = "connect",
        [OP_WAIT_READ] = "ready",   [OP_WAIT_WRITE] = "ready",
        [OP_RECEIVE] = "receive",   [OP_SEND] = "send",
        [OP_SENDFILE] = "sendfile", [OP_WATCH] = "watch"};
    const char *name =
        task->kind < sizeof names / sizeof *names ? names[task->kind] : NULL;
    return task->owed ? "turn" : name ? name : "ready";
}

void observe_task(rondo_loop *loop, struct task *task)
{
    struct doing d;
    observe_begin(loop, &d, RONDO_DOES_OPERATION, observe_name(task), NULL,
                  NULL);
    task->done(loop, task);
    observe_end(&d, 0);
}
