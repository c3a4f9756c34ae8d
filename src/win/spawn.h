/* spawn.h - what CreateProcess needs, shared by spawn.c and command.c. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_WIN_SPAWN_H
#define RONDO_WIN_SPAWN_H

#include "core/child.h"
#include "win/win.h"

/* The strings are allocated by the loop. */
struct launch {
    rondo_loop *loop;
    const struct child_plan *plan;
    wchar_t *program, *line, *folder, *environment; /* NULL: none */
};

/* Converts UTF-8 to UTF-16, allocated by the loop. An error has its sentence.
 */
int launch_wide(rondo_loop *loop, const char *text, wchar_t **wide);
/* Each fills in its part of the launch. An error has its sentence. */
int launch_find_program(struct launch *l);
int launch_make_line(struct launch *l);
int launch_make_environment(struct launch *l);

/* Starts the program of the plan. The caller owns the process's handle. */
int win_spawn(rondo_loop *loop, const struct child_plan *plan, HANDLE *process,
              int64_t *pid);

#endif
