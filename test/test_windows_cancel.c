/* test_windows_cancel.c - a thread that is slow to begin what is to end. */
/* SPDX-License-Identifier: MIT */
#include "harness_pipe.h"
#include "raw_windows.h"

/* As test_windows.c it says nothing of one system. */

TEST(P2_a_thread_that_begins_its_read_late_is_stopped_too)
{
    struct peer *p;
    raw_fd pair[2];

    test_pipe(w, pair);
    if (!rondo_loop_supports(w->loop, RONDO_CAN_NAMED_PIPES) ||
        !raw_fault(RAW_FAULT_CANCEL, 1050))
        test_skip(w, "no thread reads a pipe on this backend");
    p = test_reader(w, pair[0], 0);
    test_run_until(w, raw_faults() == 1); /* the thread is about to read */
    rondo_transport_abort(p->transport);
    test_run_until(w, p->lost);
    assert_int_equal(raw_faults(), 1051);
    raw_close(pair[1]);
}
