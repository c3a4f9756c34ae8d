/* rondo_tls_context.c - certificates, keys and choices, for TLS. */
/* SPDX-License-Identifier: MIT */
#include "rondo_tls_internal.h"

#include "../options.h"

#include <stdlib.h>
#include <string.h>

/* ---- OpenSSL's words ---------------------------------------------------- */

/* Somebody else's, of which there are hardly any: clearing takes long. */
void tls_forget_errors(void)
{
    if (ERR_peek_error())
        ERR_clear_error();
}

/* The first of its errors is the cause; all are taken off its list. */
int tls_fail(int error, const char *what)
{
    return tls_fail_with(error, what, tls_words_of_peer(ERR_peek_error()));
}

int tls_fail_with(int error, const char *what, const char *words)
{
    char text[256] = "no reason given";
    unsigned long code = ERR_get_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    if (code)
        ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return words ? rondo_set_error(error, "TLS: %s: %s (OpenSSL: %s)", what,
                                   words, reason ? reason : text)
                 : rondo_set_error(error, "TLS: %s: %s", what, text);
}

/* ---- contexts ----------------------------------------------------------- */

void rondo_tls_context_free(rondo_tls_context *c)
{
    if (!c || atomic_fetch_sub(&c->users, 1) != 1)
        return;
    SSL_CTX_free(c->native);
    BIO_meth_free(c->between);
    free(c);
}

void *rondo_tls_context_native(const rondo_tls_context *context)
{
    return context ? context->native : NULL;
}

/* "h2,http/1.1" as on the wire; 0: no list, or one that is wrong. */
static size_t alpn_wire(unsigned char *wire, const char *list)
{
    size_t used = 0;
    while (list && *list) {
        size_t n = strcspn(list, ",");
        if (!n || n > 255 || (list[n] && !list[n + 1]))
            return 0;
        wire[used++] = (unsigned char)n;
        memcpy(wire + used, list, n);
        used += n;
        list += n + (list[n] == ',');
    }
    return used;
}

/* The server's choice; without one the connection goes on without ALPN. */
static int choose_alpn(SSL *ssl, const unsigned char **name,
                       unsigned char *size, const unsigned char *offered,
                       unsigned int offered_size, void *arg)
{
    const rondo_tls_context *c = arg;
    unsigned char *chosen;
    (void)ssl;
    int found = SSL_select_next_proto(
        &chosen, size, c->alpn, (unsigned)c->alpn_size, offered, offered_size);
    *name = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK
                                           : SSL_TLSEXT_ERR_NOACK;
}

/* ---- making a context --------------------------------------------------- */

struct password { /* a key's; NULL for other files */
    const char *text;
    bool missed;
};

/* Without this OpenSSL would ask for it on the terminal, and wait. */
static int give_password(char *room, int size, int to_write, void *arg)
{
    struct password *p = arg;
    size_t length = p && p->text ? strlen(p->text) : 0;
    (void)to_write;
    if (!p || !p->text || size < 0 || length > (size_t)size) {
        if (p)
            p->missed = true;
        return -1;
    }
    memcpy(room, p->text, length);
    return (int)length;
}

static int set_key(SSL_CTX *native, const char *file, const char *password)
{
    struct password p = {.text = password};
    SSL_CTX_set_default_passwd_cb_userdata(native, &p);
    bool set =
        SSL_CTX_use_PrivateKey_file(native, file, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(native) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(native, NULL);
    if (set)
        return 0;
    if (!p.missed)
        return tls_fail_file("key", file, TLS_KEY);
    ERR_clear_error();
    return rondo_set_error(RONDO_EPROTO,
                           "TLS: key %.200s: it is encrypted, and there is no "
                           "key_password that could be its own",
                           file);
}

/* Whom the system trusts is a file of some size: only if it is asked. */
static int set_files(const rondo_tls_context *c, const rondo_tls_options *o)
{
    SSL_CTX *native = c->native;
    const char *key = o->key_file ? o->key_file : o->certificate_file;
    if (o->certificate_file &&
        SSL_CTX_use_certificate_chain_file(native, o->certificate_file) != 1)
        return tls_fail_file("certificate", o->certificate_file,
                             TLS_CERTIFICATE);
    int error = key ? set_key(native, key, o->key_password) : 0;
    if (error)
        return error;
    if (o->ca_file &&
        SSL_CTX_load_verify_locations(native, o->ca_file, NULL) != 1)
        return tls_fail_file("trusted certificates", o->ca_file, TLS_TRUSTED);
    if (!o->ca_file && c->verify &&
        SSL_CTX_set_default_verify_paths(native) != 1)
        return tls_fail(RONDO_EPROTO, "the system's trusted certificates");
    return 0;
}

static int set_up(rondo_tls_context *c, const rondo_tls_options *o)
{
    SSL_CTX *native = c->native;
    const int ask = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    if (SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1)
        return tls_fail(RONDO_EPROTO, "TLS 1.2");
    SSL_CTX_set_options(native,
                        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_default_passwd_cb(native, give_password);
    SSL_CTX_set_verify(native, c->verify ? ask : SSL_VERIFY_NONE, NULL);
    /* a server that asks for certificates refuses sessions without one */
    if (SSL_CTX_set_session_id_context(native, (const unsigned char *)"rondo",
                                       5) != 1)
        return tls_fail(RONDO_ENOMEM, "sessions");
    if (c->server && c->alpn_size)
        SSL_CTX_set_alpn_select_cb(native, choose_alpn, c);
    else if (c->alpn_size && SSL_CTX_set_alpn_protos(
                                 native, c->alpn, (unsigned)c->alpn_size) != 0)
        return tls_fail(RONDO_ENOMEM, "ALPN");
    return set_files(c, o);
}

int rondo_tls_context_new(rondo_tls_context **context,
                          const rondo_tls_options *options)
{
    rondo_tls_options o;
    if (!context)
        return rondo_set_error(RONDO_EINVAL, "TLS: nowhere to put the context");
    *context = NULL;
    int error = contrib_options(&o, sizeof o, options, "TLS");
    if (error)
        return error;
    if (o.server && !o.certificate_file)
        return rondo_set_error(RONDO_EINVAL,
                               "TLS: a server needs a certificate_file");
    size_t room = o.alpn ? strlen(o.alpn) + 1 : 0;
    rondo_tls_context *c = calloc(1, sizeof *c + room);
    if (!c)
        return rondo_set_error(RONDO_ENOMEM, "TLS: out of memory");
    c->server = o.server;
    c->verify = o.verify ? o.verify == RONDO_ON : !o.server;
    c->alpn_size = alpn_wire(c->alpn, o.alpn);
    atomic_init(&c->users, 1);
    ERR_clear_error();
    c->between = tls_make_between();
    c->native =
        SSL_CTX_new(o.server ? TLS_server_method() : TLS_client_method());
    if (!c->native || !c->between)
        error = tls_fail(RONDO_ENOMEM, "a context");
    else if (o.alpn && !c->alpn_size)
        error = rondo_set_error(
            RONDO_EINVAL, "TLS: \"%s\" is no list of ALPN's names", o.alpn);
    else
        error = set_up(c, &o);
    if (error)
        rondo_tls_context_free(c);
    else
        *context = c;
    return error;
}
