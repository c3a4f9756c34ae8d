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
    struct tls_pair tls = tls_pair(w, "valid");
    struct listener *l = tls_serve(w, tls.server);
    struct peer *p = tls_connect(w, l, tls.client, "localhost");

    l->model.on_made = act_hello;
    p->on_made = act_hello;
    test_run_until(w, p->bytes == 5 && l->first->bytes == 5);
    assert_int_equal(p->connect_error, 0);
    assert_hears(w, p, "hello");
    assert_non_null(rondo_tls_native(p->transport));
    assert_int_equal(rondo_tls_alpn(p->transport, NULL), 0);
    assert_string_equal(server_name(l->first), "localhost");
    rondo_transport_close(p->transport);
    assert_lost(w, p, NULL, 0);
    assert_lost(w, l->first, "MdEL", 0);
}

TEST_LEAVES(S13_tls_a_numeric_host)
{
    struct tls_pair tls = tls_pair(w, "valid");
    struct listener *l = tls_serve(w, tls.server);
    struct peer *p = tls_connect(w, l, tls.client, "127.0.0.1");
    struct peer *q = tls_connect(w, l, tls.client, "127.0.0.2");

    dial_ends(w, p, 0);
    dial_ends(w, q, RONDO_EPROTO);
    test_run_until(w, l->count && l->first->made);
    assert_string_equal(server_name(l->first), ""); /* no name, no SNI */
}

/* the client refuses, says why, and the server hears of it, too */
TEST(S13_tls_wrong_certificates_are_refused)
{
    static const struct {
        const char *name, *words;
    } rows[] = {
        {"wrong", "hostname mismatch"},
        {"expired", "expired"},
        {"selfsigned", "self"},
        {"untrusted", "unable to get local issuer"},
    };

    for (EACH_ROW(w, row, rows)) {
        struct tls_pair tls = tls_pair(w, row->name);
        struct trouble *told = test_trouble(w);
        struct listener *l = tls_serve(w, tls.server);
        struct peer *p = tls_connect(w, l, tls.client, "localhost");

        dial_ends(w, p, RONDO_EPROTO);
        if (!strstr(p->last_error, row->words))
            test_fail(w, "not \"%s\" but: %s", row->words, p->last_error);
        test_trouble_comes(w, told, 1, RONDO_EPROTO, "alert");
        assert_int_equal(l->count, 0);
        test_stop(l);
    }
}

TEST_LEAVES(S13_tls_without_verify_anybody_is_accepted)
{
    struct tls_pair tls = tls_pair(w, "selfsigned");
    struct listener *l = tls_serve(w, tls.server);
    rondo_tls_context *trusting;
    struct peer *p;

    assert_ok(rondo_tls_context_new(&trusting, RONDO_TLS(.verify = RONDO_OFF)));
    p = tls_connect(w, l, trusting, NULL);
    dial_ends(w, p, 0);
    rondo_tls_context_free(trusting); /* while it is in use */
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost);
}

/* A server that wants to know who its clients are. */
static rondo_tls_context *strict_server(struct world *w)
{
    return tls_context(
        w, RONDO_TLS(.server = true, .ca_file = tls_file(w, "ca.pem"),
                     .certificate_file = tls_file(w, "valid.pem"),
                     .verify = RONDO_ON));
}

/* A client that shows that certificate. */
static rondo_tls_context *known_client(struct world *w, const char *name)
{
    return tls_context(w, RONDO_TLS(.ca_file = tls_file(w, "ca.pem"),
                                    .certificate_file = tls_file(w, name),
                                    .verify = RONDO_ON));
}

TEST_LEAVES(S13_tls_client_certificates)
{
    struct trouble *told = test_trouble(w);
    struct listener *l = tls_serve(w, strict_server(w));
    struct peer *p =
        tls_connect(w, l, known_client(w, "client.pem"), "localhost");
    struct peer *q;

    test_run_until(w, p->made && l->count == 1 && l->first->made);
    q = tls_connect(w, l, tls_pair(w, "valid").client, "localhost");
    test_run_until(w, told->count && (q->lost || q->connect_error));
    assert_non_null(strstr(told->message, "did not return a certificate"));
    assert_int_equal(l->count, 1);
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
    struct resuming r = {.client = {known_client(w, "valid.pem"), "localhost"}};
    struct listener *l = tls_serve(w, strict_server(w));
    struct peer *p = tls_connect(w, l, r.client.context, "localhost"), *q;

    l->model.on_made = act_hello; /* the tickets come before it */
    test_run_until(w, p->bytes == 5);
    r.session = SSL_get1_session(rondo_tls_native(p->transport));
    q = dial_to(w,
                RONDO_CONNECT(.host = "127.0.0.1", .port = l->port,
                              .setup = set_session, .setup_arg = &r),
                0);
    test_run_until(w, q->bytes == 5);
    assert_int_equal(SSL_session_reused(rondo_tls_native(q->transport)), 1);
    SSL_SESSION_free(r.session);
}

/* ---- handshakes that never end ------------------------------------------- */

TEST_LEAVES(S13_tls_a_silent_client_has_its_time)
{
    struct tls_pair tls = tls_pair(w, "valid");
    struct trouble *told = test_trouble(w);
    struct listener *l = test_serve_with(
        w, &recorder,
        RONDO_SERVE(.setup = rondo_tls_server_setup, .setup_arg = tls.server,
                    .handshake_timeout_ns = RONDO_MS(10)));

    (void)test_own(w, raw_connect(l->port));
    test_trouble_comes(w, told, 1, RONDO_ETIMEDOUT, "no handshake within");
    assert_int_equal(l->count, 0);
}

TEST_LEAVES(S13_tls_a_connects_time_covers_the_handshake)
{
    rondo_tls_client client = {tls_pair(w, "valid").client, "localhost"};
    struct listener *l = test_serve(w); /* which does not know TLS */

    (void)dial_to(w,
                  RONDO_CONNECT(.host = "127.0.0.1", .port = l->port,
                                .timeout_ns = RONDO_MS(20),
                                .setup = rondo_tls_client_setup,
                                .setup_arg = &client),
                  RONDO_ETIMEDOUT);
}

TEST_LEAVES(S13_tls_alpn)
{
    rondo_tls_context *server =
        tls_context(w, RONDO_TLS(.server = true, .alpn = "h2,http/1.1",
                                 .certificate_file = tls_file(w, "valid.pem")));
    rondo_tls_context *client =
        tls_context(w, RONDO_TLS(.alpn = "spdy/1,http/1.1",
                                 .ca_file = tls_file(w, "ca.pem")));
    struct listener *l = tls_serve(w, server);
    struct peer *p = tls_connect(w, l, client, "localhost");
    struct peer *q =
        tls_connect(w, l, tls_pair(w, "valid").client, "localhost");
    const char *name;

    test_run_until(w, p->made && q->made);
    assert_int_equal(rondo_tls_alpn(p->transport, &name), 8);
    assert_memory_equal(name, "http/1.1", 8);
    assert_int_equal(rondo_tls_alpn(q->transport, &name), 0);
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
    static const char *const alpns[] = {"", "a,,b", "h2,", ",h2", ","};
    const char *file = tls_file(w, "valid.pem");

    assert_error(rondo_tls_context_new(NULL, NULL), RONDO_EINVAL);
    refuse_context(&(rondo_tls_options){.size = 1}, RONDO_EINVAL);
    refuse_context(RONDO_TLS(.server = true), RONDO_EINVAL);
    refuse_context(RONDO_TLS(.ca_file = "/nowhere"), RONDO_ENOENT);
    assert_non_null(strstr(rondo_last_error(), "/nowhere"));
    refuse_context(RONDO_TLS(.certificate_file = "/nowhere"), RONDO_ENOENT);
    refuse_context(RONDO_TLS(.certificate_file = file,
                             .key_file = tls_file(w, "wrong.key")),
                   RONDO_EPROTO);
    refuse_context(RONDO_TLS(.certificate_file = tls_file(w, "valid.key")),
                   RONDO_EPROTO);
    for (size_t i = 0; i < COUNT_OF(alpns); i++)
        refuse_context(RONDO_TLS(.alpn = alpns[i]), RONDO_EINVAL);
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

    older.alpn = ","; /* behind its end */
    (void)tls_context(w, &older);
    (void)tls_context(w, &newer.known);
    newer.unknown = &newer;
    refuse_context(&newer.known, RONDO_ENOTSUP);
}

/* Nobody is asked for a password on a terminal, where there is one. */
TEST(S13_tls_an_encrypted_key)
{
    rondo_tls_options options = {.size = sizeof options, .server = true};
    char longer[2000];

    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    options.certificate_file = tls_file(w, "encrypted.pem");
    refuse_context(&options, RONDO_EPROTO);
    assert_non_null(strstr(rondo_last_error(), "encrypted.pem"));
    assert_non_null(strstr(rondo_last_error(), "password"));
    options.key_password = longer;
    refuse_context(&options, RONDO_EPROTO);
    options.key_password = "wrong";
    refuse_context(&options, RONDO_EPROTO);
    options.key_password = "secret";
    (void)tls_context(w, &options);
}

static void refuse_start(rondo_transport *t, rondo_tls_context *context,
                         const char *host, int error)
{
    assert_error(rondo_tls_start(t, context, host, NULL, NULL), error);
}

TEST(S13_tls_wrong_starts)
{
    rondo_tls_context *client = tls_pair(w, "valid").client;
    struct peer *p = test_peer(w);
    raw_fd fd = test_own(w, test_raw_peer(w, &recorder, p, 0));
    rondo_transport *t = p->transport;

    (void)fd;
    refuse_start(t, NULL, "x", RONDO_EINVAL);
    refuse_start(t, client, NULL, RONDO_EINVAL);
    refuse_start(NULL, client, "x", RONDO_EINVAL);
    assert_error(rondo_tls_client_setup(t, NULL), RONDO_EINVAL);
    assert_null(rondo_tls_native(t));
    assert_null(rondo_tls_native(NULL));
    assert_int_equal(rondo_tls_alpn(NULL, NULL), 0);
    rondo_transport_close(t);
    refuse_start(t, client, "x", RONDO_ECLOSED);
    test_run_until(w, p->lost);
}
