/* demo_relay.h - the transfer of demo_proxy.c: what its two threads share. */
/* SPDX-License-Identifier: MIT */
#ifndef DEMO_RELAY_H
#define DEMO_RELAY_H

#include "demo.h"

enum {
    RELAY_PERIOD = 1000003, /* of the content: a prime, no buffer divides it */
    RELAY_CHUNK = 65536
};

struct relay_side {
    struct relay *relay;
    struct relay_side *other;
    rondo_transport *t;
};

/* The upper half belongs to the proxy's thread, the lower one to the ends'.
 * What crosses goes by a post. */
struct relay {
    const struct demo *demo;
    const unsigned char *content; /* a period and a chunk; never changes */
    int64_t total;

    rondo_remote *proxy_remote;
    rondo_server *proxy_server;
    rondo_address proxy_address;
    rondo_id deadline;
    struct relay_side in, out;
    int64_t passed, pauses;
    size_t proxy_peak;
    long memory_first_kib, memory_peak_kib;
    int failed;

    rondo_remote *ends_remote;
    rondo_server *sink_server;
    rondo_address sink_address;
    rondo_transport *sink;
    int64_t sent, received, rests;
    size_t source_peak;
    int ends_failed;
};

/* The ends' thread; here and below arg is the relay. */
void relay_ends_thread(void *arg);

/* Posted to the ends: the proxy listens at proxy_address, or never will. */
void relay_proxy_listens(rondo_loop *loop, void *arg);
void relay_proxy_gave_up(rondo_loop *loop, void *arg);

/* Posted to the proxy: the sink listens at sink_address; the thread ends. */
void relay_sink_listens(rondo_loop *loop, void *arg);
void relay_ends_ended(rondo_loop *loop, void *arg);

/* A server on a loopback port of the kernel's choice; 0, or -1. */
int relay_listen(rondo_loop *loop, const rondo_server_options *options,
                 const rondo_protocol *protocol, struct relay *relay,
                 rondo_server **server, rondo_address *address);

void relay_see_peak(size_t *peak, const rondo_transport *t);

#endif
