/* test_connect_local.c - where a connect comes from, and what it closes. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"

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

static void cancel_guarded(struct world *w, struct peer *p)
{
    struct guard before, after;

    if (rondo_cancel(w->loop, p->id) < 0)
        rondo_transport_abort(p->transport);
    guard_open(&before);
    test_run_until(w, p->connected && p->lost == p->made);
    guard_open(&after);
    test_spin(w, 5);
    guard_check(&before);
    guard_check(&after);
}

TEST(C3_cancelling_closes_an_adopted_socket_once)
{
    for (int i = 0; i < 2; i++) {
        raw_fd *fds = test_sockets(w);
        struct peer *p = dial_new(w, RONDO_CONNECT(.socket = &fds[0]));

        fds[0] = RONDO_NO_FD;
        cancel_guarded(w, p);
        assert_int_equal(p->connect_error, RONDO_ECANCELED);
        test_ends_raw(w, fds[1]);
    }
}

TEST(C3_cancelling_closes_each_socket_once)
{
    uint16_t port = 0;
    raw_fd listener = test_own(w, raw_listen(&port, 8));

    for (int spins = 0; spins < 3; spins++) {
        struct peer *p = test_connect(w, port);

        test_spin(w, spins);
        cancel_guarded(w, p);
        raw_close(raw_accept(listener, 0));
    }
}

/* ---- C3: where it comes from -------------------------------------------- */

TEST_LEAVES(C3_comes_from_the_local_address)
{
    struct listener *l = test_serve(w);
    rondo_address from = dial_address("127.0.0.1", dial_free_port());
    rondo_address any = dial_address("127.0.0.1", 0);
    rondo_address seen;
    struct peer *p =
        dial_new(w, RONDO_CONNECT(.host = "127.0.0.1", .port = l->port,
                                  .local_address = &from));

    dial_ends(w, p, 0);
    assert_ok(rondo_transport_local_address(p->transport, &seen));
    assert_true(rondo_address_equal(&seen, &from));
    test_run_until(w, l->count == 1 && l->first->made);
    assert_ok(rondo_transport_peer_address(l->first->transport, &seen));
    assert_true(rondo_address_equal(&seen, &from));
    p = dial_new(w, RONDO_CONNECT(.host = "127.0.0.1", .port = l->port,
                                  .local_address = &any));
    dial_ends(w, p, 0);
    assert_ok(rondo_transport_local_address(p->transport, &seen));
    assert_int_not_equal(rondo_address_port(&seen), 0);
}

static uint16_t port_in_use(struct world *w)
{
    uint16_t port = 0;

    (void)test_own(w, raw_listen(&port, 1));
    return port;
}

TEST(C3_local_addresses_that_will_not_do)
{
    uint16_t taken = port_in_use(w);
    const struct {
        const char *name, *from;
        uint16_t from_port, port;
        int error;
        const char *words;
    } rows[] = {
        {"of another family", "::1", 0, 9, RONDO_EAFNOSUPPORT, "127.0.0.1"},
        {"in use", "127.0.0.1", taken, dial_dead_port(), RONDO_EADDRINUSE,
         test_format(w, "127.0.0.1:%u", (unsigned)taken)},
        {"of another machine", "192.0.2.1", 0, 9, RONDO_EADDRNOTAVAIL,
         "192.0.2.1"}};

    for (EACH_ROW(w, row, rows)) {
        rondo_address from = dial_address(row->from, row->from_port);
        struct peer *p = test_peer(w);
        rondo_id id = dial(w,
                           RONDO_CONNECT(.host = "127.0.0.1", .port = row->port,
                                         .local_address = &from),
                           p);

        if (id > 0) /* an error of the call or of done: one of them */
            dial_ends(w, p, row->error);
        else
            assert_error(id, row->error);
        assert_non_null(
            strstr(id > 0 ? p->last_error : rondo_last_error(), row->words));
        assert_string_equal(p->order, "");
    }
}
