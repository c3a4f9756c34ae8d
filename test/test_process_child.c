/* test_process_child.c - what a child gets: arguments, folder, signals, ids. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

/* ---- arguments, environment, folder ------------------------------------- */

/* There and back, as they are. */
TEST(X2_arguments_arrive_as_they_are)
{
    static const char *const words[] = {"plain",
                                        "",
                                        " ",
                                        "two words",
                                        "\"quoted\"",
                                        "a\\",
                                        "a\\\\",
                                        "a\\\"b",
                                        "\\\\\"",
                                        "tab\there",
                                        "new\nline",
                                        "%PATH%",
                                        "$HOME `x`",
                                        "*?[]{}",
                                        "a'b",
                                        "\xc3\xa4\xe2\x82\xac",
                                        "\xf0\x9f\x98\x80",
                                        "&|<>^",
                                        "-x",
                                        "\\",
                                        "a b\\",
                                        "\"",
                                        "\"\"",
                                        "c:\\d e\\"};
    enum { WORDS = sizeof words / sizeof *words };
    rondo_process_options o;
    struct proc *p = proc_begin_reading(w, &o);
    const char *argv[WORDS + 3] = {raw_child(), "args"};
    const char *at;

    for (int i = 0; i < WORDS; i++)
        argv[i + 2] = words[i];
    assert_ok(proc_start_in(p, p->w->loop, &o, argv));
    proc_wait(p);
    at = p->text[1];
    for (int i = 0; i < WORDS; i++) {
        assert_string_equal(at, words[i]);
        at += strlen(at) + 1;
    }
    assert_true(p->bytes[1] == (uint64_t)(at - p->text[1]));
}

TEST(X2_the_program_alone)
{
    rondo_process_options o;
    struct proc *p = proc_begin_reading(w, &o);

    assert_ok(proc_start_in(p, p->w->loop, &o, NULL)); /* argv[0] is its name */
    proc_wait(p);
    proc_check_exit(p, 0);
}

TEST(X2_argv_alone)
{
    rondo_process_options o;
    struct proc *p = proc_begin_reading(w, &o);

    o.argv = (const char *const[]){raw_child(), "exit", "9", NULL};
    assert_ok(rondo_subprocess_exec(p->w->loop, &o, &proc_recorder, p, NULL));
    proc_wait(p);
    proc_check_exit(p, 9);
}

TEST(X2_a_name_is_looked_up_in_path)
{
    rondo_process_options o;
    struct proc *p = proc_begin_reading(w, &o);
    const char *path = getenv("PATH");
    char before[4096];
    char folder[512];
    char *name;

    (void)snprintf(before, sizeof before, "%s", path ? path : "");
    (void)snprintf(folder, sizeof folder, "/nowhere%s%s", raw_path_separator(),
                   raw_child());
    name = strrchr(folder, '/');
    *name++ = '\0';
    raw_set_environment("PATH", folder);
    o.program = name;
    o.env = (const char *const[]){"PATH=/nowhere", NULL}; /* the parent's */
    proc_start(p, &o, "exit", "6", NULL);
    raw_set_environment("PATH", before);
    proc_wait(p);
    proc_check_exit(p, 6);
}

TEST(X2_environment_is_inherited)
{
    rondo_process_options o;
    struct proc *p = proc_begin_reading(w, &o);

    raw_set_environment("RONDO_TEST_INHERITED", "yes, \xc3\xa4");
    proc_start(p, &o, "env", NULL);
    proc_wait(p);
    assert_true(p->bytes[1] < sizeof p->text[1]);
    assert_non_null(strstr(p->text[1], "RONDO_TEST_INHERITED=yes, \xc3\xa4\n"));
    raw_set_environment("RONDO_TEST_INHERITED", NULL);
}

TEST(X2_environment_is_replaced)
{
    rondo_process_options o;
    struct proc *p = proc_begin_reading(w, &o);

    o.env = (const char *const[]){"A=1", "B=two words", NULL};
    proc_start(p, &o, "env", NULL);
    proc_wait(p);
    assert_string_equal(p->text[1], "A=1\nB=two words\n");
}

TEST(X2_environment_is_empty)
{
    rondo_process_options o;
    struct proc *p = proc_begin_reading(w, &o);

    o.env = (const char *const[]){NULL};
    proc_start(p, &o, "env", NULL);
    proc_wait(p);
    assert_string_equal(p->text[1], "");
    proc_check_exit(p, 0);
}

TEST(X2_folder)
{
    rondo_process_options o;
    struct proc *p = proc_begin_reading(w, &o);
    char expected[512];

    o.cwd = raw_known_folder();
    proc_start(p, &o, "folder", NULL);
    proc_wait(p);
    (void)snprintf(expected, sizeof expected, "%s\n", raw_known_folder());
    assert_string_equal(p->text[1], expected);
}

TEST(X2_shell)
{
    rondo_process_options o;
    struct proc *p = proc_begin_reading(w, &o);

    assert_ok(rondo_subprocess_shell(p->w->loop, "echo one&& exit 3", &o,
                                     &proc_recorder, p, NULL));
    proc_wait(p);
    proc_check_exit(p, 3);
    assert_int_equal(strncmp(p->text[1], "one", 3), 0);
}

/* ---- signals, ids ------------------------------------------------------- */

TEST(X2_signals_are_as_at_first)
{
    rondo_process_options o;
    struct proc *p = proc_begin_unix(w, &o, "no signals");

    raw_signal_block(10, true);
    raw_signal_block(12, true);
    raw_signal_ignore(13, true);
    raw_signal_ignore(1, true);
    raw_signal_ignore(40, true);
    raw_signal_catch(14, true);
    proc_start(p, &o, "signals", NULL);
    raw_signal_block(10, false);
    raw_signal_block(12, false);
    raw_signal_ignore(13, false);
    raw_signal_ignore(1, false);
    raw_signal_ignore(40, false);
    raw_signal_catch(14, false);
    proc_wait(p);
    assert_string_equal(p->text[1], "blocked 0 ignored 0\n");
}

static void check_ids(struct proc *p, const char *words)
{
    proc_wait(p);
    proc_check_exit(p, 0);
    if (!strstr(p->text[1], words))
        test_fail(p->w, "not \"%s\" in: %s", words, p->text[1]);
}

TEST(X2_session_and_group)
{
    rondo_process_options o;
    struct proc *p = proc_begin_unix(w, &o, "no sessions");

    proc_start(p, &o, "ids", NULL);
    check_ids(p, "session 0 group 0");
    *p = (struct proc){.w = p->w};
    o.new_group = true;
    proc_start(p, &o, "ids", NULL);
    check_ids(p, "session 0 group 1");
    *p = (struct proc){.w = p->w};
    o.new_session = true;
    proc_start(p, &o, "ids", NULL);
    check_ids(p, "session 1 group 1");
    *p = (struct proc){.w = p->w};
    o.new_group = false;
    proc_start(p, &o, "ids", NULL);
    check_ids(p, "session 1 group 1");
}

TEST(X2_umask)
{
    const int masks[] = {0, 027, 0777};
    rondo_process_options o;
    struct proc *p = proc_begin_unix(w, &o, "no umask");

    for (int i = 0; i < 3; i++) {
        char words[16];

        *p = (struct proc){.w = p->w};
        o.umask = &masks[i];
        proc_start(p, &o, "ids", NULL);
        (void)snprintf(words, sizeof words, "umask %o\n", (unsigned)masks[i]);
        check_ids(p, words);
    }
}

TEST(X2_uid_and_gid)
{
    const int64_t nobody = 65534, other = 12345;
    rondo_process_options o;
    struct proc *p = proc_begin_unix(w, &o, "no ids");

    o.uid = &nobody;
    o.gid = &other;
    o.cwd = "/";
    if (!raw_is_root()) {
        assert_error(proc_try(p, &o, "ids", NULL), RONDO_EPERM);
        assert_non_null(strstr(rondo_last_error(), "uid 65534, gid 12345"));
        test_skip(p->w, "only root may change them");
    }
    if (!raw_anybody_may_run(raw_child()))
        test_skip(p->w, "others may not run programs of this folder");
    proc_start(p, &o, "ids", NULL);
    check_ids(p, "uid 65534 gid 12345 groups 0 ");
    *p = (struct proc){.w = p->w};
    o.uid = NULL;
    proc_start(p, &o, "ids", NULL);
    check_ids(p, "uid 0 gid 12345 groups 0 ");
}
