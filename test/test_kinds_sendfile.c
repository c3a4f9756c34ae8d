/* test_kinds_sendfile.c - files through every kind of transport. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_calls.h"
#include "harness_kinds.h"
#include "harness_pipe.h"

enum { LARGE = 3 << 20 };

/* A file that has the pattern: what is sent of it goes on where the last write
 * ended. */
struct sending {
    struct rig *r;
    struct call *call;
    raw_fd file;
    int64_t size, position;
    rondo_id id;
};

/* done comes before connection_lost. */
static void is_not_lost(struct call *c, rondo_loop *loop)
{
    const struct sending *s = c->user;

    (void)loop;
    assert_int_equal(s->r->p->lost, 0);
}

/* Sends the next `size` bytes of the pattern. */
static int64_t send_file(struct sending *s, struct rig *r, int64_t size)
{
    s->r = r;
    s->call = call_new(r->w);
    s->call->user = s;
    s->call->then = is_not_lost;
    s->size = size;
    s->file = call_file((size_t)r->written + (size_t)size);
    s->position = raw_file_position(s->file);
    s->id =
        rondo_transport_sendfile(r->p->transport, s->file, (int64_t)r->written,
                                 size, call_done, s->call);
    assert_int_equal(s->call->calls, 0); /* from the loop alone */
    if (s->id < 0)
        raw_close(s->file);
    return s->id;
}

/* All of it was sent. */
static void is_sent(struct sending *s)
{
    assert_true(call_wait(s->r->w, s->call) == s->size);
    assert_true(raw_file_position(s->file) == s->position);
    s->r->written += (uint64_t)s->size;
    raw_close(s->file);
}

/* It failed; a part may have been sent. */
static void is_lost(struct sending *s, int error)
{
    assert_error(call_wait(s->r->w, s->call), error);
    s->r->written += (uint64_t)s->size;
    s->r->cut = true;
    raw_close(s->file);
}

/* ---- S15: all of a file -------------------------------------------------- */

static void write_on(struct call *c, rondo_loop *loop)
{
    const struct sending *s = c->user;

    (void)loop;
    s->r->written += (uint64_t)s->size;
    assert_ok(rig_write(s->r, 1000));
    s->r->written -= (uint64_t)s->size;
}

/* Between two writes; the second one is begun in done. */
static int whole(struct rig *r)
{
    struct sending s;
    int64_t id;

    if (r->kind->writes)
        assert_ok(rig_write(r, 70000));
    id = send_file(&s, r, 200000);
    if (id < 0)
        return rig_result(id, "transport_sendfile");
    s.call->then = write_on;
    is_sent(&s);
    rig_arrives(r);
    return 0;
}

static int several(struct rig *r)
{
    static const int64_t sizes[] = {0, 1, 65536, 65537, 0, 300000};
    struct sending s;

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        int64_t id = send_file(&s, r, sizes[i]);

        if (id < 0)
            return rig_result(id, "transport_sendfile");
        is_sent(&s);
    }
    rig_arrives(r);
    return 0;
}

/* From a pipe, which has no positions. */
static int flow(struct rig *r)
{
    unsigned char bytes[30000];
    struct call *c = call_new(r->w);
    raw_fd pair[2];
    int64_t id;

    assert_int_equal(raw_pipe(pair), 0);
    test_fill(bytes, 0, sizeof bytes);
    assert_int_equal(raw_write(pair[1], bytes, sizeof bytes), sizeof bytes);
    raw_close(pair[1]);
    id = rondo_transport_sendfile(r->p->transport, pair[0], 0, INT64_MAX,
                                  call_done, c);
    if (id >= 0) {
        assert_int_equal(call_wait(r->w, c), sizeof bytes);
        r->written += sizeof bytes;
        rig_arrives(r);
    }
    raw_close(pair[0]);
    return rig_result(id, "transport_sendfile");
}

/* ---- S15: while one is under way ----------------------------------------- */

static void refuses(struct rig *r, int64_t result, const char *call)
{
    (void)r;
    assert_error(result, RONDO_EBUSY);
    assert_int_equal(rig_result(result, call), RONDO_EBUSY);
}

static int busy(struct rig *r)
{
    struct sending s;
    rondo_transport *t = r->p->transport;
    raw_fd file = call_file(10);

    rig_block(r);
    assert_ok(send_file(&s, r, 1000));
    refuses(r, rondo_transport_write(t, "x", 1), "transport_write");
    refuses(r, rondo_transport_printf(t, "x"), "transport_printf");
    refuses(r, rondo_transport_writev(t, &(rondo_buffer){"x", 1}, 1),
            "transport_writev");
    refuses(r, rondo_transport_write_owned(t, "x", 1, never_release, NULL),
            "transport_write_owned");
    refuses(r, rondo_transport_sendfile(t, file, 0, 1, call_done, NULL),
            "transport_sendfile");
    raw_close(file);
    rig_unblock(r);
    is_sent(&s);
    rig_arrives(r);
    return 0;
}

/* Small limits: what a thread has read counts as any bytes do. */
static int limited(struct rig *r)
{
    struct sending s;

    assert_ok(
        rondo_transport_set_write_buffer_limits(r->p->transport, 20000, 5000));
    if (r->far)
        assert_ok(rondo_transport_pause_reading(r->far->transport));
    assert_ok(send_file(&s, r, LARGE));
    for (int i = 0; i < 10; i++) {
        test_spin(r->w, 1);
        assert_true(peer_buffered(r->p) <= 5000 + 65536);
    }
    rig_unblock(r);
    is_sent(&s);
    rig_arrives(r);
    test_run_until(r->w, r->p->pauses == r->p->resumes);
    return 0;
}

/* ---- S15: the end -------------------------------------------------------- */

static int closing(struct rig *r)
{
    struct sending s;

    rig_block(r);
    assert_ok(send_file(&s, r, LARGE));
    rondo_transport_close(r->p->transport);
    rig_unblock(r);
    is_sent(&s);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, 0);
    rig_arrives(r);
    return 0;
}

static int ending(struct rig *r)
{
    struct sending s;

    rig_block(r);
    if (r->far)
        r->far->keep_open = true;
    assert_ok(send_file(&s, r, LARGE));
    assert_ok(rondo_transport_write_eof(r->p->transport));
    rig_unblock(r);
    is_sent(&s);
    rig_arrives(r);
    if (r->kind->half)
        test_run_until(r->w, r->p->lost);
    else
        test_run_until(r->w, r->far->eof);
    return 0;
}

static int aborting(struct rig *r)
{
    struct sending s;

    rig_block(r);
    assert_ok(send_file(&s, r, LARGE));
    rondo_transport_abort_with(r->p->transport, RONDO_EPROTO);
    is_lost(&s, RONDO_EPROTO);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, RONDO_EPROTO);
    return 0;
}

/* The transport goes on behind the part that was sent, which the file's
 * position tells. (On Windows the kernel may send more of it.) */
static int cancelling(struct rig *r)
{
    struct sending s;

    assert_ok(rig_write(r, 1000));
    if (r->far)
        assert_ok(rondo_transport_pause_reading(r->far->transport));
    assert_ok(send_file(&s, r, LARGE));
    test_spin(r->w, r->far ? 5 : 0);
    assert_ok(rondo_cancel(r->w->loop, s.id));
    assert_error(rondo_cancel(r->w->loop, s.id), RONDO_ENOENT);
    assert_error(call_wait(r->w, s.call), RONDO_ECANCELED);
    if (!raw_pipe_can_be_waited_for()) {
        is_lost(&s, RONDO_ECANCELED);
        return 0;
    }
    r->written = (uint64_t)raw_file_position(s.file);
    assert_true(r->written >= 1000 && r->written < LARGE);
    raw_close(s.file);
    assert_ok(rig_write(r, 5000));
    rig_unblock(r);
    rig_arrives(r);
    return 0;
}

static int leaving(struct rig *r)
{
    struct sending s;

    rig_block(r);
    assert_ok(send_file(&s, r, LARGE));
    rondo_transport_abort(r->far->transport);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(s.call->calls, 1);
    is_lost(&s, r->p->error);
    assert_true(r->p->error == RONDO_EPIPE || r->p->error == RONDO_ECONNRESET);
    return 0;
}

/* ---- S11, S15: time ------------------------------------------------------ */

static int timed(struct rig *r)
{
    struct sending s;

    if (r->far)
        assert_ok(rondo_transport_pause_reading(r->far->transport));
    assert_ok(send_file(&s, r, LARGE));
    if (!r->far) {
        assert_ok(
            rondo_transport_set_timeouts(r->p->transport, 0, RONDO_SEC(600)));
        is_sent(&s);
        return 0;
    }
    assert_ok(rondo_transport_set_timeouts(r->p->transport, 0, RONDO_MS(10)));
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, RONDO_ETIMEDOUT);
    assert_int_equal(s.call->calls, 1);
    is_lost(&s, RONDO_ETIMEDOUT);
    return 0;
}

static int unmade(struct rig *r)
{
    struct sending s;

    return rig_result(send_file(&s, r, 100), "transport_sendfile");
}

/* ---- the table ----------------------------------------------------------- */

enum {
    WHOLE,
    SEVERAL,
    FLOW,
    BUSY,
    LIMITED,
    CLOSING,
    ENDING,
    ABORTING,
    CANCELLING,
    LEAVING,
    TIMED,
    UNMADE
};

#define WRITER                                                                 \
    {                                                                          \
        [UNMADE] = RONDO_ENOTCONN                                              \
    }
#define NAMED                                                                  \
    {                                                                          \
        [ENDING] = CELL_NONE, [UNMADE] = CELL_NONE                             \
    }
#define READER                                                                 \
    {                                                                          \
        RONDO_EPIPE, RONDO_EPIPE, RONDO_EPIPE, CELL_NONE, CELL_NONE,           \
            CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE,  \
            RONDO_EPIPE                                                        \
    }
#define NOBODY                                                                 \
    {                                                                          \
        CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE,      \
            CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE, CELL_NONE,             \
            RONDO_ENOTCONN                                                     \
    }

static const struct kind_table files = {
    .title = "sendfile",
    .columns = {[WHOLE] = {.name = "a file", .attempt = whole},
                [SEVERAL] = {.name = "several", .attempt = several},
                [FLOW] = {.name = "a pipe", .attempt = flow},
                [BUSY] = {.name = "busy", .attempt = busy},
                [LIMITED] = {.name = "limits", .attempt = limited},
                [CLOSING] = {.name = "close", .attempt = closing},
                [ENDING] = {.name = "write_eof", .attempt = ending},
                [ABORTING] = {.name = "abort", .attempt = aborting},
                [CANCELLING] = {.name = "cancel", .attempt = cancelling},
                [LEAVING] = {.name = "peer leaves", .attempt = leaving},
                [TIMED] = {.name = "write time", .attempt = timed},
                [UNMADE] = {"not made", unmade, .unmade = true}},
    .cells = {[KIND_TCP] = WRITER,
              [KIND_UNIX] = WRITER,
              [KIND_SERVED] = NAMED,
              [KIND_CLIENT] = NAMED,
              KIND_PIPE_ROWS(READER, WRITER),
              [KIND_OVERLAPPED_READS] = READER,
              [KIND_OVERLAPPED_WRITES] = WRITER,
              KIND_HALF_SOCKET_ROWS(READER, WRITER),
              [KIND_CHILD_EXTRA] = NOBODY,
              [KIND_FILE_READS] = READER,
              [KIND_FILE_WRITES] = {
                  [LEAVING] = CELL_NONE, [UNMADE] = RONDO_ENOTCONN}}};

TEST_CASE(S15_kinds_whole, kinds_try(w, &files, WHOLE));
TEST_CASE(S15_kinds_several, kinds_try(w, &files, SEVERAL));
TEST(S15_kinds_a_pipe)
{
    test_need_pipes(w);
    if (!raw_pipe_can_be_waited_for())
        test_skip(w, "a pipe cannot be sent here");
    kinds_try(w, &files, FLOW);
}
TEST_CASE(S15_kinds_busy, kinds_try(w, &files, BUSY));
TEST_CASE(S15_kinds_limits, kinds_try(w, &files, LIMITED));
TEST_CASE(S15_kinds_close, kinds_try(w, &files, CLOSING));
TEST_CASE(S15_kinds_write_eof, kinds_try(w, &files, ENDING));
TEST_CASE(S15_kinds_abort, kinds_try(w, &files, ABORTING));
TEST_CASE(S15_kinds_cancel, kinds_try(w, &files, CANCELLING));
TEST_CASE(S15_kinds_the_other_end_leaves, kinds_try(w, &files, LEAVING));
TEST_CASE(S11_kinds_time_of_a_file, kinds_try(w, &files, TIMED));
TEST_CASE(S15_kinds_not_made, kinds_try(w, &files, UNMADE));
