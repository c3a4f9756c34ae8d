/* test_stream.c - the order of a stream's callbacks; its addresses. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

/* ---- S1: order ---------------------------------------------------------- */

TEST(S1_made_data_eof_lost)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    plain_send(p, "hello");
    raw_shutdown_write(p->fd);
    assert_lost(w, p, "MdEL", 0);
    assert_int_equal(p->bytes, 5);
    assert_memory_equal(p->captured, "hello", 5);
    assert_int_equal(plain_drain(p), 0);
}

TEST_LEAVES(S1_made_comes_from_the_loop)
{
    struct peer *p = plain_peer_unmade(w);

    assert_int_equal(p->made, 0);
    test_run_until(w, p->made);
    assert_int_equal(p->lost, 0);
}

TEST_LEAVES(S1_at_most_one_eof)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    p->keep_open = true;
    raw_shutdown_write(p->fd);
    test_run_until(w, p->eof);
    test_spin(w, 50);
    act_pause(p);
    act_resume(p);
    test_spin(w, 50);
    assert_string_equal(p->order, "ME");
    assert_true(test_run_for(w, RONDO_MS(50)) < 20);
}

/* data and EOF wait already when it is made */
static struct peer *peer_with_data(struct world *w)
{
    struct peer *p = plain_peer_unmade(w);

    plain_send(p, "early");
    raw_shutdown_write(p->fd);
    return p;
}

TEST(S1_ended_in_made_no_data)
{
    static const struct {
        const char *name;
        void (*end)(struct peer *p);
        int error;
    } rows[] = {
        {"close", act_close, 0},
        {"abort", act_abort, RONDO_ECANCELED},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = peer_with_data(w);

        p->on_made = row->end;
        assert_lost(w, p, "ML", row->error);
        test_run_loop(w);
    }
}

TEST(S1_pause_in_made_no_data)
{
    struct peer *p = peer_with_data(w);

    p->on_made = act_pause;
    test_run_until(w, p->made);
    test_spin(w, 50);
    assert_string_equal(p->order, "M");
    act_resume(p);
    assert_lost(w, p, "MdEL", 0);
}

TEST(S1_write_before_made)
{
    struct peer *p = peer_with_data(w);

    assert_ok(rondo_transport_write(p->transport, "first", 5));
    assert_lost(w, p, "MdEL", 0);
    plain_hears(p, "first");
}

TEST(S1_every_member_may_be_null)
{
    static const rondo_protocol nothing;
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    assert_ok(
        rondo_connect_accepted_socket(w->loop, fds[0], &nothing, NULL, NULL));
    assert_true(raw_send_all(fds[1], "ignored", 7, 1000));
    raw_shutdown_write(fds[1]);
    test_run_until(w, test_metrics(w).live_transports == 0);
    assert_int_equal(test_drain_raw(w, fds[1], 0), 0);
    raw_close(fds[1]);
}

/* ---- S1: reading -------------------------------------------------------- */

TEST_LEAVES(S1_one_byte_reads)
{
    enum { COUNT = 5000 };
    struct peer *p = plain_peer(w, &recorder, 0);

    for (uint64_t i = 0; i < COUNT; i++) {
        plain_send_pattern(p, i, 1);
        test_run_until(w, p->bytes == i + 1);
    }
    assert_int_equal(p->data, COUNT);
    peer_got(p, COUNT);
}

TEST(S1_one_byte_writes)
{
    enum { COUNT = 20000 };
    struct peer *p = plain_peer(w, &recorder, 0);

    for (uint64_t i = 0; i < COUNT; i++) {
        unsigned char byte = test_pattern(i);

        assert_ok(rondo_transport_write(p->transport, &byte, 1));
    }
    peer_finish(p, COUNT);
}

TEST(S1_echo_through_a_server)
{
    enum { SIZE = 3000 };
    struct listener *l = test_serve(w);
    struct peer *c = test_connect(w, l->port);

    l->model.on_data = act_echo;
    test_run_until(w, c->connected);
    assert_int_equal(c->connect_error, 0);
    (void)peer_write(c, 0, SIZE);
    test_run_until(w, c->bytes == SIZE);
    peer_got(c, SIZE);
    rondo_transport_close(c->transport);
    rondo_server_close(l->server);
    test_run_loop(w);
    assert_string_equal(c->order, "MdL");
    assert_string_equal(l->first->order, "MdEL");
    assert_int_equal(l->closed, 1);
}

/* ---- S1: a socket moves from the loop that accepts to another ----------- */

/* accepted's arg is the listener, so the receiving peer is found here */
static struct peer *moving;

static void hand_over(rondo_server *server, void *arg, rondo_fd socket,
                      const rondo_address *peer)
{
    (void)server;
    (void)arg;
    assert_int_equal(rondo_address_family(peer), RONDO_FAMILY_INET);
    assert_ok(rondo_connect_accepted_socket(moving->w->other, socket, &recorder,
                                            moving, &moving->transport));
}

TEST(S1_accepted_socket_lives_on_another_loop)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;
    struct peer *c;

    (void)test_other_loop(w);
    moving = test_peer(w);
    moving->on_data = act_echo;
    options.accepted = hand_over;
    l = test_serve_with(w, &recorder, &options);
    c = test_connect(w, l->port);
    test_run_until(w, c->connected && moving->made);
    assert_ptr_equal(rondo_transport_loop(moving->transport), w->other);
    assert_null(rondo_transport_server(moving->transport));
    assert_ok(rondo_transport_write(c->transport, "there and back", 14));
    test_run_until(w, c->bytes == 14);
    rondo_server_close(l->server);
    test_run_until(w, l->closed);
    rondo_transport_close(c->transport);
    test_run_until(w, c->lost);
    assert_lost(w, moving, "MdEL", 0);
}

/* ---- S12: addresses and descriptor -------------------------------------- */

struct addresses {
    rondo_fd fd;
    rondo_address local, peer;
    bool still_open;
};

static void note_addresses(struct peer *p)
{
    struct addresses *a = p->user;

    assert_ok(rondo_transport_local_address(p->transport, &a->local));
    assert_ok(rondo_transport_peer_address(p->transport, &a->peer));
    a->still_open = raw_fd_valid(a->fd);
    a->fd = rondo_transport_fd(p->transport);
}

/* Its addresses are those of the two sockets, whatever has ended it. */
static void check_in_lost(const struct peer *p, uint16_t local, uint16_t peer)
{
    const struct addresses *a = p->user;

    assert_int_equal(rondo_address_port(&a->local), local);
    assert_int_equal(rondo_address_port(&a->peer), peer);
    assert_int_equal(rondo_address_family(&a->peer), RONDO_FAMILY_INET);
    assert_true(a->fd == RONDO_NO_FD);
    assert_false(a->still_open);
}

TEST(S12_addresses_after_the_end_and_in_lost)
{
    static const struct {
        const char *name;
        void (*end)(struct peer *p);
        bool made; /* connection_made has come before the end */
        int error;
    } rows[] = {
        {"close", act_close, true, 0},
        {"close before made", act_close, false, 0},
        {"abort", act_abort, true, RONDO_ECANCELED},
        {"abort before made", act_abort, false, RONDO_ECANCELED},
        {"reset", plain_reset, true, RONDO_ECONNRESET},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer_unmade(w);
        struct addresses *a = test_alloc(w, sizeof *a);
        uint16_t peer = raw_local_port(p->fd), local = raw_peer_port(p->fd);
        rondo_address address;

        p->on_lost = note_addresses;
        p->user = a;
        a->fd = rondo_transport_fd(p->transport);
        assert_true(raw_fd_valid(a->fd));
        assert_int_equal(raw_local_port(a->fd), local);
        if (row->made)
            test_run_until(w, p->made);
        row->end(p);
        assert_ok(rondo_transport_peer_address(p->transport, &address));
        assert_int_equal(rondo_address_port(&address), peer);
        assert_lost(w, p, NULL, row->error);
        check_in_lost(p, local, peer);
    }
}

TEST_LEAVES(S12_client_and_server_agree)
{
    struct listener *l = test_serve(w);
    struct peer *c = test_connect(w, l->port);
    rondo_address a, b;

    test_run_until(w, c->connected && l->count == 1 && l->first->made);
    assert_ok(rondo_transport_local_address(c->transport, &a));
    assert_ok(rondo_transport_peer_address(l->first->transport, &b));
    assert_true(rondo_address_equal(&a, &b));
    assert_ok(rondo_transport_peer_address(c->transport, &a));
    assert_ok(rondo_transport_local_address(l->first->transport, &b));
    assert_true(rondo_address_equal(&a, &b));
    assert_int_equal(rondo_address_port(&a), l->port);
    assert_ptr_equal(rondo_transport_server(l->first->transport), l->server);
    assert_null(rondo_transport_server(c->transport));
    assert_ptr_equal(rondo_transport_loop(c->transport), w->loop);
}

TEST_LEAVES(S12_self_is_the_callers)
{
    struct peer *a, *b;
    struct peer *second = test_peer(w);

    test_pair(w, &a, &b);
    assert_ptr_equal(rondo_transport_self(a->transport), a);
    second->joined = true;
    rondo_transport_set_self(a->transport, second);
    assert_ptr_equal(rondo_transport_self(a->transport), second);
    assert_ok(rondo_transport_write(b->transport, "x", 1));
    test_run_until(w, second->bytes == 1);
    assert_int_equal(a->bytes, 0);
}
