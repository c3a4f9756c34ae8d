/* rondo_tls.h - TLS for Rondo's transports, by OpenSSL, as a filter. */
/* SPDX-License-Identifier: MIT */
/**
 * Not part of the library: two files to be compiled with a program that links
 * with OpenSSL (1.1.1 or later). What Rondo promises of filters holds:
 * connection_made waits for the handshake, a connect's timeout covers it, close
 * sends a close_notify, and the protocol does not know.
 *
 * Certificates and host names are checked unless that is turned off. A
 * connection that ends without a close_notify has been cut:
 * connection_lost(RONDO_ECONNRESET). What breaks the protocol, or is not
 * trusted, is RONDO_EPROTO. rondo_last_error then has OpenSSL's own words.
 */
#ifndef RONDO_TLS_H
#define RONDO_TLS_H

#include "rondo.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Certificates, keys and choices, for any number of connections in any
 * threads: an SSL_CTX. */
typedef struct rondo_tls_context rondo_tls_context;

/** RONDO_TLS(.server = true, ...); zero is every member's default. Files are
 * PEM. What is pointed to is needed during the call only. */
typedef struct rondo_tls_options {
    size_t size;
    bool server;
    /** The chain, leaf first, and its key. A server needs them. */
    const char *certificate_file;
    const char *key_file; /**< NULL: in certificate_file */
    const char *ca_file;  /**< who is trusted. NULL: whom the system trusts */
    /** Must the peer have a certificate that is trusted (and, a server's, the
     * host's name)? Default: a client asks for it, a server does not. */
    rondo_switch verify;
    /** "h2,http/1.1": what the client offers; of which the server takes the
     * first in its own list, or none. NULL: no ALPN */
    const char *alpn;
    /** What the key is encrypted with. NULL: a key that is encrypted cannot be
     * used; nobody is asked on a terminal. */
    const char *key_password;
} rondo_tls_options;

/**
 * Makes a context. TLS 1.2 is the least. 0; RONDO_EINVAL (a server without a
 * certificate, an ALPN list that is none), RONDO_ENOENT, RONDO_EACCES or
 * RONDO_EIO (a file that cannot be read), RONDO_EPROTO (one that cannot be
 * used; the sentence says why), RONDO_ENOTSUP (an option of a newer header),
 * RONDO_ENOMEM. Any thread.
 */
int rondo_tls_context_new(rondo_tls_context **context,
                          const rondo_tls_options *options);

/** Connections that use it keep what they need. NULL is ignored. Any thread. */
void rondo_tls_context_free(rondo_tls_context *context);

/**
 * The SSL_CTX, still the context's, for what has no option here; NULL for NULL.
 * Any thread, but OpenSSL wants it changed before connections use it.
 *
 * A server with several certificates makes a context of each. On the one that
 * it serves with it sets SSL_CTX_set_tlsext_servername_callback; that function
 * looks at SSL_get_servername and calls SSL_set_SSL_CTX with another's native,
 * whose certificate, key and ALPN list then count (verify and trust stay the
 * first one's). It must not free that other one while connections are made.
 */
void *rondo_tls_context_native(const rondo_tls_context *context);

/** What rondo_tls_client_setup needs; it must last until that has run. */
typedef struct rondo_tls_client {
    rondo_tls_context *context;
    /** Checked against the certificate: a name, which is also sent as SNI, or
     * a numeric address. A dot at a name's end and a scope (%eth0) are left
     * out. 1 to 255 bytes; NULL only without verify: no check, no SNI. */
    const char *host;
} rondo_tls_client;

/** For rondo_connect_options.setup; setup_arg is a rondo_tls_client, whose host
 * is copied. Errors and thread as rondo_tls_start's. */
int rondo_tls_client_setup(rondo_transport *t, void *client);

/** For rondo_server_options.setup; setup_arg is a rondo_tls_context, which may
 * be freed when the server is closed. Errors and thread as rondo_tls_start's. */
int rondo_tls_server_setup(rondo_transport *t, void *context);

/**
 * TLS from now on, on a connection in use: see rondo_transport_push_filter for
 * what happens to bytes that are under way. host as rondo_tls_client's, copied;
 * on a server's context it is not looked at. done hears how the handshake went,
 * once, unless the call fails. Errors as rondo_transport_push_filter's;
 * RONDO_EINVAL: no context, no host where it is to be checked, or one that
 * cannot be; RONDO_ENOMEM. The loop's thread. As loop.start_tls.
 */
int rondo_tls_start(rondo_transport *t, rondo_tls_context *context,
                    const char *host, rondo_done_fn done, void *arg);

/** The transport's SSL, still its own, until connection_lost has returned; NULL:
 * it has no TLS. The loop's thread. As get_extra_info("ssl_object"). */
void *rondo_tls_native(const rondo_transport *t);

/** What both sides agreed on by ALPN: its size, 0 for nothing. *name is not
 * terminated and lent until connection_lost has returned. The loop's thread. */
size_t rondo_tls_alpn(const rondo_transport *t, const char **name);

#ifndef __cplusplus
#define RONDO_TLS(...)                                                         \
    (&(const rondo_tls_options){.size = sizeof(rondo_tls_options), __VA_ARGS__})
#endif

#ifdef __cplusplus
}
#endif

#endif
