/* test_sock_cancel.c - operations on sockets, cancelled at each moment. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "raw_net.h"

static void settle(struct world *w, const struct call *c)
{
    test_run_until(w, c->calls);
    test_spin(w, 3); /* and no second time: call_done would say */
}

/* ---- Q2: receiving ------------------------------------------------------ */

TEST(Q2_a_waiting_recv)
{
    struct call *c = call_new(w);
    char *bytes = test_alloc(w, 16);
    raw_fd pair[2];
    rondo_id id;

    w->expect_clean = true;
    call_pair(pair, 0);
    id = rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, c);
    test_spin(w, 3);
    assert_ok(rondo_cancel(w->loop, id));
    assert_int_equal(c->calls, 0);
    call_fails(w, c, RONDO_ECANCELED, "sock_recv");
    assert_int_equal(rondo_cancel(w->loop, id), RONDO_ENOENT);
    test_run_loop(w); /* nothing is left of it */
    raw_close_pair(pair);
}

TEST(Q2_before_the_loop_has_looked)
{
    struct call *c = call_new(w);
    char *bytes = test_alloc(w, 16);
    raw_fd pair[2];

    call_pair(pair, 0);
    assert_ok(rondo_cancel(
        w->loop, rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, c)));
    call_fails(w, c, RONDO_ECANCELED, "sock_recv");
    raw_close_pair(pair);
}

/* What was received already is told; what was not stays in the socket. */
TEST(Q2_no_byte_is_lost)
{
    uint64_t at = 0, told = 0;
    unsigned char piece[4];
    unsigned char *bytes = test_alloc(w, 16);
    raw_fd pair[2];

    call_pair(pair, 0);
    for (int i = 0; i < 60; i++) {
        struct call *c = call_new(w);
        rondo_id id = 0;
        int when = i % 6;

        test_fill(piece, at, sizeof piece);
        if (when == 0) /* there before it begins */
            assert_true(raw_send_all(pair[1], piece, sizeof piece, 1000));
        id = rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, c);
        assert_ok(id);
        if (when >= 2)
            test_spin(w, when / 2);
        if (when != 0)
            assert_true(raw_send_all(pair[1], piece, sizeof piece, 1000));
        if (when == 5)
            test_spin(w, 1);
        (void)rondo_cancel(w->loop, id);
        settle(w, c);
        at += sizeof piece;
        if (c->result == RONDO_ECANCELED) {
            c = call_new(w);
            assert_ok(
                rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, c));
            settle(w, c);
        }
        assert_int_equal(c->result, sizeof piece);
        assert_true(test_matches(bytes, told, sizeof piece));
        told += sizeof piece;
    }
    assert_int_equal(told, at);
    raw_close_pair(pair);
}

struct again {
    struct call first, second;
    struct world *w;
    raw_fd fd;
    char *bytes;
};

TEST(Q2_the_direction_is_free_at_once)
{
    char *bytes = test_alloc(w, 16);
    raw_fd pair[2];

    w->expect_clean = true;
    call_pair(pair, 0);
    for (int i = 0; i < 20; i++) {
        struct call *c = call_new(w), *next = call_new(w);
        rondo_id id =
            rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, c);

        assert_ok(id);
        test_spin(w, i % 3);
        assert_ok(rondo_cancel(w->loop, id));
        assert_ok(
            rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, next));
        if (i % 2)
            test_spin(w, 2);
        assert_true(raw_send_all(pair[1], "x", 1, 1000));
        assert_int_equal(call_wait(w, next), 1);
        settle(w, c);
        assert_int_equal(c->result, RONDO_ECANCELED);
    }
    raw_close_pair(pair);
}

static void cancel_other(struct call *c, rondo_loop *loop)
{
    (void)rondo_cancel(loop, *(rondo_id *)c->user);
}

/* Two are ready in one iteration, and the first cancels the second. */
TEST(Q2_cancelled_by_another_callback)
{
    struct call *a = call_new(w), *b = call_new(w), *rest = call_new(w);
    char *bytes = test_alloc(w, 32);
    rondo_id *ids = test_alloc(w, 2 * sizeof *ids);
    raw_fd one[2], two[2];

    call_pair(one, 0);
    call_pair(two, 0);
    a->then = b->then = cancel_other;
    a->user = &ids[1];
    b->user = &ids[0];
    ids[0] = rondo_sock_recv(w->loop, one[0], bytes, 16, call_done, a);
    ids[1] = rondo_sock_recv(w->loop, two[0], bytes + 16, 16, call_done, b);
    test_spin(w, 2);
    assert_true(raw_send_all(one[1], "x", 1, 1000));
    assert_true(raw_send_all(two[1], "y", 1, 1000));
    settle(w, a);
    settle(w, b);
    for (int i = 0; i < 2; i++) {
        struct call *c = i ? b : a;

        if (c->result == 1)
            continue;
        assert_int_equal(c->result, RONDO_ECANCELED);
        assert_ok(rondo_sock_recv(w->loop, i ? two[0] : one[0], bytes, 16,
                                  call_done, rest));
        assert_int_equal(call_wait(w, rest), 1);
    }
    raw_close_pair(one);
    raw_close_pair(two);
}

TEST(Q2_closed_at_once_after_the_cancel)
{
    char *bytes = test_alloc(w, 16);

    w->expect_clean = true;
    for (int i = 0; i < 30; i++) {
        struct call *c = call_new(w);
        struct peer *p = test_peer(w);
        raw_fd pair[2];
        rondo_id id;

        call_pair(pair, 0);
        id = rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, c);
        test_spin(w, 1);
        assert_ok(rondo_cancel(w->loop, id));
        raw_close_pair(pair);
        call_pair(pair, 0); /* the same numbers, as a rule */
        test_adopt(w, pair[0], &recorder, p);
        settle(w, c);
        assert_int_equal(c->result, RONDO_ECANCELED);
        assert_true(raw_send_all(pair[1], "mine", 4, 1000));
        test_run_until(w, p->bytes == 4);
        raw_close(pair[1]);
        test_run_until(w, p->lost);
    }
}

/* ---- Q2: sending -------------------------------------------------------- */

TEST(Q2_a_sendall_in_the_middle)
{
    enum { SIZE = 1 << 20 };
    struct call *c = call_new(w), *next = call_new(w);
    unsigned char *bytes = test_alloc(w, SIZE);
    unsigned char *got = test_alloc(w, SIZE + 8);
    size_t size = 0;
    ptrdiff_t n;
    raw_fd pair[2];
    rondo_id id;

    w->expect_clean = true;
    call_pair(pair, 16384);
    test_fill(bytes, 0, SIZE);
    id = rondo_sock_sendall(w->loop, pair[0], bytes, SIZE, call_done, c);
    test_spin(w, 3);
    assert_ok(rondo_cancel(w->loop, id));
    assert_ok(
        rondo_sock_sendall(w->loop, pair[0], "the end.", 8, call_done, next));
    call_fails(w, c, RONDO_ECANCELED, "sock_sendall");
    memset(bytes, 0, SIZE); /* the caller's again */
    /* a beginning of the one, then all of the other */
    while (size < 8 || memcmp(got + size - 8, "the end.", 8) != 0) {
        test_run_until(w, (n = raw_recv(pair[1], got + size, SIZE - size, 0)) !=
                              RAW_AGAIN);
        assert_true(n > 0);
        size += (size_t)n;
    }
    assert_true(size > 8 && size < SIZE);
    assert_true(test_matches(got, 0, size - 8));
    assert_int_equal(call_wait(w, next), 8);
    raw_close_pair(pair);
}

/* ---- Q2: connections ---------------------------------------------------- */

TEST(Q2_no_connection_is_lost)
{
    uint16_t port = 0;
    raw_fd listener = raw_listen(&port, 8);

    w->expect_clean = true;
    raw_set_nonblocking(listener);
    for (int i = 0; i < 30; i++) {
        struct call *c = call_new(w);
        raw_fd client = RONDO_NO_FD;
        rondo_id id;

        if (i % 3 == 0)
            client = raw_connect(port);
        id = rondo_sock_accept(w->loop, listener, call_accepted, c);
        assert_ok(id);
        test_spin(w, i % 3);
        if (client == RONDO_NO_FD)
            client = raw_connect(port);
        if (i % 2)
            test_spin(w, 1);
        (void)rondo_cancel(w->loop, id);
        settle(w, c);
        if (c->result == RONDO_ECANCELED) {
            c = call_new(w);
            assert_ok(rondo_sock_accept(w->loop, listener, call_accepted, c));
        }
        assert_int_equal(call_wait(w, c), 0);
        assert_int_equal(rondo_address_port(&c->address),
                         raw_local_port(client));
        raw_close(c->socket);
        raw_close(client);
    }
    raw_close(listener);
}

TEST(Q2_a_connect_goes_on_where_it_was)
{
    struct call *c = call_new(w), *next = call_new(w);
    uint16_t port = 0;
    raw_fd listener = raw_listen(&port, 4), fd = raw_tcp(), accepted;
    rondo_address to;
    rondo_id id;

    w->expect_clean = true;
    raw_set_nonblocking(fd);
    assert_int_equal(rondo_address_parse(&to, "127.0.0.1", port), 0);
    id = rondo_sock_connect(w->loop, fd, &to, call_done, c);
    assert_ok(id);
    (void)rondo_cancel(w->loop, id);
    settle(w, c);
    if (c->result == RONDO_ECANCELED) {
        assert_ok(rondo_sock_connect(w->loop, fd, &to, call_done, next));
        (void)call_wait(w, next);
        assert_true(next->result == 0 || next->result == RONDO_EISCONN);
    } else {
        assert_int_equal(c->result, 0);
    }
    accepted = raw_accept(listener, 1000);
    assert_true(accepted != RONDO_NO_FD);
    raw_close(accepted);
    raw_close(fd);
    raw_close(listener);
}

TEST(Q2_a_connect_that_hangs)
{
    struct call *c = call_new(w);
    struct raw_black_hole *hole = test_alloc(w, sizeof *hole);
    raw_fd fd = raw_tcp();
    rondo_address to;
    rondo_id id;

    w->expect_clean = true;
    if (!raw_black_hole_open(hole)) {
        raw_close(fd);
        test_skip(w, "no connect can be made to hang here");
    }
    raw_set_nonblocking(fd);
    assert_int_equal(rondo_address_parse(&to, "127.0.0.1", hole->port), 0);
    id = rondo_sock_connect(w->loop, fd, &to, call_done, c);
    test_spin(w, 3);
    assert_int_equal(c->calls, 0);
    assert_ok(rondo_cancel(w->loop, id));
    call_fails(w, c, RONDO_ECANCELED, "sock_connect");
    raw_close(fd);
    raw_black_hole_close(hole);
}

/* ---- the loop ----------------------------------------------------------- */

static void refused_when_closing(struct call *c, rondo_loop *loop)
{
    struct again *a = c->user;

    assert_error(
        rondo_sock_recv(loop, a->fd, a->bytes, 1, call_done, &a->second),
        RONDO_ECLOSED);
}

TEST(L5_closing_the_loop_cancels)
{
    enum { SIZE = 1 << 20 };
    struct again *a = test_alloc(w, sizeof *a);
    struct call *send = call_new(w), *accept = call_new(w);
    char *bytes = test_alloc(w, SIZE);
    uint16_t port = 0;
    raw_fd listener = raw_listen(&port, 4), pair[2];

    call_pair(pair, 16384);
    raw_set_nonblocking(listener);
    a->fd = pair[0];
    a->bytes = bytes;
    a->first.then = refused_when_closing;
    a->first.user = a;
    assert_ok(
        rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, &a->first));
    assert_ok(
        rondo_sock_sendall(w->loop, pair[0], bytes, SIZE, call_done, send));
    assert_ok(rondo_sock_accept(w->loop, listener, call_accepted, accept));
    test_spin(w, 2);
    /* what is under way is looked at before it goes: see the arena */
    assert_ok(rondo_loop_close(w->loop));
    assert_int_equal(a->first.calls + send->calls + accept->calls, 3);
    assert_int_equal(a->first.result, RONDO_ECANCELED);
    assert_int_equal(send->result, RONDO_ECANCELED);
    assert_int_equal(accept->result, RONDO_ECANCELED);
    assert_int_equal(a->second.calls, 0);
    w->loop = NULL;
    raw_close_pair(pair);
    raw_close(listener);
}

TEST(L3_an_operation_keeps_the_loop_running)
{
    struct call *c = call_new(w);
    char *bytes = test_alloc(w, 16);
    raw_fd pair[2];
    rondo_id id;

    call_pair(pair, 0);
    id = rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, c);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_int_equal(test_metrics(w).live_operations, 1);
    assert_ok(rondo_set_background(w->loop, id, true));
    test_run_loop(w); /* nothing that counts is left */
    assert_int_equal(c->calls, 0);
    assert_ok(rondo_set_background(w->loop, id, false));
    assert_ok(rondo_cancel(w->loop, id));
    test_run_loop(w);
    assert_int_equal(c->calls, 1);
    assert_int_equal(test_metrics(w).live_operations, 0);
    raw_close_pair(pair);
}

static void count_sock(void *arg, const char *line, size_t size)
{
    (void)size;
    if (strstr(line, "sock_recv"))
        ++*(unsigned *)arg;
}

TEST(L13_the_dump_tells_of_it)
{
    struct call *c = call_new(w);
    char *bytes = test_alloc(w, 16);
    unsigned lines = 0;
    raw_fd pair[2];

    call_pair(pair, 0);
    assert_ok(rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, c));
    assert_ok(rondo_loop_dump(w->loop, count_sock, &lines));
    assert_int_equal(lines, 1);
    raw_close(pair[1]);
    assert_int_equal(call_wait(w, c), 0);
    raw_close(pair[0]);
}
