/* test_names_cancel.c - look-ups that are cancelled, or out of memory. */
/* SPDX-License-Identifier: MIT */
#include "harness_names.h"

/* ---- E2: cancelled ------------------------------------------------------ */

static struct found *ask_slow(struct world *w)
{
    struct found *f;

    names_replace(w);
    f = found_ask(w, "a.slow.test", "1");
    test_run_until(w, raw_names_waiting() == 1);
    return f;
}

static void let_go(struct world *w)
{
    names_release(w);
    (void)test_run_for(w, RONDO_MS(5));
}

/* Answered already or not: not inside the call, but in the next iteration. */
TEST(E2_a_cancelled_look_up_returns_at_once)
{
    for (int slow = 0; slow < 2; slow++) {
        struct found *f = slow ? ask_slow(w) : found_ask(w, "127.0.0.1", "1");

        assert_int_equal(rondo_cancel(w->loop, f->id), 0);
        assert_int_equal(f->done, 0);
        assert_error(rondo_cancel(w->loop, f->id), RONDO_ENOENT);
        test_spin(w, 1);
        found_ends(w, f, RONDO_ECANCELED);
    }
    assert_int_equal(raw_names_waiting(), 1);
    assert_int_equal(test_metrics(w).live_jobs, 0);
    let_go(w);
}

/* A name server that does not answer has every thread, and nobody waits any
 * more: others take their place, though not without end. */
TEST(E2_cancelled_ones_do_not_hold_up_others)
{
    enum { POOL = 4, MOST = 32 };
    struct found *f[MOST];
    struct found *quick;
    unsigned asked = 0;

    names_replace(w);
    while (asked < MOST) {
        for (int i = 0; i < POOL; i++)
            f[asked + (unsigned)i] = found_ask(w, "a.slow.test", "1");
        asked += POOL;
        test_run_until(w, raw_names_waiting() == asked);
        quick = found_ask(w, "b.quick.test", "1");
        test_spin(w, 3);
        assert_int_equal(quick->done, 0); /* no thread is left for it */
        for (unsigned i = asked - POOL; i < asked; i++)
            assert_int_equal(rondo_cancel(w->loop, f[i]->id), 0);
        if (asked < MOST)
            found_ends(w, quick, 0);
    }
    test_spin(w, 3);
    assert_int_equal(quick->done, 0);
    raw_names_release();
    found_ends(w, quick, 0);
    names_release(w);
    for (unsigned i = 0; i < asked; i++)
        assert_int_equal(f[i]->error, RONDO_ECANCELED);
    assert_int_equal(raw_names_most(), MOST);
}

static void cancel_itself(struct found *f)
{
    assert_error(rondo_cancel(f->w->loop, f->id), RONDO_ENOENT);
}

TEST(E2_too_late_in_its_own_callback)
{
    struct found *f;

    names_replace(w);
    f = found_ask(w, "a.quick.test", "1");
    f->in_done = cancel_itself;
    found_ends(w, f, 0);
}

TEST(E2_cancelled_at_any_moment)
{
    unsigned seed = 99;

    names_replace(w);
    for (int i = 0; i < 500 / test_slowness(); i++) {
        struct found *f = found_ask(w, "a.two.test", "1");

        test_let_go_on(w, &seed);
        found_ends(w, f,
                   rondo_cancel(w->loop, f->id) == 0 ? RONDO_ECANCELED : 0);
    }
    assert_int_equal(test_metrics(w).live_jobs, 0);
}

TEST(L5_the_loop_closes_during_a_look_up)
{
    struct found *f = ask_slow(w);
    struct found *literal = found_ask(w, "127.0.0.1", "1");

    test_close_loop(w);
    assert_int_equal(raw_names_waiting(), 1); /* close did not wait for it */
    assert_int_equal(f->error, RONDO_ECANCELED);
    assert_int_equal(literal->error, RONDO_ECANCELED);
    assert_int_equal(f->done + literal->done, 2);
    names_release(w);
}

TEST(L3_a_look_up_keeps_it_running_unless_background)
{
    struct found *f = ask_slow(w);

    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_ok(rondo_set_background(w->loop, f->id, true));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(f->done, 0);
    let_go(w);
    found_ends(w, f, 0);
}

TEST(G8_out_of_memory_is_an_error)
{
    unsigned failed = 0;

    names_replace(w);
    for (uint64_t n = 1; n <= 6; n++) {
        struct found *f[2];

        test_fail_allocation(w, n);
        f[0] = found_ask_with(w, "127.0.0.1", "1", NULL);
        f[1] = found_ask_with(w, "a.quick.test", "1", NULL);
        test_fail_allocation(w, 0);
        for (int i = 0; i < 2; i++) {
            if (f[i]->id > 0)
                found_ends(w, f[i], 0);
            else
                assert_error(f[i]->id, RONDO_ENOMEM);
            failed += f[i]->id < 0;
        }
    }
    assert_true(failed > 0);
    assert_int_equal(test_metrics(w).live_operations, 0);
}
