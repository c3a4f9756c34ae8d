/* tls_world.h - what the tests of TLS share: contexts, servers, clients. */
/* SPDX-License-Identifier: MIT */
#ifndef TLS_WORLD_H
#define TLS_WORLD_H

#include "harness_dial.h"
#include "rondo_tls.h"

/* A file that make-certificates made. */
const char *tls_file(struct world *w, const char *name);

/* A context with these options, which must be right. It is freed when the test
 * has ended. */
rondo_tls_context *tls_context(struct world *w,
                               const rondo_tls_options *options);
/* Contexts of the given certificate ("valid"), which trust ca.pem. */
struct tls_pair {
    rondo_tls_context *server, *client;
};
struct tls_pair tls_pair(struct world *w, const char *certificate);

struct listener *tls_serve(struct world *w, rondo_tls_context *context);
/* Begins to connect; host is what the certificate is checked for. */
struct peer *tls_connect(struct world *w, const struct listener *l,
                         rondo_tls_context *context, const char *host);

/* Starts TLS on a transport as a client of localhost, or as a server. */
void tls_start_client(struct peer *p, rondo_tls_context *context);
void tls_start_server(struct peer *p, rondo_tls_context *context);

/* Both sides connected, over a pair of sockets. */
struct tls_peers {
    struct tls_pair tls;
    struct peer *a, *b; /* client, server */
};
struct tls_peers tls_peers(struct world *w, int buffer_bytes);

/* Two pairs of sockets, and the test carries the bytes between them. */
struct tls_wire {
    struct peer *client, *server;    /* connected: the handshake is done */
    raw_fd from_client, from_server; /* need not be closed */
    size_t to_server, to_client;     /* bytes that may still be carried */
    size_t taken_by_server, taken_by_client;
};
struct tls_wire tls_wire(struct world *w, const struct tls_pair *tls);
/* Carries what is there; false: nothing was. */
bool tls_wire_carry(struct tls_wire *x);
/* Carries until both are ready, or one has had all that it may have. */
bool tls_wire_shake_hands(struct world *w, struct tls_wire *x);
/* Carries for a while: what follows the handshake. */
void tls_wire_settle(struct world *w, struct tls_wire *x);

#endif
