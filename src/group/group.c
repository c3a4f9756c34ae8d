/* group.c - a group's life: made, closed, given up; and what a fork leaves. */
/* SPDX-License-Identifier: MIT */
#include "group/group.h"

#include "base/error.h"
#include "core/observe.h"
#include "core/part.h"

#include <stdio.h>

enum { GROUP_MOST = 1024 };

/* ---- references ---- */

void group_ref(rondo_group *g)
{
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
}

static void group_free(rondo_group *g)
{
    for (unsigned i = 0; i < g->count; i++)
        rondo_remote_release(g->member[i].remote);
    rondo_remote_release(g->home_remote);
    sys_cond_destroy(&g->changed);
    sys_mutex_destroy(&g->lock);
    sys_free(g);
}

void group_unref(rondo_group *g)
{
    if (atomic_fetch_sub(&g->refs, 1) == 1)
        group_free(g);
}

/* ---- may this call be made? ---- */

int group_check(const rondo_group *g, const char *what)
{
    if (!g)
        return error_set(RONDO_EINVAL, "%s: no group", what);
    if (g->generation != sys_fork_generation)
        return error_set(RONDO_EFORKED,
                         "%s: the group's threads are the parent process's",
                         what);
    return 0;
}

int group_check_home(const rondo_group *g, const char *what)
{
    int error = group_check(g, what);
    return error ? error : loop_check(g->home, what);
}

int group_check_begin(const rondo_group *g, const char *what)
{
    int error = group_check(g, what);
    if (!error)
        error = loop_check_create(g->home, what);
    if (!error && g->closing)
        return error_set(RONDO_ECLOSED, "%s: the group is closed", what);
    return error;
}

/* ---- sending ---- */

bool group_send_locked(rondo_group *g, unsigned index, struct completion *c)
{
    struct group_member *m = &g->member[index];
    return m->takes && remote_deliver(m->remote, c);
}

bool group_send(rondo_group *g, unsigned index, struct completion *c)
{
    sys_mutex_lock(&g->lock);
    bool sent = group_send_locked(g, index, c);
    sys_mutex_unlock(&g->lock);
    return sent;
}

/* ---- time ---- */

int64_t group_after(int64_t start, int64_t length_ns)
{
    return length_ns > RONDO_NEVER - start ? RONDO_NEVER : start + length_ns;
}

int group_start_timer(rondo_group *g, rondo_id *timer, int64_t after_ns,
                      rondo_fn fn, void *arg)
{
    int64_t when = group_after(sys_clock(), after_ns);
    rondo_id id = 0;
    if (when != RONDO_NEVER)
        id = timers_start_hidden(g->home, when, fn, arg);
    if (id < 0)
        return (int)id;
    *timer = id;
    return 0;
}

void group_stop_timer(rondo_group *g, rondo_id *timer)
{
    if (*timer > 0 && !g->home->closing)
        (void)timers_cancel(g->home, *timer);
    *timer = 0;
}

/* ---- the end ---- */

static bool group_is_over(const rondo_group *g)
{
    return g->closing && !g->running && !g->calls && group_servers_are_over(g);
}

static void group_tell_end(rondo_group *g, int result)
{
    rondo_loop *home = g->home;
    assert(!g->over);
    g->over = true;
    group_stop_timer(g, &g->cut_timer);
    group_stop_timer(g, &g->give_up_timer);
    if (result)
        error_set(result, "group_close: %s",
                  result == RONDO_EFORKED
                      ? "the group's threads are the parent process's"
                      : "a loop is still in a callback");
    if (g->done)
        OBSERVE_DONE(home, "group_close", g->done, home, g->done_arg, result);
    group_servers_free(g);
    handle_close(home, &g->handle);
    group_unref(g);
}

static void group_turn(rondo_loop *home, struct task *task)
{
    rondo_group *g =
        (rondo_group *)(void *)((char *)task - offsetof(rondo_group, task));
    (void)home;
    if (!g->over && group_is_over(g))
        group_tell_end(g, 0);
}

void group_settle(rondo_group *g)
{
    if (g->over || !g->closing)
        return;
    if (!g->stopped && group_servers_are_over(g)) {
        g->stopped = true;
        group_stop(g);
    }
    if (group_is_over(g) && g->task.state == TASK_IDLE) {
        loop_push(g->home, &g->task);
        loop_nudge(g->home);
    }
}

/* The task may be on the ready list: the group's end waits for it. */
static void group_give_up(rondo_group *g, int error)
{
    if (g->over || g->task.state != TASK_IDLE)
        return;
    group_calls_give_up(g, error);
    for (rondo_group_server *gs = g->servers; gs; gs = gs->next)
        group_server_give_up(gs, error);
    if (!g->stopped)
        group_stop(g);
    g->stopped = true;
    group_tell_end(g, error);
}

void group_member_ended(rondo_loop *home, struct completion *c)
{
    struct group_member *m =
        (struct group_member *)(void *)((char *)c -
                                        offsetof(struct group_member, ended));
    rondo_group *g = m->group;
    assert(g->running > 0);
    g->running--;
    if (g->over) { /* it was given up before */
        group_unref(g);
        return;
    }
    if (!g->closing) {
        error_set(m->error, "group: loop %u has ended%s%s", m->index,
                  m->error ? ": " : "", m->why);
        if (g->options.loop_ended) {
            g->options.loop_ended(g, g->options.arg, m->index, m->error);
        } else {
            rondo_exception e = loop_exception(m->error);
            rondo_loop_call_exception_handler(home, &e);
        }
    }
    group_settle(g);
    group_unref(g);
}

/* ---- closing ---- */

static void group_on_give_up(rondo_loop *home, void *arg)
{
    rondo_group *g = arg;
    (void)home;
    g->give_up_timer = 0;
    group_give_up(g, RONDO_ETIMEDOUT);
}

static void group_close_servers(rondo_group *g, bool now)
{
    for (rondo_group_server *gs = g->servers; gs; gs = gs->next)
        group_server_close(gs, now);
}

static void group_on_cut(rondo_loop *home, void *arg)
{
    rondo_group *g = arg;
    (void)home;
    g->cut_timer = 0;
    group_close_servers(g, true);
}

static void group_begin_close(rondo_group *g, bool now)
{
    sys_mutex_lock(&g->lock);
    g->closing = true;
    sys_mutex_unlock(&g->lock);
    group_close_servers(g, now);
    group_settle(g);
}

/* Both timers or none. */
static int group_start_times(rondo_group *g, int64_t grace_ns)
{
    int64_t longest = group_after(grace_ns, g->home->close_grace_ns);
    rondo_id cut = 0, give_up = 0;
    int error = group_start_timer(g, &give_up, longest, group_on_give_up, g);
    if (!error && grace_ns)
        error = group_start_timer(g, &cut, grace_ns, group_on_cut, g);
    if (error) {
        group_stop_timer(g, &give_up);
        return error;
    }
    group_stop_timer(g, &g->cut_timer);
    group_stop_timer(g, &g->give_up_timer);
    g->cut_timer = cut;
    g->give_up_timer = give_up;
    return 0;
}

int rondo_group_close(rondo_group *g, int64_t grace_ns, rondo_done_fn done,
                      void *arg)
{
    const char *what = "group_close";
    int error = group_check(g, what);
    if (!error)
        error = loop_check_create(g->home, what);
    if (error)
        return error;
    if (grace_ns < 0)
        return error_set(RONDO_EINVAL, "%s: a negative time", what);
    if (g->closing && done)
        return error_set(RONDO_EBUSY, "%s: the group closes already", what);
    error = group_start_times(g, grace_ns);
    if (error)
        return error_in(what, error);
    if (!g->closing) {
        g->done = done;
        g->done_arg = arg;
    }
    group_begin_close(g, grace_ns == 0);
    return 0;
}

/* ---- making ---- */

static int group_check_options(const rondo_group_options *o,
                               const rondo_loop *home)
{
    if (o->loops > GROUP_MOST)
        return error_set(RONDO_EINVAL, "create_group: more than %d loops",
                         GROUP_MOST);
    if (o->pin == RONDO_ON && !rondo_loop_supports(home, RONDO_CAN_PIN_THREADS))
        return error_set(RONDO_ENOTSUP,
                         "create_group: this system pins no thread to a core "
                         "(Linux and Windows do)");
    return 0;
}

/* The loop's options without what is lent for the call; the backend's name is
 * looked at while the call waits for the threads. */
static int group_copy_options(rondo_group *g)
{
    int error = loop_options(&g->loop_options, sizeof g->loop_options,
                             g->options.loop, "create_group");
    if (error)
        return error;
    g->loop_options.size = sizeof g->loop_options;
    if (g->loop_options.allocator) {
        g->allocator = *g->loop_options.allocator;
        g->loop_options.allocator = &g->allocator;
    }
    g->options.loop = NULL;
    return 0;
}

static rondo_group *group_alloc(const rondo_group_options *o, unsigned count)
{
    rondo_group *g = sys_alloc_zeroed(1, sizeof *g + count * sizeof *g->member);
    if (!g)
        return NULL;
    if (sys_mutex_init(&g->lock) < 0) {
        sys_free(g);
        return NULL;
    }
    if (sys_cond_init(&g->changed) < 0) {
        sys_mutex_destroy(&g->lock);
        sys_free(g);
        return NULL;
    }
    g->options = *o;
    g->generation = sys_fork_generation;
    g->count = count;
    atomic_init(&g->refs, 1);
    for (unsigned i = 0; i < count; i++) {
        g->member[i].group = g;
        g->member[i].index = i;
    }
    return g;
}

int rondo_create_group(rondo_loop *home, const rondo_group_options *options,
                       rondo_group **group)
{
    rondo_group_options o;
    int error = loop_check_create(home, "create_group");
    if (!error && !group)
        error = error_set(RONDO_EINVAL, "create_group: nowhere to put it");
    if (!error)
        error = loop_options(&o, sizeof o, options, "create_group");
    if (!error)
        error = group_check_options(&o, home);
    if (error)
        return error;
    assert(group);
    *group = NULL;
    rondo_group *g = group_alloc(&o, o.loops ? o.loops : sys_cores_usable());
    if (!g)
        return error_set(RONDO_ENOMEM, "create_group: out of memory");
    g->home = home;
    g->home_remote = rondo_loop_remote(home);
    g->task.done = group_turn;
    error = group_copy_options(g);
    if (!error)
        error = group_start(g);
    if (error) {
        group_unref(g);
        return error;
    }
    handle_open(home, &g->handle, HANDLE_GROUP);
    loop_nudge(home);
    *group = g;
    return 0;
}

size_t rondo_group_size(const rondo_group *group)
{
    return group ? group->count : 0;
}

rondo_loop *rondo_group_home(const rondo_group *group)
{
    return group ? group->home : NULL;
}

int rondo_group_index(rondo_group *g, const rondo_loop *loop)
{
    int error = group_check(g, "group_index");
    int index = -1;
    if (error)
        return error;
    sys_mutex_lock(&g->lock);
    for (unsigned i = 0; i < g->count && index < 0; i++)
        if (loop && g->member[i].loop == loop)
            index = (int)i;
    sys_mutex_unlock(&g->lock);
    return index < 0
               ? error_set(RONDO_ENOENT, "group_index: not a loop of the group")
               : index;
}

/* ---- for the home loop ---- */

static void group_close_at_loop_close(rondo_loop *home, struct handle *handle)
{
    (void)home;
    group_begin_close((rondo_group *)(void *)handle, true);
}

static bool group_describe(const struct handle *handle, char *text, size_t size)
{
    const rondo_group *g = (const rondo_group *)(const void *)handle;
    snprintf(text, size, "%u loops, %u run%s", g->count, g->running,
             g->closing ? ", closing" : "");
    return true;
}

const struct handle_class group_class = {"group", group_close_at_loop_close,
                                         group_describe};

static void group_for_each(rondo_loop *home, int error,
                           void (*fn)(rondo_group *g, int error))
{
    struct handle_walk walk;
    struct handle *h;
    handle_walk_begin(home, HANDLE_GROUP, &walk);
    while ((h = handle_walk_next(home, &walk)))
        fn((rondo_group *)(void *)h, error);
}

static void group_expire(rondo_loop *home)
{
    group_for_each(home, RONDO_ETIMEDOUT, group_give_up);
}

/* The lock may be held by a thread of the parent's for ever. */
static void group_forked(rondo_loop *home, struct task *task)
{
    rondo_group *g =
        (rondo_group *)(void *)((char *)task - offsetof(rondo_group, task));
    (void)home;
    group_calls_give_up(g, RONDO_EFORKED);
    for (rondo_group_server *gs = g->servers; gs; gs = gs->next) {
        group_server_give_up(gs, RONDO_EFORKED);
        if (gs->accepting)
            rondo_server_close(gs->accepting);
    }
    group_tell_end(g, RONDO_EFORKED);
}

static void group_mark_forked(rondo_group *g, int error)
{
    (void)error;
    g->closing = g->stopped = true;
    g->task.done = group_forked;
    if (g->task.state == TASK_IDLE)
        loop_push(g->home, &g->task);
}

static void group_after_fork(rondo_loop *home)
{
    group_for_each(home, RONDO_EFORKED, group_mark_forked);
}

const struct loop_part group_part = {.expire = group_expire,
                                     .after_fork = group_after_fork};
