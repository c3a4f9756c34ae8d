/* test_tls_fetch.c - fetch with https:// in it: ten URLs, bad certificates. */
/* SPDX-License-Identifier: MIT */
#include "harness_example.h"
#include "raw_net.h"
#include "signal_told.h"
#include "tls_world.h"

#ifndef TLS_EXAMPLES
#define TLS_EXAMPLES NULL
#endif

enum { URLS = 10, URL_SIZE = 64 };

static const char *const examples = TLS_EXAMPLES;
static char urls[URLS][URL_SIZE];

static void need_examples(struct world *w)
{
    test_skip_if(w, !examples, "the examples are not in this build");
}

/* page with that certificate */
static struct raw_program *serve_page(struct world *w, const char *certificate)
{
    need_examples(w);
    return example_start(w, examples, "page", WORDS(tls_file(w, certificate)));
}

/* Ten URLs, in turn of a server with and without TLS. */
static struct raw_program *fetch_ten(struct world *w, uint16_t secure,
                                     uint16_t plain, const char *ca,
                                     const char *seconds)
{
    const char *words[URLS + 5] = {"--seconds", seconds, "--ca", ca};

    for (int i = 0; i < URLS; i++) {
        (void)snprintf(urls[i], URL_SIZE, "http%s://127.0.0.1:%u/%d",
                       i % 2 ? "" : "s", (unsigned)(i % 2 ? plain : secure), i);
        words[i + 4] = urls[i];
    }
    return example_start(w, examples, "fetch", words);
}

/* Fetch must have told that of a URL. It tells all at once, at its end. */
static void must_tell(struct world *w, struct raw_program *p, int url,
                      const char *words)
{
    char line[512];
    const char *rest = example_says(w, p, urls[url]);

    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(rest, "\n"), rest);
    if (!strstr(line, words))
        test_fail(w, "%s: not \"%s\" but: %s", urls[url], words, line);
}

static const char *const fetched = " bytes, HTTP/1.1 200 OK";

/* What is told of each that is fetched with TLS; the others are fetched. */
static void check_fetch(struct world *w, const char *certificate,
                        const char *ca, const char *words, int code)
{
    struct raw_program *page = serve_page(w, certificate);
    struct raw_program *hello = example_start(w, NULL, "hello", WORDS("0"));
    struct raw_program *p =
        fetch_ten(w, example_port(w, page), example_port(w, hello),
                  tls_file(w, ca), "60");

    for (int i = 0; i < URLS; i++)
        must_tell(w, p, i, i % 2 ? fetched : words);
    example_ends(w, p, code);
    example_stop(w, page);
    example_stop(w, hello);
}

TEST_CASE(S13_fetch_gets_pages_with_and_without_tls,
          check_fetch(w, "valid.pem", "ca.pem", fetched, 0));

TEST_CASE(S13_fetch_refuses_a_certificate_of_another_host,
          check_fetch(w, "wrong.pem", "ca.pem",
                      "certificate refused: IP address mismatch", 1));

TEST_CASE(S13_fetch_refuses_a_certificate_that_nobody_signed,
          check_fetch(w, "valid.pem", "stranger.pem",
                      "certificate refused: ", 1));

/* Nobody shakes hands there: one deadline ends those that wait, and those that
 * have not begun. */
TEST(S13_fetch_has_one_deadline_for_handshakes)
{
    uint16_t port;
    struct raw_program *p;

    need_examples(w);
    (void)test_own(w, raw_listen(&port, 16)); /* which is silent */
    p = fetch_ten(w, port, port, tls_file(w, "ca.pem"), "1");
    must_tell(w, p, 0, "(ECANCELED)"); /* its handshake */
    must_tell(w, p, 1, "(ETIMEDOUT)");
    must_tell(w, p, URLS - 1, "not begun in time");
    example_ends(w, p, 1);
}

TEST(S13_fetch_without_its_authority_does_not_begin)
{
    struct raw_program *p;

    need_examples(w);
    p = fetch_ten(w, 1, 1, "/nowhere", "60");
    (void)example_says(w, p, "trusted certificates /nowhere");
    example_ends(w, p, 1);
}
