/* reader_find.c - the bytes that a reader keeps, and looking for an end. */
/* SPDX-License-Identifier: MIT */
#include "stream/reader.h"

#include <string.h>

/* Moved to the front only where as much has been taken, so that each byte is
 * moved once. */
bool reader_make_room(rondo_reader *r, size_t size)
{
    if (r->room - r->start - r->size >= size)
        return true;
    if (r->start >= r->size && r->room - r->size >= size) {
        memmove(r->bytes, r->bytes + r->start, r->size);
        r->start = 0;
        return true;
    }
    size_t room = r->start + r->size + size;
    if (room < 2 * r->room)
        room = 2 * r->room;
    char *bytes = loop_realloc(r->loop, r->bytes, room);
    if (!bytes)
        return false;
    r->bytes = bytes;
    r->room = room;
    return true;
}

void reader_consume(rondo_reader *r, size_t size)
{
    r->start += size;
    r->size -= size;
    if (!r->size)
        r->start = 0;
}

/* ---- the separator ---- */

/* Knuth, Morris, Pratt: no byte is looked at again, whatever the separator. */
static void learn(rondo_reader *r)
{
    const unsigned char *s = r->separator;
    size_t known = 0;
    r->shorter[0] = 0;
    for (size_t i = 1; i < r->separator_size; i++) {
        while (known && s[i] != s[known])
            known = r->shorter[known - 1];
        if (s[i] == s[known])
            known++;
        r->shorter[i] = known;
    }
}

bool reader_set_separator(rondo_reader *r, const void *separator, size_t size)
{
    if (size == r->separator_size && !memcmp(r->separator, separator, size))
        return true;
    if (size > r->separator_room) {
        unsigned char *bytes = loop_realloc(r->loop, r->separator, size);
        if (bytes)
            r->separator = bytes;
        size_t *shorter =
            loop_realloc(r->loop, r->shorter, size * sizeof *shorter);
        if (shorter)
            r->shorter = shorter;
        if (!bytes || !shorter)
            return false;
        r->separator_room = size;
    }
    memcpy(r->separator, separator, size);
    r->separator_size = size;
    learn(r);
    return true;
}

/* True: the separator ends where the search has come to. */
static bool search(rondo_reader *r)
{
    if (r->scanned == r->size)
        return false; /* where there may be no bytes at all */
    const unsigned char *bytes = (unsigned char *)r->bytes + r->start;
    const unsigned char *s = r->separator;
    while (r->scanned < r->size) {
        if (!r->matched) {
            const unsigned char *at =
                memchr(bytes + r->scanned, s[0], r->size - r->scanned);
            r->scanned = at ? (size_t)(at - bytes) : r->size;
            if (!at)
                return false;
        }
        while (r->matched && bytes[r->scanned] != s[r->matched])
            r->matched = r->shorter[r->matched - 1];
        if (bytes[r->scanned] == s[r->matched])
            r->matched++;
        r->scanned++;
        if (r->matched == r->separator_size)
            return true;
    }
    return false;
}

/* ---- what was asked for ---- */

static bool find_until(rondo_reader *r, struct reader_answer *answer)
{
    bool found = search(r);
    if (r->scanned - r->matched > r->limit) {
        *answer = (struct reader_answer){0, RONDO_ETOOMUCH};
        return true;
    }
    answer->size = r->scanned;
    return found;
}

bool reader_find(rondo_reader *r, struct reader_answer *answer)
{
    bool found = false;
    *answer = (struct reader_answer){0, 0};
    switch (r->wanted) {
    case NOTHING:
        return false;
    case UNTIL:
        found = find_until(r, answer);
        break;
    case EXACTLY:
        found = r->size >= r->exactly;
        answer->size = r->exactly;
        break;
    case SOME:
        found = r->size > 0;
        answer->size = r->size;
        break;
    }
    if (!found && r->ended)
        *answer = (struct reader_answer){r->size, r->ended};
    return found || r->ended;
}
