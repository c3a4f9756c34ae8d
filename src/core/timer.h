/* timer.h - deadlines: a timing wheel, and a heap of the next ones. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_TIMER_H
#define RONDO_CORE_TIMER_H

#include "system.h"

#include "rondo.h"

/* Time is cut into ticks. The wheel has opened all ticks up to `tick`: their
 * timers are in the heap, sorted. Those of later ticks are in the lists of the
 * wheel, unsorted, so starting and cancelling one costs the same whatever their
 * number. A list of level 0 holds one tick, one of level n 256^n ticks. It is
 * opened when its first tick comes: its timers go to lists of lower levels or
 * to the heap, a bounded number an iteration.
 *
 * A timer that is moved to a later deadline stays where it is. It is filed anew
 * when its old deadline is due. */
enum {
    TIMER_TICK_BITS = 16, /* a tick has 2^16 ns, 66 us */
    TIMER_DIGIT_BITS = 8, /* of the number of a tick, a level each */
    TIMER_LEVELS = 6,     /* all of the 63 - 16 bits */
    TIMER_OPENING = TIMER_LEVELS << TIMER_DIGIT_BITS, /* this one is opened */
    TIMER_LISTS
};

enum timer_flag {
    TIMER_BACKGROUND = 1,
    TIMER_HIDDEN = 2,  /* the library's own: not counted as the program's */
    TIMER_REPEATS = 4, /* call_every */
    TIMER_RELEASE = 8  /* has a release (release.h) */
};

/* An entry of the heap. */
struct timer_entry {
    int64_t key;    /* the deadline, or an earlier one that was moved */
    uint32_t order; /* the slot's; differs: it was moved */
    uint32_t slot;
};

/* As small as possible: a million of them do not fit into any cache. */
struct timer_slot {
    rondo_id id;  /* free: the next one, with the bits of the slot inverted, so
                     that no id equals it */
    int64_t when; /* the deadline */
    rondo_fn fn;
    void *arg;      /* repeats: its struct timer_period */
    uint32_t next;  /* in a list: the next slot; in the heap: the place */
    uint32_t prev;  /* in a list: the one before; else enum timer_where */
    uint32_t order; /* the rank among equal deadlines */
    uint32_t flags; /* enum timer_flag; 0 on the fast path */
};

/* 64 slots that follow each other. Free ones are taken group by group, so that
 * timers started together lie together, whatever was cancelled before. */
struct timer_group {
    uint64_t free; /* a bit each */
    uint32_t next; /* the next group with free slots, or ID_NO_SLOT */
};

struct timers {
    int64_t next;   /* no timer is due before; RONDO_NEVER: there is none */
    bool vague;     /* the next one may well be later: timers_look finds out */
    uint32_t order; /* the last one given; they wrap around */
    uint32_t mark;  /* the last one given before this iteration */
    uint32_t free_group; /* the first one with free slots, or ID_NO_SLOT */
    uint32_t last_group; /* the last one of them, if there is one */
    struct timer_slot *slots;
    struct timer_group *groups;
    size_t slots_used;
    int64_t tick;    /* the last one that was opened */
    uint32_t *lists; /* the first slot of each, or ID_NO_SLOT */
    uint64_t used[TIMER_LISTS / 64 + 1]; /* the lists that are not empty */
    uint32_t used_words;                 /* the words of these that are not 0 */
    uint32_t firing;          /* the slot whose callback runs, or ID_NO_SLOT */
    int64_t fired;            /* its deadline */
    size_t live;              /* slots that are live */
    size_t hidden;            /* of these, those that are hidden */
    struct timer_entry *heap; /* its root is at TIMER_ROOT (timer.c) */
    size_t heap_size;
    size_t room; /* of slots, groups and the heap, in slots */
};

/* All functions are for the loop's thread. */

void timers_init(struct timers *timers);
/* Ends all timers, without calling them, and frees the memory. */
void timers_free(rondo_loop *loop);

/* Makes timers->next as exact as is cheap. */
void timers_look(rondo_loop *loop);

/* No timer is due before; RONDO_NEVER: there is none. Mostly the earliest
 * deadline; earlier if that timer was moved to a later one. */
static inline int64_t timers_next(rondo_loop *loop, struct timers *timers)
{
    if (timers->vague)
        timers_look(loop);
    return timers->next;
}

/* An iteration begins: timers that are started from now on wait for the next
 * one. */
static inline void timers_mark(struct timers *timers)
{
    timers->mark = timers->order;
}

/* Calls the timers that are due at loop->now, at most `most` of them, but none
 * that was scheduled in this iteration. */
void timers_run(rondo_loop *loop, unsigned most);

/* Starts a timer. A deadline in the past counts as loop->now. Returns its id,
 * or RONDO_ENOMEM with a sentence. */
rondo_id timers_start(rondo_loop *loop, int64_t when, rondo_fn fn, void *arg);
/* The same; it is repeated after each period. */
rondo_id timers_start_every(rondo_loop *loop, int64_t when, int64_t period,
                            rondo_fn fn, void *arg);
/* The same for the library: the timer does not keep rondo_loop_run running and
 * is not counted as the program's. */
rondo_id timers_start_hidden(rondo_loop *loop, int64_t when, rondo_fn fn,
                             void *arg);

/* A timer of the program's, for the dump. */
struct timer_facts {
    rondo_fn fn;
    int64_t when, period_ns; /* 0: it fires once */
    bool background;
};

/* The next timer from place *at on, which moves behind it. false: there is none.
 * Timers may be started and cancelled between two calls. */
bool timers_list(const struct timers *timers, size_t *at,
                 struct timer_facts *facts);

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
