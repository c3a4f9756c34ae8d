/* test_pipe_end.c - half transports are ended, whenever. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_pipe.h"

TEST(P1_closed_when_made)
{
    raw_fd fds[2];

    test_pipe(w, fds);
    struct peer *r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    struct peer *p = test_writer(w, fds[1], RONDO_PIPE_OWN);
    r->on_made = act_close;
    p->on_made = act_abort;
    test_run_until(w, r->lost && p->lost);
    assert_string_equal(r->order, "ML");
    assert_string_equal(p->order, "ML");
    assert_int_equal(r->error, 0);
    assert_int_equal(p->error, RONDO_ECANCELED);
}

/* Something is under way in both. */
static void end_while_busy(struct world *w, raw_fd fds[2],
                           void (*end)(rondo_transport *t))
{
    struct peer *r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    struct peer *p = test_writer(w, fds[1], RONDO_PIPE_OWN);

    test_run_until(w, r->made && p->made);
    assert_ok(rondo_transport_pause_reading(r->transport));
    (void)test_fill_transport(w, p);
    test_spin(w, 2);
    end(p->transport);
    end(r->transport);
    test_run_until(w, r->lost && p->lost);
}

TEST(P1_ended_while_busy)
{
    raw_fd fds[2];

    for (int i = 0; i < 20; i++) {
        test_pipe(w, fds);
        end_while_busy(w, fds, rondo_transport_abort);
        test_pipe(w, fds);
        end_while_busy(w, fds, rondo_transport_close);
    }
}

TEST(P1_ended_while_overlapped_and_busy)
{
    raw_fd fds[2];

    for (int i = 0; i < 20; i++) {
        test_overlapped_pipe(w, fds);
        end_while_busy(w, fds, rondo_transport_abort);
        test_overlapped_pipe(w, fds);
        end_while_busy(w, fds, rondo_transport_close);
    }
}

TEST(P1_closed_before_it_is_made)
{
    raw_fd fds[2];

    test_pipe(w, fds);
    struct peer *r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    struct peer *p = test_writer(w, fds[1], RONDO_PIPE_OWN);
    rondo_transport_close(r->transport);
    rondo_transport_abort(p->transport);
    test_run_until(w, r->lost && p->lost);
    assert_string_equal(r->order, "ML");
    assert_string_equal(p->order, "ML");
}

TEST(P1_loop_close_tells_both)
{
    raw_fd fds[2];

    test_pipe(w, fds);
    struct peer *r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    struct peer *p = test_writer(w, fds[1], RONDO_PIPE_OWN);
    test_run_until(w, r->made && p->made);
    test_close_loop(w);
    assert_int_equal(r->error, RONDO_ECANCELED);
    assert_int_equal(p->error, RONDO_ECANCELED);
}
