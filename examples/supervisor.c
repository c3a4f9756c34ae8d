/* supervisor.c - keeps a program running: "supervisor worker --id=1". One that
 * fails again and again is started less and less often. */
/* SPDX-License-Identifier: MIT */
/* Build: cc supervisor.c -o supervisor $(pkg-config --cflags --libs rondo) */
#include <rondo.h>

#include <signal.h>
#include <stdio.h>

#define SHORTEST_DELAY_NS RONDO_MS(100)
#define LONGEST_DELAY_NS  RONDO_SEC(30)
/* One that has lived for so long has begun well. */
#define GOOD_START_NS RONDO_SEC(10)
/* How long it may take to end when it is asked to. */
#define PATIENCE_NS RONDO_SEC(5)

struct job {
    rondo_loop *loop;
    const char *const *argv;
    rondo_process *process; /* NULL: it does not run */
    rondo_id retry;         /* > 0: it is to be started then */
    int64_t started, delay;
    bool stopping;
};

static void start(rondo_loop *loop, void *arg);

static void start_later(struct job *j)
{
    int64_t lived = rondo_loop_time(j->loop) - j->started;
    if (j->stopping)
        return;
    if (lived >= GOOD_START_NS || !j->delay)
        j->delay = SHORTEST_DELAY_NS;
    else if (j->delay < LONGEST_DELAY_NS / 2)
        j->delay *= 2;
    else
        j->delay = LONGEST_DELAY_NS;
    printf("again in %lld ms\n", (long long)(j->delay / RONDO_MS(1)));
    fflush(stdout);
    j->retry = rondo_call_later(j->loop, j->delay, start, j);
    if (j->retry < 0)
        fprintf(stderr, "%s\n", rondo_last_error());
}

static void exited(rondo_process *p, void *self, rondo_exit status)
{
    (void)self;
    long long pid = (long long)rondo_process_pid(p);
    if (!status.known)
        printf("process %lld has ended\n", pid);
    else if (status.signaled)
        printf("process %lld: signal %d\n", pid, status.signal);
    else
        printf("process %lld: exit %lu\n", pid, (unsigned long)status.code);
    fflush(stdout);
}

static void lost(rondo_process *p, void *self, int error)
{
    struct job *j = self;
    (void)p;
    (void)error;
    j->process = NULL;
    start_later(j);
}

static const rondo_process_protocol protocol = {
    .process_exited = exited,
    .connection_lost = lost,
};

static void start(rondo_loop *loop, void *arg)
{
    struct job *j = arg;
    j->retry = 0;
    j->started = rondo_loop_time(loop);
    if (rondo_subprocess_exec(loop, RONDO_PROCESS(.argv = j->argv), &protocol,
                              j, &j->process) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        start_later(j);
    }
}

static void lose_patience(rondo_loop *loop, void *arg)
{
    struct job *j = arg;
    (void)loop;
    rondo_process_kill(j->process);
}

static void stop(rondo_loop *loop, void *arg)
{
    struct job *j = arg;
    if (j->stopping)
        return;
    j->stopping = true;
    if (j->retry > 0)
        rondo_cancel(loop, j->retry);
    if (!j->process)
        return;
    rondo_process_terminate(j->process);
    rondo_id id = rondo_call_later(loop, PATIENCE_NS, lose_patience, j);
    rondo_set_background(loop, id, true);
}

static void told_to_stop(rondo_loop *loop, int signum, void *arg)
{
    (void)signum;
    stop(loop, arg);
}

int main(int argc, char **argv)
{
    struct job job = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: %s PROGRAM [ARG]...\n", argv[0]);
        return 2;
    }
    job.argv = (const char *const *)(argv + 1);
    int error = rondo_loop_new(&job.loop, NULL);
    if (!error)
        error = rondo_add_signal_handler(job.loop, SIGINT, told_to_stop, &job);
    if (!error) {
        /* there is none on Windows */
        (void)rondo_add_signal_handler(job.loop, SIGTERM, told_to_stop, &job);
        start(job.loop, &job);
        error = rondo_loop_run(job.loop);
    }
    if (error < 0)
        fprintf(stderr, "%s\n", rondo_last_error());
    rondo_loop_close(job.loop);
    return error < 0;
}
