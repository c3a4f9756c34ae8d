/* waiter.h - what both backends need: a wait, and places for descriptors. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SIM_WAITER_H
#define RONDO_SIM_WAITER_H

#include "core/loop.h"
#include "sim/sim.h"

/* A thread that waits for events. Zeroed: nothing. */
struct sim_waiter {
    struct sim_thread *thread; /* NULL: it does not wait now */
    bool woken;                /* the wait, or the next one, ends */
    int64_t late_until;        /* 0, or when to look again at the latest */
};
/* Waits until then, in world time, for a poke: true, look again. false: the
 * time is over, or the wait was woken. */
bool sim_waiter_wait(struct sim_waiter *w, int64_t until);
void sim_waiter_poke(struct sim_waiter *w);
void sim_waiter_wake(struct sim_waiter *w);
/* The next wait looks again after a short while. */
void sim_waiter_poke_later(struct sim_waiter *w);

/* A host makes a loop: 0, or an error with a sentence. */
int sim_check_host(const char *what);

/* An array whose places are used again; places without an item are NULL. */
struct sim_slots {
    void **items;
    int used, room, free;
};
/* Returns the place; -1: out of memory. */
int sim_slots_put(rondo_loop *loop, struct sim_slots *slots, void *item);
void sim_slots_take(struct sim_slots *slots, int slot);
void sim_slots_free(rondo_loop *loop, struct sim_slots *slots);

#endif
