/* test_filter_flow.c - flow control, pauses and volume through filters. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_filter.h"

static raw_fd ready_peer(struct world *w, const rondo_protocol *protocol,
                         struct peer *p, struct toy *y, int buffer_bytes)
{
    unsigned char hello[2];
    raw_fd fd = test_raw_peer(w, protocol, p, buffer_bytes);

    toy_push(p->transport, y);
    toy_raw_hello(fd, 1);
    test_run_until(w, y->done);
    toy_raw_take(w, fd, hello, 2);
    return fd;
}

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
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 8192);
    size_t before;

    assert_ok(
        rondo_transport_push_filter(p->transport, &tenfold, NULL, NULL, NULL));
    test_spin(w, 2);
    (void)test_fill_transport(w, p);
    before = test_settle(w, p);
    assert_ok(rondo_transport_set_write_buffer_limits(
        p->transport, before + 2000, before + 1000));
    assert_int_equal(rondo_transport_write(p->transport, "0123456789", 10), 0);
    assert_int_equal(rondo_transport_get_write_buffer_size(p->transport),
                     before + 100);
    for (int i = 0; i < 19; i++)
        (void)rondo_transport_write(p->transport, "0123456789", 10);
    assert_int_equal(rondo_transport_write(p->transport, "!", 1), 1);
    raw_close(fd);
}

static void stop_writing(struct peer *p)
{
    *(bool *)p->user = true;
}

static void go_on_writing(struct peer *p)
{
    *(bool *)p->user = false;
}

TEST_LEAVES(S4_pause_and_resume_alternate)
{
    enum { SIZE = 2000000 };
    struct toy_pair p = toy_pair(w, 8192);
    bool *paused = test_alloc(w, sizeof *paused);
    uint64_t size = SIZE / (unsigned)test_slowness(), sent = 0;
    unsigned char piece[5000];

    p.a->user = paused;
    p.a->on_pause = stop_writing;
    p.a->on_resume = go_on_writing;
    test_run_until(w, p.a->made && p.b->made);
    while (sent < size) {
        test_fill(piece, sent, sizeof piece);
        assert_ok(rondo_transport_write(p.a->transport, piece, sizeof piece));
        sent += sizeof piece;
        test_run_until(w, !*paused);
        if (rondo_transport_is_writing_paused(p.a->transport))
            test_spin(w, 1);
    }
    rondo_transport_close(p.a->transport);
    test_run_until(w, p.b->lost);
    assert_true(p.a->pauses > 0);
    assert_true(p.a->pauses - p.a->resumes <= 1);
    assert_int_equal(p.b->bytes, sent);
    assert_true(p.b->checksum == test_pattern_checksum(sent));
}

/* both directions at once, with pauses of reading in between */
static void pause_now_and_then(struct peer *p, const void *data, size_t size)
{
    (void)data;
    (void)size;
    if (p->data % 7 == 3)
        assert_ok(rondo_transport_pause_reading(p->transport));
}

TEST_LEAVES(S13_volume_both_ways_with_pauses)
{
    enum { SIZE = 1000000 };
    struct toy_pair p = toy_pair(w, 8192);
    uint64_t size = 0;
    unsigned char piece[3000];

    p.a->on_data = p.b->on_data = pause_now_and_then;
    test_run_until(w, p.a->made && p.b->made);
    for (; size < SIZE / (unsigned)test_slowness(); size += sizeof piece) {
        test_fill(piece, size, sizeof piece);
        (void)rondo_transport_write(p.a->transport, piece, sizeof piece);
        (void)rondo_transport_write(p.b->transport, piece, sizeof piece);
    }
    while (p.a->bytes < size || p.b->bytes < size) {
        assert_ok(rondo_transport_resume_reading(p.a->transport));
        assert_ok(rondo_transport_resume_reading(p.b->transport));
        test_spin(w, 3);
    }
    assert_int_equal(p.a->bytes, size);
    assert_int_equal(p.b->bytes, size);
    assert_true(p.a->checksum == test_pattern_checksum(size));
    assert_true(p.b->checksum == test_pattern_checksum(size));
}

/* ---- reading ------------------------------------------------------------ */

/* many frames in one read: the first pauses, the others are kept */
TEST(S5_deliver_keeps_data_while_paused)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fd = ready_peer(w, &recorder, p, y, 0);
    static const char frames[] = {
        0, 1, 'a' ^ 1, 0, 3, 'b' ^ 1, 'c' ^ 1, 'd' ^ 1, 0, 1, 'e' ^ 1, 0, 0};

    p->on_data = act_pause_in_data;
    peer_capture(p, 64);
    assert_true(raw_send_all(fd, frames, sizeof frames, 1000));
    test_run_until(w, p->data == 1 && y->goodbye);
    test_spin(w, 20);
    assert_int_equal(p->data, 1);
    p->on_data = NULL;
    assert_ok(rondo_transport_resume_reading(p->transport));
    test_run_until(w, p->lost);
    assert_memory_equal(p->captured, "abcde", 5);
    assert_string_equal(p->order, "MdEL");
    raw_close(fd);
}

TEST_LEAVES(S5_a_paused_transport_stops_the_peer)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fd = ready_peer(w, &recorder, p, y, 8192);
    unsigned char frame[TOY_FRAME + 2] = {TOY_FRAME >> 8, TOY_FRAME & 255};
    size_t sent = 0, peak;
    ptrdiff_t n = 0;

    assert_ok(rondo_transport_pause_reading(p->transport));
    test_reset_peak(w);
    peak = test_peak_bytes(w);
    for (int idle = 0; idle < 50; idle++) {
        n = raw_send(fd, frame + sent % sizeof frame,
                     sizeof frame - sent % sizeof frame);
        if (n > 0) {
            sent += (size_t)n;
            idle = 0;
        }
        test_spin(w, 1);
        assert_true(sent < 10000000);
    }
    assert_int_equal(p->bytes, 0);
    assert_true(test_peak_bytes(w) < peak + 200000);
    assert_ok(rondo_transport_resume_reading(p->transport));
    test_run_until(w, p->bytes >= sent / sizeof frame * TOY_FRAME);
    raw_close(fd);
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
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    size_t *received = test_alloc(w, sizeof *received), sent = 0;
    char piece[4096] = "";
    ptrdiff_t n;

    assert_ok(rondo_transport_push_filter(p->transport, &early, received, NULL,
                                          NULL));
    for (int idle = 0; idle < 50; idle++) {
        n = raw_send(fd, piece, sizeof piece);
        if (n > 0) {
            sent += (size_t)n;
            idle = 0;
        }
        test_spin(w, 1);
        assert_true(sent < 50000000);
    }
    assert_true(*received >= 65536 && *received <= 4 * 65536);
    assert_int_equal(p->bytes, 0);
    raw_close(fd);
}

static void unread_one(struct peer *p, const void *data, size_t size)
{
    if (p->data % 2)
        assert_ok(rondo_transport_unread(p->transport,
                                         (const char *)data + size - 1, 1));
}

TEST_LEAVES(S10_unread_under_filters)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fd = ready_peer(w, &recorder, p, y, 0);

    p->on_data = unread_one;
    peer_capture(p, 64);
    toy_raw_send(fd, 1, "abc", 3); /* abc, then c again */
    test_run_until(w, p->bytes == 4);
    toy_raw_send(fd, 1, "de", 2);
    test_run_until(w, p->bytes == 7);
    assert_memory_equal(p->captured, "abccdee", 7);
    raw_close(fd);
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
    struct peer *p = test_peer(w), *q = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fd = ready_peer(w, &recorder, p, y, 0);

    q->joined = true;
    p->other = q;
    p->on_data = hand_over;
    peer_capture(q, 64);
    toy_raw_send(fd, 1, "abc", 3);
    toy_raw_send(fd, 1, "de", 2);
    test_run_until(w, q->bytes == 4);
    assert_memory_equal(q->captured, "bcde", 4);
    assert_int_equal(p->data, 1);
    raw_close(fd);
    test_run_until(w, q->lost);
}

TEST(S11_the_read_time_runs_under_filters)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fd = ready_peer(w, &recorder, p, y, 0);

    assert_ok(rondo_transport_set_timeouts(p->transport, RONDO_MS(20), 0));
    toy_raw_send(fd, 1, "abc", 3);
    test_run_until(w, p->lost);
    assert_int_equal(p->bytes, 3);
    assert_int_equal(p->error, RONDO_ETIMEDOUT);
    assert_int_equal(y->error, RONDO_ETIMEDOUT);
    raw_close(fd);
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
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fds[2];
    unsigned char got[7];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, p);
    y->late = true;
    toy_push(p->transport, y);
    toy_raw_hello(fds[1], 1);
    peer_capture(p, 8);
    test_run_until(w, y->hello);
    assert_int_equal(p->made, 0);
    assert_ok(rondo_call_later(w->loop, RONDO_MS(1), later, y));
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MdEL");
    assert_memory_equal(p->captured, "late", 4);
    toy_raw_take(w, fds[1], got, 7);
    assert_memory_equal(got, "H\7raw\0\0", 7);
    raw_close(fds[1]);
}
