/* test_terminal_size.c - a terminal's size that changes. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_terminal.h"

/* What a watch has told. */
struct size {
    struct world *w;
    raw_fd *fd; /* [0]: what sets the size, [1]: the program's */
    rondo_id id;
    unsigned calls, columns, rows, ended;
    int error;
    bool cancels;
};

static void size_told(rondo_loop *loop, void *arg, unsigned columns,
                      unsigned rows, int error)
{
    struct size *s = arg;

    assert_ptr_equal(loop, s->w->loop);
    assert_false(s->ended);
    s->calls++;
    s->columns = columns;
    s->rows = rows;
    s->error = error;
    s->ended += error != 0;
    if (s->cancels)
        assert_ok(rondo_cancel(loop, s->id));
}

static struct size *size_new(struct world *w)
{
    struct size *s = test_alloc(w, sizeof *s);
    raw_fd pair[2];

    test_skip_if(w, raw_program_terminal(pair) < 0, "no terminals");
    s->w = w;
    s->fd = test_own_pair(w, pair);
    raw_terminal_resize(s->fd[0], 80, 25);
    return s;
}

static void size_watch(struct size *s)
{
    s->id = rondo_watch_terminal_size(s->w->loop, s->fd[1], size_told, s);
    assert_ok(s->id);
}

static struct size *size_begin(struct world *w)
{
    struct size *s = size_new(w);

    size_watch(s);
    assert_int_equal(s->calls, 0);
    test_run_until(w, s->calls);
    assert_int_equal(s->columns, 80);
    assert_int_equal(s->rows, 25);
    return s;
}

static void resize(const struct size *s, unsigned columns, unsigned rows)
{
    raw_terminal_resize(s->fd[0], columns, rows);
    raw_terminal_tell();
}

static void size_end(struct size *s)
{
    assert_ok(rondo_cancel(s->w->loop, s->id));
}

TEST(Z5_each_size_is_told)
{
    struct size *s = size_begin(w);

    resize(s, 100, 30);
    test_run_until(w, s->columns == 100 && s->rows == 30);
    resize(s, 100, 31);
    test_run_until(w, s->columns == 100 && s->rows == 31);
    assert_int_equal(s->calls, 3);
    size_end(s);
}

TEST(Z5_the_same_size_is_not_told)
{
    struct size *s = size_begin(w);

    raw_terminal_tell();
    resize(s, 90, 25);
    resize(s, 80, 25);
    (void)test_run_for(w, RONDO_MS(600));
    assert_int_equal(s->calls, 1);
    size_end(s);
}

TEST(Z5_two_watches_beside_a_handler)
{
    struct size *a = size_begin(w), *b = size_begin(w);

    raw_terminal_resize(a->fd[0], 60, 20);
    resize(b, 61, 21);
    test_run_until(w, a->columns == 60 && b->columns == 61);
    size_end(a);
    resize(b, 62, 22);
    test_run_until(w, b->columns == 62);
    assert_int_equal(a->columns, 60);
    size_end(b);
}

TEST(Z5_refused)
{
    struct size *s = size_new(w);

    assert_einval(rondo_watch_terminal_size(NULL, s->fd[1], size_told, NULL));
    assert_einval(rondo_watch_terminal_size(w->loop, s->fd[1], NULL, NULL));
    assert_einval(rondo_watch_terminal_size(w->loop, test_sockets(w)[0],
                                            size_told, NULL));
    assert_einval(
        rondo_watch_terminal_size(w->loop, RONDO_NO_FD, size_told, NULL));
}

TEST(Z5_cancelled_in_its_callback)
{
    struct size *s = size_new(w);

    s->cancels = true;
    size_watch(s);
    test_run_loop(w);
    resize(s, 70, 20);
    test_spin(w, 3);
    assert_int_equal(s->calls, 1);
}

TEST(Z5_cancelled_before_it_has_begun)
{
    struct size *s = size_new(w);

    size_watch(s);
    size_end(s);
    test_run_loop(w);
    assert_int_equal(s->calls, 0);
}

TEST(Z5_a_terminal_that_is_gone_ends_it)
{
    struct size *s = size_begin(w);

    test_close_own(w, s->fd[0]);
    s->fd[0] = RONDO_NO_FD;
    raw_terminal_tell();
    test_run_until(w, s->ended);
    assert_int_equal(s->columns, 0);
    assert_error(rondo_cancel(w->loop, s->id), RONDO_ENOENT);
    test_run_loop(w);
}

TEST(Z5_its_arg_is_released)
{
    struct size *s = size_new(w);
    unsigned *released = test_counter(w);
    rondo_id id =
        rondo_watch_terminal_size(w->loop, s->fd[1], size_told, released);

    assert_ok(rondo_set_release(w->loop, id, count_call));
    assert_ok(rondo_cancel(w->loop, id));
    test_run_loop(w);
    assert_int_equal(*released, 1);
}

TEST(Z5_it_keeps_the_run_running_unless_in_the_background)
{
    struct size *s = size_begin(w);
    char line[256] = "";

    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    rondo_loop_dump(w->loop, copy_line, line);
    assert_non_null(strstr(line, "terminal"));
    assert_ok(rondo_set_background(w->loop, s->id, true));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    size_end(s);
}

TEST_LEAVES(Z5_a_loop_that_closes_ends_it)
{
    struct size *s = size_begin(w);

    size_watch(size_new(w));
    resize(s, 70, 20);
    test_close_loop(w);
    assert_int_equal(s->calls, 1);
}

static void play(struct size *s)
{
    s->calls = 0;
    s->id = rondo_watch_terminal_size(s->w->loop, s->fd[1], size_told, s);
    if (s->id < 0) {
        assert_error(s->id, RONDO_ENOMEM);
        return;
    }
    test_run_until(s->w, s->calls);
    size_end(s);
    test_run_loop(s->w);
}

TEST(Z5_without_memory_there_is_no_watch)
{
    struct size *s = size_new(w);

    for (uint64_t n = 1; test_nth_fails(w, n); n++)
        play(s);
}

static int in_child(void *arg)
{
    struct size *s = arg;
    unsigned calls = s->calls;

    if (rondo_loop_after_fork(s->w->loop) < 0)
        return 1;
    resize(s, 33, 11);
    if (!child_runs_until(s->w->loop, &s->calls, calls + 1))
        return 2;
    return rondo_loop_close(s->w->loop) < 0 ? 3 : s->columns != 33;
}

TEST(Z5_a_forked_child_goes_on)
{
    struct size *s = size_begin(w);

    test_run_child(w, in_child, s);
    resize(s, 34, 12);
    test_run_until(w, s->columns == 34);
    size_end(s);
}
