/* harness_example.h - an example as a program beside the test.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_EXAMPLE_H
#define RONDO_TEST_HARNESS_EXAMPLE_H

#include "harness.h"
#include "raw_program.h"

/* That example with these words behind it, on this backend, by RONDO_BACKEND.
 * folder NULL: the one of examples/; the test is skipped where that was not
 * built. */
struct raw_program *example_start(struct world *w, const char *folder,
                                  const char *name, const char *const *words);
/* Waits until it has said that: what is behind it. */
const char *example_says(struct world *w, struct raw_program *p,
                         const char *what);
/* The port that it listens at. */
uint16_t example_port(struct world *w, struct raw_program *p);
/* Waits for its end, with that exit code. */
void example_ends(struct world *w, struct raw_program *p, int code);
/* Ends it as Ctrl-C does. */
void example_stop(struct world *w, struct raw_program *p);

#endif
