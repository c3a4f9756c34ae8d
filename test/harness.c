/* harness.c - runs tests, each in a world of its own. */
/* SPDX-License-Identifier: MIT */
#include "harness_internal.h"

#include <inttypes.h>

#define MAX_TESTS 256

struct test_case {
    const struct test *test;
    struct world *w;
    bool finished; /* its result is written */
    bool refused;  /* the system has not what the backend needs */
};

/* of the running test; there is only one */
static struct test_case *current;

static void write_line(const char *kind, const char *result, const char *why)
{
    const char *path = getenv("RONDO_TEST_RESULTS");
    FILE *file = path && *path ? fopen(path, "ab") : NULL;

    if (!file)
        return;
    (void)fprintf(file, "%s %s %s", kind, current->w->backend,
                  current->test->name);
    if (result)
        (void)fprintf(file, " %s %s", result, why);
    (void)fprintf(file, "\n");
    (void)fclose(file);
}

static void write_result(const char *result, const char *why)
{
    if (!current->finished)
        write_line("RESULT", result, why);
    current->finished = true;
}

struct world *test_world(void)
{
    return current->w;
}

bool test_row(struct world *w, const char *name)
{
    w->row = name;
    return name != NULL;
}

/* What went wrong, after the row in which it did. */
static void keep_reason(struct world *w, const char *format, va_list args)
{
    int used = 0;

    if (w->row)
        used = snprintf(w->reason, 120, "row \"%.100s\": ", w->row);
    (void)vsnprintf(w->reason + used, sizeof w->reason - (size_t)used, format,
                    args);
}

void test_fail(struct world *w, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    keep_reason(w, format, args);
    va_end(args);
    print_error("%s\n", w->reason);
    _fail(current->test->name, 0);
    abort();
}

int64_t test_check_ok(int64_t result, const char *what, const char *file,
                      int line)
{
    if (result < 0)
        test_fail(current->w, "%s:%d: %s: %s (%s)", file, line, what,
                  rondo_error_name((int)result), rondo_last_error());
    return result;
}

void test_check_error(int64_t result, int error, const char *what,
                      const char *file, int line)
{
    if (result == error)
        return;
    test_fail(current->w, "%s:%d: %s: %" PRId64 " %s, not %s", file, line, what,
              result, result < 0 ? rondo_error_name((int)result) : "no error",
              rondo_error_name(error));
}

/* ---- setup -------------------------------------------------------------- */

rondo_loop_options test_loop_options(struct world *w)
{
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    const char *backend = getenv("RONDO_TEST_BACKEND");

    options.backend = backend && *backend ? backend : NULL;
    options.allocator = &w->allocator;
    /* A busy machine may leave a thread without its turn for seconds. */
    options.close_grace_ns = RONDO_SEC(60);
    return options;
}

rondo_loop *test_other_loop(struct world *w)
{
    rondo_loop_options options = test_loop_options(w);

    assert_ok(rondo_loop_new(&w->other, &options));
    return w->other;
}

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->memory = memory_new();
    if (!w->memory) {
        free(w);
        return NULL;
    }
    w->allocator = memory_allocator(w->memory);
    w->backend = "none";
    raw_snapshot_take(&w->descriptors);
    return w;
}

/* A kernel, or its owner, may refuse io_uring. */
static bool is_refused(const rondo_loop_options *options, int error)
{
    return error == RONDO_ENOTSUP && options->backend &&
           strcmp(options->backend, "io_uring") == 0;
}

static int setup(void **state)
{
    struct test_case *c = *state;
    rondo_loop_options options;
    int error;

    current = c;
    c->w = world_new();
    if (!c->w)
        return -1;
    c->w->leaves = c->test->leaves;
    options = test_loop_options(c->w);
    error = rondo_loop_new(&c->w->loop, &options);
    if (is_refused(&options, error)) {
        c->refused = true;
        c->w->backend = options.backend;
        write_line("START", NULL, NULL);
        return 0;
    }
    if (error < 0) {
        print_error("rondo_loop_new: %s\n", rondo_last_error());
        c->w->backend = options.backend ? options.backend : "default";
        write_result("fail", "rondo_loop_new failed");
        return -1;
    }
    c->w->backend = rondo_loop_backend(c->w->loop);
    write_line("START", NULL, NULL);
    return 0;
}

/* ---- the end of a test -------------------------------------------------- */

rondo_loop_metrics test_metrics(const struct world *w)
{
    rondo_loop_metrics m = RONDO_LOOP_METRICS_INIT;

    assert_ok(rondo_loop_get_metrics(w->loop, &m));
    return m;
}

uint64_t test_iterations(const struct world *w)
{
    return test_metrics(w).iterations;
}

static void check_clean(struct world *w)
{
    rondo_loop_metrics m = test_metrics(w);
    size_t live = m.live_timers + m.live_watchers + m.live_transports +
                  m.live_servers + m.live_datagrams + m.live_operations;

    if (live > 0)
        test_fail(w,
                  "left alive in the loop: timers %zu, watchers %zu, "
                  "transports %zu, servers %zu, datagram endpoints %zu, "
                  "operations %zu",
                  m.live_timers, m.live_watchers, m.live_transports,
                  m.live_servers, m.live_datagrams, m.live_operations);
}

static void close_one(struct world *w, rondo_loop **loop)
{
    int result;

    if (!*loop)
        return;
    result = rondo_loop_close(*loop);
    if (result < 0)
        test_fail(w, "rondo_loop_close: %s (%s)", rondo_error_name(result),
                  rondo_last_error());
    *loop = NULL;
}

void test_close_loop(struct world *w)
{
    close_one(w, &w->loop);
}

void test_close_other(struct world *w)
{
    close_one(w, &w->other);
}

static void check_memory(struct world *w)
{
    if (memory_damage(w->memory))
        test_fail(w, "memory: %s", memory_damage(w->memory));
    if (test_live_blocks(w) > 0)
        test_fail(w, "memory: %zu blocks of %zu bytes were never freed",
                  test_live_blocks(w), test_live_bytes(w));
}

/* A thread of the library may need a moment to be gone. */
static bool wait_for_descriptors(struct world *w)
{
    int64_t end = raw_now_ns() + RONDO_SEC(2) * test_slowness();

    while (raw_count_descriptors() != w->descriptors.count) {
        if (raw_now_ns() > end)
            return false;
        raw_sleep_ms(1);
    }
    return true;
}

static void check_descriptors(struct world *w)
{
    char text[160];

    if (!wait_for_descriptors(w)) {
        raw_snapshot_differences(&w->descriptors, text, sizeof text);
        test_fail(w, "descriptors: %zu open before, %zu now:%s",
                  w->descriptors.count, raw_count_descriptors(), text);
    }
}

static void finish(struct world *w)
{
    test_fail_allocation(w, 0);
    if (w->loop && !w->leaves)
        check_clean(w);
    close_one(w, &w->other);
    close_one(w, &w->loop);
    test_free_descriptors(w);
    own_end(w);
    check_memory(w);
    if (!w->allow_descriptors)
        check_descriptors(w);
}

void test_skip(struct world *w, const char *reason)
{
    /* what it made and opened before it found out */
    w->leaves = w->allow_descriptors = true;
    finish(w);
    raw_snapshot_close_new(&w->descriptors);
    (void)wait_for_descriptors(w); /* the next test counts from here */
    print_message("skipped: %s\n", reason);
    write_result("skip", reason);
    skip();
}

void test_skip_if(struct world *w, bool condition, const char *reason)
{
    if (condition)
        test_skip(w, reason);
}

static void run_one(void **state)
{
    struct test_case *c = *state;

    test_skip_if(c->w, c->refused, "io_uring is refused here");
    c->test->fn(c->w);
    finish(c->w);
    write_result("pass", "-");
}

static void tell_failure(struct world *w)
{
    if (!w->reason[0] && w->row) {
        (void)snprintf(w->reason, sizeof w->reason, "row \"%.100s\": assertion",
                       w->row);
        print_error("%s\n", w->reason);
    }
    write_result("fail", w->reason[0] ? w->reason : "assertion");
}

/*
 * After a failed assertion the loop may be in the middle of a callback, and
 * what the callbacks touch may be gone: the world is left as it is, but for
 * its descriptors, which later tests could run out of.
 */
static int teardown(void **state)
{
    struct test_case *c = *state;

    if (!c->finished) {
        tell_failure(c->w);
        test_free_descriptors(c->w);
        test_close_all_own(c->w);
        raw_snapshot_close_new(&c->w->descriptors);
        (void)wait_for_descriptors(c->w);
        return 0;
    }
    arena_free(c->w);
    memory_free(c->w->memory);
    free(c->w);
    c->w = NULL;
    return 0;
}

/* ---- the executable ----------------------------------------------------- */

static struct test *tests;
static struct test_around *arounds;

/* The order in which constructors run differs among systems. */
void test_register(struct test *test)
{
    struct test **at = &tests;

    while (*at && (*at)->line < test->line)
        at = &(*at)->next;
    test->next = *at;
    *at = test;
}

void test_register_around(struct test_around *around)
{
    around->next = arounds;
    arounds = around;
}

/* "stream" of "test_stream.c" */
static void name_subject(char *subject, size_t size)
{
    const char *file = tests->file, *start = strstr(file, "test_");

    for (const char *next = start; next; next = strstr(next + 1, "test_"))
        start = next;
    (void)snprintf(subject, size, "%s", start ? start + 5 : file);
    if (strrchr(subject, '.'))
        *strrchr(subject, '.') = '\0';
}

static int run_all(void)
{
    static struct test_case cases[MAX_TESTS];
    static struct CMUnitTest units[MAX_TESTS];
    const char *filter = getenv("RONDO_TEST_FILTER");
    char subject[64];
    size_t count = 0;

    if (!tests)
        return 1;
    for (struct test *t = tests; t; t = t->next) {
        if (count == MAX_TESTS)
            return 1;
        cases[count].test = t;
        units[count] = (struct CMUnitTest){.name = t->name,
                                           .test_func = run_one,
                                           .setup_func = setup,
                                           .teardown_func = teardown,
                                           .initial_state = &cases[count]};
        count++;
    }
    if (filter && *filter)
        cmocka_set_test_filter(filter);
    name_subject(subject, sizeof subject);
    return _cmocka_run_group_tests(subject, units, count, NULL, NULL);
}

/* Which states transports were met in: the library counts them where it has
 * assertions. */
static void write_states(void)
{
#ifndef NDEBUG
    bool rondo_p_stream_census(unsigned *at, char *text, size_t size);
    const char *path = getenv("RONDO_TEST_RESULTS");
    FILE *file = path && *path ? fopen(path, "ab") : NULL;
    unsigned at = 0;
    char text[80];

    while (file && rondo_p_stream_census(&at, text, sizeof text))
        (void)fprintf(file, "STATE - %s\n", text);
    if (file)
        (void)fclose(file);
#endif
}

int main(void)
{
    int failed;

    for (struct test_around *a = arounds; a; a = a->next)
        if (a->begin && !a->begin())
            return 1;
    failed = run_all();
    write_states();
    for (struct test_around *a = arounds; a; a = a->next)
        if (a->end)
            a->end();
    return failed;
}
