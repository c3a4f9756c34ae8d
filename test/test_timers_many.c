/* test_timers_many.c - a great many timers, and random ones beside a model. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* ---- T4: bounded memory ------------------------------------------------- */

enum { PER_TIMER = 200, FIXED = 32768 }; /* bytes that are thought enough */

static int a_million(void)
{
    return 1000000 / test_slowness();
}

struct many {
    rondo_id *ids;
    int n;
    int64_t base;
    unsigned *fired;
};

/* n timers in steps of the stride, from that delay on. */
static struct many many_start(struct world *w, int n, int64_t delay,
                              int64_t stride)
{
    struct many m = {.ids = test_alloc(w, (size_t)n * sizeof(rondo_id)),
                     .n = n,
                     .base = rondo_loop_time(w->loop) + delay,
                     .fired = test_counter(w)};

    for (int i = 0; i < n; i++)
        m.ids[i] = assert_ok(rondo_call_at(w->loop, m.base + i * stride % n,
                                           count_call, m.fired));
    assert_int_equal(test_metrics(w).live_timers, n);
    return m;
}

static void many_cancel(struct world *w, const struct many *m)
{
    for (int i = 0; i < m->n; i++)
        assert_int_equal(rondo_cancel(w->loop, m->ids[i]), 0);
    assert_int_equal(test_metrics(w).live_timers, 0);
    assert_int_equal(*m->fired, 0);
}

TEST(T4_a_million_cancelled)
{
    int n = a_million();
    size_t before = test_live_bytes(w);
    size_t first_peak = 0;

    for (int round = 0; round < 3; round++) {
        struct many m = many_start(w, n, RONDO_SEC(1000), 7919);

        many_cancel(w, &m);
        test_run_loop(w);
        assert_int_equal(*m.fired, 0);
        if (round == 0)
            first_peak = test_peak_bytes(w);
    }
    assert_true(test_peak_bytes(w) <= first_peak);
    assert_true(first_peak - before < (size_t)n * PER_TIMER + FIXED);
}

/* One at a time, so that never more than a few live. */
TEST_LEAVES(T4_a_million_started_and_cancelled_in_turn)
{
    unsigned *fired = test_counter(w);
    rondo_id stays =
        assert_ok(rondo_call_later(w->loop, RONDO_MS(1), count_call, fired));
    size_t before = test_live_bytes(w);
    int n = a_million();

    assert_ok(rondo_reschedule(w->loop, stays, RONDO_NEVER));
    test_reset_peak(w);
    for (int i = 0; i < n; i++) {
        rondo_id id =
            rondo_call_later(w->loop, RONDO_SEC(100) + i, count_call, fired);

        assert_ok(id);
        assert_int_equal(rondo_cancel(w->loop, id), 0);
    }
    assert_true(test_peak_bytes(w) - before < FIXED);
    assert_int_equal(test_metrics(w).live_timers, 1);
}

/* Rounds of pushing n timers, backwards when step is negative. */
static void check_pushes(struct world *w, int n, int rounds, int step)
{
    struct many m = many_start(w, n, RONDO_SEC(1000), 1);
    size_t before = test_live_bytes(w);

    test_reset_peak(w);
    for (int k = 1; k <= rounds; k++) {
        for (int i = 0; i < n; i++)
            assert_ok(rondo_reschedule(w->loop, m.ids[i],
                                       m.base + i + (int64_t)k * step));
        if (k % 64 == 0)
            test_spin(w, 1);
    }
    assert_int_equal(test_metrics(w).live_timers, n);
    /* growing an array once takes the old one and twice its size */
    assert_true(test_peak_bytes(w) < before * 4 + FIXED);
    many_cancel(w, &m);
}

TEST_CASE(T4_pushed_back_a_thousand_times,
          check_pushes(w, 10000 / test_slowness(), 1000, 1000));
TEST_CASE(T4_a_million_pushed_back, check_pushes(w, a_million(), 5, 1000000));
TEST_CASE(T4_pulled_forward_a_thousand_times,
          check_pushes(w, 2000 / test_slowness(), 1000, -1000));

TEST(T4_to_and_fro)
{
    uint64_t seed = 88172645463325252u;
    size_t before = test_live_bytes(w);
    struct many m = many_start(w, 100, RONDO_SEC(1000), 0);

    test_reset_peak(w);
    for (int i = a_million(); i > 0; i--) {
        uint64_t r = random_next(&seed);

        assert_ok(rondo_reschedule(w->loop, m.ids[r % 100],
                                   m.base + (int64_t)(r >> 40)));
    }
    assert_true(test_peak_bytes(w) - before < FIXED);
    many_cancel(w, &m);
}

TEST(T4_a_million_fire)
{
    struct many m = many_start(w, a_million(), 0, 7919);

    test_run_loop(w);
    assert_int_equal(*m.fired, m.n);
}

/* ---- the model ---------------------------------------------------------- */

/*
 * The model is the array of what is pending, sorted by deadline and then by
 * the order of scheduling. Every timer that fires must be its first entry
 * that was there when the iteration began; after an iteration in which
 * nothing fired nothing may be due.
 */
enum { MODEL_MOST = 1500, MODEL_OPERATIONS = 100000 };

struct entry {
    int64_t when;
    uint64_t round; /* of the loop, in which it was scheduled */
    rondo_id id;
    struct model *model;
};

struct model {
    struct world *w;
    struct entry *sorted[MODEL_MOST];
    unsigned size;
    uint64_t seed, round, fired;
    unsigned operations;
};

static unsigned model_find(const struct model *m, const struct entry *e)
{
    for (unsigned i = 0; i < m->size; i++)
        if (m->sorted[i] == e)
            return i;
    return m->size;
}

static void model_remove(struct model *m, unsigned i)
{
    memmove(&m->sorted[i], &m->sorted[i + 1],
            (--m->size - i) * sizeof m->sorted[0]);
}

/* behind all of the same deadline */
static void model_insert(struct model *m, struct entry *e)
{
    unsigned i = m->size;

    while (i > 0 && m->sorted[i - 1]->when > e->when)
        i--;
    memmove(&m->sorted[i + 1], &m->sorted[i],
            (m->size++ - i) * sizeof m->sorted[0]);
    m->sorted[i] = e;
    e->round = m->round;
}

/* a deadline near now, mostly later, often the same as another's */
static int64_t random_when(struct model *m)
{
    uint64_t r = random_next(&m->seed);
    int64_t now = rondo_loop_time(m->w->loop);

    switch (r % 16) {
    case 0:
        return now - (int64_t)(r >> 44);
    case 1:
        return INT64_MIN;
    case 2:
        return RONDO_NEVER;
    default:
        return (now + (int64_t)(r >> 42)) / 50000 * 50000;
    }
}

/* What has passed counts as now, which the library reads for itself. */
static void take_when(struct entry *e, int64_t wanted)
{
    rondo_loop *loop = e->model->w->loop;

    e->when = assert_ok(rondo_when(loop, e->id));
    if (e->when != wanted)
        assert_true(e->when > wanted && e->when <= rondo_loop_time(loop));
}

static void model_fire(rondo_loop *loop, void *arg);

static void model_start(struct model *m)
{
    int64_t when = random_when(m);
    struct entry *e;

    if (m->size == MODEL_MOST)
        return;
    e = test_alloc(m->w, sizeof *e);
    e->model = m;
    e->id = assert_ok(rondo_call_at(m->w->loop, when, model_fire, e));
    take_when(e, when);
    model_insert(m, e);
}

static void model_move(struct model *m, struct entry *e)
{
    int64_t when = random_when(m);
    unsigned i = model_find(m, e);

    assert_int_equal(rondo_reschedule(m->w->loop, e->id, when), 0);
    if (i < m->size)
        model_remove(m, i);
    take_when(e, when);
    model_insert(m, e);
}

static void model_operate(struct model *m)
{
    uint64_t r = random_next(&m->seed);
    unsigned i = m->size > 0 ? (unsigned)(r >> 32) % m->size : 0;

    m->operations++;
    if (m->size == 0 || r % 16 < 7) {
        model_start(m);
    } else if (r % 16 < 12) {
        model_move(m, m->sorted[i]);
    } else {
        assert_int_equal(rondo_cancel(m->w->loop, m->sorted[i]->id), 0);
        assert_error(rondo_cancel(m->w->loop, m->sorted[i]->id), RONDO_ENOENT);
        model_remove(m, i);
    }
}

/* the first that was there when this round of the loop began */
static unsigned model_first(const struct model *m)
{
    for (unsigned i = 0; i < m->size; i++)
        if (m->sorted[i]->round < m->round)
            return i;
    return m->size;
}

static void model_fire(rondo_loop *loop, void *arg)
{
    struct entry *e = arg;
    struct model *m = e->model;
    unsigned first = model_first(m);

    assert_true(e->when <= rondo_loop_time(loop));
    if (first == m->size || m->sorted[first] != e)
        test_fail(m->w, "fired %u of %u instead of %u, after %u operations",
                  model_find(m, e), m->size, first, m->operations);
    model_remove(m, first);
    m->fired++;
    if (random_next(&m->seed) % 4 == 0)
        model_operate(m);
    if (random_next(&m->seed) % 8 == 0)
        model_move(m, e); /* its own callback starts it again */
}

/* Iterations until one fires nothing: nothing may be due then. */
static void model_catch_up(struct model *m)
{
    uint64_t fired;
    int64_t begin;

    do {
        fired = m->fired;
        begin = rondo_loop_time(m->w->loop);
        m->round++;
        test_spin(m->w, 1);
        m->round++;
    } while (m->fired != fired);
    if (m->size > 0)
        assert_true(m->sorted[0]->when > begin);
    assert_int_equal(test_metrics(m->w).live_timers, m->size);
}

static void run_model(struct world *w, uint64_t seed)
{
    struct model *m = test_alloc(w, sizeof *m);

    m->w = w;
    m->seed = seed;
    while (m->operations < MODEL_OPERATIONS / (unsigned)test_slowness()) {
        unsigned batch = (unsigned)(random_next(&m->seed) % 400);

        for (unsigned i = 0; i < batch; i++)
            model_operate(m);
        model_catch_up(m);
    }
    assert_true(m->fired > m->operations / 20);
    while (m->size > 0) {
        assert_int_equal(rondo_cancel(w->loop, m->sorted[0]->id), 0);
        model_remove(m, 0);
    }
}

TEST_CASE(T1_random_timers_match_a_model, run_model(w, 0x9e3779b97f4a7c15u));
TEST_CASE(T3_random_changes_match_a_model, run_model(w, 20231123u));
TEST_CASE(T4_random_timers_again, run_model(w, 0xdeadbeefcafef00du));
