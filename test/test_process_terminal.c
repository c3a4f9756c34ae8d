/* test_process_terminal.c - children on a pseudo terminal. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_process.h"

static struct proc *begin(struct world *w, enum proc_stdio stdio)
{
    struct proc *p = proc_begin(w, stdio);

    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_TERMINALS),
                 "no terminals for children here");
    test_skip_if(w, !raw_has_signals(), "a console is another thing");
    return p;
}

/* A child whose descriptors 0 to 2 are one terminal. */
static struct proc *on_terminal(struct world *w)
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

static void quit_terminal(struct proc *p)
{
    rondo_transport_close(proc_pipe(p, 0));
}

#define IN_FRONT ", the session's, in front\r\n"

TEST(X10_a_terminal_of_its_own)
{
    struct proc *p = on_terminal(w);

    proc_start(p, "terminal", "0", "terminal", "1", "terminal", "2", NULL);
    proc_says(p, 0,
              "0 is a terminal 80x24" IN_FRONT "1 is a terminal 80x24" IN_FRONT
              "2 is a terminal 80x24" IN_FRONT);
    assert_int_equal(p->pipes_lost[1], 1);
    assert_int_equal(p->pipes_lost[0] + p->pipes_lost[2], 0);
    assert_int_equal(p->pipe_error[1], 0);
}

/* The parent's terminal stays the parent's, and the child's the child's. */
TEST(X10_only_the_child_has_it)
{
    struct proc *p = on_terminal(w);

    proc_start(p, "descriptors", NULL);
    assert_true(raw_fd_close_on_exec(rondo_transport_fd(proc_pipe(p, 0))));
    assert_true(rondo_transport_fd(proc_pipe(p, 0)) > 2);
    proc_says(p, 0, "0 1 2 ");
}

TEST(X10_one_transport_for_all_that_name_it)
{
    struct proc *p = on_terminal(w);

    proc_start(p, "copy", "0", "1", NULL);
    assert_non_null(proc_pipe(p, 0));
    assert_ptr_equal(proc_pipe(p, 0), proc_pipe(p, 1));
    assert_ptr_equal(proc_pipe(p, 0), proc_pipe(p, 2));
    assert_null(proc_pipe(p, 3));
    assert_null(proc_pipe(p, -1));
    proc_write(p, 0, "a line\n");
    await_text(p, "a line\r\na line\r\n"); /* the echo, and the child */
    assert_false(rondo_transport_can_write_eof(proc_pipe(p, 0)));
    assert_error(rondo_transport_write_eof(proc_pipe(p, 0)), RONDO_ENOTSUP);
    proc_write(p, 0, "\4"); /* Ctrl-D */
    proc_ends(p, 0);
}

/* What is asked of the kernel a byte at a time arrives as whole lines. */
TEST(X10_byte_by_byte)
{
    struct proc *p = on_terminal(w);
    const char *text = "slow\n";

    proc_start(p, "copy", "0", "1", NULL);
    for (size_t i = 0; i < strlen(text); i++) {
        assert_ok(rondo_transport_write(proc_pipe(p, 0), text + i, 1));
        test_run_until(w, p->bytes[1] > i); /* the echo */
    }
    proc_write(p, 0, "\4");
    proc_says(p, 0, "slow\r\nslow\r\n");
}

/* Ctrl-C is SIGINT to the foreground. */
TEST(X10_control_c)
{
    struct proc *p = on_terminal(w);

    proc_start(p, "say", "1", "ready", "sleep", NULL);
    await_text(p, "ready");
    proc_write(p, 0, "\3");
    proc_wait(p);
    assert_true(p->status.signaled && p->status.signal == 2);
}

TEST(X10_the_group_it_leads)
{
    struct proc *p = on_terminal(w);

    proc_start(p, "say", "1", "ready", "sleep", NULL);
    await_text(p, "ready");
    assert_ok(rondo_process_signal_group(p->process, 15));
    proc_wait(p);
    assert_true(p->status.signaled && p->status.signal == 15);
}

/* Closing our end hangs up. */
TEST(X10_closing_hangs_up)
{
    struct proc *p = on_terminal(w);

    proc_start(p, "say", "1", "ready", "sleep", NULL);
    await_text(p, "ready");
    quit_terminal(p);
    test_run_until(w, p->pipes_lost[1]);
    assert_null(proc_pipe(p, 0));
    assert_error(rondo_process_set_window_size(p->process, 10, 10),
                 RONDO_ECLOSED);
    proc_wait(p);
    assert_true(p->status.signaled && p->status.signal == 1);
}

TEST(X10_closed_in_the_callback)
{
    proc_closes_in_data(on_terminal(w));
}

TEST(X10_killed_with_the_loop)
{
    proc_ends_with_loop(on_terminal(w));
}

/* A grandchild keeps it, as it keeps a pipe; what it writes arrives. */
TEST(X10_a_grandchild_holds_it)
{
    struct proc *p = on_terminal(w);

    proc_start(p, "say", "1", "child\n", "start", "6", "copy", "0", "1", "say",
               "1", "grandchild\n", "say", "1", "more", "exit", "0", NULL);
    test_run_until(w, p->exited);
    proc_wait(p);
    assert_int_equal(p->status.code, 0);
    assert_non_null(strstr(p->text[1], "child\r\n"));
}

/* ---- which of the three ------------------------------------------------- */

TEST(X10_input_alone)
{
    struct proc *p = begin(w, OUTPUT);

    p->o.stdin_kind = RONDO_STDIO_TERMINAL;
    proc_start(p, "terminal", "0", "terminal", "1", NULL);
    assert_ptr_not_equal(proc_pipe(p, 0), proc_pipe(p, 1));
    proc_says(p, 0,
              "0 is a terminal 80x24, the session's, in front\n"
              "1 is no terminal\n");
    assert_int_equal(p->pipes_lost[0], 1);
}

TEST(X10_errors_alone)
{
    struct proc *p = begin(w, OUTPUT);

    p->o.stderr_kind = RONDO_STDIO_TERMINAL;
    proc_start(p, "terminal", "2", "say", "2", "x\n", NULL);
    assert_null(proc_pipe(p, 0));
    assert_non_null(proc_pipe(p, 2));
    proc_says(p, 0, "2 is a terminal 80x24, the session's, in front\n");
    assert_string_equal(p->text[2], "x\r\n");
}

TEST(X10_errors_where_output_goes)
{
    struct proc *p = begin(w, NULLS);

    p->o.stdout_kind = RONDO_STDIO_TERMINAL;
    p->o.stderr_kind = RONDO_STDIO_STDOUT;
    proc_start(p, "terminal", "2", NULL);
    assert_null(proc_pipe(p, 2)); /* as of pipes */
    proc_says(p, 0, "2 is a terminal 80x24" IN_FRONT);
}

TEST(X10_by_an_extra_entry)
{
    const rondo_stdio_entry extra = {1, RONDO_STDIO_TERMINAL, 0};
    struct proc *p = begin(w, NULLS);

    p->o.stdout_kind = RONDO_STDIO_INHERIT;
    p->o.extra = &extra;
    p->o.extra_count = 1;
    proc_start(p, "terminal", "1", NULL);
    proc_says(p, 0, "1 is a terminal 80x24" IN_FRONT);
}

/* ---- volume, pausing ---------------------------------------------------- */

TEST(X10_much_output)
{
    const uint64_t size = test_slowness() > 1 ? 100000 : 2000000;
    struct proc *p = on_terminal(w);
    uint64_t lines = 0, at = 0;

    /* the pattern has a byte "\n" in 251, before which comes "\r" */
    proc_start(p, "flood", "1",
               test_format(w, "%llu", (unsigned long long)size), NULL);
    proc_ends(p, 0);
    for (at = 0; at < size; at++)
        lines += at % 251 == '\n';
    assert_int_equal(p->bytes[1], size + lines);
}

static void pause_made(struct proc *p)
{
    rondo_transport_pause_reading(proc_pipe(p, 1));
}

TEST(X10_paused_and_resumed)
{
    struct proc *p = on_terminal(w);

    p->on_made = pause_made;
    proc_start(p, "say", "1", "last words", "exit", "4", NULL);
    test_run_until(w, p->exited);
    assert_int_equal(p->bytes[1], 0);
    rondo_transport_resume_reading(proc_pipe(p, 1));
    proc_says(p, 4, "last words");
}

/* A child that does not read is killed: what waits is dropped. */
static void try_unread_input(struct world *w, bool paused)
{
    struct proc *p = on_terminal(w);
    char line[512];

    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    proc_start(p, "say", "1", "ready\n", "sleep", NULL);
    await_text(p, "ready");
    for (int i = 0; i < 1000; i++)
        (void)rondo_transport_write(proc_pipe(p, 0), line, sizeof line);
    test_run_until(w, p->pauses == 1);
    if (paused)
        rondo_transport_pause_reading(proc_pipe(p, 1));
    assert_ok(rondo_process_kill(p->process));
    test_run_until(w, p->exited);
    if (paused && proc_pipe(p, 1)) /* select(2) says nothing meanwhile */
        rondo_transport_resume_reading(proc_pipe(p, 1));
    proc_wait(p);
    if (p->pipe_error[1])
        assert_int_equal(p->pipe_error[1], RONDO_ECONNRESET);
}

TEST_CASE(X10_input_that_nobody_reads, try_unread_input(w, false));
TEST_CASE(X10_input_that_nobody_reads_nor_is_read, try_unread_input(w, true));

/* ---- the window's size -------------------------------------------------- */

TEST(X11_a_size_in_the_options)
{
    struct proc *p = on_terminal(w);

    p->o.columns = 132;
    p->o.rows = 65535;
    proc_start(p, "terminal", "0", NULL);
    proc_says(p, 0, "0 is a terminal 132x65535" IN_FRONT);
}

TEST(X11_a_new_size_is_heard)
{
    struct proc *p = on_terminal(w);

    proc_start(p, "await-size", NULL);
    await_text(p, "ready");
    assert_ok(rondo_process_set_window_size(p->process, 80, 24)); /* as it is */
    assert_ok(rondo_process_set_window_size(p->process, 100, 1));
    proc_says(p, 0, "ready\r\n0 is a terminal 100x1" IN_FRONT);
}

TEST(X11_sizes_that_are_none)
{
    static const struct {
        const char *name;
        int columns, rows;
    } wrong[] = {{"no columns", 0, 24},
                 {"no rows", 80, 0},
                 {"less than none", -1, 24},
                 {"too many", 80, 65536}};
    struct proc *p = on_terminal(w);

    proc_start(p, "sleep", NULL);
    for (EACH_ROW(w, row, wrong))
        assert_error(
            rondo_process_set_window_size(p->process, row->columns, row->rows),
            RONDO_EINVAL);
    assert_error(rondo_process_set_window_size(NULL, 80, 24), RONDO_EINVAL);
    assert_ok(rondo_process_set_window_size(p->process, 65535, 65535));
    rondo_process_close(p->process);
    proc_wait(p);
    p->o.columns = 65536;
    assert_error(proc_try(p, "sleep", NULL), RONDO_EINVAL);
    p->o.columns = -1;
    assert_error(proc_try(p, "sleep", NULL), RONDO_EINVAL);
}

TEST(X11_no_terminal_has_no_size)
{
    struct proc *p = proc_run(w, PIPES, "drain", "0", NULL);

    assert_error(rondo_process_set_window_size(p->process, 80, 24),
                 RONDO_EINVAL);
    proc_close_input(p);
    proc_wait(p);
}

/* ---- refused ------------------------------------------------------------ */

TEST(X10_refused_elsewhere)
{
    const rondo_stdio_entry extra = {3, RONDO_STDIO_TERMINAL, 0};
    struct proc *p = proc_begin_unix(w, "no extra descriptors");

    p->o.extra = &extra;
    p->o.extra_count = 1;
    assert_error(proc_try(p, "sleep", NULL), RONDO_EINVAL);
}

TEST(X10_refused_where_there_are_none)
{
    struct proc *p = proc_begin(w, OUTPUT);

    test_skip_if(w, rondo_loop_supports(w->loop, RONDO_CAN_TERMINALS),
                 "there are terminals here");
    p->o.stdin_kind = RONDO_STDIO_TERMINAL;
    assert_error(proc_try(p, "sleep", NULL), RONDO_ENOTSUP);
    assert_non_null(strstr(rondo_last_error(), "terminal"));
}

static void never(rondo_loop *loop, void *arg, const rondo_output *output,
                  int error)
{
    (void)loop;
    (void)output;
    test_fail(arg, "called with %d", error);
}

TEST(X10_communicate_takes_none)
{
    proc_need(w);
    assert_error(
        rondo_communicate(w->loop,
                          RONDO_PROCESS(.program = raw_child(),
                                        .stdout_kind = RONDO_STDIO_TERMINAL),
                          NULL, 0, 0, never, w),
        RONDO_EINVAL);
}

/* A program that cannot start leaves no terminal behind (the harness looks). */
TEST(X10_a_program_that_cannot_start)
{
    struct proc *p = on_terminal(w);

    p->o.program = "/nowhere/at/all";
    assert_error(proc_try(p, "sleep", NULL), RONDO_ENOENT);
}

/* After the start, what is missing ends the terminal, and is told. */
TEST(G8_no_memory)
{
    struct proc *p = on_terminal(w);
    uint64_t n;

    for (n = 1; test_nth_fails(w, n); n++) {
        int error = proc_try(p, "say", "1", "x", NULL);

        if (error == 0)
            proc_wait(p);
        else
            assert_error(error, RONDO_ENOMEM);
        test_fail_allocation(w, 0);
    }
    assert_true(n > 4);
    assert_string_equal(p->text[1], "x");
}

/* ---- many --------------------------------------------------------------- */

TEST(X10_many_at_once)
{
    enum { MANY = 20 };
    struct proc *p[MANY];

    for (int i = 0; i < MANY; i++) {
        p[i] = on_terminal(w);
        proc_start(p[i], "say", "1", test_format(w, "%d\n", i), NULL);
    }
    for (int i = 0; i < MANY; i++)
        proc_says(p[i], 0, test_format(w, "%d\r\n", i));
}

TEST(X10_again_and_again)
{
    struct proc *p = on_terminal(w);

    for (int i = 0; i < 300 / test_slowness(); i++) {
        proc_start(p, "say", "1", "x", NULL);
        proc_says(p, 0, "x");
    }
}
