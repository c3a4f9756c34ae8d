/* test_process.c - what is told of a child, and in which order. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

/* ---- X3: the order ------------------------------------------------------ */

TEST(X3_made_then_exited_then_lost)
{
    for (int dead_already = 0; dead_already < 2; dead_already++) {
        struct proc *p = proc_run(w, NULLS, "exit", "7", NULL);

        if (dead_already)
            raw_process_await(rondo_process_pid(p->process));
        proc_ends(p, 7);
        assert_string_equal(p->order, "MEL");
        assert_int_equal(p->error, 0);
    }
}

TEST(X3_lost_after_all_pipes)
{
    struct proc *p = proc_run(w, PIPES, "say", "1", "one", "say", "2", "two",
                              "exit", "0", NULL);
    size_t x = 0;

    proc_ends(p, 0);
    for (const char *c = p->order; *c; c++)
        x += *c == 'x';
    assert_int_equal(x, 3);
    assert_int_equal(p->order[0], 'M');
    assert_int_equal(p->order[strlen(p->order) - 1], 'L');
    assert_string_equal(p->text[1], "one");
    assert_string_equal(p->text[2], "two");
    for (int fd = 0; fd < 3; fd++)
        assert_int_equal(p->pipe_error[fd], 0);
}

/* It goes on living, with its output open, after the child. */
TEST(X3_exited_does_not_wait_for_a_grandchild)
{
    struct proc *p = proc_run(w, PIPES, "start", "5", "drain", "0", "say", "1",
                              "late", "exit", "5", NULL);

    test_run_until(w, p->exited);
    assert_int_equal(p->lost, 0);
    assert_int_equal(p->pipes_lost[1], 0);
    assert_int_equal(p->bytes[1], 0);
    proc_write_eof(p, 0);
    proc_says(p, 5, "late");
}

/* Far more than a pipe holds, and the child is gone before it is read. */
TEST(X3_the_last_output_is_never_lost)
{
    struct proc *p = proc_begin(w, PIPES);

    p->pattern = true;
    for (int i = 0; i < (test_slowness() > 1 ? 8 : 20); i++) {
        proc_start(p, "flood", "1", "50000", "flood", "2", "10", "exit", "0",
                   NULL);
        proc_wait(p);
        assert_int_equal(p->bytes[1], 50000);
        assert_int_equal(p->bytes[2], 10);
        assert_false(p->wrong);
    }
}

TEST(X3_floods_on_both_pipes)
{
    struct proc *p = proc_begin(w, PIPES);
    uint64_t size = 20000000 / (uint64_t)test_slowness();
    char text[32];

    p->pattern = true;
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)size);
    proc_start(p, "flood", "1", text, "flood", "2", text, "exit", "0", NULL);
    proc_ends(p, 0);
    assert_true(p->bytes[1] == size && p->bytes[2] == size);
    assert_false(p->wrong);
}

/* ---- X3: writing to it -------------------------------------------------- */

TEST(X3_what_is_written_comes_back)
{
    struct proc *p = proc_run(w, PIPES, "copy", "0", "1", "exit", "0", NULL);

    proc_write(p, 0, "to and "); /* before connection_made, too */
    test_run_until(w, p->bytes[1] == 7);
    proc_write(p, 0, "fro");
    proc_write_eof(p, 0);
    proc_says(p, 0, "to and fro");
    assert_int_equal(p->pipe_error[0], 0);
}

TEST(X3_a_child_that_does_not_read_pauses_writing)
{
    static const char piece[65536];
    struct proc *p = proc_run(w, PIPES, "say", "1", "x", "copy", "0", "1",
                              "exit", "0", NULL);

    test_run_until(w, p->bytes[1] == 1);
    /* its output is not read either, so that it stops reading its input */
    assert_ok(rondo_transport_pause_reading(proc_pipe(p, 1)));
    for (int i = 0; i < 63; i++)
        assert_true(
            rondo_transport_write(proc_pipe(p, 0), piece, sizeof piece) >= 0);
    assert_int_equal(
        rondo_transport_write(proc_pipe(p, 0), piece, sizeof piece), 1);
    test_run_until(w, p->pauses == 1);
    assert_int_equal(p->resumes, 0);
    assert_ok(rondo_transport_resume_reading(proc_pipe(p, 1)));
    test_run_until(w, p->resumes == 1);
    proc_write_eof(p, 0);
    proc_ends(p, 0);
}

TEST(X3_a_child_that_closes_its_input)
{
    struct proc *p =
        proc_run(w, PIPES, "close", "0", "say", "1", "closed", "sleep", NULL);

    test_run_until(w, p->pipes_lost[0]);
    assert_int_equal(p->pipe_error[0], 0);
    assert_int_equal(p->exited, 0);
    test_run_until(w, p->bytes[1] == 6);
    assert_ok(rondo_process_kill(p->process));
    proc_ends_killed(p);
}

TEST(X3_a_child_that_closes_its_output)
{
    struct proc *p = proc_run(w, PIPES, "close", "1", "drain", "0", "say", "2",
                              "end", "exit", "0", NULL);

    test_run_until(w, p->pipes_lost[1]);
    assert_int_equal(p->exited, 0);
    assert_null(proc_pipe(p, 1));
    assert_non_null(proc_pipe(p, 2));
    proc_close_input(p);
    proc_wait(p);
    assert_string_equal(p->text[2], "end");
}

/* ---- the pipes' transports ---------------------------------------------- */

TEST(X3_a_pipe_can_have_another_protocol)
{
    struct proc *p = proc_run(w, PIPES, "say", "1", "for the peer", "say", "2",
                              "not", "exit", "0", NULL);
    struct peer *peer = test_peer(w);

    assert_ok(rondo_transport_set_protocol(proc_pipe(p, 1), &recorder, peer));
    assert_null(rondo_transport_server(proc_pipe(p, 1)));
    proc_wait(p);
    assert_hears(w, peer, "for the peer");
    assert_int_equal(peer->lost, 1);
    assert_int_equal(p->bytes[1], 0);
    assert_int_equal(p->pipes_lost[1], 0);
    assert_string_equal(p->text[2], "not");
}

static void close_pipe(struct proc *p, int fd)
{
    rondo_transport_close(proc_pipe(p, fd));
}

TEST(X3_a_pipe_closed_in_its_own_callback)
{
    struct proc *p = proc_run(w, PIPES, "say", "1", "enough", "drain", "0",
                              "exit", "0", NULL);

    p->on_data = close_pipe;
    test_run_until(w, p->pipes_lost[1]);
    assert_int_equal(p->exited, 0);
    proc_close_input(p);
    proc_wait(p);
}

TEST(X3_descriptors_without_a_pipe_have_no_transport)
{
    struct proc *p = proc_run(w, NULLS, "exit", "0", NULL);

    for (int fd = -1; fd < 5; fd++)
        assert_null(proc_pipe(p, fd));
    assert_null(rondo_process_pipe(NULL, 0));
    proc_wait(p);
}

/* ---- the rest ----------------------------------------------------------- */

TEST(X3_members_may_all_be_null)
{
    static const rondo_process_protocol nothing;
    struct proc *p = proc_begin(w, PIPES);
    rondo_process *process;

    p->o.program = raw_child();
    p->o.argv = (const char *const[]){"child", "flood", "1", "300000", NULL};
    assert_ok(rondo_subprocess_exec(w->loop, &p->o, &nothing, NULL, &process));
    assert_ok(rondo_transport_write(rondo_process_pipe(process, 0), "x", 1));
    assert_null(rondo_process_self(process));
    test_run_loop(w);
}

TEST(L3_a_process_keeps_the_loop_running)
{
    struct proc *p = proc_run(w, PIPES, "drain", "0", "exit", "0", NULL);

    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    rondo_process_set_background(p->process, true);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 0);
    rondo_process_set_background(p->process, false);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    proc_close_input(p);
    assert_ok(rondo_loop_run(w->loop));
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
    struct proc *p = proc_begin(w, PIPES);

    assert_int_equal(test_metrics(w).live_processes, 0);
    proc_start(p, "drain", "0", "exit", "0", NULL);
    assert_int_equal(test_metrics(w).live_processes, 1);
    assert_int_equal(test_metrics(w).live_transports, 3);
    /* and it is one operation more only inside */
    assert_int_equal(test_metrics(w).live_operations, 0);
    assert_int_equal(rondo_loop_dump(w->loop, count_line, p), 4);
    assert_ptr_equal(p->user, p);
    proc_close_input(p);
    proc_wait(p);
    test_spin(w, 1);
    assert_int_equal(test_metrics(w).live_processes, 0);
}

TEST(X3_one_after_another)
{
    struct proc *p = proc_begin(w, PIPES);

    for (uint32_t i = 0; i < (test_slowness() > 1 ? 10 : 100); i++) {
        char code[12];

        (void)snprintf(code, sizeof code, "%u", i);
        proc_start(p, "say", "1", code, "exit", code, NULL);
        proc_says(p, i, code);
    }
    assert_true(raw_zombies() <= 0);
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
}
