/* test_signals_loops.c - signals of several loops, threads and processes. */
/* SPDX-License-Identifier: MIT */
#include "embed_main.h"
#include "harness_act.h"
#include "signal_told.h"

#include <stdatomic.h>

/* ---- K1: any number of loops -------------------------------------------- */

TEST(K1_two_loops_are_told)
{
    struct told *t = told_of(w, 1);
    struct told *other = told_more(t, test_other_loop(w));

    told_add_all(other);
    for (int i = 0; i < t->kinds; i++) {
        told_send(t, t->numbers[i]);
        test_run_until(w, t->each[i] && other->each[i]);
    }
    test_close_loop(w);
    told_send(other, t->numbers[0]);
    test_run_until(w, other->each[0] == 2);
    assert_int_equal(t->each[0], 1);
}

TEST(K1_a_hundred_loops_are_told)
{
    enum { LOOPS = 100 };
    rondo_loop_options options = test_loop_options(w);
    struct told *t = told_new(w, 1), *more[LOOPS];

    for (int i = 0; i < LOOPS; i++) {
        rondo_loop *loop;

        assert_ok(rondo_loop_new(&loop, &options));
        more[i] = told_more(t, loop);
        told_add(more[i], t->numbers[0]);
    }
    told_send(t, t->numbers[0]);
    for (int i = LOOPS - 1; i >= 0; i -= 2) /* some go before they look */
        assert_ok(rondo_loop_close(more[i]->loop));
    for (int i = 0; i < LOOPS; i += 2)
        test_run_until(w,
                       (rondo_loop_run_once(more[i]->loop, 0), more[i]->calls));
    for (int i = 0; i < LOOPS; i++)
        assert_int_equal(more[i]->calls, i % 2 == 0);
    for (int i = 0; i < LOOPS; i += 2)
        assert_ok(rondo_loop_close(more[i]->loop));
}

/* ---- K1: in several threads --------------------------------------------- */

/* A thread that makes one loop after the other, each for as long as it takes
 * to be told; no assertions there. */
struct runner {
    struct told *t;
    rondo_loop_options options;
    struct raw_thread *thread;
    unsigned rounds, told, failed;
};

static atomic_uint running;

static void heard(rondo_loop *loop, int signum, void *arg)
{
    struct runner *r = arg;

    r->told++;
    /* removing and adding, while others are being told */
    if (rondo_remove_signal_handler(loop, signum) != 1 ||
        rondo_add_signal_handler(loop, signum, heard, r) != 0)
        r->failed++;
}

static void run_loops(void *arg)
{
    struct runner *r = arg;

    for (unsigned round = 0; round < r->rounds; round++) {
        rondo_loop *loop;
        unsigned before = r->told;

        if (rondo_loop_new(&loop, &r->options) != 0) {
            r->failed++;
            break;
        }
        for (int i = 0; i < r->t->kinds; i++)
            r->failed +=
                rondo_add_signal_handler(loop, r->t->numbers[i], heard, r) != 0;
        for (int i = 0; i < 20 || r->told == before; i++)
            r->failed += rondo_loop_run_once(loop, 0) < 0;
        r->failed += rondo_loop_close(loop) != 0;
    }
    atomic_fetch_sub(&running, 1);
}

TEST(K1_loops_come_and_go_while_signals_arrive)
{
    enum { RUNNERS = 3 };
    struct told *t = told_new(w, 1);
    struct runner *r = test_alloc(w, RUNNERS * sizeof *r);
    unsigned sent = 0;

    if (raw_under_valgrind())
        test_skip(w, "valgrind's select is EFAULT when signals interrupt it");
    /* this loop keeps the signals handled from beginning to end */
    told_add_all(t);
    atomic_store(&running, RUNNERS);
    for (int i = 0; i < RUNNERS; i++) {
        r[i].t = t;
        /* memory comes from malloc, which threads may share */
        r[i].options = (rondo_loop_options){
            .size = sizeof r->options, .backend = rondo_loop_backend(w->loop)};
        r[i].rounds =
            (raw_signals_are_quick() ? 300 : 20) / (unsigned)test_slowness();
        r[i].thread = raw_thread_start(run_loops, &r[i]);
    }
    while (atomic_load(&running)) {
        told_send(t, t->numbers[sent++ % (unsigned)t->kinds]);
        assert_ok(rondo_loop_run_once(w->loop, 0));
    }
    for (int i = 0; i < RUNNERS; i++) {
        raw_thread_join(r[i].thread);
        assert_int_equal(r[i].failed, 0);
        assert_true(r[i].told >= r[i].rounds);
    }
    told_send_all(t);
    test_run_until(w, t->calls > 0);
}

/* ---- L8: after a fork --------------------------------------------------- */

/* No assertions in a child: it answers with the step that went wrong. */
static int send_to_self(void *arg)
{
    struct told *t = arg;

    for (int i = 0; i < t->kinds; i++)
        if (raw_signal_send(t->numbers[i]) != 0)
            return 1;
    return rondo_loop_run(t->loop) == RONDO_EFORKED && t->calls == 0 ? 0 : 2;
}

enum { FORKS = 5 };

static int status; /* of the last child */

static void fork_in_a_thread(void *arg)
{
    struct told *t = arg;

    raw_sleep_ms(20); /* so that the loop sleeps, usually */
    status = 0;
    for (int i = 0; i < FORKS && status == 0; i++)
        status = raw_fork_run(send_to_self, t);
    (void)rondo_call_soon_threadsafe(t->loop, stop_call, NULL);
}

/* A loop that sleeps: what a child sends to its wake-up would wake it, each
 * time. That it has ended may interrupt the sleep, now and then, although
 * nobody handles SIGCHLD: where the kernel finds it blocked, it is kept. */
TEST(L8_a_signal_to_the_child_is_not_the_parents)
{
    struct told *t = told_of(w, 1);
    uint64_t before = test_iterations(w);
    struct raw_thread *thread = raw_thread_start(fork_in_a_thread, t);

    assert_int_equal(rondo_loop_run_forever(w->loop), 1);
    raw_thread_join(thread);
    test_skip_if(w, status == -1, "no fork on this platform");
    assert_int_equal(status, 0);
    assert_in_range(test_iterations(w) - before, 1, FORKS); /* 1: the post's */
    test_spin(w, 5);
    assert_int_equal(t->calls, 0);
    told_send(t, t->numbers[0]);
    test_run_until(w, t->calls == 1);
}

/* The parent's bit is set, and the loop has not looked yet. */
static int revive(void *arg)
{
    struct told *t = arg;

    if (raw_signal_send(t->numbers[1]) != 0 ||
        rondo_loop_after_fork(t->loop) != 0)
        return 1;
    for (int i = 0; i < 5; i++)
        (void)rondo_loop_run_once(t->loop, 0);
    if (t->each[0] != 0) /* the parent's */
        return 2;
    if (t->each[1] != 1) /* the child's own, kept until now */
        return 3;
    if (raw_signal_send(t->numbers[0]) != 0 ||
        rondo_loop_run_once(t->loop, 0) < 0 || t->each[0] != 1)
        return 4;
    if (rondo_remove_signal_handler(t->loop, t->numbers[0]) != 1 ||
        raw_signal_disposition(t->numbers[0]) != RAW_DEFAULT)
        return 5;
    return rondo_loop_close(t->loop) == 0 &&
                   raw_signal_disposition(t->numbers[1]) == RAW_DEFAULT
               ? 0
               : 6;
}

TEST(L8_handlers_work_in_the_child_after_after_fork)
{
    struct told *t = told_of(w, 2);

    told_send(t, t->numbers[0]);
    test_run_child(w, revive, t);
    test_spin(w, 5);
    assert_int_equal(t->each[0], 1);
    assert_int_equal(t->each[1], 0);
    assert_int_equal(raw_signal_disposition(t->numbers[0]), RAW_OTHER);
}

static int use_a_loop_of_its_own(void *arg)
{
    struct told *t = arg;
    rondo_loop_options options = {.size = sizeof options,
                                  .backend = rondo_loop_backend(t->loop)};
    struct told own = {.kinds = 0};

    if (rondo_loop_new(&own.loop, &options) != 0)
        return 1;
    if (rondo_add_signal_handler(own.loop, t->numbers[0], told_fn, &own) != 0 ||
        raw_signal_send(t->numbers[0]) != 0 ||
        rondo_loop_run_once(own.loop, 0) < 0)
        return 2;
    if (own.calls != 1 || t->calls != 0)
        return 3;
    return rondo_loop_close(own.loop) == 0 ? 0 : 4;
}

TEST(L8_a_loop_made_in_the_child)
{
    struct told *t = told_of(w, 1);

    test_run_child(w, use_a_loop_of_its_own, t);
    test_spin(w, 5);
    assert_int_equal(t->calls, 0);
}

/* Between vfork and exec a child runs in the parent's own memory. */
TEST(L8_a_signal_to_a_child_that_shares_memory)
{
    struct told *t = told_of(w, 1);

    if (raw_signal_send_to_vforked(t->numbers[0]) < 0)
        test_skip(w, "no vfork on this platform");
    test_spin(w, 5);
    assert_int_equal(t->calls, 0);
    told_send(t, t->numbers[0]);
    test_run_until(w, t->calls == 1);
}

/* ---- L9: embedded ------------------------------------------------------- */

TEST(L9_a_signal_makes_the_descriptor_readable)
{
    struct embed *e = embed_new(w);
    struct told *t = told_of(w, 1);

    for (unsigned i = 1; i <= 20; i++) {
        embed_settle(e);
        told_send(t, t->numbers[0]);
        assert_true(embed_wait(e, RONDO_MS(TEST_DEADLINE_MS)));
        assert_int_equal(t->calls, i - 1);
        TURN_UNTIL(e, t->calls == i);
    }
    /* one that came before prepare is a timeout of 0 */
    told_send(t, t->numbers[0]);
    embed_prepare(e);
    assert_int_equal(e->wait.timeout_ns, 0);
    TURN_UNTIL(e, t->calls == 21);
    embed_finish(e);
}
