/* test_process_watch.c - each way to notice that a child has ended. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

static const char *const names[] = {"pidfd", "thread", "sigchld", "kqueue"};
enum { NAMES = sizeof names / sizeof *names };

#define NULLS proc_options(RONDO_STDIO_NULL, RONDO_STDIO_NULL, RONDO_STDIO_NULL)
#define OUTPUT                                                                 \
    proc_options(RONDO_STDIO_NULL, RONDO_STDIO_PIPE, RONDO_STDIO_NULL)

static int loop_with(struct world *w, const char *watcher, rondo_loop **loop)
{
    rondo_loop_options o = test_loop_options(w);

    o.child_watcher = watcher;
    return rondo_loop_new(loop, &o);
}

/* Runs a test with a loop of each watcher that this system has. */
static void each_watcher(struct world *w, void (*test)(struct world *w))
{
    int tried = 0;

    proc_need(w);
    if (!rondo_loop_supports(w->loop, RONDO_CAN_CHILD_WATCHER))
        test_skip(w, "the child watcher cannot be chosen here");
    test_close_loop(w);
    for (int i = 0; i < NAMES; i++) {
        if (loop_with(w, names[i], &w->loop) < 0)
            continue;
        tried++;
        test(w);
        test_close_loop(w);
        assert_true(raw_zombies() <= 0);
    }
    assert_true(tried > 0);
}

static struct proc *run(struct world *w, const char *code)
{
    rondo_process_options o = NULLS;
    struct proc *p = proc_new(w);

    proc_start(p, &o, "exit", code, NULL);
    return p;
}

/* ---- X6: choosing ------------------------------------------------------- */

TEST(X6_unknown_names)
{
    bool can = rondo_loop_supports(w->loop, RONDO_CAN_CHILD_WATCHER);
    rondo_loop *loop = w->loop;

    assert_error(loop_with(w, "no such watcher", &loop), RONDO_ENOTSUP);
    assert_null(loop);
    assert_non_null(strstr(rondo_last_error(), "no such watcher"));
    if (can)
        assert_non_null(strstr(rondo_last_error(), "thread"));
    assert_error(loop_with(w, "", &loop), RONDO_ENOTSUP);
    if (can)
        return;
    for (int i = 0; i < NAMES; i++)
        assert_error(loop_with(w, names[i], &loop), RONDO_ENOTSUP);
}

static void exits(struct world *w)
{
    struct proc *p = run(w, "17");

    proc_wait(p);
    assert_string_equal(p->order, "MEL");
    proc_check_exit(p, 17);
}

TEST_CASE(X6_each_tells_the_exit, each_watcher(w, exits));

static void dies(struct world *w)
{
    rondo_process_options o = OUTPUT;
    struct proc *p = proc_new(w);

    proc_start(p, &o, "say", "1", "x", "die", "9", NULL);
    proc_wait(p);
    proc_check_killed(p);
    assert_string_equal(p->text[1], "x");
    *p = (struct proc){.w = w};
    proc_start(p, &o, "say", "1", "x", "sleep", NULL);
    test_run_until(w, p->bytes[1] == 1);
    assert_ok(rondo_process_kill(p->process));
    proc_wait(p);
    proc_check_killed(p);
}

TEST_CASE(X6_each_tells_the_signal, each_watcher(w, dies));

static void is_dead_already(struct world *w)
{
    for (int i = 0; i < 5; i++) {
        struct proc *p = run(w, "5");

        raw_process_await(rondo_process_pid(p->process));
        proc_wait(p);
        proc_check_exit(p, 5);
    }
}

TEST_CASE(X6_each_sees_one_that_is_dead_already,
          each_watcher(w, is_dead_already));

/* It is probed: a kernel without it is told from one with it. */
TEST(X6_pidfd_is_probed)
{
    rondo_loop *loop;
    struct proc *p;

    proc_need(w);
    if (loop_with(w, "pidfd", &loop) < 0)
        test_skip(w, "this kernel has no pidfd");
    assert_ok(rondo_loop_close(loop));
    if (!raw_kernel_lacks(RAW_LACKS_PIDFD))
        test_skip(w, "the kernel cannot be made to lack it");
    assert_error(loop_with(w, "pidfd", &loop), RONDO_ENOTSUP);
    assert_non_null(strstr(rondo_last_error(), "thread"));
    p = run(w, "3"); /* the default goes on without */
    proc_wait(p);
    (void)raw_kernel_lacks(RAW_LACKS_NOTHING);
    proc_check_exit(p, 3);
}

static void leaves(struct world *w)
{
    rondo_process_options o = OUTPUT;
    struct proc *p = proc_new(w);
    size_t before = raw_count_descriptors();
    int64_t pid;

    o.leave_running = true;
    proc_start(p, &o, "say", "1", "x", "sleep", NULL);
    test_run_until(w, p->bytes[1] == 1);
    pid = rondo_process_pid(p->process);
    rondo_process_close(p->process);
    proc_wait(p);
    assert_int_equal(p->exited, 0);
    raw_process_kill(pid);
    assert_int_equal(raw_process_wait(pid), 256 + 9); /* still to be had */
    /* a thread that waited for it may need a moment to let go */
    for (int i = 0; i < 5000 && raw_count_descriptors() > before; i++)
        raw_sleep_ms(1);
    assert_int_equal(raw_count_descriptors(), before);
}

TEST_CASE(X4_each_can_let_go, each_watcher(w, leaves));

static void many(struct world *w)
{
    enum { MANY = 100 };
    struct proc *p[MANY];

    for (int i = 0; i < MANY; i++) {
        char code[8];

        (void)snprintf(code, sizeof code, "%d", i);
        p[i] = run(w, code);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        proc_wait(p[i]);
        proc_check_exit(p[i], i);
    }
}

TEST_CASE(X6_each_with_a_hundred_at_once, each_watcher(w, many));

static void closes(struct world *w)
{
    rondo_process_options o = NULLS;
    struct proc *p[10];

    for (int i = 0; i < 10; i++) {
        p[i] = proc_new(w);
        proc_start(p[i], &o, "sleep", NULL);
    }
    test_spin(w, 2);
    test_close_loop(w);
    for (int i = 0; i < 10; i++)
        proc_check_killed(p[i]);
    assert_ok(loop_with(w, NULL, &w->loop));
}

TEST_CASE(L5_each_ends_when_the_loop_closes, each_watcher(w, closes));

/* ---- X5: what the program does to its children -------------------------- */

static void beside_a_handler(struct world *w)
{
    struct proc *p;

    assert_true(raw_sigchld(RAW_SIGCHLD_OWN));
    p = run(w, "8");
    proc_wait(p);
    proc_check_exit(p, 8);
    assert_true(raw_sigchld_count() > 0);
    (void)raw_sigchld(RAW_SIGCHLD_DEFAULT);
}

TEST(X5_a_handler_of_the_programs)
{
    test_skip_if(w, !raw_has_signals(), "no signals");
    each_watcher(w, beside_a_handler);
}

static void ignored(struct world *w)
{
    struct proc *p;

    assert_true(raw_sigchld(RAW_SIGCHLD_IGNORED));
    p = run(w, "8");
    proc_wait(p);
    (void)raw_sigchld(RAW_SIGCHLD_DEFAULT);
    assert_int_equal(p->exited, 1);
    assert_false(p->status.known);
    assert_false(p->status.signaled);
    assert_int_equal(p->status.signal, 0);
    assert_int_equal(p->status.code, 0);
    assert_string_equal(p->order, "MEL");
}

TEST(X5_sigchld_ignored)
{
    test_skip_if(w, !raw_has_signals(), "no signals");
    each_watcher(w, ignored);
}

/* a child that has ended by a signal, and that the program has waited for */
static struct proc *taken_away(struct world *w)
{
    rondo_process_options o = NULLS;
    struct proc *p = proc_new(w);
    int64_t pid;

    proc_start(p, &o, "sleep", NULL);
    pid = rondo_process_pid(p->process);
    raw_process_kill(pid);
    assert_int_equal(raw_process_wait(pid), 256 + 9);
    return p;
}

static void stray_wait(struct world *w)
{
    struct proc *p = taken_away(w);

    proc_wait(p);
    assert_int_equal(p->exited, 1);
    assert_false(p->status.known);
}

TEST(X5_a_stray_wait_of_the_programs)
{
    test_skip_if(w, !raw_has_signals(), "nobody else can wait for it");
    each_watcher(w, stray_wait);
}

static void signal_after_stray_wait(struct world *w)
{
    struct proc *p = taken_away(w);

    /* the number may be anybody's now */
    assert_error(rondo_process_kill(p->process), RONDO_ESRCH);
    proc_wait(p);
    assert_false(p->status.known);
}

TEST(X4_no_signal_after_a_stray_wait)
{
    test_skip_if(w, !raw_has_signals(), "nobody else can wait for it");
    each_watcher(w, signal_after_stray_wait);
}

static void beside_others(struct world *w)
{
    int64_t others[5];
    struct proc *p[5];

    for (int i = 0; i < 5; i++) {
        others[i] = raw_process_start(30 + i);
        p[i] = run(w, "7");
    }
    for (int i = 0; i < 5; i++) {
        proc_wait(p[i]);
        proc_check_exit(p[i], 7);
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(raw_process_wait(others[i]), 30 + i);
}

TEST(X5_children_that_are_not_ours)
{
    test_skip_if(w, !raw_has_signals(), "no fork");
    if (raw_under_valgrind())
        test_skip(w, "valgrind ends forked children with its own code");
    each_watcher(w, beside_others);
}
