/* test_changes_life.c - how a watch of a path begins and ends. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_path.h"
#include "raw_change.h"

static void ignore_path(rondo_loop *loop, void *arg, const rondo_path_event *e)
{
    (void)loop;
    (void)arg;
    (void)e;
}

/* ---- Y6: errors --------------------------------------------------------- */

TEST(Y6_what_makes_no_sense_is_refused)
{
    rondo_loop *l = w->loop;
    static const rondo_path_options no_size = {.size = 0};

    assert_einval(rondo_watch_path(NULL, "x", NULL, ignore_path, NULL));
    assert_einval(rondo_watch_path(l, NULL, NULL, ignore_path, NULL));
    assert_einval(rondo_watch_path(l, "", NULL, ignore_path, NULL));
    assert_einval(rondo_watch_path(l, "x", NULL, NULL, NULL));
    assert_einval(rondo_watch_path(l, "x", &no_size, ignore_path, NULL));
    assert_einval(rondo_watch_path(l, "x", RONDO_PATH(.settle_ns = -1),
                                   ignore_path, NULL));
    assert_einval(rondo_watch_path(l, "x", RONDO_PATH(.interval_ns = -1),
                                   ignore_path, NULL));
    assert_refused(rondo_watch_path(l, "x", RONDO_PATH(.watcher = "none"),
                                    ignore_path, NULL),
                   RONDO_ENOTSUP, "\"poll\"");
}

TEST(Y6_what_is_not_there_ends_the_watch)
{
    struct path_log *log = path_watch_on(w, w->loop, "none", NULL);

    assert_ok(log->id);
    assert_int_equal(log->events, 0);
    test_run_until(w, log->ended);
    assert_int_equal(log->error, RONDO_ENOENT);
    assert_non_null(strstr(log->sentence, "watch_path: cannot watch \""));
    assert_non_null(strstr(log->sentence, "none"));
    assert_error(rondo_cancel(w->loop, log->id), RONDO_ENOENT);
}

TEST(Y6_a_limit_is_named)
{
    struct path_log *log;

    path_mkdir(w, "d");
    test_skip_if(w, !raw_notify_refuse(10), "no limit to reach");
    log = path_watch_on(w, w->loop, "d", NULL);
    test_run_until(w, log->ended);
    (void)raw_notify_refuse(0);
    assert_int_equal(log->begun, 0);
    assert_int_equal(log->error, RONDO_ENOSPC);
    assert_non_null(strstr(log->sentence, "cannot watch"));
}

TEST(Y6_a_limit_that_is_reached_later_ends_the_watch)
{
    struct path_log *log;

    path_mkdir(w, "d");
    log = path_watch(w, "d", RONDO_PATH(.recursive = true));
    test_skip_if(w, !raw_notify_refuse(10), "no limit to reach");
    path_mkdir(w, "d/sub");
    test_run_until(w, log->ended);
    (void)raw_notify_refuse(0);
    assert_int_equal(log->error, RONDO_ENOSPC);
}

/* More than the kernel keeps while the thread waits. */
static void overflow(struct path_log *log)
{
    struct world *w = log->w;

    assert_true(raw_notify_hold(true));
    path_mkdir(w, "d/sub");
    while (!raw_notify_held())
        raw_yield();
    for (int i = 0; i < 20000; i++) {
        path_append(w, "d/a", "x");
        path_append(w, "d/b", "x");
    }
    path_write(w, "d/late", "x");
    path_unlink(w, "d/a");
    path_rename(w, "d/r", "d/c");
    (void)raw_notify_hold(false);
}

TEST(Y6_events_that_the_system_drops_are_an_overflow)
{
    struct path_log *log;

    test_skip_if(w, !raw_notify_hold(false), "its thread cannot be held");
    path_mkdir(w, "d");
    path_write(w, "d/a", "x");
    path_write(w, "d/b", "x");
    path_write(w, "d/r", "x");
    log = path_watch_on(w, w->loop, "d",
                        RONDO_PATH(.recursive = true, .watcher = "inotify"));
    test_skip_if(w, log->id < 0, "a kqueue drops nothing");
    test_run_until(w, log->begun);
    overflow(log);
    test_run_until(w, log->overflows);
    path_sees(log, RONDO_PATH_CREATED, "d/sub");
    path_sees(log, RONDO_PATH_CREATED, "d/late");
    path_sees(log, RONDO_PATH_REMOVED, "d/a");
    path_sees(log, RONDO_PATH_RENAMED, "d/c");
    path_write(w, "d/sub/f", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/sub/f");
    path_end(log);
}

/* ---- Y7: life ----------------------------------------------------------- */

static void cancel_in(struct path_log *log, const struct path_told *t)
{
    (void)t;
    log->act = NULL;
    path_end(log);
}

static void write_some(struct path_log *log)
{
    for (int i = 0; i < 50; i++)
        path_write(log->w, test_format(log->w, "d/%d", i), "x");
}

TEST(Y7_cancelled_in_its_callback_it_tells_nothing_more)
{
    struct path_log *log;

    path_mkdir(w, "d");
    log = path_watch(w, "d", NULL);
    log->act = cancel_in;
    write_some(log);
    test_run_until(w, !log->act);
    test_run_loop(w);
    assert_int_equal(log->count, 1);
    assert_false(log->ended);
    assert_int_equal(test_metrics(w).live_paths, 0);
}

TEST(Y7_cancelled_at_any_moment)
{
    path_mkdir(w, "d");
    for (int i = 0; i < 40; i++) {
        struct path_log *log =
            path_watch_on(w, w->loop, "d", RONDO_PATH(.recursive = true));

        assert_ok(log->id);
        path_write(w, "d/a", "x");
        test_spin(w, i % 5);
        path_unlink(w, "d/a");
        path_end(log);
        test_spin(w, i % 2);
    }
    test_run_loop(w);
}

TEST(Y7_it_keeps_the_loop_running_unless_in_the_background)
{
    struct path_log *log;
    unsigned *calls = test_counter(w);

    path_mkdir(w, "d");
    log = path_watch(w, "d", NULL);
    assert_int_equal(test_metrics(w).live_paths, 1);
    assert_ok(rondo_set_background(w->loop, log->id, true));
    assert_ok(rondo_call_soon(w->loop, count_call, calls));
    test_run_loop(w);
    assert_int_equal(*calls, 1);
    assert_ok(rondo_set_background(w->loop, log->id, false));
    path_write(w, "d/a", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/a");
    path_end(log);
}

static unsigned released;

static void release(rondo_loop *loop, void *arg)
{
    struct path_log *log = arg;

    assert_ptr_equal(loop, log->loop);
    released++;
}

TEST(Y7_its_arg_is_released_unless_it_was_told_of_the_end)
{
    struct path_log *log;

    released = 0;
    path_mkdir(w, "d");
    log = path_watch(w, "d", NULL);
    assert_ok(rondo_set_release(w->loop, log->id, release));
    path_end(log);
    test_run_until(w, released);
    log = path_watch_on(w, w->loop, "none", NULL);
    assert_ok(rondo_set_release(w->loop, log->id, release));
    test_run_until(w, log->ended);
    test_run_loop(w);
    assert_int_equal(released, 1);
}

TEST_LEAVES(Y7_a_loop_that_closes_ends_it)
{
    struct path_log *log, *other;

    path_mkdir(w, "d");
    path_mkdir(w, "d/sub");
    log = path_watch(w, "d", RONDO_PATH(.recursive = true));
    other = path_watch(w, "d/sub", RONDO_PATH(.watcher = "poll"));
    path_write(w, "d/sub/a", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/sub/a");
    path_write(w, "d/sub/b", "x"); /* is told to nobody */
    test_close_loop(w);
    assert_false(log->ended || other->ended);
}

TEST_LEAVES(Y7_a_loop_that_closes_before_it_has_begun)
{
    path_mkdir(w, "d");
    for (int i = 0; i < 5; i++)
        assert_ok(path_watch_on(w, w->loop, "d", NULL)->id);
    test_close_loop(w);
}

static void play_watch(struct world *w)
{
    struct path_log *log = path_watch_on(w, w->loop, "d", NULL);

    if (log->id < 0) {
        assert_error(log->id, RONDO_ENOMEM);
        return;
    }
    test_run_until(w, log->begun);
    path_end(log);
    test_run_loop(w);
}

TEST(Y7_without_memory_there_is_no_watch)
{
    path_mkdir(w, "d");
    for (uint64_t n = 1; test_nth_fails(w, n); n++)
        play_watch(w);
}

struct fork_case {
    struct path_log *log;
    const char *file;
};

static int in_child(void *arg)
{
    const struct fork_case *x = arg;
    struct path_log *log = x->log;
    unsigned events = log->events;

    log->may_again = true;
    if (rondo_loop_after_fork(log->loop) < 0)
        return 1;
    if (!child_runs_until(log->loop, &log->begun, 2) ||
        !child_runs_until(log->loop, &log->overflows, 1))
        return 2;
    if (!raw_change_write(x->file, "w", "x"))
        return 3;
    if (!child_runs_until(log->loop, &log->events, events + 3))
        return 4;
    return rondo_loop_close(log->loop) < 0 ? 5 : 0;
}

TEST(Y7_a_forked_child_begins_again)
{
    struct fork_case x;

    test_skip_if(w, !test_child_may_start_threads(),
                 "no threads in a forked child");
    path_mkdir(w, "d");
    x.log = path_watch(w, "d", NULL);
    x.file = file_path(w, "d/child");
    test_run_child(w, in_child, &x);
    path_sees(x.log, RONDO_PATH_CREATED, "d/child");
    path_end(x.log);
}

static int only_close(void *arg)
{
    const struct fork_case *x = arg;

    if (rondo_loop_after_fork(x->log->loop) < 0)
        return 1;
    return rondo_loop_close(x->log->loop) < 0 ? 2 : 0;
}

TEST(Y7_a_forked_child_may_close_at_once)
{
    struct fork_case x;

    test_skip_if(w, !test_child_may_start_threads(),
                 "no threads in a forked child");
    path_mkdir(w, "d");
    x.log = path_watch(w, "d", NULL);
    test_run_child(w, only_close, &x);
    path_write(w, "d/a", "x");
    path_sees(x.log, RONDO_PATH_CREATED, "d/a");
    path_end(x.log);
}

TEST(Y7_a_dump_lists_it)
{
    struct path_log *log;
    char line[256] = "";

    path_mkdir(w, "d");
    log = path_watch(w, "d", RONDO_PATH(.recursive = true));
    rondo_loop_dump(w->loop, copy_line, line);
    assert_non_null(strstr(line, "and below"));
    path_end(log);
}

/* As many as there are files, not as many as there are events. */
TEST(Y7_a_million_changes_need_no_memory)
{
    struct path_log *log;
    size_t live, before;

    path_mkdir(w, "d");
    path_write(w, "d/a", "x");
    log = path_watch(w, "d", NULL);
    before = log->events;
    live = test_live_bytes(w);
    for (int i = 0; i < 1000000 / test_slowness() / 50; i++)
        path_append(w, "d/a", "x");
    path_sees(log, RONDO_PATH_CHANGED, "d/a");
    assert_true(log->events - before < 100);
    assert_true(test_live_bytes(w) <= live + 4096);
    path_end(log);
}
