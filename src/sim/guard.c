/* guard.c - ends a run of a trial that hangs. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/try.h"

#include <pthread.h>
#include <stdlib.h>
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
    (void)arg;
    while (__atomic_load_n(&guard_on, __ATOMIC_SEQ_CST)) {
        (void)nanosleep(&pause, NULL);
        struct guard_look now = guard_look();
        stuck = guard_is_same(&now, &last) ? stuck + LOOK_MS : 0;
        whole = now.seed == last.seed ? whole + LOOK_MS : 0;
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
