/* test_changes_rename.c - renames in a watched directory. */
/* SPDX-License-Identifier: MIT */
#include "harness_path.h"
#include "raw_change.h"

static struct path_log *watch_tree(struct world *w)
{
    path_mkdir(w, "d/x");
    path_mkdir(w, "d/y");
    path_write(w, "d/a", "the first");
    path_write(w, "d/b", "the second one");
    path_write(w, "d/x/deep", "x");
    return path_watch(w, "d", RONDO_PATH(.recursive = true));
}

static void try_at_once(struct world *w, void (*act)(struct path_log *log),
                        const char *const *words)
{
    struct path_log *log;

    path_mkdir(w, "d");
    path_mkdir(w, "out");
    log = watch_tree(w);
    path_at_once(log, act);
    path_told_exactly(log, words);
    /* what was renamed is known by its new name */
    path_append(w, "d/x/later", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/x/later");
    path_end(log);
}

static void rename_one(struct path_log *log)
{
    path_rename(log->w, "d/a", "d/new");
}

TEST_CASE(Y3_both_names_are_told,
          try_at_once(w, rename_one, WORDS("R d/a d/new")));

static void rename_into(struct path_log *log)
{
    path_rename(log->w, "d/a", "d/x/a");
}

TEST_CASE(Y3_into_another_directory,
          try_at_once(w, rename_into, WORDS("R d/a d/x/a")));

static void rename_over(struct path_log *log)
{
    path_rename(log->w, "d/a", "d/b");
}

TEST_CASE(Y3_over_another_file_is_one_event,
          try_at_once(w, rename_over, WORDS("R d/a d/b")));

static void replace(struct path_log *log)
{
    path_write(log->w, "d/b.tmp", "new");
    path_rename(log->w, "d/b.tmp", "d/b");
}

TEST_CASE(Y3_a_file_that_an_editor_replaces_is_changed,
          try_at_once(w, replace, WORDS("M d/b")));

static void back_up(struct path_log *log)
{
    path_rename(log->w, "d/b", "d/b~");
    path_write(log->w, "d/b", "new");
}

TEST_CASE(Y3_an_editor_that_keeps_a_copy,
          try_at_once(w, back_up, WORDS("R d/b d/b~", "C d/b")));

static void swap(struct path_log *log)
{
    path_rename(log->w, "d/a", "d/c");
    path_rename(log->w, "d/b", "d/a");
    path_rename(log->w, "d/c", "d/b");
}

TEST_CASE(Y3_two_files_that_change_places,
          try_at_once(w, swap, WORDS("R d/a d/b", "R d/b d/a")));

static void twice(struct path_log *log)
{
    path_rename(log->w, "d/a", "d/c");
    path_rename(log->w, "d/c", "d/e");
}

TEST_CASE(Y3_twice_is_once, try_at_once(w, twice, WORDS("R d/a d/e")));

static void there_and_back(struct path_log *log)
{
    path_rename(log->w, "d/a", "d/c");
    path_rename(log->w, "d/c", "d/a");
}

TEST_CASE(Y3_there_and_back_is_nothing,
          try_at_once(w, there_and_back, WORDS(NULL)));

static void move_out(struct path_log *log)
{
    path_rename(log->w, "d/a", "out/a");
}

TEST_CASE(Y3_out_of_the_tree_is_removed,
          try_at_once(w, move_out, WORDS("D d/a")));

static void move_in(struct path_log *log)
{
    path_write(log->w, "out/n", "x");
    path_rename(log->w, "out/n", "d/n");
}

TEST_CASE(Y3_into_the_tree_is_created, try_at_once(w, move_in, WORDS("C d/n")));

static void remove_and_make(struct path_log *log)
{
    path_unlink(log->w, "d/a");
    path_write(log->w, "d/z", "another");
}

/* A file system may give the number of the first to the second. */
TEST_CASE(Y3_one_goes_and_another_comes_is_no_rename,
          try_at_once(w, remove_and_make, WORDS("D d/a", "C d/z")));

static void rename_folder(struct path_log *log)
{
    path_rename(log->w, "d/x", "d/q");
    path_mkdir(log->w, "d/x");
}

TEST(Y3_a_directory_takes_all_with_it)
{
    struct path_log *log;

    test_skip_if(w, !raw_notify_follows_directories(),
                 "directories are not followed");
    path_mkdir(w, "d");
    log = watch_tree(w);
    path_at_once(log, rename_folder);
    path_told_exactly(log, WORDS("R d/x d/q", "C d/x"));
    path_forget(log);
    path_append(w, "d/q/deep", "y");
    path_sees(log, RONDO_PATH_CHANGED, "d/q/deep");
    path_write(w, "d/q/more", "y");
    path_sees(log, RONDO_PATH_CREATED, "d/q/more");
    path_unlink(w, "d/q/deep");
    path_sees(log, RONDO_PATH_REMOVED, "d/q/deep");
    path_end(log);
}

static void write_and_rename_folder(struct path_log *log)
{
    path_append(log->w, "d/x/deep", "y");
    path_rename(log->w, "d/x", "d/q");
}

TEST(Y3_what_has_changed_below_is_told_where_it_is_now)
{
    struct path_log *log;

    test_skip_if(w, !raw_notify_follows_directories(),
                 "directories are not followed");
    path_mkdir(w, "d");
    log = watch_tree(w);
    path_at_once(log, write_and_rename_folder);
    path_told_exactly(log, WORDS("R d/x d/q", "M d/q/deep"));
    path_end(log);
}

static void move_deep(struct path_log *log)
{
    path_mkdir(log->w, "d/x/1");
    path_mkdir(log->w, "d/x/1/2");
    path_rename(log->w, "d/a", "d/x/1/2/a");
    path_rename(log->w, "d/x", "d/y/x");
}

TEST(Y3_a_file_goes_into_a_new_directory_that_moves)
{
    struct path_log *log;

    test_skip_if(w, !raw_notify_follows_directories(),
                 "directories are not followed");
    path_mkdir(w, "d");
    log = watch_tree(w);
    path_at_once(log, move_deep);
    assert_true(path_has(log, RONDO_PATH_RENAMED, "d/y/x"));
    assert_true(path_has(log, RONDO_PATH_CREATED, "d/y/x/1/2"));
    path_sees_rename(log, "d/a", "d/y/x/1/2/a");
    path_forget(log);
    path_append(w, "d/y/x/1/2/a", "more");
    path_sees(log, RONDO_PATH_CHANGED, "d/y/x/1/2/a");
    path_end(log);
}

static void move_folder_out(struct path_log *log)
{
    path_rename(log->w, "d/x", "out/x");
}

TEST(Y3_a_directory_that_leaves_takes_its_events_with_it)
{
    struct path_log *log;

    test_skip_if(w, !raw_notify_follows_directories(),
                 "directories are not followed");
    path_mkdir(w, "d");
    path_mkdir(w, "out");
    log = watch_tree(w);
    path_at_once(log, move_folder_out);
    path_told_exactly(log, WORDS("D d/x", "D d/x/deep"));
    path_forget(log);
    path_append(w, "out/x/deep", "y");
    path_write(w, "d/end", "y");
    path_sees(log, RONDO_PATH_CREATED, "d/end");
    assert_false(path_has(log, ~0U, "d/x/deep"));
    path_rename(w, "out/x", "d/back");
    path_sees(log, RONDO_PATH_CREATED, "d/back/deep");
    path_end(log);
}
