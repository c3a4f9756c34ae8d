/* timer.h - deadlines: a 4-ary heap in an array, with lazy changes. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_TIMER_H
#define RONDO_CORE_TIMER_H

#include "system.h"

#include "rondo.h"

/* A timer is a slot, and an entry of the heap that stands for it. An entry is
 * valid while its `order` equals the `entry` of its slot; else it is dead.
 * So most changes touch the slot alone:
 *   cancelled: the slot is freed, which leaves a dead entry;
 *   later: the slot gets the new deadline, the entry keeps its old key and is
 *       moved when it reaches the top;
 *   earlier: a second entry is pushed, which leaves the first one dead.
 * Dead entries are dropped when they reach the top, or all at once when they
 * outnumber the live timers. */
struct timer_entry {
    int64_t key; /* a valid entry's: never later than its slot's deadline */
    uint32_t order;
    uint32_t slot;
};

/* As small as possible: a million of them do not fit into any cache. */
struct timer_slot {
    int64_t when; /* the deadline */
    rondo_fn fn;
    void *arg;
    uint32_t entry; /* the order of the valid entry */
    uint32_t order; /* the rank among equal deadlines; entry: nothing is lazy */
    union {
        uint32_t iteration; /* live: the one that has scheduled it */
        uint32_t next_free; /* free: the next one, or ID_NO_SLOT */
    };
    uint32_t generation : 26; /* one bit more than in an id: used up */
    uint32_t live : 1, background : 1;
    uint32_t hidden : 1;  /* the library's own: not counted as the program's */
    uint32_t firing : 1;  /* its callback runs; no entry stands for it */
    uint32_t repeats : 1; /* call_every */
    uint32_t release : 1; /* has a release (release.h) */
};

/* What only a timer of call_every needs; by slot, in an array of its own. */
struct timer_period {
    int64_t period;
    int64_t missed; /* periods that were skipped */
};

struct timers {
    struct timer_entry *heap; /* its root is at TIMER_ROOT (timer.c) */
    struct timer_slot *slots;
    struct timer_period *periods;
    size_t heap_size; /* entries, dead ones among them */
    size_t heap_room, slots_used, slots_room;
    size_t live;        /* slots that are live */
    size_t hidden;      /* of these, those that are hidden */
    uint32_t free_slot; /* the first free slot, or ID_NO_SLOT */
    uint32_t order;     /* the last one given; they wrap around */
};

/* All functions are for the loop's thread. */

void timers_init(struct timers *timers);
/* Ends all timers, without calling them, and frees the memory. */
void timers_free(rondo_loop *loop);

/* The earliest deadline, or RONDO_NEVER if there is none. */
int64_t timers_next(rondo_loop *loop);
/* Calls the timers that are due at loop->now, at most `most` of them, but none
 * that was scheduled in this iteration. */
void timers_run(rondo_loop *loop, unsigned most);

/* Starts a timer. A period that is not 0 repeats it. A deadline in the past
 * counts as loop->now. Returns its id, or RONDO_ENOMEM with a sentence. */
rondo_id timers_start(rondo_loop *loop, int64_t when, int64_t period,
                      rondo_fn fn, void *arg);
/* The same for the library: the timer does not keep rondo_loop_run running and
 * is not counted as the program's. */
rondo_id timers_start_hidden(rondo_loop *loop, int64_t when, rondo_fn fn,
                             void *arg);

/* Counts the live timers that keep rondo_loop_run running. For assertions: not
 * in a build with NDEBUG. */
size_t timers_count_alive(const struct timers *timers);

/* These return 0, or RONDO_ENOENT without a sentence: no timer waits by this
 * id. A timer whose callback runs cannot be cancelled any more. */
int timers_cancel(rondo_loop *loop, rondo_id id);
int timers_set_background(rondo_loop *loop, rondo_id id, bool background);
/* The same, or RONDO_ENOMEM with a sentence. */
int timers_set_release(rondo_loop *loop, rondo_id id, rondo_fn fn);

#endif
