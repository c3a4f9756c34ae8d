/* test_stream_try.c - writes that keep nothing. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"
#include "harness_plain.h"

enum { SMALL = 8192 };

static int64_t try_write(struct peer *p, uint64_t position, size_t size)
{
    const rondo_buffer piece = {test_bytes(p->w, position, size), size};

    return rondo_transport_try_write(p->transport, &piece, 1);
}

/* ---- S18 ----------------------------------------------------------------- */

TEST(S18_takes_what_fits_and_keeps_nothing)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    uint64_t sent = 0;
    int64_t taken;
    unsigned parts = 0;

    assert_int_equal(try_write(p, 0, 100), 100);
    sent = 100;
    while ((taken = try_write(p, sent, 50000)) > 0) {
        parts += taken < 50000;
        sent += (uint64_t)taken;
    }
    assert_error(taken, RONDO_EAGAIN);
    assert_non_null(strstr(rondo_last_error(), "transport_try_write"));
    assert_true(parts > 0); /* a part of what was offered */
    assert_int_equal(peer_buffered(p), 0);
    assert_false(rondo_transport_is_closing(p->transport));
    assert_int_equal(p->pauses, 0);
    peer_finish(p, sent);
}

TEST(S18_any_number_of_pieces)
{
    enum { COUNT = 3000 };
    struct peer *p = plain_peer(w, &recorder, 0);
    unsigned char *data = test_bytes(w, 0, COUNT);
    rondo_buffer pieces[COUNT];

    for (size_t i = 0; i < COUNT; i++)
        pieces[i] = (rondo_buffer){data + i, 1};
    assert_int_equal(rondo_transport_try_write(p->transport, pieces, COUNT),
                     COUNT);
    peer_finish(p, COUNT);
}

TEST(S18_not_before_what_waits)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    uint64_t sent = test_fill_transport(w, p);

    assert_error(try_write(p, sent, 10), RONDO_EAGAIN);
    assert_int_equal(rondo_transport_try_write(p->transport, NULL, 0), 0);
    plain_takes(p, 0, sent);
    test_run_until(w, peer_buffered(p) == 0);
    assert_int_equal(try_write(p, sent, 10), 10);
    plain_takes(p, sent, 10);
    act_close(p);
    assert_lost(w, p, NULL, 0);
}

TEST(S18_is_refused_as_a_write)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    const rondo_buffer null = {NULL, 1};

    assert_einval(rondo_transport_try_write(NULL, &null, 0));
    assert_einval(rondo_transport_try_write(p->transport, &null, 1));
    act_write_eof(p);
    assert_error(try_write(p, 0, 1), RONDO_EPIPE);
    act_close(p);
    assert_error(try_write(p, 0, 1), RONDO_ECLOSED);
    assert_lost(w, p, NULL, 0);
}

TEST(S18_a_reset_ends_the_connection)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    int64_t result;

    act_pause(p);
    plain_reset(p);
    while ((result = try_write(p, 0, 1)) > 0 || result == RONDO_EAGAIN)
        ;
    assert_error(result, RONDO_ECONNRESET);
    assert_lost(w, p, NULL, RONDO_ECONNRESET);
}

TEST(S18_filters_do_not_try)
{
    struct toy_pair p = toy_pair_ready(w, 0);

    assert_error(try_write(p.a, 0, 1), RONDO_ENOTSUP);
    assert_ok(rondo_transport_write(p.a->transport, "x", 1));
    assert_hears(w, p.b, "x");
    act_close(p.a);
    test_run_until(w, p.a->lost && p.b->lost);
}

TEST(S18_takes_no_memory)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    unsigned char bytes[100];
    const rondo_buffer piece = {bytes, sizeof bytes};
    uint64_t before = test_allocations(w);

    test_fill(bytes, 0, sizeof bytes);
    assert_int_equal(rondo_transport_try_write(p->transport, &piece, 1), 100);
    assert_int_equal(test_allocations(w), before);
    peer_finish(p, 100);
}
