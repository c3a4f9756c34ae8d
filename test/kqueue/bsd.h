/* bsd.h - what a BSD's own headers declare and those of Linux do not. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_TEST_BSD_H
#define RONDO_TEST_BSD_H

/* Included before everything else, which may ask for more of them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/types.h>

int getpeereid(int fd, uid_t *user, gid_t *group);

#endif
