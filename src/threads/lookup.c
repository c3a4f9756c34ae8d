/* lookup.c - looking up names, on threads or by the program's resolver. */
/* SPDX-License-Identifier: MIT */
#include "threads/lookup.h"

#include "base/error.h"
#include "base/pool.h"
#include "core/part.h"
#include "core/probe.h"
#include "core/remote.h"

#include <string.h>

struct lookup_state {
    struct pool *pool;   /* made with the first look-up that needs a thread */
    rondo_lookup *first; /* all that were not cancelled, and their number */
    size_t live;
    rondo_resolver resolver; /* the program's; start NULL: none */
};

enum { LOOKUP_THREADS = 4, MOST_ADDRESSES = 4096 };

enum lookup_stage {
    LOOKUP_ON_POOL,     /* queued, or a thread runs it */
    LOOKUP_AT_RESOLVER, /* the program's resolver owes an answer */
    LOOKUP_FORKED,      /* the same, in a forked child: to be cancelled there */
    LOOKUP_ANSWERED     /* the answer waits on the ready list */
};

/* From malloc, since a thread may still run it when the loop is gone. From
 * pool_submit until the loop runs its completion a thread may have it: the
 * thread uses `work`, `completion`, `remote`, the question (hints to flags,
 * host, service) and the answer (found, error, os_error). All others belong to
 * the loop's thread. */
struct rondo_lookup {
    struct work work;
    struct completion completion;
    struct task task;           /* brings an answer that no thread brings */
    rondo_lookup *next, **link; /* in the loop's list; NULL: cancelled */
    rondo_loop *loop;
    rondo_remote *remote;
    rondo_resolver resolver;
    enum lookup_stage stage;
    bool in_start; /* the resolver's start runs */
    lookup_fn done;
    void *arg;
    rondo_lookup_hints hints;
    rondo_address address; /* whose names are asked for, or empty */
    unsigned flags;
    struct sys_names found;
    int error;
    int64_t os_error;
    const char *host, *service; /* NULL, or in text */
    char text[];                /* to the end of the block */
};

static struct lookup_state *lookup_state_of(const rondo_loop *loop)
{
    return loop_part_state(loop, PART_LOOKUP);
}

/* ---- its end ---- */

static void lookup_free(rondo_lookup *l)
{
    assert(!l->link);
    rondo_remote_release(l->remote);
    sys_free(l->found.addresses);
    sys_free(l->found.host);
    sys_free(l->found.service);
    sys_free(l);
}

static void lookup_unlink(rondo_lookup *l)
{
    assert(l->link && *l->link == l && lookup_state_of(l->loop)->live > 0);
    *l->link = l->next;
    if (l->next)
        l->next->link = l->link;
    l->link = NULL;
    lookup_state_of(l->loop)->live--;
}

static void lookup_answer(rondo_lookup *l)
{
    assert(l->task.state == TASK_IDLE && l->error <= 0);
    if (l->link) {
        lookup_unlink(l);
        if (l->error && l->os_error)
            (void)error_from_os(l->os_error);
        else
            error_no_os();
        l->done(l->loop, l->arg, &l->found, l->error);
    }
    lookup_free(l);
}

static void lookup_completed(rondo_loop *loop, struct completion *completion)
{
    (void)loop;
    lookup_answer((rondo_lookup *)(void *)((char *)completion -
                                           offsetof(rondo_lookup, completion)));
}

static NOINLINE void lookup_cancel_at_resolver(rondo_lookup *l)
{
    SYS_STOP_EXCEPTIONS();
    assert(l->stage == LOOKUP_AT_RESOLVER || l->stage == LOOKUP_FORKED);
    l->stage = LOOKUP_ANSWERED; /* a late answer is ignored */
    loop_hold(l->loop);
    l->resolver.cancel(l->resolver.context, l);
    loop_let_go(l->loop);
}

static void lookup_answer_later(rondo_loop *loop, struct task *task)
{
    rondo_lookup *l =
        (rondo_lookup *)(void *)((char *)task - offsetof(rondo_lookup, task));
    (void)loop;
    assert(l->loop == loop && l->stage != LOOKUP_AT_RESOLVER);
    if (l->stage == LOOKUP_FORKED)
        lookup_cancel_at_resolver(l);
    lookup_answer(l);
}

/* ---- by the system ---- */

/* On a thread of the pool. */
static void lookup_run(struct work *work)
{
    rondo_lookup *l = (rondo_lookup *)(void *)work;
    PROBE2(lookup_begin, l, l->host);
    l->error = l->address.native_size
                   ? sys_resolve_back(&l->address, l->flags, &l->found)
                   : sys_resolve(l->host, l->service, &l->hints, &l->found);
    l->os_error = rondo_last_os_error();
    PROBE2(lookup_end, l, l->error);
}

static void lookup_give_back(struct work *work)
{
    rondo_lookup *l = (rondo_lookup *)(void *)work;
    if (!remote_deliver(l->remote, &l->completion))
        lookup_free(l);
}

static rondo_lookup *lookup_new(rondo_loop *loop, size_t text_size,
                                lookup_fn done, void *arg)
{
    rondo_lookup *l = sys_alloc_zeroed(1, sizeof *l + text_size);
    if (!l)
        return NULL;
    l->work.run = lookup_run;
    l->work.end = lookup_give_back;
    l->completion.done = lookup_completed;
    l->task.done = lookup_answer_later;
    l->loop = loop;
    l->remote = rondo_loop_remote(loop);
    l->done = done;
    l->arg = arg;
    return l;
}

static void lookup_link(rondo_lookup *l)
{
    assert(!l->link && l->done);
    struct lookup_state *state = lookup_state_of(l->loop);
    l->next = state->first;
    l->link = &state->first;
    if (l->next)
        l->next->link = &l->next;
    state->first = l;
    state->live++;
}

static int lookup_ask_pool(rondo_lookup *l)
{
    struct lookup_state *state = lookup_state_of(l->loop);
    if (!state->pool)
        state->pool = pool_new(LOOKUP_THREADS);
    return state->pool ? pool_submit(state->pool, &l->work) : RONDO_ENOMEM;
}

/* ---- by the program ---- */

/* The resolver may answer inside start: the answer waits on the ready list. The
 * program may cancel the look-up there: then it is unlinked, and lookup_begin
 * frees it. */
static NOINLINE int lookup_ask_resolver(rondo_lookup *l)
{
    SYS_STOP_EXCEPTIONS();
    l->resolver = lookup_state_of(l->loop)->resolver;
    l->stage = LOOKUP_AT_RESOLVER;
    l->in_start = true;
    loop_hold(l->loop);
    int error = l->resolver.start(l->resolver.context, l, l->host, l->service,
                                  &l->hints);
    loop_let_go(l->loop);
    l->in_start = false;
    return error < 0 ? error : 0;
}

static int lookup_keep_addresses(rondo_lookup *l,
                                 const rondo_address *addresses, size_t count)
{
    if (!addresses || !count)
        return RONDO_ENONAME;
    if (count > MOST_ADDRESSES)
        return RONDO_EINVAL;
    l->found.addresses = sys_alloc_zeroed(count, sizeof *addresses);
    if (!l->found.addresses)
        return RONDO_ENOMEM;
    memcpy(l->found.addresses, addresses, count * sizeof *addresses);
    l->found.count = count;
    assert(count > 0);
    return 0;
}

void rondo_resolver_answer(rondo_lookup *lookup, const rondo_address *addresses,
                           size_t count, int error)
{
    if (!lookup) {
        (void)error_set(RONDO_EINVAL, "resolver_answer: no lookup");
        return;
    }
    rondo_loop *loop = lookup->loop;
    if (loop_check(loop, "resolver_answer") || lookup->stage == LOOKUP_ANSWERED)
        return;
    if (lookup->stage == LOOKUP_AT_RESOLVER) {
        assert(lookup->link && lookup->task.state == TASK_IDLE);
        if (!error)
            error = lookup_keep_addresses(lookup, addresses, count);
        lookup->error = error > 0 ? RONDO_EOTHER : error;
        loop_push(loop, &lookup->task);
        loop_nudge(loop);
    }
    lookup->stage = LOOKUP_ANSWERED;
}

int rondo_set_resolver(rondo_loop *loop, const rondo_resolver *resolver)
{
    int error = loop_check_create(loop, "set_resolver");
    if (error)
        return error;
    if (resolver && (!resolver->start || !resolver->cancel))
        return error_set(RONDO_EINVAL, "set_resolver: no start or no cancel");
    if (resolver)
        error = LOOP_CHECK_TABLE(resolver, "set_resolver", "resolver");
    if (error)
        return error;
    lookup_state_of(loop)->resolver =
        resolver ? *resolver : (rondo_resolver){.start = NULL};
    return 0;
}

/* ---- starting and cancelling ---- */

int lookup_check_host(const char *host, const char *what)
{
    size_t size = strlen(host);
    if (size && size <= LOOKUP_HOST_MAX)
        return 0;
    return error_set(RONDO_EINVAL,
                     "%s: a host of %zu bytes; 1 to %d are allowed", what, size,
                     LOOKUP_HOST_MAX);
}

/* Ends one that is unlinked. If it has been answered its task frees it. */
static void lookup_drop(rondo_lookup *l)
{
    assert(!l->link && !l->in_start);
    if (l->task.state == TASK_IDLE)
        lookup_free(l);
}

static int lookup_begin(rondo_lookup *l, rondo_lookup **lookup)
{
    bool program = lookup_state_of(l->loop)->resolver.start && l->host;
    error_no_os();
    lookup_link(l);
    *lookup = l;
    int error = program ? lookup_ask_resolver(l) : lookup_ask_pool(l);
    assert(error <= 0);
    if (!l->link) {
        /* cancelled inside start: whoever did it forgot *lookup, and a refusal
         * has nobody left to hear it */
        lookup_drop(l);
        return 0;
    }
    if (!error)
        return 0;
    *lookup = NULL;
    lookup_unlink(l);
    lookup_drop(l);
    return error;
}

int lookup_start(rondo_loop *loop, const char *host, const char *service,
                 const rondo_lookup_hints *hints, lookup_fn done, void *arg,
                 rondo_lookup **lookup)
{
    size_t host_size = host ? strlen(host) + 1 : 0;
    size_t service_size = service ? strlen(service) + 1 : 0;
    rondo_lookup *l = lookup_new(loop, host_size + service_size, done, arg);
    if (!l)
        return RONDO_ENOMEM;
    l->hints = *hints;
    if (host)
        l->host = memcpy(l->text, host, host_size);
    if (service)
        l->service = memcpy(l->text + host_size, service, service_size);
    return lookup_begin(l, lookup);
}

int lookup_start_back(rondo_loop *loop, const rondo_address *address,
                      unsigned flags, lookup_fn done, void *arg,
                      rondo_lookup **lookup)
{
    rondo_lookup *l = lookup_new(loop, 0, done, arg);
    if (!l)
        return RONDO_ENOMEM;
    l->address = *address;
    l->flags = flags;
    return lookup_begin(l, lookup);
}

void lookup_cancel(rondo_loop *loop, rondo_lookup *l)
{
    assert(l->loop == loop);
    lookup_unlink(l);
    if (l->stage == LOOKUP_ON_POOL) {
        if (pool_withdraw(lookup_state_of(loop)->pool, &l->work))
            lookup_free(l);
        else
            pool_give_up(lookup_state_of(loop)->pool, &l->work);
    } else if (l->stage == LOOKUP_AT_RESOLVER) {
        lookup_cancel_at_resolver(l);
        if (!l->in_start)
            lookup_free(l);
    } /* else its task is on the ready list and frees it */
}

/* ---- the part ---- */

static void lookup_count(const rondo_loop *loop, rondo_loop_metrics *metrics)
{
    metrics->live_jobs += lookup_state_of(loop)->live;
}

/* All look-ups were cancelled. Threads that still run one end by themselves. */
static void lookup_close_pool(rondo_loop *loop)
{
    struct lookup_state *state = lookup_state_of(loop);
    assert(!state->live && !state->first);
    if (state->pool)
        pool_release(state->pool);
    state->pool = NULL;
}

/* The threads are gone: every look-up ends with RONDO_EFORKED. */
static void lookup_after_fork(rondo_loop *loop)
{
    struct lookup_state *state = lookup_state_of(loop);
    state->pool = NULL; /* leaked: a parent's thread may hold its lock */
    for (rondo_lookup *l = state->first; l; l = l->next) {
        if (l->task.state == TASK_READY || l->stage == LOOKUP_ANSWERED)
            continue; /* answered, or brought by an earlier fork */
        l->stage =
            l->stage == LOOKUP_AT_RESOLVER ? LOOKUP_FORKED : LOOKUP_ANSWERED;
        l->error = RONDO_EFORKED;
        l->os_error = 0;
        loop_push(loop, &l->task);
    }
}

const struct loop_part lookup_part = {.size = sizeof(struct lookup_state),
                                      .close = lookup_close_pool,
                                      .after_fork = lookup_after_fork,
                                      .count = lookup_count};
