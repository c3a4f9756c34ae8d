/* child.c - children as the shared code knows them: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/process.h"

#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

int child_choose(rondo_loop *loop, const char *watcher)
{
    (void)loop;
    return watcher && strcmp(watcher, "simulated") != 0
               ? error_set(RONDO_ENOTSUP,
                           "loop_new: no child watcher \"%s\" in this build; "
                           "there is: simulated",
                           watcher)
               : 0;
}

int child_descriptors(void)
{
    return INT_MAX;
}

/* ---- starting ---- */

/* The child has not run yet: nobody gets to know it. */
static int child_take_back(struct sim_process *p, int error)
{
    int64_t before = rondo_last_os_error();
    sim_process_drop(p);
    error_keep_os(before);
    return error;
}

int child_start(struct child *child, const struct child_plan *plan)
{
    sys_fd fd;
    struct sim_process *p;
    int error = sim_process_start(plan, &p);
    if (error)
        return error;
    child->pid = p->pid;
    error = sim_process_handle(p, &fd);
    if (error)
        return child_take_back(
            p, error_os(error, "process: the end of a child cannot be "
                               "watched"));
    error = child_watch(child, fd, sys_close);
    if (!error)
        return 0;
    sys_close(fd);
    return child_take_back(p, error);
}

/* ---- ending ---- */

static void child_end(struct child *child, rondo_exit status)
{
    child_unwatch(child);
    child->status = status;
    child->ended(child);
}

bool child_check(struct child *child)
{
    struct sim_process *p = sim_process_child(child->pid);
    rondo_exit status = {.known = false}; /* the program has waited for it */
    if (p && !p->ended)
        return false;
    if (p) {
        status = p->status;
        sim_process_drop(p);
    }
    child_end(child, status);
    return true;
}

void child_forget(struct child *child)
{
    child_unwatch(child);
}

void child_lose(struct child *child)
{
    child_end(child, (rondo_exit){.known = false});
}

/* ---- signals ---- */

static int child_check_signal(const struct child *child, int signum,
                              const char *whom)
{
    if (!sim_process_child(child->pid))
        return error_set(RONDO_ESRCH, "process %lld has ended",
                         (long long)child->pid);
    if (signum < 0 || signum >= SYS_SIGNALS || signum >= NSIG)
        return error_os(sim_fail(EINVAL), "cannot send signal %d to %s %lld",
                        signum, whom, (long long)child->pid);
    return 0;
}

int child_signal(struct child *child, int signum)
{
    int error = child_check_signal(child, signum, "process");
    if (!error && signum)
        sim_process_signal(sim_process_child(child->pid), signum);
    return error;
}

int child_signal_group(struct child *child, int signum)
{
    int error = child_check_signal(child, signum, "the group of process");
    if (!error && signum)
        sim_group_signal(sim_host(), child->pid, signum);
    return error;
}

int child_kill(struct child *child)
{
    return child_signal(child, SIGKILL);
}
#endif
