/* test_stream_flow.c - limits of the write buffer, pause and resume. */
/* SPDX-License-Identifier: MIT */
#include "harness_flow.h"
#include "harness_local.h"
#include "harness_plain.h"

enum { SMALL = 8192, LARGE = 1024 * 1024, DEFAULT_HIGH = 65536 };

static void check_limits(struct peer *p, size_t high, size_t low)
{
    size_t h = 0;
    size_t l = 0;

    rondo_transport_get_write_buffer_limits(p->transport, &h, &l);
    assert_int_equal(h, high);
    assert_int_equal(l, low);
}

/* ---- S4: the limits ----------------------------------------------------- */

TEST_LEAVES(S4_limits_by_default_alone_and_both)
{
    static const struct {
        const char *name;
        size_t high, low, then_high, then_low;
    } rows[] = {
        {"low alone", 0, 1000, 4000, 1000},
        {"high alone", 1000, 0, 1000, 250},
        {"a high of 1 alone", 1, 0, 1, 0},
        {"both the same", 10, 10, 10, 10},
        {"the highest", SIZE_MAX, 1, SIZE_MAX, 1},
        {"back to the default", 0, 0, DEFAULT_HIGH, DEFAULT_HIGH / 4},
    };
    struct peer *p = plain_peer(w, &recorder, 0);

    check_limits(p, DEFAULT_HIGH, DEFAULT_HIGH / 4);
    rondo_transport_get_write_buffer_limits(p->transport, NULL, NULL);
    for (EACH_ROW(w, row, rows)) {
        peer_set_limits(p, row->high, row->low);
        check_limits(p, row->then_high, row->then_low);
    }
}

TEST_LEAVES(S4_high_below_low_is_EINVAL)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    size_t high = 0, low = 0;

    peer_set_limits(p, 100, 50);
    assert_refused(
        rondo_transport_set_write_buffer_limits(p->transport, 10, 11),
        RONDO_EINVAL, "write_buffer_limits");
    check_limits(p, 100, 50);
    assert_einval(rondo_transport_set_write_buffer_limits(NULL, 1, 1));
    /* an absurd low does not wrap */
    (void)rondo_transport_set_write_buffer_limits(p->transport, 0,
                                                  SIZE_MAX / 4 + 2);
    rondo_transport_get_write_buffer_limits(p->transport, &high, &low);
    assert_true(high >= low);
}

/* ---- S4: pause and resume ----------------------------------------------- */

TEST_LEAVES(S4_a_reader_that_pauses_holds_its_writer_back)
{
    struct peer *a = test_peer(w), *b = test_peer(w);

    test_pair_with(w, &recorder, a, &recorder, b, SMALL);
    flow_play(w, a, b);
}

TEST_LEAVES(S4_a_unix_socket_holds_its_writer_back)
{
    struct peer *a, *b;

    local_pair(w, &a, &b);
    flow_play(w, a, b);
}

/* a transport with a settled buffer of so many bytes, of *sent in all */
static struct peer *stuffed_peer(struct world *w, uint64_t *sent)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    peer_set_limits(p, SIZE_MAX, 0);
    *sent = test_fill_transport(w, p);
    while (test_settle(w, p) == 0) {
        (void)peer_write(p, *sent, 4096);
        *sent += 4096;
    }
    return p;
}

TEST(S4_pause_when_over_high_and_not_at_it)
{
    uint64_t sent;
    struct peer *p = stuffed_peer(w, &sent);
    size_t size;

    do { /* until the kernel takes nothing more meanwhile */
        size = peer_buffered(p);
        peer_set_limits(p, size + 100, 1);
        assert_int_equal(peer_write(p, sent, 100), 0);
        sent += 100;
        test_spin(w, 20);
        assert_int_equal(p->pauses, 0);
    } while (peer_buffered(p) != size + 100);
    assert_int_equal(peer_write(p, sent, 1), 1);
    assert_int_equal(p->pauses, 0); /* not inside the call */
    test_run_until(w, p->pauses == 1);
    test_spin(w, 20);
    assert_string_equal(p->order, "MP");
    peer_finish(p, sent + 1);
}

static void at_most_low(struct peer *p)
{
    size_t low = 0;

    rondo_transport_get_write_buffer_limits(p->transport, NULL, &low);
    assert_true(peer_buffered(p) <= low);
    assert_false(rondo_transport_is_writing_paused(p->transport));
}

TEST_LEAVES(S4_resume_when_down_to_low)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    uint64_t at = 0;

    p->on_resume = at_most_low;
    peer_set_limits(p, 500000, 300000);
    assert_int_equal(peer_write(p, 0, LARGE), 1);
    test_run_until(w, p->pauses == 1);
    while (!p->resumes) {
        assert_true(rondo_transport_is_writing_paused(p->transport));
        assert_true(peer_buffered(p) > 300000);
        at += test_drain_raw_some(w, p->fd, at, 1000);
        test_spin(w, 2);
    }
    if (!peer_buffered(p))
        test_skip(w, "this kernel takes all that waits as soon as there is "
                     "room");
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, p->fd, at), LARGE - at);
}

TEST(S4_not_for_what_the_kernel_took)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    peer_set_limits(p, 1, 1);
    for (uint64_t at = 0; at < 20000; at += 1000)
        assert_int_equal(peer_write(p, at, 1000), 0);
    test_spin(w, 20);
    assert_string_equal(p->order, "M");
    peer_finish(p, 20000);
}

TEST_LEAVES(S4_both_are_called_even_if_it_drains_first)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    unsigned char got[4096];

    peer_set_limits(p, 1, 0);
    for (int i = 0; i < 200 && peer_buffered(p) == 0; i++)
        (void)peer_write(p, 0, 4096);
    assert_true(peer_buffered(p) > 0);
    while (raw_recv(p->fd, got, sizeof got, 0) > 0) /* room for all of it */
        continue;
    test_run_until(w, p->resumes == 1);
    assert_string_equal(p->order, "MPR");
}

TEST(S4_no_resume_after_an_abort)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    assert_int_equal(peer_write(p, 0, LARGE), 1);
    rondo_transport_abort(p->transport);
    test_run_until(w, p->lost);
    assert_int_equal(p->resumes, 0);
}

/* ---- S4: new limits ----------------------------------------------------- */

TEST(S4_new_limits_act_at_once_both_ways)
{
    uint64_t sent;
    struct peer *p = stuffed_peer(w, &sent);
    size_t size = peer_buffered(p);

    peer_set_limits(p, size, 1); /* at the high mark nothing changes */
    test_spin(w, 10);
    assert_string_equal(p->order, "M");
    assert_false(rondo_transport_is_writing_paused(p->transport));
    peer_set_limits(p, size - 1, 1);
    assert_true(rondo_transport_is_writing_paused(p->transport));
    assert_int_equal(p->pauses, 0);
    test_run_until(w, p->pauses == 1);
    peer_set_limits(p, size * 4, size - 1); /* nor above the low mark */
    test_spin(w, 10);
    assert_string_equal(p->order, "MP");
    assert_true(rondo_transport_is_writing_paused(p->transport));
    peer_set_limits(p, size * 2, size);
    assert_int_equal(p->resumes, 0);
    test_run_until(w, p->resumes == 1);
    assert_false(rondo_transport_is_writing_paused(p->transport));
    assert_int_equal(peer_buffered(p), size);
    assert_string_equal(p->order, "MPR");
    peer_finish(p, sent);
}

TEST(S4_limits_to_and_fro_before_the_loop_runs)
{
    uint64_t sent;
    struct peer *p = stuffed_peer(w, &sent);
    size_t size = peer_buffered(p);

    for (int i = 0; i < 7; i++) {
        peer_set_limits(p, 1, 1);
        assert_true(rondo_transport_is_writing_paused(p->transport));
        peer_set_limits(p, size, size);
    }
    test_spin(w, 40);
    assert_int_equal(p->pauses, p->resumes);
    assert_false(rondo_transport_is_writing_paused(p->transport));
    peer_set_limits(p, 1, 1);
    test_spin(w, 40);
    assert_int_equal(p->pauses, p->resumes + 1);
    peer_finish(p, sent);
}

/* ---- S4: each way to write counts --------------------------------------- */

TEST(S4_gathered_and_owned_count)
{
    uint64_t sent;
    struct peer *p = stuffed_peer(w, &sent);
    size_t size = peer_buffered(p);
    unsigned char *data = test_bytes(w, sent, 2000);
    const rondo_buffer pieces[2] = {{data, 400}, {data + 400, 600}};

    peer_set_limits(p, size + 999, 1);
    assert_int_equal(rondo_transport_writev(p->transport, pieces, 2), 1);
    assert_int_equal(peer_buffered(p), size + 1000);
    peer_set_limits(p, size + 1999, size + 1999);
    assert_int_equal(rondo_transport_write_owned(p->transport, data + 1000,
                                                 1000, ignore_release, NULL),
                     1);
    assert_int_equal(peer_buffered(p), size + 2000);
    peer_set_limits(p, size + 2999, size + 2999);
    assert_int_equal(peer_write(p, sent + 2000, 1000), 1);
    assert_int_equal(peer_buffered(p), size + 3000);
    test_spin(w, 40);
    /* resumed only if the kernel has found room after all */
    assert_true(p->pauses >= 1);
    assert_int_equal(p->pauses - p->resumes, peer_buffered(p) > size + 2999);
    peer_finish(p, sent + 3000);
}
