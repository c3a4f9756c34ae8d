/* test_faults_wait.c - a loop closes although its waits fail. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_process.h"
#include "harness_report.h"
#include "raw_wait.h"

/* A child that sleeps, and a transport that has more to send than fits. */
static struct proc *begin(struct world *w, struct report **report)
{
    struct proc *p = proc_begin(w, PIPES);
    struct peer *a, *b;

    *report = report_new(w);
    proc_start(p, "say", "1", "here", "sleep", NULL);
    test_run_until(w, p->bytes[1] == 4);
    test_pair(w, &a, &b);
    (void)test_fill_transport(w, a);
    return p;
}

static void check_close(struct world *w, unsigned failures,
                        enum raw_wait_error error)
{
    struct report *report;
    struct proc *p;
    int64_t pid;

    test_skip_if(w, !raw_wait_fails(0, error),
                 "no wait can be made to fail on this system");
    p = begin(w, &report);
    pid = rondo_process_pid(p->process);
    (void)raw_wait_fails(failures, error);
    test_close_loop(w);
    test_skip_if(w, !raw_waits_failed(), "this backend waits otherwise");
    (void)raw_wait_fails(0, error);
    assert_int_equal(p->lost, 1);
    assert_int_equal(p->error, RONDO_ECLOSED);
    assert_true(report->count <= 1); /* however often it failed */
    assert_false(raw_process_runs(pid));
    assert_int_equal(raw_zombies(), 0);
}

TEST_CASE(L5_a_wait_fails_once, check_close(w, 1, RAW_NO_MEMORY));

TEST_CASE(L5_a_wait_fails_a_few_times, check_close(w, 3, RAW_NO_MEMORY));

TEST_CASE(L5_no_wait_works_any_more, check_close(w, 1000000, RAW_NOT_OPEN));

/* ---- jobs --------------------------------------------------------------- */

static int64_t until_canceled(rondo_job *job, void *arg)
{
    (void)arg;
    while (!rondo_job_canceled(job))
        raw_yield();
    return 7;
}

static void job_done(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    assert_int_equal(result, RONDO_ECANCELED);
    ++*(unsigned *)arg;
}

TEST(L5_a_job_is_waited_for_without_waits)
{
    struct report *report = report_new(w);
    unsigned *done = test_counter(w);

    assert_ok(
        rondo_run_in_executor(w->loop, NULL, until_canceled, job_done, done));
    test_skip_if(w, !raw_wait_fails(1000000, RAW_NOT_OPEN),
                 "no wait can be made to fail on this system");
    test_close_loop(w);
    (void)raw_wait_fails(0, RAW_NOT_OPEN);
    assert_int_equal(*done, 1);
    (void)report;
}
