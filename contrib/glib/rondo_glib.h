/* rondo_glib.h - a Rondo loop in GLib's main loop, and the other way. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_GLIB_H
#define RONDO_GLIB_H

#include <glib.h>
#include <rondo.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Rondo in GLib: a source that runs the loop when one of its descriptors has an
 * event or one of its timers is due. Attach it to the context of the thread
 * that owns the loop (g_source_attach), and destroy it (g_source_destroy,
 * g_source_unref) before the loop is closed. A loop that has nothing to do any
 * more stays attached. Its callbacks run at the source's priority. NULL: no
 * loop; a loop that fails later is told by a warning of GLib, once.
 */
RONDO_MUST_CHECK GSource *rondo_glib_source_new(rondo_loop *loop);

typedef struct rondo_glib rondo_glib;

/**
 * GLib in Rondo: from now on rondo_loop_run dispatches the context's sources,
 * too: GIO, D-Bus, g_idle_add, g_timeout_add. NULL: the thread's default
 * context. The calling thread acquires the context until rondo_glib_free; no
 * GMainLoop may run it meanwhile. What other threads add to it ends the loop's
 * wait. The context itself keeps rondo_loop_run going, until it is freed. Free
 * it before the loop is closed. 0; RONDO_EINVAL: no loop; RONDO_EBUSY: another
 * thread has the context; RONDO_ENOMEM. rondo_last_error says why. The loop's
 * thread, for both functions.
 */
RONDO_MUST_CHECK int rondo_glib_new(rondo_loop *loop, GMainContext *context,
                                    rondo_glib **glib);

/** Gives the context back. NULL is ignored. */
void rondo_glib_free(rondo_glib *glib);

#ifdef __cplusplus
}
#endif

#endif
