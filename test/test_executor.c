/* test_executor.c - jobs on threads: their number, their order, their end. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"
#include "harness_dump.h"
#include "harness_jobs.h"
#include "harness_names.h"
#include "harness_report.h"

/* ---- E1: work and done -------------------------------------------------- */

/* The least of a few looks: one that has been joined may be counted for a
 * moment longer. */
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
    jobs_finish(w);
    test_close_loop(w);
    for (int i = 0; i < 1000 && count_threads() > before; i++)
        continue;
    assert_int_equal(count_threads(), before); /* they have ended */
}

TEST(E1_done_gets_what_work_returns)
{
    static const int64_t results[] = {0,  1,         INT64_MAX,
                                      -1, RONDO_EIO, INT64_MIN};
    struct job *j;

    for (size_t i = 0; i < COUNT_OF(results); i++) {
        j = job_new(w->loop);
        j->result = results[i];
        assert_ok(job_submit(j, NULL));
        assert_int_equal(j->done, 0);
        test_run_until(w, j->done);
        assert_true(j->told == results[i]);
        assert_int_equal(atomic_load(&j->began), 1);
        assert_ptr_not_equal(j->thread, job_this_thread());
    }
    j = job_new(w->loop);
    j->result = RONDO_ENOSPC; /* which is a sentence in done */
    assert_ok(job_submit(j, NULL));
    job_ends(w, j, RONDO_ENOSPC);
    assert_non_null(strstr(j->sentence, "run_in_executor"));
}

static int64_t return_7(rondo_job *job, void *arg)
{
    (void)job;
    atomic_store((atomic_int *)arg, 7);
    return 7;
}

static int64_t return_0(rondo_job *job, void *arg)
{
    (void)job;
    (void)arg;
    return 0;
}

TEST(E1_done_may_be_null)
{
    struct report *r = report_new(w);
    atomic_int *value = test_alloc(w, sizeof *value);

    assert_ok(rondo_run_in_executor(w->loop, NULL, return_7, NULL, value));
    test_run_loop(w); /* and keeps it running */
    assert_int_equal(atomic_load(value), 7);
    assert_ok(rondo_run_in_executor(w->loop, NULL, return_0, NULL, NULL));
    test_run_loop(w);
    assert_int_equal(r->count, 0);
}

/* A job keeps it running, unless it is in the background. */
TEST(E1_the_loop_goes_on_meanwhile)
{
    struct job *j = job_start_held(w->loop);

    test_run_until(w, jobs_inside() == 1);
    assert_true(test_run_for(w, RONDO_MS(20)) < 20); /* and does not spin */
    assert_int_equal(j->done, 0);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_ok(rondo_set_background(w->loop, j->id, true));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_ok(rondo_set_background(w->loop, j->id, false));
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    job_release(j);
    job_ends(w, j, 0);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 0);
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
    static const struct {
        const char *name;
        int jobs;
        unsigned posts;
    } rows[] = {{"many jobs", 60, 300},
                {"more posts than an iteration runs", 1, 20000}};

    for (EACH_ROW(w, row, rows)) {
        struct job *j[60];

        for (int i = 0; i < row->jobs; i++) {
            j[i] = job_new(w->loop);
            j[i]->posts = row->posts;
            assert_ok(job_submit(j[i], NULL));
        }
        for (int i = 0; i < row->jobs; i++) {
            job_ends(w, j[i], 0);
            assert_int_equal(j[i]->posted, row->posts);
            assert_int_equal(atomic_load(&j[i]->post_error), 0);
        }
    }
}

struct turns {
    unsigned next, result;
    bool wrong;
    struct turn {
        struct turns *all;
        unsigned number;
    } posts[1000];
};

static void in_turn(rondo_loop *loop, void *arg)
{
    struct turn *turn = arg;

    (void)loop;
    turn->all->wrong |= turn->number != turn->all->next++;
}

static int64_t post_in_turn(rondo_job *job, void *arg)
{
    struct turns *all = arg;

    for (unsigned i = 0; i < 1000; i++) {
        all->posts[i] = (struct turn){all, i};
        if (rondo_job_call_soon(job, in_turn, &all->posts[i]) < 0)
            return RONDO_EOTHER;
    }
    return 1;
}

static void keep_result(rondo_loop *loop, void *arg, int64_t result)
{
    struct turns *all = arg;

    (void)loop;
    all->wrong |= all->next != 1000;
    all->result = (unsigned)result;
}

TEST(E1_posts_come_in_their_order)
{
    struct turns *all = test_alloc(w, sizeof *all);

    assert_ok(
        rondo_run_in_executor(w->loop, NULL, post_in_turn, keep_result, all));
    test_run_until(w, all->result);
    assert_int_equal(all->result, 1);
    assert_false(all->wrong);
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
    assert_int_equal(fill(w, job_loop(w, 3), 3), 3);
    jobs_finish(w);
}

TEST(E1_one_thread_is_enough)
{
    rondo_loop *loop = job_loop(w, 1);
    struct job *j[20];

    for (int i = 0; i < 20; i++)
        j[i] = job_start(loop);
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
    jobs_finish(w);
}

TEST_LEAVES(E1_look_ups_do_not_wait_for_jobs)
{
    uint16_t port = test_serve(w)->port;

    names_replace(w);
    (void)fill(w, w->loop, raw_cores());
    dial_ends(
        w, dial_new(w, RONDO_CONNECT(.host = "a.quick.test", .port = port)), 0);
    assert_true(jobs_inside() > 0);
    jobs_finish(w);
}

TEST(E1_jobs_do_not_wait_for_look_ups)
{
    names_replace(w);
    for (int i = 0; i < 40; i++)
        (void)dial_new(w, RONDO_CONNECT(.host = "a.slow.test", .port = 9));
    test_run_until(w, raw_names_waiting() > 0);
    job_ends(w, job_start(w->loop), 0);
    test_close_loop(w);
    names_release(w);
}

/* ---- E1: many ----------------------------------------------------------- */

/* arg: how many are left */
static void next_link(rondo_loop *loop, void *arg, int64_t result)
{
    unsigned *left = arg;

    *left -= (unsigned)result;
    if (*left > 0 &&
        rondo_run_in_executor(loop, NULL, job_return_1, next_link, left) < 0)
        *left = UINT32_MAX;
}

TEST(E1_one_after_another_without_end)
{
    unsigned *left = test_counter(w);
    const unsigned lengths[] = {20, 3000 / (unsigned)test_slowness()};
    uint64_t before = 0;

    for (int i = 0; i < 2; i++) {
        before = test_allocations(w);
        *left = lengths[i];
        assert_ok(rondo_run_in_executor(w->loop, NULL, job_return_1, next_link,
                                        left));
        test_run_until(w, *left == 0);
    }
    assert_int_equal(test_allocations(w), before); /* of the loop's */
}

TEST(E1_a_great_many_at_once)
{
    unsigned count = 200000 / (unsigned)test_slowness();

    for (unsigned i = 0; i < count; i++)
        assert_ok(
            rondo_run_in_executor(w->loop, NULL, job_return_1, NULL, NULL));
    test_run_loop(w);
    assert_int_equal(test_metrics(w).live_jobs, 0);
}

/* ---- L13 ---------------------------------------------------------------- */

TEST(L13_jobs_are_counted_and_dumped)
{
    rondo_loop_metrics m = RONDO_LOOP_METRICS_INIT;
    rondo_loop *loop = job_loop(w, 1);
    struct job *j[2] = {job_start_held(loop), job_start_held(loop)};
    const struct dump *d;

    test_run_until(w, jobs_inside() == 1);
    assert_ok(rondo_loop_get_metrics(loop, &m));
    assert_int_equal(m.live_jobs, 2);
    assert_int_equal(m.live_operations, 0);
    d = dump_of(w, loop);
    assert_int_equal(d->count, 2);
    assert_int_equal(dump_has(d, "job ", "waiting"), 1);
    assert_int_equal(dump_has(d, "job ", "begun"), 1);
    jobs_end();
    job_ends(w, j[0], 0);
    job_ends(w, j[1], 0);
    assert_ok(rondo_loop_get_metrics(loop, &m));
    assert_int_equal(m.live_jobs, 0);
    assert_int_equal(dump_of(w, loop)->count, 0);
}
