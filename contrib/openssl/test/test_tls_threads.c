/* test_tls_threads.c - one context, used by loops in several threads. */
/* SPDX-License-Identifier: MIT */
#include "tls_world.h"

enum { THREADS = 2, ROUNDS = 30 };

/* A thread with a loop of its own, a server there and a client that comes
 * again and again. Nothing asserts in there: `failed` tells. */
struct worker {
    struct raw_thread *thread;
    rondo_loop *loop;
    rondo_server *server;
    rondo_server_options serve;
    rondo_connect_options to;
    rondo_tls_client client;
    rondo_address address;
    int rounds, most, answered;
    bool failed;
    char why[256];
};

static void wrong(struct worker *k, const char *what)
{
    if (!k->failed)
        (void)snprintf(k->why, sizeof k->why, "%s: %s", what,
                       rondo_last_error());
    k->failed = true;
    rondo_loop_stop(k->loop);
}

/* ---- in the worker's thread --------------------------------------------- */

static void echo_data(rondo_transport *t, void *self, const void *data,
                      size_t size)
{
    if (rondo_transport_write(t, data, size) < 0)
        wrong(self, "echo");
}

static void ask(rondo_transport *t, void *self)
{
    if (rondo_transport_write(t, "hello", 5) < 0)
        wrong(self, "write");
}

static void answered(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct worker *k = self;

    if (size != 5 || memcmp(data, "hello", 5) != 0)
        wrong(k, "the answer");
    k->answered++;
    rondo_transport_close(t);
}

static void come_again(struct worker *k);

static void lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    if (error)
        wrong(self, "lost");
    else
        come_again(self);
}

static const rondo_protocol echo = {.data_received = echo_data};
static const rondo_protocol asking = {
    .connection_made = ask, .data_received = answered, .connection_lost = lost};

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    (void)loop;
    (void)t;
    if (error)
        wrong(arg, "connect");
}

static void come_again(struct worker *k)
{
    if (k->rounds++ == k->most)
        rondo_server_close(k->server);
    else if (rondo_create_connection(k->loop, &k->to, &asking, k, connected,
                                     k) < 0)
        wrong(k, "create_connection");
}

static void too_late(rondo_loop *loop, void *arg)
{
    (void)loop;
    wrong(arg, "too late");
}

static void work(void *arg)
{
    struct worker *k = arg;
    rondo_id id;

    if (rondo_loop_take(k->loop) < 0 ||
        rondo_create_server(k->loop, &k->serve, &echo, k, &k->server) < 0 ||
        rondo_server_address(k->server, 0, &k->address) < 0) {
        wrong(k, "start");
    } else {
        k->to.port = rondo_address_port(&k->address);
        id = rondo_call_later(
            k->loop, RONDO_MS(TEST_DEADLINE_MS) * test_slowness(), too_late, k);
        (void)rondo_set_background(k->loop, id, true);
        come_again(k);
        if (rondo_loop_run(k->loop) < 0)
            wrong(k, "run");
    }
    if (rondo_loop_close(k->loop) < 0)
        k->failed = true;
}

/* ---- in the test's thread ----------------------------------------------- */

static void start(struct world *w, struct worker *k, const struct tls_pair *tls)
{
    rondo_loop_options options = test_loop_options(w);

    k->most = test_slowness() > 1 ? ROUNDS / 3 : ROUNDS;
    k->client = (rondo_tls_client){tls->client, "localhost"};
    k->serve =
        *RONDO_SERVE(.host = "127.0.0.1", .setup = rondo_tls_server_setup,
                     .setup_arg = tls->server);
    k->to = *RONDO_CONNECT(.host = "127.0.0.1", .setup = rondo_tls_client_setup,
                           .setup_arg = &k->client);
    assert_ok(rondo_loop_new(&k->loop, &options));
    k->thread = raw_thread_start(work, k);
    assert_non_null(k->thread);
}

TEST(S13_tls_a_context_in_two_threads)
{
    struct tls_pair tls = tls_pair(w, "valid");
    struct worker *workers = test_alloc(w, THREADS * sizeof *workers);

    for (int i = 0; i < THREADS; i++)
        start(w, &workers[i], &tls);
    for (int i = 0; i < THREADS; i++)
        raw_thread_join(workers[i].thread);
    for (int i = 0; i < THREADS; i++) {
        if (workers[i].failed)
            test_fail(w, "thread %d: %s", i, workers[i].why);
        assert_int_equal(workers[i].answered, workers[i].most);
    }
}

/* Each makes contexts of its own, uses them and lets them go. */
static void churn(void *arg)
{
    rondo_tls_options options = {.size = sizeof options, .verify = RONDO_OFF};
    rondo_tls_context *context;
    bool *failed = arg;

    for (int i = 0; i < 10; i++) {
        options.alpn = "h2";
        if (rondo_tls_context_new(&context, &options) < 0)
            *failed = true;
        rondo_tls_context_free(context);
        options.alpn = ",";
        if (rondo_tls_context_new(&context, &options) != RONDO_EINVAL ||
            !strstr(rondo_last_error(), "ALPN"))
            *failed = true;
    }
}

TEST(S13_tls_contexts_made_in_two_threads)
{
    struct raw_thread *threads[THREADS];
    bool failed[THREADS] = {false};

    for (int i = 0; i < THREADS; i++) {
        threads[i] = raw_thread_start(churn, &failed[i]);
        assert_non_null(threads[i]);
    }
    for (int i = 0; i < THREADS; i++)
        raw_thread_join(threads[i]);
    for (int i = 0; i < THREADS; i++)
        assert_false(failed[i]);
}
