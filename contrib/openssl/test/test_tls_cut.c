/* test_tls_cut.c - TLS: a peer that leaves after each number of bytes of the
 * handshake, and bytes that are no TLS. */
/* SPDX-License-Identifier: MIT */
#include "tls_world.h"

/* Two pairs of sockets, and the test carries the bytes between them. */
struct carried {
    struct peer *client, *server;
    raw_fd from_client, from_server;
    size_t to_server, to_client; /* bytes that may still be carried */
    size_t taken_by_server, taken_by_client;
};

static void ready(rondo_loop *loop, void *arg, int64_t result)
{
    struct peer *p = arg;

    (void)loop;
    p->connected = result == 0;
}

static void start(struct peer *p, rondo_tls_context *context)
{
    assert_ok(rondo_tls_start(p->transport, context, "localhost", ready, p));
}

static struct carried carried_open(struct world *w, const struct tls_pair *tls)
{
    struct carried c = {.client = test_peer(w), .server = test_peer(w)};

    c.to_server = c.to_client = SIZE_MAX;
    c.from_client = test_raw_peer(w, &recorder, c.client, 0);
    c.from_server = test_raw_peer(w, &recorder, c.server, 0);
    start(c.client, tls->client);
    start(c.server, tls->server);
    return c;
}

static size_t carry_one_way(raw_fd from, raw_fd to, size_t most)
{
    char bytes[4096];
    ptrdiff_t n = 0;

    if (most)
        n = raw_recv(from, bytes, most < sizeof bytes ? most : sizeof bytes, 0);
    if (n <= 0)
        return 0;
    assert_true(raw_send_all(to, bytes, (size_t)n, 1000));
    return (size_t)n;
}

static bool shaken(const struct carried *c)
{
    return c->client->connected && c->server->connected;
}

static bool carry(struct carried *c)
{
    size_t to_server =
        carry_one_way(c->from_client, c->from_server, c->to_server);
    size_t to_client =
        carry_one_way(c->from_server, c->from_client, c->to_client);

    c->to_server -= to_server;
    c->to_client -= to_client;
    c->taken_by_server += to_server;
    c->taken_by_client += to_client;
    return to_server || to_client;
}

/* Carries until both are ready, or one has had all that it may have. */
static bool shake_hands(struct world *w, struct carried *c)
{
    while (c->to_server && c->to_client && !shaken(c)) {
        if (carry(c))
            test_spin(w, 1);
        else
            test_run_until(w, shaken(c) || carry(c));
    }
    return shaken(c);
}

static void carried_close(struct world *w, struct carried *c)
{
    raw_reset(c->from_client);
    raw_reset(c->from_server);
    test_run_until(w, c->client->lost && c->server->lost);
}

/* How many bytes a whole handshake takes. A signature's size differs by a few
 * bytes from one to the next. */
static struct carried measure(struct world *w, const struct tls_pair *tls)
{
    struct carried c = carried_open(w, tls);

    assert_true(shake_hands(w, &c));
    carried_close(w, &c);
    return c;
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

TEST(S13_tls_a_client_that_leaves_after_each_byte)
{
    struct tls_pair tls = tls_pair("valid");
    size_t most = measure(w, &tls).taken_by_server;

    assert_true(most > 200);
    for (size_t bytes = 1; bytes < most; bytes = next(bytes)) {
        struct carried c = carried_open(w, &tls);

        c.to_server = bytes;
        assert_false(shake_hands(w, &c));
        raw_shutdown_write(c.from_server);
        test_run_until(w, c.server->lost);
        check_left(c.server);
        carried_close(w, &c);
    }
    tls_free(&tls);
}

TEST(S13_tls_a_server_that_leaves_after_each_byte)
{
    struct tls_pair tls = tls_pair("valid");
    /* it ends with a Finished, whose size does not differ; the tickets that
     * may follow are no part of it */
    size_t most = measure(w, &tls).taken_by_client;

    assert_true(most > 700);
    for (size_t bytes = 1; bytes < most; bytes = next(bytes)) {
        struct carried c = carried_open(w, &tls);

        c.to_client = bytes;
        if (shake_hands(w, &c) || c.client->connected)
            assert_true(bytes > 700); /* there were tickets, or less */
        raw_shutdown_write(c.from_client);
        test_run_until(w, c.client->lost);
        if (!c.client->connected)
            check_left(c.client);
        carried_close(w, &c);
    }
    tls_free(&tls);
}

/* ---- no TLS ------------------------------------------------------------- */

/* A server hears that, and then the end. */
static struct peer *hears(struct world *w, const struct tls_pair *tls,
                          const void *bytes, size_t size)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    start(p, tls->server);
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
    struct tls_pair tls = tls_pair("valid");
    unsigned char bytes[400];

    for (size_t size = 1; size < sizeof bytes; size = next(size)) {
        const struct peer *p;

        for (size_t i = 0; i < size; i++)
            bytes[i] = test_pattern(size * 1000 + i);
        p = hears(w, &tls, bytes, size);
        assert_true(p->error == RONDO_EPROTO || p->error == RONDO_ECONNRESET);
        assert_non_null(strstr(p->last_error, "TLS: "));
    }
    tls_free(&tls);
}

/* A record's head promises what does not come, or is not allowed. */
TEST(S13_tls_heads_of_records)
{
    static const struct {
        const char *bytes;
        size_t size;
        int error;
    } heads[] = {
        {"\x16\x03\x01\x40\x00", 5, RONDO_ECONNRESET}, /* 16 KiB, and none */
        {"\x16\x03\x01\xff\xff\x01", 6, RONDO_EPROTO}, /* 64 KiB: too many */
        {"\x17\x03\x03\x00\x01x", 6, RONDO_EPROTO},    /* data, this early */
        {"\x15\x03\x01\x00\x02\x02\x28", 7, RONDO_EPROTO}, /* an alert */
        {"\x16\x02\x00\x00\x01\x01", 6, RONDO_EPROTO},     /* no such version */
        {"GET / HTTP/1.0\r\n\r\n", 18, RONDO_EPROTO},
    };
    struct tls_pair tls = tls_pair("valid");

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const struct peer *p = hears(w, &tls, heads[i].bytes, heads[i].size);

        if (p->error != heads[i].error)
            test_fail(w, "head %zu: %s", i, p->last_error);
    }
    tls_free(&tls);
}

/* ---- what the peer had sent before a write failed ------------------------ */

static void write_farewell(struct peer *p)
{
    assert_ok(rondo_transport_write(p->transport, "farewell", 8));
    rondo_transport_close(p->transport);
}

/* The client is over; the server gets all that it said, and nobody is there. */
static void leave_to_server(struct world *w, struct carried *c)
{
    char bytes[8192];
    size_t size = 0;
    ptrdiff_t n;

    test_run_until(w, c->client->lost);
    while ((n = raw_recv(c->from_client, bytes + size, sizeof bytes - size,
                         1000)) > 0)
        size += (size_t)n;
    assert_int_equal(n, 0);
    assert_true(raw_send_all(c->from_server, bytes, size, 1000));
    raw_close(c->from_server);
    raw_close(c->from_client);
}

TEST(S6_tls_a_failed_write_first_delivers_what_came)
{
    struct tls_pair tls = tls_pair("valid");
    struct carried c = carried_open(w, &tls);
    int result = 0;

    assert_true(shake_hands(w, &c));
    for (int i = 0; i < 20; i++) { /* the tickets */
        (void)carry(&c);
        test_spin(w, 1);
    }
    write_farewell(c.client);
    leave_to_server(w, &c);
    for (int i = 0; i < 1000 && result >= 0; i++) {
        result = rondo_transport_write(c.server->transport, "anybody", 7);
        raw_yield();
    }
    test_run_until(w, c.server->lost);
    assert_string_equal(c.server->order, "MdEL");
    assert_int_equal(c.server->bytes, 8);
    tls_free(&tls);
}

/* The client sent its last flight, a word and its goodbye, and left: of the
 * tickets that are the handshake's end none can be sent. */
TEST(S6_tls_a_handshake_whose_end_cannot_be_sent)
{
    struct tls_pair tls = tls_pair("valid");
    struct carried c = carried_open(w, &tls);

    while (!c.client->connected) {
        (void)carry(&c);
        test_spin(w, 1);
    }
    write_farewell(c.client);
    raw_shutdown_write((raw_fd)rondo_transport_fd(c.server->transport));
    leave_to_server(w, &c);
    test_run_until(w, c.server->lost);
    assert_int_equal(c.server->connected, 1);
    assert_int_equal(c.server->bytes, 8);
    tls_free(&tls);
}
