/* raw.h - plain sockets, threads and limits for tests, without Rondo.
 * SPDX-License-Identifier: MIT
 *
 * The other side of a test's connection, and everything else a test asks of
 * the operating system. raw_unix.c and raw_win.c implement it; a test file
 * itself contains nothing of one system.
 */
#ifndef RONDO_TEST_RAW_H
#define RONDO_TEST_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rondo.h"

typedef rondo_fd raw_fd; /* RONDO_NO_FD: failed */

/* What raw_send and raw_recv return besides a count. 0 from raw_recv: EOF. */
enum { RAW_AGAIN = -1, RAW_RESET = -2, RAW_FAILED = -3 };

/* ---- sockets: 127.0.0.1 only, close-on-exec, blocking as made ---------- */

raw_fd raw_listen(uint16_t *port, int backlog); /* port chosen by the kernel */
raw_fd raw_accept(raw_fd listener, int timeout_ms);
raw_fd raw_connect(uint16_t port);
int raw_pair(raw_fd pair[2]); /* two ends of a TCP connection: 0, or -1 */
/* the same with kernel buffers of about `bytes` each, set early enough to
 * bound the window */
int raw_pair_small(raw_fd pair[2], int bytes);
raw_fd raw_udp(void); /* bound to a port, not connected */

/* never blocks; the count may be short; RAW_AGAIN when the buffer is full */
ptrdiff_t raw_send(raw_fd fd, const void *data, size_t size);
bool raw_send_all(raw_fd fd, const void *data, size_t size, int timeout_ms);
/* timeout 0 never blocks; RAW_AGAIN when nothing came in that time */
ptrdiff_t raw_recv(raw_fd fd, void *data, size_t size, int timeout_ms);
bool raw_recv_exact(raw_fd fd, void *data, size_t size, int timeout_ms);
void raw_shutdown_write(raw_fd fd);
void raw_reset(raw_fd fd); /* closes so that the peer sees a reset */
void raw_close(raw_fd fd);
static inline void raw_close_pair(const raw_fd pair[2])
{
    raw_close(pair[0]);
    raw_close(pair[1]);
}
void raw_set_buffers(raw_fd fd, int bytes); /* both directions */
uint16_t raw_local_port(raw_fd fd);
uint16_t raw_peer_port(raw_fd fd);

/* ---- descriptors ------------------------------------------------------- */

bool raw_fd_valid(raw_fd fd); /* open in this process */
bool raw_fd_close_on_exec(raw_fd fd);
raw_fd raw_dead_fd(void);     /* a number that is not open */
raw_fd raw_file(void);        /* an empty temporary regular file */
raw_fd raw_directory(void);   /* or RONDO_NO_FD: none on this system */
raw_fd raw_null(void);        /* the null device */
int raw_pipe(raw_fd pair[2]); /* read end, write end; -1: none here */
/* waits until something that is no socket is readable or signalled */
bool raw_wait_handle(raw_fd fd, int64_t timeout_ns);
raw_fd raw_duplicate(raw_fd fd);
/* moves fd to that very number, closing fd; RONDO_NO_FD: cannot */
raw_fd raw_move_fd(raw_fd fd, raw_fd number);

/* which descriptors are open; on Windows only how many handles */
struct raw_snapshot {
    size_t count;
    unsigned char open[8192]; /* a bit a descriptor */
};
void raw_snapshot_take(struct raw_snapshot *s);
/* writes what is open beyond `before` as text, such as "7 (socket:[123])" */
void raw_snapshot_differences(const struct raw_snapshot *before, char *text,
                              size_t size);
void raw_snapshot_close_new(const struct raw_snapshot *before);
size_t raw_count_descriptors(void);

/* The soft limit of open descriptors. Both answer with the limit in force
 * before, for raw_set_descriptor_limit to restore; -1 where there is none. */
int64_t raw_raise_descriptor_limit(int64_t wanted);
int64_t raw_set_descriptor_limit(int64_t limit);
int64_t raw_descriptor_limit(void);

/* ---- threads, processes, time ------------------------------------------ */

struct raw_thread; /* no assertions inside a thread: leave results behind */
struct raw_thread *raw_thread_start(void (*fn)(void *arg), void *arg);
void raw_thread_join(struct raw_thread *thread);
void raw_sleep_ms(int ms); /* only where the order of things demands it */
void raw_yield(void);
int64_t raw_now_ns(void);        /* monotonic */
int64_t raw_thread_cpu_ns(void); /* CPU time of the calling thread */
unsigned raw_cores(void);        /* that this process may use */
int raw_count_threads(void);     /* of this process; -1: cannot be told */
bool raw_under_valgrind(void);
/* By a program that runs another machine's (tools/cross): it has threads of its
 * own, and can neither start one in a forked child nor start programs. */
bool raw_emulated(void);
/* How many times slower than on a plain machine system calls are; 1 there. */
int raw_slowness(void);

/* A simulated host: no shell, no standard output, and numbers of descriptors that
 * are beyond each limit. */
bool raw_is_simulated(void);

/* Runs fn in a forked child, which then ends with fn's answer (0 to 255).
 * Answers with that, or 256 + the signal that killed it. -1: no fork here. */
int raw_fork_run(int (*fn)(void *arg), void *arg);
/* SIGPIPE is as a program finds it: default, not blocked, none pending */
bool raw_sigpipe_untouched(void);
void raw_set_environment(const char *name, const char *value); /* NULL: unset */

#endif
