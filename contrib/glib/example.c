/* example.c - one program, two main loops: first Rondo in GLib's, then GLib in
 * Rondo's. A timer of each writes a line.
 *
 *   cc example.c rondo_glib.c ../poll/rondo_poll.c \
 *      $(pkg-config --cflags --libs glib-2.0 rondo) */
/* SPDX-License-Identifier: MIT */
#include "rondo_glib.h"

#include <stdio.h>

static GMainLoop *main_loop;

static void rondos_timer(rondo_loop *loop, void *arg)
{
    (void)loop, (void)arg;
    printf("Rondo's timer\n");
}

static gboolean glibs_timer(gpointer arg)
{
    printf("GLib's timer\n");
    if (main_loop)
        g_main_loop_quit(main_loop);
    else
        rondo_loop_stop(arg); /* the context itself would keep it running */
    return G_SOURCE_REMOVE;
}

static int start_timers(rondo_loop *loop)
{
    (void)g_timeout_add(40, glibs_timer, loop);
    return rondo_call_later(loop, RONDO_MS(10), rondos_timer, NULL) < 0 ? -1
                                                                        : 0;
}

static int rondo_in_glib(rondo_loop *loop)
{
    GSource *source = rondo_glib_source_new(loop);
    if (!source || start_timers(loop) < 0)
        return -1;
    (void)g_source_attach(source, NULL); /* the default context */
    main_loop = g_main_loop_new(NULL, FALSE);
    printf("Rondo in GLib:\n");
    g_main_loop_run(main_loop);
    g_main_loop_unref(main_loop);
    main_loop = NULL;
    g_source_destroy(source); /* before the loop is closed */
    g_source_unref(source);
    return 0;
}

static int glib_in_rondo(rondo_loop *loop)
{
    rondo_glib *glib;
    if (rondo_glib_new(loop, NULL, &glib) < 0)
        return -1;
    printf("GLib in Rondo:\n");
    int error = start_timers(loop);
    if (!error)
        error = rondo_loop_run(loop);
    rondo_glib_free(glib);
    return error < 0 ? error : 0;
}

int main(void)
{
    rondo_loop *loop;
    if (rondo_loop_new(&loop, NULL) < 0 || rondo_in_glib(loop) < 0 ||
        glib_in_rondo(loop) < 0) {
        fprintf(stderr, "%s\n", rondo_last_error());
        return 1;
    }
    return rondo_loop_close(loop) < 0;
}
