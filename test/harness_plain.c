/* harness_plain.c - a transport whose other end is a plain socket. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

static struct peer *adopted(struct world *w, const rondo_protocol *protocol,
                            int buffer_bytes)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair_small(fds, buffer_bytes), 0);
    p->fd = test_own(w, fds[1]);
    test_adopt(w, fds[0], protocol, p);
    return p;
}

struct peer *plain_peer(struct world *w, const rondo_protocol *protocol,
                        int buffer_bytes)
{
    struct peer *p = adopted(w, protocol, buffer_bytes);

    test_run_until(w, p->made);
    return p;
}

struct peer *plain_peer_unmade(struct world *w)
{
    return adopted(w, &recorder, 0);
}

void plain_close(struct peer *p)
{
    test_close_own(p->w, p->fd);
    p->fd = RONDO_NO_FD;
}

void plain_reset(struct peer *p)
{
    test_reset_own(p->w, p->fd);
    p->fd = RONDO_NO_FD;
}

void plain_send(struct peer *p, const char *text)
{
    assert_true(raw_send_all(p->fd, text, strlen(text), 1000));
}

void plain_send_pattern(struct peer *p, uint64_t position, size_t size)
{
    test_send_raw(p->w, p->fd, position, size);
}

void plain_hears(struct peer *p, const char *text)
{
    size_t size = strlen(text);
    char *got = test_alloc(p->w, size + 1);

    assert_true(raw_recv_exact(p->fd, got, size, 5000));
    assert_string_equal(got, text);
}

int64_t plain_drain(struct peer *p)
{
    return test_drain_raw(p->w, p->fd, 0);
}

void plain_takes(struct peer *p, uint64_t position, uint64_t size)
{
    assert_int_equal(test_drain_raw_some(p->w, p->fd, position, size), size);
}

/* ---- the transport ------------------------------------------------------ */

unsigned char *test_bytes(struct world *w, uint64_t position, size_t size)
{
    unsigned char *bytes = test_alloc(w, size);

    test_fill(bytes, position, size);
    return bytes;
}

int peer_write(struct peer *p, uint64_t position, size_t size)
{
    const unsigned char *bytes = test_bytes(p->w, position, size);

    return (int)assert_ok(rondo_transport_write(p->transport, bytes, size));
}

void peer_set_limits(struct peer *p, size_t high, size_t low)
{
    assert_ok(rondo_transport_set_write_buffer_limits(p->transport, high, low));
}

void peer_set_timeouts(struct peer *p, int64_t read_ns, int64_t write_ns)
{
    assert_ok(rondo_transport_set_timeouts(p->transport, read_ns, write_ns));
}

void peer_got(const struct peer *p, uint64_t size)
{
    assert_int_equal(p->bytes, size);
    assert_true(p->checksum == test_pattern_checksum(size));
}

void peer_finish(struct peer *p, uint64_t sent)
{
    rondo_transport_close(p->transport);
    assert_int_equal(plain_drain(p), sent);
    assert_lost(p->w, p, NULL, 0);
}
