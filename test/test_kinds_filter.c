/* test_kinds_filter.c - filters under every kind of transport. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_filter.h"
#include "harness_kinds.h"

struct toys {
    struct rig *r;
    struct toy *p, *far; /* under r->p and r->far */
};

static struct toys *toys_new(struct rig *r)
{
    struct toys *t = test_alloc(r->w, sizeof *t);

    t->r = r;
    t->p = test_toy(r->w, 42);
    t->far = test_toy(r->w, 99);
    return t;
}

static void push_both(struct toys *t)
{
    toy_push(t->r->p->transport, t->p);
    toy_push(t->r->far->transport, t->far);
}

/* Half a transport has none. */
static int refused(struct rig *r)
{
    struct toy *y = test_toy(r->w, 1);
    int result =
        rondo_transport_push_filter(r->p->transport, &toy_filter, y, NULL, y);

    assert_true(result < 0);
    test_run_until(r->w, r->p->made);
    assert_string_equal(y->order, "");
    return rig_result(result, "transport_push_filter");
}

/* Bytes go both ways, then each filter says goodbye. */
static int works_through(struct rig *r, struct toys *t)
{
    assert_ok(rig_feed(r, 100000));
    assert_ok(rig_write(r, 100000));
    assert_ok(rig_write(r, 1));
    rig_arrives(r);
    test_run_until(r->w, r->p->bytes == r->fed);
    assert_true(r->p->checksum == test_pattern_checksum(r->fed));
    rondo_transport_close(r->p->transport);
    test_run_until(r->w, r->p->lost && r->far->lost);
    assert_int_equal(r->p->error, 0);
    assert_int_equal(r->far->error, 0);
    if (t) {
        toy_check_whole(t->p);
        toy_check_whole(t->far);
    }
    return 0;
}

/* ---- S13: when it is pushed ---------------------------------------------- */

/* connection_made waits until the filter is ready; so does what is written. */
static int at_first(struct rig *r)
{
    struct toys *t;

    if (r->kind->half)
        return refused(r);
    t = toys_new(r);
    push_both(t);
    assert_ok(rig_write(r, 1000));
    assert_int_equal(r->p->made, 0);
    test_run_until(r->w, r->p->made && r->far->made);
    assert_int_equal(t->p->done, 1);
    return works_through(r, t);
}

static int live(struct rig *r)
{
    struct toys *t;

    if (r->kind->half)
        return refused(r);
    assert_ok(rig_feed(r, 1000));
    assert_ok(rig_write(r, 1000));
    rig_arrives(r);
    test_run_until(r->w, r->p->bytes == r->fed);
    t = toys_new(r);
    push_both(t);
    return works_through(r, t);
}

/* It passes bytes as they are, and the other end has none. */
static int clear(struct rig *r)
{
    struct toy *y = test_toy(r->w, 1);

    if (r->kind->half)
        return refused(r);
    y->clear = true;
    assert_ok(rig_feed(r, 1000));
    toy_push(r->p->transport, y);
    assert_ok(rig_feed(r, 99000));
    test_run_until(r->w, r->p->bytes == r->fed);
    assert_true(r->p->checksum == test_pattern_checksum(r->fed));
    rondo_transport_close(r->p->transport);
    test_run_until(r->w, r->p->lost);
    toy_check_whole(y);
    return 0;
}

/* ---- S13: with bytes held, or waiting ------------------------------------ */

/* What comes in clear, before the rest that is for a filter. */
struct clear_part {
    struct toy *toy;
    uint64_t size;
};

static void take_clear_and_push(struct peer *p, const void *data, size_t size)
{
    const struct clear_part *part = p->user;
    uint64_t before = p->bytes - size;
    size_t clear = (size_t)(part->size - before);

    assert_true(test_matches(data, before, size < clear ? size : clear));
    if (size < clear)
        return;
    p->on_data = NULL;
    p->bytes = part->size;
    p->checksum = test_pattern_checksum(part->size);
    if (size > clear)
        assert_ok(rondo_transport_unread(
            p->transport, (const char *)data + clear, size - clear));
    toy_push(p->transport, part->toy);
}

static void push_after(struct peer *p, struct toy *toy, uint64_t size)
{
    struct clear_part *part = test_alloc(p->w, sizeof *part);

    part->toy = toy;
    part->size = size;
    p->user = part;
    p->on_data = take_clear_and_push;
}

/* What waits to be sent goes in clear, before the filter's first word. */
static int with_bytes_waiting(struct rig *r)
{
    struct toys *t;

    if (r->kind->half)
        return refused(r);
    t = toys_new(r);
    push_after(r->far, t->far, RIG_MUCH);
    rig_block(r);
    toy_push(r->p->transport, t->p);
    assert_ok(rig_write(r, 5000));
    rig_unblock(r);
    test_run_until(r->w, t->p->done && t->far->done);
    return works_through(r, t);
}

/* The filter's first words have come together with bytes before them. */
static int held(struct rig *r)
{
    struct toys *t;

    if (r->kind->half)
        return refused(r);
    t = toys_new(r);
    push_after(r->p, t->p, 1000);
    assert_ok(rig_feed(r, 1000));
    toy_push(r->far->transport, t->far);
    test_run_until(r->w, t->p->done && t->far->done);
    return works_through(r, t);
}

/* They are held while reading is paused, and pushed from outside. */
static int held_and_paused(struct rig *r)
{
    struct taking *taking;
    struct toys *t;

    if (r->kind->half)
        return refused(r);
    t = toys_new(r);
    taking = taking_new(r);
    r->p->on_data = take_and_hold;
    assert_ok(rig_feed(r, 4000));
    test_run_until(r->w, taking->held);
    /* it takes what is held, as it is */
    t->p->clear = t->far->clear = true;
    push_both(t);
    test_run_until(r->w, t->p->done && t->far->done);
    assert_int_equal(taking->calls, 1);
    r->p->on_data = take_all;
    assert_ok(rondo_transport_resume_reading(r->p->transport));
    assert_ok(rig_feed(r, RIG_SUPPLY - 4000));
    test_run_until(r->w, taking->position == RIG_SUPPLY);
    assert_ok(rig_write(r, 100000));
    rig_arrives(r);
    return 0;
}

/* ---- S13: more than one -------------------------------------------------- */

static int second(struct rig *r)
{
    struct toys *t, *above;

    if (r->kind->half)
        return refused(r);
    t = toys_new(r);
    above = toys_new(r);
    push_both(t);
    assert_ok(rig_feed(r, 1000));
    test_run_until(r->w, r->p->bytes == r->fed);
    push_both(above);
    assert_ok(rig_write(r, 1000));
    (void)works_through(r, above);
    toy_check_whole(t->p);
    return 0;
}

/* Both at once: the second one starts when the first one is ready. */
static int two(struct rig *r)
{
    struct toys *t, *above;

    if (r->kind->half)
        return refused(r);
    t = toys_new(r);
    above = toys_new(r);
    push_both(t);
    push_both(above);
    assert_ok(rig_write(r, 1000));
    assert_ok(rig_feed(r, 1000));
    (void)works_through(r, above);
    toy_check_whole(t->p);
    return 0;
}

/* ---- S13: what is refused ------------------------------------------------ */

static int after_close(struct rig *r)
{
    if (r->kind->writes)
        rig_block(r);
    rondo_transport_close(r->p->transport);
    return refused(r);
}

static int after_eof(struct rig *r)
{
    if (r->far)
        r->far->keep_open = true;
    if (r->kind->writes)
        rig_block(r);
    (void)rondo_transport_write_eof(r->p->transport);
    return refused(r);
}

/* ---- S13: the end -------------------------------------------------------- */

/* Aborted in the middle of a handshake, with bytes waiting for its end. */
static int abort_early(struct rig *r)
{
    unsigned *released = test_counter(r->w);
    struct toys *t;

    if (r->kind->half)
        return refused(r);
    t = toys_new(r);
    r->cut = true;
    t->p->silent = true;
    toy_push(r->p->transport, t->p);
    assert_ok(rondo_transport_write_owned(r->p->transport, "lent", 4,
                                          count_release, released));
    test_run_until(r->w, t->p->started);
    rondo_transport_abort(r->p->transport);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(t->p->done, 1);
    assert_error(t->p->result, RONDO_ECANCELED);
    assert_string_equal(t->p->order, "sL");
    assert_int_equal(*released, 1);
    return 0;
}

/* ---- the table ----------------------------------------------------------- */

enum {
    AT_FIRST,
    LIVE,
    CLEAR,
    WAITING,
    HELD,
    HELD_PAUSED,
    SECOND,
    TWO,
    AFTER_CLOSE,
    AFTER_EOF,
    ABORT_EARLY
};

#define WHOLE                                                                  \
    {                                                                          \
        [AFTER_CLOSE] = RONDO_ECLOSED, [AFTER_EOF] = RONDO_EPIPE               \
    }
/* its ends are made when there is something to push on, and end together */
#define NAMED                                                                  \
    {                                                                          \
        [AT_FIRST] = CELL_NONE, [AFTER_CLOSE] = RONDO_ECLOSED,                 \
        [AFTER_EOF] = CELL_NONE                                                \
    }
#define HALF                                                                   \
    {                                                                          \
        RONDO_ENOTSUP, RONDO_ENOTSUP, RONDO_ENOTSUP, RONDO_ENOTSUP,            \
            RONDO_ENOTSUP, RONDO_ENOTSUP, RONDO_ENOTSUP, RONDO_ENOTSUP,        \
            RONDO_ECLOSED, RONDO_ENOTSUP, RONDO_ENOTSUP                        \
    }

static const struct kind_table filters = {
    .title = "filters",
    .columns =
        {[AT_FIRST] = {"at first", at_first, .unmade = true},
         [LIVE] = {.name = "live", .attempt = live},
         [CLEAR] = {.name = "in clear", .attempt = clear},
         [WAITING] = {.name = "bytes wait", .attempt = with_bytes_waiting},
         [HELD] = {.name = "bytes held", .attempt = held},
         [HELD_PAUSED] = {.name = "... paused", .attempt = held_and_paused},
         [SECOND] = {.name = "a second", .attempt = second},
         [TWO] = {.name = "two", .attempt = two},
         [AFTER_CLOSE] = {.name = "after close", .attempt = after_close},
         [AFTER_EOF] = {.name = "write_eof", .attempt = after_eof},
         [ABORT_EARLY] = {.name = "abort early", .attempt = abort_early}},
    .cells = {[KIND_TCP] = WHOLE,
              [KIND_UNIX] = WHOLE,
              [KIND_SERVED] = NAMED,
              [KIND_CLIENT] = NAMED,
              KIND_PIPE_ROWS(HALF, HALF),
              [KIND_OVERLAPPED_READS] = HALF,
              [KIND_OVERLAPPED_WRITES] = HALF,
              KIND_HALF_SOCKET_ROWS(HALF, HALF),
              [KIND_CHILD_EXTRA] = {CELL_NONE, CELL_NONE, 0, CELL_NONE,
                                    CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE,
                                    RONDO_ECLOSED, RONDO_EPIPE, 0},
              [KIND_FILE_READS] = HALF,
              [KIND_FILE_WRITES] = HALF}};

TEST_CASE(S13_kinds_at_first, kinds_try(w, &filters, AT_FIRST));
TEST_CASE(S13_kinds_live, kinds_try(w, &filters, LIVE));
TEST_CASE(S13_kinds_in_clear, kinds_try(w, &filters, CLEAR));
TEST_CASE(S13_kinds_bytes_wait, kinds_try(w, &filters, WAITING));
TEST_CASE(S13_kinds_bytes_held, kinds_try(w, &filters, HELD));
TEST_CASE(S13_kinds_held_and_paused, kinds_try(w, &filters, HELD_PAUSED));
TEST_CASE(S13_kinds_a_second, kinds_try(w, &filters, SECOND));
TEST_CASE(S13_kinds_two, kinds_try(w, &filters, TWO));
TEST_CASE(S13_kinds_after_close, kinds_try(w, &filters, AFTER_CLOSE));
TEST_CASE(S13_kinds_after_write_eof, kinds_try(w, &filters, AFTER_EOF));
TEST_CASE(S13_kinds_abort_early, kinds_try(w, &filters, ABORT_EARLY));
