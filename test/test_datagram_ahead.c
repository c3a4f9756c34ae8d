/* test_datagram_ahead.c - a backend that receives datagrams before it is asked,
 * and sends later what callbacks send. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"
#include "raw_process.h"

/* ---- D9: what has been received ------------------------------------------ */

/* More than any buffers of a loop's hold. */
TEST_LEAVES(D9_many_at_once)
{
    enum { ENDPOINTS = 12, EACH = 60 };
    struct endpoint *e[ENDPOINTS];
    raw_fd fd = test_udp(w);

    for (int i = 0; i < ENDPOINTS; i++) {
        e[i] = endpoint_bound(w);
        e[i]->on_data = endpoint_count_up;
        endpoint_feed(e[i], fd, 0, EACH);
    }
    for (int i = 0; i < ENDPOINTS; i++)
        test_run_until(w, e[i]->received == EACH);
}

static void count_and_pause(struct endpoint *e)
{
    endpoint_count_up(e);
    assert_ok(rondo_datagram_pause_reading(e->d));
}

enum { HOLDERS = 24 };

static void pause_all(rondo_loop *loop, void *arg)
{
    struct endpoint **all = arg;

    (void)loop;
    for (int i = 0; i < HOLDERS; i++)
        assert_ok(rondo_datagram_pause_reading(all[i]->d));
}

/* First the loop takes all the buffers that it may have. Then what has been
 * received and not delivered yet holds them all: others go on, and the loop
 * sleeps. */
TEST_LEAVES(D9_paused_ones_hold_all_buffers)
{
    enum { EACH = 100, FLOODS = 5 };
    struct endpoint *e[HOLDERS], *other = endpoint_bound(w);
    raw_fd fd = test_udp(w);
    unsigned received = 0;

    for (int i = 0; i < HOLDERS; i++) {
        e[i] = endpoint_bound(w);
        e[i]->on_data = endpoint_count_up;
    }
    for (uint64_t flood = 0; flood < FLOODS; flood++) {
        for (int i = 0; i < HOLDERS; i++)
            endpoint_feed(e[i], fd, flood * EACH, EACH);
        if (flood == FLOODS - 1) /* runs before anything is delivered */
            assert_true(rondo_call_soon(w->loop, pause_all, e) > 0);
        test_spin(w, 10);
    }
    for (int i = 0; i < HOLDERS; i++)
        received += e[i]->received;
    assert_int_equal(received, HOLDERS * (FLOODS - 1) * EACH);
    other->on_data = endpoint_count_up;
    for (unsigned i = 0; i < 3; i++) {
        endpoint_feed(other, fd, i, 1);
        test_run_until(w, other->received == i + 1);
        assert_true(test_run_for(w, RONDO_MS(20)) < 20);
    }
    for (int i = 0; i < HOLDERS; i++)
        assert_ok(rondo_datagram_resume_reading(e[i]->d));
    for (int i = 0; i < HOLDERS; i++)
        test_run_until(w, e[i]->received == FLOODS * EACH);
}

/* An empty one is the last answer of a receive. */
TEST(D9_empty_and_large_ones_in_turn)
{
    enum { LARGE = 40000, COUNT = 30 };
    struct endpoint *e = endpoint_bound(w);
    unsigned char *bytes = test_alloc(w, LARGE);
    raw_fd fd = test_udp(w);

    test_fill(bytes, 0, LARGE);
    for (unsigned i = 0; i < COUNT; i++) {
        size_t size = i % 2 ? LARGE : 0;

        e->size = 1;
        assert_int_equal(raw_send_to(fd, bytes, size, &e->local), size);
        test_run_until(w, e->received == i + 1);
        assert_int_equal(e->size, size);
        assert_false(e->truncated);
        assert_memory_equal(e->data, bytes, size ? sizeof e->data : 0);
    }
    endpoint_end(e);
}

static void take_and_resume(void *arg)
{
    struct endpoint *e = arg;

    assert_ok(rondo_loop_take(e->w->loop));
    e->on_data = endpoint_count_up;
    assert_ok(rondo_datagram_resume_reading(e->d));
    test_run_until(e->w, e->received == 40);
}

TEST_LEAVES(D9_another_thread_goes_on)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);

    e->on_data = count_and_pause;
    endpoint_feed(e, fd, 0, 40);
    test_run_until(w, e->received == 1);
    raw_thread_join(raw_thread_start(take_and_resume, e));
    assert_ok(rondo_loop_take(w->loop));
    endpoint_feed(e, fd, 40, 10);
    test_run_until(w, e->received == 50);
}

/* What its parent has received is the parent's, or a copy; each comes in
 * order. */
static int go_on_in_child(void *arg)
{
    struct endpoint *e = arg;
    struct world *w = e->w;

    if (rondo_loop_after_fork(w->loop) != 0)
        return 1;
    rondo_datagram_abort(e->d);
    test_run_until(w, e->lost);
    e = endpoint_bound(w);
    e->on_data = endpoint_count_up;
    endpoint_feed(e, test_udp(w), 0, 40);
    test_run_until(w, e->received == 40);
    return 0;
}

TEST_LEAVES(D9_a_forked_child_has_its_own)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);
    int result;

    e->on_data = count_and_pause;
    endpoint_feed(e, fd, 0, 40);
    test_run_until(w, e->received == 1);
    result = raw_fork_run(go_on_in_child, e);
    test_skip_if(w, result == -1, "there is no fork");
    assert_int_equal(result, 0);
    e->on_data = endpoint_count_up;
    assert_ok(rondo_datagram_resume_reading(e->d));
    test_run_until(w, e->received == 40);
}

/* ---- D9: what callbacks send ---------------------------------------------- */

/* More of them than leave together. */
TEST_LEAVES(D9_answers_of_many)
{
    enum { ENDPOINTS = 70 };
    struct endpoint *e[ENDPOINTS];
    raw_fd fd = test_udp(w);
    bool came[ENDPOINTS] = {false};

    for (int i = 0; i < ENDPOINTS; i++) {
        e[i] = endpoint_bound(w);
        e[i]->on_data = endpoint_echo;
    }
    for (int i = 0; i < ENDPOINTS; i++)
        endpoint_feed(e[i], fd, (uint64_t)i, 1);
    for (int i = 0; i < ENDPOINTS; i++) {
        uint64_t number = endpoint_answer(w, fd);

        assert_true(number < ENDPOINTS && !came[number]);
        came[number] = true;
    }
}

static void send_number(struct endpoint *e, uint64_t number)
{
    assert_ok(rondo_datagram_send(e->d, &number, sizeof number, &e->from));
}

static void sent_third(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    *(int64_t *)arg = result;
}

/* All ways of sending, and the end, keep the order. */
static void send_in_all_ways(struct endpoint *e)
{
    uint64_t number = 1;
    rondo_buffer piece = {&number, sizeof number};

    send_number(e, 0);
    assert_ok(rondo_datagram_try_send(e->d, &piece, 1, &e->from, NULL));
    send_number(e, 2);
    number = 3;
    assert_true(rondo_datagram_send_then(e->d, &piece, 1, &e->from, NULL,
                                         sent_third, e->user) > 0);
    send_number(e, 4);
    number = 5;
    assert_ok(rondo_datagram_send_with(e->d, &piece, 1, &e->from, NULL));
    send_number(e, 6);
    assert_int_equal(rondo_datagram_get_write_buffer_size(e->d), 0);
    send_number(e, 7);
    rondo_datagram_close(e->d);
}

TEST(D9_all_ways_of_sending_keep_one_order)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);
    int64_t result = 0;

    e->user = &result;
    e->on_data = send_in_all_ways;
    endpoint_feed(e, fd, 0, 1);
    for (uint64_t i = 0; i < 8; i++)
        assert_true(endpoint_answer(w, fd) == i);
    endpoint_lost(e, NULL, 0);
    assert_int_equal(result, 8);
}

static void echo_and_abort(struct endpoint *e)
{
    endpoint_echo(e);
    rondo_datagram_abort(e->d);
}

/* The kernel would have had it already. */
TEST(D9_sent_before_an_abort)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);

    e->on_data = echo_and_abort;
    endpoint_feed(e, fd, 7, 1);
    endpoint_lost(e, NULL, RONDO_ECANCELED);
    assert_true(endpoint_answer(w, fd) == 7);
}

/* Broadcast was not asked for: that is told by the call or by error_received,
 * once, and what follows is sent. */
static void send_to_all(struct endpoint *e)
{
    rondo_address all = endpoint_address("255.255.255.255", 9);
    int result = rondo_datagram_send(e->d, "x", 1, &all);

    e->count += result < 0;
    assert_true(result == 0 || result == RONDO_EACCES);
    endpoint_echo(e);
}

TEST(D9_a_refused_one_is_told_once)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);

    e->on_data = send_to_all;
    endpoint_feed(e, fd, 3, 1);
    assert_true(endpoint_answer(w, fd) == 3);
    test_spin(w, 3);
    assert_int_equal(e->count + e->errors, 1);
    if (e->errors)
        assert_int_equal(e->error, RONDO_EACCES);
    endpoint_end(e);
}

/* A peer that has gone answers each with news of the one before. */
static void answer_twice(struct endpoint *e)
{
    if (!rondo_datagram_is_closing(e->d)) {
        assert_ok(rondo_datagram_send(e->d, "a", 1, NULL));
        assert_ok(rondo_datagram_send(e->d, "b", 1, NULL));
    }
}

TEST_LEAVES(D9_news_of_an_earlier_one_stops_none)
{
    rondo_address dead = endpoint_dead(w);
    struct endpoint *e = endpoint_to(w, &dead);
    char got[4];
    raw_fd fd;

    test_skip_if(w, !test_tells_unreachable(),
                 "this system does not tell of a port that nobody has");
    e->on_error = answer_twice;
    answer_twice(e);
    test_run_until(w, e->errors >= 10);
    e->on_error = NULL;
    test_spin(w, 5);
    fd = test_own(w, raw_datagram_at(&dead, false));
    assert_true(fd != RONDO_NO_FD);
    assert_ok(rondo_datagram_send(e->d, "c", 1, NULL));
    test_spin(w, 5);
    assert_int_equal(raw_recv_from(fd, got, sizeof got, NULL, 5000), 1);
    assert_int_equal(e->lost, 0);
}
