/* test_reader_pipe.c - a reader on half a transport: pipes, files. */
/* SPDX-License-Identifier: MIT */
#include "harness_pipe.h"
#include "harness_plain.h"
#include "harness_reader.h"

/* A reader of that descriptor; the book's plain socket is none. */
static struct book *book_of(struct world *w, raw_fd fd, unsigned flags,
                            size_t limit)
{
    struct book *b = test_alloc(w, sizeof *b);

    book_open(w, b, limit, NULL, NULL);
    assert_ok(rondo_connect_read_pipe(
        w->loop, fd, flags, rondo_reader_protocol(), b->reader, NULL));
    test_run_until(w, rondo_reader_transport(b->reader));
    return b;
}

/* A reader of a pipe, and the end that is written to. */
static struct book *pipe_book(struct world *w, size_t limit, raw_fd *writer)
{
    raw_fd fds[2];

    test_pipe(w, fds);
    *writer = fds[1];
    return book_of(w, fds[0], RONDO_PIPE_OWN, limit);
}

/* Pieces of b->size bytes of the pattern, one behind the other. */
static void check_piece(struct book *b)
{
    if (!b->error)
        assert_true(
            test_matches(b->last, (uint64_t)(b->reads - 1) * b->size, b->size));
}

TEST(S14_what_each_kind_of_read_takes_of_a_pipe)
{
    static const struct {
        const char *name, *sent, *kinds, *text, *last, *at_the_end;
        bool drain; /* nothing can be written there: it does not matter */
    } rows[] = {
        {"lines", "one\ntwo\nrest", "LL", "one\n|two\n|", "L",
         "one\n|two\n|rest|", false},
        {"a small protocol", "abcdef--some", "EUS", "abc|def--|some|", "E",
         "abc|def--|some||", false},
        {"a line, with drain", "x\n", "L", "x\n|", "L", "x\n||", true},
    };

    for (EACH_ROW(w, row, rows)) {
        raw_fd writer;
        struct book *b = pipe_book(w, 0, &writer);

        b->size = 3;
        b->separator = "--";
        rondo_reader_set_drain(b->reader, row->drain);
        assert_int_equal(raw_write(writer, row->sent, strlen(row->sent)),
                         strlen(row->sent));
        book_reads(b, row->kinds);
        assert_string_equal(b->text, row->text);
        assert_int_equal(b->error, 0);
        raw_close(writer);
        book_reads(b, row->last);
        assert_int_equal(b->error, RONDO_EOF);
        assert_string_equal(b->text, row->at_the_end);
        book_free(b);
    }
}

/* What nobody asks for stays in the pipe: the writer has to wait. */
TEST_LEAVES(S14_a_full_reader_holds_the_pipe_back)
{
    enum { LIMIT = 1000, PIECE = 500 };
    const uint64_t size =
        UINT64_C(1000000) / (unsigned)test_slowness() / PIECE * PIECE;
    uint64_t sent = 0, got = 0;
    raw_fd writer;
    struct book *b = pipe_book(w, LIMIT, &writer);
    struct peer *p = test_writer(w, writer, RONDO_PIPE_OWN);

    b->quiet = true;
    b->on_read = check_piece;
    b->size = PIECE;
    test_run_until(w, p->made);
    for (; !rondo_transport_is_writing_paused(p->transport); sent += PIECE) {
        (void)peer_write(p, sent, PIECE);
        test_spin(w, 2);
        assert_true(sent < 10000000); /* else nobody is held back */
    }
    while (got < size) {
        if (sent < size && !rondo_transport_is_writing_paused(p->transport)) {
            (void)peer_write(p, sent, PIECE);
            sent += PIECE;
        }
        if (got == sent)
            continue;
        book_read(b, EXACTLY);
        assert_int_equal(b->last_size, PIECE);
        got += PIECE;
    }
    rondo_transport_abort(p->transport);
    test_run_until(w, p->lost);
}

TEST(S14_a_file_in_pieces)
{
    enum { SIZE = 200000, PIECE = 20000 };
    struct book *b;

    test_need_pipes(w);
    b = book_of(w, test_file(w, SIZE), RONDO_PIPE_FILE, 0);
    b->quiet = true;
    b->on_read = check_piece;
    b->size = PIECE;
    for (int i = 0; i < SIZE / PIECE; i++) {
        book_read(b, EXACTLY);
        assert_int_equal(b->error, 0);
        assert_int_equal(b->last_size, PIECE);
    }
    book_read(b, SOME);
    assert_int_equal(b->error, RONDO_EOF);
    assert_int_equal(b->last_size, 0);
}

/* Not every system tells a writer of that before it writes. */
static bool writes_to_nobody(struct peer *p)
{
    if (!p->lost)
        (void)rondo_transport_write(p->transport, "x", 1);
    return p->lost > 0;
}

/* The writer hears of it as of any reader's end. */
TEST(S14_freeing_a_reader_closes_the_pipe)
{
    raw_fd writer;
    struct book *b = pipe_book(w, 0, &writer);
    struct peer *p = test_writer(w, writer, RONDO_PIPE_OWN);

    test_run_until(w, p->made);
    assert_ok(rondo_transport_write(p->transport, "no line", 7));
    book_begin(b, LINE);
    test_spin(w, 3);
    book_free(b);
    test_run_until(w, writes_to_nobody(p));
    assert_int_equal(b->reads, 0);
}
