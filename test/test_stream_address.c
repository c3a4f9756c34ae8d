/* test_stream_address.c - a stream's addresses, descriptor and self. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

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

static void check_addresses(struct world *w, void (*end)(struct peer *p),
                            bool before_made)
{
    struct peer *p = test_peer(w);
    struct addresses *a = test_alloc(w, sizeof *a);
    raw_fd fds[2];
    uint16_t local_port, peer_port;
    rondo_address address;

    assert_int_equal(raw_pair(fds), 0);
    local_port = raw_local_port(fds[0]);
    peer_port = raw_local_port(fds[1]);
    p->on_lost = note_addresses;
    p->user = a;
    test_adopt(w, fds[0], &recorder, p);
    a->fd = rondo_transport_fd(p->transport);
    assert_true(a->fd == fds[0] && raw_fd_valid(a->fd));
    if (!before_made)
        test_run_until(w, p->made);
    end(p);
    assert_ok(rondo_transport_peer_address(p->transport, &address));
    assert_int_equal(rondo_address_port(&address), peer_port);
    test_run_until(w, p->lost);
    assert_int_equal(rondo_address_port(&a->local), local_port);
    assert_int_equal(rondo_address_port(&a->peer), peer_port);
    assert_int_equal(rondo_address_family(&a->peer), RONDO_FAMILY_INET);
    assert_true(a->fd == RONDO_NO_FD);
    assert_false(a->still_open);
    raw_close(fds[1]);
}

TEST(S12_addresses_after_close_and_in_lost)
{
    check_addresses(w, act_close, false);
    check_addresses(w, act_close, true);
}

TEST(S12_addresses_after_abort_and_in_lost)
{
    check_addresses(w, act_abort, false);
    check_addresses(w, act_abort, true);
}

TEST(S12_addresses_of_a_reset_connection)
{
    struct peer *p = test_peer(w);
    struct addresses *a = test_alloc(w, sizeof *a);
    raw_fd fd;
    uint16_t port;

    p->on_lost = note_addresses;
    p->user = a;
    fd = test_raw_peer(w, &recorder, p, 0);
    port = raw_local_port(fd);
    a->fd = rondo_transport_fd(p->transport);
    raw_reset(fd);
    assert_lost(w, p, NULL, RONDO_ECONNRESET);
    assert_int_equal(rondo_address_port(&a->peer), port);
    assert_true(a->fd == RONDO_NO_FD && !a->still_open);
}

TEST(S12_client_and_server_agree)
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

TEST(S12_self_is_the_callers)
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
