/* test_changes_moving.c - watches that end while all that they watch moves. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_path.h"
#include "raw_change.h"

#include <stdatomic.h>

enum { FOLDERS = 4, ROUNDS = 40 };

struct movers {
    char here[FOLDERS][600], there[FOLDERS][600], file[FOLDERS][600];
    atomic_bool over;
};

/* Directories that go away and come back, each with a file that comes and
 * goes. */
static void move_on(void *arg)
{
    struct movers *m = arg;

    while (!atomic_load(&m->over))
        for (int i = 0; i < FOLDERS; i++) {
            (void)raw_change_write(m->file[i], "w", "x");
            (void)raw_change_rename(m->here[i], m->there[i]);
            (void)raw_change_rename(m->there[i], m->here[i]);
            (void)raw_change_unlink(m->file[i]);
        }
}

static void set_up(struct world *w, struct movers *m)
{
    path_mkdir(w, "d");
    for (int i = 0; i < FOLDERS; i++) {
        const char *here = file_path(w, test_format(w, "d/%d", i));

        (void)snprintf(m->here[i], sizeof m->here[i], "%s", here);
        (void)snprintf(m->there[i], sizeof m->there[i], "%s-away", here);
        (void)snprintf(m->file[i], sizeof m->file[i], "%s/f", here);
        path_mkdir(w, test_format(w, "d/%d", i));
        path_mkdir(w, test_format(w, "d/%d/deep", i));
    }
}

static void ignore(rondo_loop *loop, void *arg, const rondo_path_event *e)
{
    unsigned *events = arg;

    (void)loop;
    (void)e;
    ++*events;
}

/* What is gone waits to be told until it is known where a directory has gone:
 * a watch may end then, too. */
TEST(Y7_cancelled_while_directories_move)
{
    struct movers *m = test_alloc(w, sizeof *m);
    unsigned *events;
    struct raw_thread *thread;

    set_up(w, m);
    thread = raw_thread_start(move_on, m);
    events = test_counter(w);
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned before = *events, more = i % 5;
        rondo_id id =
            rondo_watch_path(w->loop, file_path(w, "d"),
                             RONDO_PATH(.recursive = true), ignore, events);
        assert_ok(id);
        test_run_until(w, *events > before + more);
        assert_ok(rondo_cancel(w->loop, id));
    }
    atomic_store(&m->over, true);
    raw_thread_join(thread);
    test_run_loop(w);
    path_clear(w, "d");
}

/* A rename prolongs the time in which changes gather, but not for ever. */
static void rename_on(void *arg)
{
    struct movers *m = arg;

    while (!atomic_load(&m->over)) {
        (void)raw_change_rename(m->here[0], m->there[0]);
        (void)raw_change_rename(m->there[0], m->here[0]);
        raw_sleep_ms(5);
    }
}

TEST(Y3_renames_without_end_hold_up_nothing)
{
    struct movers *m = test_alloc(w, sizeof *m);
    struct path_log *log;
    struct raw_thread *thread;

    set_up(w, m);
    log = path_watch(w, "d", RONDO_PATH(.settle_ns = RONDO_MS(200)));
    thread = raw_thread_start(rename_on, m);
    path_write(w, "d/file", "x");
    path_sees(log, RONDO_PATH_CREATED, "d/file");
    atomic_store(&m->over, true);
    raw_thread_join(thread);
    path_end(log);
    path_clear(w, "d");
}
