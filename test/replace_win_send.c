/* replace_win_send.c - sends of datagrams that fail as told, and a count. */
/* SPDX-License-Identifier: MIT */
#include "raw_datagram.h"
#include "raw_win.h"

/* of the test's own thread, as the loop that sends */
static int failure;
static unsigned before, left, failed, calls;

bool raw_sends_fail(enum raw_send_failure how, unsigned after, unsigned times)
{
    static const int codes[] = {
        [RAW_SEND_BLOCKED] = WSAEWOULDBLOCK,
        [RAW_SEND_UNREACHABLE] = WSAENETUNREACH,
        [RAW_SEND_NO_BUFFERS] = 0, /* nobody's word for a full queue */
    };

    if (!codes[how])
        return false;
    failure = codes[how];
    before = after;
    left = times;
    failed = 0;
    return true;
}

unsigned raw_sends_failed(void)
{
    return failed;
}

unsigned raw_datagram_calls(void)
{
    return calls;
}

static bool must_fail(void)
{
    calls++;
    if (left == 0)
        return false;
    if (before > 0) {
        before--;
        return false;
    }
    left--;
    failed++;
    WSASetLastError(failure);
    return true;
}

typedef int(WSAAPI *sendto_fn)(SOCKET, const char *, int, int,
                               const struct sockaddr *, int);

static int WSAAPI send_one(SOCKET fd, const char *data, int size, int flags,
                           const struct sockaddr *to, int to_size)
{
    if (must_fail())
        return SOCKET_ERROR;
    return ((sendto_fn)win_real(L"ws2_32.dll", "sendto"))(fd, data, size, flags,
                                                          to, to_size);
}

extern const sendto_fn replaced_sendto __asm__(WIN_IMPORT(sendto, 24));
const sendto_fn replaced_sendto = send_one;
