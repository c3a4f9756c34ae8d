/* test_stream_end.c - ends at once, within a time, and of one side. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "harness_filter.h"

enum { SMALL = 8192, LARGE = 1 << 20 };

static void close_now(struct peer *p)
{
    rondo_transport_close_now(p->transport);
}

static struct call *shut_down(struct peer *p)
{
    struct call *c = call_new(p->w);

    assert_ok(rondo_transport_shutdown(p->transport, call_done, c));
    assert_int_equal(c->calls, 0);
    return c;
}

/* A beginning of the pattern arrives, and then an end, in order: its size. */
static uint64_t ends_early(struct peer *p)
{
    int64_t got = plain_drain(p);

    assert_true(got >= 0);
    return (uint64_t)got;
}

/* ---- S19: close_now ------------------------------------------------------ */

TEST(S19_close_now_drops_and_ends_in_order)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    (void)peer_write(p, 0, LARGE);
    close_now(p);
    close_now(p);
    assert_int_equal(p->lost, 0); /* not inside the call */
    assert_true(rondo_transport_is_closing(p->transport));
    assert_lost(w, p, NULL, RONDO_ECANCELED);
    assert_true(ends_early(p) < LARGE);
}

TEST(S19_close_now_with_unread_bytes_sends_no_reset)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    char more;

    act_pause(p);
    plain_send_pattern(p, 0, 5000);
    assert_ok(rondo_transport_write(p->transport, "bye", 3));
    close_now(p);
    assert_lost(w, p, NULL, RONDO_ECANCELED);
    plain_hears(p, "bye");
    assert_int_equal(raw_recv(p->fd, &more, 1, 5000), 0);
}

TEST(S19_close_now_inside_any_callback)
{
    struct peer *p = plain_peer_unmade(w);

    act_in_all(p, close_now);
    assert_lost(w, p, "ML", RONDO_ECANCELED);
    p = plain_peer(w, &recorder, SMALL);
    act_in_all(p, close_now);
    (void)peer_write(p, 0, LARGE); /* pauses */
    assert_lost(w, p, "MPL", RONDO_ECANCELED);
    p = plain_peer(w, &recorder, 0);
    act_in_all(p, close_now);
    raw_shutdown_write(p->fd);
    assert_lost(w, p, "MEL", RONDO_ECANCELED);
}

TEST(S19_close_now_cuts_a_close_short)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    (void)peer_write(p, 0, LARGE);
    act_close(p);
    close_now(p);
    act_abort(p); /* the first one counts */
    assert_lost(w, p, NULL, RONDO_ECANCELED);
    assert_true(ends_early(p) < LARGE);
}

TEST(S19_close_now_says_no_goodbye)
{
    struct toy_pair p = toy_pair_ready(w, 0);

    close_now(p.a);
    assert_lost(w, p.a, NULL, RONDO_ECANCELED);
    assert_int_equal(p.ya->goodbyes, 0);
    assert_lost(w, p.b, NULL, RONDO_ECONNRESET); /* the toy's: it was cut */
}

/* ---- S19: close_within --------------------------------------------------- */

TEST(S19_close_within_a_time_that_suffices)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    (void)peer_write(p, 0, LARGE);
    assert_ok(rondo_transport_close_within(p->transport, RONDO_SEC(600)));
    assert_true(rondo_transport_is_closing(p->transport));
    assert_error(rondo_transport_write(p->transport, "x", 1), RONDO_ECLOSED);
    assert_int_equal(plain_drain(p), LARGE);
    assert_lost(w, p, NULL, 0);
    test_run_loop(w); /* no timer is left */
}

TEST(S19_close_within_a_time_that_does_not)
{
    static const int64_t times[] = {0, RONDO_MS(5)};

    for (size_t i = 0; i < COUNT_OF(times); i++) {
        struct peer *p = plain_peer(w, &recorder, SMALL);

        (void)peer_write(p, 0, LARGE);
        assert_ok(rondo_transport_close_within(p->transport, times[i]));
        assert_lost(w, p, NULL, RONDO_ETIMEDOUT);
        assert_true(plain_drain(p) < 0); /* cut, by a reset */
    }
}

TEST(S19_close_within_again_sets_the_time_anew)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    (void)peer_write(p, 0, LARGE);
    assert_ok(rondo_transport_close_within(p->transport, RONDO_MS(1)));
    assert_ok(rondo_transport_close_within(p->transport, RONDO_NEVER));
    (void)test_run_for(w, RONDO_MS(20));
    assert_int_equal(p->lost, 0);
    act_close(p); /* changes nothing */
    assert_ok(rondo_transport_close_within(p->transport, RONDO_MS(1)));
    assert_lost(w, p, NULL, RONDO_ETIMEDOUT);
    p = plain_peer(w, &recorder, SMALL);
    (void)peer_write(p, 0, LARGE);
    act_close(p);
    assert_ok(rondo_transport_close_within(p->transport, RONDO_MS(1)));
    assert_lost(w, p, NULL, RONDO_ETIMEDOUT);
}

TEST(S19_close_within_refused_leaves_it_open)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    assert_einval(rondo_transport_close_within(p->transport, -1));
    assert_einval(rondo_transport_close_within(NULL, 1));
    test_fail_allocations_from(w, 1);
    assert_refused(rondo_transport_close_within(p->transport, RONDO_SEC(1)),
                   RONDO_ENOMEM, NULL);
    test_fail_allocation(w, 0);
    assert_false(rondo_transport_is_closing(p->transport));
    act_abort(p);
    assert_ok(rondo_transport_close_within(p->transport, 0)); /* it is over */
    assert_lost(w, p, NULL, RONDO_ECANCELED);
}

/* All has left, the peer does not end its side: that is no loss. */
TEST(S19_close_within_ends_a_filters_wait_in_order)
{
    struct toy_side s = toy_side_ready(w, 0);

    assert_ok(rondo_transport_close_within(s.p->transport, RONDO_MS(20)));
    assert_lost(w, s.p, NULL, 0);
    assert_int_equal(s.y->goodbyes, 1);
}

TEST(S19_close_within_ends_a_handshake)
{
    struct toy_side s = toy_side_new(w);

    assert_ok(rondo_transport_write(s.p->transport, "x", 1));
    assert_ok(rondo_transport_close_within(s.p->transport, RONDO_MS(5)));
    assert_lost(w, s.p, NULL, RONDO_ETIMEDOUT);
}

/* ---- S19: shutdown ------------------------------------------------------- */

TEST(S19_shutdown_tells_when_the_end_has_left)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct call *c, *again;

    p->keep_open = true;
    (void)peer_write(p, 0, LARGE);
    c = shut_down(p);
    assert_error(rondo_transport_write(p->transport, "x", 1), RONDO_EPIPE);
    (void)test_settle(w, p);
    assert_int_equal(c->calls, 0);
    again = shut_down(p); /* twice is harmless */
    act_write_eof(p);
    assert_int_equal(plain_drain(p), LARGE);
    assert_int_equal(call_wait(w, c), 0);
    assert_int_equal(call_wait(w, again), 0);
    assert_int_equal(call_wait(w, shut_down(p)), 0); /* it has ended */
    assert_int_equal(p->lost, 0); /* the peer's side goes on */
    plain_send(p, "more");
    assert_hears(w, p, "more");
    raw_shutdown_write(p->fd);
    assert_lost(w, p, NULL, 0);
}

static void close_inside(struct call *c, rondo_loop *loop)
{
    (void)loop;
    act_close(c->user);
}

TEST(S19_shutdown_before_a_close)
{
    for (int inside = 0; inside < 2; inside++) {
        struct peer *p = plain_peer(w, &recorder, SMALL);
        struct call *c;

        (void)peer_write(p, 0, LARGE);
        c = shut_down(p);
        c->user = p;
        if (inside)
            c->then = close_inside;
        else
            act_close(p);
        assert_int_equal(plain_drain(p), LARGE);
        assert_lost(w, p, NULL, 0);
        assert_int_equal(c->calls, 1);
        assert_int_equal(c->result, 0);
    }
}

static void close_loop(struct peer *p)
{
    test_close_loop(p->w);
}

TEST(S19_shutdown_tells_why_the_end_did_not_leave)
{
    static const struct {
        const char *name;
        void (*end)(struct peer *p);
        int error;
    } rows[] = {
        {"abort", act_abort, RONDO_ECANCELED},
        {"close_now", close_now, RONDO_ECANCELED},
        {"a reset", plain_reset, RONDO_ECONNRESET},
        {"the loop closes", close_loop, RONDO_ECLOSED},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, &recorder, SMALL);
        struct call *c;

        (void)peer_write(p, 0, LARGE);
        c = shut_down(p);
        row->end(p);
        assert_lost(w, p, NULL, row->error);
        assert_int_equal(c->calls, 1);
        assert_int_equal(c->result, row->error);
        assert_non_null(strstr(c->last_error, "transport_shutdown"));
    }
}

static void told_before(struct call *c, rondo_loop *loop)
{
    const struct call *before = c->user;

    (void)loop;
    assert_int_equal(before->calls, 1);
}

TEST(S19_shutdown_is_told_behind_writes_and_a_file)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    unsigned char *data = test_bytes(w, 0, LARGE);
    const rondo_buffer piece = {data, LARGE};
    struct call *write = call_new(w), *file, *end;

    assert_ok(
        rondo_transport_write_then(p->transport, &piece, 1, call_done, write));
    file = call_sendfile(p, call_kept_file(w, 2 * LARGE), LARGE, LARGE);
    end = shut_down(p);
    file->user = write;
    end->user = file;
    file->then = end->then = told_before;
    assert_int_equal(plain_drain(p), 2 * LARGE);
    assert_int_equal(call_wait(w, end), 0);
    assert_int_equal(file->result, LARGE);
    act_close(p);
    assert_lost(w, p, NULL, 0);
}

TEST(S19_shutdown_refused)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    struct call *c = call_new(w);

    assert_einval(rondo_transport_shutdown(NULL, call_done, c));
    assert_refused(rondo_transport_shutdown(p->transport, NULL, NULL),
                   RONDO_EINVAL, "no function");
    test_fail_allocations_from(w, 1);
    assert_refused(rondo_transport_shutdown(p->transport, call_done, c),
                   RONDO_ENOMEM, NULL);
    test_fail_allocation(w, 0);
    assert_ok(rondo_transport_write(p->transport, "x", 1)); /* goes on */
    act_close(p);
    assert_refused(rondo_transport_shutdown(p->transport, call_done, c),
                   RONDO_ECLOSED, NULL);
    assert_lost(w, p, NULL, 0);
    assert_int_equal(c->calls, 0);
}

TEST(S19_shutdown_through_a_filter)
{
    struct toy_pair p = toy_pair_ready(w, 0);
    struct call *c;

    p.b->keep_open = true;
    (void)peer_write(p.a, 0, 5000);
    c = shut_down(p.a);
    assert_int_equal(call_wait(w, c), 0);
    assert_int_equal(p.ya->goodbyes, 1);
    assert_received(p.b, 5000);
    test_run_until(w, p.b->eof);
    act_close(p.b);
    test_run_until(w, p.a->lost && p.b->lost);
}

/* ---- S19: whose end it was ----------------------------------------------- */

TEST(S19_the_loops_end_is_told_from_an_abort)
{
    struct peer *aborted = plain_peer(w, &recorder, 0);
    struct peer *closing = plain_peer(w, &recorder, SMALL);
    struct peer *open = plain_peer(w, &recorder, 0);

    (void)peer_write(closing, 0, LARGE);
    act_close(closing);
    act_abort(aborted);
    test_close_loop(w);
    assert_lost(w, aborted, NULL, RONDO_ECANCELED);
    assert_lost(w, closing, NULL, RONDO_ECLOSED);
    assert_lost(w, open, NULL, RONDO_ECLOSED);
}
