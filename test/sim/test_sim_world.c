/* test_sim_world.c - a world: time, hosts, links, and one seed, one run. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#include <stdio.h>

#define WORLD(...) RONDO_SIM(.backend = sim_test_backend(), __VA_ARGS__)

static uint64_t play(uint64_t seed)
{
    struct echo e = {.clients = 5, .rounds = 20, .size = 100};
    assert_int_equal(echo_play(&e, WORLD(.seed = seed)), RONDO_SIM_QUIET);
    assert_int_equal(e.answers, 100);
    assert_int_equal(e.lost, 5);
    uint64_t hash = rondo_sim_hash();
    assert_int_equal(rondo_sim_end(), 0);
    return hash;
}

TEST(an_echo_between_two_hosts)
{
    (void)play(1);
}

TEST(one_seed_is_one_run)
{
    for (uint64_t seed = 1; seed <= 20; seed++)
        assert_true(play(seed) == play(seed));
}

TEST(two_seeds_are_two_runs)
{
    assert_true(play(1) != play(2));
}

static void sleep_for_a_year(void *arg)
{
    int64_t *woke = arg;
    sim_test_must(rondo_sim_sleep(RONDO_SEC(365) * 86400));
    *woke = rondo_sim_now();
}

TEST(a_year_passes_in_a_moment)
{
    int64_t woke = 0;
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("a", NULL, sleep_for_a_year, &woke));
    assert_int_equal(rondo_sim_run_quiet(RONDO_NEVER), RONDO_SIM_QUIET);
    assert_true(woke == RONDO_SEC(365) * 86400);
}

static void count_up(rondo_loop *loop, void *arg)
{
    (void)loop;
    ++*(unsigned *)arg;
}

static void hourly(void *arg)
{
    rondo_loop *loop;
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(rondo_call_every(loop, RONDO_SEC(3600), count_up, arg));
    (void)rondo_loop_run_forever(loop);
}

TEST(timers_run_on_virtual_time)
{
    unsigned count = 0;
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("a", NULL, hourly, &count));
    assert_int_equal(rondo_sim_run_for(RONDO_SEC(86400) * 365 + 1), 0);
    assert_int_equal(count, 365 * 24);
}

TEST(a_clock_that_drifts)
{
    unsigned count = 0;
    sim_test_must(rondo_sim_begin(WORLD()));
    int host = rondo_sim_add_host("a", NULL, hourly, &count);
    sim_test_must(rondo_sim_set_drift(host, 0.5));
    assert_int_equal(rondo_sim_run_for(RONDO_SEC(86400) + RONDO_SEC(1)), 0);
    assert_int_equal(count, 36);
}
