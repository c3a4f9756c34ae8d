/* test_path.c - connections and servers by path. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"
#include "harness_named.h"

/* ---- C5: connecting ----------------------------------------------------- */

/* By a path, or by a pipe's name. */
static void both_ways(struct world *w, const char *path)
{
    struct listener *l = local_serve(w, path);
    struct peer *c = local_connect(w, path);

    test_run_until(w, l->count == 1 && l->first->made);
    assert_ok(rondo_transport_write(c->transport, "ping", 4));
    assert_hears(w, l->first, "ping");
    assert_ok(rondo_transport_write(l->first->transport, "pong", 4));
    assert_hears(w, c, "pong");
    rondo_transport_close(c->transport);
    assert_lost(w, c, "MdL", 0);
    assert_lost(w, l->first, "MdEL", 0);
    test_stop(l);
}

TEST_CASE(C5_bytes_both_ways, both_ways(w, local_path(w, "both")));

TEST_CASE(C5_bytes_both_ways_by_a_name, both_ways(w, named_name(w)));

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
    assert_received(l->first, size);
    assert_int_equal(c->pauses, c->resumes);
}

static void in_use(struct world *w, const char *path)
{
    serve_refused(w, RONDO_SERVE(.path = path), RONDO_EADDRINUSE, NULL);
}

TEST_LEAVES(C5_abstract_name)
{
    char *name = test_alloc(w, 128);
    struct listener *l;
    rondo_address a;

    test_skip_if(w, !local_has_abstract_names(),
                 "no abstract names on this system");
    (void)snprintf(name, 128, "@%s", local_path(w, "abstract"));
    l = local_serve(w, name);
    local_peer_is_at(local_connect(w, name)->transport, name);
    assert_false(raw_path_exists(name + 1)); /* there is no file at all */
    assert_ok(rondo_server_address(l->server, 0, &a));
    local_is_name(&a, name);
    in_use(w, name); /* whatever is tried with files */
}

TEST(C5_nobody_there)
{
    const char *path = local_path(w, "nobody"), *file = local_path(w, "file");
    struct peer *p = dial_to(w, RONDO_CONNECT(.path = path), RONDO_ENOENT);

    assert_true(strstr(p->last_error, path) != NULL);
    raw_close(raw_local_listen(path, 1));
    (void)dial_to(w, RONDO_CONNECT(.path = path), RONDO_ECONNREFUSED);
    assert_true(raw_path_make(file, "file"));
    (void)dial_to(w, RONDO_CONNECT(.path = file), RONDO_ECONNREFUSED);
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

    assert_true(limit > strlen(folder) && limit < 128);
    (void)local_serve(w, longest);
    local_peer_is_at(local_connect(w, longest)->transport, longest);
    assert_true(raw_path_exists(longest));
    dial_refused(w, RONDO_CONNECT(.path = longer), RONDO_ENAMETOOLONG);
    serve_refused(w, RONDO_SERVE(.path = longer), RONDO_ENAMETOOLONG, NULL);
    abstract[0] = '@';
    dial_refused(w, RONDO_CONNECT(.path = abstract), RONDO_ENAMETOOLONG);
    /* nothing was cut off */
    longer[limit] = '\0';
    assert_string_equal(longer, longest);
    in_use(w, longer);
}

TEST(C5_paths_that_are_none)
{
    bool can = rondo_loop_supports(w->loop, RONDO_CAN_UNIX);
    const char *path = can ? "" : "socket";
    int error = can ? RONDO_EINVAL : RONDO_ENOTSUP;

    dial_refused(w, RONDO_CONNECT(.path = path), error);
    if (!can)
        assert_true(strstr(rondo_last_error(), "unix sockets") != NULL);
    serve_refused(w, RONDO_SERVE(.path = path), error,
                  can ? NULL : "unix sockets");
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
    serve_refused(w, RONDO_SERVE(.path = "p", .host = "127.0.0.1"),
                  RONDO_EINVAL, NULL);
    serve_refused(w, RONDO_SERVE(.path = "p", .socket = &fd), RONDO_EINVAL,
                  NULL);
    assert_false(raw_path_exists("p"));
}

TEST_LEAVES(C1_an_address_of_a_unix_socket)
{
    struct listener *l = local_serve(w, local_path(w, "address"));
    rondo_address a;

    assert_ok(rondo_server_address(l->server, 0, &a));
    assert_int_equal(rondo_address_family(&a), RONDO_FAMILY_UNIX);
    (void)dial_to(w, RONDO_CONNECT(.address = &a), RONDO_OK);
    test_run_until(w, l->count == 1);
}

/* ---- C3: a local address ------------------------------------------------ */

TEST_LEAVES(C3_from_a_path)
{
    const char *path = local_path(w, "server");
    const char *mine = local_path(w, "client");
    struct listener *l = local_serve(w, path);
    rondo_address from;

    assert_ok(rondo_address_unix(&from, mine, strlen(mine)));
    (void)dial_to(w, RONDO_CONNECT(.path = path, .local_address = &from),
                  RONDO_OK);
    test_run_until(w, l->count == 1 && l->first->made);
    local_peer_is_at(l->first->transport, mine);
    assert_true(raw_path_exists(mine));
}

TEST_LEAVES(C3_a_local_address_of_another_family)
{
    const char *path = local_path(w, "family");
    struct listener *l = local_serve(w, path);
    rondo_address ip = dial_address("127.0.0.1", 0), name;

    (void)dial_to(w, RONDO_CONNECT(.path = path, .local_address = &ip),
                  RONDO_EAFNOSUPPORT);
    assert_ok(rondo_server_address(l->server, 0, &name));
    (void)dial_to(
        w,
        RONDO_CONNECT(.host = "127.0.0.1", .port = 1, .local_address = &name),
        RONDO_EAFNOSUPPORT);
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
    struct listener *l = test_serve_with(
        w, NULL, RONDO_SERVE(.path = path, .accepted = note_socket));
    struct peer *c = local_connect(w, path), *p = test_peer(w);

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
    rondo_fd fd = raw_local_connect(path);
    struct peer *p = dial_to(w, RONDO_CONNECT(.socket = &fd), RONDO_OK);

    test_run_until(w, l->count == 1);
    local_peer_is_at(p->transport, path);
}

TEST(C4_sockets_that_are_not_connected)
{
    const rondo_fd fds[] = {
        raw_local_bind(local_path(w, "bound")),
        raw_local_datagram(local_path(w, "datagram")),
        raw_local_listen(local_path(w, "listening"), 1),
    };

    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        dial_refused(w, RONDO_CONNECT(.socket = &fds[i]), RONDO_EINVAL);
        assert_true(raw_fd_valid(fds[i]));
        raw_close(fds[i]);
    }
}

/* ---- V5: a relative path ------------------------------------------------ */

TEST_LEAVES(V5_a_relative_path)
{
    const char *path = local_path(w, "relative");
    struct listener *l;

    test_skip_if(w, !raw_path_chdir(local_path(w, "")), "no working directory");
    l = local_serve(w, "relative");
    assert_true(raw_path_exists(path));
    (void)local_connect(w, "relative");
    rondo_server_close(l->server);
    assert_false(raw_path_exists(path));
    assert_true(raw_path_chdir("/"));
}
