/* spawn.h - what the parent prepares and the starting child uses. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_UNIX_SPAWN_H
#define RONDO_UNIX_SPAWN_H

#include "unix/unix_child.h"

/* The steps of the child. If one fails, the child writes a report into a pipe,
 * which a successful exec closes. */
enum step {
    STEP_CGROUP,
    STEP_DESCRIPTOR,
    STEP_SESSION,
    STEP_TERMINAL,
    STEP_GROUP,
    STEP_FOLDER,
    STEP_LIMIT,
    STEP_NICE,
    STEP_IDS,
    STEP_PARENT,
    STEP_RUN
};

struct report {
    int step, os_error;
    int resource; /* of STEP_LIMIT */
};

/* The parent fills it in; the child uses nothing else. */
struct launch {
    const struct child_plan *plan;
    char **paths; /* paths to try one after another; NULL at the end */
    char *const *argv, *const *env;
    int *source;        /* the parent's number of each descriptor of the plan */
    int *kept;          /* the child's numbers in ascending order */
    const char *cgroup; /* the file to write to; NULL: none */
    int64_t parent;     /* the parent's pid */
    int resource;       /* the limit that is set now */
    int report_fd;
    enum step step;
    char *stack_top;
};

/* What the child runs. It returns only if it cannot run the program, and has
 * reported why.
 *
 * The child may run in the memory of the parent, whose thread the kernel stops
 * meanwhile (vfork). So this makes system calls only, and writes nothing but
 * the launch. All signals are blocked. */
int spawn_child(void *launch);

#endif
