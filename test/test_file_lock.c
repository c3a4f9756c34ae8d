/* test_file_lock.c - files that are locked, and locks that are waited for. */
/* SPDX-License-Identifier: MIT */
#include "harness_file.h"

enum { SHARED = RONDO_LOCK_SHARED, WAIT = RONDO_LOCK_WAIT };

static void lock(rondo_file *f, int64_t position, int64_t size, unsigned flags,
                 struct world *w, int64_t result)
{
    struct file_told *t = file_told(w);

    file_ends(t, rondo_file_lock(f, position, size, flags, file_plain, t),
              result);
}

static void unlock(rondo_file *f, int64_t position, int64_t size,
                   struct world *w)
{
    struct file_told *t = file_told(w);

    file_ends(t, rondo_file_unlock(f, position, size, file_plain, t), 0);
}

/* The same file, opened twice. */
static void open_two(struct world *w, rondo_file *f[2])
{
    f[0] = file_new(w, "a", 0, "hello");
    f[1] = file_open(w, file_path(w, "a"), RW);
}

static void close_two(struct world *w, rondo_file *f[2])
{
    file_close(w, f[0]);
    file_close_and_unlink(w, f[1], "a");
}

TEST(F9_alone_or_shared)
{
    rondo_file *f[2];

    open_two(w, f);
    lock(f[0], 0, 0, 0, w, 0);
    lock(f[1], 0, 0, 0, w, RONDO_EBUSY);
    lock(f[1], 0, 0, SHARED, w, RONDO_EBUSY);
    unlock(f[0], 0, 0, w);
    lock(f[0], 0, 0, SHARED, w, 0);
    lock(f[1], 0, 0, SHARED, w, 0);
    unlock(f[0], 0, 0, w);
    lock(f[0], 0, 0, 0, w, RONDO_EBUSY);
    unlock(f[1], 0, 0, w);
    lock(f[0], 0, 0, 0, w, 0);
    close_two(w, f);
}

TEST(F9_parts_of_a_file)
{
    bool can = rondo_loop_supports(w->loop, RONDO_CAN_LOCK_RANGES);
    rondo_file *f[2];

    open_two(w, f);
    if (!can) {
        lock(f[0], 0, 2, 0, w, RONDO_ENOTSUP);
        close_two(w, f);
        return;
    }
    lock(f[0], 0, 2, 0, w, 0);
    lock(f[1], 1, 1, 0, w, RONDO_EBUSY);
    lock(f[1], 2, 0, 0, w, 0); /* all behind it */
    lock(f[0], INT64_C(1) << 40, 1, 0, w, RONDO_EBUSY);
    unlock(f[1], 2, 0, w);
    unlock(f[0], 0, 2, w);
    close_two(w, f);
}

TEST(F9_a_close_ends_the_lock)
{
    rondo_file *f[2];

    open_two(w, f);
    lock(f[0], 0, 0, 0, w, 0);
    file_close(w, f[0]);
    lock(f[1], 0, 0, 0, w, 0);
    file_close_and_unlink(w, f[1], "a");
}

static void unlock_it(struct file_told *t)
{
    assert_ok(rondo_file_unlock(t->data, 0, 0, file_plain, file_told(t->w)));
}

/* Many more wait than there are threads, and others still get one. */
TEST(F9_who_waits_needs_no_thread)
{
    enum { WAITERS = 20 };
    struct file_told *t[WAITERS];
    rondo_file *f[2];

    open_two(w, f);
    lock(f[0], 0, 0, 0, w, 0);
    for (int i = 0; i < WAITERS; i++) {
        t[i] = file_told(w);
        t[i]->data = file_open(w, file_path(w, "a"), RW);
        t[i]->then = unlock_it;
        assert_ok(rondo_file_lock(t[i]->data, 0, 0, WAIT, file_plain, t[i]));
    }
    file_close(w, file_new(w, "b", 0, "others work"));
    file_unlink(w, file_path(w, "b"));
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(t[i]->done, 0);
    unlock(f[0], 0, 0, w);
    for (int i = 0; i < WAITERS; i++) {
        test_run_until(w, t[i]->done);
        assert_int_equal(t[i]->result, 0);
        file_close(w, t[i]->data);
    }
    close_two(w, f);
}

TEST(F9_a_lock_that_waits_is_cancelled)
{
    struct file_told *t = file_told(w), *u = file_told(w);
    rondo_file *f[2];

    open_two(w, f);
    lock(f[0], 0, 0, 0, w, 0);
    t->id = assert_ok(rondo_file_lock(f[1], 0, 0, WAIT, file_plain, t));
    test_run_for(w, RONDO_MS(20));
    assert_int_equal(t->done, 0);
    assert_ok(rondo_cancel(w->loop, t->id));
    test_run_until(w, t->done);
    assert_int_equal(t->result, RONDO_ECANCELED);
    u->id = assert_ok(rondo_file_lock(f[1], 0, 0, WAIT, file_plain, u));
    assert_ok(rondo_cancel(w->loop, u->id)); /* it may have begun */
    test_run_until(w, u->done);
    assert_int_equal(u->result, RONDO_ECANCELED);
    unlock(f[0], 0, 0, w);
    lock(f[0], 0, 0, 0, w, 0); /* nobody has it */
    close_two(w, f);
}

TEST(F9_a_loop_that_closes_ends_who_waits)
{
    struct file_told *t = file_told(w);
    rondo_file *f[2];

    open_two(w, f);
    lock(f[0], 0, 0, 0, w, 0);
    t->id = assert_ok(rondo_file_lock(f[1], 0, 0, WAIT, file_plain, t));
    test_run_for(w, RONDO_MS(5));
    assert_int_equal(t->done, 0);
    test_close_loop(w);
    assert_int_equal(t->done, 1);
    assert_int_equal(t->result, RONDO_ECANCELED);
}

TEST(F9_what_makes_no_sense_is_refused)
{
    struct file_told *t = file_told(w);
    rondo_file *f = file_new(w, "a", 0, "x"), *r;

    r = file_open(w, file_path(w, "a"), RONDO_FILE_READ);
    assert_einval(rondo_file_lock(f, 0, 0, 8, file_plain, t));
    assert_einval(rondo_file_lock(f, -1, 0, 0, file_plain, t));
    assert_einval(rondo_file_lock(f, 1, INT64_MAX, 0, file_plain, t));
    assert_einval(rondo_file_lock(f, 0, 0, 0, NULL, t));
    assert_einval(rondo_file_lock(NULL, 0, 0, 0, file_plain, t));
    assert_einval(rondo_file_unlock(f, 0, -1, file_plain, t));
    assert_refused(rondo_file_lock(r, 0, 0, 0, file_plain, t), RONDO_EBADF,
                   "writing");
    file_close(w, r);
    file_close_and_unlink(w, f, "a");
    assert_int_equal(t->done, 0);
}
