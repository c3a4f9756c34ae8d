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

/* ---- what a process has for itself ---- */

struct chosen {
    const char *set;
    char found[16];
};

static void choose_backend(void *arg)
{
    struct chosen *c = arg;
    rondo_loop *loop;
    if (c->set)
        sim_test_must(rondo_set_default_backend(c->set));
    sim_test_must(rondo_loop_new(&loop, NULL));
    (void)snprintf(c->found, sizeof c->found, "%s", rondo_loop_backend(loop));
    sim_test_must(rondo_loop_close(loop));
}

TEST(each_host_has_a_default_backend_of_its_own)
{
    struct chosen a = {.set = "done"}, b = {0};
    sim_test_must(rondo_sim_begin(RONDO_SIM(.seed = 1)));
    int host = rondo_sim_add_host("a", NULL, choose_backend, &a);
    sim_test_must(rondo_sim_run_for(1));
    sim_test_must(rondo_sim_add_host("b", NULL, choose_backend, &b));
    sim_test_must(rondo_sim_run_for(1));
    assert_string_equal(a.found, "done");
    assert_string_equal(b.found, "ready");
    a.set = NULL;
    sim_test_must(rondo_sim_restart(host));
    sim_test_must(rondo_sim_run_for(1));
    assert_string_equal(a.found, "ready"); /* a new process */
}

/* ---- memory ---- */

struct eater {
    unsigned count; /* pieces of 1,000 bytes */
    int error;      /* of a loop that has no memory */
    bool again;
};

static void eat(void *arg)
{
    struct eater *e = arg;
    void *pieces[100] = {NULL}, *p;
    rondo_loop *loop;
    while (e->count < 100 && (p = rondo_sim_alloc(1000)))
        pieces[e->count++] = p;
    e->error = rondo_loop_new(&loop, NULL);
    for (unsigned i = 0; i < e->count; i++)
        rondo_sim_free(pieces[i]);
    e->again = rondo_sim_alloc(1000) != NULL;
}

TEST(a_limit_of_memory)
{
    struct eater few = {0}, many = {0};
    sim_test_must(rondo_sim_begin(WORLD()));
    int a = rondo_sim_add_host("a", NULL, eat, &few);
    int b = rondo_sim_add_host("b", NULL, eat, &many);
    assert_int_equal(rondo_sim_set_memory(a, 50000), 0);
    assert_int_equal(rondo_sim_set_memory(2, 50000), RONDO_ENONAME);
    assert_int_equal(rondo_sim_count_memory(2), RONDO_ENONAME);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
    assert_in_range(few.count, 40, 49);
    assert_int_equal(few.error, RONDO_ENOMEM);
    assert_true(few.again);
    assert_int_equal(many.count, 100);
    assert_int_equal(many.error, 0);
    assert_in_range(rondo_sim_count_memory(a), 1000, 1100);
    assert_true(rondo_sim_count_memory(b) > 1000); /* its loop is open */
    assert_int_equal(rondo_sim_crash(b), 0);
    assert_int_equal(rondo_sim_count_memory(b), 0);
}
