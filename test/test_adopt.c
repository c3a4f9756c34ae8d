/* test_adopt.c - one descriptor, borrowed or not, for both directions. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"
#include "harness_pipe.h"
#include "harness_plain.h"

static struct peer *adopt(struct world *w, raw_fd fd, unsigned flags)
{
    struct peer *p = test_peer(w);

    assert_ok(
        rondo_adopt(w->loop, (rondo_fd)fd, flags, &recorder, p, &p->transport));
    test_run_until(w, p->made);
    assert_true(rondo_transport_fd(p->transport) == (rondo_fd)fd);
    return p;
}

/* A peer whose descriptor is lent, and the plain socket at its other end. */
static struct peer *lend(struct world *w, raw_fd fds[2])
{
    struct peer *p = adopt(w, fds[0], RONDO_PIPE_BORROW);

    p->fd = fds[1];
    return p;
}

static void check_both_ways(struct world *w, struct peer *a, struct peer *b)
{
    assert_ok(rondo_transport_write(a->transport, "there", 5));
    assert_hears(w, b, "there");
    assert_ok(rondo_transport_write(b->transport, "back", 4));
    assert_hears(w, a, "back");
}

/* ---- S23: sockets --------------------------------------------------------- */

TEST_LEAVES(S23_options_that_are_asked_for)
{
    static const struct {
        const char *name;
        unsigned flags;
        int no_delay, keep_alive;
    } rows[] = {
        {"none", RONDO_PIPE_OWN, 0, 0},
        {"no delay", RONDO_ADOPT_NO_DELAY, 1, 0},
        {"keep alive", RONDO_ADOPT_KEEP_ALIVE, 0, 1},
        {"both", RONDO_ADOPT_NO_DELAY | RONDO_ADOPT_KEEP_ALIVE, 1, 1},
    };

    for (EACH_ROW(w, row, rows)) {
        raw_fd *fds = test_sockets(w), fd = fds[0];
        struct peer *p;

        fds[0] = RONDO_NO_FD;
        p = adopt(w, fd, row->flags);
        assert_int_equal(raw_no_delay(fd) != 0, row->no_delay);
        assert_int_equal(raw_keep_alive(fd) != 0, row->keep_alive);
        p->fd = fds[1];
        plain_send(p, "hello");
        assert_hears(w, p, "hello");
    }
}

enum ending { CLOSED, ABORTED, ENDED, LOOP_CLOSED, ENDINGS };

static void end_it(struct world *w, struct peer *p, enum ending how)
{
    if (how == CLOSED)
        act_close(p);
    else if (how == ABORTED)
        act_abort(p);
    if (how == LOOP_CLOSED)
        test_close_loop(w);
    else if (how != ENDED)
        test_run_until(w, p->lost);
}

TEST(S23_a_borrowed_socket_goes_on)
{
    rondo_loop_options o = test_loop_options(w);

    test_need_pipes(w);
    for (enum ending how = 0; how < ENDINGS; how++) {
        raw_fd *fds = test_sockets(w);
        struct peer *p = lend(w, fds);

        plain_send(p, "hello");
        assert_hears(w, p, "hello");
        assert_ok(rondo_transport_write(p->transport, "answer", 6));
        plain_hears(p, "answer");
        if (how == ENDED) {
            raw_shutdown_write(p->fd);
            test_run_until(w, p->lost);
            assert_int_equal(p->error, 0);
        }
        end_it(w, p, how);
        assert_int_equal(p->lost, 1);
        assert_true(raw_fd_valid(fds[0]));
        if (how != ENDED) /* Windows tells only by a call that waits */
            assert_true(raw_is_blocking(fds[0]));
        /* no end and no reset has been sent */
        assert_true(raw_send_all(fds[0], "more", 4, 1000));
        plain_hears(p, "more");
    }
    assert_ok(rondo_loop_new(&w->loop, &o));
}

TEST(S23_a_borrowed_socket_ends_one_side)
{
    raw_fd *fds;
    struct peer *p;

    test_need_pipes(w);
    fds = test_sockets(w);
    p = lend(w, fds);
    p->keep_open = true;
    assert_true(rondo_transport_can_write_eof(p->transport));
    act_hello(p);
    act_write_eof(p);
    plain_hears(p, "hello");
    test_ends_raw(w, p->fd);
    plain_send(p, "still");
    assert_hears(w, p, "still");
    raw_shutdown_write(p->fd);
    assert_lost(w, p, "MdEL", 0);
}

TEST(S23_much_both_ways_over_borrowed_sockets)
{
    raw_fd *fds;
    struct peer *a, *b;

    test_need_pipes(w);
    fds = test_sockets(w);
    a = adopt(w, fds[0], RONDO_PIPE_BORROW);
    b = adopt(w, fds[1], RONDO_PIPE_BORROW);
    test_exchange(w, a, b, 2000000);
    act_close(a);
    act_close(b);
    test_run_until(w, a->lost && b->lost);
}

TEST(S23_filters_over_a_borrowed_socket)
{
    raw_fd *fds;
    struct peer *p;
    struct toy *y = test_toy(w, 7);

    test_need_pipes(w);
    fds = test_sockets(w);
    p = lend(w, fds);
    toy_push(p->transport, y);
    plain_send(p, "H\003");
    test_run_until(w, y->hello);
    plain_hears(p, "H\007");
    act_abort(p);
    assert_lost(w, p, NULL, RONDO_ECANCELED);
}

TEST(S23_a_borrowed_socket_is_detached)
{
    rondo_detached out = RONDO_DETACHED_INIT;
    raw_fd *fds;
    struct peer *p;

    test_need_pipes(w);
    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_DETACH),
                 "a completion port keeps its handles");
    fds = test_sockets(w);
    p = lend(w, fds);
    assert_ok(rondo_transport_detach(p->transport, &out));
    assert_true(out.fd == (rondo_fd)fds[0]);
    assert_lost(w, p, "ML", 0);
    assert_true(raw_send_all(fds[0], "more", 4, 1000));
    plain_hears(p, "more");
}

/* ---- S23: terminals ------------------------------------------------------- */

TEST(S23_a_terminal_both_ways_over_one_descriptor)
{
    raw_fd fds[2];
    struct peer *master, *slave;

    test_need_pipes(w);
    test_skip_if(w, raw_terminal(fds) != 0, "no pseudo terminals");
    master = adopt(w, fds[0], RONDO_PIPE_OWN);
    slave = adopt(w, fds[1], RONDO_PIPE_OWN);
    assert_false(rondo_transport_can_write_eof(slave->transport));
    assert_refused(rondo_transport_write_eof(slave->transport), RONDO_ENOTSUP,
                   "terminal");
    check_both_ways(w, master, slave);
    act_close(slave); /* the master hears of it */
    test_run_until(w, slave->lost && master->lost);
    assert_int_equal(slave->error, 0);
    assert_false(raw_fd_valid(fds[0]));
    assert_false(raw_fd_valid(fds[1]));
}

TEST(S23_a_borrowed_terminal_is_left_as_it_was)
{
    raw_fd fds[2];
    struct peer *master, *slave;

    test_need_pipes(w);
    test_skip_if(w, raw_terminal(fds) != 0, "no pseudo terminals");
    (void)test_own(w, fds[1]);
    master = adopt(w, fds[0], RONDO_PIPE_OWN);
    for (int i = 0; i < 3; i++) {
        slave = adopt(w, fds[1], RONDO_PIPE_BORROW);
        master->captured_size = 0;
        master->bytes = 0;
        check_both_ways(w, master, slave);
        if (i)
            act_close(slave);
        else
            act_abort(slave);
        test_run_until(w, slave->lost);
        assert_true(raw_fd_valid(fds[1]));
        assert_true(raw_is_blocking(fds[1]));
        assert_int_equal(master->lost, 0);
    }
    act_close(master);
    test_run_until(w, master->lost);
}

/* ---- S23: what is refused -------------------------------------------------- */

static void nothing(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    (void)arg;
}

/* Whether a backend waits for the null device is the backend's to say. */
TEST(S23_a_device_that_cannot_be_waited_for)
{
    raw_fd fd = test_own(w, raw_null());
    struct peer *p = test_peer(w);
    int watch, error;

    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES),
                 "no devices");
    watch = rondo_add_reader(w->loop, (rondo_fd)fd, nothing, NULL);
    if (watch == 0)
        assert_int_equal(rondo_remove_reader(w->loop, (rondo_fd)fd), 1);
    error = rondo_adopt(w->loop, (rondo_fd)fd, RONDO_PIPE_BORROW, &recorder, p,
                        &p->transport);
    assert_int_equal(error, watch);
    if (error == 0) {
        assert_lost(w, p, "MEL", 0);
    } else {
        assert_error(error, RONDO_EPERM);
        assert_non_null(strstr(rondo_last_error(), "adopt: "));
        assert_null(p->transport);
        assert_true(raw_is_blocking(fd)); /* as it was */
    }
    assert_int_equal(raw_write(fd, "x", 1), 1);
}

TEST(S23_refused)
{
    uint16_t port = 0;
    raw_fd *pipe = test_own_pipe(w), *fds = test_sockets(w);
    const raw_fd listener = test_own(w, raw_listen(&port, 1));
    const raw_fd gone = raw_udp();
    const struct {
        const char *name;
        raw_fd fd;
        unsigned flags;
        int error;
        const char *words;
    } rows[] = {
        {"none", RONDO_NO_FD, 0, RONDO_EBADF, "not open"},
        {"closed", gone, 0, RONDO_EBADF, "not open"},
        {"a file", test_own(w, raw_file()), 0, RONDO_EINVAL, "file"},
        {"a datagram socket", test_own(w, raw_udp()), 0, RONDO_EINVAL,
         "stream"},
        {"a listener", listener, 0, RONDO_EINVAL, "listening"},
        {"a lent listener", listener, RONDO_PIPE_BORROW, RONDO_EINVAL,
         "listening"},
        {"unconnected", test_own(w, raw_tcp()), 0, RONDO_EINVAL, "connected"},
        {"only reads", pipe[0], 0, RONDO_EINVAL, "both"},
        {"only writes", pipe[1], 0, RONDO_EINVAL, "both"},
        {"unknown flags", fds[0], 64, RONDO_EINVAL, "flags"},
        {"a file's flag", fds[0], RONDO_PIPE_FILE, RONDO_EINVAL, "flags"},
        {"lent, with options", fds[0], RONDO_PIPE_BORROW | RONDO_ADOPT_NO_DELAY,
         RONDO_EINVAL, "borrowed"},
    };

    raw_close(gone);
    test_need_pipes(w);
    for (EACH_ROW(w, row, rows)) {
        struct peer *p = test_peer(w);

        assert_refused(rondo_adopt(w->loop, (rondo_fd)row->fd, row->flags,
                                   &recorder, p, NULL),
                       row->error, row->words);
        test_spin(w, 2);
        assert_string_equal(p->order, "");
    }
    assert_refused(rondo_adopt(w->loop, (rondo_fd)fds[0], 0, NULL, NULL, NULL),
                   RONDO_EINVAL, "protocol");
}

TEST(S23_in_use)
{
    raw_fd *fds;
    struct peer *p;

    test_need_pipes(w);
    fds = test_sockets(w);
    p = lend(w, fds);
    for (unsigned lent = 0; lent < 2; lent++)
        assert_refused(
            rondo_adopt(w->loop, (rondo_fd)fds[0], lent, &recorder, NULL, NULL),
            RONDO_EBUSY, "in use");
    act_close(p);
    assert_lost(w, p, "ML", 0);
}

TEST(S23_out_of_memory)
{
    test_need_pipes(w);
    for (unsigned lent = 0; lent < 2; lent++)
        for (uint64_t n = 1; test_nth_fails(w, n); n++) {
            raw_fd *fds = test_sockets(w);
            struct peer *p = test_peer(w);
            int error = rondo_adopt(w->loop, (rondo_fd)fds[0], lent, &recorder,
                                    p, &p->transport);

            if (error) {
                assert_error(error, RONDO_ENOMEM);
                continue; /* the socket is the test's, as it was */
            }
            test_run_until(w, p->made);
            act_close(p);
            test_run_until(w, p->lost);
            if (!lent)
                fds[0] = RONDO_NO_FD;
        }
}
