/* harness_log.h - callbacks that write down that they ran, and in which order.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_LOG_H
#define RONDO_TEST_HARNESS_LOG_H

#include "harness.h"

enum { LOG_MOST = 4096 };

/* Numbers in the order in which things ran. */
struct log {
    struct world *w;
    unsigned count;
    int order[LOG_MOST];
    uint64_t iterations[LOG_MOST];
};

/* One of the things: arg of log_run. */
struct note {
    struct log *log;
    int number;
    int64_t not_before; /* by the loop's clock, else it is early */
    rondo_id id;
    unsigned fired;
    struct note *next; /* goes to call_soon when this one runs */
};

struct log *log_new(struct world *w);
struct note *note_new(struct log *l, int number);
void log_run(rondo_loop *loop, void *arg);
/* Exactly these have run, in this order: LOG_CHECK(l, 1, 2, 3). */
#define LOG_CHECK(l, ...)                                                      \
    log_check(l, (const int[]){__VA_ARGS__}, COUNT_OF(((int[]){__VA_ARGS__})))
void log_check(const struct log *l, const int *order, unsigned count);

#endif
