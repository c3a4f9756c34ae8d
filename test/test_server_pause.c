/* test_server_pause.c - servers that wait, have enough, or serve thousands. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_net.h"

/* ---- V3: pausing -------------------------------------------------------- */

TEST_LEAVES(V3_paused_nobody_is_accepted)
{
    struct listener *l = test_serve(w);
    struct peer *a, *b;

    assert_true(rondo_server_is_serving(l->server));
    a = test_client(w, l);
    assert_int_equal(rondo_server_pause_serving(l->server), 0);
    assert_int_equal(rondo_server_pause_serving(l->server), 0);
    assert_false(rondo_server_is_serving(l->server));
    b = test_connect(w, l->port); /* the kernel lets it into the backlog */
    test_run_until(w, b->connected);
    assert_true(test_run_for(w, RONDO_MS(20)) < 20); /* without spinning */
    assert_int_equal(l->count, 1);
    assert_ok(rondo_transport_write(a->transport, "x", 1));
    test_run_until(w, l->first->bytes == 1); /* who is in is served */
    assert_int_equal(rondo_server_start_serving(l->server), 0);
    assert_int_equal(rondo_server_start_serving(l->server), 0);
    assert_true(rondo_server_is_serving(l->server));
    test_run_until(w, l->count == 2);
}

TEST_LEAVES(V3_start_serving_off)
{
    struct listener *l =
        test_serve_with(w, &recorder, RONDO_SERVE(.start_serving = RONDO_OFF));
    struct peer *c = test_connect(w, l->port);

    assert_false(rondo_server_is_serving(l->server));
    assert_int_not_equal(l->port, 0);
    test_run_until(w, c->connected); /* it listens */
    (void)test_run_for(w, RONDO_MS(10));
    assert_int_equal(l->count, 0);
    assert_ok(rondo_server_start_serving(l->server));
    test_run_until(w, l->count == 1 && l->first->made);
}

static void pause_server(struct peer *p)
{
    const struct listener *l = p->user;

    assert_ok(rondo_server_pause_serving(l->server));
}

TEST_LEAVES(V3_paused_inside_connection_made)
{
    struct listener *l = test_serve(w);
    unsigned before = 0;

    l->model.on_made = pause_server;
    l->model.user = l;
    for (int i = 0; i < 20; i++)
        (void)test_own(w, raw_connect(l->port));
    while (l->count < 20) { /* a few were accepted before the pause */
        test_run_until(w, l->count > before && l->last->made);
        (void)test_run_for(w, RONDO_MS(2));
        before = l->count;
        assert_false(rondo_server_is_serving(l->server));
        (void)test_run_for(w, RONDO_MS(2));
        assert_int_equal(l->count, before);
        assert_ok(rondo_server_start_serving(l->server));
    }
}

TEST(V3_paused_and_closed)
{
    struct listener *l = test_serve(w);
    struct peer *c;

    assert_ok(rondo_server_pause_serving(l->server));
    c = test_connect(w, l->port);
    test_run_until(w, c->connected);
    rondo_server_close(l->server);
    test_run_until(w, l->closed && c->lost);
    assert_int_equal(l->count, 0);
}

TEST(V3_background_server_keeps_no_loop_running)
{
    struct listener *l = test_serve(w);

    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    rondo_server_set_background(l->server, true);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    rondo_server_set_background(l->server, false);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    rondo_server_set_background(l->server, true);
    rondo_server_close(l->server);
    test_run_until(w, l->closed); /* told nonetheless */
}

/* ---- V3: max_clients ---------------------------------------------------- */

static unsigned living(const struct listener *l)
{
    unsigned n = 0;

    for (const struct peer *p = l->first; p; p = p->next)
        n += p->made && !p->lost;
    return n;
}

TEST_LEAVES(V3_max_clients_pauses_accepting)
{
    struct listener *l =
        test_serve_with(w, &recorder, RONDO_SERVE(.max_clients = 3));
    raw_fd fds[10];

    for (int i = 0; i < 10; i++)
        fds[i] = raw_connect(l->port);
    for (int i = 0; i < 10; i++) {
        unsigned all = i < 7 ? (unsigned)i + 3 : 10;

        test_run_until(w, l->count == all && l->last->made);
        assert_true(test_run_for(w, RONDO_MS(5)) < 20);
        assert_int_equal(l->count, all);
        assert_true(living(l) <= 3);
        assert_true(rondo_server_is_serving(l->server));
        raw_close(fds[i]); /* makes room for one more */
    }
    test_run_until(w, living(l) == 0);
}

TEST(V3_max_clients_of_one_and_close)
{
    struct listener *l =
        test_serve_with(w, &recorder, RONDO_SERVE(.max_clients = 1));
    struct peer *a = test_client(w, l);
    struct peer *b = test_connect(w, l->port);

    test_run_until(w, b->connected);
    test_spin(w, 10);
    assert_int_equal(l->count, 1);
    rondo_server_close(l->server); /* who still waits is turned away */
    test_run_until(w, b->lost);
    rondo_transport_close(a->transport);
    test_run_until(w, l->closed && a->lost);
    assert_int_equal(l->count, 1);
}

static void abort_others(struct peer *p)
{
    const struct listener *l = p->user;

    rondo_server_abort_clients(l->server);
}

TEST_LEAVES(V3_max_clients_with_clients_aborted_at_once)
{
    struct listener *l =
        test_serve_with(w, &recorder, RONDO_SERVE(.max_clients = 2));

    l->model.on_made = abort_others;
    l->model.user = l;
    for (int i = 0; i < 20; i++)
        (void)test_own(w, raw_connect(l->port));
    test_run_until(w, l->count == 20 && l->last->lost);
    for (struct peer *p = l->first; p; p = p->next)
        assert_string_equal(p->order, "ML");
}

/* ---- V3: backlog -------------------------------------------------------- */

TEST_LEAVES(V3_backlog_of_one)
{
    struct listener *l =
        test_serve_with(w, &recorder, RONDO_SERVE(.backlog = 1));
    struct peer *c[8];

    for (int i = 0; i < 8; i++) { /* more at once than it may hold */
        c[i] = test_connect(w, l->port);
        if (i % 2)
            test_run_until(w, c[i]->connected && c[i - 1]->connected);
    }
    test_run_until(w, l->count == 8 && l->last->made);
    for (int i = 0; i < 8; i++)
        assert_int_equal(c[i]->connect_error, 0);
}

/* ---- V4: accepted sockets' options -------------------------------------- */

TEST_LEAVES(V4_no_delay_and_keep_alive_of_clients)
{
    static const struct {
        const char *name;
        rondo_switch no_delay, keep_alive;
        int no_delay_is, keep_alive_is;
    } rows[] = {{"default", RONDO_DEFAULT, RONDO_DEFAULT, 1, 0},
                {"keep alive", RONDO_OFF, RONDO_ON, 0, 1},
                {"no delay", RONDO_ON, RONDO_OFF, 1, 0}};

    for (EACH_ROW(w, row, rows)) {
        struct listener *l =
            test_serve_with(w, &recorder,
                            RONDO_SERVE(.no_delay = row->no_delay,
                                        .keep_alive = row->keep_alive));
        rondo_fd fd = rondo_transport_fd(test_client(w, l)->other->transport);

        assert_int_equal(raw_no_delay(fd), row->no_delay_is);
        assert_int_equal(raw_keep_alive(fd), row->keep_alive_is);
        assert_true(raw_fd_close_on_exec(fd));
        assert_true(raw_fd_close_on_exec(rondo_server_fd(l->server, 0)));
    }
}

/* ---- V2: thousands ------------------------------------------------------ */

enum { THOUSANDS = 5000, AT_ONCE = 100 };

static void ask_all(struct world *w, raw_fd *fds, int count)
{
    char byte;

    for (int i = 0; i < count; i++) {
        byte = (char)i;
        assert_int_equal(raw_send(fds[i], &byte, 1), 1);
    }
    for (int i = 0; i < count; i++) {
        ptrdiff_t n = RAW_AGAIN;

        test_run_until(w, (n = raw_recv(fds[i], &byte, 1, 0)) != RAW_AGAIN);
        assert_int_equal(n, 1);
        assert_true(byte == (char)i);
    }
}

TEST(V2_thousands_of_connections)
{
    struct listener *l = test_serve(w);
    int count = test_slowness() > 1 ? THOUSANDS / 5 : THOUSANDS;
    raw_fd *fds = test_alloc(w, (size_t)count * sizeof *fds);

    if (rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTOR_NUMBER) <
            2 * count + 100 ||
        rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTORS) < count + 100)
        test_skip(w, "the backend's limit of descriptors is too low");
    test_allow_descriptors(w, 2 * count + 200);
    l->model.on_data = act_echo;
    for (int i = 0; i < count; i++) {
        fds[i] = raw_connect(l->port);
        assert_true(fds[i] != RONDO_NO_FD);
        if (i % AT_ONCE == AT_ONCE - 1)
            test_run_until(w, l->count == (unsigned)i + 1);
    }
    assert_int_equal(test_metrics(w).live_transports, count);
    ask_all(w, fds, count);
    assert_true(test_run_for(w, RONDO_MS(20)) < 20); /* idle is idle */
    for (int i = 0; i < count; i++)
        raw_close(fds[i]);
    rondo_server_close(l->server);
    test_run_until(w, l->closed);
    for (struct peer *p = l->first; p; p = p->next)
        assert_string_equal(p->order, "MdEL");
}
