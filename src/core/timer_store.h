/* timer_store.h - what timers lie in: their slots, and the heap. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_TIMER_STORE_H
#define RONDO_CORE_TIMER_STORE_H

#include "core/id.h"

/* With the root here, the four children of a node share a cache line. */
enum { TIMER_ROOT = 3 };

/* A slot's `prev` if it is no other slot: they have 24 bits. */
enum timer_where {
    TIMER_FIRST = 1 << 24, /* plus a list: it is the first one there */
    TIMER_IN_HEAP = 1 << 25,
    TIMER_NOWHERE /* free, or its callback runs */
};

static inline bool timer_is_live(const struct timers *t, size_t index)
{
    return id_slot(t->slots[index].id) == index;
}

/* Makes slots free that were never used. Returns 0, or RONDO_ENOMEM with a
 * sentence. */
int timer_slots_add(rondo_loop *loop);

/* Puts a slot into the heap, which has room for all slots. */
void timer_heap_push(struct timers *t, uint32_t index);
/* Takes the entry at place i out. */
void timer_heap_remove(struct timers *t, size_t i);

#ifndef NDEBUG
/* Whether the entry of a slot in the heap is as it should be. */
bool timer_heap_is_sound(const struct timers *t, uint32_t index);
#endif

#endif
