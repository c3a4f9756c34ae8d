/* test_connect_cancel.c - connects that are cancelled, or take too long. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "harness_names.h"
#include "raw_process.h"

/* ---- the stages of a connect -------------------------------------------- */

struct attempt {
    struct world *w;
    int64_t timeout_ns;
    struct peer *p;
    const char *target;
    size_t before;            /* descriptors */
    bool has_thread;          /* whose handle may count as one */
    raw_fd accepted, unasked; /* the other end; a listener for no one */
};

typedef void reach_fn(struct attempt *a);

static void begin(struct attempt *a, const char *host, uint16_t port)
{
    a->target = host;
    a->before = raw_count_descriptors();
    a->p = dial_new(a->w, RONDO_CONNECT(.host = host, .port = port,
                                        .happy_eyeballs_delay_ns = 1,
                                        .timeout_ns = a->timeout_ns));
}

/* A plain listener's port: the test knows when the kernel has connected. */
static raw_fd plain_listener(struct world *w, uint16_t *port)
{
    *port = 0;
    return test_own(w, raw_listen(port, 16));
}

static void unstarted(struct attempt *a)
{
    uint16_t port;

    (void)plain_listener(a->w, &port);
    begin(a, "127.0.0.1", port);
}

static void connected_by_the_kernel(struct attempt *a)
{
    uint16_t port;
    raw_fd listener = plain_listener(a->w, &port);

    begin(a, "127.0.0.1", port);
    /* iterations until the handshake is under way, but none afterwards */
    for (int i = 0; i < 1000 && !a->p->connected; i++) {
        a->accepted = raw_accept(listener, 10);
        if (a->accepted != RONDO_NO_FD)
            break;
        test_spin(a->w, 1);
    }
    (void)test_own(a->w, a->accepted);
    a->before++;
    test_skip_if(a->w, a->p->connected,
                 "this backend connects within one iteration");
}

static void hanging(struct attempt *a)
{
    uint16_t port = dial_hole(a->w, "127.0.0.1", 0)->port;

    begin(a, "127.0.0.1", port);
    a->target = test_format(a->w, "127.0.0.1:%u", (unsigned)port);
    test_spin(a->w, 5);
}

static void looking_up(struct attempt *a)
{
    uint16_t port;

    names_replace(a->w);
    a->has_thread = true;
    a->unasked = plain_listener(a->w, &port);
    begin(a, "a.slow.test", port);
    test_run_until(a->w, raw_names_waiting() == 1 || a->p->connected);
}

/* ... and the loop has not looked yet */
static void looked_up(struct attempt *a)
{
    looking_up(a);
    raw_names_release();
    while (raw_names_waiting() > 0)
        raw_sleep_ms(1);
    raw_sleep_ms(5); /* for the thread to hand it on */
}

static void racing(struct attempt *a)
{
    static const char *const ips[] = {"127.0.0.2", "127.0.0.2", "127.0.0.2",
                                      NULL};
    uint16_t port = dial_hole(a->w, "127.0.0.2", 0)->port;

    dial_resolves_to(a->w, ips);
    begin(a, "some.where", port);
    test_run_until(a->w,
                   a->p->connected || raw_count_descriptors() == a->before + 3);
}

static struct attempt *come_to(struct world *w, reach_fn *reach,
                               int64_t timeout_ns)
{
    struct attempt *a = test_alloc(w, sizeof *a);

    a->w = w;
    a->timeout_ns = timeout_ns;
    a->accepted = a->unasked = RONDO_NO_FD;
    reach(a);
    return a;
}

/* Done once with that, no other member, and nothing left; nor does an answer
 * that comes late change that. */
static void check_ended(struct attempt *a, int error)
{
    struct world *w = a->w;

    dial_ends(w, a->p, error);
    assert_error(rondo_cancel(w->loop, a->p->id), RONDO_ENOENT);
    if (!a->has_thread)
        assert_int_equal(raw_count_descriptors(), a->before);
    names_release(w);
    (void)test_run_for(w, RONDO_MS(5));
    assert_int_equal(a->p->connected, 1);
    assert_string_equal(a->p->order, "");
    assert_int_equal(test_metrics(w).live_operations, 0);
    if (a->accepted != RONDO_NO_FD)
        test_ends_raw(w, a->accepted);
    if (a->unasked != RONDO_NO_FD)
        assert_true(raw_accept(a->unasked, 0) == RONDO_NO_FD);
}

/* ---- C1, C2: cancel wins until connection_made -------------------------- */

static void cancel_when(struct world *w, reach_fn *reach)
{
    struct attempt *a = come_to(w, reach, 0);
    unsigned look_ups = raw_names_waiting();

    assert_int_equal(a->p->connected, 0);
    assert_int_equal(test_metrics(w).live_operations, 1);
    assert_int_equal(rondo_cancel(w->loop, a->p->id), 0);
    assert_error(rondo_cancel(w->loop, a->p->id), RONDO_ENOENT);
    assert_int_equal(a->p->connected, 0); /* not inside the call */
    test_run_until(w, a->p->connected);
    assert_int_equal(raw_names_waiting(), look_ups); /* they hang still */
    check_ended(a, RONDO_ECANCELED);
}

TEST_CASE(C1_cancelled_before_the_first_iteration, cancel_when(w, unstarted));
TEST_CASE(C1_cancelled_after_the_kernel_has_connected,
          cancel_when(w, connected_by_the_kernel));
TEST_CASE(C1_cancelled_in_flight, cancel_when(w, hanging));
TEST_CASE(C2_cancel_during_the_look_up, cancel_when(w, looking_up));
TEST_CASE(C2_cancel_after_the_answer, cancel_when(w, looked_up));
TEST_CASE(C2_cancelling_closes_every_socket, cancel_when(w, racing));

/* At whatever moment: done is called once, with the truth. */
static void cancel_after(struct world *w, struct peer *p, int spins, int error)
{
    int result;

    test_spin(w, spins);
    result = rondo_cancel(w->loop, p->id);
    dial_ends(w, p, result == 0 ? RONDO_ECANCELED : error);
    test_spin(w, 5);
    assert_int_equal(p->connected, 1);
    if (p->transport)
        rondo_transport_abort(p->transport);
    test_run_until(w, p->lost == p->made);
}

TEST(C1_refused_and_cancelled_is_done_once)
{
    for (int spins = 0; spins < 4; spins++) {
        struct peer *p = test_connect(w, dial_dead_port());

        cancel_after(w, p, spins, RONDO_ECONNREFUSED);
        assert_string_equal(p->order, "");
    }
}

TEST_LEAVES(C2_cancelled_at_each_moment_of_a_race)
{
    static const char *const ips[] = {"127.0.0.2", "127.0.0.1", NULL};
    struct listener *l = dial_serve(w, "127.0.0.2");
    unsigned canceled = 0;

    (void)dial_hole(w, "127.0.0.2", l->port);
    dial_resolves_to(w, ips);
    for (int i = 0; i < 60; i++) {
        struct peer *p =
            dial_new(w, RONDO_CONNECT(.host = "some.where", .port = l->port,
                                      .happy_eyeballs_delay_ns = 1));

        cancel_after(w, p, i % 12, 0);
        canceled += p->connect_error == RONDO_ECANCELED;
    }
    assert_true(canceled > 0);
    rondo_server_close_clients(l->server);
    test_run_until(w, test_metrics(w).live_transports == 0);
}

static void cancel_it(rondo_loop *loop, void *arg)
{
    (void)rondo_cancel(loop, ((struct peer *)arg)->id);
}

TEST_LEAVES(C1_cancelled_by_a_timer_at_any_moment)
{
    uint16_t port;
    raw_fd listener = plain_listener(w, &port);

    for (int i = 0; i < 60; i++) {
        struct peer *p = test_connect(w, port);

        assert_ok(rondo_call_later(w->loop, RONDO_US(5) * i, cancel_it, p));
        test_run_until(w, p->connected);
        test_spin(w, 2);
        assert_int_equal(p->connected, 1);
        if (p->connect_error)
            assert_int_equal(p->connect_error, RONDO_ECANCELED);
        else
            rondo_transport_abort(p->transport);
        test_run_until(w, p->lost == p->made);
        raw_close(raw_accept(listener, 0));
    }
}

/* Both are connected when the loop looks; the first to be told cancels the
 * other, for which connection_made has not started. */
static void cancel_the_other(struct peer *p)
{
    if (!p->other->connected)
        assert_int_equal(rondo_cancel(p->w->loop, p->other->id), 0);
}

static void check_rivals(struct world *w, bool in_made)
{
    uint16_t port;
    raw_fd listener = plain_listener(w, &port), accepted[2];
    struct peer *p[2];

    for (int i = 0; i < 2; i++) {
        p[i] = test_connect(w, port);
        if (in_made)
            p[i]->on_made = cancel_the_other;
        else
            p[i]->on_connected = cancel_the_other;
    }
    p[0]->other = p[1];
    p[1]->other = p[0];
    test_spin(w, 1);
    for (int i = 0; i < 2; i++)
        accepted[i] = raw_accept(listener, 1000);
    test_run_until(w, p[0]->connected && p[1]->connected);
    test_spin(w, 5);
    assert_int_equal(p[0]->made + p[1]->made, 1);
    assert_int_equal(p[0]->connect_error + p[1]->connect_error,
                     RONDO_ECANCELED);
    raw_close_pair(accepted);
}

TEST_LEAVES(C1_cancelled_by_another_in_the_same_iteration)
{
    check_rivals(w, true);
    check_rivals(w, false);
}

static void cancel_own(struct peer *p)
{
    assert_error(rondo_cancel(p->w->loop, p->id), RONDO_ENOENT);
}

TEST_LEAVES(C1_too_late_to_cancel_in_connection_made)
{
    struct peer *p = test_connect(w, test_serve(w)->port);

    p->on_made = p->on_connected = cancel_own;
    dial_ends(w, p, 0);
    cancel_own(p);
    test_spin(w, 5);
    assert_string_equal(p->order, "M"); /* it lives */
}

/* ---- the loop closes ---------------------------------------------------- */

/* It neither waits for a look-up nor leaves any memory: its allocator may be
 * gone as soon as the loop is, and a late answer must do no damage. */
static void close_when(struct world *w, reach_fn *reach)
{
    struct attempt *a = come_to(w, reach, 0);
    unsigned look_ups = raw_names_waiting();

    test_close_loop(w);
    assert_int_equal(test_live_blocks(w), 0);
    assert_int_equal(raw_names_waiting(), look_ups);
    assert_int_equal(a->p->connected, 1);
    assert_int_equal(a->p->connect_error, RONDO_ECANCELED);
    assert_string_equal(a->p->order, "");
    /* on Windows a thread has a handle, which comes and goes meanwhile */
    w->allow_descriptors = !raw_has_signals() || raw_is_simulated();
    assert_true(raw_count_descriptors() < a->before + w->allow_descriptors);
    names_release(w);
    raw_sleep_ms(2);
    assert_int_equal(a->p->connected, 1);
}

static void looking_up_cancelled(struct attempt *a)
{
    looking_up(a);
    assert_int_equal(rondo_cancel(a->w->loop, a->p->id), 0);
    test_run_until(a->w, a->p->connected);
}

TEST_CASE(C1_loop_closes_before_the_first_iteration, close_when(w, unstarted));
TEST_CASE(C1_loop_closes_while_connecting, close_when(w, hanging));
TEST_CASE(C2_loop_closes_during_the_look_up, close_when(w, looking_up));
TEST_CASE(C2_loop_closes_after_a_cancelled_look_up,
          close_when(w, looking_up_cancelled));
TEST_CASE(C2_closing_the_loop_closes_every_socket, close_when(w, racing));

/* ---- timeouts ----------------------------------------------------------- */

static void time_out(struct world *w, reach_fn *reach)
{
    int64_t until = rondo_loop_time(w->loop) + RONDO_MS(20);
    struct attempt *a = come_to(w, reach, RONDO_MS(20));

    check_ended(a, RONDO_ETIMEDOUT);
    assert_true(rondo_loop_time(w->loop) >= until);
    assert_non_null(strstr(a->p->last_error, a->target));
}

TEST_CASE(C1_timeout_ends_a_connect_that_hangs, time_out(w, hanging));
TEST_CASE(C2_the_timeout_covers_the_look_up, time_out(w, looking_up));
TEST_CASE(C2_the_timeout_covers_the_race, time_out(w, racing));

static struct peer *start_timed(struct world *w, uint16_t port,
                                int64_t timeout_ns)
{
    return dial_new(w, RONDO_CONNECT(.host = "127.0.0.1", .port = port,
                                     .timeout_ns = timeout_ns));
}

TEST(C1_no_timeout_waits)
{
    static const int64_t none[] = {0, RONDO_NEVER, RONDO_NEVER - 1,
                                   RONDO_SEC(100)};
    struct raw_black_hole *hole = dial_hole(w, "127.0.0.1", 0);
    struct peer *p[4];

    for (int i = 0; i < 4; i++)
        p[i] = start_timed(w, hole->port, none[i]);
    assert_true(test_run_for(w, RONDO_MS(50)) < 50); /* nothing spins */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(p[i]->connected, 0);
        assert_int_equal(rondo_cancel(w->loop, p[i]->id), 0);
        dial_ends(w, p[i], RONDO_ECANCELED);
    }
}

TEST_LEAVES(C1_timeout_is_over_once_connected)
{
    struct listener *l = test_serve(w);
    struct peer *p = start_timed(w, l->port, RONDO_SEC(100));

    dial_ends(w, p, 0);
    assert_int_equal(test_metrics(w).live_timers, 0);
    assert_int_equal(test_metrics(w).live_operations, 0);
    p = start_timed(w, l->port, RONDO_MS(20));
    test_run_until(w, p->connected);
    if (p->connect_error == 0) { /* unless the machine was that slow */
        (void)test_run_for(w, RONDO_MS(40));
        assert_string_equal(p->order, "M");
    }
}

TEST_LEAVES(C1_timeout_of_one_nanosecond)
{
    struct listener *l = test_serve(w);

    for (int i = 0; i < 20; i++) {
        struct peer *p = start_timed(w, l->port, 1);

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
    struct raw_black_hole *hole = dial_hole(w, "127.0.0.1", 0);
    struct peer *p = start_timed(w, hole->port, RONDO_MS(10));
    int result;

    test_spin(w, 2);
    result = rondo_cancel(w->loop, p->id); /* in time on most machines */
    (void)test_run_for(w, RONDO_MS(30));
    dial_ends(w, p, result == 0 ? RONDO_ECANCELED : RONDO_ETIMEDOUT);
}

/* ---- what keeps the loop running ---------------------------------------- */

static void run_in_background(struct world *w, reach_fn *reach)
{
    struct attempt *a = come_to(w, reach, 0);

    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_int_equal(rondo_set_background(w->loop, a->p->id, true), 0);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(a->p->connected, 0);
    assert_int_equal(rondo_cancel(w->loop, a->p->id), 0);
    check_ended(a, RONDO_ECANCELED);
    assert_error(rondo_set_background(w->loop, a->p->id, true), RONDO_ENOENT);
}

TEST_CASE(C1_a_background_connect_keeps_no_loop_running,
          run_in_background(w, hanging));
TEST_CASE(C2_a_look_up_keeps_the_loop_running,
          run_in_background(w, looking_up));
TEST_CASE(C2_a_race_in_the_background, run_in_background(w, racing));
