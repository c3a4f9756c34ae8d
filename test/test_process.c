/* test_process.c - what is told of a child, and in which order. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

#define PIPES proc_options(RONDO_STDIO_PIPE, RONDO_STDIO_PIPE, RONDO_STDIO_PIPE)
#define NULLS proc_options(RONDO_STDIO_NULL, RONDO_STDIO_NULL, RONDO_STDIO_NULL)

/* ---- X3: the order ------------------------------------------------------ */

TEST(X3_made_then_exited_then_lost)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, NULLS);

    proc_start(p, &o, "exit", "7", NULL);
    proc_wait(p);
    assert_string_equal(p->order, "MEL");
    assert_int_equal(p->error, 0);
    proc_check_exit(p, 7);
}

TEST(X3_made_first_even_if_already_dead)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, NULLS);
    int64_t pid;

    proc_start(p, &o, "exit", "3", NULL);
    pid = rondo_process_pid(p->process);
    raw_process_await(rondo_process_pid(p->process));
    assert_true(pid > 0);
    proc_wait(p);
    assert_string_equal(p->order, "MEL");
    proc_check_exit(p, 3);
}

TEST(X3_lost_after_all_pipes)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);
    size_t x = 0;

    proc_start(p, &o, "say", "1", "one", "say", "2", "two", "exit", "0", NULL);
    proc_wait(p);
    for (const char *c = p->order; *c; c++)
        x += *c == 'x';
    assert_int_equal(x, 3);
    assert_int_equal(p->order[0], 'M');
    assert_int_equal(p->order[strlen(p->order) - 1], 'L');
    assert_string_equal(p->text[1], "one");
    assert_string_equal(p->text[2], "two");
    for (int fd = 0; fd < 3; fd++)
        assert_int_equal(p->pipe_error[fd], 0);
    proc_check_exit(p, 0);
}

/* It goes on living, with its output open, after the child. */
TEST(X3_exited_does_not_wait_for_a_grandchild)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);

    proc_start(p, &o, "start", "2", "drain", "0", "exit", "5", NULL);
    test_run_until(p->w, p->exited);
    proc_check_exit(p, 5);
    assert_int_equal(p->lost, 0);
    assert_int_equal(p->pipes_lost[1], 0);
    rondo_transport_close(rondo_process_pipe(p->process, 0));
    proc_wait(p);
}

TEST(X3_output_of_a_grandchild_arrives_after_the_exit)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);

    proc_start(p, &o, "start", "5", "drain", "0", "say", "1", "late", "exit",
               "5", NULL);
    test_run_until(p->w, p->exited);
    assert_int_equal(p->bytes[1], 0);
    assert_ok(rondo_transport_write_eof(rondo_process_pipe(p->process, 0)));
    proc_wait(p);
    assert_string_equal(p->text[1], "late");
}

/* Far more than a pipe holds, and the child is gone before it is read. */
TEST(X3_the_last_output_is_never_lost)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);

    p->pattern = true;
    for (int i = 0; i < (test_slowness() > 1 ? 8 : 20); i++) {
        memset(p->order, 0, sizeof p->order);
        *p = (struct proc){.w = p->w, .pattern = true};
        proc_start(p, &o, "flood", "1", "50000", "flood", "2", "10", "exit",
                   "0", NULL);
        proc_wait(p);
        assert_int_equal(p->bytes[1], 50000);
        assert_int_equal(p->bytes[2], 10);
        assert_false(p->wrong);
    }
}

TEST(X3_floods_on_both_pipes)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);
    uint64_t size = 20000000 / (uint64_t)test_slowness();
    char text[32];

    p->pattern = true;
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)size);
    proc_start(p, &o, "flood", "1", text, "flood", "2", text, "exit", "0",
               NULL);
    proc_wait(p);
    assert_true(p->bytes[1] == size && p->bytes[2] == size);
    assert_false(p->wrong);
    proc_check_exit(p, 0);
}

/* ---- X3: writing to it -------------------------------------------------- */

TEST(X3_what_is_written_comes_back)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);

    proc_start(p, &o, "copy", "0", "1", "exit", "0", NULL);
    /* before connection_made, too */
    assert_ok(
        rondo_transport_write(rondo_process_pipe(p->process, 0), "to and ", 7));
    test_run_until(p->w, p->bytes[1] == 7);
    assert_ok(
        rondo_transport_write(rondo_process_pipe(p->process, 0), "fro", 3));
    assert_ok(rondo_transport_write_eof(rondo_process_pipe(p->process, 0)));
    proc_wait(p);
    assert_string_equal(p->text[1], "to and fro");
    assert_int_equal(p->pipe_error[0], 0);
    proc_check_exit(p, 0);
}

TEST(X3_a_child_that_does_not_read_pauses_writing)
{
    static const char piece[65536];
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);
    rondo_transport *t;
    int result = 0;

    proc_start(p, &o, "say", "1", "x", "copy", "0", "1", "exit", "0", NULL);
    t = rondo_process_pipe(p->process, 0);
    test_run_until(p->w, p->bytes[1] == 1);
    /* its output is not read either, so that it stops reading its input */
    assert_ok(rondo_transport_pause_reading(rondo_process_pipe(p->process, 1)));
    for (int i = 0; i < 64 && result == 0; i++)
        result = rondo_transport_write(t, piece, sizeof piece);
    assert_int_equal(result, 1);
    test_run_until(p->w, p->pauses == 1);
    assert_int_equal(p->resumes, 0);
    assert_ok(
        rondo_transport_resume_reading(rondo_process_pipe(p->process, 1)));
    test_run_until(p->w, p->resumes == 1);
    assert_ok(rondo_transport_write_eof(t));
    proc_wait(p);
    proc_check_exit(p, 0);
}

TEST(X3_a_child_that_closes_its_input)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);

    proc_start(p, &o, "close", "0", "say", "1", "closed", "sleep", NULL);
    test_run_until(p->w, p->pipes_lost[0]);
    assert_int_equal(p->pipe_error[0], 0);
    assert_int_equal(p->exited, 0);
    test_run_until(p->w, p->bytes[1] == 6);
    assert_ok(rondo_process_kill(p->process));
    proc_wait(p);
    proc_check_killed(p);
}

TEST(X3_a_child_that_closes_its_output)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);

    proc_start(p, &o, "close", "1", "drain", "0", "say", "2", "end", "exit",
               "0", NULL);
    test_run_until(p->w, p->pipes_lost[1]);
    assert_int_equal(p->exited, 0);
    assert_null(rondo_process_pipe(p->process, 1));
    assert_non_null(rondo_process_pipe(p->process, 2));
    rondo_transport_close(rondo_process_pipe(p->process, 0));
    proc_wait(p);
    assert_string_equal(p->text[2], "end");
}

/* ---- the pipes' transports ---------------------------------------------- */

TEST(X3_a_pipe_can_have_another_protocol)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);
    struct peer *peer = test_peer(p->w);
    rondo_transport *t;

    proc_start(p, &o, "say", "1", "for the peer", "say", "2", "not", "exit",
               "0", NULL);
    peer_capture(peer, 100);
    t = rondo_process_pipe(p->process, 1);
    assert_ok(rondo_transport_set_protocol(t, &recorder, peer));
    assert_null(rondo_transport_server(t));
    proc_wait(p);
    assert_int_equal(peer->captured_size, 12);
    assert_memory_equal(peer->captured, "for the peer", 12);
    assert_int_equal(peer->lost, 1);
    assert_int_equal(p->bytes[1], 0);
    assert_int_equal(p->pipes_lost[1], 0);
    assert_string_equal(p->text[2], "not");
}

static void close_pipe(struct proc *p, int fd)
{
    rondo_transport_close(rondo_process_pipe(p->process, fd));
}

TEST(X3_a_pipe_closed_in_its_own_callback)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);

    p->on_data = close_pipe;
    proc_start(p, &o, "say", "1", "enough", "drain", "0", "exit", "0", NULL);
    test_run_until(p->w, p->pipes_lost[1]);
    assert_int_equal(p->exited, 0);
    rondo_transport_close(rondo_process_pipe(p->process, 0));
    proc_wait(p);
}

TEST(X3_descriptors_without_a_pipe_have_no_transport)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, NULLS);

    proc_start(p, &o, "exit", "0", NULL);
    for (int fd = -1; fd < 5; fd++)
        assert_null(rondo_process_pipe(p->process, fd));
    assert_null(rondo_process_pipe(NULL, 0));
    proc_wait(p);
}

/* ---- the rest ----------------------------------------------------------- */

TEST(X3_members_may_all_be_null)
{
    static const rondo_process_protocol nothing;
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);
    rondo_process *process;

    o.program = raw_child();
    o.argv = (const char *const[]){"child", "flood", "1", "300000", NULL};
    assert_ok(rondo_subprocess_exec(p->w->loop, &o, &nothing, NULL, &process));
    assert_ok(rondo_transport_write(rondo_process_pipe(process, 0), "x", 1));
    assert_null(rondo_process_self(process));
    test_run_loop(p->w);
}

TEST(L3_a_process_keeps_the_loop_running)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);

    proc_start(p, &o, "drain", "0", "exit", "0", NULL);
    assert_int_equal(rondo_loop_run_once(p->w->loop, 0), 1);
    rondo_process_set_background(p->process, true);
    assert_int_equal(rondo_loop_run_once(p->w->loop, 0), 0);
    rondo_process_set_background(p->process, false);
    assert_int_equal(rondo_loop_run_once(p->w->loop, 0), 1);
    rondo_transport_close(rondo_process_pipe(p->process, 0));
    assert_ok(rondo_loop_run(p->w->loop));
    assert_int_equal(p->lost, 1);
}

static void count_line(void *arg, const char *line, size_t size)
{
    struct proc *p = arg;

    (void)size;
    if (strncmp(line, "process ", 8) == 0) {
        char pid[32];

        (void)snprintf(pid, sizeof pid, "pid %lld, running, 3 pipes",
                       (long long)rondo_process_pid(p->process));
        assert_non_null(strstr(line, pid));
        p->user = p;
    }
}

TEST(L13_metrics_and_dump)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);

    assert_int_equal(test_metrics(p->w).live_processes, 0);
    proc_start(p, &o, "drain", "0", "exit", "0", NULL);
    assert_int_equal(test_metrics(p->w).live_processes, 1);
    assert_int_equal(test_metrics(p->w).live_transports, 3);
    /* and it is one operation more only inside */
    assert_int_equal(test_metrics(p->w).live_operations, 0);
    assert_int_equal(rondo_loop_dump(p->w->loop, count_line, p), 4);
    assert_ptr_equal(p->user, p);
    rondo_transport_close(rondo_process_pipe(p->process, 0));
    proc_wait(p);
    test_spin(p->w, 1);
    assert_int_equal(test_metrics(p->w).live_processes, 0);
}

TEST(X3_one_after_another)
{
    rondo_process_options o;
    struct proc *p = proc_begin(w, &o, PIPES);

    for (uint32_t i = 0; i < (test_slowness() > 1 ? 10 : 100); i++) {
        char code[12];

        (void)snprintf(code, sizeof code, "%u", i);
        *p = (struct proc){.w = p->w};
        proc_start(p, &o, "say", "1", code, "exit", code, NULL);
        proc_wait(p);
        proc_check_exit(p, i);
        assert_string_equal(p->text[1], code);
    }
    if (raw_zombies() >= 0)
        assert_int_equal(raw_zombies(), 0);
}

TEST(null_objects_do_not_crash)
{
    rondo_exit status;

    assert_int_equal(rondo_process_pid(NULL), 0);
    assert_false(rondo_process_returncode(NULL, &status));
    assert_null(rondo_process_self(NULL));
    assert_null(rondo_process_loop(NULL));
    assert_einval(rondo_process_send_signal(NULL, 15));
    assert_einval(rondo_process_terminate(NULL));
    assert_einval(rondo_process_kill(NULL));
    rondo_process_close(NULL);
    rondo_process_set_background(NULL, true);
    assert_einval(
        rondo_subprocess_exec(NULL, NULL, &proc_recorder, NULL, NULL));
    assert_einval(
        rondo_subprocess_shell(NULL, "x", NULL, &proc_recorder, NULL, NULL));
    assert_einval(rondo_communicate(NULL, NULL, NULL, 0, 0, NULL, NULL));
    assert_false(rondo_loop_supports(NULL, RONDO_CAN_SUBPROCESS));
    (void)w;
}
