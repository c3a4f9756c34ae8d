/* test_timers.c - when timers fire, and in which order. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

#define FAR (INT64_MAX - 1)

/* a timer that writes down that and when it fired */
struct note {
    struct log *log;
    int name;
    int64_t not_before;
    rondo_id id;
    unsigned fired;
};

struct log {
    struct world *w;
    int order[256];
    unsigned count;
};

static struct log *log_new(struct world *w)
{
    struct log *l = test_alloc(w, sizeof *l);

    l->w = w;
    return l;
}

static struct note *note_new(struct log *l, int name)
{
    struct note *n = test_alloc(l->w, sizeof *n);

    n->log = l;
    n->name = name;
    n->not_before = INT64_MIN;
    return n;
}

static void fire(rondo_loop *loop, void *arg)
{
    struct note *n = arg;
    int64_t now = rondo_loop_time(loop);

    if (now < n->not_before)
        test_fail(n->log->w, "timer %d: %lld ns early", n->name,
                  (long long)(n->not_before - now));
    assert_true(rondo_loop_iteration_time(loop) <= now);
    assert_true(rondo_loop_iteration_time(loop) >= n->not_before);
    assert_true(n->log->count < 256);
    n->log->order[n->log->count++] = n->name;
    n->fired++;
}

static struct note *at(struct log *l, int name, int64_t when)
{
    struct note *n = note_new(l, name);

    n->id = assert_ok(rondo_call_at(l->w->loop, when, fire, n));
    assert_true(n->id > 0);
    return n;
}

static struct note *later(struct log *l, int name, int64_t delay)
{
    struct note *n = note_new(l, name);

    n->id = assert_ok(rondo_call_later(l->w->loop, delay, fire, n));
    assert_true(n->id > 0);
    return n;
}

static void check_order(const struct log *l, const int *order, unsigned count)
{
    assert_int_equal(l->count, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(l->order[i], order[i]);
}

/* ---- T1: never early ---------------------------------------------------- */

TEST(T1_never_early_by_the_loops_clock)
{
    struct log *l = log_new(w);

    w->expect_clean = true;
    for (int i = 0; i < 200; i++) {
        int64_t delay = i * RONDO_US(97) + i;
        struct note *n = note_new(l, i);

        n->not_before = rondo_loop_time(w->loop) + delay;
        n->id = assert_ok(rondo_call_later(w->loop, delay, fire, n));
        assert_true(rondo_when(w->loop, n->id) >= n->not_before);
    }
    test_run_loop(w);
    assert_int_equal(l->count, 200);
}

TEST(T1_call_at_is_never_early)
{
    struct log *l = log_new(w);
    int64_t start = rondo_loop_time(w->loop) + RONDO_MS(1);

    w->expect_clean = true;
    for (int i = 0; i < 200; i++) { /* every order of the last digits */
        struct note *n = note_new(l, i);

        n->not_before = start + (int64_t)(i * 7919 % 200) * 100003;
        n->id = assert_ok(rondo_call_at(w->loop, n->not_before, fire, n));
        assert_true(rondo_when(w->loop, n->id) == n->not_before);
    }
    test_run_loop(w);
    assert_int_equal(l->count, 200);
    for (unsigned i = 1; i < 200; i++)
        assert_true(l->order[i - 1] * 7919 % 200 < l->order[i] * 7919 % 200);
}

struct later_inside {
    struct note *note;
    int64_t busy_ns;
};

static void start_after_work(rondo_loop *loop, void *arg)
{
    struct later_inside *l = arg;
    int64_t end = rondo_loop_time(loop) + l->busy_ns;

    while (rondo_loop_time(loop) < end)
        continue;
    l->note->not_before = rondo_loop_time(loop) + RONDO_MS(2);
    assert_ok(rondo_call_later(loop, RONDO_MS(2), fire, l->note));
}

TEST(T1_a_delay_counts_from_the_call_not_the_iteration)
{
    struct later_inside *l = test_alloc(w, sizeof *l);

    l->note = note_new(log_new(w), 1);
    l->busy_ns = RONDO_MS(10);
    assert_ok(rondo_call_soon(w->loop, start_after_work, l));
    test_run_until(w, l->note->fired);
}

/* ---- T1: equal deadlines ------------------------------------------------ */

TEST(T1_equal_deadlines_fire_as_scheduled)
{
    struct log *l = log_new(w);
    int64_t when = rondo_loop_time(w->loop) + RONDO_MS(5);

    for (int i = 0; i < 100; i++)
        (void)at(l, i, when);
    test_run_until(w, l->count == 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(l->order[i], i);
}

TEST(T1_equal_deadlines_among_others)
{
    struct log *l = log_new(w);
    int64_t when = rondo_loop_time(w->loop) + RONDO_MS(5);

    for (int i = 0; i < 150; i++)
        (void)at(l, i, when + i * 37 % 3); /* three deadlines, mixed */
    test_run_until(w, l->count == 150);
    for (int i = 1; i < 150; i++) {
        int a = l->order[i - 1], b = l->order[i];

        assert_true(a * 37 % 3 < b * 37 % 3 ||
                    (a * 37 % 3 == b * 37 % 3 && a < b));
    }
}

TEST(T1_moved_to_an_equal_deadline_comes_last)
{
    struct log *l = log_new(w);
    int64_t when = rondo_loop_time(w->loop) + RONDO_MS(10);
    struct note *earlier = at(l, 1, when - RONDO_MS(5));
    struct note *same = at(l, 2, when);
    struct note *after = at(l, 3, when + RONDO_MS(5));

    (void)at(l, 4, when);
    assert_ok(rondo_reschedule(w->loop, earlier->id, when)); /* later */
    assert_ok(rondo_reschedule(w->loop, after->id, when));   /* earlier */
    assert_ok(rondo_reschedule(w->loop, same->id, when));    /* not at all */
    (void)at(l, 5, when);
    test_run_until(w, l->count == 5);
    check_order(l, (const int[]){4, 1, 3, 2, 5}, 5);
}

TEST(T1_pushed_back_twice_keeps_its_place)
{
    struct log *l = log_new(w);
    int64_t when = rondo_loop_time(w->loop) + RONDO_MS(10);
    struct note *n[3];

    for (int i = 0; i < 3; i++)
        n[i] = at(l, i, when - RONDO_MS(3));
    for (int i = 2; i >= 0; i--)
        assert_ok(rondo_reschedule(w->loop, n[i]->id, when + RONDO_MS(1)));
    assert_ok(rondo_reschedule(w->loop, n[1]->id, when));
    (void)at(l, 7, when);
    test_run_until(w, l->count == 4);
    check_order(l, (const int[]){1, 7, 2, 0}, 4);
}

/* ---- T1: the past ------------------------------------------------------- */

TEST(T1_past_due_fires_in_the_next_iteration)
{
    struct log *l = log_new(w);

    (void)at(l, 1, rondo_loop_time(w->loop) - RONDO_SEC(1));
    assert_int_equal(l->count, 0);
    test_spin(w, 1);
    assert_int_equal(l->count, 1);
}

TEST(T1_past_due_fires_as_scheduled)
{
    struct log *l = log_new(w);
    int64_t now = rondo_loop_iteration_time(w->loop);

    (void)at(l, 1, now - RONDO_SEC(1));
    (void)at(l, 2, now - RONDO_SEC(5));
    (void)at(l, 3, INT64_MIN);
    (void)at(l, 4, -1);
    (void)at(l, 5, 0);
    (void)at(l, 6, now);
    (void)later(l, 7, 0);
    test_spin(w, 1);
    check_order(l, (const int[]){1, 2, 3, 4, 5, 6, 7}, 7);
}

static void start_past_due(rondo_loop *loop, void *arg)
{
    struct note *n = arg;

    fire(loop, n);
    if (n->log->count < 5) {
        (void)at(n->log, 50, INT64_MIN);
        n->id = assert_ok(rondo_call_later(loop, 0, start_past_due, n));
    }
}

TEST(T1_past_due_from_a_timer_waits_for_the_next_iteration)
{
    struct log *l = log_new(w);
    struct note *n = note_new(l, 1);

    assert_ok(rondo_call_later(w->loop, 0, start_past_due, n));
    test_spin(w, 1);
    check_order(l, (const int[]){1}, 1);
    test_spin(w, 1);
    check_order(l, (const int[]){1, 50, 1}, 3);
    test_spin(w, 1);
    check_order(l, (const int[]){1, 50, 1, 50, 1}, 5);
}

TEST(T1_negative_delay_is_zero)
{
    struct log *l = log_new(w);
    int64_t before = rondo_loop_time(w->loop);
    struct note *n = later(l, 1, -1);

    assert_true(rondo_when(w->loop, n->id) >= before);
    (void)later(l, 2, -RONDO_SEC(100));
    (void)later(l, 3, INT64_MIN);
    (void)later(l, 4, 0);
    test_spin(w, 1);
    check_order(l, (const int[]){1, 2, 3, 4}, 4);
}

/* ---- T1: the far future ------------------------------------------------- */

/* As many iterations as a loop takes that really sleeps, with room. */
static void check_sleeps(struct world *w)
{
    uint64_t taken = test_run_for(w, RONDO_MS(20));

    if (taken > 10)
        test_fail(w, "%llu iterations in 20 ms", (unsigned long long)taken);
}

TEST(T1_overflow_saturates)
{
    static const int64_t delays[] = {INT64_MAX, INT64_MAX - 1, INT64_MAX - 2,
                                     INT64_MAX - RONDO_SEC(1)};
    struct log *l = log_new(w);

    for (unsigned i = 0; i < COUNT_OF(delays); i++) {
        struct note *n = later(l, (int)i, delays[i]);

        assert_true(rondo_when(w->loop, n->id) >= delays[i]);
        assert_ok(rondo_reschedule(w->loop, n->id, INT64_MAX - 5));
        assert_true(rondo_when(w->loop, n->id) == INT64_MAX - 5);
    }
    check_sleeps(w);
    assert_int_equal(l->count, 0);
}

TEST(T1_the_last_moment_neither_fires_nor_spins)
{
    struct log *l = log_new(w);
    struct note *a = at(l, 1, FAR);
    struct note *b = later(l, 2, FAR);

    assert_true(rondo_when(w->loop, a->id) == FAR);
    check_sleeps(w);
    assert_int_equal(l->count, 0);
    assert_ok(rondo_cancel(w->loop, a->id));
    assert_ok(rondo_cancel(w->loop, b->id));
    w->expect_clean = true;
}

TEST(T1_never_does_not_fire)
{
    struct log *l = log_new(w);
    struct note *a = at(l, 1, RONDO_NEVER);
    struct note *b = later(l, 2, RONDO_NEVER);

    assert_true(rondo_when(w->loop, a->id) == RONDO_NEVER);
    assert_true(rondo_when(w->loop, b->id) == RONDO_NEVER);
    check_sleeps(w);
    assert_int_equal(l->count, 0);
    assert_ok(rondo_reschedule(w->loop, a->id, 0));
    test_spin(w, 1);
    assert_int_equal(l->count, 1);
    assert_ok(rondo_cancel(w->loop, b->id));
    w->expect_clean = true;
}

struct stopper {
    struct world *w;
    struct raw_thread *thread;
};

static void stop_soon(void *arg)
{
    struct stopper *s = arg;

    raw_sleep_ms(20); /* the loop should be waiting by then */
    rondo_loop_stop(s->w->loop);
}

/* The backend's own wait gets deadlines that its units cannot hold. */
TEST(T1_a_far_deadline_alone_is_waited_for)
{
    static const int64_t delays[] = {RONDO_NEVER,          FAR,
                                     INT64_MAX / 2,        RONDO_SEC(4294968),
                                     RONDO_MS(2147483648), RONDO_SEC(2147484)};
    struct log *l = log_new(w);
    struct stopper s = {.w = w};

    for (unsigned i = 0; i < COUNT_OF(delays); i++) {
        struct note *n = later(l, (int)i, delays[i]);
        uint64_t before = test_iterations(w);

        s.thread = raw_thread_start(stop_soon, &s);
        assert_non_null(s.thread);
        assert_int_equal(rondo_loop_run(w->loop), 1);
        raw_thread_join(s.thread);
        assert_true(test_iterations(w) - before < 10);
        assert_ok(rondo_cancel(w->loop, n->id));
    }
    assert_int_equal(l->count, 0);
}

TEST(T1_no_function_is_refused)
{
    w->expect_clean = true;
    assert_einval(rondo_call_later(w->loop, 0, NULL, w));
    assert_einval(rondo_call_at(w->loop, 0, NULL, w));
    assert_einval(rondo_call_every(w->loop, 1, NULL, w));
    assert_einval(rondo_call_later(NULL, 0, fire, w));
    assert_einval(rondo_call_at(NULL, 0, fire, w));
    assert_einval(rondo_call_every(NULL, 1, fire, w));
    assert_true(rondo_last_error()[0] != '\0');
}
