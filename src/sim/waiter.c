/* waiter.c - the wait of a loop, and what ends it. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/sim.h"

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
    w->late_until = sim.now + 1 + (int64_t)sim_below(1000 * LATE_US);
}
#endif
