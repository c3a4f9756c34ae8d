/* test_changes_root.c - the watched path itself: a file, or what takes its
 * place. */
/* SPDX-License-Identifier: MIT */
#include "harness_path.h"
#include "raw_change.h"

static struct path_log *watch_file(struct world *w)
{
    path_mkdir(w, "d");
    path_write(w, "d/f", "x");
    return path_watch(w, "d/f", NULL);
}

TEST(Y5_a_file_that_is_written_to)
{
    struct path_log *log = watch_file(w);

    path_append(w, "d/f", "y");
    path_sees(log, RONDO_PATH_CHANGED, "d/f");
    assert_int_equal(log->told[0].type, RONDO_FILE_REGULAR);
    path_end(log);
}

TEST(Y5_its_neighbours_are_not_told)
{
    struct path_log *log = watch_file(w);

    path_write(w, "d/other", "y");
    path_append(w, "d/other", "y");
    path_rename(w, "d/other", "d/another");
    path_unlink(w, "d/another");
    path_append(w, "d/f", "y");
    path_sees(log, RONDO_PATH_CHANGED, "d/f");
    assert_int_equal(log->count, path_times(log, RONDO_PATH_CHANGED, "d/f"));
    path_end(log);
}

/* Also by its new inode. */
TEST(Y5_a_file_that_is_replaced_goes_on_being_watched)
{
    struct path_log *log = watch_file(w);

    for (int i = 0; i < 5; i++) {
        path_forget(log);
        path_write(w, "d/f.tmp", test_format(w, "number %d", i));
        path_rename(w, "d/f.tmp", "d/f");
        path_sees(log, RONDO_PATH_CHANGED, "d/f");
        assert_int_equal(log->count, 1);
        path_forget(log);
        path_append(w, "d/f", "y");
        path_sees(log, RONDO_PATH_CHANGED, "d/f");
        assert_false(
            path_has(log, RONDO_PATH_CREATED | RONDO_PATH_REMOVED, "d/f"));
    }
    path_end(log);
}

TEST(Y5_the_one_that_replaces_it_has_other_attributes)
{
    struct path_log *log = watch_file(w);

    path_write(w, "d/f.tmp", "new");
    assert_true(raw_change_read_only(file_path(w, "d/f.tmp")));
    path_rename(w, "d/f.tmp", "d/f");
    path_sees(log, RONDO_PATH_ATTRIBUTES, "d/f");
    assert_true(path_has(log, RONDO_PATH_CHANGED, "d/f"));
    path_end(log);
}

TEST(Y5_a_file_that_is_removed_and_made_again)
{
    struct path_log *log = watch_file(w);

    path_unlink(w, "d/f");
    path_sees(log, RONDO_PATH_REMOVED, "d/f");
    path_write(w, "d/f", "new");
    path_sees(log, RONDO_PATH_CREATED, "d/f");
    path_append(w, "d/f", "more");
    path_sees(log, RONDO_PATH_CHANGED, "d/f");
    path_rename(w, "d/f", "d/gone");
    test_run_until(w, path_times(log, RONDO_PATH_REMOVED, "d/f") == 2);
    path_end(log);
}

TEST(Y5_a_file_that_may_be_missing)
{
    struct path_log *log;

    path_mkdir(w, "d");
    log = path_watch(w, "d/f", RONDO_PATH(.may_be_missing = true));
    path_write(w, "d/f", "new");
    path_sees(log, RONDO_PATH_CREATED, "d/f");
    path_append(w, "d/f", "more");
    path_sees(log, RONDO_PATH_CHANGED, "d/f");
    path_end(log);
}

/* Nothing tells of these: it is looked for each second. */
TEST(Y5_the_directory_that_it_is_in_may_be_missing)
{
    struct path_log *log =
        path_watch(w, "d/f", RONDO_PATH(.may_be_missing = true));

    test_skip_if(w, !raw_notify_follows_directories(),
                 "directories are not followed");
    path_mkdir(w, "d");
    path_write(w, "d/f", "new");
    path_sees(log, RONDO_PATH_CREATED, "d/f");
    path_clear(w, "d");
    path_sees(log, RONDO_PATH_REMOVED, "d/f");
    path_forget(log);
    path_mkdir(w, "d");
    path_write(w, "d/f", "new");
    path_sees(log, RONDO_PATH_CREATED, "d/f");
    path_end(log);
}

TEST(Y5_a_directory_that_is_removed_and_made_again)
{
    struct path_log *log;

    test_skip_if(w, !raw_notify_follows_directories(),
                 "directories are not followed");
    path_mkdir(w, "d");
    path_mkdir(w, "d/sub");
    path_write(w, "d/sub/f", "x");
    log = path_watch(w, "d/sub", RONDO_PATH(.recursive = true));
    path_clear(w, "d/sub");
    path_sees(log, RONDO_PATH_REMOVED, "d/sub");
    assert_true(path_has(log, RONDO_PATH_REMOVED, "d/sub/f"));
    path_mkdir(w, "d/sub");
    path_sees(log, RONDO_PATH_CREATED, "d/sub");
    path_write(w, "d/sub/g", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/sub/g");
    path_end(log);
}

TEST(Y5_another_directory_takes_its_place)
{
    struct path_log *log;

    test_skip_if(w, !raw_notify_follows_directories(),
                 "directories are not followed");
    path_mkdir(w, "d");
    path_mkdir(w, "d/sub");
    path_write(w, "d/sub/old", "x");
    path_mkdir(w, "d/next");
    path_write(w, "d/next/new", "x");
    log = path_watch(w, "d/sub", NULL);
    path_rename(w, "d/sub", "d/former");
    path_rename(w, "d/next", "d/sub");
    path_sees(log, RONDO_PATH_CREATED, "d/sub/new");
    path_sees(log, RONDO_PATH_REMOVED, "d/sub/old");
    path_forget(log);
    path_write(w, "d/former/no", "x");
    path_write(w, "d/sub/yes", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/sub/yes");
    assert_false(path_has(log, ~0U, "d/sub/no"));
    path_end(log);
}

/* As configuration is published: a link to a directory is exchanged, and the
 * file is a link through that. */
TEST(Y5_a_link_on_the_way_that_is_exchanged)
{
    struct path_log *log;

    path_mkdir(w, "d");
    path_mkdir(w, "d/v1");
    path_mkdir(w, "d/v2");
    path_write(w, "d/v1/f", "one");
    path_write(w, "d/v2/f", "two");
    test_skip_if(w, !raw_change_symlink("v1", file_path(w, "d/now")),
                 "no symbolic links");
    assert_true(raw_change_symlink("now/f", file_path(w, "d/f")));
    log = path_watch(w, "d/f", NULL);
    path_append(w, "d/v1/f", "more");
    path_sees(log, RONDO_PATH_CHANGED, "d/f");
    path_forget(log);
    assert_true(raw_change_symlink("v2", file_path(w, "d/next")));
    path_rename(w, "d/next", "d/now");
    path_sees(log, RONDO_PATH_CHANGED, "d/f");
    path_forget(log);
    path_append(w, "d/v2/f", "more");
    path_sees(log, RONDO_PATH_CHANGED, "d/f");
    path_end(log);
}

TEST(Y5_a_write_by_another_name_of_the_file)
{
    struct path_log *log = watch_file(w);

    path_mkdir(w, "d/sub");
    test_skip_if(w,
                 !raw_change_link(file_path(w, "d/f"), file_path(w, "d/sub/g")),
                 "no hard links");
    path_append(w, "d/sub/g", "y");
    path_sees(log, RONDO_PATH_CHANGED, "d/f");
    path_end(log);
}
