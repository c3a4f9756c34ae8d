/* embed_main.h - a main loop of somebody else's, with one of ours inside.
 * SPDX-License-Identifier: MIT
 *
 * The main loop is another one of Rondo's, on any backend, used as no more
 * than a poll(2) with a timeout: it watches what rondo_loop_prepare told, and
 * where the backend refuses that, what rondo_loop_prepare_poll told.
 */
#ifndef RONDO_TEST_EMBED_MAIN_H
#define RONDO_TEST_EMBED_MAIN_H

#include "harness.h"

enum { EMBED_MOST = 512 };

struct embed {
    struct world *w;
    rondo_loop *inner, *outer;
    rondo_loop_wait wait;
    rondo_poll_entry list[EMBED_MOST]; /* where there is no one descriptor */
    int listed;
    bool watched, ready;
    unsigned ran, waits;
};

/* ends the test as skipped where the backend has no one descriptor */
void embed_need(struct world *w);
struct embed *embed_new(struct world *w);
struct embed *embed_in(struct world *w, const char *backend);
void embed_prepare(struct embed *e);
/* the main loop's own wait: is there anything to do inside? */
bool embed_wait(struct embed *e, int64_t ns);
/* one turn of the main loop */
void embed_turn(struct embed *e);
/* until the inner loop has nothing to do but wait; prepared */
void embed_settle(struct embed *e);
void embed_finish(struct embed *e);
/* prepares by rondo_loop_prepare_poll, whatever the backend can */
void embed_list(struct embed *e);

#define TURN_UNTIL(e, condition)                                               \
    do {                                                                       \
        int64_t end_ =                                                         \
            raw_now_ns() + RONDO_MS(TEST_DEADLINE_MS) * test_slowness();       \
        while (!(condition)) {                                                 \
            embed_turn(e);                                                     \
            if (raw_now_ns() > end_)                                           \
                test_fail((e)->w, "still not: %s", #condition);                \
        }                                                                      \
    } while (0)

/* for what is scheduled: arg is an unsigned */
void embed_count(rondo_loop *loop, void *arg);
void embed_count_fd(rondo_loop *loop, rondo_fd fd, void *arg);

#endif
