/* harness_wire.h - a socket of the program's, and operations on it.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_WIRE_H
#define RONDO_TEST_HARNESS_WIRE_H

#include "harness_calls.h"

enum { WIRE_ROOM = 16, WIRE_SMALL = 16384 };

/* Two ends of a TCP connection, non-blocking: the program's and the other one.
 * The end of the test closes both. */
struct wire {
    struct world *w;
    raw_fd fd, other;
    char *room; /* of WIRE_ROOM bytes, for wire_recv */
};

/* bytes: as raw_pair_small; WIRE_SMALL is less than is sent */
struct wire *wire_new(struct world *w, int bytes);

/* Each begins an operation, which must be taken. */
struct call *wire_recv(struct wire *x);
struct call *wire_sendall(struct wire *x, const void *data, size_t size);
struct call *wire_sendfile(struct wire *x, raw_fd file, int64_t offset,
                           int64_t size);
struct call *wire_accept(struct world *w, raw_fd listener);
struct call *wire_connect(struct world *w, raw_fd fd, const rondo_address *to);
struct call *wire_recvfrom(struct world *w, raw_fd fd, void *room, size_t size);
struct call *wire_sendto(struct world *w, raw_fd fd, const void *data,
                         size_t size, const rondo_address *to);

/* The other end sends that; it takes that part of the pattern. */
void wire_hears(struct wire *x, const char *text);
void wire_takes(struct wire *x, uint64_t position, uint64_t size);

/* Kept, and non-blocking: a socket that is not connected, and a listener. */
raw_fd wire_socket(struct world *w);
raw_fd wire_listener(struct world *w, uint16_t *port, int backlog);
rondo_address wire_loopback(uint16_t port);

#endif
