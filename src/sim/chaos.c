/* chaos.c - partitions and crashes that come by themselves. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/sim.h"

#include <stdlib.h>

enum { CHAOS_MOST_MS = 10000 };

/* What ends by itself. The driver does it, as it does the beginning. */
struct chaos {
    struct chaos *next;
    int64_t ends;
    int host, other; /* other -1: a crash */
};

static struct chaos *chaos_going_on;

static void chaos_begin(int host, int other)
{
    struct chaos *c = malloc(sizeof *c);
    if (!c)
        sim_die("out of memory for faults");
    *c = (struct chaos){
        chaos_going_on,
        sim.now + RONDO_MS(1 + (int64_t)sim_below(CHAOS_MOST_MS)), host, other};
    chaos_going_on = c;
    if (other < 0)
        (void)rondo_sim_crash(host);
    else if (sim_below(3) == 0)
        (void)rondo_sim_partition_one_way(host, other);
    else
        (void)rondo_sim_partition(host, other);
}

static void chaos_end(const struct chaos *c)
{
    if (c->other >= 0)
        (void)rondo_sim_heal(c->host, c->other);
    else if (!sim.hosts[c->host]->up)
        (void)rondo_sim_restart(c->host);
}

static void chaos_end_those_over(void)
{
    struct chaos **link = &chaos_going_on;
    while (*link) {
        struct chaos *c = *link;
        if (c->ends > sim.now) {
            link = &c->next;
            continue;
        }
        *link = c->next;
        chaos_end(c);
        free(c);
    }
}

void chaos_act(void)
{
    uint64_t hosts = (uint64_t)sim.host_count;
    chaos_end_those_over();
    if (hosts > 1 && sim_fault(SIM_FAULT_partition)) {
        uint64_t a = sim_below(hosts), b = sim_below(hosts - 1);
        chaos_begin((int)a, (int)(b + (b >= a)));
    }
    if (hosts && sim_fault(SIM_FAULT_crash)) {
        uint64_t a = sim_below(hosts);
        if (sim.hosts[a]->up && sim.hosts[a]->main)
            chaos_begin((int)a, -1);
    }
}

void chaos_forget(void)
{
    while (chaos_going_on) {
        struct chaos *c = chaos_going_on;
        chaos_going_on = c->next;
        free(c);
    }
}

bool chaos_goes_on(void)
{
    return chaos_going_on;
}
#endif
