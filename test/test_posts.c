/* test_posts.c - posts: one order with callbacks, ids, cancelling. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_log.h"

#include <stdatomic.h>

static rondo_remote *remote_of(struct world *w)
{
    rondo_remote *remote = rondo_loop_remote(w->loop);

    assert_non_null(remote);
    return remote;
}

static void post(struct log *log, int number)
{
    assert_ok(rondo_call_soon_threadsafe(log->w->loop, log_run,
                                         note_new(log, number)));
}

static void soon(struct log *log, int number)
{
    assert_ok(rondo_call_soon(log->w->loop, log_run, note_new(log, number)));
}

static void check_in_order(const struct log *log, unsigned count)
{
    assert_int_equal(log->count, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(log->order[i], i);
}

/* ---- L14: a wake is never lost ------------------------------------------- */

TEST(L14_a_wake_before_a_run_ends_its_first_wait)
{
    unsigned *n = test_counter(w);

    assert_ok(rondo_call_later(w->loop, RONDO_SEC(1000), count_call, n));
    for (int i = 0; i < 10; i++) {
        rondo_loop_wake(w->loop);
        rondo_loop_wake(w->loop); /* several are one */
        assert_int_equal(rondo_loop_run_once(w->loop, RONDO_NEVER), 1);
    }
    assert_true(test_run_for(w, RONDO_MS(10)) < 5); /* and none is left over */
    assert_int_equal(*n, 0);
    test_close_loop(w);
}

static void wake_inside(rondo_loop *loop, void *arg)
{
    count_call(loop, arg);
    rondo_loop_wake(loop);
}

TEST_LEAVES(L14_a_wake_in_a_callback_ends_the_next_wait)
{
    unsigned *n = test_counter(w);

    assert_ok(rondo_call_later(w->loop, RONDO_SEC(1000), count_call, n));
    assert_ok(rondo_call_soon(w->loop, wake_inside, n));
    assert_int_equal(rondo_loop_run_once(w->loop, RONDO_NEVER), 1);
    assert_int_equal(rondo_loop_run_once(w->loop, RONDO_NEVER), 1);
    assert_int_equal(*n, 1);
}

TEST(L14_a_wake_keeps_nothing_going)
{
    rondo_loop_wake(w->loop);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    rondo_loop_wake(w->loop);
    assert_int_equal(rondo_loop_run_once(w->loop, RONDO_NEVER), 0);
}

struct flag {
    struct world *w;
    atomic_uint set;
    unsigned rounds;
};

/* The flag is set, then the loop is woken: nothing else tells it. */
static void set_and_wake(void *arg)
{
    struct flag *f = arg;

    for (unsigned i = 0; i < f->rounds; i++) {
        while (atomic_load(&f->set))
            raw_yield();
        atomic_store(&f->set, 1);
        rondo_loop_wake(f->w->loop);
    }
}

TEST_LEAVES(L14_set_a_flag_and_wake)
{
    struct flag *f = test_alloc(w, sizeof *f);
    unsigned *n = test_counter(w), seen = 0;
    struct raw_thread *thread;

    f->w = w;
    f->rounds = 20000 / (unsigned)test_slowness();
    assert_ok(rondo_call_later(w->loop, RONDO_SEC(1000), count_call, n));
    thread = raw_thread_start(set_and_wake, f);
    while (seen < f->rounds) {
        if (atomic_exchange(&f->set, 0))
            seen++;
        else
            assert_int_equal(rondo_loop_run_once(w->loop, RONDO_NEVER), 1);
    }
    raw_thread_join(thread);
    assert_int_equal(*n, 0);
}

/* ---- L15: one order ------------------------------------------------------- */

TEST(L15_posts_and_callbacks_run_in_the_order_of_their_calls)
{
    struct log *log = log_new(w);

    for (int i = 0; i < 3000; i++)
        if (i % 7 == 0 || i % 3 == 1)
            post(log, i);
        else
            soon(log, i);
    test_spin(w, 1);
    check_in_order(log, 3000);
}

/* More than an iteration runs of each kind. */
struct many {
    unsigned next;
    struct world *w;
};

struct numbered {
    struct many *many;
    unsigned number;
};

static void comes_next(rondo_loop *loop, void *arg)
{
    const struct numbered *x = arg;

    (void)loop;
    assert_int_equal(x->number, x->many->next);
    x->many->next++;
}

static void send_numbered(struct world *w, struct numbered *x, bool as_post)
{
    if (as_post)
        assert_ok(rondo_call_soon_threadsafe(w->loop, comes_next, x));
    else
        assert_ok(rondo_call_soon(w->loop, comes_next, x));
}

static const struct {
    const char *name;
    unsigned posts, callbacks; /* how many of each come in a row */
} floods[] = {{"posts first", 10000, 3},    {"callbacks first", 3, 10000},
              {"both", 5000, 5000},         {"in turn", 1, 1},
              {"some more posts", 13, 2},   {"posts alone", 10000, 0},
              {"callbacks alone", 0, 10000}};

TEST(L15_a_flood_does_not_change_the_order)
{
    enum { MOST = 20000 };
    struct many *many = test_alloc(w, sizeof *many);
    struct numbered *all = test_alloc(w, MOST * sizeof *all);

    for (EACH_ROW(w, row, floods)) {
        unsigned count = 0, cycle = row->posts + row->callbacks;

        many->next = 0;
        for (unsigned round = 0; round < 4; round++) {
            for (unsigned i = 0; i < MOST / 4; i++, count++) {
                all[count] = (struct numbered){many, count};
                send_numbered(w, &all[count], count % cycle < row->posts);
            }
            test_spin(w, 1); /* some have run, some wait, more come */
        }
        test_run_loop(w);
        assert_int_equal(many->next, MOST);
    }
}

static void schedules_both(rondo_loop *loop, void *arg)
{
    struct note *n = arg;

    log_run(loop, n);
    post(n->log, n->number + 1);
    soon(n->log, n->number + 2);
    post(n->log, n->number + 3);
}

TEST(L15_what_a_callback_sends_waits_for_the_next_iteration)
{
    struct log *log = log_new(w);

    soon(log, 0);
    assert_ok(
        rondo_call_soon_threadsafe(w->loop, schedules_both, note_new(log, 1)));
    test_spin(w, 1);
    check_in_order(log, 2);
    test_spin(w, 1);
    check_in_order(log, 5);
}

struct sender {
    struct many many;
    rondo_remote *remote;
    struct numbered x;
    atomic_bool sent;
};

static void sends_first(void *arg)
{
    struct sender *s = arg;

    assert_int_equal(rondo_remote_call(s->remote, comes_next, &s->x), 0);
    atomic_store(&s->sent, true);
}

/* The post of another thread that is known of comes before. */
TEST(L15_a_post_of_another_thread_that_came_before)
{
    struct sender *s = test_alloc(w, sizeof *s);
    struct numbered *after = test_alloc(w, sizeof *after);

    s->remote = remote_of(w);
    for (unsigned i = 0; i < 300; i++) {
        struct raw_thread *thread;

        s->many.next = 0;
        s->x = (struct numbered){&s->many, 0};
        *after = (struct numbered){&s->many, 1};
        atomic_store(&s->sent, false);
        thread = raw_thread_start(sends_first, s);
        while (!atomic_load(&s->sent))
            raw_yield();
        send_numbered(w, after, false);
        test_run_loop(w);
        assert_int_equal(s->many.next, 2);
        raw_thread_join(thread);
    }
    rondo_remote_release(s->remote);
}

/* ---- L16: ids of posts ----------------------------------------------------- */

TEST(L16_a_cancelled_post_never_runs)
{
    struct log *log = log_new(w);
    rondo_remote *remote = remote_of(w);
    rondo_id ids[300];

    for (int i = 0; i < 300; i++) {
        ids[i] = rondo_remote_post(remote, log_run, note_new(log, i));
        assert_true(ids[i] > 0);
    }
    for (int i = 0; i < 300; i += 2)
        assert_int_equal(i % 4 ? rondo_remote_cancel(remote, ids[i])
                               : rondo_cancel(w->loop, ids[i]),
                         0);
    assert_int_equal(rondo_remote_cancel(remote, ids[0]), RONDO_ENOENT);
    assert_int_equal(rondo_cancel(w->loop, ids[2]), RONDO_ENOENT);
    test_run_loop(w);
    assert_int_equal(log->count, 150);
    for (unsigned i = 0; i < 150; i++)
        assert_int_equal(log->order[i], 2 * i + 1);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(rondo_remote_cancel(remote, ids[i]), RONDO_ENOENT);
        assert_int_equal(rondo_cancel(w->loop, ids[i]), RONDO_ENOENT);
    }
    rondo_remote_release(remote);
}

struct victims {
    struct log *log;
    rondo_id id[2];
};

static void cancels_both(rondo_loop *loop, void *arg)
{
    struct victims *v = arg;

    log_run(loop, note_new(v->log, 0));
    assert_int_equal(rondo_cancel(loop, v->id[0]), 0);
    assert_int_equal(rondo_cancel(loop, v->id[0]), RONDO_ENOENT);
    assert_int_equal(rondo_cancel(loop, v->id[1]), 0);
}

/* The loop has taken them already, but on its own thread that is no matter. */
TEST(L16_cancelled_by_the_post_before_it)
{
    struct victims *v = test_alloc(w, sizeof *v);
    rondo_remote *remote = remote_of(w);

    v->log = log_new(w);
    assert_true(rondo_remote_post(remote, cancels_both, v) > 0);
    v->id[0] = rondo_remote_post(remote, log_run, note_new(v->log, 1));
    for (int i = 0; i < 200; i++)
        assert_true(rondo_remote_post(remote, log_run, note_new(v->log, 2)) >
                    0);
    v->id[1] = rondo_remote_post(remote, log_run, note_new(v->log, 3));
    test_run_loop(w);
    assert_int_equal(v->log->count, 201);
    for (unsigned i = 1; i < 201; i++)
        assert_int_equal(v->log->order[i], 2);
    rondo_remote_release(remote);
}

static void cancels_itself(rondo_loop *loop, void *arg)
{
    struct victims *v = arg;

    log_run(loop, note_new(v->log, 0));
    assert_int_equal(rondo_cancel(loop, v->id[0]), RONDO_ENOENT);
}

TEST(L16_a_post_that_runs_cannot_be_cancelled)
{
    struct victims *v = test_alloc(w, sizeof *v);
    rondo_remote *remote = remote_of(w);

    v->log = log_new(w);
    v->id[0] = rondo_remote_post(remote, cancels_itself, v);
    test_run_loop(w);
    assert_int_equal(v->log->count, 1);
    rondo_remote_release(remote);
}

/* A thread posts and cancels while the loop runs what it can: each post runs
 * or is cancelled, never both and never neither. */
struct race {
    rondo_remote *remote;
    unsigned posts;
    atomic_uint *ran;
    unsigned cancelled, lost;
    atomic_bool over;
};

static void count_it(rondo_loop *loop, void *arg)
{
    (void)loop;
    atomic_fetch_add((atomic_uint *)arg, 1);
}

static void post_and_cancel(void *arg)
{
    struct race *r = arg;

    for (unsigned i = 0; i < r->posts; i++) {
        rondo_id id = rondo_remote_post(r->remote, count_it, &r->ran[i]);

        if (i % 3 == 0)
            raw_yield();
        if (rondo_remote_cancel(r->remote, id) == 0) {
            r->cancelled++;
            if (atomic_load(&r->ran[i]))
                r->lost++;
            atomic_fetch_add(&r->ran[i], 1);
        }
    }
    atomic_store(&r->over, true);
    rondo_loop_wake(NULL); /* ignored */
}

TEST(L16_a_post_runs_or_is_cancelled)
{
    struct race *r = test_alloc(w, sizeof *r);
    struct raw_thread *thread;

    r->remote = remote_of(w);
    r->posts = 20000 / (unsigned)test_slowness();
    r->ran = test_alloc(w, r->posts * sizeof *r->ran);
    thread = raw_thread_start(post_and_cancel, r);
    while (!atomic_load(&r->over))
        (void)rondo_loop_run_once(w->loop, 0);
    raw_thread_join(thread);
    test_run_loop(w);
    assert_int_equal(r->lost, 0);
    for (unsigned i = 0; i < r->posts; i++)
        assert_int_equal(atomic_load(&r->ran[i]), 1);
    rondo_remote_release(r->remote);
}

TEST(L16_wrong_ids)
{
    rondo_loop *other = test_other_loop(w);
    rondo_remote *remote = remote_of(w);
    rondo_remote *foreign = rondo_loop_remote(other);
    unsigned *n = test_counter(w);
    rondo_id id = rondo_remote_post(remote, count_call, n);
    rondo_id soon_id = rondo_call_soon(w->loop, count_call, n);

    assert_int_equal(rondo_remote_cancel(foreign, id), RONDO_ENOENT);
    assert_int_equal(rondo_cancel(other, id), RONDO_ENOENT);
    assert_int_equal(rondo_remote_cancel(remote, soon_id), RONDO_ENOENT);
    assert_int_equal(rondo_remote_cancel(remote, 0), RONDO_ENOENT);
    assert_int_equal(rondo_remote_cancel(remote, -5), RONDO_ENOENT);
    assert_int_equal(rondo_remote_cancel(remote, INT64_MAX), RONDO_ENOENT);
    assert_int_equal(rondo_remote_cancel(NULL, id), RONDO_EINVAL);
    assert_int_equal(rondo_remote_post(NULL, count_call, n), RONDO_EINVAL);
    assert_int_equal(rondo_remote_post(remote, NULL, n), RONDO_EINVAL);
    assert_int_equal(rondo_missed(w->loop, id), RONDO_ENOENT);
    assert_einval(rondo_set_background(w->loop, id, true));
    test_run_loop(w);
    assert_int_equal(*n, 2);
    rondo_remote_release(foreign);
    test_close_loop(w);
    assert_int_equal(rondo_remote_post(remote, count_call, n), RONDO_ECLOSED);
    assert_int_equal(rondo_remote_cancel(remote, id), RONDO_ENOENT);
    rondo_remote_release(remote);
}

/* What was accepted is run by a close; what was cancelled is not. */
TEST(L16_at_the_close_of_the_loop)
{
    rondo_remote *remote = remote_of(w);
    unsigned *n = test_counter(w);
    rondo_id id = rondo_remote_post(remote, count_call, n);

    assert_true(rondo_remote_post(remote, count_call, n) > 0);
    assert_int_equal(rondo_remote_cancel(remote, id), 0);
    test_close_loop(w);
    assert_int_equal(*n, 1);
    rondo_remote_release(remote);
}
