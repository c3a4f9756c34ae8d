/* bsd.h - what a BSD's own headers declare and those of Linux do not. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_TEST_BSD_H
#define RONDO_TEST_BSD_H

/* Included before everything else, which may ask for more of them. Linux's
 * headers come first: below, some of their functions have another name. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* Options of theirs, by calls that know them (sim_calls.c). */
#define SO_NOSIGPIPE   0x1022
#define F_SETNOSIGPIPE 73
#define F_GETNOSIGPIPE 74
#define getsockopt     sim_getsockopt
#define setsockopt     sim_setsockopt
#define fcntl(...)     sim_fcntl(__VA_ARGS__)
#define accept(...)    sim_accept(__VA_ARGS__)
#define send(...)      sim_send(__VA_ARGS__)
#define sendto(...)    sim_sendto(__VA_ARGS__)
#define sendmsg(...)   sim_sendmsg(__VA_ARGS__)
#define write(...)     sim_write(__VA_ARGS__)
#define writev(...)    sim_writev(__VA_ARGS__)
int sim_getsockopt(int fd, int level, int option, void *value, socklen_t *size);
int sim_setsockopt(int fd, int level, int option, const void *value,
                   unsigned size);
int sim_fcntl(int fd, int command, ...);
int sim_accept(int fd, struct sockaddr *address, socklen_t *size);
ssize_t sim_send(int fd, const void *data, size_t size, int flags);
ssize_t sim_sendto(int fd, const void *data, size_t size, int flags,
                   const void *to, socklen_t to_size);
ssize_t sim_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t sim_write(int fd, const void *data, size_t size);
ssize_t sim_writev(int fd, const struct iovec *parts, int count);

#define sysconf(...) sim_sysconf(__VA_ARGS__)
long sim_sysconf(int name);

/* sim_poll.c; src/unix/poll.c says what it was compiled for */
#define POLL_IS_KQUEUE
#define poll(...)  sim_poll(__VA_ARGS__)
#define ppoll(...) sim_ppoll(__VA_ARGS__)
int sim_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int sim_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
              const sigset_t *mask);

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
