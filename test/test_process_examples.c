/* test_process_examples.c - examples that run programs. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

#ifndef RONDO_TEST_EXAMPLES
#define RONDO_TEST_EXAMPLES NULL
#define RONDO_TEST_SUFFIX   ""
#endif

#define OUTPUT                                                                 \
    proc_options(RONDO_STDIO_NULL, RONDO_STDIO_PIPE, RONDO_STDIO_PIPE)

/* That example, on this backend, with these words behind it; it ends by itself
 * if the test does not come to its end. */
static struct proc *example(struct world *w, const char *name,
                            const char *const *words)
{
    const char *other = getenv("RONDO_TEST_EXAMPLES");
    const char *folder = other ? other : RONDO_TEST_EXAMPLES;
    char *path = test_alloc(w, 512);
    const char *argv[40] = {path, "--backend", w->backend, "--seconds", "60"};
    rondo_process_options o = OUTPUT;
    struct proc *p;

    proc_need(w);
    test_skip_if(w, !folder, "the examples are not in this build");
    (void)snprintf(path, 512, "%s%s%s", folder, name, RONDO_TEST_SUFFIX);
    for (int i = 0; words[i] && i < 34; i++)
        argv[i + 5] = words[i];
    o.program = path;
    p = proc_new(w);
    assert_ok(proc_start_in(p, w->loop, &o, argv));
    return p;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(X3_pipeline)
{
    const char *c = raw_child();
    struct proc *p = example(
        w, "pipeline",
        WORDS(c, "say", "1", "through", "exit", "9", "+", c, "copy", "0", "1",
              "say", "1", " two pipes", "+", c, "copy", "0", "1", "exit", "5"));

    proc_wait(p);
    assert_string_equal(p->text[1], "through two pipes");
    proc_check_exit(p, 5); /* the last one's */
}

TEST(X3_pipeline_carries_much)
{
    const char *c = raw_child();
    struct proc *p = example(w, "pipeline",
                             WORDS(c, "flood", "1", "3000000", "+", c, "copy",
                                   "0", "1", "+", c, "copy", "0", "1"));

    p->pattern = true;
    proc_wait(p);
    assert_int_equal(p->bytes[1], 3000000);
    assert_false(p->wrong);
}

/* As "yes | head": the first one would go on for ever. */
TEST(X3_pipeline_whose_end_has_enough)
{
    const char *c = raw_child();
    struct proc *p = example(
        w, "pipeline",
        WORDS(c, "flood", "1", "999999999999", "+", c, "say", "1", "enough"));

    proc_wait(p);
    assert_string_equal(p->text[1], "enough");
    proc_check_exit(p, 0);
}

TEST(X1_pipeline_with_a_program_that_is_not_there)
{
    const char *c = raw_child();
    struct proc *p = example(w, "pipeline", WORDS(c, "sleep", "+", "/nowhere"));

    proc_wait(p);
    proc_check_exit(p, 1);
    assert_non_null(strstr(p->text[2], "/nowhere"));
}

TEST(X3_supervisor_starts_again_and_again)
{
    const char *c = raw_child();
    struct proc *p =
        example(w, "supervisor", WORDS(c, "say", "2", "up ", "exit", "3"));

    test_run_until(p->w, strstr(p->text[1], "again in 400 ms"));
    assert_int_equal(strncmp(p->text[2], "up up up ", 9), 0);
    assert_non_null(strstr(p->text[1], ": exit 3"));
    assert_non_null(strstr(p->text[1], "again in 200 ms"));
    if (!raw_has_signals())
        test_skip(p->w, "it cannot be asked to end on this system");
    assert_ok(rondo_process_terminate(p->process));
    proc_wait(p);
    proc_check_exit(p, 0);
}

TEST(X4_supervisor_ends_its_child)
{
    const char *c = raw_child();
    struct proc *p;

    if (!raw_has_signals())
        test_skip(w, "it cannot be asked to end on this system");
    p = example(w, "supervisor", WORDS(c, "say", "2", "up", "sleep"));
    test_run_until(p->w, p->bytes[2] == 2);
    assert_ok(rondo_process_terminate(p->process));
    proc_wait(p);
    proc_check_exit(p, 0);
    assert_non_null(strstr(p->text[1], ": signal 15\n"));
    assert_null(strstr(p->text[1], "again"));
}
