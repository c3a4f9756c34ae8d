/* test_file_remove.c - trees that are removed, whatever others do to them. */
/* SPDX-License-Identifier: MIT */
#include "harness_file.h"

#include <stdatomic.h>

static void removes(struct world *w, const char *name, int64_t result)
{
    FILE_DO(result,
            rondo_fs_remove_tree(w->loop, file_path(w, name), file_plain, it));
}

static unsigned count(struct world *w, const char *name)
{
    return raw_fs_count(file_path(w, name));
}

TEST(F14_files_and_trees)
{
    rondo_file_changes c = RONDO_FILE_CHANGES_INIT;

    file_make_path(w, "tree/a/b/c");
    file_make_path(w, "tree/d");
    file_touch(w, "tree/a/b/x");
    file_touch(w, "tree/d/y");
    file_touch(w, "file");
    c.changes = RONDO_CHANGE_MODE;
    c.mode = 0444;
    FILE_DO(0, rondo_fs_change(w->loop, file_path(w, "tree/d/y"), &c,
                               file_plain, it));
    removes(w, "tree/", 0);
    assert_int_equal(count(w, "."), 1);
    removes(w, "file", 0);
    removes(w, "file", RONDO_ENOENT);
    removes(w, "none/none", RONDO_ENOENT);
    assert_int_equal(count(w, "."), 0);
}

TEST(F14_a_link_is_removed_and_not_followed)
{
    file_need_links(w);
    file_make_path(w, "tree/a");
    file_make_path(w, "away");
    file_touch(w, "away/x");
    assert_true(file_link(w, "../../away", "tree/a/link"));
    assert_true(file_link(w, "away", "link"));
    removes(w, "link/", 0);
    removes(w, "tree", 0);
    assert_int_equal(count(w, "away"), 1);
    removes(w, "away", 0);
    assert_int_equal(count(w, "."), 0);
}

/* All below could be removed, but not what the path leads to. */
TEST(F14_what_ends_in_no_name_stays_as_it_is)
{
    static const char *const ends[] = {"tree/.", "tree/./", "tree/.//",
                                       "tree/a/..", "tree/a/../"};

    file_make_path(w, "tree/a");
    file_touch(w, "tree/x");
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        assert_refused(rondo_fs_remove_tree(w->loop, file_path(w, ends[i]),
                                            file_plain, file_told(w)),
                       RONDO_EINVAL, "does not end in a name");
    test_run_loop(w);
    assert_int_equal(count(w, "tree"), 2);
    removes(w, "tree", 0);
    file_touch(w, "..a");
    file_touch(w, ".a");
    removes(w, "..a", 0);
    removes(w, ".a", 0);
}

TEST(F14_wide_trees)
{
    file_make_path(w, "tree");
    for (int i = 0; i < 20; i++) {
        const char *name = test_format(w, "tree/folder%d", i);
        file_make_path(w, name);
        assert_true(raw_fs_fill(file_path(w, name), 100));
    }
    assert_true(raw_fs_fill(file_path(w, "tree"), 3000));
    removes(w, "tree", 0);
    assert_int_equal(count(w, "."), 0);
}

/* More levels than a process may have descriptors, as a rule. */
TEST(F14_deep_trees)
{
    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_UNIX),
                 "the tree is made by mkdirat");
    file_make_path(w, "tree");
    assert_true(raw_fs_deep(file_path(w, "tree"), 2500, 1));
    test_limit_descriptors(w, 150);
    removes(w, "tree", 0);
    test_free_descriptors(w);
    assert_int_equal(count(w, "."), 0);
}

TEST(F14_the_first_error_ends_it)
{
    test_skip_if(w, !raw_fs_deny(NULL, false), "no call can be made to fail");
    file_make_path(w, "tree/a");
    file_touch(w, "tree/a/x");
    (void)raw_fs_deny("a", false);
    removes(w, "tree", RONDO_EACCES);
    (void)raw_fs_deny("a", true);
    removes(w, "tree", RONDO_EIO);
    (void)raw_fs_deny(NULL, false);
    removes(w, "tree", 0);
}

TEST(F14_cancelled_in_the_middle)
{
    unsigned seed = 4711, canceled = 0;

    /* its thread may be the quicker one many times */
    for (int i = 0; i < 10 || (!canceled && i < 500); i++) {
        struct file_told *t = file_told(w);
        rondo_id id;
        file_make_path(w, "tree");
        assert_true(raw_fs_fill(file_path(w, "tree"), 500));
        id = assert_ok(
            rondo_fs_remove_tree(w->loop, file_path(w, "tree"), file_plain, t));
        if (i % 4)
            test_let_go_on(w, &seed);
        if (!t->done)
            assert_ok(rondo_cancel(w->loop, id));
        test_run_until(w, t->done);
        assert_true(t->result == 0 || t->result == RONDO_ECANCELED);
        canceled += t->result != 0;
        if (t->result)
            removes(w, "tree", 0);
        assert_int_equal(count(w, "."), 0);
    }
    assert_true(canceled);
}

/* ---- others in the tree ------------------------------------------------- */

struct swap {
    const char *folder, *beside, *link;
    atomic_bool stop;
    atomic_uint swaps;
};

/* The folder and a link that leads out of the tree take turns. */
static void swap_them(void *arg)
{
    struct swap *s = arg;

    while (!atomic_load(&s->stop)) {
        if (rename(s->folder, s->beside) == 0)
            (void)rename(s->link, s->folder);
        if (rename(s->folder, s->link) == 0)
            (void)rename(s->beside, s->folder);
        atomic_fetch_add(&s->swaps, 1);
    }
}

/* The tree is removed or not, but nothing outside it. */
TEST(F14_links_that_take_a_directorys_place_are_not_followed)
{
    int rounds = 200 / test_slowness() + 1;

    file_need_links(w);
    file_make_path(w, "away/deep");
    file_touch(w, "away/x");
    file_touch(w, "away/deep/y");
    for (int i = 0; i < rounds; i++) {
        struct swap *s = test_alloc(w, sizeof *s);
        struct file_told *t = file_told(w);
        struct raw_thread *thread;

        file_make_path(w, "tree/a/deep");
        assert_true(raw_fs_fill(file_path(w, "tree/a"), 20));
        assert_true(raw_fs_fill(file_path(w, "tree/a/deep"), 20));
        assert_true(file_link(w, "../away", "tree/link"));
        s->folder = file_path(w, "tree/a");
        s->beside = file_path(w, "tree/b");
        s->link = file_path(w, "tree/link");
        thread = raw_thread_start(swap_them, s);
        while (!atomic_load(&s->swaps))
            raw_yield();
        assert_ok(
            rondo_fs_remove_tree(w->loop, file_path(w, "tree"), file_plain, t));
        test_run_until(w, t->done);
        atomic_store(&s->stop, true);
        raw_thread_join(thread);
        assert_int_equal(count(w, "away"), 2);
        assert_int_equal(count(w, "away/deep"), 1);
        if (t->result < 0)
            removes(w, "tree", 0);
    }
    removes(w, "away", 0);
}

struct adding {
    const char *folder;
    atomic_bool stop;
};

static void add_files(void *arg)
{
    struct adding *a = arg;
    char name[600];

    for (unsigned i = 0; !atomic_load(&a->stop) && i < 100000; i++) {
        FILE *f;
        (void)snprintf(name, sizeof name, "%s/more%u", a->folder, i % 7);
        f = fopen(name, "w");
        if (f)
            (void)fclose(f);
    }
}

TEST(F14_files_that_are_added_meanwhile)
{
    struct adding *a = test_alloc(w, sizeof *a);
    struct file_told *t = file_told(w);
    struct raw_thread *thread;

    file_make_path(w, "tree/a");
    assert_true(raw_fs_fill(file_path(w, "tree/a"), 500));
    a->folder = file_path(w, "tree/a");
    thread = raw_thread_start(add_files, a);
    assert_ok(
        rondo_fs_remove_tree(w->loop, file_path(w, "tree"), file_plain, t));
    test_run_until(w, t->done);
    atomic_store(&a->stop, true);
    raw_thread_join(thread);
    if (t->result < 0)
        removes(w, "tree", 0);
    assert_int_equal(count(w, "."), 0);
}
