/* test_connect_cancel.c - connects that are cancelled, or take too long. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "raw_net.h"

/* connects to a plain listener, so that the test knows when the kernel has
 * made the connection */
struct plain {
    raw_fd listener;
    uint16_t port;
};

static struct plain plain_new(void)
{
    struct plain s = {.port = 0};

    s.listener = raw_listen(&s.port, 16);
    assert_true(s.listener != RONDO_NO_FD);
    return s;
}

static rondo_id start(struct world *w, uint16_t port, struct peer *p)
{
    return assert_ok(
        dial(w, RONDO_CONNECT(.host = "127.0.0.1", .port = port), p));
}

static struct raw_black_hole *open_hole(struct world *w)
{
    struct raw_black_hole *hole = test_alloc(w, sizeof *hole);

    if (!raw_black_hole_open(hole))
        test_skip(w, "this system refuses where a queue is full");
    return hole;
}

/* Cancelled: done once with that, no other member, and nothing left. */
static void check_cancelled(struct world *w, struct peer *p, rondo_id id)
{
    assert_int_equal(p->connected, 0); /* not inside the call */
    test_run_until(w, p->connected);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    assert_error(rondo_cancel(w->loop, id), RONDO_ENOENT);
    test_spin(w, 5);
    assert_string_equal(p->order, "");
    assert_int_equal(test_metrics(w).live_operations, 0);
    assert_int_equal(test_metrics(w).live_transports, 0);
}

/* ---- C1: cancel wins until connection_made ------------------------------ */

TEST(C1_cancelled_before_the_first_iteration)
{
    struct plain s = plain_new();
    struct peer *p = test_peer(w);
    rondo_id id = start(w, s.port, p);

    w->expect_clean = true;
    assert_int_equal(rondo_cancel(w->loop, id), 0);
    (void)rondo_cancel(w->loop, id); /* again: harmless */
    check_cancelled(w, p, id);
    raw_close(s.listener);
}

TEST(C1_cancelled_after_the_kernel_has_connected)
{
    struct plain s = plain_new();
    struct peer *p = test_peer(w);
    rondo_id id = start(w, s.port, p);
    raw_fd accepted = RONDO_NO_FD;
    char byte;
    ptrdiff_t n = RAW_AGAIN;

    w->expect_clean = true;
    /* iterations until the handshake is under way, but none afterwards */
    for (int i = 0; i < 1000 && accepted == RONDO_NO_FD && !p->connected; i++) {
        accepted = raw_accept(s.listener, 10);
        if (accepted == RONDO_NO_FD)
            test_spin(w, 1);
    }
    assert_true(accepted != RONDO_NO_FD);
    test_skip_if(w, p->connected, "this backend connects within one iteration");
    assert_int_equal(rondo_cancel(w->loop, id), 0);
    check_cancelled(w, p, id);
    test_run_until(w, (n = raw_recv(accepted, &byte, 1, 0)) != RAW_AGAIN);
    assert_true(n == 0 || n == RAW_RESET);
    raw_close(accepted);
    raw_close(s.listener);
}

TEST(C1_cancelled_in_flight)
{
    struct raw_black_hole *hole = open_hole(w);
    struct peer *p = test_peer(w);
    rondo_id id = start(w, hole->port, p);

    w->expect_clean = true;
    test_spin(w, 5);
    assert_int_equal(p->connected, 0);
    assert_int_equal(test_metrics(w).live_operations, 1);
    assert_int_equal(rondo_cancel(w->loop, id), 0);
    check_cancelled(w, p, id);
    raw_black_hole_close(hole);
}

TEST(C1_refused_and_cancelled_is_done_once)
{
    w->expect_clean = true;
    for (int spins = 0; spins < 4; spins++) {
        struct peer *p = test_peer(w);
        rondo_id id = start(w, dial_dead_port(), p);
        int result;

        test_spin(w, spins);
        result = rondo_cancel(w->loop, id);
        test_run_until(w, p->connected);
        test_spin(w, 5);
        assert_int_equal(p->connected, 1);
        assert_int_equal(p->connect_error,
                         result == 0 ? RONDO_ECANCELED : RONDO_ECONNREFUSED);
        assert_string_equal(p->order, "");
    }
}

/* Both are connected when the loop looks; the first to be told cancels the
 * other, for which connection_made has not started. */
struct rivals {
    rondo_id id[2];
    struct peer *p[2];
    int result;
};

static void cancel_the_other(struct peer *p)
{
    struct rivals *r = p->user;
    int me = r->p[1] == p;

    r->result += rondo_cancel(p->w->loop, r->id[!me]);
}

static void check_rivals(struct world *w, bool in_made)
{
    struct plain s = plain_new();
    struct rivals *r = test_alloc(w, sizeof *r);
    raw_fd accepted[2];

    for (int i = 0; i < 2; i++) {
        r->p[i] = test_peer(w);
        r->p[i]->user = r;
        if (in_made)
            r->p[i]->on_made = cancel_the_other;
        else
            r->p[i]->on_connected = cancel_the_other;
        r->id[i] = start(w, s.port, r->p[i]);
    }
    test_spin(w, 1);
    for (int i = 0; i < 2; i++)
        accepted[i] = raw_accept(s.listener, 1000);
    test_run_until(w, r->p[0]->connected && r->p[1]->connected);
    test_spin(w, 5);
    assert_int_equal(r->p[0]->made + r->p[1]->made, 1);
    assert_int_equal(r->p[0]->connect_error + r->p[1]->connect_error,
                     RONDO_ECANCELED);
    for (int i = 0; i < 2; i++)
        raw_close(accepted[i]);
    raw_close(s.listener);
}

TEST(C1_cancelled_by_another_in_the_same_iteration)
{
    check_rivals(w, true);
    check_rivals(w, false);
}

static void cancel_own(struct peer *p)
{
    const struct rivals *r = p->user;

    assert_error(rondo_cancel(p->w->loop, r->id[0]), RONDO_ENOENT);
}

TEST(C1_too_late_to_cancel_in_connection_made)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_peer(w);
    struct rivals *r = test_alloc(w, sizeof *r);

    p->user = r;
    p->on_made = p->on_connected = cancel_own;
    r->id[0] = start(w, l->port, p);
    dial_ends(w, p, 0);
    assert_error(rondo_cancel(w->loop, r->id[0]), RONDO_ENOENT);
    test_spin(w, 5);
    assert_string_equal(p->order, "M"); /* it lives */
}

static void cancel_in_timer(rondo_loop *loop, void *arg)
{
    const struct rivals *r = arg;

    (void)rondo_cancel(loop, r->id[0]);
}

/* at whatever moment: done is called once, with the truth */
TEST(C1_cancelled_at_any_moment)
{
    struct plain s = plain_new();

    for (int i = 0; i < 60; i++) {
        struct rivals *r = test_alloc(w, sizeof *r);
        raw_fd accepted;

        r->p[0] = test_peer(w);
        r->id[0] = start(w, s.port, r->p[0]);
        assert_ok(
            rondo_call_later(w->loop, RONDO_US(5) * i, cancel_in_timer, r));
        test_run_until(w, r->p[0]->connected);
        test_spin(w, 2);
        assert_int_equal(r->p[0]->connected, 1);
        if (r->p[0]->connect_error)
            assert_int_equal(r->p[0]->connect_error, RONDO_ECANCELED);
        else
            rondo_transport_abort(r->p[0]->transport);
        test_run_until(w, r->p[0]->lost == r->p[0]->made);
        accepted = raw_accept(s.listener, 0);
        raw_close(accepted);
    }
    raw_close(s.listener);
}

/* ---- C1: the loop closes ------------------------------------------------ */

TEST(C1_loop_closes_before_the_first_iteration)
{
    struct plain s = plain_new();
    struct peer *p = test_peer(w);

    (void)start(w, s.port, p);
    test_close_loop(w);
    assert_int_equal(p->connected, 1);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    assert_string_equal(p->order, "");
    raw_close(s.listener);
}

TEST(C1_loop_closes_while_connecting)
{
    struct raw_black_hole *hole = open_hole(w);
    struct peer *p = test_peer(w);

    (void)start(w, hole->port, p);
    test_spin(w, 5);
    test_close_loop(w);
    assert_int_equal(p->connected, 1);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    assert_string_equal(p->order, "");
    raw_black_hole_close(hole);
}

/* ---- timeouts ----------------------------------------------------------- */

static rondo_id start_timed(struct world *w, uint16_t port, int64_t timeout_ns,
                            struct peer *p)
{
    return assert_ok(dial(w,
                          RONDO_CONNECT(.host = "127.0.0.1", .port = port,
                                        .timeout_ns = timeout_ns),
                          p));
}

TEST(C1_timeout_ends_a_connect_that_hangs)
{
    struct raw_black_hole *hole = open_hole(w);
    struct peer *p = test_peer(w);
    int64_t until = rondo_loop_time(w->loop) + RONDO_MS(20);
    char text[32];

    w->expect_clean = true;
    (void)start_timed(w, hole->port, RONDO_MS(20), p);
    dial_ends(w, p, RONDO_ETIMEDOUT);
    assert_true(rondo_loop_time(w->loop) >= until);
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)hole->port);
    assert_true(strstr(p->last_error, text) != NULL);
    test_spin(w, 5);
    assert_string_equal(p->order, "");
    raw_black_hole_close(hole);
}

TEST(C1_no_timeout_waits)
{
    static const int64_t none[] = {0, RONDO_NEVER, RONDO_NEVER - 1,
                                   RONDO_SEC(100)};
    struct raw_black_hole *hole = open_hole(w);
    struct peer *p[4];
    rondo_id id[4];

    w->expect_clean = true;
    for (int i = 0; i < 4; i++) {
        p[i] = test_peer(w);
        id[i] = start_timed(w, hole->port, none[i], p[i]);
    }
    assert_true(test_run_for(w, RONDO_MS(50)) < 50); /* nothing spins */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(p[i]->connected, 0);
        assert_int_equal(rondo_cancel(w->loop, id[i]), 0);
    }
    test_run_loop(w);
    for (int i = 0; i < 4; i++)
        assert_int_equal(p[i]->connect_error, RONDO_ECANCELED);
    raw_black_hole_close(hole);
}

TEST(C1_timeout_is_over_once_connected)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_peer(w);

    (void)start_timed(w, l->port, RONDO_SEC(100), p);
    dial_ends(w, p, 0);
    assert_int_equal(test_metrics(w).live_timers, 0);
    assert_int_equal(test_metrics(w).live_operations, 0);
    (void)start_timed(w, l->port, RONDO_MS(20), p = test_peer(w));
    test_run_until(w, p->connected);
    if (p->connect_error == 0) { /* unless the machine was that slow */
        (void)test_run_for(w, RONDO_MS(40));
        assert_string_equal(p->order, "M");
    }
}

TEST(C1_timeout_of_one_nanosecond)
{
    struct listener *l = test_serve(w);

    for (int i = 0; i < 20; i++) {
        struct peer *p = test_peer(w);

        (void)start_timed(w, l->port, 1, p);
        test_run_until(w, p->connected);
        if (p->connect_error)
            assert_int_equal(p->connect_error, RONDO_ETIMEDOUT);
        test_spin(w, 3);
        assert_int_equal(p->connected, 1);
    }
    assert_int_equal(test_metrics(w).live_operations, 0);
}

TEST(C1_cancelled_before_its_timeout)
{
    struct raw_black_hole *hole = open_hole(w);
    struct peer *p = test_peer(w);
    rondo_id id = start_timed(w, hole->port, RONDO_MS(10), p);
    int result;

    w->expect_clean = true;
    test_spin(w, 2);
    result = rondo_cancel(w->loop, id); /* in time on most machines */
    (void)test_run_for(w, RONDO_MS(30));
    assert_int_equal(p->connected, 1);
    assert_int_equal(p->connect_error,
                     result == 0 ? RONDO_ECANCELED : RONDO_ETIMEDOUT);
    raw_black_hole_close(hole);
}

TEST(C1_a_background_connect_keeps_no_loop_running)
{
    struct raw_black_hole *hole = open_hole(w);
    struct peer *p = test_peer(w);
    rondo_id id = start(w, hole->port, p);

    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_int_equal(rondo_set_background(w->loop, id, true), 0);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(p->connected, 0);
    assert_int_equal(rondo_cancel(w->loop, id), 0);
    test_run_until(w, p->connected);
    assert_error(rondo_set_background(w->loop, id, true), RONDO_ENOENT);
    raw_black_hole_close(hole);
}
