/* test_sim_input.c - each function refuses what makes no sense, and says why. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#include <math.h>
#include <stdio.h>

static void begin(void)
{
    sim_test_must(rondo_sim_begin(RONDO_SIM(.backend = sim_test_backend())));
}

static int two_hosts(void)
{
    begin();
    sim_test_must(rondo_sim_add_host("a", "10.0.0.1", NULL, NULL));
    return rondo_sim_add_host("b", "10.0.0.2", NULL, NULL);
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static int passes(uint64_t seed, void *arg)
{
    (void)seed;
    (void)arg;
    return 0;
}

TEST(without_a_world)
{
    static const rondo_sim_link link;
    static const rondo_sim_faults faults;
    const char *words = "there is no world";
    assert_false(rondo_sim_exists());
    assert_refused(rondo_sim_end(), RONDO_EINVAL, words);
    assert_refused(rondo_sim_add_host("a", NULL, NULL, NULL), RONDO_EINVAL,
                   words);
    assert_refused(rondo_sim_add_ip(0, "10.0.0.1"), RONDO_EINVAL, words);
    assert_refused(rondo_sim_add_name("a", "10.0.0.1"), RONDO_EINVAL, words);
    assert_refused(rondo_sim_find_host("a"), RONDO_EINVAL, words);
    assert_refused(rondo_sim_crash(0), RONDO_EINVAL, words);
    assert_refused(rondo_sim_kill(0), RONDO_EINVAL, words);
    assert_refused(rondo_sim_restart(0), RONDO_EINVAL, words);
    assert_refused(rondo_sim_pause(0), RONDO_EINVAL, words);
    assert_refused(rondo_sim_resume(0), RONDO_EINVAL, words);
    assert_refused(rondo_sim_set_drift(0, 0), RONDO_EINVAL, words);
    assert_refused(rondo_sim_set_descriptors(0, 5), RONDO_EINVAL, words);
    assert_refused(rondo_sim_set_link(0, 1, &link), RONDO_EINVAL, words);
    assert_refused(rondo_sim_partition(0, 1), RONDO_EINVAL, words);
    assert_refused(rondo_sim_heal(0, 1), RONDO_EINVAL, words);
    assert_refused(rondo_sim_isolate(0), RONDO_EINVAL, words);
    assert_refused(rondo_sim_rejoin(0), RONDO_EINVAL, words);
    assert_refused(rondo_sim_heal_all(), RONDO_EINVAL, words);
    assert_refused(rondo_sim_set_faults(&faults), RONDO_EINVAL, words);
    assert_refused(rondo_sim_run_for(1), RONDO_EINVAL, words);
    assert_refused(rondo_sim_run_until(never, NULL, 1), RONDO_EINVAL, words);
    assert_refused(rondo_sim_run_quiet(1), RONDO_EINVAL, words);
    assert_refused(rondo_sim_report(stdout), RONDO_EINVAL, words);
    assert_refused(rondo_sim_sleep(1), RONDO_EINVAL, "by the driver");
    assert_int_equal(rondo_sim_self(), -1);
}

TEST(a_second_world)
{
    begin();
    assert_refused(rondo_sim_begin(NULL), RONDO_EBUSY, "already");
    assert_refused(rondo_sim_try(1, passes, NULL), RONDO_EBUSY, "already");
    assert_refused(rondo_sim_compare(1, passes, NULL, stdout), RONDO_EBUSY,
                   "already");
}

TEST(options_of_a_world)
{
    rondo_sim_options none = {0};
    assert_refused(rondo_sim_begin(&none), RONDO_EINVAL, "no size");
    assert_refused(rondo_sim_begin(RONDO_SIM(.backend = "epoll")),
                   RONDO_ENOTSUP, "\"epoll\"");
    assert_refused(rondo_sim_begin(RONDO_SIM(.give_up_ns = -1)), RONDO_EINVAL,
                   "give_up_ns");
    assert_refused(rondo_sim_begin(RONDO_SIM(.switches = 1.5)), RONDO_EINVAL,
                   "switches");
    assert_refused(rondo_sim_begin(RONDO_SIM(.link = {.latency_ns = -1})),
                   RONDO_EINVAL, "negative");
    assert_refused(rondo_sim_begin(RONDO_SIM(.link = {.loss = 1.01})),
                   RONDO_EINVAL, "loss is 1.01");
    assert_refused(rondo_sim_begin(RONDO_SIM(.faults = {.reset = -0.1})),
                   RONDO_EINVAL, "reset is -0.1");
    assert_refused(rondo_sim_begin(RONDO_SIM(.faults = {.crash = NAN})),
                   RONDO_EINVAL, "crash is");
    assert_false(rondo_sim_exists());
}

TEST(hosts)
{
    char longest[65];
    begin();
    memset(longest, 'a', sizeof longest);
    longest[64] = '\0';
    assert_refused(rondo_sim_add_host(NULL, NULL, NULL, NULL), RONDO_EINVAL,
                   "needs a name");
    assert_refused(rondo_sim_add_host("", NULL, NULL, NULL), RONDO_EINVAL,
                   "needs a name");
    assert_refused(rondo_sim_add_host(longest, NULL, NULL, NULL), RONDO_EINVAL,
                   "64 bytes");
    assert_refused(rondo_sim_add_host("a", "10.0.0", NULL, NULL), RONDO_EINVAL,
                   "not a numeric address");
    assert_int_equal(rondo_sim_add_host("a", "10.0.0.1", NULL, NULL), 0);
    assert_refused(rondo_sim_add_host("a", NULL, NULL, NULL), RONDO_EEXIST,
                   "\"a\"");
    assert_refused(rondo_sim_add_host("b", "10.0.0.1", NULL, NULL),
                   RONDO_EEXIST, "10.0.0.1");
    assert_refused(rondo_sim_add_host("localhost", NULL, NULL, NULL),
                   RONDO_EINVAL, "\"localhost\" cannot be a name");
    assert_refused(rondo_sim_add_host("10.0.0.7", NULL, NULL, NULL),
                   RONDO_EINVAL, "is a numeric address");
    static const char *const of_nobody[] = {
        "127.0.0.1", "0.0.0.0",         "::",      "::1",
        "224.0.0.1", "255.255.255.255", "ff02::1", "::ffff:10.0.0.5"};
    for (size_t i = 0; i < sizeof of_nobody / sizeof *of_nobody; i++) {
        assert_refused(rondo_sim_add_host("b", of_nobody[i], NULL, NULL),
                       RONDO_EINVAL, "no address of one host");
        assert_refused(rondo_sim_add_ip(0, of_nobody[i]), RONDO_EINVAL,
                       "no address of one host");
    }
    assert_refused(rondo_sim_add_ip(0, "x"), RONDO_EINVAL, "\"x\"");
    assert_refused(rondo_sim_add_ip(0, NULL), RONDO_EINVAL, "NULL");
    assert_int_equal(rondo_sim_add_ip(0, "fd00::1"), 0);
    assert_refused(rondo_sim_add_ip(0, "fd00::2"), RONDO_ETOOMUCH, "two");
    char much[257];
    memset(much, 'a', sizeof much);
    much[256] = '\0';
    assert_refused(rondo_sim_add_name("c", "d"), RONDO_EINVAL, "\"d\"");
    assert_refused(rondo_sim_add_name("c", NULL), RONDO_EINVAL, "NULL");
    assert_refused(rondo_sim_add_name(NULL, "10.0.0.1"), RONDO_EINVAL,
                   "1 to 255 bytes, not 0");
    assert_refused(rondo_sim_add_name(much, "10.0.0.1"), RONDO_EINVAL,
                   "not 256");
    assert_refused(rondo_sim_add_name("10.0.0.9", "10.0.0.1"), RONDO_EINVAL,
                   "never looked up");
    assert_refused(rondo_sim_find_host("zoe"), RONDO_ENONAME, "\"zoe\"");
    assert_refused(rondo_sim_find_host(NULL), RONDO_ENONAME, "NULL");
    assert_int_equal(rondo_sim_find_host("a"), 0);
}

TEST(an_unknown_host)
{
    static const rondo_sim_link link;
    assert_int_equal(two_hosts(), 1);
    assert_refused(rondo_sim_crash(2), RONDO_ENONAME, "no host 2");
    assert_refused(rondo_sim_kill(-1), RONDO_ENONAME, "no host -1");
    assert_refused(rondo_sim_restart(2), RONDO_ENONAME, "no host 2");
    assert_refused(rondo_sim_pause(2), RONDO_ENONAME, "no host 2");
    assert_refused(rondo_sim_resume(2), RONDO_ENONAME, "no host 2");
    assert_refused(rondo_sim_set_drift(2, 0), RONDO_ENONAME, "no host 2");
    assert_refused(rondo_sim_set_descriptors(2, 9), RONDO_ENONAME, "no host 2");
    assert_refused(rondo_sim_add_ip(2, "10.0.0.9"), RONDO_ENONAME, "no host 2");
    assert_refused(rondo_sim_set_link(0, 2, &link), RONDO_ENONAME, "no host 2");
    assert_refused(rondo_sim_partition(2, 0), RONDO_ENONAME, "no host 2");
    assert_refused(rondo_sim_partition_one_way(0, 7), RONDO_ENONAME,
                   "no host 7");
    assert_refused(rondo_sim_isolate(2), RONDO_ENONAME, "no host 2");
    assert_refused(rondo_sim_rejoin(2), RONDO_ENONAME, "no host 2");
}

TEST(links)
{
    static const rondo_sim_link fine;
    static const rondo_sim_link negative = {.bytes_per_second = -1};
    static const rondo_sim_link too_much = {.loss = 2};
    assert_int_equal(two_hosts(), 1);
    assert_refused(rondo_sim_set_link(0, 0, &fine), RONDO_EINVAL,
                   "no link to itself");
    assert_refused(rondo_sim_partition(1, 1), RONDO_EINVAL, "itself");
    assert_refused(rondo_sim_partition_one_way(1, 1), RONDO_EINVAL, "itself");
    assert_refused(rondo_sim_heal(1, 1), RONDO_EINVAL, "itself");
    assert_refused(rondo_sim_set_link(0, 1, NULL), RONDO_EINVAL, "no link");
    assert_refused(rondo_sim_set_link(0, 1, &negative), RONDO_EINVAL,
                   "negative");
    assert_refused(rondo_sim_set_link_one_way(0, 1, &too_much), RONDO_EINVAL,
                   "loss is 2");
    static const rondo_sim_link slow = {.latency_ns = RONDO_NEVER};
    assert_refused(rondo_sim_set_link(0, 1, &slow), RONDO_EINVAL,
                   "more than a year");
    assert_refused(rondo_sim_set_link(0, 2, &fine), RONDO_ENONAME, "no host 2");
    assert_refused(rondo_sim_heal(0, -3), RONDO_ENONAME, "no host -3");
    assert_refused(rondo_sim_set_drift(0, NAN), RONDO_EINVAL, "not from");
    assert_refused(rondo_sim_set_drift(0, 1.5), RONDO_EINVAL, "1.5");
    assert_refused(rondo_sim_set_drift(0, -0.6), RONDO_EINVAL, "-0.6");
    assert_refused(rondo_sim_set_faults(NULL), RONDO_EINVAL, "no faults");
    assert_refused(rondo_sim_set_faults(&(rondo_sim_faults){.late = 1.5}),
                   RONDO_EINVAL, "late is 1.5");
}

TEST(runs)
{
    begin();
    assert_refused(rondo_sim_run_for(-1), RONDO_EINVAL, "negative");
    assert_refused(rondo_sim_run_until(NULL, NULL, 1), RONDO_EINVAL,
                   "no condition");
    assert_refused(rondo_sim_run_until(never, NULL, -1), RONDO_EINVAL,
                   "negative");
    assert_refused(rondo_sim_run_quiet(-1), RONDO_EINVAL, "negative");
    assert_refused(rondo_sim_report(NULL), RONDO_EINVAL, "no file");
    assert_int_equal(rondo_sim_run_quiet(5), RONDO_SIM_QUIET);
    assert_refused(rondo_sim_thread(NULL, NULL), RONDO_EINVAL, "driver");
    assert_refused(rondo_sim_sleep(5), RONDO_EINVAL, "driver");
}

static void run_inside(void *arg)
{
    int *results = arg;
    results[0] = rondo_sim_run_for(1);
    results[1] = rondo_sim_run_until(never, NULL, 1);
    results[2] = rondo_sim_run_quiet(1);
    results[3] = rondo_sim_end();
    results[4] = strstr(rondo_last_error(), "inside a run") != NULL;
    results[5] = rondo_sim_sleep(-1);
    results[6] = rondo_sim_thread(NULL, NULL);
}

TEST(a_run_inside_a_run)
{
    int results[7] = {0};
    begin();
    sim_test_must(rondo_sim_add_host("a", NULL, run_inside, results));
    sim_test_must(rondo_sim_run_for(1));
    for (int i = 0; i < 4; i++)
        assert_int_equal(results[i], RONDO_EBUSY);
    assert_true(results[4]);
    assert_int_equal(results[5], RONDO_EINVAL);
    assert_int_equal(results[6], RONDO_EINVAL);
}

static bool end_it(void *arg)
{
    int *results = arg;
    if (rondo_sim_now()) {
        results[0] = rondo_sim_end();
        results[1] = strstr(rondo_last_error(), "by a condition") != NULL;
        results[2] = rondo_sim_run_for(1);
    }
    return rondo_sim_now();
}

static void sleep_a_moment(void *arg)
{
    (void)arg;
    sim_test_must(rondo_sim_sleep(5));
}

TEST(a_run_inside_a_condition)
{
    int results[3] = {0};
    begin();
    sim_test_must(rondo_sim_add_host("a", NULL, sleep_a_moment, NULL));
    assert_int_equal(rondo_sim_run_until(end_it, results, 100), 0);
    assert_int_equal(results[0], RONDO_EBUSY);
    assert_true(results[1]);
    assert_int_equal(results[2], RONDO_EBUSY);
}

static void begin_inside(void *arg)
{
    int *results = arg;
    results[0] = rondo_sim_begin(NULL);
    results[1] = rondo_sim_try(1, passes, NULL);
}

TEST(a_second_world_of_a_host)
{
    int results[2] = {0};
    begin();
    sim_test_must(rondo_sim_add_host("a", NULL, begin_inside, results));
    sim_test_must(rondo_sim_run_for(1));
    assert_int_equal(results[0], RONDO_EBUSY);
    assert_int_equal(results[1], RONDO_EBUSY);
}

/* No hosts: time passes, and nothing else. */
TEST(a_world_of_no_hosts)
{
    begin();
    assert_int_equal(rondo_sim_run_for(RONDO_SEC(5)), RONDO_SIM_DONE);
    assert_true(rondo_sim_now() == RONDO_SEC(5));
    assert_int_equal(rondo_sim_run_until(never, NULL, 5), RONDO_SIM_QUIET);
    assert_int_equal(rondo_sim_heal_all(), 0);
    assert_int_equal(rondo_sim_report(stdout), 0);
    assert_int_equal(rondo_sim_end(), 0);
}

/* ---- a main that returns, and threads that do not ---- */

static void count_seconds(void *arg)
{
    for (;;) {
        sim_test_must(rondo_sim_sleep(RONDO_SEC(1)));
        ++*(int *)arg;
    }
}

static void leave_a_thread(void *arg)
{
    sim_test_must(rondo_sim_thread(count_seconds, arg));
}

TEST(a_main_that_returns_before_its_threads)
{
    int seconds = 0;
    begin();
    sim_test_must(rondo_sim_add_host("a", NULL, leave_a_thread, &seconds));
    sim_test_must(rondo_sim_run_for(RONDO_MS(5500)));
    assert_int_equal(seconds, 5);
    assert_refused(rondo_sim_restart(0), RONDO_EBUSY,
                   "thread 2 (thread) has not ended");
    assert_int_equal(rondo_sim_kill(0), 0);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(5)));
    assert_int_equal(seconds, 5);
    assert_int_equal(rondo_sim_restart(0), 0);
    sim_test_must(rondo_sim_run_for(RONDO_MS(1500)));
    assert_int_equal(seconds, 6);
}

/* There is nothing to pause, and what starts later runs. */
TEST(a_host_that_is_down_is_paused)
{
    int seconds = 0;
    begin();
    sim_test_must(rondo_sim_add_host("a", NULL, count_seconds, &seconds));
    assert_int_equal(rondo_sim_crash(0), 0);
    assert_int_equal(rondo_sim_pause(0), 0);
    assert_int_equal(rondo_sim_restart(0), 0);
    sim_test_must(rondo_sim_run_for(RONDO_MS(1500)));
    assert_int_equal(seconds, 1);
}

static void allocate_too_much(void *arg)
{
    bool *refused = arg;
    *refused = !rondo_sim_alloc(SIZE_MAX) && !rondo_sim_alloc(SIZE_MAX - 40);
}

TEST(memory_that_no_machine_has)
{
    bool refused = false;
    begin();
    sim_test_must(rondo_sim_add_host("a", NULL, allocate_too_much, &refused));
    sim_test_must(rondo_sim_run_for(1));
    assert_true(refused);
}

TEST(trials)
{
    assert_refused(rondo_sim_try(0, passes, NULL), RONDO_EINVAL, "no seeds");
    assert_refused(rondo_sim_try(1, NULL, NULL), RONDO_EINVAL, "no scenario");
    assert_refused(rondo_sim_compare(1, NULL, NULL, stdout), RONDO_EINVAL,
                   "no scenario");
    assert_refused(rondo_sim_compare(1, passes, NULL, NULL), RONDO_EINVAL,
                   "no file");
}

TEST(a_loop_of_the_driver)
{
    rondo_loop *loop;
    assert_refused(rondo_loop_new(&loop, NULL), RONDO_EINVAL,
                   "no simulated world");
    begin();
    assert_refused(rondo_loop_new(&loop, NULL), RONDO_EINVAL, "by the driver");
}

static void readable(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    (void)arg;
}

/* Descriptors of the process are none of a host. */
static void use_real_descriptors(void *arg)
{
    int64_t *results = arg;
    rondo_loop *loop;
    rondo_transport *t;
    static const rondo_protocol protocol;
    sim_test_must(rondo_loop_new(&loop, NULL));
    results[0] = rondo_add_reader(loop, 0, readable, NULL);
    results[1] = rondo_connect_accepted_socket(loop, 1, &protocol, NULL, &t);
    results[2] = rondo_connect_read_pipe(loop, rondo_stdio(0), RONDO_PIPE_OWN,
                                         &protocol, NULL, &t);
    results[10] = rondo_add_signal_handler(loop, 2, signalled, NULL);
    results[3] = rondo_sim_send(1, "x", 1, 0);
    results[4] = strstr(rondo_last_error(),
                        "descriptor 1 is none of host \"a\"") != NULL;
    rondo_fd own = rondo_sim_socket(RONDO_FAMILY_INET, false);
    results[5] = rondo_sim_send(own, NULL, 1, 0);
    results[6] = rondo_sim_recv(own, NULL, 1, 0);
    results[7] = rondo_sim_socket((rondo_family)99, false);
    results[8] = rondo_add_reader(loop, 7, readable, NULL);
    results[9] = strstr(rondo_last_error(), "descriptor 7 is not open") != NULL;
    sim_test_must(rondo_loop_close(loop));
}

TEST(real_descriptors)
{
    int64_t results[11] = {0};
    begin();
    sim_test_must(rondo_sim_add_host("a", NULL, use_real_descriptors, results));
    sim_test_must(rondo_sim_run_for(1));
    assert_int_equal(results[0], RONDO_EBADF);
    assert_int_equal(results[1], RONDO_EBADF);
    assert_int_equal(results[2], RONDO_EBADF);
    assert_int_equal(results[10], 0);
    assert_int_equal(results[3], RONDO_EBADF);
    assert_true(results[4]);
    assert_int_equal(results[5], RONDO_EINVAL);
    assert_int_equal(results[6], RONDO_EINVAL);
    assert_int_equal(results[7], RONDO_EAFNOSUPPORT);
    assert_int_equal(results[8], RONDO_EBADF);
    assert_true(results[9]);
}
