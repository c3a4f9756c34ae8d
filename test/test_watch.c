/* test_watch.c - rondo_watch: both sides of a descriptor by one callback. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "raw_file.h"
#include "raw_windows.h"

/* a watch, what it counts and what it does */
struct watch {
    struct world *w;
    raw_fd fd;
    unsigned calls, seen; /* seen: what the last call was told */
    void (*act)(struct watch *x);
    struct watch *victim;
};

static struct watch *watch_new(struct world *w, raw_fd fd)
{
    struct watch *x = test_alloc(w, sizeof *x);

    x->w = w;
    x->fd = fd;
    return x;
}

static void told(rondo_loop *loop, rondo_fd fd, unsigned events, void *arg)
{
    struct watch *x = arg;

    assert_ptr_equal(loop, x->w->loop);
    assert_true(fd == x->fd);
    assert_true(events != 0);
    x->calls++;
    x->seen = events;
    if (x->act)
        x->act(x);
}

static void never(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    test_fail(arg, "a reader that was refused is called");
}

static int watch_for(struct watch *x, unsigned events)
{
    return rondo_watch(x->w->loop, x->fd, events, told, x);
}

static struct watch *watched(struct world *w, raw_fd fd, unsigned events)
{
    struct watch *x = watch_new(w, fd);

    assert_int_equal(watch_for(x, events), 0);
    return x;
}

/* Ends the test as skipped where the backend refuses these events, and holds it
 * to what it says of itself. */
static struct watch *watched_if(struct world *w, raw_fd fd, unsigned events,
                                rondo_capability can)
{
    struct watch *x = watch_new(w, fd);
    int error = watch_for(x, events);

    assert_int_equal(error == 0, rondo_loop_supports(w->loop, can));
    if (error) {
        assert_int_equal(error, RONDO_ENOTSUP);
        assert_non_null(strstr(rondo_last_error(), "watch: backend"));
        assert_int_equal(test_metrics(w).live_watchers, 0);
        test_skip(w, "the backend cannot tell that event");
    }
    return x;
}

static void take_all(raw_fd fd)
{
    char piece[256];

    while (raw_recv(fd, piece, sizeof piece, 0) > 0)
        continue;
}

static void fill(raw_fd fd)
{
    static char piece[65536];

    while (raw_send(fd, piece, sizeof piece) > 0)
        continue;
}

/* ---- W6: both sides, one callback ---------------------------------------- */

TEST_LEAVES(W6_one_call_tells_both_sides)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x = watched(w, fds[0], RONDO_READABLE | RONDO_WRITABLE);

    assert_int_equal(test_metrics(w).live_watchers, 1);
    test_run_until(w, x->calls);
    assert_int_equal(x->seen, RONDO_WRITABLE);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    test_run_until(w, x->seen == (RONDO_READABLE | RONDO_WRITABLE));
    x->calls = 0;
    test_spin(w, 20);
    assert_int_equal(x->calls, 20); /* level-triggered, once an iteration */
    take_all(fds[0]);
    test_spin(w, 5);
    assert_int_equal(x->seen, RONDO_WRITABLE);
}

TEST_LEAVES(W6_what_was_not_asked_for_is_not_told)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x = watched(w, fds[0], RONDO_READABLE);

    test_spin(w, 10);
    assert_int_equal(x->calls, 0);
    assert_true(test_run_for(w, RONDO_MS(20)) < 10); /* and costs nothing */
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    test_run_until(w, x->calls);
    assert_int_equal(x->seen, RONDO_READABLE);
}

TEST_LEAVES(W6_watching_again_changes_the_events)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x = watched(w, fds[0], RONDO_READABLE);

    test_spin(w, 3);
    assert_int_equal(x->calls, 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(watch_for(x, RONDO_WRITABLE), 0);
        x->calls = 0;
        test_run_until(w, x->calls);
        assert_int_equal(x->seen, RONDO_WRITABLE);
        assert_int_equal(watch_for(x, RONDO_READABLE), 0);
        x->calls = 0;
        test_spin(w, 3);
        assert_int_equal(x->calls, 0);
    }
    assert_int_equal(test_metrics(w).live_watchers, 1);
}

static void becomes_a_reader(struct watch *x)
{
    if (x->seen & RONDO_WRITABLE)
        assert_int_equal(watch_for(x, RONDO_READABLE), 0);
}

TEST_LEAVES(W6_the_events_change_inside_the_callback)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x = watched(w, fds[0], RONDO_WRITABLE);

    x->act = becomes_a_reader;
    test_run_until(w, x->calls);
    test_spin(w, 10);
    assert_int_equal(x->calls, 1);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    test_run_until(w, x->calls == 2);
    assert_int_equal(x->seen, RONDO_READABLE);
}

/* ---- W6: the end --------------------------------------------------------- */

TEST(W6_unwatch_answers_1_or_0)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x;

    assert_int_equal(rondo_unwatch(w->loop, fds[0]), 0);
    x = watched(w, fds[0], RONDO_WRITABLE);
    assert_int_equal(rondo_unwatch(w->loop, fds[0]), 1);
    assert_int_equal(rondo_unwatch(w->loop, fds[0]), 0);
    test_spin(w, 5);
    assert_int_equal(x->calls, 0);
    assert_int_equal(test_metrics(w).live_watchers, 0);
}

static void unwatches(struct watch *x)
{
    assert_int_equal(rondo_unwatch(x->w->loop, x->victim->fd), 1);
    x->victim->victim = NULL;
    x->act = NULL;
}

TEST(W6_unwatched_inside_its_own_callback)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x = watched(w, fds[0], RONDO_WRITABLE);

    x->act = unwatches;
    x->victim = x;
    test_run_until(w, x->calls);
    test_spin(w, 5);
    assert_int_equal(x->calls, 1);
}

/* Both are ready at once: whichever comes first ends the other one. */
static void ends_the_other(struct watch *x)
{
    assert_int_equal(rondo_unwatch(x->w->loop, x->victim->fd), 1);
    assert_int_equal(rondo_unwatch(x->w->loop, x->fd), 1);
}

TEST(W6_unwatched_by_another_one_s_callback)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *a = watched(w, fds[0], RONDO_WRITABLE);
    struct watch *b = watched(w, fds[1], RONDO_WRITABLE);

    a->victim = b;
    b->victim = a;
    a->act = b->act = ends_the_other;
    test_run_until(w, a->calls + b->calls);
    test_spin(w, 5);
    assert_int_equal(a->calls + b->calls, 1);
}

TEST(W6_unwatched_closed_and_the_number_used_again)
{
    raw_fd *fds = test_sockets(w);
    struct watch *old = watched(w, fds[0], RONDO_WRITABLE);
    struct watch *newer;
    raw_fd *more;

    test_run_until(w, old->calls);
    assert_int_equal(rondo_unwatch(w->loop, fds[0]), 1);
    test_close_own(w, fds[0]);
    more = test_sockets(w);
    old->calls = 0;
    newer = watched(w, more[0], RONDO_WRITABLE);
    test_run_until(w, newer->calls);
    assert_int_equal(old->calls, 0);
    assert_int_equal(rondo_unwatch(w->loop, more[0]), 1);
}

static void closes_the_loop_later(struct watch *x)
{
    rondo_loop_stop(x->w->loop);
}

TEST_LEAVES(W6_keeps_run_going_and_ends_with_the_loop)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x = watched(w, fds[0], RONDO_WRITABLE);

    x->act = closes_the_loop_later;
    assert_int_equal(rondo_loop_run(w->loop), 1);
    test_close_loop(w);
    assert_int_equal(x->calls, 1);
}

/* ---- W6: more than the two sides ----------------------------------------- */

TEST_LEAVES(W6_a_half_close_is_told_apart_from_data)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x =
        watched_if(w, fds[0], RONDO_HALF_CLOSED, RONDO_CAN_WATCH_HALF_CLOSE);

    assert_true(raw_send_all(fds[1], "abc", 3, 1000));
    test_spin(w, 20);
    assert_true(test_run_for(w, RONDO_MS(20)) < 10); /* data does not spin */
    assert_int_equal(x->calls, 0);
    raw_shutdown_write(fds[1]);
    if (!raw_tells_end_behind_bytes())
        take_all(fds[0]);
    test_run_until(w, x->calls);
    assert_int_equal(x->seen & ~(unsigned)RONDO_HANG_UP, RONDO_HALF_CLOSED);
    x->calls = 0;
    test_spin(w, 10);
    assert_int_equal(x->calls, 10); /* level-triggered, unread data or not */
    assert_int_equal(watch_for(x, RONDO_READABLE | RONDO_HALF_CLOSED), 0);
    x->seen = 0;
    test_run_until(w, x->seen);
    assert_int_equal(x->seen & ~(unsigned)RONDO_HANG_UP,
                     RONDO_READABLE | RONDO_HALF_CLOSED);
}

TEST_LEAVES(W6_urgent_data_is_told_apart_from_data)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x =
        watched_if(w, fds[0], RONDO_PRIORITY, RONDO_CAN_WATCH_PRIORITY);

    assert_true(raw_send_all(fds[1], "abc", 3, 1000));
    test_spin(w, 10);
    assert_int_equal(x->calls, 0);
    assert_true(raw_send_urgent(fds[1]));
    test_run_until(w, x->calls);
    assert_int_equal(x->seen, RONDO_PRIORITY);
    assert_int_equal(
        watch_for(x, RONDO_PRIORITY | RONDO_READABLE | RONDO_WRITABLE), 0);
    x->seen = 0;
    test_run_until(w, x->seen & RONDO_PRIORITY && x->seen & RONDO_READABLE);
}

TEST_LEAVES(W6_no_events_tell_of_an_error_alone)
{
    raw_fd *fds = test_sockets(w);
    struct watch *x = watched_if(w, fds[0], 0, RONDO_CAN_WATCH_ERRORS);

    assert_true(raw_send_all(fds[1], "abc", 3, 1000));
    test_spin(w, 10);
    assert_int_equal(x->calls, 0);
    test_reset_own(w, fds[1]);
    fds[1] = RONDO_NO_FD;
    test_run_until(w, x->calls);
    assert_true(x->seen & RONDO_ERROR);
    assert_int_equal(x->seen & (RONDO_READABLE | RONDO_WRITABLE), 0);
}

TEST_LEAVES(W6_a_reset_is_told_to_all_who_ask)
{
    raw_fd *fds = test_sockets(w);
    struct watch *x = watched(w, fds[0], RONDO_READABLE);

    fill(fds[0]);
    test_reset_own(w, fds[1]);
    fds[1] = RONDO_NO_FD;
    test_run_until(w, x->seen & RONDO_READABLE);
    if (rondo_loop_supports(w->loop, RONDO_CAN_WATCH_ERRORS))
        assert_true(x->seen & RONDO_ERROR);
    assert_int_equal(x->seen & (RONDO_WRITABLE | RONDO_HALF_CLOSED), 0);
}

TEST_LEAVES(W6_a_pipe_whose_writer_has_left)
{
    raw_fd *ends = NULL;
    struct watch *x;

    if (!rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PIPES))
        test_skip(w, "no RONDO_CAN_WATCH_PIPES");
    ends = test_own_pipe(w);
    x = watched(w, ends[0], RONDO_READABLE);
    test_spin(w, 5);
    assert_int_equal(x->calls, 0);
    test_close_own(w, ends[1]);
    ends[1] = RONDO_NO_FD;
    test_run_until(w, x->calls);
    assert_true(x->seen & RONDO_READABLE);
}

TEST(W6_a_file_is_taken_or_refused)
{
    raw_fd file = test_own(w, raw_file());
    struct watch *x = watch_new(w, file);
    int error;

    assert_true(raw_file_resize(file, 10));
    error = watch_for(x, RONDO_READABLE);
    if (error) {
        assert_true(error == RONDO_EPERM || error == RONDO_ENOTSUP);
        assert_int_equal(test_metrics(w).live_watchers, 0);
        return;
    }
    test_run_until(w, x->calls);
    assert_int_equal(x->seen, RONDO_READABLE);
    assert_int_equal(rondo_unwatch(w->loop, file), 1);
}

/* ---- W6: many ------------------------------------------------------------ */

TEST_LEAVES(W6_each_of_many_is_told_in_each_iteration)
{
    enum { MANY = 300 }; /* more than one batch of a backend's */
    struct watch *all[MANY];
    size_t count = MANY;

    if (rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTORS) < 2 * MANY + 100)
        test_skip(w, "too few descriptors");
    for (size_t i = 0; i < count; i += 2) {
        const raw_fd *fds = test_sockets(w);

        all[i] = watched(w, fds[0], RONDO_READABLE | RONDO_WRITABLE);
        all[i + 1] = watched(w, fds[1], RONDO_WRITABLE);
        if (i % 4 == 0)
            assert_true(raw_send_all(fds[1], "x", 1, 1000));
    }
    test_spin(w, 20);
    for (size_t i = 0; i < count; i++)
        all[i]->calls = all[i]->seen = 0;
    test_spin(w, 10);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(all[i]->calls, 10);
        assert_int_equal(all[i]->seen,
                         RONDO_WRITABLE | (i % 4 == 0 ? RONDO_READABLE : 0U));
    }
}

/* ---- W6: refusals --------------------------------------------------------- */

TEST(W6_wrong_calls_are_refused)
{
    const raw_fd *fds = test_sockets(w);
    raw_fd fd = fds[0];
    struct watch *x = watch_new(w, fd);

    assert_int_equal(rondo_watch(w->loop, fd, RONDO_READABLE, NULL, x),
                     RONDO_EINVAL);
    assert_int_equal(watch_for(x, 64), RONDO_EINVAL);
    assert_int_equal(rondo_watch(NULL, fd, RONDO_READABLE, told, x),
                     RONDO_EINVAL);
    assert_int_equal(rondo_unwatch(NULL, fd), RONDO_EINVAL);
    x->fd = RONDO_NO_FD;
    assert_int_equal(watch_for(x, RONDO_READABLE), RONDO_EBADF);
    assert_int_equal(test_metrics(w).live_watchers, 0);
}

TEST(W6_readers_and_a_watch_exclude_each_other)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x = watched(w, fds[0], RONDO_READABLE);

    assert_int_equal(rondo_add_reader(w->loop, fds[0], never, w), RONDO_EBUSY);
    assert_int_equal(rondo_add_writer(w->loop, fds[0], never, w), RONDO_EBUSY);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 0);
    assert_int_equal(rondo_unwatch(w->loop, fds[0]), 1);
    assert_int_equal(rondo_add_reader(w->loop, fds[0], never, w), 0);
    assert_int_equal(watch_for(x, RONDO_READABLE), RONDO_EBUSY);
    assert_int_equal(rondo_unwatch(w->loop, fds[0]), 0);
    assert_int_equal(rondo_remove_reader(w->loop, fds[0]), 1);
    assert_int_equal(watch_for(x, RONDO_WRITABLE), 0);
    test_run_until(w, x->calls);
    assert_int_equal(rondo_unwatch(w->loop, fds[0]), 1);
}

TEST(W6_out_of_memory_leaves_nothing)
{
    const raw_fd *fds = test_sockets(w);
    struct watch *x = watch_new(w, fds[0]);

    for (uint64_t n = 1; test_nth_fails(w, n); n++) {
        int error = watch_for(x, RONDO_WRITABLE);

        if (!error) {
            test_run_until(w, x->calls);
            assert_int_equal(rondo_unwatch(w->loop, fds[0]), 1);
        } else {
            assert_int_equal(error, RONDO_ENOMEM);
        }
        x->calls = 0;
        test_spin(w, 2);
        assert_int_equal(x->calls, 0);
        assert_int_equal(test_metrics(w).live_watchers, 0);
    }
}
