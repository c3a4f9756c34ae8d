/* harness_dial.h - connecting with options of the test's own.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_DIAL_H
#define RONDO_TEST_HARNESS_DIAL_H

#include "harness.h"
#include "raw_net.h"

/* As test_connect_peer, with these options: done is written down in p. */
rondo_id dial(struct world *w, const rondo_connect_options *options,
              struct peer *p);
/* A new peer, which begins to connect so: that must not fail. */
struct peer *dial_new(struct world *w, const rondo_connect_options *options);
/* A new one, whose connect has ended with that error: 0 is a connection. */
struct peer *dial_to(struct world *w, const rondo_connect_options *options,
                     int error);
/* As dial on another loop. */
rondo_id dial_on(rondo_loop *loop, const rondo_connect_options *options,
                 struct peer *p);
/* The call must fail with that error, say so, call nobody and leave nothing;
 * RONDO_OK: with any error. */
void dial_refused(struct world *w, const rondo_connect_options *options,
                  int error);
/* So must a server that is made with these options, with these words in the
 * sentence (NULL: any). */
void serve_refused(struct world *w, const rondo_server_options *options,
                   int error, const char *words);
/* Runs until done and checks its error: 0 is a connection. */
void dial_ends(struct world *w, struct peer *p, int error);

/* Every name has these addresses (a list with a NULL at its end, not copied)
 * on the world's loop from now on, in this order. */
void dial_resolves_to(struct world *w, const char *const *ips);

/* A server on 127.0.0.1 whose port nobody has at that address either, if there
 * is such an address. */
struct listener *dial_serve(struct world *w, const char *other_ip);
/* A black hole there, which the world closes; skips where there is none. */
struct raw_black_hole *dial_hole(struct world *w, const char *ip,
                                 uint16_t port);
rondo_address dial_address(const char *ip, uint16_t port);
/* A port of 127.0.0.1, reserved for all tests, where no one listens; in use for
 * whoever binds it. */
uint16_t dial_dead_port(void);
uint16_t dial_free_port(void); /* one that nobody has, a moment ago */
/* The other end of p's transport has that address. */
void dial_check_peer(const struct peer *p, const char *ip, uint16_t port);
/* The transport of p and the plain socket at its other end pass
 * a few bytes. */
void dial_check_works(struct world *w, struct peer *p, raw_fd other_end);

#endif
