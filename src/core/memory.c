/* memory.c - the loop's allocator, counted, and its free lists. */
/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

#include <string.h>

static void *memory_libc_malloc(size_t size, void *context)
{
    (void)context;
    return sys_alloc(size);
}

static void *memory_libc_realloc(void *p, size_t size, void *context)
{
    (void)context;
    return sys_realloc(p, size);
}

static void memory_libc_free(void *p, void *context)
{
    (void)context;
    sys_free(p);
}

const rondo_allocator memory_of_libc = {memory_libc_malloc, memory_libc_realloc,
                                        memory_libc_free, NULL};

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

void *free_list_new(rondo_loop *loop, size_t size)
{
    void *block = loop_alloc(loop, size);
    return block ? memset(block, 0, size) : NULL;
}

void free_list_clear(rondo_loop *loop)
{
    for (int kind = 0; kind < FREE_LISTS; kind++)
        while (loop->free_list[kind]) {
            struct loop_block *block = loop->free_list[kind];
            loop->free_list[kind] = block->next;
            loop_free(loop, block);
        }
}
