/* test_sock_refused.c - what operations on sockets do not take. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_calls.h"
#include "raw_net.h"

/* Each operation once, on that descriptor: all must be refused with that
 * error, in words, and call nobody. */
static void all_refused(struct world *w, raw_fd file, raw_fd fd, int error,
                        const char *words)
{
    static char byte;
    struct call *c = call_new(w);
    rondo_address to;
    rondo_id results[7];

    assert_int_equal(rondo_address_parse(&to, "127.0.0.1", 9), 0);
    for (int i = 0; i < 7; i++) {
        switch (i) {
        case 0:
            results[i] = rondo_sock_recv(w->loop, fd, &byte, 1, call_done, c);
            break;
        case 1:
            results[i] =
                rondo_sock_recvfrom(w->loop, fd, &byte, 1, call_received, c);
            break;
        case 2:
            results[i] = rondo_sock_accept(w->loop, fd, call_accepted, c);
            break;
        case 3:
            results[i] =
                rondo_sock_sendall(w->loop, fd, &byte, 1, call_done, c);
            break;
        case 4:
            results[i] =
                rondo_sock_sendto(w->loop, fd, &byte, 1, &to, call_done, c);
            break;
        case 5:
            results[i] = rondo_sock_connect(w->loop, fd, &to, call_done, c);
            break;
        default:
            results[i] =
                rondo_sock_sendfile(w->loop, fd, file, 0, 10, call_done, c);
            break;
        }
        if (results[i] != error || !strstr(rondo_last_error(), words))
            test_fail(w, "operation %d: %lld: %s", i, (long long)results[i],
                      rondo_last_error());
        assert_true(strncmp(rondo_last_error(), "sock_", 5) == 0);
    }
    test_spin(w, 3);
    assert_int_equal(c->calls, 0);
}

TEST(Q1_a_transports_socket_is_busy)
{
    struct peer *p = test_peer(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0), file = call_file(10);

    all_refused(w, file, rondo_transport_fd(p->transport), RONDO_EBUSY,
                "belongs to a transport");
    assert_true(raw_send_all(other, "lives", 5, 1000));
    test_run_until(w, p->bytes == 5);
    raw_close(other);
    raw_close(file);
}

TEST(Q1_a_servers_socket_is_busy)
{
    struct listener *l = test_serve(w);
    raw_fd file = call_file(10);

    all_refused(w, file, rondo_server_fd(l->server, 0), RONDO_EBUSY,
                "belongs to a transport, a server");
    raw_close(file);
}

TEST(Q1_a_watched_socket_is_busy)
{
    unsigned *calls = test_alloc(w, sizeof *calls);
    raw_fd pair[2], file = call_file(10);

    call_pair(pair, 0);
    assert_ok(rondo_add_reader(w->loop, pair[0], count_fd, calls));
    all_refused(w, file, pair[0], RONDO_EBUSY, "is watched");
    assert_true(raw_send_all(pair[1], "x", 1, 1000));
    test_run_until(w, *calls);
    assert_int_equal(rondo_remove_reader(w->loop, pair[0]), 1);
    raw_close(file);
    raw_close_pair(pair);
}

TEST(Q1_a_socket_in_use_is_busy_for_others)
{
    struct call *c = call_new(w);
    struct peer *p = test_peer(w);
    unsigned *calls = test_alloc(w, sizeof *calls);
    char *byte = test_alloc(w, 1);
    raw_fd pair[2];

    call_pair(pair, 0);
    assert_ok(rondo_sock_recv(w->loop, pair[0], byte, 1, call_done, c));
    assert_error(rondo_add_writer(w->loop, pair[0], count_fd, calls),
                 RONDO_EBUSY);
    assert_error(rondo_remove_reader(w->loop, pair[0]), RONDO_EBUSY);
    assert_error(
        rondo_connect_accepted_socket(w->loop, pair[0], &recorder, p, NULL),
        RONDO_EBUSY);
    assert_true(raw_send_all(pair[1], "x", 1, 1000));
    assert_int_equal(call_wait(w, c), 1);
    raw_close_pair(pair);
}

/* Pending or done already: as long as it has not been told. */
TEST(Q1_two_of_one_direction_are_refused)
{
    char *bytes = test_alloc(w, 16);
    raw_fd pair[2];

    call_pair(pair, 0);
    for (int at_once = 0; at_once < 2; at_once++) {
        struct call *c = call_new(w), *second = call_new(w);

        if (at_once)
            assert_true(raw_send_all(pair[1], "a", 1, 1000));
        assert_ok(rondo_sock_recv(w->loop, pair[0], bytes, 1, call_done, c));
        assert_refused(
            rondo_sock_recv(w->loop, pair[0], bytes, 1, call_done, second),
            RONDO_EBUSY, "a sock_recv is under way");
        assert_error(rondo_sock_accept(w->loop, pair[0], call_accepted, second),
                     RONDO_EBUSY);
        if (!at_once)
            assert_true(raw_send_all(pair[1], "b", 1, 1000));
        assert_int_equal(call_wait(w, c), 1);
        assert_int_equal(second->calls, 0);
    }
    raw_close_pair(pair);
}

TEST(Q1_two_senders_are_refused)
{
    enum { SIZE = 1 << 20 };
    struct call *c = call_new(w), *second = call_new(w);
    char *bytes = test_alloc(w, SIZE);
    raw_fd pair[2], file = call_file(10);

    call_pair(pair, 16384);
    assert_ok(rondo_sock_sendall(w->loop, pair[0], bytes, SIZE, call_done, c));
    assert_error(
        rondo_sock_sendall(w->loop, pair[0], bytes, 1, call_done, second),
        RONDO_EBUSY);
    assert_error(
        rondo_sock_sendfile(w->loop, pair[0], file, 0, 10, call_done, second),
        RONDO_EBUSY);
    assert_ok(rondo_sock_recv(w->loop, pair[0], bytes, 1, call_done, second));
    raw_reset(pair[1]);
    test_run_until(w, c->calls && second->calls);
    raw_close(pair[0]);
    raw_close(file);
}

TEST(Q1_closed_descriptors_are_refused)
{
    raw_fd file = call_file(10); /* now: it would be given the number */

    w->expect_clean = true;
    all_refused(w, file, RONDO_NO_FD, RONDO_EBADF, "sock_");
    all_refused(w, file, raw_dead_fd(), RONDO_EBADF, "sock_");
    all_refused(w, file, INT32_MAX, RONDO_EBADF, "sock_");
    raw_close(file);
}

TEST(Q1_what_is_no_socket_is_refused)
{
    raw_fd file = call_file(10), pair[2];
    bool have_pipe = raw_pipe(pair) == 0;

    w->expect_clean = true;
    raw_set_nonblocking(file);
    all_refused(w, file, file, RONDO_ENOTSOCK, "sock_");
    for (int i = 0; have_pipe && i < 2; i++) {
        raw_set_nonblocking(pair[i]);
        all_refused(w, file, pair[i], RONDO_ENOTSOCK, "sock_");
        raw_close(pair[i]);
    }
    raw_close(file);
}

TEST(Q1_blocking_sockets)
{
    struct call *c = call_new(w);
    char *byte = test_alloc(w, 1);
    raw_fd pair[2];
    rondo_id id;

    assert_int_equal(raw_pair(pair), 0);
    id = rondo_sock_recv(w->loop, pair[0], byte, 1, call_done, c);
    if (id > 0) { /* it cannot be asked: then it does not block any more */
        assert_false(raw_is_blocking(pair[0]));
        assert_true(raw_send_all(pair[1], "x", 1, 1000));
        assert_int_equal(call_wait(w, c), 1);
    } else {
        assert_error(id, RONDO_EINVAL);
        assert_non_null(strstr(rondo_last_error(), "is blocking"));
        assert_true(raw_is_blocking(pair[0])); /* and stays so */
        test_spin(w, 2);
        assert_int_equal(c->calls, 0);
    }
    raw_close_pair(pair);
}

TEST(Q1_streams_have_no_datagrams)
{
    struct call *c = call_new(w);
    char *byte = test_alloc(w, 1);
    raw_fd pair[2], udp = raw_udp(), file = call_file(10);
    rondo_address to;

    call_pair(pair, 0);
    raw_set_nonblocking(udp);
    assert_int_equal(rondo_address_parse(&to, "127.0.0.1", 9), 0);
    assert_einval(
        rondo_sock_recvfrom(w->loop, pair[0], byte, 1, call_received, c));
    assert_einval(
        rondo_sock_sendto(w->loop, pair[0], byte, 1, &to, call_done, c));
    assert_einval(rondo_sock_sendfile(w->loop, udp, file, 0, 10, call_done, c));
    test_spin(w, 2);
    assert_int_equal(c->calls, 0);
    raw_close_pair(pair);
    raw_close(udp);
    raw_close(file);
}

/* Reading and writing on s without what they need. */
static void refuse_bytes(rondo_loop *loop, raw_fd s, struct call *c)
{
    char byte = 0;

    assert_einval(rondo_sock_recv(NULL, s, &byte, 1, call_done, c));
    assert_einval(rondo_sock_recv(loop, s, NULL, 1, call_done, c));
    assert_einval(rondo_sock_recv(loop, s, &byte, 1, NULL, c));
    assert_einval(rondo_sock_recvfrom(loop, s, NULL, 1, call_received, c));
    assert_einval(rondo_sock_recvfrom(loop, s, &byte, 1, NULL, c));
    assert_einval(rondo_sock_sendall(loop, s, NULL, 1, call_done, c));
    assert_einval(rondo_sock_sendall(loop, s, &byte, 1, NULL, c));
}

/* Destinations and files that are none. */
static void refuse_others(rondo_loop *loop, raw_fd s, raw_fd file,
                          struct call *c)
{
    rondo_address none, to;
    char byte = 0;

    memset(&none, 0, sizeof none);
    assert_int_equal(rondo_address_parse(&to, "127.0.0.1", 9), 0);
    assert_einval(rondo_sock_sendto(loop, s, &byte, 1, NULL, call_done, c));
    assert_einval(rondo_sock_sendto(loop, s, &byte, 1, &none, call_done, c));
    assert_einval(rondo_sock_sendto(loop, s, &byte, 1, &to, NULL, c));
    assert_einval(rondo_sock_connect(loop, s, NULL, call_done, c));
    assert_einval(rondo_sock_connect(loop, s, &to, NULL, c));
    assert_einval(rondo_sock_accept(loop, s, NULL, c));
    assert_einval(rondo_sock_sendfile(loop, s, file, 0, 1, NULL, c));
    assert_einval(rondo_sock_sendfile(loop, s, file, -1, 1, call_done, c));
    assert_einval(rondo_sock_sendfile(loop, s, file, 0, -1, call_done, c));
    assert_error(rondo_sock_sendfile(loop, s, RONDO_NO_FD, 0, 1, call_done, c),
                 RONDO_EBADF);
}

TEST(Q1_nonsense_is_refused)
{
    struct call *c = call_new(w);
    raw_fd pair[2], file = call_file(10);

    w->expect_clean = true;
    call_pair(pair, 0);
    refuse_bytes(w->loop, pair[0], c);
    refuse_others(w->loop, pair[0], file, c);
    test_spin(w, 2);
    assert_int_equal(c->calls, 0);
    raw_close_pair(pair);
    raw_close(file);
}

TEST(Q1_out_of_memory)
{
    struct call *c = call_new(w);
    char *byte = test_alloc(w, 1);
    raw_fd pair[2];
    unsigned refused = 0;

    call_pair(pair, 0);
    for (uint64_t n = 1; n < 20; n++) {
        rondo_id id;

        test_fail_allocation(w, n);
        id = rondo_sock_recv(w->loop, pair[0], byte, 1, call_done, c);
        test_fail_allocation(w, 0);
        if (id > 0)
            break;
        assert_error(id, RONDO_ENOMEM);
        refused++;
    }
    assert_true(refused > 0);
    assert_true(raw_send_all(pair[1], "x", 1, 1000));
    assert_int_equal(call_wait(w, c), 1);
    raw_close_pair(pair);
}

TEST(Q1_over_the_backends_limit)
{
    struct call *c = call_new(w);
    int64_t limit = rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTOR_NUMBER);
    int64_t before = raw_descriptor_limit();
    char *byte = test_alloc(w, 1);
    raw_fd pair[2];

    if (limit > 60000)
        test_skip(w, "this backend takes descriptors of any number");
    if (raw_raise_descriptor_limit(limit + 10) < 0 ||
        raw_descriptor_limit() < limit + 10)
        test_skip(w, "the process may not have descriptors of such a number");
    call_pair(pair, 0);
    pair[0] = raw_move_fd(pair[0], (raw_fd)limit);
    assert_error(rondo_sock_recv(w->loop, pair[0], byte, 1, call_done, c),
                 RONDO_EMFILE);
    raw_close_pair(pair);
    (void)raw_set_descriptor_limit(before);
}

/* Closed while it is waited for: the caller's fault, and never a crash. The
 * number is a transport's afterwards, where the system gives it again. */
TEST(Q1_closed_behind_the_loops_back)
{
    struct listener *l = test_serve(w);
    struct call *c = call_new(w);
    struct peer *p;
    char *byte = test_alloc(w, 1);
    raw_fd pair[2];
    rondo_id id;

    call_pair(pair, 0);
    id = rondo_sock_recv(w->loop, pair[0], byte, 1, call_done, c);
    assert_ok(id);
    test_spin(w, 2);
    raw_close(pair[0]);
    p = test_connect(w, l->port);
    test_run_until(w, p->connected && l->count);
    assert_int_equal(p->connect_error, 0);
    if (rondo_transport_fd(p->transport) == pair[0])
        call_fails(w, c, RONDO_EBADF, "sock_recv");
    test_spin(w, 2);
    if (!c->calls) /* nobody has noticed */
        assert_ok(rondo_cancel(w->loop, id));
    test_run_until(w, c->calls);
    assert_true(c->result == RONDO_EBADF || c->result == RONDO_ECANCELED);
    assert_ok(rondo_transport_write(p->transport, "mine", 4));
    test_run_until(w, l->first->bytes == 4);
    raw_close(pair[1]);
}
