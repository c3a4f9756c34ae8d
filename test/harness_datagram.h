/* harness_datagram.h - an endpoint whose protocol writes down what happens.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_DATAGRAM_H
#define RONDO_TEST_HARNESS_DATAGRAM_H

#include "harness.h"
#include "raw_datagram.h"
#include "raw_net.h"

/*
 * `order` has a letter a callback: M connection_made, d datagram_received (one
 * for a run of them), X error_received, P pause_writing, R resume_writing,
 * L connection_lost. The order itself (made first, lost last and once, pause
 * and resume alternating) is checked at every callback.
 */
#define ENDPOINT_ORDER 120

struct endpoint {
    struct world *w;
    rondo_datagram *d; /* NULL when lost */
    rondo_address local;
    unsigned made, received, errors, pauses, resumes, lost;
    uint64_t bytes;
    char order[ENDPOINT_ORDER + 1];
    /* of the last datagram */
    unsigned char data[2048];
    const void *lent; /* all its bytes, inside on_data */
    size_t size;
    rondo_address from;
    bool truncated;
    int error;            /* the last one told, connection_lost's in the end */
    char last_error[256]; /* rondo_last_error then */
    uint64_t number;      /* see endpoint_count_up */
    /* what to do inside each callback, after it is written down */
    void (*on_made)(struct endpoint *e);
    void (*on_data)(struct endpoint *e); /* size, from and lent are set */
    void (*on_error)(struct endpoint *e);
    void (*on_pause)(struct endpoint *e);
    void (*on_resume)(struct endpoint *e);
    void (*on_lost)(struct endpoint *e);
    struct endpoint *other;
    void *user;
    uint64_t count;
};

extern const rondo_datagram_protocol datagram_recorder;

struct endpoint *endpoint_new(struct world *w);
int endpoint_create(struct endpoint *e, const rondo_datagram_options *options);
/* A new one that is created so, and not made yet. */
struct endpoint *endpoint_open(struct world *w,
                               const rondo_datagram_options *options);
/* On a port of that address, and made; on 127.0.0.1. Skips the test where there
 * is no IPv6 for it. */
struct endpoint *endpoint_at(struct world *w, const char *ip);
struct endpoint *endpoint_bound(struct world *w);
/* Connected with that address, and made. */
struct endpoint *endpoint_to(struct world *w, const rondo_address *to);
/* The call must fail with that error, say so, and leave nothing. The sentence
 * has these words in it (NULL: any). */
void endpoint_refused(struct world *w, const rondo_datagram_options *options,
                      int error, const char *words);
size_t endpoint_buffered(const struct endpoint *e); /* its write buffer's */
/* Runs until it has received something, the last time that text. */
void endpoint_hears(struct endpoint *e, const char *text);
/* Runs until it is lost, with that error after that order (NULL: any). */
void endpoint_lost(struct endpoint *e, const char *order, int error);
/* Closes it and runs until it is lost. */
void endpoint_end(struct endpoint *e);
/* A hook: each datagram is a number, one higher than the one before. */
void endpoint_count_up(struct endpoint *e);
/* A hook: sends it back. */
void endpoint_echo(struct endpoint *e);
void endpoint_close_it(struct endpoint *e);
void endpoint_abort_it(struct endpoint *e);
extern void (*const endpoint_ends[2])(struct endpoint *e); /* these two */

/* The kernel takes no datagram until endpoint_unblock. Skips the test where
 * sends cannot be made to fail like that. */
void endpoint_block(struct world *w);
void endpoint_unblock(void);
/* A plain socket, which need not be closed. */
raw_fd test_udp(struct world *w);
/* Sends these numbers to it from a plain socket. */
void endpoint_feed(struct endpoint *e, raw_fd from, uint64_t first,
                   uint64_t count);

/* Runs until the plain socket has received a number: which. */
uint64_t endpoint_answer(struct world *w, raw_fd fd);

/* A connected socket of this system hears that nobody has the port it sends
 * to. */
bool test_tells_unreachable(void);

rondo_address endpoint_address(const char *ip, uint16_t port);
/* 127.0.0.1 and a port of the system's choice, for an endpoint to come. */
const rondo_address *endpoint_here(struct world *w);
/* A port of 127.0.0.1 that nobody has, a moment ago. */
rondo_address endpoint_dead(struct world *w);
/* A new path for a socket, for raw_path_drop; false: no unix sockets. */
bool endpoint_path(char *path, size_t size);

#endif
