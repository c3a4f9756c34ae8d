/* file_source.h - a file that is sent: by the kernel, or read on a thread. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_THREADS_FILE_SOURCE_H
#define RONDO_THREADS_FILE_SOURCE_H

#include "core/loop.h"

/* The file of one sendfile. It lies inside the handle that sends it. For each
 * piece that handle asks either the kernel (file_source_send, or OP_SENDFILE
 * with file_source_next) or a thread (file_source_read). The loop's thread
 * calls all functions. The file's descriptor is the program's and must stay
 * open until file_source_close. */
struct file_source {
    rondo_loop *loop;
    sys_fd file;
    int64_t offset; /* of the next byte; -1: the file has no positions */
    int64_t left;   /* bytes still to be sent, at most */
    int64_t sent;   /* bytes that were sent, or read by a thread to be sent */
    bool by_thread; /* the kernel does not send this file, or not to there */
    bool reading;   /* file_source_read was called, `came` not yet */
    uint32_t generation;       /* sys_fork_generation when it was opened */
    struct file_reading *room; /* for what a thread reads; NULL: none so far */
    /* From the loop: a thread has read these bytes, which are valid until the
     * next file_source_read or file_source_close. No bytes and no error: the
     * end of the file. Set by the caller before file_source_read. */
    void (*came)(struct file_source *s, const char *data, size_t size,
                 int error);
};

/* Prepares a source; the system is not asked anything yet. A size beyond the
 * end means up to the end. Returns 0, or RONDO_EINVAL with a sentence: offset
 * or size is negative. */
int file_source_open(struct file_source *s, rondo_loop *loop, rondo_fd file,
                     int64_t offset, int64_t size, const char *what);
/* Asks the system what the descriptor is; to be called once, unless the kernel
 * has sent some of it already. A pipe or a device gets offset -1 and by_thread.
 * Returns 0, or with a sentence RONDO_EBADF (not open for reading) or
 * RONDO_EINVAL (a directory, a socket, or an offset in a file without
 * positions). */
int file_source_check(struct file_source *s, const char *what);
/* Ends the source: `came` is not called any more, and what a thread reads is
 * dropped there. After a failure the file's own position is set to the first
 * byte that was not sent, unless the source came through a fork: the position is
 * the parent's, too. */
void file_source_close(struct file_source *s, bool failed);

/* Fills in the next part to be sent, of at most `most` bytes, and returns its
 * size; 0: all was sent. */
size_t file_source_next(const struct file_source *s, size_t most,
                        struct sys_part *part);
/* These bytes of the part were sent. */
void file_source_advance(struct file_source *s, size_t count);
/* These bytes, the last that a thread has read, were not sent. */
void file_source_take_back(struct file_source *s, size_t count);

/* Lets the kernel send, once, and advances. Returns how many bytes were sent;
 * 0: the end of the file, or all was sent; RONDO_EAGAIN; an error of the
 * stream; or RONDO_ENOTSUP: by_thread is set now, go on with
 * file_source_read. */
int64_t file_source_send(struct file_source *s, sys_fd to);
/* Tells whether an error of sendfile is the stream's. Any other may be the
 * file's: a thread that reads it will meet the same one. */
bool file_source_blames_stream(int error);

/* Has a thread read the next bytes; `came` gets them, and they count as sent
 * then. Not while `reading` is set. Returns 0, or an error without a sentence
 * but with the system's code, and `came` is not called: RONDO_ENOMEM, an error
 * of copying the descriptor, or no thread can be started. */
int file_source_read(struct file_source *s);

#endif
