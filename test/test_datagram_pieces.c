/* test_datagram_pieces.c - sends that keep nothing, and in pieces. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"

/* ---- D6: that keep nothing ---------------------------------------------- */

static int try_text(struct endpoint *e, const char *text,
                    const rondo_address *to)
{
    const rondo_buffer piece = {.data = text, .size = strlen(text)};

    return rondo_datagram_try_send(e->d, &piece, 1, to, NULL);
}

TEST(D6_try_send_sends_now)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    assert_int_equal(try_text(e, "hello", &to->local), 0);
    endpoint_hears(to, "hello");
    endpoint_end(e);
    endpoint_end(to);
}

TEST(D6_try_send_keeps_nothing)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    uint64_t allocations = test_allocations(w);

    endpoint_block(w);
    assert_refused(try_text(e, "hello", &to->local), RONDO_EAGAIN, "no room");
    assert_int_equal(test_allocations(w), allocations);
    assert_int_equal(endpoint_buffered(e), 0);
    assert_ok(rondo_datagram_send(e->d, "a", 1, &to->local));
    endpoint_unblock();
    assert_refused(try_text(e, "hello", &to->local), RONDO_EAGAIN, "wait");
    test_run_until(w, endpoint_buffered(e) == 0);
    assert_int_equal(try_text(e, "b", &to->local), 0);
    test_run_until(w, to->received == 2);
    assert_int_equal(to->size, 1);
    assert_int_equal(to->data[0], 'b');
    endpoint_end(e);
    endpoint_end(to);
}

/* ---- D6: pieces --------------------------------------------------------- */

static int send_pieces(struct endpoint *e, const rondo_address *to)
{
    const rondo_buffer pieces[] = {
        {"12", 2}, {"", 0}, {NULL, 0}, {"345", 3}, {"6", 1}};

    return rondo_datagram_send_with(e->d, pieces, COUNT_OF(pieces), to, NULL);
}

static void hears_pieces(struct endpoint *to, unsigned n)
{
    test_run_until(to->w, to->received == n);
    assert_int_equal(to->size, 6);
    assert_memory_equal(to->data, "123456", 6);
}

TEST(D6_pieces_are_one_datagram)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    assert_int_equal(send_pieces(e, &to->local), 0);
    hears_pieces(to, 1);
    assert_int_equal(rondo_datagram_send_with(e->d, NULL, 0, &to->local, NULL),
                     0);
    test_run_until(w, to->received == 2);
    assert_int_equal(to->size, 0);
    /* behind one that waits */
    endpoint_block(w);
    assert_int_equal(rondo_datagram_send(e->d, "a", 1, &to->local), 0);
    assert_int_equal(send_pieces(e, &to->local), 0);
    assert_int_equal(endpoint_buffered(e), 1 + 32 + 6 + 32);
    endpoint_unblock();
    hears_pieces(to, 4);
    endpoint_end(e);
    endpoint_end(to);
}

TEST(D6_pieces_on_a_connected_endpoint)
{
    struct endpoint *to = endpoint_bound(w), *e = endpoint_to(w, &to->local);

    assert_int_equal(send_pieces(e, NULL), 0);
    hears_pieces(to, 1);
    assert_refused(send_pieces(e, endpoint_here(w)), RONDO_EINVAL, NULL);
    endpoint_end(e);
    endpoint_end(to);
}
