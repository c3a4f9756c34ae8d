/* test_loop.c - running, stopping, what keeps a loop alive. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

/* ---- L2: stop ----------------------------------------------------------- */

static void stop_and_schedule(rondo_loop *loop, void *arg)
{
    rondo_loop_stop(loop);
    assert_ok(rondo_call_soon(loop, count_call, arg));
}

TEST(L2_stop_ends_the_run_after_the_batch)
{
    unsigned *n = test_counter(w);

    assert_ok(rondo_call_soon(w->loop, count_call, n));
    assert_ok(rondo_call_soon(w->loop, stop_and_count, n));
    assert_ok(rondo_call_soon(w->loop, count_call, n));
    assert_int_equal(rondo_loop_run(w->loop), 1);
    assert_int_equal(*n, 3);
    /* what is scheduled after it waits */
    assert_ok(rondo_call_soon(w->loop, stop_and_schedule, n));
    assert_int_equal(rondo_loop_run(w->loop), 1);
    assert_int_equal(*n, 3);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(*n, 4);
}

TEST_LEAVES(L2_stop_before_run_polls_once_without_waiting)
{
    unsigned *n = test_counter(w);
    const raw_fd *fds = test_sockets(w);
    uint64_t before = test_iterations(w);

    assert_ok(rondo_add_reader(w->loop, fds[0], count_fd, n));
    assert_ok(rondo_call_later(w->loop, RONDO_SEC(1000), count_call, n));
    rondo_loop_stop(w->loop);
    assert_int_equal(rondo_loop_run(w->loop), 1); /* does not wait 1000 s */
    assert_int_equal(test_iterations(w) - before, 1);
    assert_int_equal(*n, 0);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    rondo_loop_stop(w->loop);
    rondo_loop_stop(w->loop);
    assert_int_equal(rondo_loop_run_forever(w->loop), 1);
    assert_int_equal(*n, 1); /* it did look */
    assert_int_equal(test_iterations(w) - before, 2);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    assert_ok(rondo_call_soon(w->loop, count_call, n));
    assert_ok(rondo_call_soon(w->loop, count_call, n));
    rondo_loop_stop(w->loop);
    assert_int_equal(rondo_loop_run(w->loop), 1);
    assert_int_equal(*n, 3); /* what is scheduled is run */
}

TEST(L2_the_next_run_is_not_stopped)
{
    unsigned *n = test_counter(w);

    rondo_loop_stop(w->loop); /* with nothing to do */
    assert_int_equal(rondo_loop_run(w->loop), 1);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    rondo_loop_stop(w->loop);
    assert_int_equal(rondo_loop_run_forever(w->loop), 1);
    assert_ok(rondo_call_later(w->loop, RONDO_MS(3), count_call, n));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(*n, 1);
    assert_ok(rondo_call_soon(w->loop, stop_and_count, n));
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 0); /* over with it */
    assert_ok(rondo_call_later(w->loop, RONDO_MS(1), count_call, n));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(*n, 3);
}

static void stop_twice(rondo_loop *loop, void *arg)
{
    stop_and_count(loop, arg);
    rondo_loop_stop(loop);
}

TEST(L2_stop_many_times_stops_once)
{
    unsigned *n = test_counter(w);

    assert_ok(rondo_call_soon(w->loop, stop_twice, n));
    assert_ok(rondo_call_soon(w->loop, stop_twice, n));
    assert_int_equal(rondo_loop_run(w->loop), 1);
    assert_int_equal(*n, 2);
    assert_ok(rondo_call_soon(w->loop, count_call, n));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(*n, 3);
}

TEST_LEAVES(L2_stop_in_a_timer_or_a_transport)
{
    struct peer *p = test_peer(w);
    unsigned *n = test_counter(w);
    raw_fd *fds = test_sockets(w);

    assert_ok(rondo_call_later(w->loop, RONDO_MS(1), stop_and_count, n));
    assert_int_equal(rondo_loop_run_forever(w->loop), 1);
    assert_int_equal(*n, 1);
    p->on_made = act_stop_loop;
    test_adopt(w, fds[0], &recorder, p);
    fds[0] = RONDO_NO_FD;
    assert_int_equal(rondo_loop_run(w->loop), 1);
    assert_int_equal(p->made, 1);
}

/* ---- L3: results of run ------------------------------------------------- */

TEST(L3_run_returns_0_when_nothing_is_left)
{
    unsigned *n = test_counter(w);

    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_ok(rondo_call_soon(w->loop, count_call, n));
    assert_ok(rondo_call_later(w->loop, RONDO_MS(2), count_call, n));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(*n, 2);
    assert_ok(rondo_call_soon_threadsafe(w->loop, count_call, n));
    assert_int_equal(rondo_loop_run(w->loop), 0); /* a post alone, too */
    assert_int_equal(*n, 3);
}

static void stop_at_the_end(rondo_loop *loop, void *arg)
{
    unsigned *left = arg;

    if ((*left)-- == 0)
        rondo_loop_stop(loop);
    else
        assert_ok(rondo_call_later(loop, 0, stop_at_the_end, left));
}

TEST(L3_run_forever_returns_only_when_stopped)
{
    unsigned *left = test_counter(w);

    *left = 20;
    assert_ok(rondo_call_soon(w->loop, stop_at_the_end, left));
    assert_int_equal(rondo_loop_run_forever(w->loop), 1);
    /* long enough for a loop with nothing left to return */
    test_run_stopped_by_thread(w, 20);
}

TEST(L3_run_once_tells_whether_something_is_left)
{
    unsigned *n = test_counter(w);
    rondo_id id;

    assert_int_equal(rondo_loop_run_once(w->loop, RONDO_NEVER), 0);
    assert_int_equal(rondo_loop_run_once(w->loop, INT64_MIN), 0);
    id = rondo_call_later(w->loop, RONDO_SEC(1000), count_call, n);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_int_equal(rondo_loop_run_once(w->loop, -5), 1);
    assert_int_equal(rondo_loop_run_once(w->loop, RONDO_MS(1)), 1);
    assert_ok(rondo_cancel(w->loop, id));
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 0);
}

/* ---- L3: what keeps it alive -------------------------------------------- */

/* A loop that is alive says so; one that is not would return at once. */
static bool is_alive(struct world *w)
{
    return rondo_loop_run_once(w->loop, 0) == 1;
}

TEST(L3_timers_keep_alive_until_background)
{
    unsigned *n = test_counter(w);
    rondo_id once = rondo_call_later(w->loop, RONDO_SEC(1000), count_call, n);
    rondo_id every = rondo_call_every(w->loop, RONDO_SEC(1000), count_call, n);

    assert_ok(rondo_set_background(w->loop, once, true));
    assert_true(is_alive(w));
    assert_ok(rondo_set_background(w->loop, every, true));
    assert_ok(rondo_set_background(w->loop, every, true));
    assert_false(is_alive(w));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_ok(rondo_set_background(w->loop, once, false));
    assert_ok(rondo_set_background(w->loop, once, false));
    assert_true(is_alive(w));
    assert_ok(rondo_cancel(w->loop, once));
    assert_false(is_alive(w));
    assert_ok(rondo_cancel(w->loop, every));
    assert_false(is_alive(w));
    assert_int_equal(*n, 0);
}

TEST(L3_background_callbacks_do_not_keep_alive)
{
    unsigned *n = test_counter(w);
    rondo_id id = rondo_call_soon(w->loop, count_call, n);

    assert_ok(rondo_set_background(w->loop, id, true));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(*n, 0); /* run had no reason to look */
    assert_ok(rondo_call_soon(w->loop, count_call, n));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(*n, 2);
    /* a due timer in the background runs while the loop lives */
    id = rondo_call_later(w->loop, 0, count_call, n);
    assert_ok(rondo_set_background(w->loop, id, true));
    assert_ok(rondo_call_later(w->loop, RONDO_MS(2), count_call, n));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(*n, 4);
}

TEST(L3_watchers_keep_alive)
{
    unsigned *n = test_counter(w);
    raw_fd fd = test_sockets(w)[0];

    assert_ok(rondo_add_reader(w->loop, fd, count_fd, n));
    assert_true(is_alive(w));
    assert_int_equal(rondo_remove_reader(w->loop, fd), 1);
    assert_false(is_alive(w));
    assert_ok(rondo_add_writer(w->loop, fd, count_fd, n));
    assert_true(is_alive(w));
    assert_int_equal(rondo_remove_writer(w->loop, fd), 1);
    assert_int_equal(rondo_loop_run(w->loop), 0);
}

TEST(L3_transports_keep_alive_until_background)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    assert_true(is_alive(w));
    rondo_transport_set_background(p->transport, true);
    rondo_transport_set_background(p->transport, true);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    rondo_transport_set_background(p->transport, false);
    assert_true(is_alive(w));
    raw_close(fd);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_string_equal(p->order, "MEL");
}

TEST(L3_servers_keep_alive_until_background)
{
    struct listener *l = test_serve(w);
    raw_fd fd;

    assert_true(is_alive(w));
    rondo_server_set_background(l->server, true);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    fd = raw_connect(l->port); /* a client counts for itself */
    while (l->count == 0)
        assert_ok(rondo_loop_run_once(w->loop, RONDO_MS(1)));
    assert_true(is_alive(w));
    raw_close(fd);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(l->first->lost, 1);
    rondo_server_set_background(l->server, false);
    assert_true(is_alive(w));
    rondo_server_close(l->server);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(l->closed, 1);
}

TEST_LEAVES(L3_a_pending_connect_keeps_alive_until_background)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_connect(w, l->port);

    rondo_server_set_background(l->server, true);
    assert_ok(rondo_set_background(w->loop, p->id, true));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(p->connected, 0);
    assert_ok(rondo_set_background(w->loop, p->id, false));
    while (!p->connected)
        assert_int_equal(rondo_loop_run_once(w->loop, RONDO_MS(5)), 1);
    assert_error(rondo_set_background(w->loop, p->id, true), RONDO_ENOENT);
}
