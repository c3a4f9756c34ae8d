/* test_filter_kinds.c - filters over other transports than TCP. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"
#include "harness_local.h"
#include "harness_named.h"
#include "harness_pipe.h"

/* A megabyte each way, then a close. */
static void check_over(struct world *w, const char *path)
{
    struct toy *theirs = test_toy(w, 3), *ours = test_toy(w, 5);
    struct listener *l =
        test_serve_with(w, &recorder,
                        RONDO_SERVE(.path = path, .setup = toy_setup_copy,
                                    .setup_arg = theirs));
    struct peer *c = dial_to(
        w, RONDO_CONNECT(.path = path, .setup = toy_setup, .setup_arg = ours),
        0);

    w->leaves = true;
    test_run_until(w, l->count && l->first->made);
    test_exchange(w, c, l->first, (1u << 20) / (unsigned)test_slowness());
    rondo_transport_close(c->transport);
    assert_lost(w, c, NULL, 0);
    assert_lost(w, l->first, NULL, 0);
    toy_check_whole(ours);
}

TEST_CASE(S13_over_a_path, check_over(w, local_path(w, "filtered")));

TEST_CASE(S13_over_a_pipe_by_name, check_over(w, named_name(w)));

/* a filter that is pushed on both ends of a socket pair in use */
TEST(S13_over_a_socket_pair)
{
    struct toy *theirs = test_toy(w, 3), *ours = test_toy(w, 5);
    struct peer *a, *b;

    (void)local_path(w, "none"); /* skips where there are no unix sockets */
    local_pair(w, &a, &b);
    assert_ok(rondo_transport_write(a->transport, "plain", 5));
    test_run_until(w, b->bytes == 5);
    toy_push(a->transport, ours);
    toy_push(b->transport, theirs);
    assert_ok(rondo_transport_write(a->transport, "hidden", 6));
    test_run_until(w, b->bytes == 11);
    rondo_transport_close(b->transport);
    test_run_until(w, a->lost && b->lost);
    assert_int_equal(a->error + b->error, 0);
    toy_check_whole(ours);
    toy_check_whole(theirs);
}

/* half a stream has nobody to shake hands with */
TEST(S13_not_on_a_pipe_of_one_direction)
{
    struct toy *y = test_toy(w, 3);
    raw_fd fds[2];
    struct peer *r, *wr;

    test_pipe(w, fds);
    test_both(w, fds, &r, &wr);
    assert_error(
        rondo_transport_push_filter(r->transport, &toy_filter, y, NULL, NULL),
        RONDO_ENOTSUP);
    assert_refused(
        rondo_transport_push_filter(wr->transport, &toy_filter, y, NULL, NULL),
        RONDO_ENOTSUP, "one direction");
    assert_ok(rondo_transport_write(wr->transport, "x", 1));
    test_run_until(w, r->bytes == 1);
    rondo_transport_close(wr->transport);
    test_run_until(w, wr->lost && r->lost);
}
