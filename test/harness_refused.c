/* harness_refused.c - calls that must be refused. */
/* SPDX-License-Identifier: MIT */
#include "harness_internal.h"

/* "call_soon" of "rondo_call_soon(NULL, fn, NULL)" */
static size_t name_length(const char *call, const char **name)
{
    if (strncmp(call, "rondo_", 6) != 0)
        return 0;
    *name = call + 6;
    return strcspn(*name, "(");
}

static void check_sentence(const char *name, size_t length, const char *words,
                           const char *file, int line)
{
    const char *said = rondo_last_error();

    if (strncmp(said, name, length) != 0 ||
        (length > 0 && strncmp(said + length, ": ", 2) != 0))
        test_fail(test_world(), "%s:%d: not of %.*s: \"%s\"", file, line,
                  (int)length, name, said);
    if (strlen(said) < length + 4)
        test_fail(test_world(), "%s:%d: no sentence: \"%s\"", file, line, said);
    if (words && !strstr(said, words))
        test_fail(test_world(), "%s:%d: no \"%s\" in \"%s\"", file, line, words,
                  said);
}

void test_check_refused(int64_t result, int error, const char *words,
                        const char *call, const char *file, int line)
{
    const char *name = "";
    size_t length = name_length(call, &name);

    test_check_error(result, error, call, file, line);
    check_sentence(name, length, words, file, line);
}
