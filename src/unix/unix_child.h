/* unix_child.h - what the files that start and watch children share. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_UNIX_UNIX_CHILD_H
#define RONDO_UNIX_UNIX_CHILD_H

#include "core/backend.h"
#include "core/child.h"

/* A way to notice that a child has ended. */
struct child_watcher {
    const char *name;
    bool pidfd; /* it needs the child's pidfd */
    /* 0, or RONDO_ENOTSUP with a sentence: this kernel cannot. */
    int (*probe)(const rondo_loop *loop);
    int (*watch)(struct child *child);
    void (*unwatch)(struct child *child);
};

extern const struct child_watcher child_pidfd, child_kqueue, child_sigchld,
    child_thread;

/* kqueue.c's: io is ready when that process has ended; NULL: no more. */
extern const struct backend backend_kqueue;
int unix_kqueue_child(rondo_loop *loop, int64_t pid, struct io *io);

/* Runs the plan; *pidfd, unless it is NULL, names the process for good. An
 * error: nothing is left of it. */
int unix_spawn(rondo_loop *loop, const struct child_plan *plan, int64_t *pid,
               int *pidfd);
/* waitid's, which is an enumerator in some libcs and missing in others. */
#ifdef __linux__
#define UNIX_P_PIDFD ((idtype_t)3)
#endif
/* Waits for one of ours that is about to end. */
void unix_reap(int64_t pid);

#endif
