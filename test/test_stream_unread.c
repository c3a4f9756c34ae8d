/* test_stream_unread.c - giving the rest of the data back. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* a line is a's, the rest is for whoever comes after */
static void split_line(struct peer *p, const void *data, size_t size)
{
    const char *end = memchr(data, '\n', size);
    size_t used;

    if (!end)
        return;
    used = (size_t)(end + 1 - (const char *)data);
    assert_ok(rondo_transport_unread(p->transport, end + 1, size - used));
    peer_hand_over(p, p->user);
}

static void check_unread(struct world *w, const rondo_protocol *next,
                         const char *order)
{
    struct peer *a = test_peer(w);
    struct peer *b = peer_successor(w, a);
    raw_fd fd = test_raw_peer(w, &recorder, a, 0);

    a->user = (void *)(uintptr_t)next;
    a->on_data = split_line;
    b->buffer_size = 3; /* get_buffer's room is smaller than the rest */
    b->buffer = test_alloc(w, b->buffer_size);
    peer_capture(b, 64);
    assert_true(raw_send_all(fd, "STARTTLS\nhello", 14, 1000));
    test_run_until(w, b->bytes == 5);
    assert_memory_equal(b->captured, "hello", 5);
    assert_true(raw_send_all(fd, " world", 6, 1000));
    raw_close(fd);
    test_run_until(w, b->lost);
    assert_int_equal(b->bytes, 11);
    assert_memory_equal(b->captured, "hello world", 11);
    assert_string_equal(a->order, "Md");
    assert_string_equal(b->order, order);
    assert_int_equal(b->error, 0);
}

TEST_CASE(S10_unread_hands_the_rest_to_the_new_one,
          check_unread(w, &recorder, "dEL"));

TEST_CASE(S10_unread_hands_the_rest_to_a_buffered_one,
          check_unread(w, &buffered_recorder, "bEL"));

static void unread_all_once(struct peer *p, const void *data, size_t size)
{
    if (p->data > 1)
        return;
    assert_ok(rondo_transport_unread(p->transport, data, size));
    p->bytes = 0;
}

TEST(S10_unread_everything_comes_again)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    p->on_data = unread_all_once;
    peer_capture(p, 64);
    assert_true(raw_send_all(fd, "again", 5, 1000));
    raw_close(fd);
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MdEL"); /* before the EOF */
    assert_int_equal(p->data, 2);
    assert_memory_equal(p->captured, "againagain", 10);
}

static void unread_and_pause(struct peer *p, const void *data, size_t size)
{
    if (p->data > 1)
        return;
    assert_ok(
        rondo_transport_unread(p->transport, (const char *)data + 2, size - 2));
    assert_ok(rondo_transport_pause_reading(p->transport));
}

TEST(S10_unread_is_held_while_paused)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    p->on_data = unread_and_pause;
    peer_capture(p, 64);
    assert_true(raw_send_all(fd, "abcdef", 6, 1000));
    test_run_until(w, p->data == 1);
    assert_true(raw_send_all(fd, "gh", 2, 1000));
    test_spin(w, 30);
    assert_int_equal(p->data, 1);
    assert_true(test_run_for(w, RONDO_MS(50)) <= 10); /* it costs no CPU */
    assert_ok(rondo_transport_resume_reading(p->transport));
    test_run_until(w, p->bytes == 6 + 4 + 2);
    assert_memory_equal(p->captured, "abcdefcdefgh", 12);
    raw_close(fd);
}

static void write_and_give_up(struct peer *p, const void *data, size_t size)
{
    enum { MUCH = 500000 };
    unsigned char *much = test_alloc(p->w, MUCH);

    assert_int_equal(rondo_transport_write(p->transport, much, MUCH), 1);
    assert_ok(
        rondo_transport_unread(p->transport, (const char *)data + 1, size - 1));
    peer_hand_over(p, &recorder);
}

/* the rest is at hand at once, but the new one hears of the pause first */
TEST(S10_unread_comes_after_pause_writing)
{
    struct peer *a = test_peer(w);
    struct peer *b = peer_successor(w, a);
    raw_fd fd = test_raw_peer(w, &recorder, a, 8192);

    a->on_data = write_and_give_up;
    assert_true(raw_send_all(fd, "abc", 3, 1000));
    test_run_until(w, b->bytes == 2);
    assert_string_equal(a->order, "Md");
    assert_string_equal(b->order, "Pd");
    raw_close(fd);
}

static void unread_and_close(struct peer *p, const void *data, size_t size)
{
    assert_ok(rondo_transport_unread(p->transport, data, size));
    rondo_transport_close(p->transport);
}

TEST(S10_unread_and_close_delivers_no_more)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    w->expect_clean = true;
    p->on_data = unread_and_close;
    assert_true(raw_send_all(fd, "abcdef", 6, 1000));
    test_run_until(w, p->lost);
    assert_int_equal(p->data, 1);
    assert_int_equal(p->error, 0);
    raw_close(fd);
}

/* one byte a time is consumed; the stream must not change for it */
static void take_one(struct peer *p, const void *data, size_t size)
{
    uint64_t *position = p->user;

    assert_true(test_matches(data, *position, size));
    p->bytes -= size - 1;
    *position += 1;
    assert_ok(
        rondo_transport_unread(p->transport, (const char *)data + 1, size - 1));
}

TEST(S10_unread_all_but_one_byte_each_time)
{
    enum { SIZE = 2000 };
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    uint64_t *position = test_alloc(w, sizeof *position);

    p->user = position;
    p->on_data = take_one;
    for (uint64_t at = 0; at < SIZE; at += 100) {
        test_send_raw(w, fd, at, 100);
        test_spin(w, 1);
    }
    raw_close(fd);
    test_run_until(w, p->lost);
    assert_int_equal(*position, SIZE);
    assert_int_equal(p->data, SIZE);
}

static void wrong_unreads(struct peer *p, const void *data, size_t size)
{
    const char *bytes = data;
    const void *before = (const void *)((uintptr_t)data - 1);
    rondo_transport *t = p->transport;

    assert_einval(rondo_transport_unread(t, bytes, size - 1));
    assert_einval(rondo_transport_unread(t, bytes + 1, size));
    assert_einval(rondo_transport_unread(t, before, size + 1));
    assert_einval(rondo_transport_unread(t, "abc", 3));
    assert_einval(rondo_transport_unread(t, NULL, 1));
    assert_einval(rondo_transport_unread(NULL, data, size));
    assert_ok(rondo_transport_unread(t, bytes + size, 0));
}

TEST(S10_unread_of_what_is_no_tail_is_EINVAL)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    p->on_data = wrong_unreads;
    assert_true(raw_send_all(fd, "abcdef", 6, 1000));
    test_run_until(w, p->data == 1);
    test_spin(w, 20);
    assert_int_equal(p->data, 1);
    assert_int_equal(p->bytes, 6);
    assert_einval(rondo_transport_unread(p->transport, "x", 1));
    raw_close(fd);
}
