/* test_tls_names.c - TLS: which host is asked for, and what a server makes of
 * it. */
/* SPDX-License-Identifier: MIT */
#include "tls_world.h"

#include <openssl/ssl.h>

/* The host as the client has it, and as the server is asked for it. */
static void check_host(struct world *w, const char *host, const char *asked)
{
    struct tls_pair tls = tls_pair(w, "valid");
    struct listener *l = tls_serve(w, tls.server);
    struct peer *p = tls_connect(w, l, tls.client, host);
    const char *name;

    w->leaves = true;
    dial_ends(w, p, 0);
    test_run_until(w, l->count);
    name = SSL_get_servername(rondo_tls_native(l->first->transport),
                              TLSEXT_NAMETYPE_host_name);
    assert_string_equal(name ? name : "", asked);
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost && l->first->lost);
}

TEST_CASE(S13_tls_a_name_that_ends_with_the_root,
          check_host(w, "localhost.", "localhost"));

TEST_LEAVES(S13_tls_an_address_with_a_scope)
{
    check_host(w, "fe80::1%eth0", "");
    check_host(w, "fe80::1", "");
}

TEST_LEAVES(S13_tls_hosts_that_cannot_be)
{
    struct tls_pair tls = tls_pair(w, "valid");
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    char longest[258];
    const char *const hosts[] = {"", ".", "%eth0:", longest};

    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        assert_error(
            rondo_tls_start(p->transport, tls.client, hosts[i], NULL, NULL),
            RONDO_EINVAL);
        assert_non_null(strstr(rondo_last_error(), "TLS: a host of "));
    }
    raw_close(fd);
}

/* ---- a server with several certificates, as rondo_tls.h says ------------- */

struct certificates {
    rondo_tls_context *elsewhere;
};

static int choose(SSL *ssl, int *alert, void *arg)
{
    struct certificates *c = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    if (!name || strcmp(name, "elsewhere.test") != 0 ||
        SSL_set_SSL_CTX(ssl, rondo_tls_context_native(c->elsewhere)))
        return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

TEST_LEAVES(S13_tls_a_certificate_by_the_name_asked_for)
{
    static const char *const hosts[] = {"localhost", "elsewhere.test",
                                        "another.test"};
    struct tls_pair tls = tls_pair(w, "valid"), other = tls_pair(w, "wrong");
    struct certificates certificates = {other.server};
    struct listener *l = tls_serve(w, tls.server);
    SSL_CTX *native = rondo_tls_context_native(tls.server);

    (void)test_trouble(w);
    SSL_CTX_set_tlsext_servername_callback(native, choose);
    SSL_CTX_set_tlsext_servername_arg(native, &certificates);
    for (size_t i = 0; i < 3; i++) {
        struct peer *p = tls_connect(w, l, tls.client, hosts[i]);

        dial_ends(w, p, i < 2 ? 0 : RONDO_EPROTO);
        if (i < 2)
            rondo_transport_close(p->transport);
    }
    test_run_until(w, l->count == 2);
}
