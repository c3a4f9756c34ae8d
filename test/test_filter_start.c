/* test_filter_start.c - a filter pushed on a connection in use: start_tls. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_filter.h"

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

/* What follows its first line is the toy's. */
static struct toy_side line_side(struct world *w)
{
    struct toy_side s = toy_side(w, 0);

    s.p->on_data = start_at_line;
    s.p->user = s.y;
    return s;
}

TEST_LEAVES(S13_start_inside_data_received)
{
    struct toy_side s = line_side(w);

    assert_true(raw_send_all(s.fd, "START\n", 6, 1000));
    toy_raw_hears(w, s.fd, "GO\nH\7", 5); /* in clear, then the hello */
    assert_int_equal(s.y->done, 0);
    toy_raw_hello(s.fd, 3);
    test_run_until(w, s.y->done);
    assert_int_equal(s.y->result, 0);
    toy_raw_send(s.fd, 3, "secret", 6);
    assert_hears(w, s.p, "START\nsecret");
    assert_int_equal(s.p->made, 1);
}

TEST_LEAVES(S13_what_was_read_beyond_is_the_filters)
{
    struct toy_side s = line_side(w);
    static const char all[] = "START\nH\1\0\3UVW\0\2XY"; /* key 1 */

    assert_true(raw_send_all(s.fd, all, sizeof all - 1, 1000));
    test_run_until(w, s.y->done && s.p->bytes == sizeof all - 1 + 5);
    /* the first time it saw them all, and gave back what is behind the line */
    assert_memory_equal(s.p->captured + sizeof all - 1, "TWVYX", 5);
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
    struct toy_side s = toy_side(w, 0);

    s.p->on_data = hold_back;
    assert_true(raw_send_all(s.fd, "START\nH\1", 8, 1000));
    test_run_until(w, s.p->data == 1);
    test_spin(w, 5);
    s.p->on_data = NULL;
    s.p->bytes = 0;
    s.p->captured_size = 0;
    toy_push(s.p->transport, s.y);
    /* a handshake goes on where the program has paused reading */
    test_run_until(w, s.y->done);
    toy_raw_send(s.fd, 1, "kept", 4);
    test_spin(w, 20);
    assert_int_equal(s.p->bytes, 0);
    assert_ok(rondo_transport_resume_reading(s.p->transport));
    assert_hears(w, s.p, "kept");
}

TEST(S13_data_behind_a_handshake_is_kept_while_paused)
{
    struct toy_side s = toy_side(w, 0);

    assert_ok(rondo_transport_pause_reading(s.p->transport));
    toy_push(s.p->transport, s.y);
    toy_raw_hello(s.fd, 1);
    toy_raw_send(s.fd, 1, "one", 3);
    toy_raw_send(s.fd, 1, "two", 3);
    toy_raw_goodbye(s.fd);
    raw_shutdown_write(s.fd);
    test_run_until(w, s.y->goodbye);
    assert_true(test_run_for(w, RONDO_MS(30)) <= 10); /* it costs no CPU */
    assert_string_equal(s.p->order, "M");
    assert_ok(rondo_transport_resume_reading(s.p->transport));
    assert_lost(w, s.p, "MdEL", 0);
    assert_hears(w, s.p, "onetwo");
}

TEST_LEAVES(S13_writes_wait_until_it_is_ready)
{
    struct toy_side s = toy_side(w, 0);
    const rondo_buffer pieces[] = {{"b", 1}, {"c", 1}};
    unsigned *released = test_counter(w);
    unsigned char got[16];
    size_t n = 0;

    toy_push(s.p->transport, s.y);
    assert_int_equal(rondo_transport_write(s.p->transport, "a", 1), 0);
    assert_int_equal(rondo_transport_writev(s.p->transport, pieces, 2), 0);
    assert_int_equal(rondo_transport_write_owned(s.p->transport, "de", 2,
                                                 count_release, released),
                     0);
    assert_int_equal(rondo_transport_write_owned(s.p->transport, "", 0,
                                                 count_release, released),
                     0);
    assert_int_equal(peer_buffered(s.p), 5);
    test_run_until(w, s.y->started);
    toy_raw_take(w, s.fd, got, 2);
    test_spin(w, 10);
    assert_int_equal(raw_recv(s.fd, got, 1, 0), RAW_AGAIN);
    toy_raw_hello(s.fd, 1);
    test_run_until(w, s.y->done && *released == 2);
    assert_int_equal(peer_buffered(s.p), 0);
    for (const char *c = "abcde"; *c;) { /* frames as the filter likes them */
        toy_raw_take(w, s.fd, got, 2);
        n = got[1];
        toy_raw_take(w, s.fd, got, n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(got[i] ^ 7, *c++);
    }
}

TEST_LEAVES(S13_waiting_writes_count_for_the_limits)
{
    struct toy_side s = toy_side(w, 0);

    assert_ok(
        rondo_transport_set_write_buffer_limits(s.p->transport, 1000, 100));
    toy_push(s.p->transport, s.y);
    for (int i = 0; i < 100; i++)
        assert_int_equal(
            rondo_transport_write(s.p->transport, "0123456789", 10), 0);
    assert_int_equal(rondo_transport_write(s.p->transport, "!", 1), 1);
    test_run_until(w, s.p->pauses == 1);
    assert_int_equal(s.p->resumes, 0);
    toy_raw_hello(s.fd, 1);
    test_run_until(w, s.p->resumes == 1);
    assert_string_equal(s.p->order, "MPR");
}

/* what waits for the filter is dropped and released when it never comes */
TEST(S13_waiting_writes_are_dropped_with_the_connection)
{
    struct toy_side s = toy_side(w, 0);
    unsigned *released = test_counter(w);

    toy_push(s.p->transport, s.y);
    assert_ok(rondo_transport_write(s.p->transport, "a", 1));
    assert_ok(rondo_transport_write_owned(s.p->transport, "bc", 2,
                                          count_release, released));
    assert_true(raw_send_all(s.fd, "??", 2, 1000));
    assert_lost(w, s.p, NULL, RONDO_EPROTO);
    assert_int_equal(*released, 1);
    assert_int_equal(s.y->result, RONDO_EPROTO);
    assert_non_null(strstr(s.p->last_error, "toy: no hello"));
}

TEST_LEAVES(S13_what_was_queued_before_goes_in_clear)
{
    struct toy_side s = toy_side(w, 8192);
    uint64_t sent = test_fill_transport(w, s.p);

    toy_push(s.p->transport, s.y);
    assert_ok(rondo_transport_write(s.p->transport, "x", 1));
    assert_int_equal(test_drain_raw_some(w, s.fd, 0, sent), sent);
    toy_raw_hello(s.fd, 1);
    toy_raw_hears(w, s.fd, "H\7\0\1\177", 5);
}

/* close waits for the handshake only where there is something to send */
TEST(S13_close_sends_what_waits_for_the_handshake)
{
    struct toy_side s = toy_side_pushed(w);

    assert_ok(rondo_transport_write(s.p->transport, "x", 1));
    rondo_transport_close(s.p->transport);
    test_spin(w, 10);
    assert_int_equal(s.p->lost, 0);
    toy_raw_hello(s.fd, 1);
    toy_raw_hears(w, s.fd, "H\7\0\1\177\0\0", 7);
    raw_shutdown_write(s.fd);
    assert_lost(w, s.p, NULL, 0);
    toy_raw_ends(s.fd);
    toy_check_whole(s.y);
}

TEST(S13_close_does_not_wait_for_nothing)
{
    struct toy_side s = toy_side_pushed(w), never = toy_side(w, 0);

    test_run_until(w, s.y->started);
    rondo_transport_close(s.p->transport);
    toy_push(never.p->transport, never.y);
    rondo_transport_close(never.p->transport);
    assert_lost(w, s.p, NULL, 0);
    test_run_until(w, never.p->lost);
    assert_int_equal(s.y->result, RONDO_ECANCELED);
    assert_string_equal(s.y->order, "sL"); /* not ready: no goodbye */
    assert_string_equal(never.y->order, "L");
    assert_int_equal(never.y->result, RONDO_ECANCELED);
}

TEST(S13_write_eof_waits_for_the_handshake)
{
    struct toy_side s = toy_side(w, 0);

    s.p->keep_open = true;
    toy_push(s.p->transport, s.y);
    assert_ok(rondo_transport_write_eof(s.p->transport));
    test_spin(w, 10);
    toy_raw_hello(s.fd, 1);
    toy_raw_hears(w, s.fd, "H\7\0\0", 4);
    toy_raw_ends(s.fd);
    toy_raw_send(s.fd, 1, "still", 5);
    test_run_until(w, s.p->bytes == 5);
    toy_raw_goodbye(s.fd);
    assert_lost(w, s.p, NULL, 0);
}

TEST(S13_the_peer_leaves_in_the_middle)
{
    struct toy_side s = toy_side(w, 0);

    s.y->no_goodbye = true; /* the end itself does not trouble it */
    toy_push(s.p->transport, s.y);
    assert_true(raw_send_all(s.fd, "H", 1, 1000));
    raw_shutdown_write(s.fd);
    assert_lost(w, s.p, NULL, RONDO_ECONNRESET);
    assert_int_equal(s.y->result, RONDO_ECONNRESET);
    assert_non_null(strstr(s.p->last_error, "handshake"));
}

/* pushed when the peer has ended its side already */
TEST(S13_no_handshake_after_the_end)
{
    struct toy_side s = toy_side(w, 0), clear = toy_side(w, 0);
    char got[1];

    s.p->keep_open = clear.p->keep_open = true;
    raw_shutdown_write(s.fd);
    raw_shutdown_write(clear.fd);
    test_run_until(w, s.p->eof && clear.p->eof);
    clear.y->clear = true; /* needs no handshake, so it can write */
    toy_push(s.p->transport, s.y);
    toy_push(clear.p->transport, clear.y);
    assert_lost(w, s.p, NULL, RONDO_ECONNRESET);
    test_run_until(w, clear.y->done);
    assert_ok(rondo_transport_write(clear.p->transport, "x", 1));
    toy_raw_take(w, clear.fd, got, 1);
    rondo_transport_close(clear.p->transport);
    assert_lost(w, clear.p, NULL, 0);
}

static void push_second(struct toy *y)
{
    toy_push(y->transport, y->user);
}

TEST_LEAVES(S13_another_pushed_inside_done)
{
    struct toy_side s = toy_side_new(w);
    struct toy *second = test_toy(w, 8);

    s.y->on_done = push_second;
    s.y->user = second;
    second->clear = true;
    toy_raw_hello(s.fd, 1);
    toy_raw_send(s.fd, 1, "both", 4);
    test_run_until(w, s.p->bytes == 4);
    assert_string_equal(second->order, "sr");
    assert_int_equal(s.p->made, 1);
}

TEST(S13_a_live_handshake_has_a_timeout)
{
    struct toy_side s = toy_side_pushed(w);

    test_run_until(w, s.y->started);
    test_advance_clock(w, 55);
    assert_int_equal(s.p->lost, 0);
    assert_true(raw_advance_clock(6));
    assert_lost(w, s.p, NULL, RONDO_ETIMEDOUT);
    assert_int_equal(s.y->result, RONDO_ETIMEDOUT);
}

TEST(S13_an_error_before_connection_made_still_makes_it)
{
    struct toy_side s = toy_side_new(w);

    assert_true(raw_send_all(s.fd, "??", 2, 1000));
    assert_lost(w, s.p, "ML", RONDO_EPROTO);
}
