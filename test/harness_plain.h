/* harness_plain.h - a transport whose other end is a plain socket.
 * SPDX-License-Identifier: MIT
 *
 * plain_* speak for the socket, peer_* for the transport.
 */
#ifndef RONDO_TEST_HARNESS_PLAIN_H
#define RONDO_TEST_HARNESS_PLAIN_H

#include "harness_act.h"

/* A transport, made, and the plain socket at its other end: p->fd, which the
 * end of the test closes. buffer_bytes 0 leaves the kernel's buffers as they
 * are. */
struct peer *plain_peer(struct world *w, const rondo_protocol *protocol,
                        int buffer_bytes);
/* The same, before connection_made: the loop has not run. */
struct peer *plain_peer_unmade(struct world *w);

void plain_close(struct peer *p);
void plain_reset(struct peer *p); /* so that the transport sees a reset */
void plain_send(struct peer *p, const char *text);
void plain_send_pattern(struct peer *p, uint64_t position, size_t size);
/* These bytes are the next that it has received. */
void plain_hears(struct peer *p, const char *text);
/* The next are that part of the pattern; the loop runs meanwhile. */
void plain_takes(struct peer *p, uint64_t position, uint64_t size);
/* All that comes is the pattern from its beginning: how much it is, or a
 * negative RAW_... when it does not end with EOF. */
int64_t plain_drain(struct peer *p);

/* That part of the pattern, until the loop is closed. */
unsigned char *test_bytes(struct world *w, uint64_t position, size_t size);
/* Writes that part: 1 when the buffer is over its limit, otherwise 0. */
int peer_write(struct peer *p, uint64_t position, size_t size);
void peer_set_limits(struct peer *p, size_t high, size_t low);
void peer_set_timeouts(struct peer *p, int64_t read_ns, int64_t write_ns);
/* It has received that much of the pattern, and nothing else. */
void peer_got(const struct peer *p, uint64_t size);
/* Closes it: so many bytes of the pattern arrive before an orderly end. */
void peer_finish(struct peer *p, uint64_t sent);

#endif
