/* test_pq.c - libpq on a loop, against a PostgreSQL server. */
/* SPDX-License-Identifier: MIT */
#include "../../test/server.h"
#include "harness.h"
#include "rondo_pq.h"

static bool started;

static bool start(void)
{
    started = server_start_postgres(RONDO_TEST_POSTGRES);
    return true;
}

TEST_AROUND(start, server_stop);

struct client {
    struct world *w;
    rondo_pq *pq;
    unsigned connected, lost, notified;
    int error, lost_error;
    char note[64];
    /* of the query that is under way */
    unsigned results, rows, ended;
    int query_error;
    ExecStatusType status;
    char value[64];
    void (*act)(struct client *c);
};

static void on_connected(rondo_loop *loop, void *arg, int error)
{
    struct client *c = arg;

    assert_ptr_equal(loop, c->w->loop);
    c->connected++;
    c->error = error;
    if (c->act)
        c->act(c);
}

static void on_notified(rondo_loop *loop, void *arg, const PGnotify *notify)
{
    struct client *c = arg;

    (void)loop;
    c->notified++;
    (void)snprintf(c->note, sizeof c->note, "%s: %s", notify->relname,
                   notify->extra);
}

static void on_lost(rondo_loop *loop, void *arg, int error)
{
    struct client *c = arg;

    (void)loop;
    c->lost++;
    c->lost_error = error;
}

static struct client *client_to(struct world *w, const char *folder,
                                const char *user)
{
    struct client *c = test_alloc(w, sizeof *c);
    const char *text =
        test_format(w, "host=%s user=%s dbname=postgres client_encoding=UTF8",
                    folder, user);
    rondo_pq_protocol protocol = {.size = sizeof protocol,
                                  .connected = on_connected,
                                  .notified = on_notified,
                                  .lost = on_lost,
                                  .arg = c};

    test_skip_if(w, !started, "PostgreSQL does not start here");
    c->w = w;
    c->error = 1;
    w->allow_descriptors = true; /* libpq's libraries keep some of their own */
    assert_ok(rondo_pq_connect(w->loop, text, &protocol, &c->pq));
    return c;
}

static struct client *client_new(struct world *w)
{
    struct client *c = client_to(w, server_folder(), "rondo");

    assert_error(rondo_pq_await(c->pq, NULL, c), RONDO_EINVAL);
    test_run_until(w, c->connected);
    assert_int_equal(c->error, 0);
    return c;
}

static void client_end(struct client *c)
{
    rondo_pq_free(c->pq);
    assert_int_equal(rondo_loop_run(c->w->loop), 0);
}

static void on_result(rondo_loop *loop, void *arg, const PGresult *result,
                      int error)
{
    struct client *c = arg;

    (void)loop;
    if (!result) {
        c->ended++;
        c->query_error = error;
    } else {
        c->results++;
        c->status = PQresultStatus(result);
        c->rows += (unsigned)PQntuples(result);
        if (PQntuples(result) > 0)
            (void)snprintf(c->value, sizeof c->value, "%s",
                           PQgetvalue(result, 0, 0));
    }
    if (c->act)
        c->act(c);
}

static void ask(struct client *c, const char *sql)
{
    c->results = c->rows = c->ended = 0;
    assert_int_equal(PQsendQuery(rondo_pq_connection(c->pq), sql), 1);
    assert_ok(rondo_pq_await(c->pq, on_result, c));
}

static void learn(struct client *c, const char *sql)
{
    ask(c, sql);
    test_run_until(c->w, c->ended);
    assert_int_equal(c->query_error, 0);
}

TEST(A6_queries_and_rows)
{
    struct client *c = client_new(w);

    learn(c, "SELECT 'forty-' || 2");
    assert_string_equal(c->value, "forty-2");
    assert_int_equal(c->results, 1);
    learn(c, "SELECT generate_series(1, 50000)");
    assert_int_equal(c->rows, 50000);
    client_end(c);
}

TEST(A6_each_statement_has_a_result)
{
    struct client *c = client_new(w);

    learn(c, "SELECT 1; SELECT 2; SELECT 3");
    assert_int_equal(c->results, 3);
    assert_string_equal(c->value, "3");
    client_end(c);
}

TEST(A6_an_error_of_sql_is_a_result)
{
    struct client *c = client_new(w);

    learn(c, "SELECT nonsense");
    assert_int_equal(c->status, PGRES_FATAL_ERROR);
    learn(c, "SELECT 1");
    assert_int_equal(c->status, PGRES_TUPLES_OK);
    client_end(c);
}

/* More than a socket takes at once. */
TEST(A6_a_large_parameter)
{
    enum { SIZE = 8000000 };
    struct client *c = client_new(w);
    char *text = test_alloc(w, SIZE + 1);
    const char *values[1] = {text};

    memset(text, 'x', SIZE);
    assert_int_equal(PQsendQueryParams(rondo_pq_connection(c->pq),
                                       "SELECT length($1::text)", 1, NULL,
                                       values, NULL, NULL, 0),
                     1);
    assert_ok(rondo_pq_await(c->pq, on_result, c));
    test_run_until(w, c->ended);
    assert_string_equal(c->value, "8000000");
    client_end(c);
}

TEST(A6_one_query_at_a_time)
{
    struct client *c = client_new(w);

    ask(c, "SELECT 1");
    assert_error(rondo_pq_await(c->pq, on_result, c), RONDO_EBUSY);
    test_run_until(w, c->ended);
    client_end(c);
}

static void ask_next(struct client *c)
{
    if (c->ended && c->notified < 20) {
        c->notified++;
        ask(c, "SELECT 1");
    }
}

TEST(A6_the_next_is_sent_in_the_end_of_the_last)
{
    struct client *c = client_new(w);

    ask(c, "SELECT 0");
    c->act = ask_next;
    test_run_until(w, c->notified == 20 && c->ended);
    client_end(c);
}

TEST(A6_notifications)
{
    struct client *c = client_new(w), *other = client_new(w);

    learn(c, "LISTEN news");
    learn(other, "NOTIFY news, 'hello'");
    test_run_until(w, c->notified == 1);
    assert_string_equal(c->note, "news: hello");
    rondo_pq_free(other->pq);
    client_end(c);
}

TEST(A6_the_server_ends_the_connection)
{
    struct client *c = client_new(w), *other = client_new(w);

    learn(c, "SELECT pg_backend_pid()");
    ask(c, "SELECT pg_sleep(60)");
    learn(other, test_format(w, "SELECT pg_terminate_backend(%s)", c->value));
    test_run_until(w, c->lost);
    assert_int_equal(c->ended, 1);
    assert_true(c->lost_error < 0);
    assert_error(rondo_pq_await(c->pq, on_result, c), RONDO_ENOTCONN);
    rondo_pq_free(other->pq);
    client_end(c);
}

static void free_it(struct client *c)
{
    rondo_pq_free(c->pq);
    c->pq = NULL;
}

TEST(A6_freed_in_each_callback)
{
    struct client *c = client_to(w, server_folder(), "rondo");

    c->act = free_it;
    test_run_until(w, !c->pq);
    c = client_new(w);
    ask(c, "SELECT generate_series(1, 1000)");
    c->act = free_it;
    test_run_until(w, !c->pq);
    assert_int_equal(c->results, 1);
    assert_int_equal(c->ended, 0);
    assert_int_equal(rondo_loop_run(w->loop), 0);
}

TEST(A6_freed_before_it_is_connected)
{
    struct client *c = client_to(w, server_folder(), "rondo");

    client_end(c);
    assert_int_equal(c->connected, 0);
}

TEST(A6_a_user_that_is_none)
{
    struct client *c = client_to(w, server_folder(), "nobody_at_all");

    test_run_until(w, c->connected);
    assert_int_equal(c->error, RONDO_ECONNREFUSED);
    assert_int_equal(c->lost, 0);
    client_end(c);
}

TEST(A6_bad_arguments)
{
    rondo_pq *made;
    rondo_pq_protocol protocol = {.size = sizeof protocol};

    assert_error(rondo_pq_connect(NULL, "", &protocol, &made), RONDO_EINVAL);
    assert_error(rondo_pq_connect(w->loop, NULL, &protocol, &made),
                 RONDO_EINVAL);
    assert_error(rondo_pq_connect(w->loop, "", NULL, &made), RONDO_EINVAL);
    assert_error(rondo_pq_connect(w->loop, "nonsense", &protocol, &made),
                 RONDO_ECONNREFUSED);
    assert_error(rondo_pq_connect(w->loop, "host=/no/where", &protocol, &made),
                 RONDO_ECONNREFUSED);
    protocol.size = 0;
    assert_error(rondo_pq_connect(w->loop, "", &protocol, &made), RONDO_EINVAL);
    rondo_pq_free(NULL);
}
