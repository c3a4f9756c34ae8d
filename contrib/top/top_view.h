/* top_view.h - snapshots of rondo_top.h, read and shown as text. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_TOP_VIEW_H
#define RONDO_TOP_VIEW_H

#include <rondo.h>

#include <stdio.h>

enum { VIEW_LINES = 200, VIEW_LIVE = 8, VIEW_TIMES = RONDO_DOES_OPERATION + 1 };

struct view {
    char backend[32];
    int64_t now, iterations, events, callbacks, allocations, received, sent,
        idle, lag_most;
    int64_t live[VIEW_LIVE], time[VIEW_TIMES], lag[RONDO_LAG_BUCKETS];
    char lines[VIEW_LINES][256];
    int line_count, all_lines;
};

/* Takes in one line of a snapshot. true: it was the last one. */
bool view_take(struct view *v, const char *line, size_t size);
/* Shows what has happened between two snapshots; `before` may be all zero. At
 * most `most` of the dump's lines. */
void view_show(FILE *out, const char *name, const struct view *before,
               const struct view *v, int most);

#endif
