/* test_kinds_protocol.c - other protocols for connections of every kind. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_kinds.h"

/* ---- S10: set_protocol --------------------------------------------------- */

/* The rest of the bytes is for a successor, which is r->p from then on. */
static struct peer *succeed(struct rig *r, const struct taking *t,
                            const rondo_protocol *protocol)
{
    struct peer *next = peer_successor(r->w, r->p);

    next->transport = r->p->transport;
    next->checksum = test_pattern_checksum(t->position);
    peer_hand_over(r->p, protocol);
    r->p = next;
    return next;
}

static int successor_reads(struct rig *r, const struct taking *t)
{
    assert_ok(rig_feed(r, RIG_SUPPLY - (size_t)r->fed));
    if (r->kind->drops)
        test_run_until(r->w, t->position + r->p->bytes == RIG_SUPPLY);
    rig_hang_up(r);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, 0);
    assert_true(t->position + r->p->bytes == RIG_SUPPLY);
    assert_true(r->p->checksum == test_pattern_checksum(RIG_SUPPLY));
    return 0;
}

/* A pipe that never reads tells the successor the end alone. */
static int successor_closes(struct rig *r)
{
    (void)succeed(r, taking_new(r), &buffered_recorder);
    rondo_transport_close(r->p->transport);
    test_run_until(r->w, r->p->lost);
    assert_string_equal(r->p->order, "L");
    return 0;
}

static void take_and_succeed(struct peer *p, const void *data, size_t size)
{
    struct taking *t = p->user;

    take(p, data, size, size / 3);
    (void)succeed(t->r, t, &buffered_recorder);
}

static int protocol_in_data(struct rig *r)
{
    struct taking *t;

    if (!r->kind->reads)
        return successor_closes(r);
    t = taking_new(r);
    r->p->on_data = take_and_succeed;
    return successor_reads(r, t);
}

static void pause_and_take(struct peer *p, const void *data, size_t size)
{
    take_all(p, data, size);
    act_pause(p);
}

static int protocol_while_paused(struct rig *r)
{
    struct taking *t;

    if (!r->kind->reads)
        return successor_closes(r);
    t = taking_new(r);
    r->p->on_data = pause_and_take;
    assert_ok(rig_feed(r, 1000));
    test_run_until(r->w, t->calls);
    assert_ok(rig_feed(r, 70000));
    test_spin(r->w, 5);
    assert_int_equal(t->calls, 1);
    (void)succeed(r, t, &recorder);
    test_spin(r->w, 5);
    assert_int_equal(r->p->data, 0);
    assert_ok(rondo_transport_resume_reading(r->p->transport));
    return successor_reads(r, t);
}

/* What is held is the first that the new protocol gets. */
static int protocol_with_held(struct rig *r)
{
    struct taking *t;

    if (!r->kind->reads)
        return successor_closes(r);
    t = taking_new(r);
    r->p->on_data = take_and_hold;
    assert_ok(rig_feed(r, 5000));
    test_run_until(r->w, t->held);
    (void)succeed(r, t, &buffered_recorder);
    test_spin(r->w, 5);
    assert_int_equal(r->p->updates, 0);
    assert_ok(rondo_transport_resume_reading(r->p->transport));
    return successor_reads(r, t);
}

static void succeed_in_get_buffer(struct peer *p)
{
    struct taking *t = p->user;

    if (p->updates == 3)
        (void)succeed(t->r, t, &recorder);
}

static void note_position(struct peer *p, size_t size)
{
    struct taking *t = p->user;

    t->position += size;
}

/* What was copied into the buffer that was lent is given to one of them. */
static int protocol_in_get_buffer(struct rig *r)
{
    struct taking *t = taking_new(r);

    rig_use(r, &buffered_recorder);
    r->p->on_get_buffer = succeed_in_get_buffer;
    r->p->on_updated = note_position;
    return successor_reads(r, t);
}

/* ---- the table ----------------------------------------------------------- */

enum { IN_DATA, IN_BUFFER, IN_PAUSE, WITH_HELD };

#define READER                                                                 \
    {                                                                          \
        0, 0, 0, 0                                                             \
    }
#define WRITER                                                                 \
    {                                                                          \
        0, CELL_NONE, 0, 0                                                     \
    }

static const struct kind_table protocols = {
    .title = "protocols",
    .columns = {[IN_DATA] = {.name = "in data", .attempt = protocol_in_data},
                [IN_BUFFER] = {.name = "in get_buffer",
                               .attempt = protocol_in_get_buffer},
                [IN_PAUSE] = {.name = "while paused",
                              .attempt = protocol_while_paused},
                [WITH_HELD] = {.name = "bytes held",
                               .attempt = protocol_with_held}},
    .cells = {[KIND_TCP] = READER,
              [KIND_UNIX] = READER,
              [KIND_SERVED] = READER,
              [KIND_CLIENT] = READER,
              KIND_PIPE_ROWS(READER, WRITER),
              [KIND_OVERLAPPED_READS] = READER,
              [KIND_OVERLAPPED_WRITES] = WRITER,
              KIND_HALF_SOCKET_ROWS(READER, WRITER),
              [KIND_CHILD_EXTRA] = READER,
              [KIND_FILE_READS] = READER,
              [KIND_FILE_WRITES] = WRITER}};

TEST_CASE(S10_kinds_in_data, kinds_try(w, &protocols, IN_DATA));
TEST_CASE(S10_kinds_in_get_buffer, kinds_try(w, &protocols, IN_BUFFER));
TEST_CASE(S10_kinds_paused, kinds_try(w, &protocols, IN_PAUSE));
TEST_CASE(S10_kinds_held, kinds_try(w, &protocols, WITH_HELD));
