/* test_changes_tree.c - a watched directory with all below it. */
/* SPDX-License-Identifier: MIT */
#include "harness_path.h"
#include "raw_change.h"

static const rondo_path_options *all_below(void)
{
    static const rondo_path_options options = {
        .size = sizeof(rondo_path_options), .recursive = true};

    return &options;
}

static struct path_log *watch_tree(struct world *w)
{
    path_mkdir(w, "d");
    path_mkdir(w, "d/1");
    path_mkdir(w, "d/1/2");
    path_write(w, "d/1/2/old", "x");
    return path_watch(w, "d", all_below());
}

TEST(Y4_what_is_below_is_told)
{
    struct path_log *log = watch_tree(w);

    path_append(w, "d/1/2/old", "y");
    path_sees(log, RONDO_PATH_CHANGED, "d/1/2/old");
    path_write(w, "d/1/2/new", "y");
    path_sees(log, RONDO_PATH_CREATED, "d/1/2/new");
    path_unlink(w, "d/1/2/old");
    path_sees(log, RONDO_PATH_REMOVED, "d/1/2/old");
    path_end(log);
}

/* No event tells of these: the directory is not watched yet. */
static void make_tree(struct path_log *log)
{
    path_mkdir(log->w, "d/n");
    path_write(log->w, "d/n/f", "x");
    path_mkdir(log->w, "d/n/m");
    path_mkdir(log->w, "d/n/m/o");
    path_write(log->w, "d/n/m/o/f", "x");
}

TEST(Y4_what_appears_in_a_new_directory_meanwhile_is_told)
{
    struct path_log *log = watch_tree(w);

    path_at_once(log, make_tree);
    path_told_exactly(
        log, WORDS("C d/n", "C d/n/f", "C d/n/m", "C d/n/m/o", "C d/n/m/o/f"));
    path_forget(log);
    path_append(w, "d/n/m/o/f", "y");
    path_sees(log, RONDO_PATH_CHANGED, "d/n/m/o/f");
    path_write(w, "d/n/m/o/g", "y");
    path_sees(log, RONDO_PATH_CREATED, "d/n/m/o/g");
    path_end(log);
}

/* The same while the thread is at it. */
TEST(Y4_directories_that_grow_while_they_are_found)
{
    struct path_log *log = watch_tree(w);
    const char *name = "d/g";

    for (int i = 0; i < 30; i++) {
        path_mkdir(w, name);
        path_write(w, test_format(w, "%s/f", name), "x");
        test_spin(w, i % 3);
        name = test_format(w, "%s/g", name);
    }
    name = "d/g";
    for (int i = 0; i < 30; i++) {
        path_sees(log, RONDO_PATH_CREATED, test_format(w, "%s/f", name));
        assert_int_equal(path_times(log, RONDO_PATH_CREATED, name), 1);
        name = test_format(w, "%s/g", name);
    }
    path_end(log);
}

static void remove_tree(struct path_log *log)
{
    path_clear(log->w, "d/1");
}

TEST(Y4_a_tree_that_is_removed_is_told_file_by_file)
{
    struct path_log *log = watch_tree(w);

    path_at_once(log, remove_tree);
    path_told_exactly(log, WORDS("D d/1", "D d/1/2", "D d/1/2/old"));
    path_forget(log);
    path_mkdir(w, "d/1");
    path_sees(log, RONDO_PATH_CREATED, "d/1");
    path_write(w, "d/1/x", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/1/x");
    path_end(log);
}

TEST(Y4_links_lead_nowhere)
{
    struct path_log *log;

    path_mkdir(w, "d");
    path_mkdir(w, "out");
    test_skip_if(w, !raw_change_symlink("../out", file_path(w, "d/link")),
                 "no symbolic links");
    log = path_watch(w, "d", all_below());
    path_write(w, "out/f", "x");
    path_write(w, "d/end", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/end");
    path_told_exactly(log, WORDS("C d/end"));
    path_unlink(w, "d/link");
    path_sees(log, RONDO_PATH_REMOVED, "d/link");
    for (size_t i = 0; i < log->count; i++)
        assert_int_equal(log->told[i].type == RONDO_FILE_SYMLINK,
                         strcmp(log->told[i].path, "d/link") == 0);
    path_end(log);
}

TEST(Y4_two_watches_of_one_tree)
{
    struct path_log *log = watch_tree(w);
    struct path_log *other = path_watch(w, "d/1", all_below());
    struct path_log *flat = path_watch(w, "d/1/2", NULL);

    path_write(w, "d/1/2/new", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/1/2/new");
    path_sees(other, RONDO_PATH_CREATED, "d/1/2/new");
    path_sees(flat, RONDO_PATH_CREATED, "d/1/2/new");
    path_end(other);
    path_forget(other);
    path_append(w, "d/1/2/new", "x");
    path_sees(log, RONDO_PATH_CHANGED, "d/1/2/new");
    path_sees(flat, RONDO_PATH_CHANGED, "d/1/2/new");
    assert_int_equal(other->count, 0);
    if (raw_notify_follows_directories())
        path_end(flat);
    path_write(w, "d/1/2/newer", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/1/2/newer");
    if (!raw_notify_follows_directories())
        path_end(flat);
    path_end(log);
}

TEST(Y4_loops_have_watches_of_their_own)
{
    struct path_log *log = watch_tree(w);
    struct path_log *other =
        path_watch_on(w, test_other_loop(w), "d", all_below());

    test_run_until(w, other->begun);
    path_write(w, "d/1/new", "x");
    test_run_until(w, path_has(log, RONDO_PATH_CREATED, "d/1/new") &&
                          path_has(other, RONDO_PATH_CREATED, "d/1/new"));
    test_close_other(w);
    path_write(w, "d/1/newer", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/1/newer");
    path_end(log);
}

/* ---- random ------------------------------------------------------------- */

/* What a program believes that is told all of it. */
static bool believes(const struct path_log *log, const char *name)
{
    for (size_t i = log->count; i-- > 0;) {
        const struct path_told *t = &log->told[i];

        if (strcmp(t->path, name) == 0)
            return !(t->what & RONDO_PATH_REMOVED);
        if (strcmp(t->from, name) == 0)
            return false;
    }
    return false;
}

TEST(Y4_whatever_happens_the_end_is_known)
{
    struct path_log *log = watch_tree(w);
    unsigned seed = 7;
    bool there[8] = {false};

    for (int round = 0; round < 300; round++) {
        unsigned i = (seed = seed * 1103515245U + 12345U) >> 16 & 7;
        const char *name = test_format(w, "d/1/f%u", i);

        if (there[i])
            path_unlink(w, name);
        else
            path_write(w, name, "x");
        there[i] = !there[i];
        test_spin(w, (int)(seed >> 24 & 1));
    }
    path_write(w, "d/1/end", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/1/end");
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(believes(log, test_format(w, "d/1/f%u", i)), there[i]);
    path_end(log);
}
