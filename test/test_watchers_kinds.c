/* test_watchers_kinds.c - each kind of descriptor that can be watched. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "raw_net.h"

struct counter {
    unsigned calls;
};

static void ready(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    ((struct counter *)arg)->calls++;
}

static struct counter *reader(struct world *w, raw_fd fd)
{
    struct counter *c = test_alloc(w, sizeof *c);

    assert_ok(rondo_add_reader(w->loop, fd, ready, c));
    return c;
}

static struct counter *writer(struct world *w, raw_fd fd)
{
    struct counter *c = test_alloc(w, sizeof *c);

    assert_ok(rondo_add_writer(w->loop, fd, ready, c));
    return c;
}

/* Whether the loop takes it; where it says that it cannot, it must not. */
static bool is_taken(struct world *w, rondo_capability what, raw_fd fd)
{
    struct counter *c;

    if (rondo_loop_supports(w->loop, what))
        return true;
    c = test_alloc(w, sizeof *c);
    assert_error(rondo_add_reader(w->loop, fd, ready, c), RONDO_ENOTSUP);
    assert_error(rondo_add_writer(w->loop, fd, ready, c), RONDO_ENOTSUP);
    assert_true(rondo_last_error()[0] != '\0');
    return false;
}

/* calls since the last look, over a few iterations */
static unsigned calls_of(struct world *w, struct counter *c)
{
    unsigned before = c->calls;

    test_spin(w, 4);
    return c->calls - before;
}

/* A pair of which writing to [1] makes [0] readable, and closing [1] too. */
static void check_stream(struct world *w, raw_fd fds[2])
{
    struct counter *r, *wr;
    char piece[16];

    if (!is_taken(w, RONDO_CAN_WATCH_PIPES, fds[0])) {
        raw_close_pair(fds);
        return;
    }
    w->expect_clean = true;
    r = reader(w, fds[0]);
    wr = writer(w, fds[1]);
    test_run_until(w, wr->calls >= 3);
    assert_int_equal(rondo_remove_writer(w->loop, fds[1]), 1);
    assert_int_equal(r->calls, 0);
    assert_true(test_run_for(w, RONDO_MS(5)) < 10);
    assert_int_equal(raw_write(fds[1], "abc", 3), 3);
    test_run_until(w, r->calls >= 3);
    assert_int_equal(raw_read(fds[0], piece, sizeof piece), 3);
    test_spin(w, 1);
    assert_int_equal(calls_of(w, r), 0);
    raw_close(fds[1]);
    test_run_until(w, calls_of(w, r) > 0);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    raw_close(fds[0]);
}

TEST(W4_pipe)
{
    raw_fd fds[2];

    if (raw_pipe(fds) != 0)
        test_skip(w, "no pipes as descriptors on this system");
    check_stream(w, fds);
}

TEST(W4_fifo)
{
    raw_fd fds[2];

    test_skip_if(w, raw_fifo(fds) != 0, "no FIFOs on this system");
    check_stream(w, fds);
}

/* the reader's going away wakes whoever waits to write */
TEST(W4_pipe_whose_reader_leaves)
{
    static char piece[4096];
    struct counter *c;
    raw_fd fds[2];

    if (raw_pipe(fds) != 0)
        test_skip(w, "no pipes as descriptors on this system");
    if (!is_taken(w, RONDO_CAN_WATCH_PIPES, fds[1])) {
        raw_close_pair(fds);
        return;
    }
    raw_set_nonblocking(fds[1]);
    while (raw_write(fds[1], piece, sizeof piece) > 0)
        continue;
    c = writer(w, fds[1]);
    assert_int_equal(calls_of(w, c), 0);
    raw_close(fds[0]);
    test_run_until(w, c->calls);
    assert_int_equal(rondo_remove_writer(w->loop, fds[1]), 1);
    raw_close(fds[1]);
}

/* both sides of the pipe's writing end hear of it */
TEST(W4_error_on_a_pipe_wakes_its_reader_too)
{
    struct counter *c;
    raw_fd fds[2];

    if (raw_pipe(fds) != 0)
        test_skip(w, "no pipes as descriptors on this system");
    if (!is_taken(w, RONDO_CAN_WATCH_PIPES, fds[1])) {
        raw_close_pair(fds);
        return;
    }
    c = reader(w, fds[1]);
    assert_int_equal(calls_of(w, c), 0);
    raw_close(fds[0]);
    test_run_until(w, c->calls);
    assert_int_equal(rondo_remove_reader(w->loop, fds[1]), 1);
    raw_close(fds[1]);
}

/* A terminal may be refused by the kernel. Then the sentence says which
 * backend takes it. */
static bool is_refused(struct world *w, raw_fd fd)
{
    struct counter *c = test_alloc(w, sizeof *c);
    int result = rondo_add_reader(w->loop, fd, ready, c);

    if (result == 0) {
        assert_int_equal(rondo_remove_reader(w->loop, fd), 1);
        return false;
    }
    assert_false(rondo_loop_supports(w->loop, RONDO_CAN_WATCH_CHAR_DEVICES));
    assert_error(result, RONDO_EPERM);
    assert_true(strstr(rondo_last_error(), "select") != NULL);
    return true;
}

TEST(W4_terminal)
{
    raw_fd fds[2];

    if (raw_terminal(fds) != 0)
        test_skip(w, "no pseudo terminals on this system");
    if ((rondo_loop_supports(w->loop, RONDO_CAN_WATCH_CHAR_DEVICES) ||
         rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES)) &&
        !is_refused(w, fds[1])) {
        struct counter *master = reader(w, fds[0]);
        struct counter *slave = reader(w, fds[1]);
        char piece[16];

        assert_int_equal(calls_of(w, master) + calls_of(w, slave), 0);
        assert_int_equal(raw_write(fds[1], "out", 3), 3);
        test_run_until(w, master->calls);
        assert_int_equal(raw_read(fds[0], piece, sizeof piece), 3);
        assert_int_equal(raw_write(fds[0], "in", 2), 2);
        test_run_until(w, slave->calls);
        assert_int_equal(raw_read(fds[1], piece, sizeof piece), 2);
        test_spin(w, 1);
        assert_int_equal(calls_of(w, master) + calls_of(w, slave), 0);
        assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
        assert_int_equal(rondo_remove_reader(w->loop, fds[1]), 1);
    }
    raw_close_pair(fds);
}

TEST(W4_hang_up_of_a_terminal)
{
    struct counter *r, *wr;
    raw_fd fds[2];

    if (raw_terminal(fds) != 0)
        test_skip(w, "no pseudo terminals on this system");
    if (!is_taken(w, RONDO_CAN_WATCH_PIPES, fds[1]) || is_refused(w, fds[1])) {
        raw_close_pair(fds);
        return;
    }
    r = reader(w, fds[1]);
    wr = writer(w, fds[1]);
    assert_int_equal(calls_of(w, r), 0);
    wr->calls = 0;
    raw_close(fds[0]);
    test_run_until(w, r->calls && wr->calls);
    assert_int_equal(rondo_remove_reader(w->loop, fds[1]), 1);
    assert_int_equal(rondo_remove_writer(w->loop, fds[1]), 1);
    raw_close(fds[1]);
}

TEST(W4_event_descriptor)
{
    static const uint64_t one = 1;
    raw_fd fd = raw_event();
    struct counter *r;
    uint64_t count = 0;

    if (fd == RONDO_NO_FD)
        test_skip(w, "nothing like an eventfd on this system");
    r = reader(w, fd);
    assert_int_equal(calls_of(w, r), 0);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(raw_write(fd, &one, sizeof one), sizeof one);
        r->calls = 0;
        test_run_until(w, r->calls >= 2);
        assert_int_equal(raw_read(fd, &count, sizeof count), sizeof count);
        test_spin(w, 1);
        assert_int_equal(calls_of(w, r), 0);
    }
    assert_int_equal(rondo_remove_reader(w->loop, fd), 1);
    raw_close(fd);
}

/* Where the kernel refuses it, the sentence says which backend takes it. */
static void check_device(struct world *w, raw_fd fd)
{
    struct counter *c = test_alloc(w, sizeof *c);
    int result = rondo_add_reader(w->loop, fd, ready, c);

    if (rondo_loop_supports(w->loop, RONDO_CAN_WATCH_CHAR_DEVICES))
        assert_int_equal(result, 0);
    if (result == 0) {
        test_run_until(w, c->calls >= 3);
        assert_int_equal(rondo_remove_reader(w->loop, fd), 1);
    } else {
        assert_int_equal(result, RONDO_EPERM);
        assert_true(strstr(rondo_last_error(), "select") != NULL);
        assert_error(rondo_add_writer(w->loop, fd, ready, c), RONDO_EPERM);
        assert_int_equal(rondo_remove_reader(w->loop, fd), 0);
        test_spin(w, 3);
        assert_int_equal(c->calls, 0);
    }
    raw_close(fd);
}

TEST(W4_null_device)
{
    raw_fd fd = raw_null();

    if (!rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES)) {
        assert_false(is_taken(w, RONDO_CAN_WATCH_PIPES, fd));
        raw_close(fd);
        return;
    }
    w->expect_clean = true;
    check_device(w, fd);
}

TEST(W4_zero_device)
{
    raw_fd fd = raw_device("/dev/zero");

    test_skip_if(w, fd == RONDO_NO_FD, "no /dev/zero on this system");
    w->expect_clean = true;
    check_device(w, fd);
}

/* a refusal leaves the loop, and the number, as they were */
TEST(W4_refused_device_leaves_no_trace)
{
    raw_fd null = raw_null();
    raw_fd fds[2];
    struct counter *c;

    c = test_alloc(w, sizeof *c);
    if (rondo_add_reader(w->loop, null, ready, c) == 0) {
        assert_int_equal(rondo_remove_reader(w->loop, null), 1);
        raw_close(null);
        test_skip(w, "no device is refused here");
    }
    assert_int_equal(raw_pair(fds), 0);
    fds[0] = raw_move_fd(fds[0], null);
    assert_ok(rondo_add_reader(w->loop, fds[0], ready, c));
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    test_run_until(w, c->calls >= 3);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    raw_close_pair(fds);
}

/* ---- sockets of other kinds --------------------------------------------- */

TEST(W4_listening_socket)
{
    uint16_t port = 0;
    raw_fd listener = raw_listen(&port, 5);
    struct counter *r = reader(w, listener);
    raw_fd client, accepted;

    assert_int_equal(calls_of(w, r), 0);
    client = raw_connect(port);
    assert_true(client != RONDO_NO_FD);
    test_run_until(w, r->calls);
    accepted = raw_accept(listener, 1000);
    assert_true(accepted != RONDO_NO_FD);
    test_spin(w, 1);
    assert_int_equal(calls_of(w, r), 0);
    assert_int_equal(rondo_remove_reader(w->loop, listener), 1);
    raw_close(client);
    raw_close(accepted);
    raw_close(listener);
}

TEST(W4_connecting_socket)
{
    uint16_t port = 0;
    raw_fd listener = raw_listen(&port, 5);
    raw_fd client = raw_connect_start(port);
    struct counter *c = writer(w, client);
    raw_fd accepted;

    test_run_until(w, c->calls);
    accepted = raw_accept(listener, 1000);
    assert_true(accepted != RONDO_NO_FD);
    assert_int_equal(raw_send(client, "x", 1), 1);
    assert_int_equal(rondo_remove_writer(w->loop, client), 1);
    raw_close(client);
    raw_close(accepted);
    raw_close(listener);
}

/* both sides of it, in a failed connect */
TEST(W1_refused_connect_wakes_both)
{
    uint16_t port = 0;
    raw_fd reserved = raw_reserve_port(&port);
    raw_fd fd = raw_connect_start(port);
    struct counter *r, *wr;

    raw_close(reserved);
    if (fd == RONDO_NO_FD)
        test_skip(w, "this system refuses a connect inside the call");
    r = reader(w, fd);
    wr = writer(w, fd);
    test_run_until(w, r->calls && wr->calls);
    assert_int_equal(rondo_remove_reader(w->loop, fd), 1);
    assert_int_equal(rondo_remove_writer(w->loop, fd), 1);
    raw_close(fd);
}

TEST(W4_datagram_socket)
{
    raw_fd fd = raw_udp();
    struct counter *r = reader(w, fd);
    struct counter *wr = writer(w, fd);

    test_run_until(w, wr->calls >= 3);
    assert_int_equal(r->calls, 0);
    assert_int_equal(rondo_remove_writer(w->loop, fd), 1);
    assert_int_equal(rondo_remove_reader(w->loop, fd), 1);
    raw_close(fd);
}
