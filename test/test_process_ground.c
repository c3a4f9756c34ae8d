/* test_process_ground.c - children and the ground rules: memory, threads,
 * forks. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

static rondo_process_options pipes(void)
{
    return proc_options(RONDO_STDIO_PIPE, RONDO_STDIO_PIPE, RONDO_STDIO_PIPE);
}

/* The first allocation fails, then the second, until no more does. */
TEST(G8_starting_without_memory)
{
    rondo_process_options o = pipes();
    struct proc *p = proc_new(w);
    int result = -1;
    uint64_t n;

    proc_need(w);
    for (n = 1; result < 0 && n < 100; n++) {
        size_t before = raw_count_descriptors();
        size_t blocks = test_live_blocks(w);

        *p = (struct proc){.w = w};
        test_fail_allocation(w, n);
        result = proc_try(p, &o, "copy", "0", "1", "exit", "4", NULL);
        test_fail_allocation(w, 0);
        if (result == 0)
            break;
        assert_error(result, RONDO_ENOMEM);
        assert_int_equal(raw_count_descriptors(), before);
        assert_true(raw_zombies() <= 0);
        test_spin(w, 2);
        assert_string_equal(p->order, "");
        /* tables may have grown */
        assert_true(test_live_blocks(w) <= blocks + 2);
    }
    assert_true(n > 5);
    assert_ok(rondo_transport_write(rondo_process_pipe(p->process, 0), "x", 1));
    assert_ok(rondo_transport_write_eof(rondo_process_pipe(p->process, 0)));
    proc_wait(p);
    proc_check_exit(p, 4);
    assert_string_equal(p->text[1], "x");
}

struct talk {
    unsigned calls;
    int error;
    size_t size;
};

static void done(rondo_loop *loop, void *arg, const rondo_output *output,
                 int error)
{
    struct talk *t = arg;

    (void)loop;
    t->calls++;
    t->error = error;
    t->size = output->out_size;
    assert_int_equal(((const char *)output->out)[output->out_size], 0);
}

/* Once it has started, what is missing kills it and is told. */
TEST(G8_communicating_without_memory)
{
    const char *const argv[] = {raw_child(), "flood", "1", "100000",
                                "copy",      "0",     "1", NULL};
    struct talk *t = test_alloc(w, sizeof *t);
    void *input = test_alloc(w, 100000);
    uint64_t n;

    proc_need(w);
    for (n = 1; n < 100; n++) {
        rondo_id id;

        *t = (struct talk){0};
        test_fail_allocation(w, n);
        id = rondo_communicate(w->loop, RONDO_PROCESS(.argv = argv), input,
                               100000, 0, done, t);
        if (id > 0)
            test_run_until(w, t->calls);
        else
            assert_error(id, RONDO_ENOMEM);
        test_fail_allocation(w, 0);
        test_run_loop(w);
        assert_int_equal(t->calls, id > 0 ? 1 : 0);
        if (id > 0 && t->error == 0)
            break;
        assert_true(t->error == 0 || t->error == RONDO_ENOMEM);
        assert_true(raw_zombies() <= 0);
    }
    assert_true(n > 5);
    assert_int_equal(t->size, 200000);
}

/* ---- G3: another thread -------------------------------------------------- */

struct visit {
    struct world *w;
    rondo_process *process;
    int results[6];
};

static void visit(void *arg)
{
    struct visit *v = arg;
    rondo_process_options o = pipes();

    o.program = raw_child();
    v->results[0] = rondo_process_send_signal(v->process, 15);
    v->results[1] = rondo_process_terminate(v->process);
    v->results[2] = rondo_process_kill(v->process);
    v->results[3] =
        rondo_subprocess_exec(v->w->loop, &o, &proc_recorder, NULL, NULL);
    v->results[4] = rondo_subprocess_shell(v->w->loop, "x", NULL,
                                           &proc_recorder, NULL, NULL);
    v->results[5] =
        (int)rondo_communicate(v->w->loop, &o, NULL, 0, 0, done, NULL);
    rondo_process_close(v->process); /* does nothing */
    rondo_process_set_background(v->process, true);
}

TEST(G3_only_the_loops_thread)
{
    rondo_process_options o = pipes();
    struct proc *p = proc_new(w);
    struct visit *v = test_alloc(w, sizeof *v);

    proc_need(w);
    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(100)));
    proc_start(p, &o, "drain", "0", "exit", "0", NULL);
    v->w = w;
    v->process = p->process;
    raw_thread_join(raw_thread_start(visit, v));
    for (int i = 0; i < 6; i++)
        assert_int_equal(v->results[i], RONDO_ETHREAD);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_ok(rondo_loop_set_debug(w->loop, false, 0));
    rondo_transport_close(rondo_process_pipe(p->process, 0));
    proc_wait(p);
    proc_check_exit(p, 0);
}

/* ---- L8: after a fork --------------------------------------------------- */

static struct proc *forked;

/* In the child process: its loop has the parent's children, whose ends it
 * cannot know, and which it must not kill. */
static int after_fork(void *arg)
{
    struct world *w = arg;
    struct proc *p = forked;

    if (rondo_process_kill(p->process) != RONDO_EFORKED)
        return 1;
    if (rondo_loop_after_fork(w->loop) < 0)
        return 2;
    if (rondo_process_kill(p->process) != RONDO_ESRCH)
        return 3;
    for (int i = 0; i < 100 && !p->exited; i++)
        (void)rondo_loop_run_once(w->loop, RONDO_MS(10));
    if (p->exited != 1 || p->status.known)
        return 4;
    rondo_process_close(p->process);
    for (int i = 0; i < 100 && !p->lost; i++)
        (void)rondo_loop_run_once(w->loop, RONDO_MS(10));
    if (!p->lost)
        return 5;
    if (rondo_loop_close(w->loop) < 0)
        return 6;
    return 0;
}

TEST(L8_a_child_process_does_not_have_the_parents_children)
{
    rondo_process_options o = pipes();
    int result;

    proc_need(w);
    forked = proc_new(w);
    proc_start(forked, &o, "say", "1", "here", "drain", "0", "exit", "4", NULL);
    test_run_until(w, forked->bytes[1] == 4);
    result = raw_fork_run(after_fork, w);
    test_skip_if(w, result < 0, "no fork");
    assert_int_equal(result, 0);
    /* the parent's is as before */
    test_spin(w, 3);
    assert_int_equal(forked->exited, 0);
    rondo_transport_close(rondo_process_pipe(forked->process, 0));
    proc_wait(forked);
    proc_check_exit(forked, 4);
}
