/* test_sim_threads.c - threads of a host, deadlocks, and lost wake-ups. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#include <stdio.h>

#define WORLD(...) RONDO_SIM(.backend = sim_test_backend(), __VA_ARGS__)

/* ---- a post runs at once ---- */

struct post {
    rondo_remote *remote;
    int64_t sent, latest; /* how late one was, at the most */
    unsigned posts, runs;
};

static void run_post(rondo_loop *loop, void *arg)
{
    struct post *p = arg;
    int64_t late = rondo_sim_now() - p->sent;
    if (late > p->latest)
        p->latest = late;
    if (++p->runs == p->posts)
        rondo_loop_stop(loop);
}

static void send_posts(void *arg)
{
    struct post *p = arg;
    for (unsigned i = 0; i < p->posts; i++) {
        (void)rondo_sim_sleep((int64_t)rondo_sim_random(3) * 1000);
        p->sent = rondo_sim_now();
        sim_test_must(rondo_remote_call(p->remote, run_post, p));
    }
    rondo_remote_release(p->remote);
}

static void tick(rondo_loop *loop, void *arg)
{
    (void)loop;
    (void)arg;
}

static void get_posts(void *arg)
{
    struct post *p = arg;
    rondo_loop *loop;
    sim_test_must(rondo_loop_new(&loop, NULL));
    p->remote = rondo_loop_remote(loop);
    sim_test_must(rondo_sim_thread(send_posts, p));
    sim_test_must(rondo_call_every(loop, 1500, tick, NULL));
    (void)rondo_loop_run_forever(loop);
    (void)rondo_loop_close(loop);
}

TEST(a_post_is_never_late)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct post p = {.posts = 50};
        sim_test_must(rondo_sim_begin(WORLD(.seed = seed, .switches = 0.5)));
        sim_test_must(rondo_sim_add_host("a", NULL, get_posts, &p));
        assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(10)), RONDO_SIM_QUIET);
        assert_int_equal(p.runs, 50);
        assert_true(p.latest == 0);
        assert_int_equal(rondo_sim_end(), 0);
    }
}

/* ---- jobs ---- */

struct jobs {
    unsigned at_once, most, done;
};

static int64_t work(rondo_job *job, void *arg)
{
    struct jobs *j = arg;
    (void)job;
    if (++j->at_once > j->most)
        j->most = j->at_once;
    (void)rondo_sim_sleep(RONDO_SEC(1));
    j->at_once--;
    return 0;
}

static void worked(rondo_loop *loop, void *arg, int64_t result)
{
    struct jobs *j = arg;
    (void)loop;
    (void)result;
    j->done++;
}

static void run_jobs(void *arg)
{
    rondo_loop *loop;
    sim_test_must(rondo_loop_new(&loop, NULL));
    for (int i = 0; i < 12; i++)
        sim_test_must(rondo_run_in_executor(loop, NULL, work, worked, arg));
    (void)rondo_loop_run(loop);
    (void)rondo_loop_close(loop);
}

TEST(jobs_run_beside_each_other)
{
    struct jobs j = {0};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("a", NULL, run_jobs, &j));
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(100)), RONDO_SIM_QUIET);
    assert_int_equal(j.done, 12);
    assert_true(j.most > 1);
    assert_true(rondo_sim_now() < RONDO_SEC(12));
}

/* ---- a deadlock ---- */

static void wait_for_ever(void *arg)
{
    rondo_loop *loop;
    (void)arg;
    sim_test_must(rondo_loop_new(&loop, NULL));
    (void)rondo_loop_run_forever(loop);
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

TEST(a_deadlock_is_told_with_what_everybody_waits_for)
{
    char text[1000] = "";
    FILE *file = tmpfile();
    struct echo e = {0};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("one", "10.0.0.1", wait_for_ever, NULL));
    sim_test_must(rondo_sim_add_host("two", "10.0.0.2", echo_server, &e));
    sim_test_must(rondo_sim_add_host("three", NULL, NULL, NULL));
    int result = rondo_sim_run_until(never, NULL, RONDO_SEC(1));
    assert_int_equal(result, RONDO_SIM_QUIET);
    assert_int_equal(rondo_sim_report(file), 0);
    rewind(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, "one: thread 1 (main) waits for events\n"));
    assert_non_null(strstr(text, "two: thread 2 (main) waits for events\n"));
    assert_non_null(strstr(text, "0.0.0.0:7 listens"));
    assert_non_null(strstr(text, "three: no thread runs\n"));
}

TEST(a_condition_that_comes_too_late)
{
    struct echo e = {.rounds = 1000000};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("server", NULL, echo_server, &e));
    sim_test_must(rondo_sim_add_host("client", NULL, echo_client, &e));
    e.host = "server";
    e.clients = 1;
    e.size = 1;
    assert_refused(rondo_sim_run_until(never, NULL, RONDO_SEC(1)),
                   RONDO_ETIMEDOUT, "time is over");
    assert_true(rondo_sim_now() == RONDO_SEC(1));
    assert_refused(rondo_sim_run_quiet(RONDO_SEC(1)), RONDO_ETIMEDOUT,
                   "time is over");
    assert_true(e.answers > 100);
}

/* ---- a loop that never waits ---- */

static void again(rondo_loop *loop, void *arg)
{
    ++*(unsigned *)arg;
    (void)rondo_call_soon(loop, again, arg);
}

static void spin(void *arg)
{
    rondo_loop *loop;
    sim_test_must(rondo_loop_new(&loop, NULL));
    again(loop, arg);
    (void)rondo_loop_run_forever(loop);
}

TEST(a_loop_that_never_waits_does_not_stop_time)
{
    unsigned count = 0;
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("a", NULL, spin, &count));
    assert_int_equal(rondo_sim_run_for(50000), 0);
    assert_true(rondo_sim_now() == 50000);
    assert_true(count > 50000);
}

/* ---- memory ---- */

static void take_memory(void *arg)
{
    char **place = arg;
    *place = rondo_sim_alloc(100);
    memset(*place, 1, 100);
    rondo_sim_free(rondo_sim_alloc(50));
    wait_for_ever(NULL);
}

/* A leak checker is the judge. */
TEST(a_crash_frees_the_memory_of_a_host)
{
    char *place = NULL;
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("a", NULL, take_memory, &place));
    for (int i = 0; i < 3; i++) {
        sim_test_must(rondo_sim_run_for(1));
        assert_non_null(place);
        place = NULL;
        assert_int_equal(rondo_sim_crash(0), 0);
        assert_int_equal(rondo_sim_restart(0), 0);
    }
}
