/* test_path.c - connections and servers by path. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"
#include "raw_net.h"

/* ---- C5: connecting ----------------------------------------------------- */

TEST(C5_bytes_both_ways)
{
    const char *path = local_path(w, "both");
    struct listener *l = local_serve(w, path);
    struct peer *c = local_connect(w, path);

    test_run_until(w, l->count == 1 && l->first->made);
    peer_capture(c, 8);
    peer_capture(l->first, 8);
    assert_ok(rondo_transport_write(c->transport, "ping", 4));
    test_run_until(w, l->first->bytes == 4);
    assert_ok(rondo_transport_write(l->first->transport, "pong", 4));
    test_run_until(w, c->bytes == 4);
    assert_memory_equal(l->first->captured, "ping", 4);
    assert_memory_equal(c->captured, "pong", 4);
    rondo_transport_close(c->transport);
    test_run_until(w, c->lost && l->first->lost);
    assert_string_equal(c->order, "MdL");
    assert_string_equal(l->first->order, "MdEL");
    assert_int_equal(c->error, 0);
    assert_int_equal(l->first->error, 0);
    rondo_server_close(l->server);
    test_run_until(w, l->closed);
}

TEST_LEAVES(C5_much_is_the_same_afterwards)
{
    const char *path = local_path(w, "much");
    struct listener *l = local_serve(w, path);
    struct peer *c = local_connect(w, path);
    const size_t size = (size_t)(4 << 20) / (size_t)test_slowness();
    unsigned char *data = test_alloc(w, size);

    test_fill(data, 0, size);
    assert_int_equal(rondo_transport_write(c->transport, data, size), 1);
    assert_ok(rondo_transport_write_eof(c->transport));
    test_run_until(w, l->count == 1 && l->first->eof);
    assert_int_equal(l->first->bytes, size);
    assert_int_equal(l->first->checksum, test_pattern_checksum(size));
    assert_int_equal(c->pauses, c->resumes);
}

TEST_LEAVES(C5_abstract_name)
{
    char *name = test_alloc(w, 128);
    struct listener *l;
    struct peer *c;
    rondo_address a;
    char text[RONDO_ADDRESS_TEXT];

    if (!local_has_abstract_names())
        test_skip(w, "no abstract names on this system");
    (void)snprintf(name, 128, "@%s", local_path(w, "abstract"));
    l = local_serve(w, name);
    c = local_connect(w, name);
    assert_false(raw_path_exists(name + 1)); /* there is no file at all */
    assert_ok(rondo_transport_peer_address(c->transport, &a));
    assert_ok(rondo_address_text(&a, text, sizeof text));
    assert_string_equal(text, name);
    assert_ok(rondo_server_address(l->server, 0, &a));
    assert_ok(rondo_address_text(&a, text, sizeof text));
    assert_string_equal(text, name);
    /* it is in use, whatever is tried with files */
    assert_error(rondo_create_server(w->loop, RONDO_SERVE(.path = name),
                                     &recorder, NULL, NULL),
                 RONDO_EADDRINUSE);
}

TEST(C5_nobody_there)
{
    const char *path = local_path(w, "nobody");
    struct peer *p[3];
    raw_fd gone;

    for (int i = 0; i < 3; i++)
        p[i] = test_peer(w);
    assert_ok(dial(w, RONDO_CONNECT(.path = path), p[0]));
    dial_ends(w, p[0], RONDO_ENOENT);
    assert_true(strstr(p[0]->last_error, path) != NULL);
    gone = raw_local_listen(path, 1);
    raw_close(gone);
    assert_ok(dial(w, RONDO_CONNECT(.path = path), p[1]));
    dial_ends(w, p[1], RONDO_ECONNREFUSED);
    assert_true(raw_path_make(local_path(w, "file"), "file"));
    assert_ok(dial(w, RONDO_CONNECT(.path = local_path(w, "file")), p[2]));
    dial_ends(w, p[2], RONDO_ECONNREFUSED);
}

static char *name_of_length(struct world *w, size_t size)
{
    char *name = test_alloc(w, size + 1);

    memset(name, 'x', size);
    memcpy(name, local_path(w, ""), strlen(local_path(w, "")));
    return name;
}

TEST_LEAVES(C5_the_longest_path_and_one_more)
{
    const char *folder = local_path(w, "");
    size_t limit = (size_t)rondo_loop_limit(w->loop, RONDO_LIMIT_UNIX_PATH);
    char *longest = name_of_length(w, limit);
    char *longer = name_of_length(w, limit + 1);
    char *abstract = name_of_length(w, limit + 1);
    struct peer *p;
    rondo_address a;
    char text[RONDO_ADDRESS_TEXT];

    assert_true(limit > strlen(folder) && limit < 128);
    (void)local_serve(w, longest);
    p = local_connect(w, longest);
    assert_true(raw_path_exists(longest));
    assert_ok(rondo_transport_peer_address(p->transport, &a));
    assert_int_equal(rondo_address_text(&a, text, sizeof text), limit);
    assert_string_equal(text, longest);
    dial_refused(w, RONDO_CONNECT(.path = longer), RONDO_ENAMETOOLONG);
    assert_error(rondo_create_server(w->loop, RONDO_SERVE(.path = longer),
                                     &recorder, NULL, NULL),
                 RONDO_ENAMETOOLONG);
    abstract[0] = '@';
    dial_refused(w, RONDO_CONNECT(.path = abstract), RONDO_ENAMETOOLONG);
    /* nothing was cut off */
    longer[limit] = '\0';
    assert_string_equal(longer, longest);
    assert_error(rondo_create_server(w->loop, RONDO_SERVE(.path = longer),
                                     &recorder, NULL, NULL),
                 RONDO_EADDRINUSE);
}

TEST(C5_paths_that_are_none)
{
    (void)local_path(w, "");
    dial_refused(w, RONDO_CONNECT(.path = ""), RONDO_EINVAL);
    assert_einval(rondo_create_server(w->loop, RONDO_SERVE(.path = ""),
                                      &recorder, NULL, NULL));
}

TEST(C5_where_there_are_none)
{
    if (rondo_loop_supports(w->loop, RONDO_CAN_UNIX))
        test_skip(w, "there are unix sockets");
    dial_refused(w, RONDO_CONNECT(.path = "socket"), RONDO_ENOTSUP);
    assert_true(strstr(rondo_last_error(), "unix sockets") != NULL);
    assert_refused(rondo_create_server(w->loop, RONDO_SERVE(.path = "socket"),
                                       &recorder, NULL, NULL),
                   RONDO_ENOTSUP, "unix sockets");
}

/* ---- C1: exactly one ---------------------------------------------------- */

TEST(C1_a_path_and_something_else)
{
    rondo_address a = dial_address("127.0.0.1", 1);
    rondo_fd fd = 0;

    dial_refused(w, RONDO_CONNECT(.path = "p", .host = "127.0.0.1"),
                 RONDO_EINVAL);
    dial_refused(w, RONDO_CONNECT(.path = "p", .address = &a), RONDO_EINVAL);
    dial_refused(w, RONDO_CONNECT(.path = "p", .socket = &fd), RONDO_EINVAL);
    assert_einval(rondo_create_server(
        w->loop, RONDO_SERVE(.path = "p", .host = "127.0.0.1"), &recorder, NULL,
        NULL));
    assert_einval(rondo_create_server(w->loop,
                                      RONDO_SERVE(.path = "p", .socket = &fd),
                                      &recorder, NULL, NULL));
    assert_false(raw_path_exists("p"));
}

TEST_LEAVES(C1_an_address_of_a_unix_socket)
{
    const char *path = local_path(w, "address");
    struct listener *l = local_serve(w, path);
    struct peer *p = test_peer(w);
    rondo_address a;

    assert_ok(rondo_server_address(l->server, 0, &a));
    assert_int_equal(rondo_address_family(&a), RONDO_FAMILY_UNIX);
    assert_ok(dial(w, RONDO_CONNECT(.address = &a), p));
    dial_ends(w, p, RONDO_OK);
    test_run_until(w, l->count == 1);
}

/* ---- C3: a local address ------------------------------------------------ */

TEST_LEAVES(C3_from_a_path)
{
    const char *path = local_path(w, "server");
    const char *mine = local_path(w, "client");
    struct listener *l = local_serve(w, path);
    struct peer *p = test_peer(w);
    rondo_address from, a;

    assert_ok(rondo_address_unix(&from, mine, strlen(mine)));
    assert_ok(dial(w, RONDO_CONNECT(.path = path, .local_address = &from), p));
    dial_ends(w, p, RONDO_OK);
    test_run_until(w, l->count == 1 && l->first->made);
    assert_ok(rondo_transport_peer_address(l->first->transport, &a));
    assert_true(rondo_address_equal(&a, &from));
    assert_true(raw_path_exists(mine));
}

TEST_LEAVES(C3_a_local_address_of_another_family)
{
    const char *path = local_path(w, "family");
    struct listener *l = local_serve(w, path);
    struct peer *p[2] = {test_peer(w), test_peer(w)};
    rondo_address ip = dial_address("127.0.0.1", 0), name;

    assert_ok(dial(w, RONDO_CONNECT(.path = path, .local_address = &ip), p[0]));
    dial_ends(w, p[0], RONDO_EAFNOSUPPORT);
    assert_ok(rondo_server_address(l->server, 0, &name));
    assert_ok(dial(
        w,
        RONDO_CONNECT(.host = "127.0.0.1", .port = 1, .local_address = &name),
        p[1]));
    dial_ends(w, p[1], RONDO_EAFNOSUPPORT);
    assert_int_equal(l->count, 0);
}

/* ---- C4, V4: sockets of the program's ----------------------------------- */

static void note_socket(rondo_server *server, void *arg, rondo_fd socket,
                        const rondo_address *peer)
{
    struct listener *l = arg;

    (void)server;
    l->count++;
    l->model.user = test_alloc(l->w, sizeof socket);
    *(rondo_fd *)l->model.user = socket;
    assert_int_equal(rondo_address_family(peer), RONDO_FAMILY_UNIX);
}

TEST_LEAVES(V4_accepted_is_handed_on)
{
    const char *path = local_path(w, "handed");
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;
    struct peer *c, *p = test_peer(w);
    struct listener *l;

    o.path = path;
    o.accepted = note_socket;
    l = test_serve_with(w, NULL, &o);
    c = local_connect(w, path);
    test_run_until(w, l->count == 1);
    assert_true(raw_fd_close_on_exec(*(rondo_fd *)l->model.user));
    test_adopt(w, *(rondo_fd *)l->model.user, &recorder, p);
    assert_ok(rondo_transport_write(c->transport, "x", 1));
    test_run_until(w, p->bytes == 1);
}

TEST_LEAVES(C4_a_connected_socket)
{
    const char *path = local_path(w, "adopted");
    struct listener *l = local_serve(w, path);
    struct peer *p = test_peer(w);
    rondo_fd fd = raw_local_connect(path);
    rondo_address a;
    char text[RONDO_ADDRESS_TEXT];

    assert_ok(dial(w, RONDO_CONNECT(.socket = &fd), p));
    dial_ends(w, p, RONDO_OK);
    test_run_until(w, l->count == 1);
    assert_ok(rondo_transport_peer_address(p->transport, &a));
    assert_ok(rondo_address_text(&a, text, sizeof text));
    assert_string_equal(text, path);
}

TEST(C4_sockets_that_are_not_connected)
{
    rondo_fd bound = raw_local_bind(local_path(w, "bound"));
    rondo_fd datagram = raw_local_datagram(local_path(w, "datagram"));
    rondo_fd listening = raw_local_listen(local_path(w, "listening"), 1);

    dial_refused(w, RONDO_CONNECT(.socket = &bound), RONDO_EINVAL);
    dial_refused(w, RONDO_CONNECT(.socket = &datagram), RONDO_EINVAL);
    dial_refused(w, RONDO_CONNECT(.socket = &listening), RONDO_EINVAL);
    assert_true(raw_fd_valid(bound) && raw_fd_valid(listening));
    raw_close(bound);
    raw_close(datagram);
    raw_close(listening);
}

/* ---- V5: a relative path ------------------------------------------------ */

TEST_LEAVES(V5_a_relative_path)
{
    const char *path = local_path(w, "relative");
    struct listener *l;
    struct peer *c;

    test_skip_if(w, !raw_path_chdir(local_path(w, "")), "no working directory");
    l = local_serve(w, "relative");
    assert_true(raw_path_exists(path));
    c = local_connect(w, "relative");
    assert_true(c->made);
    rondo_server_close(l->server);
    assert_false(raw_path_exists(path));
    assert_true(raw_path_chdir("/"));
}
