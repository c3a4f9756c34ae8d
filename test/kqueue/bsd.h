/* bsd.h - what a BSD's own headers declare and those of Linux do not. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_TEST_BSD_H
#define RONDO_TEST_BSD_H

/* Included before everything else, which may ask for more of them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/types.h>

/* An option of theirs, by a call that knows it. */
#define SO_NOSIGPIPE 0x1022
#define setsockopt   sim_setsockopt
int sim_setsockopt(int fd, int level, int option, const void *value,
                   unsigned size);

int getpeereid(int fd, uid_t *user, gid_t *group);

/* <sys/sysctl.h> of NetBSD and OpenBSD, for one question. */
#define CTL_KERN       1
#define KERN_CLOCKRATE 12
#define sysctl         sim_sysctl
struct clockinfo {
    int hz;
};
int sim_sysctl(const int *name, unsigned count, void *value, size_t *size,
               const void *new_value, size_t new_size);

/* src/unix/sendfile.c says which of them it was compiled for. */
struct sf_hdtr;
int sim_sendfile_macos(int file, int to, off_t offset, off_t *size,
                       struct sf_hdtr *more, int flags);
int sim_sendfile_freebsd(int file, int to, off_t offset, size_t size,
                         struct sf_hdtr *more, off_t *sent, int flags);
#ifdef SENDFILE_MACOS
#define sendfile sim_sendfile_macos
#elif defined(SENDFILE_FREEBSD)
#define sendfile sim_sendfile_freebsd
#endif

#endif
