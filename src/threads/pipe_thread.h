/* pipe_thread.h - a thread that reads or writes where waiting is no use. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_THREADS_PIPE_THREAD_H
#define RONDO_THREADS_PIPE_THREAD_H

#include "core/loop.h"

/* What one thread does for a loop, one thing at a time. */
struct blocking;

/* For a descriptor that stays open as long as this lives. */
int blocking_new(rondo_loop *loop, struct sys_pipe *pipe,
                 struct blocking **made);
void blocking_free(struct blocking *b);
/* Waits for what is under way, which a file does not keep waiting. */
void blocking_join(struct blocking *b);
/* The loop's to wait for: readable once something has ended and as long as it
 * has not been taken. */
sys_fd blocking_fd(const struct blocking *b);
/* Starts it, unless something is under way or not taken yet. Nothing is kept
 * of what is read ahead but one piece. */
void blocking_read(struct blocking *b);
/* The bytes may not move until it has ended. */
void blocking_write(struct blocking *b, const void *data, size_t size);
/* Hurries what is under way, which still has to end, and whatever follows. */
void blocking_cancel(struct blocking *b);
/* The thread is the parent process's. */
bool blocking_is_forked(const struct blocking *b);
bool blocking_is_busy(const struct blocking *b);
/* What has ended: a count, or an error; what was read goes to `data`, of
 * LOOP_SCRATCH bytes. RONDO_EAGAIN: nothing yet. */
int64_t blocking_take(struct blocking *b, void *data);

#endif
