/* rondo_glib.h - a Rondo loop in GLib's main loop, and the other way. */
/* SPDX-License-Identifier: MIT */
/**
 * A program chooses one of two ways: rondo_glib_source_new makes a Rondo loop a
 * source of GLib's main loop; rondo_glib_new makes a GLib context a part of a
 * Rondo loop. All functions are called on the loop's thread.
 *
 * Stability: may change; since 0.1.
 */
#ifndef RONDO_GLIB_H
#define RONDO_GLIB_H

#include <glib.h>
#include <rondo.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Makes a GLib source of a loop: GLib's main loop runs the loop when one of its
 * descriptors has an event or one of its timers is due. The loop's callbacks run
 * at the source's priority.
 *
 * Attach the source to the context of the thread that owns the loop
 * (g_source_attach). Destroy it (g_source_destroy, g_source_unref) before the
 * loop is closed. The source stays attached also when the loop has nothing to
 * do. If the loop fails later, GLib prints one warning.
 *
 * Returns the source; NULL: no loop.
 */
RONDO_MUST_CHECK GSource *rondo_glib_source_new(rondo_loop *loop);

/** A GLib context that a loop dispatches. */
typedef struct rondo_glib rondo_glib;

/**
 * Makes rondo_loop_run dispatch a context's sources: GIO, D-Bus, g_idle_add,
 * g_timeout_add. context NULL is the thread's default context. The calling
 * thread acquires the context until rondo_glib_free; no GMainLoop may run it in
 * that time. A source that another thread adds ends the loop's wait.
 *
 * The context keeps rondo_loop_run going until rondo_glib_free. Free it before
 * the loop is closed.
 *
 * Returns 0, or an error; rondo_last_error says why:
 * - RONDO_EINVAL: no loop
 * - RONDO_EBUSY: another thread has acquired the context
 * - RONDO_ENOMEM
 */
RONDO_MUST_CHECK int rondo_glib_new(rondo_loop *loop, GMainContext *context,
                                    rondo_glib **glib);

/** Releases the context. NULL is ignored. */
void rondo_glib_free(rondo_glib *glib);

#ifdef __cplusplus
}
#endif

#endif
