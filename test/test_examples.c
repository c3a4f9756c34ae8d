/* test_examples.c - examples as programs: at work, and what signals do. */
/* SPDX-License-Identifier: MIT */
#include "harness_example.h"
#include "signal_told.h"

#include <signal.h>

struct example {
    struct world *w;
    struct raw_program *program;
    uint16_t port;
    raw_fd client;
};

/* Starts it on this backend, with a client. */
static struct example *start(struct world *w, const char *name,
                             const char *config)
{
    struct example *e = test_alloc(w, sizeof *e);

    e->w = w;
    e->program = example_start(w, NULL, name, WORDS("0", config));
    e->port = example_port(w, e->program);
    e->client = test_own(w, raw_connect(e->port));
    return e;
}

static void must_say(struct example *e, const char *what)
{
    (void)example_says(e->w, e->program, what);
}

/* That and no more has come from there. */
static void must_get(raw_fd fd, const char *text, size_t size)
{
    char got[64] = "";

    assert_true(size < sizeof got);
    assert_true(raw_recv_exact(fd, got, size, test_patience_ms()));
    assert_memory_equal(got, text, size);
}

/* false: there is no such signal here */
static bool tell(struct example *e, int signum)
{
    return raw_program_signal(e->program, signum) == 0;
}

static void need_signal(struct example *e, bool told, const char *reason)
{
    if (told)
        return;
    example_stop(e->w, e->program);
    test_skip(e->w, reason);
}

/* ---- Ctrl-C ------------------------------------------------------------- */

TEST(K3_ctrl_c_stops_each)
{
    static const struct {
        const char *name;
    } rows[] = {{"echo"}, {"hello"}, {"chat"}, {"daemon"}};

    for (EACH_ROW(w, row, rows)) {
        struct example *e = start(w, row->name, NULL);

        assert_true(raw_send_all(e->client, "x\n", 2, test_patience_ms()));
        example_stop(w, e->program);
    }
}

/* ---- echo --------------------------------------------------------------- */

static void echoes(struct example *e)
{
    assert_true(raw_send_all(e->client, "hello", 5, test_patience_ms()));
    must_get(e->client, "hello", 5);
}

/* On all addresses of the name, of which one is 127.0.0.1. */
TEST(V6_echo_listens_on_a_name)
{
    struct example *e = start(w, "echo", "localhost");

    echoes(e);
    example_stop(w, e->program);
}

TEST(V6_echo_says_that_there_is_no_such_name)
{
    struct raw_program *p =
        example_start(w, NULL, "echo", WORDS("0", "no..such"));

    (void)example_says(w, p, "no..such");
    example_ends(w, p, 1);
}

/* ---- lines --------------------------------------------------------------- */

TEST(S14_lines_counts)
{
    static const char lines[] = "x\n\nto be cont";
    static const char answers[] = "1 x\n0 \n15 to be continued\n3 a\0b\n";
    struct example *e = start(w, "lines", NULL);
    char byte;

    assert_true(
        raw_send_all(e->client, lines, sizeof lines - 1, test_patience_ms()));
    must_get(e->client, answers, 1);
    assert_true(raw_send_all(e->client, "inued\na\0b\nno line", 17,
                             test_patience_ms()));
    must_get(e->client, answers + 1, sizeof answers - 2);
    raw_shutdown_write(e->client);
    assert_int_equal(raw_recv(e->client, &byte, 1, test_patience_ms()), 0);
    example_stop(w, e->program);
}

/* ---- the daemon --------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void must_greet(struct example *e, const char *greeting)
{
    raw_fd fd = raw_connect(e->port);

    must_get(fd, greeting, strlen(greeting));
    raw_close(fd);
}

/* The file again, which it must take or refuse in these words. */
static void reload(struct example *e, const char *path, const char *text,
                   const char *words)
{
    if (text)
        write_file(path, text);
    else
        (void)remove(path);
    assert_true(tell(e, RONDO_SIGHUP));
    must_say(e, words);
    must_greet(e, "two words\r\n");
}

TEST(K1_daemon_reloads_at_hup)
{
    const char *path = test_format(w, "test_examples_%s.conf", w->backend);
    struct example *e;
    bool told;

    write_file(path, "# first\ngreeting one\n\nidle_seconds 5\n");
    e = start(w, "daemon", path);
    must_greet(e, "one\r\n");
    told = tell(e, RONDO_SIGHUP);
    if (!told)
        (void)remove(path);
    need_signal(e, told, "no SIGHUP can be sent on this system");
    reload(e, path, "greeting two words\nidle_seconds 6\n",
           "reloaded: greeting \"two words\", idle after 6 s");
    reload(e, path, "greeting three\nidle_seconds soon\n",
           "line 2 makes no sense");
    reload(e, path, NULL, ".conf: No such file"); /* strerror's */
    assert_true(tell(e, SIGTERM));
    must_say(e, "ended, ");
    example_ends(w, e->program, 0);
}

TEST(K1_daemon_says_how_it_is_at_usr1)
{
    static const char *const words[] = {
        "end of state", " served; ", "  transport ", "  server ", "  signal "};
    struct example *e;

    test_skip_if(w, raw_signal_of_users() < 0, "no SIGUSR1 on this system");
    e = start(w, "daemon", NULL);
    must_get(e->client, "h", 1); /* it is there */
    assert_true(tell(e, raw_signal_of_users()));
    for (size_t i = 0; i < COUNT_OF(words); i++)
        must_say(e, words[i]);
    assert_true(tell(e, SIGTERM));
    example_ends(w, e->program, 0);
}

/* A client that does not read holds it up until it is told again. */
TEST(K1_daemon_drains_at_term)
{
    struct example *e = start(w, "daemon", NULL);
    char *much = test_alloc(w, 65536);
    int64_t end = raw_now_ns() + RONDO_MS(test_patience_ms());

    memset(much, 'x', 65536);
    /* its buffer is full when it does not take any more for a while */
    for (int quiet = 0; quiet < 20; quiet++) {
        if (raw_send(e->client, much, 65536) > 0)
            quiet = 0;
        else
            raw_sleep_ms(5);
        assert_true(raw_now_ns() < end);
    }
    need_signal(e, tell(e, SIGTERM), "no SIGTERM can be sent on this system");
    must_say(e, "stopping, ");
    assert_true(raw_connect(e->port) == RONDO_NO_FD); /* nobody new */
    assert_true(tell(e, SIGTERM));
    must_say(e, "ended, ");
    example_ends(w, e->program, 0);
}
