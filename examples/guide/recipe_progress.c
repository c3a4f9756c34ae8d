/* recipe_progress.c - code that blocks, on a thread: it tells how far it is, and
 * can be cancelled. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdatomic.h>
#include <stdio.h>

struct task {
    rondo_loop *loop;
    const char *name;
    rondo_id id;
    atomic_int percent; /* written by the thread, read by the loop */
    atomic_bool posted; /* one report at a time is enough */
    bool cancel_soon;
    int shown;
    bool begun;
    int64_t result;
};

/* On the loop's thread, before done. */
static void report(rondo_loop *loop, void *arg)
{
    struct task *t = arg;
    atomic_store(&t->posted, false);
    t->shown = atomic_load(&t->percent);
    if (t->cancel_soon)
        rondo_cancel(loop, t->id);
}

/* On a thread. t is the thread's until done is called, except what is atomic. */
static int64_t work(rondo_job *job, void *arg)
{
    struct task *t = arg;
    for (int percent = 0; percent <= 100;) {
        if (rondo_job_canceled(job))
            return RONDO_ECANCELED; /* done gets that in any case */
        /* ... a piece of work: some milliseconds, not more ... */
        atomic_store(&t->percent, percent);
        if (!atomic_exchange(&t->posted, true))
            rondo_job_call_soon(job, report, t);
        if (!t->cancel_soon || percent < 50) /* else it waits to be cancelled */
            percent++;
    }
    return 100;
}

static void done(rondo_loop *loop, void *arg, int64_t result)
{
    struct task *t = arg;
    t->result = result;
    t->begun = rondo_job_begun(loop);
}

static void print(const struct task *t)
{
    if (t->result < 0)
        printf("%s: %s, and had %s\n", t->name,
               rondo_error_name((int)t->result),
               t->begun ? "begun" : "not begun");
    else
        printf("%s: %d %%, shown last: %d %%\n", t->name, (int)t->result,
               t->shown);
}

int main(void)
{
    static struct task whole = {.name = "whole"};
    static struct task part = {.name = "part", .cancel_soon = true};
    static struct task none = {.name = "none"};
    rondo_executor *one_thread = NULL;
    rondo_loop *loop = NULL;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        rondo_executor_new(&one_thread, 1) < 0)
        goto failed;
    struct task *tasks[] = {&whole, &part, &none};
    for (int i = 0; i < 3; i++) {
        tasks[i]->id =
            rondo_run_in_executor(loop, one_thread, work, done, tasks[i]);
        if (tasks[i]->id < 0)
            goto failed;
    }
    rondo_cancel(loop, none.id); /* two others are before it */
    if (rondo_loop_run(loop) < 0)
        goto failed;
    rondo_executor_free(one_thread);
    for (int i = 0; i < 3; i++)
        print(tasks[i]);
    return rondo_loop_close(loop) < 0;
failed:
    fprintf(stderr, "recipe_progress: %s\n", rondo_last_error());
    return 1;
}
