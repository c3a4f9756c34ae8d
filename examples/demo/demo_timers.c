/* demo_timers.c - a million timers: all started, a third cancelled, a third
 * pushed back, the others and the pushed back ones expire. */
/* SPDX-License-Identifier: MIT */
#include "demo.h"

#include <stdlib.h>

struct timer {
    struct timers *timers;
    rondo_id id;
    int64_t due_ns;
    bool cancelled, fired;
};

struct timers {
    struct timer *timer;
    int64_t count, fired, last_due_ns;
    int64_t late_ns; /* the latest one's lateness */
    const char *wrong;
};

static void expired(rondo_loop *loop, void *arg)
{
    struct timer *timer = arg;
    struct timers *timers = timer->timers;
    int64_t late = rondo_loop_iteration_time(loop) - timer->due_ns;
    if (timer->cancelled)
        timers->wrong = "a cancelled timer fired";
    else if (timer->fired)
        timers->wrong = "a timer fired twice";
    else if (late < 0)
        timers->wrong = "a timer fired early";
    else if (timer->due_ns < timers->last_due_ns)
        timers->wrong = "timers fired out of order";
    timer->fired = true;
    timers->last_due_ns = timer->due_ns;
    if (late > timers->late_ns)
        timers->late_ns = late;
    if (++timers->fired % 4096 == 0)
        demo_progress("timers expired", timers->fired, timers->count * 2 / 3);
}

/* Deadlines all over one second, in no order. */
static int64_t spread(int64_t i)
{
    uint64_t mixed = (uint64_t)i * UINT64_C(0x9E3779B97F4A7C15);
    return (int64_t)((mixed >> 32) % UINT64_C(1000000000));
}

static int start(rondo_loop *loop, struct timers *timers)
{
    int64_t before = demo_now(), base = before + RONDO_SEC(1);
    for (int64_t i = 0; i < timers->count; i++) {
        struct timer *timer = &timers->timer[i];
        timer->timers = timers;
        timer->due_ns = base + spread(i);
        timer->id = rondo_call_at(loop, timer->due_ns, expired, timer);
        if (timer->id < 0)
            return demo_fail("%s", rondo_last_error());
    }
    demo_say("  %s timers started, %.0f ns each", demo_count(timers->count),
             (double)(demo_now() - before) / (double)timers->count);
    return 0;
}

static int cancel_a_third(rondo_loop *loop, struct timers *timers)
{
    int64_t before = demo_now(), n = 0;
    for (int64_t i = 0; i < timers->count; i += 3, n++) {
        timers->timer[i].cancelled = true;
        if (rondo_cancel(loop, timers->timer[i].id) < 0)
            return demo_fail("%s", rondo_last_error());
    }
    demo_say("  %s of them cancelled, %.0f ns each", demo_count(n),
             (double)(demo_now() - before) / (double)n);
    return 0;
}

static int push_back_a_third(rondo_loop *loop, struct timers *timers)
{
    int64_t before = demo_now(), n = 0;
    for (int64_t i = 1; i < timers->count; i += 3, n++) {
        struct timer *timer = &timers->timer[i];
        timer->due_ns += RONDO_MS(500);
        if (rondo_reschedule(loop, timer->id, timer->due_ns) < 0)
            return demo_fail("%s", rondo_last_error());
    }
    demo_say("  %s pushed back half a second, %.0f ns each", demo_count(n),
             (double)(demo_now() - before) / (double)n);
    return 0;
}

static int expire(rondo_loop *loop, struct timers *timers)
{
    rondo_loop_metrics first = RONDO_LOOP_METRICS_INIT, last = first;
    int64_t before = demo_now();
    rondo_loop_get_metrics(loop, &first);
    if (rondo_loop_run(loop) != 0)
        return demo_fail("the loop with the timers ended before them: %s",
                         rondo_last_error());
    int64_t took = demo_now() - before;
    rondo_loop_get_metrics(loop, &last);
    if (timers->wrong)
        return demo_fail("%s", timers->wrong);
    int64_t due = 0;
    for (int64_t i = 0; i < timers->count; i++)
        due += !timers->timer[i].cancelled;
    if (timers->fired != due)
        return demo_fail("%s timers fired instead of %s",
                         demo_count(timers->fired), demo_count(due));
    int64_t busy = took - (last.idle_ns - first.idle_ns);
    demo_say("  %s expired in the order of their deadlines, none early, at "
             "most %.1f ms late, %.0f ns each with the waits between",
             demo_count(due), (double)timers->late_ns / 1e6,
             (double)busy / (double)due);
    return 0;
}

int demo_timers(struct demo *demo)
{
    struct timers timers = {.count = 1000000 / demo->divisor};
    rondo_loop *loop = demo_loop(demo);
    if (!loop)
        return -1;
    demo_say("timers");
    timers.timer = calloc((size_t)timers.count, sizeof *timers.timer);
    int result = -1;
    if (!timers.timer)
        demo_fail("no memory");
    else if (start(loop, &timers) == 0 && cancel_a_third(loop, &timers) == 0 &&
             push_back_a_third(loop, &timers) == 0)
        result = expire(loop, &timers);
    rondo_loop_close(loop);
    free(timers.timer);
    return result;
}
