/* remote.c - what other threads send to a loop; it outlives the loop. */
/* SPDX-License-Identifier: MIT */
#include "core/remote.h"

#include "base/error.h"

#include <stdlib.h>

/* A larger array is freed when it has run, so a flood does not keep its
 * memory. */
enum { POSTS_KEPT = 65536 };

/* The shared part, from malloc: it may outlive the loop and the loop's
 * allocator. The loop has one reference, each rondo_loop_remote another. The
 * lock guards all fields but the atomic ones and `generation`. The array of the
 * inbox is from the loop's allocator, which senders call with the lock held.
 *
 * The lock also orders sending with going to sleep: the loop sets `sleeping`,
 * then looks at the inbox (remote_has_work). A sender that comes after that
 * look sees `sleeping` and wakes the loop. */
struct rondo_remote {
    struct sys_fork_lock lock;
    rondo_loop *loop; /* NULL: it is freed */
    bool refuses_posts;
    struct posts inbox;
    struct completion *completions, **last_completion;
    atomic_size_t refs;
    atomic_bool filled;   /* a hint for remote_take, which needs no lock then */
    uint64_t allocations; /* how often the inbox has grown */
    uint32_t generation;  /* sys_fork_generation, as the loop's */
};

/* The loop's part. */
struct remote {
    struct rondo_remote *shared;
    struct posts taken;             /* posts that run now */
    size_t next;                    /* the next of them */
    struct completion *completions; /* taken with them, run after them */
};

static void remote_unref(rondo_remote *r)
{
    size_t before = atomic_fetch_sub(&r->refs, 1);
    assert(before > 0);
    if (before != 1)
        return;
    assert(!r->loop && !r->completions);
    sys_fork_lock_destroy(&r->lock);
    free(r);
}

int remote_open(rondo_loop *loop)
{
    struct remote *own = loop_alloc(loop, sizeof *own);
    struct rondo_remote *r = own ? malloc(sizeof *r) : NULL;
    if (!r || sys_fork_lock_init(&r->lock) < 0) {
        loop_free(loop, own);
        free(r);
        return error_set(RONDO_ENOMEM, "loop_new: out of memory");
    }
    assert(!loop->remote);
    r->loop = loop;
    r->refuses_posts = false;
    r->inbox = (struct posts){0};
    r->completions = NULL;
    r->last_completion = &r->completions;
    r->allocations = 0;
    r->generation = sys_fork_generation;
    atomic_init(&r->refs, 1);
    atomic_init(&r->filled, false);
    *own = (struct remote){.shared = r};
    loop->remote = own;
    return 0;
}

void remote_refuse_posts(rondo_loop *loop)
{
    struct rondo_remote *r = loop->remote->shared;
    sys_mutex_lock(&r->lock.mutex);
    r->refuses_posts = true;
    sys_mutex_unlock(&r->lock.mutex);
}

/* The caller holds the lock. */
static struct completion *remote_take_completions(struct rondo_remote *r)
{
    struct completion *list = r->completions;
    assert(!*r->last_completion);
    r->completions = NULL;
    r->last_completion = &r->completions;
    return list;
}

static void remote_run_completions(rondo_loop *loop, struct completion *list)
{
    while (list) {
        struct completion *next = list->next;
        list->done(loop, list);
        list = next;
    }
}

void remote_close(rondo_loop *loop)
{
    struct remote *own = loop->remote;
    if (!own)
        return;
    struct rondo_remote *r = own->shared;
    sys_mutex_lock(&r->lock.mutex);
    assert(r->loop == loop || !r->loop);
    r->refuses_posts = true;
    r->loop = NULL;
    struct completion *late = remote_take_completions(r);
    sys_mutex_unlock(&r->lock.mutex);
    remote_run_completions(loop, own->completions);
    remote_run_completions(loop, late);
    loop_free(loop, r->inbox.items); /* senders see refuses_posts first */
    loop_free(loop, own->taken.items);
    remote_unref(r);
    loop_free(loop, own);
    loop->remote = NULL;
}

void remote_reopen(rondo_loop *loop)
{
    struct rondo_remote *r = loop->remote->shared;
    assert(r->generation != sys_fork_generation);
    (void)remote_take_completions(r);
    loop->remote->completions = NULL;
    r->generation = sys_fork_generation;
}

static COLD bool remote_grow(struct rondo_remote *r)
{
    assert(r->loop && r->inbox.used == r->inbox.room);
    const rondo_allocator *a = &r->loop->allocator;
    struct posts *p = &r->inbox;
    size_t room = p->room ? p->room * 2 : 64, size = room * sizeof *p->items;
    struct post *items = p->items ? a->realloc_fn(p->items, size, a->context)
                                  : a->malloc_fn(size, a->context);
    if (!items)
        return false;
    r->allocations++;
    p->items = items;
    p->room = room;
    return true;
}

static int remote_push(rondo_remote *r, rondo_fn fn, void *arg)
{
    int error = 0;
    if (r->generation != sys_fork_generation)
        return RONDO_EFORKED;
    sys_mutex_lock(&r->lock.mutex);
    struct posts *p = &r->inbox;
    assert(r->loop || r->refuses_posts);
    assert(p->used <= p->room);
    if (r->refuses_posts) {
        error = RONDO_ECLOSED;
    } else if (p->used == p->room && !remote_grow(r)) {
        error = RONDO_ENOMEM;
    } else {
        p->items[p->used++] = (struct post){fn, arg};
        if (p->used == 1)
            atomic_store_explicit(&r->filled, true, memory_order_relaxed);
        if (atomic_load_explicit(&r->loop->sleeping, memory_order_relaxed))
            loop_wake(r->loop);
    }
    sys_mutex_unlock(&r->lock.mutex);
    return error;
}

bool remote_deliver(rondo_remote *r, struct completion *completion)
{
    if (r->generation != sys_fork_generation)
        return false;
    sys_mutex_lock(&r->lock.mutex);
    rondo_loop *loop = r->loop;
    if (loop) {
        assert(completion->done && !*r->last_completion);
        completion->next = NULL;
        *r->last_completion = completion;
        r->last_completion = &completion->next;
        atomic_store_explicit(&r->filled, true, memory_order_relaxed);
        if (atomic_load_explicit(&loop->sleeping, memory_order_relaxed))
            loop_wake(loop);
    }
    sys_mutex_unlock(&r->lock.mutex);
    return loop;
}

/* Swaps the arrays: a batch of posts costs one lock and no copy. */
static void remote_swap(rondo_loop *loop, struct remote *own)
{
    struct rondo_remote *r = own->shared;
    assert(own->next == own->taken.used && !own->completions);
    struct posts emptied = own->taken;
    if (emptied.room > POSTS_KEPT) {
        loop_free(loop, emptied.items);
        emptied = (struct posts){0};
    }
    emptied.used = 0;
    sys_mutex_lock(&r->lock.mutex);
    own->taken = r->inbox;
    own->completions = remote_take_completions(r);
    r->inbox = emptied;
    atomic_store_explicit(&r->filled, false, memory_order_relaxed);
    sys_mutex_unlock(&r->lock.mutex);
    own->next = 0;
}

static inline bool remote_has_taken(const struct remote *own)
{
    return own->next < own->taken.used || own->completions;
}

bool remote_take(rondo_loop *loop)
{
    struct remote *own = loop->remote;
    if (!remote_has_taken(own) &&
        atomic_load_explicit(&own->shared->filled, memory_order_relaxed))
        remote_swap(loop, own);
    assert(own->next <= own->taken.used);
    return remote_has_taken(own);
}

void remote_run(rondo_loop *loop, size_t most)
{
    struct remote *own = loop->remote;
    for (; most && own->next < own->taken.used; most--) {
        struct post item = own->taken.items[own->next++];
        assert(item.fn);
        loop_call(loop, item.fn, item.arg);
    }
    for (; most && own->completions; most--) {
        struct completion *completion = own->completions;
        assert(own->next == own->taken.used); /* posts come first */
        own->completions = completion->next;
        loop->metrics.callbacks++;
        completion->done(loop, completion);
    }
}

uint64_t remote_allocations(const rondo_loop *loop)
{
    struct rondo_remote *r = loop->remote->shared;
    sys_mutex_lock(&r->lock.mutex);
    uint64_t allocations = r->allocations;
    sys_mutex_unlock(&r->lock.mutex);
    return allocations;
}

bool remote_has_work(rondo_loop *loop)
{
    struct remote *own = loop->remote;
    if (remote_has_taken(own))
        return true;
    sys_mutex_lock(&own->shared->lock.mutex);
    bool waiting = own->shared->inbox.used > 0 || own->shared->completions;
    sys_mutex_unlock(&own->shared->lock.mutex);
    return waiting;
}

static COLD int remote_explain(int error, const char *what)
{
    const char *why = error == RONDO_ECLOSED ? "the loop is closed"
                      : error == RONDO_EFORKED
                          ? "the loop is the parent process's until "
                            "rondo_loop_after_fork"
                          : "out of memory";
    return error_set(error, "%s: %s", what, why);
}

int remote_post(rondo_remote *r, rondo_fn fn, void *arg, const char *what)
{
    if (!fn)
        return error_set(RONDO_EINVAL, "%s: no function", what);
    int error = remote_push(r, fn, arg);
    return error ? remote_explain(error, what) : 0;
}

int rondo_call_soon_threadsafe(rondo_loop *loop, rondo_fn fn, void *arg)
{
    if (!loop)
        return error_set(RONDO_EINVAL, "call_soon_threadsafe: no loop");
    return remote_post(loop->remote->shared, fn, arg, "call_soon_threadsafe");
}

rondo_remote *rondo_loop_remote(rondo_loop *loop)
{
    if (loop_check(loop, "loop_remote"))
        return NULL;
    rondo_remote *r = loop->remote->shared;
    assert(r->loop == loop && atomic_load(&r->refs) > 0);
    atomic_fetch_add(&r->refs, 1);
    return r;
}

int rondo_remote_call(rondo_remote *remote, rondo_fn fn, void *arg)
{
    if (!remote)
        return error_set(RONDO_EINVAL, "remote_call: no remote");
    return remote_post(remote, fn, arg, "remote_call");
}

void rondo_remote_release(rondo_remote *remote)
{
    if (remote)
        remote_unref(remote);
}
