/* test_process_refused.c - programs that cannot start, and what is left. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

/* An error of the call, several times in a row, with nothing left of it: neither a
 * process, nor a descriptor, nor a callback. */
static void refused(struct world *w, const rondo_process_options *o, int error,
                    const char *words)
{
    struct proc *p = proc_begin(w, NULLS);
    size_t before = raw_count_descriptors();

    for (int i = 0; i < (test_slowness() > 1 ? 3 : 10); i++) {
        rondo_process *process = (rondo_process *)p;

        assert_refused(
            rondo_subprocess_exec(w->loop, o, &proc_recorder, p, &process),
            error, words);
        assert_ptr_equal(process, p); /* untouched */
    }
    assert_int_equal(raw_count_descriptors(), before);
    assert_true(raw_zombies() <= 0);
    assert_int_equal(test_metrics(w).live_processes, 0);
    test_run_loop(w);
    assert_string_equal(p->order, "");
}

/* with pipes, which must not be left either */
#define PIPED(...)                                                             \
    RONDO_PROCESS(.stdin_kind = RONDO_STDIO_PIPE,                              \
                  .stdout_kind = RONDO_STDIO_PIPE,                             \
                  .stderr_kind = RONDO_STDIO_NULL, __VA_ARGS__)

/* What any system refuses. */
TEST(X1_what_cannot_be_started)
{
    static char long_path[70000];
    static const char *const empty[] = {NULL};
    const char *child = raw_child(), *folder = raw_known_folder();
    const struct refusal rows[] = {
        {"no such file", PIPED(.program = "/nowhere/at/all"), RONDO_ENOENT,
         "/nowhere/at/all"},
        {"no such program", PIPED(.program = "no-such-program-anywhere"),
         RONDO_ENOENT, "no-such-program-anywhere"},
        {"an empty name", PIPED(.program = ""), RONDO_ENOENT, "cannot run"},
        {"a folder", PIPED(.program = folder), RONDO_EACCES, folder},
        {"a name that is too long", PIPED(.program = long_path),
         RONDO_ENAMETOOLONG, "cannot run /xxx"},
        {"to start in a folder that is not there",
         PIPED(.program = child, .cwd = "/nowhere"), RONDO_ENOENT,
         "folder /nowhere"},
        {"to start in a folder without a name",
         PIPED(.program = child, .cwd = ""), RONDO_ENOENT, "folder"},
        {"to start in a file", PIPED(.program = child, .cwd = child),
         RONDO_ENOTDIR, "folder"},
        {"neither program nor argv", PIPED(.program = NULL), RONDO_EINVAL,
         "neither"},
        {"no program, and an argv of none", PIPED(.argv = empty), RONDO_EINVAL,
         "neither"},
        {"an argv of none", PIPED(.program = child, .argv = empty),
         RONDO_EINVAL, "empty argv"},
    };

    memset(long_path, 'x', sizeof long_path - 1);
    long_path[0] = '/';
    for (EACH_ROW(w, row, rows))
        refused(w, row->options, row->error, row->words);
}

static void check_file(struct world *w, bool may_run, int error,
                       const char *lacking)
{
    char path[256];

    proc_need(w);
    test_skip_if(w, !raw_program_file(path, sizeof path, "hello\n", may_run),
                 lacking);
    refused(w, PIPED(.program = path), error, path);
    raw_remove(path);
}

TEST_CASE(X1_a_file_that_must_not_run,
          check_file(w, false, RONDO_EACCES,
                     "every file may run on this system"));

TEST_CASE(X1_a_file_that_is_no_program,
          check_file(w, true, RONDO_ENOEXEC,
                     "no such file can be made on this system"));

TEST(X1_a_name_with_a_file_as_folder)
{
    char path[256];

    test_skip_if(w, !raw_has_signals(),
                 "this system does not tell this from a missing file");
    (void)snprintf(path, sizeof path, "%s/x", raw_child());
    refused(w, PIPED(.program = path), RONDO_ENOTDIR, path);
}

TEST(X1_argv_that_is_too_long)
{
    enum { COUNT = 100, SIZE = 100000 };
    static const char *argv[COUNT + 1];
    char *word = test_alloc(w, SIZE);

    test_skip_if(w, raw_under_valgrind(),
                 "valgrind does not tell of words that are too long");
    memset(word, 'x', SIZE - 1);
    for (int i = 0; i < COUNT; i++)
        argv[i] = word;
    refused(w, PIPED(.program = raw_child(), .argv = argv), RONDO_ETOOMUCH,
            "cannot run");
}

TEST(X1_no_protocol)
{
    const rondo_process_options *o = PIPED(.program = raw_child());

    proc_need(w);
    assert_einval(rondo_subprocess_exec(w->loop, o, NULL, NULL, NULL));
    assert_einval(
        rondo_subprocess_shell(w->loop, "x", o, &proc_recorder, NULL, NULL));
    assert_einval(rondo_subprocess_shell(w->loop, NULL, NULL, &proc_recorder,
                                         NULL, NULL));
}

/* ---- descriptors -------------------------------------------------------- */

#define STDERR_FD(fd)                                                          \
    RONDO_PROCESS(.program = child, .stdin_kind = RONDO_STDIO_PIPE,            \
                  .stdout_kind = RONDO_STDIO_PIPE,                             \
                  .stderr_kind = RONDO_STDIO_FD, .stderr_fd = (fd))
#define STDOUT(kind)                                                           \
    RONDO_PROCESS(.program = child, .stdin_kind = RONDO_STDIO_PIPE,            \
                  .stdout_kind = (kind), .stderr_kind = RONDO_STDIO_NULL)
#define EXTRA(entries, count)                                                  \
    PIPED(.program = child, .extra = (entries), .extra_count = (count))

TEST(X1_descriptors_that_make_no_sense)
{
    const char *child = raw_child();
    const rondo_stdio_entry negative = {-3, RONDO_STDIO_NULL, 0};
    const rondo_stdio_entry high = {INT32_MAX, RONDO_STDIO_NULL, 0};
    const rondo_stdio_entry twice[] = {{2, RONDO_STDIO_NULL, 0},
                                       {2, RONDO_STDIO_NULL, 0}};
    /* on Windows a child has the first three only */
    const int too_high = raw_has_signals() ? RONDO_EINVAL : RONDO_ENOTSUP;
    const struct refusal rows[] = {
        {"not open", STDERR_FD(raw_dead_fd()), RONDO_EBADF, "not open"},
        {"none", STDERR_FD(RONDO_NO_FD), RONDO_EBADF, "-1"},
        {"negative", STDERR_FD(-77), RONDO_EBADF, "-77"},
        {"stdout as stdout", STDOUT(RONDO_STDIO_STDOUT), RONDO_EINVAL,
         "descriptor 1"},
        {"kind 99", STDOUT((rondo_stdio_kind)99), RONDO_EINVAL, "99"},
        {"kind -1", STDOUT((rondo_stdio_kind)-1), RONDO_EINVAL, "-1"},
        {"an extra one, negative", EXTRA(&negative, 1), RONDO_EINVAL, "-3"},
        {"an extra one, too high", EXTRA(&high, 1), too_high, "2147483647"},
        {"an extra one, twice", EXTRA(twice, 2), RONDO_EINVAL, "twice"},
        {"extra ones that are none", EXTRA(NULL, 2), RONDO_EINVAL, "extra"},
    };

    for (EACH_ROW(w, row, rows))
        refused(w, row->options, row->error, row->words);
}

TEST(X1_no_descriptors_left)
{
    raw_fd *fds = test_alloc(w, 512 * sizeof *fds);
    struct proc *p = proc_begin(w, PIPES);
    int64_t before = raw_set_descriptor_limit(200);
    size_t count, closed = 0;

    test_skip_if(w, before < 0, "no limit of descriptors on this system");
    p->o.stderr_kind = RONDO_STDIO_NULL;
    count = raw_exhaust(fds, 512);
    /* one after another comes back: each step is once the last one */
    while (closed < count) {
        int result = proc_try(p, "exit", "0", NULL);

        if (result == 0)
            break;
        assert_error(result, RONDO_EMFILE);
        assert_true(raw_zombies() <= 0);
        raw_close(fds[closed++]);
    }
    (void)raw_set_descriptor_limit(before);
    proc_ends(p, 0);
    while (closed < count)
        raw_close(fds[closed++]);
}

/* ---- ids ---------------------------------------------------------------- */

TEST(X1_ids_that_are_none)
{
    const char *child = raw_child();
    const int64_t negative = -1, high = INT64_C(1) << 40;
    const int mask = 01000;
    const struct refusal rows[] = {
        {"a negative uid", PIPED(.program = child, .uid = &negative),
         RONDO_EINVAL, "uid"},
        {"a high uid", PIPED(.program = child, .uid = &high), RONDO_EINVAL,
         "uid"},
        {"a high gid", PIPED(.program = child, .gid = &high), RONDO_EINVAL,
         "gid"},
        {"a wide umask", PIPED(.program = child, .umask = &mask), RONDO_EINVAL,
         "umask"},
    };

    test_skip_if(w, !raw_has_signals(), "no ids on this system");
    for (EACH_ROW(w, row, rows))
        refused(w, row->options, row->error, row->words);
}

/* ---- the loop ----------------------------------------------------------- */

TEST(X1_afterwards_all_is_well)
{
    struct proc *p;

    refused(w, PIPED(.program = "/nowhere"), RONDO_ENOENT, "/nowhere");
    p = proc_run(w, OUTPUT, "say", "1", "well", "exit", "4", NULL);
    proc_says(p, 4, "well");
}

TEST(X1_options_of_other_versions)
{
    struct {
        rondo_process_options known;
        uint64_t unknown[2];
    } newer = {.known = *PIPED(.program = raw_child())};

    newer.known.size = sizeof newer;
    newer.unknown[1] = 1;
    refused(w, &newer.known, RONDO_ENOTSUP, "option");
    newer.known.size = 0;
    refused(w, &newer.known, RONDO_EINVAL, "size");
}

TEST_LEAVES(G2_what_cannot_is_told)
{
    bool can = rondo_loop_supports(w->loop, RONDO_CAN_SUBPROCESS);
    int result = rondo_subprocess_exec(w->loop, PIPED(.program = raw_child()),
                                       &proc_recorder, proc_new(w), NULL);

    assert_int_equal(result, can ? 0 : RONDO_ENOTSUP);
    if (!can)
        assert_non_null(strstr(rondo_last_error(), "iocp"));
}
