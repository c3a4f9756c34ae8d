/* guard.c - ends a run of a trial that hangs. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/try.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A host in an endless loop, or in a wait that is none of the simulation's,
 * keeps the baton: no code of the simulation runs any more. So a thread outside
 * of it looks on. It counts its looks instead of reading a clock: a process
 * that a debugger or a busy machine has stopped does not hang. */
enum { LOOK_MS = 100, TIMEOUT_S = 10, WHOLE = 12 };

struct guard_look {
    uint64_t seed, worlds, events, switches;
};

static struct try_run *guard_run;
static double guard_seconds;
static bool guard_tells;
static int guard_on; /* an atomic: the thread ends when it is 0 */

static double guard_timeout(void)
{
    const char *text = getenv("RONDO_SIM_TIMEOUT");
    return text && *text ? strtod(text, NULL) : TIMEOUT_S;
}

/* The world goes on meanwhile: any value will do, as long as it changes. */
__attribute__((no_sanitize("thread"))) static struct guard_look guard_look(void)
{
    return (struct guard_look){guard_run->seed, guard_run->worlds, sim.events,
                               sim.switches};
}

static bool guard_is_same(const struct guard_look *a,
                          const struct guard_look *b)
{
    return a->seed == b->seed && a->worlds == b->worlds &&
           a->events == b->events && a->switches == b->switches;
}

/* ---- a machine that is busy with others ---- */

static int64_t guard_cpu_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Is that thread of the process in state R, as the third word of its file says
 * behind the name? */
static bool guard_can_run(const char *task)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", task);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    (void)!fgets(text, sizeof text, file);
    fclose(file);
    const char *name_ends = strrchr(text, ')');
    return name_ends && strncmp(name_ends, ") R", 3) == 0;
}

/* A thread could run: it computes, or gets no processor. Then the time that it
 * has had counts, and not the clock's. */
static bool guard_waits_for_cpu(void)
{
    DIR *tasks = opendir("/proc/self/task");
    char self[24];
    bool any = false;
    snprintf(self, sizeof self, "%ld", (long)syscall(SYS_gettid));
    for (struct dirent *d; tasks && !any && (d = readdir(tasks));)
        any = *d->d_name != '.' && strcmp(d->d_name, self) != 0 &&
              guard_can_run(d->d_name);
    if (tasks)
        closedir(tasks);
    return any;
}

/* ---- the end ---- */

/* The sentence of a run without events. */
__attribute__((no_sanitize("thread"))) static void guard_tell_stuck(void)
{
    char who[100] = "the driver";
    const struct sim_thread *t = sim.current;
    if (t && t->host)
        snprintf(who, sizeof who, "thread %u of host \"%s\"", t->number,
                 t->host->name);
    snprintf(guard_run->text, sizeof guard_run->text,
             "it hangs: at %.6f s of virtual time %s computes, or waits for "
             "something that is not simulated; no event for %g s "
             "(RONDO_SIM_TIMEOUT)",
             (double)sim.now / 1e9, who, guard_seconds);
}

__attribute__((no_sanitize("thread"))) static void guard_tell_long(void)
{
    snprintf(guard_run->text, sizeof guard_run->text,
             "it does not end: %g s, %llu events in this world, %.6f s of "
             "virtual time (RONDO_SIM_TIMEOUT)",
             guard_seconds * WHOLE, (unsigned long long)sim.events,
             (double)sim.now / 1e9);
}

static void guard_end(bool stuck)
{
    if (!__atomic_load_n(&guard_on, __ATOMIC_SEQ_CST))
        return;
    if (stuck)
        guard_tell_stuck();
    else
        guard_tell_long();
    guard_run->failed = guard_run->hung = true;
    if (guard_tells)
        fprintf(stderr, "rondo_sim: seed %llu fails: %s\n",
                (unsigned long long)guard_run->seed, guard_run->text);
    _exit(1);
}

static void *guard_main(void *arg)
{
    static const struct timespec pause = {0, LOOK_MS * 1000000L};
    struct guard_look last = guard_look();
    double stuck = 0, whole = 0;
    int64_t cpu = guard_cpu_ms();
    (void)arg;
    while (__atomic_load_n(&guard_on, __ATOMIC_SEQ_CST)) {
        (void)nanosleep(&pause, NULL);
        struct guard_look now = guard_look();
        int64_t before = cpu;
        cpu = guard_cpu_ms();
        double took = guard_waits_for_cpu() && cpu - before < LOOK_MS
                          ? (double)(cpu - before)
                          : LOOK_MS;
        stuck = guard_is_same(&now, &last) ? stuck + took : 0;
        whole = now.seed == last.seed ? whole + took : 0;
        last = now;
        if (stuck >= guard_seconds * 1000)
            guard_end(true);
        if (whole >= guard_seconds * 1000 * WHOLE)
            guard_end(false);
    }
    return NULL;
}

void guard_begin(struct try_run *run, bool tells)
{
    pthread_t thread;
    guard_run = run;
    guard_seconds = guard_timeout();
    guard_tells = tells;
    guard_on = guard_seconds > 0;
    if (guard_on && pthread_create(&thread, NULL, guard_main, NULL) == 0)
        pthread_detach(thread);
}

void guard_stop(void)
{
    __atomic_store_n(&guard_on, 0, __ATOMIC_SEQ_CST);
}
#endif
