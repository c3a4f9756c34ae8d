/* test_loop_metrics.c - the counts and the dump tell the truth. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"
#include "harness_dump.h"
#include "harness_names.h"

/* ---- L13: what lives ---------------------------------------------------- */

TEST(L13_timers_are_counted)
{
    unsigned *n = test_counter(w);
    rondo_id ids[3];

    assert_int_equal(test_metrics(w).live_timers, 0);
    ids[0] = rondo_call_later(w->loop, RONDO_SEC(9), count_call, n);
    ids[1] = rondo_call_every(w->loop, RONDO_SEC(9), count_call, n);
    ids[2] = rondo_call_later(w->loop, RONDO_NEVER, count_call, n);
    assert_int_equal(test_metrics(w).live_timers, 3);
    assert_ok(rondo_call_later(w->loop, 0, count_call, n));
    assert_int_equal(test_metrics(w).live_timers, 4);
    test_run_until(w, *n == 1);
    assert_int_equal(test_metrics(w).live_timers, 3);
    for (int i = 0; i < 3; i++)
        assert_ok(rondo_cancel(w->loop, ids[i]));
    assert_int_equal(test_metrics(w).live_timers, 0);
}

TEST(L13_watchers_are_counted_by_side)
{
    unsigned *n = test_counter(w);
    const raw_fd *fds = test_sockets(w);

    assert_ok(rondo_add_reader(w->loop, fds[0], count_fd, n));
    assert_ok(rondo_add_reader(w->loop, fds[0], count_fd, n));
    assert_int_equal(test_metrics(w).live_watchers, 1);
    assert_ok(rondo_add_writer(w->loop, fds[0], count_fd, n));
    assert_ok(rondo_add_reader(w->loop, fds[1], count_fd, n));
    assert_int_equal(test_metrics(w).live_watchers, 3);
    test_spin(w, 3);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 0);
    assert_int_equal(test_metrics(w).live_watchers, 2);
    assert_int_equal(rondo_remove_writer(w->loop, fds[0]), 1);
    assert_int_equal(rondo_remove_reader(w->loop, fds[1]), 1);
    assert_int_equal(test_metrics(w).live_watchers, 0);
}

static size_t transports_in_lost;

static void look_at_metrics(struct peer *p)
{
    transports_in_lost = test_metrics(p->w).live_transports;
}

TEST(L13_transports_servers_operations_are_counted)
{
    struct listener *l = test_serve(w);
    struct peer *c;

    assert_int_equal(test_metrics(w).live_servers, 1);
    c = test_connect(w, l->port);
    assert_int_equal(test_metrics(w).live_operations, 1);
    test_run_until(w, c->made && l->first && l->first->made);
    assert_int_equal(test_metrics(w).live_operations, 0);
    assert_int_equal(test_metrics(w).live_transports, 2);
    c->on_lost = look_at_metrics;
    rondo_transport_close(c->transport);
    assert_int_equal(test_metrics(w).live_transports, 2);
    test_run_until(w, c->lost);
    assert_true(transports_in_lost >= 1); /* not gone until it returns */
    test_run_until(w, l->first->lost);
    assert_int_equal(test_metrics(w).live_transports, 0);
    rondo_server_close(l->server);
    test_run_until(w, l->closed);
    assert_int_equal(test_metrics(w).live_servers, 0);
}

TEST(L13_a_failed_connect_leaves_nothing)
{
    dial_ends(w, test_connect(w, dial_dead_port()), RONDO_ECONNREFUSED);
    assert_int_equal(test_metrics(w).live_operations, 0);
    assert_int_equal(test_metrics(w).live_transports, 0);
}

TEST(L13_look_ups_are_jobs)
{
    struct peer *p;

    names_replace(w);
    assert_int_equal(test_metrics(w).live_jobs, 0);
    p = dial_new(w, RONDO_CONNECT(.host = "a.slow.test", .port = 1));
    test_run_until(w, raw_names_waiting() == 1);
    assert_int_equal(test_metrics(w).live_jobs, 1);
    assert_int_equal(test_metrics(w).live_operations, 1);
    raw_names_release();
    test_run_until(w, p->connected);
    if (p->transport)
        rondo_transport_abort(p->transport);
    test_run_until(w, p->lost == p->made);
    assert_int_equal(test_metrics(w).live_jobs, 0);
    assert_int_equal(test_metrics(w).live_operations, 0);
}

/* ---- L13: what is counted from the start -------------------------------- */

TEST(L13_iterations_and_callbacks)
{
    unsigned *n = test_counter(w);
    rondo_loop_metrics before = test_metrics(w);

    test_spin(w, 7);
    assert_true(test_metrics(w).iterations == before.iterations + 7);
    assert_true(test_metrics(w).callbacks == before.callbacks);
    for (int i = 0; i < 10; i++)
        assert_ok(rondo_call_soon(w->loop, count_call, n));
    assert_ok(rondo_call_later(w->loop, 0, count_call, n));
    assert_ok(rondo_call_soon_threadsafe(w->loop, count_call, n));
    test_run_until(w, *n == 12);
    assert_true(test_metrics(w).callbacks == before.callbacks + 12);
}

TEST_LEAVES(L13_events_are_the_backend_s)
{
    unsigned *n = test_counter(w);
    const raw_fd *fds = test_sockets(w);
    uint64_t before;

    assert_ok(rondo_add_reader(w->loop, fds[0], count_fd, n));
    test_spin(w, 3);
    before = test_metrics(w).events;
    test_spin(w, 3);
    assert_true(test_metrics(w).events == before);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    test_run_until(w, *n == 3);
    assert_true(test_metrics(w).events >= before + 3);
}

TEST(L13_idle_time_is_the_time_waited)
{
    int64_t before = test_metrics(w).idle_ns;
    int64_t start;
    int64_t waited;

    test_spin(w, 10);
    assert_true(test_metrics(w).idle_ns == before);
    start = rondo_loop_time(w->loop);
    (void)test_run_for(w, RONDO_MS(20));
    waited = test_metrics(w).idle_ns - before;
    assert_true(waited > 0);
    assert_true(waited <= rondo_loop_time(w->loop) - start);
}

TEST(L13_allocations_are_the_allocator_s)
{
    unsigned *n = test_counter(w);
    uint64_t before = test_allocations(w) - test_metrics(w).allocations;

    for (int i = 0; i < 1000; i++) {
        assert_ok(rondo_call_soon(w->loop, count_call, n));
        assert_ok(rondo_call_later(w->loop, 0, count_call, n));
        assert_ok(rondo_call_soon_threadsafe(w->loop, count_call, n));
    }
    test_run_loop(w);
    assert_true(test_metrics(w).allocations > 0);
    assert_true(test_allocations(w) - test_metrics(w).allocations == before);
}

/* Once the arrays have grown: timers, callbacks, echoes need none. */
TEST_LEAVES(L13_steady_state_allocates_nothing)
{
    unsigned *n = test_counter(w);
    struct peer *a;
    struct peer *b;
    uint64_t before = 0;

    test_pair(w, &a, &b);
    b->on_data = act_echo;
    for (unsigned i = 0; i < 200; i++) {
        if (i == 100)
            before = test_metrics(w).allocations;
        assert_ok(rondo_call_soon(w->loop, count_call, n));
        assert_ok(rondo_call_later(w->loop, 0, count_call, n));
        assert_ok(rondo_call_soon_threadsafe(w->loop, count_call, n));
        assert_ok(rondo_transport_write(a->transport, "0123456789", 10));
        test_run_until(w, a->bytes == 10 * (i + 1) && *n == 3 * (i + 1));
    }
    assert_true(test_metrics(w).allocations == before);
}

TEST(L13_periods_missed_are_counted)
{
    unsigned *n = test_counter(w);
    rondo_id id = rondo_call_every(w->loop, RONDO_MS(1), count_call, n);

    raw_sleep_ms(15); /* as a callback would that takes too long */
    test_run_until(w, *n == 1);
    assert_in_range(rondo_missed(w->loop, id), 10, 100000);
    assert_true(test_metrics(w).timers_skipped ==
                (uint64_t)rondo_missed(w->loop, id));
    assert_ok(rondo_cancel(w->loop, id));
}

/* ---- L13: the dump ------------------------------------------------------ */

static struct dump *dump_now(struct world *w)
{
    return dump_of(w, w->loop);
}

TEST_CASE(L13_an_empty_loop_dumps_nothing,
          assert_int_equal(dump_now(w)->count, 0));

TEST_LEAVES(L13_each_live_handle_is_one_line)
{
    struct listener *l = test_serve(w);
    struct peer *c = test_client(w, l);
    raw_fd fd = test_sockets(w)[0];
    const struct dump *d;

    assert_ok(rondo_add_reader(w->loop, fd, count_fd, test_counter(w)));
    assert_ok(rondo_transport_pause_reading(c->transport));
    (void)test_connect(w, l->port);
    d = dump_now(w);
    assert_int_equal(d->count, 5);
    dump_check(d, "server", rondo_server_fd(l->server, 0), "");
    dump_check(d, "transport", rondo_transport_fd(c->transport), "paused");
    dump_check(d, "transport", rondo_transport_fd(c->other->transport), "open");
    dump_check(d, "watcher", fd, "reading");
    assert_int_equal(rondo_remove_reader(w->loop, fd), 1);
    assert_int_equal(dump_now(w)->count, 4);
}

TEST_LEAVES(L13_the_dump_tells_states)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 8192);
    struct listener *l = test_serve(w);
    const struct dump *d;

    assert_ok(rondo_server_pause_serving(l->server));
    rondo_server_set_background(l->server, true);
    test_fill_transport(w, p);
    rondo_transport_close(p->transport);
    d = dump_now(w);
    dump_check(d, "transport", rondo_transport_fd(p->transport), "closing");
    dump_check(d, "server", rondo_server_fd(l->server, 0), "background");
    dump_check(d, "server", rondo_server_fd(l->server, 0), "paused");
    raw_reset(fd);
    test_run_until(w, p->lost);
    assert_int_equal(dump_now(w)->count, 1);
}
