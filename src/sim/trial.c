/* trial.c - many seeds on all cores; of a failure the faults that matter. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/try.h"

#include "base/error.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHRINK_RUNS = 300, SHRINK_HUNG = 8 }; /* a run that hangs takes long */

struct trial {
    rondo_sim_scenario scenario;
    void *arg;
    uint64_t seeds, lowest; /* lowest: that has failed; UINT64_MAX: none */
    int workers;
    struct try_run *run;     /* of each worker; shared */
    uint64_t *stop;          /* shared: seeds above it need not be played */
    int runs_left;           /* while it shrinks */
    char why[TRY_TEXT_ROOM]; /* the failure of the last run that failed */
};

/* ---- processes ---- */

/* The children are this trial's own, and are waited for by their number. */
static int trial_wait(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 0;
    return status;
}

static void trial_note_death(struct try_run *run, int status)
{
    if (WIFSIGNALED(status))
        snprintf(run->text, sizeof run->text, "the process ended by signal %d",
                 WTERMSIG(status));
    else
        snprintf(run->text, sizeof run->text, "the process ended with %d",
                 WEXITSTATUS(status));
}

static _Noreturn void trial_leave(int code)
{
    fflush(NULL);
    _exit(code);
}

/* One seed in a process of its own. */
static bool trial_play_alone(const struct trial *t, uint64_t seed,
                             const struct sim_fired *keep, size_t count)
{
    struct try_run *run = &t->run[0];
    fflush(NULL);
    run->failed = false;
    run->text[0] = run->report[0] = run->wrong[0] = '\0';
    pid_t child = fork();
    if (child == 0) {
        try_keep_only(keep, count);
        try_record(run);
        guard_begin(run, false);
        trial_leave(try_play(seed, t->scenario, t->arg));
    }
    int status = child < 0 ? 0 : trial_wait(child);
    if (status)
        run->failed = true;
    if (run->failed && !run->text[0])
        trial_note_death(run, status);
    return run->failed;
}

static void trial_stop_above(const struct trial *t, uint64_t seed)
{
    uint64_t lowest = __atomic_load_n(t->stop, __ATOMIC_SEQ_CST);
    while (seed < lowest &&
           !__atomic_compare_exchange_n(t->stop, &lowest, seed, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
}

static _Noreturn void trial_work(const struct trial *t, int worker)
{
    struct try_run *run = &t->run[worker];
    try_record(run);
    guard_begin(run, false);
    for (uint64_t seed = (uint64_t)worker + 1; seed <= t->seeds;
         seed += (uint64_t)t->workers) {
        if (seed > __atomic_load_n(t->stop, __ATOMIC_SEQ_CST))
            break;
        if (try_play(seed, t->scenario, t->arg)) {
            trial_stop_above(t, seed);
            trial_leave(1);
        }
    }
    trial_leave(0);
}

static void trial_lower(struct trial *t, uint64_t seed)
{
    if (seed < t->lowest)
        t->lowest = seed;
    trial_stop_above(t, seed);
}

static void trial_run_all(struct trial *t)
{
    pid_t children[TRY_WORKERS_MOST] = {0};
    fflush(NULL);
    for (int i = 0; i < t->workers; i++) {
        children[i] = fork();
        if (children[i] == 0)
            trial_work(t, i);
    }
    /* one that exits with 0 in the middle of a run has not passed it */
    for (int i = 0; i < t->workers; i++)
        if (children[i] > 0 &&
            (trial_wait(children[i]) != 0 || t->run[i].failed))
            trial_lower(t, t->run[i].seed);
}

/* ---- shrinking ---- */

static bool trial_still_fails(struct trial *t, const struct sim_fired *keep,
                              size_t count)
{
    if (t->runs_left-- <= 0)
        return false;
    bool fails = trial_play_alone(t, t->lowest, keep, count);
    if (fails)
        memcpy(t->why, t->run[0].text, sizeof t->why);
    return fails;
}

/* Leaves out `size` faults at a time, wherever it fails without them. */
static size_t trial_leave_out(struct trial *t, struct sim_fired *list,
                              size_t count, size_t size)
{
    struct sim_fired without[TRY_FIRED_MOST];
    for (size_t at = 0; at < count && t->runs_left > 0;) {
        size_t part = size < count - at ? size : count - at;
        memcpy(without, list, at * sizeof *list);
        memcpy(without + at, list + at + part,
               (count - at - part) * sizeof *list);
        if (trial_still_fails(t, without, count - part)) {
            count -= part;
            memcpy(list, without, count * sizeof *list);
        } else {
            at += part;
        }
    }
    return count;
}

static size_t trial_shrink(struct trial *t, struct sim_fired *list,
                           size_t count)
{
    t->runs_left = t->run[0].hung ? SHRINK_HUNG : SHRINK_RUNS;
    if (trial_still_fails(t, list, 0))
        return 0;
    for (size_t size = (count + 1) / 2; size; size /= 2)
        count = trial_leave_out(t, list, count, size);
    return count;
}

/* ---- telling ---- */

static void trial_print_command(void)
{
    char text[4096];
    FILE *file = fopen("/proc/self/cmdline", "r");
    size_t size = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    for (size_t i = 0; i + 1 < size; i++)
        if (!text[i])
            text[i] = ' ';
    text[size] = '\0';
    fprintf(stderr, "%s\n", size ? text : "(the same program)");
}

static void trial_print_faults(const struct sim_fired *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "%s%s:%llu", i ? " " : "",
                sim_fault_names[list[i].kind],
                (unsigned long long)list[i].number);
}

static void trial_tell_fewest(struct trial *t)
{
    static struct sim_fired list[TRY_FIRED_MOST];
    char first[TRY_TEXT_ROOM];
    size_t all = t->run[0].fired_count;
    size_t count = all < TRY_FIRED_MOST ? all : TRY_FIRED_MOST;
    if (!all)
        return;
    memcpy(first, t->run[0].text, sizeof first);
    memcpy(t->why, first, sizeof first);
    memcpy(list, t->run[0].fired, count * sizeof *list);
    if (all <= TRY_FIRED_MOST)
        count = trial_shrink(t, list, count);
    fprintf(stderr, "  of its %zu faults %zu matter: ", all, count);
    fprintf(stderr, "RONDO_SIM_SEED=%llu RONDO_SIM_KEEP=\"",
            (unsigned long long)t->lowest);
    trial_print_faults(list, count);
    fputs("\" ", stderr);
    trial_print_command();
    if (strcmp(t->why, first) != 0)
        fprintf(stderr, "  with these it fails otherwise: %s\n", t->why);
}

static void trial_print_wrong(const struct try_run *run)
{
    if (run->wrong[0])
        fprintf(stderr, "  a call made no sense (seed %llu): %s\n",
                (unsigned long long)run->wrong_seed, run->wrong);
}

static void trial_print_failure(const struct try_run *run)
{
    fprintf(stderr, "rondo_sim: seed %llu fails: %s\n",
            (unsigned long long)run->seed, run->text);
    if (run->report[0])
        fprintf(stderr, "  nothing could happen any more %s", run->report);
    trial_print_wrong(run);
}

static void trial_tell(struct trial *t)
{
    unsigned long long seed = t->lowest;
    if (!trial_play_alone(t, t->lowest, NULL, 0)) {
        fprintf(stderr,
                "rondo_sim: seed %llu fails after others in one process, and "
                "passes alone: static variables keep what the runs before "
                "have left\n",
                seed);
        return;
    }
    trial_print_failure(&t->run[0]);
    fprintf(stderr, "  repeat it: RONDO_SIM_SEED=%llu ", seed);
    trial_print_command();
    trial_tell_fewest(t);
    fputs("  RONDO_SIM_TRACE=file writes all of its events\n", stderr);
}

/* ---- by the environment ---- */

static int trial_kind(const char *name, size_t size)
{
    for (int i = 0; i < SIM_FAULTS; i++)
        if (strlen(sim_fault_names[i]) == size &&
            strncmp(sim_fault_names[i], name, size) == 0)
            return i;
    return -1;
}

/* "reset:3 late:17". Returns how many, or an error. */
static int trial_read_keep(const char *text, struct sim_fired *list)
{
    int count = 0;
    while (*text) {
        size_t size = strcspn(text, ": ");
        int kind = trial_kind(text, size);
        char *end;
        if (text[size] != ':' || kind < 0 || count == TRY_FIRED_MOST)
            return error_set(RONDO_EINVAL,
                             "sim_try: RONDO_SIM_KEEP: \"%.40s\" is not a "
                             "fault such as reset:3",
                             text);
        list[count++] =
            (struct sim_fired){kind, strtoull(text + size + 1, &end, 10)};
        text = end + strspn(end, " ");
    }
    return count;
}

static int trial_play_one(const struct trial *t, uint64_t seed)
{
    static struct sim_fired list[TRY_FIRED_MOST];
    static struct try_run run;
    const char *keep = getenv("RONDO_SIM_KEEP");
    const char *trace = getenv("RONDO_SIM_TRACE");
    int count = keep ? trial_read_keep(keep, list) : 0;
    FILE *file = NULL;
    if (count < 0)
        return count;
    if (trace && !(file = fopen(trace, "w")))
        return error_set(RONDO_EIO, "sim_try: cannot write to \"%s\"", trace);
    try_keep_only(keep ? list : NULL, (size_t)count);
    try_trace_to(file);
    try_record(&run);
    if (getenv("RONDO_SIM_TIMEOUT")) /* a debugger needs its time */
        guard_begin(&run, true);
    bool failed = try_play(seed, t->scenario, t->arg);
    try_keep_only(NULL, 0);
    try_trace_to(NULL);
    try_record(NULL);
    guard_stop();
    if (file)
        fclose(file);
    if (failed) {
        trial_print_failure(&run);
        return 1;
    }
    fprintf(stderr, "rondo_sim: seed %llu passes\n", (unsigned long long)seed);
    trial_print_wrong(&run);
    return 0;
}

static int trial_workers(uint64_t seeds)
{
    cpu_set_t cpus;
    int count = 1;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        count = CPU_COUNT(&cpus);
    if (count > TRY_WORKERS_MOST)
        count = TRY_WORKERS_MOST;
    return (uint64_t)count > seeds ? (int)seeds : count;
}

static void trial_tell_passed(const struct trial *t)
{
    uint64_t events = 0;
    const struct try_run *wrong = &t->run[0];
    for (int i = 0; i < t->workers; i++) {
        events += t->run[i].events;
        if (!wrong->wrong[0])
            wrong = &t->run[i];
    }
    fprintf(stderr, "rondo_sim: %llu seeds passed, %llu events\n",
            (unsigned long long)t->seeds, (unsigned long long)events);
    trial_print_wrong(wrong);
}

static int trial_run(struct trial *t)
{
    size_t size = (size_t)t->workers * sizeof *t->run + sizeof *t->stop;
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return error_set(RONDO_ENOMEM, "sim_try: no memory to share");
    t->stop = shared;
    t->run = (void *)(t->stop + 1);
    *t->stop = t->lowest = UINT64_MAX;
    trial_run_all(t);
    if (t->lowest != UINT64_MAX)
        trial_tell(t);
    else
        trial_tell_passed(t);
    (void)munmap(shared, size);
    return t->lowest != UINT64_MAX;
}

/* A number of the environment: 1; 0: it is not set; or an error. */
static int trial_read_number(const char *name, uint64_t *value)
{
    const char *text = getenv(name);
    char *end;
    if (!text || !*text)
        return 0;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno)
        return error_set(RONDO_EINVAL, "sim_try: %s: \"%.40s\" is no number",
                         name, text);
    *value = number;
    return 1;
}

static int trial_check_timeout(void)
{
    const char *text = getenv("RONDO_SIM_TIMEOUT");
    char *end = NULL;
    double seconds = text && *text ? strtod(text, &end) : 0;
    if (seconds >= 0 && (!end || (end != text && !*end)))
        return 0;
    return error_set(RONDO_EINVAL,
                     "sim_try: RONDO_SIM_TIMEOUT: \"%.40s\" is no number of "
                     "seconds",
                     text);
}

static int trial_begin(struct trial *t)
{
    uint64_t seed = 0;
    if (rondo_sim_exists())
        return error_set(RONDO_EBUSY, "sim_try: there is a world already");
    if (!t->scenario)
        return error_set(RONDO_EINVAL, "sim_try: no scenario");
    int error = trial_check_timeout();
    int one = error ? error : trial_read_number("RONDO_SIM_SEED", &seed);
    if (one)
        return one < 0 ? one : trial_play_one(t, seed);
    if (getenv("RONDO_SIM_KEEP"))
        return error_set(RONDO_EINVAL, "sim_try: RONDO_SIM_KEEP is for one "
                                       "seed: set RONDO_SIM_SEED, too");
    int many = trial_read_number("RONDO_SIM_SEEDS", &t->seeds);
    if (many < 0)
        return many;
    if (!t->seeds)
        return error_set(RONDO_EINVAL, "sim_try: no seeds");
    t->workers = trial_workers(t->seeds);
    return trial_run(t);
}

/* Programs return it from their main: so the sentence of an error is printed. */
int rondo_sim_try(uint64_t seeds, rondo_sim_scenario scenario, void *arg)
{
    struct trial t = {.scenario = scenario, .arg = arg, .seeds = seeds};
    int result = trial_begin(&t);
    if (result < 0)
        fprintf(stderr, "rondo_sim: %s\n", rondo_last_error());
    return result;
}
#endif
