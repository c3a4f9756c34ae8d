/* datagram_send.c - sends datagrams at once, or queues them. */
/* SPDX-License-Identifier: MIT */
#include "net/datagram.h"

#include "base/error.h"
#include "core/backoff.h"
#include "core/observe.h"

enum { FLUSH_MOST = 4 * SYS_BATCH /* datagrams in one dispatch */ };

static rondo_datagram *datagram_send_of_task(struct task *task)
{
    return (rondo_datagram *)(void *)((char *)task -
                                      offsetof(rondo_datagram, send.task));
}

/* ---- sending ---- */

static int datagram_send_batch(rondo_datagram *d,
                               const struct sys_outgoing *list, unsigned count)
{
    int sent = sys_send_batch(d->io.fd, list, count);
    for (int i = 0; d->loop->metering && i < sent; i++)
        observe_sent(d->loop, (int64_t)list[i].size);
    return sent;
}

/* The first of the queue: one that has an extra, or some that have none. */
static int datagram_send_listed(rondo_datagram *d,
                                const struct sys_outgoing *list, unsigned count)
{
    const struct datagram_extra *extra = queue_extra(&d->queue);
    return extra ? datagram_message_first(d, list, extra)
                 : datagram_send_batch(d, list, count);
}

/* The kernel has refused `first`. On a connected socket that may be the answer
 * to an earlier datagram (ICMP), which the kernel reports once, so `first` is
 * sent again: the second answer is its own. *news: the first one was not.
 * waits: it is the first of the queue. */
static int datagram_send_ask_again(rondo_datagram *d,
                                   const struct sys_outgoing *first, bool waits,
                                   int refusal, bool *news)
{
    int again = refusal;
    if (d->connected)
        again = waits ? datagram_send_listed(d, first, 1)
                      : datagram_send_batch(d, first, 1);
    *news = again >= 0 || again == RONDO_EAGAIN;
    return again;
}

/* The kernel is full, or it has refused `first`, which is dropped and reported.
 * true: go on with the next. */
static bool datagram_send_refused(rondo_datagram *d,
                                  const struct sys_outgoing *first, int refusal,
                                  bool now)
{
    bool news;
    if (refusal == RONDO_EAGAIN)
        return false;
    const struct datagram_extra *extra = queue_extra(&d->queue);
    bool has_done = extra && extra->sent;
    int64_t os_error = rondo_last_os_error();
    int again = datagram_send_ask_again(d, first, true, refusal, &news);
    d->unsent += again < 0 && again != RONDO_EAGAIN;
    if (again != RONDO_EAGAIN)
        queue_drop(d->loop, &d->queue, 1, again < 0 ? again : 0);
    if (news || !has_done) {
        if (news)
            error_keep_os(os_error);
        datagram_tell(d, news ? refusal : again, now);
    }
    return again != RONDO_EAGAIN;
}

bool datagram_flush(rondo_datagram *d, bool now)
{
    struct sys_outgoing list[SYS_BATCH];
    int left = FLUSH_MOST;
    size_t before = d->queue.count;
    assert(op_is_idle(&d->send)); /* else the kernel has the first already */
    assert(!d->io.kept);
    while (left > 0 && d->phase < PHASE_ENDING) {
        unsigned count = queue_peek(&d->queue, list, SYS_BATCH);
        if (!count)
            break;
        int cost = queue_extra(&d->queue) ? 1 : SYS_BATCH;
        int sent = datagram_send_listed(d, list, count);
        if (sent == RONDO_EAGAIN && d->by_destination) {
            queue_hold(&d->queue, &list[0]);
            continue;
        }
        if (sent > 0)
            queue_drop(d->loop, &d->queue, (unsigned)sent, 0);
        else if (!datagram_send_refused(d, &list[0], sent, now))
            break;
        left -= cost;
    }
    queue_release(&d->queue);
    return d->queue.count < before;
}

void datagram_commit(rondo_datagram *d)
{
    io_send_now(d->loop, &d->io);
    if (d->gathers && datagram_may_flush(d))
        (void)datagram_flush(d, false);
}

/* ---- waiting for room ---- */

static void datagram_send_retry(rondo_loop *loop, void *arg);

/* Writable, and the kernel still takes nothing: an unconnected unix socket is
 * writable even while its destinations are full, and on the BSDs so is a socket
 * whose interface has a full queue. No event tells when there is room, so a
 * timer waits. */
static void datagram_send_flush_or_wait(rondo_datagram *d)
{
    if (datagram_flush(d, true) || !d->queue.count || d->phase >= PHASE_ENDING)
        return;
    /* 0, no memory for the timer: it tries again at once */
    d->retry = retry_begin(d->loop, datagram_send_retry, d);
}

static void datagram_send_retry(rondo_loop *loop, void *arg)
{
    rondo_datagram *d = arg;
    (void)loop;
    assert(d->retry > 0 && d->phase < PHASE_ENDING && op_is_idle(&d->send));
    d->retry = 0;
    dispatch_begin(&d->dispatch);
    datagram_send_flush_or_wait(d);
    datagram_finish(d);
}

void datagram_send_done(rondo_loop *loop, struct task *task)
{
    rondo_datagram *d = datagram_send_of_task(task);
    dispatch_begin(&d->dispatch);
    if (task->error)
        error_keep_os(d->send.os_error);
    if (d->phase >= PHASE_ENDING || task->error == RONDO_ECANCELED) {
        /* nothing more is sent */
    } else if (datagram_is_fatal(task->error)) {
        datagram_fail(d, task->error);
    } else if (d->send.buffer && (task->error || d->send.count)) {
        /* it has no extra, so nobody could take it back */
        assert(d->queue.count);
        queue_drop(loop, &d->queue, 1, task->error);
        d->unsent += task->error != 0;
        if (task->error)
            datagram_tell(d, task->error, true);
        (void)datagram_flush(d, true);
    } else {
        datagram_send_flush_or_wait(d);
    }
    datagram_finish(d);
}

/* ---- the program's call ---- */

static COLD int datagram_send_queued_slow(rondo_datagram *d)
{
    if (d->queue.size > d->high)
        datagram_commit(d); /* what the kernel takes does not count */
    bool over = d->queue.size > d->high;
    if (over && d->flow == FLOW_ON)
        d->flow = FLOW_PAUSE_DUE;
    if (!dispatch_runs(&d->dispatch))
        datagram_settle(d);
    return over;
}

int datagram_send_queued(rondo_datagram *d)
{
    return d->queue.size > d->high || !dispatch_runs(&d->dispatch)
               ? datagram_send_queued_slow(d)
               : 0;
}

static int datagram_send_keep(rondo_datagram *d, const struct sys_outgoing *out)
{
    if (!queue_add(d->loop, &d->queue, out))
        return error_set(RONDO_ENOMEM, "datagram_send: out of memory");
    return datagram_send_queued(d);
}

static COLD int datagram_send_slow(rondo_datagram *d,
                                   const struct sys_outgoing *out, int refusal)
{
    bool news = false;
    int again = refusal;
    if (refusal != RONDO_EAGAIN)
        again = datagram_send_ask_again(d, out, false, refusal, &news);
    if (news) {
        datagram_tell(d, refusal, false);
        datagram_settle(d);
    }
    if (again == RONDO_EAGAIN)
        return datagram_send_keep(d, out);
    return again < 0 ? error_os(again, "datagram_send") : 0;
}

static int datagram_send_now(rondo_datagram *d, const struct sys_outgoing *out)
{
    int sent = datagram_send_batch(d, out, 1);
    return sent == 1 ? 0 : datagram_send_slow(d, out, sent);
}

void datagram_send_unsent(rondo_loop *loop, struct io *io,
                          const struct sys_outgoing *out, int error)
{
    rondo_datagram *d =
        (rondo_datagram *)(void *)((char *)io - offsetof(rondo_datagram, io));
    int64_t os_error = rondo_last_os_error();
    bool news = false;
    int again = error;
    if (d->phase >= PHASE_ENDING)
        return;
    assert(!d->queue.count && op_is_idle(&d->send));
    if (error != RONDO_EAGAIN)
        again = datagram_send_ask_again(d, out, false, error, &news);
    if (news) {
        error_keep_os(os_error);
        datagram_tell(d, error, false);
    }
    if (again == RONDO_EAGAIN && !queue_add(loop, &d->queue, out)) {
        error_no_os();
        again = RONDO_ENOMEM;
    }
    if (again < 0 && again != RONDO_EAGAIN) {
        d->unsent++;
        datagram_tell(d, again, false);
    }
    if (d->queue.size > d->high && d->flow == FLOW_ON)
        d->flow = FLOW_PAUSE_DUE;
    if (d->dispatch.task.state == TASK_IDLE)
        loop_push(loop, &d->dispatch.task);
}

static inline int datagram_send_check(const rondo_datagram *d,
                                      struct sys_outgoing *out,
                                      const rondo_address *to, const char *what)
{
    if (d->phase >= PHASE_CLOSING)
        return error_set(RONDO_ECLOSED, "%s: the endpoint is closed", what);
    if (!out->data && out->size)
        return error_set(RONDO_EINVAL, "%s: bytes at NULL", what);
    if (out->size > d->most)
        return error_set(RONDO_EMSGSIZE, "%s: %zu bytes, the limit is %zu",
                         what, out->size, d->most);
    if (d->connected) {
        if (to && !rondo_address_equal(to, &d->peer))
            return error_set(RONDO_EINVAL,
                             "%s: the endpoint is "
                             "connected with another address",
                             what);
        return 0;
    }
    if (!to)
        return error_set(RONDO_ENOTCONN,
                         "%s: no destination, and the endpoint is "
                         "not connected",
                         what);
    if (!to->native_size)
        return error_set(RONDO_EINVAL,
                         "%s: the destination is empty (a sender "
                         "without a name cannot be answered)",
                         what);
    out->to = &to->native;
    out->to_size = to->native_size;
    return 0;
}

int datagram_send_refuse(const rondo_datagram *d, struct sys_outgoing *out,
                         const rondo_address *to, const char *what)
{
    return datagram_send_check(d, out, to, what);
}

int rondo_datagram_send(rondo_datagram *d, const void *data, size_t size,
                        const rondo_address *to)
{
    struct sys_outgoing out = {.data = data, .size = size};
    int error = loop_check(d ? d->loop : NULL, "datagram_send");
    if (!error)
        error = datagram_send_check(d, &out, to, "datagram_send");
    if (error)
        return error;
    io_send_now(d->loop, &d->io);
    if (d->gathers && !d->retry && queue_add(d->loop, &d->queue, &out))
        return datagram_send_queued(d);
    /* While some destinations are full, others go past what waits for them. */
    bool passes = d->by_destination && d->retry && !queue_has(&d->queue, &out);
    if (d->queue.count && !passes)
        return datagram_send_keep(d, &out);
    if (!d->queue.count && d->sends_later && dispatch_runs(&d->dispatch) &&
        io_send_datagram_later(d->loop, &d->io, &out))
        return 0;
    return datagram_send_now(d, &out);
}
