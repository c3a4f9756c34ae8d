/* test_process_watch.c - each way to notice that a child has ended. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

static const char *const names[] = {"pidfd", "thread", "sigchld", "kqueue"};

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
    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_CHILD_WATCHER),
                 "the child watcher cannot be chosen here");
    test_close_loop(w);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (loop_with(w, names[i], &w->loop) < 0)
            continue;
        tried++;
        test(w);
        test_close_loop(w);
        assert_true(raw_zombies() <= 0);
    }
    assert_true(tried > 0);
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
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_error(loop_with(w, names[i], &loop), RONDO_ENOTSUP);
}

static void exits(struct world *w)
{
    struct proc *p = proc_run(w, NULLS, "exit", "17", NULL);

    proc_ends(p, 17);
    assert_string_equal(p->order, "MEL");
}

TEST_CASE(X6_each_tells_the_exit, each_watcher(w, exits));

static void dies(struct world *w)
{
    struct proc *p = proc_run(w, OUTPUT, "say", "1", "x", "die", "9", NULL);

    proc_ends_killed(p);
    assert_string_equal(p->text[1], "x");
    proc_start(p, "say", "1", "x", "sleep", NULL);
    test_run_until(w, p->bytes[1] == 1);
    assert_ok(rondo_process_kill(p->process));
    proc_ends_killed(p);
}

TEST_CASE(X6_each_tells_the_signal, each_watcher(w, dies));

static void is_dead_already(struct world *w)
{
    for (int i = 0; i < 5; i++) {
        struct proc *p = proc_run(w, NULLS, "exit", "5", NULL);

        raw_process_await(rondo_process_pid(p->process));
        proc_ends(p, 5);
    }
}

TEST_CASE(X6_each_sees_one_that_is_dead_already,
          each_watcher(w, is_dead_already));

/* It is probed: a kernel without it is told from one with it. */
TEST(X6_pidfd_is_probed)
{
    rondo_loop *loop;

    proc_need(w);
    test_skip_if(w, loop_with(w, "pidfd", &loop) < 0,
                 "this kernel has no pidfd");
    assert_ok(rondo_loop_close(loop));
    test_skip_if(w, !raw_kernel_lacks(RAW_LACKS_PIDFD),
                 "the kernel cannot be made to lack it");
    assert_error(loop_with(w, "pidfd", &loop), RONDO_ENOTSUP);
    assert_non_null(strstr(rondo_last_error(), "thread"));
    /* the default goes on without */
    proc_ends(proc_run(w, NULLS, "exit", "3", NULL), 3);
    (void)raw_kernel_lacks(RAW_LACKS_NOTHING);
}

static void leaves(struct world *w)
{
    struct proc *p = proc_begin(w, OUTPUT);
    size_t before = raw_count_descriptors();
    int64_t pid;

    p->o.leave_running = true;
    proc_start(p, "say", "1", "x", "sleep", NULL);
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
        char code[12];

        (void)snprintf(code, sizeof code, "%d", i);
        p[i] = proc_run(w, NULLS, "exit", code, NULL);
    }
    for (uint32_t i = 0; i < MANY; i++)
        proc_ends(p[i], i);
}

TEST_CASE(X6_each_with_a_hundred_at_once, each_watcher(w, many));

static void closes(struct world *w)
{
    struct proc *p[10];

    for (int i = 0; i < 10; i++)
        p[i] = proc_run(w, NULLS, "sleep", NULL);
    test_spin(w, 2);
    test_close_loop(w);
    for (int i = 0; i < 10; i++)
        proc_check_killed(p[i]);
}

TEST_CASE(L5_each_ends_when_the_loop_closes, each_watcher(w, closes));

/* ---- X5: what the program does to its children -------------------------- */

static void beside_a_handler(struct world *w)
{
    assert_true(raw_sigchld(RAW_SIGCHLD_OWN));
    proc_ends(proc_run(w, NULLS, "exit", "8", NULL), 8);
    assert_true(raw_sigchld_count() > 0);
    (void)raw_sigchld(RAW_SIGCHLD_DEFAULT);
}

TEST_CASE(X5_a_handler_of_the_programs, each_watcher(w, beside_a_handler));

static void check_unknown(struct proc *p)
{
    proc_wait(p);
    assert_int_equal(p->exited, 1);
    assert_false(p->status.known);
    assert_false(p->status.signaled);
    assert_int_equal(p->status.signal, 0);
    assert_int_equal(p->status.code, 0);
    assert_string_equal(p->order, "MEL");
}

static void ignored(struct world *w)
{
    assert_true(raw_sigchld(RAW_SIGCHLD_IGNORED));
    check_unknown(proc_run(w, NULLS, "exit", "8", NULL));
    (void)raw_sigchld(RAW_SIGCHLD_DEFAULT);
}

TEST_CASE(X5_sigchld_ignored, each_watcher(w, ignored));

/* a child that has ended by a signal, and that the program has waited for */
static struct proc *taken_away(struct world *w)
{
    struct proc *p = proc_run(w, NULLS, "sleep", NULL);
    int64_t pid = rondo_process_pid(p->process);

    raw_process_kill(pid);
    assert_int_equal(raw_process_wait(pid), 256 + 9);
    return p;
}

static void stray_wait(struct world *w)
{
    check_unknown(taken_away(w));
}

TEST_CASE(X5_a_stray_wait_of_the_programs, each_watcher(w, stray_wait));

static void signal_after_stray_wait(struct world *w)
{
    struct proc *p = taken_away(w);

    /* the number may be anybody's now */
    assert_error(rondo_process_kill(p->process), RONDO_ESRCH);
    check_unknown(p);
}

TEST_CASE(X4_no_signal_after_a_stray_wait,
          each_watcher(w, signal_after_stray_wait));

static void beside_others(struct world *w)
{
    int64_t others[5];
    struct proc *p[5];

    for (int i = 0; i < 5; i++) {
        others[i] = raw_process_start(30 + i);
        p[i] = proc_run(w, NULLS, "exit", "7", NULL);
    }
    for (int i = 0; i < 5; i++)
        proc_ends(p[i], 7);
    for (int i = 0; i < 5; i++)
        assert_int_equal(raw_process_wait(others[i]), 30 + i);
}

TEST(X5_children_that_are_not_ours)
{
    test_skip_if(w, raw_under_valgrind(),
                 "valgrind ends forked children with its own code");
    each_watcher(w, beside_others);
}
