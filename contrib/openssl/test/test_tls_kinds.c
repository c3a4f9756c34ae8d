/* test_tls_kinds.c - TLS over other transports than TCP, and under a reader. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"
#include "harness_named.h"
#include "tls_world.h"

/* A megabyte each way, then a close. */
static void check_over(struct world *w, const char *path)
{
    struct tls_pair tls = tls_pair("valid");
    rondo_tls_client client = {tls.client, "localhost"};
    rondo_server_options serve = RONDO_SERVER_OPTIONS_INIT;
    struct peer *c = test_peer(w), *s;
    const size_t size = (size_t)(1 << 20) / (size_t)test_slowness();
    unsigned char *data = test_alloc(w, size);
    struct listener *l;

    w->leaves = true;
    serve.path = path;
    serve.setup = rondo_tls_server_setup;
    serve.setup_arg = tls.server;
    l = test_serve_with(w, &recorder, &serve);
    assert_ok(dial(w,
                   RONDO_CONNECT(.path = path, .setup = rondo_tls_client_setup,
                                 .setup_arg = &client),
                   c));
    test_run_until(w, c->made && l->count && l->first->made);
    s = l->first;
    test_fill(data, 0, size);
    assert_true(assert_ok(rondo_transport_write(c->transport, data, size)) <=
                1);
    assert_true(assert_ok(rondo_transport_write(s->transport, data, size)) <=
                1);
    test_run_until(w, c->bytes == size);
    rondo_transport_close(c->transport);
    test_run_until(w, c->lost && s->lost);
    assert_int_equal(s->bytes, size);
    assert_true(s->checksum == test_pattern_checksum(size));
    assert_true(c->checksum == test_pattern_checksum(size));
    assert_int_equal(c->error + s->error, 0);
    tls_free(&tls);
}

TEST_CASE(S13_tls_over_a_path, check_over(w, local_path(w, "tls")));

TEST_CASE(S13_tls_over_a_pipe_by_name, check_over(w, named_name(w)));

/* ---- a reader above, which knows no more of it than others do ----------- */

static void got_line(rondo_reader *reader, void *arg, const void *line,
                     size_t size, int error)
{
    struct peer *p = arg;

    (void)reader;
    assert_int_equal(error, 0);
    p->bytes += size;
    p->data++;
    if (p->data == 1)
        assert_memory_equal(line, "first\n", 6);
    if (p->data < 3)
        assert_ok(rondo_read_line(reader, got_line, p));
}

static void welcome(rondo_reader *reader, void *arg)
{
    assert_ok(rondo_read_line(reader, got_line, arg));
    ((struct peer *)arg)->user = reader;
}

TEST_LEAVES(S13_tls_under_a_reader)
{
    struct tls_pair tls = tls_pair("valid");
    struct peer *lines = test_peer(w), *c = test_peer(w);
    rondo_server *server;
    rondo_address address;

    assert_ok(rondo_start_server(w->loop,
                                 RONDO_SERVE(.host = "127.0.0.1",
                                             .setup = rondo_tls_server_setup,
                                             .setup_arg = tls.server),
                                 0, welcome, lines, &server));
    assert_ok(rondo_server_address(server, 0, &address));
    assert_ok(tls_connect(w, rondo_address_port(&address), tls.client,
                          "localhost", c));
    test_run_until(w, c->made);
    assert_ok(rondo_transport_write(c->transport, "first\nsec", 9));
    assert_ok(rondo_transport_write(c->transport, "ond\nthird\n", 10));
    test_run_until(w, lines->data == 3);
    assert_int_equal(lines->bytes, 19);
    rondo_reader_free(lines->user); /* says goodbye and closes */
    assert_lost(w, c, NULL, 0);
    tls_free(&tls);
}
