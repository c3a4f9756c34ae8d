/* dispatch.c - the one place that runs the callbacks a handle owes. */
/* SPDX-License-Identifier: MIT */
#include "core/dispatch.h"
#include "core/bits.h"

static struct dispatch *dispatch_of(const struct dispatch_class *class,
                                    void *handle)
{
    return (struct dispatch *)(void *)((char *)handle + class->place);
}

static void dispatch_submit(const struct dispatch_class *class,
                            rondo_loop *loop, void *handle)
{
    struct dispatch *d = dispatch_of(class, handle);
    assert(!dispatch_runs(d));
    if (class->submit)
        class->submit(handle);
    if (d->task.state == TASK_IDLE && d->task.owed) {
        loop_push(loop, &d->task);
        loop_nudge(loop);
    }
}

void dispatch_settle(const struct dispatch_class *class, rondo_loop *loop,
                     void *handle)
{
    class->settle(handle);
    if (!dispatch_runs(dispatch_of(class, handle)))
        dispatch_submit(class, loop, handle);
}

/* Settles, and tells the first of `mask` that is owed. Each callback may change
 * anything, so the handle settles between them. The bit that was told; 0:
 * nothing is owed. */
static unsigned dispatch_one(const struct dispatch_class *class, void *handle,
                             unsigned mask)
{
    struct dispatch *d = dispatch_of(class, handle);
    assert(dispatch_runs(d));
    class->settle(handle);
    unsigned owed = dispatch_owed(d) & mask;
    if (!owed)
        return 0;
    unsigned index = bits_lowest(owed), bit = 1U << index;
    /* on the ready list the handle must live until its turn comes */
    if (bit & class->last && d->task.state != TASK_IDLE)
        return 0;
    d->task.owed &= (uint16_t)~bit;
    class->tell[index](handle);
    return bit;
}

static void dispatch_all(const struct dispatch_class *class, rondo_loop *loop,
                         void *handle, unsigned mask)
{
    unsigned told;
    while ((told = dispatch_one(class, handle, mask))) {
        if (told & class->last)
            return; /* it is freed, or another thread's */
        mask &= ~(told & class->bounded);
    }
    dispatch_leave(dispatch_of(class, handle));
    dispatch_submit(class, loop, handle);
}

void dispatch_some(const struct dispatch_class *class, void *handle,
                   unsigned mask)
{
    assert(!(mask & class->last));
    while (dispatch_one(class, handle, mask))
        ;
}

void dispatch_end(const struct dispatch_class *class, rondo_loop *loop,
                  void *handle)
{
    dispatch_all(class, loop, handle, ~(unsigned)class->bounded);
}

void dispatch_turn(const struct dispatch_class *class, rondo_loop *loop,
                   struct task *task)
{
    struct dispatch *d = (struct dispatch *)(void *)task;
    assert(!dispatch_runs(d));
    dispatch_begin(d);
    dispatch_all(class, loop, (char *)d - class->place, ~0U);
}
