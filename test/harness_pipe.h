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
/* a pipe's way: what is written to [1] is read from [0] */
void test_local_pair(struct world *w, raw_fd pair[2]);
/* a file of that many bytes of the pattern, at its start */
raw_fd test_file(struct world *w, size_t size);

/* A recording transport that reads, or writes; it is not made yet. */
struct peer *test_reader(struct world *w, raw_fd fd, unsigned flags);
struct peer *test_writer(struct world *w, raw_fd fd, unsigned flags);
/* Both must refuse it with that error, call nothing and leave it open. */
void test_refused(struct world *w, raw_fd fd, unsigned flags, int error);

/* Writes that part of the pattern, in pieces of about `piece` bytes, as fast
 * as the transport takes them. */
void test_write_pattern(struct world *w, struct peer *p, uint64_t size,
                        size_t piece);

#endif
