/* buf.c - the write queue: bytes that wait until the kernel takes them. */
/* SPDX-License-Identifier: MIT */
#include "core/buf.h"

#include "base/error.h"

#include <string.h>

/* A page, and the size once that much is queued: fewer pieces to gather. */
enum { CHUNK_ROOM = 4096 - (int)sizeof(struct chunk), CHUNK_LARGE = 65536 };

void buf_init(struct buf *buf)
{
    *buf = (struct buf){0};
    buf->last = &buf->first;
    buf->release_last = &buf->release_due;
}

#ifndef NDEBUG
/* A long queue is seen at its head only, so that it does not get slow. */
static bool buf_is_sound(const struct buf *buf)
{
    size_t size = 0, count = 0;
    struct chunk *const *link = &buf->first;
    for (; *link && count < 16; link = &(*link)->next, count++) {
        const struct chunk *c = *link;
        if (!c->size || ((c->release || c->lent) && c->room))
            return false;
        size += c->size;
    }
    return *link ? size <= buf->size : size == buf->size && buf->last == link;
}
#endif

static void buf_put(struct buf *buf, struct chunk *chunk)
{
    assert(!*buf->last);
    chunk->next = NULL;
    *buf->last = chunk;
    buf->last = &chunk->next;
}

/* The last chunk of the queue if it has room, else NULL. */
static struct chunk *buf_open_end(const struct buf *buf)
{
    if (!buf->first)
        return NULL;
    struct chunk *last = (struct chunk *)(void *)((char *)(void *)buf->last -
                                                  offsetof(struct chunk, next));
    return last->room ? last : NULL;
}

static struct chunk *buf_chunk_new(rondo_loop *loop, const struct buf *buf,
                                   size_t size)
{
    size_t least = buf->size > CHUNK_LARGE ? CHUNK_LARGE : CHUNK_ROOM;
    size_t room = size > least ? size : least;
    if (size > SIZE_MAX - buf->size - sizeof(struct chunk))
        return NULL;
    struct chunk *chunk = loop_alloc(loop, sizeof *chunk + room);
    if (chunk)
        *chunk = (struct chunk){.data = (char *)(chunk + 1), .room = room};
    return chunk;
}

static void buf_fill(struct chunk *chunk, const void *data, size_t size)
{
    assert(!chunk->release && size <= chunk->room);
    memcpy((char *)(uintptr_t)chunk->data + chunk->size, data, size);
    chunk->size += size;
    chunk->room -= size;
}

bool buf_append(rondo_loop *loop, struct buf *buf, const void *data,
                size_t size)
{
    struct chunk *end = buf_open_end(buf);
    size_t here = end ? (size < end->room ? size : end->room) : 0;
    struct chunk *more = NULL;
    if (here < size) {
        more = buf_chunk_new(loop, buf, size - here);
        if (!more)
            return false;
    }
    if (here)
        buf_fill(end, data, here);
    if (more) {
        buf_fill(more, (const char *)data + here, size - here);
        buf_put(buf, more);
    }
    buf->size += size;
    assert(buf_is_sound(buf));
    return true;
}

struct chunk *buf_chunk_owned(rondo_loop *loop, const void *data, size_t size,
                              void (*release)(void *arg), void *arg)
{
    struct chunk *chunk = loop_alloc(loop, sizeof *chunk);
    if (chunk)
        *chunk = (struct chunk){
            .data = data, .size = size, .release = release, .arg = arg};
    return chunk;
}

void buf_append_chunk(struct buf *buf, struct chunk *chunk)
{
    assert((chunk->release || chunk->lent) && chunk->size);
    buf_put(buf, chunk);
    buf->size += chunk->size;
    assert(buf_is_sound(buf));
}

void buf_release_later(struct buf *buf, struct chunk *chunk)
{
    assert(chunk->release);
    chunk->next = NULL;
    *buf->release_last = chunk;
    buf->release_last = &chunk->next;
}

size_t buf_gather(const struct buf *buf, rondo_buffer *pieces)
{
    size_t count = 0;
    for (const struct chunk *c = buf->first; c && count < BUF_GATHER;
         c = c->next)
        pieces[count++] = (rondo_buffer){c->data, c->size};
    return count;
}

static void buf_take_first(rondo_loop *loop, struct buf *buf)
{
    struct chunk *chunk = buf->first;
    assert(chunk);
    buf->first = chunk->next;
    if (!buf->first)
        buf->last = &buf->first;
    if (chunk->release)
        buf_release_later(buf, chunk);
    else if (!chunk->lent)
        loop_free(loop, chunk);
}

void buf_consume(rondo_loop *loop, struct buf *buf, size_t count)
{
    assert(count <= buf->size);
    buf->size -= count;
    buf->front += count;
    while (count) {
        struct chunk *chunk = buf->first;
        if (count < chunk->size) {
            chunk->data += count;
            chunk->size -= count;
            break;
        }
        count -= chunk->size;
        buf_take_first(loop, buf);
    }
    assert(buf_is_sound(buf));
}

void buf_drop(rondo_loop *loop, struct buf *buf, bool first_is_busy)
{
    struct chunk *busy = first_is_busy ? buf->first : NULL;
    if (busy) {
        buf->first = busy->next;
        if (!buf->first)
            buf->last = &buf->first;
    }
    while (buf->first)
        buf_take_first(loop, buf);
    buf->size = 0;
    assert(!*buf->last && buf->last == &buf->first);
    if (busy)
        buf_put(buf, busy);
}

void buf_release(rondo_loop *loop, struct buf *buf)
{
    while (buf->release_due) {
        struct chunk *chunk = buf->release_due;
        buf->release_due = chunk->next;
        if (!buf->release_due)
            buf->release_last = &buf->release_due;
        chunk->release(chunk->arg);
        loop_free(loop, chunk);
    }
}

int buf_limits(size_t *high, size_t *low, const char *what)
{
    if (*high == RONDO_NO_BUFFER)
        *high = 0;
    else if (!*high)
        *high = !*low                 ? (size_t)BUF_HIGH
                : *low > SIZE_MAX / 4 ? SIZE_MAX
                                      : *low * 4;
    if (!*low)
        *low = *high / 4;
    if (*high < *low)
        return error_set(RONDO_EINVAL, "%s: high %zu is below low %zu", what,
                         *high, *low);

    return 0;
}
