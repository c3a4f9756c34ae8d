/* spawn.c - what it costs to run /bin/true, in a small and in a large process.
 */
/* SPDX-License-Identifier: MIT */
#include "spawn.h"
#include "measure.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { TIMES = 50, SMALL_MB = 10, LARGE_MB = 1024 };

static const struct spawn *const contestants[] = {
    &spawn_raw,
    &spawn_rondo,
#ifdef BENCH_UV
    &spawn_uv,
#endif
};
enum { CONTESTANTS = sizeof contestants / sizeof contestants[0] };

static double cpu_ns(int who)
{
    struct rusage usage;
    if (getrusage(who, &usage) < 0) {
        measure_die("getrusage");
    }
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

/* CPU time of the parent and of its children: what other processes are at
 * matters less to it than to the clock. */
static double measure(const struct spawn *contestant)
{
    char *argv[] = {(char *)(uintptr_t) "/bin/true", NULL};
    contestant->open();
    contestant->run(argv, 5);
    double start = cpu_ns(RUSAGE_SELF) + cpu_ns(RUSAGE_CHILDREN);
    contestant->run(argv, TIMES);
    double end = cpu_ns(RUSAGE_SELF) + cpu_ns(RUSAGE_CHILDREN);
    contestant->close();
    return (end - start) / TIMES;
}

/* Memory that is really there, page by page. */
static void grow(size_t megabytes)
{
    size_t size = megabytes << 20;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        measure_die("mmap");
    }
    memset(p, 1, size);
}

static void contest(const char *operation)
{
    struct figure figures[CONTESTANTS];
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < CONTESTANTS; i++) {
            int turn = round % 2 ? CONTESTANTS - 1 - i : i;
            figures[turn].ns[round] = measure(contestants[turn]);
        }
    }
    for (int i = 0; i < CONTESTANTS; i++) {
        measure_print(contestants[i]->name, operation, &figures[i]);
    }
}

int main(int argc, char **argv)
{
    measure_options(argc, argv);
    grow(SMALL_MB);
    contest("spawn_10MB");
    grow(LARGE_MB - SMALL_MB);
    contest("spawn_1GB");
    return 0;
}
