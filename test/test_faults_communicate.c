/* test_faults_communicate.c - what communicate must not call a success. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"
#include "raw_watch.h"

struct talk {
    struct world *w;
    unsigned calls;
    int error;
    char last_error[256];
    rondo_exit status;
    char out[64], err[64];
};

static void done(rondo_loop *loop, void *arg, const rondo_output *output,
                 int error)
{
    struct talk *t = arg;

    (void)loop;
    t->calls++;
    t->error = error;
    if (error)
        (void)snprintf(t->last_error, sizeof t->last_error, "%s",
                       rondo_last_error());
    t->status = output->status;
    (void)snprintf(t->out, sizeof t->out, "%s", (const char *)output->out);
    (void)snprintf(t->err, sizeof t->err, "%s", (const char *)output->err);
}

static struct talk *begin(struct world *w)
{
    struct talk *t;

    proc_need(w);
    t = test_alloc(w, sizeof *t);
    t->w = w;
    return t;
}

/* argv[0] is put in front of the words */
static rondo_id start(struct talk *t, rondo_process_options *o,
                      const char *const *words, const void *input, size_t size)
{
    const char *argv[16] = {raw_child()};

    for (int i = 0; words[i]; i++)
        argv[i + 1] = words[i];
    o->size = sizeof *o;
    o->argv = argv;
    return rondo_communicate(t->w->loop, o, input, size, 0, done, t);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void wait_for(struct talk *t)
{
    test_run_until(t->w, t->calls);
    assert_int_equal(t->calls, 1);
}

/* ---- X7: a part of the input -------------------------------------------- */

static char input[1 << 20];

TEST(X7_a_part_of_the_input_is_no_success)
{
    struct talk *t = begin(w);
    rondo_process_options o = RONDO_PROCESS_OPTIONS_INIT;
    unsigned before = raw_watches_refused();

    test_skip_if(w, !raw_watches_no_writers(true),
                 "the kernel always has room for a watch");
    assert_ok(
        start(t, &o, WORDS("drain", "0", "exit", "0"), input, sizeof input));
    test_spin(w, 3);
    (void)raw_watches_no_writers(false);
    wait_for(t);
    test_skip_if(w, raw_watches_refused() == before,
                 "this backend watches otherwise");
    assert_int_equal(t->error, RONDO_ENOSPC);
    assert_non_null(strstr(t->last_error, "communicate: "));
}

TEST(X7_a_child_that_does_not_read_is_no_failure)
{
    struct talk *t = begin(w);
    rondo_process_options o = RONDO_PROCESS_OPTIONS_INIT;

    assert_ok(start(t, &o, WORDS("exit", "3"), input, sizeof input));
    wait_for(t);
    assert_int_equal(t->error, 0);
    assert_true(t->status.known);
    assert_int_equal(t->status.code, 3);
}

/* ---- X7: extra descriptors ---------------------------------------------- */

/* Nobody could take what comes from it. */
TEST(X7_an_extra_pipe_is_refused)
{
    struct talk *t = begin(w);
    rondo_process_options o = RONDO_PROCESS_OPTIONS_INIT;
    const rondo_stdio_entry extra = {3, RONDO_STDIO_PIPE, 0};

    o.extra = &extra;
    o.extra_count = 1;
    assert_error(start(t, &o, WORDS("say", "1", "out"), NULL, 0), RONDO_EINVAL);
    assert_non_null(strstr(rondo_last_error(), "communicate: descriptor 3"));
    test_run_loop(w);
    assert_int_equal(t->calls, 0);
}

/* An entry in extra says what one of the three is as its own option does. */
TEST(X7_an_extra_entry_for_stdout)
{
    struct talk *t = begin(w);
    rondo_process_options o = RONDO_PROCESS_OPTIONS_INIT;
    rondo_stdio_entry extra = {1, RONDO_STDIO_NULL, 0};

    o.extra = &extra;
    o.extra_count = 1;
    assert_ok(
        start(t, &o, WORDS("say", "1", "out", "say", "2", "err"), NULL, 0));
    wait_for(t);
    assert_int_equal(t->error, 0);
    assert_string_equal(t->out, "");
    assert_string_equal(t->err, "err");
    extra = (rondo_stdio_entry){1, RONDO_STDIO_PIPE, 0};
    t->calls = 0;
    assert_ok(start(t, &o, WORDS("say", "1", "out"), NULL, 0));
    wait_for(t);
    assert_string_equal(t->out, "out");
}

TEST(X7_an_extra_entry_for_stdin)
{
    struct talk *t = begin(w);
    rondo_process_options o = RONDO_PROCESS_OPTIONS_INIT;
    const rondo_stdio_entry extra = {0, RONDO_STDIO_PIPE, 0};

    o.extra = &extra;
    o.extra_count = 1;
    assert_ok(start(t, &o, WORDS("copy", "0", "1"), "hello", 5));
    wait_for(t);
    assert_int_equal(t->error, 0);
    assert_string_equal(t->out, "hello");
}

TEST(X7_twice_is_still_twice)
{
    struct talk *t = begin(w);
    rondo_process_options o = RONDO_PROCESS_OPTIONS_INIT;
    const rondo_stdio_entry extra = {1, RONDO_STDIO_NULL, 0};

    o.stdout_kind = RONDO_STDIO_PIPE;
    o.extra = &extra;
    o.extra_count = 1;
    assert_error(start(t, &o, WORDS("exit", "0"), NULL, 0), RONDO_EINVAL);
    assert_non_null(strstr(rondo_last_error(), "named twice"));
}

/* The kind that is 0 counts as well. */
TEST(X7_two_extra_entries_for_stdout)
{
    struct talk *t = begin(w);
    rondo_process_options o = RONDO_PROCESS_OPTIONS_INIT;
    const rondo_stdio_entry extra[2] = {{1, RONDO_STDIO_INHERIT, 0},
                                        {1, RONDO_STDIO_NULL, 0}};

    o.extra = extra;
    o.extra_count = 2;
    assert_error(start(t, &o, WORDS("exit", "0"), NULL, 0), RONDO_EINVAL);
    assert_non_null(strstr(rondo_last_error(), "named twice"));
}
