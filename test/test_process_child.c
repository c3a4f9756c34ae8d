/* test_process_child.c - what a child gets: arguments, folder, signals, ids. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

/* ---- arguments, environment, folder ------------------------------------- */

/* There and back, as they are. */
TEST(X2_arguments_arrive_as_they_are)
{
    proc_echoes(proc_begin(w, OUTPUT),
                WORDS("plain", "", " ", "two words", "\"quoted\"", "a\\",
                      "a\\\\", "a\\\"b", "\\\\\"", "tab\there", "new\nline",
                      "%PATH%", "$HOME `x`", "*?[]{}", "a'b",
                      "\xc3\xa4\xe2\x82\xac", "\xf0\x9f\x98\x80", "&|<>^", "-x",
                      "\\", "a b\\", "\"", "\"\"", "c:\\d e\\"));
}

TEST(X2_the_program_or_argv_alone)
{
    struct proc *p = proc_begin(w, OUTPUT);

    assert_ok(proc_start_in(p, w->loop, NULL)); /* argv[0] is its name */
    proc_ends(p, 0);
    p = proc_begin(w, OUTPUT);
    p->o.argv = WORDS(raw_child(), "exit", "9");
    assert_ok(rondo_subprocess_exec(w->loop, &p->o, &proc_recorder, p, NULL));
    proc_ends(p, 9);
}

TEST(X2_a_name_is_looked_up_in_path)
{
    struct proc *p = proc_begin(w, OUTPUT);
    const char *path = getenv("PATH");
    char before[4096], folder[512];
    char *name;

    (void)snprintf(before, sizeof before, "%s", path ? path : "");
    (void)snprintf(folder, sizeof folder, "/nowhere%s%s", raw_path_separator(),
                   raw_child());
    name = strrchr(folder, '/');
    *name++ = '\0';
    raw_set_environment("PATH", folder);
    p->o.program = name;
    p->o.env = WORDS("PATH=/nowhere"); /* the parent's counts */
    proc_start(p, "exit", "6", NULL);
    raw_set_environment("PATH", before);
    proc_ends(p, 6);
}

TEST(X2_environment_is_inherited)
{
    struct proc *p = proc_begin(w, OUTPUT);

    raw_set_environment("RONDO_TEST_INHERITED", "yes, \xc3\xa4");
    proc_start(p, "env", NULL);
    proc_wait(p);
    assert_true(p->bytes[1] < sizeof p->text[1]);
    assert_non_null(strstr(p->text[1], "RONDO_TEST_INHERITED=yes, \xc3\xa4\n"));
    raw_set_environment("RONDO_TEST_INHERITED", NULL);
}

static void check_output(struct proc *p, const char *word, const char *text)
{
    proc_start(p, word, NULL);
    proc_says(p, 0, text);
}

TEST(X2_environment_is_replaced)
{
    struct proc *p = proc_begin(w, OUTPUT);
    const char *const none[] = {NULL};

    p->o.env = WORDS("A=1", "B=two words");
    check_output(p, "env", "A=1\nB=two words\n");
    p->o.env = none;
    check_output(p, "env", "");
}

TEST(X2_folder)
{
    struct proc *p = proc_begin(w, OUTPUT);
    char expected[512];

    p->o.cwd = raw_known_folder();
    (void)snprintf(expected, sizeof expected, "%s\n", raw_known_folder());
    check_output(p, "folder", expected);
}

TEST(X2_shell)
{
    struct proc *p = proc_begin(w, OUTPUT);

    test_skip_if(w, raw_is_simulated(), "no shell");
    assert_ok(rondo_subprocess_shell(w->loop, "echo one&& exit 3", &p->o,
                                     &proc_recorder, p, NULL));
    proc_ends(p, 3);
    assert_int_equal(strncmp(p->text[1], "one", 3), 0);
}

/* ---- signals, ids ------------------------------------------------------- */

static void change_signals(bool on)
{
    raw_signal_block(10, on);
    raw_signal_block(12, on);
    raw_signal_ignore(13, on);
    raw_signal_ignore(1, on);
    raw_signal_ignore(40, on);
    raw_signal_catch(14, on);
}

TEST(X2_signals_are_as_at_first)
{
    struct proc *p = proc_begin_unix(w, "no signals");

    change_signals(true);
    proc_start(p, "signals", NULL);
    change_signals(false);
    proc_says(p, 0, "blocked 0 ignored 0\n");
}

static void check_ids(struct proc *p, const char *words)
{
    proc_start(p, "ids", NULL);
    proc_ends(p, 0);
    if (!strstr(p->text[1], words))
        test_fail(p->w, "not \"%s\" in: %s", words, p->text[1]);
}

TEST(X2_session_and_group)
{
    struct proc *p = proc_begin_unix(w, "no sessions");

    check_ids(p, "session 0 group 0");
    p->o.new_group = true;
    check_ids(p, "session 0 group 1");
    p->o.new_session = true;
    check_ids(p, "session 1 group 1");
    p->o.new_group = false;
    check_ids(p, "session 1 group 1");
}

TEST(X2_umask)
{
    const int masks[] = {0, 027, 0777};
    struct proc *p = proc_begin_unix(w, "no umask");

    for (int i = 0; i < 3; i++) {
        char words[16];

        (void)snprintf(words, sizeof words, "umask %o\n", (unsigned)masks[i]);
        p->o.umask = &masks[i];
        check_ids(p, words);
    }
}

TEST(X2_uid_and_gid)
{
    const int64_t nobody = 65534, other = 12345;
    struct proc *p = proc_begin_unix(w, "no ids");

    p->o.uid = &nobody;
    p->o.gid = &other;
    p->o.cwd = "/";
    if (!raw_is_root()) {
        assert_error(proc_try(p, "ids", NULL), RONDO_EPERM);
        assert_non_null(strstr(rondo_last_error(), "uid 65534, gid 12345"));
        test_skip(w, "only root may change them");
    }
    test_skip_if(w, !raw_anybody_may_run(raw_child()),
                 "others may not run programs of this folder");
    check_ids(p, "uid 65534 gid 12345 groups 0 ");
    p->o.uid = NULL;
    check_ids(p, "uid 0 gid 12345 groups 0 ");
}
