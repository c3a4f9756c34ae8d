/* harness_dial.h - connecting with options of the test's own.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_DIAL_H
#define RONDO_TEST_HARNESS_DIAL_H

#include "harness.h"

/* As test_connect_peer, with these options: done is written down in p. */
rondo_id dial(struct world *w, const rondo_connect_options *options,
              struct peer *p);
/* The same on another loop. */
rondo_id dial_on(rondo_loop *loop, const rondo_connect_options *options,
                 struct peer *p);
/* The call must fail with that error, say so, call nobody and leave nothing;
 * RONDO_OK: with any error. */
void dial_refused(struct world *w, const rondo_connect_options *options,
                  int error);
/* Runs until done and checks its error: 0 is a connection. */
void dial_ends(struct world *w, struct peer *p, int error);

/* Every name has these addresses (a list with a NULL at its end, not copied)
 * on the world's loop from now on, in this order. */
void dial_resolves_to(struct world *w, const char *const *ips);

rondo_address dial_address(const char *ip, uint16_t port);
/* A port of 127.0.0.1, reserved for all tests, where no one listens; in use for
 * whoever binds it. */
uint16_t dial_dead_port(void);
uint16_t dial_free_port(void); /* one that nobody has, a moment ago */
/* The transport of p and the plain socket at its other end pass
 * a few bytes. */
void dial_check_works(struct world *w, struct peer *p, raw_fd other_end);

#endif
