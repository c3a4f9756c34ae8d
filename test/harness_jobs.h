/* harness_jobs.h - jobs that write down what happens to them.
 * SPDX-License-Identifier: MIT
 *
 * A job lives until the last test has ended: a thread may be at it when its loop and
 * its world are gone. What a thread writes is atomic or read after done.
 */
#ifndef RONDO_TEST_HARNESS_JOBS_H
#define RONDO_TEST_HARNESS_JOBS_H

#include "harness.h"

#include <stdatomic.h>

struct job {
    struct job *next;
    rondo_loop *loop;
    rondo_id id;
    int64_t result;     /* what work returns */
    atomic_bool hold;   /* work does not return while this is set */
    atomic_bool heeds;  /* ... unless it sees that it was cancelled */
    unsigned posts;     /* made by work before it returns */
    atomic_bool inside; /* work runs now */
    atomic_uint began, returned;
    atomic_bool saw_canceled; /* when it returned */
    atomic_int post_error;    /* the last post's */
    unsigned posted;          /* posts that have run */
    unsigned done;
    int64_t told; /* done's result */
    char sentence[256];
    const void *thread; /* tells threads apart */
    void (*in_work)(struct job *j, rondo_job *job);
    void (*in_done)(struct job *j);
};

/* A rondo_work_fn that returns 1 and has no job. */
int64_t job_return_1(rondo_job *job, void *arg);
/* Not submitted yet. */
struct job *job_new(rondo_loop *loop);
/* The same, and work waits until job_release. */
struct job *job_held(rondo_loop *loop);
/* The id, which j has, too, or an error. */
rondo_id job_submit(struct job *j, rondo_executor *executor);
/* A job that is submitted to the loop's default and must not fail. */
struct job *job_start(rondo_loop *loop);
struct job *job_start_held(rondo_loop *loop);
void job_release(struct job *j);
/* Runs until done, and checks what it was told and that it came once. */
void job_ends(struct world *w, struct job *j, int64_t told);
/* The calling thread, told apart from others. */
const void *job_this_thread(void);

/* w->other, with so many threads of its own. */
rondo_loop *job_loop(struct world *w, unsigned threads);
rondo_executor *job_executor(unsigned threads);
struct job *job_start_on(rondo_loop *loop, rondo_executor *e, bool held);
/* One with a thread, which is at the held job j[0]; j[1] to j[count] wait. */
rondo_executor *job_busy_executor(struct world *w, struct job **j, int count);

/* How many of the jobs there ever were are at work, now and at most. */
unsigned jobs_inside(void);
unsigned jobs_most(void);
/* Lets all go and waits until no thread is at one. */
void jobs_end(void);
/* ... and until all of the loop are done. */
void jobs_finish(struct world *w);

#endif
