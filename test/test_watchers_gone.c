/* test_watchers_gone.c - watched descriptors that are closed and used again. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_report.h"

struct seen {
    struct world *w;
    unsigned calls;
    void (*act)(struct seen *s);
    raw_fd *fds;    /* a pair, the first readable and watched */
    raw_fd used[2]; /* instead of the other's, once its callback has come */
    bool add_again;
    struct seen *other;
};

static void ready(rondo_loop *loop, rondo_fd fd, void *arg)
{
    struct seen *s = arg;

    (void)loop;
    (void)fd;
    s->calls++;
    if (s->act)
        s->act(s);
}

/* ---- W1: a side that is gone -------------------------------------------- */

/* Readable, but only its writer is left, and there is no room to write. */
TEST(W1_a_removed_side_costs_no_time)
{
    static char piece[65536];
    unsigned *r = test_counter(w), *wr = test_counter(w), before;
    raw_fd fds[2];

    assert_int_equal(raw_pair_small(fds, 4096), 0);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    assert_ok(rondo_add_reader(w->loop, fds[0], count_fd, r));
    assert_ok(rondo_add_writer(w->loop, fds[0], count_fd, wr));
    test_run_until(w, *r && *wr);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    for (int i = 0; i < 5; i++) { /* acknowledgements may make room again */
        while (raw_send(fds[0], piece, sizeof piece) > 0)
            continue;
        (void)test_run_for(w, RONDO_MS(2));
    }
    *r = 0;
    before = *wr;
    assert_true(test_run_for(w, RONDO_MS(50)) < 50);
    assert_int_equal(*r, 0);
    assert_true(*wr - before < 50);
    assert_int_equal(rondo_remove_writer(w->loop, fds[0]), 1);
    raw_close_pair(fds);
}

/* ---- W3: removed, closed, used again ------------------------------------ */

/* Two sockets, the first readable. */
static struct seen *seen_new(struct world *w)
{
    struct seen *s = test_alloc(w, sizeof *s);

    s->w = w;
    s->used[0] = s->used[1] = RONDO_NO_FD;
    s->fds = test_sockets(w);
    assert_true(raw_send_all(s->fds[1], "x", 1, 1000));
    return s;
}

/* The same, and the first is watched. */
static struct seen *seen_watched(struct world *w)
{
    struct seen *s = seen_new(w);

    assert_ok(rondo_add_reader(w->loop, s->fds[0], ready, s));
    return s;
}

/* From now on that number is the first of another pair, which is not ready. */
static void use_again(raw_fd number, raw_fd used[2])
{
    assert_int_equal(raw_pair(used), 0);
    if (used[0] != number)
        used[0] = raw_move_fd(used[0], number);
    assert_true(used[0] == number);
}

static void reuse_the_others(struct seen *s)
{
    raw_fd number = s->other->fds[0];

    if (s->other->calls || s->used[0] != RONDO_NO_FD)
        return;
    assert_int_equal(rondo_remove_reader(s->w->loop, number), 1);
    raw_close(number);
    use_again(number, s->used);
    if (s->add_again) /* watched again, as a new thing */
        assert_ok(rondo_add_reader(s->w->loop, number, ready, s->other));
}

static void check_reuse(struct world *w, bool add_again)
{
    struct seen *s[2] = {seen_watched(w), seen_watched(w)};
    const struct seen *first;

    for (int i = 0; i < 2; i++) {
        s[i]->other = s[!i];
        s[i]->act = reuse_the_others;
        s[i]->add_again = add_again;
    }
    test_run_until(w, s[0]->calls + s[1]->calls > 0);
    test_spin(w, 5);
    assert_true(s[0]->calls == 0 || s[1]->calls == 0);
    first = s[0]->used[0] != RONDO_NO_FD ? s[0] : s[1]; /* who was called */
    first->other->act = NULL;
    assert_true(raw_send_all(first->used[1], "y", 1, 1000));
    test_spin(w, 5);
    if (add_again)
        test_run_until(w, first->other->calls > 0);
    assert_int_equal(first->other->calls > 0, add_again);
    for (int i = 0; i < 2; i++)
        (void)rondo_remove_reader(w->loop, s[i]->fds[0]);
    raw_close(first->used[1]);
    assert_int_equal(test_metrics(w).live_watchers, 0);
}

TEST_CASE(W3_removed_closed_reused_is_never_called, check_reuse(w, false));
TEST_CASE(W3_removed_closed_reused_and_watched_again, check_reuse(w, true));

/* Removed and closed, or closed by the move, so that the loop cannot notice:
 * adding the number again watches what it is now. */
static void check_reuse_outside(struct world *w, bool removed)
{
    struct seen *old = seen_watched(w);
    struct seen *newer = seen_new(w);
    raw_fd number = old->fds[0];

    (void)report_new(w);
    test_run_until(w, old->calls);
    if (removed) {
        assert_int_equal(rondo_remove_reader(w->loop, number), 1);
        raw_close(number);
    }
    use_again(number, newer->used);
    test_spin(w, removed ? 0 : 5);
    assert_ok(rondo_add_reader(w->loop, number, ready, newer));
    old->calls = 0;
    test_spin(w, 5);
    assert_int_equal(old->calls + newer->calls, 0);
    assert_true(raw_send_all(newer->used[1], "x", 1, 1000));
    test_run_until(w, newer->calls >= 2);
    assert_int_equal(old->calls, 0);
    assert_int_equal(rondo_remove_reader(w->loop, number), 1);
    raw_close(newer->used[1]);
}

TEST_CASE(W3_outside_of_callbacks_too, check_reuse_outside(w, true));
TEST_CASE(W3_closed_and_reused_without_removing, check_reuse_outside(w, false));

/* ---- W3: closed without removing ---------------------------------------- */

/* Whether the backend names all descriptors to the kernel at each wait, and so
 * finds out about closed ones (it has no descriptor of its own to embed by), or
 * a kernel that watches nothing but sockets tells of one that is closed. */
static bool finds_closed_ones(struct world *w)
{
    return !rondo_loop_supports(w->loop, RONDO_CAN_EMBED_FD) ||
           !rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES);
}

static void check_closed(struct world *w, bool writer_too)
{
    struct seen *s = seen_watched(w);
    struct report *r = report_new(w);
    unsigned calls, sides = 1 + writer_too;

    if (writer_too)
        assert_ok(rondo_add_writer(w->loop, s->fds[0], ready, s));
    test_spin(w, 3);
    raw_close(s->fds[0]);
    calls = s->calls;
    assert_true(test_run_for(w, RONDO_MS(20)) < 20); /* no spinning */
    /* what a completion port had heard before the close is still told */
    assert_in_range(s->calls, calls, calls + sides);
    if (finds_closed_ones(w)) {
        assert_int_equal(r->count, 1);
        assert_int_equal(r->error, RONDO_EBADF);
        assert_int_equal(test_metrics(w).live_watchers, 0);
        assert_int_equal(rondo_remove_reader(w->loop, s->fds[0]), 0);
    } else {
        assert_int_equal(rondo_remove_reader(w->loop, s->fds[0]), 1);
    }
    (void)rondo_remove_writer(w->loop, s->fds[0]);
    assert_int_equal(test_metrics(w).live_watchers, 0);
    s->fds[0] = RONDO_NO_FD;
}

TEST_CASE(W3_closed_without_removing_is_dropped, check_closed(w, false));
TEST_CASE(W3_closed_reader_and_writer_is_reported_once, check_closed(w, true));

static void close_own(struct seen *s)
{
    raw_close(s->fds[0]);
    s->act = NULL;
}

TEST(W3_closed_in_its_own_callback)
{
    struct report *r = report_new(w);
    struct seen *s = seen_watched(w);

    s->act = close_own;
    test_run_until(w, s->calls);
    assert_true(test_run_for(w, RONDO_MS(20)) < 20);
    assert_int_equal(s->calls, 1);
    assert_int_equal(r->count, finds_closed_ones(w));
    (void)rondo_remove_reader(w->loop, s->fds[0]);
    s->fds[0] = RONDO_NO_FD;
}

TEST(W3_a_duplicate_lives_on)
{
    struct seen *s = seen_watched(w);

    (void)test_own(w, raw_duplicate(s->fds[0]));
    test_run_until(w, s->calls);
    assert_int_equal(rondo_remove_reader(w->loop, s->fds[0]), 1);
    raw_close(s->fds[0]);
    s->fds[0] = RONDO_NO_FD;
    s->calls = 0;
    assert_true(test_run_for(w, RONDO_MS(10)) < 10);
    assert_int_equal(s->calls, 0);
}

TEST(W3_loop_closes_with_closed_descriptors)
{
    struct seen *r = seen_watched(w);
    struct seen *wr = seen_new(w);

    (void)report_new(w);
    assert_ok(rondo_add_writer(w->loop, wr->fds[0], ready, wr));
    test_spin(w, 1);
    raw_close(r->fds[0]);
    raw_close(wr->fds[0]);
    r->fds[0] = wr->fds[0] = RONDO_NO_FD;
    test_close_loop(w);
}
