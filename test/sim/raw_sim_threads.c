/* raw_sim_threads.c - raw.h's threads and time on a simulated host. */
/* SPDX-License-Identifier: MIT */
#include "../raw.h"

#include "rondo_sim.h"

#include <stdlib.h>

struct raw_thread {
    void (*fn)(void *arg);
    void *arg;
    bool ended;
};

static void run_thread(void *arg)
{
    struct raw_thread *thread = arg;
    thread->fn(thread->arg);
    thread->ended = true;
}

struct raw_thread *raw_thread_start(void (*fn)(void *arg), void *arg)
{
    struct raw_thread *thread = malloc(sizeof *thread);
    *thread = (struct raw_thread){fn, arg, false};
    if (rondo_sim_thread(run_thread, thread) < 0) {
        free(thread);
        return NULL;
    }
    return thread;
}

void raw_thread_join(struct raw_thread *thread)
{
    while (!thread->ended)
        (void)rondo_sim_sleep(1000);
    free(thread);
}

void raw_sleep_ms(int ms)
{
    (void)rondo_sim_sleep(RONDO_MS(ms));
}

void raw_yield(void)
{
    (void)rondo_sim_sleep(1000);
}

/* As the clock of a loop on this host. A look at it takes time, for those who
 * look until it is over. */
int64_t raw_now_ns(void)
{
    (void)rondo_sim_sleep(2000);
    return RONDO_SEC(1000) + rondo_sim_now();
}

/* Time passes by waits alone. */
int64_t raw_thread_cpu_ns(void)
{
    return 0;
}

unsigned raw_cores(void)
{
    return 4;
}

int raw_count_threads(void)
{
    return -1;
}

bool raw_under_valgrind(void)
{
    return false;
}

bool raw_emulated(void)
{
    return true; /* no forks with threads, no programs */
}

int raw_slowness(void)
{
    return 1;
}

int raw_fork_run(int (*fn)(void *arg), void *arg)
{
    (void)fn;
    (void)arg;
    return -1;
}

bool raw_sigpipe_untouched(void)
{
    return true;
}
