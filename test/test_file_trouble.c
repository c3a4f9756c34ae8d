/* test_file_trouble.c - strange names, files that are replaced, ends of loops. */
/* SPDX-License-Identifier: MIT */
#include "harness_file.h"
#include "raw_local.h"

static bool is_unix(struct world *w)
{
    return rondo_loop_supports(w->loop, RONDO_CAN_UNIX);
}

/* ---- F12, F13: names that are no UTF-8 ---------------------------------- */

struct names {
    unsigned done, count, strange;
};

static void listed(rondo_loop *loop, void *arg, const rondo_dir_entry *entries,
                   size_t count, int error)
{
    struct names *n = arg;

    (void)loop;
    assert_int_equal(error, 0);
    for (size_t i = 0; i < count; i++)
        n->strange += strcmp(entries[i].name, "\xff\xfe\n\x80") == 0;
    n->count += (unsigned)count;
    n->done++;
}

static bool met(rondo_loop *loop, void *arg, const rondo_walk_entry *e)
{
    struct names *n = arg;

    (void)loop;
    n->count++;
    n->strange += strstr(e->path, "tree/\xff\xfe\n\x80/") != NULL;
    return true;
}

static void walked(rondo_loop *loop, void *arg, int64_t result)
{
    struct names *n = arg;

    (void)loop;
    assert_int_equal(result, 2);
    n->done++;
}

TEST(F12_names_of_any_bytes)
{
    const char *name = "tree/\xff\xfe\n\x80";
    struct names *n = test_alloc(w, sizeof *n), *m = test_alloc(w, sizeof *m);
    rondo_file *d;

    if (!is_unix(w)) {
        FILE_DO(RONDO_EINVAL,
                rondo_fs_mkdir(w->loop, file_path(w, name), 0, file_plain, it));
        return;
    }
    file_make_path(w, name);
    file_close(w, file_new(w, test_format(w, "%s/\xc0", name), 0, "x"));
    d = file_open(w, file_path(w, "tree"),
                  RONDO_FILE_READ | RONDO_FILE_AS_DIRECTORY);
    assert_ok(rondo_file_list(d, 0, 0, listed, n));
    test_run_until(w, n->done);
    assert_int_equal(n->count, 1);
    assert_int_equal(n->strange, 1);
    file_close(w, d);
    assert_ok(
        rondo_fs_walk(w->loop, file_path(w, "tree"), NULL, met, walked, m));
    test_run_until(w, m->done);
    assert_int_equal(m->strange, 1);
    FILE_DO(
        0, rondo_fs_remove_tree(w->loop, file_path(w, "tree"), file_plain, it));
}

/* ---- files that others change ------------------------------------------- */

TEST(F10_what_is_replaced_or_removed_stays_what_was_opened)
{
    rondo_file *f;

    test_skip_if(w, !is_unix(w), "an open file cannot be replaced");
    f = file_new(w, "a", 0, "old");
    file_close(w, file_new(w, "b", 0, "new"));
    FILE_DO(0, rondo_fs_rename(w->loop, file_path(w, "b"), file_path(w, "a"),
                               file_plain, it));
    file_holds(w, f, "old");
    FILE_DO(3, rondo_fs_copy(w->loop, file_path(w, "a"), file_path(w, "b"), 0,
                             file_plain, it));
    file_unlink(w, file_path(w, "a"));
    FILE_DO(RONDO_ENOENT, rondo_fs_copy(w->loop, file_path(w, "a"),
                                        file_path(w, "b"), 0, file_plain, it));
    file_put(w, f, 0, "odd");
    file_holds(w, f, "odd");
    file_close_and_unlink(w, f, "b");
}

TEST(F10_a_disk_that_fails_leaves_what_was_there)
{
    rondo_file *f;

    test_skip_if(w, !raw_fs_deny(NULL, false), "no call can be made to fail");
    file_close(w, file_new(w, "a", 0, "new"));
    file_close(w, file_new(w, "b", 0, "old"));
    (void)raw_fs_deny("/a", true);
    FILE_DO(RONDO_EIO, rondo_fs_copy(w->loop, file_path(w, "a"),
                                     file_path(w, "b"), 0, file_plain, it));
    (void)raw_fs_deny(NULL, false);
    f = file_open(w, file_path(w, "b"), RW);
    file_holds(w, f, "old");
    file_close_and_unlink(w, f, "b");
    file_unlink(w, file_path(w, "a"));
    assert_int_equal(raw_fs_count(file_path(w, ".")), 0);
}

TEST(F10_a_disk_that_fails_in_the_middle_leaves_what_was_there)
{
    rondo_file *f;

    test_skip_if(w, !raw_fs_break(-1), "no call can be made to fail");
    file_close(w, file_new(w, "a", 0, "new"));
    file_close(w, file_new(w, "b", 0, "old"));
    (void)raw_fs_break(0);
    FILE_DO(RONDO_EIO, rondo_fs_copy(w->loop, file_path(w, "a"),
                                     file_path(w, "b"), 0, file_plain, it));
    FILE_DO(RONDO_EIO,
            rondo_fs_copy(w->loop, file_path(w, "a"), file_path(w, "c"),
                          RONDO_COPY_EXCLUSIVE, file_plain, it));
    (void)raw_fs_break(-1);
    f = file_open(w, file_path(w, "b"), RW);
    file_holds(w, f, "old");
    file_close_and_unlink(w, f, "b");
    file_unlink(w, file_path(w, "a"));
    assert_int_equal(raw_fs_count(file_path(w, ".")), 0);
}

/* ---- F1: a disk that fails ---------------------------------------------- */

/* Of 5,000 bytes in pieces of 1,000, each second call of which is interrupted;
 * the fifth call fails. */
static void fail_in_the_middle(struct world *w, rondo_file *f, char *bytes,
                               bool reads)
{
    rondo_room rooms[] = {{bytes, 2500}, {bytes + 2500, 2500}};
    rondo_buffer buffers[] = {{bytes, 2500}, {bytes + 2500, 2500}};
    struct file_told *t = file_told(w);

    (void)raw_fs_short(1000);
    (void)raw_fs_break(4);
    assert_ok(reads ? rondo_file_read(f, 0, rooms, 2, file_moved, t)
                    : rondo_file_write(f, 0, buffers, 2, file_moved, t));
    test_run_until(w, t->done);
    (void)raw_fs_short(0);
    assert_int_equal(t->result, RONDO_EIO);
    assert_int_equal(t->count, 2000);
    assert_non_null(strstr(t->sentence, "(EIO)"));
}

TEST(F1_a_disk_that_fails_says_how_much_was_moved)
{
    char *bytes = test_alloc(w, 5001);
    rondo_file *f;

    test_skip_if(w, !raw_fs_break(-1), "no call can be made to fail");
    memset(bytes, 'x', 5000);
    f = file_new(w, "a", 0, bytes);
    fail_in_the_middle(w, f, bytes, true);
    fail_in_the_middle(w, f, bytes, false);
    (void)raw_fs_break(0);
    FILE_DO(RONDO_EIO, rondo_file_sync(f, false, file_plain, it));
    FILE_DO(RONDO_EIO, rondo_file_sync(f, true, file_plain, it));
    (void)raw_fs_break(-1); /* it works again, and so does the file */
    FILE_DO(0, rondo_file_sync(f, false, file_plain, it));
    file_holds(w, f, bytes);
    file_close_and_unlink(w, f, "a");
}

/* ---- F4: the end of the loop -------------------------------------------- */

enum { MANY = 100, TROUBLES = 7 };

static void listed_some(rondo_loop *loop, void *arg,
                        const rondo_dir_entry *entries, size_t count, int error)
{
    (void)entries;
    (void)count;
    file_plain(loop, arg, error);
}

static bool enter(rondo_loop *loop, void *arg, const rondo_walk_entry *e)
{
    (void)loop;
    (void)arg;
    (void)e;
    return true;
}

/* One of each of the operations. */
static void begin_all(struct world *w, rondo_file *f, rondo_file *d,
                      struct file_told *t[TROUBLES])
{
    rondo_loop *l = w->loop;
    rondo_file_changes c = RONDO_FILE_CHANGES_INIT;
    const char *a = file_path(w, "a"), *b = file_path(w, "b");

    for (int i = 0; i < TROUBLES; i++)
        t[i] = file_told(w);
    c.changes = RONDO_CHANGE_TIMES;
    assert_ok(rondo_fs_copy(l, a, b, 0, file_plain, t[0]));
    assert_ok(rondo_file_lock(f, 0, 0, RONDO_LOCK_WAIT, file_plain, t[1]));
    assert_ok(rondo_file_list(d, 0, 10, listed_some, t[2]));
    assert_ok(
        rondo_fs_remove_tree(l, file_path(w, "tree/x"), file_plain, t[3]));
    assert_ok(
        rondo_fs_walk(l, file_path(w, "tree"), NULL, enter, file_plain, t[4]));
    assert_ok(rondo_file_change(f, &c, file_plain, t[5]));
    assert_ok(
        rondo_fs_make_path(l, file_path(w, "tree/y"), 0, file_plain, t[6]));
}

static void try_end(struct world *w, int spins)
{
    struct file_told *(*t)[TROUBLES] = test_alloc(w, MANY * sizeof *t),
                     *v = file_told(w);
    rondo_file *f = file_new(w, "a", 0, "a"), *g, *d;
    unsigned canceled = 0;

    file_make_path(w, "tree/x");
    g = file_open(w, file_path(w, "a"), RW);
    d = file_open(w, file_path(w, "tree"),
                  RONDO_FILE_READ | RONDO_FILE_AS_DIRECTORY);
    file_ends(v, rondo_file_lock(g, 0, 0, 0, file_plain, v), 0);
    for (int i = 0; i < MANY; i++)
        begin_all(w, f, d, t[i]);
    test_spin(w, spins);
    test_close_loop(w);
    for (int i = 0; i < MANY; i++) {
        /* the lock: g, which has it, may be closed before */
        if (t[i][1]->result != 0)
            assert_int_equal(t[i][1]->result, RONDO_ECANCELED);
        for (int j = 0; j < TROUBLES; j++) {
            assert_int_equal(t[i][j]->done, 1);
            canceled += t[i][j]->result == RONDO_ECANCELED;
        }
    }
    assert_true(canceled >= MANY);
    raw_fs_folder_remove(file_path(w, "tree"));
    (void)raw_path_remove(file_path(w, "a"));
    (void)raw_path_remove(file_path(w, "b"));
    assert_int_equal(raw_fs_count(file_path(w, ".")), 0);
}

TEST_CASE(F4_a_loop_that_closes_at_once_ends_hundreds, try_end(w, 0));
TEST_CASE(F4_a_loop_that_closes_soon_ends_hundreds, try_end(w, 3));
TEST_CASE(F4_a_loop_that_closes_later_ends_hundreds, try_end(w, 100));

/* ---- F4: a fork --------------------------------------------------------- */

struct fork_case {
    struct world *w;
    struct file_told *t[TROUBLES];
};

static int end_in_child(void *arg)
{
    struct fork_case *c = arg;
    rondo_loop *loop = c->w->loop;

    if (rondo_loop_after_fork(loop) < 0)
        return 1;
    for (int i = 0; i < TROUBLES; i++)
        if (!child_runs_until(loop, &c->t[i]->done, 1) ||
            c->t[i]->result != RONDO_EFORKED)
            return 2 + i;
    return rondo_loop_close(loop) < 0 ? 20 : 0;
}

TEST(F4_in_a_forked_child_the_new_ones_end_too)
{
    struct fork_case *c = test_alloc(w, sizeof *c);
    struct file_told *v = file_told(w);
    rondo_file *f, *g, *d;
    struct file_told *held;

    file_need_hold(w);
    test_skip_if(w, !test_child_may_start_threads(),
                 "a forked child cannot start threads here");
    f = file_new(w, "a", 0, "a");
    file_make_path(w, "tree/x");
    g = file_open(w, file_path(w, "a"), RW);
    d = file_open(w, file_path(w, "tree"),
                  RONDO_FILE_READ | RONDO_FILE_AS_DIRECTORY);
    file_ends(v, rondo_file_lock(g, 0, 0, 0, file_plain, v), 0);
    c->w = w;
    held = file_hold(w, f);
    begin_all(w, f, d, c->t);
    test_run_child(w, end_in_child, c);
    file_let_go(w, held);
    test_close_loop(w);
    raw_fs_folder_remove(file_path(w, "tree"));
    (void)raw_path_remove(file_path(w, "a"));
    (void)raw_path_remove(file_path(w, "b"));
}
