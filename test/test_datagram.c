/* test_datagram.c - datagrams come and go: D1. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"
#include "raw_net.h"

/* ---- order -------------------------------------------------------------- */

TEST(D1_made_from_the_loop_lost_last)
{
    struct endpoint *e = endpoint_new(w);
    rondo_address a = endpoint_address("127.0.0.1", 0);
    raw_fd fd = raw_udp();

    assert_ok(endpoint_create(e, RONDO_DATAGRAM(.local_address = &a)));
    endpoint_feed(e, fd, 0, 3);
    assert_int_equal(e->made, 0);
    test_run_until(w, e->received == 3);
    rondo_datagram_close(e->d);
    assert_int_equal(e->lost, 0);
    test_run_loop(w);
    assert_string_equal(e->order, "MdL");
    assert_int_equal(e->error, 0);
    raw_close(fd);
}

TEST(D1_every_member_may_be_null)
{
    static const rondo_datagram_protocol nothing;
    rondo_address a = endpoint_address("127.0.0.1", 0);
    rondo_datagram *d = NULL;
    raw_fd fd = raw_udp();

    assert_ok(rondo_create_datagram_endpoint(
        w->loop, RONDO_DATAGRAM(.local_address = &a), &nothing, NULL, &d));
    assert_ok(rondo_datagram_local_address(d, &a));
    assert_int_equal(raw_send_to(fd, "x", 1, &a), 1);
    test_spin(w, 10);
    rondo_datagram_close(d);
    test_run_loop(w);
    raw_close(fd);
}

TEST(D1_nobody_asks_for_the_pointer)
{
    struct endpoint *e = endpoint_new(w);

    e->on_made = endpoint_close_it;
    assert_ok(rondo_create_datagram_endpoint(
        w->loop, RONDO_DATAGRAM(.family = RONDO_FAMILY_INET),
        &datagram_recorder, e, NULL));
    test_run_loop(w);
    assert_string_equal(e->order, "ML");
}

/* ---- what comes --------------------------------------------------------- */

TEST_LEAVES(D1_there_and_back)
{
    struct endpoint *server = endpoint_bound(w);
    struct endpoint *client = endpoint_to(w, &server->local);
    rondo_address peer;

    server->on_data = endpoint_echo;
    assert_int_equal(rondo_datagram_send(client->d, "ping", 4, NULL), 0);
    test_run_until(w, client->received);
    assert_true(rondo_address_equal(&server->from, &client->local));
    assert_true(rondo_address_equal(&client->from, &server->local));
    assert_int_equal(client->size, 4);
    assert_memory_equal(client->data, "ping", 4);
    assert_false(client->truncated);
    assert_ok(rondo_datagram_peer_address(client->d, &peer));
    assert_true(rondo_address_equal(&peer, &server->local));
    assert_error(rondo_datagram_peer_address(server->d, &peer), RONDO_ENOTCONN);
    assert_int_equal(peer.native_size, 0);
}

TEST_LEAVES(D1_empty_datagrams_arrive)
{
    struct endpoint *server = endpoint_bound(w);
    struct endpoint *client = endpoint_to(w, &server->local);

    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(rondo_datagram_send(client->d, NULL, 0, NULL), 0);
        test_run_until(w, server->received == i);
        assert_int_equal(server->size, 0);
        assert_false(server->truncated);
        assert_true(rondo_address_equal(&server->from, &client->local));
    }
    assert_ok(rondo_datagram_send(server->d, "", 0, &client->local));
    test_run_until(w, client->received);
    assert_int_equal(client->size, 0);
}

TEST_LEAVES(D1_a_burst_arrives_in_order)
{
    enum { ROUNDS = 50, BURST = 100 };
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = raw_udp();

    e->on_data = endpoint_count_up;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        endpoint_feed(e, fd, i * BURST, BURST);
        test_run_until(w, e->received == (i + 1) * BURST);
    }
    assert_string_equal(e->order, "Md");
    raw_close(fd);
}

TEST_LEAVES(D1_truncation_is_told)
{
    struct endpoint *e = endpoint_new(w);
    rondo_address a = endpoint_address("127.0.0.1", 0);
    raw_fd fd = raw_udp();

    assert_ok(endpoint_create(
        e, RONDO_DATAGRAM(.local_address = &a, .receive_size = 10)));
    assert_int_equal(raw_send_to(fd, "0123456789abc", 13, &e->local), 13);
    test_run_until(w, e->received == 1);
    assert_true(e->truncated);
    assert_int_equal(e->size, 10);
    assert_memory_equal(e->data, "0123456789", 10);
    assert_int_equal(rondo_address_port(&e->from), raw_local_port(fd));
    assert_int_equal(raw_send_to(fd, "ABCDEFGHIJ", 10, &e->local), 10);
    test_run_until(w, e->received == 2);
    assert_false(e->truncated);
    assert_int_equal(e->size, 10);
    assert_memory_equal(e->data, "ABCDEFGHIJ", 10);
    assert_int_equal(e->errors, 0);
    raw_close(fd);
}

TEST_LEAVES(D1_the_largest_arrives)
{
    static const size_t rooms[] = {0, 100000};
    size_t limit = (size_t)rondo_loop_limit(w->loop, RONDO_LIMIT_DATAGRAM);
    unsigned char *data = test_alloc(w, limit + 1);
    rondo_address a = endpoint_address("127.0.0.1", 0);

    test_fill(data, 0, limit + 1);
    for (size_t i = 0; i < 2; i++) {
        struct endpoint *e = endpoint_new(w);
        struct endpoint *c;

        assert_ok(endpoint_create(
            e, RONDO_DATAGRAM(.local_address = &a, .receive_size = rooms[i])));
        c = endpoint_to(w, &e->local);
        assert_int_equal(rondo_datagram_send(c->d, data, limit, NULL), 0);
        test_run_until(w, e->received);
        assert_int_equal(e->size, limit);
        assert_false(e->truncated);
        assert_memory_equal(e->data, data, sizeof e->data);
    }
}

TEST_LEAVES(D1_too_large_and_the_endpoint_lives)
{
    size_t limit = (size_t)rondo_loop_limit(w->loop, RONDO_LIMIT_DATAGRAM);
    unsigned char *data = test_alloc(w, limit + 5000);
    struct endpoint *e = endpoint_bound(w);
    struct endpoint *c = endpoint_to(w, &e->local);

    assert_refused(rondo_datagram_send(c->d, data, limit + 1, NULL),
                   RONDO_EMSGSIZE, "65507");
    assert_error(rondo_datagram_send(c->d, data, limit + 5000, NULL),
                 RONDO_EMSGSIZE);
    assert_error(rondo_datagram_send(c->d, data, SIZE_MAX, NULL),
                 RONDO_EMSGSIZE);
    assert_ok(rondo_datagram_send(c->d, "small", 5, NULL));
    test_run_until(w, e->received);
    assert_int_equal(e->size, 5);
    assert_int_equal(c->errors, 0);
    assert_int_equal(rondo_datagram_get_write_buffer_size(c->d), 0);
}

/* ---- destinations ------------------------------------------------------- */

TEST_LEAVES(D1_another_destination_than_the_peer)
{
    struct endpoint *e = endpoint_bound(w);
    struct endpoint *other = endpoint_bound(w);
    struct endpoint *c = endpoint_to(w, &e->local);

    assert_refused(rondo_datagram_send(c->d, "x", 1, &other->local),
                   RONDO_EINVAL, "connected");
    assert_ok(rondo_datagram_send(c->d, "same", 4, &e->local));
    assert_ok(rondo_datagram_send(c->d, "none", 4, NULL));
    test_run_until(w, e->received == 2);
    test_spin(w, 5);
    assert_int_equal(other->received, 0);
}

TEST_LEAVES(D1_no_destination_and_not_connected)
{
    struct endpoint *e = endpoint_bound(w);
    rondo_address empty = {.native_size = 0};

    assert_refused(rondo_datagram_send(e->d, "x", 1, NULL), RONDO_ENOTCONN,
                   "no destination");
    assert_refused(rondo_datagram_send(e->d, "x", 1, &empty), RONDO_EINVAL,
                   "empty");
    assert_einval(rondo_datagram_send(e->d, NULL, 1, &e->local));
    e->on_data = NULL;
    assert_ok(rondo_datagram_send(e->d, "self", 4, &e->local));
    test_run_until(w, e->received);
}

TEST_LEAVES(D1_connected_hears_its_peer_alone)
{
    struct endpoint *e = endpoint_bound(w);
    struct endpoint *c = endpoint_to(w, &e->local);
    raw_fd stranger = raw_udp();

    assert_int_equal(raw_send_to(stranger, "no", 2, &c->local), 2);
    assert_ok(rondo_datagram_send(e->d, "yes", 3, &c->local));
    test_run_until(w, c->received);
    test_spin(w, 10);
    assert_int_equal(c->received, 1);
    assert_memory_equal(c->data, "yes", 3);
    raw_close(stranger);
}

TEST_LEAVES(D1_local_and_remote)
{
    struct endpoint *server = endpoint_bound(w), *c = endpoint_new(w);
    rondo_address here = endpoint_address("127.0.0.1", 0);

    assert_ok(
        endpoint_create(c, RONDO_DATAGRAM(.local_address = &here,
                                          .remote_address = &server->local)));
    server->on_data = endpoint_echo;
    assert_ok(rondo_datagram_send(c->d, "x", 1, NULL));
    test_run_until(w, c->received);
    assert_true(rondo_address_port(&c->local) > 0);
    assert_true(rondo_address_equal(&server->from, &c->local));
}

TEST_LEAVES(D1_a_family_alone)
{
    struct endpoint *e = endpoint_new(w);
    raw_fd fd = raw_udp();
    rondo_address to;

    assert_ok(endpoint_create(e, RONDO_DATAGRAM(.family = RONDO_FAMILY_INET)));
    assert_true(rondo_address_port(&e->local) > 0);
    to = endpoint_address("127.0.0.1", rondo_address_port(&e->local));
    assert_int_equal(raw_send_to(fd, "x", 1, &to), 1);
    test_run_until(w, e->received);
    raw_close(fd);
}

/* ---- IPv6 --------------------------------------------------------------- */

TEST_LEAVES(D1_inet6_there_and_back)
{
    struct endpoint *e = endpoint_new(w), *c;
    rondo_address a = endpoint_address("::1", 0);
    size_t most = 65527;
    unsigned char *data = test_alloc(w, most + 1);

    test_skip_if(w, !raw_has_inet6(), "no IPv6 on this machine");
    e->on_data = endpoint_echo;
    assert_ok(endpoint_create(e, RONDO_DATAGRAM(.local_address = &a)));
    c = endpoint_to(w, &e->local);
    assert_ok(rondo_datagram_send(c->d, "six", 3, NULL));
    test_run_until(w, c->received);
    assert_int_equal(rondo_address_family(&c->from), RONDO_FAMILY_INET6);
    assert_true(rondo_address_equal(&c->from, &e->local));
    assert_error(rondo_datagram_send(c->d, data, most + 1, NULL),
                 RONDO_EMSGSIZE);
}

TEST_LEAVES(D1_one_socket_for_both_families)
{
    struct endpoint *e = endpoint_new(w), *c;
    rondo_address a = endpoint_address("::", 0), to;

    test_skip_if(w, !raw_has_inet6(), "no IPv6 on this machine");
    e->on_data = endpoint_echo;
    assert_ok(endpoint_create(
        e, RONDO_DATAGRAM(.local_address = &a, .v6only = RONDO_OFF)));
    to = endpoint_address("127.0.0.1", rondo_address_port(&e->local));
    c = endpoint_to(w, &to);
    assert_ok(rondo_datagram_send(c->d, "four", 4, NULL));
    test_run_until(w, c->received);
    assert_int_equal(rondo_address_family(&e->from), RONDO_FAMILY_INET6);
    assert_true(rondo_address_equal(&c->from, &to));
}

/* The port of the one may be another program's in the other family. */
TEST_LEAVES(D1_v6only_unless_asked)
{
    enum { TRIES = 20 };
    struct endpoint *six;
    rondo_address a = endpoint_address("::", 0), b;
    int error = RONDO_EADDRINUSE;

    test_skip_if(w, !raw_has_inet6(), "no IPv6 on this machine");
    for (int i = 0; i < TRIES && error == RONDO_EADDRINUSE; i++) {
        six = endpoint_new(w);
        assert_ok(endpoint_create(six, RONDO_DATAGRAM(.local_address = &a)));
        b = endpoint_address("0.0.0.0", rondo_address_port(&six->local));
        error = endpoint_create(endpoint_new(w),
                                RONDO_DATAGRAM(.local_address = &b));
    }
    assert_ok(error);
}

/* ---- L1 ----------------------------------------------------------------- */

struct flood {
    struct endpoint *e;
    unsigned ticks, most; /* datagrams between two iterations */
    unsigned before;
};

static void tick(rondo_loop *loop, void *arg)
{
    struct flood *f = arg;
    unsigned now = f->e->received - f->before;

    if (now > f->most)
        f->most = now;
    f->before = f->e->received;
    f->ticks++;
    if (f->ticks < 200)
        assert_ok(rondo_call_soon(loop, tick, f));
}

static void answer_oneself(struct endpoint *e, const void *data, size_t size,
                           const rondo_address *from)
{
    (void)from;
    /* for each that comes another one: it never ends */
    assert_ok(rondo_datagram_send(e->d, data, size, &e->local));
}

TEST_LEAVES(L1_a_flood_is_bounded_in_each_iteration)
{
    struct flood *f = test_alloc(w, sizeof *f);
    struct endpoint *quiet = endpoint_bound(w);
    raw_fd fd = raw_udp();

    f->e = endpoint_bound(w);
    f->e->on_data = answer_oneself;
    endpoint_feed(f->e, fd, 0, 100);
    assert_int_equal(raw_send_to(fd, "x", 1, &quiet->local), 1);
    assert_ok(rondo_call_soon(w->loop, tick, f));
    test_run_until(w, f->ticks == 200);
    assert_int_equal(quiet->received, 1);
    assert_in_range(f->most, 2, 64);
    assert_true(f->e->received > 1000);
    raw_close(fd);
}
