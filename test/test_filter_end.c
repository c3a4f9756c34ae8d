/* test_filter_end.c - goodbyes, deadlines, truncations, resets. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"

TEST(S13_close_says_goodbye_behind_the_data)
{
    struct toy_side s = toy_side_ready(w, 0);

    assert_ok(rondo_transport_write(s.p->transport, "x", 1));
    rondo_transport_close(s.p->transport);
    assert_error(rondo_transport_write(s.p->transport, "y", 1), RONDO_ECLOSED);
    assert_int_equal(s.y->goodbyes, 0); /* not inside the call */
    toy_raw_hears(w, s.fd, "\0\1\177\0\0", 5);
    raw_shutdown_write(s.fd); /* it is not waited for */
    assert_lost(w, s.p, NULL, 0);
    toy_raw_ends(s.fd);
}

/* also where much is queued */
TEST(S13_close_sends_what_is_queued_and_the_goodbye)
{
    struct toy_pair p = toy_pair_ready(w, 8192);
    uint64_t sent = test_fill_transport(w, p.a);

    rondo_transport_close(p.a->transport);
    assert_lost(w, p.a, NULL, 0);
    assert_lost(w, p.b, NULL, 0);
    assert_received(p.b, sent);
    assert_true(p.yb->goodbye);
}

TEST(S13_abort_says_nothing)
{
    struct toy_side s = toy_side_ready(w, 0);
    char byte;

    rondo_transport_abort_with(s.p->transport, RONDO_EACCES);
    assert_lost(w, s.p, NULL, RONDO_EACCES);
    assert_int_equal(s.y->error, RONDO_EACCES);
    assert_int_equal(s.y->goodbyes, 0);
    assert_int_equal(raw_recv(s.fd, &byte, 1, 1000), RAW_RESET);
}

TEST(S13_a_goodbye_has_a_deadline)
{
    struct toy_side s = toy_side_ready(w, 8192);

    assert_true(test_fill_transport(w, s.p) > 0 && test_settle(w, s.p) > 0);
    rondo_transport_close(s.p->transport);
    test_run_until(w, s.y->goodbyes);
    test_advance_clock(w, 25);
    assert_int_equal(s.p->lost, 0);
    /* the kernel may have taken a last byte meanwhile, which moves it */
    for (int i = 0; i < 20 && !s.p->lost; i++) {
        assert_true(raw_advance_clock(i ? 31 : 6));
        test_spin(w, 20);
    }
    assert_int_equal(s.p->lost, 1);
    assert_int_equal(s.p->error, RONDO_ETIMEDOUT);
    assert_int_equal(s.p->timeouts, 0);
}

/* a peer that takes its time is not cut off */
TEST(S13_the_deadline_moves_while_bytes_leave)
{
    enum { MUCH = 1000000 };
    struct toy_side s = toy_side_ready(w, 8192);
    unsigned char got[10000], *much = test_alloc(w, MUCH);
    size_t before;
    ptrdiff_t n;

    assert_int_equal(rondo_transport_write(s.p->transport, much, MUCH), 1);
    rondo_transport_close(s.p->transport);
    test_run_until(w, s.y->goodbyes);
    for (int i = 0; i < 3; i++) {
        before = test_settle(w, s.p);
        while (peer_buffered(s.p) == before) {
            test_run_until(w, (n = raw_recv(s.fd, got, sizeof got, 0)) !=
                                  RAW_AGAIN);
            assert_true(n > 0);
            test_spin(w, 2);
        }
        test_advance_clock(w, 31);
        assert_int_equal(s.p->lost, 0);
    }
    while ((n = raw_recv(s.fd, got, sizeof got, 0)) != 0) {
        assert_true(n > 0 || n == RAW_AGAIN);
        test_spin(w, 1);
    }
    raw_shutdown_write(s.fd);
    assert_lost(w, s.p, NULL, 0);
}

TEST(S13_an_end_without_goodbye_is_the_filters_error)
{
    struct toy_side s = toy_side_ready(w, 0);

    toy_raw_send(s.fd, 1, "part", 4);
    raw_shutdown_write(s.fd);
    assert_lost(w, s.p, NULL, RONDO_ECONNRESET);
    assert_string_equal(s.p->order, "MdL"); /* no eof_received */
    assert_int_equal(s.y->error, RONDO_ECONNRESET);
    assert_non_null(strstr(s.p->last_error, "toy: the end, and no goodbye"));
    assert_non_null(strstr(s.y->last_error, "toy: the end, and no goodbye"));
}

TEST(S13_a_reset_comes_through)
{
    struct toy_side s = toy_side_ready(w, 0);

    raw_reset(test_disown(w, s.fd));
    assert_lost(w, s.p, NULL, RONDO_ECONNRESET);
    assert_int_equal(s.y->error, RONDO_ECONNRESET);
}

static void lose_words(struct toy *y)
{
    y->answer = rondo_set_error(RONDO_EPROTO, "never %s", "mind");
    assert_string_equal(rondo_last_error(), "never mind");
    assert_einval(rondo_set_error(0, "x"));
    assert_einval(rondo_set_error(RONDO_EPROTO, NULL));
}

/* words are for the error that they were set with, and only the last ones */
TEST(G1_an_error_without_words_has_the_usual_ones)
{
    struct toy_side s = toy_side_ready(w, 0);

    s.y->on_received = lose_words;
    toy_raw_send(s.fd, 1, "x", 1);
    assert_lost(w, s.p, NULL, RONDO_EPROTO);
    assert_null(strstr(s.p->last_error, "mind"));
    assert_non_null(strstr(s.p->last_error, "EPROTO"));
}

/* a write that meets the reset: what came before is still delivered */
TEST(S6_a_failed_write_first_delivers_what_came)
{
    struct toy_side s = toy_side_ready(w, 0);
    int result = 0;

    toy_raw_send(s.fd, 1, "last", 4);
    toy_raw_goodbye(s.fd);
    test_close_own(w, s.fd);
    for (int i = 0; i < 1000 && result >= 0; i++) {
        result = rondo_transport_write(s.p->transport, "x", 1);
        raw_yield();
    }
    test_run_until(w, s.p->lost);
    assert_int_equal(s.p->bytes, 4);
    if (result < 0)
        assert_int_equal(result, RONDO_ECONNRESET);
}

TEST(S6_write_eof_and_receive)
{
    struct toy_pair p = toy_pair_ready(w, 0);
    unsigned char bytes[50000];

    test_fill(bytes, 0, sizeof bytes);
    p.b->keep_open = true;
    assert_ok(rondo_transport_write(p.a->transport, "question", 8));
    assert_ok(rondo_transport_write_eof(p.a->transport));
    assert_ok(rondo_transport_write_eof(p.a->transport));
    assert_error(rondo_transport_write(p.a->transport, "x", 1), RONDO_EPIPE);
    test_run_until(w, p.b->eof);
    assert_int_equal(p.b->bytes, 8);
    assert_ok(rondo_transport_write(p.b->transport, bytes, sizeof bytes));
    assert_ok(rondo_transport_write_eof(p.b->transport));
    assert_lost(w, p.a, "MdEL", 0);
    assert_lost(w, p.b, NULL, 0);
    assert_received(p.a, sizeof bytes);
    assert_int_equal(p.ya->goodbyes + p.yb->goodbyes, 2);
}

/* what it sends of itself behind its goodbye is refused, and harmless */
TEST_LEAVES(S13_no_bytes_behind_the_end)
{
    struct toy_side s = toy_side_ready(w, 0);

    s.p->keep_open = true;
    assert_ok(rondo_transport_write_eof(s.p->transport));
    test_run_until(w, s.y->goodbyes);
    test_spin(w, 3);
    assert_error(rondo_layer_send(s.y->layer, "x", 1), RONDO_EPIPE);
    toy_raw_send(s.fd, 1, "more", 4);
    test_run_until(w, s.p->bytes == 4);
}

TEST(L5_closing_the_loop_ends_filters)
{
    struct toy_pair p = toy_pair_ready(w, 0), q = toy_pair(w, 0);

    q.ya->late = true;
    test_run_until(w, q.ya->hello);
    test_close_loop(w);
    assert_int_equal(p.ya->error, RONDO_ECLOSED);
    assert_int_equal(p.a->error, RONDO_ECLOSED);
    assert_int_equal(q.ya->result, RONDO_ECLOSED);
    assert_int_equal(p.ya->lost + p.yb->lost + q.ya->lost + q.yb->lost, 4);
    assert_int_equal(p.ya->goodbyes, 0);
}
