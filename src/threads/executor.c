/* executor.c - jobs on threads, and the executors that run them. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/pool.h"
#include "core/id.h"
#include "core/observe.h"
#include "core/part.h"
#include "core/probe.h"
#include "core/remote.h"

#include <stdio.h>
#include <string.h>

struct executor_state {
    unsigned threads;          /* of the loop's options; 0: our default */
    struct pool *pool;         /* the loop's own, made with its first job */
    struct pool *default_pool; /* of rondo_set_default_executor, or NULL */
    bool begun; /* of the job whose done is called now: its work had begun */
};

/* The default is min(32, cores + 4), as in asyncio. */
enum { MOST_THREADS = 32, THREADS_OVER_CORES = 4, THREADS_LIMIT = 10000 };

/* Jobs refer to the pool only, so the executor may be freed before they end. */
struct rondo_executor {
    struct pool *pool;
};

/* From malloc, since it may outlive the loop. From pool_submit until the loop
 * runs its completion a thread may have it: the thread uses `work`,
 * `completion`, `remote`, `fn`, `arg`, `result` and the atomic fields. All
 * others belong to the loop's thread. */
struct rondo_job {
    struct handle handle;
    struct work work;
    struct completion completion;
    struct task task; /* ends it if no thread will run it */
    rondo_loop *loop;
    rondo_remote *remote;
    struct pool *pool;
    rondo_id id;
    rondo_work_fn fn;
    rondo_done_fn done;
    void *arg;
    int64_t result;
    bool abandoned; /* at loop close: done is not called */
    atomic_bool started, canceled;
};

/* ---- the end of a job ---- */

static void executor_free_job(struct rondo_job *job)
{
    rondo_remote_release(job->remote);
    pool_unref(job->pool);
    sys_free(job);
}

/* What work returned, and no done hears of. */
static void executor_report(rondo_loop *loop, int error)
{
    rondo_exception e = loop_exception(error);
    rondo_loop_call_exception_handler(loop, &e);
}

static void executor_call_done(rondo_loop *loop, rondo_done_fn done, void *arg,
                               int64_t result, bool begun)
{
    struct executor_state *state = loop_part_state(loop, PART_EXECUTOR);
    state->begun = begun;
    OBSERVE_DONE(loop, "run_in_executor", done, loop, arg, result);
    state->begun = false;
}

bool rondo_job_begun(const rondo_loop *loop)
{
    if (!loop)
        return false;
    const struct executor_state *state = loop_part_state(loop, PART_EXECUTOR);
    return state->begun;
}

static void executor_finish(struct rondo_job *job, int64_t result)
{
    /* Else it was cancelled, or dropped by a shutdown or a fork. */
    bool begun = atomic_load(&job->started);
    bool ran = begun && !atomic_load(&job->canceled) && job->task.error == 0;
    rondo_loop *loop = job->loop;
    rondo_done_fn done = job->done;
    void *arg = job->arg;
    assert(!job->abandoned);
    assert(!job->work.link || pool_is_forked(job->pool));
    assert(job->task.state == TASK_IDLE);
    id_free(loop, job->id);
    handle_close(loop, &job->handle);
    executor_free_job(job);
    if (result < 0)
        error_set((int)result, "run_in_executor: the job's result: %s (%s)",
                  rondo_strerror((int)result), rondo_error_name((int)result));
    if (done)
        executor_call_done(loop, done, arg, result, begun);
    else if (result < 0 && ran)
        executor_report(loop, (int)result);
}

static void executor_completed(rondo_loop *loop, struct completion *completion)
{
    struct rondo_job *job =
        (struct rondo_job *)(void *)((char *)completion -
                                     offsetof(struct rondo_job, completion));
    (void)loop;
    assert(job->loop == loop && !job->work.link);
    if (job->abandoned)
        executor_free_job(job);
    else
        executor_finish(job, atomic_load(&job->canceled) ? RONDO_ECANCELED
                                                         : job->result);
}

static void executor_ended(rondo_loop *loop, struct task *task)
{
    (void)loop;
    executor_finish(
        (struct rondo_job *)(void *)((char *)task -
                                     offsetof(struct rondo_job, task)),
        task->error);
}

static void executor_end_later(struct rondo_job *job, int error)
{
    assert(error < 0);
    if (job->task.state != TASK_IDLE)
        return;
    job->task.error = error;
    loop_push(job->loop, &job->task);
    loop_nudge(job->loop);
}

/* ---- on a thread of the pool ---- */

static struct rondo_job *executor_job_of(struct work *work)
{
    return (struct rondo_job *)(void *)((char *)work -
                                        offsetof(struct rondo_job, work));
}

static void executor_run(struct work *work)
{
    struct rondo_job *job = executor_job_of(work);
    assert(!work->link && job->fn);
    atomic_store_explicit(&job->started, true, memory_order_relaxed);
    PROBE2(job_begin, job, job->fn);
    job->result = job->fn(job, job->arg);
    PROBE3(job_end, job, job->fn, job->result);
}

static void executor_give_back(struct work *work)
{
    struct rondo_job *job = executor_job_of(work);
    if (!remote_deliver(job->remote, &job->completion))
        executor_free_job(job);
}

bool rondo_job_canceled(const rondo_job *job)
{
    return !job || atomic_load(&job->canceled);
}

int rondo_job_call_soon(rondo_job *job, rondo_fn fn, void *arg)
{
    if (!job)
        return error_set(RONDO_EINVAL, "job_call_soon: no job");
    return remote_post(job->remote, fn, arg, "job_call_soon");
}

/* ---- the beginning of a job ---- */

/* A job that has not begun is taken out of the queue. One that runs can ask
 * rondo_job_canceled. */
static void executor_cancel(rondo_loop *loop, struct handle *handle)
{
    struct rondo_job *job = (struct rondo_job *)(void *)handle;
    (void)loop;
    assert(!job->abandoned);
    atomic_store(&job->canceled, true);
    if (pool_withdraw(job->pool, &job->work))
        executor_end_later(job, RONDO_ECANCELED);
}

static unsigned executor_default_threads(void)
{
    unsigned threads = sys_cores() + THREADS_OVER_CORES;
    return threads < MOST_THREADS ? threads : MOST_THREADS;
}

/* Returns NULL if there is no memory. */
static struct pool *executor_choose_pool(rondo_loop *loop,
                                         rondo_executor *executor)
{
    if (executor)
        return executor->pool;
    struct executor_state *state = loop_part_state(loop, PART_EXECUTOR);
    if (state->default_pool)
        return state->default_pool;
    if (!state->pool)
        state->pool = pool_new(state->threads ? state->threads
                                              : executor_default_threads());
    return state->pool;
}

static struct rondo_job *executor_job_new(rondo_loop *loop, struct pool *pool)
{
    struct rondo_job *job = pool ? sys_alloc_zeroed(1, sizeof *job) : NULL;
    if (!job)
        return NULL;
    atomic_init(&job->started, false);
    atomic_init(&job->canceled, false);
    job->work.run = executor_run;
    job->work.end = executor_give_back;
    job->completion.done = executor_completed;
    job->task.done = executor_ended;
    job->loop = loop;
    job->remote = rondo_loop_remote(loop);
    assert(job->remote);
    job->pool = pool;
    pool_ref(pool);
    return job;
}

static int executor_explain(int error, const char *what)
{
    switch (error) {
    case RONDO_ECLOSED:
        return error_set(error, "%s: the executor has been shut down", what);
    case RONDO_EFORKED:
        return error_set(
            error, "%s: the executor's threads are the parent process's", what);
    default:
        return error_os(error, "%s: cannot start a thread", what);
    }
}

static int executor_submit(struct rondo_job *job)
{
    handle_open(job->loop, &job->handle, HANDLE_JOB);
    job->id = id_new(job->loop, &job->handle, executor_cancel);
    int error = job->id < 0 ? (int)job->id : 0;
    error_no_os();
    if (error)
        (void)error_in("run_in_executor", error);
    else if ((error = pool_submit(job->pool, &job->work)) != 0)
        (void)executor_explain(error, "run_in_executor");
    if (!error)
        return 0;
    assert(!job->work.link);
    id_free(job->loop, job->id);
    handle_close(job->loop, &job->handle);
    return error;
}

rondo_id rondo_run_in_executor(rondo_loop *loop, rondo_executor *executor,
                               rondo_work_fn work, rondo_done_fn done,
                               void *arg)
{
    int error = loop_check_create(loop, "run_in_executor");
    if (error)
        return error;
    if (!work)
        return error_set(RONDO_EINVAL, "run_in_executor: no function");
    struct rondo_job *job =
        executor_job_new(loop, executor_choose_pool(loop, executor));
    if (!job)
        return error_set(RONDO_ENOMEM, "run_in_executor: out of memory");
    job->fn = work;
    job->done = done;
    job->arg = arg;
    error = executor_submit(job);
    if (error) {
        executor_free_job(job);
        return error;
    }
    assert(job->id > 0);
    PROBE2(job_new, job, work);
    return job->id;
}

/* ---- executors of the program ---- */

static int executor_check_threads(unsigned threads, const char *what)
{
    if (threads <= THREADS_LIMIT)
        return 0;
    return error_set(RONDO_EINVAL, "%s: %u threads; at most %d are allowed",
                     what, threads, THREADS_LIMIT);
}

int rondo_executor_new(rondo_executor **executor, unsigned threads)
{
    if (!executor)
        return error_set(RONDO_EINVAL,
                         "executor_new: nowhere to put the executor");
    *executor = NULL;
    int error = executor_check_threads(threads, "executor_new");
    if (error)
        return error;
    rondo_executor *made = sys_alloc(sizeof *made);
    if (made)
        made->pool = pool_new(threads ? threads : executor_default_threads());
    if (!made || !made->pool) {
        sys_free(made);
        return error_set(RONDO_ENOMEM, "executor_new: out of memory");
    }
    *executor = made;
    return 0;
}

/* Each job goes back to its loop, with RONDO_ECLOSED as its result. */
static void executor_drop_queue(struct pool *pool)
{
    struct work *work = pool_clear(pool);
    while (work) {
        struct work *next = work->next;
        assert(work->run == executor_run && !work->link);
        executor_job_of(work)->result = RONDO_ECLOSED;
        executor_give_back(work);
        work = next;
    }
}

int rondo_executor_shutdown(rondo_executor *executor, bool wait)
{
    const char *what = "executor_shutdown";
    if (!executor)
        return error_set(RONDO_EINVAL, "%s: no executor", what);
    if (pool_is_forked(executor->pool))
        return executor_explain(RONDO_EFORKED, what);
    if (wait && pool_is_own_thread(executor->pool))
        return error_set(RONDO_EBUSY,
                         "%s: one of its jobs cannot wait until it has ended",
                         what);
    pool_close(executor->pool);
    if (wait)
        pool_join(executor->pool);
    else
        executor_drop_queue(executor->pool);
    return 0;
}

void rondo_executor_free(rondo_executor *executor)
{
    if (!executor)
        return;
    if (!pool_is_forked(executor->pool)) {
        pool_close(executor->pool);
        executor_drop_queue(executor->pool);
    }
    pool_unref(executor->pool);
    sys_free(executor);
}

int rondo_set_default_executor(rondo_loop *loop, rondo_executor *executor)
{
    int error = loop_check_create(loop, "set_default_executor");
    if (error)
        return error;
    struct executor_state *state = loop_part_state(loop, PART_EXECUTOR);
    if (executor)
        pool_ref(executor->pool);
    if (state->default_pool)
        pool_unref(state->default_pool);
    state->default_pool = executor ? executor->pool : NULL;
    return 0;
}

unsigned rondo_cpu_count(void)
{
    return sys_cores();
}

/* ---- the part, closing, dump ---- */

/* A function's address, as sys_function_name takes it. */
static rondo_fn executor_plain_function(rondo_work_fn work)
{
    rondo_fn fn;
    memcpy(&fn, &work, sizeof fn);
    return fn;
}

static int executor_check_options(const rondo_loop_options *options,
                                  const char *what)
{
    return executor_check_threads(options->executor_threads, what);
}

static int executor_open_state(rondo_loop *loop,
                               const rondo_loop_options *options)
{
    struct executor_state *state = loop_part_state(loop, PART_EXECUTOR);
    state->threads = options->executor_threads;
    return 0;
}

/* Jobs that still run are reported and forgotten. Their completion finds no
 * loop, so the thread frees them. */
static void executor_abandon(rondo_loop *loop)
{
    struct handle *handle;
    while ((handle = loop->handles[HANDLE_JOB])) {
        struct rondo_job *job = (struct rondo_job *)(void *)handle;
        char name[128];
        assert(!job->abandoned);
        job->abandoned = true;
        handle_close(loop, handle);
        sys_function_name(executor_plain_function(job->fn), name, sizeof name);
        error_set(RONDO_ETIMEDOUT,
                  "loop_close: the job %s still runs; its thread is left to "
                  "end alone, its callback will not be called",
                  name);
        rondo_exception e = loop_exception(RONDO_ETIMEDOUT);
        rondo_loop_call_exception_handler(loop, &e);
    }
}

static void executor_close_pools(rondo_loop *loop)
{
    struct executor_state *state = loop_part_state(loop, PART_EXECUTOR);
    assert(!loop->live[HANDLE_JOB]);
    if (state->pool)
        pool_release(state->pool);
    if (state->default_pool)
        pool_unref(state->default_pool);
    state->pool = state->default_pool = NULL;
}

/* The threads are gone: every job ends with RONDO_EFORKED. */
static void executor_after_fork(rondo_loop *loop)
{
    struct executor_state *state = loop_part_state(loop, PART_EXECUTOR);
    state->pool = NULL; /* leaked: a parent's thread may hold its lock */
    for (struct handle *h = loop->handles[HANDLE_JOB]; h; h = h->next)
        executor_end_later((struct rondo_job *)(void *)h, RONDO_EFORKED);
}

static void executor_close_at_loop_close(rondo_loop *loop,
                                         struct handle *handle)
{
    id_free(loop, ((struct rondo_job *)(void *)handle)->id);
    executor_cancel(loop, handle);
}

static bool executor_describe(const struct handle *handle, char *text,
                              size_t size)
{
    const struct rondo_job *job =
        (const struct rondo_job *)(const void *)handle;
    char name[128];
    sys_function_name(executor_plain_function(job->fn), name, sizeof name);
    snprintf(text, size, "%.100s, %s%s", name,
             atomic_load(&job->started) ? "begun" : "waiting",
             atomic_load(&job->canceled) ? ", cancelled" : "");
    return true;
}

const struct handle_class job_class = {"job", executor_close_at_loop_close,
                                       executor_describe};

const struct loop_part executor_part = {.size = sizeof(struct executor_state),
                                        .check = executor_check_options,
                                        .open = executor_open_state,
                                        .expire = executor_abandon,
                                        .close = executor_close_pools,
                                        .after_fork = executor_after_fork};
