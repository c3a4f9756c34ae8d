/* path_watch.c - watched paths, on the loop's side. */
/* SPDX-License-Identifier: MIT */
#include "core/id.h"
#include "core/observe.h"
#include "core/part.h"
#include "core/release.h"
#include "watch/path.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATH_ROOM = 4096,      /* of an absolute path */
    EVENTS_AT_A_TIME = 256 /* then the loop goes on with other things */
};

struct path_state {
    struct path_thread *thread; /* started by the first watch */
};

struct path_watch {
    struct handle handle;
    struct task task; /* tells events */
    rondo_loop *loop;
    rondo_id id; /* 0: cancelled */
    rondo_path_fn fn;
    void *arg;
    struct path_tree *tree;      /* NULL: the parent process's, see old */
    const struct path_tree *old; /* in a forked child: how to begin again */
    const char *given;           /* the path, in tree or old */
    struct path_batch batch;     /* what is being told */
    size_t told;                 /* of the batch */
    unsigned events;             /* still to be told before it */
    bool last;                   /* nothing comes after it */
    int error;                   /* that ends it; also if tree is NULL */
};

static struct path_state *path_state_of(const rondo_loop *loop)
{
    return loop_part_state(loop, PART_PATH);
}

/* ---- its beginning ---- */

/* Asks for a new tree of the same kind. Returns 0, or an error with a
 * sentence. */
static int path_start(struct path_watch *w, const rondo_path_options *o,
                      const char *given, const char *absolute)
{
    struct path_state *state = path_state_of(w->loop);
    int error = 0;
    if (!state->thread)
        error = path_thread_start(w->loop, &state->thread);
    if (error)
        return error;
    struct path_tree *tree = path_tree_new(given, absolute);
    if (!tree)
        return error_set(RONDO_ENOMEM, "out of memory");
    tree->handle = w;
    tree->recursive = o->recursive;
    tree->may_be_missing = o->may_be_missing;
    tree->poll =
        (o->watcher && strcmp(o->watcher, "poll") == 0) || !notify_traits.name;
    tree->settle_ns = o->settle_ns;
    tree->interval_ns = o->interval_ns ? o->interval_ns : RONDO_SEC(1);
    w->tree = tree;
    w->given = tree->given;
    return 0;
}

/* In a forked child, where a new thread begins with a new tree, and tells that
 * something may have been missed. One that was cancelled ends instead. */
static void path_begin_again(struct path_watch *w)
{
    const struct path_tree *old = w->old;
    rondo_path_options o = {.size = sizeof o,
                            .recursive = old->recursive,
                            .may_be_missing = true,
                            .watcher = old->poll ? "poll" : NULL,
                            .settle_ns = old->settle_ns,
                            .interval_ns = old->interval_ns};
    w->error = w->id ? path_start(w, &o, old->given, old->absolute) : 0;
    w->last = !w->tree;
    if (!w->tree)
        return;
    w->tree->overflow = true;
    path_thread_ask(path_state_of(w->loop)->thread, w->tree, PATH_ADD);
}

/* ---- telling ---- */

static void path_end(struct path_watch *w)
{
    assert(w->task.state == TASK_IDLE);
    rondo_loop *loop = w->loop;
    path_batch_clear(&w->batch);
    if (w->tree)
        path_tree_free(w->tree);
    handle_close(loop, &w->handle);
    loop_free(loop, w);
}

static void path_call(struct path_watch *w, const rondo_path_event *event)
{
    rondo_loop *loop = w->loop;
    rondo_path_fn fn = w->fn;
    loop->metrics.callbacks++;
    OBSERVE(loop, RONDO_DOES_WATCHER, "watch_path", fn, NULL,
            fn(loop, w->arg, event));
}

static const char *path_of(const struct path_watch *w, size_t text)
{
    return text == PATH_NO_TEXT ? NULL : w->batch.text + text;
}

static void path_call_item(struct path_watch *w)
{
    const struct path_item *item = &w->batch.items[w->told++];
    rondo_path_event event = {.size = sizeof event,
                              .what = item->what,
                              .path = path_of(w, item->path),
                              .from = path_of(w, item->from),
                              .type = (rondo_file_type)item->type,
                              .more = w->told < w->batch.count};
    path_call(w, &event);
}

static void path_call_special(struct path_watch *w, unsigned what)
{
    rondo_path_event event = {.size = sizeof event, .what = what};
    w->events &= ~what;
    event.path = w->given;
    event.more = w->events || w->batch.count;
    path_call(w, &event);
}

/* The id ends before the callback, so that it cannot be cancelled there. */
static void path_call_end(struct path_watch *w)
{
    struct path_tree *tree = w->tree;
    rondo_path_event event = {.size = sizeof event, .what = RONDO_PATH_ENDED};
    release_forget(w->loop, w->id);
    id_free(w->loop, w->id);
    w->id = 0;
    event.path = w->given;
    event.error = w->error;
    (void)error_set(w->error, "%s",
                    tree ? tree->sentence
                         : "watch_path: cannot begin again "
                           "after a fork");
    error_keep_os(tree ? tree->os_error : 0);
    path_call(w, &event);
}

/* Events in the order of their bits, which is that in which they happened. */
static void path_tell_next(struct path_watch *w)
{
    if (w->events & RONDO_PATH_BEGUN)
        path_call_special(w, RONDO_PATH_BEGUN);
    else if (w->events & RONDO_PATH_OVERFLOW)
        path_call_special(w, RONDO_PATH_OVERFLOW);
    else if (w->told < w->batch.count)
        path_call_item(w);
}

static bool path_has_more(const struct path_watch *w)
{
    return w->id && (w->events || w->told < w->batch.count);
}

static void path_go_on(rondo_loop *loop, struct task *task)
{
    struct path_watch *w =
        (struct path_watch *)(void *)((char *)task -
                                      offsetof(struct path_watch, task));
    for (int i = 0; i < EVENTS_AT_A_TIME && path_has_more(w); i++)
        path_tell_next(w);
    if (path_has_more(w)) {
        loop_push(loop, &w->task);
        return;
    }
    path_batch_clear(&w->batch);
    w->told = 0;
    w->events = 0;
    if (!w->tree)
        path_begin_again(w);
    else if (!w->last)
        path_thread_ask(path_state_of(loop)->thread, w->tree, PATH_TAKEN);
    if (!w->last)
        return;
    if (w->id && w->error)
        path_call_end(w);
    path_end(w);
}

void path_told(rondo_loop *loop, struct completion *completion)
{
    struct path_tree *tree =
        (struct path_tree *)(void *)((char *)completion -
                                     offsetof(struct path_tree, completion));
    struct path_watch *w = tree->handle;
    assert(!w->batch.count && w->task.state == TASK_IDLE);
    w->batch = tree->batch;
    w->events = tree->events;
    tree->batch = (struct path_batch){.items = NULL};
    tree->events = 0;
    w->last = tree->last;
    w->error = tree->error;
    if (w->last)
        path_thread_forget(path_state_of(loop)->thread, tree);
    path_go_on(loop, &w->task);
}

/* ---- watching ---- */

static void path_cancel(rondo_loop *loop, struct handle *handle);

static int path_open(rondo_loop *loop, const rondo_path_options *o,
                     const char *given, const char *absolute,
                     struct path_watch **made)
{
    struct path_watch *w = loop_alloc(loop, sizeof *w);
    if (!w)
        return error_set(RONDO_ENOMEM, "out of memory");
    *w = (struct path_watch){.loop = loop, .task.done = path_go_on};
    int error = path_start(w, o, given, absolute);
    if (error) {
        loop_free(loop, w);
        return error;
    }
    handle_open(loop, &w->handle, HANDLE_PATH);
    w->id = id_new(loop, &w->handle, path_cancel);
    if (w->id < 0) {
        error = (int)w->id;
        path_end(w);
        return error;
    }
    *made = w;
    return 0;
}

static int path_check(const rondo_path_options *o, const char *path)
{
    if (!path || !*path)
        return error_set(RONDO_EINVAL, "no path");
    if (o->settle_ns < 0 || o->interval_ns < 0)
        return error_set(RONDO_EINVAL, "a negative %s",
                         o->settle_ns < 0 ? "settle_ns" : "interval_ns");
    const char *own = notify_traits.name;
    if (!o->watcher || strcmp(o->watcher, "poll") == 0 ||
        (own && strcmp(o->watcher, own) == 0))
        return 0;
    return error_set(
        RONDO_ENOTSUP, "no watcher \"%s\" here; there is \"poll\"%s%s%s",
        o->watcher, own ? " and \"" : "", own ? own : "", own ? "\"" : "");
}

static int path_absolute(const char *path, char *text, size_t room)
{
    int error = notify_absolute(path, text, room);
    return error ? error_os(error, "\"%s\"", path) : 0;
}

rondo_id rondo_watch_path(rondo_loop *loop, const char *path,
                          const rondo_path_options *options, rondo_path_fn fn,
                          void *arg)
{
    static const char what[] = "watch_path";
    rondo_path_options o = {.size = sizeof o};
    char absolute[PATH_ROOM];
    struct path_watch *w = NULL;
    int error = loop_check_create(loop, what);
    if (!error)
        error = loop_options(&o, sizeof o, options, what);
    if (error)
        return error;
    error = fn ? path_check(&o, path) : error_set(RONDO_EINVAL, "no function");
    if (!error)
        error = path_absolute(path, absolute, sizeof absolute);
    if (!error)
        error = path_open(loop, &o, path, absolute, &w);
    if (error)
        return error_in(what, error);
    assert(w);
    w->fn = fn;
    w->arg = arg;
    path_thread_ask(path_state_of(loop)->thread, w->tree, PATH_ADD);
    loop_nudge(loop);
    return w->id;
}

/* ---- its end ---- */

/* The id is free already. The thread must let go of the tree first; without one
 * its task ends it. */
static void path_leave(rondo_loop *loop, struct path_watch *w)
{
    w->id = 0;
    handle_set_background(loop, &w->handle, true);
    if (!w->last && w->tree)
        path_thread_ask(path_state_of(loop)->thread, w->tree, PATH_DROP);
}

static void path_cancel(rondo_loop *loop, struct handle *handle)
{
    struct path_watch *w = (struct path_watch *)(void *)handle;
    release_due(loop, w->id);
    path_leave(loop, w);
}

static void path_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    struct path_watch *w = (struct path_watch *)(void *)handle;
    if (!w->id)
        return;
    id_free(loop, w->id);
    path_leave(loop, w);
}

static bool path_describe(const struct handle *handle, char *text, size_t size)
{
    const struct path_watch *w =
        (const struct path_watch *)(const void *)handle;
    const struct path_tree *tree = w->tree ? w->tree : w->old;
    if (!w->id)
        return false;
    snprintf(text, size, "\"%.200s\"%s%s", w->given,
             tree->recursive ? " and below" : "",
             tree->poll ? ", by looking" : "");
    return true;
}

void *path_arg(const struct handle *handle)
{
    return ((const struct path_watch *)(const void *)handle)->arg;
}

/* ---- the part ---- */

static void path_close(rondo_loop *loop)
{
    struct path_state *state = path_state_of(loop);
    if (state->thread)
        path_thread_stop(state->thread);
    state->thread = NULL;
}

/* The parent's thread has the trees, whose memory is lost here. */
static void path_after_fork(rondo_loop *loop)
{
    struct path_state *state = path_state_of(loop);
    if (!state->thread)
        return;
    path_thread_forked(state->thread);
    state->thread = NULL;
    for (struct handle *h = loop->handles[HANDLE_PATH]; h; h = h->next) {
        struct path_watch *w = (struct path_watch *)(void *)h;
        if (w->last)
            continue; /* its task is on the ready list */
        w->old = w->tree;
        w->tree = NULL;
        if (w->task.state == TASK_IDLE)
            loop_push(loop, &w->task);
    }
}

static void path_count(const rondo_loop *loop, rondo_loop_metrics *metrics)
{
    for (struct handle *h = loop->handles[HANDLE_PATH]; h; h = h->next)
        metrics->live_paths += ((struct path_watch *)(void *)h)->id != 0;
}

const struct handle_class path_class = {"path", path_close_at_loop_close,
                                        path_describe};

const struct loop_part path_part = {.size = sizeof(struct path_state),
                                    .close = path_close,
                                    .after_fork = path_after_fork,
                                    .count = path_count};
