/* test_stream_owned.c - writing without a copy, and gathered writing. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

enum { SMALL = 8192, LARGE = 1024 * 1024 };

/* what release gets: how often it came, and what was true then */
struct owned {
    struct peer *p;
    unsigned char *data;
    size_t size;
    unsigned released;
    unsigned lost_before; /* connection_lost had come already */
    void (*then)(struct peer *p);
};

static void release(void *arg)
{
    struct owned *o = arg;

    o->released++;
    o->lost_before = o->p->lost;
    memset(o->data, 0, o->size); /* a late send would show */
    if (o->then)
        o->then(o->p);
}

static struct owned *owned_new(struct peer *p, uint64_t position, size_t size)
{
    struct owned *o = test_alloc(p->w, sizeof *o);

    o->p = p;
    o->size = size;
    o->data = test_alloc(p->w, size);
    test_fill(o->data, position, size);
    return o;
}

static int write_owned(struct owned *o)
{
    return rondo_transport_write_owned(o->p->transport, o->data, o->size,
                                       release, o);
}

/* ---- S3: write_owned ---------------------------------------------------- */

TEST(S3_released_once_and_not_inside_the_call)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    struct owned *o = owned_new(p, 0, 1000);

    assert_int_equal(write_owned(o), 0);
    assert_int_equal(o->released, 0);
    test_run_until(w, o->released);
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, fd, 0), 1000);
    test_run_until(w, p->lost);
    assert_int_equal(o->released, 1);
    assert_int_equal(o->lost_before, 0);
    raw_close(fd);
}

TEST(S3_released_when_the_buffer_is_out)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    struct owned *o = owned_new(p, 0, LARGE);

    assert_int_equal(write_owned(o), 1);
    (void)test_settle(w, p);
    assert_int_equal(o->released, 0);
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, fd, 0), LARGE);
    test_run_until(w, p->lost);
    assert_int_equal(o->released, 1);
    assert_int_equal(o->lost_before, 0);
    raw_close(fd);
}

TEST(S3_is_not_copied)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    struct owned *o = owned_new(p, 0, LARGE);
    size_t before = test_live_bytes(w);

    test_reset_peak(w);
    assert_int_equal(write_owned(o), 1);
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, fd, 0), LARGE);
    assert_true(test_peak_bytes(w) - before < LARGE / 4);
    raw_close(fd);
}

static void check_never_released(struct world *w,
                                 void (*end)(rondo_transport *))
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    struct owned *o = owned_new(p, 0, 100);

    end(p->transport);
    assert_true(write_owned(o) < 0);
    test_run_until(w, p->lost);
    test_spin(w, 10);
    assert_int_equal(o->released, 0);
    assert_true(test_matches(o->data, 0, 100));
    raw_close(fd);
}

TEST(S3_an_error_never_releases)
{
    check_never_released(w, rondo_transport_close);
    check_never_released(w, rondo_transport_abort);
}

TEST(S3_out_of_memory_never_releases)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    uint64_t sent = test_fill_transport(w, p);
    struct owned *o = NULL;
    unsigned taken = 0;
    unsigned released = 0;
    struct owned *all[1000];

    (void)test_settle(w, p);
    test_fail_allocations_from(w, 1);
    for (taken = 0; taken < 1000; taken++) { /* room may be left at first */
        o = owned_new(p, sent, 100);
        all[taken] = o;
        if (write_owned(o) < 0)
            break;
        sent += 100;
    }
    test_fail_allocation(w, 0);
    assert_true(taken < 1000);
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, fd, 0), sent);
    test_run_until(w, p->lost);
    for (unsigned i = 0; i < taken; i++)
        released += all[i]->released;
    assert_int_equal(released, taken);
    assert_int_equal(o->released, 0);
    assert_int_equal(p->error, 0);
    raw_close(fd);
}

static void check_released_by(struct world *w, void (*end)(struct peer *p),
                              int error)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    struct owned *first = owned_new(p, 0, LARGE);
    struct owned *second = owned_new(p, LARGE, 10);

    assert_int_equal(write_owned(first), 1);
    assert_int_equal(write_owned(second), 1);
    p->user = &fd;
    end(p);
    assert_int_equal(first->released + second->released, 0);
    assert_lost(w, p, NULL, error);
    assert_int_equal(first->released, 1);
    assert_int_equal(second->released, 1);
    assert_int_equal(first->lost_before + second->lost_before, 0);
    raw_close(fd);
}

TEST_CASE(S3_abort_releases_before_lost,
          check_released_by(w, act_abort, RONDO_ECANCELED));

TEST_CASE(S3_a_reset_releases_before_lost,
          check_released_by(w, act_reset, RONDO_ECONNRESET));

TEST(S3_closing_the_loop_releases)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    struct owned *o = owned_new(p, 0, LARGE);

    assert_int_equal(write_owned(o), 1);
    test_close_loop(w);
    assert_int_equal(o->released, 1);
    assert_int_equal(o->lost_before, 0);
    assert_int_equal(p->lost, 1);
    assert_int_equal(p->error, RONDO_ECANCELED);
    raw_close(fd);
}

TEST(S3_zero_bytes_are_released_too)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    struct owned *o = owned_new(p, 0, 0);

    assert_int_equal(write_owned(o), 0);
    assert_int_equal(o->released, 0);
    test_run_until(w, o->released);
    test_spin(w, 10);
    assert_int_equal(o->released, 1);
    raw_close(fd);
}

static void close_it(struct peer *p)
{
    rondo_transport_close(p->transport);
    rondo_transport_close(p->transport);
}

static void check_inside_release(struct world *w, void (*then)(struct peer *p),
                                 int error)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    struct owned *o = owned_new(p, 0, 1000);

    o->then = then;
    assert_int_equal(write_owned(o), 0);
    assert_lost(w, p, NULL, error);
    assert_int_equal(o->released, 1);
    raw_close(fd);
}

TEST(S3_closing_and_aborting_inside_release)
{
    check_inside_release(w, close_it, 0);
    check_inside_release(w, act_abort, RONDO_ECANCELED);
}

TEST(S3_owned_and_copied_keep_their_order)
{
    enum { ROUNDS = 500 };
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    struct owned **all = test_alloc(w, ROUNDS * sizeof *all);
    unsigned char piece[3000];
    uint64_t sent = 0;

    for (size_t i = 0; i < ROUNDS; i++) {
        size_t size = 1 + i * 7919 % sizeof piece;

        all[i] = owned_new(p, sent, size);
        assert_ok(write_owned(all[i]));
        sent += size;
        test_fill(piece, sent, size / 2);
        assert_ok(rondo_transport_write(p->transport, piece, size / 2));
        sent += size / 2;
    }
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, fd, 0), sent);
    test_run_until(w, p->lost);
    for (size_t i = 0; i < ROUNDS; i++)
        assert_int_equal(all[i]->released, 1);
    raw_close(fd);
}

/* ---- S3: writev --------------------------------------------------------- */

/* every tenth piece is empty; the rest have up to 600 bytes */
static uint64_t make_pieces(struct world *w, rondo_buffer *pieces, size_t count)
{
    uint64_t at = 0;

    for (size_t i = 0; i < count; i++) {
        size_t size = i % 10 == 3 ? 0 : 1 + i * 7919 % 600;
        unsigned char *data = test_alloc(w, size);

        test_fill(data, at, size);
        pieces[i] = (rondo_buffer){data, size};
        at += size;
    }
    return at;
}

static void check_writev(struct world *w, size_t count, int buffer_bytes)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, buffer_bytes);
    rondo_buffer *pieces = test_alloc(w, count * sizeof *pieces);
    uint64_t total = make_pieces(w, pieces, count);

    assert_ok(rondo_transport_writev(p->transport, pieces, count));
    for (size_t i = 0; i < count; i++) {
        memset((void *)(uintptr_t)pieces[i].data, 0, pieces[i].size);
        pieces[i] = (rondo_buffer){NULL, 1};
    }
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, fd, 0), total);
    assert_lost(w, p, NULL, 0);
    raw_close(fd);
}

TEST_CASE(S3_writev_of_5000_pieces, check_writev(w, 5000, 0));

TEST_CASE(S3_writev_of_5000_pieces_through_a_small_buffer,
          check_writev(w, 5000, SMALL));

TEST(S3_writev_around_the_kernels_limit)
{
    for (size_t count = 1020; count <= 1028; count++)
        check_writev(w, count, 0);
    check_writev(w, 1, 0);
}

TEST(S3_writev_behind_buffered_bytes)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    uint64_t sent = test_fill_transport(w, p);
    unsigned char data[2000];
    const rondo_buffer pieces[3] = {{data, 900}, {NULL, 0}, {data + 900, 1100}};

    test_fill(data, sent, sizeof data);
    assert_ok(rondo_transport_writev(p->transport, pieces, 3));
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, fd, 0), sent + sizeof data);
    raw_close(fd);
}

TEST(S3_writev_says_when_it_is_over_high)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    unsigned char data[1000] = {0};
    const rondo_buffer pieces[2] = {{data, 500}, {data, 500}};
    size_t size;

    (void)test_fill_transport(w, p);
    size = test_settle(w, p);
    assert_ok(
        rondo_transport_set_write_buffer_limits(p->transport, size + 1000, 1));
    assert_int_equal(rondo_transport_writev(p->transport, pieces, 2), 0);
    assert_int_equal(rondo_transport_writev(p->transport, pieces, 1), 1);
    assert_int_equal(rondo_transport_get_write_buffer_size(p->transport),
                     size + 1500);
    raw_close(fd);
}

/* The n-th allocation fails: refused whole, or the end, but never a gap. */
static void check_writev_without_memory(struct world *w, uint64_t n)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    uint64_t sent = test_fill_transport(w, p);
    unsigned char data[20000];
    const rondo_buffer pieces[3] = {
        {data, 7000}, {data + 7000, 6000}, {data + 13000, 7000}};
    int result;

    test_fill(data, sent, sizeof data);
    test_fail_allocation(w, n);
    result = rondo_transport_writev(p->transport, pieces, 3);
    test_fail_allocation(w, 0);
    if (result >= 0)
        sent += sizeof data;
    else
        assert_int_equal(result, RONDO_ENOMEM);
    test_spin(w, 5);
    if (!p->lost) {
        rondo_transport_close(p->transport);
        assert_int_equal(test_drain_raw(w, fd, 0), sent);
        assert_lost(w, p, NULL, 0);
    } else {
        assert_true(result < 0);
        assert_int_equal(p->error, RONDO_ENOMEM);
        assert_true(test_drain_raw(w, fd, 0) < 0);
    }
    raw_close(fd);
}

TEST(S3_writev_out_of_memory_leaves_no_gap)
{
    for (uint64_t n = 1; n <= 6; n++)
        check_writev_without_memory(w, n);
}
