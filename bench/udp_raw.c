/* udp_raw.c - the measure: a UDP echo by hand, one recvfrom and one sendto for
 * each datagram; --mode batch takes recvmmsg and sendmmsg. */
/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 32 };

static struct serve serve;

static void echo_one_by_one(int fd)
{
    static char buffer[RECEIVE_SIZE];
    struct sockaddr_in from;
    for (;;) {
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(fd, buffer, sizeof buffer, 0,
                               (struct sockaddr *)&from, &size);
        if (got < 0) {
            serve_die("recvfrom");
        }
        if (got == 0) {
            return;
        }
        serve.bytes += (size_t)got;
        if (sendto(fd, buffer, (size_t)got, 0, (struct sockaddr *)&from, size) <
            0) {
            serve_die("sendto");
        }
    }
}

static void echo_batches(int fd)
{
    static char buffers[BATCH][RECEIVE_SIZE + 192];
    static struct sockaddr_in from[BATCH];
    struct mmsghdr heads[BATCH];
    struct iovec parts[BATCH];
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){buffers[i], RECEIVE_SIZE};
            heads[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                               .msg_namelen = sizeof from[i],
                                               .msg_iov = &parts[i],
                                               .msg_iovlen = 1};
        }
        int got = recvmmsg(fd, heads, BATCH, MSG_WAITFORONE, NULL);
        if (got < 0) {
            serve_die("recvmmsg");
        }
        for (int i = 0; i < got; i++) {
            if (heads[i].msg_len == 0) {
                return;
            }
            parts[i].iov_len = heads[i].msg_len;
            serve.bytes += heads[i].msg_len;
        }
        for (int sent = 0; sent < got;) {
            int more = sendmmsg(fd, heads + sent, (unsigned)(got - sent), 0);
            if (more < 0) {
                serve_die("sendmmsg");
            }
            sent += more;
        }
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    serve_options(&serve, argc, argv, "batch");
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        serve_die("bind");
    }
    serve_announce(fd);
    if (strcmp(serve.mode, "batch") == 0) {
        echo_batches(fd);
    } else {
        echo_one_by_one(fd);
    }
    serve_report(&serve);
    return 0;
}
