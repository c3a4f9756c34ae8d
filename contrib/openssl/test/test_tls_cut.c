/* test_tls_cut.c - TLS: a peer that leaves after each number of bytes of the
 * handshake, and bytes that are no TLS. */
/* SPDX-License-Identifier: MIT */
#include "tls_world.h"

static void wire_close(struct world *w, struct tls_wire *x)
{
    raw_reset(test_disown(w, x->from_client));
    raw_reset(test_disown(w, x->from_server));
    test_run_until(w, x->client->lost && x->server->lost);
}

/* How many bytes a whole handshake takes. A signature's size differs by a few
 * bytes from one to the next. */
static struct tls_wire measure(struct world *w, const struct tls_pair *tls)
{
    struct tls_wire x = tls_wire(w, tls);

    assert_true(tls_wire_shake_hands(w, &x));
    wire_close(w, &x);
    return x;
}

/* Each number of bytes, or where that takes too long, as many as fit. */
static size_t next(size_t bytes)
{
    return bytes + (test_slowness() == 1 ? 1 : 5 * (size_t)test_slowness() + 1);
}

static void check_left(const struct peer *p)
{
    assert_int_equal(p->connected + p->eof, 0);
    assert_int_equal(p->error, RONDO_ECONNRESET);
    if (!strstr(p->last_error, "TLS: the peer left in the handshake"))
        test_fail(p->w, "not what was expected: %s", p->last_error);
}

/* One leaves: the other has had so many bytes of the handshake, and no more. A
 * server ends it with a Finished, whose size does not differ; the tickets that
 * may follow are no part of it. */
static void leave_after_each_byte(struct world *w, bool client_leaves,
                                  size_t least)
{
    struct tls_pair tls = tls_pair(w, "valid");
    struct tls_wire whole = measure(w, &tls);
    size_t most = client_leaves ? whole.taken_by_server : whole.taken_by_client;

    assert_true(most > least);
    for (size_t bytes = 1; bytes < most; bytes = next(bytes)) {
        struct tls_wire x = tls_wire(w, &tls);
        struct peer *stays = client_leaves ? x.server : x.client;

        *(client_leaves ? &x.to_server : &x.to_client) = bytes;
        if (tls_wire_shake_hands(w, &x) || stays->connected)
            /* there were tickets, or less */
            assert_true(!client_leaves && bytes > least);
        raw_shutdown_write(client_leaves ? x.from_server : x.from_client);
        test_run_until(w, stays->lost);
        if (!stays->connected)
            check_left(stays);
        wire_close(w, &x);
    }
}

TEST_CASE(S13_tls_a_client_that_leaves_after_each_byte,
          leave_after_each_byte(w, true, 200));

TEST_CASE(S13_tls_a_server_that_leaves_after_each_byte,
          leave_after_each_byte(w, false, 700));

/* ---- no TLS ------------------------------------------------------------- */

/* A server hears that, and then the end. */
static struct peer *hears(struct world *w, const struct tls_pair *tls,
                          const void *bytes, size_t size)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    tls_start_server(p, tls->server);
    test_spin(w, 1);
    assert_true(raw_send_all(fd, bytes, size, 1000));
    raw_shutdown_write(fd);
    test_run_until(w, p->lost);
    raw_close(fd);
    assert_int_equal(p->connected + p->eof, 0);
    return p;
}

/* Whatever comes, it ends with an error that says TLS. */
TEST(S13_tls_garbage_of_each_size)
{
    struct tls_pair tls = tls_pair(w, "valid");
    unsigned char bytes[400];

    for (size_t size = 1; size < sizeof bytes; size = next(size)) {
        const struct peer *p;

        for (size_t i = 0; i < size; i++)
            bytes[i] = test_pattern(size * 1000 + i);
        p = hears(w, &tls, bytes, size);
        assert_true(p->error == RONDO_EPROTO || p->error == RONDO_ECONNRESET);
        assert_non_null(strstr(p->last_error, "TLS: "));
    }
}

/* A record's head promises what does not come, or is not allowed. */
TEST(S13_tls_heads_of_records)
{
    static const struct {
        const char *name, *bytes;
        size_t size;
        int error;
    } heads[] = {
        {"16 KiB, and none", "\x16\x03\x01\x40\x00", 5, RONDO_ECONNRESET},
        {"64 KiB: too many", "\x16\x03\x01\xff\xff\x01", 6, RONDO_EPROTO},
        {"data, this early", "\x17\x03\x03\x00\x01x", 6, RONDO_EPROTO},
        {"an alert", "\x15\x03\x01\x00\x02\x02\x28", 7, RONDO_EPROTO},
        {"no such version", "\x16\x02\x00\x00\x01\x01", 6, RONDO_EPROTO},
        {"no TLS", "GET / HTTP/1.0\r\n\r\n", 18, RONDO_EPROTO},
    };
    struct tls_pair tls = tls_pair(w, "valid");

    for (EACH_ROW(w, row, heads)) {
        const struct peer *p = hears(w, &tls, row->bytes, row->size);

        if (p->error != row->error)
            test_fail(w, "%s", p->last_error);
    }
}

/* ---- what the peer had sent before a write failed ------------------------ */

static void write_farewell(struct peer *p)
{
    assert_ok(rondo_transport_write(p->transport, "farewell", 8));
    rondo_transport_close(p->transport);
}

/* The client is over; the server gets all that it said, and nobody is there. */
static void leave_to_server(struct world *w, struct tls_wire *x)
{
    char bytes[8192];
    size_t size = 0;
    ptrdiff_t n;

    test_run_until(w, x->client->lost);
    while ((n = raw_recv(x->from_client, bytes + size, sizeof bytes - size,
                         1000)) > 0)
        size += (size_t)n;
    assert_int_equal(n, 0);
    assert_true(raw_send_all(x->from_server, bytes, size, 1000));
    test_close_own(w, x->from_server);
    test_close_own(w, x->from_client);
}

TEST(S6_tls_a_failed_write_first_delivers_what_came)
{
    struct tls_pair tls = tls_pair(w, "valid");
    struct tls_wire x = tls_wire(w, &tls);
    int result = 0;

    assert_true(tls_wire_shake_hands(w, &x));
    tls_wire_settle(w, &x); /* the tickets */
    write_farewell(x.client);
    leave_to_server(w, &x);
    for (int i = 0; i < 1000 && result >= 0; i++) {
        result = rondo_transport_write(x.server->transport, "anybody", 7);
        raw_yield();
    }
    test_run_until(w, x.server->lost);
    assert_string_equal(x.server->order, "MdEL");
    assert_int_equal(x.server->bytes, 8);
}

/* The client sent its last flight, a word and its goodbye, and left: of the
 * tickets that are the handshake's end none can be sent. */
TEST(S6_tls_a_handshake_whose_end_cannot_be_sent)
{
    struct tls_pair tls = tls_pair(w, "valid");
    struct tls_wire x = tls_wire(w, &tls);

    while (!x.client->connected) {
        (void)tls_wire_carry(&x);
        test_spin(w, 1);
    }
    write_farewell(x.client);
    raw_shutdown_write((raw_fd)rondo_transport_fd(x.server->transport));
    leave_to_server(w, &x);
    test_run_until(w, x.server->lost);
    assert_int_equal(x.server->connected, 1);
    assert_int_equal(x.server->bytes, 8);
}
