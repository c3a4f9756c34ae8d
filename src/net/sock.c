/* sock.c - operations on sockets of the program's. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/id.h"
#include "core/op.h"
#include "threads/file_source.h"

#include <assert.h>
#include <stdio.h>

/* Even kinds use the reading side, odd ones the writing side. */
enum sock_kind {
    SOCK_CALL_RECV,
    SOCK_CALL_SENDALL,
    SOCK_CALL_RECVFROM,
    SOCK_CALL_SENDTO,
    SOCK_CALL_ACCEPT,
    SOCK_CALL_CONNECT,
    SOCK_CALL_SENDFILE = 7
};

struct sock;

struct sock_call {
    struct handle handle;
    struct task task; /* ready: it has its result, which is to be told */
    rondo_loop *loop;
    struct sock *sock; /* NULL: cancelled */
    sys_fd fd;
    rondo_id id, timer;
    unsigned char kind;
    bool over;        /* it has its result */
    bool begun;       /* connect: it is under way; sendto: it has waited */
    const char *data; /* what is to be sent now; of sendfile, what was read */
    void *room;
    size_t size, sent;
    rondo_address address; /* to whom, or from whom */
    union {
        rondo_done_fn any;
        rondo_recvfrom_fn recvfrom;
        rondo_accept_fn accept;
    } done;
    void *arg;
    int64_t result, os_error;
    struct file_source source; /* sendfile's */
};

/* error_set, of a descriptor. */
static int sock_refuse(int error, const char *what, rondo_fd fd,
                       const char *why);
/* A call that has not begun: sock_call_begin has to follow. RONDO_EBUSY,
 * RONDO_EINVAL (the socket is blocking), RONDO_EBADF, io_attach's errors. */
static int sock_call_new(rondo_loop *loop, rondo_fd fd, enum sock_kind kind,
                         struct sock_call **made);
/* The first try. What is no socket is refused at once. */
static rondo_id sock_call_begin(struct sock_call *call, void *arg);

enum { SOCK_LATER = -1 }; /* a thread reads; sock_go_on follows */

/* One try: the result, or RONDO_EAGAIN: when the socket is ready again. */
static int64_t sock_try(struct sock_call *call);
/* For sock_try: goes on with a call whose file's bytes have come. */
static void sock_go_on(struct sock_call *call);
static void sock_finish(struct sock_call *call, int64_t result);

enum { RETRY_MS = 2 };

struct side {
    struct op op;
    struct sock_call *call; /* NULL: nothing to be done or told */
};

/* A descriptor as long as something is to be done with it; then, out of the
 * loop's sight, until the kernel is done. */
struct sock {
    struct handle handle; /* first, as in all that is a handle */
    struct io io;
    rondo_loop *loop;
    struct side side[2];
    bool gone;
};

static const char *const sock_names[] = {
    [SOCK_CALL_RECV] = "sock_recv",
    [SOCK_CALL_SENDALL] = "sock_sendall",
    [SOCK_CALL_RECVFROM] = "sock_recvfrom",
    [SOCK_CALL_SENDTO] = "sock_sendto",
    [SOCK_CALL_ACCEPT] = "sock_accept",
    [SOCK_CALL_CONNECT] = "sock_connect",
    [SOCK_CALL_SENDFILE] = "sock_sendfile"};

/* ---- letting go ---- */

static void sock_free_if_idle(struct sock *s)
{
    if (!s->gone || !op_is_idle(&s->side[0].op) || !op_is_idle(&s->side[1].op))
        return;
    handle_close(s->loop, &s->handle);
    free_list_put(s->loop, FREE_LIST_SOCK, s);
}

/* Out of the table before anything is told: the program may then close the
 * descriptor and see its number come back as another. */
static void sock_leave(struct sock_call *c)
{
    struct sock *s = c->sock;
    if (c->timer > 0)
        (void)timers_cancel(c->loop, c->timer);
    c->timer = 0;
    if (!s)
        return;
    struct side *side = &s->side[c->kind & 1];
    c->sock = NULL;
    side->call = NULL;
    op_cancel(s->loop, &side->op);
    if (s->side[0].call || s->side[1].call)
        return;
    io_detach(s->loop, &s->io);
    s->gone = true;
    sock_free_if_idle(s);
}

/* What a thread has read and nobody has sent was not sent. */
static void sock_close_source(struct sock_call *c, bool failed)
{
    if (c->kind != SOCK_CALL_SENDFILE)
        return;
    if (failed)
        file_source_take_back(&c->source, c->size - c->sent);
    c->size = c->sent;
    file_source_close(&c->source, failed);
}

/* All that the loop has of it, but not its memory. */
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
    sock_end_call(c);
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

static void sock_finish(struct sock_call *c, int64_t result)
{
    c->over = true;
    c->result = result;
    c->os_error = rondo_last_os_error();
    loop_push(c->loop, &c->task);
}

/* ---- going on ---- */

static void sock_retry(rondo_loop *loop, void *arg)
{
    struct sock_call *c = arg;
    (void)loop;
    c->timer = 0;
    sock_go_on(c);
}

/* Ready to send, and it was not: a unix socket without a peer is writable
 * whatever its destinations are. Nor does a datagram socket become less
 * writable when macOS or a BSD has no room in an interface (ENOBUFS). Only
 * time helps. */
static bool sock_waits_for_time(struct sock_call *c, int64_t result)
{
    bool full = result == RONDO_ENOBUFS && c->kind == SOCK_CALL_SENDALL &&
                sys_kind(c->fd) == SYS_KIND_DATAGRAM;
    if (!full && (result != RONDO_EAGAIN || c->kind != SOCK_CALL_SENDTO))
        return false;
    if (full || c->begun)
        c->timer = timers_start_hidden(
            c->loop, sys_clock() + RONDO_MS(RETRY_MS), sock_retry, c);
    c->begun = true;
    return c->timer > 0;
}

static void sock_settle(struct sock_call *c, int64_t result)
{
    struct op *op = &c->sock->side[c->kind & 1].op;
    if (result == SOCK_LATER || sock_waits_for_time(c, result))
        return;
    if (result != RONDO_EAGAIN)
        sock_finish(c, result);
    else if (op_is_idle(op))
        op_submit(c->loop, op);
    /* else it ends soon, since it was cancelled with an earlier call */
}

static void sock_go_on(struct sock_call *c)
{
    error_no_os();
    if (c->sock->io.attached)
        sock_settle(c, sock_try(c));
    else
        sock_finish(c, RONDO_EBADF); /* another's by now: see ready */
}

static void sock_ready(rondo_loop *loop, struct sock *s, struct side *side)
{
    struct sock_call *c = side->call;
    int error = side->op.task.error;
    if (!c || c->over || c->timer > 0 || c->source.reading) {
        /* it was for a call that has been cancelled */
        sock_free_if_idle(s);
        return;
    }
    if (error == RONDO_ECANCELED && s->io.attached) {
        op_submit(loop, &side->op);
    } else if (error) {
        /* cancelled by nobody: the number is another descriptor's by now */
        bool lost = error == RONDO_ECANCELED;
        error_keep_os(lost ? 0 : side->op.os_error);
        sock_finish(c, lost ? RONDO_EBADF : error);
    } else {
        sock_go_on(c);
    }
}

static void sock_read_ready(rondo_loop *loop, struct task *task)
{
    struct sock *s =
        (struct sock *)(void *)((char *)task -
                                offsetof(struct sock, side[0].op.task));
    sock_ready(loop, s, &s->side[0]);
}

static void sock_write_ready(rondo_loop *loop, struct task *task)
{
    struct sock *s =
        (struct sock *)(void *)((char *)task -
                                offsetof(struct sock, side[1].op.task));
    sock_ready(loop, s, &s->side[1]);
}

static void sock_cancel(rondo_loop *loop, struct handle *handle)
{
    struct sock_call *c = (struct sock_call *)(void *)handle;
    if (c->over)
        return; /* its result is on the way */
    sock_leave(c);
    sock_close_source(c, true);
    error_no_os();
    sock_finish(c, RONDO_ECANCELED);
    loop_nudge(loop);
}

/* ---- beginning ---- */

static int sock_refuse(int error, const char *what, rondo_fd fd,
                       const char *why)
{
    return error_set(error, "%s: descriptor %lld %s", what, (long long)fd, why);
}

static int sock_new(rondo_loop *loop, rondo_fd fd, const char *what,
                    struct sock **made)
{
    int error = sys_check_nonblocking(sys_fd_of(fd));
    if (error == RONDO_EINVAL)
        return sock_refuse(error, what, fd, "is blocking");
    if (error)
        return error_os(error, "%s: descriptor %lld", what, (long long)fd);
    struct sock *s = free_list_take(loop, FREE_LIST_SOCK, sizeof *s);
    if (!s)
        return error_set(RONDO_ENOMEM, "%s: out of memory", what);
    s->loop = loop;
    io_init(&s->io, sys_fd_of(fd), IO_SOCK);
    op_init(&s->side[0].op, &s->io, OP_WAIT_READ, sock_read_ready);
    op_init(&s->side[1].op, &s->io, OP_WAIT_WRITE, sock_write_ready);
    error = io_attach(loop, &s->io);
    if (error) {
        free_list_put(loop, FREE_LIST_SOCK, s);
        return error_in(what, error);
    }
    handle_open(loop, &s->handle, HANDLE_SOCK);
    handle_set_background(loop, &s->handle, true); /* its calls are not */
    *made = s;
    return 0;
}

/* The descriptor's, which must have that side free; NULL: there is none. */
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

/* A stream has no datagrams, with addresses of their own. */
static int sock_check_kind(rondo_fd fd, enum sock_kind kind)
{
    if (kind != SOCK_CALL_RECVFROM && kind != SOCK_CALL_SENDTO &&
        kind != SOCK_CALL_SENDFILE)
        return 0; /* the call itself will say */
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
        error = sock_new(loop, fd, sock_names[kind], &s);
    if (error) {
        free_list_put(loop, FREE_LIST_SOCK_CALL, c);
        return error;
    }
    assert(s);
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

static rondo_id sock_call_begin(struct sock_call *c, void *arg)
{
    c->arg = arg;
    error_no_os();
    int64_t result = sock_try(c);
    if (result == RONDO_ENOTSOCK) {
        error_os((int)result, "%s: descriptor %lld", sock_names[c->kind],
                 (long long)c->fd);
        sock_free_call(c);
        return result;
    }
    sock_settle(c, result);
    loop_nudge(c->loop);
    return c->id;
}

/* ---- for the loop ---- */

static void sock_close_call(rondo_loop *loop, struct handle *handle)
{
    sock_cancel(loop, handle);
}

static bool sock_describe_call(const struct handle *handle, char *text,
                               size_t size)
{
    const struct sock_call *c = (const struct sock_call *)(const void *)handle;
    snprintf(text, size, "fd %lld, %s", (long long)c->fd, sock_names[c->kind]);
    return true;
}

const struct handle_class sock_call_class = {"sock", sock_close_call,
                                             sock_describe_call};

/* Its calls have been cancelled. */
static void sock_close(rondo_loop *loop, struct handle *handle)
{
    (void)loop;
    (void)handle;
}

const struct handle_class sock_class = {"socket", sock_close, NULL};

static struct sock_call *sock_of_source(struct file_source *s)
{
    return (struct sock_call *)(void *)((char *)s -
                                        offsetof(struct sock_call, source));
}

static int64_t sock_try_recvfrom(struct sock_call *c)
{
    struct sys_received one = {.data = c->room};
    int got = sys_receive_batch(c->fd, &one, 1, c->size);
    if (got < 0)
        return got;
    c->address = one.from;
    return (int64_t)one.size;
}

/* A client that left before it was accepted is nobody. */
static int64_t sock_try_accept(struct sock_call *c)
{
    sys_fd fd;
    int error;
    do
        error = sys_accept(c->fd, &fd, &c->address);
    while (error == RONDO_ECONNABORTED || error == RONDO_ECONNRESET);
    return error ? error : (int64_t)fd;
}

/* What the kernel takes. true: all has left; else what the try comes to. */
static bool sock_send_on(struct sock_call *c, int64_t *result)
{
    int64_t sent = sys_send(c->fd, c->data + c->sent, c->size - c->sent);
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

/* ---- sendfile ---- */

static void sock_came(struct file_source *s, const char *data, size_t size,
                      int error)
{
    struct sock_call *c = sock_of_source(s);
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

static int64_t sock_try(struct sock_call *c)
{
    switch (c->kind) {
    case SOCK_CALL_RECV:
        return sys_recv(c->fd, c->room, c->size);
    case SOCK_CALL_RECVFROM:
        return sock_try_recvfrom(c);
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

static int sock_check(rondo_loop *loop, enum sock_kind kind, bool can_tell)
{
    int error = loop_check_create(loop, sock_names[kind]);
    if (!error && !can_tell)
        error = error_set(RONDO_EINVAL, "%s: no function", sock_names[kind]);
    return error;
}

static int sock_check_bytes(const void *data, size_t size, enum sock_kind kind)
{
    if (!data && size)
        return error_set(RONDO_EINVAL, "%s: bytes at NULL", sock_names[kind]);
    return 0;
}

static int sock_check_address(const rondo_address *to, enum sock_kind kind)
{
    if (!to || !to->native_size)
        return error_set(RONDO_EINVAL, "%s: no address", sock_names[kind]);
    return 0;
}

/* ---- the program's calls ---- */

rondo_id rondo_sock_recv(rondo_loop *loop, rondo_fd s, void *data, size_t size,
                         rondo_done_fn done, void *arg)
{
    struct sock_call *c;
    int error = sock_check(loop, SOCK_CALL_RECV, done != NULL);
    if (!error)
        error = sock_check_bytes(data, size, SOCK_CALL_RECV);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_RECV, &c);
    if (error)
        return error;
    c->room = data;
    c->size = size;
    c->done.any = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_recvfrom(rondo_loop *loop, rondo_fd s, void *data,
                             size_t size, rondo_recvfrom_fn done, void *arg)
{
    struct sock_call *c;
    int error = sock_check(loop, SOCK_CALL_RECVFROM, done != NULL);
    if (!error)
        error = sock_check_bytes(data, size, SOCK_CALL_RECVFROM);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_RECVFROM, &c);
    if (error)
        return error;
    c->room = data;
    c->size = size;
    c->done.recvfrom = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_sendall(rondo_loop *loop, rondo_fd s, const void *data,
                            size_t size, rondo_done_fn done, void *arg)
{
    struct sock_call *c;
    int error = sock_check(loop, SOCK_CALL_SENDALL, done != NULL);
    if (!error)
        error = sock_check_bytes(data, size, SOCK_CALL_SENDALL);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_SENDALL, &c);
    if (error)
        return error;
    c->data = data;
    c->size = size;
    c->done.any = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_sendto(rondo_loop *loop, rondo_fd s, const void *data,
                           size_t size, const rondo_address *to,
                           rondo_done_fn done, void *arg)
{
    struct sock_call *c;
    int error = sock_check(loop, SOCK_CALL_SENDTO, done != NULL);
    if (!error)
        error = sock_check_bytes(data, size, SOCK_CALL_SENDTO);
    if (!error)
        error = sock_check_address(to, SOCK_CALL_SENDTO);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_SENDTO, &c);
    if (error)
        return error;
    c->data = data;
    c->size = size;
    c->address = *to;
    c->done.any = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_connect(rondo_loop *loop, rondo_fd s,
                            const rondo_address *to, rondo_done_fn done,
                            void *arg)
{
    struct sock_call *c;
    int error = sock_check(loop, SOCK_CALL_CONNECT, done != NULL);
    if (!error)
        error = sock_check_address(to, SOCK_CALL_CONNECT);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_CONNECT, &c);
    if (error)
        return error;
    c->address = *to;
    c->done.any = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_accept(rondo_loop *loop, rondo_fd s, rondo_accept_fn done,
                           void *arg)
{
    struct sock_call *c;
    int error = sock_check(loop, SOCK_CALL_ACCEPT, done != NULL);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_ACCEPT, &c);
    if (error)
        return error;
    c->done.accept = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_sendfile(rondo_loop *loop, rondo_fd s, rondo_fd file,
                             int64_t offset, int64_t size, rondo_done_fn done,
                             void *arg)
{
    struct sock_call *c;
    struct file_source source;
    const char *what = sock_names[SOCK_CALL_SENDFILE];
    int error = sock_check(loop, SOCK_CALL_SENDFILE, done != NULL);
    if (!error)
        error = file_source_open(&source, loop, file, offset, size, what);
    if (!error)
        error = file_source_check(&source, what);
    if (!error)
        error = sock_call_new(loop, s, SOCK_CALL_SENDFILE, &c);
    if (error)
        return error;
    c->source = source;
    c->done.any = done;
    return sock_call_begin(c, arg);
}
