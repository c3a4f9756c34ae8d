/* test_stream_volume.c - a hundred megabytes, byte for byte. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <stdatomic.h>

enum { SMALL = 32768 };

/* One end of a stream that sends the pattern, checks the pattern it gets, and
 * stops reading now and then. */
struct end {
    struct world *w;
    struct peer *peer;
    uint64_t to_send, sent;
    uint64_t wrong;      /* chunks that were not the pattern */
    uint64_t until_rest; /* bytes before reading rests again; 0: never */
    uint64_t rests;
    uint32_t random;
    bool ended;
};

static uint32_t next_random(struct end *e)
{
    e->random = e->random * UINT32_C(1664525) + UINT32_C(1013904223);
    return e->random >> 8;
}

/* writes until it is told to wait, in pieces of any size, each way in turn */
static void pump(struct peer *p)
{
    struct end *e = p->user;
    unsigned char piece[20000];
    int result = 0;

    while (result == 0 && e->sent < e->to_send) {
        size_t size = 1 + next_random(e) % sizeof piece;
        rondo_buffer halves[2];

        if (size > e->to_send - e->sent)
            size = (size_t)(e->to_send - e->sent);
        test_fill(piece, e->sent, size);
        halves[0] = (rondo_buffer){piece, size / 2};
        halves[1] = (rondo_buffer){piece + size / 2, size - size / 2};
        if (size % 2)
            result = rondo_transport_writev(p->transport, halves, 2);
        else
            result = rondo_transport_write(p->transport, piece, size);
        assert_true(result >= 0);
        e->sent += size;
    }
    if (e->sent == e->to_send && !e->ended) {
        e->ended = true;
        assert_ok(rondo_transport_write_eof(p->transport));
    }
}

static void go_on_reading(rondo_loop *loop, void *arg)
{
    struct end *e = arg;

    (void)loop;
    if (e->peer->transport)
        assert_ok(rondo_transport_resume_reading(e->peer->transport));
}

static void check(struct end *e, const void *data, size_t size)
{
    struct peer *p = e->peer;

    if (!test_matches(data, p->bytes - size, size))
        e->wrong++;
    if (e->until_rest == 0 || p->bytes < e->until_rest)
        return;
    e->until_rest += 1 + next_random(e) % 500000;
    e->rests++;
    assert_ok(rondo_transport_pause_reading(p->transport));
    assert_ok(rondo_call_soon(e->w->loop, go_on_reading, e));
}

static void check_data(struct peer *p, const void *data, size_t size)
{
    check(p->user, data, size);
}

static void check_buffer(struct peer *p, size_t size)
{
    check(p->user, p->buffer, size);
}

static struct end *end_new(struct world *w, uint64_t to_send)
{
    struct end *e = test_alloc(w, sizeof *e);

    e->w = w;
    e->to_send = to_send;
    e->random = (uint32_t)to_send + 1;
    e->until_rest = 100000;
    e->peer = test_peer(w);
    e->peer->user = e;
    e->peer->keep_open = true;
    e->peer->no_checksum = true;
    e->peer->on_resume = pump;
    e->peer->on_data = check_data;
    e->peer->on_updated = check_buffer;
    return e;
}

/* Runs both ends until both are gone; the write buffers stay bounded. */
static void stream(struct world *w, const rondo_protocol *protocol,
                   uint64_t a_sends, uint64_t b_sends, int buffer_bytes)
{
    struct end *a = end_new(w, a_sends);
    struct end *b = end_new(w, b_sends);
    size_t before;

    test_pair_with(w, protocol, a->peer, protocol, b->peer, buffer_bytes);
    before = test_live_bytes(w);
    test_reset_peak(w);
    pump(a->peer);
    pump(b->peer);
    test_run_until(w, a->peer->lost && b->peer->lost);
    assert_int_equal(a->wrong + b->wrong, 0);
    assert_true(b->peer->bytes == a_sends && a->peer->bytes == b_sends);
    assert_int_equal(a->peer->error, 0);
    assert_int_equal(b->peer->error, 0);
    /* the end may come before the last resume */
    assert_true(a->peer->pauses - a->peer->resumes <= 1);
    if (a_sends >= 10000000 && test_slowness() == 1) {
        assert_true(a->peer->pauses > 10);
        assert_true(b->rests > 10);
    }
    assert_true(test_peak_bytes(w) < before + 1000000);
}

static uint64_t megabytes(uint64_t n)
{
    return n * 1000000 / (uint64_t)test_slowness();
}

TEST_CASE(S4_a_hundred_megabytes_byte_for_byte,
          stream(w, &recorder, megabytes(100), 0, SMALL));

TEST_CASE(S4_megabytes_in_both_directions_at_once,
          stream(w, &recorder, megabytes(20), megabytes(20), SMALL));

TEST_CASE(S4_megabytes_through_a_tiny_buffer,
          stream(w, &recorder, megabytes(10), megabytes(1), 4096));

TEST_CASE(S4_megabytes_through_the_kernels_own_buffer,
          stream(w, &recorder, megabytes(50), megabytes(50), 0));

TEST_CASE(S9_megabytes_into_the_programs_buffers,
          stream(w, &buffered_recorder, megabytes(50), megabytes(1), SMALL));

/* ---- against plain sockets, written by other threads -------------------- */

struct plain {
    raw_fd fd;
    uint64_t size;
    bool ok;
    atomic_bool done;
};

static void plain_writer(void *arg)
{
    struct plain *plain = arg;
    unsigned char piece[10007];

    plain->ok = true;
    for (uint64_t at = 0; at < plain->size && plain->ok; at += sizeof piece) {
        test_fill(piece, at, sizeof piece);
        plain->ok =
            raw_send_all(plain->fd, piece, sizeof piece, test_patience_ms());
    }
    raw_shutdown_write(plain->fd);
    atomic_store(&plain->done, true);
}

static void plain_reader(void *arg)
{
    struct plain *plain = arg;
    unsigned char piece[10007];
    ptrdiff_t n;
    uint64_t at = 0;
    bool matches = true;

    while ((n = raw_recv(plain->fd, piece, sizeof piece, test_patience_ms())) >
           0) {
        matches = matches && test_matches(piece, at, (size_t)n);
        at += (uint64_t)n;
    }
    plain->ok = matches && n == 0 && at == plain->size;
    atomic_store(&plain->done, true);
}

TEST(S5_a_plain_writer_is_held_back)
{
    struct end *e = end_new(w, 0);
    struct plain *plain = test_alloc(w, sizeof *plain);
    struct raw_thread *thread;
    uint64_t pieces = megabytes(20) / 10007;

    plain->fd = test_raw_peer(w, &recorder, e->peer, SMALL);
    plain->size = pieces * 10007;
    pump(e->peer);
    thread = raw_thread_start(plain_writer, plain);
    assert_non_null(thread);
    test_run_until(w, e->peer->lost && atomic_load(&plain->done));
    raw_thread_join(thread);
    assert_true(plain->ok);
    assert_true(e->peer->bytes == plain->size);
    assert_int_equal(e->wrong, 0);
    assert_true(e->rests > (test_slowness() > 10 ? 0 : 5));
    raw_close(plain->fd);
}

TEST(S4_a_plain_reader_gets_every_byte)
{
    struct end *e = end_new(w, megabytes(50));
    struct plain *plain = test_alloc(w, sizeof *plain);
    struct raw_thread *thread;

    plain->fd = test_raw_peer(w, &recorder, e->peer, SMALL);
    plain->size = e->to_send;
    e->peer->keep_open = false;
    thread = raw_thread_start(plain_reader, plain);
    assert_non_null(thread);
    pump(e->peer);
    test_run_until(w, atomic_load(&plain->done));
    raw_thread_join(thread);
    assert_true(plain->ok);
    raw_close(plain->fd);
    assert_lost(w, e->peer, NULL, 0);
}
