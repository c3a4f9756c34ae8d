/* test_sendfile_example.c - the example that serves files, asked by a plain
 * client. */
/* SPDX-License-Identifier: MIT */
#include "harness_example.h"

enum { SIZE = 300000 };

struct served {
    struct world *w;
    struct raw_program *program;
    raw_fd client;
    uint16_t port;
    char path[64]; /* of a file with the pattern, in the folder served */
    char target[80];
    char head[1024];
};

static void make_file(struct world *w, const char *path)
{
    unsigned char *bytes = test_alloc(w, SIZE);
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    test_fill(bytes, 0, SIZE);
    assert_int_equal(fwrite(bytes, 1, SIZE, file), SIZE);
    assert_int_equal(fclose(file), 0);
}

static void another_client(struct served *s)
{
    raw_close(s->client);
    s->client = raw_connect(s->port);
    assert_true(s->client != RONDO_NO_FD);
}

static struct served *serve(struct world *w)
{
    struct served *s = test_alloc(w, sizeof *s);

    s->w = w;
    s->program = example_start(w, NULL, "files", WORDS("0", "."));
    (void)snprintf(s->path, sizeof s->path, "test_files_%s.txt", w->backend);
    (void)snprintf(s->target, sizeof s->target, "/%s", s->path);
    make_file(w, s->path);
    s->port = example_port(w, s->program);
    s->client = RONDO_NO_FD;
    another_client(s);
    return s;
}

static void end(struct served *s)
{
    raw_close(s->client);
    (void)remove(s->path);
    example_stop(s->w, s->program);
}

static void say(struct served *s, const char *text)
{
    assert_true(
        raw_send_all(s->client, text, strlen(text), test_patience_ms()));
}

static void ask(struct served *s, const char *method, const char *target,
                const char *more)
{
    char text[512];

    (void)snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n",
                   method, target, more);
    say(s, text);
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

    for (int i = 0; i < 3; i++) {
        ask(s, "GET", s->target, "");
        assert_int_equal(must_answer(s, "HTTP/1.1 200 OK"), SIZE);
        must_send(s, 0, SIZE);
        ask(s, "HEAD", s->target, "");
        assert_int_equal(must_answer(s, "text/plain"), SIZE);
    }
    /* all at once, answered in order; the last one says so */
    ask(s, "GET", s->target, "");
    ask(s, "HEAD", s->target, "");
    ask(s, "GET", s->target, "Connection: close\r\n");
    assert_int_equal(must_answer(s, "200 OK"), SIZE);
    must_send(s, 0, SIZE);
    assert_int_equal(must_answer(s, "200 OK"), SIZE);
    assert_int_equal(must_answer(s, "Connection: close"), SIZE);
    must_send(s, 0, SIZE);
    assert_int_equal(raw_recv(s->client, s->head, 1, test_patience_ms()), 0);
    end(s);
}

TEST(S15_files_in_part)
{
    static const struct {
        const char *name, *answer;
        size_t from, size;
    } rows[] = {
        {"Range: bytes=1000-1999", "bytes 1000-1999/300000", 1000, 1000},
        {"Range: bytes=1000-1999", "206 Partial Content", 1000, 1000},
        {"range: bytes=299990-", "206", SIZE - 10, 10},
        {"Range: bytes=-5", "206", SIZE - 5, 5},
        {"Range: bytes=300000-", "416", 0, 0},
        {"Range: lines=1-2", "200 OK", 0, SIZE},
    };
    struct served *s = serve(w);
    char target[90], range[64];

    (void)snprintf(target, sizeof target, "%s?query", s->target);
    for (EACH_ROW(w, row, rows)) {
        (void)snprintf(range, sizeof range, "%s\r\n", row->name);
        ask(s, "GET", target, range);
        if (row->size == 0) {
            must_refuse(s, row->answer);
            continue;
        }
        assert_int_equal(must_answer(s, row->answer), (long)row->size);
        must_send(s, row->from, row->size);
    }
    end(s);
}

TEST(S15_files_outside_are_refused)
{
    /* a star is the file's name; the last has no slash */
    static const char *const outside[] = {
        "/../*", "/x/../../*", "/%2e%2e/*",  "/..%2f*", "/..\\*", "/..%5c*",
        "/./*",  "/C:/*",      "/*%00.html", "/.*",     "/no/*",  "/*/",
        "/*%zz", "//../*",     "/*/../*",    "/.",      "*"};
    struct served *s = serve(w);
    char target[80];

    for (size_t i = 0; i < COUNT_OF(outside); i++) {
        size_t used = 0;

        for (const char *at = outside[i]; *at; at++)
            used += (size_t)snprintf(target + used, sizeof target - used,
                                     *at == '*' ? "%s" : "%.1s",
                                     *at == '*' ? s->path : at);
        ask(s, "GET", target, "");
        must_refuse(s, "404 Not Found");
    }
    end(s);
}

TEST(S15_files_other_requests)
{
    static const struct {
        const char *name, *answer;
    } rows[] = {
        {"DELETE / HTTP/1.1\r\n\r\n", "405"},
        {"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", "413"},
        {"nonsense\r\n\r\n", "400"},
        {"GET /\r\n\r\n", "400"},
        {"\r\n\r\n", "400"},
    };
    struct served *s = serve(w);
    char *much = test_alloc(w, 20001);

    for (EACH_ROW(w, row, rows)) {
        another_client(s);
        say(s, row->name);
        must_refuse(s, row->answer);
        assert_int_equal(raw_recv(s->client, much, 1, test_patience_ms()), 0);
    }
    another_client(s);
    memset(much, 'x', 20000);
    say(s, much);
    must_refuse(s, "431");
    end(s);
}

/* Who leaves in the middle takes nobody with him. */
TEST(S15_files_for_those_who_leave)
{
    struct served *s = serve(w);

    for (int i = 0; i < 20; i++) {
        for (int j = 0; j < 20; j++)
            ask(s, "GET", s->target, "");
        assert_int_equal(must_answer(s, "200 OK"), SIZE);
        raw_reset(s->client);
        s->client = RONDO_NO_FD;
        another_client(s);
    }
    ask(s, "GET", s->target, "");
    assert_int_equal(must_answer(s, "200 OK"), SIZE);
    must_send(s, 0, SIZE);
    end(s);
}
