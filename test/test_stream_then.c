/* test_stream_then.c - writes that say when they have left. */
/* SPDX-License-Identifier: MIT */
#include "harness_lent.h"

enum { SMALL = 8192, LARGE = 1 << 20 };

/* ---- S17: when it is told ------------------------------------------------ */

TEST(S17_told_once_the_kernel_has_all)
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
        struct lent *n = lent_new(p, test_counter(w), 0, row->size);

        assert_int_equal(lent_try(n), row->waits);
        assert_int_equal(n->call.calls, 0);
        if (!row->waits)
            test_run_until(w, n->call.calls);
        (void)test_settle(w, p);
        assert_int_equal(n->call.calls, !row->waits);
        peer_finish(p, row->size);
        lent_ends(n, (int64_t)row->size);
    }
}

TEST(S17_is_not_copied)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct lent *n = lent_new(p, test_counter(w), 0, LARGE);
    size_t before = test_live_bytes(w);

    test_reset_peak(w);
    assert_int_equal(lent_try(n), 1);
    peer_finish(p, LARGE);
    assert_true(test_peak_bytes(w) - before < LARGE / 4);
}

TEST(S17_told_in_the_order_of_the_writes)
{
    enum { ROUNDS = 500 };
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct lent **all = test_alloc(w, ROUNDS * sizeof *all);
    unsigned *told = test_counter(w);
    uint64_t sent = 0;

    for (size_t i = 0; i < ROUNDS; i++) {
        size_t size = i % 7 == 3 ? 0 : 1 + i * 7919 % 3000;

        all[i] = lent_write(p, told, sent, size);
        sent += size;
        (void)peer_write(p, sent, size / 2);
        sent += size / 2;
    }
    peer_finish(p, sent);
    for (size_t i = 0; i < ROUNDS; i++) {
        lent_ends(all[i], (int64_t)all[i]->size);
        assert_int_equal(all[i]->place, i);
    }
}

TEST(S17_no_bytes_follow_what_was_written_before)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct lent *n = lent_new(p, test_counter(w), 0, 0);

    (void)peer_write(p, 0, LARGE);
    assert_ok(
        rondo_transport_write_then(p->transport, NULL, 0, call_done, &n->call));
    (void)test_settle(w, p);
    assert_int_equal(n->call.calls, 0);
    peer_finish(p, LARGE);
    lent_ends(n, 0);
}

TEST(S17_any_number_of_pieces)
{
    enum { COUNT = 5000 };
    struct peer *p = plain_peer(w, &recorder, SMALL);
    unsigned char *data = test_bytes(w, 0, COUNT * 7);
    rondo_buffer *pieces = test_alloc(w, COUNT * sizeof *pieces);
    struct call *c[2] = {call_new(w), call_new(w)};
    size_t at = 0;

    for (size_t i = 0; i < COUNT; i++) {
        pieces[i] = (rondo_buffer){data + at, i % 10 == 3 ? 0 : i % 13 + 1};
        at += pieces[i].size;
    }
    assert_ok(rondo_transport_write_then(p->transport, pieces, COUNT / 2,
                                         call_done, c[0]));
    assert_ok(rondo_transport_write_then(p->transport, pieces + COUNT / 2,
                                         COUNT - COUNT / 2, call_done, c[1]));
    memset(pieces, 0, COUNT * sizeof *pieces); /* the array was read */
    peer_finish(p, at);
    assert_int_equal(c[0]->calls + c[1]->calls, 2);
    assert_int_equal(c[0]->result + c[1]->result, at);
}

static void note_made(struct peer *p)
{
    assert_int_equal(*(unsigned *)p->user, 0);
}

TEST(S17_before_connection_made_it_is_told_after_it)
{
    struct peer *p = plain_peer_unmade(w);
    unsigned *told = test_counter(w);
    struct lent *n = lent_write(p, told, 0, 100);

    p->user = told;
    p->on_made = note_made;
    test_run_until(w, n->call.calls);
    assert_int_equal(p->made, 1);
    peer_finish(p, 100);
    lent_ends(n, 100);
}

/* ---- S17: why it was not sent -------------------------------------------- */

static void close_now(struct peer *p)
{
    rondo_transport_close_now(p->transport);
}

static void close_loop(struct peer *p)
{
    test_close_loop(p->w);
}

static void abort_with(struct peer *p)
{
    rondo_transport_abort_with(p->transport, RONDO_EPROTO);
}

static void close_and_reset(struct peer *p)
{
    rondo_transport_close(p->transport);
    plain_reset(p);
}

TEST(S17_an_end_is_told_before_lost)
{
    static const struct {
        const char *name;
        void (*end)(struct peer *p);
        int error, lost;
    } rows[] = {
        {"abort", act_abort, RONDO_ECANCELED, RONDO_ECANCELED},
        {"close_now", close_now, RONDO_ECANCELED, RONDO_ECANCELED},
        {"abort_with", abort_with, RONDO_EPROTO, RONDO_EPROTO},
        {"a reset", plain_reset, RONDO_ECONNRESET, RONDO_ECONNRESET},
        {"while closing", close_and_reset, RONDO_ECONNRESET, 0},
        {"the loop closes", close_loop, RONDO_ECLOSED, RONDO_ECLOSED},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, &recorder, SMALL);
        unsigned *told = test_counter(w);
        struct lent *sent = lent_write(p, told, 0, 10);
        struct lent *first = lent_write(p, told, 10, LARGE);
        struct lent *second = lent_write(p, told, LARGE + 10, 10);
        struct lent *third = lent_write(p, told, 0, 0);

        row->end(p);
        if (w->loop)
            assert_int_equal(*told, 0);
        assert_lost(w, p, NULL, row->lost);
        lent_ends(sent, 10);
        lent_ends(first, row->error);
        lent_ends(second, row->error);
        lent_ends(third, row->error);
        assert_true(first->place < second->place &&
                    second->place < third->place);
    }
}

TEST(S17_what_is_refused_is_never_told)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    struct lent *n = lent_new(p, test_counter(w), 0, 100);
    const rondo_buffer piece = {n->data, n->size}, null = {NULL, 1};

    assert_refused(
        rondo_transport_write_then(p->transport, &piece, 1, NULL, NULL),
        RONDO_EINVAL, "no function");
    assert_einval(rondo_transport_write_then(p->transport, &null, 1, call_done,
                                             &n->call));
    assert_einval(
        rondo_transport_write_then(p->transport, NULL, 1, call_done, &n->call));
    assert_einval(rondo_transport_write_then(p->transport, &piece, SIZE_MAX,
                                             call_done, &n->call));
    assert_einval(
        rondo_transport_write_then(NULL, &piece, 1, call_done, &n->call));
    act_write_eof(p);
    assert_refused(
        rondo_transport_write_then(p->transport, &piece, 1, call_done, n),
        RONDO_EPIPE, NULL);
    act_close(p);
    assert_refused(
        rondo_transport_write_then(p->transport, &piece, 1, call_done, n),
        RONDO_ECLOSED, NULL);
    assert_int_equal(plain_drain(p), 0);
    assert_lost(w, p, NULL, 0);
    assert_int_equal(n->call.calls, 0);
}

/* All or nothing: refused, or told. */
TEST(S17_out_of_memory_refuses_all_of_it)
{
    for (uint64_t n = 1; test_nth_fails(w, n); n++) {
        struct peer *p;
        struct lent *a, *b;
        uint64_t sent = 0;

        test_fail_allocation(w, 0);
        p = plain_peer(w, &recorder, SMALL);
        a = lent_new(p, test_counter(w), 0, LARGE);
        test_fail_allocation(w, n);
        if (lent_try(a) >= 0)
            sent = LARGE;
        b = lent_new(p, a->told, sent, 1000);
        if (lent_try(b) >= 0)
            sent += 1000;
        peer_finish(p, sent);
        assert_int_equal(a->call.calls + b->call.calls,
                         sent / LARGE + (sent % LARGE != 0));
    }
}

/* ---- S17: in the callback ------------------------------------------------ */

struct chain {
    struct peer *p;
    unsigned left, rounds;
    rondo_buffer piece;
};

static void write_again(rondo_loop *loop, void *arg, int64_t result)
{
    struct chain *c = arg;

    (void)loop;
    assert_int_equal(result, 1);
    if (--c->left)
        assert_ok(rondo_transport_write_then(c->p->transport, &c->piece, 1,
                                             write_again, c));
}

static void count_round(rondo_loop *loop, void *arg)
{
    struct chain *c = arg;

    c->rounds++;
    if (c->left)
        assert_ok(rondo_call_soon(loop, count_round, c));
}

/* A done that always writes does not keep the loop from its other work. */
TEST(S17_a_done_that_writes_takes_turns)
{
    enum { TIMES = 20000 };
    struct peer *p = test_peer(w), *q = test_peer(w);
    struct chain c = {.p = p, .left = TIMES, .piece = {"x", 1}};

    test_pair_with(w, &recorder, p, &recorder, q, 0);
    q->no_checksum = true;
    assert_ok(
        rondo_transport_write_then(p->transport, &c.piece, 1, write_again, &c));
    count_round(w->loop, &c);
    test_run_until(w, q->bytes == TIMES);
    assert_true(c.rounds >= TIMES);
    act_close(p);
    test_run_until(w, p->lost && q->lost);
}

TEST(S17_a_million_wait)
{
    enum { MOST = 1000000 };
    unsigned count = MOST / (unsigned)test_slowness();
    struct peer *p = plain_peer(w, &recorder, SMALL);
    uint64_t sent = test_fill_transport(w, p);
    unsigned *told = test_counter(w);
    struct lent n = {.p = p, .told = told};
    const rondo_buffer none = {"", 0};
    struct call *calls = test_alloc(w, count * sizeof *calls);

    n.call.user = &n;
    for (unsigned i = 0; i < count; i++)
        assert_ok(rondo_transport_write_then(p->transport, &none, 1, call_done,
                                             &calls[i]));
    peer_finish(p, sent);
    for (unsigned i = 0; i < count; i++)
        assert_true(calls[i].calls == 1 && calls[i].result == 0);
}

TEST(S17_closing_and_aborting_inside_done)
{
    static const struct {
        const char *name;
        void (*act)(struct peer *p);
        int error;
    } rows[] = {
        {"close", act_close, 0},
        {"abort", act_abort, RONDO_ECANCELED},
        {"close_now", close_now, RONDO_ECANCELED},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, &recorder, 0);
        struct lent *n = lent_new(p, test_counter(w), 0, 1000), *more;

        n->act = row->act;
        assert_ok(lent_try(n));
        more = lent_write(p, n->told, 1000, 10);
        assert_lost(w, p, NULL, row->error);
        lent_ends(n, 1000);
        lent_ends(more, 10);
    }
}
