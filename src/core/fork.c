/* fork.c - a loop moves to another thread, or to a forked child. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/backend.h"
#include "core/loop.h"
#include "core/part.h"
#include "core/remote.h"

int rondo_loop_take(rondo_loop *loop)
{
    if (!loop)
        return error_set(RONDO_EINVAL, "loop_take: no loop");
    if (loop->generation != sys_fork_generation)
        return loop_check_slow(loop, "loop_take");
    if (loop->depth)
        return error_set(RONDO_EBUSY, "loop_take: the loop is running");
    int error = 0;
    if (loop->backend->move && !sys_thread_is_self(loop->thread))
        error = loop->backend->move(loop);
    if (!error)
        loop->thread = sys_thread_self();
    return error;
}

int rondo_loop_after_fork(rondo_loop *loop)
{
    if (!loop)
        return error_set(RONDO_EINVAL, "loop_after_fork: no loop");
    if (loop->generation == sys_fork_generation)
        return 0;
    int error = loop->backend->reopen(loop);
    if (error)
        return error;
    remote_reopen(loop);
    handles_inherit(loop);
    for (int i = 0; i < LOOP_PARTS; i++)
        if (loop_parts[i]->after_fork)
            loop_parts[i]->after_fork(loop);
    loop->thread = sys_thread_self();
    loop->generation = sys_fork_generation;
    loop->told_ns = 0;
    atomic_store(&loop->sleeping, false);
    loop_set_guard(loop);
    return 0;
}
