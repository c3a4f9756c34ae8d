/* test_pipe_end.c - half transports are ended, whenever. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_pipe.h"

/* Something is under way in both. */
static void end_while_busy(struct world *w, raw_fd fds[2],
                           void (*end)(rondo_transport *t))
{
    struct peer *r, *p;

    test_both(w, fds, &r, &p);
    assert_ok(rondo_transport_pause_reading(r->transport));
    (void)test_fill_transport(w, p);
    test_spin(w, 2);
    end(p->transport);
    end(r->transport);
    test_run_until(w, r->lost && p->lost);
}

static void abort_while_busy(struct world *w, raw_fd fds[2])
{
    end_while_busy(w, fds, rondo_transport_abort);
}

static void close_while_busy(struct world *w, raw_fd fds[2])
{
    end_while_busy(w, fds, rondo_transport_close);
}

TEST(P1_ended_while_busy)
{
    for (int i = 0; i < 20; i++) {
        test_each_pipe(w, PIPE | OVERLAPPED_PIPE, abort_while_busy);
        test_each_pipe(w, PIPE | OVERLAPPED_PIPE, close_while_busy);
    }
}

static void end_early(struct world *w, bool when_made)
{
    raw_fd fds[2];
    struct peer *r, *p;

    test_pipe(w, fds);
    r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    p = test_writer(w, fds[1], RONDO_PIPE_OWN);
    if (when_made) {
        r->on_made = act_close;
        p->on_made = act_abort;
    } else {
        rondo_transport_close(r->transport);
        rondo_transport_abort(p->transport);
    }
    assert_lost(w, r, "ML", 0);
    assert_lost(w, p, "ML", RONDO_ECANCELED);
}

TEST_CASE(P1_closed_when_made, end_early(w, true));

TEST_CASE(P1_closed_before_it_is_made, end_early(w, false));

TEST(P1_loop_close_tells_both)
{
    raw_fd fds[2];
    struct peer *r, *p;

    test_pipe(w, fds);
    test_both(w, fds, &r, &p);
    test_close_loop(w);
    assert_int_equal(r->error, RONDO_ECLOSED);
    assert_int_equal(p->error, RONDO_ECLOSED);
}
