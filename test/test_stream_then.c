/* test_stream_then.c - writes that say when they have left. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "harness_filter.h"

enum { SMALL = 8192, LARGE = 1 << 20 };

/* One write_then: its bytes are the test's again once done was called. */
struct lent {
    struct call call;
    struct peer *p;
    unsigned char *data;
    size_t size;
    unsigned *told; /* shared: how many were told before */
    unsigned place;
    unsigned lost_before;
    void (*act)(struct peer *p); /* inside done */
};

static void lent_back(struct call *c, rondo_loop *loop)
{
    struct lent *n = c->user;

    assert_ptr_equal(loop, n->p->w->loop);
    n->lost_before = n->p->lost;
    n->place = (*n->told)++;
    memset(n->data, 0, n->size); /* a late send would show */
    if (n->act)
        n->act(n->p);
}

static struct lent *lend(struct peer *p, unsigned *told, uint64_t position,
                         size_t size)
{
    struct lent *n = test_alloc(p->w, sizeof *n);

    n->call.then = lent_back;
    n->call.user = n;
    n->p = p;
    n->told = told;
    n->size = size;
    n->data = test_bytes(p->w, position, size + 1);
    return n;
}

static int then_write(struct lent *n)
{
    const rondo_buffer piece = {n->data, n->size};

    return rondo_transport_write_then(n->p->transport, &piece, 1, call_done,
                                      &n->call);
}

static struct lent *then_new(struct peer *p, unsigned *told, uint64_t position,
                             size_t size)
{
    struct lent *n = lend(p, told, position, size);

    assert_ok(then_write(n));
    assert_int_equal(n->call.calls, 0); /* not inside the call */
    return n;
}

/* It was told that, once, before connection_lost, with a sentence. */
static void then_ends(const struct lent *n, int64_t result)
{
    assert_int_equal(n->call.calls, 1);
    assert_int_equal(n->call.result, result);
    assert_int_equal(n->lost_before, 0);
    if (result < 0)
        assert_non_null(strstr(n->call.last_error, "transport_write_then"));
}

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
        struct lent *n = lend(p, test_counter(w), 0, row->size);

        assert_int_equal(then_write(n), row->waits);
        assert_int_equal(n->call.calls, 0);
        if (!row->waits)
            test_run_until(w, n->call.calls);
        (void)test_settle(w, p);
        assert_int_equal(n->call.calls, !row->waits);
        peer_finish(p, row->size);
        then_ends(n, (int64_t)row->size);
    }
}

TEST(S17_is_not_copied)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct lent *n = lend(p, test_counter(w), 0, LARGE);
    size_t before = test_live_bytes(w);

    test_reset_peak(w);
    assert_int_equal(then_write(n), 1);
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

        all[i] = then_new(p, told, sent, size);
        sent += size;
        (void)peer_write(p, sent, size / 2);
        sent += size / 2;
    }
    peer_finish(p, sent);
    for (size_t i = 0; i < ROUNDS; i++) {
        then_ends(all[i], (int64_t)all[i]->size);
        assert_int_equal(all[i]->place, i);
    }
}

TEST(S17_no_bytes_follow_what_was_written_before)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct lent *n = lend(p, test_counter(w), 0, 0);

    (void)peer_write(p, 0, LARGE);
    assert_ok(
        rondo_transport_write_then(p->transport, NULL, 0, call_done, &n->call));
    (void)test_settle(w, p);
    assert_int_equal(n->call.calls, 0);
    peer_finish(p, LARGE);
    then_ends(n, 0);
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
    struct lent *n = then_new(p, told, 0, 100);

    p->user = told;
    p->on_made = note_made;
    test_run_until(w, n->call.calls);
    assert_int_equal(p->made, 1);
    peer_finish(p, 100);
    then_ends(n, 100);
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
        struct lent *sent = then_new(p, told, 0, 10);
        struct lent *first = then_new(p, told, 10, LARGE);
        struct lent *second = then_new(p, told, LARGE + 10, 10);
        struct lent *third = then_new(p, told, 0, 0);

        row->end(p);
        if (w->loop)
            assert_int_equal(*told, 0);
        assert_lost(w, p, NULL, row->lost);
        then_ends(sent, 10);
        then_ends(first, row->error);
        then_ends(second, row->error);
        then_ends(third, row->error);
        assert_true(first->place < second->place &&
                    second->place < third->place);
    }
}

TEST(S17_what_is_refused_is_never_told)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    struct lent *n = lend(p, test_counter(w), 0, 100);
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
        a = lend(p, test_counter(w), 0, LARGE);
        test_fail_allocation(w, n);
        if (then_write(a) >= 0)
            sent = LARGE;
        b = lend(p, a->told, sent, 1000);
        if (then_write(b) >= 0)
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
        struct lent *n = lend(p, test_counter(w), 0, 1000), *more;

        n->act = row->act;
        assert_ok(then_write(n));
        more = then_new(p, n->told, 1000, 10);
        assert_lost(w, p, NULL, row->error);
        then_ends(n, 1000);
        then_ends(more, 10);
    }
}

/* ---- S17: with a file ---------------------------------------------------- */

static void told_before(struct call *c, rondo_loop *loop)
{
    const struct lent *n = c->user;

    (void)loop;
    assert_int_equal(n->call.calls, 1);
}

TEST(S17_told_before_the_file_behind_it)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct lent *n = then_new(p, test_counter(w), 0, LARGE);
    struct call *file =
        call_sendfile(p, call_kept_file(w, 3 * LARGE), LARGE, LARGE);

    file->then = told_before;
    file->user = n;
    peer_finish(p, 2 * LARGE);
    then_ends(n, LARGE);
    assert_int_equal(file->result, LARGE);
}

/* ---- S17: under filters -------------------------------------------------- */

TEST(S17_under_filters_what_they_have_sent_has_left)
{
    struct toy_pair p = toy_pair_ready(w, SMALL);
    unsigned *told = test_counter(w);
    struct lent *a, *b, *c;

    rondo_transport_pause_reading(p.b->transport);
    a = then_new(p.a, told, 0, LARGE);
    b = then_new(p.a, told, LARGE, 0);
    c = then_new(p.a, told, LARGE, 1000);
    (void)test_settle(w, p.a);
    assert_int_equal(*told, 0);
    rondo_transport_resume_reading(p.b->transport);
    assert_received(p.b, LARGE + 1000);
    rondo_transport_close(p.a->transport);
    test_run_until(w, p.a->lost && p.b->lost);
    then_ends(a, LARGE);
    then_ends(b, 0);
    then_ends(c, 1000);
    assert_true(a->place < b->place && b->place < c->place);
}

TEST(S17_what_waits_for_a_filter_stays_lent)
{
    for (int aborts = 0; aborts < 2; aborts++) {
        struct toy_pair p = toy_pair_ready(w, 0);
        struct toy *late = test_toy(w, 3), *theirs = test_toy(w, 4);
        unsigned *told = test_counter(w);
        struct lent *a, *b;

        late->late = true;
        toy_push(p.a->transport, late);
        toy_push(p.b->transport, theirs);
        test_run_until(w, late->hello);
        a = then_new(p.a, told, 0, 5000);
        b = then_new(p.a, told, 5000, 0);
        test_spin(w, 20);
        assert_int_equal(*told, 0);
        if (aborts) {
            act_abort(p.a);
            assert_lost(w, p.a, NULL, RONDO_ECANCELED);
            test_run_until(w, p.b->lost);
        } else {
            assert_ok(rondo_layer_ready(late->layer));
            assert_received(p.b, 5000);
            rondo_transport_close(p.a->transport);
            test_run_until(w, p.a->lost && p.b->lost);
        }
        then_ends(a, aborts ? RONDO_ECANCELED : 5000);
        then_ends(b, aborts ? RONDO_ECANCELED : 0);
    }
}

static int refuse_write(rondo_layer *layer, void *self, const void *data,
                        size_t size)
{
    (void)layer;
    (void)self;
    (void)data;
    (void)size;
    return rondo_set_error(RONDO_EPROTO, "not now");
}

TEST(S17_a_filter_that_refuses_is_the_calls_error)
{
    static const rondo_filter refuses = {.write = refuse_write};
    struct peer *p = plain_peer(w, &recorder, 0);
    struct lent *n = lend(p, test_counter(w), 0, 10);

    assert_ok(
        rondo_transport_push_filter(p->transport, &refuses, NULL, NULL, NULL));
    test_spin(w, 2);
    assert_error(then_write(n), RONDO_EPROTO);
    assert_lost(w, p, NULL, RONDO_EPROTO);
    assert_int_equal(n->call.calls, 0);
}

/* ---- S17: after a fork --------------------------------------------------- */

TEST(S17_a_forked_childs_end_is_its_own)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct lent *n = then_new(p, test_counter(w), 0, LARGE);

    test_close_in_child(w);
    assert_int_equal(n->call.calls, 0);
    peer_finish(p, LARGE);
    then_ends(n, LARGE);
}
