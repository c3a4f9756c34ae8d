/* test_kinds_handed.c - connections that are handed on to another loop. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_filter.h"
#include "harness_local.h"
#include "harness_named.h"

enum { BYTES = 100000 };

/* A server that hands its clients on to the world's other loop. */
struct desk {
    struct world *w;
    struct peer *there; /* the last one, on the other loop */
    unsigned count, closed;
    rondo_server *server;
    rondo_fd socket;
};

static void hand_on(rondo_server *server, void *arg, rondo_fd socket,
                    const rondo_address *peer)
{
    struct desk *d = arg;

    (void)server;
    assert_non_null(peer);
    d->count++;
    d->socket = socket;
    d->there = test_peer(d->w);
    assert_ok(rondo_connect_accepted_socket(d->w->other, socket, &recorder,
                                            d->there, &d->there->transport));
}

static void is_closed(rondo_server *server, void *arg)
{
    (void)server;
    ((struct desk *)arg)->closed++;
}

static struct desk *desk_new(struct world *w, const char *path)
{
    struct desk *d = test_alloc(w, sizeof *d);
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;

    d->w = w;
    if (path)
        o.path = path;
    else
        o.host = "127.0.0.1";
    o.accepted = hand_on;
    o.closed = is_closed;
    (void)test_other_loop(w);
    assert_ok(rondo_create_server(w->loop, &o, NULL, d, &d->server));
    return d;
}

static struct peer *desk_client(struct desk *d, const char *path)
{
    struct peer *c = test_peer(d->w);
    rondo_connect_options to = RONDO_CONNECT_OPTIONS_INIT;
    rondo_address address;

    if (path) {
        to.path = path;
    } else {
        assert_ok(rondo_server_address(d->server, 0, &address));
        to.address = &address;
    }
    c->on_made = act_hello;
    assert_ok(dial(d->w, &to, c));
    test_run_until(d->w, c->made && d->there && d->there->made);
    return c;
}

/* Bytes both ways between the two loops, and the end of both. */
static void check_works(struct desk *d, struct peer *c)
{
    static unsigned char bytes[BYTES];

    test_run_until(d->w, d->there->bytes >= 5);
    d->there->checksum = test_pattern_checksum(0);
    d->there->bytes = 0;
    test_fill(bytes, 0, BYTES);
    assert_ok(rondo_transport_write(c->transport, bytes, BYTES));
    assert_ok(rondo_transport_write(d->there->transport, bytes, BYTES));
    test_run_until(d->w, c->bytes == BYTES && d->there->bytes == BYTES);
    assert_true(c->checksum == test_pattern_checksum(BYTES));
    assert_true(d->there->checksum == test_pattern_checksum(BYTES));
    assert_ptr_equal(rondo_transport_loop(d->there->transport), d->w->other);
    assert_null(rondo_transport_server(d->there->transport));
    rondo_transport_close(c->transport);
    test_run_until(d->w, c->lost && d->there->lost);
    assert_int_equal(c->error, 0);
    assert_int_equal(d->there->error, 0);
}

static void desk_end(struct desk *d)
{
    rondo_server_close(d->server);
    test_run_until(d->w, d->closed);
}

static void try_handing_on(struct world *w, const char *path)
{
    struct desk *d = desk_new(w, path);

    for (int i = 0; i < 3; i++) {
        struct peer *c = desk_client(d, path);

        check_works(d, c);
        d->there = NULL;
    }
    assert_int_equal(d->count, 3);
    desk_end(d);
}

TEST_CASE(V4_handed_on_over_tcp, try_handing_on(w, NULL));
TEST_CASE(V4_handed_on_over_a_path, try_handing_on(w, local_path(w, "on")));

/* A pipe's clients stay with their loop. */
TEST(V4_not_over_a_pipe_by_name)
{
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;

    o.path = named_name(w);
    o.accepted = hand_on;
    assert_refused(rondo_create_server(w->loop, &o, NULL, NULL, NULL),
                   RONDO_ENOTSUP, NULL);
}

/* ---- once handed on, it is that loop's ------------------------------------ */

static void try_twice(struct world *w, const char *path)
{
    struct desk *d = desk_new(w, path);
    struct peer *c = desk_client(d, path), *again = test_peer(w);

    assert_refused(rondo_connect_accepted_socket(w->other, d->socket, &recorder,
                                                 again, NULL),
                   RONDO_EBUSY, "in use");
    assert_string_equal(again->order, "");
    check_works(d, c);
    desk_end(d);
}

TEST_CASE(V4_handed_on_once, try_twice(w, NULL));
TEST_CASE(V4_handed_on_once_over_a_path, try_twice(w, local_path(w, "one")));

/* ---- V4 + S13: filters there ---------------------------------------------- */

static void try_filtered(struct world *w, const char *path)
{
    struct desk *d = desk_new(w, path);
    struct peer *c = desk_client(d, path);
    struct toy *here = test_toy(w, 3), *there = test_toy(w, 5);

    test_run_until(w, d->there->bytes == 5);
    assert_ok(rondo_transport_push_filter(c->transport, &toy_filter, here, NULL,
                                          NULL));
    assert_ok(rondo_transport_push_filter(d->there->transport, &toy_filter,
                                          there, NULL, NULL));
    check_works(d, c);
    toy_check_whole(here);
    toy_check_whole(there);
    desk_end(d);
}

TEST_CASE(V4_handed_on_and_filtered, try_filtered(w, NULL));
TEST_CASE(V4_handed_on_over_a_path_and_filtered,
          try_filtered(w, local_path(w, "filtered")));
