/* child_pidfd.c - child watcher "pidfd": a descriptor of the child (Linux). */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef __linux__
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/unix.h"
#include "unix/unix_child.h"

#include <assert.h>
#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* waitid takes a pidfd since Linux 5.4, and a filter of system calls (seccomp)
 * may forbid any of the three on any kernel. So all are tried, on this process
 * itself: waitid answers ECHILD, since no process is its own child. */
static int child_pidfd_probe(const rondo_loop *loop)
{
    (void)loop;
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_send_signal)
    siginfo_t info;
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    bool works = fd >= 0 &&
                 syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0 &&
                 waitid(UNIX_P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) < 0 &&
                 errno == ECHILD;
    sys_close(fd);
    if (works)
        return 0;
#endif
    return error_set(RONDO_ENOTSUP,
                     "child watcher \"pidfd\" needs Linux 5.4 and "
                     "pidfd_open; \"thread\" always works");
}

static int child_pidfd_watch(struct child *child)
{
    assert(child->pidfd > 2);
    return child_watch(child, child->pidfd, sys_close);
}

static void child_pidfd_unwatch(struct child *child)
{
    assert(child->pidfd > 2);
    child_unwatch(child);
    child->pidfd = -1; /* the watch closes it */
}

const struct child_watcher child_pidfd = {
    .name = "pidfd",
    .pidfd = true,
    .probe = child_pidfd_probe,
    .watch = child_pidfd_watch,
    .unwatch = child_pidfd_unwatch,
};
#endif
