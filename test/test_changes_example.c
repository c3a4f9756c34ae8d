/* test_changes_example.c - the example that collects what logs get. */
/* SPDX-License-Identifier: MIT */
#include "harness_example.h"
#include "harness_path.h"

TEST(Y5_a_log_is_followed_when_it_is_rotated)
{
    struct raw_program *p;

    path_mkdir(w, "d");
    path_write(w, "d/log", "one\n");
    p = example_start(w, NULL, "tail", WORDS(file_path(w, "d/log")));
    (void)example_says(w, p, "one");
    path_append(w, "d/log", "two\n");
    (void)example_says(w, p, "two");
    path_rename(w, "d/log", "d/log.1");
    path_append(w, "d/log.1", "three\n");
    path_write(w, "d/log", "four\n");
    (void)example_says(w, p, "three");
    (void)example_says(w, p, "four");
    path_append(w, "d/log", "five\n");
    (void)example_says(w, p, "five");
    path_write(w, "d/log", "s\n"); /* emptied */
    (void)example_says(w, p, "s");
    example_stop(w, p);
}
