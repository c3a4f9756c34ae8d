/* test_stream_write.c - writing: plain and formatted, and when it fails. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

enum { SMALL = 8192, LARGE = 4 * 1024 * 1024 };

/* ---- S2: write ---------------------------------------------------------- */

TEST_LEAVES(S2_sends_at_once)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    assert_int_equal(rondo_transport_write(p->transport, "hello", 5), 0);
    assert_int_equal(peer_buffered(p), 0);
    plain_hears(p, "hello"); /* the loop did not run */
}

TEST(S2_copies_only_the_rest)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    unsigned char *data = test_bytes(w, 0, LARGE);

    assert_int_equal(rondo_transport_write(p->transport, data, LARGE), 1);
    assert_true(peer_buffered(p) > 0 && peer_buffered(p) < LARGE);
    memset(data, 0, LARGE); /* it is the caller's again */
    peer_finish(p, LARGE);
}

TEST_LEAVES(S2_returns_1_when_over_high)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    size_t size = 0;

    peer_set_limits(p, 5000, 10);
    for (int i = 0; i < 1000 && size < 20000; i++) {
        int result = peer_write(p, 0, 700);

        size = peer_buffered(p);
        assert_int_equal(result, size > 5000);
        assert_int_equal(rondo_transport_is_writing_paused(p->transport),
                         size > 5000);
    }
    assert_true(size >= 20000);
}

/* in callbacks, where a backend may send what comes first a little later */
static void write_first(rondo_loop *loop, void *arg)
{
    struct peer *p = arg;

    (void)loop;
    assert_ok(rondo_transport_write(p->transport, "first, ", 7));
    rondo_transport_set_pause_inside(p->transport, true);
}

static void write_second(rondo_loop *loop, void *arg)
{
    struct peer *p = arg;

    (void)loop;
    assert_ok(rondo_transport_write(p->transport, "second, ", 8));
    rondo_transport_set_pause_inside(p->transport, false);
}

static void write_third(rondo_loop *loop, void *arg)
{
    struct peer *p = arg;

    (void)loop;
    assert_ok(rondo_transport_write(p->transport, "third", 5));
}

TEST_LEAVES(S2_in_order_however_it_is_sent)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    assert_ok(rondo_call_soon(w->loop, write_first, p));
    assert_ok(rondo_call_soon(w->loop, write_second, p));
    assert_ok(rondo_call_soon(w->loop, write_third, p));
    test_spin(w, 3);
    plain_hears(p, "first, second, third");
}

TEST_LEAVES(S2_zero_bytes_do_nothing)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    const rondo_buffer empty[3] = {{NULL, 0}, {"", 0}, {"x", 0}};
    char byte;

    assert_int_equal(rondo_transport_write(p->transport, "", 0), 0);
    assert_int_equal(rondo_transport_write(p->transport, NULL, 0), 0);
    assert_int_equal(rondo_transport_writev(p->transport, empty, 3), 0);
    assert_int_equal(rondo_transport_writev(p->transport, NULL, 0), 0);
    assert_int_equal(rondo_transport_printf(p->transport, "%s", ""), 0);
    assert_int_equal(peer_buffered(p), 0);
    test_spin(w, 20);
    assert_int_equal(raw_recv(p->fd, &byte, 1, 0), RAW_AGAIN);
    assert_string_equal(p->order, "M");
}

/* each way to write fails with that error, and says so in a sentence */
static void check_refused(struct peer *p, int error)
{
    const rondo_buffer piece = {"no", 2};
    rondo_transport *t = p->transport;

    assert_error(rondo_transport_write(t, "no", 2), error);
    assert_true(rondo_last_error()[0] != '\0');
    assert_error(rondo_transport_writev(t, &piece, 1), error);
    assert_error(rondo_transport_printf(t, "%d", 17), error);
    assert_error(rondo_transport_write_owned(t, "no", 2, never_release, NULL),
                 error);
    if (error == RONDO_ECLOSED)
        assert_error(rondo_transport_write_eof(t), error);
}

TEST_LEAVES(S2_after_the_end_nothing_is_sent)
{
    static const struct {
        const char *name;
        void (*end)(struct peer *p);
        int error, drained;
    } rows[] = {
        {"write_eof", act_write_eof, RONDO_EPIPE, 0},
        {"close", act_close, RONDO_ECLOSED, 0},
        {"abort", act_abort, RONDO_ECLOSED, RAW_RESET},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, &recorder, 0);

        row->end(p);
        check_refused(p, row->error);
        assert_int_equal(plain_drain(p), row->drained);
        if (row->end == act_write_eof)
            assert_int_equal(p->lost, 0);
    }
}

static void refused_in_lost(struct peer *p)
{
    check_refused(p, RONDO_ECLOSED);
    rondo_transport_close(p->transport);
    rondo_transport_abort(p->transport);
}

TEST(S2_in_connection_lost_nothing_is_sent)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    p->on_lost = refused_in_lost;
    raw_shutdown_write(p->fd);
    test_run_until(w, p->lost);
    assert_int_equal(plain_drain(p), 0);
}

TEST(S2_a_failure_arrives_as_lost_too)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    int last = 0;

    plain_reset(p);
    for (int i = 0; i < 10; i++)
        last = rondo_transport_write(p->transport, "ignored", 7);
    assert_true(last < 0);
    assert_int_equal(p->lost, 0); /* not inside the call */
    assert_lost(w, p, NULL, RONDO_ECONNRESET);
}

/* The other arguments that make no sense: G1. */
TEST(S2_a_piece_of_nothing_is_EINVAL_and_harmless)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    const rondo_buffer wrong[2] = {{"good", 4}, {NULL, 3}};

    assert_einval(rondo_transport_writev(p->transport, wrong, 2));
    peer_finish(p, 0);
}

TEST_LEAVES(S2_sizes_beyond_memory_are_refused)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    const rondo_buffer absurd[2] = {{"ab", SIZE_MAX - 1}, {"cd", 3}};

    assert_true(rondo_transport_writev(p->transport, absurd, 2) < 0);
    test_spin(w, 10);
    p = plain_peer(w, &recorder, SMALL);
    (void)test_fill_transport(w, p); /* what comes now has to wait */
    assert_true(rondo_transport_write(p->transport, "ab", SIZE_MAX) < 0);
    assert_true(rondo_transport_write(p->transport, "ab", SIZE_MAX - 30) < 0);
    assert_true(rondo_transport_write(p->transport, "ab", PTRDIFF_MAX) < 0);
    assert_true(rondo_transport_writev(p->transport, absurd, 2) < 0);
    test_spin(w, 10);
}

TEST(S2_printf_of_any_length)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    char *got = test_alloc(w, 100010);

    assert_ok(rondo_transport_printf(p->transport, "%d %s.", 17, "and four"));
    assert_ok(rondo_transport_printf(p->transport, "%0100000d", 5));
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost);
    plain_hears(p, "17 and four.");
    assert_true(raw_recv_exact(p->fd, got, 100000, 5000));
    assert_true(got[0] == '0' && got[99998] == '0' && got[99999] == '5');
    assert_int_equal(raw_recv(p->fd, got, 1, 5000), 0);
}

/* ---- S2, G8: out of memory ---------------------------------------------- */

static void refused_for_memory(struct peer *p, uint64_t position)
{
    const unsigned char *data = test_bytes(p->w, position, LARGE);

    test_fail_allocations_from(p->w, 1);
    assert_error(rondo_transport_write(p->transport, data, LARGE),
                 RONDO_ENOMEM);
    test_fail_allocation(p->w, 0);
    assert_int_equal(p->lost, 0);
}

/* Nothing of the refused write has left: the connection lives on, and the
 * bytes before and after it arrive without a gap. */
TEST(S2_out_of_memory_with_a_full_kernel)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    uint64_t sent = test_fill_transport(w, p);

    (void)test_settle(w, p);
    refused_for_memory(p, sent);
    test_spin(w, 10);
    assert_int_equal(p->lost, 0);
    (void)peer_write(p, sent, 1000);
    peer_finish(p, sent + 1000);
}

/* The kernel has taken a part: the rest cannot be kept, so it is the end. */
TEST(S2_out_of_memory_where_bytes_have_left)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    refused_for_memory(p, 0);
    assert_lost(w, p, NULL, RONDO_ENOMEM);
    assert_non_null(strstr(p->last_error, "ENOMEM"));
    assert_true(plain_drain(p) < 0); /* never taken for an end */
}
