/* file_source.h - a file that is sent: by the kernel, or read on a thread. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_THREADS_FILE_SOURCE_H
#define RONDO_THREADS_FILE_SOURCE_H

#include "core/loop.h"

struct file_source {
    rondo_loop *loop;
    sys_fd file;    /* the program's */
    int64_t offset; /* of the next byte; -1: it has no positions */
    int64_t left;   /* bytes to be sent at most */
    int64_t sent;
    bool by_thread;       /* the kernel does not send it */
    bool reading;         /* a thread is at it */
    struct reading *room; /* made with the first bytes that a thread reads */
    /* From the loop: what a thread has read, lent until the next file_source_read
     * or file_source_close; no bytes and no error are the end. */
    void (*came)(struct file_source *s, const char *data, size_t size,
                 int error);
};

/* RONDO_EINVAL: a negative number. Nothing is held until file_source_read. */
int file_source_open(struct file_source *s, rondo_loop *loop, rondo_fd file,
                     int64_t offset, int64_t size, const char *what);
/* Can it be sent at all? Need not be asked once some of it has been.
 * RONDO_EBADF, RONDO_EINVAL. */
int file_source_check(struct file_source *s, const char *what);
/* Nothing is read on any more. After a failure the file's position says how
 * far it has been sent. */
void file_source_close(struct file_source *s, bool failed);

/* How much is to be sent next, in one piece, and from where; 0: nothing. */
size_t file_source_next(const struct file_source *s, size_t most,
                        struct sys_part *part);
/* These have been sent. */
void file_source_advance(struct file_source *s, size_t count);
/* These, which a thread has read, have not. */
void file_source_take_back(struct file_source *s, size_t count);
/* One try of the kernel: a count; 0: the end, or all that was wanted;
 * RONDO_EAGAIN; the stream's error; RONDO_ENOTSUP: see by_thread. */
int64_t file_source_send(struct file_source *s, sys_fd to);
/* Is it the stream that has failed? Else it may have been the file, which a
 * thread is to find out. */
bool file_source_blames_stream(int error);
/* Reads the next bytes on a thread; they count as sent. Not while reading.
 * An error is the answer, with last OS error, and `came` is not called. */
int file_source_read(struct file_source *s);

#endif
