/* harness_jobs.c - jobs that write down what happens to them. */
/* SPDX-License-Identifier: MIT */
#include "harness_jobs.h"

static struct job *all;
static atomic_uint inside, most;
static atomic_bool released;

const void *job_this_thread(void)
{
    static _Thread_local char here;

    return &here;
}

unsigned jobs_inside(void)
{
    return atomic_load(&inside);
}

unsigned jobs_most(void)
{
    return atomic_load(&most);
}

static void enter(struct job *j)
{
    unsigned now = atomic_fetch_add(&inside, 1) + 1;
    unsigned before = atomic_load(&most);

    while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
        continue;
    atomic_store(&j->inside, true);
    atomic_fetch_add(&j->began, 1);
}

static void count_post(rondo_loop *loop, void *arg)
{
    struct job *j = arg;

    if (loop != j->loop || j->done)
        abort(); /* a post that comes after done */
    j->posted++;
}

static bool must_wait(struct job *j, const rondo_job *job)
{
    return atomic_load(&j->hold) && !atomic_load(&released) &&
           !(atomic_load(&j->heeds) && rondo_job_canceled(job));
}

static int64_t work(rondo_job *job, void *arg)
{
    struct job *j = arg;
    int64_t result = j->result;

    j->thread = job_this_thread();
    enter(j);
    if (j->in_work)
        j->in_work(j, job);
    while (must_wait(j, job))
        raw_sleep_ms(1);
    for (unsigned i = 0; i < j->posts; i++)
        atomic_store(&j->post_error, rondo_job_call_soon(job, count_post, j));
    atomic_store(&j->saw_canceled, rondo_job_canceled(job));
    atomic_fetch_add(&j->returned, 1);
    atomic_store(&j->inside, false);
    atomic_fetch_sub(&inside, 1);
    return result;
}

static void done(rondo_loop *loop, void *arg, int64_t result)
{
    struct job *j = arg;

    assert_ptr_equal(loop, j->loop);
    assert_false(atomic_load(&j->inside));
    assert_int_equal(++j->done, 1);
    j->told = result;
    if (result != RONDO_EFORKED && /* a fork may come between the two */
        rondo_job_begun(loop) != (atomic_load(&j->began) > 0))
        abort(); /* its beginning is told wrong */
    (void)snprintf(j->sentence, sizeof j->sentence, "%s", rondo_last_error());
    if (j->in_done)
        j->in_done(j);
}

int64_t job_return_1(rondo_job *job, void *arg)
{
    (void)job;
    (void)arg;
    return 1;
}

struct job *job_new(rondo_loop *loop)
{
    struct job *j = calloc(1, sizeof *j);

    assert_non_null(j);
    j->loop = loop;
    j->next = all;
    all = j;
    return j;
}

struct job *job_held(rondo_loop *loop)
{
    struct job *j = job_new(loop);

    atomic_store(&released, false);
    atomic_store(&j->hold, true);
    return j;
}

rondo_id job_submit(struct job *j, rondo_executor *executor)
{
    j->id = rondo_run_in_executor(j->loop, executor, work, done, j);
    return j->id;
}

struct job *job_start(rondo_loop *loop)
{
    struct job *j = job_new(loop);

    assert_true(assert_ok(job_submit(j, NULL)) > 0);
    return j;
}

struct job *job_start_held(rondo_loop *loop)
{
    struct job *j = job_held(loop);

    assert_true(assert_ok(job_submit(j, NULL)) > 0);
    return j;
}

void job_release(struct job *j)
{
    atomic_store(&j->hold, false);
}

void job_ends(struct world *w, struct job *j, int64_t told)
{
    test_run_until(w, j->done);
    if (j->told != told)
        test_fail(w, "done: %lld (%s), not %lld", (long long)j->told,
                  j->sentence, (long long)told);
    if (told < 0)
        assert_true(strstr(j->sentence, rondo_error_name((int)told)) != NULL);
}

rondo_loop *job_loop(struct world *w, unsigned threads)
{
    rondo_loop_options options = test_loop_options(w);

    options.executor_threads = threads;
    assert_ok(rondo_loop_new(&w->other, &options));
    return w->other;
}

rondo_executor *job_executor(unsigned threads)
{
    rondo_executor *e = NULL;

    assert_ok(rondo_executor_new(&e, threads));
    assert_non_null(e);
    return e;
}

struct job *job_start_on(rondo_loop *loop, rondo_executor *e, bool held)
{
    struct job *j = held ? job_held(loop) : job_new(loop);

    assert_ok(job_submit(j, e));
    return j;
}

rondo_executor *job_busy_executor(struct world *w, struct job **j, int count)
{
    rondo_executor *e = job_executor(1);

    j[0] = job_start_on(w->loop, e, true);
    test_run_until(w, jobs_inside() == 1);
    for (int i = 1; i <= count; i++)
        j[i] = job_start_on(w->loop, e, false);
    return e;
}

void jobs_end(void)
{
    atomic_store(&released, true);
    while (atomic_load(&inside) > 0)
        raw_sleep_ms(1);
    atomic_store(&most, 0);
}

void jobs_finish(struct world *w)
{
    jobs_end();
    test_run_until(w, test_metrics(w).live_jobs == 0);
}

static void free_jobs(void)
{
    jobs_end();
    while (all) {
        struct job *next = all->next;

        free(all);
        all = next;
    }
}

TEST_AROUND(NULL, free_jobs);
