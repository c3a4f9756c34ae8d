/* stream_pipe.c - half a stream, over a descriptor that need not be a socket. */
/* SPDX-License-Identifier: MIT */
#include "error.h"
#include "stream.h"

struct pipe_stream {
    rondo_transport t; /* first */
    struct sys_pipe pipe;
    struct io claim; /* of the given descriptor, when another is used */
    unsigned char side;
    bool borrowed;
    bool watches; /* the reading side of a writer waits for a hang-up */
};

static struct pipe_stream *of(const rondo_transport *t)
{
    return (struct pipe_stream *)(uintptr_t)t;
}

static rondo_transport *of_read(struct task *task)
{
    return (rondo_transport *)(void *)((char *)task -
                                       offsetof(rondo_transport, read.task));
}

bool stream_pipe_reads(const rondo_transport *t)
{
    return of(t)->side == SIDE_READ;
}

rondo_fd stream_pipe_fd(const rondo_transport *t)
{
    return (rondo_fd)of(t)->pipe.given;
}

int64_t stream_pipe_read(rondo_transport *t, void *data, size_t size)
{
    return sys_pipe_read(&of(t)->pipe, data, size);
}

int64_t stream_pipe_write(rondo_transport *t, const rondo_buffer *buffers,
                          size_t count)
{
    return sys_pipe_write(&of(t)->pipe, buffers, count);
}

/* ---- the reader leaves ---- */

bool stream_pipe_watches(const rondo_transport *t)
{
    const uint32_t over = STREAM_ENDING | STREAM_BROKEN;
    return of(t)->watches && !(t->flags & over);
}

/* With nothing to send that is the end of it and no error. */
static void reader_left(rondo_transport *t)
{
    error_no_os();
    if (t->flags & STREAM_QUEUED)
        stream_break_off(t, RONDO_EPIPE);
    else
        t->flags |= STREAM_CLOSING;
}

static void writer_woken(rondo_loop *loop, struct task *task)
{
    rondo_transport *t = of_read(task);
    (void)loop;
    t->flags |= STREAM_RUNNING;
    if (stream_pipe_watches(t)) {
        if (!task->error && sys_pipe_hung_up(&of(t)->pipe))
            reader_left(t);
        else /* input of a socket's, which nobody is going to take */
            of(t)->watches = false;
    }
    stream_finish(t);
}

/* ---- from beginning to end ---- */

void stream_pipe_close(rondo_transport *t, bool give_back)
{
    struct pipe_stream *p = of(t);
    io_detach(t->loop, &p->claim);
    sys_pipe_close(&p->pipe, !give_back && !p->borrowed, t->handle.inherited);
}

/* The given number is taken, whichever descriptor is used. */
static int attach(rondo_loop *loop, struct pipe_stream *p)
{
    int error = stream_attach(loop, &p->t, p->pipe.fd);
    io_init(&p->claim, p->pipe.given, IO_TRANSPORT);
    if (!error && p->pipe.fd != p->pipe.given) {
        error = io_attach(loop, &p->claim);
        if (error)
            io_detach(loop, &p->t.io);
    }
    return error;
}

int stream_new_pipe(rondo_loop *loop, sys_fd fd, unsigned side, unsigned flags,
                    rondo_transport **made)
{
    if (io_find(loop, fd))
        return error_set(RONDO_EBUSY, "descriptor %lld is in use by the loop",
                         (long long)fd);
    struct pipe_stream *p = loop_alloc(loop, sizeof *p);
    if (!p)
        return error_set(RONDO_ENOMEM, "out of memory for a transport");
    *p = (struct pipe_stream){.side = (unsigned char)side,
                              .borrowed = flags & RONDO_PIPE_BORROW};
    int error = sys_pipe_open(fd, side, p->borrowed, &p->pipe);
    if (error) {
        (void)error_os(error, "descriptor %lld", (long long)fd);
        loop_free(loop, p);
        return error;
    }
    error = attach(loop, p);
    if (error) {
        sys_pipe_close(&p->pipe, false, false);
        loop_free(loop, p);
        return error;
    }
    p->t.flags = STREAM_PIPE;
    if (side == SIDE_READ) {
        p->t.flags |= STREAM_WRITE_EOF | STREAM_EOF_SENT;
    } else {
        p->t.flags |= STREAM_EOF;
        p->watches = sys_pipe_tells(&p->pipe);
        op_init(&p->t.read, &p->t.io, OP_WAIT_READ, writer_woken);
    }
    stream_remember(&p->t, NULL);
    *made = &p->t;
    return 0;
}
