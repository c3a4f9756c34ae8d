/* job.c - a job on a thread, its progress on the loop. */
/* SPDX-License-Identifier: MIT */
/* Build: cc job.c -o job $(pkg-config --cflags --libs rondo) */
#include <rondo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

struct sum {
    rondo_id id;
    atomic_int percent;
    atomic_bool posted;
    uint64_t total;
};

static void progress(rondo_loop *loop, void *arg)
{
    struct sum *s = arg;
    (void)loop;
    atomic_store(&s->posted, false);
    printf("%d%%\n", atomic_load(&s->percent));
}
static int64_t work(rondo_job *job, void *arg)
{
    struct sum *s = arg;
    for (int i = 0; i < 100; i++) {
        if (rondo_job_canceled(job))
            return RONDO_ECANCELED;
        for (int j = 0; j < 10000000; j++)
            s->total += (uint64_t)j;
        atomic_store(&s->percent, i);
        if (!atomic_exchange(&s->posted, true))
            rondo_job_call_soon(job, progress, s);
    }
    return 0;
}
static void done(rondo_loop *loop, void *arg, int64_t result)
{
    struct sum *s = arg;
    rondo_remove_signal_handler(loop, SIGINT);
    if (result < 0)
        printf("%s\n", rondo_strerror((int)result));
    else
        printf("%llu\n", (unsigned long long)s->total);
}
static void interrupted(rondo_loop *loop, int signum, void *arg)
{
    struct sum *s = arg;
    (void)signum;
    rondo_cancel(loop, s->id);
}

int main(void)
{
    static struct sum s;
    rondo_loop *loop;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_add_signal_handler(loop, SIGINT, interrupted, &s) < 0 ||
        (s.id = rondo_run_in_executor(loop, NULL, work, done, &s)) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    rondo_loop_run(loop);
    rondo_loop_close(loop);
    return 0;
}
