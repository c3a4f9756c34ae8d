/* test_sim_net.c - partitions, crashes, links: what the other host sees. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#define WORLD(...) RONDO_SIM(.backend = sim_test_backend(), __VA_ARGS__)

static bool has_answers(void *arg)
{
    const struct echo *e = arg;
    return e->answers >= 3;
}

static bool has_ended(void *arg)
{
    const struct echo *e = arg;
    return e->lost + e->failed == e->clients;
}

/* Up to the third answer. */
static void begin(struct echo *e, const rondo_sim_options *options)
{
    sim_test_must(rondo_sim_begin(options));
    assert_int_equal(rondo_sim_add_host("server", "10.0.0.1", echo_server, e),
                     0);
    assert_int_equal(rondo_sim_add_host("client", "10.0.0.2", echo_client, e),
                     1);
    e->host = e->host ? e->host : "server";
    e->rounds = e->rounds ? e->rounds : 1000000;
    e->clients = 1;
    e->size = e->size ? e->size : 1;
    assert_int_equal(rondo_sim_run_until(has_answers, e, RONDO_SEC(10)), 0);
}

static unsigned after(const struct echo *e, int64_t ns)
{
    unsigned before = e->answers;
    sim_test_must(rondo_sim_run_for(ns));
    return e->answers - before;
}

TEST(a_partition_holds_everything_up)
{
    struct echo e = {0};
    begin(&e, WORLD());
    assert_int_equal(rondo_sim_partition(0, 1), 0);
    assert_int_equal(after(&e, RONDO_SEC(30)), 0);
    assert_int_equal(rondo_sim_heal(0, 1), 0);
    assert_true(after(&e, RONDO_SEC(60)) > 100);
    assert_int_equal(e.lost, 0);
}

TEST(a_partition_one_way)
{
    struct echo e = {0};
    begin(&e, WORLD());
    assert_int_equal(rondo_sim_partition_one_way(0, 1), 0);
    assert_int_equal(after(&e, RONDO_SEC(10)), 0);
    assert_int_equal(rondo_sim_heal_all(), 0);
    assert_true(after(&e, RONDO_SEC(60)) > 100);
}

TEST(an_isolated_host)
{
    struct echo e = {0};
    begin(&e, WORLD());
    assert_int_equal(rondo_sim_isolate(0), 0);
    assert_int_equal(after(&e, RONDO_SEC(10)), 0);
    assert_int_equal(rondo_sim_rejoin(0), 0);
    assert_true(after(&e, RONDO_SEC(60)) > 100);
}

TEST(a_partition_that_lasts)
{
    struct echo e = {0};
    begin(&e, WORLD(.give_up_ns = RONDO_SEC(20)));
    int64_t start = rondo_sim_now();
    assert_int_equal(rondo_sim_partition(0, 1), 0);
    assert_int_equal(rondo_sim_run_until(has_ended, &e, RONDO_SEC(100)), 0);
    assert_int_equal(e.error, RONDO_ETIMEDOUT);
    assert_true(rondo_sim_now() - start >= RONDO_SEC(20));
}

TEST(a_crash_tells_nobody)
{
    struct echo e = {0};
    begin(&e, WORLD());
    assert_int_equal(rondo_sim_crash(0), 0);
    assert_int_equal(rondo_sim_crash(0), 0);
    assert_int_equal(after(&e, RONDO_SEC(30)), 0);
    assert_int_equal(e.lost, 0);
}

TEST(a_host_that_comes_back_knows_no_connection)
{
    struct echo e = {0};
    begin(&e, WORLD());
    assert_int_equal(rondo_sim_crash(0), 0);
    sim_test_must(rondo_sim_run_for(RONDO_MS(100)));
    assert_int_equal(rondo_sim_restart(0), 0);
    assert_refused(rondo_sim_restart(0), RONDO_EBUSY, "running");
    assert_int_equal(rondo_sim_run_until(has_ended, &e, RONDO_SEC(10)), 0);
    assert_int_equal(e.error, RONDO_ECONNRESET);
}

TEST(a_process_that_is_killed_ends_its_connections)
{
    struct echo e = {0};
    begin(&e, WORLD());
    int64_t start = rondo_sim_now();
    assert_int_equal(rondo_sim_kill(0), 0);
    assert_int_equal(rondo_sim_run_until(has_ended, &e, RONDO_SEC(10)), 0);
    assert_true(rondo_sim_now() - start < RONDO_SEC(1));
}

TEST(nobody_listens)
{
    struct echo e = {.clients = 1, .rounds = 1, .size = 1, .host = "server"};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("server", NULL, NULL, NULL));
    sim_test_must(rondo_sim_add_host("client", NULL, echo_client, &e));
    assert_int_equal(rondo_sim_run_until(has_ended, &e, RONDO_SEC(10)), 0);
    assert_int_equal(e.error, RONDO_ECONNREFUSED);
}

TEST(an_address_that_nobody_has)
{
    struct echo e = {.clients = 1, .rounds = 1, .size = 1, .host = "10.9.9.9"};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("client", NULL, echo_client, &e));
    assert_int_equal(rondo_sim_run_until(has_ended, &e, RONDO_SEC(10)), 0);
    assert_int_equal(e.error, RONDO_EHOSTUNREACH);
}

TEST(a_name_that_nobody_has)
{
    struct echo e = {.clients = 1, .rounds = 1, .size = 1, .host = "nobody"};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("client", NULL, echo_client, &e));
    assert_int_equal(rondo_sim_run_until(has_ended, &e, RONDO_SEC(10)), 0);
    assert_int_equal(e.error, RONDO_ENONAME);
}

TEST(a_name_of_several_addresses)
{
    struct echo e = {.host = "service"};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_name("service", "10.0.0.9")); /* nobody's */
    sim_test_must(rondo_sim_add_name("service", "10.0.0.1"));
    assert_int_equal(rondo_sim_end(), 0);
    sim_test_must(rondo_sim_begin(WORLD()));
    assert_refused(rondo_sim_add_ip(0, "fd00::1"), RONDO_ENONAME, "no host 0");
    sim_test_must(rondo_sim_add_name("service", "10.0.0.9"));
    sim_test_must(rondo_sim_add_name("service", "10.0.0.1"));
    sim_test_must(rondo_sim_add_host("server", "10.0.0.1", echo_server, &e));
    sim_test_must(rondo_sim_add_host("client", "10.0.0.2", echo_client, &e));
    e.rounds = e.clients = 1;
    e.size = 1;
    assert_int_equal(rondo_sim_run_until(has_ended, &e, RONDO_SEC(10)), 0);
    assert_int_equal(e.answers, 1);
}

TEST(a_host_that_is_paused)
{
    struct echo e = {0};
    begin(&e, WORLD());
    assert_int_equal(rondo_sim_pause(0), 0);
    assert_int_equal(rondo_sim_pause(0), 0);
    assert_true(after(&e, RONDO_SEC(10)) <= 1);
    assert_int_equal(e.lost, 0);
    assert_int_equal(rondo_sim_resume(0), 0);
    assert_int_equal(rondo_sim_resume(0), 0);
    assert_true(after(&e, RONDO_SEC(10)) > 100);
}

TEST(latency)
{
    struct echo e = {.rounds = 100};
    rondo_sim_link slow = {.latency_ns = RONDO_MS(50)};
    begin(&e, WORLD());
    assert_int_equal(rondo_sim_set_link(0, 1, &slow), 0);
    sim_test_must(rondo_sim_run_for(RONDO_MS(100)));
    assert_int_equal(after(&e, RONDO_SEC(1)), 10);
}

TEST(bandwidth)
{
    struct echo e = {.size = 10000, .rounds = 1000000};
    rondo_sim_link narrow = {.bytes_per_second = 100000};
    begin(&e, WORLD());
    assert_int_equal(rondo_sim_set_link_one_way(1, 0, &narrow), 0);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
    unsigned answers = after(&e, RONDO_SEC(10));
    assert_in_range(answers, 90, 101);
}

TEST(loss)
{
    struct echo e = {.rounds = 1000000};
    rondo_sim_link lossy = {.latency_ns = RONDO_MS(1), .loss = 0.5};
    begin(&e, WORLD());
    unsigned before = after(&e, RONDO_SEC(5));
    assert_int_equal(rondo_sim_set_link(0, 1, &lossy), 0);
    unsigned lost = after(&e, RONDO_SEC(5));
    assert_true(lost > 0 && lost < before / 10);
    assert_int_equal(e.lost, 0);
}

TEST(a_limit_of_descriptors)
{
    struct echo e = {.clients = 50, .rounds = 2, .host = "server", .size = 1};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("server", NULL, echo_server, &e));
    int c = rondo_sim_add_host("client", NULL, echo_client, &e);
    assert_int_equal(rondo_sim_set_descriptors(c, 10), 0);
    assert_int_equal(rondo_sim_run_until(has_ended, &e, RONDO_SEC(100)), 0);
    assert_true(e.failed > 0 && e.failed < 50);
    assert_int_equal(e.error, RONDO_EMFILE);
}

static void crash_oneself(void *arg)
{
    ++*(int *)arg;
    (void)rondo_sim_crash(rondo_sim_self());
    abort();
}

TEST(a_host_that_crashes_itself)
{
    int starts = 0;
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("a", NULL, crash_oneself, &starts));
    for (int i = 1; i < 5; i++) {
        sim_test_must(rondo_sim_run_for(1));
        assert_int_equal(starts, i);
        assert_int_equal(rondo_sim_restart(0), 0);
    }
}
