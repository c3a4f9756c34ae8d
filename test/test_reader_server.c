/* test_reader_server.c - a reader for each client; reads that wait for writes.
 */
/* SPDX-License-Identifier: MIT */
#include "harness_reader.h"

/* ---- start_server ------------------------------------------------------- */

struct hall {
    struct world *w;
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
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;
    rondo_address address;

    h->w = w;
    options.host = "127.0.0.1";
    assert_ok(
        rondo_start_server(w->loop, &options, limit, welcome, h, &h->server));
    assert_ok(rondo_server_address(h->server, 0, &address));
    h->port = rondo_address_port(&address);
    return h;
}

TEST(S14_start_server_reads_each_client)
{
    struct hall *h = hall_open(w, 0);
    raw_fd a = raw_connect(h->port), b = raw_connect(h->port);
    char got[8];

    assert_true(raw_send_all(a, "one\n", 4, 5000));
    assert_true(raw_send_all(b, "two\nth", 6, 5000));
    test_run_until(w, h->lines == 2);
    assert_int_equal(h->guests, 2);
    assert_true(raw_recv_exact(a, got, 4, 5000));
    assert_memory_equal(got, "one\n", 4);
    assert_true(raw_recv_exact(b, got, 4, 5000));
    assert_memory_equal(got, "two\n", 4);
    raw_shutdown_write(a);
    test_run_until(w, h->ends == 1);
    assert_int_equal(h->last_error, RONDO_EOF);
    raw_reset(b);
    test_run_until(w, h->ends == 2);
    assert_int_equal(h->last_error, RONDO_ECONNRESET);
    test_spin(w, 5);
    assert_int_equal(raw_recv(a, got, 1, 5000), 0);
    raw_close(a);
}

/* freeing closes the connection, behind what was written */
TEST(S14_a_freed_reader_closes_its_connection)
{
    struct hall *h = hall_open(w, 4);
    raw_fd fd = raw_connect(h->port);
    char got[8];

    assert_true(raw_send_all(fd, "abc\nlonger\n", 11, 5000));
    test_run_until(w, h->ends == 1);
    assert_int_equal(h->last_error, RONDO_ETOOMUCH); /* the limit is 4 */
    test_spin(w, 5);
    assert_true(raw_recv_exact(fd, got, 4, 5000));
    assert_int_equal(raw_recv(fd, got, 1, 5000), 0);
    raw_close(fd);
    h->free_at_once = true;
    fd = raw_connect(h->port);
    test_run_until(w, h->guests == 2);
    test_spin(w, 5);
    assert_int_equal(raw_recv(fd, got, 1, 5000), 0);
    raw_close(fd);
}

TEST(S14_the_loop_closes_with_readers)
{
    struct hall *h = hall_open(w, 0);
    raw_fd fd = raw_connect(h->port);

    w->expect_clean = true;
    test_run_until(w, h->guests == 1);
    test_close_loop(w);
    assert_int_equal(h->ends, 1);
    assert_int_equal(h->last_error, RONDO_ECANCELED);
    raw_close(fd);
}

static int factory(rondo_server *server, void *arg, rondo_transport *t,
                   const rondo_protocol **protocol, void **self)
{
    (void)server;
    (void)arg;
    (void)t;
    (void)protocol;
    (void)self;
    return 0;
}

static void hand_on(rondo_server *server, void *arg, rondo_fd socket,
                    const rondo_address *peer)
{
    (void)server;
    (void)arg;
    (void)socket;
    (void)peer;
}

TEST(S14_start_server_refuses)
{
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;

    o.host = "127.0.0.1";
    assert_einval(rondo_start_server(NULL, &o, 0, welcome, NULL, NULL));
    assert_einval(rondo_start_server(w->loop, &o, 0, NULL, NULL, NULL));
    assert_einval(
        rondo_start_server(w->loop, &o, SIZE_MAX / 2, welcome, NULL, NULL));
    o.protocol_factory = factory;
    assert_refused(rondo_start_server(w->loop, &o, 0, welcome, NULL, NULL),
                   RONDO_EINVAL, "start_server: ");
    o.protocol_factory = NULL;
    o.accepted = hand_on;
    assert_einval(rondo_start_server(w->loop, &o, 0, welcome, NULL, NULL));
    o.accepted = NULL;
    o.host = "no address";
    assert_true(rondo_start_server(w->loop, &o, 0, welcome, NULL, NULL) < 0);
}

/* ---- reads that wait for writes ----------------------------------------- */

/* writes until the buffer is over its limit */
static uint64_t overflow(struct world *w, rondo_transport *t)
{
    enum { PIECE = 50000 };
    char *much = test_alloc(w, PIECE);
    uint64_t sent = 0;

    while (!rondo_transport_is_writing_paused(t)) {
        assert_ok(rondo_transport_write(t, much, PIECE));
        sent += PIECE;
        assert_true(sent < 100000000);
    }
    return sent;
}

static void drink(struct world *w, raw_fd fd, uint64_t size)
{
    char *bytes = test_alloc(w, 65536);

    while (size) {
        ptrdiff_t n = raw_recv(fd, bytes, 65536, 0);

        assert_true(n > 0 || n == RAW_AGAIN);
        size -= n > 0 ? (uint64_t)n : 0;
        test_spin(w, 1);
    }
}

TEST(S14_reads_wait_for_writes)
{
    struct book *b = test_book_with(w, 0, NULL, NULL, 8192);
    uint64_t sent;

    rondo_reader_set_drain(b->reader, true);
    sent = overflow(w, rondo_reader_transport(b->reader));
    book_begin(b, LINE);
    book_send(b, "one\ntwo\n");
    test_run_until(w, rondo_reader_buffered(b->reader) == 8);
    test_spin(w, 10);
    assert_int_equal(b->reads, 0);
    drink(w, b->fd, sent);
    test_run_until(w, b->reads == 1);
    assert_string_equal(b->text, "one\n|");
    book_end(b);
}

/* the default, and what becomes of a read when it is turned off */
TEST(S14_reads_do_not_wait_unasked)
{
    struct book *b = test_book_with(w, 0, NULL, NULL, 8192);

    (void)overflow(w, rondo_reader_transport(b->reader));
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
    book_end(b);
}

/* an end and a loss are told in any case */
TEST(S14_who_waits_for_writes_hears_of_a_loss)
{
    struct book *b = test_book_with(w, 0, NULL, NULL, 8192);

    rondo_reader_set_drain(b->reader, true);
    (void)overflow(w, rondo_reader_transport(b->reader));
    book_begin(b, LINE);
    book_send(b, "part");
    test_run_until(w, rondo_reader_buffered(b->reader) == 4);
    raw_reset(b->fd);
    b->fd = RONDO_NO_FD;
    test_run_until(w, b->lost);
    assert_int_equal(b->reads, 1);
    assert_int_equal(b->error, RONDO_ECONNRESET);
    assert_string_equal(b->text, "part|");
    book_end(b);
}
