/* harness_reader.h - a reader whose reads are written down.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_READER_H
#define RONDO_TEST_HARNESS_READER_H

#include "harness.h"

enum { BOOK_TEXT = 400 };
enum book_kind { LINE, UNTIL, EXACTLY, SOME };

/* A reader on one end of a connection, the plain socket is the other; the end
 * of the test frees and closes them. */
struct book {
    struct world *w;
    rondo_reader *reader;
    raw_fd fd;             /* RONDO_NO_FD: closed */
    const char *separator; /* for UNTIL */
    size_t size;           /* for EXACTLY */
    unsigned reads, lost;
    int error, lost_error;
    char last_error[256];
    char text[BOOK_TEXT]; /* what the reads gave, a '|' behind each */
    const void *last;     /* the last one's, inside on_read only */
    size_t last_size;
    bool quiet; /* writes no text */
    void (*on_read)(struct book *b);
    void (*on_lost)(struct book *b);
};

/* limit 0: the default; a protocol of its own, which counts lost */
struct book *test_book(struct world *w, size_t limit);
struct book *test_book_with(struct world *w, size_t limit,
                            const rondo_protocol *protocol, void *self,
                            int buffer_bytes);
/* The reader alone, without a connection. */
void book_open(struct world *w, struct book *b, size_t limit,
               const rondo_protocol *protocol, void *self);
void book_free(struct book *b); /* the reader, now */
/* The plain socket closes, resets, sends; slowly: a byte at a time. */
void book_close(struct book *b);
void book_reset(struct book *b);
void book_send(struct book *b, const char *text);
void book_send_slowly(struct book *b, const char *text);
/* Runs until the reader has buffered that much. */
void book_has(struct book *b, size_t size);
void book_begin(struct book *b, enum book_kind kind);
void book_read(struct book *b, enum book_kind kind); /* and waits for it */
/* Several, a letter each: L, U, E, S. */
void book_reads(struct book *b, const char *kinds);
void book_done(rondo_reader *reader, void *arg, const void *data, size_t size,
               int error);

#endif
