/* test_executor.c - jobs on threads: their number, their order, their end. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_jobs.h"
#include "raw_net.h"

/* ---- E1: work and done -------------------------------------------------- */

/* One that has been joined may be counted for a moment longer. */
static int count_threads(void)
{
    int least = raw_count_threads();

    for (int i = 0; i < 20 && least > 1; i++) {
        int now;

        raw_sleep_ms(1);
        now = raw_count_threads();
        least = now < least ? now : least;
    }
    return least;
}

/* the first test: no other has started threads yet */
TEST(E1_threads_are_started_as_needed)
{
    int before;

    raw_thread_join(
        raw_thread_start(ignore_release, NULL)); /* a sanitizer's, too */
    before = count_threads();
    test_skip_if(w, before < 0, "this system does not count threads");
    (void)job_start_held(w->loop);
    test_run_until(w, jobs_inside() == 1);
    assert_int_equal(raw_count_threads(), before + 1);
    (void)job_start_held(w->loop);
    test_run_until(w, jobs_inside() == 2);
    assert_int_equal(raw_count_threads(), before + 2);
    jobs_end();
    test_run_until(w, test_metrics(w).live_jobs == 0);
    test_close_loop(w);
    for (int i = 0; i < 5000 && raw_count_threads() > before; i++)
        raw_sleep_ms(1);
    assert_int_equal(raw_count_threads(), before); /* they have ended */
}

TEST(E1_done_gets_what_work_returns)
{
    static const int64_t results[] = {0,  1,         INT64_MAX,
                                      -1, RONDO_EIO, INT64_MIN};

    w->expect_clean = true;
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        struct job *j = job_new(w->loop);

        j->result = results[i];
        assert_ok(job_submit(j, NULL));
        assert_int_equal(j->done, 0);
        test_run_until(w, j->done);
        assert_true(j->told == results[i]);
    }
}

TEST(E1_work_runs_on_another_thread)
{
    struct job *j = job_start(w->loop);

    job_ends(w, j, 0);
    assert_int_equal(atomic_load(&j->began), 1);
    assert_ptr_not_equal(j->thread, job_this_thread());
}

TEST(E1_an_error_that_work_returns_is_a_sentence)
{
    struct job *j = job_new(w->loop);

    j->result = RONDO_ENOSPC;
    assert_ok(job_submit(j, NULL));
    job_ends(w, j, RONDO_ENOSPC);
    assert_true(strstr(j->sentence, "run_in_executor") != NULL);
}

static int64_t return_7(rondo_job *job, void *arg)
{
    (void)job;
    atomic_store((atomic_int *)arg, 7);
    return 7;
}

TEST(E1_done_may_be_null)
{
    atomic_int *value = test_alloc(w, sizeof *value);

    w->expect_clean = true;
    assert_ok(rondo_run_in_executor(w->loop, NULL, return_7, NULL, value));
    test_run_loop(w); /* and keeps it running */
    assert_int_equal(atomic_load(value), 7);
}

TEST(E1_the_loop_goes_on_meanwhile)
{
    struct job *j = job_start_held(w->loop);

    test_run_until(w, jobs_inside() == 1);
    assert_true(test_run_for(w, RONDO_MS(20)) < 20); /* and does not spin */
    assert_int_equal(j->done, 0);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    job_release(j);
    job_ends(w, j, 0);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 0);
}

TEST(E1_a_background_job_does_not_keep_it_running)
{
    struct job *j = job_start_held(w->loop);

    assert_ok(rondo_set_background(w->loop, j->id, true));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_ok(rondo_set_background(w->loop, j->id, false));
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    job_release(j);
    job_ends(w, j, 0);
}

/* The job's own check: done is not called while work is inside. */
TEST(E1_done_never_runs_while_work_does)
{
    const int count = 4000 / test_slowness();
    struct job **j = test_alloc(w, (size_t)count * sizeof(struct job *));

    for (int i = 0; i < count; i++) {
        j[i] = job_start(w->loop);
        if (i % 50 == 0)
            test_spin(w, 1);
    }
    for (int i = 0; i < count; i++)
        job_ends(w, j[i], 0);
    assert_int_equal(test_metrics(w).live_jobs, 0);
}

TEST(E1_posts_come_before_done)
{
    enum { JOBS = 60, POSTS = 300 };
    struct job *j[JOBS];

    for (int i = 0; i < JOBS; i++) {
        j[i] = job_new(w->loop);
        j[i]->posts = POSTS;
        assert_ok(job_submit(j[i], NULL));
    }
    for (int i = 0; i < JOBS; i++) {
        job_ends(w, j[i], 0);
        assert_int_equal(j[i]->posted, POSTS);
        assert_int_equal(atomic_load(&j[i]->post_error), 0);
    }
}

/* More posts than an iteration runs. */
TEST(E1_very_many_posts_come_before_done)
{
    struct job *j = job_new(w->loop);

    j->posts = 20000;
    assert_ok(job_submit(j, NULL));
    job_ends(w, j, 0);
    assert_int_equal(j->posted, 20000);
}

struct order {
    unsigned next;
    bool wrong;
};

struct numbered {
    struct order *order;
    unsigned number;
};

static void in_turn(rondo_loop *loop, void *arg)
{
    struct numbered *n = arg;

    (void)loop;
    n->order->wrong |= n->number != n->order->next++;
}

static int64_t post_in_turn(rondo_job *job, void *arg)
{
    struct numbered *n = arg;

    for (unsigned i = 0; i < 1000; i++)
        if (rondo_job_call_soon(job, in_turn, &n[i]) < 0)
            return RONDO_EOTHER;
    return 0;
}

static void keep_result(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    ((struct numbered *)arg)->order->wrong |=
        result != 0 || ((struct numbered *)arg)->order->next != 1000;
    ((struct numbered *)arg)->order->next = 5000;
}

TEST(E1_posts_come_in_their_order)
{
    struct order *order = test_alloc(w, sizeof *order);
    struct numbered *n = test_alloc(w, 1000 * sizeof *n);

    for (unsigned i = 0; i < 1000; i++)
        n[i] = (struct numbered){order, i};
    assert_ok(
        rondo_run_in_executor(w->loop, NULL, post_in_turn, keep_result, n));
    test_run_until(w, order->next == 5000);
    assert_false(order->wrong);
}

/* ---- E1: threads -------------------------------------------------------- */

/* Submits so many held jobs that not all run, and says how many do. */
static unsigned fill(struct world *w, rondo_loop *loop, unsigned expected)
{
    for (unsigned i = 0; i < expected + 10; i++)
        (void)job_start_held(loop);
    test_run_until(w, jobs_inside() >= expected);
    (void)test_run_for(w, RONDO_MS(20)); /* for more threads to start */
    return jobs_inside();
}

TEST(E1_as_many_threads_as_the_option_says)
{
    rondo_loop_options options = test_loop_options(w);

    options.executor_threads = 3;
    assert_ok(rondo_loop_new(&w->other, &options));
    assert_int_equal(fill(w, w->other, 3), 3);
    jobs_end();
    test_run_until(w, test_metrics(w).live_jobs == 0);
}

TEST(E1_one_thread_is_enough)
{
    rondo_loop_options options = test_loop_options(w);
    struct job *j[20];

    options.executor_threads = 1;
    assert_ok(rondo_loop_new(&w->other, &options));
    for (int i = 0; i < 20; i++)
        j[i] = job_start(w->other);
    for (int i = 0; i < 20; i++) {
        job_ends(w, j[i], 0);
        assert_ptr_equal(j[i]->thread, j[0]->thread);
    }
    assert_int_equal(jobs_most(), 1);
}

TEST(E1_min_of_32_and_cores_plus_4)
{
    unsigned expected = raw_cores() + 4 < 32 ? raw_cores() + 4 : 32;

    assert_int_equal(rondo_cpu_count(), raw_cores());
    assert_int_equal(fill(w, w->loop, expected), expected);
    jobs_end();
    test_run_until(w, test_metrics(w).live_jobs == 0);
}

TEST(E1_look_ups_do_not_wait_for_jobs)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_peer(w);

    if (!raw_names_replace())
        test_skip(w, "this system's look-ups cannot be replaced");
    (void)fill(w, w->loop, raw_cores());
    assert_ok(rondo_create_connection(
        w->loop, RONDO_CONNECT(.host = "a.quick.test", .port = l->port),
        &recorder, p, NULL, NULL));
    test_run_until(w, p->made);
    assert_true(jobs_inside() > 0);
    jobs_end();
    test_run_until(w, test_metrics(w).live_jobs == 0);
}

TEST(E1_jobs_do_not_wait_for_look_ups)
{
    if (!raw_names_replace())
        test_skip(w, "this system's look-ups cannot be replaced");
    for (int i = 0; i < 40; i++)
        assert_ok(rondo_create_connection(
            w->loop, RONDO_CONNECT(.host = "a.slow.test", .port = 9), &recorder,
            test_peer(w), NULL, NULL));
    test_run_until(w, raw_names_waiting() > 0);
    job_ends(w, job_start(w->loop), 0);
    test_close_loop(w);
    raw_names_release();
    while (raw_names_waiting() > 0)
        raw_yield();
}

/* ---- E1: many ----------------------------------------------------------- */

struct chain {
    rondo_loop *loop;
    unsigned left;
};

static int64_t add_1(rondo_job *job, void *arg)
{
    (void)job;
    (void)arg;
    return 1;
}

static void next_link(rondo_loop *loop, void *arg, int64_t result)
{
    struct chain *c = arg;

    c->left -= (unsigned)result;
    if (c->left > 0 &&
        rondo_run_in_executor(loop, NULL, add_1, next_link, c) < 0)
        c->left = UINT32_MAX;
}

TEST(E1_one_after_another_without_end)
{
    struct chain *c = test_alloc(w, sizeof *c);
    uint64_t before;

    w->expect_clean = true;
    c->left = 20;
    assert_ok(rondo_run_in_executor(w->loop, NULL, add_1, next_link, c));
    test_run_until(w, c->left == 0);
    before = test_allocations(w);
    c->left = 3000 / (unsigned)test_slowness();
    assert_ok(rondo_run_in_executor(w->loop, NULL, add_1, next_link, c));
    test_run_until(w, c->left == 0);
    assert_int_equal(test_allocations(w), before); /* of the loop's */
}

TEST(E1_a_great_many_at_once)
{
    struct chain *c = test_alloc(w, sizeof *c);
    unsigned count = 200000 / (unsigned)test_slowness();

    w->expect_clean = true;
    c->left = 2 * count; /* so that no link starts another */
    for (unsigned i = 0; i < count; i++)
        assert_ok(rondo_run_in_executor(w->loop, NULL, add_1, NULL, NULL));
    test_run_loop(w);
    assert_int_equal(test_metrics(w).live_jobs, 0);
}

/* ---- L13 ---------------------------------------------------------------- */

struct lines {
    int count;
    char text[4][256];
};

static void keep_line(void *arg, const char *line, size_t size)
{
    struct lines *l = arg;

    if (l->count < 4)
        (void)snprintf(l->text[l->count], 256, "%.*s", (int)size, line);
    l->count++;
}

TEST(L13_jobs_are_counted_and_dumped)
{
    rondo_loop_options options = test_loop_options(w);
    rondo_loop_metrics m = RONDO_LOOP_METRICS_INIT;
    struct lines l = {0};

    options.executor_threads = 1;
    assert_ok(rondo_loop_new(&w->other, &options));
    (void)job_start_held(w->other);
    (void)job_start_held(w->other);
    test_run_until(w, jobs_inside() == 1);
    assert_ok(rondo_loop_get_metrics(w->other, &m));
    assert_int_equal(m.live_jobs, 2);
    assert_int_equal(m.live_operations, 0);
    assert_int_equal(rondo_loop_dump(w->other, keep_line, &l), 2);
    for (int i = 0; i < 2; i++)
        assert_memory_equal(l.text[i], "job ", 4);
    assert_true(strstr(l.text[0], "waiting") || strstr(l.text[1], "waiting"));
    assert_true(strstr(l.text[0], "begun") || strstr(l.text[1], "begun"));
    jobs_end();
    do {
        test_spin(w, 1);
        assert_ok(rondo_loop_run_once(w->other, RONDO_MS(1)));
        assert_ok(rondo_loop_get_metrics(w->other, &m));
    } while (m.live_jobs > 0);
    l.count = 0;
    assert_int_equal(rondo_loop_dump(w->other, keep_line, &l), 0);
}
