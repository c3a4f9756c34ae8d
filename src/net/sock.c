/* sock.c - operations on sockets of the program's. */
/* SPDX-License-Identifier: MIT */
#include "net/sock.h"
#include "base/error.h"
#include "core/backoff.h"
#include "core/id.h"

#include <stdio.h>

static const char *const sock_names[] = {
    [SOCK_CALL_RECV] = "sock_recv",
    [SOCK_CALL_SENDALL] = "sock_sendall",
    [SOCK_CALL_RECVFROM] = "sock_recvfrom",
    [SOCK_CALL_SENDTO] = "sock_sendto",
    [SOCK_CALL_ACCEPT] = "sock_accept",
    [SOCK_CALL_CONNECT] = "sock_connect",
    [SOCK_CALL_SENDFILE] = "sock_sendfile"};

static int sock_refuse(int error, const char *what, rondo_fd fd,
                       const char *why)
{
    return error_set(error, "%s: descriptor %lld %s", what, (long long)fd, why);
}

/* ---- letting go ---- */

static void sock_free_if_idle(struct sock *s)
{
    if (!s->gone || !op_is_idle(&s->side[0].op) || !op_is_idle(&s->side[1].op))
        return;
    assert(!s->io.attached && !s->side[0].call && !s->side[1].call);
    handle_close(s->loop, &s->handle);
    free_list_put(s->loop, FREE_LIST_SOCK, s);
}

/* The last call takes the descriptor out of the table before its done runs:
 * there the program may close the descriptor and get its number again. */
static void sock_leave(struct sock_call *c)
{
    struct sock *s = c->sock;
    if (c->timer > 0)
        (void)timers_cancel(c->loop, c->timer);
    c->timer = 0;
    if (!s)
        return;
    struct side *side = &s->side[c->kind & 1];
    assert(side->call == c && !s->gone);
    c->sock = NULL;
    side->call = NULL;
    op_cancel(s->loop, &side->op);
    if (s->side[0].call || s->side[1].call)
        return;
    s->gone = true;
    io_detach(s->loop, &s->io);
    sock_free_if_idle(s);
}

/* Bytes that a thread has read and the kernel has not taken do not count as
 * sent. */
static void sock_close_source(struct sock_call *c, bool failed)
{
    if (c->kind != SOCK_CALL_SENDFILE)
        return;
    if (failed)
        file_source_take_back(&c->source, c->size - c->sent);
    c->size = c->sent;
    file_source_close(&c->source, failed);
}

/* Gives back all that the call has, except its memory. */
static void sock_end_call(struct sock_call *c)
{
    sock_leave(c);
    id_free(c->loop, c->id);
    sock_close_source(c, c->result < 0);
    handle_close(c->loop, &c->handle);
}

static void sock_free_call(struct sock_call *c)
{
    sock_end_call(c);
    free_list_put(c->loop, FREE_LIST_SOCK_CALL, c);
}

/* ---- the result ---- */

static void sock_describe_failure(const struct sock_call *c)
{
    error_keep_os(c->os_error);
    error_os((int)c->result, "%s: descriptor %lld", sock_names[c->kind],
             (long long)c->fd);
}

static void sock_tell(rondo_loop *loop, struct task *task)
{
    struct sock_call *c =
        (struct sock_call *)(void *)((char *)task -
                                     offsetof(struct sock_call, task));
    bool failed = c->result < 0;
    const rondo_address *address = failed ? NULL : &c->address;
    assert(c->over && c->timer <= 0);
    sock_end_call(c);
    assert(!c->sock);
    if (failed)
        sock_describe_failure(c);
    if (c->kind == SOCK_CALL_RECVFROM)
        c->done.recvfrom(loop, c->arg, c->result, address);
    else if (c->kind == SOCK_CALL_ACCEPT)
        c->done.accept(loop, c->arg, failed ? RONDO_NO_FD : (rondo_fd)c->result,
                       address, failed ? (int)c->result : 0);
    else
        c->done.any(loop, c->arg, c->result);
    free_list_put(loop, FREE_LIST_SOCK_CALL, c);
}

/* The result is known; sock_tell calls done from the loop. */
static void sock_finish(struct sock_call *c, int64_t result)
{
    assert(!c->over && c->task.state == TASK_IDLE);
    c->over = true;
    c->result = result;
    c->os_error = rondo_last_os_error();
    loop_push(c->loop, &c->task);
}

/* ---- one try ---- */

/* Tries again, for sock_came. */
static void sock_go_on(struct sock_call *c);

static int64_t sock_try_recvfrom(struct sock_call *c)
{
    struct sys_received one = {.data = c->room};
    int got = sys_receive_batch(c->fd, &one, 1, c->size);
    c->address.native_size = 0;
    if (got < 0) /* shut down: no bytes, as of recv(2) */
        return got == RONDO_EPIPE ? 0 : got;
    c->address = one.from;
    return (int64_t)one.size;
}

/* Clients that left before they were accepted are skipped. */
static int64_t sock_try_accept(struct sock_call *c)
{
    sys_fd fd;
    int error;
    do
        error = sys_accept(c->fd, &fd, &c->address);
    while (error == RONDO_ECONNABORTED || error == RONDO_ECONNRESET);
    return error ? error : (int64_t)fd;
}

/* Sends what the kernel takes; short of memory (ENOBUFS), a little. true: all has
 * left; false: *result is the try's. */
static bool sock_send_on(struct sock_call *c, int64_t *result)
{
    assert(c->sent <= c->size);
    size_t left = c->size - c->sent;
    int64_t sent = sys_send(c->fd, c->data + c->sent, left);
    size_t smaller = retry_smaller(sent, left);
    if (smaller && sys_kind(c->fd) == SYS_KIND_STREAM)
        sent = sys_send(c->fd, c->data + c->sent, smaller);
    *result = sent < 0 ? sent : RONDO_EAGAIN;
    if (sent > 0)
        c->sent += (size_t)sent;
    return sent >= 0 && c->sent == c->size;
}

static int64_t sock_try_sendall(struct sock_call *c)
{
    int64_t result;
    return sock_send_on(c, &result) ? (int64_t)c->size : result;
}

static int64_t sock_try_sendto(struct sock_call *c)
{
    struct sys_outgoing one = {c->data, c->size, &c->address.native,
                               c->address.native_size};
    int sent = sys_send_batch(c->fd, &one, 1);
    return sent < 0 ? sent : (int64_t)c->size;
}

static int64_t sock_try_connect(struct sock_call *c)
{
    if (c->begun)
        return sys_connect_result(c->fd);
    int error = sys_connect(c->fd, &c->address);
    c->begun = error == RONDO_EAGAIN;
    return error;
}

static void sock_came(struct file_source *s, const char *data, size_t size,
                      int error)
{
    struct sock_call *c =
        (struct sock_call *)(void *)((char *)s -
                                     offsetof(struct sock_call, source));
    assert(c->kind == SOCK_CALL_SENDFILE && !c->over);
    c->data = data;
    c->size = size;
    c->sent = 0;
    if (error || !size) {
        sock_finish(c, error ? error : s->sent);
        return;
    }
    sock_go_on(c);
}

static int64_t sock_read_on(struct sock_call *c)
{
    int64_t result;
    if (c->sent < c->size && !sock_send_on(c, &result))
        return result;
    if (!c->source.left)
        return c->source.sent;
    c->source.came = sock_came;
    int error = file_source_read(&c->source);
    return error ? error : SOCK_LATER;
}

static int64_t sock_try_sendfile(struct sock_call *c)
{
    struct file_source *s = &c->source;
    if (!s->by_thread) {
        int64_t count = file_source_send(s, c->fd);
        if (count == 0 || !s->left)
            return s->sent;
        if (count != RONDO_ENOTSUP)
            return count > 0 ? RONDO_EAGAIN : count;
    }
    return sock_read_on(c);
}

/* A socket for datagrams that was shut down is readable for ever, and Linux has
 * nothing to read: no bytes, as of a stream. */
static int64_t sock_try_to_receive(struct sock_call *c)
{
    int64_t got = c->kind == SOCK_CALL_RECV ? sys_recv(c->fd, c->room, c->size)
                                            : sock_try_recvfrom(c);
    bool ready = c->begun;
    c->begun = true;
    return got == RONDO_EAGAIN && ready && sys_is_shut_for_reading(c->fd) ? 0
                                                                          : got;
}

/* The result, RONDO_EAGAIN (to be tried when the socket is ready), or
 * SOCK_LATER. */
static int64_t sock_try(struct sock_call *c)
{
    switch (c->kind) {
    case SOCK_CALL_RECV:
    case SOCK_CALL_RECVFROM:
        return sock_try_to_receive(c);
    case SOCK_CALL_ACCEPT:
        return sock_try_accept(c);
    case SOCK_CALL_SENDALL:
        return sock_try_sendall(c);
    case SOCK_CALL_SENDTO:
        return sock_try_sendto(c);
    case SOCK_CALL_CONNECT:
        return sock_try_connect(c);
    default:
        return sock_try_sendfile(c);
    }
}

/* ---- going on ---- */

static void sock_retry(rondo_loop *loop, void *arg)
{
    struct sock_call *c = arg;
    (void)loop;
    c->timer = 0;
    sock_go_on(c);
}

/* A call that only time helps: the second try of a sendto, since an unconnected
 * unix socket is writable even while its destination is full; and what macOS or
 * a BSD has no room for (ENOBUFS), which leaves the socket writable, too. */
static bool sock_waits_for_time(struct sock_call *c, int64_t result)
{
    bool full = result == RONDO_ENOBUFS && c->kind == SOCK_CALL_SENDALL;
    if (!full && (result != RONDO_EAGAIN || c->kind != SOCK_CALL_SENDTO))
        return false;
    assert(c->timer <= 0);
    if (full || c->begun)
        c->timer = retry_begin(c->loop, sock_retry, c);
    c->begun = true;
    return c->timer > 0;
}

static void sock_settle(struct sock_call *c, int64_t result)
{
    struct op *op = &c->sock->side[c->kind & 1].op;
    assert(!c->over && op_index((enum op_kind)op->task.kind) == (c->kind & 1));
    if (result == SOCK_LATER || sock_waits_for_time(c, result))
        return;
    if (result != RONDO_EAGAIN)
        sock_finish(c, result);
    else if (op_is_idle(op))
        op_submit(c->loop, op);
    /* else it was cancelled with an earlier call: its done submits it again */
}

static void sock_go_on(struct sock_call *c)
{
    assert(c->sock && !c->over);
    error_no_os();
    if (c->sock->io.attached)
        sock_settle(c, sock_try(c));
    else
        sock_finish(c, RONDO_EBADF); /* the number is reused: see sock_ready */
}

static void sock_ready(rondo_loop *loop, struct task *task)
{
    struct side *side =
        (struct side *)(void *)((char *)task - offsetof(struct side, op.task));
    struct sock *s = side->sock;
    struct sock_call *c = side->call;
    int error = side->op.task.error;
    if (!c || c->over || c->timer > 0 || c->source.reading) {
        /* the operation was an earlier call's, which has been cancelled */
        sock_free_if_idle(s);
        return;
    }
    if (error == RONDO_ECANCELED && s->io.attached) {
        op_submit(loop, &side->op);
    } else if (error) {
        /* io_attach cancelled it: the program closed the descriptor, and its
         * number is another handle's now */
        bool lost = error == RONDO_ECANCELED;
        error_keep_os(lost ? 0 : side->op.os_error);
        sock_finish(c, lost ? RONDO_EBADF : error);
    } else {
        sock_go_on(c);
    }
}

static void sock_cancel(rondo_loop *loop, struct handle *handle)
{
    struct sock_call *c = (struct sock_call *)(void *)handle;
    if (c->over)
        return; /* done is on the ready list */
    sock_leave(c);
    sock_close_source(c, true);
    error_no_os();
    sock_finish(c, RONDO_ECANCELED);
    loop_nudge(loop);
}

/* ---- beginning ---- */

static int sock_check_nonblocking(rondo_fd fd, enum sock_kind kind)
{
    const char *what = sock_names[kind];
    int error = sys_check_nonblocking(sys_fd_of(fd));
    if (error == RONDO_EINVAL)
        return sock_refuse(error, what, fd, "is blocking");
    return error ? error_os(error, "%s: descriptor %lld", what, (long long)fd)
                 : 0;
}

/* Its first try cannot block: whether the socket does is checked when it has to
 * be waited for, which costs a call. */
static bool sock_is_checked_late(rondo_fd fd, enum sock_kind kind)
{
    return SYS_NEVER_BLOCKS && fd >= 0 &&
           (kind == SOCK_CALL_RECV || kind == SOCK_CALL_SENDALL);
}

static int sock_new(rondo_loop *loop, rondo_fd fd, enum sock_kind kind,
                    struct sock **made)
{
    const char *what = sock_names[kind];
    bool late = sock_is_checked_late((rondo_fd)sys_fd_of(fd), kind);
    int error = late ? 0 : sock_check_nonblocking(fd, kind);
    if (error)
        return error;
    struct sock *s = free_list_take(loop, FREE_LIST_SOCK, sizeof *s);
    if (!s)
        return error_set(RONDO_ENOMEM, "%s: out of memory", what);
    s->loop = loop;
    io_init(&s->io, sys_fd_of(fd), IO_SOCK);
    s->side[0].sock = s->side[1].sock = s;
    op_init(&s->side[0].op, &s->io, OP_WAIT_READ, sock_ready);
    op_init(&s->side[1].op, &s->io, OP_WAIT_WRITE, sock_ready);
    error = io_attach(loop, &s->io);
    if (error) {
        free_list_put(loop, FREE_LIST_SOCK, s);
        int bad = late ? sock_check_nonblocking(fd, kind) : 0;
        return bad ? bad : error_in(what, error);
    }
    handle_open(loop, &s->handle, HANDLE_SOCK);
    /* its calls keep the loop running, not the sock itself */
    handle_set_background(loop, &s->handle, true);
    *made = s;
    return 0;
}

/* Finds the sock of a descriptor, whose side must be free; NULL: it has
 * none. */
static int sock_find(rondo_loop *loop, rondo_fd fd, int kind,
                     struct sock **found)
{
    struct io *io = io_find(loop, sys_fd_of(fd));
    *found = NULL;
    if (!io)
        return 0;
    if (io->owner == IO_WATCHER)
        return sock_refuse(RONDO_EBUSY, sock_names[kind], fd, "is watched");
    if (io->owner != IO_SOCK)
        return sock_refuse(
            RONDO_EBUSY, sock_names[kind], fd,
            "belongs to a transport, a server, a datagram endpoint "
            "or the loop itself");
    *found = (struct sock *)(void *)((char *)io - offsetof(struct sock, io));
    const struct sock_call *other = (*found)->side[kind & 1].call;
    if (other)
        return error_set(RONDO_EBUSY, "%s: descriptor %lld: a %s is under way",
                         sock_names[kind], (long long)fd,
                         sock_names[other->kind]);
    return 0;
}

/* recvfrom and sendto are for datagram sockets, sendfile is for streams. */
static int sock_check_kind(rondo_fd fd, enum sock_kind kind)
{
    if (kind != SOCK_CALL_RECVFROM && kind != SOCK_CALL_SENDTO &&
        kind != SOCK_CALL_SENDFILE)
        return 0; /* the system call refuses what is not a socket */
    enum sys_kind is = sys_kind(sys_fd_of(fd));
    bool streams = kind == SOCK_CALL_SENDFILE;
    if (is == SYS_KIND_FILE || is == SYS_KIND_OTHER)
        return sock_refuse(RONDO_ENOTSOCK, sock_names[kind], fd,
                           "is not a socket");
    if ((is == SYS_KIND_DATAGRAM) == streams && is != SYS_KIND_BAD &&
        is != SYS_KIND_SOCKET)
        return sock_refuse(RONDO_EINVAL, sock_names[kind], fd,
                           streams ? "is not a stream socket"
                                   : "is not a datagram socket");
    return 0;
}

/* A call that has not begun: sock_call_begin is to follow. Errors:
 * RONDO_EBUSY, RONDO_EINVAL (the socket is blocking), RONDO_EBADF,
 * RONDO_ENOMEM, and io_attach's. */
static int sock_call_new(rondo_loop *loop, rondo_fd fd, enum sock_kind kind,
                         struct sock_call **made)
{
    struct sock *s = NULL;
    int error = sock_find(loop, fd, (int)kind, &s);
    if (!error)
        error = sock_check_kind(fd, kind);
    if (error)
        return error;
    struct sock_call *c = free_list_take(loop, FREE_LIST_SOCK_CALL, sizeof *c);
    if (!c)
        return error_set(RONDO_ENOMEM, "%s: out of memory", sock_names[kind]);
    if (!s)
        error = sock_new(loop, fd, kind, &s);
    if (error) {
        free_list_put(loop, FREE_LIST_SOCK_CALL, c);
        return error;
    }
    assert(s && s->io.attached && !s->gone && !s->side[kind & 1].call);
    c->loop = loop;
    c->sock = s;
    c->fd = sys_fd_of(fd);
    c->kind = (unsigned char)kind;
    c->task.done = sock_tell;
    s->side[kind & 1].call = c;
    handle_open(loop, &c->handle, HANDLE_SOCK_CALL);
    c->id = id_new(loop, &c->handle, sock_cancel);
    if (c->id < 0) {
        error = (int)c->id;
        sock_free_call(c);
        return error;
    }
    *made = c;
    return 0;
}

/* After the first try: what the call itself refuses. Every other error is
 * done's. */
static int sock_refusal(const struct sock_call *c, int64_t result)
{
    enum sock_kind kind = (enum sock_kind)c->kind;
    bool late = sock_is_checked_late((rondo_fd)c->fd, kind);
    if (result == RONDO_ENOTSOCK || (result == RONDO_EBADF && late))
        return error_os((int)result, "%s: descriptor %lld", sock_names[kind],
                        (long long)c->fd);
    if (late && !c->sent && (result == RONDO_EAGAIN || result == RONDO_ENOBUFS))
        return sock_check_nonblocking((rondo_fd)c->fd, kind);
    return 0;
}

static rondo_id sock_call_begin(struct sock_call *c, void *arg)
{
    c->arg = arg;
    error_no_os();
    int64_t result = sock_try(c);
    int refusal = result < 0 ? sock_refusal(c, result) : 0;
    if (refusal) {
        sock_free_call(c);
        return refusal;
    }
    sock_settle(c, result);
    loop_nudge(c->loop);
    return c->id;
}

/* ---- for the loop ---- */

static bool sock_describe_call(const struct handle *handle, char *text,
                               size_t size)
{
    const struct sock_call *c = (const struct sock_call *)(const void *)handle;
    snprintf(text, size, "fd %lld, %s", (long long)c->fd, sock_names[c->kind]);
    return true;
}

const struct handle_class sock_call_class = {"sock", sock_cancel,
                                             sock_describe_call};

/* Empty: its calls are handles too, and the loop has cancelled them. */
static void sock_close(rondo_loop *loop, struct handle *handle)
{
    (void)loop;
    (void)handle;
}

const struct handle_class sock_class = {"socket", sock_close, NULL};

/* ---- the program's calls ---- */

/* What the program gives with a call; NULL: the call has none of it. */
struct given {
    rondo_fd fd;
    void *room;       /* to receive into, */
    const void *data; /* or bytes to send; */
    size_t size;      /* of either */
    const rondo_address *to;
};

static int sock_check(rondo_loop *loop, enum sock_kind kind,
                      const struct given *g, bool has_done)
{
    const char *what = sock_names[kind];
    bool needs_address = kind == SOCK_CALL_SENDTO || kind == SOCK_CALL_CONNECT;
    int error = loop_check_create(loop, what);
    if (error)
        return error;
    if (!has_done)
        return error_set(RONDO_EINVAL, "%s: no function", what);
    if (g->size && !g->data && !g->room)
        return error_set(RONDO_EINVAL, "%s: bytes at NULL", what);
    if (needs_address && (!g->to || !g->to->native_size))
        return error_set(RONDO_EINVAL, "%s: no address", what);
    return 0;
}

/* A call that has what was given, but not its done. */
static int sock_call_open(rondo_loop *loop, enum sock_kind kind,
                          const struct given *g, bool has_done,
                          struct sock_call **made)
{
    int error = sock_check(loop, kind, g, has_done);
    if (!error)
        error = sock_call_new(loop, g->fd, kind, made);
    if (error)
        return error;
    struct sock_call *c = *made;
    assert(c);
    c->room = g->room;
    c->data = g->data;
    c->size = g->size;
    if (g->to)
        c->address = *g->to;
    return 0;
}

/* The calls whose done is a rondo_done_fn. */
static rondo_id sock_call(rondo_loop *loop, enum sock_kind kind, struct given g,
                          rondo_done_fn done, void *arg)
{
    struct sock_call *c = NULL;
    int error = sock_call_open(loop, kind, &g, done != NULL, &c);
    if (error)
        return error;
    c->done.any = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_recv(rondo_loop *loop, rondo_fd s, void *data, size_t size,
                         rondo_done_fn done, void *arg)
{
    struct given g = {.fd = s, .room = data, .size = size};
    return sock_call(loop, SOCK_CALL_RECV, g, done, arg);
}

rondo_id rondo_sock_sendall(rondo_loop *loop, rondo_fd s, const void *data,
                            size_t size, rondo_done_fn done, void *arg)
{
    struct given g = {.fd = s, .data = data, .size = size};
    return sock_call(loop, SOCK_CALL_SENDALL, g, done, arg);
}

rondo_id rondo_sock_sendto(rondo_loop *loop, rondo_fd s, const void *data,
                           size_t size, const rondo_address *to,
                           rondo_done_fn done, void *arg)
{
    struct given g = {.fd = s, .data = data, .size = size, .to = to};
    return sock_call(loop, SOCK_CALL_SENDTO, g, done, arg);
}

rondo_id rondo_sock_connect(rondo_loop *loop, rondo_fd s,
                            const rondo_address *to, rondo_done_fn done,
                            void *arg)
{
    struct given g = {.fd = s, .to = to};
    return sock_call(loop, SOCK_CALL_CONNECT, g, done, arg);
}

rondo_id rondo_sock_recvfrom(rondo_loop *loop, rondo_fd s, void *data,
                             size_t size, rondo_recvfrom_fn done, void *arg)
{
    struct sock_call *c = NULL;
    struct given g = {.fd = s, .room = data, .size = size};
    int error = sock_call_open(loop, SOCK_CALL_RECVFROM, &g, done != NULL, &c);
    if (error)
        return error;
    c->done.recvfrom = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_accept(rondo_loop *loop, rondo_fd s, rondo_accept_fn done,
                           void *arg)
{
    struct sock_call *c = NULL;
    struct given g = {.fd = s};
    int error = sock_call_open(loop, SOCK_CALL_ACCEPT, &g, done != NULL, &c);
    if (error)
        return error;
    c->done.accept = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_sendfile(rondo_loop *loop, rondo_fd s, rondo_fd file,
                             int64_t offset, int64_t size, rondo_done_fn done,
                             void *arg)
{
    struct sock_call *c = NULL;
    struct file_source source;
    struct given g = {.fd = s};
    const char *what = sock_names[SOCK_CALL_SENDFILE];
    int error = sock_check(loop, SOCK_CALL_SENDFILE, &g, done != NULL);
    if (!error)
        error = file_source_open(&source, loop, file, offset, size, what);
    if (!error)
        error = file_source_check(&source, what);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_SENDFILE, &c);
    if (error)
        return error;
    assert(c);
    c->source = source;
    c->done.any = done;
    return sock_call_begin(c, arg);
}
