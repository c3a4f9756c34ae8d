/* test_file_faults.c - files: no memory, no room, and forks. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_file.h"

/* ---- F5: no memory ------------------------------------------------------ */

/* Answers the first error of a whole life of a file. */
static int64_t live(struct world *w, const char *path, const rondo_room *in)
{
    rondo_buffer out = {"hello", 5};
    struct file_told *t = file_told(w), *u = file_told(w), *v = file_told(w);
    rondo_id a, b;

    a = rondo_file_open(w->loop, path, RW | RONDO_FILE_CREATE, 0, file_opened,
                        t);
    if (a < 0)
        return a;
    test_run_until(w, t->done);
    if (t->result < 0)
        return t->result;
    a = rondo_file_write(t->file, 0, &out, 1, file_moved, u);
    if (a > 0)
        test_run_until(w, u->done);
    b = rondo_file_read(t->file, RONDO_FILE_CURRENT, in, 1, file_moved, v);
    if (b > 0)
        test_run_until(w, v->done);
    file_close(w, t->file); /* needs none */
    return a < 0 ? a : b < 0 ? b : 0;
}

TEST(F5_without_memory_a_call_is_refused_and_nothing_happens)
{
    const char *path = file_path(w, "a");
    char *got = test_alloc(w, 8);
    rondo_room in = {got, 5};
    int64_t result = 0;
    uint64_t n, failed = 0;

    for (n = 1; test_nth_fails(w, n); n++) {
        result = live(w, path, &in);
        if (result < 0) {
            assert_error(result, RONDO_ENOMEM);
            failed++;
        }
    }
    test_fail_allocation(w, 0);
    assert_int_equal(result, 0);
    assert_true(failed >= 4); /* file, call, write, read */
    assert_memory_equal(got, "hello", 5);
    file_unlink(w, path);
}

static int64_t stat_it(void *arg)
{
    struct file_told *t = arg;
    rondo_file_info *info = t->data;

    return rondo_fs_stat(t->w->loop, ".", info, file_plain, t);
}

TEST(F6_without_memory_a_call_is_refused)
{
    struct file_told *t = file_told(w);
    rondo_file_info *info = test_alloc(w, sizeof *info);

    info->size = sizeof *info;
    t->data = info;
    file_ends(t, test_try_without_memory(w, stat_it, t), 0);
    assert_int_equal(info->type, RONDO_FILE_DIRECTORY);
}

TEST(F4_closing_needs_no_memory)
{
    rondo_file *f = file_new(w, "a", 0, "a");

    test_fail_allocations_from(w, 1);
    file_close(w, f);
    test_fail_allocation(w, 0);
    file_unlink(w, file_path(w, "a"));
}

static void need_limit(struct world *w)
{
    test_skip_if(w, !raw_fs_limit(INT64_MAX), "no limit of a file's size");
}

/* ---- F1: no room -------------------------------------------------------- */

TEST(F1_a_full_disk_says_how_much_was_written)
{
    rondo_buffer out = {"hello", 5};
    struct file_told *t = file_told(w);
    rondo_file *f;

    test_skip_if(w, !raw_fs_full(), "no device that is full");
    f = file_open(w, raw_fs_full(), RONDO_FILE_WRITE);
    file_ends(t,
              rondo_file_write(f, RONDO_FILE_CURRENT, &out, 1, file_moved, t),
              RONDO_ENOSPC);
    assert_int_equal(t->count, 0);
    assert_non_null(strstr(t->sentence, "file_write: cannot write \""));
    file_close(w, f);
}

TEST(F1_a_limit_of_size_says_how_much_was_written)
{
    enum { LIMIT = 10000, SIZE = 30000 };

    need_limit(w);

    rondo_file *f = file_new(w, "a", 0, "");
    char *bytes = test_alloc(w, SIZE);
    rondo_buffer out[] = {{bytes, SIZE / 2}, {bytes, SIZE / 2}};
    struct file_told *t = file_told(w), *u = file_told(w), *v = file_told(w);

    assert_true(raw_fs_limit(LIMIT));
    t->id = rondo_file_write(f, 0, out, 2, file_moved, t);
    u->id = rondo_file_truncate(f, LIMIT + 1, file_plain, u);
    test_run_until(w, t->done && u->done);
    assert_true(raw_fs_limit(INT64_MAX));
    file_ends(t, t->id, RONDO_EFBIG);
    file_ends(u, u->id, RONDO_EFBIG);
    assert_int_equal(t->count, LIMIT);
    file_ends(v, rondo_file_truncate(f, LIMIT + 1, file_plain, v), 0);
    file_close_and_unlink(w, f, "a");
}

TEST(F1_a_failed_write_moves_the_position_as_far_as_it_went)
{
    enum { LIMIT = 3 };

    need_limit(w);

    rondo_file *f = file_new(w, "a", 0, "");
    rondo_buffer out = {"hello", 5};
    struct file_told *t = file_told(w);

    assert_true(raw_fs_limit(LIMIT));
    t->id = rondo_file_write(f, RONDO_FILE_CURRENT, &out, 1, file_moved, t);
    test_run_until(w, t->done);
    assert_true(raw_fs_limit(INT64_MAX));
    file_ends(t, t->id, RONDO_EFBIG);
    assert_int_equal(t->count, LIMIT);
    file_put(w, f, RONDO_FILE_CURRENT, "ium");
    file_holds(w, f, "helium");
    file_close_and_unlink(w, f, "a");
}

TEST(F1_a_file_that_is_closed_behind_its_back)
{
    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_UNIX),
                 "a debugger would be told of the bad handle");

    rondo_file *f = file_new(w, "a", 0, "a");
    struct file_told *t = file_told(w), *u = file_told(w);
    char byte;
    rondo_room in = {&byte, 1};

    w->allow_descriptors = true;
    raw_close(rondo_file_fd(f));
    file_ends(t, rondo_file_read(f, 0, &in, 1, file_moved, t), RONDO_EBADF);
    assert_int_equal(t->count, 0);
    file_ends(u, rondo_file_close(f, file_plain, u), RONDO_EBADF);
    file_unlink(w, file_path(w, "a"));
}

TEST(F5_without_descriptors_no_file_is_opened)
{
    const char *path = file_path(w, "a");

    file_close(w, file_new(w, "a", 0, "a"));
    test_exhaust_descriptors(w, 0);
    file_open_fails(w, path, RW, RONDO_EMFILE);
    test_free_descriptors(w);
    file_close(w, file_open(w, path, RW));
    file_unlink(w, path);
}

/* ---- F4: a fork --------------------------------------------------------- */

struct fork_case {
    struct world *w;
    rondo_file *f, *closing;
    struct file_told *under_way[8];
    struct file_told *last; /* waits for the others of its file */
    unsigned told;
};

static void count_told(struct file_told *t)
{
    struct fork_case *c = t->data;

    c->told += t->result == RONDO_EFORKED;
}

/* In the child: 0, or the step that failed. */
static int go_on_in_child(void *arg)
{
    struct fork_case *c = arg;
    struct file_told *t = file_told(c->w);
    rondo_loop *loop = c->w->loop;
    char bytes[2] = {0};
    rondo_room in = {bytes, 1};
    rondo_id id;

    if (rondo_loop_after_fork(loop) < 0)
        return 1;
    if (!child_runs_until(loop, &c->told, COUNT_OF(c->under_way)))
        return 2;
    id = rondo_file_read(c->f, 0, &in, 1, file_moved, t);
    if (id < 0 || !child_runs_until(loop, &t->done, 1))
        return 3;
    if (t->result || t->count != 1 || bytes[0] != 'a')
        return 4;
    if (!child_runs_until(loop, &c->last->done, 1) || c->last->result)
        return 5;
    return rondo_loop_close(loop) < 0 ? 6 : 0;
}

static struct file_told *counted(struct fork_case *c)
{
    struct file_told *t = file_told(c->w);

    t->data = c;
    t->then = count_told;
    return t;
}

/* Some run, some wait for a thread, some for those before them. In the parent
 * they go on. */
TEST(F4_in_a_forked_child_all_end_and_files_go_on)
{
    file_need_hold(w);
    test_skip_if(w, !test_child_may_start_threads(),
                 "a forked child cannot start threads here");

    struct fork_case *c = test_alloc(w, sizeof *c);
    rondo_file *ordered = file_new(w, "b", RONDO_FILE_IN_ORDER, "");
    rondo_buffer out = {"b", 1};
    struct file_told *held;

    c->w = w;
    c->f = file_new(w, "a", 0, "a");
    held = file_hold(w, c->f);
    for (int i = 0; i < FILE_THREADS; i++) {
        c->under_way[i] = &held[i];
        held[i].data = c;
        held[i].then = count_told;
    }
    for (int i = FILE_THREADS; i < FILE_THREADS + 3; i++) {
        c->under_way[i] = counted(c);
        assert_ok(rondo_file_write(ordered, RONDO_FILE_CURRENT, &out, 1,
                                   file_moved, c->under_way[i]));
    }
    c->under_way[FILE_THREADS + 3] = counted(c);
    assert_ok(rondo_file_open(w->loop, file_path(w, "a"), RW, 0, file_opened,
                              c->under_way[FILE_THREADS + 3]));
    c->last = file_told(w);
    assert_ok(rondo_file_close(ordered, file_plain, c->last));
    test_run_child(w, go_on_in_child, c);
    file_let_go(w, held);
    test_run_until(w, c->last->done && c->under_way[7]->done);
    assert_int_equal(c->told, 0);
    file_close(w, c->under_way[7]->file);
    file_unlink(w, file_path(w, "b"));
    file_close_and_unlink(w, c->f, "a");
}
