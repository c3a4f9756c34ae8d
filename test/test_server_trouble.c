/* test_server_trouble.c - what must not stop a server from accepting. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "raw_net.h"

/* what the exception handler heard */
struct reports {
    unsigned count;
    int error;
    const rondo_server *server;
};

static void reported(rondo_loop *loop, void *arg, const rondo_exception *what)
{
    struct reports *r = arg;

    assert_non_null(loop);
    assert_non_null(what->message);
    assert_true(what->error < 0);
    r->count++;
    r->error = what->error;
    r->server = what->server;
}

static struct reports *listen_to_reports(struct world *w)
{
    struct reports *r = test_alloc(w, sizeof *r);

    assert_ok(rondo_loop_set_exception_handler(w->loop, reported, r));
    return r;
}

static void check_serves(struct world *w, struct listener *l)
{
    unsigned before = l->count;
    struct peer *c = test_connect(w, l->port);

    test_run_until(w, c->connected && l->count > before && l->last->made);
    assert_int_equal(c->connect_error, 0);
    assert_ok(rondo_transport_write(c->transport, "x", 1));
    test_run_until(w, l->last->bytes == 1);
    rondo_transport_close(c->transport);
    test_run_until(w, l->last->lost && c->lost);
}

/* ---- V2: clients that leave --------------------------------------------- */

TEST(V2_clients_that_reset_before_accept)
{
    struct listener *l = test_serve(w);
    struct reports *r = listen_to_reports(w);

    for (int i = 0; i < 50; i++) {
        raw_fd fd = raw_connect(l->port);

        assert_true(fd != RONDO_NO_FD);
        if (i % 2)
            raw_reset(fd);
        else
            raw_close(fd);
    }
    check_serves(w, l);
    for (struct peer *p = l->first; p; p = p->next)
        assert_int_equal(p->lost, p->made); /* whoever was made was lost */
    assert_int_equal(r->count, 0);          /* it is their own affair */
}

static void check_accept_fails(struct world *w, enum raw_accept_failure how,
                               unsigned times, int report)
{
    struct listener *l = test_serve(w);
    struct reports *r = listen_to_reports(w);
    struct peer *c;

    if (!raw_accept_fails(rondo_server_fd(l->server, 0), how, times))
        test_skip(w, "this system's accept cannot be replaced");
    c = test_connect(w, l->port);
    test_run_until(w, c->connected && l->count == 1 && l->first->made);
    assert_int_equal(raw_accept_failed(), times);
    assert_int_equal(r->count, report != 0);
    assert_int_equal(r->error, report);
    if (report)
        assert_ptr_equal(r->server, l->server);
    check_serves(w, l);
    assert_int_equal(r->count, report != 0);
    rondo_server_close(l->server);
    rondo_server_close_clients(l->server);
    test_run_until(w, l->closed);
}

TEST(V2_connection_aborted_is_nobodys_affair)
{
    check_accept_fails(w, RAW_ACCEPT_ABORTED, 1, 0);
    check_accept_fails(w, RAW_ACCEPT_ABORTED, 40, 0);
}

TEST_CASE(V2_an_interrupted_accept_is_tried_again,
          check_accept_fails(w, RAW_ACCEPT_INTERRUPTED, 3, 0));

TEST(V2_no_files_pauses_with_one_report)
{
    check_accept_fails(w, RAW_ACCEPT_NO_FILES, 3, RONDO_EMFILE);
    check_accept_fails(w, RAW_ACCEPT_NO_SYSTEM_FILES, 3, RONDO_ENFILE);
}

TEST(V2_no_memory_pauses_with_one_report)
{
    check_accept_fails(w, RAW_ACCEPT_NO_MEMORY, 3, RONDO_ENOMEM);
    check_accept_fails(w, RAW_ACCEPT_NO_BUFFERS, 3, RONDO_ENOBUFS);
}

/* ---- V2: really no descriptors ------------------------------------------ */

enum { WAITING = 8 };

struct shortage {
    raw_fd clients[WAITING], taken[512];
    size_t count;
    int64_t limit;
};

/* clients wait in the backlog, and no descriptor is left */
static void shortage_begin(struct world *w, struct shortage *s, uint16_t port)
{
    for (int i = 0; i < WAITING; i++) {
        s->clients[i] = raw_connect(port);
        assert_true(s->clients[i] != RONDO_NO_FD);
    }
    s->limit = raw_set_descriptor_limit(256);
    test_skip_if(w, s->limit < 0, "no limit of descriptors on this system");
    s->count = raw_exhaust(s->taken, 512);
    assert_true(s->count > 0 && s->count < 512);
}

static void shortage_end(struct shortage *s)
{
    while (s->count > 0)
        raw_close(s->taken[--s->count]);
    (void)raw_set_descriptor_limit(s->limit);
}

static void close_clients(struct shortage *s)
{
    for (int i = 0; i < WAITING; i++)
        raw_close(s->clients[i]);
}

TEST(V2_emfile_pauses_and_recovers)
{
    struct listener *l = test_serve(w);
    struct reports *r = listen_to_reports(w);
    static struct shortage s;

    for (unsigned episode = 1; episode <= 2; episode++) {
        uint64_t taken;

        shortage_begin(w, &s, l->port);
        taken = test_run_for(w, RONDO_MS(300));
        if (taken > 60) /* as many as a pause of 5 ms would take */
            test_fail(w, "%llu iterations in 300 ms",
                      (unsigned long long)taken);
        assert_int_equal(r->count, episode); /* one report each time */
        assert_int_equal(r->error, RONDO_EMFILE);
        assert_ptr_equal(r->server, l->server);
        assert_true(rondo_server_is_serving(l->server));
        shortage_end(&s);
        test_run_until(w, l->count >= episode * WAITING);
        close_clients(&s);
        test_run_until(w, test_metrics(w).live_transports == 0);
    }
    check_serves(w, l);
    assert_int_equal(r->count, 2);
}

TEST(V2_emfile_leaves_other_connections_alone)
{
    struct listener *l = test_serve(w);
    struct reports *r = listen_to_reports(w);
    struct peer *c = test_connect(w, l->port);
    static struct shortage s;

    test_run_until(w, c->connected && l->count == 1 && l->first->made);
    shortage_begin(w, &s, l->port);
    test_run_until(w, r->count == 1);
    assert_ok(rondo_transport_write(c->transport, "ping", 4));
    test_run_until(w, l->first->bytes == 4);
    assert_ok(rondo_transport_write(l->first->transport, "pong", 4));
    test_run_until(w, c->bytes == 4);
    shortage_end(&s);
    test_run_until(w, l->count == 1 + WAITING);
    close_clients(&s);
}

TEST(V2_closed_while_accepting_pauses)
{
    struct listener *l = test_serve(w);
    struct reports *r = listen_to_reports(w);
    static struct shortage s;

    shortage_begin(w, &s, l->port);
    test_run_until(w, r->count == 1);
    rondo_server_close(l->server);
    shortage_end(&s);
    test_run_until(w, l->closed);
    assert_int_equal(test_metrics(w).live_timers, 0);
    close_clients(&s);
    (void)test_run_for(w, RONDO_MS(5));
    assert_int_equal(l->closed, 1);
}

static void close_in_report(rondo_loop *loop, void *arg,
                            const rondo_exception *what)
{
    struct reports *r = arg;

    (void)loop;
    r->count++;
    rondo_server_close(what->server);
}

TEST(V2_closed_inside_the_report)
{
    struct listener *l = test_serve(w);
    struct reports *r = test_alloc(w, sizeof *r);
    static struct shortage s;

    assert_ok(rondo_loop_set_exception_handler(w->loop, close_in_report, r));
    shortage_begin(w, &s, l->port);
    test_run_until(w, r->count == 1 && l->closed);
    shortage_end(&s);
    close_clients(&s);
    test_spin(w, 5);
    assert_int_equal(l->closed, 1);
}

TEST(V2_paused_serving_during_a_shortage)
{
    struct listener *l = test_serve(w);
    struct reports *r = listen_to_reports(w);
    static struct shortage s;

    shortage_begin(w, &s, l->port);
    test_run_until(w, r->count == 1);
    assert_ok(rondo_server_pause_serving(l->server));
    shortage_end(&s);
    assert_true(test_run_for(w, RONDO_MS(300)) < 60);
    assert_int_equal(l->count, 0);
    assert_ok(rondo_server_start_serving(l->server));
    test_run_until(w, l->count == WAITING);
    close_clients(&s);
}

/* ---- V2: no memory ------------------------------------------------------ */

TEST(V2_out_of_memory_drops_the_client_and_goes_on)
{
    struct listener *l = test_serve(w);
    struct reports *r = listen_to_reports(w);
    raw_fd fd;
    char byte;
    ptrdiff_t n = RAW_AGAIN;

    check_serves(w, l); /* whatever is made once is made */
    fd = raw_connect(l->port);
    assert_true(fd != RONDO_NO_FD);
    test_fail_allocations_from(w, 1);
    test_run_until(w, test_failed_allocations(w) > 0);
    test_spin(w, 5);
    test_fail_allocation(w, 0);
    assert_true(r->count > 0);
    assert_int_equal(r->error, RONDO_ENOMEM);
    assert_ptr_equal(r->server, l->server);
    check_serves(w, l);
    if (l->count == 2) { /* it was dropped, not kept waiting */
        test_run_until(w, (n = raw_recv(fd, &byte, 1, 0)) != RAW_AGAIN);
        assert_true(n == 0 || n == RAW_RESET);
    }
    raw_close(fd);
}

/* ---- V2: over the backend's limit --------------------------------------- */

TEST(V2_over_the_backends_limit)
{
    int64_t limit = rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTOR_NUMBER);
    int64_t before = raw_descriptor_limit();
    static raw_fd taken[4096];
    struct listener *l = test_serve(w);
    struct reports *r = listen_to_reports(w);
    raw_fd client;
    char byte;
    size_t count;
    ptrdiff_t n = RAW_AGAIN;

    if (limit > 4000)
        test_skip(w, "this backend takes descriptors of any number");
    if (raw_raise_descriptor_limit(limit + 50) < 0 ||
        raw_descriptor_limit() < limit + 50)
        test_skip(w, "the process may not have descriptors of such a number");
    count = raw_exhaust(taken, (size_t)limit);
    client = raw_connect(l->port);
    assert_true(client >= (raw_fd)limit);
    /* no spinning, the client is told, and the program too */
    assert_true(test_run_for(w, RONDO_MS(100)) < 60);
    test_run_until(w, (n = raw_recv(client, &byte, 1, 0)) != RAW_AGAIN);
    assert_true(n == 0 || n == RAW_RESET);
    assert_int_equal(r->error, RONDO_EMFILE);
    assert_true(r->count >= 1);
    assert_int_equal(l->count, 0);
    while (count > 0)
        raw_close(taken[--count]);
    raw_close(client);
    (void)raw_set_descriptor_limit(before);
    check_serves(w, l);
}
