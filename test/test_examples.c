/* test_examples.c - examples as programs: at work, and what signals do. */
/* SPDX-License-Identifier: MIT */
#include "raw_program.h"
#include "signal_told.h"

#include <signal.h>

#ifndef RONDO_TEST_EXAMPLES
#define RONDO_TEST_EXAMPLES NULL
#define RONDO_TEST_SUFFIX   ""
#endif

struct example {
    struct world *w;
    struct raw_program *program;
    uint16_t port;
    raw_fd client;
};

static void must_say(struct example *e, const char *what)
{
    if (!raw_program_says(e->program, what, test_patience_ms()))
        test_fail(e->w, "it did not say \"%s\" but: %s", what,
                  raw_program_output(e->program));
}

/* Starts it on this backend, with a client. */
static struct example *start(struct world *w, const char *name,
                             const char *config)
{
    const char *other = getenv("RONDO_TEST_EXAMPLES");
    const char *folder = other ? other : RONDO_TEST_EXAMPLES;
    struct example *e = test_alloc(w, sizeof *e);
    char path[512];
    const char *argv[] = {path, "--backend", w->backend, "0", config, NULL};
    const char *port;
    char byte;

    test_skip_if(w, !folder, "the examples are not in this build");
    (void)snprintf(path, sizeof path, "%s%s%s", folder, name,
                   RONDO_TEST_SUFFIX);
    e->w = w;
    e->program = raw_program_start(argv);
    assert_non_null(e->program);
    must_say(e, "listening on 127.0.0.1:");
    port = raw_program_says(e->program, "listening on 127.0.0.1:", 0);
    e->port = (uint16_t)strtol(port, NULL, 10);
    e->client = raw_connect(e->port);
    assert_true(e->client != RONDO_NO_FD);
    assert_true(raw_send_all(e->client, "x\n", 2, test_patience_ms()));
    (void)raw_recv(e->client, &byte, 1, 100); /* where it answers */
    return e;
}

static void must_end(struct example *e)
{
    int code = raw_program_end(e->program, test_patience_ms());

    raw_close(e->client);
    if (code != 0)
        test_fail(e->w, "it ended with %d", code);
}

/* ---- Ctrl-C ------------------------------------------------------------- */

static void stop_by_ctrl_c(struct world *w, const char *name)
{
    struct example *e = start(w, name, NULL);

    assert_int_equal(raw_program_signal(e->program, SIGINT), 0);
    must_end(e);
}

TEST_CASE(K3_ctrl_c_stops_echo, stop_by_ctrl_c(w, "echo"));

TEST_CASE(K3_ctrl_c_stops_hello, stop_by_ctrl_c(w, "hello"));

TEST_CASE(K3_ctrl_c_stops_chat, stop_by_ctrl_c(w, "chat"));

TEST_CASE(K3_ctrl_c_stops_daemon, stop_by_ctrl_c(w, "daemon"));

/* ---- lines --------------------------------------------------------------- */

/* the answers to start's line, whose first byte is read, and to two more */
TEST(S14_lines_counts)
{
    static const char answers[] = " x\n0 \n15 to be continued\n3 a\0b\n";
    struct example *e = start(w, "lines", NULL);
    char text[sizeof answers] = "";

    assert_true(
        raw_send_all(e->client, "\nto be cont", 11, test_patience_ms()));
    assert_true(raw_send_all(e->client, "inued\na\0b\nno line", 17,
                             test_patience_ms()));
    assert_true(raw_recv_exact(e->client, text, sizeof answers - 1,
                               test_patience_ms()));
    assert_memory_equal(text, answers, sizeof answers);
    raw_shutdown_write(e->client);
    assert_int_equal(raw_recv(e->client, text, 1, test_patience_ms()), 0);
    assert_int_equal(raw_program_signal(e->program, SIGINT), 0);
    must_end(e);
}

/* ---- the daemon --------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

/* false: there is no such signal here */
static bool tell(struct example *e, int signum)
{
    return raw_program_signal(e->program, signum) == 0;
}

static void must_greet(struct example *e, const char *greeting)
{
    raw_fd fd = raw_connect(e->port);
    char text[64] = "";

    assert_true(raw_recv_exact(fd, text, strlen(greeting), test_patience_ms()));
    assert_string_equal(text, greeting);
    raw_close(fd);
}

TEST(K1_daemon_reloads_at_hup)
{
    struct example *e;
    char path[64];

    (void)snprintf(path, sizeof path, "test_examples_%s.conf", w->backend);
    write_file(path, "# first\ngreeting one\n\nidle_seconds 5\n");
    e = start(w, "daemon", path);
    must_greet(e, "one\r\n");
    write_file(path, "greeting two words\nidle_seconds 6\n");
    if (!tell(e, RONDO_SIGHUP)) {
        (void)tell(e, SIGINT);
        must_end(e);
        (void)remove(path);
        test_skip(w, "no SIGHUP can be sent on this system");
    }
    must_say(e, "reloaded: greeting \"two words\", idle after 6 s");
    must_greet(e, "two words\r\n");
    write_file(path, "greeting three\nidle_seconds soon\n");
    assert_true(tell(e, RONDO_SIGHUP));
    must_say(e, "line 2 makes no sense");
    must_greet(e, "two words\r\n");
    (void)remove(path);
    assert_true(tell(e, RONDO_SIGHUP));
    must_say(e, ".conf: No such file"); /* strerror's */
    must_greet(e, "two words\r\n");
    assert_true(tell(e, SIGTERM));
    must_say(e, "ended, ");
    must_end(e);
}

TEST(K1_daemon_says_how_it_is_at_usr1)
{
    struct example *e;

    test_skip_if(w, raw_signal_of_users() < 0, "no SIGUSR1 on this system");
    e = start(w, "daemon", NULL);
    assert_true(tell(e, raw_signal_of_users()));
    must_say(e, "end of state");
    must_say(e, " served; ");
    must_say(e, "  transport ");
    must_say(e, "  server ");
    must_say(e, "  signal ");
    assert_true(tell(e, SIGTERM));
    must_end(e);
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
    if (!tell(e, SIGTERM)) {
        (void)tell(e, SIGINT);
        must_end(e);
        test_skip(w, "no SIGTERM can be sent on this system");
    }
    must_say(e, "stopping, ");
    assert_true(raw_connect(e->port) == RONDO_NO_FD); /* nobody new */
    assert_true(tell(e, SIGTERM));
    must_say(e, "ended, ");
    must_end(e);
}
