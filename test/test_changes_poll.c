/* test_changes_poll.c - paths that are looked at again and again. */
/* SPDX-License-Identifier: MIT */
#include "harness_path.h"
#include "raw_change.h"

static const rondo_path_options *polling(bool recursive)
{
    static rondo_path_options options;

    options = (rondo_path_options){.size = sizeof options,
                                   .watcher = "poll",
                                   .recursive = recursive,
                                   .interval_ns = RONDO_MS(5)};
    return &options;
}

TEST(Y8_a_tree_is_looked_at_again)
{
    struct path_log *log;

    path_mkdir(w, "d");
    path_mkdir(w, "d/sub");
    path_write(w, "d/sub/old", "x");
    log = path_watch(w, "d", polling(true));
    path_write(w, "d/sub/new", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/sub/new");
    path_append(w, "d/sub/old", "y");
    path_sees(log, RONDO_PATH_CHANGED, "d/sub/old");
    path_unlink(w, "d/sub/new");
    path_sees(log, RONDO_PATH_REMOVED, "d/sub/new");
    path_rename(w, "d/sub/old", "d/moved");
    path_sees_rename(log, "d/sub/old", "d/moved");
    path_mkdir(w, "d/deep");
    path_write(w, "d/deep/f", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/deep/f");
    path_end(log);
}

TEST(Y8_a_file_is_looked_at_again)
{
    struct path_log *log;

    path_mkdir(w, "d");
    path_write(w, "d/f", "x");
    log = path_watch(w, "d/f", polling(false));
    path_append(w, "d/f", "y");
    path_sees(log, RONDO_PATH_CHANGED, "d/f");
    path_unlink(w, "d/f");
    path_sees(log, RONDO_PATH_REMOVED, "d/f");
    path_write(w, "d/f", "z");
    path_sees(log, RONDO_PATH_CREATED, "d/f");
    path_end(log);
}

/* No watch of the system's is used: there may be none left. */
TEST(Y8_it_needs_nothing_of_the_system)
{
    struct path_log *log;

    path_mkdir(w, "d");
    (void)raw_notify_refuse(100);
    log = path_watch(w, "d", polling(true));
    path_write(w, "d/f", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/f");
    path_end(log);
    (void)raw_notify_refuse(0);
}

TEST(Y8_nothing_happens_and_nothing_is_told)
{
    struct path_log *log;

    path_mkdir(w, "d");
    path_write(w, "d/f", "x");
    log = path_watch(w, "d", polling(true));
    test_run_for(w, RONDO_MS(100));
    assert_int_equal(log->count, 0);
    path_end(log);
}

TEST(Y8_the_system_names_its_own_way)
{
    static const char *const names[] = {"inotify", "simulated", "kqueue",
                                        "changes"};
    bool own = rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PATHS);
    unsigned found = 0;

    path_mkdir(w, "d");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct path_log *log =
            path_watch_on(w, w->loop, "d", RONDO_PATH(.watcher = names[i]));

        if (log->id < 0) {
            assert_error(log->id, RONDO_ENOTSUP);
            continue;
        }
        found++;
        test_run_until(w, log->begun);
        path_end(log);
    }
    assert_int_equal(found, own);
}
