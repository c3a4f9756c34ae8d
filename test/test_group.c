/* test_group.c - groups: made, used by posts and calls, closed. */
/* SPDX-License-Identifier: MIT */
#include "harness_group.h"

#include "harness_act.h"

/* ---- M1: making one ----------------------------------------------------- */

TEST(M1_a_group_is_made_and_closed)
{
    struct crew *c = crew_new(w, 3);

    assert_int_equal(rondo_group_size(c->group), 3);
    assert_ptr_equal(rondo_group_home(c->group), w->loop);
    assert_int_equal(rondo_group_index(c->group, w->loop), RONDO_ENOENT);
    crew_close(c);
}

TEST(M1_one_loop_a_core_by_default)
{
    struct crew *c = crew_new(w, 0);

    assert_true(rondo_group_size(c->group) >= 1);
    assert_true(rondo_group_size(c->group) <= raw_cores());
    crew_close(c);
}

TEST(M1_a_group_of_one)
{
    struct crew *c = crew_new(w, 1);
    struct site *s = site_new(c, RONDO_SPREAD_DEFAULT);

    site_echoes(s, site_connect(s), 1000);
    site_close(s);
    crew_close(c);
}

TEST(M1_what_makes_no_sense_is_refused)
{
    rondo_group *g = NULL;
    rondo_group_options o = RONDO_GROUP_OPTIONS_INIT;
    rondo_loop_options loop = RONDO_LOOP_OPTIONS_INIT;

    assert_refused(rondo_create_group(NULL, NULL, &g), RONDO_EINVAL, NULL);
    assert_refused(rondo_create_group(w->loop, NULL, NULL), RONDO_EINVAL, NULL);
    o.loops = 1025;
    assert_refused(rondo_create_group(w->loop, &o, &g), RONDO_EINVAL, "1024");
    o.loops = 2;
    loop.backend = "none such";
    o.loop = &loop;
    assert_refused(rondo_create_group(w->loop, &o, &g), RONDO_ENOTSUP,
                   "none such");
    assert_null(g);
    assert_int_equal(rondo_group_size(NULL), 0);
    assert_null(rondo_group_home(NULL));
    assert_refused(rondo_group_index(NULL, w->loop), RONDO_EINVAL, NULL);
    assert_refused(rondo_group_close(NULL, 0, NULL, NULL), RONDO_EINVAL, NULL);
    assert_refused(rondo_group_post(NULL, 0, ignore_call, NULL), RONDO_EINVAL,
                   NULL);
    assert_refused(rondo_group_each(NULL, NULL, NULL, NULL, NULL), RONDO_EINVAL,
                   NULL);
}

static int64_t ask_pinned(rondo_loop *loop, size_t index, void *arg)
{
    (void)loop;
    (void)index;
    (void)arg;
    return raw_cores() == 1; /* by the thread's affinity */
}

TEST(M1_threads_are_pinned)
{
    struct crew *c = test_alloc(w, sizeof *c);
    rondo_loop_options loop;
    rondo_group_options o = crew_options(w, c, &loop);
    struct told t = {0};

    c->w = w;
    o.loops = 3;
    o.pin = RONDO_ON;
    if (!rondo_loop_supports(w->loop, RONDO_CAN_PIN_THREADS)) {
        assert_refused(rondo_create_group(w->loop, &o, &c->group),
                       RONDO_ENOTSUP, "pins");
        return;
    }
    assert_ok(rondo_create_group(w->loop, &o, &c->group));
    assert_ok(rondo_group_each(c->group, ask_pinned, NULL, told_done, &t));
    test_run_until(w, t.count);
    assert_true(t.result == 3 || t.result == 0); /* 0: cannot be told */
    crew_close(c);
}

TEST(M1_it_keeps_the_home_loop_running)
{
    struct crew *c = crew_new(w, 2);

    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_int_equal(test_metrics(w).live_groups, 1);
    crew_close(c);
    assert_int_equal(test_metrics(w).live_groups, 0);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 0);
}

/* ---- M2: posts and calls ------------------------------------------------ */

struct seen {
    struct crew *crew;
    atomic_uint calls, wrong;
    atomic_uint at[GROUP_LOOPS];
};

static int64_t see(rondo_loop *loop, size_t index, void *arg)
{
    struct seen *s = arg;

    if (rondo_group_index(s->crew->group, loop) != (int)index)
        atomic_fetch_add(&s->wrong, 1);
    atomic_fetch_add(&s->calls, 1);
    atomic_fetch_add(&s->at[index], 1);
    return (int64_t)index + 1;
}

TEST(M2_each_runs_on_each_loop_and_sums)
{
    struct crew *c = crew_new(w, 4);
    struct seen *s = test_alloc(w, sizeof *s);
    struct told t = {0};

    s->crew = c;
    assert_ok(rondo_group_each(c->group, see, s, told_done, &t));
    assert_int_equal(t.count, 0);
    told_is(w, &t, 1 + 2 + 3 + 4);
    assert_int_equal(atomic_load(&s->calls), 4);
    assert_int_equal(atomic_load(&s->wrong), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(atomic_load(&s->at[i]), 1);
    assert_refused(rondo_group_each(c->group, NULL, s, NULL, NULL),
                   RONDO_EINVAL, NULL);
    crew_close(c);
    assert_int_equal(t.count, 1);
}

static int64_t fail_from_2(rondo_loop *loop, size_t index, void *arg)
{
    (void)loop;
    (void)arg;
    return index < 2 ? 5 : index == 2 ? RONDO_EIO : RONDO_EPROTO;
}

TEST(M2_the_first_error_of_each)
{
    struct crew *c = crew_new(w, 4);
    struct told t = {0};

    assert_ok(rondo_group_each(c->group, fail_from_2, NULL, told_done, &t));
    told_is(w, &t, RONDO_EIO);
    assert_non_null(strstr(t.sentence, "group_each"));
    crew_close(c);
}

/* They are all told before the group's end is, and after a close none begins. */
TEST(M2_calls_under_way_end_before_the_group)
{
    struct crew *c = crew_new(w, 3);
    struct seen *s = test_alloc(w, sizeof *s);
    struct told t[20] = {{0}};

    s->crew = c;
    for (int i = 0; i < 20; i++)
        assert_ok(rondo_group_each(c->group, see, s, told_done, &t[i]));
    assert_ok(rondo_group_each(c->group, see, s, NULL, NULL));
    assert_ok(rondo_group_close(c->group, 0, told_done, &c->closed));
    assert_refused(rondo_group_each(c->group, see, s, NULL, NULL),
                   RONDO_ECLOSED, "closed");
    told_is(w, &c->closed, 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(t[i].result, 6);
    assert_int_equal(atomic_load(&s->calls), 21 * 3);
}

struct flood {
    rondo_group *group;
    atomic_uint run, refused;
    unsigned posts;
};

static void count_atomic(rondo_loop *loop, void *arg)
{
    (void)loop;
    atomic_fetch_add((atomic_uint *)arg, 1);
}

static void post_many(void *arg)
{
    struct flood *f = arg;

    for (unsigned i = 0; i < f->posts; i++)
        if (rondo_group_post(f->group, i % 2, count_atomic, &f->run) < 0)
            atomic_fetch_add(&f->refused, 1);
}

TEST(M2_a_million_posts)
{
    struct crew *c = crew_new(w, 2);
    struct flood *f = test_alloc(w, sizeof *f);
    struct raw_thread *threads[2];

    f->group = c->group;
    f->posts = 500000 / (unsigned)test_slowness();
    for (int i = 0; i < 2; i++)
        threads[i] = raw_thread_start(post_many, f);
    for (int i = 0; i < 2; i++)
        raw_thread_join(threads[i]);
    assert_int_equal(atomic_load(&f->refused), 0);
    test_run_until(w, atomic_load(&f->run) == 2 * f->posts);
    assert_refused(rondo_group_post(c->group, 2, count_atomic, &f->run),
                   RONDO_EINVAL, "no loop 2");
    assert_refused(rondo_group_post(c->group, 0, NULL, NULL), RONDO_EINVAL,
                   NULL);
    crew_close(c);
}

/* What a close finds accepted has run when it is over. */
TEST(M2_posts_that_were_accepted_run)
{
    struct crew *c = crew_new(w, 2);
    struct flood *f = test_alloc(w, sizeof *f);
    struct raw_thread *thread;

    f->group = c->group;
    f->posts = 20000 / (unsigned)test_slowness();
    thread = raw_thread_start(post_many, f);
    test_run_until(w, atomic_load(&f->run));
    assert_ok(rondo_group_close(c->group, 0, told_done, &c->closed));
    raw_thread_join(thread); /* the pointer must not end before */
    told_is(w, &c->closed, 0);
    assert_int_equal(atomic_load(&f->run) + atomic_load(&f->refused), f->posts);
}

TEST(M2_metrics_are_added_up)
{
    struct crew *c = crew_new(w, 3);
    rondo_loop_metrics m = RONDO_LOOP_METRICS_INIT;
    struct site *s = site_new(c, RONDO_SPREAD_IN_TURN);
    struct told t = {0};

    for (int i = 0; i < 5; i++)
        (void)site_connect(s);
    test_run_until(w, atomic_load(&s->made) == 5);
    assert_ok(rondo_group_get_metrics(c->group, &m, told_done, &t));
    told_is(w, &t, 3);
    assert_int_equal(m.live_transports, 5);
    assert_int_equal(m.live_servers, 3);
    assert_true(m.iterations >= 3);
    m.size = 0;
    assert_refused(rondo_group_get_metrics(c->group, &m, told_done, &t),
                   RONDO_EINVAL, NULL);
    assert_refused(rondo_group_get_metrics(c->group, NULL, told_done, &t),
                   RONDO_EINVAL, NULL);
    site_close(s);
    crew_close(c);
}

static void ignore_path(rondo_loop *loop, void *arg, const rondo_path_event *e)
{
    (void)loop;
    (void)arg;
    (void)e;
}

/* One of each kind that needs no more than a loop; the result is how many calls
 * were refused. */
static int64_t hold_one_of_each(rondo_loop *loop, size_t index, void *arg)
{
    rondo_group *inner = NULL;
    rondo_group_options o = RONDO_GROUP_OPTIONS_INIT;
    int64_t failed = 0;

    (void)index;
    (void)arg;
    o.loops = 1;
    failed += rondo_call_later(loop, RONDO_SEC(1000), ignore_call, NULL) < 0;
    failed += rondo_watch_path(loop, ".", NULL, ignore_path, NULL) < 0;
    failed += rondo_create_group(loop, &o, &inner) < 0;
    return failed;
}

TEST(M2_metrics_of_every_kind_are_added_up)
{
    struct crew *c = crew_new(w, 3);
    rondo_loop_metrics m = RONDO_LOOP_METRICS_INIT;
    struct told t = {0}, held = {0};

    assert_ok(
        rondo_group_each(c->group, hold_one_of_each, NULL, told_done, &held));
    told_is(w, &held, 0);
    assert_ok(rondo_group_get_metrics(c->group, &m, told_done, &t));
    told_is(w, &t, 3);
    assert_int_equal(m.live_timers, 3);
    assert_int_equal(m.live_paths, 3);
    assert_int_equal(m.live_groups, 3);
    crew_close(c);
}

/* ---- M5: the end of one loop -------------------------------------------- */

static int64_t stop_second(rondo_loop *loop, size_t index, void *arg)
{
    (void)arg;
    if (index == 1)
        rondo_loop_stop(loop);
    return 0;
}

TEST(M5_a_loop_that_is_stopped_is_told)
{
    struct crew *c = crew_new(w, 3);
    struct seen *s = test_alloc(w, sizeof *s);
    struct told t = {0};
    rondo_loop_metrics m = RONDO_LOOP_METRICS_INIT;

    s->crew = c;
    assert_ok(rondo_group_each(c->group, stop_second, NULL, NULL, NULL));
    test_run_until(w, c->ended);
    assert_int_equal(c->ended, 1);
    assert_int_equal(c->ended_index, 1);
    assert_int_equal(c->ended_error, 0);
    assert_refused(rondo_group_post(c->group, 1, ignore_call, NULL),
                   RONDO_ECLOSED, NULL);
    assert_ok(rondo_group_each(c->group, see, s, told_done, &t));
    told_is(w, &t, 1 + 3);
    assert_int_equal(atomic_load(&s->at[1]), 0);
    t.count = 0;
    assert_ok(rondo_group_get_metrics(c->group, &m, told_done, &t));
    told_is(w, &t, 2);
    crew_close(c);
    assert_int_equal(c->ended, 1);
}

static int64_t stop_all(rondo_loop *loop, size_t index, void *arg)
{
    (void)index;
    (void)arg;
    rondo_loop_stop(loop);
    return 0;
}

TEST(M5_no_loop_is_left)
{
    struct crew *c = crew_new(w, 2);
    rondo_group_server *server;

    assert_ok(rondo_group_each(c->group, stop_all, NULL, NULL, NULL));
    test_run_until(w, c->ended == 2);
    assert_refused(rondo_group_each(c->group, stop_all, NULL, NULL, NULL),
                   RONDO_ECLOSED, "no loop");
    assert_refused(rondo_group_serve(c->group, RONDO_SERVE(.host = "127.0.0.1"),
                                     RONDO_SPREAD_DEFAULT, &recorder, NULL,
                                     &server),
                   RONDO_ECLOSED, "no loop");
    crew_close(c);
}

/* ---- M4: closing -------------------------------------------------------- */

TEST(M4_close_is_told_from_the_loop_and_once)
{
    struct crew *c = crew_new(w, 2);

    assert_ok(
        rondo_group_close(c->group, RONDO_SEC(60), told_done, &c->closed));
    assert_int_equal(c->closed.count, 0);
    assert_refused(rondo_group_close(c->group, 0, told_done, &c->closed),
                   RONDO_EBUSY, NULL);
    assert_refused(rondo_group_close(c->group, -1, NULL, NULL), RONDO_EINVAL,
                   NULL);
    assert_ok(rondo_group_close(c->group, 0, NULL, NULL)); /* a new time */
    told_is(w, &c->closed, 0);
    test_run_loop(w);
    assert_int_equal(c->closed.count, 1);
}

TEST(M4_close_without_done)
{
    struct crew *c = crew_new(w, 2);

    assert_ok(rondo_group_close(c->group, RONDO_NEVER, NULL, NULL));
    test_run_loop(w);
}

static void close_in_call(rondo_loop *loop, void *arg, int64_t result)
{
    struct crew *c = arg;

    (void)loop;
    (void)result;
    assert_ok(rondo_group_close(c->group, 0, told_done, &c->closed));
}

static int64_t nothing(rondo_loop *loop, size_t index, void *arg)
{
    (void)loop;
    (void)index;
    (void)arg;
    return 0;
}

TEST(M4_closed_in_a_callback)
{
    struct crew *c = crew_new(w, 2);

    assert_ok(rondo_group_each(c->group, nothing, NULL, close_in_call, c));
    told_is(w, &c->closed, 0);
}

/* loop_close of the home loop ends it, and leaves no thread. */
TEST_LEAVES(M4_the_home_loop_closes)
{
    struct crew *c = crew_new(w, 3);
    struct site *s = site_new(c, RONDO_SPREAD_DEFAULT);
    struct told t = {0};

    for (int i = 0; i < 4; i++)
        (void)site_connect(s);
    test_run_until(w, atomic_load(&s->made) == 4);
    assert_ok(rondo_group_each(c->group, nothing, NULL, told_done, &t));
    test_close_loop(w);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.result, 0);
    assert_int_equal(atomic_load(&s->lost), 4);
    assert_int_equal(atomic_load(&s->wrong), 0);
}

TEST_LEAVES(M4_the_home_loop_closes_while_the_group_does)
{
    struct crew *c = crew_new(w, 3);
    struct site *s = site_new(c, RONDO_SPREAD_TO_FEWEST);

    (void)site_connect(s);
    assert_ok(rondo_group_close(c->group, RONDO_NEVER, told_done, &c->closed));
    test_close_loop(w);
    assert_int_equal(c->closed.count, 1);
    assert_int_equal(c->closed.result, 0);
}
