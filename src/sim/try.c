/* try.c - many seeds, and of a failure the faults that matter. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/try.h"

bool try_keeps(enum sim_fault_kind kind, uint64_t number)
{
    (void)kind;
    (void)number;
    return true;
}

void try_world_begins(rondo_sim_options *options)
{
    (void)options;
}

void try_world_ends(void)
{
}
#endif
