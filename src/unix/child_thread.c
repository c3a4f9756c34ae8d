/* child_thread.c - child watcher "thread": one thread waits for one child. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/unix.h"
#include "unix/unix_child.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

/* The thread owns it and uses nothing else, because it may outlive the loop. */
struct waiter {
    int64_t pid;
    int fd; /* the thread closes it when the child has ended */
};

/* WNOWAIT leaves the reaping to the loop: if the thread reaped, the loop could
 * not know whether the pid still belongs to the child. */
static void child_thread_wait_for(void *arg)
{
    struct waiter *w = arg;
    siginfo_t info;
    assert(w->pid > 0 && w->fd > 2);
    while (waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOWAIT) < 0 &&
           errno == EINTR)
        ;
    sys_close(w->fd);
    free(w);
}

static int child_thread_start_thread(int64_t pid, int fd)
{
    struct waiter *w = malloc(sizeof *w);
    assert(pid > 0 && fd > 2);
    if (!w)
        return error_set(RONDO_ENOMEM, "out of memory");
    *w = (struct waiter){pid, fd};
    int error = sys_thread_start(child_thread_wait_for, w);
    if (!error)
        return 0;
    free(w);
    return error_os(error, "cannot start a thread to watch process %lld",
                    (long long)pid);
}

/* The thread closes its end of a pipe when the child has ended, and that wakes
 * the loop: without a lock, and without memory that might be missing then. */
static int child_thread_watch(struct child *child)
{
    int fds[2];
    assert(child->pid > 0);
    int error = unix_pipe(fds);
    if (error)
        return error_os(error, "cannot make a pipe");
    error = child_watch(child, fds[0], sys_close);
    if (error) {
        sys_close(fds[0]);
    } else {
        error = child_thread_start_thread(child->pid, fds[1]);
        if (error)
            child_unwatch(child);
    }
    if (error)
        sys_close(fds[1]);
    return error;
}

static int child_thread_probe(const rondo_loop *loop)
{
    (void)loop;
    return 0;
}

const struct child_watcher child_thread = {
    .name = "thread",
    .probe = child_thread_probe,
    .watch = child_thread_watch,
    .unwatch = child_unwatch,
};
#endif
