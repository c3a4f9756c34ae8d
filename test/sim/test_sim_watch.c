/* test_sim_watch.c - watched paths of simulated hosts. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#include <stdio.h>

struct watcher {
    rondo_loop *loop;
    unsigned all; /* what was told, in bits */
    unsigned created;
    int64_t at; /* the last one */
};

static void hears(rondo_loop *loop, void *arg, const rondo_path_event *e)
{
    struct watcher *w = arg;
    (void)loop;
    w->all |= e->what;
    w->created += (e->what & RONDO_PATH_CREATED) != 0;
    w->at = rondo_sim_now();
}

static void make_files(rondo_loop *loop, void *arg)
{
    char path[16];
    (void)loop;
    (void)arg;
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(path, sizeof path, "/tmp/%d", i);
        sim_test_must(rondo_sim_close(
            rondo_sim_open(path, RONDO_FILE_WRITE | RONDO_FILE_CREATE), false));
    }
}

static void watch(void *arg)
{
    struct watcher *w = arg;
    sim_test_must(rondo_loop_new(&w->loop, NULL));
    sim_test_must(rondo_watch_path(w->loop, "/tmp", NULL, hears, w));
    sim_test_must(rondo_call_later(w->loop, RONDO_SEC(1), make_files, NULL));
    (void)rondo_loop_run(w->loop);
    sim_test_must(rondo_loop_close(w->loop));
}

static void begin(struct watcher *w, double lost)
{
    sim_test_must(rondo_sim_begin(RONDO_SIM(.backend = sim_test_backend(),
                                            .faults = {.lost_change = lost})));
    sim_test_must(rondo_sim_add_host("host", NULL, watch, w));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(2)));
}

TEST(each_change_is_told_at_once)
{
    struct watcher w = {0};
    begin(&w, 0);
    assert_int_equal(w.created, 5000);
    assert_in_range(w.at, RONDO_SEC(1), RONDO_SEC(1) + RONDO_MS(10));
    sim_test_must(rondo_sim_end());
}

TEST(more_than_the_system_keeps_is_an_overflow)
{
    struct watcher w = {0};
    begin(&w, 0);
    assert_true(w.all & RONDO_PATH_OVERFLOW);
    sim_test_must(rondo_sim_end());
}

TEST(a_change_that_is_lost_is_seen_all_the_same)
{
    struct watcher w = {0};
    begin(&w, 1);
    assert_true(w.all & RONDO_PATH_OVERFLOW);
    assert_int_equal(w.created, 5000);
    sim_test_must(rondo_sim_end());
}

TEST(who_watches_may_be_killed)
{
    struct watcher w = {0};
    begin(&w, 0);
    sim_test_must(rondo_sim_kill(0));
    assert_int_equal(rondo_sim_count_descriptors(0), 0);
    w.created = 0;
    sim_test_must(rondo_sim_restart(0)); /* the files are there already */
    sim_test_must(rondo_sim_run_for(RONDO_SEC(2)));
    assert_int_equal(w.created, 0);
    sim_test_must(rondo_sim_crash(0)); /* ... and were never synced */
    sim_test_must(rondo_sim_restart(0));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(2)));
    assert_int_equal(w.created, 5000);
    sim_test_must(rondo_sim_end());
}
