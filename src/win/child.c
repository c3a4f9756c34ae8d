/* child.c - children: Windows. Not there yet. */
/* SPDX-License-Identifier: MIT */
#include "child.h"
#include "error.h"

static int not_yet(void)
{
    return error_set(RONDO_ENOTSUP, "programs cannot be run on Windows yet");
}

int child_choose(rondo_loop *loop, const char *watcher)
{
    (void)loop;
    return error_set(RONDO_ENOTSUP,
                     "loop_new: no child watcher \"%s\": on Windows there is "
                     "nothing to choose",
                     watcher);
}

int child_start(struct child *child, const struct child_plan *plan)
{
    (void)child;
    (void)plan;
    return not_yet();
}

int child_signal(struct child *child, int signum)
{
    (void)child;
    (void)signum;
    return not_yet();
}

int child_kill(struct child *child)
{
    (void)child;
    return not_yet();
}

void child_forget(struct child *child)
{
    (void)child;
}

void child_lose(struct child *child)
{
    (void)child;
}

int sys_child_pipe(unsigned sides, sys_fd *ours, sys_fd *theirs)
{
    (void)sides;
    (void)ours;
    (void)theirs;
    return not_yet();
}

int sys_null(sys_fd *fd)
{
    (void)fd;
    return not_yet();
}

sys_fd sys_inherited(int child_fd)
{
    (void)child_fd;
    return SYS_NO_FD;
}
