/* test_faults_stale.c - descriptors closed while a duplicate of them lives on. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_net.h"

/* What the loop watched, and what it must not touch any more. */
struct stale {
    unsigned calls, reports, done;
    int64_t result;
    raw_fd fds[2]; /* the first one is watched, then closed */
    raw_fd copy;   /* of the first one */
    char byte;
};

/* A watcher that makes a server. */
struct inside {
    struct stale s;
    rondo_server *server;
    int created;
};

static void on_ready(rondo_loop *loop, rondo_fd fd, void *arg)
{
    struct stale *s = arg;

    (void)loop;
    (void)fd;
    s->calls++;
}

static void on_exception(rondo_loop *loop, void *arg,
                         const rondo_exception *what)
{
    struct stale *s = arg;

    (void)loop;
    assert_int_equal(what->error, RONDO_EBADF);
    s->reports++;
}

static void on_done(rondo_loop *loop, void *arg, int64_t result)
{
    struct stale *s = arg;

    (void)loop;
    s->done++;
    s->result = result;
}

static struct stale *stale_new(struct world *w)
{
    struct stale *s = test_alloc(w, sizeof *s);

    assert_int_equal(raw_pair(s->fds), 0);
    s->copy = raw_duplicate(s->fds[0]);
    assert_true(s->copy != RONDO_NO_FD);
    assert_ok(rondo_loop_set_exception_handler(w->loop, on_exception, s));
    return s;
}

/* A byte arrives at the duplicate: it is nobody's, and costs no time. */
static void assert_quiet(struct world *w, struct stale *s)
{
    unsigned calls = s->calls;

    assert_true(raw_send_all(s->fds[1], "x", 1, 1000));
    assert_true(test_run_for(w, RONDO_MS(20)) < 20);
    assert_int_equal(s->calls, calls);
}

/* Another watcher works as before. */
static void assert_works(struct world *w)
{
    struct stale *s = test_alloc(w, sizeof *s);

    assert_int_equal(raw_pair(s->fds), 0);
    assert_ok(rondo_add_reader(w->loop, s->fds[0], on_ready, s));
    assert_true(raw_send_all(s->fds[1], "x", 1, 1000));
    test_run_until(w, s->calls > 0);
    assert_int_equal(rondo_remove_reader(w->loop, s->fds[0]), 1);
    raw_close_pair(s->fds);
}

static void close_all(struct stale *s)
{
    raw_close(s->copy);
    raw_close(s->fds[1]);
}

/* ---- W3 ----------------------------------------------------------------- */

TEST(W3_a_duplicate_lives_on_behind_a_late_removal)
{
    struct stale *s = stale_new(w);

    assert_ok(rondo_add_reader(w->loop, s->fds[0], on_ready, s));
    test_spin(w, 2);
    raw_close(s->fds[0]);
    (void)rondo_remove_reader(w->loop, s->fds[0]);
    assert_quiet(w, s);
    assert_works(w);
    close_all(s);
}

/* The writer stays; nothing that it waits for comes. */
TEST(W3_a_duplicate_lives_on_behind_the_removal_of_one_side)
{
    struct stale *s = stale_new(w);
    raw_fd number = s->fds[0];

    assert_ok(rondo_add_reader(w->loop, number, on_ready, s));
    assert_ok(rondo_add_writer(w->loop, number, on_ready, s));
    test_spin(w, 2);
    raw_close(number);
    (void)rondo_remove_reader(w->loop, number);
    assert_true(raw_send_all(s->fds[1], "x", 1, 1000));
    (void)rondo_remove_writer(w->loop, number);
    assert_quiet(w, s);
    assert_works(w);
    close_all(s);
}

/* The number is another socket's when it is added again. */
TEST(W3_a_duplicate_is_not_what_the_number_means_now)
{
    struct stale *s = stale_new(w);
    struct stale *newer = test_alloc(w, sizeof *newer);
    raw_fd fds[2];

    assert_ok(rondo_add_reader(w->loop, s->fds[0], on_ready, s));
    test_spin(w, 2);
    assert_int_equal(raw_pair(fds), 0);
    fds[0] = raw_move_fd(fds[0], s->fds[0]); /* closes the old one */
    assert_true(fds[0] == s->fds[0]);
    assert_ok(rondo_add_reader(w->loop, fds[0], on_ready, newer));
    assert_quiet(w, s);
    assert_int_equal(newer->calls, 0);
    assert_true(raw_send_all(fds[1], "y", 1, 1000));
    test_run_until(w, newer->calls > 0);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    raw_close_pair(fds);
    close_all(s);
}

/* A server gets the number: the watcher ends, and is reported once. */
TEST(W3_a_new_server_gets_the_number_of_a_duplicate)
{
    struct stale *s = stale_new(w);
    rondo_server *server;
    rondo_address a;
    raw_fd client;

    assert_ok(rondo_add_reader(w->loop, s->fds[0], on_ready, s));
    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES),
                 "watchers are AFD's: the closed socket goes unnoticed");
    test_spin(w, 2);
    raw_close(s->fds[0]);
    assert_ok(rondo_create_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"),
                                  &recorder, test_peer(w), &server));
    test_skip_if(w, rondo_server_fd(server, 0) != s->fds[0],
                 "a new socket does not get the lowest number");
    test_spin(w, 3);
    /* a kernel that watches nothing but sockets may keep its own count */
    if (rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES))
        assert_int_equal(s->reports, 1);
    assert_quiet(w, s);
    assert_ok(rondo_server_address(server, 0, &a));
    client = raw_connect(rondo_address_port(&a));
    assert_true(client != RONDO_NO_FD);
    assert_works(w);
    raw_close(client);
    rondo_server_close(server);
    test_run_until(w, test_metrics(w).live_servers == 0);
    assert_true(s->reports <= 1);
    close_all(s);
}

static void serve_inside(rondo_loop *loop, rondo_fd fd, void *arg)
{
    struct inside *in = arg;

    in->s.calls++;
    raw_close(fd);
    in->created = rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"),
                                      &recorder, NULL, &in->server);
}

/* The same inside the watcher's own function. */
TEST(W3_a_new_server_gets_the_number_of_the_watcher_that_makes_it)
{
    struct inside *in = test_alloc(w, sizeof *in);
    struct stale *s = &in->s;

    assert_int_equal(raw_pair(s->fds), 0);
    s->copy = raw_duplicate(s->fds[0]);
    assert_ok(rondo_loop_set_exception_handler(w->loop, on_exception, s));
    assert_ok(rondo_add_reader(w->loop, s->fds[0], serve_inside, in));
    assert_true(raw_send_all(s->fds[1], "x", 1, 1000));
    test_run_until(w, s->calls == 1);
    assert_ok(in->created);
    test_skip_if(w, rondo_server_fd(in->server, 0) != s->fds[0],
                 "a new socket does not get the lowest number");
    test_spin(w, 3);
    assert_int_equal(s->calls, 1);
    assert_int_equal(s->reports, 1);
    assert_quiet(w, s);
    assert_works(w);
    rondo_server_close(in->server);
    test_run_loop(w);
    close_all(s);
}

/* ---- Q1 ----------------------------------------------------------------- */

TEST(Q1_a_duplicate_lives_on_behind_a_cancelled_call)
{
    struct stale *s = stale_new(w);
    rondo_id id;

    raw_set_nonblocking(s->fds[0]);
    id = rondo_sock_recv(w->loop, s->fds[0], &s->byte, 1, on_done, s);
    assert_true(id > 0);
    test_spin(w, 2);
    raw_close(s->fds[0]);
    (void)rondo_cancel(w->loop, id);
    test_run_until(w, s->done == 1);
    assert_true(s->result < 0);
    assert_quiet(w, s);
    assert_works(w);
    close_all(s);
}

/* ---- L9 ----------------------------------------------------------------- */

TEST(L9_an_embedded_loop_forgets_a_duplicate)
{
    struct stale *s, *other = test_alloc(w, sizeof *other);
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;

    if (!rondo_loop_supports(w->loop, RONDO_CAN_EMBED_FD))
        test_skip(w, "cannot be embedded");
    s = stale_new(w);
    assert_ok(rondo_add_reader(w->loop, s->fds[0], on_ready, s));
    test_spin(w, 2);
    raw_close(s->fds[0]);
    (void)rondo_remove_reader(w->loop, s->fds[0]);
    assert_int_equal(raw_pair(other->fds), 0);
    assert_ok(rondo_add_reader(w->loop, other->fds[0], on_ready, other));
    assert_true(raw_send_all(s->fds[1], "x", 1, 1000));
    assert_ok(rondo_loop_run_once(w->loop, 0));
    assert_ok(rondo_loop_prepare(w->loop, &wait));
    assert_false(raw_wait_handle(wait.fd, RONDO_MS(10)));
    assert_true(raw_send_all(other->fds[1], "x", 1, 1000));
    assert_true(raw_wait_handle(wait.fd, RONDO_MS(1000)));
    assert_ok(rondo_loop_run_once(w->loop, 0));
    assert_true(other->calls > 0);
    assert_int_equal(rondo_remove_reader(w->loop, other->fds[0]), 1);
    raw_close_pair(other->fds);
    close_all(s);
}

/* ---- G8, W3: what the loop keeps for closed ones ------------------------ */

enum { CROWD = 300 };

/* Every fourth has a duplicate that lives on. */
TEST(W3_many_are_closed_before_they_are_removed)
{
    struct stale *s = stale_new(w);
    raw_fd copies[CROWD / 4];
    size_t bytes = 0;

    for (int i = 0; i < CROWD; i++) {
        raw_fd fds[2];

        if (i == CROWD / 2)
            bytes = test_live_bytes(w);
        assert_int_equal(raw_pair(fds), 0);
        assert_ok(rondo_add_reader(w->loop, fds[0], on_ready, s));
        test_spin(w, 1);
        if (i % 4 == 0)
            copies[i / 4] = raw_duplicate(fds[0]);
        raw_close(fds[0]);
        (void)rondo_remove_reader(w->loop, fds[0]);
        assert_true(raw_send_all(fds[1], "x", 1, 1000));
        test_spin(w, 1);
        raw_close(fds[1]);
    }
    assert_int_equal(s->calls, 0);
    assert_true(test_live_bytes(w) <= bytes + 4096);
    assert_works(w);
    for (int i = 0; i < CROWD / 4; i++)
        raw_close(copies[i]);
    raw_close_pair(s->fds);
    raw_close(s->copy);
}

/* The loop has no descriptor to spare when it finds out. */
TEST(W3_a_duplicate_lives_on_and_no_descriptor_is_left)
{
    struct stale *s = stale_new(w);
    raw_fd pair[2];
    int64_t limit;

    assert_int_equal(raw_pair(pair), 0);
    assert_ok(rondo_add_reader(w->loop, s->fds[0], on_ready, s));
    test_spin(w, 2);
    limit = raw_descriptor_limit();
    raw_close(s->fds[0]);
    (void)rondo_remove_reader(w->loop, s->fds[0]);
    assert_true(raw_send_all(s->fds[1], "x", 1, 1000));
    (void)raw_set_descriptor_limit(s->fds[0]);
    test_spin(w, 5);
    assert_ok(rondo_add_reader(w->loop, pair[0], on_ready, s));
    assert_true(raw_send_all(pair[1], "x", 1, 1000));
    test_spin(w, 3);
    (void)raw_set_descriptor_limit(limit);
    assert_true(s->calls > 0);
    assert_int_equal(rondo_remove_reader(w->loop, pair[0]), 1);
    assert_quiet(w, s);
    raw_close_pair(pair);
    close_all(s);
}
