/* test_loop_wake.c - waking a loop that sleeps, from other threads. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

#include <signal.h>
#include <stdatomic.h>

/* ---- L7: waking --------------------------------------------------------- */

struct sleeper {
    struct world *w;
    atomic_bool awake, all_sent;
    unsigned posts, ran;
};

/* Holds the loop inside its first callback until all has been posted. */
static void hold(rondo_loop *loop, void *arg)
{
    struct sleeper *s = arg;

    count_call(loop, &s->ran);
    atomic_store(&s->awake, true);
    while (!atomic_load(&s->all_sent))
        raw_yield();
}

static void ran(rondo_loop *loop, void *arg)
{
    struct sleeper *s = arg;

    if (++s->ran == s->posts + 1)
        rondo_loop_stop(loop);
}

static void send_while_it_is_awake(void *arg)
{
    struct sleeper *s = arg;

    (void)rondo_call_soon_threadsafe(s->w->loop, hold, s);
    while (!atomic_load(&s->awake))
        raw_yield();
    for (unsigned i = 0; i < s->posts; i++)
        (void)rondo_call_soon_threadsafe(s->w->loop, ran, s);
    atomic_store(&s->all_sent, true);
}

TEST(L7_one_wake_up_for_many_posts)
{
    struct sleeper *s = test_alloc(w, sizeof *s);
    struct raw_thread *thread;
    uint64_t before;

    s->w = w;
    s->posts = 10000;
    thread = raw_thread_start(send_while_it_is_awake, s);
    before = test_iterations(w);
    test_run_until_stopped(w);
    raw_thread_join(thread);
    assert_int_equal(s->ran, s->posts + 1);
    assert_in_range(test_iterations(w) - before, 1, 20);
    /* and no wake-up is left over */
    assert_in_range(test_run_for(w, RONDO_MS(20)), 1, 4);
}

struct ping {
    struct world *w;
    atomic_uint asked;
    unsigned rounds, answered;
};

static void answer(rondo_loop *loop, void *arg)
{
    struct ping *p = arg;

    p->answered++;
    if (p->answered == p->rounds)
        rondo_loop_stop(loop);
    atomic_fetch_add(&p->asked, 1);
}

/* Each post is sent after the last one ran, to a loop that goes to sleep
 * meanwhile: a lost wake-up would leave it there. */
static void ask(void *arg)
{
    struct ping *p = arg;

    for (unsigned i = 0; i < p->rounds; i++) {
        while (atomic_load(&p->asked) != i)
            raw_yield();
        (void)rondo_call_soon_threadsafe(p->w->loop, answer, p);
    }
}

TEST(L7_no_wake_up_is_lost)
{
    struct ping *p = test_alloc(w, sizeof *p);
    struct raw_thread *thread;

    p->w = w;
    p->rounds = 20000 / (unsigned)test_slowness();
    thread = raw_thread_start(ask, p);
    test_run_until_stopped(w);
    raw_thread_join(thread);
    assert_int_equal(p->answered, p->rounds);
}

static void wake_it(void *arg)
{
    struct sleeper *s = arg;

    while (!atomic_load(&s->all_sent)) {
        rondo_loop_wake(s->w->loop);
        raw_yield();
    }
}

TEST_LEAVES(L7_wake_ends_a_wait)
{
    struct sleeper *s = test_alloc(w, sizeof *s);
    unsigned *n = test_counter(w);
    struct raw_thread *thread;

    s->w = w;
    assert_ok(rondo_call_later(w->loop, RONDO_SEC(1000), count_call, n));
    thread = raw_thread_start(wake_it, s);
    for (int i = 0; i < 1000 / test_slowness(); i++)
        assert_int_equal(rondo_loop_run_once(w->loop, RONDO_NEVER), 1);
    atomic_store(&s->all_sent, true);
    raw_thread_join(thread);
    assert_int_equal(*n, 0);
}

TEST(L7_wake_before_the_wait_counts)
{
    unsigned *n = test_counter(w);

    assert_ok(rondo_call_soon(w->loop, stop_and_count, n));
    rondo_loop_wake(w->loop);
    assert_int_equal(rondo_loop_run_forever(w->loop), 1);
    assert_int_equal(*n, 1);
    assert_in_range(test_run_for(w, RONDO_MS(10)), 1, 4);
}

TEST(L7_stop_from_a_thread_wakes)
{
    for (int i = 0; i < 20; i++)
        test_run_stopped_by_thread(w, 5); /* it sleeps then, usually */
}

/* ---- G3: stop and wake in a signal handler ------------------------------ */

static rondo_loop *signalled;

static void on_signal(int number)
{
    (void)number;
    /* what clang-tidy warns of is what is tested here */
    rondo_loop_wake(signalled); /* NOLINT(bugprone-signal-handler) */
    rondo_loop_stop(signalled); /* NOLINT(bugprone-signal-handler) */
}

static void raise_it(rondo_loop *loop, void *arg)
{
    count_call(loop, arg);
    assert_int_equal(raise(SIGTERM), 0);
}

TEST(G3_stop_and_wake_in_a_signal_handler)
{
    unsigned *n = test_counter(w);
    void (*before)(int) = signal(SIGTERM, on_signal);

    signalled = w->loop;
    assert_ok(rondo_call_soon(w->loop, raise_it, n));
    test_run_until_stopped(w);
    (void)signal(SIGTERM, before);
    assert_int_equal(*n, 1);
}
