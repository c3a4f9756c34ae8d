/* test_sim_hang.c - trials whose runs hang, or call what makes no sense. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "sim_test.h"

#include <pthread.h>
#include <unistd.h>

/* A thread that the world does not know. */
static void *sleep_unknown(void *arg)
{
    (void)arg;
    return (void *)(intptr_t)rondo_sim_sleep(1);
}

static void start_unknown(void *arg)
{
    pthread_t thread;
    (void)arg;
    if (pthread_create(&thread, NULL, sleep_unknown, NULL) == 0)
        (void)pthread_join(thread, NULL);
}

static int use_pthreads(uint64_t seed, void *arg)
{
    (void)arg;
    sim_test_must(rondo_sim_begin(RONDO_SIM(.seed = seed)));
    if (seed >= 2)
        sim_test_must(rondo_sim_add_host("a", NULL, start_unknown, NULL));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
    return rondo_sim_end();
}

TEST(a_thread_that_the_world_does_not_know)
{
    assert_int_equal(sim_test_try(4, use_pthreads, NULL, NULL, NULL), 1);
    assert_told("rondo_sim: a thread that the world does not know calls Rondo: "
                "use rondo_sim_thread\n");
    assert_told("seed 2 fails: the process ended by signal 6\n");
}

/* ---- runs that hang ---- */

static void compute_for_ever(void *arg)
{
    volatile bool *goes_on = arg;
    while (*goes_on)
        ;
}

static int hang_in_a_host(uint64_t seed, void *arg)
{
    bool goes_on = seed >= 3;
    (void)arg;
    sim_test_must(rondo_sim_begin(RONDO_SIM(.seed = seed)));
    sim_test_must(rondo_sim_add_host("idle", NULL, NULL, NULL));
    sim_test_must(rondo_sim_add_host("busy", NULL, compute_for_ever, &goes_on));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
    return rondo_sim_end();
}

TEST(a_host_in_an_endless_loop)
{
    assert_int_equal(
        sim_test_try(3, hang_in_a_host, NULL, "RONDO_SIM_TIMEOUT", "0.5"), 1);
    assert_told("seed 3 fails: it hangs: at 0.000000 s of virtual time thread "
                "1 of host \"busy\" computes, or waits");
    assert_told("no event for 0.5 s");
}

static int hang_above_a_failure(uint64_t seed, void *arg)
{
    return seed < 6 ? seed == 4 : hang_in_a_host(seed, arg);
}

TEST(a_failure_below_a_seed_that_hangs)
{
    assert_int_equal(sim_test_try(10, hang_above_a_failure, NULL,
                                  "RONDO_SIM_TIMEOUT", "0.5"),
                     1);
    assert_told("seed 4 fails: the scenario has not returned 0\n");
}

static int hang_by_a_real_wait(uint64_t seed, void *arg)
{
    (void)arg;
    while (seed == 2) /* NOLINT: it is meant to hang */
        pause();
    return 0;
}

TEST(a_driver_that_waits_for_something_real)
{
    assert_int_equal(
        sim_test_try(10, hang_by_a_real_wait, NULL, "RONDO_SIM_TIMEOUT", "0.5"),
        1);
    assert_told("seed 2 fails: it hangs: at 0.000000 s of virtual time the "
                "driver computes, or waits");
    setenv("RONDO_SIM_SEED", "2", 1);
    int alone =
        sim_test_try(10, hang_by_a_real_wait, NULL, "RONDO_SIM_TIMEOUT", "0.5");
    unsetenv("RONDO_SIM_SEED");
    assert_int_equal(alone, 1);
    assert_told("seed 2 fails: it hangs");
}

static void sleep_for_ever(void *arg)
{
    (void)arg;
    for (;;)
        sim_test_must(rondo_sim_sleep(RONDO_MS(1)));
}

static int never_end(uint64_t seed, void *arg)
{
    (void)arg;
    sim_test_must(rondo_sim_begin(RONDO_SIM(.seed = seed)));
    sim_test_must(rondo_sim_add_host("a", NULL, sleep_for_ever, NULL));
    while (seed >= 5) /* NOLINT: it is meant to hang */
        sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
    return rondo_sim_end();
}

TEST(a_scenario_that_goes_on_for_ever)
{
    assert_int_equal(
        sim_test_try(5, never_end, NULL, "RONDO_SIM_TIMEOUT", "0.2"), 1);
    assert_told("seed 5 fails: it does not end: 2.4 s, ");
}

/* ---- calls that make no sense ---- */

static int cut_off_nobody(uint64_t seed, void *arg)
{
    const bool *fails = arg;
    sim_test_must(rondo_sim_begin(RONDO_SIM(.seed = seed)));
    sim_test_must(rondo_sim_add_host("a", NULL, NULL, NULL));
    if (seed >= 2)
        (void)rondo_sim_partition(0, 7);
    (void)rondo_sim_find_host("b"); /* a question */
    (void)rondo_sim_heal(0, 0);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
    rondo_sim_check(!*fails || seed < 4, "it fails");
    return rondo_sim_end();
}

TEST(a_call_that_makes_no_sense_is_told)
{
    bool fails = false;
    assert_int_equal(sim_test_try(9, cut_off_nobody, &fails, NULL, NULL), 0);
    assert_told("9 seeds passed");
    assert_told(
        "a call made no sense (seed 1): sim_heal: host \"a\" has no link "
        "to itself\n");
    fails = true;
    assert_int_equal(sim_test_try(9, cut_off_nobody, &fails, NULL, NULL), 1);
    assert_told("seed 4 fails: it fails\n  a call made no sense (seed 4): "
                "sim_partition: there is no host 7\n");
    assert_int_equal(
        sim_test_try(9, cut_off_nobody, &fails, "RONDO_SIM_SEED", "2"), 0);
    assert_told("seed 2 passes\n  a call made no sense (seed 2): ");
}

static int begin_wrongly(uint64_t seed, void *arg)
{
    (void)arg;
    (void)rondo_sim_begin(RONDO_SIM(.seed = seed, .faults = {.reset = 7}));
    (void)rondo_sim_add_host("a", NULL, NULL, NULL);
    (void)rondo_sim_run_for(RONDO_SEC(1));
    return rondo_sim_end();
}

TEST(a_world_that_did_not_begin_is_told)
{
    assert_int_equal(sim_test_try(9, begin_wrongly, NULL, NULL, NULL), 1);
    assert_told(
        "a call made no sense (seed 1): sim_begin: reset is 7, not from "
        "0 to 1\n");
}
