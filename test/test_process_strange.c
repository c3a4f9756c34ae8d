/* test_process_strange.c - what Windows gets wrong with children, if anybody. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

static struct proc *begin_windows(struct world *w)
{
    test_skip_if(w, raw_has_signals(), "not on this system");
    return proc_begin(w, OUTPUT);
}

/* ---- a command line ----------------------------------------------------- */

enum { COUNT = 40, LETTERS = 24 };

/* A word of what means something to whoever splits a command line. */
static void make_word(char *word, unsigned *seed)
{
    const char *const *letters =
        WORDS("\"", "\\", "\\", "\"", " ", "\t", "a", "%", "^", "&", "|", "'",
              "/", "=", "-", "\n", "*", "\xc3\xa9", "\xf0\x9f\x98\x80");
    unsigned size = (*seed = *seed * 1103515245 + 12345) >> 16 & 7;
    size_t used = 0;

    *word = '\0';
    for (unsigned i = 0; i < size % 6; i++) {
        *seed = *seed * 1103515245 + 12345;
        used += (size_t)snprintf(word + used, LETTERS - used, "%s",
                                 letters[(*seed >> 16) % 19]);
    }
}

TEST(X9_any_argument_survives)
{
    struct proc *p = proc_begin(w, OUTPUT);
    char words[COUNT][LETTERS];
    const char *arguments[COUNT + 1] = {NULL};
    unsigned seed = 1;

    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < COUNT; i++) {
            make_word(words[i], &seed);
            arguments[i] = words[i];
        }
        proc_echoes(p, arguments);
    }
}

TEST(X9_a_shell_gets_its_command_as_it_is)
{
    struct proc *p = proc_begin(w, OUTPUT);
    char command[1024];

    test_skip_if(w, raw_is_simulated(), "no shell");
    (void)snprintf(command, sizeof command,
                   "\"%s\" args \"two words\" three&& echo \"and four\"",
                   raw_child());
    assert_ok(rondo_subprocess_shell(w->loop, command, &p->o, &proc_recorder, p,
                                     NULL));
    proc_says(p, 0, "two words");
    assert_string_equal(p->text[1] + 10, "three");
    assert_non_null(strstr(p->text[1] + 16, "and four"));
}

static void check_refused(struct proc *p, const rondo_process_options *o,
                          int error, const char *words)
{
    assert_refused(
        rondo_subprocess_exec(p->w->loop, o, &proc_recorder, p, NULL), error,
        words);
}

/* cmd.exe would read the arguments in a way that no quoting survives. */
TEST(X9_a_batch_file_is_for_the_shell)
{
    struct proc *p = begin_windows(w);
    char path[256], batch[300];

    assert_true(raw_program_file(path, sizeof path, "@exit 5\r\n", true));
    for (int i = 0; i < 2; i++) {
        (void)snprintf(batch, sizeof batch, "%s.%s", path, i ? "CMD" : "bat");
        assert_int_equal(rename(path, batch), 0);
        check_refused(p, RONDO_PROCESS(.program = batch), RONDO_ENOEXEC,
                      "subprocess_shell");
        assert_int_equal(rename(batch, path), 0);
    }
    raw_remove(path);
}

TEST(X9_text_that_is_not_utf8)
{
    struct proc *p = begin_windows(w);
    const char *child = raw_child();
    const rondo_process_options *const bad[] = {
        RONDO_PROCESS(.program = "c:\\\xff.exe"),
        RONDO_PROCESS(.program = child, .argv = WORDS(child, "\xc3")),
        RONDO_PROCESS(.program = child, .env = WORDS("a\xff", "b")),
        RONDO_PROCESS(.program = child, .cwd = "c:\\\xe2\x82"),
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++)
        check_refused(p, bad[i], RONDO_EINVAL, "not UTF-8");
    assert_einval(rondo_subprocess_shell(w->loop, "echo \xff", &p->o,
                                         &proc_recorder, p, NULL));
}

/* ---- what it gets ------------------------------------------------------- */

/* The other end of a pipe whose handle any child could inherit hears of the
 * end: the child, which runs still, does not have it. */
TEST(X9_only_the_listed_handles)
{
    struct proc *p = proc_begin(w, OUTPUT);
    raw_fd fds[2];

    test_skip_if(w, raw_pipe(fds) != 0,
                 "no pipes as descriptors on this system");
    raw_set_close_on_exec(fds[1], false);
    p->o.stdin_kind = RONDO_STDIO_PIPE;
    proc_start(p, "say", "1", "up", "drain", "0", NULL);
    test_run_until(w, p->bytes[1] == 2);
    raw_close(fds[1]);
    assert_true(raw_recv_pipe(fds[0], ""));
    raw_close(fds[0]);
    assert_int_equal(p->exited, 0);
    proc_close_input(p);
    proc_wait(p);
}

TEST(X9_an_exit_code_has_32_bits)
{
    struct proc *p = begin_windows(w);

    proc_start(p, "exit", "-1073741819", NULL); /* an access violation */
    proc_ends(p, 0xC0000005);
    /* STILL_ACTIVE, which means running, is a code like any other */
    proc_start(p, "exit", "259", NULL);
    proc_ends(p, 259);
}

/* ---- Ctrl-Break --------------------------------------------------------- */

TEST(X9_break_needs_a_group)
{
    struct proc *p = begin_windows(w);

    p->o.stdin_kind = RONDO_STDIO_PIPE;
    proc_start(p, "drain", "0", NULL);
    assert_refused(rondo_process_send_signal(p->process, RAW_SIGBREAK),
                   RONDO_ENOTSUP, "new_group");
    assert_error(rondo_process_send_signal(p->process, 2), RONDO_ENOTSUP);
    assert_ok(rondo_process_send_signal(p->process, 0));
    assert_ok(rondo_process_terminate(p->process));
    proc_ends_killed(p);
}

TEST(X9_break_to_a_group)
{
    struct proc *p = begin_windows(w);

    test_skip_if(w, !raw_console_breaks(),
                 "the console does not deliver Ctrl-Break here");
    p->o.stdin_kind = RONDO_STDIO_PIPE;
    p->o.new_group = true;
    proc_start(p, "say", "1", "up", "drain", "0", NULL);
    test_run_until(w, p->bytes[1] == 2);
    assert_ok(rondo_process_send_signal(p->process, RAW_SIGBREAK));
    proc_ends(p, 0xC000013A); /* STATUS_CONTROL_C_EXIT */
}
