/* test_cached_example.c - the example that keeps files in memory, and forgets
 * those that change. */
/* SPDX-License-Identifier: MIT */
#include "harness_example.h"
#include "harness_path.h"
#include "raw_change.h"

struct asked {
    struct world *w;
    struct raw_program *program;
    raw_fd client;
    char text[4096]; /* the last answer */
};

static struct asked *begin(struct world *w)
{
    struct asked *a = test_alloc(w, sizeof *a);
    uint16_t port;

    path_mkdir(w, "d");
    path_mkdir(w, "d/sub");
    path_write(w, "d/a", "first");
    path_write(w, "d/sub/b", "below");
    path_write(w, "d/empty", "");
    a->w = w;
    a->program =
        example_start(w, NULL, "cached", WORDS("0", file_path(w, "d")));
    port = example_port(w, a->program);
    a->client = test_own(w, raw_connect(port));
    assert_true(a->client != RONDO_NO_FD);
    return a;
}

static void end(struct asked *a)
{
    test_close_own(a->w, a->client);
    example_stop(a->w, a->program);
}

/* Reads one answer: its head, and as much as that says. */
static void take_answer(struct asked *a)
{
    size_t used = 0, wanted = SIZE_MAX;

    a->text[0] = '\0';
    while (used < wanted) {
        const char *body, *length;
        ptrdiff_t n =
            raw_recv(a->client, a->text + used, 1, test_patience_ms());

        assert_true(n == 1 && used + 2 < sizeof a->text);
        a->text[++used] = '\0';
        body = strstr(a->text, "\r\n\r\n");
        length = strstr(a->text, "Content-Length: ");
        if (body && wanted == SIZE_MAX)
            wanted = (size_t)(body + 4 - a->text) +
                     strtoul(length + strlen("Content-Length: "), NULL, 10);
    }
}

static void ask(struct asked *a, const char *target)
{
    char text[512];

    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n",
                   target);
    assert_true(
        raw_send_all(a->client, text, strlen(text), test_patience_ms()));
    take_answer(a);
}

/* Asks until the answer has these words, and asserts the body each time it is a
 * hit. */
static void ask_until(struct asked *a, const char *target, const char *words)
{
    int64_t end = raw_now_ns() + RONDO_MS(test_patience_ms());

    for (ask(a, target); !strstr(a->text, words); ask(a, target))
        if (raw_now_ns() > end)
            test_fail(a->w, "no \"%s\" but: %s", words, a->text);
}

static bool is_hit(const struct asked *a)
{
    return strstr(a->text, "X-Cache: hit");
}

TEST(Y2_a_cache_forgets_what_changes)
{
    struct asked *a = begin(w);

    ask_until(a, "/a", "X-Cache: hit");
    assert_non_null(strstr(a->text, "\r\n\r\nfirst"));
    path_write(w, "d/a", "second");
    ask_until(a, "/a", "\r\n\r\nsecond");
    ask_until(a, "/a", "X-Cache: hit");
    assert_non_null(strstr(a->text, "\r\n\r\nsecond"));
    path_write(w, "d/new", "third"); /* replaced, as editors do */
    path_rename(w, "d/new", "d/a");
    ask_until(a, "/a", "\r\n\r\nthird");
    path_unlink(w, "d/a");
    ask_until(a, "/a", "404");
    end(a);
}

TEST(Y4_a_cache_forgets_what_is_below)
{
    struct asked *a = begin(w);

    ask_until(a, "/sub/b", "X-Cache: hit");
    path_write(w, "d/sub/b", "other");
    ask_until(a, "/sub/b", "\r\n\r\nother");
    ask_until(a, "/sub/b", "X-Cache: hit");
    path_rename(w, "d/sub", "d/moved");
    ask_until(a, "/sub/b", "404");
    ask_until(a, "/moved/b", "X-Cache: hit");
    assert_non_null(strstr(a->text, "\r\n\r\nother"));
    end(a);
}

TEST(Y1_what_is_asked_for_in_other_ways)
{
    struct asked *a = begin(w);

    ask(a, "/none");
    assert_non_null(strstr(a->text, "404"));
    ask(a, "/../d/a");
    assert_non_null(strstr(a->text, "404"));
    ask(a, "/sub");
    assert_non_null(strstr(a->text, "404"));
    ask_until(a, "/empty", "X-Cache: hit");
    assert_non_null(strstr(a->text, "Content-Length: 0\r\n"));
    ask(a, "//%61?x=1"); /* the same file as /a */
    assert_non_null(strstr(a->text, "\r\n\r\nfirst"));
    ask_until(a, "/a", "X-Cache: hit");
    if (raw_change_symlink("sub", file_path(w, "d/link"))) {
        ask(a, "/link/b");
        assert_non_null(strstr(a->text, "404"));
        assert_false(is_hit(a));
    }
    end(a);
}

TEST(Y1_many_requests_at_once)
{
    static const char three[] = "GET /a HTTP/1.1\r\n\r\nGET /sub/b HTTP/1.1\r\n"
                                "\r\nGET /a HTTP/1.1\r\nConnection: close\r\n"
                                "\r\n";
    struct asked *a = begin(w);
    char byte;

    assert_true(
        raw_send_all(a->client, three, strlen(three), test_patience_ms()));
    take_answer(a);
    assert_non_null(strstr(a->text, "\r\n\r\nfirst"));
    take_answer(a);
    assert_non_null(strstr(a->text, "\r\n\r\nbelow"));
    take_answer(a);
    assert_non_null(strstr(a->text, "Connection: close"));
    assert_int_equal(raw_recv(a->client, &byte, 1, test_patience_ms()), 0);
    end(a);
}
