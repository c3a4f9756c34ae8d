/* test_terminal.c - the program's terminal: modes, size, colours. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "raw_pipe.h"
#include "raw_process.h"
#include "raw_signal.h"
#include "raw_terminal.h"

/* As raw_program_terminal leaves it. */
enum { NORMAL = RAW_ECHOES | RAW_LINES };

/* [1] is the program's. */
static raw_fd *make_terminal(struct world *w)
{
    raw_fd pair[2];

    test_skip_if(w, raw_program_terminal(pair) < 0, "no terminals");
    return test_own_pair(w, pair);
}

static void set(raw_fd fd, rondo_terminal_mode mode)
{
    assert_ok(rondo_terminal_set_mode(fd, mode, 0));
}

/* ---- Z1 ----------------------------------------------------------------- */

TEST(Z1_modes_are_set_and_restored)
{
    raw_fd *fd = make_terminal(w);

    assert_int_equal(raw_terminal_state(fd[1]), NORMAL);
    set(fd[1], RONDO_TERMINAL_RAW);
    assert_int_equal(raw_terminal_state(fd[1]), 0);
    set(fd[1], RONDO_TERMINAL_RAW);
    set(fd[1], RONDO_TERMINAL_NO_ECHO);
    assert_int_equal(raw_terminal_state(fd[1]), RAW_LINES);
    set(fd[1], RONDO_TERMINAL_NORMAL);
    assert_int_equal(raw_terminal_state(fd[1]), NORMAL);
    set(fd[1], RONDO_TERMINAL_NORMAL);
}

TEST(Z1_what_was_found_is_restored_and_not_what_is_usual)
{
    raw_fd pair[2], *fd;
    int before;

    test_skip_if(w, raw_terminal(pair) < 0, "no terminals"); /* raw already */
    fd = test_own_pair(w, pair);
    before = raw_terminal_state(fd[1]);
    assert_int_not_equal(before, NORMAL);
    set(fd[1], RONDO_TERMINAL_NO_ECHO);
    set(fd[1], RONDO_TERMINAL_NORMAL);
    assert_int_equal(raw_terminal_state(fd[1]), before);
}

TEST(Z1_restored_from_anywhere_and_set_again)
{
    raw_fd *fd = make_terminal(w), *other = make_terminal(w);

    rondo_terminal_restore(); /* none yet */
    set(fd[1], RONDO_TERMINAL_RAW);
    set(other[1], RONDO_TERMINAL_NO_ECHO);
    rondo_terminal_restore();
    assert_int_equal(raw_terminal_state(fd[1]), NORMAL);
    assert_int_equal(raw_terminal_state(other[1]), NORMAL);
    set(fd[1], RONDO_TERMINAL_RAW);
    assert_int_equal(raw_terminal_state(fd[1]), 0);
    set(fd[1], RONDO_TERMINAL_NORMAL);
    set(other[1], RONDO_TERMINAL_NORMAL);
}

/* One of them by another descriptor, which is closed. */
TEST(Z1_eight_at_a_time)
{
    raw_fd *fd[9];

    for (int i = 0; i < 9; i++)
        fd[i] = make_terminal(w);
    for (int i = 0; i < 8; i++)
        set(fd[i][1], RONDO_TERMINAL_RAW);
    assert_refused(rondo_terminal_set_mode(fd[8][1], RONDO_TERMINAL_RAW, 0),
                   RONDO_EMFILE, NULL);
    set(fd[8][1], RONDO_TERMINAL_NORMAL);
    for (int i = 0; i < 8; i++)
        set(fd[i][1], RONDO_TERMINAL_NORMAL);
    set(fd[8][1], RONDO_TERMINAL_RAW);
    set(fd[8][1], RONDO_TERMINAL_NORMAL);
}

/* Its number comes again. */
TEST(Z1_a_terminal_that_is_gone_takes_no_place)
{
    for (int i = 0; i < 20; i++) {
        raw_fd *fd = make_terminal(w);

        set(fd[1], RONDO_TERMINAL_RAW);
        assert_int_equal(raw_terminal_state(fd[1]), 0);
        test_close_own(w, fd[0]);
        test_close_own(w, fd[1]);
        fd[0] = fd[1] = RONDO_NO_FD;
    }
    rondo_terminal_restore();
    set(make_terminal(w)[1], RONDO_TERMINAL_NORMAL); /* drops the last */
}

TEST(Z1_what_is_no_terminal_is_refused)
{
    raw_fd *fd = test_sockets(w);
    unsigned columns, rows;

    assert_false(rondo_is_terminal(fd[0]));
    assert_false(rondo_is_terminal(RONDO_NO_FD));
    assert_einval(rondo_terminal_set_mode(fd[0], RONDO_TERMINAL_RAW, 0));
    assert_einval(rondo_terminal_set_mode(RONDO_NO_FD, RONDO_TERMINAL_RAW, 0));
    assert_einval(rondo_terminal_set_mode(fd[0], (rondo_terminal_mode)9, 0));
    assert_einval(rondo_terminal_set_mode(fd[0], RONDO_TERMINAL_RAW, 2));
    assert_einval(rondo_terminal_get_size(fd[0], &columns, &rows));
    assert_einval(rondo_terminal_get_size(fd[0], NULL, &rows));
    assert_int_equal(rondo_terminal_colours(fd[0]), 0);
}

/* ---- Z2: the end of the process ----------------------------------------- */

static int exit_raw(void *arg)
{
    const raw_fd *fd = arg;

    if (rondo_terminal_set_mode(fd[1], RONDO_TERMINAL_RAW, 0) < 0 ||
        raw_terminal_state(fd[1]) != 0)
        return 1;
    raw_terminal_exit();
    return 2;
}

TEST(Z2_exit_restores)
{
    raw_fd *fd = make_terminal(w);

    test_run_child(w, exit_raw, fd);
    assert_int_equal(raw_terminal_state(fd[1]), NORMAL);
}

static int crash_raw(void *arg)
{
    const raw_fd *fd = arg;

    if (rondo_terminal_set_mode(fd[1], RONDO_TERMINAL_RAW,
                                RONDO_TERMINAL_GUARD) < 0 ||
        raw_terminal_state(fd[1]) != 0)
        return 1;
    raw_terminal_crash();
    return 2;
}

TEST(Z2_a_signal_that_ends_the_process_restores)
{
    raw_fd *fd = make_terminal(w);
    int status = raw_fork_run(crash_raw, fd);

    test_skip_if(w, status == -1, "no fork on this platform");
    assert_true(status > 256); /* by the signal all the same */
    assert_int_equal(raw_terminal_state(fd[1]), NORMAL);
}

static int stop_raw(void *arg)
{
    const raw_fd *fd = arg;

    if (rondo_terminal_set_mode(fd[1], RONDO_TERMINAL_RAW,
                                RONDO_TERMINAL_GUARD) < 0)
        return 1;
    raw_terminal_suspend();
    return raw_terminal_state(fd[1]) == 0 ? 0 : 2;
}

TEST(Z2_a_process_that_is_stopped_restores_and_sets_again)
{
    raw_fd *fd = make_terminal(w);
    int state = -1;
    int answer = raw_terminal_stop(stop_raw, fd, fd[1], &state);

    test_skip_if(w, answer == -2, "no process is stopped on this platform");
    assert_int_equal(answer, 0);
    assert_int_equal(state, NORMAL);
}

static int only_exit(void *arg)
{
    (void)arg;
    raw_terminal_exit();
    return 2;
}

TEST(Z2_a_forked_child_leaves_the_parents_mode)
{
    raw_fd *fd = make_terminal(w);

    set(fd[1], RONDO_TERMINAL_RAW);
    test_run_child(w, only_exit, NULL);
    assert_int_equal(raw_terminal_state(fd[1]), 0);
    set(fd[1], RONDO_TERMINAL_NORMAL);
}

/* ---- Z3: size ----------------------------------------------------------- */

TEST(Z3_the_size_is_that_of_the_window)
{
    raw_fd *fd = make_terminal(w);
    unsigned columns = 1, rows = 1;

    raw_terminal_resize(fd[0], 100, 30);
    assert_ok(rondo_terminal_get_size(fd[1], &columns, &rows));
    assert_int_equal(columns, 100);
    assert_int_equal(rows, 30);
    raw_terminal_resize(fd[0], 80, 25);
    assert_ok(rondo_terminal_get_size(fd[1], &columns, &rows));
    assert_int_equal(columns, 80);
    assert_int_equal(rows, 25);
}

/* ---- Z4: colours -------------------------------------------------------- */

static void restore_env(void *arg)
{
    const char *const *found = arg;

    raw_set_environment("TERM", found[0]);
    raw_set_environment("COLORTERM", found[1]);
    raw_set_environment("NO_COLOR", found[2]);
}

/* Where it has no name it shows all of them. */
static int colours_of(int by_name, const char *no_color)
{
    if (raw_terminal_has_name())
        return by_name;
    return no_color && *no_color ? 0 : 1 << 24;
}

TEST(Z4_colours_by_the_environment)
{
    static const struct {
        const char *name, *term, *colorterm, *no_color;
        int colours;
    } rows[] = {
        {"none", NULL, NULL, NULL, 0},
        {"dumb", "dumb", "truecolor", NULL, 0},
        {"old", "vt100", NULL, NULL, 0},
        {"plain", "xterm", NULL, NULL, 16},
        {"256", "xterm-256color", NULL, NULL, 256},
        {"all", "xterm-256color", "truecolor", NULL, 1 << 24},
        {"24bit", "xterm", "24bit", NULL, 1 << 24},
        {"direct", "xterm-direct", NULL, NULL, 1 << 24},
        {"unwanted", "xterm-256color", "truecolor", "1", 0},
        {"empty", "xterm", NULL, "", 16},
    };
    raw_fd *fd = make_terminal(w);
    const char **found = test_alloc(w, 3 * sizeof *found);

    found[0] = getenv("TERM") ? test_format(w, "%s", getenv("TERM")) : NULL;
    found[1] =
        getenv("COLORTERM") ? test_format(w, "%s", getenv("COLORTERM")) : NULL;
    found[2] =
        getenv("NO_COLOR") ? test_format(w, "%s", getenv("NO_COLOR")) : NULL;
    for (EACH_ROW(w, row, rows)) {
        raw_set_environment("TERM", row->term);
        raw_set_environment("COLORTERM", row->colorterm);
        raw_set_environment("NO_COLOR", row->no_color);
        assert_int_equal(rondo_terminal_colours(fd[1]),
                         colours_of(row->colours, row->no_color));
    }
    restore_env(found);
}
