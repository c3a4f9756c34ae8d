/* test_faults_path.c - two servers at one path that nobody holds any more. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_local.h"
#include "raw_unlink.h"

#include <stdatomic.h>

struct rival {
    struct world *w;
    rondo_loop *loop;
    const char *path;
    rondo_server *server;
    int result;
    atomic_uint *ready;
};

/* The file of a socket that is closed. */
static void make_stale(const char *path)
{
    raw_fd fd = raw_local_listen(path, 1);

    assert_true(fd != RONDO_NO_FD);
    raw_close(fd);
    assert_true(raw_path_exists(path));
}

static void serve(struct rival *r)
{
    r->result = rondo_create_server(r->loop, RONDO_SERVE(.path = r->path),
                                    &recorder, NULL, &r->server);
}

static void serve_too(void *arg)
{
    serve(arg);
}

static bool is_reachable(const char *path)
{
    raw_fd fd = raw_local_connect(path);

    raw_close(fd);
    return fd != RONDO_NO_FD;
}

/* The second one comes when the first is about to remove the old file. */
TEST(V5_a_second_server_comes_while_a_path_is_taken_over)
{
    struct rival a = {.w = w, .loop = w->loop};
    struct rival b = {.w = w};

    a.path = b.path = local_path(w, "sock");
    b.loop = test_other_loop(w);
    make_stale(a.path);
    test_skip_if(w, !raw_before_unlink(a.path, serve_too, &b),
                 "no removal can be watched");
    serve(&a);
    assert_true(raw_unlink_was_met());
    assert_ok(a.result);
    assert_error(b.result, RONDO_EADDRINUSE);
    assert_true(is_reachable(a.path));
    rondo_server_close(a.server);
    test_run_loop(w);
    assert_false(raw_path_exists(a.path));
}

static void serve_in_thread(void *arg)
{
    struct rival *r = arg;

    atomic_fetch_add(r->ready, 1);
    while (atomic_load(r->ready) < 2)
        raw_yield();
    serve(r);
}

enum { ROUNDS = 50 };

TEST(V5_two_servers_take_over_a_path_at_once)
{
    const char *path = local_path(w, "sock");
    struct rival r[2];
    atomic_uint ready;

    (void)test_other_loop(w);
    for (int i = 0; i < ROUNDS; i++) {
        struct raw_thread *threads[2];

        make_stale(path);
        atomic_init(&ready, 0);
        for (int k = 0; k < 2; k++) {
            r[k] = (struct rival){.w = w, .path = path, .ready = &ready};
            r[k].loop = k ? w->other : w->loop;
            threads[k] = raw_thread_start(serve_in_thread, &r[k]);
        }
        for (int k = 0; k < 2; k++)
            raw_thread_join(threads[k]);
        assert_true((r[0].result == 0) != (r[1].result == 0));
        assert_true(is_reachable(path));
        for (int k = 0; k < 2; k++)
            if (r[k].result == 0)
                rondo_server_close(r[k].server);
            else
                assert_int_equal(r[k].result, RONDO_EADDRINUSE);
        test_run_loop(w);
        assert_ok(rondo_loop_run(w->other));
        assert_false(raw_path_exists(path));
    }
}

/* Nothing but the socket's own file is ever left in its folder. */
TEST(V5_taking_over_a_path_leaves_no_other_file)
{
    const char *path = local_path(w, "sock");
    struct rival a = {.w = w, .loop = w->loop, .path = path};
    char lock[128];

    (void)snprintf(lock, sizeof lock, "%s.rondo", path);
    make_stale(path);
    serve(&a);
    assert_ok(a.result);
    assert_false(raw_path_exists(lock));
    rondo_server_close(a.server);
    test_run_loop(w);
    /* what a process left that ended in the middle is no hindrance */
    make_stale(path);
    assert_true(raw_path_make(lock, "file"));
    serve(&a);
    assert_ok(a.result);
    assert_false(raw_path_exists(lock));
    rondo_server_close(a.server);
    test_run_loop(w);
}
