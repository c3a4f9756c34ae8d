/* test_datagram_error.c - errors, and what goes on in spite of them: D2. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"

/* ---- destinations that nobody has --------------------------------------- */

/* One that sends to a port that nobody has. Skips where the system does not
 * say so. */
static struct endpoint *endpoint_in_vain(struct world *w)
{
    rondo_address dead = endpoint_dead(w);
    struct endpoint *e = endpoint_to(w, &dead);

    assert_ok(rondo_datagram_send(e->d, "x", 1, NULL));
    for (int i = 0; i < 100 && !e->errors; i++)
        (void)test_run_for(w, RONDO_MS(2));
    test_skip_if(w, !e->errors && !test_tells_unreachable(),
                 "this system does not tell of a port that nobody has");
    endpoint_end(e);
    dead = endpoint_dead(w);
    return endpoint_to(w, &dead);
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
    struct endpoint *e = endpoint_in_vain(w);
    rondo_address dead;
    raw_fd fd;
    char got[16];

    send_until_error(e, 100);
    assert_int_equal(e->error, RONDO_ECONNREFUSED);
    assert_true(strstr(e->last_error, "127.0.0.1") != NULL);
    assert_false(rondo_datagram_is_closing(e->d));
    test_spin(w, 5);
    assert_ok(rondo_datagram_peer_address(e->d, &dead));
    fd = test_own(w, raw_datagram_at(&dead, false));
    assert_true(fd != RONDO_NO_FD);
    assert_ok(rondo_datagram_send(e->d, "hello", 5, NULL));
    test_spin(w, 5);
    assert_int_equal(raw_recv_from(fd, got, sizeof got, NULL, 5000), 5);
    assert_memory_equal(got, "hello", 5);
    test_skip_if(w, !raw_waits_after_unreachable(),
                 "after an error this system (Wine) tells nothing more");
    assert_int_equal(raw_send_to(fd, "back", 4, &e->local), 4);
    endpoint_hears(e, "back");
    assert_int_equal(e->lost, 0);
}

TEST_LEAVES(D2_an_error_without_sending_again)
{
    struct endpoint *e = endpoint_in_vain(w);

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
    struct endpoint *e = endpoint_in_vain(w);

    e->on_error = send_again;
    assert_ok(rondo_datagram_send(e->d, "x", 1, NULL));
    test_run_until(w, e->errors >= 1);
    assert_true(test_run_for(w, RONDO_MS(20)) >= 1);
    assert_true(e->errors >= 1);
    endpoint_end(e);
    assert_int_equal(e->error, 0);
}

TEST(D2_closed_and_aborted_in_error_received)
{
    for (int i = 0; i < 2; i++) {
        struct endpoint *e = endpoint_in_vain(w);

        e->on_error = endpoint_ends[i];
        assert_ok(rondo_datagram_send(e->d, "x", 1, NULL));
        endpoint_lost(e, "MXL", i ? RONDO_ECANCELED : 0);
    }
}

/* ---- sends that fail at once -------------------------------------------- */

/* The next sends fail like that, after so many that work. */
static void fail_sends(struct world *w, enum raw_send_failure how,
                       unsigned after, unsigned times)
{
    test_skip_if(w, !raw_sends_fail(how, after, times),
                 "sends cannot be made to fail like that on this system");
}

TEST_LEAVES(D2_a_refused_send_is_told_by_the_call)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    fail_sends(w, RAW_SEND_UNREACHABLE, 0, 1);
    assert_error(rondo_datagram_send(e->d, "lost", 4, &to->local),
                 RONDO_ENETUNREACH);
    assert_true(rondo_last_os_error() != 0);
    assert_true(strstr(rondo_last_error(), "datagram_send") != NULL);
    assert_ok(rondo_datagram_send(e->d, "next", 4, &to->local));
    endpoint_hears(to, "next");
    assert_int_equal(e->errors, 0);
    assert_int_equal(to->received, 1);
}

/* What a connected socket says first may be of an earlier datagram: it is
 * told, and the one at hand is sent. */
TEST_LEAVES(D2_news_of_an_earlier_one_costs_no_datagram)
{
    struct endpoint *to = endpoint_bound(w);
    struct endpoint *e = endpoint_to(w, &to->local);

    fail_sends(w, RAW_SEND_UNREACHABLE, 0, 1);
    assert_int_equal(rondo_datagram_send(e->d, "sent", 4, NULL), 0);
    assert_int_equal(e->errors, 0);
    test_run_until(w, to->received && e->errors);
    assert_int_equal(e->errors, 1);
    assert_int_equal(e->error, RONDO_ENETUNREACH);
    fail_sends(w, RAW_SEND_UNREACHABLE, 0, 2); /* and its own */
    assert_error(rondo_datagram_send(e->d, "lost", 4, NULL), RONDO_ENETUNREACH);
    test_spin(w, 5);
    assert_int_equal(e->errors, 1);
    assert_int_equal(to->received, 1);
}

/* ---- the queue ---------------------------------------------------------- */

/* Two, of which the first has so many numbers for the other, which the kernel
 * does not take. */
struct queue {
    struct endpoint *e, *to;
};

static struct queue fill_queue(struct world *w, uint64_t count)
{
    struct queue q = {endpoint_bound(w), endpoint_bound(w)};

    q.to->on_data = endpoint_count_up;
    endpoint_block(w);
    for (uint64_t i = 0; i < count; i++)
        assert_ok(rondo_datagram_send(q.e->d, &i, sizeof i, &q.to->local));
    assert_int_equal(endpoint_buffered(q.e), count * (sizeof(uint64_t) + 32));
    return q;
}

TEST_LEAVES(D2_the_queue_is_sent_in_order)
{
    struct queue q = fill_queue(w, 200);

    endpoint_unblock();
    test_run_until(w, q.to->received == 200);
    assert_int_equal(endpoint_buffered(q.e), 0);
    assert_int_equal(q.e->errors, 0);
}

/* A socket that is always writable and never takes anything. */
TEST_LEAVES(D2_waiting_for_room_does_not_spin)
{
    struct queue q = fill_queue(w, 1);

    assert_true(test_run_for(w, RONDO_MS(100)) < 200);
    endpoint_unblock();
    test_run_until(w, q.to->received == 1);
}

TEST_LEAVES(D2_a_full_queue_of_the_systems_is_waited_for)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    to->on_data = endpoint_count_up;
    fail_sends(w, RAW_SEND_NO_BUFFERS, 0, 3);
    for (uint64_t i = 0; i < 5; i++)
        assert_ok(rondo_datagram_send(e->d, &i, sizeof i, &to->local));
    test_run_until(w, to->received == 5);
    assert_int_equal(e->errors, 0);
}

TEST_LEAVES(D2_one_that_fails_in_the_queue_is_dropped_and_told)
{
    struct queue q = fill_queue(w, 100);

    q.to->on_data = NULL;
    fail_sends(w, RAW_SEND_UNREACHABLE, 10, 1); /* the eleventh */
    test_run_until(w,
                   q.to->received >= 99 && q.e->errors + q.to->received >= 100);
    test_skip_if(w, raw_sends_failed() == 0,
                 "the system sends by itself what waits");
    assert_int_equal(q.to->received, 99);
    assert_int_equal(q.e->errors, 1);
    assert_int_equal(q.e->error, RONDO_ENETUNREACH);
    assert_int_equal(endpoint_buffered(q.e), 0);
}

TEST_LEAVES(D2_a_paused_protocol_resumes_after_errors)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    assert_ok(rondo_datagram_set_write_buffer_limits(e->d, 100, 50));
    endpoint_block(w);
    for (int i = 0; i < 10; i++)
        assert_ok(rondo_datagram_send(e->d, "12345678", 8, &to->local));
    test_spin(w, 1);
    fail_sends(w, RAW_SEND_UNREACHABLE, 0, 10);
    test_run_until(w, e->resumes);
    assert_int_equal(e->pauses, 1);
    assert_int_equal(endpoint_buffered(e), 0);
    assert_int_equal(e->errors + to->received, 10);
    endpoint_unblock();
    assert_ok(rondo_datagram_send(e->d, "traffic", 7, &to->local));
    test_run_until(w, to->size == 7);
}

TEST_LEAVES(D2_close_sends_the_queue_first)
{
    struct queue q = fill_queue(w, 200);

    rondo_datagram_close(q.e->d);
    assert_true(rondo_datagram_is_closing(q.e->d));
    assert_error(rondo_datagram_send(q.e->d, "x", 1, &q.to->local),
                 RONDO_ECLOSED);
    endpoint_feed(q.e, test_udp(w), 0, 1); /* nobody wants it any more */
    endpoint_unblock();
    endpoint_lost(q.e, "ML", 0);
    test_run_until(w, q.to->received == 200);
}

TEST_LEAVES(D2_abort_drops_the_queue)
{
    struct queue q = fill_queue(w, 200);

    rondo_datagram_abort(q.e->d);
    assert_int_equal(endpoint_buffered(q.e), 0);
    endpoint_unblock();
    endpoint_lost(q.e, NULL, RONDO_ECANCELED);
    assert_true(strstr(q.e->last_error, "ECANCELED") != NULL);
    test_spin(w, 10);
    assert_true(q.to->received <= 1); /* what the kernel had already */
}

TEST_LEAVES(D2_abort_cuts_a_close_short)
{
    struct queue q = fill_queue(w, 200);

    rondo_datagram_close(q.e->d);
    test_spin(w, 3);
    test_skip_if(w, q.e->lost, "the system sends by itself what waits");
    rondo_datagram_abort(q.e->d);
    rondo_datagram_close(q.e->d);
    endpoint_unblock();
    endpoint_lost(q.e, NULL, RONDO_ECANCELED);
}

/* Closed while the whole queue fails: all are told, then lost. */
TEST_LEAVES(D2_errors_during_a_close)
{
    struct queue q = fill_queue(w, 5);

    q.to->on_data = NULL;
    rondo_datagram_close(q.e->d);
    fail_sends(w, RAW_SEND_UNREACHABLE, 0, 5);
    test_run_until(w, q.e->lost);
    endpoint_unblock();
    test_spin(w, 5);
    assert_int_equal(q.e->errors + q.to->received, 5);
    assert_int_equal(q.e->error, 0);
}
