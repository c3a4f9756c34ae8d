/* test_filter_connect.c - filters of a connect: handshake, timeout, cancel. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "harness_filter.h"

/* A connect with a filter, to a plain listener that need not be closed. */
struct scene {
    struct peer *p;
    struct toy *y;
    raw_fd listener;
    rondo_id id;
};

static struct scene start(struct world *w, int64_t timeout_ns)
{
    struct scene s = {.p = test_peer(w), .y = test_toy(w, 7)};
    uint16_t port;

    s.listener = test_own(w, raw_listen(&port, 5));
    s.id = assert_ok(toy_connect(w, port, s.y, s.p, timeout_ns));
    test_run_until(w, s.y->started || (timeout_ns && s.p->connected));
    return s;
}

TEST(C1_a_failed_handshake_is_dones)
{
    struct scene s = start(w, 0);
    raw_fd fd = test_own(w, raw_accept(s.listener, 1000));

    assert_true(raw_send_all(fd, "220 hi", 6, 1000));
    dial_ends(w, s.p, RONDO_EPROTO);
    assert_non_null(strstr(s.p->last_error, "toy: no hello"));
    assert_non_null(strstr(s.p->last_error, "127.0.0.1"));
    assert_int_equal(s.y->lost, 1);
    assert_int_equal(s.p->made, 0);
}

TEST(C2_the_timeout_covers_the_handshake)
{
    struct scene s = start(w, RONDO_MS(30));

    /* a busy machine may need as long for the connect alone */
    for (int64_t longer = 60; !s.y->started; longer *= 2) {
        assert_int_equal(s.p->connect_error, RONDO_ETIMEDOUT);
        s = start(w, RONDO_MS(longer));
    }
    dial_ends(w, s.p, RONDO_ETIMEDOUT);
    assert_int_equal(s.y->started, 1);
    assert_int_equal(s.y->error, RONDO_ETIMEDOUT);
    assert_int_equal(s.y->lost, 1);
}

TEST(C1_cancel_wins_until_the_handshakes_end)
{
    struct scene s = start(w, 0);
    raw_fd fd = test_own(w, raw_accept(s.listener, 1000));

    toy_raw_hello(fd, 3); /* on its way, but not yet seen */
    assert_int_equal(rondo_cancel(w->loop, s.id), 0);
    assert_error(rondo_cancel(w->loop, s.id), RONDO_ENOENT);
    dial_ends(w, s.p, RONDO_ECANCELED);
    assert_int_equal(s.p->made, 0);
    assert_int_equal(s.y->lost, 1);
}

static int cancel_in_setup(rondo_transport *t, void *arg)
{
    struct toy *y = arg;

    toy_push(t, y);
    assert_int_equal(rondo_cancel(y->w->loop, *(rondo_id *)y->user), 0);
    return 0;
}

static int fail_in_setup(rondo_transport *t, void *arg)
{
    toy_push(t, arg);
    return RONDO_EACCES;
}

static void check_setup(struct world *w, rondo_setup_fn setup, int error)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    rondo_id *id = test_alloc(w, sizeof *id);

    y->user = id;
    *id = dial(w,
               RONDO_CONNECT(.host = "127.0.0.1", .port = l->port,
                             .setup = setup, .setup_arg = y),
               p);
    assert_ok(*id);
    dial_ends(w, p, error);
    assert_int_equal(y->lost, 1);
    assert_int_equal(y->started, 0);
    assert_int_equal(y->done, 1);
    assert_error(rondo_cancel(w->loop, *id), RONDO_ENOENT);
    test_stop(l);
}

TEST_CASE(C1_cancel_inside_setup,
          check_setup(w, cancel_in_setup, RONDO_ECANCELED));

TEST_CASE(C1_a_setup_that_refuses, check_setup(w, fail_in_setup, RONDO_EACCES));

TEST_LEAVES(C4_an_adopted_socket_is_set_up_too)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_own(w, fds[1]);
    assert_ok(dial(
        w, RONDO_CONNECT(.socket = &fds[0], .setup = toy_setup, .setup_arg = y),
        p));
    test_run_until(w, y->started);
    assert_int_equal(p->connected, 0);
    toy_raw_hello(fds[1], 3);
    dial_ends(w, p, 0);
}

/* what keeps the loop alive during a handshake is the connect */
TEST(L3_a_background_handshake_keeps_nothing_alive)
{
    struct scene s = start(w, 0);

    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_ok(rondo_set_background(w->loop, s.id, true));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    test_close_loop(w);
    assert_int_equal(s.p->connected, 1);
    assert_int_equal(s.p->connect_error, RONDO_ECANCELED);
    assert_int_equal(s.y->lost, 1);
}
