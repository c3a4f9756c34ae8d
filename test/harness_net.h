/* harness_net.h - servers, clients and pairs for tests; harness.h has it.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_NET_H
#define RONDO_TEST_HARNESS_NET_H

#include "harness.h"

/* A server on 127.0.0.1. Each connection gets a peer copied from `model`. */
struct listener {
    struct world *w;
    rondo_server *server; /* NULL after closed */
    uint16_t port;
    const char *name;  /* its path, or NULL */
    struct peer model; /* hooks and answers for peers to come */
    const rondo_protocol *protocol;
    struct peer *first, *last; /* in order of arrival */
    unsigned count;
    unsigned closed; /* calls of closed */
};

struct listener *test_serve(struct world *w);
/* With these options: what they lack of a host, a factory and `closed` is
 * added. */
struct listener *test_serve_with(struct world *w,
                                 const rondo_protocol *protocol,
                                 const rondo_server_options *options);

/* closes it and waits until it is gone */
void test_stop(struct listener *l);
/* What the loop's exception handler is told from now on; the last one. */
struct trouble {
    unsigned count;
    int error;
    rondo_server *server;
    char message[512];
};
struct trouble *test_trouble(struct world *w);
/* Runs until it has been told so often, the last time that error with these
 * words (NULL: any). */
void test_trouble_comes(struct world *w, const struct trouble *told,
                        unsigned count, int error, const char *words);
/* closes it, the last one of the loop, and waits until it is gone */
void test_close_server(struct world *w, rondo_server *server);

/* A client peer of that port, not yet connected: run until p->connected. */
struct peer *test_connect(struct world *w, uint16_t port);
rondo_id test_connect_peer(struct world *w, uint16_t port,
                           const rondo_protocol *protocol, struct peer *p);

/* A client of that server, made at both ends, which are each other's `other`. */
struct peer *test_client(struct world *w, struct listener *l);

/* Puts a raw socket under a transport of w->loop: the peer's from now on. */
void test_adopt(struct world *w, raw_fd fd, const rondo_protocol *protocol,
                struct peer *p);
/* Two transports connected with each other, both made. */
void test_pair(struct world *w, struct peer **a, struct peer **b);
void test_pair_with(struct world *w, const rondo_protocol *protocol_a,
                    struct peer *a, const rondo_protocol *protocol_b,
                    struct peer *b, int buffer_bytes);
/* One transport, made, and the plain socket at its other end; buffer_bytes 0
 * leaves the kernel's buffers as they are. */
raw_fd test_raw_peer(struct world *w, const rondo_protocol *protocol,
                     struct peer *p, int buffer_bytes);
/* writes until the kernel takes no more and something is buffered */
uint64_t test_fill_transport(struct world *w, struct peer *p);
/* sends that part of the pattern while the loop runs */
void test_send_raw(struct world *w, raw_fd fd, uint64_t position, size_t size);
/* Both send that much of the pattern, as fast as the transports take it, and
 * pause reading now and then. */
void test_exchange(struct world *w, struct peer *a, struct peer *b,
                   uint64_t size);
/* Writes that much of the pattern, in such pieces, as fast as the transport
 * takes them. */
void test_write_pattern(struct world *w, struct peer *p, uint64_t size,
                        size_t piece);
/* runs the loop until the kernel takes no more of p's buffer: its size then */
size_t test_settle(struct world *w, const struct peer *p);
/* reads all that arrives until EOF, checking the pattern: the count, or a
 * negative RAW_... when it did not end with EOF */
int64_t test_drain_raw(struct world *w, raw_fd fd, uint64_t position);
/* runs until the plain socket sees the end, with or without a reset, and no
 * byte before it */
void test_ends_raw(struct world *w, raw_fd fd);
/* reads that many bytes of the pattern; fewer only when the end came before */
uint64_t test_drain_raw_some(struct world *w, raw_fd fd, uint64_t position,
                             uint64_t size);

/* Whether the loop watches the descriptor and calls; a refusal must be that
 * error, and say why. */
bool test_watches(struct world *w, raw_fd fd, int refusal);

#endif
