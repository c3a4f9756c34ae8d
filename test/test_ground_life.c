/* test_ground_life.c - how long pointers are valid, what is owed. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

/* ---- G6: made and lost -------------------------------------------------- */

static void close_loop(struct peer *p)
{
    test_close_loop(p->w);
}

/* though data and EOF wait already */
TEST(G6_ended_before_made_both_still_come)
{
    static const struct {
        const char *name;
        void (*end)(struct peer *p);
        int error;
    } rows[] = {
        {"close", act_close, 0},
        {"abort", act_abort, RONDO_ECANCELED},
        {"the loop closes", close_loop, RONDO_ECLOSED},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer_unmade(w);

        plain_send(p, "early");
        raw_shutdown_write(p->fd);
        row->end(p);
        assert_string_equal(p->order, w->loop ? "" : "ML");
        assert_lost(w, p, "ML", row->error);
        if (row->end == act_close)
            assert_int_equal(plain_drain(p), 0);
    }
}

static int drop(rondo_server *server, void *arg, rondo_transport *t,
                const rondo_protocol **protocol, void **self)
{
    struct peer *p = arg;

    (void)server;
    p->connected++;
    assert_ok(rondo_transport_write(t, "bye", 3));
    *protocol = &recorder;
    *self = p;
    return -1;
}

TEST_LEAVES(G6_no_lost_without_made)
{
    struct peer *never = test_peer(w);
    rondo_address a;
    rondo_server *server;
    struct peer *client;

    assert_ok(rondo_create_server(
        w->loop, RONDO_SERVE(.host = "127.0.0.1", .protocol_factory = drop),
        NULL, never, &server));
    assert_ok(rondo_server_address(server, 0, &a));
    client = test_connect(w, rondo_address_port(&a));
    test_run_until(w, client->lost);
    assert_int_equal(never->connected, 1);
    assert_string_equal(never->order, "");
}

TEST(G6_lost_comes_once_however_it_ends)
{
    void (*const ways[])(struct peer *) = {act_close, act_abort};

    for (int way = 0; way < 8; way++) {
        struct peer *p = plain_peer(w, &recorder, 0);

        ways[way & 1](p);
        ways[way >> 1 & 1](p);
        if (way & 4)
            plain_reset(p);
        test_run_until(w, p->lost);
        test_spin(w, 5);
        assert_string_equal(p->order, "ML");
    }
}

/* ---- G6: the pointer in connection_lost --------------------------------- */

static void ask_everything(struct peer *p)
{
    rondo_transport *t = p->transport;
    rondo_address a;
    size_t high = 0;
    size_t low = 0;

    assert_ptr_equal(rondo_transport_self(t), p);
    assert_ptr_equal(rondo_transport_loop(t), p->w->loop);
    assert_true(rondo_transport_is_closing(t));
    assert_false(rondo_transport_is_reading(t));
    assert_true(rondo_transport_fd(t) == RONDO_NO_FD);
    assert_int_equal(rondo_transport_peer_address(t, &a), 0);
    assert_int_equal(rondo_transport_local_address(t, &a), 0);
    rondo_transport_get_write_buffer_limits(t, &high, &low);
    assert_true(high > low);
    assert_error(rondo_transport_write(t, "x", 1), RONDO_ECLOSED);
    assert_error(rondo_transport_write_eof(t), RONDO_ECLOSED);
    assert_int_equal(rondo_transport_pause_reading(t), 0);
    assert_int_equal(rondo_transport_resume_reading(t), 0);
    assert_int_equal(rondo_transport_set_protocol(t, &recorder, p), 0);
    rondo_transport_close(t);
    rondo_transport_abort(t);
    rondo_transport_abort_with(t, RONDO_EIO);
    rondo_transport_set_background(t, true);
    rondo_transport_set_background(t, false);
    p->connected++;
}

TEST(G6_transport_is_valid_in_connection_lost)
{
    void (*const ends[])(struct peer *) = {plain_reset, close_loop};

    for (int i = 0; i < 2; i++) {
        struct peer *p = plain_peer(w, &recorder, 0);

        p->on_lost = ask_everything;
        ends[i](p);
        test_run_until(w, p->lost);
        if (w->loop)
            test_spin(w, 5);
        assert_int_equal(p->connected, 1);
    }
}

/* ---- G6: self ----------------------------------------------------------- */

TEST_LEAVES(G6_self_is_the_caller_s)
{
    static const rondo_protocol nothing;
    char object[3] = "ab";
    rondo_transport *t = NULL;
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    (void)test_own(w, fds[1]);
    assert_ok(
        rondo_connect_accepted_socket(w->loop, fds[0], &nothing, object, &t));
    test_spin(w, 5);
    assert_ptr_equal(rondo_transport_self(t), object);
    rondo_transport_set_self(t, NULL);
    assert_null(rondo_transport_self(t));
    rondo_transport_set_self(t, w);
    assert_ptr_equal(rondo_transport_self(t), w);
    assert_string_equal(object, "ab");
}

/* A server's own self for each connection, with no factory: its arg. */
TEST_LEAVES(G6_self_of_a_server_without_factory)
{
    struct peer *all = test_peer(w);
    rondo_server *server;
    rondo_address a;
    raw_fd fd;

    assert_ok(rondo_create_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"),
                                  &recorder, all, &server));
    assert_ok(rondo_server_address(server, 0, &a));
    fd = raw_connect(rondo_address_port(&a));
    test_run_until(w, all->made);
    assert_ptr_equal(rondo_transport_self(all->transport), all);
    assert_ptr_equal(rondo_transport_server(all->transport), server);
    raw_close(fd);
    test_run_until(w, all->lost);
}

/* ---- G6: servers -------------------------------------------------------- */

static void ask_server(struct world *w, rondo_server *server)
{
    rondo_address a;

    assert_ptr_equal(rondo_server_loop(server), w->loop);
    assert_false(rondo_server_is_serving(server));
    assert_error(rondo_server_address(server, 0, &a), RONDO_ENOENT);
    assert_true(rondo_server_fd(server, 0) == RONDO_NO_FD);
    assert_error(rondo_server_start_serving(server), RONDO_ECLOSED);
    assert_error(rondo_server_pause_serving(server), RONDO_ECLOSED);
    rondo_server_close(server);
    rondo_server_close_clients(server);
    rondo_server_abort_clients(server);
    rondo_server_set_background(server, true);
    rondo_server_set_background(server, false);
}

static void closed_asks(rondo_server *server, void *arg)
{
    struct listener *l = arg;

    ask_server(l->w, server);
    l->closed++;
    l->server = NULL;
}

TEST(G6_server_is_valid_until_closed_returns)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;
    struct peer *c;

    options.closed = closed_asks;
    l = test_serve_with(w, &recorder, &options);
    c = test_connect(w, l->port);
    test_run_until(w, l->first && l->first->made && c->made);
    rondo_server_close(l->server);
    test_spin(w, 10);
    assert_int_equal(l->closed, 0);
    ask_server(w, l->server);
    assert_ptr_equal(rondo_transport_server(l->first->transport), l->server);
    rondo_transport_close(c->transport);
    test_run_until(w, l->closed);
    test_spin(w, 5);
    assert_int_equal(l->closed, 1);
    assert_int_equal(l->first->lost, 1);
}

TEST(G6_server_without_closed_stays_valid)
{
    rondo_server *server = NULL;

    assert_ok(rondo_create_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"),
                                  &recorder, NULL, &server));
    rondo_server_close(server);
    test_run_loop(w);
    ask_server(w, server);
    test_spin(w, 3);
    ask_server(w, server);
}

/* connection_lost of the last client comes before closed */
static void closed_after_all(rondo_server *server, void *arg)
{
    struct listener *l = arg;

    (void)server;
    l->closed++;
    for (struct peer *p = l->first; p; p = p->next)
        assert_int_equal(p->lost, 1);
}

TEST(G6_closed_comes_after_the_last_client)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;

    options.closed = closed_after_all;
    l = test_serve_with(w, &recorder, &options);
    for (int i = 0; i < 5; i++)
        (void)test_own(w, raw_connect(l->port));
    test_run_until(w, l->count == 5 && l->last->made);
    rondo_server_close(l->server);
    rondo_server_abort_clients(l->server);
    test_run_until(w, l->closed);
}
