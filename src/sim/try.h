/* try.h - what a trial of many seeds asks of a world. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SIM_TRY_H
#define RONDO_SIM_TRY_H

#include "sim/sim.h"

/* May this fault happen? False for those that a trial leaves out. */
bool try_keeps(enum sim_fault_kind kind, uint64_t number);
/* A world begins: `trace` is where its trace goes, unless it has one. */
void try_world_begins(rondo_sim_options *options);
/* ... and ends. */
void try_world_ends(void);

extern const char *const sim_fault_names[SIM_FAULTS];

#endif
