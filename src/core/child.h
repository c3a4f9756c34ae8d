/* child.h - a child process as the system has it: started, watched, ended. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_CHILD_H
#define RONDO_CORE_CHILD_H

#include "core/part.h"

struct child_watcher; /* the system's */

/* PART_PROCESS's state. */
struct process_state {
    const struct child_watcher *watcher; /* NULL: not chosen yet */
};

/* One descriptor of the child, and what it is in the parent. */
struct child_stdio {
    int child_fd;
    sys_fd fd;
};

/* What is to run. Everything is the caller's and stays until child_start has
 * returned. */
struct child_plan {
    const char *program;     /* a path or a name; NULL with command */
    const char *command;     /* the shell's, instead of program and argv */
    const char *const *argv; /* at least one */
    const char *const *env;  /* NULL: the parent's */
    const char *cwd;         /* NULL: the parent's */
    const struct child_stdio *stdio;
    size_t stdio_count;
    bool new_group, new_session, hide_window;
    const int64_t *uid, *gid;
    const int *umask;
};

/* Lives from child_start to `ended` or child_forget. */
struct child {
    rondo_loop *loop;
    void (*ended)(struct child *child); /* from the loop, once */
    rondo_exit status;                  /* then */
    int64_t pid;
    void *watch; /* the watcher's */
    SYS_CHILD_MEMBERS
};

/* Remembers which of the ways to watch a loop asks for; NULL: the best.
 * RONDO_ENOTSUP. */
int child_choose(rondo_loop *loop, const char *watcher);
/* Starts and watches. An error: nothing is left of it. */
int child_start(struct child *child, const struct child_plan *plan);
/* RONDO_ESRCH: it has ended. Never reaches a process that has its number. */
int child_signal(struct child *child, int signum);
int child_kill(struct child *child);
/* It goes on, unwatched; `ended` does not come. */
void child_forget(struct child *child);
/* In a forked child: it is the parent's. `ended` comes, with status not
 * known. */
void child_lose(struct child *child);
/* How many descriptors of a child can be named: 0 to one less. */
int child_descriptors(void);

/* ---- for the systems' own files ---- */

/* The child may have ended. True: it has, was reaped and told, and may be
 * freed; it must not be watched any more. */
bool child_check(struct child *child);
/* Watches by something that is readable when the child has ended: a descriptor
 * on Unix, the process on Windows. It is the watch's, which closes it, and
 * stays the caller's on an error. */
int child_watch(struct child *child, sys_fd fd, void (*close)(sys_fd fd));
void child_unwatch(struct child *child);

#endif
