/* test_faults_dump.c - what is listed is freed while it is listed. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_signal.h"

/* Each signal has a handler; a call of remove frees it at once. */
struct lister {
    struct world *w;
    int signums[2];
    unsigned lines;
    bool all; /* removes all of them, else the one that comes next */
};

static void remove_some(struct lister *l)
{
    rondo_loop *loop = l->w->loop;

    for (size_t i = 0; i < COUNT_OF(l->signums); i++)
        if (rondo_remove_signal_handler(loop, l->signums[i]) == 1 && !l->all)
            return;
}

static void on_line(void *arg, const char *line, size_t size)
{
    struct lister *l = arg;

    (void)line;
    (void)size;
    l->lines++;
    remove_some(l);
}

static void on_exception(rondo_loop *loop, void *arg,
                         const rondo_exception *what)
{
    (void)loop;
    (void)what;
    on_line(arg, NULL, 0);
}

static struct lister *lister_new(struct world *w, bool all)
{
    struct lister *l = test_alloc(w, sizeof *l);

    test_skip_if(w, raw_signals(l->signums, 2) < 2, raw_signals_reason());
    l->w = w;
    l->all = all;
    for (size_t i = 0; i < COUNT_OF(l->signums); i++)
        assert_ok(
            rondo_add_signal_handler(w->loop, l->signums[i], ignore_signal, l));
    return l;
}

TEST(L13_a_dump_frees_what_it_lists)
{
    struct lister *l = lister_new(w, true);

    assert_int_equal(rondo_loop_dump(w->loop, on_line, l), 1);
    assert_int_equal(l->lines, 1);
    assert_int_equal(rondo_loop_dump(w->loop, on_line, l), 0);
}

/* The handler that was added last comes first. */
TEST(L13_a_dump_frees_what_comes_next)
{
    struct lister *l = lister_new(w, false);

    assert_int_equal(rondo_loop_dump(w->loop, on_line, l), 1);
    assert_int_equal(l->lines, 1);
}

static void dump_again(void *arg, const char *line, size_t size)
{
    struct lister *l = arg;

    (void)line;
    (void)size;
    l->lines++;
    (void)rondo_loop_dump(l->w->loop, on_line, l);
}

TEST(L13_a_dump_inside_a_dump)
{
    struct lister *l = lister_new(w, true);

    assert_int_equal(rondo_loop_dump(w->loop, dump_again, l), 1);
    assert_int_equal(l->lines, 2);
}

TEST(L12_the_list_at_close_frees_what_it_lists)
{
    struct lister *l = lister_new(w, true);

    assert_ok(rondo_loop_set_exception_handler(w->loop, on_exception, l));
    assert_ok(rondo_loop_set_debug(w->loop, true, 0));
    test_close_loop(w);
    assert_int_equal(l->lines, 1);
}
