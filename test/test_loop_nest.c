/* test_loop_nest.c - loops inside loops, and a loop's clock. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

/* ---- L4: the same loop -------------------------------------------------- */

struct nested {
    struct world *w;
    unsigned tried;
};

static void try_nested(rondo_loop *loop, struct nested *n)
{
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;

    assert_true(rondo_loop_is_running(loop));
    assert_error(rondo_loop_run(loop), RONDO_EBUSY);
    assert_error(rondo_loop_run_forever(loop), RONDO_EBUSY);
    assert_error(rondo_loop_run_once(loop, 0), RONDO_EBUSY);
    assert_error(rondo_loop_run_once(loop, RONDO_NEVER), RONDO_EBUSY);
    assert_error(rondo_loop_close(loop), RONDO_EBUSY);
    if (rondo_loop_supports(loop, RONDO_CAN_EMBED_FD))
        assert_error(rondo_loop_prepare(loop, &wait), RONDO_EBUSY);
    assert_true(rondo_loop_is_running(loop));
    n->tried++;
}

static void nest_soon(rondo_loop *loop, void *arg)
{
    try_nested(loop, arg);
}

static void nest_fd(rondo_loop *loop, rondo_fd fd, void *arg)
{
    assert_int_equal(rondo_remove_reader(loop, fd), 1);
    try_nested(loop, arg);
}

static void nest_peer(struct peer *p)
{
    try_nested(p->w->loop, p->user);
}

TEST(L4_running_a_running_loop_is_ebusy)
{
    struct nested *n = test_alloc(w, sizeof *n);
    struct peer *p = test_peer(w);
    const raw_fd *fds = test_sockets(w);

    n->w = w;
    assert_false(rondo_loop_is_running(w->loop));
    assert_ok(rondo_call_soon(w->loop, nest_soon, n));
    assert_ok(rondo_call_later(w->loop, 0, nest_soon, n));
    assert_ok(rondo_call_soon_threadsafe(w->loop, nest_soon, n));
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    assert_ok(rondo_add_reader(w->loop, fds[0], nest_fd, n));
    p->on_made = p->on_lost = nest_peer;
    p->user = n;
    raw_close(test_raw_peer(w, &recorder, p, 0));
    test_run_loop(w);
    assert_int_equal(n->tried, 6);
    assert_false(rondo_loop_is_running(w->loop));
}

TEST_LEAVES(L4_closing_a_running_loop_has_no_effect)
{
    struct nested *n = test_alloc(w, sizeof *n);
    struct listener *l = test_serve(w);
    const struct peer *c = test_client(w, l);

    n->w = w;
    assert_ok(rondo_call_soon(w->loop, nest_soon, n));
    test_run_until(w, n->tried == 1);
    test_spin(w, 5);
    assert_string_equal(c->order, "M");
    assert_true(rondo_server_is_serving(l->server));
}

/* From inside rondo_loop_close, too. */
static void nest_in_close(struct peer *p)
{
    assert_error(rondo_loop_run(p->w->loop), RONDO_EBUSY);
    assert_error(rondo_loop_run_once(p->w->loop, 0), RONDO_EBUSY);
    assert_error(rondo_loop_close(p->w->loop), RONDO_EBUSY);
}

TEST(L4_running_a_closing_loop_is_ebusy)
{
    struct peer *p = test_peer(w);

    p->on_lost = nest_in_close;
    (void)test_own(w, test_raw_peer(w, &recorder, p, 0));
    test_close_loop(w);
    assert_int_equal(p->lost, 1);
}

/* ---- L4: another loop --------------------------------------------------- */

struct inner {
    struct world *w;
    unsigned outer_ran, inner_ran;
    int result;
    bool lives_inside; /* the inner loop: made and closed in the callback */
};

static void inner_count(rondo_loop *loop, void *arg)
{
    struct inner *i = arg;

    assert_ptr_equal(loop, i->w->other);
    i->inner_ran++;
}

static void run_inner(rondo_loop *loop, void *arg)
{
    struct inner *i = arg;
    rondo_loop *inner = i->lives_inside ? test_other_loop(i->w) : i->w->other;

    assert_true(rondo_loop_is_running(loop));
    assert_false(rondo_loop_is_running(inner));
    assert_ok(rondo_call_soon(inner, inner_count, i));
    assert_ok(rondo_call_later(inner, RONDO_MS(2), inner_count, i));
    i->result = rondo_loop_run(inner);
    assert_true(rondo_loop_is_running(loop));
    if (i->lives_inside)
        test_close_other(i->w);
    i->outer_ran++;
}

TEST(L4_a_different_loop_runs_inside_a_callback)
{
    for (int inside = 0; inside < 2; inside++) {
        struct inner *i = test_alloc(w, sizeof *i);

        *i = (struct inner){.w = w, .result = -1, .lives_inside = inside};
        if (!inside)
            (void)test_other_loop(w);
        assert_ok(rondo_call_soon(w->loop, run_inner, i));
        assert_int_equal(rondo_loop_run(w->loop), 0);
        assert_int_equal(i->outer_ran, 1);
        assert_int_equal(i->inner_ran, 2);
        assert_int_equal(i->result, 0);
        test_close_other(w);
    }
}

static void stop_outer(rondo_loop *loop, void *arg)
{
    struct inner *i = arg;

    assert_ptr_equal(loop, i->w->other);
    rondo_loop_stop(i->w->loop);
    i->inner_ran++;
}

static void run_inner_that_stops(rondo_loop *loop, void *arg)
{
    struct inner *i = arg;

    (void)loop;
    assert_ok(rondo_call_soon(i->w->other, stop_outer, i));
    i->result = rondo_loop_run(i->w->other);
}

TEST_LEAVES(L4_stopping_the_outer_loop_from_the_inner)
{
    struct inner *i = test_alloc(w, sizeof *i);

    i->w = w;
    i->result = -1;
    (void)test_other_loop(w);
    assert_ok(rondo_call_later(w->loop, RONDO_SEC(1000), inner_count, i));
    assert_ok(rondo_call_soon(w->loop, run_inner_that_stops, i));
    assert_int_equal(rondo_loop_run(w->loop), 1);
    assert_int_equal(i->result, 0); /* the inner one was not stopped */
    assert_int_equal(i->inner_ran, 1);
}

/* ---- L6: the clock ------------------------------------------------------ */

struct clock {
    int64_t time[2], iteration[2];
    unsigned ran;
};

static void read_clock(rondo_loop *loop, void *arg)
{
    struct clock *c = arg;

    c->time[0] = rondo_loop_time(loop);
    c->iteration[0] = rondo_loop_iteration_time(loop);
    test_busy(loop, 1);
    c->time[1] = rondo_loop_time(loop);
    c->iteration[1] = rondo_loop_iteration_time(loop);
    c->ran++;
}

TEST(L6_time_advances_inside_a_callback)
{
    struct clock *c = test_alloc(w, sizeof *c);

    assert_ok(rondo_call_soon(w->loop, read_clock, c));
    test_run_until(w, c->ran);
    assert_true(c->time[1] > c->time[0]);
    assert_true(c->iteration[1] == c->iteration[0]);
    assert_true(c->iteration[0] <= c->time[0]);
}

TEST(L6_iteration_time_follows_the_iterations)
{
    int64_t before = rondo_loop_time(w->loop);
    int64_t seen;

    test_spin(w, 1);
    seen = rondo_loop_iteration_time(w->loop);
    assert_true(seen >= before && seen <= rondo_loop_time(w->loop));
    test_busy(w->loop, 1);
    assert_true(rondo_loop_iteration_time(w->loop) == seen);
    test_spin(w, 1);
    assert_true(rondo_loop_iteration_time(w->loop) > seen);
}

/* A long callback, then call_later: it counts from then, not from the
 * iteration's beginning. */
static void schedule_late(rondo_loop *loop, void *arg)
{
    struct clock *c = arg;
    rondo_id id;

    test_busy(loop, RONDO_MS(5));
    c->time[0] = rondo_loop_time(loop);
    id = rondo_call_later(loop, RONDO_MS(1), count_call, &c->ran);
    c->time[1] = rondo_when(loop, id);
    c->iteration[0] = rondo_loop_iteration_time(loop);
}

TEST(L6_call_later_counts_from_the_clock_now)
{
    struct clock *c = test_alloc(w, sizeof *c);

    assert_ok(rondo_call_soon(w->loop, schedule_late, c));
    test_run_until(w, c->ran);
    assert_true(c->time[1] >= c->time[0] + RONDO_MS(1));
    assert_true(c->time[1] > c->iteration[0] + RONDO_MS(5));
}

TEST(L6_program_s_data_stays_with_the_loop)
{
    unsigned *n = test_counter(w);

    assert_null(rondo_loop_data(w->loop));
    rondo_loop_set_data(w->loop, n);
    test_spin(w, 2);
    assert_ptr_equal(rondo_loop_data(w->loop), n);
    rondo_loop_set_data(w->loop, NULL);
    assert_null(rondo_loop_data(w->loop));
}
