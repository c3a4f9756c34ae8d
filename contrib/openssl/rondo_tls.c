/* rondo_tls.c - TLS for Rondo's transports, by OpenSSL, as a filter. */
/* SPDX-License-Identifier: MIT */
#include "rondo_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD = 16384 }; /* bytes that one can hold */

struct rondo_tls_context {
    SSL_CTX *native;
    BIO_METHOD *between; /* OpenSSL and a layer */
    atomic_uint users;   /* the program, and each connection */
    bool server, verify;
    size_t alpn_size;
    unsigned char alpn[]; /* as on the wire: a length before each name */
};

/* OpenSSL reads from the bytes that are being received and writes to the layer
 * below: it never touches a descriptor, and never waits. */
struct tls {
    rondo_tls_context *context;
    rondo_layer *layer;
    SSL *ssl;
    const char *bytes; /* what has been received */
    size_t size;       /* and not been read yet */
    int sent;          /* what the layer said to what was written */
    bool open;         /* the handshake is over */
    bool failed;       /* nothing may be asked of it any more */
};

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
        if (!n || n > 255 || list[n + (list[n] != '\0')] == ',')
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

/* ---- OpenSSL's words ---------------------------------------------------- */

/* The first of its errors is the cause; all are taken off its list. */
static int fail(int error, const char *what)
{
    char text[256] = "no reason given";
    unsigned long code = ERR_get_error();
    if (code)
        ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return rondo_set_error(error, "TLS: %s: %s", what, text);
}

static int fail_file(const char *what, const char *file)
{
    char text[300];
    bool missing = ERR_GET_REASON(ERR_peek_error()) == ERR_R_SYS_LIB ||
                   ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SYS;
    snprintf(text, sizeof text, "%s %.200s", what, file);
    return fail(missing ? RONDO_ENOENT : RONDO_EPROTO, text);
}

/* ---- between OpenSSL and a layer ---------------------------------------- */

static int take_received(BIO *bio, char *bytes, size_t room, size_t *taken)
{
    struct tls *s = BIO_get_data(bio);
    *taken = s->size < room ? s->size : room;
    BIO_clear_retry_flags(bio);
    if (!*taken) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(bytes, s->bytes, *taken);
    s->bytes += *taken;
    s->size -= *taken;
    return 1;
}

static int send_down(BIO *bio, const char *bytes, size_t size, size_t *sent)
{
    struct tls *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    s->sent = rondo_layer_send(s->layer, bytes, size);
    *sent = size;
    return s->sent >= 0;
}

/* Of all that a BIO can be told, OpenSSL insists on this one. */
static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *make_between(void)
{
    BIO_METHOD *between = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "rondo");
    if (between) {
        BIO_meth_set_read_ex(between, take_received);
        BIO_meth_set_write_ex(between, send_down);
        BIO_meth_set_ctrl(between, control);
    }
    return between;
}

/* ---- making a context --------------------------------------------------- */

/* Whom the system trusts is a file of some size: only if it is asked. */
static int set_files(const rondo_tls_context *c, const rondo_tls_options *o)
{
    SSL_CTX *native = c->native;
    const char *key = o->key_file ? o->key_file : o->certificate_file;
    if (o->certificate_file &&
        SSL_CTX_use_certificate_chain_file(native, o->certificate_file) != 1)
        return fail_file("certificate", o->certificate_file);
    if (key &&
        (SSL_CTX_use_PrivateKey_file(native, key, SSL_FILETYPE_PEM) != 1 ||
         SSL_CTX_check_private_key(native) != 1))
        return fail_file("key", key);
    if (o->ca_file &&
        SSL_CTX_load_verify_locations(native, o->ca_file, NULL) != 1)
        return fail_file("trusted certificates", o->ca_file);
    if (!o->ca_file && c->verify &&
        SSL_CTX_set_default_verify_paths(native) != 1)
        return fail(RONDO_EPROTO, "the system's trusted certificates");
    return 0;
}

static int set_up(rondo_tls_context *c, const rondo_tls_options *o)
{
    SSL_CTX *native = c->native;
    const int ask = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    if (SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1)
        return fail(RONDO_EPROTO, "TLS 1.2");
    SSL_CTX_set_options(native,
                        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(native, c->verify ? ask : SSL_VERIFY_NONE, NULL);
    /* a server that asks for certificates refuses sessions without one */
    if (SSL_CTX_set_session_id_context(native, (const unsigned char *)"rondo",
                                       5) != 1)
        return fail(RONDO_ENOMEM, "sessions");
    if (c->server && c->alpn_size)
        SSL_CTX_set_alpn_select_cb(native, choose_alpn, c);
    else if (c->alpn_size && SSL_CTX_set_alpn_protos(
                                 native, c->alpn, (unsigned)c->alpn_size) != 0)
        return fail(RONDO_ENOMEM, "ALPN");
    return set_files(c, o);
}

int rondo_tls_context_new(rondo_tls_context **context,
                          const rondo_tls_options *options)
{
    rondo_tls_options o = {0};
    if (context)
        *context = NULL;
    if (!context || (options && options->size < sizeof options->size))
        return rondo_set_error(RONDO_EINVAL, "TLS: no context, or no size");
    if (options)
        memcpy(&o, options,
               options->size < sizeof o ? options->size : sizeof o);
    if (o.server && !o.certificate_file)
        return rondo_set_error(RONDO_EINVAL, "TLS: a server's certificate");
    size_t room = o.alpn ? strlen(o.alpn) + 1 : 0;
    rondo_tls_context *c = calloc(1, sizeof *c + room);
    if (!c)
        return rondo_set_error(RONDO_ENOMEM, "TLS: out of memory");
    c->server = o.server;
    c->verify = o.verify ? o.verify == RONDO_ON : !o.server;
    c->alpn_size = alpn_wire(c->alpn, o.alpn);
    atomic_init(&c->users, 1);
    ERR_clear_error();
    c->between = make_between();
    c->native =
        SSL_CTX_new(o.server ? TLS_server_method() : TLS_client_method());
    int error = 0;
    if (!c->native || !c->between)
        error = fail(RONDO_ENOMEM, "a context");
    else if (o.alpn && !c->alpn_size)
        error = rondo_set_error(RONDO_EINVAL, "TLS: ALPN \"%s\"", o.alpn);
    else
        error = set_up(c, &o);
    if (error)
        rondo_tls_context_free(c);
    else
        *context = c;
    return error;
}

/* ---- the filter --------------------------------------------------------- */

/* An alert that says why has gone out, unless it is the layer that failed. */
static int broken(struct tls *s, const char *what)
{
    long verdict = SSL_get_verify_result(s->ssl);
    s->failed = true;
    if (s->sent >= 0 &&
        (s->open || !s->context->verify || verdict == X509_V_OK))
        return fail(RONDO_EPROTO, what);
    ERR_clear_error();
    if (s->sent < 0)
        return s->sent;
    return rondo_set_error(RONDO_EPROTO, "TLS: %s: certificate refused: %s",
                           what, X509_verify_cert_error_string(verdict));
}

static int handshake(struct tls *s)
{
    ERR_clear_error();
    int result = SSL_do_handshake(s->ssl);
    if (result != 1)
        return SSL_get_error(s->ssl, result) == SSL_ERROR_WANT_READ
                   ? 0
                   : broken(s, "handshake");
    s->open = true;
    return rondo_layer_ready(s->layer);
}

static int start(rondo_layer *layer, void *self)
{
    struct tls *s = self;
    s->layer = layer;
    return handshake(s);
}

/* Delivers what is complete. */
static int read_records(struct tls *s)
{
    char bytes[RECORD];
    for (;;) {
        size_t size;
        ERR_clear_error();
        int result = SSL_read_ex(s->ssl, bytes, sizeof bytes, &size);
        int why = result == 1 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, result);
        if (why == SSL_ERROR_ZERO_RETURN)
            return rondo_layer_deliver_eof(s->layer);
        if (why == SSL_ERROR_WANT_READ)
            return 0;
        if (why != SSL_ERROR_NONE)
            return broken(s, "read");
        int error = rondo_layer_deliver(s->layer, bytes, size);
        if (error < 0)
            return error;
    }
}

static int received(rondo_layer *layer, void *self, const void *data,
                    size_t size)
{
    struct tls *s = self;
    (void)layer;
    if (s->failed)
        return 0;
    s->bytes = data;
    s->size = size;
    int error = s->open ? 0 : handshake(s);
    if (error >= 0 && s->open)
        error = read_records(s);
    s->size = 0; /* what came behind an end */
    return error;
}

static int eof_received(rondo_layer *layer, void *self)
{
    struct tls *s = self;
    if (SSL_get_shutdown(s->ssl) & SSL_RECEIVED_SHUTDOWN)
        return rondo_layer_deliver_eof(layer);
    return rondo_set_error(RONDO_ECONNRESET,
                           s->open ? "TLS: cut off: an end without close_notify"
                                   : "TLS: the peer left in the handshake");
}

static int write_records(rondo_layer *layer, void *self, const void *data,
                         size_t size)
{
    struct tls *s = self;
    size_t written;
    (void)layer;
    ERR_clear_error();
    if (s->failed || SSL_write_ex(s->ssl, data, size, &written) != 1)
        return broken(s, "write");
    return s->sent;
}

static int write_eof(rondo_layer *layer, void *self)
{
    struct tls *s = self;
    (void)layer;
    if (s->failed)
        return 0;
    ERR_clear_error();
    (void)SSL_shutdown(s->ssl); /* the peer's answer is not waited for */
    return s->sent;
}

static void tls_free(struct tls *s)
{
    SSL_free(s->ssl); /* and its BIO */
    rondo_tls_context_free(s->context);
    free(s);
}

static void lost(rondo_layer *layer, void *self, int error)
{
    (void)layer, (void)error, tls_free(self);
}

static const rondo_filter tls_filter = {.start = start,
                                        .received = received,
                                        .eof_received = eof_received,
                                        .write = write_records,
                                        .write_eof = write_eof,
                                        .lost = lost};

/* ---- putting it on a transport ------------------------------------------ */

/* A numeric address is looked for among the certificate's addresses, and is
 * no name for SNI. */
static bool set_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1)
        return true;
    X509_VERIFY_PARAM_set_hostflags(parameters,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 &&
           SSL_set_tlsext_host_name(ssl, host) == 1;
}

static struct tls *tls_new(rondo_tls_context *c)
{
    struct tls *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    atomic_fetch_add(&c->users, 1);
    *s = (struct tls){.context = c, .ssl = SSL_new(c->native)};
    BIO *bio = s->ssl ? BIO_new(c->between) : NULL;
    if (!bio) {
        tls_free(s);
        return NULL;
    }
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio);
    if (c->server)
        SSL_set_accept_state(s->ssl);
    else
        SSL_set_connect_state(s->ssl);
    return s;
}

int rondo_tls_start(rondo_transport *t, rondo_tls_context *context,
                    const char *host, rondo_done_fn done, void *arg)
{
    if (!context)
        return rondo_set_error(RONDO_EINVAL, "TLS: no context");
    if (!context->server && context->verify && (!host || !*host))
        return rondo_set_error(RONDO_EINVAL, "TLS: no host to be checked");
    ERR_clear_error();
    struct tls *s = tls_new(context);
    if (!s)
        return fail(RONDO_ENOMEM, "start");
    if (!context->server && host && !set_host(s->ssl, host)) {
        tls_free(s);
        return fail(RONDO_EINVAL, "host");
    }
    int error = rondo_transport_push_filter(t, &tls_filter, s, done, arg);
    if (error)
        tls_free(s);
    return error;
}

int rondo_tls_client_setup(rondo_transport *t, void *client)
{
    const rondo_tls_client *c = client;
    return rondo_tls_start(t, c ? c->context : NULL, c ? c->host : NULL, NULL,
                           NULL);
}

int rondo_tls_server_setup(rondo_transport *t, void *context)
{
    return rondo_tls_start(t, context, NULL, NULL, NULL);
}

/* ---- questions ---------------------------------------------------------- */

void *rondo_tls_native(const rondo_transport *t)
{
    const struct tls *s = rondo_transport_filter(t, &tls_filter);
    return s ? s->ssl : NULL;
}

size_t rondo_tls_alpn(const rondo_transport *t, const char **name)
{
    SSL *ssl = rondo_tls_native(t);
    const unsigned char *chosen = NULL;
    unsigned size = 0;
    if (ssl)
        SSL_get0_alpn_selected(ssl, &chosen, &size);
    if (name)
        *name = (const char *)chosen;
    return size;
}
