/* rondo_tls.c - TLS for Rondo's transports, by OpenSSL, as a filter. */
/* SPDX-License-Identifier: MIT */
#include "rondo_tls_internal.h"

#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>

enum {
    RECORD = 16384, /* bytes that one can hold */
    HOST_MAX = 255
};

/* OpenSSL reads from the bytes that are being received and writes to the layer
 * below: it never touches a descriptor, and never waits. */
struct tls {
    rondo_tls_context *context;
    rondo_layer *layer;
    SSL *ssl;
    const char *bytes; /* what has been received */
    size_t size;       /* and not been read yet */
    int sent;    /* what the layer said to what was written last, or wrong */
    bool open;   /* the handshake is over */
    bool failed; /* nothing may be asked of it any more */
};

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

/* OpenSSL does not hear of a failure: what the peer sent before can be read
 * all the same. Behind one that was lost no record may follow. */
static int send_down(BIO *bio, const char *bytes, size_t size, size_t *sent)
{
    struct tls *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (s->sent >= 0)
        s->sent = rondo_layer_send(s->layer, bytes, size);
    *sent = size;
    return 1;
}

/* Of all that a BIO can be told, OpenSSL insists on this one. */
static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_make_between(void)
{
    BIO_METHOD *between = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "rondo");
    if (between) {
        BIO_meth_set_read_ex(between, take_received);
        BIO_meth_set_write_ex(between, send_down);
        BIO_meth_set_ctrl(between, control);
    }
    return between;
}

/* ---- the filter --------------------------------------------------------- */

/* An alert that says why has gone out. */
static int broken(struct tls *s, const char *what)
{
    long verdict = SSL_get_verify_result(s->ssl);
    s->failed = true;
    if (s->open || !s->context->verify || verdict == X509_V_OK)
        return tls_fail(RONDO_EPROTO, what);
    ERR_clear_error();
    return rondo_set_error(RONDO_EPROTO, "TLS: %s: certificate refused: %s%s",
                           what, X509_verify_cert_error_string(verdict),
                           tls_advice_on_certificate(verdict));
}

/* What a callback answers: its own failure, or that of what it sent. */
static int outcome(const struct tls *s, int result)
{
    return result >= 0 && s->sent < 0 ? s->sent : result;
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
    return outcome(s, handshake(s));
}

/* Delivers what is complete. */
static int read_records(struct tls *s)
{
    char bytes[RECORD];
    while (s->size || SSL_has_pending(s->ssl)) {
        size_t size;
        tls_forget_errors();
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
    return 0;
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
    return outcome(s, error);
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
    tls_forget_errors();
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

/* As certificates and SNI have it: no dot for the root, no scope. */
static int plain_host(char plain[HOST_MAX + 1], const char *host)
{
    size_t size = strlen(host);
    if (strchr(host, ':'))
        size = strcspn(host, "%");
    else if (size && host[size - 1] == '.')
        size--;
    if (!size || size > HOST_MAX)
        return rondo_set_error(RONDO_EINVAL,
                               "TLS: a host of %zu bytes; 1 to %d are allowed",
                               size, HOST_MAX);
    memcpy(plain, host, size);
    plain[size] = '\0';
    return 0;
}

/* A numeric address is looked for among the certificate's addresses, and is
 * no name for SNI. */
static bool set_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);
    if (!*host || X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1)
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
    if (!context->server && context->verify && !host)
        return rondo_set_error(RONDO_EINVAL, "TLS: no host to be checked");
    char plain[HOST_MAX + 1] = ""; /* none */
    int error = !context->server && host ? plain_host(plain, host) : 0;
    if (error)
        return error;
    ERR_clear_error();
    struct tls *s = tls_new(context);
    if (!s)
        return tls_fail(RONDO_ENOMEM, "start");
    if (!set_host(s->ssl, plain)) {
        tls_free(s);
        return tls_fail(RONDO_ENOMEM, "host");
    }
    error = rondo_transport_push_filter(t, &tls_filter, s, done, arg);
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
