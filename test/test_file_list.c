/* test_file_list.c - directories that are read in batches. */
/* SPDX-License-Identifier: MIT */
#include "harness_file.h"

enum { AS_DIRECTORY = RONDO_FILE_READ | RONDO_FILE_AS_DIRECTORY };

/* What a listing has told. */
struct listing {
    struct world *w;
    rondo_file *directory;
    unsigned flags;
    size_t most;
    unsigned done, batches, largest;
    size_t entries, files, folders, links, examined;
    unsigned long sum; /* of the numbers that the names are */
    int error;
    bool once;
};

static void listed(rondo_loop *loop, void *arg, const rondo_dir_entry *e,
                   size_t count, int error)
{
    struct listing *l = arg;

    (void)loop;
    l->batches++;
    l->largest = count > l->largest ? (unsigned)count : l->largest;
    l->entries += count;
    for (size_t i = 0; i < count; i++) {
        l->files += e[i].type == RONDO_FILE_REGULAR;
        l->folders += e[i].type == RONDO_FILE_DIRECTORY;
        l->links += e[i].type == RONDO_FILE_SYMLINK;
        l->sum += strtoul(e[i].name, NULL, 10);
        l->examined += e[i].info && e[i].info->bytes == 5 &&
                       e[i].info->type == RONDO_FILE_REGULAR;
    }
    l->error = error;
    if (error || !count || l->once)
        l->done++;
    else
        assert_ok(rondo_file_list(l->directory, l->flags, l->most, listed, l));
}

static struct listing *list(struct world *w, rondo_file *d, unsigned flags,
                            size_t most)
{
    struct listing *l = test_alloc(w, sizeof *l);

    l->w = w;
    l->directory = d;
    l->flags = flags;
    l->most = most;
    assert_ok(rondo_file_list(d, flags, most, listed, l));
    test_run_until(w, l->done);
    assert_int_equal(l->error, 0);
    return l;
}

static rondo_file *make_folder(struct world *w)
{
    FILE_DO(0,
            rondo_fs_mkdir(w->loop, file_path(w, "folder"), 0, file_plain, it));
    return file_open(w, file_path(w, "folder"), AS_DIRECTORY);
}

static void remove_folder(struct world *w, rondo_file *d)
{
    file_close(w, d);
    FILE_DO(0, rondo_fs_remove_tree(w->loop, file_path(w, "folder"), file_plain,
                                    it));
    assert_int_equal(raw_fs_count(file_path(w, ".")), 0);
}

TEST(F12_names_with_their_types)
{
    rondo_file *d = make_folder(w);
    struct file_told *t = file_told(w);
    struct listing *l = list(w, d, 0, 0);

    assert_int_equal(l->entries, 0);
    file_close(w, d);
    file_close(w, file_new(w, "folder/1", 0, "12345"));
    file_close(w, file_new(w, "folder/2", 0, "1"));
    FILE_DO(0, rondo_fs_mkdir(w->loop, file_path(w, "folder/3"), 0, file_plain,
                              it));
    assert_ok(rondo_fs_symlink(w->loop, "1", file_path(w, "folder/4"),
                               file_plain, t));
    test_run_until(w, t->done);
    d = file_open(w, file_path(w, "folder"), AS_DIRECTORY);
    l = list(w, d, RONDO_LIST_INFO, 0);
    assert_int_equal(l->entries, t->result ? 3 : 4);
    assert_int_equal(l->sum, t->result ? 6 : 10);
    assert_int_equal(l->files, 2);
    assert_int_equal(l->folders, 1);
    assert_int_equal(l->links, t->result ? 0 : 1);
    assert_int_equal(l->examined, 1);
    l = list(w, d, 0, 0); /* it has no more */
    assert_int_equal(l->entries, 0);
    remove_folder(w, d);
}

static void try_many(struct world *w, unsigned count, size_t most)
{
    rondo_file *d = make_folder(w);
    struct listing *l;

    assert_true(raw_fs_fill(file_path(w, "folder"), count));
    l = list(w, d, 0, most);
    assert_int_equal(l->entries, count);
    assert_int_equal(l->files, count);
    assert_int_equal(l->sum, (unsigned long)count * (count - 1) / 2);
    assert_true(l->largest <= (most ? most : 128));
    assert_true(l->batches > count / (most ? most : 128));
    remove_folder(w, d);
}

TEST_CASE(F12_one_at_a_time, try_many(w, 100, 1));
TEST_CASE(F12_a_thousand, try_many(w, 1000, 0));

TEST(F12_a_hundred_thousand_files)
{
    bool is_unix = rondo_loop_supports(w->loop, RONDO_CAN_UNIX);

    try_many(w, (is_unix ? 100000U : 2000U) / (unsigned)test_slowness(), 1000);
}

/* Names of 255 bytes: fewer of them fit. */
TEST(F12_the_longest_names)
{
    enum { LONGEST = 200, COUNT = 40 };
    rondo_file *d = make_folder(w);
    struct listing *l;
    char name[LONGEST + 32];

    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof name, "folder/%0*d", LONGEST, i);
        file_close(w, file_new(w, name, 0, ""));
    }
    l = list(w, d, RONDO_LIST_INFO, 8);
    assert_int_equal(l->entries, COUNT);
    assert_int_equal(l->sum, COUNT * (COUNT - 1) / 2);
    assert_true(l->largest > 1);
    remove_folder(w, d);
}

TEST(F12_calls_on_a_directory_run_one_after_another)
{
    enum { COUNT = 300, CALLS = 40 };
    rondo_file *d = make_folder(w);
    struct listing *l = test_alloc(w, sizeof *l);

    assert_true(raw_fs_fill(file_path(w, "folder"), COUNT));
    l->once = true;
    for (int i = 0; i < CALLS; i++)
        assert_ok(rondo_file_list(d, 0, 10, listed, l));
    test_run_until(w, l->done == CALLS);
    assert_int_equal(l->entries, COUNT);
    assert_int_equal(l->sum, COUNT * (COUNT - 1) / 2);
    remove_folder(w, d);
}

TEST(F12_a_directory_that_is_closed_with_listings_under_way)
{
    enum { COUNT = 300 };
    rondo_file *d = make_folder(w);
    struct listing *l = test_alloc(w, sizeof *l);
    struct file_told *t = file_told(w);

    assert_true(raw_fs_fill(file_path(w, "folder"), COUNT));
    l->once = true;
    for (int i = 0; i < 3; i++)
        assert_ok(rondo_file_list(d, 0, 10, listed, l));
    assert_ok(rondo_file_close(d, file_plain, t));
    assert_refused(rondo_file_list(d, 0, 10, listed, l), RONDO_ECLOSED, NULL);
    test_run_until(w, t->done);
    assert_int_equal(l->done, 3);
    assert_int_equal(l->entries, 30);
    FILE_DO(0, rondo_fs_remove_tree(w->loop, file_path(w, "folder"), file_plain,
                                    it));
}

TEST(F12_what_makes_no_sense_is_refused)
{
    rondo_file *d = make_folder(w), *f = file_new(w, "folder/a", 0, "a");
    struct listing *l = test_alloc(w, sizeof *l);
    char byte;
    rondo_room room = {&byte, 1};

    assert_einval(rondo_file_list(NULL, 0, 0, listed, l));
    assert_einval(rondo_file_list(d, 0, 0, NULL, l));
    assert_einval(rondo_file_list(d, 2, 0, listed, l));
    assert_einval(rondo_file_list(d, 0, SIZE_MAX, listed, l));
    assert_refused(rondo_file_list(f, 0, 0, listed, l), RONDO_ENOTDIR,
                   "directory");
    assert_refused(
        rondo_file_read(d, RONDO_FILE_CURRENT, &room, 1, file_moved, l),
        RONDO_EISDIR, "directory");
    file_close(w, f);
    remove_folder(w, d);
    assert_int_equal(l->batches, 0);
}

static int64_t list_it(void *arg)
{
    struct listing *l = arg;

    return rondo_file_list(l->directory, 0, 0, listed, l);
}

TEST(F12_without_memory_nothing_begins)
{
    struct listing *l = test_alloc(w, sizeof *l);

    l->directory = make_folder(w);
    l->once = true;
    assert_ok(test_try_without_memory(w, list_it, l));
    test_run_until(w, l->done);
    remove_folder(w, l->directory);
}

/* ---- a fork ------------------------------------------------------------- */

/* In the child: 0, or the step that failed. */
static int list_in_child(void *arg)
{
    struct listing *l = arg, *again = test_alloc(l->w, sizeof *again);
    rondo_loop *loop = l->w->loop;

    if (rondo_loop_after_fork(loop) < 0)
        return 1;
    if (!child_runs_until(loop, &l->done, 1) || l->error != RONDO_EFORKED)
        return 2;
    again->once = true;
    if (rondo_file_list(l->directory, 0, 0, listed, again) < 0)
        return 3;
    if (!child_runs_until(loop, &again->done, 1) || again->error)
        return 4;
    return rondo_loop_close(loop) < 0 ? 5 : 0;
}

/* The threads are held meanwhile: one that allocates would leave the allocator
 * locked in the child, where that is a sanitizer's. */
TEST(F12_in_a_forked_child_a_listing_ends_and_others_begin)
{
    file_need_hold(w);
    test_skip_if(w, !test_child_may_start_threads(),
                 "a forked child cannot start threads here");

    struct listing *l = test_alloc(w, sizeof *l);
    rondo_file *f;
    struct file_told *held;

    l->w = w;
    l->directory = make_folder(w);
    l->once = true;
    assert_true(raw_fs_fill(file_path(w, "folder"), 20));
    (void)list(w, l->directory, 0, 5);
    f = file_new(w, "held", 0, "");
    held = file_hold(w, f);
    assert_ok(rondo_file_list(l->directory, 0, 0, listed, l));
    test_run_child(w, list_in_child, l);
    file_let_go(w, held);
    test_run_until(w, l->done);
    file_close_and_unlink(w, f, "held");
    assert_int_equal(l->error, 0);
    remove_folder(w, l->directory);
}
