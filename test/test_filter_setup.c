/* test_filter_setup.c - filters of a server's connections: handshakes. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_filter.h"
#include "raw_net.h"

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
    struct toy *model = test_toy(w, 7);
    struct listener *l = toy_serve(w, model);
    raw_fd fd = raw_connect(l->port);

    test_run_until(w, model->user);
    ((struct toy *)model->user)->user = l;
    ((struct toy *)model->user)->on_received = check_not_made;
    toy_raw_hello(fd, 3);
    test_run_until(w, l->count == 1 && l->first->made);
    raw_close(fd);
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
    struct toy *model = test_toy(w, 7);
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;
    raw_fd fd;
    char byte;
    ptrdiff_t n = 0;

    options.setup = toy_setup_copy;
    options.setup_arg = model;
    options.protocol_factory = refuse;
    l = test_serve_with(w, &recorder, &options);
    fd = raw_connect(l->port);
    toy_raw_hello(fd, 3);
    test_run_until(w, model->user && ((struct toy *)model->user)->lost);
    assert_int_equal(l->count, 1);
    while ((n = raw_recv(fd, &byte, 1, 1000)) > 0) /* our hello, maybe */
        continue;
    assert_true(n == RAW_RESET || n == 0);
    raw_close(fd);
    rondo_server_close(l->server);
    test_run_until(w, l->closed);
}

/* ---- handshakes that fail ----------------------------------------------- */

TEST_LEAVES(V2_a_failed_handshake_is_reported_once)
{
    struct toy_told *told = toy_listen_for_trouble(w);
    struct toy *model = test_toy(w, 7), *y;
    struct listener *l = toy_serve(w, model);
    raw_fd fd = raw_connect(l->port);

    assert_true(raw_send_all(fd, "GET /", 5, 1000));
    test_run_until(w, told->count);
    y = model->user;
    assert_int_equal(told->error, RONDO_EPROTO);
    assert_ptr_equal(told->server, l->server);
    assert_non_null(strstr(told->message, "toy: no hello"));
    test_run_until(w, y->lost);
    assert_int_equal(y->error, RONDO_EPROTO);
    assert_int_equal(y->result, RONDO_EPROTO);
    assert_int_equal(l->count, 0);
    raw_close(fd);
    fd = raw_connect(l->port); /* the listener lives */
    toy_raw_hello(fd, 3);
    test_run_until(w, l->count == 1 && l->first->made);
    assert_int_equal(told->count, 1);
    raw_close(fd);
}

TEST_LEAVES(V2_a_client_that_leaves_in_the_handshake)
{
    struct toy_told *told = toy_listen_for_trouble(w);
    struct toy *model = test_toy(w, 7);
    struct listener *l = toy_serve(w, model);
    raw_fd fd = raw_connect(l->port);

    assert_true(raw_send_all(fd, "H", 1, 1000));
    raw_close(fd);
    test_run_until(w, told->count);
    assert_int_equal(told->error, RONDO_ECONNRESET);
    test_run_until(w, ((struct toy *)model->user)->lost);
    fd = raw_connect(l->port);
    test_run_until(w, ((struct toy *)model->user)->started &&
                          !((struct toy *)model->user)->lost);
    raw_reset(fd);
    test_run_until(w, told->count == 2);
    assert_int_equal(told->error, RONDO_ECONNRESET);
    assert_int_equal(l->count, 0);
}

TEST_LEAVES(V2_a_handshake_has_a_timeout)
{
    struct toy_told *told = toy_listen_for_trouble(w);
    struct toy *model = test_toy(w, 7);
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;
    raw_fd fd;

    options.setup = toy_setup_copy;
    options.setup_arg = model;
    options.handshake_timeout_ns = RONDO_MS(20);
    l = test_serve_with(w, &recorder, &options);
    fd = raw_connect(l->port);
    test_run_until(w, told->count);
    assert_int_equal(told->error, RONDO_ETIMEDOUT);
    assert_non_null(strstr(told->message, "handshake"));
    test_run_until(w, ((struct toy *)model->user)->lost);
    assert_int_equal(l->count, 0);
    raw_close(fd);
}

TEST_LEAVES(V2_a_handshake_timeout_ends_with_the_handshake)
{
    struct toy *model = test_toy(w, 7);
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;
    raw_fd fd;

    options.setup = toy_setup_copy;
    options.setup_arg = model;
    options.handshake_timeout_ns = RONDO_SEC(3600);
    l = test_serve_with(w, &recorder, &options);
    fd = raw_connect(l->port);
    toy_raw_hello(fd, 3);
    test_run_until(w, l->count && l->first->made);
    if (!raw_advance_clock(4000))
        test_skip(w, "the clock cannot be set ahead here");
    test_spin(w, 20);
    assert_int_equal(l->first->lost, 0);
    raw_close(fd);
}

TEST_LEAVES(V2_the_default_is_sixty_seconds)
{
    struct toy_told *told = toy_listen_for_trouble(w);
    struct toy *model = test_toy(w, 7);
    struct listener *l = toy_serve(w, model);
    raw_fd fd = raw_connect(l->port);

    test_run_until(w, model->user && ((struct toy *)model->user)->started);
    if (!raw_advance_clock(55))
        test_skip(w, "the clock cannot be set ahead here");
    test_spin(w, 20);
    assert_int_equal(told->count, 0);
    assert_true(raw_advance_clock(6));
    test_run_until(w, told->count);
    assert_int_equal(told->error, RONDO_ETIMEDOUT);
    raw_close(fd);
}

TEST(V2_a_negative_timeout_is_EINVAL)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    rondo_server *server = NULL;

    options.handshake_timeout_ns = -1;
    assert_einval(
        rondo_create_server(w->loop, &options, &recorder, NULL, &server));
}

static int refuse_setup(rondo_transport *t, void *arg)
{
    toy_push(t, arg);
    return 1;
}

TEST_LEAVES(V4_a_setup_that_refuses_drops_the_client)
{
    struct toy_told *told = toy_listen_for_trouble(w);
    struct toy *y = test_toy(w, 7);
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;
    char byte;
    raw_fd fd;

    options.setup = refuse_setup;
    options.setup_arg = y;
    l = test_serve_with(w, &recorder, &options);
    fd = raw_connect(l->port);
    test_run_until(w, y->lost);
    assert_int_equal(y->started, 0);
    assert_int_equal(y->done, 1);
    assert_int_equal(y->result, RONDO_ECANCELED);
    assert_true(raw_recv(fd, &byte, 1, 1000) <= 0);
    assert_int_equal(l->count + told->count, 0);
    raw_close(fd);
}

/* clients that are in their handshake are clients, too */
TEST(V3_closing_ends_handshakes)
{
    struct toy_told *told = toy_listen_for_trouble(w);
    struct toy *model = test_toy(w, 7);
    struct listener *l = toy_serve(w, model);
    raw_fd one = raw_connect(l->port), two;
    struct toy *first, *second;

    test_run_until(w, model->user);
    first = model->user;
    two = raw_connect(l->port);
    test_run_until(w, model->user != first);
    second = model->user;
    test_run_until(w, second->started);
    rondo_server_close(l->server);
    test_spin(w, 10);
    assert_int_equal(l->closed, 0);
    rondo_transport_close(first->transport);
    test_run_until(w, first->lost);
    rondo_server_abort_clients(l->server);
    test_run_until(w, l->closed);
    assert_int_equal(first->error, 0);
    assert_int_equal(first->result, RONDO_ECANCELED);
    assert_int_equal(second->error, RONDO_ECANCELED);
    assert_int_equal(told->count, 0); /* the program did it itself */
    assert_int_equal(l->count, 0);
    raw_close(one);
    raw_close(two);
}

TEST(L5_closing_the_loop_ends_handshakes)
{
    struct toy *model = test_toy(w, 7), *y = test_toy(w, 8);
    struct listener *l = toy_serve(w, model);
    struct peer *p = test_peer(w);
    struct toy_told *told = toy_listen_for_trouble(w);
    raw_fd fd = raw_connect(l->port);
    uint16_t port;
    raw_fd listener = raw_listen(&port, 5);

    assert_ok(toy_connect(w, port, y, p, 0));
    test_run_until(w, y->started && model->user);
    test_close_loop(w);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    assert_int_equal(y->lost, 1);
    assert_int_equal(((struct toy *)model->user)->lost, 1);
    assert_int_equal(((struct toy *)model->user)->result, RONDO_ECANCELED);
    assert_int_equal(told->count, 0);
    raw_close(fd);
    raw_close(listener);
}
