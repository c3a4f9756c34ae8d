/* test_connect_lookup.c - slow look-ups: cancelled, timed out, many, closed. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "harness_names.h"
#include "raw_net.h"

static rondo_id start(struct world *w, const char *host, uint16_t port,
                      struct peer *p)
{
    return assert_ok(dial(w, RONDO_CONNECT(.host = host, .port = port), p));
}

static struct peer *start_slow(struct world *w, uint16_t port, rondo_id *id)
{
    struct peer *p = test_peer(w);

    *id = start(w, "a.slow.test", port, p);
    test_run_until(w, raw_names_waiting() == 1);
    return p;
}

/* ---- C2: cancel, timeout and close during the look-up ------------------- */

TEST(C2_cancel_during_the_look_up_returns_at_once)
{
    struct listener *l = test_serve(w);
    struct peer *p;
    rondo_id id;

    names_replace(w);
    p = start_slow(w, l->port, &id);
    assert_int_equal(rondo_cancel(w->loop, id), 0);
    assert_int_equal(p->connected, 0);
    test_run_until(w, p->connected);
    assert_int_equal(raw_names_waiting(), 1); /* it hangs still */
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    assert_error(rondo_cancel(w->loop, id), RONDO_ENOENT);
    names_release(w);
    (void)test_run_for(w, RONDO_MS(5));
    assert_int_equal(p->connected, 1);
    assert_string_equal(p->order, "");
    assert_int_equal(l->count, 0);
    assert_int_equal(test_metrics(w).live_operations, 0);
}

/* answered, but the loop has not looked yet */
TEST(C2_cancel_after_the_answer)
{
    struct listener *l = test_serve(w);
    struct peer *p;
    rondo_id id;

    names_replace(w);
    p = start_slow(w, l->port, &id);
    raw_names_release();
    while (raw_names_waiting() > 0)
        raw_sleep_ms(1);
    raw_sleep_ms(5); /* for the thread to hand it on */
    assert_int_equal(rondo_cancel(w->loop, id), 0);
    test_run_until(w, p->connected);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    (void)test_run_for(w, RONDO_MS(5));
    assert_int_equal(p->connected, 1);
    assert_string_equal(p->order, "");
    assert_int_equal(l->count, 0);
}

TEST(C2_the_timeout_covers_the_look_up)
{
    struct peer *p = test_peer(w);
    int64_t until = rondo_loop_time(w->loop) + RONDO_MS(20);

    names_replace(w);
    w->expect_clean = true;
    assert_ok(dial(w,
                   RONDO_CONNECT(.host = "a.slow.test", .port = 9,
                                 .timeout_ns = RONDO_MS(20)),
                   p));
    dial_ends(w, p, RONDO_ETIMEDOUT);
    assert_true(rondo_loop_time(w->loop) >= until);
    assert_true(strstr(p->last_error, "a.slow.test") != NULL);
    names_release(w);
    (void)test_run_for(w, RONDO_MS(5));
    assert_int_equal(p->connected, 1);
}

/* After the loop's end: for a late answer to do its damage, and for what the
 * threads have to be free again. */
static void end_look_ups(struct world *w)
{
    raw_names_release();
    while (raw_names_waiting() > 0)
        raw_sleep_ms(1);
    for (int i = 0; i < 2000 && test_live_blocks(w) > 0; i++)
        raw_sleep_ms(1);
    raw_sleep_ms(2);
}

TEST(C2_loop_closes_during_the_look_up)
{
    struct peer *p;
    rondo_id id;

    names_replace(w);
    p = start_slow(w, 9, &id);
    test_close_loop(w);
    assert_int_equal(raw_names_waiting(), 1); /* close did not wait for it */
    assert_int_equal(p->connected, 1);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    assert_string_equal(p->order, "");
    end_look_ups(w);
}

/* The allocator may be gone as soon as the loop is. */
TEST(C2_close_during_the_look_up_frees_all_memory)
{
    size_t blocks;
    rondo_id id;

    names_replace(w);
    (void)start_slow(w, 9, &id);
    test_close_loop(w);
    blocks = test_live_blocks(w);
    end_look_ups(w);
    assert_int_equal(blocks, 0);
}

TEST(C2_loop_closes_after_a_cancelled_look_up)
{
    struct peer *p;
    rondo_id id;

    names_replace(w);
    p = start_slow(w, 9, &id);
    assert_int_equal(rondo_cancel(w->loop, id), 0);
    test_run_until(w, p->connected);
    test_close_loop(w);
    assert_int_equal(p->connected, 1);
    end_look_ups(w);
}

/* ---- C2: many ----------------------------------------------------------- */

enum { MANY = 200, POOL_MOST = 16 };

static struct peer **start_many(struct world *w, uint16_t port, rondo_id *ids)
{
    struct peer **p = test_alloc(w, MANY * sizeof *p);
    char host[32];

    for (int i = 0; i < MANY; i++) {
        p[i] = test_peer(w);
        (void)snprintf(host, sizeof host, "h%d.slow.test", i);
        ids[i] = start(w, host, port, p[i]);
    }
    test_run_until(w, raw_names_waiting() > 0);
    (void)test_run_for(w, RONDO_MS(20)); /* for more threads to start */
    return p;
}

TEST(C2_many_look_ups_take_few_threads)
{
    struct listener *l = test_serve(w);
    rondo_id ids[MANY];
    struct peer **p;

    names_replace(w);
    p = start_many(w, l->port, ids);
    assert_true(raw_names_most() <= POOL_MOST);
    assert_int_equal(test_metrics(w).live_jobs, MANY);
    raw_names_release();
    for (int i = 0; i < MANY; i++)
        dial_ends(w, p[i], 0);
    assert_true(raw_names_most() <= POOL_MOST);
    assert_int_equal(raw_names_calls(), MANY);
    test_run_until(w, l->count == MANY);
}

/* A thread that is idle, but about to take the slow one, is not for both. */
TEST(C2_a_slow_look_up_does_not_hold_up_the_next)
{
    struct listener *l = test_serve(w);

    names_replace(w);
    for (int i = 0; i < 20; i++) {
        struct peer *first = test_peer(w);
        struct peer *slow = test_peer(w);
        struct peer *quick = test_peer(w);

        (void)start(w, "a.quick.test", l->port, first);
        dial_ends(w, first, 0); /* a thread has nothing to do now */
        (void)start(w, "b.slow.test", l->port, slow);
        (void)start(w, "c.quick.test", l->port, quick);
        dial_ends(w, quick, 0);
        assert_int_equal(slow->connected, 0);
        raw_names_release();
        dial_ends(w, slow, 0);
        names_replace(w);
    }
}

TEST(C2_cancelled_before_its_turn_is_never_looked_up)
{
    rondo_id ids[MANY];
    struct peer **p;

    names_replace(w);
    p = start_many(w, 9, ids);
    for (int i = MANY; i-- > 0;)
        assert_int_equal(rondo_cancel(w->loop, ids[i]), 0);
    for (int i = 0; i < MANY; i++)
        dial_ends(w, p[i], RONDO_ECANCELED);
    names_release(w);
    (void)test_run_for(w, RONDO_MS(10));
    assert_true(raw_names_calls() <= POOL_MOST);
    assert_int_equal(test_metrics(w).live_jobs, 0);
}

TEST(C2_two_loops_look_up_and_one_closes)
{
    struct listener *l = test_serve(w);
    rondo_loop *other = test_other_loop(w);
    struct peer *mine = test_peer(w);
    struct peer *theirs = test_peer(w);

    names_replace(w);
    assert_ok(dial_on(other, RONDO_CONNECT(.host = "b.slow.test", .port = 9),
                      theirs));
    (void)start(w, "a.slow.test", l->port, mine);
    test_run_until(w, raw_names_waiting() > 0);
    assert_ok(rondo_loop_close(other));
    w->other = NULL;
    assert_int_equal(theirs->connected, 1);
    assert_int_equal(theirs->connect_error, RONDO_ECANCELED);
    raw_names_release();
    dial_ends(w, mine, 0);
    test_run_until(w, l->count == 1);
}
