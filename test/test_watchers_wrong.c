/* test_watchers_wrong.c - descriptors that cannot be watched. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_net.h"

static void check_refused(struct world *w, raw_fd fd, int error)
{
    unsigned *calls = test_alloc(w, sizeof *calls);

    assert_refused(rondo_add_reader(w->loop, fd, count_fd, calls), error, NULL);
    assert_refused(rondo_add_writer(w->loop, fd, count_fd, calls), error, NULL);
    assert_int_equal(rondo_remove_reader(w->loop, fd), 0);
    assert_int_equal(rondo_remove_writer(w->loop, fd), 0);
    test_spin(w, 3);
    assert_int_equal(*calls, 0);
}

/* ---- W2 ----------------------------------------------------------------- */

TEST(W2_regular_file_is_refused)
{
    raw_fd fd = raw_file();

    w->expect_clean = true;
    check_refused(w, fd, RONDO_EPERM);
    assert_true(raw_fd_valid(fd));
    raw_close(fd);
}

TEST(W2_directory_is_refused)
{
    raw_fd fd = raw_directory();

    if (fd == RONDO_NO_FD)
        test_skip(w, "no descriptors of directories on this system");
    w->expect_clean = true;
    check_refused(w, fd, RONDO_EPERM);
    raw_close(fd);
}

TEST(W2_closed_descriptor_is_refused)
{
    w->expect_clean = true;
    check_refused(w, raw_dead_fd(), RONDO_EBADF);
    check_refused(w, RONDO_NO_FD, RONDO_EBADF);
    check_refused(w, -77, RONDO_EBADF);
    check_refused(w, INT32_MAX, RONDO_EBADF);
    check_refused(w, INT32_MIN, RONDO_EBADF);
}

/* a number that is an open descriptor only when cut to 32 bits */
TEST(W2_a_number_too_large_is_not_cut)
{
    raw_fd fds[2];

    if (sizeof fds[0] < sizeof(uint64_t))
        test_skip(w, "descriptors have no more than 32 bits here");
    assert_int_equal(raw_pair(fds), 0);
    w->expect_clean = true;
    check_refused(w, (raw_fd)((uint64_t)1 << 32) + fds[0], RONDO_EBADF);
    assert_error(rondo_connect_accepted_socket(
                     w->loop, (raw_fd)((uint64_t)1 << 32) + fds[0], &recorder,
                     test_peer(w), NULL),
                 RONDO_EBADF);
    raw_close_pair(fds);
}

static void check_busy(struct world *w, rondo_fd fd)
{
    unsigned *calls = test_alloc(w, sizeof *calls);

    assert_error(rondo_add_reader(w->loop, fd, count_fd, calls), RONDO_EBUSY);
    assert_error(rondo_add_writer(w->loop, fd, count_fd, calls), RONDO_EBUSY);
    assert_error(rondo_remove_reader(w->loop, fd), RONDO_EBUSY);
    assert_error(rondo_remove_writer(w->loop, fd), RONDO_EBUSY);
    assert_true(rondo_last_error()[0] != '\0');
    test_spin(w, 3);
    assert_int_equal(*calls, 0);
}

TEST(W2_a_transports_descriptor_is_busy)
{
    struct peer *a, *b;
    raw_fd fd;

    test_pair(w, &a, &b);
    check_busy(w, rondo_transport_fd(a->transport));
    assert_ok(rondo_transport_pause_reading(a->transport));
    test_spin(w, 2);
    fd = rondo_transport_fd(a->transport);
    check_busy(w, fd);
    assert_ok(rondo_transport_resume_reading(a->transport));
    assert_ok(rondo_transport_write(b->transport, "x", 1));
    test_run_until(w, a->bytes == 1); /* undisturbed */
    rondo_transport_abort(a->transport);
    test_run_until(w, a->lost);
    assert_int_equal(rondo_remove_reader(w->loop, fd), 0);
}

TEST(W2_a_transport_not_yet_made_is_busy)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, p);
    assert_error(rondo_add_reader(w->loop, fds[0], count_fd,
                                  test_alloc(w, sizeof(unsigned))),
                 RONDO_EBUSY);
    test_run_until(w, p->made);
    raw_close(fds[1]);
}

TEST(W2_a_servers_descriptor_is_busy)
{
    struct listener *l = test_serve(w);
    struct peer *c;

    check_busy(w, rondo_server_fd(l->server, 0));
    c = test_connect(w, l->port);
    test_run_until(w, c->connected && l->count == 1);
    assert_int_equal(c->connect_error, 0);
}

TEST(W2_over_the_backends_limit)
{
    int64_t limit = rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTOR_NUMBER);
    int64_t before = raw_descriptor_limit();
    raw_fd fds[2];

    if (limit > 60000)
        test_skip(w, "this backend takes descriptors of any number");
    assert_int_equal(raw_pair(fds), 0);
    if (raw_raise_descriptor_limit(limit + 10) < 0 ||
        raw_descriptor_limit() < limit + 10)
        test_skip(w, "the process may not have descriptors of such a number");
    w->expect_clean = true;
    fds[0] = raw_move_fd(fds[0], (raw_fd)limit);
    assert_true(fds[0] == (raw_fd)limit);
    check_refused(w, fds[0], RONDO_EMFILE);
    fds[0] = raw_move_fd(fds[0], (raw_fd)limit - 1);
    assert_ok(rondo_add_reader(w->loop, fds[0], count_fd,
                               test_alloc(w, sizeof(unsigned))));
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    raw_close_pair(fds);
    (void)raw_set_descriptor_limit(before);
}

/* ---- nonsense ----------------------------------------------------------- */

TEST(W1_no_function_is_refused)
{
    raw_fd fds[2];

    w->expect_clean = true;
    assert_int_equal(raw_pair(fds), 0);
    assert_einval(rondo_add_reader(w->loop, fds[0], NULL, w));
    assert_einval(rondo_add_writer(w->loop, fds[0], NULL, w));
    assert_einval(rondo_add_reader(NULL, fds[0], count_fd, w));
    assert_einval(rondo_remove_reader(NULL, fds[0]));
    raw_close_pair(fds);
}
