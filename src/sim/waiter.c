/* waiter.c - what both backends need: a wait, and places for descriptors. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/waiter.h"

#include "base/error.h"

#include <string.h>

enum { LATE_US = 100, STALL_MS = 1000 };

bool sim_waiter_wait(struct sim_waiter *w, int64_t until)
{
    if (w->woken || until <= sim.now)
        return false;
    if (sim_fault(SIM_FAULT_early)) {
        sim_yield();
        return false;
    }
    if (sim_fault(SIM_FAULT_stall)) {
        (void)sim_block("a stall (a fault)",
                        sim.now + RONDO_MS(1 + sim_below(STALL_MS)));
        return true;
    }
    int64_t late = w->late_until;
    w->late_until = 0;
    w->thread = sim.current;
    bool poked = sim_block("events", late && late < until ? late : until);
    w->thread = NULL;
    return (poked || late) && !w->woken;
}

void sim_waiter_poke(struct sim_waiter *w)
{
    if (w->thread)
        sim_unblock(w->thread);
}

void sim_waiter_wake(struct sim_waiter *w)
{
    w->woken = true;
    sim_waiter_poke(w);
}

void sim_waiter_poke_later(struct sim_waiter *w)
{
    w->late_until = sim.now + 1 + (int64_t)sim_below(UINT64_C(1000) * LATE_US);
}

int sim_check_host(const char *what)
{
    if (sim_host())
        return 0;
    return error_set(RONDO_EINVAL, "%s: %s", what,
                     sim.begun ? "called by the driver; a loop is a host's: "
                                 "make it in the host's main"
                               : "there is no simulated world: call "
                                 "rondo_sim_begin first");
}

/* ---- places ---- */

int sim_slots_put(rondo_loop *loop, struct sim_slots *s, void *item)
{
    int slot = s->used;
    if (slot == s->room && s->free) {
        slot = 0;
        while (s->items[slot])
            slot++;
    }
    if (slot == s->room) {
        int room = s->room ? s->room * 2 : 16;
        void **items =
            loop_realloc(loop, s->items, (size_t)room * sizeof(void *));
        if (!items)
            return -1;
        s->items = items;
        s->room = room;
    }
    if (slot == s->used)
        s->used++;
    else
        s->free--;
    s->items[slot] = item;
    return slot;
}

void sim_slots_take(struct sim_slots *s, int slot)
{
    s->items[slot] = NULL;
    s->free++;
    while (s->used && !s->items[s->used - 1]) {
        s->used--;
        s->free--;
    }
}

void sim_slots_free(rondo_loop *loop, struct sim_slots *s)
{
    loop_free(loop, s->items);
}
#endif
