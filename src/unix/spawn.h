/* spawn.h - what a starting child has of its parent. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_UNIX_SPAWN_H
#define RONDO_UNIX_SPAWN_H

#include "unix/unix_child.h"

/* The child says what failed through a pipe that a successful exec closes. */
enum step {
    STEP_DESCRIPTOR,
    STEP_SESSION,
    STEP_GROUP,
    STEP_FOLDER,
    STEP_IDS,
    STEP_RUN
};

struct report {
    int step, os_error;
};

/* All that the child needs, prepared by the parent. */
struct launch {
    const struct child_plan *plan;
    char **paths; /* what to try to run, one after another; NULL at the end */
    char *const *argv, *const *env;
    int *source; /* of each of the plan's descriptors */
    int *kept;   /* the child's descriptors in ascending order */
    int top;     /* the highest of them, at least 2 */
    int report_fd;
    enum step step;
    char *stack_top;
};

/* The child's whole life; returns only when it could not run the program, and
 * has said why. It may run in the parent's memory, while the parent's thread
 * stands still: it calls nothing but system calls and changes nothing but the
 * launch. Every signal is blocked. */
int spawn_child(void *launch);

#endif
