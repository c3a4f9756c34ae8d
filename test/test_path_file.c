/* test_path_file.c - a server's socket file: whose it is, who may use it. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"

static int serve(struct world *w, const char *path, unsigned mode,
                 rondo_server **server)
{
    return rondo_create_server(w->loop,
                               RONDO_SERVE(.path = path, .unix_mode = mode),
                               &recorder, test_peer(w), server);
}

/* Serving there is refused: in use, and what is there stays. */
static void in_use(struct world *w, const char *path)
{
    rondo_server *s = NULL;
    rondo_loop_metrics before = test_metrics(w);

    assert_error(serve(w, path, 0, &s), RONDO_EADDRINUSE);
    assert_true(strstr(rondo_last_error(), path) != NULL);
    assert_null(s);
    assert_true(raw_path_exists(path));
    assert_int_equal(test_metrics(w).live_servers, before.live_servers);
}

/* ---- V5: what is there already ------------------------------------------ */

/* A socket at that path, which nobody has any more. */
static void check_replaced(struct world *w, raw_fd stale, const char *path)
{
    struct listener *l;

    raw_close(stale);
    assert_true(raw_path_exists(path));
    l = local_serve(w, path);
    (void)local_connect(w, path);
    test_run_until(w, l->count == 1);
}

TEST_LEAVES(V5_a_stale_socket_is_replaced)
{
    const char *path = local_path(w, "stale");

    check_replaced(w, raw_local_listen(path, 1), path);
}

TEST_LEAVES(V5_a_stale_datagram_socket_is_replaced)
{
    const char *path = local_path(w, "stale-datagram");

    check_replaced(w, raw_local_datagram(path), path);
}

TEST(V5_a_live_listener_is_left_alone)
{
    const char *path = local_path(w, "live");
    raw_fd fd = test_own(w, raw_local_listen(path, 1));

    in_use(w, path);
    /* it has not even seen a client */
    assert_true(raw_accept(fd, 0) == RONDO_NO_FD);
    assert_true(test_own(w, raw_local_connect(path)) != RONDO_NO_FD);
}

TEST(V5_a_full_listener_is_left_alone)
{
    const char *path = local_path(w, "live-full");
    raw_fd fd = raw_local_listen(path, 0), clients[64];
    size_t count = raw_local_fill(path, clients, 64);

    in_use(w, path);
    for (size_t i = 0; i < count; i++)
        raw_close(clients[i]);
    raw_close(fd);
}

/* It has not come as far as listen yet. */
TEST(V5_a_bound_socket_is_left_alone)
{
    const char *path = local_path(w, "live-bound");
    const char *other = local_path(w, "live-datagram");

    (void)test_own(w, raw_local_bind(path));
    (void)test_own(w, raw_local_datagram(other));
    in_use(w, path);
    in_use(w, other);
}

TEST_LEAVES(V5_a_second_server_is_refused)
{
    const char *path = local_path(w, "second");
    struct listener *l = local_serve(w, path);

    in_use(w, path);
    rondo_server_pause_serving(l->server);
    in_use(w, path);
    (void)local_connect(w, path);
    rondo_server_close(l->server);
    l = local_serve(w, path); /* at once, before the first one's closed */
    (void)local_connect(w, path);
    test_run_until(w, l->count == 1);
}

TEST(V5_any_other_file_is_left_alone)
{
    const char *file = local_path(w, "file"), *folder = local_path(w, "folder");
    const char *nowhere = local_path(w, "nowhere");
    const char *link = local_path(w, "link"), *stale = local_path(w, "linked");
    char target[160];

    assert_true(raw_path_make(file, "file"));
    in_use(w, file);
    assert_true(strstr(rondo_last_error(), "no socket") != NULL);
    assert_true(raw_path_make(folder, "folder"));
    in_use(w, folder);
    assert_true(raw_path_make(nowhere, "link to nothing"));
    in_use(w, nowhere);
    /* a link is not followed to a socket that could be replaced */
    raw_close(raw_local_bind(stale));
    (void)snprintf(target, sizeof target, "link to %s", stale);
    assert_true(raw_path_make(link, target));
    in_use(w, link);
    assert_true(raw_path_exists(stale));
}

TEST(V5_folders_that_are_none)
{
    const char *file = local_path(w, "plain");
    char inside[200];

    assert_error(serve(w, local_path(w, "missing/socket"), 0, NULL),
                 RONDO_ENOENT);
    assert_true(raw_path_make(file, "file"));
    (void)snprintf(inside, sizeof inside, "%s/socket", file);
    assert_error(serve(w, inside, 0, NULL), RONDO_ENOTDIR);
}

/* ---- V5: removed at close ----------------------------------------------- */

TEST(V5_removed_at_close)
{
    const char *path = local_path(w, "removed");
    struct listener *l = local_serve(w, path);
    struct peer *c = local_connect(w, path);

    test_run_until(w, l->count == 1 && l->first->made);
    rondo_server_close(l->server);
    assert_false(raw_path_exists(path)); /* at once; the client stays */
    assert_ok(rondo_transport_write(c->transport, "x", 1));
    test_run_until(w, l->first->bytes == 1);
    rondo_transport_close(c->transport);
    test_run_until(w, l->closed);
}

TEST(V5_removed_when_the_loop_closes)
{
    const char *path = local_path(w, "removed-late");

    (void)local_serve(w, path);
    assert_true(raw_path_exists(path));
    test_close_loop(w);
    assert_false(raw_path_exists(path));
}

TEST(V5_not_removed_when_somebody_elses)
{
    const char *path = local_path(w, "others");
    rondo_server *s = NULL;
    raw_fd fd;

    assert_ok(serve(w, path, 0, &s));
    assert_true(raw_path_remove(path));
    fd = raw_local_listen(path, 1);
    test_close_server(w, s);
    assert_true(raw_path_exists(path));
    raw_close(fd);

    /* no socket at all, by now */
    assert_ok(serve(w, path, 0, &s)); /* stale */
    assert_true(raw_path_remove(path));
    assert_true(raw_path_make(path, "file"));
    test_close_server(w, s);
    assert_true(raw_path_exists(path));
    assert_true(raw_path_remove(path));

    /* nothing there */
    assert_ok(serve(w, path, 0, &s));
    assert_true(raw_path_remove(path));
    test_close_server(w, s);
    assert_false(raw_path_exists(path));

    /* it has another name now */
    assert_ok(serve(w, path, 0, &s));
    assert_true(raw_path_rename(path, local_path(w, "renamed")));
    test_close_server(w, s);
    assert_true(raw_path_exists(local_path(w, "renamed")));
}

/* A server that took the name over keeps its file when the first one closes,
 * whatever number the file system gave it. */
TEST_LEAVES(V5_not_removed_when_taken_over)
{
    const char *path = local_path(w, "taken-over");
    struct listener *l;
    rondo_server *s = NULL;

    for (int i = 0; i < 20; i++) {
        assert_ok(serve(w, path, 0, &s));
        assert_true(raw_path_remove(path));
        l = local_serve(w, path);
        rondo_server_close(s);
        (void)local_connect(w, path);
        test_run_until(w, l->count == 1);
        rondo_server_close(l->server);
        assert_false(raw_path_exists(path));
    }
}

TEST_LEAVES(V5_an_adopted_sockets_file_stays)
{
    const char *path = local_path(w, "adopted");
    rondo_fd fd = raw_local_listen(path, 1);
    struct listener *l =
        test_serve_with(w, &recorder, RONDO_SERVE(.socket = &fd));

    (void)local_connect(w, path);
    test_run_until(w, l->count == 1);
    rondo_server_close(l->server);
    assert_true(raw_path_exists(path));
}

TEST(V5_nothing_is_left_of_one_that_fails)
{
    const char *path = local_path(w, "failing");
    size_t before = raw_count_descriptors();
    uint64_t n;

    for (n = 1; test_nth_fails(w, n); n++) {
        rondo_server *s = NULL;
        int result = serve(w, path, 0, &s);

        test_fail_allocation(w, 0);
        if (result == 0) {
            test_close_server(w, s);
            continue;
        }
        assert_error(result, RONDO_ENOMEM);
        assert_false(raw_path_exists(path));
        assert_int_equal(raw_count_descriptors(), before);
    }
    assert_true(n > 2);
}

/* One descriptor is enough for a socket, and too few to ask whose the file
 * is that is there: it is left alone. */
TEST_LEAVES(V5_without_descriptors_nothing_changes)
{
    const char *path = local_path(w, "no-descriptors");
    raw_fd fds[64];
    int64_t before = raw_set_descriptor_limit(64);
    size_t count = 0;
    int result[2];

    test_skip_if(w, before < 0, "no limit of descriptors on this system");
    raw_close(raw_local_bind(path));
    count = raw_exhaust(fds, 64);
    assert_in_range(count, 1, 63);
    result[0] = serve(w, path, 0, NULL);
    raw_close(fds[--count]);
    result[1] = serve(w, path, 0, NULL);
    while (count > 0)
        raw_close(fds[--count]);
    (void)raw_set_descriptor_limit(before);
    assert_int_equal(result[0], RONDO_EMFILE);
    assert_int_equal(result[1], RONDO_EMFILE);
    assert_true(raw_path_exists(path));
    assert_ok(serve(w, path, 0, NULL));
}

/* A number that the backend does not take: bound already, and taken back. */
TEST(V5_nothing_is_left_past_the_backends_limit)
{
    enum { MOST = 2000 };
    const char *path = local_path(w, "limit");
    int64_t limit = rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTOR_NUMBER);
    raw_fd *fds = test_alloc(w, MOST * sizeof *fds);
    int64_t before;
    size_t count;
    int result;

    test_skip_if(w, limit > MOST, "the backend takes any number");
    before = raw_raise_descriptor_limit(limit + 10);
    test_skip_if(w, before < 0 || raw_descriptor_limit() < limit + 10,
                 "the process may not have such descriptors");
    count = raw_exhaust(fds, (size_t)limit);
    result = serve(w, path, 0, NULL);
    while (count > 0)
        raw_close(fds[--count]);
    (void)raw_set_descriptor_limit(before);
    assert_error(result, RONDO_EMFILE);
    assert_false(raw_path_exists(path));
}

/* ---- V5: the mode ------------------------------------------------------- */

TEST_LEAVES(V5_the_mode_as_asked)
{
    static const unsigned modes[] = {0600, 0660, 0666, 0777, 0622, 01};
    const char *path = local_path(w, "mode");
    int before;
    rondo_server *s = NULL;

    before = raw_umask(022);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_ok(serve(w, path, modes[i], &s));
        assert_int_equal(raw_path_mode(path), modes[i]);
        test_close_server(w, s);
    }
    /* without one the umask decides, and is what it was */
    assert_ok(serve(w, path, 0, &s));
    assert_int_equal(raw_path_mode(path), 0755);
    assert_int_equal(raw_umask(before), 022);
}

TEST_LEAVES(V5_the_mode_of_one_that_replaces)
{
    const char *path = local_path(w, "mode-stale");

    raw_close(raw_local_bind(path));
    assert_int_not_equal(raw_path_mode(path), 0604);
    assert_ok(serve(w, path, 0604, NULL));
    assert_int_equal(raw_path_mode(path), 0604);
}

TEST(V5_modes_that_are_none)
{
    const char *path = local_path(w, "mode-wrong");
    char name[160];

    assert_error(serve(w, path, 010000, NULL), RONDO_EINVAL);
    assert_error(serve(w, NULL, 0600, NULL), RONDO_EINVAL);
    assert_false(raw_path_exists(path));
    (void)snprintf(name, sizeof name, "@%s", path);
    if (local_has_abstract_names()) { /* else it is a file's name */
        assert_true(serve(w, name, 0600, NULL) < 0);
        assert_true(strstr(rondo_last_error(), "no mode") != NULL);
    }
}

/* ---- L8: in a forked child ---------------------------------------------- */

TEST_LEAVES(L8_the_child_leaves_the_file)
{
    const char *path = local_path(w, "forked");
    struct listener *l = local_serve(w, path);

    test_close_in_child(w);
    assert_true(raw_path_exists(path));
    (void)local_connect(w, path);
    test_run_until(w, l->count == 1);
}
