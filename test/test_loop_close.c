/* test_loop_close.c - closing a loop with everything in it. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"
#include "harness_names.h"

/* ---- L5: callbacks, timers, posts --------------------------------------- */

TEST(L5_callbacks_and_timers_are_dropped)
{
    unsigned *n = test_counter(w);

    for (int i = 0; i < 500; i++) {
        assert_ok(rondo_call_soon(w->loop, count_call, n));
        assert_ok(rondo_call_later(w->loop, i, count_call, n));
        assert_ok(rondo_call_every(w->loop, 1, count_call, n));
    }
    test_close_loop(w);
    assert_int_equal(*n, 0);
}

TEST(L5_posts_accepted_before_are_run)
{
    rondo_remote *remote = rondo_loop_remote(w->loop);
    unsigned *n = test_counter(w);

    for (int i = 0; i < 10000; i++) {
        assert_ok(rondo_call_soon_threadsafe(w->loop, count_call, n));
        assert_ok(rondo_remote_call(remote, count_call, n));
    }
    test_close_loop(w);
    assert_int_equal(*n, 20000);
    assert_error(rondo_remote_call(remote, count_call, n), RONDO_ECLOSED);
    rondo_remote_release(remote);
    assert_int_equal(*n, 20000);
}

/* ---- L5: creating meanwhile --------------------------------------------- */

struct late {
    struct world *w;
    unsigned called, ran;
    raw_fd spare;
};

static void create_late(rondo_loop *loop, struct late *l)
{
    unsigned *ran = &l->ran;
    raw_fd fd = l->spare;
    struct peer *p = test_peer(l->w);
    const int64_t results[] = {
        rondo_call_soon(loop, count_call, ran),
        rondo_call_soon_threadsafe(loop, count_call, ran),
        rondo_call_later(loop, 0, count_call, ran),
        rondo_call_at(loop, 0, count_call, ran),
        rondo_call_every(loop, 1, count_call, ran),
        rondo_add_reader(loop, fd, count_fd, ran),
        rondo_add_writer(loop, fd, count_fd, ran),
        rondo_connect_accepted_socket(loop, fd, &recorder, p, NULL),
        rondo_create_connection(loop,
                                RONDO_CONNECT(.host = "127.0.0.1", .port = 1),
                                &recorder, p, NULL, NULL),
        rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), &recorder,
                            p, NULL)};

    l->called++;
    for (size_t i = 0; i < COUNT_OF(results); i++)
        assert_error(results[i], RONDO_ECLOSED);
}

static void late_post(rondo_loop *loop, void *arg)
{
    create_late(loop, arg);
}

static void late_peer(struct peer *p)
{
    create_late(p->w->loop, p->user);
}

static void late_closed(rondo_server *server, void *arg)
{
    struct listener *l = arg;

    l->closed++;
    create_late(rondo_server_loop(server), l->model.user);
}

/* In a last post, connection_lost, a connect's done and a server's closed. */
TEST(L5_creating_in_a_last_callback_is_eclosed)
{
    struct late *l = test_alloc(w, sizeof *l);
    struct listener *server =
        test_serve_with(w, &recorder, RONDO_SERVE(.closed = late_closed));
    struct peer *lost = test_peer(w);
    struct peer *connect;

    l->w = w;
    l->spare = test_sockets(w)[0];
    server->model.user = lost->user = l;
    lost->on_lost = late_peer;
    (void)test_own(w, test_raw_peer(w, &recorder, lost, 0));
    connect = test_connect(w, server->port);
    connect->user = l;
    connect->on_connected = late_peer;
    assert_ok(rondo_call_soon_threadsafe(w->loop, late_post, l));
    test_close_loop(w);
    assert_int_equal(l->called, 4);
    assert_int_equal(l->ran, 0);
    assert_int_equal(lost->error, RONDO_ECLOSED);
    assert_int_equal(connect->connect_error, RONDO_ECANCELED);
    assert_int_equal(server->closed, 1);
}

/* ---- L5: handles and operations ----------------------------------------- */

static void check_cancelled(struct world *w, const char *host, uint16_t port)
{
    struct peer *p[50];

    for (int i = 0; i < 50; i++)
        p[i] = dial_new(w, RONDO_CONNECT(.host = host, .port = port));
    if (strcmp(host, "127.0.0.1") != 0)
        test_run_until(w, raw_names_waiting() > 0);
    test_close_loop(w);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(p[i]->connected, 1);
        assert_int_equal(p[i]->connect_error, RONDO_ECANCELED);
        assert_int_equal(p[i]->made, 0);
        assert_non_null(strstr(p[i]->last_error, "create_connection"));
    }
}

TEST(L5_a_pending_connect_is_cancelled)
{
    struct listener *l = test_serve(w);

    check_cancelled(w, "127.0.0.1", l->port);
    assert_int_equal(l->closed, 1);
}

TEST(L5_a_pending_look_up_is_cancelled)
{
    names_replace(w);
    check_cancelled(w, "a.slow.test", 1);
    raw_names_release();
}

TEST(L5_watchers_are_gone)
{
    unsigned *n = test_counter(w);
    const raw_fd *fds = test_sockets(w);

    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    assert_ok(rondo_add_reader(w->loop, fds[0], count_fd, n));
    assert_ok(rondo_add_writer(w->loop, fds[0], count_fd, n));
    test_close_loop(w);
    assert_int_equal(*n, 0);
    assert_true(raw_fd_valid(fds[0])); /* the program's, still */
}

static void close_with_data(struct world *w, bool closing)
{
    struct peer *p = test_peer(w);
    unsigned *n = test_counter(w);
    raw_fd fd = test_own(w, test_raw_peer(w, &recorder, p, 8192));
    char piece[4096];
    ptrdiff_t got;

    test_fill_transport(w, p);
    for (int i = 0; i < 10; i++)
        assert_ok(rondo_transport_write_owned(p->transport, "owned", 5,
                                              count_release, n));
    if (closing)
        rondo_transport_close(p->transport);
    test_spin(w, 3);
    assert_string_equal(p->order, "M");
    test_close_loop(w);
    assert_int_equal(*n, 10);
    assert_string_equal(p->order, "ML");
    assert_int_equal(p->error, RONDO_ECLOSED);
    do {
        got = raw_recv(fd, piece, sizeof piece, 10000);
    } while (got > 0);
    assert_int_equal(got, RAW_RESET); /* never taken for an end */
}

TEST_CASE(L5_buffered_data_is_dropped_and_released, close_with_data(w, false));
TEST_CASE(L5_a_transport_that_is_closing_is_told_once,
          close_with_data(w, true));

TEST(L5_servers_are_closed)
{
    struct listener *l = test_serve(w);
    raw_fd fd = test_own(w, raw_connect(l->port)); /* which waits */
    char byte;

    test_close_loop(w);
    assert_int_equal(l->closed, 1);
    assert_int_equal(l->count, 0);
    assert_true(raw_recv(fd, &byte, 1, 10000) <= 0);
    assert_true(raw_connect(l->port) == RONDO_NO_FD);
}

/* ---- L5: many ----------------------------------------------------------- */

/* Both ends of each connection live in the loop. */
TEST(L5_a_thousand_transports_are_each_told)
{
    struct listener *l = test_serve(w);
    int64_t room = rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTORS) - 24;
    unsigned clients = room < 1000 ? (unsigned)(room / 2) : 500;

    for (unsigned i = 0; i < clients; i++)
        (void)test_client(w, l);
    assert_int_equal(test_metrics(w).live_transports, 2 * clients);
    test_close_loop(w);
    for (const struct peer *q = l->first; q; q = q->next) {
        assert_string_equal(q->order, "ML");
        assert_int_equal(q->error, RONDO_ECLOSED);
        assert_string_equal(q->other->order, "ML");
        assert_int_equal(q->other->error, RONDO_ECLOSED);
    }
    assert_int_equal(l->closed, 1);
}

/* Whoever is told ends all the others, which is harmless. */
static struct peer *crowd[20];

static void end_the_crowd(struct peer *p)
{
    for (int i = 0; i < 20; i++) {
        rondo_transport_close(crowd[i]->transport);
        rondo_transport_abort(crowd[i]->transport);
    }
    rondo_loop_stop(p->w->loop);
}

TEST(L5_ending_others_while_closing)
{
    raw_fd fds[20];

    for (int i = 0; i < 20; i++) {
        crowd[i] = test_peer(w);
        crowd[i]->on_lost = end_the_crowd;
        fds[i] = test_raw_peer(w, &recorder, crowd[i], 0);
    }
    test_close_loop(w);
    for (int i = 0; i < 20; i++) {
        assert_string_equal(crowd[i]->order, "ML");
        assert_int_equal(crowd[i]->error, RONDO_ECLOSED);
        raw_close(fds[i]);
    }
}

TEST(L5_closing_an_untouched_loop)
{
    test_close_loop(w);
    for (int i = 0; i < 50; i++) {
        (void)test_other_loop(w);
        test_close_other(w);
    }
}
