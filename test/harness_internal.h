/* harness_internal.h - what the parts of the harness know of each other. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_TEST_HARNESS_INTERNAL_H
#define RONDO_TEST_HARNESS_INTERNAL_H

#include "harness.h"

struct memory *memory_new(void);
void memory_free(struct memory *m);
rondo_allocator memory_allocator(struct memory *m);
const char *memory_damage(const struct memory *m); /* NULL: none */

/* Whether it has lasted so many times as long as a test may wait. */
bool out_of_patience(int64_t since_ns, int times);

struct world *test_world(void); /* of the running test */
void arena_free(struct world *w);
void own_end(struct world *w); /* closes what it owns, does test_at_end's */

#endif
