/* timer_store.c - what timers lie in: their slots, and the heap. */
/* SPDX-License-Identifier: MIT */
#include "core/timer_store.h"

#include "base/error.h"

#include <string.h>

/* ---- the heap ---- */

/* Orders wrap around, so their difference decides. */
static bool timer_before(const struct timer_entry *a,
                         const struct timer_entry *b)
{
    if (a->key != b->key)
        return a->key < b->key;
    return (int32_t)(a->order - b->order) < 0;
}

static size_t timer_parent_of(size_t i)
{
    assert(i > TIMER_ROOT);
    return (i - TIMER_ROOT - 1) / 4 + TIMER_ROOT;
}

static size_t timer_child_of(size_t i)
{
    return (i - TIMER_ROOT) * 4 + TIMER_ROOT + 1;
}

static inline void timer_place(struct timers *t, size_t i,
                               struct timer_entry entry)
{
    t->heap[i] = entry;
    t->slots[entry.slot].next = (uint32_t)i;
}

static void timer_sift_up(struct timers *t, size_t i, struct timer_entry entry)
{
    assert(i >= TIMER_ROOT);
    while (i > TIMER_ROOT) {
        size_t parent = timer_parent_of(i);
        if (!timer_before(&entry, &t->heap[parent]))
            break;
        timer_place(t, i, t->heap[parent]);
        i = parent;
    }
    timer_place(t, i, entry);
}

static size_t timer_least_child(const struct timer_entry *heap, size_t child,
                                size_t end)
{
    size_t least = child, last = child + 4 < end ? child + 4 : end;
    assert(child < end);
    for (size_t i = child + 1; i < last; i++)
        if (timer_before(&heap[i], &heap[least]))
            least = i;
    return least;
}

static void timer_sift_down(struct timers *t, size_t i,
                            struct timer_entry entry)
{
    size_t end = TIMER_ROOT + t->heap_size;
    assert(i >= TIMER_ROOT && i < end);
    for (;;) {
        size_t child = timer_child_of(i);
        if (child >= end)
            break;
        child = timer_least_child(t->heap, child, end);
        if (!timer_before(&t->heap[child], &entry))
            break;
        timer_place(t, i, t->heap[child]);
        i = child;
    }
    timer_place(t, i, entry);
}

void timer_heap_remove(struct timers *t, size_t i)
{
    assert(i >= TIMER_ROOT && i < TIMER_ROOT + t->heap_size);
    size_t end = TIMER_ROOT + --t->heap_size;
    struct timer_entry last = t->heap[end];
    if (i == end)
        return;
    if (i > TIMER_ROOT && timer_before(&last, &t->heap[timer_parent_of(i)]))
        timer_sift_up(t, i, last);
    else
        timer_sift_down(t, i, last);
}

void timer_heap_push(struct timers *t, uint32_t index)
{
    struct timer_slot *slot = &t->slots[index];
    struct timer_entry entry = {slot->when, slot->order, index};
    assert(t->heap_size < t->room);
    slot->prev = TIMER_IN_HEAP;
    timer_sift_up(t, TIMER_ROOT + t->heap_size++, entry);
}

#ifndef NDEBUG
bool timer_heap_is_sound(const struct timers *t, uint32_t index)
{
    const struct timer_slot *slot = &t->slots[index];
    const struct timer_entry *entry = &t->heap[slot->next];
    return entry->slot == index && slot->when >= entry->key &&
           (slot->next == TIMER_ROOT ||
            !timer_before(entry, &t->heap[timer_parent_of(slot->next)]));
}
#endif

/* ---- the slots ---- */

static bool timer_lists_make(rondo_loop *loop)
{
    struct timers *t = &loop->timers;
    t->lists = loop_alloc(loop, TIMER_LISTS * sizeof *t->lists);
    if (!t->lists)
        return false;
    for (unsigned i = 0; i < TIMER_LISTS; i++)
        t->lists[i] = ID_NO_SLOT;
    return true;
}

/* Filing a timer anew must not fail, so the heap has room for all slots. Most of
 * that is never touched: only what is in use is copied. */
static bool timer_heap_grow(rondo_loop *loop, size_t room)
{
    struct timers *t = &loop->timers;
    struct timer_entry *heap =
        loop_alloc(loop, (TIMER_ROOT + room) * sizeof *heap);
    if (!heap)
        return false;
    if (t->heap_size)
        memcpy(heap + TIMER_ROOT, t->heap + TIMER_ROOT,
               t->heap_size * sizeof *heap);
    loop_free(loop, t->heap);
    t->heap = heap;
    return true;
}

static bool timer_slots_grow(rondo_loop *loop, size_t room)
{
    struct timers *t = &loop->timers;
    struct timer_slot *slots =
        loop_realloc(loop, t->slots, room * sizeof *slots);
    if (!slots)
        return false;
    t->slots = slots;
    struct timer_group *groups =
        loop_realloc(loop, t->groups, (room + 63) / 64 * sizeof *groups);
    if (!groups)
        return false;
    t->groups = groups;
    t->room = room;
    return true;
}

static int timer_grow(rondo_loop *loop)
{
    struct timers *t = &loop->timers;
    size_t room = t->room ? t->room * 2 : 16;
    if (room > ID_SLOT_MAX + (size_t)1 ||
        (!t->lists && !timer_lists_make(loop)) ||
        !timer_heap_grow(loop, room) || !timer_slots_grow(loop, room))
        return error_set(RONDO_ENOMEM, "out of memory for timers");
    assert(t->slots_used < room);
    return 0;
}

/* Makes slots free that were never used, up to the end of their group. */
int timer_slots_add(rondo_loop *loop)
{
    struct timers *t = &loop->timers;
    int error = t->slots_used == t->room ? timer_grow(loop) : 0;
    if (error)
        return error;
    size_t first = t->slots_used, end = (first | 63) + 1;
    rondo_id id = id_of_slot(loop, ID_TIMER, (uint32_t)first,
                             loop->first_generation & ID_GENERATION_MAX);
    t->slots_used = end < t->room ? end : t->room;
    t->free_group = t->last_group = (uint32_t)(first / 64);
    struct timer_group *group = &t->groups[first / 64];
    *group = (struct timer_group){0, ID_NO_SLOT};
    for (size_t i = first; i < t->slots_used; i++) {
        t->slots[i].id = id++ ^ ID_SLOT_MAX;
        t->slots[i].prev = TIMER_NOWHERE;
        group->free |= UINT64_C(1) << i % 64;
    }
    return 0;
}
