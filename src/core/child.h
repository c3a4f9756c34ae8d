/* child.h - a child process: what every system can do with one. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_CHILD_H
#define RONDO_CORE_CHILD_H

#include "core/part.h"

/* A system's folder defines the functions of the first part. The loop's thread
 * calls all of them. Errors have a sentence. */

struct child_watcher; /* one way to notice the end of a child: the system's */

/* The state of PART_PROCESS in each loop. */
struct process_state {
    const struct child_watcher *watcher; /* NULL: not chosen yet */
};

/* One descriptor that the child gets. */
struct child_stdio {
    int child_fd; /* its number in the child */
    sys_fd fd;    /* what it is in the parent */
};

/* What to start. The caller owns all of it; child_start copies what it
 * needs. */
struct child_plan {
    const char *program;     /* a path or a name; NULL if command is set */
    const char *command;     /* for the shell, instead of program and argv */
    const char *const *argv; /* at least one, then NULL */
    const char *const *env;  /* NULL: as the parent's */
    const char *cwd;         /* NULL: as the parent's */
    const struct child_stdio *stdio;
    size_t stdio_count;
    bool new_group, new_session, hide_window;
    int terminal_fd;          /* the child's number of its terminal; -1: none */
    void *console;            /* of struct sys_terminal */
    const int64_t *uid, *gid; /* NULL: as the parent's */
    const int *umask;         /* NULL: as the parent's */
    bool own_path;            /* env's PATH counts, if there is an env */
    bool die_with_parent;
    const char *cgroup; /* a folder, or NULL */
    rondo_fd job;       /* a handle, or 0 */
    const rondo_resource_limit *limits;
    size_t limit_count;
    const int *nice; /* NULL: as the parent's */
    /* Handles. A system with numbers has these among stdio instead. */
    const rondo_fd *inherit;
    size_t inherit_count;
};

/* A child that runs; it lies inside the process handle, which sets loop and
 * ended. It must stay where it is from child_start until ended is called or
 * child_forget returns. */
struct child {
    rondo_loop *loop;
    /* Called at most once, also from inside child_start; may free the child.
     * Runs no function of the program. */
    void (*ended)(struct child *child);
    rondo_exit status; /* set before ended is called */
    int64_t pid;
    void *watch; /* the watcher's */
    SYS_CHILD_MEMBERS
};

/* Chooses how the loop watches its children: by the way called `watcher`, or by
 * the best that works (NULL). Returns 0, or RONDO_ENOTSUP. */
int child_choose(rondo_loop *loop, const char *watcher);
/* Starts the child and watches it. After an error there is no child. */
int child_start(struct child *child, const struct child_plan *plan);
/* Sends a signal. Never reaches another process that has got the same number.
 * RONDO_ESRCH: it has ended. */
int child_signal(struct child *child, int signum);
/* The same to all processes of the group that it leads, which the caller has
 * made it do (child_plan). Windows has SIGBREAK only. */
int child_signal_group(struct child *child, int signum);
/* Kills it: SIGKILL, or TerminateProcess. As child_signal. */
int child_kill(struct child *child);
/* Stops watching. The child goes on; ended is not called. */
void child_forget(struct child *child);
/* Gives up: nothing can report its end any more. Calls ended with a status that
 * is not known. In a forked child process: the child is the parent's. */
void child_lose(struct child *child);
/* Descriptors of a child have numbers below this; 3: it inherits others by
 * child_plan's inherit. */
int child_descriptors(void);

/* ---- for the system's own files: child_watch.c ---- */

/* Looks whether the child has ended; the system defines it. If so, reaps it,
 * stops watching it, calls ended and returns true: the child may be freed. */
bool child_check(struct child *child);
/* Watches something that is readable when the child has ended: a descriptor on
 * Unix, the process handle on Windows. Calls child_check then. Takes fd over
 * and closes it by `close` in the end. After an error fd stays the caller's. */
int child_watch(struct child *child, sys_fd fd, void (*close)(sys_fd fd));
/* Stops watching; fd is closed from the loop. */
void child_unwatch(struct child *child);

#endif
