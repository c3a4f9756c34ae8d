/* test_server_close.c - servers that close, pause, or have enough. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "raw_net.h"

/* ---- V3: close ---------------------------------------------------------- */

TEST(V3_close_refuses_at_once)
{
    struct listener *l = test_serve(w);
    rondo_server *s = l->server;
    rondo_fd fd = rondo_server_fd(s, 0);
    raw_fd client = raw_connect(l->port);

    w->expect_clean = true;
    assert_true(client != RONDO_NO_FD);
    test_run_until(w, l->count == 1);
    rondo_server_close(s);
    assert_true(raw_connect(l->port) ==
                RONDO_NO_FD); /* not an iteration late */
    assert_false(raw_fd_valid(fd));
    raw_close(client);
    test_run_until(w, l->closed);
}

TEST(V3_closed_comes_from_the_loop_and_once)
{
    struct listener *l = test_serve(w);

    w->expect_clean = true;
    rondo_server_close(l->server);
    assert_int_equal(l->closed, 0);
    assert_int_equal(test_metrics(w).live_servers, 1);
    rondo_server_close(l->server); /* twice is harmless */
    test_run_loop(w);
    assert_int_equal(l->closed, 1);
}

TEST(V3_clients_stay)
{
    struct listener *l = test_serve(w);
    struct peer *c = test_connect(w, l->port);
    rondo_server *s = l->server;
    rondo_address a;

    w->expect_clean = true;
    test_run_until(w, c->connected && l->count == 1 && l->first->made);
    rondo_server_close(s);
    assert_false(rondo_server_is_serving(s));
    assert_true(rondo_server_fd(s, 0) == RONDO_NO_FD);
    assert_error(rondo_server_address(s, 0, &a), RONDO_ENOENT);
    assert_error(rondo_server_start_serving(s), RONDO_ECLOSED);
    assert_error(rondo_server_pause_serving(s), RONDO_ECLOSED);
    assert_ptr_equal(rondo_server_loop(s), w->loop);
    assert_ptr_equal(rondo_transport_server(l->first->transport), s);
    assert_ok(rondo_transport_write(c->transport, "x", 1));
    test_run_until(w, l->first->bytes == 1);
    assert_ok(rondo_transport_write(l->first->transport, "y", 1));
    test_run_until(w, c->bytes == 1);
    assert_int_equal(l->closed, 0);
    rondo_transport_close(c->transport);
    test_run_loop(w);
    assert_int_equal(l->closed, 1);
}

static unsigned closed_in_lost;

static void note_closed(struct peer *p)
{
    const struct listener *l = p->user;

    closed_in_lost += l->closed;
}

TEST(V3_closed_comes_after_the_last_client)
{
    struct listener *l = test_serve(w);
    struct peer *c[5];

    w->expect_clean = true;
    closed_in_lost = 0;
    l->model.on_lost = note_closed;
    l->model.user = l;
    for (int i = 0; i < 5; i++)
        c[i] = test_connect(w, l->port);
    test_run_until(w, l->count == 5 && l->last->made && c[4]->connected);
    rondo_server_close(l->server);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(l->closed, 0);
        rondo_transport_close(c[i]->transport);
        test_run_until(w, c[i]->lost);
    }
    test_run_until(w, l->closed);
    for (struct peer *p = l->first; p; p = p->next)
        assert_int_equal(p->lost, 1);
    assert_int_equal(closed_in_lost, 0);
}

/* whatever of them had been accepted is made and lost; all see an end */
TEST(V3_no_client_accepted_meanwhile_is_leaked)
{
    enum { CLIENTS = 40 };

    w->expect_clean = true;
    for (int spins = 0; spins < 3; spins++) {
        struct listener *l = test_serve(w);
        raw_fd fds[CLIENTS];
        ptrdiff_t n = RAW_AGAIN;
        char byte;

        for (int i = 0; i < CLIENTS; i++) {
            fds[i] = raw_connect(l->port);
            assert_true(fds[i] != RONDO_NO_FD);
        }
        test_spin(w, spins);
        rondo_server_close_clients(l->server);
        rondo_server_close(l->server);
        test_spin(w, 2);
        if (l->server)
            rondo_server_close_clients(l->server);
        test_run_until(w, l->closed);
        for (int i = 0; i < CLIENTS; i++) {
            test_run_until(w, (n = raw_recv(fds[i], &byte, 1, 0)) != RAW_AGAIN);
            assert_true(n == 0 || n == RAW_RESET);
            raw_close(fds[i]);
        }
        for (struct peer *p = l->first; p; p = p->next) {
            assert_int_equal(p->made, 1);
            assert_int_equal(p->lost, 1);
        }
    }
}

/* ---- V3: closing inside each callback ----------------------------------- */

static void close_server(struct peer *p)
{
    const struct listener *l = p->user;

    if (l->server)
        rondo_server_close(l->server);
}

static void close_server_and_abort(struct peer *p)
{
    const struct listener *l = p->user;

    if (!l->server)
        return;
    rondo_server_abort_clients(l->server);
    rondo_server_close(l->server);
    rondo_server_close(l->server);
}

static void close_on_data(struct peer *p, const void *data, size_t size)
{
    (void)data;
    (void)size;
    close_server(p);
}

static void abort_on_data(struct peer *p, const void *data, size_t size)
{
    (void)data;
    (void)size;
    close_server_and_abort(p);
}

/* the callback number `which` of a client's life closes the server */
static void close_within(struct world *w, int which, bool hard)
{
    struct listener *l = test_serve(w);
    void (*act)(struct peer *) = hard ? close_server_and_abort : close_server;
    struct peer *c = test_peer(w);
    char byte[100000] = {0};

    l->model.user = c->user = l;
    l->model.on_made = which == 0 ? act : NULL;
    l->model.on_data = which != 1 ? NULL : hard ? abort_on_data : close_on_data;
    l->model.on_eof = which == 2 ? act : NULL;
    l->model.on_lost = which == 3 ? act : NULL;
    c->on_made = which == 4 ? act : NULL;
    c->on_connected = which == 5 ? act : NULL;
    c->on_eof = which == 6 ? act : NULL;
    c->on_lost = which == 7 ? act : NULL;
    assert_ok(test_connect_peer(w, l->port, &recorder, c));
    test_run_until(w, c->connected);
    if (c->transport) {
        (void)rondo_transport_write(c->transport, byte, sizeof byte);
        (void)rondo_transport_write_eof(c->transport);
    }
    test_run_until(w, c->lost);
    if (l->server)
        rondo_server_close(l->server);
    test_run_until(w, l->closed);
    assert_int_equal(c->lost, 1);
    for (struct peer *p = l->first; p; p = p->next)
        assert_int_equal(p->lost, p->made);
    test_spin(w, 3);
    assert_int_equal(l->closed, 1);
}

TEST(V3_closed_inside_each_callback)
{
    w->expect_clean = true;
    for (int which = 0; which < 8; which++)
        close_within(w, which, false);
}

TEST(V3_closed_and_aborted_inside_each_callback)
{
    w->expect_clean = true;
    for (int which = 0; which < 8; which++)
        close_within(w, which, true);
}

static void create_inside_closed(rondo_server *server, void *arg)
{
    struct listener *l = arg;

    assert_false(rondo_server_is_serving(server));
    rondo_server_close(server);
    rondo_server_abort_clients(server);
    l->server = NULL;
    if (++l->closed == 1)
        assert_ok(rondo_create_server(
            l->w->loop,
            RONDO_SERVE(.host = "127.0.0.1", .port = l->port,
                        .closed = create_inside_closed),
            &recorder, l, &l->server));
}

TEST(V3_a_new_server_inside_closed)
{
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;

    w->expect_clean = true;
    o.closed = create_inside_closed;
    l = test_serve_with(w, &recorder, &o);
    rondo_server_close(l->server);
    test_run_until(w, l->closed == 1);
    assert_non_null(l->server); /* the port was free */
    rondo_server_close(l->server);
    test_run_loop(w);
    assert_int_equal(l->closed, 2);
}

/* ---- V3: clients -------------------------------------------------------- */

enum { CLIENTS = 10 };

static void connect_some(struct world *w, struct listener *l, struct peer **c)
{
    unsigned before = l->count;

    for (int i = 0; i < CLIENTS; i++)
        c[i] = test_connect(w, l->port);
    test_run_until(w, l->count == before + CLIENTS && l->last->made);
    for (int i = 0; i < CLIENTS; i++)
        test_run_until(w, c[i]->connected);
}

TEST(V3_close_clients_sends_what_is_buffered)
{
    struct listener *l = test_serve(w);
    static char data[100000];
    struct peer *c[CLIENTS];

    connect_some(w, l, c);
    for (struct peer *p = l->first; p; p = p->next)
        assert_ok(rondo_transport_write(p->transport, data, sizeof data));
    rondo_server_close_clients(l->server);
    rondo_server_close_clients(l->server);
    for (int i = 0; i < CLIENTS; i++) {
        test_run_until(w, c[i]->lost);
        assert_int_equal(c[i]->bytes, sizeof data);
        assert_string_equal(c[i]->order, "MdEL");
    }
    for (struct peer *p = l->first; p; p = p->next) {
        assert_int_equal(p->lost, 1);
        assert_int_equal(p->error, 0);
    }
    assert_int_equal(l->closed, 0);
    connect_some(w, l, c); /* it serves on */
}

TEST(V3_abort_clients_resets_them)
{
    struct listener *l = test_serve(w);
    struct peer *c[CLIENTS];

    connect_some(w, l, c);
    rondo_server_abort_clients(l->server);
    for (int i = 0; i < CLIENTS; i++) {
        test_run_until(w, c[i]->lost);
        assert_int_equal(c[i]->error, RONDO_ECONNRESET);
    }
    for (struct peer *p = l->first; p; p = p->next) {
        assert_lost(w, p, NULL, RONDO_ECANCELED);
    }
    assert_int_equal(l->closed, 0);
    connect_some(w, l, c);
}

TEST(V3_loop_closes_with_clients)
{
    struct listener *l = test_serve(w);
    struct peer *c[CLIENTS];

    connect_some(w, l, c);
    test_close_loop(w);
    assert_int_equal(l->closed, 1);
    for (struct peer *p = l->first; p; p = p->next) {
        assert_int_equal(p->lost, 1);
        assert_int_equal(p->error, RONDO_ECANCELED);
    }
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(c[i]->lost, 1);
}
