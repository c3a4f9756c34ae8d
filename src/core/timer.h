/* timer.h - deadlines: a 4-ary array heap with lazy changes. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_TIMER_H
#define RONDO_CORE_TIMER_H

#include "rondo.h"

/* A heap entry is valid while its slot's `entry` equals its `order`: cancel
 * and reschedule touch only the slot, and what they leave behind is dropped
 * when it reaches the top or when it outnumbers the living. */
struct timer_entry {
    int64_t key;
    uint32_t order;
    uint32_t slot;
};

/* As small as can be: a million of them do not fit any cache. */
struct timer_slot {
    int64_t when;
    rondo_fn fn;
    void *arg;
    uint32_t entry; /* order of the heap entry that stands for it */
    uint32_t order; /* rank among equal deadlines */
    uint32_t phase; /* iteration it was scheduled in; free: next free */
    uint32_t generation : 26; /* as in its id; more than any id's: worn out */
    uint32_t live : 1, background : 1;
    uint32_t hidden : 1; /* a handle's, not the program's */
    uint32_t firing : 1; /* its callback runs; it has no heap entry */
    uint32_t repeats : 1;
};

/* What only call_every's timers have; side by side with the slots. */
struct timer_period {
    int64_t period;
    int64_t missed; /* skipped periods */
};

struct timers {
    struct timer_entry *heap; /* the root at TIMER_ROOT */
    struct timer_slot *slots;
    struct timer_period *periods;
    size_t heap_size, heap_room, slots_used, slots_room;
    size_t live, hidden;
    uint32_t free_slot, order, phase;
};

void timers_init(struct timers *timers);
void timers_free(rondo_loop *loop);
/* The earliest deadline, RONDO_NEVER when there is none. */
int64_t timers_next(rondo_loop *loop);
/* An iteration begins: what is scheduled from now on is the next one's. */
void timers_begin(rondo_loop *loop);
/* Runs what is due at the iteration's time, at most `most` of them. */
void timers_run(rondo_loop *loop, unsigned most);
/* An id, or RONDO_ENOMEM. period 0: once. */
rondo_id timers_start(rondo_loop *loop, int64_t when, int64_t period,
                      rondo_fn fn, void *arg);
/* For handles: keeps nothing alive and is not counted as the program's. */
rondo_id timers_start_hidden(rondo_loop *loop, int64_t when, rondo_fn fn,
                             void *arg);
int timers_cancel(rondo_loop *loop, rondo_id id);
int timers_set_background(rondo_loop *loop, rondo_id id, bool background);

#endif
