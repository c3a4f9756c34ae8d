/* pipe_thread.h - a thread that reads or writes where waiting is no use. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_THREADS_PIPE_THREAD_H
#define RONDO_THREADS_PIPE_THREAD_H

#include "core/loop.h"

/* What one thread does for a loop, one thing at a time. */
struct pipe_thread;

/* For a descriptor that stays open as long as this lives. */
int pipe_thread_new(rondo_loop *loop, struct sys_pipe *pipe,
                    struct pipe_thread **made);
void pipe_thread_free(struct pipe_thread *b);
/* Waits for what is under way, which a file does not keep waiting. */
void pipe_thread_join(struct pipe_thread *b);
/* The loop's to wait for: readable once something has ended and as long as it
 * has not been taken. */
sys_fd pipe_thread_fd(const struct pipe_thread *b);
/* Starts it, unless something is under way or not taken yet. Nothing is kept
 * of what is read ahead but one piece. */
void pipe_thread_read(struct pipe_thread *b);
/* The bytes may not move until it has ended. */
void pipe_thread_write(struct pipe_thread *b, const void *data, size_t size);
/* Hurries what is under way, which still has to end, and whatever follows. */
void pipe_thread_cancel(struct pipe_thread *b);
/* The thread is the parent process's. */
bool pipe_thread_is_forked(const struct pipe_thread *b);
bool pipe_thread_is_busy(const struct pipe_thread *b);
/* What has ended: a count, or an error; what was read goes to `data`, of
 * LOOP_SCRATCH bytes. RONDO_EAGAIN: nothing yet. */
int64_t pipe_thread_take(struct pipe_thread *b, void *data);

#endif
