/* test_kinds_writing.c - writing, its limits and its end, on every kind. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_kinds.h"

/* ---- S2, S3: bytes in order ---------------------------------------------- */

static int writes(struct rig *r)
{
    for (size_t size = 1; size <= 300000; size = size * 3 + 1) {
        int result = rig_write(r, size);

        if (result < 0)
            return rig_result(result, "transport_write");
        test_spin(r->w, size % 2 ? 1 : 0);
    }
    rig_arrives(r);
    return 0;
}

static int writev(struct rig *r)
{
    unsigned char *bytes = test_alloc(r->w, 300000);
    rondo_buffer pieces[300];
    int result;

    test_fill(bytes, 0, 300000);
    for (size_t i = 0; i < 300; i++)
        pieces[i] = (rondo_buffer){bytes + i * 1000, 1000};
    result = rondo_transport_writev(r->p->transport, pieces, 300);
    if (result < 0)
        return rig_result(result, "transport_writev");
    r->written = 300000;
    rig_arrives(r);
    return 0;
}

/* The next bytes of the pattern, lent; `released` counts. */
static int lend(struct rig *r, size_t size, unsigned *released)
{
    unsigned char *bytes = test_alloc(r->w, size + 1);
    int result;

    test_fill(bytes, r->written, size);
    result = rondo_transport_write_owned(r->p->transport, bytes, size,
                                         count_release, released);
    if (result >= 0)
        r->written += size;
    return result;
}

static int owned(struct rig *r)
{
    static const size_t sizes[] = {0, 1, 70000, 0, 500000, 3, 200000};
    unsigned *released = test_counter(r->w);

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        int result = lend(r, sizes[i], released);

        if (result < 0) {
            test_spin(r->w, 3);
            assert_int_equal(*released, 0);
            return rig_result(result, "transport_write_owned");
        }
        assert_int_equal(*released, 0); /* from the loop alone */
    }
    rig_arrives(r);
    test_run_until(r->w, *released == COUNT_OF(sizes));
    return 0;
}

/* Text of the pattern: none of its bytes may be a NUL. */
static int formatted(struct rig *r)
{
    static char text[4096];
    size_t size = 0;
    int result;

    for (uint64_t at = 0; at < 2000; at += size) {
        size = at < 900 ? 7 : 1000;
        test_fill(text, at, size);
        for (size_t i = 0; i < size; i++)
            if (!text[i])
                size = i;
        if (!size) { /* a NUL byte goes as a character */
            size = 1;
            result = rondo_transport_printf(r->p->transport, "%c", 0);
        } else {
            result = rondo_transport_printf(r->p->transport, "%.*s", (int)size,
                                            text);
        }
        if (result < 0)
            return rig_result(result, "transport_printf");
        r->written += size;
    }
    rig_arrives(r);
    return 0;
}

/* ---- S4: limits ---------------------------------------------------------- */

static int limits(struct rig *r)
{
    rondo_transport *t = r->p->transport;
    int result = rondo_transport_set_write_buffer_limits(t, 3000, 1000);

    assert_int_equal(result, 0);
    if (!r->kind->writes) { /* they are kept, and nothing comes of it */
        size_t high = 0, low = 0;

        rondo_transport_get_write_buffer_limits(t, &high, &low);
        assert_true(high == 3000 && low == 1000);
        return 0;
    }
    rig_block(r);
    assert_true(rondo_transport_is_writing_paused(t));
    if (r->far)
        assert_int_equal(r->p->pauses, 1);
    rig_unblock(r);
    test_run_until(r->w, r->p->resumes == 1);
    assert_true(peer_buffered(r->p) <= 1000);
    rig_arrives(r);
    assert_string_equal(r->p->order, "MPR");
    return 0;
}

/* New limits act at once, and pauses and resumes alternate. */
static int limits_change(struct rig *r)
{
    rondo_transport *t = r->p->transport;

    rig_block(r);
    assert_ok(rondo_transport_set_write_buffer_limits(t, (size_t)8 << 20,
                                                      (size_t)4 << 20));
    test_run_until(r->w, r->p->resumes == 1);
    assert_false(rondo_transport_is_writing_paused(t));
    if (peer_buffered(r->p)) {
        assert_ok(rondo_transport_set_write_buffer_limits(t, 1, 0));
        assert_true(rondo_transport_is_writing_paused(t));
    }
    rig_unblock(r);
    rig_arrives(r);
    test_run_until(r->w, r->p->pauses == r->p->resumes);
    return 0;
}

/* ---- S6: write_eof ------------------------------------------------------- */

static int end_writing(struct rig *r)
{
    int result;

    assert_int_equal(rondo_transport_can_write_eof(r->p->transport),
                     r->kind->writes && !r->l);
    if (r->kind->writes)
        rig_block(r);
    if (r->far)
        r->far->keep_open = true;
    result = rondo_transport_write_eof(r->p->transport);
    if (result < 0)
        return rig_result(result, "transport_write_eof");
    assert_error(rondo_transport_write(r->p->transport, "x", 1), RONDO_EPIPE);
    assert_ok(rondo_transport_write_eof(r->p->transport));
    rig_unblock(r);
    if (!r->kind->half) {
        rig_arrives(r);
        test_run_until(r->w, r->far->eof);
        assert_int_equal(r->p->lost, 0);
        assert_ok(rig_feed(r, 100));
        test_run_until(r->w, r->p->bytes == 100);
        return 0;
    }
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, 0);
    rig_arrives(r);
    return 0;
}

/* ---- S7: close and abort, with bytes waiting ------------------------------ */

static int close_waiting(struct rig *r)
{
    unsigned *released = test_counter(r->w);

    rig_block(r);
    assert_ok(lend(r, 100000, released));
    rondo_transport_close(r->p->transport);
    assert_error(rondo_transport_write(r->p->transport, "x", 1), RONDO_ECLOSED);
    test_spin(r->w, r->far ? 5 : 0);
    assert_int_equal(r->p->lost, 0);
    rig_unblock(r);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, 0);
    assert_int_equal(*released, 1);
    if (r->far && r->lent == RONDO_NO_FD)
        test_run_until(r->w, r->far->lost);
    return 0;
}

static int abort_waiting(struct rig *r)
{
    unsigned *released = test_counter(r->w);

    rig_block(r);
    r->cut = true;
    assert_ok(lend(r, 100000, released));
    rondo_transport_abort(r->p->transport);
    assert_int_equal(*released, 0);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, RONDO_ECANCELED);
    assert_int_equal(*released, 1);
    return 0;
}

static int abort_while_closing(struct rig *r)
{
    unsigned *released = test_counter(r->w);

    rig_block(r);
    r->cut = true;
    assert_ok(lend(r, 100000, released));
    rondo_transport_close(r->p->transport);
    test_spin(r->w, r->far ? 3 : 0);
    rondo_transport_abort_with(r->p->transport, RONDO_EPROTO);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, RONDO_EPROTO);
    assert_int_equal(*released, 1);
    return 0;
}

/* The other end leaves while bytes wait. */
static int far_leaves(struct rig *r)
{
    unsigned *released = test_counter(r->w);

    rig_block(r);
    r->cut = true;
    assert_ok(lend(r, 100000, released));
    rondo_transport_abort(r->far->transport);
    test_run_until(r->w, r->p->lost);
    assert_true(r->p->error == RONDO_EPIPE || r->p->error == RONDO_ECONNRESET);
    assert_int_equal(*released, 1);
    return 0;
}

/* All that was wanted of it was to take the rest: its leaving is no error. */
static int far_leaves_closing(struct rig *r)
{
    unsigned *released = test_counter(r->w);

    rig_block(r);
    r->cut = true;
    assert_ok(lend(r, 100000, released));
    rondo_transport_close(r->p->transport);
    rondo_transport_abort(r->far->transport);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, 0);
    assert_int_equal(*released, 1);
    return 0;
}

/* ---- S11: the write time ------------------------------------------------- */

static void go_on_twice(struct peer *p)
{
    assert_int_equal(p->direction, RONDO_WRITING);
    p->go_on = p->timeouts < 3;
}

static int write_time(struct rig *r)
{
    int64_t time = r->kind->file ? RONDO_SEC(600) : RONDO_MS(10);

    assert_ok(rondo_transport_set_timeouts(r->p->transport, 0, time));
    assert_true(test_run_for(r->w, RONDO_MS(30)) < 20 || r->kind->file);
    assert_int_equal(r->p->timeouts, 0);
    if (!r->kind->writes)
        return 0;
    r->p->on_timeout = go_on_twice;
    if (r->kind->file) {
        rig_block(r);
        rig_arrives(r);
        return 0;
    }
    assert_ok(rondo_transport_set_timeouts(r->p->transport, 0, 0));
    rig_block(r);
    r->cut = true;
    assert_ok(rondo_transport_set_timeouts(r->p->transport, 0, time));
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, RONDO_ETIMEDOUT);
    assert_int_equal(r->p->timeouts, 3);
    return 0;
}

/* It runs while the transport closes, too. */
static int write_time_closing(struct rig *r)
{
    rig_block(r);
    r->cut = true;
    r->p->on_timeout = go_on_twice;
    assert_ok(rondo_transport_set_timeouts(r->p->transport, 0, RONDO_MS(10)));
    rondo_transport_close(r->p->transport);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, RONDO_ETIMEDOUT);
    assert_int_equal(r->p->timeouts, 3);
    return 0;
}

/* ---- the table ----------------------------------------------------------- */

enum {
    WRITE,
    WRITEV,
    OWNED,
    PRINTF,
    LIMITS,
    LIMITS_CHANGE,
    WRITE_EOF,
    CLOSE,
    ABORT,
    CLOSE_ABORT,
    LEAVES,
    LEAVES_CLOSING,
    TIME,
    TIME_CLOSING
};

#define READER                                                                 \
    {                                                                          \
        RONDO_EPIPE, RONDO_EPIPE, RONDO_EPIPE, RONDO_EPIPE, 0, CELL_NONE,      \
            RONDO_EPIPE, CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE,           \
            CELL_NONE, 0, CELL_NONE                                            \
    }
#define WRITER                                                                 \
    {                                                                          \
        0                                                                      \
    }
#define NOBODY                                                                 \
    {                                                                          \
        [WRITE] = CELL_NONE, [WRITEV] = CELL_NONE, [OWNED] = CELL_NONE,        \
        [PRINTF] = CELL_NONE, [LIMITS] = CELL_NONE,                            \
        [LIMITS_CHANGE] = CELL_NONE, [WRITE_EOF] = CELL_NONE,                  \
        [CLOSE] = CELL_NONE, [ABORT] = CELL_NONE, [CLOSE_ABORT] = CELL_NONE,   \
        [LEAVES] = CELL_NONE, [LEAVES_CLOSING] = CELL_NONE,                    \
        [TIME] = CELL_NONE, [TIME_CLOSING] = CELL_NONE                         \
    }
#define NAMED                                                                  \
    {                                                                          \
        [WRITE_EOF] = RONDO_ENOTSUP                                            \
    }

static const struct kind_table writing = {
    .title = "writing",
    .columns = {[WRITE] = {.name = "write", .attempt = writes},
                [WRITEV] = {.name = "writev", .attempt = writev},
                [OWNED] = {.name = "write_owned", .attempt = owned},
                [PRINTF] = {.name = "printf", .attempt = formatted},
                [LIMITS] = {.name = "limits", .attempt = limits},
                [LIMITS_CHANGE] = {.name = "... change",
                                   .attempt = limits_change},
                [WRITE_EOF] = {.name = "write_eof", .attempt = end_writing},
                [CLOSE] = {.name = "close", .attempt = close_waiting},
                [ABORT] = {.name = "abort", .attempt = abort_waiting},
                [CLOSE_ABORT] = {.name = "close, abort",
                                 .attempt = abort_while_closing},
                [LEAVES] = {.name = "peer leaves", .attempt = far_leaves},
                [LEAVES_CLOSING] = {.name = "... closing",
                                    .attempt = far_leaves_closing},
                [TIME] = {.name = "write time", .attempt = write_time},
                [TIME_CLOSING] = {.name = "... closing",
                                  .attempt = write_time_closing}},
    .cells = {
        [KIND_TCP] = WRITER,
        [KIND_UNIX] = WRITER,
        [KIND_SERVED] = NAMED,
        [KIND_CLIENT] = NAMED,
        KIND_PIPE_ROWS(READER, WRITER),
        [KIND_OVERLAPPED_READS] = READER,
        [KIND_OVERLAPPED_WRITES] = WRITER,
        KIND_HALF_SOCKET_ROWS(READER, WRITER),
        /* what it could write nobody reads */
        [KIND_CHILD_EXTRA] = NOBODY,
        [KIND_FILE_READS] = READER,
        [KIND_FILE_WRITES] = {[LEAVES] = CELL_NONE,
                              [LEAVES_CLOSING] = CELL_NONE,
                              [TIME_CLOSING] = CELL_NONE}}};

TEST_CASE(S2_kinds_write, kinds_try(w, &writing, WRITE));
TEST_CASE(S3_kinds_writev, kinds_try(w, &writing, WRITEV));
TEST_CASE(S3_kinds_owned, kinds_try(w, &writing, OWNED));
TEST_CASE(S2_kinds_printf, kinds_try(w, &writing, PRINTF));
TEST_CASE(S4_kinds_limits, kinds_try(w, &writing, LIMITS));
TEST_CASE(S4_kinds_limits_change, kinds_try(w, &writing, LIMITS_CHANGE));
TEST_CASE(S6_kinds_write_eof, kinds_try(w, &writing, WRITE_EOF));
TEST_CASE(S7_kinds_close_with_bytes, kinds_try(w, &writing, CLOSE));
TEST_CASE(S7_kinds_abort_with_bytes, kinds_try(w, &writing, ABORT));
TEST_CASE(S7_kinds_abort_while_closing, kinds_try(w, &writing, CLOSE_ABORT));
TEST_CASE(S8_kinds_the_other_end_leaves, kinds_try(w, &writing, LEAVES));
TEST_CASE(S7_kinds_the_other_end_leaves,
          kinds_try(w, &writing, LEAVES_CLOSING));
TEST_CASE(S11_kinds_write_time, kinds_try(w, &writing, TIME));
TEST_CASE(S11_kinds_write_time_closing, kinds_try(w, &writing, TIME_CLOSING));
