/* test_tls_then.c - writes, ends and drains through TLS that say when. */
/* SPDX-License-Identifier: MIT */
#include "harness_lent.h"
#include "tls_world.h"

enum { SMALL = 8192, LARGE = 1 << 20 };

static void close_both(struct tls_peers *x)
{
    struct world *w = x->a->w;

    rondo_transport_close(x->a->transport);
    test_run_until(w, x->a->lost && x->b->lost);
}

/* ---- S17: write_then ----------------------------------------------------- */

TEST(S17_tls_told_once_its_records_have_left)
{
    struct tls_peers x = tls_peers(w, SMALL);
    unsigned *told = test_counter(w);
    struct lent *large, *none, *small;

    rondo_transport_pause_reading(x.b->transport);
    large = lent_write(x.a, told, 0, LARGE);
    none = lent_write(x.a, told, LARGE, 0);
    small = lent_write(x.a, told, LARGE, 1000);
    (void)test_settle(w, x.a);
    assert_int_equal(*told, 0); /* nobody reads: it cannot have left */
    rondo_transport_resume_reading(x.b->transport);
    assert_received(x.b, LARGE + 1000);
    close_both(&x);
    lent_ends(large, LARGE);
    lent_ends(none, 0);
    lent_ends(small, 1000);
    assert_true(large->place < none->place && none->place < small->place);
}

TEST(S17_tls_what_leaves_at_once)
{
    struct tls_peers x = tls_peers(w, 0);
    struct lent *n = lent_write(x.a, test_counter(w), 0, 1000);

    test_run_until(w, n->call.calls);
    assert_received(x.b, 1000);
    close_both(&x);
    lent_ends(n, 1000);
}

/* What is written before the handshake waits for it, lent. */
TEST(S17_tls_before_the_handshake)
{
    struct tls_pair tls = tls_pair(w, "valid");
    struct tls_peers x = {tls, test_peer(w), test_peer(w)};
    unsigned *told = test_counter(w);
    struct lent *n;
    raw_fd fds[2];

    assert_int_equal(raw_pair_small(fds, 0), 0);
    test_adopt(w, fds[0], &recorder, x.a);
    tls_start_client(x.a, tls.client);
    n = lent_write(x.a, told, 0, 5000);
    test_spin(w, 20);
    assert_int_equal(*told, 0); /* the other side is not there yet */
    test_adopt(w, fds[1], &recorder, x.b);
    tls_start_server(x.b, tls.server);
    assert_received(x.b, 5000);
    close_both(&x);
    lent_ends(n, 5000);
}

TEST(S17_tls_dropped_by_an_abort)
{
    struct tls_peers x = tls_peers(w, SMALL);
    struct lent *n;

    rondo_transport_pause_reading(x.b->transport);
    n = lent_write(x.a, test_counter(w), 0, LARGE);
    (void)test_settle(w, x.a);
    rondo_transport_abort(x.a->transport);
    assert_lost(w, x.a, NULL, RONDO_ECANCELED);
    lent_ends(n, RONDO_ECANCELED);
    rondo_transport_resume_reading(x.b->transport);
    test_run_until(w, x.b->lost);
    assert_true(x.b->bytes < LARGE);
}

/* ---- S19: shutdown ------------------------------------------------------- */

static void told_after(struct call *c, rondo_loop *loop)
{
    const struct lent *n = c->user;

    (void)loop;
    assert_int_equal(n->call.calls, 1);
    assert_int_equal(n->p->lost, 0);
}

/* The end is told behind the writes, and the other direction goes on. */
TEST(S19_tls_shutdown_leaves_behind_the_writes)
{
    struct tls_peers x = tls_peers(w, SMALL);
    struct call *c = call_new(w);
    struct lent *n, *answer;

    x.b->keep_open = true;
    rondo_transport_pause_reading(x.b->transport);
    n = lent_write(x.a, test_counter(w), 0, LARGE);
    c->then = told_after;
    c->user = n;
    assert_ok(rondo_transport_shutdown(x.a->transport, call_done, c));
    (void)test_settle(w, x.a);
    assert_int_equal(c->calls, 0);
    rondo_transport_resume_reading(x.b->transport);
    test_run_until(w, x.b->eof && c->calls);
    assert_int_equal(c->result, 0);
    assert_int_equal(x.b->bytes, LARGE);
    answer = lent_write(x.b, test_counter(w), 0, 5000);
    assert_received(x.a, 5000);
    rondo_transport_close(x.b->transport);
    test_run_until(w, x.a->lost && x.b->lost);
    lent_ends(n, LARGE);
    lent_ends(answer, 5000);
    assert_int_equal(x.a->error, 0);
    assert_int_equal(x.b->error, 0);
}

TEST(S19_tls_shutdown_of_an_aborted_connection)
{
    struct tls_peers x = tls_peers(w, SMALL);
    struct call *c = call_new(w);

    rondo_transport_pause_reading(x.b->transport);
    (void)peer_write(x.a, 0, LARGE);
    assert_ok(rondo_transport_shutdown(x.a->transport, call_done, c));
    (void)test_settle(w, x.a);
    rondo_transport_abort(x.a->transport);
    assert_lost(w, x.a, NULL, RONDO_ECANCELED);
    assert_int_equal(c->calls, 1);
    assert_int_equal(c->result, RONDO_ECANCELED);
    rondo_transport_resume_reading(x.b->transport);
    test_run_until(w, x.b->lost);
}

/* ---- S20: drain ---------------------------------------------------------- */

TEST(S20_tls_drain_waits_for_the_records)
{
    struct tls_peers x = tls_peers(w, SMALL);
    struct call *empty = call_new(w), *half = call_new(w);

    rondo_transport_pause_reading(x.b->transport);
    (void)peer_write(x.a, 0, LARGE);
    assert_true(peer_buffered(x.a) > LARGE / 2);
    empty->id = rondo_transport_drain(x.a->transport, 0, call_done, empty);
    half->id =
        rondo_transport_drain(x.a->transport, LARGE / 2, call_done, half);
    assert_true(empty->id > 0 && half->id > 0);
    (void)test_settle(w, x.a);
    assert_int_equal(empty->calls + half->calls, 0);
    rondo_transport_resume_reading(x.b->transport);
    test_run_until(w, half->calls);
    assert_true(peer_buffered(x.a) <= LARGE / 2);
    test_run_until(w, empty->calls);
    assert_int_equal(peer_buffered(x.a), 0);
    assert_int_equal(half->result, 0);
    assert_int_equal(empty->result, 0);
    assert_received(x.b, LARGE);
    close_both(&x);
}
