/* test_server_close.c - servers that close, with clients or without. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* ---- V3: close ---------------------------------------------------------- */

TEST(V3_close_refuses_at_once)
{
    struct listener *l = test_serve(w);
    rondo_fd fd = rondo_server_fd(l->server, 0);
    raw_fd client = raw_connect(l->port);

    assert_true(client != RONDO_NO_FD);
    test_run_until(w, l->count == 1);
    rondo_server_close(l->server);
    /* not an iteration late */
    assert_true(raw_connect(l->port) == RONDO_NO_FD);
    assert_false(raw_fd_valid(fd));
    raw_close(client);
    test_run_until(w, l->closed);
}

TEST(V3_closed_comes_from_the_loop_and_once)
{
    struct listener *l = test_serve(w);

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
    struct peer *c = test_client(w, l);
    rondo_server *s = l->server;
    rondo_address a;

    rondo_server_close(s);
    assert_false(rondo_server_is_serving(s));
    assert_true(rondo_server_fd(s, 0) == RONDO_NO_FD);
    assert_error(rondo_server_address(s, 0, &a), RONDO_ENOENT);
    assert_error(rondo_server_start_serving(s), RONDO_ECLOSED);
    assert_error(rondo_server_pause_serving(s), RONDO_ECLOSED);
    assert_ptr_equal(rondo_server_loop(s), w->loop);
    assert_ptr_equal(rondo_transport_server(c->other->transport), s);
    assert_ok(rondo_transport_write(c->transport, "x", 1));
    assert_ok(rondo_transport_write(c->other->transport, "y", 1));
    test_run_until(w, c->bytes == 1 && c->other->bytes == 1);
    assert_int_equal(l->closed, 0);
    rondo_transport_close(c->transport);
    test_run_loop(w);
    assert_int_equal(l->closed, 1);
}

static unsigned closed_in_lost;

static void note_closed(struct peer *p)
{
    closed_in_lost += ((struct listener *)p->user)->closed;
}

TEST(V3_closed_comes_after_the_last_client)
{
    struct listener *l = test_serve(w);
    struct peer *c[5];

    closed_in_lost = 0;
    l->model.on_lost = note_closed;
    l->model.user = l;
    for (int i = 0; i < 5; i++)
        c[i] = test_client(w, l);
    rondo_server_close(l->server);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(l->closed, 0);
        rondo_transport_close(c[i]->transport);
        test_run_until(w, c[i]->lost);
    }
    test_run_until(w, l->closed);
    for (int i = 0; i < 5; i++)
        assert_int_equal(c[i]->other->lost, 1);
    assert_int_equal(closed_in_lost, 0);
}

/* whatever of them had been accepted is made and lost; all see an end */
TEST(V3_no_client_accepted_meanwhile_is_leaked)
{
    for (int spins = 0; spins < 3; spins++) {
        struct listener *l = test_serve(w);
        raw_fd fds[40];

        for (int i = 0; i < 40; i++)
            fds[i] = test_own(w, raw_connect(l->port));
        test_spin(w, spins);
        rondo_server_close_clients(l->server);
        rondo_server_close(l->server);
        test_spin(w, 2);
        if (l->server)
            rondo_server_close_clients(l->server);
        test_run_until(w, l->closed);
        for (int i = 0; i < 40; i++)
            test_ends_raw(w, fds[i]);
        for (struct peer *p = l->first; p; p = p->next) {
            assert_int_equal(p->made, 1);
            assert_int_equal(p->lost, 1);
        }
    }
}

/* ---- V3: closing inside each callback ----------------------------------- */

static bool clients_too; /* are aborted */

static void close_server(struct peer *p)
{
    const struct listener *l = p->user;

    if (!l->server)
        return;
    if (clients_too)
        rondo_server_abort_clients(l->server);
    rondo_server_close(l->server);
    rondo_server_close(l->server);
}

static void close_on_data(struct peer *p, const void *data, size_t size)
{
    (void)data, (void)size;
    close_server(p);
}

/* the callback number `which` of a client's life closes the server */
static void close_within(struct world *w, int which)
{
    static const char bytes[100000];
    struct listener *l = test_serve(w);
    struct peer *c = test_connect(w, l->port);

    l->model.user = c->user = l;
    l->model.on_made = which == 0 ? close_server : NULL;
    l->model.on_data = which == 1 ? close_on_data : NULL;
    l->model.on_eof = which == 2 ? close_server : NULL;
    l->model.on_lost = which == 3 ? close_server : NULL;
    c->on_made = which == 4 ? close_server : NULL;
    c->on_connected = which == 5 ? close_server : NULL;
    c->on_eof = which == 6 ? close_server : NULL;
    c->on_lost = which == 7 ? close_server : NULL;
    test_run_until(w, c->connected);
    if (c->transport) {
        (void)rondo_transport_write(c->transport, bytes, sizeof bytes);
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
    for (int which = 0; which < 16; which++) {
        clients_too = which % 2;
        close_within(w, which / 2);
    }
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
    struct listener *l = test_serve_with(
        w, &recorder, RONDO_SERVE(.closed = create_inside_closed));

    rondo_server_close(l->server);
    test_run_until(w, l->closed == 1);
    assert_non_null(l->server); /* the port was free */
    rondo_server_close(l->server);
    test_run_loop(w);
    assert_int_equal(l->closed, 2);
}

/* ---- V3: clients -------------------------------------------------------- */

enum { CLIENTS = 10 };

/* Each has ended, at both ends, in this way. */
static void check_ended(struct world *w, struct peer **c, uint64_t bytes,
                        int error, int error_there)
{
    for (int i = 0; i < CLIENTS; i++) {
        assert_lost(w, c[i], NULL, error);
        assert_lost(w, c[i]->other, NULL, error_there);
        assert_int_equal(c[i]->bytes, bytes);
        assert_int_equal(c[i]->lost + c[i]->other->lost, 2);
    }
}

static struct listener *serve_some(struct world *w, struct peer **c)
{
    struct listener *l = test_serve(w);

    for (int i = 0; i < CLIENTS; i++)
        c[i] = test_client(w, l);
    return l;
}

TEST_LEAVES(V3_close_clients_sends_what_is_buffered)
{
    static char data[100000];
    struct peer *c[CLIENTS];
    struct listener *l = serve_some(w, c);

    for (struct peer *p = l->first; p; p = p->next)
        assert_ok(rondo_transport_write(p->transport, data, sizeof data));
    rondo_server_close_clients(l->server);
    rondo_server_close_clients(l->server);
    check_ended(w, c, sizeof data, 0, 0);
    for (int i = 0; i < CLIENTS; i++)
        assert_string_equal(c[i]->order, "MdEL");
    assert_int_equal(l->closed, 0);
    (void)test_client(w, l); /* it serves on */
}

TEST_LEAVES(V3_abort_clients_resets_them)
{
    struct peer *c[CLIENTS];
    struct listener *l = serve_some(w, c);

    rondo_server_abort_clients(l->server);
    check_ended(w, c, 0, RONDO_ECONNRESET, RONDO_ECANCELED);
    assert_int_equal(l->closed, 0);
    (void)test_client(w, l);
}

TEST(V3_loop_closes_with_clients)
{
    struct peer *c[CLIENTS];
    struct listener *l = serve_some(w, c);

    test_close_loop(w);
    assert_int_equal(l->closed, 1);
    check_ended(w, c, 0, RONDO_ECLOSED, RONDO_ECLOSED);
}
