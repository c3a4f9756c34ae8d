/* test_stream_buffered.c - reading into the program's own buffers. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

static void give_buffer(struct peer *p, size_t size)
{
    p->buffer_size = size;
    p->buffer = test_alloc(p->w, size);
}

TEST(S9_bytes_arrive_in_the_buffer)
{
    static const struct {
        const char *name;
        size_t buffer, size; /* 0: the peer's own 4 KiB */
    } rows[] = {
        {"of 4 KiB", 0, 1000},
        {"of one byte", 1, 3000},
        {"larger than all of it", 4000000, 2000000},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, &buffered_recorder, 0);

        if (row->buffer)
            give_buffer(p, row->buffer);
        plain_send_pattern(p, 0, row->size);
        raw_shutdown_write(p->fd);
        assert_lost(w, p, "MbEL", 0);
        peer_got(p, row->size);
        assert_int_equal(p->data, 0);
        assert_true(p->last_hint > 0);
        if (row->buffer == 1)
            assert_int_equal(p->updates, row->size);
    }
}

TEST_LEAVES(S9_asked_only_when_there_is_data)
{
    struct peer *p = plain_peer(w, &buffered_recorder, 0);

    test_spin(w, 50);
    assert_int_equal(p->buffers, 0);
    plain_send_pattern(p, 0, 10);
    test_run_until(w, p->bytes == 10);
    test_spin(w, 50);
    assert_int_equal(p->buffers, p->updates);
}

/* ---- S9: the loan ------------------------------------------------------- */

enum { ROOMS = 5, ROOM = 777 };

/* Several buffers in turn, a guard byte behind each; only the one that is
 * lent may change. */
struct rooms {
    unsigned char *room[ROOMS];
    unsigned next;
};

static void lend_next(struct peer *p)
{
    struct rooms *r = p->user;
    unsigned i = r->next++ % ROOMS;

    for (unsigned k = 0; k < ROOMS; k++)
        memset(r->room[k], 0x5a, ROOM + 1);
    p->buffer = r->room[i];
    p->buffer_size = 1 + r->next * 131 % ROOM;
}

static void check_rooms(struct peer *p, size_t size)
{
    const struct rooms *r = p->user;

    for (unsigned k = 0; k < ROOMS; k++) {
        size_t start = r->room[k] == p->buffer ? size : 0;

        for (size_t i = start; i <= ROOM; i++)
            assert_int_equal(r->room[k][i], 0x5a);
    }
}

TEST(S9_only_the_lent_buffer_is_written)
{
    enum { SIZE = 100000 };
    struct peer *p = plain_peer(w, &buffered_recorder, 0);
    struct rooms *r = test_alloc(w, sizeof *r);

    for (unsigned k = 0; k < ROOMS; k++)
        r->room[k] = test_alloc(w, ROOM + 1);
    p->user = r;
    p->on_get_buffer = lend_next;
    p->on_updated = check_rooms;
    plain_send_pattern(p, 0, SIZE);
    raw_shutdown_write(p->fd);
    test_run_until(w, p->lost);
    peer_got(p, SIZE);
}

/* ---- S9: no buffer ------------------------------------------------------ */

TEST_LEAVES(S9_no_buffer_pauses_reading)
{
    static const struct {
        const char *name;
        bool none, empty;
    } rows[] = {
        {"NULL", true, false},
        {"size zero", false, true},
        {"NULL and size zero", true, true},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, &buffered_recorder, 0);

        p->no_buffer = row->none;
        p->empty_buffer = row->empty;
        plain_send_pattern(p, 0, 1000);
        test_run_until(w, p->buffers == 1);
        test_spin(w, 20);
        assert_int_equal(p->buffers, 1);
        assert_false(rondo_transport_is_reading(p->transport));
        act_resume(p); /* it is asked again, and says no again */
        test_run_until(w, p->buffers == 2);
        test_spin(w, 20);
        assert_int_equal(p->buffers, 2);
        p->no_buffer = p->empty_buffer = false;
        act_resume(p);
        test_run_until(w, p->bytes == 1000);
        peer_got(p, 1000);
        assert_int_equal(p->lost, 0);
    }
}

/* nothing is read, so the end is not noticed either */
TEST(S9_no_buffer_and_the_end_comes_after_resume)
{
    struct peer *p = plain_peer(w, &buffered_recorder, 0);

    p->no_buffer = true;
    plain_send_pattern(p, 0, 1000);
    raw_shutdown_write(p->fd);
    test_run_until(w, p->buffers == 1);
    test_spin(w, 20);
    assert_int_equal(p->eof, 0);
    p->no_buffer = false;
    act_resume(p);
    assert_lost(w, p, "MbEL", 0);
    peer_got(p, 1000);
}

static void none_from_now_on(struct peer *p)
{
    p->no_buffer = true;
}

TEST_LEAVES(S9_no_buffer_the_second_time)
{
    static const size_t sizes[] = {100, 5000}; /* copied; read into */

    for (size_t i = 0; i < 2; i++) {
        struct peer *p = plain_peer(w, &buffered_recorder, 0);

        give_buffer(p, sizes[i]);
        p->on_bytes = none_from_now_on;
        plain_send_pattern(p, 0, 2 * sizes[i]);
        test_run_until(w, p->buffers == 2);
        test_spin(w, 20);
        assert_int_equal(p->bytes, sizes[i]);
        assert_int_equal(p->buffers, 2);
        p->on_bytes = NULL;
        p->no_buffer = false;
        act_resume(p);
        test_run_until(w, p->bytes == 2 * sizes[i]);
        peer_got(p, 2 * sizes[i]);
    }
}

/* the program may close, or hand over, what waits for a buffer */
TEST(S9_no_buffer_and_then_close)
{
    for (int i = 0; i < 2; i++) {
        struct peer *p = plain_peer(w, &buffered_recorder, 0);

        p->no_buffer = true;
        plain_send_pattern(p, 0, 1000);
        test_run_until(w, p->buffers == 1);
        if (i)
            act_abort(p);
        else
            act_close(p);
        assert_lost(w, p, "ML", i ? RONDO_ECANCELED : 0);
    }
}

TEST(S9_no_buffer_then_plain)
{
    struct peer *p = plain_peer(w, &buffered_recorder, 0);

    p->no_buffer = true;
    plain_send_pattern(p, 0, 1000);
    test_run_until(w, p->buffers == 1);
    assert_ok(rondo_transport_set_protocol(p->transport, &recorder, p));
    test_spin(w, 20);
    assert_int_equal(p->bytes, 0); /* it is paused still */
    act_resume(p);
    raw_shutdown_write(p->fd);
    assert_lost(w, p, NULL, 0);
    peer_got(p, 1000);
}

/* ---- S9: ending it inside get_buffer ------------------------------------ */

TEST(S9_closing_and_aborting_inside_get_buffer)
{
    for (int i = 0; i < 4; i++) {
        struct peer *p = plain_peer(w, &buffered_recorder, 0);
        bool aborts = i % 2;

        p->on_get_buffer = aborts ? act_abort : act_close;
        p->no_buffer = i / 2;
        plain_send_pattern(p, 0, 1000);
        assert_lost(w, p, NULL, aborts ? RONDO_ECANCELED : 0);
        assert_int_equal(p->updates, 0);
    }
}

/* close has more to do than to end: what waits is sent, nothing is read */
TEST(S9_close_inside_get_buffer_with_bytes_to_send)
{
    for (int no_buffer = 0; no_buffer < 2; no_buffer++) {
        struct peer *p = plain_peer(w, &buffered_recorder, 8192);
        uint64_t sent = test_fill_transport(w, p);

        p->on_get_buffer = act_close;
        p->no_buffer = no_buffer;
        plain_send_pattern(p, 0, 1000);
        test_run_until(w, p->buffers == 1);
        plain_takes(p, 0, sent);
        assert_lost(w, p, NULL, 0);
        assert_int_equal(p->updates, 0);
    }
}

/* whether the bytes come before the pause or after: none gets lost */
TEST_LEAVES(S9_pausing_inside_get_buffer)
{
    struct peer *p = plain_peer(w, &buffered_recorder, 0);

    p->on_get_buffer = act_pause;
    plain_send_pattern(p, 0, 1000);
    test_run_until(w, p->buffers == 1);
    test_spin(w, 20);
    assert_true(p->updates <= 1);
    while (p->bytes < 1000) {
        act_resume(p);
        test_spin(w, 1);
        assert_true(p->updates < 1000);
    }
    peer_got(p, 1000);
}

TEST(S9_close_inside_buffer_updated)
{
    struct peer *p = plain_peer(w, &buffered_recorder, 0);

    give_buffer(p, 10);
    p->on_bytes = act_close;
    plain_send_pattern(p, 0, 1000);
    assert_lost(w, p, "MbL", 0);
    assert_int_equal(p->bytes, 10);
}

TEST_LEAVES(S9_reads_cost_no_allocation)
{
    struct peer *p = plain_peer(w, &buffered_recorder, 0);
    uint64_t before;

    give_buffer(p, 100);
    plain_send_pattern(p, 0, 1000);
    test_run_until(w, p->bytes == 1000);
    before = test_allocations(w);
    plain_send_pattern(p, 1000, 100000);
    test_run_until(w, p->bytes == 101000);
    assert_int_equal(test_allocations(w) - before, 0);
}
