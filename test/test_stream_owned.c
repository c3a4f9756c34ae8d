/* test_stream_owned.c - writing without a copy, and gathered writing. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

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
    o->data = test_bytes(p->w, position, size);
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
    static const struct {
        const char *name;
        size_t size;
        int buffer_bytes;
        bool waits;
    } rows[] = {
        {"what leaves at once", 1000, 0, false},
        {"no bytes", 0, 0, false},
        {"what has to wait", LARGE, SMALL, true},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, &recorder, row->buffer_bytes);
        struct owned *o = owned_new(p, 0, row->size);

        assert_int_equal(write_owned(o), row->waits);
        assert_int_equal(o->released, 0);
        if (!row->waits)
            test_run_until(w, o->released);
        (void)test_settle(w, p);
        assert_int_equal(o->released, !row->waits);
        peer_finish(p, row->size);
        assert_int_equal(o->released, 1);
        assert_int_equal(o->lost_before, 0);
    }
}

TEST(S3_is_not_copied)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct owned *o = owned_new(p, 0, LARGE);
    size_t before = test_live_bytes(w);

    test_reset_peak(w);
    assert_int_equal(write_owned(o), 1);
    peer_finish(p, LARGE);
    assert_true(test_peak_bytes(w) - before < LARGE / 4);
}

TEST(S3_an_error_never_releases)
{
    for (int i = 0; i < 2; i++) {
        struct peer *p = plain_peer(w, &recorder, 0);
        struct owned *o = owned_new(p, 0, 100);

        (i ? act_abort : act_close)(p);
        assert_true(write_owned(o) < 0);
        test_run_until(w, p->lost);
        test_spin(w, 10);
        assert_int_equal(o->released, 0);
        assert_true(test_matches(o->data, 0, 100));
    }
}

TEST(S3_out_of_memory_never_releases)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    uint64_t sent = test_fill_transport(w, p);
    struct owned *all[1000];
    unsigned taken, released = 0;

    (void)test_settle(w, p);
    test_fail_allocations_from(w, 1);
    for (taken = 0; taken < 1000; taken++) { /* room may be left at first */
        all[taken] = owned_new(p, sent, 100);
        if (write_owned(all[taken]) < 0)
            break;
        sent += 100;
    }
    test_fail_allocation(w, 0);
    assert_true(taken < 1000);
    peer_finish(p, sent);
    for (unsigned i = 0; i < taken; i++)
        released += all[i]->released;
    assert_int_equal(released, taken);
    assert_int_equal(all[taken]->released, 0);
}

static void close_loop(struct peer *p)
{
    test_close_loop(p->w);
}

TEST(S3_an_end_releases_before_lost)
{
    static const struct {
        const char *name;
        void (*end)(struct peer *p);
        int error;
    } rows[] = {
        {"abort", act_abort, RONDO_ECANCELED},
        {"a reset", plain_reset, RONDO_ECONNRESET},
        {"the loop closes", close_loop, RONDO_ECLOSED},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, &recorder, SMALL);
        struct owned *first = owned_new(p, 0, LARGE);
        struct owned *second = owned_new(p, LARGE, 10);

        assert_int_equal(write_owned(first), 1);
        assert_int_equal(write_owned(second), 1);
        row->end(p);
        if (w->loop)
            assert_int_equal(first->released + second->released, 0);
        assert_lost(w, p, NULL, row->error);
        assert_int_equal(first->released, 1);
        assert_int_equal(second->released, 1);
        assert_int_equal(first->lost_before + second->lost_before, 0);
    }
}

static void close_twice(struct peer *p)
{
    rondo_transport_close(p->transport);
    rondo_transport_close(p->transport);
}

TEST(S3_closing_and_aborting_inside_release)
{
    for (int i = 0; i < 2; i++) {
        struct peer *p = plain_peer(w, &recorder, 0);
        struct owned *o = owned_new(p, 0, 1000);

        o->then = i ? act_abort : close_twice;
        assert_int_equal(write_owned(o), 0);
        assert_lost(w, p, NULL, i ? RONDO_ECANCELED : 0);
        assert_int_equal(o->released, 1);
    }
}

TEST(S3_owned_and_copied_keep_their_order)
{
    enum { ROUNDS = 500 };
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct owned **all = test_alloc(w, ROUNDS * sizeof *all);
    uint64_t sent = 0;

    for (size_t i = 0; i < ROUNDS; i++) {
        size_t size = 1 + i * 7919 % 3000;

        all[i] = owned_new(p, sent, size);
        assert_ok(write_owned(all[i]));
        sent += size;
        (void)peer_write(p, sent, size / 2);
        sent += size / 2;
    }
    peer_finish(p, sent);
    for (size_t i = 0; i < ROUNDS; i++)
        assert_int_equal(all[i]->released, 1);
}

/* ---- S3: writev --------------------------------------------------------- */

/* every tenth piece is empty; the rest have up to 600 bytes */
static uint64_t make_pieces(struct world *w, rondo_buffer *pieces, size_t count)
{
    uint64_t at = 0;

    for (size_t i = 0; i < count; i++) {
        size_t size = i % 10 == 3 ? 0 : 1 + i * 7919 % 600;

        pieces[i] = (rondo_buffer){test_bytes(w, at, size), size};
        at += size;
    }
    return at;
}

static void check_writev(struct world *w, size_t count, int buffer_bytes)
{
    struct peer *p = plain_peer(w, &recorder, buffer_bytes);
    rondo_buffer *pieces = test_alloc(w, count * sizeof *pieces);
    uint64_t total = make_pieces(w, pieces, count);

    assert_ok(rondo_transport_writev(p->transport, pieces, count));
    for (size_t i = 0; i < count; i++) {
        memset((void *)(uintptr_t)pieces[i].data, 0, pieces[i].size);
        pieces[i] = (rondo_buffer){NULL, 1};
    }
    peer_finish(p, total);
}

/* around the kernel's limit, and far beyond it */
TEST(S3_writev_of_any_number_of_pieces)
{
    check_writev(w, 1, 0);
    for (size_t count = 1020; count <= 1028; count++)
        check_writev(w, count, 0);
    check_writev(w, 5000, 0);
    check_writev(w, 5000, SMALL);
}

TEST(S3_writev_behind_buffered_bytes)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    uint64_t sent = test_fill_transport(w, p);
    unsigned char *data = test_bytes(w, sent, 2000);
    const rondo_buffer pieces[3] = {{data, 900}, {NULL, 0}, {data + 900, 1100}};

    assert_ok(rondo_transport_writev(p->transport, pieces, 3));
    peer_finish(p, sent + 2000);
}

TEST_LEAVES(S3_writev_says_when_it_is_over_high)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    unsigned char data[1000] = {0};
    const rondo_buffer pieces[2] = {{data, 500}, {data, 500}};
    size_t size;

    (void)test_fill_transport(w, p);
    size = test_settle(w, p);
    peer_set_limits(p, size + 1000, 1);
    assert_int_equal(rondo_transport_writev(p->transport, pieces, 2), 0);
    assert_int_equal(rondo_transport_writev(p->transport, pieces, 1), 1);
    assert_int_equal(peer_buffered(p), size + 1500);
}

/* The n-th allocation fails: refused whole, or the end, but never a gap. */
TEST(S3_writev_out_of_memory_leaves_no_gap)
{
    enum { SIZE = 20000 };

    for (uint64_t n = 1; n <= 6; n++) {
        struct peer *p = plain_peer(w, &recorder, SMALL);
        uint64_t sent = test_fill_transport(w, p);
        unsigned char *data = test_bytes(w, sent, SIZE);
        const rondo_buffer pieces[3] = {
            {data, 7000}, {data + 7000, 6000}, {data + 13000, 7000}};
        int result;

        test_fail_allocation(w, n);
        result = rondo_transport_writev(p->transport, pieces, 3);
        test_fail_allocation(w, 0);
        if (result < 0)
            assert_int_equal(result, RONDO_ENOMEM);
        test_spin(w, 5);
        if (!p->lost) {
            peer_finish(p, result < 0 ? sent : sent + SIZE);
        } else {
            assert_true(result < 0);
            assert_int_equal(p->error, RONDO_ENOMEM);
            assert_true(plain_drain(p) < 0);
        }
    }
}
