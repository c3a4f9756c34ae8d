/* test_filter_flow.c - flow control, pauses and volume through filters. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_filter.h"

/* ---- writing ------------------------------------------------------------ */

/* a filter that makes ten bytes of each: the limits are for these */
static int write_tenfold(rondo_layer *layer, void *self, const void *data,
                         size_t size)
{
    const char *bytes = data;
    char ten[10];
    int result = 0;

    (void)self;
    for (size_t i = 0; i < size && result >= 0; i++) {
        memset(ten, bytes[i], sizeof ten);
        result = rondo_layer_send(layer, ten, sizeof ten);
    }
    return result;
}

TEST_LEAVES(S4_limits_count_the_lower_bytes)
{
    static const rondo_filter tenfold = {.write = write_tenfold};
    struct peer *p = toy_side(w, 8192).p;
    size_t before;

    assert_ok(
        rondo_transport_push_filter(p->transport, &tenfold, NULL, NULL, NULL));
    test_spin(w, 2);
    (void)test_fill_transport(w, p);
    before = test_settle(w, p);
    assert_ok(rondo_transport_set_write_buffer_limits(
        p->transport, before + 2000, before + 1000));
    assert_int_equal(rondo_transport_write(p->transport, "0123456789", 10), 0);
    assert_int_equal(peer_buffered(p), before + 100);
    for (int i = 0; i < 19; i++)
        (void)rondo_transport_write(p->transport, "0123456789", 10);
    assert_int_equal(rondo_transport_write(p->transport, "!", 1), 1);
}

TEST_LEAVES(S4_pause_and_resume_alternate)
{
    struct toy_pair p = toy_pair_ready(w, 8192);
    uint64_t size = 2000000 / (unsigned)test_slowness();

    test_write_pattern(w, p.a, size, 5000);
    rondo_transport_close(p.a->transport);
    test_run_until(w, p.b->lost);
    assert_true(p.a->pauses > 0);
    assert_true(p.a->pauses - p.a->resumes <= 1);
    assert_received(p.b, size);
}

TEST_LEAVES(S13_volume_both_ways_with_pauses)
{
    struct toy_pair p = toy_pair_ready(w, 8192);

    test_exchange(w, p.a, p.b, 1000000 / (unsigned)test_slowness());
}

/* ---- reading ------------------------------------------------------------ */

/* many frames in one read: the first pauses, the others are kept */
TEST(S5_deliver_keeps_data_while_paused)
{
    struct toy_side s = toy_side_ready(w, 0);
    static const char frames[] = {
        0, 1, 'a' ^ 1, 0, 3, 'b' ^ 1, 'c' ^ 1, 'd' ^ 1, 0, 1, 'e' ^ 1, 0, 0};

    s.p->on_data = act_pause_in_data;
    assert_true(raw_send_all(s.fd, frames, sizeof frames, 1000));
    raw_shutdown_write(s.fd);
    test_run_until(w, s.p->data == 1 && s.y->goodbye);
    test_spin(w, 20);
    assert_int_equal(s.p->data, 1);
    s.p->on_data = NULL;
    assert_ok(rondo_transport_resume_reading(s.p->transport));
    assert_lost(w, s.p, "MdEL", 0);
    assert_hears(w, s.p, "abcde");
}

/* Sends the piece again and again until nobody takes more: how many bytes. */
static size_t send_until_stopped(struct world *w, raw_fd fd, const void *piece,
                                 size_t size)
{
    const char *bytes = piece;
    size_t sent = 0;

    for (int idle = 0; idle < 50; idle++) {
        ptrdiff_t n = raw_send(fd, bytes + sent % size, size - sent % size);

        if (n > 0) {
            sent += (size_t)n;
            idle = 0;
        }
        test_spin(w, 1);
        assert_true(sent < 50000000);
    }
    return sent;
}

TEST_LEAVES(S5_a_paused_transport_stops_the_peer)
{
    struct toy_side s = toy_side_ready(w, 8192);
    unsigned char frame[TOY_FRAME + 2] = {TOY_FRAME >> 8, TOY_FRAME & 255};
    size_t sent, peak;

    assert_ok(rondo_transport_pause_reading(s.p->transport));
    test_reset_peak(w);
    peak = test_peak_bytes(w);
    sent = send_until_stopped(w, s.fd, frame, sizeof frame);
    assert_true(sent < 10000000);
    assert_int_equal(s.p->bytes, 0);
    assert_true(test_peak_bytes(w) < peak + 200000);
    assert_ok(rondo_transport_resume_reading(s.p->transport));
    test_run_until(w, s.p->bytes >= sent / sizeof frame * TOY_FRAME);
}

/* what a filter delivers before it is ready is kept, up to a limit: then the
 * peer has to wait */
static int deliver_all(rondo_layer *layer, void *self, const void *data,
                       size_t size)
{
    *(size_t *)self += size;
    return rondo_layer_deliver(layer, data, size);
}

static int never_ready(rondo_layer *layer, void *self)
{
    (void)layer;
    (void)self;
    return 0;
}

TEST_LEAVES(S13_early_data_are_kept_within_bounds)
{
    static const rondo_filter early = {.start = never_ready,
                                       .received = deliver_all};
    struct toy_side s = toy_side(w, 0);
    size_t *received = test_alloc(w, sizeof *received);
    char piece[4096] = "";

    assert_ok(rondo_transport_push_filter(s.p->transport, &early, received,
                                          NULL, NULL));
    (void)send_until_stopped(w, s.fd, piece, sizeof piece);
    assert_true(*received >= 65536 && *received <= 4 * 65536);
    assert_int_equal(s.p->bytes, 0);
}

static void unread_one(struct peer *p, const void *data, size_t size)
{
    if (p->data % 2)
        assert_ok(rondo_transport_unread(p->transport,
                                         (const char *)data + size - 1, 1));
}

TEST_LEAVES(S10_unread_under_filters)
{
    struct toy_side s = toy_side_ready(w, 0);

    s.p->on_data = unread_one;
    toy_raw_send(s.fd, 1, "abc", 3); /* abc, then c again */
    test_run_until(w, s.p->bytes == 4);
    toy_raw_send(s.fd, 1, "de", 2);
    assert_hears(w, s.p, "abccdee");
}

static void hand_over(struct peer *p, const void *data, size_t size)
{
    assert_ok(
        rondo_transport_unread(p->transport, (const char *)data + 1, size - 1));
    assert_ok(rondo_transport_set_protocol(p->transport, &buffered_recorder,
                                           p->other));
}

TEST(S10_set_protocol_under_filters)
{
    struct toy_side s = toy_side_ready(w, 0);
    struct peer *q = test_peer(w);

    q->joined = true;
    s.p->other = q;
    s.p->on_data = hand_over;
    toy_raw_send(s.fd, 1, "abc", 3);
    toy_raw_send(s.fd, 1, "de", 2);
    assert_hears(w, q, "bcde");
    assert_int_equal(s.p->data, 1);
    test_close_own(w, s.fd);
    test_run_until(w, q->lost);
}

TEST(S11_the_read_time_runs_under_filters)
{
    struct toy_side s = toy_side_ready(w, 0);

    assert_ok(rondo_transport_set_timeouts(s.p->transport, RONDO_MS(20), 0));
    toy_raw_send(s.fd, 1, "abc", 3);
    assert_lost(w, s.p, NULL, RONDO_ETIMEDOUT);
    assert_int_equal(s.p->bytes, 3);
    assert_int_equal(s.y->error, RONDO_ETIMEDOUT);
}

/* ---- from outside a callback of the filter's ---------------------------- */

static void later(rondo_loop *loop, void *arg)
{
    struct toy *y = arg;

    (void)loop;
    assert_ok(rondo_layer_ready(y->layer));
    assert_ok(rondo_layer_deliver(y->layer, "late", 4));
    assert_ok(rondo_layer_send(y->layer, "raw", 3));
    assert_ok(rondo_layer_deliver_eof(y->layer));
}

TEST(S13_a_filter_that_works_by_a_timer)
{
    struct toy_side s = toy_side_new(w);

    s.y->late = true;
    toy_raw_hello(s.fd, 1);
    test_run_until(w, s.y->hello);
    assert_int_equal(s.p->made, 0);
    assert_ok(rondo_call_later(w->loop, RONDO_MS(1), later, s.y));
    toy_raw_hears(w, s.fd, "H\7raw\0\0", 7);
    raw_shutdown_write(s.fd);
    assert_lost(w, s.p, "MdEL", 0);
    assert_hears(w, s.p, "late");
}
