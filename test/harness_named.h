/* harness_named.h - pipes by name for tests.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_NAMED_H
#define RONDO_TEST_HARNESS_NAMED_H

#include "harness_dial.h"
#include "raw_local.h"
#include "raw_named.h"

/* A pipe's name that is nobody's yet. Skips the test where the loop has no
 * pipes by name. */
const char *named_name(struct world *w);
struct listener *named_serve(struct world *w, const char *name);
/* With these options, whose path is set. */
struct listener *named_serve_with(struct world *w, const char *name,
                                  rondo_server_options *options);
/* Connected with the server of that name, and made. */
struct peer *named_connect(struct world *w, const char *name);
/* Two transports connected with each other, both made: the client and the
 * server's. */
struct listener *named_pair(struct world *w, struct peer **client,
                            struct peer **served);
/* A plain client of that server, and its peer once it is made. */
raw_fd named_raw_client(struct world *w, struct listener *l, const char *name,
                        struct peer **served);
/* Reads from the plain end, while the loop runs, until something else than
 * bytes comes: 0, the end, or a RAW_.... How many bytes of the pattern there
 * were before goes into *count. */
ptrdiff_t named_drain(struct world *w, raw_fd fd, uint64_t *count);
/* The server is closed and told of it. */
void named_stop(struct world *w, struct listener *l);

#endif
