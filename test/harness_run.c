/* harness_run.c - runs the loop until something has happened. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_internal.h"
#include "raw_net.h"

#define DEAD_LOOP_MS 2000 /* for bytes still on their way between sockets */

static int step(struct world *w, rondo_loop *loop, int64_t timeout_ns)
{
    int alive = rondo_loop_run_once(loop, timeout_ns);

    if (alive < 0)
        test_fail(w, "rondo_loop_run_once: %s (%s)", rondo_error_name(alive),
                  rondo_last_error());
    return alive;
}

static bool step_all(struct world *w)
{
    int64_t wait = w->other ? 0 : RONDO_MS(5);
    int alive = 0;

    if (w->loop)
        alive += step(w, w->loop, wait);
    if (w->other)
        alive += step(w, w->other, RONDO_MS(1));
    return alive > 0;
}

static void print_line(void *arg, const char *line, size_t size)
{
    (void)arg;
    print_error("  %.*s\n", (int)size, line);
}

/* What is still there says most about what did not happen. */
static void print_loops(const struct world *w)
{
    if (w->loop)
        (void)rondo_loop_dump(w->loop, print_line, NULL);
    if (w->other)
        (void)rondo_loop_dump(w->other, print_line, NULL);
}

void test_wait_step(struct world *w, struct test_wait *wait)
{
    int64_t now = raw_now_ns();

    if (wait->since_ns == 0)
        wait->since_ns = now;
    if (out_of_patience(wait->since_ns, 1)) {
        print_loops(w);
        test_fail(w, "%s:%d: still not: %s", wait->file, wait->line,
                  wait->what);
    }
    if (step_all(w)) {
        wait->dead_since_ns = 0;
        return;
    }
    if (wait->dead_since_ns == 0)
        wait->dead_since_ns = now;
    if (now - wait->dead_since_ns >
        DEAD_LOOP_MS * INT64_C(1000000) * test_slowness())
        test_fail(w, "%s:%d: nothing left in the loop, and not: %s", wait->file,
                  wait->line, wait->what);
    raw_sleep_ms(1);
}

void test_run_loop(struct world *w)
{
    int64_t start = raw_now_ns();

    while (step_all(w))
        if (out_of_patience(start, 1)) {
            print_loops(w);
            test_fail(w, "the loop still has something to do");
        }
}

void test_spin(struct world *w, int n)
{
    while (n-- > 0)
        (void)step(w, w->loop, 0);
}

uint64_t test_run_for(struct world *w, int64_t ns)
{
    bool *over = test_alloc(w, sizeof *over);
    uint64_t before = test_iterations(w);

    assert_ok(rondo_call_later(w->loop, ns, set_true, over));
    while (!*over)
        (void)step(w, w->loop, ns + RONDO_SEC(1));
    return test_iterations(w) - before;
}

struct watchdog {
    struct world *w;
    int64_t start;
};

static void watch(rondo_loop *loop, void *arg)
{
    const struct watchdog *d = arg;

    if (out_of_patience(d->start, 3))
        never_call(loop, d->w);
}

void test_run_until_stopped(struct world *w)
{
    struct watchdog *d = test_alloc(w, sizeof *d);
    int64_t period = RONDO_MS(test_patience_ms());
    rondo_id id = rondo_call_every(w->loop, period, watch, d);

    d->w = w;
    d->start = raw_now_ns();
    assert_int_equal(rondo_loop_run_forever(w->loop), 1);
    assert_int_equal(rondo_cancel(w->loop, id), 0);
}

struct stopper {
    rondo_loop *loop;
    int ms;
};

static void stop_later(void *arg)
{
    const struct stopper *s = arg;

    raw_sleep_ms(s->ms);
    rondo_loop_stop(s->loop);
}

void test_run_stopped_by_thread(struct world *w, int ms)
{
    struct stopper s = {w->loop, ms};
    struct raw_thread *thread = raw_thread_start(stop_later, &s);

    assert_non_null(thread);
    assert_int_equal(rondo_loop_run_forever(w->loop), 1);
    raw_thread_join(thread);
}

void test_busy(rondo_loop *loop, int64_t ns)
{
    int64_t end = rondo_loop_time(loop) + ns;

    while (rondo_loop_time(loop) < end)
        raw_yield();
}

void test_let_go_on(struct world *w, unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    for (unsigned n = *seed >> 16 & 15; n > 0; n--)
        raw_yield();
    if (*seed >> 24 & 1)
        test_spin(w, 1);
}

void test_run_child(struct world *w, int (*fn)(void *arg), void *arg)
{
    int status = raw_fork_run(fn, arg);

    if (status == -1)
        test_skip(w, "no fork on this platform");
    if (status != 0)
        test_fail(w, "the child ended with %d", status);
}

bool child_runs_until(rondo_loop *loop, const unsigned *value, unsigned wanted)
{
    int64_t end = raw_now_ns() + RONDO_MS(test_patience_ms());

    while (*value < wanted)
        if (rondo_loop_run_once(loop, RONDO_MS(2)) < 0 || raw_now_ns() > end)
            return false;
    return true;
}

bool test_child_may_start_threads(void)
{
    return !THREAD_SANITIZER && !raw_emulated();
}

static int close_in_child(void *arg)
{
    rondo_loop *loop = arg;

    return rondo_loop_after_fork(loop) < 0 || rondo_loop_close(loop) < 0;
}

void test_close_in_child(struct world *w)
{
    test_run_child(w, close_in_child, w->loop);
}

void test_advance_clock(struct world *w, int64_t seconds)
{
    test_skip_if(w, !raw_advance_clock(seconds),
                 "the clock cannot be set ahead here");
    test_spin(w, 20);
}
