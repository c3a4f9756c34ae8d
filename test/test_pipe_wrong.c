/* test_pipe_wrong.c - what cannot become half a transport, and why. */
/* SPDX-License-Identifier: MIT */
#include "harness_pipe.h"

TEST(P1_directory_is_refused)
{
    raw_fd fd = raw_directory();

    test_need_pipes(w);
    if (fd == RONDO_NO_FD)
        test_skip(w, "no descriptors of directories on this system");
    test_refused(w, fd, RONDO_PIPE_FILE, RONDO_EINVAL);
    assert_non_null(strstr(rondo_last_error(), "directory"));
    raw_close(fd);
}

TEST(P1_closed_descriptor_is_refused)
{
    test_need_pipes(w);
    test_refused(w, raw_dead_fd(), RONDO_PIPE_OWN, RONDO_EBADF);
    test_refused(w, RONDO_NO_FD, RONDO_PIPE_FILE, RONDO_EBADF);
    test_refused(w, -5, RONDO_PIPE_BORROW, RONDO_EBADF);
}

TEST(P1_wrong_sockets_are_refused)
{
    uint16_t port;

    test_need_pipes(w);
    raw_fd fds[] = {raw_listen(&port, 1), raw_udp(), raw_tcp()};
    static const char *const why[] = {"listening", "stream", "connected"};
    for (int i = 0; i < 3; i++) {
        test_refused(w, fds[i], RONDO_PIPE_OWN, RONDO_EINVAL);
        assert_non_null(strstr(rondo_last_error(), why[i]));
        raw_close(fds[i]);
    }
}

TEST(P1_wrong_direction_is_refused)
{
    raw_fd fds[2];
    struct peer *p = test_peer(w);

    test_pipe(w, fds);
    assert_refused(rondo_connect_read_pipe(w->loop, fds[1], RONDO_PIPE_OWN,
                                           &recorder, p, NULL),
                   RONDO_EINVAL, "reading");
    assert_refused(rondo_connect_write_pipe(w->loop, fds[0], RONDO_PIPE_OWN,
                                            &recorder, p, NULL),
                   RONDO_EINVAL, "writing");
    test_spin(w, 2);
    assert_string_equal(p->order, "");
    assert_true(raw_is_blocking(fds[0]) && raw_is_blocking(fds[1]));
    raw_close_pair(fds);
}

static void never(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    (void)arg;
    fail_msg("called");
}

/* also when another descriptor is what the loop waits for */
static void check_busy(struct world *w, raw_fd fd, unsigned flags)
{
    struct peer *r = test_reader(w, fd, flags);
    struct peer *p = test_peer(w);

    assert_error(
        rondo_connect_read_pipe(w->loop, fd, flags, &recorder, p, NULL),
        RONDO_EBUSY);
    assert_error(rondo_add_reader(w->loop, fd, never, NULL),
                 raw_fd_valid(fd) ? RONDO_EBUSY : RONDO_EBADF);
    test_run_until(w, r->made);
    rondo_transport_close(r->transport);
    test_run_until(w, r->lost);
    assert_string_equal(p->order, "");
}

TEST(P1_descriptor_in_use_is_refused)
{
    raw_fd fds[2];

    test_pipe(w, fds);
    check_busy(w, fds[0], RONDO_PIPE_BORROW);
    check_busy(w, fds[0], RONDO_PIPE_BORROW);
    if (rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES)) {
        assert_ok(rondo_add_reader(w->loop, fds[0], never, NULL));
        assert_error(
            rondo_connect_read_pipe(w->loop, fds[0], 0, &recorder, NULL, NULL),
            RONDO_EBUSY);
        assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    }
    check_busy(w, fds[0], RONDO_PIPE_OWN);
    raw_close(fds[1]);
    check_busy(w, test_file(w, 10), RONDO_PIPE_FILE);
}

TEST(P1_bad_arguments)
{
    raw_fd fds[2];
    struct peer *p = test_peer(w);

    test_pipe(w, fds);
    assert_einval(rondo_connect_read_pipe(w->loop, fds[0], 0, NULL, p, NULL));
    assert_einval(
        rondo_connect_read_pipe(w->loop, fds[0], 8, &recorder, p, NULL));
    assert_einval(rondo_connect_read_pipe(NULL, fds[0], 0, &recorder, p, NULL));
    assert_einval(rondo_connect_write_pipe(w->loop, fds[1], 0, NULL, p, NULL));
    assert_einval(
        rondo_connect_write_pipe(NULL, fds[1], 0, &recorder, p, NULL));
    assert_true(raw_is_blocking(fds[0]) && raw_is_blocking(fds[1]));
    raw_close_pair(fds);
}

static void connect_again(struct peer *p)
{
    raw_fd fd = rondo_stdio(0);
    int *result = p->user;

    *result = rondo_connect_read_pipe(rondo_transport_loop(p->transport), fd,
                                      RONDO_PIPE_BORROW | RONDO_PIPE_FILE,
                                      &recorder, p, NULL);
}

TEST(L5_no_pipe_while_the_loop_closes)
{
    raw_fd fds[2];
    int *result = test_alloc(w, sizeof *result);

    test_pipe(w, fds);
    struct peer *r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    r->on_lost = connect_again;
    r->user = result;
    test_run_until(w, r->made);
    test_close_loop(w);
    assert_int_equal(*result, RONDO_ECLOSED);
    raw_close(fds[1]);
}
