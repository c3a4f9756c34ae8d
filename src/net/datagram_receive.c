/* datagram_receive.c - receives datagrams in batches and lends them. */
/* SPDX-License-Identifier: MIT */
#include "net/datagram.h"

#include "base/error.h"
#include "core/observe.h"

enum {
    RECEIVE_MOST = DATAGRAM_RECEIVE_MOST,
    BATCH_LEAST = SYS_BATCH > 1 ? 2 : 1,
    /* Not a power of two, so that the first bytes of a batch's datagrams do not
     * share a few lines of the cache. */
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

/* All endpoints share the loop's buffers, since a datagram is lent for one
 * dispatch only. Without memory for them, one datagram at a time goes into the
 * scratch buffer. */
struct sys_received *datagram_receive_slots(rondo_datagram *d,
                                            struct sys_received *one,
                                            unsigned *count)
{
    rondo_loop *loop = d->loop;
    *count = 1;
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
    /* Else it would be told for ever, since the socket stays readable. */
    if (error == RONDO_EPIPE)
        d->deaf |= DEAF_SHUT;
    /* Windows answers EINVAL for a socket that can never receive. */
    if (datagram_is_fatal(error) || error == RONDO_EINVAL)
        datagram_fail(d, error);
    else
        datagram_tell(d, error, true);
}

void datagram_receive_failed(rondo_datagram *d, int got, bool first)
{
    /* A socket is readable without a datagram if somebody else took it, or for
     * ever once it was shut down. */
    if (got == RONDO_EAGAIN && first && sys_is_shut_for_reading(d->io.fd)) {
        error_no_os();
        got = RONDO_EPIPE;
    }
    if (got != RONDO_EAGAIN)
        datagram_receive_trouble(d, got);
}

/* To ask for one costs more than the system call where hardly any come: the next
 * batch asks for one more than came, and for all once it is full. */
bool datagram_receive_adapt(rondo_datagram *d, int got, unsigned asked)
{
    bool full = (unsigned)got == asked;
    if (full)
        d->batch = SYS_BATCH;
    else
        d->batch = got < BATCH_LEAST ? BATCH_LEAST : (unsigned)got + 1;
    assert(d->batch <= SYS_BATCH);
    return full;
}

/* What all callbacks but the last send is gathered, and leaves together after
 * the last one. */
static INLINED void datagram_receive_deliver(rondo_datagram *d,
                                             const struct sys_received *list,
                                             int count)
{
    if (!d->protocol->datagram_received)
        return;
    assert(dispatch_runs(&d->dispatch) && !d->gathers);
    d->gathers = true;
    int i = 0;
    for (; i < count && datagram_receives(d); i++) {
        if (i + 1 == count)
            d->gathers = false;
        OBSERVE_MEMBER(d->loop, d, d->protocol, datagram_received, d, d->self,
                       list[i].data, list[i].size, &list[i].from,
                       list[i].truncated);
    }
    d->gathers = false;
    if (i < count && d->deaf & DEAF_PAUSED)
        datagram_keep(d, list + i, NULL, count - i, false);
    if (d->queue.count && datagram_may_flush(d))
        (void)datagram_flush(d, true);
}

/* What the backend has received. RONDO_EAGAIN: nothing, ask the system. */
static NOINLINE int datagram_receive_ahead(rondo_datagram *d, int left)
{
    struct sys_received list[DATAGRAM_RECEIVE_MOST];
    int got = io_lend_datagrams(d->loop, &d->io, list, (unsigned)left,
                                d->receive_size);
    if (got == RONDO_EAGAIN)
        return left == RECEIVE_MOST ? got : 0;
    if (got < 0) {
        datagram_receive_failed(d, got, false);
        return 0;
    }
    datagram_receive_deliver(d, list, got);
    return left - got;
}

/* Receives and delivers one batch of at most `left`. How many more this
 * dispatch may receive; 0: there is nothing more, or an error. */
static int datagram_receive(rondo_datagram *d, int left)
{
    struct sys_received one, *list;
    unsigned count;
    int more_ahead = d->ahead ? datagram_receive_ahead(d, left) : RONDO_EAGAIN;
    if (more_ahead >= 0)
        return more_ahead;
    list = datagram_receive_slots(d, &one, &count);
    assert(left > 0 && count >= 1 && count <= SYS_BATCH);
    if (count > (unsigned)left)
        count = (unsigned)left;
    int got = sys_receive_batch(d->io.fd, list, count, d->receive_size);
    if (got < 0) {
        datagram_receive_failed(d, got, left == RECEIVE_MOST);
        return 0;
    }
    bool more = datagram_receive_adapt(d, got, count);
    datagram_note_received(d, list, got);
    datagram_receive_deliver(d, list, got);
    return more ? left - got : 0;
}

/* All that there is to do is to wait for more. */
static bool datagram_receive_goes_on(const rondo_datagram *d)
{
    return datagram_receives(d) && d->flow == FLOW_ON && !d->queue.count &&
           !dispatch_owed(&d->dispatch) && op_is_idle(&d->receive);
}

void datagram_receive_done(rondo_loop *loop, struct task *task)
{
    rondo_datagram *d = datagram_receive_of_task(task);
    int left = task->error ? 0 : RECEIVE_MOST;
    dispatch_begin(&d->dispatch);
    if (task->error && task->error != RONDO_ECANCELED) {
        error_keep_os(d->receive.os_error);
        datagram_receive_trouble(d, task->error);
    }
    while (left && datagram_receives(d))
        left = d->special ? datagram_special_receive(d, left)
                          : datagram_receive(d, left);
    if (task->error || !datagram_receive_goes_on(d)) {
        datagram_finish(d);
        return;
    }
    dispatch_end_quietly(&d->dispatch);
    op_read_again(loop, &d->receive, &d->io);
}
