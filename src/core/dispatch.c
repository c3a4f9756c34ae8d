/* dispatch.c - the one place that runs the callbacks a handle owes. */
/* SPDX-License-Identifier: MIT */
#include "core/dispatch.h"

static unsigned dispatch_lowest(unsigned owed)
{
    unsigned bit = 0;
    assert(owed);
    while (!(owed >> bit & 1))
        bit++;
    return bit;
}

/* Settles, and tells the first of `mask` that is owed. Each callback may change
 * anything, so the handle settles between them. The bit that was told; 0:
 * nothing is owed. */
static unsigned dispatch_one(const struct dispatch_class *class,
                             struct dispatch *d, unsigned mask)
{
    assert(dispatch_runs(d));
    class->settle(d);
    unsigned owed = dispatch_owed(d) & mask;
    if (!owed)
        return 0;
    unsigned index = dispatch_lowest(owed), bit = 1U << index;
    /* on the ready list the handle must live until its turn comes */
    if (bit == class->last && d->task.state != TASK_IDLE)
        return 0;
    d->task.owed &= (uint16_t)~bit;
    class->tell[index](d);
    return bit;
}

static void dispatch_all(const struct dispatch_class *class, struct dispatch *d,
                         unsigned mask)
{
    unsigned told;
    while ((told = dispatch_one(class, d, mask))) {
        if (told == class->last)
            return; /* it is freed */
        mask &= ~(told & class->bounded);
    }
    dispatch_leave(d);
    class->submit(d);
}

void dispatch_some(const struct dispatch_class *class, struct dispatch *d,
                   unsigned mask)
{
    assert(!(mask & class->last));
    while (dispatch_one(class, d, mask))
        ;
}

void dispatch_end(const struct dispatch_class *class, struct dispatch *d)
{
    dispatch_all(class, d, ~(unsigned)class->bounded);
}

void dispatch_turn(const struct dispatch_class *class, struct dispatch *d)
{
    assert(!dispatch_runs(d));
    dispatch_begin(d);
    dispatch_all(class, d, ~0U);
}
