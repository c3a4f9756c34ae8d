/* test_watchers_gone.c - watched descriptors that are closed and used again. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

struct seen {
    struct world *w;
    unsigned calls, reports;
    int error; /* the last report's */
    void (*act)(struct seen *s);
    raw_fd fds[6];
    struct seen *other;
};

static struct seen *seen_new(struct world *w)
{
    struct seen *s = test_alloc(w, sizeof *s);

    s->w = w;
    return s;
}

static void ready(rondo_loop *loop, rondo_fd fd, void *arg)
{
    struct seen *s = arg;

    (void)loop;
    (void)fd;
    s->calls++;
    if (s->act)
        s->act(s);
}

static void reported(rondo_loop *loop, void *arg, const rondo_exception *what)
{
    struct seen *s = arg;

    (void)loop;
    s->reports++;
    s->error = what->error;
    assert_non_null(what->message);
}

/* ---- W1: a side that is gone -------------------------------------------- */

/* Readable, but only its writer is left, and there is no room to write. */
TEST(W1_a_removed_side_costs_no_time)
{
    static char piece[65536];
    struct seen *r = seen_new(w);
    struct seen *wr = seen_new(w);
    raw_fd fds[2];
    unsigned before;

    assert_int_equal(raw_pair_small(fds, 4096), 0);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    assert_ok(rondo_add_reader(w->loop, fds[0], ready, r));
    assert_ok(rondo_add_writer(w->loop, fds[0], ready, wr));
    test_run_until(w, r->calls && wr->calls);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    for (int i = 0; i < 5; i++) { /* acknowledgements may make room again */
        while (raw_send(fds[0], piece, sizeof piece) > 0)
            continue;
        (void)test_run_for(w, RONDO_MS(2));
    }
    r->calls = 0;
    before = wr->calls;
    assert_true(test_run_for(w, RONDO_MS(50)) < 50);
    assert_int_equal(r->calls, 0);
    assert_true(wr->calls - before < 50);
    assert_int_equal(rondo_remove_writer(w->loop, fds[0]), 1);
    raw_close_pair(fds);
}

/* ---- W3: removed, closed, used again ------------------------------------ */

/* two sockets, both readable */
static void make_readable(struct seen *s, int at)
{
    assert_int_equal(raw_pair(&s->fds[at]), 0);
    assert_true(raw_send_all(s->fds[at + 1], "x", 1, 1000));
}

/* the other one's descriptor becomes another file, not ready, at once */
static void reuse_the_others(struct seen *s)
{
    raw_fd number = s->other->fds[0];
    raw_fd fds[2];

    if (s->other->calls || s->fds[4])
        return;
    assert_int_equal(rondo_remove_reader(s->w->loop, number), 1);
    raw_close(number);
    assert_int_equal(raw_pair(fds), 0);
    s->fds[5] = fds[1];
    s->fds[4] = fds[0] == number ? number : raw_move_fd(fds[0], number);
    assert_true(s->fds[4] == number);
    if (s->fds[2]) /* watched again, as a new thing */
        assert_ok(rondo_add_reader(s->w->loop, number, ready, s->other));
}

static void check_reuse(struct world *w, bool add_again)
{
    struct seen *s[2] = {seen_new(w), seen_new(w)};
    const struct seen *first;

    for (int i = 0; i < 2; i++) {
        s[i]->other = s[!i];
        s[i]->act = reuse_the_others;
        s[i]->fds[2] = add_again;
        make_readable(s[i], 0);
        assert_ok(rondo_add_reader(w->loop, s[i]->fds[0], ready, s[i]));
    }
    test_run_until(w, s[0]->calls + s[1]->calls > 0);
    test_spin(w, 5);
    assert_true(s[0]->calls == 0 || s[1]->calls == 0);
    first = s[0]->fds[4] ? s[0] : s[1]; /* whose callback came */
    first->other->act = NULL;
    assert_true(raw_send_all(first->fds[5], "y", 1, 1000));
    test_spin(w, 5);
    if (add_again)
        test_run_until(w, first->other->calls > 0);
    assert_int_equal(first->other->calls > 0, add_again);
    for (int i = 0; i < 2; i++) {
        (void)rondo_remove_reader(w->loop, s[i]->fds[0]);
        raw_close(s[i]->fds[1]);
    }
    raw_close(first->fds[5]);
    raw_close(s[0]->fds[0]);
    raw_close(s[1]->fds[0]);
    assert_int_equal(test_metrics(w).live_watchers, 0);
}

TEST_CASE(W3_removed_closed_reused_is_never_called, check_reuse(w, false));

TEST_CASE(W3_removed_closed_reused_and_watched_again, check_reuse(w, true));

TEST(W3_outside_of_callbacks_too)
{
    struct seen *old = seen_new(w);
    struct seen *newer = seen_new(w);
    raw_fd fds[2];

    make_readable(old, 0);
    assert_ok(rondo_add_reader(w->loop, old->fds[0], ready, old));
    test_run_until(w, old->calls);
    assert_int_equal(rondo_remove_reader(w->loop, old->fds[0]), 1);
    raw_close(old->fds[0]);
    old->calls = 0;
    assert_int_equal(raw_pair(fds), 0);
    if (fds[0] != old->fds[0])
        fds[0] = raw_move_fd(fds[0], old->fds[0]);
    assert_ok(rondo_add_reader(w->loop, fds[0], ready, newer));
    test_spin(w, 5);
    assert_int_equal(old->calls + newer->calls, 0);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    test_run_until(w, newer->calls);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    raw_close_pair(fds);
    raw_close(old->fds[1]);
}

/* ---- W3: closed without removing ---------------------------------------- */

/* Whether the backend names all descriptors to the kernel at each wait, and so
 * finds out about closed ones (it has no descriptor of its own to embed by), or
 * a kernel that watches nothing but sockets tells of one that is closed. */
static bool finds_closed_ones(struct world *w)
{
    return !rondo_loop_supports(w->loop, RONDO_CAN_EMBED) ||
           !rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES);
}

/* What a completion port had heard before the close is still told. */
static void check_calls(const struct seen *s, unsigned before, unsigned sides)
{
    assert_in_range(s->calls, before, before + sides);
}

static void check_closed(struct world *w, bool readable)
{
    struct seen *s = seen_new(w);
    int added = 0;
    unsigned calls;

    assert_ok(rondo_loop_set_exception_handler(w->loop, reported, s));
    make_readable(s, 0);
    added += rondo_add_reader(w->loop, s->fds[0], ready, s);
    if (!readable)
        added += rondo_add_writer(w->loop, s->fds[0], ready, s);
    assert_int_equal(added, 0);
    test_spin(w, 3);
    raw_close(s->fds[0]);
    calls = s->calls;
    assert_true(test_run_for(w, RONDO_MS(20)) < 20); /* no spinning */
    check_calls(s, calls, readable ? 1 : 2);
    if (finds_closed_ones(w)) {
        assert_int_equal(s->reports, 1);
        assert_int_equal(s->error, RONDO_EBADF);
        assert_int_equal(test_metrics(w).live_watchers, 0);
        assert_int_equal(rondo_remove_reader(w->loop, s->fds[0]), 0);
    } else {
        assert_int_equal(rondo_remove_reader(w->loop, s->fds[0]), 1);
    }
    (void)rondo_remove_writer(w->loop, s->fds[0]);
    assert_int_equal(test_metrics(w).live_watchers, 0);
    raw_close(s->fds[1]);
}

TEST_CASE(W3_closed_without_removing_is_dropped, check_closed(w, true));

TEST_CASE(W3_closed_reader_and_writer_is_reported_once, check_closed(w, false));

static void close_own(struct seen *s)
{
    raw_close(s->fds[0]);
    s->act = NULL;
}

TEST(W3_closed_in_its_own_callback)
{
    struct seen *s = seen_new(w);

    assert_ok(rondo_loop_set_exception_handler(w->loop, reported, s));
    make_readable(s, 0);
    s->act = close_own;
    assert_ok(rondo_add_reader(w->loop, s->fds[0], ready, s));
    test_run_until(w, s->calls);
    assert_true(test_run_for(w, RONDO_MS(20)) < 20);
    assert_int_equal(s->calls, 1);
    assert_int_equal(s->reports, finds_closed_ones(w));
    (void)rondo_remove_reader(w->loop, s->fds[0]);
    raw_close(s->fds[1]);
}

/* The number is used again before the loop could notice; adding it again
 * must watch what it is now. */
TEST(W3_closed_and_reused_without_removing)
{
    struct seen *old = seen_new(w);
    struct seen *newer = seen_new(w);
    raw_fd fds[2];

    assert_ok(rondo_loop_set_exception_handler(w->loop, reported, old));
    make_readable(old, 0);
    assert_ok(rondo_add_reader(w->loop, old->fds[0], ready, old));
    test_run_until(w, old->calls);
    assert_int_equal(raw_pair(fds), 0);
    fds[0] = raw_move_fd(fds[0], old->fds[0]); /* closes the old one */
    test_spin(w, 5);
    assert_ok(rondo_add_reader(w->loop, fds[0], ready, newer));
    old->calls = 0;
    test_spin(w, 3);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    test_run_until(w, newer->calls >= 2);
    assert_int_equal(old->calls, 0);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    raw_close_pair(fds);
    raw_close(old->fds[1]);
}

TEST(W3_a_duplicate_lives_on)
{
    struct seen *s = seen_new(w);
    raw_fd copy;

    make_readable(s, 0);
    copy = raw_duplicate(s->fds[0]);
    assert_ok(rondo_add_reader(w->loop, s->fds[0], ready, s));
    test_run_until(w, s->calls);
    assert_int_equal(rondo_remove_reader(w->loop, s->fds[0]), 1);
    raw_close(s->fds[0]);
    s->calls = 0;
    assert_true(test_run_for(w, RONDO_MS(10)) < 10);
    assert_int_equal(s->calls, 0);
    raw_close(copy);
    raw_close(s->fds[1]);
}

TEST(W3_loop_closes_with_closed_descriptors)
{
    struct seen *s = seen_new(w);

    assert_ok(rondo_loop_set_exception_handler(w->loop, reported, s));
    make_readable(s, 0);
    make_readable(s, 2);
    assert_ok(rondo_add_reader(w->loop, s->fds[0], ready, s));
    assert_ok(rondo_add_writer(w->loop, s->fds[2], ready, s));
    test_spin(w, 1);
    raw_close(s->fds[0]);
    raw_close(s->fds[2]);
    test_close_loop(w);
    raw_close(s->fds[1]);
    raw_close(s->fds[3]);
}
