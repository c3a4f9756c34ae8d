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
    rondo_loop_options o = test_loop_options(w);

    for (enum ending how = 0; how < ENDINGS; how++) {
        end_it(w, lend(w, fd, to_write), how);
        assert_true(raw_fd_valid(fd));
        assert_true(raw_is_blocking(fd));
    }
    raw_close(fd);
    assert_ok(rondo_loop_new(&w->loop, &o));
}

static void lend_to_read(struct world *w, raw_fd fds[2])
{
    check_lent(w, fds[0], false);
    raw_close(fds[1]);
}

static void lend_to_write(struct world *w, raw_fd fds[2])
{
    check_lent(w, fds[1], true);
    raw_close(fds[0]);
}

TEST_CASE(P2_to_read, test_each_pipe(w, PIPE | TCP_SOCKET, lend_to_read));

TEST_CASE(P2_to_write, test_each_pipe(w, PIPE | TERMINAL, lend_to_write));

TEST(P2_null_device)
{
    test_need_pipes(w);
    check_lent(w, raw_null(), true);
}

/* read by a thread, the device where the backend does not wait for it */
TEST(P2_null_device_and_file_to_read)
{
    for (int of_file = 0; of_file < 2; of_file++) {
        raw_fd fd = test_own(w, of_file ? test_file(w, 10) : raw_null());
        unsigned flag = of_file ? RONDO_PIPE_FILE : RONDO_PIPE_OWN;
        struct peer *r;

        test_need_pipes(w);
        r = test_reader(w, fd, RONDO_PIPE_BORROW | flag);
        test_run_until(w, r->lost);
        assert_true(raw_fd_valid(fd));
        assert_true(raw_is_blocking(fd));
    }
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

/* A FIFO's end to read, which blocks. There is no second descriptor to be had
 * of it: its mode is changed. */
static raw_fd plain_fifo(struct world *w)
{
    raw_fd fds[2], plain;

    test_fifo(w, fds);
    plain = raw_reopen(fds[0], false);
    test_own(w, fds[0]);
    test_own(w, fds[1]);
    test_skip_if(w, plain == RONDO_NO_FD,
                 "FIFOs cannot be opened again on this system");
    return plain;
}

TEST_CASE(P2_fifo_gets_its_mode_back, check_lent(w, plain_fifo(w), false));

/* Whoever shares the terminal, the shell above all, must not notice. */
TEST(P2_a_terminals_mode_is_not_touched)
{
    raw_fd fds[2];
    struct peer *r, *p;

    test_terminal(w, fds);
    p = test_writer(w, raw_duplicate(fds[1]), RONDO_PIPE_OWN);
    r = lend(w, fds[1], false);
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
    struct peer *r;

    test_skip_if(w, !raw_pipe_can_be_waited_for(),
                 "a thread reads such pipes here, one piece ahead");
    test_pipe(w, fds);
    r = lend(w, fds[0], false);
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
    end_it(w, lend(w, fds[1], true), ABORTED);
    assert_int_equal(raw_send(fds[1], "abc", 3), 3);
    raw_close(fds[1]);
    assert_true(raw_recv_exact(fds[0], piece, 3, 1000));
    assert_int_equal(raw_recv(fds[0], piece, 1, 1000), 0);
    raw_close(fds[0]);
}

/* In a forked child the description is the parent's, too. */
TEST(L8_a_childs_close_leaves_the_mode)
{
    raw_fd plain = test_own(w, plain_fifo(w));
    struct peer *r = lend(w, plain, false);

    assert_false(raw_is_blocking(plain));
    test_close_in_child(w);
    assert_false(raw_is_blocking(plain));
    end_it(w, r, CLOSED);
    assert_true(raw_is_blocking(plain));
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
    bool open;
    int error;

    test_skip_if(w, before == RONDO_NO_FD,
                 "standard input cannot be replaced here");
    error = rondo_connect_read_pipe(w->loop, rondo_stdio(0),
                                    RONDO_PIPE_BORROW | RONDO_PIPE_FILE,
                                    &recorder, r, &r->transport);
    if (!error)
        run(w, r);
    open = raw_fd_valid(rondo_stdio(0));
    raw_restore_stdin(before);
    assert_ok(error);
    assert_true(open);
}

static void read_lines(struct world *w, struct peer *r)
{
    assert_lost(w, r, "MdEL", 0);
    assert_hears(w, r, "one\ntwo\n");
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
    test_skip_if(w, raw_line_terminal(fds) != 0,
                 "no pseudo terminals on this system");
    keyboard = test_own(w, fds[0]);
    as_stdin(w, fds[1], read_typed);
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
    test_own(w, fds[1]);
    as_stdin(w, fds[0], look_at_exec);
}
