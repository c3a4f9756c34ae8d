/* test_pump_fork.c - pumps on both sides of a fork. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"
#include "harness_pump.h"
#include "raw_pipe.h"

enum { PIECE = 65536 };

/* A pump from a to b that is full: nobody reads at the other end of b. */
struct full {
    struct world *w;
    struct peer *a, *b;
    struct pumping *p;
    unsigned char *bytes; /* room for a piece */
    uint64_t sent, got;
    int left; /* descriptors of the child; -1: as many as it has */
};

static struct full *full_new(struct world *w)
{
    struct full *f = test_alloc(w, sizeof *f);
    int idle = 0;

    f->w = w;
    f->a = plain_peer(w, &recorder, 4096);
    f->b = plain_peer(w, &recorder, 4096);
    f->p = pump(w, f->a, f->b, -1, 0);
    f->bytes = test_alloc(w, PIECE);
    while (idle < 50) {
        ptrdiff_t n;

        test_fill(f->bytes, f->sent, PIECE);
        n = raw_send(f->a->fd, f->bytes, PIECE);
        idle = n > 0 ? 0 : idle + 1;
        f->sent += n > 0 ? (uint64_t)n : 0;
        test_spin(w, 1);
    }
    assert_int_equal(f->p->done, 0);
    return f;
}

/* What has come is the next part of the pattern. false: it is not. */
static bool full_take(struct full *f)
{
    ptrdiff_t n = raw_recv(f->b->fd, f->bytes, PIECE, 0);

    if (n <= 0)
        return n == RAW_AGAIN;
    if (!test_matches(f->bytes, f->got, (size_t)n))
        return false;
    f->got += (uint64_t)n;
    return true;
}

static int take_all(struct full *f)
{
    int64_t end = raw_now_ns() + RONDO_SEC(20) * test_slowness();

    while (f->got < f->sent) {
        if (!full_take(f))
            return 10;
        if (rondo_loop_run_once(f->w->loop, 0) < 0 || raw_now_ns() > end)
            return 11;
    }
    return 0;
}

/* ---- J6 ----------------------------------------------------------------- */

static int takes_over(void *arg)
{
    struct full *f = arg;

    if (rondo_loop_after_fork(f->w->loop) < 0)
        return 1;
    return take_all(f);
}

/* The parent's pump then has its own copy, and is done with it. */
TEST_LEAVES(J6_a_child_takes_over_all_that_waits)
{
    struct full *f = full_new(w);

    test_run_child(w, takes_over, f);
    raw_shutdown_write(f->a->fd);
    while (!f->p->done) {
        (void)raw_recv(f->b->fd, f->bytes, PIECE, 0);
        test_run_until(w, f->p->done || raw_recv(f->b->fd, f->bytes, 1, 0) > 0);
    }
    assert_int_equal(f->p->error, 0);
    pump_close_both(f->a, f->b);
}

static int aborts(void *arg)
{
    struct full *f = arg;

    if (rondo_loop_after_fork(f->w->loop) < 0)
        return 1;
    rondo_transport_abort(f->a->transport);
    rondo_transport_abort(f->b->transport);
    if (!child_runs_until(f->w->loop, &f->b->lost, 1))
        return 4;
    if (!child_runs_until(f->w->loop, &f->p->done, 1) ||
        f->p->error != f->b->error)
        return 2;
    return rondo_loop_close(f->w->loop) < 0 ? 3 : 0;
}

TEST_LEAVES(J6_a_child_aborts_and_the_parent_goes_on)
{
    struct full *f = full_new(w);

    test_run_child(w, aborts, f);
    assert_int_equal(take_all(f), 0);
    raw_shutdown_write(f->a->fd);
    pump_ends(w, f->p, f->sent, 0);
    pump_close_both(f->a, f->b);
}

static int closes(void *arg)
{
    struct full *f = arg;

    if (rondo_loop_after_fork(f->w->loop) < 0)
        return 1;
    return rondo_loop_close(f->w->loop) < 0 ? 2 : 0;
}

TEST_LEAVES(J6_a_child_closes_its_loop)
{
    struct full *f = full_new(w);

    test_run_child(w, closes, f);
    assert_int_equal(take_all(f), 0);
    pump_close_both(f->a, f->b);
    pump_ends(w, f->p, f->sent, RONDO_ECLOSED);
}

/* As if the parent had gone on meanwhile. */
static int is_late(void *arg)
{
    struct full *f = arg;

    if (!raw_take_from_pipes(1000))
        return 77;
    if (rondo_loop_after_fork(f->w->loop) < 0)
        return 1;
    if (!child_runs_until(f->w->loop, &f->p->done, 1) ||
        f->p->error != RONDO_EFORKED)
        return 2;
    if (!child_runs_until(f->w->loop, &f->b->lost, 1) ||
        f->b->error != RONDO_EFORKED || f->a->lost)
        return 3;
    return rondo_loop_close(f->w->loop) < 0 ? 4 : 0;
}

TEST_LEAVES(J6_what_is_gone_is_not_left_out_in_silence)
{
    struct full *f = full_new(w);
    int status = raw_fork_run(is_late, f);

    test_skip_if(w, status == -1, "no fork on this platform");
    test_skip_if(w, status == 77, "nothing is in a pipe");
    assert_int_equal(status, 0);
    pump_close_both(f->a, f->b);
}

/* The child has so many descriptors more. */
static bool leave_descriptors(const struct full *f, unsigned left)
{
    raw_fd last[64];
    unsigned count = 0;

    if (raw_set_descriptor_limit(256) < 0)
        return false;
    for (;;) {
        raw_fd fd = raw_duplicate(f->a->fd);

        if (fd == RONDO_NO_FD)
            break;
        last[count++ % COUNT_OF(last)] = fd;
    }
    for (unsigned i = 0; i < left && i < count; i++)
        raw_close(last[(count - 1 - i) % COUNT_OF(last)]);
    return true;
}

/* Without a pipe the bytes go through the process. */
static int sends_more(void *arg)
{
    struct full *f = arg;
    int error;

    if (f->left >= 0 && !leave_descriptors(f, (unsigned)f->left))
        return 77;
    error = rondo_loop_after_fork(f->w->loop);
    if (error == RONDO_EMFILE)
        return 76;
    if (error < 0)
        return 1;
    test_fill(f->bytes, 0, 3000);
    if (raw_send(f->a->fd, f->bytes, 3000) != 3000)
        return 2;
    f->sent = 3000;
    return take_all(f);
}

static struct full *empty_new(struct world *w)
{
    struct full *f = test_alloc(w, sizeof *f);

    f->w = w;
    f->left = -1;
    f->a = plain_peer(w, &recorder, 0);
    f->b = plain_peer(w, &recorder, 0);
    f->p = pump(w, f->a, f->b, -1, 0);
    f->bytes = test_alloc(w, PIECE);
    return f;
}

TEST_LEAVES(J6_an_empty_pump_goes_on_in_both)
{
    struct full *f = empty_new(w);

    test_run_child(w, sends_more, f);
    plain_send_pattern(f->a, 0, 5000);
    plain_takes(f->b, 0, 5000);
    raw_shutdown_write(f->a->fd);
    pump_ends(w, f->p, 5000, 0);
    pump_close_both(f->a, f->b);
}

TEST_LEAVES(J6_an_empty_pump_needs_no_pipe)
{
    struct full *f = empty_new(w);
    unsigned went_on = 0;

    for (f->left = 0; f->left < 12; f->left++) {
        int status = raw_fork_run(sends_more, f);

        test_skip_if(w, status == -1, "no fork on this platform");
        assert_true(status == 0 || status == 76); /* none for the loop */
        went_on += status == 0;
    }
    assert_true(went_on > 0);
    pump_close_both(f->a, f->b);
}

static int lacks_descriptors(void *arg)
{
    struct full *f = arg;
    int64_t end = raw_now_ns() + RONDO_MS(test_patience_ms());
    int error;

    if (!leave_descriptors(f, (unsigned)f->left))
        return 77;
    error = rondo_loop_after_fork(f->w->loop);
    if (error)
        return error == RONDO_EMFILE ? 76 : 1;
    while (f->got < f->sent && !f->p->done)
        if (!full_take(f) || rondo_loop_run_once(f->w->loop, 0) < 0 ||
            raw_now_ns() > end)
            return 2;
    return f->p->done && f->p->error != RONDO_EFORKED ? 3 : 0;
}

/* All arrives, or it is told that it cannot. */
TEST_LEAVES(J6_a_full_pump_without_descriptors)
{
    struct full *f = full_new(w);

    for (f->left = 0; f->left < 12; f->left++) {
        int status = raw_fork_run(lacks_descriptors, f);

        test_skip_if(w, status == -1, "no fork on this platform");
        assert_true(status == 0 || status == 76);
        if (status == 0)
            break; /* the next child finds less */
    }
    assert_true(f->left < 12);
    pump_close_both(f->a, f->b);
}
