/* child_thread.c - child watcher "thread": a thread waits for each child. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/unix.h"
#include "unix/unix_child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

/* All that the thread has: it may outlive the loop. */
struct waiter {
    int64_t pid;
    int fd; /* closed when the child has ended */
};

/* Only looks: reaping is the loop's, or it could not know whether the number
 * is still the child's. */
static void child_thread_wait_for(void *arg)
{
    struct waiter *w = arg;
    siginfo_t info;
    while (waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOWAIT) < 0 &&
           errno == EINTR)
        ;
    sys_close(w->fd);
    free(w);
}

static int child_thread_start_thread(int64_t pid, int fd)
{
    struct waiter *w = malloc(sizeof *w);
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

/* A pipe that ends with the child wakes the loop without a lock between them,
 * and needs no memory to do it. */
static int child_thread_watch(struct child *child)
{
    int fds[2];
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
