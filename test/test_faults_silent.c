/* test_faults_silent.c - failures that nobody but the exception handler hears. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_filter.h"
#include "harness_local.h"
#include "harness_report.h"

enum { CROWD = 200 };

/* ---- a connect without done --------------------------------------------- */

TEST(L11_a_connect_that_fails_without_done)
{
    struct report *r = report_new(w);
    const uint16_t port = dial_dead_port();

    assert_ok(rondo_create_connection(
        w->loop, RONDO_CONNECT(.host = "127.0.0.1", .port = port), &recorder,
        test_peer(w), NULL, NULL));
    test_run_loop(w);
    assert_int_equal(r->count, 1);
    assert_int_equal(r->error, RONDO_ECONNREFUSED);
    assert_true(
        report_has(r, "create_connection: cannot connect to 127.0.0.1"));
}

TEST(L11_a_cancelled_connect_is_no_news)
{
    struct report *r = report_new(w);
    rondo_id id = rondo_create_connection(
        w->loop, RONDO_CONNECT(.host = "127.0.0.1", .port = dial_dead_port()),
        &recorder, test_peer(w), NULL, NULL);

    assert_ok(rondo_cancel(w->loop, id));
    test_run_loop(w);
    assert_int_equal(r->count, 0);
}

TEST(L11_a_connect_with_done_is_told_there)
{
    struct report *r = report_new(w);
    struct peer *p = test_connect(w, dial_dead_port());

    test_run_until(w, p->connected == 1);
    assert_int_equal(p->connect_error, RONDO_ECONNREFUSED);
    assert_int_equal(r->count, 0);
}

/* ---- a job without done ------------------------------------------------- */

static int64_t work_fails(rondo_job *job, void *arg)
{
    (void)job;
    return *(const int *)arg;
}

static void try_job(struct world *w, int result, unsigned reports)
{
    struct report *r = report_new(w);
    int *answer = test_alloc(w, sizeof *answer);

    *answer = result;
    assert_ok(rondo_run_in_executor(w->loop, NULL, work_fails, NULL, answer));
    test_run_loop(w);
    assert_int_equal(r->count, reports);
    if (reports)
        assert_int_equal(r->error, result);
}

TEST_CASE(L11_a_job_that_fails_without_done, try_job(w, RONDO_EPROTO, 1));

TEST_CASE(L11_a_job_that_succeeds_without_done, try_job(w, 7, 0));

TEST(L11_a_cancelled_job_without_done_is_no_news)
{
    struct report *r = report_new(w);
    int *answer = test_alloc(w, sizeof *answer);
    rondo_id id;

    *answer = RONDO_EPROTO;
    id = rondo_run_in_executor(w->loop, NULL, work_fails, NULL, answer);
    assert_ok(rondo_cancel(w->loop, id));
    test_run_loop(w);
    assert_int_equal(r->count, 0);
}

/* ---- a server's clients ------------------------------------------------- */

struct clients {
    unsigned connected, refused;
    int error; /* the factory's */
    rondo_reader *reader;
};

static void on_client(rondo_reader *reader, void *arg)
{
    struct clients *c = arg;

    c->connected++;
    rondo_reader_free(reader);
}

/* Whichever allocation fails: a client that is not served is reported. */
TEST(G8_no_memory_for_a_clients_reader)
{
    struct report *r = report_new(w);
    struct clients *c = test_alloc(w, sizeof *c);
    rondo_server *server;
    rondo_address a;
    bool failed = true;

    assert_ok(rondo_start_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"), 0,
                                 on_client, c, &server));
    assert_ok(rondo_server_address(server, 0, &a));
    for (unsigned n = 1; failed; n++) {
        unsigned connected = c->connected, reports = r->count;
        raw_fd client;

        test_fail_allocation(w, n);
        client = raw_connect(rondo_address_port(&a));
        assert_true(client != RONDO_NO_FD);
        test_run_until(w, c->connected > connected || r->count > reports);
        failed = test_failed_allocations(w) > 0;
        test_fail_allocation(w, 0);
        if (c->connected == connected)
            assert_int_equal(r->error, RONDO_ENOMEM);
        raw_close(client);
        /* the server takes clients again */
        connected = c->connected;
        client = raw_connect(rondo_address_port(&a));
        test_run_until(w, c->connected > connected);
        raw_close(client);
        test_spin(w, 3);
    }
    assert_true(r->count > 0);
    rondo_server_close(server);
    test_run_loop(w);
}

static int refuse_client(rondo_server *server, void *arg, rondo_transport *t,
                         const rondo_protocol **protocol, void **self)
{
    struct clients *c = arg;

    (void)server;
    (void)t;
    (void)protocol;
    (void)self;
    c->refused++;
    return c->error;
}

/* A refusal is the program's own decision; no room is the system's. */
static void try_factory(struct world *w, int error, unsigned reports)
{
    struct report *r = report_new(w);
    struct clients *c = test_alloc(w, sizeof *c);
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;
    rondo_server *server;
    rondo_address a;
    raw_fd client;

    c->error = error;
    o.host = "127.0.0.1";
    o.protocol_factory = refuse_client;
    assert_ok(rondo_create_server(w->loop, &o, NULL, c, &server));
    assert_ok(rondo_server_address(server, 0, &a));
    client = raw_connect(rondo_address_port(&a));
    test_run_until(w, c->refused == 1);
    test_spin(w, 2);
    assert_int_equal(r->count, reports);
    if (reports)
        assert_int_equal(r->error, error);
    raw_close(client);
    rondo_server_close(server);
    test_run_loop(w);
}

TEST_CASE(V4_a_factory_that_refuses_is_no_news,
          try_factory(w, RONDO_EACCES, 0));

TEST_CASE(V2_a_factory_without_memory_is_reported,
          try_factory(w, RONDO_ENOMEM, 1));

TEST_CASE(V2_a_factory_without_descriptors_is_reported,
          try_factory(w, RONDO_EMFILE, 1));

static int fail_setup(rondo_transport *t, void *arg)
{
    struct clients *c = arg;

    (void)t;
    c->refused++;
    if (c->error == RONDO_EPROTO)
        (void)rondo_set_error(c->error, "no certificate");
    return c->error;
}

/* A setup is often a function of TLS's: the program hears of it nowhere else. */
static struct report *try_setup(struct world *w, int error, unsigned clients)
{
    struct report *r = report_new(w);
    struct clients *c = test_alloc(w, sizeof *c);
    struct listener *l = test_serve_with(
        w, &recorder, RONDO_SERVE(.setup = fail_setup, .setup_arg = c));

    c->error = error;
    for (unsigned i = 0; i < clients; i++) {
        raw_fd client = raw_connect(l->port);

        test_run_until(w, c->refused > i);
        raw_close(client);
    }
    test_close_server(w, l->server);
    return r;
}

TEST(L11_a_setup_that_fails_is_reported)
{
    struct report *r = try_setup(w, RONDO_EPROTO, 1);

    assert_int_equal(r->count, 1);
    assert_int_equal(r->error, RONDO_EPROTO);
    assert_true(report_has(r, "setup"));
    assert_true(report_has(r, "no certificate (EPROTO)"));
}

TEST(L11_setups_that_fail_are_counted)
{
    const struct report *r = try_setup(w, RONDO_EPROTO, CROWD);

    assert_in_range(r->count, 1, CROWD / 2);
}

TEST(L11_a_setup_that_refuses_is_no_news)
{
    assert_int_equal(try_setup(w, RONDO_ECANCELED, 1)->count, 0);
    assert_int_equal(try_setup(w, 1, 1)->count, 0);
}

/* ---- noise -------------------------------------------------------------- */

/* How many failures a message tells of. */
static unsigned told_by(const char *message)
{
    const char *more = strstr(message, "(and ");

    return 1 + (more ? (unsigned)strtoul(more + 5, NULL, 10) : 0);
}

TEST(L11_clients_that_leave_in_the_handshake_are_counted)
{
    struct report *r = report_new(w);
    struct toy *model = test_toy(w, 7);
    struct listener *l = toy_serve(w, model);
    int64_t start = raw_now_ns();
    unsigned told = 0, most;

    for (int i = 0; i < CROWD; i++) {
        raw_fd client = raw_connect(l->port);

        assert_true(client != RONDO_NO_FD);
        test_spin(w, 1);
        raw_close(client);
        test_spin(w, 2);
    }
    test_close_server(w, l->server);
    /* ten in ten seconds, and the rest at the end */
    most = 11 + 10 * (unsigned)((raw_now_ns() - start) / RONDO_SEC(10));
    assert_true(r->count >= 1);
    assert_true(r->count <= most);
    for (unsigned i = 0; i < r->count; i++) {
        assert_non_null(strstr(r->messages[i], "handshake"));
        told += told_by(r->messages[i]);
    }
    assert_int_equal(told, CROWD);
}

/* ---- what a peer chooses is printed on one line ------------------------- */

static void check_line(void *arg, const char *line, size_t size)
{
    ++*(unsigned *)arg;
    for (size_t i = 0; i < size; i++)
        assert_true((unsigned char)line[i] >= ' ');
}

TEST(L11_a_name_with_newlines_stays_on_its_line)
{
    unsigned *lines = test_counter(w);
    rondo_server *server = NULL;
    const char *name = "@rondo\ntest\r\033[2J";

    (void)local_path(w, "none"); /* or skips */
    test_skip_if(w, !local_has_abstract_names(), "no abstract names");
    assert_ok(rondo_create_server(w->loop, RONDO_SERVE(.path = name), &recorder,
                                  test_peer(w), &server));
    assert_error(rondo_create_server(w->loop, RONDO_SERVE(.path = name),
                                     &recorder, test_peer(w), NULL),
                 RONDO_EADDRINUSE);
    check_line(lines, rondo_last_error(), strlen(rondo_last_error()));
    assert_non_null(strstr(rondo_last_error(), "@rondo\\x0atest\\x0d\\x1b[2J"));
    assert_int_equal(rondo_loop_dump(w->loop, check_line, lines), 1);
    assert_int_equal(*lines, 2);
    test_close_server(w, server);
}

/* U+009B begins a command of a terminal as "\x1b[" does; what is no UTF-8 may be
 * such a byte in a terminal of eight bits. */
TEST(L11_no_byte_of_a_sentence_moves_the_cursor)
{
    const struct {
        const char *given, *told;
    } rows[] = {
        {"a\xc2\x9b"
         "2J",
         "a\\xc2\\x9b2J"},
        {"b\x9b"
         "2J",
         "b\\x9b2J"},
        {"\xe9t\xe9", "\\xe9t\\xe9"},
        {"\xc0\x8a", "\\xc0\\x8a"}, /* a newline, too long */
        {"cut \xf0\x9f\x98", "cut \\xf0\\x9f\\x98"},
        {"\xc3\xa9t\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
         "\xc3\xa9t\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xc2\xa0", "\xc2\xa0"},
        {"\xe0\xa4\x85 \xdf\xbf \xef\xbf\xbd \xf0\x90\x80\x80",
         "\xe0\xa4\x85 \xdf\xbf \xef\xbf\xbd \xf0\x90\x80\x80"},
    };

    (void)w;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)rondo_set_error(RONDO_EPROTO, "%s", rows[i].given);
        assert_string_equal(rondo_last_error(), rows[i].told);
    }
}
