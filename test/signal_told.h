/* signal_told.h - a signal handler that writes down what it is told.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_SIGNAL_TOLD_H
#define RONDO_TEST_SIGNAL_TOLD_H

#include "harness.h"
#include "raw_signal.h"

enum { MOST_SIGNALS = 8, MOST_ORDER = 64 };

struct told {
    struct world *w;
    rondo_loop *loop;
    int numbers[MOST_SIGNALS]; /* that can be sent here */
    int kinds;
    unsigned calls;
    unsigned each[MOST_SIGNALS]; /* calls, by place in numbers */
    int order[MOST_ORDER];       /* the first calls' signals */
    bool inside; /* set by the test: the handler must not run now */
    void (*act)(struct told *t, int signum); /* inside the handler */
    struct told *other;
    unsigned scheduled; /* for count_call */
    int result;
};

/* Skips the test where there are no dispositions; the signal has this one. */
void told_dispose(struct world *w, int signum, enum raw_disposition what);
/* Skips the test where not that many kinds of signals can be sent. */
struct told *told_new(struct world *w, int kinds);
/* ... and all kinds are added. */
struct told *told_of(struct world *w, int kinds);
/* Another one, for that loop. */
struct told *told_more(struct told *t, rondo_loop *loop);
void told_fn(rondo_loop *loop, int signum, void *arg);
void told_add(struct told *t, int signum);
void told_add_all(struct told *t);
void told_send(struct told *t, int signum);
void told_send_all(struct told *t);
/* It is removed, and was there; the disposition is that one then. */
void told_remove(struct told *t, int signum, enum raw_disposition left);

#endif
