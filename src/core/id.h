/* id.h - the bits of a rondo_id, and the ids of operations. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_ID_H
#define RONDO_CORE_ID_H

#include "core/loop.h"

/* An id has 63 bits: 2 for the kind, 12 for the loop's tag, 49 for the rest.
 * The rest of a callback is its place among all callbacks that the loop was
 * ever given, plus one; that of a post its place among all posts. The rest of a
 * timer or an operation is a slot (24 bits) and the slot's generation (25 bits).
 * A slot whose generation is used up retires, so no id comes twice. */
enum id_kind { ID_SOON, ID_TIMER, ID_OPERATION, ID_POST };

enum {
    ID_SLOT_BITS = 24,
    ID_GENERATION_BITS = 25,
    ID_TAG_BITS = 12,
    ID_SLOT_MAX = (1 << ID_SLOT_BITS) - 1,
    ID_GENERATION_MAX = (1 << ID_GENERATION_BITS) - 1
};

#define ID_NO_SLOT UINT32_MAX /* the end of a list of free slots */

static inline rondo_id id_make(const rondo_loop *loop, enum id_kind kind,
                               uint64_t rest)
{
    assert(rest < UINT64_C(1) << 49);
    return (rondo_id)((uint64_t)kind << 61 | (uint64_t)loop->tag << 49 | rest);
}

static inline rondo_id id_of_slot(const rondo_loop *loop, enum id_kind kind,
                                  uint32_t slot, uint32_t generation)
{
    assert(slot <= ID_SLOT_MAX && generation <= ID_GENERATION_MAX);
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

/* The tags come again after 4,096 loops. Loops that share one begin to count
 * far from each other, so that an id of an old loop is not one of a new loop,
 * too. */
static inline uint32_t id_first_generation(uint32_t loop_number)
{
    return (loop_number >> ID_TAG_BITS) * 65537U & (ID_GENERATION_MAX >> 1);
}

static inline uint64_t id_first_place(uint32_t loop_number)
{
    return (uint64_t)(loop_number >> ID_TAG_BITS) << 28;
}

/* Makes the id of a pending operation, an open handle, or one whose result is
 * known and whose handle is not open. `cancel` ends it early; it is called at
 * most once, by id_cancel, when the id is free already. Returns the id, or
 * RONDO_ENOMEM with a sentence, also if all 2^24 slots are in use or
 * retired. */
rondo_id id_new(rondo_loop *loop, struct handle *object,
                void (*cancel)(rondo_loop *loop, struct handle *object));
/* The operation has ended: the id names nothing from now on. Does nothing if it
 * is free already, so the end of a cancelled operation may call it again. */
void id_free(rondo_loop *loop, rondo_id id);
/* The operation has ended, and its memory is kept for one more, which gets the
 * id that is returned, without id_new; 0: there is none, since the id was freed
 * or its slot has retired. Until then the next id names the memory, too, so
 * `cancel` has to know an operation that has ended. */
COLD rondo_id id_next_slow(rondo_loop *loop, rondo_id id);
static inline rondo_id id_next(rondo_loop *loop, rondo_id id)
{
    struct id_slot *slot = &loop->ids[id_slot(id)];
    if (slot->generation != id_generation(id) ||
        slot->generation == ID_GENERATION_MAX)
        return id_next_slow(loop, id);
    assert(slot->object);
    slot->generation++;
    return id + (INT64_C(1) << ID_SLOT_BITS);
}
/* What the id names; NULL: nothing, or a callback, a timer or a post. */
struct handle *id_object(const rondo_loop *loop, rondo_id id);
/* These two return 0, or RONDO_ENOENT without a sentence: the id names nothing,
 * or a callback, or a timer. */
int id_cancel(rondo_loop *loop, rondo_id id);
int id_set_background(rondo_loop *loop, rondo_id id, bool background);

#endif
