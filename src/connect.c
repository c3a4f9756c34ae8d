/* connect.c - create_connection: look up, try each address, begin. */
/* SPDX-License-Identifier: MIT */
#include "connect.h"
#include "error.h"
#include "id.h"
#include "resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUSY_FIRST_MS = 1, /* doubled until */
    BUSY_LAST_MS = 16
};

/* ---- the end ---- */

/* The last of c: after this there is only its `done`. */
static void free_connect(struct connect *c)
{
    id_free(c->loop, c->id);
    if (c->timer > 0)
        (void)timers_cancel(c->loop, c->timer);
    handle_close(c->loop, &c->handle);
    loop_free(c->loop, c->addresses);
    loop_free(c->loop, c);
}

static void fail(struct connect *c, int error)
{
    rondo_loop *loop = c->loop;
    rondo_connect_fn done = c->done;
    void *arg = c->arg;
    int64_t os_error = c->os_error;
    if (c->t && c->stopped && !c->adopted)
        connect_note_stopped(c);
    if (c->t)
        stream_discard(c->t);
    connect_tell(c, error);
    if (os_error && !c->stopped)
        error_keep_os(os_error);
    free_connect(c);
    if (done)
        done(loop, arg, NULL, error);
}

static void succeed(struct connect *c)
{
    rondo_loop *loop = c->loop;
    rondo_connect_fn done = c->done;
    void *arg = c->arg;
    rondo_transport *t = c->t;
    stream_open(t, c->protocol, c->self);
    handle_set_background(loop, &t->handle, c->handle.background);
    free_connect(c);
    stream_begin(t);
    if (done)
        done(loop, arg, t, 0);
    stream_end(t);
}

/* ---- one address after another ---- */

static bool try_next(struct connect *c);

static void try_pipe(struct connect *c);

static void retry(rondo_loop *loop, void *arg)
{
    struct connect *c = arg;
    c->retry = 0;
    if (c->pipe)
        try_pipe(c);
    else
        op_submit(loop, &c->op);
}

/* The listener's backlog is full, or each instance of the pipe has a client,
 * and no event tells when that is over: asked again, less and less often. */
static int retry_later(struct connect *c)
{
    c->retry_ms = !c->retry_ms                 ? BUSY_FIRST_MS
                  : c->retry_ms < BUSY_LAST_MS ? c->retry_ms * 2
                                               : BUSY_LAST_MS;
    int64_t when = sys_clock() + RONDO_MS(c->retry_ms);
    c->retry = timers_start_hidden(c->loop, when, retry, c);
    if (c->retry > 0)
        return 0;
    error_no_os();
    return RONDO_ENOMEM;
}

static void connected(rondo_loop *loop, struct task *task)
{
    struct connect *c =
        (struct connect *)(void *)((char *)task -
                                   offsetof(struct connect, op.task));
    int error = task->error;
    (void)loop;
    if (c->stopped) {
        fail(c, c->stopped);
        return;
    }
    if (error == RONDO_EBUSY) {
        error = retry_later(c);
        if (!error)
            return;
    } else if (error) {
        error_keep_os(c->op.os_error);
    } else {
        error = stream_remember(c->t, NULL);
        if (!error) {
            succeed(c);
            return;
        }
    }
    connect_note(c, error, c->op.buffer, "");
    stream_discard(c->t);
    c->t = NULL;
    if (!try_next(c))
        fail(c, c->error);
}

/* It is there or not, at once. */
static void try_pipe(struct connect *c)
{
    sys_fd fd;
    int error = sys_pipe_connect(c->host, &fd);
    if (error == RONDO_EBUSY) {
        error = retry_later(c);
        if (!error)
            return;
    } else if (!error) {
        error = stream_new_pipe(c->loop, fd, SIDE_READ | SIDE_WRITE, 0, &c->t);
        if (error)
            sys_pipe_discard(fd);
    }
    c->os_error = rondo_last_os_error();
    if (error)
        fail(c, error);
    else
        succeed(c);
}

static void set_options(const struct connect *c, sys_fd fd)
{
    if (c->no_delay)
        (void)sys_option(fd, SYS_NO_DELAY, true);
    if (c->keep_alive)
        (void)sys_option(fd, SYS_KEEP_ALIVE, true);
}

/* A socket for this address, as the options want it. */
static int make_socket(struct connect *c, const rondo_address *a, sys_fd *fd)
{
    rondo_family family = rondo_address_family(a);
    int error = sys_socket_stream(family, fd);
    if (error) {
        connect_note(c, error, a, "socket for");
        return error;
    }
    if (family != RONDO_FAMILY_UNIX)
        set_options(c, *fd);
    if (c->has_local) {
        error = sys_bind(*fd, &c->local);
        if (error)
            connect_note(c, error, &c->local, "bind");
    }
    if (error)
        sys_close(*fd);
    return error;
}

static bool try_address(struct connect *c, const rondo_address *a)
{
    sys_fd fd;
    if (make_socket(c, a, &fd))
        return false;
    int error = stream_new(c->loop, fd, &c->t);
    if (error) {
        connect_note(c, error, a, "connect");
        sys_close(fd);
        c->t = NULL;
        return false;
    }
    op_init(&c->op, &c->t->io, OP_CONNECT, connected);
    c->op.buffer = a;
    c->op.size = sizeof *a;
    op_submit(c->loop, &c->op);
    return true;
}

static bool suits(const struct connect *c, const rondo_address *a)
{
    rondo_family family = rondo_address_family(a);
    if (c->has_local && family != rondo_address_family(&c->local))
        return false;
    return c->family == RONDO_FAMILY_ANY || c->family == family;
}

static bool try_next(struct connect *c)
{
    while (c->next < c->count) {
        const rondo_address *a = &c->addresses[c->next++];
        if (suits(c, a) && try_address(c, a))
            return true;
    }
    if (!c->error) {
        c->error = RONDO_EAFNOSUPPORT;
        snprintf(c->tried, sizeof c->tried,
                 "no address of the family asked for (EAFNOSUPPORT)");
    }
    return false;
}

/* ---- the beginning ---- */

static bool set_addresses(struct connect *c, const rondo_address *addresses,
                          size_t count)
{
    c->addresses = loop_alloc(c->loop, count * sizeof *addresses);
    if (!c->addresses)
        return false;
    memcpy(c->addresses, addresses, count * sizeof *addresses);
    c->count = count;
    return true;
}

static void looked_up(rondo_loop *loop, void *arg,
                      const rondo_address *addresses, size_t count, int error)
{
    struct connect *c = arg;
    (void)loop;
    c->lookup = NULL;
    c->os_error = rondo_last_os_error();
    if (!error && !count)
        error = RONDO_ENONAME;
    if (!error && !set_addresses(c, addresses, count))
        error = RONDO_ENOMEM;
    if (error) {
        fail(c, error);
        return;
    }
    for (size_t i = 0; i < c->count; i++)
        rondo_address_set_port(&c->addresses[i], c->port);
    if (!try_next(c))
        fail(c, c->error);
}

static void start(rondo_loop *loop, struct task *task)
{
    struct connect *c =
        (struct connect *)(void *)((char *)task -
                                   offsetof(struct connect, deferred));
    int error = 0;
    c->os_error = 0;
    if (c->stopped) {
        fail(c, c->stopped);
    } else if (c->adopted) {
        succeed(c);
    } else if (c->pipe) {
        try_pipe(c);
    } else if (c->count) {
        if (!try_next(c))
            fail(c, c->error);
    } else {
        error_no_os();
        error =
            resolve_start(loop, c->host, c->family, looked_up, c, &c->lookup);
        c->os_error = rondo_last_os_error();
        if (error)
            fail(c, error);
    }
}

/* ---- cancelling ---- */

static void stop(struct connect *c, int error)
{
    if (c->stopped)
        return;
    c->stopped = error;
    id_free(c->loop, c->id);
    if (c->lookup) {
        resolve_cancel(c->loop, c->lookup);
        c->lookup = NULL;
        loop_push(c->loop, &c->deferred);
    } else if (c->retry > 0) {
        (void)timers_cancel(c->loop, c->retry);
        c->retry = 0;
        loop_push(c->loop, &c->deferred);
    } else if (c->t && !c->adopted) {
        op_cancel(c->loop, &c->op);
    }
    /* else it is on the ready list and finds out there */
    loop_nudge(c->loop);
}

static void cancel(rondo_loop *loop, struct handle *handle)
{
    (void)loop;
    stop((struct connect *)(void *)handle, RONDO_ECANCELED);
}

static void on_timeout(rondo_loop *loop, void *arg)
{
    struct connect *c = arg;
    (void)loop;
    c->timer = 0;
    stop(c, RONDO_ETIMEDOUT);
}

/* ---- the call ---- */

static struct connect *connect_new(rondo_loop *loop,
                                   const rondo_connect_options *o)
{
    char text[RONDO_ADDRESS_TEXT] = "";
    if (o->address)
        (void)rondo_address_text(o->address, text, sizeof text);
    const char *host = o->host ? o->host : o->path ? o->path : text;
    size_t size = strlen(host) + 1;
    struct connect *c = loop_alloc(loop, sizeof *c + size);
    if (!c)
        return NULL;
    *c = (struct connect){.loop = loop,
                          .no_delay = o->no_delay != RONDO_OFF,
                          .keep_alive = o->keep_alive == RONDO_ON,
                          .has_local = o->local_address != NULL,
                          .family = o->path ? RONDO_FAMILY_ANY : o->family,
                          .port = o->port};
    memcpy(c->host, host, size);
    if (o->local_address)
        c->local = *o->local_address;
    c->deferred.done = start;
    return c;
}

static int adopt(struct connect *c, rondo_fd socket)
{
    int error = stream_adopt(c->loop, socket, "create_connection", &c->t);
    c->adopted = !error;
    if (!error)
        set_options(c, c->t->io.fd);
    return error;
}

static int set_pipe(struct connect *c, const char *name)
{
    if (c->has_local)
        return error_set(RONDO_EAFNOSUPPORT,
                         "create_connection: a pipe has no local address");
    int error = stream_pipe_name(c->loop, name, "create_connection");
    c->pipe = !error;
    return error;
}

/* A literal address or a path needs no look-up; a name has none yet. */
static int set_target(struct connect *c, const rondo_connect_options *o)
{
    rondo_address made;
    const rondo_address *target = o->address;
    int error = 0;
    if (o->socket)
        return adopt(c, *o->socket);
    if (o->path && sys_is_pipe_name(o->path))
        return set_pipe(c, o->path);
    if (o->path) {
        error = address_of_path(&made, o->path, "create_connection");
        target = &made;
    } else if (o->host && !rondo_address_parse(&made, o->host, o->port)) {
        target = &made;
    }
    if (!error && target && !set_addresses(c, target, 1))
        error = error_set(RONDO_ENOMEM, "create_connection: out of memory");
    return error;
}

static int set_timeout(struct connect *c, int64_t timeout_ns)
{
    int64_t now = sys_clock();
    if (!timeout_ns || timeout_ns > RONDO_NEVER - now)
        return 0;
    c->timer = timers_start_hidden(c->loop, now + timeout_ns, on_timeout, c);
    return c->timer < 0 ? (int)c->timer : 0;
}

rondo_id rondo_create_connection(rondo_loop *loop,
                                 const rondo_connect_options *options,
                                 const rondo_protocol *protocol, void *self,
                                 rondo_connect_fn done, void *arg)
{
    rondo_connect_options o;
    int error = loop_check_create(loop, "create_connection");
    if (!error)
        error = loop_options(&o, sizeof o, options, "create_connection");
    if (!error)
        error = connect_check(&o, protocol);
    if (error)
        return error;
    struct connect *c = connect_new(loop, &o);
    if (!c)
        return error_set(RONDO_ENOMEM, "create_connection: out of memory");
    c->protocol = protocol;
    c->self = self;
    c->done = done;
    c->arg = arg;
    handle_open(loop, &c->handle, HANDLE_OPERATION);
    c->id = id_new(loop, &c->handle, cancel);
    error = c->id < 0 ? (int)c->id : set_timeout(c, o.timeout_ns);
    if (!error)
        error = set_target(c, &o);
    if (error) {
        free_connect(c);
        return error;
    }
    rondo_id id = c->id;
    loop_push(loop, &c->deferred);
    loop_nudge(loop);
    return id;
}

/* ---- for the loop ---- */

static void close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    cancel(loop, handle);
}

const struct handle_class connect_class = {"connect", close_at_loop_close,
                                           connect_describe};
