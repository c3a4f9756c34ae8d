/* error.h - the error numbers and this thread's last failure in words. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_BASE_ERROR_H
#define RONDO_BASE_ERROR_H

#include "system.h"

#include "rondo.h"

/* The room for a sentence and its NUL byte. */
enum { ERROR_SENTENCE = 2048 };

/* Each thread has a last failure: a sentence, which rondo_last_error returns,
 * and the system's error code, which rondo_last_os_error returns (0: the
 * failure is Rondo's own). All functions below work on those of the calling
 * thread, need no memory and cannot fail.
 *
 * Who fails sets both. A function of sys.h keeps only the system's code
 * (error_from_os); its caller writes the sentence (error_os). A failure that is
 * reported later keeps the code beside the number, and restores it with
 * error_keep_os, since the thread's own code is another's by then. */

/* Writes the sentence, sets the system's code to 0 and returns `error`, so that
 * a failing function ends with `return error_set(...)`. */
RONDO_PRINTF(2, 3)
int error_set(int error, const char *format, ...);

/* Writes the sentence of a failed system call: it appends ": why (NAME)" in the
 * words of the system, from the code that the thread has. With code 0, or a code
 * that means another error, it appends the words of `error`. Returns `error`. */
RONDO_PRINTF(2, 3)
int error_os(int error, const char *format, ...);

/* Copies a text, of which the peer may have chosen a part (a unix socket's name),
 * for one line of a log: control characters, and what is not UTF-8, become "\x0a"
 * and so on. All
 * sentences go through it. */
void error_print(char *to, size_t room, const char *from);

/* Puts "; advice", what to do about it, behind the sentence, if there is room;
 * NULL: nothing. Returns `error`; the system's code stays. */
int error_advise(int error, const char *advice);

/* Puts "what: " in front of the sentence that a function below has written. The
 * system's code stays. Returns `error`. */
int error_in(const char *what, int error);

/* Returns the thread's sentence if the program wrote it, by rondo_set_error
 * with this very error, and no other sentence has replaced it; else NULL. Valid
 * until the thread's next failure. */
const char *error_given(int error);

/* Keeps the system's code and returns the RONDO_E... for it. Writes no
 * sentence. For the functions of sys.h. */
int error_from_os(int64_t os_error);

/* Sets the system's code to 0: the failure that follows is Rondo's own. */
void error_no_os(void);

/* Sets the system's code and leaves the sentence, which must fit it. */
void error_keep_os(int64_t os_error);

#endif
