/* test_process_console.c - children on a pseudo console of Windows. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_process.h"

static struct proc *begin(struct world *w, enum proc_stdio stdio)
{
    struct proc *p = proc_begin(w, stdio);

    test_skip_if(w,
                 raw_has_signals() ||
                     !rondo_loop_supports(w->loop, RONDO_CAN_TERMINALS),
                 "no pseudo consoles here");
    return p;
}

/* A child whose descriptors 0 to 2 are one console. */
static struct proc *on_console(struct world *w)
{
    struct proc *p = begin(w, NULLS);

    p->o.stdin_kind = RONDO_STDIO_TERMINAL;
    p->o.stdout_kind = RONDO_STDIO_TERMINAL;
    p->o.stderr_kind = RONDO_STDIO_TERMINAL;
    return p;
}

static void await_text(struct proc *p, const char *text)
{
    test_run_until(p->w, strstr(p->text[1], text));
}

/* What it shows comes among sequences that move the cursor. */
TEST(X10_a_console_of_its_own)
{
    struct proc *p = on_console(w);

    proc_start(p, "terminal", "1", "exit", "5", NULL);
    proc_ends(p, 5);
    assert_non_null(strstr(p->text[1], "1 is a terminal 80x24"));
    assert_int_equal(p->pipes_lost[1], 1);
    assert_int_equal(p->pipes_lost[0] + p->pipes_lost[2], 0);
    assert_int_equal(p->pipe_error[1], 0);
}

TEST(X10_a_console_of_another_size)
{
    struct proc *p = on_console(w);

    p->o.columns = 100;
    p->o.rows = 30;
    proc_start(p, "terminal", "1", "exit", "0", NULL);
    proc_ends(p, 0);
    assert_non_null(strstr(p->text[1], "1 is a terminal 100x30"));
}

TEST(X10_a_console_too_large)
{
    struct proc *p = on_console(w);

    p->o.columns = 40000; /* COORD counts up to 32767 */
    assert_error(proc_try(p, "exit", "0", NULL), RONDO_EINVAL);
}

/* Both ways by one transport, over two pipes. */
TEST(X10_a_console_both_ways)
{
    struct proc *p = on_console(w);

    proc_start(p, "say", "1", "ready", "copy", "0", "1", NULL);
    assert_non_null(proc_pipe(p, 0));
    assert_ptr_equal(proc_pipe(p, 0), proc_pipe(p, 1));
    assert_ptr_equal(proc_pipe(p, 0), proc_pipe(p, 2));
    await_text(p, "ready");
    assert_false(rondo_transport_can_write_eof(proc_pipe(p, 0)));
    assert_error(rondo_transport_write_eof(proc_pipe(p, 0)), RONDO_ENOTSUP);
    proc_write(p, 0, "a line\r");
    await_text(p, "a line"); /* the echo */
    test_run_until(w, strstr(strstr(p->text[1], "a line") + 1, "a line"));
    rondo_process_close(p->process);
    proc_wait(p);
}

TEST(X10_a_console_byte_by_byte)
{
    struct proc *p = on_console(w);
    const char *text = "slow\r";

    proc_start(p, "say", "1", "ready", "copy", "0", "1", NULL);
    await_text(p, "ready");
    for (size_t i = 0; i < strlen(text); i++)
        assert_ok(rondo_transport_write(proc_pipe(p, 0), text + i, 1));
    await_text(p, "slow");
    rondo_process_close(p->process);
    proc_wait(p);
}

/* Wine can set no size later. */
TEST(X10_a_console_s_new_size)
{
    struct proc *p = on_console(w);
    int error;

    proc_start(p, "say", "1", "ready", "sleep", NULL);
    await_text(p, "ready");
    error = rondo_process_set_window_size(p->process, 120, 40);
    if (error)
        assert_error(error, RONDO_ENOTSUP);
    assert_error(rondo_process_set_window_size(p->process, 0, 40),
                 RONDO_EINVAL);
    assert_error(rondo_process_set_window_size(p->process, 40000, 40),
                 RONDO_EINVAL);
    assert_ok(rondo_process_kill(p->process));
    test_run_until(w, p->exited);
    if (p->process)
        assert_error(rondo_process_set_window_size(p->process, 80, 24),
                     RONDO_ECLOSED);
    proc_wait(p);
}

/* Closing our end hangs up: Windows ends what the console has. */
TEST(X10_a_console_that_hangs_up)
{
    struct proc *p = on_console(w);

    proc_start(p, "say", "1", "ready", "sleep", NULL);
    await_text(p, "ready");
    rondo_transport_close(proc_pipe(p, 0));
    test_run_until(w, p->pipes_lost[1]);
    assert_error(rondo_process_set_window_size(p->process, 80, 24),
                 RONDO_ECLOSED);
    proc_wait(p);
    assert_true(p->status.known);
}

TEST(X10_a_console_closed_in_the_callback)
{
    proc_closes_in_data(on_console(w));
}

TEST(X10_a_console_killed_with_the_loop)
{
    proc_ends_with_loop(on_console(w));
}

/* Its output is not read, and its end is told all the same. */
TEST(X10_a_console_that_nobody_reads)
{
    struct proc *p = on_console(w);

    proc_start(p, "exit", "3", NULL);
    rondo_transport_pause_reading(proc_pipe(p, 1));
    test_run_until(w, p->exited);
    assert_int_equal(p->status.code, 3);
    rondo_process_close(p->process);
    proc_wait(p);
}

/* The other descriptors are what they are. */
TEST(X10_a_console_for_the_errors_alone)
{
    struct proc *p = begin(w, OUTPUT);

    p->o.stderr_kind = RONDO_STDIO_TERMINAL;
    proc_start(p, "terminal", "1", "say", "2", "shown", NULL);
    proc_says(p, 0, "1 is no terminal\n");
    assert_null(proc_pipe(p, 0));
    assert_non_null(strstr(p->text[2], "shown"));
}

TEST(X10_a_console_and_a_program_that_is_none)
{
    struct proc *p = on_console(w);

    p->o.program = "no such program";
    assert_error(proc_try(p, "exit", "0", NULL), RONDO_ENOENT);
}

TEST(X10_a_console_without_memory)
{
    proc_starts_without_memory(on_console(w));
}
