/* test_kinds_pairs_write.c - filters with all that writes, on sockets. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_calls.h"
#include "harness_filter.h"
#include "harness_kinds.h"

/* Under both ends; the one under r->p is ready when the test says so. */
struct toys {
    struct toy *ours, *theirs;
};

static struct toys push_late(struct rig *r)
{
    struct toys t = {test_toy(r->w, 42), test_toy(r->w, 99)};

    t.ours->late = true;
    toy_push(r->p->transport, t.ours);
    toy_push(r->far->transport, t.theirs);
    test_run_until(r->w, t.ours->hello);
    return t;
}

static struct toys push_both(struct rig *r)
{
    struct toys t = {test_toy(r->w, 42), test_toy(r->w, 99)};

    toy_push(r->p->transport, t.ours);
    toy_push(r->far->transport, t.theirs);
    test_run_until(r->w, t.ours->done && t.theirs->done);
    return t;
}

/* The next bytes of the pattern, lent. */
static void lend(struct rig *r, size_t size, unsigned *released)
{
    unsigned char *bytes = test_alloc(r->w, size);

    test_fill(bytes, r->written, size);
    assert_ok(rondo_transport_write_owned(r->p->transport, bytes, size,
                                          count_release, released));
    r->written += size;
}

/* ---- in a handshake ------------------------------------------------------ */

static int limits_in_handshake(struct rig *r)
{
    struct toys t = push_late(r);

    assert_ok(
        rondo_transport_set_write_buffer_limits(r->p->transport, 1000, 100));
    assert_int_equal(rig_write(r, 1000), 0);
    assert_int_equal(rig_write(r, 1), 1);
    test_run_until(r->w, r->p->pauses == 1);
    test_spin(r->w, 5);
    assert_int_equal(r->p->resumes, 0);
    assert_int_equal(peer_buffered(r->p), 1001);
    assert_ok(rondo_layer_ready(t.ours->layer));
    test_run_until(r->w, r->p->resumes == 1);
    rig_arrives(r);
    assert_string_equal(r->p->order, "MPR");
    return 0;
}

static int owned_in_handshake(struct rig *r)
{
    unsigned *released = test_counter(r->w);
    struct toys t = push_late(r);

    lend(r, 100000, released);
    assert_ok(rig_write(r, 10));
    lend(r, 1, released);
    test_spin(r->w, 5);
    assert_int_equal(*released, 0);
    assert_ok(rondo_layer_ready(t.ours->layer));
    assert_int_equal(*released, 0); /* from the loop */
    test_run_until(r->w, *released == 2);
    rig_arrives(r);
    return 0;
}

static int eof_in_handshake(struct rig *r)
{
    struct toys t = push_late(r);

    assert_ok(rig_write(r, 100000));
    assert_ok(rondo_transport_write_eof(r->p->transport));
    assert_error(rondo_transport_write(r->p->transport, "x", 1), RONDO_EPIPE);
    test_spin(r->w, 5);
    assert_int_equal(r->far->eof, 0);
    r->far->keep_open = true;
    assert_ok(rondo_layer_ready(t.ours->layer));
    rig_arrives(r);
    test_run_until(r->w, r->far->eof);
    assert_ok(rig_feed(r, 1000));
    test_run_until(r->w, r->p->bytes == 1000);
    rondo_transport_close(r->far->transport);
    test_run_until(r->w, r->p->lost && r->far->lost);
    assert_int_equal(r->p->error, 0);
    assert_string_equal(t.ours->order, "srwgrL");
    toy_check_whole(t.theirs);
    return 0;
}

/* The handshake goes on for what waits, and then it closes. */
static int close_in_handshake(struct rig *r)
{
    unsigned *released = test_counter(r->w);
    struct toys t = push_late(r);

    lend(r, 100000, released);
    rondo_transport_close(r->p->transport);
    test_spin(r->w, 5);
    assert_int_equal(r->p->lost, 0);
    assert_ok(rondo_layer_ready(t.ours->layer));
    test_run_until(r->w, r->p->lost && r->far->lost);
    assert_int_equal(r->p->error, 0);
    assert_int_equal(*released, 1);
    rig_arrives(r);
    toy_check_whole(t.ours);
    return 0;
}

/* With nothing waiting there is nothing to get ready for. */
static int close_idle_in_handshake(struct rig *r)
{
    struct toys t = push_late(r);

    rondo_transport_close(r->p->transport);
    test_run_until(r->w, r->p->lost && r->far->lost);
    assert_int_equal(r->p->error, 0);
    assert_int_equal(t.ours->done, 1);
    assert_error(t.ours->result, RONDO_ECANCELED);
    assert_int_equal(t.ours->goodbyes, 0);
    return 0;
}

static int abort_in_handshake(struct rig *r)
{
    unsigned *released = test_counter(r->w);
    struct toys t = push_late(r);

    r->cut = true;
    lend(r, 100000, released);
    rondo_transport_abort(r->p->transport);
    test_run_until(r->w, r->p->lost && r->far->lost);
    assert_int_equal(r->p->error, RONDO_ECANCELED);
    assert_int_equal(r->far->error, RONDO_ECONNRESET);
    assert_int_equal(*released, 1);
    assert_error(t.ours->result, RONDO_ECANCELED);
    return 0;
}

/* The other end leaves in the middle of it. */
static int far_leaves_in_handshake(struct rig *r)
{
    unsigned *released = test_counter(r->w);
    struct toys t = push_late(r);

    r->cut = true;
    lend(r, 100000, released);
    rondo_transport_abort(r->far->transport);
    test_run_until(r->w, r->p->lost && r->far->lost);
    assert_int_equal(r->p->error, RONDO_ECONNRESET);
    assert_int_equal(*released, 1);
    assert_error(t.ours->result, RONDO_ECONNRESET);
    return 0;
}

/* Short of memory, the pieces are taken all or none, or it is the end. */
static int writev_in_handshake(struct rig *r)
{
    unsigned char *bytes = test_alloc(r->w, 80000);
    const rondo_buffer pieces[] = {{bytes, 40000}, {bytes + 40000, 40000}};
    struct toys t = push_late(r);

    test_fill(bytes, 0, 80000);
    /* what is no bytes is allocated before */
    assert_ok(rondo_transport_set_write_buffer_limits(r->p->transport, 0, 0));
    for (uint64_t n = 1; n <= 3 && r->written == 0; n++) {
        int result;

        test_fail_allocation(r->w, n);
        result = rondo_transport_writev(r->p->transport, pieces, 2);
        test_fail_allocation(r->w, 0);
        if (rondo_transport_is_closing(r->p->transport)) {
            assert_error(result, RONDO_ENOMEM);
            test_run_until(r->w, r->p->lost);
            assert_int_equal(r->p->error, RONDO_ENOMEM);
            assert_error(t.ours->result, RONDO_ENOMEM);
            return 0;
        }
        assert_true(result == RONDO_ENOMEM ? !peer_buffered(r->p)
                                           : result >= 0);
        r->written = peer_buffered(r->p);
    }
    assert_ok(rondo_layer_ready(t.ours->layer));
    rig_arrives(r);
    return 0;
}

/* ---- files --------------------------------------------------------------- */

static int64_t send_file(struct rig *r, struct call *c, raw_fd file, size_t n)
{
    return rondo_transport_sendfile(r->p->transport, file, (int64_t)r->written,
                                    (int64_t)n, call_done, c);
}

static int file_in_handshake(struct rig *r)
{
    struct toys t = push_late(r);
    struct call *c = call_new(r->w);
    raw_fd file = call_file(100000);

    assert_refused(
        rondo_transport_sendfile(r->p->transport, file, 0, 1, call_done, c),
        RONDO_EBUSY, "filter");
    assert_ok(rondo_layer_ready(t.ours->layer));
    assert_ok(send_file(r, c, file, 100000));
    assert_int_equal(call_wait(r->w, c), 100000);
    r->written += 100000;
    rig_arrives(r);
    raw_close(file);
    return 0;
}

static void push_in_done(struct call *c, rondo_loop *loop)
{
    struct toy *y = c->user;

    (void)loop;
    toy_push(y->transport, y);
}

/* While a file is under way no filter is pushed; in its done one is. */
static int push_behind_file(struct rig *r)
{
    struct toy *y = test_toy(r->w, 5);
    struct call *c = call_new(r->w);
    raw_fd file = call_file(RIG_MUCH + 500000);

    y->clear = true;
    y->transport = r->p->transport;
    rig_block(r);
    assert_ok(send_file(r, c, file, 500000));
    assert_refused(rondo_transport_push_filter(r->p->transport, &toy_filter, y,
                                               NULL, NULL),
                   RONDO_EBUSY, "sendfile");
    c->user = y;
    c->then = push_in_done;
    rig_unblock(r);
    assert_int_equal(call_wait(r->w, c), 500000);
    r->written += 500000;
    test_run_until(r->w, y->done);
    assert_ok(rig_write(r, 1000));
    rig_arrives(r);
    raw_close(file);
    return 0;
}

static int file_through_filter(struct rig *r)
{
    struct toys t = push_both(r);
    struct call *c = call_new(r->w);
    raw_fd file = call_file(700000);

    assert_ok(
        rondo_transport_set_write_buffer_limits(r->p->transport, 2000, 1000));
    assert_ok(rig_write(r, 10));
    assert_ok(send_file(r, c, file, 600000));
    rondo_transport_close(r->p->transport);
    assert_int_equal(call_wait(r->w, c), 600000);
    r->written += 600000;
    rig_arrives(r);
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, 0);
    toy_check_whole(t.ours);
    raw_close(file);
    return 0;
}

/* Cancelled, with the filters' bytes in the queue: the stream goes on. */
static int cancel_through_filter(struct rig *r)
{
    struct call *c = call_new(r->w);
    raw_fd file = call_file(2000000);
    int64_t id;

    (void)push_both(r);
    assert_ok(rondo_transport_pause_reading(r->far->transport));
    id = send_file(r, c, file, 2000000);
    assert_ok(id);
    (void)test_settle(r->w, r->p);
    assert_ok(rondo_cancel(r->w->loop, id));
    assert_error(call_wait(r->w, c), RONDO_ECANCELED);
    r->written = (uint64_t)raw_file_position(file); /* what they were given */
    assert_ok(rig_write(r, 70000));
    rig_unblock(r);
    rig_arrives(r);
    raw_close(file);
    return 0;
}

/* The write time runs out while a file goes through filters. */
static int time_of_filtered_file(struct rig *r)
{
    struct call *c = call_new(r->w);
    raw_fd file = call_file(2000000);

    (void)push_both(r);
    r->cut = true;
    assert_ok(rondo_transport_pause_reading(r->far->transport));
    assert_ok(send_file(r, c, file, 2000000));
    (void)test_settle(r->w, r->p);
    assert_ok(rondo_transport_set_timeouts(r->p->transport, 0, RONDO_MS(10)));
    test_run_until(r->w, r->p->lost);
    assert_int_equal(r->p->error, RONDO_ETIMEDOUT);
    assert_error(c->result, RONDO_ETIMEDOUT);
    r->written = 2000000;
    raw_close(file);
    return 0;
}

/* ---- the table ----------------------------------------------------------- */

enum {
    LIMITS,
    OWNED,
    WRITE_EOF,
    CLOSE,
    CLOSE_IDLE,
    ABORT,
    LEAVES,
    WRITEV_MEMORY,
    FILE_HANDSHAKE,
    FILE_PUSH,
    FILE_FILTER,
    FILE_CANCEL,
    FILE_TIME
};

static const struct kind_table pairs = {
    .title = "filters and writing",
    .rows = KIND_SERVED,
    .columns =
        {[LIMITS] = {.name = "limits", .attempt = limits_in_handshake},
         [OWNED] = {.name = "write_owned", .attempt = owned_in_handshake},
         [WRITE_EOF] = {.name = "write_eof", .attempt = eof_in_handshake},
         [CLOSE] = {.name = "close", .attempt = close_in_handshake},
         [CLOSE_IDLE] = {.name = "close idle",
                         .attempt = close_idle_in_handshake},
         [ABORT] = {.name = "abort", .attempt = abort_in_handshake},
         [LEAVES] = {.name = "peer leaves", .attempt = far_leaves_in_handshake},
         [WRITEV_MEMORY] = {.name = "memory", .attempt = writev_in_handshake},
         [FILE_HANDSHAKE] = {.name = "file", .attempt = file_in_handshake},
         [FILE_PUSH] = {.name = "file, push", .attempt = push_behind_file},
         [FILE_FILTER] = {.name = "file filtered",
                          .attempt = file_through_filter},
         [FILE_CANCEL] = {.name = "... cancelled",
                          .attempt = cancel_through_filter},
         [FILE_TIME] = {.name = "... time", .attempt = time_of_filtered_file}},
};

TEST_CASE(S4_pair_limits_in_handshake, kinds_try(w, &pairs, LIMITS));
TEST_CASE(S3_pair_owned_in_handshake, kinds_try(w, &pairs, OWNED));
TEST_CASE(S6_pair_eof_in_handshake, kinds_try(w, &pairs, WRITE_EOF));
TEST_CASE(S13_pair_close_in_handshake, kinds_try(w, &pairs, CLOSE));
TEST_CASE(S13_pair_close_idle, kinds_try(w, &pairs, CLOSE_IDLE));
TEST_CASE(S13_pair_abort_in_handshake, kinds_try(w, &pairs, ABORT));
TEST_CASE(S13_pair_leaves_in_handshake, kinds_try(w, &pairs, LEAVES));
TEST_CASE(G8_pair_writev_in_handshake, kinds_try(w, &pairs, WRITEV_MEMORY));
TEST_CASE(S15_pair_file_in_handshake, kinds_try(w, &pairs, FILE_HANDSHAKE));
TEST_CASE(S15_pair_push_behind_file, kinds_try(w, &pairs, FILE_PUSH));
TEST_CASE(S15_pair_file_and_filter, kinds_try(w, &pairs, FILE_FILTER));
TEST_CASE(S15_pair_cancel_and_filter, kinds_try(w, &pairs, FILE_CANCEL));
TEST_CASE(S15_pair_time_and_filter, kinds_try(w, &pairs, FILE_TIME));
