/* raw_datagram.h - raw.h's datagrams: sockets, failing sends, paths.
 * SPDX-License-Identifier: MIT
 *
 * What a system does not have is answered with RONDO_NO_FD, -1 or false.
 */
#ifndef RONDO_TEST_RAW_DATAGRAM_H
#define RONDO_TEST_RAW_DATAGRAM_H

#include "raw.h"

/* Bound to that address, blocking; `shared` with others that say so. */
raw_fd raw_datagram_at(const rondo_address *address, bool shared);
/* A unix socket bound to that path; NULL: to nothing. */
raw_fd raw_datagram_path(const char *path);
bool raw_datagram_connect(raw_fd fd, const rondo_address *to);
void raw_datagram_address(raw_fd fd, rondo_address *address);
/* As raw_send and raw_recv; to NULL: connected; from may be NULL. A datagram
 * of no bytes is 0. */
ptrdiff_t raw_send_to(raw_fd fd, const void *data, size_t size,
                      const rondo_address *to);
ptrdiff_t raw_recv_from(raw_fd fd, void *data, size_t size, rondo_address *from,
                        int timeout_ms);

/* -1: cannot be read */
int raw_multicast_ttl(raw_fd fd);
int raw_multicast_loop(raw_fd fd);
/* After a connected socket has heard that nobody has the port it sends to, a
 * wait for what comes still ends (not under Wine, where an overlapped one does
 * not). */
bool raw_waits_after_unreachable(void);

/* The next `times` sends of datagrams in this process fail. */
enum raw_send_failure {
    RAW_SEND_BLOCKED,
    RAW_SEND_UNREACHABLE, /* RONDO_ENETUNREACH */
    RAW_SEND_NO_BUFFERS   /* ENOBUFS, as the BSDs say of a full queue */
};
/* After so many that work. false: cannot be done here. */
bool raw_sends_fail(enum raw_send_failure how, unsigned after, unsigned times);
unsigned raw_sends_failed(void); /* how many have */
/* Calls that sent or received datagrams, since the start. */
unsigned raw_datagram_calls(void);

/* A path of a socket to be, in a new folder; false: no unix sockets. */
bool raw_path_new(char *path, size_t size);
/* Removes folder and file. */
void raw_path_drop(const char *path);
bool raw_path_forget(const char *path); /* the file alone */
bool raw_path_is_there(const char *path);
bool raw_path_put_file(const char *path); /* an ordinary one */

#endif
