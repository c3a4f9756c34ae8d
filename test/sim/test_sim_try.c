/* test_sim_try.c - trials of many seeds, and what they tell of a failure. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "sim_test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static char told[8192];

/* Plays in a process of its own; what it prints to stderr is in `told`. */
static int try_in_child(uint64_t seeds, rondo_sim_scenario scenario, void *arg,
                        const char *variable, const char *value)
{
    int pipes[2], status = 0;
    size_t used = 0;
    ssize_t count;
    assert_int_equal(pipe(pipes), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], 2);
        close(pipes[0]);
        close(pipes[1]);
        if (variable)
            setenv(variable, value, 1);
        int result = rondo_sim_try(seeds, scenario, arg);
        _exit(result < 0 ? 100 : result);
    }
    close(pipes[1]);
    while ((count = read(pipes[0], told + used, sizeof told - 1 - used)) > 0)
        used += (size_t)count;
    told[used] = '\0';
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define assert_told(words)                                                     \
    do {                                                                       \
        if (!strstr(told, (words)))                                            \
            fail_msg("\"%s\" is not in: %s", (words), told);                   \
    } while (0)

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
    assert_int_equal(try_in_child(20, pass, NULL, NULL, NULL), 0);
    assert_told("20 seeds passed");
}

static int fail_from_7_on(uint64_t seed, void *arg)
{
    (void)arg;
    return world(seed, &none, seed >= 7 && seed % 7 == 0, "wrong with");
}

TEST(the_lowest_seed_is_told)
{
    assert_int_equal(try_in_child(60, fail_from_7_on, NULL, NULL, NULL), 1);
    assert_told("seed 7 fails: wrong with 7\n");
    assert_told("repeat it: RONDO_SIM_SEED=7 ");
    assert_told("test_sim_try");
    assert_null(strstr(told, "faults"));
}

TEST(one_seed_alone)
{
    assert_int_equal(
        try_in_child(60, fail_from_7_on, NULL, "RONDO_SIM_SEED", "14"), 1);
    assert_string_equal(told, "rondo_sim: seed 14 fails: wrong with 14\n");
    assert_int_equal(
        try_in_child(60, fail_from_7_on, NULL, "RONDO_SIM_SEED", "15"), 0);
    assert_string_equal(told, "rondo_sim: seed 15 passes\n");
}

TEST(fewer_seeds)
{
    assert_int_equal(
        try_in_child(60, fail_from_7_on, NULL, "RONDO_SIM_SEEDS", "6"), 0);
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
    assert_int_equal(try_in_child(10, die, NULL, NULL, NULL), 1);
    assert_told("seed 3 fails: the process ended with 9\n");
    assert_int_equal(try_in_child(10, be_killed, NULL, NULL, NULL), 1);
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
    assert_int_equal(try_in_child(10, exit_with_0, NULL, NULL, NULL), 1);
    assert_told("seed 3 fails: the process ended with 0\n");
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
        try_in_child(10, hang_in_a_host, NULL, "RONDO_SIM_TIMEOUT", "1"), 1);
    assert_told("seed 3 fails: it hangs: at 0.000000 s of virtual time thread "
                "1 of host \"busy\" computes, or waits");
    assert_told("no event for 1 s");
    assert_told("repeat it: RONDO_SIM_SEED=3 ");
}

/* Both: the seeds below one that hangs are played, and one that fails is told. */
static int hang_above_a_failure(uint64_t seed, void *arg)
{
    return seed < 6 ? seed == 4 : hang_in_a_host(seed, arg);
}

TEST(a_failure_below_a_seed_that_hangs)
{
    assert_int_equal(
        try_in_child(10, hang_above_a_failure, NULL, "RONDO_SIM_TIMEOUT", "1"),
        1);
    assert_told("seed 4 fails: the scenario has not returned 0\n");
}

static int hang_by_a_real_wait(uint64_t seed, void *arg)
{
    (void)arg;
    while (seed == 2)
        pause();
    return 0;
}

TEST(a_driver_that_waits_for_something_real)
{
    assert_int_equal(
        try_in_child(10, hang_by_a_real_wait, NULL, "RONDO_SIM_TIMEOUT", "1"),
        1);
    assert_told("seed 2 fails: it hangs: at 0.000000 s of virtual time the "
                "driver computes, or waits");
    setenv("RONDO_SIM_SEED", "2", 1);
    int alone =
        try_in_child(10, hang_by_a_real_wait, NULL, "RONDO_SIM_TIMEOUT", "1");
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
    while (seed >= 5)
        sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
    return rondo_sim_end();
}

TEST(a_scenario_that_goes_on_for_ever)
{
    assert_int_equal(
        try_in_child(8, never_end, NULL, "RONDO_SIM_TIMEOUT", "0.2"), 1);
    assert_told("seed 5 fails: it does not end: 2.4 s, ");
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
    assert_int_equal(try_in_child(8, be_stuck, NULL, NULL, NULL), 1);
    assert_told("nothing could happen any more at 0.000000 s:\nann: thread 1 "
                "(main) waits for events\n");
    assert_int_equal(try_in_child(8, be_stuck, NULL, "RONDO_SIM_SEED", "2"), 1);
    assert_told("seed 2 fails: no answer came\n  nothing could happen any "
                "more at 0.000000 s:\nann: thread 1 (main) waits for events\n");
}

/* ---- variables that make no sense ---- */

TEST(variables_of_the_environment)
{
    assert_int_equal(try_in_child(8, pass, NULL, "RONDO_SIM_SEED", "x"), 100);
    assert_string_equal(told, "rondo_sim: sim_try: RONDO_SIM_SEED: \"x\" is no "
                              "number\n");
    assert_int_equal(try_in_child(8, pass, NULL, "RONDO_SIM_SEEDS", "-1"), 100);
    assert_told("RONDO_SIM_SEEDS: \"-1\" is no number");
    assert_int_equal(try_in_child(8, pass, NULL, "RONDO_SIM_SEEDS", "0"), 100);
    assert_told("no seeds");
    assert_int_equal(try_in_child(8, pass, NULL, "RONDO_SIM_KEEP", "reset:1"),
                     100);
    assert_told("set RONDO_SIM_SEED, too");
    assert_int_equal(try_in_child(8, pass, NULL, "RONDO_SIM_TIMEOUT", "soon"),
                     100);
    assert_told("\"soon\" is no number of seconds");
    setenv("RONDO_SIM_SEED", "5", 1);
    int error = try_in_child(8, pass, NULL, "RONDO_SIM_TRACE", "/nowhere/at");
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
    assert_int_equal(try_in_child(100, keep_state, NULL, NULL, NULL), 1);
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
    assert_int_equal(try_in_child(10, leave_a_world, NULL, NULL, NULL), 0);
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
    assert_int_equal(try_in_child(50, hates_resets, NULL, NULL, NULL), 1);
    const char *line = strstr(told, "of its ");
    assert_non_null(line);
    assert_int_equal(sscanf(line, "of its %u faults %u matter", &all, &matter),
                     2);
    assert_int_equal(matter, 1);
    assert_true(all > 20);
    const char *keep = strstr(line, "RONDO_SIM_KEEP=\"reset:");
    assert_non_null(keep);
    assert_null(strstr(line, "short_read"));
}

/* What was told repeats it, and no other fault does. */
TEST(what_is_kept)
{
    assert_int_equal(try_in_child(50, hates_resets, NULL, NULL, NULL), 1);
    unsigned seed;
    unsigned long long number;
    const char *line = strstr(told, "RONDO_SIM_SEED=");
    const char *keep = strstr(told, "KEEP=\"reset:");
    assert_non_null(keep);
    assert_int_equal(sscanf(line, "RONDO_SIM_SEED=%u", &seed), 1);
    assert_int_equal(sscanf(keep, "KEEP=\"reset:%llu", &number), 1);
    char text[32], other[64];
    snprintf(text, sizeof text, "%u", seed);
    snprintf(other, sizeof other, "reset:%llu split:0", number);
    setenv("RONDO_SIM_SEED", text, 1);
    int kept = try_in_child(1, hates_resets, NULL, "RONDO_SIM_KEEP", other);
    int without = try_in_child(1, hates_resets, NULL, "RONDO_SIM_KEEP", "");
    int wrong = try_in_child(1, hates_resets, NULL, "RONDO_SIM_KEEP", "rest:1");
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
    assert_non_null(file);
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
    int result = try_in_child(1, same, NULL, "RONDO_SIM_TRACE", name);
    unsetenv("RONDO_SIM_SEED");
    FILE *file = fdopen(fd, "r");
    bool has_line = fgets(line, sizeof line, file);
    fclose(file);
    unlink(name);
    assert_int_equal(result, 0);
    assert_true(has_line);
    assert_non_null(strstr(line, "begins"));
}
