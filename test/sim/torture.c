/* torture.c - random programs in which one call after the other fails once. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BATCH = 64, PATIENCE_S = 120 };

static const char *const kinds[] = {
    "no_memory",    "no_descriptor", "no_file",     "no_buffers",
    "no_thread",    "refuse",        "no_name",     "reset",
    "again",        "short_read",    "short_write", "spurious",
    "accept_error", "disk_full",     "disk_error",  "slow_disk"};

/* What the process that plays tells. */
static struct shared {
    uint64_t hash, events, programs;
    char failure[512];
} * shared;

static struct model_options options = {.faults = true, .tortures = true};

static int play(uint64_t seed, void *arg)
{
    struct model_result result = {0};
    (void)arg;
    int failed = model_play(seed, &options, &result);
    shared->hash = result.hash;
    shared->events += result.events;
    shared->programs++;
    if (failed)
        snprintf(shared->failure, sizeof shared->failure, "%s",
                 rondo_sim_failure());
    return failed;
}

/* Plays with the n-th fault of that kind alone. */
static int play_with(uint64_t seed, const char *kind, uint64_t n)
{
    char text[64];
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    setenv("RONDO_SIM_SEED", text, 1);
    snprintf(text, sizeof text, "%s:%llu", kind, (unsigned long long)n);
    setenv("RONDO_SIM_KEEP", text, 1);
    alarm(PATIENCE_S);
    return rondo_sim_try(1, play, NULL);
}

static int wait_for(pid_t child, uint64_t seed, const char *kind)
{
    int status = 0;
    if (waitpid(child, &status, 0) != child)
        abort();
    if (!WIFSIGNALED(status))
        return WEXITSTATUS(status);
    snprintf(shared->failure, sizeof shared->failure, "%s",
             strsignal(WTERMSIG(status)));
    fprintf(stderr, "seed %llu, %s: %s\n", (unsigned long long)seed, kind,
            shared->failure);
    return 1;
}

enum { GOES_ON, FAILED, OVER };

/* From the n-th on: a process for some. The hash stays what it is without a
 * fault once there is no n-th occasion. */
static int play_batch(uint64_t seed, const char *kind, uint64_t n,
                      uint64_t without)
{
    fflush(NULL);
    pid_t child = fork();
    if (child)
        return wait_for(child, seed, kind);
    FILE *tell = fdopen(dup(2), "w");
    if (!tell || !freopen("/dev/null", "w", stderr))
        _exit(FAILED);
    for (uint64_t i = n; i < n + BATCH; i++) {
        if (play_with(seed, kind, i)) {
            fprintf(tell, "seed %llu fails with %s:%llu: %s\n",
                    (unsigned long long)seed, kind, (unsigned long long)i,
                    shared->failure);
            fflush(tell);
            _exit(FAILED);
        }
        if (shared->hash == without)
            _exit(OVER);
    }
    _exit(GOES_ON);
}

static int torture(uint64_t seed)
{
    int failures = 0;
    (void)play_batch(seed, "reset", UINT64_MAX - BATCH, 0);
    uint64_t without = shared->hash;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        int result = GOES_ON;
        for (uint64_t n = 0; result == GOES_ON; n += BATCH)
            result = play_batch(seed, kinds[k], n, without);
        failures += result == FAILED;
    }
    return failures;
}

/* One alone, to be looked at. */
static int one(uint64_t seed, const char *kind, uint64_t n)
{
    options.trace = getenv("RONDO_SIM_TRACE");
    return play_with(seed, kind, n);
}

/* torture MODEL FIRST SEEDS, or torture MODEL SEED KIND N */
int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    options.backend = argv[1];
    uint64_t first = strtoull(argv[2], NULL, 10);
    if (argc > 4)
        return one(first, argv[3], strtoull(argv[4], NULL, 10));
    uint64_t seeds = strtoull(argv[3], NULL, 10);
    int failures = 0;
    for (uint64_t i = 0; i < seeds; i++)
        failures += torture(first + i);
    printf("%s: torture: %llu programs, %llu events, %d kinds of failures\n",
           argv[1], (unsigned long long)shared->programs,
           (unsigned long long)shared->events, failures);
    return failures != 0;
}
