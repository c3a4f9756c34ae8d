/* test_stream_close.c - the ends of a stream: EOF, half close, close, abort. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

enum { SMALL = 8192, TEN_MIB = 10 * 1024 * 1024 };

/* ---- S6: what came before an orderly close ------------------------------ */

TEST(S6_all_before_an_orderly_close_arrives)
{
    static const struct {
        const char *name;
        const rondo_protocol *protocol;
        int buffer_bytes;
    } rows[] = {
        {"plain", &recorder, 0},
        {"buffered", &buffered_recorder, 0},
        {"plain, through a small buffer", &recorder, SMALL},
        {"buffered, through a small buffer", &buffered_recorder, SMALL},
    };
    enum { SIZE = 300001 };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, row->protocol, row->buffer_bytes);

        plain_send_pattern(p, 0, SIZE);
        plain_close(p);
        assert_lost(w, p, NULL, 0);
        peer_got(p, SIZE);
        assert_int_equal(p->eof, 1);
    }
}

TEST(S6_all_arrives_before_the_loop_has_run)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_send_raw(w, fds[1], 0, 50000);
    raw_close(fds[1]);
    test_adopt(w, fds[0], &recorder, p);
    assert_lost(w, p, "MdEL", 0);
    assert_int_equal(p->bytes, 50000);
}

TEST(S6_a_failed_write_first_delivers_what_is_readable)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    int result = 0;

    plain_send(p, "last words");
    plain_close(p);
    for (int i = 0; i < 1000 && result >= 0; i++)
        result = rondo_transport_write(p->transport, "x", 1);
    assert_true(result < 0);
    assert_int_equal(p->bytes, 0); /* not inside the call */
    assert_lost(w, p, NULL, RONDO_ECONNRESET);
    assert_int_equal(p->bytes, 10);
}

/* ---- S6: eof_received --------------------------------------------------- */

TEST(S6_eof_closes_after_the_buffer)
{
    static rondo_protocol without;
    static const struct {
        const char *name;
        const rondo_protocol *protocol;
    } rows[] = {
        {"eof_received answers false", &recorder},
        {"no eof_received", &without},
    };

    without = recorder;
    without.eof_received = NULL;
    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, row->protocol, SMALL);
        uint64_t sent = test_fill_transport(w, p);

        raw_shutdown_write(p->fd);
        test_run_until(w, rondo_transport_is_closing(p->transport));
        assert_int_equal(p->lost, 0);
        assert_true(peer_buffered(p) > 0);
        assert_int_equal(plain_drain(p), sent);
        assert_lost(w, p, NULL, 0);
    }
}

TEST(S6_eof_true_keeps_the_writing_side)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    p->keep_open = true;
    raw_shutdown_write(p->fd);
    test_run_until(w, p->eof);
    test_spin(w, 20);
    assert_false(rondo_transport_is_closing(p->transport));
    assert_false(rondo_transport_is_reading(p->transport));
    (void)peer_write(p, 0, 500000);
    peer_finish(p, 500000);
}

/* ---- S6: write_eof ------------------------------------------------------ */

TEST_LEAVES(S6_write_eof_sends_the_buffer_first)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    uint64_t sent = test_fill_transport(w, p);

    assert_true(rondo_transport_can_write_eof(p->transport));
    act_write_eof(p);
    assert_true(peer_buffered(p) > 0);
    assert_int_equal(plain_drain(p), sent);
    test_spin(w, 20);
    assert_int_equal(p->lost, 0);
    assert_false(rondo_transport_is_closing(p->transport));
}

TEST(S6_ten_mib_are_received_after_write_eof)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    assert_ok(rondo_transport_write(p->transport, "", 0));
    act_write_eof(p);
    act_write_eof(p); /* twice is harmless */
    assert_int_equal(plain_drain(p), 0);
    plain_send_pattern(p, 0, TEN_MIB);
    test_run_until(w, p->bytes == TEN_MIB);
    act_write_eof(p);
    peer_got(p, TEN_MIB);
    assert_string_equal(p->order, "Md");
    raw_shutdown_write(p->fd);
    assert_lost(w, p, "MdEL", 0);
}

TEST(S6_both_directions_over_closes_by_itself)
{
    for (int peer_first = 0; peer_first < 2; peer_first++) {
        struct peer *p = plain_peer(w, &recorder, 0);

        p->keep_open = true;
        if (!peer_first)
            act_write_eof(p);
        raw_shutdown_write(p->fd);
        test_run_until(w, p->eof);
        if (peer_first) {
            test_spin(w, 20);
            assert_int_equal(p->lost, 0);
            assert_ok(rondo_transport_write(p->transport, "bye", 3));
            act_write_eof(p);
            assert_int_equal(p->lost, 0);
        }
        assert_lost(w, p, "MEL", 0);
    }
}

TEST(S6_write_eof_inside_eof_received)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    uint64_t sent = test_fill_transport(w, p);

    p->keep_open = true;
    p->on_eof = act_write_eof;
    raw_shutdown_write(p->fd);
    assert_int_equal(plain_drain(p), sent);
    assert_lost(w, p, NULL, 0);
}

/* ---- S7: close ---------------------------------------------------------- */

TEST(S7_close_sends_the_buffer)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    uint64_t sent = test_fill_transport(w, p);

    act_close(p);
    assert_true(rondo_transport_is_closing(p->transport));
    test_spin(w, 20);
    assert_int_equal(p->lost, 0);
    assert_int_equal(plain_drain(p), sent);
    assert_lost(w, p, NULL, 0);
    assert_int_equal(p->eof, 0);
}

TEST(S7_close_reads_no_more)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    (void)test_fill_transport(w, p);
    act_close(p);
    plain_send(p, "late");
    raw_shutdown_write(p->fd);
    test_spin(w, 20);
    assert_int_equal(p->bytes + p->eof, 0);
    assert_true(test_run_for(w, RONDO_MS(50)) <= 10);
    (void)plain_drain(p);
    test_run_until(w, p->lost);
    assert_int_equal(p->bytes + p->eof, 0);
}

TEST(S7_close_with_nothing_to_send)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    act_close(p);
    act_close(p);
    assert_int_equal(p->lost, 0); /* not inside the call */
    assert_lost(w, p, "ML", 0);
    assert_int_equal(plain_drain(p), 0);
}

/* A plain close would answer the unread bytes with a reset, and the peer
 * would lose what was sent to it. */
TEST(S7_close_with_unread_bytes_loses_nothing_sent)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    char more;

    act_pause(p);
    plain_send_pattern(p, 0, 5000);
    assert_ok(rondo_transport_write(p->transport, "bye", 3));
    act_close(p);
    test_run_until(w, p->lost);
    assert_int_equal(p->bytes, 0);
    plain_hears(p, "bye");
    assert_int_equal(raw_recv(p->fd, &more, 1, 5000), 0); /* an orderly end */
}

/* What is lent stays as it is until data_received returns, also when the
 * transport, and with it its socket, is closed in between. */
static void close_and_look(struct peer *p, const void *data, size_t size)
{
    unsigned char before[256];

    assert_true(size >= sizeof before);
    memcpy(before, data, sizeof before);
    rondo_transport_close(p->transport);
    assert_memory_equal(before, data, sizeof before);
}

TEST(S7_what_is_lent_outlives_close)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    p->on_data = close_and_look;
    plain_send_pattern(p, 0, 100000); /* more than one read takes */
    assert_lost(w, p, NULL, 0);
}

TEST(S7_a_peer_that_never_reads_ends_by_the_timeout)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    (void)test_fill_transport(w, p);
    peer_set_timeouts(p, 0, RONDO_MS(20));
    act_close(p);
    assert_lost(w, p, NULL, RONDO_ETIMEDOUT);
    assert_true(plain_drain(p) < 0);
}

static void close_when_empty(struct peer *p)
{
    if (peer_buffered(p) == 0)
        rondo_transport_close(p->transport);
}

TEST(S7_close_in_resume_writing_after_the_drain)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    p->on_resume = close_when_empty;
    peer_set_limits(p, 1, 0);
    assert_int_equal(peer_write(p, 0, 200000), 1);
    assert_int_equal(plain_drain(p), 200000);
    test_run_until(w, p->lost);
    test_spin(w, 20);
    assert_lost(w, p, "MPRL", 0);
}

/* ---- S7: abort ---------------------------------------------------------- */

static void close_then_abort(struct peer *p)
{
    act_close(p);
    test_spin(p->w, 5);
    act_abort(p);
    act_close(p);
}

static void write_eof_then_abort(struct peer *p)
{
    act_write_eof(p);
    act_abort(p);
}

static void abort_with_eproto(struct peer *p)
{
    rondo_transport_abort_with(p->transport, RONDO_EPROTO);
}

static void abort_with_enomem(struct peer *p)
{
    rondo_transport_abort_with(p->transport, RONDO_ENOMEM);
}

static void abort_twice(struct peer *p)
{
    act_abort(p);
    act_abort(p);
}

/* the first abort gives the reason */
static void abort_with_several(struct peer *p)
{
    rondo_transport_abort_with(p->transport, RONDO_EPROTO);
    rondo_transport_abort_with(p->transport, RONDO_EIO);
    act_abort(p);
}

TEST(S7_abort_drops_the_buffer_and_resets_the_peer)
{
    static const struct {
        const char *name;
        void (*end)(struct peer *p);
        bool buffered; /* something waits to be sent */
        int error;
    } rows[] = {
        {"abort", act_abort, true, RONDO_ECANCELED},
        {"with EPROTO", abort_with_eproto, true, RONDO_EPROTO},
        {"with ENOMEM", abort_with_enomem, true, RONDO_ENOMEM},
        {"twice, with nothing to send", abort_twice, false, RONDO_ECANCELED},
        {"with several errors", abort_with_several, false, RONDO_EPROTO},
        {"during close", close_then_abort, true, RONDO_ECANCELED},
        {"after write_eof", write_eof_then_abort, true, RONDO_ECANCELED},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, &recorder, row->buffered ? SMALL : 0);

        if (row->buffered)
            (void)test_fill_transport(w, p);
        row->end(p);
        assert_int_equal(peer_buffered(p), 0);
        assert_int_equal(p->lost, 0); /* not inside the call */
        assert_lost(w, p, NULL, row->error);
        assert_int_equal(plain_drain(p), RAW_RESET);
    }
}
