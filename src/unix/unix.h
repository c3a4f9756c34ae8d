/* unix.h - declarations that the files of src/unix share. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_UNIX_UNIX_H
#define RONDO_UNIX_UNIX_H

#include "sys.h"

#include <signal.h>
#include <stdatomic.h>
#include <time.h>

/* There are accept4 and pipe2. macOS has neither. */
#if defined(__linux__) || defined(__FreeBSD__) || defined(__NetBSD__) ||       \
    defined(__OpenBSD__) || defined(__DragonFly__)
#define UNIX_TAKES_FLAGS
#endif

/* Makes a new descriptor close-on-exec, and moves it if it is 0, 1 or 2: a
 * program that has closed these would print into it. -1 stays -1, and errno
 * stays too. */
int unix_keep(int fd);
/* Makes a socket: non-blocking, close-on-exec. -1: errno says why. */
int unix_socket(int family, int type);
/* Makes a pipe: fds[0] reads, fds[1] writes; blocking, close-on-exec. */
int unix_pipe(int fds[2]);
int unix_nonblocking(int fd, bool on);

/* Keeps SIGPIPE off a socket for good. On failure unix_may_send does it from
 * then on. */
void unix_protect(int fd);
/* True: there may be a socket that could not be protected. */
extern atomic_bool unix_unprotected;
bool unix_may_send_slow(int fd);
/* Called before each send. false: errno is EPIPE; the send would raise it, and
 * SIGPIPE with it. */
static inline bool unix_may_send(int fd)
{
    return !atomic_load_explicit(&unix_unprotected, memory_order_relaxed) ||
           unix_may_send_slow(fd);
}

/* Waits until one side of a descriptor is ready or has ended, `cancel` (-1:
 * none) is readable, or the time is over (-1: no limit). 0 also after a signal.
 */
enum { UNIX_READY = 1, UNIX_CANCELED = 2 };
unsigned unix_ready(int fd, unsigned side, int cancel, int timeout_ms);
/* True: nobody can read what is written to this socket, pipe or FIFO. */
bool unix_reader_left(int fd, bool socket);
/* True: nobody has the other side of this terminal any more. */
bool unix_terminal_hung_up(int fd);

/* Converts at most `room` buffers; returns how many. struct msghdr counts them
 * in int, unsigned or size_t: an unsigned char converts to each. */
struct iovec;
unsigned char unix_parts(struct iovec *parts, unsigned char room,
                         const rondo_buffer *buffers, size_t count);

/* These two go around a call that may raise SIGPIPE: they block the signal, and
 * take it if the call has raised it. A SIGPIPE that was pending before stays.
 * whole: the call has written everything, so it raised nothing. errno stays. */
struct unix_quiet {
    sigset_t before; /* the mask of this thread */
    bool waited;     /* a SIGPIPE was pending */
};
void unix_quiet_begin(struct unix_quiet *q);
void unix_quiet_end(const struct unix_quiet *q, bool whole);

/* Locks are of parts of a file. */
bool unix_fs_locks_ranges(void);

/* A timeout as poll(2) and pselect(2) take it, rounded up so that no timer is
 * early. unix_timespec turns RONDO_NEVER into a day. */
int unix_timeout_ms(int64_t timeout_ns);
struct timespec unix_timespec(int64_t timeout_ns);

struct msghdr;
struct cmsghdr;
/* CMSG_NXTHDR. */
struct cmsghdr *unix_next_control(struct msghdr *message, struct cmsghdr *c);

/* ---- datagram.c, for datagram_info.c ---- */

/* Tells whether datagrams can be kept whole. */
bool unix_datagram_can_refuse_fragments(void);
/* The RONDO_E... of errno after a receive and after a send. */
int unix_datagram_receive_failed(void);
int unix_datagram_send_failed(void);
/* For a receive of at most `room` bytes into r. */
void unix_datagram_prepare(struct sys_received *r, size_t room,
                           struct msghdr *head, struct iovec *part);
void unix_datagram_take(struct sys_received *r, const struct msghdr *head,
                        size_t size);
#if SYS_BATCH == 1
bool unix_datagram_is_end(sys_fd fd, const struct sys_received *r);
#endif

#endif
