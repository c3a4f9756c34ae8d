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

static size_t datagram_queue_room_of(const struct datagram_record *r)
{
    return datagram_queue_room_for(r->to_size, r->size);
}

/* The same of any record. */
static size_t datagram_queue_step(const struct datagram_record *r)
{
    return datagram_queue_room_of(r) +
           (r->extra ? sizeof(struct datagram_extra) : 0);
}

static struct datagram_extra *datagram_queue_extra_of(
    const struct datagram_record *r)
{
    if (!r->extra)
        return NULL;
    return (struct datagram_extra *)(void *)((char *)(uintptr_t)r +
                                             datagram_queue_room_of(r));
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

static void datagram_queue_count_in(struct datagram_queue *queue,
                                    struct datagram_block *block, size_t needed,
                                    size_t size)
{
    block->end += needed;
    queue->count++;
    queue->size += size + DATAGRAM_OVERHEAD;
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
    datagram_queue_count_in(queue, block, needed, out->size);
    return true;
}

static void datagram_queue_put(struct datagram_record *r,
                               const struct sys_message *m)
{
    char *at = (char *)(r + 1);
    if (m->to_size)
        memcpy(at, m->to, m->to_size);
    at += m->to_size;
    for (size_t i = 0; i < m->count; i++) {
        if (m->pieces[i].size)
            memcpy(at, m->pieces[i].data, m->pieces[i].size);
        at += m->pieces[i].size;
    }
}

bool queue_add_message(rondo_loop *loop, struct datagram_queue *queue,
                       const struct sys_message *m, struct datagram_sent *sent)
{
    struct datagram_record new = {.to_size = (uint32_t)m->to_size,
                                  .extra = m->info || sent};
    for (size_t i = 0; i < m->count; i++)
        new.size += m->pieces[i].size;
    size_t needed = datagram_queue_step(&new);
    struct datagram_block *block = datagram_queue_last_block(queue);
    if (!block || block->room - block->end < needed)
        block = datagram_queue_more(loop, queue, needed);
    if (!block)
        return false;
    assert(block->begin <= block->end && block->room - block->end >= needed);
    struct datagram_record *r = datagram_queue_record_at(block, block->end);
    *r = new;
    datagram_queue_put(r, m);
    if (r->extra) {
        struct datagram_extra *extra = datagram_queue_extra_of(r);
        *extra = (struct datagram_extra){.sent = sent};
        if (m->info)
            extra->info = *m->info;
        queue->odd = true;
    }
    datagram_queue_count_in(queue, block, needed, r->size);
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

/* The record there, which is not GONE, or NULL: there are no more. */
static struct datagram_record *datagram_queue_find(struct datagram_place *p)
{
    struct datagram_block *b;
    while ((b = *p->link)) {
        while (p->at < b->end) {
            struct datagram_record *r = datagram_queue_record_at(b, p->at);
            if (r->state != RECORD_GONE)
                return r;
            p->at += datagram_queue_step(r);
        }
        p->link = &b->next;
        p->at = b->next ? b->next->begin : 0;
    }
    return NULL;
}

static void datagram_queue_pass(struct datagram_place *p,
                                const struct datagram_record *r)
{
    p->at += datagram_queue_step(r);
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

static struct sys_outgoing datagram_queue_out(const struct datagram_record *r)
{
    const char *to = (const char *)(r + 1);
    return (struct sys_outgoing){.data = to + r->to_size,
                                 .size = r->size,
                                 .to = r->to_size ? to : NULL,
                                 .to_size = r->to_size};
}

static unsigned datagram_queue_peek_odd(const struct datagram_queue *queue,
                                        struct sys_outgoing *list,
                                        unsigned most)
{
    unsigned count = 0;
    struct datagram_place p = datagram_queue_of(queue);
    const struct datagram_record *r;
    for (; count < most && (r = datagram_queue_find(&p));
         datagram_queue_pass(&p, r)) {
        if (r->state == RECORD_HELD)
            continue;
        if (r->extra && count)
            break;
        list[count++] = datagram_queue_out(r);
        if (r->extra)
            break;
    }
    return count;
}

unsigned queue_peek(const struct datagram_queue *queue,
                    struct sys_outgoing *list, unsigned most)
{
    unsigned count = 0;
    if (queue->odd)
        return datagram_queue_peek_odd(queue, list, most);
    for (const struct datagram_block *b = queue->first; b && count < most;
         b = b->next)
        for (size_t at = b->begin; at < b->end && count < most; count++) {
            const struct datagram_record *r = datagram_queue_record_at(b, at);
            list[count] = datagram_queue_out(r);
            at += datagram_queue_room_of(r);
        }
    return count;
}

const struct datagram_extra *queue_extra_odd(const struct datagram_queue *queue)
{
    struct datagram_place p = datagram_queue_of(queue);
    const struct datagram_record *r;
    while ((r = datagram_queue_find(&p)) && r->state == RECORD_HELD)
        datagram_queue_pass(&p, r);
    return r ? datagram_queue_extra_of(r) : NULL;
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
    queue->odd = true;
    for (; (r = datagram_queue_find(&p)); datagram_queue_pass(&p, r))
        if (datagram_queue_goes_to(r, out))
            r->state = RECORD_HELD;
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

/* Takes out the block there, none of whose records waits. */
static void datagram_queue_unlink(rondo_loop *loop,
                                  struct datagram_queue *queue,
                                  struct datagram_block **link)
{
    struct datagram_block *b = *link;
    *link = b->next;
    if (queue->last == &b->next)
        queue->last = link;
    datagram_queue_recycle(loop, queue, b);
}

static void datagram_queue_count_out(struct datagram_queue *queue,
                                     const struct datagram_record *r)
{
    assert(queue->count && queue->size >= r->size + DATAGRAM_OVERHEAD);
    queue->count--;
    queue->size -= r->size + DATAGRAM_OVERHEAD;
}

/* It has left, or was dropped. */
static void datagram_queue_end_record(struct datagram_record *r, int error)
{
    const struct datagram_extra *extra = datagram_queue_extra_of(r);
    r->state = RECORD_GONE;
    if (extra && extra->sent)
        datagram_sent_over(extra->sent, error ? error : (int64_t)r->size);
}

/* Drops records of one block; how many still wait there. */
static size_t datagram_queue_drop_there(struct datagram_queue *queue,
                                        const struct datagram_block *b,
                                        unsigned *count, int error)
{
    size_t wait = 0;
    for (size_t at = b->begin; at < b->end;) {
        struct datagram_record *r = datagram_queue_record_at(b, at);
        at += datagram_queue_step(r);
        if (r->state == RECORD_GONE)
            continue;
        if (!*count || r->state == RECORD_HELD) {
            wait++;
            continue;
        }
        --*count;
        datagram_queue_count_out(queue, r);
        datagram_queue_end_record(r, error);
    }
    return wait;
}

static void datagram_queue_drop_odd(rondo_loop *loop,
                                    struct datagram_queue *queue,
                                    unsigned count, int error)
{
    struct datagram_block **link = &queue->first;
    while (count) {
        assert(*link);
        if (datagram_queue_drop_there(queue, *link, &count, error))
            link = &(*link)->next;
        else
            datagram_queue_unlink(loop, queue, link);
    }
}

void queue_drop(rondo_loop *loop, struct datagram_queue *queue, unsigned count,
                int error)
{
    if (queue->odd) {
        datagram_queue_drop_odd(loop, queue, count, error);
        return;
    }
    if (count == queue->count) {
        queue->count = queue->size = 0;
        while (queue->first)
            datagram_queue_unlink(loop, queue, &queue->first);
        return;
    }
    while (count--) {
        struct datagram_block *b = queue->first;
        assert(b && b->begin < b->end);
        const struct datagram_record *r = datagram_queue_record_at(b, b->begin);
        datagram_queue_count_out(queue, r);
        b->begin += datagram_queue_room_of(r);
        if (b->begin == b->end)
            datagram_queue_unlink(loop, queue, &queue->first);
    }
}

static bool datagram_queue_is_of(const struct datagram_record *r,
                                 const struct datagram_sent *sent)
{
    const struct datagram_extra *extra = datagram_queue_extra_of(r);
    return extra && extra->sent == sent;
}

void queue_remove(rondo_loop *loop, struct datagram_queue *queue,
                  const struct datagram_sent *sent)
{
    struct datagram_place p = datagram_queue_begin(queue);
    struct datagram_record *r;
    size_t others = 0;
    while ((r = datagram_queue_find(&p)) && !datagram_queue_is_of(r, sent))
        datagram_queue_pass(&p, r);
    assert(r);
    datagram_queue_count_out(queue, r);
    r->state = RECORD_GONE;
    const struct datagram_block *b = *p.link;
    for (size_t at = b->begin; at < b->end; at += datagram_queue_step(r)) {
        r = datagram_queue_record_at(b, at);
        others += r->state != RECORD_GONE;
    }
    if (!others)
        datagram_queue_unlink(loop, queue, p.link);
}

void queue_end(const struct datagram_queue *queue, int error)
{
    struct datagram_place p = datagram_queue_of(queue);
    struct datagram_record *r;
    while (queue->odd && (r = datagram_queue_find(&p)))
        datagram_queue_end_record(r, error);
}

/* Those that are HELD wait again. How many of the block are odd. */
static size_t datagram_queue_release_there(const struct datagram_block *b)
{
    size_t odd = 0;
    for (size_t at = b->begin; at < b->end;) {
        struct datagram_record *r = datagram_queue_record_at(b, at);
        at += datagram_queue_step(r);
        odd += r->state == RECORD_GONE || r->extra;
        if (r->state == RECORD_HELD)
            r->state = RECORD_READY;
    }
    return odd;
}

/* Skips what is GONE at the beginning of a block in which something waits. */
static void datagram_queue_trim(struct datagram_block *b)
{
    const struct datagram_record *r;
    while ((r = datagram_queue_record_at(b, b->begin))->state == RECORD_GONE) {
        b->begin += datagram_queue_step(r);
        assert(b->begin < b->end);
    }
}

void queue_release_odd(struct datagram_queue *queue)
{
    size_t odd = 0;
    for (struct datagram_block *b = queue->first; b; b = b->next) {
        datagram_queue_trim(b);
        odd += datagram_queue_release_there(b);
    }
    queue->odd = odd != 0;
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
