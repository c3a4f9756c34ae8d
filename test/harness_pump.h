/* harness_pump.h - pumps of tests.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_PUMP_H
#define RONDO_TEST_HARNESS_PUMP_H

#include "harness.h"

/* What a pump has told. */
struct pumping {
    rondo_id id;
    unsigned done;
    uint64_t moved;
    int error;
};

/* Done; arg is a struct pumping. */
void pumped(rondo_loop *loop, void *arg, uint64_t moved, int error);
/* From one peer's transport to the other's: has begun, and told nothing. */
struct pumping *pump(struct world *w, struct peer *from, struct peer *to,
                     int64_t size, unsigned flags);
/* Waits until it has told this, once, and its id is no longer valid. */
void pump_ends(struct world *w, struct pumping *p, uint64_t moved, int error);
void pump_close_both(struct peer *a, struct peer *b);

#endif
