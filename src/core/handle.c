/* handle.c - the lists of handles, and walks over them. */
/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

void handle_open(rondo_loop *loop, struct handle *handle, enum handle_kind kind)
{
    assert(kind < HANDLE_KINDS && handle_classes[kind]);
    handle->kind = (unsigned char)kind;
    handle->background = handle->inherited = false;
    handle->born_ms = (uint32_t)((loop->now - loop->born) / 1000000);
    handle->next = loop->handles[kind];
    handle->link = &loop->handles[kind];
    if (handle->next)
        handle->next->link = &handle->next;
    loop->handles[kind] = handle;
    loop->live[kind]++;
    loop->live_handles++;
    loop->alive++;
    assert(*handle->link == handle);
}

void handle_close(rondo_loop *loop, struct handle *handle)
{
    assert(*handle->link == handle && loop->live[handle->kind] > 0);
    assert(handle->background || loop->alive > 0);
    *handle->link = handle->next;
    if (handle->next)
        handle->next->link = handle->link;
    handle->link = NULL;
    loop->live[handle->kind]--;
    loop->live_handles--;
    if (!handle->background)
        loop->alive--;
    for (struct handle_walk *w = loop->walk; w; w = w->outer)
        if (w->next == handle)
            w->next = handle->next;
}

void handle_walk_begin(rondo_loop *loop, enum handle_kind kind,
                       struct handle_walk *walk)
{
    *walk = (struct handle_walk){loop->handles[kind], loop->walk};
    loop->walk = walk;
}

struct handle *handle_walk_next(rondo_loop *loop, struct handle_walk *walk)
{
    struct handle *handle = walk->next;
    assert(loop->walk == walk);
    if (handle)
        walk->next = handle->next;
    else
        loop->walk = walk->outer;
    return handle;
}

void handle_set_background(rondo_loop *loop, struct handle *handle,
                           bool background)
{
    assert(*handle->link == handle);
    if (handle->background == background)
        return;
    assert(!background || loop->alive > 0);
    handle->background = background;
    loop->alive += background ? (size_t)-1 : 1;
}

void handles_inherit(rondo_loop *loop)
{
    assert(loop->generation != sys_fork_generation);
    for (int kind = 0; kind < HANDLE_KINDS; kind++)
        for (struct handle *h = loop->handles[kind]; h; h = h->next)
            h->inherited = true;
}
