/* test_process_strange.c - what Windows gets wrong with children, if anybody. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

static struct proc *begin_windows(struct world *w, rondo_process_options *o)
{
    test_skip_if(w, raw_has_signals(), "not on this system");
    return proc_begin_reading(w, o);
}

/* ---- a command line ----------------------------------------------------- */

enum { WORDS = 40, LETTERS = 24 };

/* A word of what means something to whoever splits a command line. */
static void make_word(char *word, unsigned *seed)
{
    static const char *const letters[] = {"\"",
                                          "\\",
                                          "\\",
                                          "\"",
                                          " ",
                                          "\t",
                                          "a",
                                          "%",
                                          "^",
                                          "&",
                                          "|",
                                          "'",
                                          "/",
                                          "=",
                                          "-",
                                          "\n",
                                          "*",
                                          "\xc3\xa9",
                                          "\xf0\x9f\x98\x80"};
    unsigned size = (*seed = *seed * 1103515245 + 12345) >> 16 & 7;

    size_t used = 0;

    *word = '\0';
    for (unsigned i = 0; i < size % 6; i++) {
        *seed = *seed * 1103515245 + 12345;
        used += (size_t)snprintf(
            word + used, LETTERS - used, "%s",
            letters[(*seed >> 16) % (sizeof letters / sizeof *letters)]);
    }
}

TEST(X9_any_argument_survives)
{
    rondo_process_options o;
    unsigned seed = 1;

    for (int round = 0; round < 5; round++) {
        struct proc *p = proc_begin_reading(w, &o);
        char words[WORDS][LETTERS];
        const char *argv[WORDS + 3] = {raw_child(), "args"};
        const char *at = p->text[1];

        for (int i = 0; i < WORDS; i++) {
            make_word(words[i], &seed);
            argv[i + 2] = words[i];
        }
        assert_ok(proc_start_in(p, p->w->loop, &o, argv));
        proc_wait(p);
        for (int i = 0; i < WORDS; i++) {
            assert_string_equal(at, words[i]);
            at += strlen(at) + 1;
        }
        assert_true(p->bytes[1] == (uint64_t)(at - p->text[1]));
    }
}

TEST(X9_a_shell_gets_its_command_as_it_is)
{
    rondo_process_options o;
    struct proc *p = proc_begin_reading(w, &o);
    char command[1024];

    (void)snprintf(command, sizeof command,
                   "\"%s\" args \"two words\" three&& echo \"and four\"",
                   raw_child());
    assert_ok(rondo_subprocess_shell(p->w->loop, command, &o, &proc_recorder, p,
                                     NULL));
    proc_wait(p);
    assert_string_equal(p->text[1], "two words");
    assert_string_equal(p->text[1] + 10, "three");
    assert_non_null(strstr(p->text[1] + 16, "and four"));
}

/* cmd.exe would read the arguments in a way that no quoting survives. */
TEST(X9_a_batch_file_is_for_the_shell)
{
    rondo_process_options o;
    struct proc *p = begin_windows(w, &o);
    char path[256];
    char batch[300];

    assert_true(raw_program_file(path, sizeof path, "@exit 5\r\n", true));
    for (int i = 0; i < 2; i++) {
        (void)snprintf(batch, sizeof batch, "%s.%s", path, i ? "CMD" : "bat");
        assert_int_equal(rename(path, batch), 0);
        o.program = batch;
        assert_refused(
            rondo_subprocess_exec(p->w->loop, &o, &proc_recorder, p, NULL),
            RONDO_ENOEXEC, "subprocess_shell");
        assert_int_equal(rename(batch, path), 0);
    }
    raw_remove(path);
}

TEST(X9_text_that_is_not_utf8)
{
    rondo_process_options o;
    struct proc *p = begin_windows(w, &o);
    const char *const bad[] = {"a\xff", "b", NULL};
    const char *const words[] = {raw_child(), "\xc3", NULL};

    o.program = raw_child();
    for (int i = 0; i < 4; i++) {
        rondo_process_options one = o;

        if (i == 0)
            one.program = "c:\\\xff.exe";
        else if (i == 1)
            one.argv = words;
        else if (i == 2)
            one.env = bad;
        else
            one.cwd = "c:\\\xe2\x82";
        assert_refused(
            rondo_subprocess_exec(p->w->loop, &one, &proc_recorder, p, NULL),
            RONDO_EINVAL, "not UTF-8");
    }
    assert_einval(rondo_subprocess_shell(p->w->loop, "echo \xff", &o,
                                         &proc_recorder, p, NULL));
}

/* ---- what it gets ------------------------------------------------------- */

/* The other end of a pipe whose handle any child could inherit hears of the
 * end: the child, which runs still, does not have it. */
TEST(X9_only_the_listed_handles)
{
    rondo_process_options o;
    struct proc *p = proc_begin_reading(w, &o);
    raw_fd fds[2];

    if (raw_pipe(fds) != 0)
        test_skip(p->w, "no pipes as descriptors on this system");
    raw_set_close_on_exec(fds[1], false);
    o.stdin_kind = RONDO_STDIO_PIPE;
    proc_start(p, &o, "say", "1", "up", "drain", "0", NULL);
    test_run_until(p->w, p->bytes[1] == 2);
    raw_close(fds[1]);
    assert_true(raw_recv_pipe(fds[0], ""));
    raw_close(fds[0]);
    assert_int_equal(p->exited, 0);
    rondo_transport_close(rondo_process_pipe(p->process, 0));
    proc_wait(p);
}

TEST(X9_an_exit_code_has_32_bits)
{
    rondo_process_options o;
    struct proc *p = begin_windows(w, &o);

    proc_start(p, &o, "exit", "-1073741819", NULL); /* an access violation */
    proc_wait(p);
    proc_check_exit(p, 0xC0000005);
}

/* STILL_ACTIVE is a code like any other. */
TEST(X9_an_exit_code_that_means_running)
{
    rondo_process_options o;
    struct proc *p = begin_windows(w, &o);

    proc_start(p, &o, "exit", "259", NULL);
    proc_wait(p);
    proc_check_exit(p, 259);
}

/* ---- Ctrl-Break --------------------------------------------------------- */

TEST(X9_break_needs_a_group)
{
    rondo_process_options o;
    struct proc *p = begin_windows(w, &o);

    o.stdin_kind = RONDO_STDIO_PIPE;
    proc_start(p, &o, "drain", "0", NULL);
    assert_refused(rondo_process_send_signal(p->process, RAW_SIGBREAK),
                   RONDO_ENOTSUP, "new_group");
    assert_error(rondo_process_send_signal(p->process, 2), RONDO_ENOTSUP);
    assert_ok(rondo_process_send_signal(p->process, 0));
    assert_ok(rondo_process_terminate(p->process));
    proc_wait(p);
    proc_check_killed(p);
}

TEST(X9_break_to_a_group)
{
    rondo_process_options o;
    struct proc *p = begin_windows(w, &o);

    if (!raw_console_breaks())
        test_skip(p->w, "the console does not deliver Ctrl-Break here");
    o.stdin_kind = RONDO_STDIO_PIPE;
    o.new_group = true;
    proc_start(p, &o, "say", "1", "up", "drain", "0", NULL);
    test_run_until(p->w, p->bytes[1] == 2);
    assert_ok(rondo_process_send_signal(p->process, RAW_SIGBREAK));
    proc_wait(p);
    proc_check_exit(p, 0xC000013A); /* STATUS_CONTROL_C_EXIT */
}
