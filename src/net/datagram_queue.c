/* datagram_queue.c - datagrams that wait to be sent, copied. */
/* SPDX-License-Identifier: MIT */
#include "net/datagram.h"

#include <assert.h>
#include <string.h>

enum { BLOCK_SMALL = 4096, BLOCK_LARGE = 65536 };

/* Bytes of a record with its address and its data, rounded up so that the next
 * record is aligned. */
static size_t datagram_queue_room_for(size_t to_size, size_t size)
{
    return (sizeof(struct datagram_record) + to_size + size + 7) & ~(size_t)7;
}

static char *datagram_queue_bytes_of(const struct datagram_block *block,
                                     size_t at)
{
    return (char *)(uintptr_t)(block + 1) + at;
}

static struct datagram_record *datagram_queue_record_at(
    const struct datagram_block *block, size_t at)
{
    return (struct datagram_record *)(void *)datagram_queue_bytes_of(block, at);
}

void queue_init(struct datagram_queue *queue)
{
    *queue = (struct datagram_queue){0};
    queue->last = &queue->first;
}

static struct datagram_block *datagram_queue_last_block(
    const struct datagram_queue *queue)
{
    if (!queue->first)
        return NULL;
    return (
        struct datagram_block *)(void *)((char *)(void *)queue->last -
                                         offsetof(struct datagram_block, next));
}

/* Appends an empty block; a queue that has grown gets larger ones. */
static struct datagram_block *datagram_queue_more(rondo_loop *loop,
                                                  struct datagram_queue *queue,
                                                  size_t needed)
{
    struct datagram_block *block = queue->spare;
    if (block && block->room >= needed) {
        queue->spare = NULL;
    } else {
        size_t least = queue->size > BLOCK_SMALL ? BLOCK_LARGE : BLOCK_SMALL;
        size_t room = needed > least ? needed : least;
        block = loop_alloc(loop, sizeof *block + room);
        if (!block)
            return NULL;
        *block = (struct datagram_block){.room = room};
    }
    assert(queue->last);
    *queue->last = block;
    queue->last = &block->next;
    return block;
}

bool queue_add(rondo_loop *loop, struct datagram_queue *queue,
               const struct sys_outgoing *out)
{
    size_t needed = datagram_queue_room_for(out->to_size, out->size);
    struct datagram_block *block = datagram_queue_last_block(queue);
    if (!block || block->room - block->end < needed)
        block = datagram_queue_more(loop, queue, needed);
    if (!block)
        return false;
    assert(block->begin <= block->end && block->room - block->end >= needed);
    struct datagram_record *r = datagram_queue_record_at(block, block->end);
    *r = (struct datagram_record){.size = out->size,
                                  .to_size = (uint32_t)out->to_size};
    if (out->to_size)
        memcpy(r + 1, out->to, out->to_size);
    if (out->size)
        memcpy((char *)(r + 1) + out->to_size, out->data, out->size);
    block->end += needed;
    block->count++;
    queue->count++;
    queue->size += out->size + DATAGRAM_OVERHEAD;
    return true;
}

/* ---- going through all of them ---- */

/* A place in the queue. */
struct datagram_place {
    struct datagram_block **link; /* where the block hangs */
    size_t at;
};

static struct datagram_place datagram_queue_begin(struct datagram_queue *queue)
{
    struct datagram_block *first = queue->first;
    return (struct datagram_place){&queue->first, first ? first->begin : 0};
}

static size_t datagram_queue_room_of(const struct datagram_record *r)
{
    return datagram_queue_room_for(r->to_size, r->size);
}

/* The record there, which is not GONE, or NULL: there are no more. */
static struct datagram_record *datagram_queue_find(struct datagram_place *p)
{
    struct datagram_block *b;
    while ((b = *p->link)) {
        while (p->at < b->end) {
            struct datagram_record *r = datagram_queue_record_at(b, p->at);
            if (r->state != RECORD_GONE)
                return r;
            p->at += datagram_queue_room_of(r);
        }
        p->link = &b->next;
        p->at = b->next ? b->next->begin : 0;
    }
    return NULL;
}

static void datagram_queue_pass(struct datagram_place *p,
                                const struct datagram_record *r)
{
    p->at += datagram_queue_room_of(r);
}

static struct datagram_place datagram_queue_of(const struct datagram_queue *q)
{
    return datagram_queue_begin((struct datagram_queue *)(uintptr_t)q);
}

static bool datagram_queue_goes_to(const struct datagram_record *r,
                                   const struct sys_outgoing *out)
{
    return r->to_size == out->to_size &&
           (!r->to_size || memcmp(r + 1, out->to, r->to_size) == 0);
}

unsigned queue_peek(const struct datagram_queue *queue,
                    struct sys_outgoing *list, unsigned most)
{
    unsigned count = 0;
    struct datagram_place p = datagram_queue_of(queue);
    const struct datagram_record *r;
    for (; count < most && (r = datagram_queue_find(&p));
         datagram_queue_pass(&p, r)) {
        const char *to = (const char *)(r + 1);
        if (r->state == RECORD_HELD)
            continue;
        list[count++] = (struct sys_outgoing){.data = to + r->to_size,
                                              .size = r->size,
                                              .to = r->to_size ? to : NULL,
                                              .to_size = r->to_size};
    }
    return count;
}

bool queue_has(const struct datagram_queue *queue,
               const struct sys_outgoing *out)
{
    struct datagram_place p = datagram_queue_of(queue);
    const struct datagram_record *r;
    while ((r = datagram_queue_find(&p)) && !datagram_queue_goes_to(r, out))
        datagram_queue_pass(&p, r);
    return r != NULL;
}

void queue_hold(struct datagram_queue *queue, const struct sys_outgoing *out)
{
    struct datagram_place p = datagram_queue_begin(queue);
    struct datagram_record *r;
    queue->holds = true;
    for (; (r = datagram_queue_find(&p)); datagram_queue_pass(&p, r))
        if (datagram_queue_goes_to(r, out))
            r->state = RECORD_HELD;
}

void queue_release(struct datagram_queue *queue)
{
    struct datagram_place p = datagram_queue_begin(queue);
    struct datagram_record *r;
    for (; queue->holds && (r = datagram_queue_find(&p));
         datagram_queue_pass(&p, r))
        r->state = RECORD_READY;
    queue->holds = false;
}

/* ---- removing ---- */

/* Keeps the largest empty block, unless it was made for a huge datagram. */
static void datagram_queue_recycle(rondo_loop *loop,
                                   struct datagram_queue *queue,
                                   struct datagram_block *block)
{
    if (block->room > BLOCK_LARGE) {
        loop_free(loop, block);
        return;
    }
    if (queue->spare && queue->spare->room > block->room) {
        loop_free(loop, block);
        return;
    }
    loop_free(loop, queue->spare);
    *block = (struct datagram_block){.room = block->room};
    queue->spare = block;
}

/* Takes out a block whose records are all GONE. */
static void datagram_queue_unlink(rondo_loop *loop,
                                  struct datagram_queue *queue,
                                  struct datagram_place *p)
{
    struct datagram_block *b = *p->link;
    *p->link = b->next;
    if (queue->last == &b->next)
        queue->last = p->link;
    p->at = b->next ? b->next->begin : 0;
    datagram_queue_recycle(loop, queue, b);
}

void queue_drop(rondo_loop *loop, struct datagram_queue *queue, unsigned count)
{
    struct datagram_place p = datagram_queue_begin(queue);
    while (count) {
        struct datagram_record *r = datagram_queue_find(&p);
        struct datagram_block *b = *p.link;
        assert(r && b && b->count && queue->count);
        size_t room = datagram_queue_room_of(r);
        if (r->state == RECORD_HELD) {
            p.at += room;
            continue;
        }
        count--;
        queue->count--;
        queue->size -= r->size + DATAGRAM_OVERHEAD;
        r->state = RECORD_GONE;
        if (b->begin == p.at)
            b->begin += room;
        p.at += room;
        if (!--b->count)
            datagram_queue_unlink(loop, queue, &p);
    }
}

void queue_free(rondo_loop *loop, struct datagram_queue *queue)
{
    while (queue->first) {
        struct datagram_block *b = queue->first;
        queue->first = b->next;
        loop_free(loop, b);
    }
    loop_free(loop, queue->spare);
    queue_init(queue);
}
