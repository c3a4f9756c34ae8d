/* test_sock.c - operations on sockets of the program's. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "raw_net.h"

/* ---- Q1: receiving ------------------------------------------------------ */

TEST(Q1_recv_waits_for_bytes)
{
    struct call *c = call_new(w);
    char *bytes = test_alloc(w, 16);
    raw_fd pair[2];

    w->expect_clean = true;
    call_pair(pair, 0);
    assert_ok(rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, c));
    test_spin(w, 3);
    assert_int_equal(c->calls, 0);
    assert_true(raw_send_all(pair[1], "hello", 5, 1000));
    assert_int_equal(call_wait(w, c), 5);
    assert_memory_equal(bytes, "hello", 5);
    raw_close_pair(pair);
}

TEST(Q1_recv_never_calls_inside_the_call)
{
    struct call *c = call_new(w);
    char *bytes = test_alloc(w, 16);
    raw_fd pair[2];

    call_pair(pair, 0);
    assert_true(raw_send_all(pair[1], "there", 5, 1000));
    assert_ok(rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, c));
    assert_int_equal(c->calls, 0);
    assert_int_equal(call_wait(w, c), 5);
    raw_close_pair(pair);
}

TEST(Q1_recv_tells_the_end)
{
    struct call *c = call_new(w), *again = call_new(w);
    char *bytes = test_alloc(w, 16);
    raw_fd pair[2];

    call_pair(pair, 0);
    assert_ok(rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, c));
    raw_shutdown_write(pair[1]);
    assert_int_equal(call_wait(w, c), 0);
    assert_ok(rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, again));
    assert_int_equal(call_wait(w, again), 0);
    raw_close_pair(pair);
}

TEST(Q1_recv_tells_a_reset)
{
    struct call *c = call_new(w);
    char *bytes = test_alloc(w, 16);
    raw_fd pair[2];

    call_pair(pair, 0);
    assert_ok(rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, c));
    raw_reset(pair[1]);
    call_fails(w, c, RONDO_ECONNRESET, "sock_recv: descriptor");
    raw_close(pair[0]);
}

TEST(Q1_recv_of_no_bytes)
{
    struct call *c = call_new(w);
    raw_fd pair[2];

    call_pair(pair, 0);
    assert_true(raw_send_all(pair[1], "x", 1, 1000));
    assert_ok(rondo_sock_recv(w->loop, pair[0], NULL, 0, call_done, c));
    assert_int_equal(call_wait(w, c), 0);
    raw_close_pair(pair);
}

struct reader {
    struct call call;
    raw_fd fd;
    char byte;
    char text[32];
    size_t size;
};

/* One byte at a time, each begun in the callback of the one before. */
static void read_another(struct call *c, rondo_loop *loop)
{
    struct reader *r = (struct reader *)c;

    if (c->result <= 0)
        return;
    r->text[r->size++] = r->byte;
    c->calls = 0;
    assert_ok(rondo_sock_recv(loop, r->fd, &r->byte, 1, call_done, c));
}

TEST(Q1_recv_again_inside_done)
{
    struct reader *r = test_alloc(w, sizeof *r);
    raw_fd pair[2];

    call_pair(pair, 0);
    r->fd = pair[0];
    r->call.then = read_another;
    assert_ok(
        rondo_sock_recv(w->loop, r->fd, &r->byte, 1, call_done, &r->call));
    for (const char *at = "one by one"; *at; at++) {
        size_t size = r->size;

        assert_true(raw_send_all(pair[1], at, 1, 1000));
        test_run_until(w, r->size > size);
    }
    raw_shutdown_write(pair[1]);
    test_run_until(w, r->call.calls && r->call.result == 0);
    assert_string_equal(r->text, "one by one");
    raw_close_pair(pair);
}

/* ---- Q1: sending -------------------------------------------------------- */

TEST(Q1_sendall_sends_all)
{
    enum { SIZE = 1 << 20 };
    struct call *c = call_new(w);
    unsigned char *bytes = test_alloc(w, SIZE);
    raw_fd pair[2];

    w->expect_clean = true;
    call_pair(pair, 16384);
    test_fill(bytes, 0, SIZE);
    assert_ok(rondo_sock_sendall(w->loop, pair[0], bytes, SIZE, call_done, c));
    test_spin(w, 3);
    assert_int_equal(c->calls, 0); /* nobody has read yet */
    assert_int_equal(test_drain_raw_some(w, pair[1], 0, SIZE), SIZE);
    assert_int_equal(call_wait(w, c), SIZE);
    raw_close_pair(pair);
}

TEST(Q1_sendall_of_no_bytes)
{
    struct call *c = call_new(w);
    raw_fd pair[2];

    call_pair(pair, 0);
    assert_ok(rondo_sock_sendall(w->loop, pair[0], NULL, 0, call_done, c));
    assert_int_equal(call_wait(w, c), 0);
    raw_close_pair(pair);
}

TEST(Q1_sendall_to_one_who_leaves)
{
    enum { SIZE = 1 << 20 };
    struct call *c = call_new(w);
    unsigned char *bytes = test_alloc(w, SIZE);
    raw_fd pair[2];

    call_pair(pair, 16384);
    assert_ok(rondo_sock_sendall(w->loop, pair[0], bytes, SIZE, call_done, c));
    test_spin(w, 3);
    raw_reset(pair[1]);
    call_fails(w, c, RONDO_ECONNRESET, "sock_sendall");
    assert_true(raw_sigpipe_untouched());
    raw_close(pair[0]);
}

TEST(Q1_both_directions_at_once)
{
    enum { SIZE = 1 << 18 };
    struct call *sent = call_new(w), *received = call_new(w);
    unsigned char *bytes = test_alloc(w, SIZE);
    char *room = test_alloc(w, 16);
    raw_fd pair[2];

    call_pair(pair, 16384);
    test_fill(bytes, 0, SIZE);
    assert_ok(rondo_sock_recv(w->loop, pair[0], room, 16, call_done, received));
    assert_ok(
        rondo_sock_sendall(w->loop, pair[0], bytes, SIZE, call_done, sent));
    assert_true(raw_send_all(pair[1], "back", 4, 1000));
    assert_int_equal(call_wait(w, received), 4);
    assert_int_equal(sent->calls, 0);
    assert_int_equal(test_drain_raw_some(w, pair[1], 0, SIZE), SIZE);
    assert_int_equal(call_wait(w, sent), SIZE);
    raw_close_pair(pair);
}

/* ---- Q1: the socket stays the program's --------------------------------- */

static void close_socket(struct call *c, rondo_loop *loop)
{
    (void)loop;
    raw_close(*(raw_fd *)c->user);
}

TEST(Q1_the_socket_may_be_closed_in_done)
{
    char *bytes = test_alloc(w, 16);

    for (int i = 0; i < 50; i++) { /* numbers come back */
        struct call *c = call_new(w);
        raw_fd pair[2];

        call_pair(pair, 0);
        c->then = close_socket;
        c->user = &pair[0];
        assert_ok(rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, c));
        test_spin(w, 1);
        assert_true(raw_send_all(pair[1], "x", 1, 1000));
        assert_int_equal(call_wait(w, c), 1);
        raw_close(pair[1]);
    }
}

TEST(Q1_the_socket_may_become_a_transport)
{
    struct call *c = call_new(w);
    struct peer *p = test_peer(w);
    char *bytes = test_alloc(w, 16);
    raw_fd pair[2];

    call_pair(pair, 0);
    assert_ok(rondo_sock_recv(w->loop, pair[0], bytes, 4, call_done, c));
    assert_true(raw_send_all(pair[1], "headrest", 8, 1000));
    assert_int_equal(call_wait(w, c), 4);
    test_adopt(w, pair[0], &recorder, p);
    test_run_until(w, p->bytes == 4);
    raw_close(pair[1]);
    test_run_until(w, p->lost);
}

TEST(Q1_the_socket_may_go_to_another_loop)
{
    rondo_loop *other = test_other_loop(w);
    char *bytes = test_alloc(w, 16);
    raw_fd pair[2];

    call_pair(pair, 0);
    for (int i = 0; i < 6; i++) {
        struct call *c = call_new(w);

        assert_ok(rondo_sock_recv(i % 2 ? other : w->loop, pair[0], bytes, 16,
                                  call_done, c));
        test_spin(w, 1);
        assert_true(raw_send_all(pair[1], "x", 1, 1000));
        assert_int_equal(call_wait(w, c), 1);
    }
    raw_close_pair(pair);
}

TEST(Q1_nothing_is_allocated_for_each)
{
    enum { ROUNDS = 500 };
    char *bytes = test_alloc(w, 16);
    struct call *in = call_new(w), *out = call_new(w);
    uint64_t before = 0;
    raw_fd pair[2];

    w->expect_clean = true;
    call_pair(pair, 0);
    for (int i = 0; i < ROUNDS / test_slowness() + 20; i++) {
        if (i == 10)
            before = test_allocations(w);
        in->calls = out->calls = 0;
        assert_ok(rondo_sock_recv(w->loop, pair[0], bytes, 16, call_done, in));
        test_spin(w, 1);
        assert_ok(
            rondo_sock_sendall(w->loop, pair[1], "ping", 4, call_done, out));
        test_run_until(w, in->calls && out->calls);
        assert_int_equal(in->result, 4);
    }
    assert_int_equal(test_allocations(w), before);
    raw_close_pair(pair);
}
