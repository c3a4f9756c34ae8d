/* group_call.c - posts, a function run on each loop, metrics of all. */
/* SPDX-License-Identifier: MIT */
#include "group/group.h"

#include "base/error.h"
#include "core/observe.h"

/* One loop's share of a call. */
struct call_item {
    struct completion there;
    struct group_call *call;
    size_t index;
    int64_t result;
};

/* A rondo_group_each. `left` is counted by all threads; the last one sends
 * `back`. The home loop has all else. */
struct group_call {
    struct completion back;
    struct group_call *next;
    rondo_group *group; /* NULL: it was given up, and has been told */
    rondo_remote *home; /* a reference of its own */
    rondo_group_fn fn;
    void *arg;
    rondo_done_fn done;
    void *done_arg;
    void *own; /* freed with it */
    atomic_uint left;
    unsigned count;
    struct call_item item[];
};

static void call_free(struct group_call *call)
{
    rondo_remote_release(call->home);
    sys_free(call->own);
    sys_free(call);
}

static void call_unlink(struct group_call *call)
{
    struct group_call **link = &call->group->calls;
    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
}

static int64_t call_sum(const struct group_call *call)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < call->count; i++) {
        if (call->item[i].result < 0)
            return call->item[i].result;
        sum += call->item[i].result;
    }
    return sum;
}

static void call_tell(struct group_call *call, rondo_loop *home, int64_t result)
{
    if (result < 0)
        error_os((int)result, "group_each");
    if (call->done)
        OBSERVE_DONE(home, "group_each", call->done, home, call->done_arg,
                     result);
}

/* On the home loop: all have run it. */
static void call_came_back(rondo_loop *home, struct completion *c)
{
    struct group_call *call = (struct group_call *)(void *)c;
    rondo_group *g = call->group;
    if (g) {
        call_unlink(call);
        error_no_os();
        call_tell(call, home, call_sum(call));
        group_settle(g);
    }
    call_free(call);
}

static void call_count(struct group_call *call)
{
    if (atomic_fetch_sub(&call->left, 1) != 1)
        return;
    if (!remote_deliver(call->home, &call->back))
        call_free(call);
}

static void call_run(rondo_loop *loop, struct completion *c)
{
    struct call_item *item = (struct call_item *)(void *)c;
    struct group_call *call = item->call;
    OBSERVE(loop, RONDO_DOES_POST, "group_each", call->fn, NULL,
            item->result = call->fn(loop, item->index, call->arg));
    call_count(call);
}

/* How many loops will run it. */
static unsigned call_send(struct group_call *call, rondo_group *g)
{
    unsigned sent = 0;
    for (unsigned i = 0; i < g->count; i++) {
        call->item[i].there.done = call_run;
        call->item[i].call = call;
        call->item[i].index = i;
        atomic_fetch_add(&call->left, 1);
        if (group_send(g, i, &call->item[i].there))
            sent++;
        else
            atomic_fetch_sub(&call->left, 1);
    }
    return sent;
}

static int call_begin(rondo_group *g, struct group_call *call, const char *what)
{
    call->back.done = call_came_back;
    call->group = g;
    call->home = rondo_loop_remote(g->home);
    call->count = g->count;
    call->next = g->calls;
    atomic_init(&call->left, 1); /* this call */
    g->calls = call;
    if (!call_send(call, g)) {
        call_unlink(call);
        call_free(call);
        return error_set(RONDO_ECLOSED, "%s: no loop of the group is left",
                         what);
    }
    call_count(call);
    return 0;
}

static struct group_call *call_new(const rondo_group *g)
{
    return sys_alloc_zeroed(1, sizeof(struct group_call) +
                                   g->count * sizeof(struct call_item));
}

/* `own` is freed when no loop uses it any more, also after an error. */
static int call_all(rondo_group *group, rondo_group_fn fn, void *arg,
                    rondo_done_fn done, void *done_arg, void *own,
                    const char *what)
{
    struct group_call *call = call_new(group);
    if (!call) {
        sys_free(own);
        return error_set(RONDO_ENOMEM, "%s: out of memory", what);
    }
    call->fn = fn;
    call->arg = arg;
    call->done = done;
    call->done_arg = done_arg;
    call->own = own;
    return call_begin(group, call, what);
}

int rondo_group_each(rondo_group *group, rondo_group_fn fn, void *arg,
                     rondo_done_fn done, void *done_arg)
{
    const char *what = "group_each";
    int error = group_check_begin(group, what);
    if (!error && !fn)
        error = error_set(RONDO_EINVAL, "%s: no function", what);
    return error ? error : call_all(group, fn, arg, done, done_arg, NULL, what);
}

void group_calls_give_up(rondo_group *g, int error)
{
    while (g->calls) {
        struct group_call *call = g->calls;
        g->calls = call->next;
        call->group = NULL;
        error_no_os();
        call_tell(call, g->home, error);
        if (error == RONDO_EFORKED)
            call_free(call); /* no thread will */
    }
}

int rondo_group_post(rondo_group *group, size_t index, rondo_fn fn, void *arg)
{
    const char *what = "group_post";
    int error = group_check(group, what);
    if (error)
        return error;
    if (index >= group->count)
        return error_set(RONDO_EINVAL, "%s: no loop %zu", what, index);
    return remote_post(group->member[index].remote, fn, arg, what);
}

/* ---- metrics ---- */

struct metrics_call {
    rondo_loop_metrics *sum;
    size_t size;
    rondo_done_fn done;
    void *arg;
    rondo_loop_metrics of[];
};

static int64_t metrics_ask(rondo_loop *loop, size_t index, void *arg)
{
    struct metrics_call *call = arg;
    call->of[index].size = sizeof call->of[index];
    int error = rondo_loop_get_metrics(loop, &call->of[index]);
    return error ? error : 1;
}

static void metrics_add(rondo_loop_metrics *sum, const rondo_loop_metrics *m)
{
    sum->iterations += m->iterations;
    sum->events += m->events;
    sum->callbacks += m->callbacks;
    sum->allocations += m->allocations;
    sum->timers_skipped += m->timers_skipped;
    sum->idle_ns += m->idle_ns;
    sum->live_timers += m->live_timers;
    sum->live_watchers += m->live_watchers;
    sum->live_transports += m->live_transports;
    sum->live_servers += m->live_servers;
    sum->live_datagrams += m->live_datagrams;
    sum->live_processes += m->live_processes;
    sum->live_operations += m->live_operations;
    sum->live_jobs += m->live_jobs;
    sum->live_groups += m->live_groups;
    sum->live_paths += m->live_paths;
    sum->bytes_received += m->bytes_received;
    sum->bytes_sent += m->bytes_sent;
    for (int i = 0; i < RONDO_LAG_BUCKETS; i++)
        sum->lag[i] += m->lag[i];
    if (m->lag_most_ns > sum->lag_most_ns)
        sum->lag_most_ns = m->lag_most_ns;
    for (int i = 0; i < RONDO_ACTIVITIES; i++)
        sum->time_ns[i] += m->time_ns[i];
}

/* A member that is added to the struct is added there, too. */
_Static_assert(offsetof(rondo_loop_metrics, time_ns) +
                       sizeof(int64_t[RONDO_ACTIVITIES]) ==
                   sizeof(rondo_loop_metrics),
               "metrics_add ends with the last member");

/* The program's struct may be shorter than this library's. */
static void metrics_done(rondo_loop *home, void *arg, int64_t result)
{
    struct metrics_call *call = arg;
    rondo_loop_metrics sum = {.size = sizeof sum};
    for (size_t i = 0; result >= 0 && i < call->size; i++)
        metrics_add(&sum, &call->of[i]);
    if (result >= 0)
        (void)loop_give(call->sum, &sum, sizeof sum, "group_get_metrics");
    if (call->done)
        OBSERVE_DONE(home, "group_get_metrics", call->done, home, call->arg,
                     result);
}

int rondo_group_get_metrics(rondo_group *group, rondo_loop_metrics *sum,
                            rondo_done_fn done, void *arg)
{
    const char *what = "group_get_metrics";
    rondo_loop_metrics nothing = {.size = sizeof nothing};
    int error = group_check_begin(group, what);
    if (!error)
        error = loop_give(sum, &nothing, sizeof nothing, what);
    if (error)
        return error;
    struct metrics_call *call =
        sys_alloc_zeroed(1, sizeof *call + group->count * sizeof *call->of);
    if (!call)
        return error_set(RONDO_ENOMEM, "%s: out of memory", what);
    call->sum = sum;
    call->size = group->count;
    call->done = done;
    call->arg = arg;
    return call_all(group, metrics_ask, call, metrics_done, call, call, what);
}
