/* test_debug.c - debug mode: slow callbacks, what was open at close. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* What an exception handler was told. */
struct report {
    struct world *w;
    unsigned count;
    char messages[64][256];
};

static void on_exception(rondo_loop *loop, void *arg,
                         const rondo_exception *what)
{
    struct report *r = arg;

    assert_ptr_equal(loop, r->w->loop);
    assert_true(what->size >= sizeof *what);
    assert_non_null(what->message);
    if (r->count < 64)
        (void)snprintf(r->messages[r->count], sizeof r->messages[0], "%s",
                       what->message);
    r->count++;
}

static struct report *report_new(struct world *w)
{
    struct report *r = test_alloc(w, sizeof *r);

    r->w = w;
    assert_ok(rondo_loop_set_exception_handler(w->loop, on_exception, r));
    return r;
}

static bool was_told(const struct report *r, const char *part)
{
    for (unsigned i = 0; i < r->count && i < 64; i++)
        if (strstr(r->messages[i], part))
            return true;
    return false;
}

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
    raw_close(fds[0]);
    raw_close(fds[1]);
}

static void quick(rondo_loop *loop, void *arg)
{
    (void)loop;
    ++*(unsigned *)arg;
}

TEST(L12_quick_callbacks_are_not_reported)
{
    struct report *r = report_new(w);
    unsigned *n = test_alloc(w, sizeof *n);

    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(1000)));
    assert_ok(rondo_call_soon(w->loop, quick, n));
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
    struct report *r = test_alloc(w, sizeof *r);
    rondo_loop *before = w->loop;
    unsigned *n = test_alloc(w, sizeof *n);

    options.debug = debug;
    options.slow_callback_ns = RONDO_MS(2);
    assert_ok(rondo_loop_new(&w->loop, &options));
    r->w = w;
    assert_ok(rondo_loop_set_exception_handler(w->loop, on_exception, r));
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

static void never_fd(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    (void)arg;
}

static struct report *close_with_all_open(struct world *w, bool debug)
{
    struct report *r = report_new(w);
    struct listener *l = test_serve(w);
    struct peer *c = test_connect(w, l->port);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    test_run_until(w, c->made && l->first && l->first->made);
    assert_ok(rondo_add_reader(w->loop, fds[0], never_fd, w));
    (void)test_connect(w, l->port);
    assert_ok(rondo_loop_set_debug(w->loop, debug, RONDO_SEC(1000)));
    test_close_loop(w);
    raw_close(fds[0]);
    raw_close(fds[1]);
    return r;
}

TEST(L12_close_lists_what_was_open)
{
    struct report *r = close_with_all_open(w, true);

    assert_int_equal(r->count, 5);
    assert_true(was_told(r, "transport"));
    assert_true(was_told(r, "server"));
    assert_true(was_told(r, "watcher"));
    assert_true(was_told(r, "connect "));
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
            assert_ok(rondo_add_reader(w->loop, watched[j], never_fd, w));
    }
    test_spin(w, 2);
    assert_ok(rondo_loop_set_debug(w->loop, true, 0));
    assert_ok(rondo_loop_set_exception_handler(w->loop, remove_the_watched, n));
    test_close_loop(w);
    assert_in_range(*n, 1, 20);
    for (int i = 0; i < 20; i++)
        raw_close(watched[i]);
}
