/* id.c - the ids of operations: a slot for each. */
/* SPDX-License-Identifier: MIT */
#include "core/id.h"

#include "base/error.h"

static int id_grow(rondo_loop *loop)
{
    size_t room = loop->ids_room ? loop->ids_room * 2 : 16;
    struct id_slot *ids =
        loop->ids_used < ID_SLOT_MAX
            ? loop_realloc(loop, loop->ids, room * sizeof *ids)
            : NULL;
    if (!ids)
        return error_set(RONDO_ENOMEM, "out of memory for ids");
    loop->ids = ids;
    loop->ids_room = room;
    assert(loop->ids_used < room);
    return 0;
}

/* A slot that was never used becomes the free one. */
static COLD int id_add_slot(rondo_loop *loop)
{
    int error = loop->ids_used == loop->ids_room ? id_grow(loop) : 0;
    if (error)
        return error;
    loop->ids_free = (uint32_t)loop->ids_used++;
    loop->ids[loop->ids_free] = (struct id_slot){
        .generation = loop->first_generation, .next_free = ID_NO_SLOT};
    return 0;
}

rondo_id id_new(rondo_loop *loop, struct handle *object,
                void (*cancel)(rondo_loop *loop, struct handle *object))
{
    int error = loop->ids_free == ID_NO_SLOT ? id_add_slot(loop) : 0;
    if (error)
        return error;
    uint32_t index = loop->ids_free;
    struct id_slot *slot = &loop->ids[index];
    assert(index < loop->ids_used);
    loop->ids_free = slot->next_free;
    assert(object && cancel && !slot->object);
    assert(slot->generation <= ID_GENERATION_MAX);
    slot->object = object;
    slot->cancel = cancel;
    return id_of_slot(loop, ID_OPERATION, index, slot->generation);
}

static struct id_slot *id_find(const rondo_loop *loop, rondo_id id)
{
    uint32_t index = id_slot(id);
    if (!id_is(loop, id, ID_OPERATION) || index >= loop->ids_used)
        return NULL;
    struct id_slot *slot = &loop->ids[index];
    bool same = slot->object && slot->generation == id_generation(id);
    return same ? slot : NULL;
}

void id_free(rondo_loop *loop, rondo_id id)
{
    struct id_slot *slot = id_find(loop, id);
    if (!slot)
        return;
    slot->object = NULL;
    if (slot->generation == ID_GENERATION_MAX)
        return; /* used up: the slot retires */
    slot->generation++;
    slot->next_free = loop->ids_free;
    loop->ids_free = id_slot(id);
    assert(!id_find(loop, id));
}

rondo_id id_next_slow(rondo_loop *loop, rondo_id id)
{
    id_free(loop, id);
    return 0;
}

struct handle *id_object(const rondo_loop *loop, rondo_id id)
{
    const struct id_slot *slot = id_find(loop, id);
    return slot ? slot->object : NULL;
}

int id_cancel(rondo_loop *loop, rondo_id id)
{
    const struct id_slot *slot = id_find(loop, id);
    if (!slot)
        return RONDO_ENOENT;
    struct handle *object = slot->object;
    void (*cancel)(rondo_loop *, struct handle *) = slot->cancel;
    assert(!handle_is_open(object) || *object->link == object);
    id_free(loop, id);
    cancel(loop, object);
    return 0;
}

int id_set_background(rondo_loop *loop, rondo_id id, bool background)
{
    const struct id_slot *slot = id_find(loop, id);
    if (!slot)
        return RONDO_ENOENT;
    if (handle_is_open(slot->object))
        handle_set_background(loop, slot->object, background);
    return 0;
}
