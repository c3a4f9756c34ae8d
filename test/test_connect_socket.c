/* test_connect_socket.c - sockets that are connected already. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"
#include "raw_net.h"

/* ---- C4: what is refused ------------------------------------------------ */

/* Both ways of adopting must refuse it, and it stays the caller's. */
static void check_refused(struct world *w, raw_fd fd, int error)
{
    struct peer *p = test_peer(w);
    rondo_transport *t = (void *)p; /* on error set to nothing that exists */
    bool was_open = raw_fd_valid(fd);

    assert_refused(rondo_connect_accepted_socket(w->loop, fd, &recorder, p, &t),
                   error, NULL);
    dial_refused(w, RONDO_CONNECT(.socket = &fd), error);
    test_spin(w, 2);
    assert_string_equal(p->order, "");
    assert_int_equal(raw_fd_valid(fd), was_open);
}

TEST(C4_closed_descriptor)
{
    w->expect_clean = true;
    check_refused(w, raw_dead_fd(), RONDO_EBADF);
    check_refused(w, RONDO_NO_FD, RONDO_EBADF);
    check_refused(w, -5, RONDO_EBADF);
    check_refused(w, INT32_MAX, RONDO_EBADF);
}

TEST(C4_not_a_socket)
{
    raw_fd file = raw_file();
    raw_fd null = raw_null();
    raw_fd fds[2];

    w->expect_clean = true;
    check_refused(w, file, RONDO_EINVAL);
    check_refused(w, null, RONDO_EINVAL);
    if (raw_pipe(fds) == 0) {
        check_refused(w, fds[0], RONDO_EINVAL);
        raw_close_pair(fds);
    }
    raw_close(file);
    raw_close(null);
}

TEST(C4_datagram_socket)
{
    raw_fd fd = raw_udp();

    w->expect_clean = true;
    check_refused(w, fd, RONDO_EINVAL);
    raw_close(fd);
}

TEST(C4_listener)
{
    uint16_t port = 0;
    raw_fd fd = raw_listen(&port, 1);

    w->expect_clean = true;
    check_refused(w, fd, RONDO_EINVAL);
    raw_close(fd);
}

TEST(C4_unconnected_stream_socket)
{
    raw_fd fd = raw_tcp();

    w->expect_clean = true;
    check_refused(w, fd, RONDO_EINVAL);
    raw_close(fd);
}

TEST(C4_a_transports_socket_is_busy)
{
    struct peer *p = test_peer(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0);

    check_refused(w, rondo_transport_fd(p->transport), RONDO_EBUSY);
    dial_check_works(w, p, other);
    raw_close(other);
}

TEST(C4_a_servers_socket_is_busy)
{
    struct listener *l = test_serve(w);
    struct peer *c;
    rondo_fd fd = rondo_server_fd(l->server, 0);
    struct peer *p = test_peer(w);

    /* a listener besides: either is the truth */
    assert_true(rondo_connect_accepted_socket(w->loop, fd, &recorder, p, NULL) <
                0);
    c = test_connect(w, l->port);
    test_run_until(w, c->connected && l->count == 1);
}

TEST(C4_a_watched_socket_is_busy)
{
    unsigned *calls = test_alloc(w, sizeof *calls);
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    assert_ok(rondo_add_reader(w->loop, fds[0], count_fd, calls));
    check_refused(w, fds[0], RONDO_EBUSY);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    test_run_until(w, *calls > 0); /* the watcher was not disturbed */
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    assert_ok(rondo_add_writer(w->loop, fds[0], count_fd, calls));
    check_refused(w, fds[0], RONDO_EBUSY);
    assert_int_equal(rondo_remove_writer(w->loop, fds[0]), 1);
    test_adopt(w, fds[0], &recorder, p);
    test_run_until(w, p->bytes == 1);
    raw_close(fds[1]);
}

TEST(C4_over_the_backends_limit)
{
    int64_t limit = rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTOR_NUMBER);
    int64_t before = raw_descriptor_limit();
    raw_fd fds[2];

    if (limit > 60000)
        test_skip(w, "this backend takes descriptors of any number");
    if (raw_raise_descriptor_limit(limit + 10) < 0 ||
        raw_descriptor_limit() < limit + 10)
        test_skip(w, "the process may not have descriptors of such a number");
    assert_int_equal(raw_pair(fds), 0);
    fds[0] = raw_move_fd(fds[0], (raw_fd)limit);
    check_refused(w, fds[0], RONDO_EMFILE);
    raw_close_pair(fds);
    (void)raw_set_descriptor_limit(before);
}

TEST(C4_nonsense)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    w->expect_clean = true;
    assert_int_equal(raw_pair(fds), 0);
    assert_einval(
        rondo_connect_accepted_socket(w->loop, fds[0], NULL, p, NULL));
    assert_einval(
        rondo_connect_accepted_socket(NULL, fds[0], &recorder, p, NULL));
    assert_true(raw_fd_valid(fds[0]) && raw_fd_valid(fds[1]));
    raw_close_pair(fds);
}

/* ---- C4: what is taken -------------------------------------------------- */

TEST(C4_an_adopted_socket_works)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    w->expect_clean = true;
    assert_int_equal(raw_pair(fds), 0);
    assert_true(raw_is_blocking(fds[0]));
    test_adopt(w, fds[0], &recorder, p);
    assert_int_equal(p->made, 0); /* not inside the call */
    test_run_until(w, p->made);
    assert_true(rondo_transport_fd(p->transport) == fds[0]);
    assert_false(raw_is_blocking(fds[0]));
    dial_check_works(w, p, fds[1]);
    rondo_transport_close(p->transport);
    test_run_loop(w);
    assert_string_equal(p->order, "MdL");
    assert_false(raw_fd_valid(fds[0])); /* it was the transport's */
    raw_close(fds[1]);
}

TEST(C4_the_transport_pointer_may_be_null)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    assert_ok(
        rondo_connect_accepted_socket(w->loop, fds[0], &recorder, p, NULL));
    test_run_until(w, p->made);
    dial_check_works(w, p, fds[1]);
    raw_close(fds[1]);
}

TEST(C4_adopted_by_create_connection)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];
    raw_fd fd;

    w->expect_clean = true;
    assert_int_equal(raw_pair(fds), 0);
    fd = fds[0];
    assert_ok(
        dial(w, RONDO_CONNECT(.socket = &fd, .timeout_ns = RONDO_SEC(9)), p));
    fd = RONDO_NO_FD; /* it was copied */
    assert_int_equal(p->made + p->connected, 0);
    dial_ends(w, p, 0);
    dial_check_works(w, p, fds[1]);
    rondo_transport_close(p->transport);
    test_run_loop(w);
    assert_false(raw_fd_valid(fds[0]));
    raw_close(fds[1]);
}

TEST(C4_whose_peer_has_left_already)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    assert_true(raw_send_all(fds[1], "last", 4, 1000));
    raw_close(fds[1]);
    test_adopt(w, fds[0], &recorder, p);
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MdEL");
    assert_int_equal(p->bytes, 4);
}

/* The system may call it unconnected, or tell of the reset later. */
TEST(C4_that_was_reset_already)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];
    int result;

    assert_int_equal(raw_pair(fds), 0);
    raw_reset(fds[1]);
    result = rondo_connect_accepted_socket(w->loop, fds[0], &recorder, p, NULL);
    if (result < 0) {
        assert_int_equal(result, RONDO_EINVAL);
        assert_true(raw_fd_valid(fds[0]));
        raw_close(fds[0]);
    } else {
        assert_lost(w, p, "ML", RONDO_ECONNRESET);
    }
}
