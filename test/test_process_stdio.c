/* test_process_stdio.c - which descriptors a child gets. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

/* A child of this program finds the first three and no other. */
static void check_first_three(struct proc *p)
{
    proc_start(p, "descriptors", NULL);
    proc_says(p, 0, "0 1 2 ");
}

TEST(X2_only_the_listed_descriptors)
{
    struct proc *p = proc_begin_unix(w, "no numbered descriptors");

    /* as a program leaves them that does not know better */
    for (int i = 0; i < 20; i++)
        raw_set_close_on_exec(test_own(w, raw_null()), false);
    check_first_three(p);
}

/* A kernel that cannot mark them all at once. */
TEST(X2_only_the_listed_descriptors_without_close_range)
{
    struct proc *p = proc_begin_unix(w, "no numbered descriptors");

    raw_set_close_on_exec(test_own(w, raw_null()), false);
    test_skip_if(w, !raw_kernel_lacks(RAW_LACKS_CLOSE_RANGE),
                 "the kernel cannot be made to lack it");
    check_first_three(p);
    (void)raw_kernel_lacks(RAW_LACKS_NOTHING);
}

/* A pipe, whose end to read is the test's until its end. */
static raw_fd open_pipe(struct world *w, raw_fd *to_write)
{
    raw_fd fds[2];

    assert_int_equal(raw_pipe(fds), 0);
    *to_write = fds[1];
    return test_own(w, fds[0]);
}

TEST(X2_extra_descriptors)
{
    struct proc *p = proc_begin_unix(w, "no extra descriptors");
    raw_fd to, from = open_pipe(w, &to);
    rondo_stdio_entry extra[] = {{7, RONDO_STDIO_NULL, 0},
                                 {3, RONDO_STDIO_STDOUT, 0},
                                 {40, RONDO_STDIO_FD, to},
                                 {5, RONDO_STDIO_INHERIT, 0}};

    p->o.extra = extra;
    p->o.extra_count = 3;
    proc_start(p, "descriptors", "say", "3", "three ", "say", "40", "forty",
               NULL);
    assert_true(raw_fd_valid(to)); /* still the caller's */
    raw_close(to);
    proc_says(p, 0, "0 1 2 3 7 40 three ");
    assert_true(raw_recv_pipe(from, "forty"));
}

/* Each is where another one is to go. */
TEST(X2_descriptors_that_change_places)
{
    struct proc *p = proc_begin_unix(w, "no extra descriptors");
    raw_fd to_a, a = open_pipe(w, &to_a), to_b, b = open_pipe(w, &to_b);
    const rondo_stdio_entry extra[] = {{(int)to_a, RONDO_STDIO_FD, to_b},
                                       {(int)to_b, RONDO_STDIO_FD, to_a}};
    char from[2][16];

    p->o.extra = extra;
    p->o.extra_count = 2;
    (void)snprintf(from[0], sizeof from[0], "%d", (int)to_a);
    (void)snprintf(from[1], sizeof from[1], "%d", (int)to_b);
    proc_start(p, "say", from[0], "to b", "say", from[1], "to a", NULL);
    proc_ends(p, 0);
    raw_close(to_a);
    raw_close(to_b);
    assert_true(raw_recv_pipe(a, "to a"));
    assert_true(raw_recv_pipe(b, "to b"));
}

/* stdout and stderr exchanged: the parent's own 0-2 are sources, too */
TEST(X2_standard_descriptors_that_change_places)
{
    struct proc *p = proc_begin_unix(w, "no extra descriptors");
    raw_fd to, from = open_pipe(w, &to), saved[2];

    fflush(NULL);
    saved[0] = raw_duplicate(1);
    saved[1] = raw_duplicate(2);
    (void)raw_move_fd(raw_duplicate(to), 2);
    raw_set_close_on_exec(2, false);
    p->o.stdout_kind = p->o.stderr_kind = RONDO_STDIO_FD;
    p->o.stdout_fd = 2;
    p->o.stderr_fd = 1;
    proc_start(p, "say", "1", "by way of 2", NULL);
    for (int i = 0; i < 2; i++) {
        (void)raw_move_fd(saved[i], i + 1);
        raw_set_close_on_exec(i + 1, false);
    }
    raw_close(to);
    proc_wait(p);
    assert_true(raw_recv_pipe(from, "by way of 2"));
}

TEST(X2_stderr_where_stdout_goes)
{
    struct proc *p = proc_begin(w, OUTPUT);

    p->o.stderr_kind = RONDO_STDIO_STDOUT;
    proc_start(p, "say", "1", "one ", "say", "2", "two ", "say", "1", "three",
               NULL);
    assert_null(proc_pipe(p, 2));
    proc_says(p, 0, "one two three");
    assert_int_equal(p->bytes[2], 0);
}

TEST(X2_a_descriptor_of_the_callers)
{
    struct proc *p = proc_begin_unix(w, "no plain pipes");
    raw_fd to, from = open_pipe(w, &to);

    p->o.stdin_kind = RONDO_STDIO_FD;
    p->o.stdin_fd = from;
    proc_start(p, "copy", "0", "1", NULL);
    assert_true(raw_fd_valid(from));
    assert_true(raw_fd_close_on_exec(from));
    assert_int_equal(raw_write(to, "mine", 4), 4);
    raw_close(to);
    proc_says(p, 0, "mine");
}

/* cat /dev/stdin: a pipe can be opened there, a socket cannot */
TEST(X2_stdin_is_a_real_pipe)
{
    struct proc *p = proc_begin_unix(w, "no /dev/stdin");

    test_skip_if(w, raw_is_simulated(), "no shell");
    p->o.stdin_kind = RONDO_STDIO_PIPE;
    assert_ok(rondo_subprocess_shell(w->loop, "/bin/cat /dev/stdin", &p->o,
                                     &proc_recorder, p, &p->process));
    proc_write(p, 0, "text");
    proc_write_eof(p, 0);
    proc_says(p, 0, "text");
}

TEST(X2_a_pair_of_sockets_beyond_2)
{
    const rondo_stdio_entry extra = {3, RONDO_STDIO_PIPE, 0};
    struct proc *p = proc_begin_unix(w, "no extra descriptors");

    p->o.extra = &extra;
    p->o.extra_count = 1;
    proc_start(p, "copy", "3", "3", "say", "3", " and back", "exit", "0", NULL);
    assert_non_null(proc_pipe(p, 3));
    proc_write(p, 3, "there");
    test_run_until(w, p->bytes[3] == 5);
    proc_write_eof(p, 3);
    proc_ends(p, 0);
    assert_string_equal(p->text[3], "there and back");
    assert_int_equal(p->pipe_error[3], 0);
}

TEST(X2_an_extra_entry_for_stdin)
{
    const rondo_stdio_entry extra = {0, RONDO_STDIO_PIPE, 0};
    struct proc *p = proc_begin(w, OUTPUT);

    p->o.stdin_kind = RONDO_STDIO_INHERIT;
    p->o.extra = &extra;
    p->o.extra_count = 1;
    proc_start(p, "copy", "0", "1", "exit", "0", NULL);
    proc_write(p, 0, "x");
    proc_write_eof(p, 0);
    proc_says(p, 0, "x");
}

TEST(G9_the_pipes_are_close_on_exec_and_above_2)
{
    struct proc *p = proc_run(w, PIPES, "drain", "0", "exit", "0", NULL);

    for (int fd = 0; fd < 3; fd++) {
        rondo_fd ours = rondo_transport_fd(proc_pipe(p, fd));

        assert_true(ours > 2);
        assert_true(raw_fd_close_on_exec(ours));
    }
    proc_close_input(p);
    proc_wait(p);
}
