/* test_named_server.c - servers by the name of a pipe. */
/* SPDX-License-Identifier: MIT */
#include "harness_named.h"

static int serve_on(rondo_loop *loop, struct world *w, const char *name)
{
    return rondo_create_server(loop, RONDO_SERVE(.path = name), &recorder,
                               test_peer(w), NULL);
}

/* ---- V5: the name ------------------------------------------------------- */

TEST_LEAVES(V5_a_second_server_is_refused)
{
    struct listener *l = named_serve(w, named_name(w));
    char *upper = test_alloc(w, 64);
    rondo_loop *other = test_other_loop(w);

    assert_error(serve_on(w->loop, w, l->name), RONDO_EADDRINUSE);
    assert_true(strstr(rondo_last_error(), "create_server: ") != NULL);
    assert_true(strstr(rondo_last_error(), l->name) != NULL);
    assert_int_not_equal(rondo_last_os_error(), 0);
    for (size_t i = 0; l->name[i]; i++)
        upper[i] = (char)(l->name[i] >= 'a' && l->name[i] <= 'z'
                              ? l->name[i] - 'a' + 'A'
                              : l->name[i]);
    assert_error(serve_on(w->loop, w, upper), RONDO_EADDRINUSE);
    assert_error(serve_on(other, w, l->name), RONDO_EADDRINUSE);
    assert_int_equal(test_metrics(w).live_servers, 1);
    /* the first one has noticed nothing */
    for (unsigned i = 1; i <= 6; i++) {
        (void)named_connect(w, l->name);
        test_run_until(w, l->count == i);
    }
    assert_error(serve_on(w->loop, w, l->name), RONDO_EADDRINUSE);
}

TEST_LEAVES(V5_somebody_elses_pipe_is_refused)
{
    const char *name = named_name(w);
    raw_fd instance = raw_named_serve(name, 8), client;

    assert_error(serve_on(w->loop, w, name), RONDO_EADDRINUSE);
    client = raw_named_dial(name);
    assert_true(client != RONDO_NO_FD);
    assert_error(serve_on(w->loop, w, name), RONDO_EADDRINUSE);
    raw_close(client);
    raw_close(instance);
    assert_ok(serve_on(w->loop, w, name));
}

TEST(V5_again_after_a_close)
{
    const char *name = named_name(w);

    for (int i = 0; i < 5; i++) {
        struct listener *l = named_serve(w, name);

        if (i % 2) {
            struct peer *p = named_connect(w, name);

            rondo_transport_close(p->transport);
            test_run_until(w, p->lost);
            test_run_until(w, l->count && l->first->lost);
        }
        test_stop(l);
    }
}

/* The name is there as long as an instance is. */
TEST_LEAVES(V5_the_name_stays_with_the_last_client)
{
    struct named_pair p = named_pair(w);
    const char *name = p.l->name;

    rondo_server_close(p.l->server);
    (void)dial_to(w, RONDO_CONNECT(.path = name, .timeout_ns = RONDO_MS(50)),
                  RONDO_ETIMEDOUT);
    assert_error(serve_on(w->loop, w, name), RONDO_EADDRINUSE);
    assert_int_equal(p.l->closed, 0);
    assert_ok(rondo_transport_write(p.c->transport, "still", 5));
    assert_hears(w, p.s, "still");
    rondo_transport_close(p.c->transport);
    test_run_until(w, p.l->closed);
    (void)dial_to(w, RONDO_CONNECT(.path = name), RONDO_ENOENT);
    assert_ok(serve_on(w->loop, w, name));
}

/* ---- V5: clients that leave --------------------------------------------- */

TEST_LEAVES(V5_a_client_that_leaves_at_once)
{
    struct listener *l = named_serve(w, named_name(w));

    for (unsigned i = 1; i <= 10; i++) {
        raw_fd fd = named_dial(w, l);

        if (i % 2)
            assert_int_equal(raw_named_send(fd, "here", 4), 4);
        test_close_own(w, fd);
        test_run_until(w, l->count == i);
        assert_lost(w, l->last, i % 2 ? "MdEL" : "MEL", 0);
    }
    (void)named_connect(w, l->name);
    test_run_until(w, l->count == 11);
}

/* Before the server waits for anybody at all. */
TEST(V5_a_client_that_came_before_serving)
{
    struct listener *l = test_serve_with(
        w, &recorder,
        RONDO_SERVE(.path = named_name(w), .start_serving = RONDO_OFF));
    raw_fd fd = named_dial(w, l);

    assert_int_equal(raw_named_send(fd, "early", 5), 5);
    test_close_own(w, fd);
    test_spin(w, 5);
    assert_int_equal(l->count, 0);
    assert_ok(rondo_server_start_serving(l->server));
    test_run_until(w, l->count == 1 && l->first->lost);
    assert_int_equal(l->first->bytes, 5);
    (void)named_connect(w, l->name);
    test_stop(l);
}

TEST(V5_a_hundred_in_a_row)
{
    struct listener *l = named_serve(w, named_name(w));
    size_t before = 0;

    for (unsigned i = 0; i < 100; i++) {
        struct peer *p = named_connect(w, l->name);

        test_run_until(w, l->count == i + 1 && l->last->made);
        if (i % 3 == 0)
            rondo_transport_close(p->transport);
        else if (i % 3 == 1)
            rondo_transport_abort(l->last->transport);
        else
            rondo_transport_close(l->last->transport);
        test_run_until(w, p->lost && l->last->lost);
        if (i == 10)
            before = raw_count_descriptors();
    }
    assert_int_equal(raw_count_descriptors(), before);
    test_stop(l);
}

/* ---- V3 ----------------------------------------------------------------- */

static struct listener *serve_at_most(struct world *w, unsigned clients)
{
    return test_serve_with(
        w, &recorder,
        RONDO_SERVE(.path = named_name(w), .max_clients = clients));
}

/* Each client says which one it is. */
static void note_number(struct peer *p, const void *data, size_t size)
{
    assert_int_equal(size, 1);
    *(unsigned char *)p->user = *(const unsigned char *)data;
}

TEST(V3_a_full_pipe_holds_clients_in_order)
{
    enum { COUNT = 4 };
    unsigned char *number = test_alloc(w, 1);
    struct listener *l = serve_at_most(w, 1);
    raw_fd fd[COUNT];

    l->model.on_data = note_number;
    l->model.user = number;
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned char byte = (unsigned char)i;

        fd[i] = named_dial(w, l);
        assert_int_equal(raw_named_send(fd[i], &byte, 1), 1);
        test_run_until(w, l->count >= 1);
        test_spin(w, 5);
        assert_int_equal(l->count, 1);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        test_run_until(w, l->count == i + 1 && l->last->bytes == 1);
        assert_int_equal(*number, i);
        test_spin(w, 5);
        assert_int_equal(l->count, i + 1);
        test_close_own(w, fd[i]);
        test_run_until(w, l->last->lost);
    }
    test_stop(l);
}

TEST_LEAVES(V3_a_crowd_through_a_pipe_for_three)
{
    enum { CROWD = 30 };
    struct listener *l = serve_at_most(w, 3);
    struct peer *p[CROWD];
    unsigned most = 0, open, done = 0;

    for (int i = 0; i < CROWD; i++)
        p[i] = dial_new(w, RONDO_CONNECT(.path = l->name));
    while (done < CROWD) {
        test_run_until(w, l->count > done);
        open = 0;
        for (struct peer *s = l->first; s; s = s->next)
            open += s->made && !s->lost;
        most = open > most ? open : most;
        for (struct peer *s = l->first; s; s = s->next)
            if (s->made && !s->lost)
                rondo_transport_close(s->transport);
        done = l->count;
    }
    for (int i = 0; i < CROWD; i++)
        test_run_until(w, p[i]->lost);
    assert_true(most >= 1 && most <= 3);
    assert_int_equal(l->count, CROWD);
}

TEST_LEAVES(V3_paused_serving)
{
    struct listener *l = named_serve(w, named_name(w));
    struct peer *p[2];

    assert_ok(rondo_server_pause_serving(l->server));
    p[0] = named_connect(w, l->name);
    test_spin(w, 10);
    assert_int_equal(l->count, 0);
    assert_ok(rondo_server_start_serving(l->server));
    test_run_until(w, l->count == 1 && l->first->made);
    p[1] = named_connect(w, l->name);
    test_run_until(w, l->count == 2);
    assert_int_equal(p[0]->lost + p[1]->lost, 0);
}

TEST(V3_closed_with_clients_waiting)
{
    struct listener *l = serve_at_most(w, 1);
    struct peer *p[4];

    for (int i = 0; i < 4; i++)
        p[i] = named_connect(w, l->name);
    test_run_until(w, l->count == 1 && l->first->made);
    test_spin(w, 5);
    rondo_server_close(l->server);
    rondo_server_close(l->server);
    for (int i = 1; i < 4; i++) {
        assert_lost(w, p[i], "MEL", 0);
    }
    assert_int_equal(l->closed, 0);
    assert_int_equal(p[0]->lost, 0);
    rondo_transport_close(p[0]->transport);
    test_run_until(w, l->closed);
    assert_int_equal(l->count, 1);
    (void)dial_to(w, RONDO_CONNECT(.path = l->name), RONDO_ENOENT);
}

TEST(V3_closed_with_one_coming)
{
    for (int spins = 0; spins < 4; spins++) {
        struct listener *l = named_serve(w, named_name(w));

        test_spin(w, 2);
        (void)named_dial(w, l);
        test_spin(w, spins);
        rondo_server_close(l->server);
        if (l->count)
            rondo_transport_close(l->first->transport);
        test_run_until(w, l->closed);
    }
}

TEST(V3_close_clients_and_abort_clients)
{
    struct listener *l = named_serve(w, named_name(w));
    struct peer *p[4];

    for (int i = 0; i < 4; i++)
        p[i] = named_connect(w, l->name);
    test_run_until(w, l->count == 4 && l->last->made);
    rondo_server_close_clients(l->server);
    for (int i = 0; i < 4; i++) {
        assert_lost(w, p[i], "MEL", 0);
        p[i] = named_connect(w, l->name);
    }
    test_run_until(w, l->count == 8 && l->last->made);
    rondo_server_close(l->server);
    rondo_server_abort_clients(l->server);
    for (int i = 0; i < 4; i++) {
        assert_lost(w, p[i], "ML", RONDO_ECONNRESET);
    }
    test_run_until(w, l->closed);
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
    test_stop(l);
}
