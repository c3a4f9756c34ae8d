/* group_thread.c - a group's threads: each makes a loop, runs and closes it. */
/* SPDX-License-Identifier: MIT */
#include "group/group.h"

#include "base/error.h"

#include <stdio.h>

/* ---- on a member's thread ---- */

static void member_keep_error(struct group_member *m, int error)
{
    m->error = error;
    snprintf(m->why, sizeof m->why, "%s", error ? rondo_last_error() : "");
}

static int member_open(struct group_member *m, rondo_loop **loop)
{
    rondo_group *g = m->group;
    int error = 0;
    if (g->options.pin == RONDO_ON)
        error = sys_thread_pin(m->index);
    if (error)
        return error_os(error, "cannot pin thread %u to a core", m->index);
    error = rondo_loop_new(loop, &g->loop_options);
    if (error)
        return error;
    m->remote = rondo_loop_remote(*loop);
    return 0;
}

static void member_set_state(struct group_member *m, enum member_state state,
                             rondo_loop *loop)
{
    rondo_group *g = m->group;
    sys_mutex_lock(&g->lock);
    m->state = state;
    m->loop = loop;
    m->takes = state == MEMBER_OPEN;
    sys_cond_broadcast(&g->changed);
    sys_mutex_unlock(&g->lock);
}

/* From here on nothing is sent to it, so that what was sent has run when its
 * loop has closed. */
static void member_take_no_more(struct group_member *m)
{
    sys_mutex_lock(&m->group->lock);
    m->takes = false;
    sys_mutex_unlock(&m->group->lock);
}

/* The home loop's thread is told last: it may free the group's memory then. The
 * reference of this thread goes with the completion. */
static void member_sign_off(struct group_member *m)
{
    rondo_group *g = m->group;
    sys_mutex_lock(&g->lock);
    bool tell = !g->unwanted;
    sys_mutex_unlock(&g->lock);
    m->ended.done = group_member_ended;
    if (!tell || !remote_deliver(g->home_remote, &m->ended))
        group_unref(g);
}

static void member_main(void *arg)
{
    struct group_member *m = arg;
    rondo_loop *loop = NULL;
    int error = member_open(m, &loop);
    member_keep_error(m, error);
    if (error) {
        rondo_group *g = m->group;
        member_set_state(m, MEMBER_FAILED, NULL);
        group_unref(g);
        return;
    }
    member_set_state(m, MEMBER_OPEN, loop);
    error = rondo_loop_run_forever(loop);
    member_keep_error(m, error < 0 ? error : 0);
    member_take_no_more(m);
    (void)rondo_loop_close(loop);
    member_set_state(m, MEMBER_ENDED, NULL);
    member_sign_off(m);
}

static void member_stop(rondo_loop *loop, struct completion *c)
{
    (void)c;
    rondo_loop_stop(loop);
}

/* ---- on the home loop's thread ---- */

void group_stop(rondo_group *g)
{
    for (unsigned i = 0; i < g->count; i++) {
        g->member[i].stop.done = member_stop;
        (void)group_send(g, i, &g->member[i].stop);
    }
}

/* The caller holds the lock. */
static bool group_waits_for(const rondo_group *g, unsigned count,
                            enum member_state state)
{
    for (unsigned i = 0; i < count; i++)
        if (g->member[i].state == state)
            return true;
    return false;
}

static void group_wait_while(rondo_group *g, unsigned count,
                             enum member_state state)
{
    sys_mutex_lock(&g->lock);
    while (group_waits_for(g, count, state))
        sys_cond_wait(&g->changed, &g->lock);
    sys_mutex_unlock(&g->lock);
}

static int group_first_error(const rondo_group *g, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (g->member[i].state == MEMBER_FAILED)
            return error_set(g->member[i].error, "create_group: loop %u: %s", i,
                             g->member[i].why);
    return 0;
}

/* How many threads have been started, and the error that stopped it. */
static unsigned group_start_threads(rondo_group *g, int *error)
{
    unsigned started = 0;
    *error = 0;
    while (started < g->count && !*error) {
        group_ref(g);
        *error = sys_thread_start(member_main, &g->member[started]);
        if (*error)
            group_unref(g);
        else
            started++;
    }
    if (*error)
        (void)error_os(*error, "create_group: cannot start thread %u of %u",
                       started + 1, g->count);
    return started;
}

int group_start(rondo_group *g)
{
    int error;
    unsigned started = group_start_threads(g, &error);
    group_wait_while(g, started, MEMBER_STARTING);
    if (!error)
        error = group_first_error(g, started);
    g->running = started;
    if (!error)
        return 0;
    sys_mutex_lock(&g->lock);
    g->unwanted = true;
    sys_mutex_unlock(&g->lock);
    group_stop(g);
    group_wait_while(g, started, MEMBER_OPEN);
    return error;
}
