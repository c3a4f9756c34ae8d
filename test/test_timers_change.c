/* test_timers_change.c - timers cancelled, moved and started again. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* a timer, and what its callback does to which timer */
struct item {
    struct world *w;
    rondo_id id;
    unsigned fired;
    struct item *victim;
    void (*act)(struct item *it);
    int result;
    int64_t when;
};

static int64_t in(struct world *w, int64_t delay)
{
    return rondo_loop_time(w->loop) + delay;
}

static struct item *item_new(struct world *w, void (*act)(struct item *it))
{
    struct item *it = test_alloc(w, sizeof *it);

    it->w = w;
    it->act = act;
    return it;
}

static void fire(rondo_loop *loop, void *arg)
{
    struct item *it = arg;

    (void)loop;
    it->fired++;
    if (it->act)
        it->act(it);
}

static struct item *start(struct world *w, int64_t delay,
                          void (*act)(struct item *it))
{
    struct item *it = item_new(w, act);

    it->id = assert_ok(rondo_call_later(w->loop, delay, fire, it));
    return it;
}

static void cancel_victim(struct item *it)
{
    it->result = rondo_cancel(it->w->loop, it->victim->id);
}

/* ---- T3: cancel --------------------------------------------------------- */

TEST(T3_cancelled_never_fires)
{
    struct item *it = start(w, RONDO_MS(1), NULL);

    assert_int_equal(rondo_cancel(w->loop, it->id), 0);
    assert_error(rondo_cancel(w->loop, it->id), RONDO_ENOENT);
    (void)test_run_for(w, RONDO_MS(5));
    assert_int_equal(it->fired, 0);
}

static void push_victim(struct item *it)
{
    it->result =
        rondo_reschedule(it->w->loop, it->victim->id, in(it->w, RONDO_MS(2)));
}

static void pull_victim(struct item *it)
{
    it->result = rondo_reschedule(it->w->loop, it->victim->id, INT64_MIN);
}

/* What is done to one that is due in the same iteration, or much later. */
TEST(T3_changed_by_another_in_the_same_iteration)
{
    static const struct {
        const char *name;
        void (*act)(struct item *it);
        int64_t delay;
        unsigned fires, in_the_next;
    } rows[] = {{"cancelled", cancel_victim, 0, 0, 0},
                {"pushed back", push_victim, 0, 1, 0},
                {"pulled forward", pull_victim, RONDO_SEC(100), 1, 1}};

    for (EACH_ROW(w, row, rows)) {
        struct item *first = start(w, 0, row->act);
        struct item *second = start(w, row->delay, NULL);
        struct item *third = start(w, 0, NULL);

        first->victim = second;
        test_spin(w, 1);
        assert_int_equal(first->fired, 1);
        assert_int_equal(first->result, 0);
        assert_int_equal(second->fired, 0);
        assert_int_equal(third->fired, 1);
        if (row->in_the_next)
            test_spin(w, 1);
        else
            test_run_until(w, second->fired == row->fires);
        test_spin(w, 2);
        assert_int_equal(second->fired, row->fires);
    }
}

TEST(T3_cancel_of_each_other_and_of_itself)
{
    struct item *a = start(w, 0, cancel_victim);
    struct item *b = start(w, 0, cancel_victim);
    struct item *self = start(w, 0, cancel_victim);

    a->victim = b;
    b->victim = a;
    self->victim = self;
    test_spin(w, 5);
    assert_int_equal(a->fired, 1);
    assert_int_equal(b->fired, 0);
    assert_int_equal(self->fired, 1);
    assert_int_equal(self->result, RONDO_ENOENT); /* it has run */
}

TEST(T3_cancel_after_it_has_fired)
{
    struct item *old = start(w, 0, NULL);
    struct item *newer;

    test_spin(w, 2);
    assert_int_equal(old->fired, 1);
    newer = start(w, 0, NULL); /* may take the old one's place */
    assert_true(newer->id != old->id);
    assert_error(rondo_cancel(w->loop, old->id), RONDO_ENOENT);
    test_spin(w, 2);
    assert_int_equal(newer->fired, 1);
}

/* ---- T3: reschedule ----------------------------------------------------- */

TEST(T3_rescheduled_later_and_earlier)
{
    struct item *it = start(w, RONDO_SEC(100), NULL);
    int64_t when = in(w, RONDO_SEC(200));

    assert_int_equal(rondo_reschedule(w->loop, it->id, when), 0);
    assert_true(rondo_when(w->loop, it->id) == when);
    test_spin(w, 2);
    assert_int_equal(it->fired, 0);
    when = in(w, RONDO_MS(2));
    assert_int_equal(rondo_reschedule(w->loop, it->id, when), 0);
    assert_true(rondo_when(w->loop, it->id) == when);
    test_run_until(w, it->fired);
    assert_true(rondo_loop_time(w->loop) >= when);
    test_spin(w, 3);
    assert_int_equal(it->fired, 1);
    it = start(w, RONDO_SEC(100), NULL);
    assert_ok(rondo_reschedule(w->loop, it->id, INT64_MIN));
    test_spin(w, 1); /* to the past: in the next */
    assert_int_equal(it->fired, 1);
}

static void again_three_times(struct item *it)
{
    if (it->fired == 3)
        return;
    it->when = in(it->w, RONDO_MS(1));
    assert_int_equal(rondo_reschedule(it->w->loop, it->id, it->when), 0);
    assert_true(rondo_when(it->w->loop, it->id) == it->when);
}

TEST(T3_reschedule_in_own_callback)
{
    struct item *it = start(w, 0, again_three_times);

    test_run_loop(w);
    assert_int_equal(it->fired, 3);
    assert_true(rondo_loop_time(w->loop) >= it->when);
    assert_error(rondo_cancel(w->loop, it->id), RONDO_ENOENT);
}

static void again_in_the_past(struct item *it)
{
    assert_ok(rondo_reschedule(it->w->loop, it->id, 0));
}

TEST(T3_reschedule_in_own_callback_waits_an_iteration)
{
    struct item *it = start(w, 0, again_in_the_past);

    for (unsigned i = 1; i < 10; i++) {
        test_spin(w, 1);
        assert_int_equal(it->fired, i);
    }
    assert_int_equal(rondo_cancel(w->loop, it->id), 0);
    test_spin(w, 2);
    assert_int_equal(it->fired, 9);
}

static void again_then_cancel(struct item *it)
{
    assert_ok(rondo_reschedule(it->w->loop, it->id, 0));
    assert_ok(rondo_reschedule(it->w->loop, it->id, in(it->w, 1000)));
    it->result = rondo_cancel(it->w->loop, it->id);
    assert_error(rondo_reschedule(it->w->loop, it->id, 0), RONDO_ENOENT);
}

TEST(T3_restarted_and_cancelled_in_own_callback)
{
    struct item *it = start(w, 0, again_then_cancel);

    (void)test_run_for(w, RONDO_MS(2));
    assert_int_equal(it->fired, 1);
    assert_int_equal(it->result, 0);
}

static void start_another(struct item *it)
{
    it->victim = start(it->w, 0, NULL);
    assert_true(it->victim->id != it->id);
}

TEST(T3_started_in_a_callback_fires_in_the_next_iteration)
{
    struct item *it = start(w, 0, start_another);

    test_spin(w, 1);
    assert_non_null(it->victim);
    assert_int_equal(it->victim->fired, 0);
    test_spin(w, 1);
    assert_int_equal(it->victim->fired, 1);
}

/* callbacks of another kind do the same */
static void cancel_from_call_soon(rondo_loop *loop, void *arg)
{
    struct item *it = arg;

    it->result = rondo_cancel(loop, it->id);
}

TEST(T3_cancel_and_restart_in_a_call_soon)
{
    struct item *it = start(w, RONDO_MS(1), NULL);

    assert_ok(rondo_call_soon(w->loop, cancel_from_call_soon, it));
    test_spin(w, 1);
    assert_int_equal(it->result, 0);
    assert_error(rondo_reschedule(w->loop, it->id, 0), RONDO_ENOENT);
    (void)test_run_for(w, RONDO_MS(3));
    assert_int_equal(it->fired, 0);
}

/* ---- ids that name no timer --------------------------------------------- */

TEST(T3_what_is_no_timer_is_refused)
{
    static const rondo_id none[] = {0,         -1,        1,     12345,
                                    INT64_MAX, INT64_MIN, -20001};
    rondo_id soon;

    for (unsigned i = 0; i < COUNT_OF(none); i++) {
        assert_error(rondo_cancel(w->loop, none[i]), RONDO_ENOENT);
        assert_error(rondo_reschedule(w->loop, none[i], 0), RONDO_ENOENT);
        assert_error(rondo_when(w->loop, none[i]), RONDO_ENOENT);
        assert_error(rondo_missed(w->loop, none[i]), RONDO_ENOENT);
    }
    soon = assert_ok(
        rondo_call_soon(w->loop, cancel_from_call_soon, item_new(w, NULL)));
    assert_einval(rondo_reschedule(w->loop, soon, 0));
    assert_einval(rondo_when(w->loop, soon));
    assert_einval(rondo_missed(w->loop, soon));
    assert_int_equal(rondo_cancel(w->loop, soon), 0);
}

TEST_LEAVES(T3_another_loops_timer_is_refused)
{
    rondo_loop *other = test_other_loop(w);
    struct item *it = item_new(w, NULL);

    it->id = assert_ok(rondo_call_later(other, RONDO_MS(1), fire, it));
    (void)start(w, RONDO_SEC(100), NULL);
    assert_error(rondo_cancel(w->loop, it->id), RONDO_ENOENT);
    assert_error(rondo_reschedule(w->loop, it->id, 0), RONDO_ENOENT);
    assert_error(rondo_when(w->loop, it->id), RONDO_ENOENT);
    test_run_until(w, it->fired);
}

/* ---- T3: pushing later -------------------------------------------------- */

/* CPU time of moving the earliest of so many timers behind all others */
static int64_t time_pushes(struct world *w, int others, int pushes)
{
    rondo_id *ids = test_alloc(w, (size_t)others * sizeof *ids);
    int64_t base = in(w, RONDO_SEC(1000));
    struct item *it = start(w, RONDO_SEC(500), NULL);
    int64_t begin;
    int64_t taken;

    for (int i = 0; i < others; i++)
        ids[i] = assert_ok(rondo_call_at(w->loop, base + i, fire, it));
    begin = raw_thread_cpu_ns();
    for (int i = 0; i < pushes; i++)
        if (rondo_reschedule(w->loop, it->id, base + others + i) != 0)
            test_fail(w, "push %d failed", i);
    taken = raw_thread_cpu_ns() - begin;
    assert_ok(rondo_cancel(w->loop, it->id));
    for (int i = 0; i < others; i++)
        assert_ok(rondo_cancel(w->loop, ids[i]));
    return taken;
}

TEST(T3_pushing_later_costs_the_same_among_many)
{
    int pushes = 1000000 / test_slowness();
    int64_t few = time_pushes(w, 10, pushes);
    int64_t many = time_pushes(w, 200000 / test_slowness(), pushes);

    if (many > 10 * few + RONDO_MS(20))
        test_fail(w, "%d pushes: %lld ns among 10, %lld ns among many", pushes,
                  (long long)few, (long long)many);
}

TEST_LEAVES(T3_pushing_later_allocates_nothing)
{
    struct item *it[100];
    uint64_t before;

    for (int i = 0; i < 100; i++)
        it[i] = start(w, RONDO_SEC(100) + i, NULL);
    before = test_allocations(w);
    for (int k = 1; k < 1000; k++)
        for (int i = 0; i < 100; i++)
            assert_ok(rondo_reschedule(w->loop, it[i]->id,
                                       in(w, RONDO_SEC(100 + k))));
    assert_int_equal(test_allocations(w), before);
}
