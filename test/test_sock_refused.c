/* test_sock_refused.c - what operations on sockets do not take. */
/* SPDX-License-Identifier: MIT */
#include "harness_wire.h"
#include "raw_net.h"

/* Each operation once, on that descriptor: all must be refused with that
 * error, in words, and call nobody. */
static void all_refused(struct world *w, raw_fd file, raw_fd fd, int error,
                        const char *words)
{
    rondo_loop *loop = w->loop;
    struct call *c = call_new(w);
    rondo_address to = wire_loopback(9);
    char byte = 0;

    assert_refused(rondo_sock_recv(loop, fd, &byte, 1, call_done, c), error,
                   words);
    assert_refused(rondo_sock_recvfrom(loop, fd, &byte, 1, call_received, c),
                   error, words);
    assert_refused(rondo_sock_accept(loop, fd, call_accepted, c), error, words);
    assert_refused(rondo_sock_sendall(loop, fd, &byte, 1, call_done, c), error,
                   words);
    assert_refused(rondo_sock_sendto(loop, fd, &byte, 1, &to, call_done, c),
                   error, words);
    assert_refused(rondo_sock_connect(loop, fd, &to, call_done, c), error,
                   words);
    assert_refused(rondo_sock_sendfile(loop, fd, file, 0, 10, call_done, c),
                   error, words);
    test_spin(w, 3);
    assert_int_equal(c->calls, 0);
}

TEST_LEAVES(Q1_a_transports_socket_is_busy)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    all_refused(w, call_kept_file(w, 10), rondo_transport_fd(p->transport),
                RONDO_EBUSY, "belongs to a transport");
    plain_send(p, "lives");
    test_run_until(w, p->bytes == 5);
}

TEST_LEAVES(Q1_a_servers_socket_is_busy)
{
    struct listener *l = test_serve(w);

    all_refused(w, call_kept_file(w, 10), rondo_server_fd(l->server, 0),
                RONDO_EBUSY, "belongs to a transport, a server");
}

TEST(Q1_a_watched_socket_is_busy)
{
    unsigned *calls = test_counter(w);
    struct wire *x = wire_new(w, 0);

    assert_ok(rondo_add_reader(w->loop, x->fd, count_fd, calls));
    all_refused(w, call_kept_file(w, 10), x->fd, RONDO_EBUSY, "is watched");
    wire_hears(x, "x");
    test_run_until(w, *calls);
    assert_int_equal(rondo_remove_reader(w->loop, x->fd), 1);
}

TEST(Q1_a_socket_in_use_is_busy_for_others)
{
    struct wire *x = wire_new(w, 0);
    struct call *c = wire_recv(x);
    struct peer *p = test_peer(w);

    assert_error(rondo_add_writer(w->loop, x->fd, count_fd, test_counter(w)),
                 RONDO_EBUSY);
    assert_error(rondo_remove_reader(w->loop, x->fd), RONDO_EBUSY);
    assert_error(
        rondo_connect_accepted_socket(w->loop, x->fd, &recorder, p, NULL),
        RONDO_EBUSY);
    wire_hears(x, "x");
    assert_int_equal(call_wait(w, c), 1);
}

/* Pending or done already: as long as it has not been told. */
TEST(Q1_two_of_one_direction_are_refused)
{
    struct wire *x = wire_new(w, 0);
    struct call *second = call_new(w);
    char byte;

    for (int at_once = 0; at_once < 2; at_once++) {
        struct call *c;

        if (at_once)
            wire_hears(x, "a");
        c = wire_recv(x);
        assert_refused(
            rondo_sock_recv(w->loop, x->fd, &byte, 1, call_done, second),
            RONDO_EBUSY, "a sock_recv is under way");
        assert_error(rondo_sock_accept(w->loop, x->fd, call_accepted, second),
                     RONDO_EBUSY);
        if (!at_once)
            wire_hears(x, "b");
        assert_int_equal(call_wait(w, c), 1);
        assert_int_equal(second->calls, 0);
    }
}

TEST(Q1_two_senders_are_refused)
{
    enum { SIZE = 1 << 20 };
    struct wire *x = wire_new(w, WIRE_SMALL);
    char *bytes = test_alloc(w, SIZE);
    struct call *c = wire_sendall(x, bytes, SIZE), *second = call_new(w);
    raw_fd file = call_kept_file(w, 10);

    assert_error(
        rondo_sock_sendall(w->loop, x->fd, bytes, 1, call_done, second),
        RONDO_EBUSY);
    assert_error(
        rondo_sock_sendfile(w->loop, x->fd, file, 0, 10, call_done, second),
        RONDO_EBUSY);
    second = wire_recv(x);
    test_reset_own(w, x->other);
    test_run_until(w, c->calls && second->calls);
}

TEST(Q1_closed_descriptors_are_refused)
{
    /* now: it would be given the number */
    raw_fd file = call_kept_file(w, 10);

    all_refused(w, file, RONDO_NO_FD, RONDO_EBADF, NULL);
    all_refused(w, file, raw_dead_fd(), RONDO_EBADF, NULL);
    all_refused(w, file, INT32_MAX, RONDO_EBADF, NULL);
}

TEST(Q1_what_is_no_socket_is_refused)
{
    raw_fd fds[3] = {call_file(10)};
    int count = raw_pipe(fds + 1) == 0 ? 3 : 1;

    for (int i = 0; i < count; i++) {
        raw_set_nonblocking(test_own(w, fds[i]));
        all_refused(w, fds[0], fds[i], RONDO_ENOTSOCK, NULL);
    }
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
    rondo_address none, to = wire_loopback(9);
    char byte = 0;

    memset(&none, 0, sizeof none);
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
    struct wire *x = wire_new(w, 0);
    raw_fd udp = test_own(w, raw_udp()), file = call_kept_file(w, 10);
    rondo_address to = wire_loopback(9);
    char byte = 0;

    refuse_bytes(w->loop, x->fd, c);
    refuse_others(w->loop, x->fd, file, c);
    /* streams have no datagrams */
    raw_set_nonblocking(udp);
    assert_einval(
        rondo_sock_recvfrom(w->loop, x->fd, &byte, 1, call_received, c));
    assert_einval(
        rondo_sock_sendto(w->loop, x->fd, &byte, 1, &to, call_done, c));
    assert_einval(rondo_sock_sendfile(w->loop, udp, file, 0, 10, call_done, c));
    test_spin(w, 2);
    assert_int_equal(c->calls, 0);
}

static int64_t try_recv(void *arg)
{
    struct call *c = arg;
    struct wire *x = c->user;

    return rondo_sock_recv(x->w->loop, x->fd, x->room, 1, call_done, c);
}

TEST(Q1_out_of_memory)
{
    struct wire *x = wire_new(w, 0);
    struct call *c = call_new(w);

    c->user = x;
    (void)test_try_without_memory(w, try_recv, c);
    wire_hears(x, "x");
    assert_int_equal(call_wait(w, c), 1);
}

TEST(Q1_over_the_backends_limit)
{
    int64_t limit = rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTOR_NUMBER);
    int64_t before = raw_descriptor_limit();
    raw_fd pair[2];
    char byte;

    test_skip_if(w, limit > 60000,
                 "this backend takes descriptors of any number");
    test_skip_if(w,
                 raw_raise_descriptor_limit(limit + 10) < 0 ||
                     raw_descriptor_limit() < limit + 10,
                 "the process may not have descriptors of such a number");
    call_pair(pair, 0);
    pair[0] = raw_move_fd(pair[0], (raw_fd)limit);
    assert_error(
        rondo_sock_recv(w->loop, pair[0], &byte, 1, call_done, call_new(w)),
        RONDO_EMFILE);
    raw_close_pair(pair);
    (void)raw_set_descriptor_limit(before);
}

/* Closed while it is waited for: the caller's fault, and never a crash. The
 * number is a transport's afterwards, where the system gives it again. */
TEST_LEAVES(Q1_closed_behind_the_loops_back)
{
    struct listener *l = test_serve(w);
    struct wire *x = wire_new(w, 0);
    struct call *c = wire_recv(x);
    struct peer *p;

    test_spin(w, 2);
    test_close_own(w, x->fd);
    p = test_connect(w, l->port);
    test_run_until(w, p->connected && l->count);
    assert_int_equal(p->connect_error, 0);
    if (rondo_transport_fd(p->transport) == x->fd)
        call_fails(w, c, RONDO_EBADF, "sock_recv");
    test_spin(w, 2);
    if (!c->calls) /* nobody has noticed */
        assert_ok(rondo_cancel(w->loop, c->id));
    test_run_until(w, c->calls);
    assert_true(c->result == RONDO_EBADF || c->result == RONDO_ECANCELED);
    assert_ok(rondo_transport_write(p->transport, "mine", 4));
    test_run_until(w, l->first->bytes == 4);
}
