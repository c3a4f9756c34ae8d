/* child_watch.c - watches what is readable when a child has ended. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/child.h"
#include "core/op.h"

/* Owns the descriptor; freed when its operation is done for the last time. */
struct child_watch {
    struct io io;
    struct op op;
    struct child *child; /* NULL: child_unwatch was called */
    void (*close)(sys_fd fd);
};

static void child_watch_free(rondo_loop *loop, struct child_watch *w)
{
    assert(op_is_idle(&w->op));
    io_detach(loop, &w->io);
    w->close(w->io.fd);
    loop_free(loop, w);
}

/* The program has closed the descriptor. The child may have ended already. */
static void child_watch_fail(rondo_loop *loop, struct child_watch *w, int error)
{
    (void)error_in("process: the end of a child cannot be watched", error);
    rondo_exception e = loop_exception(error);
    rondo_loop_call_exception_handler(loop, &e);
    if (w->child && !child_check(w->child))
        child_lose(w->child);
}

static void child_watch_ready(rondo_loop *loop, struct task *task)
{
    struct child_watch *w =
        (struct child_watch *)(void *)((char *)task -
                                       offsetof(struct child_watch, op.task));
    if (w->child && task->error) {
        child_watch_fail(loop, w, task->error);
    } else if (w->child && !child_check(w->child)) {
        op_submit(loop, &w->op);
        return;
    }
    child_watch_free(loop, w);
}

int child_watch(struct child *child, sys_fd fd, void (*close)(sys_fd fd))
{
    rondo_loop *loop = child->loop;
    struct child_watch *w = loop_alloc(loop, sizeof *w);
    if (!w)
        return error_set(RONDO_ENOMEM, "out of memory");
    w->child = child;
    w->close = close;
    io_init(&w->io, fd, IO_CHILD);
    op_init(&w->op, &w->io, OP_WAIT_READ, child_watch_ready);
    int error = io_attach(loop, &w->io);
    if (error) {
        loop_free(loop, w);
        return error;
    }
    child->watch = w;
    op_submit(loop, &w->op);
    if (w->op.task.state != TASK_READY || !w->op.task.error)
        return 0;
    /* The kernel refuses it. The operation is on the ready list, and its done
     * frees the watch; the caller keeps the descriptor. */
    error = w->op.task.error;
    io_detach(loop, &w->io);
    w->io.fd = SYS_NO_FD;
    w->child = NULL;
    return error;
}

/* Called from its own done, by child_check, the operation is idle: that done
 * frees the watch. */
void child_unwatch(struct child *child)
{
    struct child_watch *w = child->watch;
    assert(w->child == child);
    w->child = NULL;
    op_cancel(child->loop, &w->op);
}
