/* test_debug.c - debug mode: slow callbacks, what was open at close. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_report.h"
#include "raw_net.h"

/* ---- L12: slow callbacks ------------------------------------------------ */

/* Not static, so that the dynamic linker may know their names. */
void slow_test_callback(rondo_loop *loop, void *arg);
void slow_test_reader(rondo_loop *loop, rondo_fd fd, void *arg);

void slow_test_callback(rondo_loop *loop, void *arg)
{
    test_busy(loop, RONDO_MS(3));
    ++*(unsigned *)arg;
}

void slow_test_reader(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)rondo_remove_writer(loop, fd);
    (void)rondo_remove_reader(loop, fd);
    slow_test_callback(loop, arg);
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

/* Callbacks, timers, posts and watchers. */
TEST(L12_slow_callbacks_are_reported)
{
    struct report *r = report_new(w);
    unsigned *n = test_counter(w);
    raw_fd *fds = test_sockets(w), fd = fds[0];

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
    assert_ok(rondo_add_writer(w->loop, fd, slow_test_reader, n));
    test_run_until(w, *n == 4);
    assert_slow(r, "slow_test_reader");
    assert_ok(rondo_add_reader(w->loop, fd, slow_test_reader, n));
    assert_int_equal(raw_write(fds[1], "x", 1), 1);
    test_run_until(w, *n == 5);
    assert_slow(r, "slow_test_reader");
}

TEST(L12_debug_is_settable_at_run_time)
{
    static const struct {
        const char *name;
        bool debug;
        int64_t slow_ns;
        bool told;
    } rows[] = {{"off", false, RONDO_MS(2), false},
                {"on, 0 is as before", true, 0, true},
                {"off again", false, 0, false},
                {"quick for that limit", true, RONDO_SEC(1000), false}};
    struct report *r = report_new(w);

    for (EACH_ROW(w, row, rows)) {
        unsigned *n = test_counter(w);

        assert_ok(rondo_loop_set_debug(w->loop, row->debug, row->slow_ns));
        assert_ok(rondo_call_soon(w->loop, count_call, n));
        assert_ok(rondo_call_soon(w->loop, slow_test_callback, n));
        test_run_until(w, *n == 2);
        if (row->told)
            assert_slow(r, "slow_test_callback");
        assert_int_equal(r->count, 0);
    }
}

TEST(L12_option_and_environment)
{
    static const struct {
        const char *name, *environment;
        int option;
        bool debug;
    } rows[] = {
        {"neither", NULL, 0, false},    {"option", NULL, 1, true},
        {"environment", "1", 0, true},  {"both", "1", 1, true},
        {"option off", "1", -1, false}, {"environment off", "0", 0, false}};

    for (EACH_ROW(w, row, rows)) {
        rondo_loop_options options = test_loop_options(w);
        const struct report *r;
        unsigned *n = test_counter(w);

        raw_set_environment("RONDO_DEBUG", row->environment);
        options.debug = row->option;
        options.slow_callback_ns = RONDO_MS(2);
        assert_ok(rondo_loop_new(&w->other, &options));
        r = report_on(w, w->other);
        assert_ok(rondo_call_soon(w->other, slow_test_callback, n));
        assert_int_equal(rondo_loop_run(w->other), 0);
        assert_int_equal(*n, 1);
        test_close_other(w);
        assert_int_equal(r->count > 0, row->debug);
    }
    raw_set_environment("RONDO_DEBUG", NULL);
}

/* ---- L12: what was open at close ---------------------------------------- */

static struct report *close_with_all_open(struct world *w, bool debug)
{
    struct report *r = report_new(w);
    struct listener *l = test_serve(w);
    raw_fd fd = test_sockets(w)[0];

    (void)test_client(w, l);
    assert_ok(rondo_add_reader(w->loop, fd, ignore_fd, w));
    (void)test_connect(w, l->port);
    assert_ok(rondo_loop_set_debug(w->loop, debug, RONDO_SEC(1000)));
    test_close_loop(w);
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

TEST(L12_close_lists_nothing_without_debug_or_anything_open)
{
    const struct report *r;

    assert_int_equal(close_with_all_open(w, false)->count, 0);
    r = report_on(w, test_other_loop(w));
    assert_ok(rondo_loop_set_debug(w->other, true, 0));
    test_close_other(w);
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
    unsigned *n = test_counter(w);

    for (int i = 0; i < 20; i++) {
        watched[i] = test_sockets(w)[0];
        assert_ok(rondo_add_reader(w->loop, watched[i], ignore_fd, w));
    }
    test_spin(w, 2);
    assert_ok(rondo_loop_set_debug(w->loop, true, 0));
    assert_ok(rondo_loop_set_exception_handler(w->loop, remove_the_watched, n));
    test_close_loop(w);
    assert_in_range(*n, 1, 20);
}
