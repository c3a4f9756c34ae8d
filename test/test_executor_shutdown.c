/* test_executor_shutdown.c - executors of the program's. */
/* SPDX-License-Identifier: MIT */
#include "harness_jobs.h"

static void check_refused(struct world *w, rondo_executor *e)
{
    struct job *j = job_new(w->loop);

    assert_error(job_submit(j, e), RONDO_ECLOSED);
    assert_true(strstr(rondo_last_error(), "shut down") != NULL);
    assert_int_equal(j->done, 0);
}

/* ---- E3: shutting down -------------------------------------------------- */

TEST(E3_shutdown_that_waits_finishes_the_queue)
{
    struct job *j[31];
    rondo_executor *e = job_busy_executor(w, j, 30);

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

TEST(E3_shutdown_that_does_not_wait_drops_the_queue)
{
    struct job *j[31];
    rondo_executor *e = job_busy_executor(w, j, 30);

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

TEST(E3_shut_down_twice)
{
    struct job *j[3];
    rondo_executor *e = job_busy_executor(w, j, 2);

    assert_ok(rondo_executor_shutdown(e, false));
    assert_ok(rondo_executor_shutdown(e, false));
    job_release(j[0]);
    assert_ok(rondo_executor_shutdown(e, true));
    assert_ok(rondo_executor_shutdown(e, true));
    job_ends(w, j[0], 0);
    rondo_executor_free(e);

    e = job_executor(4); /* and one that never had a thread */
    assert_ok(rondo_executor_shutdown(e, true));
    assert_ok(rondo_executor_shutdown(e, false));
    rondo_executor_free(e);
}

TEST(E3_no_jobs_after_shutdown)
{
    rondo_executor *e = job_executor(2);

    w->expect_clean = true;
    job_ends(w, job_start_on(w->loop, e, false), 0);
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

TEST(E3_shut_down_by_one_of_its_jobs)
{
    rondo_executor *e = job_executor(2);

    assert_int_equal(shut_down_inside(w, e, true), RONDO_EBUSY);
    job_ends(w, job_start_on(w->loop, e, false), 0); /* nothing has happened */
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

TEST(E3_freed_by_one_of_its_jobs)
{
    struct inside *in = test_alloc(w, sizeof *in);
    rondo_executor *e = job_executor(1);

    in->executor = e;
    assert_ok(rondo_run_in_executor(w->loop, e, free_it, count_1, in));
    test_run_until(w, !in->executor);
}

TEST(E3_a_job_may_shut_down_another_executor)
{
    struct inside *in = test_alloc(w, sizeof *in);
    rondo_executor *e = job_executor(2);

    *in = (struct inside){e, true, 1};
    assert_ok(rondo_run_in_executor(w->loop, NULL, shut_down, count_1, in));
    test_run_until(w, !in->executor);
    assert_int_equal(in->result, 0);
    rondo_executor_free(e);
}

TEST(E3_freed_while_its_jobs_run)
{
    struct job *j[4];
    rondo_executor *e = job_busy_executor(w, j, 3);

    rondo_executor_free(e);
    for (int i = 1; i < 4; i++)
        job_ends(w, j[i], RONDO_ECLOSED);
    assert_int_equal(rondo_cancel(w->loop, j[0]->id), 0);
    job_release(j[0]);
    job_ends(w, j[0], RONDO_ECANCELED);
}

TEST(E3_cancelled_and_dropped_is_cancelled)
{
    struct job *j[3];
    rondo_executor *e = job_busy_executor(w, j, 2);

    assert_ok(rondo_executor_shutdown(e, false));
    assert_int_equal(rondo_cancel(w->loop, j[1]->id), 0);
    job_ends(w, j[1], RONDO_ECANCELED);
    job_ends(w, j[2], RONDO_ECLOSED);
    job_release(j[0]);
    job_ends(w, j[0], 0);
    rondo_executor_free(e);
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

TEST(G3_executors_are_any_threads)
{
    int result = 1;

    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(100)));
    raw_thread_join(raw_thread_start(make_and_free, &result));
    assert_int_equal(result, 0);
}

static int64_t return_1(rondo_job *job, void *arg)
{
    (void)job;
    (void)arg;
    return 1;
}

static void never_found(rondo_loop *loop, void *arg,
                        const rondo_address *addresses, size_t count,
                        const char *canonical, int error)
{
    (void)loop, (void)arg, (void)addresses;
    (void)count, (void)canonical, (void)error;
    abort();
}

static void never_named(rondo_loop *loop, void *arg, const char *host,
                        const char *service, int error)
{
    (void)loop, (void)arg, (void)host, (void)service, (void)error;
    abort();
}

struct stranger {
    rondo_loop *loop;
    int64_t results[5];
};

static void use_loop(void *arg)
{
    struct stranger *s = arg;
    rondo_address a;

    (void)rondo_address_parse(&a, "127.0.0.1", 1);
    s->results[0] = rondo_run_in_executor(s->loop, NULL, return_1, NULL, NULL);
    s->results[1] = rondo_set_default_executor(s->loop, NULL);
    s->results[2] =
        rondo_getaddrinfo(s->loop, "::1", "1", NULL, never_found, NULL);
    s->results[3] = rondo_getnameinfo(s->loop, &a, 0, never_named, NULL);
    s->results[4] = rondo_set_resolver(s->loop, NULL);
}

TEST(G3_the_rest_is_the_loops_threads)
{
    struct stranger s = {.loop = w->loop};

    w->expect_clean = true;
    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(100)));
    raw_thread_join(raw_thread_start(use_loop, &s));
    for (int i = 0; i < 5; i++)
        assert_int_equal(s.results[i], RONDO_ETHREAD);
}

TEST(G1_null_and_wrong_arguments)
{
    rondo_loop_options options = test_loop_options(w);
    rondo_executor *e = NULL;

    w->expect_clean = true;
    assert_einval(rondo_executor_new(NULL, 1));
    assert_refused(rondo_executor_new(&e, (unsigned)-1), RONDO_EINVAL, "10000");
    assert_null(e);
    options.executor_threads = 10001;
    assert_einval(rondo_loop_new(&w->other, &options));
    assert_einval(rondo_executor_shutdown(NULL, true));
    rondo_executor_free(NULL);
    assert_einval(rondo_set_default_executor(NULL, NULL));
    assert_einval(rondo_run_in_executor(NULL, NULL, return_1, NULL, NULL));
    assert_einval(rondo_run_in_executor(w->loop, NULL, NULL, NULL, NULL));
    assert_true(rondo_job_canceled(NULL));
    assert_einval(rondo_job_call_soon(NULL, NULL, NULL));
}

TEST(G8_out_of_memory_is_an_error)
{
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
