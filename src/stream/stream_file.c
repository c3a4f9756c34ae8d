/* stream_file.c - a file goes out through a transport. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/id.h"
#include "core/observe.h"
#include "stream/stream.h"
#include "threads/file_source.h"

#include <stdio.h>

enum { PART_MOST = 262144 }; /* sent by the backend at a time */

struct stream_file {
    struct handle handle;
    rondo_id id;
    rondo_transport *t;
    struct file_source source;
    struct sys_part part; /* the backend's */
    rondo_done_fn done;
    void *arg;
    bool over;   /* it has its result */
    bool ended;  /* there is nothing more to be read */
    bool writes; /* what a thread has read, into the transport */
    bool
        in_backend; /* its part is; else that may have one of an earlier file */
    int64_t result, os_error;
};

/* Its bytes can go from file to socket as they are. */
static bool stream_file_is_plain(const rondo_transport *t)
{
    return stream_kind(t)->plain && !t->filtered && !stream_fds_wait(t);
}

/* ---- the result ---- */

static void stream_file_finish(struct stream_file *f, int error)
{
    f->over = true;
    f->result = error ? error : f->source.sent;
    f->os_error = rondo_last_os_error();
    file_source_close(&f->source, error != 0);
    dispatch_owe(&f->t->dispatch, STREAM_BIT(OWED_FILE));
    stream_leave_fast(f->t);
}

void stream_file_tell(rondo_transport *t)
{
    rondo_loop *loop = t->loop;
    struct stream_file *f = t->out->file;
    t->out->file = NULL;
    stream_note_progress(t);
    id_free(loop, f->id);
    handle_close(loop, &f->handle);
    if (f->result < 0) {
        error_keep_os(f->os_error);
        error_os((int)f->result, "transport_sendfile");
    }
    OBSERVE_DONE(loop, "transport_sendfile", f->done, loop, f->arg, f->result);
    free_list_put(loop, FREE_LIST_SENDFILE, f);
}

/* What was read and never leaves the buffer was not sent; what a filter has
 * made of it cannot be told. */
static void stream_file_take_back_buffered(struct stream_file *f)
{
    size_t size = f->t->out->buf.size;
    if (f->source.by_thread && !f->t->filtered)
        file_source_take_back(&f->source, (int64_t)size < f->source.sent
                                              ? size
                                              : (size_t)f->source.sent);
}

void stream_file_drop(rondo_transport *t)
{
    struct stream_file *f = t->out->file;
    if (f->over)
        return;
    stream_file_take_back_buffered(f);
    stream_file_finish(f, t->error ? t->error : RONDO_ECONNRESET);
}

/* ---- read by a thread ---- */

static void stream_file_read_on(struct stream_file *f)
{
    const struct outgoing *out = f->t->out;
    if (f->source.reading || out->buf.size > out->low)
        return;
    if (!f->ended && f->source.left) {
        int error = file_source_read(&f->source);
        if (error)
            stream_file_finish(f, error);
    } else if (!out->buf.size) {
        stream_file_finish(f, 0);
    }
}

/* Flow control and whatever else the transport's writes go through hold for
 * these bytes, too. A failure comes back by stream_file_drop. */
static void stream_file_write_on(struct stream_file *f, const char *data,
                                 size_t size)
{
    if (f->t->timed && !stream_unsent(f->t))
        stream_note_write(f->t); /* nothing has waited for the peer */
    f->writes = true;
    int result = rondo_transport_write(f->t, data, size);
    f->writes = false;
    if (result >= 0 || f->over)
        return;
    file_source_take_back(&f->source, size); /* there was no memory for them */
    stream_file_finish(f, result);
}

static void stream_file_came(struct file_source *s, const char *data,
                             size_t size, int error)
{
    struct stream_file *f =
        (struct stream_file *)(void *)((char *)s -
                                       offsetof(struct stream_file, source));
    rondo_transport *t = f->t;
    dispatch_begin(&t->dispatch);
    f->ended = !size;
    if (error)
        stream_file_finish(f, error);
    else if (size)
        stream_file_write_on(f, data, size);
    if (!f->over)
        stream_file_read_on(f);
    stream_finish(t);
}

/* ---- sent by the kernel ---- */

static void stream_file_kernel_said(struct stream_file *f, int64_t count)
{
    rondo_transport *t = f->t;
    if (count == RONDO_ENOTSUP) {
        stream_file_read_on(f);
        return;
    }
    if (count < 0 && count != RONDO_EAGAIN) {
        stream_break_off(t, (int)count);
        return;
    }
    observe_sent(t->loop, count);
    if (count > 0)
        stream_note_progress(t);
    if (count == 0 || !f->source.left)
        stream_file_finish(f, 0);
}

/* What the backend is to send next, no more than there is now. */
static void stream_file_choose_part(struct stream_file *f)
{
    size_t most = file_source_next(&f->source, PART_MOST, &f->part);
    int64_t size = sys_file_size(f->part.file);
    int64_t rest = size - f->part.offset;
    if (rest < (int64_t)most)
        f->part.size = rest > 0 ? (size_t)rest : 0;
    if (size < 0) {
        f->source.by_thread = true; /* which will meet the error */
        stream_file_read_on(f);
    } else if (!f->part.size) {
        stream_file_finish(f, 0);
    }
}

void stream_file_go_on(rondo_transport *t)
{
    struct stream_file *f = t->out->file;
    if (f->over)
        return;
    if (!stream_file_is_plain(t))
        f->source.by_thread = true;
    if (f->source.by_thread)
        stream_file_read_on(f);
    else if (t->out->buf.size)
        return;
    else if (op_sends_files(t->loop, &t->io))
        stream_file_choose_part(f);
    else
        stream_file_kernel_said(f, file_source_send(&f->source, t->io.fd));
}

bool stream_file_waits(const rondo_transport *t)
{
    const struct stream_file *f = t->out->file;
    return f && !f->over && !f->source.by_thread;
}

void stream_file_prepare(rondo_transport *t, struct op *op)
{
    if (!op_sends_files(t->loop, &t->io))
        return;
    op->task.kind = OP_SENDFILE;
    op->buffer = &t->out->file->part;
    t->out->file->in_backend = true;
}

void stream_file_sent(rondo_transport *t, int error, size_t count)
{
    struct stream_file *f = t->out->file;
    bool own = f && !f->over && f->in_backend;
    if (error && file_source_blames_stream(error)) {
        stream_break_off(t, error);
        return;
    }
    if (own && error)
        f->source.by_thread = true;
    else if (own)
        file_source_advance(&f->source, count);
    if (own && !error)
        observe_sent(t->loop, (int64_t)count);
    if (own)
        f->in_backend = false;
    stream_note_progress(t);
    if (f)
        stream_file_go_on(t);
}

bool stream_file_is_slow(const rondo_transport *t)
{
    const struct stream_file *f = t->out ? t->out->file : NULL;
    return f && !f->over && f->source.by_thread && !stream_unsent(t);
}

bool stream_file_writes(const rondo_transport *t)
{
    return t->out->file->writes;
}

/* ---- the program's call ---- */

static void stream_file_cancel(rondo_loop *loop, struct handle *handle)
{
    struct stream_file *f = (struct stream_file *)(void *)handle;
    (void)loop;
    if (f->over)
        return; /* its result is on the way */
    error_no_os();
    stream_file_finish(f, RONDO_ECANCELED);
    stream_settle(f->t);
}

static int stream_file_check(const rondo_transport *t, rondo_done_fn done,
                             const char *what)
{
    int error = stream_may_write(t, what);
    if (error)
        return error;
    if (t->made != MADE_TOLD)
        return error_set(RONDO_ENOTCONN,
                         "%s: connection_made has not been called", what);
    if (t->handshaking)
        return error_set(RONDO_EBUSY, "%s: a filter is getting ready", what);
    return done ? 0 : error_set(RONDO_EINVAL, "%s: no function", what);
}

static int stream_file_new(rondo_transport *t, const struct file_source *source,
                           struct stream_file **made)
{
    rondo_loop *loop = t->loop;
    struct stream_file *f = NULL;
    if (stream_out(t))
        f = free_list_take(loop, FREE_LIST_SENDFILE, sizeof *f);
    if (!f)
        return error_set(RONDO_ENOMEM, "transport_sendfile: out of memory");
    *f = (struct stream_file){.t = t, .source = *source};
    f->source.came = stream_file_came;
    f->id = id_new(loop, &f->handle, stream_file_cancel);
    if (f->id < 0) {
        int error = (int)f->id;
        free_list_put(loop, FREE_LIST_SENDFILE, f);
        return error;
    }
    *made = f;
    return 0;
}

/* The first try, if it may be. What has worked needs not be looked at. */
static int stream_file_begin(struct stream_file *f, const char *what)
{
    rondo_transport *t = f->t;
    int64_t count = RONDO_EAGAIN;
    bool tries = f->source.left && stream_file_is_plain(t) &&
                 !op_sends_files(t->loop, &t->io) && !t->queued &&
                 op_is_idle(&t->out->op);
    if (tries)
        count = file_source_send(&f->source, t->io.fd);
    int64_t os_error = rondo_last_os_error();
    int error = count > 0 ? 0 : file_source_check(&f->source, what);
    if (error)
        return error;
    if (t->timed && !t->queued)
        stream_note_write(t);
    t->queued = true;
    stream_leave_fast(t);
    t->out->file = f;
    handle_open(t->loop, &f->handle, HANDLE_SENDFILE);
    error_keep_os(os_error);
    if (tries)
        stream_file_kernel_said(f, count);
    else if (!f->source.left)
        stream_file_finish(f, 0);
    else if (!t->out->buf.size && op_is_idle(&t->out->op))
        stream_file_go_on(t);
    return 0;
}

rondo_id rondo_transport_sendfile(rondo_transport *t, rondo_fd file,
                                  int64_t offset, int64_t size,
                                  rondo_done_fn done, void *arg)
{
    const char *what = "transport_sendfile";
    struct file_source source;
    struct stream_file *f = NULL;
    int error = stream_file_check(t, done, what);
    if (!error)
        error = file_source_open(&source, t->loop, file, offset, size, what);
    if (!error)
        error = stream_file_new(t, &source, &f);
    if (error)
        return error;
    assert(f);
    f->done = done;
    f->arg = arg;
    rondo_id id = f->id;
    error = stream_file_begin(f, what);
    if (error) {
        id_free(t->loop, id);
        free_list_put(t->loop, FREE_LIST_SENDFILE, f);
        return error;
    }
    stream_settle(t);
    return id;
}

/* ---- for the loop ---- */

static void stream_file_close_at_loop_close(rondo_loop *loop,
                                            struct handle *handle)
{
    stream_file_cancel(loop, handle);
}

static bool stream_file_describe(const struct handle *handle, char *text,
                                 size_t size)
{
    const struct stream_file *f =
        (const struct stream_file *)(const void *)handle;
    snprintf(text, size, "fd %lld, of fd %lld, %lld bytes sent",
             (long long)f->t->io.fd, (long long)f->source.file,
             (long long)f->source.sent);
    return true;
}

const struct handle_class sendfile_class = {
    "sendfile", stream_file_close_at_loop_close, stream_file_describe};
