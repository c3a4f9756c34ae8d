/* test_process_close.c - signals to a child, closing it, leaving it. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

#include <signal.h>

static struct proc *begin(struct world *w, rondo_process_options *o)
{
    return proc_begin(
        w, o,
        proc_options(RONDO_STDIO_PIPE, RONDO_STDIO_PIPE, RONDO_STDIO_PIPE));
}

/* a child that has said that it is there, and then sleeps */
static void start_sleeper(struct proc *p, const rondo_process_options *o)
{
    proc_start(p, o, "say", "1", "here", "sleep", NULL);
    test_run_until(p->w, p->bytes[1] == 4);
}

/* ---- signals ------------------------------------------------------------ */

TEST(X4_terminate)
{
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    start_sleeper(p, &o);
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
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    start_sleeper(p, &o);
    assert_false(rondo_process_returncode(p->process, NULL));
    assert_ok(rondo_process_kill(p->process));
    proc_wait(p);
    proc_check_killed(p);
}

TEST(X4_send_signal)
{
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    test_skip_if(p->w, !raw_has_signals(), "no signals on this system");
    start_sleeper(p, &o);
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
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    p->on_exited = signal_dead;
    p->on_lost = signal_dead;
    proc_start(p, &o, "exit", "0", NULL);
    proc_wait(p);
}

/* Ended, but the loop has not heard of it: its number is still its own. */
TEST(X4_signal_to_one_that_waits_to_be_reaped)
{
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    proc_start(p, &o, "exit", "8", NULL);
    raw_process_await(rondo_process_pid(p->process));
    assert_ok(rondo_process_kill(p->process));
    proc_wait(p);
    proc_check_exit(p, 8);
}

/* ---- close -------------------------------------------------------------- */

TEST(X4_close_kills_and_reaps)
{
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    start_sleeper(p, &o);
    rondo_process_close(p->process);
    rondo_process_close(p->process); /* harmless */
    assert_int_equal(p->exited, 0);  /* from the loop */
    proc_wait(p);
    proc_check_killed(p);
    assert_int_equal(p->error, 0);
    assert_true(raw_zombies() <= 0);
}

TEST(X4_close_before_made)
{
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    proc_start(p, &o, "sleep", NULL);
    rondo_process_close(p->process);
    proc_wait(p);
    assert_int_equal(p->order[0], 'M');
    proc_check_killed(p);
}

static void close_it(struct proc *p)
{
    rondo_process_close(p->process);
    rondo_process_close(p->process);
}

static void close_at_data(struct proc *p, int fd)
{
    (void)fd;
    close_it(p);
}

TEST(X4_close_in_each_callback)
{
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    for (int i = 0; i < 5; i++) {
        *p = (struct proc){.w = p->w,
                           .on_made = i == 0 ? close_it : NULL,
                           .on_data = i == 1 ? close_at_data : NULL,
                           .on_exited = i == 2 ? close_it : NULL,
                           .on_pipe_lost = i == 3 ? close_at_data : NULL,
                           .on_lost = i == 4 ? close_it : NULL};
        proc_start(p, &o, "say", "1", "here", "exit", "0", NULL);
        proc_wait(p);
        assert_int_equal(p->exited, 1);
        assert_int_equal(p->error, 0);
    }
}

/* What it has written is in the pipes; that nobody reads them must not
 * matter, nor that a grandchild holds them. */
TEST(X4_close_delivers_what_the_pipes_hold)
{
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    p->pattern = true;
    proc_start(p, &o, "start", "2", "drain", "0", "flood", "1", "60000",
               "flood", "2", "5", "exit", "0", NULL);
    raw_process_await(rondo_process_pid(p->process));
    rondo_process_close(p->process);
    proc_wait(p);
    assert_int_equal(p->bytes[1], 60000);
    assert_int_equal(p->bytes[2], 5);
    assert_false(p->wrong);
    proc_check_exit(p, 0);
    for (int fd = 1; fd < 3; fd++)
        assert_int_equal(p->pipe_error[fd], 0);
}

TEST(X4_close_does_not_wait_for_a_grandchild)
{
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    p->on_exited = close_it; /* as a supervisor does */
    proc_start(p, &o, "start", "2", "drain", "0", "exit", "2", NULL);
    proc_wait(p);
    proc_check_exit(p, 2);
}

/* It goes on writing for ever: what the child itself wrote comes first. */
TEST(X4_close_does_not_wait_for_a_flooding_grandchild)
{
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    p->on_exited = close_it;
    proc_start(p, &o, "start", "3", "flood", "1", "999999999999", "exit", "2",
               NULL);
    proc_wait(p);
    proc_check_exit(p, 2);
}

TEST(X4_close_with_bytes_that_have_not_left)
{
    static const char piece[1 << 20];
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    start_sleeper(p, &o);
    assert_true(rondo_transport_write(rondo_process_pipe(p->process, 0), piece,
                                      sizeof piece) >= 0);
    rondo_process_close(p->process);
    proc_wait(p);
    assert_true(p->pipe_error[0] == RONDO_ECANCELED ||
                p->pipe_error[0] == RONDO_EPIPE);
    proc_check_killed(p);
}

TEST(X4_close_with_a_pipe_that_is_paused)
{
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    proc_start(p, &o, "flood", "1", "999999999", NULL);
    test_run_until(p->w, p->bytes[1]);
    assert_ok(rondo_transport_pause_reading(rondo_process_pipe(p->process, 1)));
    rondo_process_close(p->process);
    proc_wait(p);
    proc_check_killed(p);
}

/* ---- leaving it --------------------------------------------------------- */

TEST(X4_leave_running)
{
    rondo_process_options o;
    struct proc *p = begin(w, &o);
    int64_t pid;

    o.leave_running = true;
    start_sleeper(p, &o);
    pid = rondo_process_pid(p->process);
    rondo_process_close(p->process);
    proc_wait(p);
    assert_int_equal(p->exited, 0);
    assert_int_equal(p->error, 0);
    assert_true(raw_process_runs(pid));
    raw_process_kill(pid);
    (void)raw_process_wait(pid);
}

TEST(X4_leave_running_when_the_loop_closes)
{
    rondo_process_options o;
    struct proc *p = begin(w, &o);
    int64_t pid;

    o.leave_running = true;
    start_sleeper(p, &o);
    pid = rondo_process_pid(p->process);
    test_close_loop(p->w);
    assert_int_equal(p->lost, 1);
    assert_int_equal(p->exited, 0);
    assert_int_equal(p->error, RONDO_ECANCELED);
    assert_true(raw_process_runs(pid));
    raw_process_kill(pid);
    (void)raw_process_wait(pid);
}

TEST(X4_leave_running_is_nothing_special_until_close)
{
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    o.leave_running = true;
    proc_start(p, &o, "exit", "4", NULL);
    proc_wait(p);
    proc_check_exit(p, 4);
}

/* ---- L5: the loop closes ------------------------------------------------ */

TEST(L5_closing_the_loop_kills_and_tells)
{
    enum { MANY = 20 };
    rondo_process_options o;
    struct proc *p = begin(w, &o);
    struct proc *many[MANY];

    for (int i = 0; i < MANY; i++) {
        many[i] = proc_new(p->w);
        proc_start(many[i], &o, "sleep", NULL);
        if (i == MANY / 2)
            test_spin(p->w, 3);
    }
    test_close_loop(p->w);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(many[i]->lost, 1);
        assert_int_equal(many[i]->error, RONDO_ECANCELED);
        assert_non_null(strstr(many[i]->last_error, "closed"));
        for (int fd = 0; fd < 3; fd++)
            assert_int_equal(many[i]->pipe_error[fd], RONDO_ECANCELED);
        proc_check_killed(many[i]);
    }
    assert_true(raw_zombies() <= 0);
}

static void start_another(struct proc *p)
{
    assert_error(proc_try(p->user, NULL, "exit", "0", NULL), RONDO_ECLOSED);
}

TEST(L5_nothing_starts_while_the_loop_closes)
{
    rondo_process_options o;
    struct proc *p = begin(w, &o);

    p->user = proc_new(p->w);
    p->on_exited = p->on_lost = start_another;
    proc_start(p, &o, "sleep", NULL);
    test_close_loop(p->w);
    assert_int_equal(p->lost, 1);
}
