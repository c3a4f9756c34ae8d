/* test_process_refused.c - programs that cannot start, and what is left. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

/* An error of the call, several times in a row, with nothing left of it: neither a
 * process, nor a descriptor, nor a callback. */
static void refused(struct world *w, const rondo_process_options *o, int error,
                    const char *word)
{
    struct proc *p = proc_new(w);
    size_t before = raw_count_descriptors();

    for (int i = 0; i < (test_slowness() > 1 ? 3 : 10); i++) {
        rondo_process *process = (rondo_process *)p;

        assert_error(
            rondo_subprocess_exec(w->loop, o, &proc_recorder, p, &process),
            error);
        assert_ptr_equal(process, p); /* untouched */
        assert_int_equal(strncmp(rondo_last_error(), "subprocess_exec: ", 17),
                         0);
        if (!strstr(rondo_last_error(), word))
            test_fail(w, "no \"%s\" in: %s", word, rondo_last_error());
    }
    assert_int_equal(raw_count_descriptors(), before);
    assert_true(raw_zombies() <= 0);
    assert_int_equal(test_metrics(w).live_processes, 0);
    test_run_loop(w);
    assert_string_equal(p->order, "");
}

/* with pipes, which must not be left either */
static rondo_process_options piped(const char *program)
{
    rondo_process_options o =
        proc_options(RONDO_STDIO_PIPE, RONDO_STDIO_PIPE, RONDO_STDIO_NULL);

    o.program = program;
    return o;
}

static void begin(struct world *w)
{
    proc_need(w);
    w->expect_clean = true;
}

TEST(X1_no_such_program)
{
    begin(w);
    rondo_process_options o = piped("/nowhere/at/all");

    refused(w, &o, RONDO_ENOENT, "/nowhere/at/all");
    o = piped("no-such-program-anywhere");
    refused(w, &o, RONDO_ENOENT, "no-such-program-anywhere");
}

TEST(X1_an_empty_name)
{
    begin(w);
    rondo_process_options o = piped("");

    refused(w, &o, RONDO_ENOENT, "cannot run");
}

TEST(X1_a_folder_is_no_program)
{
    begin(w);
    rondo_process_options o = piped(raw_known_folder());

    refused(w, &o, RONDO_EACCES, raw_known_folder());
}

TEST(X1_a_file_that_must_not_run)
{
    begin(w);
    char path[256];
    rondo_process_options o;

    if (!raw_program_file(path, sizeof path, "hello\n", false))
        test_skip(w, "every file may run on this system");
    o = piped(path);
    refused(w, &o, RONDO_EACCES, path);
    raw_remove(path);
}

TEST(X1_a_file_that_is_no_program)
{
    begin(w);
    char path[256];
    rondo_process_options o;

    if (!raw_program_file(path, sizeof path, "hello\n", true))
        test_skip(w, "no such file can be made on this system");
    o = piped(path);
    refused(w, &o, RONDO_ENOEXEC, path);
    raw_remove(path);
}

TEST(X1_a_name_with_a_file_as_folder)
{
    begin(w);
    char path[256];
    rondo_process_options o;

    if (!raw_has_signals())
        test_skip(w, "this system does not tell this from a missing file");
    (void)snprintf(path, sizeof path, "%s/x", raw_child());
    o = piped(path);
    refused(w, &o, RONDO_ENOTDIR, path);
}

TEST(X1_a_name_that_is_too_long)
{
    begin(w);
    static char path[70000];
    rondo_process_options o;

    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    o = piped(path);
    refused(w, &o, RONDO_ENAMETOOLONG, "cannot run /xxx");
}

TEST(X1_a_folder_to_start_in_that_is_not_there)
{
    begin(w);
    rondo_process_options o = piped(raw_child());

    o.cwd = "/nowhere";
    refused(w, &o, RONDO_ENOENT, "folder /nowhere");
    o.cwd = "";
    refused(w, &o, RONDO_ENOENT, "folder");
}

TEST(X1_a_folder_to_start_in_that_is_a_file)
{
    begin(w);
    rondo_process_options o = piped(raw_child());

    o.cwd = raw_child();
    refused(w, &o, RONDO_ENOTDIR, "folder");
}

TEST(X1_argv_that_is_too_long)
{
    enum { WORDS = 100, WORD = 100000 };
    begin(w);
    static const char *argv[WORDS + 1];
    char *word = test_alloc(w, WORD);
    rondo_process_options o = piped(raw_child());

    if (raw_under_valgrind())
        test_skip(w, "valgrind does not tell of words that are too long");
    memset(word, 'x', WORD - 1);
    for (int i = 0; i < WORDS; i++)
        argv[i] = word;
    o.argv = argv;
    refused(w, &o, RONDO_ETOOMUCH, "cannot run");
}

TEST(X1_neither_program_nor_argv)
{
    begin(w);
    const char *const empty[] = {NULL};
    rondo_process_options o = piped(NULL);

    refused(w, &o, RONDO_EINVAL, "neither");
    o.argv = empty;
    refused(w, &o, RONDO_EINVAL, "neither");
    o.program = raw_child();
    refused(w, &o, RONDO_EINVAL, "empty argv");
}

TEST(X1_no_protocol)
{
    begin(w);
    rondo_process_options o = piped(raw_child());

    assert_error(rondo_subprocess_exec(w->loop, &o, NULL, NULL, NULL),
                 RONDO_EINVAL);
    assert_error(
        rondo_subprocess_shell(w->loop, "x", &o, &proc_recorder, NULL, NULL),
        RONDO_EINVAL);
    assert_error(
        rondo_subprocess_shell(w->loop, NULL, NULL, &proc_recorder, NULL, NULL),
        RONDO_EINVAL);
}

/* ---- descriptors -------------------------------------------------------- */

TEST(X1_a_descriptor_that_is_not_open)
{
    begin(w);
    rondo_process_options o = piped(raw_child());

    o.stderr_kind = RONDO_STDIO_FD;
    o.stderr_fd = raw_dead_fd();
    refused(w, &o, RONDO_EBADF, "not open");
    o.stderr_fd = RONDO_NO_FD;
    refused(w, &o, RONDO_EBADF, "-1");
    o.stderr_fd = -77;
    refused(w, &o, RONDO_EBADF, "-77");
}

TEST(X1_kinds_that_make_no_sense)
{
    begin(w);
    rondo_process_options o = piped(raw_child());

    o.stdout_kind = RONDO_STDIO_STDOUT;
    refused(w, &o, RONDO_EINVAL, "descriptor 1");
    o.stdout_kind = (rondo_stdio_kind)99;
    refused(w, &o, RONDO_EINVAL, "99");
    o.stdout_kind = (rondo_stdio_kind)-1;
    refused(w, &o, RONDO_EINVAL, "-1");
}

TEST(X1_extra_descriptors_that_make_no_sense)
{
    begin(w);
    rondo_stdio_entry extra[] = {{-3, RONDO_STDIO_NULL, 0},
                                 {-3, RONDO_STDIO_NULL, 0}};
    rondo_process_options o = piped(raw_child());

    o.extra = extra;
    o.extra_count = 1;
    refused(w, &o, RONDO_EINVAL, "-3");
    extra[0].child_fd = INT32_MAX;
    /* on Windows a child has the first three only */
    refused(w, &o, raw_has_signals() ? RONDO_EINVAL : RONDO_ENOTSUP,
            "2147483647");
    extra[0].child_fd = extra[1].child_fd = 2; /* after the one option */
    o.extra_count = 2;
    refused(w, &o, RONDO_EINVAL, "twice");
    o.extra = NULL;
    refused(w, &o, RONDO_EINVAL, "extra");
}

TEST(X1_no_descriptors_left)
{
    begin(w);
    rondo_process_options o = piped(raw_child());
    raw_fd *fds = test_alloc(w, 512 * sizeof *fds);
    int64_t before = raw_set_descriptor_limit(200);
    struct proc *p = proc_new(w);
    size_t n;

    if (before < 0)
        test_skip(w, "no limit of descriptors on this system");
    n = raw_exhaust(fds, 512);
    /* one after another comes back: each step is once the last one */
    for (size_t free = 0; free < n; free++) {
        int result = proc_try(p, &o, "exit", "0", NULL);

        if (result == 0)
            break;
        assert_error(result, RONDO_EMFILE);
        assert_true(raw_zombies() <= 0);
        raw_close(fds[free]);
        fds[free] = RONDO_NO_FD;
    }
    (void)raw_set_descriptor_limit(before);
    proc_wait(p);
    proc_check_exit(p, 0);
    for (size_t i = 0; i < n; i++)
        if (fds[i] != RONDO_NO_FD)
            raw_close(fds[i]);
}

/* ---- ids ---------------------------------------------------------------- */

TEST(X1_ids_that_are_none)
{
    begin(w);
    rondo_process_options o = piped(raw_child());
    int64_t id = -1;
    int mask = 01000;

    if (!raw_has_signals())
        test_skip(w, "no ids on this system");
    o.uid = &id;
    refused(w, &o, RONDO_EINVAL, "uid");
    id = INT64_C(1) << 40;
    refused(w, &o, RONDO_EINVAL, "uid");
    o.uid = NULL;
    o.gid = &id;
    refused(w, &o, RONDO_EINVAL, "gid");
    o.gid = NULL;
    o.umask = &mask;
    refused(w, &o, RONDO_EINVAL, "umask");
}

/* ---- the loop ----------------------------------------------------------- */

TEST(X1_afterwards_all_is_well)
{
    begin(w);
    rondo_process_options o = piped("/nowhere");
    struct proc *p = proc_new(w);

    refused(w, &o, RONDO_ENOENT, "/nowhere");
    o.program = NULL;
    proc_start(p, &o, "say", "1", "well", "exit", "4", NULL);
    proc_wait(p);
    proc_check_exit(p, 4);
    assert_string_equal(p->text[1], "well");
}

TEST(X1_options_of_other_versions)
{
    begin(w);
    struct {
        rondo_process_options known;
        uint64_t unknown[2];
    } newer = {.known = piped(raw_child())};

    newer.known.size = sizeof newer;
    newer.unknown[1] = 1;
    refused(w, &newer.known, RONDO_ENOTSUP, "option");
    newer.known.size = 0;
    refused(w, &newer.known, RONDO_EINVAL, "size");
}

TEST(G2_what_cannot_is_told)
{
    rondo_process_options o = piped(raw_child());
    bool can = rondo_loop_supports(w->loop, RONDO_CAN_SUBPROCESS);
    int result =
        rondo_subprocess_exec(w->loop, &o, &proc_recorder, proc_new(w), NULL);

    assert_int_equal(result, can ? 0 : RONDO_ENOTSUP);
    if (!can)
        assert_non_null(strstr(rondo_last_error(), "iocp"));
}
