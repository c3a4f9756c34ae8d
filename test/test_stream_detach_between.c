/* test_stream_detach_between.c - detached between two buffers of one read. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"
#include "raw_net.h"

enum { VOLUME = 5000 };

struct taker {
    raw_fd file, fd;
};

/* What was unread becomes the peer's bytes. */
static void detach_when_sent(rondo_loop *loop, void *arg, int64_t result)
{
    struct peer *p = arg;
    struct taker *x = p->user;
    rondo_detached out = RONDO_DETACHED_INIT;

    (void)loop;
    assert_int_equal(result, 6);
    assert_ok(rondo_transport_detach(p->transport, &out));
    x->fd = test_own(p->w, (raw_fd)out.fd);
    p->checksum = test_checksum(p->checksum, out.unread, out.unread_size);
    p->bytes += out.unread_size;
}

static void send_file_in_updated(struct peer *p, size_t size)
{
    struct taker *x = p->user;

    (void)size;
    if (p->updates == 1)
        assert_ok(rondo_transport_sendfile(p->transport, x->file, 0, 6,
                                           detach_when_sent, p));
}

/* The kernel takes the file at once, so its done comes before more bytes. */
TEST(S21_between_two_buffers)
{
    struct taker x = {RONDO_NO_FD, RONDO_NO_FD};
    struct peer *p;
    unsigned char *got = test_alloc(w, VOLUME);
    size_t rest;

    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_DETACH),
                 "a completion port keeps its handles");
    p = plain_peer(w, &buffered_recorder, 0);
    x.file = test_own(w, raw_file());
    assert_int_equal(raw_write(x.file, "a file", 6), 6);
    p->user = &x;
    p->buffer_size = 100;
    p->buffer = test_alloc(w, p->buffer_size);
    p->on_updated = send_file_in_updated;
    plain_send_pattern(p, 0, VOLUME);
    assert_lost(w, p, NULL, 0);
    rest = (size_t)(VOLUME - p->bytes); /* in the kernel */
    assert_true(raw_recv_exact(x.fd, got, rest, 5000));
    p->checksum = test_checksum(p->checksum, got, rest);
    assert_int_equal(p->checksum, test_pattern_checksum(VOLUME));
    plain_hears(p, "a file");
}
