/* pipe_thread.h - a thread that reads or writes what cannot be waited for. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_THREADS_PIPE_THREAD_H
#define RONDO_THREADS_PIPE_THREAD_H

#include "core/loop.h"

/* For one direction of a file, a terminal or a device that no backend watches.
 * A transport waits for the descriptor pipe_thread_fd in its place. The thread
 * does one read or write at a time: pipe_thread_read or _write starts it, the
 * descriptor becomes readable when it has ended, pipe_thread_take takes the
 * result. The loop's thread calls all functions. */
struct pipe_thread;

/* `pipe` must stay open until pipe_thread_free has returned. Returns 0, or an
 * error with a sentence: RONDO_ENOMEM, or no descriptor for the wake-up. */
int pipe_thread_new(rondo_loop *loop, struct sys_pipe *pipe,
                    struct pipe_thread **made);
/* Joins and frees it. */
void pipe_thread_free(struct pipe_thread *b);

/* Starts a read, up to LOOP_SCRATCH bytes into memory of its own, unless a call
 * is under way or its result was not taken. */
void pipe_thread_read(struct pipe_thread *b);
/* Starts a write, under the same condition. The bytes must stay where they are
 * until the call has ended. */
void pipe_thread_write(struct pipe_thread *b, const void *data, size_t size);
/* Takes the result of the call that has ended: a count of bytes, or an error
 * with the system's code. Copies what was read to `data`, which has room for
 * LOOP_SCRATCH bytes. RONDO_EAGAIN: no call has ended since. */
int64_t pipe_thread_take(struct pipe_thread *b, void *data);

/* Readable from the end of a call until its result is taken. */
sys_fd pipe_thread_fd(const struct pipe_thread *b);
/* Makes the call that is under way, and every later one, return soon. It still
 * ends as always. A call on a regular file is not hurried. */
void pipe_thread_cancel(struct pipe_thread *b);
/* Cancels, and waits until no call is under way. */
void pipe_thread_join(struct pipe_thread *b);
/* Tells whether a call is under way. */
bool pipe_thread_is_busy(const struct pipe_thread *b);
/* Tells whether the thread is the parent process's: no call ever ends then. */
bool pipe_thread_is_forked(const struct pipe_thread *b);

#endif
