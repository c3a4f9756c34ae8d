/* test_executor_shutdown.c - executors of the program's. */
/* SPDX-License-Identifier: MIT */
#include "harness_jobs.h"
#include "harness_names.h"

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

/* What had begun ends as ever; what is cancelled as well is cancelled. */
TEST(E3_shutdown_that_does_not_wait_drops_the_queue)
{
    struct job *j[31];
    rondo_executor *e = job_busy_executor(w, j, 30);

    assert_ok(rondo_executor_shutdown(e, false));
    assert_int_equal(rondo_cancel(w->loop, j[30]->id), 0);
    for (int i = 1; i < 31; i++)
        assert_int_equal(j[i]->done, 0); /* not inside the call */
    for (int i = 1; i < 31; i++) {
        job_ends(w, j[i], i == 30 ? RONDO_ECANCELED : RONDO_ECLOSED);
        assert_int_equal(atomic_load(&j[i]->began), 0);
    }
    assert_int_equal(j[0]->done, 0);
    job_release(j[0]);
    job_ends(w, j[0], 0);
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

    job_ends(w, job_start_on(w->loop, e, false), 0);
    assert_ok(rondo_executor_shutdown(e, true));
    check_refused(w, e);
    assert_ok(rondo_set_default_executor(w->loop, e));
    check_refused(w, NULL);
    assert_ok(rondo_set_default_executor(w->loop, NULL));
    job_ends(w, job_start(w->loop), 0);
    rondo_executor_free(e);
}

static struct {
    rondo_executor *executor;
    bool wait;
    int result;
} inside;

static void shut_down(struct job *j, rondo_job *job)
{
    (void)j;
    (void)job;
    inside.result = rondo_executor_shutdown(inside.executor, inside.wait);
}

static void free_it(struct job *j, rondo_job *job)
{
    (void)j;
    (void)job;
    rondo_executor_free(inside.executor);
}

/* A job of an executor does that to `e`: what shutdown answers it. */
static int do_inside(struct world *w, rondo_executor *where, rondo_executor *e,
                     bool wait, void (*act)(struct job *j, rondo_job *job))
{
    struct job *j = job_new(w->loop);

    inside.executor = e;
    inside.wait = wait;
    j->in_work = act;
    assert_ok(job_submit(j, where));
    job_ends(w, j, 0);
    return inside.result;
}

TEST(E3_shut_down_by_one_of_its_jobs)
{
    rondo_executor *e = job_executor(2);

    assert_int_equal(do_inside(w, e, e, true, shut_down), RONDO_EBUSY);
    job_ends(w, job_start_on(w->loop, e, false), 0); /* nothing has happened */
    assert_int_equal(do_inside(w, e, e, false, shut_down), 0);
    check_refused(w, e);
    (void)do_inside(w, NULL, e, false, free_it);
    e = job_executor(2); /* a job may shut down another executor */
    assert_int_equal(do_inside(w, NULL, e, true, shut_down), 0);
    rondo_executor_free(e);
}

TEST(E3_freed_by_one_of_its_jobs)
{
    rondo_executor *e = job_executor(1);

    (void)do_inside(w, e, e, false, free_it);
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

/* ---- G1, G3 ------------------------------------------------------------- */

struct stranger {
    rondo_loop *loop;
    int64_t forbidden[5], allowed[2];
};

static void be_a_stranger(void *arg)
{
    struct stranger *s = arg;
    rondo_loop *loop = s->loop;
    rondo_executor *e = NULL;
    rondo_address a;

    s->allowed[0] = rondo_executor_new(&e, 1);
    s->allowed[1] = rondo_executor_shutdown(e, true);
    rondo_executor_free(e);
    (void)rondo_address_parse(&a, "127.0.0.1", 1);
    s->forbidden[0] =
        rondo_run_in_executor(loop, NULL, job_return_1, NULL, NULL);
    s->forbidden[1] = rondo_set_default_executor(loop, NULL);
    s->forbidden[2] =
        rondo_getaddrinfo(loop, "::1", "1", NULL, found_never, NULL);
    s->forbidden[3] = rondo_getnameinfo(loop, &a, 0, named_never, NULL);
    s->forbidden[4] = rondo_set_resolver(loop, NULL);
}

TEST(G3_executors_are_any_threads_but_not_the_rest)
{
    struct stranger s = {.loop = w->loop};

    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(100)));
    raw_thread_join(raw_thread_start(be_a_stranger, &s));
    for (int i = 0; i < 2; i++)
        assert_int_equal(s.allowed[i], 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(s.forbidden[i], RONDO_ETHREAD);
}

TEST(G1_null_and_wrong_arguments)
{
    rondo_loop_options options = test_loop_options(w);
    rondo_executor *e = NULL;

    assert_einval(rondo_executor_new(NULL, 1));
    assert_refused(rondo_executor_new(&e, (unsigned)-1), RONDO_EINVAL, "10000");
    assert_null(e);
    options.executor_threads = 10001;
    assert_einval(rondo_loop_new(&w->other, &options));
    assert_einval(rondo_executor_shutdown(NULL, true));
    rondo_executor_free(NULL);
    assert_einval(rondo_set_default_executor(NULL, NULL));
    assert_einval(rondo_run_in_executor(NULL, NULL, job_return_1, NULL, NULL));
    assert_einval(rondo_run_in_executor(w->loop, NULL, NULL, NULL, NULL));
    assert_true(rondo_job_canceled(NULL));
    assert_einval(rondo_job_call_soon(NULL, NULL, NULL));
}

TEST(G8_out_of_memory_is_an_error)
{
    unsigned failed = 0;

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
    jobs_finish(w);
}
