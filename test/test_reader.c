/* test_reader.c - reading by line, by size, and whatever comes. */
/* SPDX-License-Identifier: MIT */
#include "harness_reader.h"

/* ---- each kind of read -------------------------------------------------- */

TEST(S14_lines)
{
    struct book *b = test_book(w, 0);

    book_send(b, "one\ntwo\n\nrest");
    for (int i = 0; i < 3; i++)
        book_read(b, LINE);
    assert_string_equal(b->text, "one\n|two\n|\n|");
    assert_int_equal(b->error, 0);
    assert_int_equal(rondo_reader_buffered(b->reader), 4);
    book_end(b);
}

TEST(S14_a_separator_of_several_bytes)
{
    struct book *b = test_book(w, 0);

    b->separator = "\r\n\r\n";
    book_send(b, "a\r\nb\r\n\r\nc\r\r\n\r\n");
    book_read(b, UNTIL);
    book_read(b, UNTIL);
    assert_string_equal(b->text, "a\r\nb\r\n\r\n|c\r\r\n\r\n|");
    book_end(b);
}

/* the start of the separator is found again inside a start that failed */
TEST(S14_a_separator_that_overlaps_itself)
{
    struct book *b = test_book(w, 0);

    b->separator = "aab";
    book_send(b, "aaab");
    book_read(b, UNTIL);
    b->separator = "abcabd";
    book_send(b, "abcabcabd");
    book_read(b, UNTIL);
    b->separator = "aa";
    book_send(b, "aaa");
    book_read(b, UNTIL);
    assert_string_equal(b->text, "aaab|abcabcabd|aa|");
    assert_int_equal(rondo_reader_buffered(b->reader), 1);
    book_end(b);
}

TEST(S14_a_separator_across_chunks)
{
    struct book *b = test_book(w, 0);

    b->separator = "END";
    book_begin(b, UNTIL);
    book_send(b, "xE");
    book_send(b, "NE");
    book_send(b, "N");
    test_spin(w, 5);
    assert_int_equal(b->reads, 0);
    book_send(b, "Dmore");
    test_run_until(w, b->reads == 1);
    assert_string_equal(b->text, "xENEND|");
    book_end(b);
}

TEST(S14_exactly)
{
    struct book *b = test_book(w, 0);

    b->size = 5;
    book_send(b, "123456789");
    book_read(b, EXACTLY);
    book_begin(b, EXACTLY);
    test_spin(w, 5);
    assert_int_equal(b->reads, 1);
    book_send(b, "0");
    test_run_until(w, b->reads == 2);
    assert_string_equal(b->text, "12345|67890|");
    book_end(b);
}

TEST(S14_exactly_nothing)
{
    struct book *b = test_book(w, 0);

    b->size = 0;
    book_read(b, EXACTLY);
    assert_string_equal(b->text, "|");
    assert_int_equal(b->error, 0);
    book_end(b);
}

TEST(S14_some)
{
    struct book *b = test_book(w, 0);

    book_begin(b, SOME);
    test_spin(w, 5);
    assert_int_equal(b->reads, 0);
    book_send(b, "abc");
    test_run_until(w, b->reads == 1);
    book_send(b, "de");
    test_run_until(w, rondo_reader_buffered(b->reader) == 2);
    book_send(b, "f");
    test_run_until(w, rondo_reader_buffered(b->reader) == 3);
    book_read(b, SOME);
    assert_string_equal(b->text, "abc|def|");
    book_end(b);
}

TEST(S14_kinds_mixed)
{
    struct book *b = test_book(w, 0);

    book_send(b, "5\nhello;rest");
    book_read(b, LINE);
    b->size = 5;
    book_read(b, EXACTLY);
    b->separator = ";";
    book_read(b, UNTIL);
    book_read(b, SOME);
    assert_string_equal(b->text, "5\n|hello|;|rest|");
    book_end(b);
}

TEST(S14_one_byte_pieces)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\nbody";
    struct book *b = test_book(w, 0);

    b->separator = "\r\n\r\n";
    book_begin(b, UNTIL);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        assert_true(raw_send_all(b->fd, text + i, 1, 1000));
        test_spin(w, 2);
    }
    test_run_until(w, b->reads == 1);
    assert_string_equal(b->text, "GET / HTTP/1.1\r\nHost: x\r\n\r\n|");
    b->size = 4;
    book_read(b, EXACTLY);
    book_end(b);
}

/* NUL bytes and bytes above 127 are bytes */
TEST(S14_any_byte)
{
    struct book *b = test_book(w, 0);
    static const char data[] = {'a', 0, '\xff', 0, '\xff', '\xfe'};

    assert_true(raw_send_all(b->fd, data, sizeof data, 1000));
    assert_ok(rondo_read_until(b->reader, "\xff\xfe", 2, book_done, b));
    test_run_until(w, b->reads);
    assert_int_equal(b->last_size, 6);
    assert_memory_equal(b->last, data, 6);
    book_end(b);
}

/* ---- who is called when ------------------------------------------------- */

TEST(S14_no_callback_inside_the_call)
{
    struct book *b = test_book(w, 0);

    book_send(b, "one\ntwo\n");
    test_run_until(w, rondo_reader_buffered(b->reader) == 8);
    book_begin(b, LINE);
    assert_int_equal(b->reads, 0); /* though it is there */
    test_spin(w, 1);
    assert_int_equal(b->reads, 1);
    book_end(b);
}

static void read_again(struct book *b)
{
    unsigned before = b->reads;

    if (b->error == 0)
        book_begin(b, LINE);
    assert_int_equal(b->reads, before); /* not inside the call, here neither */
}

TEST(S14_reads_begun_inside_the_callback)
{
    struct book *b = test_book(w, 0);

    b->on_read = read_again;
    book_begin(b, LINE);
    book_send(b, "1\n22\n333\n");
    test_run_until(w, b->reads == 3);
    book_send(b, "4\n");
    raw_shutdown_write(b->fd);
    test_run_until(w, b->lost);
    assert_string_equal(b->text, "1\n|22\n|333\n|4\n||");
    assert_int_equal(b->error, RONDO_EOF);
    book_end(b);
}

/* many lines at once do not keep the loop from other things */
TEST(L1_a_flood_of_lines_is_bounded)
{
    enum { LINES = 20000 };
    struct book *b = test_book(w, 0);
    char *much = test_alloc(w, LINES);
    unsigned before, most = 0;

    memset(much, '\n', LINES);
    assert_true(raw_send_all(b->fd, much, LINES, 1000));
    test_run_until(w, rondo_reader_buffered(b->reader) == LINES);
    b->on_read = read_again;
    b->quiet = true;
    book_begin(b, LINE);
    while (b->reads < LINES) {
        before = b->reads;
        test_spin(w, 1);
        most = b->reads - before > most ? b->reads - before : most;
    }
    assert_true(most <= 1000);
    book_end(b);
}

TEST(S14_one_read_at_a_time)
{
    struct book *b = test_book(w, 0);

    book_begin(b, LINE);
    assert_error(rondo_read_line(b->reader, book_done, b), RONDO_EBUSY);
    assert_error(rondo_read_some(b->reader, book_done, b), RONDO_EBUSY);
    assert_error(rondo_read_exactly(b->reader, 1, book_done, b), RONDO_EBUSY);
    assert_error(rondo_read_until(b->reader, "x", 1, book_done, b),
                 RONDO_EBUSY);
    book_send(b, "line\n");
    test_run_until(w, b->reads == 1);
    assert_string_equal(b->text, "line\n|");
    book_end(b);
}

TEST(S14_wrong_calls_are_EINVAL)
{
    struct book *b = test_book(w, 0);
    rondo_reader *none = NULL;

    assert_einval(rondo_reader_new(NULL, 0, NULL, NULL, &none));
    assert_einval(rondo_reader_new(w->loop, 0, NULL, NULL, NULL));
    assert_einval(rondo_reader_new(w->loop, SIZE_MAX, NULL, NULL, &none));
    rondo_reader_free(NULL);
    assert_null(rondo_reader_transport(NULL));
    assert_int_equal(rondo_reader_buffered(NULL), 0);
    assert_einval(rondo_read_line(NULL, book_done, b));
    assert_einval(rondo_read_line(b->reader, NULL, b));
    assert_einval(rondo_read_some(b->reader, NULL, b));
    assert_einval(rondo_read_exactly(b->reader, 1, NULL, b));
    assert_einval(rondo_read_until(b->reader, NULL, 1, book_done, b));
    assert_einval(rondo_read_until(b->reader, "x", 0, book_done, b));
    book_send(b, "line\n"); /* none of them is under way */
    book_read(b, LINE);
    book_end(b);
}

/* ---- its protocol ------------------------------------------------------- */

TEST(S14_the_programs_protocol_hears_the_rest)
{
    struct peer *p = test_peer(w);
    struct book *b = test_book_with(w, 0, &recorder, p, 8192);
    rondo_transport *t = rondo_reader_transport(b->reader);

    assert_ptr_equal(p->transport, t);
    p->keep_open = true;
    p->go_on = true;
    (void)test_fill_transport(w, p);
    assert_ok(rondo_transport_set_write_buffer_limits(t, 1, 0));
    test_run_until(w, p->pauses == 1);
    assert_ok(rondo_transport_set_timeouts(t, RONDO_MS(1), 0));
    test_run_until(w, p->timeouts);
    assert_ok(rondo_transport_set_timeouts(t, 0, 0));
    book_send(b, "data");
    raw_shutdown_write(b->fd);
    test_run_until(w, p->eof);
    assert_int_equal(p->bytes, 0);
    book_read(b, SOME);
    assert_string_equal(b->text, "data|");
    raw_reset(b->fd);
    b->fd = RONDO_NO_FD;
    (void)rondo_transport_write(t, "x", 1);
    test_run_until(w, p->lost);
    assert_null(rondo_reader_transport(b->reader));
    assert_int_equal(p->order[0], 'M');
    book_end(b);
}

static void answer_and_close(struct book *b)
{
    rondo_transport *t = rondo_reader_transport(b->reader);

    if (b->error == 0)
        assert_ok(rondo_transport_write(t, b->last, b->last_size));
    book_begin(b, LINE);
}

/* what came before the end is answered, though the peer has shut its side */
TEST(S14_the_end_closes_when_it_has_been_told)
{
    struct book *b = test_book(w, 0);
    char got[8];

    book_send(b, "one\ntwo\n");
    raw_shutdown_write(b->fd);
    test_spin(w, 20);
    assert_int_equal(b->lost, 0);
    b->on_read = answer_and_close;
    book_begin(b, LINE);
    test_run_until(w, b->lost);
    assert_true(raw_recv_exact(b->fd, got, 8, 1000));
    assert_memory_equal(got, "one\ntwo\n", 8);
    assert_int_equal(raw_recv(b->fd, got, 1, 1000), 0);
    assert_int_equal(b->lost_error, 0);
    book_end(b);
}

static void line_until_error(struct book *b)
{
    if (!b->error)
        book_begin(b, LINE);
}

static void all_told(struct book *b)
{
    assert_int_equal(b->reads, 2001);
    assert_int_equal(b->error, RONDO_ECONNRESET);
    assert_int_equal(rondo_reader_buffered(b->reader), 0);
}

/* More than are told in one dispatch, and the connection breaks behind them. */
TEST(S14_all_is_told_before_a_loss)
{
    enum { LINES = 2000 };
    struct book *b = test_book(w, 0);
    char lines[LINES];

    memset(lines, '\n', sizeof lines);
    assert_true(raw_send_all(b->fd, lines, sizeof lines, 1000));
    test_run_until(w, rondo_reader_buffered(b->reader) == LINES);
    b->quiet = true;
    b->on_read = line_until_error;
    b->on_lost = all_told;
    raw_reset(b->fd);
    b->fd = RONDO_NO_FD;
    book_begin(b, LINE);
    test_run_until(w, b->lost);
    assert_int_equal(b->lost_error, RONDO_ECONNRESET);
    book_end(b);
}
