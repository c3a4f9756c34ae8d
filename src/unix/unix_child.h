/* unix_child.h - declarations of the files that start and watch children. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_UNIX_UNIX_CHILD_H
#define RONDO_UNIX_UNIX_CHILD_H

#include "core/backend.h"
#include "core/child.h"

/* How a loop notices that a child has ended. */
struct child_watcher {
    const char *name;
    bool pidfd; /* it needs the child's pidfd */
    /* 0: it works on this kernel and this backend; else RONDO_ENOTSUP with a
     * sentence. */
    int (*probe)(const rondo_loop *loop);
    /* The child runs, or has ended and is not reaped. When it ends, child_check
     * is called, perhaps before watch returns. An error: it is not watched.
     * May change child->watcher to another one, which then watches it. */
    int (*watch)(struct child *child);
    /* Frees what watch has made; child_check calls it, too. */
    void (*unwatch)(struct child *child);
};

extern const struct child_watcher child_pidfd, child_kqueue, child_sigchld,
    child_thread;

/* In kqueue.c. io becomes ready when that process has ended; NULL: stops
 * that. */
extern const struct backend backend_kqueue;
int unix_kqueue_child(rondo_loop *loop, int64_t pid, struct io *io);

/* Starts the program of the plan. pidfd: NULL, or where to put a pidfd of the
 * child. An error: neither a process nor a descriptor is left. */
int unix_spawn(rondo_loop *loop, const struct child_plan *plan, int64_t *pid,
               int *pidfd);
/* P_PIDFD of waitid: an enumerator in some C libraries, missing in others. */
#ifdef __linux__
#define UNIX_P_PIDFD ((idtype_t)3)
#endif
/* Blocks until the child, which is about to end, has ended, and reaps it. */
void unix_reap(int64_t pid);

#endif
