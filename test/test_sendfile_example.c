/* test_sendfile_example.c - the example that serves files, asked by a plain
 * client. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "raw_program.h"
#include "signal_told.h"

#include <signal.h>

#ifndef RONDO_TEST_EXAMPLES
#define RONDO_TEST_EXAMPLES NULL
#define RONDO_TEST_SUFFIX   ""
#endif

enum { SIZE = 300000 };

struct served {
    struct world *w;
    struct raw_program *program;
    raw_fd client;
    uint16_t port;
    char path[64]; /* of a file with the pattern, in the folder served */
    char head[1024];
};

static void make_file(const char *path)
{
    unsigned char *bytes = malloc(SIZE);
    FILE *file = fopen(path, "wb");

    assert_true(bytes && file);
    test_fill(bytes, 0, SIZE);
    assert_int_equal(fwrite(bytes, 1, SIZE, file), SIZE);
    assert_int_equal(fclose(file), 0);
    free(bytes);
}

static struct served *serve(struct world *w)
{
    const char *other = getenv("RONDO_TEST_EXAMPLES");
    const char *folder = other ? other : RONDO_TEST_EXAMPLES;
    struct served *s = test_alloc(w, sizeof *s);
    char path[512];
    const char *argv[] = {path, "--backend", w->backend, "0", ".", NULL};
    const char *port;

    test_skip_if(w, !folder, "the examples are not in this build");
    s->w = w;
    (void)snprintf(s->path, sizeof s->path, "test_files_%s.txt", w->backend);
    make_file(s->path);
    (void)snprintf(path, sizeof path, "%sfiles%s", folder, RONDO_TEST_SUFFIX);
    s->program = raw_program_start(argv);
    assert_non_null(s->program);
    port = raw_program_says(s->program,
                            "listening on 127.0.0.1:", test_patience_ms());
    assert_non_null(port);
    assert_non_null(raw_program_says(s->program, "\n", test_patience_ms()));
    s->port = (uint16_t)strtol(port, NULL, 10);
    s->client = raw_connect(s->port);
    assert_true(s->client != RONDO_NO_FD);
    return s;
}

static void end(struct served *s)
{
    raw_close(s->client);
    (void)remove(s->path);
    assert_int_equal(raw_program_signal(s->program, SIGINT), 0);
    assert_int_equal(raw_program_end(s->program, test_patience_ms()), 0);
}

static void ask(struct served *s, const char *method, const char *target,
                const char *more)
{
    char text[512];

    (void)snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n",
                   method, target, more);
    assert_true(
        raw_send_all(s->client, text, strlen(text), test_patience_ms()));
}

/* Reads an answer's head, which has these words in it; its Content-Length. */
static long must_answer(struct served *s, const char *words)
{
    size_t used = 0;
    const char *length;

    while (used + 1 < sizeof s->head &&
           (used < 4 || !strstr(s->head, "\r\n\r\n"))) {
        assert_true(
            raw_recv_exact(s->client, s->head + used, 1, test_patience_ms()));
        s->head[++used] = 0;
    }
    if (!strstr(s->head, words))
        test_fail(s->w, "no \"%s\" in: %s", words, s->head);
    length = strstr(s->head, "Content-Length: ");
    assert_non_null(length);
    return strtol(length + 16, NULL, 10);
}

static void must_send(struct served *s, size_t from, size_t size)
{
    unsigned char *bytes = test_alloc(s->w, size);

    assert_true(raw_recv_exact(s->client, bytes, size, test_patience_ms()));
    assert_true(test_matches(bytes, from, size));
}

static void must_refuse(struct served *s, const char *status)
{
    char text[64];
    long size = must_answer(s, status);

    assert_true(size > 0 && size < (long)sizeof text);
    assert_true(
        raw_recv_exact(s->client, text, (size_t)size, test_patience_ms()));
}

TEST(S15_files_one_after_another)
{
    struct served *s = serve(w);
    char target[80];

    (void)snprintf(target, sizeof target, "/%s", s->path);
    for (int i = 0; i < 3; i++) {
        ask(s, "GET", target, "");
        assert_int_equal(must_answer(s, "HTTP/1.1 200 OK"), SIZE);
        must_send(s, 0, SIZE);
        ask(s, "HEAD", target, "");
        assert_int_equal(must_answer(s, "text/plain"), SIZE);
    }
    /* all at once, answered in order; the last one says so */
    ask(s, "GET", target, "");
    ask(s, "HEAD", target, "");
    ask(s, "GET", target, "Connection: close\r\n");
    assert_int_equal(must_answer(s, "200 OK"), SIZE);
    must_send(s, 0, SIZE);
    assert_int_equal(must_answer(s, "200 OK"), SIZE);
    assert_int_equal(must_answer(s, "Connection: close"), SIZE);
    must_send(s, 0, SIZE);
    assert_int_equal(raw_recv(s->client, target, 1, test_patience_ms()), 0);
    end(s);
}

TEST(S15_files_in_part)
{
    struct served *s = serve(w);
    char target[80];

    (void)snprintf(target, sizeof target, "/%s?query", s->path);
    ask(s, "GET", target, "Range: bytes=1000-1999\r\n");
    assert_int_equal(must_answer(s, "bytes 1000-1999/300000"), 1000);
    assert_non_null(strstr(s->head, "206 Partial Content"));
    must_send(s, 1000, 1000);
    ask(s, "GET", target, "range: bytes=299990-\r\n");
    assert_int_equal(must_answer(s, "206"), 10);
    must_send(s, SIZE - 10, 10);
    ask(s, "GET", target, "Range: bytes=-5\r\n");
    assert_int_equal(must_answer(s, "206"), 5);
    must_send(s, SIZE - 5, 5);
    ask(s, "GET", target, "Range: bytes=300000-\r\n");
    must_refuse(s, "416");
    ask(s, "GET", target, "Range: lines=1-2\r\n");
    assert_int_equal(must_answer(s, "200 OK"), SIZE);
    must_send(s, 0, SIZE);
    end(s);
}

TEST(S15_files_outside_are_refused)
{
    /* a star is the file's name */
    static const char *const outside[] = {
        "/../*",   "/x/../../*", "/%2e%2e/*", "/..%2f*",    "/..\\*",
        "/..%5c*", "/./*",       "/C:/*",     "/*%00.html", "/.*",
        "/no/*",   "/*/",        "/*%zz",     "//../*",     "/*/../*"};
    struct served *s = serve(w);
    char target[80];

    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        size_t used = 0;

        for (const char *at = outside[i]; *at; at++)
            used += (size_t)snprintf(target + used, sizeof target - used,
                                     *at == '*' ? "%s" : "%.1s",
                                     *at == '*' ? s->path : at);
        ask(s, "GET", target, "");
        must_refuse(s, "404 Not Found");
    }
    ask(s, "GET", "/.", "");
    must_refuse(s, "404 Not Found");
    ask(s, "GET", s->path, ""); /* without a slash */
    must_refuse(s, "404 Not Found");
    end(s);
}

TEST(S15_files_other_requests)
{
    static const char *const requests[][2] = {
        {"DELETE / HTTP/1.1\r\n\r\n", "405"},
        {"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", "413"},
        {"nonsense\r\n\r\n", "400"},
        {"GET /\r\n\r\n", "400"},
        {"\r\n\r\n", "400"}};
    struct served *s = serve(w);
    char *much = test_alloc(s->w, 20000);

    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        raw_close(s->client);
        s->client = raw_connect(s->port);
        assert_true(raw_send_all(s->client, requests[i][0],
                                 strlen(requests[i][0]), test_patience_ms()));
        must_refuse(s, requests[i][1]);
        assert_int_equal(raw_recv(s->client, much, 1, test_patience_ms()), 0);
    }
    raw_close(s->client);
    s->client = raw_connect(s->port);
    memset(much, 'x', 20000);
    assert_true(raw_send_all(s->client, much, 20000, test_patience_ms()));
    must_refuse(s, "431");
    end(s);
}

/* Who leaves in the middle takes nobody with him. */
TEST(S15_files_for_those_who_leave)
{
    struct served *s = serve(w);
    char target[80];

    (void)snprintf(target, sizeof target, "/%s", s->path);
    for (int i = 0; i < 20; i++) {
        for (int j = 0; j < 20; j++)
            ask(s, "GET", target, "");
        (void)must_answer(s, "200 OK");
        raw_reset(s->client);
        s->client = raw_connect(s->port);
    }
    ask(s, "GET", target, "");
    assert_int_equal(must_answer(s, "200 OK"), SIZE);
    must_send(s, 0, SIZE);
    end(s);
}
