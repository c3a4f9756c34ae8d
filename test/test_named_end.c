/* test_named_end.c - how a pipe by name ends, and when. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_named.h"

/* ---- the peer leaves ---------------------------------------------------- */

enum { MUCH = 400000 };

/* A pair that does not read: one leaves, the other stays. */
static void pause_pair(struct world *w, bool server_leaves,
                       struct peer **leaves, struct peer **stays)
{
    struct named_pair p = named_pair(w);

    w->leaves = true;
    *leaves = server_leaves ? p.s : p.c;
    *stays = server_leaves ? p.c : p.s;
    assert_ok(rondo_transport_pause_reading(p.c->transport));
    assert_ok(rondo_transport_pause_reading(p.s->transport));
    test_spin(w, 3);
}

/* What it sent is there to be read, what it was sent is gone with it. */
static void leave_unread(struct world *w, bool server_leaves)
{
    struct peer *stays, *leaves;

    pause_pair(w, server_leaves, &leaves, &stays);
    assert_ok(rondo_transport_write(leaves->transport, "farewell", 8));
    assert_ok(rondo_transport_write(stays->transport, "unheard", 7));
    test_run_until(w, peer_buffered(stays) == 0);
    rondo_transport_close(leaves->transport);
    assert_lost(w, leaves, NULL, 0);
    assert_int_equal(leaves->bytes, 0);
    test_spin(w, 10);
    assert_int_equal(stays->bytes + stays->eof + stays->lost, 0);
    assert_ok(rondo_transport_resume_reading(stays->transport));
    assert_lost(w, stays, "MdEL", 0);
    assert_hears(w, stays, "farewell");
}

TEST_CASE(S6_the_client_leaves_with_bytes_unread, leave_unread(w, false));

TEST_CASE(S6_the_server_leaves_with_bytes_unread, leave_unread(w, true));

/* Much waits to be sent to one that leaves; what it said before is heard. */
static void leave_unsent(struct world *w, bool server_leaves)
{
    unsigned char *data = test_alloc(w, MUCH);
    struct peer *stays, *leaves;

    pause_pair(w, server_leaves, &leaves, &stays);
    assert_int_equal(rondo_transport_write(stays->transport, data, MUCH), 1);
    assert_ok(rondo_transport_write(leaves->transport, "enough", 6));
    rondo_transport_close(leaves->transport);
    assert_lost(w, leaves, NULL, 0);
    assert_ok(rondo_transport_resume_reading(stays->transport));
    assert_lost(w, stays, NULL, RONDO_ECONNRESET);
    assert_hears(w, stays, "enough");
    assert_int_equal(stays->eof, 1);
    assert_true(strstr(stays->last_error, "write") != NULL);
}

TEST_CASE(S6_the_client_leaves_much_unsent, leave_unsent(w, false));

TEST_CASE(S6_the_server_leaves_much_unsent, leave_unsent(w, true));

/* A pipe ends both ways at once: what is written afterwards cannot arrive. */
TEST_LEAVES(S6_writing_after_the_end)
{
    struct named_pair p = named_pair(w);

    p.s->keep_open = true;
    rondo_transport_close(p.c->transport);
    test_run_until(w, p.s->eof);
    test_spin(w, 5);
    assert_int_equal(p.s->lost, 0);
    assert_ok(rondo_transport_write(p.s->transport, "too late", 8));
    assert_lost(w, p.s, "MEL", RONDO_ECONNRESET);
    assert_true(strstr(p.s->last_error, "pipe") != NULL);
}

TEST_LEAVES(S6_one_side_cannot_end_alone)
{
    struct named_pair p = named_pair(w);
    struct peer *const both[] = {p.c, p.s};

    for (int i = 0; i < 2; i++) {
        rondo_transport *t = both[i]->transport;

        assert_false(rondo_transport_can_write_eof(t));
        assert_refused(rondo_transport_write_eof(t), RONDO_ENOTSUP,
                       "write_eof");
        /* nothing has come of it */
        assert_ok(rondo_transport_write(t, "x", 1));
        assert_hears(w, both[!i], "x");
    }
    rondo_transport_close(p.c->transport);
    assert_error(rondo_transport_write_eof(p.c->transport), RONDO_ECLOSED);
}

/* ---- aborting ----------------------------------------------------------- */

/* Only an instance can be cut off: from a client it looks like an end. */
static void abort_one(struct world *w, bool server_aborts, const char *order,
                      int error)
{
    struct named_pair p = named_pair(w);
    struct peer *aborts = server_aborts ? p.s : p.c;

    w->leaves = true;
    rondo_transport_abort(aborts->transport);
    assert_lost(w, aborts, "ML", RONDO_ECANCELED);
    assert_lost(w, aborts->other, order, error);
}

TEST_CASE(S7_a_server_that_aborts_is_a_reset,
          abort_one(w, true, "ML", RONDO_ECONNRESET));

TEST_CASE(S7_a_client_that_aborts_is_an_end, abort_one(w, false, "MEL", 0));

TEST(S7_a_cut_while_paused_or_with_much_to_send)
{
    unsigned char *data = test_alloc(w, MUCH);

    for (int much = 0; much < 2; much++) {
        struct peer *c, *s;

        pause_pair(w, true, &s, &c);
        if (much)
            (void)rondo_transport_write(c->transport, data, MUCH);
        rondo_transport_abort(s->transport);
        test_run_until(w, s->lost);
        if (!much) { /* else the write that waits hears of it */
            test_spin(w, 5);
            assert_int_equal(c->lost, 0);
            assert_ok(rondo_transport_resume_reading(c->transport));
        }
        assert_lost(w, c, NULL, RONDO_ECONNRESET);
        assert_int_equal(c->eof, 0);
    }
}

/* A server's transport that has much to send, and its plain client. */
static raw_fd send_much(struct world *w, struct peer **p)
{
    unsigned char *data = test_alloc(w, MUCH);
    raw_fd fd = named_raw_pair(w, p);

    test_fill(data, 0, MUCH);
    assert_int_equal(rondo_transport_write((*p)->transport, data, MUCH), 1);
    return fd;
}

TEST_LEAVES(S7_abort_drops_what_waits)
{
    struct peer *p;
    raw_fd fd = send_much(w, &p);
    uint64_t count;

    test_spin(w, 3);
    rondo_transport_abort(p->transport);
    rondo_transport_abort(p->transport);
    assert_int_equal(named_drain(w, fd, &count), RAW_RESET);
    assert_true(count < MUCH);
    test_run_until(w, p->lost);
}

TEST_LEAVES(S7_close_sends_what_waits)
{
    struct peer *p;
    raw_fd fd = send_much(w, &p);
    uint64_t count;

    rondo_transport_close(p->transport);
    rondo_transport_close(p->transport);
    test_spin(w, 5);
    assert_int_equal(p->lost, 0);
    assert_int_equal(named_drain(w, fd, &count), 0);
    assert_int_equal(count, MUCH);
    assert_lost(w, p, NULL, 0);
}

TEST_LEAVES(S7_a_peer_that_never_reads)
{
    struct peer *p;

    (void)send_much(w, &p);
    assert_ok(rondo_transport_set_timeouts(p->transport, 0, RONDO_MS(50)));
    rondo_transport_close(p->transport);
    assert_lost(w, p, NULL, RONDO_ETIMEDOUT);
}

/* Another program's server: ends in order, or cuts its client off. */
TEST(S8_a_plain_server_ends_and_cuts)
{
    for (int cut = 0; cut < 2; cut++) {
        const char *name = named_name(w);
        raw_fd fd = raw_named_serve(name, 1);
        struct peer *p = named_connect(w, name);

        assert_int_equal(raw_named_send(fd, "bytes", 5), 5);
        assert_hears(w, p, "bytes");
        (cut ? raw_named_cut : raw_close)(fd);
        assert_lost(w, p, cut ? "MdL" : "MdEL", cut ? RONDO_ECONNRESET : 0);
    }
}

/* ---- in each callback --------------------------------------------------- */

static void arrange(struct peer *p, int moment, bool cut)
{
    void (*end)(struct peer *) = cut ? act_abort : act_close;

    if (moment == 0)
        p->on_made = end;
    else if (moment == 1)
        p->on_data = cut ? act_abort_in_data : act_close_in_data;
    else if (moment == 2)
        p->on_pause = end;
    else if (moment == 3)
        p->on_resume = end;
    else
        p->on_eof = end;
}

/* Moments of `p`: made, data, pause, resume, end. */
static void drive(struct world *w, struct peer *p, struct peer *other)
{
    unsigned char *data = test_alloc(w, 200000);

    if (!p->lost && other->transport)
        (void)rondo_transport_write(other->transport, "data", 4);
    test_spin(w, 5);
    if (!p->lost)
        (void)rondo_transport_write(p->transport, data, 200000);
    test_spin(w, 20);
    if (!p->lost && other->transport)
        rondo_transport_close(other->transport);
    test_run_until(w, p->lost && other->lost);
    assert_int_equal(p->made, 1);
    assert_int_equal(other->made, 1);
}

static void end_in_each_callback(struct world *w, bool server_ends, bool cut)
{
    for (int moment = 0; moment < 5; moment++) {
        struct listener *l = named_serve(w, named_name(w));
        struct peer *c = test_peer(w), *p, *other;

        arrange(server_ends ? &l->model : c, moment, cut);
        assert_ok(dial(w, RONDO_CONNECT(.path = l->name), c));
        test_run_until(w, c->connected && l->count && l->first->made);
        p = server_ends ? l->first : c;
        other = server_ends ? c : l->first;
        drive(w, p, other);
        /* a client's abort is no reset */
        assert_true(p->error == 0 || p->error == RONDO_ECANCELED ||
                    p->error == RONDO_ECONNRESET);
        if (moment < 2)
            assert_int_equal(p->error, cut ? RONDO_ECANCELED : 0);
        if (moment < 2 && cut && server_ends)
            assert_int_equal(other->error, RONDO_ECONNRESET);
        test_stop(l);
    }
}

TEST_CASE(G7_the_server_closes_in_each_callback,
          end_in_each_callback(w, true, false));

TEST_CASE(G7_the_server_aborts_in_each_callback,
          end_in_each_callback(w, true, true));

TEST_CASE(G7_the_client_closes_in_each_callback,
          end_in_each_callback(w, false, false));

TEST_CASE(G7_the_client_aborts_in_each_callback,
          end_in_each_callback(w, false, true));
