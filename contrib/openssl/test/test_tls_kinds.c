/* test_tls_kinds.c - TLS over other transports than TCP, and under a reader. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"
#include "harness_named.h"
#include "tls_world.h"

/* A megabyte each way, then a close. */
static void check_over(struct world *w, const char *path)
{
    struct tls_pair tls = tls_pair(w, "valid");
    rondo_tls_client client = {tls.client, "localhost"};
    struct listener *l = test_serve_with(
        w, &recorder,
        RONDO_SERVE(.path = path, .setup = rondo_tls_server_setup,
                    .setup_arg = tls.server));
    struct peer *c =
        dial_to(w,
                RONDO_CONNECT(.path = path, .setup = rondo_tls_client_setup,
                              .setup_arg = &client),
                0);

    w->leaves = true;
    test_run_until(w, l->count && l->first->made);
    test_exchange(w, c, l->first, (1u << 20) / (unsigned)test_slowness());
    rondo_transport_close(c->transport);
    assert_lost(w, c, NULL, 0);
    assert_lost(w, l->first, NULL, 0);
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
    struct tls_pair tls = tls_pair(w, "valid");
    struct peer *lines = test_peer(w), *c;
    struct listener l = {.w = w};
    rondo_address address;

    assert_ok(rondo_start_server(w->loop,
                                 RONDO_SERVE(.host = "127.0.0.1",
                                             .setup = rondo_tls_server_setup,
                                             .setup_arg = tls.server),
                                 0, welcome, lines, &l.server));
    assert_ok(rondo_server_address(l.server, 0, &address));
    l.port = rondo_address_port(&address);
    c = tls_connect(w, &l, tls.client, "localhost");
    dial_ends(w, c, 0);
    assert_ok(rondo_transport_write(c->transport, "first\nsec", 9));
    assert_ok(rondo_transport_write(c->transport, "ond\nthird\n", 10));
    test_run_until(w, lines->data == 3);
    assert_int_equal(lines->bytes, 19);
    rondo_reader_free(lines->user); /* says goodbye and closes */
    assert_lost(w, c, NULL, 0);
}
