/* error.h - the error numbers and this thread's last failure in words. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_BASE_ERROR_H
#define RONDO_BASE_ERROR_H

#include "rondo.h"

/* Keeps the sentence and gives the error back: `return error_set(...)`. */
RONDO_PRINTF(2, 3)
int error_set(int error, const char *format, ...);

/* The same for a failed system call: ": why (NAME)" is put behind the
 * sentence from the thread's last OS error, met just before. */
RONDO_PRINTF(2, 3)
int error_os(int error, const char *format, ...);

/* Puts "what: " before the sentence of somebody further down. */
int error_in(const char *what, int error);

/* The last words, if rondo_set_error gave them to that error; else NULL. */
const char *error_given(int error);

/* For sys.h's implementations: keeps the system's code, gives RONDO_E.... */
int error_from_os(int64_t os_error);
/* Forgets the system's code: what follows is Rondo's own word. */
void error_no_os(void);

/* The system's code behind a sentence that is written already. */
void error_keep_os(int64_t os_error);

#endif
