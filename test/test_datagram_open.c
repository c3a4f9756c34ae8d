/* test_datagram_open.c - making endpoints: options, sockets of the program's. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_datagram.h"

/* ---- options ------------------------------------------------------------ */

TEST(D1_options_that_make_no_sense)
{
    rondo_address four = endpoint_address("127.0.0.1", 0);
    rondo_address six = endpoint_address("::1", 0);
    rondo_address empty = {.native_size = 0};
    raw_fd fd = test_udp(w);
    rondo_datagram *d = NULL;
    const struct {
        const char *name;
        const rondo_datagram_options *options;
    } rows[] = {
        {"none", NULL},
        {"nothing to bind", RONDO_DATAGRAM(.receive_size = 10)},
        {"an empty address", RONDO_DATAGRAM(.local_address = &empty)},
        {"addresses of two families",
         RONDO_DATAGRAM(.local_address = &four, .remote_address = &six)},
        {"an address of another family",
         RONDO_DATAGRAM(.local_address = &four, .family = RONDO_FAMILY_INET6)},
        {"no such family", RONDO_DATAGRAM(.family = (rondo_family)77)},
        {"a socket and an address",
         RONDO_DATAGRAM(.socket = &fd, .local_address = &four)},
        {"too much room",
         RONDO_DATAGRAM(.local_address = &four, .receive_size = SIZE_MAX)},
    };

    for (EACH_ROW(w, row, rows))
        endpoint_refused(w, row->options, RONDO_EINVAL, NULL);
    assert_einval(rondo_create_datagram_endpoint(
        w->loop, RONDO_DATAGRAM(.local_address = &four), NULL, NULL, &d));
    assert_null(d);
}

TEST(D1_an_address_that_is_not_ours)
{
    rondo_address a = endpoint_address("192.0.2.1", 0);

    test_skip_if(w, raw_datagram_at(&a, false) != RONDO_NO_FD,
                 "this system (Wine) binds to any address");
    endpoint_refused(w, RONDO_DATAGRAM(.local_address = &a),
                     RONDO_EADDRNOTAVAIL, "192.0.2.1");
}

TEST_LEAVES(G2_options_of_other_versions)
{
    struct {
        rondo_datagram_options known;
        uint64_t unknown[2];
    } newer = {.known = RONDO_DATAGRAM_OPTIONS_INIT};
    struct endpoint *e = endpoint_new(w);

    newer.known.size = sizeof newer;
    newer.known.family = RONDO_FAMILY_INET;
    assert_ok(endpoint_create(e, &newer.known));
    newer.unknown[1] = 1;
    endpoint_refused(w, &newer.known, RONDO_ENOTSUP, NULL);
    newer.known.size = 0;
    endpoint_refused(w, &newer.known, RONDO_EINVAL, NULL);
}

/* ---- sockets of the program's ------------------------------------------- */

TEST(D1_a_socket_of_the_programs)
{
    raw_fd fd = raw_udp();
    struct endpoint *e = endpoint_open(w, RONDO_DATAGRAM(.socket = &fd));

    e->on_data = endpoint_echo;
    assert_true(rondo_datagram_fd(e->d) == fd);
    assert_false(raw_is_blocking(fd));
    assert_int_equal(rondo_address_port(&e->local), raw_local_port(fd));
    endpoint_feed(e, test_udp(w), 7, 1);
    test_run_until(w, e->received);
    endpoint_end(e);
    assert_false(raw_fd_valid(fd));
}

TEST_LEAVES(D1_a_connected_socket_of_the_programs)
{
    struct endpoint *server = endpoint_bound(w), *e;
    raw_fd fd = raw_udp();
    rondo_address peer;

    assert_true(raw_datagram_connect(fd, &server->local));
    e = endpoint_open(w, RONDO_DATAGRAM(.socket = &fd));
    assert_ok(rondo_datagram_peer_address(e->d, &peer));
    assert_true(rondo_address_equal(&peer, &server->local));
    assert_ok(rondo_datagram_send(e->d, "x", 1, NULL));
    test_run_until(w, server->received);
}

TEST(D1_sockets_that_are_none)
{
    uint16_t port;
    raw_fd tcp = test_own(w, raw_tcp()), file = test_own(w, raw_file());
    raw_fd listener = test_own(w, raw_listen(&port, 1)), none = RONDO_NO_FD;
    raw_fd dead = raw_dead_fd(); /* last, or somebody would get its number */

    endpoint_refused(w, RONDO_DATAGRAM(.socket = &tcp), RONDO_EINVAL,
                     "not a datagram socket");
    endpoint_refused(w, RONDO_DATAGRAM(.socket = &listener), RONDO_EINVAL,
                     NULL);
    endpoint_refused(w, RONDO_DATAGRAM(.socket = &file), RONDO_EINVAL, NULL);
    endpoint_refused(w, RONDO_DATAGRAM(.socket = &dead), RONDO_EBADF, NULL);
    endpoint_refused(w, RONDO_DATAGRAM(.socket = &none), RONDO_EBADF, NULL);
    assert_true(raw_fd_valid(tcp)); /* still the caller's */
}

TEST_LEAVES(D1_a_socket_in_use)
{
    raw_fd fd = raw_udp();
    struct endpoint *e = endpoint_new(w);

    assert_ok(rondo_add_reader(w->loop, fd, ignore_fd, NULL));
    endpoint_refused(w, RONDO_DATAGRAM(.socket = &fd), RONDO_EBUSY, NULL);
    assert_int_equal(rondo_remove_reader(w->loop, fd), 1);
    assert_ok(endpoint_create(e, RONDO_DATAGRAM(.socket = &fd)));
    endpoint_refused(w, RONDO_DATAGRAM(.socket = &fd), RONDO_EBUSY, NULL);
    assert_error(rondo_add_reader(w->loop, fd, ignore_fd, NULL), RONDO_EBUSY);
    assert_error(rondo_remove_reader(w->loop, fd), RONDO_EBUSY);
}

/* ---- G9 ----------------------------------------------------------------- */

TEST_LEAVES(G9_its_socket_is_close_on_exec)
{
    struct endpoint *e = endpoint_bound(w);

    assert_true(raw_fd_close_on_exec(rondo_datagram_fd(e->d)));
    assert_false(raw_is_blocking(rondo_datagram_fd(e->d)));
    assert_true(rondo_datagram_fd(e->d) > 2);
}

/* ---- the descriptor is closed behind its back --------------------------- */

TEST_LEAVES(W3_closed_behind_its_back)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    int result = 0;

    /* its number must not become anybody else's meanwhile */
    w->allow_descriptors = true;
    raw_close(rondo_datagram_fd(e->d));
    result = rondo_datagram_send(e->d, "x", 1, &to->local);
    assert_true(result == RONDO_EBADF || result == RONDO_ENOTSOCK);
    test_spin(w, 5);
    assert_true(test_run_for(w, RONDO_MS(20)) < 50);
    if (!e->lost) /* a poller that cannot see it */
        rondo_datagram_abort(e->d);
    test_run_until(w, e->lost);
    assert_true(e->error < 0);
}
