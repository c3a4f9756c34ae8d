/* test_process_ground.c - children and the ground rules: memory, threads,
 * forks. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

/* The first allocation fails, then the second, until no more does. */
TEST(G8_starting_without_memory)
{
    struct proc *p = proc_begin(w, PIPES);
    uint64_t n;

    for (n = 1; test_nth_fails(w, n); n++) {
        size_t before = raw_count_descriptors();
        size_t blocks = test_live_blocks(w);
        int result = proc_try(p, "copy", "0", "1", "exit", "4", NULL);

        test_fail_allocation(w, 0);
        if (result == 0)
            break;
        assert_error(result, RONDO_ENOMEM);
        assert_int_equal(raw_count_descriptors(), before);
        assert_true(raw_zombies() <= 0);
        test_spin(w, 2);
        assert_string_equal(p->order, "");
        /* tables may have grown, and the transports of pipes are kept */
        assert_true(test_live_blocks(w) <= blocks + 5);
    }
    assert_true(n > 5);
    proc_write(p, 0, "x");
    proc_write_eof(p, 0);
    proc_says(p, 4, "x");
}

/* ---- G3: another thread -------------------------------------------------- */

struct visit {
    struct proc *p;
    int results[6];
};

static void never(rondo_loop *loop, void *arg, const rondo_output *output,
                  int error)
{
    (void)loop;
    (void)arg;
    (void)output;
    fail_msg("told of error %d", error);
}

static void visit(void *arg)
{
    struct visit *v = arg;
    rondo_process *process = v->p->process;
    rondo_loop *loop = v->p->w->loop;
    const rondo_process_options *o = RONDO_PROCESS(.program = raw_child());

    v->results[0] = rondo_process_send_signal(process, 15);
    v->results[1] = rondo_process_terminate(process);
    v->results[2] = rondo_process_kill(process);
    v->results[3] = rondo_subprocess_exec(loop, o, &proc_recorder, NULL, NULL);
    v->results[4] =
        rondo_subprocess_shell(loop, "x", NULL, &proc_recorder, NULL, NULL);
    v->results[5] = (int)rondo_communicate(loop, o, NULL, 0, 0, never, NULL);
    rondo_process_close(process); /* does nothing */
    rondo_process_set_background(process, true);
}

TEST(G3_only_the_loops_thread)
{
    struct proc *p = proc_begin(w, PIPES);
    struct visit *v = test_alloc(w, sizeof *v);

    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(100)));
    proc_start(p, "drain", "0", "exit", "0", NULL);
    v->p = p;
    raw_thread_join(raw_thread_start(visit, v));
    for (int i = 0; i < 6; i++)
        assert_int_equal(v->results[i], RONDO_ETHREAD);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_ok(rondo_loop_set_debug(w->loop, false, 0));
    proc_close_input(p);
    proc_ends(p, 0);
}

/* ---- L8: after a fork --------------------------------------------------- */

static bool runs_until(struct world *w, const unsigned *happened)
{
    for (int i = 0; i < 100 && !*happened; i++)
        (void)rondo_loop_run_once(w->loop, RONDO_MS(10));
    return *happened == 1;
}

/* In the child process: its loop has the parent's children, whose ends it
 * cannot know, and which it must not kill. */
static int after_fork(void *arg)
{
    struct proc *p = arg;
    struct world *w = p->w;

    if (rondo_process_kill(p->process) != RONDO_EFORKED)
        return 1;
    if (rondo_loop_after_fork(w->loop) < 0)
        return 2;
    if (rondo_process_kill(p->process) != RONDO_ESRCH)
        return 3;
    if (!runs_until(w, &p->exited) || p->status.known)
        return 4;
    rondo_process_close(p->process);
    if (!runs_until(w, &p->lost))
        return 5;
    return rondo_loop_close(w->loop) < 0 ? 6 : 0;
}

TEST(L8_a_child_process_does_not_have_the_parents_children)
{
    struct proc *p =
        proc_run(w, PIPES, "say", "1", "here", "drain", "0", "exit", "4", NULL);

    test_run_until(w, p->bytes[1] == 4);
    test_run_child(w, after_fork, p);
    /* the parent's is as before */
    test_spin(w, 3);
    assert_int_equal(p->exited, 0);
    proc_close_input(p);
    proc_ends(p, 4);
}
