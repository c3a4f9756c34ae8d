/* wake.c - the socket that any thread can make readable. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/backend.h"
#include "win/win.h"

/* A datagram socket of the loopback's that is connected to itself: nobody
 * else can send to it. */
int wake_open(struct wake *wake)
{
    rondo_address self;
    sys_fd s;
    int error = win_socket(AF_INET, SOCK_DGRAM, 0, &s);
    if (error)
        return error_os(error, "socket");
    wake->fd[0] = wake->fd[1] = s;
    (void)rondo_address_parse(&self, "127.0.0.1", 0);
    error = sys_bind(s, &self);
    if (!error)
        error = sys_local_address(s, &self);
    if (!error)
        error = sys_connect(s, &self);
    if (!error)
        return 0;
    (void)error_os(error, "the wake-up");
    wake_close(wake);
    return error;
}

void wake_close(struct wake *wake)
{
    sys_close(wake->fd[0]);
}

void wake_send(const struct wake *wake)
{
    int before = WSAGetLastError();
    /* A full buffer already holds a wake-up. Without room for a buffer nothing
     * would ever wake the loop. */
    while (send(wake->fd[1], "", 1, 0) < 0 &&
           win_lacks_room((DWORD)WSAGetLastError()))
        Sleep(1);
    WSASetLastError(before);
}

int wake_drain(const struct wake *wake)
{
    char byte;
    /* WSAEMSGSIZE: a longer datagram that somebody else sent between bind and
     * connect. */
    while (recv(wake->fd[0], &byte, 1, 0) >= 0 ||
           WSAGetLastError() == WSAEMSGSIZE)
        ;
    int os_error = WSAGetLastError();
    return os_error == WSAEWOULDBLOCK
               ? 0
               : error_os(error_from_os(os_error), "recv");
}
