/* test_filter_kinds.c - filters over other transports than TCP. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"
#include "harness_local.h"
#include "harness_named.h"
#include "harness_pipe.h"

static void check_over(struct world *w, const char *path)
{
    rondo_server_options serve = RONDO_SERVER_OPTIONS_INIT;
    rondo_connect_options to = RONDO_CONNECT_OPTIONS_INIT;
    struct toy *theirs = test_toy(w, 3), *ours = test_toy(w, 5);
    struct peer *c = test_peer(w);
    const size_t size = (size_t)(1 << 20) / (size_t)test_slowness();
    unsigned char *data = test_alloc(w, size);
    struct listener *l;

    w->leaves = true;
    serve.path = path;
    serve.setup = toy_setup_copy;
    serve.setup_arg = theirs;
    l = test_serve_with(w, &recorder, &serve);
    to.path = path;
    to.setup = toy_setup;
    to.setup_arg = ours;
    assert_ok(rondo_create_connection(w->loop, &to, &recorder, c, NULL, NULL));
    test_run_until(w, c->made && l->count && l->first->made);
    test_fill(data, 0, size);
    assert_ok(rondo_transport_write(c->transport, data, size));
    assert_ok(rondo_transport_write(l->first->transport, data, size));
    rondo_transport_close(c->transport);
    test_run_until(w, c->lost && l->first->lost);
    assert_int_equal(l->first->bytes, size);
    assert_true(l->first->checksum == test_pattern_checksum(size));
    assert_int_equal(c->error + l->first->error, 0);
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

    test_need_pipes(w);
    test_pipe(w, fds);
    r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    wr = test_writer(w, fds[1], RONDO_PIPE_OWN);
    test_run_until(w, r->made && wr->made);
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
