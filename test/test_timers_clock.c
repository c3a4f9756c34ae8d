/* test_timers_clock.c - timers and the clocks beneath them. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_net.h"

/* ---- T2: short sleeps --------------------------------------------------- */

/* ns, from 10 ms down */
static const int64_t sleeps[] = {
    10000000, 5000000, 2500001, 1000001, 1000000, 999999, 500000, 100000,
    50001,    10000,   1001,    1000,    999,     100,    10,     1};

TEST(T2_each_sleep_takes_few_iterations)
{
    int times = test_slowness() > 1 ? 5 : 20;

    for (unsigned i = 0; i < COUNT_OF(sleeps); i++) {
        uint64_t taken = 0;

        for (int k = 0; k < times; k++) {
            int64_t until = rondo_loop_time(w->loop) + sleeps[i];

            taken += test_run_for(w, sleeps[i]);
            assert_true(rondo_loop_time(w->loop) >= until);
        }
        if (taken > 3 * (uint64_t)times)
            test_fail(w, "%d sleeps of %lld ns: %llu iterations", times,
                      (long long)sleeps[i], (unsigned long long)taken);
    }
}

/* The wait's own limit is not the deadline's: neither may spin. */
TEST_LEAVES(T2_run_once_waits_as_long_as_it_may)
{
    unsigned *fired = test_counter(w);

    assert_ok(rondo_call_later(w->loop, RONDO_SEC(1000), count_call, fired));
    for (unsigned i = 0; i < COUNT_OF(sleeps); i++) {
        int64_t until = rondo_loop_time(w->loop) + sleeps[i];
        uint64_t before = test_iterations(w);
        int calls = 0;

        while (rondo_loop_time(w->loop) < until) {
            assert_int_equal(rondo_loop_run_once(w->loop, sleeps[i]), 1);
            calls++;
        }
        assert_true(calls <= 3);
        assert_true(test_iterations(w) - before <= 3);
    }
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_int_equal(rondo_loop_run_once(w->loop, -1), 1);
    assert_int_equal(rondo_loop_run_once(w->loop, INT64_MIN), 1);
    assert_int_equal(*fired, 0);
}

/* ---- T6: the clock ------------------------------------------------------ */

TEST(T6_the_clock_never_goes_back)
{
    int64_t last = rondo_loop_time(w->loop);

    assert_true(last > 0);
    for (int i = 0; i < 100000; i++) {
        int64_t now = rondo_loop_time(w->loop);

        assert_true(now >= last);
        last = now;
    }
    assert_true(rondo_loop_iteration_time(w->loop) <= last);
}

TEST(T6_the_clock_is_monotonic_by_its_own_account)
{
    rondo_clock_info info = RONDO_CLOCK_INFO_INIT;
    int64_t loop_begin = rondo_loop_time(w->loop);
    int64_t raw_begin = raw_now_ns();
    int64_t raw_taken, loop_taken;

    assert_int_equal(rondo_get_clock_info(w->loop, &info), 0);
    assert_true(info.monotonic);
    (void)test_run_for(w, RONDO_MS(50));
    raw_taken = raw_now_ns() - raw_begin;
    loop_taken = rondo_loop_time(w->loop) - loop_begin;
    /* nanoseconds, not another unit */
    assert_true(loop_taken >= RONDO_MS(50));
    assert_true(loop_taken / 10 <= raw_taken && raw_taken / 10 <= loop_taken);
}

struct stepping {
    struct world *w;
    int64_t not_before;
    unsigned fired;
    bool early;
};

static void step_again(rondo_loop *loop, void *arg)
{
    struct stepping *s = arg;

    s->early = s->early || rondo_loop_time(loop) < s->not_before;
    s->fired++;
    (void)raw_step_wall_clock(s->fired % 2 ? 86400 : -86400);
    if (s->fired < 10) {
        s->not_before = rondo_loop_time(loop) + RONDO_MS(1);
        assert_ok(rondo_call_at(loop, s->not_before, step_again, s));
    }
}

TEST_LEAVES(T6_steps_of_the_wall_clock_have_no_influence)
{
    struct stepping *s = test_alloc(w, sizeof *s);
    unsigned *far = test_counter(w);
    int64_t begin = rondo_loop_time(w->loop);

    if (!raw_step_wall_clock(3600))
        test_skip(w, "this system's wall clock cannot be replaced");
    s->w = w;
    s->not_before = begin + RONDO_MS(1);
    assert_ok(rondo_call_at(w->loop, s->not_before, step_again, s));
    assert_ok(rondo_call_at(w->loop, begin + RONDO_SEC(3600), count_call, far));
    assert_ok(rondo_call_every(w->loop, RONDO_SEC(3600), count_call, far));
    test_run_until(w, s->fired == 10);
    (void)raw_step_wall_clock(100 * 86400);
    test_spin(w, 10);
    (void)raw_step_wall_clock(0);
    assert_false(s->early);
    assert_int_equal(*far, 0);
    assert_true(rondo_loop_time(w->loop) - begin < RONDO_SEC(3600));
}

/* ---- a long time at once, as after a machine was suspended -------------- */

TEST(T5_missed_periods_beyond_32_bits_are_counted)
{
    unsigned *calls = test_counter(w);
    rondo_id id = assert_ok(rondo_call_every(w->loop, 1, count_call, calls));
    int64_t first = assert_ok(rondo_when(w->loop, id));
    int64_t missed;

    if (!raw_advance_clock(3600))
        test_skip(w, "this system's clock cannot be replaced");
    test_spin(w, 1);
    assert_int_equal(*calls, 1);
    missed = assert_ok(rondo_missed(w->loop, id));
    assert_true(missed >= RONDO_SEC(3599));
    assert_true(rondo_when(w->loop, id) == first + missed + 1);
    assert_true(test_metrics(w).timers_skipped == (uint64_t)missed);
    assert_ok(rondo_cancel(w->loop, id));
}

TEST_LEAVES(T6_after_a_long_pause_each_timer_fires_once)
{
    unsigned *calls = test_counter(w);
    unsigned *far = test_counter(w);
    rondo_id id;

    for (int i = 0; i < 100; i++)
        assert_ok(rondo_call_later(w->loop, RONDO_SEC(i), count_call, calls));
    id = assert_ok(rondo_call_every(w->loop, RONDO_SEC(7), count_call, calls));
    assert_ok(rondo_call_later(w->loop, RONDO_SEC(86400), count_call, far));
    if (!raw_advance_clock(3600))
        test_skip(w, "this system's clock cannot be replaced");
    test_run_until(w, *calls >= 101);
    test_spin(w, 3);
    assert_int_equal(*calls, 101);
    assert_int_equal(*far, 0);
    assert_true(rondo_missed(w->loop, id) >= 3599 / 7 - 1);
}
