/* harness_named.h - pipes by name for tests.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_NAMED_H
#define RONDO_TEST_HARNESS_NAMED_H

#include "harness_dial.h"
#include "raw_local.h"
#include "raw_named.h"
#include "raw_net.h"

/* A pipe's name that is nobody's yet. Skips the test where the loop has no
 * pipes by name. */
const char *named_name(struct world *w);
struct listener *named_serve(struct world *w, const char *name);
/* Connected with the server of that name, and made. */
struct peer *named_connect(struct world *w, const char *name);
/* Two transports connected with each other, both made: the client's and the
 * server's. */
struct named_pair {
    struct listener *l;
    struct peer *c, *s;
};
struct named_pair named_pair(struct world *w);
/* A plain client of that server, which need not be closed. */
raw_fd named_dial(struct world *w, const struct listener *l);
/* The peer at a server, which is made, and its plain client. */
raw_fd named_raw_pair(struct world *w, struct peer **served);
/* Reads from the plain end, while the loop runs, until something else than
 * bytes comes: 0, the end, or a RAW_.... How many bytes of the pattern there
 * were before goes into *count. */
ptrdiff_t named_drain(struct world *w, raw_fd fd, uint64_t *count);

#endif
