/* test_pump.c - bytes that go from one transport to another. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"
#include "harness_plain.h"
#include "harness_pump.h"

/* ---- J1: bytes and the end ---------------------------------------------- */

TEST_LEAVES(J1_bytes_go_through_and_then_the_end)
{
    struct peer *a = plain_peer(w, &recorder, 0),
                *b = plain_peer(w, &recorder, 0);
    struct pumping *p = pump(w, a, b, -1, 0);

    plain_send_pattern(a, 0, 1000);
    plain_takes(b, 0, 1000);
    plain_send_pattern(a, 1000, 100000);
    plain_takes(b, 1000, 100000);
    raw_shutdown_write(a->fd);
    pump_ends(w, p, 101000, 0);
    assert_int_equal(plain_drain(b), 0);
    assert_int_equal(a->bytes + a->eof + a->lost + b->lost, 0);
    pump_close_both(a, b);
}

static void try_volume(struct world *w, int buffers, uint64_t size)
{
    struct peer *a = plain_peer(w, &recorder, buffers),
                *b = plain_peer(w, &recorder, buffers);
    struct pumping *p = pump(w, a, b, -1, 0);
    uint64_t sent = 0, got = 0;
    unsigned char *bytes = test_alloc(w, 65536);

    size /= (unsigned)test_slowness();
    while (got < size) {
        size_t rest = size - sent < 65536 ? (size_t)(size - sent) : 65536;
        ptrdiff_t n;
        test_fill(bytes, sent, rest);
        n = rest ? raw_send(a->fd, bytes, rest) : 0;
        sent += n > 0 ? (uint64_t)n : 0;
        test_spin(w, 1);
        n = raw_recv(b->fd, bytes, 65536, 0);
        if (n <= 0)
            continue;
        assert_true(test_matches(bytes, got, (size_t)n));
        got += (uint64_t)n;
    }
    raw_shutdown_write(a->fd);
    pump_ends(w, p, size, 0);
    assert_int_equal(plain_drain(b), 0);
    pump_close_both(a, b);
}

TEST_CASE_LEAVES(J1_much, try_volume(w, 0, 64 << 20));
TEST_CASE_LEAVES(J1_much_with_small_buffers, try_volume(w, 4096, 4 << 20));

TEST_LEAVES(J1_both_ways_make_a_proxy)
{
    struct peer *a = plain_peer(w, &recorder, 0),
                *b = plain_peer(w, &recorder, 0);
    struct pumping *p = pump(w, a, b, -1, 0), *q = pump(w, b, a, -1, 0);

    plain_send_pattern(a, 0, 5000);
    plain_send_pattern(b, 0, 7000);
    plain_takes(b, 0, 5000);
    plain_takes(a, 0, 7000);
    raw_shutdown_write(a->fd);
    pump_ends(w, p, 5000, 0);
    assert_int_equal(plain_drain(b), 0);
    plain_send_pattern(b, 7000, 3000); /* the other direction goes on */
    plain_takes(a, 7000, 3000);
    raw_shutdown_write(b->fd);
    pump_ends(w, q, 10000, 0);
    test_run_until(w, a->lost && b->lost);
    assert_int_equal(a->error + b->error, 0);
}

TEST_LEAVES(J1_a_transport_that_sends_back_what_it_gets)
{
    struct peer *a = plain_peer(w, &recorder, 0);
    struct pumping *p = pump(w, a, a, -1, 0);

    plain_send_pattern(a, 0, 50000);
    plain_takes(a, 0, 50000);
    raw_shutdown_write(a->fd);
    pump_ends(w, p, 50000, 0);
    assert_int_equal(plain_drain(a), 0);
}

TEST_LEAVES(J1_kept_open_for_the_next)
{
    struct peer *a = plain_peer(w, &recorder, 0),
                *b = plain_peer(w, &recorder, 0);
    struct pumping *p = pump(w, a, b, -1, RONDO_PUMP_KEEP_OPEN);

    plain_send_pattern(a, 0, 500);
    raw_shutdown_write(a->fd);
    pump_ends(w, p, 500, 0);
    plain_takes(b, 0, 500);
    assert_int_equal(peer_write(b, 500, 100), 0);
    plain_takes(b, 500, 100);
    pump_close_both(a, b);
}

TEST_LEAVES(J1_what_is_behind_the_size_is_the_protocols)
{
    static const struct {
        const char *name;
        unsigned before;
    } rows[] = {{"read by the pump", 0}, {"held before", 3000}};

    for (EACH_ROW(w, row, rows)) {
        struct peer *a = plain_peer(w, &recorder, 0),
                    *b = plain_peer(w, &recorder, 0);
        struct pumping *p;
        if (row->before) { /* a filter of a kind: what was given back */
            assert_ok(rondo_transport_pause_reading(a->transport));
            plain_send_pattern(a, 0, row->before);
            test_spin(w, 3);
        }
        p = pump(w, a, b, 2000, 0);
        assert_ok(rondo_transport_resume_reading(a->transport));
        plain_send_pattern(a, row->before, 10000 - row->before);
        pump_ends(w, p, 2000, 0);
        plain_takes(b, 0, 2000);
        test_run_until(w, a->bytes == 8000);
        assert_int_equal(b->lost + a->lost, 0);
        assert_int_equal(peer_write(b, 2000, 10), 0);
        plain_takes(b, 2000, 10);
        pump_close_both(a, b);
    }
}

/* What waits in the write buffer goes first. */
TEST_LEAVES(J1_behind_what_was_written_before)
{
    struct peer *a = plain_peer(w, &recorder, 0),
                *b = plain_peer(w, &recorder, 4096);
    struct pumping *p;

    (void)peer_write(b, 0, 2 << 20);
    assert_true(peer_buffered(b) > 0);
    p = pump(w, a, b, -1, 0);
    plain_send_pattern(a, 2 << 20, 100000);
    plain_takes(b, 0, (2 << 20) + 100000);
    raw_shutdown_write(a->fd);
    pump_ends(w, p, 100000, 0);
    pump_close_both(a, b);
}

/* ---- J2: flow control --------------------------------------------------- */

TEST_LEAVES(J2_no_faster_than_it_is_taken)
{
    struct peer *a = plain_peer(w, &recorder, 4096),
                *b = plain_peer(w, &recorder, 4096);
    struct pumping *p = pump(w, a, b, -1, 0);
    unsigned char *bytes = test_alloc(w, 65536);
    uint64_t sent = 0;
    int idle = 0;

    /* the sender is stopped, long before there is no memory */
    while (idle < 200) {
        ptrdiff_t n;
        test_fill(bytes, sent, 65536);
        n = raw_send(a->fd, bytes, 65536);
        idle = n > 0 ? 0 : idle + 1;
        sent += n > 0 ? (uint64_t)n : 0;
        assert_true(sent < 32 << 20);
        test_spin(w, 1);
    }
    assert_true(peer_buffered(b) < 1 << 20);
    assert_true(test_run_for(w, RONDO_MS(30)) < 10); /* and costs nothing */
    plain_takes(b, 0, sent);
    raw_shutdown_write(a->fd);
    pump_ends(w, p, sent, 0);
    pump_close_both(a, b);
}

TEST_LEAVES(J2_reading_may_be_paused)
{
    struct peer *a = plain_peer(w, &recorder, 0),
                *b = plain_peer(w, &recorder, 0);
    struct pumping *p = pump(w, a, b, -1, 0);

    assert_ok(rondo_transport_pause_reading(a->transport));
    plain_send_pattern(a, 0, 1000);
    (void)test_run_for(w, RONDO_MS(10));
    assert_int_equal(raw_recv(b->fd, test_alloc(w, 10), 10, 0), RAW_AGAIN);
    assert_ok(rondo_transport_resume_reading(a->transport));
    plain_takes(b, 0, 1000);
    raw_shutdown_write(a->fd);
    pump_ends(w, p, 1000, 0);
    pump_close_both(a, b);
}

/* ---- J5: through filters ------------------------------------------------ */

/* What a's peer writes in cipher goes on in clear, and in cipher again. */
static void try_filters(struct world *w, int buffers)
{
    struct toy_pair in = toy_pair_ready(w, buffers),
                    out = toy_pair_ready(w, buffers);
    uint64_t size = 1000000 / (unsigned)test_slowness();
    struct pumping *p = pump(w, in.b, out.a, -1, 0);

    test_write_pattern(w, in.a, size, 5000);
    rondo_transport_close(in.a->transport);
    pump_ends(w, p, size, 0);
    test_run_until(w, out.b->eof || out.b->lost);
    assert_received(out.b, size);
    assert_int_equal(in.b->bytes, 0);
}

TEST_CASE_LEAVES(J5_with_filters_on_both_sides, try_filters(w, 0));
TEST_CASE_LEAVES(J5_with_filters_and_small_buffers, try_filters(w, 8192));

TEST_LEAVES(J5_a_filter_on_one_side)
{
    struct toy_pair in = toy_pair_ready(w, 0);
    struct peer *b = plain_peer(w, &recorder, 0),
                *c = plain_peer(w, &recorder, 0);
    size_t descriptors = raw_count_descriptors();
    struct pumping *p = pump(w, in.b, b, -1, 0), *q;

    assert_int_equal(raw_count_descriptors(), descriptors);
    test_write_pattern(w, in.a, 50000, 5000);
    plain_takes(b, 0, 50000);
    assert_ok(rondo_cancel(w->loop, p->id));
    pump_ends(w, p, 50000, RONDO_ECANCELED);
    q = pump(w, c, in.b, -1, 0); /* the other way */
    plain_send_pattern(c, 0, 50000);
    test_run_until(w, in.a->bytes == 50000);
    assert_received(in.a, 50000);
    assert_refused(rondo_transport_push_filter(c->transport, &toy_filter,
                                               test_toy(w, 1), NULL, NULL),
                   RONDO_EBUSY, NULL);
    raw_shutdown_write(c->fd);
    pump_ends(w, q, 50000, 0);
}

/* A filter that a peer breaks ends the pump with its error. */
TEST_LEAVES(J5_a_filter_that_fails)
{
    struct toy_side s = toy_side_ready(w, 0);
    struct peer *b = plain_peer(w, &recorder, 0);
    struct pumping *p = pump(w, s.p, b, -1, 0);

    raw_shutdown_write(s.fd); /* without a goodbye */
    pump_ends(w, p, 0, RONDO_ECONNRESET);
    assert_int_equal(b->lost, 0);
}
