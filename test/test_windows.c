/* test_windows.c - what Windows' backends get wrong most easily. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"
#include "raw_net.h"

/* It says nothing of one system: where there is no limit, no port and no coarse
 * timer, the same has to hold. */

/* ---- H1, W5: few sockets ------------------------------------------------- */

struct crowd {
    raw_fd fds[2000];
    size_t size;
    unsigned calls;
};

/* The limit, if it is one of sockets and not of the process. */
static size_t few(struct world *w)
{
    int64_t limit = rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTORS);

    if (limit > 1000 ||
        rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTOR_NUMBER) < INT64_MAX)
        test_skip(w, "this backend does not count sockets");
    return (size_t)limit;
}

static struct crowd *gather(struct world *w, size_t size)
{
    struct crowd *c = test_alloc(w, sizeof *c);

    for (c->size = 0; c->size < size; c->size++) {
        c->fds[c->size] = raw_udp();
        assert_true(c->fds[c->size] != RONDO_NO_FD);
    }
    return c;
}

TEST(H1_so_many_sockets_and_no_more)
{
    size_t limit = few(w);
    struct crowd *c = gather(w, limit + 1);

    assert_int_equal(limit, 512);
    for (size_t i = 0; i < limit; i++)
        assert_ok(rondo_add_reader(w->loop, c->fds[i], count_fd, &c->calls));
    for (int i = 0; i < 3; i++) {
        assert_refused(
            rondo_add_reader(w->loop, c->fds[limit], count_fd, &c->calls),
            RONDO_EMFILE, "iocp");
    }
    assert_ok(
        rondo_add_writer(w->loop, c->fds[limit - 1], count_fd, &c->calls));
    test_run_until(w, c->calls > 3); /* and the loop lives */
    assert_int_equal(rondo_remove_writer(w->loop, c->fds[limit - 1]), 1);
    assert_int_equal(rondo_remove_reader(w->loop, c->fds[0]), 1);
    assert_ok(rondo_add_writer(w->loop, c->fds[limit], count_fd, &c->calls));
    c->calls = 0;
    test_run_until(w, c->calls > 3);
    (void)rondo_remove_writer(w->loop, c->fds[limit]);
    for (size_t i = 1; i < limit; i++)
        assert_int_equal(rondo_remove_reader(w->loop, c->fds[i]), 1);
    for (size_t i = 0; i < c->size; i++)
        raw_close(c->fds[i]);
}

TEST_LEAVES(H1_one_too_many_is_no_connection)
{
    struct crowd *c = gather(w, few(w));
    uint16_t port;
    raw_fd listener = raw_listen(&port, 5);
    struct peer *p = test_peer(w), *q = test_peer(w);

    for (size_t i = 0; i < c->size; i++)
        assert_ok(rondo_add_reader(w->loop, c->fds[i], count_fd, &c->calls));
    (void)test_connect_peer(w, port, &recorder, p);
    dial_ends(w, p, RONDO_EMFILE);
    assert_error(rondo_create_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"),
                                     &recorder, NULL, NULL),
                 RONDO_EMFILE);
    assert_int_equal(rondo_remove_reader(w->loop, c->fds[0]), 1);
    (void)test_connect_peer(w, port, &recorder, q);
    dial_ends(w, q, 0);
    for (size_t i = 1; i < c->size; i++)
        assert_int_equal(rondo_remove_reader(w->loop, c->fds[i]), 1);
    for (size_t i = 0; i < c->size; i++)
        raw_close(c->fds[i]);
    raw_close(listener);
}

TEST(W5_failed_connect_wakes_the_writer)
{
    unsigned *calls = test_alloc(w, sizeof *calls);
    raw_fd fd = raw_connect_start(dial_dead_port());

    if (fd == RONDO_NO_FD)
        test_skip(w, "this system refuses a connect inside the call");
    assert_ok(rondo_add_writer(w->loop, fd, count_fd, calls));
    test_run_until(w, *calls);
    assert_int_equal(rondo_remove_writer(w->loop, fd), 1);
    raw_close(fd);
}

TEST(W5_what_is_no_socket_is_refused)
{
    unsigned calls = 0;
    raw_fd fds[2];

    if (rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES))
        test_skip(w, "this backend watches more than sockets");
    assert_int_equal(raw_pipe(fds), 0);
    for (int i = 0; i < 2; i++) {
        assert_error(rondo_add_reader(w->loop, fds[i], count_fd, &calls),
                     RONDO_ENOTSUP);
        assert_error(rondo_add_writer(w->loop, fds[i], count_fd, &calls),
                     RONDO_ENOTSUP);
        assert_einval(rondo_connect_accepted_socket(w->loop, fds[i], &recorder,
                                                    test_peer(w), NULL));
        assert_true(raw_fd_valid(fds[i]));
        raw_close(fds[i]);
    }
}

/* ---- H2: operations that are under way ----------------------------------- */

TEST(H2_reset_while_a_receive_is_pending)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    test_spin(w, 3);
    raw_reset(fd);
    assert_lost(w, p, NULL, RONDO_ECONNRESET);
}

TEST(H2_reset_while_a_send_is_pending)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 8192);

    (void)test_fill_transport(w, p);
    test_spin(w, 3);
    raw_reset(fd);
    assert_lost(w, p, NULL, RONDO_ECONNRESET);
}

TEST(H2_abort_with_both_pending_is_canceled)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 8192);

    (void)test_fill_transport(w, p);
    test_spin(w, 3);
    rondo_transport_abort(p->transport);
    rondo_transport_abort(p->transport);
    assert_int_equal(p->lost, 0); /* the kernel still has its bytes */
    assert_lost(w, p, NULL, RONDO_ECANCELED);
    raw_close(fd);
}

/* Closed at each moment: nobody who was accepted meanwhile keeps a handle. */
TEST(H2_a_cancelled_accept_leaves_nobody)
{
    raw_fd fds[8];

    for (int spins = 0; spins < 6; spins++) {
        struct listener *l = test_serve(w);

        test_spin(w, spins);
        for (size_t i = 0; i < 8; i++)
            fds[i] = raw_connect(l->port);
        test_spin(w, spins);
        rondo_server_close(l->server);
        rondo_server_abort_clients(l->server);
        test_run_until(w, l->closed);
        for (size_t i = 0; i < 8; i++)
            raw_close(fds[i]);
    }
}

TEST(H2_loop_closes_with_all_pending)
{
    struct peer *p = test_peer(w), *q = test_peer(w);
    struct listener *l = test_serve(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 8192);

    (void)test_fill_transport(w, p);
    (void)test_connect_peer(w, l->port, &recorder, q);
    test_spin(w, 1);
    test_close_loop(w);
    assert_int_equal(p->error, RONDO_ECLOSED);
    assert_int_equal(q->made, q->lost);
    assert_int_equal(l->closed, 1);
    raw_close(fd);
}

TEST_LEAVES(H2_stop_and_run_again)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    char byte = 'x';

    for (unsigned i = 1; i <= 20; i++) {
        assert_true(rondo_call_soon(w->loop, stop_call, NULL) > 0);
        assert_int_equal(rondo_loop_run(w->loop), 1);
        assert_true(raw_send_all(fd, &byte, 1, 1000));
        test_run_until(w, p->bytes == i);
    }
    raw_close(fd);
}

/* One for the receive, none for an answer that leaves at once. */
TEST_LEAVES(H2_a_request_is_one_completion)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    char bytes[64] = "question";
    uint64_t events = 0, allocations = 0;

    p->on_data = act_echo;
    for (unsigned i = 1; i <= 110; i++) {
        if (i == 11) {
            events = test_metrics(w).events;
            allocations = test_allocations(w);
        }
        assert_true(raw_send_all(fd, bytes, sizeof bytes, 1000));
        test_run_until(w, p->bytes == i * sizeof bytes);
        assert_true(raw_recv_exact(fd, bytes, sizeof bytes, 1000));
    }
    assert_in_range(test_metrics(w).events - events, 1, 110);
    assert_int_equal(test_allocations(w) - allocations, 0);
    raw_close(fd);
}

TEST(H2_a_host_that_is_no_text)
{
    struct peer *p = test_peer(w);
    rondo_connect_options options = RONDO_CONNECT_OPTIONS_INIT;

    options.host = "\xff\xfe\x80.none.test";
    options.port = 1;
    assert_true(dial(w, &options, p) > 0);
    dial_ends(w, p, RONDO_ENONAME);
}

TEST(H2_a_socket_of_another_port_is_busy)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    if (!raw_give_to_a_port(fds[0]))
        test_skip(w, "this system has no completion ports");
    if (rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTORS) < INT64_MAX)
        test_skip(w, "this backend needs no completion port");
    for (int i = 0; i < 2; i++)
        assert_refused(
            rondo_connect_accepted_socket(w->loop, fds[0], &recorder, p, NULL),
            RONDO_EBUSY, "completion port");
    assert_true(raw_send_all(fds[0], "x", 1, 1000)); /* it stays open */
    raw_close_pair(fds);
}

/* ---- H3: the clock and the wait ------------------------------------------ */

TEST(H3_clock_and_wait_are_measured)
{
    rondo_clock_info info = RONDO_CLOCK_INFO_INIT;

    assert_ok(rondo_get_clock_info(w->loop, &info));
    assert_true(info.monotonic);
    assert_in_range(info.resolution_ns, 1, RONDO_US(10));
    assert_in_range(info.wait_resolution_ns, 1, RONDO_MS(20));
    assert_non_null(strchr(info.name, '('));
}

/* Far below what a wait can keep: it must neither fire early, which T1 tries,
 * nor look at the clock again and again until the time has come. */
TEST(H3_short_timers_do_not_spin)
{
    rondo_clock_info info = RONDO_CLOCK_INFO_INIT;

    assert_ok(rondo_get_clock_info(w->loop, &info));
    for (int64_t part = 1; part <= 64; part *= 2) {
        int64_t ns = info.wait_resolution_ns / part;

        assert_true(test_run_for(w, ns ? ns : 1) < 20);
    }
}

TEST(H3_many_short_timers_take_few_iterations)
{
    rondo_clock_info info = RONDO_CLOCK_INFO_INIT;
    unsigned *calls = test_alloc(w, sizeof *calls);
    uint64_t before = test_iterations(w);

    assert_ok(rondo_get_clock_info(w->loop, &info));
    for (int i = 1; i <= 100; i++)
        assert_true(
            rondo_call_later(w->loop, RONDO_US(10) * i, stop_call, calls) > 0);
    while (test_metrics(w).live_timers)
        (void)rondo_loop_run(w->loop);
    assert_true(test_iterations(w) - before <= 300);
}
