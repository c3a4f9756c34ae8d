/* test_stream_buffered.c - reading into the program's own buffers. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

static void give_buffer(struct peer *p, size_t size)
{
    p->buffer_size = size;
    p->buffer = test_alloc(p->w, size);
}

TEST(S9_bytes_arrive_in_the_buffer)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &buffered_recorder, p, 0);

    w->expect_clean = true;
    test_send_raw(w, fd, 0, 1000);
    raw_shutdown_write(fd);
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MbEL");
    assert_true(p->checksum == test_pattern_checksum(1000));
    assert_int_equal(p->data, 0);
    assert_true(p->last_hint > 0);
    assert_int_equal(p->error, 0);
    raw_close(fd);
}

TEST(S9_asked_only_when_there_is_data)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &buffered_recorder, p, 0);

    test_spin(w, 50);
    assert_int_equal(p->buffers, 0);
    test_send_raw(w, fd, 0, 10);
    test_run_until(w, p->bytes == 10);
    test_spin(w, 50);
    assert_int_equal(p->buffers, p->updates);
    raw_close(fd);
}

TEST(S9_a_buffer_of_one_byte)
{
    enum { SIZE = 3000 };
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &buffered_recorder, p, 0);

    give_buffer(p, 1);
    test_send_raw(w, fd, 0, SIZE);
    raw_shutdown_write(fd);
    test_run_until(w, p->lost);
    assert_int_equal(p->updates, SIZE);
    assert_true(p->checksum == test_pattern_checksum(SIZE));
    assert_string_equal(p->order, "MbEL");
    raw_close(fd);
}

TEST(S9_a_buffer_larger_than_all_of_it)
{
    enum { SIZE = 2000000 };
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &buffered_recorder, p, 0);

    give_buffer(p, SIZE * 2);
    test_send_raw(w, fd, 0, SIZE);
    raw_shutdown_write(fd);
    test_run_until(w, p->lost);
    assert_true(p->checksum == test_pattern_checksum(SIZE));
    raw_close(fd);
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
    struct peer *p = test_peer(w);
    struct rooms *r = test_alloc(w, sizeof *r);
    raw_fd fd;

    for (unsigned k = 0; k < ROOMS; k++)
        r->room[k] = test_alloc(w, ROOM + 1);
    p->user = r;
    p->on_get_buffer = lend_next;
    p->on_updated = check_rooms;
    fd = test_raw_peer(w, &buffered_recorder, p, 0);
    test_send_raw(w, fd, 0, SIZE);
    raw_shutdown_write(fd);
    test_run_until(w, p->lost);
    assert_true(p->checksum == test_pattern_checksum(SIZE));
    raw_close(fd);
}

/* ---- S9: no buffer ------------------------------------------------------ */

static void check_no_buffer(struct world *w, struct peer *p)
{
    raw_fd fd = test_raw_peer(w, &buffered_recorder, p, 0);

    w->expect_clean = true;
    test_send_raw(w, fd, 0, 1000);
    test_run_until(w, p->lost);
    test_spin(w, 20);
    assert_int_equal(p->buffers, 1);
    assert_int_equal(p->updates, 0);
    assert_int_equal(p->error, RONDO_ENOBUFS);
    assert_non_null(strstr(p->last_error, "ENOBUFS"));
    assert_true(test_drain_raw(w, fd, 0) < 0);
    raw_close(fd);
}

TEST(S9_null_ends_with_ENOBUFS)
{
    struct peer *p = test_peer(w);

    p->no_buffer = true;
    check_no_buffer(w, p);
}

TEST(S9_size_zero_ends_with_ENOBUFS)
{
    struct peer *p = test_peer(w);

    p->empty_buffer = true;
    check_no_buffer(w, p);
}

TEST(S9_null_and_size_zero_end_with_ENOBUFS)
{
    struct peer *p = test_peer(w);

    p->no_buffer = p->empty_buffer = true;
    check_no_buffer(w, p);
}

static void none_from_now_on(struct peer *p, size_t size)
{
    (void)size;
    p->no_buffer = true;
}

TEST(S9_no_buffer_the_second_time)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &buffered_recorder, p, 0);

    give_buffer(p, 100);
    p->on_updated = none_from_now_on;
    test_send_raw(w, fd, 0, 1000);
    test_run_until(w, p->lost);
    assert_int_equal(p->bytes, 100);
    assert_int_equal(p->buffers, 2);
    assert_int_equal(p->error, RONDO_ENOBUFS);
    raw_close(fd);
}

/* ---- S9: ending it inside get_buffer ------------------------------------ */

static void check_ended_inside(struct world *w, void (*end)(struct peer *p),
                               int error, bool no_buffer)
{
    struct peer *p = test_peer(w);
    raw_fd fd;

    p->on_get_buffer = end;
    p->no_buffer = no_buffer;
    fd = test_raw_peer(w, &buffered_recorder, p, 0);
    test_send_raw(w, fd, 0, 1000);
    test_run_until(w, p->lost);
    assert_int_equal(p->updates, 0);
    assert_int_equal(p->error, error);
    raw_close(fd);
}

TEST(S9_closing_and_aborting_inside_get_buffer)
{
    check_ended_inside(w, act_close, 0, false);
    check_ended_inside(w, act_abort, RONDO_ECANCELED, false);
    check_ended_inside(w, act_close, 0, true);
    check_ended_inside(w, act_abort, RONDO_ECANCELED, true);
}

/* close has more to do than to end: what waits is sent, nothing is read */
static void check_close_while_sending(struct world *w, bool no_buffer)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &buffered_recorder, p, 8192);
    uint64_t sent = test_fill_transport(w, p);

    p->on_get_buffer = act_close;
    p->no_buffer = no_buffer;
    test_send_raw(w, fd, 0, 1000);
    test_run_until(w, p->buffers == 1);
    assert_int_equal(test_drain_raw_some(w, fd, 0, sent), sent);
    test_run_until(w, p->lost);
    assert_int_equal(p->updates, 0);
    assert_int_equal(p->error, 0);
    raw_close(fd);
}

TEST(S9_close_inside_get_buffer_with_bytes_to_send)
{
    check_close_while_sending(w, false);
    check_close_while_sending(w, true);
}

/* whether the bytes come before the pause or after: none gets lost */
TEST(S9_pausing_inside_get_buffer)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &buffered_recorder, p, 0);

    p->on_get_buffer = act_pause;
    test_send_raw(w, fd, 0, 1000);
    test_run_until(w, p->buffers == 1);
    test_spin(w, 20);
    assert_true(p->updates <= 1);
    while (p->bytes < 1000) {
        assert_ok(rondo_transport_resume_reading(p->transport));
        test_spin(w, 1);
        assert_true(p->updates < 1000);
    }
    assert_true(p->checksum == test_pattern_checksum(1000));
    raw_close(fd);
}

TEST(S9_close_inside_buffer_updated)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &buffered_recorder, p, 0);

    give_buffer(p, 10);
    p->on_updated = act_close_in_updated;
    test_send_raw(w, fd, 0, 1000);
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MbL");
    assert_int_equal(p->bytes, 10);
    assert_int_equal(p->error, 0);
    raw_close(fd);
}

TEST(S9_reads_cost_no_allocation)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &buffered_recorder, p, 0);
    uint64_t before;

    give_buffer(p, 100);
    test_send_raw(w, fd, 0, 1000);
    test_run_until(w, p->bytes == 1000);
    before = test_allocations(w);
    test_send_raw(w, fd, 1000, 100000);
    test_run_until(w, p->bytes == 101000);
    assert_int_equal(test_allocations(w) - before, 0);
    raw_close(fd);
}
