/* test_file_example.c - the example that adds up sizes. */
/* SPDX-License-Identifier: MIT */
#include "harness_example.h"
#include "harness_path.h"
#include "raw_change.h"

/* A file of that many bytes. */
static void put(struct world *w, const char *name, int bytes)
{
    char text[1024];

    memset(text, 'x', sizeof text);
    text[bytes] = '\0';
    path_write(w, name, text);
}

TEST(F13_all_files_below_are_counted)
{
    struct raw_program *p;

    path_mkdir(w, "d");
    path_mkdir(w, "e");
    path_mkdir(w, "d/sub");
    path_mkdir(w, "d/sub/deep");
    put(w, "d/a", 100);
    put(w, "d/sub/b", 20);
    put(w, "d/sub/deep/c", 3);
    put(w, "e/one", 1000);
    p = example_start(
        w, NULL, "du",
        WORDS(file_path(w, "d"), file_path(w, "e"), file_path(w, "d/a")));
    (void)example_says(w, p, " 1223 bytes in all");
    assert_non_null(
        strstr(raw_program_output(p), " 123 bytes in 3 files and 3 folders: "));
    assert_non_null(strstr(raw_program_output(p),
                           " 1000 bytes in 1 files and 1 folders: "));
    example_ends(w, p, 0);
    path_clear(w, "e");
}

static bool take_links(rondo_loop *loop, void *arg, const rondo_walk_entry *e)
{
    (void)loop;
    *(uint64_t *)arg = e->info->links;
    return false;
}

static void take_end(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    (void)arg;
    assert_ok(result);
}

/* How many names its files have; 0: a walk does not tell. */
static uint64_t links_in(struct world *w, const char *name)
{
    rondo_walk_options o = RONDO_WALK_OPTIONS_INIT;
    uint64_t links = 0;

    o.flags = RONDO_LIST_INFO;
    assert_ok(rondo_fs_walk(w->loop, file_path(w, name), &o, take_links,
                            take_end, &links));
    test_run_loop(w);
    return links;
}

TEST(F13_a_file_with_two_names_counts_once)
{
    struct raw_program *p;

    path_mkdir(w, "d");
    put(w, "d/a", 500);
    test_skip_if(w, !raw_change_link(file_path(w, "d/a"), file_path(w, "d/b")),
                 "no second names");
    test_skip_if(w, links_in(w, "d") != 2, "a walk does not tell of names");
    p = example_start(w, NULL, "du", WORDS(file_path(w, "d")));
    (void)example_says(w, p, " 500 bytes in 1 files and 1 folders: ");
    example_ends(w, p, 0);
}

TEST(F13_what_is_not_there_is_told)
{
    struct raw_program *p =
        example_start(w, NULL, "du", WORDS(file_path(w, "none")));

    (void)example_says(w, p, "fs_lstat: ");
    example_ends(w, p, 1);
}
