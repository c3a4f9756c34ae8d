/* threads_loops.c - two loops on two threads, which post to each other. */
/* SPDX-License-Identifier: MIT */
#include <rondo.h>
#include <stdio.h>

struct loops {
    rondo_remote *home, *worker; /* senders: any thread may use them */
    int64_t sum;                 /* the worker's alone */
};

/* ---- on the worker's thread ---- */

static void add(rondo_loop *loop, void *arg)
{
    struct loops *l = rondo_loop_data(loop);
    l->sum += *(int *)arg;
}

static void show(rondo_loop *loop, void *arg);

static void finish(rondo_loop *loop, void *arg)
{
    struct loops *l = arg;
    rondo_remote_call(l->home, show, l); /* back to the home loop */
    rondo_loop_stop(loop);
}

static void go(rondo_loop *loop, void *arg);

/* A thread with a loop of its own; here a job, it may be any thread. */
static int64_t worker(rondo_job *job, void *arg)
{
    struct loops *l = arg;
    rondo_loop *loop;
    (void)job;
    if (rondo_loop_new(&loop, NULL) < 0)
        return RONDO_ENOMEM;
    rondo_loop_set_data(loop, l);
    l->worker = rondo_loop_remote(loop);
    rondo_remote_call(l->home, go, l); /* from now on it can be posted to */
    rondo_loop_run_forever(loop);      /* until it is stopped */
    return rondo_loop_close(loop);
}

/* ---- on the home loop's thread ---- */

static void go(rondo_loop *loop, void *arg)
{
    static int numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    struct loops *l = arg;
    (void)loop;
    for (int i = 0; i < 10; i++)
        rondo_remote_call(l->worker, add, &numbers[i]);
    rondo_remote_call(l->worker, finish, l); /* runs after those before */
}

static void show(rondo_loop *loop, void *arg)
{
    struct loops *l = arg;
    (void)loop;
    printf("the sum is %d\n", (int)l->sum);
}

/* The worker's loop is gone; its sender is not, and says so. */
static void ended(rondo_loop *loop, void *arg, int64_t result)
{
    struct loops *l = arg;
    int error = rondo_remote_call(l->worker, add, NULL);
    (void)loop;
    printf("the worker ended with %d; a post to it: %s\n", (int)result,
           rondo_error_name(error));
    rondo_remote_release(l->worker);
    rondo_remote_release(l->home);
}

int main(void)
{
    struct loops l = {0};
    rondo_loop *loop;
    if (rondo_loop_new(&loop, NULL) < 0 ||
        !(l.home = rondo_loop_remote(loop)) ||
        rondo_run_in_executor(loop, NULL, worker, ended, &l) < 0 ||
        rondo_loop_run(loop) < 0) {
        fprintf(stderr, "threads_loops: %s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
