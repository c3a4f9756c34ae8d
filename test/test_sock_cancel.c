/* test_sock_cancel.c - operations on sockets, cancelled at each moment. */
/* SPDX-License-Identifier: MIT */
#include "harness_wire.h"
#include "raw_net.h"

enum { LARGE = 1 << 20 };

static void settle(struct world *w, const struct call *c)
{
    test_run_until(w, c->calls);
    test_spin(w, 3); /* and no second time: call_done would say */
}

/* ---- Q2: each operation, while it waits --------------------------------- */

static struct raw_black_hole *hole; /* NULL: no connect can be made to hang */

static void close_hole(void *arg)
{
    raw_black_hole_close(arg);
}

static void open_hole(struct world *w)
{
    hole = test_alloc(w, sizeof *hole);
    if (raw_black_hole_open(hole))
        test_at_end(w, close_hole, hole);
    else
        hole = NULL;
}

static struct call *begin_recv(struct world *w)
{
    return wire_recv(wire_new(w, 0));
}

static struct call *begin_recvfrom(struct world *w)
{
    raw_fd fd = test_own(w, raw_udp());

    raw_set_nonblocking(fd);
    return wire_recvfrom(w, fd, test_alloc(w, 16), 16);
}

static struct call *begin_sendall(struct world *w)
{
    return wire_sendall(wire_new(w, WIRE_SMALL), test_alloc(w, LARGE), LARGE);
}

static struct call *begin_sendfile(struct world *w)
{
    return wire_sendfile(wire_new(w, WIRE_SMALL), call_kept_file(w, LARGE), 0,
                         LARGE);
}

static struct call *begin_sendfile_on_a_thread(struct world *w)
{
    (void)raw_sendfile_fails(RAW_SENDFILE_INVALID, 0, 1);
    return begin_sendfile(w);
}

static struct call *begin_accept(struct world *w)
{
    uint16_t port;

    return wire_accept(w, wire_listener(w, &port, 4));
}

static struct call *begin_connect(struct world *w)
{
    rondo_address to;

    if (!hole)
        return NULL;
    to = wire_loopback(hole->port);
    return wire_connect(w, wire_socket(w), &to);
}

static const struct {
    const char *name;
    struct call *(*begin)(struct world *w); /* NULL: cannot be had */
    const char *words;
} operations[] = {
    {"recv", begin_recv, "sock_recv"},
    {"recvfrom", begin_recvfrom, "sock_recvfrom"},
    {"sendall", begin_sendall, "sock_sendall"},
    {"sendfile", begin_sendfile, "sock_sendfile"},
    {"sendfile on a thread", begin_sendfile_on_a_thread, "sock_sendfile"},
    {"accept", begin_accept, "sock_accept"},
    {"connect", begin_connect, "sock_connect"},
};

TEST(Q2_cancelled_while_it_waits)
{
    open_hole(w);
    for (EACH_ROW(w, row, operations)) {
        /* before the loop has looked, and after */
        for (int spins = 0; spins <= 3; spins += 3) {
            struct call *c = row->begin(w);

            if (!c)
                continue;
            test_spin(w, spins);
            assert_int_equal(c->calls, 0);
            assert_ok(rondo_cancel(w->loop, c->id));
            assert_int_equal(c->calls, 0);
            call_fails(w, c, RONDO_ECANCELED, row->words);
            assert_int_equal(rondo_cancel(w->loop, c->id), RONDO_ENOENT);
            test_run_loop(w); /* nothing is left of it */
        }
    }
}

static void refused_when_closing(struct call *c, rondo_loop *loop)
{
    struct wire *x = c->user;

    assert_error(
        rondo_sock_recv(loop, x->fd, x->room, 1, call_done, call_new(x->w)),
        RONDO_ECLOSED);
}

TEST(L5_closing_the_loop_cancels)
{
    struct call *calls[COUNT_OF(operations)], *c;
    struct wire *x;
    size_t count = 0, before;

    open_hole(w);
    before = raw_count_descriptors();
    x = wire_new(w, 0);
    c = wire_recv(x);
    c->user = x;
    c->then = refused_when_closing;
    for (EACH_ROW(w, row, operations)) {
        calls[count] = row->begin(w);
        count += calls[count] != NULL;
    }
    test_spin(w, 3);
    /* what is under way is looked at before it goes: see the arena */
    test_close_loop(w);
    assert_int_equal(c->calls, 1);
    while (count-- > 0) {
        assert_int_equal(calls[count]->calls, 1);
        assert_int_equal(calls[count]->result, RONDO_ECANCELED);
    }
    test_close_all_own(w);
    (void)test_other_loop(w); /* in place of the one that was counted */
    call_descriptors_back(w, before);
}

/* ---- Q2: receiving ------------------------------------------------------ */

/* What was received already is told; what was not stays in the socket. */
TEST(Q2_no_byte_is_lost)
{
    enum { PIECE = 4, ROUNDS = 60 };
    struct wire *x = wire_new(w, 0);

    for (int i = 0; i < ROUNDS; i++) {
        unsigned char *piece = test_bytes(w, (uint64_t)i * PIECE, PIECE);
        struct call *c;
        int when = i % 6;

        if (when == 0) /* there before it begins */
            assert_true(raw_send_all(x->other, piece, PIECE, 1000));
        c = wire_recv(x);
        if (when >= 2)
            test_spin(w, when / 2);
        if (when != 0)
            assert_true(raw_send_all(x->other, piece, PIECE, 1000));
        if (when == 5)
            test_spin(w, 1);
        (void)rondo_cancel(w->loop, c->id);
        settle(w, c);
        if (c->result == RONDO_ECANCELED) {
            c = wire_recv(x);
            settle(w, c);
        }
        assert_int_equal(c->result, PIECE);
        assert_memory_equal(x->room, piece, PIECE);
    }
}

TEST(Q2_the_direction_is_free_at_once)
{
    struct wire *x = wire_new(w, 0);

    for (int i = 0; i < 20; i++) {
        struct call *c = wire_recv(x), *next;

        test_spin(w, i % 3);
        assert_ok(rondo_cancel(w->loop, c->id));
        next = wire_recv(x);
        if (i % 2)
            test_spin(w, 2);
        wire_hears(x, "x");
        assert_int_equal(call_wait(w, next), 1);
        settle(w, c);
        assert_int_equal(c->result, RONDO_ECANCELED);
    }
}

static void cancel_other(struct call *c, rondo_loop *loop)
{
    const struct call *other = c->user;

    (void)rondo_cancel(loop, other->id);
}

/* Two are ready in one iteration, and the first cancels the second. */
TEST(Q2_cancelled_by_another_callback)
{
    struct wire *x[2] = {wire_new(w, 0), wire_new(w, 0)};
    struct call *c[2] = {wire_recv(x[0]), wire_recv(x[1])};

    for (int i = 0; i < 2; i++) {
        c[i]->then = cancel_other;
        c[i]->user = c[1 - i];
    }
    test_spin(w, 2);
    wire_hears(x[0], "x");
    wire_hears(x[1], "y");
    settle(w, c[0]);
    settle(w, c[1]);
    for (int i = 0; i < 2; i++) {
        if (c[i]->result == 1)
            continue;
        assert_int_equal(c[i]->result, RONDO_ECANCELED);
        assert_int_equal(call_wait(w, wire_recv(x[i])), 1);
    }
}

TEST(Q2_closed_at_once_after_the_cancel)
{
    for (int i = 0; i < 30; i++) {
        struct wire *x = wire_new(w, 0);
        struct call *c = wire_recv(x);
        struct peer *p;

        test_spin(w, 1);
        assert_ok(rondo_cancel(w->loop, c->id));
        test_close_own(w, x->fd);
        test_close_own(w, x->other);
        p = plain_peer_unmade(w); /* the same numbers, as a rule */
        settle(w, c);
        assert_int_equal(c->result, RONDO_ECANCELED);
        plain_send(p, "mine");
        test_run_until(w, p->bytes == 4);
        plain_close(p);
        test_run_until(w, p->lost);
    }
}

/* ---- Q2: sending -------------------------------------------------------- */

TEST(Q2_a_sendall_in_the_middle)
{
    struct wire *x = wire_new(w, WIRE_SMALL);
    unsigned char *bytes = test_bytes(w, 0, LARGE);
    struct call *c = wire_sendall(x, bytes, LARGE), *next;
    size_t size;

    test_spin(w, 3);
    assert_ok(rondo_cancel(w->loop, c->id));
    next = wire_sendall(x, "the end.", 8);
    call_fails(w, c, RONDO_ECANCELED, "sock_sendall");
    memset(bytes, 0, LARGE); /* the caller's again */
    /* a beginning of the one, then all of the other */
    size = call_beginning(w, x->other);
    assert_true(size > 0 && size < LARGE);
    assert_int_equal(call_wait(w, next), 8);
}

/* ---- Q2: connections ---------------------------------------------------- */

TEST(Q2_no_connection_is_lost)
{
    uint16_t port = 0;
    raw_fd listener = wire_listener(w, &port, 8);

    for (int i = 0; i < 30; i++) {
        raw_fd client = i % 3 == 0 ? raw_connect(port) : RONDO_NO_FD;
        struct call *c = wire_accept(w, listener);

        test_spin(w, i % 3);
        if (client == RONDO_NO_FD)
            client = raw_connect(port);
        if (i % 2)
            test_spin(w, 1);
        (void)rondo_cancel(w->loop, c->id);
        settle(w, c);
        if (c->result == RONDO_ECANCELED)
            c = wire_accept(w, listener);
        assert_int_equal(call_wait(w, c), 0);
        assert_int_equal(rondo_address_port(&c->address),
                         raw_local_port(client));
        raw_close(c->socket);
        raw_close(client);
    }
}

TEST(Q2_a_connect_goes_on_where_it_was)
{
    uint16_t port = 0;
    raw_fd listener = test_own(w, raw_listen(&port, 4)), fd = wire_socket(w);
    rondo_address to = wire_loopback(port);
    struct call *c = wire_connect(w, fd, &to);

    (void)rondo_cancel(w->loop, c->id);
    settle(w, c);
    if (c->result == RONDO_ECANCELED) {
        c = wire_connect(w, fd, &to);
        assert_true(call_wait(w, c) == 0 || c->result == RONDO_EISCONN);
    } else {
        assert_int_equal(c->result, 0);
    }
    (void)test_own(w, raw_accept(listener, 1000));
}

/* ---- the loop ----------------------------------------------------------- */

TEST(L3_an_operation_keeps_the_loop_running)
{
    struct wire *x = wire_new(w, 0);
    struct call *c = wire_recv(x);

    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_int_equal(test_metrics(w).live_operations, 1);
    assert_ok(rondo_set_background(w->loop, c->id, true));
    test_run_loop(w); /* nothing that counts is left */
    assert_int_equal(c->calls, 0);
    assert_ok(rondo_set_background(w->loop, c->id, false));
    assert_ok(rondo_cancel(w->loop, c->id));
    test_run_loop(w);
    assert_int_equal(c->calls, 1);
    assert_int_equal(test_metrics(w).live_operations, 0);
}

static void count_sock(void *arg, const char *line, size_t size)
{
    (void)size;
    if (strstr(line, "sock_recv"))
        ++*(unsigned *)arg;
}

TEST(L13_the_dump_tells_of_it)
{
    struct wire *x = wire_new(w, 0);
    struct call *c = wire_recv(x);
    unsigned lines = 0;

    assert_ok(rondo_loop_dump(w->loop, count_sock, &lines));
    assert_int_equal(lines, 1);
    test_close_own(w, x->other);
    assert_int_equal(call_wait(w, c), 0);
}
