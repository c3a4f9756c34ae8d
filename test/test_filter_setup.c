/* test_filter_setup.c - filters of a server's connections: handshakes. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"
#include "harness_filter.h"

/* A server with filters, and a plain client of it. */
struct scene {
    struct trouble *told;
    struct toy *model;
    struct listener *l;
    raw_fd fd;
};

static struct scene set_scene(struct world *w, rondo_server_options options)
{
    struct scene s = {.told = test_trouble(w), .model = test_toy(w, 7)};

    options.setup = toy_setup_copy;
    options.setup_arg = s.model;
    s.l = test_serve_with(w, &recorder, &options);
    s.fd = toy_raw_client(w, s.l);
    return s;
}

static struct scene plain_scene(struct world *w)
{
    return set_scene(w, *RONDO_SERVE(.port = 0));
}

/* The last client's toy, once it is there. */
static struct toy *client_toy(struct world *w, const struct scene *s)
{
    test_run_until(w, s->model->user);
    return s->model->user;
}

TEST_LEAVES(S13_setup_of_both_sides)
{
    struct toy *model = test_toy(w, 7), *y = test_toy(w, 8);
    struct listener *l = toy_serve(w, model);
    struct peer *p = test_peer(w);

    p->on_made = act_hello;
    l->model.on_made = act_hello;
    assert_ok(toy_connect(w, l->port, y, p, 0));
    test_run_until(w, p->bytes == 5 && l->count == 1 && l->first->bytes == 5);
    assert_int_equal(p->connected, 1);
    assert_int_equal(p->connect_error, 0);
    assert_int_equal(test_metrics(w).live_operations, 0);
    assert_int_equal(test_metrics(w).live_transports, 2);
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost && l->first->lost);
    toy_check_whole(y);
    toy_check_whole(model->user);
}

static void check_not_made(struct toy *y)
{
    struct listener *l = y->user;

    assert_int_equal(l->count, 0);
}

/* the factory comes after the handshake, and may then refuse */
TEST_LEAVES(V4_the_factory_waits_for_the_filters)
{
    struct scene s = plain_scene(w);
    struct toy *y = client_toy(w, &s);

    y->user = s.l;
    y->on_received = check_not_made;
    toy_raw_hello(s.fd, 3);
    test_run_until(w, s.l->count == 1 && s.l->first->made);
}

static int refuse(rondo_server *server, void *arg, rondo_transport *t,
                  const rondo_protocol **protocol, void **self)
{
    struct listener *l = arg;

    (void)server;
    (void)t;
    (void)protocol;
    (void)self;
    l->count++;
    return 1;
}

TEST(V4_a_factory_that_refuses_after_the_handshake)
{
    struct scene s = set_scene(w, *RONDO_SERVE(.protocol_factory = refuse));
    char byte;
    ptrdiff_t n = 0;

    toy_raw_hello(s.fd, 3);
    test_run_until(w, client_toy(w, &s)->lost);
    assert_int_equal(s.l->count, 1);
    while ((n = raw_recv(s.fd, &byte, 1, 1000)) > 0) /* our hello, maybe */
        continue;
    assert_true(n == RAW_RESET || n == 0);
    test_stop(s.l);
}

/* ---- handshakes that fail ----------------------------------------------- */

TEST_LEAVES(V2_a_failed_handshake_is_reported_once)
{
    struct scene s = plain_scene(w);
    struct toy *y = client_toy(w, &s);
    raw_fd fd;

    assert_true(raw_send_all(s.fd, "GET /", 5, 1000));
    test_trouble_comes(w, s.told, 1, RONDO_EPROTO, "toy: no hello");
    assert_ptr_equal(s.told->server, s.l->server);
    test_run_until(w, y->lost);
    assert_int_equal(y->error, RONDO_EPROTO);
    assert_int_equal(y->result, RONDO_EPROTO);
    assert_int_equal(s.l->count, 0);
    fd = toy_raw_client(w, s.l); /* the listener lives */
    toy_raw_hello(fd, 3);
    test_run_until(w, s.l->count == 1 && s.l->first->made);
    assert_int_equal(s.told->count, 1);
}

TEST_LEAVES(V2_a_client_that_leaves_in_the_handshake)
{
    struct scene s = plain_scene(w);
    struct toy *y = client_toy(w, &s);
    raw_fd fd;

    assert_true(raw_send_all(s.fd, "H", 1, 1000));
    test_close_own(w, s.fd);
    test_trouble_comes(w, s.told, 1, RONDO_ECONNRESET, NULL);
    test_run_until(w, y->lost);
    fd = raw_connect(s.l->port);
    test_run_until(w, s.model->user != y && client_toy(w, &s)->started);
    raw_reset(fd);
    test_trouble_comes(w, s.told, 2, RONDO_ECONNRESET, NULL);
    assert_int_equal(s.l->count, 0);
}

TEST_LEAVES(V2_a_handshake_has_a_timeout)
{
    struct scene s =
        set_scene(w, *RONDO_SERVE(.handshake_timeout_ns = RONDO_MS(20)));

    test_trouble_comes(w, s.told, 1, RONDO_ETIMEDOUT, "handshake");
    test_run_until(w, client_toy(w, &s)->lost);
    assert_int_equal(s.l->count, 0);
}

TEST_LEAVES(V2_a_handshake_timeout_ends_with_the_handshake)
{
    struct scene s =
        set_scene(w, *RONDO_SERVE(.handshake_timeout_ns = RONDO_SEC(3600)));

    toy_raw_hello(s.fd, 3);
    test_run_until(w, s.l->count && s.l->first->made);
    test_advance_clock(w, 4000);
    assert_int_equal(s.l->first->lost, 0);
}

TEST_LEAVES(V2_the_default_is_sixty_seconds)
{
    struct scene s = plain_scene(w);

    test_run_until(w, client_toy(w, &s)->started);
    test_advance_clock(w, 55);
    assert_int_equal(s.told->count, 0);
    test_advance_clock(w, 6);
    test_trouble_comes(w, s.told, 1, RONDO_ETIMEDOUT, NULL);
}

TEST(V2_a_negative_timeout_is_EINVAL)
{
    serve_refused(w, RONDO_SERVE(.handshake_timeout_ns = -1), RONDO_EINVAL,
                  NULL);
}

static int refuse_setup(rondo_transport *t, void *arg)
{
    toy_push(t, arg);
    return 1;
}

TEST_LEAVES(V4_a_setup_that_refuses_drops_the_client)
{
    struct trouble *told = test_trouble(w);
    struct toy *y = test_toy(w, 7);
    struct listener *l = test_serve_with(
        w, &recorder, RONDO_SERVE(.setup = refuse_setup, .setup_arg = y));
    raw_fd fd = toy_raw_client(w, l);
    char byte;

    test_run_until(w, y->lost);
    assert_int_equal(y->started, 0);
    assert_int_equal(y->done, 1);
    assert_int_equal(y->result, RONDO_ECANCELED);
    assert_true(raw_recv(fd, &byte, 1, 1000) <= 0);
    assert_int_equal(l->count + told->count, 0);
}

/* clients that are in their handshake are clients, too */
TEST(V3_closing_ends_handshakes)
{
    struct scene s = plain_scene(w);
    struct toy *first = client_toy(w, &s), *second;

    (void)toy_raw_client(w, s.l);
    test_run_until(w, s.model->user != first);
    second = s.model->user;
    test_run_until(w, second->started);
    rondo_server_close(s.l->server);
    test_spin(w, 10);
    assert_int_equal(s.l->closed, 0);
    rondo_transport_close(first->transport);
    test_run_until(w, first->lost);
    rondo_server_abort_clients(s.l->server);
    test_run_until(w, s.l->closed);
    assert_int_equal(first->error, 0);
    assert_int_equal(first->result, RONDO_ECANCELED);
    assert_int_equal(second->error, RONDO_ECANCELED);
    assert_int_equal(s.told->count, 0); /* the program did it itself */
    assert_int_equal(s.l->count, 0);
}

TEST(L5_closing_the_loop_ends_handshakes)
{
    struct scene s = plain_scene(w);
    struct toy *theirs = client_toy(w, &s), *y = test_toy(w, 8);
    struct peer *p = test_peer(w);
    uint16_t port;

    (void)test_own(w, raw_listen(&port, 5));
    assert_ok(toy_connect(w, port, y, p, 0));
    test_run_until(w, y->started);
    test_close_loop(w);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    assert_int_equal(y->lost, 1);
    assert_int_equal(theirs->lost, 1);
    assert_int_equal(theirs->result, RONDO_ECLOSED);
    assert_int_equal(s.told->count, 0);
}
