/* test_datagram_segments.c - datagrams that the kernel cuts; fragments. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"

/* ---- an endpoint that is told ------------------------------------------- */

/* All of them, and the last one's; of `user` of an endpoint. */
struct told {
    rondo_datagram_info info;
    size_t bytes, count;
};

static void received_with(rondo_datagram *d, void *self, const void *data,
                          size_t size, const rondo_address *from,
                          const rondo_datagram_info *info)
{
    struct endpoint *e = self;
    struct told *told = e->user;

    assert_int_equal(info->size, sizeof *info);
    told->info = *info;
    told->bytes += size;
    told->count++;
    datagram_recorder.datagram_received(d, self, data, size, from,
                                        info->known & RONDO_INFO_TRUNCATED);
}

static struct endpoint *told_open(struct world *w,
                                  const rondo_datagram_options *options)
{
    static rondo_datagram_protocol protocol;
    struct endpoint *e = endpoint_new(w);

    protocol = datagram_recorder;
    protocol.datagram_received_with = received_with;
    e->user = test_alloc(w, sizeof(struct told));
    assert_ok(
        rondo_create_datagram_endpoint(w->loop, options, &protocol, e, &e->d));
    assert_ok(rondo_datagram_local_address(e->d, &e->local));
    test_run_until(w, e->made);
    return e;
}

static void needs(struct world *w, rondo_capability what, const char *name)
{
    char reason[64];

    (void)snprintf(reason, sizeof reason, "the system has no %s", name);
    test_skip_if(w, !rondo_loop_supports(w->loop, what), reason);
}

/* One that is told this, at that address and some port. */
static struct endpoint *told_at(struct world *w, const char *ip, unsigned info)
{
    rondo_address a = endpoint_address(ip, 0);

    return told_open(w, RONDO_DATAGRAM(.local_address = &a, .info = info));
}

/* ---- D8: segments ------------------------------------------------------- */

enum { SEGMENT = 1000, TRAIN = 20 };

static int send_train(struct endpoint *e, const char *bytes, size_t size,
                      const rondo_address *to)
{
    rondo_datagram_info info = RONDO_DATAGRAM_INFO_INIT;
    const rondo_buffer piece = {.data = bytes, .size = size};

    info.known = RONDO_INFO_SEGMENTS;
    info.segment_size = SEGMENT;
    return rondo_datagram_send_with(e->d, &piece, 1, to, &info);
}

static char *train(struct world *w)
{
    char *bytes = test_alloc(w, SEGMENT * TRAIN);

    for (unsigned i = 0; i < SEGMENT * TRAIN; i++)
        bytes[i] = (char)(i / SEGMENT);
    return bytes;
}

static void check_segment(struct endpoint *e)
{
    assert_int_equal(e->data[0], e->received - 1);
    assert_int_equal(e->size, e->received < TRAIN ? SEGMENT : SEGMENT - 7);
}

TEST(D8_segments_arrive_as_datagrams)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    const char *bytes = train(w);

    needs(w, RONDO_CAN_SEGMENTATION, "RONDO_CAN_SEGMENTATION");
    to->on_data = check_segment;
    assert_int_equal(send_train(e, bytes, SEGMENT * TRAIN - 7, &to->local), 0);
    test_run_until(w, to->received == TRAIN);
    assert_int_equal(to->bytes, SEGMENT * TRAIN - 7);
    /* and after they had to wait */
    to->received = 0;
    endpoint_block(w);
    assert_int_equal(send_train(e, bytes, SEGMENT * TRAIN - 7, &to->local), 0);
    endpoint_unblock();
    test_run_until(w, to->received == TRAIN);
    endpoint_end(e);
    endpoint_end(to);
}

TEST(D8_segments_come_together_where_they_are_asked_for)
{
    struct endpoint *e = endpoint_bound(w), *to;
    const struct told *told;
    const char *bytes = train(w);

    needs(w, RONDO_CAN_SEGMENTATION, "RONDO_CAN_SEGMENTATION");
    to = told_at(w, "127.0.0.1", RONDO_INFO_SEGMENTS);
    told = to->user;
    assert_int_equal(send_train(e, bytes, SEGMENT * TRAIN - 7, &to->local), 0);
    test_run_until(w, told->bytes == SEGMENT * TRAIN - 7);
    assert_true(told->count < TRAIN);
    assert_true(told->info.known & RONDO_INFO_SEGMENTS);
    assert_int_equal(told->info.segment_size, SEGMENT);
    endpoint_end(e);
    endpoint_end(to);
}

/* ---- D8: fragments ------------------------------------------------------ */

TEST(D8_fragments_and_the_path_s_mtu)
{
    struct endpoint *to = endpoint_bound(w), *e;
    int64_t mtu;

    needs(w, RONDO_CAN_DONT_FRAGMENT, "RONDO_CAN_DONT_FRAGMENT");
    for (int how = RONDO_FRAGMENTS_ALLOW; how <= RONDO_FRAGMENTS_PROBE; how++) {
        e = endpoint_open(w, RONDO_DATAGRAM(.remote_address = &to->local,
                                            .fragments = (rondo_fragments)how));
        test_run_until(w, e->made);
        assert_ok(rondo_datagram_send(e->d, "x", 1, NULL));
        mtu = rondo_datagram_path_mtu(e->d);
        assert_true(mtu > 500 || mtu == RONDO_ENOTSUP);
        endpoint_end(e);
    }
    assert_refused(rondo_datagram_path_mtu(to->d), RONDO_ENOTCONN,
                   "not connected");
    assert_refused(rondo_datagram_path_mtu(NULL), RONDO_EINVAL, NULL);
    endpoint_end(to);
}

/* Loopback's MTU is far above what UDP can carry on some systems: only where
 * it is below can a datagram be larger. */
TEST(D8_larger_than_the_path_is_refused)
{
    static char large[65507];
    struct endpoint *to = endpoint_bound(w), *e;
    int64_t mtu;

    needs(w, RONDO_CAN_DONT_FRAGMENT, "RONDO_CAN_DONT_FRAGMENT");
    e = endpoint_open(w, RONDO_DATAGRAM(.remote_address = &to->local,
                                        .fragments = RONDO_FRAGMENTS_NEVER));
    test_run_until(w, e->made);
    mtu = rondo_datagram_path_mtu(e->d);
    test_skip_if(w, mtu < 0 || mtu >= 65535,
                 "loopback takes what UDP can carry");
    assert_error(rondo_datagram_send(e->d, large, (size_t)mtu, NULL),
                 RONDO_EMSGSIZE);
    endpoint_end(e);
    endpoint_end(to);
}
