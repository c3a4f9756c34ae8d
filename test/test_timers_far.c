/* test_timers_far.c - deadlines from now to years ahead, and many moved at
 * once. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_net.h"

enum { FAR_TIMERS = 4000, YEAR_S = 365 * 86400 };

#define CENTURY_S (INT64_C(100) * YEAR_S)

static void advance(struct world *w, int64_t seconds)
{
    test_skip_if(w, !raw_advance_clock(seconds),
                 "the clock cannot be set ahead here");
}

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

struct far {
    struct far_world *all;
    rondo_id id;
    int64_t when;
    unsigned number; /* of the start, or of the last move */
};

struct far_world {
    struct world *w;
    struct far timers[FAR_TIMERS];
    int64_t last_when;
    unsigned last_number, number, fired, live;
};

static void far_fire(rondo_loop *loop, void *arg)
{
    struct far *f = arg;
    struct far_world *all = f->all;

    assert_true(f->when <= rondo_loop_time(loop));
    assert_true(f->when >= all->last_when);
    if (f->when == all->last_when)
        assert_true(f->number > all->last_number);
    all->last_when = f->when;
    all->last_number = f->number;
    all->fired++;
    all->live--;
    f->id = 0;
}

/* From a nanosecond to a century: each order of magnitude as often. Every
 * second one is the same as others'. */
static int64_t far_when(const struct far_world *all, uint64_t *seed)
{
    uint64_t r = random_next(seed);
    int64_t delay = (int64_t)(r >> 1 >> (2 + r % 61));

    if (delay > RONDO_SEC(CENTURY_S))
        delay = RONDO_SEC(CENTURY_S);
    if (r >> 63)
        delay &= ~INT64_C(0xFFFFF);
    return rondo_loop_iteration_time(all->w->loop) + 1 + delay;
}

static void far_start(struct far_world *all, struct far *f, uint64_t *seed)
{
    f->all = all;
    f->when = far_when(all, seed);
    f->number = ++all->number;
    f->id = assert_ok(rondo_call_at(all->w->loop, f->when, far_fire, f));
    all->live++;
}

static void far_change(struct far_world *all, struct far *f, uint64_t *seed)
{
    uint64_t r = random_next(seed);

    if (!f->id) {
        far_start(all, f, seed);
    } else if (r % 4 == 0) {
        assert_int_equal(rondo_cancel(all->w->loop, f->id), 0);
        assert_error(rondo_cancel(all->w->loop, f->id), RONDO_ENOENT);
        f->id = 0;
        all->live--;
    } else {
        f->when = far_when(all, seed);
        f->number = ++all->number;
        assert_ok(rondo_reschedule(all->w->loop, f->id, f->when));
        assert_true(rondo_when(all->w->loop, f->id) == f->when);
    }
}

/* Until what was due when it began has fired. */
static void far_catch_up(struct far_world *all)
{
    rondo_loop *loop = all->w->loop;
    int64_t now = rondo_loop_time(loop);

    for (;;) {
        unsigned due = 0;

        for (unsigned i = 0; i < FAR_TIMERS; i++)
            due += all->timers[i].id && all->timers[i].when <= now;
        if (due == 0)
            return;
        test_spin(all->w, 1);
    }
}

static void play_far(struct world *w, uint64_t seed)
{
    static const int64_t steps[] = {0, 1, 0, 60, 1, 3600, 0, 86400, YEAR_S};
    struct far_world *all = test_alloc(w, sizeof *all);

    all->w = w;
    for (unsigned i = 0; i < FAR_TIMERS; i++)
        far_start(all, &all->timers[i], &seed);
    for (unsigned i = 0; i < COUNT_OF(steps) * 3; i++) {
        advance(w, steps[i % COUNT_OF(steps)]);
        far_catch_up(all);
        for (unsigned k = 0; k < FAR_TIMERS / 2; k++)
            far_change(all, &all->timers[random_next(&seed) % FAR_TIMERS],
                       &seed);
        assert_int_equal(test_metrics(w).live_timers, all->live);
    }
    advance(w, CENTURY_S + 1);
    far_catch_up(all);
    assert_int_equal(all->live, 0);
    assert_true(all->fired > FAR_TIMERS);
}

TEST_CASE(T1_from_nanoseconds_to_a_century, play_far(w, 20240229));
TEST_CASE(T1_from_nanoseconds_to_a_century_again,
          play_far(w, 88172645463325252u));

/* ---- T4: many at once --------------------------------------------------- */

/* How many iterations have something to do. */
static int busy_iterations(struct world *w)
{
    int n = 0;
    int64_t timeout = 0;

    for (;;) {
        assert_ok(rondo_loop_prepare_poll(w->loop, NULL, 0, &timeout));
        if (timeout > 0)
            return n;
        test_spin(w, 1);
        n++;
    }
}

enum { MOVED = 20000 };

/* All are moved, and no old deadline makes an iteration move them all. */
static void move_many(struct world *w, int64_t spread)
{
    rondo_id *ids = test_alloc(w, MOVED * sizeof *ids);
    int64_t base = rondo_loop_time(w->loop) + RONDO_SEC(100);
    unsigned *fired = test_counter(w);

    for (int i = 0; i < MOVED; i++)
        ids[i] = assert_ok(
            rondo_call_at(w->loop, base + i * spread, count_call, fired));
    for (int i = 0; i < MOVED; i++)
        assert_ok(rondo_reschedule(w->loop, ids[i],
                                   base + RONDO_SEC(1000) + i * spread));
    advance(w, 200);
    assert_in_range(busy_iterations(w), MOVED / 4096, MOVED / 256);
    assert_int_equal(*fired, 0);
    advance(w, 1000);
    assert_in_range(busy_iterations(w), MOVED / 4096, MOVED / 256);
    assert_int_equal(*fired, MOVED);
}

TEST_CASE(T4_many_of_one_deadline_moved, move_many(w, 0));
TEST_CASE(T4_many_deadlines_moved, move_many(w, RONDO_MS(1)));

/* Others fire meanwhile, as soon as they are due. */
TEST(T4_one_moved_back_and_forth_across_all_that_is_near)
{
    unsigned *fired = test_counter(w);
    int64_t base = rondo_loop_time(w->loop);
    rondo_id id =
        assert_ok(rondo_call_at(w->loop, base + 1, count_call, fired));

    for (int bits = 62; bits > 0; bits--) {
        assert_ok(rondo_reschedule(w->loop, id, INT64_C(1) << bits));
        assert_ok(rondo_reschedule(w->loop, id, base + (INT64_C(1) << 40)));
        assert_true(rondo_when(w->loop, id) == base + (INT64_C(1) << 40));
    }
    test_spin(w, 2);
    assert_int_equal(*fired, 0);
    assert_ok(rondo_reschedule(w->loop, id, base));
    test_spin(w, 1);
    assert_int_equal(*fired, 1);
}
