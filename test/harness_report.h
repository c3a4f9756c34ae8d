/* harness_report.h - an exception handler that writes down what it is told.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_REPORT_H
#define RONDO_TEST_HARNESS_REPORT_H

#include "harness.h"

enum { REPORT_KEPT = 64 };

struct report {
    struct world *w;
    rondo_loop *loop;
    unsigned count;
    char messages[REPORT_KEPT][256]; /* the first ones */
    int error;                       /* the last one's, as what follows */
    int64_t os_error;
    const void *about; /* the server or the transport */
    bool default_too;  /* set by the test: the default handler is called, too */
};

/* From now on w->loop's handler, or that loop's. */
struct report *report_new(struct world *w);
struct report *report_on(struct world *w, rondo_loop *loop);
bool report_has(const struct report *r, const char *part);

#endif
