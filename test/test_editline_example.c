/* test_editline_example.c - the example that edits lines, on a terminal. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

#ifndef RONDO_TEST_EXAMPLES
#define RONDO_TEST_EXAMPLES NULL
#define RONDO_TEST_SUFFIX   ""
#endif

#define LEFT  "\x1b[D"
#define RIGHT "\x1b[C"
#define UP    "\x1b[A"
#define DOWN  "\x1b[B"

/* Somebody types, and a server at the other end. */
struct session {
    struct world *w;
    struct proc *p;
    struct listener *l;
    struct peer *server; /* hears the lines */
    size_t seen;         /* of what is on the terminal */
};

static struct session *begin(struct world *w)
{
    const char *other = getenv("RONDO_TEST_EXAMPLES");
    const char *folder = other ? other : RONDO_TEST_EXAMPLES;
    struct session *s = test_alloc(w, sizeof *s);
    char *path = test_alloc(w, 512);
    const char *argv[3] = {path};

    test_skip_if(w, !folder, "the examples are not in this build");
    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_TERMINALS),
                 "no terminals for children here");
    test_skip_if(w, !raw_has_signals(), "a console is another thing");
    (void)snprintf(path, 512, "%s%s%s", folder, "editline", RONDO_TEST_SUFFIX);
    s->w = w;
    s->l = test_serve(w);
    argv[1] = test_format(w, "%u", s->l->port);
    s->p = proc_begin(w, NULLS);
    s->p->o.stdin_kind = s->p->o.stdout_kind = s->p->o.stderr_kind =
        RONDO_STDIO_TERMINAL;
    s->p->o.columns = 40;
    s->p->o.rows = 10;
    s->p->o.program = path;
    raw_set_environment("RONDO_BACKEND", w->backend);
    assert_ok(proc_start_in(s->p, w->loop, argv));
    test_run_until(w, s->l->count && strstr(s->p->text[1], "> "));
    s->server = s->l->first;
    return s;
}

static void type(struct session *s, const char *keys)
{
    proc_write(s->p, 0, keys);
}

/* The terminal gets that next, behind what was looked for before. */
static void shows(struct session *s, const char *text)
{
    const char *found;

    test_run_until(s->w, strstr(s->p->text[1] + s->seen, text));
    found = strstr(s->p->text[1] + s->seen, text);
    s->seen = (size_t)(found - s->p->text[1]) + strlen(text);
}

/* Types the keys and Enter: the server hears that line. */
static void sends(struct session *s, const char *keys, const char *line)
{
    s->server->captured_size = s->server->bytes = 0;
    memset(s->server->captured, 0, sizeof s->server->captured);
    type(s, keys);
    type(s, "\r");
    test_run_until(s->w, strchr(s->server->captured, '\n'));
    assert_string_equal(s->server->captured, line);
}

static void end(struct session *s)
{
    type(s, "\4");
    proc_ends(s->p, 0);
    test_run_until(s->w, s->server->lost);
    test_stop(s->l);
}

TEST(Z1_a_line_is_edited)
{
    struct session *s = begin(w);

    sends(s, "hello", "hello\n");
    sends(s, "ac" LEFT "b", "abc\n");
    sends(s, "bc\1a\5d", "abcd\n"); /* Ctrl-A, Ctrl-E */
    sends(s,
          "abx\x7f"
          "c",
          "abc\n");                                /* backspace */
    sends(s, "abxc" LEFT LEFT "\x1b[3~", "abc\n"); /* delete */
    sends(s, "one two\27three", "one three\n");    /* Ctrl-W */
    sends(s, "no\25yes", "yes\n");                 /* Ctrl-U */
    sends(s, "abcd" LEFT LEFT "\13", "ab\n");      /* Ctrl-K */
    sends(s, "\x1b[Hb\x1b[Ha\x1bOFc\x1b[1~" RIGHT RIGHT RIGHT RIGHT "d",
          "abcd\n");
    sends(s, "a\xc3\xa9\xc3\xa4\x7f" LEFT "b", "ab\xc3\xa9\n");
    sends(s, "\x1b[5~\x1bz\x1b[1;5Cok", "ok\n"); /* others do nothing */
    end(s);
}

TEST(Z1_keys_that_arrive_in_pieces)
{
    struct session *s = begin(w);

    type(s, "ac");
    shows(s, "> ac");
    type(s, "\x1b");
    test_spin(w, 2);
    type(s, "[");
    test_spin(w, 2);
    sends(s, "Db", "abc\n");
    end(s);
}

TEST(Z1_earlier_lines_are_recalled)
{
    struct session *s = begin(w);

    sends(s, "one", "one\n");
    sends(s, "two", "two\n");
    sends(s, UP, "two\n");
    sends(s, UP UP UP, "one\n");
    sends(s, UP UP UP UP UP UP UP, "one\n"); /* the oldest */
    sends(s, "draft" UP UP DOWN DOWN DOWN, "draft\n");
    sends(s, UP UP UP UP UP "!", "two!\n");
    end(s);
}

TEST(Z1_what_arrives_is_shown_above_the_line)
{
    struct session *s = begin(w);

    type(s, "half");
    shows(s, "> half");
    assert_ok(rondo_transport_write(s->server->transport, "news\n", 5));
    shows(s, "\r\x1b[Knews\r\n\r> half\x1b[K");
    type(s, LEFT);
    shows(s, "\r\x1b[5C"); /* before the "f" */
    assert_ok(rondo_transport_write(s->server->transport, "a\x1b[2Jb\n", 7));
    shows(s, "\r\x1b[Ka?[2Jb\r\n\r> half\x1b[K\r\x1b[5C");
    sends(s, "\5.", "half.\n");
    end(s);
}

/* The kernel sends SIGWINCH. */
TEST(Z5_a_line_that_is_longer_than_the_window)
{
    struct session *s = begin(w);

    type(s, "0123456789abcdefghijklmnopqrstuvwxyz0123456789");
    shows(s, "> 9abcdefghijklmnopqrstuvwxyz0123456789\x1b[K");
    assert_ok(rondo_process_set_window_size(s->p->process, 20, 10));
    shows(s, "> tuvwxyz0123456789\x1b[K");
    assert_ok(rondo_process_set_window_size(s->p->process, 60, 10));
    shows(s, "> 0123456789abcdefghijklmnopqrstuvwxyz0123456789\x1b[K");
    sends(s, "", "0123456789abcdefghijklmnopqrstuvwxyz0123456789\n");
    end(s);
}

TEST(Z1_the_server_leaves)
{
    struct session *s = begin(w);

    rondo_transport_close(s->server->transport);
    proc_ends(s->p, 0);
    test_run_until(w, s->server->lost);
    test_stop(s->l);
}
