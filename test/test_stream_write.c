/* test_stream_write.c - writing: plain and formatted, and when it fails. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

enum { SMALL = 8192, LARGE = 4 * 1024 * 1024 };

/* a refused write never releases */
/* ---- S2: write ---------------------------------------------------------- */

TEST(S2_sends_at_once)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    char got[8];

    assert_int_equal(rondo_transport_write(p->transport, "hello", 5), 0);
    assert_int_equal(rondo_transport_get_write_buffer_size(p->transport), 0);
    assert_true(raw_recv_exact(fd, got, 5, 5000)); /* the loop did not run */
    assert_memory_equal(got, "hello", 5);
    raw_close(fd);
}

TEST(S2_copies_only_the_rest)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    unsigned char *data = test_alloc(w, LARGE);
    size_t buffered;

    test_fill(data, 0, LARGE);
    assert_int_equal(rondo_transport_write(p->transport, data, LARGE), 1);
    buffered = rondo_transport_get_write_buffer_size(p->transport);
    assert_true(buffered > 0 && buffered < LARGE);
    memset(data, 0, LARGE); /* it is the caller's again */
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, fd, 0), LARGE);
    raw_close(fd);
}

TEST(S2_returns_1_when_over_high)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    unsigned char piece[700] = {0};
    size_t size = 0;

    assert_ok(rondo_transport_set_write_buffer_limits(p->transport, 5000, 10));
    for (int i = 0; i < 1000 && size < 20000; i++) {
        int result = rondo_transport_write(p->transport, piece, sizeof piece);

        size = rondo_transport_get_write_buffer_size(p->transport);
        assert_int_equal(result, size > 5000);
        assert_int_equal(rondo_transport_is_writing_paused(p->transport),
                         size > 5000);
    }
    assert_true(size >= 20000);
    raw_close(fd);
}

TEST(S2_zero_bytes_do_nothing)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    const rondo_buffer empty[3] = {{NULL, 0}, {"", 0}, {"x", 0}};
    char byte;

    assert_int_equal(rondo_transport_write(p->transport, "", 0), 0);
    assert_int_equal(rondo_transport_write(p->transport, NULL, 0), 0);
    assert_int_equal(rondo_transport_writev(p->transport, empty, 3), 0);
    assert_int_equal(rondo_transport_writev(p->transport, NULL, 0), 0);
    assert_int_equal(rondo_transport_printf(p->transport, "%s", ""), 0);
    assert_int_equal(rondo_transport_get_write_buffer_size(p->transport), 0);
    test_spin(w, 20);
    assert_int_equal(raw_recv(fd, &byte, 1, 0), RAW_AGAIN);
    assert_string_equal(p->order, "M");
    raw_close(fd);
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
}

TEST(S2_after_write_eof_nothing_is_sent)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    assert_ok(rondo_transport_write_eof(p->transport));
    check_refused(p, RONDO_EPIPE);
    assert_int_equal(test_drain_raw(w, fd, 0), 0);
    assert_int_equal(p->lost, 0);
    raw_close(fd);
}

TEST(S2_after_close_nothing_is_sent)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    rondo_transport_close(p->transport);
    check_refused(p, RONDO_ECLOSED);
    assert_error(rondo_transport_write_eof(p->transport), RONDO_ECLOSED);
    assert_int_equal(test_drain_raw(w, fd, 0), 0);
    raw_close(fd);
}

TEST(S2_after_abort_nothing_is_sent)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    rondo_transport_abort(p->transport);
    check_refused(p, RONDO_ECLOSED);
    assert_error(rondo_transport_write_eof(p->transport), RONDO_ECLOSED);
    assert_int_equal(test_drain_raw(w, fd, 0), RAW_RESET);
    raw_close(fd);
}

static void refused_in_lost(struct peer *p)
{
    check_refused(p, RONDO_ECLOSED);
    rondo_transport_close(p->transport);
    rondo_transport_abort(p->transport);
}

TEST(S2_in_connection_lost_nothing_is_sent)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    w->expect_clean = true;
    p->on_lost = refused_in_lost;
    raw_shutdown_write(fd);
    test_run_until(w, p->lost);
    assert_int_equal(test_drain_raw(w, fd, 0), 0);
    raw_close(fd);
}

TEST(S2_a_failure_arrives_as_lost_too)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    int last = 0;

    w->expect_clean = true;
    raw_reset(fd);
    for (int i = 0; i < 10; i++)
        last = rondo_transport_write(p->transport, "ignored", 7);
    assert_true(last < 0);
    assert_int_equal(p->lost, 0); /* not inside the call */
    assert_lost(w, p, NULL, RONDO_ECONNRESET);
}

TEST(S2_nonsense_is_EINVAL_and_harmless)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    const rondo_buffer wrong[2] = {{"good", 4}, {NULL, 3}};
    rondo_transport *t = p->transport;

    assert_einval(rondo_transport_write(NULL, "x", 1));
    assert_einval(rondo_transport_write(t, NULL, 1));
    assert_einval(rondo_transport_writev(NULL, wrong, 1));
    assert_einval(rondo_transport_writev(t, NULL, 1));
    assert_einval(rondo_transport_writev(t, wrong, 2));
    assert_einval(rondo_transport_printf(NULL, "x"));
    assert_einval(rondo_transport_write_owned(t, NULL, 1, never_release, NULL));
    assert_einval(rondo_transport_write_eof(NULL));
    rondo_transport_close(t);
    assert_int_equal(test_drain_raw(w, fd, 0), 0);
    assert_lost(w, p, NULL, 0);
    raw_close(fd);
}

TEST(S2_sizes_beyond_memory_are_refused)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    const rondo_buffer absurd[2] = {{"ab", SIZE_MAX - 1}, {"cd", 3}};

    assert_true(rondo_transport_writev(p->transport, absurd, 2) < 0);
    test_spin(w, 10);
    raw_close(fd);
    p = test_peer(w);
    fd = test_raw_peer(w, &recorder, p, SMALL);
    (void)test_fill_transport(w, p); /* what comes now has to wait */
    assert_true(rondo_transport_write(p->transport, "ab", SIZE_MAX) < 0);
    assert_true(rondo_transport_write(p->transport, "ab", SIZE_MAX - 30) < 0);
    assert_true(rondo_transport_write(p->transport, "ab", PTRDIFF_MAX) < 0);
    assert_true(rondo_transport_writev(p->transport, absurd, 2) < 0);
    test_spin(w, 10);
    raw_close(fd);
}

TEST(S2_printf_of_any_length)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    char *got = test_alloc(w, 100010);

    assert_ok(rondo_transport_printf(p->transport, "%d %s.", 17, "and four"));
    assert_ok(rondo_transport_printf(p->transport, "%0100000d", 5));
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost);
    assert_true(raw_recv_exact(fd, got, 12, 5000));
    assert_memory_equal(got, "17 and four.", 12);
    assert_true(raw_recv_exact(fd, got, 100000, 5000));
    assert_true(got[0] == '0' && got[99998] == '0' && got[99999] == '5');
    assert_int_equal(raw_recv(fd, got, 1, 5000), 0);
    raw_close(fd);
}

/* ---- S2, G8: out of memory ---------------------------------------------- */

/* Nothing of the refused write has left: the connection lives on, and the
 * bytes before and after it arrive without a gap. */
TEST(S2_out_of_memory_with_a_full_kernel)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    unsigned char *data = test_alloc(w, LARGE);
    uint64_t sent = test_fill_transport(w, p);

    (void)test_settle(w, p);
    test_fill(data, sent, LARGE);
    test_fail_allocations_from(w, 1);
    assert_error(rondo_transport_write(p->transport, data, LARGE),
                 RONDO_ENOMEM);
    test_fail_allocation(w, 0);
    test_spin(w, 10);
    assert_int_equal(p->lost, 0);
    assert_ok(rondo_transport_write(p->transport, data, 1000));
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, fd, 0), sent + 1000);
    assert_lost(w, p, NULL, 0);
    raw_close(fd);
}

/* The kernel has taken a part: the rest cannot be kept, so it is the end. */
TEST(S2_out_of_memory_where_bytes_have_left)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    unsigned char *data = test_alloc(w, LARGE);

    w->expect_clean = true;
    test_fill(data, 0, LARGE);
    test_fail_allocations_from(w, 1);
    assert_error(rondo_transport_write(p->transport, data, LARGE),
                 RONDO_ENOMEM);
    test_fail_allocation(w, 0);
    assert_int_equal(p->lost, 0);
    assert_lost(w, p, NULL, RONDO_ENOMEM);
    assert_non_null(strstr(p->last_error, "ENOMEM"));
    assert_true(test_drain_raw(w, fd, 0) < 0); /* never taken for an end */
    raw_close(fd);
}
