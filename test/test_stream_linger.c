/* test_stream_linger.c - closing while the peer is still sending. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

enum { FIRST = 70000, MORE = 30000 };

/* What is lent stays as it is until data_received returns, also when the
 * transport, and with it its socket, is closed in between. */
static void close_and_look(struct peer *p, const void *data, size_t size)
{
    unsigned char before[256];

    assert_true(size >= sizeof before);
    memcpy(before, data, sizeof before);
    rondo_transport_close(p->transport);
    assert_memory_equal(before, data, sizeof before);
}

TEST(S7_what_is_lent_outlives_close)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    p->on_data = close_and_look;
    test_send_raw(w, fd, 0, FIRST + MORE); /* more than one read takes */
    assert_lost(w, p, NULL, 0);
    raw_close(fd);
}

/* A plain close would answer the unread bytes with a reset, and the peer
 * would lose what was sent to it. */
TEST(S7_close_with_unread_bytes_loses_nothing_sent)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    unsigned char byte;

    assert_ok(rondo_transport_pause_reading(p->transport));
    test_send_raw(w, fd, 0, 5000);
    assert_ok(rondo_transport_write(p->transport, "bye", 3));
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost);
    assert_int_equal(p->bytes, 0);
    for (const char *bye = "bye"; *bye; bye++) {
        assert_int_equal(raw_recv(fd, &byte, 1, 5000), 1);
        assert_int_equal(byte, *bye);
    }
    assert_int_equal(raw_recv(fd, &byte, 1, 5000), 0); /* an orderly end */
    raw_close(fd);
}
