/* test_stream_close.c - the ends of a stream: EOF, half close, close, abort. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

enum { SMALL = 8192, TEN_MIB = 10 * 1024 * 1024 };

/* ---- S6: what came before an orderly close ------------------------------ */

static void check_all_arrives(struct world *w, const rondo_protocol *protocol,
                              int buffer_bytes)
{
    enum { SIZE = 300001 };
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, protocol, p, buffer_bytes);

    test_send_raw(w, fd, 0, SIZE);
    raw_close(fd);
    test_run_until(w, p->lost);
    assert_int_equal(p->bytes, SIZE);
    assert_true(p->checksum == test_pattern_checksum(SIZE));
    assert_int_equal(p->eof, 1);
    assert_int_equal(p->error, 0);
}

TEST(S6_all_before_an_orderly_close_arrives)
{
    check_all_arrives(w, &recorder, 0);
    check_all_arrives(w, &buffered_recorder, 0);
}

TEST(S6_all_arrives_through_a_small_buffer)
{
    check_all_arrives(w, &recorder, SMALL);
    check_all_arrives(w, &buffered_recorder, SMALL);
}

TEST(S6_all_arrives_before_the_loop_has_run)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_send_raw(w, fds[1], 0, 50000);
    raw_close(fds[1]);
    test_adopt(w, fds[0], &recorder, p);
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MdEL");
    assert_int_equal(p->bytes, 50000);
    assert_int_equal(p->error, 0);
}

TEST(S6_a_failed_write_first_delivers_what_is_readable)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    int result = 0;

    w->expect_clean = true;
    assert_true(raw_send_all(fd, "last words", 10, 1000));
    raw_close(fd);
    for (int i = 0; i < 1000 && result >= 0; i++)
        result = rondo_transport_write(p->transport, "x", 1);
    assert_true(result < 0);
    assert_int_equal(p->bytes, 0); /* not inside the call */
    test_run_until(w, p->lost);
    assert_int_equal(p->bytes, 10);
    assert_int_equal(p->error, RONDO_ECONNRESET);
}

/* ---- S6: eof_received --------------------------------------------------- */

static void check_closes_after_eof(struct world *w,
                                   const rondo_protocol *protocol)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, protocol, p, SMALL);
    uint64_t sent = test_fill_transport(w, p);

    raw_shutdown_write(fd);
    test_run_until(w, rondo_transport_is_closing(p->transport));
    assert_int_equal(p->lost, 0);
    assert_true(peer_buffered(p) > 0);
    assert_int_equal(test_drain_raw(w, fd, 0), sent);
    assert_lost(w, p, NULL, 0);
    raw_close(fd);
}

TEST_CASE(S6_eof_false_closes_after_the_buffer,
          check_closes_after_eof(w, &recorder));

TEST(S6_eof_null_closes_after_the_buffer)
{
    static rondo_protocol without;

    without = recorder;
    without.eof_received = NULL;
    check_closes_after_eof(w, &without);
}

TEST(S6_eof_true_keeps_the_writing_side)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    unsigned char *data = test_alloc(w, 500000);

    w->expect_clean = true;
    p->keep_open = true;
    raw_shutdown_write(fd);
    test_run_until(w, p->eof);
    test_spin(w, 20);
    assert_false(rondo_transport_is_closing(p->transport));
    assert_false(rondo_transport_is_reading(p->transport));
    test_fill(data, 0, 500000);
    assert_ok(rondo_transport_write(p->transport, data, 500000));
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, fd, 0), 500000);
    assert_lost(w, p, NULL, 0);
    raw_close(fd);
}

/* ---- S6: write_eof ------------------------------------------------------ */

TEST(S6_write_eof_sends_the_buffer_first)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    uint64_t sent = test_fill_transport(w, p);

    assert_true(rondo_transport_can_write_eof(p->transport));
    assert_ok(rondo_transport_write_eof(p->transport));
    assert_true(peer_buffered(p) > 0);
    assert_int_equal(test_drain_raw(w, fd, 0), sent);
    test_spin(w, 20);
    assert_int_equal(p->lost, 0);
    assert_false(rondo_transport_is_closing(p->transport));
    raw_close(fd);
}

TEST(S6_ten_mib_are_received_after_write_eof)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    w->expect_clean = true;
    assert_ok(rondo_transport_write(p->transport, "", 0));
    assert_ok(rondo_transport_write_eof(p->transport));
    assert_ok(rondo_transport_write_eof(p->transport)); /* twice is harmless */
    assert_int_equal(test_drain_raw(w, fd, 0), 0);
    test_send_raw(w, fd, 0, TEN_MIB);
    test_run_until(w, p->bytes == TEN_MIB);
    assert_ok(rondo_transport_write_eof(p->transport));
    assert_true(p->checksum == test_pattern_checksum(TEN_MIB));
    assert_string_equal(p->order, "Md");
    raw_shutdown_write(fd);
    assert_lost(w, p, "MdEL", 0);
    raw_close(fd);
}

static void check_closes_by_itself(struct world *w, bool peer_first)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    p->keep_open = true;
    if (!peer_first)
        assert_ok(rondo_transport_write_eof(p->transport));
    raw_shutdown_write(fd);
    test_run_until(w, p->eof);
    if (peer_first) {
        test_spin(w, 20);
        assert_int_equal(p->lost, 0);
        assert_ok(rondo_transport_write(p->transport, "bye", 3));
        assert_ok(rondo_transport_write_eof(p->transport));
        assert_int_equal(p->lost, 0);
    }
    assert_lost(w, p, "MEL", 0);
    raw_close(fd);
}

TEST(S6_both_directions_over_closes_by_itself)
{
    check_closes_by_itself(w, true);
    check_closes_by_itself(w, false);
}

TEST(S6_write_eof_inside_eof_received)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    uint64_t sent = test_fill_transport(w, p);

    p->keep_open = true;
    p->on_eof = act_write_eof;
    raw_shutdown_write(fd);
    assert_int_equal(test_drain_raw(w, fd, 0), sent);
    assert_lost(w, p, NULL, 0);
    raw_close(fd);
}

/* ---- S7: close ---------------------------------------------------------- */

TEST(S7_close_sends_the_buffer)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    uint64_t sent = test_fill_transport(w, p);

    w->expect_clean = true;
    rondo_transport_close(p->transport);
    assert_true(rondo_transport_is_closing(p->transport));
    test_spin(w, 20);
    assert_int_equal(p->lost, 0);
    assert_int_equal(test_drain_raw(w, fd, 0), sent);
    assert_lost(w, p, NULL, 0);
    assert_int_equal(p->eof, 0);
    raw_close(fd);
}

TEST(S7_close_reads_no_more)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);

    (void)test_fill_transport(w, p);
    rondo_transport_close(p->transport);
    assert_true(raw_send_all(fd, "late", 4, 1000));
    raw_shutdown_write(fd);
    test_spin(w, 20);
    assert_int_equal(p->bytes + p->eof, 0);
    assert_true(test_run_for(w, RONDO_MS(50)) <= 10);
    (void)test_drain_raw(w, fd, 0);
    test_run_until(w, p->lost);
    assert_int_equal(p->bytes + p->eof, 0);
    raw_close(fd);
}

TEST(S7_close_with_nothing_to_send)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    w->expect_clean = true;
    rondo_transport_close(p->transport);
    rondo_transport_close(p->transport);
    assert_int_equal(p->lost, 0); /* not inside the call */
    assert_lost(w, p, "ML", 0);
    assert_int_equal(test_drain_raw(w, fd, 0), 0);
    raw_close(fd);
}

TEST(S7_a_peer_that_never_reads_ends_by_the_timeout)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);

    (void)test_fill_transport(w, p);
    assert_ok(rondo_transport_set_timeouts(p->transport, 0, RONDO_MS(20)));
    rondo_transport_close(p->transport);
    assert_lost(w, p, NULL, RONDO_ETIMEDOUT);
    assert_true(test_drain_raw(w, fd, 0) < 0);
    raw_close(fd);
}

static void close_it(struct peer *p)
{
    if (peer_buffered(p) == 0)
        rondo_transport_close(p->transport);
}

TEST(S7_close_in_resume_writing_after_the_drain)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    unsigned char *data = test_alloc(w, 200000);

    p->on_resume = close_it;
    assert_ok(rondo_transport_set_write_buffer_limits(p->transport, 1, 0));
    test_fill(data, 0, 200000);
    assert_int_equal(rondo_transport_write(p->transport, data, 200000), 1);
    assert_int_equal(test_drain_raw(w, fd, 0), 200000);
    test_run_until(w, p->lost);
    test_spin(w, 20);
    assert_string_equal(p->order, "MPRL");
    assert_int_equal(p->error, 0);
    raw_close(fd);
}

/* ---- S7: abort ---------------------------------------------------------- */

static void check_abort(struct world *w, int error, int expected)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);

    (void)test_fill_transport(w, p);
    if (error)
        rondo_transport_abort_with(p->transport, error);
    else
        rondo_transport_abort(p->transport);
    assert_int_equal(peer_buffered(p), 0);
    assert_int_equal(p->lost, 0); /* not inside the call */
    assert_lost(w, p, NULL, expected);
    assert_int_equal(test_drain_raw(w, fd, 0), RAW_RESET);
    raw_close(fd);
}

TEST_CASE(S7_abort_resets_the_peer, check_abort(w, 0, RONDO_ECANCELED));

TEST(S7_abort_with_an_error)
{
    check_abort(w, RONDO_EPROTO, RONDO_EPROTO);
    check_abort(w, RONDO_ENOMEM, RONDO_ENOMEM);
}

TEST(S7_abort_with_nothing_to_send_resets_too)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    rondo_transport_abort(p->transport);
    rondo_transport_abort(p->transport);
    assert_lost(w, p, NULL, RONDO_ECANCELED);
    assert_int_equal(test_drain_raw(w, fd, 0), RAW_RESET);
    raw_close(fd);
}

TEST(S7_abort_during_close)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);

    (void)test_fill_transport(w, p);
    rondo_transport_close(p->transport);
    test_spin(w, 5);
    rondo_transport_abort(p->transport);
    rondo_transport_close(p->transport);
    assert_lost(w, p, NULL, RONDO_ECANCELED);
    assert_int_equal(test_drain_raw(w, fd, 0), RAW_RESET);
    raw_close(fd);
}

/* the first abort gives the reason */
TEST(S7_abort_twice_keeps_the_first_error)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    rondo_transport_abort_with(p->transport, RONDO_EPROTO);
    rondo_transport_abort_with(p->transport, RONDO_EIO);
    rondo_transport_abort(p->transport);
    assert_lost(w, p, NULL, RONDO_EPROTO);
    raw_close(fd);
}

TEST(S7_abort_after_write_eof)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);

    (void)test_fill_transport(w, p);
    assert_ok(rondo_transport_write_eof(p->transport));
    rondo_transport_abort(p->transport);
    test_run_until(w, p->lost);
    assert_int_equal(test_drain_raw(w, fd, 0), RAW_RESET);
    raw_close(fd);
}
