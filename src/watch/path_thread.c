/* path_thread.c - the thread that looks at watched paths, one for a loop. */
/* SPDX-License-Identifier: MIT */
#include "watch/path.h"

#include <assert.h>

/* From malloc. `asked`, `stop`, `ended` and each tree's `asked` are used under
 * the lock; all else is the thread's. */
struct path_thread {
    sys_mutex lock;
    sys_cond has_ended;
    struct path_tree *asked;
    bool stop, ended;
    struct notifier *notifier;
    rondo_remote *remote;
    struct path_tree *first;
};

/* ---- for the loop ---- */

static void path_thread_free(struct path_thread *t)
{
    notify_close(t->notifier);
    rondo_remote_release(t->remote);
    sys_cond_destroy(&t->has_ended);
    sys_mutex_destroy(&t->lock);
    sys_free(t);
}

static void path_thread_run(void *arg);

static struct path_thread *path_thread_new(void)
{
    struct path_thread *t = sys_alloc_zeroed(1, sizeof *t);
    if (!t || sys_mutex_init(&t->lock) < 0) {
        sys_free(t);
        return NULL;
    }
    if (sys_cond_init(&t->has_ended) < 0) {
        sys_mutex_destroy(&t->lock);
        sys_free(t);
        return NULL;
    }
    return t;
}

int path_thread_start(rondo_loop *loop, struct path_thread **made)
{
    struct path_thread *t = path_thread_new();
    if (!t)
        return error_set(RONDO_ENOMEM, "out of memory");
    int error = notify_open(&t->notifier, path_hint);
    if (error) {
        sys_cond_destroy(&t->has_ended);
        sys_mutex_destroy(&t->lock);
        sys_free(t);
        return error;
    }
    t->remote = rondo_loop_remote(loop);
    error = sys_thread_start(path_thread_run, t);
    if (error) {
        (void)error_os(error, "cannot start a thread");
        path_thread_free(t);
        return error;
    }
    *made = t;
    return 0;
}

void path_thread_stop(struct path_thread *t)
{
    sys_mutex_lock(&t->lock);
    t->stop = true;
    notify_wake(t->notifier);
    while (!t->ended)
        sys_cond_wait(&t->has_ended, &t->lock);
    sys_mutex_unlock(&t->lock);
    path_thread_free(t);
}

/* Its lock may be held for ever: the rest of its memory is lost. */
void path_thread_forked(struct path_thread *t)
{
    notify_forked(t->notifier);
    rondo_remote_release(t->remote);
}

void path_thread_ask(struct path_thread *t, struct path_tree *tree,
                     enum path_request what)
{
    sys_mutex_lock(&t->lock);
    if (!tree->asked) {
        tree->asked_next = t->asked;
        t->asked = tree;
    }
    tree->asked |= what;
    sys_mutex_unlock(&t->lock);
    notify_wake(t->notifier);
}

void path_thread_forget(struct path_thread *t, const struct path_tree *tree)
{
    sys_mutex_lock(&t->lock);
    struct path_tree **link = &t->asked;
    while (*link && *link != tree)
        link = &(*link)->asked_next;
    if (*link)
        *link = tree->asked_next;
    sys_mutex_unlock(&t->lock);
}

/* ---- the thread ---- */

static void path_thread_unlink(struct path_thread *t,
                               const struct path_tree *tree)
{
    struct path_tree **link = &t->first;
    while (*link != tree)
        link = &(*link)->next;
    *link = tree->next;
}

/* The loop waits for each tree, so it is there. */
static void path_deliver(struct path_thread *t, struct path_tree *tree)
{
    tree->delivered = true;
    bool taken = remote_deliver(t->remote, &tree->completion);
    assert(taken);
    (void)taken;
}

static void path_deliver_last(struct path_thread *t, struct path_tree *tree)
{
    path_tree_clear(tree);
    path_thread_unlink(t, tree);
    tree->last = true;
    path_deliver(t, tree);
}

static void path_set_look(struct path_tree *tree)
{
    int64_t now = sys_clock();
    if (tree->poll && tree->look == RONDO_NEVER)
        tree->look = tree->interval_ns < INT64_MAX - now
                         ? now + tree->interval_ns
                         : RONDO_NEVER - 1;
}

/* When it is to be looked at. */
static int64_t path_when(const struct path_tree *tree)
{
    if (tree->delivered)
        return RONDO_NEVER;
    if (tree->removing || tree->error || !tree->begun)
        return 0;
    return tree->due < tree->look ? tree->due : tree->look;
}

/* Looks, and delivers what there is. The tree may be the loop's then. */
static void path_step(struct path_thread *t, struct path_tree *tree)
{
    if (tree->removing || tree->error) {
        path_deliver_last(t, tree);
        return;
    }
    if (tree->look <= sys_clock()) {
        tree->look = RONDO_NEVER;
        path_mark_all(tree);
    }
    if (!tree->begun)
        (void)path_begin(tree);
    else
        (void)path_look(tree);
    path_set_look(tree);
    if (tree->batch.count || tree->events)
        path_deliver(t, tree);
}

static void path_take_request(struct path_thread *t, struct path_tree *tree,
                              unsigned asked)
{
    if (asked & PATH_ADD) {
        tree->notifier = t->notifier;
        tree->next = t->first;
        t->first = tree;
    }
    if (asked & PATH_TAKEN)
        tree->delivered = false;
    if (asked & PATH_DROP)
        tree->removing = true;
}

/* Returns whether the thread is to stop. */
static bool path_take_requests(struct path_thread *t)
{
    sys_mutex_lock(&t->lock);
    while (t->asked) {
        struct path_tree *tree = t->asked;
        unsigned asked = tree->asked;
        t->asked = tree->asked_next;
        tree->asked = 0;
        path_take_request(t, tree, asked);
    }
    bool stop = t->stop;
    sys_mutex_unlock(&t->lock);
    return stop;
}

static int64_t path_wait_time(const struct path_thread *t)
{
    int64_t next = RONDO_NEVER, now = sys_clock();
    for (const struct path_tree *tree = t->first; tree; tree = tree->next) {
        int64_t when = path_when(tree);
        next = when < next ? when : next;
    }
    return next == RONDO_NEVER ? RONDO_NEVER : next > now ? next - now : 0;
}

static void path_step_all(struct path_thread *t)
{
    int64_t now = sys_clock();
    struct path_tree *following;
    for (struct path_tree *tree = t->first; tree; tree = following) {
        following = tree->next;
        if (path_when(tree) <= now)
            path_step(t, tree);
    }
}

/* The wait is between the two, also if something is due: what has happened
 * before the loop has asked is seen as one. */
static void path_thread_run(void *arg)
{
    struct path_thread *t = arg;
    while (!path_take_requests(t)) {
        notify_wait(t->notifier, path_wait_time(t));
        path_step_all(t);
    }
    assert(!t->first);
    sys_mutex_lock(&t->lock);
    t->ended = true;
    sys_cond_signal(&t->has_ended);
    sys_mutex_unlock(&t->lock);
}
