/* test_loop_order.c - order, batches and fairness; nesting; the clock. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

/* A list of numbers in the order in which things ran. */
struct log {
    struct world *w;
    unsigned count;
    int entries[4096];
    uint64_t iterations[4096];
};

struct entry {
    struct log *log;
    int number;
    struct entry *next; /* scheduled when this one runs */
};

static struct log *log_new(struct world *w)
{
    struct log *log = test_alloc(w, sizeof *log);

    log->w = w;
    return log;
}

static struct entry *entry_new(struct log *log, int number)
{
    struct entry *e = test_alloc(log->w, sizeof *e);

    e->log = log;
    e->number = number;
    return e;
}

static void write_down(struct log *log, int number)
{
    if (log->count == 4096)
        return;
    log->iterations[log->count] = test_iterations(log->w);
    log->entries[log->count++] = number;
}

static void ran(rondo_loop *loop, void *arg)
{
    struct entry *e = arg;

    write_down(e->log, e->number);
    if (e->next)
        assert_ok(rondo_call_soon(loop, ran, e->next));
}

/* ---- L1: order and batches ---------------------------------------------- */

TEST(L1_first_in_first_out)
{
    struct log *log = log_new(w);

    for (int i = 0; i < 1000; i++)
        assert_ok(rondo_call_soon(w->loop, ran, entry_new(log, i)));
    test_run_loop(w);
    assert_int_equal(log->count, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(log->entries[i], i);
}

TEST(L1_order_survives_cancelling)
{
    struct log *log = log_new(w);
    rondo_id ids[600];

    for (int i = 0; i < 600; i++)
        ids[i] = rondo_call_soon(w->loop, ran, entry_new(log, i));
    for (int i = 0; i < 600; i += 3)
        assert_ok(rondo_cancel(w->loop, ids[i]));
    test_run_loop(w);
    assert_int_equal(log->count, 400);
    for (unsigned i = 0; i < 400; i++)
        assert_int_equal(log->entries[i], i / 2 * 3 + 1 + i % 2);
}

TEST(L1_what_is_scheduled_meanwhile_waits_for_the_next)
{
    struct log *log = log_new(w);
    struct entry *first = entry_new(log, 1);

    first->next = entry_new(log, 3);
    first->next->next = entry_new(log, 4);
    assert_ok(rondo_call_soon(w->loop, ran, first));
    assert_ok(rondo_call_soon(w->loop, ran, entry_new(log, 2)));
    test_spin(w, 1);
    assert_int_equal(log->count, 2);
    test_spin(w, 1);
    assert_int_equal(log->count, 3);
    test_spin(w, 1);
    assert_int_equal(log->count, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(log->entries[i], i + 1);
}

static void schedule_all_ways(rondo_loop *loop, void *arg)
{
    struct log *log = arg;

    write_down(log, 0);
    assert_ok(rondo_call_soon(loop, ran, entry_new(log, 1)));
    assert_ok(rondo_call_soon_threadsafe(loop, ran, entry_new(log, 2)));
    assert_ok(rondo_call_at(loop, 0, ran, entry_new(log, 3)));
    assert_ok(rondo_call_later(loop, 0, ran, entry_new(log, 4)));
}

static void wait_for_the_next(struct log *log)
{
    uint64_t first;

    test_run_until(log->w, log->count == 5);
    first = log->iterations[0];
    assert_int_equal(log->entries[0], 0);
    for (unsigned i = 1; i < 5; i++)
        if (log->iterations[i] == first)
            test_fail(log->w, "number %d ran in the iteration it was made in",
                      log->entries[i]);
}

TEST(L1_a_callback_s_scheduling_waits_for_the_next)
{
    struct log *log = log_new(w);

    assert_ok(rondo_call_soon(w->loop, schedule_all_ways, log));
    wait_for_the_next(log);
}

TEST(L1_a_timer_s_scheduling_waits_for_the_next)
{
    struct log *log = log_new(w);

    assert_ok(rondo_call_later(w->loop, 0, schedule_all_ways, log));
    wait_for_the_next(log);
}

TEST(L1_a_post_s_scheduling_waits_for_the_next)
{
    struct log *log = log_new(w);

    assert_ok(rondo_call_soon_threadsafe(w->loop, schedule_all_ways, log));
    wait_for_the_next(log);
}

static void schedule_from_fd(rondo_loop *loop, rondo_fd fd, void *arg)
{
    assert_int_equal(rondo_remove_reader(loop, fd), 1);
    schedule_all_ways(loop, arg);
}

TEST(L1_a_watcher_s_scheduling_waits_for_the_next)
{
    struct log *log = log_new(w);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    assert_ok(rondo_add_reader(w->loop, fds[0], schedule_from_fd, log));
    wait_for_the_next(log);
    raw_close_pair(fds);
}

/* ---- L1: fairness ------------------------------------------------------- */

struct endless {
    uint64_t ran;
    bool stop;
};

static void again(rondo_loop *loop, void *arg)
{
    struct endless *e = arg;

    e->ran++;
    if (!e->stop)
        assert_ok(rondo_call_soon(loop, again, e));
}

static void again_posted(rondo_loop *loop, void *arg)
{
    struct endless *e = arg;

    e->ran++;
    if (!e->stop)
        assert_ok(rondo_call_soon_threadsafe(loop, again_posted, e));
}

static void again_at_once(rondo_loop *loop, void *arg)
{
    struct endless *e = arg;

    e->ran++;
    if (!e->stop)
        assert_ok(rondo_call_at(loop, 0, again_at_once, e));
}

static void set_true_fd(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)rondo_remove_reader(loop, fd);
    *(bool *)arg = true;
}

/* With such a chain going: a timer that is due and a socket that is ready are
 * served in the next iterations, however long the chain is. */
static void stay_fair(struct world *w, rondo_fn link, unsigned width)
{
    struct endless *e = test_alloc(w, sizeof *e);
    bool *served = test_alloc(w, 2 * sizeof *served);
    raw_fd fds[2];

    assert_int_equal(raw_pair(fds), 0);
    for (unsigned i = 0; i < width; i++)
        assert_ok(rondo_call_soon(w->loop, link, e));
    test_spin(w, 5);
    assert_ok(rondo_call_later(w->loop, 0, set_true, &served[0]));
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    assert_ok(rondo_add_reader(w->loop, fds[0], set_true_fd, &served[1]));
    test_spin(w, 4);
    assert_true(served[0]);
    assert_true(served[1]);
    assert_true(e->ran > 0);
    e->stop = true;
    test_run_loop(w);
    raw_close_pair(fds);
}

TEST_CASE(L1_an_endless_call_soon_chain_starves_nobody, stay_fair(w, again, 1));

TEST_CASE(L1_many_endless_chains_starve_nobody, stay_fair(w, again, 20000));

TEST_CASE(L1_an_endless_chain_of_posts_starves_nobody,
          stay_fair(w, again_posted, 20000));

TEST_CASE(L1_an_endless_chain_of_due_timers_starves_nobody,
          stay_fair(w, again_at_once, 500));

/* The chain adds at most a bounded number of callbacks to an iteration. */
TEST(L1_callbacks_of_an_iteration_are_bounded)
{
    struct endless *e = test_alloc(w, sizeof *e);
    const unsigned all = 200000;

    e->stop = true;
    for (unsigned i = 0; i < all; i++)
        assert_ok(rondo_call_soon(w->loop, again, e));
    test_spin(w, 1);
    assert_in_range(e->ran, 1, all / 4);
    test_run_loop(w);
    assert_int_equal(e->ran, all);
}

/* A peer that never stops sending does not keep another from being read. */
struct flood {
    uint64_t at_other; /* the flood's callbacks when the other was served */
    struct peer *loud;
};

static void other_served(struct peer *p, const void *data, size_t size)
{
    struct flood *f = p->user;

    (void)data;
    (void)size;
    f->at_other = f->loud->bytes + 1;
}

static void keep_filling(struct world *w, raw_fd fd)
{
    static char bytes[65536];

    (void)w;
    while (raw_send(fd, bytes, sizeof bytes) > 0)
        continue;
}

TEST(L1_a_flooded_socket_starves_nobody)
{
    struct flood *f = test_alloc(w, sizeof *f);
    struct peer *quiet = test_peer(w);
    raw_fd fds[2];
    uint64_t before;

    f->loud = test_peer(w);
    f->loud->no_checksum = true;
    quiet->user = f;
    quiet->on_data = other_served;
    fds[0] = test_raw_peer(w, &recorder, f->loud, 0);
    fds[1] = test_raw_peer(w, &recorder, quiet, 0);
    keep_filling(w, fds[0]);
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    before = test_iterations(w);
    while (!f->at_other && test_iterations(w) - before < 20) {
        keep_filling(w, fds[0]);
        test_spin(w, 1);
    }
    /* in its turn, and after no more than a bounded share of the flood */
    assert_true(f->at_other != 0);
    assert_true(f->at_other < 4 * 1024 * 1024);
    raw_close_pair(fds);
}

/* Bytes of one socket an iteration are bounded. */
TEST(L1_reads_of_an_iteration_are_bounded)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);
    uint64_t most = 0;

    p->no_checksum = true;
    for (int i = 0; i < 20; i++) {
        uint64_t before = p->bytes;

        keep_filling(w, fd);
        test_spin(w, 1);
        if (p->bytes - before > most)
            most = p->bytes - before;
    }
    assert_in_range(most, 1, 2 * 1024 * 1024);
    raw_close(fd);
}
