/* random_program.h - hosts that do anything at all, by the world's chance. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SIM_RANDOM_PROGRAM_H
#define RONDO_SIM_RANDOM_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

/* What a run was. */
struct random_run {
    uint64_t hash, events;
    uint64_t bytes, datagrams, jobs, connections; /* that came through */
};

/* Plays a world of three hosts with that seed: streams whose bytes are checked,
 * datagrams, look-ups, jobs, threads, partitions, crashes; with faults. trace:
 * a file's name, or NULL. Returns 0; 1: a check did not hold. */
int random_program(uint64_t seed, const char *backend, bool faults,
                   const char *trace, struct random_run *run);

#endif
