/* raw_pipe.h - raw.h's things for pipes: odd ends, SIGPIPE.
 * SPDX-License-Identifier: MIT
 *
 * What a system does not have is answered with RONDO_NO_FD, -1 or false; the
 * test then says so with test_skip.
 */
#ifndef RONDO_TEST_RAW_PIPE_H
#define RONDO_TEST_RAW_PIPE_H

#include "raw_local.h"

/* Takes so many bytes out of each pipe of the process that has more. How many
 * pipes that were. */
unsigned raw_take_from_pipes(size_t size);
/* The same terminal as a person has it: lines, echo, Ctrl-D. */
int raw_line_terminal(raw_fd pair[2]);
/* The end of `fd` that only reads, or only writes; RONDO_NO_FD */
raw_fd raw_reopen(raw_fd fd, bool to_write);
void raw_rewind(raw_fd file);
raw_fd raw_sealed_file(void); /* a regular one that takes no bytes */
/* Two ends of a pipe whose calls end later, where these are another kind; the
 * writer might read as well. */
int raw_overlapped_pipe(raw_fd pair[2]);
/* The ends of raw_pipe. Else a thread reads them, ahead of what is asked for,
 * and a writer does not hear that its reader has left. */
bool raw_pipe_can_be_waited_for(void);
/* `fd` is the program's standard input, and was taken over, until what this
 * answers is handed back: RONDO_NO_FD: it cannot be. */
raw_fd raw_replace_stdin(raw_fd fd);
void raw_restore_stdin(raw_fd before);

/* SIGPIPE is blocked and one is pending; false: no such signal here. */
bool raw_sigpipe_hold(void);
/* Takes the one that is pending and unblocks it; false: there was none. */
bool raw_sigpipe_release(void);
/* From now on this process has a kernel that writes without SIGPIPE only when
 * it is blocked; false: it cannot be made so, or knows no other way. There is
 * no way back: in a forked child. */
bool raw_make_writes_signal(void);

#endif
