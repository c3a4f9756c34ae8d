/* test_process_stdio.c - which descriptors a child gets. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

TEST(X2_only_the_listed_descriptors)
{
    rondo_process_options o;
    struct proc *p = proc_begin_unix(w, &o, "no numbered descriptors");
    raw_fd fds[20];

    /* as a program leaves them that does not know better */
    for (int i = 0; i < 20; i++) {
        fds[i] = raw_null();
        raw_set_close_on_exec(fds[i], false);
    }
    proc_start(p, &o, "descriptors", NULL);
    proc_wait(p);
    assert_string_equal(p->text[1], "0 1 2 ");
    for (int i = 0; i < 20; i++)
        raw_close(fds[i]);
}

/* A kernel that cannot mark them all at once. */
TEST(X2_only_the_listed_descriptors_without_close_range)
{
    rondo_process_options o;
    struct proc *p = proc_begin_unix(w, &o, "no numbered descriptors");
    raw_fd fd = raw_null();

    if (!raw_kernel_lacks(RAW_LACKS_CLOSE_RANGE))
        test_skip(p->w, "the kernel cannot be made to lack it");
    raw_set_close_on_exec(fd, false);
    proc_start(p, &o, "descriptors", NULL);
    proc_wait(p);
    (void)raw_kernel_lacks(RAW_LACKS_NOTHING);
    assert_string_equal(p->text[1], "0 1 2 ");
    raw_close(fd);
}

TEST(X2_extra_descriptors)
{
    rondo_stdio_entry extra[] = {{7, RONDO_STDIO_NULL, 0},
                                 {3, RONDO_STDIO_STDOUT, 0},
                                 {40, RONDO_STDIO_FD, 0},
                                 {5, RONDO_STDIO_INHERIT, 0}};
    rondo_process_options o;
    struct proc *p = proc_begin_unix(w, &o, "no extra descriptors");
    raw_fd fds[2];

    assert_int_equal(raw_pipe(fds), 0);
    extra[2].fd = fds[1];
    o.extra = extra;
    o.extra_count = 3;
    proc_start(p, &o, "descriptors", "say", "3", "three ", "say", "40", "forty",
               NULL);
    assert_true(raw_fd_valid(fds[1])); /* still the caller's */
    raw_close(fds[1]);
    proc_wait(p);
    assert_string_equal(p->text[1], "0 1 2 3 7 40 three ");
    assert_true(raw_recv_pipe(fds[0], "forty"));
    raw_close(fds[0]);
}

/* Each is where another one is to go. */
TEST(X2_descriptors_that_change_places)
{
    rondo_process_options o;
    struct proc *p = proc_begin_unix(w, &o, "no extra descriptors");
    raw_fd a[2], b[2];
    rondo_stdio_entry extra[2];
    char from[2][16];

    assert_int_equal(raw_pipe(a), 0);
    assert_int_equal(raw_pipe(b), 0);
    extra[0] = (rondo_stdio_entry){(int)a[1], RONDO_STDIO_FD, b[1]};
    extra[1] = (rondo_stdio_entry){(int)b[1], RONDO_STDIO_FD, a[1]};
    o.extra = extra;
    o.extra_count = 2;
    (void)snprintf(from[0], sizeof from[0], "%d", (int)a[1]);
    (void)snprintf(from[1], sizeof from[1], "%d", (int)b[1]);
    proc_start(p, &o, "say", from[0], "to b", "say", from[1], "to a", NULL);
    proc_wait(p);
    proc_check_exit(p, 0);
    raw_close(a[1]);
    raw_close(b[1]);
    assert_true(raw_recv_pipe(a[0], "to a"));
    assert_true(raw_recv_pipe(b[0], "to b"));
    raw_close(a[0]);
    raw_close(b[0]);
}

/* stdout and stderr exchanged: the parent's own 0-2 are sources, too */
TEST(X2_standard_descriptors_that_change_places)
{
    rondo_process_options o;
    struct proc *p = proc_begin_unix(w, &o, "no extra descriptors");
    raw_fd fds[2], saved[2];

    assert_int_equal(raw_pipe(fds), 0);
    fflush(NULL);
    saved[0] = raw_duplicate(1);
    saved[1] = raw_duplicate(2);
    (void)raw_move_fd(raw_duplicate(fds[1]), 2);
    raw_set_close_on_exec(2, false);
    o.stdout_kind = o.stderr_kind = RONDO_STDIO_FD;
    o.stdout_fd = 2;
    o.stderr_fd = 1;
    proc_start(p, &o, "say", "1", "by way of 2", NULL);
    for (int i = 0; i < 2; i++) {
        (void)raw_move_fd(saved[i], i + 1);
        raw_set_close_on_exec(i + 1, false);
    }
    raw_close(fds[1]);
    proc_wait(p);
    assert_true(raw_recv_pipe(fds[0], "by way of 2"));
    raw_close(fds[0]);
}

TEST(X2_stderr_where_stdout_goes)
{
    rondo_process_options o;
    struct proc *p = proc_begin_reading(w, &o);

    o.stderr_kind = RONDO_STDIO_STDOUT;
    proc_start(p, &o, "say", "1", "one ", "say", "2", "two ", "say", "1",
               "three", NULL);
    assert_null(rondo_process_pipe(p->process, 2));
    proc_wait(p);
    assert_string_equal(p->text[1], "one two three");
    assert_int_equal(p->bytes[2], 0);
}

TEST(X2_a_descriptor_of_the_callers)
{
    rondo_process_options o;
    struct proc *p = proc_begin_unix(w, &o, "no plain pipes");
    raw_fd fds[2];

    assert_int_equal(raw_pipe(fds), 0);
    o.stdin_kind = RONDO_STDIO_FD;
    o.stdin_fd = fds[0];
    proc_start(p, &o, "copy", "0", "1", NULL);
    assert_true(raw_fd_valid(fds[0]));
    assert_true(raw_fd_close_on_exec(fds[0]));
    assert_int_equal(raw_write(fds[1], "mine", 4), 4);
    raw_close(fds[1]);
    proc_wait(p);
    raw_close(fds[0]);
    assert_string_equal(p->text[1], "mine");
}

/* cat /dev/stdin: a pipe can be opened there, a socket cannot */
TEST(X2_stdin_is_a_real_pipe)
{
    rondo_process_options o;
    struct proc *p = proc_begin_unix(w, &o, "no /dev/stdin");

    o.stdin_kind = RONDO_STDIO_PIPE;
    assert_ok(rondo_subprocess_shell(p->w->loop, "/bin/cat /dev/stdin", &o,
                                     &proc_recorder, p, &p->process));
    assert_ok(
        rondo_transport_write(rondo_process_pipe(p->process, 0), "text", 4));
    assert_ok(rondo_transport_write_eof(rondo_process_pipe(p->process, 0)));
    proc_wait(p);
    proc_check_exit(p, 0);
    assert_string_equal(p->text[1], "text");
}

TEST(X2_a_pair_of_sockets_beyond_2)
{
    const rondo_stdio_entry extra = {3, RONDO_STDIO_PIPE, 0};
    rondo_process_options o;
    struct proc *p = proc_begin_unix(w, &o, "no extra descriptors");
    rondo_transport *t;

    o.extra = &extra;
    o.extra_count = 1;
    proc_start(p, &o, "copy", "3", "3", "say", "3", " and back", "exit", "0",
               NULL);
    t = rondo_process_pipe(p->process, 3);
    assert_non_null(t);
    assert_ok(rondo_transport_write(t, "there", 5));
    test_run_until(p->w, p->bytes[3] == 5);
    assert_ok(rondo_transport_write_eof(t));
    proc_wait(p);
    assert_string_equal(p->text[3], "there and back");
    assert_int_equal(p->pipe_error[3], 0);
    proc_check_exit(p, 0);
}

TEST(X2_an_extra_entry_for_stdin)
{
    const rondo_stdio_entry extra = {0, RONDO_STDIO_PIPE, 0};
    rondo_process_options o;
    struct proc *p = proc_begin_reading(w, &o);

    o.stdin_kind = RONDO_STDIO_INHERIT;
    o.extra = &extra;
    o.extra_count = 1;
    proc_start(p, &o, "copy", "0", "1", "exit", "0", NULL);
    assert_ok(rondo_transport_write(rondo_process_pipe(p->process, 0), "x", 1));
    assert_ok(rondo_transport_write_eof(rondo_process_pipe(p->process, 0)));
    proc_wait(p);
    assert_string_equal(p->text[1], "x");
}

TEST(G9_the_pipes_are_close_on_exec_and_above_2)
{
    rondo_process_options o;
    struct proc *p = proc_begin_reading(w, &o);

    o.stdin_kind = RONDO_STDIO_PIPE;
    proc_start(p, &o, "drain", "0", "exit", "0", NULL);
    for (int fd = 0; fd < 3; fd++) {
        rondo_fd ours = rondo_transport_fd(rondo_process_pipe(p->process, fd));

        assert_true(ours > 2);
        assert_true(raw_fd_close_on_exec(ours));
    }
    rondo_transport_close(rondo_process_pipe(p->process, 0));
    proc_wait(p);
}
