/* test_stream_flow.c - limits of the write buffer, pause and resume. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

enum { SMALL = 8192, LARGE = 1024 * 1024, DEFAULT_HIGH = 65536 };

static void check_limits(struct peer *p, size_t high, size_t low)
{
    size_t h = 0;
    size_t l = 0;

    rondo_transport_get_write_buffer_limits(p->transport, &h, &l);
    assert_int_equal(h, high);
    assert_int_equal(l, low);
}

static void set_limits(struct peer *p, size_t high, size_t low)
{
    assert_ok(rondo_transport_set_write_buffer_limits(p->transport, high, low));
}

/* ---- S4: the limits ----------------------------------------------------- */

TEST(S4_default_limits)
{
    struct peer *a, *b;

    test_pair(w, &a, &b);
    check_limits(a, DEFAULT_HIGH, DEFAULT_HIGH / 4);
    rondo_transport_get_write_buffer_limits(a->transport, NULL, NULL);
}

TEST(S4_low_alone)
{
    struct peer *a, *b;

    test_pair(w, &a, &b);
    set_limits(a, 0, 1000);
    check_limits(a, 4000, 1000);
}

TEST(S4_high_alone)
{
    struct peer *a, *b;

    test_pair(w, &a, &b);
    set_limits(a, 1000, 0);
    check_limits(a, 1000, 250);
    set_limits(a, 1, 0);
    check_limits(a, 1, 0);
}

TEST(S4_both_limits)
{
    struct peer *a, *b;

    test_pair(w, &a, &b);
    set_limits(a, 10, 10);
    check_limits(a, 10, 10);
    set_limits(a, SIZE_MAX, 1);
    check_limits(a, SIZE_MAX, 1);
}

TEST(S4_high_below_low_is_EINVAL)
{
    struct peer *a, *b;

    test_pair(w, &a, &b);
    set_limits(a, 100, 50);
    assert_refused(
        rondo_transport_set_write_buffer_limits(a->transport, 10, 11),
        RONDO_EINVAL, "write_buffer_limits");
    check_limits(a, 100, 50);
    assert_einval(rondo_transport_set_write_buffer_limits(NULL, 1, 1));
}

TEST(S4_zero_and_zero_restore_the_defaults)
{
    struct peer *a, *b;

    test_pair(w, &a, &b);
    set_limits(a, 100, 50);
    set_limits(a, 0, 0);
    check_limits(a, DEFAULT_HIGH, DEFAULT_HIGH / 4);
}

TEST(S4_an_absurd_low_does_not_wrap)
{
    struct peer *a, *b;
    size_t high = 0;
    size_t low = 0;

    test_pair(w, &a, &b);
    (void)rondo_transport_set_write_buffer_limits(a->transport, 0,
                                                  SIZE_MAX / 4 + 2);
    rondo_transport_get_write_buffer_limits(a->transport, &high, &low);
    assert_true(high >= low);
}

/* ---- S4: pause and resume ----------------------------------------------- */

/* a transport with a settled buffer of bytes, which a plain socket can read */
static raw_fd stuffed_peer(struct world *w, struct peer *p, uint64_t *sent)
{
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);

    set_limits(p, SIZE_MAX, 0);
    *sent = test_fill_transport(w, p);
    (void)test_settle(w, p);
    while (peer_buffered(p) == 0) {
        unsigned char piece[4096];

        test_fill(piece, *sent, sizeof piece);
        assert_ok(rondo_transport_write(p->transport, piece, sizeof piece));
        *sent += sizeof piece;
        (void)test_settle(w, p);
    }
    return fd;
}

static void finish(struct world *w, struct peer *p, raw_fd fd, uint64_t sent)
{
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, fd, 0), sent);
    assert_lost(w, p, NULL, 0);
    raw_close(fd);
}

TEST(S4_pause_when_over_high_and_not_at_it)
{
    struct peer *p = test_peer(w);
    uint64_t sent;
    raw_fd fd = stuffed_peer(w, p, &sent);
    size_t size = peer_buffered(p);
    unsigned char piece[101];

    set_limits(p, size + 100, 1);
    test_fill(piece, sent, sizeof piece);
    assert_int_equal(rondo_transport_write(p->transport, piece, 100), 0);
    assert_int_equal(peer_buffered(p), size + 100);
    test_spin(w, 20);
    assert_int_equal(p->pauses, 0);
    assert_int_equal(rondo_transport_write(p->transport, piece + 100, 1), 1);
    assert_int_equal(p->pauses, 0); /* not inside the call */
    test_run_until(w, p->pauses == 1);
    test_spin(w, 20);
    assert_string_equal(p->order, "MP");
    finish(w, p, fd, sent + 101);
}

static void at_most_low(struct peer *p)
{
    size_t low = 0;

    rondo_transport_get_write_buffer_limits(p->transport, NULL, &low);
    assert_true(peer_buffered(p) <= low);
    assert_false(rondo_transport_is_writing_paused(p->transport));
}

TEST(S4_resume_when_down_to_low)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    unsigned char *data = test_alloc(w, LARGE);
    uint64_t at = 0;

    p->on_resume = at_most_low;
    test_fill(data, 0, LARGE);
    set_limits(p, 500000, 300000);
    assert_int_equal(rondo_transport_write(p->transport, data, LARGE), 1);
    test_run_until(w, p->pauses == 1);
    while (!p->resumes) {
        assert_true(rondo_transport_is_writing_paused(p->transport));
        assert_true(peer_buffered(p) > 300000);
        at += test_drain_raw_some(w, fd, at, 1000);
        test_spin(w, 2);
    }
    if (!peer_buffered(p))
        test_skip(w, "this kernel takes all that waits as soon as there is "
                     "room");
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, fd, at), LARGE - at);
    raw_close(fd);
}

TEST(S4_not_for_what_the_kernel_took)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    unsigned char data[1000];
    uint64_t at = 0;

    set_limits(p, 1, 1);
    for (int i = 0; i < 20; i++) {
        test_fill(data, at, sizeof data);
        assert_int_equal(rondo_transport_write(p->transport, data, sizeof data),
                         0);
        at += sizeof data;
    }
    test_spin(w, 20);
    assert_string_equal(p->order, "M");
    finish(w, p, fd, at);
}

TEST(S4_both_are_called_even_if_it_drains_first)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    unsigned char *data = test_alloc(w, LARGE);
    unsigned char got[4096];

    test_fill(data, 0, LARGE);
    set_limits(p, 1, 0);
    for (int i = 0; i < 200 && peer_buffered(p) == 0; i++)
        assert_ok(rondo_transport_write(p->transport, data, 4096));
    assert_true(peer_buffered(p) > 0);
    while (raw_recv(fd, got, sizeof got, 0) > 0) /* room for all of it */
        continue;
    test_run_until(w, p->resumes == 1);
    assert_string_equal(p->order, "MPR");
    raw_close(fd);
}

TEST(S4_no_resume_after_an_abort)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    unsigned char *data = test_alloc(w, LARGE);

    assert_int_equal(rondo_transport_write(p->transport, data, LARGE), 1);
    rondo_transport_abort(p->transport);
    test_run_until(w, p->lost);
    assert_int_equal(p->resumes, 0);
    raw_close(fd);
}

/* ---- S4: new limits ----------------------------------------------------- */

TEST(S4_lower_limits_pause_at_once)
{
    struct peer *p = test_peer(w);
    uint64_t sent;
    raw_fd fd = stuffed_peer(w, p, &sent);

    assert_false(rondo_transport_is_writing_paused(p->transport));
    set_limits(p, peer_buffered(p) - 1, 1);
    assert_true(rondo_transport_is_writing_paused(p->transport));
    assert_int_equal(p->pauses, 0);
    test_run_until(w, p->pauses == 1);
    finish(w, p, fd, sent);
}

TEST(S4_higher_limits_resume_at_once)
{
    struct peer *p = test_peer(w);
    uint64_t sent;
    raw_fd fd = stuffed_peer(w, p, &sent);
    size_t size = peer_buffered(p);

    set_limits(p, 1, 1);
    test_run_until(w, p->pauses == 1);
    set_limits(p, size * 2, size);
    assert_int_equal(p->resumes, 0);
    test_run_until(w, p->resumes == 1);
    assert_false(rondo_transport_is_writing_paused(p->transport));
    assert_int_equal(peer_buffered(p), size);
    assert_string_equal(p->order, "MPR");
    finish(w, p, fd, sent);
}

/* between the marks nothing changes, whichever side it came from */
TEST(S4_limits_around_the_size_change_nothing)
{
    struct peer *p = test_peer(w);
    uint64_t sent;
    raw_fd fd = stuffed_peer(w, p, &sent);
    size_t size = peer_buffered(p);

    set_limits(p, size, 1);
    test_spin(w, 10);
    assert_string_equal(p->order, "M");
    set_limits(p, size - 1, 1);
    test_run_until(w, p->pauses == 1);
    set_limits(p, size * 4, size - 1);
    test_spin(w, 10);
    assert_string_equal(p->order, "MP");
    assert_true(rondo_transport_is_writing_paused(p->transport));
    finish(w, p, fd, sent);
}

TEST(S4_limits_to_and_fro_before_the_loop_runs)
{
    struct peer *p = test_peer(w);
    uint64_t sent;
    raw_fd fd = stuffed_peer(w, p, &sent);
    size_t size = peer_buffered(p);

    for (int i = 0; i < 7; i++) {
        set_limits(p, 1, 1);
        assert_true(rondo_transport_is_writing_paused(p->transport));
        set_limits(p, size, size);
    }
    test_spin(w, 40);
    assert_int_equal(p->pauses, p->resumes);
    assert_false(rondo_transport_is_writing_paused(p->transport));
    set_limits(p, 1, 1);
    test_spin(w, 40);
    assert_int_equal(p->pauses, p->resumes + 1);
    finish(w, p, fd, sent);
}

/* ---- S4: each way to write counts --------------------------------------- */

TEST(S4_gathered_and_owned_count)
{
    struct peer *p = test_peer(w);
    uint64_t sent;
    raw_fd fd = stuffed_peer(w, p, &sent);
    size_t size = peer_buffered(p);
    unsigned char *data = test_alloc(w, 3000);
    const rondo_buffer pieces[2] = {{data, 400}, {data + 400, 600}};

    test_fill(data, sent, 3000);
    set_limits(p, size + 999, 1);
    assert_int_equal(rondo_transport_writev(p->transport, pieces, 2), 1);
    assert_int_equal(peer_buffered(p), size + 1000);
    set_limits(p, size + 1999, size + 1999);
    assert_int_equal(rondo_transport_write_owned(p->transport, data + 1000,
                                                 1000, ignore_release, NULL),
                     1);
    assert_int_equal(peer_buffered(p), size + 2000);
    set_limits(p, size + 2999, size + 2999);
    assert_int_equal(rondo_transport_write(p->transport, data + 2000, 1000), 1);
    assert_int_equal(peer_buffered(p), size + 3000);
    test_spin(w, 40);
    /* resumed only if the kernel has found room after all */
    assert_true(p->pauses >= 1);
    assert_int_equal(p->pauses - p->resumes, peer_buffered(p) > size + 2999);
    finish(w, p, fd, sent + 3000);
}
