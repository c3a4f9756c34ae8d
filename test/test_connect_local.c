/* test_connect_local.c - where a connect comes from, and what it closes. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "raw_net.h"

/* ---- each socket is closed once ----------------------------------------- */

/* Descriptors opened right after something closed one take its number: were
 * it closed again, they would be gone. */
struct guard {
    raw_fd fds[16];
};

static void guard_open(struct guard *g)
{
    for (int i = 0; i < 16; i++)
        g->fds[i] = raw_null();
}

static void guard_check(struct guard *g)
{
    for (int i = 0; i < 16; i++) {
        assert_true(raw_fd_valid(g->fds[i]));
        raw_close(g->fds[i]);
    }
}

TEST(C3_cancelling_closes_an_adopted_socket_once)
{
    struct guard before, after;

    w->expect_clean = true;
    for (int spins = 0; spins < 2; spins++) {
        struct peer *p = test_peer(w);
        raw_fd fds[2];
        rondo_id id;
        char byte;
        ptrdiff_t n = RAW_AGAIN;

        assert_int_equal(raw_pair(fds), 0);
        id = assert_ok(dial(w, RONDO_CONNECT(.socket = &fds[0]), p));
        assert_int_equal(rondo_cancel(w->loop, id), 0);
        guard_open(&before);
        test_run_until(w, p->connected);
        guard_open(&after);
        assert_int_equal(p->connect_error, RONDO_ECANCELED);
        test_spin(w, 5);
        test_run_until(w, (n = raw_recv(fds[1], &byte, 1, 0)) != RAW_AGAIN);
        assert_true(n == 0 || n == RAW_RESET);
        guard_check(&before);
        guard_check(&after);
        raw_close(fds[1]);
    }
}

TEST(C3_cancelling_closes_each_socket_once)
{
    uint16_t port = 0;
    raw_fd listener = raw_listen(&port, 8);
    struct guard before, after;

    w->expect_clean = true;
    for (int spins = 0; spins < 3; spins++) {
        struct peer *p = test_peer(w);
        rondo_id id = assert_ok(
            dial(w, RONDO_CONNECT(.host = "127.0.0.1", .port = port), p));

        test_spin(w, spins);
        if (rondo_cancel(w->loop, id) < 0)
            rondo_transport_abort(p->transport);
        guard_open(&before);
        test_run_until(w, p->connected && p->lost == p->made);
        guard_open(&after);
        test_spin(w, 5);
        guard_check(&before);
        guard_check(&after);
        raw_close(raw_accept(listener, 0));
    }
    raw_close(listener);
}

/* ---- C3: where it comes from -------------------------------------------- */

TEST(C3_comes_from_the_local_address)
{
    struct listener *l = test_serve(w);
    rondo_address from = dial_address("127.0.0.1", dial_free_port());
    struct peer *p = test_peer(w);
    rondo_address seen;

    assert_ok(dial(w,
                   RONDO_CONNECT(.host = "127.0.0.1", .port = l->port,
                                 .local_address = &from),
                   p));
    dial_ends(w, p, 0);
    assert_ok(rondo_transport_local_address(p->transport, &seen));
    assert_true(rondo_address_equal(&seen, &from));
    test_run_until(w, l->count == 1 && l->first->made);
    assert_ok(rondo_transport_peer_address(l->first->transport, &seen));
    assert_true(rondo_address_equal(&seen, &from));
}

TEST(C3_local_address_with_any_port)
{
    struct listener *l = test_serve(w);
    rondo_address from = dial_address("127.0.0.1", 0);
    struct peer *p = test_peer(w);
    rondo_address seen;

    assert_ok(dial(w,
                   RONDO_CONNECT(.host = "127.0.0.1", .port = l->port,
                                 .local_address = &from),
                   p));
    dial_ends(w, p, 0);
    assert_ok(rondo_transport_local_address(p->transport, &seen));
    assert_int_not_equal(rondo_address_port(&seen), 0);
}

/* as an error of the call or of done */
static void check_from_fails(struct world *w, const rondo_address *from,
                             uint16_t port, int error, const char *text)
{
    struct peer *p = test_peer(w);
    rondo_id id = dial(
        w,
        RONDO_CONNECT(.host = "127.0.0.1", .port = port, .local_address = from),
        p);

    w->expect_clean = true;
    if (id > 0)
        dial_ends(w, p, error);
    else
        assert_error(id, error);
    assert_true(strstr(id > 0 ? p->last_error : rondo_last_error(), text) !=
                NULL);
    assert_string_equal(p->order, "");
}

TEST(C3_local_address_of_another_family_alone)
{
    rondo_address from = dial_address("::1", 0);

    check_from_fails(w, &from, 9, RONDO_EAFNOSUPPORT, "127.0.0.1");
}

TEST(C3_local_address_in_use_is_named)
{
    uint16_t port = 0;
    raw_fd listener = raw_listen(&port, 1);
    rondo_address from = dial_address("127.0.0.1", port);
    char text[32];

    (void)snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)port);
    check_from_fails(w, &from, dial_dead_port(), RONDO_EADDRINUSE, text);
    raw_close(listener);
}

TEST(C3_local_address_of_another_machine)
{
    rondo_address from = dial_address("192.0.2.1", 0);

    check_from_fails(w, &from, 9, RONDO_EADDRNOTAVAIL, "192.0.2.1");
}
