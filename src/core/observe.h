/* observe.h - who looks at what a loop does: debug mode, a tracer, a meter. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_OBSERVE_H
#define RONDO_CORE_OBSERVE_H

#include "core/loop.h"

/* What a loop counts while rondo_loop_set_metering is on. */
struct meter {
    uint64_t bytes_received, bytes_sent;
    uint64_t lag[RONDO_LAG_BUCKETS];
    int64_t lag_most_ns;
    int64_t time_ns[RONDO_ACTIVITIES];
};

/* Something that an observed loop does: it lives on the stack of who does it.
 * The time of those inside it is not its own. */
struct doing {
    rondo_loop *loop;
    struct doing *outer;
    rondo_trace trace; /* of its begin */
    int64_t inner_ns;
};

void observe_begin(rondo_loop *loop, struct doing *d, rondo_activity activity,
                   const char *what, rondo_fn fn, const void *object);
/* The object, and what `what` names, may be gone. `result` is of a wait. */
void observe_end(struct doing *d, int64_t result);
/* The same, of a wait: timeout_ns is how long it may take. */
void observe_wait(rondo_loop *loop, struct doing *d, int64_t timeout_ns);
/* The iteration has ended, whose wait was over at loop->now. */
void observe_iteration(rondo_loop *loop);
/* Runs the done of a task that was taken off the ready list. */
void observe_task(rondo_loop *loop, struct task *task);
/* loop->observed anew, from what is switched on. */
void observe_update(rondo_loop *loop);
/* Frees the meter. */
void observe_close(rondo_loop *loop);

#define OBSERVE_PLAIN(fn) ((rondo_fn)(void (*)(void))(fn))

/* Each call of the program: `call`, a statement, which calls `fn`. One test on
 * the fast path; an observed loop looks before and after. */
#define OBSERVE(in_loop, activity, what, fn, object, call)                     \
    do {                                                                       \
        if ((in_loop)->observed) {                                             \
            struct doing doing_;                                               \
            observe_begin(in_loop, &doing_, activity, what, OBSERVE_PLAIN(fn), \
                          object);                                             \
            call;                                                              \
            observe_end(&doing_, 0);                                           \
        } else {                                                               \
            call;                                                              \
        }                                                                      \
    } while (0)

/* A member of a table of functions, a protocol's. */
#define OBSERVE_MEMBER(in_loop, object, table, member, ...)                    \
    OBSERVE(in_loop, RONDO_DOES_PROTOCOL, #member, (table)->member, object,    \
            (table)->member(__VA_ARGS__))

/* What a call of the program's ends with, named after that call. */
#define OBSERVE_DONE(in_loop, what, fn, ...)                                   \
    OBSERVE(in_loop, RONDO_DOES_DONE, what, fn, NULL, (fn)(__VA_ARGS__))

static inline void observe_received(const rondo_loop *loop, int64_t count)
{
    if (loop->metering && count > 0)
        loop->meter->bytes_received += (uint64_t)count;
}

static inline void observe_sent(const rondo_loop *loop, int64_t count)
{
    if (loop->metering && count > 0)
        loop->meter->bytes_sent += (uint64_t)count;
}

#endif
