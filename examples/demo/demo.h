/* demo.h - what the parts of the demo share. */
/* SPDX-License-Identifier: MIT */
#ifndef DEMO_H
#define DEMO_H

#include "rondo.h"

/* How much of everything: 1 the whole, n an n-th. */
struct demo {
    const char *backend;
    int64_t divisor;
    int64_t started_ns; /* of the part that runs, for its progress */
};

/* Each part makes its own loops. 0, or -1 after demo_fail. */
int demo_timers(struct demo *demo);
int demo_posts(struct demo *demo);
int demo_proxy(struct demo *demo);
int demo_clients(struct demo *demo);

/* A loop of the demo's backend; NULL after demo_fail. */
rondo_loop *demo_loop(const struct demo *demo);

/* One line of the account. */
void demo_say(const char *format, ...) RONDO_PRINTF(1, 2);

/* Says why a part failed; returns -1. Any thread. */
int demo_fail(const char *format, ...) RONDO_PRINTF(1, 2);

/* Shows how far a part is, now and then; cheap enough to call often. */
void demo_progress(const char *what, int64_t done, int64_t all);

/* Forgets the progress shown, before a line of the account. */
void demo_progress_end(void);

/* n with thousands apart, in one of a few static buffers. */
const char *demo_count(int64_t n);

/* A monotonic time in ns that needs no loop of one's own. */
int64_t demo_now(void);

/* n things in ns: how many a second. */
int64_t demo_rate(int64_t n, int64_t ns);

#endif
