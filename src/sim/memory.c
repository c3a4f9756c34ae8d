/* memory.c - the memory of each process, which its end frees. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Stands before each piece of memory. */
struct sim_block {
    struct sim_block *next, **link;
    size_t size;
    struct sim_memory *of; /* NULL: of no world, and in no list */
};

_Static_assert(sizeof(struct sim_block) % sizeof(max_align_t) == 0,
               "what follows a block is aligned");

static struct sim_memory *memory_of(struct sim_process *process)
{
    return process ? &process->memory : &sim.memory;
}

/* What a process has, with the head of each piece: so a limit ends each loop. */
static size_t memory_cost(const struct sim_block *b)
{
    return sizeof *b + b->size;
}

static void memory_link(struct sim_block *b, struct sim_process *process)
{
    struct sim_memory *m = sim.begun ? memory_of(process) : NULL;
    b->of = m;
    if (!m)
        return;
    m->used += memory_cost(b);
    b->next = m->first;
    b->link = &m->first;
    if (b->next)
        b->next->link = &b->next;
    m->first = b;
}

/* May the process that asks have so much more? */
static bool memory_has_room(size_t size)
{
    const struct sim_process *process = sim_process();
    if (!process)
        return true;
    const struct sim_memory *m = &process->memory;
    size_t cost = sizeof(struct sim_block) + size;
    if (m->most && (m->used >= m->most || cost > m->most - m->used))
        return false;
    return !sim_fault(SIM_FAULT_no_memory);
}

static void memory_unlink(struct sim_block *b)
{
    if (!b->of)
        return;
    b->of->used -= memory_cost(b);
    *b->link = b->next;
    if (b->next)
        b->next->link = b->link;
}

/* No object of C is larger. */
static bool memory_is_too_much(size_t count, size_t size)
{
    return size && count > (PTRDIFF_MAX - sizeof(struct sim_block)) / size;
}

void *sim_alloc_zeroed(size_t count, size_t size)
{
    size_t whole = count * size;
    struct sim_block *b = NULL;
    if (memory_is_too_much(count, size))
        return NULL;
    if (memory_has_room(whole))
        b = calloc(1, sizeof *b + whole);
    if (!b)
        return NULL;
    b->size = whole;
    memory_link(b, sim_process());
    return b + 1;
}

void *sim_alloc(size_t size)
{
    struct sim_block *b = NULL;
    if (memory_is_too_much(1, size))
        return NULL;
    if (memory_has_room(size))
        b = malloc(sizeof *b + size);
    if (!b)
        return NULL;
    b->size = size;
    memory_link(b, sim_process());
    return b + 1;
}

void *sim_alloc_for(struct sim_process *process, size_t size)
{
    struct sim_block *b = malloc(sizeof *b + size);
    if (!b)
        sim_die("out of memory");
    b->size = size;
    memory_link(b, process);
    return b + 1;
}

/* ---- objects of a process ---- */

struct sim_own {
    struct sim_own *next;
    const void *object;
    max_align_t bytes[];
};

/* The driver has objects of its own, too: no signal reaches them. */
void *sim_of_process(const void *object, size_t size)
{
    static struct sim_own *drivers;
    struct sim_process *process = sim_process();
    struct sim_own **list = process ? &process->own : &drivers;
    for (struct sim_own *o = *list; o; o = o->next)
        if (o->object == object)
            return o->bytes;
    struct sim_own *o = calloc(1, sizeof *o + size);
    if (!o)
        sim_die("out of memory");
    o->object = object;
    o->next = *list;
    *list = o;
    return o->bytes;
}

void sim_forget_own(struct sim_process *process)
{
    while (process->own) {
        struct sim_own *o = process->own;
        process->own = o->next;
        free(o);
    }
}

void sim_free(void *p)
{
    if (!p)
        return;
    struct sim_block *b = (struct sim_block *)p - 1;
    memory_unlink(b);
    free(b);
}

/* Always moves: a pointer into the old place is an error that shows. */
void *sim_realloc(void *p, size_t size)
{
    void *made = sim_alloc(size);
    if (!made || !p)
        return made;
    const struct sim_block *b = (struct sim_block *)p - 1;
    memcpy(made, p, b->size < size ? b->size : size);
    sim_free(p);
    return made;
}

void sim_free_blocks(struct sim_memory *m)
{
    while (m->first) {
        struct sim_block *b = m->first;
        m->first = b->next;
        free(b);
    }
    m->used = 0;
}
#endif
