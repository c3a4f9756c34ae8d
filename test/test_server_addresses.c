/* test_server_addresses.c - a server on several addresses, and on any socket. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"
#include "harness_local.h"
#include "harness_names.h"

/* Serves these, and takes a client at each. */
static void check_serves(struct world *w, const rondo_server_options *options,
                         size_t count)
{
    struct listener *l = test_serve_with(w, &recorder, options);

    for (size_t i = 0; i < count; i++) {
        rondo_address at;

        assert_ok(rondo_server_address(l->server, i, &at));
        assert_true(rondo_server_fd(l->server, i) != RONDO_NO_FD);
        (void)dial_to(w, RONDO_CONNECT(.address = &at), 0);
        test_run_until(w, l->count == i + 1 && l->last->made);
    }
    assert_true(rondo_server_fd(l->server, count) == RONDO_NO_FD);
    rondo_server_abort_clients(l->server);
    test_stop(l);
}

TEST_LEAVES(V6_several_addresses)
{
    rondo_address list[2] = {dial_address("127.0.0.1", 0)};

    list[1] = dial_address("127.0.0.1", dial_free_port());
    check_serves(w, RONDO_SERVE(.addresses = list, .address_count = 2), 2);
    check_serves(w, RONDO_SERVE(.addresses = list, .address_count = 1), 1);
    if (!raw_has_inet6())
        return;
    list[1] = dial_address("::1", 0);
    check_serves(w, RONDO_SERVE(.addresses = list, .address_count = 2), 2);
}

TEST_LEAVES(V6_one_port_for_all_that_ask_for_none)
{
    rondo_address list[2] = {dial_address("127.0.0.1", 0),
                             dial_address("::1", 0)},
                  at[2];
    struct listener *l;

    test_skip_if(w, !raw_has_inet6(), "no IPv6");
    l = test_serve_with(w, &recorder,
                        RONDO_SERVE(.addresses = list, .address_count = 2));
    for (size_t i = 0; i < 2; i++)
        assert_ok(rondo_server_address(l->server, i, &at[i]));
    assert_int_equal(rondo_address_port(&at[0]), rondo_address_port(&at[1]));
    assert_true(rondo_address_port(&at[0]) != 0);
    /* the list was lent for the call */
    assert_int_equal(rondo_address_port(&list[0]), 0);
}

/* One that cannot be had: none is left. */
TEST(V6_all_or_none)
{
    rondo_address list[3] = {dial_address("127.0.0.1", dial_free_port()),
                             dial_address("127.0.0.1", dial_dead_port()),
                             dial_address("127.0.0.1", 0)};

    serve_refused(w, RONDO_SERVE(.addresses = list, .address_count = 3),
                  RONDO_EADDRINUSE, "bind");
    check_serves(w, RONDO_SERVE(.addresses = list, .address_count = 1), 1);
    list[1] = list[0]; /* twice the same */
    serve_refused(w, RONDO_SERVE(.addresses = list, .address_count = 2),
                  RONDO_EADDRINUSE, "bind");
}

TEST(V6_refused)
{
    rondo_address list[2] = {dial_address("127.0.0.1", 0)}; /* one is empty */
    const struct refusal rows[] = {
        {"no count", RONDO_SERVE(.addresses = list), RONDO_EINVAL,
         "address_count"},
        {"no list", RONDO_SERVE(.address_count = 1), RONDO_EINVAL,
         "address_count"},
        {"an empty one", RONDO_SERVE(.addresses = list, .address_count = 2),
         RONDO_EINVAL, "empty"},
        {"a host, too",
         RONDO_SERVE(.addresses = list, .address_count = 1, .host = "::1"),
         RONDO_EINVAL, "more than one"},
        {"a mode without a path",
         RONDO_SERVE(.addresses = list, .address_count = 1, .unix_mode = 0600),
         RONDO_EINVAL, "unix_mode"},
    };

    for (EACH_ROW(w, row, rows))
        serve_refused(w, row->options, row->error, row->words);
}

TEST(V6_out_of_memory)
{
    rondo_address list[1] = {dial_address("127.0.0.1", 0)};

    for (uint64_t n = 1; test_nth_fails(w, n); n++) {
        rondo_server *s = NULL;
        int error = rondo_create_server(
            w->loop, RONDO_SERVE(.addresses = list, .address_count = 1),
            &recorder, NULL, &s);

        if (error)
            assert_error(error, RONDO_ENOMEM);
        else
            test_close_server(w, s);
    }
}

/* ---- V6: names ------------------------------------------------------------ */

static void serve_found(struct found *f)
{
    struct world *w = f->w;

    if (f->count)
        check_serves(
            w,
            RONDO_SERVE(.addresses = f->addresses, .address_count = f->count),
            f->count);
}

TEST_LEAVES(V6_a_name_that_was_looked_up)
{
    static const char *const ips[] = {"127.0.0.1", NULL};
    struct found *f;

    dial_resolves_to(w, ips);
    f = found_ask(w, "server.test", "0");
    found_ends(w, f, 0);
    assert_int_equal(f->count, 1);
    serve_found(f);
}

/* ---- V6: unix addresses ---------------------------------------------------- */

static rondo_address unix_address(const char *path)
{
    rondo_address a;

    assert_ok(rondo_address_unix(&a, path, strlen(path)));
    return a;
}

/* "@" is a file's name here, as of any path that is an address. */
TEST_LEAVES(V6_unix_addresses_are_literal)
{
    const char *path = local_path(w, "one");
    rondo_address list[3];
    struct listener *l;
    struct peer *p;

    list[0] = unix_address(path);
    list[1] = dial_address("127.0.0.1", 0);
    list[2] = unix_address(local_path(w, "@two"));
    l = test_serve_with(
        w, &recorder,
        RONDO_SERVE(.addresses = list, .address_count = 3, .unix_mode = 0600));
    p = dial_to(w, RONDO_CONNECT(.address = &list[2]), 0);
    test_run_until(w, l->count == 1);
    local_peer_is_at(p->transport, local_path(w, "@two"));
    (void)dial_to(w, RONDO_CONNECT(.path = path), 0);
    test_run_until(w, l->count == 2);
    rondo_server_abort_clients(l->server);
    test_stop(l);
    /* the files are gone, so nobody is found there */
    (void)dial_to(w, RONDO_CONNECT(.path = path), RONDO_ENOENT);
    (void)dial_to(w, RONDO_CONNECT(.address = &list[2]), RONDO_ENOENT);
}

TEST(V6_unix_addresses_are_undone)
{
    const char *path = local_path(w, "undone");
    rondo_address list[2] = {unix_address(path),
                             dial_address("127.0.0.1", dial_dead_port())};

    serve_refused(w, RONDO_SERVE(.addresses = list, .address_count = 2),
                  RONDO_EADDRINUSE, "bind");
    (void)dial_to(w, RONDO_CONNECT(.path = path), RONDO_ENOENT);
}

/* ---- V6: a socket that is not bound ---------------------------------------- */

TEST(V6_a_socket_that_is_not_bound)
{
    uint16_t ports[] = {0, 0};

    ports[1] = dial_free_port();
    for (int i = 0; i < 2; i++) {
        rondo_fd fd = (rondo_fd)raw_tcp();
        struct listener *l = test_serve_with(
            w, &recorder, RONDO_SERVE(.socket = &fd, .port = ports[i]));
        rondo_address at;

        assert_ok(rondo_server_address(l->server, 0, &at));
        assert_true(rondo_address_port(&at) != 0);
        if (ports[i])
            assert_int_equal(rondo_address_port(&at), ports[i]);
        struct peer *client = dial_to(
            w,
            RONDO_CONNECT(.host = "127.0.0.1", .port = rondo_address_port(&at)),
            0);
        test_run_until(w, l->count == 1);
        rondo_server_abort_clients(l->server);
        test_run_until(w, client->lost);
        test_stop(l);
    }
}
