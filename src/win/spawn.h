/* spawn.h - what it takes to start a process, shared by spawn.c, command.c. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_WIN_SPAWN_H
#define RONDO_WIN_SPAWN_H

#include "core/child.h"
#include "win/win.h"

/* Everything is the loop's memory. */
struct launch {
    rondo_loop *loop;
    const struct child_plan *plan;
    wchar_t *program, *line, *folder, *environment; /* NULL: none */
};

/* UTF-8 to UTF-16 in memory of the loop's. An error has its sentence. */
int launch_wide(rondo_loop *loop, const char *text, wchar_t **wide);
/* Fill in their part of the launch, with errors in sentences. */
int launch_find_program(struct launch *l);
int launch_make_line(struct launch *l);
int launch_make_environment(struct launch *l);

/* Runs the plan; the process is the caller's. */
int win_spawn(rondo_loop *loop, const struct child_plan *plan, HANDLE *process,
              int64_t *pid);

#endif
