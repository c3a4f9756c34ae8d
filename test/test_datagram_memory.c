/* test_datagram_memory.c - endpoints for which there is no memory: G8. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"

/* An endpoint is made, receives, answers, queues, pauses, ends: with the first
 * allocation failing, then the second, until none does. */
static bool live_with(struct world *w, uint64_t failing)
{
    struct endpoint *to = endpoint_bound(w), *e = endpoint_new(w);
    raw_fd fd = raw_udp();
    unsigned refused = 0;
    int result;
    bool failed;

    test_fail_allocation(w, failing);
    e->on_data = endpoint_echo;
    result =
        endpoint_create(e, RONDO_DATAGRAM(.local_address = endpoint_here(w),
                                          .receive_size = 70000));
    if (result != 0) {
        assert_error(result, RONDO_ENOMEM);
        assert_ok(endpoint_create(
            e, RONDO_DATAGRAM(.local_address = endpoint_here(w))));
    }
    endpoint_feed(e, fd, 0, 40);
    test_run_until(w, e->lost || e->received == 40);
    (void)raw_sends_fail(RAW_SEND_BLOCKED, 0, UINT32_MAX);
    for (int i = 0; i < 200 && !e->lost; i++) {
        result = rondo_datagram_send(e->d, "12345678", 8, &to->local);
        if (result == 0)
            continue;
        assert_error(result, RONDO_ENOMEM);
        refused++;
    }
    test_spin(w, 2);
    endpoint_unblock();
    failed = test_failed_allocations(w) > 0;
    test_fail_allocation(w, 0);
    if (!e->lost)
        endpoint_end(e);
    assert_true(e->error == 0 || e->error == RONDO_ENOMEM);
    assert_true(refused <= 1);
    if (!e->error)
        test_run_until(w, to->received == 200 - refused);
    endpoint_end(to);
    raw_close(fd);
    return failed;
}

TEST(G8_each_allocation_fails)
{
    uint64_t n = 1;

    while (live_with(w, n))
        n++;
    assert_true(n > 3);
}

TEST(G8_no_memory_at_all)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    raw_fd fd = test_udp(w);
    uint64_t got;

    /* without a room for batches: one at a time, answered at once */
    e->on_data = endpoint_echo;
    test_fail_allocations_from(w, 1);
    endpoint_feed(e, fd, 0, 20);
    for (uint64_t i = 0; i < 20 && !e->lost; i++) {
        while (raw_recv_from(fd, &got, sizeof got, NULL, 0) < 0)
            test_spin(w, 1);
        assert_true(got == i);
    }
    if (raw_sends_fail(RAW_SEND_BLOCKED, 0, 1))
        assert_error(rondo_datagram_send(e->d, "x", 1, &to->local),
                     RONDO_ENOMEM);
    endpoint_unblock();
    assert_ok(rondo_datagram_send(e->d, "y", 1, &to->local));
    rondo_datagram_close(e->d);
    rondo_datagram_abort(to->d);
    test_run_until(w, e->lost && to->lost);
    test_fail_allocation(w, 0);
}
