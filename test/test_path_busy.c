/* test_path_busy.c - connecting by path, or a pipe's name, where all is full. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"
#include "harness_named.h"

enum { CROWD = 64 };

/* A listener whose backlog is full, or a pipe's one instance and its client. */
struct busy {
    const char *path;
    raw_fd listener, clients[CROWD];
    size_t count;
};

static struct busy *full_backlog(struct world *w, const char *name)
{
    struct busy *b = test_alloc(w, sizeof *b);

    b->path = local_path(w, name);
    b->listener = raw_local_listen(b->path, 1);
    b->count = raw_local_fill(b->path, b->clients, CROWD);
    if (b->count == 0)
        raw_close(b->listener);
    test_skip_if(w, b->count == 0, "a full backlog refuses here");
    return b;
}

static struct busy *taken_pipe(struct world *w)
{
    struct busy *b = test_alloc(w, sizeof *b);

    b->path = named_name(w);
    b->listener = raw_named_serve(b->path, 1);
    b->clients[0] = raw_named_dial(b->path);
    b->count = 1;
    assert_true(b->listener != RONDO_NO_FD && b->clients[0] != RONDO_NO_FD);
    assert_true(raw_named_is_busy(b->path));
    return b;
}

static void leave(struct busy *b)
{
    for (size_t i = 0; i < b->count; i++)
        raw_close(b->clients[i]);
    raw_close(b->listener);
}

static struct peer *wait_in_vain(struct world *w, const struct busy *b)
{
    struct peer *p = dial_new(w, RONDO_CONNECT(.path = b->path));

    assert_true(test_run_for(w, RONDO_MS(100)) < 40); /* without spinning */
    assert_int_equal(p->connected, 0);
    assert_int_equal(test_metrics(w).live_operations, 1);
    return p;
}

TEST_LEAVES(C5_a_full_backlog_is_waited_for)
{
    struct busy *b = full_backlog(w, "full");
    struct peer *p = wait_in_vain(w, b);
    raw_fd end;

    for (size_t i = 0; i < b->count; i++)
        raw_close(raw_accept(b->listener, 1000));
    dial_ends(w, p, RONDO_OK);
    end = raw_accept(b->listener, 1000);
    dial_check_works(w, p, end);
    raw_close(end);
    leave(b);
}

TEST(C5_a_taken_pipe_is_waited_for)
{
    struct busy *b = taken_pipe(w);
    struct peer *p = wait_in_vain(w, b);
    raw_fd next;

    leave(b);
    next = raw_named_serve(b->path, 1);
    dial_ends(w, p, RONDO_OK);
    assert_int_equal(raw_named_send(next, "x", 1), 1);
    assert_hears(w, p, "x");
    raw_close(next);
    assert_lost(w, p, "MdEL", 0);
}

static void cancel(struct world *w, struct busy *b)
{
    for (int ms = 0; ms < 40; ms += 9) {
        struct peer *p = test_peer(w);
        rondo_id id = assert_ok(dial(w, RONDO_CONNECT(.path = b->path), p));

        if (ms)
            (void)test_run_for(w, RONDO_MS(ms));
        assert_ok(rondo_cancel(w->loop, id));
        assert_error(rondo_cancel(w->loop, id), RONDO_ENOENT);
        assert_int_equal(p->connected, 0);
        dial_ends(w, p, RONDO_ECANCELED);
        assert_true(strstr(p->last_error, b->path) != NULL);
        assert_int_equal(test_metrics(w).live_operations, 0);
    }
    leave(b);
}

TEST_CASE(C5_cancelled_before_a_full_backlog,
          cancel(w, full_backlog(w, "cancel")));

TEST_CASE(C5_cancelled_before_a_taken_pipe, cancel(w, taken_pipe(w)));

static void time_out(struct world *w, struct busy *b)
{
    struct peer *p =
        dial_to(w, RONDO_CONNECT(.path = b->path, .timeout_ns = RONDO_MS(30)),
                RONDO_ETIMEDOUT);

    assert_true(strstr(p->last_error, b->path) != NULL);
    assert_int_equal(rondo_last_os_error(), 0);
    leave(b);
}

TEST_CASE(C5_a_timeout_before_a_full_backlog,
          time_out(w, full_backlog(w, "timeout")));

TEST_CASE(C5_a_timeout_before_a_taken_pipe, time_out(w, taken_pipe(w)));

static void close_loop(struct world *w, struct busy *b)
{
    struct peer *p = dial_new(w, RONDO_CONNECT(.path = b->path));

    (void)test_run_for(w, RONDO_MS(10));
    test_close_loop(w);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    leave(b);
}

TEST_CASE(L5_closed_before_a_full_backlog,
          close_loop(w, full_backlog(w, "closed")));

TEST_CASE(L5_closed_before_a_taken_pipe, close_loop(w, taken_pipe(w)));

static void leave_meanwhile(struct world *w, struct busy *b, int error)
{
    struct peer *p = dial_new(w, RONDO_CONNECT(.path = b->path));

    (void)test_run_for(w, RONDO_MS(10));
    leave(b);
    dial_ends(w, p, error);
}

TEST_CASE(C5_the_listener_leaves_meanwhile,
          leave_meanwhile(w, full_backlog(w, "leaves"), RONDO_ECONNREFUSED));

TEST_CASE(C5_the_server_of_a_pipe_leaves_meanwhile,
          leave_meanwhile(w, taken_pipe(w), RONDO_ENOENT));

TEST(C5_no_memory_to_wait_for_a_taken_pipe)
{
    struct busy *b = taken_pipe(w);
    uint64_t n;

    for (n = 1; test_nth_fails(w, n); n++) {
        struct peer *p = test_peer(w);
        rondo_id id = dial(w, RONDO_CONNECT(.path = b->path), p);

        test_spin(w, id > 0 ? 3 : 0);
        test_fail_allocation(w, 0);
        if (id < 0) {
            assert_error(id, RONDO_ENOMEM);
        } else if (test_failed_allocations(w) > 0) {
            dial_ends(w, p, RONDO_ENOMEM);
        } else {
            assert_ok(rondo_cancel(w->loop, id));
            dial_ends(w, p, RONDO_ECANCELED);
        }
    }
    assert_true(n > 2);
    leave(b);
}

/* ---- a crowd ------------------------------------------------------------ */

/* Everybody gets in, though there is less room than clients. */
static void crowd(struct world *w, const char *path)
{
    struct listener *l =
        test_serve_with(w, &recorder, RONDO_SERVE(.path = path, .backlog = 1));
    struct peer *p[CROWD];

    for (int i = 0; i < CROWD; i++)
        p[i] = dial_new(w, RONDO_CONNECT(.path = path));
    for (int i = 0; i < CROWD; i++) {
        dial_ends(w, p[i], RONDO_OK);
        assert_ok(rondo_transport_write(p[i]->transport, &i, sizeof i));
        rondo_transport_close(p[i]->transport);
    }
    test_run_until(w, l->count == CROWD);
    for (struct peer *s = l->first; s; s = s->next) {
        assert_lost(w, s, NULL, 0);
        assert_int_equal(s->bytes, sizeof(int));
    }
    test_stop(l);
}

TEST_CASE(V3_many_clients_through_a_backlog_of_one,
          crowd(w, local_path(w, "many")));

TEST_CASE(C5_more_clients_than_instances, crowd(w, named_name(w)));
