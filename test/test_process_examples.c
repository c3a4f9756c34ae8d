/* test_process_examples.c - examples that run programs. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

#ifndef RONDO_TEST_EXAMPLES
#define RONDO_TEST_EXAMPLES NULL
#define RONDO_TEST_SUFFIX   ""
#endif

/* That example, on this backend (RONDO_BACKEND), with these words behind it. */
static struct proc *example(struct world *w, const char *name,
                            const char *const *words)
{
    const char *other = getenv("RONDO_TEST_EXAMPLES");
    const char *folder = other ? other : RONDO_TEST_EXAMPLES;
    char *path = test_alloc(w, 512);
    const char *argv[40] = {path};
    struct proc *p = proc_begin(w, OUTPUT);

    test_skip_if(w, !folder, "the examples are not in this build");
    (void)snprintf(path, 512, "%s%s%s", folder, name, RONDO_TEST_SUFFIX);
    for (int i = 0; words[i] && i < 38; i++)
        argv[i + 1] = words[i];
    p->o.program = path;
    raw_set_environment("RONDO_BACKEND", w->backend);
    assert_ok(proc_start_in(p, w->loop, argv));
    return p;
}

TEST(X3_pipeline)
{
    const char *c = raw_child();
    struct proc *p = example(
        w, "pipeline",
        WORDS(c, "say", "1", "through", "exit", "9", "+", c, "copy", "0", "1",
              "say", "1", " two pipes", "+", c, "copy", "0", "1", "exit", "5"));

    proc_says(p, 5, "through two pipes"); /* the last one's */
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

    proc_says(p, 0, "enough");
}

TEST(X1_pipeline_with_a_program_that_is_not_there)
{
    const char *c = raw_child();
    struct proc *p = example(w, "pipeline", WORDS(c, "sleep", "+", "/nowhere"));

    proc_ends(p, 1);
    assert_non_null(strstr(p->text[2], "/nowhere"));
}

TEST(X3_supervisor_starts_again_and_again)
{
    const char *c = raw_child();
    struct proc *p =
        example(w, "supervisor", WORDS(c, "say", "2", "up ", "exit", "3"));

    test_run_until(w, strstr(p->text[1], "again in 400 ms"));
    assert_int_equal(strncmp(p->text[2], "up up up ", 9), 0);
    assert_non_null(strstr(p->text[1], ": exit 3"));
    assert_non_null(strstr(p->text[1], "again in 200 ms"));
    test_skip_if(w, !raw_has_signals(),
                 "it cannot be asked to end on this system");
    assert_ok(rondo_process_terminate(p->process));
    proc_ends(p, 0);
}

TEST(X4_supervisor_ends_its_child)
{
    const char *c = raw_child();
    struct proc *p;

    test_skip_if(w, !raw_has_signals(),
                 "it cannot be asked to end on this system");
    p = example(w, "supervisor", WORDS(c, "say", "2", "up", "sleep"));
    test_run_until(w, p->bytes[2] == 2);
    assert_ok(rondo_process_terminate(p->process));
    proc_ends(p, 0);
    assert_non_null(strstr(p->text[1], ": signal 15\n"));
    assert_null(strstr(p->text[1], "again"));
}
