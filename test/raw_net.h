/* raw_net.h - raw.h's special things: odd descriptors, names, failing accepts.
 * SPDX-License-Identifier: MIT
 *
 * What a system does not have is answered with RONDO_NO_FD, -1 or false; the
 * test then says so with test_skip.
 */
#ifndef RONDO_TEST_RAW_NET_H
#define RONDO_TEST_RAW_NET_H

#include "raw.h"

/* ---- sockets ------------------------------------------------------------ */

bool raw_has_inet6(void); /* ::1 can be bound */
raw_fd raw_tcp(void);     /* an IPv4 stream socket, nothing done with it */
/* Bound to a port of 127.0.0.1 but not listening: as long as it is open,
 * whoever connects there is refused. */
raw_fd raw_reserve_port(uint16_t *port);
/* Listening at that address (v6only); RONDO_NO_FD: the address is refused. */
raw_fd raw_listen_at(const rondo_address *address);
/* Blocking; RONDO_NO_FD: refused. */
raw_fd raw_connect_at(const rondo_address *address);
raw_fd raw_connect_start(uint16_t port); /* non-blocking, still under way */
/* 1 or 0, -1: the option cannot be read */
int raw_no_delay(raw_fd fd);
int raw_keep_alive(raw_fd fd);
bool raw_is_blocking(raw_fd fd); /* also where the system cannot tell */

/* Windows: bound to a completion port, for good. false: there are none. */
bool raw_give_to_a_port(raw_fd fd);

/* A listener so full that one more connect neither succeeds nor fails. */
struct raw_black_hole {
    raw_fd listener, fillers[16];
    uint16_t port;
};
bool raw_black_hole_open(struct raw_black_hole *hole);
/* At that address, whose port may be 0. */
bool raw_black_hole_open_at(struct raw_black_hole *hole,
                            const rondo_address *address);
void raw_black_hole_close(struct raw_black_hole *hole);

/* The native form of an IPv4 address; its size. The bytes that mean nothing
 * are filled with `filler`. */
size_t raw_native_inet(void *room128, const unsigned char ip[4], uint16_t port,
                       int filler);
/* The same for a family that no system has. */
size_t raw_native_unknown(void *room128);
/* The name of an interface with that index; false: there is none. */
bool raw_interface_name(uint32_t index, char *name, size_t size);

/* ---- descriptors that are no sockets ------------------------------------ */

int raw_fifo(raw_fd pair[2]);     /* read end, write end */
int raw_terminal(raw_fd pair[2]); /* a pseudo terminal: master, slave, raw */
raw_fd raw_event(void);           /* readable after 8 bytes were written */
raw_fd raw_device(const char *path);
ptrdiff_t raw_read(raw_fd fd, void *data, size_t size);
ptrdiff_t raw_write(raw_fd fd, const void *data, size_t size);
void raw_set_nonblocking(raw_fd fd);
/* Takes free descriptors until the process has no more (at most `room`). */
size_t raw_exhaust(raw_fd *fds, size_t room);

/* ---- what the C library answers ----------------------------------------- */

/*
 * Once raw_names_replace has been called in a test executable, getaddrinfo
 * answers these itself, and all else as ever:
 *   *.quick.test   127.0.0.1
 *   *.slow.test    127.0.0.1, but not before raw_names_release
 *   *.two.test     127.0.0.2 and 127.0.0.1
 *   *.many.test    127.0.0.8, 127.0.0.7, and so on to 127.0.0.1
 *   *.both.test    ::1 and 127.0.0.1
 *   *.none.test    no such host
 *   *.later.test   try again later
 * false: the functions of this system cannot be replaced.
 */
bool raw_names_replace(void);
void raw_names_release(void);   /* every slow look-up goes on, now and later */
unsigned raw_names_calls(void); /* that were not for a numeric address */
unsigned raw_names_waiting(void); /* slow ones, waiting now */
unsigned raw_names_most(void);    /* at the same time, ever */
bool raw_names_on_caller(void);   /* any on the thread of raw_names_replace */
size_t raw_names_longest(void);   /* the longest host asked for */

enum raw_accept_failure {
    RAW_ACCEPT_ABORTED, /* ECONNABORTED */
    RAW_ACCEPT_NO_FILES,
    RAW_ACCEPT_NO_SYSTEM_FILES,
    RAW_ACCEPT_NO_BUFFERS,
    RAW_ACCEPT_NO_MEMORY,
    RAW_ACCEPT_INTERRUPTED
};

/* The next `times` accepts on that descriptor fail; false: cannot be done. */
bool raw_accept_fails(raw_fd listener, enum raw_accept_failure how,
                      unsigned times);
unsigned raw_accept_failed(void); /* how many have */

/* Sets the wall clock that this process sees by so many seconds. false: it
 * cannot be done. */
bool raw_step_wall_clock(int64_t seconds);
/* Lets the monotonic clock go ahead by so many seconds, for good. */
bool raw_advance_clock(int64_t seconds);

#endif
