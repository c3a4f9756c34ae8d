/* test_filter_file.c - files through filters: read, changed and written. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "harness_filter.h"

enum { SIZE = 500000 };

/* Begins to send that many bytes, at most, of a file of that size. */
static rondo_id send_file(struct peer *p, size_t size, int64_t most,
                          struct call *c)
{
    raw_fd file = test_own(p->w, call_file(size));

    return assert_ok(
        rondo_transport_sendfile(p->transport, file, 0, most, call_done, c));
}

/* A pair whose first one sends a file of SIZE bytes to the other. */
struct sending {
    struct toy_pair p;
    struct call *c;
    rondo_id id;
};

static struct sending start(struct world *w, int64_t most)
{
    struct sending s = {.p = toy_pair_ready(w, 8192), .c = call_new(w)};

    s.id = send_file(s.p.a, SIZE, most, s.c);
    return s;
}

TEST_LEAVES(S15_through_a_filter)
{
    struct sending s = start(w, INT64_MAX);

    assert_int_equal(call_wait(w, s.c), SIZE);
    assert_received(s.p.b, SIZE);
    assert_non_null(strchr(s.p.ya->order, 'w')); /* the cipher had them */
}

/* Bytes before it and behind it go through the same filter, in order. */
static void write_behind(struct call *c, rondo_loop *loop)
{
    struct peer *p = c->user;

    (void)loop;
    assert_ok(rondo_transport_write(p->transport, "behind", 6));
}

TEST_LEAVES(S15_among_writes_through_a_filter)
{
    struct toy_pair p = toy_pair_ready(w, 0);
    struct call *c = call_new(w);

    c->user = p.a;
    c->then = write_behind;
    assert_ok(rondo_transport_write(p.a->transport, "before", 6));
    (void)send_file(p.a, 10, 10, c);
    assert_error(rondo_transport_write(p.a->transport, "meanwhile", 9),
                 RONDO_EBUSY);
    assert_error(rondo_transport_push_filter(p.a->transport, &toy_filter,
                                             test_toy(w, 9), NULL, NULL),
                 RONDO_EBUSY);
    test_run_until(w, p.b->bytes == 22);
    assert_memory_equal(p.b->captured, "before", 6);
    assert_true(test_matches(p.b->captured + 6, 0, 10));
    assert_memory_equal(p.b->captured + 16, "behind", 6);
}

/* The goodbye comes behind the file. */
TEST(S15_close_lets_it_through_a_filter)
{
    struct sending s = start(w, SIZE);

    rondo_transport_close(s.p.a->transport);
    assert_int_equal(call_wait(w, s.c), SIZE);
    assert_lost(w, s.p.a, NULL, 0);
    assert_lost(w, s.p.b, NULL, 0);
    assert_received(s.p.b, SIZE);
    toy_check_whole(s.p.ya);
    toy_check_whole(s.p.yb);
}

TEST_LEAVES(S15_write_eof_behind_a_file_and_a_filter)
{
    struct sending s = start(w, SIZE);

    s.p.b->keep_open = true;
    assert_ok(rondo_transport_write_eof(s.p.a->transport));
    assert_int_equal(call_wait(w, s.c), SIZE);
    test_run_until(w, s.p.b->eof);
    assert_received(s.p.b, SIZE);
}

TEST(S15_cancelled_under_a_filter)
{
    struct sending s = start(w, SIZE);

    test_run_until(w, s.p.b->bytes > 1000);
    assert_ok(rondo_cancel(w->loop, s.id));
    assert_int_equal(call_wait(w, s.c), RONDO_ECANCELED);
    assert_ok(rondo_transport_write(s.p.a->transport, "!", 1));
    rondo_transport_close(s.p.a->transport);
    test_run_until(w, s.p.a->lost);
    assert_lost(w, s.p.b, NULL, 0);
    assert_true(s.p.b->bytes < SIZE);
}

TEST(S15_the_peer_of_a_filter_leaves)
{
    struct sending s = start(w, SIZE);

    test_run_until(w, s.p.b->bytes > 1000);
    rondo_transport_abort(s.p.b->transport);
    test_run_until(w, s.p.a->lost);
    assert_int_equal(s.c->calls, 1);
    assert_true(s.c->result < 0);
    assert_true(s.p.a->error < 0);
}

/* A filter that refuses in the middle ends both. */
static void refuse(struct toy *y)
{
    y->answer = RONDO_EPROTO;
}

TEST_LEAVES(S15_a_filter_that_fails)
{
    struct toy_pair p = toy_pair_ready(w, 8192);
    struct call *c = call_new(w);

    p.ya->on_write = refuse;
    (void)send_file(p.a, SIZE, SIZE, c);
    assert_lost(w, p.a, NULL, RONDO_EPROTO);
    assert_int_equal(c->calls, 1);
    assert_true(c->result < 0);
}

/* While a filter gets ready nothing goes past it, and nobody would wait. */
TEST(S15_refused_while_a_filter_gets_ready)
{
    struct peer *p = toy_side_pushed(w).p;
    raw_fd file = test_own(w, call_file(10));

    assert_refused(rondo_transport_sendfile(p->transport, file, 0, 10,
                                            call_done, call_new(w)),
                   RONDO_EBUSY, "filter");
    rondo_transport_abort(p->transport);
    test_run_until(w, p->lost);
}
