/* test_filter_memory.c - filters and readers when the n-th allocation fails. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"

enum { MUCH = 100000, PATIENCE = 3000 };

/* Each scene is played with the first allocation failing, then with the
 * second, until none fails any more. Whatever fails, everybody is told, in
 * order and once, and nothing is left. */
static void play(struct world *w, void (*scene)(struct world *w))
{
    uint64_t n;

    for (n = 1; test_nth_fails(w, n); n++)
        scene(w);
    assert_true(n > 4);
}

static bool was_refused(struct world *w, int result)
{
    if (result >= 0)
        return false;
    assert_int_equal(result, RONDO_ENOMEM);
    assert_true(test_failed_allocations(w) > 0);
    return true;
}

/* memory comes back before long, where somebody waits for it in vain */
static void run_some(struct world *w, const struct peer *a,
                     const struct peer *b)
{
    for (int i = 0; i < PATIENCE && !(a->lost && b->lost); i++)
        test_spin(w, 1);
}

/* ---- filters ------------------------------------------------------------ */

static void write_much(struct peer *p)
{
    unsigned char *much = p->user;

    (void)rondo_transport_write(p->transport, much, MUCH);
    rondo_transport_close(p->transport);
}

static bool push(struct peer *p, struct toy *y)
{
    int result;

    if (!p->transport)
        return false;
    result =
        rondo_transport_push_filter(p->transport, &toy_filter, y, NULL, NULL);
    if (was_refused(p->w, result)) {
        y->lost = 1; /* not pushed: it is ours still */
        rondo_transport_abort(p->transport);
        return false;
    }
    return true;
}

static void adopt(struct peer *p, raw_fd fd)
{
    if (was_refused(p->w, rondo_connect_accepted_socket(
                              p->w->loop, fd, &recorder, p, &p->transport))) {
        raw_close(fd);
        p->lost = 1;
    }
}

static void filtered(struct world *w)
{
    struct peer *a = test_peer(w), *b = test_peer(w);
    struct toy *ya = test_toy(w, 4), *yb = test_toy(w, 5);
    raw_fd fds[2];

    a->user = test_alloc(w, MUCH);
    a->on_made = write_much;
    assert_int_equal(raw_pair_small(fds, 8192), 0);
    adopt(a, fds[0]);
    adopt(b, fds[1]);
    if (!push(a, ya))
        ya->lost = 1;
    if (!push(b, yb))
        yb->lost = 1;
    run_some(w, a, b);
    assert_true(a->lost && b->lost && ya->lost && yb->lost);
    if (!test_failed_allocations(w))
        assert_int_equal(b->bytes, MUCH);
}

TEST_CASE(G8_filters, play(w, filtered));

/* start_tls with held bytes and waiting writes */
static void upgraded(struct world *w)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 4);
    const struct peer nobody = {.lost = 1};
    raw_fd fds[2];
    char bytes[64];

    assert_int_equal(raw_pair(fds), 0);
    adopt(p, fds[0]);
    test_spin(w, 5);
    if (!p->lost) {
        assert_ok(rondo_transport_pause_reading(p->transport));
        if (push(p, y)) {
            (void)rondo_transport_write(p->transport, "waits", 5);
            toy_raw_hello(fds[1], 1);
            toy_raw_send(fds[1], 1, "one", 3);
            toy_raw_send(fds[1], 1, "two", 3);
        }
        test_spin(w, 10);
        if (!p->lost)
            assert_ok(rondo_transport_resume_reading(p->transport));
        test_spin(w, 10);
        if (!p->lost)
            rondo_transport_close(p->transport);
        raw_shutdown_write(fds[1]); /* closing waits for the peer's end */
        run_some(w, p, &nobody);
        if (!test_failed_allocations(w))
            assert_int_equal(p->bytes, 6);
    }
    assert_true(p->lost && (y->lost || !y->started));
    while (raw_recv(fds[1], bytes, sizeof bytes, 0) > 0)
        continue;
    raw_close(fds[1]);
}

TEST_CASE(G8_start_in_use, play(w, upgraded));

/* ---- servers and connects ----------------------------------------------- */

static int setup(rondo_transport *t, void *arg)
{
    return rondo_transport_push_filter(t, &toy_filter, arg, NULL, NULL);
}

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct peer *p = arg;

    (void)loop;
    p->connected++;
    p->connect_error = error;
    if (t)
        rondo_transport_close(t);
    else
        p->lost = 1;
}

static void served(struct world *w)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 4);
    uint16_t port;
    raw_fd listener = raw_listen(&port, 1), fd;
    rondo_id id = rondo_create_connection(
        w->loop,
        RONDO_CONNECT(.host = "127.0.0.1", .port = port, .setup = setup,
                      .setup_arg = y, .timeout_ns = RONDO_SEC(100)),
        &recorder, p, connected, p);

    if (!was_refused(w, (int)(id < 0 ? id : 0))) {
        fd = raw_accept(listener, 20);
        if (fd == RONDO_NO_FD)
            test_run_until(w, p->connected || (fd = raw_accept(listener, 1)) !=
                                                  RONDO_NO_FD);
        if (fd != RONDO_NO_FD)
            (void)raw_send_all(fd, "Hk", 2, 1000);
        test_run_until(w, p->connected && p->lost);
        raw_close(fd);
        assert_int_equal(y->lost, y->started ? 1 : y->lost);
    }
    raw_close(listener);
}

TEST(G8_a_connect_with_filters)
{
    (void)test_trouble(w); /* which is not told of */
    play(w, served);
}

/* ---- readers ------------------------------------------------------------ */

static void read_done(rondo_reader *reader, void *arg, const void *data,
                      size_t size, int error)
{
    struct peer *p = arg;

    (void)data;
    p->bytes += size;
    p->data++;
    if (!error && rondo_read_until(reader, p->data % 2 ? "\r\n" : "--", 2,
                                   read_done, p) < 0)
        rondo_transport_abort(rondo_reader_transport(reader));
}

static void read_it(struct world *w)
{
    struct peer *p = test_peer(w);
    const struct peer nobody = {.lost = 1};
    rondo_reader *r;
    raw_fd fds[2];

    if (was_refused(w, rondo_reader_new(w->loop, 0, &recorder, p, &r))) {
        assert_null(r);
        return;
    }
    assert_int_equal(raw_pair(fds), 0);
    if (was_refused(w, rondo_connect_accepted_socket(w->loop, fds[0],
                                                     rondo_reader_protocol(), r,
                                                     &p->transport)))
        raw_close(fds[0]);
    else if (was_refused(w, rondo_read_line(r, read_done, p)))
        rondo_transport_abort(p->transport);
    (void)raw_send_all(fds[1], "a\nbbbbbbbbbb\r\ncc--dddd", 22, 1000);
    test_spin(w, 5);
    (void)raw_send_all(fds[1], "ddddddddddddddddddddd\r\n", 23, 1000);
    raw_close(fds[1]);
    if (p->made && !p->lost)
        run_some(w, p, &nobody);
    test_spin(w, 5);
    if (p->transport && !p->lost)
        rondo_transport_close(p->transport);
    test_spin(w, 5);
    assert_int_equal(p->lost, p->made);
    rondo_reader_free(r);
    if (!test_failed_allocations(w))
        assert_int_equal(p->bytes, 45);
}

TEST_CASE(G8_readers, play(w, read_it));
