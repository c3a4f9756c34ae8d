/* win.h - what the files of src/win share. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_WIN_WIN_H
#define RONDO_WIN_WIN_H

/* Windows 7; what came later is asked for at run time. */
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

/* Winsock is started, once for the process. It need not be asked before every
 * call: whoever has a socket got it after this. */
void win_start(void);

/* A socket as every socket of the library is: overlapped, non-blocking, not
 * inherited. 0 or an error. */
int win_socket(int family, int type, int protocol, sys_fd *fd);

/* The address family's number in Windows; AF_UNSPEC for none. */
int win_family(rondo_family family);

/* The error of the Winsock call just made; RONDO_EAGAIN: it would block. */
int win_fail(void);

/* The same for an error that ended a receive or a send, however it came to
 * be known: a connection that was torn down is RONDO_ECONNRESET. */
int win_stream_error(int os_error);

/* The same for datagrams. */
int win_datagram_error(int error);

/* The system has no memory or buffers now, and later it may have. */
bool win_lacks_room(DWORD os_error);

/* Whether a datagram that was not wanted where it went is told of. */
void win_tell_unreachable(sys_fd fd, bool tell);

bool win_knows_socket(sys_fd fd);

/* UTF-8 to UTF-16 with a NUL. RONDO_EINVAL: not UTF-8; RONDO_ENAMETOOLONG. */
int win_wide(const char *text, wchar_t *wide, size_t room);

/* A wait's timeout, rounded up, so that no timer is early. */
DWORD win_timeout_ms(int64_t timeout_ns);

/* How often the system looks at its timers: the finest timeout of a wait. */
int64_t win_wait_resolution(void);

/* ---- IP addresses as text: ip.c ---- */

/* As inet_pton and inet_ntop of Unix: Windows' own take octal and hexadecimal
 * numbers, too. */
bool ip_parse_inet(const char *text, unsigned char bytes[4]);
bool ip_parse_inet6(const char *text, unsigned char bytes[16]);
void ip_print_inet(const unsigned char bytes[4], char *text, size_t size);
void ip_print_inet6(const unsigned char bytes[16], char *text, size_t size);

#endif
