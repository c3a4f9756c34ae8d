/* child_system.h - what a child process of the tests asks of its system.
 * SPDX-License-Identifier: MIT
 *
 * child.c is a program of its own: what it does is in its arguments.
 */
#ifndef RONDO_TEST_CHILD_SYSTEM_H
#define RONDO_TEST_CHILD_SYSTEM_H

#include <stddef.h>

/* No child outlives its test by more. */
enum { CHILD_LIFE_S = 180 };

/* < 0: failed; 0 from a read: the end */
long child_read(int fd, void *data, size_t size);
long child_write(int fd, const void *data, size_t size);
void child_close(int fd);
void child_sleep(void);     /* until it is killed, or the time is over */
void child_die(int signum); /* of that signal, where there are any */
/* takes a descriptor that comes over this one, says hello to whom it leads to,
 * and sends it back */
void child_pass(int fd);
void child_start(char *argv[]); /* a child of its own, not waited for */
char **child_environment(void); /* UTF-8; ends with NULL */
void child_say_folder(void);
void child_say_descriptors(void);
void child_say_signals(void);
void child_say_ids(void);
void child_say_terminal(int fd); /* what it is, of which size, whose */
void child_await_size(void);     /* "ready", and the new size of 0 */
void child_say_limit(int resource);
void child_say_nice(void);
void child_say_handle(long long handle); /* Windows: is it open */
/* begins bytes as they are, UTF-8 arguments in *argv */
void child_begin(int *argc, char ***argv);
void child_say(const char *format, ...); /* to stdout, at once */

#endif
