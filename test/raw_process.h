/* raw_process.h - what tests of child processes ask of the system.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_PROCESS_H
#define RONDO_TEST_RAW_PROCESS_H

#include "raw_net.h"

/* the path of child.c's program, for argv[0] as well */
const char *raw_child(void);
const char *raw_self(void); /* the path of this program; NULL: not known */
/* children die of signals, and say so */
bool raw_has_signals(void);
const char *raw_known_folder(void);   /* a folder, without links in its path */
const char *raw_path_separator(void); /* between the folders of PATH */
/* Makes a file with that text and tells its path; false: cannot. */
bool raw_program_file(char *path, size_t size, const char *text, bool may_run);
void raw_remove(const char *path);
bool raw_anybody_may_run(const char *path);
void raw_set_close_on_exec(raw_fd fd, bool on);
/* reads a pipe to its end: was that all? */
bool raw_recv_pipe(raw_fd fd, const char *text);
/* children of this process that have ended and were not reaped; -1: unknown */
int raw_zombies(void);
/* waits until it has ended, and leaves it to be reaped */
void raw_process_await(int64_t pid);
bool raw_process_runs(int64_t pid);
void raw_process_kill(int64_t pid);

/* what a program may do to SIGCHLD; false: no such thing here */
enum raw_sigchld { RAW_SIGCHLD_DEFAULT, RAW_SIGCHLD_IGNORED, RAW_SIGCHLD_OWN };
bool raw_sigchld(enum raw_sigchld how);
unsigned raw_sigchld_count(void); /* calls of the program's own handler */
/* a child that is not Rondo's, which exits with that code; 0: cannot */
int64_t raw_process_start(int code);
/* waits for it as a program would: its code, or -1: it is gone */
int raw_process_wait(int64_t pid);
bool raw_is_root(void);
int raw_limit_of_files(void); /* RLIMIT_NOFILE */
/* A new control group below that of this process; false: cannot. */
bool raw_cgroup_make(char *folder, size_t size);
void raw_cgroup_remove(const char *folder);
raw_fd raw_job(void); /* Windows: a job whose last handle ends its processes */
/* Windows: Ctrl-Break's number, and whether a console delivers it */
enum { RAW_SIGBREAK = 21 };
bool raw_console_breaks(void);
/* blocks that signal in this thread, ignores or catches it, or undoes both */
void raw_signal_block(int signum, bool on);
void raw_signal_ignore(int signum, bool on);
void raw_signal_catch(int signum, bool on);

/* Which system calls the kernel is made to lack, as an older one does; ORed.
 * false: cannot be done here. */
enum {
    RAW_LACKS_NOTHING = 0,
    RAW_LACKS_PIDFD = 1,
    RAW_LACKS_CLOSE_RANGE = 2,
    RAW_LACKS_URING = 4,
    RAW_FORBIDS_URING = 8,
    RAW_LACKS_URING_WORK = 16, /* deferred */
    RAW_LACKS_URING_PROBE = 32,
    RAW_LACKS_URING_BUFFERS = 64,
    RAW_LACKS_READS_NOW = 128, /* preadv2 and RWF_NOWAIT */
    RAW_LACKS_PAGES = 256,     /* nothing is in its memory */
    RAW_LACKS_SOME_PAGES =
        512,                 /* a read there ends early, and before the end */
    RAW_LACKS_RANDOM = 1024, /* getrandom(2) */
    /* of io_uring: operations, features, the second group of buffers; and it
     * has room for few questions and answers */
    RAW_LACKS_URING_MESSAGES = 2048,
    RAW_LACKS_URING_RECV = 4096,
    RAW_LACKS_URING_SKIP = 8192,
    RAW_LACKS_URING_NODROP = 16384,
    RAW_LACKS_URING_LARGE = 32768,
    RAW_SMALL_URING = 65536
};
bool raw_kernel_lacks(unsigned what);

#endif
