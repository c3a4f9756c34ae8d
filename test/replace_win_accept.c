/* replace_win_accept.c - an accept and an AcceptEx that fail as told. */
/* SPDX-License-Identifier: MIT */
#include "raw_win.h"

#include <mswsock.h>

/* of the test's own thread, as the loops that accept */
static SOCKET target = INVALID_SOCKET;
static int failure;
static unsigned left, failed;

bool raw_accept_fails(raw_fd listener, enum raw_accept_failure how,
                      unsigned times)
{
    static const int codes[] = {
        [RAW_ACCEPT_ABORTED] = WSAECONNRESET, /* what accept says here */
        [RAW_ACCEPT_NO_FILES] = WSAEMFILE,
        [RAW_ACCEPT_NO_SYSTEM_FILES] = WSAEPROCLIM,
        [RAW_ACCEPT_NO_BUFFERS] = WSAENOBUFS,
        [RAW_ACCEPT_NO_MEMORY] = WSA_NOT_ENOUGH_MEMORY,
        [RAW_ACCEPT_INTERRUPTED] = 0, /* no signals, no interruption */
    };

    if (!codes[how])
        return false;
    target = win_socket_of(listener);
    failure = codes[how];
    left = times;
    failed = 0;
    /* those that wait already end, so that the next ones are these */
    (void)CancelIoEx(win_handle_of(listener), NULL);
    return true;
}

unsigned raw_accept_failed(void)
{
    return failed;
}

static bool must_fail(SOCKET fd)
{
    if (left == 0 || fd != target)
        return false;
    left--;
    failed++;
    WSASetLastError(failure);
    return true;
}

typedef SOCKET(WSAAPI *accept_fn)(SOCKET, struct sockaddr *, int *);

static SOCKET WSAAPI accept_one(SOCKET fd, struct sockaddr *address, int *size)
{
    if (must_fail(fd))
        return INVALID_SOCKET;
    return ((accept_fn)win_real(L"ws2_32.dll", "accept"))(fd, address, size);
}

extern const accept_fn replaced_accept __asm__(WIN_IMPORT(accept, 12));
const accept_fn replaced_accept = accept_one;

/* declared without dllimport: replaced by its own name */
BOOL PASCAL AcceptEx(SOCKET fd, SOCKET accepted, void *buffer, DWORD data,
                     DWORD local, DWORD remote, DWORD *count,
                     OVERLAPPED *overlapped)
{
    typedef BOOL(PASCAL * fn)(SOCKET, SOCKET, void *, DWORD, DWORD, DWORD,
                              DWORD *, OVERLAPPED *);

    if (must_fail(fd))
        return FALSE;
    return ((fn)win_real(L"mswsock.dll", "AcceptEx"))(
        fd, accepted, buffer, data, local, remote, count, overlapped);
}
