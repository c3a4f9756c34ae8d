/* harness_refused.c - calls that must be refused. */
/* SPDX-License-Identifier: MIT */
#include "harness_internal.h"

#include <inttypes.h>

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

static size_t count_alive(const struct world *w)
{
    rondo_loop_metrics m = test_metrics(w);

    return m.live_timers + m.live_watchers + m.live_transports +
           m.live_servers + m.live_datagrams + m.live_operations +
           m.live_processes;
}

void test_refuse_rows(struct world *w,
                      int64_t (*call)(struct world *w, const void *options),
                      const char *function, const struct refusal *rows,
                      size_t count)
{
    size_t alive = count_alive(w), descriptors = raw_count_descriptors();

    for (size_t i = 0; i < count; i++) {
        (void)test_row(w, rows[i].name);
        test_check_error(call(w, rows[i].options), rows[i].error, function,
                         __FILE__, __LINE__);
        check_sentence(function, strlen(function), rows[i].words, __FILE__,
                       __LINE__);
        assert_int_equal(count_alive(w), alive);
        assert_int_equal(raw_count_descriptors(), descriptors);
    }
    (void)test_row(w, NULL);
}
