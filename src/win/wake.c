/* wake.c - the socket that any thread can make readable. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "core/backend.h"
#include "win/win.h"

static int wake_connect_with_itself(sys_fd fd)
{
    rondo_address self;
    assert(fd != SYS_NO_FD);
    (void)rondo_address_parse(&self, "127.0.0.1", 0);
    int error = sys_bind(fd, &self);
    if (!error)
        error = sys_local_address(fd, &self);
    return error ? error : sys_connect(fd, &self);
}

/* A datagram socket of the loopback that is connected with itself: once it is,
 * nobody else can send to it. */
int wake_open(struct wake *wake)
{
    wake->fd[0] = wake->fd[1] = SYS_NO_FD;
    int error = win_socket(AF_INET, SOCK_DGRAM, 0, &wake->fd[0]);
    if (error)
        return error_os(error, "socket");
    wake->fd[1] = wake->fd[0];
    error = wake_connect_with_itself(wake->fd[0]);
    if (error) {
        (void)error_os(error, "the wake-up");
        wake_close(wake);
    }
    assert(!error == (wake->fd[0] != SYS_NO_FD));
    return error;
}

/* The number is another socket's soon: who wakes or closes again must not reach
 * that one. */
void wake_close(struct wake *wake)
{
    assert(wake->fd[0] == wake->fd[1]);
    sys_close(wake->fd[0]);
    wake->fd[0] = wake->fd[1] = SYS_NO_FD;
}

/* Is it worth trying once more? A full buffer already holds a wake-up; but Wine
 * also says WSAEWOULDBLOCK while another thread sends, though the wake-up of
 * that one may be taken already. Without room for a buffer nothing would ever
 * wake the loop. */
static bool wake_is_lost(const struct wake *wake, int os_error)
{
    u_long bytes = 0;
    if (os_error == WSAEWOULDBLOCK)
        return ioctlsocket(wake->fd[0], FIONREAD, &bytes) == 0 && !bytes;
    return win_lacks_room((DWORD)os_error);
}

void wake_send(const struct wake *wake)
{
    int before = WSAGetLastError();
    while (send(wake->fd[1], "", 1, 0) < 0 &&
           wake_is_lost(wake, WSAGetLastError()))
        Sleep(1);
    WSASetLastError(before);
}

int wake_drain(const struct wake *wake)
{
    char byte;
    assert(wake->fd[0] == wake->fd[1]);
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
#endif
