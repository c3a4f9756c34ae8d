/* test_path_busy.c - connecting by path where the backlog is full. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"
#include "raw_net.h"

enum { CROWD = 64 };

struct crowd {
    raw_fd listener, clients[CROWD];
    size_t count;
};

static struct crowd *fill(struct world *w, const char *path)
{
    struct crowd *c = test_alloc(w, sizeof *c);

    c->listener = raw_local_listen(path, 1);
    c->count = raw_local_fill(path, c->clients, CROWD);
    if (c->count == 0) {
        raw_close(c->listener);
        test_skip(w, "a full backlog refuses here");
    }
    return c;
}

static void disperse(struct crowd *c)
{
    for (size_t i = 0; i < c->count; i++)
        raw_close(c->clients[i]);
    raw_close(c->listener);
}

TEST_LEAVES(C5_a_full_backlog_is_waited_for)
{
    const char *path = local_path(w, "full");
    struct crowd *crowd = fill(w, path);
    struct peer *p = test_peer(w);
    raw_fd end;

    assert_ok(dial(w, RONDO_CONNECT(.path = path), p));
    assert_true(test_run_for(w, RONDO_MS(100)) < 40); /* without spinning */
    assert_int_equal(p->connected, 0);
    assert_int_equal(test_metrics(w).live_operations, 1);
    for (size_t i = 0; i < crowd->count; i++)
        raw_close(raw_accept(crowd->listener, 1000));
    dial_ends(w, p, RONDO_OK);
    end = raw_accept(crowd->listener, 1000);
    dial_check_works(w, p, end);
    raw_close(end);
    disperse(crowd);
}

TEST(C5_cancelled_before_a_full_backlog)
{
    const char *path = local_path(w, "cancel");
    struct crowd *crowd = fill(w, path);
    struct peer *p = test_peer(w);
    rondo_id id = assert_ok(dial(w, RONDO_CONNECT(.path = path), p));

    (void)test_run_for(w, RONDO_MS(10));
    assert_ok(rondo_cancel(w->loop, id));
    assert_error(rondo_cancel(w->loop, id), RONDO_ENOENT);
    assert_int_equal(p->connected, 0);
    dial_ends(w, p, RONDO_ECANCELED);
    assert_int_equal(test_metrics(w).live_operations, 0);
    disperse(crowd);
}

TEST(C5_a_timeout_before_a_full_backlog)
{
    const char *path = local_path(w, "timeout");
    struct crowd *crowd = fill(w, path);
    struct peer *p = test_peer(w);

    assert_ok(
        dial(w, RONDO_CONNECT(.path = path, .timeout_ns = RONDO_MS(30)), p));
    dial_ends(w, p, RONDO_ETIMEDOUT);
    assert_true(strstr(p->last_error, path) != NULL);
    disperse(crowd);
}

TEST(L5_closed_before_a_full_backlog)
{
    const char *path = local_path(w, "closed");
    struct crowd *crowd = fill(w, path);
    struct peer *p = test_peer(w);

    assert_ok(dial(w, RONDO_CONNECT(.path = path), p));
    (void)test_run_for(w, RONDO_MS(10));
    test_close_loop(w);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    disperse(crowd);
}

TEST(C5_the_listener_leaves_meanwhile)
{
    const char *path = local_path(w, "leaves");
    struct crowd *crowd = fill(w, path);
    struct peer *p = test_peer(w);

    assert_ok(dial(w, RONDO_CONNECT(.path = path), p));
    (void)test_run_for(w, RONDO_MS(10));
    disperse(crowd);
    dial_ends(w, p, RONDO_ECONNREFUSED);
}

/* Everybody gets in through a backlog of one. */
TEST_LEAVES(V3_many_clients_through_a_backlog_of_one)
{
    const char *path = local_path(w, "many");
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;
    struct peer *p[CROWD];
    unsigned connected = 0;

    o.path = path;
    o.backlog = 1;
    l = test_serve_with(w, &recorder, &o);
    for (int i = 0; i < CROWD; i++) {
        p[i] = test_peer(w);
        assert_ok(dial(w, RONDO_CONNECT(.path = path), p[i]));
    }
    test_run_until(w, l->count == CROWD);
    for (int i = 0; i < CROWD; i++) {
        dial_ends(w, p[i], RONDO_OK);
        connected += p[i]->made;
    }
    assert_int_equal(connected, CROWD);
}
