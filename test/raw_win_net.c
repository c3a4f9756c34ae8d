/* raw_win_net.c - the sockets of raw_net.h on Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_win.h"

#include <iphlpapi.h>
#include <string.h>

raw_fd raw_tcp(void)
{
    return win_new_socket(AF_INET, SOCK_STREAM);
}

raw_fd raw_reserve_port(uint16_t *port)
{
    struct sockaddr_in a = win_loopback(0);
    raw_fd fd = raw_tcp();

    if (bind(win_socket_of(fd), (struct sockaddr *)&a, sizeof a) != 0) {
        raw_close(fd);
        return RONDO_NO_FD;
    }
    *port = raw_local_port(fd);
    return fd;
}

/* a socket of the address's family */
static raw_fd stream_for(const rondo_address *address, int *size,
                         const struct sockaddr **native)
{
    size_t n = 0;
    raw_fd fd;

    *native = rondo_address_native(address, &n);
    *size = (int)n;
    fd = win_new_socket((*native)->sa_family, SOCK_STREAM);
    if (fd != RONDO_NO_FD && (*native)->sa_family == AF_INET6) {
        DWORD on = 1;

        (void)setsockopt(win_socket_of(fd), IPPROTO_IPV6, IPV6_V6ONLY,
                         (const char *)&on, sizeof on);
    }
    return fd;
}

raw_fd raw_listen_at(const rondo_address *address)
{
    const struct sockaddr *native;
    int size;
    raw_fd fd = stream_for(address, &size, &native);

    if (fd != RONDO_NO_FD && bind(win_socket_of(fd), native, size) == 0 &&
        listen(win_socket_of(fd), 16) == 0)
        return fd;
    raw_close(fd);
    return RONDO_NO_FD;
}

raw_fd raw_connect_at(const rondo_address *address)
{
    const struct sockaddr *native;
    int size;
    raw_fd fd = stream_for(address, &size, &native);

    if (fd != RONDO_NO_FD && connect(win_socket_of(fd), native, size) == 0)
        return fd;
    raw_close(fd);
    return RONDO_NO_FD;
}

bool raw_has_inet6(void)
{
    rondo_address a;
    raw_fd fd;

    if (rondo_address_parse(&a, "::1", 0) < 0)
        return false;
    fd = raw_listen_at(&a);
    raw_close(fd);
    return fd != RONDO_NO_FD;
}

void raw_set_nonblocking(raw_fd fd)
{
    u_long on = 1;

    (void)ioctlsocket(win_socket_of(fd), (long)FIONBIO, &on);
}

/* Windows does not tell; a receive of nothing does, by how it ends. */
bool raw_is_blocking(raw_fd fd)
{
    DWORD ms = 1, never = 0;
    char byte;
    int n, why;

    if (!win_is_socket(fd))
        return true; /* calls of handles wait, as they were opened */
    (void)setsockopt(win_socket_of(fd), SOL_SOCKET, SO_RCVTIMEO,
                     (const char *)&ms, sizeof ms);
    n = recv(win_socket_of(fd), &byte, 1, MSG_PEEK);
    why = WSAGetLastError();
    (void)setsockopt(win_socket_of(fd), SOL_SOCKET, SO_RCVTIMEO,
                     (const char *)&never, sizeof never);
    return n < 0 && why == WSAETIMEDOUT;
}

static raw_fd connect_start_at(const rondo_address *address)
{
    const struct sockaddr *native;
    int size;
    raw_fd fd = stream_for(address, &size, &native);

    if (fd == RONDO_NO_FD)
        return RONDO_NO_FD;
    raw_set_nonblocking(fd);
    if (connect(win_socket_of(fd), native, size) == 0 ||
        WSAGetLastError() == WSAEWOULDBLOCK)
        return fd;
    raw_close(fd);
    return RONDO_NO_FD;
}

raw_fd raw_connect_start(uint16_t port)
{
    rondo_address a;

    (void)rondo_address_parse(&a, "127.0.0.1", port);
    return connect_start_at(&a);
}

static int read_option(raw_fd fd, int level, int name)
{
    DWORD value = 0;
    int size = sizeof value;

    if (getsockopt(win_socket_of(fd), level, name, (char *)&value, &size) != 0)
        return -1;
    return value != 0;
}

int raw_no_delay(raw_fd fd)
{
    return read_option(fd, IPPROTO_TCP, TCP_NODELAY);
}

int raw_keep_alive(raw_fd fd)
{
    return read_option(fd, SOL_SOCKET, SO_KEEPALIVE);
}

/* Whether the connect has an outcome within a time that a handshake over
 * loopback needs a thousandth of. */
static bool is_decided(raw_fd fd)
{
    return win_wait_for(fd, false, 300);
}

bool raw_give_to_a_port(raw_fd fd)
{
    HANDLE port = CreateIoCompletionPort(win_handle_of(fd), NULL, 0, 1);

    if (port)
        (void)CloseHandle(port); /* the socket keeps it */
    return port != NULL;
}

bool raw_black_hole_open_at(struct raw_black_hole *hole,
                            const rondo_address *address)
{
    size_t count = sizeof hole->fillers / sizeof hole->fillers[0];
    rondo_address a = *address;

    for (size_t i = 0; i < count; i++)
        hole->fillers[i] = RONDO_NO_FD;
    hole->listener = raw_listen_at(&a);
    if (hole->listener != RONDO_NO_FD &&
        listen(win_socket_of(hole->listener), 0) == 0) {
        hole->port = raw_local_port(hole->listener);
        rondo_address_set_port(&a, hole->port);
        for (size_t i = 0; i < count; i++) {
            hole->fillers[i] = connect_start_at(&a);
            if (hole->fillers[i] == RONDO_NO_FD)
                break;
            if (!is_decided(hole->fillers[i]))
                return true;
        }
    }
    raw_black_hole_close(hole);
    return false;
}

bool raw_black_hole_open(struct raw_black_hole *hole)
{
    rondo_address a;

    (void)rondo_address_parse(&a, "127.0.0.1", 0);
    return raw_black_hole_open_at(hole, &a);
}

void raw_black_hole_close(struct raw_black_hole *hole)
{
    size_t count = sizeof hole->fillers / sizeof hole->fillers[0];

    for (size_t i = 0; i < count; i++)
        raw_close(hole->fillers[i]);
    raw_close(hole->listener);
}

size_t raw_native_inet(void *room128, const unsigned char ip[4], uint16_t port,
                       int filler)
{
    struct sockaddr_in a;

    memset(&a, filler, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    memcpy(&a.sin_addr, ip, 4);
    memcpy(room128, &a, sizeof a);
    return sizeof a;
}

size_t raw_native_unknown(void *room128)
{
    struct sockaddr a;

    memset(&a, 0, sizeof a);
    a.sa_family = 200;
    memcpy(room128, &a, sizeof a);
    return sizeof a;
}

bool raw_interface_name(uint32_t index, char *name, size_t size)
{
    char text[IF_NAMESIZE];

    if (!if_indextoname(index, text) || strlen(text) >= size)
        return false;
    memcpy(name, text, strlen(text) + 1);
    return true;
}
