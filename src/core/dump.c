/* dump.c - what is open, what is to run, and what keeps the loop running. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/loop.h"
#include "core/remote.h"

#include <stdio.h>

/* A dump under way. The program may close any handle in `line`, and cancel or
 * start anything. */
struct dump {
    rondo_loop *loop;
    rondo_line_fn line;
    void *arg;
    bool alive; /* only what keeps rondo_loop_run running */
    int lines;
};

static NOINLINE void dump_line(struct dump *d, const char *text, int size,
                               size_t room)
{
    SYS_STOP_EXCEPTIONS();
    if (size < 0)
        return;
    loop_hold(d->loop);
    d->line(d->arg, text, (size_t)size < room ? (size_t)size : room - 1);
    loop_let_go(d->loop);
    d->lines++;
}

/* ---- handles ---- */

/* Writes a handle's line and returns its size; -1: it is not listed. */
static int dump_describe(const struct dump *d, const struct handle *handle,
                         char *line, size_t size)
{
    const struct handle_class *class = handle_classes[handle->kind];
    char raw[160] = "", state[4 * sizeof raw];
    bool listed = class->describe && class->describe(handle, raw, sizeof raw);
    if (d->alive ? handle->background : !listed)
        return -1;
    error_print(state, sizeof state, raw);
    int64_t age = (sys_clock() - d->loop->born) / 1000000 - handle->born_ms;
    return snprintf(line, size, "%s%s%s%s, %lld.%03lld s", class->name,
                    *state ? " " : "", state,
                    handle->background ? ", background" : "",
                    (long long)(age / 1000), (long long)(age % 1000));
}

static void dump_handles(struct dump *d, enum handle_kind kind)
{
    struct handle_walk walk;
    struct handle *h;
    handle_walk_begin(d->loop, kind, &walk);
    while ((h = handle_walk_next(d->loop, &walk))) {
        char text[768];
        dump_line(d, text, dump_describe(d, h, text, sizeof text), sizeof text);
    }
}

/* ---- timers, callbacks, posts ---- */

/* "in 1.500 s", "0.020 s ago", "never". */
static void dump_due(int64_t when, char *text, size_t size)
{
    int64_t left = (when - sys_clock()) / 1000000;
    long long ms = left < 0 ? -left : left;
    if (when == RONDO_NEVER)
        snprintf(text, size, "never");
    else
        snprintf(text, size,
                 left < 0 ? "%lld.%03lld s ago" : "in %lld.%03lld s", ms / 1000,
                 ms % 1000);
}

static void dump_timer(struct dump *d, const struct timer_facts *timer)
{
    char name[128], due[40], text[256];
    if (d->alive && timer->background)
        return;
    sys_function_name(timer->fn, name, sizeof name);
    dump_due(timer->when, due, sizeof due);
    int size = snprintf(text, sizeof text, "timer %s, due %s", name, due);
    if (timer->period_ns)
        size += snprintf(text + size, sizeof text - (size_t)size,
                         ", every %lld.%03lld s",
                         (long long)(timer->period_ns / 1000000000),
                         (long long)(timer->period_ns / 1000000 % 1000));
    if (timer->background)
        size +=
            snprintf(text + size, sizeof text - (size_t)size, ", background");
    dump_line(d, text, size, sizeof text);
}

static void dump_timers(struct dump *d)
{
    struct timer_facts timer;
    for (size_t at = 0; timers_list(&d->loop->timers, &at, &timer);)
        dump_timer(d, &timer);
}

static void dump_function(struct dump *d, const char *what, rondo_fn fn,
                          bool background)
{
    char name[128], text[192];
    if (!fn || (d->alive && background))
        return;
    sys_function_name(fn, name, sizeof name);
    dump_line(d, text,
              snprintf(text, sizeof text, "%s %s%s", what, name,
                       background ? ", background" : ""),
              sizeof text);
}

/* What a line's function adds is not listed. */
static void dump_callbacks(struct dump *d)
{
    const rondo_loop *loop = d->loop;
    uint64_t end = loop->ring_tail;
    for (uint64_t place = loop->ring_head; place != end; place++) {
        const struct soon *soon = &loop->ring[place & loop->ring_mask];
        if (!(soon->flags & SOON_CANCELLED))
            dump_function(d, "callback", soon->fn,
                          soon->flags & SOON_BACKGROUND);
    }
    for (size_t i = 0, count = remote_posts(loop); i < count; i++)
        dump_function(d, "post", remote_post_at(loop, i), false);
}

/* ---- for the program ---- */

static int dump_all(rondo_loop *loop, rondo_line_fn line, void *arg, bool alive)
{
    struct dump d = {loop, line, arg, alive, 0};
    for (int kind = 0; kind < HANDLE_KINDS; kind++)
        dump_handles(&d, (enum handle_kind)kind);
    dump_timers(&d);
    dump_callbacks(&d);
    if (alive && !d.lines && loop_is_alive(loop))
        dump_line(&d, "an event that is to be told", 27, 28);
    return d.lines;
}

static int dump_check(const rondo_loop *loop, rondo_line_fn line,
                      const char *what)
{
    int error = loop_check(loop, what);
    if (!error && !line)
        error = error_set(RONDO_EINVAL, "%s: no function", what);
    return error;
}

int rondo_loop_dump(const rondo_loop *loop, rondo_line_fn line, void *arg)
{
    int error = dump_check(loop, line, "loop_dump");
    return error ? error
                 : dump_all((rondo_loop *)(uintptr_t)loop, line, arg, false);
}

int rondo_loop_explain(const rondo_loop *loop, rondo_line_fn line, void *arg)
{
    int error = dump_check(loop, line, "loop_explain");
    return error ? error
                 : dump_all((rondo_loop *)(uintptr_t)loop, line, arg, true);
}

static void dump_report_line(void *arg, const char *line, size_t size)
{
    rondo_loop *loop = arg;
    error_set(RONDO_OK, "open at close: %.*s", (int)size, line);
    rondo_exception e = loop_exception(RONDO_OK);
    rondo_loop_call_exception_handler(loop, &e);
}

void loop_report_open(rondo_loop *loop)
{
    (void)dump_all(loop, dump_report_line, loop, false);
}
