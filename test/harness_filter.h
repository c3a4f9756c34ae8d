/* harness_filter.h - a toy cipher, as a filter that writes down what happens.
 * SPDX-License-Identifier: MIT
 *
 * On the wire: 'H' and a key in clear, each way; then frames of a two-byte
 * length and that many bytes, xored with the sender's key. Length 0 is the
 * goodbye. An end without one is RONDO_ECONNRESET.
 */
#ifndef RONDO_TEST_HARNESS_FILTER_H
#define RONDO_TEST_HARNESS_FILTER_H

#include "harness.h"
#include "raw_net.h"

enum { TOY_ORDER = 60, TOY_FRAME = 1000 };

/*
 * `order` has a letter a callback: s start, r received (one for a run),
 * e eof_received, w write (one for a run), g write_eof, L lost. That start
 * is first, lost last and each of these once is checked at each callback.
 */
struct toy {
    struct world *w;
    rondo_layer *layer; /* NULL before start and after lost */
    rondo_transport *transport;
    unsigned char key, peer_key;
    bool clear;          /* no hello: ready at once */
    bool late;           /* does not say that it is ready: the test does */
    bool silent;         /* sends no hello */
    bool no_goodbye;     /* sends none, wants none */
    bool hello, goodbye; /* the peer's have come */
    unsigned started, ends, goodbyes, lost;
    int error; /* lost's */
    char last_error[256];
    char order[TOY_ORDER + 1];
    int answer; /* what the next callback returns, < 0: instead of working */
    /* what to do inside each callback, before it works */
    void (*on_start)(struct toy *y);
    void (*on_received)(struct toy *y);
    void (*on_eof)(struct toy *y);
    void (*on_write)(struct toy *y);
    void (*on_write_eof)(struct toy *y);
    void (*on_lost)(struct toy *y);
    void *user;
    /* push's done */
    unsigned done;
    int64_t result;
    void (*on_done)(struct toy *y);
    size_t have; /* of the frame that comes */
    unsigned char frame[TOY_FRAME + 2];
};

extern const rondo_filter toy_filter;

struct toy *test_toy(struct world *w, unsigned char key);
/* pushes it, with done */
void toy_push(rondo_transport *t, struct toy *y);
/* it was started, said goodbye, and then it was lost, all without an error */
void toy_check_whole(const struct toy *y);
/* a setup function whose arg is the toy */
int toy_setup(rondo_transport *t, void *arg);
/* a setup function of a server whose arg is a model: each client's copy is
 * put at model->user (the last one) */
int toy_setup_copy(rondo_transport *t, void *arg);

/* A server whose clients' toys are copies of the model. */
struct listener *toy_serve(struct world *w, struct toy *model);
/* A plain client of it, which need not be closed. */
raw_fd toy_raw_client(struct world *w, const struct listener *l);
/* A connect, with the toy under it; its done is written down in p. */
rondo_id toy_connect(struct world *w, uint16_t port, struct toy *y,
                     struct peer *p, int64_t timeout_ns);

/* Two transports connected with each other, a toy under each; not run yet. */
struct toy_pair {
    struct peer *a, *b;
    struct toy *ya, *yb;
};
struct toy_pair toy_pair(struct world *w, int buffer_bytes);
struct toy_pair toy_pair_ready(struct world *w, int buffer_bytes); /* made */

/* A transport with a toy, whose key is 7, and the plain socket at its other
 * end, which need not be closed. */
struct toy_side {
    struct peer *p;
    struct toy *y;
    raw_fd fd;
};
/* The transport is made, the toy is not pushed yet; buffer_bytes as in
 * test_raw_peer. */
struct toy_side toy_side(struct world *w, int buffer_bytes);
struct toy_side toy_side_pushed(struct world *w); /* on that one */
/* The toy is pushed before the transport is made: nothing has run yet. */
struct toy_side toy_side_new(struct world *w);
/* The handshake is done, with a peer whose key is 1. */
struct toy_side toy_side_ready(struct world *w, int buffer_bytes);

/* What the plain socket at the other end says and hears. */
void toy_raw_hello(raw_fd fd, unsigned char key);
void toy_raw_send(raw_fd fd, unsigned char key, const void *data, size_t size);
void toy_raw_goodbye(raw_fd fd);
/* Runs the loop until that many bytes have come. */
void toy_raw_take(struct world *w, raw_fd fd, void *data, size_t size);
/* ... which must be these. */
void toy_raw_hears(struct world *w, raw_fd fd, const char *bytes, size_t size);
/* Nothing more comes: the end. */
void toy_raw_ends(raw_fd fd);

#endif
