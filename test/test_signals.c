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
    struct told *t = told_new(w, 1);

    told_add(t, t->numbers[0]);
    assert_ok(rondo_call_soon(w->loop, send_inside, t));
    test_run_until(w, t->calls);
    assert_int_equal(t->calls, 1);
    assert_int_equal(t->order[0], t->numbers[0]);
    test_spin(w, 5);
    assert_int_equal(t->calls, 1);
    assert_true(test_run_for(w, RONDO_MS(20)) < 10);
}

TEST(K1_sent_while_the_loop_does_not_run)
{
    struct told *t = told_new(w, 1);

    told_add(t, t->numbers[0]);
    for (unsigned i = 1; i <= 10; i++) {
        told_send(t, t->numbers[0]);
        assert_int_equal(t->calls, i - 1);
        test_run_until(w, t->calls == i);
    }
}

TEST(K1_each_kind_is_told)
{
    struct told *t = told_new(w, 2);

    for (int i = 0; i < t->kinds; i++)
        told_add(t, t->numbers[i]);
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
    struct told *t = told_new(w, 1);

    told_add(t, t->numbers[0]);
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
    struct told *t = told_new(w, 1);
    unsigned *n = test_alloc(w, sizeof *n);
    unsigned rounds = raw_signals_are_quick() ? 500 : 20;

    for (int i = 0; i < t->kinds; i++)
        told_add(t, t->numbers[i]);
    for (unsigned round = 0; round < rounds; round++) {
        rondo_loop_wake(w->loop);
        assert_ok(rondo_call_soon_threadsafe(w->loop, count_call, n));
        for (int i = 0; i < t->kinds; i++)
            told_send(t, t->numbers[i]);
    }
    for (int i = 0; i < t->kinds; i++)
        test_run_until(w, t->each[i] > 0);
    test_run_until(w, *n == rounds);
}

/* ---- K1: a sleeping loop ------------------------------------------------ */

/* Sends one signal after the other, each when the last one has been told. */
struct pinger {
    struct told *t;
    atomic_uint answered;
    unsigned rounds;
    unsigned failed;
};

static struct pinger *pinger;

static void ping(void *arg)
{
    struct pinger *p = arg;

    for (unsigned i = 0; i < p->rounds; i++) {
        while (atomic_load(&p->answered) != i)
            raw_yield();
        p->failed += raw_signal_send(p->t->numbers[0]) != 0;
    }
}

static void answer(struct told *t, int signum)
{
    (void)signum;
    if (t->calls == pinger->rounds)
        rondo_loop_stop(t->loop);
    atomic_fetch_add(&pinger->answered, 1);
}

/* A run that fails, loudly, if what stops it never comes. */
TEST(K1_a_sleeping_loop_is_woken)
{
    struct told *t = told_new(w, 1);
    int64_t limit = RONDO_MS(TEST_DEADLINE_MS) * 3 * test_slowness();
    struct raw_thread *thread;
    uint64_t before;

    pinger = test_alloc(w, sizeof *pinger);
    pinger->t = t;
    pinger->rounds = raw_signals_are_quick() ? 2000 : 100;
    pinger->rounds /= (unsigned)test_slowness();
    t->act = answer;
    told_add(t, t->numbers[0]);
    assert_ok(rondo_call_later(w->loop, limit, never_call, w));
    before = test_iterations(w);
    thread = raw_thread_start(ping, pinger);
    assert_int_equal(rondo_loop_run_forever(w->loop), 1);
    raw_thread_join(thread);
    assert_int_equal(t->calls, pinger->rounds);
    assert_int_equal(pinger->failed, 0);
    assert_true(test_iterations(w) - before <= 3 * pinger->rounds + 10);
    assert_true(test_run_for(w, RONDO_MS(20)) < 10);
}

/* ---- L3, L2, L5 --------------------------------------------------------- */

TEST(L3_a_handler_keeps_nothing_alive)
{
    struct told *t = told_new(w, 1);

    told_add(t, t->numbers[0]);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(rondo_loop_run_once(w->loop, RONDO_NEVER), 0);
    told_send(t, t->numbers[0]); /* what has come is told nevertheless */
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(t->calls, 1);
}

static void stop(struct told *t, int signum)
{
    (void)signum;
    rondo_loop_stop(t->loop);
}

TEST(L2_stopped_in_the_handler)
{
    struct told *t = told_new(w, 1);
    int64_t limit = RONDO_MS(TEST_DEADLINE_MS) * test_slowness();

    t->act = stop;
    told_add(t, t->numbers[0]);
    assert_ok(rondo_call_later(w->loop, limit, never_call, w));
    assert_ok(rondo_call_soon(w->loop, send_inside, t));
    assert_int_equal(rondo_loop_run_forever(w->loop), 1);
    assert_int_equal(t->calls, 1);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1); /* not stopped */
}

static void schedule_and_stop(struct told *t, int signum)
{
    static unsigned ran;

    (void)signum;
    assert_ok(rondo_call_soon(t->loop, count_call, &ran));
    rondo_loop_stop(t->loop);
    t->result = (int)ran;
}

TEST(L2_stop_in_the_handler_ends_this_iteration)
{
    struct told *t = told_new(w, 1);
    uint64_t before;

    t->act = schedule_and_stop;
    told_add(t, t->numbers[0]);
    told_send(t, t->numbers[0]);
    before = test_iterations(w);
    assert_int_equal(rondo_loop_run_forever(w->loop), 1);
    assert_int_equal(test_iterations(w) - before, 1);
    assert_int_equal(t->calls, 1);
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
    struct told *t = told_new(w, 2);

    t->act = remove_all;
    for (int i = 0; i < t->kinds; i++)
        told_add(t, t->numbers[i]);
    for (int i = 0; i < t->kinds; i++)
        told_send(t, t->numbers[i]);
    test_spin(w, 5);
    assert_int_equal(t->calls, 1);
    assert_int_equal(t->result, t->kinds);
}

static void add_all(struct told *t, int signum)
{
    (void)signum;
    for (int i = 0; i < t->kinds; i++)
        told_add(t->other, t->numbers[i]);
}

TEST(G7_adding_and_replacing_inside)
{
    struct told *t = told_new(w, 1);

    t->other = told_more(t, w->loop);
    t->act = add_all;
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
    struct told *t = told_new(w, 1);

    t->act = close_it;
    told_add(t, t->numbers[0]);
    told_send(t, t->numbers[0]);
    test_run_until(w, t->calls);
    assert_error(t->result, RONDO_EBUSY);
}

/* ---- K2: adding and removing -------------------------------------------- */

TEST(K2_adding_again_replaces)
{
    struct told *t = told_new(w, 1);
    struct told *newer = told_more(t, w->loop);

    told_add(t, t->numbers[0]);
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
    struct told *t = told_new(w, 1);

    told_add(t, t->numbers[0]);
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
