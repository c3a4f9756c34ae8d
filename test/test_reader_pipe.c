/* test_reader_pipe.c - a reader on half a transport: pipes, files. */
/* SPDX-License-Identifier: MIT */
#include "harness_pipe.h"
#include "harness_reader.h"

/* A reader of that descriptor; the book's plain socket is none. */
static struct book *book_of(struct world *w, raw_fd fd, unsigned flags,
                            size_t limit)
{
    struct book *b = test_alloc(w, sizeof *b);

    b->w = w;
    b->fd = RONDO_NO_FD;
    assert_ok(rondo_reader_new(w->loop, limit, NULL, NULL, &b->reader));
    assert_ok(rondo_connect_read_pipe(
        w->loop, fd, flags, rondo_reader_protocol(), b->reader, NULL));
    test_run_until(w, rondo_reader_transport(b->reader));
    return b;
}

/* Pieces of b->size bytes of the pattern, one behind the other. */
static void check_piece(struct book *b)
{
    if (!b->error)
        assert_true(
            test_matches(b->last, (uint64_t)(b->reads - 1) * b->size, b->size));
}

TEST(S14_lines_of_a_pipe)
{
    raw_fd fds[2];
    struct book *b;

    test_pipe(w, fds);
    b = book_of(w, fds[0], RONDO_PIPE_OWN, 0);
    assert_int_equal(raw_write(fds[1], "one\ntwo\nrest", 12), 12);
    book_read(b, LINE);
    book_read(b, LINE);
    raw_close(fds[1]);
    book_read(b, LINE);
    assert_int_equal(b->error, RONDO_EOF);
    assert_string_equal(b->text, "one\n|two\n|rest|");
    book_end(b);
}

/* The whole interface, in the order of a small protocol: a size, so many
 * bytes, a separator. */
TEST(S14_kinds_mixed_on_a_pipe)
{
    raw_fd fds[2];
    struct book *b;

    test_pipe(w, fds);
    b = book_of(w, fds[0], RONDO_PIPE_OWN, 0);
    b->size = 3;
    b->separator = "--";
    assert_int_equal(raw_write(fds[1], "abcdef--some", 12), 12);
    book_read(b, EXACTLY);
    book_read(b, UNTIL);
    book_read(b, SOME);
    assert_string_equal(b->text, "abc|def--|some|");
    assert_int_equal(b->error, 0);
    raw_close(fds[1]);
    book_read(b, EXACTLY);
    assert_int_equal(b->error, RONDO_EOF);
    book_end(b);
}

/* What nobody asks for stays in the pipe: the writer has to wait. */
TEST(S14_a_full_reader_holds_the_pipe_back)
{
    enum { LIMIT = 1000, PIECE = 500 };
    const uint64_t size =
        UINT64_C(1000000) / (unsigned)test_slowness() / PIECE * PIECE;
    raw_fd fds[2];
    struct book *b;
    struct peer *p;
    uint64_t sent = 0, got = 0;
    unsigned char piece[PIECE];

    test_pipe(w, fds);
    b = book_of(w, fds[0], RONDO_PIPE_OWN, LIMIT);
    b->quiet = true;
    b->on_read = check_piece;
    b->size = PIECE;
    p = test_writer(w, fds[1], RONDO_PIPE_OWN);
    test_run_until(w, p->made);
    while (!rondo_transport_is_writing_paused(p->transport)) {
        test_fill(piece, sent, PIECE);
        assert_true(
            assert_ok(rondo_transport_write(p->transport, piece, PIECE)) <= 1);
        sent += PIECE;
        test_spin(w, 2);
        assert_true(sent < 10000000); /* else nobody is held back */
    }
    while (got < size) {
        if (sent < size && !rondo_transport_is_writing_paused(p->transport)) {
            test_fill(piece, sent, PIECE);
            assert_true(assert_ok(rondo_transport_write(p->transport, piece,
                                                        PIECE)) <= 1);
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
    book_end(b);
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
    book_end(b);
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
    raw_fd fds[2];
    struct book *b;
    struct peer *p;

    test_pipe(w, fds);
    b = book_of(w, fds[0], RONDO_PIPE_OWN, 0);
    p = test_writer(w, fds[1], RONDO_PIPE_OWN);
    test_run_until(w, p->made);
    assert_ok(rondo_transport_write(p->transport, "no line", 7));
    book_begin(b, LINE);
    test_spin(w, 3);
    book_end(b);
    test_run_until(w, writes_to_nobody(p));
    assert_int_equal(b->reads, 0);
}

/* Nothing can be written there, so nothing has to be waited for. */
TEST(S14_drain_does_not_matter_on_a_pipe)
{
    raw_fd fds[2];
    struct book *b;

    test_pipe(w, fds);
    b = book_of(w, fds[0], RONDO_PIPE_OWN, 0);
    rondo_reader_set_drain(b->reader, true);
    assert_int_equal(raw_write(fds[1], "x\n", 2), 2);
    book_read(b, LINE);
    assert_string_equal(b->text, "x\n|");
    raw_close(fds[1]);
    book_read(b, LINE);
    assert_int_equal(b->error, RONDO_EOF);
    book_end(b);
}
