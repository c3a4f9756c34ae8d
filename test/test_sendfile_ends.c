/* test_sendfile_ends.c - files through transports that are cancelled, closed,
 * reset, or otherwise stopped in the middle; what is refused. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "raw_net.h"

enum { LARGE = 1 << 20, SMALL_BUFFERS = 16384, IN_KERNEL = 1 << 18 };

struct sending {
    struct peer *p;
    struct call *c;
    raw_fd file;
};

/* done comes before connection_lost */
static void told_before_lost(struct peer *p)
{
    struct sending *s = p->user;

    assert_int_equal(s->c->calls, 1);
}

/* A large file is on its way, and nobody reads. */
static struct sending *begin(struct world *w)
{
    struct sending *s = test_alloc(w, sizeof *s);

    s->p = plain_peer(w, &recorder, SMALL_BUFFERS);
    s->file = call_kept_file(w, LARGE);
    s->c = call_sendfile(s->p, s->file, 0, LARGE);
    s->c->user = s->p->user = s;
    s->p->on_lost = told_before_lost;
    test_spin(w, 3);
    assert_int_equal(s->c->calls, 0);
    return s;
}

/* ---- cancelling --------------------------------------------------------- */

/* What left is a beginning of the file; what is written then comes behind. */
TEST_LEAVES(S15_cancelled_in_the_middle)
{
    struct sending *s = begin(w);
    int64_t position, size;

    assert_ok(rondo_cancel(w->loop, s->c->id));
    assert_error(rondo_transport_write(s->p->transport, "x", 1), RONDO_EBUSY);
    call_fails(w, s->c, RONDO_ECANCELED, "transport_sendfile");
    assert_int_equal(rondo_cancel(w->loop, s->c->id), RONDO_ENOENT);
    position = raw_file_position(s->file);
    assert_true(rondo_transport_write(s->p->transport, "the end.", 8) >= 0);
    size = (int64_t)call_beginning(w, s->p->fd);
    assert_true(size < LARGE);
    /* the kernel may have had some more */
    assert_true(position <= size && size <= position + IN_KERNEL);
    assert_string_equal(s->p->order, "M");
}

TEST_LEAVES(S15_cancelled_behind_the_buffer)
{
    struct peer *p = plain_peer(w, &recorder, SMALL_BUFFERS);
    raw_fd file = call_kept_file(w, 1000);
    uint64_t size = test_fill_transport(w, p);
    struct call *c = call_sendfile(p, file, 0, 1000);

    assert_ok(rondo_cancel(w->loop, c->id));
    call_fails(w, c, RONDO_ECANCELED, "transport_sendfile");
    assert_int_equal(raw_file_position(file), 0);
    plain_takes(p, 0, size);
    assert_ok(rondo_transport_write(p->transport, "x", 1));
    test_spin(w, 3);
    plain_hears(p, "x");
}

/* It has happened: the result is told all the same. */
TEST_LEAVES(S15_cancelled_when_it_is_out)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    raw_fd file = call_kept_file(w, 100);
    char piece[200];
    ptrdiff_t n, size = 0, sure = 0;

    for (int i = 0; i < 10; i++) {
        struct call *c = call_sendfile(p, file, 0, 100);

        test_spin(w, i % 2);
        (void)rondo_cancel(w->loop, c->id);
        test_run_until(w, c->calls);
        assert_true(c->result == RONDO_ECANCELED || c->result == 100);
        sure += c->result == 100;
    }
    rondo_transport_close(p->transport);
    do {
        test_run_until(w, (n = raw_recv(p->fd, piece, sizeof piece, 0)) !=
                              RAW_AGAIN);
        size += n;
    } while (n > 0);
    assert_int_equal(n, 0);
    /* of those that were cancelled all has left, or nothing */
    assert_int_equal(size % 100, 0);
    assert_true(size >= 100 * sure && size <= 1000);
}

/* ---- the transport ends ------------------------------------------------- */

TEST(S15_closing_lets_it_go_out)
{
    struct sending *s = begin(w);

    peer_finish(s->p, LARGE);
    assert_int_equal(s->c->result, LARGE);
}

TEST_LEAVES(S15_write_eof_comes_behind_it)
{
    struct sending *s = begin(w);

    s->p->keep_open = true;
    act_write_eof(s->p);
    assert_int_equal(plain_drain(s->p), LARGE);
    assert_int_equal(call_wait(w, s->c), LARGE);
    assert_int_equal(s->p->lost, 0);
}

static void close_and_abort_with_eproto(struct peer *p)
{
    rondo_transport_close(p->transport);
    rondo_transport_abort_with(p->transport, RONDO_EPROTO);
}

/* An orderly end first, so that the reset that follows is a broken pipe. */
static void leave(struct peer *p)
{
    p->keep_open = true;
    raw_shutdown_write(p->fd);
    test_run_until(p->w, p->eof);
    plain_reset(p);
}

static void close_and_be_reset(struct peer *p)
{
    rondo_transport_close(p->transport);
    test_spin(p->w, 2);
    plain_reset(p);
}

static void time_out(struct peer *p)
{
    peer_set_timeouts(p, 0, RONDO_MS(30));
}

TEST(S15_an_end_ends_it)
{
    static const struct {
        const char *name;
        void (*end)(struct peer *p);
        int error;
        enum { CAUGHT, IGNORED, IGNORED_AT_FIRST } sigpipe;
    } rows[] = {
        {"abort", act_abort, RONDO_ECANCELED, CAUGHT},
        {"close, then abort with a reason", close_and_abort_with_eproto,
         RONDO_EPROTO, CAUGHT},
        {"the peer resets", plain_reset, RONDO_ECONNRESET, CAUGHT},
        {"after close", close_and_be_reset, RONDO_ECONNRESET, CAUGHT},
        {"the peer leaves", leave, RONDO_ECONNRESET, CAUGHT},
        {"SIGPIPE is ignored", leave, RONDO_ECONNRESET, IGNORED},
        {"at first", leave, RONDO_ECONNRESET, IGNORED_AT_FIRST},
        {"the peer never reads", time_out, RONDO_ETIMEDOUT, CAUGHT},
    };

    for (EACH_ROW(w, row, rows)) {
        /* after close it is not any more the transport's trouble */
        int lost = row->end == close_and_be_reset ? 0 : row->error;
        struct sending *s;

        if (row->sigpipe != CAUGHT && !raw_sigpipe_ignore(true))
            continue;
        s = begin(w);
        if (row->sigpipe == IGNORED_AT_FIRST)
            (void)raw_sigpipe_ignore(false);
        row->end(s->p);
        assert_int_equal(s->c->calls, 0); /* not inside the call */
        call_fails(w, s->c, row->error, "transport_sendfile");
        assert_lost(w, s->p, NULL, lost);
        if (row->sigpipe == IGNORED)
            (void)raw_sigpipe_ignore(false);
        assert_true(raw_sigpipe_untouched());
        if (s->p->fd != RONDO_NO_FD)
            assert_true(plain_drain(s->p) < 0);
    }
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
        struct sending *s = begin(w);

        s->c->then = i % 2 ? abort_in_done : close_in_done;
        if (i < 2)
            assert_ok(rondo_cancel(w->loop, s->c->id));
        else
            plain_takes(s->p, 0, LARGE);
        if (i == 0) /* what the kernel has may have to be read first */
            assert_true(plain_drain(s->p) >= 0);
        assert_lost(w, s->p, NULL, i % 2 ? RONDO_ECANCELED : 0);
    }
}

TEST(L5_closing_the_loop_ends_it)
{
    struct sending *s = begin(w);

    test_close_loop(w);
    assert_int_equal(s->c->result, RONDO_ECANCELED);
    assert_int_equal(s->p->lost, 1);
}

/* The program does not know yet that the peer has gone when it asks. */
static void sendfile_to_the_gone(struct world *w, void (*go)(struct peer *p))
{
    for (int i = 0; i < 5; i++) {
        struct peer *p = plain_peer(w, &recorder, 0);
        struct call *c;

        act_pause(p);
        go(p);
        c = call_sendfile(p, call_kept_file(w, LARGE), 0, LARGE);
        call_fails(w, c, RONDO_ECONNRESET, "transport_sendfile");
        (void)rondo_transport_resume_reading(p->transport);
        test_run_until(w, p->lost);
        assert_true(raw_sigpipe_untouched());
    }
}

static void end_and_reset(struct peer *p)
{
    raw_shutdown_write(p->fd);
    plain_reset(p);
}

TEST(S15_the_peer_has_left_before)
{
    sendfile_to_the_gone(w, plain_reset);
    sendfile_to_the_gone(w, end_and_reset);
}

/* It resets when the first bytes come: the kernel may have taken some when it
 * finds the pipe broken. */
TEST(S15_the_peer_has_closed_before)
{
    test_skip_if(w, !raw_sendfile_hears_resets(),
                 "Wine's TransmitFile does not hear of a reset");
    sendfile_to_the_gone(w, plain_close);
}

/* ---- the program closes what it should not ------------------------------ */

TEST_LEAVES(S15_the_file_is_closed_in_the_middle)
{
    struct sending *s = begin(w);
    char piece[65536];

    test_close_own(w, s->file);
    raw_close(call_file(0)); /* the number is nobody's */
    while (!s->c->calls) {
        (void)raw_recv(s->p->fd, piece, sizeof piece, 0);
        test_spin(w, 1);
    }
    assert_true(s->c->result == RONDO_EBADF || s->c->result == LARGE);
    assert_int_equal(s->p->lost, 0); /* the connection is as well as before */
    assert_true(rondo_transport_write(s->p->transport, "x", 1) >= 0);
}

/* ---- S15: what is refused ----------------------------------------------- */

static void refused(struct peer *p, raw_fd file, int64_t offset, int64_t size,
                    int error, const char *words)
{
    struct call *c = call_new(p->w);

    assert_refused(rondo_transport_sendfile(p->transport, file, offset, size,
                                            call_done, c),
                   error, words);
    test_spin(p->w, 2);
    assert_int_equal(c->calls, 0);
}

TEST_LEAVES(S15_what_cannot_be_sent)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    raw_fd file = call_kept_file(w, 100), directory = raw_directory(),
           write_only = raw_file_write_only();

    refused(p, file, -1, 10, RONDO_EINVAL, "negative offset");
    refused(p, file, 0, -1, RONDO_EINVAL, "negative size");
    refused(p, file, INT64_MIN, INT64_MIN, RONDO_EINVAL, "negative");
    refused(p, p->fd, 0, 10, RONDO_EINVAL, "is not a file");
    refused(p, RONDO_NO_FD, 0, 10, RONDO_EBADF, "not open");
    refused(p, raw_dead_fd(), 0, 10, RONDO_EBADF, "not open");
    if (directory != RONDO_NO_FD)
        refused(p, test_own(w, directory), 0, 10, RONDO_EINVAL,
                "is not a file");
    if (write_only != RONDO_NO_FD)
        refused(p, test_own(w, write_only), 0, 10, RONDO_EBADF,
                "not open for reading");
    assert_einval(
        rondo_transport_sendfile(p->transport, file, 0, 1, NULL, NULL));
    assert_einval(rondo_transport_sendfile(NULL, file, 0, 1, call_done, NULL));
    /* and nothing of it has stayed */
    assert_ok(rondo_transport_write(p->transport, "x", 1));
}

TEST_LEAVES(S15_after_the_end)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    raw_fd file = call_kept_file(w, 100);
    struct call *c = call_new(w);

    p->keep_open = true;
    act_write_eof(p);
    refused(p, file, 0, 10, RONDO_EPIPE, "after write_eof");
    act_pause(p);
    rondo_transport_close(p->transport);
    assert_error(
        rondo_transport_sendfile(p->transport, file, 0, 10, call_done, c),
        RONDO_ECLOSED);
}

static int64_t try_sendfile(void *arg)
{
    struct sending *s = arg;

    return rondo_transport_sendfile(s->p->transport, s->file, 0, 100, call_done,
                                    s->c);
}

TEST_LEAVES(S15_out_of_memory)
{
    struct sending s = {plain_peer(w, &recorder, 0), call_new(w),
                        call_kept_file(w, 100)};

    (void)test_try_without_memory(w, try_sendfile, &s);
    assert_int_equal(call_wait(w, s.c), 100);
}

TEST_LEAVES(S15_nothing_is_allocated_for_each)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    raw_fd file = call_kept_file(w, 100);
    uint64_t before = 0;

    for (int i = 0; i < 200; i++) {
        if (i == 5)
            before = test_allocations(w);
        call_sends(p, file, 0, 100);
    }
    /* what a thread reads is written, through the buffer where it must */
    assert_true(test_allocations(w) - before < 10);
}
