/* child.c - children: how they are watched, signalled, ended: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "core/child.h"
#include "win/spawn.h"

#include <assert.h>
#include <signal.h>

enum {
    KILL = 9,         /* SIGKILL, which Windows' <signal.h> lacks */
    CODE_OF_KILL = 1, /* the exit code of a child that was killed */
    DESCRIPTORS = 3
};

int child_choose(rondo_loop *loop, const char *watcher)
{
    (void)loop;
    assert(watcher);
    return error_set(RONDO_ENOTSUP,
                     "loop_new: no child watcher \"%s\": on Windows there is "
                     "nothing to choose",
                     watcher);
}

int child_descriptors(void)
{
    return DESCRIPTORS;
}

/* ---- starting ---- */

/* A watch that was refused has given the handle back: it has none. */
static void win_child_close_process(sys_fd fd)
{
    assert(fd);
    if (fd != SYS_NO_FD)
        (void)CloseHandle((HANDLE)fd);
}

static int win_child_refuse(const struct child_plan *plan)
{
    assert(plan->command || (plan->program && plan->argv));
    const char *what = plan->uid || plan->gid ? "uid and gid"
                       : plan->umask          ? "umask"
                       : plan->new_session    ? "new_session"
                                              : NULL;
    if (what)
        return error_set(RONDO_ENOTSUP, "there is no %s on Windows", what);
    if (plan->job && plan->die_with_parent)
        return error_set(
            RONDO_EINVAL,
            "die_with_parent beside a job: "
            "JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE does it for a job");
    return 0;
}

int child_start(struct child *child, const struct child_plan *plan)
{
    assert(!child->process);
    assert(child->loop && child->ended);
    HANDLE process;
    int error = win_child_refuse(plan);
    if (!error)
        error = win_spawn(child->loop, plan, &process, &child->pid);
    if (error)
        return error;
    assert(process);
    child->process = process;
    child->group = plan->new_group;
    error = child_watch(child, (sys_fd)process, win_child_close_process);
    assert(error || child->watch);
    if (error) {
        (void)TerminateProcess(process, CODE_OF_KILL);
        (void)CloseHandle(process);
        child->process = NULL;
    }
    return error;
}

/* ---- ending ---- */

static bool win_child_has_ended(const struct child *child)
{
    assert(child->process);
    return WaitForSingleObject(child->process, 0) == WAIT_OBJECT_0;
}

/* The watch owns the handle, and closes it when it is idle. */
static void win_child_end(struct child *child, rondo_exit status)
{
    assert(child->process);
    assert(child->watch);
    child_unwatch(child);
    child->process = NULL;
    child->status = status;
    child->ended(child);
}

bool child_check(struct child *child)
{
    DWORD code;
    assert(child->ended);
    if (!win_child_has_ended(child))
        return false;
    rondo_exit status = {.known = GetExitCodeProcess(child->process, &code)};
    if (status.known)
        status.code = code;
    win_child_end(child, status);
    return true;
}

void child_forget(struct child *child)
{
    assert(child->process);
    assert(child->watch);
    child_unwatch(child);
    child->process = NULL;
}

void child_lose(struct child *child)
{
    assert(child->ended);
    win_child_end(child, (rondo_exit){.known = false});
}

/* ---- signals ---- */

/* A child that has ended, but not for the loop, takes signals, as a child on
 * Unix does that is not reaped yet. Its handle keeps its number from being
 * reused. */
int child_kill(struct child *child)
{
    assert(child->process);
    if (win_child_has_ended(child) ||
        TerminateProcess(child->process, CODE_OF_KILL))
        return 0;
    DWORD os_error = GetLastError();
    if (win_child_has_ended(child))
        return 0;
    return error_os(error_from_os(os_error), "cannot end process %lld",
                    (long long)child->pid);
}

static int win_child_press_break(const struct child *child)
{
    assert(child->pid);
    if (!child->group)
        return error_set(RONDO_ENOTSUP,
                         "Ctrl-Break goes to a group: new_group makes one");
    if (win_child_has_ended(child))
        return 0;
    if (GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, (DWORD)child->pid))
        return 0;
    return error_os(error_from_os(GetLastError()),
                    "cannot send Ctrl-Break to process %lld",
                    (long long)child->pid);
}

int child_signal(struct child *child, int signum)
{
    assert(child->process);
    switch (signum) {
    case 0:
        return 0;
    case SIGTERM:
    case KILL:
        return child_kill(child);
    case SIGBREAK:
        return win_child_press_break(child);
    default:
        return error_set(RONDO_ENOTSUP,
                         "signal %d: Windows has SIGTERM and SIGKILL (9), "
                         "which end a process, and SIGBREAK for a group",
                         signum);
    }
}

int child_signal_group(struct child *child, int signum)
{
    assert(child->process);
    if (signum == SIGBREAK)
        return win_child_press_break(child);
    return error_set(RONDO_ENOTSUP,
                     "signal %d: Windows sends SIGBREAK only to a group",
                     signum);
}
#endif
