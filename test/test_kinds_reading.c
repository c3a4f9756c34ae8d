/* test_kinds_reading.c - what a protocol does with bytes, on every kind. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_kinds.h"

/* Outside data_received there is nothing to give back. */
static int unread_nothing(struct rig *r)
{
    return rig_result(rondo_transport_unread(r->p->transport, "x", 1),
                      "transport_unread");
}

/* ---- S10: unread --------------------------------------------------------- */

static void refuse_every_other(struct peer *p, const void *data, size_t size)
{
    const struct taking *t = p->user;
    bool last = t->position + size == RIG_SUPPLY;

    take(p, data, size, last || t->calls % 2 ? size : 0);
}

static int unread_all(struct rig *r)
{
    struct taking *t;

    if (!r->kind->reads)
        return unread_nothing(r);
    t = taking_new(r);
    r->p->on_data = refuse_every_other;
    return read_to_the_end(r, t);
}

static void take_a_part(struct peer *p, const void *data, size_t size)
{
    take(p, data, size, size / 2 + 1);
}

static int unread_tail(struct rig *r)
{
    struct taking *t;

    if (!r->kind->reads)
        return unread_nothing(r);
    t = taking_new(r);
    r->p->on_data = take_a_part;
    return read_to_the_end(r, t);
}

/* Refuses each beginning twenty times: it comes again when more has come. */
static void refuse_again(struct peer *p, const void *data, size_t size)
{
    struct taking *t = p->user;
    bool last = t->position + size == RIG_SUPPLY;
    bool refuse = !last && ++t->refusals % 21 != 0;

    take(p, data, size, refuse ? 0 : size < 3000 ? size : 3000);
}

static int unread_again(struct rig *r)
{
    struct taking *t;

    if (!r->kind->reads)
        return unread_nothing(r);
    t = taking_new(r);
    r->p->on_data = refuse_again;
    assert_ok(rig_feed(r, 10000));
    return read_to_the_end(r, t);
}

enum { MESSAGE = 3000 };

/* Gives half a message back, and takes it when the other half has come. */
static void take_messages(struct peer *p, const void *data, size_t size)
{
    const struct taking *t = p->user;
    bool last = t->position + size == RIG_SUPPLY;

    take(p, data, size, last ? size : size - size % MESSAGE);
}

static int unread_half(struct rig *r)
{
    struct taking *t;

    if (!r->kind->reads)
        return unread_nothing(r);
    t = taking_new(r);
    r->p->on_data = take_messages;
    for (int i = 0; i < 6; i++) {
        unsigned before = t->calls;

        assert_ok(rig_feed(r, MESSAGE / 2));
        test_run_until(r->w, t->calls > before || r->p->lost);
    }
    return read_to_the_end(r, t);
}

/* ---- S9: get_buffer ------------------------------------------------------ */

static int buffered(struct rig *r)
{
    return rig_fills_buffers(r, &buffered_recorder, 1000);
}

/* ---- S5: pausing --------------------------------------------------------- */

static void resume_soon(rondo_loop *loop, void *arg)
{
    struct rig *r = arg;

    (void)loop;
    if (r->p->transport)
        assert_ok(rondo_transport_resume_reading(r->p->transport));
}

static void pause_a_while(struct peer *p, const void *data, size_t size)
{
    struct taking *t = p->user;

    take_all(p, data, size);
    act_pause(p);
    assert_ok(rondo_call_soon(p->w->loop, resume_soon, t->r));
}

static int pause_and_resume(struct rig *r)
{
    struct taking *t = taking_new(r);

    if (!r->kind->reads) {
        assert_ok(rondo_transport_pause_reading(r->p->transport));
        assert_ok(rondo_transport_pause_reading(r->p->transport));
        assert_false(rondo_transport_is_reading(r->p->transport));
        assert_ok(rondo_transport_resume_reading(r->p->transport));
        return 0;
    }
    r->p->on_data = pause_a_while;
    return read_to_the_end(r, t);
}

/* Held bytes and those still to come are dropped. */
static int pause_then_close(struct rig *r)
{
    struct taking *t = taking_new(r);

    if (r->kind->reads) {
        r->p->on_data = take_and_hold;
        assert_ok(rig_feed(r, 5000));
        test_run_until(r->w, t->held);
        assert_ok(rig_feed(r, 5000));
    } else {
        assert_ok(rondo_transport_pause_reading(r->p->transport));
    }
    rondo_transport_close(r->p->transport);
    assert_ok(rondo_transport_resume_reading(r->p->transport));
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, 0);
    assert_int_equal(t->calls, r->kind->reads);
    return 0;
}

static int pause_then_abort(struct rig *r)
{
    struct taking *t = taking_new(r);

    if (r->kind->reads) {
        r->p->on_data = take_and_hold;
        assert_ok(rig_feed(r, 5000));
        test_run_until(r->w, t->held);
    }
    rondo_transport_abort(r->p->transport);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, RONDO_ECANCELED);
    assert_int_equal(t->calls, r->kind->reads);
    return 0;
}

/* ---- S11: the read time -------------------------------------------------- */

static void go_on_twice(struct peer *p)
{
    assert_int_equal(p->direction, RONDO_READING);
    p->go_on = p->timeouts < 3;
}

static int read_time(struct rig *r)
{
    /* a file is never waited for long */
    int64_t time = r->kind->file ? RONDO_SEC(600) : RONDO_MS(10);

    assert_ok(rondo_transport_set_timeouts(r->p->transport, time, 0));
    if (!r->kind->reads) { /* nothing is waited for */
        assert_true(test_run_for(r->w, RONDO_MS(30)) < 20);
        assert_int_equal(r->p->timeouts, 0);
        return 0;
    }
    if (r->kind->file) {
        struct taking *t = taking_new(r);

        r->p->on_data = take_all;
        return read_to_the_end(r, t);
    }
    r->p->on_timeout = go_on_twice;
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, RONDO_ETIMEDOUT);
    assert_string_equal(r->p->order, "MTTTL");
    return 0;
}

/* It stands still while reading is paused, and what is held is no silence. */
static int read_time_paused(struct rig *r)
{
    struct taking *t = taking_new(r);

    if (!r->kind->reads) {
        assert_ok(rondo_transport_pause_reading(r->p->transport));
        return read_time(r);
    }
    r->p->on_data = take_and_hold;
    assert_ok(rig_feed(r, 1000));
    test_run_until(r->w, t->held);
    assert_ok(rondo_transport_set_timeouts(r->p->transport, RONDO_MS(10), 0));
    assert_true(test_run_for(r->w, RONDO_MS(40)) < 40);
    assert_int_equal(r->p->timeouts, 0);
    assert_ok(rondo_transport_set_timeouts(r->p->transport, RONDO_SEC(600),
                                           RONDO_SEC(600)));
    r->p->on_data = take_all;
    assert_ok(rondo_transport_resume_reading(r->p->transport));
    return read_to_the_end(r, t);
}

/* ---- the table ----------------------------------------------------------- */

enum {
    UNREAD_ALL,
    UNREAD_TAIL,
    UNREAD_AGAIN,
    UNREAD_HALF,
    BUFFERED,
    PAUSES,
    PAUSED_CLOSE,
    PAUSED_ABORT,
    TIME,
    TIME_PAUSED
};

#define READER                                                                 \
    {                                                                          \
        [UNREAD_HALF] = 0                                                      \
    }
#define WRITER                                                                 \
    {                                                                          \
        [UNREAD_ALL] = RONDO_EINVAL, [UNREAD_TAIL] = RONDO_EINVAL,             \
        [UNREAD_AGAIN] = RONDO_EINVAL, [UNREAD_HALF] = RONDO_EINVAL            \
    }

static const struct kind_table reading = {
    .title = "reading",
    .columns =
        {[UNREAD_ALL] = {.name = "unread all", .attempt = unread_all},
         [UNREAD_TAIL] = {.name = "... a tail", .attempt = unread_tail},
         [UNREAD_AGAIN] = {.name = "... again", .attempt = unread_again},
         [UNREAD_HALF] = {.name = "... half", .attempt = unread_half},
         [BUFFERED] = {.name = "get_buffer", .attempt = buffered},
         [PAUSES] = {.name = "pause", .attempt = pause_and_resume},
         [PAUSED_CLOSE] = {.name = "... close", .attempt = pause_then_close},
         [PAUSED_ABORT] = {.name = "... abort", .attempt = pause_then_abort},
         [TIME] = {.name = "read time", .attempt = read_time},
         [TIME_PAUSED] = {.name = "... paused", .attempt = read_time_paused}},
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

TEST_CASE(S10_kinds_unread_all, kinds_try(w, &reading, UNREAD_ALL));
TEST_CASE(S10_kinds_unread_tail, kinds_try(w, &reading, UNREAD_TAIL));
TEST_CASE(S10_kinds_unread_again, kinds_try(w, &reading, UNREAD_AGAIN));
TEST_CASE(S10_kinds_unread_half, kinds_try(w, &reading, UNREAD_HALF));
TEST_CASE(S9_kinds_get_buffer, kinds_try(w, &reading, BUFFERED));
TEST_CASE(S5_kinds_pause_and_resume, kinds_try(w, &reading, PAUSES));
TEST_CASE(S5_kinds_pause_then_close, kinds_try(w, &reading, PAUSED_CLOSE));
TEST_CASE(S5_kinds_pause_then_abort, kinds_try(w, &reading, PAUSED_ABORT));
TEST_CASE(S11_kinds_read_time, kinds_try(w, &reading, TIME));
TEST_CASE(S11_kinds_read_time_paused, kinds_try(w, &reading, TIME_PAUSED));
