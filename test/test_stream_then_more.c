/* test_stream_then_more.c - the same with files, filters and forks. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"
#include "harness_lent.h"

enum { SMALL = 8192, LARGE = 1 << 20 };

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
    struct lent *n = lent_write(p, test_counter(w), 0, LARGE);
    struct call *file =
        call_sendfile(p, call_kept_file(w, 3 * LARGE), LARGE, LARGE);

    file->then = told_before;
    file->user = n;
    peer_finish(p, 2 * LARGE);
    lent_ends(n, LARGE);
    assert_int_equal(file->result, LARGE);
}

/* ---- S17: under filters -------------------------------------------------- */

TEST(S17_under_filters_what_they_have_sent_has_left)
{
    struct toy_pair p = toy_pair_ready(w, SMALL);
    unsigned *told = test_counter(w);
    struct lent *a, *b, *c;

    rondo_transport_pause_reading(p.b->transport);
    a = lent_write(p.a, told, 0, LARGE);
    b = lent_write(p.a, told, LARGE, 0);
    c = lent_write(p.a, told, LARGE, 1000);
    (void)test_settle(w, p.a);
    assert_int_equal(*told, 0);
    rondo_transport_resume_reading(p.b->transport);
    assert_received(p.b, LARGE + 1000);
    rondo_transport_close(p.a->transport);
    test_run_until(w, p.a->lost && p.b->lost);
    lent_ends(a, LARGE);
    lent_ends(b, 0);
    lent_ends(c, 1000);
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
        a = lent_write(p.a, told, 0, 5000);
        b = lent_write(p.a, told, 5000, 0);
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
        lent_ends(a, aborts ? RONDO_ECANCELED : 5000);
        lent_ends(b, aborts ? RONDO_ECANCELED : 0);
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
    struct lent *n = lent_new(p, test_counter(w), 0, 10);

    assert_ok(
        rondo_transport_push_filter(p->transport, &refuses, NULL, NULL, NULL));
    test_spin(w, 2);
    assert_error(lent_try(n), RONDO_EPROTO);
    assert_lost(w, p, NULL, RONDO_EPROTO);
    assert_int_equal(n->call.calls, 0);
}

/* ---- S17: after a fork --------------------------------------------------- */

TEST(S17_a_forked_childs_end_is_its_own)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct lent *n = lent_write(p, test_counter(w), 0, LARGE);

    test_close_in_child(w);
    assert_int_equal(n->call.calls, 0);
    peer_finish(p, LARGE);
    lent_ends(n, LARGE);
}
