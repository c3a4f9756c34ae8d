/* udp_uv.c - the UDP echo over libuv, receiving by recvmmsg, answering by
 * uv_udp_try_send; --mode single receives one at a time. */
/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <uv.h>

enum { BATCH = 20 }; /* as many as libuv takes at a time */

static struct serve serve;
static uv_udp_t udp;
static char buffer[BATCH * RECEIVE_SIZE];

static void allocate(uv_handle_t *handle, size_t hint, uv_buf_t *room)
{
    (void)handle;
    (void)hint;
    *room = uv_buf_init(buffer, uv_udp_using_recvmmsg(&udp) ? sizeof buffer
                                                            : RECEIVE_SIZE);
}

static void received(uv_udp_t *handle, ssize_t got, const uv_buf_t *room,
                     const struct sockaddr *from, unsigned flags)
{
    (void)flags;
    if (got < 0) {
        serve_die("received");
    }
    if (!from) {
        return;
    }
    if (got == 0) {
        uv_close((uv_handle_t *)handle, NULL);
        return;
    }
    uv_buf_t data = uv_buf_init(room->base, (unsigned)got);
    serve.bytes += (size_t)got;
    if (uv_udp_try_send(handle, &data, 1, from) < 0) {
        serve_die("uv_udp_try_send");
    }
}

int main(int argc, char **argv)
{
    uv_loop_t loop;
    uv_os_fd_t fd;
    struct sockaddr_in address = {.sin_family = AF_INET};
    serve_options(&serve, argc, argv, "single");
    unsigned flags = AF_INET;
    if (strcmp(serve.mode, "single") != 0) {
        flags |= UV_UDP_RECVMMSG;
    }
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (uv_loop_init(&loop) < 0 || uv_udp_init_ex(&loop, &udp, flags) < 0 ||
        uv_udp_bind(&udp, (const struct sockaddr *)&address, 0) < 0 ||
        uv_fileno((uv_handle_t *)&udp, &fd) < 0 ||
        uv_udp_recv_start(&udp, allocate, received) < 0) {
        serve_die("uv_udp");
    }
    serve_announce(fd);
    uv_run(&loop, UV_RUN_DEFAULT);
    serve_report(&serve);
    return uv_loop_close(&loop) < 0;
}
