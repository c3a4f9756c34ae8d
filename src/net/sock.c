/* sock.c - operations on sockets of the program's. */
/* SPDX-License-Identifier: MIT */
#include "net/sock.h"
#include "base/error.h"
#include "core/backoff.h"
#include "core/id.h"
#include "core/observe.h"

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

static struct sock *sock_of(struct io *io)
{
    assert(io->owner == IO_SOCK || io->owner == IO_UNUSED);
    return (struct sock *)(void *)((char *)io - offsetof(struct sock, io));
}

/* ---- letting go ---- */

static bool sock_is_idle(const struct sock *s)
{
    return !s->waits ||
           (op_is_idle(&s->side[0].op) && op_is_idle(&s->side[1].op));
}

static void sock_free_if_idle(struct sock *s)
{
    if (!s->gone || s->tells || !sock_is_idle(s))
        return;
    assert(!s->io.entered && !s->side[0].call && !s->side[1].call);
    if (s->waits)
        handle_close(s->loop, &s->handle);
    free_list_put(s->loop, FREE_LIST_SOCK, s);
}

static NOINLINE void sock_go(struct sock *s)
{
    assert(!s->gone);
    s->gone = true;
    io_detach(s->loop, &s->io);
    sock_free_if_idle(s);
}

/* The last call gives the descriptor's number free before its done runs: there
 * the program may close the descriptor and get its number again. */
static INLINED void sock_leave(struct sock_call *c)
{
    struct sock *s = c->sock;
    if (c->timer > 0) {
        (void)timers_cancel(c->loop, c->timer);
        c->timer = 0;
    }
    if (!s)
        return;
    struct side *side = &s->side[c->kind & 1];
    assert(side->call == c && !s->gone);
    c->sock = NULL;
    side->call = NULL;
    if (s->waits)
        op_cancel(s->loop, &side->op);
    if (s->side[0].call || s->side[1].call)
        return;
    if (s->tells && !s->waits)
        s->io.owner = IO_UNUSED;
    else
        sock_go(s);
}

/* A done has returned: did it begin a next call? */
static void sock_told(struct sock *s)
{
    s->tells = false;
    if (s->gone)
        sock_free_if_idle(s);
    else if (!s->side[0].call && !s->side[1].call)
        sock_go(s);
}

/* Bytes that a thread has read and the kernel has not taken do not count as
 * sent. */
static void sock_close_source(struct sock_call *c, bool failed)
{
    if (failed)
        file_source_take_back(&c->source, c->size - c->sent);
    c->size = c->sent;
    file_source_close(&c->source, failed);
}

/* Gives back all that the call has, except its memory, which is kept with the id
 * of its next use. */
static INLINED void sock_end_call(struct sock_call *c)
{
    sock_leave(c);
    c->id = id_next(c->loop, c->id);
    c->source.reading = false;
    if (c->kind == SOCK_CALL_SENDFILE)
        sock_close_source(c, c->result < 0);
    if (handle_is_open(&c->handle))
        handle_close(c->loop, &c->handle);
}

static COLD void sock_free_call(struct sock_call *c)
{
    sock_end_call(c);
    c->over = true; /* for id_next */
    free_list_put(c->loop, FREE_LIST_SOCK_CALL, c);
}

/* ---- the result ---- */

static COLD void sock_describe_failure(const struct sock_call *c)
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
    struct sock *s = c->sock;
    bool failed = c->result < 0;
    assert(c->over && c->timer <= 0);
    if (s)
        s->tells = true;
    sock_end_call(c);
    assert(!c->sock);
    if (failed)
        sock_describe_failure(c);
    if (c->kind == SOCK_CALL_RECVFROM)
        OBSERVE_DONE(loop, "sock_recvfrom", c->done.recvfrom, loop, c->arg,
                     c->result, failed ? NULL : &c->address);
    else if (c->kind == SOCK_CALL_ACCEPT)
        OBSERVE_DONE(loop, "sock_accept", c->done.accept, loop, c->arg,
                     failed ? RONDO_NO_FD : (rondo_fd)c->result,
                     failed ? NULL : &c->address, failed ? (int)c->result : 0);
    else
        OBSERVE_DONE(loop, "sock_call", c->done.any, loop, c->arg, c->result);
    free_list_put(loop, FREE_LIST_SOCK_CALL, c);
    if (s)
        sock_told(s);
}

/* The same of a recv or a sendall that has ended at its first try. It has lent
 * nothing: its memory is free for the call that done begins. */
static void sock_tell_size(rondo_loop *loop, struct task *task)
{
    struct sock_call *c =
        (struct sock_call *)(void *)((char *)task -
                                     offsetof(struct sock_call, task));
    struct sock *s = c->sock;
    if (!s || s->waits || handle_is_open(&c->handle) || c->result < 0 ||
        loop->observed) {
        sock_tell(loop, task);
        return;
    }
    const rondo_done_fn done = c->done.any;
    void *const arg = c->arg;
    const int64_t result = c->result;
    assert(s->side[c->kind].call == c && !s->gone && c->timer <= 0);
    c->sock = NULL;
    s->side[c->kind].call = NULL;
    if (!s->side[!c->kind].call)
        s->io.owner = IO_UNUSED;
    c->id = id_next(loop, c->id);
    free_list_put(loop, FREE_LIST_SOCK_CALL, c);
    s->tells = true;
    done(loop, arg, result);
    sock_told(s);
}

void sock_finish(struct sock_call *c, int64_t result)
{
    assert(!c->over && c->task.state == TASK_IDLE);
    c->over = true;
    c->result = result;
    if (result < 0)
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

static void sock_ready(rondo_loop *loop, struct task *task);

/* Tells the backend of it, and makes it a handle, which lives until its
 * operations are idle. Calls keep the loop running, not the sock itself. */
static int sock_attach(struct sock *s)
{
    if (s->waits)
        return 0;
    op_init(&s->side[0].op, &s->io, OP_WAIT_READ, sock_ready);
    op_init(&s->side[1].op, &s->io, OP_WAIT_WRITE, sock_ready);
    int error = io_attach(s->loop, &s->io);
    if (error)
        return error;
    s->waits = true;
    handle_open(s->loop, &s->handle, HANDLE_SOCK);
    handle_set_background(s->loop, &s->handle, true);
    return 0;
}

/* Submits the operation of its side. If that is not idle it was cancelled with
 * an earlier call: its done submits it again. */
static void sock_wait(struct sock_call *c)
{
    struct op *op = &c->sock->side[c->kind & 1].op;
    int error = sock_attach(c->sock);
    if (error)
        sock_finish(c, error);
    else if (op_is_idle(op))
        op_submit(c->loop, op);
}

static void sock_settle(struct sock_call *c, int64_t result)
{
    assert(!c->over);
    if (result == SOCK_LATER || sock_waits_for_time(c, result))
        return;
    if (result != RONDO_EAGAIN)
        sock_finish(c, result);
    else
        sock_wait(c);
}

void sock_go_on(struct sock_call *c)
{
    assert(c->sock && !c->over);
    error_no_os();
    if (c->sock->io.entered)
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
    if (error == RONDO_ECANCELED && s->io.entered) {
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
    if (c->kind == SOCK_CALL_SENDFILE)
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

static int sock_new(rondo_loop *loop, sys_fd fd, const char *what,
                    struct sock **made)
{
    struct sock *s = free_list_take(loop, FREE_LIST_SOCK, sizeof *s);
    if (!s)
        return error_set(RONDO_ENOMEM, "%s: out of memory", what);
    s->loop = loop;
    io_init(&s->io, fd, IO_SOCK);
    s->side[0].sock = s->side[1].sock = s;
    s->side[0].call = s->side[1].call = NULL;
    s->gone = s->waits = s->tells = false;
    int error = io_enter(loop, &s->io);
    if (error) {
        free_list_put(loop, FREE_LIST_SOCK, s);
        return error_in(what, error);
    }
    *made = s;
    return 0;
}

/* Why a descriptor's other user forbids the call. */
static COLD int sock_refuse_busy(struct io *io, enum sock_kind kind)
{
    rondo_fd fd = (rondo_fd)io->fd;
    if (io->owner == IO_WATCHER)
        return sock_refuse(RONDO_EBUSY, sock_names[kind], fd, "is watched");
    if (io->owner != IO_SOCK)
        return sock_refuse(
            RONDO_EBUSY, sock_names[kind], fd,
            "belongs to a transport, a server, a datagram endpoint "
            "or the loop itself");
    const struct sock *s = sock_of(io);
    return error_set(RONDO_EBUSY, "%s: descriptor %lld: a %s is under way",
                     sock_names[kind], (long long)fd,
                     sock_names[s->side[kind & 1].call->kind]);
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

/* The sock of a descriptor that no call uses now: what has to be known of it is
 * looked at. */
static COLD int sock_get_slow(rondo_loop *loop, struct io *io, sys_fd fd,
                              enum sock_kind kind, struct sock **got)
{
    int error = sock_check_kind((rondo_fd)fd, kind);
    bool used = io && io->owner == IO_SOCK;
    if (!error && !used && !sock_is_checked_late((rondo_fd)fd, kind))
        error = sock_check_nonblocking((rondo_fd)fd, kind);
    if (error)
        return error;
    if (!io)
        return sock_new(loop, fd, sock_names[kind], got);
    *got = sock_of(io);
    return 0;
}

static INLINED int sock_get(rondo_loop *loop, sys_fd fd, enum sock_kind kind,
                            struct sock **got)
{
    struct io *io = io_find(loop, fd);
    if (!io || (io->owner != IO_SOCK && io->owner != IO_UNUSED))
        return io ? sock_refuse_busy(io, kind)
                  : sock_get_slow(loop, NULL, fd, kind, got);
    struct sock *s = sock_of(io);
    if (s->side[kind & 1].call)
        return sock_refuse_busy(io, kind);
    if (!sock_is_checked_late((rondo_fd)fd, kind))
        return sock_get_slow(loop, io, fd, kind, got);
    *got = s;
    return 0;
}

static COLD struct sock_call *sock_call_make(rondo_loop *loop,
                                             enum sock_kind kind)
{
    struct sock_call *c = free_list_take(loop, FREE_LIST_SOCK_CALL, sizeof *c);
    if (!c) {
        error_set(RONDO_ENOMEM, "%s: out of memory", sock_names[kind]);
        return NULL;
    }
    c->handle.kind = HANDLE_SOCK_CALL;
    c->loop = loop;
    if (c->id <= 0)
        c->id = id_new(loop, &c->handle, sock_cancel);
    if (c->id > 0)
        return c;
    free_list_put(loop, FREE_LIST_SOCK_CALL, c);
    return NULL;
}

static inline struct sock_call *sock_call_take(rondo_loop *loop,
                                               enum sock_kind kind)
{
    struct loop_block *block = loop->free_list[FREE_LIST_SOCK_CALL];
    struct sock_call *c = (struct sock_call *)(void *)block;
    if (!c || c->id <= 0)
        return sock_call_make(loop, kind);
    loop->free_list[FREE_LIST_SOCK_CALL] = block->next;
    return c;
}

/* A call that has not begun and lacks what the program gives with it: for
 * sock_call_begin. Errors: RONDO_EBUSY, RONDO_EINVAL (the socket is blocking),
 * RONDO_EBADF, RONDO_ENOMEM. */
static INLINED int sock_call_new(rondo_loop *loop, rondo_fd fd,
                                 enum sock_kind kind, struct sock_call **made)
{
    struct sock *s = NULL;
    struct sock_call *c = sock_call_take(loop, kind);
    if (!c)
        return RONDO_ENOMEM;
    int error = sock_get(loop, sys_fd_of(fd), kind, &s);
    if (error) {
        free_list_put(loop, FREE_LIST_SOCK_CALL, c);
        return error;
    }
    assert(s && s->io.entered && !s->gone && !s->side[kind & 1].call);
    assert(c->timer <= 0 && c->task.state == TASK_IDLE && !c->source.reading);
    s->io.owner = IO_SOCK;
    s->side[kind & 1].call = c;
    c->sock = s;
    c->fd = s->io.fd;
    c->task.done = kind <= SOCK_CALL_SENDALL ? sock_tell_size : sock_tell;
    c->kind = (unsigned char)kind;
    c->over = c->begun = false;
    c->size = c->sent = 0;
    *made = c;
    return 0;
}

/* After the first try has failed: what the call itself refuses. Every other
 * error is done's. */
static COLD int sock_refusal(struct sock_call *c, int64_t result)
{
    enum sock_kind kind = (enum sock_kind)c->kind;
    bool late = sock_is_checked_late((rondo_fd)c->fd, kind);
    bool sent = c->sent || (kind == SOCK_CALL_SENDFILE && c->source.sent);
    bool waits = result == RONDO_EAGAIN && !sent;
    int error = 0;
    if (result == RONDO_ENOTSOCK || (result == RONDO_EBADF && late))
        return error_os((int)result, "%s: descriptor %lld", sock_names[kind],
                        (long long)c->fd);
    if (late && (waits || (result == RONDO_ENOBUFS && !c->sent)))
        error = sock_check_nonblocking((rondo_fd)c->fd, kind);
    if (!error && waits && (error = sock_attach(c->sock)) != 0)
        error = error_in(sock_names[kind], error);
    return error;
}

/* It becomes a handle, for as long as it waits. */
static COLD rondo_id sock_call_wait(struct sock_call *c, int64_t result)
{
    int refusal = sock_refusal(c, result);
    if (refusal) {
        sock_free_call(c);
        return refusal;
    }
    handle_open(c->loop, &c->handle, HANDLE_SOCK_CALL);
    sock_settle(c, result);
    loop_nudge(c->loop);
    return c->id;
}

/* The first try. What ends at once is on the ready list, and has seen neither
 * the backend nor the list of handles. */
static INLINED rondo_id sock_call_tried(rondo_loop *loop, struct sock_call *c,
                                        int64_t result)
{
    if (result < 0)
        return sock_call_wait(c, result);
    c->over = true;
    c->result = result;
    loop_push(loop, &c->task);
    if (loop->prepared)
        loop_nudge(loop);
    return c->id;
}

static rondo_id sock_call_begin(struct sock_call *c, void *arg)
{
    c->arg = arg;
    error_no_os();
    return sock_call_tried(c->loop, c, sock_try(c));
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

static COLD int sock_refuse_given(enum sock_kind kind, bool has_done,
                                  bool has_bytes)
{
    const char *what = sock_names[kind];
    if (!has_done)
        return error_set(RONDO_EINVAL, "%s: no function", what);
    if (!has_bytes)
        return error_set(RONDO_EINVAL, "%s: bytes at NULL", what);
    return error_set(RONDO_EINVAL, "%s: no address", what);
}

/* A call, if what the program gives with it can be used. */
static INLINED int sock_call_open(rondo_loop *loop, rondo_fd fd,
                                  enum sock_kind kind, bool has_done,
                                  bool has_bytes, bool has_address,
                                  struct sock_call **made)
{
    int error = loop_check_create(loop, sock_names[kind]);
    if (!error && !(has_done && has_bytes && has_address))
        error = sock_refuse_given(kind, has_done, has_bytes);
    return error ? error : sock_call_new(loop, fd, kind, made);
}

static bool sock_has_address(const rondo_address *to)
{
    return to && to->native_size;
}

rondo_id rondo_sock_recv(rondo_loop *loop, rondo_fd s, void *data, size_t size,
                         rondo_done_fn done, void *arg)
{
    struct sock_call *c;
    int error =
        sock_call_open(loop, s, SOCK_CALL_RECV, done, data || !size, true, &c);
    if (error)
        return error;
    c->room = data;
    c->size = size;
    c->done.any = done;
    c->arg = arg;
    int64_t result = sys_recv(c->fd, data, size);
    if (result == RONDO_EAGAIN)
        c->begun = true;
    return sock_call_tried(loop, c, result);
}

rondo_id rondo_sock_sendall(rondo_loop *loop, rondo_fd s, const void *data,
                            size_t size, rondo_done_fn done, void *arg)
{
    struct sock_call *c;
    int error = sock_call_open(loop, s, SOCK_CALL_SENDALL, done, data || !size,
                               true, &c);
    if (error)
        return error;
    c->data = data;
    c->size = size;
    c->done.any = done;
    c->arg = arg;
    int64_t sent = sys_send(c->fd, data, size);
    if (sent != (int64_t)size)
        sent = sock_sent_some(c, sent);
    return sock_call_tried(loop, c, sent);
}

rondo_id rondo_sock_sendto(rondo_loop *loop, rondo_fd s, const void *data,
                           size_t size, const rondo_address *to,
                           rondo_done_fn done, void *arg)
{
    struct sock_call *c;
    int error = sock_call_open(loop, s, SOCK_CALL_SENDTO, done, data || !size,
                               sock_has_address(to), &c);
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
    int error = sock_call_open(loop, s, SOCK_CALL_CONNECT, done, true,
                               sock_has_address(to), &c);
    if (error)
        return error;
    c->address = *to;
    c->done.any = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_recvfrom(rondo_loop *loop, rondo_fd s, void *data,
                             size_t size, rondo_recvfrom_fn done, void *arg)
{
    struct sock_call *c;
    int error = sock_call_open(loop, s, SOCK_CALL_RECVFROM, done, data || !size,
                               true, &c);
    if (error)
        return error;
    c->room = data;
    c->size = size;
    c->done.recvfrom = done;
    return sock_call_begin(c, arg);
}

rondo_id rondo_sock_accept(rondo_loop *loop, rondo_fd s, rondo_accept_fn done,
                           void *arg)
{
    struct sock_call *c;
    int error = sock_call_open(loop, s, SOCK_CALL_ACCEPT, done, true, true, &c);
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
    int error = loop_check_create(loop, what);
    if (!error && !done)
        error = sock_refuse_given(SOCK_CALL_SENDFILE, false, true);
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
