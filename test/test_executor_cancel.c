/* test_executor_cancel.c - jobs that are cancelled, and loops that close. */
/* SPDX-License-Identifier: MIT */
#include "harness_jobs.h"

/* A loop of one thread, which is at a held job. */
static struct job *busy_loop(struct world *w)
{
    rondo_loop_options options = test_loop_options(w);
    struct job *j;

    options.executor_threads = 1;
    assert_ok(rondo_loop_new(&w->other, &options));
    j = job_start_held(w->other);
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

/* ---- E2: during it ------------------------------------------------------ */

TEST(E2_cancelled_while_it_runs_it_is_told)
{
    struct job *j = job_held(w->loop);

    atomic_store(&j->heeds, true);
    j->result = 5;
    assert_ok(job_submit(j, NULL));
    test_run_until(w, jobs_inside() == 1);
    assert_int_equal(rondo_cancel(w->loop, j->id), 0);
    assert_error(rondo_cancel(w->loop, j->id), RONDO_ENOENT);
    job_ends(w, j, RONDO_ECANCELED);
    assert_true(atomic_load(&j->saw_canceled));
    assert_int_equal(atomic_load(&j->returned), 1);
}

TEST(E2_done_waits_until_work_returns)
{
    struct job *j = job_start_held(w->loop);

    test_run_until(w, jobs_inside() == 1);
    assert_int_equal(rondo_cancel(w->loop, j->id), 0);
    (void)test_run_for(w, RONDO_MS(20));
    assert_int_equal(j->done, 0);
    assert_int_equal(test_metrics(w).live_jobs, 1);
    job_release(j);
    job_ends(w, j, RONDO_ECANCELED);
}

TEST(E2_not_cancelled_it_is_not_told_so)
{
    struct job *j = job_start(w->loop);

    job_ends(w, j, 0);
    assert_false(atomic_load(&j->saw_canceled));
    assert_error(rondo_cancel(w->loop, j->id), RONDO_ENOENT);
}

/* Work has returned, and the loop does not know yet. */
TEST(E2_cancelled_after_work_returned)
{
    struct job *j = job_new(w->loop);

    j->result = 9;
    assert_ok(job_submit(j, NULL));
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
    struct job *j = job_new(w->loop);

    j->in_done = cancel_itself;
    assert_ok(job_submit(j, NULL));
    job_ends(w, j, 0);
}

TEST(E2_posts_of_a_cancelled_job_still_come_first)
{
    struct job *j = job_held(w->loop);

    atomic_store(&j->heeds, true);
    j->posts = 100;
    assert_ok(job_submit(j, NULL));
    test_run_until(w, jobs_inside() == 1);
    assert_int_equal(rondo_cancel(w->loop, j->id), 0);
    job_ends(w, j, RONDO_ECANCELED);
    assert_int_equal(j->posted, 100);
}

TEST(E2_cancelled_at_any_moment_it_is_done_once)
{
    int rounds = 3000 / test_slowness();
    unsigned seed = 12345, outcomes[3] = {0};

    w->expect_clean = true;
    for (int i = 0; i < rounds; i++) {
        struct job *j = job_start(w->loop);
        int result;

        seed = seed * 1103515245 + 12345;
        for (unsigned n = seed >> 16 & 15; n > 0; n--)
            raw_yield();
        if (seed >> 24 & 1)
            test_spin(w, 1);
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

TEST(L5_close_waits_for_a_running_job)
{
    struct job *j = job_held(w->loop);

    atomic_store(&j->heeds, true);
    assert_ok(job_submit(j, NULL));
    test_run_until(w, jobs_inside() == 1);
    test_close_loop(w);
    assert_int_equal(j->done, 1);
    assert_int_equal(j->told, RONDO_ECANCELED);
    assert_true(atomic_load(&j->saw_canceled));
    assert_int_equal(jobs_inside(), 0);
}

TEST(L5_close_drops_what_has_not_begun)
{
    struct job *first = busy_loop(w);
    struct job *j[50];

    atomic_store(&first->heeds, true);
    for (int i = 0; i < 50; i++)
        j[i] = job_start(w->other);
    assert_ok(rondo_loop_close(w->other));
    w->other = NULL;
    assert_int_equal(first->told, RONDO_ECANCELED);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(j[i]->done, 1);
        assert_int_equal(j[i]->told, RONDO_ECANCELED);
        assert_int_equal(atomic_load(&j[i]->began), 0);
    }
}

TEST(L5_a_job_that_is_over_is_told_its_result)
{
    struct job *j = job_new(w->loop);
    rondo_executor *e;

    j->result = 3;
    assert_ok(rondo_executor_new(&e, 1));
    assert_ok(job_submit(j, e));
    assert_ok(rondo_executor_shutdown(e, true)); /* the thread has ended */
    rondo_executor_free(e);
    assert_int_equal(j->done, 0);
    test_close_loop(w);
    assert_int_equal(j->done, 1);
    assert_true(j->told == 3);
}

TEST(L5_close_with_a_job_already_cancelled)
{
    struct job *first = busy_loop(w);
    struct job *second = job_start(w->other);

    atomic_store(&first->heeds, true);
    assert_int_equal(rondo_cancel(w->other, second->id), 0);
    assert_int_equal(rondo_cancel(w->other, first->id), 0);
    assert_ok(rondo_loop_close(w->other));
    w->other = NULL;
    assert_int_equal(first->told, RONDO_ECANCELED);
    assert_int_equal(second->told, RONDO_ECANCELED);
    assert_int_equal(first->done + second->done, 2);
}

static void submit_another(struct job *j)
{
    struct job *other = job_new(j->loop);

    assert_error(job_submit(other, NULL), RONDO_ECLOSED);
    assert_error(rondo_set_default_executor(j->loop, NULL), RONDO_ECLOSED);
}

TEST(L5_no_new_jobs_while_it_closes)
{
    struct job *j = job_held(w->loop);

    atomic_store(&j->heeds, true);
    j->posts = 1;
    j->in_done = submit_another;
    assert_ok(job_submit(j, NULL));
    test_run_until(w, jobs_inside() == 1);
    test_close_loop(w);
    assert_int_equal(j->done, 1);
    assert_int_equal(atomic_load(&j->post_error), RONDO_ECLOSED);
    assert_int_equal(j->posted, 0);
}

struct reports {
    unsigned count;
    int error;
    char message[256];
};

static void keep_report(rondo_loop *loop, void *arg,
                        const rondo_exception *what)
{
    struct reports *r = arg;

    (void)loop;
    r->count++;
    r->error = what->error;
    (void)snprintf(r->message, sizeof r->message, "%s", what->message);
}

/* A loop that waits that long for jobs, with a job that does not end. */
static struct job *stuck_loop(struct world *w, int64_t grace_ns,
                              struct reports *reports)
{
    rondo_loop_options options = test_loop_options(w);
    struct job *j;

    options.close_grace_ns = grace_ns;
    assert_ok(rondo_loop_new(&w->other, &options));
    assert_ok(rondo_loop_set_exception_handler(w->other, keep_report, reports));
    j = job_held(w->other);
    j->posts = 3; /* later than the loop's end */
    assert_ok(job_submit(j, NULL));
    test_run_until(w, jobs_inside() == 1);
    return j;
}

static void check_left_alone(struct world *w, struct job *j,
                             const struct reports *r)
{
    assert_ok(rondo_loop_close(w->other));
    w->other = NULL;
    assert_int_equal(r->count, 1);
    assert_int_equal(r->error, RONDO_ETIMEDOUT);
    assert_true(strstr(r->message, "still runs") != NULL);
    assert_int_equal(jobs_inside(), 1);
    job_release(j);
    jobs_end();
    assert_true(atomic_load(&j->saw_canceled));
    assert_int_equal(j->done, 0);
}

TEST(L11_a_stuck_job_is_reported_and_left_alone)
{
    struct reports r = {0};
    struct job *j = stuck_loop(w, RONDO_MS(20), &r);
    int64_t start = raw_now_ns();

    check_left_alone(w, j, &r);
    assert_true(raw_now_ns() - start >= RONDO_MS(20));
    assert_int_equal(atomic_load(&j->post_error), RONDO_ECLOSED);
}

TEST(L5_a_negative_grace_does_not_wait)
{
    struct reports r = {0};

    check_left_alone(w, stuck_loop(w, -1, &r), &r);
}

static void release_after_a_while(void *arg)
{
    raw_sleep_ms(30);
    job_release(arg);
}

TEST(L5_a_job_that_ends_in_time_is_not_reported)
{
    struct reports r = {0};
    struct job *j = stuck_loop(w, RONDO_NEVER, &r);
    struct raw_thread *thread = raw_thread_start(release_after_a_while, j);

    assert_ok(rondo_loop_close(w->other));
    w->other = NULL;
    assert_int_equal(r.count, 0);
    assert_int_equal(j->done, 1);
    assert_int_equal(j->told, RONDO_ECANCELED);
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
        assert_ok(rondo_loop_close(loop));
        w->other = NULL;
        for (int i = 0; i < 12; i++) {
            assert_int_equal(j[i]->done, 1);
            assert_true(j[i]->told == 0 || j[i]->told == RONDO_ECANCELED);
            assert_int_equal(atomic_load(&j[i]->began),
                             atomic_load(&j[i]->returned));
        }
    }
}
