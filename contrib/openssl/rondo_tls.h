/* rondo_tls.h - TLS for Rondo's transports, by OpenSSL, as a filter. */
/* SPDX-License-Identifier: MIT */
/**
 * A filter (rondo_filter) that speaks TLS by OpenSSL, 1.1.1 or later. What Rondo
 * promises of filters holds: connection_made waits for the handshake, a
 * connect's timeout covers the handshake, close sends a close_notify, and the
 * protocol sees plain bytes.
 *
 * Certificates and host names are checked unless `verify` turns that off. A
 * connection that ends without a close_notify was cut: connection_lost gets
 * RONDO_ECONNRESET. A peer that breaks the protocol, or whose certificate is not
 * trusted, is RONDO_EPROTO; rondo_last_error then has OpenSSL's words.
 *
 *     rondo_tls_context_new(&context, RONDO_TLS(.ca_file = "ca.pem"));
 *     rondo_tls_client client = {.context = context, .host = "example.org"};
 *     rondo_create_connection(loop,
 *                             RONDO_CONNECT(.host = "example.org", .port = 443,
 *                                           .setup = rondo_tls_client_setup,
 *                                           .setup_arg = &client),
 *                             &protocol, NULL, connected, NULL);
 *
 * Stability: may change; since 0.1.
 */
#ifndef RONDO_TLS_H
#define RONDO_TLS_H

#include "rondo.h"

#if defined(_WIN32) && defined(RONDO_TLS_SHARED)
#ifdef RONDO_TLS_BUILDING
#define RONDO_TLS_API __declspec(dllexport)
#else
#define RONDO_TLS_API __declspec(dllimport)
#endif
#elif defined(__GNUC__) && defined(RONDO_TLS_BUILDING)
#define RONDO_TLS_API __attribute__((__visibility__("default")))
#else
#define RONDO_TLS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Certificates, keys and settings for any number of connections, in any
 * threads: an SSL_CTX. */
typedef struct rondo_tls_context rondo_tls_context;

/** How a context is made; RONDO_TLS(.server = true, ...). Zero is the default of
 * every member. Files are PEM. What is pointed at is needed during the call
 * only. */
typedef struct rondo_tls_options {
    size_t size;
    bool server; /**< For a server's connections; else for a client's. */
    /** The certificate chain, leaf first. A server needs one. */
    const char *certificate_file;
    const char *key_file; /**< Its key. NULL: in certificate_file. */
    /** Certificates that are trusted. NULL: those that the system trusts. */
    const char *ca_file;
    /** Whether the peer must have a trusted certificate; a server's must also
     * carry the host's name. Default: on for a client, off for a server. */
    rondo_switch verify;
    /** The protocols for ALPN, such as "h2,http/1.1". A client offers them. A
     * server takes the first of its own list that the client offers, or none.
     * NULL: no ALPN. */
    const char *alpn;
    /** The password of the key file. NULL: an encrypted key is an error; the
     * terminal is not asked. */
    const char *key_password;
} rondo_tls_options;

/**
 * Makes a context. TLS 1.2 is the oldest version that it accepts. Any thread.
 *
 * Returns 0, or an error; rondo_last_error says why:
 * - RONDO_EINVAL: a server without a certificate, or a malformed ALPN list
 * - RONDO_ENOENT, RONDO_EACCES, RONDO_EIO: a file cannot be read
 * - RONDO_EPROTO: a file cannot be used; the sentence says why
 * - RONDO_ENOTSUP: an option of a newer header
 * - RONDO_ENOMEM
 */
RONDO_TLS_API int rondo_tls_context_new(rondo_tls_context **context,
                                        const rondo_tls_options *options);

/** Frees a context. Connections that use it keep what they need. NULL is
 * ignored. Any thread. */
RONDO_TLS_API void rondo_tls_context_free(rondo_tls_context *context);

/**
 * Returns the SSL_CTX, still the context's, for settings without an option here;
 * NULL for NULL. Any thread, but OpenSSL requires that it is changed before
 * connections use it.
 *
 * A server with several certificates makes a context for each. On the context
 * that it serves with, it sets SSL_CTX_set_tlsext_servername_callback. That
 * function reads SSL_get_servername and calls SSL_set_SSL_CTX with the native
 * pointer of another context: its certificate, key and ALPN list then count;
 * verify and trust stay those of the first context. The other context must not
 * be freed while connections are made.
 */
RONDO_TLS_API void *rondo_tls_context_native(const rondo_tls_context *context);

/** What rondo_tls_client_setup needs. It must stay until that has run. */
typedef struct rondo_tls_client {
    rondo_tls_context *context; /**< Of rondo_tls_context_new. */
    /** The name that the certificate must have: a host name, which is also sent
     * as SNI, or a numeric address. A dot at its end and a scope (%eth0) are
     * left out. It has 1 to 255 bytes. NULL is allowed only without verify: no
     * check and no SNI. */
    const char *host;
} rondo_tls_client;

/** Starts TLS as a client: the `setup` of rondo_connect_options, whose
 * `setup_arg` is a rondo_tls_client. The host is copied. Returns as
 * rondo_tls_start. */
RONDO_TLS_API int rondo_tls_client_setup(rondo_transport *t, void *client);

/** Starts TLS as a server: the `setup` of rondo_server_options, whose
 * `setup_arg` is a rondo_tls_context. The context may be freed when the server
 * is closed. Returns as rondo_tls_start. */
RONDO_TLS_API int rondo_tls_server_setup(rondo_transport *t, void *context);

/**
 * Starts TLS on a connection in use. rondo_transport_push_filter says what
 * happens to bytes that are under way. `host` is that of rondo_tls_client, and is
 * copied; with a server's context it is ignored. done is called once, when the
 * handshake has succeeded or failed.
 *
 * Returns 0, or an error, and done is not called:
 * - RONDO_EINVAL: no context; no host although it is to be checked; a host that
 *   cannot be one
 * - RONDO_ENOMEM
 * - the errors of rondo_transport_push_filter
 *
 * As asyncio's loop.start_tls.
 */
RONDO_TLS_API int rondo_tls_start(rondo_transport *t,
                                  rondo_tls_context *context, const char *host,
                                  rondo_done_fn done, void *arg);

/** Returns the transport's SSL, still the transport's, valid until
 * connection_lost has returned; NULL: the transport has no TLS. As asyncio's
 * get_extra_info("ssl_object"). */
RONDO_TLS_API void *rondo_tls_native(const rondo_transport *t);

/** Returns the size of the protocol that both sides have agreed on by ALPN; 0:
 * none. *name points at it until connection_lost has returned; no NUL byte
 * follows. */
RONDO_TLS_API size_t rondo_tls_alpn(const rondo_transport *t,
                                    const char **name);

#ifndef __cplusplus
/** A rondo_tls_options in place: RONDO_TLS(.server = true, ...). */
#define RONDO_TLS(...)                                                         \
    (&(const rondo_tls_options){.size = sizeof(rondo_tls_options), __VA_ARGS__})
#endif

#ifdef __cplusplus
}
#endif

#endif
