/* harness_pipe.h - half transports for tests.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_PIPE_H
#define RONDO_TEST_HARNESS_PIPE_H

#include "harness.h"
#include "raw_net.h"
#include "raw_pipe.h"

/* Each skips the test where the loop or the system has no such thing. */
void test_need_pipes(struct world *w);
void test_pipe(struct world *w, raw_fd pair[2]); /* read end, write end */
void test_overlapped_pipe(struct world *w, raw_fd pair[2]);
void test_fifo(struct world *w, raw_fd pair[2]);
void test_terminal(struct world *w, raw_fd pair[2]); /* master, slave */
/* Plays the scene with each of these kinds that the system has; it closes both
 * ends. Skips the test where there is none. */
enum {
    PIPE = 1,
    OVERLAPPED_PIPE = 2,
    FIFO = 4,
    UNIX_SOCKET = 8,
    TCP_SOCKET = 16,
    TERMINAL = 32, /* its master reads */
    EACH_KIND = 31 /* but that */
};
void test_each_pipe(struct world *w, unsigned kinds,
                    void (*scene)(struct world *w, raw_fd pair[2]));
/* a file of that many bytes of the pattern, at its start */
raw_fd test_file(struct world *w, size_t size);

/* A recording transport that reads, or writes; it is not made yet. */
struct peer *test_reader(struct world *w, raw_fd fd, unsigned flags);
struct peer *test_writer(struct world *w, raw_fd fd, unsigned flags);
/* One that owns an end of a pipe, whose other end is plain. */
struct peer *test_pipe_reader(struct world *w, raw_fd *to_write);
struct peer *test_pipe_writer(struct world *w, raw_fd *to_read);
/* One that reads from pair[0] and one that writes to pair[1], which they own;
 * both are made. */
void test_both(struct world *w, const raw_fd pair[2], struct peer **reader,
               struct peer **writer);
/* Both must refuse it with that error, call nothing and leave it open. */
void test_refused(struct world *w, raw_fd fd, unsigned flags, int error);

#endif
