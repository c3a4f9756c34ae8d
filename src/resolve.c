/* resolve.c - looking up names off the loop's thread. */
/* SPDX-License-Identifier: MIT */
#include "resolve.h"

#include "error.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>

enum { LOOKUP_THREADS = 4 };

/* malloc'ed: a thread may still be at it when the loop is gone. The thread
 * owns it until it posts, the loop from then on. */
struct lookup {
    struct work work;
    struct lookup *next, **link; /* among the loop's; link NULL: cancelled */
    rondo_remote *remote;
    lookup_fn done;
    void *arg;
    rondo_family family;
    rondo_address *addresses;
    size_t count;
    int error;
    int64_t os_error;
    char host[]; /* to the end */
};

static void free_lookup(struct lookup *l)
{
    rondo_remote_release(l->remote);
    free(l->addresses);
    free(l);
}

static void unlink_lookup(rondo_loop *loop, struct lookup *l)
{
    *l->link = l->next;
    if (l->next)
        l->next->link = l->link;
    l->link = NULL;
    loop->lookups_live--;
}

static void answer(rondo_loop *loop, void *arg)
{
    struct lookup *l = arg;
    if (l->link) {
        unlink_lookup(loop, l);
        if (l->error && l->os_error)
            (void)error_from_os(l->os_error);
        else
            error_no_os();
        l->done(loop, l->arg, l->addresses, l->count, l->error);
    }
    free_lookup(l);
}

/* On a thread of the pool. */
static void look_up(struct work *work)
{
    struct lookup *l = (struct lookup *)(void *)work;
    l->error = sys_resolve(l->host, l->family, &l->addresses, &l->count);
    l->os_error = rondo_last_os_error();
    int error;
    while ((error = rondo_remote_call(l->remote, answer, l)) == RONDO_ENOMEM)
        sys_thread_yield();
    if (error)
        free_lookup(l);
}

int resolve_start(rondo_loop *loop, const char *host, rondo_family family,
                  lookup_fn done, void *arg, struct lookup **lookup)
{
    size_t size = strlen(host) + 1;
    if (!loop->pool)
        loop->pool = pool_new(LOOKUP_THREADS);
    struct lookup *l = loop->pool ? calloc(1, sizeof *l + size) : NULL;
    if (!l)
        return RONDO_ENOMEM;
    memcpy(l->host, host, size);
    l->work.run = look_up;
    l->family = family;
    l->done = done;
    l->arg = arg;
    l->remote = rondo_loop_remote(loop);
    l->next = loop->lookups;
    l->link = &loop->lookups;
    int error = pool_submit(loop->pool, &l->work);
    if (error) {
        free_lookup(l);
        return error;
    }
    if (l->next)
        l->next->link = &l->next;
    loop->lookups = l;
    loop->lookups_live++;
    *lookup = l;
    return 0;
}

void resolve_cancel(rondo_loop *loop, struct lookup *l)
{
    unlink_lookup(loop, l);
    if (pool_withdraw(loop->pool, &l->work))
        free_lookup(l);
}

size_t resolve_live(const rondo_loop *loop)
{
    return loop->lookups_live;
}

void resolve_close(rondo_loop *loop)
{
    if (loop->pool)
        pool_release(loop->pool);
    loop->pool = NULL;
}

static void answer_forked(rondo_loop *loop, void *arg)
{
    (void)arg;
    struct lookup *l = loop->lookups;
    if (!l)
        return;
    unlink_lookup(loop, l);
    error_no_os();
    l->done(loop, l->arg, NULL, 0, RONDO_EFORKED);
    free_lookup(l);
}

void resolve_after_fork(rondo_loop *loop)
{
    /* The pool's lock may be held by a thread that is not here: its memory
     * is left alone. */
    loop->pool = NULL;
    for (size_t i = 0; i < loop->lookups_live; i++)
        (void)loop_soon(loop, answer_forked, NULL);
}
