/* test_sendfile_thread.c - files that the kernel does not send: read on a
 * thread. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "raw_net.h"

enum { LARGE = 1 << 20, SMALL_BUFFERS = 16384 };

static const enum raw_sendfile_failure failures[] = {
    RAW_SENDFILE_INVALID, RAW_SENDFILE_MISSING, RAW_SENDFILE_IO};

/* From the first byte on, or from one in the middle. */
TEST_LEAVES(S15_where_the_kernel_refuses)
{
    for (unsigned i = 0; i < 6; i++) {
        struct peer *p = plain_peer(w, &recorder, SMALL_BUFFERS);

        call_need_failure(w, failures[i % 3], i / 3 * 2);
        call_sends(p, call_kept_file(w, LARGE), 0, LARGE);
        assert_int_equal(raw_sendfile_failed(), 1);
        assert_ok(rondo_transport_write(p->transport, "x", 1));
        assert_int_equal(p->pauses, p->resumes);
    }
}

TEST_LEAVES(S15_a_file_that_no_kernel_sends)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    raw_fd file = raw_file_not_sent();
    char *text = test_alloc(w, 65536);
    struct call *c;
    ptrdiff_t n;

    test_skip_if(w, file == RONDO_NO_FD,
                 "every file can be sent on this system");
    c = call_sendfile(p, test_own(w, file), 0, INT64_MAX);
    test_run_until(w, (n = raw_recv(p->fd, text, 65536, 0)) != RAW_AGAIN);
    assert_true(n > 100 && memchr(text, '\n', (size_t)n));
    assert_true(call_wait(w, c) >= n);
}

TEST_LEAVES(S15_what_a_thread_reads_is_held_back)
{
    struct peer *p = plain_peer(w, &recorder, SMALL_BUFFERS);
    struct call *c;

    call_need_failure(w, RAW_SENDFILE_INVALID, 0);
    peer_set_limits(p, 1000, 10);
    c = call_sendfile(p, call_kept_file(w, LARGE), 0, LARGE);
    /* it counts as any write does: beyond the limit, which is told */
    test_run_until(w, p->pauses == 1);
    assert_true(peer_buffered(p) <= 65536);
    for (uint64_t at = 0; at < LARGE; at += 8192) {
        plain_takes(p, at, 8192);
        assert_true(peer_buffered(p) <= 65536);
    }
    assert_int_equal(call_wait(w, c), LARGE);
    test_run_until(w, p->resumes == p->pauses);
    assert_true(p->pauses > 2);
}

/* ---- pipes -------------------------------------------------------------- */

/* The ends of one whose reading end can be sent. */
static void sendable_pipe(struct world *w, struct peer *p, raw_fd pipe[2])
{
    struct call *c = call_new(w);

    test_skip_if(w, raw_pipe(pipe) != 0, "no pipes on this system");
    test_own(w, pipe[0]);
    test_own(w, pipe[1]);
    test_skip_if(
        w,
        rondo_transport_sendfile(p->transport, pipe[0], 0, 0, call_done, c) < 0,
        "no pipe can be sent on this system");
    assert_int_equal(call_wait(w, c), 0);
}

/* Sends what comes out of a pipe, which nothing is written to yet. */
static struct call *begin_pipe(struct world *w, struct peer *p, raw_fd pipe[2])
{
    sendable_pipe(w, p, pipe);
    return call_sendfile(p, pipe[0], 0, 100);
}

TEST_LEAVES(S15_a_pipe)
{
    enum { PIECE = 1000 };
    struct peer *p = plain_peer(w, &recorder, 0);
    struct call *c;
    raw_fd pipe[2];

    sendable_pipe(w, p, pipe);
    assert_refused(rondo_transport_sendfile(p->transport, pipe[0], 1, 10,
                                            call_done, call_new(w)),
                   RONDO_EINVAL, "has no positions");
    c = call_sendfile(p, pipe[0], 0, INT64_MAX);
    for (unsigned at = 0; at < 5 * PIECE; at += PIECE) {
        assert_int_equal(raw_write(pipe[1], test_bytes(w, at, PIECE), PIECE),
                         PIECE);
        plain_takes(p, at, PIECE);
        assert_int_equal(c->calls, 0);
    }
    test_close_own(w, pipe[1]);
    assert_int_equal(call_wait(w, c), 5 * PIECE);
}

/* Nothing comes of it, and nobody waits for that. */
TEST(S15_a_pipe_that_is_silent)
{
    size_t before = raw_count_descriptors();
    struct peer *p = plain_peer(w, &recorder, 0);
    struct peer *q = plain_peer(w, &recorder, 0);
    raw_fd pipe[2];
    struct call *c = begin_pipe(w, p, pipe), *d;

    test_spin(w, 3);
    assert_ok(rondo_cancel(w->loop, c->id));
    call_fails(w, c, RONDO_ECANCELED, "transport_sendfile");
    assert_ok(rondo_transport_write(p->transport, "x", 1));
    d = call_sendfile(q, pipe[0], 0, 100);
    test_spin(w, 3);
    test_close_loop(w); /* nor does this */
    assert_int_equal(d->result, RONDO_ECANCELED);
    test_close_own(w, pipe[0]);
    test_close_own(w, pipe[1]);
    plain_close(p);
    plain_close(q);
    (void)test_other_loop(w); /* in place of the one that was counted */
    call_descriptors_back(w, before);
}

/* More of them than there are threads. */
TEST(S15_silent_pipes_leave_others_their_turn)
{
    enum { SILENT = 9 };
    struct call *c = NULL;
    raw_fd pipe[2];

    for (int i = 0; i <= SILENT; i++)
        c = begin_pipe(w, plain_peer(w, &recorder, 0), pipe);
    assert_int_equal(raw_write(pipe[1], "at last", 7), 7);
    test_close_own(w, pipe[1]);
    assert_int_equal(call_wait(w, c), 7);
    test_close_loop(w);
}

/* Nothing waits to be sent meanwhile. */
TEST_LEAVES(S11_a_slow_source_is_no_slow_peer)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    raw_fd pipe[2];
    struct call *c = begin_pipe(w, p, pipe);

    peer_set_timeouts(p, 0, RONDO_MS(5));
    (void)test_run_for(w, RONDO_MS(100));
    assert_int_equal(p->lost, 0);
    assert_int_equal(raw_write(pipe[1], "slowly", 6), 6);
    (void)test_run_for(w, RONDO_MS(100));
    assert_int_equal(p->lost, 0);
    test_close_own(w, pipe[1]);
    assert_int_equal(call_wait(w, c), 6);
}

/* ---- stopped ------------------------------------------------------------ */

/* What was read, and is in the buffer for ever, was not sent. */
TEST(S15_the_position_after_an_abort)
{
    struct peer *p = plain_peer(w, &recorder, SMALL_BUFFERS);
    raw_fd file = call_kept_file(w, LARGE);
    char *room = test_alloc(w, LARGE);
    struct call *c;
    int64_t got = 0;
    ptrdiff_t n;

    call_need_failure(w, RAW_SENDFILE_INVALID, 0);
    c = call_sendfile(p, file, 0, LARGE);
    test_run_until(w, peer_buffered(p) > 0);
    while ((n = raw_recv(p->fd, room, LARGE, 50)) > 0) /* all the kernel has */
        got += n;
    rondo_transport_abort(p->transport);
    assert_int_equal(call_wait(w, c), RONDO_ECANCELED);
    assert_int_equal(raw_file_position(file), got);
}

static void stop(struct world *w, struct peer *p, struct call *c, unsigned how)
{
    if (how == 0) {
        assert_ok(rondo_cancel(w->loop, c->id));
        assert_int_equal(call_wait(w, c), RONDO_ECANCELED);
        assert_int_equal(p->lost, 0);
    } else if (how == 1) {
        rondo_transport_abort(p->transport);
        test_run_until(w, p->lost);
        assert_int_equal(c->result, RONDO_ECANCELED);
    } else if (how == 2) {
        peer_finish(p, LARGE);
        assert_int_equal(c->result, LARGE);
    } else {
        plain_reset(p);
        test_run_until(w, p->lost);
        assert_int_equal(c->result, RONDO_ECONNRESET);
    }
}

/* At any moment: while the thread reads, while what it has read waits. */
TEST_LEAVES(S15_stopped_while_a_thread_reads)
{
    size_t before = 0;

    for (unsigned i = 0; i < 24; i++) {
        struct peer *p;
        struct call *c;
        raw_fd file;

        if (i == 4) /* by now there are threads */
            before = raw_count_descriptors();
        p = plain_peer(w, &recorder, SMALL_BUFFERS);
        file = call_kept_file(w, LARGE);
        (void)raw_sendfile_fails(RAW_SENDFILE_MISSING, i % 3, 1);
        c = call_sendfile(p, file, 0, LARGE);
        if (i >= 8)
            test_spin(w, i >= 16 ? 50 : 1);
        assert_int_equal(c->calls, 0);
        stop(w, p, c, i % 4);
        test_close_own(w, file);
        if (p->fd != RONDO_NO_FD)
            plain_close(p);
    }
    /* the 5 sockets of those that were cancelled only are still open */
    call_descriptors_back(w, before + 5);
}

struct forked {
    rondo_loop *loop;
    struct call *c;
};

static int in_child(void *arg)
{
    struct forked *f = arg;

    if (rondo_loop_after_fork(f->loop) != 0)
        return 1;
    for (int i = 0; i < 1000 && !f->c->calls; i++)
        if (rondo_loop_run_once(f->loop, RONDO_MS(10)) < 0)
            return 2;
    return f->c->result == RONDO_EFORKED ? 0 : 3;
}

TEST_LEAVES(L8_a_thread_stays_with_the_parent)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    raw_fd pipe[2];
    struct forked f = {w->loop, begin_pipe(w, p, pipe)};
    int status;

    test_spin(w, 3);
    status = raw_fork_run(in_child, &f);
    if (status >= 0)
        assert_int_equal(status, 0);
    assert_int_equal(raw_write(pipe[1], "parent", 6), 6);
    test_close_own(w, pipe[1]);
    assert_int_equal(call_wait(w, f.c), 6);
}
