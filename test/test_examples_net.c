/* test_examples_net.c - examples as programs: many connections, many loops. */
/* SPDX-License-Identifier: MIT */
#include "raw_net.h"
#include "raw_program.h"
#include "signal_told.h"

#include <signal.h>

#ifndef RONDO_TEST_EXAMPLES
#define RONDO_TEST_EXAMPLES NULL
#define RONDO_TEST_SUFFIX   ""
#endif

enum { URLS = 10, URL_SIZE = 64 };

static int patience(void)
{
    return TEST_DEADLINE_MS * test_slowness();
}

/* That example on this backend, with these words behind it. */
static struct raw_program *start(struct world *w, const char *name,
                                 const char *const *words)
{
    const char *other = getenv("RONDO_TEST_EXAMPLES");
    const char *folder = other ? other : RONDO_TEST_EXAMPLES;
    char path[512];
    const char *argv[URLS + 8] = {path, "--backend", w->backend};
    struct raw_program *p;

    if (!folder)
        test_skip(w, "the examples are not in this build");
    (void)snprintf(path, sizeof path, "%s%s%s", folder, name,
                   RONDO_TEST_SUFFIX);
    for (int i = 0; words[i] && i < URLS + 4; i++)
        argv[i + 3] = words[i];
    p = raw_program_start(argv);
    assert_non_null(p);
    return p;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *must_say(struct world *w, struct raw_program *p,
                            const char *what)
{
    const char *rest = raw_program_says(p, what, patience());

    if (!rest)
        test_fail(w, "it did not say \"%s\" but: %s", what,
                  raw_program_output(p));
    return rest;
}

/* The port that it listens at. */
static uint16_t must_listen(struct world *w, struct raw_program *p)
{
    return (uint16_t)strtol(must_say(w, p, "listening on 127.0.0.1:"), NULL,
                            10);
}

static void must_end(struct world *w, struct raw_program *p, int expected)
{
    int code = raw_program_end(p, patience());

    if (code != expected)
        test_fail(w, "it ended with %d", code);
}

/* ---- fetch -------------------------------------------------------------- */

static char urls[URLS][URL_SIZE];

/* fetch, of ten pages of that port, with `seconds` for all. */
static struct raw_program *fetch_ten(struct world *w, uint16_t port,
                                     const char *seconds)
{
    const char *words[URLS + 3] = {"--seconds", seconds};

    for (int i = 0; i < URLS; i++) {
        (void)snprintf(urls[i], URL_SIZE, "http://127.0.0.1:%u/%d",
                       (unsigned)port, i);
        words[i + 2] = urls[i];
    }
    return start(w, "fetch", words);
}

static void C2_fetch_gets_ten_pages(void **state)
{
    struct world *w = *state;
    struct raw_program *server = start(w, "hello", WORDS("0"));
    struct raw_program *p = fetch_ten(w, must_listen(w, server), "60");

    for (int i = 0; i < URLS; i++) {
        const char *told = must_say(w, p, urls[i]);

        assert_int_equal(strncmp(told, ": ", 2), 0);
        assert_non_null(strstr(told, " bytes, HTTP/1.1 200 OK"));
    }
    must_end(w, p, 0);
    assert_int_equal(raw_program_signal(server, SIGINT), 0);
    must_end(w, server, 0);
}

static void C2_fetch_has_one_deadline_for_all(void **state)
{
    struct world *w = *state;
    uint16_t port;
    raw_fd silent = raw_listen(&port, 16);
    struct raw_program *p = fetch_ten(w, port, "1");

    assert_non_null(strstr(must_say(w, p, urls[0]), "(ETIMEDOUT)"));
    assert_non_null(strstr(must_say(w, p, urls[URLS - 1]), "not begun"));
    must_end(w, p, 1);
    raw_close(silent);
}

static void C2_fetch_says_what_went_wrong(void **state)
{
    struct world *w = *state;
    uint16_t port;
    raw_fd nobody = raw_reserve_port(&port);
    struct raw_program *p = fetch_ten(w, port, "60");

    for (int i = 0; i < URLS; i++)
        assert_non_null(strstr(must_say(w, p, urls[i]), "ECONNREFUSED"));
    must_end(w, p, 1);
    raw_close(nobody);
    must_end(w, start(w, "fetch", WORDS("gopher://127.0.0.1/")), 2);
    must_end(w, start(w, "fetch", WORDS("http://127.0.0.1:65536/")), 2);
}

/* ---- cores -------------------------------------------------------------- */

static void E3_cores_serves_on_each_loop(void **state)
{
    enum { CLIENTS = 24 };
    struct world *w = *state;
    struct raw_program *p = start(w, "cores", WORDS("0", "3"));
    uint16_t port = must_listen(w, p);
    raw_fd client[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        client[i] = raw_connect(port);
        assert_true(client[i] != RONDO_NO_FD);
        assert_true(raw_send_all(client[i], "hello", 5, patience()));
    }
    for (int i = 0; i < CLIENTS; i++) {
        char text[6] = "";

        assert_true(raw_recv_exact(client[i], text, 5, patience()));
        assert_string_equal(text, "hello");
    }
    assert_int_equal(raw_program_signal(p, SIGINT), 0);
    (void)must_say(w, p, "loop 0: ");
    if (rondo_loop_supports(w->loop, RONDO_CAN_REUSE_PORT)) {
        (void)must_say(w, p, "loop 1: ");
        (void)must_say(w, p, "loop 2: ");
    }
    (void)must_say(w, p, "24 clients in all");
    must_end(w, p, 0);
    for (int i = 0; i < CLIENTS; i++)
        raw_close(client[i]);
}

static void E3_cores_ends_when_it_cannot_serve(void **state)
{
    struct world *w = *state;
    uint16_t port;
    raw_fd taken = raw_reserve_port(&port);
    char text[8];
    struct raw_program *p;

    (void)snprintf(text, sizeof text, "%u", (unsigned)port);
    p = start(w, "cores", WORDS(text, "3"));
    (void)must_say(w, p, "EADDRINUSE");
    must_end(w, p, 1);
    raw_close(taken);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(C2_fetch_gets_ten_pages),
        TEST(C2_fetch_has_one_deadline_for_all),
        TEST(C2_fetch_says_what_went_wrong),
        TEST(E3_cores_serves_on_each_loop),
        TEST(E3_cores_ends_when_it_cannot_serve),
    };

    return told_run("examples_net", tests, TEST_COUNT(tests));
}
