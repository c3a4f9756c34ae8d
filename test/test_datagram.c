/* test_datagram.c - datagrams come and go: D1. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"

/* ---- order -------------------------------------------------------------- */

TEST(D1_made_from_the_loop_lost_last)
{
    struct endpoint *e =
        endpoint_open(w, RONDO_DATAGRAM(.local_address = endpoint_here(w)));

    endpoint_feed(e, test_udp(w), 0, 3);
    assert_int_equal(e->made, 0);
    test_run_until(w, e->received == 3);
    rondo_datagram_close(e->d);
    assert_int_equal(e->lost, 0);
    test_run_loop(w);
    endpoint_lost(e, "MdL", 0);
}

TEST(D1_members_and_pointers_may_be_null)
{
    static const rondo_datagram_protocol nothing;
    struct endpoint *e = endpoint_new(w);
    rondo_datagram *d = NULL;
    rondo_address a;

    assert_ok(rondo_create_datagram_endpoint(
        w->loop, RONDO_DATAGRAM(.local_address = endpoint_here(w)), &nothing,
        NULL, &d));
    assert_ok(rondo_datagram_local_address(d, &a));
    assert_int_equal(raw_send_to(test_udp(w), "x", 1, &a), 1);
    test_spin(w, 10);
    rondo_datagram_close(d);
    /* nobody asks for this one's pointer */
    e->on_made = endpoint_close_it;
    assert_ok(rondo_create_datagram_endpoint(
        w->loop, RONDO_DATAGRAM(.family = RONDO_FAMILY_INET),
        &datagram_recorder, e, NULL));
    test_run_loop(w);
    assert_string_equal(e->order, "ML");
}

/* ---- what comes --------------------------------------------------------- */

/* On that address, whose datagrams have at most so many bytes. */
static void there_and_back(struct world *w, const char *ip, size_t most)
{
    struct endpoint *server = endpoint_at(w, ip);
    struct endpoint *client = endpoint_to(w, &server->local);
    unsigned char *data = test_alloc(w, most + 1);
    rondo_address peer;

    w->leaves = true;
    server->on_data = endpoint_echo;
    assert_int_equal(rondo_datagram_send(client->d, "ping", 4, NULL), 0);
    endpoint_hears(client, "ping");
    assert_true(rondo_address_equal(&server->from, &client->local));
    assert_true(rondo_address_equal(&client->from, &server->local));

    assert_false(client->truncated);
    assert_ok(rondo_datagram_peer_address(client->d, &peer));
    assert_true(rondo_address_equal(&peer, &server->local));
    assert_error(rondo_datagram_peer_address(server->d, &peer), RONDO_ENOTCONN);
    assert_int_equal(peer.native_size, 0);
    assert_error(rondo_datagram_send(client->d, data, most + 1, NULL),
                 RONDO_EMSGSIZE);
}

TEST_CASE(D1_there_and_back, there_and_back(w, "127.0.0.1", 65507));

TEST_CASE(D1_inet6_there_and_back, there_and_back(w, "::1", 65527));

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
    raw_fd fd = test_udp(w);

    e->on_data = endpoint_count_up;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        endpoint_feed(e, fd, i * BURST, BURST);
        test_run_until(w, e->received == (i + 1) * BURST);
    }
    assert_string_equal(e->order, "Md");
}

TEST_LEAVES(D1_truncation_is_told)
{
    struct endpoint *e =
        endpoint_open(w, RONDO_DATAGRAM(.local_address = endpoint_here(w),
                                        .receive_size = 10));
    raw_fd fd = test_udp(w);

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
}

TEST_LEAVES(D1_the_largest_arrives)
{
    size_t limit = (size_t)rondo_loop_limit(w->loop, RONDO_LIMIT_DATAGRAM);
    unsigned char *data = test_alloc(w, limit + 1);

    test_fill(data, 0, limit + 1);
    for (size_t room = 0; room <= 100000; room += 100000) {
        struct endpoint *e =
            endpoint_open(w, RONDO_DATAGRAM(.local_address = endpoint_here(w),
                                            .receive_size = room));
        struct endpoint *c = endpoint_to(w, &e->local);

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
    assert_int_equal(endpoint_buffered(c), 0);
}

/* ---- destinations ------------------------------------------------------- */

TEST_LEAVES(D1_destinations)
{
    struct endpoint *e = endpoint_bound(w), *other = endpoint_bound(w);
    struct endpoint *c = endpoint_to(w, &e->local);
    rondo_address empty = {.native_size = 0};

    /* another one than the peer */
    assert_refused(rondo_datagram_send(c->d, "x", 1, &other->local),
                   RONDO_EINVAL, "connected");
    assert_ok(rondo_datagram_send(c->d, "same", 4, &e->local));
    assert_ok(rondo_datagram_send(c->d, "none", 4, NULL));
    test_run_until(w, e->received == 2);
    /* none, and not connected */
    assert_refused(rondo_datagram_send(e->d, "x", 1, NULL), RONDO_ENOTCONN,
                   "no destination");
    assert_refused(rondo_datagram_send(e->d, "x", 1, &empty), RONDO_EINVAL,
                   "empty");
    assert_einval(rondo_datagram_send(e->d, NULL, 1, &e->local));
    assert_ok(rondo_datagram_send(e->d, "self", 4, &e->local));
    test_run_until(w, e->received == 3);
    test_spin(w, 5);
    assert_int_equal(other->received, 0);
}

TEST_LEAVES(D1_connected_hears_its_peer_alone)
{
    struct endpoint *e = endpoint_bound(w);
    struct endpoint *c = endpoint_to(w, &e->local);
    raw_fd stranger = test_udp(w);

    assert_int_equal(raw_send_to(stranger, "no", 2, &c->local), 2);
    assert_ok(rondo_datagram_send(e->d, "yes", 3, &c->local));
    test_run_until(w, c->received);
    test_spin(w, 10);
    assert_int_equal(c->received, 1);
    assert_memory_equal(c->data, "yes", 3);
}

TEST_LEAVES(D1_local_and_remote_and_a_family_alone)
{
    struct endpoint *server = endpoint_bound(w);
    struct endpoint *c =
        endpoint_open(w, RONDO_DATAGRAM(.local_address = endpoint_here(w),
                                        .remote_address = &server->local));
    struct endpoint *e =
        endpoint_open(w, RONDO_DATAGRAM(.family = RONDO_FAMILY_INET));
    uint16_t port = rondo_address_port(&e->local);
    rondo_address to = endpoint_address("127.0.0.1", port);

    server->on_data = endpoint_echo;
    assert_ok(rondo_datagram_send(c->d, "x", 1, NULL));
    test_run_until(w, c->received);
    assert_true(rondo_address_port(&c->local) > 0);
    assert_true(rondo_address_equal(&server->from, &c->local));
    assert_true(port > 0);
    assert_int_equal(raw_send_to(test_udp(w), "x", 1, &to), 1);
    test_run_until(w, e->received);
}

/* ---- IPv6 --------------------------------------------------------------- */

TEST_LEAVES(D1_one_socket_for_both_families)
{
    struct endpoint *e, *c;
    rondo_address a = endpoint_address("::", 0), to;

    test_skip_if(w, !raw_has_inet6(), "no IPv6 on this machine");
    e = endpoint_open(w,
                      RONDO_DATAGRAM(.local_address = &a, .v6only = RONDO_OFF));
    e->on_data = endpoint_echo;
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
    int error = RONDO_EADDRINUSE;

    test_skip_if(w, !raw_has_inet6(), "no IPv6 on this machine");
    for (int i = 0; i < TRIES && error == RONDO_EADDRINUSE; i++) {
        struct endpoint *six = endpoint_at(w, "::");
        rondo_address b =
            endpoint_address("0.0.0.0", rondo_address_port(&six->local));

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

static void answer_oneself(struct endpoint *e)
{
    /* for each that comes another one: it never ends */
    assert_ok(rondo_datagram_send(e->d, e->lent, e->size, &e->local));
}

TEST_LEAVES(L1_a_flood_is_bounded_in_each_iteration)
{
    struct flood *f = test_alloc(w, sizeof *f);
    struct endpoint *quiet = endpoint_bound(w);
    raw_fd fd = test_udp(w);

    f->e = endpoint_bound(w);
    f->e->on_data = answer_oneself;
    endpoint_feed(f->e, fd, 0, 100);
    assert_int_equal(raw_send_to(fd, "x", 1, &quiet->local), 1);
    assert_ok(rondo_call_soon(w->loop, tick, f));
    test_run_until(w, f->ticks == 200);
    assert_int_equal(quiet->received, 1);
    assert_in_range(f->most, 2, 64);
    assert_true(f->e->received > 1000);
}
