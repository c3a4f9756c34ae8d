/* test_kinds_pairs.c - two features together, on sockets of both kinds. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_calls.h"
#include "harness_filter.h"
#include "harness_kinds.h"

static struct toy *toy_under(struct peer *p, unsigned char key)
{
    struct toy *y = test_toy(p->w, key);

    toy_push(p->transport, y);
    return y;
}

static void filter_both(struct rig *r)
{
    struct toy *ours = toy_under(r->p, 42), *theirs = toy_under(r->far, 99);

    test_run_until(r->w, ours->done && theirs->done);
}

/* What the other end saw is not this transport's bytes. */
static void forget_far(struct rig *r)
{
    r->cut = true;
    r->far->no_checksum = true;
    r->far->checksum = test_pattern_checksum(0);
    r->far->bytes = 0;
}

/* ---- timeouts + filters -------------------------------------------------- */

/* Before connection_made no time runs. */
static int time_in_setup(struct rig *r)
{
    struct toy *y = test_toy(r->w, 1);

    y->late = true;
    toy_push(r->p->transport, y);
    assert_ok(rondo_transport_set_timeouts(r->p->transport, RONDO_MS(5),
                                           RONDO_MS(5)));
    r->p->go_on = true;
    (void)toy_under(r->far, 2);
    test_run_until(r->w, y->hello);
    assert_true(test_run_for(r->w, RONDO_MS(50)) < 40); /* it costs no CPU */
    assert_int_equal(r->p->made, 0);
    r->p->on_made = act_pause; /* the read time stands still */
    assert_ok(rondo_layer_ready(y->layer));
    test_run_until(r->w, r->p->made && r->far->made);
    test_spin(r->w, 3);
    assert_int_equal(r->p->timeouts, 0);
    assert_ok(rondo_transport_resume_reading(r->p->transport));
    test_run_until(r->w, r->p->timeouts >= 2);
    assert_int_equal(r->p->direction, RONDO_READING);
    return 0;
}

/* On a live connection they run during a handshake, too. */
static int time_in_handshake(struct rig *r)
{
    struct toy *y;

    r->p->go_on = true;
    y = toy_under(r->p, 1);
    forget_far(r);
    assert_ok(rondo_transport_set_timeouts(r->p->transport, RONDO_MS(5), 0));
    test_run_until(r->w, r->p->timeouts >= 2);
    r->p->go_on = false;
    test_run_until(r->w, r->p->lost);
    forget_far(r);
    assert_int_equal(r->p->error, RONDO_ETIMEDOUT);
    assert_int_equal(y->done, 1);
    assert_error(y->result, RONDO_ETIMEDOUT);
    return 0;
}

/* What waits for a filter is not what waits for the peer. */
static int write_time_in_handshake(struct rig *r)
{
    struct toy *y = test_toy(r->w, 1);

    y->silent = y->late = true;
    toy_push(r->p->transport, y);
    assert_ok(rondo_transport_set_timeouts(r->p->transport, 0, RONDO_MS(5)));
    assert_ok(rig_write(r, 5000));
    assert_true(test_run_for(r->w, RONDO_MS(30)) < 40);
    assert_int_equal(r->p->timeouts, 0);
    rondo_transport_abort(r->p->transport);
    r->cut = true;
    return 0;
}

/* ---- timeouts + unread --------------------------------------------------- */

static void refuse(struct peer *p, const void *data, size_t size)
{
    take(p, data, size, 0);
}

/* Bytes that are given back again and again are no new ones. */
static int time_and_unread(struct rig *r)
{
    struct taking *t = taking_new(r);

    r->p->on_data = refuse;
    assert_ok(rig_feed(r, 1000));
    test_run_until(r->w, t->calls);
    assert_ok(rondo_transport_set_timeouts(r->p->transport, RONDO_MS(10), 0));
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, RONDO_ETIMEDOUT);
    assert_int_equal(r->p->timeouts, 1);
    return 0;
}

static void hand_over_in_time(struct peer *p)
{
    p->go_on = true;
    assert_einval(rondo_transport_unread(p->transport, "x", 1));
    if (!p->other->joined)
        return;
    peer_hand_over(p, &buffered_recorder);
}

/* timed_out gives the connection to another protocol, which gets what is
 * held, and the next time that runs out. */
static int protocol_in_time(struct rig *r)
{
    struct taking *t = taking_new(r);
    struct peer *next = peer_successor(r->w, r->p);

    r->p->on_data = take_and_hold;
    assert_ok(rig_feed(r, 4000));
    test_run_until(r->w, t->held);
    r->p->on_timeout = hand_over_in_time;
    next->transport = r->p->transport;
    next->checksum = test_pattern_checksum(t->position);
    assert_ok(rondo_transport_resume_reading(r->p->transport));
    assert_ok(rondo_transport_pause_reading(r->p->transport));
    (void)rig_write(r, 1);
    rig_block(r);
    assert_ok(rondo_transport_set_timeouts(r->p->transport, 0, RONDO_MS(5)));
    test_run_until(r->w, r->p->timeouts == 1);
    next->go_on = true;
    test_run_until(r->w, next->timeouts >= 1);
    r->p = next;
    assert_ok(rondo_transport_resume_reading(next->transport));
    test_run_until(r->w, t->position + next->bytes == 4000);
    assert_true(next->checksum == test_pattern_checksum(4000));
    r->p->go_on = true;
    rig_unblock(r);
    rig_arrives(r);
    return 0;
}

/* ---- filters + unread ---------------------------------------------------- */

/* One read has many frames: each is given back once, and none overtakes. */
static void refuse_every_other(struct peer *p, const void *data, size_t size)
{
    const struct taking *t = p->user;

    take(p, data, size, t->calls % 2 ? size : 0);
}

static int filter_and_unread(struct rig *r)
{
    struct taking *t;

    filter_both(r);
    t = taking_new(r);
    r->p->on_data = refuse_every_other;
    return read_to_the_end(r, t);
}

static void take_a_part(struct peer *p, const void *data, size_t size)
{
    take(p, data, size, size / 2 + 1);
}

static int filter_and_tail(struct rig *r)
{
    struct taking *t;

    filter_both(r);
    t = taking_new(r);
    r->p->on_data = take_a_part;
    return read_to_the_end(r, t);
}

static void resume_soon(rondo_loop *loop, void *arg)
{
    const struct rig *r = arg;

    (void)loop;
    if (r->p->transport)
        assert_ok(rondo_transport_resume_reading(r->p->transport));
}

static void hold_a_while(struct peer *p, const void *data, size_t size)
{
    struct taking *t = p->user;

    take(p, data, size, size / 2 + 1);
    act_pause(p);
    assert_ok(rondo_call_soon(p->w->loop, resume_soon, t->r));
}

static int filter_and_pause(struct rig *r)
{
    struct taking *t;

    filter_both(r);
    t = taking_new(r);
    r->p->on_data = hold_a_while;
    return read_to_the_end(r, t);
}

/* ---- filters + buffered protocols ---------------------------------------- */

static void plain_again(struct peer *p, size_t size);

static void buffered_again(struct peer *p, const void *data, size_t size)
{
    take_a_part(p, data, size);
    p->on_updated = plain_again;
    assert_ok(
        rondo_transport_set_protocol(p->transport, &buffered_recorder, p));
}

static void plain_again(struct peer *p, size_t size)
{
    struct taking *t = p->user;

    assert_true(test_matches(p->buffer, t->position, size));
    t->position += size;
    p->on_data = buffered_again;
    assert_ok(rondo_transport_set_protocol(p->transport, &recorder, p));
}

/* Plain and buffered by turns, the tail given back each time. */
static int plain_and_buffered(struct rig *r)
{
    struct taking *t = taking_new(r);

    r->p->buffer_size = 700;
    r->p->buffer = test_alloc(r->w, 700);
    r->p->on_data = buffered_again;
    return read_to_the_end(r, t);
}

static int plain_and_buffered_filtered(struct rig *r)
{
    filter_both(r);
    return plain_and_buffered(r);
}

/* ---- the table ----------------------------------------------------------- */

enum {
    SETUP_TIME,
    HANDSHAKE_TIME,
    WRITE_TIME,
    UNREAD_TIME,
    PROTOCOL_TIME,
    FILTER_UNREAD,
    FILTER_TAIL,
    FILTER_PAUSE,
    BY_TURNS,
    BY_TURNS_FILTERED
};

static const struct kind_table pairs = {
    .title = "pairs",
    .rows = KIND_SERVED,
    .columns =
        {[SETUP_TIME] = {.name = "setup, time",
                         .attempt = time_in_setup,
                         .unmade = true},
         [HANDSHAKE_TIME] = {.name = "handshake", .attempt = time_in_handshake},
         [WRITE_TIME] = {.name = "... written",
                         .attempt = write_time_in_handshake},
         [UNREAD_TIME] = {.name = "unread, time", .attempt = time_and_unread},
         [PROTOCOL_TIME] = {.name = "protocol", .attempt = protocol_in_time},
         [FILTER_UNREAD] = {.name = "filter, back",
                            .attempt = filter_and_unread},
         [FILTER_TAIL] = {.name = "... a tail", .attempt = filter_and_tail},
         [FILTER_PAUSE] = {.name = "... pause", .attempt = filter_and_pause},
         [BY_TURNS] = {.name = "by turns", .attempt = plain_and_buffered},
         [BY_TURNS_FILTERED] = {.name = "... filter",
                                .attempt = plain_and_buffered_filtered}},
};

TEST_CASE(S11_pair_time_in_setup, kinds_try(w, &pairs, SETUP_TIME));
TEST_CASE(S11_pair_time_in_handshake, kinds_try(w, &pairs, HANDSHAKE_TIME));
TEST_CASE(S11_pair_write_time, kinds_try(w, &pairs, WRITE_TIME));
TEST_CASE(S11_pair_time_and_unread, kinds_try(w, &pairs, UNREAD_TIME));
TEST_CASE(S11_pair_protocol_in_time, kinds_try(w, &pairs, PROTOCOL_TIME));
TEST_CASE(S13_pair_filter_and_unread, kinds_try(w, &pairs, FILTER_UNREAD));
TEST_CASE(S13_pair_filter_and_tail, kinds_try(w, &pairs, FILTER_TAIL));
TEST_CASE(S13_pair_filter_and_pause, kinds_try(w, &pairs, FILTER_PAUSE));
TEST_CASE(S10_pair_by_turns, kinds_try(w, &pairs, BY_TURNS));
TEST_CASE(S13_pair_by_turns, kinds_try(w, &pairs, BY_TURNS_FILTERED));
