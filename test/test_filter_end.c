/* test_filter_end.c - goodbyes, deadlines, truncations, resets. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"
#include "raw_net.h"

/* a transport with a ready filter, and the plain socket at its other end */
static raw_fd ready_peer(struct world *w, struct peer *p, struct toy *y,
                         int buffer_bytes)
{
    unsigned char hello[2];
    raw_fd fd = test_raw_peer(w, &recorder, p, buffer_bytes);

    toy_push(p->transport, y);
    toy_raw_hello(fd, 1);
    test_run_until(w, y->done);
    toy_raw_take(w, fd, hello, 2);
    return fd;
}

TEST(S13_close_says_goodbye_behind_the_data)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fd = ready_peer(w, p, y, 0);
    unsigned char got[6];

    assert_ok(rondo_transport_write(p->transport, "x", 1));
    rondo_transport_close(p->transport);
    assert_error(rondo_transport_write(p->transport, "y", 1), RONDO_ECLOSED);
    assert_int_equal(y->goodbyes, 0); /* not inside the call */
    test_run_until(w, p->lost);
    toy_raw_take(w, fd, got, 5);
    assert_memory_equal(got, "\0\1\177\0\0", 5);
    assert_int_equal(raw_recv(fd, got, 1, 1000), 0);
    assert_int_equal(p->error, 0);
    raw_close(fd);
}

/* also where much is queued */
TEST(S13_close_sends_what_is_queued_and_the_goodbye)
{
    struct toy_pair p = toy_pair(w, 8192);
    uint64_t sent;

    test_run_until(w, p.a->made && p.b->made);
    sent = test_fill_transport(w, p.a);
    rondo_transport_close(p.a->transport);
    test_run_until(w, p.b->lost && p.a->lost);
    assert_int_equal(p.b->bytes, sent);
    assert_true(p.b->checksum == test_pattern_checksum(sent));
    assert_true(p.yb->goodbye);
    assert_int_equal(p.a->error, 0);
    assert_int_equal(p.b->error, 0);
}

TEST(S13_abort_says_nothing)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fd = ready_peer(w, p, y, 0);
    char byte;

    rondo_transport_abort_with(p->transport, RONDO_EACCES);
    assert_lost(w, p, NULL, RONDO_EACCES);
    assert_int_equal(y->error, RONDO_EACCES);
    assert_int_equal(y->goodbyes, 0);
    assert_int_equal(raw_recv(fd, &byte, 1, 1000), RAW_RESET);
    raw_close(fd);
}

TEST(S13_a_goodbye_has_a_deadline)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fd = ready_peer(w, p, y, 8192);
    uint64_t sent = test_fill_transport(w, p);
    size_t left = test_settle(w, p);

    assert_true(sent > 0 && left > 0);
    rondo_transport_close(p->transport);
    test_run_until(w, y->goodbyes);
    if (!raw_advance_clock(25))
        test_skip(w, "the clock cannot be set ahead here");
    test_spin(w, 20);
    assert_int_equal(p->lost, 0);
    /* the kernel may have taken a last byte meanwhile, which moves it */
    for (int i = 0; i < 20 && !p->lost; i++) {
        assert_true(raw_advance_clock(i ? 31 : 6));
        test_spin(w, 20);
    }
    assert_int_equal(p->lost, 1);
    assert_int_equal(p->error, RONDO_ETIMEDOUT);
    assert_int_equal(p->timeouts, 0);
    raw_close(fd);
}

/* a peer that takes its time is not cut off */
TEST(S13_the_deadline_moves_while_bytes_leave)
{
    enum { MUCH = 1000000 };
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fd = ready_peer(w, p, y, 8192);
    unsigned char got[10000], *much = test_alloc(w, MUCH);
    size_t before;
    ptrdiff_t n;

    assert_int_equal(rondo_transport_write(p->transport, much, MUCH), 1);
    rondo_transport_close(p->transport);
    test_run_until(w, y->goodbyes);
    for (int i = 0; i < 3; i++) {
        before = test_settle(w, p);
        while (rondo_transport_get_write_buffer_size(p->transport) == before) {
            test_run_until(w,
                           (n = raw_recv(fd, got, sizeof got, 0)) != RAW_AGAIN);
            assert_true(n > 0);
            test_spin(w, 2);
        }
        if (!raw_advance_clock(31))
            test_skip(w, "the clock cannot be set ahead here");
        test_spin(w, 20);
        assert_int_equal(p->lost, 0);
    }
    while ((n = raw_recv(fd, got, sizeof got, 0)) != 0) {
        assert_true(n > 0 || n == RAW_AGAIN);
        test_spin(w, 1);
    }
    assert_lost(w, p, NULL, 0);
    raw_close(fd);
}

TEST(S13_an_end_without_goodbye_is_the_filters_error)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fd = ready_peer(w, p, y, 0);

    toy_raw_send(fd, 1, "part", 4);
    raw_shutdown_write(fd);
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MdL"); /* no eof_received */
    assert_int_equal(p->error, RONDO_ECONNRESET);
    assert_int_equal(y->error, RONDO_ECONNRESET);
    assert_non_null(strstr(p->last_error, "toy: the end, and no goodbye"));
    assert_non_null(strstr(y->last_error, "toy: the end, and no goodbye"));
    raw_close(fd);
}

TEST(S13_a_reset_comes_through)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fd = ready_peer(w, p, y, 0);

    raw_reset(fd);
    assert_lost(w, p, NULL, RONDO_ECONNRESET);
    assert_int_equal(y->error, RONDO_ECONNRESET);
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
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fd = ready_peer(w, p, y, 0);

    y->on_received = lose_words;
    toy_raw_send(fd, 1, "x", 1);
    assert_lost(w, p, NULL, RONDO_EPROTO);
    assert_null(strstr(p->last_error, "mind"));
    assert_non_null(strstr(p->last_error, "EPROTO"));
    raw_close(fd);
}

/* a write that meets the reset: what came before is still delivered */
TEST(S6_a_failed_write_first_delivers_what_came)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fd = ready_peer(w, p, y, 0);
    int result = 0;

    toy_raw_send(fd, 1, "last", 4);
    toy_raw_goodbye(fd);
    raw_close(fd);
    for (int i = 0; i < 1000 && result >= 0; i++) {
        result = rondo_transport_write(p->transport, "x", 1);
        raw_yield();
    }
    test_run_until(w, p->lost);
    assert_int_equal(p->bytes, 4);
    if (result < 0)
        assert_int_equal(result, RONDO_ECONNRESET);
}

TEST(S6_write_eof_and_receive)
{
    struct toy_pair p = toy_pair(w, 0);
    unsigned char bytes[50000];

    test_fill(bytes, 0, sizeof bytes);
    p.b->keep_open = true;
    test_run_until(w, p.a->made && p.b->made);
    assert_ok(rondo_transport_write(p.a->transport, "question", 8));
    assert_ok(rondo_transport_write_eof(p.a->transport));
    assert_ok(rondo_transport_write_eof(p.a->transport));
    assert_error(rondo_transport_write(p.a->transport, "x", 1), RONDO_EPIPE);
    test_run_until(w, p.b->eof);
    assert_int_equal(p.b->bytes, 8);
    assert_ok(rondo_transport_write(p.b->transport, bytes, sizeof bytes));
    assert_ok(rondo_transport_write_eof(p.b->transport));
    test_run_until(w, p.a->lost && p.b->lost);
    assert_int_equal(p.a->bytes, sizeof bytes);
    assert_true(p.a->checksum == test_pattern_checksum(sizeof bytes));
    assert_string_equal(p.a->order, "MdEL");
    assert_int_equal(p.a->error + p.b->error, 0);
    assert_int_equal(p.ya->goodbyes + p.yb->goodbyes, 2);
}

/* what it sends of itself behind its goodbye is refused, and harmless */
TEST_LEAVES(S13_no_bytes_behind_the_end)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fd = ready_peer(w, p, y, 0);

    p->keep_open = true;
    assert_ok(rondo_transport_write_eof(p->transport));
    test_run_until(w, y->goodbyes);
    test_spin(w, 3);
    assert_error(rondo_layer_send(y->layer, "x", 1), RONDO_EPIPE);
    toy_raw_send(fd, 1, "more", 4);
    test_run_until(w, p->bytes == 4);
    raw_close(fd);
}

TEST(L5_closing_the_loop_ends_filters)
{
    struct toy_pair p = toy_pair(w, 0), q = toy_pair(w, 0);

    q.ya->late = true;
    test_run_until(w, p.a->made && p.b->made);
    test_run_until(w, q.ya->hello);
    test_close_loop(w);
    assert_int_equal(p.ya->error, RONDO_ECANCELED);
    assert_int_equal(p.a->error, RONDO_ECANCELED);
    assert_int_equal(q.ya->result, RONDO_ECANCELED);
    assert_int_equal(p.ya->lost + p.yb->lost + q.ya->lost + q.yb->lost, 4);
    assert_int_equal(p.ya->goodbyes, 0);
}
