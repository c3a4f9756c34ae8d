/* test_ground_id.c - an id names one pending thing of one loop. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

static int compare(const void *a, const void *b)
{
    rondo_id x = *(const rondo_id *)a;
    rondo_id y = *(const rondo_id *)b;

    return x < y ? -1 : x > y;
}

static void assert_distinct(struct world *w, rondo_id *ids, size_t n)
{
    qsort(ids, n, sizeof *ids, compare);
    for (size_t i = 0; i < n; i++) {
        if (ids[i] <= 0)
            test_fail(w, "id %lld", (long long)ids[i]);
        if (i > 0 && ids[i] == ids[i - 1])
            test_fail(w, "id %lld twice", (long long)ids[i]);
    }
}

/* ---- unique ------------------------------------------------------------- */

TEST_LEAVES(G5_ids_of_all_kinds_are_distinct)
{
    enum { EACH = 2000, ALL = 3 * EACH + 50 };
    rondo_id *ids = test_alloc(w, ALL * sizeof *ids);
    struct listener *l = test_serve(w);
    unsigned *n = test_counter(w);
    size_t used = 0;

    for (int i = 0; i < EACH; i++) {
        ids[used++] = rondo_call_soon(w->loop, count_call, n);
        ids[used++] = rondo_call_later(w->loop, i, count_call, n);
        ids[used++] = rondo_call_every(w->loop, RONDO_SEC(9), count_call, n);
    }
    for (int i = 0; i < 50; i++)
        ids[used++] = test_connect_peer(w, l->port, &recorder, test_peer(w));
    assert_distinct(w, ids, used);
}

TEST(G5_ids_are_not_used_again)
{
    enum { ROUNDS = 5000, ALL = 2 * ROUNDS };
    rondo_id *ids = test_alloc(w, ALL * sizeof *ids);
    unsigned *n = test_counter(w);

    for (size_t i = 0; i < ROUNDS; i++) {
        ids[2 * i] = rondo_call_soon(w->loop, count_call, n);
        ids[2 * i + 1] = rondo_call_later(w->loop, 0, count_call, n);
        if (i % 3 == 0)
            assert_ok(rondo_cancel(w->loop, ids[2 * i]));
        if (i % 3 == 1)
            assert_ok(rondo_cancel(w->loop, ids[2 * i + 1]));
        test_spin(w, 1);
    }
    test_run_loop(w);
    assert_distinct(w, ids, ALL);
}

TEST_LEAVES(G5_ids_of_two_loops_are_distinct)
{
    rondo_loop *other = test_other_loop(w);
    rondo_id ids[400];
    unsigned *n = test_counter(w);

    for (size_t i = 0; i < 100; i++) {
        ids[4 * i] = rondo_call_soon(w->loop, count_call, n);
        ids[4 * i + 1] = rondo_call_soon(other, count_call, n);
        ids[4 * i + 2] = rondo_call_later(w->loop, 1, count_call, n);
        ids[4 * i + 3] = rondo_call_later(other, 1, count_call, n);
    }
    assert_distinct(w, ids, 400);
}

/* ---- cancelling --------------------------------------------------------- */

TEST(G5_cancelled_callbacks_and_timers_never_run)
{
    unsigned *n = test_counter(w);
    const rondo_id ids[3] = {rondo_call_soon(w->loop, count_call, n),
                             rondo_call_later(w->loop, 0, count_call, n),
                             rondo_call_every(w->loop, 1, count_call, n)};

    for (int time = 0; time < 3; time++)
        for (int i = 0; i < 3; i++)
            assert_error(rondo_cancel(w->loop, ids[i]),
                         time == 0 ? 0 : RONDO_ENOENT);
    test_spin(w, 5);
    assert_int_equal(*n, 0);
    assert_int_equal(rondo_loop_run(w->loop), 0);
}

TEST(G5_cancelling_after_it_has_run)
{
    unsigned *n = test_counter(w);
    rondo_id soon = rondo_call_soon(w->loop, count_call, n);
    rondo_id later = rondo_call_later(w->loop, 0, count_call, n);

    test_run_until(w, *n == 2);
    assert_error(rondo_cancel(w->loop, soon), RONDO_ENOENT);
    assert_error(rondo_cancel(w->loop, later), RONDO_ENOENT);
    assert_error(rondo_when(w->loop, later), RONDO_ENOENT);
    assert_error(rondo_reschedule(w->loop, later, 1), RONDO_ENOENT);
    assert_error(rondo_set_background(w->loop, soon, true), RONDO_ENOENT);
}

static rondo_id own_id;

static void cancel_itself(rondo_loop *loop, void *arg)
{
    assert_error(rondo_cancel(loop, own_id), RONDO_ENOENT);
    count_call(loop, arg);
}

TEST(G5_cancelling_itself_while_it_runs)
{
    unsigned *n = test_counter(w);

    own_id = rondo_call_soon(w->loop, cancel_itself, n);
    test_run_until(w, *n == 1);
    own_id = rondo_call_later(w->loop, 0, cancel_itself, n);
    test_run_until(w, *n == 2);
    test_spin(w, 3);
    assert_int_equal(*n, 2);
}

struct plan {
    rondo_id victims[3];
    unsigned victims_ran, ran;
};

static void cancel_the_rest(rondo_loop *loop, void *arg)
{
    struct plan *p = arg;

    p->ran++;
    for (int i = 0; i < 3; i++)
        assert_int_equal(rondo_cancel(loop, p->victims[i]), 0);
}

TEST(G5_cancelling_what_is_due_in_the_same_batch)
{
    struct plan *p = test_alloc(w, sizeof *p);

    assert_ok(rondo_call_soon(w->loop, cancel_the_rest, p));
    p->victims[0] = rondo_call_soon(w->loop, count_call, &p->victims_ran);
    p->victims[1] = rondo_call_at(w->loop, 0, count_call, &p->victims_ran);
    p->victims[2] = rondo_call_soon(w->loop, count_call, &p->victims_ran);
    test_run_loop(w);
    assert_int_equal(p->ran, 1);
    assert_int_equal(p->victims_ran, 0);
}

TEST(G5_cancelling_a_timer_of_the_same_deadline)
{
    struct plan *p = test_alloc(w, sizeof *p);
    int64_t when = rondo_loop_time(w->loop);

    assert_ok(rondo_call_at(w->loop, when, cancel_the_rest, p));
    for (int i = 0; i < 3; i++)
        p->victims[i] =
            rondo_call_at(w->loop, when, count_call, &p->victims_ran);
    test_run_loop(w);
    assert_int_equal(p->ran, 1);
    assert_int_equal(p->victims_ran, 0);
}

/* ---- another loop's ids ------------------------------------------------- */

TEST(G5_another_loop_s_id_is_enoent)
{
    rondo_loop *other = test_other_loop(w);
    unsigned *n = test_counter(w);
    rondo_id mine[2];
    rondo_id theirs[2];

    mine[0] = rondo_call_soon(w->loop, count_call, n);
    mine[1] = rondo_call_later(w->loop, 0, count_call, n);
    theirs[0] = rondo_call_soon(other, count_call, n);
    theirs[1] = rondo_call_later(other, 0, count_call, n);
    for (int i = 0; i < 2; i++) {
        assert_error(rondo_cancel(w->loop, theirs[i]), RONDO_ENOENT);
        assert_error(rondo_cancel(other, mine[i]), RONDO_ENOENT);
        assert_error(rondo_set_background(other, mine[i], true), RONDO_ENOENT);
    }
    assert_error(rondo_when(other, mine[1]), RONDO_ENOENT);
    assert_error(rondo_reschedule(w->loop, theirs[1], 0), RONDO_ENOENT);
    test_run_until(w, *n == 4);
}

TEST(G5_a_closed_loop_s_id_is_enoent)
{
    unsigned *n = test_counter(w);
    rondo_id soon = rondo_call_soon(w->loop, count_call, n);
    rondo_id later = rondo_call_later(w->loop, 0, count_call, n);

    test_close_loop(w);
    for (int i = 0; i < 1000; i++) {
        (void)test_other_loop(w);
        assert_ok(rondo_call_soon(w->other, count_call, n));
        assert_ok(rondo_call_later(w->other, 0, count_call, n));
        assert_error(rondo_cancel(w->other, soon), RONDO_ENOENT);
        assert_error(rondo_cancel(w->other, later), RONDO_ENOENT);
        assert_int_equal(rondo_loop_close(w->other), 0);
        w->other = NULL;
    }
    assert_int_equal(*n, 0);
}

/* ---- generations -------------------------------------------------------- */

/* One slot is used a million times; none of its old ids touches the newest. */
TEST(G5_a_million_generations_of_a_timer)
{
    const int rounds = 1000000 / test_slowness();
    enum { KEPT = 1000 };
    rondo_id *old = test_alloc(w, KEPT * sizeof *old);
    unsigned *n = test_counter(w);
    rondo_id last;

    for (int i = 0; i < rounds; i++) {
        rondo_id id = rondo_call_later(w->loop, 0, count_call, n);

        if (id <= 0 || rondo_cancel(w->loop, id) != 0)
            test_fail(w, "generation %d: %s", i, rondo_last_error());
        old[i % KEPT] = id;
        if (i > 0 && i % 1000 == 0)
            assert_error(rondo_cancel(w->loop, old[(i + 1) % KEPT]),
                         RONDO_ENOENT);
    }
    last = rondo_call_later(w->loop, 0, count_call, n);
    for (int i = 0; i < KEPT; i++) {
        assert_true(old[i] != last);
        assert_error(rondo_cancel(w->loop, old[i]), RONDO_ENOENT);
        assert_error(rondo_reschedule(w->loop, old[i], INT64_MAX),
                     RONDO_ENOENT);
    }
    test_run_loop(w);
    assert_int_equal(*n, 1);
}

TEST(G5_a_million_generations_of_a_callback)
{
    const int rounds = 1000 / test_slowness();
    rondo_id first = 0;
    rondo_id id = 0;
    unsigned *n = test_counter(w);

    for (int i = 0; i < rounds; i++) {
        for (int j = 0; j < 1000; j++) {
            id = rondo_call_soon(w->loop, count_call, n);
            if (first == 0)
                first = id;
            else if (rondo_cancel(w->loop, first) != RONDO_ENOENT)
                test_fail(w, "an old id cancelled something");
            if (i == 0 && j == 0)
                assert_int_equal(rondo_cancel(w->loop, id), 0);
        }
        test_spin(w, 1);
    }
    test_run_loop(w);
    assert_int_equal(*n, rounds * 1000 - 1);
}

/* ---- operations --------------------------------------------------------- */

TEST_LEAVES(G5_a_cancelled_connect_is_told_once)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_peer(w);
    rondo_id id = test_connect_peer(w, l->port, &recorder, p);

    assert_int_equal(rondo_cancel(w->loop, id), 0);
    assert_error(rondo_cancel(w->loop, id), RONDO_ENOENT);
    assert_int_equal(p->connected, 0);
    test_run_until(w, p->connected);
    assert_error(rondo_cancel(w->loop, id), RONDO_ENOENT);
    test_spin(w, 20);
    assert_int_equal(p->connected, 1);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    assert_int_equal(test_metrics(w).live_operations, 0);
}

/* Of every other one it is cancelled, the others have been made. */
TEST_LEAVES(G5_old_connect_ids_never_touch_a_newer)
{
    struct listener *l = test_serve(w);
    struct peer *old[200], *last;
    rondo_id ids[200];

    for (int i = 0; i < 200; i++) {
        old[i] = test_peer(w);
        ids[i] = test_connect_peer(w, l->port, &recorder, old[i]);
        if (i % 2)
            assert_ok(rondo_cancel(w->loop, ids[i]));
        test_run_until(w, old[i]->connected);
        assert_error(rondo_cancel(w->loop, ids[i]), RONDO_ENOENT);
    }
    last = test_connect(w, l->port);
    for (int i = 0; i < 200; i++)
        assert_error(rondo_cancel(w->loop, ids[i]), RONDO_ENOENT);
    test_run_until(w, last->connected);
    assert_int_equal(last->connect_error, 0);
    assert_int_equal(old[0]->lost, 0);
}

TEST_LEAVES(G5_a_connect_is_no_timer)
{
    struct listener *l = test_serve(w);
    rondo_id id = test_connect_peer(w, l->port, &recorder, test_peer(w));
    unsigned *n = test_counter(w);
    rondo_id soon = rondo_call_soon(w->loop, count_call, n);

    assert_einval(rondo_when(w->loop, id));
    assert_einval(rondo_reschedule(w->loop, id, 0));
    assert_einval(rondo_missed(w->loop, id));
    assert_einval(rondo_when(w->loop, soon));
}
