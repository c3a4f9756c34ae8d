/* test_tls_bytes.c - TLS: volume, pieces, garbage, cuts, and start_tls. */
/* SPDX-License-Identifier: MIT */
#include "tls_world.h"

/* ---- bytes -------------------------------------------------------------- */

static void pause_now_and_then(struct peer *p, const void *data, size_t size)
{
    (void)data;
    (void)size;
    if (p->data % 11 == 5)
        assert_ok(rondo_transport_pause_reading(p->transport));
}

/* writes as long as nobody says pause; `user` counts */
static void pour(struct peer *p, uint64_t size)
{
    uint64_t *sent = p->user;
    unsigned char piece[10000];
    int result = 0;

    while (*sent < size && result == 0 &&
           !rondo_transport_is_writing_paused(p->transport)) {
        test_fill(piece, *sent, sizeof piece);
        result = rondo_transport_write(p->transport, piece, sizeof piece);
        assert_ok(result);
        *sent += sizeof piece;
    }
}

TEST(S13_tls_ten_megabytes_each_way)
{
    struct tls_pair tls = tls_pair("valid");
    struct peer *a = test_peer(w), *b = test_peer(w);
    uint64_t size =
        (uint64_t)10000000 / (unsigned)test_slowness() / 10000 * 10000;

    tls_peers(w, &tls, a, b, 16384);
    a->on_data = b->on_data = pause_now_and_then;
    a->user = test_alloc(w, sizeof(uint64_t));
    b->user = test_alloc(w, sizeof(uint64_t));
    test_reset_peak(w);
    while (a->bytes < size || b->bytes < size) {
        pour(a, size);
        pour(b, size);
        assert_ok(rondo_transport_resume_reading(a->transport));
        assert_ok(rondo_transport_resume_reading(b->transport));
        test_spin(w, 2);
    }
    assert_int_equal(a->bytes, size);
    assert_int_equal(b->bytes, size);
    assert_true(a->checksum == test_pattern_checksum(size));
    assert_true(b->checksum == test_pattern_checksum(size));
    assert_true(test_peak_bytes(w) < 2000000); /* flow control held it */
    /* the last piece may have paused it */
    assert_ok(rondo_transport_resume_reading(b->transport));
    rondo_transport_close(a->transport);
    test_run_until(w, a->lost && b->lost);
    assert_int_equal(a->error + b->error, 0);
    tls_free(&tls);
}

TEST_LEAVES(S13_tls_one_byte_writes)
{
    enum { SIZE = 2000 };
    struct tls_pair tls = tls_pair("valid");
    struct peer *a = test_peer(w), *b = test_peer(w);
    unsigned char bytes[SIZE];

    tls_peers(w, &tls, a, b, 0);
    test_fill(bytes, 0, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        assert_ok(rondo_transport_write(a->transport, bytes + i, 1));
    rondo_transport_close(a->transport);
    test_run_until(w, b->lost);
    assert_int_equal(b->bytes, SIZE);
    assert_true(b->checksum == test_pattern_checksum(SIZE));
    assert_int_equal(b->error, 0);
    tls_free(&tls);
}

/* Two pairs of sockets, and a byte at a time is carried between them: every
 * record arrives in pieces of one byte. The certificate's bulk need not. */
TEST_LEAVES(S13_tls_one_byte_pieces_on_the_wire)
{
    enum { SINGLE = 200, PIECE = 16 };
    struct tls_pair tls = tls_pair("valid");
    struct peer *a = test_peer(w), *b = test_peer(w);
    raw_fd fa = test_raw_peer(w, &recorder, a, 0);
    raw_fd fb = test_raw_peer(w, &recorder, b, 0);
    char bytes[PIECE];
    size_t to_a = 0;

    peer_capture(b, 16);
    assert_ok(
        rondo_tls_start(a->transport, tls.client, "localhost", NULL, NULL));
    assert_ok(rondo_tls_start(b->transport, tls.server, NULL, NULL, NULL));
    assert_ok(rondo_transport_write(a->transport, "hello", 5));
    while (b->bytes < 5) {
        ptrdiff_t n = raw_recv(fb, bytes, to_a < SINGLE ? 1 : PIECE, 0);

        if (n > 0)
            assert_true(raw_send_all(fa, bytes, (size_t)n, 1000));
        to_a += n > 0 ? (size_t)n : 0;
        if (raw_recv(fa, bytes, 1, 0) == 1)
            assert_true(raw_send_all(fb, bytes, 1, 1000));
        test_spin(w, 1);
    }
    assert_memory_equal(b->captured, "hello", 5);
    raw_close(fa);
    raw_close(fb);
    tls_free(&tls);
}

TEST(S13_tls_half_close)
{
    struct tls_pair tls = tls_pair("valid");
    struct peer *a = test_peer(w), *b = test_peer(w);

    tls_peers(w, &tls, a, b, 0);
    b->keep_open = true;
    assert_ok(rondo_transport_write_eof(a->transport));
    test_run_until(w, b->eof);
    assert_ok(rondo_transport_write(b->transport, "still here", 10));
    assert_ok(rondo_transport_write_eof(b->transport));
    test_run_until(w, a->lost && b->lost);
    assert_int_equal(a->bytes, 10);
    assert_string_equal(a->order, "MdEL");
    assert_int_equal(a->error + b->error, 0);
    tls_free(&tls);
}

/* ---- what must not be taken for an end ---------------------------------- */

/* What the client sends goes to fb's side as it is, and back; the test then
 * does something bad to the server, or to the client. */
struct wire {
    struct tls_pair tls;
    struct peer *a, *b;
    raw_fd fa, fb;
};

static struct wire wire_open(struct world *w)
{
    struct wire x = {.tls = tls_pair("valid")};

    x.a = test_peer(w);
    x.b = test_peer(w);
    x.fa = test_raw_peer(w, &recorder, x.a, 0);
    x.fb = test_raw_peer(w, &recorder, x.b, 0);
    assert_ok(
        rondo_tls_start(x.a->transport, x.tls.client, "localhost", NULL, NULL));
    assert_ok(rondo_tls_start(x.b->transport, x.tls.server, NULL, NULL, NULL));
    return x;
}

/* carries at most `most` bytes each way; false: there was nothing */
static bool wire_carry(struct wire *x, size_t most)
{
    char bytes[4096];
    size_t size = most < sizeof bytes ? most : sizeof bytes;
    ptrdiff_t to_b = raw_recv(x->fa, bytes, size, 0), to_a;

    if (to_b > 0)
        assert_true(raw_send_all(x->fb, bytes, (size_t)to_b, 1000));
    to_a = raw_recv(x->fb, bytes, size, 0);
    if (to_a > 0)
        assert_true(raw_send_all(x->fa, bytes, (size_t)to_a, 1000));
    return to_a > 0 || to_b > 0;
}

/* the handshake, and then until nothing more is said */
static void wire_shake(struct world *w, struct wire *x)
{
    for (int idle = 0; idle < 20; idle++) {
        if (wire_carry(x, 4096))
            idle = 0;
        test_spin(w, 1);
    }
    assert_ok(rondo_transport_write(x->a->transport, "hello", 5));
    while (x->b->bytes < 5) {
        (void)wire_carry(x, 4096);
        test_spin(w, 1);
    }
}

static void wire_close(struct wire *x)
{
    raw_close(x->fa);
    if (x->fb != RONDO_NO_FD)
        raw_close(x->fb);
    tls_free(&x->tls);
}

TEST_LEAVES(S13_tls_a_cut_is_an_error)
{
    struct wire x = wire_open(w);

    wire_shake(w, &x);
    raw_shutdown_write(x.fb); /* no close_notify */
    assert_lost(w, x.b, NULL, RONDO_ECONNRESET);
    assert_non_null(strstr(x.b->last_error, "close_notify"));
    assert_int_equal(x.b->eof, 0);
    wire_close(&x);
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
    struct wire x = wire_open(w);

    wire_shake(w, &x);
    raw_reset(x.fb);
    x.fb = RONDO_NO_FD;
    test_run_until(w, is_anybody_there(x.b));
    assert_true(x.b->error == RONDO_ECONNRESET || x.b->error == RONDO_EPIPE ||
                x.b->error == RONDO_ECONNABORTED);
    assert_null(strstr(x.b->last_error, "TLS"));
    wire_close(&x);
}

/* in the middle of a record */
TEST_LEAVES(S13_tls_half_a_record_is_an_error)
{
    struct wire x = wire_open(w);

    wire_shake(w, &x);
    assert_ok(rondo_transport_write(x.a->transport, "never whole", 11));
    assert_true(wire_carry(&x, 9));
    raw_shutdown_write(x.fb);
    assert_lost(w, x.b, NULL, RONDO_ECONNRESET);
    assert_int_equal(x.b->bytes, 5);
    wire_close(&x);
}

TEST_LEAVES(S13_tls_a_changed_byte_is_an_error)
{
    struct wire x = wire_open(w);
    char bytes[100];
    ptrdiff_t n = 0;

    wire_shake(w, &x);
    assert_ok(rondo_transport_write(x.a->transport, "forged", 6));
    test_run_until(w, (n = raw_recv(x.fa, bytes, sizeof bytes, 0)) > 0);
    bytes[n - 1] ^= 1;
    assert_true(raw_send_all(x.fb, bytes, (size_t)n, 1000));
    assert_lost(w, x.b, NULL, RONDO_EPROTO);
    assert_non_null(strstr(x.b->last_error, "TLS: read:"));
    assert_int_equal(x.b->bytes, 5);
    wire_close(&x);
}

TEST_LEAVES(S13_tls_garbage_instead_of_a_handshake)
{
    struct tls_pair tls = tls_pair("valid");
    struct tls_told *told = tls_listen_for_trouble(w);
    struct listener *l = tls_serve(w, tls.server);
    raw_fd fd = raw_connect(l->port);

    assert_true(raw_send_all(fd, "GET / HTTP/1.0\r\n\r\n", 18, 1000));
    test_run_until(w, told->count);
    assert_int_equal(told->error, RONDO_EPROTO);
    assert_non_null(strstr(told->message, "TLS: handshake:"));
    raw_close(fd);
    fd = raw_connect(l->port); /* one that says nothing and leaves */
    raw_close(fd);
    test_run_until(w, told->count == 2);
    assert_int_equal(told->error, RONDO_ECONNRESET);
    tls_free(&tls);
}

TEST_LEAVES(S13_tls_a_server_of_another_kind)
{
    struct tls_pair tls = tls_pair("valid");
    struct listener *l = test_serve(w); /* echoes nothing */
    struct peer *p = test_peer(w);

    l->model.on_data = NULL;
    assert_ok(tls_connect(w, l->port, tls.client, "localhost", p));
    test_run_until(w, l->count && l->first->bytes);
    assert_ok(rondo_transport_write(l->first->transport, "220 smtp\r\n", 10));
    test_run_until(w, p->connected);
    assert_int_equal(p->connect_error, RONDO_EPROTO);
    assert_non_null(strstr(p->last_error, "TLS: handshake:"));
    tls_free(&tls);
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
    struct tls_pair tls = tls_pair("valid");
    struct peer *a, *b;

    test_pair(w, &a, &b);
    peer_capture(a, 16);
    peer_capture(b, 16);
    a->user = tls.server;
    b->on_data = upgrade;
    assert_ok(rondo_transport_write(a->transport, "STARTTLS", 8));
    test_run_until(w, a->bytes == 3);
    a->user = (void *)(uintptr_t) "secret";
    assert_ok(
        rondo_tls_start(a->transport, tls.client, "localhost", tls_ready, a));
    test_run_until(w, a->connected && b->connected && b->bytes == 14);
    assert_memory_equal(b->captured, "STARTTLSsecret", 14);
    rondo_transport_close(b->transport);
    test_run_until(w, a->lost && b->lost);
    assert_string_equal(a->order, "MdEL");
    tls_free(&tls);
}
