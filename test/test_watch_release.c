/* test_watch_release.c - what becomes of the arg of a watcher that ends. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

/* a watcher's arg, which must be freed exactly once */
struct thing {
    struct world *w;
    raw_fd fd;
    unsigned ran, released;
    void (*act)(struct thing *t);
};

static void thing_runs(struct thing *t)
{
    t->ran++;
    if (t->act)
        t->act(t);
}

static void side_ready(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    thing_runs(arg);
}

static void events_ready(rondo_loop *loop, rondo_fd fd, unsigned events,
                         void *arg)
{
    (void)loop;
    (void)fd;
    (void)events;
    thing_runs(arg);
}

static void released(rondo_loop *loop, void *arg)
{
    struct thing *t = arg;

    assert_ptr_equal(loop, t->w->loop);
    t->released++;
}

static int add_reader(struct thing *t)
{
    return rondo_add_reader(t->w->loop, t->fd, side_ready, t);
}

static int remove_reader(struct thing *t)
{
    return rondo_remove_reader(t->w->loop, t->fd);
}

static int add_writer(struct thing *t)
{
    return rondo_add_writer(t->w->loop, t->fd, side_ready, t);
}

static int remove_writer(struct thing *t)
{
    return rondo_remove_writer(t->w->loop, t->fd);
}

static int add_watch(struct thing *t)
{
    return rondo_watch(t->w->loop, t->fd, RONDO_READABLE | RONDO_WRITABLE,
                       events_ready, t);
}

static int remove_watch(struct thing *t)
{
    return rondo_unwatch(t->w->loop, t->fd);
}

static const struct kind {
    const char *name;
    unsigned event;
    int (*add)(struct thing *t);
    int (*remove)(struct thing *t);
} kinds[] = {{"reader", RONDO_READABLE, add_reader, remove_reader},
             {"writer", RONDO_WRITABLE, add_writer, remove_writer},
             {"watch", 0, add_watch, remove_watch}};

static struct thing *thing_new(struct world *w, raw_fd fd)
{
    struct thing *t = test_alloc(w, sizeof *t);

    t->w = w;
    t->fd = fd;
    return t;
}

static void set_release(const struct thing *t, const struct kind *kind)
{
    assert_ok(
        rondo_set_watch_release(t->w->loop, t->fd, kind->event, released));
}

/* On a socket that can be read and written. */
static struct thing *started(struct world *w, const struct kind *kind)
{
    raw_fd *fds = test_sockets(w);
    struct thing *t = thing_new(w, fds[0]);

    assert_int_equal(raw_send(fds[1], "x", 1), 1);
    assert_ok(kind->add(t));
    set_release(t, kind);
    return t;
}

/* ---- W7 ------------------------------------------------------------------ */

TEST(W7_removed_it_is_released_once_from_the_loop)
{
    for (EACH_ROW(w, row, kinds)) {
        struct thing *t = started(w, row);

        test_run_until(w, t->ran);
        assert_int_equal(row->remove(t), 1);
        assert_int_equal(t->released, 0); /* not inside the call */
        assert_int_equal(row->remove(t), 0);
        test_run_loop(w);
        assert_int_equal(t->released, 1);
    }
}

static void removes_itself(struct thing *t)
{
    assert_int_equal(remove_reader(t) + remove_writer(t) + remove_watch(t), 1);
    assert_int_equal(t->released, 0);
}

TEST(W7_removed_inside_its_own_callback)
{
    for (EACH_ROW(w, row, kinds)) {
        struct thing *t = started(w, row);

        t->act = removes_itself;
        test_run_until(w, t->released);
        test_spin(w, 2);
        assert_int_equal(t->ran, 1);
        assert_int_equal(t->released, 1);
    }
}

TEST(W7_added_again_with_another_arg)
{
    for (EACH_ROW(w, row, kinds)) {
        struct thing *t = started(w, row), *next = thing_new(w, t->fd);

        assert_ok(row->add(t)); /* the same arg: it stays */
        test_spin(w, 2);
        assert_int_equal(t->released, 0);
        assert_ok(row->add(next));
        test_run_until(w, next->ran);
        assert_int_equal(t->released, 1);
        assert_int_equal(row->remove(next), 1);
        test_run_loop(w);
        assert_int_equal(t->released, 1);
        assert_int_equal(next->released, 0); /* it has none */
    }
}

/* A reader and a writer of one descriptor: each has its own. */
TEST(W7_two_sides_of_one_descriptor)
{
    struct thing *reads = started(w, &kinds[0]);
    struct thing *writes = thing_new(w, reads->fd);

    assert_ok(add_writer(writes));
    set_release(writes, &kinds[1]);
    assert_int_equal(remove_reader(reads), 1);
    test_run_until(w, reads->released);
    assert_int_equal(writes->released, 0);
    assert_int_equal(remove_writer(writes), 1);
    test_run_loop(w);
    assert_int_equal(reads->released, 1);
    assert_int_equal(writes->released, 1);
}

TEST(W7_a_close_releases_what_it_drops)
{
    struct thing *all[2 * COUNT_OF(kinds)];

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        all[i] = started(w, &kinds[i]);
        all[COUNT_OF(kinds) + i] = started(w, &kinds[i]);
        assert_int_equal(kinds[i].remove(all[i]), 1); /* just before */
    }
    test_close_loop(w);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        assert_int_equal(all[i]->released, 1);
}

static void note_lost(rondo_loop *loop, void *arg, const rondo_exception *e)
{
    (void)loop;
    assert_int_equal(e->error, RONDO_EBADF);
    ++*(unsigned *)arg;
}

/* Where the backend notices it, the watcher is lost; else the close drops it. */
TEST(W7_the_descriptor_was_closed)
{
    struct thing *all[COUNT_OF(kinds)];
    unsigned told = 0, gone = 0;

    rondo_loop_set_exception_handler(w->loop, note_lost, &told);
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        all[i] = started(w, &kinds[i]);
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        test_close_own(w, all[i]->fd);
    test_spin(w, 5);
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        gone += all[i]->released;
    assert_int_equal(gone, told);
    test_close_loop(w);
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        assert_int_equal(all[i]->released, 1);
}

TEST(W7_set_again_and_taken_back)
{
    for (EACH_ROW(w, row, kinds)) {
        struct thing *t = started(w, row);

        set_release(t, row);
        assert_int_equal(row->remove(t), 1);
        test_run_loop(w);
        assert_int_equal(t->released, 1);
        t = started(w, row);
        assert_ok(rondo_set_watch_release(w->loop, t->fd, row->event, NULL));
        assert_int_equal(row->remove(t), 1);
        test_run_loop(w);
        assert_int_equal(t->released, 0);
    }
}

TEST(W7_what_there_is_not_is_refused)
{
    for (EACH_ROW(w, row, kinds)) {
        struct thing *t = started(w, row);

        for (EACH_ROW(w, other, kinds)) {
            if (other == row)
                continue;
            assert_refused(
                rondo_set_watch_release(w->loop, t->fd, other->event, released),
                RONDO_ENOENT, other->name);
        }
        assert_refused(
            rondo_set_watch_release(w->loop, t->fd, RONDO_PRIORITY, released),
            RONDO_EINVAL, "event");
        assert_int_equal(row->remove(t), 1);
        assert_refused(
            rondo_set_watch_release(w->loop, t->fd, row->event, released),
            RONDO_ENOENT, row->name);
        test_run_loop(w);
        assert_int_equal(t->released, 1);
    }
    assert_einval(rondo_set_watch_release(NULL, 0, 0, released));
}

TEST(W7_a_transport_s_descriptor_is_refused)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    assert_refused(rondo_set_watch_release(
                       w->loop, rondo_transport_fd(p->transport), 0, released),
                   RONDO_EBUSY, "transport");
    peer_finish(p, 0);
}

TEST(W7_out_of_memory_it_is_not_set)
{
    raw_fd *fds = test_sockets(w);

    for (uint64_t n = 1; test_nth_fails(w, n); n++) {
        struct thing *t = thing_new(w, fds[0]);
        unsigned set;

        if (add_reader(t) != 0)
            continue;
        set = rondo_set_watch_release(w->loop, t->fd, RONDO_READABLE,
                                      released) == 0;
        assert_int_equal(remove_reader(t), 1);
        test_run_loop(w);
        assert_int_equal(t->released, set);
    }
}

TEST(W7_ten_thousand_times)
{
    enum { TIMES = 10000 };
    struct thing *t = started(w, &kinds[0]);

    for (int i = 0; i < TIMES; i++) {
        assert_int_equal(remove_reader(t), 1);
        assert_ok(add_reader(t));
        set_release(t, &kinds[0]);
        if (i % 100 == 0)
            test_spin(w, 1);
    }
    assert_int_equal(remove_reader(t), 1);
    test_run_loop(w);
    assert_int_equal(t->released, TIMES + 1);
}
