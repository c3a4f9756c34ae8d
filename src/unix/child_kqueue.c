/* child_kqueue.c - child watcher "kqueue": EVFILT_PROC in the loop's kqueue. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef RONDO_KQUEUE
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/unix.h"
#include "unix/unix_child.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

/* A child has no descriptor, so this io is in no table of the loop: only the
 * kernel has a pointer to it. */
struct process_watch {
    struct io io;
    struct op op;
    struct child *child; /* NULL: no longer watched */
};

/* macOS sends NOTE_EXIT a moment before the child can be reaped. The child is
 * past the point of no return, so this blocks for that moment only. */
static void child_kqueue_wait_for(int64_t pid)
{
    siginfo_t info;
    assert(pid > 0);
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 &&
           errno == EINTR)
        ;
}

static void child_kqueue_ended(rondo_loop *loop, struct task *task)
{
    struct process_watch *w =
        (struct process_watch *)(void *)((char *)task -
                                         offsetof(struct process_watch,
                                                  op.task));
    assert(op_is_idle(&w->op) && (!w->child || w->child->watch == w));
    if (w->child && !child_check(w->child)) {
        child_kqueue_wait_for(w->child->pid);
        (void)child_check(w->child);
    }
    loop_free(loop, w);
}

static bool child_kqueue_has_ended(int64_t pid)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) < 0 ||
           info.si_pid != 0;
}

/* A child that runs with another user's rights, because its program is setuid:
 * NetBSD and OpenBSD refuse it (EACCES from filt_procattach), FreeBSD hides it
 * (ESRCH) if the sysctl security.bsd.see_other_uids is 0. A thread may wait for
 * any child. */
static int child_kqueue_use_thread(struct child *child, int error)
{
    if (error != RONDO_EACCES && error != RONDO_EPERM && error != RONDO_ESRCH)
        return error;
    child->watcher = &child_thread;
    return child_thread.watch(child);
}

static int child_kqueue_watch(struct child *child)
{
    rondo_loop *loop = child->loop;
    struct process_watch *w = loop_alloc(loop, sizeof *w);
    if (!w)
        return error_set(RONDO_ENOMEM, "out of memory");
    w->child = child;
    io_init(&w->io, SYS_NO_FD, IO_CHILD);
    op_init(&w->op, &w->io, OP_WAIT_READ, child_kqueue_ended);
    int error = unix_kqueue_child(loop, child->pid, &w->io);
    /* macOS, NetBSD and OpenBSD say ESRCH of a child that has ended already. A
     * thread waits for one that is about to end. */
    bool gone = error == RONDO_ESRCH && child_kqueue_has_ended(child->pid);
    if (error && !gone) {
        loop_free(loop, w);
        return child_kqueue_use_thread(child, error);
    }
    assert(!w->io.op[0] && op_is_idle(&w->op));
    child->watch = w;
    w->op.task.state = TASK_PENDING;
    w->io.op[0] = &w->op;
    if (gone)
        reactor_ready(loop, &w->io, SIDE_READ);
    return 0;
}

/* When child_kqueue_ended calls this, the operation is idle, and that function
 * frees the watch. Otherwise the cancelled operation does. */
static void child_kqueue_unwatch(struct child *child)
{
    struct process_watch *w = child->watch;
    assert(w && w->child == child);
    w->child = NULL;
    if (op_is_idle(&w->op))
        return;
    (void)unix_kqueue_child(child->loop, child->pid, NULL);
    op_cancel(child->loop, &w->op);
}

static int child_kqueue_probe(const rondo_loop *loop)
{
    if (loop->backend == &backend_kqueue)
        return 0;
    return error_set(RONDO_ENOTSUP,
                     "child watcher \"kqueue\" needs the backend \"kqueue\"; "
                     "\"thread\" always works");
}

const struct child_watcher child_kqueue = {
    .name = "kqueue",
    .probe = child_kqueue_probe,
    .watch = child_kqueue_watch,
    .unwatch = child_kqueue_unwatch,
};
#endif
