/* harness_local.h - unix sockets by path, in a folder of the executable's own.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_LOCAL_H
#define RONDO_TEST_HARNESS_LOCAL_H

#include "harness_dial.h"
#include "raw_local.h"
#include "raw_net.h"

/* A name in a folder that is removed at the end, of at most 64 bytes
 * altogether; nothing is there yet. Skips the test where the loop has no unix
 * sockets. */
const char *local_path(struct world *w, const char *name);
struct listener *local_serve(struct world *w, const char *path);
/* Connected with the server at that path, and made. */
struct peer *local_connect(struct world *w, const char *path);
/* Two transports over a socket pair, both made. */
void local_pair(struct world *w, struct peer **a, struct peer **b);
/* One transport, made, and the plain socket at its other end. */
raw_fd local_raw_peer(struct world *w, const rondo_protocol *protocol,
                      struct peer *p);

/* skips the test where the loop cannot pass descriptors */
void local_need_passing(struct world *w);
/* The unix socket at this end, or at the other one, has that name. */
void local_is_at(const rondo_transport *t, const char *name);
void local_peer_is_at(const rondo_transport *t, const char *name);
void local_is_name(const rondo_address *a, const char *name);

/* whether "@name" is no file's name */
bool local_has_abstract_names(void);

#endif
