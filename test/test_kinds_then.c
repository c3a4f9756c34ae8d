/* test_kinds_then.c - what tells when bytes have left, on every kind. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_calls.h"
#include "harness_kinds.h"
#include "raw_pipe.h"

/* The next bytes of the pattern, lent. */
static int lend(struct rig *r, size_t size, struct call *c)
{
    unsigned char *bytes = test_alloc(r->w, size + 1);
    const rondo_buffer pieces[3] = {
        {bytes, size / 3}, {NULL, 0}, {bytes + size / 3, size - size / 3}};
    int result;

    test_fill(bytes, r->written, size);
    result =
        rondo_transport_write_then(r->p->transport, pieces, 3, call_done, c);
    if (result >= 0)
        r->written += size;
    assert_int_equal(c->calls, 0); /* from the loop alone */
    return result;
}

/* ---- S17 ----------------------------------------------------------------- */

static int then(struct rig *r)
{
    static const size_t sizes[] = {0, 1, 70000, 0, 500000, 3, 200000};
    struct call *c[COUNT_OF(sizes)];

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        int result;

        c[i] = call_new(r->w);
        result = lend(r, sizes[i], c[i]);
        if (result < 0) {
            test_spin(r->w, 3);
            assert_int_equal(c[i]->calls, 0);
            return rig_result(result, "transport_write_then");
        }
    }
    rig_arrives(r);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        assert_int_equal(call_wait(r->w, c[i]), sizes[i]);
    return 0;
}

static int then_waits(struct rig *r)
{
    struct call *c = call_new(r->w);

    rig_block(r);
    assert_ok(lend(r, 100000, c));
    if (r->far) {
        test_spin(r->w, 20);
        assert_int_equal(c->calls, 0);
    }
    rondo_transport_close(r->p->transport);
    rig_unblock(r);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, 0);
    assert_int_equal(c->calls, 1);
    assert_int_equal(c->result, 100000);
    if (r->far && r->lent == RONDO_NO_FD)
        test_run_until(r->w, r->far->lost);
    return 0;
}

static int dropped(struct rig *r, void (*end)(rondo_transport *t), int error)
{
    struct call *c = call_new(r->w);

    rig_block(r);
    r->cut = true;
    assert_ok(lend(r, 100000, c));
    end(r->p->transport);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, error);
    assert_int_equal(c->calls, 1);
    assert_int_equal(c->result, error);
    return 0;
}

static int then_aborts(struct rig *r)
{
    return dropped(r, rondo_transport_abort, RONDO_ECANCELED);
}

/* The other end leaves while bytes wait. */
static int far_leaves(struct rig *r)
{
    struct call *c = call_new(r->w);

    rig_block(r);
    r->cut = true;
    assert_ok(lend(r, 100000, c));
    rondo_transport_abort(r->far->transport);
    test_run_until(r->w, r->p->lost);
    assert_true(r->p->error == RONDO_EPIPE || r->p->error == RONDO_ECONNRESET);
    assert_int_equal(c->calls, 1);
    assert_int_equal(c->result, r->p->error);
    return 0;
}

/* ---- S18 ----------------------------------------------------------------- */

/* Where pipes cannot be waited for an operation writes to them. */
static bool is_written_by_operations(const struct rig *r)
{
    return !raw_pipe_can_be_waited_for() && r->kind->half && !r->kind->file &&
           r->id != KIND_OVERLAPPED_WRITES;
}

static int tries(struct rig *r)
{
    for (size_t size = 1; size < 3000; size += 700) {
        rondo_buffer piece = {test_alloc(r->w, size), size};
        int64_t result;

        test_fill((void *)(uintptr_t)piece.data, r->written, size);
        result = rondo_transport_try_write(r->p->transport, &piece, 1);
        if (result == RONDO_ENOTSUP && is_written_by_operations(r))
            return 0;
        if (result < 0)
            return rig_result(result, "transport_try_write");
        assert_true(result > 0);
        assert_int_equal(peer_buffered(r->p), 0);
        r->written += (uint64_t)result;
    }
    rig_arrives(r);
    rig_block(r);
    assert_error(
        rondo_transport_try_write(r->p->transport, &(rondo_buffer){"x", 1}, 1),
        RONDO_EAGAIN);
    return 0;
}

/* ---- S19 ----------------------------------------------------------------- */

static int close_at_once(struct rig *r)
{
    return dropped(r, rondo_transport_close_now, RONDO_ECANCELED);
}

static void in_no_time(rondo_transport *t)
{
    assert_ok(rondo_transport_close_within(t, 0));
}

static int close_in_time(struct rig *r)
{
    return dropped(r, in_no_time, RONDO_ETIMEDOUT);
}

static int shut_down(struct rig *r)
{
    struct call *c = call_new(r->w);
    int result;

    if (r->kind->writes)
        rig_block(r);
    if (r->far)
        r->far->keep_open = true;
    result = rondo_transport_shutdown(r->p->transport, call_done, c);
    if (result < 0)
        return rig_result(result, "transport_shutdown");
    assert_int_equal(c->calls, 0);
    rig_unblock(r);
    rig_arrives(r);
    assert_int_equal(call_wait(r->w, c), 0);
    if (!r->kind->half)
        test_run_until(r->w, r->far->eof);
    return 0;
}

/* ---- S20 ----------------------------------------------------------------- */

static int drains(struct rig *r)
{
    struct call *some = call_new(r->w), *all = call_new(r->w);
    int64_t result;

    if (r->kind->writes)
        rig_block(r);
    result = rondo_transport_drain(r->p->transport, 5000, call_done, some);
    if (result < 0)
        return rig_result(result, "transport_drain");
    assert_ok(rondo_transport_drain(r->p->transport, 0, call_done, all));
    rig_unblock(r);
    assert_int_equal(call_wait(r->w, some), 0);
    assert_true(peer_buffered(r->p) <= 5000);
    rig_arrives(r);
    assert_int_equal(call_wait(r->w, all), 0);
    return 0;
}

static int pauses_inside(struct rig *r)
{
    rondo_transport_set_pause_inside(r->p->transport, true);
    if (!r->kind->writes)
        return 0;
    rig_block(r);
    assert_int_equal(r->p->pauses, 1);
    rondo_transport_close(r->p->transport);
    rig_unblock(r);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->resumes, 1);
    return 0;
}

/* ---- the table ----------------------------------------------------------- */

enum {
    THEN,
    THEN_WAITS,
    THEN_ABORTS,
    LEAVES,
    TRY,
    CLOSE_NOW,
    WITHIN,
    SHUTDOWN,
    DRAIN,
    INSIDE
};

#define READER                                                                 \
    {                                                                          \
        RONDO_EPIPE, CELL_NONE, CELL_NONE, CELL_NONE, RONDO_EPIPE, CELL_NONE,  \
            CELL_NONE, RONDO_EPIPE, RONDO_EPIPE, 0                             \
    }
#define WRITER                                                                 \
    {                                                                          \
        0                                                                      \
    }
/* A thread or an operation writes. */
#define NO_TRY                                                                 \
    {                                                                          \
        [TRY] = RONDO_ENOTSUP                                                  \
    }
#define NAMED                                                                  \
    {                                                                          \
        [TRY] = RONDO_ENOTSUP, [SHUTDOWN] = RONDO_ENOTSUP                      \
    }
#define NOBODY                                                                 \
    {                                                                          \
        CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE,      \
            CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE                         \
    }

static const struct kind_table table = {
    .title = "what has left",
    .columns = {[THEN] = {.name = "write_then", .attempt = then},
                [THEN_WAITS] = {.name = "... waits", .attempt = then_waits},
                [THEN_ABORTS] = {.name = "... aborts", .attempt = then_aborts},
                [LEAVES] = {.name = "peer leaves", .attempt = far_leaves},
                [TRY] = {.name = "try_write", .attempt = tries},
                [CLOSE_NOW] = {.name = "close_now", .attempt = close_at_once},
                [WITHIN] = {.name = "close_within", .attempt = close_in_time},
                [SHUTDOWN] = {.name = "shutdown", .attempt = shut_down},
                [DRAIN] = {.name = "drain", .attempt = drains},
                [INSIDE] = {.name = "pause inside", .attempt = pauses_inside}},
    .cells = {
        [KIND_TCP] = WRITER,
        [KIND_UNIX] = WRITER,
        [KIND_SERVED] = NAMED,
        [KIND_CLIENT] = NAMED,
        KIND_PIPE_ROWS(READER, WRITER),
        [KIND_OVERLAPPED_READS] = READER,
        [KIND_OVERLAPPED_WRITES] = NO_TRY,
        KIND_HALF_SOCKET_ROWS(READER, WRITER),
        /* what it could write nobody reads */
        [KIND_CHILD_EXTRA] = NOBODY,
        [KIND_FILE_READS] = READER,
        [KIND_FILE_WRITES] = {[LEAVES] = CELL_NONE, [TRY] = RONDO_ENOTSUP}}};

TEST_CASE(S17_kinds_write_then, kinds_try(w, &table, THEN));
TEST_CASE(S17_kinds_write_then_waits, kinds_try(w, &table, THEN_WAITS));
TEST_CASE(S17_kinds_write_then_aborts, kinds_try(w, &table, THEN_ABORTS));
TEST_CASE(S17_kinds_the_other_end_leaves, kinds_try(w, &table, LEAVES));
TEST_CASE(S18_kinds_try_write, kinds_try(w, &table, TRY));
TEST_CASE(S19_kinds_close_now, kinds_try(w, &table, CLOSE_NOW));
TEST_CASE(S19_kinds_close_within, kinds_try(w, &table, WITHIN));
TEST_CASE(S19_kinds_shutdown, kinds_try(w, &table, SHUTDOWN));
TEST_CASE(S20_kinds_drain, kinds_try(w, &table, DRAIN));
TEST_CASE(S20_kinds_pause_inside, kinds_try(w, &table, INSIDE));
