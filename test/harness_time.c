/* harness_time.c - how much of the machine a test gets, and how patient it is. */
/* SPDX-License-Identifier: MIT */
#include "harness_internal.h"

#include <stdatomic.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { BUSY_MOST = 8, SLOW_MOST = 100 };

/* How many times longer than alone a thread takes that computes: 1 where there
 * is a processor for it, 3 where it shares one with two others. */
static int measure(void)
{
    const int64_t enough = 10000000; /* 10 ms: a few turns of a scheduler */
    int64_t start = raw_now_ns(), cpu = raw_thread_cpu_ns(), used;

    while ((used = raw_thread_cpu_ns() - cpu) < enough)
        if (raw_now_ns() - start > enough * 100)
            return 100;
    return (int)((raw_now_ns() - start) / used);
}

/* What does not change while the tests run. */
static int base_slowness(void)
{
    const char *slow = getenv("RONDO_TEST_SLOW");
    int given = slow ? (int)strtol(slow, NULL, 10) : 1;

    return (SANITIZED ? 10 : raw_slowness()) * (given > 1 ? given : 1);
}

/* Threads ask, too. */
int test_slowness(void)
{
    static atomic_int known;
    int factor = atomic_load(&known);

    if (factor == 0) {
        int busy = measure();
        int base = base_slowness();

        busy = busy < 1 ? 1 : busy > BUSY_MOST ? BUSY_MOST : busy;
        factor = base * busy;
        if (factor > SLOW_MOST)
            factor = base > SLOW_MOST ? base : SLOW_MOST;
        atomic_store(&known, factor);
    }
    return factor;
}

int test_patience_ms(void)
{
    return TEST_DEADLINE_MS * test_slowness();
}

/* A machine that has become busier since the start is waited for longer. */
bool out_of_patience(int64_t since_ns, int times)
{
    int64_t waited_ms = (raw_now_ns() - since_ns) / 1000000;

    if (waited_ms < (int64_t)test_patience_ms() * times)
        return false;
    return waited_ms >=
           (int64_t)TEST_DEADLINE_MS * base_slowness() * measure() * times;
}
