/* remote.c - what other threads send to a loop; it outlives the loop. */
/* SPDX-License-Identifier: MIT */
#include "core/remote.h"

#include "base/error.h"
#include "base/lock.h"
#include "core/id.h"
#include "core/observe.h"

/* A larger array is freed when it has run, so a flood does not keep its
 * memory. */
enum { POSTS_KEPT = 65536 };

/* So many posts at a time are the loop's alone, and run without the lock; the
 * others can be cancelled by any thread. */
enum { POSTS_CLAIMED = 64 };

/* The loop's part. */
struct remote {
    struct rondo_remote *shared;
    /* shared->taken, the next of them to run, and shared->claimed */
    const struct post *items;
    size_t used, next, claimed;
    bool late; /* some of what was taken before had not run: more may wait */
    struct completion *completions; /* taken with them, run after them */
};

/* The shared part, from malloc: it may outlive the loop and the loop's
 * allocator. The loop has one reference, each rondo_loop_remote another. The
 * lock guards all fields but the atomic ones and `generation`. The array of the
 * inbox is from the loop's allocator, which senders call with the lock held.
 *
 * LOOP_POSTED is set in the loop's requests while there is something in the
 * inbox, so the loop looks without the lock. Before a wait it sets `sleeping`,
 * then looks at its requests. A sender that comes after that look sees
 * `sleeping` and wakes the loop. */
struct rondo_remote {
    struct sys_fork_lock lock;
    rondo_loop *loop; /* NULL: it is freed */
    bool refuses_posts;
    struct posts inbox;
    struct posts taken; /* posts that run now; those before `claimed` are the
                           loop's alone */
    size_t claimed;
    struct completion *completions, **last_completion;
    atomic_size_t refs;
    uint64_t allocations; /* how often the inbox has grown */
    uint32_t generation;  /* sys_fork_generation, as the loop's */
    struct remote own;    /* the loop's; no lock */
};

static void remote_unref(rondo_remote *r)
{
    size_t before = atomic_fetch_sub(&r->refs, 1);
    assert(before > 0);
    if (before != 1)
        return;
    assert(!r->loop && !r->completions);
    lock_destroy(&r->lock);
    sys_free(r);
}

int remote_open(rondo_loop *loop)
{
    struct rondo_remote *r = sys_alloc(sizeof *r);
    if (!r || lock_init(&r->lock) < 0) {
        sys_free(r);
        return error_set(RONDO_ENOMEM, "loop_new: out of memory");
    }
    assert(!loop->remote);
    r->loop = loop;
    r->refuses_posts = false;
    r->inbox = r->taken = (struct posts){0};
    /* as far from other loops' as callbacks are */
    r->inbox.first =
        (uint64_t)id_make(loop, ID_POST, id_rest((rondo_id)loop->ring_tail));
    r->claimed = 0;
    r->completions = NULL;
    r->last_completion = &r->completions;
    r->allocations = 0;
    r->generation = sys_fork_generation;
    atomic_init(&r->refs, 1);
    r->own = (struct remote){.shared = r};
    loop->remote = &r->own;
    return 0;
}

void remote_refuse_posts(rondo_loop *loop)
{
    struct rondo_remote *r = loop->remote->shared;
    lock_take(&r->lock);
    r->refuses_posts = true;
    lock_give(&r->lock);
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
    lock_take(&r->lock);
    assert(r->loop == loop || !r->loop);
    r->refuses_posts = true;
    r->loop = NULL;
    struct completion *late = remote_take_completions(r);
    lock_give(&r->lock);
    remote_run_completions(loop, own->completions);
    remote_run_completions(loop, late);
    loop_free(loop, r->inbox.items); /* senders see refuses_posts first */
    loop_free(loop, r->taken.items);
    loop->remote = NULL;
    remote_unref(r);
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

/* Something was put into the inbox. first: the inbox was empty. */
static inline void remote_tell(rondo_loop *loop, bool first)
{
    if (first)
        atomic_fetch_or(&loop->requests, LOOP_POSTED);
    if (atomic_load(&loop->sleeping))
        loop_wake(loop);
}

/* The next four have the lock and give it back; they call nothing on the fast
 * path. */
static NOINLINE rondo_id remote_push_awaited(rondo_remote *r, rondo_id id)
{
    lock_pass(&r->lock);
    return id;
}

static inline rondo_id remote_push_end(rondo_remote *r, rondo_id id)
{
    return lock_drop(&r->lock) ? id : remote_push_awaited(r, id);
}

static NOINLINE rondo_id remote_push_tell(rondo_remote *r, rondo_id id)
{
    remote_tell(r->loop, r->inbox.used == 1);
    return remote_push_end(r, id);
}

/* There is room. */
static inline rondo_id remote_push_put(rondo_remote *r, rondo_fn fn, void *arg)
{
    rondo_loop *loop = r->loop;
    struct posts *p = &r->inbox;
    struct post *post = &p->items[p->used];
    assert(p->used < p->room && !r->refuses_posts);
    post->fn = fn;
    post->arg = arg;
    post->place = atomic_load_explicit(&loop->ring_seen, memory_order_relaxed);
    size_t used = ++p->used;
    rondo_id id = (rondo_id)(p->first + used);
    assert(id_is(loop, id, ID_POST));
    if (used == 1 || atomic_load(&loop->sleeping))
        return remote_push_tell(r, id);
    return remote_push_end(r, id);
}

static NOINLINE rondo_id remote_push_slow(rondo_remote *r, rondo_fn fn,
                                          void *arg)
{
    assert(r->loop || r->refuses_posts);
    if (r->refuses_posts)
        return remote_push_end(r, RONDO_ECLOSED);
    if (r->inbox.used == r->inbox.room && !remote_grow(r))
        return remote_push_end(r, RONDO_ENOMEM);
    return remote_push_put(r, fn, arg);
}

static NOINLINE rondo_id remote_push_later(rondo_remote *r, rondo_fn fn,
                                           void *arg)
{
    lock_wait(&r->lock);
    return remote_push_slow(r, fn, arg);
}

/* Returns the id of the post, or an error without a sentence. */
static inline rondo_id remote_push(rondo_remote *r, rondo_fn fn, void *arg)
{
    if (r->generation != sys_fork_generation)
        return RONDO_EFORKED;
    if (!lock_try(&r->lock))
        return remote_push_later(r, fn, arg);
    if (r->refuses_posts || r->inbox.used == r->inbox.room)
        return remote_push_slow(r, fn, arg);
    return remote_push_put(r, fn, arg);
}

bool remote_deliver(rondo_remote *r, struct completion *completion)
{
    if (r->generation != sys_fork_generation)
        return false;
    lock_take(&r->lock);
    rondo_loop *loop = r->loop;
    if (loop) {
        assert(completion->done && !*r->last_completion);
        completion->next = NULL;
        *r->last_completion = completion;
        r->last_completion = &completion->next;
        remote_tell(loop, true);
    }
    lock_give(&r->lock);
    return loop;
}

/* The caller holds the lock. */
static void remote_claim(struct rondo_remote *r, struct remote *own)
{
    size_t left = r->taken.used - r->claimed;
    r->claimed += left < POSTS_CLAIMED ? left : POSTS_CLAIMED;
    own->claimed = r->claimed;
}

/* Swaps the arrays: a batch of posts costs one lock and no copy. */
static void remote_swap(rondo_loop *loop, struct remote *own)
{
    struct rondo_remote *r = own->shared;
    struct post *too_large = NULL;
    lock_take(&r->lock);
    struct posts emptied = r->taken;
    if (emptied.room > POSTS_KEPT) {
        too_large = emptied.items;
        emptied = (struct posts){0};
    }
    emptied.used = 0;
    emptied.first = r->inbox.first + r->inbox.used;
    r->taken = r->inbox;
    r->inbox = emptied;
    r->claimed = 0;
    remote_claim(r, own);
    own->completions = remote_take_completions(r);
    atomic_fetch_and(&loop->requests, ~(unsigned)LOOP_POSTED);
    lock_give(&r->lock);
    loop_free(loop, too_large);
    own->items = r->taken.items;
    own->used = r->taken.used;
    own->next = 0;
}

/* What was taken is written by the loop's thread alone, which so reads it
 * without the lock; what is not claimed, any thread may cancel. */
static inline bool remote_has_posts(const struct remote *own)
{
    return own->next < own->used;
}

static inline bool remote_has_taken(const struct remote *own)
{
    return remote_has_posts(own) || own->completions;
}

static inline bool remote_is_filled(const rondo_loop *loop)
{
    return atomic_load_explicit(&loop->requests, memory_order_relaxed) &
           LOOP_POSTED;
}

bool remote_take(rondo_loop *loop)
{
    struct remote *own = loop->remote;
    own->late = remote_has_taken(own);
    if (!own->late && remote_is_filled(loop))
        remote_swap(loop, own);
    loop->posts_left = remote_has_taken(own);
    return loop->posts_left;
}

static COLD void remote_claim_more(struct remote *own)
{
    struct rondo_remote *r = own->shared;
    lock_take(&r->lock);
    remote_claim(r, own);
    lock_give(&r->lock);
}

/* The next post, which is the loop's alone. */
static inline const struct post *remote_next(struct remote *own)
{
    assert(own->next <= own->claimed && remote_has_posts(own));
    if (own->next == own->claimed)
        remote_claim_more(own);
    return &own->items[own->next];
}

/* Runs the post that remote_next has returned. */
static inline void remote_run_post(rondo_loop *loop, struct remote *own,
                                   const struct post *post)
{
    assert(post == remote_next(own));
    own->next++;
    if (post->fn)
        loop_call(loop, RONDO_DOES_POST, post->fn, post->arg);
}

/* Posts come first. Called at the end of a run. */
static void remote_run_completions_now(rondo_loop *loop, struct remote *own,
                                       size_t most)
{
    for (; most && own->completions; most--) {
        struct completion *completion = own->completions;
        assert(!remote_has_posts(own));
        own->completions = completion->next;
        loop->metrics.callbacks++;
        OBSERVE(loop, RONDO_DOES_OPERATION, "completion", NULL, NULL,
                completion->done(loop, completion));
    }
    loop->posts_left = remote_has_taken(own);
}

void remote_run(rondo_loop *loop, size_t most)
{
    struct remote *own = loop->remote;
    for (; most && remote_has_posts(own); most--)
        remote_run_post(loop, own, remote_next(own));
    remote_run_completions_now(loop, own, most);
}

/* How many callbacks of the ring come before the post. It can be less than
 * none: a sender that nothing orders has seen an earlier end of the ring. */
static int32_t remote_ahead(const rondo_loop *loop, const struct post *post)
{
    return (int32_t)(post->place - (uint32_t)loop->ring_head);
}

/* What was taken is older than what waits in the inbox. Of the latter no more
 * is known than that it comes after the last one taken: so the ring stops
 * there. */
static uint64_t remote_ring_end(const rondo_loop *loop,
                                const struct remote *own, uint64_t end)
{
    if (!own->late || !remote_is_filled(loop) || !remote_has_posts(own))
        return end;
    int32_t ahead = remote_ahead(loop, &own->items[own->used - 1]);
    uint64_t most = loop->ring_head + (uint64_t)(ahead > 0 ? ahead : 0);
    return most < end ? most : end;
}

void remote_run_in_order(rondo_loop *loop, size_t most, uint64_t end)
{
    struct remote *own = loop->remote;
    end = remote_ring_end(loop, own, end);
    while (remote_has_posts(own)) {
        const struct post *post = remote_next(own);
        int32_t ahead = remote_ahead(loop, post);
        if (ahead > 0) {
            uint64_t left = end - loop->ring_head;
            bool beyond = (uint64_t)ahead > left;
            loop_run_ring(loop,
                          beyond ? end : loop->ring_head + (uint64_t)ahead);
            if (beyond)
                return; /* the iteration has run enough callbacks */
        }
        if (!most)
            return; /* the rest of the ring comes after the next post */
        most--;
        remote_run_post(loop, own, post);
    }
    loop_run_ring(loop, end);
    remote_run_completions_now(loop, own, most);
}

size_t remote_posts(const rondo_loop *loop)
{
    struct remote *own = loop->remote;
    lock_take(&own->shared->lock);
    size_t count = own->shared->taken.used - own->next;
    count += own->shared->inbox.used;
    lock_give(&own->shared->lock);
    return count;
}

rondo_fn remote_post_at(const rondo_loop *loop, size_t i)
{
    struct remote *own = loop->remote;
    struct rondo_remote *r = own->shared;
    lock_take(&r->lock);
    size_t taken = r->taken.used - own->next;
    rondo_fn fn = i < taken                   ? r->taken.items[own->next + i].fn
                  : i - taken < r->inbox.used ? r->inbox.items[i - taken].fn
                                              : NULL;
    lock_give(&r->lock);
    return fn;
}

uint64_t remote_allocations(const rondo_loop *loop)
{
    struct rondo_remote *r = loop->remote->shared;
    lock_take(&r->lock);
    uint64_t allocations = r->allocations;
    lock_give(&r->lock);
    return allocations;
}

static COLD int remote_explain(int error, const char *what)
{
    const char *why = error == RONDO_EINVAL    ? "no function"
                      : error == RONDO_ECLOSED ? "the loop is closed"
                      : error == RONDO_EFORKED
                          ? "the loop is the parent process's until "
                            "rondo_loop_after_fork"
                          : "out of memory";
    return error_set(error, "%s: %s", what, why);
}

static COLD rondo_id remote_refuse(rondo_id error, const char *what)
{
    return remote_explain((int)error, what);
}

static INLINED rondo_id remote_post_id(rondo_remote *r, rondo_fn fn, void *arg,
                                       const char *what)
{
    rondo_id id = fn ? remote_push(r, fn, arg) : RONDO_EINVAL;
    return id < 0 ? remote_refuse(id, what) : id;
}

int remote_post(rondo_remote *r, rondo_fn fn, void *arg, const char *what)
{
    rondo_id id = remote_post_id(r, fn, arg, what);
    return id < 0 ? (int)id : 0;
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

rondo_id rondo_remote_post(rondo_remote *remote, rondo_fn fn, void *arg)
{
    if (!remote)
        return error_set(RONDO_EINVAL, "remote_post: no remote");
    return remote_post_id(remote, fn, arg, "remote_post");
}

/* ---- cancelling ---- */

static struct post *remote_find(const struct posts *posts, uint64_t number)
{
    uint64_t index = number - posts->first;
    if (index >= posts->used || !posts->items[index].fn)
        return NULL;
    return &posts->items[index];
}

/* The caller holds the lock. `before` of the taken ones cannot be cancelled. */
static int remote_cancel_locked(rondo_remote *r, rondo_id id, size_t before)
{
    uint64_t number = (uint64_t)id - 1;
    struct post *post = remote_find(&r->inbox, number);
    if (!post && number - r->taken.first < before)
        return RONDO_ENOENT;
    if (!post)
        post = remote_find(&r->taken, number);
    if (!post)
        return RONDO_ENOENT;
    post->fn = NULL;
    return 0;
}

int remote_cancel_own(rondo_loop *loop, rondo_id id)
{
    struct remote *own = loop->remote;
    lock_take(&own->shared->lock);
    int error = remote_cancel_locked(own->shared, id, own->next);
    lock_give(&own->shared->lock);
    return error;
}

/* What the loop has claimed has run, or is about to. */
int rondo_remote_cancel(rondo_remote *remote, rondo_id id)
{
    int error = RONDO_ENOENT;
    if (!remote)
        return error_set(RONDO_EINVAL, "remote_cancel: no remote");
    if (remote->generation != sys_fork_generation)
        return remote_explain(RONDO_EFORKED, "remote_cancel");
    lock_take(&remote->lock);
    if (remote->loop && id_is(remote->loop, id, ID_POST))
        error = remote_cancel_locked(remote, id, remote->claimed);
    lock_give(&remote->lock);
    if (error)
        return error_set(error, "remote_cancel: no such id: it has run, is "
                                "about to, was cancelled, or is another "
                                "loop's");
    return 0;
}

void rondo_remote_release(rondo_remote *remote)
{
    if (remote)
        remote_unref(remote);
}
