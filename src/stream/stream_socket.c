/* stream_socket.c - sockets as a kind of transport, and the table of kinds. */
/* SPDX-License-Identifier: MIT */
#include "stream/filter.h"
#include "stream/stream.h"

enum { DRAIN_ROUNDS = 64 };

static int64_t stream_socket_recv(rondo_transport *t, void *data, size_t size)
{
    return io_receive(t->loop, &t->io, data, size);
}

static int64_t stream_socket_sendv(rondo_transport *t,
                                   const rondo_buffer *buffers, size_t count)
{
    return sys_sendv(t->io.fd, buffers, count);
}

static int64_t stream_socket_recvv(rondo_transport *t, const rondo_room *rooms,
                                   size_t count)
{
    return sys_recvv(t->io.fd, rooms, count);
}

static void stream_socket_submit(rondo_transport *t, struct op *op)
{
    op_submit(t->loop, op);
}

static void stream_socket_cancel(rondo_transport *t, struct op *op)
{
    op_cancel(t->loop, op);
}

static int stream_socket_refused(rondo_transport *t, int error)
{
    (void)t;
    return error;
}

static int stream_socket_written(rondo_transport *t)
{
    return t->out->op.task.error;
}

/* Most kernels answer a close with bytes unread by a reset, and what was sent
 * may be lost with it. Reading them costs a call; a peer that goes on sending
 * has to be reset in the end. The scratch buffer stays as it is: the program
 * may be looking at it. */
static void stream_socket_drain(rondo_transport *t)
{
    char bytes[4096];
    for (int i = 0; i < DRAIN_ROUNDS && !t->handle.inherited; i++)
        if (sys_recv(t->io.fd, bytes, sizeof bytes) <= 0)
            break;
}

static bool stream_socket_may_have_unread(const rondo_transport *t)
{
    bool ended =
        t->filtered ? filters_of(t)->eof_below : t->reading == READ_ENDED;
    /* a filter that fails to get ready may have told the peer why; close_now
     * leaves in order */
    return !ended &&
           (!t->error || t->handshaking || t->error == RONDO_ECANCELED);
}

static void stream_socket_close(rondo_transport *t, bool close)
{
    if (!close)
        return;
    /* the option would be the parent process's, too */
    if (t->reset && !t->handle.inherited)
        sys_reset_on_close(t->io.fd);
    else if (stream_is_ending(t) && stream_socket_may_have_unread(t))
        stream_socket_drain(t);
    sys_close(t->io.fd);
}

static rondo_fd stream_socket_fd(const rondo_transport *t)
{
    return (rondo_fd)t->io.fd;
}

#define SOCKET_CALLS                                                           \
    .name = "connection", .submit = stream_socket_submit,                      \
    .cancel = stream_socket_cancel, .refused = stream_socket_refused,          \
    .written = stream_socket_written, .shuts_down = true
#define SOCKET_KIND                                                            \
    SOCKET_CALLS, .close = stream_socket_close, .fd = stream_socket_fd,        \
                  .plain = true
#define LENT_KIND SOCKET_CALLS, .close = stream_pipe_close, .fd = stream_pipe_fd
#define PIPE_KIND                                                              \
    .name = "pipe", .close = stream_pipe_close, .fd = stream_pipe_fd

const struct stream_kind stream_kinds[STREAM_KINDS] = {
    [STREAM_SOCKET] = {SOCKET_KIND, .recv = stream_socket_recv,
                       .sendv = stream_socket_sendv,
                       .recvv = stream_socket_recvv},
    [STREAM_UNIX_SOCKET] = {SOCKET_KIND, .recv = stream_fds_recv,
                            .sendv = stream_fds_sendv},
    [STREAM_HALF_PIPE] = {PIPE_KIND, .recv = stream_pipe_recv,
                          .sendv = stream_pipe_sendv,
                          .submit = stream_socket_submit,
                          .cancel = stream_socket_cancel,
                          .refused = stream_pipe_refused,
                          .written = stream_pipe_written, .half = true},
    [STREAM_NAMED_PIPE] = {PIPE_KIND, .recv = stream_pipe_recv,
                           .sendv = stream_pipe_sendv,
                           .submit = stream_socket_submit,
                           .cancel = stream_socket_cancel,
                           .refused = stream_socket_refused,
                           .written = stream_socket_written},
    [STREAM_LENT_SOCKET] = {LENT_KIND, .recv = stream_pipe_recv,
                            .sendv = stream_pipe_sendv},
    [STREAM_LENT_UNIX_SOCKET] = {LENT_KIND, .recv = stream_fds_recv,
                                 .sendv = stream_fds_sendv},
    [STREAM_BY_THREAD] = {PIPE_KIND, .recv = stream_thread_recv,
                          .sendv = stream_thread_sendv,
                          .submit = stream_thread_submit,
                          .cancel = stream_thread_cancel,
                          .refused = stream_socket_refused,
                          .written = stream_thread_written, .half = true},
};
