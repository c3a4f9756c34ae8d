/* test_reader.c - reading by line, by size, and whatever comes. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"
#include "harness_reader.h"

/* ---- each kind of read -------------------------------------------------- */

TEST_LEAVES(S14_what_each_kind_of_read_takes)
{
    static const struct {
        const char *name, *sent, *kinds, *separator;
        size_t size;
        const char *text;
        size_t left;
    } rows[] = {
        {"lines", "one\ntwo\n\nrest", "LLL", NULL, 0, "one\n|two\n|\n|", 4},
        {"a separator of several bytes", "a\r\nb\r\n\r\nc\r\r\n\r\n", "UU",
         "\r\n\r\n", 0, "a\r\nb\r\n\r\n|c\r\r\n\r\n|", 0},
        /* the start is found again inside a start that failed */
        {"one that overlaps itself", "aaab", "U", "aab", 0, "aaab|", 0},
        {"a longer one", "abcabcabd", "U", "abcabd", 0, "abcabcabd|", 0},
        {"one that might begin twice", "aaa", "U", "aa", 0, "aa|", 1},
        {"exactly", "1234567890", "EE", NULL, 5, "12345|67890|", 0},
        {"exactly nothing", "", "E", NULL, 0, "|", 0},
        {"mixed", "5\nhello;rest", "LEUS", ";", 5, "5\n|hello|;|rest|", 0},
    };

    for (EACH_ROW(w, row, rows)) {
        struct book *b = test_book(w, 0);

        b->separator = row->separator;
        b->size = row->size;
        book_send(b, row->sent);
        book_reads(b, row->kinds);
        assert_string_equal(b->text, row->text);
        assert_int_equal(b->error, 0);
        book_has(b, row->left);
    }
}

TEST_LEAVES(S14_a_separator_across_chunks)
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
}

TEST_LEAVES(S14_exactly_waits_for_the_last_byte)
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
}

static void count_nothing(rondo_reader *reader, void *arg, const void *data,
                          size_t size, int error)
{
    (void)reader;
    assert_non_null(data);
    assert_int_equal(size, 0);
    assert_int_equal(error, 0);
    ++*(unsigned *)arg;
}

static void take_five(rondo_reader *reader, void *arg, const void *data,
                      size_t size, int error)
{
    assert_int_equal(error, 0);
    assert_int_equal(size, 5);
    assert_memory_equal(data, "12345", 5);
    assert_int_equal(rondo_reader_buffered(reader), 0);
    assert_ok(rondo_read_exactly(reader, 0, count_nothing, arg));
}

/* Those are not kept; a next read that needs no more bytes is told all the
 * same. */
TEST_LEAVES(S14_just_the_bytes_that_are_asked_for)
{
    struct book *b = test_book(w, 0);
    unsigned *told = test_counter(w);

    assert_ok(rondo_read_exactly(b->reader, 5, take_five, told));
    test_spin(w, 3);
    book_send(b, "12345");
    test_run_until(w, *told);
    book_send(b, "more\n");
    b->size = 0;
    book_read(b, LINE);
    assert_string_equal(b->text, "more\n|");
    assert_int_equal(*told, 1);
}

TEST_LEAVES(S14_some)
{
    struct book *b = test_book(w, 0);

    book_begin(b, SOME);
    test_spin(w, 5);
    assert_int_equal(b->reads, 0);
    book_send(b, "abc");
    test_run_until(w, b->reads == 1);
    book_send(b, "de");
    book_has(b, 2);
    book_send(b, "f");
    book_has(b, 3);
    book_read(b, SOME);
    assert_string_equal(b->text, "abc|def|");
}

TEST_LEAVES(S14_one_byte_pieces)
{
    struct book *b = test_book(w, 0);

    b->separator = "\r\n\r\n";
    book_begin(b, UNTIL);
    book_send_slowly(b, "GET / HTTP/1.1\r\nHost: x\r\n\r\nbody");
    test_run_until(w, b->reads == 1);
    assert_string_equal(b->text, "GET / HTTP/1.1\r\nHost: x\r\n\r\n|");
    b->size = 4;
    book_read(b, EXACTLY);
}

/* NUL bytes and bytes above 127 are bytes */
TEST_LEAVES(S14_any_byte)
{
    struct book *b = test_book(w, 0);
    static const char data[] = {'a', 0, '\xff', 0, '\xff', '\xfe'};

    assert_true(raw_send_all(b->fd, data, sizeof data, 1000));
    assert_ok(rondo_read_until(b->reader, "\xff\xfe", 2, book_done, b));
    test_run_until(w, b->reads);
    assert_int_equal(b->last_size, 6);
    assert_memory_equal(b->last, data, 6);
}

/* ---- who is called when ------------------------------------------------- */

TEST_LEAVES(S14_no_callback_inside_the_call)
{
    struct book *b = test_book(w, 0);

    book_send(b, "one\ntwo\n");
    book_has(b, 8);
    book_begin(b, LINE);
    assert_int_equal(b->reads, 0); /* though it is there */
    test_spin(w, 1);
    assert_int_equal(b->reads, 1);
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
}

/* A book that has so many empty lines, and reads them quietly. */
static struct book *book_of_lines(struct world *w, size_t lines)
{
    struct book *b = test_book(w, 0);
    char *much = test_alloc(w, lines);

    memset(much, '\n', lines);
    assert_true(raw_send_all(b->fd, much, lines, 1000));
    book_has(b, lines);
    b->quiet = true;
    b->on_read = read_again;
    return b;
}

/* many lines at once do not keep the loop from other things */
TEST_LEAVES(L1_a_flood_of_lines_is_bounded)
{
    enum { LINES = 20000 };
    struct book *b = book_of_lines(w, LINES);
    unsigned before, most = 0;

    book_begin(b, LINE);
    while (b->reads < LINES) {
        before = b->reads;
        test_spin(w, 1);
        most = b->reads - before > most ? b->reads - before : most;
    }
    assert_true(most <= 1000);
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
    struct book *b = book_of_lines(w, 2000);

    b->on_lost = all_told;
    book_reset(b);
    book_begin(b, LINE);
    test_run_until(w, b->lost);
    assert_int_equal(b->lost_error, RONDO_ECONNRESET);
}

TEST_LEAVES(S14_one_read_at_a_time)
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
}

TEST_LEAVES(S14_wrong_calls_are_EINVAL)
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
    peer_set_limits(p, 1, 0);
    test_run_until(w, p->pauses == 1);
    peer_set_timeouts(p, RONDO_MS(1), 0);
    test_run_until(w, p->timeouts);
    peer_set_timeouts(p, 0, 0);
    book_send(b, "data");
    raw_shutdown_write(b->fd);
    test_run_until(w, p->eof);
    assert_int_equal(p->bytes, 0);
    book_read(b, SOME);
    assert_string_equal(b->text, "data|");
    book_reset(b);
    (void)rondo_transport_write(t, "x", 1);
    test_run_until(w, p->lost);
    assert_null(rondo_reader_transport(b->reader));
    assert_int_equal(p->order[0], 'M');
}

static void answer_and_read_on(struct book *b)
{
    rondo_transport *t = rondo_reader_transport(b->reader);

    if (b->error)
        return;
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
    b->on_read = answer_and_read_on;
    book_begin(b, LINE);
    test_run_until(w, b->lost);
    assert_true(raw_recv_exact(b->fd, got, 8, 1000));
    assert_memory_equal(got, "one\ntwo\n", 8);
    assert_int_equal(raw_recv(b->fd, got, 1, 1000), 0);
    assert_int_equal(b->lost_error, 0);
}

/* ---- random separators and pieces, against a plain search --------------- */

enum { TEXT = 3000, LONGEST = 6 };

static uint64_t dice(uint64_t *seed, uint64_t sides)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (*seed >> 33) % sides;
}

/* where the first occurrence ends; 0: there is none */
static size_t find_plainly(const char *text, size_t size, const char *separator)
{
    size_t n = strlen(separator);

    for (size_t i = 0; i + n <= size; i++)
        if (memcmp(text + i, separator, n) == 0)
            return i + n;
    return 0;
}

/* few different letters: starts that fail are everywhere */
static void fill(char *text, size_t size, uint64_t *seed)
{
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + dice(seed, 2));
    text[size] = '\0';
}

static void send_all(struct book *b, const char *text, uint64_t *seed)
{
    for (size_t at = 0; at < TEXT;) {
        size_t n = (size_t)dice(seed, 40) + 1;

        n = n < TEXT - at ? n : TEXT - at;
        assert_true(raw_send_all(b->fd, text + at, n, 1000));
        at += n;
        test_spin(b->w, (int)dice(seed, 3));
    }
    raw_shutdown_write(b->fd);
}

static void play(struct world *w, uint64_t seed)
{
    struct book *b = test_book(w, 0);
    char text[TEXT + 1], separator[LONGEST + 1];
    size_t at = 0, want;

    b->quiet = true;
    fill(text, TEXT, &seed);
    fill(separator, (size_t)dice(&seed, LONGEST) + 1, &seed);
    b->separator = separator;
    book_begin(b, UNTIL);
    send_all(b, text, &seed);
    for (unsigned n = 1;; n++) {
        test_run_until(w, b->reads == n);
        want = find_plainly(text + at, TEXT - at, separator);
        assert_int_equal(b->error, want ? 0 : RONDO_EOF);
        assert_int_equal(b->last_size, want ? want : TEXT - at);
        if (!want)
            break;
        at += want;
        if (dice(&seed, 2))
            fill(separator, (size_t)dice(&seed, LONGEST) + 1, &seed);
        book_begin(b, UNTIL);
    }
}

TEST_LEAVES(S14_random_separators)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        print_message("seed %d\n", (int)seed);
        play(w, seed);
    }
}
