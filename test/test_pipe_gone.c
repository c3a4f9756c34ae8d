/* test_pipe_gone.c - the other end leaves; SIGPIPE. */
/* SPDX-License-Identifier: MIT */
#include "harness_pipe.h"

static struct peer *made_writer(struct world *w, raw_fd fd, unsigned flags)
{
    struct peer *p = test_writer(w, fd, flags);

    test_run_until(w, p->made);
    return p;
}

/* ---- an idle writer's reader leaves ------------------------------------- */

static void need_telling(struct world *w)
{
    test_skip_if(w, !raw_pipe_can_be_waited_for(),
                 "an idle writer hears nothing of its reader here");
}

static void leave_idle(struct world *w, raw_fd fds[2], unsigned flags)
{
    struct peer *p = made_writer(w, fds[1], flags);

    assert_int_equal(rondo_transport_write(p->transport, "x", 1), 0);
    assert_true(test_run_for(w, RONDO_MS(5)) < 10);
    assert_int_equal(p->lost, 0);
    raw_close(fds[0]);
    test_run_loop(w);
    assert_lost(w, p, "ML", 0);
}

static void own_and_leave(struct world *w, raw_fd fds[2])
{
    leave_idle(w, fds, RONDO_PIPE_OWN);
}

static void borrow_and_leave(struct world *w, raw_fd fds[2])
{
    leave_idle(w, fds, RONDO_PIPE_BORROW);
    raw_close(fds[1]);
}

TEST(P3_idle_pipe)
{
    need_telling(w);
    test_each_pipe(w, PIPE, own_and_leave);
    test_each_pipe(w, PIPE, borrow_and_leave);
}

TEST_CASE(P3_idle_others,
          test_each_pipe(w, OVERLAPPED_PIPE | FIFO | UNIX_SOCKET,
                         own_and_leave));

TEST(P3_gone_before_it_is_made)
{
    raw_fd fd;
    struct peer *p = test_pipe_writer(w, &fd);

    need_telling(w);
    raw_close(fd);
    assert_lost(w, p, "ML", 0);
}

/* ---- with bytes that wait ----------------------------------------------- */

static void leave_full(struct world *w, raw_fd fds[2])
{
    struct peer *p = made_writer(w, fds[1], RONDO_PIPE_OWN);

    do
        (void)test_fill_transport(w, p);
    while (test_settle(w, p) == 0);
    raw_close(fds[0]);
    assert_lost(w, p, NULL, RONDO_EPIPE);
    /* the system's name for it, and no address of what it is waited for by */
    assert_true(strstr(p->last_error, "(EPIPE)") ||
                strstr(p->last_error, "(ERROR_BROKEN_PIPE)") ||
                strstr(p->last_error, "(ERROR_NO_DATA)"));
    assert_non_null(strstr(p->last_error, "pipe: write: "));
    assert_true(raw_sigpipe_untouched());
}

TEST_CASE(P3_full,
          test_each_pipe(w, PIPE | OVERLAPPED_PIPE | UNIX_SOCKET, leave_full));

/* S7: after a close all that was wanted was that it is taken, or not. */
TEST(S7_reader_leaves_after_close)
{
    raw_fd fd;
    struct peer *p = test_pipe_writer(w, &fd);

    test_run_until(w, p->made);
    (void)test_fill_transport(w, p);
    rondo_transport_close(p->transport);
    test_spin(w, 3);
    raw_close(fd);
    assert_lost(w, p, NULL, 0);
}

/* ---- SIGPIPE ------------------------------------------------------------ */

/* The loop has not run since: the write is the first to know. */
static int write_to_nobody(struct world *w, raw_fd fds[2])
{
    struct peer *p = made_writer(w, fds[1], RONDO_PIPE_OWN);
    int error;

    raw_close(fds[0]);
    error = rondo_transport_write(p->transport, "x", 1);
    assert_lost(w, p, NULL, RONDO_EPIPE);
    return error;
}

static void no_sigpipe(struct world *w, raw_fd fds[2])
{
    int error = write_to_nobody(w, fds);

    /* else it was told later, and only so */
    if (error || raw_pipe_can_be_waited_for())
        assert_error(error, RONDO_EPIPE);
    assert_true(raw_sigpipe_untouched());
}

TEST(S8_no_sigpipe)
{
    for (int i = 0; i < 3; i++)
        test_each_pipe(w, PIPE | UNIX_SOCKET, no_sigpipe);
}

static void hold_sigpipe(struct world *w, raw_fd fds[2])
{
    test_skip_if(w, !raw_sigpipe_hold(), "no SIGPIPE on this system");
    assert_error(write_to_nobody(w, fds), RONDO_EPIPE);
    assert_true(raw_sigpipe_release());
    assert_true(raw_sigpipe_untouched());
}

TEST_CASE(S8_a_pending_sigpipe_stays, test_each_pipe(w, PIPE, hold_sigpipe));

/* In a child, whose kernel is made older. Steps that fail have a number. */
static void lost_in_child(rondo_transport *t, void *self, int error)
{
    (void)t;
    *(int *)self = error;
}

static const rondo_protocol child_protocol = {.connection_lost = lost_in_child};

static int write_on_old_kernel(void *arg)
{
    rondo_loop_options o = RONDO_LOOP_OPTIONS_INIT;
    rondo_loop *loop;
    rondo_transport *t;
    raw_fd fds[2], other[2];
    bool held = arg != NULL;
    int lost = 1;

    if (!raw_make_writes_signal())
        return 77;
    if (raw_pipe(fds) != 0 || raw_pipe(other) != 0 ||
        rondo_loop_new(&loop, &o) < 0 ||
        rondo_connect_write_pipe(loop, fds[1], 0, &child_protocol, &lost, &t) <
            0)
        return 1;
    if (rondo_transport_write(t, "abc", 3) != 0)
        return 2;
    raw_close(fds[0]);
    if (held && !raw_sigpipe_hold())
        return 3;
    if (rondo_transport_write(t, "x", 1) != RONDO_EPIPE)
        return 4;
    if (held && !raw_sigpipe_release())
        return 5;
    if (!raw_sigpipe_untouched())
        return 6;
    if (rondo_loop_run(loop) < 0 || lost != RONDO_EPIPE)
        return 7;
    return rondo_loop_close(loop) < 0 ? 8 : 0;
}

static void on_old_kernel(struct world *w, void *held)
{
    int status;

    test_need_pipes(w);
    status = raw_fork_run(write_on_old_kernel, held);
    test_skip_if(w, status == -1 || status == 77,
                 "the kernel cannot be made to raise SIGPIPE here");
    assert_int_equal(status, 0);
}

TEST_CASE(S8_no_sigpipe_on_an_older_kernel, on_old_kernel(w, NULL));

TEST_CASE(S8_a_pending_sigpipe_stays_on_an_older_kernel, on_old_kernel(w, w));

/* ---- terminals and sockets: input is no hang-up ------------------------- */

/* It can still write, and what it writes is read. */
static void check_lives(struct world *w, struct peer *p)
{
    assert_true(test_run_for(w, RONDO_MS(5)) < 15);
    assert_int_equal(p->lost, 0);
    assert_int_equal(rondo_transport_write(p->transport, "shown", 5), 0);
}

TEST(P3_input_on_a_terminal)
{
    raw_fd fds[2];
    char piece[8];
    struct peer *p;

    test_terminal(w, fds);
    p = made_writer(w, fds[1], RONDO_PIPE_OWN);
    assert_int_equal(raw_write(fds[0], "typed", 5), 5);
    check_lives(w, p);
    assert_int_equal(raw_read(fds[0], piece, sizeof piece), 5);
    raw_close(fds[0]);
    rondo_transport_close(p->transport);
    assert_lost(w, p, NULL, 0);
}

static void check_input(struct world *w, raw_fd fds[2])
{
    char piece[8];
    struct peer *p = made_writer(w, fds[1], RONDO_PIPE_OWN);

    assert_int_equal(raw_send(fds[0], "hello", 5), 5);
    check_lives(w, p);
    assert_true(raw_recv_exact(fds[0], piece, 5, 1000));
    /* and a peer that has ended its side may still read */
    raw_shutdown_write(fds[0]);
    check_lives(w, p);
    assert_true(raw_recv_exact(fds[0], piece, 5, 1000));
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost);
    raw_close(fds[0]);
}

TEST_CASE(P3_input_on_a_socket,
          test_each_pipe(w, UNIX_SOCKET | TCP_SOCKET, check_input));

/* ---- a terminal hangs up ------------------------------------------------ */

/* The master, or the slave, reads; what came before is delivered, also when
 * the end is there already. */
static void hang_up(struct world *w, bool of_slave, bool at_once)
{
    raw_fd fds[2];
    struct peer *r;

    test_terminal(w, fds);
    r = test_reader(w, fds[!of_slave], RONDO_PIPE_OWN);
    if (!at_once)
        test_run_until(w, r->made);
    assert_int_equal(raw_write(fds[of_slave], "last", 4), 4);
    if (!at_once)
        test_run_until(w, r->bytes == 4);
    raw_close(fds[of_slave]);
    assert_lost(w, r, "MdEL", 0);
    assert_hears(w, r, "last");
}

TEST_CASE(P3_hang_up_of_the_slave_is_an_end, hang_up(w, true, false));

TEST_CASE(P3_hang_up_of_the_master_is_an_end, hang_up(w, false, false));

TEST_CASE(P3_the_last_words_of_a_terminal, hang_up(w, true, true));

TEST(P3_the_last_words_of_a_pipe)
{
    raw_fd fds[2];
    struct peer *r;

    test_pipe(w, fds);
    r = test_reader(w, test_own(w, fds[0]), RONDO_PIPE_BORROW);
    test_run_until(w, r->made);
    assert_ok(rondo_transport_pause_reading(r->transport));
    assert_int_equal(raw_write(fds[1], "last", 4), 4);
    raw_close(fds[1]);
    assert_true(test_run_for(w, RONDO_MS(5)) < 10);
    assert_ok(rondo_transport_resume_reading(r->transport));
    assert_lost(w, r, "MdEL", 0);
}

/* A FIFO that nobody writes to yet is not at its end. */
TEST(P3_a_fifo_waits_for_its_writer)
{
    raw_fd fds[2];
    struct peer *r;

    test_fifo(w, fds);
    r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    assert_true(test_run_for(w, RONDO_MS(5)) < 10);
    assert_int_equal(r->lost, 0);
    assert_int_equal(raw_write(fds[1], "x", 1), 1);
    raw_close(fds[1]);
    assert_lost(w, r, "MdEL", 0);
}
