/* interfaces.c - watches the network interfaces of the machine. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/id.h"
#include "core/observe.h"
#include "core/op.h"
#include "core/part.h"
#include "core/release.h"
#include "core/remote.h"

#include <stdio.h>
#include <string.h>

/* Either the operation waits for the system's descriptor, or the system calls
 * interfaces_changed. */
struct interfaces_watch {
    struct handle handle;
    rondo_loop *loop;
    rondo_id id; /* 0: cancelled */
    rondo_interfaces_fn fn;
    void *arg;
    rondo_interface *known; /* what was told last */
    bool told;              /* at least once */
    bool calling;           /* fn is being called, with `known` */
    bool forked;            /* the descriptor is the parent process's, too */
    bool works;             /* the operation has ended without an error */
    struct task task;       /* looks, without waiting for a change */
    struct io io;
    struct op op;
    struct sys_network *network;
    rondo_remote *remote;
    struct completion completion;
    atomic_bool sent; /* the completion is under way */
};

/* ---- comparing ---- */

static bool interfaces_same(const rondo_interface *a, const rondo_interface *b)
{
    return strcmp(a->name, b->name) == 0 && a->index == b->index &&
           a->flags == b->flags && a->prefix == b->prefix &&
           a->hardware_size == b->hardware_size &&
           memcmp(a->hardware, b->hardware, a->hardware_size) == 0 &&
           rondo_address_equal(&a->address, &b->address);
}

static bool interfaces_all_same(const rondo_interface *a,
                                const rondo_interface *b)
{
    for (; a && b; a = a->next, b = b->next)
        if (!interfaces_same(a, b))
            return false;
    return !a && !b;
}

/* ---- its end ---- */

static void interfaces_stop(struct interfaces_watch *w)
{
    if (w->io.fd == SYS_NO_FD && !w->network)
        return;
    op_cancel(w->loop, &w->op);
    io_detach(w->loop, &w->io);
    sys_network_close(w->io.fd, w->network);
    w->io.fd = SYS_NO_FD;
    w->network = NULL;
}

static void interfaces_free_if_idle(struct interfaces_watch *w)
{
    rondo_loop *loop = w->loop;
    if (w->id || w->calling || !op_is_idle(&w->op) ||
        w->task.state != TASK_IDLE || atomic_load(&w->sent))
        return;
    rondo_free_interfaces(w->known);
    rondo_remote_release(w->remote);
    handle_close(loop, &w->handle);
    loop_free(loop, w);
}

/* The id is free already. */
static void interfaces_end(struct interfaces_watch *w)
{
    w->id = 0;
    handle_set_background(w->loop, &w->handle, true);
    interfaces_stop(w);
    interfaces_free_if_idle(w);
}

/* ---- telling ---- */

static void interfaces_call(struct interfaces_watch *w, int error)
{
    rondo_loop *loop = w->loop;
    rondo_interfaces_fn fn = w->fn;
    loop->metrics.callbacks++;
    w->calling = true;
    OBSERVE(loop, RONDO_DOES_WATCHER, "watch_interfaces", fn, NULL,
            fn(loop, w->arg, error ? NULL : w->known, error));
    w->calling = false;
}

/* The last call. The id ends before it, so that it cannot be cancelled there. */
static void interfaces_fail(struct interfaces_watch *w, int error)
{
    release_forget(w->loop, w->id);
    id_free(w->loop, w->id);
    w->id = 0;
    interfaces_stop(w);
    handle_set_background(w->loop, &w->handle, true);
    (void)error_in("watch_interfaces", error);
    interfaces_call(w, error);
}

static void interfaces_look(struct interfaces_watch *w)
{
    rondo_interface *now;
    int error = rondo_list_interfaces(&now);
    if (error) {
        interfaces_fail(w, error);
        return;
    }
    if (w->told && interfaces_all_same(w->known, now)) {
        rondo_free_interfaces(now);
        return;
    }
    rondo_free_interfaces(w->known);
    w->known = now;
    w->told = true;
    interfaces_call(w, 0);
}

static void interfaces_task_done(rondo_loop *loop, struct task *task)
{
    struct interfaces_watch *w =
        (struct interfaces_watch *)(void *)((char *)task -
                                            offsetof(struct interfaces_watch,
                                                     task));
    (void)loop;
    if (w->id)
        interfaces_look(w);
    interfaces_free_if_idle(w);
}

/* ---- noticing ---- */

/* A thread of the system's. */
static void interfaces_changed(void *arg)
{
    struct interfaces_watch *w = arg;
    if (!atomic_exchange(&w->sent, true) &&
        !remote_deliver(w->remote, &w->completion))
        atomic_store(&w->sent, false);
}

static void interfaces_delivered(rondo_loop *loop,
                                 struct completion *completion)
{
    struct interfaces_watch *w =
        (struct interfaces_watch *)(void *)((char *)completion -
                                            offsetof(struct interfaces_watch,
                                                     completion));
    (void)loop;
    atomic_store(&w->sent, false); /* before the look: it sees what it tells */
    if (w->id)
        interfaces_look(w);
    interfaces_free_if_idle(w);
}

/* Returns 0, or an error with a sentence. */
static int interfaces_start(struct interfaces_watch *w)
{
    sys_fd fd = SYS_NO_FD;
    int error = sys_network_open(interfaces_changed, w, &fd, &w->network);
    if (error)
        return error_os(error, "changes of interfaces cannot be noticed");
    io_init(&w->io, fd, IO_INTERNAL);
    if (fd == SYS_NO_FD)
        return 0;
    error = io_attach(w->loop, &w->io);
    if (error) {
        sys_network_close(fd, w->network);
        w->io.fd = SYS_NO_FD;
        return error;
    }
    op_submit(w->loop, &w->op);
    return 0;
}

/* The program has closed our descriptor, or the loop came through a fork: makes
 * a new one. What happened meanwhile is found by a look. */
static void interfaces_restart(struct interfaces_watch *w)
{
    int error = 0;
    if (w->op.task.error && !w->forked && !w->works)
        error = error_os(w->op.task.error,
                         "changes of interfaces cannot be noticed");
    interfaces_stop(w);
    w->forked = w->works = false;
    if (!error)
        error = interfaces_start(w);
    if (error)
        interfaces_fail(w, error);
    else
        interfaces_look(w);
}

static void interfaces_ready(rondo_loop *loop, struct task *task)
{
    struct interfaces_watch *w =
        (struct interfaces_watch *)(void *)((char *)task -
                                            offsetof(struct interfaces_watch,
                                                     op.task));
    if (w->id && (task->error || w->forked)) {
        interfaces_restart(w);
    } else if (w->id) {
        bool any = sys_network_read(w->io.fd);
        w->works = true;
        op_submit(loop, &w->op);
        if (any)
            interfaces_look(w);
    }
    interfaces_free_if_idle(w);
}

/* ---- watching ---- */

static void interfaces_cancel(rondo_loop *loop, struct handle *handle)
{
    struct interfaces_watch *w = (struct interfaces_watch *)(void *)handle;
    release_due(loop, w->id);
    interfaces_end(w);
}

static int interfaces_open(rondo_loop *loop, struct interfaces_watch **made)
{
    struct interfaces_watch *w = loop_alloc(loop, sizeof *w);
    if (!w)
        return error_set(RONDO_ENOMEM, "out of memory");
    memset(w, 0, sizeof *w);
    w->loop = loop;
    w->task.done = interfaces_task_done;
    w->completion.done = interfaces_delivered;
    atomic_init(&w->sent, false);
    op_init(&w->op, &w->io, OP_WAIT_READ, interfaces_ready);
    w->remote = rondo_loop_remote(loop);
    handle_open(loop, &w->handle, HANDLE_NETWORK);
    io_init(&w->io, SYS_NO_FD, IO_INTERNAL);
    int error = interfaces_start(w);
    if (!error && (w->id = id_new(loop, &w->handle, interfaces_cancel)) < 0)
        error = (int)w->id;
    if (error)
        interfaces_end(w);
    else
        *made = w;
    return error;
}

rondo_id rondo_watch_interfaces(rondo_loop *loop, rondo_interfaces_fn fn,
                                void *arg)
{
    static const char what[] = "watch_interfaces";
    struct interfaces_watch *w = NULL;
    int error = loop_check_create(loop, what);
    if (error)
        return error;
    if (!fn)
        return error_set(RONDO_EINVAL, "%s: no function", what);
    if (!rondo_loop_supports(loop, RONDO_CAN_WATCH_NETWORK))
        return error_set(RONDO_ENOTSUP,
                         "%s: this system does not tell of changes", what);
    error = interfaces_open(loop, &w);
    if (error)
        return error_in(what, error);
    assert(w);
    w->fn = fn;
    w->arg = arg;
    loop_push(loop, &w->task);
    loop_nudge(loop);
    return w->id;
}

/* ---- closing, dump, fork ---- */

static void interfaces_close_at_loop_close(rondo_loop *loop,
                                           struct handle *handle)
{
    struct interfaces_watch *w = (struct interfaces_watch *)(void *)handle;
    if (!w->id)
        return;
    id_free(loop, w->id);
    interfaces_end(w);
}

static bool interfaces_describe(const struct handle *handle, char *text,
                                size_t size)
{
    const struct interfaces_watch *w =
        (const struct interfaces_watch *)(const void *)handle;
    snprintf(text, size, "of the machine");
    return w->id;
}

void *interfaces_arg(const struct handle *handle)
{
    return ((const struct interfaces_watch *)(const void *)handle)->arg;
}

/* The parent's socket is left alone: each message reaches one of its readers.
 * The operation ends, and its done makes a new socket. */
static void interfaces_after_fork(rondo_loop *loop)
{
    for (struct handle *h = loop->handles[HANDLE_NETWORK]; h; h = h->next) {
        struct interfaces_watch *w = (struct interfaces_watch *)(void *)h;
        w->forked = true;
        op_cancel(loop, &w->op);
    }
}

const struct handle_class interfaces_class = {
    "interfaces", interfaces_close_at_loop_close, interfaces_describe};

const struct loop_part interfaces_part = {.after_fork = interfaces_after_fork};
