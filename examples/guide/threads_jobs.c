/* threads_jobs.c - work on threads: a result, progress, a cancelled job. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>

/* ---- on a thread: nothing of the loop may be used here ---- */

static int64_t count_primes(rondo_job *job, void *arg)
{
    int limit = *(int *)arg, count = 0;
    (void)job;
    for (int n = 2; n < limit; n++) {
        int d = 2;
        while (d * d <= n && n % d)
            d++;
        count += d * d > n;
    }
    return count;
}

static void half_done(rondo_loop *loop, void *arg)
{
    (void)loop;
    (void)arg;
    printf("progress: half\n"); /* on the loop's thread */
}

static int64_t report(rondo_job *job, void *arg)
{
    rondo_job_call_soon(job, half_done, arg);
    return 0;
}

static void begun(rondo_loop *loop, void *arg)
{
    rondo_id *id = arg;
    rondo_cancel(loop, *id);
}

static int64_t forever(rondo_job *job, void *arg)
{
    rondo_job_call_soon(job, begun, arg);
    while (!rondo_job_canceled(job))
        ; /* a piece of the work */
    return 0;
}

static int64_t fail(rondo_job *job, void *arg)
{
    (void)job;
    (void)arg;
    return rondo_set_error(RONDO_EPROTO, "the third line makes no sense");
}

/* ---- on the loop's thread, once for each job ---- */

static void counted(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    printf("%d primes below %d\n", (int)result, *(int *)arg);
}

static void ended(rondo_loop *loop, void *arg, int64_t result)
{
    (void)arg;
    if (result == RONDO_ECANCELED)
        printf("cancelled, %s\n",
               rondo_job_begun(loop) ? "while it ran" : "before it began");
    else
        printf("ended: %s\n", rondo_error_name((int)result));
}

int main(void)
{
    static int limit = 10000;
    static rondo_id id;
    rondo_loop *loop;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        /* NULL: the loop's own executor */
        rondo_run_in_executor(loop, NULL, count_primes, counted, &limit) < 0 ||
        rondo_loop_run(loop) < 0 ||
        rondo_run_in_executor(loop, NULL, report, ended, NULL) < 0 ||
        rondo_loop_run(loop) < 0 ||
        rondo_run_in_executor(loop, NULL, fail, ended, NULL) < 0 ||
        rondo_loop_run(loop) < 0 ||
        (id = rondo_run_in_executor(loop, NULL, forever, ended, &id)) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "threads_jobs: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
