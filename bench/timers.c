/* timers.c - a million timers: start, cancel, push later, expire. */
/* SPDX-License-Identifier: MIT */
#include "timers.h"

#include "measure.h"

#include <stdio.h>

enum { TIMERS = 1000000 };

#define SECOND INT64_C(1000000000)

/* "In order" is the order in which the timers were started; their deadlines
 * are random. Where a library keeps the timers itself, random cancelling
 * scatters those started next over its memory: cache misses, not work. */
enum operation {
    START_COLD,      /* the first ones of a new loop, whose arrays grow */
    START,           /* as many again, after all were cancelled in order */
    LATER,           /* a second later; each once, in order */
    LATER_ONE,       /* the same one, again and again */
    CANCEL,          /* in order */
    CANCEL_RANDOM,   /* in random order */
    START_SCATTERED, /* as many again, after that */
    EXPIRE,          /* all of them due, in one go */
    OPERATIONS
};

static const char *const operation_names[OPERATIONS] = {
    "start_cold", "start",         "later",           "later_one",
    "cancel",     "cancel_random", "start_scattered", "expire"};

static const struct timers *const contestants[] = {
    &timers_rondo,
#ifdef BENCH_UV
    &timers_uv,
#endif
#ifdef BENCH_EV
    &timers_ev,
#endif
};
enum { CONTESTANTS = sizeof contestants / sizeof contestants[0] };

static struct figure figures[CONTESTANTS][OPERATIONS];
static int64_t *far_times, *later_times, *near_times, *one_times;
static uint32_t *in_order, *shuffled;

static void prepare(void)
{
    uint64_t state = 20240229;
    far_times = measure_allocate(TIMERS, sizeof *far_times);
    later_times = measure_allocate(TIMERS, sizeof *later_times);
    near_times = measure_allocate(TIMERS, sizeof *near_times);
    one_times = measure_allocate(TIMERS, sizeof *one_times);
    in_order = measure_allocate(TIMERS, sizeof *in_order);
    shuffled = measure_allocate(TIMERS, sizeof *shuffled);
    for (uint32_t i = 0; i < TIMERS; i++) {
        uint64_t random = measure_random(&state) >> 1;
        far_times[i] = 60 * SECOND + (int64_t)random % (540 * SECOND);
        later_times[i] = far_times[i] + SECOND;
        near_times[i] = (int64_t)random % SECOND;
        one_times[i] = 720 * SECOND + (int64_t)i * 1000;
        in_order[i] = shuffled[i] = i;
    }
    for (uint32_t i = TIMERS - 1; i > 0; i--) {
        uint32_t j = (uint32_t)(measure_random(&state) % (i + 1));
        uint32_t other = shuffled[j];
        shuffled[j] = shuffled[i];
        shuffled[i] = other;
    }
}

/* ns for each timer since *start, which moves on. */
static double lap(int64_t *start)
{
    int64_t now = measure_thread_ns();
    double ns = (double)(now - *start) / TIMERS;
    *start = now;
    return ns;
}

static void start_and_cancel(const struct timers *timers, struct figure *figure,
                             int round)
{
    timers->open(TIMERS);
    int64_t start = measure_thread_ns();
    timers->start(far_times, TIMERS);
    figure[START_COLD].ns[round] = lap(&start);
    timers->cancel(in_order, TIMERS);
    lap(&start);
    timers->start(far_times, TIMERS);
    figure[START].ns[round] = lap(&start);
    timers->later(later_times, TIMERS);
    figure[LATER].ns[round] = lap(&start);
    timers->later_one(one_times, TIMERS);
    figure[LATER_ONE].ns[round] = lap(&start);
    timers->cancel(in_order, TIMERS);
    timers->start(far_times, TIMERS);
    lap(&start);
    timers->cancel(in_order, TIMERS);
    figure[CANCEL].ns[round] = lap(&start);
    timers->start(far_times, TIMERS);
    lap(&start);
    timers->cancel(shuffled, TIMERS);
    figure[CANCEL_RANDOM].ns[round] = lap(&start);
    timers->start(far_times, TIMERS);
    figure[START_SCATTERED].ns[round] = lap(&start);
    timers->close();
}

static void expire(const struct timers *timers, struct figure *figure,
                   int round)
{
    timers->open(TIMERS);
    timers->start(near_times, TIMERS);
    measure_sleep(SECOND + SECOND / 10);
    int64_t start = measure_thread_ns();
    timers->expire(TIMERS);
    figure[EXPIRE].ns[round] = lap(&start);
    timers->close();
}

int main(int argc, char **argv)
{
    measure_options(argc, argv);
    prepare();
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < CONTESTANTS; i++) {
            start_and_cancel(contestants[i], figures[i], round);
            expire(contestants[i], figures[i], round);
        }
    }
    for (int i = 0; i < CONTESTANTS; i++) {
        for (int j = 0; j < OPERATIONS; j++) {
            measure_print(contestants[i]->name, operation_names[j],
                          &figures[i][j]);
        }
    }
    return 0;
}
