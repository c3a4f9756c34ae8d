/* test_tls_bytes.c - TLS: volume, pieces, garbage, cuts, and start_tls. */
/* SPDX-License-Identifier: MIT */
#include "tls_world.h"

/* ---- bytes -------------------------------------------------------------- */

TEST(S13_tls_ten_megabytes_each_way)
{
    struct tls_peers x = tls_peers(w, 16384);

    test_reset_peak(w);
    test_exchange(w, x.a, x.b, (uint64_t)10000000 / (unsigned)test_slowness());
    assert_true(test_peak_bytes(w) < 2000000); /* flow control held it */
    rondo_transport_close(x.a->transport);
    assert_lost(w, x.a, NULL, 0);
    assert_lost(w, x.b, NULL, 0);
}

TEST_LEAVES(S13_tls_one_byte_writes)
{
    enum { SIZE = 2000 };
    struct tls_peers x = tls_peers(w, 0);
    unsigned char bytes[SIZE];

    test_fill(bytes, 0, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        assert_ok(rondo_transport_write(x.a->transport, bytes + i, 1));
    rondo_transport_close(x.a->transport);
    assert_lost(w, x.b, NULL, 0);
    assert_received(x.b, SIZE);
}

TEST(S13_tls_half_close)
{
    struct tls_peers x = tls_peers(w, 0);

    x.b->keep_open = true;
    assert_ok(rondo_transport_write_eof(x.a->transport));
    test_run_until(w, x.b->eof);
    assert_ok(rondo_transport_write(x.b->transport, "still here", 10));
    assert_ok(rondo_transport_write_eof(x.b->transport));
    assert_lost(w, x.a, "MdEL", 0);
    assert_lost(w, x.b, NULL, 0);
    assert_hears(w, x.a, "still here");
}

/* ---- what must not be taken for an end ---------------------------------- */

/* Both are ready, and the server has heard "hello". */
static struct tls_wire wire_ready(struct world *w)
{
    struct tls_pair tls = tls_pair(w, "valid");
    struct tls_wire x = tls_wire(w, &tls);

    assert_true(tls_wire_shake_hands(w, &x));
    assert_ok(rondo_transport_write(x.client->transport, "hello", 5));
    tls_wire_settle(w, &x);
    assert_hears(w, x.server, "hello");
    return x;
}

/* A byte at a time is carried: every record arrives in pieces of one byte. The
 * certificate's bulk need not. */
TEST_LEAVES(S13_tls_one_byte_pieces_on_the_wire)
{
    enum { SINGLE = 200, PIECE = 16 };
    struct tls_pair tls = tls_pair(w, "valid");
    struct tls_wire x = tls_wire(w, &tls);

    assert_ok(rondo_transport_write(x.client->transport, "hello", 5));
    while (x.server->bytes < 5) {
        x.to_client = x.taken_by_client < SINGLE ? 1 : PIECE;
        x.to_server = 1;
        (void)tls_wire_carry(&x);
        test_spin(w, 1);
    }
    assert_hears(w, x.server, "hello");
}

TEST_LEAVES(S13_tls_a_cut_is_an_error)
{
    struct tls_wire x = wire_ready(w);

    raw_shutdown_write(x.from_server); /* no close_notify */
    assert_lost(w, x.server, NULL, RONDO_ECONNRESET);
    assert_non_null(strstr(x.server->last_error, "close_notify"));
    assert_int_equal(x.server->eof, 0);
}

static bool is_anybody_there(struct peer *p)
{
    if (!p->lost)
        (void)rondo_transport_write(p->transport, "anybody?", 8);
    return p->lost > 0;
}

/* what the layer below says is told as it is, and is no fault of TLS */
TEST_LEAVES(S13_tls_a_reset_is_no_protocol_error)
{
    struct tls_wire x = wire_ready(w);

    raw_reset(test_disown(w, x.from_server));
    test_run_until(w, is_anybody_there(x.server));
    assert_true(x.server->error == RONDO_ECONNRESET ||
                x.server->error == RONDO_EPIPE ||
                x.server->error == RONDO_ECONNABORTED);
    assert_null(strstr(x.server->last_error, "TLS"));
}

/* in the middle of a record */
TEST_LEAVES(S13_tls_half_a_record_is_an_error)
{
    struct tls_wire x = wire_ready(w);

    assert_ok(rondo_transport_write(x.client->transport, "never whole", 11));
    x.to_server = 9;
    assert_true(tls_wire_carry(&x));
    raw_shutdown_write(x.from_server);
    assert_lost(w, x.server, NULL, RONDO_ECONNRESET);
    assert_int_equal(x.server->bytes, 5);
}

TEST_LEAVES(S13_tls_a_changed_byte_is_an_error)
{
    struct tls_wire x = wire_ready(w);
    char bytes[100];
    ptrdiff_t n = 0;

    assert_ok(rondo_transport_write(x.client->transport, "forged", 6));
    test_run_until(w,
                   (n = raw_recv(x.from_client, bytes, sizeof bytes, 0)) > 0);
    bytes[n - 1] ^= 1;
    assert_true(raw_send_all(x.from_server, bytes, (size_t)n, 1000));
    assert_lost(w, x.server, NULL, RONDO_EPROTO);
    assert_non_null(strstr(x.server->last_error, "TLS: read:"));
    assert_int_equal(x.server->bytes, 5);
}

TEST_LEAVES(S13_tls_garbage_instead_of_a_handshake)
{
    struct trouble *told = test_trouble(w);
    struct listener *l = tls_serve(w, tls_pair(w, "valid").server);
    raw_fd fd = test_own(w, raw_connect(l->port));

    assert_true(raw_send_all(fd, "GET / HTTP/1.0\r\n\r\n", 18, 1000));
    test_trouble_comes(w, told, 1, RONDO_EPROTO, "TLS: handshake:");
    raw_close(raw_connect(l->port)); /* one that says nothing and leaves */
    test_trouble_comes(w, told, 2, RONDO_ECONNRESET, NULL);
}

TEST_LEAVES(S13_tls_a_server_of_another_kind)
{
    struct listener *l = test_serve(w);
    struct peer *p =
        tls_connect(w, l, tls_pair(w, "valid").client, "localhost");

    test_run_until(w, l->count && l->first->bytes);
    assert_ok(rondo_transport_write(l->first->transport, "220 smtp\r\n", 10));
    dial_ends(w, p, RONDO_EPROTO);
    assert_non_null(strstr(p->last_error, "TLS: handshake:"));
}

/* ---- start_tls ---------------------------------------------------------- */

static void tls_ready(rondo_loop *loop, void *arg, int64_t result)
{
    struct peer *p = arg;

    (void)loop;
    assert_ok(result);
    p->connected++;
    if (p->user)
        assert_ok(rondo_transport_write(p->transport, p->user, 6));
}

static void upgrade(struct peer *p, const void *data, size_t size)
{
    (void)data;
    if (p->bytes != 8 || p->eof)
        return;
    assert_int_equal(size, 8);
    p->on_data = NULL;
    assert_ok(rondo_transport_write(p->transport, "GO\n", 3));
    assert_ok(
        rondo_tls_start(p->transport, p->other->user, NULL, tls_ready, p));
}

TEST(S13_tls_start_tls)
{
    struct tls_pair tls = tls_pair(w, "valid");
    struct peer *a, *b;

    test_pair(w, &a, &b);
    a->user = tls.server;
    b->on_data = upgrade;
    assert_ok(rondo_transport_write(a->transport, "STARTTLS", 8));
    test_run_until(w, a->bytes == 3);
    a->user = (void *)(uintptr_t) "secret";
    assert_ok(
        rondo_tls_start(a->transport, tls.client, "localhost", tls_ready, a));
    test_run_until(w, a->connected && b->connected);
    assert_hears(w, b, "STARTTLSsecret");
    rondo_transport_close(b->transport);
    test_run_until(w, b->lost);
    assert_lost(w, a, "MdEL", 0);
}
