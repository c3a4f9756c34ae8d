/* test_tls_words.c - what who makes a mistake with keys and certificates is told.
 */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"
#include "tls_world.h"

/* ---- G1: files ---------------------------------------------------------- */

/* Files of make-certificates; NULL: none. */
struct mistake {
    const char *name, *certificate, *key, *trusted, *password;
    int error;
    const char *words[3]; /* in the sentence, in this order */
};

static const struct mistake mistakes[] = {
    {"a certificate that is not there",
     "none.pem",
     NULL,
     NULL,
     NULL,
     RONDO_ENOENT,
     {"TLS: certificate ", "none.pem: there is no such file", "(ENOENT)"}},
    {"authorities that are not there",
     NULL,
     NULL,
     "none.pem",
     NULL,
     RONDO_ENOENT,
     {"TLS: trusted certificates ", "none.pem: there is no such file",
      "(ENOENT)"}},
    {"a key in place of a certificate",
     "valid.key",
     NULL,
     NULL,
     NULL,
     RONDO_EPROTO,
     {"valid.key: there is no certificate in PEM form", "is it a key",
      "(OpenSSL: no start line)"}},
    {"a certificate in DER form",
     "valid.der",
     NULL,
     NULL,
     NULL,
     RONDO_EPROTO,
     {"valid.der: there is no certificate", "openssl x509 -inform der"}},
    {"a certificate without its key",
     "valid.crt",
     NULL,
     NULL,
     NULL,
     RONDO_EPROTO,
     {"TLS: key ", "valid.crt: there is no private key",
      "is it a certificate"}},
    {"a key in DER form",
     "valid.crt",
     "validkey.der",
     NULL,
     NULL,
     RONDO_EPROTO,
     {"validkey.der: there is no private key", "openssl pkey -inform der"}},
    {"the key of another certificate",
     "valid.crt",
     "wrong.key",
     NULL,
     NULL,
     RONDO_EPROTO,
     {"TLS: key ", "wrong.key: it is not the key of the certificate"}},
    {"a key of another kind",
     "valid.crt",
     "stranger.key",
     NULL,
     NULL,
     RONDO_EPROTO,
     {"TLS: key ", "stranger.key: it is not the key of the certificate"}},
    {"an encrypted key without a password",
     "valid.crt",
     "encrypted.key",
     NULL,
     NULL,
     RONDO_EPROTO,
     {"TLS: key ", "encrypted.key: it is encrypted", "key_password"}},
    {"the wrong password",
     "valid.crt",
     "encrypted.key",
     NULL,
     "wrong",
     RONDO_EPROTO,
     {"TLS: key ", "encrypted.key: key_password is not its password"}},
    {"a damaged certificate",
     "damaged.pem",
     NULL,
     NULL,
     NULL,
     RONDO_EPROTO,
     {"damaged.pem: it is damaged, or cut off"}},
    {"authorities that are a key",
     NULL,
     NULL,
     "valid.key",
     NULL,
     RONDO_EPROTO,
     {"TLS: trusted certificates ", "valid.key: there is no certificate"}},
    {"a key that is too short",
     "short.crt",
     "short.key",
     NULL,
     NULL,
     RONDO_EPROTO,
     {"short.crt: its key is too short", "2048 bits"}},
};

static void check_words(struct world *w, const char *sentence,
                        const char *const *words, size_t count)
{
    const char *at = sentence;

    for (size_t i = 0; i < count && words[i]; i++) {
        at = strstr(at, words[i]);
        if (!at)
            test_fail(w, "no \"%s\" in its place in: %s", words[i], sentence);
    }
}

TEST(G1_each_mistake_with_files_has_its_sentence)
{
    for (EACH_ROW(w, m, mistakes)) {
        rondo_tls_options o = {.size = sizeof o};
        rondo_tls_context *c;

        if (m->certificate)
            o.certificate_file = tls_file(w, m->certificate);
        if (m->key)
            o.key_file = tls_file(w, m->key);
        if (m->trusted)
            o.ca_file = tls_file(w, m->trusted);
        o.key_password = m->password;
        assert_error(rondo_tls_context_new(&c, &o), m->error);
        check_words(w, rondo_last_error(), m->words, COUNT_OF(m->words));
    }
}

/* ---- G1: connections ---------------------------------------------------- */

TEST(G1_each_refused_certificate_says_what_to_do)
{
    static const struct {
        const char *name, *words[2];
    } rows[] = {
        {"wrong", {"ostname mismatch", "; it is for another host"}},
        {"expired", {"expired", "; renew it, or set this machine's clock"}},
        {"selfsigned", {"self", "gives it as ca_file"}},
        {"untrusted", {"local issuer", "; give the authority"}},
    };

    for (EACH_ROW(w, row, rows)) {
        struct tls_pair tls = tls_pair(w, row->name);
        struct trouble *told = test_trouble(w);
        struct listener *l = tls_serve(w, tls.server);
        struct peer *p = tls_connect(w, l, tls.client, "localhost");

        dial_ends(w, p, RONDO_EPROTO);
        check_words(w, p->last_error, row->words, COUNT_OF(row->words));
        test_trouble_comes(w, told, 1, RONDO_EPROTO, "alert: ");
        test_stop(l);
    }
}

static void try_plain(struct world *w, const char *sent, const char *words)
{
    struct tls_pair tls = tls_pair(w, "valid");
    struct trouble *told = test_trouble(w);
    struct listener *l = tls_serve(w, tls.server);
    raw_fd fd = test_own(w, raw_connect(l->port));

    assert_int_equal(raw_send(fd, sent, strlen(sent)), (int64_t)strlen(sent));
    test_trouble_comes(w, told, 1, RONDO_EPROTO, words);
    test_close_own(w, fd);
    test_stop(l);
}

TEST_CASE(G1_a_client_of_plain_http,
          try_plain(w, "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                    "speaks HTTP without TLS"));
TEST_CASE(G1_a_client_of_something_else,
          try_plain(w, "220 mail ESMTP, and what else there is\r\n",
                    "does not speak TLS"));
