/* test_process_close.c - signals to a child, closing it, leaving it. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

#include <signal.h>

static void start_and_hear(struct proc *p)
{
    proc_start(p, "say", "1", "here", "sleep", NULL);
    test_run_until(p->w, p->bytes[1] == 4);
}

/* a child that has said that it is there, and then sleeps */
static struct proc *sleeper(struct world *w)
{
    struct proc *p = proc_begin(w, PIPES);

    start_and_hear(p);
    return p;
}

/* ---- signals ------------------------------------------------------------ */

TEST(X4_terminate)
{
    struct proc *p = sleeper(w);

    assert_ok(rondo_process_terminate(p->process));
    proc_wait(p);
    assert_int_equal(p->exited, 1);
    if (raw_has_signals()) {
        assert_true(p->status.known && p->status.signaled);
        assert_int_equal(p->status.signal, SIGTERM);
    }
}

TEST(X4_kill)
{
    struct proc *p = sleeper(w);

    assert_false(rondo_process_returncode(p->process, NULL));
    assert_ok(rondo_process_kill(p->process));
    proc_ends_killed(p);
}

TEST(X4_send_signal)
{
    struct proc *p = proc_begin_unix(w, "no signals on this system");

    start_and_hear(p);
    assert_ok(rondo_process_send_signal(p->process, 0)); /* is it there? */
    assert_einval(rondo_process_send_signal(p->process, 9999));
    assert_einval(rondo_process_send_signal(p->process, -1));
    assert_ok(rondo_process_send_signal(p->process, SIGINT));
    proc_wait(p);
    assert_int_equal(p->status.signal, SIGINT);
}

static void signal_dead(struct proc *p)
{
    assert_refused(rondo_process_send_signal(p->process, SIGTERM), RONDO_ESRCH,
                   "has ended");
    assert_error(rondo_process_terminate(p->process), RONDO_ESRCH);
    assert_error(rondo_process_kill(p->process), RONDO_ESRCH);
}

TEST(X4_no_signal_after_the_exit)
{
    struct proc *p = proc_run(w, PIPES, "exit", "0", NULL);

    p->on_exited = signal_dead;
    p->on_lost = signal_dead;
    proc_wait(p);
}

/* Ended, but the loop has not heard of it: its number is still its own. */
TEST(X4_signal_to_one_that_waits_to_be_reaped)
{
    struct proc *p = proc_run(w, PIPES, "exit", "8", NULL);

    raw_process_await(rondo_process_pid(p->process));
    assert_ok(rondo_process_kill(p->process));
    proc_ends(p, 8);
}

/* ---- close -------------------------------------------------------------- */

static void close_it(struct proc *p)
{
    rondo_process_close(p->process);
    rondo_process_close(p->process); /* harmless */
}

static void close_and_reap(struct proc *p)
{
    close_it(p);
    assert_int_equal(p->exited, 0); /* from the loop */
    proc_ends_killed(p);
    assert_int_equal(p->order[0], 'M');
    assert_int_equal(p->error, 0);
    assert_true(raw_zombies() <= 0);
}

TEST_CASE(X4_close_kills_and_reaps, close_and_reap(sleeper(w)));

TEST_CASE(X4_close_before_made,
          close_and_reap(proc_run(w, PIPES, "sleep", NULL)));

static void close_at_data(struct proc *p, int fd)
{
    (void)fd;
    close_it(p);
}

TEST(X4_close_in_each_callback)
{
    struct proc *p = proc_begin(w, PIPES);

    for (int i = 0; i < 5; i++) {
        p->on_made = i == 0 ? close_it : NULL;
        p->on_data = i == 1 ? close_at_data : NULL;
        p->on_exited = i == 2 ? close_it : NULL;
        p->on_pipe_lost = i == 3 ? close_at_data : NULL;
        p->on_lost = i == 4 ? close_it : NULL;
        proc_start(p, "say", "1", "here", "exit", "0", NULL);
        proc_wait(p);
        assert_int_equal(p->exited, 1);
        assert_int_equal(p->error, 0);
    }
}

/* What it has written is in the pipes; that nobody reads them must not
 * matter, nor that a grandchild holds them. */
TEST(X4_close_delivers_what_the_pipes_hold)
{
    struct proc *p =
        proc_run(w, PIPES, "start", "2", "drain", "0", "flood", "1", "60000",
                 "flood", "2", "5", "exit", "0", NULL);

    p->pattern = true;
    raw_process_await(rondo_process_pid(p->process));
    rondo_process_close(p->process);
    proc_ends(p, 0);
    assert_int_equal(p->bytes[1], 60000);
    assert_int_equal(p->bytes[2], 5);
    assert_false(p->wrong);
    for (int fd = 1; fd < 3; fd++)
        assert_int_equal(p->pipe_error[fd], 0);
}

/* One that waits, and one that goes on writing for ever: what the child itself
 * wrote comes first. */
TEST(X4_close_does_not_wait_for_a_grandchild)
{
    struct proc *p = proc_begin(w, PIPES);

    p->on_exited = close_it; /* as a supervisor does */
    proc_start(p, "start", "2", "drain", "0", "exit", "2", NULL);
    proc_ends(p, 2);
    proc_start(p, "start", "3", "flood", "1", "999999999999", "exit", "2",
               NULL);
    proc_ends(p, 2);
}

TEST(X4_close_with_bytes_that_have_not_left)
{
    static const char piece[1 << 20];
    struct proc *p = sleeper(w);

    assert_ok(rondo_transport_write(proc_pipe(p, 0), piece, sizeof piece));
    rondo_process_close(p->process);
    proc_ends_killed(p);
    assert_true(p->pipe_error[0] == RONDO_ECANCELED ||
                p->pipe_error[0] == RONDO_EPIPE);
}

TEST(X4_close_with_a_pipe_that_is_paused)
{
    struct proc *p = proc_run(w, PIPES, "flood", "1", "999999999", NULL);

    test_run_until(w, p->bytes[1]);
    assert_ok(rondo_transport_pause_reading(proc_pipe(p, 1)));
    rondo_process_close(p->process);
    proc_ends_killed(p);
}

/* ---- leaving it --------------------------------------------------------- */

/* ... by a close, or with the loop: the error is what it is told. */
static void leave(struct world *w, bool with_the_loop, int error)
{
    struct proc *p = proc_begin(w, PIPES);
    int64_t pid;

    p->o.leave_running = true;
    start_and_hear(p);
    pid = rondo_process_pid(p->process);
    if (with_the_loop)
        test_close_loop(w);
    else
        rondo_process_close(p->process);
    test_run_until(w, p->lost);
    assert_int_equal(p->lost, 1);
    assert_int_equal(p->exited, 0);
    assert_int_equal(p->error, error);
    assert_true(raw_process_runs(pid));
    raw_process_kill(pid);
    (void)raw_process_wait(pid);
}

TEST_CASE(X4_leave_running, leave(w, false, 0));

TEST_CASE(X4_leave_running_when_the_loop_closes, leave(w, true, RONDO_ECLOSED));

TEST(X4_leave_running_is_nothing_special_until_close)
{
    struct proc *p = proc_begin(w, PIPES);

    p->o.leave_running = true;
    proc_start(p, "exit", "4", NULL);
    proc_ends(p, 4);
}

/* ---- L5: the loop closes ------------------------------------------------ */

TEST(L5_closing_the_loop_kills_and_tells)
{
    enum { MANY = 20 };
    struct proc *p[MANY];

    for (int i = 0; i < MANY; i++) {
        p[i] = proc_run(w, PIPES, "sleep", NULL);
        if (i == MANY / 2)
            test_spin(w, 3);
    }
    test_close_loop(w);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(p[i]->lost, 1);
        assert_int_equal(p[i]->error, RONDO_ECLOSED);
        assert_non_null(strstr(p[i]->last_error, "closed"));
        for (int fd = 0; fd < 3; fd++)
            assert_int_equal(p[i]->pipe_error[fd], RONDO_ECLOSED);
        proc_check_killed(p[i]);
    }
    assert_true(raw_zombies() <= 0);
}

static void start_another(struct proc *p)
{
    assert_error(proc_try(p->user, "exit", "0", NULL), RONDO_ECLOSED);
}

TEST(L5_nothing_starts_while_the_loop_closes)
{
    struct proc *p = proc_run(w, PIPES, "sleep", NULL);

    p->user = proc_new(w);
    p->on_exited = p->on_lost = start_another;
    test_close_loop(w);
    assert_int_equal(p->lost, 1);
}
