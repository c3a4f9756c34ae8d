/* test_pipe_wrong.c - what cannot become half a transport, and why. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_pipe.h"

TEST(P1_directory_is_refused)
{
    raw_fd fd = raw_directory();

    test_need_pipes(w);
    test_skip_if(w, fd == RONDO_NO_FD,
                 "no descriptors of directories on this system");
    test_refused(w, test_own(w, fd), RONDO_PIPE_FILE, RONDO_EINVAL);
    assert_non_null(strstr(rondo_last_error(), "directory"));
}

TEST(P1_descriptors_that_are_refused)
{
    uint16_t port;
    const struct {
        const char *name;
        raw_fd fd;
        unsigned flags;
        int error;
        const char *words;
    } rows[] = {
        {"listening", test_own(w, raw_listen(&port, 1)), RONDO_PIPE_OWN,
         RONDO_EINVAL, "listening"},
        {"no stream", test_own(w, raw_udp()), RONDO_PIPE_OWN, RONDO_EINVAL,
         "stream"},
        {"not connected", test_own(w, raw_tcp()), RONDO_PIPE_OWN, RONDO_EINVAL,
         "connected"},
        {"none", RONDO_NO_FD, RONDO_PIPE_FILE, RONDO_EBADF, ""},
        {"negative", -5, RONDO_PIPE_BORROW, RONDO_EBADF, ""},
        {"closed", raw_dead_fd(), RONDO_PIPE_OWN, RONDO_EBADF, ""},
    };

    test_need_pipes(w);
    for (EACH_ROW(w, row, rows)) {
        test_refused(w, row->fd, row->flags, row->error);
        assert_non_null(strstr(rondo_last_error(), row->words));
    }
}

static void refuse_reader(struct world *w, raw_fd fd, unsigned flags,
                          const rondo_protocol *protocol, const char *words)
{
    assert_refused(rondo_connect_read_pipe(w->loop, fd, flags, protocol,
                                           test_peer(w), NULL),
                   RONDO_EINVAL, words);
}

static void refuse_writer(struct world *w, raw_fd fd, unsigned flags,
                          const rondo_protocol *protocol, const char *words)
{
    assert_refused(rondo_connect_write_pipe(w->loop, fd, flags, protocol,
                                            test_peer(w), NULL),
                   RONDO_EINVAL, words);
}

TEST(P1_wrong_directions_and_arguments)
{
    raw_fd fds[2];

    test_pipe(w, fds);
    refuse_reader(w, fds[1], RONDO_PIPE_OWN, &recorder, "reading");
    refuse_writer(w, fds[0], RONDO_PIPE_OWN, &recorder, "writing");
    refuse_reader(w, fds[0], 0, NULL, NULL);
    refuse_reader(w, fds[0], 8, &recorder, NULL);
    refuse_writer(w, fds[1], 0, NULL, NULL);
    assert_einval(
        rondo_connect_read_pipe(NULL, fds[0], 0, &recorder, NULL, NULL));
    assert_einval(
        rondo_connect_write_pipe(NULL, fds[1], 0, &recorder, NULL, NULL));
    test_spin(w, 2);
    assert_true(raw_is_blocking(fds[0]) && raw_is_blocking(fds[1]));
    raw_close_pair(fds);
}

/* also when another descriptor is what the loop waits for */
static void check_busy(struct world *w, raw_fd fd, unsigned flags)
{
    struct peer *r = test_reader(w, fd, flags);
    struct peer *p = test_peer(w);

    assert_error(
        rondo_connect_read_pipe(w->loop, fd, flags, &recorder, p, NULL),
        RONDO_EBUSY);
    assert_error(rondo_add_reader(w->loop, fd, never_fd, NULL),
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
        assert_ok(rondo_add_reader(w->loop, fds[0], never_fd, NULL));
        assert_error(
            rondo_connect_read_pipe(w->loop, fds[0], 0, &recorder, NULL, NULL),
            RONDO_EBUSY);
        assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    }
    check_busy(w, fds[0], RONDO_PIPE_OWN);
    raw_close(fds[1]);
    check_busy(w, test_file(w, 10), RONDO_PIPE_FILE);
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
    raw_fd fd;
    int *result = test_alloc(w, sizeof *result);
    struct peer *r = test_pipe_reader(w, &fd);

    test_own(w, fd);
    r->on_lost = connect_again;
    r->user = result;
    test_run_until(w, r->made);
    test_close_loop(w);
    assert_int_equal(*result, RONDO_ECLOSED);
}
