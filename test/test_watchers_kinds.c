/* test_watchers_kinds.c - each kind of descriptor that can be watched. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_net.h"

/* Watchers that count their calls. */
static unsigned *reader(struct world *w, raw_fd fd)
{
    unsigned *calls = test_counter(w);

    assert_ok(rondo_add_reader(w->loop, fd, count_fd, calls));
    return calls;
}

static unsigned *writer(struct world *w, raw_fd fd)
{
    unsigned *calls = test_counter(w);

    assert_ok(rondo_add_writer(w->loop, fd, count_fd, calls));
    return calls;
}

/* Whether the loop takes it; where it says that it cannot, it must not. */
static bool is_taken(struct world *w, rondo_capability what, raw_fd fd)
{
    unsigned *calls = test_counter(w);

    if (rondo_loop_supports(w->loop, what))
        return true;
    assert_error(rondo_add_reader(w->loop, fd, count_fd, calls), RONDO_ENOTSUP);
    assert_error(rondo_add_writer(w->loop, fd, count_fd, calls), RONDO_ENOTSUP);
    assert_true(rondo_last_error()[0] != '\0');
    return false;
}

/* calls since the last look, over a few iterations */
static unsigned calls_of(struct world *w, const unsigned *calls)
{
    unsigned before = *calls;

    test_spin(w, 4);
    return *calls - before;
}

static void close_end(raw_fd *fd)
{
    raw_close(*fd);
    *fd = RONDO_NO_FD;
}

/* ---- W4: pipes ---------------------------------------------------------- */

static raw_fd *pipe_ends(struct world *w)
{
    raw_fd fds[2];

    test_skip_if(w, raw_pipe(fds) != 0,
                 "no pipes as descriptors on this system");
    return test_own_pair(w, fds);
}

static raw_fd *fifo_ends(struct world *w)
{
    raw_fd fds[2];

    test_skip_if(w, raw_fifo(fds) != 0, "no FIFOs on this system");
    return test_own_pair(w, fds);
}

/* A pair of which writing to [1] makes [0] readable, and closing [1] too. */
static void check_stream(struct world *w, raw_fd *fds)
{
    const unsigned *r, *wr;
    char piece[16];

    if (!is_taken(w, RONDO_CAN_WATCH_PIPES, fds[0]))
        return;
    r = reader(w, fds[0]);
    wr = writer(w, fds[1]);
    test_run_until(w, *wr >= 3);
    assert_int_equal(rondo_remove_writer(w->loop, fds[1]), 1);
    assert_int_equal(*r, 0);
    assert_true(test_run_for(w, RONDO_MS(5)) < 10);
    assert_int_equal(raw_write(fds[1], "abc", 3), 3);
    test_run_until(w, *r >= 3);
    assert_int_equal(raw_read(fds[0], piece, sizeof piece), 3);
    test_spin(w, 1);
    assert_int_equal(calls_of(w, r), 0);
    close_end(&fds[1]);
    test_run_until(w, calls_of(w, r) > 0);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
}

TEST_CASE(W4_pipe, check_stream(w, pipe_ends(w)));
TEST_CASE(W4_fifo, check_stream(w, fifo_ends(w)));

/* The reader's going away wakes whoever waits to write, and, as an error, who
 * watches the writing end for reading. */
static void check_reader_leaves(struct world *w,
                                unsigned *(*watch)(struct world *w, raw_fd fd))
{
    static char piece[4096];
    raw_fd *fds = pipe_ends(w);
    const unsigned *calls;

    if (!is_taken(w, RONDO_CAN_WATCH_PIPES, fds[1]))
        return;
    raw_set_nonblocking(fds[1]);
    while (watch == writer && raw_write(fds[1], piece, sizeof piece) > 0)
        continue;
    calls = watch(w, fds[1]);
    assert_int_equal(calls_of(w, calls), 0);
    close_end(&fds[0]);
    test_run_until(w, *calls);
}

TEST_LEAVES(W4_pipe_whose_reader_leaves)
{
    check_reader_leaves(w, writer);
}

TEST_LEAVES(W4_error_on_a_pipe_wakes_its_reader_too)
{
    check_reader_leaves(w, reader);
}

/* ---- W4: terminals, events, devices ------------------------------------- */

/* Where the kernel refuses it, the sentence says which backends take it, and
 * it is as if nothing had been. */
static bool is_refused(struct world *w, raw_fd fd)
{
    unsigned *calls = test_counter(w);
    int result = rondo_add_reader(w->loop, fd, count_fd, calls);

    if (result == 0) {
        assert_int_equal(rondo_remove_reader(w->loop, fd), 1);
        return false;
    }
    assert_false(rondo_loop_supports(w->loop, RONDO_CAN_WATCH_CHAR_DEVICES));
    assert_error(result, RONDO_EPERM);
    assert_non_null(strstr(rondo_last_error(), "select"));
    assert_error(rondo_add_writer(w->loop, fd, count_fd, calls), RONDO_EPERM);
    assert_int_equal(rondo_remove_reader(w->loop, fd), 0);
    test_spin(w, 3);
    assert_int_equal(*calls, 0);
    return true;
}

static raw_fd *terminal_ends(struct world *w)
{
    raw_fd fds[2];

    test_skip_if(w, raw_terminal(fds) != 0,
                 "no pseudo terminals on this system");
    return test_own_pair(w, fds);
}

TEST_LEAVES(W4_terminal)
{
    const raw_fd *fds = terminal_ends(w);
    const unsigned *calls[2];
    char piece[16];

    if (!rondo_loop_supports(w->loop, RONDO_CAN_WATCH_CHAR_DEVICES) &&
        !rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES))
        return;
    if (is_refused(w, fds[1]))
        return;
    for (int i = 0; i < 2; i++)
        calls[i] = reader(w, fds[i]);
    assert_int_equal(calls_of(w, calls[0]) + calls_of(w, calls[1]), 0);
    for (int i = 0; i < 2; i++) { /* to the master, then to the slave */
        assert_int_equal(raw_write(fds[!i], "text", 4), 4);
        test_run_until(w, *calls[i]);
        assert_int_equal(raw_read(fds[i], piece, sizeof piece), 4);
    }
    test_spin(w, 1);
    assert_int_equal(calls_of(w, calls[0]) + calls_of(w, calls[1]), 0);
}

TEST_LEAVES(W4_hang_up_of_a_terminal)
{
    raw_fd *fds = terminal_ends(w);
    unsigned *r, *wr;

    if (!is_taken(w, RONDO_CAN_WATCH_PIPES, fds[1]) || is_refused(w, fds[1]))
        return;
    r = reader(w, fds[1]);
    wr = writer(w, fds[1]);
    assert_int_equal(calls_of(w, r), 0);
    *wr = 0;
    close_end(&fds[0]);
    test_run_until(w, *r && *wr);
}

TEST_LEAVES(W4_event_descriptor)
{
    static const uint64_t one = 1;
    raw_fd fd = raw_event();
    unsigned *r;
    uint64_t count = 0;

    test_skip_if(w, fd == RONDO_NO_FD,
                 "nothing like an eventfd on this system");
    r = reader(w, test_own(w, fd));
    assert_int_equal(calls_of(w, r), 0);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(raw_write(fd, &one, sizeof one), sizeof one);
        *r = 0;
        test_run_until(w, *r >= 2);
        assert_int_equal(raw_read(fd, &count, sizeof count), sizeof count);
        test_spin(w, 1);
        assert_int_equal(calls_of(w, r), 0);
    }
}

static void check_device(struct world *w, raw_fd fd)
{
    const unsigned *calls;

    if (is_refused(w, test_own(w, fd)))
        return;
    calls = reader(w, fd);
    test_run_until(w, *calls >= 3);
    assert_int_equal(rondo_remove_reader(w->loop, fd), 1);
}

TEST(W4_null_device)
{
    if (rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES))
        check_device(w, raw_null());
    else
        assert_false(
            is_taken(w, RONDO_CAN_WATCH_PIPES, test_own(w, raw_null())));
}

TEST(W4_zero_device)
{
    raw_fd fd = raw_device("/dev/zero");

    test_skip_if(w, fd == RONDO_NO_FD, "no /dev/zero on this system");
    check_device(w, fd);
}

/* a refusal leaves the loop, and the number, as they were */
TEST_LEAVES(W4_refused_device_leaves_no_trace)
{
    raw_fd null = raw_null();
    raw_fd *fds = test_sockets(w);
    unsigned *calls = test_counter(w);

    if (rondo_add_reader(w->loop, null, count_fd, calls) == 0) {
        assert_int_equal(rondo_remove_reader(w->loop, null), 1);
        test_skip(w, "no device is refused here");
    }
    fds[0] = raw_move_fd(fds[0], null);
    assert_ok(rondo_add_reader(w->loop, fds[0], count_fd, calls));
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    test_run_until(w, *calls >= 3);
}

/* ---- sockets of other kinds --------------------------------------------- */

TEST_LEAVES(W4_listening_socket)
{
    uint16_t port = 0;
    raw_fd listener = test_own(w, raw_listen(&port, 5));
    const unsigned *r = reader(w, listener);

    assert_int_equal(calls_of(w, r), 0);
    (void)test_own(w, raw_connect(port));
    test_run_until(w, *r);
    (void)test_own(w, raw_accept(listener, 1000));
    test_spin(w, 1);
    assert_int_equal(calls_of(w, r), 0);
}

TEST_LEAVES(W4_connecting_socket)
{
    uint16_t port = 0;
    raw_fd listener = test_own(w, raw_listen(&port, 5));
    raw_fd client = test_own(w, raw_connect_start(port));
    const unsigned *calls = writer(w, client);

    test_run_until(w, *calls);
    (void)test_own(w, raw_accept(listener, 1000));
    assert_int_equal(raw_send(client, "x", 1), 1);
}

/* both sides of it, in a failed connect */
TEST_LEAVES(W1_refused_connect_wakes_both)
{
    uint16_t port = 0;
    raw_fd reserved = raw_reserve_port(&port);
    raw_fd fd = raw_connect_start(port);
    const unsigned *r, *wr;

    raw_close(reserved);
    test_skip_if(w, fd == RONDO_NO_FD,
                 "this system refuses a connect inside the call");
    r = reader(w, test_own(w, fd));
    wr = writer(w, fd);
    test_run_until(w, *r && *wr);
}

TEST_LEAVES(W4_datagram_socket)
{
    raw_fd fd = test_own(w, raw_udp());
    const unsigned *r = reader(w, fd);
    const unsigned *wr = writer(w, fd);

    test_run_until(w, *wr >= 3);
    assert_int_equal(*r, 0);
}
