/* harness_datagram.h - an endpoint whose protocol writes down what happens.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_DATAGRAM_H
#define RONDO_TEST_HARNESS_DATAGRAM_H

#include "harness.h"
#include "raw_datagram.h"

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
    size_t size;
    rondo_address from;
    bool truncated;
    int error;            /* the last one told, connection_lost's in the end */
    char last_error[256]; /* rondo_last_error then */
    uint64_t number;      /* see endpoint_count_up */
    /* what to do inside each callback, after it is written down */
    void (*on_made)(struct endpoint *e);
    void (*on_data)(struct endpoint *e, const void *data, size_t size,
                    const rondo_address *from);
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
/* On 127.0.0.1, and made. */
struct endpoint *endpoint_bound(struct world *w);
/* Connected with that address, and made. */
struct endpoint *endpoint_to(struct world *w, const rondo_address *to);
/* The call must fail with that error, say so, and leave nothing. */
void endpoint_refused(struct world *w, const rondo_datagram_options *options,
                      int error);
/* A hook: each datagram is a number, one higher than the one before. */
void endpoint_count_up(struct endpoint *e, const void *data, size_t size,
                       const rondo_address *from);
/* A hook: sends it back. */
void endpoint_echo(struct endpoint *e, const void *data, size_t size,
                   const rondo_address *from);
void endpoint_close_it(struct endpoint *e);
void endpoint_abort_it(struct endpoint *e);

/* Sends these numbers to it from a plain socket. */
void endpoint_feed(struct endpoint *e, raw_fd from, uint64_t first,
                   uint64_t count);

/* A connected socket of this system hears that nobody has the port it sends
 * to. */
bool test_tells_unreachable(void);

rondo_address endpoint_address(const char *ip, uint16_t port);
/* A port of 127.0.0.1 that nobody has, a moment ago. */
rondo_address endpoint_dead(struct world *w);
/* A new path for a socket, for raw_path_drop; false: no unix sockets. */
bool endpoint_path(char *path, size_t size);

#endif
