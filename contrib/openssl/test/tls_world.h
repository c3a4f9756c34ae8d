/* tls_world.h - what the tests of TLS share: contexts, servers, clients. */
/* SPDX-License-Identifier: MIT */
#ifndef TLS_WORLD_H
#define TLS_WORLD_H

#include "harness.h"
#include "rondo_tls.h"

/* A file that make-certificates made; static, of the last call. */
const char *tls_file(const char *name);

/* Contexts of the given certificate ("valid"); NULL: none. They trust ca.pem,
 * and are freed by tls_free. */
struct tls_pair {
    rondo_tls_context *server, *client;
};
struct tls_pair tls_pair(const char *certificate);
void tls_free(struct tls_pair *pair);

struct listener *tls_serve(struct world *w, rondo_tls_context *context);
/* p->connected comes; host is what the certificate is checked for. */
rondo_id tls_connect(struct world *w, uint16_t port, rondo_tls_context *context,
                     const char *host, struct peer *p);

/* A connect's done: writes down in arg, a peer, how it went. */
void tls_connected(rondo_loop *loop, void *arg, rondo_transport *t, int error);

/* Both sides connected, over a pair of sockets. */
void tls_peers(struct world *w, const struct tls_pair *pair, struct peer *a,
               struct peer *b, int buffer_bytes);

/* What the exception handler was told last. */
struct tls_told {
    unsigned count;
    int error;
    char message[512];
};
struct tls_told *tls_listen_for_trouble(struct world *w);

#endif
