/* harness_dump.h - what rondo_loop_dump tells, line by line.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_DUMP_H
#define RONDO_TEST_HARNESS_DUMP_H

#include "harness.h"

enum { DUMP_KEPT = 32 };

struct dump {
    struct world *w;
    int count; /* of the lines, of which the first are kept */
    char lines[DUMP_KEPT][256];
};

/* The loop's dump now; each line must be one. */
struct dump *dump_of(struct world *w, rondo_loop *loop);
/* The same of what keeps w->loop running. */
struct dump *dump_explain(struct world *w);
/* How many lines begin like that and have this part. */
int dump_has(const struct dump *d, const char *begin, const char *part);
/* Exactly one begins with that kind and descriptor, and is in this state. */
void dump_check(const struct dump *d, const char *kind, rondo_fd fd,
                const char *state);

#endif
