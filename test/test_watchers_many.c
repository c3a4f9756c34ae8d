/* test_watchers_many.c - more watchers are ready than one wait reports. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"

enum { MANY = 500 }; /* Windows' select takes 512 */

static void count_call(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    ++*(unsigned *)arg;
}

/* Sockets that can be written to, and how often each was called. */
static unsigned *many_ready(struct world *w, unsigned count)
{
    unsigned *calls = test_alloc(w, count * sizeof *calls);

    for (unsigned i = 0; i < count; i++)
        assert_ok(
            rondo_add_writer(w->loop, test_udp(w), count_call, &calls[i]));
    return calls;
}

static void assert_calls(const unsigned *calls, unsigned count, unsigned each)
{
    for (unsigned i = 0; i < count; i++)
        if (calls[i] != each)
            fail_msg("watcher %u of %u was called %u times, not %u", i, count,
                     calls[i], each);
}

TEST_LEAVES(W1_each_of_many_is_called_in_each_iteration)
{
    const unsigned *calls = many_ready(w, MANY);

    for (unsigned turn = 1; turn <= 5; turn++) {
        assert_int_equal(rondo_loop_run_once(w->loop, RONDO_SEC(5)), 1);
        assert_calls(calls, MANY, turn);
    }
}

/* As many as fit exactly, and one more. */
TEST_LEAVES(W1_each_is_called_as_their_number_grows)
{
    enum { FIRST = 250, STEPS = 20 };
    unsigned *calls = test_alloc(w, (FIRST + STEPS) * sizeof *calls);

    for (unsigned n = 0; n < FIRST + STEPS; n++) {
        assert_ok(
            rondo_add_writer(w->loop, test_udp(w), count_call, &calls[n]));
        if (n < FIRST)
            continue;
        memset(calls, 0, (n + 1) * sizeof *calls);
        assert_int_equal(rondo_loop_run_once(w->loop, RONDO_SEC(5)), 1);
        assert_calls(calls, n + 1, 1);
    }
}

/* Then some come later, and none never. */
TEST_LEAVES(W1_each_of_many_is_called_without_memory)
{
    unsigned *calls = many_ready(w, MANY);

    test_fail_allocations_from(w, 1);
    for (unsigned turn = 0; turn < 5; turn++)
        assert_int_equal(rondo_loop_run_once(w->loop, RONDO_SEC(5)), 1);
    for (unsigned i = 0; i < MANY; i++)
        assert_in_range(calls[i], 1, 5);
    test_fail_allocation(w, 0);
    memset(calls, 0, MANY * sizeof *calls);
    assert_int_equal(rondo_loop_run_once(w->loop, RONDO_SEC(5)), 1);
    assert_calls(calls, MANY, 1);
}
