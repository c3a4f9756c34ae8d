/* harness_later.h - bytes that a callback writes, and when they leave.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_LATER_H
#define RONDO_TEST_HARNESS_LATER_H

#include "harness_plain.h"

/* What a callback of the loop's does with a transport. */
void later_from_the_loop(struct peer *p, rondo_fn fn);
/* Writes them one by one. */
void later_in_bytes(struct peer *p, uint64_t position, size_t size);
/* The next bytes that its peer has, though the loop does not run. */
void later_has_left(struct peer *p, uint64_t position, size_t size);
/* Writes the first ten so; arg is the peer. */
void later_write_ten(rondo_loop *loop, void *arg);

#endif
