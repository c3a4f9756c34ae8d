/* test_tls.c - TLS with itself: who is accepted, what arrives, how it ends. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "tls_world.h"

#include <openssl/ssl.h>

/* ---- who is accepted ---------------------------------------------------- */

/* what the client has asked for (SNI) */
static const char *server_name(struct peer *p)
{
    const char *name = SSL_get_servername(rondo_tls_native(p->transport),
                                          TLSEXT_NAMETYPE_host_name);

    return name ? name : "";
}

TEST_LEAVES(S13_tls_a_valid_certificate)
{
    struct tls_pair tls = tls_pair("valid");
    struct listener *l = tls_serve(w, tls.server);
    struct peer *p = test_peer(w);

    l->model.on_made = act_hello;
    p->on_made = act_hello;
    peer_capture(p, 8);
    assert_ok(tls_connect(w, l->port, tls.client, "localhost", p));
    test_run_until(w, p->bytes == 5 && l->first->bytes == 5);
    assert_int_equal(p->connect_error, 0);
    assert_memory_equal(p->captured, "hello", 5);
    assert_non_null(rondo_tls_native(p->transport));
    assert_int_equal(rondo_tls_alpn(p->transport, NULL), 0);
    assert_string_equal(server_name(l->first), "localhost");
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost && l->first->lost);
    assert_string_equal(l->first->order, "MdEL");
    assert_int_equal(p->error + l->first->error, 0);
    tls_free(&tls);
}

TEST_LEAVES(S13_tls_a_numeric_host)
{
    struct tls_pair tls = tls_pair("valid");
    struct listener *l = tls_serve(w, tls.server);
    struct peer *p = test_peer(w), *q = test_peer(w);

    assert_ok(tls_connect(w, l->port, tls.client, "127.0.0.1", p));
    assert_ok(tls_connect(w, l->port, tls.client, "127.0.0.2", q));
    test_run_until(w, p->connected && q->connected);
    assert_int_equal(p->connect_error, 0);
    assert_int_equal(q->connect_error, RONDO_EPROTO);
    test_run_until(w, l->count && l->first->made);
    assert_string_equal(server_name(l->first), ""); /* no name, no SNI */
    tls_free(&tls);
}

/* the client refuses, says why, and the server hears of it, too */
static void check_refused(struct world *w, const char *certificate,
                          const char *words)
{
    struct tls_pair tls = tls_pair(certificate);
    struct tls_told *told = tls_listen_for_trouble(w);
    struct listener *l = tls_serve(w, tls.server);
    struct peer *p = test_peer(w);

    w->leaves = true;
    assert_ok(tls_connect(w, l->port, tls.client, "localhost", p));
    test_run_until(w, p->connected && told->count);
    assert_int_equal(p->connect_error, RONDO_EPROTO);
    assert_int_equal(p->made, 0);
    if (!strstr(p->last_error, words))
        test_fail(w, "not \"%s\" but: %s", words, p->last_error);
    assert_int_equal(told->error, RONDO_EPROTO);
    assert_non_null(strstr(told->message, "alert"));
    assert_int_equal(l->count, 0);
    rondo_server_close(l->server);
    tls_free(&tls);
}

TEST_CASE(S13_tls_a_wrong_host_is_refused,
          check_refused(w, "wrong", "hostname mismatch"));

TEST_CASE(S13_tls_an_expired_certificate_is_refused,
          check_refused(w, "expired", "expired"));

TEST_CASE(S13_tls_a_self_signed_certificate_is_refused,
          check_refused(w, "selfsigned", "self"));

TEST_CASE(S13_tls_a_strangers_certificate_is_refused,
          check_refused(w, "untrusted", "unable to get local issuer"));

TEST_LEAVES(S13_tls_without_verify_anybody_is_accepted)
{
    struct tls_pair tls = tls_pair("selfsigned");
    struct listener *l = tls_serve(w, tls.server);
    struct peer *p = test_peer(w);
    rondo_tls_context *trusting;

    assert_ok(rondo_tls_context_new(&trusting, RONDO_TLS(.verify = RONDO_OFF)));
    assert_ok(tls_connect(w, l->port, trusting, NULL, p));
    test_run_until(w, p->connected);
    assert_int_equal(p->connect_error, 0);
    rondo_tls_context_free(trusting); /* while it is in use */
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost);
    tls_free(&tls);
}

/* a server that wants to know who its clients are */
TEST_LEAVES(S13_tls_client_certificates)
{
    rondo_tls_options options = {.size = sizeof options};
    struct tls_pair tls = tls_pair("valid");
    struct tls_told *told = tls_listen_for_trouble(w);
    rondo_tls_context *strict, *known;
    struct listener *l;
    struct peer *p = test_peer(w), *q = test_peer(w);
    char ca[1024], file[1024];

    (void)snprintf(ca, sizeof ca, "%s", tls_file("ca.pem"));
    (void)snprintf(file, sizeof file, "%s", tls_file("valid.pem"));
    options = (rondo_tls_options){.size = sizeof options,
                                  .server = true,
                                  .certificate_file = file,
                                  .ca_file = ca,
                                  .verify = RONDO_ON};
    assert_ok(rondo_tls_context_new(&strict, &options));
    (void)snprintf(file, sizeof file, "%s", tls_file("client.pem"));
    options.server = false;
    assert_ok(rondo_tls_context_new(&known, &options));
    l = tls_serve(w, strict);
    assert_ok(tls_connect(w, l->port, known, "localhost", p));
    test_run_until(w, p->made && l->count == 1 && l->first->made);
    assert_ok(tls_connect(w, l->port, tls.client, "localhost", q));
    test_run_until(w, told->count && (q->lost || q->connect_error));
    assert_non_null(strstr(told->message, "did not return a certificate"));
    assert_int_equal(l->count, 1);
    rondo_tls_context_free(strict);
    rondo_tls_context_free(known);
    tls_free(&tls);
}

struct resuming {
    rondo_tls_client client;
    SSL_SESSION *session;
};

static int set_session(rondo_transport *t, void *arg)
{
    struct resuming *r = arg;
    int error = rondo_tls_client_setup(t, &r->client);

    assert_int_equal(SSL_set_session(rondo_tls_native(t), r->session), 1);
    return error;
}

/* a session that is gone on with, also where the client has shown who it is */
TEST_LEAVES(S13_tls_a_session_is_resumed)
{
    rondo_tls_options options = {.size = sizeof options, .server = true};
    rondo_connect_options to = RONDO_CONNECT_OPTIONS_INIT;
    struct resuming r = {.client = {NULL, "localhost"}};
    struct peer *p = test_peer(w), *q = test_peer(w);
    rondo_tls_context *strict;
    struct listener *l;
    char ca[1024], file[1024];

    (void)snprintf(ca, sizeof ca, "%s", tls_file("ca.pem"));
    (void)snprintf(file, sizeof file, "%s", tls_file("valid.pem"));
    options.certificate_file = file;
    options.ca_file = ca;
    options.verify = RONDO_ON;
    assert_ok(rondo_tls_context_new(&strict, &options));
    options.server = false;
    assert_ok(rondo_tls_context_new(&r.client.context, &options));
    l = tls_serve(w, strict);
    l->model.on_made = act_hello; /* the tickets come before it */
    assert_ok(tls_connect(w, l->port, r.client.context, "localhost", p));
    test_run_until(w, p->bytes == 5);
    r.session = SSL_get1_session(rondo_tls_native(p->transport));
    to.host = "127.0.0.1";
    to.port = l->port;
    to.setup = set_session;
    to.setup_arg = &r;
    assert_ok(rondo_create_connection(w->loop, &to, &recorder, q, NULL, NULL));
    test_run_until(w, q->bytes == 5);
    assert_int_equal(SSL_session_reused(rondo_tls_native(q->transport)), 1);
    SSL_SESSION_free(r.session);
    rondo_tls_context_free(r.client.context);
    rondo_tls_context_free(strict);
}

/* ---- handshakes that never end ------------------------------------------- */

TEST_LEAVES(S13_tls_a_silent_client_has_its_time)
{
    struct tls_pair tls = tls_pair("valid");
    struct tls_told *told = tls_listen_for_trouble(w);
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    struct listener *l;
    raw_fd fd;

    options.setup = rondo_tls_server_setup;
    options.setup_arg = tls.server;
    options.handshake_timeout_ns = RONDO_MS(10);
    l = test_serve_with(w, &recorder, &options);
    fd = raw_connect(l->port);
    test_run_until(w, told->count);
    assert_int_equal(told->error, RONDO_ETIMEDOUT);
    assert_non_null(strstr(told->message, "no handshake within"));
    assert_int_equal(l->count, 0);
    raw_close(fd);
    tls_free(&tls);
}

TEST_LEAVES(S13_tls_a_connects_time_covers_the_handshake)
{
    struct tls_pair tls = tls_pair("valid");
    struct listener *l = test_serve(w); /* which does not know TLS */
    rondo_tls_client client = {tls.client, "localhost"};
    rondo_connect_options to = RONDO_CONNECT_OPTIONS_INIT;
    struct peer *p = test_peer(w);

    l->model.on_data = NULL;
    to.host = "127.0.0.1";
    to.port = l->port;
    to.timeout_ns = RONDO_MS(20);
    to.setup = rondo_tls_client_setup;
    to.setup_arg = &client;
    assert_ok(
        rondo_create_connection(w->loop, &to, &recorder, p, tls_connected, p));
    test_run_until(w, p->connected);
    assert_int_equal(p->connect_error, RONDO_ETIMEDOUT);
    assert_int_equal(p->made, 0);
    tls_free(&tls);
}

TEST_LEAVES(S13_tls_alpn)
{
    struct tls_pair tls = tls_pair("valid");
    rondo_tls_context *server, *client;
    rondo_tls_options options = {.size = sizeof options, .server = true};
    struct peer *p = test_peer(w), *q = test_peer(w);
    struct listener *l;
    const char *name;

    options.certificate_file = tls_file("valid.pem");
    options.alpn = "h2,http/1.1";
    assert_ok(rondo_tls_context_new(&server, &options));
    assert_ok(rondo_tls_context_new(
        &client,
        RONDO_TLS(.alpn = "spdy/1,http/1.1", .ca_file = tls_file("ca.pem"))));
    l = tls_serve(w, server);
    assert_ok(tls_connect(w, l->port, client, "localhost", p));
    assert_ok(tls_connect(w, l->port, tls.client, "localhost", q));
    test_run_until(w, p->made && q->made);
    assert_int_equal(rondo_tls_alpn(p->transport, &name), 8);
    assert_memory_equal(name, "http/1.1", 8);
    assert_int_equal(rondo_tls_alpn(q->transport, &name), 0);
    rondo_tls_context_free(server);
    rondo_tls_context_free(client);
    tls_free(&tls);
}

/* ---- wrong use ---------------------------------------------------------- */

static void refuse_context(const rondo_tls_options *options, int error)
{
    rondo_tls_context *c = (rondo_tls_context *)1;

    assert_error(rondo_tls_context_new(&c, options), error);
    assert_null(c);
    assert_true(strncmp(rondo_last_error(), "TLS", 3) == 0);
}

TEST(S13_tls_wrong_contexts)
{
    char file[1024];

    (void)snprintf(file, sizeof file, "%s", tls_file("valid.pem"));
    assert_error(rondo_tls_context_new(NULL, NULL), RONDO_EINVAL);
    refuse_context(&(rondo_tls_options){.size = 1}, RONDO_EINVAL);
    refuse_context(RONDO_TLS(.server = true), RONDO_EINVAL);
    refuse_context(RONDO_TLS(.ca_file = "/nowhere"), RONDO_ENOENT);
    assert_non_null(strstr(rondo_last_error(), "/nowhere"));
    refuse_context(RONDO_TLS(.certificate_file = "/nowhere"), RONDO_ENOENT);
    refuse_context(
        RONDO_TLS(.certificate_file = file, .key_file = tls_file("wrong.key")),
        RONDO_EPROTO);
    refuse_context(RONDO_TLS(.certificate_file = tls_file("valid.key")),
                   RONDO_EPROTO);
    refuse_context(RONDO_TLS(.alpn = ""), RONDO_EINVAL);
    refuse_context(RONDO_TLS(.alpn = "a,,b"), RONDO_EINVAL);
    refuse_context(RONDO_TLS(.alpn = "h2,"), RONDO_EINVAL);
    refuse_context(RONDO_TLS(.alpn = ",h2"), RONDO_EINVAL);
    refuse_context(RONDO_TLS(.alpn = ","), RONDO_EINVAL);
    rondo_tls_context_free(NULL);
    assert_null(rondo_tls_context_native(NULL));
}

TEST(G2_tls_options_of_another_header)
{
    struct {
        rondo_tls_options known;
        void *unknown;
    } newer = {.known = {.size = sizeof newer}};
    rondo_tls_options older = {.size = offsetof(rondo_tls_options, alpn)};
    rondo_tls_context *c;

    older.alpn = ","; /* behind its end */
    assert_ok(rondo_tls_context_new(&c, &older));
    rondo_tls_context_free(c);
    assert_ok(rondo_tls_context_new(&c, &newer.known));
    rondo_tls_context_free(c);
    newer.unknown = &newer;
    refuse_context(&newer.known, RONDO_ENOTSUP);
}

/* Nobody is asked for a password on a terminal, where there is one. */
TEST(S13_tls_an_encrypted_key)
{
    rondo_tls_options options = {.size = sizeof options, .server = true};
    rondo_tls_context *c;
    char file[1024], longer[2000];

    (void)snprintf(file, sizeof file, "%s", tls_file("encrypted.pem"));
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    options.certificate_file = file;
    refuse_context(&options, RONDO_EPROTO);
    assert_non_null(strstr(rondo_last_error(), "encrypted.pem"));
    assert_non_null(strstr(rondo_last_error(), "password"));
    options.key_password = longer;
    refuse_context(&options, RONDO_EPROTO);
    options.key_password = "wrong";
    refuse_context(&options, RONDO_EPROTO);
    options.key_password = "secret";
    assert_ok(rondo_tls_context_new(&c, &options));
    rondo_tls_context_free(c);
}

TEST(S13_tls_wrong_starts)
{
    struct tls_pair tls = tls_pair("valid");
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    rondo_transport *t = p->transport;
    char host[400];

    memset(host, 'x', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    assert_error(rondo_tls_start(t, NULL, "x", NULL, NULL), RONDO_EINVAL);
    assert_error(rondo_tls_start(t, tls.client, NULL, NULL, NULL),
                 RONDO_EINVAL);
    assert_error(rondo_tls_start(t, tls.client, "", NULL, NULL), RONDO_EINVAL);
    assert_error(rondo_tls_start(t, tls.client, host, NULL, NULL),
                 RONDO_EINVAL);
    assert_error(rondo_tls_start(NULL, tls.client, "x", NULL, NULL),
                 RONDO_EINVAL);
    assert_error(rondo_tls_client_setup(t, NULL), RONDO_EINVAL);
    assert_null(rondo_tls_native(t));
    assert_null(rondo_tls_native(NULL));
    assert_int_equal(rondo_tls_alpn(NULL, NULL), 0);
    rondo_transport_close(t);
    assert_error(rondo_tls_start(t, tls.client, "x", NULL, NULL),
                 RONDO_ECLOSED);
    test_run_until(w, p->lost);
    raw_close(fd);
    tls_free(&tls);
}
