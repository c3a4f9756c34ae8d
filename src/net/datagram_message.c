/* datagram_message.c - sends in pieces, with an info, with a result. */
/* SPDX-License-Identifier: MIT */
#include "net/datagram.h"

#include "base/error.h"
#include "core/id.h"
#include "core/observe.h"

#include <string.h>

/* ---- sends with a result ---- */

static void datagram_message_cancel(rondo_loop *loop, struct handle *handle)
{
    struct datagram_sent *sent = (struct datagram_sent *)(void *)handle;
    rondo_datagram *d = sent->d;
    if (!sent->waits)
        return; /* its done is owed */
    queue_remove(loop, &d->queue, sent);
    error_no_os();
    datagram_sent_over(sent, RONDO_ECANCELED);
    datagram_settle(d);
}

/* The endpoint, which is closed, too, ends its sends. */
static void datagram_message_close(rondo_loop *loop, struct handle *handle)
{
    (void)loop;
    (void)handle;
}

const struct handle_class datagram_sent_class = {"send", datagram_message_close,
                                                 NULL};

static struct datagram_sent *datagram_message_new(rondo_datagram *d,
                                                  rondo_done_fn done, void *arg)
{
    struct datagram_sent *sent = loop_alloc(d->loop, sizeof *sent);
    if (!sent)
        return NULL;
    *sent = (struct datagram_sent){.d = d, .done = done, .arg = arg};
    sent->id = id_new(d->loop, &sent->handle, datagram_message_cancel);
    if (sent->id < 0) {
        loop_free(d->loop, sent);
        return NULL;
    }
    handle_open(d->loop, &sent->handle, HANDLE_SEND);
    return sent;
}

static void datagram_message_end(struct datagram_sent *sent)
{
    id_free(sent->d->loop, sent->id);
    handle_close(sent->d->loop, &sent->handle);
}

void datagram_sent_over(struct datagram_sent *sent, int64_t result)
{
    rondo_datagram *d = sent->d;
    assert(!sent->next && d->over_last != &sent->next);
    sent->waits = false;
    sent->result = result;
    sent->os_error = result < 0 ? rondo_last_os_error() : 0;
    *d->over_last = sent;
    d->over_last = &sent->next;
    dispatch_owe(&d->dispatch, 1U << DATAGRAM_OWED_DONE);
}

void datagram_tell_done(rondo_datagram *d)
{
    rondo_loop *loop = d->loop;
    struct datagram_sent *sent, *list = d->over;
    d->over = NULL;
    d->over_last = &d->over;
    while ((sent = list)) {
        list = sent->next;
        datagram_message_end(sent);
        if (sent->result < 0) {
            error_keep_os(sent->os_error);
            (void)error_os((int)sent->result, "datagram_send_then");
        }
        OBSERVE_DONE(loop, "datagram_send_then", sent->done, loop, sent->arg,
                     sent->result);
        loop_free(loop, sent);
    }
}

/* ---- what may be sent ---- */

enum {
    SENDABLE = RONDO_INFO_LOCAL | RONDO_INFO_INTERFACE | RONDO_INFO_ECN |
               RONDO_INFO_TTL | RONDO_INFO_SEGMENTS
};

static int datagram_message_check_values(const rondo_datagram *d,
                                         const rondo_datagram_info *info,
                                         const char *what)
{
    unsigned known = info->known;
    if (known & ~(unsigned)SENDABLE)
        return error_set(RONDO_EINVAL, "%s: info.known %#x cannot be sent",
                         what, known & ~(unsigned)SENDABLE);
    if (known & RONDO_INFO_ECN && (unsigned)info->ecn > 3)
        return error_set(RONDO_EINVAL, "%s: info.ecn %d", what, info->ecn);
    if (known & RONDO_INFO_TTL && (info->ttl < 1 || info->ttl > 255))
        return error_set(RONDO_EINVAL, "%s: info.ttl %d", what, info->ttl);
    if (known & RONDO_INFO_SEGMENTS &&
        (info->segment_size < 1 || info->segment_size > d->most))
        return error_set(RONDO_EINVAL, "%s: info.segment_size %zu", what,
                         info->segment_size);
    if (known & RONDO_INFO_LOCAL &&
        rondo_address_family(&info->local) != rondo_address_family(&d->local))
        return error_set(RONDO_EINVAL,
                         "%s: info.local is not of the endpoint's family",
                         what);
    return 0;
}

static int datagram_message_check_info(const rondo_datagram *d,
                                       const rondo_datagram_info *info,
                                       const char *what)
{
    rondo_family family = rondo_address_family(&d->local);
    bool ip = family == RONDO_FAMILY_INET || family == RONDO_FAMILY_INET6;
    int error = datagram_message_check_values(d, info, what);
    if (error)
        return error;
    unsigned lacks = info->known & ~(ip ? sys_datagram_infos() : 0);
    if (lacks)
        return error_set(RONDO_ENOTSUP,
                         "%s: this system does not take info %#x for such a "
                         "socket (rondo_loop_supports says what it does)",
                         what, lacks);
    return 0;
}

/* Their bytes; RONDO_EINVAL. */
static int datagram_message_count(const rondo_buffer *buffers, size_t count,
                                  size_t *size, const char *what)
{
    *size = 0;
    if (count > RONDO_DATAGRAM_PIECES || (count && !buffers))
        return error_set(RONDO_EINVAL, "%s: %zu pieces%s", what, count,
                         buffers ? "" : " at NULL");
    for (size_t i = 0; i < count; i++) {
        if (!buffers[i].data && buffers[i].size)
            return error_set(RONDO_EINVAL, "%s: bytes at NULL", what);
        *size = buffers[i].size > SIZE_MAX - *size ? SIZE_MAX
                                                   : *size + buffers[i].size;
    }
    return 0;
}

/* A call of the program's. */
struct message {
    struct sys_message m;
    struct sys_outgoing out; /* where to */
    rondo_datagram_info info;
    const char *what;
    struct datagram_sent *sent; /* or NULL */
};

static int datagram_message_read(rondo_datagram *d, struct message *message,
                                 const rondo_buffer *buffers, size_t count,
                                 const rondo_address *to,
                                 const rondo_datagram_info *info)
{
    size_t size;
    const char *what = message->what;
    int error = loop_check(d ? d->loop : NULL, what);
    if (!error)
        error = datagram_message_count(buffers, count, &size, what);
    if (!error)
        error = loop_options(&message->info, sizeof message->info, info, what);
    if (error)
        return error;
    message->out = (struct sys_outgoing){.data = "", .size = size};
    message->sent = NULL;
    error = datagram_send_refuse(d, &message->out, to, what);
    if (!error && message->info.known)
        error = datagram_message_check_info(d, &message->info, what);
    if (!error)
        io_send_now(d->loop, &d->io);
    message->m = (struct sys_message){
        .pieces = buffers,
        .count = count,
        .to = message->out.to,
        .to_size = message->out.to_size,
        .target = d->connected ? &d->peer : to,
        .info = message->info.known ? &message->info : NULL};
    return error;
}

/* ---- sending ---- */

static int datagram_message_pass(const rondo_datagram *d,
                                 const struct sys_message *m)
{
    int sent = sys_send_message(d->io.fd, m);
    for (size_t i = 0; d->loop->metering && sent > 0 && i < m->count; i++)
        observe_sent(d->loop, (int64_t)m->pieces[i].size);
    return sent;
}

int datagram_message_first(rondo_datagram *d, const struct sys_outgoing *first,
                           const struct datagram_extra *extra)
{
    const rondo_buffer piece = {.data = first->data, .size = first->size};
    rondo_address to = {.native_size = (uint32_t)first->to_size};
    if (first->to_size)
        memcpy(&to.native, first->to, first->to_size);
    const struct sys_message m = {.pieces = &piece,
                                  .count = 1,
                                  .to = first->to,
                                  .to_size = first->to_size,
                                  .target = d->connected ? &d->peer : &to,
                                  .info =
                                      extra->info.known ? &extra->info : NULL};
    return datagram_message_pass(d, &m);
}

static int datagram_message_keep(rondo_datagram *d,
                                 const struct message *message)
{
    if (!queue_add_message(d->loop, &d->queue, &message->m, message->sent))
        return error_set(RONDO_ENOMEM, "%s: out of memory", message->what);
    if (message->sent)
        message->sent->waits = true;
    return datagram_send_queued(d);
}

/* Whether others that wait go before it. */
static bool datagram_message_must_wait(rondo_datagram *d,
                                       const struct message *message)
{
    bool passes =
        d->by_destination && d->retry && !queue_has(&d->queue, &message->out);
    return d->queue.count && !passes;
}

/* 0: the kernel has it. RONDO_EAGAIN has a sentence, too. See
 * datagram_send_ask_again. */
static int datagram_message_now(rondo_datagram *d,
                                const struct message *message)
{
    int sent = datagram_message_pass(d, &message->m), again = sent;
    int64_t os_error = rondo_last_os_error();
    if (sent < 0 && sent != RONDO_EAGAIN && d->connected)
        again = datagram_message_pass(d, &message->m);
    if (sent != again && (again > 0 || again == RONDO_EAGAIN)) {
        error_keep_os(os_error);
        datagram_tell(d, sent, false);
        datagram_settle(d);
    }
    if (again == RONDO_EAGAIN)
        return error_set(RONDO_EAGAIN, "%s: the kernel has no room",
                         message->what);
    return again < 0 ? error_os(again, "%s", message->what) : 0;
}

/* Sends it or keeps it. */
static int datagram_message_send(rondo_datagram *d,
                                 const struct message *message)
{
    bool plain = !message->m.info && !message->sent;
    if (d->gathers && !plain)
        datagram_commit(d);
    if (datagram_message_must_wait(d, message) || (d->gathers && plain))
        return datagram_message_keep(d, message);
    int error = datagram_message_now(d, message);
    if (error == RONDO_EAGAIN)
        return datagram_message_keep(d, message);
    if (!error && message->sent) {
        datagram_sent_over(message->sent, (int64_t)message->out.size);
        datagram_settle(d);
    }
    return error;
}

int rondo_datagram_send_with(rondo_datagram *d, const rondo_buffer *buffers,
                             size_t count, const rondo_address *to,
                             const rondo_datagram_info *info)
{
    struct message message = {.what = "datagram_send_with"};
    int error = datagram_message_read(d, &message, buffers, count, to, info);
    return error ? error : datagram_message_send(d, &message);
}

int rondo_datagram_try_send(rondo_datagram *d, const rondo_buffer *buffers,
                            size_t count, const rondo_address *to,
                            const rondo_datagram_info *info)
{
    struct message message = {.what = "datagram_try_send"};
    int error = datagram_message_read(d, &message, buffers, count, to, info);
    if (error)
        return error;
    /* what a callback has gathered; else it waits for an operation */
    if (d->queue.count && datagram_may_flush(d))
        (void)datagram_flush(d, false);
    if (datagram_message_must_wait(d, &message))
        return error_set(RONDO_EAGAIN, "%s: other datagrams wait",
                         message.what);
    return datagram_message_now(d, &message);
}

rondo_id rondo_datagram_send_then(rondo_datagram *d,
                                  const rondo_buffer *buffers, size_t count,
                                  const rondo_address *to,
                                  const rondo_datagram_info *info,
                                  rondo_done_fn done, void *arg)
{
    struct message message = {.what = "datagram_send_then"};
    int error = datagram_message_read(d, &message, buffers, count, to, info);
    if (!error && !done)
        error = error_set(RONDO_EINVAL, "%s: no done", message.what);
    if (error)
        return error;
    message.sent = datagram_message_new(d, done, arg);
    if (!message.sent)
        return error_set(RONDO_ENOMEM, "%s: out of memory", message.what);
    rondo_id id = message.sent->id;
    error = datagram_message_send(d, &message);
    if (error >= 0)
        return id;
    datagram_message_end(message.sent);
    loop_free(d->loop, message.sent);
    return error;
}
