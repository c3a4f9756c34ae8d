/* watch.c - watchers: readers and writers on descriptors of the program. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/backend.h"
#include "core/observe.h"
#include "core/release.h"

#include <assert.h>
#include <stdio.h>

/* A reader (index 0) or a writer (index 1). */
struct side {
    struct op op;
    rondo_fd_fn fn; /* NULL: there is none */
    void *arg;
    struct release *release; /* of arg; NULL: none */
};

struct watcher {
    struct handle handle;
    struct io io;
    rondo_loop *loop;
    struct side side[2];
    rondo_watch_fn watch_fn; /* of rondo_watch, by the operation of side[1],
                                whose arg is its; NULL: readers and writers */
    bool gone;               /* detached; freed when both operations are idle */
};

static const char *const side_names[] = {"reader", "writer"};

#ifndef NDEBUG
static bool watch_is_sound(const struct watcher *w)
{
    bool any = w->side[0].fn || w->side[1].fn || w->watch_fn;
    assert(!w->watch_fn || (!w->side[0].fn && !w->side[1].fn));
    return w->gone ? !w->io.attached && !any : w->io.attached && any;
}
#endif

static void watch_free_if_idle(struct watcher *w)
{
    if (!w->gone || !op_is_idle(&w->side[0].op) || !op_is_idle(&w->side[1].op))
        return;
    assert(watch_is_sound(w));
    handle_close(w->loop, &w->handle);
    loop_free(w->loop, w);
}

/* The side's function is not called with this arg any more. */
static void watch_release(rondo_loop *loop, struct side *side)
{
    if (side->release)
        release_send(loop, side->release);
    side->release = NULL;
}

/* Leaves the table at once, since the program may close the descriptor now and
 * get its number back as another file. */
static void watch_forget(struct watcher *w)
{
    rondo_loop *loop = w->loop;
    assert(!w->gone);
    for (int i = 0; i < 2; i++) {
        assert(!w->side[i].fn || loop->live_watchers > 0);
        if (w->side[i].fn)
            loop->live_watchers--;
        w->side[i].fn = NULL;
        watch_release(loop, &w->side[i]);
        op_cancel(loop, &w->side[i].op);
    }
    if (w->watch_fn)
        loop->live_watchers--;
    w->watch_fn = NULL;
    io_detach(loop, &w->io);
    w->gone = true;
}

/* The program has closed a watched descriptor: reports that. */
static void watch_lose(struct watcher *w)
{
    rondo_loop *loop = w->loop;
    long long fd = (long long)w->io.fd;
    watch_forget(w);
    int error = error_set(RONDO_EBADF,
                          "watcher: descriptor %lld was closed before it was "
                          "removed; it is no longer watched",
                          fd);
    rondo_exception e = loop_exception(error);
    rondo_loop_call_exception_handler(loop, &e);
}

static void watch_call(rondo_loop *loop, struct side *side, sys_fd fd)
{
    rondo_fd_fn fn = side->fn;
    OBSERVE(loop, RONDO_DOES_WATCHER, "watcher", fn, NULL,
            fn(loop, (rondo_fd)fd, side->arg));
}

/* The kernel or io_attach has found that the program closed the descriptor. On
 * a completion backend only an event tells of the second. */
static bool watch_is_lost(const struct watcher *w, int error)
{
    return !w->io.attached || (error && error != RONDO_ECANCELED);
}

/* After its call, or `error` of the wait; the number may be a new handle's
 * now. */
static void watch_go_on(rondo_loop *loop, struct watcher *w, struct side *side,
                        int error)
{
    if (side->fn && watch_is_lost(w, error))
        watch_lose(w);
    else if (side->fn && op_is_idle(&side->op))
        op_submit(loop, &side->op);
    watch_free_if_idle(w);
}

static void watch_ready(rondo_loop *loop, struct watcher *w, struct side *side)
{
    int error = side->op.task.error;
    assert(op_is_idle(&side->op) && (!w->gone || !side->fn));
    /* RONDO_ECANCELED: it was removed and added again meanwhile. */
    if (side->fn && !error && w->io.attached)
        watch_call(loop, side, w->io.fd);
    watch_go_on(loop, w, side, error);
}

/* The fast path: the reader is called, and stays. */
static void watch_read_ready(rondo_loop *loop, struct task *task)
{
    struct watcher *w =
        (struct watcher *)(void *)((char *)task -
                                   offsetof(struct watcher, side[0].op.task));
    struct side *side = &w->side[0];
    if (task->error || !side->fn || !w->io.attached || loop->observed) {
        watch_ready(loop, w, side);
        return;
    }
    side->fn(loop, (rondo_fd)w->io.fd, side->arg);
    if (side->fn && w->io.attached && op_is_idle(&side->op))
        op_read_again(loop, &side->op, &w->io);
    else
        watch_go_on(loop, w, side, 0);
}

static void watch_write_ready(rondo_loop *loop, struct task *task)
{
    struct watcher *w =
        (struct watcher *)(void *)((char *)task -
                                   offsetof(struct watcher, side[1].op.task));
    watch_ready(loop, w, &w->side[1]);
}

static void watch_call_events(rondo_loop *loop, struct watcher *w,
                              unsigned events)
{
    rondo_watch_fn fn = w->watch_fn;
    OBSERVE(loop, RONDO_DOES_WATCHER, "watcher", fn, NULL,
            fn(loop, (rondo_fd)w->io.fd, events, w->side[1].arg));
}

/* What is asked for may have changed since the events were seen. */
static void watch_events_ready(rondo_loop *loop, struct task *task)
{
    struct watcher *w =
        (struct watcher *)(void *)((char *)task -
                                   offsetof(struct watcher, side[1].op.task));
    struct op *op = &w->side[1].op;
    unsigned events = w->io.seen & ((unsigned)op->size | WATCH_ALWAYS);
    bool lost = watch_is_lost(w, task->error);
    w->io.seen = 0;
    if (w->watch_fn && events && !lost) {
        watch_call_events(loop, w, events);
        lost = watch_is_lost(w, 0);
    }
    if (w->watch_fn && lost)
        watch_lose(w);
    else if (w->watch_fn && op_is_idle(op))
        op_submit(loop, op);
    watch_free_if_idle(w);
}

/* ---- adding ---- */

/* events: rondo_watch's, which leaves files to the backend. */
static int watch_refuse_kind(rondo_loop *loop, sys_fd fd, const char *what,
                             bool events)
{
    bool others = rondo_loop_supports(loop, RONDO_CAN_WATCH_PIPES);
    switch (sys_kind(fd)) {
    case SYS_KIND_BAD:
        return error_set(RONDO_EBADF, "%s: descriptor %lld is not open", what,
                         (long long)fd);
    case SYS_KIND_FILE:
        if (events && others)
            return 0;
        return error_set(RONDO_EPERM,
                         "%s: descriptor %lld is a file or directory, which "
                         "is always ready: no backend watches it",
                         what, (long long)fd);
    case SYS_KIND_OTHER:
        if (!others)
            return error_set(RONDO_ENOTSUP,
                             "%s: descriptor %lld is not a socket", what,
                             (long long)fd);
        return 0;
    default:
        return 0;
    }
}

static int watch_new(rondo_loop *loop, sys_fd fd, const char *what, bool events,
                     struct watcher **made)
{
    int error = watch_refuse_kind(loop, fd, what, events);
    if (error)
        return error;
    struct watcher *w = loop_alloc(loop, sizeof *w);
    assert(fd != SYS_NO_FD);
    if (!w)
        return error_set(RONDO_ENOMEM, "%s: out of memory", what);
    *w = (struct watcher){.loop = loop};
    io_init(&w->io, fd, IO_WATCHER);
    op_init(&w->side[0].op, &w->io, OP_WAIT_READ, watch_read_ready);
    op_init(&w->side[1].op, &w->io, events ? OP_WATCH : OP_WAIT_WRITE,
            events ? watch_events_ready : watch_write_ready);
    error = io_attach(loop, &w->io);
    if (error) {
        loop_free(loop, w);
        return error_in(what, error);
    }
    handle_open(loop, &w->handle, HANDLE_WATCHER);
    *made = w;
    return 0;
}

/* Finds the watcher of a descriptor, NULL if there is none. RONDO_EBUSY:
 * another handle has the descriptor. */
static int watch_find(rondo_loop *loop, rondo_fd fd, const char *what,
                      struct watcher **found)
{
    struct io *io = io_find_used(loop, sys_fd_of(fd));
    *found = NULL;
    if (io && io->owner != IO_WATCHER)
        return error_set(RONDO_EBUSY,
                         "%s: descriptor %lld belongs to a transport, a "
                         "server, a datagram endpoint or the loop itself, or "
                         "an operation on it is under way",
                         what, (long long)fd);
    if (io)
        *found = (struct watcher *)(void *)((char *)io -
                                            offsetof(struct watcher, io));
    return 0;
}

/* The program may have closed the descriptor without removing the watcher and
 * opened a new file with its number, so the kernel must forget the old one. */
static void watch_reattach(struct watcher *w)
{
    for (int i = 0; i < 2; i++)
        op_cancel(w->loop, &w->side[i].op);
    io_reattach(w->loop, &w->io);
}

/* What the backend refuses at once is the error of the call. */
static int watch_start(struct watcher *w, struct side *side, const char *what)
{
    rondo_loop *loop = w->loop;
    assert(watch_is_sound(w));
    if (!op_is_idle(&side->op))
        return 0;
    op_submit(loop, &side->op);
    int error = side->op.task.state == TASK_READY ? side->op.task.error : 0;
    loop_nudge(loop);
    if (!error)
        return 0;
    (void)error_in(what, error);
    watch_forget(w); /* the operation is READY: its done frees the watcher */
    return error;
}

/* Added again with the same arg, the release stays. */
static void watch_set_arg(rondo_loop *loop, struct side *side, void *arg)
{
    if (side->arg != arg)
        watch_release(loop, side);
    side->arg = arg;
}

static int watch_add(rondo_loop *loop, rondo_fd fd, int which, rondo_fd_fn fn,
                     void *arg)
{
    char what[32];
    struct watcher *w;
    snprintf(what, sizeof what, "add_%s", side_names[which]);
    int error = loop_check_create(loop, what);
    if (error)
        return error;
    if (!fn)
        return error_set(RONDO_EINVAL, "%s: no function", what);
    error = watch_find(loop, fd, what, &w);
    if (!error && !w)
        error = watch_new(loop, sys_fd_of(fd), what, false, &w);
    else if (!error && w->watch_fn)
        error = error_set(RONDO_EBUSY, "%s: descriptor %lld is rondo_watch's",
                          what, (long long)fd);
    if (error)
        return error;
    assert(w && !w->gone);
    struct side *side = &w->side[which];
    if (side->fn)
        watch_reattach(w);
    else
        loop->live_watchers++;
    side->fn = fn;
    watch_set_arg(loop, side, arg);
    return watch_start(w, side, what);
}

int rondo_add_reader(rondo_loop *loop, rondo_fd fd, rondo_fd_fn fn, void *arg)
{
    return watch_add(loop, fd, 0, fn, arg);
}

int rondo_add_writer(rondo_loop *loop, rondo_fd fd, rondo_fd_fn fn, void *arg)
{
    return watch_add(loop, fd, 1, fn, arg);
}

/* ---- both sides at once ---- */

static int watch_check_events(rondo_loop *loop, unsigned events)
{
    const unsigned ends = WATCH_ALWAYS;
    const unsigned known = RONDO_READABLE | RONDO_WRITABLE | RONDO_PRIORITY |
                           RONDO_HALF_CLOSED | ends;
    const char *lacks = NULL;
    if (events & ~known)
        return error_set(RONDO_EINVAL, "watch: unknown events %#x", events);
    if (events & RONDO_PRIORITY &&
        !rondo_loop_supports(loop, RONDO_CAN_WATCH_PRIORITY))
        lacks = "RONDO_PRIORITY";
    else if (events & RONDO_HALF_CLOSED &&
             !rondo_loop_supports(loop, RONDO_CAN_WATCH_HALF_CLOSE))
        lacks = "RONDO_HALF_CLOSED";
    else if (!(events & ~ends) &&
             !rondo_loop_supports(loop, RONDO_CAN_WATCH_ERRORS))
        lacks = "errors alone";
    if (!lacks)
        return 0;
    return error_set(RONDO_ENOTSUP,
                     "watch: backend \"%s\" cannot watch for %s; \"%s\" can",
                     loop->backend->name, lacks,
                     sys_supports(RONDO_CAN_UNIX) ? "poll" : "iocp");
}

int rondo_watch(rondo_loop *loop, rondo_fd fd, unsigned events,
                rondo_watch_fn fn, void *arg)
{
    static const char what[] = "watch";
    struct watcher *w;
    int error = loop_check_create(loop, what);
    if (!error && !fn)
        error = error_set(RONDO_EINVAL, "%s: no function", what);
    if (!error)
        error = watch_check_events(loop, events);
    if (!error)
        error = watch_find(loop, fd, what, &w);
    if (!error && !w)
        error = watch_new(loop, sys_fd_of(fd), what, true, &w);
    else if (!error && !w->watch_fn)
        error = error_set(RONDO_EBUSY,
                          "%s: descriptor %lld has a reader or a writer", what,
                          (long long)fd);
    if (error)
        return error;
    assert(w && !w->gone);
    if (w->watch_fn)
        watch_reattach(w);
    else
        loop->live_watchers++;
    w->watch_fn = fn;
    watch_set_arg(loop, &w->side[1], arg);
    w->side[1].op.size = events & ~(unsigned)WATCH_ALWAYS;
    return watch_start(w, &w->side[1], what);
}

int rondo_unwatch(rondo_loop *loop, rondo_fd fd)
{
    struct watcher *w;
    int error = loop_check(loop, "unwatch");
    if (!error)
        error = watch_find(loop, fd, "unwatch", &w);
    if (error)
        return error;
    if (!w || !w->watch_fn)
        return 0;
    watch_forget(w); /* freed by the operation's done, or in fn by its caller */
    return 1;
}

/* ---- removing ---- */

static int watch_remove_side(rondo_loop *loop, rondo_fd fd, int which)
{
    char what[32];
    struct watcher *w;
    snprintf(what, sizeof what, "remove_%s", side_names[which]);
    int error = loop_check(loop, what);
    if (!error)
        error = watch_find(loop, fd, what, &w);
    if (error)
        return error;
    assert(!w || !w->gone);
    if (!w || !w->side[which].fn)
        return 0;
    if (!w->side[!which].fn) {
        watch_forget(w);
        return 1;
    }
    struct side *side = &w->side[which];
    side->fn = NULL;
    watch_release(loop, side);
    loop->live_watchers--;
    op_cancel(loop, &side->op);
    assert(watch_is_sound(w));
    return 1;
}

int rondo_remove_reader(rondo_loop *loop, rondo_fd fd)
{
    return watch_remove_side(loop, fd, 0);
}

int rondo_remove_writer(rondo_loop *loop, rondo_fd fd)
{
    return watch_remove_side(loop, fd, 1);
}

/* ---- releasing ---- */

/* The side that keeps the arg of what `event` names; NULL: there is none. */
static struct side *watch_side(struct watcher *w, unsigned event)
{
    if (!w)
        return NULL;
    if (!event)
        return w->watch_fn ? &w->side[1] : NULL;
    struct side *side = &w->side[event == RONDO_WRITABLE];
    return side->fn ? side : NULL;
}

int rondo_set_watch_release(rondo_loop *loop, rondo_fd fd, unsigned event,
                            rondo_fn release)
{
    static const char what[] = "set_watch_release";
    struct watcher *w;
    int error = loop_check_create(loop, what);
    if (!error && event && event != RONDO_READABLE && event != RONDO_WRITABLE)
        error =
            error_set(RONDO_EINVAL,
                      "%s: event is RONDO_READABLE, RONDO_WRITABLE or 0", what);
    if (!error)
        error = watch_find(loop, fd, what, &w);
    if (error)
        return error;
    struct side *side = watch_side(w, event);
    if (!side)
        return error_set(RONDO_ENOENT, "%s: descriptor %lld has no %s", what,
                         (long long)fd,
                         event ? side_names[event == RONDO_WRITABLE] : "watch");
    struct release *r = release ? release_make(loop, release, side->arg) : NULL;
    if (release && !r)
        return error_set(RONDO_ENOMEM, "%s: out of memory", what);
    loop_free(loop, side->release);
    side->release = r;
    return 0;
}

/* ---- closing, dump ---- */

static void watch_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    struct watcher *w = (struct watcher *)(void *)handle;
    (void)loop;
    if (!w->gone)
        watch_forget(w);
    watch_free_if_idle(w);
}

static bool watch_describe(const struct handle *handle, char *text, size_t size)
{
    const struct watcher *w = (const struct watcher *)(const void *)handle;
    if (w->gone)
        return false;
    if (w->watch_fn) {
        snprintf(text, size, "fd %lld, events %#x", (long long)w->io.fd,
                 (unsigned)w->side[1].op.size);
        return true;
    }
    snprintf(text, size, "fd %lld,%s%s", (long long)w->io.fd,
             w->side[0].fn ? " reading" : "", w->side[1].fn ? " writing" : "");
    return true;
}

const struct handle_class watch_class = {"watcher", watch_close_at_loop_close,
                                         watch_describe};
