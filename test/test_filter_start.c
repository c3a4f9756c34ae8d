/* test_filter_start.c - a filter pushed on a connection in use: start_tls. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"
#include "raw_net.h"

/* the line is the protocol's, what follows it the filter's */
static void start_at_line(struct peer *p, const void *data, size_t size)
{
    const char *end = memchr(data, '\n', size);
    size_t used;

    if (!end)
        return;
    used = (size_t)(end + 1 - (const char *)data);
    p->on_data = NULL;
    assert_ok(rondo_transport_write(p->transport, "GO\n", 3));
    assert_ok(rondo_transport_unread(p->transport, end + 1, size - used));
    toy_push(p->transport, p->user);
}

static struct peer *line_peer(struct world *w, struct toy *y)
{
    struct peer *p = test_peer(w);

    p->on_data = start_at_line;
    p->user = y;
    peer_capture(p, 64);
    return p;
}

TEST_LEAVES(S13_start_inside_data_received)
{
    struct toy *y = test_toy(w, 7);
    struct peer *p = line_peer(w, y);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    unsigned char got[5];

    assert_true(raw_send_all(fd, "START\n", 6, 1000));
    toy_raw_take(w, fd, got, 5);
    assert_memory_equal(got, "GO\nH\7", 5); /* in clear, then the hello */
    assert_int_equal(y->done, 0);
    toy_raw_hello(fd, 3);
    test_run_until(w, y->done);
    assert_int_equal(y->result, 0);
    toy_raw_send(fd, 3, "secret", 6);
    test_run_until(w, p->bytes == 12);
    assert_memory_equal(p->captured, "START\nsecret", 12);
    assert_int_equal(p->made, 1);
    raw_close(fd);
}

TEST_LEAVES(S13_what_was_read_beyond_is_the_filters)
{
    struct toy *y = test_toy(w, 7);
    struct peer *p = line_peer(w, y);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    static const char all[] = "START\nH\1\0\3UVW\0\2XY"; /* key 1 */

    assert_true(raw_send_all(fd, all, sizeof all - 1, 1000));
    test_run_until(w, y->done && p->bytes == sizeof all - 1 + 5);
    /* the first time it saw them all, and gave back what is behind the line */
    assert_memory_equal(p->captured + sizeof all - 1, "TWVYX", 5);
    raw_close(fd);
}

static void hold_back(struct peer *p, const void *data, size_t size)
{
    p->on_data = start_at_line;
    assert_ok(
        rondo_transport_unread(p->transport, (const char *)data + 6, size - 6));
    assert_ok(rondo_transport_pause_reading(p->transport));
}

/* bytes that were read but not delivered when it is pushed, from outside */
TEST_LEAVES(S13_what_is_held_is_the_filters)
{
    struct toy *y = test_toy(w, 7);
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    p->on_data = hold_back;
    peer_capture(p, 64);
    assert_true(raw_send_all(fd, "START\nH\1", 8, 1000));
    test_run_until(w, p->data == 1);
    test_spin(w, 5);
    p->on_data = NULL;
    p->bytes = 0;
    p->captured_size = 0;
    toy_push(p->transport, y);
    /* a handshake goes on where the program has paused reading */
    test_run_until(w, y->done);
    toy_raw_send(fd, 1, "kept", 4);
    test_spin(w, 20);
    assert_int_equal(p->bytes, 0);
    assert_ok(rondo_transport_resume_reading(p->transport));
    test_run_until(w, p->bytes == 4);
    assert_memory_equal(p->captured, "kept", 4);
    raw_close(fd);
}

TEST(S13_data_behind_a_handshake_is_kept_while_paused)
{
    struct toy *y = test_toy(w, 7);
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    peer_capture(p, 64);
    assert_ok(rondo_transport_pause_reading(p->transport));
    toy_push(p->transport, y);
    toy_raw_hello(fd, 1);
    toy_raw_send(fd, 1, "one", 3);
    toy_raw_send(fd, 1, "two", 3);
    toy_raw_goodbye(fd);
    test_run_until(w, y->goodbye);
    assert_true(test_run_for(w, RONDO_MS(30)) <= 10); /* it costs no CPU */
    assert_string_equal(p->order, "M");
    assert_ok(rondo_transport_resume_reading(p->transport));
    test_run_until(w, p->lost);
    assert_memory_equal(p->captured, "onetwo", 6);
    assert_string_equal(p->order, "MdEL");
    raw_close(fd);
}

static unsigned released;

static void release(void *arg)
{
    (void)arg;
    released++;
}

TEST_LEAVES(S13_writes_wait_until_it_is_ready)
{
    struct toy *y = test_toy(w, 7);
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    const rondo_buffer pieces[] = {{"b", 1}, {"c", 1}};
    unsigned char got[16];
    size_t n = 0;

    released = 0;
    toy_push(p->transport, y);
    assert_int_equal(rondo_transport_write(p->transport, "a", 1), 0);
    assert_int_equal(rondo_transport_writev(p->transport, pieces, 2), 0);
    assert_int_equal(
        rondo_transport_write_owned(p->transport, "de", 2, release, NULL), 0);
    assert_int_equal(
        rondo_transport_write_owned(p->transport, "", 0, release, NULL), 0);
    assert_int_equal(rondo_transport_get_write_buffer_size(p->transport), 5);
    test_run_until(w, y->started);
    toy_raw_take(w, fd, got, 2);
    test_spin(w, 10);
    assert_int_equal(raw_recv(fd, got, 1, 0), RAW_AGAIN);
    toy_raw_hello(fd, 1);
    test_run_until(w, y->done && released == 2);
    assert_int_equal(rondo_transport_get_write_buffer_size(p->transport), 0);
    for (const char *c = "abcde"; *c;) { /* frames as the filter likes them */
        toy_raw_take(w, fd, got, 2);
        n = got[1];
        toy_raw_take(w, fd, got, n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(got[i] ^ 7, *c++);
    }
    raw_close(fd);
}

TEST_LEAVES(S13_waiting_writes_count_for_the_limits)
{
    struct toy *y = test_toy(w, 7);
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    assert_ok(rondo_transport_set_write_buffer_limits(p->transport, 1000, 100));
    toy_push(p->transport, y);
    for (int i = 0; i < 100; i++)
        assert_int_equal(rondo_transport_write(p->transport, "0123456789", 10),
                         0);
    assert_int_equal(rondo_transport_write(p->transport, "!", 1), 1);
    test_run_until(w, p->pauses == 1);
    assert_int_equal(p->resumes, 0);
    toy_raw_hello(fd, 1);
    test_run_until(w, p->resumes == 1);
    assert_string_equal(p->order, "MPR");
    raw_close(fd);
}

/* what waits for the filter is dropped and released when it never comes */
TEST(S13_waiting_writes_are_dropped_with_the_connection)
{
    struct toy *y = test_toy(w, 7);
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    released = 0;
    toy_push(p->transport, y);
    assert_ok(rondo_transport_write(p->transport, "a", 1));
    assert_ok(
        rondo_transport_write_owned(p->transport, "bc", 2, release, NULL));
    assert_true(raw_send_all(fd, "??", 2, 1000));
    test_run_until(w, p->lost);
    assert_int_equal(released, 1);
    assert_int_equal(p->error, RONDO_EPROTO);
    assert_int_equal(y->result, RONDO_EPROTO);
    assert_non_null(strstr(p->last_error, "toy: no hello"));
    raw_close(fd);
}

TEST_LEAVES(S13_what_was_queued_before_goes_in_clear)
{
    struct toy *y = test_toy(w, 7);
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 8192);
    uint64_t sent = test_fill_transport(w, p);
    unsigned char got[2 + 3];

    toy_push(p->transport, y);
    assert_ok(rondo_transport_write(p->transport, "x", 1));
    assert_int_equal(test_drain_raw_some(w, fd, 0, sent), sent);
    toy_raw_hello(fd, 1);
    toy_raw_take(w, fd, got, sizeof got);
    assert_memory_equal(got, "H\7\0\1\177", 5);
    raw_close(fd);
}

/* close waits for the handshake only where there is something to send */
TEST(S13_close_sends_what_waits_for_the_handshake)
{
    struct toy *y = test_toy(w, 7);
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    unsigned char got[7];

    toy_push(p->transport, y);
    assert_ok(rondo_transport_write(p->transport, "x", 1));
    rondo_transport_close(p->transport);
    test_spin(w, 10);
    assert_int_equal(p->lost, 0);
    toy_raw_hello(fd, 1);
    assert_lost(w, p, NULL, 0);
    toy_raw_take(w, fd, got, 7);
    assert_memory_equal(got, "H\7\0\1\177\0\0", 7);
    assert_int_equal(raw_recv(fd, got, 1, 1000), 0);
    toy_check_whole(y);
    raw_close(fd);
}

TEST(S13_close_does_not_wait_for_nothing)
{
    struct toy *y = test_toy(w, 7), *never = test_toy(w, 8);
    struct peer *p = test_peer(w), *q = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    raw_fd other = test_raw_peer(w, &recorder, q, 0);

    toy_push(p->transport, y);
    test_run_until(w, y->started);
    rondo_transport_close(p->transport);
    toy_push(q->transport, never);
    rondo_transport_close(q->transport);
    test_run_until(w, p->lost && q->lost);
    assert_int_equal(p->error, 0);
    assert_int_equal(y->result, RONDO_ECANCELED);
    assert_string_equal(y->order, "sL"); /* not ready: no goodbye */
    assert_string_equal(never->order, "L");
    assert_int_equal(never->result, RONDO_ECANCELED);
    raw_close(fd);
    raw_close(other);
}

TEST(S13_write_eof_waits_for_the_handshake)
{
    struct toy *y = test_toy(w, 7);
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    unsigned char got[4];

    p->keep_open = true;
    toy_push(p->transport, y);
    assert_ok(rondo_transport_write_eof(p->transport));
    test_spin(w, 10);
    toy_raw_hello(fd, 1);
    toy_raw_take(w, fd, got, 4);
    assert_memory_equal(got, "H\7\0\0", 4);
    assert_int_equal(raw_recv(fd, got, 1, 1000), 0);
    toy_raw_send(fd, 1, "still", 5);
    test_run_until(w, p->bytes == 5);
    toy_raw_goodbye(fd);
    assert_lost(w, p, NULL, 0);
    raw_close(fd);
}

TEST(S13_the_peer_leaves_in_the_middle)
{
    struct toy *y = test_toy(w, 7);
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    y->no_goodbye = true; /* the end itself does not trouble it */
    toy_push(p->transport, y);
    assert_true(raw_send_all(fd, "H", 1, 1000));
    raw_shutdown_write(fd);
    assert_lost(w, p, NULL, RONDO_ECONNRESET);
    assert_int_equal(y->result, RONDO_ECONNRESET);
    assert_non_null(strstr(p->last_error, "handshake"));
    raw_close(fd);
}

/* pushed when the peer has ended its side already */
TEST(S13_no_handshake_after_the_end)
{
    struct toy *y = test_toy(w, 7), *clear = test_toy(w, 8);
    struct peer *p = test_peer(w), *q = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    raw_fd other = test_raw_peer(w, &recorder, q, 0);
    char got[1];

    p->keep_open = q->keep_open = true;
    raw_shutdown_write(fd);
    raw_shutdown_write(other);
    test_run_until(w, p->eof && q->eof);
    clear->clear = true; /* needs no handshake, so it can write */
    toy_push(p->transport, y);
    toy_push(q->transport, clear);
    test_run_until(w, p->lost && clear->done);
    assert_int_equal(p->error, RONDO_ECONNRESET);
    assert_ok(rondo_transport_write(q->transport, "x", 1));
    toy_raw_take(w, other, got, 1);
    rondo_transport_close(q->transport);
    assert_lost(w, q, NULL, 0);
    raw_close(fd);
    raw_close(other);
}

static void push_second(struct toy *y)
{
    toy_push(y->transport, y->user);
}

TEST_LEAVES(S13_another_pushed_inside_done)
{
    struct toy *y = test_toy(w, 7), *second = test_toy(w, 8);
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, p);
    y->on_done = push_second;
    y->user = second;
    second->clear = true;
    toy_push(p->transport, y);
    toy_raw_hello(fds[1], 1);
    toy_raw_send(fds[1], 1, "both", 4);
    test_run_until(w, p->bytes == 4);
    assert_string_equal(second->order, "sr");
    assert_int_equal(p->made, 1);
    raw_close(fds[1]);
}

TEST(S13_a_live_handshake_has_a_timeout)
{
    struct toy *y = test_toy(w, 7);
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    toy_push(p->transport, y);
    test_run_until(w, y->started);
    if (!raw_advance_clock(55))
        test_skip(w, "the clock cannot be set ahead here");
    test_spin(w, 20);
    assert_int_equal(p->lost, 0);
    assert_true(raw_advance_clock(6));
    assert_lost(w, p, NULL, RONDO_ETIMEDOUT);
    assert_int_equal(y->result, RONDO_ETIMEDOUT);
    raw_close(fd);
}

TEST(S13_an_error_before_connection_made_still_makes_it)
{
    struct toy *y = test_toy(w, 7);
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, p); /* the program has the pointer */
    toy_push(p->transport, y);
    assert_true(raw_send_all(fds[1], "??", 2, 1000));
    assert_lost(w, p, "ML", RONDO_EPROTO);
    raw_close(fds[1]);
}
