/* datagram_receive.c - datagrams come in batches and are lent. */
/* SPDX-License-Identifier: MIT */
#include "net/datagram.h"

#include "base/error.h"

enum {
    RECEIVE_MOST = 32,                   /* in one dispatch */
    BATCH_SMALL = SYS_BATCH > 4 ? 4 : 1, /* until it has once been full */
    /* Not a power of two, so that the batch's first bytes do not all want the
     * same few lines of the cache. */
    SLOT_SIZE = LOOP_SCRATCH + 192
};

static rondo_datagram *datagram_receive_of_task(struct task *task)
{
    return (rondo_datagram *)(void *)((char *)task -
                                      offsetof(rondo_datagram, receive.task));
}

/* ---- where to ---- */

static struct datagram_room *datagram_receive_make_room(rondo_loop *loop)
{
    struct datagram_room *room =
        loop_alloc(loop, sizeof *room + (size_t)SYS_BATCH * SLOT_SIZE);
    for (size_t i = 0; room && i < SYS_BATCH; i++)
        room->slot[i].data = (char *)(room + 1) + i * SLOT_SIZE;
    return room;
}

/* All endpoints of the loop share its room, since nothing in it outlives a
 * dispatch. One at a time needs none of it, which does as well where there is
 * no memory. */
static struct sys_received *datagram_receive_slots(rondo_datagram *d,
                                                   struct sys_received *one,
                                                   unsigned *count)
{
    rondo_loop *loop = d->loop;
    *count = 1;
    if (d->room)
        return d->room->slot;
    struct datagram_state *state = loop_part_state(loop, PART_DATAGRAM);
    if (SYS_BATCH > 1 && !state->room)
        state->room = datagram_receive_make_room(loop);
    if (state->room) {
        *count = d->batch;
        return state->room->slot;
    }
    one->data = loop->scratch;
    return one;
}

/* ---- receiving ---- */

static void datagram_receive_trouble(rondo_datagram *d, int error)
{
    /* Windows says EINVAL of a socket that can never receive */
    if (datagram_is_fatal(error) || error == RONDO_EINVAL)
        datagram_fail(d, error);
    else
        datagram_tell(d, error, true);
}

/* What is sent by all but the last callback leaves together at the end. */
static void datagram_receive_deliver(rondo_datagram *d,
                                     const struct sys_received *list, int count)
{
    if (!d->protocol->datagram_received)
        return;
    d->gathers = true;
    for (int i = 0; i < count && datagram_receives(d); i++) {
        if (i + 1 == count)
            d->gathers = false;
        d->protocol->datagram_received(d, d->self, list[i].data, list[i].size,
                                       &list[i].from, list[i].truncated);
    }
    d->gathers = false;
    if (d->queue.count && !d->retry && op_is_idle(&d->send))
        (void)datagram_flush(d, true);
}

/* One batch. How many are still to be had in this dispatch of `left`. */
static int datagram_receive(rondo_datagram *d, int left)
{
    struct sys_received one, *list;
    unsigned count;
    list = datagram_receive_slots(d, &one, &count);
    if (count > (unsigned)left)
        count = (unsigned)left;
    int got = sys_receive_batch(d->io.fd, list, count, d->receive_size);
    if (got < 0) {
        if (got != RONDO_EAGAIN)
            datagram_receive_trouble(d, got);
        return 0;
    }
    bool full = (unsigned)got == count;
    if (full)
        d->batch = SYS_BATCH;
    else if (got < BATCH_SMALL)
        d->batch = BATCH_SMALL;
    datagram_receive_deliver(d, list, got);
    return full ? left - got : 0;
}

void datagram_receive_done(rondo_loop *loop, struct task *task)
{
    rondo_datagram *d = datagram_receive_of_task(task);
    int left = task->error ? 0 : RECEIVE_MOST;
    (void)loop;
    dispatch_begin(&d->dispatch);
    if (task->error && task->error != RONDO_ECANCELED) {
        error_keep_os(d->receive.os_error);
        datagram_receive_trouble(d, task->error);
    }
    while (left && datagram_receives(d))
        left = datagram_receive(d, left);
    datagram_finish(d);
}
