/* test_process_many.c - many children at once, many loops at once. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

#include <stdatomic.h>

/* ---- X5: several loops in several threads ------------------------------- */

enum { EACH = 40 };

static int each(void)
{
    return test_slowness() > 1 ? EACH / 4 : EACH;
}

struct spawner {
    struct world *w;
    const char *watcher;
    char wrong[400]; /* the first child that did not end as asked for */
    struct proc procs[EACH];
};

static void keep_opening(void *arg)
{
    atomic_bool *stop = arg;

    while (!atomic_load(stop)) {
        raw_fd fd = raw_null();

        raw_set_close_on_exec(fd, false);
        raw_close(fd);
    }
}

static void check_ended(struct spawner *s, int i, int started)
{
    const struct proc *p = &s->procs[i];
    bool right = p->exited == 1 && p->status.known &&
                 p->status.code == (uint32_t)i &&
                 (!raw_has_signals() || strcmp(p->text[1], "0 1 2 ") == 0);

    if (!right && !s->wrong[0])
        (void)snprintf(
            s->wrong, sizeof s->wrong,
            "child %d: started %d, %s, exited %u, code %u, \"%.120s\"", i,
            started, p->order, p->exited, (unsigned)p->status.code, p->text[1]);
}

static void spawn(void *arg)
{
    struct spawner *s = arg;
    rondo_loop_options o = RONDO_LOOP_OPTIONS_INIT;
    rondo_loop *loop;
    int started[EACH];

    o.backend = s->w->backend;
    o.child_watcher = s->watcher;
    (void)snprintf(s->wrong, sizeof s->wrong, "no loop");
    if (rondo_loop_new(&loop, &o) < 0)
        return;
    s->wrong[0] = '\0';
    for (int i = 0; i < each(); i++) {
        char code[12];
        const char *argv[] = {raw_child(), "descriptors", "exit", code, NULL};

        (void)snprintf(code, sizeof code, "%d", i);
        s->procs[i].w = s->w;
        s->procs[i].o = *RONDO_PROCESS(.stdin_kind = RONDO_STDIO_NULL,
                                       .stdout_kind = RONDO_STDIO_PIPE,
                                       .stderr_kind = RONDO_STDIO_NULL);
        started[i] = proc_start_in(&s->procs[i], loop, argv);
        if (started[i] < 0)
            (void)snprintf(s->procs[i].text[1], 256, "%s", rondo_last_error());
        (void)rondo_loop_run_once(loop, 0);
    }
    (void)rondo_loop_run(loop);
    (void)rondo_loop_close(loop);
    for (int i = 0; i < each(); i++)
        check_ended(s, i, started[i]);
}

/* each in a thread of its own, beside one that opens descriptors which would
 * be inherited */
TEST(X5_several_loops_in_several_threads)
{
    enum { LOOPS = 3 };
    static const char *const mixed[] = {NULL, "thread", "sigchld"};
    struct spawner *s = test_alloc(w, LOOPS * sizeof *s);
    struct raw_thread *threads[LOOPS], *opener;
    atomic_bool *stop = test_alloc(w, sizeof *stop);

    proc_need(w);
    opener = raw_thread_start(keep_opening, stop);
    for (int i = 0; i < LOOPS; i++) {
        s[i].w = w;
        if (rondo_loop_supports(w->loop, RONDO_CAN_CHILD_WATCHER))
            s[i].watcher = mixed[i];
        threads[i] = raw_thread_start(spawn, &s[i]);
    }
    for (int i = 0; i < LOOPS; i++)
        raw_thread_join(threads[i]);
    atomic_store(stop, true);
    raw_thread_join(opener);
    for (int i = 0; i < LOOPS; i++)
        assert_string_equal(s[i].wrong, "");
    assert_true(raw_zombies() <= 0);
}

/* ---- X8 ----------------------------------------------------------------- */

TEST(X8_a_thousand_at_once)
{
    /* at least more than Windows can wait for with one call */
    int count = test_slowness() > 1 ? 70 : 1000;
    int64_t before;
    struct proc **p;

    proc_need(w);
    before = raw_raise_descriptor_limit(count * 2 + 100);
    if (rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTORS) < count * 2 + 100)
        count = 300; /* two descriptors each */
    p = test_alloc(w, (size_t)count * sizeof(struct proc *));
    for (int i = 0; i < count; i++) {
        char code[12];

        (void)snprintf(code, sizeof code, "%d", i % 200);
        p[i] = proc_begin(w, NULLS);
        p[i]->o.stdin_kind = RONDO_STDIO_PIPE;
        proc_start(p[i], "drain", "0", "exit", code, NULL);
    }
    assert_int_equal(test_metrics(w).live_processes, count);
    for (int i = 0; i < count; i++) /* all of them live until now */
        proc_close_input(p[i]);
    for (int i = 0; i < count; i++)
        proc_ends(p[i], (uint32_t)i % 200);
    assert_true(raw_zombies() <= 0);
    if (before >= 0)
        (void)raw_set_descriptor_limit(before);
}
