/* test_pipe_borrow.c - descriptors that stay the program's, stdin above all. */
/* SPDX-License-Identifier: MIT */
#include "harness_pipe.h"

/* ---- left open, and as it was ------------------------------------------- */

enum ending { CLOSED, ABORTED, LOOP_CLOSED, ENDINGS };

static void end_it(struct world *w, struct peer *p, enum ending how)
{
    if (how == CLOSED)
        rondo_transport_close(p->transport);
    else if (how == ABORTED)
        rondo_transport_abort(p->transport);
    if (how == LOOP_CLOSED)
        test_close_loop(w);
    else
        test_run_until(w, p->lost);
    assert_int_equal(p->lost, 1);
}

static struct peer *lend(struct world *w, raw_fd fd, bool to_write)
{
    struct peer *p = to_write ? test_writer(w, fd, RONDO_PIPE_BORROW)
                              : test_reader(w, fd, RONDO_PIPE_BORROW);

    test_run_until(w, p->made);
    return p;
}

static void check_lent(struct world *w, raw_fd fd, bool to_write)
{
    for (enum ending how = 0; how < ENDINGS; how++) {
        end_it(w, lend(w, fd, to_write), how);
        assert_true(raw_fd_valid(fd));
        assert_true(raw_is_blocking(fd));
    }
}

/* The loop is closed in the end. */
static void check_pair(struct world *w, raw_fd fds[2], bool to_write)
{
    check_lent(w, fds[to_write], to_write);
    raw_close_pair(fds);
}

TEST(P2_pipe_to_read)
{
    raw_fd fds[2];

    test_pipe(w, fds);
    check_pair(w, fds, false);
}

TEST(P2_pipe_to_write)
{
    raw_fd fds[2];

    test_pipe(w, fds);
    check_pair(w, fds, true);
}

TEST(P2_socket)
{
    raw_fd fds[2];

    test_need_pipes(w);
    assert_int_equal(raw_pair(fds), 0);
    check_pair(w, fds, false);
}

TEST(P2_terminal)
{
    raw_fd fds[2];

    test_terminal(w, fds);
    check_pair(w, fds, true);
}

TEST(P2_null_device)
{
    raw_fd fd = raw_null();

    test_need_pipes(w);
    check_lent(w, fd, true);
    raw_close(fd);
}

/* read by a thread where the backend does not wait for it */
TEST(P2_null_device_to_read)
{
    raw_fd fd = raw_null();
    struct peer *r;

    test_need_pipes(w);
    r = lend(w, fd, false);
    test_run_until(w, r->lost);
    assert_true(raw_fd_valid(fd));
    assert_true(raw_is_blocking(fd));
    raw_close(fd);
}

TEST(P2_file)
{
    test_need_pipes(w);
    raw_fd fd = test_file(w, 10);
    struct peer *r = test_reader(w, fd, RONDO_PIPE_BORROW | RONDO_PIPE_FILE);
    test_run_until(w, r->lost);
    assert_true(raw_fd_valid(fd));
    raw_close(fd);
}

TEST(P2_a_mode_that_was_set_stays)
{
    raw_fd fds[2];

    test_fifo(w, fds); /* both are opened non-blocking */
    raw_set_nonblocking(fds[0]);
    end_it(w, lend(w, fds[0], false), CLOSED);
    assert_false(raw_is_blocking(fds[0]));
    raw_close_pair(fds);
}

/* Of a FIFO there is no second descriptor to be had: its mode is changed. */
TEST(P2_fifo_gets_its_mode_back)
{
    raw_fd fds[2], plain;

    test_fifo(w, fds);
    plain = raw_reopen(fds[0], false);
    if (plain == RONDO_NO_FD)
        test_skip(w, "FIFOs cannot be opened again on this system");
    check_lent(w, plain, false);
    raw_close(plain);
    raw_close_pair(fds);
}

/* Whoever shares the terminal, the shell above all, must not notice. */
TEST(P2_a_terminals_mode_is_not_touched)
{
    raw_fd fds[2];

    test_terminal(w, fds);
    raw_fd shared = raw_duplicate(fds[1]);
    struct peer *r = lend(w, fds[1], false);
    struct peer *p = test_writer(w, shared, RONDO_PIPE_OWN);
    test_run_until(w, p->made);
    assert_true(raw_is_blocking(fds[1]));
    end_it(w, r, CLOSED);
    end_it(w, p, CLOSED);
    assert_true(raw_is_blocking(fds[1]));
    raw_close_pair(fds);
}

/* What nobody asked for is somebody else's to read. */
TEST(P2_unread_bytes_stay)
{
    raw_fd fds[2];
    char piece[8];

    if (!raw_pipe_can_be_waited_for())
        test_skip(w, "a thread reads such pipes here, one piece ahead");
    test_pipe(w, fds);
    struct peer *r = lend(w, fds[0], false);
    assert_ok(rondo_transport_pause_reading(r->transport));
    assert_int_equal(raw_write(fds[1], "abc", 3), 3);
    test_spin(w, 3);
    end_it(w, r, CLOSED);
    assert_int_equal(raw_read(fds[0], piece, sizeof piece), 3);
    assert_memory_equal(piece, "abc", 3);
    raw_close_pair(fds);
}

/* As a reset would be: the next who uses the socket still can. */
TEST(P2_aborted_socket_stays_connected)
{
    raw_fd fds[2];
    char piece[8];

    test_need_pipes(w);
    assert_int_equal(raw_pair(fds), 0);
    struct peer *p = lend(w, fds[1], true);
    end_it(w, p, ABORTED);
    assert_int_equal(raw_send(fds[1], "abc", 3), 3);
    raw_close(fds[1]);
    assert_true(raw_recv_exact(fds[0], piece, 3, 1000));
    assert_int_equal(raw_recv(fds[0], piece, 1, 1000), 0);
    raw_close(fds[0]);
}

/* In a forked child the description is the parent's, too. */
static int close_in_child(void *arg)
{
    struct world *w = arg;

    return rondo_loop_after_fork(w->loop) < 0 || rondo_loop_close(w->loop) < 0;
}

TEST(L8_a_childs_close_leaves_the_mode)
{
    raw_fd fds[2], plain;

    test_fifo(w, fds);
    plain = raw_reopen(fds[0], false);
    if (plain == RONDO_NO_FD)
        test_skip(w, "FIFOs cannot be opened again on this system");
    struct peer *r = lend(w, plain, false);
    assert_false(raw_is_blocking(plain));
    int status = raw_fork_run(close_in_child, w);
    test_skip_if(w, status == -1, "no fork on this platform");
    assert_int_equal(status, 0);
    assert_false(raw_is_blocking(plain));
    end_it(w, r, CLOSED);
    assert_true(raw_is_blocking(plain));
    raw_close(plain);
    raw_close_pair(fds);
}

/* ---- stdin -------------------------------------------------------------- */

TEST(P2_stdio_numbers)
{
    for (int i = 0; i < 3; i++)
        assert_true(rondo_stdio(i) != RONDO_NO_FD);
    assert_true(rondo_stdio(3) == RONDO_NO_FD);
    assert_non_null(strstr(rondo_last_error(), "stdio"));
    assert_true(rondo_stdio(-1) == RONDO_NO_FD);
}

/* `fd` as standard input, while `run` lasts. */
static void as_stdin(struct world *w, raw_fd fd,
                     void (*run)(struct world *w, struct peer *p))
{
    raw_fd before = raw_replace_stdin(fd);
    struct peer *r = test_peer(w);

    if (before == RONDO_NO_FD)
        test_skip(w, "standard input cannot be replaced here");
    peer_capture(r, 100);
    int error = rondo_connect_read_pipe(w->loop, rondo_stdio(0),
                                        RONDO_PIPE_BORROW | RONDO_PIPE_FILE,
                                        &recorder, r, &r->transport);
    if (!error)
        run(w, r);
    bool open = raw_fd_valid(rondo_stdio(0));
    raw_restore_stdin(before);
    assert_ok(error);
    assert_true(open);
}

static void read_lines(struct world *w, struct peer *r)
{
    assert_lost(w, r, "MdEL", 0);
    assert_true(r->bytes == 8);
    assert_memory_equal(r->captured, "one\ntwo\n", 8);
}

TEST(P2_stdin_is_a_pipe)
{
    raw_fd fds[2];

    test_pipe(w, fds);
    assert_int_equal(raw_write(fds[1], "one\ntwo\n", 8), 8);
    raw_close(fds[1]);
    as_stdin(w, fds[0], read_lines);
}

TEST(P2_stdin_is_a_file)
{
    raw_fd fd = raw_file();

    test_need_pipes(w);
    assert_int_equal(raw_write(fd, "one\ntwo\n", 8), 8);
    raw_rewind(fd);
    as_stdin(w, fd, read_lines);
}

static void read_nothing(struct world *w, struct peer *r)
{
    assert_lost(w, r, "MEL", 0);
}

TEST(P2_stdin_is_the_null_device)
{
    test_need_pipes(w);
    as_stdin(w, raw_null(), read_nothing);
}

static raw_fd keyboard;

static void read_typed(struct world *w, struct peer *r)
{
    assert_int_equal(raw_write(keyboard, "one\r", 4), 4);
    test_run_until(w, r->bytes == 4);
    assert_int_equal(raw_write(keyboard, "two\r\x04", 5), 5);
    read_lines(w, r);
}

TEST(P2_stdin_is_a_terminal)
{
    raw_fd fds[2];

    test_need_pipes(w);
    if (raw_line_terminal(fds) != 0)
        test_skip(w, "no pseudo terminals on this system");
    keyboard = fds[0];
    as_stdin(w, fds[1], read_typed);
    raw_close(fds[0]);
}

/* G9: what the loop opens beside it is not what a child finds. */
static void look_at_exec(struct world *w, struct peer *r)
{
    bool inherited = !raw_fd_close_on_exec(rondo_stdio(1));

    test_run_until(w, r->made);
    assert_int_equal(!raw_fd_close_on_exec(rondo_stdio(1)), inherited);
    rondo_transport_close(r->transport);
    test_run_until(w, r->lost);
}

TEST(G9_stdin_is_no_secret)
{
    raw_fd fds[2];

    test_pipe(w, fds);
    as_stdin(w, fds[0], look_at_exec);
    raw_close(fds[1]);
}
