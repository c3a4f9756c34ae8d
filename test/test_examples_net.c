/* test_examples_net.c - examples as programs: many connections, many loops. */
/* SPDX-License-Identifier: MIT */
#include "harness_example.h"
#include "raw_net.h"
#include "signal_told.h"

#include <signal.h>

enum { URLS = 10 };

static struct raw_program *start(struct world *w, const char *name,
                                 const char *const *words)
{
    return example_start(w, NULL, name, words);
}

/* ---- fetch -------------------------------------------------------------- */

static const char *urls[URLS];

/* fetch, of ten pages of that port, with `seconds` for all. */
static struct raw_program *fetch_ten(struct world *w, uint16_t port,
                                     const char *seconds)
{
    const char *words[URLS + 3] = {"--seconds", seconds};

    for (int i = 0; i < URLS; i++)
        words[i + 2] = urls[i] =
            test_format(w, "http://127.0.0.1:%u/%d", (unsigned)port, i);
    return start(w, "fetch", words);
}

TEST(C2_fetch_gets_ten_pages)
{
    struct raw_program *server = start(w, "hello", WORDS("0"));
    struct raw_program *p = fetch_ten(w, example_port(w, server), "60");

    for (int i = 0; i < URLS; i++) {
        const char *told = example_says(w, p, urls[i]);

        assert_int_equal(strncmp(told, ": ", 2), 0);
        assert_non_null(strstr(told, " bytes, HTTP/1.1 200 OK"));
    }
    example_ends(w, p, 0);
    example_stop(w, server);
}

TEST(C2_fetch_has_one_deadline_for_all)
{
    uint16_t port;
    raw_fd silent = raw_listen(&port, 16);
    struct raw_program *p = fetch_ten(w, port, "1");

    assert_non_null(strstr(example_says(w, p, urls[0]), "(ETIMEDOUT)"));
    assert_non_null(strstr(example_says(w, p, urls[URLS - 1]), "not begun"));
    example_ends(w, p, 1);
    raw_close(silent);
}

TEST(C2_fetch_says_what_went_wrong)
{
    uint16_t port;
    raw_fd nobody = raw_reserve_port(&port);
    struct raw_program *p = fetch_ten(w, port, "60");

    for (int i = 0; i < URLS; i++)
        assert_non_null(strstr(example_says(w, p, urls[i]), "ECONNREFUSED"));
    example_ends(w, p, 1);
    raw_close(nobody);
    p = start(w, "fetch", WORDS("http://127.0.0.1/", "https://127.0.0.1/"));
    (void)example_says(w, p, "built without OpenSSL");
    example_ends(w, p, 1);
    example_ends(w, start(w, "fetch", WORDS("gopher://127.0.0.1/")), 2);
    example_ends(w, start(w, "fetch", WORDS("http://127.0.0.1:65536/")), 2);
}

/* ---- quic_echo ---------------------------------------------------------- */

TEST(D8_quic_echo_holds_64_connections)
{
    struct raw_program *p = start(w, "quic_echo", WORDS("20"));

    assert_non_null(
        strstr(example_says(w, p, "64 connections, 1280 packets"), "0 wrong"));
    example_ends(w, p, 0);
}

/* ---- cores -------------------------------------------------------------- */

TEST(M3_cores_serves_on_each_loop)
{
    enum { CLIENTS = 24 };
    struct raw_program *p = start(w, "cores", WORDS("0", "3"));
    uint16_t port = example_port(w, p);
    raw_fd client[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        client[i] = test_own(w, raw_connect(port));
        assert_true(raw_send_all(client[i], "hello", 5, test_patience_ms()));
    }
    for (int i = 0; i < CLIENTS; i++) {
        char text[6] = "";

        assert_true(raw_recv_exact(client[i], text, 5, test_patience_ms()));
        assert_string_equal(text, "hello");
    }
    assert_int_equal(raw_program_signal(p, SIGINT), 0);
    (void)example_says(w, p, "loop 0: ");
    (void)example_says(w, p, "loop 1: ");
    (void)example_says(w, p, "loop 2: ");
    (void)example_says(w, p, "24 clients in all");
    example_ends(w, p, 0);
}

TEST(M3_cores_ends_when_it_cannot_serve)
{
    uint16_t port;
    raw_fd taken = raw_reserve_port(&port);
    struct raw_program *p =
        start(w, "cores", WORDS(test_format(w, "%u", (unsigned)port), "3"));

    (void)example_says(w, p, "EADDRINUSE");
    example_ends(w, p, 1);
    raw_close(taken);
}
