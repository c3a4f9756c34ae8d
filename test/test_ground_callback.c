/* test_ground_callback.c - no callback runs inside the call that caused it. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "harness_plain.h"

/* Raised while a public call runs; every callback looks at it. */
static bool in_call;
static unsigned calls;

static void enter(void)
{
    if (in_call)
        fail_msg("a callback ran inside the call that caused it");
    calls++;
}

#define OUTSIDE(expression)                                                    \
    do {                                                                       \
        bool was_ = in_call;                                                   \
        in_call = true;                                                        \
        expression;                                                            \
        in_call = was_;                                                        \
    } while (0)

static void begin(void)
{
    in_call = false;
    calls = 0;
}

static void on_soon(rondo_loop *loop, void *arg)
{
    (void)loop;
    (void)arg;
    enter();
}

static void on_fd(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)arg;
    enter();
    assert_int_equal(
        rondo_remove_reader(loop, fd) + rondo_remove_writer(loop, fd), 1);
}

static void on_peer(struct peer *p)
{
    (void)p;
    enter();
}

static void on_release(void *arg)
{
    (void)arg;
    enter();
}

static struct peer *watched_peer(struct world *w)
{
    struct peer *p = test_peer(w);

    act_in_all(p, on_peer);
    return p;
}

/* ---- callbacks, timers, watchers ---------------------------------------- */

TEST(G4_call_soon_and_posts)
{
    rondo_remote *remote = rondo_loop_remote(w->loop);

    begin();
    OUTSIDE(assert_ok(rondo_call_soon(w->loop, on_soon, w)));
    OUTSIDE(assert_ok(rondo_call_soon_threadsafe(w->loop, on_soon, w)));
    OUTSIDE(assert_ok(rondo_remote_call(remote, on_soon, w)));
    test_run_until(w, calls == 3);
    rondo_remote_release(remote);
}

TEST(G4_timers_that_are_due)
{
    rondo_id late = rondo_call_later(w->loop, RONDO_NEVER, on_soon, w);
    rondo_id every = 0;

    begin();
    OUTSIDE(assert_ok(rondo_call_later(w->loop, 0, on_soon, w)));
    OUTSIDE(assert_ok(rondo_call_later(w->loop, -1, on_soon, w)));
    OUTSIDE(assert_ok(rondo_call_at(w->loop, 0, on_soon, w)));
    OUTSIDE(assert_ok(every = rondo_call_every(w->loop, 1, on_soon, w)));
    OUTSIDE(assert_ok(rondo_reschedule(w->loop, late, 0)));
    test_run_until(w, calls >= 5);
    OUTSIDE(assert_ok(rondo_cancel(w->loop, every)));
}

TEST(G4_watchers_of_ready_descriptors)
{
    raw_fd fds[2];

    begin();
    assert_int_equal(raw_pair(fds), 0);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    OUTSIDE(assert_ok(rondo_add_reader(w->loop, fds[0], on_fd, w)));
    test_run_until(w, calls == 1);
    OUTSIDE(assert_ok(rondo_add_writer(w->loop, fds[0], on_fd, w)));
    test_run_until(w, calls == 2);
    raw_close_pair(fds);
}

/* ---- connecting and serving --------------------------------------------- */

TEST_LEAVES(G4_connecting)
{
    struct listener *l = test_serve(w);
    struct peer *p = watched_peer(w);

    begin();
    act_in_all(&l->model, on_peer);
    OUTSIDE(assert_ok(test_connect_peer(w, l->port, &recorder, p)));
    test_run_until(w, p->connected && l->first && l->first->made);
    assert_int_equal(calls, 3);
}

TEST(G4_connecting_to_nobody)
{
    struct peer *p = watched_peer(w);
    uint16_t port = dial_dead_port();

    begin();
    OUTSIDE(assert_ok(test_connect_peer(w, port, &recorder, p)));
    test_run_until(w, p->connected);
    assert_int_equal(p->connect_error, RONDO_ECONNREFUSED);
    assert_int_equal(calls, 1);
}

TEST_LEAVES(G4_cancelling_a_connect)
{
    struct listener *l = test_serve(w);
    struct peer *p = watched_peer(w);
    rondo_id id = test_connect_peer(w, l->port, &recorder, p);

    begin();
    OUTSIDE(assert_ok(rondo_cancel(w->loop, id)));
    test_run_until(w, p->connected);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    assert_int_equal(calls, 1);
}

TEST(G4_adopting_a_socket_with_data)
{
    struct peer *p = watched_peer(w);
    raw_fd fds[2];

    begin();
    assert_int_equal(raw_pair(fds), 0);
    (void)test_own(w, fds[1]);
    assert_true(raw_send_all(fds[1], "early", 5, 1000));
    raw_shutdown_write(fds[1]);
    OUTSIDE(test_adopt(w, fds[0], &recorder, p));
    assert_lost(w, p, "MdEL", 0);
    assert_int_equal(calls, 4);
}

TEST_LEAVES(G4_start_serving_with_a_client_waiting)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;

    begin();
    options.start_serving = RONDO_OFF;
    l = test_serve_with(w, &recorder, &options);
    act_in_all(&l->model, on_peer);
    (void)test_own(w, raw_connect(l->port));
    OUTSIDE(assert_ok(rondo_server_start_serving(l->server)));
    test_run_until(w, l->first && l->first->made);
    assert_int_equal(calls, 1);
}

static void closed_at_last(rondo_server *server, void *arg)
{
    struct listener *l = arg;

    (void)server;
    enter();
    l->server = NULL;
    l->closed++;
}

TEST(G4_closing_a_server)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;

    begin();
    options.closed = closed_at_last;
    l = test_serve_with(w, &recorder, &options);
    OUTSIDE(rondo_server_close(l->server));
    test_run_until(w, l->closed);
    assert_int_equal(calls, 1);
}

TEST_LEAVES(G4_ending_a_server_s_clients)
{
    struct listener *l = test_serve(w);
    struct peer *c[2];

    begin();
    act_in_all(&l->model, on_peer);
    for (int i = 0; i < 2; i++)
        c[i] = test_connect(w, l->port);
    test_run_until(w,
                   c[0]->made && c[1]->made && l->count == 2 && l->last->made);
    rondo_transport_pause_reading(l->first->transport);
    OUTSIDE(rondo_server_close_clients(l->server));
    OUTSIDE(rondo_server_abort_clients(l->server));
    test_run_until(w, l->first->lost && l->last->lost);
    assert_int_equal(calls, 4);
}

/* ---- transports --------------------------------------------------------- */

TEST_LEAVES(G4_closing_and_aborting)
{
    struct peer *a, *b;

    begin();
    test_pair(w, &a, &b);
    act_in_all(a, on_peer);
    act_in_all(b, on_peer);
    OUTSIDE(rondo_transport_close(a->transport));
    OUTSIDE(rondo_transport_abort(b->transport));
    test_run_until(w, a->lost && b->lost);
    test_pair(w, &a, &b);
    act_in_all(a, on_peer);
    OUTSIDE(rondo_transport_abort_with(a->transport, RONDO_EPROTO));
    test_run_until(w, a->lost);
}

TEST_LEAVES(G4_crossing_the_write_limits)
{
    struct peer *p = plain_peer(w, &recorder, 8192);
    rondo_transport *t = p->transport;
    static char bytes[65536];

    begin();
    act_in_all(p, on_peer);
    test_fill_transport(w, p);
    OUTSIDE(peer_set_limits(p, 1, 0));
    OUTSIDE(assert_ok(rondo_transport_write(t, bytes, sizeof bytes)));
    test_run_until(w, p->pauses == 1);
    OUTSIDE(peer_set_limits(p, 1 << 30, 1 << 29));
    test_run_until(w, p->resumes == 1);
    OUTSIDE(peer_set_limits(p, 1, 0));
    OUTSIDE(assert_int_equal(rondo_transport_write(t, bytes, 1), 1));
    test_run_until(w, p->pauses == 2);
}

TEST_LEAVES(G4_owned_data_that_goes_out_at_once)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    begin();
    OUTSIDE(assert_ok(rondo_transport_write_owned(p->transport, "data", 4,
                                                  on_release, NULL)));
    test_run_until(w, calls == 1);
    plain_hears(p, "data");
}

TEST(G4_owned_data_that_is_dropped)
{
    struct peer *p = plain_peer(w, &recorder, 8192);

    begin();
    test_fill_transport(w, p);
    OUTSIDE(assert_ok(rondo_transport_write_owned(p->transport, "data", 4,
                                                  on_release, NULL)));
    OUTSIDE(rondo_transport_abort(p->transport));
    test_run_until(w, p->lost);
    assert_int_equal(calls, 1);
}

TEST(G4_resuming_with_data_and_eof_waiting)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    begin();
    act_in_all(p, on_peer);
    act_pause(p);
    plain_send(p, "x");
    raw_shutdown_write(p->fd);
    test_spin(w, 5);
    OUTSIDE(act_resume(p));
    test_run_until(w, p->lost);
    assert_int_equal(calls, 3);
}

TEST_LEAVES(G4_set_protocol_with_writing_paused)
{
    struct peer *p = plain_peer(w, &recorder, 8192);
    struct peer *q = peer_successor(w, p);

    begin();
    act_in_all(q, on_peer);
    while (!rondo_transport_is_writing_paused(p->transport))
        (void)peer_write(p, 0, 200000);
    test_run_until(w, p->pauses == 1);
    OUTSIDE(peer_hand_over(p, &recorder));
    test_run_until(w, q->pauses == 1);
    assert_int_equal(calls, 1);
}

/* ---- from inside a callback --------------------------------------------- */

/* What ends others, from inside data_received. */
static void end_others(struct peer *p)
{
    struct listener *l = p->user;

    OUTSIDE(rondo_transport_abort(p->other->transport));
    OUTSIDE(rondo_transport_close(p->transport));
    OUTSIDE(rondo_transport_abort(p->transport));
    OUTSIDE(rondo_server_close(l->server));
    OUTSIDE(assert_ok(rondo_call_soon(p->w->loop, on_soon, p)));
    OUTSIDE(assert_ok(rondo_call_later(p->w->loop, 0, on_soon, p)));
}

TEST(G4_inside_a_callback_too)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;
    struct peer *a, *b;

    options.closed = closed_at_last;
    l = test_serve_with(w, &recorder, &options);
    test_pair(w, &a, &b);
    begin();
    act_in_all(a, on_peer);
    act_in_all(b, on_peer);
    a->on_bytes = end_others;
    a->user = l;
    assert_ok(rondo_transport_write(b->transport, "x", 1));
    test_run_until(w, a->lost && b->lost && l->closed && calls >= 5);
    assert_int_equal(calls, 5);
}
