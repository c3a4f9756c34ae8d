/* test_executor_shutdown.c - executors of the program's. */
/* SPDX-License-Identifier: MIT */
#include "harness_jobs.h"

static rondo_executor *new_executor(unsigned threads)
{
    rondo_executor *e = NULL;

    assert_ok(rondo_executor_new(&e, threads));
    assert_non_null(e);
    return e;
}

static struct job *start_on(rondo_loop *loop, rondo_executor *e, bool held)
{
    struct job *j = held ? job_held(loop) : job_new(loop);

    assert_ok(job_submit(j, e));
    return j;
}

/* One that is at a job, with `count` more queued. */
static rondo_executor *busy_executor(struct world *w, struct job **j, int count)
{
    rondo_executor *e = new_executor(1);

    j[0] = start_on(w->loop, e, true);
    test_run_until(w, jobs_inside() == 1);
    for (int i = 1; i <= count; i++)
        j[i] = start_on(w->loop, e, false);
    return e;
}

static void check_refused(struct world *w, rondo_executor *e)
{
    struct job *j = job_new(w->loop);

    assert_error(job_submit(j, e), RONDO_ECLOSED);
    assert_true(strstr(rondo_last_error(), "shut down") != NULL);
    assert_int_equal(j->done, 0);
}

/* ---- E3: shutting down -------------------------------------------------- */

static void E3_shutdown_that_waits_finishes_the_queue(void **state)
{
    struct world *w = *state;
    struct job *j[31];
    rondo_executor *e = busy_executor(w, j, 30);

    job_release(j[0]);
    assert_ok(rondo_executor_shutdown(e, true));
    assert_int_equal(jobs_inside(), 0);
    for (int i = 0; i < 31; i++) {
        assert_int_equal(atomic_load(&j[i]->returned), 1);
        assert_int_equal(j[i]->done, 0); /* from the loop alone */
    }
    for (int i = 0; i < 31; i++)
        job_ends(w, j[i], 0);
    rondo_executor_free(e);
}

static void E3_shutdown_that_does_not_wait_drops_the_queue(void **state)
{
    struct world *w = *state;
    struct job *j[31];
    rondo_executor *e = busy_executor(w, j, 30);

    assert_ok(rondo_executor_shutdown(e, false));
    for (int i = 1; i < 31; i++)
        assert_int_equal(j[i]->done, 0); /* not inside the call */
    for (int i = 1; i < 31; i++) {
        job_ends(w, j[i], RONDO_ECLOSED);
        assert_int_equal(atomic_load(&j[i]->began), 0);
    }
    assert_int_equal(j[0]->done, 0);
    job_release(j[0]);
    job_ends(w, j[0], 0); /* what had begun ends as ever */
    rondo_executor_free(e);
}

static void E3_shut_down_twice(void **state)
{
    struct world *w = *state;
    struct job *j[3];
    rondo_executor *e = busy_executor(w, j, 2);

    assert_ok(rondo_executor_shutdown(e, false));
    assert_ok(rondo_executor_shutdown(e, false));
    job_release(j[0]);
    assert_ok(rondo_executor_shutdown(e, true));
    assert_ok(rondo_executor_shutdown(e, true));
    job_ends(w, j[0], 0);
    rondo_executor_free(e);

    e = new_executor(4); /* and one that never had a thread */
    assert_ok(rondo_executor_shutdown(e, true));
    assert_ok(rondo_executor_shutdown(e, false));
    rondo_executor_free(e);
}

static void E3_no_jobs_after_shutdown(void **state)
{
    struct world *w = *state;
    rondo_executor *e = new_executor(2);

    w->expect_clean = true;
    job_ends(w, start_on(w->loop, e, false), 0);
    assert_ok(rondo_executor_shutdown(e, true));
    check_refused(w, e);
    assert_ok(rondo_set_default_executor(w->loop, e));
    check_refused(w, NULL);
    assert_ok(rondo_set_default_executor(w->loop, NULL));
    job_ends(w, job_start(w->loop), 0);
    rondo_executor_free(e);
}

struct inside {
    rondo_executor *executor;
    bool wait;
    int result;
};

static int64_t shut_down(rondo_job *job, void *arg)
{
    struct inside *in = arg;

    (void)job;
    in->result = rondo_executor_shutdown(in->executor, in->wait);
    return 1;
}

static void count_1(rondo_loop *loop, void *arg, int64_t result)
{
    struct inside *in = arg;

    (void)loop;
    (void)result;
    in->wait = false;
    in->executor = NULL;
}

static int shut_down_inside(struct world *w, rondo_executor *e, bool wait)
{
    struct inside *in = test_alloc(w, sizeof *in);

    *in = (struct inside){e, wait, 1};
    assert_ok(rondo_run_in_executor(w->loop, e, shut_down, count_1, in));
    test_run_until(w, !in->executor);
    return in->result;
}

static void E3_shut_down_by_one_of_its_jobs(void **state)
{
    struct world *w = *state;
    rondo_executor *e = new_executor(2);

    assert_int_equal(shut_down_inside(w, e, true), RONDO_EBUSY);
    job_ends(w, start_on(w->loop, e, false), 0); /* nothing has happened */
    assert_int_equal(shut_down_inside(w, e, false), 0);
    check_refused(w, e);
    rondo_executor_free(e);
}

static int64_t free_it(rondo_job *job, void *arg)
{
    struct inside *in = arg;

    (void)job;
    rondo_executor_free(in->executor);
    return 1;
}

static void E3_freed_by_one_of_its_jobs(void **state)
{
    struct world *w = *state;
    struct inside *in = test_alloc(w, sizeof *in);
    rondo_executor *e = new_executor(1);

    in->executor = e;
    assert_ok(rondo_run_in_executor(w->loop, e, free_it, count_1, in));
    test_run_until(w, !in->executor);
}

static void E3_a_job_may_shut_down_another_executor(void **state)
{
    struct world *w = *state;
    struct inside *in = test_alloc(w, sizeof *in);
    rondo_executor *e = new_executor(2);

    *in = (struct inside){e, true, 1};
    assert_ok(rondo_run_in_executor(w->loop, NULL, shut_down, count_1, in));
    test_run_until(w, !in->executor);
    assert_int_equal(in->result, 0);
    rondo_executor_free(e);
}

static void E3_freed_while_its_jobs_run(void **state)
{
    struct world *w = *state;
    struct job *j[4];
    rondo_executor *e = busy_executor(w, j, 3);

    rondo_executor_free(e);
    for (int i = 1; i < 4; i++)
        job_ends(w, j[i], RONDO_ECLOSED);
    assert_int_equal(rondo_cancel(w->loop, j[0]->id), 0);
    job_release(j[0]);
    job_ends(w, j[0], RONDO_ECANCELED);
}

static void E3_cancelled_and_dropped_is_cancelled(void **state)
{
    struct world *w = *state;
    struct job *j[3];
    rondo_executor *e = busy_executor(w, j, 2);

    assert_ok(rondo_executor_shutdown(e, false));
    assert_int_equal(rondo_cancel(w->loop, j[1]->id), 0);
    job_ends(w, j[1], RONDO_ECANCELED);
    job_ends(w, j[2], RONDO_ECLOSED);
    job_release(j[0]);
    job_ends(w, j[0], 0);
    rondo_executor_free(e);
}

/* ---- E3: loops come and go ---------------------------------------------- */

static void E3_an_executor_outlives_loops(void **state)
{
    struct world *w = *state;
    rondo_executor *e = new_executor(2);

    for (int i = 0; i < 20; i++) {
        rondo_loop *loop = test_other_loop(w);
        struct job *j;

        assert_ok(rondo_set_default_executor(loop, e));
        j = job_start(loop);
        if (i % 2)
            job_ends(w, j, 0);
        assert_ok(rondo_loop_close(loop));
        w->other = NULL;
        assert_int_equal(j->done, 1);
    }
    job_ends(w, start_on(w->loop, e, false), 0);
    assert_ok(rondo_executor_shutdown(e, true));
    rondo_executor_free(e);
}

static void E3_two_loops_share_one(void **state)
{
    struct world *w = *state;
    rondo_executor *e = new_executor(1);
    rondo_loop *other = test_other_loop(w);
    struct job *mine[20];
    struct job *theirs[20];

    for (int i = 0; i < 20; i++) {
        mine[i] = start_on(w->loop, e, false);
        theirs[i] = start_on(other, e, false);
    }
    for (int i = 0; i < 20; i++) {
        job_ends(w, mine[i], 0);
        job_ends(w, theirs[i], 0);
        assert_ptr_equal(mine[i]->thread, theirs[i]->thread);
    }
    rondo_executor_free(e);
}

/* The queue of a loop that closes goes, the other's stays. */
static void E3_one_of_two_loops_closes(void **state)
{
    struct world *w = *state;
    struct job *j[1];
    rondo_executor *e = busy_executor(w, j, 0);
    rondo_loop *other = test_other_loop(w);
    struct job *theirs = start_on(other, e, false);
    struct job *mine = start_on(w->loop, e, false);

    assert_ok(rondo_loop_close(other));
    w->other = NULL;
    assert_int_equal(theirs->told, RONDO_ECANCELED);
    job_release(j[0]);
    job_ends(w, j[0], 0);
    job_ends(w, mine, 0);
    assert_int_equal(atomic_load(&theirs->began), 0);
    rondo_executor_free(e);
}

static void E3_the_default_may_be_freed_first(void **state)
{
    struct world *w = *state;
    rondo_executor *e = new_executor(1);
    struct job *j;

    assert_ok(rondo_set_default_executor(w->loop, e));
    j = job_start(w->loop);
    assert_ok(rondo_set_default_executor(w->loop, e)); /* again */
    assert_ok(rondo_executor_shutdown(e, true));
    rondo_executor_free(e);
    job_ends(w, j, 0);
    check_refused(w, NULL);
    test_close_loop(w);
}

struct storm {
    rondo_executor *executor;
    const rondo_loop_options *options;
    atomic_uint submitted, refused, done, wrong;
    rondo_loop *loop;
};

static int64_t return_1(rondo_job *job, void *arg)
{
    (void)job;
    (void)arg;
    return 1;
}

static void count_storm(rondo_loop *loop, void *arg, int64_t result)
{
    struct storm *s = arg;

    (void)loop;
    atomic_fetch_add(&s->done, 1);
    if (result != 1 && result != RONDO_ECLOSED)
        atomic_fetch_add(&s->wrong, 1);
}

static void submit_until_refused(void *arg)
{
    struct storm *s = arg;
    rondo_loop *loop;

    if (rondo_loop_new(&loop, s->options) < 0)
        return;
    while (rondo_run_in_executor(loop, s->executor, return_1, count_storm, s) >
           0) {
        atomic_fetch_add(&s->submitted, 1);
        (void)rondo_loop_run_once(loop, 0);
    }
    atomic_fetch_add(&s->refused, 1);
    (void)rondo_loop_run(loop);
    (void)rondo_loop_close(loop);
}

static void E3_shut_down_while_threads_submit(void **state)
{
    struct world *w = *state;

    for (int round = 0; round < 6; round++) {
        rondo_loop_options options = test_loop_options(w);
        struct storm *s = test_alloc(w, sizeof *s);
        struct raw_thread *threads[3];

        s->executor = new_executor(2);
        options.allocator = NULL; /* the counting one is for one thread */
        s->options = &options;
        for (int i = 0; i < 3; i++)
            threads[i] = raw_thread_start(submit_until_refused, s);
        while (atomic_load(&s->submitted) < 300)
            raw_sleep_ms(1);
        assert_ok(rondo_executor_shutdown(s->executor, round % 2));
        for (int i = 0; i < 3; i++)
            raw_thread_join(threads[i]);
        assert_int_equal(atomic_load(&s->refused), 3);
        assert_int_equal(atomic_load(&s->done), atomic_load(&s->submitted));
        assert_int_equal(atomic_load(&s->wrong), 0);
        rondo_executor_free(s->executor);
    }
}

/* ---- L8: a fork --------------------------------------------------------- */

struct family {
    struct world *w;
    rondo_executor *executor;
    struct job *running, *queued, *theirs;
};

static bool all_forked(const struct family *f)
{
    struct job *jobs[] = {f->running, f->queued, f->theirs};

    for (int i = 0; i < 3; i++)
        if (jobs[i]->done != 1 || jobs[i]->told != RONDO_EFORKED)
            return false;
    return true;
}

static int end_in_child(void *arg)
{
    struct family *f = arg;
    rondo_loop *loop = f->w->loop;

    /* here no thread is at them */
    atomic_store(&f->running->inside, false);
    atomic_store(&f->theirs->inside, false);
    if (rondo_loop_after_fork(loop) != 0)
        return 1;
    for (int i = 0; i < 3; i++)
        (void)rondo_loop_run_once(loop, 0);
    if (!all_forked(f))
        return 2;
    if (rondo_run_in_executor(loop, f->executor, return_1, NULL, NULL) !=
            RONDO_EFORKED ||
        rondo_executor_shutdown(f->executor, true) != RONDO_EFORKED)
        return 3;
    rondo_executor_free(f->executor);
#if !THREAD_SANITIZER /* it ends a child that starts a thread */
    struct job *j = job_new(loop);

    if (job_submit(j, NULL) < 0 || rondo_loop_run(loop) != 0 || j->done != 1)
        return 4;
#endif
    return rondo_loop_close(loop) < 0 ? 5 : 0;
}

static void L8_jobs_end_in_the_child(void **state)
{
    struct world *w = *state;
    struct family f = {.w = w, .executor = new_executor(1)};
    int status;

    f.running = job_start_held(w->loop);
    f.theirs = start_on(w->loop, f.executor, true);
    f.queued = start_on(w->loop, f.executor, false);
    test_run_until(w, jobs_inside() == 2);
    status = raw_fork_run(end_in_child, &f);
    jobs_end();
    job_ends(w, f.running, 0);
    job_ends(w, f.theirs, 0);
    job_ends(w, f.queued, 0);
    rondo_executor_free(f.executor);
    if (status == -1)
        test_skip(w, "no fork on this platform");
    assert_int_equal(status, 0);
}

/* ---- G1, G3 ------------------------------------------------------------- */

static void make_and_free(void *arg)
{
    int *result = arg;
    rondo_executor *e = NULL;

    *result = rondo_executor_new(&e, 1);
    if (*result == 0)
        *result = rondo_executor_shutdown(e, true);
    rondo_executor_free(e);
}

static void G3_executors_are_any_threads(void **state)
{
    struct world *w = *state;
    int result = 1;

    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(100)));
    raw_thread_join(raw_thread_start(make_and_free, &result));
    assert_int_equal(result, 0);
}

static void G1_null_and_wrong_arguments(void **state)
{
    struct world *w = *state;

    w->expect_clean = true;
    assert_error(rondo_executor_new(NULL, 1), RONDO_EINVAL);
    assert_error(rondo_executor_shutdown(NULL, true), RONDO_EINVAL);
    rondo_executor_free(NULL);
    assert_error(rondo_set_default_executor(NULL, NULL), RONDO_EINVAL);
    assert_error(rondo_run_in_executor(NULL, NULL, return_1, NULL, NULL),
                 RONDO_EINVAL);
    assert_error(rondo_run_in_executor(w->loop, NULL, NULL, NULL, NULL),
                 RONDO_EINVAL);
    assert_true(rondo_job_canceled(NULL));
    assert_error(rondo_job_call_soon(NULL, NULL, NULL), RONDO_EINVAL);
}

static void G8_out_of_memory_is_an_error(void **state)
{
    struct world *w = *state;
    unsigned failed = 0;

    w->expect_clean = true;
    for (int i = 0; i < 40; i++) { /* the arrays grow on the way */
        struct job *j = job_held(w->loop);

        test_fail_allocation(w, 1);
        if (job_submit(j, NULL) < 0) {
            assert_error(j->id, RONDO_ENOMEM);
            failed++;
        }
        test_fail_allocation(w, 0);
    }
    assert_true(failed > 0);
    jobs_end();
    test_run_until(w, test_metrics(w).live_jobs == 0);
}

int main(void)
{
    const struct test tests[] = {
        TEST(E3_shutdown_that_waits_finishes_the_queue),
        TEST(E3_shutdown_that_does_not_wait_drops_the_queue),
        TEST(E3_shut_down_twice),
        TEST(E3_no_jobs_after_shutdown),
        TEST(E3_shut_down_by_one_of_its_jobs),
        TEST(E3_freed_by_one_of_its_jobs),
        TEST(E3_a_job_may_shut_down_another_executor),
        TEST(E3_freed_while_its_jobs_run),
        TEST(E3_cancelled_and_dropped_is_cancelled),
        TEST(E3_an_executor_outlives_loops),
        TEST(E3_two_loops_share_one),
        TEST(E3_one_of_two_loops_closes),
        TEST(E3_the_default_may_be_freed_first),
        TEST(E3_shut_down_while_threads_submit),
        TEST(L8_jobs_end_in_the_child),
        TEST(G3_executors_are_any_threads),
        TEST(G8_out_of_memory_is_an_error),
        TEST(G1_null_and_wrong_arguments),
    };

    return job_run("executor_shutdown", tests, TEST_COUNT(tests));
}
