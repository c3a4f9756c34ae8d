/* test_windows_faults.c - what Windows' calls answer when they go wrong. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* As test_windows.c it says nothing of one system. */

/* ---- S7: memory ---------------------------------------------------------- */

/* Writes until some bytes wait, and closes: how many bytes the transport has
 * taken. */
static uint64_t fill_and_close(struct peer *p)
{
    unsigned char piece[16384];
    uint64_t taken = 0;

    while (rondo_transport_get_write_buffer_size(p->transport) == 0) {
        test_fill(piece, taken, sizeof piece);
        if (rondo_transport_write(p->transport, piece, sizeof piece) < 0)
            break;
        taken += sizeof piece;
    }
    rondo_transport_close(p->transport);
    return taken;
}

/* Whichever allocation fails: what a closing transport has taken arrives, or
 * the peer sees a reset. */
static void S7_no_memory_is_no_orderly_end(void **state)
{
    struct world *w = *state;

    w->expect_clean = true;
    for (uint64_t n = 1; n <= 6; n++) {
        struct peer *p = test_peer(w);
        raw_fd fd = test_raw_peer(w, &recorder, p, 8192);
        uint64_t taken;
        int64_t arrived;

        test_fail_allocation(w, n);
        taken = fill_and_close(p);
        arrived = test_drain_raw(w, fd, 0);
        test_fail_allocation(w, 0);
        if (arrived != RAW_RESET)
            assert_int_equal(arrived, taken);
        test_run_until(w, p->lost);
        raw_close(fd);
    }
}

int main(void)
{
    static const struct test tests[] = {
        TEST(S7_no_memory_is_no_orderly_end),
    };

    return test_run("windows_faults", tests, TEST_COUNT(tests));
}
