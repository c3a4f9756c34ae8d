/* test_process_parent.c - a child whose parent, this program again, ends. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

#include <stdlib.h>

/* In the environment: this is the parent. */
#define PARENT "RONDO_TEST_PARENT"

/* The child runs. */
static void leave(rondo_process *process, void *self, int fd, const void *data,
                  size_t size)
{
    (void)process;
    (void)self;
    (void)fd;
    (void)data;
    (void)size;
    _Exit(3); /* without a word to anybody */
}

static const rondo_process_protocol leaves = {.pipe_data_received = leave};

/* Starts a child that has this process's stdout, and ends once it runs. */
static bool be_the_parent(void)
{
    const char *const argv[] = {raw_child(), "say",   "1",     "alive", "say",
                                "2",         "ready", "sleep", NULL};
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    rondo_loop *loop;

    if (!getenv(PARENT))
        return true;
    options.backend = getenv("RONDO_TEST_BACKEND");
    if (rondo_loop_new(&loop, &options) == 0 &&
        rondo_subprocess_exec(loop,
                              RONDO_PROCESS(.argv = argv,
                                            .stdin_kind = RONDO_STDIO_NULL,
                                            .stderr_kind = RONDO_STDIO_PIPE,
                                            .die_with_parent = true),
                              &leaves, NULL, NULL) == 0)
        (void)rondo_loop_run(loop);
    _Exit(1);
}

TEST_AROUND(be_the_parent, NULL);

/* The child holds the pipe: that ends with it. */
TEST(X13_ends_when_its_parent_exits)
{
    struct proc *p = proc_begin(w, OUTPUT);
    const char *const argv[] = {raw_self(), NULL};

    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_DIE_WITH_PARENT),
                 "a child cannot end with its parent");
    test_skip_if(w, !argv[0] || raw_under_valgrind(),
                 "this program cannot be run again");
    p->o.program = argv[0];
    raw_set_environment(PARENT, "1");
    assert_ok(proc_start_in(p, w->loop, argv));
    raw_set_environment(PARENT, NULL);
    proc_says(p, 3, "alive");
}
