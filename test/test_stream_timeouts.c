/* test_stream_timeouts.c - read and write timeouts of a stream. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

enum { SMALL = 8192 };

TEST(S11_read_timeout_ends_the_connection)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    peer_set_timeouts(p, RONDO_MS(10), 0);
    assert_lost(w, p, "MTL", RONDO_ETIMEDOUT);
    assert_int_equal(p->direction, RONDO_READING);
    assert_non_null(strstr(p->last_error, "ETIMEDOUT"));
    assert_int_equal(plain_drain(p), RAW_RESET);
}

TEST(S11_without_timed_out_it_ends_too)
{
    static rondo_protocol without;
    struct peer *p;

    without = recorder;
    without.timed_out = NULL;
    p = plain_peer(w, &without, 0);
    peer_set_timeouts(p, RONDO_MS(10), 0);
    assert_lost(w, p, "ML", RONDO_ETIMEDOUT);
}

TEST(S11_true_goes_on)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    p->go_on = true;
    peer_set_timeouts(p, RONDO_MS(5), 0);
    test_run_until(w, p->timeouts == 3);
    plain_send_pattern(p, 0, 10);
    test_run_until(w, p->bytes == 10);
    p->go_on = false;
    assert_lost(w, p, NULL, RONDO_ETIMEDOUT);
}

static void check_gap(struct peer *p)
{
    int64_t *last = p->user;
    int64_t now = rondo_loop_iteration_time(p->w->loop);

    assert_true(now - *last >= RONDO_MS(10));
    *last = now;
}

TEST_LEAVES(S11_true_starts_the_time_again)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    int64_t *last = test_alloc(w, sizeof *last);

    p->go_on = true;
    p->user = last;
    p->on_timeout = check_gap;
    *last = rondo_loop_time(w->loop);
    peer_set_timeouts(p, RONDO_MS(10), 0);
    test_run_until(w, p->timeouts == 4);
    (void)test_fill_transport(w, p);
    *last = rondo_loop_time(w->loop);
    peer_set_timeouts(p, 0, RONDO_MS(10));
    test_run_until(w, p->timeouts == 8);
}

/* the loop's clock says that the time was really over */
TEST_LEAVES(S11_never_early)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    int64_t start = rondo_loop_time(w->loop);

    peer_set_timeouts(p, RONDO_MS(30), 0);
    test_run_until(w, p->timeouts == 1);
    assert_true(rondo_loop_time(w->loop) - start >= RONDO_MS(30));
}

/* the gaps are ten times shorter than the timeout */
TEST_LEAVES(S11_each_byte_starts_the_read_time_again)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    int64_t gap = RONDO_MS(100) * test_slowness();

    peer_set_timeouts(p, gap * 10, 0);
    for (uint64_t i = 1; i <= 11; i++) {
        (void)test_run_for(w, gap);
        plain_send_pattern(p, i - 1, 1);
        test_run_until(w, p->bytes == i);
    }
    assert_string_equal(p->order, "Md");
}

TEST(S11_read_time_stops_while_paused)
{
    for (int set_first = 0; set_first < 2; set_first++) {
        struct peer *p = plain_peer(w, &recorder, 0);
        int64_t resumed;

        if (set_first)
            peer_set_timeouts(p, RONDO_MS(20), 0);
        act_pause(p);
        if (!set_first)
            peer_set_timeouts(p, RONDO_MS(20), 0);
        (void)test_run_for(w, RONDO_MS(100));
        assert_string_equal(p->order, "M");
        resumed = rondo_loop_iteration_time(w->loop);
        act_resume(p);
        assert_lost(w, p, "MTL", RONDO_ETIMEDOUT);
        assert_true(rondo_loop_time(w->loop) - resumed >= RONDO_MS(20));
    }
}

TEST(S11_write_time_runs_only_with_something_to_send)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    peer_set_timeouts(p, 0, RONDO_MS(10));
    (void)test_run_for(w, RONDO_MS(100));
    assert_string_equal(p->order, "M");
    (void)test_fill_transport(w, p);
    assert_lost(w, p, NULL, RONDO_ETIMEDOUT);
    assert_int_equal(p->timeouts, 1);
    assert_int_equal(p->direction, RONDO_WRITING);
}

TEST_LEAVES(S11_write_time_ends_with_the_buffer)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    uint64_t sent = test_fill_transport(w, p);

    peer_set_timeouts(p, 0, RONDO_MS(200) * test_slowness());
    plain_takes(p, 0, sent);
    (void)test_run_for(w, RONDO_MS(300) * test_slowness());
    assert_int_equal(p->timeouts, 0);
    assert_int_equal(p->lost, 0);
}

TEST(S11_write_time_runs_during_close)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    (void)test_fill_transport(w, p);
    rondo_transport_close(p->transport);
    peer_set_timeouts(p, RONDO_MS(1), RONDO_MS(10));
    p->go_on = true;
    test_run_until(w, p->timeouts == 2); /* not of reading: that is over */
    assert_int_equal(p->direction, RONDO_WRITING);
    p->go_on = false;
    assert_lost(w, p, NULL, RONDO_ETIMEDOUT);
}

static void note_direction(struct peer *p)
{
    unsigned *seen = p->user;

    *seen |= p->direction;
}

TEST_LEAVES(S11_both_directions_at_once)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    unsigned *seen = test_alloc(w, sizeof *seen);

    p->user = seen;
    p->on_timeout = note_direction;
    p->go_on = true;
    (void)test_fill_transport(w, p);
    peer_set_timeouts(p, RONDO_MS(5), RONDO_MS(7));
    test_run_until(w, *seen == (RONDO_READING | RONDO_WRITING));
    peer_set_timeouts(p, 0, 0);
    test_spin(w, 5);
    p->timeouts = 0;
    (void)test_run_for(w, RONDO_MS(50));
    assert_int_equal(p->timeouts, 0); /* taken back */
}

TEST_LEAVES(S11_none_and_never)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    (void)test_fill_transport(w, p);
    peer_set_timeouts(p, RONDO_MS(1), RONDO_MS(1));
    peer_set_timeouts(p, RONDO_NEVER, RONDO_NEVER);
    (void)test_run_for(w, RONDO_MS(30));
    peer_set_timeouts(p, RONDO_NEVER - 1, RONDO_NEVER - 1);
    assert_true(test_run_for(w, RONDO_MS(30)) <= 10);
    peer_set_timeouts(p, 0, 0);
    (void)test_run_for(w, RONDO_MS(30));
    assert_string_equal(p->order, "M");
}

TEST_LEAVES(S11_a_million_resets_cost_no_allocation)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    uint64_t before;
    size_t live;

    peer_set_timeouts(p, RONDO_SEC(100), RONDO_SEC(100));
    test_spin(w, 2);
    before = test_allocations(w);
    live = test_live_bytes(w);
    for (int i = 0; i < 1000000; i++) {
        peer_set_timeouts(p, RONDO_SEC(100) + i % 1000, RONDO_SEC(100));
        if (i % 1000 == 0)
            test_spin(w, 1);
    }
    assert_int_equal(test_allocations(w) - before, 0);
    assert_int_equal(test_live_bytes(w), live);
}

TEST_LEAVES(S11_messages_with_timeouts_cost_no_allocation)
{
    struct peer *a, *b;
    uint64_t before = 0;

    test_pair(w, &a, &b);
    a->on_data = b->on_data = act_echo;
    peer_set_timeouts(a, RONDO_SEC(100), RONDO_SEC(100));
    peer_set_timeouts(b, RONDO_SEC(100), RONDO_SEC(100));
    assert_ok(rondo_transport_write(a->transport, "ping", 4));
    test_run_until(w, a->bytes >= 400);
    before = test_allocations(w);
    test_run_until(w, a->bytes >= 40000);
    assert_int_equal(test_allocations(w) - before, 0);
}

TEST(S11_closing_and_aborting_inside_timed_out)
{
    for (int i = 0; i < 2; i++) {
        struct peer *p = plain_peer(w, &recorder, 0);

        p->go_on = true;
        p->on_timeout = i ? act_abort : act_close;
        peer_set_timeouts(p, RONDO_MS(5), RONDO_MS(5));
        assert_lost(w, p, "MTL", i ? RONDO_ECANCELED : 0);
    }
}
