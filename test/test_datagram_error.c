/* test_datagram_error.c - errors, and what goes on in spite of them: D2. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"

/* ---- destinations that nobody has --------------------------------------- */

/* Skips where the system does not say that nobody has a port. */
static void need_news(struct world *w)
{
    rondo_address dead = endpoint_dead(w);
    struct endpoint *e = endpoint_to(w, &dead);

    assert_ok(rondo_datagram_send(e->d, "x", 1, NULL));
    for (int i = 0; i < 100 && !e->errors; i++)
        (void)test_run_for(w, RONDO_MS(2));
    if (!e->errors && !test_tells_unreachable())
        test_skip(w, "this system does not tell of a port that nobody has");
    rondo_datagram_close(e->d);
    test_run_until(w, e->lost);
}

static void send_until_error(struct endpoint *e, unsigned errors)
{
    struct world *w = e->w;
    uint64_t end = test_iterations(w) + 100000;

    while (e->errors < errors && test_iterations(w) < end) {
        assert_ok(rondo_datagram_send(e->d, "anybody?", 8, NULL));
        test_spin(w, 1);
    }
    assert_true(e->errors >= errors);
}

TEST_LEAVES(D2_hundred_errors_then_traffic)
{
    rondo_address dead;
    struct endpoint *e;
    raw_fd fd;
    char got[16];

    need_news(w);
    dead = endpoint_dead(w);
    e = endpoint_to(w, &dead);
    send_until_error(e, 100);
    assert_int_equal(e->error, RONDO_ECONNREFUSED);
    assert_true(strstr(e->last_error, "127.0.0.1") != NULL);
    assert_false(rondo_datagram_is_closing(e->d));
    test_spin(w, 5);
    fd = raw_datagram_at(&dead, false);
    assert_true(fd != RONDO_NO_FD);
    assert_ok(rondo_datagram_send(e->d, "hello", 5, NULL));
    test_spin(w, 5);
    assert_int_equal(raw_recv_from(fd, got, sizeof got, NULL, 5000), 5);
    assert_memory_equal(got, "hello", 5);
    if (!raw_waits_after_unreachable())
        test_skip(w, "after an error this system (Wine) tells nothing more");
    assert_int_equal(raw_send_to(fd, "back", 4, &e->local), 4);
    test_run_until(w, e->received);
    assert_memory_equal(e->data, "back", 4);
    assert_int_equal(e->lost, 0);
    raw_close(fd);
}

TEST_LEAVES(D2_an_error_without_sending_again)
{
    rondo_address dead;
    struct endpoint *e;

    need_news(w);
    dead = endpoint_dead(w);
    e = endpoint_to(w, &dead);
    assert_ok(rondo_datagram_send(e->d, "x", 1, NULL));
    test_run_until(w, e->errors);
    assert_int_equal(e->error, RONDO_ECONNREFUSED);
    assert_true(test_run_for(w, RONDO_MS(20)) < 20);
    assert_int_equal(e->errors, 1);
}

TEST_LEAVES(D2_nobody_listens_to_errors)
{
    static const rondo_datagram_protocol nothing;
    rondo_address dead = endpoint_dead(w);
    rondo_datagram *d = NULL;

    assert_ok(rondo_create_datagram_endpoint(
        w->loop, RONDO_DATAGRAM(.remote_address = &dead), &nothing, NULL, &d));
    for (int i = 0; i < 50; i++) {
        assert_ok(rondo_datagram_send(d, "x", 1, NULL));
        test_spin(w, 2);
    }
    assert_false(rondo_datagram_is_closing(d));
}

/* One that is not connected hears nothing of who did not take what it sent:
 * nobody could say which one it was. */
TEST_LEAVES(D2_unconnected_goes_on_undisturbed)
{
    rondo_address dead = endpoint_dead(w);
    struct endpoint *e = endpoint_bound(w), *other = endpoint_bound(w);

    for (int i = 0; i < 20; i++) {
        assert_ok(rondo_datagram_send(e->d, "x", 1, &dead));
        test_spin(w, 2);
    }
    assert_ok(rondo_datagram_send(e->d, "y", 1, &other->local));
    test_run_until(w, other->received);
    assert_ok(rondo_datagram_send(other->d, "z", 1, &e->local));
    test_run_until(w, e->received);
    assert_int_equal(e->errors, 0);
}

static void send_again(struct endpoint *e)
{
    if (rondo_datagram_is_closing(e->d))
        return;
    assert_ok(rondo_datagram_send(e->d, "again", 5, NULL));
    assert_ok(rondo_datagram_send(e->d, "again", 5, NULL));
}

/* It must not keep the loop for itself. */
TEST(D2_sending_in_answer_to_each_error)
{
    rondo_address dead;
    struct endpoint *e;

    need_news(w);
    dead = endpoint_dead(w);
    e = endpoint_to(w, &dead);
    e->on_error = send_again;
    assert_ok(rondo_datagram_send(e->d, "x", 1, NULL));
    test_run_until(w, e->errors >= 1);
    assert_true(test_run_for(w, RONDO_MS(20)) >= 1);
    assert_true(e->errors >= 1);
    rondo_datagram_close(e->d);
    test_run_until(w, e->lost);
    assert_int_equal(e->error, 0);
}

TEST(D2_closed_and_aborted_in_error_received)
{
    static void (*const ends[])(struct endpoint *) = {endpoint_close_it,
                                                      endpoint_abort_it};

    need_news(w);
    for (int i = 0; i < 2; i++) {
        rondo_address dead = endpoint_dead(w);
        struct endpoint *e = endpoint_to(w, &dead);

        e->on_error = ends[i];
        assert_ok(rondo_datagram_send(e->d, "x", 1, NULL));
        test_run_until(w, e->lost);
        assert_string_equal(e->order, "MXL");
        assert_int_equal(e->error, i ? RONDO_ECANCELED : 0);
    }
}

/* ---- sends that fail at once -------------------------------------------- */

static void need_failures(struct world *w, enum raw_send_failure how)
{
    if (!raw_sends_fail(how, 0, 0))
        test_skip(w, "sends cannot be made to fail like that on this system");
}

TEST_LEAVES(D2_a_refused_send_is_told_by_the_call)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    need_failures(w, RAW_SEND_UNREACHABLE);
    (void)raw_sends_fail(RAW_SEND_UNREACHABLE, 0, 1);
    assert_error(rondo_datagram_send(e->d, "lost", 4, &to->local),
                 RONDO_ENETUNREACH);
    assert_true(rondo_last_os_error() != 0);
    assert_true(strstr(rondo_last_error(), "datagram_send") != NULL);
    assert_ok(rondo_datagram_send(e->d, "next", 4, &to->local));
    test_run_until(w, to->received);
    assert_memory_equal(to->data, "next", 4);
    assert_int_equal(e->errors, 0);
    assert_int_equal(to->received, 1);
}

/* What a connected socket says first may be of an earlier datagram: it is
 * told, and the one at hand is sent. */
TEST_LEAVES(D2_news_of_an_earlier_one_costs_no_datagram)
{
    struct endpoint *to = endpoint_bound(w);
    struct endpoint *e = endpoint_to(w, &to->local);

    need_failures(w, RAW_SEND_UNREACHABLE);
    (void)raw_sends_fail(RAW_SEND_UNREACHABLE, 0, 1);
    assert_int_equal(rondo_datagram_send(e->d, "sent", 4, NULL), 0);
    assert_int_equal(e->errors, 0);
    test_run_until(w, to->received && e->errors);
    assert_int_equal(e->errors, 1);
    assert_int_equal(e->error, RONDO_ENETUNREACH);
    (void)raw_sends_fail(RAW_SEND_UNREACHABLE, 0, 2); /* and its own */
    assert_error(rondo_datagram_send(e->d, "lost", 4, NULL), RONDO_ENETUNREACH);
    test_spin(w, 5);
    assert_int_equal(e->errors, 1);
    assert_int_equal(to->received, 1);
}

/* ---- the queue ---------------------------------------------------------- */

/* The kernel takes nothing for a while. */
static void fill_queue(struct endpoint *e, const rondo_address *to,
                       uint64_t first, uint64_t count)
{
    (void)raw_sends_fail(RAW_SEND_BLOCKED, 0, UINT32_MAX);
    for (uint64_t i = first; i < first + count; i++)
        assert_ok(rondo_datagram_send(e->d, &i, sizeof i, to));
    assert_int_equal(rondo_datagram_get_write_buffer_size(e->d),
                     count * (sizeof(uint64_t) + 32));
}

static void unblock(void)
{
    (void)raw_sends_fail(RAW_SEND_BLOCKED, 0, 0);
}

TEST_LEAVES(D2_the_queue_is_sent_in_order)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    need_failures(w, RAW_SEND_BLOCKED);
    to->on_data = endpoint_count_up;
    fill_queue(e, &to->local, 0, 200);
    unblock();
    test_run_until(w, to->received == 200);
    assert_int_equal(rondo_datagram_get_write_buffer_size(e->d), 0);
    assert_int_equal(e->errors, 0);
}

/* A socket that is always writable and never takes anything. */
TEST_LEAVES(D2_waiting_for_room_does_not_spin)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    uint64_t iterations;

    need_failures(w, RAW_SEND_BLOCKED);
    to->on_data = endpoint_count_up;
    fill_queue(e, &to->local, 0, 1);
    iterations = test_run_for(w, RONDO_MS(100));
    assert_true(iterations < 200);
    unblock();
    test_run_until(w, to->received == 1);
}

TEST_LEAVES(D2_a_full_queue_of_the_systems_is_waited_for)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    need_failures(w, RAW_SEND_NO_BUFFERS);
    to->on_data = endpoint_count_up;
    (void)raw_sends_fail(RAW_SEND_NO_BUFFERS, 0, 3);
    for (uint64_t i = 0; i < 5; i++)
        assert_ok(rondo_datagram_send(e->d, &i, sizeof i, &to->local));
    test_run_until(w, to->received == 5);
    assert_int_equal(e->errors, 0);
}

TEST_LEAVES(D2_one_that_fails_in_the_queue_is_dropped_and_told)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    need_failures(w, RAW_SEND_BLOCKED);
    fill_queue(e, &to->local, 0, 100);
    /* the eleventh */
    (void)raw_sends_fail(RAW_SEND_UNREACHABLE, 10, 1);
    test_run_until(w, to->received >= 99 && e->errors + to->received >= 100);
    if (raw_sends_failed() == 0)
        test_skip(w, "the system sends by itself what waits");
    assert_int_equal(to->received, 99);
    assert_int_equal(e->errors, 1);
    assert_int_equal(e->error, RONDO_ENETUNREACH);
    assert_int_equal(rondo_datagram_get_write_buffer_size(e->d), 0);
}

TEST_LEAVES(D2_a_paused_protocol_resumes_after_errors)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    need_failures(w, RAW_SEND_BLOCKED);
    assert_ok(rondo_datagram_set_write_buffer_limits(e->d, 100, 50));
    (void)raw_sends_fail(RAW_SEND_BLOCKED, 0, UINT32_MAX);
    for (int i = 0; i < 10; i++)
        assert_ok(rondo_datagram_send(e->d, "12345678", 8, &to->local));
    test_spin(w, 1);
    (void)raw_sends_fail(RAW_SEND_UNREACHABLE, 0, 10);
    test_run_until(w, e->resumes);
    assert_int_equal(e->pauses, 1);
    assert_int_equal(rondo_datagram_get_write_buffer_size(e->d), 0);
    assert_int_equal(e->errors + to->received, 10);
    (void)raw_sends_fail(RAW_SEND_UNREACHABLE, 0, 0);
    assert_ok(rondo_datagram_send(e->d, "traffic", 7, &to->local));
    test_run_until(w, to->size == 7);
}

TEST_LEAVES(D2_close_sends_the_queue_first)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    raw_fd fd = raw_udp();

    need_failures(w, RAW_SEND_BLOCKED);
    to->on_data = endpoint_count_up;
    fill_queue(e, &to->local, 0, 200);
    rondo_datagram_close(e->d);
    assert_true(rondo_datagram_is_closing(e->d));
    assert_error(rondo_datagram_send(e->d, "x", 1, &to->local), RONDO_ECLOSED);
    endpoint_feed(e, fd, 0, 1); /* nobody wants it any more */
    unblock();
    test_run_until(w, e->lost && to->received == 200);
    assert_string_equal(e->order, "ML");
    assert_int_equal(e->error, 0);
    raw_close(fd);
}

TEST_LEAVES(D2_abort_drops_the_queue)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    need_failures(w, RAW_SEND_BLOCKED);
    fill_queue(e, &to->local, 0, 200);
    rondo_datagram_abort(e->d);
    assert_int_equal(rondo_datagram_get_write_buffer_size(e->d), 0);
    unblock();
    test_run_until(w, e->lost);
    assert_int_equal(e->error, RONDO_ECANCELED);
    assert_true(strstr(e->last_error, "ECANCELED") != NULL);
    test_spin(w, 10);
    assert_true(to->received <= 1); /* what the kernel had already */
}

TEST_LEAVES(D2_abort_cuts_a_close_short)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    need_failures(w, RAW_SEND_BLOCKED);
    fill_queue(e, &to->local, 0, 200);
    rondo_datagram_close(e->d);
    test_spin(w, 3);
    test_skip_if(w, e->lost, "the system sends by itself what waits");
    rondo_datagram_abort(e->d);
    rondo_datagram_close(e->d);
    unblock();
    test_run_until(w, e->lost);
    assert_int_equal(e->error, RONDO_ECANCELED);
}

/* Closed while the whole queue fails: all are told, then lost. */
TEST_LEAVES(D2_errors_during_a_close)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    need_failures(w, RAW_SEND_BLOCKED);
    fill_queue(e, &to->local, 0, 5);
    rondo_datagram_close(e->d);
    (void)raw_sends_fail(RAW_SEND_UNREACHABLE, 0, 5);
    test_run_until(w, e->lost);
    (void)raw_sends_fail(RAW_SEND_UNREACHABLE, 0, 0);
    test_spin(w, 5);
    assert_int_equal(e->errors + to->received, 5);
    assert_int_equal(e->error, 0);
}
