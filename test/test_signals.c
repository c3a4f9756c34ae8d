/* test_signals.c - signals told to one loop. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "signal_told.h"

#include <stdatomic.h>

/* ---- K1: told from the loop --------------------------------------------- */

static void send_inside(rondo_loop *loop, void *arg)
{
    struct told *t = arg;

    (void)loop;
    told_send(t, t->numbers[0]);
}

TEST(K1_told_from_the_loop_and_not_inside)
{
    struct told *t = told_of(w, 1);

    assert_ok(rondo_call_soon(w->loop, send_inside, t));
    test_run_until(w, t->calls);
    assert_int_equal(t->calls, 1);
    assert_int_equal(t->order[0], t->numbers[0]);
    test_spin(w, 5);
    assert_int_equal(t->calls, 1);
    assert_true(test_run_for(w, RONDO_MS(20)) < 10);
    for (unsigned i = 1; i <= 10; i++) { /* sent while it does not run */
        told_send(t, t->numbers[0]);
        assert_int_equal(t->calls, i);
        test_run_until(w, t->calls == i + 1);
    }
}

TEST(K1_each_kind_is_told)
{
    struct told *t = told_of(w, 2);

    for (int i = t->kinds - 1; i >= 0; i--) {
        unsigned before = t->calls;

        told_send(t, t->numbers[i]);
        test_run_until(w, t->calls > before);
        assert_int_equal(t->each[i], 1);
    }
    assert_int_equal((int)t->calls, t->kinds);
}

TEST(K1_many_of_a_kind_are_told_once)
{
    struct told *t = told_of(w, 1);

    for (int i = raw_signals_are_quick() ? 1000 : 10; i > 0; i--)
        told_send(t, t->numbers[0]);
    test_run_until(w, t->calls);
    test_spin(w, 5);
    assert_int_equal(t->calls, 1);
}

TEST(K1_the_lowest_number_comes_first)
{
    struct told *t = told_new(w, 2);

    for (int i = t->kinds - 1; i >= 0; i--)
        told_add(t, t->numbers[i]);
    for (int i = t->kinds - 1; i >= 0; i--)
        told_send(t, t->numbers[i]);
    test_spin(w, 1);
    assert_int_equal((int)t->calls, t->kinds);
    for (int i = 0; i < t->kinds; i++)
        assert_int_equal(t->order[i], t->numbers[i]);
}

/* However full the wake-up is: posts and wakes come between. */
TEST(K1_a_burst_loses_no_kind)
{
    struct told *t = told_of(w, 1);
    unsigned rounds = raw_signals_are_quick() ? 500 : 20;

    for (unsigned round = 0; round < rounds; round++) {
        rondo_loop_wake(w->loop);
        assert_ok(
            rondo_call_soon_threadsafe(w->loop, count_call, &t->scheduled));
        told_send_all(t);
    }
    for (int i = 0; i < t->kinds; i++)
        test_run_until(w, t->each[i] > 0);
    test_run_until(w, t->scheduled == rounds);
}

/* ---- K1: a sleeping loop ------------------------------------------------ */

/* Sends one signal after the other, each when the last one has been told. */
static struct {
    int signum;
    atomic_uint answered;
    unsigned rounds, failed;
} pinger;

static void ping(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < pinger.rounds; i++) {
        while (atomic_load(&pinger.answered) != i)
            raw_yield();
        pinger.failed += raw_signal_send(pinger.signum) != 0;
    }
}

static void answer(struct told *t, int signum)
{
    (void)signum;
    if (t->calls == pinger.rounds)
        rondo_loop_stop(t->loop);
    atomic_fetch_add(&pinger.answered, 1);
}

TEST_LEAVES(K1_a_sleeping_loop_is_woken)
{
    struct told *t = told_of(w, 1);
    struct raw_thread *thread;
    uint64_t before = test_iterations(w);

    pinger.signum = t->numbers[0];
    pinger.rounds =
        (raw_signals_are_quick() ? 2000 : 100) / (unsigned)test_slowness();
    t->act = answer;
    thread = raw_thread_start(ping, NULL);
    test_run_until_stopped(w);
    raw_thread_join(thread);
    assert_int_equal(t->calls, pinger.rounds);
    assert_int_equal(pinger.failed, 0);
    assert_true(test_iterations(w) - before <= 3 * pinger.rounds + 10);
    assert_true(test_run_for(w, RONDO_MS(20)) < 10);
}

/* ---- L3, L2, L5 --------------------------------------------------------- */

TEST(L3_a_handler_keeps_nothing_alive)
{
    struct told *t = told_of(w, 1);

    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(rondo_loop_run_once(w->loop, RONDO_NEVER), 0);
    told_send(t, t->numbers[0]); /* what has come is told nevertheless */
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(t->calls, 1);
}

static void schedule_and_stop(struct told *t, int signum)
{
    (void)signum;
    assert_ok(rondo_call_soon(t->loop, count_call, &t->scheduled));
    rondo_loop_stop(t->loop);
}

TEST(L2_stop_in_the_handler_ends_this_iteration)
{
    struct told *t = told_of(w, 1);
    uint64_t before;

    t->act = schedule_and_stop;
    told_send(t, t->numbers[0]);
    before = test_iterations(w);
    test_run_until_stopped(w);
    assert_int_equal(test_iterations(w) - before, 1);
    assert_int_equal(t->calls, 1);
    assert_int_equal(t->scheduled, 0);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 0); /* not stopped */
    assert_int_equal(t->scheduled, 1);
    assert_ok(rondo_call_soon(w->loop, send_inside, t));
    test_run_until_stopped(w); /* while it runs */
    assert_int_equal(t->calls, 2);
}

/* ---- G7: inside the handler --------------------------------------------- */

static void remove_self(struct told *t, int signum)
{
    t->result += rondo_remove_signal_handler(t->loop, signum);
    t->result += rondo_remove_signal_handler(t->loop, signum);
}

TEST(K2_removed_inside_itself)
{
    struct told *t = told_new(w, 1);

    told_dispose(w, t->numbers[0], RAW_IGNORED);
    t->act = remove_self;
    told_add(t, t->numbers[0]);
    told_send(t, t->numbers[0]);
    test_run_until(w, t->calls);
    assert_int_equal(t->result, 1);
    told_send(t, t->numbers[0]);
    test_spin(w, 5);
    assert_int_equal(t->calls, 1);
    told_dispose(w, t->numbers[0], RAW_DEFAULT);
}

static void remove_all(struct told *t, int signum)
{
    (void)signum;
    for (int i = 0; i < t->kinds; i++)
        t->result += rondo_remove_signal_handler(t->loop, t->numbers[i]);
}

TEST(G7_removing_what_is_to_be_told)
{
    struct told *t = told_of(w, 2);

    t->act = remove_all;
    told_send_all(t);
    test_spin(w, 5);
    assert_int_equal(t->calls, 1);
    assert_int_equal(t->result, t->kinds);
}

static void add_the_others(struct told *t, int signum)
{
    (void)signum;
    told_add_all(t->other);
}

TEST(G7_adding_and_replacing_inside)
{
    struct told *t = told_new(w, 1);

    t->other = told_more(t, w->loop);
    t->act = add_the_others;
    told_add(t, t->numbers[0]);
    told_send(t, t->numbers[0]);
    test_run_until(w, t->calls);
    for (int i = 0; i < t->kinds; i++) {
        told_send(t, t->numbers[i]);
        test_run_until(w, t->other->each[i]);
    }
    assert_int_equal(t->calls, 1);
}

static void close_it(struct told *t, int signum)
{
    (void)signum;
    t->result = rondo_loop_close(t->loop);
}

TEST(G7_closing_the_loop_inside_is_refused)
{
    struct told *t = told_of(w, 1);

    t->act = close_it;
    told_send(t, t->numbers[0]);
    test_run_until(w, t->calls);
    assert_error(t->result, RONDO_EBUSY);
}

/* ---- K2: adding and removing -------------------------------------------- */

TEST(K2_adding_again_replaces)
{
    struct told *t = told_of(w, 1);
    struct told *newer = told_more(t, w->loop);

    told_add(newer, t->numbers[0]);
    told_send(t, t->numbers[0]);
    test_run_until(w, newer->calls);
    assert_int_equal(newer->calls, 1);
    assert_int_equal(t->calls, 0);
    assert_int_equal(rondo_remove_signal_handler(w->loop, t->numbers[0]), 1);
    assert_int_equal(rondo_remove_signal_handler(w->loop, t->numbers[0]), 0);
}

TEST(K2_removed_before_it_was_told)
{
    struct told *t = told_of(w, 1);

    told_send(t, t->numbers[0]);
    assert_int_equal(rondo_remove_signal_handler(w->loop, t->numbers[0]), 1);
    told_add(t, t->numbers[0]);
    test_spin(w, 5);
    assert_int_equal(t->calls, 0);
    told_send(t, t->numbers[0]);
    test_run_until(w, t->calls == 1);
}

TEST(K2_added_and_removed_a_thousand_times)
{
    struct told *t = told_new(w, 1);
    size_t live = 0;

    for (int i = 0; i < 1000; i++) {
        told_add(t, t->numbers[0]);
        assert_int_equal(rondo_remove_signal_handler(w->loop, t->numbers[0]),
                         1);
        if (i == 0)
            live = test_live_blocks(w);
    }
    assert_int_equal(test_live_blocks(w), live);
    told_add(t, t->numbers[0]);
    told_send(t, t->numbers[0]);
    test_run_until(w, t->calls == 1);
}
