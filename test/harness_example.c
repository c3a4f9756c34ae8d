/* harness_example.c - an example as a program beside the test. */
/* SPDX-License-Identifier: MIT */
#include "harness_example.h"

#include <signal.h>

#ifndef RONDO_TEST_EXAMPLES
#define RONDO_TEST_EXAMPLES NULL
#define RONDO_TEST_SUFFIX   ""
#endif

enum { WORDS_MOST = 20 };

struct raw_program *example_start(struct world *w, const char *folder,
                                  const char *name, const char *const *words)
{
    const char *other = getenv("RONDO_TEST_EXAMPLES");
    char path[512];
    const char *argv[WORDS_MOST + 2] = {path};
    struct raw_program *p;
    int i;

    if (!folder)
        folder = other ? other : RONDO_TEST_EXAMPLES;
    test_skip_if(w, !folder, "the examples are not in this build");
    (void)snprintf(path, sizeof path, "%s%s%s", folder, name,
                   RONDO_TEST_SUFFIX);
    for (i = 0; words[i] && i < WORDS_MOST; i++)
        argv[1 + i] = words[i];
    argv[1 + i] = NULL;
    raw_set_environment("RONDO_BACKEND", w->backend);
    p = raw_program_start(argv);
    assert_non_null(p);
    return p;
}

const char *example_says(struct world *w, struct raw_program *p,
                         const char *what)
{
    const char *rest = raw_program_says(p, what, test_patience_ms());

    if (!rest)
        test_fail(w, "it did not say \"%s\" but: %s", what,
                  raw_program_output(p));
    return rest;
}

uint16_t example_port(struct world *w, struct raw_program *p)
{
    return (uint16_t)strtol(example_says(w, p, "listening on 127.0.0.1:"), NULL,
                            10);
}

void example_ends(struct world *w, struct raw_program *p, int code)
{
    int other = raw_program_end(p, test_patience_ms());

    if (other != code)
        test_fail(w, "it ended with %d", other);
}

void example_stop(struct world *w, struct raw_program *p)
{
    assert_int_equal(raw_program_signal(p, SIGINT), 0);
    example_ends(w, p, 0);
}
