/* test_stream_reading.c - pausing and resuming what is read. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

enum { SMALL = 8192 };

/* A loop that something keeps waking makes thousands of iterations. */
static void check_idle(struct world *w)
{
    assert_true(test_run_for(w, RONDO_MS(50)) <= 10);
}

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

/* plain, and into buffers of the program's */
static const struct {
    const char *name;
    const rondo_protocol *protocol;
} kinds[] = {
    {"data_received", &recorder},
    {"buffer_updated", &buffered_recorder},
};

TEST_LEAVES(S5_pause_holds_the_bytes_and_the_peer_blocks)
{
    for (EACH_ROW(w, kind, kinds)) {
        struct peer *p = plain_peer(w, kind->protocol, SMALL);
        size_t sent;

        act_pause(p);
        sent = send_until_blocked(w, p->fd);
        assert_int_equal(p->bytes, 0);
        assert_int_equal(p->buffers, 0);
        act_resume(p);
        test_run_until(w, p->bytes == sent);
        peer_got(p, sent);
        plain_send_pattern(p, sent, 10);
        test_run_until(w, p->bytes == sent + 10);
    }
}

/* each resume lets exactly one callback through */
TEST_LEAVES(S5_pause_inside_the_callback_of_bytes)
{
    enum { SIZE = 300000 };

    for (EACH_ROW(w, kind, kinds)) {
        struct peer *p = plain_peer(w, kind->protocol, 0);

        p->on_bytes = act_pause;
        plain_send_pattern(p, 0, SIZE);
        for (unsigned i = 1; p->bytes < SIZE; i++) {
            test_run_until(w, p->data + p->updates == i);
            assert_false(rondo_transport_is_reading(p->transport));
            test_spin(w, 20);
            assert_int_equal(p->data + p->updates, i);
            if (i == 1)
                check_idle(w);
            act_resume(p);
        }
        peer_got(p, SIZE);
        assert_true(p->data + p->updates > 2);
    }
}

TEST_LEAVES(S5_pause_and_resume_are_idempotent)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    assert_true(rondo_transport_is_reading(p->transport));
    act_resume(p);
    assert_true(rondo_transport_is_reading(p->transport));
    act_pause(p);
    act_pause(p);
    assert_false(rondo_transport_is_reading(p->transport));
    plain_send_pattern(p, 0, 100);
    test_spin(w, 20);
    assert_int_equal(p->bytes, 0);
    act_resume(p);
    act_resume(p);
    assert_true(rondo_transport_is_reading(p->transport));
    test_run_until(w, p->bytes == 100);
}

TEST_LEAVES(S5_pause_and_resume_many_times_before_the_loop_runs)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    for (uint64_t i = 0; i < 100; i++) {
        plain_send_pattern(p, i * 10, 10);
        act_pause(p);
        act_resume(p);
        act_pause(p);
        if (i % 2)
            test_spin(w, 1);
        assert_int_equal(p->bytes, i * 10);
        act_resume(p);
        test_run_until(w, p->bytes == (i + 1) * 10);
    }
    peer_got(p, 1000);
}

static void both_are_harmless(struct peer *p)
{
    act_pause(p);
    act_resume(p);
    assert_false(rondo_transport_is_reading(p->transport));
}

TEST(S5_harmless_after_close_and_in_lost)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    (void)test_fill_transport(w, p);
    p->on_lost = both_are_harmless;
    plain_send_pattern(p, 0, 100);
    rondo_transport_close(p->transport);
    both_are_harmless(p);
    test_spin(w, 20);
    assert_int_equal(p->bytes, 0);
    (void)plain_drain(p); /* may end with a reset: unread input */
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "ML");
}

static void resume_later(rondo_loop *loop, void *arg)
{
    (void)loop;
    act_resume(arg);
}

TEST_LEAVES(S5_resume_from_elsewhere)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    act_pause(p);
    plain_send_pattern(p, 0, 50);
    assert_ok(rondo_call_later(w->loop, RONDO_MS(1), resume_later, p));
    test_run_until(w, p->bytes == 50);
}

/* ---- S5: what happens while reading is paused --------------------------- */

static void write_some(struct peer *p)
{
    for (int i = 0; i < 3; i++)
        (void)rondo_transport_write(p->transport, "x", 1);
}

TEST(S5_a_reset_while_paused_costs_no_cpu_and_arrives)
{
    static const struct {
        const char *name;
        void (*hear)(struct peer *p);
    } rows[] = {
        {"after resume", act_resume},
        {"at the next write", write_some},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, &recorder, 0);

        act_pause(p);
        test_spin(w, 5);
        plain_reset(p);
        check_idle(w);
        assert_int_equal(p->lost, 0);
        row->hear(p);
        assert_int_equal(p->lost, 0);
        assert_lost(w, p, "ML", RONDO_ECONNRESET);
    }
}

/* More than 32 buffers of io_uring's, and no more than it has at first: a kernel
 * that goes through them takes its time, and loses the reset behind them. */
TEST(S5_a_reset_behind_many_bytes_while_paused)
{
    struct peer *p = plain_peer(w, &recorder, 128 << 10);

    act_pause(p);
    test_spin(w, 5);
    (void)send_until_blocked(w, p->fd);
    plain_reset(p);
    act_resume(p);
    assert_lost(w, p, NULL, RONDO_ECONNRESET);
}

/* the writer is watched, so this reset is seen at once */
TEST(S5_a_reset_while_paused_and_writing)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    act_pause(p);
    (void)test_fill_transport(w, p);
    plain_reset(p);
    assert_lost(w, p, NULL, RONDO_ECONNRESET);
}

TEST(S5_an_eof_while_paused_costs_no_cpu)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    act_pause(p);
    test_spin(w, 5);
    plain_send_pattern(p, 0, 100);
    plain_close(p);
    check_idle(w);
    assert_string_equal(p->order, "M");
    act_resume(p);
    assert_lost(w, p, "MdEL", 0);
    assert_int_equal(p->bytes, 100);
}

TEST(S5_a_paused_transport_can_be_closed)
{
    struct peer *a, *b;

    test_pair(w, &a, &b);
    act_pause(a);
    act_pause(b);
    test_spin(w, 5);
    rondo_transport_close(a->transport);
    rondo_transport_abort(b->transport);
    assert_lost(w, a, NULL, 0);
    assert_lost(w, b, NULL, RONDO_ECANCELED);
}

TEST_LEAVES(S5_an_idle_connection_does_not_wake_the_loop)
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
