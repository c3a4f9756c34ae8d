/* test_timers.c - when timers log_run, and in which order. */
/* SPDX-License-Identifier: MIT */
#include "harness_log.h"

#define FAR (INT64_MAX - 1)

static struct note *at(struct log *l, int number, int64_t when)
{
    struct note *n = note_new(l, number);

    n->id = assert_ok(rondo_call_at(l->w->loop, when, log_run, n));
    assert_true(n->id > 0);
    return n;
}

static struct note *later(struct log *l, int number, int64_t delay)
{
    struct note *n = note_new(l, number);

    n->id = assert_ok(rondo_call_later(l->w->loop, delay, log_run, n));
    assert_true(n->id > 0);
    return n;
}

/* ---- T1: never early ---------------------------------------------------- */

TEST(T1_never_early_by_the_loops_clock)
{
    struct log *l = log_new(w);

    for (int i = 0; i < 200; i++) {
        int64_t delay = i * RONDO_US(97) + i;
        struct note *n = note_new(l, i);

        n->not_before = rondo_loop_time(w->loop) + delay;
        n->id = assert_ok(rondo_call_later(w->loop, delay, log_run, n));
        assert_true(rondo_when(w->loop, n->id) >= n->not_before);
    }
    test_run_loop(w);
    assert_int_equal(l->count, 200);
}

TEST(T1_call_at_is_never_early)
{
    struct log *l = log_new(w);
    int64_t start = rondo_loop_time(w->loop) + RONDO_MS(1);

    for (int i = 0; i < 200; i++) { /* every order of the last digits */
        struct note *n = at(l, i, start + (int64_t)(i * 7919 % 200) * 100003);

        n->not_before = start + (int64_t)(i * 7919 % 200) * 100003;
        assert_true(rondo_when(w->loop, n->id) == n->not_before);
    }
    test_run_loop(w);
    assert_int_equal(l->count, 200);
    for (unsigned i = 1; i < 200; i++)
        assert_true(l->order[i - 1] * 7919 % 200 < l->order[i] * 7919 % 200);
}

static void start_after_work(rondo_loop *loop, void *arg)
{
    struct note *n = arg;

    test_busy(loop, RONDO_MS(10));
    n->not_before = rondo_loop_time(loop) + RONDO_MS(2);
    assert_ok(rondo_call_later(loop, RONDO_MS(2), log_run, n));
}

TEST(T1_a_delay_counts_from_the_call_not_the_iteration)
{
    struct note *n = note_new(log_new(w), 1);

    assert_ok(rondo_call_soon(w->loop, start_after_work, n));
    test_run_until(w, n->fired);
}

/* ---- T1: equal deadlines ------------------------------------------------ */

TEST(T1_equal_deadlines_fire_as_scheduled)
{
    struct log *l = log_new(w);
    int64_t when = rondo_loop_time(w->loop) + RONDO_MS(5);

    for (int i = 0; i < 100; i++)
        (void)at(l, i, when);
    for (int i = 100; i < 250; i++)
        (void)at(l, i, when + 1 + i * 37 % 3); /* three deadlines, mixed */
    test_run_until(w, l->count == 250);
    for (int i = 0; i < 100; i++)
        assert_int_equal(l->order[i], i);
    for (int i = 101; i < 250; i++) {
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
    LOG_CHECK(l, 4, 1, 3, 2, 5);
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
    LOG_CHECK(l, 1, 7, 2, 0);
}

/* ---- T1: the past ------------------------------------------------------- */

/* In the next iteration, not inside the call; a negative delay is zero. */
TEST(T1_past_due_fires_as_scheduled)
{
    struct log *l = log_new(w);
    int64_t before = rondo_loop_time(w->loop);
    int64_t now = rondo_loop_iteration_time(w->loop);

    (void)at(l, 1, now - RONDO_SEC(1));
    (void)at(l, 2, now - RONDO_SEC(5));
    (void)at(l, 3, INT64_MIN);
    (void)at(l, 4, -1);
    (void)at(l, 5, 0);
    (void)at(l, 6, now);
    (void)later(l, 7, 0);
    assert_true(rondo_when(w->loop, later(l, 8, -1)->id) >= before);
    (void)later(l, 9, -RONDO_SEC(100));
    (void)later(l, 10, INT64_MIN);
    (void)later(l, 11, 0);
    assert_int_equal(l->count, 0);
    test_spin(w, 1);
    LOG_CHECK(l, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
}

static void start_past_due(rondo_loop *loop, void *arg)
{
    struct note *n = arg;

    log_run(loop, n);
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
    LOG_CHECK(l, 1);
    test_spin(w, 1);
    LOG_CHECK(l, 1, 50, 1);
    test_spin(w, 1);
    LOG_CHECK(l, 1, 50, 1, 50, 1);
}

/* ---- T1: the far future ------------------------------------------------- */

/* As many iterations as a loop takes that really sleeps, with room. */
static void check_sleeps(struct world *w)
{
    uint64_t taken = test_run_for(w, RONDO_MS(20));

    if (taken > 10)
        test_fail(w, "%llu iterations in 20 ms", (unsigned long long)taken);
}

TEST_LEAVES(T1_overflow_saturates)
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

/* Neither the last moment nor never fires, or spins. */
TEST(T1_the_last_moment_and_never_do_not_fire)
{
    static const int64_t ends[] = {FAR, RONDO_NEVER};

    for (int i = 0; i < 2; i++) {
        struct log *l = log_new(w);
        struct note *a = at(l, 1, ends[i]);
        struct note *b = later(l, 2, ends[i]);

        assert_true(rondo_when(w->loop, a->id) == ends[i]);
        assert_true(rondo_when(w->loop, b->id) >= ends[i]);
        check_sleeps(w);
        assert_int_equal(l->count, 0);
        assert_ok(rondo_reschedule(w->loop, a->id, 0));
        test_spin(w, 1);
        assert_int_equal(l->count, 1);
        assert_ok(rondo_cancel(w->loop, b->id));
    }
}

/* The backend's own wait gets deadlines that its units cannot hold. */
TEST(T1_a_far_deadline_alone_is_waited_for)
{
    static const int64_t delays[] = {RONDO_NEVER,          FAR,
                                     INT64_MAX / 2,        RONDO_SEC(4294968),
                                     RONDO_MS(2147483648), RONDO_SEC(2147484)};
    struct log *l = log_new(w);

    for (unsigned i = 0; i < COUNT_OF(delays); i++) {
        struct note *n = later(l, (int)i, delays[i]);
        uint64_t before = test_iterations(w);

        test_run_stopped_by_thread(w, 20); /* it waits by then */
        assert_true(test_iterations(w) - before < 10);
        assert_ok(rondo_cancel(w->loop, n->id));
    }
    assert_int_equal(l->count, 0);
}

TEST(T1_no_function_is_refused)
{
    assert_einval(rondo_call_later(w->loop, 0, NULL, w));
    assert_einval(rondo_call_at(w->loop, 0, NULL, w));
    assert_einval(rondo_call_every(w->loop, 1, NULL, w));
    assert_einval(rondo_call_later(NULL, 0, log_run, w));
    assert_einval(rondo_call_at(NULL, 0, log_run, w));
    assert_einval(rondo_call_every(NULL, 1, log_run, w));
    assert_true(rondo_last_error()[0] != '\0');
}
