/* test_filter_kinds.c - filters over other transports than TCP. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"
#include "harness_local.h"
#include "harness_pipe.h"

static void S13_over_a_path(void **state)
{
    struct world *w = *state;
    const char *path = local_path(w, "filtered");
    rondo_server_options serve = RONDO_SERVER_OPTIONS_INIT;
    rondo_connect_options to = RONDO_CONNECT_OPTIONS_INIT;
    struct toy *theirs = test_toy(w, 3), *ours = test_toy(w, 5);
    struct peer *c = test_peer(w);
    const size_t size = (size_t)(1 << 20) / (size_t)test_slowness();
    unsigned char *data = test_alloc(w, size);
    struct listener *l;

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

/* half a stream has nobody to shake hands with */
static void S13_not_on_a_pipe_of_one_direction(void **state)
{
    struct world *w = *state;
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
    assert_error(
        rondo_transport_push_filter(wr->transport, &toy_filter, y, NULL, NULL),
        RONDO_ENOTSUP);
    assert_non_null(strstr(rondo_last_error(), "one direction"));
    assert_ok(rondo_transport_write(wr->transport, "x", 1));
    test_run_until(w, r->bytes == 1);
    rondo_transport_close(wr->transport);
    test_run_until(w, wr->lost && r->lost);
}

int main(void)
{
    const struct test tests[] = {
        TEST(S13_over_a_path),
        TEST(S13_not_on_a_pipe_of_one_direction),
    };

    return local_run("filter_kinds", tests, TEST_COUNT(tests));
}
