/* executor.c - a job's round trip: to a thread, and back to the loop. */
/* SPDX-License-Identifier: MIT */
#include "executors.h"

#include "measure.h"

enum { JOBS = 30000, WARM_UP = 2000 };

enum operation { JOB_1, JOB_64, OPERATIONS };

static const struct {
    const char *name;
    size_t at_a_time;
} operations[OPERATIONS] = {
    [JOB_1] = {"job_1", 1},
    [JOB_64] = {"job_64", 64},
};

static const struct executor *const contestants[] = {
    &executor_rondo,
#ifdef BENCH_UV
    &executor_uv,
#endif
};
enum { CONTESTANTS = sizeof contestants / sizeof contestants[0] };

static struct figure figures[CONTESTANTS][OPERATIONS];

/* CPU time of all threads. */
static void play(const struct executor *executor, struct figure *figure,
                 int round)
{
    executor->open();
    for (int i = 0; i < OPERATIONS; i++) {
        executor->run(WARM_UP, operations[i].at_a_time);
        int64_t start = measure_process_ns();
        executor->run(JOBS, operations[i].at_a_time);
        figure[i].ns[round] = (double)(measure_process_ns() - start) / JOBS;
    }
    executor->close();
}

int main(int argc, char **argv)
{
    measure_options(argc, argv);
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < CONTESTANTS; i++) {
            play(contestants[i], figures[i], round);
        }
    }
    for (int i = 0; i < CONTESTANTS; i++) {
        for (int j = 0; j < OPERATIONS; j++) {
            measure_print(contestants[i]->name, operations[j].name,
                          &figures[i][j]);
        }
    }
    return 0;
}
