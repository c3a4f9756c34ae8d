/* raw_terminal.h - what a terminal is set to, and what restores it.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_TERMINAL_H
#define RONDO_TEST_RAW_TERMINAL_H

#include "raw.h"

enum { RAW_ECHOES = 1, RAW_LINES = 2, RAW_CTRL_C = 4 };

/* A sum of these; -1: cannot be told. */
int raw_terminal_state(raw_fd fd);
void raw_terminal_resize(raw_fd fd, unsigned columns, unsigned rows);
/* In a forked child: end it by exit(3) or by a signal, or stop it as Ctrl-Z. */
void raw_terminal_exit(void);
void raw_terminal_crash(void);
void raw_terminal_suspend(void);
/* Runs fn in a forked child, which stops itself; tells what the terminal is set to
 * then, has the child go on, and answers with what fn has; < 0: it failed. */
int raw_terminal_stop(int (*fn)(void *arg), void *arg, raw_fd terminal,
                      int *stopped_state);

#endif
