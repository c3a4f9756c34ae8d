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

const char *tls_file(const char *name)
{
    static char path[1024];

    (void)snprintf(path, sizeof path, "%s/%s", TLS_CERTIFICATES, name);
    return path;
}

struct tls_pair tls_pair(const char *certificate)
{
    struct tls_pair pair = {NULL, NULL};
    rondo_tls_options options = {.size = sizeof options, .server = true};
    char file[1024];

    (void)snprintf(file, sizeof file, "%s/%s.pem", TLS_CERTIFICATES,
                   certificate);
    options.certificate_file = file;
    assert_ok(rondo_tls_context_new(&pair.server, &options));
    assert_ok(rondo_tls_context_new(&pair.client,
                                    RONDO_TLS(.ca_file = tls_file("ca.pem"))));
    return pair;
}

void tls_free(struct tls_pair *pair)
{
    rondo_tls_context_free(pair->server);
    rondo_tls_context_free(pair->client);
}

struct listener *tls_serve(struct world *w, rondo_tls_context *context)
{
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;

    options.setup = rondo_tls_server_setup;
    options.setup_arg = context;
    return test_serve_with(w, &recorder, &options);
}

void tls_connected(rondo_loop *loop, void *arg, rondo_transport *t, int error)
{
    struct peer *p = arg;

    (void)loop;
    (void)t;
    p->connected++;
    p->connect_error = error;
    (void)snprintf(p->last_error, sizeof p->last_error, "%s",
                   error ? rondo_last_error() : "");
}

rondo_id tls_connect(struct world *w, uint16_t port, rondo_tls_context *context,
                     const char *host, struct peer *p)
{
    rondo_connect_options options = RONDO_CONNECT_OPTIONS_INIT;
    rondo_tls_client *client = test_alloc(w, sizeof *client);

    client->context = context;
    client->host = host;
    options.host = "127.0.0.1";
    options.port = port;
    options.setup = rondo_tls_client_setup;
    options.setup_arg = client;
    return rondo_create_connection(w->loop, &options, &recorder, p,
                                   tls_connected, p);
}

void tls_peers(struct world *w, const struct tls_pair *pair, struct peer *a,
               struct peer *b, int buffer_bytes)
{
    raw_fd fds[2];

    assert_int_equal(raw_pair_small(fds, buffer_bytes), 0);
    test_adopt(w, fds[0], &recorder, a);
    test_adopt(w, fds[1], &recorder, b);
    assert_ok(
        rondo_tls_start(a->transport, pair->client, "localhost", NULL, NULL));
    assert_ok(rondo_tls_start(b->transport, pair->server, NULL, NULL, NULL));
    test_run_until(w, a->made && b->made);
}

static void tell(rondo_loop *loop, void *arg, const rondo_exception *what)
{
    struct tls_told *told = arg;

    (void)loop;
    told->count++;
    told->error = what->error;
    (void)snprintf(told->message, sizeof told->message, "%s", what->message);
}

struct tls_told *tls_listen_for_trouble(struct world *w)
{
    struct tls_told *told = test_alloc(w, sizeof *told);

    assert_ok(rondo_loop_set_exception_handler(w->loop, tell, told));
    return told;
}
