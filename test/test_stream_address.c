/* test_stream_address.c - a stream's addresses, descriptor and self. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

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
