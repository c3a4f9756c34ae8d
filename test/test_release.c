/* test_release.c - what becomes of an arg whose callback never runs. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

/* something of the program's, which must be freed exactly once */
struct thing {
    struct world *w;
    unsigned ran, released;
    rondo_id id;
    void (*act)(struct thing *t);
};

static struct thing *thing_new(struct world *w)
{
    struct thing *t = test_alloc(w, sizeof *t);

    t->w = w;
    return t;
}

static void thing_runs(rondo_loop *loop, void *arg)
{
    struct thing *t = arg;

    (void)loop;
    t->ran++;
    if (t->act)
        t->act(t);
}

static void thing_released(rondo_loop *loop, void *arg)
{
    struct thing *t = arg;

    assert_ptr_equal(loop, t->w->loop);
    t->released++;
}

static void set_release(struct thing *t)
{
    assert_true(t->id > 0);
    assert_int_equal(rondo_set_release(t->w->loop, t->id, thing_released), 0);
}

static struct thing *started(struct world *w,
                             rondo_id (*start)(struct thing *t))
{
    struct thing *t = thing_new(w);

    t->id = start(t);
    set_release(t);
    return t;
}

static rondo_id start_soon(struct thing *t)
{
    return rondo_call_soon(t->w->loop, thing_runs, t);
}

static rondo_id start_later(struct thing *t)
{
    return rondo_call_later(t->w->loop, 0, thing_runs, t);
}

static rondo_id start_never(struct thing *t)
{
    return rondo_call_at(t->w->loop, RONDO_NEVER, thing_runs, t);
}

static rondo_id start_every(struct thing *t)
{
    return rondo_call_every(t->w->loop, 1, thing_runs, t);
}

static rondo_id start_hook(struct thing *t)
{
    return rondo_add_hook(t->w->loop, RONDO_AFTER_WAIT, thing_runs, t);
}

static const struct {
    const char *name;
    rondo_id (*start)(struct thing *t);
    bool repeats;
    bool runs; /* in the next iterations */
} kinds[] = {{"call_soon", start_soon, false, true},
             {"call_later", start_later, false, true},
             {"call_at never", start_never, false, false},
             {"call_every", start_every, true, true},
             {"add_hook", start_hook, true, true}};

/* ---- L17 ----------------------------------------------------------------- */

TEST(L17_cancelled_it_is_released_once_from_the_loop)
{
    for (EACH_ROW(w, row, kinds)) {
        struct thing *t = started(w, row->start);

        assert_int_equal(rondo_cancel(w->loop, t->id), 0);
        assert_int_equal(t->released, 0); /* not inside the call */
        assert_int_equal(rondo_cancel(w->loop, t->id), RONDO_ENOENT);
        assert_int_equal(rondo_loop_run(w->loop), 0); /* it keeps run going */
        assert_int_equal(t->released, 1);
        assert_int_equal(t->ran, 0);
    }
}

TEST(L17_what_has_run_is_not_released)
{
    for (EACH_ROW(w, row, kinds)) {
        struct thing *t;

        if (row->repeats || !row->runs)
            continue;
        t = started(w, row->start);
        test_run_until(w, t->ran);
        test_spin(w, 3);
        assert_int_equal(t->ran, 1);
        assert_int_equal(t->released, 0);
        assert_int_equal(rondo_set_release(w->loop, t->id, thing_released),
                         RONDO_ENOENT);
    }
}

TEST(L17_what_repeats_is_released_when_it_is_cancelled)
{
    for (EACH_ROW(w, row, kinds)) {
        struct thing *t;

        if (!row->repeats)
            continue;
        t = started(w, row->start);
        while (t->ran < 3)
            test_spin(w, 1);
        assert_int_equal(rondo_cancel(w->loop, t->id), 0);
        test_run_loop(w);
        assert_int_equal(t->released, 1);
    }
}

static void cancels_itself(struct thing *t)
{
    assert_int_equal(rondo_cancel(t->w->loop, t->id), 0);
    assert_int_equal(t->released, 0);
}

TEST(L17_cancelled_inside_its_own_callback)
{
    for (EACH_ROW(w, row, kinds)) {
        struct thing *t;

        if (!row->repeats)
            continue;
        t = started(w, row->start);
        t->act = cancels_itself;
        while (!t->released)
            test_spin(w, 1);
        test_spin(w, 2);
        assert_int_equal(t->ran, 1);
        assert_int_equal(t->released, 1);
    }
}

static void starts_again(struct thing *t)
{
    if (t->ran == 1)
        assert_int_equal(rondo_reschedule(t->w->loop, t->id, RONDO_NEVER), 0);
}

TEST(L17_a_timer_that_starts_itself_again_keeps_it)
{
    struct thing *t = started(w, start_later);

    t->act = starts_again;
    test_run_until(w, t->ran);
    assert_int_equal(rondo_cancel(w->loop, t->id), 0);
    test_run_loop(w);
    assert_int_equal(t->ran, 1);
    assert_int_equal(t->released, 1);
}

TEST(L17_a_close_releases_what_it_drops)
{
    struct thing *all[COUNT_OF(kinds)];

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        all[i] = started(w, kinds[i].start);
    test_close_loop(w);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        assert_int_equal(all[i]->ran, 0);
        assert_int_equal(all[i]->released, 1);
    }
}

TEST(L17_a_close_releases_what_was_cancelled_just_before)
{
    struct thing *all[COUNT_OF(kinds)];

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        all[i] = started(w, kinds[i].start);
        assert_int_equal(rondo_cancel(w->loop, all[i]->id), 0);
    }
    test_close_loop(w);
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        assert_int_equal(all[i]->released, 1);
}

static struct thing *the_hook;

/* Inside the close: cancels another one, and can create nothing. */
static void release_that_acts(rondo_loop *loop, void *arg)
{
    struct thing *t = arg;

    t->released++;
    assert_int_equal(rondo_cancel(loop, the_hook->id), 0);
    assert_int_equal(rondo_call_soon(loop, thing_runs, t), RONDO_ECLOSED);
    assert_int_equal(rondo_set_release(loop, the_hook->id, thing_released),
                     RONDO_ECLOSED);
}

TEST(L17_a_release_acts_inside_the_close)
{
    struct thing *t = started(w, start_soon);

    the_hook = started(w, start_hook);
    assert_int_equal(rondo_set_release(w->loop, t->id, release_that_acts), 0);
    test_close_loop(w);
    assert_int_equal(t->released, 1);
    assert_int_equal(the_hook->released, 1);
}

TEST(L17_set_again_and_taken_back)
{
    struct thing *t = started(w, start_soon);

    set_release(t);
    assert_int_equal(rondo_cancel(w->loop, t->id), 0);
    test_run_loop(w);
    assert_int_equal(t->released, 1);
    for (EACH_ROW(w, row, kinds)) {
        t = started(w, row->start);
        assert_int_equal(rondo_set_release(w->loop, t->id, NULL), 0);
        assert_int_equal(rondo_cancel(w->loop, t->id), 0);
        test_run_loop(w);
        assert_int_equal(t->released, 0);
    }
}

/* Every third is cancelled, every third runs, every third is dropped. */
TEST(L17_a_hundred_thousand)
{
    enum { MANY = 99999 };
    struct thing *all = test_alloc(w, MANY * sizeof *all);

    for (size_t i = 0; i < MANY; i++) {
        all[i].w = w;
        all[i].id = i % 3 == 1 ? start_soon(&all[i]) : start_never(&all[i]);
        set_release(&all[i]);
    }
    for (size_t i = 0; i < MANY; i += 3)
        assert_int_equal(rondo_cancel(w->loop, all[i].id), 0);
    while (all[MANY - 2].ran == 0)
        test_spin(w, 1);
    test_close_loop(w);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(all[i].ran, i % 3 == 1);
        assert_int_equal(all[i].released, i % 3 != 1);
    }
}

static void no_result(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    (void)arg;
    (void)result;
}

static int64_t no_work(rondo_job *job, void *arg)
{
    (void)job;
    (void)arg;
    return 0;
}

TEST(L17_what_needs_none_is_refused)
{
    struct thing *t = thing_new(w);
    rondo_remote *remote = rondo_loop_remote(w->loop);
    rondo_id id = rondo_remote_post(remote, thing_runs, t);

    assert_int_equal(rondo_set_release(w->loop, id, thing_released),
                     RONDO_EINVAL);
    id = rondo_run_in_executor(w->loop, NULL, no_work, no_result, t);
    assert_int_equal(rondo_set_release(w->loop, id, thing_released),
                     RONDO_EINVAL);
    assert_int_equal(rondo_set_release(w->loop, 0, thing_released),
                     RONDO_ENOENT);
    assert_int_equal(rondo_set_release(NULL, id, thing_released), RONDO_EINVAL);
    test_run_loop(w);
    rondo_remote_release(remote);
}

TEST(L17_out_of_memory_it_is_not_set)
{
    for (uint64_t n = 1; test_nth_fails(w, n); n++) {
        struct thing *t = thing_new(w);

        t->id = start_never(t);
        if (t->id < 0)
            continue;
        if (rondo_set_release(w->loop, t->id, thing_released) == 0) {
            assert_int_equal(rondo_cancel(w->loop, t->id), 0);
            test_run_loop(w);
            assert_int_equal(t->released, 1);
        } else {
            assert_int_equal(rondo_cancel(w->loop, t->id), 0);
            test_run_loop(w);
            assert_int_equal(t->released, 0);
        }
    }
}
