/* test_reader_end.c - limits, ends, losses, and freeing a reader. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"
#include "harness_reader.h"

static rondo_transport *transport(const struct book *b)
{
    return rondo_reader_transport(b->reader);
}

/* ---- the loop's close --------------------------------------------------- */

static int begun; /* how the last read was begun */

static void read_on_for_ever(struct book *b)
{
    begun = rondo_read_line(b->reader, book_done, b);
}

/* A program that reads on after the end does not hold it up. */
TEST(L5_a_next_read_while_the_loop_closes_is_refused)
{
    struct book *b = test_book(w, 0);

    b->quiet = true;
    b->on_read = read_on_for_ever;
    book_close(b);
    book_begin(b, LINE);
    test_run_until(w, b->lost && b->reads > 1000);
    assert_int_equal(begun, 0);
    test_close_loop(w);
    assert_int_equal(begun, RONDO_ECLOSED);
}

/* ---- the limit ---------------------------------------------------------- */

TEST_LEAVES(S14_over_the_limit_nothing_is_consumed)
{
    struct book *b = test_book(w, 10);

    book_send(b, "0123456789a\nbc");
    book_read(b, LINE);
    assert_int_equal(b->error, RONDO_ETOOMUCH);
    assert_int_equal(b->last_size, 0);
    assert_non_null(strstr(b->last_error, "10"));
    assert_int_equal(rondo_reader_buffered(b->reader), 14);
    b->size = 2;
    book_reads(b, "EL"); /* and the reader goes on */
    assert_string_equal(b->text, "|01|23456789a\n|");
    assert_int_equal(b->error, 0);
}

TEST_LEAVES(S14_at_the_limit_it_is_taken)
{
    struct book *b = test_book(w, 10);

    b->separator = "\r\n";
    b->size = 10;
    book_send(b, "0123456789\r\n");
    book_read(b, UNTIL);
    book_send(b, "0123456789");
    book_read(b, EXACTLY);
    assert_string_equal(b->text, "0123456789\r\n|0123456789|");
    assert_int_equal(b->error, 0);
    assert_error(rondo_read_exactly(b->reader, 11, book_done, b),
                 RONDO_ETOOMUCH);
}

/* told as soon as it is certain, without a separator */
TEST_LEAVES(S14_too_much_without_a_separator)
{
    struct book *b = test_book(w, 10);

    b->separator = "ab";
    book_begin(b, UNTIL);
    book_send(b, "0123456789"); /* the separator may still begin here */
    test_spin(w, 5);
    book_send(b, "a");
    test_spin(w, 5);
    assert_int_equal(b->reads, 0);
    book_send(b, "c");
    test_run_until(w, b->reads);
    assert_int_equal(b->error, RONDO_ETOOMUCH);
    assert_int_equal(rondo_reader_buffered(b->reader), 12);
}

TEST_LEAVES(S14_the_default_limit_is_64_KiB)
{
    struct book *b = test_book(w, 0);
    char *much = test_alloc(w, 65537);

    memset(much, 'x', 65536);
    much[65536] = '\n';
    b->quiet = true;
    book_begin(b, LINE);
    test_spin(w, 1);
    assert_true(raw_send_all(b->fd, much, 65537, 5000));
    test_run_until(w, b->reads);
    assert_int_equal(b->error, 0);
    assert_int_equal(b->last_size, 65537);
    assert_error(rondo_read_exactly(b->reader, 65537, book_done, b),
                 RONDO_ETOOMUCH);
}

TEST_LEAVES(S14_reading_pauses_above_twice_the_limit)
{
    enum { LIMIT = 1000, MUCH = 3000000 };
    struct book *b = test_book_with(w, LIMIT, NULL, NULL, 8192);
    size_t sent = 0, buffered;
    char piece[1000] = "";
    ptrdiff_t n;

    for (int idle = 0; idle < 50; idle++) {
        n = raw_send(b->fd, piece, sizeof piece);
        if (n > 0) {
            sent += (size_t)n;
            idle = 0;
        }
        test_spin(w, 1);
        assert_true(sent < MUCH);
    }
    buffered = rondo_reader_buffered(b->reader);
    assert_true(buffered > 2 * LIMIT && buffered <= 2 * LIMIT + 65536);
    assert_false(rondo_transport_is_reading(transport(b)));
    assert_true(test_run_for(w, RONDO_MS(20)) <= 10); /* it costs no CPU */
    b->quiet = true;
    b->size = LIMIT;
    while (buffered > LIMIT) {
        assert_false(rondo_transport_is_reading(transport(b)));
        book_read(b, EXACTLY);
        buffered -= LIMIT;
    }
    assert_true(rondo_transport_is_reading(transport(b)));
    test_run_until(w, rondo_reader_buffered(b->reader) > 2 * LIMIT);
}

/* More than the limit is there, and a separator has begun within it. */
TEST_LEAVES(S14_a_read_that_waits_is_not_paused)
{
    struct book *b = test_book(w, 8);

    book_send(b, "12345678abcdefgh\r");
    book_has(b, 17);
    assert_false(rondo_transport_is_reading(transport(b)));
    b->size = 8;
    book_read(b, EXACTLY);
    b->separator = "\r\n";
    book_begin(b, UNTIL);
    book_send(b, "\n");
    test_run_until(w, b->reads == 2);
    assert_string_equal(b->text, "12345678|abcdefgh\r\n|");
}

/* A separator may be longer than twice the limit. */
TEST_LEAVES(S14_a_long_separator_is_not_paused)
{
    struct book *b = test_book(w, 4);

    b->separator = "a separator of thirty-one bytes";
    book_begin(b, UNTIL);
    book_send(b, "four");
    book_send_slowly(b, b->separator);
    test_run_until(w, b->reads == 1);
    assert_int_equal(b->error, 0);
    assert_int_equal(b->last_size, 35);
}

/* ---- ends --------------------------------------------------------------- */

TEST(S14_EOF_comes_with_what_was_left_for_each_kind)
{
    for (int kind = LINE; kind <= SOME; kind++) {
        struct book *b = test_book(w, 0);

        b->separator = ";;";
        b->size = 4;
        book_begin(b, (enum book_kind)kind);
        if (kind != SOME)
            book_send(b, "ab;");
        raw_shutdown_write(b->fd);
        test_run_until(w, b->reads);
        assert_int_equal(b->error, RONDO_EOF);
        assert_string_equal(b->text, kind == SOME ? "|" : "ab;|");
        assert_non_null(strstr(b->last_error, "end"));
        book_read(b, (enum book_kind)kind);
        assert_int_equal(b->error, RONDO_EOF);
        assert_int_equal(b->last_size, 0);
    }
}

/* what is complete comes before the end, though the end is there already */
TEST(S14_complete_reads_come_before_EOF)
{
    struct book *b = test_book(w, 0);

    book_send(b, "one\ntwo");
    book_close(b);
    book_has(b, 7);
    test_spin(w, 10);
    book_read(b, LINE);
    assert_int_equal(b->error, 0);
    book_read(b, LINE);
    assert_int_equal(b->error, RONDO_EOF);
    assert_string_equal(b->text, "one\n|two|");
    test_run_until(w, b->lost);
    book_read(b, SOME); /* also when the connection is gone */
    assert_int_equal(b->error, RONDO_EOF);
}

static void check_read_before_lost(struct book *b)
{
    assert_int_equal(b->reads, 1);
}

TEST(S14_a_reset_is_the_reads_error)
{
    struct book *b = test_book(w, 0);

    b->on_lost = check_read_before_lost;
    book_begin(b, LINE);
    book_send(b, "part");
    book_has(b, 4);
    book_reset(b);
    test_run_until(w, b->lost);
    assert_int_equal(b->error, RONDO_ECONNRESET);
    assert_string_equal(b->text, "part|");
    assert_non_null(strstr(b->last_error, "127.0.0.1"));
    book_read(b, SOME);
    assert_int_equal(b->error, RONDO_ECONNRESET);
    assert_non_null(strstr(b->last_error, "ECONNRESET"));
}

TEST(S14_close_and_abort_end_the_read)
{
    struct book *b = test_book(w, 0), *c = test_book(w, 0);

    book_begin(b, LINE);
    book_begin(c, LINE);
    rondo_transport_close(transport(b));
    rondo_transport_abort(transport(c));
    test_run_until(w, b->lost && c->lost);
    assert_int_equal(b->error, RONDO_EOF);
    assert_int_equal(b->lost_error, 0);
    assert_int_equal(c->error, RONDO_ECANCELED);
    assert_int_equal(c->lost_error, RONDO_ECANCELED);
}

/* ---- freeing ------------------------------------------------------------ */

TEST(S14_freed_inside_its_own_callback)
{
    struct book *b = test_book(w, 0);

    b->on_read = book_free;
    book_send(b, "one\ntwo\n");
    book_read(b, LINE);
    assert_string_equal(b->text, "one\n|");
    book_close(b);
    test_run_until(w, b->lost); /* the program's protocol still hears it */
    assert_int_equal(b->reads, 1);
}

TEST(S14_freed_inside_the_callback_of_an_end)
{
    struct book *b = test_book(w, 0), *c = test_book(w, 0);

    b->on_read = c->on_read = book_free;
    book_begin(b, LINE);
    book_begin(c, LINE);
    raw_shutdown_write(b->fd); /* EOF: nobody keeps it open */
    book_reset(c);
    test_run_until(w, b->lost && c->lost);
    assert_int_equal(b->lost_error, 0);
    assert_int_equal(c->lost_error, RONDO_ECONNRESET);
}

TEST(S14_freed_in_connection_lost)
{
    struct book *b = test_book(w, 0);

    b->on_lost = book_free;
    book_begin(b, LINE);
    rondo_transport_abort(transport(b));
    test_run_until(w, b->lost);
    assert_null(b->reader);
    assert_int_equal(b->reads, 1);
}

/* between the call and its callback */
TEST_LEAVES(S14_freed_before_the_callback)
{
    struct book *b = test_book(w, 0);

    book_send(b, "line\n");
    book_has(b, 5);
    book_begin(b, LINE);
    book_free(b);
    test_spin(w, 5);
    assert_int_equal(b->reads, 0);
    assert_int_equal(b->lost, 0);
}

TEST(S14_freed_after_the_loop)
{
    struct book *b = test_book(w, 0);

    book_begin(b, LINE);
    test_close_loop(w);
    assert_int_equal(b->error, RONDO_ECLOSED);
    assert_int_equal(b->lost, 1);
}

TEST(S14_a_reader_that_never_had_a_connection)
{
    struct book *b = test_alloc(w, sizeof *b);

    book_open(w, b, 0, NULL, NULL);
    assert_null(transport(b));
    book_begin(b, LINE);
    test_spin(w, 3);
    assert_int_equal(b->reads, 0);
}

/* what nobody took is the program's protocol's then */
TEST(S14_freeing_hands_the_rest_on)
{
    struct peer *p = test_peer(w);
    struct book *b = test_book_with(w, 0, &recorder, p, 0);

    b->on_read = book_free;
    book_send(b, "upgrade\nraw ");
    book_read(b, LINE);
    test_run_until(w, p->bytes == 4);
    book_send(b, "bytes");
    test_run_until(w, p->bytes == 9);
    assert_memory_equal(p->captured, "raw bytes", 9);
    assert_string_equal(p->order, "Md");
    book_close(b);
    test_run_until(w, p->lost);
}

/* freed while too much is there: reading goes on */
TEST_LEAVES(S14_freeing_a_paused_reader)
{
    struct peer *p = test_peer(w);
    struct book *b = test_book_with(w, 10, &recorder, p, 0);

    test_send_raw(w, b->fd, 0, 100);
    test_run_until(w, rondo_reader_buffered(b->reader) > 20);
    book_free(b);
    test_run_until(w, p->bytes == 100);
    test_send_raw(w, b->fd, 100, 100);
    test_run_until(w, p->bytes == 200);
    peer_got(p, 200);
}
