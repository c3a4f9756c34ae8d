/* test_watchers_wrong.c - descriptors that cannot be watched. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_net.h"

/* What is busy is not removed either; what was never added gives 0. */
static void check_refused(struct world *w, raw_fd fd, int error)
{
    unsigned *calls = test_counter(w);
    int removed = error == RONDO_EBUSY ? RONDO_EBUSY : 0;

    assert_refused(rondo_add_reader(w->loop, fd, count_fd, calls), error, NULL);
    assert_refused(rondo_add_writer(w->loop, fd, count_fd, calls), error, NULL);
    assert_int_equal(rondo_remove_reader(w->loop, fd), removed);
    assert_int_equal(rondo_remove_writer(w->loop, fd), removed);
    test_spin(w, 3);
    assert_int_equal(*calls, 0);
}

/* ---- W2 ----------------------------------------------------------------- */

TEST(W2_regular_file_is_refused)
{
    raw_fd fd = test_own(w, raw_file());

    check_refused(w, fd, RONDO_EPERM);
    assert_true(raw_fd_valid(fd));
}

TEST(W2_directory_is_refused)
{
    raw_fd fd = raw_directory();

    test_skip_if(w, fd == RONDO_NO_FD,
                 "no descriptors of directories on this system");
    check_refused(w, test_own(w, fd), RONDO_EPERM);
}

TEST(W2_closed_descriptor_is_refused)
{
    const raw_fd wrong[] = {raw_dead_fd(), RONDO_NO_FD, -77, INT32_MAX,
                            INT32_MIN};

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        check_refused(w, wrong[i], RONDO_EBADF);
}

/* a number that is an open descriptor only when cut to 32 bits */
TEST(W2_a_number_too_large_is_not_cut)
{
    raw_fd fd = test_sockets(w)[0];

    if (sizeof fd < sizeof(uint64_t))
        test_skip(w, "descriptors have no more than 32 bits here");
    fd += (raw_fd)((uint64_t)1 << 32);
    check_refused(w, fd, RONDO_EBADF);
    assert_error(rondo_connect_accepted_socket(w->loop, fd, &recorder,
                                               test_peer(w), NULL),
                 RONDO_EBADF);
}

TEST_LEAVES(W2_a_transports_descriptor_is_busy)
{
    struct peer *a, *b;
    raw_fd fd;

    test_pair(w, &a, &b);
    fd = rondo_transport_fd(a->transport);
    check_refused(w, fd, RONDO_EBUSY);
    assert_ok(rondo_transport_pause_reading(a->transport));
    test_spin(w, 2);
    check_refused(w, fd, RONDO_EBUSY);
    assert_ok(rondo_transport_resume_reading(a->transport));
    assert_ok(rondo_transport_write(b->transport, "x", 1));
    test_run_until(w, a->bytes == 1); /* undisturbed */
    rondo_transport_abort(a->transport);
    test_run_until(w, a->lost);
    assert_int_equal(rondo_remove_reader(w->loop, fd), 0);
}

TEST_LEAVES(W2_a_transport_not_yet_made_is_busy)
{
    struct peer *p = test_peer(w);
    raw_fd *fds = test_sockets(w), fd = fds[0];

    test_adopt(w, fd, &recorder, p);
    fds[0] = RONDO_NO_FD;
    assert_error(rondo_add_reader(w->loop, fd, count_fd, test_counter(w)),
                 RONDO_EBUSY);
    test_run_until(w, p->made);
}

TEST_LEAVES(W2_a_servers_descriptor_is_busy)
{
    struct listener *l = test_serve(w);

    check_refused(w, rondo_server_fd(l->server, 0), RONDO_EBUSY);
    (void)test_client(w, l);
}

TEST(W2_over_the_backends_limit)
{
    raw_fd limit = (raw_fd)test_number_limit(w);
    raw_fd *fds = test_sockets(w);

    fds[0] = raw_move_fd(fds[0], limit);
    assert_true(fds[0] == limit);
    check_refused(w, fds[0], RONDO_EMFILE);
    fds[0] = raw_move_fd(fds[0], limit - 1);
    assert_ok(rondo_add_reader(w->loop, fds[0], count_fd, test_counter(w)));
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
}

/* ---- nonsense ----------------------------------------------------------- */

TEST(W1_no_function_is_refused)
{
    raw_fd fd = test_sockets(w)[0];

    assert_einval(rondo_add_reader(w->loop, fd, NULL, w));
    assert_einval(rondo_add_writer(w->loop, fd, NULL, w));
    assert_einval(rondo_add_reader(NULL, fd, count_fd, w));
    assert_einval(rondo_remove_reader(NULL, fd));
}
