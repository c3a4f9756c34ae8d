/* test_stream_timeouts.c - read and write timeouts of a stream. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

enum { SMALL = 8192 };

static void set_timeouts(struct peer *p, int64_t read_ns, int64_t write_ns)
{
    assert_ok(rondo_transport_set_timeouts(p->transport, read_ns, write_ns));
}

TEST(S11_read_timeout_ends_the_connection)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    w->expect_clean = true;
    set_timeouts(p, RONDO_MS(10), 0);
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MTL");
    assert_int_equal(p->direction, RONDO_READING);
    assert_int_equal(p->error, RONDO_ETIMEDOUT);
    assert_non_null(strstr(p->last_error, "ETIMEDOUT"));
    assert_int_equal(test_drain_raw(w, fd, 0), RAW_RESET);
    raw_close(fd);
}

TEST(S11_without_timed_out_it_ends_too)
{
    static rondo_protocol without;
    struct peer *p = test_peer(w);
    raw_fd fd;

    without = recorder;
    without.timed_out = NULL;
    fd = test_raw_peer(w, &without, p, 0);
    set_timeouts(p, RONDO_MS(10), 0);
    assert_lost(w, p, "ML", RONDO_ETIMEDOUT);
    raw_close(fd);
}

TEST(S11_true_goes_on)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    p->go_on = true;
    set_timeouts(p, RONDO_MS(5), 0);
    test_run_until(w, p->timeouts == 3);
    test_send_raw(w, fd, 0, 10);
    test_run_until(w, p->bytes == 10);
    p->go_on = false;
    assert_lost(w, p, NULL, RONDO_ETIMEDOUT);
    raw_close(fd);
}

static void check_gap(struct peer *p)
{
    int64_t *last = p->user;
    int64_t now = rondo_loop_iteration_time(p->w->loop);

    assert_true(now - *last >= RONDO_MS(10));
    *last = now;
}

TEST(S11_true_starts_the_time_again)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    int64_t *last = test_alloc(w, sizeof *last);

    p->go_on = true;
    p->user = last;
    p->on_timeout = check_gap;
    *last = rondo_loop_time(w->loop);
    set_timeouts(p, RONDO_MS(10), 0);
    test_run_until(w, p->timeouts == 4);
    (void)test_fill_transport(w, p);
    *last = rondo_loop_time(w->loop);
    set_timeouts(p, 0, RONDO_MS(10));
    test_run_until(w, p->timeouts == 8);
    raw_close(fd);
}

/* the loop's clock says that the time was really over */
TEST(S11_never_early)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    int64_t start = rondo_loop_time(w->loop);

    set_timeouts(p, RONDO_MS(30), 0);
    test_run_until(w, p->timeouts == 1);
    assert_true(rondo_loop_time(w->loop) - start >= RONDO_MS(30));
    raw_close(fd);
}

/* the gaps are ten times shorter than the timeout */
TEST(S11_each_byte_starts_the_read_time_again)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    int64_t gap = RONDO_MS(20) * test_slowness();

    set_timeouts(p, gap * 10, 0);
    for (uint64_t i = 1; i <= 15; i++) {
        (void)test_run_for(w, gap);
        test_send_raw(w, fd, i - 1, 1);
        test_run_until(w, p->bytes == i);
    }
    assert_string_equal(p->order, "Md");
    raw_close(fd);
}

TEST(S11_read_time_stops_while_paused)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    int64_t resumed;

    set_timeouts(p, RONDO_MS(20), 0);
    assert_ok(rondo_transport_pause_reading(p->transport));
    (void)test_run_for(w, RONDO_MS(100));
    assert_string_equal(p->order, "M");
    resumed = rondo_loop_iteration_time(w->loop);
    assert_ok(rondo_transport_resume_reading(p->transport));
    test_run_until(w, p->lost);
    assert_true(rondo_loop_time(w->loop) - resumed >= RONDO_MS(20));
    assert_string_equal(p->order, "MTL");
    raw_close(fd);
}

TEST(S11_set_while_paused)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    assert_ok(rondo_transport_pause_reading(p->transport));
    set_timeouts(p, RONDO_MS(5), 0);
    (void)test_run_for(w, RONDO_MS(50));
    assert_int_equal(p->timeouts, 0);
    assert_ok(rondo_transport_resume_reading(p->transport));
    test_run_until(w, p->timeouts == 1);
    raw_close(fd);
}

TEST(S11_write_time_runs_only_with_something_to_send)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);

    set_timeouts(p, 0, RONDO_MS(10));
    (void)test_run_for(w, RONDO_MS(100));
    assert_string_equal(p->order, "M");
    (void)test_fill_transport(w, p);
    test_run_until(w, p->lost);
    assert_int_equal(p->timeouts, 1);
    assert_int_equal(p->direction, RONDO_WRITING);
    assert_int_equal(p->error, RONDO_ETIMEDOUT);
    raw_close(fd);
}

TEST(S11_write_time_ends_with_the_buffer)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    uint64_t sent = test_fill_transport(w, p);
    uint64_t at = 0;
    unsigned char got[4096];
    ptrdiff_t n = 0;

    set_timeouts(p, 0, RONDO_MS(200) * test_slowness());
    while (at < sent) {
        test_run_until(w, (n = raw_recv(fd, got, sizeof got, 0)) > 0);
        assert_true(test_matches(got, at, (size_t)n));
        at += (uint64_t)n;
    }
    (void)test_run_for(w, RONDO_MS(300) * test_slowness());
    assert_int_equal(p->timeouts, 0);
    assert_int_equal(p->lost, 0);
    raw_close(fd);
}

TEST(S11_write_time_runs_during_close)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);

    (void)test_fill_transport(w, p);
    rondo_transport_close(p->transport);
    set_timeouts(p, RONDO_MS(1), RONDO_MS(10));
    p->go_on = true;
    test_run_until(w, p->timeouts == 2); /* not of reading: that is over */
    assert_int_equal(p->direction, RONDO_WRITING);
    p->go_on = false;
    assert_lost(w, p, NULL, RONDO_ETIMEDOUT);
    raw_close(fd);
}

static void note_direction(struct peer *p)
{
    unsigned *seen = p->user;

    *seen |= p->direction;
}

TEST(S11_both_directions_at_once)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    unsigned *seen = test_alloc(w, sizeof *seen);

    p->user = seen;
    p->on_timeout = note_direction;
    p->go_on = true;
    (void)test_fill_transport(w, p);
    set_timeouts(p, RONDO_MS(5), RONDO_MS(7));
    test_run_until(w, *seen == (RONDO_READING | RONDO_WRITING));
    set_timeouts(p, 0, 0);
    test_spin(w, 5);
    p->timeouts = 0;
    (void)test_run_for(w, RONDO_MS(50));
    assert_int_equal(p->timeouts, 0); /* taken back */
    raw_close(fd);
}

TEST(S11_none_and_never)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);

    (void)test_fill_transport(w, p);
    set_timeouts(p, RONDO_MS(1), RONDO_MS(1));
    set_timeouts(p, RONDO_NEVER, RONDO_NEVER);
    (void)test_run_for(w, RONDO_MS(30));
    set_timeouts(p, RONDO_NEVER - 1, RONDO_NEVER - 1);
    assert_true(test_run_for(w, RONDO_MS(30)) <= 10);
    set_timeouts(p, 0, 0);
    (void)test_run_for(w, RONDO_MS(30));
    assert_string_equal(p->order, "M");
    assert_einval(rondo_transport_set_timeouts(p->transport, -1, 0));
    assert_einval(rondo_transport_set_timeouts(p->transport, 0, INT64_MIN));
    assert_einval(rondo_transport_set_timeouts(NULL, 0, 0));
    raw_close(fd);
}

TEST(S11_a_million_resets_cost_no_allocation)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    uint64_t before;
    size_t live;

    set_timeouts(p, RONDO_SEC(100), RONDO_SEC(100));
    test_spin(w, 2);
    before = test_allocations(w);
    live = test_live_bytes(w);
    for (int i = 0; i < 1000000; i++) {
        set_timeouts(p, RONDO_SEC(100) + i % 1000, RONDO_SEC(100));
        if (i % 1000 == 0)
            test_spin(w, 1);
    }
    assert_int_equal(test_allocations(w) - before, 0);
    assert_int_equal(test_live_bytes(w), live);
    raw_close(fd);
}

TEST(S11_messages_with_timeouts_cost_no_allocation)
{
    struct peer *a, *b;
    uint64_t before = 0;

    test_pair(w, &a, &b);
    a->on_data = b->on_data = act_echo;
    set_timeouts(a, RONDO_SEC(100), RONDO_SEC(100));
    set_timeouts(b, RONDO_SEC(100), RONDO_SEC(100));
    assert_ok(rondo_transport_write(a->transport, "ping", 4));
    test_run_until(w, a->bytes >= 400);
    before = test_allocations(w);
    test_run_until(w, a->bytes >= 40000);
    assert_int_equal(test_allocations(w) - before, 0);
}

static void check_ended_inside(struct world *w, void (*end)(struct peer *p),
                               int error)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    p->go_on = true;
    p->on_timeout = end;
    set_timeouts(p, RONDO_MS(5), RONDO_MS(5));
    assert_lost(w, p, "MTL", error);
    raw_close(fd);
}

TEST(S11_closing_and_aborting_inside_timed_out)
{
    check_ended_inside(w, act_close, 0);
    check_ended_inside(w, act_abort, RONDO_ECANCELED);
}
