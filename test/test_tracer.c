/* test_tracer.c - what a tracer is told, and what a meter counts. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_plain.h"

enum { DEPTH = 16, KINDS = RONDO_DOES_OPERATION + 1 };

/* Checks that each end belongs to the latest begin. */
struct tracer {
    struct world *w;
    rondo_trace open[DEPTH];
    unsigned depth, deepest;
    unsigned count[KINDS]; /* begins */
    int64_t last_ns;
    int64_t longest_wait;
    char names[1024]; /* of all but waits and operations, one after the other */
    rondo_fn last_fn; /* of a callback, as what follows */
    const void *last_object;
};

static void tracer_begins(struct tracer *r, const rondo_trace *trace)
{
    assert_true(r->depth < DEPTH);
    r->open[r->depth++] = *trace;
    if (r->depth > r->deepest)
        r->deepest = r->depth;
    r->count[trace->activity]++;
    if (trace->activity == RONDO_DOES_WAIT && trace->value > r->longest_wait)
        r->longest_wait = trace->value;
    if (!trace->fn)
        return;
    r->last_fn = trace->fn;
    r->last_object = trace->object;
    size_t used = strlen(r->names);
    snprintf(r->names + used, sizeof r->names - used, "%s ", trace->what);
}

static void on_trace(rondo_loop *loop, void *arg, const rondo_trace *trace)
{
    struct tracer *r = arg;
    const rondo_trace *begin;

    assert_non_null(loop);
    assert_int_equal(trace->size, sizeof *trace);
    assert_true((unsigned)trace->activity < KINDS);
    assert_true(trace->time_ns >= r->last_ns);
    r->last_ns = trace->time_ns;
    if (trace->begins) {
        tracer_begins(r, trace);
        return;
    }
    assert_true(r->depth > 0);
    begin = &r->open[--r->depth];
    assert_int_equal(begin->activity, trace->activity);
    assert_string_equal(begin->what, trace->what);
    assert_ptr_equal(begin->fn, trace->fn);
    assert_ptr_equal(begin->object, trace->object);
}

static struct tracer *tracer_new(struct world *w)
{
    struct tracer *r = test_alloc(w, sizeof *r);

    r->w = w;
    assert_ok(rondo_loop_set_tracer(w->loop, on_trace, r));
    return r;
}

/* ---- B1: before and after ----------------------------------------------- */

TEST(B1_callbacks_timers_posts)
{
    struct tracer *r = tracer_new(w);
    unsigned *n = test_counter(w);

    assert_ok(rondo_call_soon(w->loop, count_call, n));
    test_run_until(w, *n == 1);
    assert_ptr_equal(r->last_fn, count_call);
    assert_string_equal(r->names, "callback ");
    assert_ok(rondo_call_later(w->loop, RONDO_MS(1), count_call, n));
    test_run_until(w, *n == 2);
    assert_ok(rondo_call_soon_threadsafe(w->loop, count_call, n));
    test_run_until(w, *n == 3);
    assert_string_equal(r->names, "callback timer post ");
    assert_int_equal(r->count[RONDO_DOES_CALLBACK], 1);
    assert_int_equal(r->count[RONDO_DOES_TIMER], 1);
    assert_int_equal(r->count[RONDO_DOES_POST], 1);
    assert_true(r->count[RONDO_DOES_WAIT] >= 3);
    assert_true(r->longest_wait > 0);
    assert_int_equal(r->depth, 0);
}

TEST(B1_watchers_and_hooks)
{
    struct tracer *r = tracer_new(w);
    unsigned *n = test_counter(w);
    raw_fd fd = test_sockets(w)[0];
    rondo_id id = rondo_add_hook(w->loop, RONDO_BEFORE_WAIT, count_call, n);

    assert_ok(id);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 0);
    assert_int_equal(*n, 1);
    assert_string_equal(r->names, "hook ");
    assert_ok(rondo_cancel(w->loop, id));
    assert_ok(rondo_add_writer(w->loop, fd, count_fd, n));
    test_run_until(w, *n >= 2);
    assert_ok(rondo_remove_writer(w->loop, fd));
    assert_true(r->count[RONDO_DOES_WATCHER] >= 1);
    assert_true(r->count[RONDO_DOES_OPERATION] >= 1);
    assert_true(r->deepest >= 2); /* a watcher inside its operation */
}

TEST(B1_members_of_protocols)
{
    struct tracer *r;
    struct peer *p, *other;

    test_pair(w, &p, &other);
    r = tracer_new(w);
    assert_ok(rondo_transport_write(p->transport, "hello", 5));
    assert_hears(w, other, "hello");
    assert_string_equal(r->names, "data_received ");
    assert_ptr_equal(r->last_object, other->transport);
    rondo_transport_close(p->transport);
    assert_lost(w, p, "ML", 0);
    assert_lost(w, other, "MdEL", 0);
    assert_non_null(strstr(r->names, "eof_received "));
    assert_non_null(strstr(r->names, "connection_lost "));
    assert_int_equal(r->depth, 0);
}

static int64_t work(rondo_job *job, void *arg)
{
    (void)job, (void)arg;
    return 7;
}

static void count_done(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    assert_int_equal(result, 7);
    ++*(unsigned *)arg;
}

TEST(B1_done_of_a_job)
{
    struct tracer *r = tracer_new(w);
    unsigned *n = test_counter(w);

    assert_ok(rondo_run_in_executor(w->loop, NULL, work, count_done, n));
    test_run_until(w, *n == 1);
    assert_string_equal(r->names, "run_in_executor ");
    assert_int_equal(r->count[RONDO_DOES_DONE], 1);
}

TEST(B1_none_after_it_was_taken_away)
{
    struct tracer *r = tracer_new(w);
    unsigned *n = test_counter(w), before = 0;

    assert_ok(rondo_call_soon(w->loop, count_call, n));
    test_run_until(w, *n == 1);
    assert_ok(rondo_loop_set_tracer(w->loop, NULL, NULL));
    for (int i = 0; i < KINDS; i++)
        before += r->count[i];
    assert_ok(rondo_call_soon(w->loop, count_call, n));
    test_run_until(w, *n == 2);
    for (int i = 0; i < KINDS; i++)
        before -= r->count[i];
    assert_int_equal(before, 0);
}

static void trace_off(rondo_loop *loop, void *arg)
{
    ++*(unsigned *)arg;
    assert_ok(rondo_loop_set_tracer(loop, NULL, NULL));
}

/* It is still told of nothing, or of all: no end without a begin. */
TEST(B1_taken_away_and_set_inside_a_callback)
{
    struct tracer *r = tracer_new(w);
    unsigned *n = test_counter(w);

    assert_ok(rondo_call_soon(w->loop, trace_off, n));
    test_run_until(w, *n == 1);
    assert_int_equal(r->count[RONDO_DOES_CALLBACK], 1);
    assert_int_equal(r->depth, 1); /* its end was not told */
}

static void close_in_tracer(rondo_loop *loop, void *arg,
                            const rondo_trace *trace)
{
    (void)trace;
    assert_error(rondo_loop_close(loop), RONDO_EBUSY);
    assert_error(rondo_loop_run_once(loop, 0), RONDO_EBUSY);
    *(bool *)arg = true;
}

TEST(B1_a_loop_neither_closes_nor_runs_inside_its_tracer)
{
    bool *done = test_alloc(w, sizeof *done);

    assert_ok(rondo_loop_set_tracer(w->loop, close_in_tracer, done));
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 0);
    assert_true(*done);
    assert_ok(rondo_loop_set_tracer(w->loop, NULL, NULL));
}

/* ---- B2: names of functions --------------------------------------------- */

TEST(B2_a_function_has_a_name_or_a_place)
{
    char name[256], cut[4];
    size_t size = rondo_function_name(count_call, name, sizeof name);

    assert_int_equal(size, strlen(name));
    assert_true(strstr(name, "count_call") || strstr(name, "+0x") ||
                strstr(name, "0x"));
    assert_int_equal(rondo_function_name(count_call, cut, sizeof cut), size);
    assert_int_equal(strlen(cut), 3);
    assert_memory_equal(cut, name, 3);
    assert_int_equal(rondo_function_name(count_call, NULL, 0), size);
}

/* ---- B3: the meter ------------------------------------------------------ */

TEST(B3_bytes)
{
    enum { SIZE = 300000 };
    unsigned char *bytes = test_alloc(w, SIZE);
    struct peer *p, *other;

    test_pair(w, &p, &other);
    test_fill(bytes, 0, SIZE);
    assert_ok(rondo_transport_write(p->transport, "x", 1));
    assert_hears(w, other, "x");
    assert_int_equal(test_metrics(w).bytes_sent, 0); /* it was off */
    assert_ok(rondo_loop_set_metering(w->loop, true));
    other->bytes = other->checksum = other->captured_size = 0;
    assert_true(rondo_transport_write(p->transport, bytes, SIZE) >= 0);
    test_run_until(w, other->bytes == SIZE);
    assert_int_equal(test_metrics(w).bytes_sent, SIZE);
    assert_int_equal(test_metrics(w).bytes_received, SIZE);
    assert_ok(rondo_loop_set_metering(w->loop, false));
    assert_ok(rondo_transport_write(p->transport, "y", 1));
    test_run_until(w, other->bytes == SIZE + 1);
    assert_int_equal(test_metrics(w).bytes_sent, SIZE); /* it stays */
    rondo_transport_close(p->transport);
    test_run_until(w, other->lost && p->lost);
}

static uint64_t all_lags(const rondo_loop_metrics *m)
{
    uint64_t sum = 0;
    for (int i = 0; i < RONDO_LAG_BUCKETS; i++)
        sum += m->lag[i];
    return sum;
}

static void busy_call(rondo_loop *loop, void *arg)
{
    test_busy(loop, RONDO_MS(3));
    ++*(unsigned *)arg;
}

TEST(B3_lag_is_how_long_an_iteration_takes)
{
    rondo_loop_metrics m;
    unsigned *n = test_counter(w);
    uint64_t slow = 0;

    assert_ok(rondo_loop_set_metering(w->loop, true));
    test_spin(w, 5);
    m = test_metrics(w);
    assert_int_equal(all_lags(&m), 5);
    assert_ok(rondo_call_soon(w->loop, busy_call, n));
    test_run_until(w, *n == 1);
    m = test_metrics(w);
    assert_true(m.lag_most_ns >= RONDO_MS(3));
    for (int i = 12; i < RONDO_LAG_BUCKETS; i++) /* 2,048 us and more */
        slow += m.lag[i];
    assert_true(slow >= 1);
}

TEST(B3_time_belongs_to_what_it_was_spent_in)
{
    rondo_loop_metrics m;
    unsigned *n = test_counter(w);
    int64_t start = rondo_loop_time(w->loop), sum = 0;

    assert_ok(rondo_loop_set_metering(w->loop, true));
    assert_ok(rondo_call_soon(w->loop, busy_call, n));
    assert_ok(rondo_call_later(w->loop, RONDO_MS(10), busy_call, n));
    test_run_until(w, *n == 2);
    m = test_metrics(w);
    for (int i = 0; i < RONDO_ACTIVITIES; i++)
        sum += m.time_ns[i];
    assert_true(m.time_ns[RONDO_DOES_CALLBACK] >= RONDO_MS(3));
    assert_true(m.time_ns[RONDO_DOES_TIMER] >= RONDO_MS(3));
    assert_true(m.time_ns[RONDO_DOES_WAIT] > 0);
    assert_true(sum <= rondo_loop_time(w->loop) - start);
}

TEST(B3_without_memory_it_stays_off)
{
    test_fail_allocation(w, 1);
    assert_error(rondo_loop_set_metering(w->loop, true), RONDO_ENOMEM);
    test_spin(w, 1);
    assert_int_equal(test_metrics(w).lag_most_ns, 0);
}

TEST(B3_of_nothing)
{
    assert_einval(rondo_loop_set_metering(NULL, true));
    assert_einval(rondo_loop_set_tracer(NULL, on_trace, NULL));
}
