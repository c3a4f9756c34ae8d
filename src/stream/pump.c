/* pump.c - bytes go from one transport to another, by the kernel if it can. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/id.h"
#include "core/observe.h"
#include "stream/stream.h"

#include <stdio.h>

/* In each round the kernel moves at most PIECE bytes into the pipe, and a
 * dispatch has at most MOST bytes. */
enum { PIECE = 1 << 19, MOST = 1 << 20 };

/* Of two transports of one loop, which may be the same. Where the kernel can
 * splice, the bytes go through a pipe and never enter the process, but for those
 * that the backend had read before there was a pump; else through
 * the program's memory and the write buffer of `to`. While bytes wait for `to`
 * nothing is read of `from`. */
struct pump {
    struct handle handle;
    struct task task; /* calls done */
    rondo_loop *loop;
    rondo_id id;
    rondo_transport *from, *to; /* NULL: it has left the pump */
    rondo_transport *waits; /* was `from`: it delivers nothing before done */
    rondo_pump_fn done;
    void *arg;
    unsigned flags;
    sys_fd pipe[2]; /* SYS_NO_FD: there is none */
    bool by_kernel;
    bool quiet;     /* sys_is_quiet */
    bool writes;    /* its own write is under way */
    bool ended;     /* nothing more comes: it ends when the pipe is empty */
    bool eof;       /* ... with the end, which is passed on */
    bool over;      /* done is on its way */
    size_t inside;  /* bytes in the pipe */
    uint64_t moved; /* bytes that `to`, or its buffer, has */
    uint64_t left;  /* bytes that may still be read; UINT64_MAX: no limit */
    int error;
    int64_t os_error;
};

static struct pump *pump_of(struct handle *handle)
{
    return (struct pump *)(void *)handle;
}

/* ---- the end ---- */

static void pump_free(struct pump *p)
{
    for (int i = 0; i < 2; i++)
        if (p->pipe[i] != SYS_NO_FD)
            sys_close(p->pipe[i]);
    loop_free(p->loop, p);
}

static void pump_settle(rondo_transport *t)
{
    if (t && !stream_is_ending(t))
        stream_settle(t);
}

/* What came behind the pump's bytes is the protocol's, once done is told. */
static void pump_hold(struct pump *p, rondo_transport *from)
{
    if (!from || stream_is_ending(from))
        return;
    p->waits = from;
    from->pump_full = 1;
    from->extra->pump = p;
    stream_leave_fast(from);
}

static void pump_let_go(struct pump *p)
{
    rondo_transport *from = p->waits;
    if (!from)
        return;
    p->waits = NULL;
    from->pump_full = 0;
    from->extra->pump = NULL;
    pump_settle(from);
}

static void pump_tell(rondo_loop *loop, struct task *task)
{
    struct pump *p =
        (struct pump *)(void *)((char *)task - offsetof(struct pump, task));
    rondo_pump_fn done = p->done;
    void *arg = p->arg;
    uint64_t moved = p->moved;
    int error = p->error;
    pump_let_go(p);
    id_free(loop, p->id);
    handle_close(loop, &p->handle);
    if (error) {
        error_keep_os(p->os_error);
        (void)error_os(error, "pump");
    }
    pump_free(p);
    OBSERVE_DONE(loop, "pump", done, loop, arg, moved, error);
}

/* May the backend read before it is asked? What it has read by now is held: the
 * pump's first bytes. */
static void pump_read_ahead(rondo_transport *from, bool may)
{
    if (from->kind == STREAM_SOCKET)
        from->read.task.kind = may ? OP_READ : OP_WAIT_READ;
}

static void pump_leave_from(struct pump *p)
{
    if (!p->from)
        return;
    p->from->pumped = p->from->pump_full = 0;
    p->from->extra->pump = NULL;
    pump_read_ahead(p->from, true);
    stream_leave_fast(p->from);
    p->from = NULL;
}

static void pump_leave_to(struct pump *p)
{
    if (!p->to)
        return;
    p->to->out->pump = NULL;
    stream_leave_fast(p->to);
    if (p->inside) /* which it will not get */
        stream_note_progress(p->to);
    p->to = NULL;
}

static void pump_finish(struct pump *p, int error)
{
    rondo_transport *from = p->from, *to = p->to;
    if (p->over)
        return;
    p->over = true;
    p->error = error;
    p->os_error = rondo_last_os_error();
    pump_leave_from(p);
    pump_leave_to(p);
    pump_hold(p, from);
    loop_push(p->loop, &p->task);
    loop_nudge(p->loop);
    if (!error && p->eof && to && !(p->flags & RONDO_PUMP_KEEP_OPEN) &&
        stream_can_end(to))
        (void)rondo_transport_write_eof(to);
    pump_settle(to);
    if (from != to)
        pump_settle(from);
}

/* No more comes. Bytes in the pipe still go to `to`. */
static void pump_end(struct pump *p, int error, bool eof)
{
    if (p->over || p->ended)
        return;
    p->ended = true;
    p->eof = eof;
    p->error = error;
    if (p->from)
        p->from->pump_full = 1;
    if (!p->inside)
        pump_finish(p, error);
}

/* ---- flow control ---- */

static void pump_set_full(struct pump *p, bool full)
{
    rondo_transport *from = p->from;
    if (!from || from->pump_full == full || p->ended)
        return;
    from->pump_full = full;
    stream_leave_fast(from);
    if (!full)
        stream_settle(from);
}

void pump_note_room(rondo_transport *to)
{
    struct pump *p = to->out->pump;
    if (!p->inside && stream_unsent(to) <= to->out->low)
        pump_set_full(p, false);
}

/* ---- by the kernel ---- */

static bool pump_splices(const struct pump *p)
{
    const rondo_transport *to = p->to;
    return p->by_kernel && !to->out->buf.size && !p->from->held &&
           !stream_fds_wait(to);
}

/* From the pipe to `to`. The pump may be over then. */
static void pump_out(struct pump *p)
{
    rondo_transport *to = p->to;
    int64_t sent = 0;
    while (p->inside && sent >= 0) {
        sent = sys_splice(p->pipe[0], to->io.fd, p->inside, p->quiet);
        if (sent <= 0)
            break;
        p->inside -= (size_t)sent;
        p->moved += (uint64_t)sent;
        observe_sent(to->loop, sent);
        if (to->timed)
            stream_note_write(to);
    }
    if (p->inside && sent != RONDO_EAGAIN) {
        /* its transport is broken: stream_drop_out comes back to us */
        stream_break_off(to, sent < 0 ? (int)sent : RONDO_EPIPE);
        pump_settle(to);
        return;
    }
    pump_set_full(p, p->inside != 0);
    if (p->inside) {
        to->queued = true;
        stream_leave_fast(to);
        stream_settle(to);
        return;
    }
    stream_note_progress(to);
    if (p->ended)
        pump_finish(p, p->error);
}

/* Of `from`: the size, or what sys_recv would say. */
static int64_t pump_in(struct pump *p)
{
    size_t most = p->left < PIECE ? (size_t)p->left : PIECE;
    int64_t count = sys_splice(p->from->io.fd, p->pipe[1], most, true);
    /* the backend may have heard the reset that has ended it */
    if (!count && io_reads_ahead(p->loop))
        count = io_receive(p->loop, &p->from->io, p->loop->scratch, 1);
    if (count <= 0)
        return count;
    p->inside += (size_t)count;
    if (p->left != UINT64_MAX)
        p->left -= (uint64_t)count;
    return count;
}

/* The kernel cannot after all: a module has replaced the socket's calls. */
static void pump_fall_back(struct pump *p)
{
    p->by_kernel = false;
    pump_read_ahead(p->from, true);
}

/* The program has closed or ended it. */
static bool pump_to_ends(struct pump *p)
{
    int error = stream_is_closing(p->to)     ? RONDO_ECLOSED
                : p->to->writing != WRITE_ON ? RONDO_EPIPE
                                             : 0;
    error_no_os();
    if (error)
        pump_end(p, error, false);
    return error;
}

bool pump_reads(const rondo_transport *from)
{
    return pump_splices(from->extra->pump);
}

int64_t pump_read(rondo_transport *from)
{
    int64_t total = 0, count = 0;
    if (pump_to_ends(from->extra->pump))
        return RONDO_EAGAIN;
    while (from->pumped && total < MOST && stream_reads(from)) {
        struct pump *p = from->extra->pump;
        count = pump_in(p);
        if (count == RONDO_EINVAL || count == RONDO_ENOTSUP) {
            pump_fall_back(p);
            return RONDO_EAGAIN;
        }
        if (count <= 0)
            break;
        total += count;
        if (from->timed)
            stream_note_read(from);
        bool all = !p->left;
        pump_out(p);
        if (all && from->pumped)
            pump_end(p, 0, false);
    }
    return total && count >= 0 ? total : count;
}

void pump_go_on(rondo_transport *to)
{
    pump_out(to->out->pump);
}

/* ---- through the process ---- */

size_t pump_take(rondo_transport *from, const char *data, size_t size)
{
    struct pump *p = from->extra->pump;
    if (size > p->left)
        size = (size_t)p->left;
    p->writes = true;
    int result = rondo_transport_write(p->to, data, size);
    p->writes = false;
    if (p->over)
        return size;
    if (result < 0) {
        pump_finish(p, result);
        return size;
    }
    p->moved += size;
    if (p->left != UINT64_MAX)
        p->left -= size;
    if (!p->left)
        pump_end(p, 0, false);
    else if (result > 0)
        pump_set_full(p, true);
    return size;
}

/* ---- what happens to the transports ---- */

bool pump_writes(const rondo_transport *to)
{
    return to->out->pump->writes;
}

bool pump_waits(const rondo_transport *to)
{
    return to->out->pump->inside;
}

void pump_eof(rondo_transport *from)
{
    pump_end(from->extra->pump, 0, true);
}

/* `to` sends nothing more. */
void pump_drop(rondo_transport *to)
{
    struct pump *p = to->out->pump;
    error_keep_os(to->os_error);
    to->out->pump = NULL; /* whoever drops settles it */
    p->to = NULL;
    p->inside = 0;
    if (p->from == to)
        pump_leave_from(p);
    pump_finish(p, to->error ? to->error : RONDO_ECLOSED);
}

void pump_lost(rondo_transport *from)
{
    struct pump *p = from->extra->pump;
    if (p->waits) {
        pump_let_go(p);
        return;
    }
    pump_leave_from(p);
    error_keep_os(from->os_error);
    pump_end(p, from->error ? from->error : RONDO_ECLOSED, false);
}

/* ---- the program's call ---- */

static void pump_cancel(rondo_loop *loop, struct handle *handle)
{
    (void)loop;
    error_no_os();
    pump_end(pump_of(handle), RONDO_ECANCELED, false);
}

static int pump_check_from(const rondo_transport *t, const char *what)
{
    int error = loop_check(t ? t->loop : NULL, what);
    if (error)
        return error;
    if (stream_is_closing(t) || t->reading_out)
        return error_set(RONDO_ECLOSED, "%s: `from` is closed", what);
    if (t->made != MADE_TOLD || t->handshaking)
        return error_set(RONDO_ENOTCONN, "%s: `from` is not connected yet",
                         what);
    if (t->reading == READ_ENDED)
        return error_set(RONDO_EOF, "%s: `from` has ended, or only writes",
                         what);
    return stream_is_pumped(t)
               ? error_set(RONDO_EBUSY, "%s: `from` has a pump", what)
               : 0;
}

static int pump_check(const rondo_transport *from, const rondo_transport *to,
                      int64_t size, unsigned flags, bool done)
{
    const char *what = "pump";
    int error = pump_check_from(from, what);
    if (!error)
        error = stream_may_write(to, what);
    if (error)
        return error;
    if (from->loop != to->loop)
        return error_set(RONDO_EINVAL, "%s: transports of two loops", what);
    if (to->made != MADE_TOLD || to->handshaking)
        return error_set(RONDO_ENOTCONN, "%s: `to` is not connected yet", what);
    if (size < -1 || !size || flags & ~(unsigned)RONDO_PUMP_KEEP_OPEN || !done)
        return error_set(RONDO_EINVAL, "%s: %s", what,
                         done ? "unknown flags, or a bad size" : "no function");
    return 0;
}

/* That does not change while there is a pump: no filter can be pushed. */
static bool pump_may_splice(const rondo_transport *from,
                            const rondo_transport *to)
{
    return from->kind == STREAM_SOCKET && to->kind == STREAM_SOCKET &&
           !from->filtered && !to->filtered;
}

/* 0, or an error with a sentence. */
static int pump_stop_ahead(rondo_transport *from)
{
    if (!io_reads_ahead(from->loop))
        return 0;
    if (!stream_hold_ahead(from))
        return error_set(RONDO_ENOMEM, "pump: out of memory");
    op_cancel(from->loop, &from->read);
    pump_read_ahead(from, false);
    return 0;
}

static struct pump *pump_new(rondo_transport *from, rondo_transport *to)
{
    struct pump *p = NULL;
    if (stream_extra(from) && stream_out(to))
        p = loop_alloc(from->loop, sizeof *p);
    if (!p) {
        (void)error_set(RONDO_ENOMEM, "pump: out of memory");
        return NULL;
    }
    *p = (struct pump){.loop = from->loop,
                       .from = from,
                       .to = to,
                       .pipe = {SYS_NO_FD, SYS_NO_FD},
                       .quiet = sys_is_quiet()};
    p->task.done = pump_tell;
    /* without descriptors for a pipe the bytes go through the process */
    p->by_kernel =
        pump_may_splice(from, to) && sys_splice_pipe(p->pipe, PIECE) == 0;
    return p;
}

rondo_id rondo_pump(rondo_transport *from, rondo_transport *to, int64_t size,
                    unsigned flags, rondo_pump_fn done, void *arg)
{
    int error = pump_check(from, to, size, flags, done);
    if (error)
        return error;
    struct pump *p = pump_new(from, to);
    if (!p)
        return RONDO_ENOMEM;
    p->id = id_new(p->loop, &p->handle, pump_cancel);
    error = p->id < 0 ? (int)p->id : 0;
    if (!error && p->by_kernel && (error = pump_stop_ahead(from)) != 0)
        id_free(p->loop, p->id);
    if (error) {
        pump_free(p);
        return error;
    }
    p->done = done;
    p->arg = arg;
    p->flags = flags;
    p->left = size < 0 ? UINT64_MAX : (uint64_t)size;
    handle_open(p->loop, &p->handle, HANDLE_PUMP);
    from->extra->pump = p;
    from->pumped = 1;
    from->refused = false;
    to->out->pump = p;
    stream_leave_fast(to);
    io_send_now(p->loop, &to->io);
    pump_set_full(p, stream_unsent(to) > to->out->low);
    stream_settle(to);
    if (from != to)
        stream_settle(from);
    loop_nudge(p->loop);
    return p->id;
}

/* ---- for the loop ---- */

/* The pipe is the parent process's: a new one gets a copy of what is in it. If
 * the parent has gone on meanwhile, that is no longer what was there at the fork,
 * and `to` would miss a part. */
static void pump_make_own(struct pump *p)
{
    sys_fd own[2];
    bool made = sys_splice_pipe(own, PIECE) == 0;
    int64_t copied =
        made && p->inside ? sys_splice_copy(p->pipe[0], own[1], p->inside) : 0;
    for (int i = 0; i < 2; i++) {
        sys_close(p->pipe[i]);
        p->pipe[i] = own[i];
    }
    p->by_kernel = p->by_kernel && made;
    if (copied == (int64_t)p->inside)
        return;
    rondo_transport *to = p->to;
    error_no_os();
    stream_fail(to, RONDO_EFORKED, 0); /* stream_drop_out comes back to us */
    stream_settle(to);
}

void pump_after_fork(rondo_loop *loop)
{
    for (struct handle *h = loop->handles[HANDLE_PUMP]; h; h = h->next) {
        struct pump *p = pump_of(h);
        if (p->pipe[0] != SYS_NO_FD && !p->over)
            pump_make_own(p);
    }
}

static void pump_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    struct pump *p = pump_of(handle);
    id_free(loop, p->id);
    error_no_os();
    pump_finish(p, RONDO_ECLOSED);
}

static rondo_fd pump_fd(const rondo_transport *t)
{
    return t ? stream_fd(t) : RONDO_NO_FD;
}

static bool pump_describe(const struct handle *handle, char *text, size_t size)
{
    const struct pump *p = (const struct pump *)(const void *)handle;
    snprintf(text, size, "fd %lld to fd %lld, %llu bytes, %s",
             (long long)pump_fd(p->from), (long long)pump_fd(p->to),
             (unsigned long long)p->moved,
             p->by_kernel ? "by the kernel" : "through the process");
    return true;
}

const struct handle_class pump_class = {"pump", pump_close_at_loop_close,
                                        pump_describe};
