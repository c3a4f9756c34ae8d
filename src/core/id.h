/* id.h - what a rondo_id says, and the ids of operations. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_ID_H
#define RONDO_CORE_ID_H

#include "core/loop.h"

/* 63 bits: what kind of thing, which loop, and for a callback its place in
 * the order of all callbacks, for the others a slot and how often that slot
 * has been used. A slot whose count would start again is never used again. */
enum id_kind { ID_SOON, ID_TIMER, ID_OPERATION };

enum {
    ID_SLOT_BITS = 24,
    ID_GENERATION_BITS = 25,
    ID_TAG_BITS = 12,
    ID_SLOT_MAX = (1 << ID_SLOT_BITS) - 1,
    ID_GENERATION_MAX = (1 << ID_GENERATION_BITS) - 1
};

#define ID_NO_SLOT UINT32_MAX

static inline rondo_id id_make(const rondo_loop *loop, enum id_kind kind,
                               uint64_t rest)
{
    return (rondo_id)((uint64_t)kind << 61 | (uint64_t)loop->tag << 49 | rest);
}

static inline rondo_id id_of_slot(const rondo_loop *loop, enum id_kind kind,
                                  uint32_t slot, uint32_t generation)
{
    return id_make(loop, kind, (uint64_t)generation << ID_SLOT_BITS | slot);
}

static inline bool id_is(const rondo_loop *loop, rondo_id id, enum id_kind kind)
{
    uint64_t head = (uint64_t)kind << 12 | loop->tag;
    return id > 0 && (uint64_t)id >> 49 == head;
}

static inline uint64_t id_rest(rondo_id id)
{
    return (uint64_t)id & ((UINT64_C(1) << 49) - 1);
}

static inline uint32_t id_slot(rondo_id id)
{
    return (uint32_t)id & ID_SLOT_MAX;
}

static inline uint32_t id_generation(rondo_id id)
{
    return (uint32_t)(id_rest(id) >> ID_SLOT_BITS);
}

/* The tag comes again after 4,096 loops: those that share one begin to count
 * far from each other. */
static inline uint32_t id_first_generation(uint32_t loop_number)
{
    return (loop_number >> ID_TAG_BITS) * 65537U & (ID_GENERATION_MAX >> 1);
}

static inline uint64_t id_first_place(uint32_t loop_number)
{
    return (uint64_t)(loop_number >> ID_TAG_BITS) << 28;
}

/* An id for something that can be cancelled, or RONDO_ENOMEM. */
rondo_id id_new(rondo_loop *loop, struct handle *object,
                void (*cancel)(rondo_loop *loop, struct handle *object));
void id_free(rondo_loop *loop, rondo_id id);
/* 0 or RONDO_ENOENT. */
int id_cancel(rondo_loop *loop, rondo_id id);
int id_set_background(rondo_loop *loop, rondo_id id, bool background);

#endif
