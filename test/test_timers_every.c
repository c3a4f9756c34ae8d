/* test_timers_every.c - timers that repeat. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

struct every {
    struct world *w;
    rondo_id id;
    int64_t period, first;
    unsigned calls, stop_after;
    int64_t busy_ns; /* how long each call takes */
    int64_t move_to; /* a delay: the first call moves the timer */
    int64_t missed;  /* before that */
    int result;
};

static void tick(rondo_loop *loop, void *arg)
{
    struct every *e = arg;
    int64_t now = rondo_loop_time(loop);

    e->calls++;
    assert_true(now >= e->first);
    if (e->busy_ns)
        test_busy(loop, e->busy_ns);
    if (e->move_to && e->calls == 1) {
        e->first = now + e->move_to;
        e->missed = assert_ok(rondo_missed(loop, e->id));
        assert_int_equal(rondo_reschedule(loop, e->id, e->first), 0);
    }
    if (e->calls == e->stop_after)
        e->result = rondo_cancel(loop, e->id);
}

static struct every *every(struct world *w, int64_t period)
{
    struct every *e = test_alloc(w, sizeof *e);

    e->w = w;
    e->period = period;
    e->result = 1;
    e->id = assert_ok(rondo_call_every(w->loop, period, tick, e));
    assert_true(e->id > 0);
    e->first = assert_ok(rondo_when(w->loop, e->id));
    return e;
}

/* outside callbacks the next deadline is the first one plus every period that
 * was called or missed */
static void check_phase(const struct every *e, unsigned calls_since_first)
{
    int64_t missed = assert_ok(rondo_missed(e->w->loop, e->id)) - e->missed;
    int64_t next = assert_ok(rondo_when(e->w->loop, e->id));

    assert_true(missed >= 0);
    assert_true(next == e->first + (missed + calls_since_first) * e->period);
}

/* ---- T5 ----------------------------------------------------------------- */

TEST_LEAVES(T5_first_time_is_one_period_from_now)
{
    int64_t before = rondo_loop_time(w->loop);
    struct every *e = every(w, RONDO_MS(3));
    int64_t after = rondo_loop_time(w->loop);

    assert_true(e->first >= before + RONDO_MS(3));
    assert_true(e->first <= after + RONDO_MS(3));
    test_spin(w, 1);
    test_run_until(w, e->calls);
    check_phase(e, e->calls);
}

TEST_LEAVES(T5_keeps_its_phase)
{
    struct every *e = every(w, RONDO_US(1700));

    e->busy_ns = RONDO_US(300);
    for (unsigned i = 1; i <= 20; i++) {
        test_run_until(w, e->calls >= i);
        check_phase(e, e->calls);
    }
}

TEST_LEAVES(T5_missed_periods_are_skipped_and_counted)
{
    struct every *e = every(w, RONDO_MS(1));

    test_busy(w->loop, RONDO_MS(12));
    test_spin(w, 1);
    assert_int_equal(e->calls, 1); /* once for all that was missed */
    assert_true(rondo_missed(w->loop, e->id) >= 10);
    check_phase(e, 1);
    assert_int_equal(test_metrics(w).timers_skipped,
                     rondo_missed(w->loop, e->id));
    test_run_until(w, e->calls == 2);
    check_phase(e, 2);
}

TEST_LEAVES(T5_none_is_missed_when_in_time)
{
    struct every *e = every(w, RONDO_SEC(3600));

    assert_int_equal(rondo_missed(w->loop, e->id), 0);
    /* in time however slow the machine: it is the timer that comes near */
    e->first = rondo_loop_time(w->loop) + RONDO_MS(2);
    assert_ok(rondo_reschedule(w->loop, e->id, e->first));
    test_run_until(w, e->calls == 1);
    assert_int_equal(rondo_missed(w->loop, e->id), 0);
    assert_int_equal(test_metrics(w).timers_skipped, 0);
    check_phase(e, 1);
}

TEST_LEAVES(T5_a_slow_callback_misses_its_own_periods)
{
    struct every *e = every(w, RONDO_MS(1));

    e->busy_ns = RONDO_US(2500);
    test_run_until(w, e->calls >= 5);
    check_phase(e, e->calls);
    assert_true(rondo_missed(w->loop, e->id) >= 4);
}

TEST(T5_cancelled_in_own_callback_stops)
{
    for (int moved = 0; moved < 2; moved++) { /* before that, in the same */
        struct every *e = every(w, RONDO_MS(1));

        e->move_to = moved ? RONDO_MS(1) : 0;
        e->stop_after = moved ? 1 : 3;
        test_run_loop(w);
        assert_int_equal(e->calls, e->stop_after);
        assert_int_equal(e->result, 0);
        assert_error(rondo_cancel(w->loop, e->id), RONDO_ENOENT);
        assert_error(rondo_missed(w->loop, e->id), RONDO_ENOENT);
        assert_error(rondo_when(w->loop, e->id), RONDO_ENOENT);
    }
}

TEST(T5_cancelled_from_outside_stops)
{
    struct every *e = every(w, RONDO_MS(1));

    test_run_until(w, e->calls >= 2);
    assert_int_equal(rondo_cancel(w->loop, e->id), 0);
    e->stop_after = e->calls;
    (void)test_run_for(w, RONDO_MS(5));
    assert_int_equal(e->calls, e->stop_after);
}

TEST_LEAVES(T5_moved_it_goes_on_from_there)
{
    struct every *in_own_callback = every(w, RONDO_MS(1));
    struct every *e = every(w, RONDO_MS(1));

    in_own_callback->move_to = RONDO_US(4321);
    e->first += RONDO_US(777);
    assert_ok(rondo_reschedule(w->loop, e->id, e->first));
    assert_true(rondo_when(w->loop, e->id) == e->first);
    for (unsigned i = 1; i < 6; i++) {
        test_run_until(w, e->calls >= i && in_own_callback->calls >= i);
        check_phase(e, e->calls);
        check_phase(in_own_callback, in_own_callback->calls - 1);
    }
}

TEST(T5_period_must_be_positive)
{
    static const int64_t wrong[] = {0, -1, -RONDO_SEC(1), INT64_MIN};
    rondo_id once =
        assert_ok(rondo_call_later(w->loop, RONDO_SEC(1), tick, NULL));

    for (unsigned i = 0; i < COUNT_OF(wrong); i++)
        assert_refused(rondo_call_every(w->loop, wrong[i], tick, NULL),
                       RONDO_EINVAL, "period");
    assert_einval(rondo_missed(w->loop, once)); /* it has none */
    assert_ok(rondo_cancel(w->loop, once));
    assert_error(rondo_missed(w->loop, once), RONDO_ENOENT);
}

TEST(T5_a_tiny_period_starves_nobody)
{
    struct every *e = every(w, 1);
    /* each iteration takes a nanosecond in a simulated host */
    uint64_t iterations =
        test_run_for(w, raw_is_simulated() ? RONDO_US(20) : RONDO_MS(10));

    assert_true(e->calls > 0);
    assert_true(e->calls <= iterations + 1); /* once an iteration at most */
    check_phase(e, e->calls);
    assert_ok(rondo_cancel(w->loop, e->id));
}

TEST(T5_an_endless_period_never_fires)
{
    static const int64_t periods[] = {INT64_MAX, INT64_MAX - 1, INT64_MAX / 2};
    struct every *e[3];

    for (unsigned i = 0; i < 3; i++)
        e[i] = every(w, periods[i]);
    assert_true(test_run_for(w, RONDO_MS(20)) < 10);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(e[i]->calls, 0);
        /* brought near it fires once, and its next time does not overflow */
        e[i]->first = INT64_MIN;
        assert_ok(rondo_reschedule(w->loop, e[i]->id, 0));
    }
    assert_true(test_run_for(w, RONDO_MS(20)) < 12);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(e[i]->calls, 1);
        assert_true(rondo_when(w->loop, e[i]->id) > RONDO_SEC(4000000000));
        assert_ok(rondo_cancel(w->loop, e[i]->id));
    }
}

TEST_LEAVES(T5_many_with_one_period_keep_their_order)
{
    struct every *e[20];

    for (int i = 0; i < 20; i++) {
        e[i] = every(w, RONDO_MS(1));
        e[i]->first = e[0]->first + RONDO_MS(20);
        assert_ok(rondo_reschedule(w->loop, e[i]->id, e[i]->first));
    }
    for (int k = 0; k < 10; k++) {
        test_run_until(w, e[19]->calls > (unsigned)k);
        for (int i = 0; i < 19; i++) /* all in one iteration, or none */
            assert_true(e[i]->calls >= e[19]->calls);
    }
    for (int i = 0; i < 20; i++)
        check_phase(e[i], e[i]->calls);
}
