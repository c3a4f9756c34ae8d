/* test_faults_adopt.c - a socket that a call has refused can be used again. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"

/* Whatever the loop has no memory for, another one, or the same, takes the
 * socket then. The loop keeps a name as long as this one in memory of its own.
 */
static void refused_then_taken(struct world *w, bool by_another)
{
    const char *path = local_path(w, "a-name-of-more-than-28-bytes");
    raw_fd listener = test_own(w, raw_local_listen(path, 20));
    unsigned refused = 0;

    assert_true(listener != RONDO_NO_FD);
    (void)test_other_loop(w);
    for (uint64_t n = 1, before = 0; before == refused; n++) {
        raw_fd fd = raw_local_connect(path);
        struct peer *p = test_peer(w);
        rondo_loop *next = by_another ? w->other : w->loop;
        int error;

        before = ++refused;
        test_fail_allocation(w, n);
        error = rondo_connect_accepted_socket(w->loop, fd, &recorder, p, NULL);
        test_fail_allocation(w, 0);
        if (!error) {
            refused--;
        } else {
            assert_error(error, RONDO_ENOMEM);
            assert_true(raw_fd_valid(fd));
            assert_ok(
                rondo_connect_accepted_socket(next, fd, &recorder, p, NULL));
        }
        test_run_until(w, p->made);
        rondo_transport_abort(p->transport);
        test_run_until(w, p->lost);
    }
    assert_in_range(refused, 2, 10);
    assert_true(raw_path_remove(path));
    test_close_other(w);
}

TEST_CASE(S1_refused_then_taken_by_another_loop, refused_then_taken(w, true));
TEST_CASE(S1_refused_then_taken_by_the_same_loop, refused_then_taken(w, false));
