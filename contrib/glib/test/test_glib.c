/* test_glib.c - a loop in GLib's main loop, and the other way. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "rondo_glib.h"

#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

struct both {
    struct world *w;
    GMainContext *context;
    GMainLoop *main; /* Rondo in GLib */
    GSource *source;
    rondo_glib *glib; /* GLib in Rondo */
    unsigned ticks, idles, bytes, posts, timeouts;
    unsigned wanted; /* of ticks, then the main loop ends */
    int fds[2];
};

static struct both *both_new(struct world *w)
{
    struct both *b = test_alloc(w, sizeof *b);

    b->w = w;
    b->context = g_main_context_new();
    w->allow_descriptors = true; /* GLib keeps some of its own */
    return b;
}

static void both_end(struct both *b)
{
    g_main_context_unref(b->context);
}

/* ---- A2: Rondo in GLib --------------------------------------------------- */

static struct both *inside_glib(struct world *w)
{
    struct both *b = both_new(w);

    b->main = g_main_loop_new(b->context, FALSE);
    b->source = rondo_glib_source_new(w->loop);
    assert_non_null(b->source);
    assert_true(g_source_attach(b->source, b->context) > 0);
    return b;
}

static void inside_end(struct both *b)
{
    g_source_destroy(b->source);
    g_source_unref(b->source);
    g_main_loop_unref(b->main);
    both_end(b);
}

static void tick(rondo_loop *loop, void *arg)
{
    struct both *b = arg;

    if (++b->ticks == b->wanted)
        g_main_loop_quit(b->main);
    else
        assert_ok(rondo_call_later(loop, RONDO_MS(1), tick, b));
}

TEST(A2_timers_run_in_glibs_loop)
{
    struct both *b = inside_glib(w);

    b->wanted = 20;
    assert_ok(rondo_call_later(w->loop, 0, tick, b));
    g_main_loop_run(b->main);
    assert_int_equal(b->ticks, 20);
    inside_end(b);
}

static gboolean one_idle(gpointer arg)
{
    struct both *b = arg;

    b->idles++;
    return G_SOURCE_CONTINUE;
}

/* A source that were always ready would never let one of a lower priority run. */
TEST(A2_idle_sources_have_their_turn)
{
    struct both *b = inside_glib(w);
    GSource *idle = g_idle_source_new();

    g_source_set_callback(idle, one_idle, b, NULL);
    (void)g_source_attach(idle, b->context);
    b->wanted = 5;
    assert_ok(rondo_call_later(w->loop, RONDO_MS(5), tick, b));
    g_main_loop_run(b->main);
    assert_true(b->idles > 0);
    g_source_destroy(idle);
    g_source_unref(idle);
    inside_end(b);
}

static void byte_came(rondo_loop *loop, rondo_fd fd, void *arg)
{
    struct both *b = arg;
    char byte;

    assert_int_equal(read((int)fd, &byte, 1), 1);
    b->bytes++;
    if (b->main) {
        (void)rondo_remove_reader(loop, fd);
        g_main_loop_quit(b->main);
    }
}

static gboolean write_it(gpointer arg)
{
    struct both *b = arg;

    assert_int_equal(write(b->fds[1], "x", 1), 1);
    return G_SOURCE_REMOVE;
}

static void soon(struct both *b, GSourceFunc fn)
{
    GSource *source = g_timeout_source_new(1);

    g_source_set_callback(source, fn, b, NULL);
    (void)g_source_attach(source, b->context);
    g_source_unref(source);
}

TEST(A2_descriptors_are_watched_by_glib)
{
    struct both *b = inside_glib(w);

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b->fds), 0);
    assert_ok(rondo_add_reader(w->loop, b->fds[0], byte_came, b));
    soon(b, write_it);
    g_main_loop_run(b->main);
    assert_int_equal(b->bytes, 1);
    close(b->fds[0]);
    close(b->fds[1]);
    inside_end(b);
}

static void quit_it(rondo_loop *loop, void *arg)
{
    struct both *b = arg;

    (void)loop;
    b->posts++;
    g_main_loop_quit(b->main);
}

static void post_it(void *arg)
{
    struct both *b = arg;

    (void)rondo_call_soon_threadsafe(b->w->loop, quit_it, b);
}

TEST(A2_a_post_of_another_thread_ends_the_wait)
{
    struct both *b = inside_glib(w);
    struct raw_thread *thread = raw_thread_start(post_it, b);

    g_main_loop_run(b->main);
    assert_int_equal(b->posts, 1);
    raw_thread_join(thread);
    inside_end(b);
}

static gboolean start_timer(gpointer arg)
{
    struct both *b = arg;

    assert_ok(rondo_call_later(b->w->loop, RONDO_MS(1), quit_it, b));
    return G_SOURCE_REMOVE;
}

/* The loop has nothing to do, and gets something from one of GLib's sources. */
TEST(A2_what_glib_schedules_runs)
{
    struct both *b = inside_glib(w);

    soon(b, start_timer);
    g_main_loop_run(b->main);
    assert_int_equal(b->posts, 1);
    inside_end(b);
}

static void destroy_it(rondo_loop *loop, void *arg)
{
    struct both *b = arg;

    (void)loop;
    g_source_destroy(b->source);
    g_main_loop_quit(b->main);
}

TEST(A2_the_source_is_destroyed_in_a_callback)
{
    struct both *b = inside_glib(w);

    assert_ok(rondo_call_soon(w->loop, destroy_it, b));
    g_main_loop_run(b->main);
    inside_end(b);
}

TEST(A2_no_loop)
{
    assert_null(rondo_glib_source_new(NULL));
}

/* ---- A3: GLib in Rondo --------------------------------------------------- */

static struct both *inside_rondo(struct world *w)
{
    struct both *b = both_new(w);

    assert_ok(rondo_glib_new(w->loop, b->context, &b->glib));
    return b;
}

static void outside_end(struct both *b)
{
    rondo_glib_free(b->glib);
    both_end(b);
}

static gboolean count_timeouts(gpointer arg)
{
    struct both *b = arg;

    b->timeouts++;
    return b->timeouts < 10;
}

TEST(A3_glibs_timeouts_run_in_the_loop)
{
    struct both *b = inside_rondo(w);

    soon(b, count_timeouts);
    test_run_until(w, b->timeouts == 10);
    outside_end(b);
}

TEST(A3_idle_sources_run)
{
    struct both *b = inside_rondo(w);
    GSource *idle = g_idle_source_new();

    g_source_set_callback(idle, one_idle, b, NULL);
    (void)g_source_attach(idle, b->context);
    test_run_until(w, b->idles > 20);
    g_source_destroy(idle);
    g_source_unref(idle);
    outside_end(b);
}

static gboolean glib_reads(gint fd, GIOCondition condition, gpointer arg)
{
    struct both *b = arg;
    char byte;

    assert_true(condition & G_IO_IN);
    assert_int_equal(read(fd, &byte, 1), 1);
    b->bytes++;
    return G_SOURCE_CONTINUE;
}

static gboolean glib_reads_and_closes(gint fd, GIOCondition condition,
                                      gpointer arg)
{
    (void)glib_reads(fd, condition, arg);
    close(fd);
    return G_SOURCE_REMOVE;
}

TEST(A3_glibs_descriptors_are_watched)
{
    struct both *b = inside_rondo(w);
    GSource *source;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b->fds), 0);
    source = g_unix_fd_source_new(b->fds[0], G_IO_IN);
    g_source_set_callback(source, G_SOURCE_FUNC(glib_reads), b, NULL);
    (void)g_source_attach(source, b->context);
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(write(b->fds[1], "x", 1), 1);
        test_run_until(w, b->bytes == i);
    }
    g_source_destroy(source);
    g_source_unref(source);
    close(b->fds[0]);
    close(b->fds[1]);
    outside_end(b);
}

/* Each socket gets the number of the one before, in the same iteration. */
TEST(A3_descriptors_that_come_and_go)
{
    struct both *b = inside_rondo(w);

    for (unsigned i = 1; i <= 20; i++) {
        GSource *source;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b->fds), 0);
        source = g_unix_fd_source_new(b->fds[0], G_IO_IN);
        g_source_set_callback(source, G_SOURCE_FUNC(glib_reads_and_closes), b,
                              NULL);
        (void)g_source_attach(source, b->context);
        g_source_unref(source);
        assert_int_equal(write(b->fds[1], "x", 1), 1);
        test_run_until(w, b->bytes == i);
        close(b->fds[1]);
    }
    outside_end(b);
}

static gboolean told_by_thread(gpointer arg)
{
    struct both *b = arg;

    b->posts++;
    return G_SOURCE_REMOVE;
}

static void invoke(void *arg)
{
    struct both *b = arg;

    g_main_context_invoke(b->context, told_by_thread, b);
}

TEST(A3_another_thread_wakes_the_context)
{
    struct both *b = inside_rondo(w);
    struct raw_thread *thread = raw_thread_start(invoke, b);

    test_run_until(w, b->posts == 1);
    raw_thread_join(thread);
    outside_end(b);
}

static gboolean free_it(gpointer arg)
{
    struct both *b = arg;

    rondo_glib_free(b->glib);
    b->glib = NULL;
    return G_SOURCE_REMOVE;
}

TEST(A3_freed_by_one_of_its_sources)
{
    struct both *b = inside_rondo(w);

    soon(b, free_it);
    test_run_until(w, !b->glib);
    outside_end(b);
}

static void try_to_take(void *arg)
{
    struct both *b = arg;
    rondo_glib *second;

    b->posts = (unsigned)-rondo_glib_new(b->w->loop, b->context, &second);
}

TEST(A3_a_context_that_another_thread_has)
{
    struct both *b = inside_rondo(w);
    struct raw_thread *thread = raw_thread_start(try_to_take, b);

    raw_thread_join(thread);
    assert_int_equal(-(int)b->posts, RONDO_EBUSY);
    outside_end(b);
}

TEST(A3_bad_arguments)
{
    rondo_glib *made;

    assert_error(rondo_glib_new(NULL, NULL, &made), RONDO_EINVAL);
    assert_error(rondo_glib_new(w->loop, NULL, NULL), RONDO_EINVAL);
    rondo_glib_free(NULL);
}
