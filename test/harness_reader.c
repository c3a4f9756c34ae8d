/* harness_reader.c - a reader whose reads are written down. */
/* SPDX-License-Identifier: MIT */
#include "harness_reader.h"

void book_done(rondo_reader *reader, void *arg, const void *data, size_t size,
               int error)
{
    struct book *b = arg;
    size_t used = strlen(b->text);

    assert_ptr_equal(reader, b->reader);
    assert_non_null(data);
    b->reads++;
    b->error = error;
    b->last = data;
    b->last_size = size;
    if (error)
        (void)snprintf(b->last_error, sizeof b->last_error, "%s",
                       rondo_last_error());
    if (!b->quiet)
        (void)snprintf(b->text + used, sizeof b->text - used, "%.*s|",
                       (int)size, (const char *)data);
    if (b->on_read)
        b->on_read(b);
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct book *b = self;

    (void)t;
    b->lost++;
    b->lost_error = error;
    if (b->on_lost)
        b->on_lost(b);
}

struct book *test_book_with(struct world *w, size_t limit,
                            const rondo_protocol *protocol, void *self,
                            int buffer_bytes)
{
    static const rondo_protocol counting = {.connection_lost = lost};
    struct book *b = test_alloc(w, sizeof *b);
    raw_fd fds[2];

    b->w = w;
    assert_ok(rondo_reader_new(w->loop, limit, protocol ? protocol : &counting,
                               protocol ? self : b, &b->reader));
    assert_int_equal(raw_pair_small(fds, buffer_bytes), 0);
    assert_ok(rondo_connect_accepted_socket(
        w->loop, fds[0], rondo_reader_protocol(), b->reader, NULL));
    b->fd = fds[1];
    test_run_until(w, rondo_reader_transport(b->reader));
    return b;
}

struct book *test_book(struct world *w, size_t limit)
{
    return test_book_with(w, limit, NULL, NULL, 0);
}

void book_end(struct book *b)
{
    rondo_reader_free(b->reader);
    b->reader = NULL;
    if (b->fd != RONDO_NO_FD)
        raw_close(b->fd);
}

void book_send(struct book *b, const char *text)
{
    assert_true(raw_send_all(b->fd, text, strlen(text), 1000));
}

void book_begin(struct book *b, enum book_kind kind)
{
    if (kind == LINE)
        assert_ok(rondo_read_line(b->reader, book_done, b));
    else if (kind == EXACTLY)
        assert_ok(rondo_read_exactly(b->reader, b->size, book_done, b));
    else if (kind == SOME)
        assert_ok(rondo_read_some(b->reader, book_done, b));
    else
        assert_ok(rondo_read_until(b->reader, b->separator,
                                   strlen(b->separator), book_done, b));
}

void book_read(struct book *b, enum book_kind kind)
{
    unsigned before = b->reads;

    book_begin(b, kind);
    test_run_until(b->w, b->reads > before);
}
