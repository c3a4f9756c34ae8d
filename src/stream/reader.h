/* reader.h - a reader: the bytes it keeps, and what is asked of them. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_STREAM_READER_H
#define RONDO_STREAM_READER_H

#include "core/loop.h"

/* Twice that and what one read brings must be a size. */
#define READER_LIMIT_MAX (SIZE_MAX / 8)

enum wanted { NOTHING, UNTIL, EXACTLY, SOME };

/* Whom the end of the connection is told, whatever becomes of the reader in the
 * read that hears of it first. */
struct reader_hearer {
    const rondo_protocol *protocol;
    void *self;
};

struct rondo_reader {
    struct task task; /* what is there already is told from the loop */
    rondo_loop *loop;
    rondo_allocator allocator; /* the loop's, which may be gone first */
    rondo_transport *t;        /* NULL: not made yet, or lost */
    const rondo_protocol *protocol;
    void *self;
    rondo_reader_fn connected; /* start_server's; else NULL */
    void *connected_arg;
    size_t limit;
    char *bytes; /* `size` of them from `start` on */
    size_t start, size, room;
    int ended; /* RONDO_EOF or what broke the connection: no more will come */
    /* the read under way */
    enum wanted wanted;
    rondo_read_fn done;
    void *arg;
    size_t exactly;
    size_t scanned; /* bytes that the search has seen */
    size_t matched; /* the last of them are that much of the separator */
    unsigned char *separator;
    size_t *shorter; /* after so many that match: how many still do */
    size_t separator_size, separator_room;
    bool paused;  /* too much is there */
    bool drains;  /* reads wait while writing is paused */
    bool busy;    /* `done` runs */
    bool freed;   /* as soon as nobody looks at it any more */
    bool closing; /* the end is told, and nobody else answers it */
    const rondo_transport *losing; /* while connection_lost runs */
    struct reader_hearer *last;    /* hears the end; NULL: none comes now */
};

#endif
