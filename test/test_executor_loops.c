/* test_executor_loops.c - executors, and loops that come and go. */
/* SPDX-License-Identifier: MIT */
#include "harness_jobs.h"

/* ---- E3: loops come and go ---------------------------------------------- */

TEST(E3_an_executor_outlives_loops)
{
    rondo_executor *e = job_executor(2);

    for (int i = 0; i < 20; i++) {
        rondo_loop *loop = test_other_loop(w);
        struct job *j;

        assert_ok(rondo_set_default_executor(loop, e));
        j = job_start(loop);
        if (i % 2)
            job_ends(w, j, 0);
        test_close_other(w);
        assert_int_equal(j->done, 1);
    }
    job_ends(w, job_start_on(w->loop, e, false), 0);
    assert_ok(rondo_executor_shutdown(e, true));
    rondo_executor_free(e);
}

TEST(E3_two_loops_share_one)
{
    rondo_executor *e = job_executor(1);
    rondo_loop *other = test_other_loop(w);
    struct job *mine[20];
    struct job *theirs[20];

    for (int i = 0; i < 20; i++) {
        mine[i] = job_start_on(w->loop, e, false);
        theirs[i] = job_start_on(other, e, false);
    }
    for (int i = 0; i < 20; i++) {
        job_ends(w, mine[i], 0);
        job_ends(w, theirs[i], 0);
        assert_ptr_equal(mine[i]->thread, theirs[i]->thread);
    }
    rondo_executor_free(e);
}

/* The queue of a loop that closes goes, the other's stays. */
TEST(E3_one_of_two_loops_closes)
{
    struct job *j[1];
    rondo_executor *e = job_busy_executor(w, j, 0);
    struct job *theirs = job_start_on(test_other_loop(w), e, false);
    struct job *mine = job_start_on(w->loop, e, false);

    test_close_other(w);
    assert_int_equal(theirs->told, RONDO_ECANCELED);
    job_release(j[0]);
    job_ends(w, j[0], 0);
    job_ends(w, mine, 0);
    assert_int_equal(atomic_load(&theirs->began), 0);
    rondo_executor_free(e);
}

TEST(E3_the_default_may_be_freed_first)
{
    rondo_executor *e = job_executor(1);
    struct job *j;

    assert_ok(rondo_set_default_executor(w->loop, e));
    j = job_start(w->loop);
    assert_ok(rondo_set_default_executor(w->loop, e)); /* again */
    assert_ok(rondo_executor_shutdown(e, true));
    rondo_executor_free(e);
    job_ends(w, j, 0);
    assert_error(job_submit(job_new(w->loop), NULL), RONDO_ECLOSED);
    test_close_loop(w);
}

struct storm {
    rondo_executor *executor;
    const rondo_loop_options *options;
    atomic_uint submitted, refused, done, wrong;
    rondo_loop *loop;
};

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
    while (rondo_run_in_executor(loop, s->executor, job_return_1, count_storm,
                                 s) > 0) {
        atomic_fetch_add(&s->submitted, 1);
        (void)rondo_loop_run_once(loop, 0);
    }
    atomic_fetch_add(&s->refused, 1);
    (void)rondo_loop_run(loop);
    (void)rondo_loop_close(loop);
}

TEST(E3_shut_down_while_threads_submit)
{
    for (int round = 0; round < 6; round++) {
        rondo_loop_options options = test_loop_options(w);
        struct storm *s = test_alloc(w, sizeof *s);
        struct raw_thread *threads[3];

        s->executor = job_executor(2);
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
    rondo_executor *executor;
    struct job *jobs[3]; /* running, running on the executor, waiting there */
};

static int end_in_child(void *arg)
{
    struct family *f = arg;
    rondo_loop *loop = f->jobs[0]->loop;

    for (int i = 0; i < 3; i++) /* here no thread is at them */
        atomic_store(&f->jobs[i]->inside, false);
    if (rondo_loop_after_fork(loop) != 0)
        return 1;
    for (int i = 0; i < 3; i++)
        (void)rondo_loop_run_once(loop, 0);
    for (int i = 0; i < 3; i++)
        if (f->jobs[i]->done != 1 || f->jobs[i]->told != RONDO_EFORKED)
            return 2;
    if (rondo_run_in_executor(loop, f->executor, job_return_1, NULL, NULL) !=
            RONDO_EFORKED ||
        rondo_executor_shutdown(f->executor, true) != RONDO_EFORKED)
        return 3;
    rondo_executor_free(f->executor);
    if (test_child_may_start_threads()) {
        struct job *j = job_new(loop);

        if (job_submit(j, NULL) < 0 || rondo_loop_run(loop) != 0 ||
            j->done != 1)
            return 4;
    }
    return rondo_loop_close(loop) < 0 ? 5 : 0;
}

TEST(L8_jobs_end_in_the_child)
{
    struct family f = {.executor = job_executor(1)};
    int status;

    f.jobs[0] = job_start_held(w->loop);
    f.jobs[1] = job_start_on(w->loop, f.executor, true);
    f.jobs[2] = job_start_on(w->loop, f.executor, false);
    test_run_until(w, jobs_inside() == 2);
    status = raw_fork_run(end_in_child, &f);
    jobs_end();
    for (int i = 0; i < 3; i++)
        job_ends(w, f.jobs[i], 0);
    rondo_executor_free(f.executor);
    test_skip_if(w, status == -1, "no fork on this platform");
    assert_int_equal(status, 0);
}
