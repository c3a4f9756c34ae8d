/* test_datagram_pause.c - pausing and resuming what is received; get_buffer. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"

/* ---- D5: pausing -------------------------------------------------------- */

static void pause_it(struct endpoint *e)
{
    assert_ok(rondo_datagram_pause_reading(e->d));
    assert_ok(rondo_datagram_pause_reading(e->d)); /* harmless */
}

static void count_and_pause(struct endpoint *e)
{
    endpoint_count_up(e);
    pause_it(e);
}

TEST(D5_nothing_is_received_before_it_is_resumed)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);

    e->on_data = endpoint_count_up;
    pause_it(e);
    endpoint_feed(e, fd, 0, 5);
    test_spin(w, 20);
    assert_int_equal(e->received, 0);
    assert_ok(rondo_datagram_resume_reading(e->d));
    assert_ok(rondo_datagram_resume_reading(e->d));
    assert_int_equal(e->received, 0); /* from the loop only */
    test_run_until(w, e->received == 5);
    endpoint_end(e);
}

/* A paused endpoint that has something to receive lets the loop sleep. */
TEST(D5_the_loop_does_not_spin_while_it_is_paused)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);

    pause_it(e);
    endpoint_feed(e, fd, 0, 5);
    assert_true(test_run_for(w, RONDO_MS(20)) < 20);
    assert_int_equal(e->received, 0);
    endpoint_end(e);
}

/* A batch of many, one of which is delivered for each resume. */
TEST(D5_paused_in_a_batch_keeps_the_rest_in_order)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);

    e->on_data = count_and_pause;
    endpoint_feed(e, fd, 0, 40);
    for (unsigned i = 1; i <= 40; i++) {
        test_run_until(w, e->received == i);
        test_spin(w, 3);
        assert_int_equal(e->received, i);
        assert_ok(rondo_datagram_resume_reading(e->d));
    }
    endpoint_end(e);
}

static void pause_and_resume(struct endpoint *e)
{
    endpoint_count_up(e);
    assert_ok(rondo_datagram_pause_reading(e->d));
    assert_ok(rondo_datagram_resume_reading(e->d));
}

TEST(D5_paused_and_resumed_in_each_callback)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);

    e->on_data = pause_and_resume;
    endpoint_feed(e, fd, 0, 100);
    test_run_until(w, e->received == 100);
    endpoint_end(e);
}

TEST(D5_paused_before_connection_made)
{
    struct endpoint *e =
        endpoint_open(w, RONDO_DATAGRAM(.local_address = endpoint_here(w)));
    raw_fd fd = test_udp(w);

    pause_it(e);
    test_run_until(w, e->made);
    endpoint_feed(e, fd, 0, 1);
    test_spin(w, 10);
    assert_int_equal(e->received, 0);
    assert_ok(rondo_datagram_resume_reading(e->d));
    test_run_until(w, e->received == 1);
    endpoint_end(e);
}

/* What was kept is dropped, and nothing is called any more. */
TEST(D5_closed_and_aborted_while_it_is_paused)
{
    for (unsigned i = 0; i < 2; i++) {
        struct endpoint *e = endpoint_bound(w);
        raw_fd fd = test_udp(w);

        e->on_data = count_and_pause;
        endpoint_feed(e, fd, 0, 20);
        test_run_until(w, e->received == 1);
        endpoint_ends[i](e);
        assert_refused(rondo_datagram_resume_reading(e->d), RONDO_ECLOSED,
                       "closed");
        assert_refused(rondo_datagram_pause_reading(e->d), RONDO_ECLOSED,
                       "closed");
        endpoint_lost(e, "MdL", i ? RONDO_ECANCELED : 0);
        assert_int_equal(e->received, 1);
    }
}

TEST_LEAVES(D5_the_loop_closes_with_kept_datagrams)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);

    e->on_data = count_and_pause;
    endpoint_feed(e, fd, 0, 20);
    test_run_until(w, e->received == 1);
}

static void close_at_three(struct endpoint *e)
{
    endpoint_count_up(e);
    if (e->received == 3)
        rondo_datagram_close(e->d);
    else
        pause_it(e);
}

TEST(D5_closed_in_the_delivery_of_kept_ones)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);

    e->on_data = close_at_three;
    endpoint_feed(e, fd, 0, 20);
    for (unsigned i = 1; i < 3; i++) {
        test_run_until(w, e->received == i);
        assert_ok(rondo_datagram_resume_reading(e->d));
    }
    endpoint_lost(e, "MdL", 0);
    assert_int_equal(e->received, 3);
}

static void pause_once(struct endpoint *e)
{
    if (e->received == 1)
        pause_it(e);
}

/* Without memory for it the rest of the batch is lost and told; none comes
 * twice or late. */
static bool play_without_memory(struct world *w, uint64_t n)
{
    struct endpoint *e = endpoint_bound(w);
    raw_fd fd = test_udp(w);
    uint64_t last = 100;
    bool failed;

    e->on_data = pause_once;
    endpoint_feed(e, fd, 0, 10);
    test_fail_allocation(w, n);
    test_run_until(w, e->received == 1);
    failed = test_failed_allocations(w) > 0;
    test_fail_allocation(w, 0);
    assert_ok(rondo_datagram_resume_reading(e->d));
    assert_int_equal(raw_send_to(fd, &last, sizeof last, &e->local),
                     sizeof last);
    test_run_until(w, memcmp(e->data, &last, sizeof last) == 0);
    if (e->errors == 0) {
        assert_int_equal(e->received, 11);
    } else {
        assert_true(failed && e->received < 11);
        assert_int_equal(e->error, RONDO_ENOMEM);
    }
    endpoint_end(e);
    return failed;
}

TEST(D5_without_memory_for_what_is_kept)
{
    uint64_t n = 1;

    while (play_without_memory(w, n))
        n++;
    assert_true(n < 100);
}

/* Those come one at a time, so none is kept. */
TEST(D5_large_datagrams_pause_too)
{
    struct endpoint *e =
        endpoint_open(w, RONDO_DATAGRAM(.local_address = endpoint_here(w),
                                        .receive_size = 100000));
    raw_fd fd = test_udp(w);

    e->on_data = count_and_pause;
    endpoint_feed(e, fd, 0, 3);
    for (unsigned i = 1; i <= 3; i++) {
        test_run_until(w, e->received == i);
        test_spin(w, 3);
        assert_int_equal(e->received, i);
        assert_ok(rondo_datagram_resume_reading(e->d));
    }
    endpoint_end(e);
}

/* ---- D7: memory of the program's ---------------------------------------- */

enum { PIECE = 64, PIECES = 8 };

struct pool {
    struct endpoint *e;
    size_t give; /* bytes */
    unsigned asked;
    bool none;
    void (*on_ask)(struct pool *p);
    char memory[PIECE * PIECES];
};

static void *get_buffer(rondo_datagram *d, void *self, size_t hint,
                        size_t *size)
{
    struct pool *p = ((struct endpoint *)self)->user;

    (void)d;
    assert_int_equal(hint, PIECE);
    p->asked++;
    if (p->on_ask)
        p->on_ask(p);
    *size = p->give;
    return p->none ? NULL : p->memory;
}

static void count_in_pool(struct endpoint *e)
{
    struct pool *p = e->user;
    const char *at = e->lent;

    assert_true(at >= p->memory && at + e->size <= p->memory + p->give);
    endpoint_count_up(e);
}

static struct pool *pool_open(struct world *w, size_t give)
{
    static rondo_datagram_protocol protocol;
    struct pool *p = test_alloc(w, sizeof *p);
    struct endpoint *e = endpoint_new(w);

    protocol = datagram_recorder;
    protocol.get_buffer = get_buffer;
    p->e = e;
    p->give = give;
    e->user = p;
    e->on_data = count_in_pool;
    assert_ok(rondo_create_datagram_endpoint(
        w->loop,
        RONDO_DATAGRAM(.local_address = endpoint_here(w),
                       .receive_size = PIECE),
        &protocol, e, &e->d));
    assert_ok(rondo_datagram_local_address(e->d, &e->local));
    test_run_until(w, e->made);
    return p;
}

static void try_pool(struct world *w, size_t give)
{
    struct pool *p = pool_open(w, give);

    endpoint_feed(p->e, test_udp(w), 0, 100);
    test_run_until(w, p->e->received == 100);
    /* each buffer was for as many as fit */
    assert_true(p->asked >= (give < PIECE ? 100 : 100 * PIECE / give));
    assert_false(p->e->truncated);
    endpoint_end(p->e);
}

TEST_CASE(D7_it_receives_into_the_program_s_memory, try_pool(w, PIECE));
TEST_CASE(D7_several_at_once_into_a_large_buffer, try_pool(w, PIECE *PIECES));
TEST_CASE(D7_a_buffer_below_receive_size, try_pool(w, 8));

TEST(D7_a_datagram_is_cut_to_a_small_buffer)
{
    struct pool *p = pool_open(w, 4);

    p->e->on_data = NULL;
    assert_int_equal(raw_send_to(test_udp(w), "12345678", 8, &p->e->local), 8);
    test_run_until(w, p->e->received == 1);
    assert_int_equal(p->e->size, 4);
    assert_memory_equal(p->memory, "1234", 4);
    assert_true(p->e->truncated);
    endpoint_end(p->e);
}

static void try_none(struct world *w, bool none)
{
    struct pool *p = pool_open(w, none ? PIECE : 0);

    p->none = none;
    endpoint_feed(p->e, test_udp(w), 0, 3);
    test_run_until(w, p->asked == 1);
    assert_true(test_run_for(w, RONDO_MS(10)) < 20);
    assert_int_equal(p->asked, 1);
    p->none = false;
    p->give = PIECE;
    assert_ok(rondo_datagram_resume_reading(p->e->d));
    test_run_until(w, p->e->received == 3);
    endpoint_end(p->e);
}

TEST_CASE(D7_no_buffer_pauses, try_none(w, true));
TEST_CASE(D7_a_buffer_of_no_bytes_pauses, try_none(w, false));

static void end_it(struct pool *p)
{
    endpoint_ends[p->e->count](p->e);
}

TEST(D7_closed_and_aborted_in_get_buffer)
{
    for (unsigned i = 0; i < 2; i++) {
        struct pool *p = pool_open(w, PIECE);

        p->on_ask = end_it;
        p->e->count = i;
        endpoint_feed(p->e, test_udp(w), 0, 3);
        endpoint_lost(p->e, "ML", i ? RONDO_ECANCELED : 0);
        assert_int_equal(p->asked, 1);
    }
}

static void count_in_pool_and_pause(struct endpoint *e)
{
    count_in_pool(e);
    pause_it(e);
}

/* The buffer stays the endpoint's while it holds what a pause has left. */
TEST(D7_a_pause_keeps_the_program_s_buffer)
{
    struct pool *p = pool_open(w, PIECE * PIECES);
    raw_fd fd = test_udp(w);

    p->e->on_data = count_in_pool_and_pause;
    endpoint_feed(p->e, fd, 0, 30);
    for (unsigned i = 1; i <= 30; i++) {
        test_run_until(w, p->e->received == i);
        assert_ok(rondo_datagram_resume_reading(p->e->d));
    }
    endpoint_end(p->e);
}
