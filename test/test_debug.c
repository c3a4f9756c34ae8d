/* test_debug.c - debug mode: slow callbacks, what was open at close. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_report.h"

/* What an exception handler was told. */
/* ---- L12: slow callbacks ------------------------------------------------ */

/* Not static, so that the dynamic linker may know their names. */
void slow_test_callback(rondo_loop *loop, void *arg);
void slow_test_reader(rondo_loop *loop, rondo_fd fd, void *arg);

static void take_long(rondo_loop *loop)
{
    int64_t end = rondo_loop_time(loop) + RONDO_MS(3);

    while (rondo_loop_time(loop) < end)
        raw_yield();
}

void slow_test_callback(rondo_loop *loop, void *arg)
{
    take_long(loop);
    ++*(unsigned *)arg;
}

void slow_test_reader(rondo_loop *loop, rondo_fd fd, void *arg)
{
    take_long(loop);
    (void)rondo_remove_reader(loop, fd);
    (void)rondo_remove_writer(loop, fd);
    ++*(unsigned *)arg;
}

/* Told once, by name or address, and how long it took. */
static void assert_slow(struct report *r, const char *name)
{
    const char *m = r->messages[0];

    assert_int_equal(r->count, 1);
    if (!strstr(m, name) && !strstr(m, "0x"))
        test_fail(r->w, "neither \"%s\" nor an address: %s", name, m);
    if (!strstr(m, " ms") && !strstr(m, " s"))
        test_fail(r->w, "no duration: %s", m);
    r->count = 0;
}

TEST(L12_slow_callbacks_and_timers_are_reported)
{
    struct report *r = report_new(w);
    unsigned *n = test_alloc(w, sizeof *n);

    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_MS(2)));
    assert_ok(rondo_call_soon(w->loop, slow_test_callback, n));
    test_run_until(w, *n == 1);
    assert_slow(r, "slow_test_callback");
    assert_ok(rondo_call_later(w->loop, 0, slow_test_callback, n));
    test_run_until(w, *n == 2);
    assert_slow(r, "slow_test_callback");
    assert_ok(rondo_call_soon_threadsafe(w->loop, slow_test_callback, n));
    test_run_until(w, *n == 3);
    assert_slow(r, "slow_test_callback");
}

TEST(L12_slow_watchers_are_reported)
{
    struct report *r = report_new(w);
    unsigned *n = test_alloc(w, sizeof *n);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_MS(2)));
    assert_ok(rondo_add_writer(w->loop, fds[0], slow_test_reader, n));
    test_run_until(w, *n == 1);
    assert_slow(r, "slow_test_reader");
    raw_close_pair(fds);
}

TEST(L12_quick_callbacks_are_not_reported)
{
    struct report *r = report_new(w);
    unsigned *n = test_alloc(w, sizeof *n);

    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(1000)));
    assert_ok(rondo_call_soon(w->loop, count_call, n));
    assert_ok(rondo_call_soon(w->loop, slow_test_callback, n));
    test_run_until(w, *n == 2);
    assert_int_equal(r->count, 0);
}

TEST(L12_debug_is_settable_at_run_time)
{
    struct report *r = report_new(w);
    unsigned *n = test_alloc(w, sizeof *n);

    assert_ok(rondo_loop_set_debug(w->loop, false, RONDO_MS(2)));
    assert_ok(rondo_call_soon(w->loop, slow_test_callback, n));
    test_run_until(w, *n == 1);
    assert_int_equal(r->count, 0);
    assert_ok(rondo_loop_set_debug(w->loop, true, 0)); /* 0: as before */
    assert_ok(rondo_call_soon(w->loop, slow_test_callback, n));
    test_run_until(w, *n == 2);
    assert_slow(r, "slow_test_callback");
    assert_ok(rondo_loop_set_debug(w->loop, false, 0));
    assert_ok(rondo_call_soon(w->loop, slow_test_callback, n));
    test_run_until(w, *n == 3);
    assert_int_equal(r->count, 0);
}

/* Is a loop with these options in debug mode? */
static bool reports(struct world *w, int debug)
{
    rondo_loop_options options = test_loop_options(w);
    struct report *r;
    rondo_loop *before = w->loop;
    unsigned *n = test_alloc(w, sizeof *n);

    options.debug = debug;
    options.slow_callback_ns = RONDO_MS(2);
    assert_ok(rondo_loop_new(&w->loop, &options));
    r = report_new(w);
    assert_ok(rondo_call_soon(w->loop, slow_test_callback, n));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(*n, 1);
    assert_ok(rondo_loop_close(w->loop));
    w->loop = before;
    return r->count > 0;
}

TEST(L12_option_and_environment)
{
    raw_set_environment("RONDO_DEBUG", NULL);
    assert_false(reports(w, 0));
    assert_true(reports(w, 1));
    raw_set_environment("RONDO_DEBUG", "1");
    assert_true(reports(w, 0));
    assert_true(reports(w, 1));
    assert_false(reports(w, -1));
    raw_set_environment("RONDO_DEBUG", "0");
    assert_false(reports(w, 0));
    raw_set_environment("RONDO_DEBUG", NULL);
}

/* ---- L12: what was open at close ---------------------------------------- */

static struct report *close_with_all_open(struct world *w, bool debug)
{
    struct report *r = report_new(w);
    struct listener *l = test_serve(w);
    struct peer *c = test_connect(w, l->port);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_run_until(w, c->made && l->first && l->first->made);
    assert_ok(rondo_add_reader(w->loop, fds[0], ignore_fd, w));
    (void)test_connect(w, l->port);
    assert_ok(rondo_loop_set_debug(w->loop, debug, RONDO_SEC(1000)));
    test_close_loop(w);
    raw_close_pair(fds);
    return r;
}

TEST(L12_close_lists_what_was_open)
{
    struct report *r = close_with_all_open(w, true);

    assert_int_equal(r->count, 5);
    assert_true(report_has(r, "transport"));
    assert_true(report_has(r, "server"));
    assert_true(report_has(r, "watcher"));
    assert_true(report_has(r, "connect "));
}

TEST_CASE(L12_close_lists_nothing_without_debug,
          assert_int_equal(close_with_all_open(w, false)->count, 0));

TEST(L12_close_lists_nothing_where_nothing_is_open)
{
    struct report *r = report_new(w);

    assert_ok(rondo_loop_set_debug(w->loop, true, 0));
    test_close_loop(w);
    assert_int_equal(r->count, 0);
}

/* The handler hears of each; meanwhile it removes what is watched. */
static raw_fd watched[20];

static void remove_the_watched(rondo_loop *loop, void *arg,
                               const rondo_exception *what)
{
    (void)what;
    ++*(unsigned *)arg;
    for (int i = 0; i < 20; i++)
        (void)rondo_remove_reader(loop, watched[i]);
}

TEST(L11_a_handler_may_end_what_is_being_listed)
{
    unsigned *n = test_alloc(w, sizeof *n);

    for (int i = 0; i < 20; i += 2) {
        assert_int_equal(raw_pair(&watched[i]), 0);
        for (int j = i; j < i + 2; j++)
            assert_ok(rondo_add_reader(w->loop, watched[j], ignore_fd, w));
    }
    test_spin(w, 2);
    assert_ok(rondo_loop_set_debug(w->loop, true, 0));
    assert_ok(rondo_loop_set_exception_handler(w->loop, remove_the_watched, n));
    test_close_loop(w);
    assert_in_range(*n, 1, 20);
    for (int i = 0; i < 20; i++)
        raw_close(watched[i]);
}
