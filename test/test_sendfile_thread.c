/* test_sendfile_thread.c - files that the kernel does not send: read on a
 * thread. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "raw_net.h"

enum { LARGE = 1 << 20, SMALL_BUFFERS = 16384 };

static const enum raw_sendfile_failure failures[] = {
    RAW_SENDFILE_INVALID, RAW_SENDFILE_MISSING, RAW_SENDFILE_IO};

/* From the first byte on, or from one in the middle. */
TEST(S15_where_the_kernel_refuses)
{
    for (unsigned i = 0; i < 6; i++) {
        struct peer *p = test_peer(w);
        struct call *c = call_new(w);
        raw_fd other = test_raw_peer(w, &recorder, p, SMALL_BUFFERS);
        raw_fd file = call_file(LARGE);

        if (!raw_sendfile_fails(failures[i % 3], i / 3 * 2, 1))
            test_skip(w, "sendfile cannot be made to fail on this system");
        assert_ok(rondo_transport_sendfile(p->transport, file, 0, LARGE,
                                           call_done, c));
        assert_int_equal(test_drain_raw_some(w, other, 0, LARGE), LARGE);
        assert_int_equal(call_wait(w, c), LARGE);
        assert_int_equal(raw_sendfile_failed(), 1);
        assert_ok(rondo_transport_write(p->transport, "x", 1));
        assert_int_equal(p->pauses, p->resumes);
        raw_close(file);
        raw_close(other);
    }
}

TEST(S15_a_file_that_no_kernel_sends)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0);
    raw_fd file = raw_file_not_sent();
    char *text = test_alloc(w, 65536);
    ptrdiff_t n;

    if (file == RONDO_NO_FD)
        test_skip(w, "every file can be sent on this system");
    assert_ok(rondo_transport_sendfile(p->transport, file, 0, INT64_MAX,
                                       call_done, c));
    test_run_until(w, (n = raw_recv(other, text, 65536, 0)) != RAW_AGAIN);
    assert_true(n > 100 && memchr(text, '\n', (size_t)n));
    assert_true(call_wait(w, c) >= n);
    raw_close(file);
    raw_close(other);
}

TEST(S15_what_a_thread_reads_is_held_back)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, SMALL_BUFFERS);
    raw_fd file = call_file(LARGE);

    if (!raw_sendfile_fails(RAW_SENDFILE_INVALID, 0, 1))
        test_skip(w, "sendfile cannot be made to fail on this system");
    assert_ok(rondo_transport_set_write_buffer_limits(p->transport, 1000, 10));
    assert_ok(
        rondo_transport_sendfile(p->transport, file, 0, LARGE, call_done, c));
    /* it counts as any write does: beyond the limit, which is told */
    test_run_until(w, p->pauses == 1);
    assert_true(rondo_transport_get_write_buffer_size(p->transport) <= 65536);
    for (uint64_t at = 0; at < LARGE; at += 8192) {
        assert_int_equal(test_drain_raw_some(w, other, at, 8192), 8192);
        assert_true(rondo_transport_get_write_buffer_size(p->transport) <=
                    65536);
    }
    assert_int_equal(call_wait(w, c), LARGE);
    test_run_until(w, p->resumes == p->pauses);
    assert_true(p->pauses > 2);
    raw_close(file);
    raw_close(other);
}

TEST(S15_a_pipe)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w), *refused = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0), pipe[2];
    unsigned char piece[1000];

    if (raw_pipe(pipe) != 0 ||
        rondo_transport_sendfile(p->transport, pipe[0], 0, 0, call_done, c) < 0)
        test_skip(w, "no pipe can be sent on this system");
    assert_int_equal(call_wait(w, c), 0);
    assert_refused(rondo_transport_sendfile(p->transport, pipe[0], 1, 10,
                                            call_done, refused),
                   RONDO_EINVAL, "has no positions");
    c = call_new(w);
    assert_ok(rondo_transport_sendfile(p->transport, pipe[0], 0, INT64_MAX,
                                       call_done, c));
    for (unsigned i = 0; i < 5; i++) {
        test_fill(piece, i * sizeof piece, sizeof piece);
        assert_int_equal(raw_write(pipe[1], piece, sizeof piece), sizeof piece);
        assert_int_equal(
            test_drain_raw_some(w, other, i * sizeof piece, sizeof piece),
            sizeof piece);
        assert_int_equal(c->calls, 0);
    }
    raw_close(pipe[1]);
    assert_int_equal(call_wait(w, c), 5 * sizeof piece);
    raw_close(pipe[0]);
    raw_close(other);
}

/* Sends what comes out of a pipe, which nothing is written to yet. */
static rondo_id begin_pipe(struct world *w, struct peer *p, raw_fd pipe[2],
                           struct call *c)
{
    rondo_id id = RONDO_ENOTSUP;

    if (raw_pipe(pipe) == 0)
        id = rondo_transport_sendfile(p->transport, pipe[0], 0, 100, call_done,
                                      c);
    test_skip_if(w, id < 0, "no pipe can be sent on this system");
    return id;
}

/* Nothing comes of it, and nobody waits for that. */
TEST(S15_a_pipe_that_is_silent)
{
    size_t before = raw_count_descriptors();
    struct peer *p = test_peer(w), *q = test_peer(w);
    struct call *c = call_new(w), *d = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0), pipe[2];
    raw_fd another = test_raw_peer(w, &recorder, q, 0);
    rondo_id id;

    id = begin_pipe(w, p, pipe, c);
    test_spin(w, 3);
    assert_ok(rondo_cancel(w->loop, id));
    call_fails(w, c, RONDO_ECANCELED, "transport_sendfile");
    assert_ok(rondo_transport_write(p->transport, "x", 1));
    assert_ok(
        rondo_transport_sendfile(q->transport, pipe[0], 0, 100, call_done, d));
    test_spin(w, 3);
    assert_ok(rondo_loop_close(w->loop)); /* nor does this */
    w->loop = NULL;
    assert_int_equal(d->result, RONDO_ECANCELED);
    raw_close_pair(pipe);
    raw_close(other);
    raw_close(another);
    (void)test_other_loop(w); /* in place of the one that was counted */
    call_descriptors_back(w, before);
}

/* More of them than there are threads. */
TEST(S15_silent_pipes_leave_others_their_turn)
{
    enum { SILENT = 9 };
    raw_fd pipes[SILENT + 1][2], others[SILENT + 1];
    struct call *c = NULL;

    for (int i = 0; i <= SILENT; i++) {
        struct peer *p = test_peer(w);

        c = call_new(w);
        others[i] = test_raw_peer(w, &recorder, p, 0);
        (void)begin_pipe(w, p, pipes[i], c);
    }
    assert_int_equal(raw_write(pipes[SILENT][1], "at last", 7), 7);
    raw_close(pipes[SILENT][1]);
    pipes[SILENT][1] = RONDO_NO_FD;
    assert_int_equal(call_wait(w, c), 7);
    assert_ok(rondo_loop_close(w->loop));
    w->loop = NULL;
    for (int i = 0; i <= SILENT; i++) {
        raw_close(pipes[i][0]);
        if (i < SILENT)
            raw_close(pipes[i][1]);
        raw_close(others[i]);
    }
}

/* Nothing waits to be sent meanwhile. */
TEST(S11_a_slow_source_is_no_slow_peer)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0), pipe[2];

    (void)begin_pipe(w, p, pipe, c);
    assert_ok(rondo_transport_set_timeouts(p->transport, 0, RONDO_MS(5)));
    (void)test_run_for(w, RONDO_MS(100));
    assert_int_equal(p->lost, 0);
    assert_int_equal(raw_write(pipe[1], "slowly", 6), 6);
    (void)test_run_for(w, RONDO_MS(100));
    assert_int_equal(p->lost, 0);
    raw_close(pipe[1]);
    assert_int_equal(call_wait(w, c), 6);
    raw_close(pipe[0]);
    raw_close(other);
}

/* What was read, and is in the buffer for ever, was not sent. */
TEST(S15_the_position_after_an_abort)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, SMALL_BUFFERS);
    raw_fd file = call_file(LARGE);
    char *room = test_alloc(w, LARGE);
    int64_t got = 0;
    ptrdiff_t n;

    if (!raw_sendfile_fails(RAW_SENDFILE_INVALID, 0, 1))
        test_skip(w, "sendfile cannot be made to fail on this system");
    assert_ok(
        rondo_transport_sendfile(p->transport, file, 0, LARGE, call_done, c));
    test_run_until(w, rondo_transport_get_write_buffer_size(p->transport) > 0);
    while ((n = raw_recv(other, room, LARGE, 50)) > 0) /* all the kernel has */
        got += n;
    rondo_transport_abort(p->transport);
    assert_int_equal(call_wait(w, c), RONDO_ECANCELED);
    assert_int_equal(raw_file_position(file), got);
    raw_close(file);
    raw_close(other);
}

struct stopped {
    struct peer *p;
    struct call *c;
    raw_fd other, file;
    rondo_id id;
};

static void stop(struct world *w, struct stopped *s, unsigned how)
{
    switch (how) {
    case 0:
        assert_ok(rondo_cancel(w->loop, s->id));
        assert_int_equal(call_wait(w, s->c), RONDO_ECANCELED);
        assert_int_equal(s->p->lost, 0);
        break;
    case 1:
        rondo_transport_abort(s->p->transport);
        test_run_until(w, s->p->lost);
        assert_int_equal(s->c->result, RONDO_ECANCELED);
        break;
    case 2:
        rondo_transport_close(s->p->transport);
        assert_int_equal(test_drain_raw(w, s->other, 0), LARGE);
        test_run_until(w, s->p->lost);
        assert_int_equal(s->c->result, LARGE);
        break;
    default:
        raw_reset(s->other);
        s->other = RONDO_NO_FD;
        test_run_until(w, s->p->lost);
        assert_int_equal(s->c->result, RONDO_ECONNRESET);
        break;
    }
}

/* At any moment: while the thread reads, while what it has read waits. */
TEST(S15_stopped_while_a_thread_reads)
{
    size_t before = 0;

    for (unsigned i = 0; i < 24; i++) {
        struct stopped *s = test_alloc(w, sizeof *s);

        if (i == 4) /* by now there are threads */
            before = raw_count_descriptors();
        s->p = test_peer(w);
        s->c = call_new(w);
        s->other = test_raw_peer(w, &recorder, s->p, SMALL_BUFFERS);
        s->file = call_file(LARGE);
        (void)raw_sendfile_fails(RAW_SENDFILE_MISSING, i % 3, 1);
        s->id = rondo_transport_sendfile(s->p->transport, s->file, 0, LARGE,
                                         call_done, s->c);
        assert_ok(s->id);
        if (i >= 8)
            test_spin(w, i >= 16 ? 50 : 1);
        assert_int_equal(s->c->calls, 0);
        stop(w, s, i % 4);
        raw_close(s->file);
        if (s->other != RONDO_NO_FD)
            raw_close(s->other);
    }
    /* the 5 sockets of those that were cancelled only are still open */
    call_descriptors_back(w, before + 5);
}

static int in_child(void *arg)
{
    struct stopped *s = arg;
    rondo_loop *loop = rondo_transport_loop(s->p->transport);

    if (rondo_loop_after_fork(loop) != 0)
        return 1;
    for (int i = 0; i < 1000 && !s->c->calls; i++)
        if (rondo_loop_run_once(loop, RONDO_MS(10)) < 0)
            return 2;
    return s->c->result == RONDO_EFORKED ? 0 : 3;
}

TEST(L8_a_thread_stays_with_the_parent)
{
    struct stopped *s = test_alloc(w, sizeof *s);
    raw_fd pipe[2];
    int status;

    s->p = test_peer(w);
    s->c = call_new(w);
    s->other = test_raw_peer(w, &recorder, s->p, 0);
    (void)begin_pipe(w, s->p, pipe, s->c);
    test_spin(w, 3);
    status = raw_fork_run(in_child, s);
    if (status >= 0)
        assert_int_equal(status, 0);
    assert_int_equal(raw_write(pipe[1], "parent", 6), 6);
    raw_close(pipe[1]);
    assert_int_equal(call_wait(w, s->c), 6);
    raw_close(pipe[0]);
    raw_close(s->other);
}
