/* test_changes.c - what is told of the files in a watched directory. */
/* SPDX-License-Identifier: MIT */
#include "harness_path.h"
#include "raw_change.h"

static struct path_log *watch_folder(struct world *w,
                                     const rondo_path_options *options)
{
    path_mkdir(w, "d");
    return path_watch(w, "d", options);
}

/* The folder has "d/a" already. */
static struct path_log *watch_a_file(struct world *w)
{
    path_mkdir(w, "d");
    path_write(w, "d/a", "x");
    return path_watch(w, "d", NULL);
}

/* ---- Y1 ----------------------------------------------------------------- */

TEST(Y1_a_file_comes_changes_and_goes)
{
    struct path_log *log = watch_folder(w, NULL);

    path_write(w, "d/a", "one");
    path_sees(log, RONDO_PATH_CREATED, "d/a");
    assert_int_equal(log->told[0].type, RONDO_FILE_REGULAR);
    path_append(w, "d/a", "two");
    path_sees(log, RONDO_PATH_CHANGED, "d/a");
    path_unlink(w, "d/a");
    path_sees(log, RONDO_PATH_REMOVED, "d/a");
    assert_int_equal(path_times(log, RONDO_PATH_CREATED, "d/a"), 1);
    assert_int_equal(path_times(log, RONDO_PATH_REMOVED, "d/a"), 1);
    path_end(log);
}

TEST(Y1_what_is_there_at_the_beginning_is_not_told)
{
    struct path_log *log;

    path_mkdir(w, "d");
    path_write(w, "d/old", "x");
    log = path_watch(w, "d", NULL);
    path_write(w, "d/new", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/new");
    assert_false(path_has(log, ~0U, "d/old"));
    path_append(w, "d/old", "y");
    path_sees(log, RONDO_PATH_CHANGED, "d/old");
    assert_false(path_has(log, RONDO_PATH_CREATED, "d/old"));
    path_end(log);
}

TEST(Y1_a_directory_below_is_told_and_not_what_is_in_it)
{
    struct path_log *log = watch_folder(w, NULL);

    path_mkdir(w, "d/sub");
    path_sees(log, RONDO_PATH_CREATED, "d/sub");
    assert_int_equal(log->told[0].type, RONDO_FILE_DIRECTORY);
    path_write(w, "d/sub/inside", "x");
    path_write(w, "d/beside", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/beside");
    assert_false(path_has(log, ~0U, "d/sub/inside"));
    assert_false(path_has(log, RONDO_PATH_CHANGED, "d/sub"));
    path_end(log);
}

TEST(Y1_attributes_are_told_apart)
{
    struct path_log *log = watch_folder(w, NULL);

    path_write(w, "d/a", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/a");
    assert_true(raw_change_read_only(file_path(w, "d/a")));
    path_sees(log, RONDO_PATH_ATTRIBUTES, "d/a");
    path_end(log);
}

/* By the name that was given, "/" and the rest. */
TEST(Y1_paths_begin_with_what_was_given)
{
    struct path_log *log;

    path_mkdir(w, "d");
    log = path_watch_on(w, w->loop, "d/", NULL);
    assert_ok(log->id);
    test_run_until(w, log->begun);
    path_write(w, "d/a", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/a");
    path_end(log);
}

/* ---- Y2 ----------------------------------------------------------------- */

static void write_often(struct path_log *log)
{
    for (int i = 0; i < 1000; i++)
        path_append(log->w, "d/a", "x");
}

TEST(Y2_a_thousand_writes_are_one_change)
{
    struct path_log *log = watch_a_file(w);

    path_at_once(log, write_often);
    path_told_exactly(log, WORDS("M d/a"));
    path_end(log);
}

static void come_and_go(struct path_log *log)
{
    for (int i = 0; i < 100; i++) {
        const char *name = test_format(log->w, "d/t%d", i);

        path_write(log->w, name, "x");
        path_unlink(log->w, name);
    }
}

TEST(Y2_what_came_and_went_is_not_told)
{
    struct path_log *log = watch_folder(w, NULL);

    path_at_once(log, come_and_go);
    path_told_exactly(log, WORDS(NULL));
    path_end(log);
}

static void make_again(struct path_log *log)
{
    path_unlink(log->w, "d/a");
    path_write(log->w, "d/a", "another");
}

static void make_again_read_only(struct path_log *log)
{
    make_again(log);
    assert_true(raw_change_read_only(file_path(log->w, "d/a")));
}

TEST(Y2_made_again_with_other_attributes)
{
    struct path_log *log = watch_a_file(w);

    path_at_once(log, make_again_read_only);
    path_told_exactly(log, WORDS("M d/a"));
    assert_true(path_has(log, RONDO_PATH_ATTRIBUTES, "d/a"));
    path_end(log);
}

TEST(Y2_removed_and_made_again_is_a_change)
{
    struct path_log *log = watch_a_file(w);

    path_at_once(log, make_again);
    path_told_exactly(log, WORDS("M d/a"));
    path_end(log);
}

static void change_kind(struct path_log *log)
{
    path_unlink(log->w, "d/a");
    path_mkdir(log->w, "d/a");
}

TEST(Y2_a_directory_in_a_files_place_is_another_thing)
{
    struct path_log *log = watch_a_file(w);

    path_at_once(log, change_kind);
    path_told_exactly(log, WORDS("D d/a", "C d/a"));
    path_end(log);
}

static unsigned made_names;

static void make_many(struct path_log *log)
{
    for (unsigned i = 0; i < 1000; i++) {
        path_write(log->w, test_format(log->w, "d/%u", i), "x");
        made_names++;
    }
}

TEST(Y2_a_thousand_new_files_are_told_each)
{
    struct path_log *log = watch_folder(w, NULL);

    made_names = 0;
    path_at_once(log, make_many);
    for (unsigned i = 0; i < made_names; i++)
        assert_int_equal(
            path_times(log, RONDO_PATH_CREATED, test_format(w, "d/%u", i)), 1);
    path_end(log);
}

/* The changes of that time are told as one, however often the loop runs. */
TEST(Y2_settle_gathers_changes)
{
    struct path_log *log = watch_folder(
        w, RONDO_PATH(.settle_ns = RONDO_MS(400) * test_slowness()));

    for (int i = 0; i < 20; i++) {
        path_append(w, "d/a", "x");
        test_spin(w, 3);
    }
    path_sees(log, RONDO_PATH_CREATED, "d/a");
    path_told_exactly(log, WORDS("C d/a"));
    path_end(log);
}

static void write_three(struct path_log *log)
{
    path_write(log->w, "d/1", "x");
    path_write(log->w, "d/2", "x");
    path_write(log->w, "d/3", "x");
}

TEST(Y2_more_says_what_was_seen_together)
{
    struct path_log *log = watch_folder(w, NULL);

    path_at_once(log, write_three);
    path_told_exactly(log, WORDS("C d/1", "C d/2", "C d/3"));
    for (size_t i = 0; i + 1 < log->count; i++)
        if (log->told[i].more)
            assert_true(log->told[i].iteration == log->told[i + 1].iteration);
    path_end(log);
}
