/* hooks.c - callbacks before and after each wait, and when all is idle. */
/* SPDX-License-Identifier: MIT */
#include "core/hooks.h"

#include "base/error.h"
#include "core/id.h"
#include "core/release.h"

#include <stdio.h>

enum { HOOKS_KNOWN = RONDO_BEFORE_WAIT | RONDO_AFTER_WAIT | RONDO_IDLE };

struct hook {
    struct handle handle;
    struct hook *next, **link;
    rondo_id id;
    unsigned when;
    uint64_t round; /* the walk in which it was added, and is not called */
    rondo_fn fn;
    void *arg;
};

bool hooks_have(const rondo_loop *loop, unsigned when)
{
    for (const struct hook *h = loop->hooks; h; h = h->next)
        if (h->when & when)
            return true;
    return false;
}

/* A hook may end any hook, itself included, and add more. */
void hooks_run(rondo_loop *loop, unsigned when)
{
    loop->hook_round++;
    loop->next_hook = loop->hooks;
    while (loop->next_hook) {
        const struct hook *h = loop->next_hook;
        loop->next_hook = h->next;
        if (h->when & when && h->round != loop->hook_round)
            loop_call(loop, RONDO_DOES_HOOK, h->fn, h->arg);
    }
}

static void hooks_end(rondo_loop *loop, struct hook *h)
{
    assert(*h->link == h);
    *h->link = h->next;
    if (h->next)
        h->next->link = h->link;
    if (loop->next_hook == h)
        loop->next_hook = h->next;
    release_due(loop, h->id);
    handle_close(loop, &h->handle);
    loop_free(loop, h);
}

static void hooks_cancel(rondo_loop *loop, struct handle *handle)
{
    hooks_end(loop, (struct hook *)(void *)handle);
}

static void hooks_append(rondo_loop *loop, struct hook *h)
{
    struct hook **link = &loop->hooks;
    while (*link)
        link = &(*link)->next;
    h->link = link;
    *link = h;
}

rondo_id rondo_add_hook(rondo_loop *loop, unsigned when, rondo_fn fn, void *arg)
{
    int error = loop_check_create(loop, "add_hook");
    if (error)
        return error;
    if (!fn || !when || when & ~(unsigned)HOOKS_KNOWN)
        return error_set(RONDO_EINVAL, "add_hook: %s",
                         fn ? "no known time to call it" : "no function");
    struct hook *h = loop_alloc(loop, sizeof *h);
    if (!h)
        return error_set(RONDO_ENOMEM, "add_hook: out of memory");
    *h = (struct hook){
        .when = when, .round = loop->hook_round, .fn = fn, .arg = arg};
    handle_open(loop, &h->handle, HANDLE_HOOK);
    h->id = id_new(loop, &h->handle, hooks_cancel);
    if (h->id < 0) {
        error = (int)h->id;
        handle_close(loop, &h->handle);
        loop_free(loop, h);
        return error_in("add_hook", error);
    }
    handle_set_background(loop, &h->handle, !(when & RONDO_IDLE));
    hooks_append(loop, h);
    loop_nudge(loop);
    return h->id;
}

void *hooks_arg(const struct handle *handle)
{
    assert(handle->kind == HANDLE_HOOK);
    return ((const struct hook *)(const void *)handle)->arg;
}

/* ---- closing, dump ---- */

static void hooks_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    struct hook *h = (struct hook *)(void *)handle;
    id_free(loop, h->id);
    hooks_end(loop, h);
}

static bool hooks_describe(const struct handle *handle, char *text, size_t size)
{
    const struct hook *h = (const struct hook *)(const void *)handle;
    snprintf(text, size, "%s%s%s", h->when & RONDO_BEFORE_WAIT ? "before " : "",
             h->when & RONDO_AFTER_WAIT ? "after " : "",
             h->when & RONDO_IDLE ? "idle" : "a wait");
    return true;
}

const struct handle_class hook_class = {"hook", hooks_close_at_loop_close,
                                        hooks_describe};
