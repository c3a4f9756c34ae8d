/* process.h - the programs that a host runs: simulated. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_SIM_PROCESS_H
#define RONDO_SIM_PROCESS_H

#include "core/child.h"
#include "sim/disk.h"

/* What a process can run. */
struct sim_program {
    struct sim_program *next;
    rondo_sim_program_main run;
    void *arg;
    char name[];
};

/* Starts the program of a plan as a child of the calling process. An error has a
 * sentence, and there is no such process. */
int sim_process_start(const struct child_plan *plan,
                      struct sim_process **started);
/* The child of the calling process that has that number; NULL: it has none. */
struct sim_process *sim_process_child(int64_t pid);
/* Ends it. That of the caller's: does not come back. */
void sim_process_exit(struct sim_process *p, rondo_exit status);
/* Its end is known, or of no matter: it is gone, and ended if it runs. */
void sim_process_drop(struct sim_process *p);
/* A descriptor of the calling process, which is readable when that one has
 * ended. */
int sim_process_handle(struct sim_process *p, sys_fd *fd);

#endif
