/* raw_terminal.h - what a terminal is set to, and what restores it.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_TERMINAL_H
#define RONDO_TEST_RAW_TERMINAL_H

#include "raw.h"

enum { RAW_ECHOES = 1, RAW_LINES = 2, RAW_CTRL_C = 4 };

/* [1] is the program's, with lines and echo; [0] the one in front of it. Windows:
 * the console's functions are replaced. -1: none here. */
int raw_program_terminal(raw_fd pair[2]);
/* What the kernel does when the session's terminal has got another size. */
void raw_terminal_tell(void);
/* A sum of these; -1: cannot be told. */
int raw_terminal_state(raw_fd fd);
void raw_terminal_resize(raw_fd fd, unsigned columns, unsigned rows);
/* Its name says what it shows. */
bool raw_terminal_has_name(void);
/* In a forked child: end it by exit(3) or by a signal, or stop it as Ctrl-Z. */
void raw_terminal_exit(void);
void raw_terminal_crash(void);
void raw_terminal_suspend(void);
/* Runs fn in a forked child, which stops itself; tells what the terminal is set to
 * then, has the child go on, and answers with what fn has; -1: it failed; -2: no
 * process is stopped here. */
int raw_terminal_stop(int (*fn)(void *arg), void *arg, raw_fd terminal,
                      int *stopped_state);

#endif
