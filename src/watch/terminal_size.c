/* terminal_size.c - watches the size of the program's terminal. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/id.h"
#include "core/observe.h"
#include "core/release.h"
#include "core/signals.h"

#include <stdio.h>

enum { LOOK_MS = 250 }; /* where the system does not tell */

/* Either the hook or the timer makes it look. */
struct size_watch {
    struct handle handle;
    rondo_loop *loop;
    rondo_id id; /* 0: it has ended */
    sys_fd fd;
    rondo_terminal_size_fn fn;
    void *arg;
    unsigned columns, rows; /* told last */
    bool told, calling;
    struct task task; /* the first look */
    struct signal_hook hook;
    rondo_id timer; /* 0: none */
};

/* ---- its end ---- */

static void size_stop(struct size_watch *w)
{
    if (w->hook.signum)
        signal_hook_remove(w->loop, &w->hook);
    if (w->timer)
        (void)timers_cancel(w->loop, w->timer);
    w->hook.signum = 0;
    w->timer = 0;
}

static void size_free_if_idle(struct size_watch *w)
{
    if (w->id || w->calling || w->task.state != TASK_IDLE)
        return;
    handle_close(w->loop, &w->handle);
    loop_free(w->loop, w);
}

/* The id is free already. */
static void size_end(struct size_watch *w)
{
    w->id = 0;
    handle_set_background(w->loop, &w->handle, true);
    size_stop(w);
}

/* ---- looking ---- */

static void size_call(struct size_watch *w, int error)
{
    rondo_loop *loop = w->loop;
    rondo_terminal_size_fn fn = w->fn;
    loop->metrics.callbacks++;
    w->calling = true;
    OBSERVE(
        loop, RONDO_DOES_WATCHER, "watch_terminal_size", fn, NULL,
        fn(loop, w->arg, error ? 0 : w->columns, error ? 0 : w->rows, error));
    w->calling = false;
}

/* The last call. The id ends before it, so that it cannot be cancelled there.
 */
static void size_fail(struct size_watch *w, int error)
{
    release_forget(w->loop, w->id);
    id_free(w->loop, w->id);
    size_end(w);
    size_call(w, error);
}

static void size_look(struct size_watch *w)
{
    unsigned columns, rows;
    int error = sys_terminal_measure(w->fd, &columns, &rows);
    if (error) {
        size_fail(w, error_os(error, "watch_terminal_size: descriptor %lld",
                              (long long)w->fd));
        return;
    }
    if (w->told && columns == w->columns && rows == w->rows)
        return;
    w->told = true;
    w->columns = columns;
    w->rows = rows;
    size_call(w, 0);
}

static void size_task_done(rondo_loop *loop, struct task *task)
{
    struct size_watch *w =
        (struct size_watch *)(void *)((char *)task -
                                      offsetof(struct size_watch, task));
    (void)loop;
    if (w->id)
        size_look(w);
    size_free_if_idle(w);
}

static void size_signalled(rondo_loop *loop, struct signal_hook *hook,
                           unsigned count)
{
    struct size_watch *w =
        (struct size_watch *)(void *)((char *)hook -
                                      offsetof(struct size_watch, hook));
    (void)loop;
    (void)count;
    size_look(w);
    size_free_if_idle(w);
}

static void size_due(rondo_loop *loop, void *arg);

static int size_start_timer(struct size_watch *w)
{
    rondo_id id = timers_start_hidden(w->loop, w->loop->now + RONDO_MS(LOOK_MS),
                                      size_due, w);
    w->timer = id < 0 ? 0 : id;
    return id < 0 ? (int)id : 0;
}

static void size_due(rondo_loop *loop, void *arg)
{
    struct size_watch *w = arg;
    (void)loop;
    int error = size_start_timer(w);
    if (error)
        size_fail(w, error_in("watch_terminal_size", error));
    else
        size_look(w);
    size_free_if_idle(w);
}

/* ---- watching ---- */

static void size_cancel(rondo_loop *loop, struct handle *handle)
{
    struct size_watch *w = (struct size_watch *)(void *)handle;
    release_due(loop, w->id);
    size_end(w);
    size_free_if_idle(w);
}

static int size_start(struct size_watch *w)
{
    int signum = sys_terminal_signal();
    if (!signum)
        return size_start_timer(w);
    w->hook.fn = size_signalled;
    w->hook.signum = signum;
    int error = signal_hook_add(w->loop, &w->hook);
    if (error)
        w->hook.signum = 0;
    return error;
}

static int size_open(rondo_loop *loop, struct size_watch **made)
{
    struct size_watch *w = loop_alloc(loop, sizeof *w);
    if (!w)
        return error_set(RONDO_ENOMEM, "out of memory");
    *w = (struct size_watch){.loop = loop, .task.done = size_task_done};
    handle_open(loop, &w->handle, HANDLE_TERMINAL);
    int error = size_start(w);
    if (!error && (w->id = id_new(loop, &w->handle, size_cancel)) < 0)
        error = (int)w->id;
    if (error) {
        size_end(w);
        size_free_if_idle(w);
    } else {
        *made = w;
    }
    return error;
}

rondo_id rondo_watch_terminal_size(rondo_loop *loop, rondo_fd fd,
                                   rondo_terminal_size_fn fn, void *arg)
{
    static const char what[] = "watch_terminal_size";
    struct size_watch *w = NULL;
    int error = loop_check_create(loop, what);
    if (error)
        return error;
    if (!fn)
        return error_set(RONDO_EINVAL, "%s: no function", what);
    if (!sys_is_terminal(sys_fd_of(fd)))
        return error_set(RONDO_EINVAL, "%s: descriptor %lld is not a terminal",
                         what, (long long)fd);
    error = size_open(loop, &w);
    if (error)
        return error_in(what, error);
    assert(w);
    w->fd = sys_fd_of(fd);
    w->fn = fn;
    w->arg = arg;
    loop_push(loop, &w->task);
    loop_nudge(loop);
    return w->id;
}

/* ---- closing, dump ---- */

static void size_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    struct size_watch *w = (struct size_watch *)(void *)handle;
    if (!w->id)
        return;
    id_free(loop, w->id);
    size_end(w);
    size_free_if_idle(w);
}

static bool size_describe(const struct handle *handle, char *text, size_t size)
{
    const struct size_watch *w =
        (const struct size_watch *)(const void *)handle;
    snprintf(text, size, "size, descriptor %lld", (long long)w->fd);
    return w->id;
}

void *size_arg(const struct handle *handle)
{
    return ((const struct size_watch *)(const void *)handle)->arg;
}

const struct handle_class size_class = {"terminal", size_close_at_loop_close,
                                        size_describe};
