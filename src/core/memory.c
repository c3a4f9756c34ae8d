/* memory.c - the loop's allocator, counted, and blocks kept for reuse. */
/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

#include <string.h>

void *loop_alloc(rondo_loop *loop, size_t size)
{
    loop->metrics.allocations++;
    return loop->allocator.malloc_fn(size, loop->allocator.context);
}

void *loop_realloc(rondo_loop *loop, void *p, size_t size)
{
    if (!p)
        return loop_alloc(loop, size);
    loop->metrics.allocations++;
    return loop->allocator.realloc_fn(p, size, loop->allocator.context);
}

void loop_free(rondo_loop *loop, void *p)
{
    if (p)
        loop->allocator.free_fn(p, loop->allocator.context);
}

void *loop_take_spare(rondo_loop *loop, enum spare_kind kind, size_t size)
{
    struct grave *spare = loop->spares[kind];
    if (spare)
        loop->spares[kind] = spare->next;
    else
        spare = loop_alloc(loop, size);
    if (spare)
        memset(spare, 0, size);
    return spare;
}

void loop_spare(rondo_loop *loop, enum spare_kind kind, void *p)
{
    struct grave *spare = p;
    spare->next = loop->spares[kind];
    loop->spares[kind] = spare;
}

void loop_free_spares(rondo_loop *loop)
{
    for (int kind = 0; kind < SPARE_KINDS; kind++)
        while (loop->spares[kind]) {
            struct grave *spare = loop->spares[kind];
            loop->spares[kind] = spare->next;
            loop_free(loop, spare);
        }
}
