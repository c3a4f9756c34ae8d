/* harness_lent.h - bytes that are lent to a transport until they have left.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_LENT_H
#define RONDO_TEST_HARNESS_LENT_H

#include "harness_calls.h"

/* One write_then: its bytes are the test's again once done was called. */
struct lent {
    struct call call;
    struct peer *p;
    unsigned char *data;
    size_t size;
    unsigned *told; /* shared: how many were told before */
    unsigned place;
    unsigned lost_before;
    void (*act)(struct peer *p); /* inside done */
};

/* That part of the pattern, which is not written yet. */
struct lent *lent_new(struct peer *p, unsigned *told, uint64_t position,
                      size_t size);
/* As rondo_transport_write_then. */
int lent_try(struct lent *n);
/* Both, and it is taken. */
struct lent *lent_write(struct peer *p, unsigned *told, uint64_t position,
                        size_t size);
/* It was told that, once, before connection_lost, with a sentence. */
void lent_ends(const struct lent *n, int64_t result);

#endif
