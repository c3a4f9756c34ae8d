/* test_sim_signals.c - signals between simulated hosts and their driver. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#include <signal.h>

#define WORLD(...) RONDO_SIM(.backend = sim_test_backend(), __VA_ARGS__)

struct hears {
    rondo_loop *loop;
    unsigned count, starts;
    int signum;
    int64_t at;
    bool ends;
};

static void heard(rondo_loop *loop, int signum, void *arg)
{
    struct hears *h = arg;
    h->count++;
    h->signum = signum;
    h->at = rondo_sim_now();
    if (h->ends)
        rondo_loop_stop(loop);
}

static void listener(void *arg)
{
    struct hears *h = arg;
    h->starts++;
    sim_test_must(rondo_loop_new(&h->loop, NULL));
    sim_test_must(rondo_add_signal_handler(h->loop, SIGUSR1, heard, h));
    (void)rondo_loop_run_forever(h->loop);
    sim_test_must(rondo_loop_close(h->loop));
}

TEST(a_signal_reaches_one_host_at_once)
{
    struct hears h[2] = {{.ends = true}, {.ends = true}};
    sim_test_must(rondo_sim_begin(WORLD()));
    int a = rondo_sim_add_host("a", NULL, listener, &h[0]);
    int b = rondo_sim_add_host("b", NULL, listener, &h[1]);
    (void)rondo_sim_run_for(RONDO_SEC(1));
    sim_test_must(rondo_sim_signal(a, SIGUSR1));
    (void)rondo_sim_run_for(RONDO_SEC(1));
    assert_int_equal(h[0].count, 1);
    assert_int_equal(h[0].signum, SIGUSR1);
    assert_int_equal(h[0].at, RONDO_SEC(1));
    assert_int_equal(h[1].count, 0);
    sim_test_must(rondo_sim_signal(b, SIGUSR1));
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(10)), RONDO_SIM_QUIET);
    assert_int_equal(h[1].count, 1);
    assert_int_equal(rondo_sim_count_descriptors(a), 0);
    assert_int_equal(rondo_sim_signal(a, SIGUSR1), 0); /* it has ended */
}

TEST(a_signal_that_nobody_watches_ends_the_process)
{
    struct hears h = {0};
    sim_test_must(rondo_sim_begin(WORLD()));
    int a = rondo_sim_add_host("a", NULL, listener, &h);
    (void)rondo_sim_run_for(RONDO_SEC(1));
    sim_test_must(rondo_sim_signal(a, SIGWINCH));
    assert_true(rondo_sim_count_descriptors(a) >= 0);
    assert_int_equal(rondo_sim_restart(a), RONDO_EBUSY);
    sim_test_must(rondo_sim_signal(a, SIGTERM));
    assert_int_equal(rondo_sim_count_descriptors(a), 0);
    /* the new process knows nothing of the old one's watch */
    sim_test_must(rondo_sim_restart(a));
    sim_test_must(rondo_sim_signal(a, SIGUSR1));
    sim_test_must(rondo_sim_restart(a));
    (void)rondo_sim_run_for(RONDO_SEC(1));
    sim_test_must(rondo_sim_signal(a, SIGUSR1));
    (void)rondo_sim_run_for(RONDO_SEC(1));
    assert_int_equal(h.count, 1);
}

TEST(stopped_and_continued)
{
    struct hears h = {0};
    sim_test_must(rondo_sim_begin(WORLD()));
    int a = rondo_sim_add_host("a", NULL, listener, &h);
    (void)rondo_sim_run_for(RONDO_SEC(1));
    sim_test_must(rondo_sim_signal(a, SIGSTOP));
    sim_test_must(rondo_sim_signal(a, SIGUSR1));
    (void)rondo_sim_run_for(RONDO_SEC(1));
    assert_int_equal(h.count, 0);
    sim_test_must(rondo_sim_signal(a, SIGCONT));
    (void)rondo_sim_run_for(RONDO_SEC(1));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.at, RONDO_SEC(2));
}

TEST(signals_that_are_none)
{
    assert_refused(rondo_sim_signal(0, SIGTERM), RONDO_EINVAL, "no host");
    sim_test_must(rondo_sim_begin(WORLD()));
    assert_refused(rondo_sim_signal(0, SIGTERM), RONDO_ENONAME, "no host");
    sim_test_must(rondo_sim_add_host("a", NULL, NULL, NULL));
    assert_refused(rondo_sim_signal(0, 0), RONDO_EINVAL, "no signal");
    assert_refused(rondo_sim_signal(0, 200), RONDO_EINVAL, "no signal");
    assert_int_equal(rondo_sim_signal(0, SIGTERM), 0);
}
