/* child.c - chooses the child watcher, starts children, reaps them: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/unix.h"
#include "unix/unix_child.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

/* The first one that works is the default. */
static const struct child_watcher *const watchers[] = {
#ifdef __linux__
    &child_pidfd,
#endif
#ifdef RONDO_KQUEUE
    &child_kqueue,
#endif
    &child_thread,
    &child_sigchld,
};

enum { COUNT = sizeof watchers / sizeof *watchers };

/* ---- choosing ---- */

static int unix_child_unknown(const char *name)
{
    char list[128] = "";
    for (size_t i = 0; i < COUNT; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                 watchers[i]->name);
    }
    return error_set(RONDO_ENOTSUP,
                     "loop_new: no child watcher \"%s\" in this build; there "
                     "is: %s",
                     name, list);
}

static struct process_state *unix_child_state_of(const rondo_loop *loop)
{
    return loop_part_state(loop, PART_PROCESS);
}

int child_choose(rondo_loop *loop, const char *watcher)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (watcher && strcmp(watchers[i]->name, watcher) != 0)
            continue;
        int error = watchers[i]->probe(loop);
        if (error && watcher)
            return error_in("loop_new", error);
        unix_child_state_of(loop)->watcher = watchers[i];
        if (!error)
            return 0;
    }
    return watcher ? unix_child_unknown(watcher) : 0;
}

/* ---- starting ---- */

int child_descriptors(void)
{
    return INT_MAX; /* the kernel knows the limit of the process */
}

int child_start(struct child *child, const struct child_plan *plan)
{
    rondo_loop *loop = child->loop;
    if (!unix_child_state_of(loop)->watcher)
        (void)child_choose(loop, NULL);
    const struct child_watcher *watcher = unix_child_state_of(loop)->watcher;
    assert(watcher); /* "thread" and "sigchld" always work */
    child->watcher = watcher;
    child->pidfd = -1;
    int error = unix_spawn(loop, plan, &child->pid,
                           watcher->pidfd ? &child->pidfd : NULL);
    if (error)
        return error;
    assert(child->pid > 0 && (!watcher->pidfd || child->pidfd > 2));
    error = watcher->watch(child);
    if (!error)
        return 0;
    /* a program with another user's rights may not be killed, and runs on */
    if (kill((pid_t)child->pid, SIGKILL) == 0)
        unix_reap(child->pid);
    sys_close(child->pidfd);
    return error;
}

/* ---- ending ---- */

/* Asks about this one child only, because other children may belong to the
 * program. 1: it has ended, and info says how. 0: it runs. -1: the program has
 * reaped it. */
static int unix_child_look(const struct child *child, siginfo_t *info, int how)
{
    int result;
    assert(child->pid > 0 && how & WNOHANG);
    info->si_pid = 0;
    do {
#ifdef UNIX_P_PIDFD
        if (child->pidfd >= 0)
            result = waitid(UNIX_P_PIDFD, (id_t)child->pidfd, info, how);
        else
#endif
            result = waitid(P_PID, (id_t)child->pid, info, how);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -1 : info->si_pid != 0;
}

static rondo_exit unix_child_status_of(const siginfo_t *info)
{
    rondo_exit status = {.known = true};
    status.signaled = info->si_code != CLD_EXITED;
    if (status.signaled)
        status.signal = info->si_status;
    else
        status.code = (uint32_t)info->si_status & 0xff;
    return status;
}

static void unix_child_end(struct child *child, rondo_exit status)
{
    assert(!status.known || !status.signaled || status.signal > 0);
    child->watcher->unwatch(child);
    child->status = status;
    child->ended(child);
}

bool child_check(struct child *child)
{
    siginfo_t info;
    int result = unix_child_look(child, &info, WEXITED | WNOHANG);
    if (result == 0)
        return false;
    unix_child_end(child, result > 0 ? unix_child_status_of(&info)
                                     : (rondo_exit){.known = false});
    return true;
}

void child_forget(struct child *child)
{
    child->watcher->unwatch(child);
}

void child_lose(struct child *child)
{
    unix_child_end(child, (rondo_exit){.known = false});
}

/* ---- signals ---- */

static int unix_child_gone(const struct child *child)
{
    return error_set(RONDO_ESRCH, "process %lld has ended",
                     (long long)child->pid);
}

/* Never signals another process. The child keeps its pid until it is reaped.
 * Only this thread reaps it, unless the program has done so: then waitid
 * fails. */
static int unix_child_send(const struct child *child, int signum)
{
    siginfo_t info;
    assert(child->pid > 0);
#ifdef SYS_pidfd_send_signal
    if (child->pidfd >= 0)
        return (int)syscall(SYS_pidfd_send_signal, child->pidfd, signum, NULL,
                            0);
#endif
    if (unix_child_look(child, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
        errno = ESRCH;
        return -1;
    }
    return kill((pid_t)child->pid, signum);
}

int child_signal(struct child *child, int signum)
{
    if (unix_child_send(child, signum) == 0)
        return 0;
    int error = error_from_os(errno);
    if (error == RONDO_ESRCH)
        return unix_child_gone(child);
    return error_os(error, "cannot send signal %d to process %lld", signum,
                    (long long)child->pid);
}

/* The group has the child's number, which nobody else gets while the child is
 * not reaped. */
int child_signal_group(struct child *child, int signum)
{
    siginfo_t info;
    assert(child->pid > 1); /* -1 would be all processes */
    if (unix_child_look(child, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
        return unix_child_gone(child);
    if (kill(-(pid_t)child->pid, signum) == 0)
        return 0;
    return error_os(error_from_os(errno),
                    "cannot send signal %d to the group of process %lld",
                    signum, (long long)child->pid);
}

int child_kill(struct child *child)
{
    return child_signal(child, SIGKILL);
}
#endif
