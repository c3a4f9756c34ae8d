/* test_sim_try.c - trials of many seeds, and what they tell of a failure. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "sim_test.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static int world(uint64_t seed, const rondo_sim_faults *faults, bool fails,
                 const char *why)
{
    struct echo e = {.rounds = 20, .clients = 2, .size = 100};
    (void)echo_play(&e, RONDO_SIM(.seed = seed, .backend = sim_test_backend(),
                                  .faults = *faults));
    rondo_sim_check(!fails, "%s %u", why, (unsigned)seed);
    return rondo_sim_end();
}

static const rondo_sim_faults none;

static int pass(uint64_t seed, void *arg)
{
    (void)arg;
    return world(seed, &none, false, "");
}

TEST(all_seeds_pass)
{
    assert_int_equal(sim_test_try(20, pass, NULL, NULL, NULL), 0);
    assert_told("20 seeds passed");
}

static int fail_from_7_on(uint64_t seed, void *arg)
{
    (void)arg;
    return world(seed, &none, seed >= 7 && seed % 7 == 0, "wrong with");
}

TEST(the_lowest_seed_is_told)
{
    assert_int_equal(sim_test_try(60, fail_from_7_on, NULL, NULL, NULL), 1);
    assert_told("seed 7 fails: wrong with 7\n");
    assert_told("repeat it: RONDO_SIM_SEED=7 ");
    assert_told("test_sim_try");
    assert_null(strstr(sim_test_told, "faults"));
}

TEST(one_seed_alone)
{
    assert_int_equal(
        sim_test_try(60, fail_from_7_on, NULL, "RONDO_SIM_SEED", "14"), 1);
    assert_string_equal(sim_test_told,
                        "rondo_sim: seed 14 fails: wrong with 14\n");
    assert_int_equal(
        sim_test_try(60, fail_from_7_on, NULL, "RONDO_SIM_SEED", "15"), 0);
    assert_string_equal(sim_test_told, "rondo_sim: seed 15 passes\n");
}

TEST(fewer_seeds)
{
    assert_int_equal(
        sim_test_try(60, fail_from_7_on, NULL, "RONDO_SIM_SEEDS", "6"), 0);
    assert_told("6 seeds passed");
}

static int die(uint64_t seed, void *arg)
{
    (void)arg;
    if (seed == 3)
        _exit(9);
    return 0;
}

static int be_killed(uint64_t seed, void *arg)
{
    (void)arg;
    if (seed == 3)
        raise(SIGTERM);
    return 0;
}

TEST(a_scenario_that_ends_its_process)
{
    assert_int_equal(sim_test_try(10, die, NULL, NULL, NULL), 1);
    assert_told("seed 3 fails: the process ended with 9\n");
    assert_int_equal(sim_test_try(10, be_killed, NULL, NULL, NULL), 1);
    assert_told("seed 3 fails: the process ended by signal 15\n");
}

static int exit_with_0(uint64_t seed, void *arg)
{
    (void)arg;
    if (seed == 3)
        _exit(0);
    return 0;
}

TEST(a_scenario_that_exits_with_0_has_not_passed)
{
    assert_int_equal(sim_test_try(10, exit_with_0, NULL, NULL, NULL), 1);
    assert_told("seed 3 fails: the process ended with 0\n");
}

/* ---- deadlocks ---- */

static bool never_holds(void *arg)
{
    (void)arg;
    return false;
}

static void wait_for_ever(void *arg)
{
    rondo_loop *loop;
    (void)arg;
    sim_test_must(rondo_loop_new(&loop, NULL));
    (void)rondo_loop_run_forever(loop);
}

static int be_stuck(uint64_t seed, void *arg)
{
    (void)arg;
    sim_test_must(rondo_sim_begin(RONDO_SIM(.seed = seed)));
    sim_test_must(rondo_sim_add_host("ann", NULL, wait_for_ever, NULL));
    int result = rondo_sim_run_until(never_holds, NULL, RONDO_SEC(60));
    rondo_sim_check(result == RONDO_SIM_DONE || seed < 2, "no answer came");
    return rondo_sim_end();
}

TEST(a_deadlock_is_told_with_what_all_wait_for)
{
    assert_int_equal(sim_test_try(8, be_stuck, NULL, NULL, NULL), 1);
    assert_told("nothing could happen any more at 0.000000 s:\nann: thread 1 "
                "(main) waits for events\n");
    assert_int_equal(sim_test_try(8, be_stuck, NULL, "RONDO_SIM_SEED", "2"), 1);
    assert_told("seed 2 fails: no answer came\n  nothing could happen any "
                "more at 0.000000 s:\nann: thread 1 (main) waits for events\n");
}

/* ---- variables that make no sense ---- */

TEST(variables_of_the_environment)
{
    assert_int_equal(sim_test_try(8, pass, NULL, "RONDO_SIM_SEED", "x"), 100);
    assert_string_equal(sim_test_told,
                        "rondo_sim: sim_try: RONDO_SIM_SEED: \"x\" is no "
                        "number\n");
    assert_int_equal(sim_test_try(8, pass, NULL, "RONDO_SIM_SEEDS", "-1"), 100);
    assert_told("RONDO_SIM_SEEDS: \"-1\" is no number");
    assert_int_equal(sim_test_try(8, pass, NULL, "RONDO_SIM_SEEDS", "0"), 100);
    assert_told("no seeds");
    assert_int_equal(sim_test_try(8, pass, NULL, "RONDO_SIM_KEEP", "reset:1"),
                     100);
    assert_told("set RONDO_SIM_SEED, too");
    assert_int_equal(sim_test_try(8, pass, NULL, "RONDO_SIM_TIMEOUT", "soon"),
                     100);
    assert_told("\"soon\" is no number of seconds");
    setenv("RONDO_SIM_SEED", "5", 1);
    int error = sim_test_try(8, pass, NULL, "RONDO_SIM_TRACE", "/nowhere/at");
    unsetenv("RONDO_SIM_SEED");
    assert_int_equal(error, 100);
    assert_told("cannot write to \"/nowhere/at\"");
}

static int keep_state(uint64_t seed, void *arg)
{
    static unsigned runs;
    (void)seed;
    (void)arg;
    return ++runs > 3;
}

TEST(a_failure_of_what_earlier_seeds_have_left)
{
    assert_int_equal(sim_test_try(100, keep_state, NULL, NULL, NULL), 1);
    assert_told("passes alone: static variables");
}

static int leave_a_world(uint64_t seed, void *arg)
{
    (void)arg;
    sim_test_must(rondo_sim_begin(RONDO_SIM(.seed = seed)));
    return 0;
}

TEST(a_scenario_that_leaves_its_world)
{
    assert_int_equal(sim_test_try(10, leave_a_world, NULL, NULL, NULL), 0);
}

/* Of all faults only a reset matters to it. */
static int hates_resets(uint64_t seed, void *arg)
{
    struct echo e = {.rounds = 50, .clients = 3, .size = 1000};
    (void)arg;
    (void)echo_play(&e, RONDO_SIM(.seed = seed, .backend = sim_test_backend(),
                                  .faults = {.reset = 0.01,
                                             .short_read = 0.2,
                                             .split = 0.2,
                                             .late = 0.2}));
    rondo_sim_check(e.error != RONDO_ECONNRESET, "a reset");
    return rondo_sim_end();
}

TEST(the_faults_that_matter)
{
    unsigned all, matter;
    assert_int_equal(sim_test_try(50, hates_resets, NULL, NULL, NULL), 1);
    const char *line = strstr(sim_test_told, "of its ");
    assert_non_null(line);
    assert_int_equal(sscanf(line, "of its %u faults %u matter", &all, &matter),
                     2);
    assert_int_equal(matter, 1);
    assert_true(all > 20);
    const char *keep = strstr(line, "RONDO_SIM_KEEP=\"reset:");
    assert_non_null(keep);
    assert_null(strstr(line, "short_read"));
}

static int hates_resets_in_its_words(uint64_t seed, void *arg)
{
    struct echo e = {.rounds = 50, .clients = 3, .size = 1000};
    (void)arg;
    (void)echo_play(&e, RONDO_SIM(.seed = seed, .backend = sim_test_backend(),
                                  .faults = {.reset = 0.01, .split = 0.2}));
    rondo_sim_check(e.error != RONDO_ECONNRESET, "a reset, %llu events",
                    (unsigned long long)rondo_sim_events());
    return rondo_sim_end();
}

TEST(the_faults_that_matter_fail_otherwise)
{
    unsigned long long all = 0, few = 0;
    assert_int_equal(
        sim_test_try(50, hates_resets_in_its_words, NULL, NULL, NULL), 1);
    const char *first = strstr(sim_test_told, "fails: a reset, ");
    const char *then =
        strstr(sim_test_told, "  with these it fails otherwise: a reset, ");
    assert_non_null(first);
    assert_non_null(then);
    assert_int_equal(sscanf(first, "fails: a reset, %llu", &all), 1);
    assert_int_equal(
        sscanf(then, "  with these it fails otherwise: a reset, %llu", &few),
        1);
    assert_true(few != all);
}

/* What was told repeats it, and no other fault does. */
TEST(what_is_kept)
{
    assert_int_equal(sim_test_try(50, hates_resets, NULL, NULL, NULL), 1);
    unsigned seed;
    unsigned long long number;
    const char *line = strstr(sim_test_told, "RONDO_SIM_SEED=");
    const char *keep = strstr(sim_test_told, "KEEP=\"reset:");
    assert_non_null(keep);
    assert_int_equal(sscanf(line, "RONDO_SIM_SEED=%u", &seed), 1);
    assert_int_equal(sscanf(keep, "KEEP=\"reset:%llu", &number), 1);
    char text[32], other[64];
    snprintf(text, sizeof text, "%u", seed);
    snprintf(other, sizeof other, "reset:%llu split:0", number);
    setenv("RONDO_SIM_SEED", text, 1);
    int kept = sim_test_try(1, hates_resets, NULL, "RONDO_SIM_KEEP", other);
    int without = sim_test_try(1, hates_resets, NULL, "RONDO_SIM_KEEP", "");
    int wrong = sim_test_try(1, hates_resets, NULL, "RONDO_SIM_KEEP", "rest:1");
    unsetenv("RONDO_SIM_SEED");
    assert_int_equal(kept, 1);
    assert_int_equal(without, 0);
    assert_int_equal(wrong, 100);
    assert_told("\"rest:1\" is not a fault");
}

/* ---- two runs ---- */

static int same(uint64_t seed, void *arg)
{
    (void)arg;
    return world(seed, &none, false, "");
}

static int differs(uint64_t seed, void *arg)
{
    static unsigned runs;
    (void)arg;
    return world(seed + ++runs, &none, false, "");
}

TEST(two_runs_are_compared)
{
    char text[4096] = "";
    FILE *file = tmpfile();
    assert_int_equal(rondo_sim_compare(5, same, NULL, file), 0);
    assert_int_equal(ftell(file), 0);
    assert_int_equal(rondo_sim_compare(5, differs, NULL, file), 1);
    rewind(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, "the runs differ in line "));
    assert_non_null(strstr(text, "first:"));
    assert_non_null(strstr(text, "second:"));
}

TEST(a_trace_goes_to_a_file)
{
    char name[] = "/tmp/rondo_sim_trace_XXXXXX", line[200] = "";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    setenv("RONDO_SIM_SEED", "5", 1);
    int result = sim_test_try(1, same, NULL, "RONDO_SIM_TRACE", name);
    unsetenv("RONDO_SIM_SEED");
    FILE *file = fdopen(fd, "r");
    bool has_line = fgets(line, sizeof line, file);
    fclose(file);
    unlink(name);
    assert_int_equal(result, 0);
    assert_true(has_line);
    assert_non_null(strstr(line, "begins"));
}
