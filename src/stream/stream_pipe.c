/* stream_pipe.c - half a stream, or a whole one, over what need not be a socket. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "stream/stream.h"
#include "threads/pipe_thread.h"

struct pipe_stream {
    rondo_transport t; /* first */
    struct sys_pipe pipe;
    struct io claim; /* of the given descriptor, when another is waited for */
    struct io
        writes; /* a pipe of its own for writing; attached: there is one */
    struct pipe_thread *thread; /* NULL: the backend waits */
    unsigned char side;
    bool borrowed;
    bool watches; /* the reading side of a writer waits for a hang-up */
};

static struct pipe_stream *stream_pipe_of(const rondo_transport *t)
{
    return (struct pipe_stream *)(uintptr_t)t;
}

static rondo_transport *stream_pipe_of_task(struct task *task)
{
    return (rondo_transport *)(void *)((char *)task -
                                       offsetof(rondo_transport, read.task));
}

bool stream_only_reads(const rondo_transport *t)
{
    return stream_kind(t)->half && stream_pipe_of(t)->side == SIDE_READ;
}

rondo_fd stream_pipe_fd(const rondo_transport *t)
{
    return (rondo_fd)stream_pipe_of(t)->pipe.given;
}

int64_t stream_pipe_recv(rondo_transport *t, void *data, size_t size)
{
    return sys_pipe_read(&stream_pipe_of(t)->pipe, data, size);
}

int64_t stream_pipe_sendv(rondo_transport *t, const rondo_buffer *buffers,
                          size_t count)
{
    return sys_pipe_write(&stream_pipe_of(t)->pipe, buffers, count);
}

bool stream_pipe_tries(const rondo_transport *t)
{
    return t->kind != STREAM_BY_THREAD &&
           sys_pipe_tries(&stream_pipe_of(t)->pipe);
}

/* ---- the reader leaves ---- */

bool stream_awaits_hang_up(const rondo_transport *t)
{
    return stream_kind(t)->half && stream_pipe_of(t)->watches &&
           !stream_is_over(t);
}

/* With nothing to send that is the end of it and no error. */
static void stream_pipe_reader_left(rondo_transport *t)
{
    error_no_os();
    if (t->queued)
        stream_break_off(t, RONDO_EPIPE);
    else
        stream_set_phase(t, PHASE_CLOSING);
}

static void stream_pipe_writer_woken(rondo_loop *loop, struct task *task)
{
    rondo_transport *t = stream_pipe_of_task(task);
    (void)loop;
    dispatch_begin(&t->dispatch);
    if (stream_awaits_hang_up(t)) {
        struct pipe_stream *p = stream_pipe_of(t);
        if (!task->error && sys_pipe_hung_up(&p->pipe))
            stream_pipe_reader_left(t);
        else if (task->error || sys_pipe_sides(p->pipe.fd) != SIDE_WRITE)
            p->watches = false; /* input, which nobody is going to take */
        /* else another reader has opened the FIFO meanwhile */
    }
    stream_finish(t);
}

/* ---- by a thread ---- */

/* What is waited for: the descriptor, or its thread. The given number is taken
 * in any case. */
static int stream_pipe_attach(struct pipe_stream *p)
{
    rondo_loop *loop = p->t.loop;
    io_detach(loop, &p->t.io);
    if (p->thread)
        io_init(&p->t.io, pipe_thread_fd(p->thread), IO_THREAD);
    else
        io_init(&p->t.io, p->pipe.fd, IO_PIPE);
    int error = io_attach(loop, &p->t.io);
    if (error || p->t.io.fd == p->pipe.given || p->claim.attached)
        return error;
    io_init(&p->claim, p->pipe.given, IO_CLAIM);
    error = io_attach(loop, &p->claim);
    if (error)
        io_detach(loop, &p->t.io);
    return error;
}

static int stream_pipe_use_thread(struct pipe_stream *p)
{
    assert(p->t.kind == STREAM_HALF_PIPE);
    int error = sys_pipe_block(&p->pipe);
    if (!error)
        error = pipe_thread_new(p->t.loop, &p->pipe, &p->thread);
    if (!error)
        p->t.kind = STREAM_BY_THREAD;
    return error;
}

/* epoll will not wait for a device without a driver's help, as /dev/null;
 * kqueues refuse some devices with EINVAL. */
int stream_pipe_refused(rondo_transport *t, int error)
{
    struct pipe_stream *p = stream_pipe_of(t);
    if (error != RONDO_EPERM && error != RONDO_EINVAL)
        return error;
    error = stream_pipe_use_thread(p);
    return error ? error : stream_pipe_attach(p);
}

int stream_pipe_written(rondo_transport *t)
{
    struct op *op = &t->out->op;
    if (!op->task.error)
        return 0;
    op->count = 0; /* it may be an error's code */
    return stream_pipe_refused(t, op->task.error);
}

/* ---- STREAM_BY_THREAD ---- */

int64_t stream_thread_recv(rondo_transport *t, void *data, size_t size)
{
    (void)size;
    assert(size == LOOP_SCRATCH);
    return pipe_thread_take(stream_pipe_of(t)->thread, data);
}

/* The thread writes what is queued. */
int64_t stream_thread_sendv(rondo_transport *t, const rondo_buffer *buffers,
                            size_t count)
{
    (void)t;
    (void)buffers;
    (void)count;
    return RONDO_EAGAIN;
}

int stream_thread_written(rondo_transport *t)
{
    struct pipe_thread *thread = stream_pipe_of(t)->thread;
    struct op *op = &t->out->op;
    op->count = 0; /* it may be an error's code */
    if (op->task.error || stream_is_over(t)) {
        /* the bytes will be gone; it may have woken the loop a moment ago */
        pipe_thread_join(thread);
        return op->task.error;
    }
    int64_t written = pipe_thread_take(thread, NULL);
    if (written < 0)
        return written == RONDO_EAGAIN ? 0 : (int)written;
    op->count = (size_t)written;
    return 0;
}

void stream_thread_submit(rondo_transport *t, struct op *op)
{
    struct pipe_thread *thread = stream_pipe_of(t)->thread;
    if (pipe_thread_is_forked(thread)) {
        error_no_os();
        op_finish(t->loop, op, RONDO_EFORKED);
        return;
    }
    op->task.kind = OP_WAIT_READ;
    if (op == &t->read)
        pipe_thread_read(thread);
    else
        pipe_thread_write(thread, op->buffer, op->size);
    op_submit(t->loop, op);
}

void stream_thread_cancel(rondo_transport *t, struct op *op)
{
    struct pipe_thread *thread = stream_pipe_of(t)->thread;
    if (pipe_thread_is_busy(thread))
        pipe_thread_cancel(thread); /* its end ends the operation */
    else
        op_cancel(t->loop, op);
}

/* ---- from beginning to end ---- */

void stream_pipe_close(rondo_transport *t, bool close)
{
    struct pipe_stream *p = stream_pipe_of(t);
    io_detach(t->loop, &p->claim);
    if (p->writes.attached) {
        io_detach(t->loop, &p->writes);
        if (close)
            sys_child_close(p->writes.fd);
    }
    if (p->thread)
        pipe_thread_free(p->thread);
    p->thread = NULL;
    if (p->borrowed)
        close = false;
    if (close && t->reset && !t->handle.inherited) {
        /* nothing to what is no instance, and no socket */
        if (t->kind == STREAM_NAMED_PIPE)
            sys_pipe_cut(p->pipe.given);
        else
            sys_reset_on_close(p->pipe.given);
    }
    sys_pipe_close(&p->pipe, close, t->handle.inherited);
}

void stream_pipe_shut(rondo_transport *t)
{
    io_detach(t->loop, &t->io);
    stream_pipe_close(t, true);
    t->io.fd = SYS_NO_FD;
}

static int stream_pipe_open(struct pipe_stream *p, sys_fd fd)
{
    int error = sys_pipe_open(fd, p->side, p->borrowed, &p->pipe);
    if (error)
        return error_os(error, "descriptor %lld", (long long)fd);
    if (p->t.kind == STREAM_NAMED_PIPE && p->pipe.socket)
        p->t.kind = STREAM_LENT_SOCKET;
    if (sys_pipe_blocks(&p->pipe) && p->t.kind != STREAM_HALF_PIPE)
        error = error_set(RONDO_ENOTSUP,
                          "descriptor %lld: only a thread could wait for it, "
                          "and serves one direction",
                          (long long)fd);
    else if (sys_pipe_blocks(&p->pipe))
        error = stream_pipe_use_thread(p);
    if (!error)
        error = stream_pipe_attach(p);
    if (error)
        stream_pipe_close(&p->t, false);
    return error;
}

int stream_pipe_name(const rondo_loop *loop, const char *name, const char *what)
{
    if (!rondo_loop_supports(loop, RONDO_CAN_NAMED_PIPES))
        return error_set(RONDO_ENOTSUP,
                         "%s: backend \"%s\" has no named pipes; \"iocp\" has",
                         what, rondo_loop_backend(loop));
    int error = sys_pipe_check(name);
    return error ? error_os(error, "%s: %s", what, name) : 0;
}

int stream_new_pipe(rondo_loop *loop, sys_fd fd, unsigned side, unsigned flags,
                    rondo_transport **made)
{
    if (io_find_used(loop, fd))
        return error_set(RONDO_EBUSY, "descriptor %lld is in use by the loop",
                         (long long)fd);
    struct pipe_stream *p = loop_alloc(loop, sizeof *p);
    if (!p)
        return error_set(RONDO_ENOMEM, "out of memory for a transport");
    *p = (struct pipe_stream){.side = (unsigned char)side,
                              .borrowed = flags & RONDO_PIPE_BORROW};
    stream_init(loop, &p->t, fd);
    p->t.kind =
        side == (SIDE_READ | SIDE_WRITE) ? STREAM_NAMED_PIPE : STREAM_HALF_PIPE;
    int error = stream_pipe_open(p, fd);
    if (error) {
        loop_free(loop, p);
        return error;
    }
    if (side == SIDE_READ) {
        p->t.writing = WRITE_ENDED;
    } else if (side == SIDE_WRITE) {
        p->t.reading = READ_ENDED;
        p->watches = sys_pipe_tells(&p->pipe);
        op_init(&p->t.read, &p->t.io, OP_WAIT_READ, stream_pipe_writer_woken);
    }
    error = stream_remember(&p->t, NULL, NULL);
    if (error)
        stream_give_back(&p->t);
    else
        *made = &p->t;
    return error;
}

/* ---- two pipes ---- */

struct io *stream_writing_io(rondo_transport *t)
{
    bool two =
        t->kind == STREAM_NAMED_PIPE && stream_pipe_of(t)->writes.attached;
    return two ? &stream_pipe_of(t)->writes : &t->io;
}

int stream_new_terminal(rondo_loop *loop, sys_fd reads, sys_fd writes,
                        rondo_transport **made)
{
    rondo_transport *t = NULL;
    int error = stream_new_pipe(loop, reads, SIDE_READ | SIDE_WRITE,
                                RONDO_PIPE_OWN, &t);
    if (error || writes == reads) {
        *made = t;
        return error;
    }
    struct io *io = &stream_pipe_of(t)->writes;
    io_init(io, writes, IO_PIPE);
    error = io_attach(loop, io);
    if (error)
        stream_give_back(t);
    else
        *made = t;
    return error;
}
