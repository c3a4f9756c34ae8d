/* test_executor_cancel.c - jobs that are cancelled, and loops that close. */
/* SPDX-License-Identifier: MIT */
#include "harness_jobs.h"
#include "harness_report.h"

/* A loop of one thread, which is at a held job. */
static struct job *busy_loop(struct world *w)
{
    struct job *j = job_start_held(job_loop(w, 1));

    test_run_until(w, jobs_inside() == 1);
    return j;
}

/* A job that runs until it sees that it is cancelled, if it heeds that. */
static struct job *run_one(struct world *w, rondo_loop *loop, bool heeds,
                           unsigned posts)
{
    struct job *j = job_held(loop);

    atomic_store(&j->heeds, heeds);
    j->posts = posts;
    j->result = 5;
    assert_ok(job_submit(j, NULL));
    test_run_until(w, jobs_inside() == 1);
    return j;
}

/* ---- E2: before the start ----------------------------------------------- */

TEST(E2_cancelled_before_it_begins_it_never_runs)
{
    struct job *first = busy_loop(w);
    struct job *second = job_start(w->other);
    struct job *third = job_start(w->other);

    assert_int_equal(rondo_cancel(w->other, second->id), 0);
    assert_int_equal(second->done, 0); /* not inside the call */
    assert_error(rondo_cancel(w->other, second->id), RONDO_ENOENT);
    job_ends(w, second, RONDO_ECANCELED); /* though the thread is busy */
    assert_int_equal(first->done, 0);
    job_release(first);
    job_ends(w, first, 0);
    job_ends(w, third, 0);
    assert_int_equal(atomic_load(&second->began), 0);
    assert_int_equal(second->done, 1);
}

TEST(E2_a_long_queue_is_cancelled)
{
    enum { MANY = 20000 };
    struct job *first = busy_loop(w);
    struct job **j = test_alloc(w, MANY * sizeof(struct job *));

    for (int i = 0; i < MANY; i++)
        j[i] = job_start(w->other);
    for (int i = MANY; i-- > 0;)
        assert_int_equal(rondo_cancel(w->other, j[i]->id), 0);
    for (int i = 0; i < MANY; i++) {
        job_ends(w, j[i], RONDO_ECANCELED);
        assert_int_equal(atomic_load(&j[i]->began), 0);
    }
    job_release(first);
    job_ends(w, first, 0);
}

struct half {
    atomic_bool inside;
    unsigned done, begun;
};

static int64_t until_cancelled(rondo_job *job, void *arg)
{
    struct half *h = arg;

    atomic_store(&h->inside, true);
    while (!rondo_job_canceled(job))
        raw_yield();
    return 7;
}

static void half_done(rondo_loop *loop, void *arg, int64_t result)
{
    struct half *h = arg;

    assert_int_equal(result, RONDO_ECANCELED);
    h->done++;
    h->begun += rondo_job_begun(loop);
}

/* One of two jobs has begun when both are cancelled, or the loop closes. */
static void try_half(struct world *w, bool by_close)
{
    rondo_loop *loop = job_loop(w, 1);
    struct half *h = test_alloc(w, 2 * sizeof *h);
    rondo_id ids[2];

    for (int i = 0; i < 2; i++) {
        ids[i] = rondo_run_in_executor(loop, NULL, until_cancelled, half_done,
                                       &h[i]);
        assert_true(ids[i] > 0);
    }
    test_run_until(w, atomic_load(&h[0].inside));
    assert_false(rondo_job_begun(loop));
    /* the waiting one first: the thread would take it when the other ends */
    for (int i = 2; i-- > 0 && !by_close;)
        assert_int_equal(rondo_cancel(loop, ids[i]), 0);
    if (!by_close)
        test_run_until(w, h[0].done && h[1].done);
    test_close_other(w);
    assert_int_equal(h[0].done + h[1].done, 2);
    assert_int_equal(h[0].begun, 1);
    assert_int_equal(h[1].begun, 0);
}

TEST_CASE(E2_a_cancelled_job_tells_whether_it_had_begun, try_half(w, false));
TEST_CASE(E2_a_dropped_job_tells_whether_it_had_begun, try_half(w, true));

/* ---- E2: during it ------------------------------------------------------ */

TEST(E2_cancelled_while_it_runs_it_is_told)
{
    struct job *j = run_one(w, w->loop, true, 100);

    assert_int_equal(rondo_cancel(w->loop, j->id), 0);
    assert_error(rondo_cancel(w->loop, j->id), RONDO_ENOENT);
    job_ends(w, j, RONDO_ECANCELED);
    assert_true(atomic_load(&j->saw_canceled));
    assert_int_equal(atomic_load(&j->returned), 1);
    assert_int_equal(j->posted, 100); /* its posts still come first */
}

TEST(E2_done_waits_until_work_returns)
{
    struct job *j = run_one(w, w->loop, false, 0);

    assert_int_equal(rondo_cancel(w->loop, j->id), 0);
    (void)test_run_for(w, RONDO_MS(20));
    assert_int_equal(j->done, 0);
    assert_int_equal(test_metrics(w).live_jobs, 1);
    job_release(j);
    job_ends(w, j, RONDO_ECANCELED);
}

/* Work has returned, and the loop does not know yet. */
TEST(E2_cancelled_after_work_returned)
{
    struct job *j = job_start(w->loop);

    while (atomic_load(&j->returned) == 0)
        raw_sleep_ms(1);
    assert_int_equal(rondo_cancel(w->loop, j->id), 0);
    job_ends(w, j, RONDO_ECANCELED);
}

static void cancel_itself(struct job *j)
{
    assert_error(rondo_cancel(j->loop, j->id), RONDO_ENOENT);
    assert_error(rondo_set_background(j->loop, j->id, true), RONDO_ENOENT);
}

TEST(E2_too_late_in_its_own_done)
{
    struct job *j = job_start(w->loop);

    j->in_done = cancel_itself;
    job_ends(w, j, 0);
    cancel_itself(j);
    assert_false(atomic_load(&j->saw_canceled)); /* it was not told so */
}

TEST(E2_cancelled_at_any_moment_it_is_done_once)
{
    int rounds = 3000 / test_slowness();
    unsigned seed = 12345, outcomes[3] = {0};

    for (int i = 0; i < rounds; i++) {
        struct job *j = job_start(w->loop);
        int result;

        test_let_go_on(w, &seed);
        result = rondo_cancel(w->loop, j->id);
        assert_true(result == 0 || result == RONDO_ENOENT);
        job_ends(w, j, result == 0 ? RONDO_ECANCELED : 0);
        assert_int_equal(atomic_load(&j->began), atomic_load(&j->returned));
        outcomes[result ? 2 : atomic_load(&j->began)]++;
    }
    assert_int_equal(outcomes[0] + outcomes[1] + outcomes[2], rounds);
    assert_true(outcomes[0] + outcomes[1] > 0);
}

/* ---- L5: close ---------------------------------------------------------- */

/* What is done in close was told that, once. */
static void check_closed(const struct job *j, int64_t told)
{
    assert_int_equal(j->done, 1);
    assert_true(j->told == told);
}

static void submit_another(struct job *j)
{
    assert_error(job_submit(job_new(j->loop), NULL), RONDO_ECLOSED);
    assert_error(rondo_set_default_executor(j->loop, NULL), RONDO_ECLOSED);
}

/* It waits for a running job; there are no new jobs and no posts meanwhile. */
TEST(L5_close_waits_for_a_running_job)
{
    struct job *j = run_one(w, w->loop, true, 1);

    j->in_done = submit_another;
    test_close_loop(w);
    check_closed(j, RONDO_ECANCELED);
    assert_true(atomic_load(&j->saw_canceled));
    assert_int_equal(jobs_inside(), 0);
    assert_int_equal(atomic_load(&j->post_error), RONDO_ECLOSED);
    assert_int_equal(j->posted, 0);
}

TEST(L5_close_drops_what_has_not_begun)
{
    struct job *first = busy_loop(w);
    struct job *j[50];

    atomic_store(&first->heeds, true);
    for (int i = 0; i < 50; i++)
        j[i] = job_start(w->other);
    test_close_other(w);
    check_closed(first, RONDO_ECANCELED);
    for (int i = 0; i < 50; i++) {
        check_closed(j[i], RONDO_ECANCELED);
        assert_int_equal(atomic_load(&j[i]->began), 0);
    }
}

TEST(L5_a_job_that_is_over_is_told_its_result)
{
    struct job *j = job_new(w->loop);
    rondo_executor *e = job_executor(1);

    j->result = 3;
    assert_ok(job_submit(j, e));
    assert_ok(rondo_executor_shutdown(e, true)); /* the thread has ended */
    rondo_executor_free(e);
    assert_int_equal(j->done, 0);
    test_close_loop(w);
    check_closed(j, 3);
}

TEST(L5_close_with_a_job_already_cancelled)
{
    struct job *first = busy_loop(w);
    struct job *second = job_start(w->other);

    atomic_store(&first->heeds, true);
    assert_int_equal(rondo_cancel(w->other, second->id), 0);
    assert_int_equal(rondo_cancel(w->other, first->id), 0);
    test_close_other(w);
    check_closed(first, RONDO_ECANCELED);
    check_closed(second, RONDO_ECANCELED);
}

/* ---- L5, L11: a job that does not end ----------------------------------- */

/* A loop that waits that long for jobs, with one that posts when it is late. */
static struct job *stuck_loop(struct world *w, int64_t grace_ns,
                              struct report **r)
{
    rondo_loop_options options = test_loop_options(w);

    options.close_grace_ns = grace_ns;
    assert_ok(rondo_loop_new(&w->other, &options));
    *r = report_on(w, w->other);
    return run_one(w, w->other, false, 3);
}

static void check_left_alone(struct world *w, int64_t grace_ns)
{
    struct report *r;
    struct job *j = stuck_loop(w, grace_ns, &r);
    int64_t start = raw_now_ns();

    test_close_other(w);
    assert_true(raw_now_ns() - start >= grace_ns);
    assert_int_equal(r->count, 1);
    assert_int_equal(r->error, RONDO_ETIMEDOUT);
    assert_true(report_has(r, "still runs"));
    assert_int_equal(jobs_inside(), 1);
    job_release(j);
    jobs_end();
    assert_true(atomic_load(&j->saw_canceled));
    assert_int_equal(j->done, 0);
    assert_int_equal(atomic_load(&j->post_error), RONDO_ECLOSED);
}

TEST_CASE(L11_a_stuck_job_is_reported_and_left_alone,
          check_left_alone(w, RONDO_MS(20)));
TEST_CASE(L5_a_negative_grace_does_not_wait, check_left_alone(w, -1));

static void release_after_a_while(void *arg)
{
    raw_sleep_ms(30);
    job_release(arg);
}

TEST(L5_a_job_that_ends_in_time_is_not_reported)
{
    struct report *r;
    struct job *j = stuck_loop(w, RONDO_NEVER, &r);
    struct raw_thread *thread = raw_thread_start(release_after_a_while, j);

    test_close_other(w);
    assert_int_equal(r->count, 0);
    check_closed(j, RONDO_ECANCELED);
    raw_thread_join(thread);
}

TEST(L5_close_at_any_moment_of_many_jobs)
{
    for (int round = 0; round < 200 / test_slowness() + 1; round++) {
        rondo_loop *loop = test_other_loop(w);
        struct job *j[12];

        for (int i = 0; i < 12; i++) {
            j[i] = job_new(loop);
            j[i]->posts = 2;
            assert_ok(job_submit(j[i], NULL));
        }
        for (int i = 0; i < round % 7; i++)
            raw_yield();
        if (round % 3 == 0)
            assert_ok(rondo_loop_run_once(loop, 0));
        test_close_other(w);
        for (int i = 0; i < 12; i++) {
            assert_int_equal(j[i]->done, 1);
            assert_true(j[i]->told == 0 || j[i]->told == RONDO_ECANCELED);
            assert_int_equal(atomic_load(&j[i]->began),
                             atomic_load(&j[i]->returned));
        }
    }
}
