/* test_filter.c - filters under a protocol that does not know. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_filter.h"

TEST(S13_bytes_pass_through_both_ways)
{
    struct toy_pair p = toy_pair(w, 0);

    peer_capture(p.a, 64);
    peer_capture(p.b, 64);
    p.a->on_made = act_hello;
    p.b->on_made = act_hello;
    test_run_until(w, p.a->bytes == 5 && p.b->bytes == 5);
    assert_memory_equal(p.a->captured, "hello", 5);
    assert_memory_equal(p.b->captured, "hello", 5);
    rondo_transport_close(p.a->transport);
    test_run_until(w, p.a->lost && p.b->lost);
    assert_string_equal(p.a->order, "MdL");
    assert_string_equal(p.b->order, "MdEL");
    assert_int_equal(p.a->error, 0);
    assert_int_equal(p.b->error, 0);
    toy_check_whole(p.ya);
    toy_check_whole(p.yb);
    assert_int_equal(p.ya->done + p.yb->done, 2);
    assert_int_equal(p.ya->result, 0);
}

TEST(S13_what_is_on_the_wire_is_the_filters)
{
    static const unsigned char wire[] = {'H', 7, 0, 2, 'h' ^ 7, 'i' ^ 7, 0, 0};
    unsigned char got[sizeof wire];
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, p);
    toy_push(p->transport, y);
    toy_raw_hello(fds[1], 3);
    test_run_until(w, p->made);
    assert_int_equal(rondo_transport_write(p->transport, "hi", 2), 0);
    rondo_transport_close(p->transport);
    toy_raw_take(w, fds[1], got, sizeof got);
    assert_memory_equal(got, wire, sizeof wire);
    test_run_until(w, y->lost);
    raw_close(fds[1]);
}

TEST_LEAVES(S13_connection_made_waits_for_ready)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, p);
    toy_push(p->transport, y);
    test_run_until(w, y->started);
    assert_true(raw_send_all(fds[1], "H", 1, 1000)); /* half of it */
    test_run_until(w, y->have == 1);
    test_spin(w, 10);
    assert_int_equal(p->made, 0);
    assert_int_equal(y->done, 0);
    assert_true(raw_send_all(fds[1], "k", 1, 1000));
    test_run_until(w, p->made);
    assert_int_equal(y->done, 1);
    raw_close(fds[1]);
}

/* hello and data in one piece: made, then data, in one go */
TEST(S13_data_right_behind_the_handshake)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    toy_raw_hello(fds[1], 3);
    toy_raw_send(fds[1], 3, "data", 4);
    toy_raw_goodbye(fds[1]);
    peer_capture(p, 16);
    p->keep_open = true;
    test_adopt(w, fds[0], &recorder, p);
    toy_push(p->transport, y);
    test_run_until(w, p->eof);
    assert_string_equal(p->order, "MdE");
    assert_memory_equal(p->captured, "data", 4);
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost);
    raw_close(fds[1]);
}

TEST_LEAVES(S13_one_byte_pieces)
{
    enum { SIZE = 3000 };
    struct toy_pair p = toy_pair(w, 0);
    unsigned char bytes[SIZE];

    test_fill(bytes, 0, SIZE);
    test_run_until(w, p.a->made && p.b->made);
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(rondo_transport_write(p.a->transport, bytes + i, 1),
                         0);
    test_run_until(w, p.b->bytes == SIZE);
    assert_true(p.b->checksum == test_pattern_checksum(SIZE));
}

TEST(S13_bytes_in_one_byte_pieces_from_below)
{
    struct peer *p = test_peer(w);
    struct toy *y = test_toy(w, 7);
    static const unsigned char wire[] = {'H', 1, 0, 3,   'b', 'c',
                                         'd', 0, 1, 'e', 0,   0};
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, p);
    toy_push(p->transport, y);
    peer_capture(p, 16);
    for (size_t i = 0; i < sizeof wire; i++) {
        assert_true(raw_send_all(fds[1], wire + i, 1, 1000));
        test_spin(w, 3);
    }
    test_run_until(w, p->lost);
    assert_memory_equal(p->captured, "cbed", 4);
    assert_string_equal(p->order, "MdEL");
    raw_close(fds[1]);
}

TEST_LEAVES(S13_gathered_owned_and_formatted_bytes)
{
    struct toy_pair p = toy_pair(w, 0);
    const rondo_buffer pieces[] = {{"one ", 4}, {NULL, 0}, {"two ", 4}};
    char *owned = malloc(6);

    peer_capture(p.b, 64);
    test_run_until(w, p.a->made && p.b->made);
    assert_int_equal(rondo_transport_writev(p.a->transport, pieces, 3), 0);
    memcpy(owned, "three ", 6); /* NOLINT: bytes, and no text */
    assert_int_equal(
        rondo_transport_write_owned(p.a->transport, owned, 6, free, owned), 0);
    assert_int_equal(rondo_transport_printf(p.a->transport, "%s %d", "four", 5),
                     0);
    test_run_until(w, p.b->bytes == 20);
    assert_memory_equal(p.b->captured, "one two three four 5", 20);
}

TEST_LEAVES(S13_buffered_protocols)
{
    struct peer *a = test_peer(w), *b = test_peer(w);
    struct toy *ya = test_toy(w, 1), *yb = test_toy(w, 2);
    raw_fd fds[2];
    unsigned char bytes[5000];

    test_fill(bytes, 0, sizeof bytes);
    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, a);
    test_adopt(w, fds[1], &buffered_recorder, b);
    b->buffer = test_alloc(w, 7);
    b->buffer_size = 7;
    toy_push(a->transport, ya);
    toy_push(b->transport, yb);
    test_run_until(w, a->made && b->made);
    assert_ok(rondo_transport_write(a->transport, bytes, sizeof bytes));
    rondo_transport_close(a->transport);
    test_run_until(w, b->lost);
    assert_int_equal(b->bytes, sizeof bytes);
    assert_true(b->checksum == test_pattern_checksum(sizeof bytes));
    assert_string_equal(b->order, "MbEL");
}

/* a table of NULLs changes nothing and is ready at once */
TEST(S13_a_filter_without_members_is_transparent)
{
    static const rondo_filter nothing;
    struct peer *p = test_peer(w);
    raw_fd fds[2];
    char got[5];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, p);
    assert_ok(
        rondo_transport_push_filter(p->transport, &nothing, NULL, NULL, NULL));
    peer_capture(p, 16);
    p->keep_open = true;
    p->on_made = act_hello;
    assert_true(raw_send_all(fds[1], "abc", 3, 1000));
    raw_shutdown_write(fds[1]);
    test_run_until(w, p->eof);
    assert_memory_equal(p->captured, "abc", 3);
    toy_raw_take(w, fds[1], got, 5);
    assert_memory_equal(got, "hello", 5);
    assert_ok(rondo_transport_write_eof(p->transport));
    assert_lost(w, p, NULL, 0);
    assert_int_equal(raw_recv(fds[1], got, 1, 1000), 0);
    raw_close(fds[1]);
}

TEST(S13_two_filters_stacked)
{
    struct toy_pair p = toy_pair(w, 0);
    struct toy *ua = test_toy(w, 5), *ub = test_toy(w, 6);

    toy_push(p.a->transport, ua);
    toy_push(p.b->transport, ub);
    peer_capture(p.b, 64);
    p.a->on_made = act_hello;
    test_run_until(w, p.b->bytes == 5);
    assert_memory_equal(p.b->captured, "hello", 5);
    assert_int_equal(ua->done + ub->done + p.ya->done + p.yb->done, 4);
    rondo_transport_close(p.b->transport);
    test_run_until(w, p.a->lost && p.b->lost);
    assert_int_equal(p.a->error, 0);
    assert_int_equal(p.b->error, 0);
    assert_int_equal(ua->lost + ub->lost + p.ya->lost + p.yb->lost, 4);
    toy_check_whole(ub);
    toy_check_whole(p.yb);
    assert_true(ua->goodbye && p.ya->goodbye);
}

static void start_upper(struct toy *y)
{
    struct toy *below = y->user;

    assert_true(below->done); /* the lower one is ready before */
}

TEST_LEAVES(S13_the_upper_starts_when_the_lower_is_ready)
{
    struct peer *p = test_peer(w);
    struct toy *low = test_toy(w, 1), *high = test_toy(w, 2);
    raw_fd fds[2];
    static const unsigned char hello[] = {'H', 3};
    unsigned char got[6];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, p);
    toy_push(p->transport, low);
    toy_push(p->transport, high);
    high->user = low;
    high->on_start = start_upper;
    test_run_until(w, low->started);
    test_spin(w, 10);
    assert_int_equal(high->started, 0);
    toy_raw_hello(fds[1], 9);
    test_run_until(w, high->started);
    assert_int_equal(p->made, 0);
    toy_raw_send(fds[1], 9, hello, 2);
    test_run_until(w, p->made);
    toy_raw_take(w, fds[1], got, 6); /* both hellos, the second one wrapped */
    assert_int_equal(got[5], 2 ^ 1);
    raw_close(fds[1]);
}

TEST(S13_wrong_calls_are_errors)
{
    static const rondo_filter nothing;
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    rondo_transport *t = p->transport;

    assert_einval(
        rondo_transport_push_filter(NULL, &nothing, NULL, NULL, NULL));
    assert_einval(rondo_transport_push_filter(t, NULL, NULL, NULL, NULL));
    assert_einval(rondo_layer_ready(NULL));
    assert_einval(rondo_layer_deliver(NULL, "x", 1));
    assert_einval(rondo_layer_deliver_eof(NULL));
    assert_einval(rondo_layer_send(NULL, "x", 1));
    assert_null(rondo_layer_transport(NULL));
    assert_ok(rondo_transport_write_eof(t));
    assert_error(rondo_transport_push_filter(t, &nothing, NULL, NULL, NULL),
                 RONDO_EPIPE);
    rondo_transport_close(t);
    assert_error(rondo_transport_push_filter(t, &nothing, NULL, NULL, NULL),
                 RONDO_ECLOSED);
    test_run_until(w, p->lost);
    raw_close(fd);
}

TEST_LEAVES(S13_wrong_calls_of_a_layer)
{
    struct toy_pair p = toy_pair(w, 0);
    rondo_layer *layer;

    p.a->keep_open = true;
    test_run_until(w, p.a->made && p.b->made);
    layer = p.ya->layer;
    assert_ptr_equal(rondo_layer_transport(layer), p.a->transport);
    assert_ok(rondo_layer_ready(layer)); /* again */
    assert_ok(rondo_layer_deliver(layer, NULL, 0));
    assert_ok(rondo_layer_send(layer, NULL, 0));
    assert_einval(rondo_layer_deliver(layer, NULL, 1));
    assert_einval(rondo_layer_send(layer, NULL, 1));
    assert_ptr_equal(rondo_transport_filter(p.a->transport, &toy_filter), p.ya);
    assert_null(rondo_transport_filter(p.a->transport, NULL));
    assert_null(rondo_transport_filter(NULL, &toy_filter));
    assert_ok(rondo_layer_deliver_eof(layer));
    assert_ok(rondo_layer_deliver_eof(layer));
    assert_einval(rondo_layer_deliver(layer, "x", 1));
    assert_int_equal(p.a->eof, 1);
    test_spin(w, 10);
    assert_int_equal(p.a->lost + p.b->lost, 0); /* none of these ended it */
}
