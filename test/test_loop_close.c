/* test_loop_close.c - closing a loop with everything in it. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_net.h"

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
    raw_fd spare[2];
};

static void create_late(rondo_loop *loop, struct late *l)
{
    unsigned *ran = &l->ran;
    raw_fd fd = l->spare[0];
    struct peer *p = test_peer(l->w);

    l->called++;
    assert_error(rondo_call_soon(loop, count_call, ran), RONDO_ECLOSED);
    assert_error(rondo_call_soon_threadsafe(loop, count_call, ran),
                 RONDO_ECLOSED);
    assert_error(rondo_call_later(loop, 0, count_call, ran), RONDO_ECLOSED);
    assert_error(rondo_call_at(loop, 0, count_call, ran), RONDO_ECLOSED);
    assert_error(rondo_call_every(loop, 1, count_call, ran), RONDO_ECLOSED);
    assert_error(rondo_add_reader(loop, fd, count_fd, ran), RONDO_ECLOSED);
    assert_error(rondo_add_writer(loop, fd, count_fd, ran), RONDO_ECLOSED);
    assert_error(rondo_connect_accepted_socket(loop, fd, &recorder, p, NULL),
                 RONDO_ECLOSED);
    assert_error(rondo_create_connection(
                     loop, RONDO_CONNECT(.host = "127.0.0.1", .port = 1),
                     &recorder, p, NULL, NULL),
                 RONDO_ECLOSED);
    assert_error(rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"),
                                     &recorder, p, NULL),
                 RONDO_ECLOSED);
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

static struct late *late_new(struct world *w)
{
    struct late *l = test_alloc(w, sizeof *l);

    l->w = w;
    assert_int_equal(raw_pair(l->spare), 0);
    return l;
}

static void late_end(struct late *l, unsigned called)
{
    test_close_loop(l->w);
    assert_int_equal(l->called, called);
    assert_int_equal(l->ran, 0);
    raw_close_pair(l->spare);
}

TEST(L5_creating_in_a_last_post_is_eclosed)
{
    struct late *l = late_new(w);

    assert_ok(rondo_call_soon_threadsafe(w->loop, late_post, l));
    late_end(l, 1);
}

TEST(L5_creating_in_connection_lost_is_eclosed)
{
    struct late *l = late_new(w);
    struct peer *p = test_peer(w);
    raw_fd fd;

    p->user = l;
    p->on_lost = late_peer;
    fd = test_raw_peer(w, &recorder, p, 0);
    late_end(l, 1);
    assert_int_equal(p->error, RONDO_ECANCELED);
    raw_close(fd);
}

TEST(L5_creating_in_a_connect_s_done_is_eclosed)
{
    struct late *l = late_new(w);
    struct listener *server = test_serve(w);
    struct peer *p = test_peer(w);

    p->user = l;
    p->on_connected = late_peer;
    assert_ok(test_connect_peer(w, server->port, &recorder, p));
    late_end(l, 1);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
}

TEST(L5_creating_in_a_server_s_closed_is_eclosed)
{
    struct late *l = late_new(w);
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *server;

    options.closed = late_closed;
    server = test_serve_with(w, &recorder, &options);
    server->model.user = l;
    late_end(l, 1);
    assert_int_equal(server->closed, 1);
}

/* ---- L5: handles and operations ----------------------------------------- */

TEST(L5_a_pending_connect_is_cancelled)
{
    struct listener *l = test_serve(w);
    struct peer *p[50];

    for (int i = 0; i < 50; i++)
        p[i] = test_connect(w, l->port);
    test_close_loop(w);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(p[i]->connected, 1);
        assert_int_equal(p[i]->connect_error, RONDO_ECANCELED);
        assert_int_equal(p[i]->made, 0);
        assert_non_null(strstr(p[i]->last_error, "create_connection"));
    }
    assert_int_equal(l->closed, 1);
}

static void looked_up(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct peer *p = arg;

    (void)loop;
    assert_null(t);
    p->connected++;
    p->connect_error = error;
}

TEST(L5_a_pending_look_up_is_cancelled)
{
    struct peer *p[20];

    if (!raw_names_replace())
        test_skip(w, "look-ups cannot be held up on this platform");
    for (int i = 0; i < 20; i++) {
        p[i] = test_peer(w);
        assert_ok(rondo_create_connection(
            w->loop, RONDO_CONNECT(.host = "a.slow.test", .port = 1), &recorder,
            p[i], looked_up, p[i]));
    }
    test_run_until(w, raw_names_waiting() > 0);
    test_close_loop(w);
    raw_names_release();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(p[i]->connected, 1);
        assert_int_equal(p[i]->connect_error, RONDO_ECANCELED);
    }
}

TEST(L5_watchers_are_gone)
{
    unsigned *n = test_counter(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    assert_ok(rondo_add_reader(w->loop, fds[0], count_fd, n));
    assert_ok(rondo_add_writer(w->loop, fds[0], count_fd, n));
    test_close_loop(w);
    assert_int_equal(*n, 0);
    assert_true(raw_fd_valid(fds[0])); /* the program's, still */
    raw_close_pair(fds);
}

TEST(L5_buffered_data_is_dropped_and_released)
{
    struct peer *p = test_peer(w);
    unsigned *n = test_counter(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 8192);
    char piece[4096];
    ptrdiff_t got;

    test_fill_transport(w, p);
    for (int i = 0; i < 10; i++)
        assert_ok(rondo_transport_write_owned(p->transport, "owned", 5,
                                              count_release, n));
    test_close_loop(w);
    assert_int_equal(*n, 10);
    assert_string_equal(p->order, "ML");
    assert_int_equal(p->error, RONDO_ECANCELED);
    do {
        got = raw_recv(fd, piece, sizeof piece, 10000);
    } while (got > 0);
    assert_int_equal(got, RAW_RESET); /* never taken for an end */
    raw_close(fd);
}

TEST(L5_a_transport_that_is_closing_is_told_once)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 8192);

    test_fill_transport(w, p);
    rondo_transport_close(p->transport);
    test_spin(w, 3);
    assert_string_equal(p->order, "M");
    test_close_loop(w);
    assert_string_equal(p->order, "ML");
    raw_close(fd);
}

TEST(L5_servers_are_closed)
{
    struct listener *l = test_serve(w);
    uint16_t port = l->port;

    test_close_loop(w);
    assert_int_equal(l->closed, 1);
    assert_true(raw_connect(port) == RONDO_NO_FD);
}

TEST(L5_a_waiting_client_of_a_server)
{
    struct listener *l = test_serve(w);
    raw_fd fd = raw_connect(l->port);
    char byte;

    assert_true(fd != RONDO_NO_FD);
    test_close_loop(w);
    assert_int_equal(l->closed, 1);
    assert_int_equal(l->count, 0);
    assert_true(raw_recv(fd, &byte, 1, 10000) <= 0);
    raw_close(fd);
}

/* ---- L5: many ----------------------------------------------------------- */

/* Both ends of each connection live in the loop. */
TEST(L5_a_thousand_transports_are_each_told)
{
    struct listener *l = test_serve(w);
    int64_t room = rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTORS) - 24;
    unsigned clients = 500;
    struct peer **p = test_alloc(w, clients * sizeof(struct peer *));

    if (room < 2 * (int64_t)clients)
        clients = (unsigned)(room / 2);
    /* no more at once than the smallest of backlogs, which is 128 */
    for (unsigned i = 0; i < clients; i++) {
        p[i] = test_connect(w, l->port);
        if (i % 64 == 63)
            test_run_until(w, l->count == i + 1);
    }
    test_run_until(w, l->count == clients && l->last->made);
    for (unsigned i = 0; i < clients; i++)
        test_run_until(w, p[i]->made);
    assert_int_equal(test_metrics(w).live_transports, 2 * clients);
    test_close_loop(w);
    for (unsigned i = 0; i < clients; i++) {
        assert_string_equal(p[i]->order, "ML");
        assert_int_equal(p[i]->error, RONDO_ECANCELED);
    }
    for (const struct peer *q = l->first; q; q = q->next) {
        assert_string_equal(q->order, "ML");
        assert_int_equal(q->error, RONDO_ECANCELED);
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
        assert_int_equal(crowd[i]->error, RONDO_ECANCELED);
        raw_close(fds[i]);
    }
}

TEST(L5_closing_an_untouched_loop)
{
    test_close_loop(w);
    for (int i = 0; i < 50; i++) {
        (void)test_other_loop(w);
        assert_int_equal(rondo_loop_close(w->other), 0);
        w->other = NULL;
    }
}
