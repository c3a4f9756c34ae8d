/* test_connect_socket.c - sockets that are connected already. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"

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

TEST(C4_what_is_no_connected_socket)
{
    uint16_t port = 0;
    raw_fd pipe[2] = {RONDO_NO_FD, RONDO_NO_FD};
    bool has_pipe = raw_pipe(pipe) == 0;
    const struct {
        const char *name;
        raw_fd fd;
        int error;
    } rows[] = {
        {"none", RONDO_NO_FD, RONDO_EBADF},
        {"negative", -5, RONDO_EBADF},
        {"beyond all", INT32_MAX, RONDO_EBADF},
        {"file", test_own(w, raw_file()), RONDO_EINVAL},
        {"null device", test_own(w, raw_null()), RONDO_EINVAL},
        {"datagram", test_own(w, raw_udp()), RONDO_EINVAL},
        {"listener", test_own(w, raw_listen(&port, 1)), RONDO_EINVAL},
        {"unconnected", test_own(w, raw_tcp()), RONDO_EINVAL},
        {"pipe", pipe[0], has_pipe ? RONDO_EINVAL : RONDO_EBADF},
    };

    for (EACH_ROW(w, row, rows))
        check_refused(w, row->fd, row->error);
    check_refused(w, raw_dead_fd(), RONDO_EBADF);
    raw_close_pair(pipe);
}

TEST_LEAVES(C4_a_transports_socket_is_busy)
{
    struct peer *p = test_peer(w);
    raw_fd other = test_own(w, test_raw_peer(w, &recorder, p, 0));

    check_refused(w, rondo_transport_fd(p->transport), RONDO_EBUSY);
    dial_check_works(w, p, other);
}

TEST_LEAVES(C4_a_servers_socket_is_busy)
{
    struct listener *l = test_serve(w);
    rondo_fd fd = rondo_server_fd(l->server, 0);

    /* a listener besides: either is the truth */
    assert_true(rondo_connect_accepted_socket(w->loop, fd, &recorder,
                                              test_peer(w), NULL) < 0);
    (void)test_client(w, l);
}

TEST_LEAVES(C4_a_watched_socket_is_busy)
{
    unsigned *calls = test_counter(w);
    struct peer *p = test_peer(w);
    raw_fd *fds = test_sockets(w);

    assert_ok(rondo_add_reader(w->loop, fds[0], count_fd, calls));
    check_refused(w, fds[0], RONDO_EBUSY);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    test_run_until(w, *calls > 0); /* the watcher was not disturbed */
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    assert_ok(rondo_add_writer(w->loop, fds[0], count_fd, calls));
    check_refused(w, fds[0], RONDO_EBUSY);
    assert_int_equal(rondo_remove_writer(w->loop, fds[0]), 1);
    test_adopt(w, fds[0], &recorder, p);
    fds[0] = RONDO_NO_FD;
    test_run_until(w, p->bytes == 1);
}

TEST(C4_over_the_backends_limit)
{
    raw_fd limit = (raw_fd)test_number_limit(w);
    raw_fd *fds = test_sockets(w);

    fds[0] = raw_move_fd(fds[0], limit);
    check_refused(w, fds[0], RONDO_EMFILE);
}

TEST(C4_nonsense)
{
    const raw_fd *fds = test_sockets(w);
    struct peer *p = test_peer(w);

    assert_einval(
        rondo_connect_accepted_socket(w->loop, fds[0], NULL, p, NULL));
    assert_einval(
        rondo_connect_accepted_socket(NULL, fds[0], &recorder, p, NULL));
    assert_true(raw_fd_valid(fds[0]) && raw_fd_valid(fds[1]));
}

/* ---- C4: what is taken -------------------------------------------------- */

static void adopt(struct world *w, raw_fd *fd, struct peer *p)
{
    test_adopt(w, *fd, &recorder, p);
}

static void adopt_untold(struct world *w, raw_fd *fd, struct peer *p)
{
    assert_ok(rondo_connect_accepted_socket(w->loop, *fd, &recorder, p, NULL));
}

static void adopt_as_a_connect(struct world *w, raw_fd *fd, struct peer *p)
{
    assert_ok(
        dial(w, RONDO_CONNECT(.socket = fd, .timeout_ns = RONDO_SEC(9)), p));
    *fd = RONDO_NO_FD; /* it was copied */
}

TEST(C4_an_adopted_socket_works)
{
    static const struct {
        const char *name;
        void (*adopt)(struct world *w, raw_fd *fd, struct peer *p);
    } rows[] = {{"connect_accepted_socket", adopt},
                {"the transport pointer may be NULL", adopt_untold},
                {"create_connection", adopt_as_a_connect}};

    for (EACH_ROW(w, row, rows)) {
        raw_fd *fds = test_sockets(w);
        raw_fd fd = fds[0];
        struct peer *p = test_peer(w);

        assert_true(raw_is_blocking(fd));
        row->adopt(w, &fds[0], p);
        fds[0] = RONDO_NO_FD;
        assert_int_equal(p->made + p->connected, 0); /* not inside the call */
        test_run_until(w, p->made);
        assert_true(rondo_transport_fd(p->transport) == fd);
        assert_false(raw_is_blocking(fd));
        dial_check_works(w, p, fds[1]);
        assert_int_equal(p->connected, p->id != 0);
        rondo_transport_close(p->transport);
        test_run_loop(w);
        assert_string_equal(p->order, "MdL");
        assert_false(raw_fd_valid(fd)); /* it was the transport's */
    }
}

TEST(C4_whose_peer_has_left_already)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    assert_true(raw_send_all(fds[1], "last", 4, 1000));
    raw_close(fds[1]);
    test_adopt(w, fds[0], &recorder, p);
    assert_lost(w, p, "MdEL", 0);
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
