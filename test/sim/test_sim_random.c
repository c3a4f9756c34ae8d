/* test_sim_random.c - a random program: one seed is one run, and nothing breaks. */
/* SPDX-License-Identifier: MIT */
#include "random_program.h"
#include "sim_test.h"

#include <stdio.h>

static unsigned seeds(void)
{
    const char *text = getenv("RANDOM_SEEDS");
    return text ? (unsigned)strtoul(text, NULL, 10) : 200;
}

static unsigned first_seed(void)
{
    const char *text = getenv("RANDOM_FIRST");
    return text ? (unsigned)strtoul(text, NULL, 10) : 1;
}

static void play_twice(uint64_t seed, bool faults, struct random_run *sum)
{
    struct random_run first, second;
    const char *backend = sim_test_backend();
    const char *trace = getenv("RANDOM_TRACE");
    int failed = random_program(seed, backend, faults, trace, &first);
    if (failed)
        fail_msg("seed %llu: %s", (unsigned long long)seed,
                 rondo_sim_failure());
    assert_int_equal(random_program(seed, backend, faults, NULL, &second), 0);
    if (first.hash != second.hash)
        fail_msg("seed %llu: two runs", (unsigned long long)seed);
    sum->events += first.events;
    sum->bytes += first.bytes;
    sum->datagrams += first.datagrams;
    sum->jobs += first.jobs;
    sum->connections += first.connections;
}

/* Half of the seeds are without faults. */
static void play_all(bool faults)
{
    struct random_run sum = {0};
    for (unsigned i = faults; i < seeds(); i += 2)
        play_twice(first_seed() + i, faults, &sum);
    printf("%llu events, %llu bytes, %llu datagrams, %llu jobs, %llu ends of "
           "connections\n",
           (unsigned long long)sum.events, (unsigned long long)sum.bytes,
           (unsigned long long)sum.datagrams, (unsigned long long)sum.jobs,
           (unsigned long long)sum.connections);
    assert_true(sum.bytes && sum.datagrams && sum.jobs && sum.connections);
}

TEST(a_random_program_without_faults)
{
    play_all(false);
}

TEST(a_random_program_with_all_faults)
{
    play_all(true);
}
