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

void book_free(struct book *b)
{
    rondo_reader_free(b->reader);
    b->reader = NULL;
}

static void free_at_last(void *arg)
{
    book_free(arg);
}

void book_open(struct world *w, struct book *b, size_t limit,
               const rondo_protocol *protocol, void *self)
{
    b->w = w;
    b->fd = RONDO_NO_FD;
    assert_ok(rondo_reader_new(w->loop, limit, protocol, self, &b->reader));
    test_at_end(w, free_at_last, b);
}

struct book *test_book_with(struct world *w, size_t limit,
                            const rondo_protocol *protocol, void *self,
                            int buffer_bytes)
{
    static const rondo_protocol counting = {.connection_lost = lost};
    struct book *b = test_alloc(w, sizeof *b);
    raw_fd fds[2];

    book_open(w, b, limit, protocol ? protocol : &counting,
              protocol ? self : b);
    assert_int_equal(raw_pair_small(fds, buffer_bytes), 0);
    assert_ok(rondo_connect_accepted_socket(
        w->loop, fds[0], rondo_reader_protocol(), b->reader, NULL));
    b->fd = test_own(w, fds[1]);
    test_run_until(w, rondo_reader_transport(b->reader));
    return b;
}

struct book *test_book(struct world *w, size_t limit)
{
    return test_book_with(w, limit, NULL, NULL, 0);
}

void book_close(struct book *b)
{
    test_close_own(b->w, b->fd);
    b->fd = RONDO_NO_FD;
}

void book_reset(struct book *b)
{
    test_reset_own(b->w, b->fd);
    b->fd = RONDO_NO_FD;
}

void book_send(struct book *b, const char *text)
{
    assert_true(raw_send_all(b->fd, text, strlen(text), 1000));
}

void book_send_slowly(struct book *b, const char *text)
{
    for (; *text; text++) {
        assert_true(raw_send_all(b->fd, text, 1, 1000));
        test_spin(b->w, 2);
    }
}

void book_has(struct book *b, size_t size)
{
    test_run_until(b->w, rondo_reader_buffered(b->reader) == size);
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

void book_reads(struct book *b, const char *kinds)
{
    static const char letters[] = "LUES";

    for (; *kinds; kinds++)
        book_read(b, (enum book_kind)(strchr(letters, *kinds) - letters));
}
