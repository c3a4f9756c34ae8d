/* test_filter.c - filters under a protocol that does not know. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_filter.h"

TEST(S13_bytes_pass_through_both_ways)
{
    struct toy_pair p = toy_pair(w, 0);

    p.a->on_made = act_hello;
    p.b->on_made = act_hello;
    assert_hears(w, p.a, "hello");
    assert_hears(w, p.b, "hello");
    rondo_transport_close(p.a->transport);
    assert_lost(w, p.a, "MdL", 0);
    assert_lost(w, p.b, "MdEL", 0);
    toy_check_whole(p.ya);
    toy_check_whole(p.yb);
    assert_int_equal(p.ya->done + p.yb->done, 2);
    assert_int_equal(p.ya->result, 0);
}

TEST(S13_what_is_on_the_wire_is_the_filters)
{
    static const unsigned char wire[] = {'H', 7, 0, 2, 'h' ^ 7, 'i' ^ 7, 0, 0};
    unsigned char got[sizeof wire];
    struct toy_side s = toy_side_new(w);

    toy_raw_hello(s.fd, 3);
    test_run_until(w, s.p->made);
    assert_int_equal(rondo_transport_write(s.p->transport, "hi", 2), 0);
    rondo_transport_close(s.p->transport);
    toy_raw_take(w, s.fd, got, sizeof got);
    assert_memory_equal(got, wire, sizeof wire);
    raw_shutdown_write(s.fd); /* it is not waited for */
    test_run_until(w, s.y->lost);
}

TEST_LEAVES(S13_connection_made_waits_for_ready)
{
    struct toy_side s = toy_side_new(w);

    test_run_until(w, s.y->started);
    assert_true(raw_send_all(s.fd, "H", 1, 1000)); /* half of it */
    test_run_until(w, s.y->have == 1);
    test_spin(w, 10);
    assert_int_equal(s.p->made, 0);
    assert_int_equal(s.y->done, 0);
    assert_true(raw_send_all(s.fd, "k", 1, 1000));
    test_run_until(w, s.p->made);
    assert_int_equal(s.y->done, 1);
}

/* hello and data in one piece: made, then data, in one go */
TEST(S13_data_right_behind_the_handshake)
{
    struct toy_side s = toy_side_new(w);

    toy_raw_hello(s.fd, 3);
    toy_raw_send(s.fd, 3, "data", 4);
    toy_raw_goodbye(s.fd);
    raw_shutdown_write(s.fd);
    s.p->keep_open = true;
    test_run_until(w, s.p->eof);
    assert_string_equal(s.p->order, "MdE");
    assert_hears(w, s.p, "data");
    rondo_transport_close(s.p->transport);
    test_run_until(w, s.p->lost);
}

TEST_LEAVES(S13_one_byte_pieces)
{
    enum { SIZE = 3000 };
    struct toy_pair p = toy_pair_ready(w, 0);
    unsigned char bytes[SIZE];

    test_fill(bytes, 0, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(rondo_transport_write(p.a->transport, bytes + i, 1),
                         0);
    assert_received(p.b, SIZE);
}

TEST(S13_bytes_in_one_byte_pieces_from_below)
{
    struct toy_side s = toy_side_new(w);
    static const unsigned char wire[] = {'H', 1, 0, 3,   'b', 'c',
                                         'd', 0, 1, 'e', 0,   0};

    for (size_t i = 0; i < sizeof wire; i++) {
        assert_true(raw_send_all(s.fd, wire + i, 1, 1000));
        test_spin(w, 3);
    }
    raw_shutdown_write(s.fd);
    assert_lost(w, s.p, "MdEL", 0);
    assert_hears(w, s.p, "cbed");
}

TEST_LEAVES(S13_gathered_owned_and_formatted_bytes)
{
    struct toy_pair p = toy_pair_ready(w, 0);
    const rondo_buffer pieces[] = {{"one ", 4}, {NULL, 0}, {"two ", 4}};
    char *owned = malloc(6);

    assert_int_equal(rondo_transport_writev(p.a->transport, pieces, 3), 0);
    memcpy(owned, "three ", 6); /* NOLINT: bytes, and no text */
    assert_int_equal(
        rondo_transport_write_owned(p.a->transport, owned, 6, free, owned), 0);
    assert_int_equal(rondo_transport_printf(p.a->transport, "%s %d", "four", 5),
                     0);
    assert_hears(w, p.b, "one two three four 5");
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
    assert_lost(w, b, "MbEL", 0);
    assert_received(b, sizeof bytes);
}

/* a table of NULLs changes nothing and is ready at once */
TEST(S13_a_filter_without_members_is_transparent)
{
    static const rondo_filter nothing;
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_own(w, fds[1]);
    test_adopt(w, fds[0], &recorder, p);
    assert_ok(
        rondo_transport_push_filter(p->transport, &nothing, NULL, NULL, NULL));
    p->keep_open = true;
    p->on_made = act_hello;
    assert_true(raw_send_all(fds[1], "abc", 3, 1000));
    raw_shutdown_write(fds[1]);
    test_run_until(w, p->eof);
    assert_hears(w, p, "abc");
    toy_raw_hears(w, fds[1], "hello", 5);
    assert_ok(rondo_transport_write_eof(p->transport));
    assert_lost(w, p, NULL, 0);
    toy_raw_ends(fds[1]);
}

TEST(S13_two_filters_stacked)
{
    struct toy_pair p = toy_pair(w, 0);
    struct toy *ua = test_toy(w, 5), *ub = test_toy(w, 6);

    toy_push(p.a->transport, ua);
    toy_push(p.b->transport, ub);
    p.a->on_made = act_hello;
    assert_hears(w, p.b, "hello");
    assert_int_equal(ua->done + ub->done + p.ya->done + p.yb->done, 4);
    rondo_transport_close(p.b->transport);
    assert_lost(w, p.a, NULL, 0);
    assert_lost(w, p.b, NULL, 0);
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
    struct toy_side s = toy_side_new(w);
    struct toy *high = test_toy(w, 2);
    static const unsigned char hello[] = {'H', 3};
    unsigned char got[6];

    toy_push(s.p->transport, high);
    high->user = s.y;
    high->on_start = start_upper;
    test_run_until(w, s.y->started);
    test_spin(w, 10);
    assert_int_equal(high->started, 0);
    toy_raw_hello(s.fd, 9);
    test_run_until(w, high->started);
    assert_int_equal(s.p->made, 0);
    toy_raw_send(s.fd, 9, hello, 2);
    test_run_until(w, s.p->made);
    toy_raw_take(w, s.fd, got, 6); /* both hellos, the second one wrapped */
    assert_int_equal(got[5], 2 ^ 7);
}

static void push_refused(rondo_transport *t, const rondo_filter *filter,
                         int error)
{
    assert_refused(rondo_transport_push_filter(t, filter, NULL, NULL, NULL),
                   error, NULL);
}

TEST(S13_wrong_calls_are_errors)
{
    static const rondo_filter nothing;
    struct peer *p = toy_side(w, 0).p;
    rondo_transport *t = p->transport;

    push_refused(NULL, &nothing, RONDO_EINVAL);
    push_refused(t, NULL, RONDO_EINVAL);
    assert_einval(rondo_layer_ready(NULL));
    assert_einval(rondo_layer_deliver(NULL, "x", 1));
    assert_einval(rondo_layer_deliver_eof(NULL));
    assert_einval(rondo_layer_send(NULL, "x", 1));
    assert_null(rondo_layer_transport(NULL));
    assert_ok(rondo_transport_write_eof(t));
    push_refused(t, &nothing, RONDO_EPIPE);
    rondo_transport_close(t);
    push_refused(t, &nothing, RONDO_ECLOSED);
    test_run_until(w, p->lost);
}

TEST_LEAVES(S13_wrong_calls_of_a_layer)
{
    struct toy_pair p = toy_pair_ready(w, 0);
    rondo_layer *layer = p.ya->layer;

    p.a->keep_open = true;
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
