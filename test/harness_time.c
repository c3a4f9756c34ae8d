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

/* More would leave some tests too little to do. */
enum { SLOW_MOST = 10 };

/* How many times longer than alone a thread takes that computes: 1 where there
 * is a processor for it, 3 where it shares one with two others. */
static int measure(void)
{
    const int64_t enough = 10000000; /* 10 ms: a few turns of a scheduler */
    int64_t start = raw_now_ns(), cpu = raw_thread_cpu_ns(), used;

    while ((used = raw_thread_cpu_ns() - cpu) < enough)
        if (raw_now_ns() - start > enough * 100)
            return used > 0 ? 100 : 1; /* 1: no such clock here */
    return (int)((raw_now_ns() - start) / used);
}

/* What does not change while the tests run. */
static int base_slowness(void)
{
    const char *slow = getenv("RONDO_TEST_SLOW");
    int given = slow ? (int)strtol(slow, NULL, 10) : 1;

    return (SANITIZED ? 10 : raw_slowness()) * (given > 1 ? given : 1);
}

/* How busy the machine was when the first test asked. Threads ask, too. */
static int busy_at_start(void)
{
    static atomic_int known;
    int busy = atomic_load(&known);

    if (busy == 0) {
        busy = measure();
        busy = busy > 1 ? busy : 1;
        atomic_store(&known, busy);
    }
    return busy;
}

int test_slowness(void)
{
    int base = base_slowness();
    int factor = base * busy_at_start();

    if (base > SLOW_MOST)
        return base;
    return factor < SLOW_MOST ? factor : SLOW_MOST;
}

static int64_t patience_ms(int busy)
{
    return (int64_t)TEST_DEADLINE_MS * base_slowness() * busy;
}

int test_patience_ms(void)
{
    return (int)patience_ms(busy_at_start());
}

/* A machine that has become busier since the start is waited for longer. */
bool out_of_patience(int64_t since_ns, int times)
{
    int64_t waited_ms = (raw_now_ns() - since_ns) / 1000000;

    return waited_ms >= patience_ms(busy_at_start()) * times &&
           waited_ms >= patience_ms(measure()) * times;
}
