/* test_filter_file.c - files through filters: read, changed and written. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "harness_filter.h"

enum { SIZE = 500000 };

static rondo_id send_file(struct peer *p, raw_fd file, int64_t size,
                          struct call *c)
{
    return rondo_transport_sendfile(p->transport, file, 0, size, call_done, c);
}

static struct toy_pair ready_pair(struct world *w, int buffer_bytes)
{
    struct toy_pair p = toy_pair(w, buffer_bytes);

    test_run_until(w, p.a->made && p.b->made);
    return p;
}

TEST_LEAVES(S15_through_a_filter)
{
    struct toy_pair p = ready_pair(w, 8192);
    struct call *c = call_new(w);
    raw_fd file = call_file(SIZE);

    assert_true(send_file(p.a, file, INT64_MAX, c) > 0);
    assert_int_equal(call_wait(w, c), SIZE);
    test_run_until(w, p.b->bytes == SIZE);
    assert_true(p.b->checksum == test_pattern_checksum(SIZE));
    assert_non_null(strchr(p.ya->order, 'w')); /* the cipher had them */
    raw_close(file);
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
    struct toy_pair p = ready_pair(w, 0);
    struct call *c = call_new(w);
    raw_fd file = call_file(10);

    peer_capture(p.b, 32);
    c->user = p.a;
    c->then = write_behind;
    assert_ok(rondo_transport_write(p.a->transport, "before", 6));
    assert_true(send_file(p.a, file, 10, c) > 0);
    assert_error(rondo_transport_write(p.a->transport, "meanwhile", 9),
                 RONDO_EBUSY);
    assert_error(rondo_transport_push_filter(p.a->transport, &toy_filter,
                                             test_toy(w, 9), NULL, NULL),
                 RONDO_EBUSY);
    test_run_until(w, p.b->bytes == 22);
    assert_memory_equal(p.b->captured, "before", 6);
    assert_true(test_matches(p.b->captured + 6, 0, 10));
    assert_memory_equal(p.b->captured + 16, "behind", 6);
    raw_close(file);
}

/* The goodbye comes behind the file. */
TEST(S15_close_lets_it_through_a_filter)
{
    struct toy_pair p = ready_pair(w, 8192);
    struct call *c = call_new(w);
    raw_fd file = call_file(SIZE);

    assert_true(send_file(p.a, file, SIZE, c) > 0);
    rondo_transport_close(p.a->transport);
    assert_int_equal(call_wait(w, c), SIZE);
    test_run_until(w, p.a->lost && p.b->lost);
    assert_int_equal(p.a->error, 0);
    assert_int_equal(p.b->error, 0);
    assert_int_equal(p.b->bytes, SIZE);
    assert_true(p.b->checksum == test_pattern_checksum(SIZE));
    toy_check_whole(p.ya);
    toy_check_whole(p.yb);
    raw_close(file);
}

TEST_LEAVES(S15_write_eof_behind_a_file_and_a_filter)
{
    struct toy_pair p = ready_pair(w, 8192);
    struct call *c = call_new(w);
    raw_fd file = call_file(SIZE);

    p.b->keep_open = true;
    assert_true(send_file(p.a, file, SIZE, c) > 0);
    assert_ok(rondo_transport_write_eof(p.a->transport));
    assert_int_equal(call_wait(w, c), SIZE);
    test_run_until(w, p.b->eof);
    assert_int_equal(p.b->bytes, SIZE);
    assert_true(p.b->checksum == test_pattern_checksum(SIZE));
    raw_close(file);
}

TEST(S15_cancelled_under_a_filter)
{
    struct toy_pair p = ready_pair(w, 8192);
    struct call *c = call_new(w);
    raw_fd file = call_file(SIZE);
    rondo_id id = send_file(p.a, file, SIZE, c);

    assert_true(id > 0);
    test_run_until(w, p.b->bytes > 1000);
    assert_ok(rondo_cancel(w->loop, id));
    assert_int_equal(call_wait(w, c), RONDO_ECANCELED);
    assert_ok(rondo_transport_write(p.a->transport, "!", 1));
    rondo_transport_close(p.a->transport);
    test_run_until(w, p.a->lost && p.b->lost);
    assert_int_equal(p.b->error, 0);
    assert_true(p.b->bytes < SIZE);
    raw_close(file);
}

TEST(S15_the_peer_of_a_filter_leaves)
{
    struct toy_pair p = ready_pair(w, 8192);
    struct call *c = call_new(w);
    raw_fd file = call_file(SIZE);

    assert_true(send_file(p.a, file, SIZE, c) > 0);
    test_run_until(w, p.b->bytes > 1000);
    rondo_transport_abort(p.b->transport);
    test_run_until(w, p.a->lost);
    assert_int_equal(c->calls, 1);
    assert_true(c->result < 0);
    assert_true(p.a->error < 0);
    raw_close(file);
}

/* A filter that refuses in the middle ends both. */
static void refuse(struct toy *y)
{
    y->answer = RONDO_EPROTO;
}

TEST_LEAVES(S15_a_filter_that_fails)
{
    struct toy_pair p = ready_pair(w, 8192);
    struct call *c = call_new(w);
    raw_fd file = call_file(SIZE);

    p.ya->on_write = refuse;
    assert_true(send_file(p.a, file, SIZE, c) > 0);
    assert_lost(w, p.a, NULL, RONDO_EPROTO);
    assert_int_equal(c->calls, 1);
    assert_true(c->result < 0);
    raw_close(file);
}

/* While a filter gets ready nothing goes past it, and nobody would wait. */
TEST(S15_refused_while_a_filter_gets_ready)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd other = test_raw_peer(w, &recorder, p, 0);
    raw_fd file = call_file(10);

    test_run_until(w, p->made);
    toy_push(p->transport, y);
    assert_error(send_file(p, file, 10, call_new(w)), RONDO_EBUSY);
    assert_non_null(strstr(rondo_last_error(), "filter"));
    rondo_transport_abort(p->transport);
    test_run_until(w, p->lost);
    raw_close(file);
    raw_close(other);
}
