/* test_sock.c - operations on sockets of the program's. */
/* SPDX-License-Identifier: MIT */
#include "harness_wire.h"

enum { LARGE = 1 << 20 };

/* ---- Q1: receiving ------------------------------------------------------ */

TEST(Q1_recv_waits_for_bytes)
{
    struct wire *x = wire_new(w, 0);
    struct call *c = wire_recv(x);

    test_spin(w, 3);
    assert_int_equal(c->calls, 0);
    wire_hears(x, "hello");
    assert_int_equal(call_wait(w, c), 5);
    assert_memory_equal(x->room, "hello", 5);
    /* nor is it called inside the call where the bytes are there */
    wire_hears(x, "there!");
    assert_int_equal(call_wait(w, wire_recv(x)), 6);
}

TEST(Q1_recv_tells_the_end)
{
    struct wire *x = wire_new(w, 0);
    struct call *c = wire_recv(x);

    raw_shutdown_write(x->other);
    assert_int_equal(call_wait(w, c), 0);
    assert_int_equal(call_wait(w, wire_recv(x)), 0);
}

TEST(Q1_recv_tells_a_reset)
{
    struct wire *x = wire_new(w, 0);
    struct call *c = wire_recv(x);

    test_reset_own(w, x->other);
    call_fails(w, c, RONDO_ECONNRESET, "sock_recv: descriptor");
}

TEST(Q1_recv_and_sendall_of_no_bytes)
{
    struct wire *x = wire_new(w, 0);
    struct call *c = call_new(w);

    wire_hears(x, "x");
    assert_ok(rondo_sock_recv(w->loop, x->fd, NULL, 0, call_done, c));
    assert_int_equal(call_wait(w, c), 0);
    assert_int_equal(call_wait(w, wire_sendall(x, NULL, 0)), 0);
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
    struct wire *x = wire_new(w, 0);

    r->fd = x->fd;
    r->call.then = read_another;
    assert_ok(
        rondo_sock_recv(w->loop, r->fd, &r->byte, 1, call_done, &r->call));
    for (const char *at = "one by one"; *at; at++) {
        size_t size = r->size;

        assert_true(raw_send_all(x->other, at, 1, 1000));
        test_run_until(w, r->size > size);
    }
    raw_shutdown_write(x->other);
    test_run_until(w, r->call.calls && r->call.result == 0);
    assert_string_equal(r->text, "one by one");
}

/* ---- Q1: sending -------------------------------------------------------- */

TEST(Q1_sendall_sends_all)
{
    struct wire *x = wire_new(w, WIRE_SMALL);
    struct call *c = wire_sendall(x, test_bytes(w, 0, LARGE), LARGE);

    test_spin(w, 3);
    assert_int_equal(c->calls, 0); /* nobody has read yet */
    wire_takes(x, 0, LARGE);
    assert_int_equal(call_wait(w, c), LARGE);
}

TEST(Q1_sendall_to_one_who_leaves)
{
    struct wire *x = wire_new(w, WIRE_SMALL);
    struct call *c = wire_sendall(x, test_alloc(w, LARGE), LARGE);

    test_spin(w, 3);
    test_reset_own(w, x->other);
    call_fails(w, c, RONDO_ECONNRESET, "sock_sendall");
    assert_true(raw_sigpipe_untouched());
}

TEST(Q1_both_directions_at_once)
{
    struct wire *x = wire_new(w, WIRE_SMALL);
    struct call *received = wire_recv(x);
    struct call *sent = wire_sendall(x, test_bytes(w, 0, LARGE), LARGE);

    wire_hears(x, "back");
    assert_int_equal(call_wait(w, received), 4);
    assert_int_equal(sent->calls, 0);
    wire_takes(x, 0, LARGE);
    assert_int_equal(call_wait(w, sent), LARGE);
}

/* ---- Q1: the socket stays the program's --------------------------------- */

static void close_socket(struct call *c, rondo_loop *loop)
{
    struct wire *x = c->user;

    (void)loop;
    test_close_own(x->w, x->fd);
}

TEST(Q1_the_socket_may_be_closed_in_done)
{
    for (int i = 0; i < 50; i++) { /* numbers come back */
        struct wire *x = wire_new(w, 0);
        struct call *c;

        if (i % 2) /* it ends at once, or has to wait */
            wire_hears(x, "x");
        c = wire_recv(x);
        c->then = close_socket;
        c->user = x;
        if (i % 2 == 0) {
            test_spin(w, 1);
            wire_hears(x, "x");
        }
        assert_int_equal(call_wait(w, c), 1);
        test_close_own(w, x->other);
    }
}

static void watch_socket(struct call *c, rondo_loop *loop)
{
    struct wire *x = c->user;

    assert_ok(rondo_add_reader(loop, x->fd, count_fd, test_counter(x->w)));
    assert_int_equal(rondo_remove_reader(loop, x->fd), 1);
}

static void adopt_socket(struct call *c, rondo_loop *loop)
{
    struct wire *x = c->user;

    (void)loop;
    test_adopt(x->w, test_disown(x->w, x->fd), &recorder, test_peer(x->w));
    x->fd = RONDO_NO_FD;
}

static void recv_and_cancel(struct call *c, rondo_loop *loop)
{
    struct wire *x = c->user;

    assert_ok(rondo_cancel(loop, wire_recv(x)->id));
    assert_ok(rondo_cancel(loop, wire_recv(x)->id));
}

static void send_on(struct call *c, rondo_loop *loop)
{
    (void)loop;
    (void)wire_sendall(c->user, "y", 1);
}

/* Its first try gets the bytes, so nothing waits for them. */
TEST(Q1_the_socket_is_free_in_the_done_of_what_ended_at_once)
{
    static void (*const actions[])(struct call *, rondo_loop *) = {
        close_socket, watch_socket, adopt_socket, recv_and_cancel, send_on};

    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        struct wire *x = wire_new(w, 0);
        struct call *c;

        wire_hears(x, "x");
        c = wire_recv(x);
        c->then = actions[i];
        c->user = x;
        assert_int_equal(call_wait(w, c), 1);
        test_spin(w, 3);
        if (actions[i] == watch_socket || actions[i] == send_on) {
            wire_hears(x, "more");
            assert_int_equal(call_wait(w, wire_recv(x)), 4);
        }
        test_close_own(w, x->other);
    }
    test_run_loop(w); /* nothing is left of them */
}

TEST(Q1_what_ended_at_once_can_be_cancelled_and_is_told)
{
    struct wire *x = wire_new(w, 0);
    struct call *c, *next;

    wire_hears(x, "xy");
    c = call_new(w);
    c->id = rondo_sock_recv(w->loop, x->fd, x->room, 1, call_done, c);
    assert_true(c->id > 0);
    assert_ok(rondo_set_background(w->loop, c->id, true));
    assert_ok(rondo_cancel(w->loop, c->id));
    assert_int_equal(rondo_cancel(w->loop, c->id), RONDO_ENOENT);
    assert_int_equal(call_wait(w, c), 1);
    next = wire_recv(x);
    assert_int_not_equal(next->id, c->id);
    assert_int_equal(call_wait(w, next), 1);
    assert_int_equal(rondo_cancel(w->loop, next->id), RONDO_ENOENT);
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
    struct wire *x = wire_new(w, 0);

    for (int i = 0; i < 6; i++) {
        struct call *c = call_new(w);

        assert_ok(rondo_sock_recv(i % 2 ? other : w->loop, x->fd, x->room,
                                  WIRE_ROOM, call_done, c));
        test_spin(w, 1);
        wire_hears(x, "x");
        assert_int_equal(call_wait(w, c), 1);
    }
}

TEST(Q1_nothing_is_allocated_for_each)
{
    enum { ROUNDS = 500 };
    struct wire *x = wire_new(w, 0);
    uint64_t before = 0;

    for (int i = 0; i < ROUNDS / test_slowness() + 20; i++) {
        struct call *in, *out = call_new(w);

        if (i == 10)
            before = test_allocations(w);
        in = wire_recv(x);
        test_spin(w, 1);
        assert_ok(
            rondo_sock_sendall(w->loop, x->other, "ping", 4, call_done, out));
        test_run_until(w, in->calls && out->calls);
        assert_int_equal(in->result, 4);
    }
    assert_int_equal(test_allocations(w), before);
}
