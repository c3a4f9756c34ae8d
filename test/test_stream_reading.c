/* test_stream_reading.c - pausing and resuming what is read. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

enum { SMALL = 8192 };

/* the plain socket sends the pattern until it would block: how much it was */
static size_t send_until_blocked(struct world *w, raw_fd fd)
{
    unsigned char piece[4096];
    size_t sent = 0;
    int blocked = 0;

    while (blocked < 20) { /* what blocks may be on its way yet */
        ptrdiff_t n;

        test_fill(piece, sent, sizeof piece);
        n = raw_send(fd, piece, sizeof piece);
        assert_true(n > 0 || n == RAW_AGAIN);
        blocked = n > 0 ? 0 : blocked + 1;
        sent += n > 0 ? (size_t)n : 0;
        assert_true(sent < 1000000);
        test_spin(w, 5);
    }
    return sent;
}

static void check_peer_blocks(struct world *w, const rondo_protocol *protocol)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, protocol, p, SMALL);
    size_t sent;

    act_pause(p);
    sent = send_until_blocked(w, fd);
    assert_int_equal(p->bytes, 0);
    assert_int_equal(p->buffers, 0);
    act_resume(p);
    test_run_until(w, p->bytes == sent);
    assert_true(p->checksum == test_pattern_checksum(sent));
    test_send_raw(w, fd, sent, 10);
    test_run_until(w, p->bytes == sent + 10);
    raw_close(fd);
}

TEST_CASE(S5_pause_holds_the_bytes_and_the_peer_blocks,
          check_peer_blocks(w, &recorder));

TEST_CASE(S5_pause_holds_the_bytes_of_a_buffered_one,
          check_peer_blocks(w, &buffered_recorder));

/* each resume lets exactly one callback through */
static void check_one_at_a_time(struct world *w, const rondo_protocol *protocol)
{
    enum { SIZE = 300000 };
    struct peer *p = test_peer(w);
    raw_fd fd;

    p->on_data = act_pause_in_data;
    p->on_updated = act_pause_in_updated;
    fd = test_raw_peer(w, protocol, p, 0);
    test_send_raw(w, fd, 0, SIZE);
    for (unsigned i = 1; p->bytes < SIZE; i++) {
        test_run_until(w, p->data + p->updates == i);
        assert_false(rondo_transport_is_reading(p->transport));
        test_spin(w, 20);
        assert_int_equal(p->data + p->updates, i);
        if (i == 1)
            assert_true(test_run_for(w, RONDO_MS(50)) <= 10);
        act_resume(p);
    }
    assert_true(p->checksum == test_pattern_checksum(SIZE));
    assert_true(p->data + p->updates > 2);
    raw_close(fd);
}

TEST_CASE(S5_pause_inside_data_received, check_one_at_a_time(w, &recorder));

TEST_CASE(S5_pause_inside_buffer_updated,
          check_one_at_a_time(w, &buffered_recorder));

TEST(S5_pause_and_resume_are_idempotent)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    assert_true(rondo_transport_is_reading(p->transport));
    act_resume(p);
    assert_true(rondo_transport_is_reading(p->transport));
    act_pause(p);
    act_pause(p);
    assert_false(rondo_transport_is_reading(p->transport));
    test_send_raw(w, fd, 0, 100);
    test_spin(w, 20);
    assert_int_equal(p->bytes, 0);
    act_resume(p);
    act_resume(p);
    assert_true(rondo_transport_is_reading(p->transport));
    test_run_until(w, p->bytes == 100);
    assert_einval(rondo_transport_pause_reading(NULL));
    assert_einval(rondo_transport_resume_reading(NULL));
    raw_close(fd);
}

TEST(S5_pause_and_resume_many_times_before_the_loop_runs)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    for (uint64_t i = 0; i < 100; i++) {
        test_send_raw(w, fd, i * 10, 10);
        act_pause(p);
        act_resume(p);
        act_pause(p);
        if (i % 2)
            test_spin(w, 1);
        assert_int_equal(p->bytes, i * 10);
        act_resume(p);
        test_run_until(w, p->bytes == (i + 1) * 10);
    }
    assert_true(p->checksum == test_pattern_checksum(1000));
    raw_close(fd);
}

static void both_are_harmless(struct peer *p)
{
    act_pause(p);
    act_resume(p);
    assert_false(rondo_transport_is_reading(p->transport));
}

TEST(S5_harmless_after_close_and_in_lost)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);

    (void)test_fill_transport(w, p);
    w->expect_clean = true;
    p->on_lost = both_are_harmless;
    test_send_raw(w, fd, 0, 100);
    rondo_transport_close(p->transport);
    both_are_harmless(p);
    test_spin(w, 20);
    assert_int_equal(p->bytes, 0);
    (void)test_drain_raw(w, fd, 0); /* may end with a reset: unread input */
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "ML");
    raw_close(fd);
}

static void resume_later(rondo_loop *loop, void *arg)
{
    struct peer *p = arg;

    (void)loop;
    act_resume(p);
}

TEST(S5_resume_from_elsewhere)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    act_pause(p);
    test_send_raw(w, fd, 0, 50);
    assert_ok(rondo_call_later(w->loop, RONDO_MS(1), resume_later, p));
    test_run_until(w, p->bytes == 50);
    raw_close(fd);
}

/* ---- S5: what happens while reading is paused --------------------------- */

/* A loop that something keeps waking makes thousands of iterations. */
static void check_idle(struct world *w)
{
    assert_true(test_run_for(w, RONDO_MS(50)) <= 10);
}

TEST(S5_a_reset_while_paused_costs_no_cpu)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    w->expect_clean = true;
    act_pause(p);
    test_spin(w, 5);
    raw_reset(fd);
    check_idle(w);
    assert_int_equal(p->lost, 0);
    act_resume(p);
    assert_int_equal(p->lost, 0);
    assert_lost(w, p, "ML", RONDO_ECONNRESET);
}

TEST(S5_a_reset_while_paused_arrives_at_the_next_write)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    w->expect_clean = true;
    act_pause(p);
    test_spin(w, 5);
    raw_reset(fd);
    check_idle(w);
    for (int i = 0; i < 3; i++)
        (void)rondo_transport_write(p->transport, "x", 1);
    assert_lost(w, p, "ML", RONDO_ECONNRESET);
}

/* the writer is watched, so this reset is seen at once */
TEST(S5_a_reset_while_paused_and_writing)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);

    w->expect_clean = true;
    act_pause(p);
    (void)test_fill_transport(w, p);
    raw_reset(fd);
    assert_lost(w, p, NULL, RONDO_ECONNRESET);
}

TEST(S5_an_eof_while_paused_costs_no_cpu)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    act_pause(p);
    test_spin(w, 5);
    test_send_raw(w, fd, 0, 100);
    raw_close(fd);
    check_idle(w);
    assert_string_equal(p->order, "M");
    act_resume(p);
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MdEL");
    assert_int_equal(p->bytes, 100);
    assert_int_equal(p->error, 0);
}

TEST(S5_a_paused_transport_can_be_closed)
{
    struct peer *a, *b;

    w->expect_clean = true;
    test_pair(w, &a, &b);
    act_pause(a);
    act_pause(b);
    test_spin(w, 5);
    rondo_transport_close(a->transport);
    rondo_transport_abort(b->transport);
    test_run_until(w, a->lost && b->lost);
    assert_int_equal(a->error, 0);
    assert_int_equal(b->error, RONDO_ECANCELED);
}

TEST(S5_an_idle_connection_does_not_wake_the_loop)
{
    struct peer *a, *b;

    test_pair(w, &a, &b);
    assert_ok(rondo_transport_write(a->transport, "x", 1));
    test_run_until(w, b->bytes == 1);
    check_idle(w);
    (void)test_fill_transport(w, a);
    act_pause(b);
    (void)test_settle(w, a);
    check_idle(w); /* waiting to write */
}
