/* try.h - what a trial of many seeds asks of a world. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SIM_TRY_H
#define RONDO_SIM_TRY_H

#include "sim/sim.h"

/* May this fault happen? False for those that a trial leaves out. */
bool try_keeps(enum sim_fault_kind kind, uint64_t number);
/* It does. */
void try_fired(enum sim_fault_kind kind, uint64_t number);
/* A world begins: its trace goes where the trial says. */
void try_world_begins(rondo_sim_options *options);
void try_world_ends(void);

extern const char *const sim_fault_names[SIM_FAULTS];

/* ---- for the two files of trials ---- */

enum {
    TRY_FIRED_MOST = 4096,
    TRY_TEXT_ROOM = 512,
    TRY_REPORT_ROOM = 4096,
    TRY_WORKERS_MOST = 64
};

/* Memory that a trial's processes share: what a run has come to. */
struct try_run {
    uint64_t seed;
    bool failed;
    bool hung; /* it was ended: it would not have come to an end */
    uint64_t worlds, events;
    size_t fired_count; /* there may be more than the list has room for */
    struct sim_fired fired[TRY_FIRED_MOST];
    char text[TRY_TEXT_ROOM];     /* of a failure; "" */
    uint64_t wrong_seed;          /* of: */
    char wrong[TRY_TEXT_ROOM];    /* the first call that made no sense; "" */
    char report[TRY_REPORT_ROOM]; /* who waited for what at a deadlock; "" */
};

/* Of the faults only these happen; NULL: all. The list stays the caller's. */
void try_keep_only(const struct sim_fired *list, size_t count);
/* What the runs of this process write to; NULL: nowhere. */
void try_record(struct try_run *run);
struct try_run *try_recorded(void);
void try_trace_to(FILE *file);

/* play.c */
/* Runs the scenario here, with an end of its world. */
bool try_play(uint64_t seed, rondo_sim_scenario scenario, void *arg);
/* A run that did not reach its condition before nothing could happen any more:
 * what all waited for. "": there was none in the last world. */
const char *try_deadlock(void);

/* guard.c */
/* Ends this process when a run of it hangs; `run` has the sentence. tells: it
 * prints that, too. */
void guard_begin(struct try_run *run, bool tells);
void guard_stop(void);

#endif
