/* test_reader_server.c - a reader for each client; reads that wait for writes.
 */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_reader.h"

/* ---- start_server ------------------------------------------------------- */

struct hall {
    rondo_server *server;
    uint16_t port;
    unsigned guests, lines, ends;
    int last_error;
    bool free_at_once;
};

static void greet_line(rondo_reader *reader, void *arg, const void *line,
                       size_t size, int error)
{
    struct hall *h = arg;
    rondo_transport *t = rondo_reader_transport(reader);

    if (error) {
        h->ends++;
        h->last_error = error;
        rondo_reader_free(reader);
        return;
    }
    h->lines++;
    assert_ok(rondo_transport_write(t, line, size));
    assert_ok(rondo_read_line(reader, greet_line, h));
}

static void welcome(rondo_reader *reader, void *arg)
{
    struct hall *h = arg;

    h->guests++;
    assert_non_null(rondo_reader_transport(reader));
    if (h->free_at_once)
        rondo_reader_free(reader);
    else
        assert_ok(rondo_read_line(reader, greet_line, h));
}

static struct hall *hall_open(struct world *w, size_t limit)
{
    struct hall *h = test_alloc(w, sizeof *h);
    rondo_address address;

    assert_ok(rondo_start_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"),
                                 limit, welcome, h, &h->server));
    assert_ok(rondo_server_address(h->server, 0, &address));
    h->port = rondo_address_port(&address);
    return h;
}

static void hears(raw_fd fd, const char *text)
{
    char got[8];
    size_t size = strlen(text);

    assert_true(raw_recv_exact(fd, got, size, 5000));
    assert_memory_equal(got, text, size);
}

static void hears_the_end(raw_fd fd)
{
    char byte;

    assert_int_equal(raw_recv(fd, &byte, 1, 5000), 0);
}

TEST_LEAVES(S14_start_server_reads_each_client)
{
    struct hall *h = hall_open(w, 0);
    raw_fd a = test_own(w, raw_connect(h->port));
    raw_fd b = test_own(w, raw_connect(h->port));

    assert_true(raw_send_all(a, "one\n", 4, 5000));
    assert_true(raw_send_all(b, "two\nth", 6, 5000));
    test_run_until(w, h->lines == 2);
    assert_int_equal(h->guests, 2);
    hears(a, "one\n");
    hears(b, "two\n");
    raw_shutdown_write(a);
    test_run_until(w, h->ends == 1);
    assert_int_equal(h->last_error, RONDO_EOF);
    test_reset_own(w, b);
    test_run_until(w, h->ends == 2);
    assert_int_equal(h->last_error, RONDO_ECONNRESET);
    test_spin(w, 5);
    hears_the_end(a);
}

/* freeing closes the connection, behind what was written */
TEST_LEAVES(S14_a_freed_reader_closes_its_connection)
{
    struct hall *h = hall_open(w, 4);
    raw_fd fd = test_own(w, raw_connect(h->port));

    assert_true(raw_send_all(fd, "abc\nlonger\n", 11, 5000));
    test_run_until(w, h->ends == 1);
    assert_int_equal(h->last_error, RONDO_ETOOMUCH); /* the limit is 4 */
    test_spin(w, 5);
    hears(fd, "abc\n");
    hears_the_end(fd);
    h->free_at_once = true;
    fd = test_own(w, raw_connect(h->port));
    test_run_until(w, h->guests == 2);
    test_spin(w, 5);
    hears_the_end(fd);
}

TEST(S14_the_loop_closes_with_readers)
{
    struct hall *h = hall_open(w, 0);

    (void)test_own(w, raw_connect(h->port));
    test_run_until(w, h->guests == 1);
    test_close_loop(w);
    assert_int_equal(h->ends, 1);
    assert_int_equal(h->last_error, RONDO_ECLOSED);
}

TEST(S14_start_server_refuses)
{
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;

    o.host = "127.0.0.1";
    assert_einval(rondo_start_server(NULL, &o, 0, welcome, NULL, NULL));
    assert_einval(rondo_start_server(w->loop, &o, 0, NULL, NULL, NULL));
    assert_einval(
        rondo_start_server(w->loop, &o, SIZE_MAX / 2, welcome, NULL, NULL));
    o.protocol_factory = ignore_client;
    assert_refused(rondo_start_server(w->loop, &o, 0, welcome, NULL, NULL),
                   RONDO_EINVAL, "start_server: ");
    o.protocol_factory = NULL;
    o.accepted = never_accepted;
    assert_einval(rondo_start_server(w->loop, &o, 0, welcome, NULL, NULL));
    o.accepted = NULL;
    o.host = "no address";
    assert_true(rondo_start_server(w->loop, &o, 0, welcome, NULL, NULL) < 0);
}

/* ---- reads that wait for writes ----------------------------------------- */

/* A book whose transport has written so much that it is over its limit. */
static struct book *overflowing(struct world *w, uint64_t *sent)
{
    enum { PIECE = 50000 };
    struct book *b = test_book_with(w, 0, NULL, NULL, 8192);
    rondo_transport *t = rondo_reader_transport(b->reader);
    char *much = test_alloc(w, PIECE);

    for (*sent = 0; !rondo_transport_is_writing_paused(t); *sent += PIECE) {
        assert_ok(rondo_transport_write(t, much, PIECE));
        assert_true(*sent < 100000000);
    }
    return b;
}

static void drink(struct book *b, uint64_t size)
{
    char *bytes = test_alloc(b->w, 65536);

    while (size) {
        ptrdiff_t n = raw_recv(b->fd, bytes, 65536, 0);

        assert_true(n > 0 || n == RAW_AGAIN);
        size -= n > 0 ? (uint64_t)n : 0;
        test_spin(b->w, 1);
    }
}

TEST_LEAVES(S14_reads_wait_for_writes)
{
    uint64_t sent;
    struct book *b = overflowing(w, &sent);

    rondo_reader_set_drain(b->reader, true);
    book_begin(b, LINE);
    book_send(b, "one\ntwo\n");
    book_has(b, 8);
    test_spin(w, 10);
    assert_int_equal(b->reads, 0);
    drink(b, sent);
    test_run_until(w, b->reads == 1);
    assert_string_equal(b->text, "one\n|");
}

/* the default, and what becomes of a read when it is turned off */
TEST_LEAVES(S14_reads_do_not_wait_unasked)
{
    uint64_t sent;
    struct book *b = overflowing(w, &sent);

    book_send(b, "one\ntwo\n");
    book_read(b, LINE);
    rondo_reader_set_drain(b->reader, true);
    book_begin(b, LINE);
    test_spin(w, 10);
    assert_int_equal(b->reads, 1);
    rondo_reader_set_drain(b->reader, false);
    test_run_until(w, b->reads == 2);
    assert_string_equal(b->text, "one\n|two\n|");
    rondo_reader_set_drain(NULL, true);
}

/* an end and a loss are told in any case */
TEST(S14_who_waits_for_writes_hears_of_a_loss)
{
    uint64_t sent;
    struct book *b = overflowing(w, &sent);

    rondo_reader_set_drain(b->reader, true);
    book_begin(b, LINE);
    book_send(b, "part");
    book_has(b, 4);
    book_reset(b);
    test_run_until(w, b->lost);
    assert_int_equal(b->reads, 1);
    assert_int_equal(b->error, RONDO_ECONNRESET);
    assert_string_equal(b->text, "part|");
}
