/* stream_write.c - a transport's writing side. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/backoff.h"
#include "core/observe.h"
#include "stream/filter.h"
#include "stream/stream.h"

#include <limits.h>
#include <string.h>

enum {
    FLUSH_ROUNDS = 16, /* of BUF_GATHER pieces in one dispatch */
    WRITE_TOGETHER_MOST = 2048
};

static rondo_transport *stream_write_of_task(struct task *task)
{
    struct outgoing *out =
        (struct outgoing *)(void *)((char *)task -
                                    offsetof(struct outgoing, op.task));
    return out->t;
}

/* ---- sending ---- */

/* Sends bytes that nothing is queued before. */
static int64_t stream_write_send_one(rondo_transport *t, const void *data,
                                     size_t size)
{
    int64_t sent = stream_kind(t)->sendv(t, &(rondo_buffer){data, size}, 1);
    observe_sent(t->loop, sent);
    return sent;
}

/* The kernel may still send a file that the program has cancelled. */
static bool stream_write_kernel_has_file(const struct outgoing *out)
{
    return out->op.task.kind == OP_SENDFILE && !op_is_idle(&out->op);
}

void stream_note_progress(rondo_transport *t)
{
    bool pump = t->out->pump && pump_waits(t);
    if (!t->out->buf.size && !t->out->file && !pump &&
        !stream_write_kernel_has_file(t->out))
        t->queued = false;
    if (t->out->buf.release_due)
        stream_owe_release(t);
    if (t->timed)
        stream_note_write(t);
    if (t->out->pump && !pump)
        pump_note_room(t);
}

/* ---- waiting for memory ---- */

static void stream_write_retry(rondo_loop *loop, void *arg);

/* ENOBUFS: the kernel has no memory for these bytes now (macOS, the BSDs,
 * Windows). It says nothing of the connection, the socket may be writable all
 * the same, and no event tells when there is some, so a timer waits. false: it
 * is another error, or there is no memory for the timer. */
static bool stream_write_waits_for_memory(rondo_transport *t, int64_t result)
{
    if (result != RONDO_ENOBUFS)
        return false;
    assert(t->queued && !t->out->retry);
    t->out->retry = retry_begin(t->loop, stream_write_retry, t);
    return t->out->retry > 0;
}

void stream_write_stop_retry(rondo_transport *t)
{
    if (t->out->retry)
        (void)timers_cancel(t->loop, t->out->retry);
    t->out->retry = 0;
}

static int64_t stream_write_send_pieces(rondo_transport *t,
                                        const rondo_buffer *pieces,
                                        size_t count, size_t offered)
{
    int64_t sent = stream_kind(t)->sendv(t, pieces, count);
    observe_sent(t->loop, sent);
    size_t size = retry_smaller(sent, offered);
    if (!size)
        return sent;
    return stream_write_send_one(t, pieces->data,
                                 pieces->size < size ? pieces->size : size);
}

static void stream_write_flush(rondo_transport *t)
{
    struct outgoing *out = t->out;
    rondo_buffer pieces[BUF_GATHER];
    for (int round = 0; round < FLUSH_ROUNDS && out->buf.size; round++) {
        size_t count = buf_gather(&out->buf, pieces), offered = 0;
        for (size_t i = 0; i < count; i++)
            offered += pieces[i].size;
        int64_t sent = stream_write_send_pieces(t, pieces, count, offered);
        if (sent == RONDO_EAGAIN || stream_write_waits_for_memory(t, sent))
            return;
        if (sent < 0) {
            stream_break_off(t, (int)sent);
            return;
        }
        buf_consume(t->loop, &out->buf, (size_t)sent);
        stream_note_progress(t);
        if ((size_t)sent < offered && !stream_fds_wait(t))
            return;
    }
}

static void stream_write_go_on(rondo_transport *t)
{
    stream_write_flush(t);
    if (t->out->file)
        stream_file_go_on(t);
    if (t->out->pump && pump_waits(t) && !t->out->buf.size)
        pump_go_on(t);
}

static void stream_write_retry(rondo_loop *loop, void *arg)
{
    rondo_transport *t = arg;
    (void)loop;
    assert(t->out->retry > 0 && op_is_idle(&t->out->op) && !stream_is_over(t));
    t->out->retry = 0;
    dispatch_begin(&t->dispatch);
    stream_write_go_on(t);
    stream_finish(t);
}

static void stream_write_done(rondo_loop *loop, struct task *task)
{
    rondo_transport *t = stream_write_of_task(task);
    bool file = task->kind == OP_SENDFILE;
    dispatch_begin(&t->dispatch);
    task->kind = OP_WRITE;
    if (task->error)
        error_keep_os(t->out->op.os_error);
    int error = stream_kind(t)->written(t);
    if (stream_is_over(t)) {
        stream_drop_out(t); /* what the kernel has had until now */
    } else if (file) {
        stream_file_sent(t, error, t->out->op.count);
    } else if (error && error != RONDO_ECANCELED) {
        if (!stream_write_waits_for_memory(t, error))
            stream_break_off(t, error);
    } else if (!error) {
        if (t->out->op.count) {
            if (stream_fds_wait(t))
                stream_fds_passed(t, t->out->op.count);
            observe_sent(loop, (int64_t)t->out->op.count);
            buf_consume(loop, &t->out->buf, t->out->op.count);
            stream_note_progress(t);
        }
        stream_write_go_on(t);
    }
    stream_finish(t);
}

/* ---- the queue ---- */

struct outgoing *stream_out(rondo_transport *t)
{
    if (t->out)
        return t->out;
    struct outgoing *out = loop_alloc(t->loop, sizeof *out);
    if (!out)
        return NULL;
    op_init(&out->op, stream_writing_io(t), OP_WRITE, stream_write_done);
    buf_init(&out->buf);
    out->t = t;
    out->file = NULL;
    out->waits = NULL;
    out->pump = NULL;
    out->dropped = false;
    out->retry = 0;
    out->high = BUF_HIGH;
    out->low = BUF_LOW;
    t->out = out;
    return out;
}

void stream_drop_out(rondo_transport *t)
{
    stream_then_drop(t);
    if (t->out && stream_unsent(t))
        t->out->dropped = true;
    stream_fds_drop_queued(t);
    if (t->filtered)
        filters_drop_pending(t);
    if (!t->out)
        return;
    stream_write_stop_retry(t);
    if (t->out->file)
        stream_file_drop(t);
    if (t->out->pump)
        pump_drop(t);
    buf_drop(t->loop, &t->out->buf, !op_is_idle(&t->out->op));
    stream_note_progress(t);
}

size_t stream_unsent(const rondo_transport *t)
{
    size_t above = t->filtered ? filters_pending(t) : 0;
    return above + (t->out ? t->out->buf.size : 0);
}

static int stream_write_limit(rondo_transport *t)
{
    bool over = stream_unsent(t) > t->out->high;
    if (over && t->flow == FLOW_ON)
        stream_set_flow(t, FLOW_PAUSE_DUE);
    return over;
}

int stream_queued(rondo_transport *t)
{
    int over = stream_write_limit(t);
    stream_settle(t);
    return over;
}

static void stream_write_note_queued(rondo_transport *t)
{
    if (t->timed && !t->queued)
        stream_note_write(t);
    t->queued = true;
    stream_leave_fast(t);
}

int stream_write_queued(rondo_transport *t)
{
    stream_write_note_queued(t);
    return stream_queued(t);
}

int stream_lose_rest(rondo_transport *t, bool some_left)
{
    error_no_os();
    if (some_left) {
        stream_fail(t, RONDO_ENOMEM, STREAM_BY_RESET | STREAM_BY_WRITING);
        stream_settle(t);
    }
    return error_set(RONDO_ENOMEM, "transport_write: out of memory");
}

static int stream_write_keep(rondo_transport *t, const void *data, size_t size,
                             bool some_left)
{
    struct outgoing *out = stream_out(t);
    if (!out || !buf_append(t->loop, &out->buf, data, size))
        return stream_lose_rest(t, some_left);
    return stream_write_queued(t);
}

/* ---- may it write? ---- */

static int stream_write_refuse_null(const char *what)
{
    return error_set(RONDO_EINVAL, "%s: bytes at NULL", what);
}

int stream_write_refuse(const rondo_transport *t, const char *what)
{
    if (stream_is_closing(t))
        return error_set(RONDO_ECLOSED, "%s: the transport is closed", what);
    if (stream_only_reads(t))
        return error_set(RONDO_EPIPE, "%s: the transport only reads", what);
    if (t->writing != WRITE_ON)
        return error_set(RONDO_EPIPE, "%s: after write_eof", what);
    return error_set(t->error, "%s: an earlier write has failed: %s", what,
                     rondo_strerror(t->error));
}

/* Its phase and its writing side let the program write. */
static bool stream_takes_bytes(const rondo_transport *t)
{
    return t->phase == PHASE_OPEN && t->writing == WRITE_ON && !t->reading_out;
}

int stream_may_write_more(const rondo_transport *t, const char *what)
{
    int error = loop_check(t ? t->loop : NULL, what);
    if (error)
        return error;
    bool file = t->out && t->out->file;
    if (file && stream_file_writes(t)) /* it began before the end was called */
        return stream_is_over(t) ? stream_write_refuse(t, what) : 0;
    if (!stream_takes_bytes(t))
        return stream_write_refuse(t, what);
    if (t->out && t->out->pump && !pump_writes(t))
        return error_set(RONDO_EBUSY, "%s: a pump writes to it", what);
    return file ? error_set(RONDO_EBUSY, "%s: a sendfile is under way", what)
                : 0;
}

int stream_may_write(const rondo_transport *t, const char *what)
{
    int error = loop_check(t ? t->loop : NULL, what);
    if (error)
        return error;
    io_send_now(t->loop, &t->io);
    return stream_may_write_more(t, what);
}

/* Bytes wait before it, of writes or of a file. */
static bool stream_write_has_to_wait(const rondo_transport *t)
{
    if (!t->queued)
        return false;
    return t->out->buf.size || !t->out->file || !stream_file_writes(t);
}

static int stream_write_failed(rondo_transport *t, int error, const char *what)
{
    stream_break_off(t, error);
    stream_settle(t);
    return error_os(stream_loss(t, error), "%s", what);
}

/* The kernel takes nothing now: what is offered waits in the queue. */
static bool stream_write_is_put_off(int64_t sent)
{
    return sent == RONDO_EAGAIN || sent == RONDO_ENOBUFS;
}

/* What came back of bytes that the program was told are sent. Its turn settles
 * it and tells what is owed. */
void stream_unsent_later(rondo_loop *loop, struct io *io,
                         const struct sys_outgoing *rest, int error)
{
    rondo_transport *t =
        (rondo_transport *)(void *)((char *)io - offsetof(rondo_transport, io));
    if (stream_is_over(t))
        return;
    assert(!t->queued);
    if (!stream_write_is_put_off(error)) {
        stream_break_off(t, error);
    } else if (!stream_out(t) ||
               !buf_append(loop, &t->out->buf, rest->data, rest->size)) {
        error_no_os();
        stream_fail(t, RONDO_ENOMEM, STREAM_BY_RESET | STREAM_BY_WRITING);
    } else {
        stream_write_note_queued(t);
        (void)stream_write_limit(t);
    }
    if (t->dispatch.task.state == TASK_IDLE)
        loop_push(loop, &t->dispatch.task);
    loop_nudge(loop);
}

/* ---- the program's calls ---- */

/* The kernel took a part of it, nothing, or has failed. */
static COLD int stream_write_unsent(rondo_transport *t, const void *data,
                                    size_t size, int64_t sent)
{
    if (sent < 0) {
        if (!stream_write_is_put_off(sent))
            return stream_write_failed(t, (int)sent, "transport_write");
        sent = 0;
    }
    return stream_write_keep(t, (const char *)data + sent, size - (size_t)sent,
                             sent > 0);
}

/* The fast path: the kernel takes all. */
static int stream_write_now(rondo_transport *t, const void *data, size_t size)
{
    int64_t sent = sys_send(t->io.fd, data, size);
    return sent == (int64_t)size ? 0 : stream_write_unsent(t, data, size, sent);
}

/* Below the filters: sends what nothing waits before, and keeps the rest. */
static COLD int stream_write_out(rondo_transport *t, const void *data,
                                 size_t size)
{
    if (stream_write_has_to_wait(t))
        return stream_write_keep(t, data, size, false);
    int64_t sent = stream_write_send_one(t, data, size);
    return sent == (int64_t)size ? 0 : stream_write_unsent(t, data, size, sent);
}

static COLD int stream_send_slow(rondo_transport *t, const void *data,
                                 size_t size)
{
    if (t->io.sends_later && io_send_later(t->loop, &t->io, data, size))
        return 0;
    io_send_now(t->loop, &t->io);
    bool ended = stream_is_over(t) || t->writing == WRITE_ENDED;
    return ended ? stream_write_refuse(t, "layer_send")
                 : stream_write_out(t, data, size);
}

/* What a filter sends cannot be refused: what is above counts on it, and what
 * follows would be missing it. */
static COLD int stream_send_failed(rondo_transport *t, int error)
{
    if (error == RONDO_ENOMEM && !stream_is_over(t))
        return stream_lose_rest(t, true);
    return error;
}

int stream_send(rondo_transport *t, const void *data, size_t size)
{
    int result = t->fast_send ? stream_write_now(t, data, size)
                              : stream_send_slow(t, data, size);
    return result < 0 ? stream_send_failed(t, result) : result;
}

static COLD int stream_write_slow(rondo_transport *t, const void *data,
                                  size_t size)
{
    int error = stream_may_write(t, "transport_write");
    if (error || !size)
        return error;
    if (!data)
        return stream_write_refuse_null("transport_write");
    return stream_pause_inside(t, t->filtered
                                      ? filters_take(t, data, size)
                                      : stream_write_out(t, data, size));
}

static NOINLINE int stream_write_later(rondo_transport *t, const void *data,
                                       size_t size)
{
    return io_send_later(t->loop, &t->io, data, size)
               ? 0
               : stream_write_slow(t, data, size);
}

/* By way of filters, or together with what other streams send. */
static NOINLINE int stream_write_by_way(rondo_transport *t, const void *data,
                                        size_t size)
{
    if (t->fast_filter)
        return filters_write(t, data, size);
    return t->io.sends_later == SENDS_LATER ? stream_write_later(t, data, size)
                                            : stream_write_slow(t, data, size);
}

int rondo_transport_write(rondo_transport *t, const void *data, size_t size)
{
    if (!t || !loop_is_plain(t->loop) || !data || !size)
        return stream_write_slow(t, data, size);
    return t->fast_write ? stream_write_now(t, data, size)
                         : stream_write_by_way(t, data, size);
}

/* Skips what has left and sends on, while the kernel takes whole groups. */
static int64_t stream_write_send_groups(rondo_transport *t,
                                        const rondo_buffer *buffers,
                                        size_t count)
{
    int64_t total = 0;
    while (count) {
        size_t group = count < BUF_GATHER ? count : BUF_GATHER, offered = 0;
        for (size_t i = 0; i < group; i++)
            offered += buffers[i].size;
        int64_t sent = offered ? stream_kind(t)->sendv(t, buffers, group) : 0;
        observe_sent(t->loop, sent);
        if (sent < 0)
            return stream_write_is_put_off(sent) || total ? total : sent;
        total += sent;
        if ((size_t)sent < offered)
            break;
        buffers += group;
        count -= group;
    }
    return total;
}

int stream_write_check(const rondo_buffer *buffers, size_t count, size_t *size,
                       const char *what)
{
    size_t room = PTRDIFF_MAX; /* more than that is nobody's memory */
    if (count > room / sizeof(struct chunk) / 2)
        return error_set(RONDO_EINVAL, "%s: absurd sizes", what);
    for (size_t i = 0; i < count; i++) {
        if (!buffers || (!buffers[i].data && buffers[i].size))
            return stream_write_refuse_null(what);
        if (buffers[i].size > room)
            return error_set(RONDO_EINVAL, "%s: absurd sizes", what);
        room -= buffers[i].size;
    }
    *size = (size_t)PTRDIFF_MAX - room;
    return 0;
}

int64_t stream_write_offer(rondo_transport *t, const rondo_buffer *buffers,
                           size_t count, const char *what)
{
    int64_t sent = stream_write_send_groups(t, buffers, count);
    return sent < 0 ? stream_write_failed(t, (int)sent, what) : sent;
}

/* What the kernel has not taken of them is copied. */
static int stream_write_keep_rest(rondo_transport *t,
                                  const rondo_buffer *buffers, size_t count,
                                  int64_t sent)
{
    size_t skip = (size_t)sent;
    bool some_taken = sent > 0;
    int result = 0;
    for (size_t i = 0; i < count && result >= 0; i++) {
        size_t here = skip < buffers[i].size ? skip : buffers[i].size;
        skip -= here;
        if (here == buffers[i].size)
            continue;
        result = stream_write_keep(t, (const char *)buffers[i].data + here,
                                   buffers[i].size - here, some_taken);
        some_taken = true;
    }
    return result;
}

static int stream_write_gathered(rondo_transport *t,
                                 const rondo_buffer *buffers, size_t count)
{
    if (t->filtered)
        return filters_writev(t, buffers, count);
    int64_t sent = 0;
    if (!t->queued)
        sent = stream_write_offer(t, buffers, count, "transport_writev");
    return sent < 0 ? (int)sent
                    : stream_write_keep_rest(t, buffers, count, sent);
}

/* Few bytes in pieces leave together with what others send, too. false: they go
 * the other way, which knows what is wrong with them. */
static bool stream_write_together(rondo_transport *t,
                                  const rondo_buffer *buffers, size_t count)
{
    char all[WRITE_TOGETHER_MOST];
    size_t size = 0;
    if (!buffers)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (buffers[i].size > sizeof all - size ||
            (!buffers[i].data && buffers[i].size))
            return false;
        if (buffers[i].size)
            memcpy(all + size, buffers[i].data, buffers[i].size);
        size += buffers[i].size;
    }
    return size && io_send_later(t->loop, &t->io, all, size);
}

int rondo_transport_writev(rondo_transport *t, const rondo_buffer *buffers,
                           size_t count)
{
    size_t size;
    if (t && t->io.sends_later == SENDS_LATER && loop_is_plain(t->loop) &&
        stream_write_together(t, buffers, count))
        return 0;
    int error = stream_may_write(t, "transport_writev");
    if (!error)
        error = stream_write_check(buffers, count, &size, "transport_writev");
    return error || !count ? error
                           : stream_pause_inside(
                                 t, stream_write_gathered(t, buffers, count));
}

static bool stream_write_may_try(const rondo_transport *t)
{
    bool pipe = t->kind != STREAM_SOCKET && t->kind != STREAM_UNIX_SOCKET;
    return !t->filtered && (!pipe || stream_pipe_tries(t));
}

int64_t rondo_transport_try_write(rondo_transport *t,
                                  const rondo_buffer *buffers, size_t count)
{
    const char *what = "transport_try_write";
    size_t size = 0;
    int error = stream_may_write(t, what);
    if (!error)
        error = stream_write_check(buffers, count, &size, what);
    if (error)
        return error;
    if (!stream_write_may_try(t))
        return error_set(RONDO_ENOTSUP, "%s: %s", what,
                         t->filtered ? "filters take all or nothing"
                                     : "another thread or operation writes");
    int64_t sent = t->queued ? 0 : stream_write_offer(t, buffers, count, what);
    error_no_os();
    return sent || !size ? sent
                         : error_set(RONDO_EAGAIN,
                                     "%s: the kernel takes nothing now", what);
}

int rondo_transport_write_owned(rondo_transport *t, const void *data,
                                size_t size, void (*release)(void *arg),
                                void *arg)
{
    int error = stream_may_write(t, "transport_write_owned");
    if (error)
        return error;
    if (!data && size)
        return stream_write_refuse_null("transport_write_owned");
    if (!release)
        return error_set(RONDO_EINVAL, "transport_write_owned: no release");
    struct outgoing *out = stream_out(t);
    struct chunk *chunk =
        out ? buf_chunk_owned(t->loop, data, size, release, arg) : NULL;
    if (!chunk)
        return error_set(RONDO_ENOMEM, "transport_write_owned: out of memory");
    if (t->filtered)
        return stream_pause_inside(t, filters_write_owned(t, chunk));
    int64_t sent = 0;
    if (size && !t->queued) {
        sent = stream_write_send_one(t, data, size);
        if (sent < 0 && !stream_write_is_put_off(sent)) {
            loop_free(t->loop, chunk);
            return stream_write_failed(t, (int)sent, "transport_write_owned");
        }
        if (sent < 0)
            sent = 0;
    }
    if ((size_t)sent == size) {
        buf_release_later(&out->buf, chunk);
        stream_owe_release(t);
        stream_settle(t);
        return 0;
    }
    chunk->data += sent;
    chunk->size -= (size_t)sent;
    buf_append_chunk(&out->buf, chunk);
    return stream_pause_inside(t, stream_write_queued(t));
}

int stream_may_end(const rondo_transport *t, const char *what)
{
    int error = loop_check(t ? t->loop : NULL, what);
    if (error)
        return error;
    io_send_now(t->loop, &t->io);
    if (stream_is_closing(t) || stream_only_reads(t))
        return stream_write_refuse(t, what);
    if (t->kind == STREAM_NAMED_PIPE)
        return error_set(RONDO_ENOTSUP,
                         "%s: a pipe or terminal ends both ways at once", what);
    return 0;
}

int rondo_transport_write_eof(rondo_transport *t)
{
    int error = stream_may_end(t, "transport_write_eof");
    if (error)
        return error;
    if (t->writing == WRITE_ON)
        t->writing = WRITE_ENDING;
    stream_settle(t);
    return 0;
}
