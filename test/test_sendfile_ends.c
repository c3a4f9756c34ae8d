/* test_sendfile_ends.c - files through transports that are cancelled, closed,
 * reset, or otherwise stopped in the middle. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "raw_net.h"

enum { LARGE = 1 << 20, SMALL_BUFFERS = 16384, IN_KERNEL = 1 << 18 };

struct sending {
    struct world *w;
    struct peer *p;
    struct call *c;
    raw_fd other, file;
    rondo_id id;
};

/* A large file is on its way, and nobody reads. */
static struct sending *begin(struct world *w)
{
    struct sending *s = test_alloc(w, sizeof *s);

    s->w = w;
    s->p = test_peer(w);
    s->c = call_new(w);
    s->other = test_raw_peer(w, &recorder, s->p, SMALL_BUFFERS);
    s->file = call_file(LARGE);
    s->id = rondo_transport_sendfile(s->p->transport, s->file, 0, LARGE,
                                     call_done, s->c);
    assert_ok(s->id);
    test_spin(w, 3);
    assert_int_equal(s->c->calls, 0);
    return s;
}

static void end(struct sending *s)
{
    raw_close(s->file);
    if (s->other != RONDO_NO_FD)
        raw_close(s->other);
}

/* done came, and before connection_lost */
static void told_before_lost(struct peer *p)
{
    struct sending *s = p->user;

    assert_int_equal(s->c->calls, 1);
}

static struct sending *begin_to_lose(struct world *w)
{
    struct sending *s = begin(w);

    s->p->user = s;
    s->p->on_lost = told_before_lost;
    return s;
}

/* ---- cancelling --------------------------------------------------------- */

/* What left is a beginning of the file; what is written then comes behind. */
TEST(S15_cancelled_in_the_middle)
{
    struct sending *s = begin(w);
    unsigned char *got = test_alloc(w, LARGE + 8);
    size_t size = 0;
    ptrdiff_t n;
    int64_t position;

    assert_ok(rondo_cancel(w->loop, s->id));
    assert_error(rondo_transport_write(s->p->transport, "x", 1), RONDO_EBUSY);
    call_fails(w, s->c, RONDO_ECANCELED, "transport_sendfile");
    assert_int_equal(rondo_cancel(w->loop, s->id), RONDO_ENOENT);
    position = raw_file_position(s->file);
    assert_true(rondo_transport_write(s->p->transport, "the end.", 8) >= 0);
    while (size < 8 || memcmp(got + size - 8, "the end.", 8) != 0) {
        test_run_until(w, (n = raw_recv(s->other, got + size, LARGE - size,
                                        0)) != RAW_AGAIN);
        assert_true(n > 0);
        size += (size_t)n;
    }
    size -= 8;
    assert_true(size < LARGE);
    assert_true(test_matches(got, 0, size));
    /* the kernel may have had some more */
    assert_true(position <= (int64_t)size &&
                (int64_t)size <= position + IN_KERNEL);
    assert_string_equal(s->p->order, "M");
    end(s);
}

TEST(S15_cancelled_behind_the_buffer)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, SMALL_BUFFERS);
    raw_fd file = call_file(1000);
    uint64_t size = test_fill_transport(w, p);
    rondo_id id =
        rondo_transport_sendfile(p->transport, file, 0, 1000, call_done, c);

    assert_ok(id);
    assert_ok(rondo_cancel(w->loop, id));
    call_fails(w, c, RONDO_ECANCELED, "transport_sendfile");
    assert_int_equal(raw_file_position(file), 0);
    assert_int_equal(test_drain_raw_some(w, other, 0, size), size);
    assert_ok(rondo_transport_write(p->transport, "x", 1));
    test_spin(w, 3);
    {
        char byte = 0;

        assert_true(raw_recv_exact(other, &byte, 1, 5000));
        assert_int_equal(byte, 'x');
    }
    raw_close(file);
    raw_close(other);
}

/* It has happened: the result is told all the same. */
TEST(S15_cancelled_when_it_is_out)
{
    struct peer *p = test_peer(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0);
    raw_fd file = call_file(100);
    char piece[200];
    ptrdiff_t n, size = 0, sure = 0;

    for (int i = 0; i < 10; i++) {
        struct call *c = call_new(w);
        rondo_id id =
            rondo_transport_sendfile(p->transport, file, 0, 100, call_done, c);

        assert_ok(id);
        test_spin(w, i % 2);
        (void)rondo_cancel(w->loop, id);
        test_run_until(w, c->calls);
        assert_true(c->result == RONDO_ECANCELED || c->result == 100);
        sure += c->result == 100;
    }
    rondo_transport_close(p->transport);
    do {
        test_run_until(w, (n = raw_recv(other, piece, sizeof piece, 0)) !=
                              RAW_AGAIN);
        size += n;
    } while (n > 0);
    assert_int_equal(n, 0);
    /* of those that were cancelled all has left, or nothing */
    assert_int_equal(size % 100, 0);
    assert_true(size >= 100 * sure && size <= 1000);
    raw_close(file);
    raw_close(other);
}

/* ---- closing ------------------------------------------------------------ */

TEST(S15_closing_lets_it_go_out)
{
    struct sending *s = begin_to_lose(w);

    rondo_transport_close(s->p->transport);
    assert_int_equal(test_drain_raw(w, s->other, 0), LARGE);
    assert_lost(w, s->p, NULL, 0);
    assert_int_equal(s->c->result, LARGE);
    end(s);
}

TEST(S15_write_eof_comes_behind_it)
{
    struct sending *s = begin(w);

    s->p->keep_open = true;
    assert_ok(rondo_transport_write_eof(s->p->transport));
    assert_int_equal(test_drain_raw(w, s->other, 0), LARGE);
    assert_int_equal(call_wait(w, s->c), LARGE);
    assert_int_equal(s->p->lost, 0);
    end(s);
}

TEST(S15_aborting_ends_it)
{
    struct sending *s = begin_to_lose(w);

    rondo_transport_abort(s->p->transport);
    assert_int_equal(s->c->calls, 0);
    call_fails(w, s->c, RONDO_ECANCELED, "transport_sendfile");
    assert_lost(w, s->p, NULL, RONDO_ECANCELED);
    assert_true(test_drain_raw(w, s->other, 0) < 0);
    end(s);
}

TEST(S15_aborting_with_a_reason)
{
    struct sending *s = begin_to_lose(w);

    rondo_transport_close(s->p->transport); /* closed, and then aborted */
    rondo_transport_abort_with(s->p->transport, RONDO_EPROTO);
    call_fails(w, s->c, RONDO_EPROTO, "transport_sendfile");
    assert_lost(w, s->p, NULL, RONDO_EPROTO);
    end(s);
}

static void close_in_done(struct call *c, rondo_loop *loop)
{
    struct sending *s = c->user;

    (void)loop;
    assert_einval(rondo_transport_sendfile(s->p->transport, s->file, -1, 1,
                                           call_done, c));
    rondo_transport_close(s->p->transport);
}

static void abort_in_done(struct call *c, rondo_loop *loop)
{
    struct sending *s = c->user;

    (void)loop;
    rondo_transport_abort(s->p->transport);
}

TEST(S15_ending_inside_done)
{
    for (int i = 0; i < 4; i++) {
        struct sending *s = begin_to_lose(w);

        s->c->user = s;
        s->c->then = i % 2 ? abort_in_done : close_in_done;
        if (i < 2)
            assert_ok(rondo_cancel(w->loop, s->id));
        else
            (void)test_drain_raw_some(w, s->other, 0, LARGE);
        if (i == 0) /* what the kernel has may have to be read first */
            assert_true(test_drain_raw(w, s->other, 0) >= 0);
        test_run_until(w, s->p->lost);
        assert_int_equal(s->p->error, i % 2 ? RONDO_ECANCELED : 0);
        end(s);
    }
}

TEST(L5_closing_the_loop_ends_it)
{
    struct sending *s = begin_to_lose(w);

    assert_ok(rondo_loop_close(w->loop));
    w->loop = NULL;
    assert_int_equal(s->c->result, RONDO_ECANCELED);
    assert_int_equal(s->p->lost, 1);
    end(s);
}

/* ---- the peer ----------------------------------------------------------- */

TEST(S15_the_peer_resets)
{
    struct sending *s = begin_to_lose(w);

    raw_reset(s->other);
    s->other = RONDO_NO_FD;
    call_fails(w, s->c, RONDO_ECONNRESET, "transport_sendfile");
    assert_lost(w, s->p, NULL, RONDO_ECONNRESET);
    assert_true(raw_sigpipe_untouched());
    end(s);
}

/* An orderly end first, so that the reset that follows is a broken pipe. */
TEST(S15_the_peer_leaves)
{
    for (int ignored = 0; ignored < 3; ignored++) {
        struct sending *s;

        if (ignored && !raw_sigpipe_ignore(true))
            return;
        s = begin_to_lose(w);
        if (ignored == 2) /* at first only */
            (void)raw_sigpipe_ignore(false);
        s->p->keep_open = true;
        raw_shutdown_write(s->other);
        test_run_until(w, s->p->eof);
        raw_reset(s->other);
        s->other = RONDO_NO_FD;
        call_fails(w, s->c, RONDO_ECONNRESET, "transport_sendfile");
        assert_lost(w, s->p, NULL, RONDO_ECONNRESET);
        if (ignored)
            (void)raw_sigpipe_ignore(false);
        assert_true(raw_sigpipe_untouched());
        end(s);
    }
}

/* The program does not know yet when it asks. */
static void sendfile_to_the_gone(struct world *w, void (*leave)(raw_fd fd))
{
    for (int i = 0; i < 5; i++) {
        struct peer *p = test_peer(w);
        struct call *c = call_new(w);
        raw_fd other = test_raw_peer(w, &recorder, p, 0);
        raw_fd file = call_file(LARGE);

        rondo_transport_pause_reading(p->transport);
        leave(other);
        if (rondo_transport_sendfile(p->transport, file, 0, LARGE, call_done,
                                     c) < 0)
            fail();
        call_fails(w, c, RONDO_ECONNRESET, "transport_sendfile");
        rondo_transport_resume_reading(p->transport);
        test_run_until(w, p->lost);
        assert_true(raw_sigpipe_untouched());
        raw_close(file);
    }
}

static void end_and_reset(raw_fd fd)
{
    raw_shutdown_write(fd);
    raw_reset(fd);
}

TEST(S15_the_peer_has_left_before)
{
    sendfile_to_the_gone(w, raw_reset);
    sendfile_to_the_gone(w, end_and_reset);
}

/* It resets when the first bytes come: the kernel may have taken some when it
 * finds the pipe broken. */
TEST(S15_the_peer_has_closed_before)
{
    if (!raw_sendfile_hears_resets())
        test_skip(w, "Wine's TransmitFile does not hear of a reset");
    sendfile_to_the_gone(w, raw_close);
}

TEST(S15_the_peer_leaves_after_close)
{
    struct sending *s = begin_to_lose(w);

    rondo_transport_close(s->p->transport);
    test_spin(w, 2);
    raw_reset(s->other);
    s->other = RONDO_NO_FD;
    test_run_until(w, s->p->lost);
    assert_int_equal(s->p->error, 0); /* not any more its trouble */
    assert_int_equal(s->c->result, RONDO_ECONNRESET);
    end(s);
}

TEST(S15_a_peer_that_never_reads)
{
    struct sending *s = begin_to_lose(w);

    assert_ok(rondo_transport_set_timeouts(s->p->transport, 0, RONDO_MS(30)));
    call_fails(w, s->c, RONDO_ETIMEDOUT, "transport_sendfile");
    assert_lost(w, s->p, NULL, RONDO_ETIMEDOUT);
    end(s);
}

/* ---- the program closes what it should not ------------------------------ */

TEST(S15_the_file_is_closed_in_the_middle)
{
    struct sending *s = begin(w);
    raw_fd file = s->file;
    char piece[65536];

    raw_close(file);
    s->file = call_file(0);
    raw_close(s->file); /* the number is nobody's */
    while (!s->c->calls) {
        (void)raw_recv(s->other, piece, sizeof piece, 0);
        test_spin(w, 1);
    }
    assert_true(s->c->result == RONDO_EBADF || s->c->result == LARGE);
    assert_int_equal(s->p->lost, 0); /* the connection is as well as before */
    assert_true(rondo_transport_write(s->p->transport, "x", 1) >= 0);
    raw_close(s->other);
}
