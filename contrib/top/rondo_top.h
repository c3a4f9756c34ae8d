/* rondo_top.h - shows a running program's loop to rondo-top. */
/* SPDX-License-Identifier: MIT */
/**
 * A running program shows its loop to `rondo-top` over a unix socket, or on
 * Windows a named pipe. All functions are called on the loop's thread.
 *
 * Stability: may change; since 0.1.
 */
#ifndef RONDO_TOP_H
#define RONDO_TOP_H

#include <rondo.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A loop that is shown. */
typedef struct rondo_top rondo_top;

/**
 * Shows the loop to `rondo-top PATH`, and turns the loop's meter on
 * (rondo_loop_set_metering). It does not keep rondo_loop_run going. *top may be
 * NULL: then it ends with the loop. Each loop has a path of its own; the loops of
 * a group call this in rondo_group_each, for instance.
 *
 * Whoever may connect to the path sees the names of the program's functions and
 * the addresses of its peers, and can change nothing: put the path into a private
 * folder.
 *
 * Returns 0, or an error as rondo_create_server.
 */
int rondo_top_serve(rondo_loop *loop, const char *path, rondo_top **top);

/** Stops showing the loop, and turns its meter off. */
void rondo_top_close(rondo_top *top);

/**
 * Writes a snapshot, as rondo-top gets it, for programs that show it elsewhere.
 * `line` is called for each line. First come lines of "name value", of which
 * "live", "time" and "lag" have several values; then at most 200 lines of the
 * dump, each behind "- "; then "." alone.
 *
 * Returns 0, or an error as rondo_loop_get_metrics.
 */
int rondo_top_snapshot(rondo_loop *loop, rondo_line_fn line, void *arg);

#ifdef __cplusplus
}
#endif

#endif
