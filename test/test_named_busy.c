/* test_named_busy.c - connecting where each instance of a pipe has a client. */
/* SPDX-License-Identifier: MIT */
#include "harness_named.h"
#include "raw_net.h"

/* A pipe with one instance, which somebody has. */
struct taken {
    raw_fd instance, client;
    const char *name;
};

static struct taken *take(struct world *w)
{
    struct taken *t = test_alloc(w, sizeof *t);

    t->name = named_name(w);
    t->instance = raw_named_serve(t->name, 1);
    t->client = raw_named_dial(t->name);
    assert_true(t->instance != RONDO_NO_FD && t->client != RONDO_NO_FD);
    assert_true(raw_named_is_busy(t->name));
    return t;
}

static void give(struct taken *t)
{
    raw_close(t->client);
    raw_close(t->instance);
}

TEST(C5_a_taken_pipe_is_waited_for)
{
    struct taken *t = take(w);
    struct peer *p = test_peer(w);
    raw_fd next;
    char byte = 'x';

    assert_ok(dial(w, RONDO_CONNECT(.path = t->name), p));
    assert_true(test_run_for(w, RONDO_MS(100)) < 40); /* without spinning */
    assert_int_equal(p->connected, 0);
    assert_int_equal(test_metrics(w).live_operations, 1);
    give(t);
    next = raw_named_serve(t->name, 1);
    dial_ends(w, p, RONDO_OK);
    assert_int_equal(raw_named_send(next, &byte, 1), 1);
    test_run_until(w, p->bytes == 1);
    raw_close(next);
    test_run_until(w, p->lost);
    assert_string_equal(p->order, "MdEL");
}

TEST(C5_cancelled_before_a_taken_pipe)
{
    struct taken *t = take(w);

    for (int ms = 0; ms < 40; ms += 9) {
        struct peer *p = test_peer(w);
        rondo_id id = assert_ok(dial(w, RONDO_CONNECT(.path = t->name), p));

        if (ms)
            (void)test_run_for(w, RONDO_MS(ms));
        assert_ok(rondo_cancel(w->loop, id));
        assert_error(rondo_cancel(w->loop, id), RONDO_ENOENT);
        assert_int_equal(p->connected, 0);
        dial_ends(w, p, RONDO_ECANCELED);
        assert_true(strstr(p->last_error, t->name) != NULL);
        assert_int_equal(test_metrics(w).live_operations, 0);
    }
    give(t);
}

TEST(C5_a_timeout_before_a_taken_pipe)
{
    struct taken *t = take(w);
    struct peer *p = test_peer(w);

    assert_ok(
        dial(w, RONDO_CONNECT(.path = t->name, .timeout_ns = RONDO_MS(30)), p));
    dial_ends(w, p, RONDO_ETIMEDOUT);
    assert_true(strstr(p->last_error, t->name) != NULL);
    assert_int_equal(rondo_last_os_error(), 0);
    give(t);
}

TEST(L5_closed_before_a_taken_pipe)
{
    struct taken *t = take(w);
    struct peer *p = test_peer(w);

    assert_ok(dial(w, RONDO_CONNECT(.path = t->name), p));
    (void)test_run_for(w, RONDO_MS(10));
    test_close_loop(w);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    give(t);
}

TEST(C5_its_server_leaves_meanwhile)
{
    struct taken *t = take(w);
    struct peer *p = test_peer(w);

    assert_ok(dial(w, RONDO_CONNECT(.path = t->name), p));
    (void)test_run_for(w, RONDO_MS(10));
    give(t);
    dial_ends(w, p, RONDO_ENOENT);
}

TEST(C5_no_memory_to_wait_for_it)
{
    struct taken *t = take(w);
    unsigned failed = 0;

    for (uint64_t n = 1;; n++) {
        struct peer *p = test_peer(w);
        rondo_id id;

        test_fail_allocation(w, n);
        id = dial(w, RONDO_CONNECT(.path = t->name), p);
        if (id > 0)
            test_spin(w, 3);
        if (id > 0 && !test_failed_allocations(w)) {
            test_fail_allocation(w, 0);
            assert_ok(rondo_cancel(w->loop, id));
            dial_ends(w, p, RONDO_ECANCELED);
            break;
        }
        failed++;
        test_fail_allocation(w, 0);
        if (id > 0)
            dial_ends(w, p, RONDO_ENOMEM);
        else
            assert_error(id, RONDO_ENOMEM);
    }
    assert_true(failed > 0);
    give(t);
}

/* ---- C1: cancelling where there is room --------------------------------- */

TEST(C1_cancelled_at_each_moment)
{
    struct listener *l = named_serve(w, named_name(w));
    unsigned cancelled = 0;

    for (int spins = 0; spins < 3; spins++) {
        struct peer *p = test_peer(w);
        rondo_id id = assert_ok(dial(w, RONDO_CONNECT(.path = l->name), p));

        test_spin(w, spins);
        if (rondo_cancel(w->loop, id) == 0)
            cancelled++;
        else
            rondo_transport_abort(p->transport);
        test_run_until(w, p->connected && p->lost == p->made);
        assert_int_equal(p->connect_error, p->made ? 0 : RONDO_ECANCELED);
    }
    assert_int_equal(cancelled, 1);
    named_stop(w, l);
}

/* Everybody gets in, though there are fewer instances than clients. */
TEST(C5_more_clients_than_instances)
{
    enum { CROWD = 60 };
    struct listener *l = named_serve(w, named_name(w));
    struct peer *p[CROWD];

    for (int i = 0; i < CROWD; i++) {
        p[i] = test_peer(w);
        assert_ok(dial(w, RONDO_CONNECT(.path = l->name), p[i]));
    }
    for (int i = 0; i < CROWD; i++) {
        dial_ends(w, p[i], RONDO_OK);
        assert_ok(rondo_transport_write(p[i]->transport, &i, sizeof i));
        rondo_transport_close(p[i]->transport);
    }
    test_run_until(w, l->count == CROWD);
    for (struct peer *s = l->first; s; s = s->next) {
        test_run_until(w, s->lost);
        assert_int_equal(s->bytes, sizeof(int));
        assert_int_equal(s->error, 0);
    }
    named_stop(w, l);
}
