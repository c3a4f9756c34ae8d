/* rondo_top.h - shows a running program's loop to rondo-top. */
/* SPDX-License-Identifier: MIT */
/**
 * For watching a running program from another terminal.
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
 * Serves what the loop does at `path`, a unix socket or, on Windows, a named
 * pipe, for `rondo-top PATH`, and switches the loop's meter on. Neither keeps
 * rondo_loop_run running. *top may be NULL: then it ends with the loop.
 *
 * Who may connect with the path sees the names of the program's functions and
 * the addresses of its peers: put it into a folder of your own. Nobody can
 * change anything by it.
 *
 * The loop's thread. Each loop has a path of its own: a group's loops each call
 * it, in rondo_group_each for instance. 0, or the error of rondo_create_server.
 */
int rondo_top_serve(rondo_loop *loop, const char *path, rondo_top **top);

/** Ends it, and switches the meter off. */
void rondo_top_close(rondo_top *top);

/**
 * Writes a snapshot, as rondo-top gets it: lines of "name value", of which
 * "live", "time" and "lag" have several values, then at most 200 of the dump's
 * lines, each behind "- ", and "." alone. line is called with each. 0, or the
 * error of rondo_loop_get_metrics. For programs that want it elsewhere.
 */
int rondo_top_snapshot(rondo_loop *loop, rondo_line_fn line, void *arg);

#ifdef __cplusplus
}
#endif

#endif
