/* win.h - what the files of src/win share. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_WIN_WIN_H
#define RONDO_WIN_WIN_H

/* The library needs Windows 7. It looks for what came later at run time. */
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0601
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif

#include "sys.h"

#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

/* Starts Winsock, once for the process. A call on a socket need not do it: who
 * has made the socket has started Winsock. */
void win_start(void);

/* Makes a socket that is overlapped and non-blocking, and that children do not
 * inherit. 0 or an error. */
int win_socket(int family, int type, int protocol, sys_fd *fd);

/* The number of an address family in Windows; AF_UNSPEC: it has none. */
int win_family(rondo_family family);

/* The error of the Winsock call that has just failed; RONDO_EAGAIN: it would
 * block. */
int win_fail(void);

/* The error of a receive or a send on a stream, from the system's number: a
 * connection that was aborted is RONDO_ECONNRESET. */
int win_stream_error(int os_error);

/* The error of a datagram call, from ours: RONDO_ECONNRESET is what Windows
 * says of a port that nobody has, RONDO_ECONNREFUSED. */
int win_datagram_error(int error);

/* The system has no memory or buffers now; later it may have some. 0: no. */
bool win_lacks_room(DWORD os_error);

/* Whether a socket reports that nobody has the port it has sent to. */
void win_tell_unreachable(sys_fd fd, bool tell);

/* Is it a socket, of any type? */
bool win_knows_socket(sys_fd fd);

/* Converts UTF-8 to UTF-16 with a NUL. RONDO_EINVAL: not UTF-8;
 * RONDO_ENAMETOOLONG. */
int win_wide(const char *text, wchar_t *wide, size_t room);

/* The timeout of a wait in milliseconds, rounded up, so that no timer is early.
 */
DWORD win_timeout_ms(int64_t timeout_ns);

/* How long a tick of the system's timer is: the finest timeout of a wait. */
int64_t win_wait_resolution(void);

/* Whether Windows has pseudo consoles. */
bool win_terminal_is_there(void);
/* Whether it tells of changes of network interfaces. */
bool win_network_tells(void);

/* ---- IP addresses as text: ip.c ---- */

/* As inet_pton and inet_ntop of Unix. Those of Windows take octal and
 * hexadecimal numbers, too. */
bool ip_parse_inet(const char *text, unsigned char bytes[4]);
bool ip_parse_inet6(const char *text, unsigned char bytes[16]);
void ip_print_inet(const unsigned char bytes[4], char *text, size_t size);
void ip_print_inet6(const unsigned char bytes[16], char *text, size_t size);

#endif
