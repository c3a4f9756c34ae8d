/* tls_world.c - what the tests of TLS share: contexts, servers, clients. */
/* SPDX-License-Identifier: MIT */
#include "tls_world.h"

#if THREAD_SANITIZER
/* OpenSSL hands what it has made out of a certificate to other threads by
 * atomics, which the sanitizer does not see in a library that was compiled
 * without it. What our code does there is still looked at. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:libcrypto.so\ncalled_from_lib:libssl.so\n";
}
#endif

const char *tls_file(struct world *w, const char *name)
{
    char *path = test_alloc(w, 1024);

    (void)snprintf(path, 1024, "%s/%s", TLS_CERTIFICATES, name);
    return path;
}

static void free_context(void *arg)
{
    rondo_tls_context_free(arg);
}

rondo_tls_context *tls_context(struct world *w,
                               const rondo_tls_options *options)
{
    rondo_tls_context *context;

    assert_ok(rondo_tls_context_new(&context, options));
    test_at_end(w, free_context, context);
    return context;
}

struct tls_pair tls_pair(struct world *w, const char *certificate)
{
    char name[64];

    (void)snprintf(name, sizeof name, "%s.pem", certificate);
    return (struct tls_pair){
        .server =
            tls_context(w, RONDO_TLS(.server = true,
                                     .certificate_file = tls_file(w, name))),
        .client = tls_context(w, RONDO_TLS(.ca_file = tls_file(w, "ca.pem")))};
}

struct listener *tls_serve(struct world *w, rondo_tls_context *context)
{
    return test_serve_with(
        w, &recorder,
        RONDO_SERVE(.setup = rondo_tls_server_setup, .setup_arg = context));
}

struct peer *tls_connect(struct world *w, const struct listener *l,
                         rondo_tls_context *context, const char *host)
{
    rondo_tls_client *client = test_alloc(w, sizeof *client);

    client->context = context;
    client->host = host;
    return dial_new(w, RONDO_CONNECT(.host = "127.0.0.1", .port = l->port,
                                     .setup = rondo_tls_client_setup,
                                     .setup_arg = client));
}

void tls_start_client(struct peer *p, rondo_tls_context *context)
{
    assert_ok(rondo_tls_start(p->transport, context, "localhost", NULL, NULL));
}

void tls_start_server(struct peer *p, rondo_tls_context *context)
{
    assert_ok(rondo_tls_start(p->transport, context, NULL, NULL, NULL));
}

struct tls_peers tls_peers(struct world *w, int buffer_bytes)
{
    struct tls_peers x = {tls_pair(w, "valid"), test_peer(w), test_peer(w)};
    raw_fd fds[2];

    assert_int_equal(raw_pair_small(fds, buffer_bytes), 0);
    test_adopt(w, fds[0], &recorder, x.a);
    test_adopt(w, fds[1], &recorder, x.b);
    tls_start_client(x.a, x.tls.client);
    tls_start_server(x.b, x.tls.server);
    test_run_until(w, x.a->made && x.b->made);
    return x;
}

/* ---- a wire of the test's ------------------------------------------------ */

static void ready(rondo_loop *loop, void *arg, int64_t result)
{
    struct peer *p = arg;

    (void)loop;
    p->connected = result == 0;
}

static void start(struct peer *p, rondo_tls_context *context)
{
    assert_ok(rondo_tls_start(p->transport, context, "localhost", ready, p));
}

struct tls_wire tls_wire(struct world *w, const struct tls_pair *tls)
{
    struct tls_wire x = {.client = test_peer(w), .server = test_peer(w)};

    x.to_server = x.to_client = SIZE_MAX;
    x.from_client = test_own(w, test_raw_peer(w, &recorder, x.client, 0));
    x.from_server = test_own(w, test_raw_peer(w, &recorder, x.server, 0));
    start(x.client, tls->client);
    start(x.server, tls->server);
    return x;
}

static size_t carry_one_way(raw_fd from, raw_fd to, size_t most)
{
    char bytes[4096];
    ptrdiff_t n = 0;

    if (most)
        n = raw_recv(from, bytes, most < sizeof bytes ? most : sizeof bytes, 0);
    if (n <= 0)
        return 0;
    assert_true(raw_send_all(to, bytes, (size_t)n, 1000));
    return (size_t)n;
}

bool tls_wire_carry(struct tls_wire *x)
{
    size_t to_server =
        carry_one_way(x->from_client, x->from_server, x->to_server);
    size_t to_client =
        carry_one_way(x->from_server, x->from_client, x->to_client);

    x->to_server -= to_server;
    x->to_client -= to_client;
    x->taken_by_server += to_server;
    x->taken_by_client += to_client;
    return to_server || to_client;
}

static bool shaken(const struct tls_wire *x)
{
    return x->client->connected && x->server->connected;
}

bool tls_wire_shake_hands(struct world *w, struct tls_wire *x)
{
    while (x->to_server && x->to_client && !shaken(x)) {
        if (tls_wire_carry(x))
            test_spin(w, 1);
        else
            test_run_until(w, shaken(x) || tls_wire_carry(x));
    }
    return shaken(x);
}

void tls_wire_settle(struct world *w, struct tls_wire *x)
{
    for (int idle = 0; idle < 20; idle++) {
        if (tls_wire_carry(x))
            idle = 0;
        test_spin(w, 1);
    }
}
