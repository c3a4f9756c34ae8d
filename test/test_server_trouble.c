/* test_server_trouble.c - what must not stop a server from accepting. */
/* SPDX-License-Identifier: MIT */
#include "harness_report.h"
#include "raw_net.h"

static void check_serves(struct world *w, struct listener *l)
{
    struct peer *c = test_client(w, l);

    assert_ok(rondo_transport_write(c->transport, "x", 1));
    test_run_until(w, c->other->bytes == 1);
    rondo_transport_close(c->transport);
    test_run_until(w, c->other->lost && c->lost);
}

/* The one server has been reported, with that error, so often. */
static void check_reports(const struct report *r, unsigned count, int error,
                          const struct listener *l)
{
    assert_int_equal(r->count, count);
    assert_int_equal(r->error, error);
    if (count)
        assert_ptr_equal(r->about, l->server);
}

/* ---- V2: clients that leave --------------------------------------------- */

TEST_LEAVES(V2_clients_that_reset_before_accept)
{
    struct listener *l = test_serve(w);
    struct report *r = report_new(w);

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

/* A pause comes with one report; the others are nobody's affair. */
TEST_LEAVES(V2_an_accept_that_fails_is_tried_again)
{
    static const struct {
        const char *name;
        enum raw_accept_failure how;
        unsigned times;
        int report;
    } rows[] = {
        {"connection aborted", RAW_ACCEPT_ABORTED, 1, 0},
        {"aborted 40 times", RAW_ACCEPT_ABORTED, 40, 0},
        {"interrupted", RAW_ACCEPT_INTERRUPTED, 3, 0},
        {"no files", RAW_ACCEPT_NO_FILES, 3, RONDO_EMFILE},
        {"no files in the system", RAW_ACCEPT_NO_SYSTEM_FILES, 3, RONDO_ENFILE},
        {"no memory", RAW_ACCEPT_NO_MEMORY, 3, RONDO_ENOMEM},
        {"no buffers", RAW_ACCEPT_NO_BUFFERS, 3, RONDO_ENOBUFS}};
    unsigned failed = 0;

    for (EACH_ROW(w, row, rows)) {
        struct listener *l = test_serve(w);
        struct report *r = report_new(w);

        if (!raw_accept_fails(rondo_server_fd(l->server, 0), row->how,
                              row->times)) {
            print_message("no accept fails here: %s\n", row->name);
            continue;
        }
        failed++;
        (void)test_client(w, l);
        assert_int_equal(raw_accept_failed(), row->times);
        check_reports(r, row->report != 0, row->report, l);
        check_serves(w, l);
        assert_int_equal(r->count, row->report != 0);
        rondo_server_close(l->server);
        rondo_server_close_clients(l->server);
        test_run_until(w, l->closed);
    }
    test_skip_if(w, failed == 0, "this system's accept cannot be replaced");
}

/* ---- V2: really no descriptors ------------------------------------------ */

enum { WAITING = 8 };

/* clients wait in the backlog, and no descriptor is left */
static raw_fd waiting[WAITING];

static void shortage_begin(struct world *w, uint16_t port)
{
    for (int i = 0; i < WAITING; i++) {
        waiting[i] = raw_connect(port);
        assert_true(waiting[i] != RONDO_NO_FD);
    }
    test_exhaust_descriptors(w, 0);
}

static void close_clients(void)
{
    for (int i = 0; i < WAITING; i++)
        raw_close(waiting[i]);
}

TEST_LEAVES(V2_emfile_pauses_and_recovers)
{
    struct listener *l = test_serve(w);
    struct report *r = report_new(w);

    for (unsigned episode = 1; episode <= 2; episode++) {
        uint64_t taken;

        shortage_begin(w, l->port);
        taken = test_run_for(w, RONDO_MS(300));
        if (taken > 60) /* as many as a pause of 5 ms would take */
            test_fail(w, "%llu iterations in 300 ms",
                      (unsigned long long)taken);
        check_reports(r, episode, RONDO_EMFILE, l); /* one each time */
        assert_true(rondo_server_is_serving(l->server));
        test_free_descriptors(w);
        test_run_until(w, l->count >= episode * WAITING);
        close_clients();
        test_run_until(w, test_metrics(w).live_transports == 0);
    }
    check_serves(w, l);
    assert_int_equal(r->count, 2);
}

/* Other connections are left alone, and it may be paused meanwhile. */
TEST_LEAVES(V2_paused_serving_during_a_shortage)
{
    struct listener *l = test_serve(w);
    struct report *r = report_new(w);
    struct peer *c = test_client(w, l);

    shortage_begin(w, l->port);
    test_run_until(w, r->count == 1);
    assert_ok(rondo_transport_write(c->transport, "ping", 4));
    test_run_until(w, c->other->bytes == 4);
    assert_ok(rondo_transport_write(c->other->transport, "pong", 4));
    test_run_until(w, c->bytes == 4);
    assert_ok(rondo_server_pause_serving(l->server));
    test_free_descriptors(w);
    assert_true(test_run_for(w, RONDO_MS(300)) < 60);
    assert_int_equal(l->count, 1);
    assert_ok(rondo_server_start_serving(l->server));
    test_run_until(w, l->count == 1 + WAITING);
    close_clients();
}

static void close_in_report(rondo_loop *loop, void *arg,
                            const rondo_exception *what)
{
    (void)loop;
    ++*(unsigned *)arg;
    rondo_server_close(what->server);
}

TEST(V2_closed_while_accepting_pauses)
{
    for (int inside = 0; inside < 2; inside++) { /* the report */
        struct listener *l = test_serve(w);
        unsigned *reports = &report_new(w)->count;

        if (inside)
            assert_ok(rondo_loop_set_exception_handler(w->loop, close_in_report,
                                                       reports));
        shortage_begin(w, l->port);
        test_run_until(w, *reports == 1);
        if (!inside)
            rondo_server_close(l->server);
        test_free_descriptors(w);
        test_run_until(w, l->closed);
        assert_int_equal(test_metrics(w).live_timers, 0);
        close_clients();
        (void)test_run_for(w, RONDO_MS(5));
        assert_int_equal(l->closed, 1);
    }
}

/* ---- V2: no memory ------------------------------------------------------ */

TEST_LEAVES(V2_out_of_memory_drops_the_client_and_goes_on)
{
    struct listener *l = test_serve(w);
    struct report *r = report_new(w);
    raw_fd fd;

    check_serves(w, l);                 /* whatever is made once is made */
    struct peer *c = test_client(w, l); /* with what the last two left */
    test_run_until(w, c->other);
    fd = test_own(w, raw_connect(l->port));
    test_fail_allocations_from(w, 1);
    test_run_until(w, test_failed_allocations(w) > 0);
    test_spin(w, 5);
    test_fail_allocation(w, 0);
    assert_true(r->count > 0);
    check_reports(r, r->count, RONDO_ENOMEM, l);
    check_serves(w, l);
    if (l->count == 3) /* it was dropped, not kept waiting */
        test_ends_raw(w, fd);
}

/* ---- V2: over the backend's limit --------------------------------------- */

TEST_LEAVES(V2_over_the_backends_limit)
{
    static raw_fd taken[4096];
    raw_fd limit = (raw_fd)test_number_limit(w), client;
    struct listener *l = test_serve(w);
    struct report *r = report_new(w);
    size_t count = raw_exhaust(taken, (size_t)limit);

    client = test_own(w, raw_connect(l->port));
    assert_true(client >= limit);
    /* no spinning, the client is told, and the program too */
    assert_true(test_run_for(w, RONDO_MS(100)) < 60);
    test_ends_raw(w, client);
    assert_true(r->count >= 1);
    check_reports(r, r->count, RONDO_EMFILE, l);
    assert_int_equal(l->count, 0);
    while (count > 0)
        raw_close(taken[--count]);
    check_serves(w, l);
}
