/* test_datagram_flow.c - flow control and batches: D3, D4. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"

enum { OVERHEAD = 32 }; /* what each datagram counts beside its bytes */

/* Sends it to the other one, which the kernel takes or the queue has room for:
 * not more than the high limit. */
static void send_to(struct endpoint *e, const struct endpoint *to,
                    const void *data, size_t size)
{
    assert_int_equal(rondo_datagram_send(e->d, data, size, &to->local), 0);
}

/* ---- D3: the limits ----------------------------------------------------- */

TEST_LEAVES(D3_pause_above_high_resume_at_low)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    char data[100] = "";

    endpoint_block(w);
    assert_ok(rondo_datagram_set_write_buffer_limits(
        e->d, 3 * (sizeof data + OVERHEAD), sizeof data + OVERHEAD));
    for (int i = 0; i < 3; i++)
        send_to(e, to, data, sizeof data);
    assert_int_equal(rondo_datagram_send(e->d, data, sizeof data, &to->local),
                     1);
    assert_int_equal(endpoint_buffered(e), 4 * (sizeof data + OVERHEAD));
    assert_string_equal(e->order, "M"); /* not inside the call */
    endpoint_unblock();
    test_run_until(w, e->resumes && to->received == 4);
    assert_string_equal(e->order, "MPR");
}

TEST_LEAVES(D3_empty_ones_count)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    unsigned sent = 0;

    endpoint_block(w);
    while (rondo_datagram_send(e->d, NULL, 0, &to->local) == 0)
        sent++;
    assert_in_range(sent, 1, 65536 / OVERHEAD);
    assert_int_equal(endpoint_buffered(e), (sent + 1) * OVERHEAD);
    /* and the memory is in proportion */
    test_spin(w, 1);
    assert_int_equal(e->pauses, e->resumes + (e->resumes == 0));
    rondo_datagram_abort(e->d);
    endpoint_unblock();
    test_run_until(w, e->lost);
}

TEST_LEAVES(D3_what_the_kernel_takes_does_not_pause)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    assert_int_equal(rondo_datagram_set_write_buffer_limits(e->d, 1, 1), 0);
    for (int i = 0; i < 100; i++) {
        send_to(e, to, "1234", 4);
        assert_int_equal(endpoint_buffered(e), 0);
    }
    test_run_until(w, to->received == 100);
    assert_string_equal(e->order, "M");
}

TEST_LEAVES(D3_limits_act_at_once)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    endpoint_block(w);
    for (int i = 0; i < 10; i++)
        send_to(e, to, "12345678", 8);
    assert_ok(rondo_datagram_set_write_buffer_limits(e->d, 100, 0));
    assert_int_equal(e->pauses, 0);
    /* and up again before the loop could tell: both are told */
    assert_ok(rondo_datagram_set_write_buffer_limits(e->d, 10000, 9000));
    test_spin(w, 1);
    assert_string_equal(e->order, "MPR");
    endpoint_unblock();
    test_run_until(w, to->received == 10);
    assert_string_equal(e->order, "MPR");
}

TEST_LEAVES(D3_wrong_and_default_limits)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    char *data = test_alloc(w, 60000);

    assert_einval(rondo_datagram_set_write_buffer_limits(e->d, 10, 20));
    assert_ok(rondo_datagram_set_write_buffer_limits(e->d, 10, 10));
    assert_ok(rondo_datagram_set_write_buffer_limits(e->d, 0, 0));
    endpoint_block(w);
    send_to(e, to, data, 60000);
    assert_int_equal(rondo_datagram_send(e->d, data, 6000, &to->local), 1);
    endpoint_unblock();
    test_run_until(w, to->received == 2);
}

static void send_more(struct endpoint *e)
{
    if (e->resumes < 5)
        for (int i = 0; i < 10; i++)
            assert_ok(
                rondo_datagram_send(e->d, "12345678", 8, &e->other->local));
}

TEST_LEAVES(D3_sending_while_paused_and_in_resume)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    e->other = to;
    e->on_pause = send_more;
    e->on_resume = send_more;
    assert_ok(rondo_datagram_set_write_buffer_limits(e->d, 100, 50));
    endpoint_block(w);
    send_more(e);
    test_spin(w, 2);
    endpoint_unblock();
    test_run_until(w, to->received >= 30 && !endpoint_buffered(e));
    test_spin(w, 5);
    assert_int_equal(e->pauses, e->resumes);
}

TEST_LEAVES(D3_closed_and_aborted_in_pause_and_resume)
{
    for (int i = 0; i < 4; i++) {
        struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

        e->on_pause = i & 1 ? endpoint_ends[i >> 1] : NULL;
        e->on_resume = i & 1 ? NULL : endpoint_ends[i >> 1];
        assert_ok(rondo_datagram_set_write_buffer_limits(e->d, 10, 5));
        endpoint_block(w);
        assert_int_equal(rondo_datagram_send(e->d, "x", 1, &to->local), 1);
        test_spin(w, 1);
        endpoint_unblock();
        endpoint_lost(e, NULL, i >> 1 ? RONDO_ECANCELED : 0);
        assert_true(strncmp(e->order, "MP", 2) == 0);
    }
}

/* ---- D4: batches -------------------------------------------------------- */

TEST_LEAVES(D4_answers_to_a_burst_in_order)
{
    enum { ROUNDS = 20, BURST = 100 };
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);

    e->on_data = endpoint_echo;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        endpoint_feed(e, fd, i * BURST, BURST);
        for (uint64_t j = i * BURST; j < (i + 1) * BURST; j++)
            assert_true(endpoint_answer(w, fd) == j);
    }
    assert_string_equal(e->order, "Md");
    assert_int_equal(endpoint_buffered(e), 0);
}

/* A datagram in and one out cost far less than a call each. */
TEST_LEAVES(D4_many_a_call)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);
    unsigned before;

    e->on_data = endpoint_echo;
    endpoint_feed(e, fd, 0, 1);
    test_run_until(w, e->received == 1);
    before = raw_datagram_calls();
    endpoint_feed(e, fd, 1, 200);
    test_run_until(w, e->received == 201);
    test_skip_if(w, raw_datagram_calls() - before >= 200,
                 "this system has no call for many datagrams");
    assert_in_range(raw_datagram_calls() - before, 2, 40);
}

TEST_LEAVES(D4_the_last_of_a_batch_is_sent_at_once)
{
    struct endpoint *e = endpoint_bound(w);

    e->on_data = endpoint_echo;
    endpoint_feed(e, test_udp(w), 0, 1);
    test_run_until(w, e->received);
    assert_int_equal(endpoint_buffered(e), 0);
}

static void note_size(struct endpoint *e)
{
    size_t waits;

    endpoint_echo(e);
    waits = endpoint_buffered(e);
    if (waits > e->count)
        e->count = waits;
}

/* What only waits for the end of the batch neither passes the high limit nor
 * pauses anybody. */
TEST_LEAVES(D4_gathering_does_not_pause)
{
    struct endpoint *e = endpoint_bound(w);

    e->on_data = note_size;
    assert_ok(rondo_datagram_set_write_buffer_limits(e->d, 200, 100));
    endpoint_feed(e, test_udp(w), 0, 100);
    test_run_until(w, e->received == 100);
    assert_string_equal(e->order, "Md");
    assert_true(e->count <= 200);
}

static void echo_or_count(struct endpoint *e)
{
    int result = rondo_datagram_send(e->d, e->lent, e->size, &e->from);

    if (result == 0)
        return;
    assert_error(result, RONDO_ENETUNREACH);
    e->count++;
}

/* Refused as a batch leaves: told by error_received; where there is no batch,
 * by the call. The others go on. */
TEST_LEAVES(D4_errors_of_a_batch_are_told)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);
    unsigned answers = 0;
    uint64_t got;

    e->on_data = echo_or_count;
    endpoint_feed(e, fd, 0, 100);
    test_skip_if(w, !raw_sends_fail(RAW_SEND_UNREACHABLE, 10, 5),
                 "sends cannot be made to fail on this system");
    test_run_until(w, e->received == 100 && raw_sends_failed() == 5);
    endpoint_unblock();
    test_spin(w, 5);
    while (raw_recv_from(fd, &got, sizeof got, NULL, 0) >= 0)
        answers++;
    assert_int_equal(answers, 95);
    assert_int_equal(e->errors + e->count, 5);
    assert_true(e->errors == 0 || e->error == RONDO_ENETUNREACH);
}

static void end_after_ten(struct endpoint *e)
{
    endpoint_echo(e);
    if (e->received == 10)
        endpoint_ends[e->count](e);
}

/* Ten have been answered, whether the end is a close or an abort: what was
 * gathered counts as sent. */
TEST(D4_closed_and_aborted_in_a_batch)
{
    for (unsigned i = 0; i < 2; i++) {
        struct endpoint *e = endpoint_bound(w);
        raw_fd fd = test_udp(w);
        unsigned answers = 0;
        uint64_t got;

        e->count = i;
        e->on_data = end_after_ten;
        endpoint_feed(e, fd, 0, 50);
        test_run_until(w, e->lost);
        assert_int_equal(e->received, 10);
        assert_int_equal(e->error, i ? RONDO_ECANCELED : 0);
        while (raw_recv_from(fd, &got, sizeof got, NULL, 0) >= 0)
            assert_true(got == answers++);
        assert_int_equal(answers, 10);
    }
}

static void answer_a_lot(struct endpoint *e)
{
    static char large[40000];

    assert_ok(rondo_datagram_send(e->d, large, sizeof large, &e->from));
}

/* More than the high limit in one batch: it goes on being sent, not kept. */
TEST_LEAVES(D4_large_answers_do_not_heap_up)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);

    e->on_data = answer_a_lot;
    endpoint_feed(e, fd, 0, 1);
    test_run_until(w, e->received == 1);
    test_reset_peak(w);
    endpoint_feed(e, fd, 0, 30);
    test_run_until(w, e->received == 31 && e->pauses == e->resumes);
    assert_true(test_peak_bytes(w) < test_live_bytes(w) + 400000);
}

/* ---- the heap ----------------------------------------------------------- */

/* It talks to itself, with a hundred on their way; on a slow machine it is
 * fewer than a million. */
TEST_LEAVES(D4_a_million_without_heap_growth)
{
    struct endpoint *e = endpoint_bound(w);
    unsigned some = 5000 / (unsigned)test_slowness();
    unsigned all = 1000000 / (unsigned)test_slowness();
    uint64_t allocations;
    int64_t end;

    e->on_data = endpoint_echo;
    for (int i = 0; i < 100; i++)
        assert_ok(rondo_datagram_send(e->d, "12345678", 8, &e->local));
    test_run_until(w, e->received >= some);
    allocations = test_allocations(w);
    end = raw_now_ns() + RONDO_SEC(8);
    test_run_until(w, e->received >= all || raw_now_ns() > end);
    assert_true(e->received > 2 * some);
    assert_int_equal(test_allocations(w), allocations);
    assert_string_equal(e->order, "Md");
}

/* A queue that fills and empties again and again, too. */
TEST_LEAVES(D3_a_queue_that_comes_and_goes_keeps_its_memory)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    uint64_t allocations = 0;

    for (unsigned i = 1; i <= 100; i++) {
        endpoint_block(w);
        for (int j = 0; j < 50; j++)
            assert_ok(rondo_datagram_send(e->d, "12345678", 8, &to->local));
        endpoint_unblock();
        test_run_until(w, to->received == 50 * i);
        if (i == 5)
            allocations = test_allocations(w);
    }
    /* a timer's slot now and then apart */
    assert_true(test_allocations(w) <= allocations + 2);
}
