/* test_stream_into.c - the kernel reads into the program's own buffer. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"
#include "harness_plain.h"

enum { ROOM = 1 << 20, AHEAD = 80000 };

static struct peer *roomy_peer(struct world *w, size_t size, int buffers)
{
    struct peer *p = plain_peer(w, &buffered_recorder, buffers);

    p->buffer_size = size;
    p->buffer = test_alloc(w, size);
    return p;
}

static void note_largest(struct peer *p, size_t size)
{
    size_t *largest = p->user;

    if (*largest < size)
        *largest = size;
}

/* More than the loop's own buffer holds comes at once. */
TEST(S9_more_at_once_than_the_loop_has_room_for)
{
    struct peer *p = roomy_peer(w, ROOM, 400000);
    size_t largest = 0;

    p->user = &largest;
    p->on_updated = note_largest;
    act_pause(p);
    plain_send_pattern(p, 0, AHEAD);
    act_resume(p);
    test_run_until(w, p->bytes == AHEAD);
    assert_true(largest > 65536);
    assert_true(p->last_hint > 0);
    raw_shutdown_write(p->fd);
    assert_lost(w, p, "MbEL", 0);
    peer_got(p, AHEAD);
}

TEST(S9_one_byte_at_a_time)
{
    enum { PIECES = 300 };
    struct peer *p = roomy_peer(w, ROOM, 0);

    for (unsigned i = 0; i < PIECES; i++) {
        plain_send_pattern(p, i, 1);
        test_run_until(w, p->bytes == i + 1);
    }
    raw_shutdown_write(p->fd);
    assert_lost(w, p, "MbEL", 0);
    peer_got(p, PIECES);
    assert_int_equal(p->updates, PIECES);
}

TEST(S9_buffers_of_every_size)
{
    static const size_t sizes[] = {4095, 4096, 4097, 65535, 65536, 65537};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct peer *p = roomy_peer(w, sizes[i], 0);

        plain_send_pattern(p, 0, 500000);
        raw_shutdown_write(p->fd);
        assert_lost(w, p, NULL, 0);
        peer_got(p, 500000);
        assert_true(p->updates >= 500000 / sizes[i]);
    }
}

/* ---- S9: what happens inside get_buffer ---------------------------------- */

static void push_inside(struct peer *p)
{
    p->on_get_buffer = NULL;
    toy_push(p->transport, p->user);
}

/* what comes from then on is the filter's: nothing is read beside it */
TEST_LEAVES(S9_filter_pushed_inside_get_buffer)
{
    struct peer *p = roomy_peer(w, ROOM, 0);
    struct toy *y = test_toy(w, 7);

    p->user = y;
    p->on_get_buffer = push_inside;
    plain_send(p, "H\003");
    test_run_until(w, y->hello);
    assert_int_equal(y->peer_key, 3);
    assert_int_equal(p->bytes, 0);
    plain_hears(p, "H\007");
}

static void change_inside(struct peer *p)
{
    p->on_get_buffer = NULL;
    assert_ok(rondo_transport_set_protocol(p->transport, &recorder, p));
}

TEST(S9_protocol_set_inside_get_buffer)
{
    struct peer *p = roomy_peer(w, ROOM, 0);

    p->on_get_buffer = change_inside;
    plain_send_pattern(p, 0, AHEAD);
    raw_shutdown_write(p->fd);
    assert_lost(w, p, NULL, 0);
    peer_got(p, AHEAD);
    assert_int_equal(p->updates, 0);
}

static void write_inside(struct peer *p)
{
    act_hello(p);
}

TEST(S9_writing_inside_get_buffer)
{
    struct peer *p = roomy_peer(w, ROOM, 0);

    p->on_get_buffer = write_inside;
    plain_send_pattern(p, 0, 10);
    test_run_until(w, p->bytes == 10);
    plain_hears(p, "hello");
    p->on_get_buffer = NULL;
    plain_close(p);
    assert_lost(w, p, NULL, 0);
    peer_got(p, 10);
}

/* ---- S9: the timeouts see these bytes, too ------------------------------- */

static void act_go_on(struct peer *p)
{
    p->go_on = false;
}

TEST(S9_bytes_in_the_buffer_start_the_read_time_again)
{
    struct peer *p = roomy_peer(w, ROOM, 0);

    peer_set_timeouts(p, RONDO_MS(20), 0);
    p->on_timeout = act_go_on;
    plain_send_pattern(p, 0, 10);
    test_run_until(w, p->bytes == 10);
    assert_lost(w, p, NULL, RONDO_ETIMEDOUT);
    peer_got(p, 10);
    assert_int_equal(p->timeouts, 1);
}

/* ---- S9: no buffer, and who resumes -------------------------------------- */

static void none(struct peer *p)
{
    p->no_buffer = true;
}

TEST(S9_a_buffer_now_and_then)
{
    enum { SIZE = 300000 };
    struct peer *p = roomy_peer(w, 10000, 0);

    p->on_bytes = none;
    plain_send_pattern(p, 0, SIZE);
    raw_shutdown_write(p->fd);
    while (!p->lost) {
        p->no_buffer = false;
        if (!rondo_transport_is_reading(p->transport))
            act_resume(p);
        test_spin(w, 1);
    }
    peer_got(p, SIZE);
    assert_int_equal(p->error, 0);
}

/* a reset is noticed when it reads again */
TEST(S9_no_buffer_and_a_reset)
{
    struct peer *p = roomy_peer(w, ROOM, 0);

    p->no_buffer = true;
    plain_send_pattern(p, 0, 10);
    test_run_until(w, p->buffers == 1);
    plain_reset(p);
    test_spin(w, 20);
    assert_int_equal(p->lost, 0);
    p->no_buffer = false;
    act_resume(p);
    assert_lost(w, p, NULL, RONDO_ECONNRESET);
}
