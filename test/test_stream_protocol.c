/* test_stream_protocol.c - set_protocol on a live stream. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

enum { SMALL = 8192 };

static void hand_over_in_data(struct peer *p, const void *data, size_t size)
{
    (void)data;
    (void)size;
    peer_hand_over(p, &recorder);
}

/* ---- S10: from the next callback on ------------------------------------- */

TEST(S10_acts_from_the_next_callback)
{
    struct peer *a = test_peer(w);
    struct peer *b = peer_successor(w, a);
    raw_fd fd = test_raw_peer(w, &recorder, a, 0);

    a->on_data = hand_over_in_data;
    assert_true(raw_send_all(fd, "first", 5, 1000));
    test_run_until(w, a->bytes == 5);
    assert_true(raw_send_all(fd, "second", 6, 1000));
    raw_shutdown_write(fd);
    test_run_until(w, b->lost);
    assert_string_equal(a->order, "Md");
    assert_string_equal(b->order, "dEL");
    assert_int_equal(b->bytes, 6);
    raw_close(fd);
}

TEST(S10_before_made)
{
    struct peer *a = test_peer(w);
    struct peer *b = test_peer(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, a);
    assert_ok(
        rondo_transport_set_protocol(a->transport, &buffered_recorder, b));
    assert_ptr_equal(rondo_transport_self(a->transport), b);
    raw_close(fds[1]);
    test_run_until(w, b->lost);
    assert_string_equal(a->order, "");
    assert_string_equal(b->order, "MEL");
}

static void hand_over_plain(struct peer *p)
{
    peer_hand_over(p, &recorder);
}

TEST(S10_in_made)
{
    struct peer *a = test_peer(w);
    struct peer *b = peer_successor(w, a);
    raw_fd fds[2];

    a->on_made = hand_over_plain;
    assert_int_equal(raw_pair(fds), 0);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    raw_close(fds[1]);
    test_adopt(w, fds[0], &recorder, a);
    test_run_until(w, b->lost);
    assert_string_equal(a->order, "M");
    assert_string_equal(b->order, "dEL");
}

TEST(S10_in_eof_received)
{
    struct peer *a = test_peer(w);
    struct peer *b = peer_successor(w, a);
    raw_fd fd = test_raw_peer(w, &recorder, a, 0);

    a->on_eof = hand_over_plain;
    raw_close(fd);
    test_run_until(w, b->lost);
    assert_string_equal(a->order, "ME");
    assert_string_equal(b->order, "L");
}

static void check_lost_goes_to_the_new(struct world *w,
                                       void (*end)(rondo_transport *t),
                                       int error)
{
    struct peer *a = test_peer(w);
    struct peer *b = peer_successor(w, a);
    raw_fd fd = test_raw_peer(w, &recorder, a, 0);

    end(a->transport);
    peer_hand_over(a, &recorder);
    test_run_until(w, b->lost);
    assert_string_equal(a->order, "M");
    assert_int_equal(b->error, error);
    raw_close(fd);
}

TEST(S10_after_close_lost_goes_to_the_new)
{
    check_lost_goes_to_the_new(w, rondo_transport_close, 0);
    check_lost_goes_to_the_new(w, rondo_transport_abort, RONDO_ECANCELED);
}

TEST(S10_nonsense_is_EINVAL)
{
    struct peer *a, *b;

    test_pair(w, &a, &b);
    assert_einval(rondo_transport_set_protocol(NULL, &recorder, a));
    assert_einval(rondo_transport_set_protocol(a->transport, NULL, a));
    assert_ok(rondo_transport_write(b->transport, "x", 1));
    test_run_until(w, a->bytes == 1);
}

/* ---- S10: plain, buffered and back -------------------------------------- */

/* Each chunk goes to the other kind of protocol than the one before it. */
struct alternating {
    struct peer *plain, *buffered;
    uint64_t position;
    unsigned switches;
};

static void next_protocol(struct peer *p, const void *data, size_t size)
{
    struct alternating *s = p->user;
    struct peer *next = p == s->plain ? s->buffered : s->plain;

    assert_true(test_matches(data, s->position, size));
    s->position += size;
    s->switches++;
    assert_ok(rondo_transport_set_protocol(
        p->transport, next == s->plain ? &recorder : &buffered_recorder, next));
}

static void next_after_updated(struct peer *p, size_t size)
{
    next_protocol(p, p->buffer, size);
}

TEST(S10_plain_to_buffered_and_back)
{
    enum { SIZE = 1000000 };
    struct alternating *s = test_alloc(w, sizeof *s);
    raw_fd fd;

    s->plain = test_peer(w);
    s->buffered = peer_successor(w, s->plain);
    s->plain->user = s->buffered->user = s;
    s->plain->on_data = next_protocol;
    s->buffered->on_updated = next_after_updated;
    fd = test_raw_peer(w, &recorder, s->plain, SMALL);
    test_send_raw(w, fd, 0, SIZE);
    raw_close(fd);
    test_run_until(w, s->plain->lost || s->buffered->lost);
    assert_int_equal(s->position, SIZE);
    assert_true(s->switches > 10);
    assert_true(s->plain->bytes > 0 && s->buffered->bytes > 0);
    assert_int_equal(s->plain->eof + s->buffered->eof, 1);
}

/* ---- S10: writing is paused --------------------------------------------- */

static void check_paused_hand_over(struct world *w, bool told)
{
    struct peer *a = test_peer(w);
    struct peer *b = peer_successor(w, a);
    raw_fd fd = test_raw_peer(w, &recorder, a, SMALL);
    unsigned char *data = test_alloc(w, 500000);

    test_fill(data, 0, 500000);
    assert_int_equal(rondo_transport_write(a->transport, data, 500000), 1);
    if (told)
        test_run_until(w, a->pauses == 1);
    peer_hand_over(a, &recorder);
    assert_int_equal(b->pauses, 0); /* not inside the call */
    assert_true(raw_send_all(fd, "x", 1, 1000));
    test_run_until(w, b->bytes == 1);
    assert_string_equal(a->order, told ? "MP" : "M");
    assert_string_equal(b->order, "Pd"); /* pause_writing first */
    assert_int_equal(test_drain_raw_some(w, fd, 0, 500000), 500000);
    test_run_until(w, b->resumes == 1);
    assert_string_equal(b->order, "PdR");
    assert_int_equal(a->resumes, 0);
    raw_close(fd);
}

TEST_CASE(S10_the_new_one_hears_pause_writing_first,
          check_paused_hand_over(w, true));

TEST_CASE(S10_a_pause_not_yet_told_goes_to_the_new_one,
          check_paused_hand_over(w, false));

TEST(S10_in_pause_and_resume_writing)
{
    struct peer *a = test_peer(w);
    struct peer *b = peer_successor(w, a);
    struct peer *c = peer_successor(w, b);
    raw_fd fd = test_raw_peer(w, &recorder, a, SMALL);
    unsigned char *data = test_alloc(w, 500000);

    a->on_pause = hand_over_plain;
    b->on_resume = hand_over_plain;
    test_fill(data, 0, 500000);
    assert_int_equal(rondo_transport_write(a->transport, data, 500000), 1);
    test_run_until(w, b->pauses == 1);
    assert_int_equal(test_drain_raw_some(w, fd, 0, 500000), 500000);
    raw_close(fd);
    test_run_until(w, c->lost);
    assert_string_equal(a->order, "MP");
    assert_string_equal(b->order, "PR");
    assert_string_equal(c->order, "EL");
}
