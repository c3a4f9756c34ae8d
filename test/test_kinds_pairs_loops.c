/* test_kinds_pairs_loops.c - forks and threads with all else, on sockets. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_calls.h"
#include "harness_filter.h"
#include "harness_kinds.h"

/* ---- a forked child ------------------------------------------------------ */

struct forked {
    struct rig *r;
    int (*act)(struct rig *r);
};

/* What arrives is for the parent's loop, which has the other end, too. */
static int run_forked(void *arg)
{
    const struct forked *f = arg;

    if (rondo_loop_after_fork(f->r->w->loop) != 0 ||
        rondo_transport_pause_reading(f->r->far->transport) != 0)
        return 1;
    return f->act(f->r);
}

static void fork_and(struct rig *r, int (*act)(struct rig *r))
{
    struct forked f = {r, act};

    test_run_child(r->w, run_forked, &f);
}

static bool run_until_lost(const struct peer *p)
{
    int64_t end = raw_now_ns() + RONDO_SEC(20) * test_slowness();

    while (!p->lost && raw_now_ns() < end)
        if (rondo_loop_run_once(p->w->loop, RONDO_MS(5)) < 0)
            return false;
    return p->lost;
}

static int close_it(struct rig *r)
{
    rondo_transport_close(r->p->transport);
    return run_until_lost(r->p) && r->p->error == 0 ? 0 : 2;
}

static int abort_it(struct rig *r)
{
    rondo_transport_abort(r->p->transport);
    return run_until_lost(r->p) ? 0 : 2;
}

static int run_out_of_time(struct rig *r)
{
    if (rondo_transport_set_timeouts(r->p->transport, 1, 1) != 0)
        return 2;
    return run_until_lost(r->p) && r->p->error == RONDO_ETIMEDOUT ? 0 : 3;
}

static int close_the_loop(struct rig *r)
{
    if (rondo_loop_close(r->w->loop) != 0)
        return 2;
    return r->p->lost == 1 ? 0 : 3;
}

/* Whatever the child did, bytes go both ways. */
static int goes_on(struct rig *r)
{
    rig_unblock(r);
    assert_ok(rig_write(r, 1000));
    rig_arrives(r);
    assert_ok(rig_feed(r, 1000));
    test_run_until(r->w, r->p->bytes >= r->fed);
    assert_true(r->p->checksum == test_pattern_checksum(r->p->bytes));
    assert_int_equal(r->far->eof, 0);
    return 0;
}

static struct toy *filter_both(struct rig *r)
{
    struct toy *ours = test_toy(r->w, 42), *theirs = test_toy(r->w, 99);

    toy_push(r->p->transport, ours);
    toy_push(r->far->transport, theirs);
    test_run_until(r->w, ours->done && theirs->done);
    return ours;
}

/* The child's filter says no goodbye on the parent's connection. */
static int filter_closed_in_child(struct rig *r)
{
    const struct toy *y = filter_both(r);

    fork_and(r, close_it);
    fork_and(r, abort_it);
    fork_and(r, close_the_loop);
    (void)goes_on(r);
    assert_int_equal(y->goodbyes, 0);
    return 0;
}

static int end_and_close(struct rig *r)
{
    if (rondo_transport_write_eof(r->p->transport) != 0)
        return 4;
    return close_it(r);
}

/* What the child ends, the peer sees. */
static int filter_ended_in_child(struct rig *r)
{
    (void)filter_both(r);
    r->far->keep_open = true;
    fork_and(r, end_and_close);
    test_run_until(r->w, r->far->eof);
    assert_ok(rig_feed(r, 1000));
    test_run_until(r->w, r->p->bytes == 1000);
    return 0;
}

static int handshake_in_child(struct rig *r)
{
    struct toy *ours = test_toy(r->w, 42);

    ours->late = true;
    toy_push(r->p->transport, ours);
    toy_push(r->far->transport, test_toy(r->w, 99));
    test_run_until(r->w, ours->hello);
    fork_and(r, close_it);
    fork_and(r, abort_it);
    fork_and(r, run_out_of_time);
    assert_ok(rondo_layer_ready(ours->layer));
    return goes_on(r);
}

static int time_out_in_child(struct rig *r)
{
    assert_ok(rondo_transport_set_timeouts(r->p->transport, RONDO_SEC(600),
                                           RONDO_SEC(600)));
    fork_and(r, run_out_of_time);
    return goes_on(r);
}

/* What is held is in both processes. */
static int held_in_child(struct rig *r)
{
    struct taking *t = taking_new(r);

    r->p->on_data = take_and_hold;
    assert_ok(rig_feed(r, 4000));
    test_run_until(r->w, t->held);
    fork_and(r, close_it);
    fork_and(r, close_the_loop);
    r->p->on_data = take_all;
    assert_ok(rondo_transport_resume_reading(r->p->transport));
    assert_ok(rig_feed(r, 1000));
    test_run_until(r->w, t->position == 5000);
    return 0;
}

/* ---- a file, through a fork ---------------------------------------------- */

static struct call *file_call;

static int cancel_the_file(struct rig *r)
{
    if (rondo_cancel(r->w->loop, (rondo_id)(uintptr_t)file_call->user) != 0)
        return 2;
    while (!file_call->calls)
        if (rondo_loop_run_once(r->w->loop, RONDO_MS(5)) < 0)
            return 3;
    return file_call->result == RONDO_ECANCELED ? 0 : 4;
}

static int abort_the_file(struct rig *r)
{
    int status = abort_it(r);

    if (status)
        return status;
    return file_call->calls == 1 && file_call->result == RONDO_ECANCELED ? 0
                                                                         : 4;
}

/* What waits is in both processes: a child that lets it wait may send it. */
static int file_in_child(struct rig *r, bool filtered)
{
    raw_fd file = call_file(4 << 20);
    int64_t id;

    file_call = call_new(r->w);
    assert_ok(rondo_transport_pause_reading(r->far->transport));
    id = rondo_transport_sendfile(r->p->transport, file, 0, 4 << 20, call_done,
                                  file_call);
    assert_ok(id);
    file_call->user = (void *)(uintptr_t)id;
    (void)test_settle(r->w, r->p);
    if (!filtered)
        fork_and(r, cancel_the_file);
    fork_and(r, abort_the_file);
    fork_and(r, close_the_loop);
    rig_unblock(r);
    assert_int_equal(call_wait(r->w, file_call), 4 << 20);
    r->written = 4 << 20;
    raw_close(file);
    return goes_on(r);
}

static int plain_file_in_child(struct rig *r)
{
    return file_in_child(r, false);
}

/* A thread of the parent's reads it for the filters. */
static int filtered_file_in_child(struct rig *r)
{
    (void)filter_both(r);
    return file_in_child(r, true);
}

/* ---- another thread ------------------------------------------------------ */

struct errand {
    struct rig *r;
    int64_t end;
    bool (*done)(const struct rig *r);
    bool failed;
};

static void take_and_run(void *arg)
{
    struct errand *e = arg;
    rondo_loop *loop = e->r->w->loop;

    e->failed = rondo_loop_take(loop) < 0;
    while (!e->failed && !e->done(e->r))
        e->failed =
            raw_now_ns() > e->end || rondo_loop_run_once(loop, RONDO_MS(5)) < 0;
}

static void run_elsewhere(struct rig *r, bool (*done)(const struct rig *r))
{
    struct errand e = {.r = r, .done = done};

    e.end = raw_now_ns() + RONDO_SEC(20) * test_slowness();
    raw_thread_join(raw_thread_start(take_and_run, &e));
    assert_ok(rondo_loop_take(r->w->loop));
    assert_false(e.failed);
}

static bool is_made(const struct rig *r)
{
    return r->p->made && r->far->made;
}

/* A handshake begins here, and ends there. */
static int handshake_elsewhere(struct rig *r)
{
    struct toy *ours = test_toy(r->w, 42);

    toy_push(r->p->transport, ours);
    toy_push(r->far->transport, test_toy(r->w, 99));
    assert_ok(rig_write(r, 5000));
    assert_ok(rondo_transport_set_timeouts(r->p->transport, RONDO_SEC(600),
                                           RONDO_SEC(600)));
    run_elsewhere(r, is_made);
    return goes_on(r);
}

static bool file_is_sent(const struct rig *r)
{
    (void)r;
    return file_call->calls;
}

/* So does a file that a thread reads. */
static int file_elsewhere(struct rig *r)
{
    raw_fd file = call_file(1 << 20);

    (void)filter_both(r);
    file_call = call_new(r->w);
    assert_ok(rondo_transport_sendfile(r->p->transport, file, 0, 1 << 20,
                                       call_done, file_call));
    run_elsewhere(r, file_is_sent);
    assert_int_equal(file_call->result, 1 << 20);
    r->written = 1 << 20;
    raw_close(file);
    return goes_on(r);
}

static bool is_timed_out(const struct rig *r)
{
    return r->p->timeouts >= 2;
}

static int time_elsewhere(struct rig *r)
{
    r->p->go_on = true;
    assert_ok(rondo_transport_set_timeouts(r->p->transport, RONDO_MS(5), 0));
    run_elsewhere(r, is_timed_out);
    assert_ok(rondo_transport_set_timeouts(r->p->transport, 0, 0));
    return goes_on(r);
}

/* ---- the table ----------------------------------------------------------- */

enum {
    CHILD_FILTER,
    CHILD_ENDS,
    CHILD_HANDSHAKE,
    CHILD_TIME,
    CHILD_HELD,
    CHILD_FILE,
    CHILD_FILTERED,
    THREAD_HANDSHAKE,
    THREAD_FILE,
    THREAD_TIME
};

static const struct kind_table pairs = {
    .title = "loops",
    .rows = KIND_SERVED,
    .columns =
        {[CHILD_FILTER] = {.name = "fork: filter",
                           .attempt = filter_closed_in_child},
         [CHILD_ENDS] = {.name = "... ended", .attempt = filter_ended_in_child},
         [CHILD_HANDSHAKE] = {.name = "... early",
                              .attempt = handshake_in_child},
         [CHILD_TIME] = {.name = "fork: time", .attempt = time_out_in_child},
         [CHILD_HELD] = {.name = "fork: held", .attempt = held_in_child},
         [CHILD_FILE] = {.name = "fork: file", .attempt = plain_file_in_child},
         [CHILD_FILTERED] = {.name = "... filtered",
                             .attempt = filtered_file_in_child},
         [THREAD_HANDSHAKE] = {.name = "take: filter",
                               .attempt = handshake_elsewhere,
                               .unmade = true},
         [THREAD_FILE] = {.name = "take: file", .attempt = file_elsewhere},
         [THREAD_TIME] = {.name = "take: time", .attempt = time_elsewhere}},
};

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void try_forked(struct world *w, size_t column)
{
    test_run_child(w, nothing, NULL); /* skips where there is no fork */
    kinds_try(w, &pairs, column);
}

TEST_CASE(L8_pair_filter, try_forked(w, CHILD_FILTER));
TEST_CASE(L8_pair_filter_ended, try_forked(w, CHILD_ENDS));
TEST_CASE(L8_pair_handshake, try_forked(w, CHILD_HANDSHAKE));
TEST_CASE(L8_pair_time, try_forked(w, CHILD_TIME));
TEST_CASE(L8_pair_held, try_forked(w, CHILD_HELD));
TEST_CASE(L8_pair_file, try_forked(w, CHILD_FILE));
TEST_CASE(L8_pair_filtered_file, try_forked(w, CHILD_FILTERED));
TEST_CASE(G3_pair_handshake, kinds_try(w, &pairs, THREAD_HANDSHAKE));
TEST_CASE(G3_pair_file, kinds_try(w, &pairs, THREAD_FILE));
TEST_CASE(G3_pair_time, kinds_try(w, &pairs, THREAD_TIME));
